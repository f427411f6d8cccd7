//! Writing a dataset in the published layout (REFERENCE §2): int32 npy files, caption JSON, labels.csv.

use super::dataset::Dataset;
use super::part::Part;
use super::split::Split;
use super::target;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Splits;
use std::fs;
use std::path::Path;

impl Dataset {
    /// Writes every clip below `target`, which must not exist; it appears whole or not at all.
    pub fn write(&self, splits: &Splits, target: &Path) -> Result<()> {
        self.write_with(splits, target, &[])
    }

    /// Refuses a target that exists: worth asking before long work.
    pub fn refuse_existing(target: &Path) -> Result<()> {
        target::refuse_existing(target)
    }

    /// As [`Dataset::write`], with more files at the root. A split without clips has no folder.
    pub fn write_with(&self, splits: &Splits, target: &Path, more: &[(&str, &[u8])]) -> Result<()> {
        Dataset::refuse_existing(target)?;
        let io = |e: std::io::Error| Fault::io("write the dataset", target, &e);
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(io)?;
        let work = tempfile::Builder::new().prefix(".writing-").tempdir_in(parent).map_err(io)?;
        let mut labels = csv::Writer::from_writer(Vec::new());
        let bad = |e: csv::Error| io(e.into());
        labels.write_record(["stem", "label"]).map_err(bad)?;
        for (part, name) in
            [(Part::Train, &splits.train), (Part::Eval, &splits.eval), (Part::Test, &splits.test)]
        {
            let split = self.split(part);
            if split.is_empty() {
                continue;
            }
            self.write_split(split, &work.path().join(name)).map_err(io)?;
            for clip in 0..split.len() {
                labels.write_record([split.stem(clip), split.label(clip)]).map_err(bad)?;
            }
        }
        let labels = labels.into_inner().map_err(|e| io(e.into_error()))?;
        fs::write(work.path().join("labels.csv"), labels).map_err(io)?;
        more.iter().try_for_each(|(name, bytes)| fs::write(work.path().join(name), bytes)).map_err(io)?;
        fs::rename(work.keep(), target).map_err(io)
    }

    fn write_split(&self, split: &Split, folder: &Path) -> std::io::Result<()> {
        for (m, modality) in self.modalities().iter().enumerate() {
            let folder = folder.join(&modality.name);
            fs::create_dir_all(&folder)?;
            for clip in 0..split.len() {
                let stem = split.stem(clip);
                if modality.text.is_some() {
                    fs::write(
                        folder.join(format!("{stem}.json")),
                        serde_json::to_string(split.captions(clip))?,
                    )?;
                } else {
                    let rows = split.rows(clip);
                    let ids: Vec<u32> = (0..rows).flat_map(|r| split.tokens(clip, m, r).to_vec()).collect();
                    fs::write(folder.join(format!("{stem}.npy")), npy(&ids, rows, modality.length))?;
                }
            }
        }
        Ok(())
    }
}

/// The bytes of a version-1 npy file of int32, `[rows, length]`, C order.
fn npy(ids: &[u32], rows: usize, length: usize) -> Vec<u8> {
    let dict = format!("{{'descr': '<i4', 'fortran_order': False, 'shape': ({rows}, {length}), }}");
    let padding = 64 - (10 + dict.len() + 1) % 64;
    let header = format!("{dict}{}\n", " ".repeat(padding % 64));
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(ids.iter().flat_map(|i| (*i as i32).to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::{Data, Labels, PerModality, Synthetic};
    use crate::modality::Modality;

    #[test]
    fn what_is_written_reads_back_with_the_same_content() {
        let modalities: Vec<Modality> =
            ron::from_str(r#"[(name: "a@6", length: 6, vocab: 9), (name: "b@3", length: 3, vocab: 5)]"#)
                .unwrap();
        let source = Synthetic {
            clips: (12, 8, 8),
            classes: 2,
            strength: PerModality::All(0.5),
            ..Default::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let data = Data { synthetic: Some(source), ..Default::default() };
        let made = Dataset::open(&data, &modalities, folder.path(), folder.path()).unwrap();
        let target = folder.path().join("out");
        made.write(&Splits::default(), &target).unwrap();
        let labels = Labels::File("labels.csv".into(), "label".into());
        let data = Data { path: Some(target.display().to_string()), labels, ..Default::default() };
        let read = Dataset::open(&data, &modalities, folder.path(), &folder.path().join("cache")).unwrap();
        assert_eq!(read.split(Part::Test).tokens(3, 1, 1), made.split(Part::Test).tokens(3, 1, 1));
        assert_eq!(read.split(Part::Train).label(5), made.split(Part::Train).label(5));
        assert!(made.write(&Splits::default(), &target).unwrap_err().what.contains("exists already"));
    }
}
