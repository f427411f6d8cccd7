//! What a run leaves behind, as plain structs: metrics, per-example scores, the record.
