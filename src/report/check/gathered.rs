//! The runs that the tables name, from wherever they are: with the report, or among the runs.

use super::heads::Head;
use super::same_run::{self, Verdict};
use super::texts::whole;
use crate::fault::Result;
use crate::record::AblationRecord;
use crate::report::archive::CellDifference;
use crate::report::comparison;
use crate::report::runs::{self, Choice};
use crate::report::shipped::{self, Needed, Packed, Staged, FOLDER};
use crate::store::RunDir;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Runs in a folder of their own, and what is known of the others.
pub struct Gathered {
    staged: Staged,
    /// Those whose scores lie with the report.
    committed: BTreeSet<String>,
    /// Why a run cannot be used.
    lacking: BTreeMap<String, String>,
    ablations: Vec<AblationRecord>,
    pub differences: Vec<CellDifference>,
    pub notes: Vec<String>,
}

const NOWHERE: &str = "not in the folder of runs, and the report ships no scores of it";

impl Gathered {
    /// Collects what `heads` name.
    ///
    /// # Errors
    /// If a folder cannot be read or the temporary one not be written.
    pub fn new(runs_root: &Path, reports: &Path, heads: &[Head]) -> Result<Gathered> {
        let mut gathered = Gathered {
            staged: Staged::new()?,
            committed: BTreeSet::new(),
            lacking: BTreeMap::new(),
            ablations: Vec::new(),
            differences: Vec::new(),
            notes: Vec::new(),
        };
        gathered.add_ablations(runs_root, reports)?;
        let names: BTreeSet<String> = heads.iter().flat_map(Head::runs).collect();
        for name in &names {
            gathered.add(runs_root, reports, name)?;
        }
        gathered.sort_out(&names.into_iter().collect::<Vec<_>>())?;
        Ok(gathered)
    }

    /// The folder of runs.
    pub fn path(&self) -> &Path {
        self.staged.path()
    }

    /// The ablation that a table is of.
    pub fn ablation(&self, table: &str) -> Option<&AblationRecord> {
        self.ablations.iter().find(|record| comparison::table_names(record).iter().any(|name| name == table))
    }

    /// Whether every run of the table lies with the report.
    pub fn all_committed(&self, head: &Head) -> bool {
        head.runs().iter().all(|run| self.committed.contains(run))
    }

    /// Why the table cannot be computed again, if it cannot.
    pub fn lack(&self, head: &Head) -> Option<String> {
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for run in head.runs() {
            if let Some(why) = self.lacking.get(&run) {
                reasons.entry(why).or_default().push(run);
            }
        }
        if reasons.is_empty() {
            return self.without_ablation(head);
        }
        let reason = |(why, runs): (&&str, &Vec<String>)| {
            format!("run{} {}: {why}", if runs.len() == 1 { "" } else { "s" }, runs.join(", "))
        };
        Some(reasons.iter().map(reason).collect::<Vec<_>>().join("; "))
    }

    fn without_ablation(&self, head: &Head) -> Option<String> {
        let of_ablation = head.table.starts_with("ablation_");
        match self.ablation(&head.table) {
            None if of_ablation => Some("which runs are the cells of its ablation is not known here".into()),
            Some(record) => {
                let cells = || record.cells.iter().flat_map(|cell| &cell.runs);
                let other = head.runs().into_iter().find(|run| cells().all(|cell| cell.directory != *run));
                other.map(|run| format!("the ablation `{}` here has other runs than {run}", record.name))
            }
            None => None,
        }
    }

    /// The ablations of the report; of the runs those that it has none of.
    fn add_ablations(&mut self, runs_root: &Path, reports: &Path) -> Result<()> {
        match shipped::ablations(reports) {
            Ok(records) => self.ablations = records,
            Err(fault) => {
                let found = format!("{fault}").replace('\n', " ");
                self.differences.push(whole(
                    FOLDER,
                    &format!("{FOLDER}/ablations"),
                    &found,
                    "records of ablations",
                ));
            }
        }
        // A broken record among the runs is not the report's.
        for record in AblationRecord::list(runs_root).unwrap_or_default() {
            if self.ablations.iter().all(|own| own.name != record.name) {
                self.ablations.push(record);
            }
        }
        Ok(())
    }

    fn add(&mut self, runs_root: &Path, reports: &Path, name: &str) -> Result<()> {
        if !safe(name) {
            self.lacking.insert(name.into(), "not the name of a run".into());
            return Ok(());
        }
        let own = RunDir::open(&runs_root.join(name)).filter(RunDir::finished);
        let file = format!("{FOLDER}/{name}.tar.gz");
        match (Packed::read(&shipped::path(reports, name)), own) {
            (Ok(Some(packed)), own) => {
                if let Some(own) = own {
                    match same_run::compare(&packed, &own)? {
                        Verdict::Same => {}
                        Verdict::OtherMachine(note) => self.notes.push(note),
                        Verdict::Differs(difference) => self.differences.push(difference),
                    }
                }
                self.committed.insert(name.into());
                self.staged.add(name, &packed)
            }
            (Err(fault), own) => {
                let found = fault.what.clone();
                self.differences.push(whole(FOLDER, &file, &found, "the scores of a run"));
                self.add_own(name, own)
            }
            (Ok(None), own) => self.add_own(name, own),
        }
    }

    fn add_own(&mut self, name: &str, own: Option<RunDir>) -> Result<()> {
        match own {
            Some(run) => self.staged.link(&run, &Needed::everything(name)),
            None => {
                self.lacking.insert(name.into(), NOWHERE.into());
                Ok(())
            }
        }
    }

    /// Which of the runs that were found cannot be read all the same.
    fn sort_out(&mut self, names: &[String]) -> Result<()> {
        for left_out in runs::load(self.staged.path(), Choice::Only(names))?.left_out() {
            let why = match &left_out.damage {
                None => "of another version of nano4m".to_string(),
                Some(damage) => {
                    let committed = self.committed.contains(&left_out.run);
                    let archive = format!("{FOLDER}/{}.tar.gz", left_out.run);
                    let file = if committed { archive } else { left_out.run.clone() };
                    self.differences.push(CellDifference {
                        row: format!("run {}", left_out.run),
                        ..whole("(runs)", &file, damage, "a run as it was recorded")
                    });
                    format!("damaged: {damage}")
                }
            };
            self.lacking.insert(left_out.run, why);
        }
        Ok(())
    }
}

/// Whether a name that stands in a file stays inside its folder.
fn safe(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}
