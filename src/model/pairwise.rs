//! A sum over a fixed tree: `((0 + 1) + (2 + 3)) + 4`, whoever holds which part.
//!
//! Neighbours of the same height are added as soon as both are there, so at most one sum of each height is
//! kept. Aligned blocks of 2ⁿ parts are subtrees: several processes that hold one block each get the bits
//! of a single one.

/// Parts that came in so far.
pub struct Pairwise<T> {
    /// Sums of 2^height leaves each, heights descending; none of leaves that are all empty.
    sums: Vec<(u32, Option<T>)>,
}

impl<T> Pairwise<T> {
    pub fn new() -> Pairwise<T> {
        Pairwise { sums: Vec::new() }
    }

    /// The next leaf; `add(left, right)` adds to the left. A part that has nothing to add is a leaf all the
    /// same: what comes after it keeps its place.
    pub fn push<E>(&mut self, part: Option<T>, add: impl Fn(&mut T, T) -> Result<(), E>) -> Result<(), E> {
        let (mut height, mut sum) = (0, part);
        while let Some((_, left)) = self.sums.pop_if(|(h, _)| *h == height) {
            (height, sum) = (height + 1, joined(left, sum, &add)?);
        }
        self.sums.push((height, sum));
        Ok(())
    }

    /// The sum of all parts; none where no part had anything.
    pub fn finish<E>(mut self, add: impl Fn(&mut T, T) -> Result<(), E>) -> Result<Option<T>, E> {
        let mut sum = None;
        while let Some((_, left)) = self.sums.pop() {
            sum = joined(left, sum, &add)?;
        }
        Ok(sum)
    }
}

fn joined<T, E>(
    left: Option<T>,
    right: Option<T>,
    add: impl Fn(&mut T, T) -> Result<(), E>,
) -> Result<Option<T>, E> {
    match (left, right) {
        (Some(mut left), Some(right)) => {
            add(&mut left, right)?;
            Ok(Some(left))
        }
        (left, right) => Ok(left.or(right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn add(left: &mut String, right: String) -> Result<(), Infallible> {
        *left = format!("({left}{right})");
        Ok(())
    }

    /// The sum of parts `0..parts`, of which `empty` add nothing.
    fn tree(parts: usize, empty: &[usize]) -> String {
        let mut sum = Pairwise::new();
        for part in 0..parts {
            // What `schema::Train::micro_batch` says of memory.
            assert!(sum.sums.len() as u32 <= parts.ilog2(), "{part} of {parts}");
            let leaf = (!empty.contains(&part)).then(|| part.to_string());
            sum.push(leaf, add).unwrap();
        }
        sum.finish(add).unwrap().unwrap_or_default()
    }

    #[test]
    fn the_tree_is_fixed() {
        let trees = [1, 2, 3, 4, 5, 6, 7].map(|parts| tree(parts, &[]));
        assert_eq!(
            trees,
            [
                "0",
                "(01)",
                "((01)2)",
                "((01)(23))",
                "(((01)(23))4)",
                "(((01)(23))(45))",
                "(((01)(23))((45)6))"
            ]
        );
        assert_eq!(tree(0, &[]), "");
    }

    #[test]
    fn a_part_without_anything_keeps_its_place() {
        assert_eq!(tree(4, &[1]), "(0(23))");
        assert_eq!(tree(6, &[2, 3]), "((01)(45))");
        assert_eq!(tree(7, &[0, 1, 6]), "((23)(45))");
        assert_eq!(tree(3, &[0, 1, 2]), "");
        assert_eq!(tree(5, &[4]), tree(4, &[]));
    }
}
