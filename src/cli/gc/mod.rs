//! `nano4m gc`: what nobody needs any more.

mod command;
mod plan;
mod reachable;

pub use command::{gc, Args};
