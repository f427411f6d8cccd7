//! What is compared: the cells of an ablation, or two experiments, with their runs and scores.

use super::contrast::{Runs, Seed};
use super::cost::Cost;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Experiment, Probe};
use crate::manifest::text;
use crate::metrics::catalogue::{parse, PROBES};
use crate::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow;
use crate::metrics::memorization::MemorizationRow;
use crate::metrics::{Better, Key, ScoreRow};
use crate::record::ablation::{AblationRecord, Axis, CellClaim};
use crate::report::left_out::LeftOut;
use crate::report::runs::{self, Choice, Group, Run};
use crate::report::scores;
use crate::store;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Sides of a comparison and what is asked of them.
pub struct Comparison {
    /// Name of the ablation, or `a against b`.
    pub name: String,
    pub about: String,
    /// Index of the side the others are held against.
    pub reference: usize,
    /// In order.
    pub metrics: Vec<Key>,
    /// Each with the key of its metric.
    pub claims: Vec<(Key, CellClaim)>,
    /// Metrics that are asked for and that no probe has.
    pub unknown: Vec<String>,
    pub axes: Vec<Axis>,
    pub sides: Vec<Side>,
    /// Runs that are named and not compared: no longer there, of another version, or damaged.
    pub gone: Vec<String>,
    /// Of these, what is there and cannot be used.
    pub left_out: Vec<LeftOut>,
    /// Probes and sides whose scores are of something else than the reference's, though their keys are the same.
    pub other_setups: Vec<String>,
    /// Whether runs without a common seed were paired in order.
    pub in_order: bool,
    /// Runs of two experiments for which the other has no partner: they count in no number.
    pub alone: usize,
}

/// One cell or experiment.
pub struct Side {
    pub label: String,
    /// Axis → label of its value.
    pub values: BTreeMap<String, String>,
    /// Ascending by seed.
    pub runs: Vec<Run>,
    pub scores: Runs,
    /// What decides the targets of cross-entropies: masking, masks and seed; absent when the
    /// manifest cannot be read.
    pub targets: Option<String>,
    pub cost: Option<Cost>,
}

impl Comparison {
    /// The cells of an ablation that was run.
    ///
    /// # Errors
    /// If none of its runs is there, or one is not the run that was recorded.
    pub fn ablation(runs_root: &Path, record: &AblationRecord) -> Result<Comparison> {
        let named: Vec<String> =
            record.cells.iter().flat_map(|c| c.runs.iter().map(|r| r.directory.clone())).collect();
        let loaded = runs::load(runs_root, Choice::Only(&named))?;
        let found: BTreeMap<&str, &Run> =
            loaded.groups.iter().flat_map(|g| &g.runs).map(|r| (r.directory.as_str(), r)).collect();
        if found.is_empty() {
            return Err(Fault::invalid(format!("ablation `{}` has no finished run", record.name))
                .at(runs_root.display().to_string())
                .help(format!("`nano4m ablate {}` makes them", record.name)));
        }
        let claims: Vec<(Key, CellClaim)> =
            record.claims.iter().filter_map(|claim| Some((parse(&claim.metric)?, claim.clone()))).collect();
        let asked: Vec<Key> = record.metrics.iter().filter_map(|key| parse(key)).collect();
        let wanted: Vec<Key> = asked.iter().chain(claims.iter().map(|(key, _)| key)).cloned().collect();
        let wanted = (!record.metrics.is_empty()).then_some(wanted.as_slice());
        let mut sides = Vec::new();
        for cell in &record.cells {
            let mut runs = Vec::new();
            for of in &cell.runs {
                let Some(&run) = found.get(of.directory.as_str()) else { continue };
                same_run(run, &of.identity)?;
                runs.push(([of.seed; 4], run.clone()));
            }
            sides.push(Side::new(cell.label.clone(), cell.values.clone(), runs, wanted)?);
        }
        let metrics = if record.metrics.is_empty() { all_metrics(&sides) } else { asked };
        let named_metrics = record.metrics.iter().chain(record.claims.iter().map(|claim| &claim.metric));
        let unknown: BTreeSet<&String> = named_metrics.filter(|key| parse(key).is_none()).collect();
        let reference = record.cells.iter().position(|c| c.label == record.reference).unwrap_or(0);
        let left_out = loaded.left_out();
        let gone = named.iter().filter(|name| !found.contains_key(name.as_str()));
        Ok(Comparison {
            name: record.name.clone(),
            about: record.about.clone(),
            reference,
            metrics,
            claims,
            unknown: unknown.into_iter().cloned().collect(),
            axes: record.axes.clone(),
            gone: gone.cloned().collect(),
            left_out,
            other_setups: leave_out_other_setups(&mut sides, reference),
            in_order: false,
            alone: 0,
            sides,
        })
    }

    /// Two experiments (all seeds), or two runs, as the user names them; `b` is the reference.
    ///
    /// # Errors
    /// If a name is nobody's or several's, or a run is not finished.
    pub fn pair(runs_root: &Path, a: &str, b: &str) -> Result<Comparison> {
        let loaded = runs::load(runs_root, Choice::All)?;
        let side = |what: &str| -> Result<Side> {
            let (label, runs) = named(runs_root, &loaded.groups, what)?;
            let keyed = runs.into_iter().map(|r| (seeds(&r), r)).collect();
            Side::new(label, BTreeMap::new(), keyed, None)
        };
        let (mut first, mut second) = (side(a)?, side(b)?);
        let (in_order, alone) = partners(&mut first.scores, &mut second.scores);
        let mut sides = vec![first, second];
        let other_setups = leave_out_other_setups(&mut sides, 1);
        Ok(Comparison {
            name: format!("{} against {}", sides[0].label, sides[1].label),
            about: String::new(),
            reference: 1,
            metrics: all_metrics(&sides),
            claims: vec![],
            unknown: vec![],
            axes: vec![],
            gone: vec![],
            left_out: loaded.left_out(),
            other_setups,
            in_order,
            alone,
            sides,
        })
    }

    /// The runs of each side, as the head of a table names them.
    pub fn groups(&self) -> Vec<Group> {
        let group = |s: &Side| Group { label: s.label.clone(), runs: s.runs.clone() };
        self.sides.iter().filter(|s| !s.runs.is_empty()).map(group).collect()
    }

    /// Whether it is asked about a quantity without a better side.
    pub fn undirected(&self) -> bool {
        self.metrics
            .iter()
            .chain(self.claims.iter().map(|(key, _)| key))
            .any(|key| key.spec.better == Better::Neither)
    }

    /// Sides whose cross-entropies are of other targets than the reference's.
    pub fn other_targets(&self) -> Vec<&str> {
        let reference = &self.sides[self.reference];
        let differs = |s: &&Side| !s.runs.is_empty() && !same_targets(s, reference);
        self.sides.iter().filter(differs).map(|s| s.label.as_str()).collect()
    }
}

/// Whether two sides predict the same tokens of the same clips.
pub fn same_targets(a: &Side, b: &Side) -> bool {
    let draws = |side: &Side| side.runs.iter().map(|run| run.record.seeds.probes).collect::<BTreeSet<u64>>();
    let (of_a, of_b) = (draws(a), draws(b));
    a.targets.is_some() && a.targets == b.targets && (of_a.is_subset(&of_b) || of_b.is_subset(&of_a))
}

impl Side {
    /// Its label, and what `--set` changed of its manifest for all of its runs.
    pub fn title(&self) -> String {
        // A label may tell it already.
        let changed = runs::changed_for_all(&self.runs);
        if changed.is_empty() || self.label.ends_with(']') {
            self.label.clone()
        } else {
            format!("{} [{}]", self.label, changed.join(", "))
        }
    }

    fn new(
        label: String,
        values: BTreeMap<String, String>,
        runs: Vec<(Seed, Run)>,
        wanted: Option<&[Key]>,
    ) -> Result<Side> {
        let mut scores = Runs::new();
        for (seed, run) in &runs {
            scores.insert(*seed, scores::read(run, wanted)?);
        }
        let first = runs.first().map(|(_, r)| r);
        let experiment = first.and_then(|r| {
            let manifest = crate::store::regular::read_own_text(r.path.join("resolved.ron")).ok()?;
            text::parse(&manifest).ok()
        });
        let cost = experiment.as_ref().zip(first).map(|(e, r)| Cost::new(e, &r.record));
        let targets = experiment.as_ref().map(targets);
        Ok(Side { label, values, scores, targets, cost, runs: runs.into_iter().map(|(_, r)| r).collect() })
    }
}

/// Everything the targets of the cross-entropy probe are a function of, but for data and seed.
fn targets(experiment: &Experiment) -> String {
    let fixed = experiment.probes.iter().find(|p| matches!(p, Probe::CrossEntropy { masking: Some(_), .. }));
    let lengths: Vec<_> = experiment.modalities.iter().map(|m| (&m.name, m.length)).collect();
    let sample = format!("{lengths:?} rows {:?}", experiment.data.rows);
    match fixed {
        Some(probe) => format!("{probe:?} {sample}"),
        None => {
            let masks = experiment.probes.iter().find(|p| matches!(p, Probe::CrossEntropy { .. }));
            let strategies: Vec<_> = experiment.modalities.iter().map(|m| &m.masking).collect();
            format!("{masks:?} {:?} {strategies:?} {sample}", experiment.masking)
        }
    }
}

/// Gives every run of one side its partner on the other: that of the same seeds, else the next in order, under the
/// seeds of `b`; what has none is taken away. Returns whether some were paired in order, and how many had none.
fn partners(a: &mut Runs, b: &mut Runs) -> (bool, usize) {
    let mut alone: Runs = std::mem::take(a);
    let common = |seed: &Seed, alone: &mut Runs| alone.remove(seed);
    *a = b.keys().filter_map(|seed| Some((*seed, common(seed, &mut alone)?))).collect();
    let free: Vec<Seed> = b.keys().filter(|seed| !a.contains_key(*seed)).copied().collect();
    let in_order = free.len().min(alone.len());
    let lonely = free.len().max(alone.len()) - in_order;
    a.extend(free.into_iter().zip(alone.into_values()));
    b.retain(|seed, _| a.contains_key(seed));
    (in_order > 0, lonely)
}

fn seeds(run: &Run) -> Seed {
    let seeds = run.record.seeds;
    [seeds.init, seeds.data, seeds.masking, seeds.probes]
}

fn same_run(run: &Run, identity: &str) -> Result<()> {
    if run.record.identity == identity {
        return Ok(());
    }
    Err(Fault::failed("a run is not the one the ablation recorded")
        .at(run.path.display().to_string())
        .found(&run.record.identity)
        .expected(identity)
        .help("run the ablation again"))
}

/// An experiment by its name or label, else a run as elsewhere.
fn named(runs_root: &Path, groups: &[Group], what: &str) -> Result<(String, Vec<Run>)> {
    // A label may say behind a blank what was changed.
    let labelled =
        |g: &Group| g.label.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ["));
    let matching: Vec<&Group> =
        groups.iter().filter(|g| labelled(g) || g.runs[0].record.name == what).collect();
    match matching.as_slice() {
        [one] => return Ok((one.label.clone(), one.runs.clone())),
        [] => {}
        several => {
            let labels: Vec<&str> = several.iter().map(|g| g.label.as_str()).collect();
            let fault = Fault::invalid(format!("`{what}` names {} experiments", several.len()))
                .at(runs_root.display().to_string())
                .found(labels.join(", "))
                .expected("one of these");
            let alike = several.iter().all(|g| g.runs[0].manifest == several[0].runs[0].manifest);
            return Err(if alike {
                fault.help(
                    "runs of the same training seeds are one trained model, however often it is measured: they are no \
                     seeds of a recipe",
                )
            } else {
                fault
            });
        }
    }
    let dir = store::find(runs_root, what)?;
    if !dir.finished() {
        return Err(Fault::invalid("the run is not finished, there is nothing to compare yet")
            .at(dir.path.display().to_string())
            .help(format!("`nano4m resume {}` continues it", dir.id.short())));
    }
    let folder = dir.path.parent().unwrap_or(runs_root).to_path_buf();
    let group = runs::load(&folder, Choice::Only(&[dir.id.directory()]))?.whole()?;
    let runs: Vec<Run> = group.into_iter().flat_map(|g| g.runs).collect();
    Ok((dir.id.directory(), runs))
}

/// Takes away the scores of sides that are of something else than the reference's, though their keys are the
/// same; returns which.
fn leave_out_other_setups(sides: &mut [Side], reference: usize) -> Vec<String> {
    let mut left_out = Vec::new();
    for probe in [MemorizationRow::PROBE, ForwardVsAutoregressiveRow::PROBE] {
        let of_probe = |key: &str| key.split('/').next() == Some(probe);
        let has =
            |side: &Side| side.scores.values().flat_map(|scores| scores.keys()).any(|key| of_probe(key));
        let setup = |side: &Side| side.runs.first().and_then(|run| run.setup(probe));
        let Some(expected) = Some(&sides[reference]).filter(|side| has(side)).map(setup) else { continue };
        for side in sides.iter_mut().filter(|side| has(side) && setup(side) != expected) {
            side.scores.values_mut().for_each(|scores| scores.retain(|key, _| !of_probe(key)));
            left_out.push(format!("{probe} of {}", side.label));
        }
    }
    left_out
}

/// Every metric that some side has, in the order of the probes.
fn all_metrics(sides: &[Side]) -> Vec<Key> {
    let keys: BTreeSet<&String> =
        sides.iter().flat_map(|s| s.scores.values()).flat_map(|scores| scores.keys()).collect();
    let modalities = sides.iter().flat_map(|s| &s.runs).next().map(|r| &r.record.modalities);
    let place = |key: &Key| {
        let modality = modalities.and_then(|all| all.iter().position(|m| m.name == key.about));
        (PROBES.iter().position(|p| p.name == key.probe), modality)
    };
    let mut keys: Vec<Key> = keys.into_iter().filter_map(|key| parse(key)).collect();
    keys.sort_by_key(place);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_its_partner() {
        let runs = |seeds: &[u64]| -> Runs {
            let scores = |s: u64| scores::Scores::from([(s.to_string(), Default::default())]);
            seeds.iter().map(|&s| ([s; 4], scores(s))).collect()
        };
        let of = |a: &[u64], b: &[u64]| {
            let (mut a, mut b) = (runs(a), runs(b));
            let (in_order, alone) = partners(&mut a, &mut b);
            assert!(a.keys().eq(b.keys()));
            let name = |scores: &scores::Scores| scores.keys().next().cloned().unwrap_or_default();
            let pairs: Vec<String> =
                a.values().zip(b.values()).map(|(a, b)| format!("{} {}", name(a), name(b))).collect();
            (pairs.join(", "), in_order, alone)
        };
        assert_eq!(of(&[1, 2], &[1, 2]), ("1 1, 2 2".into(), false, 0));
        assert_eq!(of(&[1, 2, 3], &[3, 4, 5]), ("3 3, 1 4, 2 5".into(), true, 0));
        assert_eq!(of(&[1, 2, 3], &[2]), ("2 2".into(), false, 2));
        assert_eq!(of(&[1], &[7, 8]), ("1 7".into(), true, 1));
    }

    #[test]
    fn a_fixed_masking_makes_targets_the_same() {
        let of = |strategy: &str, budgets: &str, probe: &str| {
            let modality = format!("(name: \"a@8\", length: 8, vocab: 7, masking: {strategy})");
            let manifest = format!(
                "(schema: 1, name: \"x\", data: (), modalities: [{modality}], masking: {budgets}, probes: [{probe}])"
            );
            targets(&text::parse(&manifest).unwrap_or_else(|(f, _)| panic!("{f:?}")))
        };
        let (own, fixed) = ("CrossEntropy()", "CrossEntropy(masking: (input_tokens: (1, 4)))");
        let budgets = "(input_tokens: (2, 4))";
        assert_eq!(of("Random", "()", fixed), of("Span(stride: 2)", budgets, fixed));
        assert_ne!(of("Random", "()", own), of("Span(stride: 2)", "()", own));
        assert_ne!(of("Random", "()", own), of("Random", budgets, own));
        assert_ne!(of("Random", "()", fixed), of("Random", "()", "CrossEntropy(masks: 3, masking: ())"));
    }
}
