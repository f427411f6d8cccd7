//! Everything wrong with a dataset, told at once.

use crate::fault::{Fault, Result};
use std::fmt::Write;

/// Problems shown in full; the rest is counted.
const SHOWN: usize = 20;

/// Problems kept at a time: of more, the first by place.
const KEPT: usize = 1000;

/// Problems, told in the order of their places.
#[derive(Default)]
pub struct Problems {
    kept: Vec<Fault>,
    /// Found beside those that are kept.
    more: usize,
}

impl Problems {
    pub fn push(&mut self, fault: Fault) {
        self.kept.push(fault);
        if self.kept.len() == KEPT {
            self.sort();
            self.kept.truncate(SHOWN);
            self.more += KEPT - SHOWN;
        }
    }

    fn sort(&mut self) {
        self.kept.sort_by(|a, b| (&a.place, &a.what, &a.found).cmp(&(&b.place, &b.what, &b.found)));
    }

    /// A single problem as it is; several as one fault that lists the first by place, and counts the rest.
    pub fn into_result(mut self, dataset: &str) -> Result<()> {
        let all = self.kept.len() + self.more;
        if all < 2 {
            return self.kept.pop().map_or(Ok(()), Err);
        }
        self.sort();
        let mut what = format!("{all} problems in the dataset");
        for fault in self.kept.iter().take(SHOWN) {
            what.push_str("\n  ");
            line(&mut what, fault);
        }
        if all > SHOWN {
            let _ = write!(what, "\n  … and {} more", all - SHOWN);
        }
        let mut fault = Fault::invalid(what).at(dataset);
        fault.help = self.kept.swap_remove(0).help;
        Err(fault)
    }
}

/// `place: what (found x; expected y)`.
fn line(out: &mut String, fault: &Fault) {
    if let Some(place) = &fault.place {
        let _ = write!(out, "{place}: ");
    }
    out.push_str(&fault.what);
    let parts = [("found", &fault.found), ("expected", &fault.expected)];
    let parts: Vec<String> =
        parts.iter().filter_map(|(name, part)| part.as_ref().map(|p| format!("{name} {p}"))).collect();
    if !parts.is_empty() {
        let _ = write!(out, " ({})", parts.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_is_told_as_it_is() {
        let fault = || Fault::invalid("bad").at("x.npy").help("fix it");
        let mut problems = Problems::default();
        assert_eq!(Problems::default().into_result("d"), Ok(()));
        problems.push(fault());
        assert_eq!(problems.into_result("d"), Err(fault()));
    }

    #[test]
    fn many_problems_are_sorted_and_capped() {
        let mut problems = Problems::default();
        for i in (0..25).rev() {
            problems.push(Fault::invalid("bad").at(format!("{i:02}.npy")).found(i).expected(0));
        }
        let fault = problems.into_result("d.tar").unwrap_err();
        assert!(fault
            .what
            .starts_with("25 problems in the dataset\n  00.npy: bad (found 0; expected 0)\n  01"));
        assert!(fault.what.ends_with("19.npy: bad (found 19; expected 0)\n  … and 5 more"));
        assert_eq!(fault.place.as_deref(), Some("d.tar"));
    }

    #[test]
    fn no_number_of_problems_fills_the_memory() {
        let mut problems = Problems::default();
        for i in (0..5000).rev() {
            problems.push(Fault::invalid("bad").at(format!("{i:04}.npy")));
            assert!(problems.kept.len() < KEPT);
        }
        let fault = problems.into_result("d.tar").unwrap_err();
        assert!(fault.what.starts_with("5000 problems in the dataset\n  0000.npy: bad\n  0001"));
        assert!(fault.what.ends_with("0019.npy: bad\n  … and 4980 more"));
    }
}
