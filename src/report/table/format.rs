//! Numbers as text.

use super::cell::Cell;
use super::heading::Heading;
use crate::metrics::Better;

/// `digits` after the point; never `-0`.
pub fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.into(),
        _ => text,
    }
}

/// A p-value for people: never 0.
pub fn p_short(p: f64) -> String {
    if p < 0.001 {
        "<0.001".into()
    } else {
        fixed(p, 3)
    }
}

/// A p-value for machines: four significant digits.
pub fn p_exact(p: f64) -> String {
    format!("{p:.3e}")
}

/// A cell for people: Markdown, terminal and HTML share it.
pub fn shown(cell: &Cell, column: &Heading, digits: Option<usize>) -> String {
    let digits = column.digits_in(digits);
    match cell {
        Cell::Text(t) => t.clone(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(v) => fixed(*v, digits),
        Cell::P(p) => p_short(*p),
        Cell::Estimate(e) => match e.interval {
            Ok(i) => {
                format!("{} [{}, {}]", fixed(e.value, digits), fixed(i.low, digits), fixed(i.high, digits))
            }
            Err(why) => format!("{} ({why})", fixed(e.value, digits)),
        },
        Cell::Absent(why) => format!("not estimable: {why}"),
        Cell::Empty => "–".into(),
    }
}

/// Which way is better; `None` for what only describes.
pub fn arrow(direction: Better) -> Option<&'static str> {
    match direction {
        Better::Lower => Some("↓"),
        Better::Higher => Some("↑"),
        Better::Neither => None,
    }
}

/// A column's heading for people: label, arrow, unit.
pub fn heading(column: &Heading) -> String {
    let arrow = arrow(column.direction).map(|a| format!(" {a}")).unwrap_or_default();
    let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
    format!("{}{arrow}{unit}", column.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Estimate, Interval, NotEstimable};

    #[test]
    fn numbers() {
        assert_eq!(fixed(-0.00001, 3), "0.000");
        assert_eq!(fixed(-1.25, 1), "-1.2");
        assert_eq!((p_short(1e-9), p_short(0.0656)), ("<0.001".into(), "0.066".into()));
        assert_eq!(p_exact(0.0), "0.000e0");
        assert_eq!(p_exact(0.06561), "6.561e-2");
    }

    #[test]
    fn an_estimate_without_interval_says_why() {
        let column = Heading::estimate("top1_percent", "top-1", ("%", 1).into()).directed(Better::Higher);
        let e = |interval| Cell::Estimate(Estimate { value: 4.5, n: 200, interval });
        let full = e(Ok(Interval { low: 2.078, high: 8.37 }));
        assert_eq!(shown(&full, &column, None), "4.5 [2.1, 8.4]");
        assert_eq!(shown(&e(Err(NotEstimable::OneUnit)), &column, Some(2)), "4.50 (one unit)");
        assert_eq!(shown(&Cell::Absent(NotEstimable::NoData), &column, None), "not estimable: no data");
        assert_eq!(heading(&column), "top-1 ↑ (%)");
    }
}
