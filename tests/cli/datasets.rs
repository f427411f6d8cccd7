//! Datasets through the command line: written as `docs/dataset.md` says, inspected, divided, run.

use crate::support::{stderr, stdout, Folder};
use std::path::Path;
use std::process::Command;

/// The block of the page that begins with this fence.
fn block(fence: &str) -> String {
    let page = include_str!("../../docs/dataset.md");
    let lines = page.lines().skip_while(|line| *line != fence).skip(1).take_while(|line| *line != "```");
    lines.map(|line| format!("{line}\n")).collect()
}

/// A folder with the dataset and the manifest of the page; `None`, said, where there is no Python.
fn written() -> Option<Folder> {
    let folder = Folder::new();
    folder.write("write.py", &block("```python"));
    folder.write("mine.ron", &block("```ron"));
    let python = Command::new("python3").arg("write.py").current_dir(folder.path("")).status();
    if !python.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 to write the dataset of docs/dataset.md");
        return None;
    }
    Some(folder)
}

/// A folder like the page's, written by hand: 12, 4 and 6 clips.
fn by_hand(folder: &Folder, class: impl Fn(&str, usize) -> String) {
    for (split, clips) in [("train", 12), ("val", 4), ("test", 6)] {
        for clip in 0..clips {
            let stem = format!("{split}{clip:03}");
            for (modality, length) in [("tok_rgb@16", 16), ("tok_audio@8", 8)] {
                let head = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': (2, {length})}}\n");
                let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
                bytes.extend((head.len() as u16).to_le_bytes());
                bytes.extend(head.as_bytes());
                bytes.extend((0..2 * length).map(|i| ((i + clip) % 5) as u8));
                put(folder, &format!("mine/{split}/{modality}/{stem}.npy"), &bytes);
            }
            let text = class(split, clip);
            let captions = format!("[\"{text}\", \"{text}\"]");
            put(folder, &format!("mine/{split}/scene_desc/{stem}.json"), captions.as_bytes());
        }
    }
    folder.write("mine.ron", &block("```ron"));
}

fn put(folder: &Folder, name: &str, bytes: &[u8]) {
    let path = folder.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn animal(_: &str, clip: usize) -> String {
    ["cat meowing", "dog barking"][clip % 2].into()
}

#[test]
fn the_page_writes_a_dataset_that_runs() {
    let Some(folder) = written() else { return };
    let lines = block("```python").lines().filter(|line| !line.is_empty()).count();
    assert!(lines <= 20, "{lines} lines");
    let inspected = stdout(&folder.nano4m(&["data", "inspect", "mine.ron"], 0));
    for part in ["12", "dog barking", "tok_audio@8"] {
        assert!(inspected.contains(part), "{inspected}");
    }
    let checked = stdout(&folder.nano4m(&["check", "mine.ron"], 0));
    assert!(checked.contains("is valid") && checked.contains("12 + 4 + 6 clips, 2 classes"), "{checked}");
    let elsewhere = ["check", "mine.ron", "--set", "data.path=\"not/here\""];
    assert!(stdout(&folder.nano4m(&elsewhere, 0)).contains("its data are not here: not/here"));
    folder.nano4m(&["run", "mine.ron"], 0);
    assert!(folder.run().join("record.json").exists());
}

#[test]
fn a_division_that_would_leave_a_part_empty_is_2() {
    let folder = Folder::new();
    by_hand(&folder, animal);
    folder.nano4m(&["data", "split", "mine", "divided"], 0);
    assert!(folder.path("divided/splits.json").exists());
    folder.nano4m(&["data", "split", "mine", "again", "--splits", "divided/splits.json"], 0);
    for split in ["train", "val"] {
        std::fs::remove_dir_all(folder.path(&format!("mine/{split}"))).unwrap();
    }
    for clip in 2..6 {
        for (modality, extension) in [("tok_rgb@16", "npy"), ("tok_audio@8", "npy"), ("scene_desc", "json")] {
            std::fs::remove_file(folder.path(&format!("mine/test/{modality}/test{clip:03}.{extension}")))
                .unwrap();
        }
    }
    let refused = folder.nano4m(&["data", "split", "mine", "two"], 2);
    let text = stderr(&refused);
    assert!(
        text.contains("a part of the division would be empty") && text.contains("3 clips of one class"),
        "{text}"
    );
    assert!(!folder.path("two").exists());
    // Two sources, one of which is the first again.
    let merged = folder.nano4m(&["data", "split", "divided", "mine", "merged"], 0);
    assert!(stderr(&merged).contains("2 stems are in more than one source"), "{}", stderr(&merged));
}

#[test]
fn test_clips_without_a_training_class_are_told_and_count() {
    let folder = Folder::new();
    by_hand(&folder, |split, clip| match (split, clip) {
        ("test", 0..3) => "fox".into(),
        ("test", _) => "DOG barking".into(),
        _ => animal(split, clip),
    });
    let told = "3 of 6 test clips are of a class without a training clip: `fox` (3)";
    let inspected = stdout(&folder.nano4m(&["data", "inspect", "mine.ron"], 0));
    assert!(
        inspected.contains(told) && inspected.contains("`DOG barking`, `dog barking` are one class"),
        "{inspected}"
    );
    let checked = stderr(&folder.nano4m(&["check", "mine.ron"], 0));
    assert!(checked.contains(told), "{checked}");
    let probes = "probes=[Classify(inputs: [[\"tok_rgb@16\"]])]";
    let run = folder.nano4m(&["run", "mine.ron", "--set", probes], 0);
    assert!(stderr(&run).contains(told), "{}", stderr(&run));
    let rows = std::fs::read_to_string(folder.run().join("probes/classification.csv")).unwrap();
    let clips: std::collections::BTreeSet<&str> =
        rows.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(clips.len(), 6, "no clip leaves the table: {rows}");
}

#[test]
fn without_a_cache_a_run_goes_on_and_names_the_variable() {
    let folder = Folder::new();
    by_hand(&folder, animal);
    folder.write("file", "not a folder");
    let mut command = folder.command(&["run", "mine.ron"]);
    let run = command.env("NANO4M_CACHE", Path::new("file").join("cache")).assert().code(0);
    let text = stderr(&run);
    assert!(text.contains("NANO4M_CACHE") && text.contains("file/cache"), "{text}");
    assert!(stdout(&folder.nano4m(&["--help"], 0)).contains("NANO4M_CACHE"));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = Folder::new();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    folder.write("piped.ron", &block("```ron").replace("path: \"mine\"", "path: \"pipe\""));
    let refused = stderr(&folder.nano4m(&["run", "piped.ron"], 2));
    assert!(refused.contains("a named pipe, not a regular file"), "{refused}");
}
