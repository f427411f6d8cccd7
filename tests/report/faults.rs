//! Records and scores that are broken, cut off or nonsense: a fault that says where, or a table
//! that says what cannot be estimated; never a panic and never a NaN that looks like a number.

use crate::fixture::Fixture;
use nano4m::fault::Fault;
use nano4m::report::{self, comparison, table, Options};
use nano4m::rng::{stream, Purpose};
use nano4m::stats::Bootstrap;
use rand::Rng;
use std::path::{Path, PathBuf};

fn options() -> Options {
    Options { plan: Bootstrap { replicates: 20, ..Bootstrap::default() }, ..Options::default() }
}

/// Everything a report makes, as text.
fn everything(runs: &Path) -> Result<String, Fault> {
    let report = report::build(runs, &options())?;
    let compared = comparison::pair(runs, "tiny", "twin", &options().plan)?;
    let mut text = String::new();
    for (table, header) in report.tables.iter().chain(&compared.tables) {
        text += &table::csv(table, header);
        text += &table::markdown(table, header);
        text += &table::terminal(table, 100);
        text += &table::json(table, header).to_string();
    }
    Ok(text + &report.plots.iter().map(|p| p.svg.as_str()).collect::<String>())
}

/// A fault has a place, or a table no number that is none.
#[track_caller]
fn survives(runs: &Path, what: &str) {
    match everything(runs) {
        Ok(text) => {
            let odd =
                text.lines().find(|l| ["NaN", ",inf", "-inf", "| inf"].iter().any(|odd| l.contains(odd)));
            assert_eq!(odd, None, "{what}");
        }
        Err(fault) => assert!(fault.place.is_some(), "{what}: {fault}"),
    }
}

fn files(run: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(run.join("probes")).unwrap().map(|e| e.unwrap().path()).collect();
    all.extend(["record.json", "resolved.ron", "metrics.csv"].map(|f| run.join(f)));
    all.sort();
    all
}

/// Runs `change` on every file's text, one file and one change at a time.
fn each_change(changes: impl Fn(&str) -> Vec<String>) {
    let fixture = Fixture::tiny();
    fixture.write_twin_of_tiny();
    for file in files(&fixture.run("tiny")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for (i, changed) in changes(&text).into_iter().enumerate() {
            std::fs::write(&file, &changed).unwrap();
            survives(fixture.runs(), &format!("{} {i}", file.display()));
        }
        std::fs::write(&file, text).unwrap();
    }
    survives(fixture.runs(), "restored");
}

#[test]
fn cut_off_files() {
    each_change(|text| {
        let cuts = [0, 1, text.len() / 3, text.len() / 2, text.len() - 2];
        let line = text.lines().next().unwrap_or_default().len() + 1;
        cuts.into_iter().chain([line.min(text.len())]).map(|at| text[..floor(text, at)].to_string()).collect()
    });
}

/// The last place at or before `at` where a text can be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// Columns gone, emptied or full of what is no number.
#[test]
fn columns_of_nonsense() {
    each_change(|text| {
        let Some(head) = text.lines().next().filter(|l| l.contains(',')) else { return vec![] };
        let columns = head.split(',').count();
        let with = |column: usize, value: Option<&str>| -> String {
            let line = |(i, line): (usize, &str)| {
                let cells = line.split(',').enumerate().filter_map(|(c, cell)| match (c == column, value) {
                    (true, None) => None,
                    (true, Some(value)) if i > 0 => Some(value),
                    _ => Some(cell),
                });
                cells.collect::<Vec<_>>().join(",")
            };
            text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
        };
        let values =
            [None, Some(""), Some("nan"), Some("-INF"), Some("1e308"), Some("0"), Some("4294967295")];
        (0..columns).flat_map(|c| values.map(|v| with(c, v))).collect()
    });
}

/// Bytes flipped, lost and doubled at random.
#[test]
fn random_damage() {
    let fixture = Fixture::tiny();
    fixture.write_twin_of_tiny();
    for (f, file) in files(&fixture.run("tiny")).into_iter().enumerate() {
        let bytes = std::fs::read(&file).unwrap();
        for i in 0..25 {
            let mut draw = stream(i, Purpose::Simulation, &[f as u64]);
            let mut damaged = bytes.clone();
            for _ in 0..draw.gen_range(1..4) {
                let at = draw.gen_range(0..damaged.len());
                let end = (at + draw.gen_range(1..40)).min(damaged.len());
                match draw.gen_range(0..3) {
                    0 => damaged[at] = draw.gen(),
                    1 => drop(damaged.drain(at..end)),
                    _ => {
                        let doubled = damaged[at..end].to_vec();
                        damaged.splice(at..at, doubled);
                    }
                }
            }
            std::fs::write(&file, &damaged).unwrap();
            survives(fixture.runs(), &format!("{} {i}", file.display()));
        }
        std::fs::write(&file, bytes).unwrap();
    }
}

/// Damage of what was written by `report` and by `ablate`.
#[test]
fn damaged_tables_and_ablations() {
    let fixture = Fixture::ablation();
    let (runs, reports) = (fixture.runs(), fixture.reports());
    report::generate_ablation(runs, &reports, "grid", &options().plan).unwrap();
    let files = ["ablation_grid/v0001.csv", "ablation_grid_pairs/v0001.md"].map(|f| reports.join(f));
    for file in files.into_iter().chain([runs.join("ablations/grid.json")]) {
        let text = std::fs::read_to_string(&file).unwrap();
        for at in [0, 40, text.len() / 2, text.len() - 3] {
            std::fs::write(&file, &text[..floor(&text, at)]).unwrap();
            match report::check(runs, &reports) {
                Ok(checked) if file.starts_with(&reports) => {
                    assert!(!checked.differences.is_empty(), "{} {at}", file.display())
                }
                // The record that lies with the report is another file.
                Ok(checked) => assert_eq!(checked.differences, []),
                Err(fault) => assert!(fault.place.is_some(), "{} {at}: {fault}", file.display()),
            }
        }
        std::fs::write(&file, text).unwrap();
    }
    assert_eq!(report::check(runs, &reports).unwrap().differences, []);
}

#[test]
fn the_messages() {
    let fixture = Fixture::tiny();
    let run = fixture.run("tiny");
    let root = run.parent().unwrap().display().to_string();
    let mut messages = Vec::new();
    let mut message = |file: &str, from: &str, to: &str| {
        let path = run.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {file}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let fault = everything(fixture.runs()).err().unwrap();
        messages.push(fault.to_string().replace(&root, "runs"));
        std::fs::write(&path, text).unwrap();
    };
    message("record.json", "\"schema\": 2", "\"schema\": 9");
    message("record.json", "\"schema\": 2", "\"schema\": ");
    message("probes/retrieval.csv", "rank", "rang");
    message("probes/classification.csv", "logit_rank_as_trained,model,cat,", "logit_rank_as_trained,model,");
    message("probes/cross_entropy.csv", "model,20,", "model,twenty,");
    insta::assert_snapshot!("messages", messages.join("\n\n"));
}
