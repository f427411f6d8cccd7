//! The name of a number, the same wherever it is written.
//!
//! ```text
//! probe/about…/quantity[/variant][/source]
//! cross_entropy/tok_rgb@196                             the quantity is implied
//! cross_entropy/tok_rgb@196/unigram_marginal            the same by another source than the model
//! classification/tok_audio@512/caption_likelihood/top1
//! retrieval/tok_audio@512->tok_rgb@196/r5/gallery200    in a gallery of 200 drawn test clips, not all
//! ```

use super::quantity::Spec;
use super::rows::{Quantity, ScoreRow};
use super::source;
use std::fmt;

/// A key taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub probe: &'static str,
    /// What it is about, parts joined by `/`; may be empty.
    pub about: String,
    pub spec: Spec,
    /// e.g. `("gallery", 200)`.
    pub variant: Option<(&'static str, u64)>,
    /// Who made the prediction: `model`, or what the number is held against.
    pub source: String,
}

impl Key {
    /// A quantity of the model.
    pub fn new<R: ScoreRow>(quantity: &Quantity<R>, about: &str) -> Key {
        Key {
            probe: R::PROBE,
            about: about.into(),
            spec: quantity.spec,
            variant: None,
            source: source::MODEL.into(),
        }
    }

    /// The same by another source.
    pub fn by(self, source: &str) -> Key {
        Key { source: source.into(), ..self }
    }

    /// The same under variant `n`.
    pub fn under<R: ScoreRow>(self, n: u64) -> Key {
        Key { variant: R::VARIANT.map(|word| (word, n)), ..self }
    }

    /// What it is about, with the variant.
    pub fn subject(&self) -> String {
        match self.variant {
            Some((word, n)) => format!("{}/{word}{n}", self.about),
            None => self.about.clone(),
        }
    }

    /// The modalities that are predicted, of what is about one, or about a direction.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        // `a->b+c/b` is about b alone.
        let last = self.about.rsplit('/').next().unwrap_or_default();
        last.rsplit("->").next().unwrap_or_default().split('+')
    }

    /// Whether the trained network is meant.
    pub fn of_model(&self) -> bool {
        self.source == source::MODEL
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.probe)?;
        if !self.about.is_empty() {
            write!(f, "/{}", self.about)?;
        }
        if !self.spec.implied {
            write!(f, "/{}", self.spec.name)?;
        }
        if let Some((word, n)) = self.variant {
            write!(f, "/{word}{n}")?;
        }
        if !self.of_model() {
            write!(f, "/{}", self.source)?;
        }
        Ok(())
    }
}
