//! An ablation beside a valid base manifest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::ablation;

const BASE: &[u8] = include_bytes!("../../ablations/base/planted.ron");

fuzz_target!(init: { scratch::file("base/planted.ron", BASE); }, |bytes: &[u8]| {
    let path = scratch::file("ablation.ron", bytes);
    if let Err(fault) = ablation::read(&path) {
        assert!(!fault.to_string().is_empty());
    }
});
