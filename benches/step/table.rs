//! What was measured, as Markdown and CSV: one row for each program, attention and precision; medians of the rounds.

use super::listed;
use super::peak::by_data_sheet;
use super::preset::Preset;
use nano4m::ops::device;
use nano4m::place::Card;
use nano4m::provenance;
use nano4m::{Device, Precision, Result};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;
use std::process::Command;

/// Name of a precision on the command line and in tables.
pub fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "fp32",
        Precision::Tf32 => "tf32",
    }
}

/// This program, with the code it is made of.
pub fn program() -> String {
    let built = provenance::built();
    format!("nano4m {}, code {}, {}", built.version, &built.hash[..10], built.rustc)
}

/// One run of one program.
pub struct Measurement {
    /// Encoder and decoder tokens, without padding.
    pub tokens_per_second: f64,
    pub seconds_per_step: f64,
    /// Operations of the model for those tokens, whatever was computed beside them.
    pub gflops: f64,
    pub peak_mib: f64,
    /// Of one large matrix product; ours alone says it.
    pub product_gflops: Option<f64>,
    pub versions: String,
}

/// A program's runs.
pub struct Row {
    program: &'static str,
    attention: &'static str,
    preset: Preset,
    precision: Precision,
    pub rounds: Vec<Measurement>,
    /// Why there are none, or no more.
    pub skipped: Option<String>,
    /// Tokens/s of ours to this one's, median of the rounds.
    ours_faster: Option<f64>,
    /// GFLOP/s of one large product at this precision.
    product_gflops: Option<f64>,
}

impl Row {
    pub fn new(program: &'static str, attention: &'static str, preset: &Preset, precision: Precision) -> Row {
        Row {
            program,
            attention,
            preset: *preset,
            precision,
            rounds: Vec::new(),
            skipped: None,
            ours_faster: None,
            product_gflops: None,
        }
    }

    pub fn is_ours(&self) -> bool {
        self.program == "nano4m"
    }

    pub fn precision(&self) -> &'static str {
        precision(self.precision)
    }

    fn median(&self, of: impl Fn(&Measurement) -> f64) -> Option<f64> {
        median(self.rounds.iter().map(of).collect())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} attention", self.program, self.attention)
    }
}

fn median(mut x: Vec<f64>) -> Option<f64> {
    x.sort_by(f64::total_cmp);
    x.get(x.len() / 2).copied()
}

/// Fills in what a row is beside the first, ours: round by round, as they were run in turn.
pub fn hold_against_the_first(rows: &mut [Row]) {
    let Some((ours, others)) = rows.split_first_mut() else { return };
    ours.product_gflops = median(ours.rounds.iter().filter_map(|m| m.product_gflops).collect());
    for row in others {
        let pairs = ours.rounds.iter().zip(&row.rounds);
        row.ours_faster = median(pairs.map(|(a, b)| a.tokens_per_second / b.tokens_per_second).collect());
        row.product_gflops = ours.product_gflops;
    }
}

/// The device that everything ran on.
pub struct Facts {
    device: Device,
    pub card: Option<Card>,
    /// The card's name, or the processor's.
    name: String,
    /// Version of the kernel's driver, as `nvidia-smi` says; empty without one.
    driver: String,
}

impl Facts {
    /// # Errors
    /// If the device cannot be opened.
    pub fn of(device: Device) -> Result<Facts> {
        let card = device::card(device)?;
        let name = card.as_ref().map_or_else(|| provenance::machine::machine().cpu, |card| card.name.clone());
        let driver = card.as_ref().map_or_else(String::new, |_| driver());
        Ok(Facts { device, card, name, driver })
    }

    /// Lower-case letters, digits and `-`.
    fn file_name(&self) -> String {
        let lower = self.name.to_lowercase();
        let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name = words.collect::<Vec<_>>().join("-");
        if name.is_empty() {
            self.device.to_string()
        } else {
            name
        }
    }
}

fn driver() -> String {
    let asked =
        Command::new("nvidia-smi").args(["--query-gpu=driver_version", "--format=csv,noheader"]).output();
    let text = asked.ok().filter(|out| out.status.success()).map(|out| out.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().into()
}

/// Everything that was measured on a device.
pub struct Tables<'a> {
    pub facts: &'a Facts,
    pub rows: &'a [Row],
    pub notes: &'a [String],
    pub warmup: usize,
}

const COLUMNS: [&str; 23] = [
    "preset",
    "batch",
    "program",
    "attention",
    "precision",
    "valid_tokens_per_s",
    "step_ms",
    "mfu_percent",
    "mfu_of_measured_peak_percent",
    "measured_peak_tflops",
    "peak_memory_mib",
    "nano4m_times_faster",
    "published_run_min_extrapolated",
    "steps",
    "rounds",
    "device",
    "card",
    "compute_capability",
    "driver",
    "cuda_driver",
    "cublas",
    "versions",
    "skipped",
];

fn digits(value: Option<f64>, digits: usize) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| format!("{v:.digits$}"))
}

impl Tables<'_> {
    /// TFLOP/s and source by the card's data sheet.
    fn sheet(&self, precision: Precision) -> Option<(f64, &'static str)> {
        by_data_sheet(&self.facts.card.as_ref()?.name, precision)
    }

    /// The cells of a row, in the order of [`COLUMNS`].
    fn cells(&self, row: &Row) -> [String; COLUMNS.len()] {
        let gflops = row.median(|m| m.gflops);
        let share = |peak: Option<f64>| digits(gflops.zip(peak).map(|(g, p)| 100.0 * g / p), 1);
        let seconds = row.median(|m| m.seconds_per_step);
        let card = |fact: fn(&Card) -> String| self.facts.card.as_ref().map_or_else(String::new, fact);
        [
            row.preset.name.into(),
            row.preset.batch.to_string(),
            row.program.into(),
            row.attention.into(),
            row.precision().into(),
            digits(row.median(|m| m.tokens_per_second), 0),
            digits(seconds.map(|s| 1e3 * s), 2),
            share(self.sheet(row.precision).map(|(tflops, _)| 1e3 * tflops)),
            share(row.product_gflops),
            digits(row.product_gflops.map(|g| g / 1e3), 2),
            digits(row.median(|m| m.peak_mib), 0),
            digits(row.ours_faster, 2),
            digits(seconds.and_then(|s| row.preset.published_minutes(s)), 1),
            row.preset.steps.to_string(),
            row.rounds.len().to_string(),
            self.facts.device.to_string(),
            self.facts.name.clone(),
            card(|c| format!("{}.{}", c.capability.0, c.capability.1)),
            self.facts.driver.clone(),
            card(|c| c.driver.clone()),
            card(|c| c.cublas.clone()),
            row.rounds.first().map_or_else(String::new, |m| m.versions.clone()),
            row.skipped.clone().unwrap_or_default(),
        ]
    }

    fn csv(&self) -> Vec<u8> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(COLUMNS).expect("memory takes every row");
        self.rows.iter().for_each(|row| csv.write_record(self.cells(row)).expect("memory takes every row"));
        csv.into_inner().expect("memory takes every row")
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("# Speed of the training step: {}\n\n", self.facts.name);
        if let Some(card) = &self.facts.card {
            let driver = if self.facts.driver.is_empty() { "unknown" } else { &self.facts.driver };
            let gib = card.memory as f64 / (1_u64 << 30) as f64;
            let _ = writeln!(text, "{card}; driver {driver}; {gib:.1} GiB.\n");
        }
        text += "| preset | batch | program | attention | precision | valid tokens/s | step, ms | MFU, % \
                 | MFU, % of measured | peak memory, MiB | nano4m is faster | published run, min |\n\
                 |---|---|---|---|---|---|---|---|---|---|---|---|\n";
        for row in self.rows {
            let cells = self.cells(row);
            let cell = |name: &str| {
                let at = COLUMNS.iter().position(|column| *column == name);
                cells[at.expect("a column of the CSV")].replace('|', "\\|")
            };
            let known = |name: &str, unit: &str| match cell(name) {
                none if none.is_empty() => "–".to_string(),
                some => format!("{some}{unit}"),
            };
            let [preset, batch, program, attention, precision] =
                ["preset", "batch", "program", "attention", "precision"].map(cell);
            let _ = writeln!(
                text,
                "| {preset} | {batch} | {program} | {attention} | {precision} | {} | {} | {} | {} | {} | {} | {} |",
                known("valid_tokens_per_s", ""),
                known("step_ms", ""),
                known("mfu_percent", ""),
                known("mfu_of_measured_peak_percent", ""),
                known("peak_memory_mib", ""),
                known("nano4m_times_faster", "×"),
                known("published_run_min_extrapolated", ""),
            );
        }
        text + "\n" + &self.remarks()
    }

    fn remarks(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for row in self.rows.iter().filter(|row| row.is_ours()) {
            lines.push(format!(
                "{}, batch {}, {}: {} steps after a warm-up of {} (torch.compile at least 3); rounds: {}, one process \
                 of each program a round, in turn; medians. `nano4m is faster` is the median of the rounds' ratios of \
                 tokens/s.",
                row.preset.name,
                row.preset.batch,
                row.precision(),
                row.preset.steps,
                self.warmup,
                row.rounds.len(),
            ));
        }
        let mut peaks: BTreeMap<&str, String> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.is_ours()) {
            let sheet = match (self.sheet(row.precision), &self.facts.card) {
                (Some((tflops, source)), _) => format!("{tflops} TFLOP/s by the data sheet ({source}); "),
                (None, Some(_)) => "unknown by data sheet; ".into(),
                (None, None) => String::new(),
            };
            let product = digits(row.product_gflops.map(|g| g / 1e3), 2);
            peaks.insert(
                row.precision(),
                format!("Peak, {}: {sheet}{product} TFLOP/s in one large product.", row.precision()),
            );
        }
        lines.extend(peaks.into_values());
        lines.push(
            "Valid tokens are those of encoder and decoder that are not padding. MFU counts the model's operations \
             for them alone; PyTorch pads to 256 inputs and 256 targets, as the published training loop does, and \
             its work on padding counts for nothing."
                .into(),
        );
        lines.push(match self.facts.card {
            Some(_) => {
                "Peak memory: what the program's own pool had given out at most (`torch.cuda.\
                        max_memory_allocated` for PyTorch); the driver's context and libraries are not in it."
                    .into()
            }
            None => "Peak memory: resident, of the whole process.".into(),
        });
        if self.rows.iter().any(|row| row.preset.published_minutes(1.0).is_some()) {
            lines.push(
                "The published run is 18,311 steps of this size: its minutes are extrapolated from the steps measured \
                 here, without reading data, validation and checkpoints."
                    .into(),
            );
        }
        for row in self.rows {
            if let Some(reason) = &row.skipped {
                lines.push(format!("Skipped, {row}, {}: {reason}", row.precision()));
            }
            if let Some(run) = row.rounds.first() {
                lines.push(format!("{row}, {}: {}.", row.precision(), run.versions));
            }
        }
        lines.extend(self.notes.iter().cloned());
        lines.dedup();
        lines.iter().fold(String::new(), |text, line| text + "- " + line + "\n")
    }

    /// Writes both into `folder`; see [`listed::write`].
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let name = self.facts.file_name();
        listed::write(
            folder,
            &[(format!("{name}.csv"), self.csv()), (format!("{name}.md"), self.markdown().into_bytes())],
        )
    }
}
