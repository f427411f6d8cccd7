//! Tables, comparisons and pages from runs made by hand.

mod check;
mod claims;
mod comparison;
mod fake;
mod faults;
mod fixture;
mod tables;
mod verdicts;
