//! Reading a text that RON refuses, as far as it can be read: every mistake in one round.
//!
//! RON stops at its first error. Where it does, the tree of spans is read by a deserializer of our own that
//! notes what is wrong, goes on with what was probably meant (`lenght: 16`, `"16"`, `16.0`), and where nothing
//! can be guessed with a stand-in, so that the checks of what the values mean can run too.

mod deserializer;
mod limits;
mod literal;
mod meant;
mod repairs;
mod value;

pub use limits::FILE_BYTES;
pub use meant::{of_text, Reading};
pub use repairs::Wrong;

#[cfg(test)]
mod tests;
