//! A table and what the front page takes from it.

use super::common::Headline;
use crate::report::table::Table;

/// What a builder makes.
pub struct Built {
    pub table: Table,
    pub headlines: Vec<Headline>,
}
