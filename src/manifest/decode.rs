//! How a manifest says that tokens are generated.

use serde::{Deserialize, Serialize};

/// Decoding order and sampling (REFERENCE §6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decode {
    pub scheme: Scheme,
    pub steps: usize,
    /// 0 = argmax.
    pub temperature: f64,
    /// An integer ≥ 1, or a fraction of the vocabulary below 1; 0 = off.
    pub top_k: f64,
    /// 0 or 1 = off.
    pub top_p: f64,
}

impl Default for Decode {
    fn default() -> Self {
        Decode { scheme: Scheme::MaskGit, steps: 8, temperature: 1.0, top_k: 0.0, top_p: 0.0 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// A random order of positions, cut by a constant schedule.
    Roar,
    /// Most confident first, cosine schedule.
    #[default]
    MaskGit,
}
