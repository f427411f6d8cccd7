//! Numbers and strings as RON writes them, and what was meant where they are not.

use crate::manifest::syntax::unquote;

pub const WHOLE: &str = "a whole number, without point or exponent: 600_000_000";
const FITS: &str = "a whole number, 0 or more, that fits its field";

/// A whole number of 0 to `most`.
///
/// # Errors
/// What is expected instead.
pub fn unsigned(text: &str, most: u64) -> Result<u64, &'static str> {
    match ron::from_str::<u64>(text) {
        Ok(value) if value <= most => Ok(value),
        Ok(_) => Err(FITS),
        Err(_) => {
            let digits = text.trim_start_matches(['-', '+']);
            let whole = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '_');
            Err(if whole { FITS } else { WHOLE })
        }
    }
}

/// `16.0`, `6e8` and `"16"` as the whole numbers they stand for.
pub fn meant_unsigned(text: &str, most: u64) -> Option<u64> {
    let bare = unquote(text);
    let number = number(bare.trim())?;
    let whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
    (whole && number as u64 <= most).then_some(number as u64)
}

/// A number.
pub fn number(text: &str) -> Option<f64> {
    ron::from_str(text).ok()
}

/// `"0.5"` as the number it stands for.
pub fn meant_number(text: &str) -> Option<f64> {
    number(unquote(text).trim())
}

/// A string in quotes.
pub fn string(text: &str) -> Option<String> {
    ron::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_meant() {
        assert_eq!(unsigned("1_000", 5000), Ok(1000));
        assert_eq!((unsigned("7", 5), unsigned("-1", 5)), (Err(FITS), Err(FITS)));
        assert_eq!(
            (unsigned("99999999999999999999999", u64::MAX), unsigned("1.5", 5)),
            (Err(FITS), Err(WHOLE))
        );
        for (text, expected) in [
            ("16.0", Some(16)),
            ("6e2", Some(600)),
            ("\"16\"", Some(16)),
            ("1.5", None),
            ("-1", None),
            ("1e300", None),
        ] {
            assert_eq!(meant_unsigned(text, 1000), expected, "{text}");
        }
        assert_eq!((meant_number("\"1e-3\""), meant_number("fast")), (Some(1e-3), None));
    }
}
