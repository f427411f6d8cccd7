//! A loss or gradient that is not finite: the run stops and keeps the batch that did it.

use super::sampler::{Drawn, Sampler};
use crate::batch::Batch;
use crate::data::Split;
use crate::fault::{Fault, Result};
use crate::model::network::StepOutcome;
use crate::store::{tensors, RunDir};

/// Writes `failed/step-<n>.safetensors` (the packed batch) and `failed/step-<n>.csv` (its clips), and
/// returns the fault that ends the run. Nothing was updated, so the newest parameters are those that
/// gave the loss.
pub fn keep_batch(
    run: &RunDir,
    step: u64,
    sampler: &Sampler,
    split: &Split,
    batch: &Batch,
    outcome: &StepOutcome,
) -> Fault {
    match keep_files(run, step, &sampler.draw(step), split, batch) {
        Ok(path) => Fault::failed(format!("the loss or its gradient is not finite at step {step}"))
            .at(path)
            .found(format!("loss {}, gradient norm {}", outcome.loss, outcome.grad_norm))
            .expected("finite numbers")
            .help("the batch and a checkpoint before the update are kept; a lower `train.lr` or a longer warmup usually helps"),
        Err(fault) => fault,
    }
}

fn keep_files(run: &RunDir, step: u64, drawn: &[Drawn], split: &Split, batch: &Batch) -> Result<String> {
    let folder = run.file("failed");
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
    let mut clips = String::from("sample,stem,epoch,row\n");
    for (i, d) in drawn.iter().enumerate() {
        clips += &format!("{i},{},{},{}\n", split.stem(d.clip), d.epoch, d.row);
    }
    run.write(&format!("failed/step-{step:08}.csv"), clips.as_bytes())?;
    let path = folder.join(format!("step-{step:08}.safetensors"));
    tensors::write_integers(&path, &lists(batch))?;
    Ok(path.display().to_string())
}

/// `enc.ids`, `enc.positions`, `enc.modalities` (`[T]`) and `enc.offsets` (`[B + 1]`), all u32; `dec.` likewise.
fn lists(batch: &Batch) -> Vec<(String, Vec<u32>)> {
    let mut lists = Vec::new();
    for (side, packed) in [("enc", &batch.enc), ("dec", &batch.dec)] {
        let offsets: Vec<u32> = packed.offsets.iter().map(|&o| o as u32).collect();
        for (name, values) in [
            ("ids", &packed.ids),
            ("positions", &packed.positions),
            ("modalities", &packed.modalities),
            ("offsets", &offsets),
        ] {
            lists.push((format!("{side}.{name}"), values.clone()));
        }
    }
    lists
}
