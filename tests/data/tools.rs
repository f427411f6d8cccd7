//! `data inspect`, `data hash` and `data split` as library functions.

use crate::fixture::{npy, stamps_modalities, Fixture};
use nano4m::data::{discover, Dataset, Division, DivisionRequest, Part};
use nano4m::fault::Result;
use nano4m::manifest::schema::{Data, Labels, Splits, Synthetic};
use nano4m::modality::Text;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn divide(source: &Path, target: &Path, labels: &Labels, seed: u64) -> Result<Division> {
    let sources = &[source.to_path_buf()];
    nano4m::data::divide(&DivisionRequest { sources, target, labels, splits: None, seed })
}

fn stamps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/data/stamps.tar.zst")
}

/// The entropies that the dataset's README states (two decimals), and the counts of its first lines.
#[test]
fn the_embedded_dataset_is_what_its_readme_says() {
    let cache = tempfile::tempdir().unwrap();
    let labels = Labels::File("labels.csv".into(), "group".into());
    let data = Data { path: Some(stamps().display().to_string()), labels, ..Data::default() };
    let mut modalities = stamps_modalities();
    modalities[1].codebooks = 2;
    let s = Dataset::open(&data, &modalities, Path::new("."), cache.path()).unwrap().summary();
    let entropies: Vec<String> =
        s.modalities[..4].iter().map(|m| format!("{:.2}", m.entropy_nats.unwrap())).collect();
    assert_eq!(entropies, ["6.15", "6.45", "2.57", "2.80"]);
    let books: Vec<String> =
        s.modalities[1].entropy_by_codebook_nats.iter().map(|e| format!("{e:.2}")).collect();
    assert_eq!(books, ["5.85", "5.66"]);
    let splits: Vec<_> = s.splits.iter().map(|s| (s.part, s.clips, s.rows)).collect();
    assert_eq!(splits, [("train", 992, 3968), ("eval", 124, 496), ("test", 124, 496)]);
    assert_eq!(
        (s.classes.len(), s.classes[0].class.as_str(), s.classes[0].clips),
        (13, "bovid", [144, 18, 18])
    );
    assert!(s.modalities.iter().all(|m| m.range.unwrap().1 < m.vocab as u32 && m.used <= m.vocab));
}

#[test]
fn modalities_are_found_without_a_manifest() {
    let found = discover(&stamps(), &Splits::default()).unwrap();
    let facts: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.length, m.vocab, m.codebooks)).collect();
    let published =
        [("tok_rgb@196", 196, 16384, 1), ("tok_audio@512", 512, 2048, 2), ("tok_depth@196", 196, 8192, 1)];
    assert_eq!(facts[..3], published);
    assert_eq!((found[4].name.as_str(), found[4].text), ("scene_desc", Some(Text::Gpt2)));
    let f = Fixture::new();
    let found = discover(&f.root(), &Splits::default()).unwrap();
    let facts: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.length, m.vocab)).collect();
    assert_eq!(facts, [("scene_desc", 64, 50304), ("tok_a@3", 3, 64), ("tok_b@2", 2, 64)]);
    // What was found opens, and has the hash of any manifest that names the same folders.
    let cache = f.cache();
    let d = Dataset::open(&f.data, &found, Path::new("."), &cache).unwrap();
    assert_eq!(d.hash, f.open().unwrap().hash);
    // Of an id that no vocabulary can have the largest one that can be is left, which refuses it.
    f.write("train/tok_a@3/s4.npy", &npy("<i8", &[2, 3], &[i64::MAX; 6]));
    let found = discover(&f.root(), &Splits::default()).unwrap();
    assert_eq!(found[1].vocab, 1 << 24);
    let fault = Dataset::open(&f.data, &found, Path::new("."), &cache).err().unwrap();
    assert_eq!(fault.what, "token id out of range");
    let empty = tempfile::tempdir().unwrap();
    let fault = discover(empty.path(), &Splits::default()).unwrap_err();
    assert_eq!(fault.what, "no dataset in the published layout");
}

#[test]
fn an_archive_and_its_directory_are_divided_alike() {
    let f = Fixture::new();
    for i in 0..20 {
        f.write(&format!("all/tok_a@3/as_new{i}_000001.npy"), &npy("<i4", &[2, 3], &[i; 6]));
        f.write(&format!("all/tok_b@2/as_new{i}_000001.npy"), &npy("<i4", &[2, 2], &[i; 4]));
        f.write(&format!("all/scene_desc/as_new{i}_000001.json"), br#"["cow lowing", "cow"]"#);
    }
    f.write("README.md", b"credits");
    let [a, b] = ["a", "b"].map(|name| f.folder.path().join(name));
    let division = divide(&f.root(), &a, &Labels::Caption, 42).unwrap();
    let archive = f.pack("d.tar.zst", "root");
    assert_eq!(divide(&archive, &b, &Labels::Caption, 42).unwrap(), division);
    let cows = division.strata.iter().find(|s| s.class == "cow lowing").unwrap();
    assert_eq!((cows.source.as_str(), cows.clips), ("as", [16, 2, 2]));
    assert_eq!(division.stems.iter().sum::<usize>(), 28);
    let open = |path: &Path| {
        let data = Data { path: Some(path.display().to_string()), ..Data::default() };
        Dataset::open(&data, &f.modalities[..2], Path::new("."), &f.cache()).unwrap()
    };
    assert_eq!(open(&a).hash, open(&b).hash);
    assert_eq!(Part::ALL.map(|p| open(&a).split(p).len()), division.stems);
    assert_eq!(fs::read(b.join("README.md")).unwrap(), b"credits");
    let names: BTreeSet<_> = fs::read_dir(f.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        !names.iter().any(|n| n.to_string_lossy().starts_with('.')),
        "no working folder stays: {names:?}"
    );
}

#[test]
fn dividing_refuses_to_guess_or_overwrite() {
    let f = Fixture::new();
    let target = f.folder.path().join("new");
    let divide = |labels: &Labels| divide(&f.root(), &target, labels, 42).unwrap_err().what;
    let file = Labels::File("labels.csv".into(), "class".into());
    assert_eq!(divide(&file), "missing labels file");
    f.write("labels.csv", b"stem,class\ns4,x\n");
    assert_eq!(divide(&file), "the labels file lacks a clip");
    let caption = fs::read(f.root().join("train/scene_desc/s4.json")).unwrap();
    f.remove("train/scene_desc/s4.json");
    assert_eq!(divide(&Labels::Caption), "missing file of a clip");
    f.write("train/scene_desc/s4.json", &caption);
    f.write("test/tok_a@3/s4.npy", b"");
    assert_eq!(divide(&Labels::Caption), "a stem is in two splits already");
    assert!(!target.exists());
    fs::create_dir(&target).unwrap();
    assert_eq!(divide(&Labels::Caption), "the target exists already");
    assert_eq!(fs::read_dir(f.folder.path()).unwrap().count(), 2);
}

#[test]
fn a_manifest_names_one_source() {
    let mut f = Fixture::new();
    f.modalities.truncate(2);
    f.data.synthetic = Some(Synthetic { clips: (4, 2, 2), ..Synthetic::default() });
    assert_eq!(f.fault().found.unwrap(), "`path` and `synthetic`");
    f.data.path = None;
    f.data.rows = Some(1);
    let d = f.open().unwrap();
    assert_eq!((d.split(Part::Train).len(), d.split(Part::Train).rows(0)), (4, 1));
    f.data.synthetic = None;
    assert_eq!(f.fault().found.unwrap(), "neither `path` nor `synthetic`");
}
