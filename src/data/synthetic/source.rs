//! The source of synthetic clips: prototypes, and draws from them.

use crate::data::dataset::Dataset;
use crate::data::part::Part;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Synthetic;
use crate::modality::Modality;
use crate::rng::{stream, Purpose};
use rand::Rng;

/// Most clips of a dataset: their numbers have six digits in a stem.
const MOST_CLIPS: usize = 999_999;

/// What a modality shows of the class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Channel {
    pub vocab: usize,
    /// Probability that a token shows the prototype.
    pub strength: f64,
    /// Whether the tokens are made from the caption rather than drawn.
    pub caption: bool,
    /// `[classes][length]`; those of a caption are known once its vocabulary is (`Source::of`).
    pub prototypes: Vec<Vec<u32>>,
}

/// A generator of clips, and the exact probabilities of what it generates.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    seed: u64,
    classes: Vec<String>,
    pub(super) channels: Vec<Channel>,
}

/// Strength of a modality; a name that the map leaves out has the default 0.9.
pub(super) fn strength(spec: &Synthetic, modality: &Modality) -> f64 {
    spec.strength.get(&modality.name, 0.9)
}

impl Source {
    /// The source behind `dataset`, which `generate` made from the same `spec`. Score with this one:
    /// it knows the tokens of the captions.
    ///
    /// # Errors
    /// As [`super::generate`].
    pub fn of(spec: &Synthetic, dataset: &Dataset) -> Result<Source> {
        let mut source = Source::new(spec, dataset.modalities())?;
        for (m, modality) in dataset.modalities().iter().enumerate() {
            if let Some(vocabulary) = dataset.text(m) {
                let caption = |name: &String| vocabulary.encode(name, modality.length);
                source.channels[m].prototypes = source.classes.iter().map(caption).collect();
            }
        }
        Ok(source)
    }

    /// Prototypes of the drawn modalities; captions have none yet.
    pub(super) fn new(spec: &Synthetic, modalities: &[Modality]) -> Result<Source> {
        check(spec, modalities)?;
        let channel = |(index, m): (usize, &Modality)| Channel {
            vocab: m.vocab,
            strength: if m.text.is_some() { 1.0 } else { strength(spec, m) },
            caption: m.text.is_some(),
            prototypes: (0..spec.classes).map(|class| prototype(spec.seed, class, index, m)).collect(),
        };
        let channels = modalities.iter().enumerate().map(channel).collect();
        Ok(Source { seed: spec.seed, classes: names(spec.classes), channels })
    }

    /// Names of all classes, also of those that no clip of a small dataset has.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Index of the class with this name.
    pub fn class(&self, name: &str) -> Option<usize> {
        self.classes.iter().position(|c| c == name)
    }

    pub(super) fn has_captions(&self) -> bool {
        self.channels.iter().any(|c| c.caption)
    }

    /// Class and tokens (`[rows · length]` for each modality, none for captions) of a clip.
    pub(super) fn clip(&self, part: Part, index: usize, rows: usize) -> (usize, Vec<Vec<u32>>) {
        let mut rng = stream(self.seed, Purpose::Synthetic, &[part as u64, index as u64]);
        let class = rng.gen_range(0..self.classes.len() as u64) as usize;
        let tokens = self.channels.iter().map(|channel| {
            let rows = if channel.caption { 0 } else { rows };
            let row = channel.prototypes[class].iter();
            let token = |&prototype: &u32| {
                if rng.gen::<f64>() < channel.strength {
                    prototype
                } else {
                    rng.gen_range(0..channel.vocab as u32)
                }
            };
            std::iter::repeat_n(row, rows).flatten().map(token).collect()
        });
        let tokens = tokens.collect();
        (class, tokens)
    }
}

/// `c00`, `c01`, …: as many digits as sort well, at least two.
fn names(classes: usize) -> Vec<String> {
    let digits = (classes - 1).to_string().len().max(2);
    (0..classes).map(|c| format!("c{c:0digits$}")).collect()
}

fn prototype(seed: u64, class: usize, index: usize, modality: &Modality) -> Vec<u32> {
    if modality.text.is_some() {
        return Vec::new();
    }
    let mut rng = stream(seed, Purpose::Prototypes, &[class as u64, index as u64]);
    (0..modality.length).map(|_| rng.gen_range(0..modality.vocab as u32)).collect()
}

/// Refuses what cannot be generated, naming the field.
fn check(spec: &Synthetic, modalities: &[Modality]) -> Result<()> {
    let refuse = |field: &str, found: String, expected: &str| {
        let fault = Fault::invalid("synthetic data cannot be made like this");
        Err(fault.at(format!("data.synthetic.{field}")).found(found).expected(expected))
    };
    if spec.classes == 0 {
        return refuse("classes", "0".into(), "at least 1 class");
    }
    if spec.rows == 0 {
        return refuse("rows", "0".into(), "at least 1 row");
    }
    let clips = [spec.clips.0, spec.clips.1, spec.clips.2];
    if clips.iter().try_fold(0usize, |sum, n| sum.checked_add(*n)).is_none_or(|n| n > MOST_CLIPS) {
        return refuse("clips", format!("{clips:?}"), "at most 999999 clips in all splits together");
    }
    for m in modalities {
        let strength = strength(spec, m);
        if !(0.0..=1.0).contains(&strength) {
            return refuse("strength", format!("{strength} for {}", m.name), "a probability in 0..=1");
        }
    }
    Ok(())
}
