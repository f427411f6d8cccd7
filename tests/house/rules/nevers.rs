//! Who never imports whom, whatever floor they stand on.

use crate::source::{Named, Source, Sources};
use crate::{plant, Rule, Violation};

/// Uses of what `forbidden` says, with what is said about them.
fn forbid(sources: &Sources, forbidden: impl Fn(&Source, &Named) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources.program() {
        let said = source.names.iter().filter_map(|n| Some((n.line, forbidden(source, n)?)));
        found.extend(said.map(|(line, what)| Violation { path: source.path.clone(), line, what }));
    }
    found.dedup();
    found
}

fn path(name: &Named) -> String {
    name.path.join("::")
}

pub const TABLES_WITHOUT_TENSORS: Rule = Rule {
    name: "tables rebuild from records where there is no tensor library",
    find: |sources| {
        const TABLES: [&str; 6] = ["report", "record", "metrics", "stats", "verify", "interop"];
        const TENSORS: [&str; 7] = ["model", "train", "probes", "device", "ops", "decode", "collective"];
        forbid(sources, |source, name| {
            let room = name.room(sources).unwrap_or_default();
            let tensors = TENSORS.contains(&room) || name.within("dfdx") || name.within("cudarc");
            (TABLES.contains(&source.room()) && tensors).then(|| format!("imports `{}`", path(name)))
        })
    },
    seen: &[
        plant("report/mod.rs", "use crate::model::Config;", "crate::model::Config"),
        plant("stats/estimate.rs", "fn f() { dfdx::tensor::Cpu::default() }", "dfdx::tensor"),
        plant("record/mod.rs", "use super::{stats, probes::{self}};", "crate::probes"),
        plant("verify/mod.rs", "use crate::ops as o;", "crate::ops"),
    ],
    unseen: &[("report/mod.rs", "use crate::record; #[cfg(test)] mod more { use crate::model; }")],
};

/// Pairs that meet in a file on disk or through a caller only.
const STRANGERS_TO: [(&str, &[&str]); 4] = [
    // Of `store` the model may use the reader and writer of tensors: a file, not a run.
    ("model", &["train", "data", "store"]),
    ("train", &["probes", "report"]),
    ("probes", &["train"]),
    ("cli", &["ops", "train", "probes"]),
];

pub const STRANGERS: Rule = Rule {
    name: "these never import each other",
    find: |sources| {
        forbid(sources, |source, name| {
            let room = name.room(sources)?;
            let never = STRANGERS_TO.iter().find(|(who, _)| *who == source.room())?.1;
            let tensors = source.room() == "model" && name.within("crate::store::tensors");
            (never.contains(&room) && !tensors).then(|| format!("imports `{}`", path(name)))
        })
    },
    seen: &[
        plant("model/mod.rs", "use crate::train::x;", "crate::train"),
        plant("model/mod.rs", "use crate::data::Dataset;", "crate::data"),
        plant("model/mod.rs", "use crate::store::{tensors, RunDir};", "crate::store::RunDir"),
        plant("train/mod.rs", "use crate::{rng, probes::x};", "crate::probes"),
        plant("train/mod.rs", "use crate::report::x;", "crate::report"),
        plant("probes/mod.rs", "fn f() { crate::train::train() }", "crate::train"),
        plant("cli/mod.rs", "use crate::ops::x;", "crate::ops"),
        plant("cli/mod.rs", "use crate::probes::x;", "crate::probes"),
    ],
    unseen: &[
        ("model/mod.rs", "use crate::store::tensors::read;"),
        ("cli/mod.rs", "#[cfg(test)] mod more { use crate::ops::x; }"),
    ],
};

/// Libraries and the only places that may know them.
const LIBRARIES_OF: [(&str, &[&str]); 4] = [
    ("candle", &["media/pretrained"]),
    ("cudarc", &["device", "ops", "collective"]),
    ("dfdx", &["device", "ops", "model"]),
    // One struct for the file and the flags of what is asked of Slurm.
    ("clap", &["cli", "ablation/slurm/profile"]),
];

pub const LIBRARIES: Rule = Rule {
    name: "a heavy library is known in few places",
    find: |sources| {
        forbid(sources, |source, name| {
            let first = &name.path[0];
            let library = |library: &str| first == library || first.starts_with(&format!("{library}_"));
            let (_, places) = LIBRARIES_OF.iter().find(|(name, _)| library(name))?;
            let allowed = places.iter().any(|place| source.within(place));
            (!allowed).then(|| format!("imports `{}`, which only {} may", path(name), places.join(", ")))
        })
    },
    seen: &[
        plant("train/mod.rs", "use candle_core::Tensor;", "media/pretrained"),
        plant("media/image.rs", "use candle::Tensor;", "media/pretrained"),
        plant("model/mod.rs", "fn f() { cudarc::driver::x() }", "device, ops, collective"),
        plant("cli/mod.rs", "use dfdx::tensor::Cpu;", "dfdx::tensor"),
        plant("stats/mod.rs", "use clap::Args;", "cli"),
    ],
    unseen: &[
        ("media/pretrained/encodec.rs", "use candle_core::Tensor;"),
        ("cli/mod.rs", "use clap::Args;"),
        ("ops/mod.rs", "use cudarc::driver::x;"),
    ],
};
