//! Reading safetensors, and writing them atomically, tensor by tensor.
//!
//! The `safetensors` crate writes metadata in random order and needs every byte at once; the format is
//! small enough to be written in a fixed order as a stream: the header's length (u64), the header
//! (JSON, padded to 8 bytes), the data.

use crate::fault::{Fault, Result};
use crate::model::network::NamedTensor;
use crate::store::write_atomic_with;
use safetensors::{Dtype, SafeTensors};
use std::io::Write;
use std::path::Path;

/// One-dimensional numbers of a kept batch.
pub enum Array {
    U32(Vec<u32>),
}

/// Key of the only metadata entry.
pub const META: &str = "nano4m";

/// Writes arrays of integers.
pub fn write(path: &Path, arrays: &[(String, Array)], meta: Option<&str>) -> Result<()> {
    let described: Vec<_> =
        arrays.iter().map(|(name, Array::U32(v))| (name.as_str(), "U32", vec![v.len()])).collect();
    stream(path, &described, meta, |i, out| {
        let (_, Array::U32(values)) = &arrays[i];
        values.iter().try_for_each(|v| out.write_all(&v.to_le_bytes()))
    })
}

/// Writes named f32 tensors.
pub fn write_named(path: &Path, tensors: &[NamedTensor], meta: Option<&str>) -> Result<()> {
    let described: Vec<_> = tensors.iter().map(|t| (t.name.as_str(), "F32", t.shape.clone())).collect();
    stream(path, &described, meta, |i, out| {
        tensors[i].values.iter().try_for_each(|v| out.write_all(&v.to_le_bytes()))
    })
}

/// Reads all f32 tensors of a file, in the order of their data, and the metadata entry.
///
/// # Errors
/// If the file is missing, truncated, not safetensors or holds other types.
pub fn read_named(path: &Path) -> Result<(Vec<NamedTensor>, Option<String>)> {
    let damaged = |e: &dyn std::fmt::Display| {
        Fault::failed(format!("not an intact safetensors file: {e}")).at(path.display().to_string())
    };
    let bytes = std::fs::read(path).map_err(|e| Fault::io("read", path, &e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(&e))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
    let mut tensors = Vec::new();
    for name in metadata.offset_keys() {
        let view = file.tensor(&name).map_err(|e| damaged(&e))?;
        if view.dtype() != Dtype::F32 {
            return Err(damaged(&format!("`{name}` is {:?}, not F32", view.dtype())));
        }
        let values =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        tensors.push(NamedTensor { name, shape: view.shape().to_vec(), values });
    }
    let meta = metadata.metadata().as_ref().and_then(|m| m.get(META)).cloned();
    Ok((tensors, meta))
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

/// All our element types are four bytes wide.
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
    use safetensors::SafeTensors;

    #[test]
    fn the_library_reads_what_we_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let named = NamedTensor { name: "a.b".into(), shape: vec![2, 1], values: vec![1.5, -2.0] };
        let both = [named.clone(), NamedTensor { name: "c".into(), ..named }];
        write_named(&path, &both, Some("{\"x\":1}")).unwrap();
        assert_eq!(read_named(&path).unwrap(), (both.to_vec(), Some("{\"x\":1}".to_string())));
        let bytes = std::fs::read(&path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensor("c").unwrap().shape(), [2, 1]);
        assert_eq!(
            file.tensor("a.b").unwrap().data(),
            [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat()
        );
        let (_, meta) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(meta.metadata().as_ref().unwrap()[META], "{\"x\":1}");
    }

    #[test]
    fn a_truncated_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let named = NamedTensor { name: "a".into(), shape: vec![4], values: vec![0.0; 4] };
        write_named(&path, &[named], None).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 4, 20, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let fault = read_named(&path).unwrap_err();
            assert!(fault.what.contains("not an intact safetensors file"), "{fault}");
            assert!(fault.place.unwrap().ends_with("x.safetensors"));
        }
    }
}
