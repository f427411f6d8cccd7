//! One file of tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::data::Array;

fuzz_target!(|bytes: &[u8]| {
    match Array::parse(bytes) {
        Ok(array) => {
            let count = array.shape.iter().product::<u64>();
            assert_eq!(array.values().count() as u64, count);
            if let Ok((rows, ids)) = array.into_tokens(4, 8) {
                assert!(ids.len() == 4 * rows && ids.iter().all(|&id| id < 8));
            }
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
});
