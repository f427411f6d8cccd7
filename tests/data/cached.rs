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
fn a_cache_that_cannot_be_written_is_gone_on_without() {
    let f = Fixture::new();
    let with = f.open().unwrap();
    assert!(with.notes().is_empty());
    fs::remove_dir_all(f.cache()).unwrap();
    fs::write(f.cache(), b"a file, not a folder").unwrap();
    let without = f.open().unwrap();
    assert_eq!(without.hash, with.hash);
    for part in Part::ALL {
        let (a, b) = (with.split(part), without.split(part));
        assert!((0..a.len()).all(|clip| a.sample(clip, 1) == b.sample(clip, 1)));
    }
    let note = &without.notes()[0];
    assert!(note.contains("NANO4M_CACHE") && note.contains(f.cache().to_str().unwrap()), "{note}");
}

/// Another dataset of the same form, and its cache.
fn another() -> Fixture {
    let f = Fixture::new();
    f.write("val/tok_b@2/s6.npy", &npy("<i2", &[2, 2], &[9, 9, 9, 9]));
    f
}

fn only(f: &Fixture, extension: &str) -> PathBuf {
    let all = fs::read_dir(f.cache()).unwrap().map(|e| e.unwrap().path());
    let all: Vec<PathBuf> = all.filter(|p| p.extension().is_some_and(|e| e == extension)).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[test]
fn tokens_or_index_of_another_dataset_are_noticed_and_packed_again() {
    let (f, other) = (Fixture::new(), another());
    let hash = f.open().unwrap().hash;
    assert_ne!(other.open().unwrap().hash, hash);
    let tokens = only(&f, "tokens");
    fs::remove_file(&tokens).unwrap();
    fs::copy(only(&other, "tokens"), &tokens).unwrap();
    let again = f.open().unwrap();
    assert_eq!(again.hash, hash);
    assert!(again.notes()[0].contains("it holds the tokens of another dataset"), "{:?}", again.notes());
    // The index alone, and with the tokens that it leads to.
    let ours = only(&f, "index");
    for with_tokens in [false, true] {
        let tokens = only(&other, "tokens");
        if with_tokens {
            fs::copy(&tokens, f.cache().join(tokens.file_name().unwrap())).unwrap();
        }
        fs::copy(only(&other, "index"), &ours).unwrap();
        let again = f.open().unwrap();
        assert_eq!(
            (again.hash.as_str(), again.split(Part::Eval).tokens(1, 1, 0)),
            (hash.as_str(), &[25, 26][..])
        );
        assert!(again.notes()[0].contains("it is the index of another dataset"), "{:?}", again.notes());
        assert!(f.open().unwrap().notes().is_empty(), "packed again, and found");
    }
    // An index of our own name that leads to the other's tokens, of another form.
    let mut wide = another();
    wide.modalities[2].length = 9;
    wide.open().unwrap();
    let tokens = only(&wide, "tokens");
    fs::copy(&tokens, f.cache().join(tokens.file_name().unwrap())).unwrap();
    let own = ours.file_stem().unwrap().to_str().unwrap();
    fs::write(&ours, format!("{own} {}\n", tokens.file_stem().unwrap().to_str().unwrap())).unwrap();
    let again = f.open().unwrap();
    assert_eq!(again.hash, hash);
    assert!(again.notes()[0].contains("it is damaged"), "{:?}", again.notes());
}

/// An index that says whose it is and leads to another dataset's tokens.
#[test]
fn an_index_that_was_rewritten_leads_nowhere() {
    let f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let index = |f: &Fixture| {
        let all = fs::read_dir(f.cache()).unwrap().map(|e| e.unwrap().path());
        all.filter(|p| p.extension().is_some_and(|e| e == "index")).collect::<Vec<_>>().remove(0)
    };
    let other = Fixture::new();
    other.write("train/tok_b@2/s4.npy", &npy("<i2", &[2, 2], &[9, 9, 9, 9]));
    other.open().unwrap();
    let name = |store: &PathBuf| store.file_stem().unwrap().to_str().unwrap().to_string();
    let (own, theirs) = (stores(&f).remove(0), stores(&other).remove(0));
    fs::copy(&theirs, f.cache().join(theirs.file_name().unwrap())).unwrap();
    let text = fs::read_to_string(index(&f)).unwrap();
    fs::write(index(&f), text.replace(&name(&own), &name(&theirs))).unwrap();
    let opened = f.open().unwrap();
    assert_eq!(opened.hash, hash);
    assert!(opened.notes()[0].contains("it is damaged; the dataset was packed again"));
}
