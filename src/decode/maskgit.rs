//! MaskGIT: every step predicts all unknown positions and accepts the ones it is surest of.
//!
//! ```text
//! T_t = max(T · (1 − t/(n − 1)), 1e-3)     t = 0 … n − 1; T when n = 1; 0 stays 0 (argmax)
//! accepted at step t: the cosine schedule's number of draws with the highest probability
//! ```
//! Of equally sure ones the first positions are accepted; what is left at the end is filled by argmax.
//! Source: REFERENCE §6; Chang et al., MaskGIT, CVPR 2022.

use super::sample::Draw;
use super::schedule;
use super::scheme::Scheme;

/// What the temperature never falls below.
const FLOOR: f64 = 1e-3;

/// `total` positions in `steps` steps.
pub struct MaskGit {
    pub steps: usize,
    pub total: usize,
    pub temperature: f64,
}

impl Scheme for MaskGit {
    fn positions(&self, _clip: u64, _step: usize, unknown: &[u32]) -> Vec<u32> {
        unknown.to_vec()
    }

    fn temperature(&self, step: usize) -> f64 {
        if self.temperature == 0.0 {
            return 0.0;
        }
        let done = step as f64 / (self.steps.max(2) - 1) as f64;
        (self.temperature * (1.0 - done)).max(FLOOR)
    }

    fn accepted(&self, step: usize, draws: &[Draw]) -> Vec<usize> {
        let known = self.total - draws.len();
        let n = if draws.is_empty() { 0 } else { schedule::cosine(step, self.steps, self.total, known) };
        let mut surest: Vec<usize> = (0..draws.len()).collect();
        surest.sort_by(|&a, &b| draws[b].confidence.total_cmp(&draws[a].confidence));
        surest.truncate(n);
        surest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maskgit(steps: usize, total: usize, temperature: f64) -> MaskGit {
        MaskGit { steps, total, temperature }
    }

    #[test]
    fn it_cools_down_linearly_to_the_floor() {
        let of = |steps, t| (0..steps).map(|s| maskgit(steps, 9, t).temperature(s)).collect::<Vec<_>>();
        assert_eq!(of(5, 2.0), [2.0, 1.5, 1.0, 0.5, 1e-3]);
        assert_eq!(of(1, 2.0), [2.0]);
        assert_eq!(of(2, 0.7), [0.7, 1e-3]);
        assert_eq!(of(3, 0.0), [0.0; 3]);
    }

    /// 10 positions in 4 steps: int(0.76) → at least 1, int(2.93) − 1 = 1, int(6.17) − 2 = 4, 9 − 6 = 3.
    #[test]
    fn it_keeps_the_surest_and_of_equals_the_first() {
        let draws = |confidence: &[f64]| -> Vec<Draw> {
            confidence.iter().map(|&confidence| Draw { id: 0, confidence }).collect()
        };
        let m = maskgit(4, 10, 1.0);
        let ten = [0.1, 0.5, 0.9, 0.9, 0.2, 0.3, 0.3, 0.0, 0.1, 0.2];
        assert_eq!(m.accepted(0, &draws(&ten)), [2]);
        assert_eq!(m.accepted(1, &draws(&ten[..9])), [2]);
        assert_eq!(m.accepted(2, &draws(&ten[..8])), [2, 3, 1, 5]);
        assert_eq!(m.accepted(3, &draws(&ten[..4])), [2, 3, 1]);
        assert!(m.accepted(3, &[]).is_empty());
    }
}
