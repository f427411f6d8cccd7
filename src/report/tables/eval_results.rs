//! The front page: one line per quantity, the published numbers beside it.

use super::built::Headline;
use super::notes;
use super::views::Context;
use crate::metrics::Standing;
use crate::report::reference::{Published, PUBLISHED};
use crate::report::table::{arrow, Column, Table};
use crate::stats::{Estimable, Estimate};

/// A quantity that was measured, or only published.
#[derive(Default)]
struct Line {
    experiment: String,
    seed: String,
    quantity: String,
    unit: &'static str,
    better: Option<&'static str>,
    value: Option<Estimable<Estimate>>,
    against: Option<String>,
    against_value: Option<f64>,
    adjusted: Option<f64>,
    standing: Option<Standing>,
    clips: Option<u64>,
    published: Option<Estimate>,
    published_on: Option<&'static str>,
    digits: usize,
}

fn columns() -> Vec<Column<Line>> {
    vec![
        Column::key("experiment", |l: &Line| l.experiment.clone()),
        Column::key("seed", |l: &Line| l.seed.clone()),
        Column::key("quantity", |l: &Line| l.quantity.clone()),
        Column::text("unit", "unit", |l: &Line| l.unit.to_string()),
        Column::text("better", "better", |l: &Line| l.better.map(String::from)),
        Column::estimate("value", "value", ("", 4), |l: &Line| l.value),
        Column::text("against", "against", |l: &Line| l.against.clone()),
        Column::number("against_value", "its value", ("", 4), |l: &Line| l.against_value),
        Column::p("p_adjusted", "p adj.", |l: &Line| l.adjusted),
        Column::text("verdict", "verdict", |l: &Line| l.standing.map(|standing| standing.word().to_string())),
        Column::count("clips", |l: &Line| l.clips),
        Column::estimate("published", "published", ("", 4), |l: &Line| l.published),
        Column::text("published_on", "on", |l: &Line| l.published_on.map(String::from)),
    ]
}

/// The table; what was published and not measured stands at its end.
pub fn build(context: &Context, headlines: &[Headline]) -> Table {
    let mut lines: Vec<Line> = headlines.iter().map(|headline| measured(context, headline)).collect();
    let measured = |p: &Published| headlines.iter().any(|h| h.published.is_some_and(|own| own.key == p.key));
    lines.extend(PUBLISHED.iter().filter(|p| !measured(p)).map(|p| only_published(context, p)));
    let (means, shares) = ("bootstrap over clips", "bootstrap over clips; shares of clips: Clopper–Pearson");
    let notes = vec![
        "One line per quantity; tests, further rows and methods are in the tables below. p adj. is that of the \
         quantity's own table (corrected over all tests of it)."
            .into(),
        notes::VERDICT.into(),
        notes::mean(&context.plan).replace(means, shares),
        "published: the reference's own model, data and number of clips, one seed; its intervals are ours, \
         Clopper–Pearson where hits and clips are known (9/200 is 4.5 % [2.1, 8.4]). It stands beside a \
         measured value only where probe and tokenizer are the same quantity; the rest is listed as not measured."
            .into(),
    ];
    let table = Table::new("eval_results", "Evaluation results", 3, columns(), &lines, notes);
    table.with_digits(&lines, |line| line.digits)
}

fn measured(context: &Context, headline: &Headline) -> Line {
    let against = headline.against.as_ref();
    Line {
        experiment: headline.experiment.clone(),
        seed: headline.seed.clone(),
        quantity: headline.quantity.clone(),
        unit: headline.unit,
        better: arrow(headline.better),
        value: Some(headline.value),
        against: against.map(|a| a.name.clone()),
        against_value: against.and_then(|a| a.value),
        adjusted: against.and_then(|a| a.adjusted),
        standing: headline.standing(),
        clips: Some(headline.clips),
        digits: headline.digits,
        ..published(context, headline.published)
    }
}

fn only_published(context: &Context, number: &'static Published) -> Line {
    Line {
        experiment: "not measured".into(),
        quantity: number.quantity.into(),
        unit: number.unit,
        digits: if number.unit == "nats/token" { 4 } else { 2 },
        ..published(context, Some(number))
    }
}

/// The last two columns alone.
fn published(context: &Context, number: Option<&'static Published>) -> Line {
    Line {
        published: number.map(|p| p.estimate(context.plan.level)),
        published_on: number.map(|p| p.on),
        ..Line::default()
    }
}
