//! What an error of a device is called: a card whose memory is too small by that name, anything else in its own words.

use crate::fault::Fault;
use crate::ops::device::{memory_here, CardMemory};
use std::fmt::Debug;

/// What the CUDA driver and cuBLAS say where memory is short.
const SHORT: [&str; 2] = ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED"];

/// A device's error.
pub fn device<E: Debug>(error: E) -> Fault {
    named(&format!("{error:?}"), memory_here())
        .help("a smaller `model` needs less memory; `nano4m doctor MANIFEST` shows how much it needs here")
}

/// A device's error where the manifest says how much memory is needed: of a part of a step with so many clips, if it
/// happened in one.
pub fn in_training<E: Debug>(error: E, clips: Option<usize>) -> Fault {
    named(&format!("{error:?}"), memory_here()).help(smaller(clips))
}

fn named(said: &str, memory: Option<CardMemory>) -> Fault {
    if !SHORT.iter().any(|words| said.contains(words)) {
        return Fault::failed(format!("the device failed: {said}"));
    }
    let fault = Fault::failed("the card's memory does not suffice");
    match memory {
        Some(memory) => fault.found(memory),
        None => fault.found(said),
    }
}

fn smaller(clips: Option<usize>) -> String {
    const SHOWN: &str = "`nano4m doctor MANIFEST` shows how much it needs here";
    match clips {
        Some(1) => format!("a smaller `model` or `vocab` needs less memory; {SHOWN}"),
        Some(clips) => format!(
            "free what else uses the card and go on, or try `train.micro_batch: {}`, which needs less memory and gives \
             the same result up to rounding; {SHOWN}",
            clips.div_ceil(2)
        ),
        None => format!("a smaller `train.micro_batch` or `train.batch` needs less memory; {SHOWN}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As dfdx and cudarc print it.
    #[derive(Debug)]
    #[allow(dead_code)]
    enum Error {
        Driver(DriverError),
    }

    #[derive(Debug)]
    #[allow(dead_code)]
    struct DriverError(Code, &'static str);

    #[derive(Debug)]
    #[allow(non_camel_case_types)]
    enum Code {
        CUDA_ERROR_OUT_OF_MEMORY,
        CUDA_ERROR_ILLEGAL_ADDRESS,
    }

    #[test]
    fn too_little_memory_is_called_so_and_says_what_to_try() {
        let short = || Error::Driver(DriverError(Code::CUDA_ERROR_OUT_OF_MEMORY, "out of memory"));
        let fault = in_training(short(), Some(33));
        assert_eq!(fault.what, "the card's memory does not suffice");
        assert!(fault.help.unwrap().contains("`train.micro_batch: 17`"));
        assert!(in_training(short(), Some(1)).help.unwrap().contains("a smaller `model`"));
        let memory = CardMemory { free: 1_300_000_000, total: 80_000_000_000 };
        assert_eq!(named(&format!("{:?}", short()), Some(memory)).found.unwrap(), "1.3 of 80.0 GB free");
    }

    #[test]
    fn anything_else_keeps_its_words() {
        let fault = device(Error::Driver(DriverError(Code::CUDA_ERROR_ILLEGAL_ADDRESS, "illegal")));
        assert!(fault.what.contains("the device failed") && fault.what.contains("ILLEGAL_ADDRESS"));
    }
}
