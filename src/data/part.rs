//! The three roles of clips.

/// Role of a split; its folder name is the manifest's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Train,
    Eval,
    Test,
}

impl Part {
    /// All parts, in the order of every list of three.
    pub const ALL: [Part; 3] = [Part::Train, Part::Eval, Part::Test];

    /// The role's name; hashed, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Eval => "eval",
            Part::Test => "test",
        }
    }
}
