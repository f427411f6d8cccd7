//! Every check, one after another.

use super::findings::Findings;
use super::{claims, data, general, inputs, masking, modalities, probes, train};
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Decode, Experiment};

/// Everything wrong with `experiment`, in no particular order.
pub fn check(experiment: &Experiment) -> Vec<Finding> {
    let mut found = Findings::default();
    general::counts(experiment, &mut found);
    if !found.0.is_empty() {
        return found.0;
    }
    general::header(experiment, &mut found);
    general::finite(experiment, &mut found);
    data::check(experiment, &mut found);
    modalities::check(&experiment.modalities, &mut found);
    masking::masking(&experiment.modalities, "masking", &experiment.masking, &mut found);
    train::check(experiment, &mut found);
    probes::check(experiment, &mut found);
    claims::check(experiment, &mut found);
    found.0
}

/// What is wrong with `experiment` on its data, of `test_clips` test clips and `classes` classes.
pub fn on_data(experiment: &Experiment, test_clips: usize, classes: usize) -> Vec<Finding> {
    let mut found = Findings::default();
    probes::on_data(experiment, Some(test_clips), &mut found);
    claims::on_data(experiment, test_clips, classes, &mut found);
    found.0
}

/// What is wrong with generating `target` from `inputs` outside a manifest's probes; fields are named as
/// the options of a command line (`--inputs`).
pub fn generation(
    e: &Experiment,
    inputs: &[String],
    target: &str,
    prefix: f64,
    settings: &Decode,
) -> Vec<Finding> {
    let mut found = Findings::default();
    inputs::generation(&e.modalities, "--", (inputs, target, prefix), &mut found);
    inputs::decode(&e.modalities, "--", settings, (target, prefix), &mut found);
    // `--top-k` and `--top-p` are the only options of two words.
    let option = |text: &str| text.replace("--top_", "--top-");
    found.0.into_iter().map(|f| Finding { path: option(&f.path), what: option(&f.what), ..f }).collect()
}
