//! Tables, comparisons and pages from runs made by hand.

mod comparison;
mod faults;
mod fixture;
mod tables;
