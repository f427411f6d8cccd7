//! Linear probe of the encoder beside its controls: shuffled labels and random weights.

use super::built::Built;
use super::common::{self, add, largest_p, share, views, Clips, Context, Draft, Headline, View};
use crate::fault::Result;
use crate::record::examples::LinearProbe;
use crate::record::Direction as Better;
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};
use crate::stats::{binomial, detectable, Alternative, Estimable, NotEstimable};
use std::collections::{BTreeMap, BTreeSet};

const TOP1: usize = 4;
const MINUS: usize = 5;
const P: usize = 7;
const ADJUSTED: usize = 8;
const MDE: usize = 9;
const NONE: &str = "none";

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("inputs"),
        Column::key("control"),
        Column::estimate("top1_percent", "top-1", "%", 2).higher(),
        Column::estimate("minus_probe_percent", "minus probe", "%", 2),
        Column::number("chance_percent", "chance", "%", 2),
        Column::p("p", "p").csv_only(),
        Column::p("p_adjusted", "p adj."),
        Column::number("mde_percent", "MDE", "%", 2),
        Column::count("classes"),
        Column::count("clips"),
    ]
}

/// inputs → control → clips.
type Scores = BTreeMap<String, BTreeMap<String, Clips>>;

fn by_inputs(rows: &[LinearProbe]) -> Scores {
    let mut all = Scores::new();
    for r in rows {
        let clips = all.entry(r.inputs.clone()).or_default().entry(r.control.clone()).or_default();
        add(clips, &r.clip, f64::from(u8::from(r.true_class == r.predicted_class)), 1.0);
    }
    all
}

/// The table; `None` when no run has the probe.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut blocks) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<LinearProbe>(group)? else { continue };
        let classes = runs.iter().flatten().map(|r| r.classes).max().unwrap_or(0);
        let scores: Vec<Scores> = runs.iter().map(|r| by_inputs(r)).collect();
        let inputs: BTreeSet<&String> = scores.iter().flat_map(|s| s.keys()).collect();
        for inputs in inputs {
            let mut decided: BTreeMap<String, usize> = BTreeMap::new();
            for control in controls(&scores, inputs) {
                for view in views(group) {
                    let key = (inputs.as_str(), control.as_str());
                    let Some(draft) = draft(context, group, &view, key, &scores, classes) else { continue };
                    if view.decides {
                        decided.insert(control.clone(), drafts.len());
                    }
                    drafts.push(draft);
                }
            }
            blocks.push((group, inputs.clone(), decided));
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = common::correct(&mut drafts, P, ADJUSTED, Some(MDE));
    embolden(&mut drafts, blocks.iter().map(|b| &b.2));
    let headlines = blocks.iter().filter_map(|(g, i, decided)| headline(g, i, decided, &drafts)).collect();
    Ok(Some(Built { table: table(context, drafts, m), headlines }))
}

/// The probe first, then its controls by name.
fn controls(scores: &[Scores], inputs: &str) -> Vec<String> {
    let mut names: BTreeSet<&String> =
        scores.iter().filter_map(|s| s.get(inputs)).flat_map(|c| c.keys()).collect();
    let first = names.take(&NONE.to_string()).into_iter();
    first.chain(names.clone()).cloned().collect()
}

fn draft(
    context: &Context,
    group: &Group,
    view: &View,
    (inputs, control): (&str, &str),
    scores: &[Scores],
    classes: u32,
) -> Option<Draft> {
    let of = |control: &str| -> Vec<&Clips> {
        view.runs.iter().filter_map(|&r| scores[r].get(inputs)?.get(control)).collect()
    };
    let (own, probe) = (of(control), of(NONE));
    if own.is_empty() {
        return None;
    }
    let chance = if classes > 1 { Ok(1.0 / f64::from(classes)) } else { Err(NotEstimable::NoSpread) };
    let is_probe = control == NONE;
    let minus = match is_probe {
        true => Cell::Empty,
        false => Cell::estimate(common::difference(&own, &probe, &context.plan).map(common::percent)),
    };
    let mut draft = Draft::new(vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::text(common::names(group, inputs)),
        Cell::text(control),
        Cell::estimate(share(&own, &context.plan)),
        minus,
        chance.map_or_else(Cell::Absent, |c| Cell::Number(100.0 * c)),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Count(u64::from(classes)),
        Cell::Count(common::common_clips(&own)),
    ]);
    if view.decides {
        let n = own[0].len() as u64;
        draft.p = Some(match is_probe {
            true => largest_p(&own, |h, n| binomial::test(h, n, chance?, Alternative::Greater)),
            false => mcnemar(&own, &probe),
        });
        draft.mde = match is_probe {
            true => chance
                .and_then(|c| Ok(100.0 * (detectable::proportion(n, c, common::ALPHA, common::POWER)? - c))),
            false => common::paired_mde(&own, &probe).map(|d| 100.0 * d),
        };
    }
    Some(draft)
}

/// McNemar's exact test on common clips; the largest p of the seeds.
fn mcnemar(a: &[&Clips], b: &[&Clips]) -> Estimable<f64> {
    if a.len() != b.len() {
        return Err(NotEstimable::Unpaired);
    }
    let mut largest: Estimable<f64> = Err(NotEstimable::NoData);
    for (a, b) in a.iter().zip(b) {
        let both: Vec<(bool, bool)> =
            a.iter().filter_map(|(clip, x)| b.get(clip).map(|y| (x.0 > 0.5, y.0 > 0.5))).collect();
        let (x, y): (Vec<bool>, Vec<bool>) = both.into_iter().unzip();
        let p = crate::stats::mcnemar::paired(&x, &y)?;
        largest = Ok(largest.map_or(p, |q: f64| q.max(p)));
    }
    largest
}

/// Bold: the probe beats chance and each of its controls.
fn embolden<'a>(drafts: &mut [Draft], blocks: impl Iterator<Item = &'a BTreeMap<String, usize>>) {
    for decided in blocks {
        let Some(&probe) = decided.get(NONE) else { continue };
        let own = super::compared::value(&drafts[probe], TOP1);
        let better = |&i: &usize| i == probe || super::compared::value(&drafts[i], TOP1) < own;
        if decided.len() > 1 && decided.values().all(|i| drafts[*i].significant() && better(i)) {
            drafts[probe].row.bold.push(TOP1);
        }
    }
}

fn headline(
    group: &Group,
    inputs: &str,
    decided: &BTreeMap<String, usize>,
    drafts: &[Draft],
) -> Option<Headline> {
    let probe = &drafts[*decided.get(NONE)?];
    let control = decided.get("random_weights").map(|&i| &drafts[i]);
    let (Cell::Text(seed), Cell::Count(clips)) = (&probe.row.cells[1], &probe.row.cells[11]) else {
        return None;
    };
    let chance = match probe.row.cells[6] {
        Cell::Number(c) => Some(c),
        _ => None,
    };
    Some(Headline {
        experiment: group.label.clone(),
        seed: seed.clone(),
        quantity: format!("{} → class, linear probe", common::names(group, inputs)),
        unit: "%",
        better: Better::Higher,
        digits: 2,
        value: probe.row.cells[TOP1].clone(),
        against: if control.is_some() { "random weights".into() } else { "chance".into() },
        against_value: control.map_or(chance, |c| super::compared::value(c, TOP1)),
        adjusted: control.map_or(probe.adjusted, |c| c.adjusted),
        clips: *clips,
        published: None,
    })
}

fn table(context: &Context, drafts: Vec<Draft>, m: usize) -> Table {
    debug_assert_eq!(columns()[MINUS].name, "minus_probe_percent");
    Table {
        name: "linear_probe".into(),
        title: "Linear probe of the encoder".into(),
        schema: 1,
        columns: columns(),
        rows: drafts.into_iter().map(|d| d.row).collect(),
        notes: vec![
            "A linear classifier on mean encoder outputs, fitted on the training split. Controls: shuffled_labels (the \
             same classifier on permuted labels: what it can learn by heart) and random_weights (an untrained encoder)."
                .into(),
            common::share_note(&context.plan),
            common::correction_note(
                "the probe: exact binomial test against chance, one-sided; a control: McNemar's exact test against the probe",
                m,
            ),
            common::MDE_NOTE.into(),
            "Bold: better than chance and every control by the corrected tests.".into(),
        ],
    }
}
