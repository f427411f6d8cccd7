//! One cell of a table.

use crate::stats::{Estimable, Estimate, NotEstimable};

/// One cell. Absent is a reason, never 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Count(u64),
    Number(f64),
    Estimate(Estimate),
    P(f64),
    /// Not estimable, and why.
    Absent(NotEstimable),
    /// Does not apply to this row.
    Empty,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A number, where there is one.
    pub fn number(value: Option<f64>) -> Cell {
        match value {
            Some(v) if v.is_finite() => Cell::Number(v),
            Some(_) => Cell::Absent(NotEstimable::NotFinite),
            None => Cell::Empty,
        }
    }

    pub fn estimate(value: Estimable<Estimate>) -> Cell {
        match value {
            Ok(e) if e.value.is_finite() => Cell::Estimate(e),
            Ok(_) => Cell::Absent(NotEstimable::NotFinite),
            Err(why) => Cell::Absent(why),
        }
    }

    pub fn p(value: Estimable<f64>) -> Cell {
        value.map_or_else(Cell::Absent, Cell::P)
    }
}
