//! Confusion matrices: share of each true class (row) given each answer (column).

use super::draw::{draw, failed, file_name, Area, Drawn, Plot};
use crate::fault::Result;
use crate::metrics::classification::ClassificationRow;
use crate::metrics::source;
use crate::modality::short_names;
use crate::report::runs::Group;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::collections::{BTreeMap, BTreeSet};

/// The answer that names no class.
const NO_CLASS: &str = "(no class)";

/// One plot for each set of inputs and method of the first seed.
pub fn plots(group: &Group) -> Result<Vec<Plot>> {
    let Some(rows) = group.runs[0].examples::<ClassificationRow>()? else { return Ok(vec![]) };
    let mut by: BTreeMap<(&str, &str), Vec<&ClassificationRow>> = BTreeMap::new();
    for r in rows.iter().filter(|r| r.source == source::MODEL) {
        by.entry((&r.inputs, &r.method)).or_default().push(r);
    }
    by.iter().map(|((inputs, method), rows)| plot(group, inputs, method, rows)).collect()
}

fn answer(row: &ClassificationRow) -> &str {
    if row.predicted_class.is_empty() {
        NO_CLASS
    } else {
        &row.predicted_class
    }
}

/// Counts of answers; rows are true classes, columns what was answered.
struct Matrix<'a> {
    truth: Vec<&'a str>,
    columns: Vec<&'a str>,
    count: BTreeMap<(&'a str, &'a str), usize>,
}

impl<'a> Matrix<'a> {
    fn new(rows: &[&'a ClassificationRow]) -> Matrix<'a> {
        let truth: BTreeSet<&str> = rows.iter().map(|r| r.true_class.as_str()).collect();
        let answers: BTreeSet<&str> = rows.iter().map(|r| answer(r)).collect();
        let mut columns: Vec<&str> = truth.union(&answers).copied().filter(|c| *c != NO_CLASS).collect();
        columns.extend(answers.get(NO_CLASS));
        let mut count = BTreeMap::new();
        rows.iter().for_each(|r| *count.entry((r.true_class.as_str(), answer(r))).or_default() += 1);
        Matrix { truth: truth.into_iter().collect(), columns, count }
    }

    fn answered(&self, truth: &str, answer: &str) -> usize {
        self.count.get(&(truth, answer)).copied().unwrap_or(0)
    }

    fn total(&self, truth: &str) -> usize {
        self.columns.iter().map(|answer| self.answered(truth, answer)).sum()
    }
}

/// Sizes in pixels: smaller cells for more classes, as much room for names as they need.
struct Layout {
    cell: i32,
    font: i32,
    left: i32,
    top: i32,
}

/// Cells of at least this size show their count.
const COUNTED: i32 = 22;

impl Layout {
    fn new(matrix: &Matrix) -> Layout {
        let cell = (720 / matrix.columns.len().max(matrix.truth.len()).max(1)).clamp(11, 36) as i32;
        let font = (cell - 2).clamp(9, 13);
        let longest = matrix.columns.iter().chain(&matrix.truth).map(|c| c.chars().count()).max();
        let names = 10 + longest.unwrap_or(0) as i32 * font * 3 / 5;
        Layout { cell, font, left: 22 + names, top: 44 + names }
    }

    fn size(&self, matrix: &Matrix, title: &str) -> (u32, u32) {
        let width = self.left + self.cell * matrix.columns.len() as i32 + 12;
        let height = self.top + self.cell * matrix.truth.len() as i32 + 12;
        (width.max(12 + 8 * title.chars().count() as i32) as u32, height as u32)
    }

    fn style(&self) -> TextStyle<'static> {
        TextStyle::from(("sans-serif", self.font).into_font())
    }
}

fn plot(group: &Group, inputs: &str, method: &str, rows: &[&ClassificationRow]) -> Result<Plot> {
    let matrix = Matrix::new(rows);
    let layout = Layout::new(&matrix);
    let what = format!("{}: {} → class, {method}", group.label, short_names(inputs));
    let svg = draw(layout.size(&matrix, &what), |area| {
        area.draw(&Text::new(what.clone(), (6, 4), ("sans-serif", 14).into_font())).map_err(failed)?;
        cells(area, &matrix, &layout)?;
        names(area, &matrix, &layout)
    })?;
    let caption = format!(
        "{what}; seed {}. Rows: true class; columns: answer; the darker, the larger the share of the row.",
        group.runs[0].seed()
    );
    let name = file_name(&format!("confusion_{}_{}_{method}", group.label, short_names(inputs)));
    Ok(Plot { name, caption, svg })
}

/// Only cells with a count are drawn, over one grid: large matrices are mostly empty.
fn cells(area: &Area, matrix: &Matrix, layout: &Layout) -> Drawn {
    let (columns, rows) = (matrix.columns.len() as i32, matrix.truth.len() as i32);
    let centred = layout.style().pos(Pos::new(HPos::Center, VPos::Center));
    for (y, class) in matrix.truth.iter().enumerate() {
        for (x, answered) in matrix.columns.iter().enumerate() {
            let count = matrix.answered(class, answered);
            if count == 0 {
                continue;
            }
            let share = count as f64 / matrix.total(class) as f64;
            let (x, y) = (layout.left + x as i32 * layout.cell, layout.top + y as i32 * layout.cell);
            let shade = RGBColor(0, 90, 170).mix(share);
            let cell = Rectangle::new([(x, y), (x + layout.cell, y + layout.cell)], shade.filled());
            area.draw(&cell).map_err(failed)?;
            if layout.cell >= COUNTED {
                let ink = centred.clone().color(if share > 0.5 { &WHITE } else { &BLACK });
                let at = (x + layout.cell / 2, y + layout.cell / 2);
                area.draw(&Text::new(count.to_string(), at, ink)).map_err(failed)?;
            }
        }
    }
    let (right, bottom) = (layout.left + columns * layout.cell, layout.top + rows * layout.cell);
    let across = (0..=rows).map(|y| layout.top + y * layout.cell).map(|y| [(layout.left, y), (right, y)]);
    let down = (0..=columns).map(|x| layout.left + x * layout.cell).map(|x| [(x, layout.top), (x, bottom)]);
    across
        .chain(down)
        .try_for_each(|line| area.draw(&PathElement::new(line, BLACK.mix(0.15))).map_err(failed))
}

/// Names of the classes beside and above, and what rows and columns are.
fn names(area: &Area, matrix: &Matrix, layout: &Layout) -> Drawn {
    let beside = layout.style().pos(Pos::new(HPos::Right, VPos::Center));
    for (y, class) in matrix.truth.iter().enumerate() {
        let at = (layout.left - 6, layout.top + y as i32 * layout.cell + layout.cell / 2);
        area.draw(&Text::new(class.to_string(), at, beside.clone())).map_err(failed)?;
    }
    let turned = layout.style().transform(FontTransform::Rotate270);
    for (x, class) in matrix.columns.iter().enumerate() {
        let at = (layout.left + x as i32 * layout.cell + (layout.cell - layout.font) / 2, layout.top - 6);
        area.draw(&Text::new(class.to_string(), at, turned.clone())).map_err(failed)?;
    }
    let colour = BLACK.mix(0.6);
    let grey = TextStyle::from(("sans-serif", 12).into_font()).color(&colour);
    area.draw(&Text::new("answer →", (layout.left, 26), grey.clone())).map_err(failed)?;
    let at = (4, layout.top + 66);
    area.draw(&Text::new("← true class", at, grey.transform(FontTransform::Rotate270))).map_err(failed)
}
