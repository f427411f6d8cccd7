//! What a run needs of memory, before anything of it is taken.
//!
//! The estimate is a lower bound: what is certainly held at once. It is there to refuse what cannot work, not
//! to say how much a run will take.

use crate::architecture::Config;
use crate::device::Device;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Experiment;
use crate::modality::Modality;

/// Bytes that are needed at least; no number in a manifest makes it overflow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Weights, gradients and both moments of the optimizer.
    pub model: f64,
    /// What the forward pass leaves for the backward pass, of one part of a batch.
    pub activations: f64,
    /// Data that are made, not read.
    pub data: f64,
}

impl Need {
    /// Of a whole run.
    pub fn of(e: &Experiment) -> Need {
        Need { model: model(e), activations: activations(e), data: data(e) }
    }

    /// Of the data alone.
    pub fn of_data(e: &Experiment) -> Need {
        Need { model: 0.0, activations: 0.0, data: data(e) }
    }

    pub fn bytes(&self) -> f64 {
        self.model + self.activations + self.data
    }
}

fn model(e: &Experiment) -> f64 {
    let config = Config::new(&e.modalities, &e.model);
    // Rows of the vocabulary that never occur cost nothing but their weights.
    let vocabulary = config.vocab() as f64 * config.dim as f64;
    let layers = (config.parameters() as f64 - 2.0 * vocabulary).max(0.0);
    4.0 * (4.0 * layers + vocabulary)
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
    // The rest lies on the device.
    let here = if device == Device::Cpu { *need } else { Need { activations: 0.0, ..*need } };
    let Some((available, what)) = available() else { return Ok(()) };
    if here.bytes() <= available {
        return Ok(());
    }
    let mut parts = Vec::new();
    for (bytes, of) in [
        (here.model, "parameters with gradients and moments"),
        (here.activations, "activations"),
        (here.data, "synthetic data"),
    ] {
        if bytes > 0.01 * here.bytes() {
            parts.push(format!("{} {of}", size(bytes)));
        }
    }
    let largest = here.model.max(here.activations).max(here.data);
    let help = match largest {
        x if x == here.data => "fewer `data.synthetic.clips` or rows need less",
        x if x == here.activations => {
            "a smaller `train.micro_batch` needs less, and gives the same result up to rounding"
        }
        _ => "a smaller `model` or `vocab` needs less",
    };
    Err(Fault::invalid(format!("`{}` needs more memory than there is", e.name))
        .found(format!("at least {} ({})", size(here.bytes()), parts.join(", ")))
        .expected(format!("at most {}, {what}", size(available)))
        .help(format!("{help}; `nano4m check --elsewhere` checks for another machine")))
}

fn size(bytes: f64) -> String {
    let gigabytes = bytes / 1e9;
    match gigabytes {
        x if x < 0.1 => format!("{:.0} MB", bytes / 1e6),
        x if x < 10.0 => format!("{x:.1} GB"),
        x if x < 1e6 => format!("{x:.0} GB"),
        x => format!("{x:.0e} GB"),
    }
}

/// Bytes this process may use, and what says so: the machine, its group of processes, or its own limit.
fn available() -> Option<(f64, &'static str)> {
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
        assert!(need.model > 4.0 * parameters / 2.0 && need.model <= 16.0 * parameters);
        // 512 + 64 + 128 clips of 2 rows of 16 + 9 ids.
        assert!(need.data >= 4.0 * 704.0 * 2.0 * 25.0);
    }
}
