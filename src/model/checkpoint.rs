//! Checkpoints in the reference's layout: a safetensors file whose keys are its state dict's.
//!
//! A file of ours carries the buffers too (`pos_emb`, zero norm biases), so that the reference loads
//! it with `strict=True`; reading accepts and ignores them.

use super::network::NamedTensor;
use super::params::positions;
use crate::architecture::{specs, Config, Kind};
use crate::fault::{Fault, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// The bytes of a state dict: parameters and buffers. A function of the values alone.
pub fn to_bytes(config: &Config, parameters: &[NamedTensor]) -> Result<Vec<u8>> {
    let mut all = parameters.to_vec();
    all.extend(buffers(config));
    named_to_bytes(&all)
}

/// What the reference's state dict holds beside the parameters: zero norm biases and `pos_emb`.
pub fn buffers(config: &Config) -> Vec<NamedTensor> {
    let mut all = Vec::new();
    for spec in specs(config).iter().filter(|s| s.kind == Kind::Norm) {
        let name = spec.name.replace(".weight", ".bias");
        all.push(NamedTensor { name, shape: spec.shape.clone(), values: vec![0.0; spec.numel()] });
    }
    let table = positions(config);
    let shape = vec![table.len() / config.dim, config.dim];
    all.push(NamedTensor { name: "pos_emb".into(), shape, values: table });
    all
}

/// The bytes of any named tensors, sorted by name.
pub fn named_to_bytes(tensors: &[NamedTensor]) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let mut views = BTreeMap::new();
    for (t, b) in tensors.iter().zip(&bytes) {
        let tensor = TensorView::new(Dtype::F32, t.shape.clone(), b)
            .map_err(|e| Fault::failed(format!("cannot write tensor {}: {e}", t.name)))?;
        views.insert(t.name.clone(), tensor);
    }
    safetensors::serialize(views, None).map_err(|e| Fault::failed(format!("cannot write safetensors: {e}")))
}

/// Reads all float tensors of a safetensors file.
pub fn read(path: &Path) -> Result<Vec<NamedTensor>> {
    let bytes = std::fs::read(path).map_err(|e| Fault::io("read the checkpoint", path, &e))?;
    from_bytes(&bytes).map_err(|f| f.at(path.display().to_string()))
}

/// Reads all float tensors of the bytes of a safetensors file.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<NamedTensor>> {
    let corrupt = |e: safetensors::SafeTensorError| {
        Fault::failed(format!("the checkpoint is corrupt or truncated: {e}"))
            .found(format!("{} bytes", bytes.len()))
            .help("use another checkpoint of the run, or copy the file again")
    };
    let file = SafeTensors::deserialize(bytes).map_err(corrupt)?;
    let mut all: Vec<NamedTensor> = Vec::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(Fault::invalid(format!("tensor {name} is not float32"))
                .found(format!("{:?}", view.dtype()))
                .expected("F32"));
        }
        let values =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        all.push(NamedTensor { name, shape: view.shape().to_vec(), values });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Tensors keyed by name.
pub fn by_name(tensors: Vec<NamedTensor>) -> BTreeMap<String, NamedTensor> {
    tensors.into_iter().map(|t| (t.name.clone(), t)).collect()
}

/// Takes the values of a tensor whose shape must match.
pub fn take(tensors: &mut BTreeMap<String, NamedTensor>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    let help = "evaluate with the manifest the checkpoint was trained with (dim, depths, vocabularies)";
    let Some(t) = tensors.remove(name) else {
        return Err(Fault::invalid(format!("the checkpoint lacks tensor {name}")).help(help));
    };
    if t.shape != shape {
        return Err(Fault::invalid(format!("tensor {name} of the checkpoint has another shape"))
            .found(format!("{:?}", t.shape))
            .expected(format!("{shape:?}"))
            .help(help));
    }
    Ok(t.values)
}

/// Refuses tensors that are neither parameters nor the reference's buffers.
pub fn only_buffers_left(rest: &BTreeMap<String, NamedTensor>) -> Result<()> {
    let buffer = |name: &str| name == "pos_emb" || name.ends_with("norm.bias") || is_block_norm_bias(name);
    match rest.keys().find(|name| !buffer(name)) {
        None => Ok(()),
        Some(name) => Err(Fault::invalid(format!("the checkpoint has a tensor this model lacks: {name}"))
            .help("evaluate with the manifest the checkpoint was trained with (depths, modalities)")),
    }
}

fn is_block_norm_bias(name: &str) -> bool {
    name.ends_with(".norm1.bias") || name.ends_with(".norm2.bias")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.into(), shape: shape.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn what_is_written_is_read() {
        let all = vec![named("a", &[2, 1], &[1.0, -0.5]), named("b", &[1], &[f32::MIN_POSITIVE])];
        let bytes = named_to_bytes(&all).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap(), all);
        assert_eq!(bytes, named_to_bytes(&all).unwrap());
    }

    #[test]
    fn truncated_files_and_other_shapes_are_refused() {
        let bytes = named_to_bytes(&[named("a", &[2], &[1.0, 2.0])]).unwrap();
        let fault = from_bytes(&bytes[..bytes.len() - 3]).unwrap_err();
        assert!(fault.what.contains("corrupt or truncated"), "{fault}");
        let mut map = by_name(from_bytes(&bytes).unwrap());
        let fault = take(&mut map, "a", &[3]).unwrap_err();
        assert_eq!((fault.found.as_deref(), fault.expected.as_deref()), (Some("[2]"), Some("[3]")));
        let rest = by_name(vec![named("encoder.blocks.9.mlp.fc1.weight", &[1], &[0.0])]);
        assert!(only_buffers_left(&rest).is_err());
    }
}
