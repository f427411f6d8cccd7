//! Verdicts where the truth is known: two recipes that are equal, or not, with 1, 2, 3 and 5 seeds a side; a model
//! that is as good as the strongest of several baselines, or not.

use super::{at_most, draw, normal, share};
use nano4m::metrics::estimate::{chance_p, mcnemar_p, paired_p};
use nano4m::metrics::{catalogue, Better, Clips, Metric, Standing};
use nano4m::report::comparison::{Contrast, Runs, Words};
use nano4m::rng::Stream;
use nano4m::stats::{auc, Bootstrap};
use rand::Rng;
use std::collections::BTreeMap;

const ALPHA: f64 = 0.05;
const METRIC: &str = "cross_entropy/x";
const CLIPS: usize = 60;
/// Of a trained model's mean, from seed to seed, nats per token.
const SEED: f64 = 0.1;
const NOISE: f64 = 0.2;

fn plan(s: u64) -> Bootstrap {
    Bootstrap { seed: s, replicates: 20, ..Bootstrap::default() }
}

fn recipe(d: &mut Stream, seeds: u64, hard: &[f64], mean: f64) -> Runs {
    let one = |d: &mut Stream| {
        let level = mean + SEED * normal(d);
        let score = |(c, hard): (usize, &f64)| (format!("c{c:04}"), (level + hard + NOISE * normal(d), 1.0));
        BTreeMap::from([(METRIC.to_string(), hard.iter().enumerate().map(score).collect::<Clips>())])
    };
    (0..seeds).map(|s| ([s; 4], one(d))).collect()
}

/// What `compare` says of two recipes whose means differ by `effect`.
fn words(which: u64, s: u64, seeds: u64, effect: f64) -> Words {
    let mut d = draw(which + seeds, s);
    let hard: Vec<f64> = (0..CLIPS).map(|_| normal(&mut d)).collect();
    let (a, b) = (recipe(&mut d, seeds, &hard, 5.0), recipe(&mut d, seeds, &hard, 5.0 + effect));
    let metric = catalogue::parse(METRIC).unwrap();
    let tested = Contrast::new(&[(&a, &b)], &metric).unwrap().tested(&plan(s));
    let difference = tested.estimate.ok().map(|e| e.value);
    Words::of_pair(Standing::new(Better::Lower, difference, tested.test.p.ok()), tested.seeds as u64)
}

/// With one seed most pairs of equal recipes are told apart: as models, which they are, and never as recipes.
#[test]
fn equal_recipes_of_one_seed_are_told_apart_as_models_only() {
    let n = 100;
    let found = share(n, |s| words(300, s, 1, 0.0).verdict.ends_with("better"));
    assert!(found > 0.4, "the fault that is guarded: {found}");
    for s in 0..n {
        let said = words(300, s, 1, 0.0);
        assert!(said.verdict.starts_with("model"), "{said:?}");
        assert_eq!(said.recipes, "one seed: not estimable");
    }
}

#[test]
fn equal_recipes_of_several_seeds_are_rarely_told_apart() {
    let n = 400;
    for seeds in [2, 3, 5] {
        let found = share(n, |s| words(310, s, seeds, 0.0).recipes.ends_with("better"));
        at_most(found, ALPHA, n);
    }
}

/// An effect of several deviations between seeds: found the more often the more seeds, and on the right side.
#[test]
fn a_better_recipe_is_found() {
    let n = 150;
    let found = |seeds| share(n, |s| words(320, s, seeds, 1.0).recipes == "a better");
    let [two, three, five] = [found(2), found(3), found(5)];
    assert!(two > 0.2 && three > 0.8 && five > 0.99, "{two} {three} {five}");
    assert!(two < three && three <= five);
    assert_eq!(found(1), 0.0);
    assert_eq!(share(n, |s| words(320, s, 3, 1.0).recipes == "b better"), 0.0);
}

/// Cross-entropies of one model and three baselines on the same clips: a record's metrics, as the summary gets them.
fn metrics(which: u64, s: u64, model: f64, baselines: [f64; 3]) -> Vec<Metric> {
    let mut d = draw(which, s);
    let hard: Vec<f64> = (0..CLIPS).map(|_| normal(&mut d)).collect();
    let mut source = |mean: f64| -> Clips {
        let score =
            |(c, hard): (usize, &f64)| (format!("c{c:04}"), (mean + hard + NOISE * normal(&mut d), 1.0));
        hard.iter().enumerate().map(score).collect()
    };
    let own = source(model);
    let mean = |clips: &Clips| clips.values().map(|c| c.0).sum::<f64>() / CLIPS as f64;
    let metric = |key: &str, value| Metric::new(&catalogue::parse(key).unwrap(), Some(value), CLIPS);
    let mut all = vec![metric(METRIC, mean(&own))];
    for (name, level) in ["position_marginal", "unigram_marginal", "uniform"].iter().zip(baselines) {
        let other = source(level);
        let p = paired_p(&[&other], &[&own], &plan(s));
        all.push(metric(&format!("{METRIC}/{name}"), mean(&other)).with_p(p));
    }
    all
}

fn standing(metrics: &[Metric]) -> (String, Standing) {
    let summary = nano4m::metrics::summary::summary(metrics);
    let against = summary.cross_entropies[0].against.clone().unwrap();
    (against.name, against.standing)
}

/// However weak the others are, and also where several are the strongest.
#[test]
fn a_model_as_good_as_the_strongest_baseline_is_not_called_better_or_worse() {
    let n = 200;
    for (case, baselines) in [(330, [5.0, 7.0, 9.0]), (331, [5.0, 5.0, 9.0]), (332, [5.0; 3])] {
        let found = share(n, |s| standing(&metrics(case, s, 5.0, baselines)).1.decided());
        at_most(found, ALPHA, n);
    }
}

#[test]
fn the_side_of_the_strongest_baseline_is_told() {
    let n = 100;
    let said = |model: f64, word: Standing| {
        share(n, |s| standing(&metrics(340, s, model, [5.0, 7.0, 9.0])) == ("position_marginal".into(), word))
    };
    assert!(said(4.8, Standing::Better) > 0.95);
    // Better than the unigram by far, and worse than the position's marginal.
    assert!(said(5.2, Standing::Worse) > 0.95);
}

/// Right or wrong: a classifier at the level of a constant answer, above chance, is not better than it.
#[test]
fn a_constant_answer_is_not_beaten_by_luck() {
    let n = 400;
    let classified = |s: u64, right: f64| {
        let mut d = draw(350, s);
        let mut clips = |p: f64| -> Clips {
            (0..200).map(|c| (format!("c{c:04}"), (f64::from(u8::from(d.gen_bool(p))), 1.0))).collect()
        };
        let (own, largest) = (clips(right), clips(0.3));
        let share = |clips: &Clips| 100.0 * clips.values().map(|c| c.0).sum::<f64>() / 200.0;
        let metric = |key: &str, value| Metric::new(&catalogue::parse(key).unwrap(), Some(value), 200);
        let key = "classification/a/caption_likelihood/top1";
        let all = [
            metric(key, share(&own)).with_chance(Ok(10.0), chance_p(&[&own], Ok(0.1))),
            metric(&format!("{key}/majority_class"), share(&largest)).with_p(mcnemar_p(&[&largest], &[&own])),
        ];
        nano4m::metrics::summary::summary(&all).others[0].against.clone().unwrap()
    };
    let equal = share(n, |s| classified(s, 0.3).standing.decided());
    at_most(equal, ALPHA, n);
    let named = share(n, |s| classified(s, 0.3).name == "majority_class");
    assert!(named > 0.99, "{named}");
    assert!(share(100, |s| classified(s, 0.55).standing == Standing::Better) > 0.95);
    assert!(share(100, |s| classified(s, 0.12).standing == Standing::Worse) > 0.95);
}

/// Losses of clips that were, or were not, in training.
#[test]
fn no_trace_of_memorization_is_found_where_there_is_none() {
    let n = 400;
    let found = |which, shift: f64| {
        share(n, |s| {
            let mut d = draw(which, s);
            let mut group = |shift: f64, n: usize| (0..n).map(|_| shift + normal(&mut d)).collect::<Vec<_>>();
            auc::test(&group(shift, 30), &group(0.0, 40), s, 299).unwrap() <= ALPHA
        })
    };
    at_most(found(360, 0.0), ALPHA, n);
    assert!(found(361, 1.0) > 0.9);
}
