//! The record of a run, written last.

use super::session::Session;
use super::settings::Settings;
use crate::data::Part;
use crate::fault::Result;
use crate::metrics::Metric;
use crate::modality::Modality;
use crate::model::digest;
use crate::model::network::Network;
use crate::provenance::{Provenance, CODE_HASH};
use crate::record::{self, Clips, FileDigest, ModalityInfo, Record};
use crate::store::RunDir;

/// What was made of a session, to be recorded.
pub struct Outcome<'a> {
    /// Trained to the end.
    pub net: &'a dyn Network,
    /// Input and target tokens trained on.
    pub tokens: u64,
    pub metrics: Vec<Metric>,
    /// The probes' files.
    pub files: Vec<FileDigest>,
}

/// Writes `record.json`: from now on the run is finished.
///
/// # Errors
/// If it cannot be written.
pub fn commit(session: &Session, run: &RunDir, outcome: Outcome, settings: &Settings) -> Result<()> {
    let Outcome { net, tokens, metrics, mut files } = outcome;
    let experiment = &session.experiment;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let clips = |part| session.data.split(part).len();
    let (here, provenance) =
        (settings.device.to_string(), Provenance::read(&run.file("provenance.json")).ok());
    let trained = provenance.as_ref().map_or(here.clone(), |provenance| provenance.last().device.clone());
    let measured = (trained != here).then(|| format!("device while measuring: {trained} → {here}"));
    let moves = provenance.iter().flat_map(moves).chain(measured);
    let record = Record {
        schema: record::SCHEMA,
        program: env!("CARGO_PKG_VERSION").into(),
        name: experiment.name.clone(),
        id: run.id.short(),
        identity: session.identity.clone(),
        made_for: run.status()?.and_then(|status| status.made_for),
        code_hash: format!("sha256:{CODE_HASH}"),
        data_hash: session.data.hash.clone(),
        drift: session.drift.iter().map(ToString::to_string).chain(moves).collect(),
        pinned: experiment.pins.is_some(),
        device: trained,
        seeds: experiment.seeds,
        parameters: net.config().parameters(),
        steps: experiment.train.steps(),
        train_tokens: tokens,
        final_digest: digest::of_parameters(net),
        clips: Clips { train: clips(Part::Train), eval: clips(Part::Eval), test: clips(Part::Test) },
        modalities: experiment.modalities.iter().map(modality).collect(),
        metrics,
        files,
    };
    run.write("record.json", &record.to_json()?)
}

/// Where the run went on with what can move last bits: it may then differ from one that was made in one place,
/// and every table made from it says so. Where all of a start was made again elsewhere, nothing of it is left.
fn moves(provenance: &Provenance) -> Vec<String> {
    let pairs = provenance.kept();
    let pairs = pairs.windows(2).flat_map(|pair| {
        // Other code is a drift of its own.
        let moved = pair[1].moved_from(pair[0]).into_iter().filter(|(what, ..)| *what != "code");
        moved.map(|(what, there, here)| format!("{what} from step {}: {there} → {here}", pair[1].from_step))
    });
    pairs.collect()
}

fn modality(m: &Modality) -> ModalityInfo {
    ModalityInfo { name: m.name.clone(), short: m.short().into(), length: m.length, vocab: m.vocab }
}
