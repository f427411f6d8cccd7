//! A configuration's text → an experiment.

use super::class;
use super::keys::{Section, FIXED};
use super::modalities::{masking, modalities};
use super::node::{shorten, Node};
use super::problems::Problems;
use super::reference::{Environment, References};
use super::settings::{Reader, Setting, Settings};
use super::train::train;
use super::values::{size, Values};
use super::yaml;
use crate::fault::{listed, Fault, Result};
use crate::manifest::check::check;
use crate::manifest::schema::{Data, Experiment, Model, Probe, Seeds, Splits, SCHEMA};
use crate::manifest::Severity;
use std::collections::BTreeSet;

/// More GPUs than any cluster has.
const MOST_GPUS: usize = 1 << 20;
/// Characters of an experiment's name.
const LONGEST_NAME: usize = 80;
/// Rows a clip is drawn from, where the loader is not told.
const ROWS: usize = 10;

/// An imported configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    pub experiment: Experiment,
    /// What was left out, and what was assumed.
    pub notes: Vec<String>,
}

/// How a configuration is imported.
pub struct Options<'o> {
    /// The experiment's name where the configuration gives none.
    pub name: String,
    /// Keys or whole paths to leave out knowingly.
    pub ignore: Vec<String>,
    /// GPUs it was launched on: a batch there is that of one GPU. `None`: one, with a note.
    pub gpus: Option<usize>,
    /// What `${oc.env:NAME}` asks.
    pub environment: &'o Environment<'o>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { name: "imported".into(), ignore: Vec::new(), gpus: None, environment: &|_| None }
    }
}

/// Imports a text alone, as a name `imported`, with an empty environment.
///
/// # Errors
/// As [`import`].
pub fn import_text(text: &str) -> Result<Imported> {
    import(text, &Options::default())
}

/// Translates the text of a configuration. Whatever the text, time and memory are bounded.
///
/// # Errors
/// Exit 2: not YAML, too large, a configuration of another model; else everything that stands in the way at
/// once: unknown keys (each with the nearest known one), values with another meaning, keys with two values,
/// missing keys, values that cannot be what they should, references that lead nowhere.
pub fn import(text: &str, options: &Options) -> Result<Imported> {
    let root = yaml::parse(text)?;
    let Node::Map(map) = &root else {
        return Err(Fault::invalid("the configuration is not a mapping of keys to values").found(root.show()));
    };
    class::is_whole(map)?;
    let (references, problems) = (References::new(&root, options.environment), Problems::default());
    let mut targets = BTreeSet::new();
    collect_targets(&root, &mut targets);
    let reader = Reader { references: &references, ignore: &options.ignore, targets, problems: &problems };
    let settings = reader.read(map);
    class::is_four_m(&settings.classes, &problems)?;
    let values = Values { settings: &settings, problems: &problems };
    let experiment = experiment(&values, options);
    if problems.is_empty() {
        check_manifest(&experiment, &settings, &problems);
    }
    let mut notes = left_out(&settings, options);
    notes.extend(references.notes());
    notes.extend(problems.finish()?);
    Ok(Imported { experiment, notes })
}

fn experiment(values: &Values, options: &Options) -> Experiment {
    let modalities = modalities(values);
    let masking = masking(values);
    let seed = values.or("seed", Node::whole, "a whole number", (0, "0"));
    Experiment {
        schema: SCHEMA,
        name: name(values, options),
        about: String::new(),
        seeds: Seeds { init: seed, data: seed, masking: seed, probes: seed },
        data: data(values),
        train: train(values, &masking, gpus(values, options)),
        model: model(values),
        modalities,
        masking,
        probes: vec![Probe::CrossEntropy { masks: 2, masking: None, directions: vec![] }],
        claims: Vec::new(),
        pins: None,
    }
}

/// The run's name, with `_` for what cannot be in the name of a directory.
fn name(values: &Values, options: &Options) -> String {
    let named = values.get("run_name", Node::text, "a name").filter(|name| name != "auto");
    let name = named.unwrap_or_else(|| options.name.clone());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let mut usable: String = name.chars().take(LONGEST_NAME).map(plain).collect();
    if !usable.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || usable == "latest" {
        usable.insert(0, '_');
        usable.truncate(LONGEST_NAME);
    }
    if usable != name {
        values.problems.note(format!("the name `{}` cannot name a directory: `{usable}`", shorten(&name)));
    }
    usable
}

fn gpus(values: &Values, options: &Options) -> usize {
    match options.gpus {
        Some(gpus) if (1..=MOST_GPUS).contains(&gpus) => gpus,
        Some(gpus) => {
            let expected = format!("1 to {MOST_GPUS}");
            values
                .problems
                .push(Fault::invalid("not a number of GPUs").at("--gpus").found(gpus).expected(expected));
            1
        }
        None => {
            values.problems.note(
                "`batch_size` is per GPU: taken for one GPU; --gpus N where it was launched on more"
                    .to_owned(),
            );
            1
        }
    }
}

fn data(values: &Values) -> Data {
    let roots = values.settings.in_sections("root_dir", &[Section::Train, Section::Eval]);
    let path = |setting: &Setting| {
        let path = setting.value.text().unwrap_or_default();
        match path.trim_end_matches('/') {
            "" => path,
            trimmed => trimmed.to_owned(),
        }
    };
    let roots: Vec<&Setting> = roots.collect();
    if let Some(other) = roots.iter().find(|other| path(other) != path(roots[0])) {
        values.problems.push(super::values::two_values("root_dir", roots[0], other));
    }
    if roots.is_empty() {
        values.missing("root_dir", "folder or archive of the tokens");
    }
    Data {
        path: roots.first().map(|setting| path(setting)),
        splits: splits(values),
        rows: Some(rows(values)),
        ..Data::default()
    }
}

fn splits(values: &Values) -> Splits {
    let default = Splits::default();
    let split = |section, default: &str| match values.setting_in("split", section) {
        Some(setting) => values.read(setting, Node::text, "the name of a folder").unwrap_or_default(),
        None => {
            if values.settings.launcher {
                let which = if section == Section::Train { "train" } else { "eval" };
                values.problems.note(format!("the {which} loader's `split` is absent: `{default}`"));
            }
            default.to_owned()
        }
    };
    let (train, eval) = (split(Section::Train, &default.train), split(Section::Eval, &default.eval));
    if let Some(setting) = values.setting_in("split", Section::Eval).filter(|_| eval == default.test) {
        values.problems.push(
            Fault::invalid("evaluates on the test split while it trains: here that is kept for the end")
                .at(setting.path.clone())
                .found(eval.clone())
                .help(format!("--ignore {} evaluates on `{}`", setting.path, default.eval)),
        );
    }
    Splits { train, eval, ..default }
}

/// K of the training loader; its evaluation may draw from another number there.
fn rows(values: &Values) -> usize {
    const KEY: &str = "sample_from_k_augmentations";
    let positive = |node: &Node| size(node).filter(|rows| *rows >= 1);
    let read = |section| {
        let setting = values.setting_in(KEY, section)?;
        values.read(setting, positive, "a whole number, 1 or more")
    };
    let train = read(Section::Train).unwrap_or_else(|| {
        if values.setting_in(KEY, Section::Train).is_none() {
            values.absent(KEY, "10");
        }
        ROWS
    });
    let eval = read(Section::Eval).unwrap_or(ROWS);
    if eval != train {
        values.problems.note(format!(
            "training draws from {train} rows of a clip, the evaluation there from {eval}: {train} here for both"
        ));
    }
    train
}

fn model(values: &Values) -> Model {
    let (n, x) = ("a whole number", "a number");
    let std = values.or("init_std", Node::number, x, (0.02, "0.02"));
    Model {
        dim: values.or("dim", size, n, (512, "512")),
        enc_depth: values.or("enc_depth", size, n, (8, "8")),
        dec_depth: values.or("dec_depth", size, n, (8, "8")),
        head_dim: values.or("head_dim", size, n, (64, "64")),
        mlp_ratio: values.or("mlp_ratio", Node::number, x, (4.0, "4.0")),
        init_std: std,
        embedding_std: std,
        ..Model::default()
    }
}

/// What a manifest's own checks find, at the places of the configuration.
fn check_manifest(experiment: &Experiment, settings: &Settings, problems: &Problems) {
    for finding in check(experiment).into_iter().filter(|f| f.severity == Severity::Error) {
        // `modalities[1].vocab` → `modalities.vocab`.
        let field: String =
            finding.path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
        let place = settings.place_of(&field).unwrap_or(&field).to_owned();
        problems.push(Fault::from(finding).at(place));
    }
}

/// Keys that a note lists; the rest is counted.
const LISTED: usize = 60;

/// What was left out, in few lines.
fn left_out(settings: &Settings, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    let mut say = |what: &str, paths: Vec<&str>| {
        if !paths.is_empty() {
            let paths: Vec<String> = paths.into_iter().map(shorten).collect();
            notes.push(format!("{what}: {}", listed(&paths, LISTED)));
        }
    };
    say("left out by --ignore", settings.ignored.iter().map(String::as_str).collect());
    say(
        "left out, without effect on the result",
        settings.without_effect.iter().map(String::as_str).collect(),
    );
    say(
        "left out, nothing there reads it but references",
        settings.unread.iter().map(String::as_str).collect(),
    );
    let ignored =
        |key: &str| settings.ignored.iter().any(|path| path == key || path.rsplit('.').next() == Some(key));
    say(
        "--ignore without such a key",
        options.ignore.iter().filter(|key| !ignored(key)).map(String::as_str).collect(),
    );
    if settings.launcher {
        for key in FIXED.iter().filter(|key| !settings.values.contains_key(key.name)) {
            if let Some(absent) = key.absent {
                notes.push(format!("`{}` is absent: {absent}", key.name));
            }
        }
    }
    notes
}

/// Where at the top level `${…}` leads to.
fn collect_targets(node: &Node, into: &mut BTreeSet<String>) {
    match node {
        Node::Text(text) => {
            for reference in text.split("${").skip(1) {
                let end = reference.find(['}', '$', ':', '.', '[']).unwrap_or(reference.len());
                into.insert(reference[..end].trim().to_owned());
            }
        }
        Node::List(list) => list.iter().for_each(|node| collect_targets(node, into)),
        Node::Map(map) => map.values().for_each(|node| collect_targets(node, into)),
        _ => {}
    }
}
