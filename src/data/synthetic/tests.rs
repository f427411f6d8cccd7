//! The generator does what it says, and the optimum is the truth about it.

use super::*;
use crate::batch::SampleMask;
use crate::data::{Dataset, Part};
use crate::manifest::schema::{PerModality, Synthetic};
use crate::masking;
use crate::modality::Modality;
use statrs::distribution::{Binomial, DiscreteCDF};
use std::collections::BTreeMap;

fn modality(text: &str) -> Modality {
    ron::from_str(text).unwrap()
}

fn two(vocab: usize) -> Vec<Modality> {
    let of = |name, length| modality(&format!("(name: {name:?}, length: {length}, vocab: {vocab})"));
    vec![of("a", 6), of("b", 4)]
}

fn spec(strength: f64) -> Synthetic {
    Synthetic { seed: 5, classes: 3, clips: (4000, 10, 20), rows: 1, strength: PerModality::All(strength) }
}

fn made(spec: &Synthetic, modalities: &[Modality]) -> (Source, Dataset) {
    let data = generate(spec, modalities).unwrap();
    (Source::of(spec, &data).unwrap(), data)
}

/// All samples of the training split with their class.
fn samples<'a>(source: &Source, data: &'a Dataset) -> Vec<(usize, Vec<&'a [u32]>)> {
    let train = data.split(Part::Train);
    (0..train.len()).map(|i| (source.class(train.label(i)).unwrap(), train.sample(i, 0))).collect()
}

/// Mean and its standard error.
fn estimate(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (var / n).sqrt())
}

fn assert_agrees(values: &[f64], truth: f64) {
    let (mean, error) = estimate(values);
    assert!((mean - truth).abs() < 4.0 * error + 1e-12, "{mean} ± {error}, expected {truth}");
}

fn mask(input: [&[u32]; 2], target: [&[u32]; 2]) -> SampleMask {
    SampleMask { input: input.map(<[u32]>::to_vec).to_vec(), target: target.map(<[u32]>::to_vec).to_vec() }
}

/// −Σ p ln p for a token whose class is known.
fn known(strength: f64, vocab: f64) -> f64 {
    let (hit, miss) = (strength + (1.0 - strength) / vocab, (1.0 - strength) / vocab);
    -hit * hit.ln() - if miss > 0.0 { (vocab - 1.0) * miss * miss.ln() } else { 0.0 }
}

#[test]
fn the_dataset_is_a_function_of_the_manifest() {
    let hash = |spec: &Synthetic| generate(spec, &two(8)).unwrap().hash;
    assert_eq!(hash(&spec(0.5)), hash(&spec(0.5)));
    assert_ne!(hash(&spec(0.5)), hash(&Synthetic { seed: 6, ..spec(0.5) }));
    assert_ne!(hash(&spec(0.5)), hash(&spec(0.6)));
}

#[test]
fn a_clip_depends_on_its_split_and_number_only() {
    let (_, large) = made(&spec(0.5), &two(8));
    let (_, small) = made(&Synthetic { clips: (3, 2, 2), ..spec(0.5) }, &two(8));
    for part in Part::ALL {
        for clip in 0..2 {
            assert_eq!(large.split(part).sample(clip, 0), small.split(part).sample(clip, 0));
        }
    }
    assert_ne!(large.split(Part::Train).sample(0, 0), large.split(Part::Test).sample(0, 0));
    assert_eq!(
        (small.split(Part::Train).stem(0), small.split(Part::Test).stem(1)),
        ("syn_000001", "syn_000007")
    );
}

#[test]
fn rows_share_the_class_and_nothing_else() {
    let (_, data) = made(&Synthetic { rows: 3, ..spec(0.9) }, &two(64));
    let train = data.split(Part::Train);
    assert_eq!(train.rows(0), 3);
    let same = |a: &[u32], b: &[u32]| a.iter().zip(b).filter(|(x, y)| x == y).count() as f64 / a.len() as f64;
    let agreement: Vec<f64> = (0..500).map(|i| same(train.tokens(i, 0, 0), train.tokens(i, 0, 2))).collect();
    // both show the prototype, or fall on the same id by chance
    let p = 0.9f64.powi(2) + (1.0 - 0.9f64.powi(2)) / 64.0;
    assert_agrees(&agreement, p);
}

#[test]
fn classes_are_uniform_and_prototypes_show_as_often_as_said() {
    let (source, data) = made(&spec(0.3), &two(8));
    let samples = samples(&source, &data);
    for class in 0..3 {
        let of: Vec<f64> = samples.iter().map(|(c, _)| f64::from(*c == class)).collect();
        assert_agrees(&of, 1.0 / 3.0);
    }
    let prototypes = &source.channels[1].prototypes;
    let hits = |(c, s): &(usize, Vec<&[u32]>)| f64::from(s[1][2] == prototypes[*c][2]);
    assert_agrees(&samples.iter().map(hits).collect::<Vec<_>>(), 0.3 + 0.7 / 8.0);
}

#[test]
fn without_strength_nothing_is_known() {
    let (source, data) = made(&spec(0.0), &two(8));
    let whole = masking::direction(&two(8), &[0], &[1]);
    for (_, sample) in samples(&source, &data).iter().take(50) {
        let posterior = source.posterior(sample, &whole.input).unwrap();
        assert!((source.expected_accuracy(&posterior, 1) - source.chance_accuracy(1)).abs() < 1e-12);
        let ce = source.cross_entropy(sample, &whole).unwrap();
        assert!((ce[1] - 4.0 * 8f64.ln()).abs() < 1e-12 && ce[0] == 0.0);
    }
    for optimum in [
        source.position_marginal_cross_entropy(0),
        source.unigram_marginal_cross_entropy(0),
        source.known_class_cross_entropy(0),
    ] {
        assert!((optimum - source.chance_cross_entropy(0)).abs() < 1e-12);
    }
}

#[test]
fn at_full_strength_an_informative_context_tells_everything() {
    let (source, data) = made(&spec(1.0), &two(64));
    let whole = masking::direction(&two(64), &[0], &[1]);
    for (class, sample) in samples(&source, &data).iter().take(50) {
        let posterior = source.posterior(sample, &whole.input).unwrap();
        assert_eq!((source.classify(&posterior), source.expected_accuracy(&posterior, 1)), (*class, 1.0));
        assert_eq!(source.cross_entropy(sample, &whole).unwrap(), [0.0, 0.0]);
        // nothing seen: one of three prototypes
        let blind = source.cross_entropy(sample, &mask([&[], &[]], [&[0], &[]])).unwrap();
        assert!((blind[0] - 3f64.ln()).abs() < 1e-12);
    }
    assert_eq!(source.known_class_cross_entropy(0), 0.0);
    assert!((source.position_marginal_cross_entropy(0) - 3f64.ln()).abs() < 1e-12);
}

#[test]
fn much_context_reaches_the_entropy_of_a_known_class() {
    let long = vec![
        modality(r#"(name: "a", length: 400, vocab: 16)"#),
        modality(r#"(name: "b", length: 4, vocab: 16)"#),
    ];
    let (source, data) = made(&spec(0.4), &long);
    assert!((source.known_class_cross_entropy(1) - known(0.4, 16.0)).abs() < 1e-12);
    let whole = masking::direction(&long, &[0], &[1]);
    let ce: Vec<f64> = samples(&source, &data)
        .iter()
        .map(|(_, s)| source.cross_entropy(s, &whole).unwrap()[1] / 4.0)
        .collect();
    assert_agrees(&ce, known(0.4, 16.0));
}

/// Nothing but the mean of the generated data against the closed forms without context.
#[test]
fn marginals_are_what_the_data_gives() {
    let (source, data) = made(&spec(0.6), &two(5));
    let samples = samples(&source, &data);
    let blind = mask([&[], &[]], [&[0, 1, 2, 3, 4, 5], &[]]);
    let ce: Vec<f64> =
        samples.iter().map(|(_, s)| source.cross_entropy(s, &blind).unwrap()[0] / 6.0).collect();
    assert_agrees(&ce, source.position_marginal_cross_entropy(0));
    // the plug-in entropy of 24,000 tokens has a bias of (V − 1) / 2n = 1e-4
    let mut counts = BTreeMap::new();
    samples.iter().flat_map(|(_, s)| s[0]).for_each(|id| *counts.entry(*id).or_insert(0.0) += 1.0);
    let n: f64 = counts.values().sum();
    let entropy: f64 = counts.values().map(|c| -(c / n) * (c / n).ln()).sum();
    assert!((entropy - source.unigram_marginal_cross_entropy(0)).abs() < 0.01);
    let order = [
        source.known_class_cross_entropy(0),
        source.position_marginal_cross_entropy(0),
        source.unigram_marginal_cross_entropy(0),
        source.chance_cross_entropy(0),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

/// H(target | two seen tokens), summed over all 9 values of the context: independent of `posterior`.
#[test]
fn the_optimum_agrees_with_a_full_enumeration() {
    let (source, data) = made(&spec(0.5), &two(3));
    let p = |class: usize, modality: usize, position: usize, id: u32| {
        let prototype = source.channels[modality].prototypes[class][position];
        f64::from(prototype == id) * 0.5 + 0.5 / 3.0
    };
    let mut truth = 0.0;
    for (x, y) in (0..3).flat_map(|x| (0..3).map(move |y| (x, y))) {
        let context: Vec<f64> = (0..3).map(|c| p(c, 0, 1, x) * p(c, 1, 3, y) / 3.0).collect();
        for z in 0..3 {
            let joint: f64 = (0..3).map(|c| context[c] * p(c, 0, 4, z)).sum();
            truth -= joint * (joint / context.iter().sum::<f64>()).ln();
        }
    }
    let mask = mask([&[1], &[3]], [&[4], &[]]);
    let samples = samples(&source, &data);
    let realized: Vec<f64> =
        samples.iter().map(|(_, s)| source.cross_entropy(s, &mask).unwrap()[0]).collect();
    assert_agrees(&realized, truth);
    let expected =
        |s: &[&[u32]]| source.expected_cross_entropy(&source.posterior(s, &mask.input).unwrap(), 0, 4);
    assert_agrees(&samples.iter().map(|(_, s)| expected(s)).collect::<Vec<_>>(), truth);
}

/// Of the clips whose class is given probability p, the share p is of that class.
#[test]
fn the_posterior_is_calibrated() {
    let (source, data) = made(&spec(0.3), &two(8));
    let seen = [vec![0, 1, 2], vec![0, 1]];
    let mut bins = [(0.0, 0u64, 0u64); 10];
    for (class, sample) in samples(&source, &data) {
        let posterior = source.posterior(&sample, &seen).unwrap();
        let bin = &mut bins[((posterior[0] * 10.0) as usize).min(9)];
        *bin = (bin.0 + posterior[0], bin.1 + u64::from(class == 0), bin.2 + 1);
    }
    assert!(bins.iter().filter(|b| b.2 > 50).count() >= 4, "posteriors vary: {bins:?}");
    for (sum, hits, n) in bins.into_iter().filter(|b| b.2 > 0) {
        let binomial = Binomial::new(sum / n as f64, n).unwrap();
        let tail = binomial.cdf(hits).min(1.0 - if hits > 0 { binomial.cdf(hits - 1) } else { 0.0 });
        assert!(tail > 0.0005, "{hits} of {n}, expected {sum}");
    }
}

#[test]
fn the_accuracy_of_the_best_classifier_is_as_expected() {
    let (source, data) = made(&spec(0.3), &two(8));
    let seen = [vec![0, 1, 2], vec![]];
    for k in 1..=3 {
        let difference = |(class, sample): &(usize, Vec<&[u32]>)| {
            let posterior = source.posterior(sample, &seen).unwrap();
            let rank = posterior.iter().filter(|p| **p > posterior[*class]).count();
            let ties = posterior.iter().filter(|p| **p == posterior[*class]).count();
            // of equals, as many as fit are taken
            let hit = ((k as f64 - rank as f64) / ties as f64).clamp(0.0, 1.0);
            hit - source.expected_accuracy(&posterior, k)
        };
        assert_agrees(&samples(&source, &data).iter().map(difference).collect::<Vec<_>>(), 0.0);
    }
}

#[test]
fn token_accuracy_is_that_of_the_most_likely_id() {
    let (source, data) = made(&spec(0.5), &two(8));
    let seen = [vec![0, 1, 2, 3, 4, 5], vec![]];
    let difference = |(_, sample): &(usize, Vec<&[u32]>)| {
        let posterior = source.posterior(sample, &seen).unwrap();
        let p = |id| source.probability(&posterior, 1, 2, id);
        assert!(((0..8).map(p).sum::<f64>() - 1.0).abs() < 1e-12);
        let best = (0..8).fold(0, |best, id| if p(id) > p(best) { id } else { best });
        f64::from(sample[1][2] == best) - source.expected_token_accuracy(&posterior, 1, 2)
    };
    assert_agrees(&samples(&source, &data).iter().map(difference).collect::<Vec<_>>(), 0.0);
}

#[test]
fn captions_name_the_class() {
    let mut modalities = two(8);
    modalities.push(modality(r#"(name: "caption", length: 4, vocab: 8, text: Some(Words))"#));
    let (source, data) = made(&Synthetic { rows: 2, ..spec(0.0) }, &modalities);
    let train = data.split(Part::Train);
    assert_eq!(
        (train.captions(0), data.classes()),
        (&vec![train.label(0).to_string(); 2][..], source.classes())
    );
    assert_eq!(data.text(2).unwrap().decode(train.tokens(0, 2, 1)), train.label(0));
    let whole = masking::direction(&modalities, &[2], &[0]);
    let posterior = source.posterior(&train.sample(0, 0), &whole.input).unwrap();
    assert_eq!(source.classify(&posterior), source.class(train.label(0)).unwrap());
    assert_eq!(source.expected_accuracy(&posterior, 1), 1.0);
    // [SOS], [EOS] and [PAD] are certain; the name is one of three
    assert!((source.position_marginal_cross_entropy(2) - 3f64.ln() / 4.0).abs() < 1e-12);
}

#[test]
fn what_no_class_could_make_has_no_posterior() {
    let (source, _) = made(&spec(1.0), &two(64));
    let foreign = (0..64).find(|id| source.channels[0].prototypes.iter().all(|p| p[0] != *id)).unwrap();
    let sample: [&[u32]; 2] = [&[foreign; 6], &[0; 4]];
    assert_eq!(source.posterior(&sample, &[vec![0], vec![]]), None);
    assert_eq!(source.cross_entropy(&sample, &mask([&[0], &[]], [&[1], &[]])), None);
}

#[test]
fn strengths_are_taken_by_name() {
    let strength = PerModality::Each(BTreeMap::from([("a".to_string(), 0.25)]));
    let source = Source::new(&Synthetic { strength, ..spec(0.0) }, &two(8)).unwrap();
    assert_eq!(source.channels.iter().map(|c| c.strength).collect::<Vec<_>>(), [0.25, 0.9]);
}

#[test]
fn many_classes_sort_by_number() {
    let source = Source::new(&Synthetic { classes: 101, ..spec(0.5) }, &two(8)).unwrap();
    assert_eq!((source.classes()[7].as_str(), source.classes()[100].as_str()), ("c007", "c100"));
    assert!(source.classes().is_sorted());
}

#[test]
fn nonsense_is_refused() {
    let at = |spec| generate(&spec, &two(8)).err().unwrap().place.unwrap();
    assert_eq!(at(Synthetic { classes: 0, ..spec(0.5) }), "data.synthetic.classes");
    assert_eq!(at(Synthetic { rows: 0, ..spec(0.5) }), "data.synthetic.rows");
    assert_eq!(at(Synthetic { clips: (1_000_000, 0, 0), ..spec(0.5) }), "data.synthetic.clips");
    assert_eq!(at(Synthetic { clips: (usize::MAX, 1, 0), ..spec(0.5) }), "data.synthetic.clips");
    assert_eq!(at(spec(1.5)), "data.synthetic.strength");
    assert_eq!(at(spec(f64::NAN)), "data.synthetic.strength");
}
