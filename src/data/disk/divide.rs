//! Dividing clips into train, validation and test (REFERENCE §2), as a new directory in the layout.
//!
//! Strata are class × source. The clips of a stratum are sorted by id and shuffled; the first
//! `int(0.8 n)` are train, the next `int(0.1 n)` val, the rest test; all stems of a clip stay together.
//! The reference does not say how it shuffles: ours is a Fisher–Yates shuffle with the stream
//! `Split` of the seed, one stream for each stratum in the order of (class, source).

use super::layout::CAPTIONS;
use super::problems::Problems;
use super::source::Source;
use super::stem::{clip_id, clip_source};
use super::{file, labels};
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Labels, Splits};
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// How many clips went where.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Division {
    /// In the order of (class, source).
    pub strata: Vec<Stratum>,
    /// Clips in train, val and test.
    pub clips: [usize; 3],
    /// Stems in train, val and test (a clip may have several).
    pub stems: [usize; 3],
}

/// The clips of one class from one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stratum {
    pub class: String,
    /// `as` or `vgg`; empty for stems of another form.
    pub source: String,
    /// Clips in train, val and test.
    pub clips: [usize; 3],
}

/// Divides all clips of `source` (whatever splits they are in) and writes them to `target`, which
/// must not exist. Files are hard links where the file system allows it, else copies.
pub fn divide(source: &Path, target: &Path, labels: &Labels, seed: u64) -> Result<Division> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(Fault::invalid("the target exists already")
            .at(target.display().to_string())
            .help("name a folder that does not exist; nothing is ever overwritten"));
    }
    let io = |path: &Path, e: std::io::Error| Fault::io("write the divided dataset", path, &e);
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| io(parent, e))?;
    let work = tempfile::Builder::new().prefix(".dividing-").tempdir_in(parent).map_err(|e| io(parent, e))?;
    let files = Files::of(source, &work.path().join("unpacked"))?;
    let classes = files.classes(labels)?;
    let (division, parts) = assign(&classes, seed);
    let new = work.path().join("new");
    files.write(&new, &parts)?;
    fs::rename(&new, target).map_err(|e| io(target, e))?;
    Ok(division)
}

/// The split of every stem, from the class of every stem.
fn assign(classes: &BTreeMap<String, String>, seed: u64) -> (Division, BTreeMap<String, usize>) {
    let mut clips: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stem in classes.keys() {
        clips.entry(clip_id(stem)).or_default().push(stem);
    }
    // A clip's class is that of its first stem.
    let mut strata: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (clip, stems) in &clips {
        strata.entry((&classes[stems[0]], clip_source(stems[0]))).or_default().push(clip);
    }
    let mut division = Division { strata: Vec::new(), clips: [0; 3], stems: [0; 3] };
    let mut parts = BTreeMap::new();
    for (index, ((class, source), mut ids)) in strata.into_iter().enumerate() {
        ids.shuffle(&mut stream(seed, Purpose::Split, &[index as u64]));
        let n = ids.len();
        let (train, val) = ((0.8 * n as f64) as usize, (0.1 * n as f64) as usize);
        let counts = [train, val, n - train - val];
        for (i, id) in ids.into_iter().enumerate() {
            let part = usize::from(i >= train) + usize::from(i >= train + val);
            division.clips[part] += 1;
            division.stems[part] += clips[id].len();
            parts.extend(clips[id].iter().map(|stem| (stem.to_string(), part)));
        }
        division.strata.push(Stratum { class: class.into(), source: source.into(), clips: counts });
    }
    (division, parts)
}

/// The files of a dataset, without their splits.
struct Files {
    place: String,
    /// Folder, stem and extension → file.
    clips: BTreeMap<(String, String, String), PathBuf>,
    /// Files in the root folder (labels, credits), which go along.
    root: BTreeMap<String, PathBuf>,
}

impl Files {
    /// Lists a directory; an archive is unpacked into `unpacked` first.
    fn of(source: &Path, unpacked: &Path) -> Result<Files> {
        let opened = Source::open(source, &[])?;
        let (opened, place) = match opened {
            Source::Archive { .. } => {
                unpack(&opened, unpacked)?;
                (Source::open(unpacked, &[])?, opened.place())
            }
            Source::Directory { .. } => (Source::open(source, &[])?, opened.place()),
        };
        let Source::Directory { files, .. } = opened else { return Err(no_layout(&place)) };
        let mut found = Files { place, clips: BTreeMap::new(), root: BTreeMap::new() };
        let mut problems = Problems::default();
        for (name, path) in files {
            match name.split('/').collect::<Vec<_>>()[..] {
                [_] => {
                    found.root.insert(name, path);
                }
                [_, folder, file] => found.add(folder, file, path, &name, &mut problems),
                _ => {}
            }
        }
        problems.into_result(&found.place)?;
        if found.clips.is_empty() {
            return Err(no_layout(&found.place));
        }
        Ok(found)
    }

    fn add(&mut self, folder: &str, file: &str, path: PathBuf, name: &str, problems: &mut Problems) {
        let Some((stem, extension @ ("npy" | "json"))) = file.rsplit_once('.') else { return };
        let key = (folder.to_string(), stem.to_string(), extension.to_string());
        if let Some(other) = self.clips.insert(key, path) {
            problems.push(
                Fault::invalid("a stem is in two splits already")
                    .at(name)
                    .found(other.display())
                    .expected("every stem once")
                    .help("remove one of the two files"),
            );
        }
    }

    /// Class of every stem.
    fn classes(&self, labels: &Labels) -> Result<BTreeMap<String, String>> {
        let stems: BTreeSet<&String> = self.clips.keys().map(|(_, stem, _)| stem).collect();
        let read = |path: &PathBuf| fs::read(path).map_err(|e| Fault::io("read the dataset", path, &e));
        let table = match labels {
            Labels::Caption => None,
            Labels::File(file, column) => {
                let path = self.root.get(file).ok_or_else(|| {
                    Fault::invalid("missing labels file")
                        .at(file)
                        .help("it belongs into the dataset's root folder")
                })?;
                Some((labels::parse(&read(path)?, file, column)?, file))
            }
        };
        let class = |stem: &String| match &table {
            Some((table, file)) => table.get(stem).cloned().ok_or_else(|| {
                Fault::invalid("the labels file lacks a clip")
                    .at(file.as_str())
                    .found(format!("no line for {stem}"))
            }),
            None => {
                let key = (CAPTIONS.to_string(), stem.clone(), "json".to_string());
                let path = self.clips.get(&key).ok_or_else(|| {
                    Fault::invalid("missing file of a clip")
                        .at(format!("{CAPTIONS}/{stem}.json"))
                        .help("a clip's class is its first caption: export it, or name a labels file")
                })?;
                let captions = file::captions(&read(path)?).map_err(|f| f.at(path.display().to_string()))?;
                Ok(captions.into_iter().next().unwrap_or_default())
            }
        };
        stems.into_iter().map(|stem| Ok((stem.clone(), class(stem)?))).collect()
    }

    fn write(&self, target: &Path, parts: &BTreeMap<String, usize>) -> Result<()> {
        let splits = Splits::default();
        let names = [splits.train, splits.eval, splits.test];
        for ((folder, stem, extension), path) in &self.clips {
            let folder = target.join(&names[parts[stem]]).join(folder);
            link(path, &folder, &format!("{stem}.{extension}"))?;
        }
        self.root.iter().try_for_each(|(name, path)| link(path, target, name))
    }
}

fn no_layout(place: &str) -> Fault {
    Fault::invalid("no dataset in the published layout")
        .at(place)
        .expected("{split}/{modality}/{stem}.npy or .json")
        .help("put all clips into one split folder, such as `all/tok_rgb@196/…`, and divide again")
}

/// Writes the regular files of an archive below `folder`.
fn unpack(archive: &Source, folder: &Path) -> Result<()> {
    let inside = |path: &str| Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
    let fault = |path: &Path, e: std::io::Error| Fault::io("unpack the dataset", path, &e);
    archive.read(&inside, &mut |batch| {
        for entry in batch {
            let path = folder.join(&entry.path);
            let above = path.parent().unwrap_or(folder);
            fs::create_dir_all(above).map_err(|e| fault(above, e))?;
            fs::write(&path, &entry.bytes).map_err(|e| fault(&path, e))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A hard link, or a copy where links are not possible.
fn link(from: &Path, folder: &Path, name: &str) -> Result<()> {
    let to = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(|_| ())))
        .map_err(|e| Fault::io("write the divided dataset", &to, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(n: usize, class: &str, source: &str) -> impl Iterator<Item = (String, String)> {
        let (class, source) = (class.to_string(), source.to_string());
        // Two stems for every third clip.
        (0..n).flat_map(move |i| {
            let stems = if i % 3 == 0 { vec![0, 5] } else { vec![0] };
            let stem = |s: usize| (format!("{source}_{class}{i:03}_{s:06}"), class.clone());
            stems.into_iter().map(stem).collect::<Vec<_>>()
        })
    }

    #[test]
    fn shares_are_those_of_the_rule_and_clips_stay_together() {
        let all: BTreeMap<_, _> =
            classes(19, "cat", "as").chain(classes(4, "cat", "vgg")).chain(classes(1, "dog", "as")).collect();
        let (division, parts) = assign(&all, 42);
        let strata: Vec<_> = division.strata.iter().map(|s| (&*s.class, &*s.source, s.clips)).collect();
        // int(0.8·19) = 15, int(0.1·19) = 1; int(0.8·4) = 3; a single clip is test.
        assert_eq!(strata, [("cat", "as", [15, 1, 3]), ("cat", "vgg", [3, 0, 1]), ("dog", "as", [0, 0, 1])]);
        assert_eq!(division.clips, [18, 1, 5]);
        assert_eq!(parts.len(), all.len());
        let mut of: BTreeMap<&str, usize> = BTreeMap::new();
        for (stem, part) in &parts {
            assert_eq!(*of.entry(clip_id(stem)).or_insert(*part), *part, "{stem}");
        }
        assert_eq!(assign(&all, 42).1, parts);
        assert_ne!(assign(&all, 43).1, parts);
    }

    /// The seed's draws must not change between versions of the program or its libraries.
    #[test]
    fn the_shuffle_is_pinned() {
        let all: BTreeMap<_, _> = (0..10).map(|i| (format!("s{i}"), "x".to_string())).collect();
        let parts: String = assign(&all, 42).1.values().map(|p| p.to_string()).collect();
        assert_eq!(parts, "0000100200");
    }
}
