//! Several predictions of the same clips (the model and its baselines, a probe and its controls), line by
//! line: what each gets, how far it is from the one its block is about, and which stands above all others.

use super::built::{Against, Headline};
use super::strongest::{self, is_baseline, Verdict};
use super::tested::{self, Test};
use super::views::{self, apart, views, View};
use crate::metrics::clips::{common_clips, Clips};
use crate::metrics::estimate;
use crate::metrics::source;
use crate::metrics::{Better, Spec, Standing};
use crate::report::runs::Group;
use crate::report::table::Column;
use crate::stats::{Bootstrap, Estimable, Estimate};
use std::collections::BTreeMap;

/// Source → its scores, for one block of one run.
pub type Sources<S> = BTreeMap<String, S>;

/// One run: the scores of every block by source.
pub fn by_source<R, K: Ord + Clone, S>(
    rows: &[R],
    key: impl Fn(&R) -> (K, String),
    scores: impl Fn(Vec<&R>) -> S,
) -> BTreeMap<K, Sources<S>> {
    let mut blocks: BTreeMap<K, Sources<S>> = BTreeMap::new();
    for ((key, source), rows) in apart(rows, key) {
        blocks.entry(key).or_default().insert(source, scores(rows));
    }
    blocks
}

/// A line of a block: a modality, a direction, the inputs of a probe. `X` is what the table shows beside it.
pub struct SourceLine<'a, K, X> {
    pub view: View<'a>,
    /// What the block is about; the same in all its lines.
    pub key: K,
    pub source: String,
    /// In the table's unit, as all that follows.
    pub value: Estimable<Estimate>,
    /// This source minus the one the block is about; `None` for that one itself.
    pub minus: Option<Estimable<Estimate>>,
    /// On lines that decide.
    pub test: Option<Test>,
    /// After [`judge`], on lines that decide.
    pub verdict: Option<Verdict>,
    pub clips: u64,
    /// Better than every other line of its block by the corrected tests.
    pub best: bool,
    pub more: X,
}

impl<'a, K, X> SourceLine<'a, K, X> {
    /// The value, where there is one.
    pub fn number(&self) -> Option<f64> {
        self.value.ok().map(|e| e.value).filter(|v| v.is_finite())
    }

    fn significant(&self) -> bool {
        self.test.as_ref().is_some_and(Test::significant)
    }

    /// The number of the front page.
    pub fn headline(&self, spec: &Spec, quantity: String) -> Headline {
        Headline::of(spec, &self.view, quantity, self.value, self.clips)
    }

    /// What another line's number is held against.
    pub fn against(&self, name: &str) -> Against {
        Against { name: name.into(), value: self.number(), adjusted: self.test.and_then(|t| t.adjusted) }
    }
}

/// The order in which the model and its baselines stand below each other; others follow by name.
pub const SOURCES: [&str; 8] = [
    source::MODEL,
    source::SHUFFLED,
    source::UNCONDITIONAL,
    source::POSITION,
    source::UNIGRAM,
    source::CODEBOOK,
    source::UNTRAINED,
    source::UNIFORM,
];

fn ordered<S>(order: &[&str], runs: &[&Sources<S>]) -> Vec<String> {
    let mut names: Vec<String> = runs.iter().flat_map(|sources| sources.keys().cloned()).collect();
    names.sort();
    names.dedup();
    names.sort_by_key(|name| order.iter().position(|o| o == name).unwrap_or(order.len()));
    names
}

/// One source of a block in one view: its scores, and those of the source the block is about.
pub struct Side<'a, 's, S> {
    pub view: View<'a>,
    pub source: String,
    /// One for each run of the view that has the source.
    pub own: Vec<&'s S>,
    pub first: Vec<&'s S>,
    /// Whether this is the source the block is about, which is the first of the order.
    pub is_first: bool,
}

/// The lines of one block, sources in `order`; the block is about its first.
pub fn block<'a, 's, S, L>(
    group: &'a Group,
    runs: &[&'s Sources<S>],
    order: &[&str],
    line: impl Fn(Side<'a, 's, S>) -> L,
) -> Vec<L> {
    let mut lines = Vec::new();
    for name in ordered(order, runs) {
        for view in views(group) {
            let of = |name: &str| view.runs.iter().filter_map(|&run| runs[run].get(name)).collect();
            let (own, first): (Vec<&S>, Vec<&S>) = (of(&name), of(order[0]));
            if !own.is_empty() {
                lines.push(line(Side { view, is_first: name == order[0], source: name.clone(), own, first }));
            }
        }
    }
    lines
}

impl<'a, S> Side<'a, '_, S> {
    /// A line without difference, test, or anything to show beside it.
    pub fn line<K: Clone, X>(
        self,
        key: &K,
        value: Estimable<Estimate>,
        clips: u64,
        more: X,
    ) -> SourceLine<'a, K, X> {
        let (view, source) = (self.view, self.source);
        SourceLine {
            view,
            key: key.clone(),
            source,
            value,
            minus: None,
            test: None,
            verdict: None,
            clips,
            best: false,
            more,
        }
    }

    /// Difference from the model and, where the line decides, the paired test behind it; as fractions or
    /// nats, as the clips are.
    pub fn paired(&self, clips: fn(&S) -> &Clips, plan: &Bootstrap) -> Paired<'_> {
        let own: Vec<&Clips> = self.own.iter().map(|scores| clips(scores)).collect();
        let first: Vec<&Clips> = self.first.iter().map(|scores| clips(scores)).collect();
        let differs = !self.is_first && !first.is_empty();
        let test = || Test::new(estimate::paired_p(&own, &first, plan), estimate::paired_mde(&own, &first));
        Paired {
            minus: differs.then(|| estimate::difference(&own, &first, plan)),
            test: (differs && self.view.decides).then(test),
            clips: common_clips(&own),
            tokens: own[0].values().map(|clip| clip.1).sum::<f64>() as u64,
            own,
        }
    }
}

/// A source's clips beside those of the first.
pub struct Paired<'s> {
    pub own: Vec<&'s Clips>,
    pub minus: Option<Estimable<Estimate>>,
    pub test: Option<Test>,
    /// Common to all seeds.
    pub clips: u64,
    /// Of the first seed.
    pub tokens: u64,
}

/// Corrects the tests of all lines together; returns their number.
pub fn correct<K, X>(lines: &mut [SourceLine<K, X>]) -> usize {
    tested::correct(lines.iter_mut().filter_map(|line| line.test.as_mut()))
}

fn same_block<K: PartialEq, X>(a: &SourceLine<K, X>, b: &SourceLine<K, X>) -> bool {
    std::ptr::eq(a.view.group, b.view.group) && a.key == b.key
}

/// The lines that decide, block by block.
pub fn blocks<'l, 'a, K: PartialEq, X>(
    lines: &'l [SourceLine<'a, K, X>],
) -> impl Iterator<Item = Vec<&'l SourceLine<'a, K, X>>> {
    lines.chunk_by(same_block).map(|block| block.iter().filter(|line| line.view.decides).collect())
}

/// The line of that source among those of a block.
pub fn of_source<'l, 'a, K, X>(
    block: &[&'l SourceLine<'a, K, X>],
    source: &str,
) -> Option<&'l SourceLine<'a, K, X>> {
    block.iter().find(|line| line.source == source).copied()
}

/// Marks the lines of `first` that are better than every other of their block by the corrected tests, their
/// own included where they have one.
pub fn mark_best<K: PartialEq, X>(
    lines: &mut [SourceLine<K, X>],
    first: &str,
    better: impl Fn(f64, f64) -> bool,
) {
    for block in lines.chunk_by_mut(same_block) {
        let deciding = |line: &&SourceLine<K, X>| line.view.decides;
        let Some(own) = block.iter().filter(deciding).find(|line| line.source == first) else { continue };
        let Some(value) = own.number() else { continue };
        let beaten = |line: &SourceLine<K, X>| {
            line.significant() && line.number().is_some_and(|other| better(value, other))
        };
        let mut others = block.iter().filter(deciding).filter(|line| line.source != first).peekable();
        let stands = own.test.is_none() || own.significant();
        if stands && others.peek().is_some() && others.all(beaten) {
            block.iter_mut().filter(|l| l.view.decides && l.source == first).for_each(|l| l.best = true);
        }
    }
}

/// The strongest baseline of a block; `level`: what luck reaches, where the block's first line is tested on it.
pub fn strongest<K, X>(
    block: &[&SourceLine<K, X>],
    better: Better,
    level: Option<Against>,
) -> Option<Against> {
    let baselines = block.iter().filter(|line| is_baseline(&line.source));
    strongest::strongest(level.into_iter().chain(baselines.map(|line| line.against(&line.source))), better)
}

/// Says of the lines that decide how the line of `first` stands: on its own to the strongest baseline, on each
/// other to that one.
pub fn judge<K: PartialEq, X>(
    lines: &mut [SourceLine<K, X>],
    (first, better): (&str, Better),
    level: impl Fn(&SourceLine<K, X>) -> Option<Against>,
) {
    for block in lines.chunk_by_mut(same_block) {
        let deciding: Vec<&SourceLine<K, X>> = block.iter().filter(|line| line.view.decides).collect();
        let Some(own) = of_source(&deciding, first) else { continue };
        let value = own.number();
        let strongest = strongest(&deciding, better, level(own));
        for line in block.iter_mut().filter(|line| line.view.decides) {
            line.verdict = if line.source == first {
                strongest.as_ref().map(|against| Verdict::of(better, value, against))
            } else {
                let standing: Standing = line.against(first).standing(better, value);
                Some(Verdict { standing, against: None })
            };
        }
    }
}

/// The column of verdicts on `subject`.
pub fn verdict_column<'a, K: 'static, X: 'static>(subject: &'static str) -> Column<SourceLine<'a, K, X>> {
    Column::text("verdict", "verdict", move |line: &SourceLine<'a, K, X>| {
        line.verdict.as_ref().map(|verdict| verdict.text(subject))
    })
}

/// Experiment and seed of a line.
pub fn columns<'a, K: 'static, X: 'static>() -> Vec<Column<SourceLine<'a, K, X>>> {
    views::columns(|line: &SourceLine<'a, K, X>| &line.view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::NotEstimable;

    type Bare<'a> = SourceLine<'a, &'static str, ()>;

    fn line<'a>(group: &'a Group, key: &'static str, source: &str, value: f64, p: Option<f64>) -> Bare<'a> {
        SourceLine {
            view: View { group, seed: "1".into(), runs: vec![0], decides: true },
            key,
            source: source.into(),
            value: Ok(Estimate { value, n: 9, interval: Err(NotEstimable::OneUnit) }),
            minus: None,
            test: p.map(|p| Test { adjusted: Some(p), ..Test::new(Ok(p), Err(NotEstimable::OneUnit)) }),
            verdict: None,
            clips: 9,
            best: false,
            more: (),
        }
    }

    /// Nats: less is better.
    #[test]
    fn the_best_is_better_than_all_of_its_own_block() {
        let group = Group { label: "x".into(), runs: vec![] };
        let block = |key, other: f64, p| {
            [
                line(&group, key, source::MODEL, 1.0, None),
                line(&group, key, source::UNIGRAM, 2.0, Some(0.01)),
                line(&group, key, source::UNIFORM, other, Some(p)),
            ]
        };
        let mut lines: Vec<Bare> = Vec::new();
        lines.extend(block("won", 3.0, 0.01));
        lines.extend(block("not significant", 3.0, 0.2));
        lines.extend(block("beaten", 0.5, 0.01));
        lines.push(line(&group, "alone", source::MODEL, 1.0, None));
        mark_best(&mut lines, source::MODEL, |own, other| own < other);
        let best: Vec<&str> = lines.iter().filter(|line| line.best).map(|line| line.key).collect();
        assert_eq!(best, ["won"]);

        let against: Vec<Option<(String, Option<f64>)>> = blocks(&lines)
            .map(|block| strongest(&block, Better::Lower, None).map(|a| (a.name, a.value)))
            .collect();
        let named = |name: &str, value| Some((name.to_string(), Some(value)));
        let expected =
            [named("unigram_marginal", 2.0), named("unigram_marginal", 2.0), named("uniform", 0.5), None];
        assert_eq!(against, expected);

        judge(&mut lines, (source::MODEL, Better::Lower), |_| None);
        let said: Vec<Option<String>> =
            lines.iter().map(|line| Some(line.verdict.as_ref()?.text("model"))).collect();
        let said: Vec<&str> = said.iter().map(|text| text.as_deref().unwrap_or("–")).collect();
        assert_eq!(said[..3], ["better than unigram_marginal", "model better", "model better"]);
        assert_eq!(said[3..6], ["better than unigram_marginal", "model better", "not distinguishable"]);
        assert_eq!(said[6..], ["worse than uniform", "model better", "model worse", "–"]);
    }

    #[test]
    fn sources_stand_in_their_order_and_others_by_name() {
        let runs = ["zebra", "uniform", "model", "ape"].map(|name| (name.to_string(), ()));
        let sources = Sources::from(runs);
        assert_eq!(ordered(&SOURCES, &[&sources]), ["model", "uniform", "ape", "zebra"]);
    }
}
