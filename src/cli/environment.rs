//! What the environment says: folders and the time, as values for the library.

use super::arguments::Global;
use crate::runner::Settings;
use std::path::PathBuf;

/// How this call makes runs, before what its command adds.
pub fn settings(global: &Global) -> Settings {
    Settings {
        // `ablate` looks at the others itself; every other command is refused several.
        device: global.devices().first(),
        kernels: global.kernels,
        ..Settings::new(runs_folder(global), cache_folder(), now)
    }
}

/// `--runs`, else NANO4M_RUNS, else `runs`.
pub fn runs_folder(global: &Global) -> PathBuf {
    global.runs.clone().or_else(|| variable("NANO4M_RUNS")).unwrap_or_else(|| "runs".into())
}

/// Where the tables of one's own runs go where `--reports` names no folder: beside the runs, so that they do not mix
/// with those a repository ships.
pub fn own_reports(global: &Global) -> PathBuf {
    runs_folder(global).join("reports")
}

/// Every folder that tables are looked for in where `--reports` names none: what the repository one stands in ships,
/// and one's own.
pub fn all_reports(global: &Global) -> Vec<PathBuf> {
    vec!["reports".into(), own_reports(global)]
}

/// NANO4M_CACHE, else `nano4m` in the user's cache folder.
pub fn cache_folder() -> PathBuf {
    variable("NANO4M_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("nano4m")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/nano4m")))
        .unwrap_or_else(|| std::env::temp_dir().join("nano4m-cache"))
}

/// The time, RFC 3339 UTC; SOURCE_DATE_EPOCH when it is set.
pub fn now() -> String {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse().ok());
    let time = epoch.and_then(|s| chrono::DateTime::from_timestamp(s, 0)).unwrap_or_else(chrono::Utc::now);
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A variable that is set to more than nothing.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
