//! The probes a manifest can ask for: their settings and defaults, what their keys are about, what is wrong with them.

use super::check::findings::Findings;
use super::check::{bounds, inputs, masking};
use super::decode::Decode;
use super::diagnostic::Finding;
use super::masking::{Direction, Masking};
use crate::metrics::classification::{self, ClassificationRow};
use crate::metrics::cross_entropy::CrossEntropyRow;
use crate::metrics::directions::{self, DirectionRow};
use crate::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow;
use crate::metrics::generation::GenerationRow;
use crate::metrics::linear_probe::LinearProbeRow;
use crate::metrics::memorization::{self, MemorizationRow};
use crate::metrics::retrieval::RetrievalRow;
use crate::metrics::{catalogue, Key, ScoreRow};
use crate::modality::{self, Modality, Text};
use serde::{Deserialize, Serialize};

/// A measurement after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Probe {
    /// Cross-entropy per modality on the test split.
    CrossEntropy {
        /// Fixed masks per clip under the training masking.
        #[serde(default = "two")]
        masks: usize,
        /// Budgets at random positions, the same for every training; absent: the training masking.
        #[serde(default)]
        masking: Option<Masking>,
        /// Directions that are scored beside it, each under the masking it implies.
        #[serde(default)]
        directions: Vec<Direction>,
    },
    /// Class of a clip from other modalities, through its caption.
    Classify {
        /// Each entry is one set of input modalities.
        inputs: Vec<Vec<String>>,
        /// Captions of a class: `{class}` is its label, `{caption}` every first caption the training
        /// split has for it. With several a class scores the sum of their likelihoods.
        #[serde(default = "default_templates")]
        templates: Vec<String>,
    },
    /// Partner of a clip by cosine of mean encoder outputs; `gallery` 0 = all test clips.
    Retrieval {
        pairs: Vec<(String, String)>,
        #[serde(default)]
        gallery: usize,
    },
    /// Last fifth of `modality` from its first four fifths and `given`; `clips` 0 = all.
    Memorization {
        modality: String,
        given: Vec<String>,
        #[serde(default)]
        clips: usize,
    },
    /// Token accuracy and cross-entropy of whole modalities from others.
    Directions(Vec<Direction>),
    /// Caption cross-entropy in one pass against position by position; `clips` 0 = all.
    ForwardVsAutoregressive {
        input: String,
        target: String,
        #[serde(default)]
        clips: usize,
    },
    /// Tokens of `target` generated from `inputs`; `clips` 0 = all.
    Generation {
        inputs: Vec<String>,
        target: String,
        #[serde(default)]
        clips: usize,
        /// Share of the target, from its start, that is given too (0.8 in the published prefix
        /// condition); cut down to whole frames of its codebooks.
        #[serde(default)]
        prefix: f64,
        #[serde(default)]
        decode: Decode,
    },
    /// Linear classifier on mean encoder outputs, with control task and random-weights control.
    LinearProbe { inputs: Vec<Vec<String>> },
}

fn two() -> usize {
    2
}

fn default_templates() -> Vec<String> {
    vec!["{caption}".into()]
}

/// What is measured where a manifest does not say.
pub fn default_probes() -> Vec<Probe> {
    vec![Probe::CrossEntropy { masks: two(), masking: None, directions: vec![] }]
}

/// What a probe's keys are about, and their variant.
struct Subjects {
    /// First part of the keys.
    probe: &'static str,
    abouts: Vec<String>,
    variant: Option<u64>,
}

impl Subjects {
    fn of<R: ScoreRow>(abouts: impl IntoIterator<Item = String>) -> Subjects {
        Subjects { probe: R::PROBE, abouts: abouts.into_iter().collect(), variant: None }
    }

    /// Keys write `n` where it is not 0.
    fn under(self, n: usize) -> Subjects {
        Subjects { variant: (n > 0).then_some(n as u64), ..self }
    }
}

impl Probe {
    /// Every key of the model that the probe measures on `modalities`; none about modalities that are not there.
    pub fn keys(&self, modalities: &[Modality]) -> Vec<Key> {
        let Subjects { probe, abouts, variant } = self.subjects(modalities);
        let Some(probe) = catalogue::probe(probe) else { return vec![] };
        abouts.iter().flat_map(|about| catalogue::keys(probe, about, variant)).collect()
    }

    fn subjects(&self, modalities: &[Modality]) -> Subjects {
        let joined = |names: &[String]| joined(modalities, names);
        let direction = |inputs: &[String], targets: &[String]| {
            Some(format!("{}->{}", joined(inputs)?, joined(targets)?))
        };
        match self {
            Probe::CrossEntropy { directions, .. } => {
                let names = modalities.iter().map(|m| m.name.clone());
                let directed = directions.iter().flat_map(|d| {
                    d.targets.iter().filter_map(|t| direction(&d.inputs, std::slice::from_ref(t)))
                });
                Subjects::of::<CrossEntropyRow>(names.chain(directed))
            }
            Probe::Classify { inputs, .. } => {
                // The caption is the first text. Only byte pairs write a word in another way behind a space.
                let text = modalities.iter().find_map(|m| m.text);
                let methods = classification::METHODS.map(|(method, _)| method).into_iter();
                let methods =
                    methods.filter(|m| text == Some(Text::Gpt2) || *m != classification::LEADING_SPACE);
                Subjects::of::<ClassificationRow>(
                    inputs
                        .iter()
                        .filter_map(|set| joined(set))
                        .flat_map(|set| methods.clone().map(move |method| format!("{set}/{method}"))),
                )
            }
            Probe::Retrieval { pairs, gallery } => {
                let abouts = pairs.iter().map(|(query, partner)| format!("{query}->{partner}"));
                Subjects::of::<RetrievalRow>(abouts).under(*gallery)
            }
            Probe::Memorization { .. } => {
                Subjects::of::<MemorizationRow>(memorization::PARTS.map(String::from))
            }
            Probe::Directions(all) => Subjects::of::<DirectionRow>(all.iter().flat_map(|d| {
                let name = direction(&d.inputs, &d.targets);
                name.into_iter().flat_map(|name| {
                    d.targets.iter().flat_map(move |target| directions::abouts(&name, target))
                })
            })),
            Probe::ForwardVsAutoregressive { target, .. } => {
                Subjects::of::<ForwardVsAutoregressiveRow>([target.clone()])
            }
            Probe::Generation { inputs, target, prefix, .. } => {
                let given = modalities.iter().find(|m| m.name == *target).map_or(0, |m| m.prefix(*prefix));
                Subjects::of::<GenerationRow>(direction(inputs, std::slice::from_ref(target))).under(given)
            }
            Probe::LinearProbe { inputs } => {
                Subjects::of::<LinearProbeRow>(inputs.iter().filter_map(|set| joined(set)))
            }
        }
    }

    /// Whether both would write scores that nothing tells apart; `test_clips`, if known, is a gallery of all.
    pub(super) fn overlaps(&self, other: &Probe, test_clips: Option<usize>) -> bool {
        let size = |gallery: usize| if Some(gallery) == test_clips { 0 } else { gallery };
        let sorted = inputs::sorted;
        match (self, other) {
            (Probe::Retrieval { pairs: a, gallery: x }, Probe::Retrieval { pairs: b, gallery: y }) => {
                size(*x) == size(*y) && a.iter().any(|pair| b.contains(pair))
            }
            (
                Probe::Generation { inputs: a, target: x, .. },
                Probe::Generation { inputs: b, target: y, .. },
            ) => sorted(a) == sorted(b) && x == y,
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    /// What is asked exists, and the answer is not given away.
    pub(super) fn check(&self, modalities: &[Modality], path: &str, found: &mut Findings) {
        let at = |field: &str| format!("{path}.{field}");
        match self {
            Probe::CrossEntropy { masks, masking, directions } => {
                found.require(*masks >= 1, &at("masks"), masks, "at least 1");
                found.at_most(&at("masks"), *masks, bounds::MASKS);
                if let Some(own) = masking {
                    masking::masking(modalities, &at("masking"), own, found);
                }
                inputs::all_directions(modalities, &at("directions"), directions, found);
            }
            Probe::Classify { inputs: sets, templates } => {
                inputs::has_text(modalities, path, found);
                inputs::input_sets(modalities, &at("inputs"), sets, found);
                inputs::without_caption(modalities, &at("inputs"), sets, found);
                inputs::templates(&at("templates"), templates, found);
            }
            Probe::Retrieval { pairs, gallery } => {
                inputs::pairs(modalities, &at("pairs"), pairs, found);
                found.require(*gallery != 1, &at("gallery"), gallery, "0 (all test clips), or at least 2");
                found.at_most(&at("gallery"), *gallery, bounds::CLIPS);
            }
            Probe::Memorization { modality, given, clips } => {
                found.at_most(&at("clips"), *clips, bounds::CLIPS);
                found.known_modality(modalities, &at("modality"), modality);
                inputs::others(modalities, &at("given"), given, modality, found);
            }
            Probe::Directions(directions) => {
                if directions.is_empty() {
                    found.push(Finding::error(path, "the probe has no directions"));
                }
                inputs::all_directions(modalities, path, directions, found);
            }
            Probe::ForwardVsAutoregressive { input, target, clips } => {
                found.at_most(&at("clips"), *clips, bounds::CLIPS);
                found.known_modality(modalities, &at("input"), input);
                found.known_modality(modalities, &at("target"), target);
                inputs::is_text(modalities, &at("target"), target, found);
                if input == target {
                    let what = format!("`{input}` is both input and target");
                    found.push(Finding::error(at("input"), what));
                }
            }
            Probe::Generation { inputs: from, target, clips, prefix, decode } => {
                found.at_most(&at("clips"), *clips, bounds::CLIPS);
                inputs::generation(modalities, &at(""), (from, target, *prefix), found);
                inputs::decode(modalities, &at("decode."), decode, (target, *prefix), found);
            }
            Probe::LinearProbe { inputs: sets } => {
                inputs::input_sets(modalities, &at("inputs"), sets, found);
                inputs::given_away(modalities, &at("inputs"), sets, found);
            }
        }
    }
}

/// In the manifest's order, as scores name a set of modalities; `None` if one of them is none.
fn joined(modalities: &[Modality], names: &[String]) -> Option<String> {
    let found = modality::indices(modalities, names).ok()?;
    Some(found.iter().map(|&m| modalities[m].name.as_str()).collect::<Vec<_>>().join("+"))
}
