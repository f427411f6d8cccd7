//! The probe on planted classes, whose Bayes accuracy is known, and on none.

use super::measure;
use crate::data::synthetic::{generate, Source};
use crate::data::{ClipData, Dataset, Part};
use crate::fault::Result;
use crate::manifest::schema::{Experiment, PerModality};
use crate::masking;
use crate::metrics::linear_probe::LinearProbeRow;
use crate::model::network::{Config, Network};
use crate::observer::{ProbeObserver, Silent};
use crate::place::Place;
use crate::probes::evaluation::Evaluation;
use crate::stats::{binomial, Alternative};

const CLASSES: usize = 5;

fn experiment(strength: f64) -> Experiment {
    let mut e: Experiment = ron::from_str(
        r#"Experiment(schema: 1, name: "x",
            data: (synthetic: Some((seed: 3, classes: 5, clips: (400, 80, 200), rows: 1))),
            modalities: [(name: "a@32", length: 32, vocab: 48), (name: "b@16", length: 16, vocab: 40)],
            model: (dim: 48, head_dim: 16, enc_depth: 1, dec_depth: 1, embedding_std: 1.0))"#,
    )
    .unwrap();
    e.data.synthetic.as_mut().unwrap().strength = PerModality::All(strength);
    e
}

fn network(e: &Experiment, seed: u64) -> Box<dyn Network> {
    crate::model::open(Place::CPU, Config::new(&e.modalities, &e.model), seed).unwrap()
}

fn data(e: &Experiment) -> Dataset {
    generate(e.data.synthetic.as_ref().unwrap(), &e.modalities).unwrap()
}

fn sets() -> Vec<Vec<String>> {
    vec![vec!["a@32".into()], vec!["b@16".into(), "a@32".into()]]
}

fn measured(e: &Experiment, data: &Dataset) -> Vec<LinearProbeRow> {
    // Two untrained networks: the tokens alone give the class away.
    let (net, untrained) = (network(e, 1), network(e, 2));
    let evaluation = Evaluation { net: net.as_ref(), experiment: e, data };
    measure(&evaluation, untrained.as_ref(), &sets(), &mut Silent).unwrap()
}

fn hits(rows: &[LinearProbeRow], inputs: &str, control: &str) -> (u64, u64) {
    let of = rows.iter().filter(|r| r.inputs == inputs && r.control == control);
    of.fold((0, 0), |(h, n), r| (h + u64::from(r.true_class == r.predicted_class), n + 1))
}

#[test]
fn planted_classes_are_found_nearly_as_well_as_bayes_can() {
    let e = experiment(0.8);
    let data = data(&e);
    let source = Source::of(e.data.synthetic.as_ref().unwrap(), &data).unwrap();
    let rows = measured(&e, &data);
    let split = data.split(Part::Test);
    for (inputs, seen) in [("a@32", vec![0]), ("a@32+b@16", vec![0, 1])] {
        let mask = masking::direction(&e.modalities, &seen, &[]);
        let bayes = |clip: &usize| {
            let posterior = source.posterior(&split.sample(*clip, 0), &mask.input).unwrap();
            source.classes()[source.classify(&posterior)] == split.label(*clip)
        };
        let best = (0..split.len()).filter(bayes).count() as f64 / 200.0;
        assert!(best > 0.97, "{best}");
        for control in ["none", "random_weights"] {
            let (hit, n) = hits(&rows, inputs, control);
            assert_eq!(n, 200);
            assert!(hit as f64 / 200.0 > best - 0.08, "{inputs} {control}: {hit} of 200, Bayes {best}");
        }
        let (hit, n) = hits(&rows, inputs, "shuffled_labels");
        assert!(binomial::test(hit, n, 1.0 / CLASSES as f64, Alternative::TwoSided).unwrap() > 0.01, "{hit}");
    }
}

#[test]
fn without_structure_nothing_is_found() {
    let e = experiment(0.0);
    let rows = measured(&e, &data(&e));
    for inputs in ["a@32", "a@32+b@16"] {
        for control in ["none", "random_weights", "shuffled_labels"] {
            let (hit, n) = hits(&rows, inputs, control);
            let p = binomial::test(hit, n, 1.0 / CLASSES as f64, Alternative::Greater).unwrap();
            assert!(p > 0.01, "{inputs} {control}: {hit} of {n}, p = {p}");
        }
    }
}

/// Keeps the notes.
#[derive(Default)]
struct Notes(Vec<String>);

impl ProbeObserver for Notes {
    fn progress(&mut self, _done: usize, _total: usize) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, message: &str) {
        self.0.push(message.into());
    }
}

/// A network whose encoder gives the same number everywhere.
fn constant(e: &Experiment, value: f32) -> Box<dyn Network> {
    let mut net = network(e, 1);
    let mut weights = net.parameters();
    weights.iter_mut().find(|w| w.name == "enc_norm.weight").unwrap().values.fill(value);
    net.load_parameters(weights).unwrap();
    net
}

#[test]
fn an_encoder_that_says_nothing_is_not_estimable_and_a_broken_one_is_a_fault() {
    let e = experiment(0.5);
    let data = data(&e);
    let (zero, nan, good) = (constant(&e, 0.0), constant(&e, f32::NAN), network(&e, 2));
    let evaluation = |net| Evaluation { net, experiment: &e, data: &data };
    let mut notes = Notes::default();
    let rows = measure(&evaluation(zero.as_ref()), good.as_ref(), &sets()[..1], &mut notes).unwrap();
    assert!(rows.len() == 200 && rows.iter().all(|r| r.control == "random_weights"));
    assert_eq!(notes.0.len(), 1);
    assert!(notes.0[0].contains("not estimable from a@32"), "{:?}", notes.0);
    let fault = measure(&evaluation(nan.as_ref()), good.as_ref(), &sets(), &mut Silent).unwrap_err();
    assert!(fault.what.contains("not a number"), "{fault}");
}

#[test]
fn data_without_classes_is_not_estimable() {
    let e = experiment(0.5);
    let clip = |i: usize| ClipData {
        stem: format!("c{i}"),
        tokens: vec![vec![0; 32], vec![0; 16]],
        ..ClipData::default()
    };
    let plain = Dataset::from_parts(&e.modalities, [vec![clip(0)], vec![clip(1)], vec![clip(2)]]).unwrap();
    let net = network(&e, 1);
    let evaluation = Evaluation { net: net.as_ref(), experiment: &e, data: &plain };
    let mut notes = Notes::default();
    assert!(measure(&evaluation, net.as_ref(), &sets(), &mut notes).unwrap().is_empty());
    assert!(notes.0[0].contains("0 classes"), "{:?}", notes.0);
}
