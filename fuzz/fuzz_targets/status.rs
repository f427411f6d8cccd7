//! Where a run stands: its status, as `ls` and `resume` read it. What is read stays the same when written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::store::Status;

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("status.json", bytes);
    match Status::read(&path) {
        Ok(status) => {
            status.write(&path).expect("a status is written");
            let written = std::fs::read(&path).expect("it was written");
            Status::read(&path).expect("what was written").write(&path).expect("a status is written");
            assert_eq!(std::fs::read(&path).expect("it was written"), written);
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
});
