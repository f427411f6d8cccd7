//! The tables of a comparison, one small file each.

mod cells;
mod claims;
mod main_effects;
mod pairs;
mod tested;

pub use cells::cells;
pub use claims::claims;
pub use main_effects::main_effects;
pub use pairs::pairs;
pub use tested::own;
