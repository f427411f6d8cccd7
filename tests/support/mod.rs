//! A folder to run the program in, and a small synthetic experiment.
#![allow(dead_code)] // each binary uses its own part

use assert_cmd::assert::Assert;
use assert_cmd::Command;
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// 40 steps of a network of 34,208 parameters.
pub const SMALL: &str = r#"Experiment(
    schema: 1,
    name: "small",
    data: (synthetic: (classes: 4, clips: (64, 16, 32))),
    modalities: [
        (name: "tok_rgb@16", length: 16, vocab: 64),
        (name: "tok_audio@16", length: 16, vocab: 32, codebooks: 2, masking: Span(stride: 2)),
    ],
    masking: (input_tokens: (4, 16), target_tokens: (4, 16)),
    model: (dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 16),
    train: (batch: 16, tokens: 10240, tokens_per_sample: 16, warmup_tokens: 1024, lr: 3e-3,
            eval_every: 15, checkpoint_every: 10, digest_every: 5),
    probes: [CrossEntropy(masks: 2)],
)
"#;

/// Makes `SMALL` long enough to be interrupted: 1500 steps.
pub const LONG: [&str; 4] = ["--set", "train.tokens=384000", "--set", "train.digest_every=500"];

/// Makes `SMALL` outlast any test: 150,000 steps.
pub const ENDLESS: [&str; 4] = ["--set", "train.tokens=38400000", "--set", "train.digest_every=500"];

pub struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    /// With `small.ron` in it.
    pub fn new() -> Folder {
        let folder = Folder { dir: tempfile::tempdir().unwrap() };
        folder.write("small.ron", SMALL);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The program, in this folder, with an environment of its own.
    pub fn command(&self, args: &[&str]) -> Command {
        Command::from_std(self.std_command(args))
    }

    pub fn std_command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nano4m"));
        command.args(args).current_dir(self.dir.path());
        for name in ["NANO4M_RUNS", "NO_COLOR", "SOURCE_DATE_EPOCH", "RAYON_NUM_THREADS"] {
            command.env_remove(name);
        }
        command.env("NANO4M_CACHE", self.path("cache"));
        // Tests that were started by `nohup` or in the background of a script ignore these, and so would what they start.
        // SAFETY: `signal` may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                for number in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(number, libc::SIG_DFL);
                }
                Ok(())
            });
        }
        command
    }

    /// Runs and expects the exit code.
    pub fn nano4m(&self, args: &[&str], code: i32) -> Assert {
        self.command(args).timeout(Duration::from_secs(120)).assert().code(code)
    }

    /// Starts in the background.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.std_command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The only run directory.
    pub fn run(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.path("runs")).unwrap().flatten().map(|e| e.path());
        let runs: Vec<PathBuf> = entries.filter(|path| !path.ends_with("reports")).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// The run directory of that experiment.
    pub fn run_named(&self, name: &str) -> PathBuf {
        let runs = std::fs::read_dir(self.path("runs")).unwrap().flatten().map(|e| e.path());
        let named = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}-"));
        runs.into_iter().find(named).unwrap()
    }

    /// Waits until the only run has written `rows` rows of metrics.
    pub fn wait_for_rows(&self, rows: usize) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            let run = std::fs::read_dir(self.path("runs")).ok().and_then(|mut d| d.next()?.ok());
            let metrics = run.and_then(|r| std::fs::read_to_string(r.path().join("metrics.csv")).ok());
            if metrics.is_some_and(|m| m.lines().count() > rows) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("no {rows} steps in a minute");
    }
}

/// The numbers that must not depend on how a run came about: digests, metrics without times,
/// evaluations, per-example scores, the record.
pub fn results(run: &Path) -> Vec<(String, String)> {
    ["digests.csv", "metrics.csv", "eval.csv", "probes/cross_entropy.csv", "record.json"]
        .map(|name| {
            let text = std::fs::read_to_string(run.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            let kept = match name {
                "metrics.csv" => {
                    text.lines().map(|l| l.rsplit_once(',').unwrap().0).collect::<Vec<_>>().join("\n")
                }
                _ => text,
            };
            (name.to_string(), kept)
        })
        .to_vec()
}

/// Asserts equality file by file, so that a failure stays readable.
pub fn assert_same(a: &Path, b: &Path) {
    for ((name, x), (_, y)) in results(a).iter().zip(&results(b)) {
        let differing = x.lines().zip(y.lines()).find(|(p, q)| p != q);
        assert!(x == y, "{name} differs: {differing:?}");
    }
}

pub fn stderr(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

pub fn stdout(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Sends a signal.
pub fn signal(child: &Child, number: i32) {
    // SAFETY: the child is ours and has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, number) }, 0);
}
