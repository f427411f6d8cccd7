//! `nano4m report`: tables from records, their check and the differences between versions.

use super::arguments::Global;
use super::done::Done;
use super::{environment, layout, output};
use crate::fault::{Exit, Fault, Result};
use crate::report::{self, Checked, Options};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Folder of the tables [default: reports inside the folder of runs; with --check also ./reports]
    #[arg(long, value_name = "DIR", global = true)]
    pub reports: Option<PathBuf>,
    /// Recompute every digit, plot and page from the scores that lie with them; exit 1 names what differs
    #[arg(long)]
    pub check: bool,
    /// Use only these runs, named as elsewhere (repeatable)
    #[arg(long, value_name = "RUN", conflicts_with = "check")]
    pub only: Vec<String>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cells that changed between two versions, and why
    Diff {
        /// e.g. v0001
        #[arg(value_name = "FROM")]
        from: String,
        /// e.g. v0002
        #[arg(value_name = "TO")]
        to: String,
        /// One table; absent: every table that has both versions
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
    },
}

/// `nano4m report`, `nano4m report --check`, `nano4m report diff FROM TO`.
pub fn report(args: &Args, global: &Global) -> Result<Done> {
    match &args.command {
        Some(Command::Diff { from, to, table }) => diff(args, table.as_deref(), (from, to), global),
        None if args.check => check(args, global),
        None => generate(args, global),
    }
}

fn generate(args: &Args, global: &Global) -> Result<Done> {
    let runs = environment::runs_folder(global);
    let name = |run: &String| -> Result<String> {
        let dir = crate::store::find(&runs, run)?.path;
        Ok(dir.file_name().unwrap_or_default().to_string_lossy().into_owned())
    };
    let named = args.only.iter().map(name).collect::<Result<_>>()?;
    let only = (!args.only.is_empty()).then_some(named);
    let reports = args.reports.clone().unwrap_or_else(|| environment::own_reports(global));
    let summary = report::generate(&runs, &reports, &Options { only, ..Options::default() })?;
    report::left_out(&summary.left_out).iter().for_each(|line| output::note(line));
    if global.json {
        output::json(&summary)?;
    } else {
        let text = format!("{}all of it is in {}", summary.text(), reports.join("index.html").display());
        output::data(&layout::text(&text))?;
    }
    Ok(Done::Fine)
}

fn check(args: &Args, global: &Global) -> Result<Done> {
    let runs = environment::runs_folder(global);
    let folders = match &args.reports {
        Some(folder) => vec![folder.clone()],
        None => with_tables(global),
    };
    let all = folders.iter().map(|folder| report::check(&runs, folder)).collect::<Result<Vec<Checked>>>()?;
    if global.json {
        output::json(&all)?;
    } else {
        let texts: Vec<String> = all.iter().map(Checked::text).collect();
        output::data(&layout::text(&texts.join("\n")))?;
    }
    if all.iter().any(|checked| !checked.differences.is_empty()) {
        return Ok(Done::With(Exit::Failed));
    }
    if all.iter().all(|checked| checked.tables == 0) {
        return Err(Fault::invalid("no table could be checked here: the runs they name are elsewhere")
            .at(folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "))
            .help(
                "--runs names the folder the runs are in; `nano4m report` ships scores with what it writes",
            ));
    }
    Ok(Done::Fine)
}

/// The folders that have tables; one's own where none has any.
fn with_tables(global: &Global) -> Vec<PathBuf> {
    let mut folders = environment::all_reports(global);
    folders.retain(|folder| report::has_tables(folder));
    if folders.is_empty() {
        folders.push(environment::own_reports(global));
    }
    folders
}

fn diff(args: &Args, table: Option<&str>, (from, to): (&str, &str), global: &Global) -> Result<Done> {
    // Of one's own tables where there are any, else of those that are shipped.
    let folder = args.reports.clone().or_else(|| with_tables(global).pop());
    let folder = folder.unwrap_or_else(|| environment::own_reports(global));
    let diffs = report::diff(&folder, table, from, to)?;
    if global.json {
        output::json(&diffs)?;
    } else {
        let text: Vec<String> = diffs.iter().map(ToString::to_string).collect();
        output::data(&text.join("\n"))?;
    }
    Ok(Done::Fine)
}
