//! What a run works on: a checked manifest, its opened dataset, its identity and its drift.

use super::memory;
use super::settings::Settings;
use crate::architecture::Config;
use crate::data::{Dataset, Part};
use crate::fault::{Fault, Result};
use crate::manifest::pins::{self, Current, Drift};
use crate::manifest::schema::Experiment;
use crate::manifest::{self, Loaded};
use crate::model::network::Network;
use crate::place::{Device, Place};
use crate::provenance::{self, CODE_HASH};
use crate::store::{RunDir, RunId, Status};
use std::path::{Path, PathBuf};

/// A manifest with its data.
pub struct Session {
    pub experiment: Experiment,
    /// The manifest as given.
    pub text: String,
    /// The manifest's absolute path.
    pub path: PathBuf,
    pub data: Dataset,
    /// Hash of manifest, data and code, 64 hex digits; of a resumed run the one it was started with.
    pub identity: String,
    /// What did not match and was allowed to.
    pub drift: Vec<Drift>,
    /// What is worth a line to whoever started it: the manifest's warnings, and the drift.
    pub warnings: Vec<String>,
}

impl Session {
    /// Reads the manifest, opens its data and holds both against the pins.
    ///
    /// # Errors
    /// Exit 2 for an invalid manifest or dataset, or one whose model and data need more memory than there is (what
    /// training needs is asked by [`run()`](super::run())), 3 for missing data or pins that do not match.
    pub fn open(path: impl AsRef<Path>, settings: &Settings) -> Result<Session> {
        Session::of_manifest(manifest::read(path.as_ref(), &settings.overrides)?, settings)
    }

    /// [`Session::open`] of a manifest that has been read.
    ///
    /// # Errors
    /// As there.
    pub fn of_manifest(loaded: Loaded, settings: &Settings) -> Result<Session> {
        let absolute = std::path::absolute(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
        let file = loaded.path.clone();
        Session::assemble(loaded, absolute, &file, settings)
    }

    /// The manifest of a run as it was started, overrides included.
    ///
    /// # Errors
    /// As [`Session::open`]; exit 3 when code or data have changed since the run was started.
    pub fn of_run(run: &RunDir, status: &Status, settings: &Settings) -> Result<Session> {
        let resolved = run.file("resolved.ron");
        if run.as_written(status, "resolved.ron") == Some(false) {
            let manifest = &status.manifest;
            return Err(Fault::failed("resolved.ron has changed since the run was started")
                .at(resolved.display().to_string())
                .expected(format!("sha256 {}", status.files["resolved.ron"]))
                .help(format!(
                    "put it back as it was, or `nano4m run {manifest}` writes it again and goes on"
                )));
        }
        let mut loaded = manifest::read(&resolved, &[])?;
        // They were told when it was started.
        loaded.warnings.clear();
        let mut session = Session::assemble(loaded, PathBuf::from(&status.manifest), &resolved, settings)?;
        // Of a run whose status is lost, ten digits are known.
        let known = !status.identity.is_empty();
        if !known && RunId::new("", &session.identity, 1).id != run.id.id {
            return Err(Fault::provenance(
                "code, data or resolved.ron are not those the run was started with",
            )
            .at(run.path.display().to_string())
            .found(format!("identity {}", session.identity))
            .expected(format!("an identity that begins with {}", run.id.id))
            .help("`nano4m run MANIFEST` starts it again"));
        }
        if known && session.identity != status.identity {
            session.changed(run, status, settings.allow_drift)?;
        }
        Ok(session)
    }

    /// `path` is where the manifest lies or lay, beside which its data may be; `file` is what messages name.
    fn assemble(loaded: Loaded, path: PathBuf, file: &Path, settings: &Settings) -> Result<Session> {
        let Loaded { experiment, text, .. } = loaded;
        let hold = |test_clips: Option<usize>| {
            let need = memory::Need::of_measuring(&experiment, test_clips);
            memory::hold(&need, &experiment, settings.device)
        };
        hold(None)?;
        let mut warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        let data = dataset(&experiment, folder(&path), &settings.cache)?;
        hold(Some(data.split(Part::Test).len()))?;
        warnings.extend_from_slice(data.notes());
        let drift = drift(&experiment, &data, file, settings.allow_drift)?;
        warnings.extend(drift.iter().map(allowed));
        let identity = manifest::identity(&experiment, &data.hash, CODE_HASH);
        Ok(Session { experiment, text, path, data, identity, drift, warnings })
    }

    /// A run whose code or data are not those it was started with.
    fn changed(&mut self, run: &RunDir, status: &Status, allow: bool) -> Result<()> {
        let drift = Drift {
            pin: "identity".into(),
            expected: status.identity.clone(),
            found: self.identity.clone(),
            back: None,
        };
        if !allow {
            return Err(Fault::provenance("code or data have changed since the run was started")
                .at(run.path.display().to_string())
                .found(format!("identity {}", drift.found))
                .expected(format!("identity {}", drift.expected))
                .help(
                    "`nano4m run` starts a new run; go back to the code in its provenance.json to continue \
                     this one; --allow-drift continues anyway and marks the record",
                ));
        }
        self.warnings.push(allowed(&drift));
        self.identity.clone_from(&status.identity);
        self.drift.push(drift);
        Ok(())
    }

    /// A freshly initialized network of the manifest.
    ///
    /// # Errors
    /// If the device cannot be opened.
    pub fn network(&self, settings: &Settings) -> Result<Box<dyn Network>> {
        let Experiment { modalities, model, seeds, .. } = &self.experiment;
        crate::model::open(self.place(settings), Config::new(modalities, model), seeds.init)
    }

    /// Where its network works.
    pub fn place(&self, settings: &Settings) -> Place {
        let Settings { device, kernels, .. } = *settings;
        Place { device, kernels, precision: self.experiment.train.precision }
    }
}

/// Opens the dataset of a manifest that lies in `base`, packed into `cache` once.
///
/// # Errors
/// Exit 2 for an invalid dataset, or one on which the manifest cannot be measured as it says; 3 for a missing one.
pub fn dataset(experiment: &Experiment, base: &Path, cache: &Path) -> Result<Dataset> {
    memory::hold(&memory::Need::of_data(experiment), experiment, Device::Cpu)?;
    let data = Dataset::open(&experiment.data, &experiment.modalities, base, cache)?;
    let (test_clips, classes) = (data.split(Part::Test).len(), data.classes().len());
    match manifest::check::on_data(experiment, test_clips, classes).into_iter().next() {
        Some(finding) => Err(finding.into()),
        None => Ok(data),
    }
}

/// The pins of `experiment` that the program and `data` do not match, where that is allowed.
///
/// # Errors
/// Exit 3 if some do not and it is not; `file` is the manifest that the message names.
pub fn drift(experiment: &Experiment, data: &Dataset, file: &Path, allow: bool) -> Result<Vec<Drift>> {
    let drift = pins::verify(experiment, &current(data));
    if drift.is_empty() || allow {
        Ok(drift)
    } else {
        Err(pins::refusal(&file.display().to_string(), &drift))
    }
}

/// What the pins are held against: this program, and `data`.
pub fn current(data: &Dataset) -> Current<'_> {
    Current { code: CODE_HASH, commit: provenance::commit(), data: Some(&data.hash) }
}

/// Folder of a path; `.` for a bare name.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn allowed(drift: &Drift) -> String {
    format!("warning: drift allowed: {drift}")
}
