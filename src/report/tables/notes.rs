//! What tables say about their methods, in the same words.

use crate::stats::bootstrap::Method;
use crate::stats::{Bootstrap, FEWEST};

/// "95 % intervals: …" for a mean over clips.
pub fn mean(plan: &Bootstrap) -> String {
    let method = match plan.method {
        Method::Bca => "BCa",
        Method::Percentile => "percentile",
    };
    format!(
        "[low, high]: {} % intervals, {method} bootstrap over clips ({} replicates, seed {}); \
         a mean of seeds: hierarchical bootstrap over seeds × clips. None below {FEWEST} clips, where it would \
         cover less than it says.",
        100.0 * plan.level,
        plan.replicates,
        plan.seed
    )
}

/// The same for shares of clips.
pub fn share(plan: &Bootstrap) -> String {
    format!(
        "[low, high]: {} % intervals, Clopper–Pearson over clips (exact, whatever their number); a mean of seeds: \
         hierarchical bootstrap over seeds × clips ({} replicates, seed {}; none below {FEWEST} clips).",
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
pub fn mde() -> String {
    format!(
        "MDE: the smallest effect a test at 5 % (uncorrected) finds with 80 % power, on the first seed; shown beside \
         null results; none below {FEWEST} clips for means."
    )
}

/// The note on verdicts.
pub const VERDICT: &str =
    "verdict: how the trained model's number stands to the strongest of its baselines (position and unigram marginals, \
     the largest class of training, chance, untrained and random weights; inputs shuffled or taken away are controls, \
     told in their own rows), at 5 % by the corrected two-sided test; with several seeds only what holds of each. What \
     has no better side is larger or smaller.";

/// The note on published numbers.
pub const PUBLISHED: &str =
    "published: the reference's own model, data and number of clips; only where probe and tokenizer are the same quantity.";
