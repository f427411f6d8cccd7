//! Who never imports whom, whatever floor they stand on.

use crate::source::{Named, Source, Sources};
use crate::{plant, Rule, Violation};
use std::collections::BTreeMap;

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
        const TENSORS: [&str; 6] = ["model", "train", "probes", "ops", "decode", "collective"];
        let tensors = |room: &str| TENSORS.contains(&room);
        let needed = needed(sources, &tensors);
        forbid(sources, |source, name| {
            let way = needed.get(source.room())?;
            let room = name.room(sources).unwrap_or_default();
            let heavy = tensors(room) || name.within("dfdx") || name.within("cudarc");
            heavy.then(|| format!("imports `{}`, and tables need {}", path(name), way.join(" → ")))
        })
    },
    seen: &[
        plant("report/mod.rs", "use crate::model::Config;", "crate::model::Config"),
        plant("stats/estimate.rs", "fn f() { dfdx::tensor::Cpu::default() }", "dfdx::tensor"),
        plant("record/mod.rs", "use super::{stats, probes::{self}};", "crate::probes"),
        plant("verify/mod.rs", "use crate::ops as o;", "crate::ops"),
        plant("stats/mod.rs", "fn f() { ::dfdx::tensor::Cpu::default() }", "dfdx::tensor"),
        // What tables import imports it.
        plant("manifest/mod.rs", "use crate::model::Config;", "report → manifest"),
        plant("architecture.rs", "use crate::ops::x;", "report → architecture"),
        plant("store/mod.rs", "use dfdx::tensor::Cpu;", "→ store"),
        plant("digest.rs", "use dfdx::prelude::*;", "→ digest"),
    ],
    unseen: &[
        ("report/mod.rs", "use crate::record; #[cfg(test)] mod more { use crate::model; }"),
        ("train/mod.rs", "use crate::model::network;"),
    ],
};

/// The modules that tables are made with, and those that these import, and so on: each with a shortest
/// way to it. What is `heavy` itself is no way on: importing it is what the rule is about.
fn needed<'a>(sources: &'a Sources, heavy: &dyn Fn(&str) -> bool) -> BTreeMap<&'a str, Vec<&'a str>> {
    const TABLES: [&str; 6] = ["report", "record", "metrics", "stats", "verify", "interop"];
    let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut open: Vec<Vec<&str>> = TABLES.iter().rev().map(|table| vec![*table]).collect();
    while let Some(way) = open.pop() {
        let room = way[way.len() - 1];
        if ways.contains_key(room) {
            continue;
        }
        ways.insert(room, way.clone());
        let files = sources.program().filter(|source| source.room() == room);
        let next = files.flat_map(|source| source.names.iter().filter_map(|n| n.room(sources)));
        for next in next.filter(|next| !heavy(next) && *next != "lib") {
            open.insert(0, [way.as_slice(), &[next]].concat());
        }
    }
    ways
}

/// Pairs that meet in a file on disk or through a caller only.
const STRANGERS_TO: [(&str, &[&str]); 4] = [
    // Of `store` the model may use the reader and writer of tensors: a file, not a run.
    ("model", &["train", "data", "store"]),
    ("train", &["probes", "report"]),
    ("probes", &["train"]),
    // Of `ops` the command line may use the name of a device, no operation.
    ("cli", &["ops", "train", "probes"]),
];

pub const STRANGERS: Rule = Rule {
    name: "these never import each other",
    find: |sources| {
        forbid(sources, |source, name| {
            let room = name.room(sources)?;
            let never = STRANGERS_TO.iter().find(|(who, _)| *who == source.room())?.1;
            const EXCUSED: [(&str, &str); 2] =
                [("model", "crate::store::tensors"), ("cli", "crate::ops::device")];
            let excused = EXCUSED.iter().any(|(who, what)| *who == source.room() && name.within(what));
            (never.contains(&room) && !excused).then(|| format!("imports `{}`", path(name)))
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
        ("cli/mod.rs", "use crate::ops::device::{Device, Kernels};"),
        ("cli/mod.rs", "#[cfg(test)] mod more { use crate::ops::x; }"),
    ],
};

/// Libraries and the only places that may know them.
const LIBRARIES_OF: [(&str, &[&str]); 4] = [
    ("candle", &["media/pretrained"]),
    ("cudarc", &["ops", "collective"]),
    ("dfdx", &["ops", "model"]),
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
        plant("model/mod.rs", "fn f() { cudarc::driver::x() }", "ops, collective"),
        plant("cli/mod.rs", "use dfdx::tensor::Cpu;", "dfdx::tensor"),
        plant("stats/mod.rs", "use clap::Args;", "cli"),
    ],
    unseen: &[
        ("media/pretrained/encodec.rs", "use candle_core::Tensor;"),
        ("cli/mod.rs", "use clap::Args;"),
        ("ops/mod.rs", "use cudarc::driver::x;"),
    ],
};
