//! How much a file may hold: looked at before anything is done with it.

use super::repairs::Wrong;
use crate::manifest::diagnostic::Finding;
use crate::manifest::syntax::{Kind, Node};

/// Bytes of a file.
pub const FILE_BYTES: u64 = 4 << 20;
/// Entries of one list.
const ENTRIES: usize = 1000;
/// Values in all.
const VALUES: usize = 20_000;

/// The first list that is too long, or that there is too much in all.
pub fn too_much(root: &Node) -> Option<Wrong> {
    let mut values = 0;
    let mut open = vec![(String::new(), root)];
    while let Some((path, node)) = open.pop() {
        let children: Vec<(String, &Node)> = match &node.kind {
            Kind::Scalar => Vec::new(),
            Kind::Fields { fields, .. } => fields.iter().map(|f| (f.key.clone(), &f.value)).collect(),
            Kind::Items { items, .. } => items.iter().map(|item| (String::new(), item)).collect(),
        };
        values += children.len();
        if children.len() > ENTRIES {
            let what = if path.is_empty() {
                "too many entries".into()
            } else {
                format!("`{path}` has too many entries")
            };
            let finding = Finding::error(path, what).found(children.len());
            return Some(wrong(finding.expected(format!("at most {ENTRIES}")), node));
        }
        open.extend(children);
    }
    let finding = Finding::error("", "the file holds too many values").found(values);
    (values > VALUES).then(|| wrong(finding.expected(format!("at most {VALUES}")), root))
}

fn wrong(finding: Finding, node: &Node) -> Wrong {
    Wrong { finding, span: node.start..node.end }
}
