//! Captions as tokens: GPT-2's byte pairs, or the words of the training captions.

mod gpt2;
mod words;

pub use gpt2::Gpt2;
pub use words::Words;

use crate::fault::{Fault, Result};
use crate::modality::{Modality, Text};

/// Text ↔ ids under the template `[SOS] text [EOS]`, then `[PAD]`.
pub trait Vocabulary: Send + Sync {
    /// Exactly `length` ids: `[SOS] text [EOS]`, padded with `[PAD]`; a long text is cut so that
    /// `[SOS]` stays first and `[EOS]` last.
    fn encode(&self, text: &str, length: usize) -> Vec<u32> {
        let mut ids = vec![self.sos()];
        ids.extend(self.pieces(text));
        ids.truncate(length.saturating_sub(1).max(1));
        ids.push(self.eos());
        ids.resize(length, self.pad());
        ids
    }

    /// The text up to the first `[EOS]`; `[PAD]`, `[SOS]` and ids outside the vocabulary are skipped.
    fn decode(&self, ids: &[u32]) -> String;

    /// Ids of a bare text: no special id, no padding, as long as it is.
    fn pieces(&self, text: &str) -> Vec<u32>;

    /// Number of ids: every id is below it, and the modality's `vocab` must reach it.
    fn size(&self) -> usize;

    /// Ids a decoded caption is read from: of GPT-2 its own, so that no special id is chosen (as
    /// published); of words all, so that `[EOS]` ends the text.
    fn text_ids(&self) -> std::ops::Range<u32>;

    fn pad(&self) -> u32;
    fn sos(&self) -> u32;
    fn eos(&self) -> u32;
}

/// One vocabulary for each modality with text; `words` are the lists of the `Words` kind.
pub(super) fn vocabularies(
    modalities: &[Modality],
    words: Vec<Option<Vec<String>>>,
) -> Vec<Option<Box<dyn Vocabulary>>> {
    let mut words = words.into_iter();
    let mut one = |m: &Modality| -> Option<Box<dyn Vocabulary>> {
        let list = words.next().flatten();
        match m.text? {
            Text::Gpt2 => Some(Box::new(Gpt2)),
            Text::Words => Some(Box::new(Words::new(list.unwrap_or_default()))),
        }
    };
    modalities.iter().map(&mut one).collect()
}

/// Refuses a modality whose `vocab` cannot hold its vocabulary.
pub(super) fn check_size(modality: &Modality, vocabulary: &dyn Vocabulary) -> Result<()> {
    if vocabulary.size() <= modality.vocab {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "the vocabulary of modality `{}` is too small for its captions",
        modality.name
    ))
    .at(format!("modalities.{}.vocab", modality.name))
    .found(modality.vocab)
    .expected(format!("at least {}", vocabulary.size()))
    .help(format!("set `vocab: {}`", vocabulary.size())))
}
