//! The record of a run, or of an ablation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::record::{AblationRecord, Record};

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("record.json", bytes);
    if let Err(fault) = Record::read(&path) {
        assert!(!fault.to_string().is_empty());
    }
    if let Ok(record) = AblationRecord::read(&path) {
        let _ = record.check();
    }
});
