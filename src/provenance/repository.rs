//! State of the source repository when a run starts: commit, and what differs from it.

use crate::store::regular;
use git2::{Delta, DiffFormat, DiffOptions, ErrorCode, Repository as Git};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Diffs beyond this many bytes are cut.
pub const DIFF_CAP: usize = 256 * 1024;

/// Larger files appear in the diff by name only.
const FILE_CAP: i64 = 1024 * 1024;

/// Untracked files count only where sources and manifests live.
const SOURCES: [&str; 4] = ["src/", "experiments/", "ablations/", "build.rs"];

/// What the program writes itself makes no tree dirty.
const OUTPUTS: [&str; 2] = ["runs/", "reports/"];

/// The source repository around the working directory, or else around the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Commit of HEAD; absent before the first commit.
    pub head: Option<String>,
    /// Tracked files differ from HEAD, or there are untracked sources.
    pub dirty: bool,
    /// The difference as a unified diff, cut at `DIFF_CAP` bytes; empty when clean.
    pub diff: String,
    /// Bytes of the whole diff.
    pub diff_bytes: usize,
}

/// Why the state of this program's own repository is not known, as a line for whoever started the run.
pub type Unreadable = String;

/// The repository around the first of `directories` that is within this program's own; `None` outside of it.
///
/// # Errors
/// There is one, and git does not tell its state: it belongs to another user, or is damaged.
pub fn repository(directories: &[&Path]) -> Result<Option<Repository>, Unreadable> {
    let Some(root) = directories.iter().find_map(|directory| own_root(directory)) else { return Ok(None) };
    let state = Git::open(&root).and_then(|git| state(&git));
    state.map(Some).map_err(|error| {
        let place = root.display();
        let (why, way_out) = match error.code() {
            ErrorCode::Owner => (
                "it belongs to another user".to_owned(),
                format!("; `git config --global --add safe.directory {place}` trusts it"),
            ),
            _ => (error.message().to_owned(), String::new()),
        };
        format!("warning: the run does not record which commit it was started in: git does not open {place}: {why}{way_out}")
    })
}

/// The folder of the repository around `directory`, if it is this program's own.
fn own_root(directory: &Path) -> Option<PathBuf> {
    let absolute = directory.canonicalize().ok()?;
    let root = absolute.ancestors().find(|folder| folder.join(".git").exists())?;
    let manifest = regular::read(&root.join("Cargo.toml"), regular::WRITTEN_BY_HAND).ok()?;
    let own = String::from_utf8_lossy(&manifest).lines().any(|line| line.trim() == "name = \"nano4m-audio\"");
    own.then(|| root.to_path_buf())
}

fn state(git: &Git) -> Result<Repository, git2::Error> {
    // No HEAD: everything is new, compared with the empty tree.
    let commit = git.head().and_then(|head| head.peel_to_commit()).ok();
    let tree = commit.as_ref().map(|c| c.tree()).transpose()?;
    let mut options = DiffOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .show_untracked_content(true)
        .max_size(FILE_CAP);
    let diff = git.diff_tree_to_workdir_with_index(tree.as_ref(), Some(&mut options))?;
    let (mut text, mut total, mut dirty) = (Vec::new(), 0, false);
    diff.print(DiffFormat::Patch, |delta, _, line| {
        let path = delta.new_file().path().or_else(|| delta.old_file().path());
        if path.is_some_and(|p| counts(&p.to_string_lossy().replace('\\', "/"), delta.status())) {
            dirty = true;
            let marked = matches!(line.origin(), '+' | '-' | ' ');
            append(&mut text, &mut total, marked.then_some(line.origin()), line.content());
        }
        true
    })?;
    let head = commit.map(|c| c.id().to_string());
    Ok(Repository { head, dirty, diff: cut(text, total), diff_bytes: total })
}

fn counts(path: &str, status: Delta) -> bool {
    let under = |places: &[&str]| places.iter().any(|p| path.starts_with(p));
    !under(&OUTPUTS) && (status != Delta::Untracked || under(&SOURCES))
}

fn append(text: &mut Vec<u8>, total: &mut usize, mark: Option<char>, content: &[u8]) {
    let length = content.len() + usize::from(mark.is_some());
    *total += length;
    if *total <= DIFF_CAP {
        text.extend(mark.map(|c| c as u8));
        text.extend(content);
    }
}

/// The diff as text, with a last line that says what is missing.
fn cut(text: Vec<u8>, total: usize) -> String {
    let mut out = String::from_utf8_lossy(&text).into_owned();
    if total > text.len() {
        out += &format!("[cut here: {} of {total} bytes]\n", text.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A repository like ours with one commit.
    fn committed(folder: &Path) -> Git {
        let git = Git::init(folder).unwrap();
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"nano4m-audio\"\n").unwrap();
        fs::write(folder.join("src/lib.rs"), "one\ntwo\n").unwrap();
        let who = git2::Signature::new("a", "a@example.org", &git2::Time::new(0, 0)).unwrap();
        let mut index = git.index().unwrap();
        index.add_all(["."], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.write().unwrap();
        {
            let tree = git.find_tree(index.write_tree().unwrap()).unwrap();
            git.commit(Some("HEAD"), &who, &who, "first", &tree, &[]).unwrap();
        }
        git
    }

    fn found(directory: &Path) -> Repository {
        repository(&[directory]).unwrap().unwrap()
    }

    #[test]
    fn the_working_directory_is_asked_before_the_manifest_s_folder() {
        let (ours, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let git = committed(ours.path());
        let head = git.head().unwrap().target().unwrap().to_string();
        for directories in [[ours.path(), elsewhere.path()], [elsewhere.path(), ours.path()]] {
            assert_eq!(repository(&directories).unwrap().unwrap().head, Some(head.clone()));
        }
    }

    #[test]
    fn a_repository_that_git_does_not_open_is_told() {
        let folder = tempfile::tempdir().unwrap();
        committed(folder.path());
        // SAFETY: no arguments. Only root can give a folder away.
        if unsafe { libc::geteuid() } == 0 {
            std::os::unix::fs::chown(folder.path(), Some(65_534), None).unwrap();
            std::os::unix::fs::chown(folder.path().join(".git"), Some(65_534), None).unwrap();
            let told = repository(&[folder.path()]).unwrap_err();
            let way_out = format!("git config --global --add safe.directory {}", folder.path().display());
            assert!(told.contains("belongs to another user") && told.contains(&way_out), "{told}");
        }
        fs::write(folder.path().join(".git/HEAD"), "nothing").unwrap();
        assert!(repository(&[folder.path()]).unwrap_err().contains("does not record which commit"));
    }

    #[test]
    fn clean_dirty_and_untracked() {
        let folder = tempfile::tempdir().unwrap();
        let git = committed(folder.path());
        let clean = found(folder.path());
        assert_eq!(clean.head, Some(git.head().unwrap().target().unwrap().to_string()));
        assert_eq!((clean.dirty, clean.diff.as_str()), (false, ""));

        // Outputs and stray notes make nothing dirty.
        fs::create_dir_all(folder.path().join("runs")).unwrap();
        fs::write(folder.path().join("runs/x"), "x").unwrap();
        fs::write(folder.path().join("notes"), "x").unwrap();
        assert!(!found(&folder.path().join("src")).dirty);

        fs::write(folder.path().join("src/lib.rs"), "one\n2\n").unwrap();
        fs::create_dir_all(folder.path().join("experiments")).unwrap();
        fs::write(folder.path().join("experiments/new.ron"), "Experiment(é)\n").unwrap();
        let dirty = found(folder.path());
        assert!(dirty.dirty);
        for line in ["-two\n", "+2\n", "+Experiment(é)\n"] {
            assert!(dirty.diff.contains(line), "{line:?} is missing in {}", dirty.diff);
        }
        assert!(!dirty.diff.contains("notes"));
    }

    #[test]
    fn long_diffs_are_cut_and_say_so() {
        let folder = tempfile::tempdir().unwrap();
        committed(folder.path());
        fs::write(folder.path().join("src/big.rs"), "0123456789abcde\n".repeat(40_000)).unwrap();
        let state = found(folder.path());
        assert!(state.diff.len() <= DIFF_CAP + 60 && state.diff_bytes > 640_000);
        assert!(state.diff.ends_with(&format!(" of {} bytes]\n", state.diff_bytes)));
    }

    #[test]
    fn other_repositories_are_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        Git::init(folder.path()).unwrap();
        assert_eq!(repository(&[folder.path(), Path::new("/")]), Ok(None));
    }
}
