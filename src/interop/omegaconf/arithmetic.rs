//! `${eval:'…'}`: the launcher gives its text to Python. Arithmetic on numbers is done here, nothing else.

use super::node::Node;

/// Parentheses and signs inside each other.
const DEEPEST: usize = 32;

/// The value of `+ - * / // % **` and parentheses on numbers, as Python computes them; `None` for anything
/// else, for what has no value, and for whole numbers beyond 64 bits.
pub fn evaluate(text: &str) -> Option<Node> {
    let mut rest = Rest { text: text.as_bytes(), depth: 0 };
    let value = rest.sum()?;
    rest.space();
    let node = match value {
        Value::Whole(n) => Node::Whole(n),
        Value::Float(x) => Node::Number(x),
    };
    (rest.text.is_empty() && value.float().is_finite()).then_some(node)
}

#[derive(Clone, Copy)]
enum Value {
    Whole(i64),
    Float(f64),
}

impl Value {
    fn float(self) -> f64 {
        match self {
            Value::Whole(n) => n as f64,
            Value::Float(x) => x,
        }
    }
}

struct Rest<'t> {
    text: &'t [u8],
    depth: usize,
}

impl Rest<'_> {
    fn space(&mut self) {
        self.text = self.text.trim_ascii_start();
    }

    fn take(&mut self, what: &str) -> bool {
        self.space();
        let rest = self.text.strip_prefix(what.as_bytes());
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn sum(&mut self) -> Option<Value> {
        let mut left = self.product()?;
        loop {
            left = if self.take("+") {
                both(left, self.product()?, i64::checked_add, |a, b| a + b)?
            } else if self.take("-") {
                both(left, self.product()?, i64::checked_sub, |a, b| a - b)?
            } else {
                return Some(left);
            };
        }
    }

    fn product(&mut self) -> Option<Value> {
        let mut left = self.signed()?;
        loop {
            left = if self.take("//") {
                both(left, self.divisor()?, floor_div, |a, b| (a / b).floor())?
            } else if self.take("/") {
                Value::Float(left.float() / self.divisor()?.float())
            } else if self.take("%") {
                both(left, self.divisor()?, floor_rem, |a, b| a - b * (a / b).floor())?
            } else if self.take("*") {
                both(left, self.signed()?, i64::checked_mul, |a, b| a * b)?
            } else {
                return Some(left);
            };
        }
    }

    fn divisor(&mut self) -> Option<Value> {
        self.signed().filter(|value| value.float() != 0.0)
    }

    /// A sign binds less than `**` to its right: `-2 ** 2` is -4.
    fn signed(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = if self.take("-") {
            both(Value::Whole(0), self.signed()?, i64::checked_sub, |a, b| a - b)
        } else if self.take("+") {
            self.signed()
        } else {
            self.power()
        };
        self.depth -= 1;
        value
    }

    fn power(&mut self) -> Option<Value> {
        let base = self.atom()?;
        if !self.take("**") {
            return Some(base);
        }
        let exponent = self.signed()?;
        match (base, exponent) {
            (Value::Whole(a), Value::Whole(b)) if b >= 0 => {
                Some(Value::Whole(a.checked_pow(u32::try_from(b).ok()?)?))
            }
            _ => Some(Value::Float(base.float().powf(exponent.float()))),
        }
    }

    fn atom(&mut self) -> Option<Value> {
        if self.take("(") {
            let value = self.sum()?;
            return self.take(")").then_some(value);
        }
        self.space();
        let is_part = |(i, byte): (usize, &u8)| match byte {
            b'0'..=b'9' | b'.' | b'e' | b'E' | b'_' => true,
            // The sign of an exponent.
            b'+' | b'-' => i > 0 && matches!(self.text[i - 1], b'e' | b'E'),
            _ => false,
        };
        let end = self.text.iter().enumerate().position(|part| !is_part(part)).unwrap_or(self.text.len());
        let number = std::str::from_utf8(&self.text[..end]).ok()?.replace('_', "");
        self.text = &self.text[end..];
        let whole = number.parse().ok().map(Value::Whole);
        whole.or_else(|| number.parse().ok().filter(|x: &f64| x.is_finite()).map(Value::Float))
    }
}

/// Two whole numbers stay whole.
fn both(a: Value, b: Value, whole: fn(i64, i64) -> Option<i64>, float: fn(f64, f64) -> f64) -> Option<Value> {
    match (a, b) {
        (Value::Whole(a), Value::Whole(b)) => whole(a, b).map(Value::Whole),
        _ => Some(Value::Float(float(a.float(), b.float()))),
    }
}

/// Towards minus infinity.
fn floor_div(a: i64, b: i64) -> Option<i64> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    Some(quotient - i64::from(rest != 0 && (rest < 0) != (b < 0)))
}

/// With the sign of the divisor.
fn floor_rem(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_that_of_python() {
        for (text, value) in [
            ("64 * 4", Node::Whole(256)),
            ("2 + 3 * 4", Node::Whole(14)),
            ("(2 + 3) * -4", Node::Whole(-20)),
            ("7 // 2 + 7 % 2", Node::Whole(4)),
            ("-7 // 2", Node::Whole(-4)),
            ("-7 % 3", Node::Whole(2)),
            ("-2 ** 2", Node::Whole(-4)),
            ("2 ** 3 ** 2", Node::Whole(512)),
            ("1 / 2", Node::Number(0.5)),
            ("3e-4 * 2", Node::Number(6e-4)),
            ("1_000", Node::Whole(1000)),
        ] {
            assert_eq!(evaluate(text), Some(value), "{text}");
        }
    }

    #[test]
    fn anything_else_has_no_value() {
        let deep = "(".repeat(100_000);
        let large = ["9".repeat(30), " ** 99".into()].concat();
        for text in [
            "",
            "x",
            "1 +",
            "1 / 0",
            "1 // 0",
            "5 % 0",
            "__import__('os')",
            "2 ** 99",
            "(1",
            "1 2",
            &deep,
            &large,
            "1e999",
        ] {
            assert_eq!(evaluate(text), None, "{text:.40}");
        }
    }
}
