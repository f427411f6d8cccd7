//! Safetensors files: the one writer and the one reader, tensor by tensor.
//!
//! ```text
//! length of the header (u64) · header (JSON, padded to 8 bytes) · the values, little-endian
//! ```
//! The `safetensors` crate writes metadata in random order and wants every byte at once; here the order is
//! fixed and a file is a stream, so no more than one tensor is held beside what the caller holds. Files are
//! read by [`TensorFile`]; here they must be our own, of float32 alone.

use super::file::TensorFile;
use super::tensor::NamedTensor;
use crate::fault::{Fault, Result};
use crate::store::write_atomic_with;
use safetensors::Dtype;
use std::io::Write;
use std::path::Path;

/// Key of the one metadata entry that is written or read; others are passed over.
pub const META: &str = "nano4m";

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
/// What is read here is a run's checkpoint or its optimizer's half, and messages call it so.
///
/// # Errors
/// As [`TensorFile::open`], or if the file holds anything but float32.
pub fn visit(path: &Path, each: impl FnMut(NamedTensor)) -> Result<Option<String>> {
    let mut file = TensorFile::open(path)?;
    if let Some(other) = file.described().iter().find(|t| t.dtype != Dtype::F32) {
        return Err(Fault::invalid(format!("tensor {} is not float32", other.shown()))
            .at(path.display().to_string())
            .found(format!("{:?}", other.dtype))
            .expected("F32"));
    }
    let entry = file.entry(META);
    file.visit(each)?;
    Ok(entry)
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
    fn other_types_are_refused_by_name() {
        let (_dir, path) =
            file(&by_hand(r#"{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, &[0; 4]));
        let fault = read(&path).unwrap_err();
        assert_eq!((fault.what.as_str(), fault.found.as_deref()), ("tensor a is not float32", Some("I32")));
    }
}
