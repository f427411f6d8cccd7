//! Manifests: what an experiment is, whether it is valid, and what it is pinned to.

pub mod schema;
