//! What `--set` changed of a manifest, from the two texts that a run keeps.

use super::fields::differences;
use super::text::read_as;
use crate::manifest::schema::Experiment;

/// `path=value` of every field in which the resolved manifest is not the one that was given, its name and words aside;
/// nothing where one of the two cannot be read.
pub fn changed(given: &str, resolved: &str) -> Vec<String> {
    let read = |text: &str| read_as::<Experiment>(text).ok();
    let (Some(given), Some(resolved)) = (read(given), read(resolved)) else { return vec![] };
    let told = |path: &str| !["name", "about"].contains(&path) && !path.starts_with("pins");
    let all = differences(&given, &resolved).into_iter().filter(|d| told(&d.path));
    all.map(|d| format!("{}={}", d.path, d.right.unwrap_or_else(|| "absent".into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::overrides::apply;
    use crate::manifest::testing::{small, SMALL};
    use crate::manifest::text::resolved;

    #[test]
    fn what_was_set_is_told() {
        assert_eq!(changed(SMALL, &resolved(&small())), [""; 0]);
        let set = |e, what: &str| apply(&e, what).unwrap();
        let other = set(set(set(small(), "seeds.init=1"), "train.lr=0.5"), "name=other");
        assert_eq!(changed(SMALL, &resolved(&other)), ["seeds.init=1", "train.lr=0.5"]);
        assert_eq!(changed("(", &resolved(&other)), [""; 0]);
    }
}
