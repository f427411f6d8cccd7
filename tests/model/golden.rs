//! Golden parity: fixtures dumped from the published PyTorch implementation (torch 2.5.1, CPU, fp32;
//! see `tests/golden/README.md`). Reads `tests/golden` and every folder in `NANO4M_GOLDEN`
//! (colon-separated), whatever the dimensions of the fixtures found there.

use crate::support::Folder;
use nano4m::batch::Batch;
use nano4m::fault::Exit;
use nano4m::manifest::schema::{Loss, Model, Train};
use nano4m::modality::Modality;
use nano4m::model::network::{Config, LossWeights, Network};
use nano4m::model::open;
use nano4m::ops::device::places;
use nano4m::place::Place;
use nano4m::store::tensors::{self, NamedTensor};
use nano4m::store::RunDir;
use nano4m::train::take_step;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Absolute, on logits and encoder output.
const FORWARD: f64 = 2e-5;
/// Absolute, on losses.
const LOSS: f64 = 1e-5;
/// Relative to the tensor's largest gradient, or absolute.
const GRADIENT: (f64, f64) = (2e-4, 1e-6);
/// Relative, on loss, gradient norm and learning rate of the trajectory.
const TRAJECTORY: f64 = 1e-4;
/// Absolute, on the weights after the trajectory.
const WEIGHTS: f64 = 2e-5;

fn fixtures(marker: &str) -> Vec<PathBuf> {
    let mut roots = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")];
    if let Ok(list) = std::env::var("NANO4M_GOLDEN") {
        roots.extend(list.split(':').filter(|s| !s.is_empty()).map(PathBuf::from));
    }
    let mut found = Vec::new();
    for root in roots {
        assert!(root.is_dir(), "no folder of fixtures at {}", root.display());
        let mut folders = vec![root.clone()];
        folders.extend(std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()));
        found.extend(folders.into_iter().filter(|f| f.join(marker).is_file()));
    }
    found.sort();
    found
}

struct Fixture {
    folder: PathBuf,
    expected: Value,
    config: Config,
}

struct Int {
    shape: Vec<usize>,
    values: Vec<i64>,
}

impl Fixture {
    fn read(folder: &Path) -> Fixture {
        let expected: Value =
            serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let c = &expected["config"];
        let list = |key: &str| c[key].as_array().unwrap().clone();
        let modalities: Vec<Modality> = list("modalities")
            .iter()
            .zip(list("vocab_sizes").iter().zip(list("max_seq_lens")))
            .map(|(name, (vocab, length))| {
                let text = format!("(name: {name}, length: {length}, vocab: {vocab})");
                ron::from_str(&text).unwrap()
            })
            .collect();
        let size = |key: &str| c[key].as_u64().unwrap() as usize;
        let model = Model {
            dim: size("dim"),
            enc_depth: size("enc_depth"),
            dec_depth: size("dec_depth"),
            head_dim: size("head_dim"),
            mlp_ratio: c["mlp_ratio"].as_f64().unwrap(),
            ..Model::default()
        };
        Fixture { folder: folder.to_path_buf(), config: Config::new(&modalities, &model), expected }
    }

    fn network(&self, place: Place) -> Box<dyn Network> {
        let mut net = open(place, self.config.clone(), 0).unwrap();
        net.load_parameters(tensors::read(&self.folder.join("checkpoint.safetensors")).unwrap().0).unwrap();
        net
    }

    /// The packed batch, and for encoder and decoder the padded row of each packed token.
    fn batch(&self, file: &str) -> (Batch, Vec<usize>, Vec<usize>) {
        let bytes = std::fs::read(self.folder.join(file)).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let int = |name: &str| {
            let view = tensors.tensor(name).unwrap();
            let values =
                view.data().chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect();
            Int { shape: view.shape().to_vec(), values }
        };
        let mut batch = Batch::default();
        let mut rows = [Vec::new(), Vec::new()];
        let target = int("dec_tokens");
        // The masks' sense (1 = token or 1 = padding) follows from the decoder's −100.
        let mask = int("dec_pad_mask");
        let set_is_padding = mask.values.iter().zip(&target.values).all(|(m, t)| (*m != 0) == (*t == -100));
        for (side, name) in ["enc", "dec"].into_iter().enumerate() {
            let [ids, pos, modality, pad] =
                ["tokens", "positions", "modalities", "pad_mask"].map(|k| int(&format!("{name}_{k}")));
            let packed = if side == 0 { &mut batch.enc } else { &mut batch.dec };
            let width = ids.shape[1];
            for i in 0..ids.values.len() {
                if (pad.values[i] != 0) != set_is_padding {
                    packed.token(ids.values[i] as u32, pos.values[i] as u32, modality.values[i] as u32);
                    rows[side].push(i);
                }
                if i % width == width - 1 {
                    packed.close();
                }
            }
        }
        let [enc, dec] = rows;
        (batch, enc, dec)
    }

    fn float(&self, file: &str, name: &str) -> (Vec<usize>, Vec<f32>) {
        let (all, _) = tensors::read(&self.folder.join(file)).unwrap();
        let t = all.into_iter().find(|t| t.name == name).unwrap_or_else(|| panic!("{file} lacks {name}"));
        (t.shape, t.values)
    }
}

/// On every place that there is.
fn everywhere(test: impl Fn(&Fixture, Place)) {
    let folders = fixtures("batch.safetensors");
    assert!(!folders.is_empty(), "no model fixtures found");
    for folder in folders {
        for place in places() {
            println!("{}: {place:?}", folder.display());
            test(&Fixture::read(&folder), place);
        }
    }
}

fn largest_difference(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(a, b)| (*a as f64 - *b as f64).abs()).fold(0.0, f64::max)
}

fn relative(got: f64, want: f64) -> f64 {
    (got - want).abs() / want.abs().max(1e-12)
}

#[test]
fn logits_and_encoder_output() {
    everywhere(|f, place| {
        let net = f.network(place);
        let (batch, enc_rows, dec_rows) = f.batch("batch.safetensors");
        let (_, encoder) = f.float("forward.safetensors", "encoder");
        let want: Vec<f32> =
            enc_rows.iter().flat_map(|&r| encoder[r * f.config.dim..][..f.config.dim].to_vec()).collect();
        let error = largest_difference(&net.encode(&batch.enc).unwrap(), &want);
        assert!(error <= FORWARD, "encoder output differs by {error:e}");
        let (_, logits) = f.float("forward.safetensors", "logits");
        let v = f.config.vocab();
        let mut worst = 0.0_f64;
        net.logits(&batch, &mut |row, got| {
            worst = worst.max(largest_difference(got, &logits[dec_rows[row] * v..][..v]))
        })
        .unwrap();
        assert!(worst <= FORWARD, "logits differ by {worst:e}");
    });
}

/// Settings as the fixtures were made with (`tests/golden/README.md`).
fn settings() -> Train {
    let (betas, eps, weight_decay, clip) = ((0.9, 0.95), 1e-8, 0.05, Some(1.0));
    Train { betas, eps, weight_decay, clip, loss: Loss::PerModalityMean, ..Train::default() }
}

fn names(tensors: &[NamedTensor]) -> BTreeSet<String> {
    tensors.iter().map(|t| t.name.clone()).collect()
}

#[test]
fn loss_and_gradients() {
    everywhere(|f, place| {
        let mut net = f.network(place);
        let (batch, _, _) = f.batch("batch.safetensors");
        let weights = LossWeights::new(Loss::PerModalityMean, f.config.modalities.len(), &batch.dec).unwrap();
        net.accumulate(&batch, &weights).unwrap();
        net.reduce().unwrap();
        let gradients = net.gradients();
        assert_eq!(names(&gradients), names(&tensors::read(&f.folder.join("grads.safetensors")).unwrap().0));
        for g in gradients {
            let (shape, want) = f.float("grads.safetensors", &g.name);
            assert_eq!(shape, g.shape, "{}", g.name);
            let scale = want.iter().fold(0.0_f32, |m, x| m.max(x.abs())) as f64;
            let error = largest_difference(&g.values, &want);
            assert!(
                error <= (GRADIENT.0 * scale).max(GRADIENT.1),
                "gradient of {} differs by {error:e}",
                g.name
            );
        }
        let outcome = take_step(&mut *net, &batch, &settings(), 0.0).unwrap();
        assert!((outcome.loss - f.expected["loss"].as_f64().unwrap()).abs() <= LOSS);
        for (m, got) in f.config.modalities.iter().zip(&outcome.per_modality) {
            let want = f.expected["per_modality"][&m.name].as_f64().unwrap();
            let got = got.unwrap_or_else(|| panic!("no loss of {}, expected {want}", m.name));
            assert!((got - want).abs() <= LOSS, "{}: {got} against {want}", m.name);
        }
        assert!(relative(outcome.grad_norm, f.expected["grad_norm"].as_f64().unwrap()) <= TRAJECTORY);
        assert_eq!(
            net.parameters().iter().map(|p| p.values.len() as u64).sum::<u64>(),
            f.expected["parameters"].as_u64().unwrap()
        );
    });
}

/// Takes the fixture's steps, held to its losses and final weights; the parameters then.
fn trajectory(f: &Fixture, place: Place, micro_batch: Option<usize>) -> Vec<NamedTensor> {
    let mut net = f.network(place);
    let train = Train { micro_batch, ..settings() };
    for step in f.expected["trajectory"].as_array().unwrap() {
        let (batch, _, _) = f.batch(&format!("batch_step{}.safetensors", step["step"]));
        assert!(batch.samples() > 1, "nothing to be cut");
        let number = |key: &str| step[key].as_f64().unwrap();
        let outcome = take_step(&mut *net, &batch, &train, number("lr")).unwrap();
        assert!(relative(outcome.loss, number("loss")) <= TRAJECTORY, "{step}: {outcome:?}");
        assert!(relative(outcome.grad_norm, number("grad_norm")) <= TRAJECTORY, "{step}: {outcome:?}");
    }
    let parameters = net.parameters();
    for p in &parameters {
        let (_, want) = f.float("checkpoint_after.safetensors", &p.name);
        let error = largest_difference(&p.values, &want);
        assert!(error <= WEIGHTS, "{} differs by {error:e}", p.name);
    }
    parameters
}

#[test]
fn trajectory_and_final_weights() {
    everywhere(|f, place| {
        let whole = trajectory(f, place, None);
        let cut = trajectory(f, place, Some(1));
        assert!(whole == trajectory(f, place, None) && cut == trajectory(f, place, Some(1)));
        assert!(whole != cut, "a cut batch rounds differently: it was not cut");
    });
}

/// A run of the fixture's sizes, stopped after its first step.
fn one_step(f: &Fixture) -> Folder {
    let config = &f.config;
    let modality =
        |m: &Modality| format!("(name: \"{}\", length: {}, vocab: {}),", m.name, m.length, m.vocab);
    let modalities: String = config.modalities.iter().map(modality).collect();
    let Config { dim, enc_depth, dec_depth, head_dim, mlp_ratio, .. } = config;
    let folder = Folder::new();
    folder.write(
        "golden.ron",
        &format!(
            "Experiment(schema: 1, name: \"golden\", data: (synthetic: (classes: 2, clips: (8, 4, 4))), \
             modalities: [{modalities}], masking: (input_tokens: (4, 8), target_tokens: (4, 8)), \
             model: (dim: {dim}, enc_depth: {enc_depth}, dec_depth: {dec_depth}, head_dim: {head_dim}, \
             mlp_ratio: {mlp_ratio:?}), train: (batch: 2, tokens: 64, tokens_per_sample: 16, warmup_tokens: 32), \
             probes: [])"
        ),
    );
    folder.nano4m(&["run", "golden.ron", "--stop-after", "1"], Exit::Stopped as i32);
    folder
}

/// The file a run leaves is one the reference loads with `strict=True`: its keys, its shapes, its buffers.
#[test]
fn a_runs_checkpoint_has_exactly_the_references_keys_and_shapes() {
    for fixture in fixtures("batch.safetensors") {
        let f = Fixture::read(&fixture);
        let folder = one_step(&f);
        let left = RunDir::open(&folder.run()).unwrap().checkpoint(1);
        let (ours, _) = tensors::read(&left).unwrap();
        let (theirs, _) = tensors::read(&f.folder.join("checkpoint.safetensors")).unwrap();
        let shapes = |all: &[NamedTensor]| -> BTreeMap<String, Vec<usize>> {
            all.iter().map(|t| (t.name.clone(), t.shape.clone())).collect()
        };
        assert_eq!(shapes(&ours), shapes(&theirs));
        let in_file = tensors::by_name(ours.clone());
        for place in places() {
            let mut net = f.network(place);
            net.load_parameters(ours.clone()).unwrap();
            for p in net.parameters() {
                assert!(p == in_file[&p.name], "{} of {place:?} is not the file's", p.name);
            }
        }
        let parameters = names(&f.network(Place::CPU).parameters());
        let theirs = tensors::by_name(theirs);
        for buffer in ours.iter().filter(|t| !parameters.contains(&t.name)) {
            let error = largest_difference(&buffer.values, &theirs[&buffer.name].values);
            assert!(error <= 1e-6, "{} differs by {error:e}", buffer.name);
        }
    }
}
