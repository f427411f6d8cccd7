//! One `.npy` file: a C-ordered array of integers, `[K, length]` or `[length]` (K = 1).

use crate::fault::{Fault, Result};

const AGAIN: &str = "export the file again: numpy.save(path, array.astype('int32')) with shape [K, length]";

/// An array of integers, row by row.
#[derive(Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<u64>,
    pub values: Vec<i64>,
}

impl Array {
    /// Reads int8 to int64 and uint8 to uint32 of either byte order; says what else it found.
    pub fn parse(bytes: &[u8]) -> Result<Array> {
        let (header, rest) = Header::parse(bytes).ok_or_else(|| {
            Fault::invalid("not a complete npy file").found(format!("{} bytes", bytes.len())).help(AGAIN)
        })?;
        let (size, read) = reader(&header.descr).ok_or_else(|| {
            Fault::invalid("wrong type of values in an npy file")
                .found(&header.descr)
                .expected("whole numbers, such as int16 or int32")
                .help(AGAIN)
        })?;
        let shape = header.shape;
        if header.fortran && shape.iter().filter(|&&n| n > 1).count() > 1 {
            return Err(Fault::invalid("columns first in an npy file")
                .found("Fortran order")
                .expected("C order")
                .help("export the file again: numpy.save(path, numpy.ascontiguousarray(array))"));
        }
        let expected = shape.iter().try_fold(size as u64, |a, &n| a.checked_mul(n));
        if expected != Some(rest.len() as u64) {
            let expected = expected.map_or("more than 2⁶⁴ bytes".to_string(), |n| format!("{n} bytes"));
            return Err(Fault::invalid("truncated or overlong npy file")
                .found(format!("{} bytes of values", rest.len()))
                .expected(format!("{expected} for shape {shape:?}"))
                .help(AGAIN));
        }
        Ok(Array { shape, values: rest.chunks_exact(size).map(read).collect() })
    }

    /// Rows and length when the array is `[K, length]` or `[length]`.
    pub fn rows_and_length(&self) -> Option<(usize, usize)> {
        match self.shape[..] {
            [length] => Some((1, length as usize)),
            [rows, length] => Some((rows as usize, length as usize)),
            _ => None,
        }
    }

    /// Rows and ids of an array that must be `[K, length]` with every id in `0..vocab`.
    pub fn into_tokens(self, length: usize, vocab: usize) -> Result<(usize, Vec<u32>)> {
        let rows = match self.rows_and_length() {
            Some((rows, l)) if l == length && rows > 0 => rows,
            _ => {
                return Err(Fault::invalid("wrong shape")
                    .found(format!("{:?}", self.shape))
                    .expected(format!("[K, {length}] or [{length}]"))
                    .help("export the file again, or correct the modality's `length` in the manifest"))
            }
        };
        let good = |v: &i64| (0..vocab as i64).contains(v);
        if let Some(i) = self.values.iter().position(|v| !good(v)) {
            let bad = self.values.iter().filter(|v| !good(v)).count();
            let (row, position) = (i / length, i % length);
            let more = if bad > 1 { format!(" ({bad} such ids in the file)") } else { String::new() };
            return Err(Fault::invalid("token id out of range")
                .found(format!("id {} in row {row} at position {position}{more}", self.values[i]))
                .expected(format!("ids 0 to {} (vocab {vocab})", vocab as i64 - 1))
                .help("correct the file, or the modality's `vocab` in the manifest"));
        }
        Ok((rows, self.values.into_iter().map(|v| v as u32).collect()))
    }
}

/// The dictionary before the values.
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<u64>,
}

impl Header {
    /// Header and the bytes after it; `None` when it is incomplete. (The crates that read npy multiply
    /// the shape unchecked, so that a damaged header would end the program.)
    fn parse(bytes: &[u8]) -> Option<(Header, &[u8])> {
        let rest = bytes.strip_prefix(b"\x93NUMPY")?;
        let (start, length) = match *rest.first()? {
            1 => (4, usize::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?))),
            2 | 3 => (6, u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?) as usize),
            _ => return None,
        };
        let end = length.checked_add(start)?;
        let text = std::str::from_utf8(rest.get(start..end)?).ok()?;
        let value = |key: &str| Some(text.split_once(key)?.1.trim_start().strip_prefix(':')?.trim_start());
        // A list of fields instead of a quoted name is a structured type: kept as text, refused as a type.
        let descr = value("'descr'")?;
        let descr =
            descr.strip_prefix('\'').and_then(|d| d.split_once('\'')).map_or(descr, |d| d.0).to_string();
        let fortran = value("'fortran_order'")?.starts_with("True");
        let dims = value("'shape'")?.strip_prefix('(')?.split_once(')')?.0;
        let dims = dims.split(',').map(str::trim).filter(|d| !d.is_empty());
        let shape = dims.map(|d| d.parse().ok()).collect::<Option<_>>()?;
        Some((Header { descr, fortran, shape }, &rest[end..]))
    }
}

/// How one value is read from its bytes.
type Read = fn(&[u8]) -> i64;

/// Size of a value of this type and how it is read; `None` for anything but an integer that fits an i64.
fn reader(descr: &str) -> Option<(usize, Read)> {
    Some(match descr {
        "|i1" | "<i1" => (1, |b| i64::from(b[0] as i8)),
        "|u1" | "<u1" => (1, |b| i64::from(b[0])),
        "<i2" => (2, |b| i64::from(i16::from_le_bytes([b[0], b[1]]))),
        ">i2" => (2, |b| i64::from(i16::from_be_bytes([b[0], b[1]]))),
        "<u2" => (2, |b| i64::from(u16::from_le_bytes([b[0], b[1]]))),
        ">u2" => (2, |b| i64::from(u16::from_be_bytes([b[0], b[1]]))),
        "<i4" => (4, |b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
        ">i4" => (4, |b| i64::from(i32::from_be_bytes([b[0], b[1], b[2], b[3]]))),
        "<u4" => (4, |b| i64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
        ">u4" => (4, |b| i64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))),
        "<i8" => (8, |b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
        ">i8" => (8, |b| i64::from_be_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An npy file of version 1 as numpy writes it.
    fn npy(descr: &str, fortran: &str, shape: &str, payload: &[u8]) -> Vec<u8> {
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        text.push_str(&" ".repeat(64 - (text.len() + 11) % 64));
        text.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(payload);
        bytes
    }

    fn encode(values: &[i64], descr: &str) -> Vec<u8> {
        let size: usize = descr[2..].parse().unwrap();
        let cut = |v: &i64| match &descr[..1] {
            ">" => v.to_be_bytes()[8 - size..].to_vec(),
            _ => v.to_le_bytes()[..size].to_vec(),
        };
        values.iter().flat_map(cut).collect()
    }

    proptest! {
        #[test]
        fn every_integer_type_gives_the_same_values(values in prop::collection::vec(0i64..128, 1..40)) {
            for descr in ["|i1", "|u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8"] {
                let shape = format!("({},)", values.len());
                let array = Array::parse(&npy(descr, "False", &shape, &encode(&values, descr))).unwrap();
                prop_assert_eq!(&array.values, &values);
            }
        }

        #[test]
        fn signs_survive(values in prop::collection::vec(i16::MIN..0, 1..9)) {
            let values: Vec<i64> = values.into_iter().map(i64::from).collect();
            let shape = format!("(1, {})", values.len());
            for descr in ["<i2", ">i4", "<i8"] {
                let array = Array::parse(&npy(descr, "False", &shape, &encode(&values, descr))).unwrap();
                prop_assert_eq!(&array.values, &values);
            }
        }

        #[test]
        fn garbage_is_an_error_not_a_panic(
            cut in 0usize..200,
            noise in prop::collection::vec((0usize..200, any::<u8>()), 0..6),
        ) {
            let mut bytes = npy("<i4", "False", "(2, 3)", &[0; 24]);
            noise.into_iter().filter(|(i, _)| *i < 152).for_each(|(i, b)| bytes[i] = b);
            bytes.truncate(cut);
            let _ = Array::parse(&bytes);
        }
    }

    #[test]
    fn every_fault_has_its_name() {
        let what = |bytes: &[u8]| Array::parse(bytes).unwrap_err().what;
        let good = npy("<i4", "False", "(2, 3)", &[0; 24]);
        assert_eq!(what(&good[..good.len() - 1]), "truncated or overlong npy file");
        assert_eq!(what(&[&good[..], &[0]].concat()), "truncated or overlong npy file");
        assert_eq!(what(&good[..40]), "not a complete npy file");
        assert_eq!(what(b""), "not a complete npy file");
        assert_eq!(what(b"not numpy at all, just some text"), "not a complete npy file");
        assert_eq!(what(&npy("<f4", "False", "(2, 3)", &[0; 24])), "wrong type of values in an npy file");
        assert_eq!(what(&npy("<i4", "True", "(2, 3)", &[0; 24])), "columns first in an npy file");
        let huge = "(4294967296, 4294967296, 4294967296)";
        assert_eq!(what(&npy("<i4", "False", huge, &[0; 24])), "truncated or overlong npy file");
    }

    #[test]
    fn tokens_are_checked() {
        let array = |shape: &[u64], values: &[i64]| Array { shape: shape.to_vec(), values: values.to_vec() };
        assert_eq!(array(&[2, 2], &[0, 1, 2, 3]).into_tokens(2, 4), Ok((2, vec![0, 1, 2, 3])));
        assert_eq!(array(&[2], &[0, 1]).into_tokens(2, 4), Ok((1, vec![0, 1])));
        for shape in [&[2u64, 3][..], &[1, 2, 3], &[], &[0, 2], &[6]] {
            let fault = array(shape, &vec![0; shape.iter().product::<u64>() as usize]).into_tokens(2, 4);
            assert_eq!(fault.unwrap_err().what, "wrong shape");
        }
        let fault = array(&[2, 2], &[0, 1, 4, -1]).into_tokens(2, 4).unwrap_err();
        assert_eq!(fault.what, "token id out of range");
        assert_eq!(fault.found.unwrap(), "id 4 in row 1 at position 0 (2 such ids in the file)");
        assert_eq!(fault.expected.unwrap(), "ids 0 to 3 (vocab 4)");
    }
}
