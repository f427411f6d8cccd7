//! Features of all clips, the classifiers fitted to them, and their rows.

use super::discriminant::{Centred, Classifier, Features};
use crate::batch::Batch;
use crate::data::{Part, Split};
use crate::fault::Result;
use crate::masking;
use crate::metrics::linear_probe::LinearProbeRow;
use crate::metrics::source;
use crate::model::network::Inference;
use crate::observer::ProbeObserver;
use crate::probes::evaluation::Evaluation;
use crate::probes::majority::by_frequency;
use crate::probes::packing::{batches, finite, Sample};
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;

/// Shrinkages tried, the strongest first.
const SHRINKAGES: [f64; 8] = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001];

/// Clips of a split whose class was seen in training, and their labels.
struct Labelled {
    clips: Vec<usize>,
    labels: Vec<usize>,
}

/// The three splits, by role.
struct Splits {
    classes: Vec<String>,
    parts: [Labelled; 3],
    /// Test clips whose class has no training clip: wrong, whatever is answered.
    untrained: Vec<usize>,
}

/// Rows of every set of inputs: the probe and its two controls on each test clip. Nothing, with a note why,
/// when the data has fewer than two classes or the features do not differ.
pub fn measure(
    evaluation: &Evaluation,
    untrained: &dyn Inference,
    sets: &[Vec<String>],
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<LinearProbeRow>> {
    let Some(splits) = splits(evaluation, observer) else { return Ok(Vec::new()) };
    let clips: usize = splits.parts.iter().map(|p| p.clips.len()).sum();
    let total = 2 * sets.len() * clips;
    let mut rows = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let inputs = evaluation.indices(set)?;
        for (j, net) in [evaluation.net, untrained].into_iter().enumerate() {
            let from = (2 * i + j) * clips;
            let features = features(evaluation, net, &splits, &inputs, (from, total), observer)?;
            let controls: &[&str] = if j == 0 { &["none", "shuffled_labels"] } else { &["random_weights"] };
            match probe(evaluation, &splits, &inputs, features, controls) {
                Some(found) => {
                    if j == 0 {
                        rows.extend(majority(&splits, &found));
                    }
                    rows.extend(found);
                }
                None => observer.note(&format!(
                    "{}: not estimable from {}: the encoder's output is the same for every clip",
                    controls.join(" and "),
                    set.join("+")
                )),
            }
        }
    }
    Ok(rows)
}

/// Classes of the training split, and the clips that have one of them.
fn splits(evaluation: &Evaluation, observer: &mut dyn ProbeObserver) -> Option<Splits> {
    let train = evaluation.data.split(Part::Train);
    let trained = |class: &&String| (0..train.len()).any(|clip| train.label(clip) == class.as_str());
    let classes: Vec<String> = evaluation.data.classes().iter().filter(trained).cloned().collect();
    let labelled = |split: &Split| {
        let class = |clip: &usize| classes.iter().position(|c| c == split.label(*clip));
        let (clips, labels) = (0..split.len()).filter_map(|clip| Some((clip, class(&clip)?))).unzip();
        Labelled { clips, labels }
    };
    let parts = Part::ALL.map(|part| labelled(evaluation.data.split(part)));
    let tested = parts[Part::Test as usize].clips.len();
    if classes.len() < 2 || tested == 0 {
        observer.note(&format!(
            "not estimable: {} classes in the training split, {tested} test clips of them; `data.labels` says \
             where classes come from",
            classes.len()
        ));
        return None;
    }
    let test = evaluation.data.split(Part::Test);
    let known = &parts[Part::Test as usize].clips;
    let untrained: Vec<usize> = (0..test.len())
        .filter(|clip| !test.label(*clip).is_empty() && known.binary_search(clip).is_err())
        .collect();
    if !untrained.is_empty() {
        let (n, of) = (untrained.len(), test.len());
        observer.note(&format!("{n} of {of} test clips count as wrong: their class has no training clip"));
    }
    if tested + untrained.len() < test.len() {
        let n = test.len() - tested - untrained.len();
        observer.note(&format!("{n} of {} test clips have no class and are left out", test.len()));
    }
    Some(Splits { classes, parts, untrained })
}

/// Mean encoder output of every clip: train, validation, test.
fn features(
    evaluation: &Evaluation,
    net: &dyn Inference,
    splits: &Splits,
    inputs: &[usize],
    (from, total): (usize, usize),
    observer: &mut dyn ProbeObserver,
) -> Result<[Features; 3]> {
    let dim = net.config().dim;
    let mask = masking::direction(evaluation.data.modalities(), inputs, &[]);
    let mut all: [Features; 3] = std::array::from_fn(|_| Features { dim, values: Vec::new() });
    let samples = Part::ALL.into_iter().flat_map(|part| {
        let (split, mask) = (evaluation.data.split(part), &mask);
        let sample = move |&clip: &usize| Sample::new(part, split.sample(clip, 0), mask.clone());
        splits.parts[part as usize].clips.iter().map(sample)
    });
    let measure = |net: &dyn Inference, batch: &Batch, _: &[Part]| {
        let encoded = net.encode(&batch.enc)?; // [T, D]
        let spans = batch.enc.offsets.windows(2);
        spans.map(|w| mean(encoded[w[0] * dim..w[1] * dim].chunks_exact(dim), dim)).collect()
    };
    let keep = |part: Part, mean: Vec<f64>| all[part as usize].values.extend(mean);
    batches(net, samples, (from, total), observer, measure, keep)?;
    Ok(all)
}

fn mean<'a>(tokens: impl ExactSizeIterator<Item = &'a [f32]>, dim: usize) -> Result<Vec<f64>> {
    let n = tokens.len() as f64;
    let mut sum = vec![0.0; dim];
    for token in tokens {
        for (sum, &x) in sum.iter_mut().zip(token) {
            *sum += f64::from(finite(x)?);
        }
    }
    sum.iter_mut().for_each(|x| *x /= n);
    Ok(sum)
}

/// Fits and measures each control on the same features; `None` when they do not differ.
fn probe(
    evaluation: &Evaluation,
    splits: &Splits,
    inputs: &[usize],
    [train, validation, test]: [Features; 3],
    controls: &[&str],
) -> Option<Vec<LinearProbeRow>> {
    let centred = Centred::new(train)?;
    let names = evaluation.joined(inputs);
    let mut rows = Vec::new();
    for &control in controls {
        let mut labels = [Part::Train, Part::Eval].map(|part| splits.parts[part as usize].labels.clone());
        if control == "shuffled_labels" {
            for (i, labels) in labels.iter_mut().enumerate() {
                let key = [1 + i as u64];
                labels.shuffle(&mut stream(evaluation.experiment.seeds.probes, Purpose::LinearProbe, &key));
            }
        }
        let classifier = select(&centred, &labels[0], (&validation, &labels[1]), splits.classes.len())?;
        let all = evaluation.data.split(Part::Test);
        let row = |clip: usize, predicted: Option<usize>| LinearProbeRow {
            clip: all.stem(clip).into(),
            inputs: names.clone(),
            control: control.into(),
            true_class: all.label(clip).into(),
            predicted_class: predicted.map(|c| splits.classes[c].clone()).unwrap_or_default(),
            classes: splits.classes.len() as u32,
        };
        let clips = &splits.parts[Part::Test as usize].clips;
        rows.extend(test.rows().zip(clips).map(|(x, &clip)| row(clip, classifier.predict(x))));
        rows.extend(splits.untrained.iter().map(|&clip| row(clip, None)));
    }
    Some(rows)
}

/// The largest class of training as the answer to every clip that the probe answered.
fn majority(splits: &Splits, rows: &[LinearProbeRow]) -> Vec<LinearProbeRow> {
    let largest = by_frequency(&splits.parts[Part::Train as usize].labels, splits.classes.len())[0];
    let answer = |row: &LinearProbeRow| LinearProbeRow {
        control: source::MAJORITY.into(),
        predicted_class: splits.classes[largest].clone(),
        ..row.clone()
    };
    rows.iter().filter(|row| row.control == "none").map(answer).collect()
}

/// The classifier with the most hits on the validation split; the most shrunken of equals.
fn select(
    centred: &Centred,
    labels: &[usize],
    (validation, truth): (&Features, &[usize]),
    classes: usize,
) -> Option<Classifier> {
    let mut best: Option<(usize, Classifier)> = None;
    for shrinkage in SHRINKAGES {
        let Some(classifier) = centred.fit(labels, classes, shrinkage) else { continue };
        let hits = classifier.hits(validation, truth);
        if best.as_ref().is_none_or(|(most, _)| hits > *most) {
            best = Some((hits, classifier));
        }
    }
    best.map(|(_, classifier)| classifier)
}
