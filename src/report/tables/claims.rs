//! Claims declared in the manifest before training, judged apart from everything explored.

use super::built::Built;
use super::notes;
use super::verdict::{self, Scope, Verdict};
use super::views::{self, views, Context, View};
use crate::fault::Result;
use crate::manifest::schema::Claim;
use crate::metrics::clips::{add, aligned, common_clips, hits, Clips};
use crate::metrics::estimate::{estimate, largest_of_seeds, PERMUTATIONS};
use crate::metrics::{catalogue, Key, Spec};
use crate::report::runs::{Group, Run};
use crate::report::scores;
use crate::report::table::{Column, Table};
use crate::stats::{binomial, sign_flip, two_recipes, Alternative, Estimable, Estimate, NotEstimable};

struct Line<'a> {
    view: View<'a>,
    claim: &'a Claim,
    /// Of a claim that is judged.
    spec: Option<Spec>,
    gain: Estimable<Estimate>,
    verdict: Verdict,
    clips: u64,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::key("claim", |l: &Line| catalogue::canonical(&l.claim.metric)),
        Column::key("against", |l: &Line| l.claim.against.clone()),
        Column::text("unit", "unit", |l: &Line| l.spec.map(|spec| spec.unit.name().to_string())),
        Column::estimate("gain", "gain", ("", 4), |l: &Line| l.gain).higher(),
    ]);
    columns.extend(verdict::columns(|l: &Line| &l.verdict));
    columns.push(Column::count("clips", |l: &Line| l.clips));
    columns
}

/// The table; `None` when no manifest declares a claim.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let mut lines = Vec::new();
    let mut unclear = Vec::new();
    for group in context.groups {
        unclear.extend(ambiguous(context, group));
        let mut declared = Vec::new();
        for claim in &group.runs[0].claims {
            declared.extend(line(context, group, claim)?);
        }
        verdict::judge(declared.iter_mut().map(|line| &mut line.verdict));
        lines.extend(declared);
    }
    unclear.sort();
    unclear.dedup();
    let mut notes = vec![
        "gain: by how much the model is better than what the claim holds it against, on the same clips. A claim is \
         supported when the gain is larger than its margin. Of a quantity without a better side (memorization, \
         generation) the gain is by how much it is larger."
            .into(),
        "p Holm: one-sided; paired sign-flip test over clips against a baseline or another run, exact binomial test \
         against chance; Holm over the m claims of the experiment. With several seeds p is the largest of the seeds'; against another run \
         it is the larger of sign flips of the clips' mean gains and a t-test over seeds × clips, and with one seed it \
         speaks of the two trained models alone."
            .into(),
        notes::mean(&context.plan),
    ];
    notes.extend(unclear);
    let table = Table::new("claims", "Declared claims", 3, columns(), &lines, notes)
        .with_digits(&lines, |line| line.spec.map_or(4, |spec| spec.digits));
    Ok(Built::unless_empty(table, vec![]))
}

/// On the line that decides of the experiment.
fn line<'a>(context: &Context, group: &'a Group, claim: &'a Claim) -> Result<Option<Line<'a>>> {
    let Some(view) = views(group).pop() else { return Ok(None) };
    let none = NotEstimable::NoData;
    let unjudged = Line {
        view,
        claim,
        spec: None,
        gain: Err(none),
        verdict: Verdict::new(claim.margin, Err(none), Scope::Baseline),
        clips: 0,
    };
    let Some(key) = catalogue::parse(&claim.metric) else { return Ok(Some(unjudged)) };
    let mut seeds = Vec::new();
    for i in 0..group.runs.len() {
        let Some(scores) = scored(context, (group, i), &key, &claim.against)? else {
            return Ok(Some(unjudged));
        };
        seeds.push(scores);
    }
    let unit = key.spec.unit;
    // Shares are counted as fractions here.
    let margin = claim.margin / unit.scale();
    let gains: Vec<Clips> = seeds.iter().map(|s| gain(s, key.spec.lower())).collect();
    let of_run = seeds.iter().any(|s| matches!(s.other, Other::Run(_)));
    let scope = if of_run { Scope::of_recipes(seeds.len()) } else { Scope::Baseline };
    let of_seeds =
        || largest_of_seeds(seeds.iter().zip(&gains).map(|(s, gain)| test(context, s, gain, margin)));
    let gains: Vec<&Clips> = gains.iter().collect();
    let p = if scope == Scope::Baseline { of_seeds() } else { recipes_test(context, &gains, margin) };
    let gain = estimate(&gains, &context.plan).map(|e| if unit.scale() == 1.0 { e } else { e.percent() });
    let verdict = Verdict::new(claim.margin, p, scope);
    Ok(Some(Line { spec: Some(key.spec), gain, verdict, clips: common_clips(&gains), ..unjudged }))
}

/// What one run scored on a claim's metric, shares as fractions.
struct Scores {
    own: Clips,
    other: Other,
}

/// What it is held against.
enum Other {
    /// A share that luck reaches.
    Chance(f64),
    /// The same clips of a baseline.
    Clips(Clips),
    /// The same clips of another run.
    Run(Clips),
}

/// Per clip: how much better than the baseline, summed over its tokens, and their number.
fn gain(s: &Scores, lower: bool) -> Clips {
    let sign = if lower { -1.0 } else { 1.0 };
    let mut gains = Clips::new();
    for (clip, (sum, weight)) in &s.own {
        let other = match &s.other {
            Other::Clips(other) | Other::Run(other) => other.get(clip).map(|o| o.0 / o.1),
            Other::Chance(chance) => Some(*chance),
        };
        if let Some(other) = other {
            add(&mut gains, clip, sign * (sum - other * weight), *weight);
        }
    }
    gains
}

/// One-sided, of one seed.
fn test(context: &Context, scores: &Scores, gain: &Clips, margin: f64) -> Estimable<f64> {
    if let Other::Chance(chance) = scores.other {
        let (hits, n) = hits(&scores.own);
        return binomial::test(hits, n, chance + margin, Alternative::Greater);
    }
    let beyond: Vec<f64> = gain.values().map(|g| g.0 - margin * g.1).collect();
    if !beyond.is_empty() && beyond.iter().all(|g| *g == 0.0) {
        // Both alike on every clip: whatever the signs, the sum is what it is.
        return Ok(1.0);
    }
    sign_flip::test(&beyond, Alternative::Greater, context.plan.seed, PERMUTATIONS)
}

/// One-sided, of the gains over another recipe's runs, seed by seed.
fn recipes_test(context: &Context, gains: &[&Clips], margin: f64) -> Estimable<f64> {
    let per_clip = |clips: &Vec<(f64, f64)>| -> Vec<f64> {
        let mean = clips.iter().map(|c| c.1).sum::<f64>() / clips.len() as f64;
        clips.iter().map(|c| (c.0 - margin * c.1) / mean).collect()
    };
    let beyond: Vec<Vec<f64>> = aligned(gains).iter().map(per_clip).collect();
    if beyond.iter().flatten().all(|g| *g == 0.0) && beyond.iter().any(|seed| !seed.is_empty()) {
        return Ok(1.0);
    }
    two_recipes::test(&beyond, 0.0, Alternative::Greater, context.plan.seed, PERMUTATIONS)
}

/// Scores of run `i` of a group; `None` when the metric or the baseline is not there.
fn scored(
    context: &Context,
    (group, i): (&Group, usize),
    key: &Key,
    against: &str,
) -> Result<Option<Scores>> {
    let run = &group.runs[i];
    let Some(own) = scores::of(run, key)? else { return Ok(None) };
    if against == "chance" {
        return Ok(own.chance.map(|chance| Scores { own: own.clips, other: Other::Chance(chance) }));
    }
    let baseline = match catalogue::baseline(key, against) {
        Some(baseline) => scores::of(run, &baseline)?,
        None => None,
    };
    let other = match baseline {
        Some(baseline) => Some(Other::Clips(baseline.clips)),
        None => {
            // The keys are the same: what they do not say must be, too.
            let same = |other: &&Run| other.setup(key.probe) == run.setup(key.probe);
            let other = other_run(context, group, against, i).filter(same);
            other.map_or(Ok(None), |other| scores::of(other, key))?.map(|other| Other::Run(other.clips))
        }
    };
    Ok(other.map(|other| Scores { own: own.clips, other }))
}

/// Run `i` of the other experiment of that name, seed by seed; `None` if there are several.
fn other_run<'a>(context: &'a Context, own: &Group, against: &str, i: usize) -> Option<&'a Run> {
    match others(context, own, against).as_slice() {
        [one] => one.runs.get(i),
        _ => None,
    }
}

/// Other experiments that a claim may mean.
fn others<'a>(context: &'a Context, own: &Group, against: &str) -> Vec<&'a Group> {
    let labelled = |g: &Group| {
        g.label.strip_prefix(against).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ["))
    };
    let other = |g: &&Group| !std::ptr::eq(*g, own);
    let named = |g: &&Group| labelled(g) || g.runs[0].record.name == against;
    context.groups.iter().filter(other).filter(named).collect()
}

/// What a claim is held against that names several experiments.
fn ambiguous(context: &Context, group: &Group) -> Vec<String> {
    let mut notes = Vec::new();
    for claim in &group.runs[0].claims {
        let baseline =
            catalogue::parse(&claim.metric).and_then(|key| catalogue::baseline(&key, &claim.against));
        let others = others(context, group, &claim.against);
        if baseline.is_none() && others.len() > 1 {
            let labels: Vec<&str> = others.iter().map(|other| other.label.as_str()).collect();
            notes.push(format!(
                "Not judged, because `{}` names several experiments: {}. `--only` chooses runs.",
                claim.against,
                labels.join(", ")
            ));
        }
    }
    notes
}
