//! The loop itself.

use super::anomaly;
use super::checkpoint::{self, Position, Reached};
use super::evaluate::evaluate;
use super::sampler::Sampler;
use super::schedule;
use super::step::take_step;
use super::training_log::TrainingLog;
use crate::data::{Dataset, Part};
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::model::digest;
use crate::model::network::Network;
use crate::observer::{Observer, Progress, Stop};
use crate::store::{Lock, RunDir};

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All steps are done; input and target tokens trained on.
    Finished { tokens: u64 },
    /// Early, after a checkpoint of `step`.
    Stopped { step: u64, why: Stop },
}

/// What a run works on.
pub struct Job<'a> {
    pub experiment: &'a Experiment,
    pub data: &'a Dataset,
    /// Where it writes; `lock` is this directory's.
    pub run: &'a RunDir,
    pub lock: &'a Lock,
}

/// Trains `net` from its newest checkpoint (or from the start) to the last step.
///
/// # Errors
/// A loss or gradient that is not finite (the batch is kept), a damaged run directory, a full disk.
/// Everything up to the last checkpoint is then on disk.
pub fn train(job: &Job, net: &mut dyn Network, observer: &mut dyn Observer) -> Result<Ended> {
    let Job { experiment, data, run, .. } = *job;
    let t = &experiment.train;
    let total = t.steps();
    let sampler = Sampler::new(experiment, data.split(Part::Train))?;
    let Position { mut step, mut tokens, .. } =
        checkpoint::restore(run, net, &experiment.modalities, observer)?;
    let mut log = TrainingLog::open(run, &experiment.modalities, step)?;
    let mut saved = step;
    observer.started(step, total);

    while step < total {
        if let Some(why) = observer.stop(step) {
            if saved < step {
                save(job, &log, net, (step, tokens), observer)?;
            }
            return Ok(Ended::Stopped { step, why });
        }

        let begun = observer.seconds();
        let batch = sampler.batch(step);
        let lr = schedule::learning_rate(step, t);
        let outcome = take_step(net, &batch, t, lr)?;
        if !outcome.is_finite() {
            if saved < step {
                save(job, &log, net, (step, tokens), observer)?;
            }
            return Err(anomaly::keep_batch(run, step, &sampler, data.split(Part::Train), &batch, &outcome));
        }
        step += 1;

        let batch_tokens = batch.enc.len() + batch.dec.len();
        tokens += batch_tokens as u64;
        let seconds = observer.seconds() - begun;
        let progress = Progress { step, total, loss: outcome.loss, lr, tokens: batch_tokens, seconds };
        let schedule_tokens = step * (t.batch * t.tokens_per_sample) as u64;
        log.step(&progress, schedule_tokens, &outcome)?;
        observer.stepped(&progress);

        if t.is_due(t.eval_every, step) {
            let scores = evaluate(net, experiment, data.split(Part::Eval))?;
            log.eval(step, &scores)?;
            observer.evaluated(step, &scores);
        }
        if t.is_due(t.digest_every, step) {
            log.digest(step, &digest::of_state(net))?;
        }
        if t.is_due(t.checkpoint_every, step) {
            save(job, &log, net, (step, tokens), observer)?;
            saved = step;
        }
    }
    Ok(Ended::Finished { tokens })
}

/// A checkpoint, after the rows that lead to it.
fn save(
    job: &Job,
    log: &TrainingLog,
    net: &dyn Network,
    (step, tokens): (u64, u64),
    observer: &mut dyn Observer,
) -> Result<()> {
    log.sync()?;
    let every = job.experiment.train.checkpoint_every;
    let reached = Reached { step, tokens, tables: log.tables(), every };
    checkpoint::save(job.run, job.lock, net, reached)?;
    observer.saved(step);
    Ok(())
}
