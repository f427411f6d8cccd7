//! Opening datasets from disk: the published layout in every form.

mod data_fixture;

use data_fixture::stamps_modalities;
use nano4m::data::{Dataset, Part};
use nano4m::manifest::schema::{Data, Labels};
use std::path::Path;
use std::time::Instant;

#[test]
fn the_embedded_dataset_opens_quickly() {
    let cache = tempfile::tempdir().unwrap();
    let data = Data {
        path: Some("experiments/data/stamps.tar.zst".into()),
        labels: Labels::File("labels.csv".into(), "animal".into()),
        ..Data::default()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let open = || Dataset::open(&data, &stamps_modalities(), root, cache.path()).unwrap();
    let t = Instant::now();
    let first = open();
    println!("first: {:?}", t.elapsed());
    let t = Instant::now();
    let second = open();
    println!("cached: {:?}", t.elapsed());
    assert_eq!(first.hash, second.hash);
    assert_eq!(Part::ALL.map(|p| first.split(p).len()), [992, 124, 124]);
    assert_eq!(first.classes().len(), 62);
    println!("{} {}", first.hash, first.text(4).unwrap().size());
}
