//! Which files of a dataset a manifest asks for.

use super::limits;
use crate::data::part::Part;
use crate::data::text::composed;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Data, Labels};
use crate::modality::Modality;

/// The published caption folder: read for the class labels when no modality is a caption.
pub const CAPTIONS: &str = "scene_desc";

/// A folder inside each split.
#[derive(Debug)]
pub struct Folder {
    /// Its name, which is the modality's, composed.
    pub name: String,
    /// Holds captions (`.json`) instead of tokens (`.npy`).
    pub captions: bool,
    /// Index of the modality; absent for captions that only give the labels.
    pub modality: Option<usize>,
    /// Tokens per example on disk; the modality uses the first of them. 0 for captions.
    pub stored: usize,
}

impl Folder {
    /// Extension of its files.
    pub fn extension(&self) -> &'static str {
        if self.captions {
            "json"
        } else {
            "npy"
        }
    }
}

/// What to read: three splits, the folders in each, and the labels file.
#[derive(Debug)]
pub struct Layout {
    pub splits: [String; 3],
    /// One for each modality in order, then the optional caption folder.
    pub folders: Vec<Folder>,
    /// File and column of the labels.
    pub labels: Option<(String, String)>,
}

/// What one file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    Clip { part: Part, folder: usize, stem: String },
    Labels,
}

impl Layout {
    pub fn new(data: &Data, modalities: &[Modality]) -> Result<Layout> {
        let splits = [&data.splits.train, &data.splits.eval, &data.splits.test];
        let splits = splits.map(|s| composed(s).into_owned());
        if let Some(twice) = splits.iter().enumerate().find_map(|(i, s)| splits[..i].contains(s).then_some(s))
        {
            return Err(Fault::invalid("two splits name the same folder")
                .at("data.splits")
                .found(twice)
                .expected("three different folders")
                .help(
                    "test and validation clips must not be seen in training: give each split its own folder",
                ));
        }
        let folder = |(i, m): (usize, &Modality)| Folder {
            name: composed(&m.name).into_owned(),
            captions: m.text.is_some(),
            modality: Some(i),
            stored: match m.text {
                Some(_) => 0,
                None => data.stored.get(&m.name).copied().unwrap_or(m.length),
            },
        };
        let mut folders: Vec<Folder> = modalities.iter().enumerate().map(folder).collect();
        let labels = match &data.labels {
            Labels::File(file, column) => Some((composed(file).into_owned(), column.clone())),
            Labels::Caption => None,
        };
        let taken = folders.iter().any(|f| f.captions || f.name == CAPTIONS);
        if labels.is_none() && !taken {
            folders.push(Folder { name: CAPTIONS.into(), captions: true, modality: None, stored: 0 });
        }
        Ok(Layout { splits, folders, labels })
    }

    /// Folder whose captions belong to the clip: the first text modality, or the labels' captions.
    pub fn caption_folder(&self) -> Option<usize> {
        self.folders.iter().position(|f| f.captions)
    }

    /// What the file at `path` (`/`-separated) is, and the folders above the dataset's root.
    pub fn classify<'a>(&self, path: &'a str) -> Option<(&'a str, Slot)> {
        if let Some(root) = self.labels.as_ref().and_then(|(file, _)| root_of(path, file)) {
            return Some((root, Slot::Labels));
        }
        let (above, name) = path.rsplit_once('/')?;
        let (above, folder) = above.rsplit_once('/')?;
        let (root, split) = above.rsplit_once('/').unwrap_or(("", above));
        let part = Part::ALL[self.splits.iter().position(|s| s == split)?];
        let folder = self.folders.iter().position(|f| f.name == folder)?;
        let (stem, extension) = name.rsplit_once('.')?;
        // A leading dot is a leftover of macOS (`._x.npy`) or an editor, never a clip.
        let ours = extension == self.folders[folder].extension() && !name.starts_with('.');
        ours.then(|| (root, Slot::Clip { part, folder, stem: stem.to_string() }))
    }

    /// The largest size, in bytes, that the file at `path` may have; `None` for one that is not read.
    pub fn bound(&self, path: &str) -> Option<u64> {
        Some(match self.classify(path)?.1 {
            Slot::Labels => limits::LABELS,
            Slot::Clip { folder, .. } if self.folders[folder].captions => limits::CAPTIONS,
            Slot::Clip { folder, .. } => limits::tokens(self.folders[folder].stored),
        })
    }

    /// Path of a file below the dataset's root.
    pub fn path(&self, part: Part, folder: usize, stem: &str) -> String {
        let f = &self.folders[folder];
        format!("{}/{}/{stem}.{}", self.splits[part as usize], f.name, f.extension())
    }
}

/// What stands before `file` in `path`, when it ends with that file as whole folders.
fn root_of<'a>(path: &'a str, file: &str) -> Option<&'a str> {
    let root = path.strip_suffix(file)?;
    (root.is_empty() || root.ends_with('/')).then(|| root.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modality::{Strategy, Text};

    fn modality(name: &str, text: Option<Text>) -> Modality {
        let (length, vocab, codebooks, grid, masking) = (2, 4, 1, None, Strategy::Random);
        Modality { name: name.into(), length, vocab, codebooks, grid, text, masking }
    }

    #[test]
    fn any_root_or_none() {
        let data = Data { labels: Labels::File("labels.csv".into(), "animal".into()), ..Data::default() };
        let layout = Layout::new(&data, &[modality("a@2", None), modality("c", Some(Text::Gpt2))]).unwrap();
        let slot = |part, folder, stem: &str| Slot::Clip { part, folder, stem: stem.into() };
        assert_eq!(layout.classify("val/a@2/x.y.npy"), Some(("", slot(Part::Eval, 0, "x.y"))));
        assert_eq!(layout.classify("r/s/test/c/x.json"), Some(("r/s", slot(Part::Test, 1, "x"))));
        assert_eq!(layout.classify("train/train/c/x.json"), Some(("train", slot(Part::Train, 1, "x"))));
        assert_eq!(layout.classify("r/labels.csv"), Some(("r", Slot::Labels)));
        for other in ["x.npy", "val/x.npy", "val/b/x.npy", "dev/a@2/x.npy", "val/c/x.npy", "old_labels.csv"] {
            assert_eq!(layout.classify(other), None, "{other}");
        }
        assert_eq!(layout.classify("val/a@2/._x.npy"), None);
        assert_eq!(layout.path(Part::Eval, 1, "x"), "val/c/x.json");
    }

    #[test]
    fn captions_are_read_for_labels_only_when_needed() {
        let folders = |labels, text| {
            let data = Data { labels, ..Data::default() };
            Layout::new(&data, &[modality("a", None), modality("c", text)]).unwrap().folders.len()
        };
        assert_eq!(folders(Labels::Caption, None), 3);
        assert_eq!(folders(Labels::Caption, Some(Text::Words)), 2);
        assert_eq!(folders(Labels::File("l.csv".into(), "x".into()), None), 2);
    }

    #[test]
    fn splits_are_three_folders() {
        let mut data = Data::default();
        data.splits.eval = "test".into();
        assert_eq!(Layout::new(&data, &[]).unwrap_err().what, "two splits name the same folder");
    }
}
