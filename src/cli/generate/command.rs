//! `nano4m generate`: which network, which clips, where to.

use super::args::{Args, PartArg};
use crate::cli::arguments::Global;
use crate::cli::done::Done;
use crate::cli::{environment, manifest, output};
use crate::data::{Dataset, Part};
use crate::fault::{Fault, Result};
use crate::model::network::Network;
use crate::runner::generate::{self, Request};
use crate::runner::{evaluate, Session, Settings};
use crate::store;

/// `nano4m generate [RUN] OUT --target … --inputs …`.
pub fn generate(args: &Args, global: &Global) -> Result<Done> {
    let (run, out) = args.places()?;
    Dataset::refuse_existing(out)?;
    let settings = Settings { allow_drift: args.allow_drift, ..environment::settings(global) };
    let (session, net) = source(args, run, &settings)?;
    let request = Request {
        inputs: &args.inputs,
        target: &args.target,
        prefix: args.prefix,
        parts: args.split.parts(),
        clips: args.clips,
        decode: args.decode(),
        seed: args.seed,
    };
    let generated = generate::dataset(&session, net.as_ref(), &request, out)?;
    if global.json {
        output::json(&generated)?;
    } else {
        output::data(&format!("{}: {}", out.display(), generated.sha256))?;
    }
    Ok(Done::Fine)
}

/// The run's newest checkpoint, or the given one.
fn source(args: &Args, run: Option<&str>, settings: &Settings) -> Result<(Session, Box<dyn Network>)> {
    if let Some((named, checkpoint)) = args.stored.given() {
        let session = manifest::open(&named, settings)?;
        let net = evaluate::load(&session, checkpoint, settings, &mut output::note)?;
        return Ok((session, net));
    }
    let Some(run) = run else {
        return Err(Fault::invalid("nothing to generate with")
            .help("name a run before the output folder, or give --manifest and --checkpoint"));
    };
    let run = store::find(&settings.runs, run)?;
    let session = Session::of_run(&run, &evaluate::status(&run)?, settings)?;
    // Before the network is loaded: whoever has waited for it should not learn only then that it is another.
    manifest::print_warnings(&session);
    let net =
        evaluate::load(&session, &run.checkpoint(evaluate::newest_step(&run)?), settings, &mut output::note)?;
    Ok((session, net))
}

impl PartArg {
    fn parts(self) -> Vec<Part> {
        match self {
            PartArg::Train => vec![Part::Train],
            PartArg::Val => vec![Part::Eval],
            PartArg::Test => vec![Part::Test],
            PartArg::All => Part::ALL.to_vec(),
        }
    }
}
