//! The captions of one clip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::data::captions;

fuzz_target!(|bytes: &[u8]| {
    match captions(bytes) {
        Ok(list) => assert!(!list.is_empty() && list.iter().all(|text| !text.trim().is_empty())),
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
});
