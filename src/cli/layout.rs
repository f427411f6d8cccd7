//! Plain tables on a terminal.

use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::{Alignment, Style};

/// A plain table: names left, the columns from `numbers` on right.
pub fn style(builder: Builder, numbers: usize) -> String {
    let mut table = builder.build();
    table.with(Style::psql());
    if numbers < usize::MAX {
        table.modify(Columns::new(numbers..), Alignment::right());
        table.modify(Rows::first(), Alignment::left());
    }
    table.to_string()
}
