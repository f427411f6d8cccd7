//! A table and its texts. Knows no probe and no run: exporters are pure functions from a table and its
//! header to text.

mod cell;
mod column;
mod csv;
mod definition;
mod format;
mod grid;
mod header;
mod heading;
mod html;
mod json;
mod markdown;
mod shown;
mod terminal;
mod wrap;

pub use self::csv::csv;
pub use cell::Cell;
pub use column::Column;
pub use definition::{Row, Table};
pub use format::{arrow, shown};
pub use grid::Grid;
pub use header::{Header, Origin};
pub use heading::{ColumnKind, Heading, Scale};
pub use html::{escape, html};
pub use json::json;
pub use markdown::{body, markdown, origins};
pub use terminal::terminal;
pub use wrap::wrap;
