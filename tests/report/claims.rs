//! What `check` accepts is judged: a claim on every probe, read from the scores that the probe leaves.

use crate::fake::Fake;
use crate::fixture::Fixture;
use nano4m::data::Part;
use nano4m::manifest::check::{check, on_data};
use nano4m::manifest::schema::{Claim, Experiment};
use nano4m::manifest::{self, measured};
use nano4m::metrics::catalogue::{self, CHANCE, PROBES};
use nano4m::report::table::{Cell, Row};
use nano4m::report::{self, Options};
use nano4m::{Ended, Session, Settings, Silent};
use std::collections::BTreeSet;

/// Claims of beta, each with whether its scores support it.
const CLAIMS: [(&str, &str, &str); 16] = [
    ("cross_entropy/tok_rgb@196", "unigram_marginal", "supported"),
    ("cross_entropy/tok_rgb@196/gain", "alpha", "not supported by the two models"),
    ("classification/tok_audio@512/logit_rank_as_trained/top1", "chance", "supported"),
    (
        "classification/tok_audio@512/logit_rank_as_trained/true_logp",
        "alpha",
        "not supported by the two models",
    ),
    // Only captions of byte pairs have it, and synthetic ones begin all alike.
    ("classification/tok_audio@512/logit_rank_leading_space/top3", "chance", "not supported"),
    ("retrieval/tok_rgb@196->tok_audio@512/r5", "chance", "supported"),
    ("retrieval/tok_rgb@196->tok_audio@512/mrr", "alpha", "not supported by the two models"),
    ("directions/tok_audio@512->tok_rgb@196", "unigram_marginal", "supported"),
    ("directions/tok_audio@512->tok_rgb@196/cross_entropy", "unigram_marginal", "supported"),
    ("directions/tok_audio@512->tok_rgb@196", "uniform", "supported"),
    ("linear_probe/tok_rgb@196+tok_audio@512", "random_weights", "supported"),
    ("memorization/train/accuracy", "alpha", "not supported by the two models"),
    ("memorization/test/cross_entropy", "alpha", "not supported by the two models"),
    ("forward_vs_autoregressive/scene_desc/single", "autoregressive", "not supported"),
    ("generation/tok_audio@512->tok_rgb@196/entropy", "alpha", "not supported by the two models"),
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
    let run = |name: &str, id: &str, seed| Fake { name: name.into(), id: id.into(), seed, ..Fake::default() };
    let fixture = Fixture::of(&[run("alpha", "aaaa000000", 1), run("beta", "bbbb000000", 7)]);
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

/// Every probe, each in the forms that differ in what is measured.
const EVERY_PROBE: &str = r#"Experiment(
    schema: 1,
    name: "one",
    data: (synthetic: (classes: 4, clips: (24, 8, 12))),
    modalities: [
        (name: "a@8", length: 8, vocab: 16, codebooks: 2),
        (name: "b@6", length: 6, vocab: 12),
        (name: "c", length: 4, vocab: 9, text: Words),
    ],
    masking: (input_tokens: (2, 8), target_tokens: (2, 8)),
    model: (dim: 16, enc_depth: 1, dec_depth: 1, head_dim: 8),
    train: (batch: 8, tokens: 1024, tokens_per_sample: 16, warmup_tokens: 128, lr: 3e-3, eval_every: 0),
    probes: [
        CrossEntropy(masks: 1, directions: [(inputs: ["c"], targets: ["a@8", "b@6"])]),
        Classify(inputs: [["a@8"], ["b@6", "a@8"]]),
        Retrieval(pairs: [("a@8", "b@6"), ("b@6", "a@8")]),
        Retrieval(pairs: [("a@8", "b@6")], gallery: 8),
        Memorization(modality: "a@8", given: ["b@6"], clips: 8),
        Directions([(inputs: ["c"], targets: ["a@8", "b@6"]), (inputs: ["b@6"], targets: ["a@8"])]),
        ForwardVsAutoregressive(input: "a@8", target: "c", clips: 6),
        Generation(inputs: ["b@6"], target: "a@8", clips: 6, decode: (steps: 2)),
        Generation(inputs: ["a@8"], target: "b@6", clips: 6, prefix: 0.5, decode: (steps: 2)),
        LinearProbe(inputs: [["a@8"], ["a@8", "b@6"]]),
    ],
)
"#;

/// What a claim may be against: every word of the catalogue, luck, and another experiment.
fn against() -> BTreeSet<String> {
    let mut words = BTreeSet::from([CHANCE.to_string(), "two".to_string()]);
    for probe in PROBES {
        words.extend(probe.sources.iter().map(ToString::to_string));
        words.extend((probe.quantities)().iter().map(|quantity| quantity.name.to_string()));
    }
    words
}

/// What is wrong with a claim, before and after the data are open.
fn refused(session: &Session, claim: &Claim) -> bool {
    let mut experiment = session.experiment.clone();
    experiment.claims = vec![claim.clone()];
    let (clips, classes) = (session.data.split(Part::Test).len(), session.data.classes().len());
    let found = check(&experiment).into_iter().chain(on_data(&experiment, clips, classes));
    // "taken for another experiment" is told, and is not one of the baselines.
    found.into_iter().any(|finding| finding.path.starts_with("claims"))
        || (claim.against != "two" && !is_baseline(&experiment, claim))
}

/// A word that no baseline is has to be the name of an experiment, and here is none of that name.
fn is_baseline(experiment: &Experiment, claim: &Claim) -> bool {
    let key = catalogue::parse(&claim.metric).unwrap();
    claim.against == CHANCE
        || key.spec.beside == Some(claim.against.as_str())
        || measured::sources(experiment, &key).contains(&claim.against.as_str())
}

#[test]
fn what_check_accepts_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let settings =
        Settings::new(runs.clone(), folder.path().join("cache"), || "2026-01-01T00:00:00Z".to_string());
    let open = |text: &str| {
        let path = folder.path().join("one.ron");
        std::fs::write(&path, text).unwrap();
        let session = Session::open(&path, &settings).unwrap();
        let Ended::Finished(record) = nano4m::run(&session, &settings, &mut Silent).unwrap() else {
            panic!()
        };
        (session, record)
    };
    let (session, record) = open(EVERY_PROBE);
    open(&EVERY_PROBE.replace("name: \"one\"", "name: \"two\"").replace("lr: 3e-3", "lr: 1e-3"));

    let keys = measured::all(&session.experiment);
    let missing: Vec<String> =
        keys.iter().map(ToString::to_string).filter(|key| record.metric(key).is_none()).collect();
    assert!(missing.is_empty(), "not in the record: {missing:?}");
    let measurable: BTreeSet<&str> = keys.iter().map(|key| key.probe).collect();
    assert_eq!(measurable.len(), PROBES.len());

    let mut experiment = session.experiment.clone();
    for key in &keys {
        let claims =
            against().into_iter().map(|against| Claim { metric: key.to_string(), against, margin: 0.0 });
        let accepted: Vec<Claim> = claims.filter(|claim| !refused(&session, claim)).collect();
        assert_eq!(accepted.iter().any(|claim| claim.against == "two"), key.spec.by_clip, "{key}");
        experiment.claims.extend(accepted);
    }
    let run = std::fs::read_dir(&runs).unwrap().flatten().map(|entry| entry.path());
    let run = run.into_iter().find(|path| path.to_string_lossy().contains("one-")).unwrap();
    std::fs::write(run.join("resolved.ron"), manifest::resolved(&experiment)).unwrap();
    // Else it is no longer what was sealed.
    std::fs::remove_file(run.join("SHA256SUMS")).unwrap();
    let report = report::build(&runs, &Options::default()).unwrap();
    let (table, _) = report.tables.iter().find(|(t, _)| t.name == "claims").unwrap();
    let verdict = table.column("verdict").unwrap();
    assert_eq!(table.rows.len(), experiment.claims.len());
    assert!(experiment.claims.len() > 150, "{}", experiment.claims.len());
    let words =
        ["supported", "not supported", "supported by the two models", "not supported by the two models"];
    let words = words.map(|word| Cell::Text(word.into()));
    let judged = |row: &&Row| words.contains(&row.cells[verdict]);
    let lost: Vec<&Claim> = table
        .rows
        .iter()
        .zip(&experiment.claims)
        .filter(|(row, _)| !judged(row))
        .map(|(_, claim)| claim)
        .collect();
    assert!(lost.is_empty(), "accepted and not judged: {lost:#?}");
}
