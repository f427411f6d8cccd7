//! Directions: token accuracy and cross-entropy of whole modalities from others, in one pass.

use super::built::{Built, Headline};
use super::compared::{self, Paired, Sources, SOURCES};
use super::notes;
use super::tested::{self, Test};
use super::views::{scored, Context, Scored};
use crate::fault::Result;
use crate::metrics::clips::{add, Clips};
use crate::metrics::directions::{self, DirectionRow, ACCURACY, CROSS_ENTROPY};
use crate::metrics::{self, estimate, source, ScoreRow};
use crate::report::reference::{find, Published};
use crate::report::runs::Group;
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate};
use std::collections::{BTreeMap, BTreeSet};

/// Direction and target modality.
type Target = (String, String);

/// A source on one target of a direction.
type Line<'a> = compared::SourceLine<'a, Target, More>;

struct More {
    /// Nats per token.
    ce: Estimable<Estimate>,
    tokens: u64,
    published: Option<&'static Published>,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = compared::columns();
    columns.extend([
        Column::key("direction", |l: &Line| l.view.group.direction(&l.key.0)),
        Column::key("modality", |l: &Line| l.view.group.names(&l.key.1)),
        Column::key("source", |l: &Line| l.source.clone()),
        Column::of(&ACCURACY.spec, "accuracy_percent", "token accuracy", |l: &Line| l.value).bold(|l| l.best),
        Column::estimate("minus_model_percent", "minus model", &ACCURACY.spec, |l: &Line| l.minus),
    ]);
    columns.extend(tested::columns(["p", "p_adjusted", "mde_percent"], &ACCURACY.spec, |l: &Line| {
        l.test.as_ref()
    }));
    columns.push(compared::verdict_column("model"));
    columns.extend([
        Column::of(&CROSS_ENTROPY.spec, "ce_nats_per_token", "CE", |l: &Line| l.more.ce),
        Column::number("ce_bits_per_token", "CE", ("bits/token", 3), |l: &Line| {
            l.more.ce.ok().map(|ce| ce.value / std::f64::consts::LN_2)
        })
        .lower(),
        Column::count("clips", |l: &Line| l.clips),
        Column::count("tokens", |l: &Line| l.more.tokens),
        Column::number("published_accuracy_percent", "published", &ACCURACY.spec, |l: &Line| {
            l.more.published.map(|p| p.value)
        }),
    ]);
    columns
}

/// One source of one run.
#[derive(Default)]
struct Scores {
    accuracy: Clips,
    ce: Clips,
}

fn by_key(group: &Group, rows: &[DirectionRow]) -> BTreeMap<Target, Sources<Scores>> {
    let key = |r: &DirectionRow| ((r.direction.clone(), r.modality.clone()), r.source.clone());
    let mut scores = compared::by_source(rows, key, |rows| Scores {
        accuracy: ACCURACY.clips(rows.iter().copied()),
        ce: CROSS_ENTROPY.clips(rows),
    });
    for ((_, modality), sources) in &mut scores {
        add_uniform(sources, modality, group);
    }
    scores
}

/// Adds chance where the probe did not write it: 1/vocabulary and its logarithm.
fn add_uniform(sources: &mut Sources<Scores>, modality: &str, group: &Group) {
    let declared = group.modalities().iter().find(|m| m.name == modality);
    let (Some(vocab), Some(model)) = (declared.map(|m| m.vocab as u64), sources.get(source::MODEL)) else {
        return;
    };
    if sources.contains_key(source::UNIFORM) {
        return;
    }
    let mut uniform = Scores::default();
    for (clip, (_, tokens)) in &model.accuracy {
        let [right, nats] = directions::uniform(*tokens, vocab);
        add(&mut uniform.accuracy, clip, right.0, right.1);
        add(&mut uniform.ce, clip, nats.0, nats.1);
    }
    sources.insert(source::UNIFORM.into(), uniform);
}

/// The table; `None` when no run has directions.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |group, rows| by_key(group, &rows))?;
    let mut lines: Vec<Line> = Vec::new();
    for experiment in &scored {
        let keys: BTreeSet<&Target> = experiment.runs.iter().flat_map(|scores| scores.keys()).collect();
        for key in keys {
            lines.extend(block(context, experiment, key));
        }
    }
    let tests = compared::correct(&mut lines);
    compared::mark_best(&mut lines, source::MODEL, |own, other| own > other);
    compared::judge(&mut lines, (source::MODEL, ACCURACY.spec.better), |_| None);
    let headlines = compared::blocks(&lines).filter_map(|block| headline(&block)).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn block<'a>(
    context: &Context,
    experiment: &Scored<'a, BTreeMap<Target, Sources<Scores>>>,
    key: &Target,
) -> Vec<Line<'a>> {
    let none = Sources::new();
    let runs: Vec<&Sources<Scores>> =
        experiment.runs.iter().map(|scores| scores.get(key).unwrap_or(&none)).collect();
    compared::block(experiment.group, &runs, &SOURCES, |side| {
        let ce: Vec<&Clips> = side.own.iter().map(|scores| &scores.ce).collect();
        let ce = estimate::estimate(&ce, &context.plan);
        let Paired { own, minus, test, clips, tokens } =
            side.paired(|scores| &scores.accuracy, &context.plan);
        let value = estimate::estimate(&own, &context.plan).map(Estimate::share_percent);
        let published = side.is_first.then(|| published(experiment.group, key)).flatten();
        Line {
            minus: minus.map(|difference| difference.map(Estimate::percent)),
            test: test.map(|test| Test { mde: test.mde.map(|mde| 100.0 * mde), ..test }),
            ..side.line(key, value, clips, More { ce, tokens, published })
        }
    })
}

fn published(group: &Group, (direction, modality): &Target) -> Option<&'static Published> {
    // What a direction with one target is about is the direction.
    let about = DirectionRow::canonical_about(&format!("{direction}/{modality}"));
    find(&metrics::Key::new(&ACCURACY, &about), group.modalities())
}

fn headline(block: &[&Line]) -> Option<Headline> {
    let model = compared::of_source(block, source::MODEL)?;
    let (group, (direction, modality)) = (model.view.group, &model.key);
    let quantity = format!("{}, {} token accuracy", group.direction(direction), group.names(modality));
    Some(Headline {
        against: compared::strongest(block, ACCURACY.spec.better, None),
        published: published(group, &model.key),
        ..model.headline(&ACCURACY.spec, quantity)
    })
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let notes = vec![
        "One forward pass on full modalities, under the masking the direction implies; logits restricted to the \
         modality's own vocabulary."
            .into(),
        notes::mean(&context.plan),
        notes::correction("paired sign-flip test of accuracy over clips against the model, two-sided", tests),
        notes::mde(),
        notes::VERDICT.into(),
        "Bold: the model is better than every other row of its direction by the corrected test.".into(),
        notes::PUBLISHED.into(),
    ];
    Table::new("directions", "Directions: whole modalities from others", 2, columns(), lines, notes)
}
