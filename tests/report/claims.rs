//! What `check` accepts is judged: a claim on every probe, read from the scores that the probe leaves.

use crate::fixture::Fixture;
use nano4m::report::table::Cell;
use nano4m::report::{self, Options};

/// Claims of beta, each with whether its scores support it.
const CLAIMS: [(&str, &str, &str); 14] = [
    ("cross_entropy/tok_rgb@196", "unigram_marginal", "supported"),
    ("cross_entropy/tok_rgb@196/gain", "alpha", "not supported"),
    ("classification/tok_audio@512/logit_rank_as_trained/top1", "chance", "supported"),
    ("classification/tok_audio@512/logit_rank_as_trained/true_logp", "alpha", "not supported"),
    ("retrieval/tok_rgb@196->tok_audio@512/r5", "chance", "supported"),
    ("retrieval/tok_rgb@196->tok_audio@512/mrr", "alpha", "not supported"),
    ("directions/tok_audio@512->tok_rgb@196", "unigram_marginal", "supported"),
    ("directions/tok_audio@512->tok_rgb@196/cross_entropy", "unigram_marginal", "supported"),
    ("linear_probe/tok_rgb@196+tok_audio@512", "random_weights", "supported"),
    ("memorization/train/accuracy", "alpha", "not supported"),
    ("memorization/test/cross_entropy", "alpha", "not supported"),
    ("forward_vs_autoregressive/scene_desc/single", "autoregressive", "not supported"),
    ("generation/tok_audio@512->tok_rgb@196/entropy", "alpha", "not supported"),
    ("generation/tok_audio@512->tok_rgb@196/agreement", "agreement_of_real", "supported"),
];

#[test]
fn a_claim_on_every_probe_is_judged() {
    let fixture = Fixture::full();
    let path = fixture.run("beta").join("resolved.ron");
    let text = std::fs::read_to_string(&path).unwrap();
    let own: Vec<String> = CLAIMS
        .iter()
        .map(|(metric, against, _)| format!("(metric: {metric:?}, against: {against:?})"))
        .collect();
    let at = text.find("claims: [").unwrap();
    std::fs::write(&path, format!("{}claims: [{}])", &text[..at], own.join(", "))).unwrap();
    let report = report::build(fixture.runs(), &Options::default()).unwrap();
    let (table, _) = report.tables.iter().find(|(t, _)| t.name == "claims").unwrap();
    let column = |name: &str| table.column(name).unwrap();
    let (claim, unit, verdict) = (column("claim"), column("unit"), column("verdict"));
    assert_eq!(table.rows.len(), CLAIMS.len());
    for (row, (metric, against, expected)) in table.rows.iter().zip(CLAIMS) {
        assert_eq!(row.cells[claim], Cell::Text(metric.into()));
        assert_eq!(row.cells[verdict], Cell::Text(expected.into()), "{metric} against {against}");
        assert!(matches!(&row.cells[unit], Cell::Text(unit) if !unit.is_empty()), "{metric}");
    }
}

/// A claim against another experiment is judged on the same quantity or not at all.
#[test]
fn the_same_key_about_something_else_is_not_judged() {
    let fixture = Fixture::full();
    let (memory, forward) = ("memorization/train/accuracy", "forward_vs_autoregressive/scene_desc/single");
    let probe =
        |modality: &str| format!("probes: [Memorization(modality: {modality:?}, given: [])], claims: [");
    let claims =
        format!("(metric: {memory:?}, against: \"alpha\"), (metric: {forward:?}, against: \"alpha\"), ");
    fixture.edit("beta", "resolved.ron", "claims: [", &format!("{}{claims}", probe("tok_rgb@196")));
    let verdict = |metric: &str| {
        let report = report::build(fixture.runs(), &Options::default()).unwrap();
        let (table, _) = report.tables.iter().find(|(t, _)| t.name == "claims").unwrap();
        let row = table.rows.iter().find(|r| table.row_name(r).contains(metric)).unwrap();
        row.cells[table.column("verdict").unwrap()].clone()
    };
    let unjudged = Cell::Text("not judged".into());
    assert_eq!(verdict(memory), unjudged, "alpha's manifest has no such probe");
    fixture.edit("alpha", "resolved.ron", "claims: [", &probe("tok_rgb@196"));
    assert_ne!(verdict(memory), unjudged);
    fixture.edit("alpha", "resolved.ron", "modality: \"tok_rgb@196\"", "modality: \"tok_audio@512\"");
    assert_eq!(verdict(memory), unjudged);
    assert_ne!(verdict(forward), unjudged);
    fixture.edit(
        "alpha",
        "record.json",
        "forward_vs_autoregressive/scene_desc",
        "forward_vs_autoregressive/title",
    );
    assert_eq!(verdict(forward), unjudged);
}
