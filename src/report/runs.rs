//! The runs a report is made from: finished ones, grouped by what differs only in its seeds.

use crate::digest::{sha256_hex, Hasher};
use crate::fault::{Fault, Result};
use crate::manifest::changed::changed;
use crate::manifest::schema::{Claim, Probe};
use crate::manifest::syntax::{self, Kind, Node};
use crate::manifest::text;
use crate::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow;
use crate::metrics::memorization::MemorizationRow;
use crate::metrics::{rows, ScoreRow};
use crate::modality::short_names;
use crate::record::{ModalityInfo, Record, Seal};
use crate::report::left_out::LeftOut;
use crate::report::table::Origin;
use crate::store::{self, RunDir};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    pub path: PathBuf,
    /// Name of its directory.
    pub directory: String,
    pub record: Record,
    /// Hash of the manifest without names, seeds, pins and paths; 16 hex digits.
    pub manifest: String,
    /// What the manifest claimed before training.
    pub claims: Vec<Claim>,
    /// What `--set` changed of the manifest, as `path=value`.
    pub changed: Vec<String>,
}

/// Runs that differ only in their seeds, ascending by seeds; no two of them are one trained model.
#[derive(Clone, Debug)]
pub struct Group {
    /// Name in the tables; unique.
    pub label: String,
    pub runs: Vec<Run>,
}

impl Run {
    /// The seed as tables show it: one number where all four agree.
    pub fn seed(&self) -> String {
        let seeds = self.record.seeds;
        let four = [seeds.init, seeds.data, seeds.masking, seeds.probes];
        if four.iter().all(|seed| *seed == four[0]) {
            four[0].to_string()
        } else {
            four.map(|seed| seed.to_string()).join("/")
        }
    }

    /// Where its numbers come from, for the head of a table.
    pub fn origin(&self) -> Origin {
        let record = &self.record;
        let seeds = record.seeds;
        let drift = if record.drift.is_empty() {
            "none".into()
        } else {
            record.drift.join(";").replace(char::is_whitespace, "_")
        };
        Origin {
            run: self.directory.clone(),
            code: record.code_hash.clone(),
            data: record.data_hash.clone(),
            manifest: self.manifest.clone(),
            seeds: format!("{}/{}/{}/{}", seeds.init, seeds.data, seeds.masking, seeds.probes),
            drift,
        }
    }

    /// What the keys of `probe` do not say about what was measured, from the manifest: two runs are compared on them
    /// only where this is the same.
    pub fn setup(&self, probe: &str) -> Option<String> {
        let manifest = store::regular::read_own_text(self.path.join("resolved.ron")).ok()?;
        let experiment = text::parse(&manifest).ok()?;
        experiment.probes.iter().find_map(|measured| match measured {
            Probe::Memorization { modality, given, .. } if probe == MemorizationRow::PROBE => {
                Some(format!("{modality} given {}", given.join("+")))
            }
            Probe::ForwardVsAutoregressive { input, target, .. }
                if probe == ForwardVsAutoregressiveRow::PROBE =>
            {
                Some(format!("{target} given {input}"))
            }
            _ => None,
        })
    }

    /// Per-example rows of one probe; `None` when it was not run.
    ///
    /// # Errors
    /// If the file is not the one that was recorded.
    pub fn examples<R: ScoreRow>(&self) -> Result<Option<Vec<R>>> {
        let rows = rows::read::<R>(&self.path)?;
        if rows.is_some() {
            self.check_digest(R::FILE)?;
        }
        Ok(rows)
    }

    fn check_digest(&self, file: &str) -> Result<()> {
        let Some(recorded) = self.record.files.iter().find(|f| f.path == file) else { return Ok(()) };
        check_digest(&self.path.join(file), &recorded.sha256)
    }
}

/// Whether a report uses this file of a run.
pub fn used(file: &str) -> bool {
    file.starts_with("probes/") || ["resolved.ron", "metrics.csv", "eval.csv"].contains(&file)
}

fn check_digest(path: &Path, recorded: &str) -> Result<()> {
    let bytes = store::regular::read_own(path).map_err(|e| store::regular::fault("read", path, &e))?;
    let found = sha256_hex(&bytes);
    if found == recorded {
        return Ok(());
    }
    let scores = path.parent().is_some_and(|folder| folder.ends_with("probes"));
    let what = if scores { "per-example scores were changed" } else { "a file was changed" };
    Err(Fault::failed(format!("{what} after the run was recorded"))
        .at(path.display().to_string())
        .found(found)
        .expected(recorded)
        .help("restore the file, or evaluate the run again"))
}

impl Group {
    /// What the manifest declares.
    pub fn modalities(&self) -> &[ModalityInfo] {
        &self.runs[0].record.modalities
    }

    /// What `--set` changed of the manifest for all of its runs.
    pub fn changed(&self) -> Vec<&str> {
        changed_for_all(&self.runs)
    }

    /// Modalities joined by `+` as tables name them: short where that names one modality only.
    pub fn names(&self, joined: &str) -> String {
        let name = |full: &str| {
            let short = short_names(full);
            let alike = self.modalities().iter().filter(|m| m.short == short).count();
            if alike > 1 {
                full.to_string()
            } else {
                short
            }
        };
        joined.split('+').map(name).collect::<Vec<_>>().join("+")
    }

    /// A direction `a+b->c` likewise: `a+b → c`.
    pub fn direction(&self, joined: &str) -> String {
        joined.split("->").map(|side| self.names(side)).collect::<Vec<_>>().join(" → ")
    }
}

/// What `--set` changed of the manifest for all of these runs, as `path=value`.
pub fn changed_for_all(runs: &[Run]) -> Vec<&str> {
    let Some((first, others)) = runs.split_first() else { return vec![] };
    let shared = |change: &&str| others.iter().all(|run| run.changed.iter().any(|c| c == change));
    first.changed.iter().map(String::as_str).filter(shared).collect()
}

/// Where the numbers of all runs come from.
pub fn origins(groups: &[Group]) -> Vec<Origin> {
    groups.iter().flat_map(|g| &g.runs).map(Run::origin).collect()
}

/// Which finished runs to take.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// The last attempt of each.
    All,
    /// The last attempt of each that was made for no ablation.
    Experiments,
    /// The directories of these names, every attempt counting as itself.
    Only(&'a [String]),
}

/// Finished runs, and those that cannot be used.
#[derive(Debug)]
pub struct Loaded {
    pub groups: Vec<Group>,
    /// Of another version of the program, or damaged; each with what is wrong.
    refused: Vec<(LeftOut, Fault)>,
}

impl Loaded {
    /// Runs of another version, and damaged ones.
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.refused.iter().map(|(run, _)| run.clone()).collect()
    }

    /// The groups, where nothing may be left out.
    ///
    /// # Errors
    /// If a run is of another version, or damaged.
    pub fn whole(self) -> Result<Vec<Group>> {
        match self.refused.into_iter().next() {
            Some((_, fault)) => Err(fault),
            None => Ok(self.groups),
        }
    }
}

/// Finished runs under `root`, grouped.
///
/// # Errors
/// If the folder cannot be listed. A run that is damaged or of another version is [left out](Loaded::left_out).
pub fn load(root: &Path, choice: Choice) -> Result<Loaded> {
    let mut newest: BTreeMap<(String, String), RunDir> = BTreeMap::new();
    for dir in store::list(root)?.into_iter().filter(RunDir::finished) {
        match choice {
            Choice::Only(names) if !names.contains(&dir.id.directory()) => {}
            Choice::Only(_) => drop(newest.insert((dir.id.directory(), String::new()), dir)),
            Choice::All | Choice::Experiments => {
                let key = (dir.id.name.clone(), dir.id.id.clone());
                if newest.get(&key).is_none_or(|old| old.id.attempt < dir.id.attempt) {
                    newest.insert(key, dir);
                }
            }
        }
    }
    let packed = root.join(PACKED).exists();
    let (mut runs, mut refused) = (Vec::new(), Vec::new());
    for dir in newest.into_values() {
        let (name, old) = (dir.id.directory(), Record::of_another_version(&dir));
        match open(dir, packed) {
            Ok(run) => runs.push(run),
            Err(fault) if old => refused.push((LeftOut::of_another_version(name), fault)),
            Err(fault) => refused.push((LeftOut::damaged(name, &fault), fault)),
        }
    }
    if matches!(choice, Choice::Experiments) {
        runs.retain(|run| run.record.made_for.is_none());
    }
    Ok(Loaded { groups: group(runs), refused })
}

/// Mark of a folder whose runs have only the files that a report uses of them.
pub const PACKED: &str = ".packed";

/// The run, if it is whole; `packed`: what a report needs of it is enough.
fn open(dir: RunDir, packed: bool) -> Result<Run> {
    let record = Record::read(&dir.file("record.json"))?;
    for file in record.files.iter().filter(|file| used(&file.path)) {
        let path = dir.file(&file.path);
        if path.exists() || !packed {
            check_digest(&path, &file.sha256)?;
        }
    }
    // Packed runs have none: the digests of a report speak for them.
    let sealed = Seal::read(&dir)?.unwrap_or_default().files;
    for (file, digest) in sealed.iter().filter(|(file, _)| used(file)) {
        check_digest(&dir.file(file), digest)?;
    }
    // Without its manifest a run stands alone.
    let (manifest, claims) = match store::regular::read_own_text(dir.file("resolved.ron")) {
        Ok(text) => {
            let place = |f: Fault| f.at(dir.file("resolved.ron").display().to_string());
            (unseeded(&text), claims(&text).map_err(place)?)
        }
        Err(_) => (record.identity.clone(), vec![]),
    };
    let text = |file: &str| store::regular::read_own_text(dir.file(file)).unwrap_or_default();
    let changed = changed(&text("manifest.ron"), &text("resolved.ron"));
    Ok(Run {
        directory: dir.id.directory(),
        path: dir.path,
        record,
        manifest: manifest.chars().take(16).collect(),
        claims,
        changed,
    })
}

/// The claims in a resolved manifest.
fn claims(text: &str) -> Result<Vec<Claim>> {
    let Kind::Fields { fields, .. } = syntax::scan(text).kind else { return Ok(vec![]) };
    let Some(field) = fields.iter().find(|f| f.key == "claims") else { return Ok(vec![]) };
    ron::from_str(&text[field.value.start..field.value.end])
        .map_err(|e| Fault::failed(format!("cannot read the claims of a resolved manifest: {e}")))
}

/// Fields that do not tell runs of one group apart.
const LEFT_OUT: [&str; 5] = ["name", "about", "seeds", "pins", "claims"];
const LEFT_OUT_OF_DATA: [&str; 3] = ["path", "obtain", "sha256"];

/// Hash of everything in a resolved manifest but its names, seeds, pins, paths and claims. Taken
/// from the text's tree, not from the types, so that an old run keeps its hash in a newer program.
fn unseeded(text: &str) -> String {
    let mut hash = Hasher::new("nano4m.report.manifest.v1");
    walk(text, &syntax::scan(text), "", &mut hash);
    hash.finish_hex()
}

fn walk(text: &str, node: &Node, inside: &str, hash: &mut Hasher) {
    match &node.kind {
        Kind::Scalar => drop(hash.field(&text.as_bytes()[node.start..node.end])),
        Kind::Fields { name, fields, .. } => {
            let counts = |key: &str| match inside {
                "" => !LEFT_OUT.contains(&key),
                "data" => !LEFT_OUT_OF_DATA.contains(&key),
                _ => true,
            };
            let fields: Vec<_> = fields.iter().filter(|f| counts(&f.key)).collect();
            hash.field(name.as_deref().unwrap_or_default().as_bytes()).number(fields.len() as u64);
            for f in fields {
                hash.field(f.key.as_bytes());
                walk(text, &f.value, if inside.is_empty() { &f.key } else { "…" }, hash);
            }
        }
        Kind::Items { name, items } => {
            hash.field(name.as_deref().unwrap_or_default().as_bytes()).number(items.len() as u64);
            items.iter().for_each(|item| walk(text, item, "…", hash));
        }
    }
}

/// Seeds together, labels unique, everything in a fixed order. What claims something else is another experiment: a
/// claim that was not made of a run is not judged by it, and none is lost.
fn group(runs: Vec<Run>) -> Vec<Group> {
    let mut by_key: BTreeMap<[String; 5], Vec<Run>> = BTreeMap::new();
    for run in runs {
        let (r, claims) = (&run.record, format!("{:?}", run.claims));
        let key = [r.name.clone(), run.manifest.clone(), r.data_hash.clone(), r.code_hash.clone(), claims];
        by_key.entry(key).or_default().push(run);
    }
    let mut groups: Vec<Group> = Vec::new();
    for ([name, ..], mut runs) in by_key {
        let seeds = |r: &Run| {
            (r.record.seeds.init, r.record.seeds.data, r.record.seeds.masking, r.record.seeds.probes)
        };
        runs.sort_by(|a, b| seeds(a).cmp(&seeds(b)).then(a.directory.cmp(&b.directory)));
        groups.extend(different_models(runs).into_iter().map(|runs| Group { label: name.clone(), runs }));
    }
    for i in 0..groups.len() {
        let same = groups.iter().filter(|g| g.runs[0].record.name == groups[i].runs[0].record.name).count();
        if same > 1 {
            groups[i].label = apart(&groups[i]);
        }
    }
    groups
}

/// The runs by trained model: one that was trained from the seeds of another and measured by its own (`seeds.probes`),
/// or once more, is no further seed of a recipe and stands in a group beside it, with those measured alike.
fn different_models(runs: Vec<Run>) -> Vec<Vec<Run>> {
    let trained = |run: &Run| (run.record.seeds.init, run.record.seeds.data, run.record.seeds.masking);
    let mut groups: Vec<Vec<Run>> = Vec::new();
    for run in runs {
        let free = |group: &Vec<Run>| group.iter().all(|other| trained(other) != trained(&run));
        let alike = |group: &Vec<Run>| group[0].record.seeds.probes == run.record.seeds.probes;
        let place = groups.iter().position(|group| free(group) && alike(group));
        match place.or_else(|| groups.iter().position(free)) {
            Some(place) => groups[place].push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// What a group of a name that is not its own is called: by its first run, and by what was changed for it, the seeds
/// of training aside.
fn apart(group: &Group) -> String {
    let run = &group.runs[0];
    let told = |change: &&str| !change.starts_with("seeds.") || change.starts_with("seeds.probes=");
    let changed: Vec<&str> = group.changed().into_iter().filter(told).collect();
    let all = changed.join(", ");
    match all.chars().count() {
        1..=LONGEST_CHANGE => format!("{} [{all}]", run.directory),
        _ => run.directory.clone(),
    }
}

/// Characters that a label has room for.
const LONGEST_CHANGE: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_decides_beyond_the_seed_counts() {
        let base = "Experiment(schema: 1, name: \"a\", seeds: (init: 1), data: (path: \"x\", rows: 2), masking: Span(stride: 2))";
        let same = "Experiment(\n  schema: 1, // c\n  name: \"b\", seeds: (init: 2), data: (rows: 2), masking: Span(stride: 2))";
        assert_eq!(unseeded(base), unseeded(same));
        for (from, to) in [
            ("rows: 2", "rows: 3"),
            ("Span", "Block"),
            ("schema: 1,", ""),
            ("stride: 2", "stride: 2, name: 1"),
        ] {
            assert_ne!(unseeded(base), unseeded(&base.replace(from, to)), "{to}");
        }
    }
}
