//! Paths of a manifest.

/// Whether `path` is `outer` or a part of it.
pub fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
