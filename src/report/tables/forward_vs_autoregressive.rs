//! Caption cross-entropy in one pass against position by position, feeding back the argmax.

use super::built::{Against, Built, Headline};
use super::notes;
use super::strongest::Verdict;
use super::tested::{self, correct, Test};
use super::views::{self, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::clips::{common_clips, Clips};
use crate::metrics::estimate::{difference, estimate, paired_mde, paired_p};
use crate::metrics::forward_vs_autoregressive::{ForwardVsAutoregressiveRow, AUTOREGRESSIVE, GAIN, SINGLE};
use crate::metrics::rows::Quantity;
use crate::metrics::{Better, Key, Spec};
use crate::report::reference::{find, Published};
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate};
use std::collections::BTreeMap;

/// The file does not name its target; the published numbers are about this one.
const CAPTION: &str = "scene_desc";

struct Line<'a> {
    view: View<'a>,
    single: Way,
    autoregressive: Way,
    difference: Estimable<Estimate>,
    /// On lines that decide.
    test: Option<Test>,
    clips: u64,
    tokens: u64,
}

impl Line<'_> {
    /// How one pass stands to the other way, on lines that decide.
    fn verdict(&self) -> Option<Verdict> {
        let adjusted = self.test.as_ref()?.adjusted;
        let against =
            Against { name: "autoregressive".into(), value: self.autoregressive.number(), adjusted };
        let standing = against.standing(Better::Lower, self.single.number());
        Some(Verdict { standing, against: None })
    }
}

/// One of the two ways, nats per token.
struct Way {
    value: Estimable<Estimate>,
    published: Option<&'static Published>,
    /// Better than the other by the corrected test.
    best: bool,
}

impl Way {
    fn number(&self) -> Option<f64> {
        self.value.ok().map(|e| e.value).filter(|v| v.is_finite())
    }
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let minus = "single_minus_autoregressive_nats_per_token";
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::of(&SINGLE.spec, "single_nats_per_token", "one pass", |l: &Line| l.single.value)
            .bold(|l| l.single.best),
        Column::of(&AUTOREGRESSIVE.spec, "autoregressive_nats_per_token", "autoregressive", |l: &Line| {
            l.autoregressive.value
        })
        .bold(|l| l.autoregressive.best),
        Column::of(&GAIN.spec, minus, "one pass − autoregressive", |l: &Line| l.difference),
    ]);
    let names = ["p", "p_adjusted", "mde_nats_per_token"];
    columns.extend(tested::columns(names, &GAIN.spec, |l: &Line| l.test.as_ref()));
    columns.push(Column::text("verdict", "verdict", |l: &Line| Some(l.verdict()?.text("one pass"))));
    let (single, autoregressive) =
        ("published_single_nats_per_token", "published_autoregressive_nats_per_token");
    columns.extend([
        Column::count("clips", |l: &Line| l.clips),
        Column::count("tokens", |l: &Line| l.tokens),
        Column::number(single, "published, one pass", &SINGLE.spec, |l: &Line| {
            l.single.published.map(|p| p.value)
        }),
        Column::number(autoregressive, "published, autoregressive", &AUTOREGRESSIVE.spec, |l: &Line| {
            l.autoregressive.published.map(|p| p.value)
        }),
    ]);
    columns
}

/// Both ways of one run.
struct Scores {
    single: Clips,
    autoregressive: Clips,
}

fn both_ways(rows: &[ForwardVsAutoregressiveRow]) -> Scores {
    Scores { single: SINGLE.clips(rows), autoregressive: AUTOREGRESSIVE.clips(rows) }
}

/// The table; `None` when no run has the probe.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| BTreeMap::from([((), both_ways(&rows))]))?;
    let mut lines = lines(&scored, |view, _, scores| line(context, view, &scores));
    let tests = correct(lines.iter_mut().filter_map(|line| line.test.as_mut()));
    for line in lines.iter_mut().filter(|line| line.test.is_some_and(|test| test.significant())) {
        let single = line.single.number() < line.autoregressive.number();
        (line.single.best, line.autoregressive.best) = (single, !single);
    }
    let headlines = lines.iter().filter(|line| line.view.decides).flat_map(headlines).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn line<'a>(context: &Context, view: View<'a>, seeds: &[&Scores]) -> Line<'a> {
    let plan = &context.plan;
    let single: Vec<&Clips> = seeds.iter().map(|scores| &scores.single).collect();
    let autoregressive: Vec<&Clips> = seeds.iter().map(|scores| &scores.autoregressive).collect();
    let way = |clips: &[&Clips], quantity: &Quantity<_>| Way {
        value: estimate(clips, plan),
        published: find(&Key::new(quantity, CAPTION), view.group.modalities()),
        best: false,
    };
    let test = || Test::new(paired_p(&single, &autoregressive, plan), paired_mde(&single, &autoregressive));
    Line {
        single: way(&single, &SINGLE),
        autoregressive: way(&autoregressive, &AUTOREGRESSIVE),
        difference: difference(&single, &autoregressive, plan),
        test: view.decides.then(test),
        clips: common_clips(&single),
        tokens: single[0].values().map(|clip| clip.1).sum::<f64>() as u64,
        view,
    }
}

fn headlines(line: &Line) -> [Headline; 2] {
    let headline = |way: &Way, spec: &Spec, name: &str| Headline {
        published: way.published,
        ..Headline::of(spec, &line.view, format!("caption, {name}"), way.value, line.clips)
    };
    let adjusted = line.test.and_then(|test| test.adjusted);
    let other = Against { name: "autoregressive".into(), value: line.autoregressive.number(), adjusted };
    let single = Headline { against: Some(other), ..headline(&line.single, &SINGLE.spec, "one pass") };
    [single, headline(&line.autoregressive, &AUTOREGRESSIVE.spec, "autoregressive")]
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let notes = vec![
        "Cross-entropy of the target's tokens: all in one pass, or one after another with the argmax of earlier \
         positions as input."
            .into(),
        notes::mean(&context.plan),
        notes::correction("paired sign-flip test over clips, two-sided", tests),
        notes::mde(),
        "Bold: better by the corrected test.".into(),
        notes::PUBLISHED.into(),
    ];
    let title = "One pass against position by position";
    Table::new("forward_vs_autoregressive", title, 2, columns(), lines, notes)
}
