//! Names the rows had before they stood in `metrics`.

pub use crate::metrics::classification::ClassificationRow as Classification;
pub use crate::metrics::cross_entropy::CrossEntropyRow as CrossEntropy;
pub use crate::metrics::directions::DirectionRow as Direction;
pub use crate::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow as ForwardVsAutoregressive;
pub use crate::metrics::generation::GenerationRow as Generation;
pub use crate::metrics::linear_probe::LinearProbeRow as LinearProbe;
pub use crate::metrics::memorization::MemorizationRow as Memorization;
pub use crate::metrics::retrieval::RetrievalRow as Retrieval;
pub use crate::metrics::rows::{read, to_csv, ScoreRow as Example};
pub use crate::metrics::source;
