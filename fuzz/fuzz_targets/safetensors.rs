//! A checkpoint: as a run reads its own, and as one of another program, for a small model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::architecture::Config;
use nano4m::manifest::schema::Model;
use nano4m::modality::Modality;
use nano4m::model::{checkpoint, given};
use nano4m::store::tensors;
use std::sync::OnceLock;

fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let modalities = [modality("a", 4, 8), modality("b", 6, 4)];
        let model = Model { dim: 4, enc_depth: 1, dec_depth: 1, head_dim: 2, ..Model::default() };
        Config::new(&modalities, &model)
    })
}

fn modality(name: &str, length: usize, vocab: usize) -> Modality {
    let (codebooks, grid, text, masking) = (1, None, None, Default::default());
    Modality { name: name.into(), length, vocab, codebooks, grid, text, masking }
}

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("checkpoint.safetensors", bytes);
    if let Ok((all, _)) = tensors::read(&path) {
        for tensor in all {
            assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>(), "{}", tensor.name);
        }
    }
    if let Ok(given) = given::read(&path, config()) {
        let _ = checkpoint::loaded(config(), given.tensors);
    }
});
