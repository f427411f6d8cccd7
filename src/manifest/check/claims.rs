//! `claims`: what is claimed will be measured, and can be judged.

use super::findings::Findings;
use crate::manifest::diagnostic::Finding;
use crate::manifest::measured;
use crate::manifest::schema::{Claim, Experiment};
use crate::metrics::catalogue::{self, PROBES};
use crate::metrics::Key;
use crate::suggest::{hint, nearest};

pub(super) fn check(e: &Experiment, found: &mut Findings) {
    for (i, claim) in e.claims.iter().enumerate() {
        let path = format!("claims[{i}]");
        let metric = measured::find(e, &format!("{path}.metric"), &claim.metric);
        if claim.against.trim().is_empty() {
            found.push(
                Finding::error(format!("{path}.against"), "the claim is against nothing")
                    .expected("a baseline such as \"unigram_marginal\", or a run"),
            );
        } else if let Ok(key) = &metric {
            against(&format!("{path}.against"), key, claim, found);
        }
        metric.map_or_else(|finding| found.push(finding), drop);
    }
}

/// A baseline that the metric has, or, if it has not the name of one, another experiment.
fn against(at: &str, key: &Key, claim: &Claim, found: &mut Findings) {
    let against = claim.against.as_str();
    let Some(probe) = catalogue::probe(key.probe) else { return };
    let chance = key.spec.has_chance.then_some("chance");
    let sources = probe.sources.iter().copied();
    let baselines: Vec<&str> = chance.into_iter().chain(sources).chain(key.spec.beside).collect();
    if baselines.contains(&against) {
        return;
    }
    let a_baseline = against == "chance" || PROBES.iter().any(|p| p.sources.contains(&against));
    if a_baseline {
        let help = hint(against, "baselines", baselines.iter().copied());
        let help = if baselines.is_empty() { "name another experiment".into() } else { help };
        found.push(Finding::error(at, format!("`{key}` is not measured for `{against}`")).help(help));
    } else if let Some(near) = nearest(against, baselines) {
        let what = format!("`{against}` is no baseline, so it is taken for another experiment");
        found.warn(Finding::error(at, what).help(format!("did you mean `{near}`?")));
    }
}
