//! Speed of the whole training step: valid tokens per second, share of the GEMM peak, peak memory;
//! and the ratio to eager PyTorch when a Python with torch is given.
//!
//! ```text
//! cargo bench --bench step                                  # ours, presets small and full
//! cargo bench --bench step -- --python python3 --rounds 5   # in turn with benches/torch_baseline.py
//! cargo bench --bench step -- --preset small --steps 10     # one preset, one JSON line
//! ```
//! Absolute numbers belong to one machine at one time; the ratios of runs taken in turn are what counts.

use nano4m::architecture::{Config, Work};
use nano4m::batch::Batch;
use nano4m::manifest::schema::{Masking, Model, Train};
use nano4m::masking::Masks;
use nano4m::modality::Modality;
use nano4m::model::network::Place;
use nano4m::rng::{stream, Purpose};
use nano4m::train::take_step;
use rand::Rng;
use serde_json::Value;
use std::process::Command;
use std::time::Instant;

struct Preset {
    name: &'static str,
    vocab: [usize; 5],
    length: [usize; 5],
    dim: usize,
    depth: usize,
    head_dim: usize,
    batch: usize,
    steps: usize,
}

/// The presets of `torch_baseline.py`.
const PRESETS: [Preset; 2] = [
    Preset {
        name: "small",
        vocab: [1024, 2048, 256, 256, 512],
        length: [196, 512, 196, 196, 16],
        dim: 128,
        depth: 3,
        head_dim: 32,
        batch: 32,
        steps: 10,
    },
    Preset {
        name: "full",
        vocab: [16384, 2048, 8192, 8192, 50304],
        length: [196, 512, 196, 196, 64],
        dim: 512,
        depth: 6,
        head_dim: 64,
        batch: 4,
        steps: 4,
    },
];

impl Preset {
    fn config(&self) -> Config {
        let modality = |(i, (vocab, length)): (usize, (&usize, &usize))| -> Modality {
            ron::from_str(&format!("(name: \"m{i}\", length: {length}, vocab: {vocab})"))
                .expect("a valid modality")
        };
        let modalities: Vec<Modality> =
            self.vocab.iter().zip(&self.length).enumerate().map(modality).collect();
        let (dim, head_dim) = (self.dim, self.head_dim);
        let model = Model { dim, enc_depth: self.depth, dec_depth: self.depth, head_dim, ..Model::default() };
        Config::new(&modalities, &model)
    }

    fn batch(&self, config: &Config, step: usize) -> Batch {
        let masks = Masks::new(&config.modalities, &Masking::default()).expect("no direction to look up");
        let mut s = stream(0, Purpose::Simulation, &[step as u64]);
        let mut batch = Batch::default();
        for _ in 0..self.batch {
            let mask = masks.draw(&mut s);
            let ids = |m: &Modality, s: &mut nano4m::rng::Stream| -> Vec<u32> {
                (0..m.length).map(|_| s.gen_range(0..m.vocab as u32)).collect()
            };
            let tokens: Vec<Vec<u32>> = config.modalities.iter().map(|m| ids(m, &mut s)).collect();
            batch.push(&tokens.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mask);
        }
        batch
    }
}

/// GFLOP/s of one large matrix product on all threads.
fn gemm_peak() -> f64 {
    use dfdx::prelude::*;
    let dev = Cpu::default();
    let (m, n, k) = (2048_usize, 512_usize, 1536_usize);
    let a: Tensor<(usize, usize), f32, _> = dev.ones_like(&(m, k));
    let b: Tensor<(usize, usize), f32, _> = dev.ones_like(&(k, n));
    let once = || {
        let start = Instant::now();
        let _ = a.clone().matmul(b.clone());
        start.elapsed().as_secs_f64()
    };
    let best = (0..9).map(|_| once()).fold(f64::MAX, f64::min);
    2.0 * (m * n * k) as f64 / best / 1e9
}

fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

/// Runs a preset and prints one JSON line.
fn measure(preset: &Preset, batch: usize, steps: usize) {
    let preset = Preset { batch, ..*preset };
    let config = preset.config();
    let mut net = nano4m::model::open(Place::CPU, config.clone(), 0).expect("the CPU is there");
    let train = Train { batch, ..Train::default() };
    let batches: Vec<Batch> = (0..=steps).map(|i| preset.batch(&config, i)).collect();
    take_step(&mut *net, &batches[0], &train, train.lr).expect("a step");
    let start = Instant::now();
    let mut loss = 0.0;
    for b in &batches[1..] {
        loss = take_step(&mut *net, b, &train, train.lr).expect("a step").loss;
    }
    let (seconds, rss) = (start.elapsed().as_secs_f64(), peak_rss_mib());
    let tokens: usize = batches[1..].iter().map(|b| b.enc.len() + b.dec.len()).sum();
    let flops: f64 = batches[1..].iter().map(|b| config.flops(&Work::of_batch(&config, b))).sum();
    let (peak, rate) = (gemm_peak(), flops / seconds / 1e9);
    let line = serde_json::json!({
        "preset": preset.name, "batch": batch, "threads": rayon::current_num_threads(),
        "tokens_per_second": tokens as f64 / seconds, "seconds_per_step": seconds / steps as f64,
        "gflops": rate, "gemm_peak_gflops": peak, "mfu": rate / peak, "peak_rss_mib": rss, "loss": loss,
    });
    println!("{line}");
}

fn run(command: &mut Command) -> Value {
    let out = command.output().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
    assert!(out.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(text.trim().lines().last().unwrap_or("")).expect("a JSON line")
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// Ours and PyTorch's processes in turn; the medians of the pairwise ratios.
fn compare(preset: &Preset, python: Option<&str>, rounds: usize) {
    let me = std::env::current_exe().expect("this program has a path");
    let steps = preset.steps.to_string();
    let ours = || run(Command::new(&me).args(["--preset", preset.name, "--steps", &steps]));
    let number = |v: &Value, key: &str| v[key].as_f64().unwrap_or(f64::NAN);
    let first = ours();
    println!(
        "{:5}  batch {:2}  {:8.0} tokens/s  MFU {:3.0} % of {:.0} GFLOP/s  peak memory {:.0} MiB",
        preset.name,
        preset.batch,
        number(&first, "tokens_per_second"),
        100.0 * number(&first, "mfu"),
        number(&first, "gemm_peak_gflops"),
        number(&first, "peak_rss_mib"),
    );
    let Some(python) = python else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/torch_baseline.py");
    for attention in ["naive", "sdpa"] {
        let (mut speed, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let a = ours();
            let batch = preset.batch.to_string();
            let args =
                ["--preset", preset.name, "--batch", &batch, "--steps", &steps, "--attention", attention];
            let b = run(Command::new(python).arg(script).args(args));
            speed.push(number(&a, "tokens_per_second") / number(&b, "tokens_per_second"));
            memory.push(number(&a, "peak_rss_mib") / number(&b, "peak_rss_mib"));
        }
        let (speed, memory) = (median(speed), median(memory));
        println!(
            "       against PyTorch, {attention:5} attention: {speed:.2}× the tokens/s, {memory:.2}× the memory \
             (medians of {rounds})"
        );
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).cloned();
    let number = |name: &str| value(name).map(|v| v.parse::<usize>().expect("a whole number"));
    match value("--preset") {
        Some(name) => {
            let preset = PRESETS.iter().find(|p| p.name == name).expect("preset small or full");
            measure(
                preset,
                number("--batch").unwrap_or(preset.batch),
                number("--steps").unwrap_or(preset.steps),
            );
        }
        None => {
            let python = value("--python");
            PRESETS.iter().for_each(|p| compare(p, python.as_deref(), number("--rounds").unwrap_or(3)));
        }
    }
}
