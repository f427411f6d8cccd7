//! Directions: token accuracy and cross-entropy of whole modalities from others, in one pass.

use super::built::Built;
use super::common::{self, add, Context, Draft, Headline};
use super::compared::{self, each_line, Line, Placed, Sources};
use crate::fault::Result;
use crate::record::examples::{source, Direction};
use crate::record::Direction as Better;
use crate::report::reference::{find, Published};
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};
use std::collections::{BTreeMap, BTreeSet};

const ACCURACY: usize = 5;
const P: usize = 7;
const ADJUSTED: usize = 8;
const MDE: usize = 9;
const CLIPS: usize = 12;

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("direction"),
        Column::key("modality"),
        Column::key("source"),
        Column::estimate("accuracy_percent", "token accuracy", "%", 2).higher(),
        Column::estimate("minus_model_percent", "minus model", "%", 2),
        Column::p("p", "p").csv_only(),
        Column::p("p_adjusted", "p adj."),
        Column::number("mde_percent", "MDE", "%", 2),
        Column::estimate("ce_nats_per_token", "CE", "nats/token", 4).lower(),
        Column::number("ce_bits_per_token", "CE", "bits/token", 3).lower(),
        Column::count("clips"),
        Column::count("tokens"),
        Column::number("published_accuracy_percent", "published", "%", 2),
    ]
}

/// Direction and target modality.
type Key = (String, String);

/// One run: accuracy and cross-entropy by source.
#[derive(Default)]
struct Scores {
    accuracy: Sources,
    ce: Sources,
}

fn by_key(rows: &[Direction], group: &Group) -> BTreeMap<Key, Scores> {
    let mut all: BTreeMap<Key, Scores> = BTreeMap::new();
    for r in rows {
        let s = all.entry((r.direction.clone(), r.modality.clone())).or_default();
        let tokens = r.tokens as f64;
        add(s.accuracy.entry(r.source.clone()).or_default(), &r.clip, r.correct as f64, tokens);
        add(s.ce.entry(r.source.clone()).or_default(), &r.clip, r.ce_nats, tokens);
    }
    for (key, s) in &mut all {
        uniform(s, &key.1, group);
    }
    all
}

/// Adds chance where the probe did not write it: 1/vocabulary and its logarithm.
fn uniform(s: &mut Scores, modality: &str, group: &Group) {
    let vocab = group.runs[0].record.modalities.iter().find(|m| m.name == modality).map(|m| m.vocab);
    let (Some(vocab), Some(model)) = (vocab, s.accuracy.get(source::MODEL).cloned()) else { return };
    if s.accuracy.contains_key(source::UNIFORM) {
        return;
    }
    let (mut accuracy, mut ce) = (common::clips(), common::clips());
    for (clip, (_, tokens)) in &model {
        add(&mut accuracy, clip, tokens / vocab as f64, *tokens);
        add(&mut ce, clip, tokens * (vocab as f64).ln(), *tokens);
    }
    s.accuracy.insert(source::UNIFORM.into(), accuracy);
    s.ce.insert(source::UNIFORM.into(), ce);
}

/// The table; `None` when no run has directions.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut blocks) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<Direction>(group)? else { continue };
        let scores: Vec<BTreeMap<Key, Scores>> = runs.iter().map(|r| by_key(r, group)).collect();
        let keys: BTreeSet<&Key> = scores.iter().flat_map(|s| s.keys()).collect();
        for key in keys {
            let none = Scores::default();
            let of: Vec<&Scores> = scores.iter().map(|s| s.get(key).unwrap_or(&none)).collect();
            let accuracy: Vec<&Sources> = of.iter().map(|s| &s.accuracy).collect();
            let block = each_line(context, group, &accuracy, |l| draft(context, group, key, &of, l));
            blocks.push((group, key.clone(), compared::append(&mut drafts, block)));
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = common::correct(&mut drafts, P, ADJUSTED, Some(MDE));
    for (_, _, placed) in &blocks {
        compared::embolden(&mut drafts, placed, ACCURACY, |own, other| own > other);
    }
    let headlines = blocks.iter().filter_map(|(g, key, placed)| headline(g, key, placed, &drafts)).collect();
    Ok(Some(Built { table: table(context, drafts, m), headlines }))
}

fn draft(context: &Context, group: &Group, key: &Key, of: &[&Scores], line: Line) -> Draft {
    let ce: Vec<_> = line.view.runs.iter().filter_map(|&r| of[r].ce.get(line.source)).collect();
    let ce = common::estimate(&ce, &context.plan);
    let tokens: f64 = line.maps[0].values().map(|c| c.1).sum();
    let percent = |e: crate::stats::Estimable<_>| Cell::estimate(e.map(common::percent));
    let published = (line.source == source::MODEL).then(|| published(group, key)).flatten();
    let mut draft = Draft::new(vec![
        Cell::text(&group.label),
        Cell::text(&line.view.seed),
        Cell::text(common::direction(group, &key.0)),
        Cell::text(common::names(group, &key.1)),
        Cell::text(line.source),
        Cell::estimate(common::estimate(&line.maps, &context.plan).map(common::share_percent)),
        line.minus_model.map_or(Cell::Empty, percent),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::estimate(ce),
        Cell::number(ce.ok().map(|e| e.value / std::f64::consts::LN_2)),
        Cell::Count(line.clips),
        Cell::Count(tokens as u64),
        Cell::number(published.map(|p| p.value)),
    ]);
    (draft.p, draft.mde) = (line.p, line.mde.map(|m| 100.0 * m));
    draft
}

fn published(group: &Group, key: &Key) -> Option<&'static Published> {
    find(&format!("direction/{}/{}", key.0, key.1), &group.runs[0].record.modalities)
}

fn headline(group: &Group, key: &Key, placed: &Placed, drafts: &[Draft]) -> Option<Headline> {
    let model = &drafts[placed.model?].row;
    let (Cell::Text(seed), Cell::Count(clips)) = (&model.cells[1], &model.cells[CLIPS]) else { return None };
    // The strongest baseline that does not see the input.
    let baselines = [source::POSITION, source::UNIGRAM, source::UNIFORM];
    let of = |b: &&'static str| {
        let draft = &drafts[*placed.decided.get(*b)?];
        compared::value(draft, ACCURACY).map(|v| (*b, draft, v))
    };
    let against = baselines.iter().filter_map(of).max_by(|a, b| a.2.total_cmp(&b.2));
    Some(Headline {
        experiment: group.label.clone(),
        seed: seed.clone(),
        quantity: format!(
            "{}, {} token accuracy",
            common::direction(group, &key.0),
            common::names(group, &key.1)
        ),
        unit: "%",
        better: Better::Higher,
        digits: 2,
        value: model.cells[ACCURACY].clone(),
        against: against.map_or(String::new(), |a| a.0.to_string()),
        against_value: against.map(|a| a.2),
        adjusted: against.and_then(|a| a.1.adjusted),
        clips: *clips,
        published: published(group, key),
    })
}

fn table(context: &Context, drafts: Vec<Draft>, m: usize) -> Table {
    Table {
        name: "directions".into(),
        title: "Directions: whole modalities from others".into(),
        schema: 1,
        columns: columns(),
        rows: drafts.into_iter().map(|d| d.row).collect(),
        notes: vec![
            "One forward pass on full modalities, under the masking the direction implies; logits restricted to the \
             modality's own vocabulary."
                .into(),
            common::mean_note(&context.plan),
            common::correction_note("paired sign-flip test of accuracy over clips against the model, two-sided", m),
            common::MDE_NOTE.into(),
            "Bold: the model is better than every other row of its direction by the corrected test.".into(),
            common::PUBLISHED_NOTE.into(),
        ],
    }
}
