//! Whether the tensors of a checkpoint are those of a model: everything that does not fit, in one message.

use crate::architecture::{specs, Config, Kind, Spec};
use crate::fault::{listed, Fault, Result};
use crate::store::tensors::shown;
use std::collections::{BTreeMap, BTreeSet};

/// Names and shapes of a checkpoint.
pub type Shapes<'a> = BTreeMap<&'a str, &'a [usize]>;

/// What a message lists of one kind at most.
const LISTED: usize = 24;

/// Names and shapes of the buffers that the reference's state dict has beside the parameters.
pub fn buffers(config: &Config) -> BTreeMap<String, Vec<usize>> {
    let norms = specs(config).into_iter().filter(|spec| spec.kind == Kind::Norm);
    let mut all: BTreeMap<String, Vec<usize>> =
        norms.map(|spec| (spec.name.replace(".weight", ".bias"), spec.shape)).collect();
    let rows = config.modalities.iter().map(|m| m.length).max().unwrap_or(0);
    all.insert(POSITIONS.into(), vec![rows, config.dim]);
    all
}

/// The buffer with the table of positions.
pub const POSITIONS: &str = "pos_emb";

/// Holds a checkpoint's names and shapes against a model's. Buffers may be absent.
///
/// # Errors
/// Exit 2 with every tensor that is missing, of another shape, or not the model's, and the sizes that differ.
pub fn fit(config: &Config, given: &Shapes) -> Result<()> {
    let (parameters, buffers) = (specs(config), buffers(config));
    let mut expected: Shapes = parameters.iter().map(|s| (s.name.as_str(), s.shape.as_slice())).collect();
    expected.extend(buffers.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())));
    let needed = |spec: &&Spec| !given.contains_key(spec.name.as_str());
    let missing: Vec<&str> = parameters.iter().filter(needed).map(|s| s.name.as_str()).collect();
    let extra: Vec<&str> = given.keys().copied().filter(|name| !expected.contains_key(name)).collect();
    let other = |(name, shape): (&&str, &&[usize])| {
        let wanted = expected.get(name).filter(|wanted| *wanted != shape)?;
        Some((format!("{name} {shape:?}"), format!("{name} {wanted:?}")))
    };
    let (found, wanted): (Vec<String>, Vec<String>) = given.iter().filter_map(other).unzip();
    if missing.is_empty() && extra.is_empty() && found.is_empty() {
        return Ok(());
    }
    let kinds = [
        (missing.len(), "missing", grouped(&missing)),
        (found.len(), "of another shape", found),
        (extra.len(), "not of this model", grouped(&extra)),
    ];
    let present = || kinds.iter().filter(|kind| kind.0 > 0);
    let counts: Vec<String> = present().map(|(n, kind, _)| format!("{n} {kind}")).collect();
    let lists: Vec<String> =
        present().map(|(_, kind, list)| format!("{kind}: {}", listed(list, LISTED))).collect();
    let mut fault =
        Fault::invalid(format!("the tensors of the checkpoint are of another model: {}", counts.join(", ")))
            .found(lists.join("\n            "));
    let expected = if wanted.is_empty() { None } else { Some(format!("shapes {}", listed(&wanted, LISTED))) };
    let (ours, theirs) = (Sizes::of_config(config), Sizes::of_shapes(given));
    let differing = ours.differing(&theirs);
    fault.expected = match (differing.is_empty(), expected) {
        (true, expected) => expected,
        (false, None) => Some(ours.listing(&differing)),
        (false, Some(shapes)) => Some(format!("{}; {shapes}", ours.listing(&differing))),
    };
    let manifest = "measure with the manifest the checkpoint was trained with";
    Err(fault.help(match theirs.settings(&differing) {
        Some(settings) => format!("{manifest}; this one fits with {settings}"),
        None if extra.iter().any(|name| name.ends_with(".bias")) => {
            format!("{manifest}; this program's layers have no biases (`use_bias: false` of the reference)")
        }
        None => manifest.into(),
    }))
}

/// The sizes of a model that a manifest sets.
#[derive(Default)]
struct Sizes(BTreeMap<&'static str, f64>);

impl Sizes {
    fn of_config(config: &Config) -> Sizes {
        Sizes::default()
            .with("model.dim", config.dim)
            .with("model.enc_depth", config.enc_depth)
            .with("model.dec_depth", config.dec_depth)
            .with_ratio(config.hidden(), config.dim)
            .with(VOCABULARY, config.vocab())
            .with(MODALITIES, config.modalities.len())
    }

    /// What names and shapes tell.
    fn of_shapes(given: &Shapes) -> Sizes {
        let size = |name: &str, axis: usize| given.get(name).and_then(|shape| shape.get(axis)).copied();
        let has =
            |side: &str, i: usize| given.contains_key(format!("{side}.blocks.{i}.norm1.weight").as_str());
        let depth = |side: &str| Some((0..).take_while(|&i| has(side, i)).count()).filter(|&n| n > 0);
        let all = [
            ("model.dim", size("enc_tok_emb.weight", 1)),
            ("model.enc_depth", depth("encoder")),
            ("model.dec_depth", depth("decoder")),
            (VOCABULARY, size("enc_tok_emb.weight", 0)),
            (MODALITIES, size("enc_mod_emb.weight", 0)),
        ];
        let told = all.into_iter().filter_map(|(name, found)| Some((name, found?)));
        let sizes = told.fold(Sizes::default(), |sizes, (name, found)| sizes.with(name, found));
        let fc1 = "encoder.blocks.0.mlp.fc1.weight";
        match (size(fc1, 0), size(fc1, 1)) {
            (Some(hidden), Some(dim)) if dim > 0 => sizes.with_ratio(hidden, dim),
            _ => sizes,
        }
    }

    fn with(mut self, name: &'static str, size: usize) -> Sizes {
        self.0.insert(name, size as f64);
        self
    }

    fn with_ratio(mut self, hidden: usize, dim: usize) -> Sizes {
        self.0.insert("model.mlp_ratio", hidden as f64 / dim as f64);
        self
    }

    /// Names of the sizes that both tell, and tell differently.
    fn differing(&self, other: &Sizes) -> Vec<&'static str> {
        let differs = |(name, size): (&&'static str, &f64)| {
            other.0.get(name).is_some_and(|theirs| theirs != size).then_some(*name)
        };
        self.0.iter().filter_map(differs).collect()
    }

    fn listing(&self, names: &[&'static str]) -> String {
        let one = |name: &&str| format!("{} {}", name.trim_start_matches("model."), self.0[*name]);
        names.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Options that give a manifest these sizes, where options can.
    fn settings(&self, names: &[&'static str]) -> Option<String> {
        let can = !names.is_empty() && names.iter().all(|name| name.starts_with("model."));
        let one = |name: &&str| format!("--set {name}={}", self.0[*name]);
        can.then(|| names.iter().map(one).collect::<Vec<_>>().join(" "))
    }
}

const VOCABULARY: &str = "largest vocabulary";
const MODALITIES: &str = "modalities";

/// Names with those that differ in a block's number alone as one.
fn grouped(names: &[&str]) -> Vec<String> {
    let mut groups: BTreeMap<(String, String), BTreeSet<usize>> = BTreeMap::new();
    for name in names {
        let (before, number, after) = block(name).unwrap_or((name, None, ""));
        groups.entry((before.to_owned(), after.to_owned())).or_default().extend(number);
    }
    let one = |((before, after), numbers): (&(String, String), &BTreeSet<usize>)| {
        let range = match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if last - first == numbers.len() - 1 && first < last => {
                format!("{{{first}…{last}}}")
            }
            _ => {
                let list: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                if list.len() > 1 {
                    format!("{{{}}}", list.join(","))
                } else {
                    list.concat()
                }
            }
        };
        format!("{}{range}{}", shown(before), shown(after))
    };
    groups.iter().map(one).collect()
}

/// What stands before and after the number of a block.
fn block(name: &str) -> Option<(&str, Option<usize>, &str)> {
    let start = name.find(".blocks.")? + ".blocks.".len();
    let length = name[start..].find('.')?;
    let digits = &name[start..start + length];
    let number: usize = digits.parse().ok().filter(|n: &usize| n.to_string() == digits)?;
    Some((&name[..start], Some(number), &name[start + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::Model;

    fn config(enc_depth: usize, dim: usize) -> Config {
        let modality = ron::from_str("(name: \"m\", length: 6, vocab: 7)").unwrap();
        Config::new(&[modality], &Model { dim, enc_depth, dec_depth: 1, head_dim: 4, ..Model::default() })
    }

    /// Names and shapes of a model's checkpoint, buffers included.
    fn all(config: &Config) -> BTreeMap<String, Vec<usize>> {
        let mut all = buffers(config);
        all.extend(specs(config).into_iter().map(|spec| (spec.name, spec.shape)));
        all
    }

    fn held(config: &Config, given: &BTreeMap<String, Vec<usize>>) -> Result<()> {
        fit(config, &given.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect())
    }

    #[test]
    fn buffers_may_be_absent_and_parameters_not() {
        let config = config(2, 8);
        let mut given = all(&config);
        assert_eq!(held(&config, &given), Ok(()));
        given.retain(|name, _| !buffers(&config).contains_key(name));
        assert_eq!(held(&config, &given), Ok(()));
        given.clear();
        let fault = held(&config, &given).unwrap_err();
        assert_eq!(fault.what, "the tensors of the checkpoint are of another model: 31 missing");
    }

    #[test]
    fn everything_that_does_not_fit_is_named_in_one_go() {
        let config = config(2, 8);
        let mut given = all(&config);
        given.remove("dec_norm.weight");
        given.remove("encoder.blocks.0.mlp.fc2.weight");
        given.remove("encoder.blocks.1.mlp.fc2.weight");
        given.insert("to_logits.weight".into(), vec![9, 8]);
        given.insert("pos_emb".into(), vec![5, 8]);
        given.insert("lm\u{1b}head".into(), vec![9]);
        let fault = held(&config, &given).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "the tensors of the checkpoint are of another model: 3 missing, 2 of another shape, 1 not of this model
     found: missing: dec_norm.weight, encoder.blocks.{0…1}.mlp.fc2.weight
            of another shape: pos_emb [5, 8], to_logits.weight [9, 8]
            not of this model: lm\\u{1b}head
  expected: shapes pos_emb [6, 8], to_logits.weight [7, 8]
      help: measure with the manifest the checkpoint was trained with"
        );
    }

    #[test]
    fn the_sizes_that_would_fit_are_said() {
        let fault = held(&config(3, 8), &all(&config(2, 16))).unwrap_err();
        assert!(fault.expected.unwrap().starts_with("dim 8, enc_depth 3; shapes "));
        assert_eq!(
            fault.help.as_deref(),
            Some("measure with the manifest the checkpoint was trained with; this one fits with --set model.dim=16 --set model.enc_depth=2")
        );
        let deeper = held(&config(3, 8), &all(&config(2, 8))).unwrap_err();
        assert!(deeper.found.unwrap().starts_with("missing: encoder.blocks.2.attn.attn_out_proj.weight, "));
    }

    #[test]
    fn biases_are_those_of_another_reference() {
        let config = config(1, 8);
        let mut given = all(&config);
        given.insert("encoder.blocks.0.attn.qkv.bias".into(), vec![24]);
        assert!(held(&config, &given).unwrap_err().help.unwrap().contains("use_bias"));
    }

    #[test]
    fn numbers_of_blocks_are_ranges() {
        let names = [
            "a.blocks.0.w",
            "a.blocks.1.w",
            "a.blocks.2.w",
            "a.blocks.4.v",
            "a.blocks.7.v",
            "a.blocks.01.w",
            "b",
        ];
        assert_eq!(grouped(&names), ["a.blocks.{4,7}.v", "a.blocks.{0…2}.w", "a.blocks.01.w", "b"]);
        let far = ["a.blocks.0.w", "a.blocks.18446744073709551615.w"];
        assert_eq!(grouped(&far), ["a.blocks.{0,18446744073709551615}.w"]);
    }
}
