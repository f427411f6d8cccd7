//! The kernels as one program: compiled by NVRTC for the card at hand, kept on disk by source, architecture and
//! compiler version.

use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use crate::store::{regular, write_atomic};
use cudarc::nvrtc::{result, sys};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// All kernels, in one translation unit.
const SOURCES: [&str; 8] = [
    include_str!("common.cuh"),
    include_str!("../embed/kernels.cu"),
    include_str!("../layer_norm/kernels.cu"),
    include_str!("../linear/kernels.cu"),
    include_str!("../gelu_linear/kernels.cu"),
    include_str!("../attention/kernels.cu"),
    include_str!("../cross_entropy/kernels.cu"),
    include_str!("../adamw/kernels.cu"),
];

/// Larger than any program that was kept.
const MOST_BYTES: u64 = 1 << 26;

static CACHE: OnceLock<PathBuf> = OnceLock::new();

/// Names the folder that compiled kernels are kept in; without one they are compiled at every start.
pub fn keep_in(folder: &Path) {
    // Whoever came first has named it.
    let _ = CACHE.set(folder.join("kernels"));
}

/// Version of the compiler, e.g. `13.0`.
///
/// # Errors
/// If NVRTC does not answer.
pub fn compiler() -> Result<String> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: two numbers that the call fills in.
    unsafe { sys::nvrtcVersion(&mut major, &mut minor) }.result().map_err(|e| unusable(&e))?;
    Ok(format!("{major}.{minor}"))
}

/// The kernels as a binary for a card of this compute capability, `(8, 0)` for 8.0.
///
/// # Errors
/// If NVRTC is missing, too old for the card, or refuses the source: with what it says.
pub fn binary(capability: (i32, i32)) -> Result<Vec<u8>> {
    let source = SOURCES.join("\n");
    let architecture = format!("sm_{}{}", capability.0, capability.1);
    let about = format!("{source}\0{architecture}\0{}", compiler()?);
    let kept = CACHE.get().map(|folder| folder.join(format!("{}.cubin", sha256_hex(about.as_bytes()))));
    if let Some(binary) = kept.as_ref().and_then(|path| read(path)) {
        return Ok(binary);
    }
    let binary = compile(&source, &architecture)?;
    if let Some(path) = kept {
        keep(&path, &binary);
    }
    Ok(binary)
}

/// A kept binary; none where its last line, its own digest, does not match.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = regular::read(path, MOST_BYTES).ok()?;
    let digest = bytes.split_off(bytes.len().checked_sub(64)?);
    (sha256_hex(&bytes).as_bytes() == digest).then_some(bytes)
}

/// Where it cannot be kept the next start compiles again: some tenths of a second.
fn keep(path: &Path, binary: &[u8]) {
    let sealed = [binary, sha256_hex(binary).as_bytes()].concat();
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    if folder.is_ok() {
        let _ = write_atomic(path, &sealed);
    }
}

fn compile(source: &str, architecture: &str) -> Result<Vec<u8>> {
    let program = result::create_program(source).map_err(|e| unusable(&e))?;
    // No contraction is forbidden and no approximation allowed: what a card computes is a function of the source.
    let options =
        [format!("--gpu-architecture={architecture}"), "--std=c++17".into(), "--prec-div=true".into()];
    // SAFETY: the program was made above and is destroyed below, once.
    let binary = unsafe {
        let compiled = result::compile_program(program, &options).map_err(|e| unusable(&e));
        let binary = match compiled {
            Ok(()) => cubin(program),
            Err(fault) => Err(match result::get_program_log(program) {
                Ok(log) => fault.found(said(&log)),
                Err(_) => fault,
            }),
        };
        let _ = result::destroy_program(program);
        binary
    };
    binary.map_err(|fault| fault.expected(format!("kernels for {architecture}")))
}

/// # Safety
/// `program` must be compiled and not destroyed.
unsafe fn cubin(program: sys::nvrtcProgram) -> Result<Vec<u8>> {
    let mut size = 0;
    sys::nvrtcGetCUBINSize(program, &mut size).result().map_err(|e| unusable(&e))?;
    let mut binary = vec![0_u8; size];
    sys::nvrtcGetCUBIN(program, binary.as_mut_ptr().cast()).result().map_err(|e| unusable(&e))?;
    Ok(binary)
}

/// The first lines of a compiler's log.
fn said(log: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = log.iter().map(|c| *c as u8).take_while(|b| *b != 0).collect();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().take(12).collect::<Vec<_>>().join("\n            ")
}

fn unusable(error: &result::NvrtcError) -> Fault {
    Fault::failed(format!("NVRTC cannot compile the CUDA kernels: {error:?}"))
        .help("a CUDA toolkit that knows this card, the one that the program was built with or newer")
}
