//! `--where PATH<VALUE`: one condition on a field of a run.

use crate::fault::{Fault, Result};
use serde_json::Value;
use std::cmp::Ordering;

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longer of two operators that begin alike comes first.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// A condition; a run without the field does not meet it, whatever the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub path: String,
    operator: Operator,
    value: String,
}

impl Filter {
    /// From `train.lr<1e-3`.
    ///
    /// # Errors
    /// Exit 2 if there is no operator, no path or no value.
    pub fn parse(text: &str) -> Result<Filter> {
        let wrong = |what: &str| {
            Fault::invalid(what)
                .at(format!("--where {text:?}"))
                .expected("FIELD, one of = != < <= > >=, VALUE; e.g. train.lr<1e-3")
                .help("quote it for the shell: --where 'train.lr<1e-3'")
        };
        let at = comparison(text).ok_or_else(|| wrong("a filter without a comparison"))?;
        let (path, rest) = text.split_at(at);
        let (sign, operator) = OPERATORS
            .into_iter()
            .find(|(sign, _)| rest.starts_with(sign))
            .ok_or_else(|| wrong("`!` alone is not a comparison"))?;
        let (path, value) = (path.trim(), rest[sign.len()..].trim());
        // `==` and `=>` are slips of the pen, not values that begin with a sign.
        if value.starts_with(['=', '<', '>']) {
            return Err(wrong("an unknown comparison").found(&rest[..sign.len() + 1]));
        }
        match (path, value) {
            ("", _) => Err(wrong("a filter without a field")),
            (_, "") => Err(wrong("a filter without a value")),
            _ => Ok(Filter { path: path.into(), operator, value: unquoted(value) }),
        }
    }

    /// Whether a run whose field holds `found` is listed.
    pub fn meets(&self, found: Option<&Value>) -> bool {
        let Some(found) = found.filter(|v| !v.is_null()) else { return false };
        let order = compare(found, &Value::String(self.value.clone()));
        match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            // A word is neither below nor above a number.
            _ if number(found).is_some() != self.number().is_some() => false,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
        }
    }

    fn number(&self) -> Option<f64> {
        number(&Value::String(self.value.clone()))
    }
}

/// Where the operator begins; the arrow of `retrieval/a->b/r1` is none.
fn comparison(text: &str) -> Option<usize> {
    let signs = text.match_indices(['=', '!', '<', '>']).map(|(at, _)| at);
    signs.into_iter().find(|&at| !(text[at..].starts_with('>') && text[..at].ends_with('-')))
}

/// Numbers by value, everything else by its text (times are RFC 3339, so that is their order);
/// numbers come before words, and what is absent last.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => (a.is_null(), text(a)).cmp(&(b.is_null(), text(b))),
    }
}

/// A finite number, also one written as a person would: `600_000_000`.
fn number(value: &Value) -> Option<f64> {
    let x: f64 = match value {
        Value::Number(n) => n.as_f64()?,
        Value::String(s) if s.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            s.replace('_', "").parse().ok()?
        }
        _ => return None,
    };
    // −0 and 0 are one number.
    x.is_finite().then_some(x + 0.0)
}

/// A value as a table shows it.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

fn unquoted(value: &str) -> String {
    value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meets(filter: &str, found: Value) -> bool {
        Filter::parse(filter).unwrap().meets(Some(&found))
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(meets("train.lr<1e-3", json!(0.0005)));
        assert!(!meets("train.lr<1e-3", json!(0.001)));
        assert!(meets("train.lr<=1e-3", json!(0.001)));
        assert!(meets("train.lr=1e-3", json!(0.001)));
        assert!(meets("train.tokens >= 600_000_000", json!(600000000)));
        assert!(meets("step!=3", json!(4)) && !meets("step!=3", json!(3)));
        assert!(meets("x>-0.5", json!(0)));
        assert!(meets("x=0", json!(-0.0)));
    }

    #[test]
    fn words_compare_by_text_and_never_with_numbers() {
        assert!(meets("state=finished", json!("finished")) && meets("state!=failed", json!("finished")));
        assert!(meets("started>2026-01-01", json!("2026-01-03T00:00:00Z")));
        assert!(meets("name=\"a b\"", json!("a b")));
        assert!(meets("pinned=true", json!(true)));
        assert!(!meets("train.clip<2", json!("None")) && !meets("train.clip>2", json!("None")));
        assert!(!meets("step<inf", json!(3)), "infinity is a word");
    }

    #[test]
    fn a_run_without_the_field_meets_nothing() {
        for filter in ["x=1", "x!=1", "x<1", "x>1"] {
            assert!(!Filter::parse(filter).unwrap().meets(None));
            assert!(!meets(filter, Value::Null));
        }
    }

    #[test]
    fn an_arrow_is_part_of_the_field() {
        for text in ["retrieval/a->b/r1>5", "retrieval/a->b/r1 > 5"] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!((filter.path.as_str(), filter.value.as_str()), ("retrieval/a->b/r1", "5"));
        }
        let filter = Filter::parse("directions/a->b!=5").unwrap();
        assert_eq!((filter.path.as_str(), filter.operator), ("directions/a->b", Operator::NotEqual));
    }

    #[test]
    fn what_is_not_a_condition_is_refused() {
        for (text, part) in [
            ("train.lr", "without a comparison"),
            ("<3", "without a field"),
            ("train.lr<", "without a value"),
            ("train.lr==3", "unknown comparison"),
            ("train.lr=<3", "unknown comparison"),
            ("a!b", "not a comparison"),
            ("retrieval/a->b/r1", "without a comparison"),
        ] {
            assert!(Filter::parse(text).unwrap_err().what.contains(part), "{text}");
        }
    }

    #[test]
    fn the_order_of_unlike_values() {
        let mut values = [json!(null), json!("b"), json!(10), json!("9"), json!("a")];
        values.sort_by(compare);
        assert_eq!(values, [json!("9"), json!(10), json!("a"), json!("b"), json!(null)]);
    }
}
