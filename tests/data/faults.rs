//! Every way a dataset can be wrong: its file, what was found, what was expected, and the exit code.

use crate::fixture::{clips, npy, Fixture};
use nano4m::fault::{Exit, Fault};
use nano4m::manifest::schema::Labels;
use nano4m::modality::Text;
use std::fs;

/// The fault of a fixture changed by `change`; it must be told as invalid data, with a next step.
fn refused(change: impl Fn(&mut Fixture)) -> Fault {
    let mut f = Fixture::new();
    change(&mut f);
    let fault = f.fault();
    assert_eq!(fault.exit, Exit::Invalid, "{fault}");
    assert!(fault.help.is_some() && fault.place.is_some(), "{fault}");
    let left: Vec<_> = fs::read_dir(f.cache()).map_or(Vec::new(), |d| d.map(|e| e.unwrap().path()).collect());
    assert!(left.is_empty(), "nothing half-built stays behind: {left:?}");
    fault
}

fn says(fault: &Fault, what: &str, place: &str, found: &str) {
    let told =
        (fault.what.as_str(), fault.place.as_deref().unwrap_or(""), fault.found.as_deref().unwrap_or(""));
    assert_eq!(told, (what, place, found), "{fault}");
}

#[test]
fn a_truncated_npy() {
    let fault = refused(|f| {
        let good = npy("<i4", &[2, 3], &[0; 6]);
        f.write("val/tok_a@3/s6.npy", &good[..good.len() - 4]);
    });
    says(&fault, "truncated or overlong npy file", "val/tok_a@3/s6.npy", "20 bytes of values");
    assert_eq!(fault.expected.unwrap(), "24 bytes for shape [2, 3]");
    let fault = refused(|f| f.write("val/tok_a@3/s6.npy", b""));
    says(&fault, "not an npy file", "val/tok_a@3/s6.npy", "0 bytes");
}

#[test]
fn a_wrong_shape() {
    let fault = refused(|f| f.write("test/tok_a@3/s8.npy", &npy("<i4", &[2, 4], &[0; 8])));
    says(&fault, "wrong shape", "test/tok_a@3/s8.npy", "[2, 4]");
    assert_eq!(fault.expected.unwrap(), "[K, 3] or [3]");
}

#[test]
fn an_id_out_of_range() {
    let fault = refused(|f| f.write("test/tok_b@2/s8.npy", &npy("<i2", &[2, 2], &[0, 1, 2, 50])));
    says(&fault, "token id out of range", "test/tok_b@2/s8.npy", "id 50 in row 1 at position 1");
    assert_eq!(fault.expected.unwrap(), "ids 0 to 49 (vocab 50)");
    let fault = refused(|f| f.write("test/tok_b@2/s8.npy", &npy("<i2", &[2, 2], &[0, -1, 2, -1])));
    assert_eq!(fault.found.unwrap(), "id -1 in row 0 at position 1 (2 such ids in the file)");
}

#[test]
fn rows_that_differ() {
    let fault = refused(|f| f.write("test/tok_b@2/s8.npy", &npy("<i2", &[1, 2], &[0, 1])));
    says(&fault, "rows differ between modalities", "test/*/s8", "2 in tok_a@3, 1 in tok_b@2");
}

#[test]
fn captions_not_as_many_as_rows() {
    let fault = refused(|f| f.write("train/scene_desc/s4.json", br#"["a", "b", "c"]"#));
    says(&fault, "not as many captions as rows", "train/scene_desc/s4.json", "3 captions");
    for bad in [&b"{\"a\": 1}"[..], b"[]", b"[1]", b"\xff", b"[\"a\""] {
        let fault = refused(|f| f.write("train/scene_desc/s4.json", bad));
        assert_eq!(fault.what, "not a list of captions");
    }
}

#[test]
fn a_missing_stem() {
    let fault = refused(|f| f.remove("train/tok_b@2/s4.npy"));
    says(&fault, "missing file of a clip", "train/tok_b@2/s4.npy", "the clip in tok_a@3, scene_desc");
    let fault = refused(|f| f.remove("val/scene_desc/s6.json"));
    says(&fault, "missing file of a clip", "val/scene_desc/s6.json", "the clip in tok_a@3, tok_b@2");
}

#[test]
fn a_clip_in_two_splits() {
    let copy = |f: &Fixture, to: &str| {
        for (folder, extension) in [("tok_a@3", "npy"), ("tok_b@2", "npy"), ("scene_desc", "json")] {
            let from = f.root().join(format!("train/{folder}/as_aa_000001.{extension}"));
            f.write(&format!("val/{folder}/{to}.{extension}"), &fs::read(from).unwrap());
        }
    };
    let fault = refused(|f| copy(f, "as_aa_000009"));
    let found = "clip `as_aa` also as train/*/as_aa_000001";
    says(&fault, "a clip is in two splits", "val/*/as_aa_000009", found);
    let fault = refused(|f| copy(f, "s4"));
    says(&fault, "a clip is in two splits", "val/*/s4", "clip `s4` also as train/*/s4");
}

#[test]
fn an_empty_or_missing_split() {
    let files = |f: &Fixture| {
        for (_, stem) in clips().filter(|c| c.0 == "val") {
            f.remove(&format!("val/tok_a@3/{stem}.npy"));
            f.remove(&format!("val/tok_b@2/{stem}.npy"));
            f.remove(&format!("val/scene_desc/{stem}.json"));
        }
    };
    let fault = refused(|f| files(f));
    assert_eq!(fault.what, "empty split: `val` has no clip of these modalities");
    let fault = refused(|f| f.data.splits.eval = "dev".into());
    assert_eq!(fault.what, "missing split folder `dev`");
    assert_eq!(fault.found.unwrap(), "folders test, train, val");
    let fault = refused(|f| {
        f.remove("val");
        f.data.path = Some(f.pack("d.tar.zst", "root").display().to_string());
    });
    says(&fault, "missing split folder `val`", "val", "folders test, train");
    let fault = refused(|f| f.data.splits.eval = "test".into());
    assert_eq!(fault.what, "two splits name the same folder");
}

#[test]
fn a_missing_modality() {
    let fault = refused(|f| f.remove("val/tok_b@2"));
    says(&fault, "missing modality `tok_b@2`", "val/tok_b@2", "folders scene_desc, tok_a@3");
    let fault = refused(|f| f.modalities[2].text = None);
    assert!(fault.what.contains("no `.npy` files in a modality's folder"), "{fault}");
}

#[test]
fn a_corrupt_archive() {
    let packed = |name: &str, damage: fn(&mut Vec<u8>)| {
        refused(|f| {
            let path = f.pack(name, "d");
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            f.data.path = Some(path.display().to_string());
        })
    };
    for name in ["d.tar", "d.tar.gz", "d.tar.zst"] {
        let fault = packed(name, |b| b.truncate(b.len() / 2));
        assert_eq!(fault.what, "corrupt archive", "{name}: {fault}");
    }
    // Cut exactly between two files: only the missing end tells.
    let fault = packed("d.tar", |b| b.truncate(b.len() - 1024));
    assert_eq!(fault.found.unwrap(), "the end of the archive is missing");
    // The checksum at the very end of a gzip file.
    assert_eq!(packed("d.tar.gz", |b| *b.iter_mut().nth_back(5).unwrap() ^= 1).what, "corrupt archive");
    for text in [&b""[..], b"hello", b"\x1f\x8b", &[7; 2048]] {
        let fault = refused(|f| {
            f.data.path = Some(f.folder.path().join("x.tar").display().to_string());
            fs::write(f.folder.path().join("x.tar"), text).unwrap();
        });
        assert_eq!(fault.what, "corrupt archive", "{fault}");
    }
}

#[test]
fn odd_archives() {
    let build = |add: fn(&mut tar::Builder<Vec<u8>>, &Fixture)| {
        refused(|f| {
            let mut tar = tar::Builder::new(Vec::new());
            tar.append_dir_all("d", f.root()).unwrap();
            add(&mut tar, f);
            fs::write(f.folder.path().join("x.tar"), tar.into_inner().unwrap()).unwrap();
            f.data.path = Some(f.folder.path().join("x.tar").display().to_string());
        })
    };
    const FILE: &str = "train/tok_a@3/s4.npy";
    let fault = build(|t, f| t.append_path_with_name(f.root().join(FILE), format!("d/{FILE}")).unwrap());
    says(&fault, "two files of one name", FILE, "");
    let fault = build(|t, f| t.append_dir_all("e", f.root()).unwrap());
    assert!(fault.what.contains("more than one dataset in the archive (found `d/`, `e/`"), "{fault}");
    let fault = build(|t, _| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Link);
        header.set_size(0);
        t.append_link(&mut header, format!("d/{FILE}"), "d/other.npy").unwrap();
    });
    says(&fault, "the archive holds a link instead of a file", &format!("d/{FILE}"), "a hard link");
}

#[test]
fn labels_that_lack_something() {
    let with = |text: Option<&str>| {
        refused(|f| {
            f.data.labels = Labels::File("labels.csv".into(), "animal".into());
            text.into_iter().for_each(|t| f.write("labels.csv", t.as_bytes()));
        })
    };
    says(&with(None), "missing labels file", "labels.csv", "");
    let fault = with(Some("stem,group\n"));
    says(&fault, "the labels file lacks the column `animal`", "labels.csv", "stem, group");
    let all: String = clips().filter(|c| c.1 != "s6").map(|c| format!("{},x\n", c.1)).collect();
    let fault = with(Some(&format!("stem,animal\n{all}")));
    says(&fault, "the labels file lacks a clip", "labels.csv", "no `animal` for s6");
    let fault = with(Some("stem,animal\n"));
    assert!(fault.what.starts_with("8 problems in the dataset"), "{fault}");
}

#[test]
fn a_vocabulary_too_small() {
    let fault = refused(|f| f.modalities[2].vocab = 8);
    says(
        &fault,
        "the vocabulary of modality `scene_desc` is too small for its captions",
        "modalities.scene_desc.vocab",
        "8",
    );
    assert_eq!(fault.help.unwrap(), "set `vocab: 9`");
    let fault = refused(|f| {
        f.modalities[2].text = Some(Text::Gpt2);
        f.modalities[2].vocab = 50257;
    });
    assert_eq!(fault.expected.unwrap(), "at least 50260");
}

#[test]
fn rows_the_data_does_not_have() {
    for rows in [0, 3] {
        let mut f = Fixture::new();
        f.data.rows = Some(rows);
        let fault = f.fault();
        assert_eq!((fault.exit, fault.found.as_deref()), (Exit::Invalid, Some("2 rows in the clip")));
    }
}

#[test]
fn a_missing_dataset_says_how_to_get_it() {
    let mut f = Fixture::new();
    f.data.path = Some("no/such/data.tar.gz".into());
    assert_eq!(f.fault().exit, Exit::Provenance);
    f.data.obtain = Some("download it from the model card".into());
    let fault = f.fault();
    says(
        &fault,
        "the dataset is missing",
        "no/such/data.tar.gz",
        "no such file or folder, here or beside the manifest",
    );
    assert_eq!(fault.help.unwrap(), "download it from the model card");
}

#[test]
fn all_problems_are_told_in_order() {
    let fault = refused(|f| {
        f.write("train/tok_a@3/s4.npy", b"x");
        f.remove("test/tok_b@2/s8.npy");
        f.write("val/tok_a@3/s6.npy", &npy("<i4", &[2, 4], &[0; 8]));
    });
    let lines: Vec<&str> = fault.what.lines().collect();
    assert_eq!(lines[0], "3 problems in the dataset");
    assert!(lines[1].starts_with("  test/tok_b@2/s8.npy: missing file of a clip"), "{fault}");
    assert!(lines[2].starts_with("  train/tok_a@3/s4.npy: not an npy file"), "{fault}");
    assert_eq!(lines[3], "  val/tok_a@3/s6.npy: wrong shape (found [2, 4]; expected [K, 3] or [3])");
}
