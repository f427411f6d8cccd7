//! Which positions are input and which are targets (REFERENCE §3).

/// The division of one sample: for each modality (in the manifest's order) ascending positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleMask {
    pub input: Vec<Vec<u32>>,
    pub target: Vec<Vec<u32>>,
}
