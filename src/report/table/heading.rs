//! What stands above a column.

use crate::metrics::{Better, Spec, Unit};

/// What a column holds; decides how many CSV columns it takes and how cells are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text that names the row, with the other key columns.
    Key,
    /// Other text.
    Text,
    Count,
    /// One number.
    Number,
    /// A value and its interval: three CSV columns (`name`, `name_low`, `name_high`).
    Estimate,
    /// A p-value.
    P,
}

/// Unit and digits of numbers: those of a quantity, or given as `("bits/token", 3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// For people; empty where there is none.
    pub unit: &'static str,
    /// After the point.
    pub digits: usize,
}

impl From<&Spec> for Scale {
    fn from(spec: &Spec) -> Scale {
        let unit = if spec.unit == Unit::Plain { "" } else { spec.unit.name() };
        Scale { unit, digits: spec.digits }
    }
}

impl From<(&'static str, usize)> for Scale {
    fn from((unit, digits): (&'static str, usize)) -> Scale {
        Scale { unit, digits }
    }
}

/// What stands above a column: its names, unit, digits, fixed by the table, never by the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Name in CSV, unit included: `ce_nats_per_token`.
    pub name: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// Unit for people; empty where there is none.
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
    pub kind: ColumnKind,
    /// Which way is better.
    pub direction: Better,
    /// Left out of Markdown and the terminal.
    pub csv_only: bool,
    /// Keeps its digits in rows that have their own.
    pub own_digits: bool,
}

impl Heading {
    fn new(kind: ColumnKind, name: &'static str, label: &'static str) -> Heading {
        let (unit, digits, direction) = ("", 0, Better::Neither);
        Heading { name, label, unit, digits, kind, direction, csv_only: false, own_digits: false }
    }

    pub fn key(name: &'static str) -> Heading {
        Heading::new(ColumnKind::Key, name, name)
    }

    pub fn text(name: &'static str, label: &'static str) -> Heading {
        Heading::new(ColumnKind::Text, name, label)
    }

    pub fn count(name: &'static str) -> Heading {
        Heading::new(ColumnKind::Count, name, name)
    }

    pub fn p(name: &'static str, label: &'static str) -> Heading {
        Heading::new(ColumnKind::P, name, label)
    }

    pub fn number(name: &'static str, label: &'static str, scale: Scale) -> Heading {
        let Scale { unit, digits } = scale;
        Heading { unit, digits, ..Heading::new(ColumnKind::Number, name, label) }
    }

    pub fn estimate(name: &'static str, label: &'static str, scale: Scale) -> Heading {
        Heading { kind: ColumnKind::Estimate, ..Heading::number(name, label, scale) }
    }

    pub fn directed(self, direction: Better) -> Heading {
        Heading { direction, ..self }
    }

    pub fn csv_only(self) -> Heading {
        Heading { csv_only: true, ..self }
    }

    pub fn own_digits(self) -> Heading {
        Heading { own_digits: true, ..self }
    }

    /// Digits after the point in a row.
    pub fn digits_in(&self, row: Option<usize>) -> usize {
        row.filter(|_| !self.own_digits).unwrap_or(self.digits)
    }
}
