//! Where a run stands: its status, as `ls` and `resume` read it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::store::Status;

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("status.json", bytes);
    if let Err(fault) = Status::read(&path) {
        assert!(!fault.to_string().is_empty());
    }
});
