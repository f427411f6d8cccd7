//! No line of a table is wider than 100 columns, which is what the program takes a pipe for.

use crate::support::{stdout, Folder};

const WIDTH: usize = 100;

#[track_caller]
fn fits(text: &str, what: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{what}: {} columns: {line}\n{text}", line.chars().count());
    }
}

const PROBES: &str =
    "probes=[CrossEntropy(masks: 1, directions: [(inputs: [\"tok_rgb@16\"], targets: [\"tok_audio@16\"])]), \
    Retrieval(pairs: [(\"tok_rgb@16\", \"tok_audio@16\")]), \
    Directions([(inputs: [\"tok_rgb@16\"], targets: [\"tok_audio@16\"])]), \
    Memorization(modality: \"tok_rgb@16\", given: [], clips: 8), \
    LinearProbe(inputs: [[\"tok_rgb@16\"]])]";

#[test]
fn every_table_fits_a_hundred_columns() {
    let folder = Folder::new();
    let set = ["--set", "train.tokens=2048", "--set", PROBES];
    let mut runs = Vec::new();
    for lr in ["train.lr=1e-3", "train.lr=2e-3"] {
        let run = folder.nano4m(&[&["run", "small.ron", "--set", lr][..], &set].concat(), 0);
        fits(&stdout(&run), "run");
        runs.push(stdout(&run));
    }
    let listed: serde_json::Value =
        serde_json::from_str(&stdout(&folder.nano4m(&["ls", "--json"], 0))).unwrap();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap()).collect();
    for args in [
        &["ls"][..],
        &["ls", "--columns", "id,name,state,step,total,started,train.lr,seeds.init,cross_entropy/tok_rgb@16"],
        &["show", ids[0]],
        &["compare", ids[0], ids[1], "--speed"],
        &["verify", ids[0]],
        &["doctor"],
        &["data", "inspect", "small.ron"],
        &["report"],
    ] {
        fits(&stdout(&folder.nano4m(args, 0)), &args.join(" "));
    }
    fits(&stdout(&folder.nano4m(&["verify", ids[0], ids[1]], 1)), "verify of two");
}

#[test]
fn an_ablation_fits_a_hundred_columns() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("ablations")).unwrap();
    folder.write(
        "ablations/wide.ron",
        "Ablation(schema: 1, name: \"wide\", base: \"../small.ron\", axes: [(name: \"lr\", path: \"train.lr\", \
         values: [1e-3, 2e-3])], seeds: [1, 2], metrics: [\"cross_entropy/tok_rgb@16\"], \
         claims: [(metric: \"cross_entropy/tok_rgb@16\", a: \"2e-3\", b: \"1e-3\")])",
    );
    fits(&stdout(&folder.nano4m(&["ablate", "wide", "--plan"], 0)), "plan");
    fits(&stdout(&folder.nano4m(&["ablate", "wide"], 0)), "ablate");
    fits(&stdout(&folder.nano4m(&["compare", "--ablation", "wide"], 0)), "compare");
    let record = crate::support::json(&folder.path("runs/ablations/wide.json"));
    for run in record["cells"][0]["runs"].as_array().unwrap() {
        let path = folder.path("runs").join(run["directory"].as_str().unwrap());
        let seeds = crate::support::json(&path.join("record.json"))["seeds"].clone();
        assert_eq!((&seeds["probes"], &seeds["init"]), (&42.into(), &run["seed"]), "the base's probes");
    }
}
