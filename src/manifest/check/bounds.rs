//! The largest sizes a manifest can ask for. Nothing is allocated before they are held, and no product of
//! them that is computed leaves 64 bits. They are far beyond what has been trained, so that none is in the way.

pub const MODALITIES: usize = 64;
pub const PROBES: usize = 1000;
pub const CLAIMS: usize = 100;
/// Characters of a name.
pub const NAME: usize = 64;
/// Tokens of an example of one modality.
pub const LENGTH: usize = 1 << 20;
/// Ids of one modality.
pub const VOCAB: usize = 1 << 24;
/// Clips of one split, rows of a clip, classes, as they are made.
pub const CLIPS: usize = 100_000_000;
pub const ROWS: usize = 1_000_000;
pub const CLASSES: usize = 100_000;
/// Width of the transformer, layers of one half of it, and how much wider its hidden layers are.
pub const DIM: usize = 1 << 16;
pub const DEPTH: usize = 1000;
pub const MLP_RATIO: f64 = 256.0;
/// Clips of a step.
pub const BATCH: usize = 1 << 20;
/// Tokens that a sample counts for, or gets as a budget.
pub const SAMPLE: usize = 1 << 30;
/// Optimizer steps of a run.
pub const STEPS: u64 = 1_000_000_000;
/// Masks of a clip.
pub const MASKS: usize = 1000;
/// A concentration or a temperature: beyond, it is no longer one.
pub const CONCENTRATION: f64 = 1e6;
