//! `ablate --engine slurm` as far as it goes without Slurm; `tests/slurm/run.sh` goes the whole way.

use crate::support::{json, signal, stderr, stdout, Folder, ENDLESS};
use std::os::unix::fs::PermissionsExt;

const TINY: &str = r#"Ablation(
    schema: 1,
    name: "tiny",
    base: "../small.ron",
    axes: [(name: "lr", path: "train.lr", values: [1e-3, 2e-3, 3e-3])],
    metrics: ["cross_entropy/tok_audio@16"],
)
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("ablations")).unwrap();
    folder.write("ablations/tiny.ron", TINY);
    folder
}

/// Stands for a command of Slurm: prints `says` and exits with `code`.
fn stand_in(folder: &Folder, name: &str, says: &str, code: i32) {
    std::fs::create_dir_all(folder.path("bin")).unwrap();
    folder.write(
        &format!("bin/{name}"),
        &format!("#!/bin/sh\necho \"$@\" >>\"$0.called\"\n{says}\nexit {code}\n"),
    );
    let path = folder.path(&format!("bin/{name}"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The program with nothing but the stand-ins (and the shell's own) on its PATH.
fn with_stand_ins(folder: &Folder, args: &[&str], code: i32) -> assert_cmd::assert::Assert {
    let path = format!("{}:/bin:/usr/bin", folder.path("bin").display());
    folder.command(args).env("PATH", path).assert().code(code)
}

#[test]
fn print_shows_both_scripts_and_writes_nothing() {
    let folder = folder();
    folder.write("gpu.ron", "Slurm(partition: \"gpu\", cpus: 8, setup: [\"module load cuda/12\"])");
    let asked = ["ablate", "tiny", "--engine", "slurm", "--print", "--profile", "gpu.ron", "--throttle", "2"];
    let text = stdout(&folder.nano4m(&asked, 0));
    for part in [
        "#SBATCH --array=1-3%2",
        "#SBATCH --partition=gpu",
        "module load cuda/12",
        "--signal=B:USR1@60",
        "--collect",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!folder.path("runs").exists());
}

#[test]
fn a_plan_submits_nothing() {
    let folder = folder();
    stand_in(&folder, "sbatch", "echo 7", 0);
    let asked = ["ablate", "tiny", "--engine", "slurm", "--plan", "--time", "2h"];
    let shown = stdout(&with_stand_ins(&folder, &asked, 0));
    assert!(shown.contains("missing") && !folder.path("bin/sbatch.called").exists(), "{shown}");
    assert!(!folder.path("runs").exists());
}

#[test]
fn bad_options_are_refused_before_anything_is_written() {
    let folder = folder();
    let refused = |args: &[&str], code| stderr(&folder.nano4m(&[&["ablate", "tiny"], args].concat(), code));
    assert!(refused(&["--partition", "gpu"], 2).contains("add --engine slurm"));
    assert!(refused(&["--engine", "slurm", "--time", "1 day"], 2).contains("`time`"));
    assert!(refused(&["--engine", "slurm", "--sbatch=--array=1-9"], 2).contains("`extra`"));
    assert!(refused(&["--status"], 2).contains("was not submitted"));
    assert!(refused(&["--cancel"], 2).contains("was not submitted"));
    folder.write("bad.ron", "Slurm(partion: \"gpu\")");
    insta::assert_snapshot!("slurm_profile_slip", refused(&["--engine", "slurm", "--profile", "bad.ron"], 2));
    folder.command(&["ablate", "tiny", "--engine", "slurm"]).env("PATH", "").assert().code(1);
    assert!(!folder.path("runs/ablations/tiny/slurm/0001").exists(), "what Slurm did not take goes again");
}

#[test]
fn a_submission_is_complete_in_its_folder() {
    let folder = folder();
    stand_in(&folder, "sbatch", "case \"$*\" in *report*) echo 8 ;; *) echo '7;cluster' ;; esac", 0);
    stand_in(
        &folder,
        "squeue",
        "case \"$*\" in *jobs=7) echo '7|1|RUNNING|None|n1'; echo '7|2|PENDING|Priority|' ;; esac",
        0,
    );
    stand_in(&folder, "scancel", "", 0);
    stand_in(&folder, "sacct", "echo '7_3|TIMEOUT|n2'", 0);
    with_stand_ins(&folder, &["ablate", "tiny", "--engine", "slurm"], 0);
    let submitted = folder.path("runs/ablations/tiny/slurm/0001");
    for name in ["nano4m", "array.sh", "report.sh", "tiny.ron", "base.ron", "tasks/3.ron", "tasks/3.identity"]
    {
        assert!(submitted.join(name).is_file(), "{name}");
    }
    let calls = std::fs::read_to_string(folder.path("bin/sbatch.called")).unwrap();
    assert!(calls.lines().nth(1).unwrap().contains("--dependency=afterany:7"), "{calls}");
    let twice = with_stand_ins(&folder, &["ablate", "tiny", "--engine", "slurm"], 1);
    assert!(stderr(&twice).contains("already in Slurm's queue"));
    let status = with_stand_ins(&folder, &["ablate", "tiny", "--status"], 4);
    insta::assert_snapshot!("slurm_status", stdout(&status));
    assert!(stderr(&status).contains("0 finished, 1 running, 1 waiting, 1 ended unfinished"));
    with_stand_ins(&folder, &["ablate", "tiny", "--cancel"], 0);
    assert_eq!(std::fs::read_to_string(folder.path("bin/scancel.called")).unwrap(), "7 8\n");

    // What a task does, and what the report job does.
    let task = |n: u32, identity: &str, code| {
        let manifest = submitted.join(format!("tasks/{n}.ron"));
        let cell = std::fs::read_to_string(submitted.join(format!("tasks/{n}.cell"))).unwrap();
        let run = ["run", manifest.to_str().unwrap(), "--for", cell.trim()];
        folder.nano4m(&[&run[..], &["--wait", "--identity", identity]].concat(), code)
    };
    let other = task(1, &"0".repeat(64), 3);
    assert!(stderr(&other).contains("not those that were submitted"));
    for n in 1..=3 {
        let identity = std::fs::read_to_string(submitted.join(format!("tasks/{n}.identity"))).unwrap();
        task(n, identity.trim(), 0);
    }
    folder.nano4m(&["ablate", submitted.join("tiny.ron").to_str().unwrap(), "--collect"], 0);
    assert_eq!(json(&folder.path("runs/ablations/tiny.json"))["cells"].as_array().unwrap().len(), 3);
    let made_for: Vec<_> = std::fs::read_dir(folder.path("runs"))
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .filter(|run| run.join("record.json").is_file())
        .map(|run| json(&run.join("record.json"))["made_for"]["ablation"].clone())
        .collect();
    assert_eq!(made_for, ["tiny"; 3]);
    let again = with_stand_ins(&folder, &["ablate", "tiny", "--engine", "slurm"], 0);
    assert!(stderr(&again).contains("nothing to submit"));
    let listed = stdout(&folder.nano4m(&["gc", "--min-age", "0"], 0));
    assert!(listed.contains("0001/nano4m"), "{listed}");
}

#[test]
fn collect_runs_nothing() {
    let folder = folder();
    folder.nano4m(&["run", "small.ron", "--set", "train.lr=1e-3"], 0);
    folder.nano4m(&["ablate", "tiny", "--collect"], 1);
    assert!(!folder.path("runs/ablations/tiny.json").exists());
    assert_eq!(std::fs::read_dir(folder.path("runs")).unwrap().count(), 1);
}

/// What a batch system sends before it ends a job, more than once.
#[test]
fn usr1_and_usr2_ask_for_a_checkpoint() {
    let folder = Folder::new();
    let mut child = folder.spawn(&[&["run", "small.ron"][..], &ENDLESS].concat());
    folder.wait_for_rows(60);
    for number in [libc::SIGUSR1, libc::SIGUSR1, libc::SIGUSR2] {
        signal(&child, number);
    }
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let status = json(&folder.run().join("status.json"));
    assert_eq!((&status["state"], &status["reason"]), (&"stopped".into(), &"stopped as asked".into()));
}
