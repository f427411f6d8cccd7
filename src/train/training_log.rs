//! `metrics.csv`, `eval.csv` and `digests.csv`, opened and cut back together.

use crate::fault::Result;
use crate::modality::Modality;
use crate::model::digest::StateDigest;
use crate::model::network::StepOutcome;
use crate::observer::{Progress, ValidationScore};
use crate::store::{Columns, CsvLog, RunDir, Tables};

/// The tables of a run, in the order in which a step writes them.
pub const TABLES: [&str; 3] = ["metrics.csv", "eval.csv", "digests.csv"];

/// The three logs of a run.
pub struct TrainingLog {
    metrics: CsvLog,
    eval: CsvLog,
    digests: CsvLog,
}

impl TrainingLog {
    /// Opens all three, keeping the rows up to the checkpoint of `step`.
    pub fn open(run: &RunDir, modalities: &[Modality], step: u64) -> Result<TrainingLog> {
        let open = |name: &str| CsvLog::open(&run.file(name), &columns(name, modalities), step);
        let [metrics, eval, digests] = TABLES.map(open);
        Ok(TrainingLog { metrics: metrics?, eval: eval?, digests: digests? })
    }

    /// What the tables hold, beside times.
    pub fn tables(&self) -> Tables {
        let logs = [&self.metrics, &self.eval, &self.digests];
        TABLES.iter().zip(logs).map(|(name, log)| (name.to_string(), log.rows())).collect()
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

/// What the tables lack of what they held at the checkpoint of `step`, `at_checkpoint`, as half a sentence; `None` if they hold it.
///
/// # Errors
/// If one cannot be read.
pub fn lacks(
    run: &RunDir,
    modalities: &[Modality],
    step: u64,
    at_checkpoint: &Tables,
) -> Result<Option<String>> {
    for name in TABLES {
        let (path, columns) = (run.file(name), columns(name, modalities));
        let found = CsvLog::holds(&path, &columns, step)?;
        let expected = match at_checkpoint.get(name) {
            Some(expected) => expected.rows,
            // Of a checkpoint of before it is only known that every step has a row.
            None if name == "metrics.csv" => step,
            None => continue,
        };
        if found.rows != expected {
            let found = found.rows;
            return Ok(Some(format!(
                "{name} has {found} intact rows of the {expected} that lead to the checkpoint of step {step}"
            )));
        }
        if at_checkpoint.get(name).is_some_and(|expected| *expected != found)
            || times_changed(run, name, step, &columns)?
        {
            return Ok(Some(format!("{name} has changed since the checkpoint of step {step}")));
        }
    }
    Ok(None)
}

/// Whether the table differs from what the status says of it at the newest checkpoint up to `step`, in a byte.
fn times_changed(run: &RunDir, name: &str, step: u64, columns: &Columns) -> Result<bool> {
    let Ok(Some(status)) = run.status() else { return Ok(false) };
    let of_it = status.tables.iter().filter(|t| t.file == name && t.step <= step);
    match of_it.max_by_key(|t| t.step) {
        Some(at) => Ok(CsvLog::holds_with_times(&run.file(name), columns, at.step)? != at.rows),
        None => Ok(false),
    }
}

/// The columns of a table. Of `metrics.csv`: `step, schedule_tokens, tokens, lr, loss, grad_norm`, the
/// cross-entropies (nats per token, empty without targets), the target counts, and last `tokens_per_s`: the one
/// column that is a time.
fn columns(table: &str, modalities: &[Modality]) -> Columns {
    let names = match table {
        "metrics.csv" => {
            let mut names = strings(["step", "schedule_tokens", "tokens", "lr", "loss", "grad_norm"]);
            names.extend(modalities.iter().map(|m| format!("ce_{}", m.name)));
            names.extend(modalities.iter().map(|m| format!("n_{}", m.name)));
            names.push("tokens_per_s".into());
            names
        }
        "eval.csv" => strings(["step", "modality", "tokens", "ce_nats"]),
        _ => strings(["step", "tensor", "digest"]),
    };
    Columns { names, timed: table == "metrics.csv" }
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
