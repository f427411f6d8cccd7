//! The reference's published numbers (its model card and evaluation outputs), with their n, and
//! intervals where hits and n can be worked out.

use crate::metrics::Key;
use crate::record::ModalityInfo;
use crate::stats::proportion::clopper_pearson;
use crate::stats::{Estimate, Interval, NotEstimable};

/// One published number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The metric's key; of what this program does not measure another name.
    pub key: &'static str,
    pub quantity: &'static str,
    pub unit: &'static str,
    pub value: f64,
    /// Successes and trials, where the unit of a trial is a clip.
    pub hits: Option<(u64, u64)>,
    /// What it was measured on.
    pub on: &'static str,
}

const fn mean(
    key: &'static str,
    quantity: &'static str,
    unit: &'static str,
    value: f64,
    on: &'static str,
) -> Published {
    Published { key, quantity, unit, value, hits: None, on }
}

const fn share(key: &'static str, quantity: &'static str, hits: u64, n: u64, on: &'static str) -> Published {
    Published { key, quantity, unit: "%", value: 100.0 * hits as f64 / n as f64, hits: Some((hits, n)), on }
}

const NATS: &str = "nats/token";
const SAMPLES: &str = "768 samples";
const ALL: &str = "938 clips";
const GALLERY: &str = "200 clips";

/// All of them. The rows of classification and retrieval are the hits that give the published
/// percentages (98 of 938 is 10.45 %).
pub const PUBLISHED: &[Published] = &[
    mean("cross_entropy/tok_rgb@196", "cross-entropy, rgb", NATS, 9.1399, SAMPLES),
    mean("cross_entropy/tok_audio@512", "cross-entropy, audio", NATS, 5.2837, SAMPLES),
    mean("cross_entropy/tok_depth@196", "cross-entropy, depth", NATS, 5.1135, SAMPLES),
    mean("cross_entropy/tok_normal@196", "cross-entropy, normal", NATS, 3.4467, SAMPLES),
    mean("cross_entropy/scene_desc", "cross-entropy, caption", NATS, 0.1449, SAMPLES),
    share(
        "classification/tok_audio@512/logit_rank_leading_space/top1",
        "audio → class, top-1, leading-space keys",
        98,
        938,
        ALL,
    ),
    share(
        "classification/tok_audio@512/logit_rank_leading_space/top3",
        "audio → class, top-3, leading-space keys",
        268,
        938,
        ALL,
    ),
    share(
        "classification/tok_audio@512/logit_rank_leading_space/top5",
        "audio → class, top-5, leading-space keys",
        454,
        938,
        ALL,
    ),
    share(
        "classification/tok_rgb@196+tok_audio@512+tok_depth@196+tok_normal@196/logit_rank_leading_space/top1",
        "audio+rgb+depth+normal → class, top-1, leading-space keys",
        96,
        938,
        ALL,
    ),
    share(
        "classification/tok_rgb@196+tok_audio@512+tok_depth@196+tok_normal@196/logit_rank_leading_space/top3",
        "audio+rgb+depth+normal → class, top-3, leading-space keys",
        262,
        938,
        ALL,
    ),
    share(
        "classification/tok_rgb@196+tok_audio@512+tok_depth@196+tok_normal@196/logit_rank_leading_space/top5",
        "audio+rgb+depth+normal → class, top-5, leading-space keys",
        408,
        938,
        ALL,
    ),
    share(
        "classification/tok_rgb@196/logit_rank_leading_space/top1",
        "rgb → class, top-1, leading-space keys",
        83,
        938,
        ALL,
    ),
    share(
        "classification/tok_rgb@196/logit_rank_leading_space/top3",
        "rgb → class, top-3, leading-space keys",
        250,
        938,
        ALL,
    ),
    share(
        "classification/tok_rgb@196/logit_rank_leading_space/top5",
        "rgb → class, top-5, leading-space keys",
        420,
        938,
        ALL,
    ),
    share(
        "classification/tok_audio@512/sequence_decode/top1",
        "audio → class, sequence decode",
        100,
        938,
        ALL,
    ),
    share("retrieval/tok_audio@512->tok_rgb@196/r1/gallery200", "audio → rgb, R@1", 2, 200, GALLERY),
    share("retrieval/tok_audio@512->tok_rgb@196/r5/gallery200", "audio → rgb, R@5", 6, 200, GALLERY),
    share("retrieval/tok_audio@512->tok_rgb@196/r10/gallery200", "audio → rgb, R@10", 13, 200, GALLERY),
    share("retrieval/tok_rgb@196->tok_audio@512/r1/gallery200", "rgb → audio, R@1", 1, 200, GALLERY),
    share("retrieval/tok_rgb@196->tok_audio@512/r5/gallery200", "rgb → audio, R@5", 5, 200, GALLERY),
    share("retrieval/tok_rgb@196->tok_audio@512/r10/gallery200", "rgb → audio, R@10", 9, 200, GALLERY),
    share("retrieval/tok_audio@512->tok_depth@196/r1/gallery200", "audio → depth, R@1", 1, 200, GALLERY),
    share("retrieval/tok_audio@512->tok_depth@196/r5/gallery200", "audio → depth, R@5", 7, 200, GALLERY),
    share("retrieval/tok_audio@512->tok_depth@196/r10/gallery200", "audio → depth, R@10", 12, 200, GALLERY),
    share("retrieval/tok_depth@196->tok_audio@512/r1/gallery200", "depth → audio, R@1", 2, 200, GALLERY),
    share("retrieval/tok_depth@196->tok_audio@512/r5/gallery200", "depth → audio, R@5", 9, 200, GALLERY),
    share("retrieval/tok_depth@196->tok_audio@512/r10/gallery200", "depth → audio, R@10", 13, 200, GALLERY),
    mean(
        "directions/tok_rgb@196+scene_desc->tok_depth@196",
        "rgb+caption → depth, token accuracy",
        "%",
        11.12,
        "5 clips",
    ),
    mean(
        "directions/tok_rgb@196+scene_desc->tok_normal@196",
        "rgb+caption → normal, token accuracy",
        "%",
        17.96,
        "5 clips",
    ),
    mean(
        "directions/tok_depth@196+tok_normal@196+scene_desc->tok_rgb@196",
        "depth+normal+caption → rgb, token accuracy",
        "%",
        0.0,
        "5 clips",
    ),
    mean("memorization/train/accuracy", "memorization, train, token accuracy", "%", 2.95, "30 clips"),
    mean("memorization/train/cross_entropy", "memorization, train, cross-entropy", NATS, 6.485, "30 clips"),
    mean("memorization/test/accuracy", "memorization, test, token accuracy", "%", 4.13, "30 clips"),
    mean("memorization/test/cross_entropy", "memorization, test, cross-entropy", NATS, 6.561, "30 clips"),
    mean(
        "forward_vs_autoregressive/scene_desc/single",
        "caption given audio, one pass",
        NATS,
        0.3541,
        "50 clips",
    ),
    mean(
        "forward_vs_autoregressive/scene_desc/autoregressive",
        "caption given audio, autoregressive",
        NATS,
        0.3138,
        "50 clips",
    ),
    share("external/audio_rgb", "audio → rgb, external top-5", 0, 80, "80 clips"),
    mean("generation/caption/spread", "audio from caption, spread ratio", "ratio", 0.752, "decoded sound"),
    mean(
        "generation/visual/spread",
        "audio from rgb+depth+normal+caption, spread ratio",
        "ratio",
        0.583,
        "decoded sound",
    ),
    mean("tokenizer/rgb/psnr", "rgb tokenizer, PSNR", "dB", 19.09, "60 frames"),
    mean("tokenizer/rgb/ssim", "rgb tokenizer, SSIM", "ratio", 0.798, "60 frames"),
];

/// The number of that quantity, if all modalities are declared as in the reference. One that agrees in
/// name, length and vocabulary by itself is not enough: beside others it comes from another tokenizer
/// and another dataset, and the same name is another quantity.
pub fn find(key: &Key, declared: &[ModalityInfo]) -> Option<&'static Published> {
    let key = key.to_string();
    let same = |m: &(&str, usize, usize)| declared.iter().any(|d| (d.name.as_str(), d.length, d.vocab) == *m);
    PUBLISHED.iter().find(|p| p.key == key).filter(|_| REFERENCE.iter().all(same))
}

/// Name, length and vocabulary of the reference's modalities.
const REFERENCE: [(&str, usize, usize); 5] = [
    ("tok_rgb@196", 196, 16_384),
    ("tok_audio@512", 512, 2_048),
    ("tok_depth@196", 196, 8_192),
    ("tok_normal@196", 196, 8_192),
    ("scene_desc", 64, 50_304),
];

impl Published {
    /// Value and, for shares of clips, its Clopper–Pearson interval; percent where the unit is.
    pub fn estimate(&self, level: f64) -> Estimate {
        let (n, interval) = match self.hits {
            Some((hits, n)) => (n as usize, clopper_pearson(hits, n, level).map(Interval::percent)),
            None => (0, Err(NotEstimable::SummaryOnly)),
        };
        Estimate { value: self.value, n, interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue;

    fn declared() -> Vec<ModalityInfo> {
        let info = |m: &(&str, usize, usize)| ModalityInfo {
            name: m.0.into(),
            short: m.0.into(),
            length: m.1,
            vocab: m.2,
        };
        REFERENCE.iter().map(info).collect()
    }

    fn key(text: &str) -> Key {
        catalogue::parse(text).unwrap_or_else(|| panic!("no key: {text}"))
    }

    #[test]
    fn nine_of_two_hundred() {
        let p = find(&key("retrieval/tok_rgb@196->tok_audio@512/r10/gallery200"), &declared()).unwrap();
        let i = p.estimate(0.95).interval.unwrap();
        assert_eq!(format!("{:.1} [{:.1}, {:.1}]", p.value, i.low, i.high), "4.5 [2.1, 8.4]");
    }

    #[test]
    fn one_other_tokenizer_makes_every_quantity_another() {
        let mut other = declared();
        other[0].vocab = 1024;
        assert!(find(&key("cross_entropy/tok_rgb@196"), &declared()).is_some());
        assert!(find(&key("cross_entropy/tok_rgb@196"), &other).is_none());
        assert!(find(&key("cross_entropy/tok_audio@512"), &other).is_none());
        assert!(find(&key("retrieval/tok_rgb@196->tok_audio@512/r1/gallery200"), &other).is_none());
        assert!(find(&key("memorization/test/cross_entropy"), &other).is_none());
    }

    #[test]
    fn keys_are_unique_and_hits_give_the_published_digits() {
        let keys: std::collections::BTreeSet<_> = PUBLISHED.iter().map(|p| p.key).collect();
        assert_eq!(keys.len(), PUBLISHED.len());
        let elsewhere = ["external", "tokenizer", "generation"];
        for p in PUBLISHED.iter().filter(|p| !elsewhere.contains(&p.key.split('/').next().unwrap())) {
            assert_eq!(key(p.key).to_string(), p.key);
        }
        let of = |text: &str| find(&key(text), &declared()).map(|p| format!("{:.2}", p.value)).unwrap();
        let audio = ["top1", "top3", "top5"]
            .map(|k| of(&format!("classification/tok_audio@512/logit_rank_leading_space/{k}")));
        assert_eq!(audio, ["10.45", "28.57", "48.40"]);
        assert_eq!(of("classification/tok_audio@512/sequence_decode/top1"), "10.66");
    }
}
