//! Linear probe of the encoder beside its controls: shuffled labels and random weights.

use super::built::{Against, Built, Headline};
use super::compared::{self, Sources};
use super::notes;
use super::tested::{self, Test};
use super::views::{scored, Context, Scored};
use crate::fault::Result;
use crate::metrics::catalogue::CHANCE;
use crate::metrics::clips::{common_clips, Clips};
use crate::metrics::estimate::{self, chance_p, mcnemar_p, share, share_mde};
use crate::metrics::linear_probe::{LinearProbeRow, NO_CONTROL, TOP1};
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate};
use std::collections::{BTreeMap, BTreeSet};

/// The probe or a control of it on one set of inputs.
type Line<'a> = compared::SourceLine<'a, String, More>;

struct More {
    /// As a fraction.
    chance: Estimable<f64>,
    classes: u32,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = compared::columns();
    columns.extend([
        Column::key("inputs", |l: &Line| l.view.group.names(&l.key)),
        Column::key("control", |l: &Line| l.source.clone()),
        Column::of(&TOP1.spec, "top1_percent", "top-1", |l: &Line| l.value).bold(|l| l.best),
        Column::estimate("minus_probe_percent", "minus probe", &TOP1.spec, |l: &Line| l.minus),
        Column::number("chance_percent", "chance", &TOP1.spec, |l: &Line| l.more.chance.map(|c| 100.0 * c)),
    ]);
    columns
        .extend(tested::columns(["p", "p_adjusted", "mde_percent"], &TOP1.spec, |l: &Line| l.test.as_ref()));
    columns.push(compared::verdict_column("probe"));
    columns.extend([
        Column::count("classes", |l: &Line| u64::from(l.more.classes)),
        Column::count("clips", |l: &Line| l.clips),
    ]);
    columns
}

/// inputs → control → clips.
type Scores = BTreeMap<String, Sources<Clips>>;

/// One run, and the classes of its rows.
fn by_inputs(rows: &[LinearProbeRow]) -> (Scores, u32) {
    let scores =
        compared::by_source(rows, |r| (r.inputs.clone(), r.control.clone()), |rows| TOP1.clips(rows));
    (scores, rows.iter().map(|r| r.classes).max().unwrap_or(0))
}

/// The table; `None` when no run has the probe.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| by_inputs(&rows))?;
    let mut lines: Vec<Line> = Vec::new();
    for experiment in &scored {
        let inputs: BTreeSet<&String> =
            experiment.runs.iter().flat_map(|(scores, _)| scores.keys()).collect();
        for inputs in inputs {
            lines.extend(block(context, experiment, inputs));
        }
    }
    let tests = compared::correct(&mut lines);
    compared::mark_best(&mut lines, NO_CONTROL, |own, other| own > other);
    for line in lines.iter_mut().filter(|line| line.best) {
        line.best = line.number() > line.more.chance.ok().map(|chance| 100.0 * chance);
    }
    compared::judge(&mut lines, (NO_CONTROL, TOP1.spec.better), level);
    let headlines = compared::blocks(&lines).filter_map(|block| headline(&block)).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn block<'a>(context: &Context, experiment: &Scored<'a, (Scores, u32)>, inputs: &String) -> Vec<Line<'a>> {
    let classes = experiment.runs.iter().map(|(_, classes)| *classes).max().unwrap_or(0);
    let chance = estimate::chance(1, classes);
    let none = Sources::new();
    let runs: Vec<&Sources<Clips>> =
        experiment.runs.iter().map(|(scores, _)| scores.get(inputs).unwrap_or(&none)).collect();
    compared::block(experiment.group, &runs, &[NO_CONTROL], |side| {
        let (own, probe, is_probe) = (side.own.clone(), side.first.clone(), side.is_first);
        let test = || {
            if is_probe {
                return Test::new(chance_p(&own, chance), share_mde(own[0].len() as u64, chance));
            }
            Test::new(mcnemar_p(&own, &probe), estimate::paired_mde(&own, &probe).map(|d| 100.0 * d))
        };
        let test = side.view.decides.then(test);
        let minus = || estimate::difference(&own, &probe, &context.plan).map(Estimate::percent);
        let more = More { chance, classes };
        let line = side.line(inputs, share(&own, &context.plan), common_clips(&own), more);
        Line { minus: (!is_probe).then(minus), test, ..line }
    })
}

/// What guessing reaches, tested on the probe's own line.
fn level(probe: &Line) -> Option<Against> {
    let value = Some(100.0 * probe.more.chance.ok()?);
    Some(Against { name: CHANCE.into(), value, adjusted: probe.test.and_then(|test| test.adjusted) })
}

fn headline(block: &[&Line]) -> Option<Headline> {
    let probe = compared::of_source(block, NO_CONTROL)?;
    let quantity = format!("{} → class, linear probe", probe.view.group.names(&probe.key));
    let against = compared::strongest(block, TOP1.spec.better, level(probe));
    Some(Headline { against, ..probe.headline(&TOP1.spec, quantity) })
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let notes = vec![
        "A linear classifier on mean encoder outputs, fitted on the training split. Controls: shuffled_labels (the \
         same classifier on permuted labels: what it can learn by heart), random_weights (an untrained encoder) and \
         majority_class (always the largest class of the training split)."
            .into(),
        notes::share(&context.plan),
        notes::correction(
            "the probe: exact binomial test against chance, two-sided; a control: McNemar's exact test against the probe",
            tests,
        ),
        notes::mde(),
        notes::VERDICT.into(),
        "Bold: better than chance and every control by the corrected tests.".into(),
    ];
    Table::new("linear_probe", "Linear probe of the encoder", 2, columns(), lines, notes)
}
