//! Archives as streams: what is packed (gzip, zstd), and the members of a tar, read with bounded memory.
//!
//! A reader of its own, because a dataset comes from other people: every size is looked at before
//! anything is allocated, a name stays the bytes that it is, and what follows an archive's end is read on
//! (archives one behind the other), padding (zeros), or said.

mod extended;
mod header;
mod members;
mod packed;
mod sparse;

pub use header::Kind;
pub use members::{Member, Members};
pub use packed::Unpacked;
