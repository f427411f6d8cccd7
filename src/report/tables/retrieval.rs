//! Retrieval: R@1/5/10, median rank and MRR, against chance.

use super::built::{Built, Headline};
use super::notes;
use super::tested::{self, correct, Test};
use super::views::{self, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::clips::{common_clips, Clips};
use crate::metrics::estimate::{
    chance, estimate, largest_of_seeds, largest_p, share, share_mde, PERMUTATIONS,
};
use crate::metrics::retrieval::{median_rank, RetrievalRow, MEDIAN_RANK, MRR, R1, R10, R5};
use crate::metrics::rows::Quantity;
use crate::metrics::{self, source};
use crate::report::reference::{find, Published};
use crate::report::table::{Column, Table};
use crate::stats::{binomial, pairing, Alternative, Estimable, Estimate};
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
    /// Against chance; on lines that decide.
    test: Option<Test>,
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
        Column::text("test", "test", |l: &Line| {
            l.view.decides.then(|| if l.permuted { "permutation" } else { "binomial" }.to_string())
        }),
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
    let mut lines = lines(&scored, |view, key, seeds| line(context, view, key, &seeds));
    let tests = correct(lines.iter_mut().flat_map(|line| &mut line.at).filter_map(|at| at.test.as_mut()));
    let deciding = lines.iter().filter(|line| line.view.decides && line.key.2 == source::MODEL);
    let headlines = deciding.flat_map(headlines).collect();
    Ok(Built::unless_empty(table(context, &lines, tests), headlines))
}

fn line<'a>(context: &Context, view: View<'a>, key: &Search, seeds: &[&Vec<RetrievalRow>]) -> Line<'a> {
    let permuted = seeds.iter().all(|rows| paired(rows));
    let at = AT.map(|at| at_k(context, &view, key, at, seeds, permuted));
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
    seeds: &[&Vec<RetrievalRow>],
    permuted: bool,
) -> AtK {
    let found: Vec<Clips> = seeds.iter().map(|rows| recall.clips(*rows)).collect();
    let found: Vec<&Clips> = found.iter().collect();
    let chance = chance(k, key.3);
    let p = || {
        if permuted {
            return permutation(seeds, k, context.plan.seed);
        }
        largest_p(&found, |hits, n| binomial::test(hits, n, chance?, Alternative::Greater))
    };
    AtK {
        share: share(&found, &context.plan),
        chance: chance.map(|share| 100.0 * share),
        test: view.decides.then(|| Test::new(p(), share_mde(seeds[0].len() as u64, chance))),
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

/// Whether the pairing can be permuted: the gallery is the queries and the nearest are known.
fn paired(rows: &[RetrievalRow]) -> bool {
    rows.len() > 1 && rows.iter().all(|r| r.gallery_size as usize == rows.len() && !r.nearest.is_empty())
}

/// Permutation of the pairing with "among the k nearest" as score; the largest p of the seeds.
fn permutation(seeds: &[&Vec<RetrievalRow>], k: u32, seed: u64) -> Estimable<f64> {
    largest_of_seeds(seeds.iter().map(|rows| {
        let n = rows.len();
        let place: BTreeMap<&str, usize> =
            rows.iter().enumerate().map(|(i, r)| (r.clip.as_str(), i)).collect();
        let mut score = vec![0.0; n * n];
        for (i, r) in rows.iter().enumerate() {
            for near in r.nearest.split('|').take(k as usize).filter_map(|c| place.get(c)) {
                score[i * n + near] = 1.0;
            }
            // Ties count against the model: its own rank decides for the true partner.
            score[i * n + i] = f64::from(u8::from(r.rank < k));
        }
        pairing::test(&score, n, seed, PERMUTATIONS)
    }))
}

/// Chance depends on the gallery: only one of the published size is the same quantity.
fn published(view: &View, key: &Search, recall: &Quantity<RetrievalRow>) -> Option<&'static Published> {
    let (query, gallery, source, size) = key;
    let key =
        metrics::Key::new(recall, &format!("{query}->{gallery}")).under::<RetrievalRow>(u64::from(*size));
    (source == source::MODEL).then(|| find(&key, view.group.modalities())).flatten()
}

fn headlines<'l>(line: &'l Line) -> impl Iterator<Item = Headline> + 'l {
    line.at.iter().zip(AT).map(|(at, (k, _))| {
        let (query, gallery) = (line.view.group.names(&line.key.0), gallery_name(&line.view, &line.key));
        let quantity = format!("{query} → {gallery}, R@{k}");
        let headline = Headline::of(&R1.spec, &line.view, quantity, at.share, line.clips);
        let adjusted = at.test.and_then(|test| test.adjusted);
        Headline { published: at.published, ..headline.against_chance(at.chance.ok(), adjusted) }
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
             gallery is the queries, else the exact binomial test; one-sided",
            tests,
        ),
        notes::MDE.into(),
        notes::PUBLISHED.into(),
    ];
    Table::new("retrieval", "Retrieval", 1, columns(), lines, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clip: &str, rank: u32, nearest: &str) -> RetrievalRow {
        RetrievalRow {
            clip: clip.into(),
            query_modality: "a".into(),
            gallery_modality: "b".into(),
            source: "model".into(),
            rank,
            gallery_size: 4,
            nearest: nearest.into(),
        }
    }

    #[test]
    fn permutation_needs_the_nearest_and_finds_a_perfect_pairing() {
        let rows: Vec<RetrievalRow> = ["a", "b", "c", "d"].iter().map(|c| row(c, 0, c)).collect();
        assert!(paired(&rows) && !paired(&rows[..3]));
        // All four right: 1 of 24 assignments.
        let p = permutation(&[&rows], 1, 42).unwrap();
        assert!((p - 1.0 / 24.0).abs() < 0.007, "{p}");
        assert_eq!(median_rank(rows.iter()), Some(1.0));
    }
}
