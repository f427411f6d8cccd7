//! Digests of the tensors that are on disk: against `digests.csv`, and between two runs.

use super::digests;
use super::findings::{Difference, Findings};
use crate::fault::Result;
use crate::store::{tensors, RunDir};
use std::collections::BTreeMap;
use std::path::Path;

/// Hex digits of a tensor's digest that are shown.
const SHOWN: usize = 16;

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
        let file = digests_of(&path)?;
        for (name, digest) in expected.iter().filter(|(name, _)| name != "*") {
            let Some(found) = file.get(name) else { continue };
            checked += 1;
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
        let (x, y) = (digests_of(&p)?, digests_of(&q)?);
        let mut names: Vec<&String> = x.keys().chain(y.keys()).collect();
        names.sort();
        let Some(name) = names.into_iter().find(|name| x.get(*name) != y.get(*name)) else { continue };
        let shown = |digest: Option<&String>| digest.map_or("missing".into(), |d| d[..SHOWN].to_string());
        findings.differences.push(Difference {
            file: name_of(&p),
            step: Some(step),
            tensor: Some(name.clone()),
            a: shown(x.get(name)),
            b: shown(y.get(name)),
            ..Difference::default()
        });
    }
    Ok(())
}

/// Name and digest of every tensor of a file; one tensor is in memory at a time.
fn digests_of(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut digests = BTreeMap::new();
    tensors::visit(path, |tensor| {
        let digest = tensor.digest();
        digests.insert(tensor.name, digest);
    })?;
    Ok(digests)
}

fn name_of(path: &Path) -> String {
    format!("checkpoints/{}", path.file_name().unwrap_or_default().to_string_lossy())
}
