//! Columns over lines: a column is a heading and what it shows of a line. Cells are made last, from what the
//! table decided about its lines; no table counts columns.

use super::cell::Cell;
use super::heading::{Heading, Scale};
use crate::metrics::{Better, Spec};
use crate::stats::{Estimable, Estimate};

/// What a line has for a column: a value, the reason why there is none, or nothing to say.
pub trait Shows<T> {
    fn shows(self) -> Option<Estimable<T>>;
}

impl<T> Shows<T> for T {
    fn shows(self) -> Option<Estimable<T>> {
        Some(Ok(self))
    }
}

impl<T> Shows<T> for Option<T> {
    fn shows(self) -> Option<Estimable<T>> {
        self.map(Ok)
    }
}

impl<T> Shows<T> for Estimable<T> {
    fn shows(self) -> Option<Estimable<T>> {
        Some(self)
    }
}

impl<T> Shows<T> for Option<Estimable<T>> {
    fn shows(self) -> Option<Estimable<T>> {
        self
    }
}

/// Whether a cell of a line is bold.
type Decision<L> = Box<dyn Fn(&L) -> bool>;

/// A column of lines of type `L`.
pub struct Column<L> {
    pub heading: Heading,
    cell: Box<dyn Fn(&L) -> Cell>,
    bold: Option<Decision<L>>,
}

impl<L> Column<L> {
    fn new<T, V: Shows<T>>(
        heading: Heading,
        of: impl Fn(&L) -> V + 'static,
        cell: impl Fn(Estimable<T>) -> Cell + 'static,
    ) -> Column<L> {
        let cell = Box::new(move |line: &L| of(line).shows().map_or(Cell::Empty, &cell));
        Column { heading, cell, bold: None }
    }

    /// Text that names the row, with the other key columns.
    pub fn key<V: Into<String>>(name: &'static str, of: impl Fn(&L) -> V + 'static) -> Column<L> {
        let cell = Box::new(move |line: &L| Cell::text(of(line)));
        Column { heading: Heading::key(name), cell, bold: None }
    }

    /// Other text.
    pub fn text<V: Shows<String>>(
        name: &'static str,
        label: &'static str,
        of: impl Fn(&L) -> V + 'static,
    ) -> Column<L> {
        Column::new(Heading::text(name, label), of, |text| text.map_or_else(Cell::Absent, Cell::Text))
    }

    pub fn count<V: Shows<u64>>(name: &'static str, of: impl Fn(&L) -> V + 'static) -> Column<L> {
        Column::new(Heading::count(name), of, |count| count.map_or_else(Cell::Absent, Cell::Count))
    }

    /// One number.
    pub fn number<V: Shows<f64>>(
        name: &'static str,
        label: &'static str,
        scale: impl Into<Scale>,
        of: impl Fn(&L) -> V + 'static,
    ) -> Column<L> {
        let cell = |number: Estimable<f64>| number.map_or_else(Cell::Absent, |v| Cell::number(Some(v)));
        Column::new(Heading::number(name, label, scale.into()), of, cell)
    }

    /// A value and its interval.
    pub fn estimate<V: Shows<Estimate>>(
        name: &'static str,
        label: &'static str,
        scale: impl Into<Scale>,
        of: impl Fn(&L) -> V + 'static,
    ) -> Column<L> {
        Column::new(Heading::estimate(name, label, scale.into()), of, Cell::estimate)
    }

    /// A quantity of the catalogue: its unit, digits and direction.
    pub fn of<V: Shows<Estimate>>(
        spec: &Spec,
        name: &'static str,
        label: &'static str,
        value: impl Fn(&L) -> V + 'static,
    ) -> Column<L> {
        Column::estimate(name, label, spec, value).directed(spec.better)
    }

    /// A p-value.
    pub fn p<V: Shows<f64>>(
        name: &'static str,
        label: &'static str,
        of: impl Fn(&L) -> V + 'static,
    ) -> Column<L> {
        Column::new(Heading::p(name, label), of, Cell::p)
    }

    /// Which way is better.
    pub fn directed(self, direction: Better) -> Column<L> {
        Column { heading: self.heading.directed(direction), ..self }
    }

    /// Less is better.
    pub fn lower(self) -> Column<L> {
        Column { heading: self.heading.directed(Better::Lower), ..self }
    }

    /// More is better.
    pub fn higher(self) -> Column<L> {
        Column { heading: self.heading.directed(Better::Higher), ..self }
    }

    pub fn csv_only(self) -> Column<L> {
        Column { heading: self.heading.csv_only(), ..self }
    }

    pub fn own_digits(self) -> Column<L> {
        Column { heading: self.heading.own_digits(), ..self }
    }

    /// Bold in the lines of which `bold` holds.
    pub fn bold(self, bold: impl Fn(&L) -> bool + 'static) -> Column<L> {
        Column { bold: Some(Box::new(bold)), ..self }
    }

    /// The cell of a line.
    pub fn cell(&self, line: &L) -> Cell {
        (self.cell)(line)
    }

    /// Whether the cell of a line is bold.
    pub fn is_bold(&self, line: &L) -> bool {
        self.bold.as_ref().is_some_and(|bold| bold(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Table;
    use crate::stats::NotEstimable;

    struct Line {
        name: &'static str,
        value: Option<Estimable<f64>>,
        best: bool,
    }

    #[test]
    fn a_line_says_what_it_has() {
        let columns = vec![
            Column::key("name", |l: &Line| l.name),
            Column::number("value", "value", ("%", 1), |l: &Line| l.value).bold(|l| l.best),
            Column::count("one", |_| 1u64).csv_only(),
        ];
        let lines = [
            Line { name: "a", value: Some(Ok(0.5)), best: true },
            Line { name: "b", value: Some(Err(NotEstimable::NoData)), best: false },
            Line { name: "c", value: None, best: false },
            Line { name: "d", value: Some(Ok(f64::NAN)), best: false },
        ];
        let table = Table::new("t", "T", 1, columns, &lines, vec![]).with_digits(&lines, |_| 2);
        let values: Vec<&Cell> = table.rows.iter().map(|r| &r.cells[1]).collect();
        let absent = Cell::Absent(NotEstimable::NoData);
        assert_eq!(
            values,
            [&Cell::Number(0.5), &absent, &Cell::Empty, &Cell::Absent(NotEstimable::NotFinite)]
        );
        assert_eq!((table.rows[0].bold.as_slice(), table.rows[1].bold.as_slice()), (&[1][..], &[][..]));
        assert_eq!((table.rows[0].digits, table.columns[2].csv_only), (Some(2), true));
    }
}
