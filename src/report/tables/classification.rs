//! Class of a clip: top-1/3/5 by inputs and method, against chance and the largest class of training.

use super::built::{Against, Built, Headline};
use super::notes;
use super::strongest::{is_baseline, strongest, Verdict};
use super::tested::{self, correct, Test};
use super::views::{self, apart, beside, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::catalogue::CHANCE;
use crate::metrics::classification::{ClassificationRow, TOP1, TOP3, TOP5};
use crate::metrics::clips::{self, common_clips, Clips};
use crate::metrics::estimate::{self, chance_p, largest_of_seeds, mcnemar_p, share, share_mde, ALPHA};
use crate::metrics::{self, source, Better};
use crate::report::reference::{find, Published};
use crate::report::table::{Column, Table};
use crate::stats::{multiple, Estimable, Estimate, NotEstimable};
use std::collections::BTreeMap;

/// inputs, method, source.
type Prediction = (String, String, String);

struct Line<'a> {
    view: View<'a>,
    key: Prediction,
    /// Percent at 1, 3 and 5; the latter two only of methods that rank.
    top: [Option<Estimable<Estimate>>; 3],
    /// Of top-1, percent.
    chance: Estimable<f64>,
    /// Of the model's top-1 against chance, of another source's against the model's; on lines that decide.
    test: Option<Test>,
    /// After the tests are corrected, on lines that decide.
    verdict: Option<Verdict>,
    /// Share of the largest class, percent.
    largest: Option<f64>,
    classes: u32,
    clips: u64,
    published: Option<&'static Published>,
    /// Top-1 of each seed, for the tests between lines.
    hits: Vec<&'a Clips>,
    /// Better than every other line of its experiment.
    best: bool,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::key("inputs", |l: &Line| l.view.group.names(&l.key.0)),
        Column::key("method", |l: &Line| l.key.1.clone()),
        Column::key("source", |l: &Line| l.key.2.clone()),
        Column::of(&TOP1.spec, "top1_percent", "top-1", |l: &Line| l.top[0]).bold(|l| l.best),
        Column::number("chance_top1_percent", "chance", &TOP1.spec, |l: &Line| l.chance),
    ]);
    let names = ["p", "p_adjusted", "mde_top1_percent"];
    columns.extend(tested::columns(names, &TOP1.spec, |l: &Line| l.test.as_ref()));
    columns.push(Column::text("verdict", "verdict", |l: &Line| Some(l.verdict.as_ref()?.text("model"))));
    columns.extend([
        Column::of(&TOP3.spec, "top3_percent", "top-3", |l: &Line| l.top[1]),
        Column::of(&TOP5.spec, "top5_percent", "top-5", |l: &Line| l.top[2]),
        Column::number("largest_class_percent", "largest class", &TOP1.spec, |l: &Line| l.largest),
        Column::count("classes", |l: &Line| u64::from(l.classes)),
        Column::count("clips", |l: &Line| l.clips),
        Column::number("published_top1_percent", "published", &TOP1.spec, |l: &Line| {
            l.published.map(|p| p.value)
        }),
    ]);
    columns
}

/// What one run says about one key: hits at 1, 3 and 5 (the latter two only of methods that rank).
#[derive(Default)]
struct Scores {
    top: [Clips; 3],
    classes: u32,
    truth: BTreeMap<String, u64>,
}

fn by_key(rows: &[ClassificationRow]) -> BTreeMap<Prediction, Scores> {
    let scores = |rows: Vec<&ClassificationRow>| {
        let mut truth = BTreeMap::new();
        rows.iter().for_each(|r| *truth.entry(r.true_class.clone()).or_default() += 1);
        Scores {
            top: [TOP1, TOP3, TOP5].map(|top| top.clips(rows.iter().copied())),
            classes: rows.iter().map(|r| r.classes).max().unwrap_or(0),
            truth,
        }
    };
    let key = |r: &ClassificationRow| (r.inputs.clone(), r.method.clone(), r.source.clone());
    apart(rows, key).into_iter().map(|(key, rows)| (key, scores(rows))).collect()
}

/// The table; `None` when no run classified.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| by_key(&rows))?;
    let mut lines = lines(&scored, |view, key, scores| {
        let model = beside(&scored, &view, &(key.0.clone(), key.1.clone(), source::MODEL.into()));
        line(context, view, key, &scores, &model)
    });
    let tests = correct(lines.iter_mut().filter_map(|line| line.test.as_mut()));
    let pairs = mark_best(&mut lines);
    judge(&mut lines);
    let deciding = lines.iter().filter(|line| line.view.decides && line.of_model());
    let headlines = deciding.map(|line| headline(line, &lines)).collect();
    Ok(Built::unless_empty(table(context, &lines, tests, pairs), headlines))
}

impl Line<'_> {
    fn of_model(&self) -> bool {
        self.key.2 == source::MODEL
    }

    /// Whether both are about the same inputs and method in one experiment.
    fn beside(&self, other: &Line) -> bool {
        let about = |line: &Line| (line.key.0.clone(), line.key.1.clone());
        std::ptr::eq(self.view.group, other.view.group) && about(self) == about(other)
    }

    fn against(&self) -> Against {
        let adjusted = self.test.and_then(|test| test.adjusted);
        Against { name: self.key.2.clone(), value: number(self), adjusted }
    }
}

/// The strongest of chance and the baselines beside a line of the model.
fn strongest_beside(own: &Line, lines: &[Line]) -> Option<Against> {
    let beside = lines.iter().filter(|line| line.view.decides && line.beside(own));
    let baselines = beside.filter(|line| is_baseline(&line.key.2)).map(Line::against);
    let chance =
        own.chance.ok().map(|chance| Against { name: CHANCE.into(), value: Some(chance), ..own.against() });
    strongest(chance.into_iter().chain(baselines), Better::Higher)
}

fn judge(lines: &mut [Line]) {
    let verdicts: Vec<Option<Verdict>> = lines
        .iter()
        .map(|line| {
            if !line.view.decides {
                return None;
            }
            if line.of_model() {
                let strongest = strongest_beside(line, lines)?;
                return Some(Verdict::of(Better::Higher, number(line), &strongest));
            }
            let model = lines.iter().find(|l| l.view.decides && l.of_model() && l.beside(line))?;
            let standing = line.against().standing(Better::Higher, number(model));
            Some(Verdict { standing, against: None })
        })
        .collect();
    lines.iter_mut().zip(verdicts).for_each(|(line, verdict)| line.verdict = verdict);
}

fn line<'a>(
    context: &Context,
    view: View<'a>,
    key: &Prediction,
    seeds: &[&'a Scores],
    model: &[&'a Scores],
) -> Line<'a> {
    let top = |i: usize| -> Vec<&'a Clips> { seeds.iter().map(|scores| &scores.top[i]).collect() };
    let ranked = |i: usize| {
        let clips = top(i);
        (!clips.iter().all(|c| c.is_empty())).then(|| share(&clips, &context.plan))
    };
    let classes = seeds.iter().map(|scores| scores.classes).max().unwrap_or(0);
    let (hits, chance, first) = (top(0), estimate::chance(1, classes), seeds[0]);
    let clips = first.top[0].len();
    let test = || {
        if key.2 == source::MODEL {
            return Test::new(chance_p(&hits, chance), share_mde(clips as u64, chance));
        }
        let model: Vec<&Clips> = model.iter().map(|scores| &scores.top[0]).collect();
        Test::new(mcnemar_p(&hits, &model), estimate::paired_mde(&hits, &model).map(|d| 100.0 * d))
    };
    Line {
        top: [Some(share(&hits, &context.plan)), ranked(1), ranked(2)],
        chance: chance.map(|share| 100.0 * share),
        test: view.decides.then(test),
        verdict: None,
        largest: first.truth.values().max().map(|&n| 100.0 * n as f64 / clips as f64),
        classes: first.classes,
        clips: common_clips(&hits),
        published: published(&view, key),
        key: key.clone(),
        best: false,
        view,
        hits,
    }
}

fn published(view: &View, (inputs, method, source): &Prediction) -> Option<&'static Published> {
    let key = metrics::Key::new(&TOP1, &format!("{inputs}/{method}"));
    (source == source::MODEL).then(|| find(&key, view.group.modalities())).flatten()
}

/// McNemar's test of top-1 of two lines: true of every seed, or not at all.
fn mcnemar(a: &Line, b: &Line) -> Option<f64> {
    let seeds = a.view.runs.len();
    if a.hits.len() != seeds || b.hits.len() != seeds {
        return None;
    }
    largest_of_seeds(a.hits.iter().zip(&b.hits).map(|(a, b)| clips::mcnemar(a, b))).ok()
}

/// Marks what is better than every other line of its experiment. Returns the number of pairs tested.
fn mark_best(lines: &mut [Line]) -> usize {
    let deciding: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].view.decides).collect();
    let mut pairs = Vec::new();
    for (at, &a) in deciding.iter().enumerate() {
        let same = |b: &usize| std::ptr::eq(lines[a].view.group, lines[*b].view.group);
        pairs.extend(deciding[at + 1..].iter().copied().filter(same).map(|b| (a, b)));
    }
    let raw: Vec<Option<f64>> = pairs.iter().map(|&(a, b)| mcnemar(&lines[a], &lines[b])).collect();
    let corrected = multiple::benjamini_hochberg(&raw);
    // Won and met.
    let mut games: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (&(a, b), p) in pairs.iter().zip(&corrected.adjusted) {
        let significant = p.is_some_and(|p| p <= ALPHA);
        let ahead = number(&lines[a]).zip(number(&lines[b])).map(|(a, b)| a - b);
        for (line, sign) in [(a, 1.0), (b, -1.0)] {
            let (won, met) = games.entry(line).or_default();
            *met += 1;
            *won += usize::from(significant && ahead.is_some_and(|ahead| sign * ahead > 0.0));
        }
    }
    for (line, (won, met)) in games {
        lines[line].best = won == met;
    }
    corrected.m
}

/// Top-1, where there is one.
fn number(line: &Line) -> Option<f64> {
    line.top[0]?.ok().map(|e| e.value)
}

fn headline(line: &Line, lines: &[Line]) -> Headline {
    let quantity = format!("{} → class, top-1, {}", line.view.group.names(&line.key.0), line.key.1);
    let value = line.top[0].unwrap_or(Err(NotEstimable::NoData));
    let headline = Headline::of(&TOP1.spec, &line.view, quantity, value, line.clips);
    Headline { published: line.published, against: strongest_beside(line, lines), ..headline }
}

fn table(context: &Context, lines: &[Line], tests: usize, pairs: usize) -> Table {
    let notes = vec![
        "logit_rank_as_trained scores the class tokens as they stand in training captions (headline); \
         logit_rank_leading_space uses the published keys, which the model never saw at that position; \
         caption_likelihood scores the whole captions of each class, minus_prior less what they score on average \
         over the other clips' inputs; sequence_decode matches the decoded caption by name. shuffled_input: another \
         clip's input. majority_class: the classes in the order of their training clips, whatever the input. Clips for which all classes score the same are left out."
            .into(),
        "Chance of top-k is k/classes. largest class: the share of the test split that is of its largest class.".into(),
        notes::share(&context.plan),
        notes::correction(
            "two-sided; the model: exact binomial test of top-1 against chance, another source: McNemar's exact test \
             against the model",
            tests,
        ),
        notes::mde(),
        notes::VERDICT.into(),
        format!(
            "Bold: better than every other row of its experiment by McNemar's exact test \
             (Benjamini–Hochberg, m = {pairs})."
        ),
        notes::PUBLISHED.into(),
    ];
    Table::new("classification", "Class of a clip", 2, columns(), lines, notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::clips::hits;

    fn row(rank: Option<u32>, predicted: &str) -> ClassificationRow {
        ClassificationRow {
            clip: "a".into(),
            inputs: "x".into(),
            method: "m".into(),
            source: "model".into(),
            true_class: "cat".into(),
            predicted_class: predicted.into(),
            true_rank: rank,
            true_logp: None,
            classes: 3,
        }
    }

    #[test]
    fn a_method_without_ranks_has_no_top_3() {
        assert_eq!((row(Some(2), "dog").hit(1), row(Some(2), "dog").hit(3)), (Some(false), Some(true)));
        assert_eq!((row(None, "cat").hit(1), row(None, "cat").hit(3)), (Some(true), None));
        assert_eq!(row(None, "").hit(1), Some(false));
        let all = by_key(&[row(None, "cat")]);
        let scores = &all[&("x".into(), "m".into(), "model".into())];
        assert_eq!((hits(&scores.top[0]), scores.top[1].len()), ((1, 1), 0));
    }
}
