//! `data split`: small strata, published lists, several sources.

use crate::fixture::npy;
use nano4m::data::{divide, Division, DivisionRequest};
use nano4m::fault::{Exit, Result};
use nano4m::manifest::schema::Labels;
use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

/// A folder of one split `all`, a modality and captions.
fn source(folder: &Path, name: &str, clips: &[(&str, &str)]) -> PathBuf {
    let root = folder.join(name);
    for (stem, class) in clips {
        for (path, bytes) in [
            (format!("all/tok_a@3/{stem}.npy"), npy("<i4", &[1, 3], &[1, 2, name.len() as i64])),
            (format!("all/scene_desc/{stem}.json"), format!("[\"{class}\"]").into_bytes()),
        ] {
            fs::create_dir_all(root.join(&path).parent().unwrap()).unwrap();
            fs::write(root.join(path), bytes).unwrap();
        }
    }
    root
}

fn split(sources: &[PathBuf], target: &Path, list: Option<&Path>) -> Result<Division> {
    divide(&DivisionRequest { sources, target, labels: &Labels::Caption, splits: list, seed: 42 })
}

fn stems(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("s{i}")).collect()
}

#[test]
fn train_is_filled_first_and_an_empty_part_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (n, classes, parts) in [
        (2, 1, None),
        (2, 2, None),
        (3, 1, Some([1, 1, 1])),
        (4, 1, Some([2, 1, 1])),
        (4, 2, None),
        (9, 1, Some([7, 1, 1])),
        (9, 2, Some([5, 2, 2])),
        (10, 1, Some([8, 1, 1])),
    ] {
        let stems = stems(n);
        let clips: Vec<(&str, &str)> =
            stems.iter().enumerate().map(|(i, s)| (s.as_str(), ["cat", "dog"][i % classes])).collect();
        let (name, target) = (format!("in-{n}-{classes}"), dir.path().join(format!("out-{n}-{classes}")));
        let divided = split(&[source(dir.path(), &name, &clips)], &target, None);
        match parts {
            Some(parts) => assert_eq!(divided.unwrap().clips, parts, "{n} of {classes}"),
            None => {
                let fault = divided.unwrap_err();
                assert_eq!(
                    (fault.exit, fault.what.as_str()),
                    (Exit::Invalid, "a part of the division would be empty")
                );
                assert!(fault.expected.unwrap().contains("3 clips of one class") && !target.exists());
            }
        }
    }
}

#[test]
fn a_published_list_decides() {
    let dir = tempfile::tempdir().unwrap();
    let stems = ["as_a_000001", "as_a_000002", "as_b_000001", "vgg_c_000001", "d"];
    let clips = stems.map(|s| (s, "cat"));
    let root = source(dir.path(), "in", &clips);
    let list = dir.path().join("splits.json");
    let text = r#"{"seed": 42, "proportions": [0.8, 0.1, 0.1], "n_train": 2, "splits":
        {"train": ["as_a_000001", "as_a_000002"], "val": ["as_b_000001"], "test": ["vgg_c_000001"]}}"#;
    fs::write(&list, text).unwrap();
    let target = dir.path().join("out");
    let division = split(from_ref(&root), &target, Some(&list)).unwrap();
    assert_eq!((division.clips, division.stems, division.unlisted), ([1, 1, 1], [2, 1, 1], 1));
    assert!(
        target.join("val/tok_a@3/as_b_000001.npy").exists() && !target.join("train/tok_a@3/d.npy").exists()
    );
    // What it wrote divides in the same way again.
    let again = dir.path().join("again");
    let division = split(from_ref(&root), &again, Some(&target.join("splits.json"))).unwrap();
    assert_eq!(division.stems, [2, 1, 1]);
    fs::write(&list, text.replace("vgg_c", "vgg_x")).unwrap();
    let fault = split(&[root], &dir.path().join("third"), Some(&list)).unwrap_err();
    assert_eq!(fault.found.unwrap(), "1 of 4 stems: vgg_x_000001");
}

#[test]
fn of_several_sources_the_first_wins_and_incomplete_stems_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let a = source(dir.path(), "a", &[("s0", "cat"), ("s1", "cat"), ("s2", "cat"), ("s3", "cat")]);
    let b = source(dir.path(), "bb", &[("s2", "dog"), ("s3", "dog"), ("s4", "cat"), ("s5", "cat")]);
    fs::remove_file(a.join("all/tok_a@3/s3.npy")).unwrap();
    fs::remove_file(b.join("all/scene_desc/s5.json")).unwrap();
    fs::write(a.join("labels.csv"), "stem,animal\ns0,x\ns1,x\ns2,x\ns3,x\n").unwrap();
    fs::write(b.join("labels.csv"), "stem,animal\ns2,y\ns3,y\ns4,y\ns5,y\n").unwrap();
    fs::write(b.join("README.md"), "of b").unwrap();
    let target = dir.path().join("out");
    let division = split(&[a.clone(), b.clone()], &target, None).unwrap();
    // s3 is complete in the second source only, s5 in neither; s2 is the first's.
    assert_eq!((division.clips.iter().sum::<usize>(), division.repeated), (5, 1));
    let incomplete: Vec<_> =
        division.incomplete.iter().map(|i| (i.stem.as_str(), i.missing.join(","))).collect();
    assert_eq!(incomplete, [("s5", "scene_desc".to_string())]);
    let all: Vec<PathBuf> =
        ["train", "val", "test"].iter().map(|s| target.join(s).join("tok_a@3/s2.npy")).collect();
    let s2 = all.iter().find(|p| p.exists()).unwrap();
    assert_eq!(fs::read(s2).unwrap(), fs::read(a.join("all/tok_a@3/s2.npy")).unwrap());
    let labels = fs::read_to_string(target.join("labels.csv")).unwrap();
    assert_eq!(labels, "stem,animal\ns0,x\ns1,x\ns2,x\ns3,x\ns4,y\ns5,y\n");
    assert_eq!(fs::read_to_string(target.join("README.md")).unwrap(), "of b");
    let fault = split(&[a], &dir.path().join("one"), None).unwrap_err();
    assert_eq!(fault.what, "missing file of a clip");
}

/// Links in a source lead nowhere from the new folder: what they lead to is taken.
#[test]
fn a_source_of_relative_links_is_divided_into_files() {
    let dir = tempfile::tempdir().unwrap();
    let stems = stems(3);
    let clips: Vec<(&str, &str)> = stems.iter().map(|s| (s.as_str(), "cat")).collect();
    let root = source(dir.path(), "in", &clips);
    let folder = root.join("all/tok_a@3");
    fs::rename(&folder, dir.path().join("files")).unwrap();
    fs::create_dir(&folder).unwrap();
    for stem in &stems {
        let name = format!("{stem}.npy");
        std::os::unix::fs::symlink(format!("../../../files/{name}"), folder.join(name)).unwrap();
    }
    let target = dir.path().join("much/deeper/out");
    split(&[root], &target, None).unwrap();
    for (part, stem) in ["train", "val", "test"].iter().flat_map(|p| stems.iter().map(move |s| (p, s))) {
        let path = target.join(format!("{part}/tok_a@3/{stem}.npy"));
        if let Ok(meta) = path.symlink_metadata() {
            assert!(meta.is_file());
            assert_eq!(fs::read(path).unwrap(), npy("<i4", &[1, 3], &[1, 2, 2]));
        }
    }
}

#[test]
fn a_list_that_leaves_a_part_empty_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let root = source(dir.path(), "in", &[("s0", "cat"), ("s1", "cat"), ("s2", "cat")]);
    let list = dir.path().join("splits.json");
    fs::write(&list, r#"{"splits": {"train": ["s0", "s1"], "val": [], "test": ["s2"]}}"#).unwrap();
    let fault = split(&[root], &dir.path().join("out"), Some(&list)).unwrap_err();
    assert_eq!(fault.what, "the list leaves a part empty");
    assert_eq!(fault.found.as_deref(), Some("2 train, 0 val and 1 test clips"));
}

#[test]
fn a_clip_with_a_blank_label_has_no_class() {
    let dir = tempfile::tempdir().unwrap();
    let root = source(dir.path(), "in", &[("s0", "cat"), ("s1", "cat"), ("s2", "cat")]);
    fs::write(root.join("labels.csv"), "stem,animal\ns0,x\ns1, \ns2,x\n").unwrap();
    let labels = &Labels::File("labels.csv".into(), "animal".into());
    let target = &dir.path().join("out");
    let request = DivisionRequest { sources: from_ref(&root), target, labels, splits: None, seed: 42 };
    let fault = divide(&request).unwrap_err();
    assert_eq!(fault.found.as_deref(), Some("no `animal` for s1"));
    assert!(!target.exists());
}

#[test]
fn tables_of_several_sources_are_one_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let a = source(dir.path(), "a", &[("s0", "cat"), ("s1", "cat")]);
    let b = source(dir.path(), "bb", &[("s2", "cat"), ("s3", "cat")]);
    // As the reader of labels takes it: spaces around a column's name are none of it.
    fs::write(a.join("labels.csv"), "animal, stem\nx,s0\nx,s1\n").unwrap();
    fs::write(b.join("labels.csv"), "animal,stem\ny,s2\ny,s3\n").unwrap();
    let target = dir.path().join("out");
    split(&[a.clone(), b.clone()], &target, None).unwrap();
    let labels = fs::read_to_string(target.join("labels.csv")).unwrap();
    assert_eq!(labels, "animal, stem\nx,s0\nx,s1\ny,s2\ny,s3\n");
    // Without the column the lines of the second source would be lost.
    fs::write(b.join("labels.csv"), "animal,clip\ny,s2\ny,s3\n").unwrap();
    let fault = split(&[a, b], &dir.path().join("other"), None).unwrap_err();
    assert_eq!(fault.what, "tables of different columns cannot be one");
    assert_eq!(
        (fault.found.as_deref(), fault.expected.as_deref()),
        (Some("animal, clip"), Some("animal, stem"))
    );
}

#[test]
fn what_is_wrong_with_a_class_is_told_of_listed_clips_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = source(dir.path(), "in", &[("s0", "cat"), ("s1", "cat"), ("s2", "cat"), ("s3", "")]);
    let list = dir.path().join("splits.json");
    fs::write(&list, r#"{"splits": {"train": ["s0"], "val": ["s1"], "test": ["s2"]}}"#).unwrap();
    let division = split(from_ref(&root), &dir.path().join("out"), Some(&list)).unwrap();
    assert_eq!((division.strata.len(), division.unlisted), (1, 1));
    fs::write(root.join("all/scene_desc/s1.json"), "not JSON").unwrap();
    let fault = split(from_ref(&root), &dir.path().join("more"), Some(&list)).unwrap_err();
    assert_eq!(fault.what, "not a list of captions");
    // Without captions there are no classes to tell.
    fs::remove_dir_all(root.join("all/scene_desc")).unwrap();
    let division = split(from_ref(&root), &dir.path().join("third"), Some(&list)).unwrap();
    assert_eq!(division.clips, [1, 1, 1]);
}
