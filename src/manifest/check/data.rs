//! `data`: one source, usable split names, hashes and synthetic parameters.

use super::bounds::{CLASSES, CLIPS, LENGTH, ROWS};
use super::findings::{bad_hash, each, is_sha256, Findings};
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Data, Experiment, Labels, Synthetic};

pub(super) fn check(e: &Experiment, found: &mut Findings) {
    let data = &e.data;
    source(data, found);
    if let Some(sha) = data.sha256.as_deref().filter(|s| !is_sha256(s)) {
        found.push(bad_hash("data.sha256", sha, "64 hexadecimal digits"));
    }
    splits(data, found);
    labels(&data.labels, found);
    if let Some(rows) = data.rows {
        found.require(rows >= 1, "data.rows", rows, "at least 1");
        found.at_most("data.rows", rows, ROWS);
    }
    stored(e, found);
    if let Some(synthetic) = &data.synthetic {
        generator(e, synthetic, found);
    }
}

fn source(data: &Data, found: &mut Findings) {
    let what = match (&data.path, &data.synthetic) {
        (Some(_), Some(_)) => "`data` has both `path` and `synthetic`",
        (None, None) => "`data` has neither `path` nor `synthetic`",
        (Some(path), None) if path.is_empty() => "`data.path` is empty",
        _ => return,
    };
    found.push(Finding::error("data", what).expected("exactly one source of tokens"));
}

fn splits(data: &Data, found: &mut Findings) {
    let names = [("train", &data.splits.train), ("eval", &data.splits.eval), ("test", &data.splits.test)];
    for (i, (field, name)) in names.iter().enumerate() {
        let path = format!("data.splits.{field}");
        if !is_folder(name) {
            found.push(
                Finding::error(&path, format!("`{path}` is not a folder name")).found(format!("{name:?}")),
            );
        }
        if let Some((other, _)) = names[..i].iter().find(|(_, n)| n == name) {
            found.push(
                Finding::error(&path, format!("`{field}` and `{other}` are the same split"))
                    .found(format!("{name:?}"))
                    .help("a clip must not be in two splits"),
            );
        }
    }
}

/// One path component, the same on every system.
pub(super) fn is_folder(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c))
}

fn labels(labels: &Labels, found: &mut Findings) {
    if let Labels::File(file, column) = labels {
        if file.is_empty() || column.is_empty() {
            found.push(
                Finding::error("data.labels", "`data.labels` names no file or no column")
                    .expected("File(\"labels.csv\", \"animal\")"),
            );
        }
    }
}

/// Cut modalities: known, token ones, with more on disk than is used.
fn stored(e: &Experiment, found: &mut Findings) {
    for (name, &tokens) in &e.data.stored {
        let path = format!("data.stored.{name}");
        found.known_modality(&e.modalities, &path, name);
        let Some(m) = e.modalities.iter().find(|m| m.name == *name) else { continue };
        let expected = format!("at least the modality's `length`, {}", m.length);
        found.require(tokens >= m.length, &path, tokens, &expected);
        found.at_most(&path, tokens, 16 * LENGTH);
        if m.text.is_some() {
            found.push(
                Finding::error(&path, format!("`{name}` is stored as text"))
                    .help("captions are cut to the modality's `length` when they are encoded"),
            );
        }
    }
    if e.data.synthetic.is_some() && !e.data.stored.is_empty() {
        found.push(
            Finding::error("data.stored", "synthetic data is not stored")
                .help("it is made with each modality's `length`: leave `stored` out"),
        );
    }
}

fn generator(e: &Experiment, s: &Synthetic, found: &mut Findings) {
    found.require(s.classes >= 2, "data.synthetic.classes", s.classes, "at least 2");
    found.at_most("data.synthetic.classes", s.classes, CLASSES);
    found.require(s.rows >= 1, "data.synthetic.rows", s.rows, "at least 1");
    found.at_most("data.synthetic.rows", s.rows, ROWS);
    let (train, eval, test) = s.clips;
    for (i, clips) in [train, eval, test].into_iter().enumerate() {
        let path = format!("data.synthetic.clips[{i}]");
        found.require(clips >= 1, &path, clips, "at least 1 clip in each split");
        found.at_most(&path, clips, CLIPS);
    }
    if let Some(rows) = e.data.rows.filter(|&rows| rows > s.rows) {
        found.require(false, "data.rows", rows, &format!("at most `data.synthetic.rows`, {}", s.rows));
    }
    for (path, name, strength) in each("data.synthetic.strength", &s.strength) {
        found.require_number(&path, strength, (0.0..=1.0).contains(&strength), "a probability, 0 to 1");
        if let Some(name) = name {
            found.known_modality(&e.modalities, &path, name);
        }
    }
}
