//! The front page: one line per quantity, the published numbers beside it.

use super::common::{self, Context, Headline};
use crate::report::reference::{Published, PUBLISHED};
use crate::report::table::arrow;
use crate::report::table::{Cell, Column, Row, Table};

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("quantity"),
        Column::text("unit", "unit"),
        Column::text("better", "better"),
        Column::estimate("value", "value", "", 4),
        Column::text("against", "against"),
        Column::number("against_value", "its value", "", 4),
        Column::p("p_adjusted", "p adj."),
        Column::count("clips"),
        Column::estimate("published", "published", "", 4),
        Column::text("published_on", "on"),
    ]
}

/// The table; what was published and not measured stands at its end.
pub fn build(context: &Context, headlines: &[Headline]) -> Table {
    let mut rows: Vec<Row> = headlines.iter().map(|h| measured(context, h)).collect();
    let used = |p: &&Published| !headlines.iter().any(|h| h.published.is_some_and(|x| x.key == p.key));
    rows.extend(PUBLISHED.iter().filter(used).map(|p| only_published(context, p)));
    Table {
        name: "eval_results".into(),
        title: "Evaluation results".into(),
        schema: 2,
        columns: columns(),
        rows,
        notes: vec![
            "One line per quantity; tests, further rows and methods are in the tables below. p adj. is that of the \
             quantity's own table (corrected over all tests of it)."
                .into(),
            common::mean_note(&context.plan).replace("bootstrap over clips", "bootstrap over clips; shares of clips: Clopper–Pearson"),
            "published: the reference's own model, data and number of clips, one seed; its intervals are ours, \
             Clopper–Pearson where hits and clips are known (9/200 is 4.5 % [2.1, 8.4]). It stands beside a \
             measured value only where probe and tokenizer are the same quantity; the rest is listed as not measured."
                .into(),
        ],
    }
}

fn measured(context: &Context, h: &Headline) -> Row {
    let (published, on) = published_cells(context, h.published);
    let against = if h.against.is_empty() { Cell::Empty } else { Cell::text(&h.against) };
    let mut row = Row::new(vec![
        Cell::text(&h.experiment),
        Cell::text(&h.seed),
        Cell::text(&h.quantity),
        Cell::text(h.unit),
        arrow(h.better).map_or(Cell::Empty, Cell::text),
        h.value.clone(),
        against,
        Cell::number(h.against_value),
        h.adjusted.map_or(Cell::Empty, Cell::P),
        Cell::Count(h.clips),
        published,
        on,
    ]);
    row.digits = Some(h.digits);
    row
}

fn only_published(context: &Context, p: &'static Published) -> Row {
    let (published, on) = published_cells(context, Some(p));
    let mut cells = vec![
        Cell::text("not measured"),
        Cell::text(""),
        Cell::text(p.quantity),
        Cell::text(p.unit),
        Cell::Empty,
    ];
    cells.extend([Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, published, on]);
    let mut row = Row::new(cells);
    row.digits = Some(if p.unit == "nats/token" { 4 } else { 2 });
    row
}

fn published_cells(context: &Context, p: Option<&'static Published>) -> (Cell, Cell) {
    match p {
        Some(p) => (Cell::Estimate(p.estimate(context.plan.level)), Cell::text(p.on)),
        None => (Cell::Empty, Cell::Empty),
    }
}
