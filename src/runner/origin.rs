//! What a checkpoint's file does not say, and the run that it lies in does: names and order of the modalities,
//! and how many heads there are. None of it shows in the shapes of tensors.

use crate::fault::{Fault, Result};
use crate::manifest;
use crate::manifest::schema::Experiment;
use std::path::{Path, PathBuf};

/// Refuses a checkpoint of a run for a manifest of another model that has the same shapes. Of a file that lies
/// in no run nothing is known.
///
/// # Errors
/// Exit 2 with what differs.
pub fn same_model(experiment: &Experiment, checkpoint: &Path) -> Result<()> {
    let Some(resolved) = manifest_of(checkpoint) else { return Ok(()) };
    let Ok(trained) = manifest::read(&resolved, &[]) else { return Ok(()) };
    let (theirs, ours) = (facts(&trained.experiment), facts(experiment));
    let differ = || theirs.iter().zip(&ours).filter(|(a, b)| a != b);
    if differ().next().is_none() {
        return Ok(());
    }
    let list = |facts: Vec<&String>| facts.into_iter().cloned().collect::<Vec<_>>().join("; ");
    Err(Fault::invalid("the checkpoint's run has trained another model, of the same shapes")
        .at(checkpoint.display().to_string())
        .found(list(differ().map(|(a, _)| a).collect()))
        .expected(list(differ().map(|(_, b)| b).collect()))
        .help(format!("measure with the run's own manifest, {}", resolved.display())))
}

/// The manifest of the run in whose `checkpoints` the file lies.
fn manifest_of(checkpoint: &Path) -> Option<PathBuf> {
    let file = checkpoint.canonicalize().ok()?;
    let folder = file.ancestors().take(2).find(|path| path.ends_with("checkpoints"))?;
    Some(folder.parent()?.join("resolved.ron")).filter(|path| path.is_file())
}

/// What must agree, in words.
fn facts(experiment: &Experiment) -> [String; 2] {
    let modality = |m: &crate::modality::Modality| format!("{} of {} × {}", m.name, m.length, m.vocab);
    let all: Vec<String> = experiment.modalities.iter().map(modality).collect();
    [format!("modalities {}", all.join(", ")), format!("head_dim {}", experiment.model.head_dim)]
}
