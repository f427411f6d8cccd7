//! What the missing runs of a plan will take: time from a short measurement, and disk.
//!
//! Every cell with something missing is timed: as many networks as jobs will run at the same time, on
//! as many threads each, take a few optimizer steps and score one batch. The forecast is that, scaled by
//! the steps that are missing and the tokens that validation and probes score (`probes::workload`);
//! its range is two standard errors of the measured steps, which knows nothing of what else the
//! machine will be doing by then.

use super::job::{Existing, Job};
use super::memory;
use super::plan::Plan;
use crate::batch::Batch;
use crate::data::{Dataset, Part};
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Experiment, Probe};
use crate::masking::Masks;
use crate::model;
use crate::model::network::{Config, Device, Kernels, Place};
use crate::place::Devices;
use crate::probes::suite;
use crate::probes::workload::Workload;
use crate::train::{take_step, Sampler};
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Steps that are not counted: the first ones allocate.
const WARM: u64 = 1;
/// Steps measured at most, and the time after which no more are begun.
const STEPS: u64 = 8;
const TIME: Duration = Duration::from_millis(1500);
/// Clips scored to time the evaluation.
const CLIPS: usize = 32;
/// Bytes of a row of `metrics.csv` and `digests.csv`, and of a per-example row, as they are about.
const ROW: u64 = 160;
const EXAMPLE: u64 = 90;
/// Rows of scores for each clip, mask and modality: the model, the untrained one and the baselines.
const SOURCES: u64 = 6;

/// What the jobs will be run with.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The jobs share them in turn.
    pub devices: Devices,
    pub kernels: Kernels,
    /// Jobs at the same time.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
}

/// What one cell's timing gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Seconds of each measured step, of all networks that ran side by side.
    pub steps: Vec<f64>,
    /// Seconds for scoring one token, of the input or of the targets.
    pub score: f64,
    /// Tokens of a clip under the training masking, input and targets, on average.
    pub masked: f64,
}

impl Timing {
    /// Mean seconds per step.
    pub fn mean(&self) -> f64 {
        self.steps.iter().sum::<f64>() / self.steps.len().max(1) as f64
    }

    /// Standard error of the mean; absent for one step.
    pub fn error(&self) -> Option<f64> {
        let n = self.steps.len() as f64;
        let squares: f64 = self.steps.iter().map(|s| (s - self.mean()).powi(2)).sum();
        (self.steps.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt())
    }
}

/// What a plan will take.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Seconds until the last job has ended.
    pub seconds: f64,
    /// Two standard errors below and above; absent when a cell was measured by one step only.
    pub range: Option<(f64, f64)>,
    /// Steps that were measured.
    pub measured: usize,
    /// Bytes of the finished runs that are missing now.
    pub bytes: u64,
}

/// Measures and scales.
///
/// # Errors
/// If a dataset or device cannot be opened; exit 2 for a cell that needs more memory than there is.
pub fn forecast(plan: &Plan, found: &[Existing], resources: &Resources, cache: &Path) -> Result<Forecast> {
    memory::hold(plan, found, resources.workers, &resources.devices)?;
    let open: Vec<(&Job, &Existing)> =
        plan.jobs.iter().zip(found).filter(|(_, f)| !matches!(f, Existing::Complete(_))).collect();
    let mut timings: Vec<Option<Timing>> = vec![None; plan.cells.len()];
    let (mut middle, mut errors, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (job, found) in open {
        let data = Dataset::open(&job.experiment.data, &job.experiment.modalities, Path::new("."), cache)?;
        if timings[job.cell].is_none() {
            timings[job.cell] = Some(time(&job.experiment, &data, resources)?);
        }
        let Some(timing) = &timings[job.cell] else { continue };
        let left = left(job, found) as f64;
        let load = Workload::new(&job.experiment, &data, timing.masked);
        middle.push(left * timing.mean() + scored(&job.experiment, &load, left)? * timing.score);
        errors.push(timing.error().map(|e| left * e));
        bytes += size(&job.experiment, &data);
    }
    let seconds = makespan(&middle, resources.workers);
    let moved = |sign: f64| -> Option<f64> {
        let shifted: Option<Vec<f64>> =
            middle.iter().zip(&errors).map(|(m, e)| e.map(|e| (m + sign * 2.0 * e).max(0.0))).collect();
        shifted.map(|s| makespan(&s, resources.workers))
    };
    let measured = timings.iter().flatten().map(|t| t.steps.len()).sum();
    Ok(Forecast { seconds, range: moved(-1.0).zip(moved(1.0)), measured, bytes })
}

/// Steps still to be taken.
fn left(job: &Job, found: &Existing) -> u64 {
    match found {
        Existing::Complete(_) => 0,
        Existing::Partial { step, .. } => job.total().saturating_sub(*step),
        Existing::Nothing => job.total(),
    }
}

/// Tokens to be scored: validation passes, then the probes.
fn scored(experiment: &Experiment, load: &Workload, left: f64) -> Result<f64> {
    let passes = match experiment.train.eval_every {
        0 => 1.0,
        every => (left / every as f64).ceil(),
    };
    Ok(passes * load.validation() + suite::tokens(load)?)
}

/// Bytes of a finished run: two checkpoints with parameters and both moments, tables, scores.
fn size(experiment: &Experiment, data: &Dataset) -> u64 {
    let config = Config::new(&experiment.modalities, &experiment.model);
    let parameters: usize = config.parameters();
    let steps = experiment.train.steps();
    let kept = if experiment.train.checkpoint_every > 0 && steps > experiment.train.checkpoint_every {
        2
    } else {
        1
    };
    let pairs: usize = experiment
        .probes
        .iter()
        .map(|p| match p {
            Probe::CrossEntropy { masks, .. } => masks * data.split(Part::Test).len(),
            _ => 0,
        })
        .sum();
    kept * 12 * parameters as u64
        + steps * ROW
        + (pairs * experiment.modalities.len()) as u64 * SOURCES * EXAMPLE
}

/// Time until the last of `jobs` ends, when they are begun in order by `workers`.
fn makespan(jobs: &[f64], workers: usize) -> f64 {
    let mut busy = vec![0.0f64; workers.max(1)];
    for seconds in jobs {
        // `busy` is not empty.
        let first = (0..busy.len()).min_by(|&a, &b| busy[a].total_cmp(&busy[b])).unwrap_or(0);
        busy[first] += seconds;
    }
    busy.into_iter().fold(0.0, f64::max)
}

/// Times the steps of as many networks as will run side by side, each on its own threads and its device.
fn time(experiment: &Experiment, data: &Dataset, resources: &Resources) -> Result<Timing> {
    let pool = |_| rayon::ThreadPoolBuilder::new().num_threads(resources.threads).build();
    let pools: Vec<rayon::ThreadPool> = (0..resources.workers)
        .map(pool)
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| Fault::failed(format!("cannot start threads: {e}")))?;
    let barrier = Barrier::new(pools.len());
    let kernels = resources.kernels;
    let alone = |pool: &rayon::ThreadPool, device: Device| {
        let place = Place { device, kernels, precision: experiment.train.precision };
        pool.install(|| alone(experiment, data, place, &barrier))
    };
    let in_turn = resources.devices.all().iter().copied().cycle();
    let timings = std::thread::scope(|scope| {
        let each = pools.iter().zip(in_turn);
        let threads: Vec<_> = each.map(|(pool, device)| scope.spawn(move || alone(pool, device))).collect();
        let stopped = |_| Err(Fault::failed("a network that was timed stopped"));
        threads.into_iter().map(|t| t.join().unwrap_or_else(stopped)).collect::<Result<Vec<Timing>>>()
    })?;
    let mean = |of: fn(&Timing) -> f64| timings.iter().map(of).sum::<f64>() / timings.len() as f64;
    let (score, masked) = (mean(|t| t.score), mean(|t| t.masked));
    Ok(Timing { steps: timings.into_iter().flat_map(|t| t.steps).collect(), score, masked })
}

/// One network: a few steps, then one batch of scores.
fn alone(experiment: &Experiment, data: &Dataset, place: Place, barrier: &Barrier) -> Result<Timing> {
    let config = Config::new(&experiment.modalities, &experiment.model);
    let net = model::open(place, config, experiment.seeds.init);
    // Every thread comes here, also one whose network could not be made.
    barrier.wait();
    let mut net = net?;
    let sampler = Sampler::new(experiment, data.split(Part::Train))?;
    let (mut steps, begun) = (Vec::new(), Instant::now());
    for step in 0..WARM + STEPS {
        let batch = sampler.batch(step);
        let now = Instant::now();
        take_step(&mut *net, &batch, &experiment.train, experiment.train.min_lr)?;
        if step >= WARM {
            steps.push(now.elapsed().as_secs_f64());
        }
        if !steps.is_empty() && begun.elapsed() > TIME {
            break;
        }
    }
    let batch = some_clips(experiment, data)?;
    let now = Instant::now();
    net.score(&batch, net.config().softmax)?;
    let (seconds, tokens) = (now.elapsed().as_secs_f64(), (batch.enc.len() + batch.dec.len()) as f64);
    Ok(Timing { steps, score: seconds / tokens.max(1.0), masked: tokens / batch.samples().max(1) as f64 })
}

/// The first test clips under the training masking.
fn some_clips(experiment: &Experiment, data: &Dataset) -> Result<Batch> {
    let masks = Masks::new(&experiment.modalities, &experiment.masking)?;
    let split = data.split(Part::Test);
    let mut batch = Batch::default();
    for clip in 0..split.len().min(CLIPS) {
        batch.push(&split.sample(clip, 0), &masks.of_clip(experiment.seeds.probes, 0, clip as u64));
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_take_the_next_job_when_they_are_free() {
        assert_eq!(makespan(&[3.0, 1.0, 1.0, 1.0], 2), 3.0);
        assert_eq!(makespan(&[1.0, 1.0, 3.0], 2), 4.0);
        assert_eq!(makespan(&[2.0, 2.0], 1), 4.0);
        assert_eq!(makespan(&[], 2), 0.0);
    }

    #[test]
    fn the_error_is_that_of_the_mean() {
        let timing = Timing { steps: vec![1.0, 3.0], score: 0.1, masked: 9.0 };
        assert_eq!((timing.mean(), timing.error()), (2.0, Some(1.0)));
        assert_eq!(Timing { steps: vec![1.0], score: 0.1, masked: 9.0 }.error(), None);
    }
}
