//! Caption cross-entropy in one pass against position by position, feeding back the argmax.

use super::built::Built;
use super::common::{self, add, views, Clips, Context, Draft, Headline, View};
use crate::fault::Result;
use crate::record::examples::ForwardVsAutoregressive;
use crate::record::Direction as Better;
use crate::report::reference::find;
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};

const P: usize = 5;
const ADJUSTED: usize = 6;
const MDE: usize = 7;

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::estimate("single_nats_per_token", "one pass", "nats/token", 4).lower(),
        Column::estimate("autoregressive_nats_per_token", "autoregressive", "nats/token", 4).lower(),
        Column::estimate(
            "single_minus_autoregressive_nats_per_token",
            "one pass − autoregressive",
            "nats/token",
            4,
        ),
        Column::p("p", "p").csv_only(),
        Column::p("p_adjusted", "p adj."),
        Column::number("mde_nats_per_token", "MDE", "nats/token", 4),
        Column::count("clips"),
        Column::count("tokens"),
        Column::number("published_single_nats_per_token", "published, one pass", "nats/token", 4),
        Column::number(
            "published_autoregressive_nats_per_token",
            "published, autoregressive",
            "nats/token",
            4,
        ),
    ]
}

/// Single, autoregressive.
fn by_way(rows: &[ForwardVsAutoregressive]) -> [Clips; 2] {
    let mut ways = [Clips::new(), Clips::new()];
    for r in rows {
        add(&mut ways[0], &r.clip, r.single_ce_nats, r.tokens as f64);
        add(&mut ways[1], &r.clip, r.autoregressive_ce_nats, r.tokens as f64);
    }
    ways
}

/// The table; `None` when no run has the probe.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut deciding) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<ForwardVsAutoregressive>(group)? else { continue };
        let scores: Vec<[Clips; 2]> = runs.iter().map(|r| by_way(r)).collect();
        for view in views(group) {
            if view.decides {
                deciding.push((group, view.seed.clone(), drafts.len()));
            }
            drafts.push(draft(context, group, &view, &scores));
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = common::correct(&mut drafts, P, ADJUSTED, Some(MDE));
    for d in drafts.iter_mut().filter(|d| d.significant()) {
        let (single, step) = (super::compared::value(d, 2), super::compared::value(d, 3));
        d.row.bold.push(if single < step { 2 } else { 3 });
    }
    let headlines = deciding.iter().flat_map(|(g, seed, i)| headlines(g, seed, &drafts[*i])).collect();
    Ok(Some(Built { table: table(context, drafts, m), headlines }))
}

fn draft(context: &Context, group: &Group, view: &View, scores: &[[Clips; 2]]) -> Draft {
    let of = |way: usize| -> Vec<&Clips> { view.runs.iter().map(|&r| &scores[r][way]).collect() };
    let (single, step) = (of(0), of(1));
    let published = |what: &str| {
        Cell::number(find(&format!("forward/{what}"), &group.runs[0].record.modalities).map(|p| p.value))
    };
    let mut draft = Draft::new(vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::estimate(common::estimate(&single, &context.plan)),
        Cell::estimate(common::estimate(&step, &context.plan)),
        Cell::estimate(common::difference(&single, &step, &context.plan)),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Count(common::common_clips(&single)),
        Cell::Count(single[0].values().map(|c| c.1).sum::<f64>() as u64),
        published("single"),
        published("autoregressive"),
    ]);
    draft.p = view.decides.then(|| common::paired_p(&single, &step, &context.plan));
    draft.mde = common::paired_mde(&single, &step);
    draft
}

fn headlines(group: &Group, seed: &str, draft: &Draft) -> Vec<Headline> {
    let Cell::Count(clips) = draft.row.cells[8] else { return vec![] };
    let one = |cell: usize, name: &str, key: &str| Headline {
        experiment: group.label.clone(),
        seed: seed.into(),
        quantity: format!("caption, {name}"),
        unit: "nats/token",
        better: Better::Lower,
        digits: 4,
        value: draft.row.cells[cell].clone(),
        against: if cell == 2 { "autoregressive".into() } else { String::new() },
        against_value: if cell == 2 { super::compared::value(draft, 3) } else { None },
        adjusted: if cell == 2 { draft.adjusted } else { None },
        clips,
        published: find(key, &group.runs[0].record.modalities),
    };
    vec![one(2, "one pass", "forward/single"), one(3, "autoregressive", "forward/autoregressive")]
}

fn table(context: &Context, drafts: Vec<Draft>, m: usize) -> Table {
    Table {
        name: "forward_vs_autoregressive".into(),
        title: "One pass against position by position".into(),
        schema: 1,
        columns: columns(),
        rows: drafts.into_iter().map(|d| d.row).collect(),
        notes: vec![
            "Cross-entropy of the target's tokens: all in one pass, or one after another with the argmax of earlier \
             positions as input."
                .into(),
            common::mean_note(&context.plan),
            common::correction_note("paired sign-flip test over clips, two-sided", m),
            common::MDE_NOTE.into(),
            "Bold: better by the corrected test.".into(),
            common::PUBLISHED_NOTE.into(),
        ],
    }
}
