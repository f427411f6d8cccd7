//! Cross-entropy of the model and its baselines with intervals, one panel per modality.

use super::draw::{color, draw, failed, file_name, range, Area, Drawn, Plot, FONT};
use crate::fault::Result;
use crate::modality::short_names;
use crate::report::runs::Group;
use crate::report::table::{Cell, Row, Table};
use crate::stats::Estimate;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

struct Panel {
    modality: String,
    sources: Vec<(String, Estimate)>,
}

const HEIGHT: u32 = 26;

/// From the table of cross-entropies: the deciding rows of one experiment.
pub fn plot(group: &Group, tables: &[Table]) -> Result<Option<Plot>> {
    let Some(table) = tables.iter().find(|t| t.name == "cross_entropy") else { return Ok(None) };
    let panels = panels(group, table);
    if panels.is_empty() {
        return Ok(None);
    }
    let heights: Vec<u32> = panels.iter().map(|p| HEIGHT * p.sources.len() as u32 + 70).collect();
    let svg = draw((820, heights.iter().sum()), |area| {
        let mut rest = area.clone();
        for (panel, height) in panels.iter().zip(&heights) {
            let (top, below) = rest.split_vertically(*height as i32);
            draw_panel(&top, panel)?;
            rest = below;
        }
        Ok(())
    })?;
    let caption =
        format!("{}: cross-entropy on the test split beside its baselines, with intervals.", group.label);
    Ok(Some(Plot { name: format!("cross_entropy_{}", file_name(&group.label)), caption, svg }))
}

fn panels(group: &Group, table: &Table) -> Vec<Panel> {
    let cell = |row: &Row, name: &str| table.column(name).and_then(|at| row.cells.get(at)).cloned();
    let text = |row: &Row, name: &str| match cell(row, name) {
        Some(Cell::Text(text)) => text,
        _ => String::new(),
    };
    let seed = match group.runs.len() {
        1 => group.runs[0].seed(),
        seeds => format!("mean of {seeds}"),
    };
    let deciding = |row: &&Row| text(row, "experiment") == group.label && text(row, "seed") == seed;
    let mut panels: Vec<Panel> = Vec::new();
    for row in table.rows.iter().filter(deciding) {
        let Some(Cell::Estimate(ce)) = cell(row, "ce_nats_per_token") else { continue };
        let modality = text(row, "modality");
        if panels.last().is_none_or(|panel| panel.modality != modality) {
            panels.push(Panel { modality, sources: vec![] });
        }
        if let Some(panel) = panels.last_mut() {
            panel.sources.push((text(row, "source"), ce));
        }
    }
    panels
}

fn draw_panel(area: &Area, panel: &Panel) -> Drawn {
    let ends = panel.sources.iter().flat_map(|(_, e)| {
        let i = e.interval.ok();
        [Some(e.value), i.map(|i| i.low), i.map(|i| i.high)]
    });
    let Some(x) = range(ends.flatten()) else { return Ok(()) };
    let n = panel.sources.len();
    let mut chart = ChartBuilder::on(area)
        .margin_left(12)
        .margin_right(20)
        .margin_top(6)
        .caption(format!("{} (nats/token)", short_names(&panel.modality)), ("sans-serif", 15))
        .x_label_area_size(28)
        .y_label_area_size(150)
        .build_cartesian_2d(x.0..x.1, -0.5..n as f64 - 0.5)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_label_formatter(&|_| String::new())
        .set_tick_mark_size(LabelAreaPosition::Left, 0)
        .label_style(("sans-serif", FONT))
        .max_light_lines(0)
        .draw()
        .map_err(failed)?;
    let beside = TextStyle::from(("sans-serif", FONT).into_font()).pos(Pos::new(HPos::Right, VPos::Center));
    let (left, top) = area.get_pixel_range();
    for (i, (source, e)) in panel.sources.iter().enumerate() {
        let own = if source == "model" { color(0) } else { color(6) };
        // The model stands on top.
        let at = |x: f64| (x, (n - 1 - i) as f64);
        if let Ok(interval) = e.interval {
            let line = PathElement::new([at(interval.low), at(interval.high)], own.stroke_width(3));
            chart.draw_series([line]).map_err(failed)?;
        }
        chart.draw_series([Circle::new(at(e.value), 4, own.filled())]).map_err(failed)?;
        let (px, py) = chart.backend_coord(&at(x.0));
        let name = Text::new(source.clone(), (px - left.start - 8, py - top.start), beside.clone());
        area.draw(&name).map_err(failed)?;
    }
    Ok(())
}
