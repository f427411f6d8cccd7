//! Every table of a report.

use super::built::{Built, Headline};
use super::views::Context;
use super::{
    claims, classification, cross_entropy, directions, eval_results, forward_vs_autoregressive, generation,
    linear_probe, memorization, per_class, retrieval,
};
use crate::fault::Result;
use crate::report::table::Table;

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
