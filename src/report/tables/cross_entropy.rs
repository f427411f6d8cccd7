//! Cross-entropy per modality beside its baselines, nats and bits per token.

use super::built::{Built, Headline};
use super::compared::{self, Paired, Sources, SOURCES};
use super::views::{scored, Context, Scored};
use super::{notes, tested};
use crate::fault::Result;
use crate::metrics::cross_entropy::{CrossEntropyRow, CROSS_ENTROPY};
use crate::metrics::{estimate, source, Clips, Key};
use crate::report::reference::{find, Published};
use crate::report::runs::Group;
use crate::report::table::{Column, Table};
use std::collections::BTreeMap;

/// A source on one modality (the key), or on a direction that stands in the place of one.
type Line<'a> = compared::SourceLine<'a, String, More>;

struct More {
    tokens: u64,
    published: Option<&'static Published>,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = compared::columns();
    columns.extend([
        Column::key("modality", |l: &Line| l.view.group.direction(&l.key)),
        Column::key("source", |l: &Line| l.source.clone()),
        Column::of(&CROSS_ENTROPY.spec, "ce_nats_per_token", "CE", |l: &Line| l.value).bold(|l| l.best),
        Column::number("ce_bits_per_token", "CE", ("bits/token", 3), |l: &Line| {
            l.value.ok().map(|ce| ce.value / std::f64::consts::LN_2)
        })
        .lower(),
        Column::estimate("minus_model_nats_per_token", "minus model", &CROSS_ENTROPY.spec, |l: &Line| {
            l.minus
        }),
    ]);
    columns.extend(tested::columns(
        ["p", "p_adjusted", "mde_nats_per_token"],
        &CROSS_ENTROPY.spec,
        |l: &Line| l.test.as_ref(),
    ));
    columns.push(compared::verdict_column("model"));
    columns.extend([
        Column::count("clips", |l: &Line| l.clips),
        Column::count("tokens", |l: &Line| l.more.tokens),
        Column::number("published_nats_per_token", "published", &CROSS_ENTROPY.spec, |l: &Line| {
            l.more.published.map(|p| p.value)
        }),
    ]);
    columns
}

/// The table; `None` when no run has cross-entropies.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| by_modality(&rows))?;
    let mut lines: Vec<Line> = Vec::new();
    for experiment in &scored {
        for modality in modalities(experiment) {
            lines.extend(block(context, experiment, &modality));
        }
    }
    let tests = compared::correct(&mut lines);
    compared::mark_best(&mut lines, source::MODEL, |own, other| own < other);
    compared::judge(&mut lines, (source::MODEL, CROSS_ENTROPY.spec.better), |_| None);
    let headlines = compared::blocks(&lines).filter_map(|block| headline(&block)).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn by_modality(rows: &[CrossEntropyRow]) -> BTreeMap<String, Sources<Clips>> {
    compared::by_source(rows, |r| (r.modality.clone(), r.source.clone()), |rows| CROSS_ENTROPY.clips(rows))
}

/// In the manifest's order; what the manifest does not name follows.
fn modalities(experiment: &Scored<BTreeMap<String, Sources<Clips>>>) -> Vec<String> {
    let declared = experiment.group.modalities().iter().map(|m| m.name.clone());
    let seen = |name: &String| experiment.runs.iter().any(|scores| scores.contains_key(name));
    let mut names: Vec<String> = declared.filter(seen).collect();
    for name in experiment.runs.iter().flat_map(|scores| scores.keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn block<'a>(
    context: &Context,
    experiment: &Scored<'a, BTreeMap<String, Sources<Clips>>>,
    modality: &String,
) -> Vec<Line<'a>> {
    let none = Sources::new();
    let runs: Vec<&Sources<Clips>> =
        experiment.runs.iter().map(|scores| scores.get(modality).unwrap_or(&none)).collect();
    compared::block(experiment.group, &runs, &SOURCES, |side| {
        let Paired { own, minus, test, clips, tokens } = side.paired(|clips| clips, &context.plan);
        let value = estimate::estimate(&own, &context.plan);
        let published = side.is_first.then(|| published(experiment.group, modality)).flatten();
        Line { minus, test, ..side.line(modality, value, clips, More { tokens, published }) }
    })
}

fn published(group: &Group, modality: &str) -> Option<&'static Published> {
    find(&Key::new(&CROSS_ENTROPY, modality), group.modalities())
}

fn headline(block: &[&Line]) -> Option<Headline> {
    let model = compared::of_source(block, source::MODEL)?;
    let quantity = format!("cross-entropy, {}", model.view.group.direction(&model.key));
    Some(Headline {
        against: compared::strongest(block, CROSS_ENTROPY.spec.better, None),
        published: published(model.view.group, &model.key),
        ..model.headline(&CROSS_ENTROPY.spec, quantity)
    })
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let notes = vec![
        "Mean over target tokens of the test split under the training masking (fixed masks per clip), or, where a \
         direction stands in the place of a modality, whole modalities given whole others; the softmax is the one \
         of the training loss."
            .into(),
        "Sources: model; shuffled_input: the model given another clip's input; unconditional: each modality by \
         itself, without the others (where that leaves no input, one token of another clip stands in); position_marginal and unigram_marginal: add-one smoothed counts of the training \
         split (codebook_marginal: of each codebook); untrained: the initial weights; uniform: ln of the vocabulary."
            .into(),
        notes::mean(&context.plan),
        notes::correction("paired sign-flip test over clips against the model, two-sided", tests),
        notes::mde(),
        notes::VERDICT.into(),
        "Bold: the model is better than every other row of its modality by the corrected test.".into(),
        notes::PUBLISHED.into(),
    ];
    Table::new("cross_entropy", "Cross-entropy per modality", 2, columns(), lines, notes)
}
