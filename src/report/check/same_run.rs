//! Whether the scores that lie with a report are those of the run that is here under the same name.

use super::texts::{first, whole};
use crate::fault::Result;
use crate::record::Record;
use crate::report::archive::{CellDifference, NOTHING};
use crate::report::shipped::{Packed, FOLDER, MACHINE};
use crate::store::RunDir;
use serde_json::Value;
use std::collections::BTreeSet;

/// What of a record says what came out of a run.
const RESULTS: [&str; 8] =
    ["identity", "code_hash", "data_hash", "seeds", "steps", "train_tokens", "final_digest", "metrics"];

/// How the run here differs from the committed one.
pub enum Verdict {
    Same,
    /// Made on another class of machine: other bits are to be expected.
    OtherMachine(String),
    Differs(CellDifference),
}

/// Compares committed scores with the run's own.
///
/// # Errors
/// If a file of the run cannot be read.
pub fn compare(committed: &Packed, run: &RunDir) -> Result<Verdict> {
    let names: BTreeSet<String> = committed.names().cloned().collect();
    let name = run.id.directory();
    let Some(own) = Packed::of_run(run, &names)? else {
        let expected = "the run's own, which are larger than a report ships";
        return Ok(Verdict::Differs(of(&name, "(all)", "scores", expected)));
    };
    if let Err(fault) = Record::read(&run.file("record.json")) {
        let expected = format!("the same as the run's own, which cannot be used: {}", fault.what);
        return Ok(Verdict::Differs(of(&name, "record.json", "a record", &expected)));
    }
    let Some(difference) = difference(committed, &own, &name) else { return Ok(Verdict::Same) };
    let (there, here) = (classes(committed), classes(&own));
    if there == here {
        return Ok(Verdict::Differs(difference));
    }
    Ok(Verdict::OtherMachine(format!(
        "the run {} here was made on another class of machine than the report's ({} against {}) and has other bits; \
         the report's own were checked",
        name,
        here.join(", "),
        there.join(", ")
    )))
}

/// The first thing that differs.
fn difference(committed: &Packed, own: &Packed, run: &str) -> Option<CellDifference> {
    let record =
        |packed: &Packed| -> Option<Value> { serde_json::from_slice(packed.file("record.json")?).ok() };
    match (record(committed), record(own)) {
        (Some(committed), Some(own)) => {
            let differs = |key: &&&str| committed.get(**key) != own.get(**key);
            if let Some(key) = RESULTS.iter().find(differs) {
                return Some(CellDifference {
                    column: (*key).into(),
                    ..of(run, "record.json", "other than the run's own", "the run's own")
                });
            }
        }
        _ => return Some(of(run, "record.json", "no record", "the run's own")),
    }
    for name in committed.names().filter(|name| name.ends_with(".csv")) {
        let text = |packed: &Packed| Some(timeless(name, &String::from_utf8_lossy(packed.file(name)?)));
        match (text(committed), text(own)) {
            (Some(found), Some(expected)) => {
                if let Some(difference) = first(FOLDER, &file(run, name), &found, &expected) {
                    return Some(difference);
                }
            }
            (_, None) => return Some(of(run, name, "a file", NOTHING)),
            (None, _) => {}
        }
    }
    None
}

/// A difference in a file of an archive.
fn of(run: &str, name: &str, found: &str, expected: &str) -> CellDifference {
    CellDifference { row: format!("run {run}"), ..whole(FOLDER, &file(run, name), found, expected) }
}

fn file(run: &str, name: &str) -> String {
    format!("{FOLDER}/{run}.tar.gz: {name}")
}

/// Rows without what depends on the clock: `metrics.csv` ends with the tokens per second.
fn timeless(name: &str, text: &str) -> String {
    if name != "metrics.csv" {
        return text.into();
    }
    let row = |line: &str| line.rsplit_once(',').map_or(line, |(row, _)| row).to_string();
    text.lines().map(row).collect::<Vec<_>>().join("\n")
}

fn classes(packed: &Packed) -> Vec<String> {
    let value: Option<Value> = packed.file(MACHINE).and_then(|bytes| serde_json::from_slice(bytes).ok());
    let classes = value.as_ref().and_then(|value| value.get("classes")?.as_array());
    classes.into_iter().flatten().filter_map(Value::as_str).map(String::from).collect()
}
