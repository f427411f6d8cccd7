//! Retrieval: R@1/5/10, median rank and MRR, against chance.

use super::built::Built;
use super::common::{
    self, add, largest_p, share, views, Clips, Context, Draft, Headline, View, PERMUTATIONS,
};
use crate::fault::Result;
use crate::record::examples::{source, Retrieval};
use crate::record::Direction as Better;
use crate::report::reference::{find, Published};
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};
use crate::stats::{binomial, detectable, multiple, pairing, Alternative, Estimable, NotEstimable};
use std::collections::{BTreeMap, BTreeSet};

/// The k of R@k.
const AT: [u32; 3] = [1, 5, 10];
/// Clips of the published galleries.
const PUBLISHED_GALLERY: u32 = 200;
/// First column of each R@k: estimate, chance, p, p adjusted, MDE, published.
const FIRST: [usize; 3] = [5, 11, 17];
const CLIPS: usize = 26;

fn columns() -> Vec<Column> {
    let mut all = vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("query"),
        Column::key("gallery"),
        Column::key("source"),
    ];
    macro_rules! at {
        ($k:literal) => {
            all.extend([
                Column::estimate(concat!("r", $k, "_percent"), concat!("R@", $k), "%", 2).higher(),
                Column::number(concat!("chance_r", $k, "_percent"), "chance", "%", 2),
                Column::p(concat!("p_r", $k), "p").csv_only(),
                Column::p(concat!("p_adjusted_r", $k), "p adj."),
                Column::number(concat!("mde_r", $k, "_percent"), "MDE", "%", 2),
                Column::number(concat!("published_r", $k, "_percent"), "published", "%", 2),
            ])
        };
    }
    at!("1");
    at!("5");
    at!("10");
    all.extend([
        Column::number("median_rank", "median rank", "", 1).lower(),
        Column::estimate("mrr", "MRR", "", 4).higher(),
        Column::count("gallery_size"),
        Column::count("clips"),
        Column::text("test", "test"),
    ]);
    all
}

/// Query, gallery, source, size of the gallery.
type Key = (String, String, String, u32);

fn by_key(rows: &[Retrieval]) -> BTreeMap<Key, Vec<&Retrieval>> {
    let mut all: BTreeMap<Key, Vec<&Retrieval>> = BTreeMap::new();
    for r in rows {
        let key = (r.query_modality.clone(), r.gallery_modality.clone(), r.source.clone(), r.gallery_size);
        all.entry(key).or_default().push(r);
    }
    for of in all.values_mut() {
        of.sort_by(|a, b| a.clip.cmp(&b.clip));
    }
    all
}

/// The table; `None` when no run retrieved.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut placed) = (Vec::new(), Vec::new());
    for group in context.groups {
        let Some(runs) = common::rows::<Retrieval>(group)? else { continue };
        let scores: Vec<_> = runs.iter().map(|r| by_key(r)).collect();
        let keys: BTreeSet<&Key> = scores.iter().flat_map(|s| s.keys()).collect();
        for key in keys {
            for view in views(group) {
                let of: Vec<&Vec<&Retrieval>> =
                    view.runs.iter().filter_map(|&r| scores[r].get(key)).collect();
                if of.is_empty() {
                    continue;
                }
                placed.push((group, key.clone(), view.decides));
                drafts.push(draft(context, group, &view, key, &of));
            }
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = correct(&mut drafts);
    let deciding =
        placed.iter().zip(&drafts).filter(|((_, key, decides), _)| *decides && key.2 == source::MODEL);
    let headlines = deciding
        .flat_map(|((g, key, _), d)| AT.iter().enumerate().filter_map(|(i, _)| headline(g, key, d, i)));
    let headlines = headlines.collect();
    let rows = drafts.into_iter().map(|d| d.draft.row).collect();
    Ok(Some(Built { table: table(context, rows, m), headlines }))
}

/// A row with a test for each R@k.
struct Tested {
    draft: Draft,
    p: [Option<Estimable<f64>>; 3],
    mde: [Estimable<f64>; 3],
    adjusted: [Option<f64>; 3],
}

fn draft(context: &Context, group: &Group, view: &View, key: &Key, of: &[&Vec<&Retrieval>]) -> Tested {
    let gallery = key.3;
    let mut cells = vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::text(common::names(group, &key.0)),
        Cell::text(gallery_name(group, key)),
        Cell::text(&key.2),
    ];
    let permuted = of.iter().all(|rows| paired(rows));
    let (mut p, mut mde) = ([None; 3], [Err(NotEstimable::NoData); 3]);
    for (i, k) in AT.into_iter().enumerate() {
        let maps: Vec<Clips> = of.iter().map(|rows| found(rows, k)).collect();
        let maps: Vec<&Clips> = maps.iter().collect();
        let chance = chance(k, gallery);
        let published = published(group, key, k).map(|p| p.value);
        let chance_cell = chance.map_or_else(Cell::Absent, |c| Cell::Number(100.0 * c));
        cells.extend([
            Cell::estimate(share(&maps, &context.plan)),
            chance_cell,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]);
        cells.push(Cell::number(published));
        if view.decides {
            p[i] = Some(match permuted {
                true => permutation(of, k, context.plan.seed),
                false => largest_p(&maps, |h, n| binomial::test(h, n, chance?, Alternative::Greater)),
            });
            let n = of[0].len() as u64;
            mde[i] = chance
                .and_then(|c| Ok(100.0 * (detectable::proportion(n, c, common::ALPHA, common::POWER)? - c)));
        }
    }
    let reciprocal: Vec<Clips> = of.iter().map(|rows| reciprocal_ranks(rows)).collect();
    let reciprocal: Vec<&Clips> = reciprocal.iter().collect();
    cells.extend([
        Cell::number(median_rank(of)),
        Cell::estimate(common::estimate(&reciprocal, &context.plan)),
        Cell::Count(u64::from(gallery)),
        Cell::Count(common::common_clips(&reciprocal)),
        match view.decides {
            true => Cell::text(if permuted { "permutation" } else { "binomial" }),
            false => Cell::Empty,
        },
    ]);
    Tested { draft: Draft::new(cells), p, mde, adjusted: [None; 3] }
}

/// The gallery's modality, and how many clips were drawn where it is not the whole test split.
fn gallery_name(group: &Group, key: &Key) -> String {
    let name = common::names(group, &key.1);
    match group.runs[0].record.clips.test {
        all if all == key.3 as usize => name,
        _ => format!("{name} ({} drawn)", key.3),
    }
}

/// k of the gallery; a gallery no larger than k leaves nothing to find.
fn chance(k: u32, gallery: u32) -> Estimable<f64> {
    match gallery {
        0 => Err(NotEstimable::NoData),
        g if g <= k => Err(NotEstimable::NoSpread),
        g => Ok(f64::from(k) / f64::from(g)),
    }
}

fn found(rows: &[&Retrieval], k: u32) -> Clips {
    rows.iter().map(|r| (r.clip.clone(), (f64::from(u8::from(r.rank < k)), 1.0))).collect()
}

fn reciprocal_ranks(rows: &[&Retrieval]) -> Clips {
    let mut clips = Clips::new();
    rows.iter().for_each(|r| add(&mut clips, &r.clip, 1.0 / (1.0 + f64::from(r.rank)), 1.0));
    clips
}

/// 1-based, over all clips and seeds.
fn median_rank(of: &[&Vec<&Retrieval>]) -> Option<f64> {
    let mut ranks: Vec<u32> =
        of.iter().flat_map(|rows| rows.iter().map(|r| r.rank.saturating_add(1))).collect();
    ranks.sort_unstable();
    let n = ranks.len();
    (n > 0).then(|| (f64::from(ranks[(n - 1) / 2]) + f64::from(ranks[n / 2])) / 2.0)
}

/// Whether the pairing can be permuted: the gallery is the queries and the nearest are known.
fn paired(rows: &[&Retrieval]) -> bool {
    rows.len() > 1 && rows.iter().all(|r| r.gallery_size as usize == rows.len() && !r.nearest.is_empty())
}

/// Permutation of the pairing with "among the k nearest" as score; the largest p of the seeds.
fn permutation(of: &[&Vec<&Retrieval>], k: u32, seed: u64) -> Estimable<f64> {
    let mut largest: Estimable<f64> = Err(NotEstimable::NoData);
    for rows in of {
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
        let p = pairing::test(&score, n, seed, PERMUTATIONS)?;
        largest = Ok(largest.map_or(p, |q: f64| q.max(p)));
    }
    largest
}

fn correct(drafts: &mut [Tested]) -> usize {
    let raw: Vec<Option<f64>> = drafts.iter().flat_map(|d| d.p).map(|p| p.and_then(Estimable::ok)).collect();
    let corrected = multiple::benjamini_hochberg(&raw);
    for (d, adjusted) in drafts.iter_mut().zip(corrected.adjusted.chunks(3)) {
        for (i, first) in FIRST.into_iter().enumerate() {
            let Some(p) = d.p[i] else { continue };
            d.adjusted[i] = adjusted[i];
            d.draft.row.cells[first + 2] = Cell::p(p);
            d.draft.row.cells[first + 3] = adjusted[i].map_or(Cell::Empty, Cell::P);
            if adjusted[i].is_none_or(|p| p > common::ALPHA) {
                d.draft.row.cells[first + 4] = d.mde[i].map_or_else(Cell::Absent, Cell::Number);
            }
        }
    }
    corrected.m
}

fn published(group: &Group, key: &Key, k: u32) -> Option<&'static Published> {
    let of = format!("retrieval/{}->{}/r{k}", key.0, key.1);
    // Chance depends on the gallery: only the published size is the same quantity.
    (key.2 == source::MODEL && key.3 == PUBLISHED_GALLERY)
        .then(|| find(&of, &group.runs[0].record.modalities))
        .flatten()
}

fn headline(group: &Group, key: &Key, tested: &Tested, i: usize) -> Option<Headline> {
    let cells = &tested.draft.row.cells;
    let (Cell::Text(seed), Cell::Count(clips)) = (&cells[1], &cells[CLIPS]) else { return None };
    Some(Headline {
        experiment: group.label.clone(),
        seed: seed.clone(),
        quantity: format!("{} → {}, R@{}", common::names(group, &key.0), gallery_name(group, key), AT[i]),
        unit: "%",
        better: Better::Higher,
        digits: 2,
        value: cells[FIRST[i]].clone(),
        against: "chance".into(),
        against_value: match cells[FIRST[i] + 1] {
            Cell::Number(c) => Some(c),
            _ => None,
        },
        adjusted: tested.adjusted[i],
        clips: *clips,
        published: published(group, key, AT[i]),
    })
}

fn table(context: &Context, rows: Vec<crate::report::table::Row>, m: usize) -> Table {
    Table {
        name: "retrieval".into(),
        title: "Retrieval".into(),
        schema: 1,
        columns: columns(),
        rows,
        notes: vec![
            "Cosine of L2-normalized mean encoder outputs of one modality alone; ties count against the model; \
             ranks start at 1; queries to which all clips are equally similar are left out. Chance of R@k is k/gallery. \
             (n drawn): a gallery of n test clips, drawn as numpy's RandomState(seed).choice does."
                .into(),
            common::share_note(&context.plan).replace("Clopper–Pearson over clips", "Clopper–Pearson over clips (MRR: bootstrap over clips)"),
            common::correction_note(
                "permutation of the pairing on the fixed similarities where the ten nearest are recorded and the \
                 gallery is the queries, else the exact binomial test; one-sided",
                m,
            ),
            common::MDE_NOTE.into(),
            common::PUBLISHED_NOTE.into(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clip: &str, rank: u32, nearest: &str) -> Retrieval {
        Retrieval {
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
    fn the_columns_stand_where_the_constants_say() {
        let names: Vec<&str> = columns().iter().map(|c| c.name).collect();
        assert_eq!(FIRST.map(|f| names[f]), ["r1_percent", "r5_percent", "r10_percent"]);
        assert_eq!(names[CLIPS], "clips");
    }

    #[test]
    fn permutation_needs_the_nearest_and_finds_a_perfect_pairing() {
        let rows: Vec<Retrieval> = ["a", "b", "c", "d"].iter().map(|c| row(c, 0, c)).collect();
        let refs: Vec<&Retrieval> = rows.iter().collect();
        assert!(paired(&refs) && !paired(&refs[..3]));
        // All four right: 1 of 24 assignments.
        let p = permutation(&[&refs], 1, 42).unwrap();
        assert!((p - 1.0 / 24.0).abs() < 0.007, "{p}");
        assert_eq!(median_rank(&[&refs]), Some(1.0));
        assert_eq!(chance(5, 4), Err(NotEstimable::NoSpread));
    }
}
