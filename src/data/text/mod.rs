//! Captions as tokens: GPT-2's byte pairs, or the words of the training captions.

mod choose;
mod gpt2;
mod normal;
mod vocabulary;
mod words;

pub(super) use choose::{check_size, vocabularies};
pub use gpt2::Gpt2;
pub use normal::is_blank;
pub(super) use normal::{class_key, class_name, composed, into_composed};
pub use vocabulary::Vocabulary;
pub use words::Words;
