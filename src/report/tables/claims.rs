//! Claims declared in the manifest before training, judged apart from everything explored.

use super::built::Built;
use super::common::{self, add, largest_p, views, Clips, Context, View};
use super::verdict;
use crate::fault::Result;
use crate::manifest::schema::Claim;
use crate::record::examples::{
    source, Classification, CrossEntropy, Direction, Example, LinearProbe, Retrieval,
};
use crate::report::runs::{Group, Run};
use crate::report::table::{Cell, Heading, Row, Table};
use crate::stats::{binomial, multiple, sign_flip, Alternative, Estimable, NotEstimable};

fn columns() -> Vec<Heading> {
    let mut columns = vec![
        Heading::key("experiment"),
        Heading::key("seed"),
        Heading::key("claim"),
        Heading::key("against"),
        Heading::text("unit", "unit"),
        Heading::estimate("gain", "gain", "", 4).higher(),
    ];
    columns.extend(verdict::columns());
    columns.push(Heading::count("clips"));
    columns
}

/// What one run scored on a claim's metric.
struct Scores {
    own: Clips,
    /// The same clips of the baseline; `None`: the constant below.
    other: Option<Clips>,
    /// Chance as a fraction, for shares of clips.
    chance: Option<f64>,
}

/// A metric a claim can be about.
struct Metric {
    /// Whether less is better.
    lower: bool,
    /// Percent or nats.
    percent: bool,
}

/// The table; `None` when no manifest declares a claim.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let mut rows = Vec::new();
    for group in context.groups {
        let mut judged = Vec::new();
        for claim in &group.runs[0].claims {
            judged.push(judge(context, group, claim)?);
        }
        let raw: Vec<Option<f64>> = judged.iter().map(|j| j.p.ok()).collect();
        let holm = multiple::holm(&raw);
        rows.extend(judged.into_iter().zip(holm.adjusted).map(|(j, p)| j.row(p, holm.m)));
    }
    let notes = vec![
        "gain: by how much the model is better than what the claim holds it against, on the same clips. A claim is \
         supported when the gain is larger than its margin."
            .into(),
        "p Holm: one-sided; paired sign-flip test over clips against a baseline or another run, exact binomial test \
         against chance; Holm over the m claims of the experiment. With several seeds p is the largest of the seeds'."
            .into(),
        common::mean_note(&context.plan),
    ];
    let table = Table {
        name: "claims".into(),
        title: "Declared claims".into(),
        schema: 1,
        columns: columns(),
        rows,
        notes,
    };
    Ok((!table.rows.is_empty()).then_some(Built { table, headlines: vec![] }))
}

/// A claim before correction.
struct Judged {
    cells: Vec<Cell>,
    margin: f64,
    p: Estimable<f64>,
    clips: u64,
}

impl Judged {
    fn row(self, holm: Option<f64>, m: usize) -> Row {
        let mut cells = self.cells;
        cells.extend(verdict::cells(self.margin, self.p, holm, m));
        cells.push(Cell::Count(self.clips));
        Row::new(cells)
    }
}

fn judge(context: &Context, group: &Group, claim: &Claim) -> Result<Judged> {
    let view = views(group).pop().unwrap_or(View { group, seed: String::new(), runs: vec![], decides: true });
    let metric = metric(&claim.metric);
    let mut scores = Vec::new();
    if metric.is_some() {
        for (i, run) in group.runs.iter().enumerate() {
            scores.push(scored(context, run, i, claim)?);
        }
    }
    let scores: Option<Vec<Scores>> = scores.into_iter().collect();
    let (metric, scores) = match (metric, scores) {
        (Some(metric), Some(scores)) if !scores.is_empty() => (metric, scores),
        _ => return Ok(unjudged(group, &view, claim)),
    };
    let scale = if metric.percent { 100.0 } else { 1.0 };
    let margin = claim.margin / scale;
    let gains: Vec<Clips> = scores.iter().map(|s| gain(s, &metric)).collect();
    let gains: Vec<&Clips> = gains.iter().collect();
    let p = largest(context, &scores, &gains, margin);
    let estimate = common::estimate(&gains, &context.plan);
    let estimate = estimate.map(|e| if metric.percent { common::percent(e) } else { e });
    let cells = vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::text(&claim.metric),
        Cell::text(&claim.against),
        Cell::text(if metric.percent { "%" } else { "nats/token" }),
        Cell::estimate(estimate),
    ];
    Ok(Judged { cells, margin: claim.margin, p, clips: common::common_clips(&gains) })
}

fn unjudged(group: &Group, view: &View, claim: &Claim) -> Judged {
    let cells = vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::text(&claim.metric),
        Cell::text(&claim.against),
        Cell::Empty,
        Cell::Absent(NotEstimable::NoData),
    ];
    Judged { cells, margin: claim.margin, p: Err(NotEstimable::NoData), clips: 0 }
}

/// Per clip: how much better than the baseline, summed over its tokens, and their number.
fn gain(s: &Scores, metric: &Metric) -> Clips {
    let sign = if metric.lower { -1.0 } else { 1.0 };
    let mut gains = Clips::new();
    for (clip, (sum, weight)) in &s.own {
        let other = match (&s.other, s.chance) {
            (Some(other), _) => other.get(clip).map(|o| o.0 / o.1),
            (None, chance) => chance,
        };
        if let Some(other) = other {
            add(&mut gains, clip, sign * (sum - other * weight), *weight);
        }
    }
    gains
}

fn largest(context: &Context, scores: &[Scores], gains: &[&Clips], margin: f64) -> Estimable<f64> {
    let mut largest: Estimable<f64> = Err(NotEstimable::NoData);
    for (s, gain) in scores.iter().zip(gains) {
        let p = match s.chance {
            Some(chance) => {
                let test = |h, n| binomial::test(h, n, chance + margin, Alternative::Greater);
                largest_p(&[&s.own], test)?
            }
            None => {
                let beyond: Vec<f64> = gain.values().map(|g| g.0 - margin * g.1).collect();
                sign_flip::test(&beyond, Alternative::Greater, context.plan.seed, common::PERMUTATIONS)?
            }
        };
        largest = Ok(largest.map_or(p, |q: f64| q.max(p)));
    }
    largest
}

fn metric(claim: &str) -> Option<Metric> {
    match claim.split('/').next()? {
        "cross_entropy" => Some(Metric { lower: true, percent: false }),
        "classification" | "retrieval" | "directions" | "linear_probe" => {
            Some(Metric { lower: false, percent: true })
        }
        _ => None,
    }
}

/// Scores of run `i` of a group; `None` when the metric or the baseline is not there.
fn scored(context: &Context, run: &Run, i: usize, claim: &Claim) -> Result<Option<Scores>> {
    let Some((own, chance)) = clips(run, &claim.metric, None)? else { return Ok(None) };
    if claim.against == "chance" {
        return Ok(chance.map(|c| Scores { own, other: None, chance: Some(c) }));
    }
    if let Some((other, _)) = clips(run, &claim.metric, Some(&claim.against))? {
        return Ok(Some(Scores { own, other: Some(other), chance: None }));
    }
    // Another experiment, seed by seed.
    let named = |g: &&Group| g.label == claim.against || g.runs[0].record.name == claim.against;
    let Some(other) = context.groups.iter().find(named).and_then(|g| g.runs.get(i)) else { return Ok(None) };
    let other = clips(other, &claim.metric, None)?;
    Ok(other.map(|(other, _)| Scores { own, other: Some(other), chance: None }))
}

/// Clips of a metric by one source (absent: the model, or the probe itself), and chance.
fn clips(run: &Run, metric: &str, by: Option<&str>) -> Result<Option<(Clips, Option<f64>)>> {
    let parts: Vec<&str> = metric.split('/').collect();
    let source = by.unwrap_or(source::MODEL);
    let part = |i: usize| parts.get(i).copied().unwrap_or_default();
    let hit = |right: bool| (f64::from(u8::from(right)), 1.0);
    let mut clips = Clips::new();
    let mut chance = None;
    match part(0) {
        "cross_entropy" => each(run, |r: &CrossEntropy| {
            if r.modality == part(1) && r.source == source {
                add(&mut clips, &r.clip, r.ce_nats, r.tokens as f64);
            }
        })?,
        "directions" => each(run, |r: &Direction| {
            let target = part(2).is_empty() || r.modality == part(2);
            if r.direction == part(1) && target && r.source == source {
                add(&mut clips, &r.clip, r.correct as f64, r.tokens as f64);
            }
        })?,
        "classification" => {
            let k = part(3).strip_prefix("top").and_then(|k| k.parse().ok()).unwrap_or(1u32);
            each(run, |r: &Classification| {
                let right = super::classification::hit(r, k);
                if let (true, Some(right)) =
                    (r.inputs == part(1) && r.method == part(2) && r.source == source, right)
                {
                    chance = Some(f64::from(k) / f64::from(r.classes));
                    clips.insert(r.clip.clone(), hit(right));
                }
            })?
        }
        "retrieval" => {
            let k = part(2).strip_prefix('r').and_then(|k| k.parse().ok()).unwrap_or(1u32);
            let of = |r: &Retrieval| {
                format!("{}->{}", r.query_modality, r.gallery_modality) == part(1) && r.source == source
            };
            // `/gallery200`; else the largest there is.
            let mut gallery = part(3).strip_prefix("gallery").and_then(|n| n.parse().ok()).unwrap_or(0u32);
            if gallery == 0 {
                each(run, |r: &Retrieval| gallery = gallery.max(if of(r) { r.gallery_size } else { 0 }))?;
            }
            each(run, |r: &Retrieval| {
                if of(r) && r.gallery_size == gallery {
                    chance = Some(f64::from(k) / f64::from(r.gallery_size));
                    clips.insert(r.clip.clone(), hit(r.rank < k));
                }
            })?
        }
        "linear_probe" => each(run, |r: &LinearProbe| {
            if r.inputs == part(1) && r.control == by.unwrap_or("none") {
                chance = Some(1.0 / f64::from(r.classes));
                clips.insert(r.clip.clone(), hit(r.true_class == r.predicted_class));
            }
        })?,
        _ => {}
    }
    Ok((!clips.is_empty()).then_some((clips, chance)))
}

fn each<E: Example>(run: &Run, row: impl FnMut(&E)) -> Result<()> {
    run.examples::<E>()?.unwrap_or_default().iter().for_each(row);
    Ok(())
}
