//! AdamW, gradient norm and the learning-rate schedule (REFERENCE §4).
