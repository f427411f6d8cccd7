//! The manifest a command names: read or opened, its warnings on stderr.

use super::arguments::ManifestArgs;
use super::output;
use crate::data::Dataset;
use crate::fault::Result;
use crate::manifest::{self, Diagnostic, Loaded};
use crate::runner::{self, Session, Settings};

/// Reads and checks it.
pub fn read(args: &ManifestArgs) -> Result<Loaded> {
    let loaded = manifest::read(&args.manifest, &args.set)?;
    warnings(&loaded.warnings);
    Ok(loaded)
}

/// What is doubtful about a file, with the lines it is about.
pub fn warnings(all: &[Diagnostic]) {
    if !all.is_empty() {
        output::listing(&manifest::listing(all));
    }
}

/// Reads and checks it, opens its data and holds both against the pins.
pub fn open(args: &ManifestArgs, settings: &Settings) -> Result<Session> {
    let mut loaded = read(args)?;
    // They are printed already, whether or not the data can be opened.
    loaded.warnings.clear();
    let session = Session::of_manifest(loaded, settings)?;
    print_warnings(&session);
    Ok(session)
}

/// What is worth a line about a session that was opened.
pub fn print_warnings(session: &Session) {
    session.warnings.iter().for_each(|warning| output::note(warning));
}

/// The dataset of a manifest that was read.
pub fn dataset(loaded: &Loaded, settings: &Settings) -> Result<Dataset> {
    runner::dataset(&loaded.experiment, runner::folder(&loaded.path), &settings.cache)
}
