//! A sum over a fixed tree: `((0 + 1) + (2 + 3)) + 4`, whoever holds which part.
//!
//! Neighbours of the same height are added as soon as both are there, so at most one sum of each height is
//! kept. Aligned blocks of 2ⁿ parts are subtrees: several processes that hold one block each get the bits
//! of a single one.

/// Parts that came in so far.
pub struct Pairwise<T> {
    /// Sums of 2^height parts each, heights descending.
    sums: Vec<(u32, T)>,
}

impl<T> Pairwise<T> {
    pub fn new() -> Pairwise<T> {
        Pairwise { sums: Vec::new() }
    }

    /// The next part; `add(left, right)` adds to the left.
    pub fn push<E>(&mut self, part: T, add: impl Fn(&mut T, T) -> Result<(), E>) -> Result<(), E> {
        let (mut height, mut sum) = (0, part);
        while let Some((_, mut left)) = self.sums.pop_if(|(h, _)| *h == height) {
            add(&mut left, sum)?;
            (height, sum) = (height + 1, left);
        }
        self.sums.push((height, sum));
        Ok(())
    }

    /// The sum of all parts; none without parts.
    pub fn finish<E>(mut self, add: impl Fn(&mut T, T) -> Result<(), E>) -> Result<Option<T>, E> {
        let Some((_, mut sum)) = self.sums.pop() else { return Ok(None) };
        while let Some((_, mut left)) = self.sums.pop() {
            add(&mut left, sum)?;
            sum = left;
        }
        Ok(Some(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn tree(parts: usize) -> String {
        let add = |left: &mut String, right: String| -> Result<(), Infallible> {
            *left = format!("({left}{right})");
            Ok(())
        };
        let mut sum = Pairwise::new();
        for part in 0..parts {
            sum.push(part.to_string(), add).unwrap();
            assert!(sum.sums.len() <= 3);
        }
        sum.finish(add).unwrap().unwrap_or_default()
    }

    #[test]
    fn the_tree_is_fixed() {
        let trees = [1, 2, 3, 4, 5, 6, 7].map(tree);
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
        assert_eq!(tree(0), "");
    }
}
