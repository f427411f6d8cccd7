//! `nano4m report`: tables from records, their check and the differences between versions.

use super::arguments::Global;
use super::done::Done;
use super::{environment, output};
use crate::fault::{Exit, Result};
use crate::report::{self, Options};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Folder of the tables
    #[arg(long, value_name = "DIR", default_value = "reports", global = true)]
    pub reports: PathBuf,
    /// Recompute every digit of the committed tables; exit 1 names the cells that differ
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

/// `nano4m report [--check] [diff FROM TO]`.
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
    let summary = report::generate(&runs, &args.reports, &Options { only, ..Options::default() })?;
    report::left_out(&summary.left_out).iter().for_each(|line| output::note(line));
    if global.json {
        output::json(&summary)?;
    } else {
        output::data(&summary.text())?;
    }
    Ok(Done::Fine)
}

fn check(args: &Args, global: &Global) -> Result<Done> {
    let differences = report::check(&environment::runs_folder(global), &args.reports)?;
    if global.json {
        output::json(&differences)?;
    } else if differences.is_empty() {
        output::data("every digit agrees with the records")?;
    } else {
        let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
        output::data(&lines.join("\n"))?;
    }
    Ok(if differences.is_empty() { Done::Fine } else { Done::With(Exit::Failed) })
}

fn diff(args: &Args, table: Option<&str>, (from, to): (&str, &str), global: &Global) -> Result<Done> {
    let diffs = report::diff(&args.reports, table, from, to)?;
    if global.json {
        output::json(&diffs)?;
    } else {
        let text: Vec<String> = diffs.iter().map(ToString::to_string).collect();
        output::data(&text.join("\n"))?;
    }
    Ok(Done::Fine)
}
