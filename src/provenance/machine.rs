//! The machine: what of it can change the bits of a result, and what a reader wants to know.

use gemm_common::cache::CACHE_INFO;
use serde::{Deserialize, Serialize};

/// Where a run was computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub host: String,
    /// Name and release of the system, e.g. `Linux 6.1.0 x86_64`.
    pub os: String,
    /// As the processor names itself; empty when it does not.
    pub cpu: String,
    /// Machines of one class give the same bits (DESIGN §7): instruction set, L1 data cache and
    /// C library. Matrix products cut the summed dimension to fit the L1 cache, and the C
    /// library's `exp` depends on its version.
    pub class: String,
    /// Data caches as the matrix product sees them: L1d, L2, L3.
    pub caches: [Cache; 3],
    /// Logical processors.
    pub processors: usize,
}

/// One level of cache; zeros when it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    pub bytes: usize,
    pub ways: usize,
    pub line_bytes: usize,
}

/// Asks this machine.
pub fn machine() -> Machine {
    let caches = CACHE_INFO.map(|c| Cache {
        bytes: c.cache_bytes,
        ways: c.associativity,
        line_bytes: c.cache_line_bytes,
    });
    let (host, os) = system();
    let class = class(instruction_set(), &caches[0], &c_library());
    Machine { host, os, cpu: cpu_name(), class, caches, processors: num_cpus::get() }
}

fn class(instructions: &str, l1: &Cache, library: &str) -> String {
    let Cache { bytes, ways, line_bytes } = l1;
    format!("{instructions}, L1d {bytes} B {ways}-way {line_bytes} B lines, {library}")
}

/// The widest instruction set that kernels choose at run time.
#[cfg(target_arch = "x86_64")]
fn instruction_set() -> &'static str {
    let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    match (is_x86_feature_detected!("avx512f"), fma) {
        (true, true) => "x86_64 avx512f",
        (false, true) => "x86_64 avx2+fma",
        _ => "x86_64 sse2",
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_set() -> &'static str {
    std::env::consts::ARCH
}

/// The processor's brand string.
#[cfg(target_arch = "x86_64")]
fn cpu_name() -> String {
    use std::arch::x86_64::__cpuid;
    const BRAND: u32 = 0x8000_0000;
    // `cpuid` exists on every x86_64 processor. (Calling it is unsafe in older compilers.)
    #[allow(unused_unsafe)]
    let ask = |leaf: u32| unsafe { __cpuid(leaf) };
    if ask(BRAND).eax < BRAND + 4 {
        return String::new();
    }
    let words = (BRAND + 2..=BRAND + 4).flat_map(|leaf| {
        let r = ask(leaf);
        [r.eax, r.ebx, r.ecx, r.edx]
    });
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).take_while(|&b| b != 0).collect();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("model name") || l.starts_with("Model"));
    line.and_then(|l| l.split_once(':')).map_or(String::new(), |(_, name)| name.trim().to_owned())
}

/// Host name, and system with release and machine.
#[cfg(unix)]
fn system() -> (String, String) {
    // SAFETY: `utsname` is plain bytes, and `uname` fills it with terminated strings.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    if unsafe { libc::uname(&mut names) } != 0 {
        return (String::new(), std::env::consts::OS.to_owned());
    }
    let text = |field: &[libc::c_char]| {
        let bytes: Vec<u8> = field.iter().map(|&c| c as u8).take_while(|&b| b != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let os = format!("{} {} {}", text(&names.sysname), text(&names.release), text(&names.machine));
    (text(&names.nodename), os)
}

#[cfg(not(unix))]
fn system() -> (String, String) {
    (String::new(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn c_library() -> String {
    // SAFETY: returns a static, terminated string.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn c_library() -> String {
    std::env::consts::OS.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_tells_machines_apart_that_may_differ_in_bits() {
        let l1 = Cache { bytes: 32768, ways: 8, line_bytes: 64 };
        let base = class("x86_64 avx2+fma", &l1, "glibc 2.36");
        assert_eq!(base, "x86_64 avx2+fma, L1d 32768 B 8-way 64 B lines, glibc 2.36");
        assert_ne!(base, class("x86_64 avx2+fma", &Cache { bytes: 49152, ways: 12, ..l1 }, "glibc 2.36"));
        assert_ne!(base, class("x86_64 sse2", &l1, "glibc 2.36"));
    }

    #[test]
    fn this_machine_answers() {
        let found = machine();
        assert!(found.processors >= 1 && !found.os.is_empty(), "{found:?}");
        assert_eq!(found, machine());
    }
}
