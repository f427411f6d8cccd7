//! A run from Rust: stopped, resumed, reported, measured again.

use super::commit::{commit, Outcome};
use super::journal::Journal;
use super::{evaluate, resume, run, Ended, Limits, Session, Settings};
use crate::fault::{Exit, Result};
use crate::observer::{Observer, Progress, Silent, Stop};
use crate::place::Device;
use crate::record::Record;
use crate::store::{self, RunDir, RunId, State, Status};
use std::path::Path;
use std::time::Duration;

fn settings(folder: &Path) -> Settings {
    let now = || "2026-01-01T00:00:00Z".to_string();
    let overrides = [
        "data.synthetic.clips=(16, 8, 8)",
        "train.batch=4",
        "train.tokens=1536",
        "train.warmup_tokens=512",
        "probes=[CrossEntropy(masks: 1)]",
    ];
    Settings {
        overrides: overrides.map(String::from).to_vec(),
        ..Settings::new(folder.join("runs"), folder.join("cache"), now)
    }
}

/// Remembers what it was told; its clock moves by an hour after each step.
#[derive(Default)]
struct Scripted {
    told: Vec<String>,
    hours: u32,
    probes: usize,
    interrupt_probes: bool,
}

impl Observer for Scripted {
    fn begun(&mut self, run: &Path) -> Result<()> {
        self.told.push(format!("begun {}", run.is_dir()));
        Ok(())
    }

    fn stepped(&mut self, progress: &Progress) {
        self.hours += 1;
        self.told.push(format!("step {}", progress.step));
    }

    fn measured(&mut self, _probe: &str, _done: usize, _total: usize) {
        self.probes += 1;
    }

    fn note(&mut self, message: &str) {
        self.told.push(message.split([':', '→']).next().unwrap_or_default().trim().into());
    }

    fn stop(&mut self, _step: u64) -> Option<Stop> {
        (self.interrupt_probes && self.probes > 0).then_some(Stop::Interrupted)
    }

    fn seconds(&self) -> f64 {
        3600.0 * f64::from(self.hours)
    }
}

fn stopped(ended: Ended) -> (u64, Stop) {
    match ended {
        Ended::Stopped { step, why } => (step, why),
        Ended::Finished(_) => panic!("it is finished"),
    }
}

#[test]
fn a_run_stops_resumes_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let whole = settings(folder.path());
    let session = Session::open("experiments/synthetic.ron", &whole).unwrap();
    let mut observer = Scripted::default();

    let one = Settings { limits: Limits { stop_after: Some(1), max_time: None }, ..whole.clone() };
    assert_eq!(stopped(run(&session, &one, &mut observer).unwrap()), (1, Stop::Asked));
    let hour = Limits { stop_after: None, max_time: Some(Duration::from_secs(3600)) };
    let timed = Settings { limits: hour, ..whole.clone() };
    assert_eq!(stopped(run(&session, &timed, &mut observer).unwrap()), (2, Stop::Asked));
    let made = &store::list(&whole.runs).unwrap()[0];
    let status = made.status().unwrap().unwrap();
    assert_eq!((status.state, status.step), (State::Stopped, 2));
    assert_eq!(status.reason.as_deref(), Some("stopped as asked"));

    observer.interrupt_probes = true;
    assert_eq!(stopped(resume(made, &whole, &mut observer).unwrap()), (3, Stop::Interrupted));
    assert_eq!(observer.told.last().map(String::as_str), Some("interrupted while measuring"));
    let status = made.status().unwrap().unwrap();
    assert_eq!((status.state, status.step), (State::Stopped, 3));
    assert_eq!(status.reason.as_deref(), Some("interrupted while measuring"));
    let alone = evaluate::checkpoint(&session, &made.checkpoint(3), None, &whole, &mut observer);
    let fault = alone.unwrap_err();
    assert_eq!((fault.exit, fault.what.as_str()), (Exit::Interrupted, "interrupted while measuring"));

    let Ended::Finished(record) = resume(made, &whole, &mut Silent).unwrap() else { panic!("unfinished") };
    let told = observer.told.len();
    let again = run(&session, &whole, &mut observer).unwrap();
    assert_eq!(again, Ended::Finished(record.clone()));
    assert_eq!(&observer.told[told..], ["already finished"]);
    let starts = observer.told.iter().filter(|line| *line == "begun true").count();
    assert_eq!((starts, observer.told.iter().filter(|line| line.starts_with("step ")).count()), (3, 3));

    let measured = evaluate::again(&session, made, &whole, &mut Silent).unwrap();
    assert_eq!(measured, *record);
    let net = evaluate::load(&session, &made.checkpoint(3), &whole, &mut |_| ()).unwrap();
    let before = std::fs::read(made.file("record.json")).unwrap();
    let elsewhere = Settings { device: Device::Cuda(0), ..whole.clone() };
    let outcome = Outcome { net: net.as_ref(), tokens: record.train_tokens, metrics: vec![], files: vec![] };
    commit(&session, made, outcome, &elsewhere).unwrap();
    let measured = Record::read(&made.file("record.json")).unwrap();
    assert_eq!(measured.device, "cpu", "where it was trained");
    assert_eq!(measured.drift, ["device while measuring: cpu → cuda:0"]);
    std::fs::write(made.file("record.json"), before).unwrap();
    let log = std::fs::read_to_string(made.file("log.txt")).unwrap();
    let lines: Vec<&str> =
        log.lines().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest).collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("step ") && line.contains("loss")).count(), 3);
    assert!(lines.contains(&"finished at step 3") && lines.contains(&"training from step 2 of 3"), "{log}");
}

#[test]
fn a_manifest_that_is_held_to_other_code_is_refused_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.overrides.push(format!("pins=(code: \"{}\")", "0".repeat(64)));
    let refused = Session::open("experiments/synthetic.ron", &settings).map(|_| ()).unwrap_err();
    assert_eq!(refused.exit, Exit::Provenance);
    settings.allow_drift = true;
    let session = Session::open("experiments/synthetic.ron", &settings).unwrap();
    assert_eq!(session.drift.len(), 1);
    assert!(session.warnings.last().unwrap().starts_with("warning: drift allowed: pins.code expected"));
}

/// Of a run's own files nothing is invalid use, and nobody is told to take the checkpoint that was taken.
#[test]
fn a_damaged_checkpoint_is_a_failure_when_resumed_and_invalid_when_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    let session = Session::open("experiments/synthetic.ron", &settings).unwrap();
    settings.limits.stop_after = Some(1);
    assert_eq!(stopped(run(&session, &settings, &mut Silent).unwrap()), (1, Stop::Asked));
    let made = &store::list(&settings.runs).unwrap()[0];
    let file = made.checkpoint(1);
    let bytes = std::fs::read(&file).unwrap();
    let named = || evaluate::load(&session, &file, &settings, &mut |_| ()).map(|_| ()).unwrap_err();

    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    assert!(named().what.starts_with("the checkpoint is corrupt or truncated: "), "{}", named());
    assert_eq!(named().help.as_deref(), Some("use another checkpoint of the run, or copy the file again"));
    store::tensors::write_integers(&file, &[("ids".into(), vec![7])]).unwrap();
    assert_eq!(named().exit, Exit::Invalid);
    assert!(named().found.unwrap().ends_with("not of this model: ids"), "{}", named());

    let mut observer = Scripted::default();
    let fault = resume(made, &settings, &mut observer).unwrap_err();
    assert_eq!((fault.exit, fault.what.as_str()), (Exit::Failed, "tensor ids is not float32"));
    assert!(fault.help.as_ref().unwrap().starts_with("no intact checkpoint is left"));
    let again = resume(made, &settings, &mut observer).unwrap_err();
    assert_eq!(again, fault);
    assert!(named().found.unwrap().ends_with("not of this model: ids"), "it stays where it is: {}", named());
}

/// Without a clock `status.json` moves with evaluations and checkpoints; with one a long log stays short.
#[test]
fn a_long_run_leaves_a_short_log() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let run = RunDir::create(&settings.runs, RunId::new("long", &"ab".repeat(32), 1)).unwrap();
    let total = 200_000;
    let status = Status::new("long", &"ab".repeat(32), 1, total, "2026-01-01T00:00:00Z");
    let step = |step| Progress { step, total, loss: 1.0, lr: 1e-3, tokens: 10, seconds: 0.0 };
    let mut silent = Silent;
    let mut journal = Journal::open(&run, status.clone(), &settings, &mut silent).unwrap();
    (1..=7).for_each(|n| journal.stepped(&step(n)));
    assert_eq!(run.status().unwrap().unwrap().step, 1);
    journal.evaluated(7, &[]);
    assert_eq!(run.status().unwrap().unwrap().step, 7);

    let mut clock = Scripted::default();
    let mut journal = Journal::open(&run, status, &settings, &mut clock).unwrap();
    // An hour a step: two weeks.
    (1..=336).for_each(|n| journal.stepped(&step(n)));
    let lines = std::fs::read_to_string(run.file("log.txt")).unwrap();
    let steps = lines.lines().filter(|line| line.contains(" step ") && line.contains("loss")).count();
    assert!((150..300).contains(&steps), "{steps}");
    assert_eq!(run.status().unwrap().unwrap().step, 336);
}
