//! Generated tokens: diversity against the real ones, and mode collapse.

use super::built::Built;
use super::common::{self, add, views, Clips, Context, Draft, Headline, View};
use crate::fault::Result;
use crate::record::examples::Generation;
use crate::record::Direction as Better;
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};
use std::collections::{BTreeMap, BTreeSet};

const P: usize = 8;
const ADJUSTED: usize = 9;
const MDE: usize = 10;
const CLIPS: usize = 13;

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("inputs"),
        Column::key("target"),
        Column::estimate("distinct_percent", "distinct", "%", 2),
        Column::estimate("entropy_nats", "entropy", "nats", 3),
        Column::estimate("real_entropy_nats", "entropy of real", "nats", 3),
        Column::estimate("entropy_minus_real_nats", "minus real", "nats", 3),
        Column::p("p", "p").csv_only(),
        Column::p("p_adjusted", "p adj."),
        Column::number("mde_nats", "MDE", "nats", 3),
        Column::estimate("agreement_percent", "agreement", "%", 2),
        Column::estimate("real_agreement_percent", "agreement of real", "%", 2),
        Column::count("clips"),
        Column::count("tokens"),
    ]
}

/// One run.
#[derive(Default)]
struct Scores {
    distinct: Clips,
    entropy: Clips,
    real: Clips,
    agreement: Clips,
    real_agreement: Clips,
}

/// Inputs, target, given tokens of the target.
type Key = (String, String, u64);

fn by_key(rows: &[Generation]) -> BTreeMap<Key, Scores> {
    let mut all: BTreeMap<Key, Scores> = BTreeMap::new();
    for r in rows {
        let s = all.entry((r.inputs.clone(), r.target.clone(), r.given)).or_default();
        add(&mut s.distinct, &r.clip, r.distinct as f64, r.tokens as f64);
        add(&mut s.entropy, &r.clip, r.entropy_nats, 1.0);
        add(&mut s.real, &r.clip, r.real_entropy_nats, 1.0);
        for (clips, share) in [(&mut s.agreement, r.agreement), (&mut s.real_agreement, r.real_agreement)] {
            if let Some(share) = share {
                add(clips, &r.clip, share * r.tokens as f64, r.tokens as f64);
            }
        }
    }
    all
}

/// The table; `None` when no run generated.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut deciding) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<Generation>(group)? else { continue };
        let scores: Vec<_> = runs.iter().map(|r| by_key(r)).collect();
        let keys: BTreeSet<&Key> = scores.iter().flat_map(|s| s.keys()).collect();
        for key in keys {
            for view in views(group) {
                let of: Vec<&Scores> = view.runs.iter().filter_map(|&r| scores[r].get(key)).collect();
                if of.is_empty() {
                    continue;
                }
                if view.decides {
                    deciding.push((group, view.seed.clone(), key.clone(), drafts.len()));
                }
                drafts.push(draft(context, group, &view, key, &of));
            }
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = common::correct(&mut drafts, P, ADJUSTED, Some(MDE));
    let headlines = deciding.iter().map(|(g, seed, key, i)| headline(g, seed, key, &drafts[*i])).collect();
    Ok(Some(Built { table: table(context, drafts, m), headlines }))
}

fn draft(context: &Context, group: &Group, view: &View, key: &Key, of: &[&Scores]) -> Draft {
    let maps = |field: fn(&Scores) -> &Clips| -> Vec<&Clips> { of.iter().map(|s| field(s)).collect() };
    let (entropy, real) = (maps(|s| &s.entropy), maps(|s| &s.real));
    let plan = &context.plan;
    let agreement = |maps: Vec<&Clips>| match maps.iter().all(|a| a.is_empty()) {
        true => Cell::Empty,
        false => Cell::estimate(common::estimate(&maps, plan).map(common::share_percent)),
    };
    let mut draft = Draft::new(vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::text(inputs(group, key)),
        Cell::text(common::names(group, &key.1)),
        Cell::estimate(common::estimate(&maps(|s| &s.distinct), plan).map(common::share_percent)),
        Cell::estimate(common::estimate(&entropy, plan)),
        Cell::estimate(common::estimate(&real, plan)),
        Cell::estimate(common::difference(&entropy, &real, plan)),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        agreement(maps(|s| &s.agreement)),
        agreement(maps(|s| &s.real_agreement)),
        Cell::Count(common::common_clips(&entropy)),
        Cell::Count(of[0].distinct.values().map(|c| c.1).sum::<f64>() as u64),
    ]);
    draft.p = view.decides.then(|| common::paired_p(&entropy, &real, plan));
    draft.mde = common::paired_mde(&entropy, &real);
    draft
}

/// `rgb+caption`, and ` + first 408 of audio` where part of the target is given.
fn inputs(group: &Group, (inputs, target, given): &Key) -> String {
    let names = common::names(group, inputs);
    match given {
        0 => names,
        _ => format!("{names} + first {given} of {}", common::names(group, target)),
    }
}

fn headline(group: &Group, seed: &str, key: &Key, draft: &Draft) -> Headline {
    Headline {
        experiment: group.label.clone(),
        seed: seed.into(),
        quantity: format!(
            "{} → {}, entropy of generated tokens",
            inputs(group, key),
            common::names(group, &key.1)
        ),
        unit: "nats",
        better: Better::Neither,
        digits: 3,
        value: draft.row.cells[5].clone(),
        against: "real tokens".into(),
        against_value: super::compared::value(draft, 6),
        adjusted: draft.adjusted,
        clips: match draft.row.cells[CLIPS] {
            Cell::Count(n) => n,
            _ => 0,
        },
        published: None,
    }
}

fn table(context: &Context, drafts: Vec<Draft>, m: usize) -> Table {
    Table {
        name: "generation".into(),
        title: "Generated tokens".into(),
        schema: 2,
        columns: columns(),
        rows: drafts.into_iter().map(|d| d.row).collect(),
        notes: vec![
            "distinct: different ids per generated token; entropy: of the ids' frequencies within a clip, mean over \
             clips; agreement: share of positions equal to what another clip's inputs gave (100 %: the inputs are \
             ignored), beside that of the same two clips' real tokens."
                .into(),
            "Tokens only: loudness and zero crossings of a generated sound need its codec, which is not part of this \
             program; `nano4m generate` writes the tokens for it."
                .into(),
            common::mean_note(&context.plan),
            common::correction_note("paired sign-flip test over clips of entropy against the real tokens', two-sided", m),
            common::MDE_NOTE.into(),
        ],
    }
}
