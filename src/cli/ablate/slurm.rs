//! `nano4m ablate NAME --engine slurm`, and `--print`, `--status`, `--cancel`.

use super::args::{Args, Engine, Slurm};
use super::{outcome, setup};
use crate::ablation::slurm::{Client, Profile, Standing, Submission, Submit, TaskStanding};
use crate::ablation::Plan;
use crate::cli::arguments::Global;
use crate::cli::done::Done;
use crate::cli::environment::{self, runs_folder};
use crate::cli::{layout, output};
use crate::fault::{Exit, Fault, Result};
use crate::ops::device;
use crate::place::Device;
use crate::runner::Settings;
use serde::Serialize;
use std::path::{Path, PathBuf};
use tabled::builder::Builder;

/// Does what was asked of Slurm; `None` when nothing was.
pub fn asked(args: &Args, global: &Global) -> Result<Option<Done>> {
    let s = &args.slurm;
    if s.status {
        return status(args, global).map(Some);
    }
    if s.cancel {
        return cancel(args, global).map(Some);
    }
    if s.engine == Engine::Slurm {
        // A plan runs nothing, wherever the runs will be made.
        return if args.collect || args.plan { Ok(None) } else { submit(args, global).map(Some) };
    }
    let pointless = s.print || s.profile.is_some() || s.options != Profile::default();
    if pointless {
        return Err(Fault::invalid("options of Slurm without Slurm").help("add --engine slurm"));
    }
    Ok(None)
}

fn submit(args: &Args, global: &Global) -> Result<Done> {
    let profile = profile(&args.slurm)?;
    let here = environment::settings(global);
    let device = profile.device(global.device.as_ref(), device::cuda_built())?;
    if device != Device::Cpu && !profile.asks_for_a_card() {
        output::note("note: the tasks use a card, and no card is asked of Slurm: `--gres gpu:1`");
    }
    let invocation = setup::invocation(args, global, &here, device.into())?;
    // The jobs run somewhere else: every folder is absolute.
    let runs = invocation.directory.join(&here.runs);
    let settings = Settings { allow_drift: args.allow_drift, runs, cache: invocation.cache.clone(), ..here };
    let loaded = setup::load(args)?;
    let plan = Plan::new(&loaded, &settings)?;
    let (settings, invocation) = (&settings, &invocation);
    let submit = Submit { loaded: &loaded, plan: &plan, settings, invocation, profile: &profile };
    let open = submit.open()?.len();
    if open == 0 {
        output::note("every run is finished: nothing to submit");
        return outcome::collect(&plan, args, global);
    }
    if args.slurm.print {
        let (array, report) = submit.scripts()?;
        output::data(&format!("{array}\n# When all tasks have ended (--dependency=afterany):\n{report}"))?;
        return Ok(Done::Fine);
    }
    refuse_twice(&settings.runs, &plan.ablation.name)?;
    let submission = submit.submit(&Client)?;
    report_submission(&submission, plan.jobs.len(), global)
}

fn report_submission(submission: &Submission, jobs: usize, global: &Global) -> Result<Done> {
    if global.json {
        output::json(submission)?;
    }
    let (name, tasks) = (&submission.ablation, submission.tasks.len());
    output::note(&format!(
        "submitted {tasks} of {jobs} runs as array job {}, then a report as job {}\n  \
         `nano4m ablate {name} --status` shows where they stand, --cancel ends them; logs and scripts: {}",
        submission.array,
        submission.report.map_or("–".into(), |r| r.to_string()),
        submission.folder.display()
    ));
    Ok(Done::Fine)
}

/// Two submissions would wait for each other's runs.
fn refuse_twice(runs: &Path, name: &str) -> Result<()> {
    for submission in Submission::all(runs, name)? {
        if submission.alive(&Client)? {
            return Err(Fault::failed(format!("`{name}` is already in Slurm's queue"))
                .at(submission.folder.display().to_string())
                .found(format!("array job {}", submission.array))
                .help("--status shows where it stands, --cancel ends it"));
        }
    }
    Ok(())
}

/// What `ablate --status --json` prints.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    ablation: &'a str,
    array: u64,
    report: Option<u64>,
    /// Slurm's word on the report job.
    report_state: Option<&'a str>,
    tasks: &'a [TaskStanding],
}

fn status(args: &Args, global: &Global) -> Result<Done> {
    let runs = runs_folder(global);
    let submission = submissions(args, &runs)?.pop().ok_or_else(|| none(args))?;
    let (tasks, report) = submission.standings(&Client, &runs)?;
    if global.json {
        let (array, report_state) = (submission.array, report.as_deref());
        let report = submission.report;
        output::json(&Shown { ablation: &submission.ablation, array, report, report_state, tasks: &tasks })?;
    } else {
        output::data(&table(&tasks))?;
    }
    let count = |s: Standing| tasks.iter().filter(|t| t.standing == s).count();
    let (finished, ended) = (count(Standing::Finished), count(Standing::Ended));
    let (running, waiting) = (count(Standing::Running), count(Standing::Waiting));
    output::note(&format!(
        "array job {}: {finished} finished, {running} running, {waiting} waiting, {ended} ended unfinished; \
         report job: {}",
        submission.array,
        report.as_deref().unwrap_or("not in the queue")
    ));
    for task in tasks.iter().filter(|t| t.standing == Standing::Ended) {
        let log = submission.log(&task.task);
        output::note(&format!("ended: {}, seed {}; log: {}", task.task.cell, task.task.seed, log.display()));
    }
    Ok(match (running + waiting, ended) {
        (0, 0) => Done::Fine,
        (0, _) => Done::With(Exit::Failed),
        _ => Done::With(Exit::Stopped),
    })
}

fn table(tasks: &[TaskStanding]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["task", "cell", "seed", "run", "step", "slurm", "node"]);
    for t in tasks {
        let run = match t.standing {
            Standing::Finished => "finished",
            Standing::Running => "running",
            Standing::Waiting => "waiting",
            Standing::Ended => "ended",
        };
        let step = t.step.map_or("–".into(), |s| format!("{s}/{}", t.task.steps));
        let dash = |s: &Option<String>| s.clone().unwrap_or_else(|| "–".into());
        builder.push_record([
            t.task.index.to_string(),
            t.task.cell.clone(),
            t.task.seed.to_string(),
            run.into(),
            step,
            dash(&t.slurm),
            dash(&t.node),
        ]);
    }
    layout::style(builder, usize::MAX)
}

fn cancel(args: &Args, global: &Global) -> Result<Done> {
    let submissions = submissions(args, &runs_folder(global))?;
    if submissions.is_empty() {
        return Err(none(args));
    }
    let mut any = false;
    for submission in submissions {
        if submission.alive(&Client)? {
            Client.cancel(&submission.jobs())?;
            output::note(&format!("cancelled array job {} and its report", submission.array));
            any = true;
        }
    }
    if !any {
        output::note("nothing of it is in Slurm's queue");
    }
    Ok(Done::Fine)
}

/// The submissions of the ablation named; its file need not be there any more.
fn submissions(args: &Args, runs: &Path) -> Result<Vec<Submission>> {
    Submission::all(runs, &stem(&args.name))
}

/// An ablation is called as its file.
fn stem(name: &str) -> String {
    if name.ends_with(".ron") || name.contains('/') {
        PathBuf::from(name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
    } else {
        name.to_owned()
    }
}

fn none(args: &Args) -> Fault {
    let name = stem(&args.name);
    Fault::invalid(format!("`{name}` was not submitted to Slurm from this runs folder"))
        .help(format!("`nano4m ablate {name} --engine slurm` submits it; --runs names another folder"))
}

fn profile(s: &Slurm) -> Result<Profile> {
    let file = s.profile.as_deref().map_or(Ok(Profile::default()), Profile::read)?;
    let profile = file.with(s.options.clone());
    profile.check()?;
    Ok(profile)
}
