//! A network small enough to be checked by hand: one table of logits per modality, no inputs.
//!
//! With heavy-ball momentum, so that a resume without moments would differ. For tests only.

use crate::batch::{Batch, Packed};
use crate::data::{ClipData, Dataset};
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Experiment, Train};
use crate::model::network::*;

/// Two modalities, 12 training clips of two rows.
pub fn experiment() -> Experiment {
    let mut e: Experiment = ron::from_str(
        r#"Experiment(schema: 1, name: "toy", data: (path: Some("toy")),
            modalities: [(name: "a@8", length: 8, vocab: 6), (name: "b@4", length: 4, vocab: 5)],
            model: (dim: 8, head_dim: 8, enc_depth: 1, dec_depth: 1),
            masking: (input_tokens: (2, 6), target_tokens: (2, 6)))"#,
    )
    .unwrap();
    e.train = Train {
        batch: 5,
        tokens_per_sample: 4,
        tokens: 400,
        warmup_tokens: 40,
        lr: 0.5,
        min_lr: 0.01,
        eval_every: 4,
        checkpoint_every: 6,
        digest_every: 3,
        ..Train::default()
    };
    e
}

/// Data for [`experiment`]: token = (clip + position) mod something.
pub fn dataset() -> Dataset {
    let clip = |i: usize| ClipData {
        stem: format!("clip_{i:03}"),
        tokens: vec![
            (0..16).map(|p| ((i + p) % 3) as u32).collect(),
            (0..8).map(|p| ((i * p) % 2) as u32).collect(),
        ],
        ..ClipData::default()
    };
    let clips = |range: std::ops::Range<usize>| range.map(clip).collect();
    Dataset::from_parts(&experiment().modalities, [clips(0..12), clips(12..16), clips(16..20)]).unwrap()
}

/// The toy network.
pub struct Toy {
    config: Config,
    logits: Vec<Vec<f32>>,
    momentum: Vec<Vec<f32>>,
    accumulated: Option<Accumulated>,
    reduced: Option<Vec<Vec<f32>>>,
    steps: u64,
    /// Samples of each part of the newest gradient.
    pub parts: Vec<usize>,
    /// The step whose loss is not a number, for tests of that.
    pub fails_at: Option<u64>,
}

/// A gradient as it comes together, and modality and cross-entropy of every target.
struct Accumulated {
    weights: LossWeights,
    gradient: Vec<Vec<f32>>,
    losses: Vec<(u32, f32)>,
}

impl Toy {
    pub fn new(e: &Experiment) -> Toy {
        let zero: Vec<Vec<f32>> = e.modalities.iter().map(|m| vec![0.0; m.vocab]).collect();
        Toy {
            config: Config::new(&e.modalities, &e.model),
            logits: zero.clone(),
            momentum: zero,
            accumulated: None,
            reduced: None,
            steps: 0,
            parts: Vec::new(),
            fails_at: None,
        }
    }

    fn probabilities(&self, m: usize) -> Vec<f32> {
        let e: Vec<f32> = self.logits[m].iter().map(|l| l.exp()).collect();
        let sum: f32 = e.iter().sum();
        e.iter().map(|x| x / sum).collect()
    }

    fn named(&self, prefix: &str, values: &[Vec<f32>]) -> Vec<NamedTensor> {
        let name = |m: usize| format!("{prefix}logits.{m}");
        let named = |(m, v): (usize, &Vec<f32>)| NamedTensor {
            name: name(m),
            shape: vec![v.len()],
            values: v.clone(),
        };
        values.iter().enumerate().map(named).collect()
    }
}

impl Inference for Toy {
    fn config(&self) -> &Config {
        &self.config
    }

    fn shared(&self) -> Option<&(dyn Inference + Sync)> {
        Some(self)
    }

    fn score_against(&self, batch: &Batch, _: Softmax, truths: &[&[u32]]) -> Result<Vec<Vec<TokenScore>>> {
        let p: Vec<Vec<f32>> = (0..self.logits.len()).map(|m| self.probabilities(m)).collect();
        let score = |(&id, &m): (&u32, &u32)| TokenScore { ce: -p[m as usize][id as usize].ln(), argmax: 0 };
        Ok(truths.iter().map(|ids| ids.iter().zip(&batch.dec.modalities).map(score).collect()).collect())
    }

    fn logits(&self, batch: &Batch, visit: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        batch.dec.modalities.iter().enumerate().for_each(|(r, &m)| visit(r, &self.logits[m as usize]));
        Ok(())
    }

    fn encode(&self, _: &Packed) -> Result<Vec<f32>> {
        Err(Fault::failed("the toy has no encoder"))
    }
}

impl Training for Toy {
    fn accumulate(&mut self, part: &Batch, weights: &LossWeights) -> Result<()> {
        self.reduced = None;
        let mut sum = self.accumulated.take().unwrap_or_else(|| {
            self.parts.clear();
            let gradient = self.logits.iter().map(|table| vec![0.0; table.len()]).collect();
            Accumulated { weights: weights.clone(), gradient, losses: Vec::new() }
        });
        self.parts.push(part.samples());
        for (&id, &modality) in part.dec.ids.iter().zip(&part.dec.modalities) {
            let (m, weight) = (modality as usize, weights.of(modality));
            let p = self.probabilities(m);
            sum.gradient[m].iter_mut().zip(&p).for_each(|(g, p)| *g += weight * p);
            sum.gradient[m][id as usize] -= weight;
            sum.losses.push((modality, -p[id as usize].ln()));
        }
        self.accumulated = Some(sum);
        Ok(())
    }

    fn reduce(&mut self) -> Result<StepOutcome> {
        let Accumulated { weights, gradient, losses } = self.accumulated.take().unwrap();
        let norm = gradient.iter().flatten().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
        self.reduced = Some(gradient);
        let fails = self.fails_at == Some(self.steps);
        Ok(weights.outcome(losses.into_iter().map(|(m, ce)| (m, if fails { f32::NAN } else { ce })), norm))
    }

    fn gradients(&self) -> Vec<NamedTensor> {
        self.reduced.as_ref().map_or(Vec::new(), |gradient| self.named("", gradient))
    }

    fn update(&mut self, c: &StepConfig) -> Result<()> {
        let gradient = self.reduced.take().unwrap();
        let tables = self.logits.iter_mut().zip(&mut self.momentum).zip(&gradient);
        for ((logits, momentum), gradient) in tables {
            for ((l, v), g) in logits.iter_mut().zip(momentum).zip(gradient) {
                *v = 0.9 * *v + g;
                *l -= c.lr as f32 * *v;
            }
        }
        self.steps += 1;
        Ok(())
    }

    fn discard(&mut self) {
        (self.accumulated, self.reduced) = (None, None);
    }

    fn steps_taken(&self) -> u64 {
        self.steps
    }
}

impl State for Toy {
    fn parameters(&self) -> Vec<NamedTensor> {
        self.named("", &self.logits)
    }

    fn moments(&self) -> Vec<NamedTensor> {
        self.named("m.", &self.momentum)
    }

    fn load_parameters(&mut self, tensors: Vec<NamedTensor>) -> Result<()> {
        let own = tensors.into_iter().filter(|t| t.name.starts_with("logits")).collect();
        self.logits = fitting(own, &self.logits)?;
        Ok(())
    }

    fn load_moments(&mut self, tensors: Vec<NamedTensor>, steps_taken: u64) -> Result<()> {
        self.momentum = fitting(tensors, &self.momentum)?;
        self.steps = steps_taken;
        Ok(())
    }
}

fn fitting(tensors: Vec<NamedTensor>, like: &[Vec<f32>]) -> Result<Vec<Vec<f32>>> {
    let values: Vec<Vec<f32>> = tensors.into_iter().map(|t| t.values).collect();
    let lengths = |v: &[Vec<f32>]| v.iter().map(Vec::len).collect::<Vec<_>>();
    if lengths(&values) != lengths(like) {
        return Err(Fault::failed("another shape"));
    }
    Ok(values)
}
