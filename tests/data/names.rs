//! Names that a file system allows: the same answer from a folder and from an archive.

use crate::fixture::{Fixture, Tar};
use nano4m::fault::Fault;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

const FOLDERS: [(&str, &str); 3] = [("tok_a@3", "npy"), ("tok_b@2", "npy"), ("scene_desc", "json")];

/// The fixture with clip `s4` called `stem`, as a folder and as an archive.
fn renamed(stem: &[u8]) -> [Fixture; 2] {
    [false, true].map(|archive| {
        let mut f = Fixture::new();
        let mut tar = Tar::default();
        tar.fixture(&f, "", |name| name.contains("/s4."));
        for (folder, extension) in FOLDERS {
            let old = f.root().join(format!("train/{folder}/s4.{extension}"));
            let name = [stem, b".", extension.as_bytes()].concat();
            let path = [format!("train/{folder}/").as_bytes(), &name].concat();
            tar.file(&path, &fs::read(&old).unwrap());
            if !archive {
                fs::rename(&old, old.with_file_name(OsStr::from_bytes(&name))).unwrap();
            }
        }
        if archive {
            f.archive(&tar.end());
        }
        f
    })
}

#[test]
fn odd_names_have_one_hash() {
    let mut hashes = std::collections::BTreeSet::new();
    for stem in ["a\\b", "ends.", "a b", "é", "日本", "'\"", "x.npy", "-", "*"] {
        let [folder, archive] =
            renamed(stem.as_bytes()).map(|f| f.open().unwrap_or_else(|e| panic!("{stem}: {e}")).hash);
        assert_eq!(folder, archive, "{stem}");
        assert!(hashes.insert(folder), "{stem}");
    }
}

#[test]
fn decomposed_names_are_the_composed_ones() {
    let hashes =
        ["e\u{301}te\u{301}", "été"].map(|stem| renamed(stem.as_bytes()).map(|f| f.open().unwrap().hash));
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0][0], hashes[0][1]);
    // A table of labels may have either form.
    let [mut f, _] = renamed("e\u{301}te\u{301}".as_bytes());
    f.data.labels = nano4m::manifest::schema::Labels::File("labels.csv".into(), "class".into());
    let lines: String = crate::fixture::clips().map(|(_, stem)| format!("{stem},x\n")).collect();
    f.write("labels.csv", format!("stem,class\n{}", lines.replace("s4,", "été,")).as_bytes());
    assert_eq!(f.open().unwrap().classes(), ["x"]);
    // And both at once are one name twice.
    let [f, _] = renamed("e\u{301}".as_bytes());
    f.write("train/tok_a@3/é.npy", &fs::read(f.root().join("train/tok_a@3/e\u{301}.npy")).unwrap());
    assert_eq!(f.fault().what, "two files of one name");
}

#[test]
fn names_that_are_no_text_are_refused_alike() {
    for (stem, found) in [
        (&b"a\xffb"[..], "bytes that are not UTF-8"),
        (b"a\nb", "a control character, such as a line break"),
        (b"a\x1b[31mb", "a control character, such as a line break"),
    ] {
        let [folder, archive] = renamed(stem).map(|f| f.fault());
        let without_place = |fault: &Fault| fault.to_string().replace(fault.place.as_deref().unwrap(), "");
        assert_eq!(without_place(&folder), without_place(&archive));
        assert!(folder.what.contains("3 problems") && folder.what.contains(found), "{folder}");
        assert!(folder.what.contains("a file name that is no text"), "{folder}");
        assert!(!folder.what.contains('\x1b'));
    }
}

#[test]
fn paths_that_lead_out_of_an_archive_are_refused_by_name() {
    for (name, found) in [
        (&b"/train/tok_a@3/s4.npy"[..], "an absolute path"),
        (b"d/../train/tok_a@3/s4.npy", "`..`"),
        (b"../README", "`..`"),
    ] {
        let mut f = Fixture::new();
        let bytes = Tar::default()
            .fixture(&f, "", |n| n == "train/tok_a@3/s4.npy" && !name.ends_with(b"README"))
            .file(name, b"x")
            .end();
        f.archive(&bytes);
        let fault = f.fault().to_string();
        assert!(fault.contains("a path that leads out of the dataset") && fault.contains(found), "{fault}");
        assert!(fault.contains(std::str::from_utf8(name).unwrap()), "{fault}");
    }
}

#[test]
fn a_link_where_a_folder_should_be_is_named() {
    for (link, skip) in [("d/train/tok_a@3", "train/tok_a@3/"), ("d/val", "val/")] {
        let mut f = Fixture::new();
        let mut tar = Tar::default();
        tar.fixture(&f, "d/", |name| name.starts_with(skip)).header(link.as_bytes(), b'2', 0);
        f.archive(&tar.end());
        let fault = f.fault();
        assert_eq!(fault.what, "the archive holds a link instead of a folder");
        assert_eq!(fault.place.unwrap(), link[2..]);
    }
}

/// Names outside the layout are nobody's business.
#[test]
fn other_files_may_be_called_anything() {
    let f = Fixture::new();
    let hash = f.open().unwrap().hash;
    fs::write(f.root().join(OsStr::from_bytes(b"note\xff.txt")), b"x").unwrap();
    f.write("train/other/a\nb.npy", b"x");
    f.write("train/tok_a@3/._s4.npy", b"x");
    assert_eq!(f.open().unwrap().hash, hash);
}

/// The same files below `root`, of whatever bytes, as a folder in a folder and as an archive.
fn below(root: &[u8], more: &[(&[u8], &[u8])]) -> [Fixture; 2] {
    [false, true].map(|archive| {
        let mut f = Fixture::new();
        let mut tar = Tar::default();
        for (split, stem) in crate::fixture::clips() {
            for (folder, extension) in FOLDERS {
                let name = format!("{split}/{folder}/{stem}.{extension}");
                let path = [root, b"/", name.as_bytes()].concat();
                tar.file(&path, &fs::read(f.root().join(&name)).unwrap());
            }
        }
        let outer = f.folder.path().join("outer");
        let inner = outer.join(OsStr::from_bytes(root));
        fs::create_dir_all(inner.parent().unwrap()).unwrap();
        fs::rename(f.root(), &inner).unwrap();
        for (name, bytes) in more {
            tar.file(&[root, b"/", name].concat(), bytes);
            let path = inner.join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        f.data.path = Some(outer.display().to_string());
        if archive {
            f.archive(&tar.end());
        }
        f
    })
}

#[test]
fn the_folders_above_a_dataset_may_have_any_name_and_depth() {
    let hash = Fixture::new().open().unwrap().hash;
    for root in [&b"d"[..], b"a/b/c", b"donn\xe9es", b"a\nb/c", b"p/\xff/q"] {
        for f in below(root, &[]) {
            assert_eq!(f.open().unwrap_or_else(|e| panic!("{root:?}: {e}")).hash, hash);
        }
    }
}

#[test]
fn hidden_folders_are_passed_over_in_both() {
    let hash = Fixture::new().open().unwrap().hash;
    let more: [(&[u8], &[u8]); 3] = [
        (b".old/train/tok_a@3/s4.npy", b"x"),
        (b"train/tok_a@3/.ipynb_checkpoints/s4.npy", b"x"),
        (b".\xff/train/tok_a@3/s4.npy", b"x"),
    ];
    for f in below(b"d", &more) {
        assert_eq!(f.open().unwrap_or_else(|e| panic!("{e}")).hash, hash);
    }
}

#[test]
fn folders_are_listed_and_no_end_of_them() {
    let f = Fixture::new();
    (0..500).for_each(|i| f.write(&format!("train/f{i:03}/x"), b""));
    f.remove("train/tok_a@3");
    let fault = f.fault();
    assert_eq!(fault.what, "missing modality `tok_a@3`");
    let found = fault.found.unwrap();
    assert!(found.starts_with("folders f000, f001, ") && found.ends_with(" and 490 more"), "{found}");
    // An archive of datasets without end is as short.
    let mut f = Fixture::new();
    let mut tar = Tar::default();
    (0..500).for_each(|i| {
        tar.file(format!("r{i}/train/tok_a@3/x.npy").as_bytes(), b"");
    });
    f.archive(&tar.end());
    assert!(f.fault().to_string().len() < 3000);
}
