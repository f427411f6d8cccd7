//! Intervals, tests and corrections; pure functions.
