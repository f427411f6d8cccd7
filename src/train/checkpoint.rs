//! Checkpoints: parameters in the reference's layout, and the optimizer's half beside them.
//!
//! The optimizer's file is written first and carries, as its one metadata entry, the step, the tokens
//! so far and the digest of everything; the parameters' file makes the checkpoint count. Loading
//! recomputes the digest, so that a damaged file is noticed and the previous checkpoint used.

use crate::fault::{Exit, Fault, Result};
use crate::model::checkpoint::state_dict;
use crate::model::digest;
use crate::model::network::Network;
use crate::observer::Observer;
use crate::store::{tensors, Lock, RunDir};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Where a run stands; what the optimizer's file says beside its moments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// Input and target tokens trained on so far.
    pub tokens: u64,
    /// `StateDigest::whole` of the parameters and moments.
    pub digest: String,
}

/// Writes both halves for `step` and removes older checkpoints.
///
/// # Errors
/// If the lock was lost or the file system refuses; earlier checkpoints are then untouched.
pub fn save(run: &RunDir, lock: &Lock, net: &dyn Network, step: u64, tokens: u64) -> Result<()> {
    lock.check()?;
    let position = Position { step, tokens, digest: digest::of_state(net).whole };
    let meta = serde_json::to_string(&position).map_err(|e| Fault::failed(e.to_string()))?;
    tensors::write(&run.optimizer(step), &net.moments(), Some(&meta))?;
    tensors::write(&run.checkpoint(step), &state_dict(net.config(), net.parameters()), None)?;
    run.prune()
}

/// Loads the newest intact checkpoint into `net`; the start when there is none. A damaged one is set
/// aside (`.damaged`) with a note.
///
/// # Errors
/// If there are checkpoints and every one is damaged.
pub fn restore(run: &RunDir, net: &mut dyn Network, observer: &mut dyn Observer) -> Result<Position> {
    let steps = run.checkpoints();
    let mut last = None;
    for &step in steps.iter().rev() {
        match load(run, step, net) {
            Ok(position) => return Ok(position),
            Err(fault) => {
                observer.note(&format!("the checkpoint of step {step} is damaged and set aside: {fault}"));
                set_aside(&run.checkpoint(step))?;
                set_aside(&run.optimizer(step))?;
                last = Some(fault);
            }
        }
    }
    match last {
        None => Ok(Position::default()),
        Some(fault) => {
            Err(fault.help("no intact checkpoint is left; `nano4m run --force` starts over beside this run"))
        }
    }
}

fn load(run: &RunDir, step: u64, net: &mut dyn Network) -> Result<Position> {
    // Whatever is wrong with a run's own files, nothing that was asked for is invalid.
    let damaged = |fault: Fault| Fault { exit: Exit::Failed, ..fault };
    let (moments, meta) = tensors::read(&run.optimizer(step)).map_err(damaged)?;
    let at = |fault: Fault| fault.at(run.optimizer(step).display().to_string());
    let position: Position = serde_json::from_str(&meta.unwrap_or_default())
        .map_err(|e| at(Fault::failed(format!("not the optimizer's half of a checkpoint: {e}"))))?;
    if position.step != step {
        return Err(at(Fault::failed("a checkpoint of another step").found(position.step).expected(step)));
    }
    let (parameters, _) = tensors::read(&run.checkpoint(step)).map_err(damaged)?;
    net.load_parameters(parameters)?;
    net.load_moments(moments, step)?;
    let found = digest::of_state(net).whole;
    if found != position.digest {
        return Err(at(Fault::failed("the content of a checkpoint has changed since it was written"))
            .found(found)
            .expected(position.digest));
    }
    Ok(position)
}

fn set_aside(path: &Path) -> Result<()> {
    let aside = path.with_extension("safetensors.damaged");
    std::fs::rename(path, &aside).map_err(|e| Fault::io("rename", path, &e))
}
