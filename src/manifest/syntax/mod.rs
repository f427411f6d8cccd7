//! Where things stand in a RON text: a tolerant scanner that yields a tree of spans.
//!
//! RON's deserializer forgets positions once a value is built; this tree remembers them, so that a
//! semantic error can name its line, an override can replace one value, and pins can be rewritten
//! without touching comments or layout.

mod place;
mod scan;
mod tree;

pub use place::{offset, position};
pub use scan::{comma_follows, proofread, scan, unquote};
pub use tree::{Field, Kind, Node, Problem};
