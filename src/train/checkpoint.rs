//! Checkpoints: parameters in the reference's layout, and the optimizer's half beside them.
//!
//! The optimizer's file is written first and carries, as its one metadata entry, the step, the tokens
//! so far and the digest of everything; the parameters' file makes the checkpoint count. Loading
//! recomputes the digest, so that a damaged file is noticed and the previous checkpoint used. So is a table
//! that no longer holds what it held at the checkpoint: the run goes on from where the tables are whole, and
//! makes the rest of them again.

use super::training_log;
use crate::fault::{Exit, Fault, Result};
use crate::modality::Modality;
use crate::model::checkpoint::state_dict;
use crate::model::digest;
use crate::model::network::Network;
use crate::observer::Observer;
use crate::store::tensors::{self, NamedTensor};
use crate::store::{Lock, RunDir, Tables};
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
    /// What the tables hold up to here, beside times; nothing in checkpoints of before this field.
    #[serde(default)]
    pub tables: Tables,
}

/// What a checkpoint is made of beside the network.
#[derive(Clone, Debug)]
pub struct Reached {
    pub step: u64,
    pub tokens: u64,
    pub tables: Tables,
    /// Steps between two checkpoints that are due; 0: only the last is.
    pub every: u64,
}

/// Writes both halves for the step that was reached and removes older checkpoints.
///
/// # Errors
/// If the lock was lost or the file system refuses; earlier checkpoints are then untouched.
pub fn save(run: &RunDir, lock: &Lock, net: &dyn Network, reached: Reached) -> Result<()> {
    lock.check()?;
    let Reached { step, tokens, tables, every } = reached;
    let position = Position { step, tokens, digest: digest::of_state(net).whole, tables };
    let meta = serde_json::to_string(&position).map_err(|e| Fault::failed(e.to_string()))?;
    tensors::write(&run.optimizer(step), &net.moments(), Some(&meta))?;
    tensors::write(&run.checkpoint(step), &state_dict(net.config(), net.parameters()), None)?;
    run.prune(step, every)
}

/// Loads the newest intact checkpoint whose tables are whole into `net`; the start when there is none. What
/// was passed over is told in notes; damaged files are set aside (`.damaged`).
///
/// # Errors
/// If there are checkpoints and every one is damaged. They then stay where they are.
pub fn restore(
    run: &RunDir,
    net: &mut dyn Network,
    modalities: &[Modality],
    observer: &mut dyn Observer,
) -> Result<Position> {
    let steps = run.checkpoints();
    let untrained = (!steps.is_empty()).then(|| (state_dict(net.config(), net.parameters()), net.moments()));
    let (mut damaged, mut passed) = (Vec::new(), 0);
    let mut found = None;
    for &step in steps.iter().rev() {
        let position = match load(run, step, net) {
            Ok(position) => position,
            Err(fault) => {
                damaged.push((step, fault));
                continue;
            }
        };
        let Some(why) = training_log::lacks(run, modalities, step, &position.tables)? else {
            found = Some(position);
            break;
        };
        observer.note(&format!("{why}; it is made again from an earlier step"));
        passed += 1;
    }
    if found.is_none() && passed == 0 {
        none_intact(run, &mut damaged)?;
    }
    for (step, fault) in damaged {
        observer.note(&format!("the checkpoint of step {step} is damaged and set aside: {fault}"));
        set_aside(&run.checkpoint(step))?;
        set_aside(&run.optimizer(step))?;
    }
    match (found, untrained) {
        (Some(position), _) => Ok(position),
        (None, None) => Ok(Position::default()),
        (None, Some((parameters, moments))) => {
            net.load_parameters(parameters)?;
            net.load_moments(moments, 0)?;
            Ok(Position::default())
        }
    }
}

/// Refuses a run that has had checkpoints of which none is left: today, and whenever it is tried again.
fn none_intact(run: &RunDir, damaged: &mut Vec<(u64, Fault)>) -> Result<()> {
    const HELP: &str =
        "no intact checkpoint is left; `nano4m run MANIFEST --force` starts over beside this run";
    if let Some((_, fault)) = damaged.pop() {
        return Err(fault.help(HELP));
    }
    match run.damaged_checkpoints().into_iter().next() {
        None => Ok(()),
        Some(file) => {
            let what = if file.extension().is_some_and(|e| e == "damaged") {
                "the run's checkpoints were damaged and set aside"
            } else {
                "the optimizer's half of the run's checkpoint is missing"
            };
            Err(Fault::failed(what).at(file.display().to_string()).help(HELP))
        }
    }
}

fn load(run: &RunDir, step: u64, net: &mut dyn Network) -> Result<Position> {
    // Whatever is wrong with a run's own files, nothing that was asked for is invalid.
    let damaged = |fault: Fault| Fault { exit: Exit::Failed, ..fault };
    let half = run.optimizer(step);
    let (moments, position) = optimizer(&half).map_err(damaged)?;
    if position.step != step {
        let fault = Fault::failed("a checkpoint of another step").at(half.display().to_string());
        return Err(fault.found(position.step).expected(step));
    }
    let (parameters, _) = tensors::read(&run.checkpoint(step)).map_err(damaged)?;
    net.load_parameters(parameters)?;
    net.load_moments(moments, step)?;
    hold(net, &position, &half)?;
    Ok(position)
}

/// The optimizer's half of a checkpoint: its moments, and where the run stood.
///
/// # Errors
/// If it cannot be read or is none.
pub fn optimizer(half: &Path) -> Result<(Vec<NamedTensor>, Position)> {
    let (moments, meta) = tensors::read(half)?;
    let position = serde_json::from_str(&meta.unwrap_or_default()).map_err(|e| {
        Fault::failed(format!("not the optimizer's half of a checkpoint: {e}")).at(half.display().to_string())
    })?;
    Ok((moments, position))
}

/// Holds parameters and moments that have been loaded against the digest in the optimizer's half.
///
/// # Errors
/// If they are not those that were written.
pub fn hold(net: &dyn Network, position: &Position, half: &Path) -> Result<()> {
    let found = digest::of_state(net).whole;
    if found == position.digest {
        return Ok(());
    }
    Err(Fault::failed("the content of a checkpoint has changed since it was written")
        .at(half.display().to_string())
        .found(found)
        .expected(&position.digest))
}

fn set_aside(path: &Path) -> Result<()> {
    let aside = path.with_extension("safetensors.damaged");
    std::fs::rename(path, &aside).map_err(|e| Fault::io("rename", path, &e))
}
