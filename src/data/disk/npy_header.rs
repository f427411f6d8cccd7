//! The header of an npy file: a Python dictionary, as whatever wrote the file printed it.

use super::limits::NPY_HEADER;

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the values; of a structured type the list of its fields, as written.
    pub descr: String,
    pub fortran: bool,
    pub shape: Vec<u64>,
}

impl Header {
    /// Header and the bytes after it. (The crates that read npy multiply the shape unchecked, so that a
    /// damaged header would end the program.)
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<(Header, &[u8]), String> {
        let cut = || format!("{} bytes", bytes.len());
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(cut)?;
        let (start, length) = match (rest.first(), rest.get(2..6)) {
            (Some(1), Some(n)) => (4, usize::from(u16::from_le_bytes([n[0], n[1]]))),
            (Some(2 | 3), Some(n)) => (6, u32::from_le_bytes([n[0], n[1], n[2], n[3]]) as usize),
            (Some(version @ (0 | 4..)), _) => return Err(format!("version {version} of the format")),
            _ => return Err(cut()),
        };
        if length > NPY_HEADER {
            return Err(format!("a header of {length} bytes"));
        }
        let (text, values) = rest.get(start..).and_then(|r| r.split_at_checked(length)).ok_or_else(cut)?;
        // Version 1 is Latin-1; only the names of fields of structured types can tell.
        let text = String::from_utf8_lossy(text);
        let header = Dictionary::new(&text).header().ok_or_else(|| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
            format!("the header `{}`", shown.trim())
        })?;
        Ok((header, values))
    }
}

/// A dictionary that is being read.
struct Dictionary<'a> {
    rest: &'a str,
}

impl<'a> Dictionary<'a> {
    fn new(text: &'a str) -> Dictionary<'a> {
        Dictionary { rest: text }
    }

    /// The three entries that matter, in any order; others are passed over.
    fn header(mut self) -> Option<Header> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect("{")?;
        while self.expect("}").is_none() {
            let key = self.text()?;
            self.expect(":")?;
            match key {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran = Some(self.boolean()?),
                "shape" => shape = Some(self.shape()?),
                _ => {
                    self.balanced()?;
                }
            }
            if self.expect(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        Some(Header { descr: descr?, fortran: fortran?, shape: shape? })
    }

    /// Passes over white space and `sign`.
    fn expect(&mut self, sign: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(sign)?;
        Some(())
    }

    /// A text in quotes of either kind, perhaps marked `u` or `b`; nothing in it is escaped.
    fn text(&mut self) -> Option<&'a str> {
        let marked = self.rest.trim_start();
        let quoted = marked.strip_prefix(['u', 'b']).unwrap_or(marked);
        let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (text, rest) = quoted[1..].split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    fn descr(&mut self) -> Option<String> {
        match self.text() {
            Some(text) => Some(text.to_string()),
            None => self.balanced().map(String::from),
        }
    }

    fn boolean(&mut self) -> Option<bool> {
        let written = [("True", true), ("False", false), ("true", true), ("false", false)];
        written.into_iter().find_map(|(word, value)| self.expect(word).map(|()| value))
    }

    /// Numbers in round or square brackets, perhaps with Python 2's `L`.
    fn shape(&mut self) -> Option<Vec<u64>> {
        let close = [("(", ")"), ("[", "]")].into_iter().find(|(open, _)| self.expect(open).is_some())?.1;
        let (inside, rest) = self.rest.split_once(close)?;
        self.rest = rest;
        let numbers = inside.split(',').map(str::trim).filter(|n| !n.is_empty());
        numbers.map(|n| n.strip_suffix('L').unwrap_or(n).parse().ok()).collect()
    }

    /// Any other value, up to the comma or bracket that ends it.
    fn balanced(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let (mut depth, mut quote) = (0usize, None);
        for (at, c) in text.char_indices() {
            match (quote, c) {
                (Some(q), c) if c == q => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '(' | '[' | '{') => depth += 1,
                (None, ',' | '}') if depth == 0 => {
                    self.rest = &text[at..];
                    return Some(text[..at].trim_end());
                }
                (None, ')' | ']' | '}') => depth = depth.checked_sub(1)?,
                _ => {}
            }
        }
        None
    }
}
