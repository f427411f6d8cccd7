//! A vocabulary of words: the ones in the training captions, lower-cased.
//!
//! A word is a maximal run of letters, digits and the marks on them (Unicode, composed); every other
//! visible character is a word of its own; white space separates, and what shows nothing is left out.
//! "A lion's den." → `a` `lion` `'` `s` `den` `.`

use super::normal::{composed, is_invisible, is_space};
use super::vocabulary::Vocabulary;
use std::collections::BTreeMap;
use unicode_normalization::char::is_combining_mark;

const PAD: u32 = 0;
const SOS: u32 = 1;
const EOS: u32 = 2;
const UNK: u32 = 3;
const SPECIAL: [&str; 4] = ["[PAD]", "[SOS]", "[EOS]", "[UNK]"];

/// `[PAD]` 0, `[SOS]` 1, `[EOS]` 2, `[UNK]` 3, then the words.
pub struct Words {
    words: Vec<String>,
    ids: BTreeMap<String, u32>,
}

impl Words {
    /// From a word list without the special ids, in the order of the ids.
    pub fn new(words: Vec<String>) -> Words {
        let ids = words.iter().zip(SPECIAL.len() as u32..).map(|(w, id)| (w.clone(), id)).collect();
        Words { words, ids }
    }

    /// The words of `captions` in order of first appearance.
    pub fn collect<'a>(captions: impl IntoIterator<Item = &'a str>) -> Words {
        let mut words = Vec::new();
        let mut seen = BTreeMap::new();
        for caption in captions {
            for word in split(caption) {
                if seen.insert(word.clone(), ()).is_none() {
                    words.push(word);
                }
            }
        }
        Words::new(words)
    }

    /// The word list without the special ids.
    pub fn list(&self) -> &[String] {
        &self.words
    }
}

impl Vocabulary for Words {
    /// Words joined by spaces, none before closing punctuation or around apostrophes and hyphens.
    fn decode(&self, ids: &[u32]) -> String {
        let mut text = String::new();
        let mut glue = true;
        for &id in ids.iter().take_while(|&&id| id != EOS) {
            let word = match id {
                PAD | SOS => continue,
                UNK => SPECIAL[UNK as usize],
                _ => match self.words.get(id as usize - SPECIAL.len()) {
                    Some(word) => word,
                    None => continue,
                },
            };
            if !glue && !matches!(word, "." | "," | "!" | "?" | ";" | ":" | ")" | "'" | "’" | "”" | "-") {
                text.push(' ');
            }
            text.push_str(word);
            glue = matches!(word, "(" | "'" | "’" | "“" | "-");
        }
        text
    }

    fn pieces(&self, text: &str) -> Vec<u32> {
        split(text).iter().map(|w| self.ids.get(w).copied().unwrap_or(UNK)).collect()
    }

    fn size(&self) -> usize {
        SPECIAL.len() + self.words.len()
    }

    fn text_ids(&self) -> std::ops::Range<u32> {
        0..self.size() as u32
    }

    fn pad(&self) -> u32 {
        PAD
    }

    fn sos(&self) -> u32 {
        SOS
    }

    fn eos(&self) -> u32 {
        EOS
    }
}

/// The lower-cased words of a text.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    // Lower case may take a composed character apart, so that it is composed again behind it.
    let visible: String = composed(text).chars().filter(|c| !is_invisible(*c)).collect();
    for c in composed(&composed(&visible).to_lowercase()).chars() {
        let in_word = c.is_alphanumeric() || (inside && is_combining_mark(c));
        if in_word {
            if !inside {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(c);
            }
        } else if !is_space(c) {
            words.push(c.to_string());
        }
        inside = in_word;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_punctuation() {
        assert_eq!(split(" A lion's  den,\n2 Été."), ["a", "lion", "'", "s", "den", ",", "2", "été", "."]);
    }

    #[test]
    fn two_spellings_are_one_word() {
        assert_eq!(split("CAFE\u{301} İstanbul"), split("café i\u{307}stanbul"));
        assert_eq!(split("cafe\u{301}"), ["café"]);
        assert_eq!(split("ca\u{ad}t\u{200b} \u{202a}meow\u{200d}ing\u{7}\u{fe0f}"), ["cat", "meowing"]);
        // Marks that no composed character has stay with their letter.
        assert_eq!(split("हिन्दी q\u{323}\u{307}"), ["हिन्दी", "q\u{323}\u{307}"]);
    }

    #[test]
    fn ids_follow_first_appearance() {
        let words = Words::collect(["A lion.", "a red lion"]);
        assert_eq!(words.list(), ["a", "lion", ".", "red"]);
        assert_eq!(words.size(), 8);
        assert_eq!(words.encode("A red lion!", 8), [SOS, 4, 7, 5, UNK, EOS, PAD, PAD]);
        assert_eq!(words.encode("a a a a a", 4), [SOS, 4, 4, EOS]);
    }

    #[test]
    fn decoding_undoes_encoding_but_for_case() {
        for text in ["a lion on a red background.", "the lion's den, a-b (c): \u{201c}d\u{201d}?"] {
            let words = Words::collect([text]);
            assert_eq!(words.decode(&words.encode(text, 40)), text);
        }
        assert_eq!(Words::collect(["a"]).decode(&[SOS, 4, 3, 99, EOS, 4]), "a [UNK]");
    }
}
