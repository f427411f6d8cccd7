//! Headers about the member that follows: POSIX's extended records and GNU's long names.

use super::header::damaged;
use std::io::Result;

/// Bound of all that is said about one member ahead of it, bytes.
pub const LONGEST: u64 = 1 << 20;

/// What was said about the next member.
#[derive(Debug, Default)]
pub struct Extended {
    pub name: Option<Vec<u8>>,
    pub size: Option<u64>,
    /// Name, real size, version and map of a file with holes (`GNU.sparse.…`).
    pub sparse_name: Option<Vec<u8>>,
    pub sparse_size: Option<u64>,
    pub sparse_major: Option<u64>,
    /// Offset and length one after another, of the forms that write the map into the header.
    pub sparse_map: Vec<u64>,
}

impl Extended {
    /// Adds the records `LENGTH KEY=VALUE\n` of an extended header.
    ///
    /// # Errors
    /// If they are cut or no records, or a size is no number.
    pub fn add(&mut self, mut records: &[u8]) -> Result<()> {
        let bad = || damaged("a damaged extended header");
        while !records.is_empty() {
            // Some programs pad with zeros.
            if records.iter().all(|&b| b == 0) {
                return Ok(());
            }
            let space = records.iter().take(12).position(|&b| b == b' ').ok_or_else(bad)?;
            let length = usize::try_from(decimal(&records[..space]).ok_or_else(bad)?).map_err(|_| bad())?;
            if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
                return Err(bad());
            }
            let record = &records[space + 1..length - 1];
            let equals = record.iter().position(|&b| b == b'=').ok_or_else(bad)?;
            self.set(&record[..equals], &record[equals + 1..]).ok_or_else(bad)?;
            records = &records[length..];
        }
        Ok(())
    }

    /// One record; `None` when its value is no number where one is needed.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            // An empty value takes a record back.
            b"path" => self.name = Some(value.to_vec()).filter(|v| !v.is_empty()),
            b"size" if value.is_empty() => self.size = None,
            b"size" => self.size = Some(decimal(value)?),
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse_size = Some(decimal(value)?),
            b"GNU.sparse.major" => self.sparse_major = Some(decimal(value)?),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.sparse_map.push(decimal(value)?),
            b"GNU.sparse.map" => {
                self.sparse_map = value.split(|&b| b == b',').map(decimal).collect::<Option<_>>()?;
            }
            _ => {}
        }
        Some(())
    }
}

/// A decimal number and nothing else.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all_digits.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_damaged_ones_refused() {
        let mut extended = Extended::default();
        extended.add(b"16 path=a/b\nc.np\n").unwrap_err();
        extended.add(b"17 path=a/b\nc.np\n9 size=7\n12 mtime=1.5\n").unwrap_err();
        let mut extended = Extended::default();
        extended.add(b"17 path=a/b\nc.np\n9 size=17\n").unwrap_err();
        let mut extended = Extended::default();
        extended.add(b"16 path=a/b\nc.n\n11 size=17\n13 mtime=1.5\n\0\0").unwrap();
        assert_eq!((extended.name.as_deref(), extended.size), (Some(&b"a/b\nc.n"[..]), Some(17)));
        for bad in [&b"x"[..], b"99 path=a\n", b"0 ", b"3 \n", b"11 size=-17\n", b"7 path\n"] {
            assert!(Extended::default().add(bad).is_err(), "{bad:?}");
        }
    }
}
