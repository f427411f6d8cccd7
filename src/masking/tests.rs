//! Properties of whole masks, for every strategy and any manifest that is valid.

use super::*;
use crate::manifest::schema::{PerModality, Ratio};
use crate::modality::Strategy as Masked;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;

fn strategy() -> impl Strategy<Value = Masked> {
    prop_oneof![
        Just(Masked::Random),
        Just(Masked::Block2d),
        (1..5usize, any::<bool>()).prop_map(|(stride, aligned)| Masked::Span { stride, aligned }),
    ]
}

fn modality() -> impl Strategy<Value = Modality> {
    (strategy(), 1..20usize, 1..20usize, any::<bool>()).prop_map(|(masking, rows, columns, declared)| {
        let grid = declared.then_some((rows, columns));
        let length = rows * columns;
        Modality { name: String::new(), length, vocab: 8, codebooks: 1, grid, text: None, masking }
    })
}

fn modalities() -> impl Strategy<Value = Vec<Modality>> {
    prop::collection::vec(modality(), 1..6).prop_map(|mut all| {
        all.iter_mut().enumerate().for_each(|(i, m)| m.name = format!("m{i}"));
        all
    })
}

fn masking() -> impl Strategy<Value = Masking> {
    let range = || (0..40usize, 0..200usize).prop_map(|(low, more)| (low, low + more));
    let alpha = || prop_oneof![Just(1.0), Just(0.0), 1e-12..100.0f64].prop_map(PerModality::All);
    let ratio =
        prop::option::of((0.0..=1.0f64, 0.0..=1.0f64).prop_map(|(input, target)| Ratio { input, target }));
    (range(), range(), alpha(), alpha(), ratio).prop_map(|(i, t, ai, at, ratio)| Masking {
        input_tokens: i,
        target_tokens: t,
        input_alphas: ai,
        target_alphas: at,
        ratio,
        directions: Vec::new(),
    })
}

fn ascending(positions: &[u32]) -> bool {
    positions.windows(2).all(|w| w[0] < w[1])
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..Default::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn masks_are_well_formed(modalities in modalities(), masking in masking(), seed: u64, clip: u64) {
        let mask = of_clip(&modalities, &masking, seed, 3, clip);
        prop_assert_eq!(&mask, &of_clip(&modalities, &masking, seed, 3, clip));
        prop_assert_eq!((mask.input.len(), mask.target.len()), (modalities.len(), modalities.len()));
        prop_assert!(mask.input.iter().any(|p| !p.is_empty()), "the encoder is empty");
        for (m, (input, target)) in modalities.iter().zip(mask.input.iter().zip(&mask.target)) {
            prop_assert!(ascending(input) && ascending(target));
            let all: BTreeSet<u32> = input.iter().chain(target).copied().collect();
            prop_assert_eq!(all.len(), input.len() + target.len(), "input and target overlap");
            prop_assert!(all.iter().all(|p| (*p as usize) < m.length));
        }
    }

    /// A sample has at most as many tokens as its range allows; each span may add one stride of
    /// input to that (taken from its targets or from nothing), the empty encoder one unit.
    #[test]
    fn budgets_stay_in_their_ranges(modalities in modalities(), mut masking in masking(), seed: u64) {
        masking.ratio = None;
        let mask = of_clip(&modalities, &masking, seed, 0, 0);
        let count = |side: &[Vec<u32>]| side.iter().map(Vec::len).sum::<usize>();
        let strides: usize = modalities.iter().map(|m| match m.masking {
            Masked::Span { stride, .. } => stride,
            _ => 0,
        }).sum();
        let unit = match modalities[0].masking {
            Masked::Span { stride, .. } => stride,
            _ => 1,
        };
        prop_assert!(count(&mask.input) <= masking.input_tokens.1 + strides + unit);
        prop_assert!(count(&mask.target) <= masking.target_tokens.1);
    }

    #[test]
    fn spans_are_contiguous_and_aligned(mut modalities in modalities(), masking in masking(), seed: u64) {
        for m in &mut modalities {
            m.length *= 6; // whole strides of 1, 2 and 3
            m.masking = Masked::Span { stride: 1 + m.length % 3, aligned: m.length % 5 > 0 };
        }
        let mask = of_clip(&modalities, &masking, seed, 0, 0);
        for (m, (input, target)) in modalities.iter().zip(mask.input.iter().zip(&mask.target)) {
            let Masked::Span { stride, aligned } = m.masking else { unreachable!() };
            let window: Vec<u32> = input.iter().chain(target).copied().collect();
            prop_assert!(window.windows(2).all(|w| w[0] + 1 == w[1]), "not one window");
            prop_assert_eq!((input.len() % stride, target.len() % stride), (0, 0));
            prop_assert!(!aligned || (window[0] as usize).is_multiple_of(stride));
        }
    }

    /// With random modalities only, what was drawn is what is used.
    #[test]
    fn long_random_modalities_use_the_whole_budget(seed: u64, n in 1..300usize, t in 0..300usize) {
        let m = Modality { name: "m".into(), length: 600, vocab: 8, codebooks: 1, grid: None, text: None, masking: Masked::Random };
        let masking = Masking { input_tokens: (n, n), target_tokens: (t, t), ..Masking::default() };
        let mask = of_clip(&vec![m; 4], &masking, seed, 0, 0);
        prop_assert_eq!(mask.input.iter().map(Vec::len).sum::<usize>(), n);
        prop_assert_eq!(mask.target.iter().map(Vec::len).sum::<usize>(), t);
    }
}

/// The five modalities of REFERENCE §2.
fn published() -> Vec<Modality> {
    let sizes = [("rgb", 196), ("audio", 512), ("depth", 196), ("normal", 196), ("scene_desc", 64)];
    sizes
        .map(|(name, length)| Modality {
            name: name.into(),
            length,
            vocab: 8,
            codebooks: 1,
            grid: None,
            text: None,
            masking: if name == "audio" { Masked::Span { stride: 2, aligned: true } } else { Masked::Random },
        })
        .to_vec()
}

#[test]
fn a_key_names_one_mask() {
    let mask = |seed, epoch, clip| of_clip(&published(), &Masking::default(), seed, epoch, clip);
    let keys = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)];
    for (i, a) in keys.iter().enumerate() {
        for b in &keys[..i] {
            assert_ne!(mask(a.0, a.1, a.2), mask(b.0, b.1, b.2));
        }
    }
}

#[test]
fn directions_take_their_share_of_the_samples() {
    let direction = |inputs: &[&str], targets: &[&str], share| Direction {
        inputs: inputs.iter().map(|s| s.to_string()).collect(),
        targets: targets.iter().map(|s| s.to_string()).collect(),
        share,
    };
    let masking = Masking {
        directions: vec![
            direction(&["audio"], &["rgb", "depth"], 0.25),
            direction(&["rgb"], &["audio"], 0.1),
        ],
        ..Masking::default()
    };
    let modalities = published();
    let expected = [super::direction(&modalities, &[1], &[0, 2]), super::direction(&modalities, &[0], &[1])];
    let masks: Vec<SampleMask> = (0..4000).map(|clip| of_clip(&modalities, &masking, 1, 0, clip)).collect();
    let counts = expected.map(|e| masks.iter().filter(|m| **m == e).count());
    // four standard deviations of a binomial: 110 and 76
    assert!(counts[0].abs_diff(1000) < 110 && counts[1].abs_diff(400) < 76, "{counts:?}");
}

#[test]
fn a_direction_uses_whole_modalities() {
    let mask = direction(&published(), &[1, 4], &[0, 4]);
    assert_eq!(mask.input.iter().map(Vec::len).collect::<Vec<_>>(), [0, 512, 0, 0, 64]);
    assert_eq!(mask.target.iter().map(Vec::len).collect::<Vec<_>>(), [196, 0, 0, 0, 0]);
    assert_eq!(mask.target[0], (0..196).collect::<Vec<u32>>());
}

#[test]
fn everything_as_input_leaves_no_targets() {
    let m = Modality { masking: Masked::Random, length: 16, ..published().remove(0) };
    let masking = Masking { input_tokens: (16, 16), ..Masking::default() };
    let mask = of_clip(&[m], &masking, 1, 0, 0);
    assert_eq!((mask.input[0].len(), mask.target[0].len()), (16, 0));
}

/// The first masks of the published configuration, so that a change of any draw is noticed: every
/// recorded run depends on them.
#[test]
fn the_masks_of_version_one_stay() {
    let masks: Vec<SampleMask> =
        (0..64).map(|clip| of_clip(&published(), &Masking::default(), 42, 0, clip)).collect();
    let hash = crate::digest::sha256_hex(format!("{masks:?}").as_bytes());
    assert_eq!(hash, "1b5a5066c6edfcccaaa47d570feb6f4cf676e06da3febca0e5c744b496d24e7a");
}

/// One mask of a masking that is used once.
fn of_clip(modalities: &[Modality], masking: &Masking, seed: u64, epoch: u64, clip: u64) -> SampleMask {
    Masks::new(modalities, masking).unwrap().of_clip(seed, epoch, clip)
}

#[test]
fn a_direction_of_an_unknown_modality_is_a_fault() {
    let masking: Masking =
        ron::from_str(r#"(directions: [(inputs: ["rgb"], targets: ["audo"], share: 1.0)])"#).unwrap();
    let fault = Masks::new(&published(), &masking).unwrap_err();
    assert_eq!(fault.help.as_deref(), Some("did you mean `audio`?"), "{fault}");
}
