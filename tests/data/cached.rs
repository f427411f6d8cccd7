//! The packed store: built once, noticed when stale or damaged, safe with several builders.

use crate::fixture::{npy, Fixture};
use nano4m::data::Part;
use std::fs;
use std::path::PathBuf;

fn stores(f: &Fixture) -> Vec<PathBuf> {
    let all = fs::read_dir(f.cache()).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|p| p.extension().is_some_and(|e| e == "tokens")).collect();
    all.sort();
    all
}

#[test]
fn a_cached_archive_is_not_read_again() {
    let mut f = Fixture::new();
    let archive = f.pack("d.tar.zst", "d");
    f.data.path = Some(archive.display().to_string());
    let first = f.open().unwrap();
    let before = fs::metadata(&stores(&f)[0]).unwrap().modified().unwrap();
    let second = f.open().unwrap();
    assert_eq!(first.hash, second.hash);
    assert_eq!(fs::metadata(&stores(&f)[0]).unwrap().modified().unwrap(), before);
    assert_eq!(first.split(Part::Train).sample(3, 1), second.split(Part::Train).sample(3, 1));
}

#[test]
fn a_directory_and_its_archive_share_a_store() {
    let mut f = Fixture::new();
    f.open().unwrap();
    f.data.path = Some(f.pack("d.tar", "d").display().to_string());
    f.open().unwrap();
    assert_eq!(stores(&f).len(), 1);
}

#[test]
fn a_changed_source_is_noticed() {
    let f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let time = fs::metadata(f.root().join("val/tok_b@2/s6.npy")).unwrap().modified().unwrap();
    // Same size, same modification time: the time of the change still tells.
    f.write("val/tok_b@2/s6.npy", &npy("<i2", &[2, 2], &[9, 9, 9, 9]));
    fs::File::options()
        .write(true)
        .open(f.root().join("val/tok_b@2/s6.npy"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    let changed = f.open().unwrap();
    assert_ne!(changed.hash, hash);
    assert_eq!(changed.split(Part::Eval).tokens(1, 1, 0), [9, 9]);
    f.remove("val/tok_b@2/s6.npy");
    assert_eq!(f.fault().what, "missing file of a clip");
}

#[test]
fn a_damaged_store_is_built_again() {
    let f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let store = stores(&f).remove(0);
    let good = fs::read(&store).unwrap();
    let mut flipped = good.clone();
    flipped[70] ^= 1;
    for damaged in [&good[..good.len() / 2], &good[..10], b"", &flipped] {
        fs::remove_file(&store).unwrap();
        fs::write(&store, damaged).unwrap();
        assert_eq!(f.open().unwrap().hash, hash);
        assert_eq!(fs::read(&store).unwrap(), good);
    }
    fs::remove_file(&store).unwrap();
    assert_eq!(f.open().unwrap().hash, hash);
    for index in fs::read_dir(f.cache()).unwrap().map(|e| e.unwrap().path()) {
        if index.extension().is_some_and(|e| e == "index") {
            fs::write(index, "../../etc/passwd").unwrap();
        }
    }
    assert_eq!(f.open().unwrap().hash, hash);
}

#[test]
fn another_manifest_has_its_own_store() {
    let mut f = Fixture::new();
    let wide = f.open().unwrap();
    f.modalities[2].length = 4;
    let narrow = f.open().unwrap();
    assert_eq!((wide.hash.clone(), stores(&f).len()), (narrow.hash.clone(), 2));
    assert_eq!(narrow.split(Part::Train).tokens(0, 2, 1), [1, 6, 4, 2]);
    assert_eq!(wide.split(Part::Train).tokens(0, 2, 1), [1, 6, 4, 5, 2, 0, 0, 0]);
}

#[test]
fn several_may_build_at_once() {
    let f = Fixture::new();
    let hashes: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| f.open().unwrap().hash)).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    assert!(hashes.windows(2).all(|w| w[0] == w[1]));
    assert_eq!(fs::read_dir(f.cache()).unwrap().count(), 2, "one index, one store, nothing else");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let f = Fixture::new();
    fs::write(f.cache(), b"a file, not a folder").unwrap();
    let fault = f.fault();
    assert_eq!(
        (fault.exit, fault.place),
        (nano4m::fault::Exit::Failed, Some(f.cache().display().to_string()))
    );
    assert!(fault.what.starts_with("cannot write the token store: "), "{}", fault.what);
}
