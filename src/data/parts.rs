//! A dataset made in memory, with the same accessors and the same hash as one read from disk.

use super::content;
use super::contents::{Clip, Contents};
use super::dataset::Dataset;
use super::disk::CAPTIONS;
use super::part::Part;
use super::split::Storage;
use super::text::{self, class_key, composed, into_composed, is_blank, Vocabulary, Words};
use crate::fault::{Fault, Result};
use crate::modality::{Modality, Text};
use rayon::prelude::*;

/// A clip as a generator gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipData {
    /// Name, unique over all splits.
    pub stem: String,
    /// Class; empty when there is none.
    pub label: String,
    /// One caption for each row; empty when there are none.
    pub captions: Vec<String>,
    /// `[rows · length]` for each modality; empty for a text modality that is encoded from `captions`.
    pub tokens: Vec<Vec<u32>>,
}

impl Dataset {
    /// A dataset from clips in memory: train, eval and test. Clips are sorted by stem. The hash is
    /// that of the same content on disk: labels count unless they equal the first caption.
    pub fn from_parts(modalities: &[Modality], parts: [Vec<ClipData>; 3]) -> Result<Dataset> {
        let mut parts = parts.map(|clips| clips.into_iter().map(composed_clip).collect::<Vec<_>>());
        parts.iter_mut().for_each(|clips| clips.sort_by(|a, b| a.stem.cmp(&b.stem)));
        let words = word_lists(modalities, &parts[0]);
        let vocabularies = text::vocabularies(modalities, words.clone());
        for (m, v) in modalities.iter().zip(&vocabularies) {
            v.as_deref().map_or(Ok(()), |v| text::check_size(m, v))?;
        }
        for clip in parts.iter_mut().flatten() {
            encode_captions(modalities, &vocabularies, clip);
            check(modalities, clip)?;
        }
        let hash = hash(modalities, &parts);
        let mut tokens = Vec::new();
        let parts = parts.map(|clips| clips.into_iter().map(|c| pack(modalities, c, &mut tokens)).collect());
        Ok(Dataset::assemble(modalities, Contents { hash, parts, words }, Storage::Owned(tokens), Vec::new()))
    }
}

/// All text of a clip in the form in which it is compared and hashed.
fn composed_clip(clip: ClipData) -> ClipData {
    let captions = clip.captions.into_iter().map(into_composed).collect();
    ClipData { stem: into_composed(clip.stem), label: into_composed(clip.label), captions, ..clip }
}

fn word_lists(modalities: &[Modality], train: &[ClipData]) -> Vec<Option<Vec<String>>> {
    let list = || Words::collect(train.iter().flat_map(|c| c.captions.iter().map(String::as_str)));
    modalities.iter().map(|m| (m.text == Some(Text::Words)).then(|| list().list().to_vec())).collect()
}

fn encode_captions(
    modalities: &[Modality],
    vocabularies: &[Option<Box<dyn Vocabulary>>],
    clip: &mut ClipData,
) {
    clip.tokens.resize(modalities.len(), Vec::new());
    for ((m, v), tokens) in modalities.iter().zip(vocabularies).zip(&mut clip.tokens) {
        if let (Some(v), true) = (v, tokens.is_empty()) {
            *tokens = clip.captions.iter().flat_map(|c| v.encode(c, m.length)).collect();
        }
    }
}

/// Rows of a clip that passed `check`.
fn rows(modalities: &[Modality], clip: &ClipData) -> usize {
    modalities.iter().zip(&clip.tokens).map(|(m, t)| t.len() / m.length.max(1)).next().unwrap_or(0)
}

fn check(modalities: &[Modality], clip: &ClipData) -> Result<()> {
    let rows = rows(modalities, clip);
    for (m, tokens) in modalities.iter().zip(&clip.tokens) {
        let at = format!("{}/{}", m.name, clip.stem);
        if rows == 0 || tokens.len() != rows * m.length {
            return Err(Fault::invalid("wrong number of tokens in a clip")
                .at(at)
                .found(tokens.len())
                .expected(format!("{rows} rows of {}", m.length)));
        }
        if let Some(id) = tokens.iter().find(|&&id| id as usize >= m.vocab) {
            return Err(Fault::invalid("token id out of range")
                .at(at)
                .found(id)
                .expected(format!("ids below {}", m.vocab)));
        }
    }
    if !clip.captions.is_empty() && clip.captions.len() != rows {
        return Err(Fault::invalid("not as many captions as rows")
            .at(clip.stem.clone())
            .found(clip.captions.len())
            .expected(rows));
    }
    if let Some(row) = clip.captions.iter().position(|caption| is_blank(caption)) {
        return Err(Fault::invalid("an empty caption")
            .at(clip.stem.clone())
            .found(format!("nothing in row {row}")));
    }
    Ok(())
}

fn hash(modalities: &[Modality], parts: &[Vec<ClipData>; 3]) -> String {
    let of = |part: Part, clip: &ClipData| {
        let mut items: Vec<content::ItemDigest> = Vec::new();
        for (m, tokens) in modalities.iter().zip(&clip.tokens) {
            let name = composed(&m.name);
            let key = content::Key { part, modality: &name, stem: &clip.stem };
            items.push(if m.text.is_some() && !clip.captions.is_empty() {
                content::captions(key, &clip.captions)
            } else {
                content::tokens(key, m.length, tokens)
            });
        }
        if !clip.captions.is_empty() && modalities.iter().all(|m| m.text.is_none()) {
            let key = content::Key { part, modality: CAPTIONS, stem: &clip.stem };
            items.push(content::captions(key, &clip.captions));
        }
        let is_caption = |caption: &String| class_key(caption) == class_key(&clip.label);
        if !clip.label.is_empty() && !clip.captions.first().is_some_and(is_caption) {
            items.push(content::label(part, &clip.stem, &clip.label));
        }
        items
    };
    let items = Part::ALL.into_par_iter().zip(parts).flat_map(|(part, clips)| {
        clips.par_iter().flat_map_iter(move |clip| of(part, clip)).collect::<Vec<_>>()
    });
    content::dataset(items.collect())
}

fn pack(modalities: &[Modality], clip: ClipData, block: &mut Vec<u32>) -> Clip {
    let rows = rows(modalities, &clip);
    let offsets = clip
        .tokens
        .iter()
        .map(|tokens| {
            block.extend_from_slice(tokens);
            block.len() - tokens.len()
        })
        .collect();
    Clip { stem: clip.stem, label: clip.label, rows, captions: clip.captions, offsets }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modalities() -> Vec<Modality> {
        let of = |s: &str| ron::from_str(s).unwrap();
        vec![
            of(r#"(name: "a", length: 3, vocab: 10)"#),
            of(r#"(name: "c", length: 4, vocab: 6, text: Some(Words))"#),
        ]
    }

    fn clip(stem: &str, a: &[u32]) -> ClipData {
        ClipData {
            stem: stem.into(),
            label: "x".into(),
            captions: vec!["x".into(), "x y".into()],
            tokens: vec![a.to_vec()],
        }
    }

    fn parts() -> [Vec<ClipData>; 3] {
        [
            vec![clip("s2", &[1, 2, 3, 4, 5, 6]), clip("s1", &[9, 8, 7, 6, 5, 4])],
            vec![clip("s3", &[0; 6])],
            vec![clip("s4", &[0; 6])],
        ]
    }

    #[test]
    fn accessors_see_what_was_given() {
        let data = Dataset::from_parts(&modalities(), parts()).unwrap();
        let train = data.split(Part::Train);
        assert_eq!((train.len(), train.stem(0), train.stem(1), train.rows(0)), (2, "s1", "s2", 2));
        assert_eq!(train.tokens(1, 0, 1), [4, 5, 6]);
        assert_eq!(train.sample(0, 1), [&[6u32, 5, 4][..], &[1, 4, 5, 2]]);
        assert_eq!((data.classes(), train.label(0)), (&["x".to_string()][..], "x"));
        assert_eq!(data.text(1).unwrap().decode(train.tokens(0, 1, 1)), "x y");
        assert!(data.text(0).is_none());
    }

    #[test]
    fn the_hash_is_of_the_content() {
        let hash = |p| Dataset::from_parts(&modalities(), p).unwrap().hash;
        let mut swapped = parts();
        swapped[0].reverse();
        assert_eq!(hash(parts()), hash(swapped));
        let mut changed = parts();
        changed[2][0].tokens[0][5] = 1;
        assert_ne!(hash(parts()), hash(changed));
    }

    #[test]
    fn bad_clips_are_refused() {
        let fails = |change: fn(&mut ClipData)| {
            let mut p = parts();
            change(&mut p[0][0]);
            Dataset::from_parts(&modalities(), p).err().unwrap().what
        };
        assert_eq!(fails(|c| c.tokens[0][2] = 10), "token id out of range");
        assert_eq!(fails(|c| c.tokens[0].truncate(5)), "wrong number of tokens in a clip");
        assert_eq!(fails(|c| c.captions.truncate(1)), "wrong number of tokens in a clip");
        assert!(fails(|c| c.captions[0] = "z".into()).contains("too small"));
    }
}
