//! GPT-2's byte-pair encoding with the three ids the reference adds (REFERENCE §2).

use super::vocabulary::Vocabulary;
use tiktoken_rs::r50k_base_singleton;

const PAD: u32 = 50257;
const SOS: u32 = 50258;
const EOS: u32 = 50259;

/// GPT-2's 50,257 ids (`r50k_base`), then `[PAD]`, `[SOS]`, `[EOS]`. The merge table (about 0.2 s)
/// is loaded at the first use of the process, not when a dataset is opened from the cache.
pub struct Gpt2;

impl Vocabulary for Gpt2 {
    fn decode(&self, ids: &[u32]) -> String {
        let text = ids.iter().take_while(|&&id| id != EOS).copied().filter(|&id| id < PAD);
        // Every id below 50257 has bytes, so the table cannot refuse one; bytes need not be UTF-8.
        let bytes = r50k_base_singleton().decode_bytes(&text.collect::<Vec<_>>()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// `<|endoftext|>` inside a caption is text like any other.
    fn pieces(&self, text: &str) -> Vec<u32> {
        r50k_base_singleton().encode_ordinary(text)
    }

    fn size(&self) -> usize {
        50260
    }

    fn text_ids(&self) -> std::ops::Range<u32> {
        0..PAD
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The three examples of REFERENCE §2, at length 16.
    #[test]
    fn published_examples() {
        let padded = |ids: &[u32]| [ids, &[PAD; 16][ids.len()..]].concat();
        let cases = [
            ("cat meowing", padded(&[SOS, 9246, 502, 7855, EOS])),
            ("lions roaring", padded(&[SOS, 75, 507, 43170, EOS])),
            (
                "Frédéric’s 🐱 says “miaou”!",
                vec![SOS, 6732, 2634, 67, 2634, 1173, 447, 247, 82, 12520, 238, 109, 1139, 564, 250, EOS],
            ),
        ];
        for (text, ids) in cases {
            assert_eq!(Gpt2.encode(text, 16), ids, "{text}");
        }
    }

    #[test]
    fn decoding_undoes_encoding() {
        for text in ["", "A lion on a red background.", "Frédéric’s 🐱 says “miaou”!", "<|endoftext|>"]
        {
            assert_eq!(Gpt2.decode(&Gpt2.encode(text, 64)), text);
        }
        assert_eq!(Gpt2.decode(&[SOS, 9246, PAD, 502, 7855, 50300, EOS, 9246]), "cat meowing");
    }

    #[test]
    fn special_text_is_plain_text() {
        assert!(Gpt2.pieces("<|endoftext|>").len() > 1);
    }

    #[test]
    fn short_lengths_stay_in_shape() {
        for length in 0..6 {
            assert_eq!(Gpt2.encode("cat meowing", length).len(), length);
        }
        assert_eq!(Gpt2.encode("cat meowing", 2), [SOS, EOS]);
    }
}
