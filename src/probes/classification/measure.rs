//! The passes over the clips, and their rows.

use super::caption_scores::{CaptionScorer, CaptionScores};
use super::ranking::{minus_prior, rank};
use crate::batch::Batch;
use crate::batch::SampleMask;
use crate::data::{Part, Split};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Softmax;
use crate::masking;
use crate::metrics::classification::ClassificationRow;
use crate::metrics::source;
use crate::model::network::Inference;
use crate::observer::ProbeObserver;
use crate::ops::log_sum_exp;
use crate::probes::class_texts::Classes;
use crate::probes::evaluation::Evaluation;
use crate::probes::majority::by_frequency;
use crate::probes::packing::{self, finite, Sample};
use crate::probes::shuffled::derangement;
use std::collections::BTreeSet;

/// Scores of every clip with a class: input sets × methods × (model, shuffled input). A clip whose class
/// is not among the classes that compete is wrong by every method.
///
/// # Errors
/// If no modality is a caption, the caption is itself an input, or the output is not a number.
pub fn measure(
    evaluation: &Evaluation,
    inputs: &[Vec<String>],
    templates: &[String],
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<ClassificationRow>> {
    let classes = Classes::new(evaluation, templates)?;
    let split = evaluation.data.split(Part::Test);
    let class_of = |clip: usize| classes.names.iter().position(|c| *c == split.label(clip));
    let known: Vec<(usize, usize)> =
        (0..split.len()).filter_map(|clip| class_of(clip).map(|class| (clip, class))).collect();
    let unknown: Vec<usize> =
        (0..split.len()).filter(|&clip| !split.label(clip).is_empty() && class_of(clip).is_none()).collect();
    note_left_out(&classes, split.len(), (known.len(), unknown.len()), observer);
    if classes.names.len() < 2 || known.is_empty() {
        return Ok(vec![]);
    }
    let mut rows = Vec::new();
    for set in inputs {
        let set = evaluation.indices(set)?;
        if set.contains(&classes.caption) {
            return Err(Fault::invalid("the caption is both input and target")
                .at("probes: Classify")
                .found(evaluation.joined(&set))
                .help("remove it from `inputs`"));
        }
        let mask = masking::direction(&evaluation.experiment.modalities, &set, &[classes.caption]);
        let name = evaluation.joined(&set);
        let pass =
            Pass { evaluation, split, classes: &classes, known: &known, unknown: &unknown, name, mask };
        let scores = pass.score_captions(observer)?;
        let own: Vec<usize> = (0..known.len()).collect();
        let of_model = pass.rows(source::MODEL, &scores, &own, observer);
        rows.extend(pass.majority(&of_model));
        rows.extend(of_model);
        if let Some(other) = derangement(known.len(), evaluation.experiment.seeds.probes, 0) {
            rows.extend(pass.rows(source::SHUFFLED, &scores, &other, observer));
        }
    }
    Ok(rows)
}

/// Notes what is left out.
fn note_left_out(
    classes: &Classes,
    clips: usize,
    (known, unknown): (usize, usize),
    observer: &mut dyn ProbeObserver,
) {
    if !classes.without.is_empty() {
        observer.note(&format!(
            "no training caption, so not among the classes: {}; a template with {{class}} would name them",
            classes.without.join(", ")
        ));
    }
    if unknown > 0 {
        observer.note(&format!("{unknown} of {clips} test clips are of those classes, and count as wrong"));
    }
    if known + unknown < clips {
        let without = clips - known - unknown;
        observer.note(&format!("{without} of {clips} test clips have no class and are left out"));
    }
    if classes.names.len() < 2 {
        observer
            .note(&format!("not measured: {} class(es) leave nothing to tell apart", classes.names.len()));
    }
}

/// One set of inputs.
struct Pass<'a> {
    evaluation: &'a Evaluation<'a>,
    split: &'a Split,
    classes: &'a Classes<'a>,
    /// Clip and class.
    known: &'a [(usize, usize)],
    /// Clips whose class does not compete.
    unknown: &'a [usize],
    name: String,
    mask: SampleMask,
}

/// What the network makes of every known clip's input. None of it depends on the clip's class, so
/// another clip's input is scored by looking it up.
struct Scores {
    keys: Vec<KeyScores>,
    /// Whole captions, one of each clip.
    captions: Vec<CaptionScores>,
}

/// One key token per class.
struct KeyScores {
    /// How the method that ranks by them is called.
    method: &'static str,
    /// The key of every class.
    ids: Vec<u32>,
    /// Log-probability of each class's key token, `[clip][class]`.
    scores: Vec<Vec<f64>>,
}

impl Pass<'_> {
    /// All methods; the input of known clip i is that of known clip `inputs[i]`.
    fn rows(
        &self,
        source: &str,
        scores: &Scores,
        inputs: &[usize],
        observer: &mut dyn ProbeObserver,
    ) -> Vec<ClassificationRow> {
        let mut rows = Vec::new();
        for KeyScores { method, ids, scores } in &scores.keys {
            let given: Vec<Vec<f64>> = inputs.iter().map(|&input| scores[input].clone()).collect();
            rows.extend(self.ranked(method, source, &given, ids, observer));
        }
        let captions: Vec<Vec<f64>> =
            inputs.iter().map(|&input| scores.captions[input].classes.clone()).collect();
        rows.extend(self.ranked("caption_likelihood", source, &captions, &[], observer));
        if let Some(scores) = minus_prior(&captions) {
            rows.extend(self.ranked("caption_likelihood_minus_prior", source, &scores, &[], observer));
        }
        let ranking: BTreeSet<String> = rows.iter().map(|row| row.method.clone()).collect();
        rows.extend(inputs.iter().enumerate().map(|(i, &input)| {
            let named =
                self.classes.named_in(&self.classes.vocabulary.decode(&scores.captions[input].argmax_ids));
            ClassificationRow {
                predicted_class: named.map_or(String::new(), |c| self.classes.names[c].into()),
                ..self.row(i, "sequence_decode", source)
            }
        }));
        let last = Some(self.classes.names.len() as u32);
        rows.extend(ranking.iter().flat_map(|method| self.wrong(method, source, last)));
        rows.extend(self.wrong("sequence_decode", source, None));
        rows
    }

    /// Rows of the clips whose class does not compete: behind every class, and none named.
    fn wrong<'b>(
        &'b self,
        method: &'b str,
        source: &'b str,
        true_rank: Option<u32>,
    ) -> impl Iterator<Item = ClassificationRow> + 'b {
        self.unknown.iter().map(move |&clip| ClassificationRow {
            true_rank,
            ..self.blank(clip, self.split.label(clip), method, source)
        })
    }

    /// One pass that asks for position 1 alone, if classes have key tokens, and one for the whole caption.
    fn score_captions(&self, observer: &mut dyn ProbeObserver) -> Result<Scores> {
        let kinds = [
            ("logit_rank_as_trained", self.classes.keys_as_trained()),
            ("logit_rank_leading_space", self.classes.keys_leading_space()),
        ];
        let blank = |(method, ids): (_, Option<_>)| Some(KeyScores { method, ids: ids?, scores: Vec::new() });
        let mut keys: Vec<KeyScores> = kinds.into_iter().filter_map(blank).collect();
        if !keys.is_empty() {
            self.score_keys(&mut keys, observer)?;
        }
        Ok(Scores { keys, captions: self.score_whole_captions(observer)? })
    }

    fn row(&self, i: usize, method: &str, source: &str) -> ClassificationRow {
        let (clip, class) = self.known[i];
        self.blank(clip, self.classes.names[class], method, source)
    }

    fn blank(&self, clip: usize, class: &str, method: &str, source: &str) -> ClassificationRow {
        ClassificationRow {
            clip: self.split.stem(clip).into(),
            inputs: self.name.clone(),
            method: method.into(),
            source: source.into(),
            true_class: class.into(),
            predicted_class: String::new(),
            true_rank: None,
            true_logp: None,
            classes: self.classes.names.len() as u32,
        }
    }

    /// Rows of a method that scores every class, `scores[i][class]`; `keys`: what tells classes apart, if
    /// that is one token each.
    fn ranked(
        &self,
        method: &str,
        source: &str,
        scores: &[Vec<f64>],
        keys: &[u32],
        observer: &mut dyn ProbeObserver,
    ) -> Vec<ClassificationRow> {
        let mut rows = Vec::new();
        for (i, scores) in scores.iter().enumerate() {
            let class = self.known[i].1;
            let Some((rank, best)) = rank(scores, class, keys) else { continue };
            rows.push(ClassificationRow {
                predicted_class: self.classes.names[best].into(),
                true_rank: Some(rank),
                true_logp: Some(scores[class]),
                ..self.row(i, method, source)
            });
        }
        if rows.len() < scores.len() {
            let equal = scores.len() - rows.len();
            let (n, name) = (scores.len(), &self.name);
            observer.note(&format!(
                "{name}, {method}, {source}: all classes score the same on {equal} of {n} clips, which have no rank"
            ));
        }
        rows
    }

    /// The classes in the order of their training clips, on the clips that the model answered by each method.
    fn majority(&self, rows: &[ClassificationRow]) -> Vec<ClassificationRow> {
        let (train, names) = (self.evaluation.data.split(Part::Train), &self.classes.names);
        let class_of = |label: &str| names.iter().position(|class| *class == label);
        let labels: Vec<usize> = (0..train.len()).filter_map(|clip| class_of(train.label(clip))).collect();
        let order = by_frequency(&labels, names.len());
        let answer = |row: &ClassificationRow| {
            // A class that no training clip has comes behind all others, as with the model.
            let class = class_of(&row.true_class);
            let rank = order.iter().position(|c| Some(*c) == class).unwrap_or(order.len()) as u32;
            ClassificationRow {
                source: source::MAJORITY.into(),
                predicted_class: names[order[0]].into(),
                true_rank: row.true_rank.map(|_| rank),
                // How often a class occurs is no likelihood of its captions.
                true_logp: None,
                ..row.clone()
            }
        };
        rows.iter().map(answer).collect()
    }

    fn samples<'b>(&'b self, mask: &'b SampleMask) -> impl Iterator<Item = Sample<'b, usize>> + 'b {
        let sample = |(i, &(clip, _))| Sample::new(i, self.split.sample(clip, 0), mask.clone());
        self.known.iter().enumerate().map(sample)
    }

    /// Log-probabilities of the classes' keys at caption position 1.
    fn score_keys(&self, keys: &mut [KeyScores], observer: &mut dyn ProbeObserver) -> Result<()> {
        let mut mask = self.mask.clone();
        mask.target[self.classes.caption] = vec![1];
        let scope = self.evaluation.experiment.model.softmax;
        let all: Vec<u32> = keys.iter().flat_map(|k| k.ids.iter().copied()).collect();
        let measure = |net: &dyn Inference, batch: &Batch, _: &[usize]| -> Result<Vec<Vec<f64>>> {
            let rows = net.log_probs(batch, scope, &all)?.into_iter();
            rows.map(|row| row.into_iter().map(|x| finite(x).map(f64::from)).collect()).collect()
        };
        let keep = |_, row: Vec<f64>| {
            let parts = row.chunks(self.classes.names.len());
            keys.iter_mut().zip(parts).for_each(|(of, part)| of.scores.push(part.to_vec()));
        };
        let (samples, n) = (self.samples(&mask), self.known.len());
        packing::batches(self.evaluation.net, samples, (0, n), observer, measure, keep)
    }

    /// Scores of whole captions of every known clip, `[clip]`.
    fn score_whole_captions(&self, observer: &mut dyn ProbeObserver) -> Result<Vec<CaptionScores>> {
        let modality = &self.evaluation.experiment.modalities[self.classes.caption];
        let competing = match self.evaluation.experiment.model.softmax {
            Softmax::Unified => self.evaluation.net.config().vocab(),
            Softmax::Restricted => modality.vocab,
        };
        let text_ids = self.classes.vocabulary.text_ids();
        let mut all = Vec::with_capacity(self.known.len());
        let measure = |net: &dyn Inference, batch: &Batch, keys: &[usize]| {
            let mut clips: Vec<CaptionScorer> =
                keys.iter().map(|_| CaptionScorer::new(self.classes)).collect();
            let mut bad = None;
            net.logits(batch, &mut |row, logits| {
                let b = batch.dec.offsets.partition_point(|&o| o <= row) - 1;
                let position = batch.dec.positions[row] as usize;
                let normalizer = log_sum_exp::of_single_exponentials(&logits[..competing]);
                if !normalizer.is_finite() {
                    bad = Some(normalizer as f32);
                }
                clips[b].add_position(self.classes, position, logits, normalizer, text_ids.clone());
            })?;
            bad.map_or(Ok(0.0), finite)?;
            Ok(clips.into_iter().map(CaptionScorer::finish).collect())
        };
        let (samples, n) = (self.samples(&self.mask), self.known.len());
        packing::batches(self.evaluation.net, samples, (0, n), observer, measure, |_, scores| {
            all.push(scores)
        })?;
        Ok(all)
    }
}
