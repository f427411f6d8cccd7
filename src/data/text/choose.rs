//! The vocabulary each modality asks for.

use super::gpt2::Gpt2;
use super::vocabulary::Vocabulary;
use super::words::Words;
use crate::fault::{Fault, Result};
use crate::modality::{Modality, Text};

/// One vocabulary for each modality with text; `words` are the lists of the `Words` kind.
pub(in crate::data) fn vocabularies(
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
pub(in crate::data) fn check_size(modality: &Modality, vocabulary: &dyn Vocabulary) -> Result<()> {
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
