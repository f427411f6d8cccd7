//! Which files of which runs a report's tables and plots are made from.

use crate::metrics::catalogue::{self, Visitor, PROBES};
use crate::metrics::ScoreRow;
use crate::record::AblationRecord;
use crate::report::runs::Group;
use std::collections::BTreeSet;

/// What is needed of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Name of its directory.
    pub run: String,
    /// Paths inside it; what it does not have was not measured.
    pub files: BTreeSet<String>,
}

impl Needed {
    /// Everything that any table or plot may use.
    pub fn everything(run: &str) -> Needed {
        let curves = ["metrics.csv", "eval.csv"].map(String::from);
        Needed { run: run.into(), files: always().chain(scores()).chain(curves).collect() }
    }
}

/// Of runs with all their tables and plots: every score, and of the first seed the training curves.
pub fn of_runs(groups: &[Group]) -> Vec<Needed> {
    let needed = |group: &Group| {
        let runs = group.runs.iter().enumerate();
        let needed = runs.map(|(i, run)| {
            let curves = if i == 0 { &["metrics.csv", "eval.csv"][..] } else { &[] };
            let files = always().chain(scores()).chain(curves.iter().map(|file| file.to_string()));
            Needed { run: run.directory.clone(), files: files.collect() }
        });
        needed.collect::<Vec<_>>()
    };
    groups.iter().flat_map(needed).collect()
}

/// Of the runs of an ablation the scores that it asks about.
pub fn of_ablation(record: &AblationRecord, runs: &[String]) -> Vec<Needed> {
    let keys = record.metrics.iter().chain(record.claims.iter().map(|claim| &claim.metric));
    let probes: BTreeSet<&str> = keys.filter_map(|key| catalogue::parse(key)).map(|key| key.probe).collect();
    let asked = |file: &String| probes.iter().any(|probe| scores_of(probe).as_ref() == Some(file));
    let files: BTreeSet<String> =
        always().chain(scores().filter(|file| record.metrics.is_empty() || asked(file))).collect();
    runs.iter().map(|run| Needed { run: run.clone(), files: files.clone() }).collect()
}

fn always() -> impl Iterator<Item = String> {
    ["record.json", "resolved.ron"].into_iter().map(String::from)
}

fn scores() -> impl Iterator<Item = String> {
    PROBES.iter().filter_map(|probe| scores_of(probe.name))
}

/// The file of the probe's scores.
fn scores_of(probe: &str) -> Option<String> {
    struct File;
    impl Visitor for File {
        type Output = String;

        fn visit<R: ScoreRow>(self) -> String {
            R::FILE.into()
        }
    }
    catalogue::visit(probe, File)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ablation_needs_the_scores_it_asks_about() {
        let mut record = AblationRecord {
            schema: 1,
            name: "x".into(),
            about: String::new(),
            reference: String::new(),
            metrics: vec!["cross_entropy/rgb".into()],
            claims: vec![],
            axes: vec![],
            cells: vec![],
        };
        let files = |record: &AblationRecord| of_ablation(record, &["r".into()])[0].files.len();
        assert_eq!(files(&record), 3);
        record.metrics.push("retrieval/a->b".into());
        assert_eq!(files(&record), 4);
        record.metrics.clear();
        assert_eq!(files(&record), 2 + PROBES.len());
    }
}
