//! What is named as a checkpoint: a safetensors file, a folder that has one, or the index of one in parts.

use super::file::shown;
use crate::fault::{Fault, Result};
use crate::store::regular::{self, WRITTEN_BY_HAND};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a folder's checkpoint is called where libraries save models.
const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The index of a checkpoint in parts: which file holds which tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The safetensors files that `path` names; whether they are some is not looked at.
///
/// # Errors
/// Exit 2 for a folder without a checkpoint or with several, or an index that is none; a missing part is named.
pub fn checkpoint_files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_dir() {
        return in_folder(path);
    }
    if path.extension().is_some_and(|extension| extension == "json") {
        return of_index(path);
    }
    Ok(vec![path.to_owned()])
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let place = folder.display().to_string();
    let refused = |found: &str, help: String| {
        Fault::invalid("a folder, not a checkpoint").at(&place).found(found).help(help)
    };
    if folder.join("status.json").is_file() {
        let help = format!(
            "measure the run with `nano4m eval {place}`, or name one of its checkpoints/*.safetensors"
        );
        return Err(refused("a run", help));
    }
    if folder.join(WHOLE).is_file() {
        return Ok(vec![folder.join(WHOLE)]);
    }
    if folder.join(INDEX).is_file() {
        return of_index(&folder.join(INDEX));
    }
    let list = std::fs::read_dir(folder).map_err(|e| Fault::io("read the folder", folder, &e))?;
    let names: BTreeSet<String> =
        list.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned())).collect();
    let ends = |end: &'static str| names.iter().filter(move |name| name.ends_with(end));
    let whole: Vec<&String> =
        ends(".safetensors").filter(|n| !n.ends_with(".optimizer.safetensors")).collect();
    match whole[..] {
        [one] => Ok(vec![folder.join(one)]),
        [] => {
            let others = [".pt", ".pth", ".bin", ".ckpt"].into_iter().flat_map(ends).next();
            Err(match others {
                Some(name) => refused(
                    &format!("no safetensors file, but {}", shown(name)),
                    format!(
                        "name it: `--checkpoint {}` says how it becomes one",
                        folder.join(name).display()
                    ),
                ),
                None => refused("no safetensors file in it", "name the checkpoint's file".into()),
            })
        }
        [.., last] => Err(refused(
            &format!("{} safetensors files", whole.len()),
            format!("name one of them, such as {}", folder.join(last).display()),
        )),
    }
}

fn of_index(path: &Path) -> Result<Vec<PathBuf>> {
    let text = regular::read_text("read the checkpoint's index", path, WRITTEN_BY_HAND)?;
    let place = path.display().to_string();
    let index: Index = serde_json::from_str(&text).map_err(|e| {
        Fault::invalid("not a checkpoint and not the index of one")
            .at(&place)
            .found(e)
            .expected("a safetensors file, or JSON with a `weight_map` of tensors and files")
    })?;
    let files: BTreeSet<&String> = index.weight_map.values().collect();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut parts = Vec::new();
    for name in files {
        let plain = Path::new(name).file_name().is_some_and(|file| file == name.as_str());
        if !plain || !name.ends_with(".safetensors") {
            return Err(Fault::invalid("the checkpoint's index names no safetensors file beside it")
                .at(&place)
                .found(shown(name)));
        }
        let part = folder.join(name);
        if !part.exists() {
            return Err(Fault::invalid("a part of the checkpoint is missing")
                .at(part.display().to_string())
                .found(format!("{} names it", path.display()))
                .help("copy every part into the folder of the index"));
        }
        parts.push(part);
    }
    if parts.is_empty() {
        return Err(Fault::invalid("the checkpoint's index names no file").at(&place));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        dir
    }

    fn names(path: &Path) -> Vec<String> {
        checkpoint_files(path)
            .unwrap()
            .iter()
            .map(|p| p.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_folder_is_its_one_checkpoint() {
        let optimizer = ("b.optimizer.safetensors", "");
        let dir = folder(&[("b.safetensors", ""), optimizer, ("notes.txt", "")]);
        assert_eq!(names(dir.path()), ["b.safetensors"]);
        assert_eq!(names(&dir.path().join("b.safetensors")), ["b.safetensors"]);
        let two = folder(&[("a.safetensors", ""), ("b.safetensors", "")]);
        let fault = checkpoint_files(two.path()).unwrap_err();
        assert_eq!(fault.found.as_deref(), Some("2 safetensors files"));
        assert!(fault.help.unwrap().ends_with("b.safetensors"));
        std::fs::write(two.path().join("model.safetensors"), "").unwrap();
        assert_eq!(names(two.path()), ["model.safetensors"]);
    }

    #[test]
    fn a_folder_without_one_says_what_it_is() {
        for (files, found) in [
            (&[("pytorch_model.bin", "")][..], "no safetensors file, but pytorch_model.bin"),
            (&[("status.json", "{}"), ("record.json", "{}")], "a run"),
            (&[], "no safetensors file in it"),
        ] {
            let fault = checkpoint_files(folder(files).path()).unwrap_err();
            assert_eq!((fault.exit as i32, fault.found.as_deref()), (2, Some(found)));
        }
    }

    #[test]
    fn an_index_is_its_parts_and_a_missing_part_is_named() {
        let index = r#"{"metadata":{"total_size":8},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors","c":"m-1.safetensors"}}"#;
        let dir = folder(&[(INDEX, index), ("m-1.safetensors", ""), ("m-2.safetensors", "")]);
        assert_eq!(names(dir.path()), ["m-1.safetensors", "m-2.safetensors"]);
        assert_eq!(names(&dir.path().join(INDEX)), ["m-1.safetensors", "m-2.safetensors"]);
        std::fs::remove_file(dir.path().join("m-2.safetensors")).unwrap();
        let fault = checkpoint_files(dir.path()).unwrap_err();
        assert!(fault.place.unwrap().ends_with("m-2.safetensors"));
        for (text, what) in [
            (
                "{\"weight_map\":{\"a\":\"../x.safetensors\"}}",
                "the checkpoint's index names no safetensors file beside it",
            ),
            (
                "{\"weight_map\":{\"a\":\"x.bin\"}}",
                "the checkpoint's index names no safetensors file beside it",
            ),
            ("{\"weight_map\":{}}", "the checkpoint's index names no file"),
            ("{\"dim\": 512}", "not a checkpoint and not the index of one"),
            ("[1", "not a checkpoint and not the index of one"),
        ] {
            std::fs::write(dir.path().join("x.json"), text).unwrap();
            assert_eq!(checkpoint_files(&dir.path().join("x.json")).unwrap_err().what, what);
        }
    }
}
