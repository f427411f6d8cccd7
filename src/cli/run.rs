//! `nano4m run MANIFEST`: check pins, train (or resume), measure, record.

use super::arguments::{Global, Limits, ManifestArgs};
use super::done::Done;
use super::progress::RunProgress;
use super::{environment, manifest, tables};
use crate::fault::{Fault, Result};
use crate::runner::{self, Ended, Session, Settings};
use crate::store::CellOf;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Run although the pins do not match; marks the record and every table made from it
    #[arg(long)]
    pub allow_drift: bool,
    /// Repeat a finished run as a new attempt
    #[arg(long)]
    pub force: bool,
    /// Wait while another process works on the run; a holder that crashed on another host is given up after 15 minutes
    #[arg(long)]
    pub wait: bool,
    /// Refuse to run (exit 3) unless the run's identity is this one
    #[arg(long, value_name = "HEX")]
    pub identity: Option<String>,
    /// Begin the run as this cell of an ablation, as `ablate` does: reports then show it only there
    #[arg(long = "for", value_name = "ABLATION/CELL")]
    pub made_for: Option<CellOf>,
    #[command(flatten)]
    pub limits: Limits,
}

/// `nano4m run MANIFEST`.
pub fn run(args: &Args, global: &Global) -> Result<Done> {
    let settings = Settings {
        limits: args.limits.into(),
        allow_drift: args.allow_drift,
        repeat: args.force,
        wait: args.wait,
        made_for: args.made_for.clone(),
        ..environment::settings(global)
    };
    let session = manifest::open(&args.manifest, &settings)?;
    expected(args, &session)?;
    ended(runner::run(&session, &settings, &mut RunProgress::new())?, global)
}

/// A finished run's record is printed; a stopped one has said how it goes on.
pub fn ended(ended: Ended, global: &Global) -> Result<Done> {
    match ended {
        Ended::Finished(record) => tables::print_record(&record, global).map(|()| Done::Fine),
        Ended::Stopped { why, .. } => Ok(why.into()),
    }
}

/// Holds the run against the identity that was asked for.
fn expected(args: &Args, session: &Session) -> Result<()> {
    match &args.identity {
        Some(identity) if *identity != session.identity => {
            Err(Fault::provenance("the manifest, the data or the code are not those that were submitted")
                .at(args.manifest.manifest.display().to_string())
                .found(format!("identity {}", session.identity))
                .expected(format!("identity {identity}"))
                .help("restore the data as it was, or submit again"))
        }
        _ => Ok(()),
    }
}
