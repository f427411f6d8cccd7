//! What a strategy makes of its budget: spans work in whole strides (REFERENCE §3, item 6).

use super::budget::Budget;
use crate::modality::{Modality, Strategy};

/// Fits every budget to its modality, and makes sure that something is input.
///
/// Rounding can take away the only input token (one token for a span of stride 2), after which the
/// rule for an empty input is applied again: the first modality gets its smallest unit.
pub fn all(modalities: &[Modality], mut budgets: Vec<Budget>) -> Vec<Budget> {
    budgets.iter_mut().zip(modalities).for_each(|(b, m)| *b = one(m, *b));
    if budgets.iter().all(|b| b.input == 0) {
        if let (Some(b), Some(m)) = (budgets.first_mut(), modalities.first()) {
            *b = one(m, Budget { input: unit(m), target: b.target });
        }
    }
    budgets
}

fn unit(modality: &Modality) -> usize {
    match modality.masking {
        Strategy::Random | Strategy::Block2d => 1,
        Strategy::Span { stride, .. } => stride.clamp(1, modality.length.max(1)),
    }
}

fn one(modality: &Modality, budget: Budget) -> Budget {
    match modality.masking {
        Strategy::Random | Strategy::Block2d => {
            let input = budget.input.min(modality.length);
            Budget { input, target: budget.target.min(modality.length - input) }
        }
        Strategy::Span { .. } => span(modality.length, unit(modality), budget),
    }
}

/// Both budgets rounded down to the stride, together at most the length (its whole strides). A window
/// of nothing becomes one stride of input, whatever the budgets were; a window without input gives
/// its first stride to the input when it has two or more.
fn span(length: usize, stride: usize, budget: Budget) -> Budget {
    let whole = |n: usize| n / stride * stride;
    let input = whole(budget.input);
    let total = (input + whole(budget.target)).min(whole(length));
    if total == 0 {
        return Budget { input: stride.min(length), target: 0 };
    }
    let input = if input == 0 && total >= 2 * stride { stride } else { input.min(total) };
    Budget { input, target: total - input }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modality(length: usize, masking: Strategy) -> Modality {
        Modality { name: "m".into(), length, vocab: 8, codebooks: 1, grid: None, text: None, masking }
    }

    fn b(input: usize, target: usize) -> Budget {
        Budget { input, target }
    }

    #[test]
    fn every_edge_of_a_span() {
        let cases = [
            ("rounded down", b(5, 7), b(4, 6)),
            ("nothing at all", b(0, 0), b(2, 0)),
            ("rounded to nothing", b(1, 1), b(2, 0)),
            ("one stride of target stays one", b(0, 2), b(0, 2)),
            ("two strides of target give one away", b(0, 4), b(2, 2)),
            ("input below a stride counts as none", b(1, 9), b(2, 6)),
            ("input only", b(6, 1), b(6, 0)),
            ("cut at the length, from the target", b(8, 6), b(8, 4)),
            ("input alone fills the length", b(14, 0), b(12, 0)),
        ];
        for (what, budget, expected) in cases {
            assert_eq!(span(12, 2, budget), expected, "{what}");
        }
        assert_eq!(span(13, 2, b(12, 4)), b(12, 0), "a length that is not whole strides");
        assert_eq!(one(&modality(3, Strategy::Span { stride: 8, aligned: true }), b(0, 0)), b(3, 0));
    }

    #[test]
    fn rounding_never_empties_the_encoder() {
        let modalities =
            [modality(4, Strategy::Random), modality(8, Strategy::Span { stride: 2, aligned: true })];
        // the span's single input token is rounded away, and its one stride is a target
        assert_eq!(all(&modalities, vec![b(0, 4), b(1, 3)]), [b(1, 3), b(0, 2)]);
        let spans = [modality(8, Strategy::Span { stride: 2, aligned: true })];
        assert_eq!(all(&spans, vec![b(1, 2)]), [b(2, 2)]);
    }

    #[test]
    fn the_token_given_to_an_empty_encoder_is_taken_from_the_targets() {
        assert_eq!(all(&[modality(4, Strategy::Random)], vec![b(1, 4)]), [b(1, 3)]);
    }
}
