//! `nano4m ls`: one line for each run; which runs, in which order and with which columns is asked for.

mod command;
mod facts;
mod filter;
mod line;

pub use command::{ls, Args};
pub use line::state;
