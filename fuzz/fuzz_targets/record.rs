//! The record of a run, or of an ablation. What is read stays the same when it is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::record::{AblationRecord, Record};

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("record.json", bytes);
    match Record::as_it_stands(&path) {
        Ok((record, _)) => {
            let written = record.to_json().expect("a record is written");
            let again = Record::read(&scratch::file("again.json", &written)).expect("what was written");
            assert_eq!(again.to_json().expect("a record is written"), written);
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    if let Ok(record) = AblationRecord::read(&path) {
        let _ = record.check();
    }
});
