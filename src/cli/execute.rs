//! One run from its checkpoint to its record: train → measure → record → finished.

use super::args::{Global, Limits};
use super::progress::Watch;
use super::session::{self, now, Session};
use super::{tables, Done};
use crate::data::Part;
use crate::digest::sha256_hex;
use crate::fault::{Exit, Fault, Result};
use crate::model::digest;
use crate::model::network::{Config, Network};
use crate::observer::Stop;
use crate::probes::suite::{self, Sink};
use crate::provenance::CODE_HASH;
use crate::record::{self, Clips, FileDigest, Metric, ModalityInfo, Record};
use crate::store::{Lock, RunDir, State, Status};
use crate::train::{self, Ended, Job};

/// A freshly initialized network of the manifest.
pub fn network(session: &Session, g: &Global) -> Result<Box<dyn Network>> {
    let e = &session.experiment;
    crate::model::open(g.device, g.kernels.into(), Config::new(&e.modalities, &e.model), e.seeds.init)
}

/// Every probe of the session's manifest.
pub fn measure(net: &dyn Network, session: &Session, sink: &mut dyn Sink, g: &Global) -> Result<Vec<Metric>> {
    suite::measure(net, &session.experiment, &session.data, &|| network(session, g), sink)
}

/// Works on the run until it is finished or stopped, and says so in `status.json`.
pub fn execute(
    session: &Session,
    run: &RunDir,
    lock: &Lock,
    status: Status,
    limits: Limits,
    g: &Global,
) -> Result<Done> {
    let mut watch = Watch::new(run, status, limits)?;
    let result = stages(session, run, lock, &mut watch, g);
    watch.rest();
    let (state, reason) = match &result {
        Ok(None) => (State::Finished, None),
        Ok(Some(why)) => (State::Stopped, Some(reason(*why).to_string())),
        Err(fault) if resumable(fault.exit) => (State::Stopped, Some(fault.what.clone())),
        Err(fault) => (State::Failed, Some(fault.what.clone())),
    };
    // Whoever lost the lock has no say in the state any more; nor may this hide the first fault.
    if lock.check().is_ok() {
        (watch.status.state, watch.status.reason, watch.status.updated) = (state, reason, now());
        let written = run.set_status(&watch.status);
        watch.log(&format!("{} at step {}", state.name(), watch.status.step));
        result.as_ref().ok().map_or(Ok(()), |_| written)?;
    }
    finish(result?, run, &watch, g)
}

fn finish(stop: Option<Stop>, run: &RunDir, watch: &Watch, g: &Global) -> Result<Done> {
    let Some(why) = stop else {
        watch.say(&format!("finished: {}", run.path.display()));
        tables::print_record(&Record::read(&run.file("record.json"))?, g)?;
        return Ok(Done::Fine);
    };
    let Status { step, total, .. } = watch.status;
    let (reason, id) = (reason(why), run.id.short());
    watch.say(&format!("{reason} at step {step} of {total}; `nano4m resume {id}` continues"));
    Ok(Done::With(exit(why)))
}

fn stages(
    session: &Session,
    run: &RunDir,
    lock: &Lock,
    watch: &mut Watch,
    g: &Global,
) -> Result<Option<Stop>> {
    let mut net = network(session, g)?;
    let job = Job { experiment: &session.experiment, data: &session.data, run, lock };
    let tokens = match train::train(&job, net.as_mut(), watch)? {
        Ended::Finished { tokens } => tokens,
        Ended::Stopped { why, .. } => return Ok(Some(why)),
    };
    watch.rest();
    lock.check()?;
    if measured_before(run, net.as_ref())? {
        return Ok(None);
    }
    let mut files = Files { run, watch, digests: Vec::new() };
    let metrics = measure(net.as_ref(), session, &mut files, g)?;
    let files = files.digests;
    commit(session, run, net.as_ref(), tokens, metrics, files, g)?;
    Ok(None)
}

/// Whether the run was recorded before and only its checkpoint had to be made again.
///
/// # Errors
/// If the parameters are not those that were recorded.
fn measured_before(run: &RunDir, net: &dyn Network) -> Result<bool> {
    if !run.finished() {
        return Ok(false);
    }
    let recorded = Record::read(&run.file("record.json"))?.final_digest;
    let digest = digest::of_parameters(net);
    if digest != recorded {
        return Err(Fault::failed("the parameters made again are not those that were recorded")
            .at(run.path.display().to_string())
            .found(format!("digest {digest}"))
            .expected(format!("digest {recorded}"))
            .help("`nano4m run --force` repeats the run beside this one"));
    }
    Ok(record::missing(run)?.is_empty())
}

/// Writes `record.json`: from now on the run is finished.
pub fn commit(
    session: &Session,
    run: &RunDir,
    net: &dyn Network,
    tokens: u64,
    metrics: Vec<Metric>,
    mut files: Vec<FileDigest>,
    g: &Global,
) -> Result<()> {
    let e = &session.experiment;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let clips = |part| session.data.split(part).len();
    let record = Record {
        schema: record::SCHEMA,
        program: env!("CARGO_PKG_VERSION").into(),
        name: e.name.clone(),
        id: run.id.short(),
        identity: session.identity.clone(),
        made_for: run.status()?.and_then(|status| status.made_for),
        code_hash: format!("sha256:{CODE_HASH}"),
        data_hash: session.data.hash.clone(),
        drift: session.drift.iter().map(session::drift_line).collect(),
        pinned: e.pins.is_some(),
        device: g.device.to_string(),
        seeds: e.seeds,
        parameters: net.config().parameters(),
        steps: e.train.steps(),
        train_tokens: tokens,
        final_digest: digest::of_parameters(net),
        clips: Clips { train: clips(Part::Train), eval: clips(Part::Eval), test: clips(Part::Test) },
        modalities: e.modalities.iter().map(modality).collect(),
        metrics,
        files,
    };
    run.write("record.json", &record.to_json()?)
}

fn modality(m: &crate::modality::Modality) -> ModalityInfo {
    ModalityInfo { name: m.name.clone(), short: m.short().into(), length: m.length, vocab: m.vocab }
}

/// Writes the probes' files into the run and remembers their digests.
pub struct Files<'a, 'w> {
    pub run: &'a RunDir,
    pub watch: &'a mut Watch<'w>,
    pub digests: Vec<FileDigest>,
}

impl Sink for Files<'_, '_> {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.run.write(name, bytes)?;
        self.digests.retain(|d| d.path != name);
        self.digests.push(FileDigest { path: name.into(), sha256: sha256_hex(bytes) });
        Ok(())
    }

    fn progress(&mut self, probe: &str, done: usize, total: usize) -> Result<()> {
        self.watch.measuring(probe, done, total);
        match self.watch.interrupted() {
            None => Ok(()),
            Some(why) => Err(Fault::with_exit(exit(why), format!("{} while measuring", reason(why))).help(
                format!("training is complete; `nano4m resume {}` measures again", self.run.id.short()),
            )),
        }
    }

    fn note(&mut self, message: &str) {
        self.watch.say(message);
    }
}

fn reason(why: Stop) -> &'static str {
    match why {
        Stop::Asked => "stopped as asked",
        Stop::Interrupted => "interrupted",
        Stop::Terminated => "terminated",
    }
}

fn exit(why: Stop) -> Exit {
    match why {
        Stop::Asked => Exit::Stopped,
        Stop::Interrupted => Exit::Interrupted,
        Stop::Terminated => Exit::Terminated,
    }
}

fn resumable(exit: Exit) -> bool {
    matches!(exit, Exit::Stopped | Exit::Interrupted | Exit::Terminated)
}
