//! Retrieval: share of queries whose partner is among the first k, over k.

use super::draw::{color, draw, failed, file_name, legend, Plot, FONT};
use crate::fault::Result;
use crate::metrics::retrieval::RetrievalRow;
use crate::metrics::source;
use crate::modality::short_names;
use crate::report::runs::Group;
use plotters::prelude::*;
use std::collections::BTreeMap;

/// The first seed's curves, one per pair; `None` when it retrieved nothing.
pub fn plot(group: &Group) -> Result<Option<Plot>> {
    let Some(rows) = group.runs[0].examples::<RetrievalRow>()? else { return Ok(None) };
    let mut by: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for r in rows.iter().filter(|r| r.source == source::MODEL) {
        let pair = format!("{} → {}", short_names(&r.query_modality), short_names(&r.gallery_modality));
        by.entry(pair).or_default().push(r.rank);
    }
    let Some(gallery) = rows.iter().map(|r| r.gallery_size).max().filter(|g| *g > 0) else { return Ok(None) };
    let svg = draw((820, 420), |area| {
        let names = by.keys().enumerate().map(|(i, pair)| (pair.clone(), color(i).to_rgba()));
        let names: Vec<_> = names.chain([("chance".into(), BLACK.mix(0.5))]).collect();
        let mut chart = ChartBuilder::on(&legend(area, &names)?)
            .margin(12)
            .caption(format!("{}: retrieval", group.label), ("sans-serif", 18))
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..f64::from(gallery), 0.0..100.0)
            .map_err(failed)?;
        let mesh = &mut chart.configure_mesh();
        mesh.x_desc("k")
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y:.0}"))
            .y_desc("found among the first k (%)")
            .label_style(("sans-serif", FONT))
            .axis_desc_style(("sans-serif", FONT))
            .max_light_lines(0)
            .draw()
            .map_err(failed)?;
        let chance = LineSeries::new([(0.0, 0.0), (f64::from(gallery), 100.0)], BLACK.mix(0.5));
        chart.draw_series(chance).map_err(failed)?;
        for (i, ranks) in by.values().enumerate() {
            let line = LineSeries::new(found(ranks, gallery), color(i).stroke_width(2));
            chart.draw_series(line).map_err(failed)?;
        }
        Ok(())
    })?;
    let caption = format!(
        "{}, seed {}: share of queries whose partner is among the first k.",
        group.label,
        group.runs[0].seed()
    );
    Ok(Some(Plot { name: format!("retrieval_{}", file_name(&group.label)), caption, svg }))
}

/// Percent found at every k, as steps: it changes at whole ranks only.
fn found(ranks: &[u32], gallery: u32) -> Vec<(f64, f64)> {
    let mut counts = BTreeMap::new();
    // A rank outside the gallery is nowhere on the axis.
    let inside = ranks.iter().filter(|r| **r < gallery);
    inside.for_each(|r| *counts.entry(*r + 1).or_insert(0usize) += 1);
    let mut points = vec![(0.0, 0.0)];
    let mut sum = 0;
    let share = |sum: usize| 100.0 * sum as f64 / ranks.len() as f64;
    for (k, n) in counts {
        points.push((f64::from(k), share(sum)));
        sum += n;
        points.push((f64::from(k), share(sum)));
    }
    points.push((f64::from(gallery), 100.0));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_in_steps() {
        let points = found(&[0, 0, 2, 4], 5);
        assert_eq!(points[..4], [(0.0, 0.0), (1.0, 0.0), (1.0, 50.0), (3.0, 50.0)]);
        assert_eq!(points[points.len() - 2..], [(5.0, 100.0), (5.0, 100.0)]);
    }
}
