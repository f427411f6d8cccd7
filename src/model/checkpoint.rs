//! The reference's layout of a checkpoint: which keys a state dict has, and which of them are parameters.
//!
//! A file of ours carries the buffers too (`pos_emb`, zero norm biases), so that the reference loads
//! it with `strict=True`. Of a file they must be what this model computes with, or it is another model's.

use super::fit::{fit, Shapes, POSITIONS};
use super::network::NamedTensor;
use super::positions::{is_table, positions as table};
use crate::architecture::{specs, Config, Kind, Spec};
use crate::fault::{Fault, Result};
use crate::store::tensors::by_name;
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
    let values = table(config);
    let shape = vec![values.len() / config.dim, config.dim];
    all.push(NamedTensor { name: POSITIONS.into(), shape, values });
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

/// What a checkpoint gives a network.
pub struct Loaded {
    /// Values of the parameters, in the order of [`specs`].
    pub parameters: Vec<Vec<f32>>,
    /// The table of positions, where the file has it: that of this model, in the file's own rounding.
    pub positions: Option<Vec<f32>>,
}

/// Sorts a checkpoint's tensors by a model's parameters.
///
/// # Errors
/// Exit 2 with everything that is missing, of another shape, or not the model's; and for a buffer that would
/// make it another model: a norm with a bias, another table of positions.
pub fn loaded(config: &Config, tensors: Vec<NamedTensor>) -> Result<Loaded> {
    let shapes: Shapes = tensors.iter().map(|t| (t.name.as_str(), t.shape.as_slice())).collect();
    fit(config, &shapes)?;
    let mut given = by_name(tensors);
    let values = |spec: Spec| take(&mut given, &spec.name, &spec.shape);
    let parameters = specs(config).into_iter().map(values).collect::<Result<_>>()?;
    let positions = given.remove(POSITIONS).map(|t| t.values);
    without_biases(&given)?;
    positions.iter().try_for_each(|given| the_table(config, given, 0.0))?;
    Ok(Loaded { parameters, positions })
}

/// Refuses another table of positions than this model's; its values were rounded to `precision` of themselves.
pub fn the_table(config: &Config, given: &[f32], precision: f32) -> Result<()> {
    let Err((row, column)) = is_table(config, given, precision) else { return Ok(()) };
    let value = |table: &[f32]| table[row * config.dim + column];
    Err(Fault::invalid("the checkpoint has another table of positions: tensor pos_emb")
        .found(format!("{} at position {row}, column {column}", value(given)))
        .expected(format!("{}, of the fixed sine and cosine table", value(&table(config))))
        .help(ANOTHER_MODEL))
}

/// Refuses norms with a bias: the reference's have none, and zeros in its place.
fn without_biases(biases: &BTreeMap<String, NamedTensor>) -> Result<()> {
    let largest = |t: &NamedTensor| t.values.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    let other =
        |t: &NamedTensor| largest(t).filter(|value| *value != 0.0).map(|v| format!("{} up to {v}", t.name));
    let found: Vec<String> = biases.values().filter_map(other).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Fault::invalid("the checkpoint has norms with a bias, which this model has not")
        .found(found.join(", "))
        .expected("zeros, or no such tensors")
        .help(ANOTHER_MODEL))
}

const ANOTHER_MODEL: &str =
    "it is the checkpoint of another model: its numbers would not be what it computes; \
    name one that the reference's code or `nano4m run` has written";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::Model;

    fn config() -> Config {
        let modality = ron::from_str("(name: \"m\", length: 6, vocab: 7)").unwrap();
        Config::new(
            &[modality],
            &Model { dim: 8, enc_depth: 1, dec_depth: 1, head_dim: 4, ..Model::default() },
        )
    }

    fn whole() -> Vec<NamedTensor> {
        let zeros =
            |spec: Spec| NamedTensor { values: vec![0.5; spec.numel()], name: spec.name, shape: spec.shape };
        state_dict(&config(), specs(&config()).into_iter().map(zeros).collect())
    }

    fn changed(name: &str, at: usize, value: f32) -> Fault {
        let mut all = whole();
        all.iter_mut().find(|t| t.name == name).unwrap().values[at] = value;
        loaded(&config(), all).map(|_| ()).unwrap_err()
    }

    #[test]
    fn moments_of_another_shape_are_refused() {
        let named = |name: &str| NamedTensor { name: name.into(), shape: vec![2], values: vec![1.0, 2.0] };
        let mut map = by_name(vec![named("a")]);
        let fault = take(&mut map, "a", &[3]).unwrap_err();
        assert_eq!((fault.found.as_deref(), fault.expected.as_deref()), (Some("[2]"), Some("[3]")));
    }

    #[test]
    fn a_checkpoint_of_ours_gives_its_parameters_and_its_table() {
        let all = loaded(&config(), whole()).unwrap();
        assert_eq!(all.parameters.len(), specs(&config()).len());
        assert_eq!(all.positions, Some(table(&config())));
    }

    #[test]
    fn a_checkpoint_with_another_pos_emb_is_refused_by_name() {
        let fault = changed("pos_emb", 5 * 8 + 1, 0.25);
        assert!(fault.what.contains("tensor pos_emb"));
        assert_eq!(fault.found.as_deref(), Some("0.25 at position 5, column 1"));
        assert!(fault.expected.unwrap().starts_with("0.4794"));
        assert!(changed("pos_emb", 0, f32::NAN).found.unwrap().starts_with("NaN"));
    }

    #[test]
    fn a_checkpoint_whose_norms_have_biases_is_refused_by_name() {
        for name in [
            "dec_norm.bias",
            "enc_norm.bias",
            "decoder.blocks.0.query_norm.bias",
            "encoder.blocks.0.norm2.bias",
        ] {
            assert_eq!(changed(name, 3, -0.125).found, Some(format!("{name} up to -0.125")));
        }
        let mut minus_zero = whole();
        minus_zero.iter_mut().find(|t| t.name == "dec_norm.bias").unwrap().values[0] = -0.0;
        assert!(loaded(&config(), minus_zero).is_ok());
    }
}
