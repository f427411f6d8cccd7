//! What a run had and has no longer, or has otherwise: said, and never measured or taken for granted.

use crate::support::{assert_same, stderr, Folder, SMALL};
use std::path::{Path, PathBuf};

/// A run of 20 steps with checkpoints at 10 and 20.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("small.ron", &SMALL.replace("tokens: 10240", "tokens: 5120"));
    folder
}

fn checkpoints(folder: &Folder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.run().join("checkpoints")).unwrap().flatten().map(|e| e.path());
    entries.collect()
}

/// A bit of the last parameter.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_checkpoint_with_a_changed_number_is_neither_measured_nor_generated_with() {
    let folder = folder();
    folder.nano4m(&["run", "small.ron"], 0);
    let (checkpoint, record) =
        (folder.run().join("checkpoints/step-00000020.safetensors"), folder.run().join("record.json"));
    let before = std::fs::read(&record).unwrap();
    let whole = std::fs::read(&checkpoint).unwrap();
    flip(&checkpoint);
    let file = checkpoint.to_str().unwrap();
    for command in [
        &["eval", "latest"][..],
        &["eval", "--manifest", "small.ron", "--checkpoint", file],
        &["generate", "latest", "out", "--inputs", "tok_rgb@16", "--target", "tok_audio@16"],
    ] {
        let said = stderr(&folder.nano4m(command, 1));
        assert!(said.contains("the content of a checkpoint has changed since it was written"), "{said}");
    }
    assert_eq!(std::fs::read(&record).unwrap(), before, "the record of the run is as it was");
    // Both halves of another network: what was recorded says so.
    std::fs::write(&checkpoint, &whole).unwrap();
    for half in ["safetensors", "optimizer.safetensors"] {
        let of = |step: u32| folder.run().join(format!("checkpoints/step-{step:08}.{half}"));
        std::fs::copy(of(10), of(20)).unwrap();
    }
    let said = stderr(&folder.nano4m(&["eval", "latest"], 1));
    assert!(said.contains("the parameters are not those that were recorded"), "{said}");
    // As the help says.
    checkpoints(&folder).iter().filter(|p| p.to_str().unwrap().contains("00000020")).for_each(|p| {
        std::fs::remove_file(p).unwrap();
    });
    folder.nano4m(&["run", "small.ron"], 0);
    assert_eq!(std::fs::read(&checkpoint).unwrap(), whole);
    folder.nano4m(&["verify", "latest"], 0);
}

#[test]
fn a_stopped_run_whose_checkpoints_are_gone_says_so_and_ends_the_same() {
    let undisturbed = folder();
    undisturbed.nano4m(&["run", "small.ron"], 0);
    for (gone, from) in [("", 0), ("00000015", 10)] {
        let folder = folder();
        folder.nano4m(&["run", "small.ron", "--stop-after", "15"], 4);
        checkpoints(&folder).iter().filter(|p| p.to_str().unwrap().contains(gone)).for_each(|p| {
            std::fs::remove_file(p).unwrap();
        });
        let said = stderr(&folder.nano4m(&["run", "small.ron"], 0));
        let note = format!("the checkpoint of step 15 is missing: it is made again from step {from}");
        assert!(said.contains(&note), "{said}");
        assert_same(&undisturbed.run(), &folder.run());
    }
}

#[test]
fn what_is_no_file_of_a_run_is_no_dead_end() {
    let folder = folder();
    folder.nano4m(&["run", "small.ron", "--stop-after", "15"], 4);
    let run = folder.run();
    std::fs::create_dir(run.join("probes/mine.csv")).unwrap();
    std::fs::write(run.join("probes/two\nlines.csv"), "x").unwrap();
    std::fs::write(run.join("probes/other.csv"), "x").unwrap();
    std::fs::remove_file(run.join("log.txt")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(run.join("log.txt")).status().unwrap();
    assert!(made.success());
    folder.nano4m(&["resume", "latest"], 0);
    let said = folder.nano4m(&["verify", "latest", "--json"], 0);
    let said = String::from_utf8(said.get_output().stdout.clone()).unwrap();
    for not_covered in [
        "probes/mine.csv/: no file of a run",
        "probes/other.csv: no scores of record.json",
        "lines.csv: no file",
    ] {
        assert!(said.contains(not_covered), "{said}");
    }
}

/// Every file but the log and the lock.
fn content(run: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = [run.to_owned(), run.join("checkpoints"), run.join("probes")];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    let mut files: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// A list that is left open would call the run damaged; a status, running.
#[test]
fn what_is_refused_leaves_a_run_as_it_was() {
    let folder = folder();
    folder.nano4m(&["run", "small.ron"], 0);
    let run = folder.run();
    std::fs::remove_file(run.join("probes/cross_entropy.csv")).unwrap();
    std::fs::write(run.join("manifest.ron"), "mine").unwrap();
    std::fs::remove_file(folder.path("small.ron")).unwrap();
    let before = content(&run);
    let said = stderr(&folder.nano4m(&["resume", "latest"], 1));
    assert!(said.contains("manifest.ron has changed since the run was started"), "{said}");
    assert!(content(&run) == before, "resume");
    std::fs::write(run.join("status.json"), "").unwrap();
    let before = content(&run);
    folder.nano4m(&["eval", "latest"], 1);
    assert!(content(&run) == before, "eval");
}
