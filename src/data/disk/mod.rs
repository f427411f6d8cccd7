//! Datasets on disk: found, listed, read in batches, checked and packed.

mod cache;
mod captions;
mod check;
mod discover;
mod divide;
mod entry;
mod file;
mod folder;
mod intake;
mod labels;
mod layout;
mod limits;
mod names;
mod npy;
mod npy_header;
mod open;
mod problems;
mod sink;
mod source;
mod stem;
mod store;
mod unpack;

pub use cache::{entries as cached, Content as CacheContent, Entry as CacheEntry};
pub use captions::captions;
pub use discover::discover;
pub use divide::{divide, Division, Incomplete, Request as DivisionRequest, Stratum};
pub use layout::CAPTIONS;
pub use npy::Array;
pub use stem::{clip_id, clip_source};
pub(super) use store::Mapped;
pub use unpack::archive_files;
