//! Datasets on disk: the published layout in every form, every way it can be wrong, and the cache.

mod cached;
mod faults;
mod fixture;
mod forms;
mod tools;
