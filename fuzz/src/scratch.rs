//! Files for readers that take a path: they lie in a folder of this process, under the temporary folder.

use std::path::PathBuf;
use std::sync::OnceLock;

/// The folder, made at the first call.
///
/// # Panics
/// If it cannot be made.
pub fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("nano4m-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    })
}

/// The file of this name there, with these bytes.
///
/// # Panics
/// If it cannot be written.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a temporary folder");
    std::fs::write(&path, bytes).expect("a temporary file");
    path
}
