//! Cells of an ablation, or two experiments, held against each other on the same clips and seeds.
//!
//! ```text
//! runs/ablations/<name>.json  →  subject (cells, runs, scores per clip)
//!   →  ranking (every pair on every metric, corrected together)  →  tables, Pareto plots
//! ```

mod contrast;
mod cost;
mod effects;
mod forecast;
mod notes;
mod pareto;
mod ranking;
mod speed;
mod subject;
mod tables;

pub use contrast::{Contrast, Runs, Seed, Tested};
pub use forecast::{detectable, Detectable};
pub use speed::Speed;

use super::{Header, Plot, Table};
use crate::fault::{Fault, Result};
use crate::manifest::suggest::nearest;
use crate::record::ablation::{self, AblationRecord};
use crate::stats::Bootstrap;
use crate::store::RunDir;
use ranking::Grid;
use std::path::Path;
use subject::Subject;

/// Tables and plots of a comparison, before anything is written.
pub struct Comparison {
    /// Cells, declared claims, main effects, pairs; of two experiments the pairs only.
    pub tables: Vec<(Table, Header)>,
    pub plots: Vec<Plot>,
    /// Tokens per second as recorded: never the same twice, so it stands in no table.
    pub speed: Vec<Speed>,
}

/// The cells of an ablation that was run.
///
/// # Errors
/// If none of its runs is there, or their scores cannot be read.
pub fn ablation(runs_root: &Path, record: &AblationRecord, plan: &Bootstrap) -> Result<Comparison> {
    let subject = Subject::ablation(runs_root, record)?;
    let grid = Grid::new(&subject, plan);
    let names =
        (format!("ablation_{}_pairs", subject.name), format!("Ablation {}: every pair", subject.name));
    let mut all = vec![tables::cells(&subject, &grid, plan, notes::cells(&subject, &grid, plan))];
    all.extend(tables::claims(&subject, plan, notes::claims(&subject, plan)));
    all.extend(tables::main_effects(&subject, &grid.metrics, plan, notes::tests(&subject, plan)));
    all.push(tables::pairs(&subject, &grid, plan, names, notes::pairs(&subject, &grid, plan)));
    let plots = pareto::all(&subject, &grid, plan)?;
    Ok(finished(&subject, all, plots, plan))
}

/// Two experiments with all their seeds, or two runs, named as elsewhere.
///
/// # Errors
/// If a name is nobody's or several's, or scores cannot be read.
pub fn pair(runs_root: &Path, a: &str, b: &str, plan: &Bootstrap) -> Result<Comparison> {
    let subject = Subject::pair(runs_root, a, b)?;
    let grid = Grid::new(&subject, plan);
    let names =
        ("comparison".to_string(), format!("a = {}, b = {}", subject.sides[0].label, subject.sides[1].label));
    let table = tables::pairs(&subject, &grid, plan, names, notes::pairs(&subject, &grid, plan));
    Ok(finished(&subject, vec![table], vec![], plan))
}

fn finished(subject: &Subject, tables: Vec<Table>, plots: Vec<Plot>, plan: &Bootstrap) -> Comparison {
    let groups = subject.groups();
    let header = |t: &Table| Header::new(&t.name, t.schema, plan, &groups);
    let tables = tables.into_iter().map(|t| (header(&t), t)).map(|(h, t)| (t, h)).collect();
    Comparison { tables, plots, speed: speed::all(subject) }
}

/// Whether a run of the ablation is there.
pub fn has_runs(runs_root: &Path, record: &AblationRecord) -> bool {
    let mut runs = record.cells.iter().flat_map(|c| &c.runs);
    runs.any(|r| RunDir::open(&runs_root.join(&r.directory)).is_some_and(|dir| dir.finished()))
}

/// Names of an ablation's tables, whether it has them or not.
pub fn table_names(record: &AblationRecord) -> [String; 4] {
    ["", "_claims", "_effects", "_pairs"].map(|part| format!("ablation_{}{part}", record.name))
}

/// The record of the ablation with that name.
///
/// # Errors
/// Exit 2 if it was not run, with the nearest name.
pub fn find(runs_root: &Path, name: &str) -> Result<AblationRecord> {
    let path = AblationRecord::path(runs_root, name);
    if path.is_file() {
        return AblationRecord::read(&path);
    }
    let fault = Fault::invalid(format!("no ablation is called `{name}`"))
        .at(runs_root.join(ablation::FOLDER).display().to_string());
    let names: Vec<String> = AblationRecord::list(runs_root)?.into_iter().map(|a| a.name).collect();
    Err(match (nearest(name, names.iter().map(String::as_str)), names.as_slice()) {
        (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
        (None, []) => fault.help(format!("`nano4m ablate {name}` runs it")),
        (None, _) => fault.found(names.join(", ")),
    })
}
