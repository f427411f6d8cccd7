//! A RON text as a tree of spans.

/// A value: bytes `start..end` of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// What a value is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Number, string, character, unit variant, `None`, `true`.
    Scalar,
    /// `(a: 1)`, `Name(a: 1)` or `{"a": 1}`.
    Fields { name: Option<String>, map: bool, fields: Vec<Field> },
    /// `[1, 2]`, `(1, 2)` or `Name(1)`.
    Items { name: Option<String>, items: Vec<Node> },
}

impl Kind {
    /// What stands before the bracket.
    pub fn name(&self) -> Option<&str> {
        match self {
            Kind::Scalar => None,
            Kind::Fields { name, .. } | Kind::Items { name, .. } => name.as_deref(),
        }
    }
}

/// `key: value`; the key starts at byte `start`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub key: String,
    pub start: usize,
    pub value: Node,
}

/// What is wrong with the writing at bytes `start..end`, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub start: usize,
    pub end: usize,
    pub what: String,
    /// Whether what follows can still be read as it was meant.
    pub slight: bool,
}
