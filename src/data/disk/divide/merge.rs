//! The files of one or more datasets, without their splits, as one.

use super::assign::Incomplete;
use super::tables;
use crate::data::disk::layout::CAPTIONS;
use crate::data::disk::limits;
use crate::data::disk::names::{name, Name};
use crate::data::disk::problems::Problems;
use crate::data::disk::source::Source;
use crate::data::disk::{captions, labels};
use crate::data::text::{class_key, is_blank};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Labels;
use crate::store::regular;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Folder and extension of a file of a clip.
type Slot = (String, String);
type Stems = BTreeMap<String, BTreeMap<Slot, PathBuf>>;

/// One source.
struct Root {
    place: String,
    stems: Stems,
    /// Files in the root folder (labels, credits), which go along.
    files: BTreeMap<String, PathBuf>,
}

/// All complete stems, each from the first source that has it.
pub struct Merged {
    roots: Vec<Root>,
    /// Index of the source of every stem that is taken.
    taken: BTreeMap<String, usize>,
    pub incomplete: Vec<Incomplete>,
    pub repeated: usize,
}

impl Merged {
    /// Lists directories; archives are unpacked below `work` first.
    ///
    /// # Errors
    /// If a source is no dataset or has a stem twice. Of a single source an incomplete stem is one too; of
    /// several, which may be shards, it is left out and told.
    pub fn of(sources: &[PathBuf], work: &Path) -> Result<Merged> {
        let roots = sources.iter().enumerate();
        let roots: Vec<Root> = roots
            .map(|(i, source)| Root::of(source, &work.join(format!("unpacked-{i}"))))
            .collect::<Result<_>>()?;
        let slots: BTreeSet<&Slot> =
            roots.iter().flat_map(|r| r.stems.values().flat_map(BTreeMap::keys)).collect();
        let (mut taken, mut repeated) = (BTreeMap::new(), 0);
        let mut missing: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for (i, root) in roots.iter().enumerate() {
            for (stem, files) in &root.stems {
                if files.len() < slots.len() {
                    let lacks = slots.iter().filter(|slot| !files.contains_key(**slot));
                    missing.entry(stem).or_insert_with(|| lacks.map(|slot| slot.0.clone()).collect());
                } else if taken.contains_key(stem) {
                    repeated += 1;
                } else {
                    taken.insert(stem.clone(), i);
                }
            }
        }
        missing.retain(|stem, _| !taken.contains_key(*stem));
        let incomplete =
            missing.into_iter().map(|(stem, missing)| Incomplete { stem: stem.clone(), missing });
        let incomplete: Vec<Incomplete> = incomplete.collect();
        if let ([root], Some(first)) = (&roots[..], incomplete.first()) {
            return Err(Fault::invalid("missing file of a clip")
                .at(format!("{}: {} of {}", root.place, first.missing.join(", "), first.stem))
                .found(format!("{} clips that lack a file", incomplete.len()))
                .expected("every clip in every folder")
                .help("export the clip in every modality, or remove its other files"));
        }
        if taken.is_empty() {
            let places: Vec<&str> = roots.iter().map(|r| r.place.as_str()).collect();
            return Err(Fault::invalid("no clip is complete")
                .at(places.join(", "))
                .found(format!("{} stems, none of them in all of {}", incomplete.len(), folders(&slots)))
                .help("merge sources of the same modalities"));
        }
        Ok(Merged { roots, taken, incomplete, repeated })
    }

    /// The stems that are complete.
    pub fn stems(&self) -> impl Iterator<Item = &String> {
        self.taken.keys()
    }

    /// Whether the published captions are among the files of a clip.
    pub fn has_captions(&self) -> bool {
        let of_stem = |(stem, &root): (&String, &usize)| self.roots[root].stems.get(stem);
        self.taken.iter().filter_map(of_stem).any(|files| files.contains_key(&captions_slot()))
    }

    /// Class of every stem that is wanted, by its own source.
    ///
    /// # Errors
    /// If a stem has none.
    pub fn classes(
        &self,
        labels: &Labels,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, String>> {
        let mut tables = Vec::new();
        if let Labels::File(file, column) = labels {
            for root in &self.roots {
                let path = root.files.get(file).ok_or_else(|| {
                    Fault::invalid("missing labels file")
                        .at(format!("{}: {file}", root.place))
                        .help("it belongs into the dataset's root folder")
                })?;
                tables.push(labels::parse(&read(path, limits::LABELS)?, file, column)?);
            }
        }
        let class = |(stem, &root): (&String, &usize)| {
            let class = match (labels, tables.get(root)) {
                (Labels::File(file, column), Some(table)) => {
                    table.get(stem).filter(|l| !is_blank(l)).cloned().ok_or_else(|| {
                        Fault::invalid("the labels file lacks a clip")
                            .at(format!("{}: {file}", self.roots[root].place))
                            .found(format!("no `{column}` for {stem}"))
                            .help("add the line, or remove the clip")
                    })?
                }
                _ => self.caption(stem, root)?,
            };
            Ok((stem.clone(), class_key(&class)))
        };
        self.taken.iter().filter(|(stem, _)| wanted(stem)).map(class).collect()
    }

    /// The first caption of a clip.
    fn caption(&self, stem: &str, root: usize) -> Result<String> {
        let slot = captions_slot();
        let path = self.roots[root].stems.get(stem).and_then(|files| files.get(&slot)).ok_or_else(|| {
            Fault::invalid("missing file of a clip")
                .at(format!("{CAPTIONS}/{stem}.json"))
                .help("a clip's class is its first caption: export it, or name a labels file")
        })?;
        let captions = captions::captions(&read(path, limits::CAPTIONS)?)
            .map_err(|f| f.at(path.display().to_string()))?;
        Ok(captions.into_iter().next().unwrap_or_default())
    }

    /// Writes the stems of `parts` below `target`, in folders of these names; files of the root folders
    /// go along, tables of stems of several sources as one.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write(&self, target: &Path, splits: &[String; 3], parts: &BTreeMap<String, usize>) -> Result<()> {
        for (stem, &part) in parts {
            let Some(&root) = self.taken.get(stem) else { continue };
            for ((folder, extension), path) in &self.roots[root].stems[stem] {
                link(path, &target.join(&splits[part]).join(folder), &format!("{stem}.{extension}"))?;
            }
        }
        let names: BTreeSet<&String> = self.roots.iter().flat_map(|r| r.files.keys()).collect();
        for name in names.into_iter().filter(|name| *name != super::split_list::FILE) {
            let paths: Vec<&PathBuf> = self.roots.iter().filter_map(|r| r.files.get(name)).collect();
            match tables::merged(&paths)? {
                Some(table) => {
                    let path = target.join(name);
                    fs::write(&path, table).map_err(|e| Fault::io("write the divided dataset", &path, &e))?;
                }
                None => link(paths[0], target, name)?,
            }
        }
        Ok(())
    }
}

fn captions_slot() -> Slot {
    (CAPTIONS.to_string(), "json".to_string())
}

fn folders(slots: &BTreeSet<&Slot>) -> String {
    slots.iter().map(|slot| slot.0.as_str()).collect::<Vec<_>>().join(", ")
}

impl Root {
    fn of(source: &Path, unpacked: &Path) -> Result<Root> {
        let opened = Source::open(source, &[])?;
        let place = opened.place();
        let opened = match opened {
            Source::Archive { .. } => {
                unpack(&opened, unpacked, &place)?;
                Source::open(unpacked, &[])?
            }
            directory => directory,
        };
        let Source::Directory { listing, .. } = opened else { return Err(no_layout(&place)) };
        let mut found = Root { place, stems: Stems::new(), files: BTreeMap::new() };
        let mut problems = Problems::default();
        for (raw, path) in listing.files {
            let name = match name(&raw) {
                Name::Good(name) => name,
                Name::Bad { fault, .. } => {
                    problems.push(fault);
                    continue;
                }
            };
            match name.split('/').collect::<Vec<_>>()[..] {
                [_] => {
                    found.files.insert(name, path);
                }
                [_, folder, file] => found.add(folder, file, path, &name, &mut problems),
                _ => {}
            }
        }
        problems.into_result(&found.place)?;
        if found.stems.is_empty() {
            return Err(no_layout(&found.place));
        }
        Ok(found)
    }

    fn add(&mut self, folder: &str, file: &str, path: PathBuf, name: &str, problems: &mut Problems) {
        let Some((stem, extension @ ("npy" | "json"))) = file.rsplit_once('.') else { return };
        let slot = (folder.to_string(), extension.to_string());
        if let Some(other) = self.stems.entry(stem.to_string()).or_default().insert(slot, path) {
            problems.push(
                Fault::invalid("a stem is in two splits already")
                    .at(name)
                    .found(other.display())
                    .expected("every stem once")
                    .help("remove one of the two files"),
            );
        }
    }
}

fn no_layout(place: &str) -> Fault {
    Fault::invalid("no dataset in the published layout")
        .at(place)
        .expected("{split}/{modality}/{stem}.npy or .json")
        .help("put all clips into one split folder, such as `all/tok_rgb@196/…`, and divide again")
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    regular::read(path, limit).map_err(|e| regular::fault("read the dataset", path, &e))
}

/// Writes the regular files of an archive below `folder`.
fn unpack(archive: &Source, folder: &Path, place: &str) -> Result<()> {
    let fault = |path: &Path, e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Fault::invalid("two files of one name")
            .at(place)
            .found(path.display())
            .help("pack the archive again"),
        _ => Fault::io("unpack the dataset", path, &e),
    };
    fs::create_dir_all(folder).map_err(|e| fault(folder, e))?;
    let mut problems = Problems::default();
    archive.read(&|_| Some(limits::UNKNOWN), &mut |batch| {
        for entry in batch {
            let bytes = match entry.bytes {
                Ok(bytes) => bytes,
                Err(fault) => {
                    problems.push(fault);
                    continue;
                }
            };
            let path = folder.join(&entry.path);
            let above = path.parent().unwrap_or(folder);
            fs::create_dir_all(above).map_err(|e| fault(above, e))?;
            let file = fs::File::create_new(&path).and_then(|mut file| file.write_all(&bytes));
            file.map_err(|e| fault(&path, e))?;
        }
        Ok(())
    })?;
    problems.into_result(place)
}

/// A hard link, or a copy where links are not possible. Of a symbolic link what it leads to: itself, it
/// would lead elsewhere from the new folder.
fn link(from: &Path, folder: &Path, name: &str) -> Result<()> {
    let to = folder.join(name);
    let file = fs::canonicalize(from).and_then(|file| regular::open(&file).map(|_| file));
    let file = file.map_err(|e| regular::fault("read the dataset", from, &e))?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::hard_link(&file, &to).or_else(|_| fs::copy(&file, &to).map(|_| ())))
        .map_err(|e| Fault::io("write the divided dataset", &to, &e))
}
