//! The loop with the toy network: resume, damage, anomalies, limits.

use super::*;
use crate::data::Dataset;
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::model::network::{Network, Training};
use crate::observer::{Observer, Stop};
use crate::store::{RunDir, RunId, State};
use std::collections::BTreeMap;

/// Stops after the given steps; its clock stands still, so that rates stay empty.
#[derive(Default)]
struct Watch {
    stops: Vec<u64>,
    started: Vec<u64>,
    saved: Vec<u64>,
    notes: Vec<String>,
}

impl Observer for Watch {
    fn started(&mut self, step: u64, _total: u64) {
        self.started.push(step);
    }
    fn saved(&mut self, step: u64) {
        self.saved.push(step);
    }
    fn note(&mut self, message: &str) {
        self.notes.push(message.into());
    }
    fn stop(&mut self, step: u64) -> Option<Stop> {
        self.stops.contains(&step).then_some(Stop::Asked)
    }
    fn seconds(&self) -> f64 {
        0.0
    }
}

struct Bench {
    experiment: Experiment,
    data: Dataset,
    run: RunDir,
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("toy", "0123456789", 1)).unwrap();
        Bench { experiment: toy::experiment(), data: toy::dataset(), run, root }
    }

    /// A new process: a fresh network, the lock taken anew.
    fn go(&self, watch: &mut Watch) -> Result<Ended> {
        self.go_with(&mut toy::Toy::new(&self.experiment), watch)
    }

    fn go_with(&self, net: &mut dyn Network, watch: &mut Watch) -> Result<Ended> {
        let lock = self.run.lock()?;
        let job = Job { experiment: &self.experiment, data: &self.data, run: &self.run, lock: &lock };
        train(&job, net, watch)
    }

    /// Every file of the run and its bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in ["", "checkpoints"] {
            for entry in std::fs::read_dir(self.run.path.join(folder)).unwrap().flatten() {
                if entry.path().is_file() {
                    let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                    files.insert(name, std::fs::read(entry.path()).unwrap());
                }
            }
        }
        files
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.run.file(name)).unwrap()
    }
}

/// As [`Bench::new`], two clips at a time: 2 + 2 + 1 of a batch.
fn in_parts() -> Bench {
    let mut bench = Bench::new();
    bench.experiment.train.micro_batch = Some(2);
    bench
}

fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let bench = Bench::new();
    assert!(matches!(bench.go(&mut Watch::default()), Ok(Ended::Finished { .. })));
    bench.files()
}

/// Files of a run that was stopped may keep another older checkpoint; the rest is equal.
fn without_old_checkpoints(mut files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    files.retain(|name, _| !name.contains("/step-") || name.contains("/step-00000020"));
    files
}

#[test]
fn a_whole_run_leaves_its_tables_and_the_last_two_checkpoints() {
    let bench = Bench::new();
    let mut watch = Watch::default();
    bench.go(&mut watch).unwrap();
    assert_eq!((bench.experiment.train.steps(), watch.started), (20, vec![0]));
    assert_eq!(watch.saved, [6, 12, 18, 20]);
    assert_eq!(bench.run.checkpoints(), [18, 20]);
    let metrics = bench.text("metrics.csv");
    assert_eq!(metrics.lines().count(), 21);
    assert!(metrics.starts_with(
        "step,schedule_tokens,tokens,lr,loss,grad_norm,ce_a@8,ce_b@4,n_a@8,n_b@4,tokens_per_s\n1,20,"
    ));
    let loss = |line: &str| line.split(',').nth(4).unwrap().parse::<f64>().unwrap();
    let losses: Vec<f64> = metrics.lines().skip(1).map(loss).collect();
    assert!(losses[19] < 0.8 * losses[0], "it learns: {losses:?}");
    let steps = |name: &str| -> Vec<u64> {
        let mut steps: Vec<u64> =
            bench.text(name).lines().skip(1).map(|l| l.split(',').next().unwrap().parse().unwrap()).collect();
        steps.dedup();
        steps
    };
    assert_eq!(steps("eval.csv"), [4, 8, 12, 16, 20]);
    assert_eq!(steps("digests.csv"), [3, 6, 9, 12, 15, 18, 20]);
}

#[test]
fn stopped_and_resumed_gives_the_same_bytes() {
    let expected = without_old_checkpoints(undisturbed());
    for stops in [vec![1], vec![7], vec![6], vec![3, 4, 13], vec![19]] {
        let bench = Bench::new();
        for &stop in &stops {
            let ended = bench.go(&mut Watch { stops: vec![stop], ..Watch::default() }).unwrap();
            assert_eq!(ended, Ended::Stopped { step: stop, why: Stop::Asked });
        }
        let mut watch = Watch::default();
        assert!(matches!(bench.go(&mut watch), Ok(Ended::Finished { .. })));
        assert_eq!(watch.started, stops[stops.len() - 1..]);
        assert_eq!(without_old_checkpoints(bench.files()), expected, "stops at {stops:?}");
    }
}

/// A killed process leaves rows beyond its last checkpoint; they are written again.
#[test]
fn killed_between_checkpoints_gives_the_same_bytes() {
    let bench = Bench::new();
    bench.go(&mut Watch { stops: vec![11], ..Watch::default() }).unwrap();
    bench.run.remove_checkpoint(11).unwrap();
    let mut watch = Watch::default();
    bench.go(&mut watch).unwrap();
    assert_eq!(watch.started, [6]);
    assert_eq!(without_old_checkpoints(bench.files()), without_old_checkpoints(undisturbed()));
}

#[test]
fn a_damaged_checkpoint_is_set_aside_and_the_previous_one_used() {
    type Damage = fn(&RunDir);
    let damages: [Damage; 3] = [
        |run| truncate(&run.checkpoint(12)),
        |run| truncate(&run.optimizer(12)),
        |run| {
            let mut bytes = std::fs::read(run.checkpoint(12)).unwrap();
            let tensor = safetensors::SafeTensors::deserialize(&bytes).unwrap().tensor("logits.0").unwrap();
            let at = tensor.data().as_ptr() as usize - bytes.as_ptr() as usize;
            bytes[at] ^= 1;
            std::fs::write(run.checkpoint(12), bytes).unwrap();
        },
    ];
    for damage in damages {
        let bench = Bench::new();
        bench.go(&mut Watch { stops: vec![12], ..Watch::default() }).unwrap();
        damage(&bench.run);
        let mut watch = Watch::default();
        bench.go(&mut watch).unwrap();
        assert_eq!(watch.started, [6]);
        assert!(watch.notes[0].contains("step 12 is damaged"), "{:?}", watch.notes);
        let mut files = bench.files();
        assert!(files.contains_key("checkpoints/step-00000012.safetensors.damaged"));
        files.retain(|name, _| !name.ends_with(".damaged"));
        assert_eq!(without_old_checkpoints(files), without_old_checkpoints(undisturbed()));
    }
}

#[test]
fn no_intact_checkpoint_is_an_error_and_nothing_is_lost() {
    let bench = Bench::new();
    bench.go(&mut Watch { stops: vec![3], ..Watch::default() }).unwrap();
    truncate(&bench.run.checkpoint(3));
    let files = bench.files();
    for _ in 0..3 {
        let fault = bench.go(&mut Watch::default()).unwrap_err();
        assert!(fault.to_string().contains("no intact checkpoint is left"), "{fault}");
        assert_eq!(bench.files(), files, "it is refused each time in the same way");
    }
}

/// As a version of before left it, which set aside what it could not use.
#[test]
fn a_run_whose_checkpoints_were_all_set_aside_or_cut_in_half_does_not_start_over_in_silence() {
    for half in [false, true] {
        let bench = Bench::new();
        bench.go(&mut Watch { stops: vec![3], ..Watch::default() }).unwrap();
        if half {
            std::fs::remove_file(bench.run.optimizer(3)).unwrap();
        } else {
            let file = bench.run.checkpoint(3);
            std::fs::rename(&file, file.with_extension("safetensors.damaged")).unwrap();
            std::fs::remove_file(bench.run.optimizer(3)).unwrap();
        }
        for _ in 0..2 {
            let fault = bench.go(&mut Watch::default()).unwrap_err();
            assert!(fault.help.as_deref().unwrap().contains("`nano4m run MANIFEST --force`"), "{fault}");
        }
    }
}

/// Whatever happens to a table of a run that was stopped: the run goes on from a step whose rows are whole,
/// and ends with the same bytes.
#[test]
fn damaged_rows_are_noticed_and_made_again_by_replaying() {
    type Damage = fn(&[u8]) -> Option<Vec<u8>>;
    let damages: [(&str, Damage); 9] = [
        ("a step cell", |b| edit(b, 3, |line| line.replacen(',', "x,", 1))),
        ("a later step", |b| edit(b, 3, |line| format!("9{line}"))),
        ("a last digit", |b| edit(b, 2, flip_digit)),
        ("a row less", |b| edit(b, 3, |_| String::new())),
        ("a header", |b| edit(b, 0, |line| line.replacen('s', "S", 1))),
        ("cut", |b| Some(b[..b.len() / 2].to_vec())),
        ("empty", |_| Some(Vec::new())),
        ("deleted", |_| None),
        ("garbage", |b| Some(b.iter().map(|x| !x).collect())),
    ];
    let expected = without_old_checkpoints(undisturbed());
    for table in TABLES {
        for (what, damage) in damages {
            let bench = Bench::new();
            bench.go(&mut Watch { stops: vec![15], ..Watch::default() }).unwrap();
            let path = bench.run.file(table);
            match damage(&std::fs::read(&path).unwrap()) {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            // Killed while it makes the rows again, and once more.
            let mut watch = Watch { stops: vec![5], ..Watch::default() };
            bench.go(&mut watch).unwrap();
            assert!(watch.started[0] < 15, "{what} of {table}");
            assert!(watch.notes[0].contains(table), "{what} of {table}: {:?}", watch.notes);
            bench.go(&mut Watch { stops: vec![13], ..Watch::default() }).unwrap();
            bench.go(&mut Watch::default()).unwrap();
            assert_eq!(without_old_checkpoints(bench.files()), expected, "{what} of {table}");
        }
    }
}

/// Rows behind the checkpoint are the torn end of a run that was killed: cut without a word.
#[test]
fn rows_behind_the_checkpoint_are_cut() {
    let bench = Bench::new();
    bench.go(&mut Watch { stops: vec![7], ..Watch::default() }).unwrap();
    for (table, more) in
        [("metrics.csv", "8,1,2\n9,0."), ("eval.csv", "8,a@8,1,0.5\n"), ("digests.csv", "9,*")]
    {
        let bytes = [bench.text(table).as_bytes(), more.as_bytes()].concat();
        std::fs::write(bench.run.file(table), bytes).unwrap();
    }
    let mut watch = Watch::default();
    bench.go(&mut watch).unwrap();
    assert_eq!((watch.started, watch.notes), (vec![7], vec![]));
    assert_eq!(without_old_checkpoints(bench.files()), without_old_checkpoints(undisturbed()));
}

/// A checkpoint of before says nothing of tables: that every step has its row is looked at even so.
#[test]
fn a_checkpoint_of_before_goes_on_and_misses_rows_too() {
    for damaged in [false, true] {
        let bench = Bench::new();
        bench.go(&mut Watch { stops: vec![12], ..Watch::default() }).unwrap();
        let (moments, meta) = crate::store::tensors::read(&bench.run.optimizer(12)).unwrap();
        let mut meta: serde_json::Value = serde_json::from_str(&meta.unwrap()).unwrap();
        meta.as_object_mut().unwrap().remove("tables").unwrap();
        crate::store::tensors::write(&bench.run.optimizer(12), &moments, Some(&meta.to_string())).unwrap();
        if damaged {
            let path = bench.run.file("metrics.csv");
            std::fs::write(&path, edit(bench.text("metrics.csv").as_bytes(), 9, |_| String::new()).unwrap())
                .unwrap();
        }
        let mut watch = Watch::default();
        bench.go(&mut watch).unwrap();
        assert_eq!(watch.started, [if damaged { 6 } else { 12 }]);
    }
}

/// A table with one of its lines changed, an empty one left out.
fn edit(table: &[u8], line: usize, change: impl Fn(&str) -> String) -> Option<Vec<u8>> {
    let text = String::from_utf8(table.to_vec()).unwrap();
    let lines = text.lines().enumerate().map(|(n, l)| if n == line { change(l) } else { l.to_string() });
    let kept: Vec<String> = lines.filter(|l| !l.is_empty()).map(|l| l + "\n").collect();
    Some(kept.concat().into_bytes())
}

/// Another digit in the place of the last one.
fn flip_digit(line: &str) -> String {
    let at = line.rfind(|c: char| c.is_ascii_digit()).unwrap();
    let digit = if line.as_bytes()[at] == b'1' { "2" } else { "1" };
    format!("{}{digit}{}", &line[..at], &line[at + 1..])
}

#[test]
fn a_loss_that_is_not_finite_keeps_its_batch_and_a_checkpoint() {
    let bench = Bench::new();
    let mut net = toy::Toy::new(&bench.experiment);
    net.fails_at = Some(9);
    let fault = bench.go_with(&mut net, &mut Watch::default()).unwrap_err();
    assert_eq!(fault.exit as u8, 1);
    assert!(fault.to_string().contains("not finite at step 9"), "{fault}");
    let bytes = std::fs::read(bench.run.file("failed/step-00000009.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("dec.offsets").unwrap().shape(), [6]);
    assert_eq!(bench.text("failed/step-00000009.csv").lines().count(), 6);
    assert_eq!(bench.run.checkpoints().last(), Some(&9));
    assert_eq!(bench.text("metrics.csv").lines().count(), 10);
}

#[test]
fn a_step_that_failed_leaves_no_gradient() {
    let bench = Bench::new();
    let mut net = toy::Toy::new(&bench.experiment);
    net.fails_at = Some(9);
    bench.go_with(&mut net, &mut Watch::default()).unwrap_err();
    assert!(net.gradients().is_empty());
}

/// The toy adds target by target, so that a batch in parts has the same bits; it tells which parts it saw.
#[test]
fn a_batch_in_parts_is_the_batch_to_the_loop() {
    let expected = without_old_checkpoints(undisturbed());
    let mut net = toy::Toy::new(&toy::experiment());
    let bench = in_parts();
    bench.go_with(&mut net, &mut Watch::default()).unwrap();
    assert_eq!(net.parts, [2, 2, 1]);
    assert_eq!(without_old_checkpoints(bench.files()), expected, "counts in metrics.csv included");

    let bench = in_parts();
    for stop in [3, 7, 13] {
        bench.go(&mut Watch { stops: vec![stop], ..Watch::default() }).unwrap();
    }
    bench.go(&mut Watch::default()).unwrap();
    assert_eq!(without_old_checkpoints(bench.files()), expected);
}

#[test]
fn a_batch_in_parts_is_kept_whole() {
    let kept = |bench: Bench| {
        let mut net = toy::Toy::new(&bench.experiment);
        net.fails_at = Some(9);
        bench.go_with(&mut net, &mut Watch::default()).unwrap_err();
        let bytes = std::fs::read(bench.run.file("failed/step-00000009.safetensors")).unwrap();
        (net.parts, bytes, bench.text("failed/step-00000009.csv"))
    };
    let ((parts, batch, clips), (whole, expected_batch, expected_clips)) =
        (kept(in_parts()), kept(Bench::new()));
    assert_eq!((parts, whole), (vec![2, 2, 1], vec![5]));
    assert_eq!((batch, clips), (expected_batch, expected_clips));
}

#[test]
fn a_second_process_is_refused() {
    let bench = Bench::new();
    let _held = bench.run.lock().unwrap();
    let fault = bench.go(&mut Watch::default()).unwrap_err();
    assert!(fault.what.contains("another process works on this run"));
}

#[test]
fn a_lost_lock_stops_before_the_checkpoint() {
    let bench = Bench::new();
    let lock = bench.run.lock().unwrap();
    std::fs::remove_file(bench.run.file("lock")).unwrap();
    let job = Job { experiment: &bench.experiment, data: &bench.data, run: &bench.run, lock: &lock };
    let fault = train(&job, &mut toy::Toy::new(&bench.experiment), &mut Watch::default()).unwrap_err();
    assert!(fault.what.contains("lost the lock"), "{fault}");
    assert!(bench.run.checkpoints().is_empty());
}

#[test]
fn the_directory_may_move_between_stops() {
    let mut bench = Bench::new();
    bench.go(&mut Watch { stops: vec![7], ..Watch::default() }).unwrap();
    let moved = bench.root.path().join("elsewhere");
    std::fs::create_dir(&moved).unwrap();
    let to = moved.join(bench.run.id.directory());
    std::fs::rename(&bench.run.path, &to).unwrap();
    bench.run = RunDir::open(&to).unwrap();
    bench.go(&mut Watch::default()).unwrap();
    assert_eq!(without_old_checkpoints(bench.files()), without_old_checkpoints(undisturbed()));
    assert_eq!(State::Finished.name(), "finished");
}

fn truncate(path: &std::path::Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}
