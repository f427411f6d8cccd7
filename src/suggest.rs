//! "did you mean": the nearest of a few known names.

use crate::fault::{listed, shortened};

/// Characters of a name that may be meant: to compare two takes the product of their lengths, in time and memory.
const LONGEST: usize = 256;
/// Names that a hint lists; the rest is counted.
const LISTED: usize = 64;

/// The candidate most like `word`, if one is near enough to be meant.
///
/// Near: equal up to case, one contains the other (`rgb` in `tok_rgb@196`), a third of the letters
/// differ at most, Jaro–Winkler similarity above 0.87, or the same parts between underscores. What is longer
/// than any name is near nothing.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_name = |text: &str| text.chars().nth(LONGEST).is_none();
    if !is_name(word) {
        return None;
    }
    let lower = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates.into_iter().filter(|candidate| is_name(candidate)) {
        let near = nearness(&lower, &candidate.to_lowercase());
        if near > 0.0 && best.is_none_or(|(b, _)| near > b) {
            best = Some((near, candidate));
        }
    }
    best.map(|(_, name)| name)
}

/// 0 when not near; larger is nearer.
fn nearness(word: &str, candidate: &str) -> f64 {
    if word.is_empty() || candidate.is_empty() {
        return 0.0;
    }
    let similarity = strsim::jaro_winkler(word, candidate);
    let distance = strsim::damerau_levenshtein(word, candidate);
    let contained =
        word.len().min(candidate.len()) >= 3 && (candidate.contains(word) || word.contains(candidate));
    let letters = word.chars().count();
    let near = (distance <= (letters / 3).max(1) && distance < letters)
        || similarity > 0.87
        || sorted_parts(word) == sorted_parts(candidate);
    match (near, contained) {
        (true, _) => 1.0 + similarity,
        (false, true) => similarity,
        (false, false) => 0.0,
    }
}

/// `lr_min` and `min_lr` have the same parts.
fn sorted_parts(name: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = name.split('_').collect();
    parts.sort_unstable();
    parts
}

/// "did you mean `x`?", or the list of what there is.
pub fn hint<'a>(word: &str, kind: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(word, candidates.clone()) {
        return format!("did you mean `{name}`?");
    }
    let all: Vec<String> = candidates.into_iter().map(|c| format!("`{}`", shortened(c, LONGEST))).collect();
    if all.is_empty() {
        format!("there are no {kind}")
    } else {
        format!("{kind}: {}", listed(&all, LISTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let modalities = ["tok_rgb@196", "tok_audio@512", "scene_desc"];
        assert_eq!(nearest("tok_rbg@196", modalities), Some("tok_rgb@196"));
        assert_eq!(nearest("audio", modalities), Some("tok_audio@512"));
        assert_eq!(nearest("scene", modalities), Some("scene_desc"));
        assert_eq!(nearest("thermal", modalities), None);
        assert_eq!(nearest("lr_min", ["lr", "min_lr", "loss"]), Some("min_lr"));
        assert_eq!(nearest("LR", ["lr"]), Some("lr"));
        assert_eq!(nearest("", ["lr"]), None);
        assert_eq!(nearest("a", ["b"]), None);
    }

    #[test]
    fn a_hint_lists_what_there_is() {
        assert_eq!(hint("x", "fields", ["lr", "eps"]), "fields: `lr`, `eps`");
        assert_eq!(hint("esp", "fields", ["lr", "eps"]), "did you mean `eps`?");
        assert_eq!(hint("esp", "fields", []), "there are no fields");
        let many: Vec<String> = (0..100).map(|i| format!("f{i}")).collect();
        assert!(hint("?", "fields", many.iter().map(String::as_str)).ends_with("`f63` and 36 more"));
    }

    /// Compared, two such names would take hundreds of gigabytes.
    #[test]
    fn a_name_of_any_length_is_near_nothing() {
        let (word, other) = ("a".repeat(1 << 20), "b".repeat(1 << 20));
        assert_eq!(nearest(&word, [other.as_str(), "a"]), None);
        assert_eq!(nearest("lr_min", [other.as_str(), "min_lr"]), Some("min_lr"));
        assert!(hint(&word, "fields", [other.as_str()]).len() < 400);
    }
}
