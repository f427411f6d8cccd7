//! `report --check`: from the scores that lie with the report, table by table, every byte of every file.

use crate::fixture::Fixture;
use nano4m::fault::Exit;
use nano4m::report::{self, Checked, Options};
use nano4m::stats::Bootstrap;
use std::path::{Path, PathBuf};

/// Few replicates: what is compared is compared whatever the digits are.
fn options() -> Options {
    Options { plan: Bootstrap { replicates: 20, ..Bootstrap::default() }, ..Options::default() }
}

/// A report of a run with every probe and of an ablation, and a folder of runs with nothing in it.
struct Reported {
    fixture: Fixture,
    reports: PathBuf,
    empty: tempfile::TempDir,
}

impl Reported {
    fn of(fixture: Fixture) -> Reported {
        let reports = fixture.reports();
        report::generate(fixture.runs(), &reports, &options()).unwrap();
        Reported { fixture, reports, empty: tempfile::tempdir().unwrap() }
    }

    /// As a fresh clone checks it.
    fn alone(&self) -> Checked {
        report::check(self.empty.path(), &self.reports).unwrap()
    }

    fn with_runs(&self) -> Checked {
        report::check(self.fixture.runs(), &self.reports).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut open) = (Vec::new(), vec![self.reports.clone()]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.path().is_dir() {
                    true => open.push(entry.path()),
                    false => files.push(entry.path()),
                }
            }
        }
        files.sort();
        files
    }
}

fn relative(reports: &Path, file: &Path) -> String {
    file.strip_prefix(reports).unwrap().display().to_string()
}

#[test]
fn a_fresh_clone_recomputes_every_digit() {
    let two = Fixture::two_cells(&["cross_entropy/tok_rgb@196", "retrieval/tok_audio@512->tok_rgb@196"]);
    let reported = Reported::of(two);
    let checked = reported.alone();
    assert_eq!((&checked.differences, &checked.not_checkable), (&vec![], &vec![]), "{}", checked.text());
    assert!(checked.tables >= 14 && checked.from_committed == checked.tables, "{}", checked.text());
    assert!(checked.digits > 5000, "{}", checked.text());
    let text = checked.text();
    let expected =
        format!("{} digits of {} tables recomputed from committed scores", checked.digits, checked.tables);
    assert!(text.contains(&expected) && text.ends_with("no difference"), "{text}");
    assert_eq!(reported.with_runs(), checked, "runs that are the same change nothing");
}

#[test]
fn an_ablation_is_recomputed_without_its_runs() {
    let reported = Reported::of(Fixture::ablation());
    let checked = reported.alone();
    assert_eq!((checked.differences.as_slice(), checked.tables), (&[][..], 8), "{}", checked.text());
    // Another ablation of that name among one's own runs is another matter.
    let mut record = nano4m::record::AblationRecord::list(reported.fixture.runs()).unwrap().remove(0);
    record.cells.truncate(2);
    record.claims.clear();
    record.write(reported.empty.path()).unwrap();
    assert_eq!(reported.alone().differences, []);
}

#[test]
fn a_byte_of_any_file_of_a_report_is_named() {
    let reported = Reported::of(Fixture::only_cross_entropy());
    for file in reported.files() {
        let bytes = std::fs::read(&file).unwrap();
        let name = relative(&reported.reports, &file);
        // The last byte of a gzip stream's length, a middle one, and a first one.
        for at in [bytes.len() - 1, bytes.len() / 2, 0] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            std::fs::write(&file, flipped).unwrap();
            let checked = reported.alone();
            let named = checked.differences.iter().any(|d| d.file.starts_with(&name));
            // A line of the index may also be told by the file that it then no longer is about.
            assert!(
                named || (name == "SHA256SUMS" && !checked.differences.is_empty()),
                "{name} {at}: {checked:?}"
            );
        }
        std::fs::write(&file, bytes).unwrap();
    }
    assert_eq!(reported.alone().differences, []);
}

#[test]
fn a_changed_digit_of_the_page_or_of_a_plot_is_named_with_its_line() {
    let reported = Reported::of(Fixture::only_cross_entropy());
    let plot = std::fs::read_dir(reported.reports.join("plots")).unwrap().next().unwrap().unwrap().path();
    for file in [reported.reports.join("index.html"), plot] {
        let text = std::fs::read_to_string(&file).unwrap();
        let at = text.rfind(|c: char| c.is_ascii_digit()).unwrap();
        let digit = if &text[at..=at] == "7" { "8" } else { "7" };
        let changed = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
        let line = 1 + text[..at].matches('\n').count();
        // With its digest, as somebody would who knows of it.
        std::fs::write(&file, &changed).unwrap();
        let sums = reported.reports.join("SHA256SUMS");
        let digests = std::fs::read_to_string(&sums).unwrap();
        let digest = nano4m::digest::sha256_hex;
        std::fs::write(&sums, digests.replace(&digest(text.as_bytes()), &digest(changed.as_bytes())))
            .unwrap();
        let found = reported.alone().differences;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].file, relative(&reported.reports, &file));
        assert_eq!(found[0].row, format!("line {line}"));
        std::fs::write(&file, text).unwrap();
        std::fs::write(&sums, digests).unwrap();
    }
}

#[test]
fn a_table_whose_runs_are_nowhere_is_counted_and_ends_nothing() {
    let reported = Reported::of(Fixture::ablation());
    let scores = reported.reports.join("scores/grid.span-small-a1b2000000.tar.gz");
    let bytes = std::fs::read(&scores).unwrap();
    std::fs::remove_file(&scores).unwrap();
    let checked = reported.alone();
    assert_eq!((checked.tables, checked.not_checkable.len()), (0, 8));
    assert!(checked.text().contains(" 0 digits of 0 tables recomputed, "), "{}", checked.text());
    let why = &checked.not_checkable[0].why;
    assert_eq!(
        why,
        "run grid.span-small-a1b2000000: not in the folder of runs, and the report ships no scores of it"
    );
    assert!(
        checked.text().contains("8 tables not checkable here: run grid.span-small"),
        "{}",
        checked.text()
    );
    assert!(checked.differences.iter().all(|d| d.file.ends_with("a1b2000000.tar.gz")), "{checked:?}");
    // With the run it is checked from there.
    let checked = reported.with_runs();
    assert_eq!((checked.tables, checked.from_committed), (8, 0));
    std::fs::write(&scores, bytes).unwrap();
    assert_eq!(reported.alone().differences, []);
}

#[test]
fn a_report_without_scores_is_checked_from_the_runs_and_asks_for_its_digests() {
    let reported = Reported::of(Fixture::only_cross_entropy());
    std::fs::remove_dir_all(reported.reports.join("scores")).unwrap();
    std::fs::remove_file(reported.reports.join("SHA256SUMS")).unwrap();
    let checked = reported.with_runs();
    assert_eq!((checked.tables, checked.from_committed), (2, 0));
    assert_eq!(checked.differences.len(), 1, "{checked:?}");
    assert_eq!(checked.differences[0].file, "SHA256SUMS");
    report::generate(reported.fixture.runs(), &reported.reports, &options()).unwrap();
    assert_eq!(reported.alone().differences, []);
}

#[test]
fn committed_scores_that_are_not_the_runs_own_are_named() {
    let reported = Reported::of(Fixture::only_cross_entropy());
    let run = reported.fixture.run("one");
    let record = run.join("record.json");
    let text = std::fs::read_to_string(&record).unwrap();
    let changed = text.replacen("\"steps\": ", "\"steps\": 9", 1);
    std::fs::write(&record, &changed).unwrap();
    let found = reported.with_runs().differences;
    assert_eq!((found.len(), found[0].column.as_str()), (1, "(all)"), "{found:?}");
    assert!(found[0].expected.contains("the record has changed since it was written"), "{found:?}");
    // With a last line that fits.
    let other = nano4m::Record { steps: 9, ..nano4m::Record::as_it_stands(&record).unwrap().0 };
    std::fs::write(&record, other.to_json().unwrap()).unwrap();
    let found = reported.with_runs().differences;
    assert_eq!((found.len(), found[0].column.as_str()), (1, "steps"), "{found:?}");
    // Made elsewhere, other bits are to be expected.
    std::fs::write(run.join("provenance.json"), r#"{"machine": {"class": "x86_64 other"}}"#).unwrap();
    let checked = reported.with_runs();
    assert_eq!(checked.differences, []);
    assert!(checked.notes[0].contains("another class of machine"), "{:?}", checked.notes);
}

#[test]
fn damaged_runs_are_left_out_by_name_and_end_no_report() {
    for (file, damage) in [
        ("record.json", "{\"schema\": 2"),
        ("probes/cross_entropy.csv", "clip,mask\n"),
        ("probes/retrieval.csv", ""),
    ] {
        let fixture = Fixture::full();
        std::fs::write(fixture.run("beta").join(file), damage).unwrap();
        let summary = report::generate(fixture.runs(), &fixture.reports(), &options()).unwrap();
        assert_eq!(summary.runs.len(), 3, "{file}");
        let lines = report::left_out(&summary.left_out);
        assert!(lines.len() == 1 && lines[0].starts_with("run beta-bbbb000000 is damaged"), "{lines:?}");
        let name = file.rsplit('/').next().unwrap();
        assert!(lines[0].contains(name), "{lines:?}");
        let asked = Options { only: Some(vec!["beta-bbbb000000".into()]), ..options() };
        let fault = report::generate(fixture.runs(), &fixture.reports(), &asked).unwrap_err();
        assert_eq!(fault.exit, Exit::Failed, "{fault}");
    }
    // What was recorded and is gone was not "not measured".
    let fixture = Fixture::full();
    std::fs::remove_file(fixture.run("beta").join("probes/directions.csv")).unwrap();
    let summary = report::generate(fixture.runs(), &fixture.reports(), &options()).unwrap();
    assert_eq!(summary.left_out[0].run, "beta-bbbb000000");
}

#[test]
fn one_damaged_run_of_an_ablation_does_not_end_it() {
    let fixture = Fixture::ablation();
    let gone = fixture.runs().join("grid.random-big-a2b3000000");
    std::fs::write(gone.join("probes/cross_entropy.csv"), "").unwrap();
    let reported = Reported::of(fixture);
    let checked = reported.alone();
    assert_eq!((checked.differences.as_slice(), checked.tables), (&[][..], 8), "{}", checked.text());
    let table = std::fs::read_to_string(reported.reports.join("ablation_grid/v0001.md")).unwrap();
    assert!(table.contains("or damaged: grid.random-big-a2b3000000"), "{table}");
}

#[test]
fn what_an_earlier_version_was_is_held_by_its_digest() {
    let reported = Reported::of(Fixture::full());
    reported.fixture.replace_beta_with_other_data();
    report::generate(reported.fixture.runs(), &reported.reports, &options()).unwrap();
    let old = reported.reports.join("retrieval/v0001.csv");
    let text = std::fs::read_to_string(&old).unwrap();
    std::fs::write(&old, text.replacen("alpha,1", "alpha,2", 1)).unwrap();
    let found = reported.alone().differences;
    assert_eq!((found.len(), found[0].file.as_str()), (1, "retrieval/v0001.csv"), "{found:?}");
    // The next report does not take it for its own.
    report::generate(reported.fixture.runs(), &reported.reports, &options()).unwrap();
    assert_eq!(reported.alone().differences.len(), 1);
    std::fs::write(&old, text).unwrap();
    std::fs::write(reported.reports.join("plots/mine.svg"), "<svg/>").unwrap();
    let found = reported.alone().differences;
    assert_eq!((found.len(), found[0].found.as_str()), (1, "a file that no report wrote"), "{found:?}");
}

#[test]
fn a_head_that_names_a_path_leads_nowhere() {
    let reported = Reported::of(Fixture::only_cross_entropy());
    let path = reported.reports.join("cross_entropy/v0001.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("# run: one-cccc000000", "# run: ../../one-cccc000000", 1)).unwrap();
    let checked = reported.alone();
    assert!(checked.not_checkable.iter().any(|t| t.why.contains("not the name of a run")), "{checked:?}");
    assert!(checked.differences.iter().any(|d| d.file == "cross_entropy/v0001.csv"), "{checked:?}");
}

#[test]
fn a_head_that_asks_for_endless_work_is_not_believed() {
    let reported = Reported::of(Fixture::only_cross_entropy());
    let path = reported.reports.join("cross_entropy/v0001.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("replicates 20", "replicates 20000000000", 1)).unwrap();
    let checked = reported.alone();
    assert_eq!(checked.differences[0].row, "(head)", "{checked:?}");
    assert_eq!(checked.tables, 1);
}
