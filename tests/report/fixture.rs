//! Run directories made by hand: `alpha` with seeds 1, 2, 3 and `beta` with seed 7; or the cells of an
//! ablation.

use crate::fake::Fake;
use nano4m::digest::sha256_hex;
use nano4m::metrics::rows::to_csv;
use nano4m::metrics::ScoreRow;
use nano4m::record::ablation::{Axis, Cell, CellClaim, CellRun};
use nano4m::record::{AblationRecord, FileDigest, Record};
use std::path::{Path, PathBuf};

pub struct Fixture {
    root: tempfile::TempDir,
    runs: PathBuf,
}

impl Fixture {
    pub fn full() -> Fixture {
        let fixture = Fixture::empty();
        for (i, id) in ["aaaa000000", "aaaa111111", "aaaa222222"].into_iter().enumerate() {
            fixture.write(&Fake {
                name: "alpha".into(),
                id: id.into(),
                seed: i as u64 + 1,
                ..Fake::default()
            });
        }
        fixture.write(&Fake { name: "beta".into(), id: "bbbb000000".into(), seed: 7, ..Fake::default() });
        fixture
    }

    pub fn only_cross_entropy() -> Fixture {
        let fixture = Fixture::empty();
        fixture.write(&Fake {
            name: "one".into(),
            id: "cccc000000".into(),
            clips: 1,
            all: false,
            ..Fake::default()
        });
        fixture
    }

    /// These runs.
    pub fn of(fakes: &[Fake]) -> Fixture {
        let fixture = Fixture::empty();
        for fake in fakes {
            fixture.write(fake);
        }
        fixture
    }

    /// One run with every probe on few clips, whose record does not name its files: they may be changed.
    pub fn tiny() -> Fixture {
        let fixture = Fixture::empty();
        let fake = Fake { name: "tiny".into(), id: "dddd000000".into(), clips: 6, ..Fake::default() };
        let record = Record { files: vec![], ..fixture.write(&fake) };
        std::fs::write(fixture.run("tiny").join("record.json"), record.to_json().unwrap()).unwrap();
        fixture
    }

    /// What a tiny run may be compared with.
    pub fn write_twin_of_tiny(&self) {
        self.write(&Fake {
            name: "twin".into(),
            id: "eeee000000".into(),
            seed: 2,
            clips: 6,
            ..Fake::default()
        });
    }

    /// A run whose equal but for its name is there: seed and data make the scores.
    pub fn write_twin_of_beta(&self) {
        self.write(&Fake { name: "gamma".into(), id: "cccc000000".into(), seed: 7, ..Fake::default() });
    }

    pub fn replace_beta_with_other_data(&self) {
        std::fs::remove_dir_all(self.run("beta")).unwrap();
        self.write(&Fake {
            name: "beta".into(),
            id: "bbbb111111".into(),
            seed: 7,
            data: "d2",
            ..Fake::default()
        });
    }

    /// Two axes, three seeds: `span` is better than `random` for sure, `big` costs more and is
    /// indistinguishable from `small`. The record is written last, as `ablate` does.
    pub fn ablation() -> Fixture {
        let fixture = Fixture::empty();
        let mut cells = Vec::new();
        for (i, (masking, size)) in
            [("random", "small"), ("span", "small"), ("random", "big"), ("span", "big")]
                .into_iter()
                .enumerate()
        {
            let mut runs = Vec::new();
            for seed in [1, 2, 3] {
                let fake = Fake {
                    name: format!("grid.{masking}-{size}"),
                    id: format!("a{i}b{seed}000000"),
                    seed,
                    salt: i as u64 + 1,
                    shift: if masking == "span" { -0.2 } else { 0.0 },
                    masking: if masking == "span" { "Span(stride: 2)" } else { "Random" },
                    dim: if size == "big" { 128 } else { 64 },
                    all: false,
                    ..Fake::default()
                };
                let record = fixture.write(&fake);
                let directory = format!("{}-{}", fake.name, fake.id);
                runs.push(CellRun { seed, directory, identity: record.identity });
            }
            let values = [("masking", masking), ("size", size)];
            let values = values.map(|(a, v)| (a.to_string(), v.to_string())).into_iter().collect();
            cells.push(Cell { label: format!("{masking}, {size}"), values, runs });
        }
        fixture.write_ablation(cells);
        fixture
    }

    /// Two cells of one seed with every probe, `alpha` and `beta`, asked about these metrics; both begin with the
    /// claim that beta's is better than alpha's.
    pub fn two_cells(metrics: &[&str]) -> Fixture {
        let fixture = Fixture::full();
        let run = |name: &str| {
            let path = fixture.run(name);
            let identity = Record::read(&path.join("record.json")).unwrap().identity;
            CellRun { seed: 1, directory: path.file_name().unwrap().to_str().unwrap().into(), identity }
        };
        let cell = |name: &str| Cell {
            label: name.into(),
            values: [("model".to_string(), name.to_string())].into(),
            runs: vec![run(name)],
        };
        let claim = |metric: &&str| CellClaim {
            metric: metric.to_string(),
            a: "beta".into(),
            b: "alpha".into(),
            margin: 0.0,
        };
        let record = AblationRecord {
            schema: nano4m::record::ablation::SCHEMA,
            name: "two".into(),
            about: String::new(),
            reference: "alpha".into(),
            metrics: metrics.iter().map(|key| key.to_string()).collect(),
            claims: metrics.iter().map(claim).collect(),
            axes: vec![Axis { name: "model".into(), labels: vec!["alpha".into(), "beta".into()] }],
            cells: vec![cell("alpha"), cell("beta")],
        };
        record.write(&fixture.runs).unwrap();
        fixture
    }

    /// Replaces part of a file of the run with that name.
    pub fn edit(&self, run: &str, file: &str, from: &str, to: &str) {
        let path = self.run(run).join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {file}");
        let text = text.replace(from, to);
        let bytes = match file {
            // As a program would have written it that says so.
            "record.json" => serde_json::from_str::<Record>(&text).unwrap().to_json().unwrap(),
            _ => text.into_bytes(),
        };
        std::fs::write(&path, bytes).unwrap();
    }

    fn write_ablation(&self, cells: Vec<Cell>) {
        let axis = |name: &str, labels: [&str; 2]| Axis {
            name: name.into(),
            labels: labels.map(Into::into).to_vec(),
        };
        let claim = |metric: &str, a: &str, b: &str, margin| CellClaim {
            metric: metric.into(),
            a: a.into(),
            b: b.into(),
            margin,
        };
        let record = AblationRecord {
            schema: nano4m::record::ablation::SCHEMA,
            name: "grid".into(),
            about: "Do spans help, and does size?".into(),
            reference: "random, small".into(),
            metrics: vec![
                "cross_entropy/tok_rgb@196".into(),
                "classification/tok_audio@512/logit_rank_as_trained".into(),
                "retrieval/tok_depth@196->tok_rgb@196/r5".into(),
            ],
            claims: vec![
                claim("cross_entropy/tok_rgb@196", "span, small", "random, small", 0.05),
                claim("cross_entropy/tok_rgb@196", "random, big", "random, small", 0.0),
                claim("retrieval/tok_depth@196->tok_rgb@196/r5", "span, small", "random, small", 0.0),
            ],
            axes: vec![axis("masking", ["random", "span"]), axis("size", ["small", "big"])],
            cells,
        };
        record.write(&self.runs).unwrap();
    }

    fn empty() -> Fixture {
        let root = tempfile::tempdir().unwrap();
        let runs = root.path().join("runs");
        Fixture { root, runs }
    }

    pub fn runs(&self) -> &Path {
        &self.runs
    }

    pub fn reports(&self) -> PathBuf {
        self.root.path().join("reports")
    }

    /// The directory of the run with that name.
    pub fn run(&self, name: &str) -> PathBuf {
        let entries = std::fs::read_dir(&self.runs).unwrap().flatten();
        let of = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}-"));
        entries.map(|e| e.path()).filter(of).min().unwrap()
    }

    /// Every file of the report with its bytes, sorted.
    pub fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        let mut folders = vec![self.reports()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        let name = path.strip_prefix(self.reports()).unwrap().to_str().unwrap().to_string();
                        all.push((name, std::fs::read(path).unwrap()));
                    }
                }
            }
        }
        all.sort();
        all
    }

    fn write(&self, fake: &Fake) -> Record {
        let dir = self.runs.join(format!("{}-{}", fake.name, fake.id));
        std::fs::create_dir_all(dir.join("probes")).unwrap();
        let mut files = Vec::new();
        put(&dir, &fake.cross_entropy(), &mut files);
        if fake.all || fake.salt > 0 {
            put(&dir, &fake.classification(), &mut files);
        }
        if fake.all {
            put(&dir, &fake.retrieval(), &mut files);
            put(&dir, &fake.directions(), &mut files);
            put(&dir, &fake.memorization(), &mut files);
            put(&dir, &fake.forward(), &mut files);
            put(&dir, &fake.generation(), &mut files);
            put(&dir, &fake.linear_probe(), &mut files);
        }
        std::fs::write(dir.join("metrics.csv"), fake.metrics()).unwrap();
        std::fs::write(dir.join("resolved.ron"), fake.manifest()).unwrap();
        let record = fake.record(files);
        std::fs::write(dir.join("record.json"), record.to_json().unwrap()).unwrap();
        record
    }
}

fn put<E: ScoreRow>(dir: &Path, rows: &[E], files: &mut Vec<FileDigest>) {
    let bytes = to_csv(rows).unwrap();
    files.push(FileDigest { path: E::FILE.into(), sha256: sha256_hex(&bytes) });
    std::fs::write(dir.join(E::FILE), bytes).unwrap();
}
