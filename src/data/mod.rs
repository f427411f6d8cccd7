//! Datasets: reading the published layout, checking it, hashing its content, packing it, making synthetic ones.
//!
//! ```text
//! {root}/{split}/{modality}/{stem}.npy     tokens [K, length] or [length]
//! {root}/{split}/{caption}/{stem}.json     K caption strings
//! {root}/labels.csv                        optional: a column `stem` and class columns
//! ```
//! as a directory, `.tar`, `.tar.gz` or `.tar.zst` (the root folder inside an archive may have any
//! name, or none). Whatever the form, the same content has the same hash (`content`), and tokens
//! are read from a packed, memory-mapped store built once (`cache`).

mod archive;
mod classes;
mod content;
mod contents;
mod dataset;
mod disk;
mod inspect;
mod part;
mod parts;
mod split;
pub mod synthetic;
mod target;
pub mod text;
mod write;

pub use contents::Clip;
pub use dataset::Dataset;
pub use disk::{archive_files, captions, Array};
pub use disk::{cached, CacheContent, CacheEntry};
pub use disk::{clip_id, clip_source, discover, CAPTIONS};
pub use disk::{divide, Division, DivisionRequest, Incomplete, Stratum};
pub use inspect::{ClassSummary, ModalitySummary, SplitSummary, Summary};
pub use part::Part;
pub use parts::ClipData;
pub use split::Split;
pub use text::Vocabulary;
