//! `nano4m report`: tables from records, their check and the differences between versions.

use super::args::{Global, Report, ReportCommand};
use super::{output, session, Done};
use crate::fault::{Exit, Result};
use crate::report::{self, Options};

/// `nano4m report [--check] [diff FROM TO]`.
pub fn report(args: &Report, g: &Global) -> Result<Done> {
    match &args.command {
        Some(ReportCommand::Diff { from, to, table }) => diff(args, table.as_deref(), (from, to), g),
        None if args.check => check(args, g),
        None => generate(args, g),
    }
}

fn generate(args: &Report, g: &Global) -> Result<Done> {
    let runs = session::runs_folder(g);
    let name = |run: &String| -> Result<String> {
        let dir = crate::store::find(&runs, run)?.path;
        Ok(dir.file_name().unwrap_or_default().to_string_lossy().into_owned())
    };
    let only = match args.only.is_empty() {
        true => None,
        false => Some(args.only.iter().map(name).collect::<Result<_>>()?),
    };
    let summary = report::generate(&runs, &args.reports, &Options { only, ..Options::default() })?;
    if g.json {
        output::json(&summary)?;
    } else {
        output::data(&summary.text())?;
    }
    Ok(Done::Fine)
}

fn check(args: &Report, g: &Global) -> Result<Done> {
    let differences = report::check(&session::runs_folder(g), &args.reports)?;
    if g.json {
        output::json(&differences)?;
    } else if differences.is_empty() {
        output::data("every digit agrees with the records")?;
    } else {
        let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
        output::data(&lines.join("\n"))?;
    }
    Ok(if differences.is_empty() { Done::Fine } else { Done::With(Exit::Failed) })
}

fn diff(args: &Report, table: Option<&str>, (from, to): (&str, &str), g: &Global) -> Result<Done> {
    let diffs = report::diff(&args.reports, table, from, to)?;
    if g.json {
        output::json(&diffs)?;
    } else {
        let text: Vec<String> = diffs.iter().map(ToString::to_string).collect();
        output::data(&text.join("\n"))?;
    }
    Ok(Done::Fine)
}
