//! Datasets on disk: the published layout in every form, every way it can be wrong, and the cache.

mod archives;
mod bounds;
mod cached;
mod division;
mod faults;
mod fixture;
mod forms;
mod names;
mod natures;
mod spellings;
mod tools;
