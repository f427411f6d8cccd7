//! The reference's layout of a checkpoint: which keys a state dict has, and which of them are parameters.
//!
//! A file of ours carries the buffers too (`pos_emb`, zero norm biases), so that the reference loads
//! it with `strict=True`; reading accepts and ignores them.

use super::network::NamedTensor;
use super::positions::positions;
use crate::architecture::{specs, Config, Kind};
use crate::fault::{Fault, Result};
use std::collections::BTreeMap;

/// What a checkpoint holds: the parameters of a model and the buffers, by name.
pub fn state_dict(config: &Config, parameters: Vec<NamedTensor>) -> Vec<NamedTensor> {
    let mut all = parameters;
    all.extend(buffers(config));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// What the reference's state dict holds beside the parameters: zero norm biases and `pos_emb`.
fn buffers(config: &Config) -> Vec<NamedTensor> {
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
    use crate::store::tensors::by_name;

    #[test]
    fn other_shapes_and_other_tensors_are_refused() {
        let named = |name: &str| NamedTensor { name: name.into(), shape: vec![2], values: vec![1.0, 2.0] };
        let mut map = by_name(vec![named("a")]);
        let fault = take(&mut map, "a", &[3]).unwrap_err();
        assert_eq!((fault.found.as_deref(), fault.expected.as_deref()), (Some("[2]"), Some("[3]")));
        assert!(only_buffers_left(&by_name(vec![named("encoder.blocks.9.mlp.fc1.weight")])).is_err());
        let buffers = ["pos_emb", "enc_norm.bias", "encoder.blocks.9.norm2.bias"].map(named);
        assert!(only_buffers_left(&by_name(buffers.to_vec())).is_ok());
    }
}
