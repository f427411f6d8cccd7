//! What the program says of who is better, and how it tells runs of one manifest apart.

use crate::support::{json, stderr, stdout, Folder};

const CLASSIFY: &str = "probes=[CrossEntropy(masks: 1), LinearProbe(inputs: [[\"tok_rgb@16\"]])]";

#[test]
fn a_run_ends_with_verdicts_against_the_strongest_baseline() {
    let folder = Folder::new();
    let printed = stdout(&folder.nano4m(&["run", "small.ron", "--set", CLASSIFY], 0));
    for part in ["strongest baseline", "verdict", "Benjamini–Hochberg over "] {
        assert!(printed.contains(part), "`{part}` is not in:\n{printed}");
    }
    assert!(!printed.contains(" gain"), "{printed}");
    let record = json(&folder.run().join("record.json"));
    let metrics = record["metrics"].as_array().unwrap();
    let find = |key: &str| metrics.iter().find(|m| m["key"] == key).unwrap_or_else(|| panic!("no {key}"));
    assert!(find("cross_entropy/tok_rgb@16/position_marginal")["p"].is_f64());
    let probe = find("linear_probe/tok_rgb@16");
    assert_eq!((probe["chance"].as_f64(), probe["p"].is_f64()), (Some(25.0), true));
    let largest = find("linear_probe/tok_rgb@16/majority_class");
    assert!(largest["value"].as_f64().unwrap() > 0.0 && largest["p"].is_f64(), "{largest}");
    // Looking at it again says the same.
    let shown = stdout(&folder.nano4m(&["show", "latest"], 0));
    assert!(shown.contains(printed.trim()), "{shown}");
}

#[test]
fn runs_of_one_manifest_are_told_apart() {
    let folder = Folder::new();
    let short = ["--set", "train.tokens=2048"];
    for seed in ["1", "2"] {
        let set = format!("seeds.init={seed}");
        folder.nano4m(&[&["run", "small.ron", "--set", &set][..], &short].concat(), 0);
    }
    let listed = stdout(&folder.nano4m(&["ls"], 0));
    for seed in [1, 2] {
        assert!(listed.contains(&format!("seeds.init={seed}")), "{listed}");
    }
    let ids: Vec<&str> = listed.lines().skip(2).map(|line| line.split_whitespace().next().unwrap()).collect();
    let compared = stdout(&folder.nano4m(&["compare", ids[0], ids[1]], 0));
    let title = compared.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    assert!(title.contains("seeds.init=1") && title.contains("seeds.init=2"), "{title}");
    assert!(compared.contains("one seed: not estimable"), "{compared}");
    assert!(!compared.contains("| a better") && !compared.contains("verdict: a better"), "{compared}");
}

#[test]
fn runs_with_nothing_in_common_are_one_sentence() {
    let folder = Folder::new();
    let short = ["--set", "train.tokens=2048"];
    folder.nano4m(&[&["run", "small.ron"][..], &short].concat(), 0);
    let other = [
        "--set",
        "name=other",
        "--set",
        "probes=[Memorization(modality: \"tok_rgb@16\", given: [], clips: 4)]",
    ];
    folder.nano4m(&[&["run", "small.ron"][..], &short, &other].concat(), 0);
    let refused = folder.nano4m(&["compare", "small", "other"], 2);
    assert_eq!(stdout(&refused), "");
    let said = stderr(&refused);
    assert!(said.contains("have no metric that both measured on the same clips"), "{said}");
    assert!(said.lines().count() <= 4, "{said}");
}
