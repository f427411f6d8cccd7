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

use super::class_texts::Classes;
use super::control::partners;
use super::packing::{self, finite, Sample};
use super::{indices, joined, Subject, Watch};
use crate::data::{Part, Split};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Softmax;
use crate::masking::{self, SampleMask};
use crate::model::network::Scope;
use crate::record::examples::{source, Classification};

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
        rows.extend(pass.all(source::MODEL, |i| known[i].0, watch)?);
        if let Some(other) = partners(known.len(), s.experiment.seeds.probes, 0) {
            rows.extend(pass.all(source::SHUFFLED, |i| known[other[i]].0, watch)?);
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

/// What a pass over the whole caption gives for one clip.
struct Heard {
    /// Score of every class.
    scores: Vec<f64>,
    /// Most likely id of text at every position.
    said: Vec<u32>,
}

impl Pass<'_> {
    /// All methods; the input of known clip i is that of clip `input(i)`.
    fn all(
        &self,
        source: &str,
        input: impl Fn(usize) -> usize,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Classification>> {
        let mut rows = Vec::new();
        let keys = [
            ("as_trained", self.classes.keys_as_trained()),
            ("leading_space", self.classes.keys_leading_space()),
        ];
        for (kind, keys) in keys {
            let Some(keys) = keys else { continue };
            let scores = self.key_scores(&keys, &input, watch)?;
            rows.extend(self.ranked(&format!("logit_rank_{kind}"), source, &scores, &keys, watch));
        }
        let heard = self.captions(&input, watch)?;
        let scores: Vec<Vec<f64>> = heard.iter().map(|h| h.scores.clone()).collect();
        rows.extend(self.ranked("caption_likelihood", source, &scores, &[], watch));
        if let Some(scores) = minus_prior(&scores) {
            rows.extend(self.ranked("caption_likelihood_minus_prior", source, &scores, &[], watch));
        }
        rows.extend(heard.iter().enumerate().map(|(i, h)| {
            let named = self.classes.named_in(&self.classes.vocabulary.decode(&h.said));
            Classification {
                predicted_class: named.map_or(String::new(), |c| self.classes.names[c].into()),
                ..self.row(i, "sequence_decode", source)
            }
        }));
        Ok(rows)
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

    fn samples<'b>(
        &'b self,
        mask: &'b SampleMask,
        input: &'b impl Fn(usize) -> usize,
    ) -> impl Iterator<Item = Sample<'b, usize>> + 'b {
        (0..self.known.len()).map(move |i| Sample {
            key: i,
            inputs: self.split.sample(input(i), 0),
            targets: self.split.sample(self.known[i].0, 0),
            mask: mask.clone(),
        })
    }

    /// Log-probability of every class's key at caption position 1.
    fn key_scores(
        &self,
        keys: &[u32],
        input: &impl Fn(usize) -> usize,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Vec<f64>>> {
        let mut mask = self.mask.clone();
        mask.target[self.classes.caption] = vec![1];
        let scope = Scope::from(self.s.experiment.model.softmax);
        let mut scores = Vec::with_capacity(self.known.len());
        packing::batches(self.samples(&mask, input), (0, self.known.len()), watch, |batch, _| {
            for row in self.s.net.log_probs(batch, scope, keys)? {
                scores.push(row.into_iter().map(|x| finite(x).map(f64::from)).collect::<Result<_>>()?);
            }
            Ok(())
        })?;
        Ok(scores)
    }

    /// Scores of whole captions, and the most likely ids.
    fn captions(&self, input: &impl Fn(usize) -> usize, watch: &mut dyn Watch) -> Result<Vec<Heard>> {
        let modality = &self.s.experiment.modalities[self.classes.caption];
        let competing = match self.s.experiment.model.softmax {
            Softmax::Unified => self.s.net.config().vocab(),
            Softmax::Restricted => modality.vocab,
        };
        let sayable = self.classes.vocabulary.sayable();
        let mut all: Vec<Heard> = Vec::with_capacity(self.known.len());
        packing::batches(self.samples(&self.mask, input), (0, self.known.len()), watch, |batch, keys| {
            let mut clips: Vec<Listening> = keys.iter().map(|_| Listening::new(self.classes)).collect();
            let mut bad = None;
            self.s.net.logits(batch, &mut |row, logits| {
                let b = batch.dec.offsets.partition_point(|&o| o <= row) - 1;
                let position = batch.dec.positions[row] as usize;
                let normalizer = log_sum_exp(&logits[..competing]);
                if !normalizer.is_finite() {
                    bad = Some(normalizer as f32);
                }
                clips[b].hear(self.classes, position, logits, normalizer, sayable.clone());
            })?;
            bad.map_or(Ok(0.0), finite)?;
            all.extend(clips.into_iter().map(Listening::end));
            Ok(())
        })?;
        Ok(all)
    }
}

/// Log-likelihood of every caption of every class, position after position.
struct Listening {
    captions: Vec<Vec<f64>>,
    said: Vec<u32>,
}

impl Listening {
    fn new(classes: &Classes) -> Listening {
        Listening { captions: classes.ids.iter().map(|texts| vec![0.0; texts.len()]).collect(), said: vec![] }
    }

    fn hear(
        &mut self,
        classes: &Classes,
        position: usize,
        logits: &[f32],
        normalizer: f64,
        sayable: std::ops::Range<u32>,
    ) {
        for (sums, texts) in self.captions.iter_mut().zip(&classes.ids) {
            for (sum, ids) in sums.iter_mut().zip(texts) {
                *sum += f64::from(logits[ids[position] as usize]) - normalizer;
            }
        }
        let better = |best: u32, id: u32| if logits[id as usize] > logits[best as usize] { id } else { best };
        self.said.push(sayable.clone().fold(sayable.start, better));
    }

    fn end(self) -> Heard {
        let scores = self.captions.iter().map(|texts| log_sum_exp_wide(texts)).collect();
        Heard { scores, said: self.said }
    }
}

/// Rank of `truth` (0 is best) and the best class; `None` where all scores are equal. A tie counts
/// against `truth`, unless both classes have the same of the `keys` and `truth` comes first.
fn rank(scores: &[f64], truth: usize, keys: &[u32]) -> Option<(u32, usize)> {
    if scores.iter().all(|s| *s == scores[0]) {
        return None;
    }
    let behind = |c: usize| c > truth && !keys.is_empty() && keys[c] == keys[truth];
    let ahead: Vec<usize> =
        (0..scores.len()).filter(|&c| c != truth && scores[c] >= scores[truth] && !behind(c)).collect();
    let best = ahead.iter().copied().reduce(|best, c| if scores[c] > scores[best] { c } else { best });
    Some((ahead.len() as u32, best.unwrap_or(truth)))
}

/// `scores[i][c]` minus the log of its mean likelihood on the other clips; `None` for a single clip.
fn minus_prior(scores: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    if scores.len() < 2 {
        return None;
    }
    let prior = |i: usize, c: usize| {
        let others: Vec<f64> = (0..scores.len()).filter(|&j| j != i).map(|j| scores[j][c]).collect();
        log_sum_exp_wide(&others) - (others.len() as f64).ln()
    };
    let one = |(i, of): (usize, &Vec<f64>)| of.iter().enumerate().map(|(c, s)| s - prior(i, c)).collect();
    Some(scores.iter().enumerate().map(one).collect())
}

fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|x| f64::from((x - largest).exp())).sum();
    f64::from(largest) + sum.ln()
}

fn log_sum_exp_wide(row: &[f64]) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::testing::{self, Silent, Ticks};

    fn sets() -> Vec<Vec<String>> {
        vec![vec!["a@8".into()], vec!["b@6".into(), "a@8".into()]]
    }

    fn caption() -> Vec<String> {
        vec!["{caption}".into()]
    }

    #[test]
    fn ties_count_against_the_model() {
        assert_eq!(rank(&[1.0, 3.0, 2.0], 1, &[]), Some((0, 1)));
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1, &[]), Some((1, 2)));
        assert_eq!(rank(&[3.0, 3.0, 1.0], 2, &[]), Some((2, 0)));
        assert_eq!(rank(&[2.0; 3], 1, &[]), None);
        // Different keys tie by chance, one key by construction.
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1, &[7, 8, 9]), Some((1, 2)));
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1, &[7, 8, 8]), Some((0, 1)));
        assert_eq!(rank(&[1.0, 3.0, 3.0], 2, &[7, 8, 8]), Some((1, 1)));
    }

    #[test]
    fn a_class_that_is_likely_everywhere_loses_its_prior() {
        let scores = vec![vec![-1.0, -5.0], vec![-1.0, -9.0], vec![-1.0, -9.0]];
        let without = minus_prior(&scores).unwrap();
        assert_eq!(rank(&scores[0], 1, &[]), Some((1, 0)));
        assert_eq!(rank(&without[0], 1, &[]), Some((0, 1)));
        assert!((without[0][1] - 4.0).abs() < 1e-12 && without[0][0].abs() < 1e-12, "{without:?}");
        assert_eq!(minus_prior(&scores[..1]), None);
    }

    #[test]
    fn every_method_and_source_for_every_clip() {
        let bench = testing::bench(9, true);
        let rows = measure(&bench.subject(), &sets(), &caption(), &mut Silent).unwrap();
        let methods = [
            "logit_rank_as_trained",
            "caption_likelihood",
            "caption_likelihood_minus_prior",
            "sequence_decode",
        ];
        for inputs in ["a@8", "a@8+b@6"] {
            for method in methods {
                for source in ["model", "shuffled_input"] {
                    let of = rows.iter().filter(|r| {
                        (r.inputs.as_str(), r.method.as_str(), r.source.as_str()) == (inputs, method, source)
                    });
                    assert_eq!(of.count(), 9, "{inputs} {method} {source}");
                }
            }
        }
        assert_eq!(rows.len(), 2 * 4 * 2 * 9);
        assert!(rows.iter().all(|r| r.classes == 3 && r.true_rank.is_none_or(|k| k < 3)));
    }

    /// The score of a whole caption is its cross-entropy, and the true caption's is what `score` gives.
    #[test]
    fn a_caption_scores_its_own_likelihood() {
        let bench = testing::bench(5, true);
        let rows = measure(&bench.subject(), &sets()[..1], &caption(), &mut Silent).unwrap();
        let own = rows.iter().filter(|r| r.method == "caption_likelihood" && r.source == "model");
        let mask = masking::direction(&bench.experiment.modalities, &[0], &[2]);
        let split = bench.data.split(Part::Test);
        for (clip, row) in own.enumerate() {
            let mut ce = 0.0;
            let sample = std::iter::once(Sample::new((), split.sample(clip, 0), mask.clone()));
            packing::score(bench.net.as_ref(), Scope::Unified, sample, 1, &mut Silent, |_, sums| {
                ce = sums[2].ce_nats;
            })
            .unwrap();
            assert!((row.true_logp.unwrap() + ce).abs() < 1e-4, "{row:?} {ce}");
        }
    }

    #[test]
    fn equal_scores_have_no_rank() {
        let bench = testing::bench(6, false);
        let mut ticks = Ticks::default();
        let rows = measure(&bench.subject(), &sets()[..1], &caption(), &mut ticks).unwrap();
        assert!(rows.iter().all(|r| r.method == "sequence_decode"), "{rows:?}");
        assert!(ticks.1[0].contains("all classes score the same on 6 of 6 clips"), "{:?}", ticks.1);
    }

    #[test]
    fn bad_input_is_named() {
        let bench = testing::bench(6, true);
        let of = |set: &str| measure(&bench.subject(), &[vec![set.into()]], &caption(), &mut Silent);
        assert_eq!(of("scene_desc").unwrap_err().what, "the caption is both input and target");
        assert!(of("tok_c").unwrap_err().what.contains("`tok_c`"));
        let broken = testing::broken();
        let fault = measure(&broken.subject(), &sets(), &caption(), &mut Silent).unwrap_err();
        assert_eq!(fault.what, "the network's output is not a number");
        let one = testing::bench(1, true);
        let rows = measure(&one.subject(), &sets()[..1], &caption(), &mut Silent).unwrap();
        assert!(rows.iter().all(|r| r.source == "model" && r.method != "caption_likelihood_minus_prior"));
    }
}
