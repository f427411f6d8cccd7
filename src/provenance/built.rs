//! The program, as built: what the build script wrote into it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hash of the sources this program was built from (`code::code_hash`), 64 hexadecimal digits.
pub const CODE_HASH: &str = env!("NANO4M_CODE_HASH");

/// Packages whose versions a reader wants to see.
const SHOWN: [&str; 10] = [
    "dfdx",
    "gemm",
    "gemm-f32",
    "rand_chacha",
    "rand_distr",
    "rayon",
    "ron",
    "safetensors",
    "statrs",
    "tiktoken-rs",
];

/// The program, as built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// `CODE_HASH`.
    pub hash: String,
    /// Where that code was committed; absent when built outside its repository.
    pub commit: Option<String>,
    /// The sources were as committed when the program was built.
    pub committed: bool,
    pub version: String,
    pub rustc: String,
    pub target: String,
    /// Instruction sets the compiler was allowed to use everywhere.
    pub target_features: String,
    pub profile: String,
    /// Versions of the packages that decide or store results.
    pub packages: BTreeMap<String, String>,
}

/// The program, as built.
pub fn built() -> Code {
    let packages = env!("NANO4M_PACKAGES").split(';').filter_map(|p| p.split_once(' '));
    Code {
        hash: CODE_HASH.into(),
        commit: source_commit().map(str::to_owned),
        committed: env!("NANO4M_COMMITTED") == "true",
        version: env!("CARGO_PKG_VERSION").into(),
        rustc: env!("NANO4M_RUSTC").into(),
        target: env!("NANO4M_TARGET").into(),
        target_features: env!("NANO4M_TARGET_FEATURES").into(),
        profile: env!("NANO4M_PROFILE").into(),
        packages: packages
            .filter(|(name, _)| SHOWN.contains(name))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect(),
    }
}

/// What to pin as `pins.commit`: where the sources of this program are committed; `None` when they
/// were changed since, or built outside the repository.
pub fn commit() -> Option<&'static str> {
    source_commit().filter(|_| env!("NANO4M_COMMITTED") == "true")
}

/// The commit in which `src/` and `Cargo.lock` became what they were in HEAD at build time.
fn source_commit() -> Option<&'static str> {
    Some(env!("NANO4M_COMMIT")).filter(|c| !c.is_empty())
}

#[cfg(test)]
mod tests {
    use super::CODE_HASH;
    use crate::provenance::code::code_hash;
    use std::path::Path;

    #[test]
    fn the_embedded_hash_is_that_of_the_sources() {
        assert_eq!(CODE_HASH, code_hash(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap());
    }
}
