//! Comparing checkpoints tensor by tensor, and with the digests written while training.

use super::{digests, Difference, Findings};
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use crate::store::RunDir;
use safetensors::SafeTensors;
use std::path::Path;

/// Holds the checkpoint of `step` against that step's rows of `digests.csv`.
pub fn against_digests(run: &RunDir, step: u64, findings: &mut Findings) -> Result<()> {
    let digests = digests::read(run)?;
    let Some(expected) = digests.get(&step) else { return Ok(()) };
    if !run.checkpoints().contains(&step) {
        findings.checked.push(format!("the checkpoint of step {step} was removed: not checked"));
        return Ok(());
    }
    let mut checked = 0;
    for path in [run.checkpoint(step), run.optimizer(step)] {
        let bytes = read(&path)?;
        let file = parse(&bytes, &path)?;
        for (name, digest) in expected.iter().filter(|(name, _)| name != "*") {
            let Ok(view) = file.tensor(name) else { continue };
            checked += 1;
            let found = of_tensor(name, view.shape(), view.data());
            if !found.starts_with(digest.as_str()) {
                let (a, b) = (digest.clone(), found[..digest.len().min(found.len())].to_string());
                findings.differences.push(Difference {
                    file: name_of(&path),
                    step: Some(step),
                    tensor: Some(name.clone()),
                    a,
                    b,
                    ..Difference::default()
                });
            }
        }
    }
    findings.checked.push(format!("{checked} tensors of step {step} against digests.csv"));
    let missing = expected.len() - 1 - checked.min(expected.len() - 1);
    if missing > 0 {
        findings.differences.push(Difference {
            file: name_of(&run.checkpoint(step)),
            step: Some(step),
            a: format!("{} tensors", expected.len() - 1),
            b: format!("{checked} tensors"),
            ..Difference::default()
        });
    }
    Ok(())
}

/// Names the first tensor that differs in the newest checkpoint both runs have.
pub fn compare(a: &RunDir, b: &RunDir, findings: &mut Findings) -> Result<()> {
    let theirs = b.checkpoints();
    let Some(step) = a.checkpoints().into_iter().rev().find(|s| theirs.contains(s)) else { return Ok(()) };
    findings.checked.push(format!("checkpoint of step {step}, every tensor"));
    for (p, q) in [(a.checkpoint(step), b.checkpoint(step)), (a.optimizer(step), b.optimizer(step))] {
        let (x, y) = (read(&p)?, read(&q)?);
        if x == y {
            continue;
        }
        let (x, y) = (parse(&x, &p)?, parse(&y, &q)?);
        let mut names: Vec<String> = x.names().into_iter().chain(y.names()).map(|n| n.to_string()).collect();
        names.sort();
        names.dedup();
        let digest = |file: &SafeTensors, name: &str| {
            file.tensor(name)
                .map_or("missing".into(), |v| of_tensor(name, v.shape(), v.data())[..16].to_string())
        };
        let differing = names.iter().map(|n| (n, digest(&x, n), digest(&y, n))).find(|(_, p, q)| p != q);
        if let Some((name, a, b)) = differing {
            findings.differences.push(Difference {
                file: name_of(&p),
                step: Some(step),
                tensor: Some(name.clone()),
                a,
                b,
                ..Difference::default()
            });
        }
    }
    Ok(())
}

/// As `train::digest` computes it while training: name, rank, shape, little-endian values.
fn of_tensor(name: &str, shape: &[usize], data: &[u8]) -> String {
    let mut hasher = Hasher::new("nano4m.tensor.v1");
    hasher.field(name.as_bytes()).number(shape.len() as u64);
    for &d in shape {
        hasher.number(d as u64);
    }
    hasher.field(data);
    hasher.finish_hex()
}

fn name_of(path: &Path) -> String {
    format!("checkpoints/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Fault::io("read", path, &e))
}

fn parse<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|e| {
        Fault::failed(format!("the checkpoint is corrupt or truncated: {e}")).at(path.display().to_string())
    })
}
