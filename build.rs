//! Embeds what the binary is made of: code hash, commit, versions (DESIGN §3).
//!
//! Works without `.git` and without `Cargo.lock`: what is not there is left empty.

#[allow(dead_code)]
#[path = "src/provenance/code.rs"]
mod code;
#[allow(dead_code)]
#[path = "src/digest.rs"]
mod digest;

use git2::{Commit, ErrorClass, ErrorCode, Oid, Repository, StatusOptions};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| ".".into()));
    // Relative paths: the build script runs in the package's folder.
    for name in ["src", "Cargo.lock", "build.rs"] {
        watch(Path::new(name));
    }
    set("NANO4M_CODE_HASH", &code::code_hash(&root).expect("the sources can be read"));
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let packages = code::packages(&lock);
    let list: Vec<String> = packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
    set("NANO4M_PACKAGES", &list.join(";"));
    set("NANO4M_RUSTC", &rustc_version());
    set("NANO4M_TARGET", &env::var("TARGET").unwrap_or_default());
    set("NANO4M_PROFILE", &env::var("PROFILE").unwrap_or_default());
    set("NANO4M_TARGET_FEATURES", &env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default());
    let source = source_commit(&root).ok().flatten();
    set("NANO4M_COMMIT", &source.as_ref().map_or(String::new(), |s| s.commit.to_string()));
    set("NANO4M_COMMITTED", if source.is_some_and(|s| s.clean) { "true" } else { "false" });
}

fn set(name: &str, value: &str) {
    println!("cargo:rustc-env={name}={}", value.replace('\n', " "));
}

/// Runs this script again when `path` changes. A path that does not exist would run it every time.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

fn rustc_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output.map_or(String::new(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}

/// Where the code at hand was committed.
struct Source {
    commit: Oid,
    /// `src/` and `Cargo.lock` are as committed.
    clean: bool,
}

/// The oldest commit with the same `src/` and `Cargo.lock` as HEAD, following unchanged parents:
/// a commit that only adds manifests or reports does not move it.
fn source_commit(root: &Path) -> Result<Option<Source>, git2::Error> {
    let repository = Repository::discover(root)?;
    watch_head(&repository);
    let Some(prefix) = prefix_in(&repository, root) else { return Ok(None) };
    let mut commit = repository.head()?.peel_to_commit()?;
    let head = sources(&commit, &prefix)?;
    'older: loop {
        for parent in commit.clone().parents() {
            if sources(&parent, &prefix).is_ok_and(|s| s == head) {
                commit = parent;
                continue 'older;
            }
        }
        break;
    }
    let clean = is_clean(&repository, &prefix)?;
    Ok(Some(Source { commit: commit.id(), clean }))
}

/// This package's folder inside the repository's work tree.
fn prefix_in(repository: &Repository, root: &Path) -> Option<PathBuf> {
    let tree = repository.workdir()?.canonicalize().ok()?;
    Some(root.canonicalize().ok()?.strip_prefix(tree).ok()?.to_path_buf())
}

/// Object ids of `src/` (an error when the commit has none) and `Cargo.lock`.
fn sources(commit: &Commit, prefix: &Path) -> Result<(Oid, Option<Oid>), git2::Error> {
    let tree = commit.tree()?;
    let src = tree.get_path(&prefix.join("src"))?.id();
    match tree.get_path(&prefix.join("Cargo.lock")) {
        Ok(entry) => Ok((src, Some(entry.id()))),
        Err(e) if e.code() == ErrorCode::NotFound || e.class() == ErrorClass::Tree => Ok((src, None)),
        Err(e) => Err(e),
    }
}

fn is_clean(repository: &Repository, prefix: &Path) -> Result<bool, git2::Error> {
    let mut options = StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).disable_pathspec_match(true);
    options.pathspec(prefix.join("src")).pathspec(prefix.join("Cargo.lock"));
    Ok(repository.statuses(Some(&mut options))?.is_empty())
}

/// A commit or a checkout changes HEAD and its log, the branch it names, or the packed refs.
fn watch_head(repository: &Repository) {
    watch(&repository.path().join("HEAD"));
    watch(&repository.path().join("logs/HEAD"));
    watch(&repository.commondir().join("packed-refs"));
    let head = repository.find_reference("HEAD").ok();
    if let Some(branch) = head.as_ref().and_then(|h| h.symbolic_target().ok().flatten()) {
        watch(&repository.commondir().join(branch));
    }
}
