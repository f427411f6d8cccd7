//! Speed of the whole training step: valid tokens per second, share of the peak (MFU), peak memory; and the same of
//! PyTorch, in turn, when a Python with torch is given.
//!
//! ```text
//! cargo bench --bench step                                  # ours on the CPU, presets small and full
//! cargo bench --bench step -- --python python3 --rounds 5   # in turn with benches/torch_baseline.py
//! cargo bench --bench step -- --preset small --line         # one measurement, as one line of JSON
//! cargo bench --bench step --features cuda -- --device cuda:0 --preset full --batch 64 --steps 200 \
//!     --python python3 --out reports/gpu                    # a card; CSV and Markdown named after it
//! ```
//! Absolute numbers belong to one machine at one time; the ratios of runs taken in turn are what counts.

#[path = "step/listed.rs"]
mod listed;
#[path = "step/peak.rs"]
mod peak;
#[path = "step/preset.rs"]
mod preset;
#[path = "step/table.rs"]
mod table;

use clap::Parser;
use nano4m::architecture::{Config, Work};
use nano4m::batch::Batch;
use nano4m::manifest::schema::Train;
use nano4m::ops::device;
use nano4m::place::Place;
use nano4m::train::take_step;
use nano4m::{Device, Fault, Precision, Result};
use preset::{Preset, PRESETS};
use serde_json::{json, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use table::{Facts, Measurement, Row};

/// Speed of the training step, ours and PyTorch's
#[derive(Parser, Clone)]
struct Args {
    /// small or full (the published size) [default: both, one after the other]
    #[arg(long, value_parser = named)]
    preset: Option<Preset>,
    /// Samples of a step [default: the preset's]
    #[arg(long, value_parser = positive)]
    batch: Option<usize>,
    /// Steps under the clock [default: the preset's]
    #[arg(long, value_parser = positive)]
    steps: Option<usize>,
    /// Steps before the clock starts [default: 1, on a card 10]
    #[arg(long, value_parser = positive)]
    warmup: Option<usize>,
    /// cpu or cuda:N
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// fp32, tf32 or both: fp32,tf32 [default: fp32, and tf32 too on a card that has it]
    #[arg(long, value_delimiter = ',', value_parser = precision)]
    precision: Vec<Precision>,
    /// A Python with torch and numpy, for benches/torch_baseline.py in turn
    #[arg(long)]
    python: Option<String>,
    /// How often each program runs
    #[arg(long, default_value = "3", value_parser = positive)]
    rounds: usize,
    /// Folder for CSV and Markdown, named after the card or processor
    #[arg(long)]
    out: Option<PathBuf>,
    /// A line for the Markdown: what else was found on this device (repeatable)
    #[arg(long)]
    note: Vec<String>,
    /// One measurement of ours, as one line of JSON
    #[arg(long, requires = "preset")]
    line: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn named(text: &str) -> std::result::Result<Preset, String> {
    PRESETS.into_iter().find(|p| p.name == text).ok_or_else(|| "expected small or full".into())
}

fn positive(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a whole number above 0".into())
}

fn precision(text: &str) -> std::result::Result<Precision, String> {
    let all = [Precision::F32, Precision::Tf32];
    all.into_iter().find(|p| table::precision(*p) == text).ok_or_else(|| "expected fp32 or tf32".into())
}

impl Args {
    fn warmup(&self) -> usize {
        self.warmup.unwrap_or(if self.device == Device::Cpu { 1 } else { 10 })
    }

    fn sized(&self, preset: Preset) -> Preset {
        preset.with(self.batch.unwrap_or(preset.batch), self.steps.unwrap_or(preset.steps))
    }

    fn presets(&self) -> Vec<Preset> {
        let all = self.preset.map_or_else(|| PRESETS.to_vec(), |one| vec![one]);
        all.into_iter().map(|preset| self.sized(preset)).collect()
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.preset.filter(|_| args.line) {
        Some(preset) => {
            let precision = args.precision.first().copied().unwrap_or_default();
            measure(&args.sized(preset), &args, precision).map(|line| println!("{line}"))
        }
        None => compare(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the steps of a preset, all of them on batches made before: one line of JSON.
fn measure(preset: &Preset, args: &Args, precision: Precision) -> Result<Value> {
    let config = preset.config();
    let place = Place { device: args.device, precision, ..Place::CPU };
    let mut net = nano4m::model::open(place, config.clone(), 0)?;
    let train = Train { batch: preset.batch, ..Train::default() };
    let batches: Vec<Batch> = (0..args.warmup() + preset.steps).map(|i| preset.draw(&config, i)).collect();
    let (warmup, timed) = batches.split_at(args.warmup());
    let mut step = |batch| take_step(&mut *net, batch, &train, train.lr).map(|outcome| outcome.loss);
    for batch in warmup {
        step(batch)?;
    }
    let (start, mut loss) = (Instant::now(), 0.0);
    for batch in timed {
        // Reads the loss, so that the device has done everything when it is back.
        loss = step(batch)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let rss = peak::rss_mib();
    let memory = match args.device {
        Device::Cpu => rss,
        Device::Cuda(ordinal) => peak_of_pool_mib(ordinal),
    };
    let tokens: usize = timed.iter().map(|b| b.enc.len() + b.dec.len()).sum();
    let flops: f64 = timed.iter().map(|b| config.flops(&Work::of_batch(&config, b))).sum();
    drop(net); // room for the product
    let (peak, rate) = (peak::measured(place)?, flops / seconds / 1e9);
    Ok(json!({
        "program": table::program(), "preset": preset.name, "batch": preset.batch, "steps": preset.steps, "device": args.device.to_string(),
        "precision": table::precision(precision), "threads": rayon::current_num_threads(),
        "tokens_per_second": tokens as f64 / seconds, "seconds_per_step": seconds / preset.steps as f64,
        "gflops": rate, "gemm_peak_gflops": peak, "mfu": rate / peak,
        "peak_rss_mib": rss, "peak_mib": memory, "loss": loss,
    }))
}

/// The most that was ever allocated of a card's memory pool, as `torch.cuda.max_memory_allocated` says it of PyTorch.
#[cfg(feature = "cuda")]
fn peak_of_pool_mib(ordinal: usize) -> f64 {
    use cudarc::driver::sys;
    let (mut device, mut pool, mut bytes) = (0, std::ptr::null_mut(), 0_u64);
    // SAFETY: each call fills in what it is given; this attribute is a number of 64 bits.
    let asked = unsafe {
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;
        sys::cuDeviceGet(&mut device, ordinal as i32)
            .result()
            .and_then(|()| sys::cuDeviceGetDefaultMemPool(&mut pool, device).result())
            .and_then(|()| {
                sys::cuMemPoolGetAttribute(pool, attribute, std::ptr::from_mut(&mut bytes).cast()).result()
            })
    };
    asked.map_or(f64::NAN, |()| bytes as f64 / (1 << 20) as f64)
}

#[cfg(not(feature = "cuda"))]
fn peak_of_pool_mib(_: usize) -> f64 {
    unreachable!("no card is opened without CUDA")
}

/// Ours and PyTorch's processes in turn; prints tables, and writes them where a folder is given.
fn compare(args: &Args) -> Result<()> {
    let facts = Facts::of(args.device)?;
    let tf32 = facts.card.as_ref().is_some_and(|card| card.capability >= (8, 0));
    let precisions = match args.precision.as_slice() {
        [] if tf32 => &[Precision::F32, Precision::Tf32],
        [] => &[Precision::F32][..],
        asked => asked,
    };
    let mut rows = Vec::new();
    for preset in args.presets() {
        for &precision in precisions {
            device::hold(Place { device: args.device, precision, ..Place::CPU })?;
            rows.extend(in_turn(&preset, args, precision)?);
        }
    }
    let tables = table::Tables { facts: &facts, rows: &rows, notes: &args.note, warmup: args.warmup() };
    println!("{}", tables.markdown());
    match &args.out {
        Some(folder) => tables.write(folder),
        None => Ok(()),
    }
}

/// Program, attention and arguments of what ours is compared with.
const PYTORCH: [(&str, &str, &[&str]); 3] = [
    ("PyTorch", "naive", &["--attention", "naive"]),
    ("PyTorch", "fused", &["--attention", "fused"]),
    ("PyTorch, torch.compile", "fused", &["--attention", "fused", "--compile"]),
];

/// In the folder of the project, wherever it was built.
fn script() -> PathBuf {
    let script = Path::new("benches/torch_baseline.py");
    if script.is_file() {
        script.into()
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(script)
    }
}

/// Every program once a round. One that is skipped is not asked again.
fn in_turn(preset: &Preset, args: &Args, precision: Precision) -> Result<Vec<Row>> {
    let ours = std::env::current_exe().expect("this program has a path");
    let mut programs = vec![(Row::new("nano4m", "its own", preset, precision), {
        let mut command = Command::new(ours);
        command.args(["--line", "--warmup", &args.warmup().to_string()]);
        command
    })];
    for (program, attention, words) in PYTORCH {
        let Some(python) = &args.python else { break };
        let mut command = Command::new(python);
        command.arg(script()).args(words);
        command.args(["--threads", &rayon::current_num_threads().to_string()]);
        // Without it the script chooses: a compiler needs more.
        command.args(args.warmup.iter().flat_map(|n| ["--warmup".into(), n.to_string()]));
        programs.push((Row::new(program, attention, preset, precision), command));
    }
    for (_, command) in &mut programs {
        command.args(["--preset", preset.name, "--batch", &preset.batch.to_string()]);
        command.args(["--steps", &preset.steps.to_string(), "--device", &args.device.to_string()]);
        command.args(["--precision", table::precision(precision)]);
    }
    let config = preset.config();
    for round in 1..=args.rounds {
        for (row, command) in programs.iter_mut().filter(|(row, _)| row.skipped.is_none()) {
            eprintln!("round {round} of {}: {} {}, {}", args.rounds, preset.name, row, row.precision());
            match run(command).and_then(|line| measurement(&line, &config)) {
                Ok(found) => row.rounds.push(found),
                Err(reason) if row.is_ours() => {
                    return Err(Fault::failed("our own step could not be measured").found(reason))
                }
                Err(reason) => row.skipped = Some(reason),
            }
        }
    }
    let mut rows: Vec<Row> = programs.into_iter().map(|(row, _)| row).collect();
    table::hold_against_the_first(&mut rows);
    Ok(rows)
}

/// The line of JSON that a program prints, or why there is none.
fn run(command: &mut Command) -> std::result::Result<Value, String> {
    let out = command.output().map_err(|e| format!("cannot start {:?}: {e}", command.get_program()))?;
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_string()
    };
    if !out.status.success() {
        eprint!("{}", String::from_utf8_lossy(&out.stderr));
        return Err(format!("{}: {}", out.status, last(&out.stderr)));
    }
    serde_json::from_str(&last(&out.stdout)).map_err(|e| format!("no line of JSON: {e}"))
}

fn measurement(line: &Value, config: &Config) -> std::result::Result<Measurement, String> {
    if let Some(reason) = line["skipped"].as_str() {
        return Err(reason.into());
    }
    let of = |value: &Value, key: &str| value[key].as_f64().ok_or_else(|| format!("no {key} in {line}"));
    let number = |key: &str| of(line, key);
    let work = &line["work"];
    let gflops = if work.is_object() {
        let targets = of(work, "targets")?;
        let done = Work {
            inputs: of(work, "inputs")?,
            targets,
            input_pairs: of(work, "input_pairs")?,
            target_pairs: of(work, "target_pairs")?,
            cross_pairs: of(work, "cross_pairs")?,
            logits: targets * config.vocab() as f64,
        };
        config.flops(&done) / number("seconds_per_step")? / number("steps")? / 1e9
    } else {
        number("gflops")?
    };
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_string();
    Ok(Measurement {
        tokens_per_second: number("tokens_per_second")?,
        seconds_per_step: number("seconds_per_step")?,
        gflops,
        peak_mib: number("peak_mib")?,
        product_gflops: line["gemm_peak_gflops"].as_f64(),
        versions: match line["torch"].as_str() {
            Some(torch) => format!("torch {torch}, Python {}", text("python")),
            None => text("program"),
        },
    })
}
