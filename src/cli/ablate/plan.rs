//! `nano4m ablate NAME --plan`: the cells, what of them exists, and what the rest will take.

use super::args::Args;
use super::setup::{shares, sharing};
use super::states::directory;
use crate::ablation::forecast::{forecast, Forecast, Resources};
use crate::ablation::{self, Existing, Job, Plan};
use crate::cli::arguments::Global;
use crate::cli::done::Done;
use crate::cli::environment::cache_folder;
use crate::cli::{layout, output};
use crate::fault::Result;
use crate::metrics::estimate::{ALPHA, POWER};
use crate::report::comparison::{self, Detectable};
use crate::runner::clock;
use crate::stats::detectable;
use serde::Serialize;
use tabled::builder::Builder;

/// A run as `--plan --json` shows it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    cell: &'a str,
    seed: u64,
    /// `cached`, `partial`, `missing`.
    state: &'static str,
    /// Of its newest checkpoint.
    step: u64,
    total: u64,
    lacks: Vec<String>,
    identity: &'a str,
    directory: Option<String>,
}

#[derive(Debug, Serialize)]
struct Outlook<'a> {
    runs: Vec<Line<'a>>,
    devices: Vec<String>,
    workers: usize,
    threads: usize,
    /// Absent when nothing is missing.
    seconds: Option<f64>,
    /// Two standard errors of the measured steps below and above.
    seconds_range: Option<(f64, f64)>,
    steps_measured: usize,
    bytes: u64,
    test_clips: usize,
    /// In standard deviations of one clip's difference; absent with fewer than two clips.
    detectable_in_deviations: Option<f64>,
    detectable: Vec<Detectable>,
}

/// Shows the plan; runs nothing but a few steps to time them.
pub fn show(plan: &Plan, args: &Args, global: &Global) -> Result<Done> {
    let found: Vec<Existing> = plan.jobs.iter().map(Job::existing).collect::<Result<_>>()?;
    let open = found.iter().filter(|f| !matches!(f, Existing::Complete(_))).count();
    let devices = global.devices();
    let (workers, threads) = shares(args, &devices, open);
    let sharing = sharing(&devices, workers);
    let resources = Resources { devices, kernels: global.kernels, workers, threads };
    let forecast = if open == 0 { None } else { Some(forecast(plan, &found, &resources, &cache_folder())?) };
    let smallest = from_finished(plan)?;
    let deviations = detectable::in_deviations(plan.test_clips, ALPHA, POWER).ok();
    if global.json {
        output::json(&outlook(plan, &found, &resources, forecast, smallest, deviations))?;
        return Ok(Done::Fine);
    }
    output::data(&table(plan, &found))?;
    let mut text = match &forecast {
        None => "nothing is missing\n".to_string(),
        Some(f) => cost(f, open, (workers, threads), sharing.as_deref()),
    };
    text += &smallest_effects(plan, &smallest, deviations);
    output::data(&layout::text(&text))?;
    Ok(Done::Fine)
}

fn outlook<'a>(
    plan: &'a Plan,
    found: &[Existing],
    resources: &Resources,
    forecast: Option<Forecast>,
    detectable: Vec<Detectable>,
    detectable_in_deviations: Option<f64>,
) -> Outlook<'a> {
    let f = forecast.as_ref();
    Outlook {
        runs: plan.jobs.iter().zip(found).map(|(job, found)| line(job, found)).collect(),
        devices: resources.devices.all().iter().map(ToString::to_string).collect(),
        workers: resources.workers,
        threads: resources.threads,
        seconds: f.map(|f| f.seconds),
        seconds_range: f.and_then(|f| f.range),
        steps_measured: f.map_or(0, |f| f.measured),
        bytes: f.map_or(0, |f| f.bytes),
        test_clips: plan.test_clips,
        detectable_in_deviations,
        detectable,
    }
}

/// From what is complete already; empty when no cell is finished beside the reference.
fn from_finished(plan: &Plan) -> Result<Vec<Detectable>> {
    let record = ablation::record(plan)?;
    if comparison::has_runs(&plan.root, &record)? {
        comparison::detectable(&plan.root, &record, plan.ablation.seeds.len())
    } else {
        Ok(Vec::new())
    }
}

fn line<'a>(job: &'a Job, found: &Existing) -> Line<'a> {
    let (state, step, lacks) = match found {
        Existing::Complete(_) => ("cached", job.total(), Vec::new()),
        Existing::Partial { step, missing, .. } => ("partial", *step, missing.clone()),
        Existing::Nothing => ("missing", 0, Vec::new()),
    };
    let (cell, seed, identity) = (job.label.as_str(), job.seed, job.identity.as_str());
    Line { cell, seed, state, step, total: job.total(), lacks, identity, directory: directory(job) }
}

/// Rows: cells and seeds.
fn table(plan: &Plan, found: &[Existing]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["cell", "seed", "state", "run"]);
    for (job, found) in plan.jobs.iter().zip(found) {
        let line = line(job, found);
        let state = match found {
            Existing::Partial { step, .. } if *step < job.total() => {
                format!("step {step} of {}", job.total())
            }
            Existing::Partial { .. } => format!("lacks {}", line.lacks.join(", ")),
            _ => line.state.to_string(),
        };
        let run = line.directory.unwrap_or_else(|| "–".into());
        builder.push_record([line.cell.to_string(), line.seed.to_string(), state, run]);
    }
    layout::style(builder, usize::MAX)
}

fn cost(f: &Forecast, open: usize, (workers, threads): (usize, usize), sharing: Option<&str>) -> String {
    let range = f.range.map_or("its spread is not known from one step a cell".into(), |(low, high)| {
        format!("{} to {} by the spread of the steps", clock(low), clock(high))
    });
    let mut at = format!("{workers} at a time on {threads} thread{}", if threads == 1 { "" } else { "s" });
    sharing.iter().for_each(|sharing| at += &format!(", {sharing}"));
    format!(
        "{open} of the runs are not complete; {at}: about {} ({range}; {} steps timed just now), about {} MB of disk\n",
        clock(f.seconds),
        f.measured,
        f.bytes.div_ceil(1_000_000),
    )
}

fn smallest_effects(plan: &Plan, smallest: &[Detectable], deviations: Option<f64>) -> String {
    let level = format!("{:.0} % level, {:.0} % power", 100.0 * ALPHA, 100.0 * POWER);
    let (clips, seeds) = (plan.test_clips, plan.ablation.seeds.len());
    let mut text =
        format!("smallest difference that is found ({level}, before correction for many comparisons):\n");
    for s in smallest {
        text += &format!(
            "  {}: {:.4} {}, from {} clips and {} of {seeds} seeds of `{}`\n",
            s.metric, s.value, s.unit, s.clips, s.seeds, s.cell
        );
    }
    if smallest.is_empty() {
        text += &match deviations {
            Some(d) => format!(
                "  {d:.2} standard deviations of one clip's difference, with {clips} test clips; in its unit once \
                 two cells are finished\n"
            ),
            None => format!("  not estimable with {clips} test clips\n"),
        };
    }
    let something = deviations.is_some() || !smallest.is_empty();
    text + if something { of_whom(seeds, smallest) } else { "" }
}

/// What a smallest difference does not speak of.
fn of_whom(seeds: usize, smallest: &[Detectable]) -> &'static str {
    if seeds == 1 {
        "  of two trained models: with one seed nothing is found about the recipes\n"
    } else if smallest.iter().all(|s| s.seeds < 2) {
        "  by the spread of clips alone: how seeds differ is known once two of them are finished, and makes it larger\n"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_says_what_it_does_not_know_of_seeds() {
        let of = |seeds| {
            [Detectable { metric: "m".into(), unit: "%", value: 1.0, cell: "a".into(), seeds, clips: 30 }]
        };
        assert!(of_whom(1, &of(1)).contains("nothing is found about the recipes"));
        assert!(of_whom(3, &[]).contains("clips alone") && of_whom(3, &of(1)).contains("clips alone"));
        assert_eq!(of_whom(3, &of(2)), "");
    }
}
