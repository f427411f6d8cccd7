//! The two batch scripts, as text: pure functions of what is submitted.

use super::profile::{Profile, GRACE};
use crate::ablation::invocation::Invocation;
use crate::fault::Exit;
use std::path::{Path, PathBuf};

/// Kills (not stops) of one task after which it is left alone: what kills it will do so again.
const KILLS: u32 = 3;

/// What the scripts say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script<'a> {
    /// How the program is started; what is started is the copy in `folder`.
    pub invocation: &'a Invocation,
    /// The ablation.
    pub name: &'a str,
    /// Number of array tasks; they count from 1.
    pub tasks: usize,
    /// Folder of the submission, absolute.
    pub folder: &'a Path,
    pub profile: &'a Profile,
}

impl Script<'_> {
    /// The array job: one task of the ablation each.
    pub fn array(&self) -> String {
        let throttle = self.profile.throttle.map_or(String::new(), |n| format!("%{n}"));
        let mut text = self.head("", &format!("--array=1-{}{throttle}", self.tasks), "task-%a.log");
        let own = |name: &str, value: Option<String>| {
            value.map_or(String::new(), |v| format!("#SBATCH --{name}={v}\n"))
        };
        text += &own("cpus-per-task", self.profile.cpus.map(|n| n.to_string()));
        text += &own("mem", self.profile.mem.clone());
        text += &own("gres", self.profile.gres.clone());
        text +=
            &format!("#SBATCH --requeue\n#SBATCH --signal=B:USR1@{}\n", self.profile.grace.unwrap_or(GRACE));
        text += &self.body();
        let options = self.invocation.options_on(self.invocation.devices.first());
        let (options, flags) = (line(&options), line(&self.invocation.flags));
        let resumable = Exit::RESUMABLE.map(|exit| (exit as i32).to_string()).join(" | ");
        text + &ARRAY
            .replace("{stopped}", &(Exit::Stopped as i32).to_string())
            .replace("{resumable}", &resumable)
            .replace("{name}", self.name)
            .replace("{kills}", &KILLS.to_string())
            .replace("{options}", &options)
            .replace("{flags}", &flags)
    }

    /// The job that runs when every task has ended, however it did.
    pub fn report(&self) -> String {
        let mut text = self.head("-report", "--requeue", "report.log");
        text += &self.body();
        let name = quote(&format!("{}.ron", self.name));
        let (options, flags) = (line(&self.invocation.options), line(&self.invocation.flags));
        let reports = quote(&self.invocation.reports.display().to_string());
        text + &format!(
            "\nexec \"$here/nano4m\"{options} ablate \"$here\"/{name} --collect --reports {reports}{flags}\n"
        )
    }

    fn head(&self, suffix: &str, first: &str, log: &str) -> String {
        let p = self.profile;
        let mut text = format!("#!/usr/bin/env bash\n#SBATCH --job-name={}{suffix}\n", job_name(self.name));
        let mut option = |line: String| text += &format!("#SBATCH {line}\n");
        option(first.into());
        option(format!("--output={}", directive(&self.folder.join(log), log)));
        option("--open-mode=append".into());
        option(format!("--chdir={}", directive(&self.invocation.directory, "")));
        let time = p.time_directive();
        for (name, value) in
            [("partition", &p.partition), ("account", &p.account), ("qos", &p.qos), ("time", &time)]
        {
            value.iter().for_each(|v| option(format!("--{name}={v}")));
        }
        p.extra.iter().for_each(|line| option(line.clone()));
        text
    }

    fn body(&self) -> String {
        let mut text = format!(
            "\nhere={}\nexport NANO4M_CACHE={}\n",
            quote(&self.folder.display().to_string()),
            quote(&self.invocation.cache.display().to_string())
        );
        self.profile.setup.iter().for_each(|line| text += &format!("{line}\n"));
        text
    }
}

const ARRAY: &str = r#"
# One run of the ablation `{name}` per task. A signal (the time limit is near, preemption) is passed on; the
# program writes a checkpoint and exits with {stopped}, and the task requeues itself. The next start resumes.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
manifest=$here/tasks/$SLURM_ARRAY_TASK_ID.ron
identity=$(cat "$here/tasks/$SLURM_ARRAY_TASK_ID.identity") || exit 1
cell=$(cat "$here/tasks/$SLURM_ARRAY_TASK_ID.cell") || exit 1

requeue() {
    local state=
    for _ in 1 2 3 4 5; do
        state=$(squeue --noheader --format=%T --jobs="$SLURM_JOB_ID") && break
        sleep 5
    done
    # A cancelled task stays cancelled, and what Slurm has requeued itself is not requeued twice.
    if [ "$state" = RUNNING ] && scontrol requeue "$task"; then exit 0; fi
    exit "$code"
}

child=
trap '[ -z "$child" ] || kill -USR1 "$child" 2>/dev/null' USR1 USR2 TERM
"$here/nano4m"{options} --threads "${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}" \
    run "$manifest" --for "$cell" --identity "$identity" --wait{flags} &
child=$!
# A trapped signal ends `wait`, not the program.
while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
wait "$child"; code=$?

case $code in
    {resumable}) requeue ;;
esac
if [ "$code" -gt 128 ]; then
    # Killed: by the node's end, by hand, or for its memory; then it would be again.
    echo "task $task: killed by signal $((code - 128))" >&2
    echo "$code" >>"$here/task-$SLURM_ARRAY_TASK_ID.killed"
    [ "$(wc -l <"$here/task-$SLURM_ARRAY_TASK_ID.killed")" -gt {kills} ] || requeue
    echo "task $task: killed more than {kills} times; see its memory limit" >&2
fi
exit "$code"
"#;

/// Name of the array job in Slurm's queue.
pub fn job_name(ablation: &str) -> String {
    format!("nano4m-{ablation}")
}

/// Words of a command, each quoted, with a blank before each.
fn line(words: &[String]) -> String {
    words.iter().map(|w| format!(" {}", quote(w))).collect()
}

/// One word of shell, whatever is in it.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path in an #SBATCH line: `%` begins a pattern there, except in `name`, where it is meant.
fn directive(path: &Path, name: &str) -> String {
    let folder: PathBuf = if name.is_empty() { path.into() } else { path.parent().unwrap_or(path).into() };
    let text = folder.display().to_string();
    let text = if name.is_empty() { text } else { format!("{}/{name}", text.replace('%', "%%")) };
    if text.contains(|c: char| c.is_whitespace() || "\"'\\#".contains(c)) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(profile: &Profile) -> (String, String) {
        let device = profile.device(None, true).unwrap();
        let invocation = Invocation {
            devices: device.into(),
            program: "/usr/bin/nano4m".into(),
            options: vec!["--runs".into(), "/shared/a b/runs".into()],
            flags: vec!["--allow-drift".into()],
            directory: "/home/me/100%".into(),
            cache: "/home/me/.cache/nano4m".into(),
            reports: "my reports".into(),
        };
        let folder = Path::new("/shared/a b/runs/ablations/masking/slurm/0001");
        let script = Script { invocation: &invocation, name: "masking", tasks: 6, folder, profile };
        (script.array(), script.report())
    }

    #[test]
    fn the_whole_scripts() {
        let profile = Profile {
            partition: Some("gpu".into()),
            account: Some("lab".into()),
            qos: None,
            time: Some("4:00:00".into()),
            gres: Some("gpu:1".into()),
            cpus: Some(8),
            mem: Some("16G".into()),
            throttle: Some(3),
            grace: Some(120),
            extra: vec!["--constraint=a100".into()],
            setup: vec!["module load cuda/12".into()],
        };
        let (array, report) = script(&profile);
        insta::assert_snapshot!("array_script", array);
        insta::assert_snapshot!("report_script", report);
    }

    #[test]
    fn what_is_not_asked_for_is_not_said() {
        let (array, _) = script(&Profile::default());
        assert!(array.contains(" --device cpu "));
        let asked: Vec<&str> = array.lines().filter_map(|l| l.strip_prefix("#SBATCH --")).collect();
        let names: Vec<&str> = asked.iter().map(|l| l.split('=').next().unwrap()).collect();
        assert_eq!(names, ["job-name", "array", "output", "open-mode", "chdir", "requeue", "signal"]);
    }

    #[test]
    fn the_shell_takes_both_scripts() {
        let (array, report) = script(&Profile::default());
        for text in [array, report] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.sh");
            std::fs::write(&path, text).unwrap();
            // Where there is no bash there is no Slurm either.
            let Ok(status) = std::process::Command::new("bash").arg("-n").arg(&path).status() else { return };
            assert!(status.success());
        }
    }

    #[test]
    fn words_survive_the_shell() {
        assert_eq!([quote("a/b_c.ron"), quote("it's"), quote("")], ["a/b_c.ron", r"'it'\''s'", "''"]);
    }
}
