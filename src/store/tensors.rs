//! Safetensors files: the one writer and the one reader, tensor by tensor.
//!
//! ```text
//! length of the header (u64) · header (JSON, padded to 8 bytes) · the values, little-endian
//! ```
//! The `safetensors` crate writes metadata in random order and wants every byte at once; here the order is
//! fixed and a file is a stream, so no more than one tensor is held beside what the caller holds. Reading
//! leaves the header to the crate, which checks every shape, type and offset of it.

use super::atomic::write_atomic_with;
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use safetensors::tensor::Metadata;
use safetensors::Dtype;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

/// Key of the one metadata entry that is written or read; others are passed over.
pub const META: &str = "nano4m";

/// No header is longer: the format's own limit, bytes.
const LONGEST_HEADER: u64 = 100_000_000;

/// Bytes read at once; a multiple of four.
const CHUNK: usize = 1 << 16;

/// A parameter or state tensor on the host, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// Digest of name, rank, shape and little-endian values, 64 hex digits: what `digests.csv` begins with
    /// and `verify` recomputes.
    pub fn digest(&self) -> String {
        let mut hasher = Hasher::new("nano4m.tensor.v1");
        hasher.field(self.name.as_bytes()).number(self.shape.len() as u64);
        for &size in &self.shape {
            hasher.number(size as u64);
        }
        let bytes: Vec<u8> = self.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        hasher.field(&bytes);
        hasher.finish_hex()
    }
}

/// Tensors keyed by name.
pub fn by_name(tensors: Vec<NamedTensor>) -> BTreeMap<String, NamedTensor> {
    tensors.into_iter().map(|t| (t.name.clone(), t)).collect()
}

/// Replaces `path` by the tensors, in their order, and the metadata entry.
///
/// # Errors
/// Whatever the file system refuses.
pub fn write(path: &Path, tensors: &[NamedTensor], meta: Option<&str>) -> Result<()> {
    let described: Vec<_> = tensors.iter().map(|t| (t.name.as_str(), "F32", t.shape.clone())).collect();
    stream(path, &described, meta, |i, out| {
        tensors[i].values.iter().try_for_each(|v| out.write_all(&v.to_le_bytes()))
    })
}

/// Replaces `path` by named lists of integers (`U32`), in their order.
///
/// # Errors
/// Whatever the file system refuses.
pub fn write_integers(path: &Path, lists: &[(String, Vec<u32>)]) -> Result<()> {
    let described: Vec<_> = lists.iter().map(|(name, v)| (name.as_str(), "U32", vec![v.len()])).collect();
    stream(path, &described, None, |i, out| {
        lists[i].1.iter().try_for_each(|v| out.write_all(&v.to_le_bytes()))
    })
}

/// All tensors of a file, in the order of their data, and the metadata entry.
///
/// # Errors
/// As [`visit`].
pub fn read(path: &Path) -> Result<(Vec<NamedTensor>, Option<String>)> {
    let mut tensors = Vec::new();
    let meta = visit(path, |tensor| tensors.push(tensor))?;
    Ok((tensors, meta))
}

/// Hands out the tensors of a file one after another, in the order of their data; gives the metadata entry.
/// What is read here is a checkpoint or its optimizer's half, and messages call it so.
/// Nothing is allocated before the header and the length of the file agree on its size.
///
/// # Errors
/// If the file is missing, cut, no safetensors file, or holds anything but float32.
pub fn visit(path: &Path, mut each: impl FnMut(NamedTensor)) -> Result<Option<String>> {
    let place = || path.display().to_string();
    let refused = |e: std::io::Error| Fault::io("read the checkpoint", path, &e);
    let mut file = File::open(path).map_err(refused)?;
    let length = file.metadata().map_err(refused)?.len();
    let damaged = |why: String| {
        Fault::failed(format!("the checkpoint is corrupt or truncated: {why}"))
            .at(place())
            .found(format!("{length} bytes"))
    };
    let cut = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged("the file ends early".into()),
        _ => refused(e),
    };
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(cut)?;
    let size = u64::from_le_bytes(size);
    if size > LONGEST_HEADER.min(length.saturating_sub(8)) {
        return Err(damaged(format!("a header of {size} bytes")));
    }
    let mut header = vec![0; size as usize];
    file.read_exact(&mut header).map_err(cut)?;
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|e| damaged(format!("its header: {e}")))?;
    let values = length - 8 - size;
    if header.data_len() as u64 != values {
        return Err(damaged(format!(
            "its header speaks of {} bytes of values, not {values}",
            header.data_len()
        )));
    }
    let described = header.tensors();
    let other = |name: &String| described[name].dtype != Dtype::F32;
    if let Some(name) = header.offset_keys().into_iter().find(other) {
        return Err(Fault::invalid(format!("tensor {name} is not float32"))
            .at(place())
            .found(format!("{:?}", described[&name].dtype))
            .expected("F32"));
    }
    let mut data = BufReader::with_capacity(CHUNK, file);
    for name in header.offset_keys() {
        let shape = described[&name].shape.clone();
        let values = floats(&mut data, shape.iter().product()).map_err(cut)?;
        each(NamedTensor { name, shape, values });
    }
    Ok(header.metadata().as_ref().and_then(|meta| meta.get(META)).cloned())
}

fn floats(data: &mut impl Read, count: usize) -> std::io::Result<Vec<f32>> {
    let mut values = Vec::with_capacity(count);
    let mut chunk = vec![0; CHUNK.min(4 * count)];
    while values.len() < count {
        let bytes = &mut chunk[..CHUNK.min(4 * (count - values.len()))];
        data.read_exact(bytes)?;
        values.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    }
    Ok(values)
}

fn stream(
    path: &Path,
    described: &[(&str, &str, Vec<usize>)],
    meta: Option<&str>,
    mut fill: impl FnMut(usize, &mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let header = header(described, meta);
    write_atomic_with(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        (0..described.len()).try_for_each(|i| fill(i, out))
    })
}

/// Names, types and shapes, in the order of the data. All our element types are four bytes wide.
fn header(described: &[(&str, &str, Vec<usize>)], meta: Option<&str>) -> String {
    let mut entries = Vec::new();
    if let Some(text) = meta {
        entries.push(format!("\"__metadata__\":{}", serde_json::json!({ META: text })));
    }
    let mut start = 0;
    for (name, dtype, shape) in described {
        let end = start + 4 * shape.iter().product::<usize>();
        let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] });
        entries.push(format!("{}:{entry}", serde_json::json!(name)));
        start = end;
    }
    let mut text = format!("{{{}}}", entries.join(","));
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_hex;
    use safetensors::tensor::TensorView;
    use safetensors::SafeTensors;

    fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.into(), shape: shape.to_vec(), values: values.to_vec() }
    }

    fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    /// A file by hand: the header's text and the data.
    fn by_hand(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn what_is_written_is_read_here_and_by_the_library() {
        let (_dir, path) = file(b"");
        let many: Vec<f32> = (0..40_000).map(|i| i as f32 * 0.5).collect();
        let all =
            [tensor("b.a", &[2, 1], &[1.5, -2.0]), tensor("a", &[40_000], &many), tensor("c", &[0], &[])];
        write(&path, &all, Some("{\"x\":1}")).unwrap();
        assert_eq!(read(&path).unwrap(), (all.to_vec(), Some("{\"x\":1}".to_string())));
        let bytes = std::fs::read(&path).unwrap();
        let library = SafeTensors::deserialize(&bytes).unwrap();
        let values = [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat();
        assert_eq!(
            (library.tensor("b.a").unwrap().shape(), library.tensor("b.a").unwrap().data()),
            (&[2, 1][..], &values[..])
        );
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()[META], "{\"x\":1}");
    }

    /// The bytes of a file that runs leave: a change of one of them is a change of the format.
    #[test]
    fn the_layout_is_fixed() {
        let (_dir, path) = file(b"");
        write(&path, &[tensor("w", &[1, 2], &[1.0, -0.0])], Some("m")).unwrap();
        let header =
            r#"{"__metadata__":{"nano4m":"m"},"w":{"data_offsets":[0,8],"dtype":"F32","shape":[1,2]}}  "#;
        assert_eq!(header.len() % 8, 0);
        let data = [1f32.to_le_bytes(), (-0f32).to_le_bytes()].concat();
        assert_eq!(std::fs::read(&path).unwrap(), by_hand(header, &data));
        write_integers(&path, &[("ids".into(), vec![7, 8])]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(
            SafeTensors::deserialize(&bytes).unwrap().tensor("ids").unwrap().data(),
            [7, 0, 0, 0, 8, 0, 0, 0]
        );
    }

    #[test]
    fn a_file_of_the_library_is_read() {
        let data = 2.5f32.to_le_bytes();
        let view = || TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        let meta = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
        let bytes = safetensors::serialize([("b", view()), ("a", view())], Some(meta)).unwrap();
        let (_dir, path) = file(&bytes);
        let (tensors, meta) = read(&path).unwrap();
        assert_eq!((tensors, meta), (vec![tensor("a", &[1], &[2.5]), tensor("b", &[1], &[2.5])], None));
    }

    #[test]
    fn cut_and_damaged_files_are_named() {
        let (_dir, path) = file(b"");
        write(&path, &[tensor("a", &[4], &[0.0; 4])], None).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 4, 20, whole.len() - 1] {
            let (_dir, cut) = file(&whole[..length]);
            let fault = read(&cut).unwrap_err();
            assert!(fault.what.contains("corrupt or truncated"), "{fault}");
            assert_eq!(fault.place.as_deref(), Some(cut.to_str().unwrap()));
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(read(&file(&longer).1).is_err(), "bytes beyond the last tensor");
    }

    /// Sizes that no memory holds are refused by the header alone.
    #[test]
    fn a_header_that_promises_too_much_allocates_nothing() {
        let huge = u64::MAX / 4;
        for bytes in [
            [&u64::MAX.to_le_bytes()[..], b"{}"].concat(),
            [&LONGEST_HEADER.to_le_bytes()[..], b"{}"].concat(),
            by_hand(&format!(r#"{{"a":{{"dtype":"F32","shape":[{huge}],"data_offsets":[0,4]}}}}"#), &[0; 4]),
            by_hand(
                &format!(r#"{{"a":{{"dtype":"F32","shape":[{huge},{huge}],"data_offsets":[0,4]}}}}"#),
                &[0; 4],
            ),
            by_hand(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, &[0; 8]),
            by_hand(r#"{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}"#, &[0; 4]),
        ] {
            let (_dir, path) = file(&bytes);
            assert!(read(&path).unwrap_err().what.contains("corrupt or truncated"));
        }
    }

    #[test]
    fn other_types_are_refused_by_name() {
        let (_dir, path) =
            file(&by_hand(r#"{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, &[0; 4]));
        let fault = read(&path).unwrap_err();
        assert_eq!((fault.what.as_str(), fault.found.as_deref()), ("tensor a is not float32", Some("I32")));
    }

    #[test]
    fn names_shapes_and_every_bit_count_in_a_digest() {
        let all = [
            tensor("a", &[2], &[0.0, 1.0]),
            tensor("b", &[2], &[0.0, 1.0]),
            tensor("a", &[1, 2], &[0.0, 1.0]),
            tensor("a", &[2], &[-0.0, 1.0]),
            tensor("a", &[2], &[0.0, 1.000_000_1]),
        ]
        .map(|t| t.digest());
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }

    /// Runs of every version are verified with it: each field after its length, numbers of eight bytes.
    #[test]
    fn what_a_digest_covers_is_fixed() {
        let number = |n: u64| [8u64.to_le_bytes(), n.to_le_bytes()].concat();
        let field = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
        let values = [1f32.to_le_bytes(), 2f32.to_le_bytes()].concat();
        let bytes =
            [field(b"nano4m.tensor.v1"), field(b"w"), number(2), number(1), number(2), field(&values)]
                .concat();
        assert_eq!(tensor("w", &[1, 2], &[1.0, 2.0]).digest(), sha256_hex(&bytes));
    }
}
