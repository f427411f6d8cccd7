//! Which unknown positions are predicted when, and which of the draws are accepted.

use super::sample::Draw;

/// An order in which unknown positions become known.
pub trait Scheme {
    /// Positions that are predicted at `step`, ascending.
    fn positions(&self, clip: u64, step: usize, unknown: &[u32]) -> Vec<u32>;

    /// Temperature of `step`.
    fn temperature(&self, step: usize) -> f64;

    /// Which of the draws at these positions become known, as indices into `draws`.
    fn accepted(&self, step: usize, draws: &[Draw]) -> Vec<usize>;
}

/// What a scheme left over, at once, by argmax.
pub struct Fill;

impl Scheme for Fill {
    fn positions(&self, _clip: u64, _step: usize, unknown: &[u32]) -> Vec<u32> {
        unknown.to_vec()
    }

    fn temperature(&self, _step: usize) -> f64 {
        0.0
    }

    fn accepted(&self, _step: usize, draws: &[Draw]) -> Vec<usize> {
        (0..draws.len()).collect()
    }
}
