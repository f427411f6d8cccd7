//! How a declared claim is judged, in every table of claims: by Holm's procedure over all of them.

use crate::metrics::estimate::ALPHA;
use crate::report::table::{Cell, Heading};
use crate::stats::Estimable;

/// From the margin on: raw and adjusted p, the verdict, and the number of claims judged together.
pub fn columns() -> [Heading; 5] {
    [
        Heading::number("margin", "margin", "", 4),
        Heading::p("p", "p").csv_only(),
        Heading::p("p_holm", "p Holm"),
        Heading::text("verdict", "verdict"),
        Heading::count("m"),
    ]
}

/// The same of one claim among `m`; without an adjusted p it was not judged.
pub fn cells(margin: f64, p: Estimable<f64>, holm: Option<f64>, m: usize) -> [Cell; 5] {
    let verdict = match holm {
        Some(p) if p <= ALPHA => "supported",
        Some(_) => "not supported",
        None => "not judged",
    };
    let adjusted = holm.map_or(Cell::Empty, Cell::P);
    [Cell::number(Some(margin)), Cell::p(p), adjusted, Cell::text(verdict), Cell::Count(m as u64)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_judged_by_its_adjusted_p() {
        let verdict = |holm| cells(0.0, Ok(0.01), holm, 3)[3].clone();
        assert_eq!(verdict(Some(0.05)), Cell::text("supported"));
        assert_eq!(verdict(Some(0.0501)), Cell::text("not supported"));
        assert_eq!(verdict(None), Cell::text("not judged"));
        assert_eq!(columns().len(), cells(0.0, Ok(0.01), None, 3).len());
    }
}
