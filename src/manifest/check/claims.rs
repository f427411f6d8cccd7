//! `claims`: what is claimed will be measured, and can be judged.

use super::findings::Findings;
use crate::manifest::diagnostic::Finding;
use crate::manifest::measured;
use crate::manifest::schema::{Claim, Experiment};
use crate::metrics::catalogue::{self, CHANCE, PROBES};
use crate::metrics::retrieval::RetrievalRow;
use crate::metrics::{Key, ScoreRow};
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
            against(e, &format!("{path}.against"), (key, claim), found);
        }
        metric.map_or_else(|finding| found.push(finding), drop);
    }
}

/// A baseline that the metric has, or, if it has not the name of one, another experiment.
fn against(e: &Experiment, at: &str, (key, claim): (&Key, &Claim), found: &mut Findings) {
    let against = claim.against.as_str();
    let chance = key.spec.has_chance.then_some(CHANCE);
    let sources = measured::sources(e, key);
    let baselines: Vec<&str> = chance.into_iter().chain(sources).chain(key.spec.beside).collect();
    if baselines.contains(&against) {
        let gallery = key.variant.map(|(_, n)| n);
        let gallery = gallery.or_else(|| e.data.synthetic.as_ref().map(|s| s.clips.2 as u64));
        let competing = if key.probe == RetrievalRow::PROBE { gallery } else { None };
        found.0.extend(competing.and_then(|n| sure(at, key, against, n)));
        return;
    }
    let a_baseline = against == CHANCE || PROBES.iter().any(|p| p.sources.contains(&against));
    if a_baseline {
        let help = hint(against, "baselines", baselines.iter().copied());
        let help = if baselines.is_empty() { "name another experiment".into() } else { help };
        found.push(Finding::error(at, format!("`{key}` is not measured for `{against}`")).help(help));
    } else if let Some(near) = nearest(against, baselines) {
        let what = format!("`{against}` is no baseline, so it is taken for another experiment");
        found.warn(Finding::error(at, what).help(format!("did you mean `{near}`?")));
    }
}

/// What the data decide: nothing can be better than chance where no more compete than are asked for. Of
/// `test_clips` clips, and `classes` classes.
pub(super) fn on_data(e: &Experiment, test_clips: usize, classes: usize, found: &mut Findings) {
    for (i, claim) in e.claims.iter().enumerate() {
        let Some(key) = catalogue::parse(&claim.metric) else { continue };
        let competing = match key.variant {
            Some((_, gallery)) => gallery,
            None if key.probe == RetrievalRow::PROBE => test_clips as u64,
            None => classes as u64,
        };
        found.0.extend(sure(&format!("claims[{i}].against"), &key, &claim.against, competing));
    }
}

/// What is wrong with a claim that a share within the first k is above chance, where no more than k compete.
fn sure(at: &str, key: &Key, against: &str, competing: u64) -> Option<Finding> {
    let k = key.spec.within.filter(|k| against == CHANCE && competing <= *k)?;
    let what = format!("`{key}` cannot be above chance, which is 100 %");
    Some(Finding::error(at, what).found(format!("the first {k} of {competing}")))
}
