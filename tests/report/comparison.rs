//! Comparisons from files alone: the cells of an ablation, two experiments, two runs.

use crate::fixture::Fixture;
use nano4m::fault::Exit;
use nano4m::record::AblationRecord;
use nano4m::report::{self, comparison, table, ComparisonTables, Options, Table};
use nano4m::stats::Bootstrap;
use std::process::{Command, Stdio};

/// Fewer replicates where digits do not matter.
fn quick() -> Options {
    Options { plan: Bootstrap { replicates: 200, ..Bootstrap::default() }, ..Options::default() }
}

fn ablation(fixture: &Fixture) -> ComparisonTables {
    let record = comparison::find(fixture.runs(), "grid").unwrap();
    comparison::ablation(fixture.runs(), &record, &Bootstrap::default()).unwrap()
}

fn cell(table: &Table, row: &str, column: &str) -> String {
    let row = table.rows.iter().find(|r| table.row_name(r) == row).unwrap_or_else(|| panic!("no row {row}"));
    let at = table.column(column).unwrap();
    table::shown(&row.cells[at], &table.columns[at], None)
}

#[test]
fn snapshots_of_an_ablation() {
    let fixture = Fixture::ablation();
    let compared = ablation(&fixture);
    let names: Vec<&str> = compared.tables.iter().map(|(t, _)| t.name.as_ref()).collect();
    assert_eq!(
        names,
        ["ablation_grid", "ablation_grid_claims", "ablation_grid_effects", "ablation_grid_pairs"]
    );
    for (table, header) in &compared.tables {
        insta::assert_snapshot!(format!("{}_markdown", table.name), table::markdown(table, header));
    }
    let (cells, header) = &compared.tables[0];
    insta::assert_snapshot!("ablation_grid_csv", table::csv(cells, header));
    insta::assert_snapshot!("ablation_grid_terminal", table::terminal(cells, 100));
}

/// What the fixture plants is found, and what it does not plant is not.
#[test]
fn the_planted_difference_is_found_and_no_other() {
    let compared = ablation(&Fixture::ablation());
    let table = |i: usize| &compared.tables[i].0;
    let ce = "cross_entropy/tok_rgb@196";
    let row = |label: &str| format!("{ce} / {label}");
    assert_eq!(cell(table(0), &row("span, small"), "verdict"), "better");
    assert_eq!(cell(table(0), &row("random, big"), "verdict"), "not distinguishable");
    assert_eq!(cell(table(0), &row("random, small"), "verdict"), "reference");
    let ranks =
        ["span, small", "span, big", "random, small", "random, big"].map(|c| cell(table(0), &row(c), "rank"));
    assert_eq!(ranks, ["1–2", "1–2", "3–4", "3–4"]);
    assert_ne!(cell(table(0), &row("random, big"), "mde"), "–");
    assert_eq!(cell(table(0), &row("span, small"), "mde"), "–");
    let verdicts = [0, 1, 2].map(|i| {
        let t = table(1);
        table::shown(&t.rows[i].cells[8], &t.columns[8], None)
    });
    assert_eq!(verdicts, ["supported", "not supported", "not judged"]);
    let effect = |axis: &str, value: &str, against: &str| format!("{ce} / {axis} / {value} / {against}");
    assert_eq!(cell(table(2), &effect("masking", "span", "random"), "verdict"), "better");
    assert_eq!(cell(table(2), &effect("masking", "span", "random"), "pairs"), "2");
    assert_eq!(cell(table(2), &effect("size", "big", "small"), "verdict"), "not distinguishable");
}

/// Cells that are masked differently are scored on other targets: the tables say so.
#[test]
fn other_targets_are_named() {
    let fixture = Fixture::ablation();
    let compared = ablation(&fixture);
    let pairs = &compared.tables[3].0;
    let row = |b: &str| format!("cross_entropy/tok_rgb@196 / random, small / {b}");
    assert_eq!(cell(pairs, &row("span, small"), "targets"), "each its own");
    assert_eq!(cell(pairs, &row("random, big"), "targets"), "same");
    let note = pairs.notes.iter().find(|n| n.contains("predict other targets")).unwrap();
    assert!(note.contains("span, small, span, big predict"), "{note}");
}

#[test]
fn reported_checked_and_a_hand_edited_digit_is_caught() {
    let fixture = Fixture::ablation();
    let reports = fixture.reports();
    let summary = report::generate(fixture.runs(), &reports, &quick()).unwrap();
    assert!(summary.tables.iter().any(|t| t.table == "ablation_grid_pairs" && t.new));
    assert!(
        summary.plots.iter().any(|p| p == "pareto_grid_cross_entropy_tok_rgb_196"),
        "{:?}",
        summary.plots
    );
    let before = fixture.bytes();
    let page = String::from_utf8(before.iter().find(|f| f.0 == "index.html").unwrap().1.clone()).unwrap();
    assert!(page.contains("<h2 id=\"ablation_grid\">Ablation grid</h2>") && page.contains("pareto_grid_"));
    let again = report::generate(fixture.runs(), &reports, &quick()).unwrap();
    assert!(again.tables.iter().all(|t| !t.new));
    let (_, only) = report::generate_ablation(fixture.runs(), &reports, "grid", &quick().plan).unwrap();
    assert!(only.tables.iter().all(|t| !t.new) && only.tables.len() == 4);
    assert_eq!(before, fixture.bytes());
    assert_eq!(report::check(fixture.runs(), &reports).unwrap().differences, []);

    let path = reports.join("ablation_grid/v0001.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|l| l.starts_with("cross_entropy/tok_rgb@196,\"span, small\"")).unwrap();
    let digit = line.split(',').nth(6).unwrap();
    std::fs::write(&path, text.replace(line, &line.replacen(digit, "1.0000", 1))).unwrap();
    let found: Vec<String> = report::check(fixture.runs(), &reports)
        .unwrap()
        .differences
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = format!(
        "ablation_grid/v0001.csv: row `cross_entropy/tok_rgb@196 / span, small`, column `value`: found `1.0000`, \
         expected `{digit}`"
    );
    assert_eq!(found, [expected]);
}

/// What `ablate` writes at its end keeps an existing report consistent.
#[test]
fn an_ablation_by_itself() {
    let fixture = Fixture::ablation();
    let (runs, reports) = (fixture.runs(), fixture.reports());
    let (_, summary) = report::generate_ablation(runs, &reports, "grid", &quick().plan).unwrap();
    insta::assert_snapshot!("ablation_summary", summary.text());
    assert_eq!(report::check(runs, &reports).unwrap().differences, []);
    let only = Some(vec!["grid.span-big-a3b1000000".to_string()]);
    report::generate(runs, &reports, &Options { only, ..quick() }).unwrap();
    let record = comparison::find(runs, "grid").unwrap();
    AblationRecord { name: "twin".into(), ..record }.write(runs).unwrap();
    report::generate_ablation(runs, &reports, "twin", &quick().plan).unwrap();
    let front = std::fs::read_to_string(reports.join("eval_results.md")).unwrap();
    assert!(front.contains("- ablation_twin: [v0001.md](ablation_twin/v0001.md)"));
    assert_eq!(report::check(runs, &reports).unwrap().differences, []);
}

#[test]
fn threads_do_not_matter() {
    let fixture = Fixture::ablation();
    let csv = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let compared = pool.install(|| ablation(&fixture));
        compared.tables.iter().map(|(t, h)| table::csv(t, h)).collect::<Vec<_>>()
    };
    assert_eq!(csv(1), csv(3));
}

#[test]
fn two_experiments_and_two_runs() {
    let fixture = Fixture::full();
    let plan = Bootstrap::default();
    let groups = comparison::pair(fixture.runs(), "alpha", "beta", &plan).unwrap();
    insta::assert_snapshot!("pair_terminal", table::terminal(&groups.tables[0].0, 100));
    assert!(groups.tables[0].0.notes.iter().any(|n| n.starts_with("Runs without a partner")));
    let runs = comparison::pair(fixture.runs(), "aaaa000000", "aaaa111", &plan).unwrap();
    let row = "cross_entropy/tok_rgb@196 / alpha-aaaa000000 / alpha-aaaa111111";
    assert_eq!(cell(&runs.tables[0].0, row, "clips"), "24");
    let own = comparison::pair(fixture.runs(), "beta", "beta", &plan).err().expect("one run is no two");
    assert!(own.what.contains("both sides have the run beta"), "{own}");
    fixture.write_twin_of_beta();
    let twins = comparison::pair(fixture.runs(), "beta", "gamma", &plan).unwrap();
    let same = cell(&twins.tables[0].0, "cross_entropy/tok_rgb@196 / beta / gamma", "verdict");
    assert_eq!(same, "models not distinguishable");
    assert_eq!(groups.speed[0].tokens_per_s, None);
}

/// Every unit and every better side: intervals are cut at the ends of their unit alone, and of what has no better
/// side it is only said which is larger.
#[test]
fn units_and_better_sides() {
    let metrics = [
        "cross_entropy/tok_rgb@196/gain",
        "classification/tok_audio@512/logit_rank_as_trained/true_logp",
        "classification/tok_audio@512/logit_rank_as_trained/top1",
        "memorization/train/accuracy",
        "generation/tok_audio@512->tok_rgb@196/entropy_minus_real",
        "generation/tok_audio@512->tok_rgb@196/distinct",
    ];
    let fixture = Fixture::two_cells(&metrics);
    let compared = comparison::ablation(
        fixture.runs(),
        &comparison::find(fixture.runs(), "two").unwrap(),
        &quick().plan,
    )
    .unwrap();
    let [cells, claims, effects, pairs] = [0, 1, 2, 3].map(|i| &compared.tables[i].0);
    for row in &cells.rows {
        let table::Cell::Estimate(e) = &row.cells[cells.column("value").unwrap()] else { panic!("no value") };
        let interval = e.interval.unwrap();
        assert!(interval.low <= e.value && e.value <= interval.high, "{}: {e:?}", cells.row_name(row));
    }
    let value = |metric: &str| cell(cells, &format!("{metric} / alpha"), "value");
    assert!(value(metrics[1]).starts_with("-1."), "nats may be negative: {}", value(metrics[1]));
    assert!(value(metrics[4]).starts_with('-'), "{}", value(metrics[4]));
    for metric in metrics {
        let directed = metrics[..3].contains(&metric);
        let (row, pair) = (format!("{metric} / beta"), format!("{metric} / alpha / beta"));
        assert_eq!(cell(cells, &row, "better"), if directed { "↑" } else { "–" }, "{metric}");
        assert_eq!(cell(cells, &row, "rank"), "–", "one seed ranks no cell: {metric}");
        let effect = format!("{metric} / model / beta / alpha");
        let words =
            [cell(cells, &row, "verdict"), cell(pairs, &pair, "verdict"), cell(effects, &effect, "verdict")];
        let foreign = if directed { ["larger", "smaller"] } else { ["better", "worse"] };
        assert!(words.iter().all(|word| !foreign.iter().any(|f| word.contains(f))), "{metric}: {words:?}");
    }
    assert!(
        cells.notes.iter().chain(&claims.notes).filter(|n| n.contains("without a better side")).count() == 2
    );
    let bold =
        |metric: &str| cells.rows.iter().any(|r| cells.row_name(r).starts_with(metric) && !r.bold.is_empty());
    assert!(metrics[3..].iter().all(|metric| !bold(metric)));
    assert!(!compared.plots.iter().any(|plot| plot.name.contains("memorization")));
}

/// The keys of two probes do not say what the probe was given, and the rows of one not what they are about.
#[test]
fn the_same_key_about_something_else_is_not_compared() {
    let (memory, forward) = ("memorization/train/accuracy", "forward_vs_autoregressive/scene_desc/single");
    let fixture = Fixture::two_cells(&[memory, forward]);
    let compared = || {
        let record = comparison::find(fixture.runs(), "two").unwrap();
        comparison::ablation(fixture.runs(), &record, &quick().plan).unwrap()
    };
    let value = |compared: &ComparisonTables, metric: &str| {
        cell(&compared.tables[0].0, &format!("{metric} / beta"), "minus_reference")
    };
    let before = compared();
    assert!(value(&before, memory).contains('[') && value(&before, forward).contains('['));
    let probe =
        |modality: &str| format!("probes: [Memorization(modality: \"{modality}\", given: [])], claims: [");
    fixture.edit("alpha", "resolved.ron", "claims: [", &probe("tok_rgb@196"));
    fixture.edit("beta", "resolved.ron", "claims: [", &probe("tok_rgb@196"));
    assert_eq!(value(&compared(), memory), value(&before, memory), "the same setup");
    fixture.edit("beta", "resolved.ron", "modality: \"tok_rgb@196\"", "modality: \"tok_audio@512\"");
    let other = compared();
    assert!(value(&other, memory).starts_with("not estimable"), "{}", value(&other, memory));
    assert!(other.tables[0].0.notes.iter().any(|n| n.contains("memorization of beta")));
    fixture.edit(
        "beta",
        "record.json",
        "forward_vs_autoregressive/scene_desc",
        "forward_vs_autoregressive/title",
    );
    assert!(value(&compared(), forward).starts_with("not estimable"));
}

fn nano4m(fixture: &Fixture, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("nano4m"));
    command.arg("--runs").arg(fixture.runs()).args(arguments).env_remove("NANO4M_RUNS");
    command
}

#[test]
fn on_the_command_line() {
    let fixture = Fixture::ablation();
    let output = |arguments: &[&str]| {
        let out = nano4m(&fixture, arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (out.status.code(), text(out.stdout), text(out.stderr))
    };
    let (code, json, _) = output(&["compare", "--ablation", "grid", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["tables"].as_array().unwrap().len()), (Some(0), 4));
    assert_eq!(json["tables"][0]["rows"][0]["cell"], "span, small");
    assert!(json["tables"][0]["rows"][0]["minus_reference"]["low"].is_f64());
    assert!(json.get("not_reproducible").is_none());
    let (code, text, _) = output(&["compare", "grid.random-small", "grid.random-big", "--speed"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("a = grid.random-small, b = grid.random-big"), "{text}");
    assert!(text.contains("Training speed (not reproducible"), "{text}");
    for (arguments, word) in [
        (&["compare"][..], "required"),
        (&["compare", "grid.span-big"], "required"),
        (&["compare", "--ablation", "gird"], "did you mean `grid`?"),
        (&["compare", "grid.span-big", "grid.spam-big"], "grid.spam-big"),
    ] {
        let (code, out, err) = output(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains(word), "{arguments:?}: {err}");
    }
}

/// `nano4m report --json | head -1`: whoever closes the pipe has read enough.
#[test]
fn a_closed_pipe_is_not_a_panic() {
    let fixture = Fixture::ablation();
    let reports = fixture.reports();
    let reports = reports.to_str().unwrap();
    for arguments in [
        &["compare", "--ablation", "grid", "--json"][..],
        &["report", "--reports", reports, "--json"],
        &["report", "--reports", reports, "--check", "--json"],
    ] {
        let mut command = nano4m(&fixture, arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        assert_eq!((out.status.code(), out.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn what_is_not_there_is_a_fault() {
    let fixture = Fixture::ablation();
    let runs = fixture.runs();
    let fault = comparison::find(runs, "gird").unwrap_err();
    assert_eq!((fault.exit, fault.help.as_deref()), (Exit::Invalid, Some("did you mean `grid`?")));
    let fault = comparison::pair(runs, "grid.span-big", "nothing", &Bootstrap::default()).err().unwrap();
    assert_eq!(fault.exit, Exit::Invalid);
    let mut record = comparison::find(runs, "grid").unwrap();
    record.cells[1].runs[0].identity = "0".repeat(60);
    let fault = comparison::ablation(runs, &record, &Bootstrap::default()).err().unwrap();
    assert_eq!(fault.what, "a run is not the one the ablation recorded");
    record.cells[1].runs.remove(0);
    std::fs::remove_dir_all(runs.join("grid.random-big-a2b3000000")).unwrap();
    let less = comparison::ablation(runs, &record, &Bootstrap::default()).unwrap();
    assert!(less.tables[0].0.notes.iter().any(|n| n.contains("or damaged: grid.random-big-a2b3000000")));
    record.cells.iter_mut().for_each(|c| c.runs.clear());
    let fault = comparison::ablation(runs, &record, &Bootstrap::default()).err().unwrap();
    assert_eq!((fault.exit, fault.what.as_str()), (Exit::Invalid, "ablation `grid` has no finished run"));
}
