//! A test of a line, its correction with the others of its table, and the columns it fills.

use crate::metrics::estimate::ALPHA;
use crate::report::table::{Column, Scale};
use crate::stats::{multiple, Estimable};

/// A test, and what it would have missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// Uncorrected.
    pub p: Estimable<f64>,
    /// After [`correct`]; absent where there is no `p`.
    pub adjusted: Option<f64>,
    /// Smallest effect that would have been found, in the unit of the line's value.
    pub mde: Estimable<f64>,
}

impl Test {
    /// Before correction.
    pub fn new(p: Estimable<f64>, mde: Estimable<f64>) -> Test {
        Test { p, adjusted: None, mde }
    }

    /// Whether the corrected test finds something.
    pub fn significant(&self) -> bool {
        self.adjusted.is_some_and(|p| p <= ALPHA)
    }

    /// The smallest detectable effect, beside a null result.
    pub fn missed(&self) -> Option<Estimable<f64>> {
        (!self.significant()).then_some(self.mde)
    }
}

/// Benjamini–Hochberg over all tests of a table; returns their number.
pub fn correct<'t>(tests: impl Iterator<Item = &'t mut Test>) -> usize {
    let mut tests: Vec<&mut Test> = tests.collect();
    let raw: Vec<Option<f64>> = tests.iter().map(|test| test.p.ok()).collect();
    let corrected = multiple::benjamini_hochberg(&raw);
    for (test, adjusted) in tests.iter_mut().zip(corrected.adjusted) {
        test.adjusted = adjusted;
    }
    corrected.m
}

/// p, corrected p and minimum detectable effect of one test.
pub fn columns<L>(
    [p, adjusted, mde]: [&'static str; 3],
    scale: impl Into<Scale>,
    test: impl Fn(&L) -> Option<&Test> + Copy + 'static,
) -> [Column<L>; 3] {
    [
        Column::p(p, "p", move |line| test(line).map(|t| t.p)).csv_only(),
        Column::p(adjusted, "p adj.", move |line| test(line).and_then(|t| t.adjusted)),
        Column::number(mde, "MDE", scale, move |line| test(line).and_then(Test::missed)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::{Cell, Table};
    use crate::stats::NotEstimable;

    #[test]
    fn a_null_result_gets_its_mde() {
        let none = Err(NotEstimable::NoSpread);
        let mut lines = [
            Some(Test::new(Ok(0.001), Ok(0.1))),
            Some(Test::new(Ok(0.5), Ok(0.2))),
            Some(Test::new(none, none)),
            None,
        ];
        assert_eq!(correct(lines.iter_mut().flatten()), 2);
        let columns = columns(["p", "p_adjusted", "mde"], ("%", 2), |line: &Option<Test>| line.as_ref());
        let table = Table::new("t", "t", 1, columns.into(), &lines, vec![]);
        let absent = Cell::Absent(NotEstimable::NoSpread);
        let expected = [
            [Cell::P(0.001), Cell::P(0.002), Cell::Empty],
            [Cell::P(0.5), Cell::P(0.5), Cell::Number(0.2)],
            [absent.clone(), Cell::Empty, absent],
            [Cell::Empty, Cell::Empty, Cell::Empty],
        ];
        assert_eq!(table.rows.iter().map(|r| r.cells.as_slice()).collect::<Vec<_>>(), expected);
    }
}
