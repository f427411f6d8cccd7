//! `nano4m why`: what a run, a manifest or an ablation's cells have and lack of the runs that exist.

use super::arguments::{Global, ManifestArgs};
use super::done::Done;
use super::environment;
use super::{layout, manifest, output};
use crate::ablation::{self, Plan};
use crate::fault::{Fault, Result};
use crate::manifest::fields::Difference;
use crate::provenance::CODE_HASH;
use crate::runner::explain::{self, Ingredients, KnownRun, Nearness};
use crate::runner::Settings;
use crate::store;
use serde::Serialize;
use std::path::Path;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A run, a manifest's file, or an ablation (name or file)
    #[arg(value_name = "RUN|MANIFEST|ABLATION")]
    pub what: String,
    /// Change a value of the manifest (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// One explanation.
#[derive(Debug, Serialize)]
struct Answer {
    /// What was asked about.
    about: String,
    /// `hit`: exists with all its parts; `partial`: exists but lacks some; `miss`: does not exist.
    verdict: &'static str,
    nearest: Option<Nearness>,
}

/// `nano4m why RUN|MANIFEST|ABLATION`.
pub fn why(args: &Args, global: &Global) -> Result<Done> {
    let (known, unreadable) = explain::known(&environment::runs_folder(global))?;
    let answers = match explained(&args.what, global)? {
        Explained::Run(run) => of_run(&run, &known)?,
        Explained::Manifest => of_manifest(args, global, &known)?,
        Explained::Ablation => of_ablation(args, global, &known)?,
    };
    if global.json {
        output::json(&answers)?;
    } else {
        let texts: Vec<String> = answers.iter().map(text).collect();
        output::data(&layout::text(&texts.join("\n")))?;
    }
    for (reason, runs) in unreadable {
        output::note(&format!("not compared with: {}: {reason}", output::names(&runs)));
    }
    Ok(Done::Fine)
}

enum Explained {
    Run(store::RunDir),
    Manifest,
    Ablation,
}

/// A file is what it begins with; else an ablation's name, else a run.
fn explained(what: &str, global: &Global) -> Result<Explained> {
    if what.ends_with(".ron") {
        let text =
            crate::store::regular::read_own_text(what).map_err(|e| Fault::io("read", Path::new(what), &e))?;
        let ablation =
            crate::manifest::read_as::<ablation::Ablation>(&text).is_ok() || text.contains("Ablation(");
        return Ok(if ablation { Explained::Ablation } else { Explained::Manifest });
    }
    match (store::find(&environment::runs_folder(global), what), ablation::locate(what)) {
        (Ok(run), _) => Ok(Explained::Run(run)),
        (Err(_), Ok(_)) => Ok(Explained::Ablation),
        (Err(no_run), Err(_)) => Err(no_run.help("name a run, a manifest's file or an ablation")),
    }
}

/// Would the run's manifest be reused by this program, and which other run is nearest?
fn of_run(run: &store::RunDir, known: &[KnownRun]) -> Result<Vec<Answer>> {
    let own = explain::read(run.clone()).map_err(|fault| {
        let what = format!("the run says too little to be explained: {}", fault.what);
        Fault { what, ..fault }
    })?;
    let now = Ingredients { experiment: &own.experiment, data: &own.data, code: CODE_HASH };
    let again = explain::compare(&now, &own);
    let about = format!("running the manifest of {} again with this program", run.id.directory());
    let first = Answer { about, verdict: verdict(Some(&again)), nearest: Some(again) };
    let others: Vec<KnownRun> = known.iter().filter(|k| k.run != *run).cloned().collect();
    let wanted = Ingredients { experiment: &own.experiment, data: &own.data, code: &own.code };
    let nearest = explain::nearest(&wanted, &others);
    let about = format!("{} and the other runs", run.id.directory());
    Ok(vec![first, Answer { about, verdict: verdict(nearest.as_ref()), nearest }])
}

fn of_manifest(args: &Args, global: &Global, known: &[KnownRun]) -> Result<Vec<Answer>> {
    let named = ManifestArgs { manifest: (&args.what).into(), set: args.set.clone() };
    let settings = Settings { allow_drift: true, ..environment::settings(global) };
    let session = manifest::open(&named, &settings)?;
    let wanted = Ingredients { experiment: &session.experiment, data: &session.data.hash, code: CODE_HASH };
    let nearest = explain::nearest(&wanted, known);
    Ok(vec![Answer { about: args.what.clone(), verdict: verdict(nearest.as_ref()), nearest }])
}

fn of_ablation(args: &Args, global: &Global, known: &[KnownRun]) -> Result<Vec<Answer>> {
    let loaded = ablation::read(&ablation::locate(&args.what)?)?;
    let settings = Settings { allow_drift: true, ..environment::settings(global) };
    let plan = Plan::new(&loaded, &settings)?;
    let answer = |job: &ablation::Job| {
        let wanted = Ingredients { experiment: &job.experiment, data: &job.data, code: CODE_HASH };
        let nearest = explain::nearest(&wanted, known);
        Answer { about: job.title(), verdict: verdict(nearest.as_ref()), nearest }
    };
    Ok(plan.jobs.iter().map(answer).collect())
}

fn verdict(nearest: Option<&Nearness>) -> &'static str {
    match nearest {
        Some(c) if c.hit() => "hit",
        Some(c) if c.distance() == 0 => "partial",
        _ => "miss",
    }
}

/// An explanation for humans.
fn text(answer: &Answer) -> String {
    let Answer { about, verdict, nearest } = answer;
    let Some(near) = nearest else { return format!("{about}: {verdict}: there is no run to compare with") };
    let what = match *verdict {
        "hit" => format!("is {}", near.run),
        "partial" => format!("is {}, which lacks {}", near.run, near.missing.join(", ")),
        _ => format!("nearest is {}", near.run),
    };
    let mut lines = vec![format!("{about}: {verdict}: {what}")];
    for (name, hash) in [("data hash", &near.data), ("code hash", &near.code)] {
        if let Some(hash) = hash {
            lines.push(row(
                name,
                &hash.here[..12.min(hash.here.len())],
                &hash.there[..12.min(hash.there.len())],
            ));
        }
    }
    let (counting, other): (Vec<&Difference>, Vec<&Difference>) =
        near.differences.iter().partition(|d| d.counts);
    let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "absent".into());
    lines.extend(counting.iter().map(|d| row(&d.path, &value(&d.left), &value(&d.right))));
    if !other.is_empty() {
        let paths: Vec<&str> = other.iter().map(|d| d.path.as_str()).collect();
        lines.push(format!("    differs without counting: {}", paths.join(", ")));
    }
    lines.join("\n")
}

fn row(name: &str, here: &str, there: &str) -> String {
    format!("    {name}: {here} here, {there} there")
}
