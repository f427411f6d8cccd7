//! [`DeviceNetwork`]: FourM on a device with a set of operations, and what it is asked.

use super::failure::device;
use super::fourm::FourM;
use super::loss::LossWeights;
use super::network::{Config, Inference, Softmax, TokenScore};
use super::pairwise::Pairwise;
use super::params::initial;
use crate::batch::{Batch, Packed};
use crate::fault::{Fault, Result};
use crate::ops::{chunks, Backend, Mat, OpSet, RowLosses, RowScore};
use dfdx::prelude::*;
use std::marker::PhantomData;

/// FourM, its optimizer's state, and the operations it runs with.
pub struct DeviceNetwork<D: Backend, O: OpSet<D>> {
    pub(super) model: FourM<D>,
    /// `(m, v)` of every parameter; none before the first update, as a network that is only measured needs none.
    pub(super) moments: Vec<(Mat<D>, Mat<D>)>,
    pub(super) steps: u64,
    pub(super) gradient: Gradient<D>,
    share: Share<D, O>,
    ops: PhantomData<fn() -> O>,
}

/// The gradient of a step, as it comes together; none after an update or a fault. Lists are of all parameters.
pub(super) enum Gradient<D: Backend> {
    None,
    Accumulating {
        weights: LossWeights,
        /// Modality and cross-entropy of every target so far, part by part.
        losses: Vec<(Vec<u32>, RowLosses<D>)>,
        sum: Pairwise<Vec<Mat<D>>>,
    },
    Reduced {
        grads: Vec<Mat<D>>,
        norm: f64,
    },
}

type Share<D, O> = fn(&DeviceNetwork<D, O>) -> Option<&(dyn Inference + Sync)>;

impl<D: Backend, O: OpSet<D>> DeviceNetwork<D, O> {
    /// A freshly initialized network, bound to its thread.
    pub fn new(dev: &D, config: Config, seed: u64) -> Result<Self> {
        let std = config.initial_std;
        let model = FourM::new(dev, config, |i, spec| initial(spec, seed, i, &std)).map_err(device)?;
        let gradient = Gradient::None;
        Ok(DeviceNetwork {
            model,
            moments: Vec::new(),
            steps: 0,
            gradient,
            share: |_| None,
            ops: PhantomData,
        })
    }

    /// The same, for several threads at once: only where the device's tensors allow it.
    pub fn shareable(self) -> Self
    where
        Self: Sync,
    {
        DeviceNetwork { share: |net| Some(net), ..self }
    }

    /// Hands out chunks of decoder rows with their logits over the ids of `scope`, `[rows, limit]`;
    /// rows with the same limit come together.
    fn chunks(
        &self,
        batch: &Batch,
        scope: Softmax,
        mut visit: impl FnMut(usize, &[usize], &mut [f32]),
    ) -> Result<()> {
        self.check(batch)?;
        let x = self.model.hidden::<O, _>(&mut NoneTape, batch).map_err(device)?;
        for (limit, rows) in chunks(&self.limits(batch, scope), self.model.config.vocab()) {
            let logits = O::logits(&x, self.model.to_logits(), &rows, limit).map_err(device)?;
            O::read(logits, |logits| visit(limit, &rows, logits));
        }
        Ok(())
    }

    /// Ids that compete for every decoder token.
    fn limits(&self, batch: &Batch, scope: Softmax) -> Vec<u32> {
        batch.dec.modalities.iter().map(|&m| self.model.config.limit(m, scope) as u32).collect()
    }

    /// Refuses tokens outside the tables.
    pub(super) fn check(&self, batch: &Batch) -> Result<()> {
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

impl<D: Backend, O: OpSet<D>> Inference for DeviceNetwork<D, O> {
    fn config(&self) -> &Config {
        &self.model.config
    }

    fn shared(&self) -> Option<&(dyn Inference + Sync)> {
        (self.share)(self)
    }

    fn score_against(
        &self,
        batch: &Batch,
        scope: Softmax,
        truths: &[&[u32]],
    ) -> Result<Vec<Vec<TokenScore>>> {
        self.check(batch)?;
        let x = self.model.hidden::<O, _>(&mut NoneTape, batch).map_err(device)?;
        let limits = self.limits(batch, scope);
        let scored = O::scores(&x, self.model.to_logits(), &limits, truths).map_err(device)?;
        let of_truth = |logits: Vec<f32>| {
            let score =
                |(row, logit): (&RowScore, f32)| TokenScore { ce: row.log_sum - logit, argmax: row.argmax };
            scored.rows.iter().zip(logits).map(score).collect()
        };
        Ok(scored.logits.into_iter().map(of_truth).collect())
    }

    fn logits(&self, batch: &Batch, visit: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        self.chunks(batch, Softmax::Unified, |limit, rows, logits| {
            rows.iter().zip(logits.chunks(limit)).for_each(|(&r, row)| visit(r, row));
        })
    }

    fn encode(&self, enc: &Packed) -> Result<Vec<f32>> {
        self.check(&Batch { enc: enc.clone(), dec: Packed::default() })?;
        Ok(self.model.encode::<O, _>(&mut NoneTape, enc).map_err(device)?.as_vec())
    }
}
