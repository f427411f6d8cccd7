//! Manifests that tests start from.

use super::schema::*;
use crate::modality::{Modality, Strategy as Masked, Text};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// Three modalities of synthetic data: a span, a grid and a caption.
pub const SMALL: &str = r#"// A comment with train: (lr: NaN).
Experiment(
    schema: 1,
    name: "small",
    data: (synthetic: (classes: 4)),
    modalities: [
        (name: "a@16", length: 16, vocab: 32, codebooks: 2, masking: Span(stride: 2)),
        (name: "b@9", length: 9, vocab: 16, masking: Block2d),
        (name: "c", length: 6, vocab: 12, text: Words),
    ],
    masking: (input_tokens: (2, 8), target_tokens: (2, 8)),
    model: (dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 8),
    train: (
        batch: 8, tokens: 10_000, tokens_per_sample: 16, warmup_tokens: 1_000,
        lr: 1e-3, /* the end */ min_lr: 1e-5,
    ),
    probes: [CrossEntropy(masks: 2)],
)
"#;

/// The experiment of `SMALL`.
pub fn small() -> Experiment {
    super::text::parse(SMALL).unwrap()
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), any::<f64>().prop_filter("finite", |x| x.is_finite()), 0.0..1.0]
}

fn word() -> impl Strategy<Value = String> {
    r#"[a-zé@"\\n (){}/*#-]{0,8}"#
}

fn per_modality() -> impl Strategy<Value = PerModality> {
    prop_oneof![
        number().prop_map(PerModality::All),
        btree_map(word(), number(), 0..3).prop_map(PerModality::Each)
    ]
}

fn modality() -> impl Strategy<Value = Modality> {
    let text = option::of(prop_oneof![Just(Text::Gpt2), Just(Text::Words)]);
    let masking = prop_oneof![
        Just(Masked::Random),
        Just(Masked::Block2d),
        (any::<usize>(), any::<bool>()).prop_map(|(stride, aligned)| Masked::Span { stride, aligned }),
    ];
    let numbers = (any::<usize>(), any::<usize>(), any::<usize>(), option::of(any::<(usize, usize)>()));
    (word(), numbers, text, masking).prop_map(|(name, (length, vocab, codebooks, grid), text, masking)| {
        Modality { name, length, vocab, codebooks, grid, text, masking }
    })
}

fn data() -> impl Strategy<Value = Data> {
    let synthetic = (any::<u64>(), any::<(usize, usize, usize)>(), per_modality())
        .prop_map(|(seed, clips, strength)| Synthetic { seed, clips, strength, ..Synthetic::default() });
    let labels = prop_oneof![
        Just(Labels::Caption),
        (word(), word()).prop_map(|(file, column)| Labels::File(file, column))
    ];
    let plain = (option::of(word()), option::of(word()), option::of(word()), option::of(any::<usize>()));
    let stored = btree_map(word(), any::<usize>(), 0..2);
    (plain, option::of(synthetic), labels, stored).prop_map(
        |((path, sha256, obtain, rows), synthetic, labels, stored)| Data {
            path,
            synthetic,
            sha256,
            labels,
            rows,
            stored,
            obtain,
            ..Data::default()
        },
    )
}

fn direction() -> impl Strategy<Value = Direction> {
    (vec(word(), 0..3), vec(word(), 0..3), number()).prop_map(|(inputs, targets, share)| Direction {
        inputs,
        targets,
        share,
    })
}

fn masking() -> impl Strategy<Value = Masking> {
    let ratio = option::of((number(), number()).prop_map(|(input, target)| Ratio { input, target }));
    (any::<(usize, usize)>(), per_modality(), ratio, vec(direction(), 0..2)).prop_map(
        |(input_tokens, input_alphas, ratio, directions)| Masking {
            input_tokens,
            input_alphas,
            ratio,
            directions,
            ..Masking::default()
        },
    )
}

fn probe() -> impl Strategy<Value = Probe> {
    prop_oneof![
        (any::<usize>(), option::of(masking()), vec(direction(), 0..2))
            .prop_map(|(masks, masking, directions)| Probe::CrossEntropy { masks, masking, directions },),
        vec(direction(), 0..3).prop_map(Probe::Directions),
        (vec((word(), word()), 0..3), any::<usize>())
            .prop_map(|(pairs, gallery)| Probe::Retrieval { pairs, gallery }),
        (vec(word(), 0..3), word(), number()).prop_map(|(inputs, target, top_p)| Probe::Generation {
            inputs,
            target,
            clips: 0,
            prefix: 0.0,
            decode: Decode { top_p, scheme: Scheme::Roar, ..Decode::default() },
        }),
        vec(vec(word(), 0..3), 0..3).prop_map(|inputs| Probe::LinearProbe { inputs }),
    ]
}

/// Any well-typed experiment, valid or not; every number is finite.
pub fn any_experiment() -> impl Strategy<Value = Experiment> {
    let train = (any::<u64>(), number(), any::<(usize, usize)>(), option::of(number())).prop_map(
        |(tokens, lr, (batch, size), clip)| {
            let micro_batch = (size % 2 == 0).then_some(size);
            Train { tokens, lr, batch, micro_batch, clip, ..Train::default() }
        },
    );
    let pins =
        option::of((option::of(word()), option::of(word())).prop_map(|(code, commit)| Pins { code, commit }));
    let claims = vec((word(), word(), number()), 0..2);
    let parts = (data(), vec(modality(), 0..4), masking(), train, vec(probe(), 0..4));
    (word(), any::<u64>(), parts, claims, pins).prop_map(
        |(name, init, (data, modalities, masking, train, probes), claims, pins)| Experiment {
            schema: SCHEMA,
            name,
            about: "about \"it\"".into(),
            seeds: Seeds { init, ..Seeds::default() },
            data,
            modalities,
            masking,
            model: Model::default(),
            train,
            probes,
            claims: claims
                .into_iter()
                .map(|(metric, against, margin)| Claim { metric, against, margin })
                .collect(),
            pins,
        },
    )
}
