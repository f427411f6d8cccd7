//! Retrieval: the partner of a clip in another modality, by cosine of mean encoder outputs.
//!
//! ```text
//! e(clip, m) = normalize(mean over tokens of the encoder's output for modality m alone)
//! rank       = number of other gallery clips at least as similar as the partner (0 is best)
//! ```
//! Row 0 of test clips; the gallery is all of them, or `gallery` drawn as numpy's legacy
//! `RandomState(seed).choice` does (REFERENCE §5). Queries are the gallery's clips. Ties count against
//! the model; a query to which the whole gallery is equally similar has no rank and no row.

use super::evaluation::Evaluation;
use super::packing::{self, finite, Sample};
use super::scores::Scores;
use super::workload::{limited, Workload};
use crate::batch::Batch;
use crate::data::Part;
use crate::fault::{Fault, Result};
use crate::masking;
use crate::metrics;
use crate::metrics::retrieval::RetrievalRow;
use crate::metrics::source;
use crate::model::network::Inference;
use crate::observer::ProbeObserver;
use crate::stats::numpy;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Recorded neighbours of a query.
const NEAREST: usize = 10;

/// Ranks for every pair (query, gallery), of the model and of the untrained network.
pub fn measure(
    evaluation: &Evaluation,
    untrained: &dyn Inference,
    pairs: &[(String, String)],
    gallery: usize,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<RetrievalRow>> {
    let clips = drawn(evaluation, gallery)?;
    if clips.len() < 2 {
        observer.note("not measured: a gallery of one clip leaves nothing to find");
        return Ok(vec![]);
    }
    let mut rows = Vec::new();
    for (net, source) in [(evaluation.net, source::MODEL), (untrained, source::UNTRAINED)] {
        let mut embedded: BTreeMap<usize, Vec<Vec<f32>>> = BTreeMap::new();
        for (query, partner) in pairs {
            let (q, g) = (evaluation.index(query)?, evaluation.index(partner)?);
            for m in [q, g] {
                if let std::collections::btree_map::Entry::Vacant(free) = embedded.entry(m) {
                    free.insert(embed(net, evaluation, m, &clips, observer)?);
                }
            }
            let ranks = rank_all(&embedded[&q], &embedded[&g]);
            let missing = ranks.iter().filter(|rank| rank.is_none()).count();
            if missing > 0 {
                observer.note(&format!(
                    "{query} → {partner}, {source}: {missing} of {} queries find all clips equally similar and have no rank",
                    clips.len()
                ));
            }
            let name = |clip: usize| evaluation.data.split(Part::Test).stem(clips[clip]);
            rows.extend(ranks.into_iter().enumerate().filter_map(|(i, ranked)| {
                let Ranked { rank, nearest } = ranked?;
                Some(RetrievalRow {
                    clip: name(i).into(),
                    query_modality: query.clone(),
                    gallery_modality: partner.clone(),
                    source: source.into(),
                    rank,
                    gallery_size: clips.len() as u32,
                    nearest: nearest.iter().map(|&c| name(c)).collect::<Vec<_>>().join("|"),
                })
            }));
        }
    }
    Ok(rows)
}

/// Test clips of the gallery.
fn drawn(evaluation: &Evaluation, gallery: usize) -> Result<Vec<usize>> {
    let n = evaluation.data.split(Part::Test).len();
    if gallery == 0 || gallery == n {
        return Ok((0..n).collect());
    }
    let seed = u32::try_from(evaluation.experiment.seeds.probes).map_err(|_| {
        Fault::invalid("numpy's RandomState has no such seed")
            .at("seeds.probes")
            .found(evaluation.experiment.seeds.probes)
            .expected("below 2^32 where a retrieval draws its gallery")
    })?;
    let clips = numpy::choice(seed, n as u32, gallery).ok_or_else(|| {
        Fault::invalid("the gallery is larger than the test split")
            .at("probes: Retrieval")
            .found(format!("gallery: {gallery}, {n} test clips"))
            .expected(format!("0 (all) or 2 to {n}"))
            .help("`gallery: 0` searches all test clips")
    })?;
    Ok(clips.into_iter().map(|c| c as usize).collect())
}

/// `[clips][dim]`, each of norm 1.
fn embed(
    net: &dyn Inference,
    evaluation: &Evaluation,
    modality: usize,
    clips: &[usize],
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<Vec<f32>>> {
    let split = evaluation.data.split(Part::Test);
    let mask = masking::direction(&evaluation.experiment.modalities, &[modality], &[]);
    let samples = clips.iter().map(|&c| Sample::new(c, split.sample(c, 0), mask.clone()));
    let dim = net.config().dim;
    let mut all = Vec::with_capacity(clips.len());
    let measure = |net: &dyn Inference, batch: &Batch, _: &[usize]| {
        let output = net.encode(&batch.enc)?; // [T, D]
        let spans = batch.enc.offsets.windows(2);
        spans.map(|w| mean_direction(&output[w[0] * dim..w[1] * dim], dim)).collect()
    };
    packing::batches(net, samples, (0, clips.len()), observer, measure, |_, one| all.push(one))?;
    Ok(all)
}

/// The mean of `[T, D]` rows, divided by its norm.
fn mean_direction(rows: &[f32], dim: usize) -> Result<Vec<f32>> {
    let mut sum = vec![0.0f64; dim];
    for row in rows.chunks(dim) {
        sum.iter_mut().zip(row).for_each(|(s, x)| *s += f64::from(*x));
    }
    let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    sum.into_iter().map(|x| finite((x / norm) as f32)).collect()
}

/// Where the partner stands, and who is nearest.
#[derive(Debug, PartialEq)]
struct Ranked {
    rank: u32,
    nearest: Vec<usize>,
}

/// For each query; `None` where all similarities are equal.
fn rank_all(queries: &[Vec<f32>], gallery: &[Vec<f32>]) -> Vec<Option<Ranked>> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    let one = |(i, q): (usize, &Vec<f32>)| {
        let similar: Vec<f64> = gallery.iter().map(|g| dot(q, g)).collect();
        rank(&similar, i)
    };
    queries.par_iter().enumerate().map(one).collect()
}

fn rank(similar: &[f64], partner: usize) -> Option<Ranked> {
    if similar.iter().all(|s| *s == similar[0]) {
        return None;
    }
    let rank = similar.iter().enumerate().filter(|&(i, s)| i != partner && *s >= similar[partner]).count();
    let mut order: Vec<usize> = (0..similar.len()).collect();
    // Among equals the partner comes last.
    order.sort_by(|&a, &b| similar[b].total_cmp(&similar[a]).then((a == partner).cmp(&(b == partner))));
    order.truncate(NEAREST);
    Some(Ranked { rank: rank as u32, nearest: order })
}

/// Runs the probe.
pub(super) fn run(scores: &mut Scores, pairs: &[(String, String)], gallery: usize) -> Result<()> {
    let (evaluation, untrained) = (scores.evaluation, (scores.untrained)()?);
    let rows = measure(&evaluation, untrained.as_ref(), pairs, gallery, &mut scores.observe("retrieval"))?;
    let test_clips = evaluation.data.split(Part::Test).len();
    let metrics = metrics::retrieval::metrics(&rows, pairs, (gallery, test_clips), scores.seed());
    scores.keep(&rows, metrics)
}

/// Tokens of the passes it makes: each modality by the model and the untrained network.
pub(super) fn tokens(load: &Workload, pairs: &[(String, String)], gallery: usize) -> Result<f64> {
    let names: BTreeSet<&String> = pairs.iter().flat_map(|(query, partner)| [query, partner]).collect();
    Ok(2.0 * limited(gallery, load.split(Part::Test)) * load.lengths(names)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::probes::testing::{self, Ticks};

    fn pairs() -> Vec<(String, String)> {
        vec![("a@8".into(), "b@6".into()), ("b@6".into(), "a@8".into())]
    }

    #[test]
    fn ties_count_against_the_model_and_equals_have_no_rank() {
        assert_eq!(rank(&[0.5, 0.9, 0.5, 0.1], 0), Some(Ranked { rank: 2, nearest: vec![1, 2, 0, 3] }));
        assert_eq!(rank(&[0.5, 0.9, 0.4, 0.1], 1).unwrap().rank, 0);
        assert_eq!(rank(&[0.5; 4], 1), None);
    }

    #[test]
    fn the_gallery_is_drawn_like_numpy() {
        let bench = testing::bench(20, true);
        let of = |gallery| {
            measure(&bench.evaluation(), bench.net.as_ref(), &pairs(), gallery, &mut Silent).unwrap()
        };
        let all = of(0);
        assert_eq!(all.len(), 2 * 2 * 20);
        assert!(all.iter().all(|r| r.gallery_size == 20 && r.nearest.split('|').count() == 10));
        let some = of(6);
        let clips: Vec<String> =
            numpy::choice(42, 20, 6).unwrap().iter().map(|c| format!("clip_{c:03}")).collect();
        assert!(some.iter().take(6).map(|r| &r.clip).eq(&clips));
        assert!(some.iter().all(|r| r.gallery_size == 6 && r.rank < 6));
    }

    #[test]
    fn too_few_or_too_many_clips() {
        let bench = testing::bench(1, true);
        let mut ticks = Ticks::default();
        let rows = measure(&bench.evaluation(), bench.net.as_ref(), &pairs(), 0, &mut ticks).unwrap();
        assert_eq!((rows.len(), ticks.1.len()), (0, 1));
        let fault = measure(&bench.evaluation(), bench.net.as_ref(), &pairs(), 5, &mut Silent).unwrap_err();
        assert_eq!(fault.found.as_deref(), Some("gallery: 5, 1 test clips"));
    }

    #[test]
    fn an_encoder_of_nan_is_a_fault() {
        let bench = testing::broken();
        let fault = measure(&bench.evaluation(), bench.net.as_ref(), &pairs(), 0, &mut Silent).unwrap_err();
        assert_eq!(fault.what, "the network's output is not a number");
    }
}
