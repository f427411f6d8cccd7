//! What tables say about their methods, in the same words.

use crate::stats::bootstrap::Method;
use crate::stats::Bootstrap;

/// "95 % intervals: …" for a mean over clips.
pub fn mean(plan: &Bootstrap) -> String {
    let method = match plan.method {
        Method::Bca => "BCa",
        Method::Percentile => "percentile",
    };
    format!(
        "[low, high]: {} % intervals, {method} bootstrap over clips ({} replicates, seed {}); \
         a mean of seeds: hierarchical bootstrap over seeds × clips.",
        100.0 * plan.level,
        plan.replicates,
        plan.seed
    )
}

/// The same for shares of clips.
pub fn share(plan: &Bootstrap) -> String {
    format!(
        "[low, high]: {} % intervals, Clopper–Pearson over clips; a mean of seeds: hierarchical bootstrap \
         over seeds × clips ({} replicates, seed {}).",
        100.0 * plan.level,
        plan.replicates,
        plan.seed
    )
}

/// "p adj.: …" for a table with `m` tests.
pub fn correction(test: &str, m: usize) -> String {
    format!(
        "p adj.: {test}; Benjamini–Hochberg over the m = {m} tests of this table. With several seeds \
         p is the largest of the seeds', and 1 where they disagree in the sign."
    )
}

/// The note on the minimum detectable effect.
pub const MDE: &str =
    "MDE: the smallest effect a test at 5 % (uncorrected) finds with 80 % power, on the first seed; shown beside null results.";

/// The note on published numbers.
pub const PUBLISHED: &str =
    "published: the reference's own model, data and number of clips; only where probe and tokenizer are the same quantity.";
