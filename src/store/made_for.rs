//! Which cell of an ablation a run was made for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The cell a run was begun for. What began a run decides and stays: a run that was begun by hand and is
/// reused as a cell was made for none, and one begun for a cell stays that cell's whoever continues it.
///
/// Written and read as `ablation/cell`; an ablation's name has no `/`, a cell's label may have any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellOf {
    /// Name of the ablation.
    pub ablation: String,
    /// Label of the cell.
    pub cell: String,
}

impl fmt::Display for CellOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ablation, self.cell)
    }
}

impl FromStr for CellOf {
    type Err = String;

    fn from_str(text: &str) -> Result<CellOf, String> {
        match text.split_once('/') {
            Some((ablation, cell)) if !ablation.is_empty() && !cell.is_empty() => {
                Ok(CellOf { ablation: ablation.into(), cell: cell.into() })
            }
            _ => Err("expected an ablation and one of its cells, e.g. masking/span".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_as_written() {
        for (ablation, cell) in
            [("masking", "span"), ("x", "lr=1e-3, data=\"a/b\""), ("masking-long", "a, b")]
        {
            let made_for = CellOf { ablation: ablation.into(), cell: cell.into() };
            assert_eq!(made_for.to_string().parse(), Ok(made_for));
        }
        for text in ["", "masking", "/span", "masking/"] {
            assert!(text.parse::<CellOf>().is_err(), "{text:?}");
        }
    }
}
