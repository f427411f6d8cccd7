//! A configuration of the reference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::interop::omegaconf;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Err(fault) = omegaconf::import_text(&text) {
        assert!(!fault.to_string().is_empty());
    }
});
