//! `nano4m generate`: tokens of one modality from others, as a dataset in the published layout.
//!
//! `{OUT}/{split}/{target}/{stem}.npy` holds the tokens `[1, length]`, int32 (a caption is
//! `{stem}.json`, a list of one text); `labels.csv` the classes, `generated.json` how it was made.

use super::args::{Global, ManifestArgs};
use super::generate_args::{Generate, PartArg};
use super::session::{self, runs_folder, Session};
use super::{evaluate, output, Done};
use crate::data::{ClipData, Dataset, Part};
use crate::decode::{self, Task};
use crate::fault::{Fault, Result};
use crate::manifest::check;
use crate::manifest::schema::Decode;
use crate::modality::{indices, Modality};
use crate::model::digest;
use crate::model::network::Network;
use crate::provenance::CODE_HASH;
use crate::store;
use serde::Serialize;

/// How a dataset was generated: what `generated.json` holds and `--json` prints.
#[derive(Serialize)]
struct Generated<'a> {
    /// Canonical hash of what was written.
    sha256: &'a str,
    /// Splits and their clips.
    clips: Vec<(&'a str, usize)>,
    target: &'a str,
    inputs: &'a [String],
    /// Tokens of the target that were given.
    given: usize,
    decode: &'a Decode,
    seed: u64,
    /// Digest of the network's parameters.
    parameters: String,
    /// Hash of the dataset the inputs are from.
    data: &'a str,
    code: String,
}

/// `nano4m generate [RUN] OUT --target … --inputs …`.
pub fn generate(args: &Generate, g: &Global) -> Result<Done> {
    Dataset::refuse_existing(&args.out)?;
    let (session, net) = source(args, g)?;
    let decode = args.decode();
    let e = &session.experiment;
    if let Some(first) =
        check::generation(e, &args.inputs, &args.target, args.prefix, &decode).into_iter().next()
    {
        return Err(first.into());
    }
    let target = e.modalities.iter().position(|m| m.name == args.target).unwrap_or_default();
    let seed = args.seed.unwrap_or(e.seeds.probes);
    let given = e.modalities[target].prefix(args.prefix);
    let inputs = indices(&e.modalities, &args.inputs);
    let mut parts: [Vec<ClipData>; 3] = Default::default();
    for part in args.split.parts() {
        let split = session.data.split(part);
        let clips = args.clips.map_or(split.len(), |n| n.get().min(split.len()));
        let task = Task { split, inputs: &inputs, target, given, clips, seed, decode: &decode };
        parts[part as usize] = clips_of(net.as_ref(), &session, &task)?;
    }
    let names = [&e.data.splits.train, &e.data.splits.eval, &e.data.splits.test];
    let made = Part::ALL.map(|part| (names[part as usize].as_str(), parts[part as usize].len()));
    let data = Dataset::from_parts(&[written(&e.modalities[target])], parts)?;
    let generated = Generated {
        sha256: &data.hash,
        clips: made.into_iter().filter(|(_, n)| *n > 0).collect(),
        target: &args.target,
        inputs: &args.inputs,
        given,
        decode: &decode,
        seed,
        parameters: digest::of_parameters(net.as_ref()),
        data: &session.data.hash,
        code: format!("sha256:{CODE_HASH}"),
    };
    data.write_with(&e.data.splits, &args.out, &[("generated.json", &json(&generated)?)])?;
    match g.json {
        true => output::json(&generated)?,
        false => output::data(&format!("{}: {}", args.out.display(), data.hash))?,
    }
    Ok(Done::Fine)
}

/// The run's newest checkpoint, or the given one.
fn source(args: &Generate, g: &Global) -> Result<(Session, Box<dyn Network>)> {
    if let (Some(manifest), Some(checkpoint)) = (&args.manifest, &args.checkpoint) {
        let manifest = ManifestArgs { manifest: manifest.clone(), set: args.set.clone() };
        let session = session::open(&manifest, args.allow_drift)?;
        let net = evaluate::load(&session, checkpoint, g)?;
        return Ok((session, net));
    }
    let Some(run) = &args.run else {
        return Err(Fault::invalid("nothing to generate with")
            .help("name a run before the output folder, or give --manifest and --checkpoint"));
    };
    evaluate::newest(&store::find(&runs_folder(g), run)?, args.allow_drift, g)
}

fn clips_of(net: &dyn Network, session: &Session, task: &Task) -> Result<Vec<ClipData>> {
    let text = session.data.text(task.target);
    let all = decode::generate(net, task, &mut |_| Ok(()))?;
    let clip = |(i, tokens): (usize, Vec<u32>)| ClipData {
        stem: task.split.stem(i).into(),
        label: task.split.label(i).into(),
        captions: text.iter().map(|v| v.decode(&tokens)).collect(),
        tokens: vec![tokens],
    };
    Ok(all.into_iter().enumerate().map(clip).collect())
}

/// The target as the new dataset has it. A generated `[UNK]` is three words of a caption's text, which the
/// vocabulary of the manifest need not have room for.
fn written(target: &Modality) -> Modality {
    let room = if target.text.is_some() { 3 } else { 0 };
    Modality { vocab: target.vocab + room, ..target.clone() }
}

fn json(generated: &Generated) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(generated)
        .map_err(|e| Fault::failed(format!("cannot format generated.json: {e}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

impl PartArg {
    fn parts(self) -> Vec<Part> {
        match self {
            PartArg::Train => vec![Part::Train],
            PartArg::Val => vec![Part::Eval],
            PartArg::Test => vec![Part::Test],
            PartArg::All => Part::ALL.to_vec(),
        }
    }
}
