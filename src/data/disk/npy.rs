//! One `.npy` file: an array of integers, `[K, length]` or `[length]` (K = 1).

use super::limits::MOST_ROWS;
use super::npy_header::Header;
use crate::fault::{Fault, Result};
use crate::store::sniff::Nature;

const AGAIN: &str = "export the file again: numpy.save(path, array.astype('int32')) with shape [K, length]";

/// An array of integers, over the bytes of its file.
#[derive(Debug)]
pub struct Array<'a> {
    pub shape: Vec<u64>,
    fortran: bool,
    values: &'a [u8],
    size: usize,
    read: Read,
}

impl<'a> Array<'a> {
    /// Reads booleans, int8 to int64 and uint8 to uint64 of either byte order; says what else it found.
    ///
    /// # Errors
    /// If the bytes are no npy file, or its values no integers, or not as many as its shape says.
    pub fn parse(bytes: &'a [u8]) -> Result<Array<'a>> {
        if !bytes.starts_with(b"\x93NUMPY") {
            let found = Nature::of(bytes).map_or(format!("{} bytes", bytes.len()), |n| n.name().to_string());
            let help = Nature::of(bytes).map_or(AGAIN, Nature::help);
            return Err(Fault::invalid("not an npy file").found(found).expected("an npy file").help(help));
        }
        let (header, values) = Header::parse(bytes).map_err(|why| {
            Fault::invalid("not a complete npy file").found(why).expected("an npy file").help(AGAIN)
        })?;
        let (size, read) = reader(&header.descr).ok_or_else(|| {
            Fault::invalid("wrong type of values in an npy file")
                .found(describe(&header.descr))
                .expected("whole numbers, such as int16 or int32")
                .help(AGAIN)
        })?;
        let expected = header.shape.iter().try_fold(size as u64, |a, &n| a.checked_mul(n));
        if expected != Some(values.len() as u64) {
            let expected = expected.map_or("more than 2⁶⁴ bytes".to_string(), |n| format!("{n} bytes"));
            return Err(Fault::invalid("truncated or overlong npy file")
                .found(format!("{} bytes of values", values.len()))
                .expected(format!("{expected} for shape {:?}", header.shape))
                .help(AGAIN));
        }
        Ok(Array { shape: header.shape, fortran: header.fortran, values, size, read })
    }

    /// Rows and length when the array is `[K, length]` or `[length]`.
    pub fn rows_and_length(&self) -> Option<(usize, usize)> {
        match self.shape[..] {
            [length] => Some((1, usize::try_from(length).ok()?)),
            [rows, length] => Some((usize::try_from(rows).ok()?, usize::try_from(length).ok()?)),
            _ => None,
        }
    }

    /// The values row by row, whatever order they are stored in; of an array of more than two axes as stored.
    pub fn values(&self) -> impl ExactSizeIterator<Item = i64> + '_ {
        let (rows, length) = self.rows_and_length().unwrap_or((1, self.values.len() / self.size));
        let by_columns = self.fortran && self.shape.len() == 2;
        let n = self.values.len() / self.size;
        (0..n).map(move |i| {
            let at = if by_columns { i % length * rows + i / length } else { i };
            (self.read)(&self.values[at * self.size..(at + 1) * self.size])
        })
    }

    /// Rows and ids of an array that must be `[K, length]` with every id in `0..vocab`.
    ///
    /// # Errors
    /// If it has another shape or another id.
    pub fn into_tokens(self, length: usize, vocab: usize) -> Result<(usize, Vec<u32>)> {
        let rows = match self.rows_and_length() {
            Some((rows, l)) if l == length && rows > 0 && rows <= MOST_ROWS => rows,
            _ => {
                return Err(Fault::invalid("wrong shape")
                    .found(shape_in_words(&self.shape))
                    .expected(format!("[K, {length}] or [{length}]"))
                    .help("export the file again, or correct the modality's `length` in the manifest"))
            }
        };
        let good = |v: &i64| usize::try_from(*v).is_ok_and(|v| v < vocab);
        if let Some((i, value)) = self.values().enumerate().find(|(_, v)| !good(v)) {
            let bad = self.values().filter(|v| !good(v)).count();
            let (row, position) = (i / length, i % length);
            let more = if bad > 1 { format!(" ({bad} such ids in the file)") } else { String::new() };
            return Err(Fault::invalid("token id out of range")
                .found(format!("id {value} in row {row} at position {position}{more}"))
                .expected(format!("ids 0 to {} (vocab {vocab})", vocab as i64 - 1))
                .help("correct the file, or the modality's `vocab` in the manifest"));
        }
        Ok((rows, self.values().map(|v| v as u32).collect()))
    }
}

fn shape_in_words(shape: &[u64]) -> String {
    let why = match shape {
        [] => ", a single number",
        [0, ..] => ", no rows",
        [rows, _] if *rows > MOST_ROWS as u64 => return format!("{shape:?}: more than {MOST_ROWS} rows"),
        _ => "",
    };
    format!("{shape:?}{why}")
}

/// How one value is read from its bytes.
type Read = fn(&[u8]) -> i64;

/// Size of a value of this type and how it is read; `None` for anything but an integer. One too large
/// for an i64 becomes the largest, which is no id either.
fn reader(descr: &str) -> Option<(usize, Read)> {
    macro_rules! of {
        ($type:ty, $from:ident) => {
            (size_of::<$type>(), |b| {
                let bytes = b.try_into().unwrap_or_default();
                i64::try_from(<$type>::$from(bytes)).unwrap_or(i64::MAX)
            })
        };
    }
    // `=` and nothing are this machine's order; a single byte has none.
    let (order, kind) = match descr.as_bytes().first()? {
        b'<' | b'>' | b'=' | b'|' => descr.split_at(1),
        _ => ("=", descr),
    };
    let big = order == ">" || (order != "<" && cfg!(target_endian = "big"));
    Some(match (kind, big) {
        ("b1" | "?", _) => (1, |b| i64::from(b[0] != 0)),
        ("i1", _) => of!(i8, from_le_bytes),
        ("u1", _) => of!(u8, from_le_bytes),
        ("i2", false) => of!(i16, from_le_bytes),
        ("i2", true) => of!(i16, from_be_bytes),
        ("u2", false) => of!(u16, from_le_bytes),
        ("u2", true) => of!(u16, from_be_bytes),
        ("i4", false) => of!(i32, from_le_bytes),
        ("i4", true) => of!(i32, from_be_bytes),
        ("u4", false) => of!(u32, from_le_bytes),
        ("u4", true) => of!(u32, from_be_bytes),
        ("i8", false) => of!(i64, from_le_bytes),
        ("i8", true) => of!(i64, from_be_bytes),
        ("u8", false) => of!(u64, from_le_bytes),
        ("u8", true) => of!(u64, from_be_bytes),
        _ => return None,
    })
}

/// A type that is no integer, in words.
fn describe(descr: &str) -> String {
    let kind = match descr.trim_start_matches(['<', '>', '=', '|']).bytes().next() {
        Some(b'f') => "floating-point numbers",
        Some(b'c') => "complex numbers",
        Some(b'O') => "Python objects",
        Some(b'U' | b'S' | b'a') => "text",
        Some(b'M' | b'm') => "times",
        Some(b'V') => "raw bytes",
        Some(b'[') => "records of several fields",
        _ => return descr.to_string(),
    };
    format!("{kind} (`{descr}`)")
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
        with_header(&text, payload)
    }

    fn with_header(text: &str, payload: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(payload);
        bytes
    }

    fn values(bytes: &[u8]) -> Vec<i64> {
        Array::parse(bytes).unwrap_or_else(|fault| panic!("{fault}")).values().collect()
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
            for descr in ["|i1", "|u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8", "=i4", "=u2", "|i8"] {
                let shape = format!("({},)", values.len());
                let file = npy(descr, "False", &shape, &encode(&values, descr));
                let read: Vec<i64> = Array::parse(&file).unwrap().values().collect();
                prop_assert_eq!(&read, &values);
            }
        }

        #[test]
        fn signs_survive(values in prop::collection::vec(i16::MIN..0, 1..9)) {
            let values: Vec<i64> = values.into_iter().map(i64::from).collect();
            let shape = format!("(1, {})", values.len());
            for descr in ["<i2", ">i4", "<i8"] {
                let file = npy(descr, "False", &shape, &encode(&values, descr));
                let read: Vec<i64> = Array::parse(&file).unwrap().values().collect();
                prop_assert_eq!(&read, &values);
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
        assert_eq!(what(b""), "not an npy file");
        assert_eq!(what(b"not numpy at all, just some text"), "not an npy file");
        assert_eq!(what(&npy("<f4", "False", "(2, 3)", &[0; 24])), "wrong type of values in an npy file");
        let huge = "(4294967296, 4294967296, 4294967296)";
        assert_eq!(what(&npy("<i4", "False", huge, &[0; 24])), "truncated or overlong npy file");
    }

    #[test]
    fn tokens_are_checked() {
        let tokens = |shape: &str, values: &[i64]| {
            let file = npy("<i4", "False", shape, &encode(values, "<i4"));
            Array::parse(&file).unwrap().into_tokens(2, 4)
        };
        assert_eq!(tokens("(2, 2)", &[0, 1, 2, 3]), Ok((2, vec![0, 1, 2, 3])));
        assert_eq!(tokens("(2,)", &[0, 1]), Ok((1, vec![0, 1])));
        for (shape, n, found) in [
            ("(2, 3)", 6, "[2, 3]"),
            ("(1, 2, 3)", 6, "[1, 2, 3]"),
            ("()", 1, "[], a single number"),
            ("(0, 2)", 0, "[0, 2], no rows"),
            ("(6,)", 6, "[6]"),
            ("(10001, 2)", 20_002, "[10001, 2]: more than 10000 rows"),
        ] {
            let fault = tokens(shape, &vec![0; n]).unwrap_err();
            assert_eq!((fault.what.as_str(), fault.found.as_deref()), ("wrong shape", Some(found)));
        }
        let fault = tokens("(2, 2)", &[0, 1, 4, -1]).unwrap_err();
        assert_eq!(fault.what, "token id out of range");
        assert_eq!(fault.found.unwrap(), "id 4 in row 1 at position 0 (2 such ids in the file)");
        assert_eq!(fault.expected.unwrap(), "ids 0 to 3 (vocab 4)");
    }
    #[test]
    fn headers_of_every_writer_are_read() {
        let bytes: Vec<u8> = (0..6u8).flat_map(|i| [i, 0, 0, 0]).collect();
        for header in [
            "{'descr': '<i4', 'fortran_order': False, 'shape': (2L, 3L), }\n",
            "{\"shape\": [2, 3], \"descr\": \"<i4\", \"fortran_order\": false}\n",
            "{u'descr': u'<i4', u'fortran_order': False, u'shape': (2, 3)}",
            "{'shape':(2,3),'fortran_order':False,'descr':'=i4'}",
            "{'descr': 'i4', 'fortran_order': False, 'shape': (2, 3,), 'more': 'x'}",
        ] {
            assert_eq!(values(&with_header(header, &bytes)), [0, 1, 2, 3, 4, 5], "{header}");
        }
        for version in [2u8, 3] {
            let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }\n";
            let mut file = b"\x93NUMPY".to_vec();
            file.extend([version, 0]);
            file.extend((header.len() as u32).to_le_bytes());
            file.extend(header.as_bytes());
            file.extend(&bytes);
            assert_eq!(values(&file), [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn columns_first_are_turned_into_rows() {
        assert_eq!(values(&npy("|u1", "True", "(2, 3)", &[0, 3, 1, 4, 2, 5])), [0, 1, 2, 3, 4, 5]);
        assert_eq!(values(&npy("|b1", "True", "(3,)", &[1, 0, 1])), [1, 0, 1]);
    }

    #[test]
    fn other_types_are_named() {
        let found = |descr: &str| Array::parse(&npy(descr, "False", "(0,)", &[])).unwrap_err().found.unwrap();
        assert_eq!(found("<f8"), "floating-point numbers (`<f8`)");
        assert_eq!(found("|O"), "Python objects (`|O`)");
        assert_eq!(found("<U5"), "text (`<U5`)");
        let records =
            with_header("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", &[0; 4]);
        assert!(Array::parse(&records).unwrap_err().found.unwrap().starts_with("records of several fields"));
        let npz = [&b"PK\x03\x04"[..], &[0; 22], b"\x05\0\0\0a.npy"].concat();
        let fault = Array::parse(&npz).unwrap_err();
        assert_eq!(fault.found.unwrap(), "an npz file: a zip of numpy arrays");
        let huge = u64::MAX.to_le_bytes();
        let fault = Array::parse(&npy("<u8", "False", "(1,)", &huge)).unwrap().into_tokens(1, 9).unwrap_err();
        assert_eq!(fault.what, "token id out of range");
    }
}
