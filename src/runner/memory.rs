//! What a run needs of memory, before anything of it is taken.
//!
//! The estimate is a lower bound: what is certainly held at once. It is there to refuse what cannot work, not
//! to say how much a run will take.

use crate::architecture::Config;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Experiment, Probe, Softmax};
use crate::modality::Modality;
use crate::place::Device;

/// Bytes that are needed at least; no number in a manifest makes it overflow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Weights and both moments of the optimizer.
    pub model: f64,
    /// The moments once more, while they are written: on the host, wherever the model is.
    pub checkpoint: f64,
    /// Gradients.
    pub gradients: f64,
    /// What the forward pass leaves for the backward pass, of one part of a batch.
    pub activations: f64,
    /// Data that are made, not read.
    pub data: f64,
    /// Similarities of all pairs of clips of a gallery, on the host.
    pub probes: f64,
}

impl Need {
    /// Of a whole run.
    pub fn of(e: &Experiment) -> Need {
        let config = Config::new(&e.modalities, &e.model);
        let all = config.parameters() as f64;
        let vocabulary = config.vocab() as f64 * config.dim as f64;
        // Of ids that never occur the embedding has no gradient, and the moments' memory is not touched. With one
        // softmax over all ids the logits have one of each.
        let untouched = if e.model.softmax == Softmax::Unified { vocabulary } else { 2.0 * vocabulary };
        let touched = (all - untouched).max(0.0);
        Need {
            model: 4.0 * (all + 2.0 * touched),
            checkpoint: 8.0 * all,
            gradients: 4.0 * touched,
            activations: activations(e),
            ..Need::of_data(e)
        }
        .with_probes(e, e.data.synthetic.as_ref().map(|synthetic| synthetic.clips.2))
    }

    /// Of measuring a model that is there, on so many test clips, if that is known.
    pub fn of_measuring(e: &Experiment, test_clips: Option<usize>) -> Need {
        let parameters = Config::new(&e.modalities, &e.model).parameters() as f64;
        Need { model: 4.0 * parameters, ..Need::of_data(e) }.with_probes(e, test_clips)
    }

    fn with_probes(self, e: &Experiment, test_clips: Option<usize>) -> Need {
        let of = |probe: &Probe| match probe {
            Probe::Retrieval { gallery: 0, .. } => 8.0 * (test_clips.unwrap_or(0) as f64).powi(2),
            Probe::Retrieval { gallery, .. } => 8.0 * (*gallery as f64).powi(2),
            _ => 0.0,
        };
        Need { probes: e.probes.iter().map(of).fold(0.0, f64::max), ..self }
    }

    /// Of the data alone.
    pub fn of_data(e: &Experiment) -> Need {
        Need { model: 0.0, checkpoint: 0.0, gradients: 0.0, activations: 0.0, data: data(e), probes: 0.0 }
    }

    /// On the host of a device; the rest lies on the device.
    fn on(self, device: Device) -> Need {
        match device {
            Device::Cpu => self,
            _ => Need { model: 0.0, gradients: 0.0, activations: 0.0, ..self },
        }
    }

    /// A step, a checkpoint and the probes follow each other.
    pub fn bytes(&self) -> f64 {
        let most = self.checkpoint.max(self.gradients + self.activations).max(self.probes);
        self.model + self.data + most
    }
}

fn activations(e: &Experiment) -> f64 {
    let total: f64 = e.modalities.iter().map(|m| m.length as f64).sum();
    let mean = |(low, high): (usize, usize), share: Option<f64>| match share {
        Some(share) => share * total,
        None => ((low as f64 + high as f64) / 2.0).min(total),
    };
    let ratio = e.masking.ratio;
    let inputs = mean(e.masking.input_tokens, ratio.map(|r| r.input));
    let targets = mean(e.masking.target_tokens, ratio.map(|r| r.target));
    let dim = e.model.dim as f64;
    // Of a token in a layer: its stream, norm, keys, queries, values, what attention made of them, and the hidden
    // units.
    let layer = 6.0 * dim + dim * e.model.mlp_ratio;
    let tokens = inputs * e.model.enc_depth as f64 + targets * e.model.dec_depth as f64;
    let clips = e.train.micro_batch.unwrap_or(e.train.batch) as f64;
    4.0 * clips * tokens * layer
}

fn data(e: &Experiment) -> f64 {
    let Some(synthetic) = &e.data.synthetic else { return 0.0 };
    let tokens = |m: &Modality| if m.text.is_some() { 0.0 } else { m.length as f64 };
    let row: f64 = e.modalities.iter().map(tokens).sum();
    let (train, eval, test) = synthetic.clips;
    let clips = train as f64 + eval as f64 + test as f64;
    // A clip's name and class beside its rows; one prototype of every modality for each class.
    4.0 * (clips * (synthetic.rows as f64 * row + 32.0) + synthetic.classes as f64 * row)
}

/// Holds what is needed against what there is.
///
/// # Errors
/// Exit 2 if there is certainly too little.
pub fn hold(need: &Need, e: &Experiment, device: Device) -> Result<()> {
    hold_all(need, 1, e, device)
}

/// [`hold`], of `runs` at the same time that all need as much.
///
/// # Errors
/// As [`hold`].
pub fn hold_all(need: &Need, runs: usize, e: &Experiment, device: Device) -> Result<()> {
    let need = need.on(device);
    let Some((available, what)) = available() else { return Ok(()) };
    if need.bytes() * runs as f64 <= available {
        return Ok(());
    }
    let step = need.gradients + need.activations;
    let largest = need.model.max(need.activations).max(need.data).max(need.probes);
    let help = match largest {
        x if x == need.data => "fewer `data.synthetic.clips` or rows need less",
        x if x == need.probes => "a smaller `gallery` of `Retrieval` needs less",
        x if x == need.activations => {
            "a smaller `train.micro_batch` needs less, and gives the same result up to rounding"
        }
        _ => "a smaller `model` or `vocab` needs less",
    };
    let (name, single) = (&e.name, need.bytes());
    let fault = if runs > 1 && single <= available {
        let fit = (available / single) as usize;
        Fault::invalid(format!("`{name}` needs more memory than there is for {runs} at the same time"))
            .help(format!("--jobs {fit}"))
    } else {
        Fault::invalid(format!("`{name}` needs more memory than there is"))
            .help(format!("{help}; `nano4m check MANIFEST --elsewhere` checks for another machine"))
    };
    let during = if need.probes > step.max(need.checkpoint) {
        [(need.probes, "similarities of a retrieval"), (0.0, "")]
    } else if step > need.checkpoint {
        [(need.gradients, "gradients"), (need.activations, "activations")]
    } else {
        [(need.checkpoint, "a checkpoint"), (0.0, "")]
    };
    let all = [(need.model, "parameters and moments"), (need.data, "synthetic data")];
    let parts = all.into_iter().chain(during).filter(|(bytes, _)| *bytes > 0.01 * single);
    let parts: Vec<String> = parts.map(|(bytes, of)| format!("{} {of}", size(bytes))).collect();
    Err(fault
        .found(format!("at least {} ({})", size(single), parts.join(", ")))
        .expected(format!("at most {}, {what}", size(available))))
}

/// As it is said: `6.4 GB`.
pub fn size(bytes: f64) -> String {
    let gigabytes = bytes / 1e9;
    match gigabytes {
        x if x < 0.1 => format!("{:.0} MB", bytes / 1e6),
        x if x < 10.0 => format!("{x:.1} GB"),
        x if x < 1e6 => format!("{x:.0} GB"),
        x => format!("{x:.0e} GB"),
    }
}

/// Bytes this process may use, and what says so: the machine, its group of processes, or its own limit.
pub fn available() -> Option<(f64, &'static str)> {
    let number = |text: String| text.trim().parse::<f64>().ok();
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| {
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        // Kilobytes.
        Some(1024.0 * (of("MemTotal:")? + of("SwapTotal:").unwrap_or(0.0)))
    });
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = group.into_iter().find_map(|path| read(path).and_then(number));
    let limits = [
        (machine, "the memory of this machine"),
        (group, "the limit of this container"),
        (own_limit(), "the limit of this process (`ulimit -v`)"),
    ];
    limits.into_iter().filter_map(|(bytes, what)| Some((bytes?, what))).min_by(|a, b| a.0.total_cmp(&b.0))
}

fn own_limit() -> Option<f64> {
    // SAFETY: `limit` is written before it is read.
    let limit = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        (libc::getrlimit(libc::RLIMIT_AS, &mut limit) == 0).then_some(limit.rlim_cur)
    };
    limit.filter(|&bytes| bytes != libc::RLIM_INFINITY).map(|bytes| bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::overrides::apply;
    use crate::manifest::testing::small;

    #[test]
    fn what_cannot_fit_is_refused_with_what_takes_it() {
        let e = small();
        assert_eq!(hold(&Need::of(&e), &e, Device::Cpu), Ok(()));
        for (settings, part) in [
            (["data.synthetic.rows=1000000", "data.synthetic.clips=(100000000, 9, 9)"], "synthetic data"),
            (["model.enc_depth=1000", "train.batch=1000000"], "activations"),
            (["model.enc_depth=1000", "model.dim=65536"], "parameters"),
            (
                ["data.synthetic.clips=(9, 9, 900000)", "probes=[Retrieval(pairs: [(\"a@16\", \"b@9\")])]"],
                "similarities",
            ),
        ] {
            let e = settings.iter().fold(small(), |e, setting| apply(&e, setting).unwrap());
            let fault = hold(&Need::of(&e), &e, Device::Cpu).unwrap_err();
            assert_eq!(fault.exit, crate::fault::Exit::Invalid);
            assert!(fault.found.unwrap().contains(part), "{settings:?}");
        }
    }

    #[test]
    fn the_estimate_is_a_lower_bound_of_what_is_counted() {
        let e = small();
        let need = Need::of(&e);
        let parameters = Config::new(&e.modalities, &e.model).parameters() as f64;
        assert!(need.model > 4.0 * parameters && need.model <= 12.0 * parameters);
        assert!(need.bytes() <= 20.0 * parameters + need.data + need.activations);
        // 512 + 64 + 128 clips of 2 rows of 16 + 9 ids.
        assert!(need.data >= 4.0 * 704.0 * 2.0 * 25.0);
    }

    /// Measured with `modalities[0].vocab=1048576`, a dim of 64, and little else: 3.3 GB.
    #[test]
    fn a_large_vocabulary_counts_in_the_logits_their_moments_and_the_checkpoint() {
        let wide = ["modalities[0].vocab=1048576", "model.dim=64", "model.head_dim=32"];
        let mut e = wide.iter().fold(small(), |e, setting| apply(&e, setting).unwrap());
        let need = Need::of(&e).bytes();
        assert!((2.1e9..3.3e9).contains(&need), "{need}");
        e.model.softmax = Softmax::Restricted;
        assert!(Need::of(&e).bytes() < need);
        assert!(Need::of(&e).on(Device::Cuda(0)).bytes() < need / 2.0);
    }

    #[test]
    fn runs_at_the_same_time_are_held_together() {
        let e = small();
        let runs = 1_000_000_000;
        let fault = hold_all(&Need::of(&e), runs, &e, Device::Cpu).unwrap_err();
        assert!(fault.what.contains("at the same time"), "{fault}");
        assert!(fault.help.unwrap().starts_with("--jobs "));
    }
}
