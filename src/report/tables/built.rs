//! What comes of a builder: a table, and lines for the front page.

use super::views::View;
use crate::metrics::{Better, Spec, Standing};
use crate::report::reference::Published;
use crate::report::table::Table;
use crate::stats::{Estimable, Estimate};

/// What a builder makes.
pub struct Built {
    pub table: Table,
    pub headlines: Vec<Headline>,
}

impl Built {
    /// A table with lines; none without.
    pub fn unless_empty(table: Table, headlines: Vec<Headline>) -> Option<Built> {
        (!table.rows.is_empty()).then_some(Built { table, headlines })
    }
}

/// A number for the front page.
pub struct Headline {
    pub experiment: String,
    pub seed: String,
    pub quantity: String,
    pub unit: &'static str,
    pub better: Better,
    pub digits: usize,
    pub value: Estimable<Estimate>,
    pub against: Option<Against>,
    pub clips: u64,
    pub published: Option<&'static Published>,
}

/// What a number is held against: the strongest of its baselines, or what it is compared with by its nature.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    pub name: String,
    pub value: Option<f64>,
    /// The p-value of the difference, corrected over its own table.
    pub adjusted: Option<f64>,
}

impl Against {
    /// How `value` stands to it.
    pub fn standing(&self, better: Better, value: Option<f64>) -> Standing {
        Standing::new(better, value.zip(self.value).map(|(own, other)| own - other), self.adjusted)
    }
}

impl Headline {
    /// How its number stands to what it is held against.
    pub fn standing(&self) -> Option<Standing> {
        let value = self.value.ok().map(|e| e.value);
        self.against.as_ref().map(|against| against.standing(self.better, value))
    }

    /// A quantity of the catalogue on the line of `view`, held against nothing and published nowhere.
    pub fn of(
        spec: &Spec,
        view: &View,
        quantity: String,
        value: Estimable<Estimate>,
        clips: u64,
    ) -> Headline {
        Headline {
            experiment: view.group.label.clone(),
            seed: view.seed.clone(),
            quantity,
            unit: spec.unit.name(),
            better: spec.better,
            digits: spec.digits,
            value,
            against: None,
            clips,
            published: None,
        }
    }
}
