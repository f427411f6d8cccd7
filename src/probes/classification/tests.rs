use super::measure;
use crate::data::Part;
use crate::masking;
use crate::model::network::Softmax;
use crate::observer::Silent;
use crate::probes::packing::{self, Sample};
use crate::probes::testing::{self, Ticks};

fn sets() -> Vec<Vec<String>> {
    vec![vec!["a@8".into()], vec!["b@6".into(), "a@8".into()]]
}

fn caption() -> Vec<String> {
    vec!["{caption}".into()]
}

#[test]
fn every_method_and_source_for_every_clip() {
    let bench = testing::bench(9, true);
    let rows = measure(&bench.evaluation(), &sets(), &caption(), &mut Silent).unwrap();
    let methods =
        ["logit_rank_as_trained", "caption_likelihood", "caption_likelihood_minus_prior", "sequence_decode"];
    for inputs in ["a@8", "a@8+b@6"] {
        for method in methods {
            for source in ["model", "shuffled_input", "majority_class"] {
                let of = rows.iter().filter(|r| {
                    (r.inputs.as_str(), r.method.as_str(), r.source.as_str()) == (inputs, method, source)
                });
                assert_eq!(of.count(), 9, "{inputs} {method} {source}");
            }
        }
    }
    assert_eq!(rows.len(), 2 * 4 * 3 * 9);
    assert!(rows.iter().all(|r| r.classes == 3 && r.true_rank.is_none_or(|k| k < 3)));
    assert!(rows.iter().all(|r| r.source != "majority_class" || r.true_logp.is_none()));
}

/// The score of a whole caption is its cross-entropy, and the true caption's is what `score` gives.
#[test]
fn a_caption_scores_its_own_likelihood() {
    let bench = testing::bench(5, true);
    let rows = measure(&bench.evaluation(), &sets()[..1], &caption(), &mut Silent).unwrap();
    let own = rows.iter().filter(|r| r.method == "caption_likelihood" && r.source == "model");
    let mask = masking::direction(&bench.experiment.modalities, &[0], &[2]);
    let split = bench.data.split(Part::Test);
    for (clip, row) in own.enumerate() {
        let mut ce = 0.0;
        let sample = std::iter::once(Sample::new((), split.sample(clip, 0), mask.clone()));
        packing::score(bench.net.as_ref(), Softmax::Unified, sample, 1, &mut Silent, |_, sums| {
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
    let rows = measure(&bench.evaluation(), &sets()[..1], &caption(), &mut ticks).unwrap();
    assert!(rows.iter().all(|r| r.method == "sequence_decode"), "{rows:?}");
    assert!(ticks.1[0].contains("all classes score the same on 6 of 6 clips"), "{:?}", ticks.1);
}

#[test]
fn bad_input_is_named() {
    let bench = testing::bench(6, true);
    let of = |set: &str| measure(&bench.evaluation(), &[vec![set.into()]], &caption(), &mut Silent);
    assert_eq!(of("scene_desc").unwrap_err().what, "the caption is both input and target");
    assert!(of("tok_c").unwrap_err().what.contains("`tok_c`"));
    let broken = testing::broken();
    let fault = measure(&broken.evaluation(), &sets(), &caption(), &mut Silent).unwrap_err();
    assert_eq!(fault.what, "the network's output is not a number");
    let one = testing::bench(1, true);
    let rows = measure(&one.evaluation(), &sets()[..1], &caption(), &mut Silent).unwrap();
    assert!(rows
        .iter()
        .all(|r| r.source != "shuffled_input" && r.method != "caption_likelihood_minus_prior"));
}

#[test]
fn a_test_clip_of_an_untrained_class_counts_as_wrong() {
    let bench = testing::bench_with_unknown(6, 2);
    let mut ticks = Ticks::default();
    let rows = measure(&bench.evaluation(), &sets()[..1], &caption(), &mut ticks).unwrap();
    let unknown: Vec<_> = rows.iter().filter(|r| r.true_class == "emu").collect();
    // Four methods, of the model, the shuffled input and the largest class.
    assert_eq!((unknown.len(), rows.len()), (2 * 12, 8 * 12));
    assert!(unknown.iter().all(|r| [1, 3].iter().all(|&k| r.hit(k) != Some(true))));
    assert!(unknown.iter().all(|r| r.hit(1) == Some(false)), "counted, not left out");
    assert!(ticks.1.iter().any(|note| note.contains("2 of 8 test clips")), "{:?}", ticks.1);
}
