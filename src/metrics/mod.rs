//! The one catalogue of metrics: how a row of a probe becomes a number of a clip, what that number is called and
//! counted in, and what is said about many clips. `record.json`, tables, claims, ablations, `ls` and the terminal read
//! it from here.
//!
//! ```text
//! <probe>.rs   row of the CSV, quantities, metrics of a record      rows.rs      rows in and out, how a row counts
//! key.rs       probe/about…/quantity[/variant][/source]             quantity.rs  unit, better, digits
//! catalogue.rs all probes; a key as asked → the one spelling        scored.rs    a key's clips in one run
//! clips.rs, estimate.rs   one or several seeds                      measured.rs, metric.rs   record.json
//! standing.rs  better, worse, not distinguishable            summary.rs    what a terminal shows
//! ```
//! No tensors and no manifest in here: names of modalities come in as values.
//!
//! A new probe touches six files:
//!
//! 1. `manifest/probes.rs`: its variant, what its keys are about, what is wrong with it;
//! 2. `metrics/<probe>.rs`: the row of its file, its names, its quantities;
//! 3. this file: `mod`, and a line of `every_probe`;
//! 4. `probes/<probe>.rs`: `run` and `tokens`, what it costs;
//! 5. `probes/mod.rs`: `mod`, and an arm of `for_probe`;
//! 6. `verify/metrics.rs`: how its metrics are made again of its scores.
//!
//! Checks, claims, comparisons, forecasts, records and `ls` need nothing more. What it may have beside: a table
//! (`report/tables/<probe>.rs`, named in its `mod.rs`), a line of a terminal (`summary.rs`), published numbers.

/// The probes, in the order of comparisons, each by the row of its file: `catalogue` is made of this list.
macro_rules! every_probe {
    ($then:ident) => {
        $then! {
            crate::metrics::cross_entropy::CrossEntropyRow,
            crate::metrics::classification::ClassificationRow,
            crate::metrics::retrieval::RetrievalRow,
            crate::metrics::directions::DirectionRow,
            crate::metrics::memorization::MemorizationRow,
            crate::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow,
            crate::metrics::generation::GenerationRow,
            crate::metrics::linear_probe::LinearProbeRow,
        }
    };
}

pub mod catalogue;
pub mod classification;
pub mod clips;
pub mod cross_entropy;
pub mod directions;
pub mod estimate;
pub mod forward_vs_autoregressive;
pub mod generation;
mod key;
pub mod linear_probe;
pub mod measured;
pub mod memorization;
mod metric;
pub mod quantity;
pub mod retrieval;
pub mod rows;
pub mod scored;
pub mod source;
mod standing;
pub mod summary;

pub use clips::Clips;
pub use key::Key;
pub use metric::Metric;
pub use quantity::{Better, Spec, Unit};
pub use rows::ScoreRow;
pub use standing::Standing;
