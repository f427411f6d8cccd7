//! `nano4m data`: looking at datasets.

use super::arguments::{Global, ManifestArgs};
use super::done::Done;
use super::{environment, layout, manifest, output};
use crate::data::{self, Dataset, Division, DivisionRequest, Incomplete};
use crate::data::{ModalitySummary, SplitSummary, Summary};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Labels;
use clap::Subcommand;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tabled::builder::Builder;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sizes, lengths, ids and classes of a manifest's dataset
    Inspect(ManifestArgs),
    /// The canonical content hash of a manifest's dataset
    Hash(ManifestArgs),
    /// Write a manifest's synthetic dataset in the published layout
    Synth {
        #[command(flatten)]
        manifest: ManifestArgs,
        /// Folder to make; must not exist
        #[arg(value_name = "DIR")]
        target: PathBuf,
    },
    /// Divide the clips of datasets 80/10/10 by class and source into a new folder
    Split {
        /// Directories or archives in the published layout; of a stem in several the first is taken
        #[arg(value_name = "SOURCE", required = true, num_args = 1..)]
        sources: Vec<PathBuf>,
        /// Folder to make; must not exist
        #[arg(value_name = "DIR")]
        target: PathBuf,
        /// Labels file inside the dataset and its column, e.g. labels.csv:animal; absent: the caption
        #[arg(long, value_name = "FILE:COLUMN")]
        labels: Option<String>,
        /// A published splits.json: its stems go where it says
        #[arg(long, value_name = "FILE")]
        splits: Option<PathBuf>,
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
}

/// `nano4m data …`.
pub fn data(args: &Args, global: &Global) -> Result<Done> {
    match &args.command {
        Command::Inspect(m) => inspect(m, global),
        Command::Hash(m) => hash(m, global),
        Command::Synth { manifest, target } => synth(manifest, target, global),
        Command::Split { sources, target, labels, splits, seed } => {
            let labels = labels_of(labels.as_deref())?;
            let (splits, seed) = (splits.as_deref(), *seed);
            split(&DivisionRequest { sources, target, labels: &labels, splits, seed }, global)
        }
    }
}

fn open(args: &ManifestArgs, global: &Global) -> Result<Dataset> {
    manifest::dataset(&manifest::read(args)?, &environment::settings(global))
}

fn hash(args: &ManifestArgs, global: &Global) -> Result<Done> {
    let data = open(args, global)?;
    data.notes().iter().for_each(|note| output::note(note));
    if global.json {
        output::json(&serde_json::json!({ "sha256": data.hash }))?;
    } else {
        output::data(&data.hash)?;
    }
    Ok(Done::Fine)
}

fn synth(args: &ManifestArgs, target: &Path, global: &Global) -> Result<Done> {
    let loaded = manifest::read(args)?;
    if loaded.experiment.data.synthetic.is_none() {
        return Err(Fault::invalid("the manifest's data is not synthetic")
            .at(args.manifest.display().to_string())
            .help("give a manifest with `data: (synthetic: (…))`, for example experiments/synthetic.ron"));
    }
    let data = manifest::dataset(&loaded, &environment::settings(global))?;
    data.write(&loaded.experiment.data.splits, target)?;
    if global.json {
        output::json(&serde_json::json!({ "path": target, "sha256": data.hash }))?;
    } else {
        output::data(&format!("{}: {}", target.display(), data.hash))?;
    }
    Ok(Done::Fine)
}

fn labels_of(labels: Option<&str>) -> Result<Labels> {
    match labels.map(|l| (l, l.split_once(':'))) {
        None => Ok(Labels::Caption),
        Some((_, Some((file, column)))) => Ok(Labels::File(file.into(), column.into())),
        Some((text, None)) => Err(Fault::invalid("cannot read --labels").found(text).expected("FILE:COLUMN")),
    }
}

fn split(request: &DivisionRequest, global: &Global) -> Result<Done> {
    let division = data::divide(request)?;
    tell_left_out(&division);
    if global.json {
        output::json(&division)?;
        return Ok(Done::Fine);
    }
    let mut table = Builder::default();
    table.push_record(["class", "source", "train", "val", "test"]);
    for s in &division.strata {
        let [train, val, test] = s.clips.map(|n| n.to_string());
        table.push_record([s.class.clone(), s.source.clone(), train, val, test]);
    }
    let [train, val, test] = division.clips.map(|n| n.to_string());
    table.push_record(["all".into(), String::new(), train, val, test]);
    output::data(&layout::style(table, 2))?;
    Ok(Done::Fine)
}

/// What did not go into the new folder.
fn tell_left_out(division: &Division) {
    const SHOWN: usize = 20;
    for Incomplete { stem, missing } in division.incomplete.iter().take(SHOWN) {
        output::note(&format!("left out: {stem} is missing in {}", missing.join(", ")));
    }
    if division.incomplete.len() > SHOWN {
        output::note(&format!("… and {} more that lack a file", division.incomplete.len() - SHOWN));
    }
    for (n, what) in [
        (division.repeated, "are in more than one source: the first source's were taken"),
        (division.unlisted, "are not in the list, and were left out"),
    ] {
        if n > 0 {
            output::note(&format!("{n} stems {what}"));
        }
    }
}

/// What `inspect --json` prints.
#[derive(Serialize)]
struct Inspected {
    sha256: String,
    splits: Vec<SplitFacts>,
    modalities: Vec<ModalityFacts>,
    /// Clips of each class: train, validation, test.
    classes: BTreeMap<String, [usize; 3]>,
    /// What may mislead: classes without a training clip, clips without a class.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct SplitFacts {
    part: &'static str,
    clips: usize,
    rows: usize,
}

#[derive(Serialize)]
struct ModalityFacts {
    name: String,
    length: usize,
    vocab: usize,
    /// Different ids in the training split.
    distinct: usize,
    /// Largest id in the training split; absent when it has no token.
    largest: Option<u32>,
    /// Entropy of the training split's ids, nats: what a unigram model can reach there.
    unigram_nats: Option<f64>,
}

fn inspect(args: &ManifestArgs, global: &Global) -> Result<Done> {
    let facts = Inspected::from(open(args, global)?.summary());
    if global.json {
        output::json(&facts)?;
    } else {
        output::data(&text(&facts))?;
    }
    Ok(Done::Fine)
}

impl From<Summary> for Inspected {
    fn from(summary: Summary) -> Inspected {
        let split = |s: SplitSummary| SplitFacts { part: s.part, clips: s.clips, rows: s.rows };
        let modality = |m: ModalitySummary| ModalityFacts {
            name: m.name,
            length: m.length,
            vocab: m.vocab,
            distinct: m.used_in_training,
            largest: m.largest_in_training,
            unigram_nats: m.entropy_nats,
        };
        Inspected {
            sha256: summary.hash,
            splits: summary.splits.into_iter().map(split).collect(),
            modalities: summary.modalities.into_iter().map(modality).collect(),
            classes: summary.classes.into_iter().map(|c| (c.class, c.clips)).collect(),
            notes: summary.notes,
        }
    }
}

fn text(facts: &Inspected) -> String {
    let mut splits = Builder::default();
    splits.push_record(["split", "clips", "rows"]);
    for s in &facts.splits {
        splits.push_record([s.part.to_string(), s.clips.to_string(), s.rows.to_string()]);
    }
    let mut modalities = Builder::default();
    modalities.push_record([
        "modality",
        "length",
        "vocab",
        "distinct ids",
        "largest id",
        "unigram entropy, nats",
    ]);
    for m in &facts.modalities {
        modalities.push_record([
            m.name.clone(),
            m.length.to_string(),
            m.vocab.to_string(),
            m.distinct.to_string(),
            m.largest.map_or("–".into(), |id| id.to_string()),
            m.unigram_nats.map_or("–".into(), |nats| format!("{nats:.4}")),
        ]);
    }
    let mut text = format!(
        "sha256 {}\n\n{}\n\n{}\n",
        facts.sha256,
        layout::style(splits, 1),
        layout::style(modalities, 1)
    );
    if !facts.classes.is_empty() {
        let mut classes = Builder::default();
        classes.push_record(["class", "train", "eval", "test"]);
        for (name, counts) in &facts.classes {
            let [a, b, c] = counts.map(|n| n.to_string());
            classes.push_record([name.clone(), a, b, c]);
        }
        text += &format!("\n{}\n", layout::style(classes, 1));
    }
    if !facts.notes.is_empty() {
        text += &format!("\n{}\n", facts.notes.join("\n"));
    }
    text
}
