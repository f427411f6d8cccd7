//! Training curves: cross-entropy of each modality over steps, training (line) and validation (dots).

use super::draw::{color, draw, failed, file_name, legend, range, Plot, FONT};
use crate::fault::{Fault, Result};
use crate::modality::short_names;
use crate::report::runs::{Group, Run};
use plotters::prelude::*;
use std::path::Path;

/// Points of a line at most; more are averaged in windows of equal length.
const POINTS: usize = 200;

struct Curve {
    modality: String,
    train: Vec<(f64, f64)>,
    eval: Vec<(f64, f64)>,
}

/// The first seed's curves; `None` without `metrics.csv`.
pub fn plot(group: &Group) -> Result<Option<Plot>> {
    let curves = read(&group.runs[0])?;
    let points = || curves.iter().flat_map(|c| c.train.iter().chain(&c.eval));
    let (Some(x), Some(y)) = (range(points().map(|p| p.0)), range(points().map(|p| p.1))) else {
        return Ok(None);
    };
    let svg = draw((820, 420), |area| {
        let names = curves.iter().enumerate();
        let names: Vec<_> = names.map(|(i, c)| (short_names(&c.modality), color(i).to_rgba())).collect();
        let mut chart = ChartBuilder::on(&legend(area, &names)?)
            .margin(12)
            .caption(format!("{}: training", group.label), ("sans-serif", 18))
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc("step")
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_desc("nats/token")
            .label_style(("sans-serif", FONT))
            .axis_desc_style(("sans-serif", FONT))
            .max_light_lines(0)
            .draw()
            .map_err(failed)?;
        for (i, c) in curves.iter().enumerate() {
            let line = LineSeries::new(c.train.iter().copied(), color(i).stroke_width(2));
            chart.draw_series(line).map_err(failed)?;
            let dots = c.eval.iter().map(|&p| Circle::new(p, 3, color(i).filled()));
            chart.draw_series(dots).map_err(failed)?;
        }
        Ok(())
    })?;
    let caption = format!(
        "{}, seed {}: cross-entropy over training steps; lines: training batches (window means), dots: validation split.",
        group.label,
        group.runs[0].seed()
    );
    Ok(Some(Plot { name: format!("training_{}", file_name(&group.label)), caption, svg }))
}

fn read(run: &Run) -> Result<Vec<Curve>> {
    let Some((head, rows)) = csv(&run.path.join("metrics.csv"))? else { return Ok(vec![]) };
    let eval = csv(&run.path.join("eval.csv"))?;
    let number = |row: &[String], at: usize| row.get(at).and_then(|c| c.parse::<f64>().ok());
    let curves = head.iter().enumerate().filter_map(|(i, name)| Some((i, name.strip_prefix("ce_")?)));
    let curves = curves.map(|(i, modality)| {
        let points = rows.iter().filter_map(|r| Some((number(r, 0)?, number(r, i)?))).collect();
        let own = |row: &&Vec<String>| row.get(1).is_some_and(|name| name == modality);
        let dots = eval.iter().flat_map(|(_, rows)| rows.iter().filter(own));
        let eval = dots.filter_map(|r| Some((number(r, 0)?, number(r, 3)?))).collect();
        Curve { modality: modality.into(), train: windows(points), eval }
    });
    Ok(curves.filter(|c| !c.train.is_empty()).collect())
}

type Rows = (Vec<String>, Vec<Vec<String>>);

fn csv(path: &Path) -> Result<Option<Rows>> {
    let bytes = match crate::store::regular::read_own(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::io("read", path, &e)),
    };
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
    let bad = |e: ::csv::Error| Fault::failed(format!("not a table: {e}")).at(path.display().to_string());
    let head = reader.headers().map_err(bad)?.iter().map(Into::into).collect();
    let rows: std::result::Result<Vec<_>, _> =
        reader.records().map(|r| r.map(|r| r.iter().map(Into::into).collect())).collect();
    Ok(Some((head, rows.map_err(bad)?)))
}

fn windows(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let width = points.len().div_ceil(POINTS).max(1);
    let mean = |c: &[(f64, f64)]| {
        let n = c.len() as f64;
        (c.iter().map(|p| p.0).sum::<f64>() / n, c.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(width).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_averaged() {
        let long: Vec<(f64, f64)> = (0..1000).map(|i| (i as f64, 1.0)).collect();
        let short = windows(long);
        assert_eq!((short.len(), short[0]), (200, (2.0, 1.0)));
        assert_eq!(windows(vec![(1.0, 2.0)]), [(1.0, 2.0)]);
    }
}
