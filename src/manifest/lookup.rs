//! Paths such as `train.lr`, `modalities[1].vocab` or `modalities.tok_rgb@196.masking` in a tree of spans.

use super::syntax::{unquote, Kind, Node};

/// How far a path could be followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match<'t, 'p> {
    /// The deepest value on the path that exists.
    pub node: &'t Node,
    /// Byte where its key, or the value itself, starts.
    pub start: usize,
    /// What of the path is left (empty: everything was found), without a leading dot.
    pub rest: &'p str,
}

/// Follows `path` from the root of `text` as far as it goes.
pub fn follow<'t, 'p>(text: &str, root: &'t Node, path: &'p str) -> Match<'t, 'p> {
    let mut found = Match { node: root, start: root.start, rest: path };
    while !found.rest.is_empty() {
        match step(text, found.node, found.rest) {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

fn step<'t, 'p>(text: &str, node: &'t Node, path: &'p str) -> Option<Match<'t, 'p>> {
    match &node.kind {
        Kind::Scalar => None,
        // The longest key wins: map keys may contain dots.
        Kind::Fields { fields, .. } => fields
            .iter()
            .filter_map(|f| {
                strip_key(path, &f.key)
                    .map(|rest| (f.key.len(), Match { node: &f.value, start: f.start, rest }))
            })
            .max_by_key(|(length, _)| *length)
            .map(|(_, found)| found),
        Kind::Items { items, .. } => indexed(items, path)
            .or_else(|| named(text, items, path))
            .map(|(node, rest)| Match { node, start: node.start, rest })
            // `Some(x)` and `Directions([x])`: the wrapper is transparent.
            .or_else(|| match items.as_slice() {
                [only] => step(text, only, path),
                _ => None,
            }),
    }
}

/// What follows `key` in `path`, if `path` begins with exactly that key.
fn strip_key<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(key)?;
    match rest.chars().next() {
        None | Some('[') => Some(rest),
        Some('.') => Some(&rest[1..]),
        _ => None,
    }
}

fn indexed<'t, 'p>(items: &'t [Node], path: &'p str) -> Option<(&'t Node, &'p str)> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    let node = items.get(index.trim().parse::<usize>().ok()?)?;
    Some((node, rest.strip_prefix('.').unwrap_or(rest)))
}

fn named<'t, 'p>(text: &str, items: &'t [Node], path: &'p str) -> Option<(&'t Node, &'p str)> {
    items
        .iter()
        .filter_map(|item| {
            let name = item_name(text, item)?;
            strip_key(path, &name).map(|rest| (name.len(), (item, rest)))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, found)| found)
}

/// What an item of a list goes by: its `name` field, its variant, or its own text.
pub fn item_name(text: &str, item: &Node) -> Option<String> {
    match &item.kind {
        Kind::Fields { fields, name, .. } => fields
            .iter()
            .find(|f| f.key == "name")
            .map(|f| unquote(&text[f.value.start..f.value.end]))
            .or_else(|| name.clone()),
        Kind::Items { name, .. } => name.clone(),
        Kind::Scalar => Some(unquote(&text[item.start..item.end])),
    }
}

/// The names that can follow at `node`: field and map keys, or the names of a list's items.
pub fn names(text: &str, node: &Node) -> Vec<String> {
    match &node.kind {
        Kind::Scalar => Vec::new(),
        Kind::Fields { fields, .. } => fields.iter().map(|f| f.key.clone()).collect(),
        Kind::Items { items, .. } => match items.as_slice() {
            [only] if matches!(only.kind, Kind::Items { .. }) => names(text, only),
            _ => items.iter().filter_map(|i| item_name(text, i)).collect(),
        },
    }
}

/// Every scalar of `text` with its path, in the order of the text.
pub fn leaves(text: &str, root: &Node) -> Vec<(String, String)> {
    let mut out = Vec::new();
    collect(text, root, String::new(), &mut out);
    out
}

/// Path and node of the innermost value around byte `at`.
pub fn around(root: &Node, at: usize) -> (String, &Node) {
    let (mut path, mut node) = (String::new(), root);
    loop {
        let next = match &node.kind {
            Kind::Scalar => None,
            Kind::Fields { fields, .. } => {
                fields.iter().find(|f| f.start <= at && at <= f.value.end).map(|f| {
                    let dot = if path.is_empty() { "" } else { "." };
                    (format!("{path}{dot}{}", f.key), &f.value)
                })
            }
            Kind::Items { items, .. } => items
                .iter()
                .position(|i| i.start <= at && at <= i.end)
                .map(|i| (format!("{path}[{i}]"), &items[i])),
        };
        match next {
            Some((p, n)) => (path, node) = (p, n),
            None => return (path, node),
        }
    }
}

fn collect(text: &str, node: &Node, path: String, out: &mut Vec<(String, String)>) {
    match &node.kind {
        Kind::Fields { fields, .. } if !fields.is_empty() => {
            for f in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(text, &f.value, format!("{path}{dot}{}", f.key), out);
            }
        }
        Kind::Items { items, .. } if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                collect(text, item, format!("{path}[{i}]"), out);
            }
        }
        _ => out.push((path, text[node.start..node.end].to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::scan;
    use super::*;

    const TEXT: &str = r#"Experiment(
        train: (lr: 1e-4, betas: (0.9, 0.95), clip: Some(1.5)),
        masking: (input_alphas: {"a.b@4": 0.5, "a": 2.0}),
        modalities: [(name: "a", vocab: 3), (name: "a.b@4", vocab: 9, masking: Span(stride: 2))],
        probes: [CrossEntropy(masks: 2), Directions([(share: 0.5)])],
    )"#;

    fn value(path: &str) -> (&'static str, &str) {
        let root = scan(TEXT);
        let found = follow(TEXT, &root, path);
        (&TEXT[found.node.start..found.node.end], found.rest)
    }

    #[test]
    fn paths_reach_their_values() {
        for (path, expected) in [
            ("train.lr", "1e-4"),
            ("train.betas[1]", "0.95"),
            ("modalities[1].vocab", "9"),
            ("modalities.a.b@4.masking.stride", "2"),
            ("modalities.a.vocab", "3"),
            ("masking.input_alphas.a.b@4", "0.5"),
            ("masking.input_alphas.a", "2.0"),
            ("probes.CrossEntropy.masks", "2"),
            ("probes[1][0].share", "0.5"),
        ] {
            assert_eq!(value(path), (expected, ""), "{path}");
        }
    }

    #[test]
    fn a_path_stops_where_it_leaves_the_tree() {
        assert_eq!(value("train.lr.x").1, "x");
        assert_eq!(value("train.rate").1, "rate");
        assert_eq!(value("modalities[2].vocab").1, "[2].vocab");
        assert_eq!(value("modalities.tok.vocab").1, "tok.vocab");
        assert_eq!(value("train.l").1, "l");
    }

    #[test]
    fn a_byte_has_a_path() {
        let root = scan(TEXT);
        let at = |needle: &str| around(&root, TEXT.find(needle).unwrap()).0;
        assert_eq!(at("0.95"), "train.betas[1]");
        assert_eq!(at("stride"), "modalities[1].masking.stride");
    }

    #[test]
    fn leaves_name_every_scalar() {
        let root = scan(TEXT);
        let all = leaves(TEXT, &root);
        assert!(all.contains(&("train.betas[0]".into(), "0.9".into())));
        assert!(all.contains(&("modalities[1].masking.stride".into(), "2".into())));
        assert!(all.iter().all(|(path, _)| follow(TEXT, &root, path).rest.is_empty()));
    }
}
