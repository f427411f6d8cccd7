//! The tables, one small file each: which rows, which test, which note.

mod claims;
mod classification;
mod common;
mod compared;
mod cross_entropy;
mod directions;
mod eval_results;
mod forward_vs_autoregressive;
mod generation;
mod linear_probe;
mod memorization;
mod per_class;
mod retrieval;
pub mod verdict;

pub use classification::hit;
pub use common::{
    add, estimate, mean_note, percent_interval, share, Clips, Context, ALPHA, PERMUTATIONS, POWER,
};

use super::table::Table;
use crate::fault::Result;
use common::Headline;

/// A table and what the front page takes from it.
pub struct Built {
    pub table: Table,
    headlines: Vec<Headline>,
}

type Builder = fn(&Context) -> Result<Option<Built>>;

/// Every table but the front page, in the order of the front page.
const BUILDERS: [Builder; 10] = [
    claims::build,
    cross_entropy::build,
    classification::build,
    per_class::build,
    retrieval::build,
    directions::build,
    memorization::build,
    forward_vs_autoregressive::build,
    generation::build,
    linear_probe::build,
];

/// The tables that the runs have scores for; the front page comes first.
pub fn all(context: &Context) -> Result<Vec<Table>> {
    let mut built = Vec::new();
    for build in BUILDERS {
        built.extend(build(context)?);
    }
    let headlines: Vec<Headline> = built.iter_mut().flat_map(|b| std::mem::take(&mut b.headlines)).collect();
    let front = eval_results::build(context, &headlines);
    Ok(std::iter::once(front).chain(built.into_iter().map(|b| b.table)).collect())
}
