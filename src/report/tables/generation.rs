//! Generated tokens: diversity against the real ones, and mode collapse.

use super::built::{Against, Built, Headline};
use super::notes;
use super::strongest::Verdict;
use super::tested::{self, correct, Test};
use super::views::{self, apart, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::clips::{common_clips, Clips};
use crate::metrics::estimate::{difference, estimate, paired_mde, paired_p};
use crate::metrics::generation::{
    GenerationRow, AGREEMENT, AGREEMENT_OF_REAL, DISTINCT, ENTROPY, ENTROPY_MINUS_REAL, ENTROPY_OF_REAL,
};
use crate::metrics::rows::Quantity;
use crate::report::runs::Group;
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate};
use std::collections::BTreeMap;

/// Inputs, target, given tokens of the target.
type Condition = (String, String, u64);

struct Line<'a> {
    view: View<'a>,
    key: Condition,
    /// Percent, as the agreements.
    distinct: Estimable<Estimate>,
    /// Nats, as the others.
    entropy: Estimable<Estimate>,
    real: Estimable<Estimate>,
    minus_real: Estimable<Estimate>,
    /// Of the entropies; on lines that decide.
    test: Option<Test>,
    agreement: Option<Estimable<Estimate>>,
    real_agreement: Option<Estimable<Estimate>>,
    clips: u64,
    tokens: u64,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::key("inputs", |l: &Line| inputs(l.view.group, &l.key)),
        Column::key("target", |l: &Line| l.view.group.names(&l.key.1)),
        Column::of(&DISTINCT.spec, "distinct_percent", "distinct", |l: &Line| l.distinct),
        Column::of(&ENTROPY.spec, "entropy_nats", "entropy", |l: &Line| l.entropy),
        Column::of(&ENTROPY_OF_REAL.spec, "real_entropy_nats", "entropy of real", |l: &Line| l.real),
        Column::of(&ENTROPY_MINUS_REAL.spec, "entropy_minus_real_nats", "minus real", |l: &Line| {
            l.minus_real
        }),
    ]);
    columns.extend(tested::columns(["p", "p_adjusted", "mde_nats"], &ENTROPY_MINUS_REAL.spec, |l: &Line| {
        l.test.as_ref()
    }));
    columns.push(Column::text("verdict", "verdict", |l: &Line| {
        l.test?;
        let value = l.entropy.ok().map(|e| e.value);
        Some(Verdict::of(ENTROPY.spec.better, value, &real_tokens(l)).text("generated"))
    }));
    columns.extend([
        Column::of(&AGREEMENT.spec, "agreement_percent", "agreement", |l: &Line| l.agreement),
        Column::of(&AGREEMENT_OF_REAL.spec, "real_agreement_percent", "agreement of real", |l: &Line| {
            l.real_agreement
        }),
        Column::count("clips", |l: &Line| l.clips),
        Column::count("tokens", |l: &Line| l.tokens),
    ]);
    columns
}

/// One run.
struct Scores {
    distinct: Clips,
    entropy: Clips,
    real: Clips,
    agreement: Clips,
    real_agreement: Clips,
}

fn by_key(rows: &[GenerationRow]) -> BTreeMap<Condition, Scores> {
    let scores = |rows: Vec<&GenerationRow>| {
        let clips = |quantity: Quantity<GenerationRow>| quantity.clips(rows.iter().copied());
        Scores {
            distinct: clips(DISTINCT),
            entropy: clips(ENTROPY),
            real: clips(ENTROPY_OF_REAL),
            agreement: clips(AGREEMENT),
            real_agreement: clips(AGREEMENT_OF_REAL),
        }
    };
    let key = |r: &GenerationRow| (r.inputs.clone(), r.target.clone(), r.given);
    apart(rows, key).into_iter().map(|(key, rows)| (key, scores(rows))).collect()
}

/// The table; `None` when no run generated.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| by_key(&rows))?;
    let mut lines = lines(&scored, |view, key, scores| line(context, view, key, &scores));
    let tests = correct(lines.iter_mut().filter_map(|line| line.test.as_mut()));
    let headlines = lines.iter().filter(|line| line.view.decides).map(headline).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn line<'a>(context: &Context, view: View<'a>, key: &Condition, seeds: &[&Scores]) -> Line<'a> {
    let plan = &context.plan;
    let clips = |of: fn(&Scores) -> &Clips| -> Vec<&Clips> { seeds.iter().map(|s| of(s)).collect() };
    let share = |clips: &[&Clips]| estimate(clips, plan).map(Estimate::share_percent);
    let agreement = |of: fn(&Scores) -> &Clips| {
        let clips = clips(of);
        (!clips.iter().all(|c| c.is_empty())).then(|| share(&clips))
    };
    let (entropy, real) = (clips(|s| &s.entropy), clips(|s| &s.real));
    let test = || Test::new(paired_p(&entropy, &real, plan), paired_mde(&entropy, &real));
    Line {
        distinct: share(&clips(|s| &s.distinct)),
        entropy: estimate(&entropy, plan),
        real: estimate(&real, plan),
        minus_real: difference(&entropy, &real, plan),
        test: view.decides.then(test),
        agreement: agreement(|s| &s.agreement),
        real_agreement: agreement(|s| &s.real_agreement),
        clips: common_clips(&entropy),
        tokens: seeds[0].distinct.values().map(|clip| clip.1).sum::<f64>() as u64,
        key: key.clone(),
        view,
    }
}

/// `rgb+caption`, and ` + first 408 of audio` where part of the target is given.
fn inputs(group: &Group, (inputs, target, given): &Condition) -> String {
    let names = group.names(inputs);
    match given {
        0 => names,
        _ => format!("{names} + first {given} of {}", group.names(target)),
    }
}

fn real_tokens(line: &Line) -> Against {
    let value = line.real.ok().map(|real| real.value).filter(|v| v.is_finite());
    let adjusted = line.test.and_then(|test| test.adjusted);
    Against { name: "real tokens".into(), value, adjusted }
}

fn headline(line: &Line) -> Headline {
    let group = line.view.group;
    let (inputs, target) = (inputs(group, &line.key), group.names(&line.key.1));
    let quantity = format!("{inputs} → {target}, entropy of generated tokens");
    Headline {
        against: Some(real_tokens(line)),
        ..Headline::of(&ENTROPY.spec, &line.view, quantity, line.entropy, line.clips)
    }
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let notes = vec![
        "distinct: different ids per generated token; entropy: of the ids' frequencies within a clip, mean over \
         clips; agreement: share of positions equal to what another clip's inputs gave (100 %: the inputs are \
         ignored), beside that of the same two clips' real tokens."
            .into(),
        "Tokens only: loudness and zero crossings of a generated sound need its codec, which is not part of this \
         program; `nano4m generate` writes the tokens for it."
            .into(),
        notes::mean(&context.plan),
        notes::correction("paired sign-flip test over clips of entropy against the real tokens', two-sided", tests),
        notes::mde(),
    ];
    Table::new("generation", "Generated tokens", 3, columns(), lines, notes)
}
