//! Measurements on a trained network: one probe per file. Each gives per-example scores; tables and
//! metrics are made from those alone (`record`, `report`).
//!
//! A probe's file has `run` (measure, keep the scores, make metrics of them) and `tokens` (what that passes
//! through a network), both on the settings of its variant.

/// Calls `$call` of a probe's module on `$first` and the settings of its variant: an arm per probe.
macro_rules! for_probe {
    ($probe:expr, $call:ident($first:expr)) => {{
        use crate::manifest::schema::Probe;
        use crate::probes::*;
        match $probe {
            Probe::CrossEntropy { masks, masking, directions } => {
                cross_entropy::$call($first, *masks, masking.as_ref(), directions)
            }
            Probe::Classify { inputs, templates } => classification::$call($first, inputs, templates),
            Probe::Retrieval { pairs, gallery } => retrieval::$call($first, pairs, *gallery),
            Probe::Memorization { modality, given, clips } => {
                memorization::$call($first, modality, given, *clips)
            }
            Probe::Directions(all) => directions::$call($first, all),
            Probe::ForwardVsAutoregressive { input, target, clips } => {
                forward_vs_autoregressive::$call($first, input, target, *clips)
            }
            Probe::Generation { inputs, target, clips, prefix, decode } => {
                let (clips, prefix) = (*clips, *prefix);
                generation::$call($first, &generation::Settings { inputs, target, clips, prefix, decode })
            }
            Probe::LinearProbe { inputs } => linear_probe::$call($first, inputs),
        }
    }};
}

pub mod baselines;
mod class_texts;
pub mod classification;
pub mod cross_entropy;
pub mod directions;
mod evaluation;
pub mod forward_vs_autoregressive;
pub mod generation;
pub mod linear_probe;
mod majority;
pub mod memorization;
pub mod packing;
pub mod retrieval;
mod scores;
pub mod shuffled;
pub mod suite;
#[cfg(test)]
pub(crate) mod testing;
pub mod workload;

pub use evaluation::Evaluation;
