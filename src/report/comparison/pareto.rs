//! Quality against cost, one plot for each metric: training arithmetic on the left, parameters on
//! the right. Filled: no cell that costs no more is better by the corrected test.

use super::ranking::Grid;
use super::sides::Comparison;
use super::tables::own;
use crate::fault::Result;
use crate::report::plots::draw::{color, draw, failed, file_name, range, Area, Drawn, Plot};
use crate::report::table::arrow;
use crate::stats::{Bootstrap, Estimate};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One cell in a panel.
struct Point {
    label: String,
    cost: f64,
    value: Estimate,
    /// Whether nothing dominates it.
    front: bool,
}

/// The plots of the metrics that have a better side and at least two cells.
pub fn all(comparison: &Comparison, grid: &Grid, plan: &Bootstrap) -> Result<Vec<Plot>> {
    let mut plots: Vec<Plot> = Vec::new();
    for m in 0..grid.metrics.len() {
        let Some(plot) = plot(comparison, grid, m, plan)? else { continue };
        // Two keys may look alike once they are names of files.
        let alike =
            plots.iter().filter(|p| p.name == plot.name || p.name.starts_with(&format!("{}__", plot.name)));
        let name = match alike.count() {
            0 => plot.name.clone(),
            more => format!("{}__{}", plot.name, more + 1),
        };
        plots.push(Plot { name, ..plot });
    }
    Ok(plots)
}

fn plot(comparison: &Comparison, grid: &Grid, m: usize, plan: &Bootstrap) -> Result<Option<Plot>> {
    let metric = &grid.metrics[m];
    if !metric.spec.directed() {
        return Ok(None);
    }
    let flops = points(comparison, grid, m, plan, |c| c.flops / 1e9);
    let parameters = points(comparison, grid, m, plan, |c| c.parameters as f64 / 1e6);
    if flops.len() < 2 {
        return Ok(None);
    }
    let arrow = arrow(metric.spec.better).unwrap_or_default();
    let quality = format!("{metric} ({}) {arrow}", metric.spec.unit.name());
    let svg = draw((1000, 440), |area| {
        let (left, right) = area.split_horizontally(500);
        panel(&left, &flops, "training (GFLOP)", &quality)?;
        panel(&right, &parameters, "parameters (millions)", &quality)
    })?;
    let filled = if grid.one_seed(m) {
        "One seed: no cell is called better, none is filled."
    } else {
        "Filled: no cell that costs no more is better by the corrected test."
    };
    let name = &comparison.name;
    let caption =
        format!("Ablation {name}: {metric} against cost, mean of seeds with 95 % intervals. {filled}");
    let name = format!("pareto_{}_{}", file_name(&comparison.name), file_name(&metric.to_string()));
    Ok(Some(Plot { name, caption, svg }))
}

fn points(
    comparison: &Comparison,
    grid: &Grid,
    m: usize,
    plan: &Bootstrap,
    cost: impl Fn(&super::cost::Cost) -> f64,
) -> Vec<Point> {
    let costs: Vec<Option<f64>> = comparison.sides.iter().map(|s| s.cost.as_ref().map(&cost)).collect();
    let front = |side: usize| {
        let cheaper = |other: &usize| costs[*other].zip(costs[side]).is_some_and(|(o, own)| o <= own);
        let mut others = (0..costs.len()).filter(|o| *o != side).filter(cheaper);
        !grid.one_seed(m) && others.all(|other| grid.verdict(m, other, side) != Some(true))
    };
    let point = |side: usize| {
        let value = own(comparison, side, &grid.metrics[m], plan).ok()?;
        let label = comparison.sides[side].label.clone();
        Some(Point { label, cost: costs[side]?, value, front: front(side) })
    };
    (0..comparison.sides.len()).filter_map(point).collect()
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
    }
    // As far right as the rightmost point of those with about this cost: no label on a point of this column.
    let column = |cost: f64| {
        let near = points.iter().map(|p| p.cost).filter(|c| (c - cost).abs() < 0.1 * (x.1 - x.0));
        near.fold(cost, f64::max) + 0.03 * (x.1 - x.0)
    };
    let values: Vec<f64> = points.iter().map(|p| p.value.value).collect();
    let heights = apart(&values, LINE * (y.1 - y.0), y);
    for (i, (p, height)) in points.iter().zip(heights).enumerate() {
        let to = (column(p.cost), height);
        let leader = [(p.cost, p.value.value), to];
        chart.draw_series([PathElement::new(leader, color(i).mix(0.4))]).map_err(failed)?;
        let font = ("sans-serif", 12).into_font().color(&color(i));
        let font = font.pos(Pos::new(HPos::Left, VPos::Center));
        chart.draw_series([Text::new(p.label.clone(), to, font)]).map_err(failed)?;
    }
    Ok(())
}

/// Height of a line of text as a share of a panel's.
const LINE: f64 = 0.04;

/// Heights for labels of `values`, at least `gap` from each other, as near to their values and as far
/// inside `low..high` as there is room for.
fn apart(values: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut heights = values.to_vec();
    let mut free = low;
    for &i in &order {
        heights[i] = heights[i].max(free);
        free = heights[i] + gap;
    }
    let mut free = high;
    for &i in order.iter().rev() {
        heights[i] = heights[i].min(free);
        free = heights[i] - gap;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn labels_do_not_lie_on_each_other() {
        assert_eq!(apart(&[5.0, 1.0], 1.0, (0.0, 10.0)), [5.0, 1.0]);
        assert_eq!(apart(&[5.0, 5.0, 5.5], 1.0, (0.0, 10.0)), [5.0, 6.0, 7.0]);
        assert_eq!(apart(&[9.5, 9.5, 9.75], 1.0, (0.0, 10.0)), [8.0, 9.0, 10.0]);
    }
}
