//! `metrics.csv`, `eval.csv` and `digests.csv`, opened and cut back together.

use crate::fault::Result;
use crate::modality::Modality;
use crate::model::digest::StateDigest;
use crate::model::network::StepOutcome;
use crate::observer::{Progress, ValidationScore};
use crate::store::{CsvLog, RunDir};

/// The three logs of a run.
pub struct TrainingLog {
    metrics: CsvLog,
    eval: CsvLog,
    digests: CsvLog,
}

impl TrainingLog {
    /// Opens all three, keeping the rows up to the checkpoint of `step`.
    pub fn open(run: &RunDir, modalities: &[Modality], step: u64) -> Result<TrainingLog> {
        Ok(TrainingLog {
            metrics: CsvLog::open(&run.file("metrics.csv"), &metrics_header(modalities), step)?,
            eval: CsvLog::open(
                &run.file("eval.csv"),
                &strings(["step", "modality", "tokens", "ce_nats"]),
                step,
            )?,
            digests: CsvLog::open(&run.file("digests.csv"), &strings(["step", "tensor", "digest"]), step)?,
        })
    }

    /// One row of `metrics.csv`. `schedule_tokens`: what the schedule counts for the steps so far.
    pub fn step(&mut self, p: &Progress, schedule_tokens: u64, outcome: &StepOutcome) -> Result<()> {
        let mut cells = vec![
            p.step.to_string(),
            schedule_tokens.to_string(),
            p.tokens.to_string(),
            p.lr.to_string(),
            outcome.loss.to_string(),
            outcome.grad_norm.to_string(),
        ];
        cells.extend(outcome.per_modality.iter().map(|ce| ce.map_or(String::new(), |ce| ce.to_string())));
        cells.extend(outcome.counts.iter().map(ToString::to_string));
        cells.push(rate(p.tokens, p.seconds));
        self.metrics.push(&cells)
    }

    /// The rows of one evaluation, one for each modality.
    pub fn eval(&mut self, step: u64, scores: &[ValidationScore]) -> Result<()> {
        scores.iter().try_for_each(|s| {
            let ce = s.mean().map_or(String::new(), |ce| ce.to_string());
            self.eval.push(&[step.to_string(), s.modality.clone(), s.tokens.to_string(), ce])
        })
    }

    /// The rows of one digest: the whole state as `*`, then each tensor.
    pub fn digest(&mut self, step: u64, digest: &StateDigest) -> Result<()> {
        let whole = [("*", digest.whole.as_str())];
        let each = digest.tensors.iter().map(|(name, d)| (name.as_str(), d.as_str()));
        whole.into_iter().chain(each).try_for_each(|(tensor, digest)| {
            self.digests.push(&[step.to_string(), tensor.to_string(), digest.to_string()])
        })
    }

    /// Makes all rows durable.
    pub fn sync(&self) -> Result<()> {
        self.metrics.sync()?;
        self.eval.sync()?;
        self.digests.sync()
    }
}

/// `step, schedule_tokens, tokens, lr, loss, grad_norm`, the cross-entropies (nats per token, empty
/// without targets), the target counts, and last `tokens_per_s`: the one column that is a time.
fn metrics_header(modalities: &[Modality]) -> Vec<String> {
    let mut header = strings(["step", "schedule_tokens", "tokens", "lr", "loss", "grad_norm"]);
    header.extend(modalities.iter().map(|m| format!("ce_{}", m.name)));
    header.extend(modalities.iter().map(|m| format!("n_{}", m.name)));
    header.push("tokens_per_s".into());
    header
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

/// Tokens per second, or nothing when the clock did not move.
fn rate(tokens: usize, seconds: f64) -> String {
    if seconds > 0.0 {
        format!("{:.1}", tokens as f64 / seconds)
    } else {
        String::new()
    }
}
