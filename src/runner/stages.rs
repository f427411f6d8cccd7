//! One run from its checkpoint to its record: train → measure → record → finished.

use super::commit::{commit, Outcome};
use super::journal::Journal;
use super::session::Session;
use super::settings::Settings;
use super::sinks::{measured_again, while_measuring, RunSink};
use crate::fault::{Fault, Result};
use crate::metrics::Metric;
use crate::model::digest;
use crate::model::network::{Inference, State as NetworkState};
use crate::observer::{Observer, Stop};
use crate::ops::device;
use crate::probes::suite::{self, Sink};
use crate::record::{self, OpenSeal, Record};
use crate::store::{Lock, RunDir, State, Status};
use crate::train;

/// How a run ended that did not fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It is complete, now or from before.
    Finished(Box<Record>),
    /// Early, after a checkpoint of `step`; of the last step if it was stopped while it was measured.
    Stopped { step: u64, why: Stop },
}

/// Where the stages end that did not fail.
enum Reached {
    /// The record.
    Recorded,
    /// A checkpoint before the last step.
    Checkpoint(Stop),
    /// The last checkpoint, whose measurement was broken off.
    Trained(Stop),
}

/// A run's directory whose lock is held, and what it is made of.
pub struct Workplace<'a> {
    pub session: &'a Session,
    pub run: &'a RunDir,
    pub lock: &'a Lock,
    pub settings: &'a Settings,
}

/// Works on the run until it is finished or stopped, and says so in `status.json`. A finished one is sealed.
///
/// # Errors
/// What keeps it from being made; `status.json` then has the reason, and what is done so far is kept.
pub fn work(place: &Workplace, seal: OpenSeal, status: Status, observer: &mut dyn Observer) -> Result<Ended> {
    let Workplace { run, lock, settings, .. } = *place;
    let mut journal = Journal::open(run, status, settings, observer)?;
    let result = stages(place, &mut journal);
    journal.ended();
    let (state, reason) = match &result {
        Ok(Reached::Recorded) => (State::Finished, None),
        Ok(Reached::Checkpoint(why)) => (State::Stopped, Some(why.to_string())),
        Ok(Reached::Trained(why)) => (State::Stopped, Some(while_measuring(*why))),
        Err(fault) => (State::Failed, Some(fault.what.clone())),
    };
    // Whoever lost the lock has no say in the state any more; nor may this hide the first fault.
    if lock.check().is_ok() {
        let closed = journal.close(state, reason);
        result.as_ref().ok().map_or(Ok(()), |_| closed)?;
    }
    let Status { step, total, .. } = journal.status;
    match result? {
        Reached::Recorded => {
            journal.say(&format!("finished: {}", run.path.display()));
            lock.check()?;
            seal.close()?;
            finished(run)
        }
        Reached::Checkpoint(why) => {
            let short = run.id.short();
            journal.say(&format!("{why} at step {step} of {total}; `nano4m resume {short}` continues"));
            Ok(Ended::Stopped { step, why })
        }
        Reached::Trained(why) => {
            journal.say(&format!("{}: {}", while_measuring(why), measured_again(run)));
            Ok(Ended::Stopped { step, why })
        }
    }
}

/// The record of a run that is complete.
///
/// # Errors
/// If it cannot be read.
pub fn finished(run: &RunDir) -> Result<Ended> {
    Ok(Ended::Finished(Box::new(Record::read(&run.file("record.json"))?)))
}

/// Every probe of the session's manifest.
///
/// # Errors
/// What a probe cannot measure, and whatever the sink refuses.
pub fn measure(
    session: &Session,
    net: &dyn Inference,
    settings: &Settings,
    sink: &mut dyn Sink,
) -> Result<Vec<Metric>> {
    let untrained = || session.network(settings);
    suite::measure(net, &session.experiment, &session.data, &untrained, sink)
}

fn stages(place: &Workplace, journal: &mut Journal) -> Result<Reached> {
    let Workplace { session, run, lock, settings } = *place;
    let mut net = session.network(settings)?;
    if let Some(lost) = lost_checkpoint(run, &journal.status) {
        journal.say(&format!("note: {lost}"));
    }
    let job = train::Job { experiment: &session.experiment, data: &session.data, run, lock };
    let ended = train::train(&job, net.as_mut(), journal)?;
    if let Some(peak) = device::peak(settings.device) {
        // Of this start, on this card: for the log, no result.
        journal.say(&format!("memory of {} at its peak: {peak}", settings.device));
    }
    let tokens = match ended {
        train::Ended::Finished { tokens } => tokens,
        train::Ended::Stopped { why, .. } => return Ok(Reached::Checkpoint(why)),
    };
    journal.ended();
    lock.check()?;
    if measured_before(run, net.as_ref())? {
        return Ok(Reached::Recorded);
    }
    let mut sink = RunSink::new(run, journal);
    let measured = measure(session, net.as_ref(), settings, &mut sink);
    if let (Err(_), Some(why)) = (&measured, sink.stopped) {
        return Ok(Reached::Trained(why));
    }
    let outcome = Outcome { net: net.as_ref(), tokens, metrics: measured?, files: sink.digests() };
    commit(session, run, outcome, settings)?;
    Ok(Reached::Recorded)
}

/// The checkpoint that an unfinished run had and has no longer, should it have to go back for it.
fn lost_checkpoint(run: &RunDir, status: &Status) -> Option<String> {
    let step = status.tables.iter().map(|table| table.step).max()?;
    let newest = run.checkpoints().last().copied().unwrap_or_default();
    let lost = newest < step && !run.finished();
    lost.then(|| format!("the checkpoint of step {step} is missing: it is made again from step {newest}"))
}

/// Whether the run was recorded before and only its checkpoint had to be made again.
///
/// # Errors
/// If the parameters are not those that were recorded.
fn measured_before(run: &RunDir, net: &dyn NetworkState) -> Result<bool> {
    if !run.finished() || Record::destroyed(run) {
        return Ok(false);
    }
    let recorded = Record::read(&run.file("record.json"))?.final_digest;
    let digest = digest::of_parameters(net);
    if digest != recorded {
        return Err(Fault::failed("the parameters made again are not those that were recorded")
            .at(run.path.display().to_string())
            .found(format!("digest {digest}"))
            .expected(format!("digest {recorded}"))
            .help("`nano4m run MANIFEST --force` repeats the run beside this one"));
    }
    Ok(record::unmade(run)?.is_empty())
}
