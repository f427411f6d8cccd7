//! Model, gradients, optimizer and every probe held to the published implementation and to the truth.

mod golden;
mod golden_probes;
mod positions;
mod probes_truth;
#[path = "../support/mod.rs"]
mod support;
