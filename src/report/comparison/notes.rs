//! What the tables of a comparison say about their methods and limits.

use super::ranking::Grid;
use super::sides::Comparison;
use crate::metrics::estimate::{ALPHA, PERMUTATIONS};
use crate::report::tables::notes::mean as mean_note;
use crate::stats::Bootstrap;

/// Under every table: the tests, and what this comparison does not allow to say.
pub fn tests(comparison: &Comparison, plan: &Bootstrap) -> Vec<String> {
    let mut notes = vec![
        mean_note(plan) + " Shares of clips of one seed: Clopper–Pearson.",
        format!(
            "p: two-sided, paired on the same clips. One seed: McNemar's exact test where a clip is right or wrong, else \
             sign flips over clips ({PERMUTATIONS} replicates). Several seeds: the \
             larger of the sign flips of the clips' mean differences and a t-test over seeds × clips (each with its \
             own degrees of freedom), so that two seeds of one recipe are not taken for two recipes."
        ),
        "verdict: with several seeds it is on the recipes. With one seed a side it is on the two trained models: the \
         same recipe trained with another seed differs as much, so of the recipes nothing can be said, no cell is ranked \
         and none is bold."
            .into(),
        "d: mean difference in standard deviations of the clips' differences (averaged over seeds).".into(),
        "MDE: the smallest true difference the uncorrected test finds at 5 % with 80 % power, with these seeds and \
         clips; shown beside null results, which say no more than that the difference is probably smaller."
            .into(),
    ];
    let others = comparison.other_targets();
    if !others.is_empty() {
        notes.push(format!(
            "cross_entropy: the masks of the evaluation follow each cell's own masking unless its probe fixes one, so \
             {} predict other targets of the same clips than the reference. Their clips are paired, their targets are \
             not: a difference there is of the task as much as of the model.",
            others.join(", ")
        ));
    }
    if comparison.undirected() {
        notes.push(
            "Of a quantity without a better side (memorization, generation, a difference of two ways) it is only said \
             which side is larger: no arrow, no rank, nothing bold; a gain is by how much it is larger."
                .into(),
        );
    }
    if comparison.in_order {
        notes.push(
            "Runs of seeds that the two do not have in common are paired in the order of their seeds.".into(),
        );
    }
    if comparison.alone > 0 {
        notes.push(format!(
            "Runs without a partner, because the other side has fewer: {}. They count in no number here.",
            comparison.alone
        ));
    }
    if !comparison.gone.is_empty() {
        notes.push(format!(
            "Left out, because they are no longer there, of another version of nano4m, or damaged: {}.",
            comparison.gone.join(", ")
        ));
    }
    if !comparison.other_setups.is_empty() {
        notes.push(format!(
            "Left out, because it was measured on other modalities than the reference's: {}.",
            comparison.other_setups.join(", ")
        ));
    }
    if !comparison.unknown.is_empty() {
        notes.push(format!("Metrics that no probe has: {}.", comparison.unknown.join(", ")));
    }
    notes
}

/// Under the table of cells.
pub fn cells(comparison: &Comparison, grid: &Grid, plan: &Bootstrap) -> Vec<String> {
    let reference = &comparison.sides[comparison.reference].label;
    let mut notes = Vec::new();
    if !comparison.about.is_empty() {
        notes.push(comparison.about.clone());
    }
    notes.push(format!("Reference: {reference}. Cells stand in the order of their value, best first."));
    notes.push(format!(
        "rank: from 1 + the number of cells that are better to the last place that those that are worse leave, both by \
         the corrected paired test at {ALPHA}. Cells that cannot be told apart share ranks."
    ));
    notes.push(correction(grid));
    notes.extend(tests(comparison, plan));
    notes.push(
        "training: matrix products of the forward and backward pass from the manifest, at the mean numbers of input and \
         target tokens; no time is measured here."
            .into(),
        );
    notes.push("Bold: better than every other cell by the corrected test.".into());
    notes
}

/// Under the table of pairs.
pub fn pairs(comparison: &Comparison, grid: &Grid, plan: &Bootstrap) -> Vec<String> {
    let mut notes = vec![correction(grid)];
    notes.extend(tests(comparison, plan));
    notes
}

/// Under the table of claims.
pub fn claims(comparison: &Comparison, plan: &Bootstrap) -> Vec<String> {
    let mut notes = vec![
        "gain of a: by how much cell a is better than cell b. A claim is supported when the gain is larger than its \
         margin; declared before the runs, judged apart from everything explored."
            .into(),
        "p Holm: the same test one-sided against the margin; Holm over the m claims.".into(),
    ];
    notes.extend(tests(comparison, plan));
    notes
}

fn correction(grid: &Grid) -> String {
    format!(
        "p adj.: Benjamini–Hochberg over all m = {} tests of this comparison (every pair of cells on every metric).",
        grid.tests
    )
}
