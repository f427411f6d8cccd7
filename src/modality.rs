//! One stream of tokens (an image tokenizer's grid, a sound, a caption) and its place in the model.
//!
//! Ids of different modalities overlap; the additive modality embedding tells them apart
//! (REFERENCE §1). The order in which a manifest lists its modalities is their index everywhere.

use crate::fault::{Fault, Result};
use crate::suggest::hint;
use serde::{Deserialize, Serialize};

/// How the tokens of a caption are made from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Text {
    /// GPT-2 byte-pair encoding plus `[PAD]` 50257, `[SOS]` 50258, `[EOS]` 50259 (REFERENCE §2).
    Gpt2,
    /// Word-level vocabulary of the training split: `[PAD]` 0, `[SOS]` 1, `[EOS]` 2, `[UNK]` 3,
    /// then the words of the training captions in order of first appearance over sorted stems.
    /// A word is a run of letters and digits, lower-cased, or one other visible character.
    Words,
}

/// How the positions of a modality are divided into input and target (REFERENCE §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Strategy {
    /// A random permutation of positions: the first are input, the next are targets.
    #[default]
    Random,
    /// One contiguous window: its first part is input, the rest target.
    /// Budgets are rounded down to `stride`; the window starts at a multiple of it when `aligned`.
    Span {
        /// Tokens that belong together (EnCodec with two codebooks: 2).
        stride: usize,
        /// Start at a multiple of `stride` (the reference); otherwise anywhere.
        #[serde(default = "yes")]
        aligned: bool,
    },
    /// On a grid: targets fill a random rectangle first, inputs come from the rest.
    Block2d,
}

fn yes() -> bool {
    true
}

/// A modality as a manifest declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modality {
    /// Folder name in the dataset, e.g. `tok_rgb@196`.
    pub name: String,
    /// Tokens per example.
    pub length: usize,
    /// Number of ids; every id is in `0..vocab`.
    pub vocab: usize,
    /// Codebooks interleaved in time (EnCodec 1.5 kbps: 2).
    #[serde(default = "one")]
    pub codebooks: usize,
    /// Rows × columns of an image tokenizer; a square is assumed for `Block2d` when absent.
    #[serde(default)]
    pub grid: Option<(usize, usize)>,
    /// Present when the modality is a caption.
    #[serde(default)]
    pub text: Option<Text>,
    /// Division into input and target.
    #[serde(default)]
    pub masking: Strategy,
}

fn one() -> usize {
    1
}

impl Modality {
    /// The name without its tokenizer's length: `tok_rgb@196` → `rgb`, `scene_desc` → `scene_desc`.
    pub fn short(&self) -> &str {
        short_name(&self.name)
    }

    /// Whether there is more than one codebook.
    pub fn has_codebooks(&self) -> bool {
        self.codebooks > 1
    }

    /// Tokens at the start that make up `share` of the modality, cut down to whole frames of its codebooks.
    pub fn prefix(&self, share: f64) -> usize {
        let cut = (share * self.length as f64) as usize;
        cut - cut % self.codebooks.max(1)
    }

    /// Rows × columns: as declared, or the square of the length.
    pub fn grid_or_square(&self) -> Option<(usize, usize)> {
        self.grid.or_else(|| {
            let side = (self.length as f64).sqrt().round() as usize;
            (side.checked_mul(side) == Some(self.length)).then_some((side, side))
        })
    }
}

/// `tok_rgb@196` → `rgb`.
fn short_name(name: &str) -> &str {
    let base = name.split('@').next().unwrap_or(name);
    base.strip_prefix("tok_").unwrap_or(base)
}

/// Of names joined by `+`: `tok_rgb@196+scene_desc` → `rgb+scene_desc`.
pub fn short_names(joined: &str) -> String {
    joined.split('+').map(short_name).collect::<Vec<_>>().join("+")
}

/// Index of the modality called `name`.
///
/// # Errors
/// If there is none, with the nearest name or all of them.
pub fn index(all: &[Modality], name: &str) -> Result<usize> {
    let names = || all.iter().map(|m| m.name.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let known: Vec<&str> = names().collect();
        Fault::invalid(format!("no modality is named `{name}`")).help(hint(name, "modalities", known))
    })
}

/// Indices of the modalities called `names`, ascending, each once.
///
/// # Errors
/// As [`index`], for the first name that is none.
pub fn indices(all: &[Modality], names: &[String]) -> Result<Vec<usize>> {
    let mut found: Vec<usize> = names.iter().map(|name| index(all, name)).collect::<Result<_>>()?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_and_grids() {
        let m: Modality = ron::from_str(r#"(name: "tok_rgb@196", length: 196, vocab: 16384)"#).unwrap();
        assert_eq!((m.short(), m.grid_or_square()), ("rgb", Some((14, 14))));
        let s: Modality = ron::from_str(
            r#"(name: "a@512", length: 512, vocab: 2048, codebooks: 2, masking: Span(stride: 2))"#,
        )
        .unwrap();
        assert_eq!(s.masking, Strategy::Span { stride: 2, aligned: true });
        assert_eq!(s.grid_or_square(), None);
        assert_eq!((s.prefix(0.8), s.prefix(0.0), m.prefix(0.5)), (408, 0, 98));
        let (both, names) = ([m, s], ["a@512".to_string(), "tok_rgb@196".into(), "a@512".into()]);
        assert_eq!(indices(&both, &names).unwrap(), [0, 1]);
        let fault = indices(&both, &["rgb".into()]).unwrap_err();
        assert_eq!(fault.what, "no modality is named `rgb`");
        assert_eq!(fault.help.as_deref(), Some("did you mean `tok_rgb@196`?"));
        assert_eq!(short_names("tok_rgb@196+scene_desc"), "rgb+scene_desc");
    }
}
