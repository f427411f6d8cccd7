//! Measurements of a trained model, one file each (REFERENCE §5).
