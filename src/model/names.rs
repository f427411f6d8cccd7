//! Names of a checkpoint's tensors without what programs put before or into them.

use crate::fault::{Fault, Result};
use crate::store::tensors::shown;
use std::collections::{BTreeMap, BTreeSet};

/// Parts of a name that a wrapper of PyTorch adds: DataParallel, `torch.compile`, FSDP, checkpointing.
const WRAPPERS: [&str; 4] = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// The name by which a model in a larger one is found.
const ANCHOR: &str = "enc_tok_emb.weight";

/// The reference's names for those of a file, in their order, and what was taken off them.
///
/// # Errors
/// Exit 2 if the file holds several models, or two tensors have one name then.
pub fn reference_names(names: &[&str]) -> Result<(Vec<String>, Vec<String>)> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut bare: Vec<String> = names.iter().map(|name| unwrapped(name, &mut taken)).collect();
    if let Some(prefix) = prefix(&bare)? {
        for name in &mut bare {
            if let Some(rest) = name.strip_prefix(&prefix) {
                *name = rest.to_owned();
                *taken.entry(prefix.clone()).or_default() += 1;
            }
        }
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = bare.iter().find(|name| !seen.insert(name.as_str())) {
        let fault = Fault::invalid(format!("the checkpoint has the tensor {} twice", shown(twice)));
        if taken.is_empty() {
            return Err(fault.help("two of its files hold it: keep it in one of them"));
        }
        return Err(fault
            .found(format!("after {} was taken off the names", listed(taken.keys())))
            .help("keep one of them"));
    }
    let note = |(part, count): (&String, &usize)| {
        let s = if *count == 1 { "" } else { "s" };
        format!("took `{}` off the name{s} of {count} tensor{s} of the checkpoint", shown(part))
    };
    let notes = taken.iter().map(note).collect();
    Ok((bare, notes))
}

/// A name without its wrappers' parts.
fn unwrapped(name: &str, taken: &mut BTreeMap<String, usize>) -> String {
    let wrapper = |part: &&str| WRAPPERS.contains(part);
    if !name.split('.').any(|part| wrapper(&part)) {
        return name.to_owned();
    }
    let found: BTreeSet<&str> = name.split('.').filter(wrapper).collect();
    found.into_iter().for_each(|part| *taken.entry(format!("{part}.")).or_default() += 1);
    name.split('.').filter(|part| !wrapper(part)).collect::<Vec<_>>().join(".")
}

/// What stands before all of the model's names, if anything does.
fn prefix(names: &[String]) -> Result<Option<String>> {
    let before = |name: &String| {
        let prefix = name.strip_suffix(ANCHOR)?;
        (prefix.is_empty() || prefix.ends_with('.')).then(|| prefix.to_owned())
    };
    let prefixes: BTreeSet<String> = names.iter().filter_map(before).collect();
    if prefixes.iter().eq(["m.", "v."]) {
        return Err(Fault::invalid("the optimizer's half of a checkpoint, not the parameters")
            .help("name the file beside it, without `.optimizer` in its name"));
    }
    let mut prefixes = prefixes.into_iter();
    match (prefixes.next(), prefixes.next()) {
        (Some(first), Some(second)) if !first.is_empty() => {
            let all: Vec<String> = [first, second].into_iter().chain(prefixes).collect();
            Err(Fault::invalid("several models in one checkpoint")
                .found(format!("names that begin with {}", listed(all.iter())))
                .help("keep the tensors of one of them"))
        }
        // What has the reference's names is the model; the rest will be called foreign to it.
        (first, _) => Ok(first.filter(|prefix| !prefix.is_empty())),
    }
}

fn listed<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    parts.map(|part| format!("`{}`", shown(part))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(names: &[&str]) -> (Vec<String>, Vec<String>) {
        reference_names(names).unwrap()
    }

    #[test]
    fn names_of_the_reference_stay() {
        let names = ["enc_tok_emb.weight", "dec_norm.weight", "ema.enc_tok_emb.weight"];
        assert_eq!(both(&names), (names.map(String::from).to_vec(), vec![]));
    }

    #[test]
    fn prefixes_of_wrappers_and_of_larger_models_are_taken_off() {
        for prefix in [
            "module.",
            "_orig_mod.",
            "_orig_mod.module.",
            "module._orig_mod.",
            "model.",
            "net.fourm.",
            "_orig_mod.module.model.",
        ] {
            let names =
                ["enc_tok_emb.weight", "encoder.blocks.0.norm1.weight"].map(|n| format!("{prefix}{n}"));
            let (bare, notes) = both(&[&names[0], &names[1]]);
            assert_eq!(bare, ["enc_tok_emb.weight", "encoder.blocks.0.norm1.weight"], "{prefix}");
            assert!(notes.iter().all(|note| note.ends_with("off the names of 2 tensors of the checkpoint")));
        }
        let (bare, notes) = both(&["enc_tok_emb.weight", "encoder.blocks.3._orig_mod.mlp.fc1.weight"]);
        assert_eq!(bare[1], "encoder.blocks.3.mlp.fc1.weight");
        assert_eq!(notes, ["took `_orig_mod.` off the name of 1 tensor of the checkpoint"]);
    }

    #[test]
    fn tensors_beside_the_model_keep_their_names() {
        assert_eq!(both(&["model.enc_tok_emb.weight", "loss.scale"]).0, ["enc_tok_emb.weight", "loss.scale"]);
    }

    #[test]
    fn several_models_and_the_optimizers_half_are_refused() {
        let refused = |names: &[&str]| reference_names(names).unwrap_err();
        let two = refused(&["ema.enc_tok_emb.weight", "model.enc_tok_emb.weight"]);
        assert_eq!(two.found.as_deref(), Some("names that begin with `ema.`, `model.`"));
        let half = refused(&["m.enc_tok_emb.weight", "v.enc_tok_emb.weight"]);
        assert!(half.what.starts_with("the optimizer's half"));
        let twice = refused(&["module.dec_norm.weight", "dec_norm.weight"]);
        assert_eq!(twice.what, "the checkpoint has the tensor dec_norm.weight twice");
    }
}
