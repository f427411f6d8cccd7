//! Quality against cost, one plot for each metric: training arithmetic on the left, parameters on
//! the right. Filled: no cell that costs no more is better by the corrected test.

use super::ranking::Grid;
use super::subject::Subject;
use super::tables::own;
use crate::fault::Result;
use crate::report::plots::{color, draw, failed, file_name, range, Area, Drawn, Plot};
use crate::stats::{Estimate, Plan};
use plotters::prelude::*;

/// One cell in a panel.
struct Point {
    label: String,
    cost: f64,
    value: Estimate,
    /// Whether nothing dominates it.
    front: bool,
}

/// The plots of the metrics that at least two cells have.
pub fn all(subject: &Subject, grid: &Grid, plan: &Plan) -> Result<Vec<Plot>> {
    let mut plots = Vec::new();
    for m in 0..grid.metrics.len() {
        plots.extend(one(subject, grid, m, plan)?);
    }
    Ok(plots)
}

fn one(subject: &Subject, grid: &Grid, m: usize, plan: &Plan) -> Result<Option<Plot>> {
    let metric = &grid.metrics[m];
    let flops = points(subject, grid, m, plan, |c| c.flops / 1e9);
    let parameters = points(subject, grid, m, plan, |c| c.parameters as f64 / 1e6);
    if flops.len() < 2 {
        return Ok(None);
    }
    let arrow = if metric.lower { "↓" } else { "↑" };
    let quality = format!("{} ({}) {arrow}", metric.key, metric.unit);
    let svg = draw((1000, 440), |area| {
        let (left, right) = area.split_horizontally(500);
        panel(&left, &flops, "training (GFLOP)", &quality)?;
        panel(&right, &parameters, "parameters (millions)", &quality)
    })?;
    let caption = format!(
        "Ablation {}: {} against cost, mean of seeds with 95 % intervals. Filled: no cell that costs no more is better \
         by the corrected test.",
        subject.name, metric.key
    );
    let name = format!("pareto_{}_{}", file_name(&subject.name), file_name(&metric.key));
    Ok(Some(Plot { name, caption, svg }))
}

fn points(
    subject: &Subject,
    grid: &Grid,
    m: usize,
    plan: &Plan,
    cost: impl Fn(&super::cost::Cost) -> f64,
) -> Vec<Point> {
    let costs: Vec<Option<f64>> = subject.sides.iter().map(|s| s.cost.as_ref().map(&cost)).collect();
    let front = |side: usize| {
        let cheaper = |other: &usize| costs[*other].zip(costs[side]).is_some_and(|(o, own)| o <= own);
        let mut others = (0..costs.len()).filter(|o| *o != side).filter(cheaper);
        others.all(|other| grid.verdict(m, other, side) != Some(true))
    };
    let point = |side: usize| {
        let value = own(subject, side, &grid.metrics[m], plan).ok()?;
        let label = subject.sides[side].label.clone();
        Some(Point { label, cost: costs[side]?, value, front: front(side) })
    };
    (0..subject.sides.len()).filter_map(point).collect()
}

fn panel(area: &Area, points: &[Point], cost: &str, quality: &str) -> Drawn {
    let ends = points.iter().flat_map(|p| {
        let i = p.value.interval.ok();
        [Some(p.value.value), i.map(|i| i.low), i.map(|i| i.high)]
    });
    let (Some(x), Some(y)) = (range(points.iter().map(|p| p.cost)), range(ends.flatten())) else {
        return Ok(());
    };
    // Labels stand to the right of their points.
    let wide = x.0..x.1 + 0.35 * (x.1 - x.0);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(62)
        .build_cartesian_2d(wide, y.0..y.1)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc(cost)
        .y_desc(quality)
        .x_labels(6)
        .light_line_style(WHITE)
        .draw()
        .map_err(failed)?;
    for (i, p) in points.iter().enumerate() {
        let at = (p.cost, p.value.value);
        if let Ok(interval) = p.value.interval {
            let line = [(p.cost, interval.low), (p.cost, interval.high)];
            chart.draw_series([PathElement::new(line, color(i).stroke_width(2))]).map_err(failed)?;
        }
        let style = if p.front { color(i).filled() } else { color(i).stroke_width(2) };
        chart.draw_series([Circle::new(at, 5, style)]).map_err(failed)?;
        let font = ("sans-serif", 12).into_font().color(&color(i));
        chart.draw_series([Text::new(format!("  {}", p.label), at, font)]).map_err(failed)?;
    }
    Ok(())
}
