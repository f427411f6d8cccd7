//! Arguments of `nano4m generate`.

use crate::manifest::schema::{Decode, Scheme};
use clap::builder::PossibleValue;
use clap::ValueEnum;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
#[command(allow_missing_positional = true)]
pub struct Args {
    /// Which run; its newest checkpoint is used
    #[arg(value_name = "RUN", conflicts_with_all = ["manifest", "checkpoint"])]
    pub run: Option<String>,
    /// Folder to make; must not exist
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Manifest of the model and the data
    #[arg(long, value_name = "MANIFEST", requires = "checkpoint")]
    pub manifest: Option<PathBuf>,
    /// Checkpoint in the reference layout
    #[arg(long, value_name = "FILE", requires = "manifest")]
    pub checkpoint: Option<PathBuf>,
    /// Change a value of the manifest (repeatable)
    #[arg(long, value_name = "PATH=VALUE", requires = "manifest")]
    pub set: Vec<String>,
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
