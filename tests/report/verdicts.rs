//! What tables say of who is better: with one seed of two trained models only, against the strongest baseline, with a
//! sign, and with no interval where there are too few clips.

use crate::fake::Fake;
use crate::fixture::Fixture;
use nano4m::report::{self, comparison, table, ComparisonTables, Options, Table};
use nano4m::stats::{Bootstrap, NotEstimable};

fn quick() -> Bootstrap {
    Bootstrap { replicates: 200, ..Bootstrap::default() }
}

fn column(table: &Table, name: &str) -> Vec<String> {
    let at = table.column(name).unwrap_or_else(|| panic!("no column {name}"));
    table.rows.iter().map(|row| table::shown(&row.cells[at], &table.columns[at], row.digits)).collect()
}

fn beta(name: &str, id: &str, seed: u64, shift: f64) -> Fake {
    Fake { name: name.into(), id: id.into(), seed, shift, ..Fake::default() }
}

fn pair(fixture: &Fixture, a: &str, b: &str) -> ComparisonTables {
    comparison::pair(fixture.runs(), a, b, &quick()).unwrap()
}

/// One recipe, two seeds, and a difference that clips are sure of.
#[test]
fn one_seed_a_side_is_two_models_and_no_recipe() {
    let fixture = Fixture::of(&[beta("one", "aaaa000000", 1, 0.0), beta("one", "aaaa111111", 2, -0.3)]);
    let compared = pair(&fixture, "aaaa111111", "aaaa000000");
    let (table, header) = &compared.tables[0];
    let verdicts = column(table, "verdict");
    assert!(verdicts.contains(&"model a better".to_string()), "{verdicts:?}");
    for word in &verdicts {
        assert!(["model", "models", "not"].contains(&word.split(' ').next().unwrap()), "{word}");
    }
    assert!(column(table, "recipes")
        .iter()
        .all(|word| word == "one seed: not estimable" || word == "not estimable"));
    for text in
        [table::csv(table, header), table::terminal(table, 100), table::json(table, header).to_string()]
    {
        assert!(text.contains("model a better") && text.contains("one seed: not estimable"), "{text}");
        assert!(!text.contains(",a better") && !text.contains("\"a better\""), "{text}");
    }
}

#[test]
fn several_seeds_speak_of_the_recipes() {
    let runs: Vec<Fake> = [("one", 0.0), ("two", -0.3)]
        .iter()
        .flat_map(|(name, shift)| {
            (1..=3).map(|seed| Fake {
                dim: if *name == "two" { 128 } else { 64 },
                ..beta(name, &format!("{}aaa00000{seed}", &name[..1]).replace(['o', 't'], "c"), seed, *shift)
            })
        })
        .collect();
    let fixture = Fixture::of(&runs);
    let compared = pair(&fixture, "two", "one");
    let table = &compared.tables[0].0;
    let rgb =
        table.rows.iter().position(|row| table.row_name(row).starts_with("cross_entropy/tok_rgb")).unwrap();
    assert_eq!(column(table, "verdict")[rgb], "a better");
    assert_eq!(column(table, "recipes")[rgb], "a better");
}

fn remeasured(name: &str, id: &str, dim: usize, probes: u64, shift: f64) -> Fake {
    Fake { dim, probes_seed: Some(probes), ..beta(name, id, 1, shift) }
}

/// Trained once and measured under three seeds of the probes: one model a side, and nothing on the recipes.
#[test]
fn measuring_a_model_again_makes_no_further_seed() {
    let runs: Vec<Fake> = (1..=3)
        .flat_map(|p| {
            [
                remeasured("one", &format!("aaaa00000{p}"), 64, p, 0.0),
                remeasured("two", &format!("bbbb00000{p}"), 32, p, -0.3),
            ]
        })
        .collect();
    let fixture = Fixture::of(&runs);
    let refused = comparison::pair(fixture.runs(), "two", "one", &quick()).err().unwrap().to_string();
    assert!(
        refused.contains("`two` names 3 experiments") && refused.contains("one trained model"),
        "{refused}"
    );
    let table = &pair(&fixture, "bbbb000001", "aaaa000001").tables[0].0;
    let (verdicts, recipes) = (column(table, "verdict"), column(table, "recipes"));
    assert!(verdicts.contains(&"model a better".to_string()), "{verdicts:?}");
    assert!(recipes.iter().all(|word| word == "one seed: not estimable"), "{recipes:?}");
    let page = front(&fixture);
    assert!(column(&page, "seed").iter().all(|seed| !seed.contains("mean")), "{:?}", column(&page, "seed"));
}

/// The same seeds once more, by a manifest that says something else about itself.
#[test]
fn a_run_made_twice_is_one_seed() {
    let again = ["aaaa000000", "aaaa111111"].map(|id| beta("one", id, 1, 0.0));
    let page = front(&Fixture::of(&again));
    let measured: Vec<String> =
        column(&page, "seed").into_iter().filter(|seed| !seed.is_empty() && seed != "–").collect();
    assert!(!measured.is_empty() && measured.iter().all(|seed| seed == "1"), "{measured:?}");
    // Three seeds, of which one was measured again, are three.
    let mut runs: Vec<Fake> = (1..=3).map(|s| beta("one", &format!("aaaa00000{s}"), s, 0.0)).collect();
    runs.push(remeasured("one", "aaaa000009", 64, 9, 0.0));
    let page = front(&Fixture::of(&runs));
    let seeds = column(&page, "seed");
    assert!(seeds.contains(&"mean of 3".to_string()) && seeds.contains(&"1/1/1/9".to_string()), "{seeds:?}");
}

const CLAIM: &str = "(metric: \"cross_entropy/tok_rgb@196\", against: \"uniform\")";
const AGAINST_TWO: &str = "(metric: \"cross_entropy/tok_rgb@196\", against: \"two\")";

fn claims(fixture: &Fixture) -> Table {
    let report = report::build(fixture.runs(), &Options { plan: quick(), ..Options::default() }).unwrap();
    report.tables.into_iter().map(|(table, _)| table).find(|table| table.name == "claims").unwrap()
}

/// An earlier run of the same manifest claimed nothing.
#[test]
fn a_claim_is_judged_whatever_other_seeds_claimed() {
    let of = |seed| {
        let without = beta("one", "aaaa000000", 1, 0.0);
        Fixture::of(&[without, Fake { claims: CLAIM, ..beta("one", "aaaa111111", seed, 0.0) }])
    };
    for seed in [1, 2] {
        let table = claims(&of(seed));
        assert_eq!(column(&table, "verdict"), ["supported"], "{seed}");
        assert_eq!(column(&table, "seed"), [seed.to_string()]);
    }
}

#[test]
fn a_claim_against_a_name_of_several_experiments_takes_none_of_them() {
    let one = || Fake { claims: AGAINST_TWO, ..beta("one", "aaaa000000", 1, 0.0) };
    let two = |id: &str, dim, shift| Fake { dim, ..beta("two", id, 1, shift) };
    let clear = claims(&Fixture::of(&[one(), two("bbbb000000", 64, 0.4)]));
    assert_eq!(column(&clear, "verdict"), ["supported by the two models"]);
    let unclear = claims(&Fixture::of(&[one(), two("bbbb000000", 64, 0.4), two("bbbb111111", 32, -0.4)]));
    assert_eq!(column(&unclear, "verdict"), ["not judged"]);
    assert!(unclear.notes.iter().any(|note| note.contains("`two` names several experiments")));
}

/// Cells, claims, effects, pairs and plots of an ablation with one seed.
#[test]
fn an_ablation_of_one_seed_ranks_no_cell() {
    let metrics = ["cross_entropy/tok_rgb@196", "retrieval/tok_rgb@196->tok_audio@512/mrr"];
    let fixture = Fixture::two_cells(&metrics);
    let record = comparison::find(fixture.runs(), "two").unwrap();
    let compared = comparison::ablation(fixture.runs(), &record, &quick()).unwrap();
    let [cells, claims, effects, pairs] = [0, 1, 2, 3].map(|i| &compared.tables[i].0);
    assert!(column(cells, "rank").iter().all(|rank| rank == "–"));
    assert!(cells.rows.iter().all(|row| row.bold.is_empty()));
    for table in [cells, claims, effects, pairs] {
        for (verdict, recipes) in column(table, "verdict").iter().zip(column(table, "recipes")) {
            let models = verdict.contains("model") || verdict == "reference" || verdict == "not estimable";
            assert!(models, "{}: {verdict}", table.name);
            let expected = if verdict == "reference" { "reference" } else { "one seed: not estimable" };
            assert_eq!(recipes, expected, "{}", table.name);
        }
    }
    let plots: Vec<&str> = compared
        .plots
        .iter()
        .filter(|p| p.name.contains("cross_entropy"))
        .map(|p| p.caption.as_str())
        .collect();
    assert!(plots[0].contains("One seed: no cell is called better"), "{plots:?}");
}

fn front(fixture: &Fixture) -> Table {
    let options = Options { plan: quick(), ..Options::default() };
    report::build(fixture.runs(), &options).unwrap().tables.remove(0).0
}

/// The value of a column in the line of a quantity.
fn said(front: &Table, quantity: &str, name: &str) -> String {
    let at = column(front, "quantity").iter().position(|q| q == quantity).unwrap();
    column(front, name)[at].clone()
}

#[test]
fn the_front_page_has_a_word_against_the_strongest_baseline() {
    let of = |shift: f64| front(&Fixture::of(&[beta("one", "aaaa000000", 1, shift)]));
    let quantity = "cross-entropy, rgb";
    // 1024 ids: uniform is 6.93 nats, the unigram of the fixture about 7.15.
    for (shift, word) in [(0.0, "better"), (2.0, "worse"), (0.8, "not distinguishable")] {
        let page = of(shift);
        assert_eq!(said(&page, quantity, "against"), "uniform");
        let (p, verdict) = (said(&page, quantity, "p_adjusted"), said(&page, quantity, "verdict"));
        assert_eq!((verdict.as_str(), p == "<0.001"), (word, word != "not distinguishable"), "{shift}");
    }
    let page = of(2.0);
    let unmeasured = column(&page, "experiment").iter().position(|e| e == "not measured").unwrap();
    assert_eq!(column(&page, "verdict")[unmeasured], "–");
}

/// Every table of a probe says how the model stands to the strongest of its baselines, and to each other row.
#[test]
fn each_table_of_a_probe_has_its_verdicts() {
    let fixture = Fixture::full();
    let report = report::build(fixture.runs(), &Options { plan: quick(), ..Options::default() }).unwrap();
    for (table, _) in &report.tables {
        if ["claims", "per_class"].contains(&table.name.as_ref()) {
            continue;
        }
        let names: Vec<&str> =
            table.columns.iter().map(|c| c.name).filter(|name| name.starts_with("verdict")).collect();
        assert!(!names.is_empty(), "{}", table.name);
        for name in names {
            let words = column(table, name);
            let known = |word: &String| {
                ["better", "worse", "larger", "smaller", "not distinguishable", "not estimable"]
                    .iter()
                    .any(|known| word.contains(known))
            };
            assert!(words.iter().any(known), "{}: {words:?}", table.name);
            assert!(words.iter().all(|word| word == "–" || known(word)), "{}: {words:?}", table.name);
        }
    }
}

#[test]
fn two_clips_have_no_bootstrap_interval() {
    let two = |name: &str, id: &str, shift| Fake { clips: 2, ..beta(name, id, 1, shift) };
    let fixture = Fixture::of(&[two("few", "aaaa000000", 0.0), two("more", "bbbb000000", 0.1)]);
    let options = Options { plan: quick(), ..Options::default() };
    let report = report::build(fixture.runs(), &options).unwrap();
    for (table, header) in &report.tables {
        let shares = ["classification", "per_class", "retrieval", "linear_probe"];
        for row in &table.rows {
            for (cell, heading) in row.cells.iter().zip(&table.columns) {
                let table::Cell::Estimate(e) = cell else { continue };
                let exact = shares.contains(&table.name.as_ref()) || table.name == "eval_results";
                let why = e.interval.err();
                // Shares of clips are exact at any number; published numbers bring their own.
                assert!(exact || why == Some(NotEstimable::TooFew), "{} {}: {e:?}", table.name, heading.name);
            }
        }
        if table.name == "cross_entropy" {
            assert!(table::csv(table, header).contains("interval: fewer than 20 clips"));
            assert!(table::markdown(table, header).contains("(fewer than 20 clips)"));
        }
    }
    let page = &report.tables[0].0;
    assert!(said(page, "cross-entropy, rgb", "value").ends_with("(fewer than 20 clips)"));
    let compared = pair(&fixture, "few", "more");
    let values = column(&compared.tables[0].0, "value_a");
    assert!(values[0].ends_with("(fewer than 20 clips)"), "{values:?}");
}

/// 18 % of the clips are of one class, on which training was heaviest: 15 % are above chance and say nothing.
#[test]
fn the_largest_class_is_what_a_classifier_is_held_against() {
    use nano4m::digest::sha256_hex;
    use nano4m::metrics::classification::ClassificationRow;
    use nano4m::metrics::rows::to_csv;
    use nano4m::metrics::ScoreRow;
    let fixture = Fixture::of(&[Fake { clips: 200, ..beta("one", "aaaa000000", 1, 0.0) }]);
    let row = |i: usize, source: &str, rank: u32| ClassificationRow {
        clip: format!("as_{i:03}_000000"),
        inputs: "tok_audio@512".into(),
        method: "caption_likelihood".into(),
        source: source.into(),
        true_class: if i % 100 < 18 { "dog" } else { "cat" }.into(),
        predicted_class: "dog".into(),
        true_rank: Some(rank),
        true_logp: None,
        classes: 11,
    };
    let largest = (0..200).map(|i| row(i, "majority_class", u32::from(i % 100 >= 18)));
    // 15 %, on other clips.
    let rows: Vec<ClassificationRow> =
        largest.chain((0..200).map(|i| row(i, "model", u32::from(i % 100 < 85)))).collect();
    let bytes = to_csv(&rows).unwrap();
    let path = fixture.run("one").join(ClassificationRow::FILE);
    let before = sha256_hex(&std::fs::read(&path).unwrap());
    fixture.edit("one", "record.json", &before, &sha256_hex(&bytes));
    std::fs::write(&path, bytes).unwrap();
    let page = front(&fixture);
    let quantity = "audio → class, top-1, caption_likelihood";
    assert_eq!(said(&page, quantity, "against"), "majority_class");
    assert_eq!(said(&page, quantity, "verdict"), "not distinguishable");
    assert_eq!(
        (
            said(&page, quantity, "value").as_str().starts_with("15.00"),
            said(&page, quantity, "against_value")
        ),
        (true, "18.00".into())
    );
}
