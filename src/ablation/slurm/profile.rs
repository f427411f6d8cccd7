//! What is asked of Slurm: a small RON file, flags over it.
//!
//! ```ron
//! Slurm(
//!     partition: "gpu", account: "lab", time: "4:00:00", cpus: 8, mem: "16G", gres: "gpu:1",
//!     throttle: 16,                       // tasks at the same time
//!     grace: 120,                         // seconds before the time limit to write a checkpoint
//!     extra: ["--constraint=a100"],       // further options of sbatch
//!     setup: ["module load cuda/12"],     // shell lines before the program
//! )
//! ```

use super::time_limit;
use crate::fault::{Fault, Result};
use crate::manifest::reading::{self, Wrong};
use crate::manifest::{file, Diagnostic, Diagnostics};
use crate::place::{Device, Devices};
use serde::Deserialize;
use std::path::Path;

/// Options of the jobs; absent: whatever the cluster's default is. One struct for both, so that a flag cannot
/// lack its field: the words on the fields are the help of `nano4m ablate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(rename = "Slurm", default, deny_unknown_fields)]
pub struct Profile {
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub qos: Option<String>,
    /// Time limit of a task, e.g. 2h, or as sbatch takes it, e.g. 4:00:00; it may be shorter than a run
    #[arg(long, value_name = "LIMIT")]
    pub time: Option<String>,
    /// e.g. gpu:1: the tasks then run on --device cuda:0, the card that Slurm gives each
    #[arg(long, value_name = "LIST")]
    pub gres: Option<String>,
    /// CPUs, and so threads, of a task
    #[arg(long, value_name = "N")]
    pub cpus: Option<u32>,
    /// Memory of a task, e.g. 16G
    #[arg(long, value_name = "SIZE")]
    pub mem: Option<String>,
    /// Tasks at the same time
    #[arg(long, value_name = "N")]
    pub throttle: Option<u32>,
    /// Seconds before the time limit at which a task writes its checkpoint and requeues itself [default: 60]
    #[arg(long, value_name = "SECONDS")]
    pub grace: Option<u32>,
    /// A further option of sbatch, e.g. --sbatch=--constraint=a100 (repeatable)
    // With its dashes; of the report job too.
    #[arg(long = "sbatch", value_name = "OPTION", allow_hyphen_values = true)]
    pub extra: Vec<String>,
    /// Shell lines before the program is started, e.g. `module load …`; in a file only.
    #[arg(skip)]
    pub setup: Vec<String>,
}

/// Seconds before the time limit at which a task is asked for its checkpoint.
pub const GRACE: u32 = 60;

/// What the script itself sets, and would contradict; the time limit has a field, which `grace` is held against.
const OURS: [&str; 16] = [
    "--array",
    "-a",
    "--job-name",
    "-J",
    "--output",
    "-o",
    "--open-mode",
    "--requeue",
    "--no-requeue",
    "--signal",
    "--chdir",
    "-D",
    "--dependency",
    "-d",
    "--time",
    "-t",
];

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// Exit 2 with line and column, and the nearest name for an unknown field.
    pub fn read(path: &Path) -> Result<Profile> {
        let name = path.display().to_string();
        let invalid = |items: Vec<Diagnostic>| Diagnostics { kind: "Slurm profile", items };
        let text = file::text(path, "Slurm profile")
            .map_err(|finding| invalid(vec![Diagnostic::new(finding, &name, None)]))?;
        Ok(Profile::parse(&text, &name)?)
    }

    /// A profile's text; `name` is only named in messages.
    ///
    /// # Errors
    /// Everything that is wrong with its writing.
    pub fn parse(text: &str, name: &str) -> std::result::Result<Profile, Diagnostics> {
        let read = reading::of_text::<Profile>(text);
        read.exact().map_err(|wrong| {
            let placed = |w: Wrong| Diagnostic::in_text(w.finding, name, (text, w.span));
            Diagnostics { kind: "Slurm profile", items: wrong.into_iter().map(placed).collect() }
        })
    }

    /// `self` with everything that `flags` gives in its place; lists are joined.
    pub fn with(self, flags: Profile) -> Profile {
        let joined = |mut a: Vec<String>, b: Vec<String>| {
            a.extend(b);
            a
        };
        Profile {
            partition: flags.partition.or(self.partition),
            account: flags.account.or(self.account),
            qos: flags.qos.or(self.qos),
            time: flags.time.or(self.time),
            gres: flags.gres.or(self.gres),
            cpus: flags.cpus.or(self.cpus),
            mem: flags.mem.or(self.mem),
            throttle: flags.throttle.or(self.throttle),
            grace: flags.grace.or(self.grace),
            extra: joined(self.extra, flags.extra),
            setup: joined(self.setup, flags.setup),
        }
    }

    /// Refuses what would break the script instead of changing it.
    ///
    /// # Errors
    /// Exit 2 with the field.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, found: &str, expected: &str| {
            Err(Fault::invalid(format!("`{field}` of the Slurm options cannot be used"))
                .found(format!("{found:?}"))
                .expected(expected))
        };
        self.limits()?;
        for (field, value) in self.words() {
            if value.is_empty()
                || value.len() > 256
                || value.contains(|c: char| c.is_control() || c.is_whitespace() || c == '#')
            {
                return wrong(field, value, "one word");
            }
        }
        for (field, value, most) in
            [("cpus", self.cpus, 4096), ("throttle", self.throttle, 100_000), ("grace", self.grace, 86_400)]
        {
            if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
                return wrong(field, &value.to_string(), &format!("1 to {most}"));
            }
        }
        for line in &self.extra {
            let name = line.split(['=', ' ']).next().unwrap_or_default();
            if !line.starts_with('-') || line.contains(char::is_control) {
                return wrong("extra", line, "an option of sbatch on one line, e.g. --constraint=a100");
            }
            if is_ours(name) {
                return wrong("extra", line, "an option that the array script does not set itself");
            }
        }
        match self.setup.iter().find(|line| line.contains(|c: char| c.is_control() && c != '\t')) {
            Some(line) => wrong("setup", line, "one line of shell in each entry"),
            None => Ok(()),
        }
    }

    /// Refuses limits that sbatch would refuse, and a checkpoint that would be asked for before the start.
    fn limits(&self) -> Result<()> {
        let wrong = |field: &str, found: &str, expected: String| {
            Err(Fault::invalid(format!("`{field}` of the Slurm options cannot be used"))
                .found(format!("{found:?}"))
                .expected(expected))
        };
        if let Some(mem) = &self.mem {
            let digits = mem.trim_end_matches(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']);
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            if !plain || mem.len() > digits.len() + 1 {
                return wrong("mem", mem, "a size such as 16G, or megabytes".into());
            }
        }
        let Some(time) = &self.time else { return Ok(()) };
        let seconds = match time_limit::seconds(time) {
            Ok(seconds) => seconds,
            Err(expected) => return wrong("time", time, expected),
        };
        let grace = u64::from(self.grace.unwrap_or(GRACE));
        match seconds {
            Some(limit) if limit <= grace => wrong(
                "time",
                time,
                format!("more than the {grace} seconds before its end at which a checkpoint is asked for (`grace`)"),
            ),
            _ => Ok(()),
        }
    }

    /// What a task runs on: what was named, else the card that Slurm is asked for, else the CPU. Slurm shows a task
    /// its own cards only (CUDA_VISIBLE_DEVICES), whichever they are on their node: the first is cuda:0.
    ///
    /// # Errors
    /// Exit 2 for any other card, and for a card that the program, `built` with CUDA or not, cannot use.
    pub fn device(&self, named: Option<&Devices>, built: bool) -> Result<Device> {
        let card = Device::Cuda(0);
        let device = match named {
            Some(devices) if devices.first() != card || devices.only().is_err() => {
                let cpu = *devices == Device::Cpu.into();
                let wrong = Fault::invalid("a task of Slurm runs on the card that Slurm gives it")
                    .found(format!("--device {devices}"))
                    .expected("--device cuda:0, which is that card, or cpu")
                    .help("`--throttle N` says how many tasks run at the same time");
                return if cpu { Ok(Device::Cpu) } else { Err(wrong) };
            }
            Some(_) => card,
            None if self.asks_for_a_card() => card,
            None => Device::Cpu,
        };
        if device == card && !built {
            return Err(Fault::invalid(
                "the tasks would run on a card, and this program was built without CUDA",
            )
            .help("submit with one that was built with `--features cuda`, or say `--device cpu`"));
        }
        Ok(device)
    }

    /// Whether a task is given a GPU.
    pub fn asks_for_a_card(&self) -> bool {
        let is_gpu = |resource: &str| {
            let resource = resource.strip_prefix("gres/").unwrap_or(resource);
            resource == "gpu" || resource.starts_with("gpu:") || resource.starts_with("gpu=")
        };
        let gres = |list: &str| list.split(',').any(is_gpu);
        // `--gpus`, `--gpus-per-task` and so on, `-G 1`, `--gres=gpu:1`.
        let of_sbatch = |option: &String| {
            let value = option.strip_prefix("--gres").map(|rest| rest.trim_start_matches(['=', ' ']));
            option.starts_with("--gpus") || option.starts_with("-G") || value.is_some_and(gres)
        };
        self.gres.as_deref().is_some_and(gres) || self.extra.iter().any(of_sbatch)
    }

    /// The time limit as sbatch takes it.
    pub fn time_directive(&self) -> Option<String> {
        self.time.as_ref().map(|time| time_limit::directive(time).unwrap_or_else(|_| time.clone()))
    }

    /// The options that are one word each, as `(field, value)`.
    fn words(&self) -> Vec<(&'static str, &str)> {
        let options = [
            ("partition", &self.partition),
            ("account", &self.account),
            ("qos", &self.qos),
            ("time", &self.time),
            ("gres", &self.gres),
            ("mem", &self.mem),
        ];
        options.into_iter().filter_map(|(field, value)| Some((field, value.as_deref()?))).collect()
    }
}

/// Also abbreviated, and with its value behind its letter, as sbatch takes both.
fn is_ours(name: &str) -> bool {
    if name.starts_with("--") {
        name.len() > 2 && OURS.iter().any(|ours| ours.starts_with(name))
    } else {
        OURS.iter().any(|ours| ours.len() == 2 && name.starts_with(ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Profile> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slurm.ron");
        std::fs::write(&path, text).unwrap();
        Profile::read(&path)
    }

    #[test]
    fn flags_go_before_the_file() {
        let file = read(r#"Slurm(partition: "gpu", cpus: 8, throttle: 4, extra: ["--exclusive"])"#).unwrap();
        let flags =
            Profile { partition: Some("cpu".into()), extra: vec!["--nice".into()], ..Profile::default() };
        let both = file.with(flags);
        assert_eq!((both.partition.as_deref(), both.cpus, both.throttle), (Some("cpu"), Some(8), Some(4)));
        assert_eq!(both.extra, ["--exclusive", "--nice"]);
        both.check().unwrap();
    }

    #[test]
    fn a_limit_that_sbatch_would_refuse_is_refused_before_and_2h_is_its_two_hours() {
        let of = |time: &str, mem: Option<&str>| Profile {
            time: Some(time.into()),
            mem: mem.map(String::from),
            ..Profile::default()
        };
        of("2h", Some("16G")).check().unwrap();
        assert_eq!(of("2h", None).time_directive().as_deref(), Some("02:00:00"));
        for (time, mem, field) in [
            ("2 hours", None, "time"),
            ("2hours", None, "time"),
            ("1:00", None, "time"),
            ("2h", Some("16GB"), "mem"),
            ("2h", Some("G"), "mem"),
        ] {
            let fault = of(time, mem).check().unwrap_err();
            assert!(fault.what.contains(&format!("`{field}`")), "{fault}");
            assert_ne!(fault.expected.as_deref(), Some("one word"), "{fault}");
        }
    }

    #[test]
    fn tasks_run_on_the_card_that_is_asked_for() {
        let gres = |list: &str| Profile { gres: Some(list.into()), ..Profile::default() };
        let extra = |option: &str| Profile { extra: vec![option.into()], ..Profile::default() };
        for profile in [
            gres("gpu"),
            gres("gpu:a100:1"),
            gres("nvme:1,gres/gpu:1"),
            extra("--gpus=1"),
            extra("--gpus-per-task 1"),
            extra("-G1"),
            extra("--gres=gpu:1"),
        ] {
            assert_eq!(profile.device(None, true), Ok(Device::Cuda(0)), "{profile:?}");
            assert!(profile.device(None, false).unwrap_err().help.unwrap().contains("--features cuda"));
            assert_eq!(profile.device(Some(&Device::Cpu.into()), false), Ok(Device::Cpu));
        }
        for profile in [Profile::default(), gres("nvme:1"), extra("--constraint=gpu"), extra("--gres=tmp:1")]
        {
            assert_eq!(profile.device(None, false), Ok(Device::Cpu), "{profile:?}");
            assert_eq!(profile.device(Some(&Device::Cuda(0).into()), true), Ok(Device::Cuda(0)));
        }
        for other in ["cuda:1", "cuda:0,cuda:1"] {
            let fault = gres("gpu:2").device(Some(&other.parse().unwrap()), true).unwrap_err();
            assert!(fault.found.unwrap().contains(other));
        }
    }

    #[test]
    fn a_slip_gets_its_place_and_the_nearest_name() {
        let fault = read("Slurm(\n    partion: \"gpu\",\n)").unwrap_err();
        let shown = fault.to_string();
        assert!(shown.contains("did you mean `partition`?") && shown.contains(":2:5"), "{fault}");
        let all = Profile::parse("Slurm(cpus: \"x\", tme: \"1\", mem: 16)", "s.ron").unwrap_err();
        assert_eq!(all.errors(), 3, "{all}");
    }

    #[test]
    fn what_would_break_the_script_is_refused() {
        let refused = |profile: Profile| profile.check().unwrap_err().what;
        let word = |time: &str| Profile { time: Some(time.into()), ..Profile::default() };
        for time in ["", "1:00\n#SBATCH --wrap=x", "1 day", "1#"] {
            assert!(refused(word(time)).contains("`time`"), "{time:?}");
        }
        assert!(refused(Profile { throttle: Some(u32::MAX), ..Profile::default() }).contains("`throttle`"));
        assert!(refused(Profile { cpus: Some(0), ..Profile::default() }).contains("`cpus`"));
        for extra in [
            "exclusive",
            "--signal=B:KILL@5",
            "-a 1-9",
            "-a1-9",
            "-Jx",
            "--arra=1-9",
            "--depend=singleton",
            "--time=5:00",
            "-t5",
            "--x\n#SBATCH",
        ] {
            let profile = Profile { extra: vec![extra.into()], ..Profile::default() };
            assert!(refused(profile).contains("`extra`"), "{extra}");
        }
        for line in ["a\nb", "a\rb", "a\0"] {
            assert!(refused(Profile { setup: vec![line.into()], ..Profile::default() }).contains("`setup`"));
        }
        for extra in ["--constraint=a100", "--exclusive", "-n1", "--time-min=5", "--nice", "--comment=-a"] {
            Profile { extra: vec![extra.into()], ..Profile::default() }.check().unwrap();
        }
    }
}
