//! Cross-entropy per modality beside its baselines, nats and bits per token.

use super::built::Built;
use super::common::{self, add, Context, Draft, Headline};
use super::compared::{self, each_line, Line, Placed, Sources};
use crate::fault::Result;
use crate::record::examples::{source, CrossEntropy};
use crate::record::Direction as Better;
use crate::report::reference::find;
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};
use std::collections::BTreeMap;

const CE: usize = 4;
const P: usize = 7;
const ADJUSTED: usize = 8;
const MDE: usize = 9;

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("modality"),
        Column::key("source"),
        Column::estimate("ce_nats_per_token", "CE", "nats/token", 4).lower(),
        Column::number("ce_bits_per_token", "CE", "bits/token", 3).lower(),
        Column::estimate("minus_model_nats_per_token", "minus model", "nats/token", 4),
        Column::p("p", "p").csv_only(),
        Column::p("p_adjusted", "p adj."),
        Column::number("mde_nats_per_token", "MDE", "nats/token", 4),
        Column::count("clips"),
        Column::count("tokens"),
        Column::number("published_nats_per_token", "published", "nats/token", 4),
    ]
}

/// The table; `None` when no run has cross-entropies.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut blocks) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<CrossEntropy>(group)? else { continue };
        let scores: Vec<BTreeMap<String, Sources>> = runs.iter().map(|r| by_modality(r)).collect();
        for modality in modalities(group, &scores) {
            let empty = Sources::new();
            let of: Vec<&Sources> = scores.iter().map(|s| s.get(&modality).unwrap_or(&empty)).collect();
            let block = each_line(context, group, &of, |l| draft(context, group, &modality, l));
            blocks.push((group, modality, compared::append(&mut drafts, block)));
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = common::correct(&mut drafts, P, ADJUSTED, Some(MDE));
    for (_, _, placed) in &blocks {
        compared::embolden(&mut drafts, placed, CE, |own, other| own < other);
    }
    let headlines = blocks.iter().filter_map(|(g, m, placed)| headline(g, m, placed, &drafts)).collect();
    Ok(Some(Built { table: table(context, drafts, m), headlines }))
}

fn by_modality(rows: &[CrossEntropy]) -> BTreeMap<String, Sources> {
    let mut all: BTreeMap<String, Sources> = BTreeMap::new();
    for r in rows {
        let clips = all.entry(r.modality.clone()).or_default().entry(r.source.clone()).or_default();
        add(clips, &r.clip, r.ce_nats, r.tokens as f64);
    }
    all
}

/// In the manifest's order; what the manifest does not name follows.
fn modalities(group: &Group, scores: &[BTreeMap<String, Sources>]) -> Vec<String> {
    let declared = group.runs[0].record.modalities.iter().map(|m| m.name.clone());
    let seen = |name: &String| scores.iter().any(|s| s.contains_key(name));
    let mut names: Vec<String> = declared.filter(seen).collect();
    for name in scores.iter().flat_map(|s| s.keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn draft(context: &Context, group: &Group, modality: &str, line: Line) -> Draft {
    let ce = common::estimate(&line.maps, &context.plan);
    let tokens: f64 = line.maps[0].values().map(|c| c.1).sum();
    let published = (line.source == source::MODEL)
        .then(|| find(&format!("ce/{modality}"), &group.runs[0].record.modalities))
        .flatten();
    let mut draft = Draft::new(vec![
        Cell::text(&group.label),
        Cell::text(&line.view.seed),
        Cell::text(common::direction(group, modality)),
        Cell::text(line.source),
        Cell::estimate(ce),
        Cell::number(ce.ok().map(|e| e.value / std::f64::consts::LN_2)),
        line.minus_model.map_or(Cell::Empty, Cell::estimate),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Count(line.clips),
        Cell::Count(tokens as u64),
        Cell::number(published.map(|p| p.value)),
    ]);
    (draft.p, draft.mde) = (line.p, line.mde);
    draft
}

fn headline(group: &Group, modality: &str, placed: &Placed, drafts: &[Draft]) -> Option<Headline> {
    let model = &drafts[placed.model?].row;
    let (seed, clips) = match (&model.cells[1], &model.cells[10]) {
        (Cell::Text(seed), Cell::Count(clips)) => (seed.clone(), *clips),
        _ => return None,
    };
    // The strongest baseline that does not see the input.
    let baselines = [source::POSITION, source::UNIGRAM, source::UNIFORM];
    let against = baselines
        .iter()
        .filter_map(|b| placed.decided.get(*b).map(|&i| (*b, &drafts[i])))
        .filter_map(|(b, d)| compared::value(d, CE).map(|v| (b, d, v)))
        .min_by(|a, b| a.2.total_cmp(&b.2));
    Some(Headline {
        experiment: group.label.clone(),
        seed,
        quantity: format!("cross-entropy, {}", common::direction(group, modality)),
        unit: "nats/token",
        better: Better::Lower,
        digits: 4,
        value: model.cells[CE].clone(),
        against: against.map_or(String::new(), |(name, ..)| name.to_string()),
        against_value: against.map(|(_, _, v)| v),
        adjusted: against.and_then(|(_, d, _)| d.adjusted),
        clips,
        published: find(&format!("ce/{modality}"), &group.runs[0].record.modalities),
    })
}

fn table(context: &Context, drafts: Vec<Draft>, m: usize) -> Table {
    Table {
        name: "cross_entropy".into(),
        title: "Cross-entropy per modality".into(),
        schema: 1,
        columns: columns(),
        rows: drafts.into_iter().map(|d| d.row).collect(),
        notes: vec![
            "Mean over target tokens of the test split under the training masking (fixed masks per clip), or, where a \
             direction stands in the place of a modality, whole modalities given whole others; the softmax is the one \
             of the training loss."
                .into(),
            "Sources: model; shuffled_input: the model given another clip's input; unconditional: each modality by \
             itself, without the others (where that leaves no input, one token of another clip stands in); position_marginal and unigram_marginal: add-one smoothed counts of the training \
             split; untrained: the initial weights; uniform: ln of the vocabulary."
                .into(),
            common::mean_note(&context.plan),
            common::correction_note("paired sign-flip test over clips against the model, two-sided", m),
            common::MDE_NOTE.into(),
            "Bold: the model is better than every other row of its modality by the corrected test.".into(),
            common::PUBLISHED_NOTE.into(),
        ],
    }
}
