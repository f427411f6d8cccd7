//! An archive of a dataset: its files, then, if it is whole, the dataset; the first byte says by which name it
//! is opened.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::data::{archive_files, Dataset};
use nano4m::manifest::{self, schema::Experiment};
use std::path::Path;
use std::sync::OnceLock;

/// Bytes of a file that are read at most.
const LARGEST: u64 = 256;

const MANIFEST: &str = r#"Experiment(schema: 1, name: "fuzz", data: (path: "d.tar"), modalities: [
    (name: "a", length: 4, vocab: 8),
    (name: "scene_desc", length: 4, vocab: 16, text: Words),
], masking: (input_tokens: (1, 4), target_tokens: (1, 4)))"#;

fn experiment() -> &'static Experiment {
    static EXPERIMENT: OnceLock<Experiment> = OnceLock::new();
    EXPERIMENT.get_or_init(|| {
        manifest::parse(MANIFEST, Path::new("fuzz.ron"), &[]).expect("a valid manifest").experiment
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((form, bytes)) = bytes.split_first() else { return };
    match archive_files(bytes, LARGEST) {
        Ok(files) => {
            assert!(files.iter().flat_map(|(_, file)| file).all(|file| file.len() as u64 <= LARGEST))
        }
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    }
    let name = ["d.tar", "d.tar.gz", "d.tar.zst"][*form as usize % 3];
    let path = scratch::file(name, bytes);
    let cache = scratch::folder().join("cache");
    let mut experiment = experiment().clone();
    experiment.data.path = Some(name.to_string());
    let folder = path.parent().expect("inside the folder");
    if let Err(fault) = Dataset::open(&experiment.data, &experiment.modalities, folder, &cache) {
        assert!(!fault.to_string().is_empty());
    }
    let _ = std::fs::remove_dir_all(cache);
    let _ = std::fs::remove_file(path);
});
