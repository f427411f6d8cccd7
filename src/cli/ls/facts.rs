//! Every field of a run by its path: what `ls` filters, sorts and shows.
//!
//! A path is looked up, in this order, as a column of `ls` (`state`), a metric of the record
//! (`cross_entropy/tok_rgb@16` as claims write it, with `.low`, `.high` or `.n` after it), a path of the
//! resolved manifest (`train.lr`, `modalities.tok_rgb@16.masking`), and a field of `status.json` or
//! `record.json` (`train_seconds`, `record.clips.test`).

use super::line::Line;
use crate::fault::Fault;
use crate::manifest::{lookup, syntax};
use crate::metrics::{catalogue, Metric};
use crate::record::Record;
use crate::store::RunDir;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known of one run.
pub struct Facts {
    pub line: Line,
    /// Columns and metrics under their names; fields of the files as `status.…` and `record.…`.
    fields: BTreeMap<String, Value>,
    /// The resolved manifest, read as text: a run of an older schema is still found by its fields.
    manifest: String,
    /// Why the record is there but has no fields.
    pub problem: Option<Fault>,
    /// Directory name of a run of another version, whose record has no fields for that reason.
    pub old: Option<String>,
}

impl Facts {
    /// Reads the run's small files; those that are missing have no fields.
    pub fn read(run: &RunDir, line: Line) -> Facts {
        let mut fields = BTreeMap::new();
        if let Ok(Some(status)) = run.status() {
            flatten("status", &value(&status), &mut fields);
        }
        let old = Record::of_another_version(run).then(|| run.id.directory());
        let record =
            (run.finished() && old.is_none()).then(|| Record::read(&run.file("record.json"))).transpose();
        let (record, problem) = record.map_or_else(|fault| (None, Some(fault)), |r| (r, None));
        if let Some(record) = &record {
            record.metrics.iter().for_each(|m| metric(m, &mut fields));
            let mut record = value(record);
            // The metrics are there by name.
            record.as_object_mut().map(|r| r.remove("metrics"));
            flatten("record", &record, &mut fields);
        }
        flatten("", &value(&line), &mut fields);
        let manifest = crate::store::regular::read_own_text(run.file("resolved.ron")).unwrap_or_default();
        Facts { line, fields, manifest, problem, old }
    }

    /// The value at `path`; absent when this run has none.
    pub fn get(&self, path: &str) -> Option<Value> {
        let plain = |p: &str| self.fields.get(p).cloned();
        plain(path)
            .or_else(|| plain(&canonical(path)))
            .or_else(|| self.in_manifest(path.strip_prefix("manifest.").unwrap_or(path)))
            .or_else(|| plain(&format!("status.{path}")))
            .or_else(|| plain(&format!("record.{path}")))
    }

    /// Every path this run has a value at.
    pub fn names(&self) -> Vec<String> {
        let leaves = lookup::leaves(&self.manifest, &syntax::scan(&self.manifest));
        self.fields.keys().cloned().chain(leaves.into_iter().map(|(path, _)| path)).collect()
    }

    fn in_manifest(&self, path: &str) -> Option<Value> {
        let root = syntax::scan(&self.manifest);
        let found = lookup::follow(&self.manifest, &root, path);
        (found.rest.is_empty() && !path.is_empty() && !self.manifest.is_empty())
            .then(|| scalar(&self.manifest[found.node.start..found.node.end]))
    }
}

fn value(of: &impl serde::Serialize) -> Value {
    // Plain structs: nothing in them cannot be JSON.
    serde_json::to_value(of).unwrap_or(Value::Null)
}

/// A RON value: a number or a flag as such, a string without its quotes, anything else as written.
fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(v @ (Value::Number(_) | Value::Bool(_))) => v,
        _ => Value::String(syntax::unquote(text)),
    }
}

/// The one spelling of a metric's key, with what stands behind it.
fn canonical(path: &str) -> String {
    let part = [".low", ".high", ".n"].into_iter().find(|part| path.ends_with(part)).unwrap_or_default();
    format!("{}{part}", catalogue::canonical(path.strip_suffix(part).unwrap_or(path)))
}

fn metric(m: &Metric, fields: &mut BTreeMap<String, Value>) {
    let key = &m.key;
    for (part, v) in [(".low", m.low), (".high", m.high), (".n", Some(m.n as f64)), ("", m.value)] {
        if let Some(v) = v {
            let v = if part == ".n" { m.n.into() } else { v.into() };
            fields.insert(format!("{key}{part}"), v);
        }
    }
}

fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            let dot = if path.is_empty() { "" } else { "." };
            map.iter().for_each(|(key, v)| flatten(&format!("{path}{dot}{key}"), v, fields));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| flatten(&format!("{path}[{i}]"), v, fields));
        }
        Value::Null => {}
        other => drop(fields.insert(path.into(), other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts() -> Facts {
        let mut fields = BTreeMap::new();
        let of = |key: &str| Metric::new(&catalogue::parse(key).unwrap(), Some(1.5), 3);
        metric(&of("cross_entropy/rgb").with_interval(Some((1.0, 2.0)), "m"), &mut fields);
        metric(&of("retrieval/a->b/r1/gallery8"), &mut fields);
        flatten("record", &json!({"clips": {"test": 7}, "list": [{"name": "a"}]}), &mut fields);
        flatten("status", &json!({"step": 3, "reason": null}), &mut fields);
        let line = Line {
            id: "0123456789".into(),
            name: "x".into(),
            state: "finished",
            step: None,
            total: None,
            started: None,
            changed: vec![],
            path: "runs/x".into(),
        };
        flatten("", &value(&line), &mut fields);
        let manifest = "Experiment(name: \"x\", train: (lr: 0.001, clip: None, loss: TokenMean), \
                        modalities: [(name: \"a@4\", masking: Span(stride: 2))])";
        Facts { line, fields, manifest: manifest.into(), problem: None, old: None }
    }

    #[test]
    fn columns_metrics_manifest_and_files() {
        let facts = facts();
        for (path, expected) in [
            ("state", json!("finished")),
            ("cross_entropy/rgb", json!(1.5)),
            ("cross_entropy/rgb.low", json!(1.0)),
            ("cross_entropy/rgb.n", json!(3)),
            ("retrieval/a->b/gallery8", json!(1.5)),
            ("retrieval/a → b/gallery8.n", json!(3)),
            ("train.lr", json!(0.001)),
            ("manifest.train.lr", json!(0.001)),
            ("train.clip", json!("None")),
            ("train.loss", json!("TokenMean")),
            ("modalities.a@4.masking", json!("Span(stride: 2)")),
            ("clips.test", json!(7)),
            ("record.clips.test", json!(7)),
            ("record.list[0].name", json!("a")),
            ("step", json!(3)),
        ] {
            assert_eq!(facts.get(path), Some(expected), "{path}");
        }
        for absent in ["reason", "train.rate", "cross_entropy/audio", ""] {
            assert_eq!(facts.get(absent), None, "{absent}");
        }
        assert!(facts.names().contains(&"train.lr".to_string()));
    }
}
