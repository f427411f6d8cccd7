//! Decoding with a small network whose weights are random but not small.

use super::roar::Roar;
use super::scheme::Scheme;
use super::{generate, Task};
use crate::batch::{Batch, SampleMask};
use crate::data::{ClipData, Dataset, Part};
use crate::manifest::schema::{Decode, Model, Scheme as Kind};
use crate::modality::Modality;
use crate::model::network::{Config, Network, Softmax};
use crate::place::Place;

const LENGTH: usize = 12;

fn modalities() -> Vec<Modality> {
    ron::from_str(r#"[(name: "a@8", length: 8, vocab: 40), (name: "b@12", length: 12, vocab: 11)]"#).unwrap()
}

fn data(clips: usize) -> Dataset {
    let clip = |i: usize| ClipData {
        stem: format!("clip_{i:03}"),
        tokens: vec![
            (0..8).map(|p| ((i * 7 + p * 3) % 40) as u32).collect(),
            (0..LENGTH).map(|p| ((i + p) % 11) as u32).collect(),
        ],
        ..ClipData::default()
    };
    let test = (0..clips).map(clip).collect();
    Dataset::from_parts(&modalities(), [vec![clip(1000)], vec![clip(1001)], test]).unwrap()
}

fn network() -> Box<dyn Network> {
    let model: Model = ron::from_str(
        "(dim: 16, head_dim: 8, enc_depth: 1, dec_depth: 1, init_std: 0.3, embedding_std: 1.0)",
    )
    .unwrap();
    let mut net = crate::model::open(Place::CPU, Config::new(&modalities(), &model), 1).unwrap();
    // `to_logits` starts at zero: give it something to say.
    let mut weights = net.parameters();
    let logits = weights.iter_mut().find(|w| w.name == "to_logits.weight").unwrap();
    logits.values.iter_mut().enumerate().for_each(|(j, x)| *x = ((j * 37) % 19) as f32 * 0.05 - 0.45);
    net.load_parameters(weights).unwrap();
    net
}

fn decode(scheme: Kind, steps: usize, temperature: f64) -> Decode {
    Decode { scheme, steps, temperature, ..Decode::default() }
}

fn generated(data: &Dataset, clips: usize, given: usize, decode: &Decode) -> Vec<Vec<u32>> {
    let task = Task { split: data.split(Part::Test), inputs: &[0], target: 1, given, clips, seed: 5, decode };
    generate(network().as_ref(), &task, &mut |_| Ok(())).unwrap()
}

#[test]
fn tokens_are_in_the_targets_vocabulary_and_the_given_ones_stay() {
    let data = data(30);
    for scheme in [Kind::Roar, Kind::MaskGit] {
        let all = generated(&data, 30, 4, &decode(scheme, 3, 1.0));
        assert_eq!(all.len(), 30);
        for (i, tokens) in all.iter().enumerate() {
            assert_eq!(tokens[..4], data.split(Part::Test).tokens(i, 1, 0)[..4]);
            assert!(tokens.len() == LENGTH && tokens.iter().all(|&id| id < 11));
        }
        // The network prefers something, but not always the same.
        let distinct: std::collections::BTreeSet<&u32> = all.iter().flat_map(|t| &t[4..]).collect();
        assert!(distinct.len() > 4, "{scheme:?}: {distinct:?}");
    }
}

/// One step of argmax is the network's own argmax; more steps, fed back by hand.
#[test]
fn temperature_zero_is_the_argmax() {
    let (data, net) = (data(20), network());
    let split = data.split(Part::Test);
    let argmax = |clip: usize, known: &[u32], asked: &[u32], tokens: &[u32]| -> Vec<u32> {
        let mut batch = Batch::default();
        let mask = SampleMask {
            input: vec![(0..8).collect(), known.to_vec()],
            target: vec![vec![], asked.to_vec()],
        };
        batch.push(&[split.tokens(clip, 0, 0), tokens], &mask);
        net.score(&batch, Softmax::Restricted).unwrap().iter().map(|s| s.argmax).collect()
    };
    let all: Vec<u32> = (0..LENGTH as u32).collect();
    let roar = generated(&data, 20, 0, &decode(Kind::Roar, 1, 0.0));
    let maskgit = generated(&data, 20, 0, &decode(Kind::MaskGit, 1, 0.0));
    for clip in 0..20 {
        let expected = argmax(clip, &[], &all, &[0; LENGTH]);
        assert_eq!(roar[clip], expected);
        // All but the one it was least sure of, which saw the others.
        let differing: Vec<u32> =
            all.iter().copied().filter(|&p| maskgit[clip][p as usize] != expected[p as usize]).collect();
        assert!(differing.len() <= 1, "{differing:?}");
        for &p in &differing {
            let others: Vec<u32> = all.iter().copied().filter(|&q| q != p).collect();
            assert_eq!(argmax(clip, &others, &[p], &expected), [maskgit[clip][p as usize]]);
        }
    }
    let two = generated(&data, 20, 0, &decode(Kind::Roar, 2, 0.0));
    let order = Roar { seed: 5, steps: 2, range: 0..LENGTH as u32, temperature: 0.0 };
    for (clip, tokens) in two.iter().enumerate() {
        let (first, second) = (order.positions(clip as u64, 0, &[]), order.positions(clip as u64, 1, &[]));
        let at = |positions: &[u32]| -> Vec<u32> { positions.iter().map(|&p| tokens[p as usize]).collect() };
        assert_eq!(at(&first), argmax(clip, &[], &first, &[0; LENGTH]));
        assert_eq!(at(&second), argmax(clip, &first, &second, tokens));
    }
}

/// 600 clips make two batches; three clips make one small one.
#[test]
fn a_clips_tokens_depend_neither_on_its_neighbours_nor_on_threads() {
    let data = data(600);
    for scheme in [Kind::Roar, Kind::MaskGit] {
        let settings = decode(scheme, 3, 1.0);
        let many = generated(&data, 600, 0, &settings);
        assert_eq!(generated(&data, 3, 0, &settings), many[..3]);
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        for threads in [1, 3] {
            assert_eq!(pool(threads).install(|| generated(&data, 600, 0, &settings)), many);
        }
    }
}

/// Six steps keep 1, 2, 3 … of the twelve; from the second on, the context is another.
#[test]
fn later_steps_are_given_what_earlier_ones_drew() {
    let data = data(40);
    let of = |steps| generated(&data, 40, 0, &decode(Kind::MaskGit, steps, 0.0));
    let (one, six) = (of(1), of(6));
    assert_ne!(one, six);
    assert!(one.iter().flatten().zip(six.iter().flatten()).filter(|(a, b)| a == b).count() > 40);
}

#[test]
fn logits_that_are_not_numbers_are_a_fault_with_the_clip() {
    let (data, mut net) = (data(3), network());
    let mut weights = net.parameters();
    weights.iter_mut().find(|w| w.name == "dec_norm.weight").unwrap().values[0] = f32::NAN;
    net.load_parameters(weights).unwrap();
    let decode = decode(Kind::MaskGit, 2, 1.0);
    let split = data.split(Part::Test);
    let task = Task { split, inputs: &[0], target: 1, given: 0, clips: 3, seed: 5, decode: &decode };
    let fault = generate(net.as_ref(), &task, &mut |_| Ok(())).unwrap_err();
    assert_eq!(fault.what, "the network's logits are not finite");
    assert_eq!(fault.place.unwrap(), "clip clip_000, b@12 position 0, decoding step 0");
    let fault = generate(net.as_ref(), &Task { inputs: &[], ..task }, &mut |_| Ok(())).unwrap_err();
    assert_eq!(fault.what, "nothing to generate from");
}
