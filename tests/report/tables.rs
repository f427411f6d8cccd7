//! The report from files alone: two experiments, one of them with three seeds.

use crate::fixture::Fixture;
use nano4m::report::{self, table, Options};

fn table<'a>(report: &'a report::Report, name: &str) -> &'a (report::Table, report::Header) {
    report.tables.iter().find(|(t, _)| t.name == name).unwrap()
}

#[test]
fn snapshots_of_every_table() {
    let fixture = Fixture::full();
    let report = report::build(fixture.runs(), &Options::default()).unwrap();
    let names: Vec<&str> = report.tables.iter().map(|(t, _)| t.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "eval_results",
            "claims",
            "cross_entropy",
            "classification",
            "per_class",
            "retrieval",
            "directions",
            "memorization",
            "forward_vs_autoregressive",
            "generation",
            "linear_probe",
        ]
    );
    for (table, header) in &report.tables {
        insta::assert_snapshot!(format!("{}_markdown", table.name), table::markdown(table, header));
    }
    let (ce, header) = table(&report, "cross_entropy");
    insta::assert_snapshot!("cross_entropy_csv", table::csv(ce, header));
    insta::assert_snapshot!("cross_entropy_terminal", table::terminal(ce, 100));
    let json = table::json(ce, header);
    assert_eq!(json["rows"][0]["modality"], "rgb");
    assert!(json["rows"][0]["ce_nats_per_token"]["low"].is_f64());
    assert_eq!(json["rows"].as_array().unwrap().len(), ce.rows.len());
}

#[test]
fn regenerating_changes_no_byte() {
    let fixture = Fixture::full();
    let reports = fixture.reports();
    let first = report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    let before = fixture.bytes();
    assert!(first.tables.iter().all(|t| t.new && t.version == "v0001"));
    insta::assert_snapshot!("summary", first.text());
    let second = report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    assert!(second.tables.iter().all(|t| !t.new && t.version == "v0001"));
    assert_eq!(before, fixture.bytes());
    assert_eq!(report::check(fixture.runs(), &reports).unwrap().differences, []);
    for file in ["eval_results.md", "index.html", "plots/cross_entropy_alpha.svg", "plots/training_alpha.svg"]
    {
        assert!(before.iter().any(|(name, bytes)| name == file && !bytes.is_empty()), "{file}");
    }
}

#[test]
fn a_hand_edited_digit_is_caught_with_its_cell() {
    let fixture = Fixture::full();
    let reports = fixture.reports();
    report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    let path = reports.join("retrieval/v0001.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|l| l.starts_with("beta,7,audio,rgb")).unwrap();
    let mut cells: Vec<String> = line.split(',').map(Into::into).collect();
    assert_eq!(
        text.lines().find(|l| l.starts_with("experiment")).unwrap().split(',').nth(5),
        Some("r1_percent")
    );
    let digit = std::mem::replace(&mut cells[5], "99.00".into());
    std::fs::write(&path, text.replace(line, &cells.join(","))).unwrap();
    let found = report::check(fixture.runs(), &reports).unwrap().differences;
    let messages: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = format!(
        "retrieval/v0001.csv: row `beta / 7 / audio / rgb / model`, column `r1_percent`: found `99.00`, expected `{digit}`"
    );
    assert_eq!(messages, [expected]);
}

#[test]
fn markdown_and_front_page_are_checked_too() {
    let fixture = Fixture::full();
    let reports = fixture.reports();
    report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    for file in ["cross_entropy/v0001.md", "eval_results.md"] {
        let path = reports.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|l| l.contains("| beta") && l.contains("[")).unwrap();
        let number: String =
            line.split('[').next().unwrap().chars().rev().skip_while(|c| *c == ' ').take(3).collect();
        let number: String = number.chars().rev().collect();
        std::fs::write(&path, text.replacen(&format!("{number} ["), "000 [", 1)).unwrap();
        let found = report::check(fixture.runs(), &reports).unwrap().differences;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].file, file);
        std::fs::write(&path, text).unwrap();
    }
}

#[test]
fn changed_scores_are_named_and_a_gone_run_is_checked_from_the_scores_that_lie_with_the_report() {
    let fixture = Fixture::full();
    let reports = fixture.reports();
    report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    let file = fixture.run("beta").join("probes/cross_entropy.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen(",model,20,", ",model,21,", 1)).unwrap();
    let found = report::check(fixture.runs(), &reports).unwrap().differences;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].file, "scores/beta-bbbb000000.tar.gz: probes/cross_entropy.csv");
    std::fs::write(&file, text).unwrap();
    std::fs::remove_dir_all(fixture.run("beta")).unwrap();
    let checked = report::check(fixture.runs(), &reports).unwrap();
    assert_eq!((&checked.differences, &checked.not_checkable), (&vec![], &vec![]));
    assert_eq!((checked.tables, checked.from_committed), (11, 11));
}

#[test]
fn a_new_run_makes_a_new_version_and_diff_says_why() {
    let fixture = Fixture::full();
    let reports = fixture.reports();
    report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    fixture.replace_beta_with_other_data();
    let second = report::generate(fixture.runs(), &reports, &Options::default()).unwrap();
    assert!(second.tables.iter().all(|t| t.new && t.version == "v0002"));
    let diff = report::diff(&reports, Some("cross_entropy"), "v0001", "v0002").unwrap();
    assert_eq!(diff[0].causes, ["data: d1 → d2 (beta-bbbb000000 → beta-bbbb111111)"]);
    let cell = diff[0].cells.iter().find(|c| c.column == "ce_nats_per_token").unwrap();
    assert!(cell.row.starts_with("beta / 7 / "), "{cell}");
    assert_eq!(report::diff(&reports, None, "1", "2").unwrap().len(), 11);
    let fault = report::diff(&reports, Some("cross_entrpy"), "1", "2").unwrap_err();
    assert_eq!(fault.help.as_deref(), Some("did you mean `cross_entropy`?"));
    assert!(report::diff(&reports, None, "1", "9").is_err());
}

#[test]
fn one_probe_one_clip_and_nothing() {
    let fixture = Fixture::only_cross_entropy();
    let report = report::build(fixture.runs(), &Options::default()).unwrap();
    let names: Vec<&str> = report.tables.iter().map(|(t, _)| t.name.as_ref()).collect();
    assert_eq!(names, ["eval_results", "cross_entropy"]);
    let (ce, header) = table(&report, "cross_entropy");
    let csv = table::csv(ce, header);
    assert!(csv.contains("ce_nats_per_token interval: one unit"), "{csv}");
    let empty = tempfile::tempdir().unwrap();
    let fault = report::build(empty.path(), &Options::default()).err().unwrap();
    assert_eq!(fault.exit, nano4m::fault::Exit::Invalid);
    assert!(report::check(empty.path(), empty.path()).is_err());
}

/// Same bytes whatever the number of threads.
#[test]
fn threads_do_not_matter() {
    let fixture = Fixture::full();
    let csv = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let report = pool.install(|| report::build(fixture.runs(), &Options::default())).unwrap();
        report.tables.iter().map(|(t, h)| table::csv(t, h)).collect::<Vec<_>>()
    };
    assert_eq!(csv(1), csv(3));
}

/// Writes the report of the fixture where `NANO4M_REPORT_OUT` points, to be looked at in a browser.
#[test]
#[ignore = "for people: NANO4M_REPORT_OUT=dir cargo test --test report -- --ignored"]
fn write_for_looking() {
    let Some(out) = std::env::var_os("NANO4M_REPORT_OUT") else { return };
    let fixture = Fixture::full();
    report::generate(fixture.runs(), std::path::Path::new(&out), &Options::default()).unwrap();
}
