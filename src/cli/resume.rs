//! `nano4m resume RUN`: continue a run with the manifest it was started with.

use super::arguments::{Global, Limits};
use super::done::Done;
use super::environment;
use super::progress::RunProgress;
use super::run::ended;
use crate::fault::Result;
use crate::runner::{self, Settings};
use crate::store;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which run
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Continue although code or data have changed since it started; marks the record
    #[arg(long)]
    pub allow_drift: bool,
    #[command(flatten)]
    pub limits: Limits,
}

/// `nano4m resume RUN`.
pub fn resume(args: &Args, global: &Global) -> Result<Done> {
    let settings = Settings {
        limits: args.limits.into(),
        allow_drift: args.allow_drift,
        ..environment::settings(global)
    };
    let run = store::find(&settings.runs, &args.run)?;
    ended(runner::resume(&run, &settings, &mut RunProgress::new())?, global)
}
