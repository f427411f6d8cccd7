//! A small network on small data, for the tests of the probes.

use super::evaluation::Evaluation;
use crate::data::{ClipData, Dataset};
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::model::network::{Config, Network};
use crate::observer::ProbeObserver;
use crate::place::Place;

const EXPERIMENT: &str = r#"#![enable(implicit_some)]
Experiment(
    schema: 1,
    name: "bench",
    data: (synthetic: (classes: 3)),
    modalities: [
        (name: "a@8", length: 8, vocab: 11),
        (name: "b@6", length: 6, vocab: 5),
        (name: "scene_desc", length: 5, vocab: 9, text: Words),
    ],
    masking: (input_tokens: (2, 6), target_tokens: (2, 8)),
    model: (dim: 16, head_dim: 8, enc_depth: 1, dec_depth: 1),
)"#;

/// The classes of the data; clip i has class i mod 3.
pub const CLASSES: [&str; 3] = ["cat", "dog", "red fox"];

/// Everything a probe needs.
pub struct Bench {
    pub experiment: Experiment,
    pub data: Dataset,
    pub net: Box<dyn Network>,
}

impl Bench {
    pub fn evaluation(&self) -> Evaluation<'_> {
        Evaluation { net: self.net.as_ref(), experiment: &self.experiment, data: &self.data }
    }
}

/// `clips` test clips `clip_000`, `clip_001`, … of two rows; `random`: weights that tell inputs apart
/// (else the initial ones, whose output is uniform).
pub fn bench(clips: usize, random: bool) -> Bench {
    bench_with(clips, random, 0)
}

/// As [`bench`], with other tokens of the first modality for another `variant`.
pub fn bench_with(clips: usize, random: bool, variant: usize) -> Bench {
    let experiment: Experiment = ron::from_str(EXPERIMENT).unwrap();
    let data = data(&experiment, clips, 0, variant);
    with(experiment, data, random)
}

/// As [`bench`] with random weights, and `unknown` more test clips of a class without a training clip.
pub fn bench_with_unknown(clips: usize, unknown: usize) -> Bench {
    let experiment: Experiment = ron::from_str(EXPERIMENT).unwrap();
    let data = data(&experiment, clips, unknown, 0);
    with(experiment, data, true)
}

fn with(experiment: Experiment, data: Dataset, random: bool) -> Bench {
    let config = Config::new(&experiment.modalities, &experiment.model);
    let mut net = crate::model::open(Place::CPU, config, 1).unwrap();
    if random {
        let mut weights = net.parameters();
        for (i, w) in weights.iter_mut().enumerate() {
            w.values.iter_mut().enumerate().for_each(|(j, x)| *x += ((i * 31 + j * 7) % 13) as f32 * 0.02);
        }
        net.load_parameters(weights).unwrap();
    }
    Bench { experiment, data, net }
}

/// The same network with a NaN in its last matrix.
pub fn broken() -> Bench {
    let mut bench = bench(4, true);
    let mut weights = bench.net.parameters();
    let last = weights.iter_mut().find(|w| w.name == "to_logits.weight").unwrap();
    last.values.fill(f32::NAN);
    let norm = weights.iter_mut().find(|w| w.name == "enc_norm.weight").unwrap();
    norm.values.fill(f32::NAN);
    bench.net.load_parameters(weights).unwrap();
    bench
}

fn data(e: &Experiment, clips: usize, unknown: usize, variant: usize) -> Dataset {
    let clip = |i: usize| {
        let class = CLASSES[i % 3];
        let first = (0..16).map(|p| ((i * 3 + p * (1 + variant) + variant) % 11) as u32).collect();
        ClipData {
            stem: format!("clip_{i:03}"),
            label: class.into(),
            captions: vec![format!("{class}"), format!("a {class}")],
            tokens: vec![first, (0..12).map(|p| ((i + p) % 5) as u32).collect(), vec![]],
        }
    };
    let train = (1000..1006).map(clip).collect();
    let mut test: Vec<ClipData> = (0..clips + unknown).map(clip).collect();
    for clip in &mut test[clips..] {
        clip.label = "emu".into();
        clip.captions = vec!["emu".into(), "a emu".into()];
    }
    Dataset::from_parts(&e.modalities, [train, vec![clip(2000)], test]).unwrap()
}

/// Keeps progress and notes.
#[derive(Default)]
pub struct Ticks(pub Vec<(usize, usize)>, pub Vec<String>);

impl ProbeObserver for Ticks {
    fn progress(&mut self, done: usize, total: usize) -> Result<()> {
        self.0.push((done, total));
        Ok(())
    }

    fn note(&mut self, message: &str) {
        self.1.push(message.into());
    }
}
