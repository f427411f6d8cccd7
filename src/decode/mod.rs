//! Iterative decoding: ROAR and MaskGIT (REFERENCE §6).
