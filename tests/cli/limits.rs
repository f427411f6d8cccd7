//! Limits of the system and signals of terminals and clusters: an error with its name or a checkpoint, and the
//! run goes on afterwards.

use crate::support::{assert_same, json, signal, stderr, stdout, Folder, ENDLESS};
use assert_cmd::Command;

/// The program under a limit of the shell.
fn limited(folder: &Folder, limit: &str, arguments: &[&str]) -> Command {
    let mut command = std::process::Command::new("sh");
    let program = assert_cmd::cargo::cargo_bin!("nano4m");
    command.arg("-c").arg(format!("ulimit -c 0; ulimit {limit}; exec \"$0\" \"$@\"")).arg(program);
    command.args(arguments).current_dir(folder.path(""));
    command.env("NANO4M_CACHE", folder.path("cache")).env_remove("RUST_BACKTRACE").env_remove("NANO4M_RUNS");
    Command::from_std(command)
}

#[test]
fn a_limit_is_an_error_with_its_name_and_the_run_goes_on_without_it() {
    let expected = Folder::new();
    expected.nano4m(&["run", "small.ron"], 0);
    let run = ["run", "small.ron", "--threads", "2"];
    for (limit, said) in [
        ("-f 1", "File too large"),      // before the run has begun
        ("-f 150", "File too large"),    // in a checkpoint
        ("-n 6", "Too many open files"), // in a table
        ("-n 4", "Too many open files"),
    ] {
        let folder = Folder::new();
        let refused = stderr(&limited(&folder, limit, &run).assert().code(1));
        assert!(refused.contains(said) && refused.contains("ulimit"), "{limit}: {refused}");
        assert!(!refused.contains("panicked") && !refused.contains("backtrace"), "{limit}: {refused}");
        folder.nano4m(&["run", "small.ron"], 0);
        assert_same(&expected.run(), &folder.run());
    }
    let folder = Folder::new();
    limited(&folder, "-n 16", &run).assert().code(0);
    assert_same(&expected.run(), &folder.run());
}

/// Memory and processes: which allocation fails is anybody's guess, how it ends is not.
#[test]
fn too_little_memory_is_1_and_the_run_goes_on_with_more() {
    let folder = Folder::new();
    let mut ends = Vec::new();
    for kilobytes in (40_000..120_000).step_by(8_000) {
        let ended =
            limited(&folder, &format!("-v {kilobytes}"), &["run", "small.ron", "--stop-after", "2"]).assert();
        let code = ended.get_output().status.code();
        let said = stderr(&ended);
        // 127: the program's libraries did not fit.
        assert!(matches!(code, Some(0 | 1 | 4 | 127)), "{kilobytes} kB: {code:?}: {said}");
        assert!(code != Some(1) || said.contains("error: "), "{said}");
        ends.push(code);
    }
    assert!(ends.contains(&Some(4)) || ends.contains(&Some(0)), "{ends:?}");
    let many = limited(&folder, "-v 300000", &["--threads", "1000", "run", "small.ron"]).assert().code(1);
    let said = stderr(&many);
    assert!(said.contains("cannot start the worker threads: Resource temporarily unavailable"), "{said}");
    assert!(said.contains("--threads 1"), "{said}");
    limited(&folder, "-v 300000", &["ls"]).assert().code(0);
    folder.nano4m(&["run", "small.ron"], 0);
}

/// A batch of which the activations alone take 2.5 GB, begun where there is room for it.
#[test]
fn a_run_that_needs_more_memory_than_there_is_now_is_left_as_it_was() {
    let folder = Folder::new();
    let large = ["--set", "train.batch=100000", "--stop-after", "0"];
    folder.nano4m(&[&["run", "small.ron"][..], &large].concat(), 4);
    let files = ["status.json", "provenance.json"].map(|name| folder.run().join(name));
    let before = files.clone().map(|path| std::fs::read(path).unwrap());
    let resume = ["--threads", "2", "resume", "latest"];
    let refused = stderr(&limited(&folder, "-v 1000000", &resume).assert().code(2));
    assert!(refused.contains("needs more memory than there is"), "{refused}");
    assert!(refused.contains("activations") && refused.contains("train.micro_batch"), "{refused}");
    assert!(files.map(|path| std::fs::read(path).unwrap()) == before);
}

/// A file where a folder is expected, and a file system that was mounted read-only, which takes root to make.
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    folder.write("file", "");
    let refused = stderr(&folder.nano4m(&["--runs", "file", "run", "small.ron"], 1));
    assert!(refused.contains("at: file") && refused.contains("Not a directory"), "{refused}");

    let disk = folder.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let call = |program: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(program);
        command
            .args(arguments)
            .arg(&disk)
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    if !call("mount", &["-t", "tmpfs", "-o", "size=20m", "tmpfs"]) {
        eprintln!("skipped: mounting a file system needs root");
        return;
    }
    let run = ["--runs", "disk", "run", "small.ron"];
    folder.nano4m(&[&run[..], &["--stop-after", "3"]].concat(), 4);
    assert!(call("mount", &["-o", "remount,ro"]));
    let refused = stderr(&folder.nano4m(&run, 1));
    folder.nano4m(&["--runs", "disk", "ls"], 0);
    folder.nano4m(&["--runs", "disk", "show", "latest"], 0);
    assert!(call("mount", &["-o", "remount,rw"]));
    folder.nano4m(&run, 0);
    assert!(call("umount", &[]));
    assert!(
        refused.contains("Read-only file system") && refused.contains("name another folder"),
        "{refused}"
    );
}

/// What asks for a checkpoint ends with 4 and says its name; what only pauses or complains does neither.
#[test]
fn signals_of_terminals_and_clusters_leave_a_checkpoint() {
    let folder = Folder::new();
    let arguments = [&["run", "small.ron"][..], &ENDLESS].concat();
    let mut rows = 0;
    for (number, name) in [
        (libc::SIGHUP, "stopped by SIGHUP"),
        (libc::SIGQUIT, "stopped by SIGQUIT"),
        (libc::SIGXCPU, "stopped by SIGXCPU, the limit of processor time"),
        (libc::SIGALRM, "stopped by SIGALRM"),
        (libc::SIGUSR2, "stopped as asked"),
    ] {
        let mut child = folder.spawn(&arguments);
        rows += 5;
        folder.wait_for_rows(rows);
        signal(&child, number);
        assert_eq!(child.wait().unwrap().code(), Some(4), "{name}");
        let status = json(&folder.run().join("status.json"));
        assert_eq!((&status["state"], &status["reason"]), (&"stopped".into(), &name.into()));
        rows = status["step"].as_u64().unwrap() as usize;
        assert!(folder.run().join(format!("checkpoints/step-{rows:08}.safetensors")).exists());
    }
    let mut child = folder.spawn(&arguments);
    folder.wait_for_rows(rows + 3);
    for harmless in [libc::SIGTSTP, libc::SIGCONT, libc::SIGPIPE, libc::SIGXFSZ, libc::SIGWINCH] {
        signal(&child, harmless);
    }
    folder.wait_for_rows(rows + 6);
    signal(&child, libc::SIGUSR1);
    assert_eq!(child.wait().unwrap().code(), Some(4));
    folder.nano4m(&[&["run", "small.ron"][..], &ENDLESS, &["--stop-after", "1"]].concat(), 4);
}

/// `nohup` means it.
#[test]
fn a_signal_that_is_ignored_at_the_start_stays_ignored() {
    let folder = Folder::new();
    let program = assert_cmd::cargo::cargo_bin!("nano4m");
    let mut nohup = std::process::Command::new("sh");
    nohup.arg("-c").arg("trap '' HUP; exec \"$0\" run small.ron --set train.tokens=51200").arg(program);
    nohup.current_dir(folder.path("")).env("NANO4M_CACHE", folder.path("cache")).env_remove("NANO4M_RUNS");
    let mut child =
        nohup.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
    folder.wait_for_rows(3);
    signal(&child, libc::SIGHUP);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(stdout(&folder.nano4m(&["show", "latest"], 0)).contains("finished"));
}
