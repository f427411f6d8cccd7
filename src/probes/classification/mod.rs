//! Class of a clip from other modalities, read off the caption the network expects.
//!
//! Row 0 of every test clip, whole input modalities, one forward pass:
//! ```text
//! logit_rank_as_trained      target: caption position 1; classes ranked by the log-probability of their
//!                            key token, as it stands in training captions (the headline)
//! logit_rank_leading_space   the same with the published keys, which no caption has at that position
//! caption_likelihood         target: the whole caption; a class scores log sum exp over its captions of
//!                            the sum over positions of the log-probability of the caption's id
//! ..._minus_prior            minus log mean exp of the class's score over the other clips' inputs
//! sequence_decode            argmax of every position among ids of text, decoded, matched by name
//! ```
//! The softmax is the one of the training loss. Ties count against the model, but for classes that share
//! their key token ("pig oinking", "pigeon cooing"): these keep the order of the classes, as published. A
//! clip for which all classes score the same has no rank and no row. `shuffled_input`: another clip's
//! input, this class.

mod listening;
mod ranking;
#[cfg(test)]
mod tests;

use super::class_texts::Classes;
use super::control::partners;
use super::packing::{self, finite, Sample};
use super::{indices, joined, Subject, Watch};
use crate::batch::Batch;
use crate::batch::SampleMask;
use crate::data::{Part, Split};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Softmax;
use crate::masking;
use crate::model::network::{Network, Scope};
use crate::record::examples::{source, Classification};
use listening::Listening;
use ranking::{minus_prior, rank};

/// Scores of every clip with a known class: input sets × methods × (model, shuffled input).
///
/// # Errors
/// If no modality is a caption, the caption is itself an input, or the output is not a number.
pub fn measure(
    s: &Subject,
    inputs: &[Vec<String>],
    templates: &[String],
    watch: &mut dyn Watch,
) -> Result<Vec<Classification>> {
    let classes = Classes::new(s, templates)?;
    let split = s.data.split(Part::Test);
    let of = |clip: usize| classes.names.iter().position(|c| *c == split.label(clip));
    let known: Vec<(usize, usize)> =
        (0..split.len()).filter_map(|clip| of(clip).map(|class| (clip, class))).collect();
    explain(&classes, split.len(), known.len(), watch);
    if classes.names.len() < 2 || known.is_empty() {
        return Ok(vec![]);
    }
    let mut rows = Vec::new();
    for set in inputs {
        let set = indices(s.experiment, set)?;
        if set.contains(&classes.caption) {
            return Err(Fault::invalid("the caption is both input and target")
                .at("probes: Classify")
                .found(joined(s.experiment, &set))
                .help("remove it from `inputs`"));
        }
        let mask = masking::direction(&s.experiment.modalities, &set, &[classes.caption]);
        let pass =
            Pass { s, split, classes: &classes, known: &known, name: joined(s.experiment, &set), mask };
        let heard = pass.hear(watch)?;
        let own: Vec<usize> = (0..known.len()).collect();
        rows.extend(pass.all(source::MODEL, &heard, &own, watch));
        if let Some(other) = partners(known.len(), s.experiment.seeds.probes, 0) {
            rows.extend(pass.all(source::SHUFFLED, &heard, &other, watch));
        }
    }
    Ok(rows)
}

/// Says what is left out.
fn explain(classes: &Classes, clips: usize, known: usize, watch: &mut dyn Watch) {
    if !classes.without.is_empty() {
        watch.note(&format!(
            "no training caption, so not among the classes: {}; a template with {{class}} would name them",
            classes.without.join(", ")
        ));
    }
    if known < clips {
        watch.note(&format!("{} of {clips} test clips have no class to be told", clips - known));
    }
    if classes.names.len() < 2 {
        watch.note(&format!("not measured: {} class(es) leave nothing to tell apart", classes.names.len()));
    }
}

/// One set of inputs.
struct Pass<'a> {
    s: &'a Subject<'a>,
    split: &'a Split,
    classes: &'a Classes<'a>,
    /// Clip and class.
    known: &'a [(usize, usize)],
    name: String,
    mask: SampleMask,
}

/// What the network makes of every known clip's input. None of it depends on the clip's class, so
/// another clip's input is scored by looking it up.
struct Heard {
    keys: Vec<HeardKeys>,
    /// `[clip][class]` log-likelihoods of whole captions.
    captions: Vec<Vec<f64>>,
    /// Most likely id of text, `[clip][position]`.
    said: Vec<Vec<u32>>,
}

/// What is heard of one key token per class.
struct HeardKeys {
    /// How the method that ranks by them is called.
    method: &'static str,
    /// The key of every class.
    ids: Vec<u32>,
    /// `[clip][class]` log-probabilities.
    scores: Vec<Vec<f64>>,
}

impl Pass<'_> {
    /// All methods; the input of known clip i is that of known clip `inputs[i]`.
    fn all(
        &self,
        source: &str,
        heard: &Heard,
        inputs: &[usize],
        watch: &mut dyn Watch,
    ) -> Vec<Classification> {
        let given = |scores: &[Vec<f64>]| inputs.iter().map(|&i| scores[i].clone()).collect::<Vec<_>>();
        let mut rows = Vec::new();
        for HeardKeys { method, ids, scores } in &heard.keys {
            rows.extend(self.ranked(method, source, &given(scores), ids, watch));
        }
        let captions = given(&heard.captions);
        rows.extend(self.ranked("caption_likelihood", source, &captions, &[], watch));
        if let Some(scores) = minus_prior(&captions) {
            rows.extend(self.ranked("caption_likelihood_minus_prior", source, &scores, &[], watch));
        }
        rows.extend(inputs.iter().enumerate().map(|(i, &input)| {
            let named = self.classes.named_in(&self.classes.vocabulary.decode(&heard.said[input]));
            Classification {
                predicted_class: named.map_or(String::new(), |c| self.classes.names[c].into()),
                ..self.row(i, "sequence_decode", source)
            }
        }));
        rows
    }

    /// One pass that asks for position 1 alone, if classes have key tokens, and one for the whole caption.
    fn hear(&self, watch: &mut dyn Watch) -> Result<Heard> {
        let kinds = [
            ("logit_rank_as_trained", self.classes.keys_as_trained()),
            ("logit_rank_leading_space", self.classes.keys_leading_space()),
        ];
        let blank = |(method, ids): (_, Option<_>)| Some(HeardKeys { method, ids: ids?, scores: Vec::new() });
        let mut keys: Vec<HeardKeys> = kinds.into_iter().filter_map(blank).collect();
        if !keys.is_empty() {
            self.hear_keys(&mut keys, watch)?;
        }
        let (captions, said) = self.captions(watch)?.into_iter().unzip();
        Ok(Heard { keys, captions, said })
    }

    fn row(&self, i: usize, method: &str, source: &str) -> Classification {
        let (clip, class) = self.known[i];
        Classification {
            clip: self.split.stem(clip).into(),
            inputs: self.name.clone(),
            method: method.into(),
            source: source.into(),
            true_class: self.classes.names[class].into(),
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
        watch: &mut dyn Watch,
    ) -> Vec<Classification> {
        let mut rows = Vec::new();
        for (i, of) in scores.iter().enumerate() {
            let class = self.known[i].1;
            let Some((rank, best)) = rank(of, class, keys) else { continue };
            rows.push(Classification {
                predicted_class: self.classes.names[best].into(),
                true_rank: Some(rank),
                true_logp: Some(of[class]),
                ..self.row(i, method, source)
            });
        }
        if rows.len() < scores.len() {
            let equal = scores.len() - rows.len();
            let (n, name) = (scores.len(), &self.name);
            watch.note(&format!(
                "{name}, {method}, {source}: all classes score the same on {equal} of {n} clips, which have no rank"
            ));
        }
        rows
    }

    fn samples<'b>(&'b self, mask: &'b SampleMask) -> impl Iterator<Item = Sample<'b, usize>> + 'b {
        let sample = |(i, &(clip, _))| Sample::new(i, self.split.sample(clip, 0), mask.clone());
        self.known.iter().enumerate().map(sample)
    }

    /// Log-probabilities of the classes' keys at caption position 1.
    fn hear_keys(&self, keys: &mut [HeardKeys], watch: &mut dyn Watch) -> Result<()> {
        let mut mask = self.mask.clone();
        mask.target[self.classes.caption] = vec![1];
        let scope = Scope::from(self.s.experiment.model.softmax);
        let all: Vec<u32> = keys.iter().flat_map(|k| k.ids.iter().copied()).collect();
        let measure = |net: &dyn Network, batch: &Batch, _: &[usize]| -> Result<Vec<Vec<f64>>> {
            let rows = net.log_probs(batch, scope, &all)?.into_iter();
            rows.map(|row| row.into_iter().map(|x| finite(x).map(f64::from)).collect()).collect()
        };
        let keep = |_, row: Vec<f64>| {
            let parts = row.chunks(self.classes.names.len());
            keys.iter_mut().zip(parts).for_each(|(of, part)| of.scores.push(part.to_vec()));
        };
        let (samples, n) = (self.samples(&mask), self.known.len());
        packing::batches(self.s.net, samples, (0, n), watch, measure, keep)
    }

    /// Scores of whole captions `[class]`, and the most likely ids `[position]`, of every known clip.
    fn captions(&self, watch: &mut dyn Watch) -> Result<Vec<(Vec<f64>, Vec<u32>)>> {
        let modality = &self.s.experiment.modalities[self.classes.caption];
        let competing = match self.s.experiment.model.softmax {
            Softmax::Unified => self.s.net.config().vocab(),
            Softmax::Restricted => modality.vocab,
        };
        let sayable = self.classes.vocabulary.sayable();
        let mut all = Vec::with_capacity(self.known.len());
        let measure = |net: &dyn Network, batch: &Batch, keys: &[usize]| {
            let mut clips: Vec<Listening> = keys.iter().map(|_| Listening::new(self.classes)).collect();
            let mut bad = None;
            net.logits(batch, &mut |row, logits| {
                let b = batch.dec.offsets.partition_point(|&o| o <= row) - 1;
                let position = batch.dec.positions[row] as usize;
                let normalizer = log_sum_exp(&logits[..competing]);
                if !normalizer.is_finite() {
                    bad = Some(normalizer as f32);
                }
                clips[b].hear(self.classes, position, logits, normalizer, sayable.clone());
            })?;
            bad.map_or(Ok(0.0), finite)?;
            Ok(clips.into_iter().map(Listening::end).collect())
        };
        let (samples, n) = (self.samples(&self.mask), self.known.len());
        packing::batches(self.s.net, samples, (0, n), watch, measure, |_, heard| all.push(heard))?;
        Ok(all)
    }
}

/// `log Σ exp` of a row of logits.
fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|x| f64::from((x - largest).exp())).sum();
    f64::from(largest) + sum.ln()
}
