//! `nano4m data`: looking at datasets.

use super::arguments::{Global, ManifestArgs};
use super::done::Done;
use super::{environment, layout, manifest, output};
use crate::data::{Dataset, Part, Split};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Labels;
use clap::Subcommand;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Divide a dataset's clips 80/10/10 by class and source into a new folder
    Split {
        /// Directory or archive in the published layout
        #[arg(value_name = "SOURCE")]
        source: PathBuf,
        /// Folder to make; must not exist
        #[arg(value_name = "DIR")]
        target: PathBuf,
        /// Labels file inside the dataset and its column, e.g. labels.csv:animal; absent: the caption
        #[arg(long, value_name = "FILE:COLUMN")]
        labels: Option<String>,
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
        Command::Split { source, target, labels, seed } => {
            split(source, target, labels.as_deref(), *seed, global)
        }
    }
}

fn open(args: &ManifestArgs, global: &Global) -> Result<Dataset> {
    manifest::dataset(&manifest::read(args)?, &environment::settings(global))
}

fn hash(args: &ManifestArgs, global: &Global) -> Result<Done> {
    let data = open(args, global)?;
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

fn split(source: &Path, target: &Path, labels: Option<&str>, seed: u64, global: &Global) -> Result<Done> {
    let labels = match labels.map(|l| (l, l.split_once(':'))) {
        None => Labels::Caption,
        Some((_, Some((file, column)))) => Labels::File(file.into(), column.into()),
        Some((text, None)) => {
            return Err(Fault::invalid("cannot read --labels").found(text).expected("FILE:COLUMN"))
        }
    };
    let division = crate::data::divide(source, target, &labels, seed)?;
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

/// What `inspect --json` prints.
#[derive(Serialize)]
struct Inspected {
    sha256: String,
    splits: Vec<SplitFacts>,
    modalities: Vec<ModalityFacts>,
    /// Clips of each class: train, validation, test.
    classes: BTreeMap<String, [usize; 3]>,
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
    /// Largest id in the training split.
    largest: u32,
    /// Entropy of the training split's ids, nats: what a unigram model can reach there.
    unigram_nats: f64,
}

fn inspect(args: &ManifestArgs, global: &Global) -> Result<Done> {
    let data = open(args, global)?;
    let facts = Inspected {
        sha256: data.hash.clone(),
        splits: Part::ALL.iter().map(|&p| split_facts(p, data.split(p))).collect(),
        modalities: (0..data.modalities().len()).map(|m| modality_facts(&data, m)).collect(),
        classes: classes(&data),
    };
    if global.json {
        output::json(&facts)?;
    } else {
        output::data(&text(&facts))?;
    }
    Ok(Done::Fine)
}

fn split_facts(part: Part, split: &Split) -> SplitFacts {
    let rows = (0..split.len()).map(|clip| split.rows(clip)).sum();
    SplitFacts { part: part.name(), clips: split.len(), rows }
}

fn modality_facts(data: &Dataset, index: usize) -> ModalityFacts {
    let (m, split) = (&data.modalities()[index], data.split(Part::Train));
    let mut counts = vec![0u64; m.vocab];
    for clip in 0..split.len() {
        for row in 0..split.rows(clip) {
            split.tokens(clip, index, row).iter().for_each(|&id| counts[id as usize] += 1);
        }
    }
    let total: u64 = counts.iter().sum();
    let share = |&c: &u64| c as f64 / total as f64;
    ModalityFacts {
        name: m.name.clone(),
        length: m.length,
        vocab: m.vocab,
        distinct: counts.iter().filter(|&&c| c > 0).count(),
        largest: counts.iter().rposition(|&c| c > 0).map_or(0, |id| id as u32),
        unigram_nats: -counts.iter().filter(|&&c| c > 0).map(|c| share(c) * share(c).ln()).sum::<f64>(),
    }
}

fn classes(data: &Dataset) -> BTreeMap<String, [usize; 3]> {
    let names: BTreeSet<&String> = data.classes().iter().collect();
    let count = |class: &str, part| {
        let split: &Split = data.split(part);
        (0..split.len()).filter(|&clip| split.label(clip) == class).count()
    };
    names.into_iter().map(|c| (c.clone(), Part::ALL.map(|part| count(c, part)))).collect()
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
            m.largest.to_string(),
            format!("{:.4}", m.unigram_nats),
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
    text
}
