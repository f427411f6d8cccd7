//! What a vocabulary can do.

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
