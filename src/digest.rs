//! SHA-256 of canonical bytes: one-shot, and streaming with a domain and length-prefixed fields.
//!
//! This file is also compiled into the build script (the code hash), so it imports nothing of ours.

use sha2::{Digest, Sha256};

/// SHA-256 of `bytes`, 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of everything that `source` gives, likewise.
///
/// # Errors
/// Those of `source`.
pub fn sha256_of(mut source: impl std::io::Read) -> std::io::Result<String> {
    let mut sha = Sha256::new();
    std::io::copy(&mut source, &mut sha)?;
    Ok(hex(&sha.finalize()))
}

/// Digest of a state of training: of the digests of its tensors, the parameters' first, in the model's order.
pub fn of_state<'a>(tensors: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Hasher::new("nano4m.state.v1");
    for digest in tensors {
        hasher.field(digest.as_bytes());
    }
    hasher.finish_hex()
}

/// A streaming hash of a sequence of fields.
///
/// The domain keeps hashes of different things apart; the length before each field keeps
/// `("ab", "c")` and `("a", "bc")` apart.
#[derive(Clone, Debug)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hash for one purpose, e.g. `"nano4m.dataset.v1"`.
    pub fn new(domain: &str) -> Hasher {
        let mut hasher = Hasher(Sha256::new());
        hasher.field(domain.as_bytes());
        hasher
    }

    /// Appends one field: its length as a little-endian `u64`, then its bytes.
    pub fn field(&mut self, bytes: &[u8]) -> &mut Hasher {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Appends a number as a field of eight little-endian bytes.
    pub fn number(&mut self, value: u64) -> &mut Hasher {
        self.field(&value.to_le_bytes())
    }

    /// The hash of everything appended, 64 lower-case hexadecimal digits.
    pub fn finish_hex(self) -> String {
        hex(&self.0.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |i: u8| char::from(DIGITS[usize::from(i)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shot_is_plain_sha256() {
        // FIPS 180-4 test vector.
        assert_eq!(sha256_of(&b"abc"[..]).unwrap(), sha256_hex(b"abc"));
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn boundaries_and_domains_count() {
        let hash = |domain: &str, fields: &[&str]| {
            let mut h = Hasher::new(domain);
            fields.iter().for_each(|f| {
                h.field(f.as_bytes());
            });
            h.finish_hex()
        };
        let all = [
            hash("x", &["ab", "c"]),
            hash("x", &["a", "bc"]),
            hash("x", &["abc"]),
            hash("x", &["ab", "c", ""]),
            hash("y", &["ab", "c"]),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut h = Hasher::new("d");
        h.field(b"ab").number(1);
        let bytes = b"\x01\0\0\0\0\0\0\0d\x02\0\0\0\0\0\0\0ab\x08\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0";
        assert_eq!(h.finish_hex(), sha256_hex(bytes));
    }
}
