//! Arguments of `nano4m generate`.

use crate::cli::arguments::CheckpointArgs;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Decode, Scheme};
use clap::builder::PossibleValue;
use clap::ValueEnum;
use std::num::NonZeroUsize;
use std::path::Path;

#[derive(clap::Args, Debug)]
#[command(
    override_usage = "nano4m generate [OPTIONS] --target <MODALITY> --inputs <MODALITIES> <RUN> <OUT>\n       \
    nano4m generate [OPTIONS] --target <MODALITY> --inputs <MODALITIES> --manifest <MANIFEST> --checkpoint <FILE> <OUT>"
)]
pub struct Args {
    /// Which run (its newest checkpoint is used), and the folder to make; with --checkpoint the folder alone
    // One list: two arguments of which the first may be missing cannot have options between them.
    #[arg(value_names = ["RUN", "OUT"], num_args = 1..=2, required = true)]
    pub places: Vec<String>,
    #[command(flatten)]
    pub stored: CheckpointArgs,
    /// Modality that is generated, e.g. tok_rgb@196
    #[arg(long, value_name = "MODALITY")]
    pub target: String,
    /// Modalities it is generated from, e.g. tok_audio@512,scene_desc
    #[arg(long, value_name = "MODALITIES", value_delimiter = ',', required = true)]
    pub inputs: Vec<String>,
    /// Share of the target, from its start, that is given too
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = finite, allow_negative_numbers = true)]
    pub prefix: f64,
    /// Whose clips are the inputs
    #[arg(long, value_enum, default_value = "test")]
    pub split: PartArg,
    /// Only the first N clips of the split
    #[arg(long, value_name = "N")]
    pub clips: Option<NonZeroUsize>,
    /// Order in which positions become known
    #[arg(long, value_enum, default_value = "maskgit")]
    pub scheme: Scheme,
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub steps: usize,
    /// 0 takes the most likely token
    #[arg(long, value_name = "T", default_value_t = 1.0, value_parser = finite, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Number of most likely ids that compete, or below 1 their share of the vocabulary; 0: all
    #[arg(long, value_name = "K", default_value_t = 0.0, value_parser = finite, allow_negative_numbers = true)]
    pub top_k: f64,
    /// Probability mass of the most likely ids that compete; 0: all
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = finite, allow_negative_numbers = true)]
    pub top_p: f64,
    /// Seed of order and draws [default: the manifest's seeds.probes]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Generate although pins, code or data do not match
    #[arg(long)]
    pub allow_drift: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PartArg {
    Train,
    Val,
    Test,
    /// All three
    All,
}

impl ValueEnum for Scheme {
    fn value_variants<'a>() -> &'a [Scheme] {
        &[Scheme::Roar, Scheme::MaskGit]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Scheme::Roar => PossibleValue::new("roar").help("A random order"),
            Scheme::MaskGit => PossibleValue::new("maskgit").help("The surest first"),
        })
    }
}

/// A number that is neither infinite nor NaN.
fn finite(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(|| "expected a finite number".into())
}

impl Args {
    /// The run, if one is named, and the folder to make, which must not exist.
    ///
    /// # Errors
    /// Exit 2 for both a run and a checkpoint, or for neither.
    pub fn places(&self) -> Result<(Option<&str>, &Path)> {
        match (&self.places[..], &self.stored.checkpoint) {
            ([run, out], None) => Ok((Some(run), Path::new(out))),
            ([out], Some(_)) => Ok((None, Path::new(out))),
            ([run, ..], Some(_)) => Err(Fault::invalid("both a run and a checkpoint to generate with")
                .found(format!("the run `{run}`"))
                .help("name one of them")),
            _ => Err(Fault::invalid("nothing to generate with, or no folder to write to")
                .help("name a run before the output folder, or give --manifest and --checkpoint")),
        }
    }

    /// Order and sampling.
    pub fn decode(&self) -> Decode {
        Decode {
            scheme: self.scheme,
            steps: self.steps,
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
        }
    }
}
