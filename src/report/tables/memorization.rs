//! Memorization: the last fifth of a modality, on clips that were and were not in training.

use super::built::Built;
use super::common::{self, add, views, Clips, Context, Headline};
use crate::fault::Result;
use crate::record::examples::Memorization;
use crate::record::Direction as Better;
use crate::report::reference::find;
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Row, Table};
use crate::stats::{auc, Estimable, Estimate, NotEstimable};

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("part"),
        Column::estimate("accuracy_percent", "token accuracy", "%", 2),
        Column::estimate("ce_nats_per_token", "CE", "nats/token", 4),
        Column::estimate("auc_percent", "train vs held-out AUC", "%", 1),
        Column::count("clips"),
        Column::count("tokens"),
        Column::number("published_accuracy_percent", "published accuracy", "%", 2),
        Column::number("published_ce_nats_per_token", "published CE", "nats/token", 3),
    ]
}

/// One part of one run.
#[derive(Default)]
struct Part {
    accuracy: Clips,
    ce: Clips,
}

const PARTS: [&str; 2] = ["train", "test"];

fn by_part(rows: &[Memorization]) -> [Part; 2] {
    let mut parts = [Part::default(), Part::default()];
    for r in rows {
        let Some(i) = PARTS.iter().position(|p| *p == r.part) else { continue };
        add(&mut parts[i].accuracy, &r.clip, r.correct as f64, r.tokens as f64);
        add(&mut parts[i].ce, &r.clip, r.ce_nats, r.tokens as f64);
    }
    parts
}

/// The table; `None` when no run has the probe.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut rows, mut headlines) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<Memorization>(group)? else { continue };
        let scores: Vec<[Part; 2]> = runs.iter().map(|r| by_part(r)).collect();
        for view in views(group) {
            let of: Vec<&[Part; 2]> = view.runs.iter().map(|&r| &scores[r]).collect();
            for (i, part) in PARTS.iter().enumerate() {
                rows.push(part_row(context, group, &view.seed, part, &of, i));
                let accuracy = rows[rows.len() - 1].cells[3].clone();
                let quantity = format!("memorization, {part}, token accuracy");
                if view.decides {
                    let clips = common::common_clips(&of.iter().map(|p| &p[i].accuracy).collect::<Vec<_>>());
                    headlines.push(Headline {
                        published: find(
                            &format!("memorization/{part}/accuracy"),
                            &group.runs[0].record.modalities,
                        ),
                        ..headline(group, &view.seed, quantity, accuracy, clips)
                    });
                }
            }
            let separation = separation(context, &of).map(common::percent);
            let clips =
                of.iter().flat_map(|p| p.iter().map(|x| x.ce.len() as u64)).sum::<u64>() / of.len() as u64;
            rows.push(auc_row(group, &view.seed, separation, clips));
            if view.decides {
                let quantity = "memorization, train vs held-out AUC by loss".to_string();
                headlines.push(Headline {
                    against: "chance".into(),
                    against_value: Some(50.0),
                    ..headline(group, &view.seed, quantity, Cell::estimate(separation), clips)
                });
            }
        }
    }
    let table = table(context, rows);
    Ok((!table.rows.is_empty()).then_some(Built { table, headlines }))
}

fn part_row(context: &Context, group: &Group, seed: &str, part: &str, of: &[&[Part; 2]], i: usize) -> Row {
    let accuracy: Vec<&Clips> = of.iter().map(|p| &p[i].accuracy).collect();
    let ce: Vec<&Clips> = of.iter().map(|p| &p[i].ce).collect();
    let published = |what: &str| {
        find(&format!("memorization/{part}/{what}"), &group.runs[0].record.modalities).map(|p| p.value)
    };
    Row::new(vec![
        Cell::text(&group.label),
        Cell::text(seed),
        Cell::text(part),
        Cell::estimate(common::estimate(&accuracy, &context.plan).map(common::share_percent)),
        Cell::estimate(common::estimate(&ce, &context.plan)),
        Cell::Empty,
        Cell::Count(common::common_clips(&ce)),
        Cell::Count(ce[0].values().map(|c| c.1).sum::<f64>() as u64),
        Cell::number(published("accuracy")),
        Cell::number(published("ce")),
    ])
}

fn auc_row(group: &Group, seed: &str, separation: Estimable<Estimate>, clips: u64) -> Row {
    let mut cells = vec![Cell::text(&group.label), Cell::text(seed), Cell::text("train vs test")];
    cells.extend([Cell::Empty, Cell::Empty, Cell::estimate(separation), Cell::Count(clips)]);
    cells.extend([Cell::Empty, Cell::Empty, Cell::Empty]);
    Row::new(cells)
}

/// P(a training clip has a lower loss than a held-out one); over several seeds their mean, without
/// an interval: the clips of the seeds are the same.
fn separation(context: &Context, of: &[&[Part; 2]]) -> Estimable<Estimate> {
    let gain = |clips: &Clips| -> Vec<f64> { clips.values().map(|c| -c.0 / c.1).collect() };
    let each: Estimable<Vec<Estimate>> =
        of.iter().map(|p| auc::auc(&gain(&p[0].ce), &gain(&p[1].ce), context.plan.level)).collect();
    let each = each?;
    match each.as_slice() {
        [] => Err(NotEstimable::NoData),
        [one] => Ok(*one),
        several => Ok(Estimate {
            value: several.iter().map(|e| e.value).sum::<f64>() / several.len() as f64,
            n: several.len(),
            interval: Err(NotEstimable::SummaryOnly),
        }),
    }
}

fn headline(group: &Group, seed: &str, quantity: String, value: Cell, clips: u64) -> Headline {
    Headline {
        experiment: group.label.clone(),
        seed: seed.into(),
        quantity,
        unit: "%",
        better: Better::Neither,
        digits: 2,
        value,
        against: String::new(),
        against_value: None,
        adjusted: None,
        clips,
        published: None,
    }
}

fn table(context: &Context, rows: Vec<Row>) -> Table {
    Table {
        name: "memorization".into(),
        title: "Memorization".into(),
        schema: 1,
        columns: columns(),
        rows,
        notes: vec![
            "Input: the first 80 % of the modality and what the manifest gives beside it; target: the last 20 %; \
             logits restricted to the modality's vocabulary."
                .into(),
            "AUC: the probability that a training clip has a lower loss than a held-out one; 50 % is no trace of \
             memorization; DeLong's interval on the logit scale. Its mean over seeds has none: the seeds share their clips."
                .into(),
            common::mean_note(&context.plan),
            common::PUBLISHED_NOTE.into(),
        ],
    }
}
