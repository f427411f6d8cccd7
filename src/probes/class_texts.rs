//! What a class is called: in captions, by its key token, and in a decoded text.

use super::evaluation::Evaluation;
use crate::data::{Part, Vocabulary};
use crate::fault::{Fault, Result};
use crate::modality::Text;
use std::collections::BTreeSet;

/// The classes that can be scored.
pub struct Classes<'a> {
    /// Index of the caption modality.
    pub caption: usize,
    pub kind: Text,
    pub vocabulary: &'a dyn Vocabulary,
    pub names: Vec<&'a str>,
    /// Captions of each class, as text.
    texts: Vec<Vec<String>>,
    /// The same as ids, `[class][text][length]`.
    pub ids: Vec<Vec<Vec<u32>>>,
    /// Classes without a caption: they cannot be scored.
    pub without: Vec<&'a str>,
}

impl<'a> Classes<'a> {
    /// `{class}` in a template is the label (`_` as space); `{caption}` stands for every first caption
    /// that the training split has for the class.
    ///
    /// # Errors
    /// If no modality is a caption.
    pub fn new(evaluation: &Evaluation<'a>, templates: &[String]) -> Result<Classes<'a>> {
        let e = evaluation.experiment;
        let text = e.modalities.iter().find_map(|m| m.text.map(|kind| (m, kind)));
        let (modality, kind) = text.ok_or_else(no_caption)?;
        let caption = evaluation.index(&modality.name)?;
        let vocabulary = evaluation.data.text(caption).ok_or_else(no_caption)?;
        let mut all =
            Classes { caption, kind, vocabulary, names: vec![], texts: vec![], ids: vec![], without: vec![] };
        for class in evaluation.data.classes() {
            let texts = texts(evaluation, class, templates);
            if texts.is_empty() {
                all.without.push(class);
                continue;
            }
            let encode = |t: &String| vocabulary.encode(t, modality.length);
            all.ids.push(texts.iter().map(encode).collect::<BTreeSet<_>>().into_iter().collect());
            all.names.push(class);
            all.texts.push(texts.into_iter().collect());
        }
        Ok(all)
    }

    /// The key token of each class as it stands in its captions, right after `[SOS]`. Of a vocabulary of
    /// words only where it tells the classes apart ("A lion." and "A cow." begin alike).
    pub fn keys_as_trained(&self) -> Option<Vec<u32>> {
        let one = |ids: &Vec<Vec<u32>>| {
            let first: BTreeSet<u32> = ids.iter().filter_map(|t| t.get(1).copied()).collect();
            (first.len() == 1).then(|| first.into_iter().next()).flatten()
        };
        let keys: Vec<u32> = self.ids.iter().map(one).collect::<Option<_>>()?;
        let different = keys.iter().collect::<BTreeSet<_>>().len();
        (self.kind == Text::Gpt2 || different == keys.len()).then_some(keys)
    }

    /// The published keys: the first token of the class after a space, which byte pairs write in another
    /// way than at the beginning of a caption.
    pub fn keys_leading_space(&self) -> Option<Vec<u32>> {
        if self.kind != Text::Gpt2 {
            return None;
        }
        let first =
            |texts: &Vec<String>| self.vocabulary.pieces(&format!(" {}", texts.first()?)).first().copied();
        self.texts.iter().map(first).collect()
    }

    /// The first class, in the order of the classes, whose first word the text holds (as published, so
    /// that "pigeon cooing" counts as pig); whole words where the vocabulary is one of words.
    pub fn named_in(&self, text: &str) -> Option<usize> {
        let text = text.to_lowercase();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        self.names.iter().position(|name| {
            let name = name.to_lowercase();
            let word = name.split([' ', '_']).next().unwrap_or(&name);
            match self.kind {
                Text::Gpt2 => text.contains(word),
                Text::Words => words.contains(word),
            }
        })
    }
}

fn texts(evaluation: &Evaluation, class: &str, templates: &[String]) -> BTreeSet<String> {
    let train = evaluation.data.split(Part::Train);
    let own = train.clips().iter().filter(|c| c.label == class);
    let captions: BTreeSet<&String> = own.filter_map(|c| c.captions.first()).collect();
    let label = class.replace('_', " ");
    let mut all = BTreeSet::new();
    for template in templates {
        let named = template.replace("{class}", &label);
        if named.contains("{caption}") {
            all.extend(captions.iter().map(|c| named.replace("{caption}", c)));
        } else {
            all.insert(named);
        }
    }
    all
}

fn no_caption() -> Fault {
    Fault::invalid("a probe scores captions, but no modality has a text")
        .at("probes: Classify")
        .help("declare `text: Gpt2` or `text: Words` on the caption modality, or remove the probe")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::testing;

    fn classes(bench: &testing::Bench, template: &str) -> (Vec<Vec<String>>, Option<Vec<u32>>) {
        let evaluation = bench.evaluation();
        let all = Classes::new(&evaluation, &[template.into()]).unwrap();
        (all.texts.clone(), all.keys_as_trained())
    }

    #[test]
    fn templates_and_training_captions() {
        let bench = testing::bench(3, false);
        let (texts, keys) = classes(&bench, "{caption}");
        assert_eq!(texts, [["cat"], ["dog"], ["red fox"]]);
        assert_eq!(keys.unwrap().len(), 3);
        let (texts, keys) = classes(&bench, "a {class}");
        assert_eq!(
            (texts, keys),
            (vec![vec!["a cat".into()], vec!["a dog".into()], vec!["a red fox".into()]], None)
        );
    }

    #[test]
    fn a_decoded_text_names_the_first_class_it_holds() {
        let bench = testing::bench(3, false);
        let evaluation = bench.evaluation();
        let all = Classes::new(&evaluation, &["{caption}".into()]).unwrap();
        let named = |text| all.named_in(text).map(|c| all.names[c]);
        assert_eq!(named("a red dog."), Some("dog"));
        assert_eq!((named("Red fox"), named("category"), named("")), (Some("red fox"), None, None));
        assert_eq!(all.keys_leading_space(), None);
    }
}
