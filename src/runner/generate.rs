//! Tokens of one modality generated from others, as a dataset in the published layout.
//!
//! `{OUT}/{split}/{target}/{stem}.npy` holds the tokens `[1, length]`, int32 (a caption is
//! `{stem}.json`, a list of one text); `labels.csv` the classes, `generated.json` how it was made.

use super::session::Session;
use crate::data::text::is_blank;
use crate::data::{ClipData, Dataset, Part};
use crate::decode::{self, Task};
use crate::fault::Result;
use crate::manifest::check;
use crate::manifest::schema::Decode;
use crate::modality::{index, indices, Modality};
use crate::model::digest;
use crate::model::network::{Inference, Network};
use crate::provenance::CODE_HASH;
use crate::store::json;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::Path;

/// What to generate.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Names of the modalities it is generated from.
    pub inputs: &'a [String],
    /// Name of the modality that is generated.
    pub target: &'a str,
    /// Share of the target, from its start, that is given too.
    pub prefix: f64,
    /// Whose clips are the inputs.
    pub parts: Vec<Part>,
    /// Only the first clips of each.
    pub clips: Option<NonZeroUsize>,
    /// Order and sampling.
    pub decode: Decode,
    /// Of order and draws; `None`: the manifest's `seeds.probes`.
    pub seed: Option<u64>,
}

/// How a dataset was generated: what `generated.json` holds.
#[derive(Clone, Debug, Serialize)]
pub struct Generated {
    /// Canonical hash of what was written.
    pub sha256: String,
    /// Splits and their clips.
    pub clips: Vec<(String, usize)>,
    pub target: String,
    pub inputs: Vec<String>,
    /// Tokens of the target that were given.
    pub given: usize,
    pub decode: Decode,
    pub seed: u64,
    /// Digest of the network's parameters.
    pub parameters: String,
    /// Hash of the dataset the inputs are from.
    pub data: String,
    /// Hash of the program's sources.
    pub code: String,
}

/// Generates what `request` says with `net` and writes it to the folder `out`, which must not exist.
///
/// # Errors
/// Exit 2 for a request that the experiment does not allow; if the folder exists or cannot be written.
pub fn dataset(session: &Session, net: &dyn Network, request: &Request, out: &Path) -> Result<Generated> {
    Dataset::refuse_existing(out)?;
    let experiment = &session.experiment;
    let Request { inputs, target, prefix, decode, .. } = request;
    if let Some(first) = check::generation(experiment, inputs, target, *prefix, decode).into_iter().next() {
        return Err(first.into());
    }
    let (index, sources) = (index(&experiment.modalities, target)?, indices(&experiment.modalities, inputs)?);
    let seed = request.seed.unwrap_or(experiment.seeds.probes);
    let given = experiment.modalities[index].prefix(*prefix);
    let mut parts: [Vec<ClipData>; 3] = Default::default();
    for &part in &request.parts {
        let split = session.data.split(part);
        let clips = request.clips.map_or(split.len(), |n| n.get().min(split.len()));
        let task = Task { split, inputs: &sources, target: index, given, clips, seed, decode };
        parts[part as usize] = clips_of(net, session, &task)?;
    }
    let splits = &experiment.data.splits;
    let names = [&splits.train, &splits.eval, &splits.test];
    let made = Part::ALL.map(|part| (names[part as usize].clone(), parts[part as usize].len()));
    let data = Dataset::from_parts(&[written(&experiment.modalities[index])], parts)?;
    let generated = Generated {
        sha256: data.hash.clone(),
        clips: made.into_iter().filter(|(_, clips)| *clips > 0).collect(),
        target: target.to_string(),
        inputs: inputs.to_vec(),
        given,
        decode: decode.clone(),
        seed,
        parameters: digest::of_parameters(net),
        data: session.data.hash.clone(),
        code: format!("sha256:{CODE_HASH}"),
    };
    data.write_with(splits, out, &[("generated.json", &json::pretty(&generated)?)])?;
    Ok(generated)
}

fn clips_of(net: &dyn Inference, session: &Session, task: &Task) -> Result<Vec<ClipData>> {
    let text = session.data.text(task.target);
    let generated = decode::generate(net, task, &mut |_| Ok(()))?;
    let clip = |(i, tokens): (usize, Vec<u32>)| ClipData {
        stem: task.split.stem(i).into(),
        label: task.split.label(i).into(),
        captions: text.iter().map(|v| said(v.decode(&tokens))).collect(),
        tokens: vec![tokens],
    };
    Ok(generated.into_iter().enumerate().map(clip).collect())
}

/// A generated caption as text. One that ends where it begins is written as its end: a caption must say something.
fn said(text: String) -> String {
    if is_blank(&text) {
        "[EOS]".into()
    } else {
        text
    }
}

/// The target as the new dataset has it. A generated `[UNK]` is three words of a caption's text and an `[EOS]`
/// one more, which the vocabulary of the manifest need not have room for.
fn written(target: &Modality) -> Modality {
    let room = if target.text.is_some() { 4 } else { 0 };
    Modality { vocab: target.vocab + room, ..target.clone() }
}
