//! The one catalogue of metrics: how a row of a probe becomes a number of a clip, what that number is called and
//! counted in, and what is said about many clips. `record.json`, tables, claims, ablations, `ls` and the terminal read
//! it from here.
//!
//! ```text
//! <probe>.rs   row of the CSV, quantities, metrics of a record      rows.rs      rows in and out, how a row counts
//! key.rs       probe/about…/quantity[/variant][/source]             quantity.rs  unit, better, digits
//! catalogue.rs all probes; a key as asked → the one spelling        scored.rs    a key's clips in one run
//! clips.rs, estimate.rs   one or several seeds                      measured.rs, metric.rs   record.json
//! summary.rs   what a terminal shows
//! ```
//! No tensors and no manifest in here: names of modalities come in as values.
//!
//! A new probe touches: `manifest/probes.rs` (its variant and settings), `manifest/measured.rs` (what its keys are
//! about), `metrics/<probe>.rs` with a line in `metrics/catalogue.rs`, and `probes/<probe>.rs` with an arm in
//! `probes/suite.rs`. Claims, comparisons, `ls` and records need nothing; a table of its own is `report/tables/<probe>.rs`.

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
pub mod summary;

pub use clips::Clips;
pub use key::Key;
pub use metric::Metric;
pub use quantity::{Better, Spec, Unit};
pub use rows::ScoreRow;
