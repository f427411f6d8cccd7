//! Confusion matrices: share of each true class (row) given each answer (column).

use super::{draw, failed, file_name, Plot};
use crate::fault::Result;
use crate::record::examples::{source, Classification};
use crate::report::published::short_names;
use crate::report::runs::Group;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::collections::{BTreeMap, BTreeSet};

/// The answer that names no class.
const NO_CLASS: &str = "(no class)";

/// One plot for each set of inputs and method of the first seed.
pub fn plots(group: &Group) -> Result<Vec<Plot>> {
    let Some(rows) = group.runs[0].examples::<Classification>()? else { return Ok(vec![]) };
    let mut by: BTreeMap<(&str, &str), Vec<&Classification>> = BTreeMap::new();
    for r in rows.iter().filter(|r| r.source == source::MODEL) {
        by.entry((&r.inputs, &r.method)).or_default().push(r);
    }
    by.iter().map(|((inputs, method), rows)| plot(group, inputs, method, rows)).collect()
}

fn answer(row: &Classification) -> &str {
    if row.predicted_class.is_empty() {
        NO_CLASS
    } else {
        &row.predicted_class
    }
}

fn plot(group: &Group, inputs: &str, method: &str, rows: &[&Classification]) -> Result<Plot> {
    let truth: BTreeSet<&str> = rows.iter().map(|r| r.true_class.as_str()).collect();
    let mut columns: Vec<&str> =
        truth.iter().copied().chain(rows.iter().map(|r| answer(r))).filter(|c| *c != NO_CLASS).collect();
    columns.sort_unstable();
    columns.dedup();
    if rows.iter().any(|r| answer(r) == NO_CLASS) {
        columns.push(NO_CLASS);
    }
    let truth: Vec<&str> = truth.into_iter().collect();
    let mut count: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    rows.iter().for_each(|r| *count.entry((&r.true_class, answer(r))).or_default() += 1);
    let cell = (720 / columns.len().max(truth.len()).max(1)).clamp(9, 40) as i32;
    let font = (cell - 2).clamp(7, 13);
    let (left, top) = (150, 130);
    let size = (left + cell * columns.len() as i32 + 20, top + cell * truth.len() as i32 + 20);
    let svg = draw((size.0 as u32, size.1 as u32), |area| {
        let small = ("sans-serif", font).into_font();
        let beside = TextStyle::from(small.clone()).pos(Pos::new(HPos::Right, VPos::Center));
        for (y, class) in truth.iter().enumerate() {
            let total: usize = columns.iter().filter_map(|c| count.get(&(*class, *c))).sum();
            let at = top + y as i32 * cell;
            let label = Text::new(class.to_string(), (left - 6, at + cell / 2), beside.clone());
            area.draw(&label).map_err(failed)?;
            for (x, answered) in columns.iter().enumerate() {
                let n = count.get(&(*class, *answered)).copied().unwrap_or(0);
                let share = n as f64 / total.max(1) as f64;
                let shade = RGBColor(0, 90, 170).mix(share);
                let x = left + x as i32 * cell;
                area.draw(&Rectangle::new([(x, at), (x + cell - 1, at + cell - 1)], shade.filled()))
                    .map_err(failed)?;
                area.draw(&Rectangle::new([(x, at), (x + cell - 1, at + cell - 1)], BLACK.mix(0.1)))
                    .map_err(failed)?;
            }
        }
        let turned = small.clone().transform(FontTransform::Rotate270);
        for (x, class) in columns.iter().enumerate() {
            let at = (left + x as i32 * cell + (cell - font) / 2, top - 4);
            area.draw(&Text::new(class.to_string(), at, turned.clone())).map_err(failed)?;
        }
        let title = format!("{} → class, {method}", short_names(inputs));
        area.draw(&Text::new(title, (4, 4), ("sans-serif", 14).into_font())).map_err(failed)
    })?;
    let what = format!("{} → class, {method}", short_names(inputs));
    let caption = format!(
        "{}, seed {}: {what}. Rows: true class; columns: answer; the darker, the larger the share of the row.",
        group.label,
        group.runs[0].seed()
    );
    let name = file_name(&format!("confusion_{}_{}_{method}", group.label, short_names(inputs)));
    Ok(Plot { name, caption, svg })
}
