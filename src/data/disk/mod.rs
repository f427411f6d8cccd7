//! Datasets on disk: found, listed, read in batches, checked and packed.

mod cache;
mod check;
mod discover;
mod divide;
mod file;
mod intake;
mod labels;
mod layout;
mod npy;
mod open;
mod problems;
mod source;
mod stem;
mod store;

pub use cache::{entries as cached, Content as CacheContent, Entry as CacheEntry};
pub use discover::discover;
pub use divide::{divide, Division, Stratum};
pub use layout::CAPTIONS;
pub use stem::{clip_id, clip_source};
pub(super) use store::Mapped;
