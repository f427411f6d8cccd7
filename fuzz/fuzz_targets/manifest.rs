//! A manifest and, after a zero byte, overrides line by line. What is valid stays the same when printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::manifest;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&b| b == 0).map(String::from_utf8_lossy);
    let text = parts.next().unwrap_or_default();
    let overrides = parts.next().unwrap_or_default();
    let overrides: Vec<String> = overrides.lines().take(8).map(str::to_owned).collect();
    match manifest::parse(&text, Path::new("fuzz.ron"), &overrides) {
        Ok(loaded) => {
            let printed = manifest::resolved(&loaded.experiment);
            let again = manifest::parse(&printed, Path::new("fuzz.ron"), &[]).expect("what was printed");
            assert_eq!(again.experiment, loaded.experiment, "{printed}");
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
});
