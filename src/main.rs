//! The `nano4m` program.

fn main() {}
