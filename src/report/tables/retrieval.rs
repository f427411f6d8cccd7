//! Retrieval: R@1/5/10, median rank and MRR, against chance and the untrained network.

use super::built::{Against, Built, Headline};
use super::notes;
use super::strongest::{is_baseline, strongest, Verdict};
use super::tested::{self, correct, Test};
use super::views::{self, beside, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::catalogue::CHANCE;
use crate::metrics::clips::{common_clips, hits, Clips};
use crate::metrics::estimate::{
    agreeing, chance, chance_p, estimate, mcnemar_p, paired_mde, share, share_mde,
};
use crate::metrics::retrieval::{
    median_rank, permutable, permutation_p, RetrievalRow, MEDIAN_RANK, MRR, R1, R10, R5,
};
use crate::metrics::rows::Quantity;
use crate::metrics::{self, source, Better};
use crate::report::reference::{find, Published};
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate};
use std::collections::BTreeMap;

/// The k of R@k.
const AT: [(u32, Quantity<RetrievalRow>); 3] = [(1, R1), (5, R5), (10, R10)];

/// Query, gallery, source, size of the gallery.
type Search = (String, String, String, u32);

struct Line<'a> {
    view: View<'a>,
    key: Search,
    /// As [`AT`].
    at: [AtK; 3],
    /// Counted from 1, over all clips and seeds.
    median_rank: Option<f64>,
    /// Mean reciprocal rank.
    mrr: Estimable<Estimate>,
    clips: u64,
    /// Whether the pairing was permuted, else the binomial test was made.
    permuted: bool,
}

/// What is said about R@k; percent.
struct AtK {
    share: Estimable<Estimate>,
    chance: Estimable<f64>,
    /// Of the model against chance, of another source against the model; on lines that decide.
    test: Option<Test>,
    /// After the tests are corrected, on lines that decide.
    verdict: Option<Verdict>,
    published: Option<&'static Published>,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::key("query", |l: &Line| l.view.group.names(&l.key.0)),
        Column::key("gallery", |l: &Line| gallery_name(&l.view, &l.key)),
        Column::key("source", |l: &Line| l.key.2.clone()),
    ]);
    macro_rules! at {
        ($i:literal, $k:literal) => {
            columns.extend([
                Column::of(&R1.spec, concat!("r", $k, "_percent"), concat!("R@", $k), |l: &Line| {
                    l.at[$i].share
                }),
                Column::number(concat!("chance_r", $k, "_percent"), "chance", &R1.spec, |l: &Line| {
                    l.at[$i].chance
                }),
            ]);
            let names = [concat!("p_r", $k), concat!("p_adjusted_r", $k), concat!("mde_r", $k, "_percent")];
            columns.extend(tested::columns(names, &R1.spec, |l: &Line| l.at[$i].test.as_ref()));
            columns.push(Column::text(concat!("verdict_r", $k), "verdict", |l: &Line| {
                Some(l.at[$i].verdict.as_ref()?.text("model"))
            }));
            let name = concat!("published_r", $k, "_percent");
            columns.push(Column::number(name, "published", &R1.spec, |l: &Line| {
                l.at[$i].published.map(|p| p.value)
            }));
        };
    }
    at!(0, "1");
    at!(1, "5");
    at!(2, "10");
    columns.extend([
        Column::number("median_rank", "median rank", &MEDIAN_RANK.spec, |l: &Line| l.median_rank)
            .directed(MEDIAN_RANK.spec.better),
        Column::of(&MRR.spec, "mrr", "MRR", |l: &Line| l.mrr),
        Column::count("gallery_size", |l: &Line| u64::from(l.key.3)),
        Column::count("clips", |l: &Line| l.clips),
        Column::text("test", "test", |l: &Line| l.view.decides.then(|| l.test_name().to_string())),
    ]);
    columns
}

fn by_key(rows: Vec<RetrievalRow>) -> BTreeMap<Search, Vec<RetrievalRow>> {
    let mut searches: BTreeMap<Search, Vec<RetrievalRow>> = BTreeMap::new();
    for r in rows {
        let key = (r.query_modality.clone(), r.gallery_modality.clone(), r.source.clone(), r.gallery_size);
        searches.entry(key).or_default().push(r);
    }
    for queries in searches.values_mut() {
        queries.sort_by(|a, b| a.clip.cmp(&b.clip));
    }
    searches
}

/// The table; `None` when no run retrieved.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| by_key(rows))?;
    let mut lines = lines(&scored, |view, key, seeds| {
        let model = (key.0.clone(), key.1.clone(), source::MODEL.to_string(), key.3);
        let model = beside(&scored, &view, &model);
        line(context, view, key, [&seeds, &model])
    });
    let tests = correct(lines.iter_mut().flat_map(|line| &mut line.at).filter_map(|at| at.test.as_mut()));
    judge(&mut lines);
    let deciding = lines.iter().filter(|line| line.view.decides && line.of_model());
    let headlines = deciding.flat_map(|line| headlines(line, &lines)).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

impl Line<'_> {
    fn of_model(&self) -> bool {
        self.key.2 == source::MODEL
    }

    /// Whether both are the same search in one experiment.
    fn beside(&self, other: &Line) -> bool {
        let search = |line: &Line| (line.key.0.clone(), line.key.1.clone(), line.key.3);
        std::ptr::eq(self.view.group, other.view.group) && search(self) == search(other)
    }

    fn test_name(&self) -> &'static str {
        match (self.of_model(), self.permuted) {
            (false, _) => "McNemar",
            (true, true) => "permutation",
            (true, false) => "binomial",
        }
    }

    fn against(&self, i: usize) -> Against {
        let adjusted = self.at[i].test.and_then(|test| test.adjusted);
        Against { name: self.key.2.clone(), value: self.number(i), adjusted }
    }

    fn number(&self, i: usize) -> Option<f64> {
        self.at[i].share.ok().map(|e| e.value)
    }
}

/// The strongest of chance and the baselines beside a line of the model, of R@k number `i`.
fn strongest_beside(own: &Line, lines: &[Line], i: usize) -> Option<Against> {
    let beside = lines.iter().filter(|line| line.view.decides && line.beside(own));
    let baselines = beside.filter(|line| is_baseline(&line.key.2)).map(|line| line.against(i));
    let chance = own.at[i].chance.ok().map(|chance| Against {
        name: CHANCE.into(),
        value: Some(chance),
        ..own.against(i)
    });
    strongest(chance.into_iter().chain(baselines), Better::Higher)
}

fn judge(lines: &mut [Line]) {
    let verdict = |line: &Line, i: usize| {
        if !line.view.decides {
            return None;
        }
        if line.of_model() {
            let strongest = strongest_beside(line, lines, i)?;
            return Some(Verdict::of(Better::Higher, line.number(i), &strongest));
        }
        let model = lines.iter().find(|l| l.view.decides && l.of_model() && l.beside(line))?;
        let standing = line.against(i).standing(Better::Higher, model.number(i));
        Some(Verdict { standing, against: None })
    };
    let all: Vec<[Option<Verdict>; 3]> =
        lines.iter().map(|line| std::array::from_fn(|i| verdict(line, i))).collect();
    for (line, verdicts) in lines.iter_mut().zip(all) {
        line.at.iter_mut().zip(verdicts).for_each(|(at, verdict)| at.verdict = verdict);
    }
}

/// The rows of every seed: its own, and the model's.
type Seeds<'s> = [&'s [&'s Vec<RetrievalRow>]; 2];

fn line<'a>(context: &Context, view: View<'a>, key: &Search, both: Seeds) -> Line<'a> {
    let [seeds, _] = both;
    let permuted = seeds.iter().all(|rows| permutable(&rows.iter().collect::<Vec<_>>()));
    let at = AT.map(|at| at_k(context, &view, key, at, both, permuted));
    let reciprocal: Vec<Clips> = seeds.iter().map(|rows| MRR.clips(*rows)).collect();
    let reciprocal: Vec<&Clips> = reciprocal.iter().collect();
    Line {
        at,
        median_rank: median_rank(seeds.iter().flat_map(|rows| rows.iter())),
        mrr: estimate(&reciprocal, &context.plan),
        clips: common_clips(&reciprocal),
        permuted,
        key: key.clone(),
        view,
    }
}

fn at_k(
    context: &Context,
    view: &View,
    key: &Search,
    (k, recall): (u32, Quantity<RetrievalRow>),
    [seeds, model]: Seeds,
    permuted: bool,
) -> AtK {
    let clips =
        |seeds: &[&Vec<RetrievalRow>]| seeds.iter().map(|rows| recall.clips(*rows)).collect::<Vec<_>>();
    let (found, model) = (clips(seeds), clips(model));
    let (found, model): (Vec<&Clips>, Vec<&Clips>) = (found.iter().collect(), model.iter().collect());
    let chance = chance(k, key.3);
    let test = || {
        if key.2 != source::MODEL {
            return Test::new(mcnemar_p(&found, &model), paired_mde(&found, &model).map(|d| 100.0 * d));
        }
        let p = if permuted {
            chance.and_then(|chance| permutation(seeds, &found, k, (chance, context.plan.seed)))
        } else {
            chance_p(&found, chance)
        };
        Test::new(p, share_mde(seeds[0].len() as u64, chance))
    };
    AtK {
        share: share(&found, &context.plan),
        chance: chance.map(|share| 100.0 * share),
        test: view.decides.then(test),
        verdict: None,
        published: published(view, key, &recall),
    }
}

/// The gallery's modality, and how many clips were drawn where it is not the whole test split.
fn gallery_name(view: &View, (_, gallery, _, size): &Search) -> String {
    let name = view.group.names(gallery);
    if view.group.runs[0].record.clips.test == *size as usize {
        return name;
    }
    format!("{name} ({size} drawn)")
}

/// Permutation of the pairing; of several seeds as [`agreeing`], by the side of chance they are on.
fn permutation(
    seeds: &[&Vec<RetrievalRow>],
    found: &[&Clips],
    k: u32,
    (chance, seed): (f64, u64),
) -> Estimable<f64> {
    agreeing(seeds.iter().zip(found).map(|(rows, found)| {
        let (hits, n) = hits(found);
        let rows: Vec<&RetrievalRow> = rows.iter().collect();
        (hits as f64 - chance * n as f64, permutation_p(&rows, k as usize, seed))
    }))
}

/// Chance depends on the gallery: only one of the published size is the same quantity.
fn published(view: &View, key: &Search, recall: &Quantity<RetrievalRow>) -> Option<&'static Published> {
    let (query, gallery, source, size) = key;
    let key =
        metrics::Key::new(recall, &format!("{query}->{gallery}")).under::<RetrievalRow>(u64::from(*size));
    (source == source::MODEL).then(|| find(&key, view.group.modalities())).flatten()
}

fn headlines<'l>(line: &'l Line, lines: &'l [Line]) -> impl Iterator<Item = Headline> + 'l {
    line.at.iter().zip(AT).enumerate().map(|(i, (at, (k, _)))| {
        let (query, gallery) = (line.view.group.names(&line.key.0), gallery_name(&line.view, &line.key));
        let quantity = format!("{query} → {gallery}, R@{k}");
        let headline = Headline::of(&R1.spec, &line.view, quantity, at.share, line.clips);
        Headline { published: at.published, against: strongest_beside(line, lines, i), ..headline }
    })
}

fn table(context: &Context, lines: &[Line], tests: usize) -> Table {
    let (clips, mrr) =
        ("Clopper–Pearson over clips", "Clopper–Pearson over clips (MRR: bootstrap over clips)");
    let notes = vec![
        "Cosine of L2-normalized mean encoder outputs of one modality alone; ties count against the model; \
         ranks start at 1; queries to which all clips are equally similar are left out. Chance of R@k is k/gallery. \
         (n drawn): a gallery of n test clips, drawn as numpy's RandomState(seed).choice does."
            .into(),
        notes::share(&context.plan).replace(clips, mrr),
        notes::correction(
            "permutation of the pairing on the fixed similarities where the ten nearest are recorded and the \
             gallery is the queries, else the exact binomial test; untrained: McNemar's exact test against the model; \
             two-sided",
            tests,
        ),
        notes::mde(),
        notes::VERDICT.into(),
        notes::PUBLISHED.into(),
    ];
    Table::new("retrieval", "Retrieval", 2, columns(), lines, notes)
}
