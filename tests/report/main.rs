//! Tables, comparisons and pages from runs made by hand.

mod claims;
mod comparison;
mod fake;
mod faults;
mod fixture;
mod tables;
