//! The canonical content hash: what a dataset *is*, whatever archive, folder order or npy type holds it.
//!
//! Format, version 1. Everything hashed is a field: its length in bytes (u64, little-endian), then
//! the bytes; a number is a field of eight little-endian bytes. An item is the SHA-256 of the fields
//! `nano4m.data.item.v1`, kind, role, modality, stem, then
//! - kind `tokens`: rows, length (`[length]` counts as one row), and one field of all values as i32, little-endian;
//! - kind `captions`: the number of captions, then each caption (UTF-8);
//! - kind `label`: the label (modality empty; only for labels from a file).
//!
//! The dataset is the SHA-256 of the fields `nano4m.data.v1`, the number of items and the digests of
//! all items (lower-case hex) in ascending order. The role is `train`, `eval` or `test`, not the
//! folder's name. Items are exactly what the manifest names: its modalities, and the captions or
//! labels that give the classes. Stems, captions, labels and modalities are hashed composed (NFC).

use super::part::Part;
use crate::digest::Hasher;

/// SHA-256 of one item, lower-case hex.
pub type ItemDigest = String;

/// Where an item belongs.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub part: Part,
    pub modality: &'a str,
    pub stem: &'a str,
}

fn item(kind: &str, key: Key) -> Hasher {
    let mut h = Hasher::new("nano4m.data.item.v1");
    for part in [kind, key.part.name(), key.modality, key.stem] {
        h.field(part.as_bytes());
    }
    h
}

/// Digest of the tokens `[rows, length]` of one file. Ids are below 2³¹, so u32 and i32 bytes agree.
pub fn tokens(key: Key, length: usize, values: &[u32]) -> ItemDigest {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut h = item("tokens", key);
    h.number(values.len().checked_div(length).unwrap_or(0) as u64).number(length as u64).field(&bytes);
    h.finish_hex()
}

/// Digest of the captions of one file.
pub fn captions(key: Key, captions: &[String]) -> ItemDigest {
    let mut h = item("captions", key);
    h.number(captions.len() as u64);
    captions.iter().for_each(|caption| {
        h.field(caption.as_bytes());
    });
    h.finish_hex()
}

/// Digest of a label that came from a file.
pub fn label(part: Part, stem: &str, label: &str) -> ItemDigest {
    let mut h = item("label", Key { part, modality: "", stem });
    h.field(label.as_bytes());
    h.finish_hex()
}

/// The dataset's hash from the digests of its items, in any order.
pub fn dataset(mut items: Vec<ItemDigest>) -> String {
    items.sort_unstable();
    let mut h = Hasher::new("nano4m.data.v1");
    h.number(items.len() as u64);
    items.iter().for_each(|digest| {
        h.field(digest.as_bytes());
    });
    h.finish_hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { part: Part::Train, modality: "m", stem: "s" };

    #[test]
    fn order_does_not_count_but_everything_else_does() {
        let a = tokens(KEY, 2, &[1, 2, 3, 4]);
        let b = captions(KEY, &["x".into()]);
        let c = label(Part::Test, "s", "cat");
        assert_eq!(dataset(vec![a.clone(), b.clone(), c.clone()]), dataset(vec![c.clone(), a.clone(), b]));
        let others = [
            tokens(KEY, 4, &[1, 2, 3, 4]),
            tokens(KEY, 2, &[1, 2, 4, 3]),
            tokens(Key { part: Part::Eval, ..KEY }, 2, &[1, 2, 3, 4]),
            tokens(Key { modality: "n", ..KEY }, 2, &[1, 2, 3, 4]),
            tokens(Key { stem: "t", ..KEY }, 2, &[1, 2, 3, 4]),
            tokens(Key { modality: "", stem: "ms", ..KEY }, 2, &[1, 2, 3, 4]),
        ];
        for other in others {
            assert_ne!(other, a);
        }
        assert_ne!(captions(KEY, &["ab".into()]), captions(KEY, &["a".into(), "b".into()]));
        assert_ne!(label(Part::Test, "s", "dog"), c);
    }

    /// The format as an independent program would write it (Python's hashlib; see the module's words).
    #[test]
    fn the_format_is_pinned() {
        let items = vec![tokens(KEY, 2, &[1, 2, 3, 4]), captions(KEY, &["é".into()])];
        assert_eq!(dataset(items), "c5f252eb4adde0ad20d468a4fa7e7fe50cbc9060373d856869fe196c155ee75f");
    }
}
