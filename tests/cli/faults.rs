//! Bad input through the command line: a clear message, the documented exit code, nothing lost.

use crate::support::{assert_same, json, stderr, stdout, Folder, LONG, SMALL};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn bad_usage_is_2() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["rum", "small.ron"],
        &["run"],
        &["run", "small.ron", "--stop-after", "x"],
        &["run", "small.ron", "--max-time", "3 weeks"],
        &["--device", "gpu", "run", "small.ron"],
        &["eval"],
        &["eval", "latest", "--checkpoint", "x"],
        &["show", "nothing"],
        &["resume", "latest"],
    ] {
        let assert = folder.nano4m(arguments, 2);
        says(&stderr(&assert), &[]);
        assert_eq!(stdout(&assert), "", "errors go to stderr");
    }
    says(&stderr(&folder.nano4m(&["rum", "small.ron"], 2)), &["similar subcommand", "run"]);
}

#[test]
fn bad_manifests_are_2_with_place_and_suggestion() {
    let folder = Folder::new();
    let found = stderr(&folder.nano4m(&["run", "smal.ron"], 2));
    says(&found, &["did you mean", "small.ron"]);
    folder.write("bad.ron", &SMALL.replace("lr: 3e-3", "lr: NaN").replace("dim: 32", "dim: 33"));
    for command in ["run", "check"] {
        says(&stderr(&folder.nano4m(&[command, "bad.ron"], 2)), &["bad.ron:10:", "bad.ron:11:", "2 errors"]);
    }
    says(&stderr(&folder.nano4m(&["run", "small.ron", "--set", "train.lrr=1"], 2)), &["did you mean", "lr"]);
    assert!(!folder.path("runs").exists(), "nothing was made");
    let found = folder.nano4m(&["check", "bad.ron", "--json"], 2);
    let found: serde_json::Value = serde_json::from_str(&stdout(&found)).unwrap();
    assert_eq!(found["problems"].as_array().unwrap().len(), 2);
}

#[test]
fn missing_data_is_3_and_says_how_to_get_it() {
    let folder = Folder::new();
    let elsewhere = r#"(path: "nowhere.tar.zst", obtain: "ask the library")"#;
    folder.write("small.ron", &SMALL.replace("(synthetic: (classes: 4, clips: (64, 16, 32)))", elsewhere));
    says(&stderr(&folder.nano4m(&["run", "small.ron"], 3)), &["nowhere.tar.zst", "ask the library"]);
}

#[test]
fn pins_refuse_with_3_unless_drift_is_allowed_and_marked() {
    let folder = Folder::new();
    let pinned = SMALL
        .replace("probes: [", &format!("pins: (code: \"sha256:{}\"),\n    probes: [", "0123".repeat(16)));
    folder.write("pinned.ron", &pinned);
    let refused = stderr(&folder.nano4m(&["run", "pinned.ron"], 3));
    says(&refused, &["sha256:0123", "nano4m pin pinned.ron", "--allow-drift"]);
    assert!(!folder.path("runs").exists());

    let run = folder.nano4m(&["run", "pinned.ron", "--allow-drift"], 0);
    says(&stderr(&run), &["warning: drift allowed: pins.code"]);
    says(&stdout(&run), &["drift allowed: pins.code expected sha256:0123"]);
    assert_eq!(json(&folder.run().join("record.json"))["drift"].as_array().unwrap().len(), 1);

    let changed = folder.nano4m(&["pin", "pinned.ron"], 0);
    says(&stdout(&changed), &["- pins.code: \"sha256:0123", "+ pins.code: \"sha256:"]);
    says(
        &stderr(&folder.nano4m(&["run", "pinned.ron", "--force", "--stop-after", "1"], 4)),
        &["stopped as asked"],
    );
}

#[test]
fn cuda_without_cuda_is_2() {
    if cfg!(feature = "cuda") {
        return;
    }
    let folder = Folder::new();
    says(
        &stderr(&folder.nano4m(&["--device", "cuda:0", "run", "small.ron"], 2)),
        &["built without CUDA", "--features cuda", "--device cpu"],
    );
    std::fs::create_dir(folder.path("ablations")).unwrap();
    let axes = "axes: [(name: \"lr\", path: \"train.lr\", values: [1e-3, 2e-3])]";
    let metrics = "metrics: [\"cross_entropy/tok_audio@16\"]";
    folder.write(
        "ablations/two.ron",
        &format!("Ablation(schema: 1, name: \"two\", base: \"../small.ron\", {axes}, {metrics})"),
    );
    // Before a process is started for a cell.
    let cards = ["--device", "cuda:0,cuda:1"];
    for plan in [&[][..], &["--plan"]] {
        let asked = [&["ablate", "two"][..], &cards, plan].concat();
        says(&stderr(&folder.nano4m(&asked, 2)), &["cuda:0 was asked for", "built without CUDA"]);
    }
    let slurm = ["ablate", "two", "--engine", "slurm", "--print", "--gres", "gpu:1"];
    says(&stderr(&folder.nano4m(&slurm, 2)), &["run on a card", "built without CUDA", "--device cpu"]);
    let script = stdout(&folder.nano4m(&[&slurm[..], &["--device", "cpu"]].concat(), 0));
    assert!(script.contains("--gres=gpu:1") && script.contains("--device cpu"), "{script}");
    assert!(!folder.path("runs").exists());
}

#[test]
fn several_devices_are_for_ablations() {
    let folder = Folder::new();
    for arguments in [&["run", "small.ron"][..], &["check", "small.ron"], &["doctor"]] {
        let refused = stderr(&folder.nano4m(&[arguments, &["--device", "cuda:0,cuda:1"]].concat(), 2));
        says(&refused, &["several devices", "cuda:0,cuda:1", "nano4m ablate"]);
    }
    let mistaken = |devices: &str| stderr(&folder.nano4m(&["run", "small.ron", "--device", devices], 2));
    says(&mistaken("cuda:0,cuda:0"), &["named twice", "--jobs"]);
    says(&mistaken("cpu,cuda:0"), &["cannot be used together"]);
}

#[test]
fn a_second_process_on_the_same_run_is_1_and_names_the_first() {
    let expected = Folder::new();
    let arguments = [&["run", "small.ron"][..], &LONG].concat();
    expected.nano4m(&arguments, 0);

    let folder = Folder::new();
    let mut child = folder.spawn(&arguments);
    folder.wait_for_rows(10);
    let holder = format!("process {}", child.id());
    says(&stderr(&folder.nano4m(&arguments, 1)), &["another process works on this run", &holder]);
    says(&stderr(&folder.nano4m(&["resume", "latest"], 1)), &[&holder]);
    assert!(child.wait().unwrap().success(), "the first is not disturbed");
    assert_same(&expected.run(), &folder.run());
}

#[test]
fn a_damaged_checkpoint_is_said_and_the_previous_one_used() {
    let expected = Folder::new();
    expected.nano4m(&["run", "small.ron"], 0);
    for half in ["step-00000025.safetensors", "step-00000025.optimizer.safetensors"] {
        let folder = Folder::new();
        folder.nano4m(&["run", "small.ron", "--stop-after", "25"], 4);
        truncate(&folder.run().join("checkpoints").join(half));
        let resumed = folder.nano4m(&["resume", "latest"], 0);
        says(&stderr(&resumed), &["the checkpoint of step 25 is damaged and set aside", half]);
        assert_same(&expected.run(), &folder.run());
    }
}

#[test]
fn bad_checkpoints_are_not_measured() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let checkpoint = folder.run().join("checkpoints/step-00000040.safetensors");
    let name = checkpoint.to_str().unwrap();
    let eval = |arguments: &[&str], code: i32| {
        let all = [&["eval", "--manifest", "small.ron", "--checkpoint", name][..], arguments].concat();
        folder.nano4m(&all, code)
    };
    let fine = eval(&["--out", "scores"], 0);
    says(&stdout(&fine), &[" rgb  "]);
    let scores = |path: &Path| std::fs::read_to_string(path.join("probes/cross_entropy.csv")).unwrap();
    assert_eq!(scores(&folder.path("scores")), scores(&folder.run()), "the same scores as the run's own");
    says(&stderr(&eval(&["--set", "model.dim=64"], 2)), &["another shape", "[64, 64]", "[64, 32]"]);
    truncate(&checkpoint);
    says(&stderr(&eval(&[], 1)), &["corrupt or truncated", "step-00000040.safetensors"]);
    says(&stdout(&folder.nano4m(&["verify", "latest", "--json"], 1)), &[]);
}

#[test]
fn a_loss_that_is_not_finite_is_1_and_keeps_the_batch() {
    let folder = Folder::new();
    let explode = ["run", "small.ron", "--set", "train.lr=1e38", "--set", "train.min_lr=1e37"];
    let failed = stderr(&folder.nano4m(&explode, 1));
    says(&failed, &["not finite at step", "failed/step-", "train.lr"]);
    let run = folder.run();
    assert_eq!(json(&run.join("status.json"))["state"], "failed");
    assert_eq!(std::fs::read_dir(run.join("failed")).unwrap().count(), 2);
    assert!(!run.join("record.json").exists());
}

/// On a file system of 200 kB, which takes root to make.
#[test]
fn a_full_disk_is_1_and_nothing_is_lost() {
    let folder = Folder::new();
    let at = folder.path("disk");
    let Some(disk) = SmallDisk::mount(&at, "200k") else {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    };
    let arguments = ["--runs", "disk", "run", "small.ron"];
    says(&stderr(&folder.nano4m(&arguments, 1)), &["the disk is full", "run the same command again"]);
    disk.resize("20m");
    folder.nano4m(&arguments, 0);
    let expected = Folder::new();
    expected.nano4m(&["run", "small.ron"], 0);
    let run = std::fs::read_dir(folder.path("disk")).unwrap().next().unwrap().unwrap().path();
    assert_same(&expected.run(), &run);
}

struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    fn mount<'a>(at: &'a Path, size: &str) -> Option<SmallDisk<'a>> {
        std::fs::create_dir(at).unwrap();
        let options = format!("size={size}");
        Self::call("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"], at).then_some(SmallDisk(at))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Self::call("mount", &["-o", &options], self.0));
    }

    fn call(program: &str, arguments: &[&str], at: &Path) -> bool {
        let mut command = std::process::Command::new(program);
        command.args(arguments).arg(at).stderr(Stdio::null());
        command.status().is_ok_and(|s| s.success())
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        Self::call("umount", &[], self.0);
    }
}

#[test]
fn a_closed_pipe_is_not_a_panic() {
    let folder = Folder::new();
    for arguments in [&["doctor"][..], &["ls", "--json"], &["check", "small.ron", "--resolved"]] {
        let mut command = folder.std_command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(child.wait().unwrap().success(), "{arguments:?}: {errors}");
        says(&errors, &[]);
    }
}

#[test]
fn no_colour_and_no_bar_outside_a_terminal() {
    let folder = Folder::new();
    let run = folder.nano4m(&["run", "small.ron"], 0);
    assert!(!stderr(&run).contains('\x1b') && !stdout(&run).contains('\x1b'));
    assert!(stderr(&run).lines().any(|l| l.starts_with("step 1/40 · loss ")), "{}", stderr(&run));
    let fault = folder.nano4m(&["show", "nothing"], 2);
    assert!(stderr(&fault).starts_with("error: no run is called `nothing`"));
}

fn truncate(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}
