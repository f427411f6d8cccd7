//! [`Network`] on a device with a set of operations: the training step and the evaluations.

use super::fourm::FourM;
use super::network::{Config, NamedTensor, Network, Scope, StepConfig, StepOutcome, TokenScore};
use super::params::initial;
use crate::architecture::Spec;
use crate::batch::{Batch, Packed};
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Loss, Softmax};
use crate::ops::{chunks, AdamW, Backend, Fused, LossRows, Mat, OpSet, RowScore};
use dfdx::prelude::*;
use rayon::prelude::*;
use std::any::Any;
use std::marker::PhantomData;

/// FourM, its moments, and the operations it runs with.
pub struct DeviceNetwork<D: Backend, O: OpSet<D>> {
    model: FourM<D>,
    /// Of every parameter; none before the first update, as a network that is only measured needs none.
    moments: Vec<(Mat<D>, Mat<D>)>,
    steps: u64,
    ops: PhantomData<O>,
}

fn device<E: std::fmt::Debug>(error: E) -> Fault {
    Fault::failed(format!("the device failed: {error:?}"))
        .help("a smaller `train.batch` needs less memory; `nano4m doctor` shows what the device offers")
}

impl<D: Backend, O: OpSet<D>> DeviceNetwork<D, O> {
    /// A freshly initialized network.
    pub fn new(dev: &D, config: Config, seed: u64) -> Result<Self> {
        let std = config.initial_std;
        let model = FourM::new(dev, config, |i, spec| initial(spec, seed, i, &std)).map_err(device)?;
        Ok(DeviceNetwork { model, moments: Vec::new(), steps: 0, ops: PhantomData })
    }

    /// Moments before the first update.
    fn zero_moments(&self) -> Result<Vec<(Mat<D>, Mat<D>)>> {
        let dev = self.model.positions.device();
        let zeros = |spec: &Spec| -> std::result::Result<_, D::Err> {
            Ok((dev.try_zeros_like(&spec.matrix())?, dev.try_zeros_like(&spec.matrix())?))
        };
        self.model.specs.iter().map(zeros).collect::<std::result::Result<_, _>>().map_err(device)
    }

    /// Targets, weights in the loss and competing ids of every decoder token.
    fn rows(&self, batch: &Batch, loss: Loss) -> LossRows {
        let config = &self.model.config;
        let counts = counts(config, &batch.dec);
        let weight = |m: u32| match loss {
            Loss::PerModalityMean => 1.0 / (counts.len() as f64 * counts[m as usize] as f64),
            Loss::TokenMean => 1.0 / batch.dec.len() as f64,
        };
        let limit = |m: u32| match config.softmax {
            Softmax::Unified => config.vocab(),
            Softmax::Restricted => config.modalities[m as usize].vocab,
        };
        LossRows {
            targets: batch.dec.ids.clone(),
            weights: batch.dec.modalities.iter().map(|&m| weight(m) as f32).collect(),
            limits: batch.dec.modalities.iter().map(|&m| limit(m) as u32).collect(),
        }
    }

    /// Clips and updates with the gradients; `norm` is their global norm.
    fn update(&mut self, grads: &mut Gradients<f32, D>, norm: f64, config: &StepConfig) -> Result<()> {
        if self.moments.is_empty() {
            self.moments = self.zero_moments()?;
        }
        self.steps += 1;
        let grad_scale = config.clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0));
        let all = self.model.specs.iter().zip(&mut self.model.params).zip(&mut self.moments);
        for ((spec, param), moments) in all {
            let weight_decay = if spec.decays() { config.weight_decay } else { 0.0 };
            let (lr, betas, eps, t) = (config.lr, config.betas, config.eps, self.steps);
            O::adamw(param, moments, grads, &AdamW { lr, betas, eps, weight_decay, grad_scale, t })
                .map_err(device)?;
        }
        Ok(())
    }

    /// Hands out chunks of decoder rows with their logits over the ids of `scope`, `[rows, limit]`;
    /// rows with the same limit come together.
    fn chunks(
        &self,
        batch: &Batch,
        scope: Scope,
        mut visit: impl FnMut(usize, &[usize], Vec<f32>),
    ) -> Result<()> {
        self.check(batch)?;
        let x = self.model.hidden::<O, _>(&mut NoneTape, batch).map_err(device)?;
        let limits: Vec<u32> = batch.dec.modalities.iter().map(|&m| self.limit(m, scope) as u32).collect();
        for (limit, rows) in chunks(&limits, self.model.config.vocab()) {
            let logits = O::logits(&x, self.model.to_logits(), &rows, limit).map_err(device)?;
            visit(limit, &rows, logits);
        }
        Ok(())
    }

    fn limit(&self, modality: u32, scope: Scope) -> usize {
        match scope {
            Scope::Unified => self.model.config.vocab(),
            Scope::Restricted => self.model.config.modalities[modality as usize].vocab,
        }
    }

    fn check(&self, batch: &Batch) -> Result<()> {
        for side in [&batch.enc, &batch.dec] {
            for t in 0..side.len() {
                let modality = self.model.config.modalities.get(side.modalities[t] as usize);
                let fits = |m: &&crate::modality::Modality| {
                    (side.ids[t] as usize) < m.vocab && (side.positions[t] as usize) < m.length
                };
                if modality.filter(fits).is_none() {
                    return Err(Fault::invalid("a token does not fit the model")
                        .found(format!("id {} at position {}", side.ids[t], side.positions[t]))
                        .expected(format!("{modality:?}"))
                        .help("evaluate with the manifest the model was trained with"));
                }
            }
        }
        Ok(())
    }
}

/// Targets of each modality in a batch.
fn counts(config: &Config, dec: &Packed) -> Vec<usize> {
    let mut counts = vec![0; config.modalities.len()];
    dec.modalities.iter().for_each(|&m| counts[m as usize] += 1);
    counts
}

/// Mean cross-entropy of each modality, in double precision.
fn means(config: &Config, dec: &Packed, ce: &[f32]) -> Vec<Option<f64>> {
    let mut sums = vec![0.0; config.modalities.len()];
    dec.modalities.iter().zip(ce).for_each(|(&m, c)| sums[m as usize] += *c as f64);
    let mean = |(sum, n): (f64, usize)| (n > 0).then(|| sum / n as f64);
    sums.into_iter().zip(counts(config, dec)).map(mean).collect()
}

/// The number that is minimized, in double precision.
fn total(loss: Loss, means: &[Option<f64>], counts: &[usize]) -> f64 {
    match loss {
        Loss::PerModalityMean => means.iter().flatten().sum::<f64>() / means.len() as f64,
        Loss::TokenMean => {
            let tokens = counts.iter().sum::<usize>().max(1) as f64;
            means.iter().zip(counts).filter_map(|(m, n)| m.map(|m| m * *n as f64)).sum::<f64>() / tokens
        }
    }
}

impl<D: Backend, O: OpSet<D>> Network for DeviceNetwork<D, O> {
    fn config(&self) -> &Config {
        &self.model.config
    }

    fn shared(&self) -> Option<&(dyn Network + Sync)> {
        let any: &dyn Any = self;
        any.downcast_ref::<DeviceNetwork<Cpu, Fused>>().map(|engine| engine as &(dyn Network + Sync))
    }

    fn step(&mut self, batch: &Batch, config: &StepConfig) -> Result<StepOutcome> {
        self.check(batch)?;
        let rows = self.rows(batch, config.loss);
        let mut tape = OwnedTape::default();
        let (loss, ce) = self.model.loss::<O, _>(&mut tape, batch, &rows).map_err(device)?;
        let mut grads = loss.put_tape(tape).try_backward().map_err(device)?;
        let mut squares = 0.0;
        for param in &self.model.params {
            squares += O::grad_square_sum(&mut grads, param).map_err(device)?;
        }
        let (counts, per_modality) =
            (counts(self.config(), &batch.dec), means(self.config(), &batch.dec, &ce));
        let loss = total(config.loss, &per_modality, &counts);
        let outcome = StepOutcome { loss, per_modality, counts, grad_norm: squares.sqrt() };
        if loss.is_finite() && outcome.grad_norm.is_finite() {
            self.update(&mut grads, outcome.grad_norm, config)?;
        }
        Ok(outcome)
    }

    fn steps_taken(&self) -> u64 {
        self.steps
    }

    fn score_against(&self, batch: &Batch, scope: Scope, truths: &[&[u32]]) -> Result<Vec<Vec<TokenScore>>> {
        let blank = TokenScore { ce: f32::NAN, argmax: 0 };
        let mut scores = vec![vec![blank; batch.dec.len()]; truths.len()];
        self.chunks(batch, scope, |limit, rows, mut logits| {
            let one = |(row, &r): (&mut [f32], &usize)| -> Vec<TokenScore> {
                let true_logits: Vec<f32> = truths.iter().map(|ids| row[ids[r] as usize]).collect();
                let RowScore { log_sum, argmax } = RowScore::of(row);
                true_logits.into_iter().map(|logit| TokenScore { ce: log_sum - logit, argmax }).collect()
            };
            let part: Vec<Vec<TokenScore>> = logits.par_chunks_mut(limit).zip(rows).map(one).collect();
            for (of_row, &r) in part.into_iter().zip(rows) {
                scores.iter_mut().zip(of_row).for_each(|(all, score)| all[r] = score);
            }
        })?;
        Ok(scores)
    }

    fn log_probs(&self, batch: &Batch, scope: Scope, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        let mut all = vec![Vec::new(); batch.dec.len()];
        self.logits(batch, &mut |r, row| {
            let limit = self.limit(batch.dec.modalities[r], scope);
            let normalizer = log_sum_exp(&row[..limit]);
            all[r] = ids.iter().map(|&i| (row[i as usize] as f64 - normalizer) as f32).collect();
        })?;
        Ok(all)
    }

    fn logits(&self, batch: &Batch, visit: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        self.chunks(batch, Scope::Unified, |limit, rows, logits| {
            rows.iter().zip(logits.chunks(limit)).for_each(|(&r, row)| visit(r, row));
        })
    }

    fn encode(&self, enc: &Packed) -> Result<Vec<f32>> {
        self.check(&Batch { enc: enc.clone(), dec: Packed::default() })?;
        Ok(self.model.encode::<O, _>(&mut NoneTape, enc).map_err(device)?.as_vec())
    }

    fn gradients(&self, batch: &Batch, loss: Loss) -> Result<Vec<NamedTensor>> {
        self.check(batch)?;
        let mut tape = OwnedTape::default();
        let (value, _) =
            self.model.loss::<O, _>(&mut tape, batch, &self.rows(batch, loss)).map_err(device)?;
        let mut grads = value.put_tape(tape).try_backward().map_err(device)?;
        let mut all = Vec::with_capacity(self.model.params.len());
        for (s, p) in self.model.specs.iter().zip(&self.model.params) {
            grads.get_or_alloc_mut(p).map_err(device)?;
            all.push(NamedTensor {
                name: s.name.clone(),
                shape: s.shape.clone(),
                values: grads.get(p).as_vec(),
            });
        }
        Ok(all)
    }

    fn parameters(&self) -> Vec<NamedTensor> {
        let all = self.model.specs.iter().zip(&self.model.params);
        all.map(|(s, p)| NamedTensor { name: s.name.clone(), shape: s.shape.clone(), values: p.as_vec() })
            .collect()
    }

    fn moments(&self) -> Vec<NamedTensor> {
        let values = |i: usize, spec: &Spec| match self.moments.get(i) {
            Some((m, v)) => [m.as_vec(), v.as_vec()],
            None => [vec![0.0; spec.numel()], vec![0.0; spec.numel()]],
        };
        let named = |(i, s): (usize, &Spec)| {
            let [m, v] = values(i, s);
            [("m", m), ("v", v)].map(|(k, values)| NamedTensor {
                name: format!("{k}.{}", s.name),
                shape: s.shape.clone(),
                values,
            })
        };
        self.model.specs.iter().enumerate().flat_map(named).collect()
    }

    fn load_parameters(&mut self, tensors: Vec<NamedTensor>) -> Result<()> {
        let dev = self.model.positions.device().clone();
        let mut loaded = Vec::with_capacity(self.model.specs.len());
        let mut given = crate::store::tensors::by_name(tensors);
        for spec in &self.model.specs {
            let values = super::checkpoint::take(&mut given, &spec.name, &spec.shape)?;
            loaded.push(dev.try_tensor_from_vec(values, spec.matrix()).map_err(device)?);
        }
        super::checkpoint::only_buffers_left(&given)?;
        self.model.params = loaded;
        Ok(())
    }

    fn load_moments(&mut self, tensors: Vec<NamedTensor>, steps_taken: u64) -> Result<()> {
        let dev = self.model.positions.device().clone();
        let mut given = crate::store::tensors::by_name(tensors);
        let mut loaded = Vec::with_capacity(self.model.specs.len());
        for spec in &self.model.specs {
            let mut one = |k: &str| {
                let values = super::checkpoint::take(&mut given, &format!("{k}.{}", spec.name), &spec.shape)?;
                dev.try_tensor_from_vec(values, spec.matrix()).map_err(device)
            };
            loaded.push((one("m")?, one("v")?));
        }
        (self.moments, self.steps) = (loaded, steps_taken);
        Ok(())
    }
}

fn log_sum_exp(row: &[f32]) -> f64 {
    let m = row.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x)) as f64;
    m + row.iter().map(|x| (*x as f64 - m).exp()).sum::<f64>().ln()
}
