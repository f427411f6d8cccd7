//! What a step and a dataset cost as they grow: time, share of the GEMM peak and peak memory against tokens per sample,
//! batch, vocabulary, width, and clips in the dataset; a power law fitted to each.
//!
//! ```text
//! cargo bench --bench scaling                                # every axis; writes reports/scaling/cpu.{csv,md,svg}
//! cargo bench --bench scaling -- --axis width --out DIR      # one axis, elsewhere
//! cargo bench --bench scaling -- --device cuda:0             # a card: reports/scaling/cuda.{csv,md,svg}
//! cargo bench --bench scaling -- --most-clips 100000         # a smaller largest dataset (default: a million)
//! ```
//! Every point is a process of its own, so that its peak memory is its own. Absolute times belong to one machine; the
//! exponents are what travels.

#[path = "step/listed.rs"]
mod listed;
#[allow(dead_code)] // data sheets are for the other bench
#[path = "step/peak.rs"]
mod peak;

use nano4m::architecture::{Config, Work};
use nano4m::batch::Batch;
use nano4m::data::{Dataset, Part};
use nano4m::manifest::{self, schema::Experiment};
use nano4m::place::Place;
use nano4m::train::{take_step, Sampler};
use plotters::prelude::*;
use serde_json::{json, Value};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Steps that are timed, after one that is not.
const STEPS: u64 = 6;

/// Something that grows, and what it is at each point.
struct Axis {
    name: &'static str,
    /// What is counted.
    unit: &'static str,
    points: &'static [u64],
}

const AXES: [Axis; 5] = [
    Axis { name: "tokens", unit: "tokens of a sample", points: &[64, 128, 256, 512, 1024, 2048] },
    Axis { name: "batch", unit: "clips of a batch", points: &[2, 4, 8, 16, 32, 64, 128] },
    Axis { name: "vocabulary", unit: "ids", points: &[256, 1024, 4096, 16384, 65536] },
    Axis { name: "width", unit: "numbers of a token's vector", points: &[64, 128, 256, 512, 1024] },
    Axis { name: "clips", unit: "clips of the dataset", points: &[1000, 10_000, 100_000, 1_000_000] },
];

/// Where the other axes stand while one moves.
struct Step {
    tokens: u64,
    batch: u64,
    vocabulary: u64,
    width: u64,
}

impl Step {
    fn at(axis: &str, value: u64) -> Step {
        let pick = |name, usual| if axis == name { value } else { usual };
        Step {
            tokens: pick("tokens", 256),
            batch: pick("batch", 16),
            vocabulary: pick("vocabulary", 1024),
            width: pick("width", 128),
        }
    }

    /// Half of a sample's tokens are inputs, half targets; synthetic clips, as many as a few batches have.
    fn manifest(&self) -> String {
        let Step { tokens, batch, vocabulary, width } = self;
        let half = tokens / 2;
        format!(
            r#"Experiment(schema: 1, name: "scaling", data: (synthetic: (classes: 4, clips: ({}, 8, 8))),
                modalities: [(name: "a", length: {tokens}, vocab: {vocabulary})],
                masking: (input_tokens: ({half}, {half}), target_tokens: ({half}, {half})),
                model: (dim: {width}, enc_depth: 2, dec_depth: 2, head_dim: 32),
                train: (batch: {batch}, tokens: 1000000, tokens_per_sample: {tokens}, warmup_tokens: 1000),
                probes: [CrossEntropy(masks: 1)])"#,
            2 * batch
        )
    }
}

fn experiment(text: &str) -> Experiment {
    manifest::parse(text, Path::new("scaling.ron"), &[]).unwrap_or_else(|wrong| panic!("{wrong}")).experiment
}

/// One point of an axis of the step.
fn step(axis: &str, value: u64, place: Place) -> Value {
    let experiment = experiment(&Step::at(axis, value).manifest());
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let data = Dataset::open(&experiment.data, &experiment.modalities, Path::new("."), scratch.path())
        .expect("data");
    let config = Config::new(&experiment.modalities, &experiment.model);
    let mut net = nano4m::model::open(place, config.clone(), 0).expect("the place is there");
    let sampler = Sampler::new(&experiment, data.split(Part::Train)).expect("no direction to look up");
    let batches: Vec<Batch> = (0..=STEPS).map(|i| sampler.batch(i)).collect();
    let mut seconds = Vec::new();
    for batch in &batches {
        let start = Instant::now();
        take_step(&mut *net, batch, &experiment.train, 1e-4).expect("a step");
        seconds.push(start.elapsed().as_secs_f64());
    }
    let (seconds, memory) = (median(seconds.split_off(1)), peak::rss_mib());
    let tokens = (batches[1].enc.len() + batches[1].dec.len()) as f64;
    let flops = config.flops(&Work::of_batch(&config, &batches[1]));
    json!({
        "seconds": seconds, "work": flops / 1e9, "tokens_per_second": tokens / seconds,
        "mfu": flops / seconds / 1e9 / peak::measured(place).expect("the place is there"), "peak_mib": memory,
    })
}

const CLIPS: &str = r#"Experiment(schema: 1, name: "scaling", data: (path: "d.tar"),
    modalities: [(name: "a", length: 16, vocab: 64)], masking: (input_tokens: (8, 8), target_tokens: (8, 8)),
    train: (batch: 64, tokens: 1000000, tokens_per_sample: 16, warmup_tokens: 1000))"#;

/// An archive of so many training clips of 16 tokens.
fn archive(path: &Path, clips: u64) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(std::io::BufWriter::new(std::fs::File::create(path)?));
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(format!("{:117}\n", "{'descr': '<u2', 'fortran_order': False, 'shape': (1, 16), }").bytes());
    let start = npy.len();
    npy.resize(start + 32, 0);
    for (split, count) in [("train", clips), ("val", 4), ("test", 4)] {
        for clip in 0..count {
            for (i, id) in npy[start..].chunks_exact_mut(2).enumerate() {
                id.copy_from_slice(&(((clip * 31 + i as u64 * 7) % 64) as u16).to_le_bytes());
            }
            let mut header = tar::Header::new_gnu();
            header.set_size(npy.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("d/{split}/a/{split}{clip:07}.npy"), npy.as_slice())?;
        }
    }
    tar.into_inner()?.into_inner().map_err(std::io::IntoInnerError::into_error).map(drop)
}

/// One size of a dataset on disk: read, checked, hashed and packed; opened again; drawn from.
fn dataset(clips: u64) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    archive(&folder.path().join("d.tar"), clips).expect("room for the archive");
    let (experiment, cache) = (experiment(CLIPS), folder.path().join("cache"));
    let open =
        || Dataset::open(&experiment.data, &experiment.modalities, folder.path(), &cache).expect("data");
    let timed = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let build = timed(&mut || drop(open()));
    let again = timed(&mut || drop(open()));
    let data = open();
    let sampler = Sampler::new(&experiment, data.split(Part::Train)).expect("no direction to look up");
    sampler.batch(0);
    let draw = timed(&mut || (0..100).for_each(|i| drop(sampler.batch(i)))) / 100.0;
    json!({
        "seconds": build, "work": clips as f64, "reopen_seconds": again, "batch_seconds": draw,
        "peak_mib": peak::rss_mib(),
    })
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// Exponent of the power law through points, by least squares of the logarithms, and the share of their variance that
/// it explains. The first points are often constant costs: only the upper half of an axis is fitted.
fn exponent(points: &[(f64, f64)]) -> (f64, f64) {
    let upper = &points[points.len() / 2 - usize::from(points.len() < 5)..];
    let logs: Vec<(f64, f64)> = upper.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let (mx, my) = (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| logs.iter().map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
    (xy / xx, if yy > 0.0 { xy * xy / (xx * yy) } else { 1.0 })
}

/// What is told of the points of an axis, beside time and work.
const COLUMNS: [&str; 5] = ["tokens_per_second", "mfu", "peak_mib", "reopen_seconds", "batch_seconds"];

type Measured = Vec<(&'static Axis, Vec<(u64, Value)>)>;

fn csv(measured: &Measured) -> String {
    let mut text = format!("axis,value,unit,seconds,work,{}\n", COLUMNS.join(","));
    for (axis, points) in measured {
        for (value, found) in points {
            let cell = |name: &str| found[name].as_f64().map_or(String::new(), |x| format!("{x:.6}"));
            let others: Vec<String> = COLUMNS.iter().map(|name| cell(name)).collect();
            let (seconds, work) = (cell("seconds"), cell("work"));
            let _ =
                writeln!(text, "{},{value},{},{seconds},{work},{}", axis.name, axis.unit, others.join(","));
        }
    }
    text
}

fn markdown(measured: &Measured, machine: &str) -> String {
    let mut text = format!(
        "# Cost curves\n\nBy `cargo bench --bench scaling` on {machine}. An exponent is the slope of the logarithms over \
         the upper half of an axis; the work of a step is its floating-point operations, that of a dataset its clips. \
         Where time grows no faster than work, a larger problem costs what it must.\n\n\
         | axis | from | to | time ∝ | work ∝ | time ∝ work^ | memory ∝ | R² |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for (axis, points) in measured {
        let of = |name: &str| -> Vec<(f64, f64)> {
            points.iter().filter_map(|(x, found)| Some((*x as f64, found[name].as_f64()?))).collect()
        };
        let by_work: Vec<(f64, f64)> =
            of("work").iter().zip(of("seconds")).map(|((_, work), (_, s))| (*work, s)).collect();
        let ((time, fit), (work, _)) = (exponent(&of("seconds")), exponent(&of("work")));
        let ((against, _), (memory, _)) = (exponent(&by_work), exponent(&of("peak_mib")));
        let (from, to) = (points[0].0, points[points.len() - 1].0);
        let _ = writeln!(
            text,
            "| {} | {from} | {to} | {time:.2} | {work:.2} | {against:.2} | {memory:.2} | {fit:.3} |",
            axis.unit
        );
    }
    for (axis, points) in measured {
        let _ = writeln!(text, "\n## {}\n", axis.unit);
        let names: Vec<&str> =
            ["seconds"].into_iter().chain(COLUMNS).filter(|name| points[0].1[*name].is_number()).collect();
        let _ =
            writeln!(text, "| {} | {} |\n|--:|{}", axis.name, names.join(" | "), "--:|".repeat(names.len()));
        for (value, found) in points {
            let cell = |name: &&str| {
                let x = found[*name].as_f64().unwrap_or(f64::NAN);
                if x >= 100.0 {
                    format!("{x:.0}")
                } else {
                    format!("{x:.3}")
                }
            };
            let cells: Vec<String> = names.iter().map(cell).collect();
            let _ = writeln!(text, "| {value} | {} |", cells.join(" | "));
        }
    }
    text
}

/// A panel for each axis: time against its value, both logarithmic, and the slope of work beside it.
fn plot(measured: &Measured) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    {
        let page = SVGBackend::with_string(&mut svg, (900, 560)).into_drawing_area();
        page.fill(&WHITE)?;
        for (area, (axis, points)) in page.split_evenly((2, 3)).iter().zip(measured) {
            let of = |name: &str| -> Vec<(f64, f64)> {
                points.iter().filter_map(|(x, found)| Some((*x as f64, found[name].as_f64()?))).collect()
            };
            let (time, work) = (of("seconds"), of("work"));
            // Work in the units of time, so that both meet at the last point.
            let scale = time[time.len() - 1].1 / work[work.len() - 1].1;
            let work: Vec<(f64, f64)> = work.into_iter().map(|(x, y)| (x, y * scale)).collect();
            let ys: Vec<f64> = time.iter().chain(&work).map(|p| p.1).collect();
            let low = ys.iter().copied().fold(f64::MAX, f64::min) / 1.5;
            let high = ys.iter().copied().fold(f64::MIN, f64::max) * 1.5;
            let (first, last) = (time[0].0 / 1.2, time[time.len() - 1].0 * 1.2);
            let mut chart = ChartBuilder::on(area)
                .margin(12)
                .caption(axis.unit, ("sans-serif", 15))
                .x_label_area_size(28)
                .y_label_area_size(62)
                .build_cartesian_2d((first..last).log_scale(), (low..high).log_scale())?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .x_labels(5)
                .y_labels(5)
                .y_desc("seconds")
                .draw()?;
            let (blue, grey) = (RGBColor(0, 114, 178), RGBColor(140, 140, 140));
            chart.draw_series(LineSeries::new(work, grey))?;
            chart.draw_series(LineSeries::new(time.clone(), blue.stroke_width(2)))?;
            chart.draw_series(time.into_iter().map(|point| Circle::new(point, 3, blue.filled())))?;
        }
        page.present()?;
    }
    Ok(svg)
}

/// A process of its own for one point.
fn point(axis: &Axis, value: u64, device: &str) -> Value {
    let me = std::env::current_exe().expect("this program has a path");
    let arguments = ["--point", axis.name, &value.to_string(), "--device", device];
    let out = Command::new(me).args(arguments).output().expect("this program starts");
    assert!(out.status.success(), "{} {value}: {}", axis.name, String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("a line of JSON")
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value =
        |name: &str, at: usize| args.iter().position(|a| a == name).and_then(|i| args.get(i + at)).cloned();
    let device = value("--device", 1).unwrap_or_else(|| "cpu".into());
    let place = Place { device: device.parse().expect("cpu or cuda:N"), ..Place::CPU };
    if let (Some(axis), Some(at)) = (value("--point", 1), value("--point", 2)) {
        let at: u64 = at.parse().expect("a whole number");
        println!("{}", if axis == "clips" { dataset(at) } else { step(&axis, at, place) });
        return;
    }
    let only = value("--axis", 1);
    let most = value("--most-clips", 1).map_or(u64::MAX, |n| n.parse().expect("a whole number"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/scaling");
    let out = value("--out", 1).map_or(root, PathBuf::from);
    let mut measured: Measured = Vec::new();
    for axis in AXES.iter().filter(|axis| only.as_deref().is_none_or(|name| name == axis.name)) {
        let mut points = Vec::new();
        for &at in axis.points.iter().filter(|at| axis.name != "clips" || **at <= most) {
            let found = point(axis, at, &device);
            eprintln!("{} {at}: {found}", axis.name);
            points.push((at, found));
        }
        measured.push((axis, points));
    }
    assert!(!measured.is_empty(), "--axis: tokens, batch, vocabulary, width or clips");
    let machine = nano4m::provenance::machine::machine();
    let machine = match nano4m::ops::device::card(place.device).expect("the device is there") {
        Some(card) => card.to_string(),
        None => format!("{} ({} logical processors)", machine.cpu, machine.processors),
    };
    let name = if device == "cpu" { "cpu" } else { "cuda" };
    let files = [
        (format!("{name}.csv"), csv(&measured).into_bytes()),
        (format!("{name}.md"), markdown(&measured, &machine).into_bytes()),
        (format!("{name}.svg"), plot(&measured).expect("a plot").into_bytes()),
    ];
    listed::write(&out, &files).expect("room for the results");
    println!("{}", markdown(&measured, &machine));
}
