//! A Slurm profile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::ablation::slurm::Profile;

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("profile.ron", bytes);
    match Profile::read(&path).and_then(|profile| profile.check()) {
        Ok(()) => {}
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
});
