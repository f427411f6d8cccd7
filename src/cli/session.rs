//! What a command works on: a checked manifest, its opened dataset, its identity and its drift.

use super::args::{Global, ManifestArgs};
use super::output;
use crate::data::Dataset;
use crate::fault::{Fault, Result};
use crate::manifest::pins::{self, Drift, Found};
use crate::manifest::schema::Experiment;
use crate::manifest::{self, Loaded};
use crate::provenance::{self, CODE_HASH};
use crate::store::{RunDir, Status};
use std::path::{Path, PathBuf};

/// A manifest with its data.
pub struct Session {
    pub experiment: Experiment,
    /// The manifest as given.
    pub text: String,
    /// The manifest's absolute path.
    pub path: PathBuf,
    pub data: Dataset,
    /// Hash of manifest, data and code; of a resumed run the one it was started with.
    pub identity: String,
    /// What did not match and was allowed to.
    pub drift: Vec<Drift>,
}

/// Reads the manifest, opens its data and holds both against the pins.
///
/// # Errors
/// Exit 2 for an invalid manifest or dataset, 3 for missing data or pins that do not match.
pub fn open(args: &ManifestArgs, allow_drift: bool) -> Result<Session> {
    let loaded = read(args)?;
    let path = std::path::absolute(&args.manifest).unwrap_or_else(|_| args.manifest.clone());
    let Loaded { experiment, text, .. } = loaded;
    let data = dataset(&experiment, folder(&path))?;
    let drift = pins::verify(&experiment, &found(&data));
    refuse(&drift, allow_drift, &args.manifest)?;
    let identity = manifest::identity(&experiment, &data.hash, CODE_HASH);
    Ok(Session { experiment, text, path, data, identity, drift })
}

/// The manifest of a run as it was started, overrides included.
///
/// # Errors
/// As [`open`]; exit 3 when code or data have changed since the run was started.
pub fn of_run(run: &RunDir, status: &Status, allow_drift: bool) -> Result<Session> {
    let resolved = run.file("resolved.ron");
    let Loaded { experiment, text, .. } = manifest::read(&resolved, &[])?;
    let path = PathBuf::from(&status.manifest);
    let data = dataset(&experiment, folder(&path))?;
    let drift = pins::verify(&experiment, &found(&data));
    refuse(&drift, allow_drift, &resolved)?;
    let identity = manifest::identity(&experiment, &data.hash, CODE_HASH);
    let mut session = Session { experiment, text, path, data, identity, drift };
    if session.identity != status.identity {
        changed(run, status, &mut session, allow_drift)?;
    }
    Ok(session)
}

/// Reads and checks a manifest; warnings go to stderr.
pub fn read(args: &ManifestArgs) -> Result<Loaded> {
    let loaded = manifest::read(&args.manifest, &args.set)?;
    loaded.warnings.iter().for_each(|w| output::note(&w.to_string()));
    Ok(loaded)
}

/// Opens the dataset of a manifest in folder `base`.
pub fn dataset(experiment: &Experiment, base: &Path) -> Result<Dataset> {
    Dataset::open(&experiment.data, &experiment.modalities, base, &cache_folder())
}

/// Folder of a path; `.` for a bare name.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `--runs`, else NANO4M_RUNS, else `runs`.
pub fn runs_folder(g: &Global) -> PathBuf {
    let named = || std::env::var_os("NANO4M_RUNS").filter(|v| !v.is_empty()).map(PathBuf::from);
    g.runs.clone().or_else(named).unwrap_or_else(|| "runs".into())
}

/// NANO4M_CACHE, else `nano4m` in the user's cache folder.
pub fn cache_folder() -> PathBuf {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("NANO4M_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|c| c.join("nano4m")))
        .or_else(|| var("HOME").map(|h| h.join(".cache/nano4m")))
        .unwrap_or_else(|| std::env::temp_dir().join("nano4m-cache"))
}

/// The time, RFC 3339 UTC; SOURCE_DATE_EPOCH when it is set.
pub fn now() -> String {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse().ok());
    let time = epoch.and_then(|s| chrono::DateTime::from_timestamp(s, 0)).unwrap_or_else(chrono::Utc::now);
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// What the pins are held against.
pub fn found(data: &Dataset) -> Found<'_> {
    Found { code: CODE_HASH, commit: provenance::commit(), data: Some(&data.hash) }
}

/// One line about a pin that did not match.
pub fn drift_line(drift: &Drift) -> String {
    format!("{} expected {}, found {}", drift.pin, drift.expected, drift.found)
}

fn refuse(drift: &[Drift], allow: bool, file: &Path) -> Result<()> {
    if drift.is_empty() {
        return Ok(());
    }
    if !allow {
        return Err(pins::refusal(&file.display().to_string(), drift));
    }
    drift.iter().for_each(|d| output::note(&format!("warning: drift allowed: {}", drift_line(d))));
    Ok(())
}

/// A run whose code or data are not those it was started with.
fn changed(run: &RunDir, status: &Status, session: &mut Session, allow: bool) -> Result<()> {
    let drift = Drift {
        pin: "identity".into(),
        expected: status.identity.clone(),
        found: session.identity.clone(),
        back: None,
    };
    if !allow {
        return Err(Fault::provenance("code or data have changed since the run was started")
            .at(run.path.display().to_string())
            .found(format!("identity {}", drift.found))
            .expected(format!("identity {}", drift.expected))
            .help(
                "`nano4m run` starts a new run; go back to the code in its provenance.json to continue this \
                 one; --allow-drift continues anyway and marks the record",
            ));
    }
    output::note(&format!("warning: drift allowed: {}", drift_line(&drift)));
    session.identity.clone_from(&status.identity);
    session.drift.push(drift);
    Ok(())
}
