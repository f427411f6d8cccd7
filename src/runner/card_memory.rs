//! What training takes of a card with our CUDA kernels, and whether the card has it.
//!
//! Float32 numbers, with P parameters, ids V, width D, hidden units H, heads A, and E input and T target tokens in a
//! part of a step:
//! ```text
//! model        3 P                                        weights and both moments
//! gradients    P                                          once more for each height of the sum over parts
//! activations  E · (3 D + 2                               embedding, last norm, context of the decoder
//!                 + layers · (6 D + H + A + 4)            qkv, attention, stream, hidden, stream
//!                 + decoder layers · (2 D + 2))           keys and values
//!            + T · (2 D + 2                               embedding, last norm
//!                 + decoder layers · (9 D + H + 2 A + 6)) the same, and q, attention, stream of the context
//! loss         C · (V + D) + T · D + V · D                logits of C rows at a time, gradients of input and weight
//! workspace    of cuBLAS
//! ```
//! The numbers after a width are statistics of norms and attention. Activations and logits are gone when the gradient
//! is whole: [`CardNeed::least`] is what is certainly held at once; of small models, with one part a step and with
//! four, the kernels held 0.1 and 0.2 % more at their peak on the stand-in card of `tests/cuda`. [`CardNeed::most`]
//! counts all, which stands for the buffers of the backward pass and for what a pool cannot use again.

use super::memory::size;
use crate::architecture::Config;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Experiment, Masking};
use crate::modality::Modality;
use crate::ops::device::{self, CardMemory, WORKSPACE};
use crate::place::Device;

/// Bytes of a step whose parts have so many clips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CardNeed {
    /// Weights and both moments.
    pub model: f64,
    /// One gradient of the model.
    pub gradient: f64,
    /// Gradients in memory at the same time.
    pub copies: f64,
    /// What the forward pass leaves for the backward pass.
    pub activations: f64,
    /// Logits of a chunk of rows, and the gradients that they leave.
    pub loss: f64,
    pub workspace: f64,
}

impl CardNeed {
    /// Of parts with `inputs` and `targets` tokens, `parts` of them in a step, on a card of so much memory.
    pub fn new(config: &Config, (inputs, targets): (f64, f64), parts: usize, total: usize) -> CardNeed {
        let (d, h, v) = (config.dim as f64, config.hidden() as f64, config.vocab() as f64);
        let heads = (config.dim / config.head_dim.max(1)) as f64;
        let (encoder, decoder) = (config.enc_depth as f64, config.dec_depth as f64);
        let of_input = 3.0 * d + 2.0 + encoder * (6.0 * d + h + heads + 4.0) + decoder * (2.0 * d + 2.0);
        let of_target = 2.0 * d + 2.0 + decoder * (9.0 * d + h + 2.0 * heads + 6.0);
        let rows = targets.min(device::logit_rows(total, config.vocab()) as f64);
        let parameters = config.parameters() as f64;
        CardNeed {
            model: 12.0 * parameters,
            gradient: 4.0 * parameters,
            // The sum over parts keeps one of each height of its tree.
            copies: f64::from(parts.max(1).ilog2() + 1),
            activations: 4.0 * (inputs * of_input + targets * of_target),
            loss: 4.0 * (rows * (v + d) + (targets + v) * d),
            workspace: WORKSPACE as f64,
        }
    }

    /// Of the manifest's parts, of the size they have on average.
    pub fn on_average(e: &Experiment, total: usize) -> CardNeed {
        CardNeed::of_clips(e, e.train.micro_batch.unwrap_or(e.train.batch), 0.0, total)
    }

    /// Of parts of so many clips, as large as the largest of the run are to be expected.
    fn at_its_largest(e: &Experiment, clips: usize, total: usize) -> CardNeed {
        let parts = e.train.steps() as f64 * e.train.batch.div_ceil(clips.max(1)) as f64;
        // The largest of n normal numbers lies about so many deviations above their mean.
        CardNeed::of_clips(e, clips, (2.0 * parts.max(1.0).ln()).sqrt(), total)
    }

    fn of_clips(e: &Experiment, clips: usize, deviations: f64, total: usize) -> CardNeed {
        let n = clips as f64;
        let of = |tokens: Tokens| n * tokens.mean + deviations * (n * tokens.variance).sqrt();
        let (inputs, targets) = Tokens::of(&e.modalities, &e.masking);
        let most = n * length(&e.modalities);
        let config = Config::new(&e.modalities, &e.model);
        let parts = e.train.batch.div_ceil(clips.max(1));
        CardNeed::new(&config, (of(inputs).min(most), of(targets).min(most)), parts, total)
    }

    /// What is certainly held at once.
    pub fn least(&self) -> f64 {
        let sums = (self.copies - 1.0) * self.gradient;
        self.model + self.workspace + sums + self.gradient.max(self.activations + self.loss)
    }

    /// With everything that there is at any time.
    pub fn most(&self) -> f64 {
        self.model + self.workspace + self.copies * self.gradient + self.activations + self.loss
    }

    /// Bytes and what they are for, without the workspace.
    pub fn parts(&self) -> [(f64, &'static str); 4] {
        [
            (self.model, "weights and moments"),
            (self.copies * self.gradient, "gradients"),
            (self.activations, "activations"),
            (self.loss, "logits and their gradients"),
        ]
    }
}

/// Tokens of a clip on one side: mean and variance over clips.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tokens {
    mean: f64,
    variance: f64,
}

impl Tokens {
    /// Of inputs and targets. What a clip's modalities cannot take of a budget is not taken off.
    fn of(modalities: &[Modality], masking: &Masking) -> (Tokens, Tokens) {
        let all = length(modalities);
        let whole = |names: &[String]| -> f64 {
            modalities.iter().filter(|m| names.contains(&m.name)).map(|m| m.length as f64).sum()
        };
        let directions = &masking.directions;
        let rest = 1.0 - directions.iter().map(|d| d.share).sum::<f64>().min(1.0);
        let mixed = |budget: (f64, f64), fixed: &dyn Fn(usize) -> f64| {
            // First and second moments of a mixture.
            let (mean, variance) = budget;
            let start = (rest * mean, rest * (variance + mean * mean));
            let add = |(first, second): (f64, f64), at: usize| {
                let (share, x) = (directions[at].share, fixed(at));
                (first + share * x, second + share * x * x)
            };
            let (first, second) = (0..directions.len()).fold(start, add);
            Tokens { mean: first, variance: (second - first * first).max(0.0) }
        };
        let budget = |(low, high): (usize, usize), share: Option<f64>| match share {
            Some(share) => (share * all, 0.0),
            None => {
                let (low, high) = ((low as f64).min(all), (high as f64).min(all));
                ((low + high) / 2.0, (high - low).powi(2) / 12.0)
            }
        };
        let ratio = masking.ratio;
        (
            mixed(budget(masking.input_tokens, ratio.map(|r| r.input)), &|at| whole(&directions[at].inputs)),
            mixed(budget(masking.target_tokens, ratio.map(|r| r.target)), &|at| {
                whole(&directions[at].targets)
            }),
        )
    }
}

fn length(modalities: &[Modality]) -> f64 {
    modalities.iter().map(|m| m.length as f64).sum()
}

/// How a manifest and a card go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Whatever comes.
    Surely,
    /// Steps of the average size do, the largest may not.
    OnAverage,
    Not,
}

/// Whether training fits into `free` bytes of a card.
pub fn fit(e: &Experiment, memory: CardMemory) -> Fit {
    let free = memory.free as f64;
    let largest = CardNeed::at_its_largest(e, e.train.micro_batch.unwrap_or(e.train.batch), memory.total);
    if largest.most() <= free {
        Fit::Surely
    } else if CardNeed::on_average(e, memory.total).least() <= free {
        Fit::OnAverage
    } else {
        Fit::Not
    }
}

/// Clips of a part that surely fits, smaller than those of the manifest; none if not even one clip does.
pub fn fitting(e: &Experiment, memory: CardMemory) -> Option<usize> {
    let halves = std::iter::successors(Some(e.train.micro_batch.unwrap_or(e.train.batch)), |&clips| {
        (clips > 1).then_some(clips.div_ceil(2))
    });
    let fits = |clips: &usize| CardNeed::at_its_largest(e, *clips, memory.total).most() <= memory.free as f64;
    halves.skip(1).find(fits)
}

/// Holds what `runs` at the same time on one card need against what is free there; nothing for the CPU.
///
/// # Errors
/// Exit 2 if there is certainly too little, with what would fit, or if there is no such card; 1 if it does not answer.
pub fn hold(e: &Experiment, device: Device, runs: usize) -> Result<()> {
    match device::memory(device)? {
        Some(memory) => hold_in(e, device, runs, memory),
        None => Ok(()),
    }
}

/// [`hold`] with the card's answer.
///
/// # Errors
/// As there.
pub fn hold_in(e: &Experiment, device: Device, runs: usize, memory: CardMemory) -> Result<()> {
    let (need, free) = (CardNeed::on_average(e, memory.total), memory.free as f64);
    let (single, name) = (need.least(), &e.name);
    if single * runs as f64 <= free {
        return Ok(());
    }
    let fault = if runs > 1 && single <= free {
        let fit = (free / single) as usize;
        Fault::invalid(format!("`{name}` needs more memory than {device} has for {runs} at the same time"))
            .help(format!("at most {fit} on each card (`--jobs`)"))
    } else {
        Fault::invalid(format!("`{name}` needs more memory than {device} has")).help(help(e, memory))
    };
    let parts = need.parts().into_iter().filter(|(bytes, _)| *bytes > 0.01 * single);
    let parts: Vec<String> = parts.map(|(bytes, of)| format!("{} {of}", size(bytes))).collect();
    Err(fault.found(format!("at least {} at once, of {}", size(single), parts.join(", "))).expected(format!(
        "at most what is free of its {}: {}",
        size(memory.total as f64),
        size(free)
    )))
}

/// What would fit, or what would have to be smaller.
pub fn help(e: &Experiment, memory: CardMemory) -> String {
    match fitting(e, memory) {
        Some(clips) => format!("`train.micro_batch: {clips}` fits, and gives the same result up to rounding"),
        None if fit(e, CardMemory { free: memory.total, ..memory }) != Fit::Not => {
            "it would fit if nothing else used the card: `nvidia-smi` shows what does".into()
        }
        None => "a smaller `model` or `vocab` needs less, smaller parts of a batch do not suffice".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::overrides::apply;
    use crate::manifest::testing::small;

    fn with(settings: &[&str]) -> Experiment {
        settings.iter().fold(small(), |e, setting| apply(&e, setting).unwrap())
    }

    fn card(gigabytes: f64) -> CardMemory {
        CardMemory { free: (gigabytes * 1e9) as usize, total: 80_000_000_000 }
    }

    /// As large as what was published: 96 million parameters, 64 clips of 136 input and 136 target tokens on average.
    fn published() -> Experiment {
        with(&[
            "modalities[0].vocab=50304",
            "modalities[0].length=1149",
            "model=(dim: 512, enc_depth: 6, dec_depth: 6, head_dim: 64)",
            "masking=(input_tokens: (16, 256), target_tokens: (16, 256))",
            "train.batch=64",
            "train.tokens=600000000",
            "train.tokens_per_sample=512",
        ])
    }

    #[test]
    fn the_arithmetic_layer_by_layer() {
        let mut e =
            with(&["model=(dim: 32, enc_depth: 2, dec_depth: 3, head_dim: 8)", "modalities[0].vocab=100"]);
        e.train.batch = 8;
        let config = Config::new(&e.modalities, &e.model);
        let need = CardNeed::new(&config, (10.0, 7.0), 5, 1 << 30);
        let encoder_layer = 96 + 32 + 32 + 128 + 32 + 4 + 4;
        let decoder_layer = (96 + 32 + 32) + (32 + 32 + 32) + (128 + 32) + 2 * 4 + 6;
        let inputs = 10 * (3 * 32 + 2 + 2 * encoder_layer + 3 * (64 + 2));
        let targets = 7 * (2 * 32 + 2 + 3 * decoder_layer);
        assert_eq!(need.activations, 4.0 * f64::from(inputs + targets));
        // All seven rows at once: the card has room for thousands.
        assert_eq!(need.loss, 4.0 * f64::from(7 * (100 + 32) + 7 * 32 + 100 * 32));
        let parameters = config.parameters() as f64;
        assert_eq!((need.model, need.gradient, need.copies), (12.0 * parameters, 4.0 * parameters, 3.0));
        assert_eq!(need.workspace, 33_554_432.0);
        let (held, step) = (need.model + need.workspace, need.activations + need.loss);
        assert_eq!(need.least(), held + 2.0 * need.gradient + need.gradient.max(step));
        assert_eq!(need.most(), held + 3.0 * need.gradient + step);
        // On a card with room for eight rows of logits only those count.
        let narrow = CardNeed::new(&config, (10.0, 70.0), 1, 0);
        assert_eq!(narrow.loss, 4.0 * f64::from(8 * (100 + 32) + 70 * 32 + 100 * 32));
    }

    #[test]
    fn the_published_size_takes_six_gigabytes_and_its_largest_step_little_more() {
        let e = published();
        let need = CardNeed::on_average(&e, 80_000_000_000);
        let large = CardNeed::at_its_largest(&e, 64, 80_000_000_000);
        assert!((5e9..7e9).contains(&need.least()), "{need:?}");
        assert!(large.most() > need.most() && large.most() < 1.5 * need.most(), "{large:?}");
        assert_eq!(fit(&e, card(80.0)), Fit::Surely);
        assert_eq!(fit(&e, card((need.least() + large.most()) / 2e9)), Fit::OnAverage);
        assert_eq!(fit(&e, card(need.least() / 1.01e9)), Fit::Not);
    }

    #[test]
    fn tokens_of_budgets_shares_and_whole_directions() {
        let e = small();
        let (inputs, targets) = Tokens::of(&e.modalities, &e.masking);
        assert_eq!(
            (inputs, targets),
            (Tokens { mean: 5.0, variance: 3.0 }, Tokens { mean: 5.0, variance: 3.0 })
        );
        let e = with(&["masking=(ratio: (input: 0.5, target: 0.25))"]);
        let (inputs, targets) = Tokens::of(&e.modalities, &e.masking);
        assert_eq!((inputs.mean, targets.mean, targets.variance), (15.5, 7.75, 0.0));
        let direction = "directions: [(inputs: [\"a@16\"], targets: [\"b@9\"], share: 0.5)]";
        let e = with(&[&format!("masking=(input_tokens: (2, 8), target_tokens: (2, 8), {direction})")]);
        let (inputs, _) = Tokens::of(&e.modalities, &e.masking);
        // Half 16, half about 5: mean 10.5, variance (256 + 25 + 3) / 2 − 10.5².
        assert_eq!(inputs, Tokens { mean: 10.5, variance: 31.75 });
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let e = published();
        let refused = |e: &Experiment, runs, gigabytes| {
            let fault = hold_in(e, Device::Cuda(1), runs, card(gigabytes)).unwrap_err();
            assert_eq!(fault.exit, crate::fault::Exit::Invalid);
            fault
        };
        assert_eq!(hold_in(&e, Device::Cuda(1), 1, card(8.0)), Ok(()));
        let fault = refused(&e, 1, 4.0);
        let said = fault.help.clone().unwrap();
        assert!(fault.to_string().contains("cuda:1") && fault.to_string().contains("activations"), "{fault}");
        let clips: usize = said.split([' ', '`']).find_map(|word| word.parse().ok()).expect(&said);
        let smaller = apply(&e, &format!("train.micro_batch={clips}")).unwrap();
        assert!(clips < 64 && fit(&smaller, card(4.0)) == Fit::Surely, "{said}");
        // The next larger half would not surely do.
        assert_ne!(
            fit(&apply(&e, &format!("train.micro_batch={}", 2 * clips)).unwrap(), card(4.0)),
            Fit::Surely
        );

        assert!(refused(&e, 3, 14.0).help.unwrap().contains("at most 2 on each card"));
        assert!(refused(&apply(&e, "model.dim=16384").unwrap(), 1, 79.0)
            .help
            .unwrap()
            .contains("a smaller `model`"));
        assert!(refused(&e, 1, 0.5).help.unwrap().contains("nothing else used the card"));
    }

    #[test]
    fn the_cpu_is_not_asked() {
        assert_eq!(hold(&small(), Device::Cpu, 1000), Ok(()));
    }
}
