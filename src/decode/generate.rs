//! Clips in groups, step by step.

use super::maskgit::MaskGit;
use super::predict;
use super::roar::Roar;
use super::sample::{Draw, Sampling};
use super::scheme::{Fill, Scheme};
use crate::batch::{Batch, SampleMask};
use crate::data::Split;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{self, Decode};
use crate::model::network::Inference;
use crate::rng::{stream, Purpose};
use rand::Rng;

/// Input and target tokens of a batch; a single larger clip is a batch of its own.
const BUDGET: usize = 8192;

/// What is generated: the target of the first `clips` clips of a split, from row 0 of their inputs.
pub struct Task<'a> {
    pub split: &'a Split,
    /// Indices of the modalities that are input, whole; the target is not among them.
    pub inputs: &'a [usize],
    /// Index of the modality that is generated.
    pub target: usize,
    /// How many tokens at the target's start are input too.
    pub given: usize,
    pub clips: usize,
    /// `seeds.probes`, or what the user asked for.
    pub seed: u64,
    pub decode: &'a Decode,
}

/// One clip on its way.
struct Clip {
    index: usize,
    /// The target's tokens, `[length]`; 0 where unknown.
    tokens: Vec<u32>,
    known: Vec<bool>,
}

/// The target's tokens of every clip, `[clips][length]`, the given ones included; `tick(done)` after each
/// batch of clips, its error ends the work.
///
/// # Errors
/// Without any input, and with the clip and position named when a logit is not finite.
pub fn generate(
    net: &dyn Inference,
    task: &Task,
    tick: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vec<Vec<u32>>> {
    if task.inputs.is_empty() && task.given == 0 {
        return Err(Fault::invalid("nothing to generate from").expected("at least one input modality"));
    }
    let lengths = |m: &usize| net.config().modalities[*m].length;
    let length = lengths(&task.target);
    let tokens = task.inputs.iter().map(lengths).sum::<usize>() + length;
    let group = (BUDGET / tokens).max(1);
    let scheme = scheme(task, length);
    let mut all = Vec::with_capacity(task.clips);
    for first in (0..task.clips).step_by(group) {
        let numbers = first..(first + group).min(task.clips);
        let mut clips: Vec<Clip> = numbers.clone().map(|index| Clip::new(task, index, length)).collect();
        for step in 0..task.decode.steps {
            advance(net, task, scheme.as_ref(), &mut clips, step)?;
        }
        advance(net, task, &Fill, &mut clips, task.decode.steps)?;
        all.extend(clips.into_iter().map(|clip| clip.tokens));
        tick(numbers.end)?;
    }
    Ok(all)
}

fn scheme(task: &Task, length: usize) -> Box<dyn Scheme> {
    let Decode { steps, temperature, .. } = *task.decode;
    match task.decode.scheme {
        schema::Scheme::Roar => {
            let range = task.given as u32..length as u32;
            Box::new(Roar { seed: task.seed, steps, range, temperature })
        }
        schema::Scheme::MaskGit => Box::new(MaskGit { steps, total: length - task.given, temperature }),
    }
}

/// One step of all clips of a batch.
fn advance(
    net: &dyn Inference,
    task: &Task,
    scheme: &dyn Scheme,
    clips: &mut [Clip],
    step: usize,
) -> Result<()> {
    let target = &net.config().modalities[task.target];
    let (mut batch, mut u, mut predicted) = (Batch::default(), Vec::new(), Vec::new());
    for clip in clips.iter() {
        let positions = scheme.positions(clip.index as u64, step, &clip.unknown());
        clip.push(task, &positions, &mut batch);
        let mut rng = stream(task.seed, Purpose::Decode, &[clip.index as u64, 1 + step as u64]);
        u.extend(positions.iter().map(|_| rng.gen::<f64>()));
        predicted.push(positions);
    }
    if u.is_empty() {
        return Ok(());
    }
    let temperature = scheme.temperature(step);
    let sampling = Sampling { temperature, ..Sampling::new(task.decode, target.vocab) };
    let draws = predict::predict(net, &batch, target.vocab, &sampling, &u)?;
    let mut draws = draws.into_iter();
    for (clip, positions) in clips.iter_mut().zip(&predicted) {
        let own = positions.iter().zip(draws.by_ref());
        let own = own.map(|(&p, draw)| {
            draw.ok_or_else(|| not_finite(task.split.stem(clip.index), &target.name, p, step))
        });
        let own = own.collect::<Result<Vec<Draw>>>()?;
        for accepted in scheme.accepted(step, &own) {
            let p = positions[accepted] as usize;
            (clip.tokens[p], clip.known[p]) = (own[accepted].id, true);
        }
    }
    Ok(())
}

impl Clip {
    fn new(task: &Task, index: usize, length: usize) -> Clip {
        let mut tokens = task.split.tokens(index, task.target, 0)[..task.given].to_vec();
        tokens.resize(length, 0);
        Clip { index, tokens, known: (0..length).map(|p| p < task.given).collect() }
    }

    fn positions_where(&self, known: bool) -> Vec<u32> {
        (0..self.known.len() as u32).filter(|&p| self.known[p as usize] == known).collect()
    }

    fn unknown(&self) -> Vec<u32> {
        self.positions_where(false)
    }

    /// Appends the clip: inputs and known tokens given, `positions` of the target predicted.
    fn push(&self, task: &Task, positions: &[u32], batch: &mut Batch) {
        let mut tokens = task.split.sample(self.index, 0);
        let mut mask =
            SampleMask { input: vec![Vec::new(); tokens.len()], target: vec![Vec::new(); tokens.len()] };
        for &m in task.inputs {
            mask.input[m] = (0..tokens[m].len() as u32).collect();
        }
        tokens[task.target] = &self.tokens;
        mask.input[task.target] = self.positions_where(true);
        mask.target[task.target] = positions.to_vec();
        batch.push(&tokens, &mask);
    }
}

fn not_finite(stem: &str, modality: &str, position: u32, step: usize) -> Fault {
    Fault::failed("the network's logits are not finite")
        .at(format!("clip {stem}, {modality} position {position}, decoding step {step}"))
        .found("an infinite or NaN logit")
        .expected("finite numbers")
        .help("the checkpoint is damaged or its training diverged: look at the loss in metrics.csv")
}
