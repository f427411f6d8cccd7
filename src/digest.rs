//! SHA-256 of canonical bytes.
