//! Killed at any moment, in a checkpoint's write, while two processes start at once, in two PID namespaces: the
//! run goes on and ends with the same bytes. `NANO4M_KILLS=60` kills as often.

use crate::support::{json, Folder};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// 40 steps, a checkpoint every third, and as little to compute as there can be: what is killed is the writing.
const TINY: &str = r#"Experiment(
    schema: 1,
    name: "tiny",
    data: (synthetic: (classes: 2, clips: (16, 4, 8))),
    modalities: [
        (name: "tok_rgb@8", length: 8, vocab: 16),
        (name: "tok_audio@8", length: 8, vocab: 8),
    ],
    masking: (input_tokens: (2, 8), target_tokens: (2, 8)),
    model: (dim: 16, enc_depth: 1, dec_depth: 1, head_dim: 8),
    train: (batch: 4, tokens: 1280, tokens_per_sample: 8, warmup_tokens: 128, lr: 3e-3,
            eval_every: 8, checkpoint_every: 3, digest_every: 5),
    probes: [CrossEntropy(masks: 1)],
)
"#;

const RUN: [&str; 4] = ["--threads", "1", "run", "tiny.ron"];

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("tiny.ron", TINY);
    folder
}

/// Every file of a run but those that tell of times and starts, and the one column that is a time.
fn bytes(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["", "checkpoints", "probes"] {
        for entry in std::fs::read_dir(run.join(folder)).unwrap().flatten().filter(|e| e.path().is_file()) {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let mut bytes = std::fs::read(entry.path()).unwrap();
            if name == "/metrics.csv" {
                let text = String::from_utf8(bytes).unwrap();
                bytes =
                    text.lines().flat_map(|l| l.rsplit_once(',').unwrap().0.bytes().chain([b'\n'])).collect();
            }
            files.insert(name, bytes);
        }
    }
    let unstable = ["/log.txt", "/status.json", "/provenance.json", "/SHA256SUMS"];
    // What a write that was cut off has left has a name of its own; `gc` removes it.
    files.retain(|name, _| {
        !unstable.contains(&name.as_str()) && !name.contains("/.tmp-") && !name.contains("/.lock-")
    });
    files
}

/// A sequence that looks random and is the same each time.
struct Moments(u64);

impl Moments {
    /// In `0..below`.
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % below
    }
}

/// The program in a PID namespace of its own, which ends with its parent.
fn apart(folder: &Folder) -> Command {
    let inside = folder.std_command(&RUN);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(inside.get_program()).args(RUN);
    command.current_dir(folder.path("")).env("NANO4M_CACHE", folder.path("cache")).env_remove("NANO4M_RUNS");
    command
}

fn apart_is_allowed() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "true"]);
    command.stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until a checkpoint is half written, or the process has ended.
fn in_a_write(folder: &Folder, child: &mut Child, nth: u64) {
    let (begun, mut seen) = (Instant::now(), 0);
    let mut before = false;
    while child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60) {
        let run = std::fs::read_dir(folder.path("runs")).into_iter().flatten().flatten().next();
        let files = run.and_then(|r| std::fs::read_dir(r.path().join("checkpoints")).ok());
        let writing = files
            .into_iter()
            .flatten()
            .flatten()
            .any(|f| f.file_name().to_string_lossy().starts_with(".tmp-"));
        seen += u64::from(writing && !before);
        before = writing;
        if seen > nth {
            return;
        }
    }
}

#[test]
fn killed_at_any_moment_a_run_ends_with_the_same_bytes() {
    let kills: u64 = std::env::var("NANO4M_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let undisturbed = folder();
    let begun = Instant::now();
    undisturbed.nano4m(&RUN, 0);
    let whole = begun.elapsed().as_millis() as u64;
    let expected = bytes(&undisturbed.run());
    let two_namespaces = apart_is_allowed();
    if !two_namespaces {
        eprintln!("skipped: two PID namespaces, which `unshare` may not make here");
    }
    let mut moments = Moments(42);
    let mut counted = BTreeMap::new();
    for kill in 0..kills {
        let folder = folder();
        let mut first = start(folder.std_command(&RUN));
        let way = match kill % 4 {
            0 => "at any moment",
            1 => "in a write",
            2 => "two at once",
            _ if two_namespaces => "two namespaces",
            _ => "at any moment",
        };
        // The second is to be refused, or to find the run free or finished.
        let second = match way {
            "two at once" => Some(start(folder.std_command(&RUN))),
            "two namespaces" => Some(start(apart(&folder))),
            _ => None,
        };
        match way {
            "in a write" => in_a_write(&folder, &mut first, moments.next(12)),
            _ => std::thread::sleep(Duration::from_millis(moments.next(whole))),
        }
        first.kill().unwrap();
        let ended = first.wait().unwrap().code();
        assert!(ended.is_none() || matches!(ended, Some(0 | 1)), "{ended:?}");
        if let Some(mut second) = second {
            if moments.next(2) == 0 {
                second.kill().unwrap();
            }
            let ended = second.wait().unwrap().code();
            assert!(matches!(ended, None | Some(0 | 1 | 137)), "{way}: {ended:?}");
        }
        *counted.entry(way).or_insert(0) += 1;
        // One that ended with its namespace may need a moment.
        folder.command(&[&RUN[..], &["--wait"]].concat()).timeout(Duration::from_secs(120)).assert().code(0);
        let found = bytes(&folder.run());
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "kill {kill}, {way}");
        for (name, bytes) in &found {
            assert!(*bytes == expected[name], "kill {kill}, {way}: {name} differs");
        }
        assert_eq!(json(&folder.run().join("status.json"))["state"], "finished", "kill {kill}, {way}");
    }
    eprintln!("{kills} kills, {kills} equal ends: {counted:?}");
}

/// The number of a process means nothing in another namespace; the kernel's lock does.
#[test]
fn a_live_lock_is_not_stolen_from_another_pid_namespace() {
    if !apart_is_allowed() {
        eprintln!("skipped: two PID namespaces, which `unshare` may not make here");
        return;
    }
    for inside_first in [true, false] {
        let folder = folder();
        let (first, second) = match inside_first {
            true => (apart(&folder), folder.std_command(&RUN)),
            false => (folder.std_command(&RUN), apart(&folder)),
        };
        let long = ["--set", "train.tokens=16000"];
        let (mut first, mut second) = (first, second);
        let mut first = first.args(long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        folder.wait_for_rows(3);
        let refused = second.args(long).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("another process works on this run"), "{said}");
        assert_eq!(first.wait().unwrap().code(), Some(0), "the first is not disturbed");
    }
}
