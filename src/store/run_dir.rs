//! The directory of one run: its name, its files, its lock.

use super::atomic::{sync_folder, write_atomic};
use super::lock::Lock;
use super::status::Status;
use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Hex digits of the identity that a directory's name carries.
const ID_DIGITS: usize = 10;

/// What a directory's name says: `<name>-<10 hex>` or `<name>-<10 hex>-a<attempt>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunId {
    pub name: String,
    /// First ten hex digits of the identity.
    pub id: String,
    /// 1 unless forced.
    pub attempt: u32,
}

impl RunId {
    /// For a full identity.
    pub fn new(name: &str, identity: &str, attempt: u32) -> RunId {
        RunId { name: name.into(), id: identity.chars().take(ID_DIGITS).collect(), attempt }
    }

    /// From a directory's name; `None` if it is not a run's.
    pub fn parse(directory: &str) -> Option<RunId> {
        // Ten hex digits at the end are the id: `x-a572656823` is no attempt of that number.
        RunId::of_first_attempt(directory).or_else(|| {
            let (first, attempt) = directory.rsplit_once("-a")?;
            let digits = !attempt.is_empty() && attempt.bytes().all(|b| b.is_ascii_digit());
            let attempt = if digits { attempt.parse().ok()? } else { return None };
            Some(RunId { attempt, ..RunId::of_first_attempt(first)? })
        })
    }

    /// From `<name>-<10 hex>`.
    fn of_first_attempt(directory: &str) -> Option<RunId> {
        let (name, id) = directory.rsplit_once('-')?;
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let named = !name.is_empty() && id.len() == ID_DIGITS && id.bytes().all(hex);
        named.then(|| RunId { name: name.into(), id: id.into(), attempt: 1 })
    }

    /// The id with its attempt: `<10 hex>` or `<10 hex>-a<attempt>`.
    pub fn short(&self) -> String {
        if self.attempt <= 1 {
            self.id.clone()
        } else {
            format!("{}-a{}", self.id, self.attempt)
        }
    }

    /// The directory's name.
    pub fn directory(&self) -> String {
        format!("{}-{}", self.name, self.short())
    }
}

/// A run's directory. Cheap to clone; holds no lock itself (see [`RunDir::lock`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    pub path: PathBuf,
    pub id: RunId,
}

impl RunDir {
    /// Makes the directory (and `checkpoints/`, `probes/`) where it is missing.
    pub fn create(root: &Path, id: RunId) -> Result<RunDir> {
        let path = root.join(id.directory());
        for folder in [path.join("checkpoints"), path.join("probes")] {
            std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
        }
        sync_folder(root).map_err(|e| Fault::io("sync", root, &e))?;
        Ok(RunDir { path, id })
    }

    /// An existing directory; `None` if its name is not a run's or it is not there.
    pub fn open(path: &Path) -> Option<RunDir> {
        let id = RunId::parse(path.file_name()?.to_str()?)?;
        path.is_dir().then(|| RunDir { path: path.to_path_buf(), id })
    }

    /// Takes the run's lock; held until the value is dropped.
    pub fn lock(&self) -> Result<Lock> {
        Lock::acquire(&self.path)
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Replaces a file of the run atomically.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_atomic(&self.file(name), bytes)
    }

    /// `status.json`; `None` when the run was killed before writing it.
    pub fn status(&self) -> Result<Option<Status>> {
        let path = self.file("status.json");
        if path.exists() {
            Status::read(&path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Replaces `status.json`.
    pub fn set_status(&self, status: &Status) -> Result<()> {
        status.write(&self.file("status.json"))
    }

    /// Whether a file that describes the run is as the run wrote it; `None` where nothing is known of it.
    pub fn as_written(&self, status: &Status, name: &str) -> Option<bool> {
        let expected = status.files.get(name)?;
        Some(super::regular::read_own(self.file(name)).is_ok_and(|bytes| sha256_hex(&bytes) == *expected))
    }

    /// Whether the commit marker is there.
    pub fn finished(&self) -> bool {
        self.file("record.json").exists()
    }

    /// Appends one line to `log.txt`.
    pub fn log(&self, line: &str) -> Result<()> {
        let path = self.file("log.txt");
        // A pipe in its place is not waited for.
        OpenOptions::new()
            .create(true)
            .append(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .and_then(|mut f| f.write_all(format!("{line}\n").as_bytes()))
            .map_err(|e| Fault::io("append to", &path, &e))
    }

    /// Parameters after `step` steps, in the reference's layout.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.path.join(format!("checkpoints/step-{step:08}.safetensors"))
    }

    /// The optimizer's half of a checkpoint.
    pub fn optimizer(&self, step: u64) -> PathBuf {
        self.path.join(format!("checkpoints/step-{step:08}.optimizer.safetensors"))
    }

    /// Steps that have a checkpoint (both halves), ascending.
    pub fn checkpoints(&self) -> Vec<u64> {
        let mut steps: Vec<u64> = step_files(&self.path.join("checkpoints"), ".safetensors")
            .filter(|&s| self.optimizer(s).exists())
            .collect();
        steps.sort_unstable();
        steps
    }

    /// Checkpoints that are no more: set aside as damaged, or without the optimizer's half, which is there
    /// before the other is written. Their files.
    pub fn damaged_checkpoints(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path.join("checkpoints")).into_iter().flatten().flatten();
        let mut damaged: Vec<PathBuf> =
            entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "damaged")).collect();
        let halves = step_files(&self.path.join("checkpoints"), ".safetensors")
            .filter(|&s| !self.optimizer(s).exists());
        damaged.extend(halves.map(|step| self.checkpoint(step)));
        damaged.sort();
        damaged
    }

    /// Removes all checkpoints up to `step` but the newest and, in case that turns out damaged, the one before it
    /// that was due, every `every` steps: a run that was stopped in between ends with those of one that was not.
    /// A later one stays: a run may make again what leads to it.
    pub fn prune(&self, step: u64, every: u64) -> Result<()> {
        let mut steps = self.checkpoints();
        steps.retain(|&s| s <= step);
        let newest = steps.pop();
        let due = steps.iter().rposition(|s| newest.is_some() && every > 0 && s % every == 0);
        // Where none was due the one that a stop left is better than none.
        let kept = due.or(steps.len().checked_sub(1));
        kept.map(|kept| steps.remove(kept));
        // What a kill left of a checkpoint in the making, or in the removing, is none.
        let left = step_files(&self.path.join("checkpoints"), ".optimizer.safetensors");
        steps.extend(left.filter(|&s| s <= step && !self.checkpoint(s).exists()));
        steps.into_iter().try_for_each(|step| self.remove_checkpoint(step))
    }

    /// Removes both halves of a checkpoint, the one that makes it count first.
    pub fn remove_checkpoint(&self, step: u64) -> Result<()> {
        for path in [self.checkpoint(step), self.optimizer(step)] {
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Fault::io("remove", &path, &e))
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Steps of the files `step-….<suffix>` in `folder`.
fn step_files<'a>(folder: &Path, suffix: &'a str) -> impl Iterator<Item = u64> + use<'a> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(move |entry| {
        entry.file_name().to_str()?.strip_prefix("step-")?.strip_suffix(suffix)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (directory, name, short, attempt) in [
            ("span_stride2-0123456789", "span_stride2", "0123456789", 1),
            ("a-b-00ff00ff00-a2", "a-b", "00ff00ff00-a2", 2),
            ("x-a3-00ff00ff00", "x-a3", "00ff00ff00", 1),
            // An id may look like an attempt, after a name that looks like an id.
            ("small-a572656823", "small", "a572656823", 1),
            ("small-a572656823-a2", "small", "a572656823-a2", 2),
            ("x-0123456789-a572656823", "x-0123456789", "a572656823", 1),
        ] {
            let id = RunId::parse(directory).unwrap();
            assert_eq!((id.name.as_str(), id.short().as_str(), id.attempt), (name, short, attempt));
            assert_eq!(id.directory(), directory);
        }
        for other in ["x", "x-123", "x-0123456789ab", "-0123456789", "x-012345678G"] {
            assert_eq!(RunId::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_two_newest_checkpoints_stay_and_half_ones_do_not_count() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("x", "0123456789abcdef", 1)).unwrap();
        for step in [10, 20, 30] {
            write_atomic(&run.optimizer(step), b"o").unwrap();
            write_atomic(&run.checkpoint(step), b"p").unwrap();
        }
        write_atomic(&run.checkpoint(40), b"p").unwrap();
        assert_eq!(run.checkpoints(), [10, 20, 30]);
        assert_eq!(run.damaged_checkpoints(), [run.checkpoint(40)]);
        run.prune(20, 10).unwrap();
        assert_eq!(run.checkpoints(), [10, 20, 30]);
        run.prune(30, 10).unwrap();
        assert_eq!(run.checkpoints(), [20, 30]);
        assert!(!run.optimizer(10).exists());
    }

    #[test]
    fn the_checkpoint_of_a_stop_goes_before_one_that_was_due() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("x", "0123456789abcdef", 1)).unwrap();
        let save = |step: u64, every: u64| {
            write_atomic(&run.optimizer(step), b"o").unwrap();
            write_atomic(&run.checkpoint(step), b"p").unwrap();
            run.prune(step, every).unwrap();
            run.checkpoints()
        };
        assert_eq!(save(10, 10), [10]);
        assert_eq!(save(20, 10), [10, 20]);
        assert_eq!(save(25, 10), [20, 25]);
        assert_eq!(save(27, 10), [20, 27]);
        assert_eq!(save(30, 10), [20, 30]);
        // Only the last is due.
        assert_eq!((save(34, 0), save(40, 0)), (vec![30, 34], vec![34, 40]));
        // A kill between the halves leaves one behind, of a step that may never be written again.
        write_atomic(&run.optimizer(44), b"o").unwrap();
        write_atomic(&run.optimizer(77), b"o").unwrap();
        assert_eq!(save(50, 10), [40, 50]);
        assert!(!run.optimizer(44).exists() && run.optimizer(77).exists());
    }
}
