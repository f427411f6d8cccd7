//! Memorization: the last fifth of a modality, on clips that were and were not in training.

use super::built::{Against, Built, Headline};
use super::notes;
use super::strongest::Verdict;
use super::tested::{self, correct, Test};
use super::views::{self, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::catalogue::CHANCE;
use crate::metrics::clips::{common_clips, Clips};
use crate::metrics::estimate::{agreeing, estimate};
use crate::metrics::memorization::{self, MemorizationRow, ACCURACY, AUC, CROSS_ENTROPY, NO_TRACE, PARTS};
use crate::metrics::rows::Quantity;
use crate::metrics::Key;
use crate::report::reference::{find, Published};
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate, NotEstimable};
use std::collections::BTreeMap;

struct Line<'a> {
    view: View<'a>,
    part: &'static str,
    measured: Measured,
    /// Of the separation against no trace, on lines that decide.
    test: Option<Test>,
    clips: u64,
}

/// What a line is about.
enum Measured {
    /// One part of the clips: token accuracy in percent and cross-entropy in nats per token.
    Part { accuracy: Estimable<Estimate>, ce: Estimable<Estimate>, tokens: u64, published: Reference },
    /// How well the loss tells the two parts apart: AUC in percent.
    Separation(Estimable<Estimate>),
}

/// The published numbers of a part.
struct Reference {
    accuracy: Option<&'static Published>,
    ce: Option<&'static Published>,
}

impl Line<'_> {
    fn accuracy(&self) -> Option<Estimable<Estimate>> {
        match self.measured {
            Measured::Part { accuracy, .. } => Some(accuracy),
            Measured::Separation(_) => None,
        }
    }

    fn ce(&self) -> Option<Estimable<Estimate>> {
        match self.measured {
            Measured::Part { ce, .. } => Some(ce),
            Measured::Separation(_) => None,
        }
    }

    fn auc(&self) -> Option<Estimable<Estimate>> {
        match self.measured {
            Measured::Part { .. } => None,
            Measured::Separation(auc) => Some(auc),
        }
    }

    /// The separation against no trace.
    fn no_trace(&self) -> Against {
        let adjusted = self.test.and_then(|test| test.adjusted);
        Against { name: CHANCE.into(), value: Some(NO_TRACE), adjusted }
    }

    fn verdict(&self) -> Option<String> {
        self.test?;
        let value = self.auc()?.ok().map(|e| e.value);
        Some(Verdict::of(AUC.spec.better, value, &self.no_trace()).text("model"))
    }

    fn tokens(&self) -> Option<u64> {
        match self.measured {
            Measured::Part { tokens, .. } => Some(tokens),
            Measured::Separation(_) => None,
        }
    }

    fn published(&self, of: fn(&Reference) -> Option<&'static Published>) -> Option<f64> {
        match &self.measured {
            Measured::Part { published, .. } => of(published).map(|p| p.value),
            Measured::Separation(_) => None,
        }
    }
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::key("part", |l: &Line| l.part),
        Column::of(&ACCURACY.spec, "accuracy_percent", "token accuracy", Line::accuracy),
        Column::of(&CROSS_ENTROPY.spec, "ce_nats_per_token", "CE", Line::ce),
        Column::of(&AUC.spec, "auc_percent", "train vs held-out AUC", Line::auc),
    ]);
    let [p, adjusted, _] = tested::columns(["p", "p_adjusted", ""], &AUC.spec, |l: &Line| l.test.as_ref());
    columns.extend([p, adjusted, Column::text("verdict", "verdict", Line::verdict)]);
    columns.extend([
        Column::count("clips", |l: &Line| l.clips),
        Column::count("tokens", Line::tokens),
        Column::number("published_accuracy_percent", "published accuracy", &ACCURACY.spec, |l: &Line| {
            l.published(|part| part.accuracy)
        }),
        Column::number("published_ce_nats_per_token", "published CE", ("nats/token", 3), |l: &Line| {
            l.published(|part| part.ce)
        }),
    ]);
    columns
}

/// One part of one run.
struct Scores {
    accuracy: Clips,
    ce: Clips,
}

fn by_part(rows: &[MemorizationRow]) -> [Scores; 2] {
    PARTS.map(|part| {
        let rows = || rows.iter().filter(|r| r.part == part);
        Scores { accuracy: ACCURACY.clips(rows()), ce: CROSS_ENTROPY.clips(rows()) }
    })
}

/// The table; `None` when no run has the probe.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| BTreeMap::from([((), by_part(&rows))]))?;
    let views = lines(&scored, |view, _, seeds| {
        let [train, test] = [0, 1].map(|part| part_line(context, view.clone(), part, &seeds));
        [train, test, separation_line(context, view, &seeds)]
    });
    let mut lines: Vec<Line> = views.into_iter().flatten().collect();
    let tests = correct(lines.iter_mut().filter_map(|line| line.test.as_mut()));
    let headlines = lines.iter().filter(|line| line.view.decides).map(headline).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn part_line<'a>(context: &Context, view: View<'a>, part: usize, seeds: &[&[Scores; 2]]) -> Line<'a> {
    let accuracy: Vec<&Clips> = seeds.iter().map(|parts| &parts[part].accuracy).collect();
    let ce: Vec<&Clips> = seeds.iter().map(|parts| &parts[part].ce).collect();
    let name = PARTS[part];
    let published = |quantity: &Quantity<_>| find(&Key::new(quantity, name), view.group.modalities());
    let measured = Measured::Part {
        accuracy: estimate(&accuracy, &context.plan).map(Estimate::share_percent),
        ce: estimate(&ce, &context.plan),
        tokens: ce[0].values().map(|clip| clip.1).sum::<f64>() as u64,
        published: Reference { accuracy: published(&ACCURACY), ce: published(&CROSS_ENTROPY) },
    };
    Line { part: name, measured, test: None, clips: common_clips(&ce), view }
}

fn separation_line<'a>(context: &Context, view: View<'a>, seeds: &[&[Scores; 2]]) -> Line<'a> {
    let clips = seeds.iter().flat_map(|parts| parts.iter().map(|part| part.ce.len() as u64)).sum::<u64>();
    let auc = separation(context, seeds).map(Estimate::percent);
    Line {
        part: "train vs test",
        measured: Measured::Separation(auc),
        test: view.decides.then(|| Test::new(separation_p(context, seeds), Err(NotEstimable::SummaryOnly))),
        clips: clips / seeds.len() as u64,
        view,
    }
}

/// P(a training clip has a lower loss than a held-out one); over several seeds their mean, without
/// an interval: the clips of the seeds are the same.
fn separation(context: &Context, seeds: &[&[Scores; 2]]) -> Estimable<Estimate> {
    let auc = |[train, test]: &[Scores; 2]| memorization::separation(&train.ce, &test.ce, context.plan.level);
    let each: Vec<Estimate> = seeds.iter().map(|parts| auc(parts)).collect::<Estimable<_>>()?;
    match each.as_slice() {
        [] => Err(NotEstimable::NoData),
        [single] => Ok(*single),
        several => Ok(Estimate {
            value: several.iter().map(|e| e.value).sum::<f64>() / several.len() as f64,
            n: several.len(),
            interval: Err(NotEstimable::SummaryOnly),
        }),
    }
}

/// Two-sided; of several seeds as [`agreeing`].
fn separation_p(context: &Context, seeds: &[&[Scores; 2]]) -> Estimable<f64> {
    let one = |[train, test]: &&[Scores; 2]| {
        let auc = memorization::separation(&train.ce, &test.ce, context.plan.level)?;
        let p = memorization::separation_p(&train.ce, &test.ce, context.plan.seed);
        Ok((100.0 * auc.value - NO_TRACE, p))
    };
    agreeing(seeds.iter().map(one).collect::<Estimable<Vec<_>>>()?)
}

fn headline(line: &Line) -> Headline {
    match &line.measured {
        Measured::Part { accuracy, published, .. } => {
            let quantity = format!("memorization, {}, token accuracy", line.part);
            let headline = Headline::of(&ACCURACY.spec, &line.view, quantity, *accuracy, line.clips);
            Headline { published: published.accuracy, ..headline }
        }
        Measured::Separation(auc) => {
            let quantity = "memorization, train vs held-out AUC by loss".into();
            let headline = Headline::of(&AUC.spec, &line.view, quantity, *auc, line.clips);
            // The front page shows all of its percentages alike.
            Headline { digits: ACCURACY.spec.digits, against: Some(line.no_trace()), ..headline }
        }
    }
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let notes = vec![
        "Input: the first 80 % of the modality and what the manifest gives beside it; target: the last 20 %; \
         logits restricted to the modality's vocabulary."
            .into(),
        "AUC: the probability that a training clip has a lower loss than a held-out one; 50 % is no trace of \
         memorization; DeLong's interval on the logit scale. Its mean over seeds has none: the seeds share their clips."
            .into(),
        notes::mean(&context.plan),
        notes::correction("the AUC against 50 %, who was in training permuted, two-sided", tests),
        notes::PUBLISHED.into(),
    ];
    Table::new("memorization", "Memorization", 2, columns(), lines, notes)
}
