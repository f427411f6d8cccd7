//! One safetensors file of whatever origin: its header is held against the file before any value is read.
//!
//! Shapes, types and offsets are checked by the `safetensors` crate; here the header's size is bounded and
//! its sum held against the file's length, so that no header makes anything grow that the file does not hold.

use super::tensor::NamedTensor;
use crate::fault::{Fault, Result};
use crate::store::regular;
use crate::store::sniff::{Nature, ENOUGH};
use safetensors::tensor::Metadata;
use safetensors::Dtype;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// No header is longer, bytes: room for a hundred thousand tensors.
const LONGEST_HEADER: u64 = 16 << 20;

/// Bytes read at once; a multiple of every element's.
const CHUNK: usize = 1 << 16;

/// Characters of a name that a message shows.
const SHOWN: usize = 100;

/// What a header says of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: Dtype,
}

impl Described {
    /// The name as a message may show it: on one line, not endless.
    pub fn shown(&self) -> String {
        shown(&self.name)
    }

    /// Whether the values can be read as float32.
    pub fn is_float(&self) -> bool {
        element(self.dtype).is_some()
    }
}

/// A name as a message may show it: without control characters, cut where it is long.
pub fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// An open file whose header is sound.
pub struct TensorFile {
    path: PathBuf,
    data: BufReader<File>,
    metadata: Metadata,
    described: Vec<Described>,
}

impl TensorFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// If it is missing, no regular file, cut, or no safetensors file: what else it is, is said.
    pub fn open(path: &Path) -> Result<TensorFile> {
        let refused = |e: std::io::Error| regular::fault("read the checkpoint", path, &e);
        let mut file = regular::open(path).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        let mut start = Vec::with_capacity(ENOUGH);
        file.by_ref().take(ENOUGH as u64).read_to_end(&mut start).map_err(refused)?;
        // A header's length may look like the mark of something else.
        let json = start.get(4..9).is_some_and(|b| b == b"\0\0\0\0{");
        let nature = Nature::of(&start).filter(|nature| !json && *nature != Nature::Safetensors);
        let damaged = |why: String| match nature {
            Some(nature) => not_a_checkpoint(nature).at(path.display().to_string()),
            None if is_text(&start) => Fault::invalid("not a safetensors file")
                .at(path.display().to_string())
                .found("a text file")
                .expected("a checkpoint as safetensors")
                .help("name the checkpoint itself"),
            None => damaged(path, length, &why),
        };
        let Some(size) = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
            return Err(damaged("the file ends early".into()));
        };
        if size > LONGEST_HEADER.min(length.saturating_sub(8)) {
            return Err(damaged(format!("a header of {size} bytes")));
        }
        file.seek(SeekFrom::Start(8)).map_err(refused)?;
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(refused)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|e| damaged(format!("its header: {e}")))?;
        let (values, described) = (length - 8 - size, metadata.data_len() as u64);
        if described != values {
            return Err(damaged(format!("its header speaks of {described} bytes of values, not {values}")));
        }
        let tensors = metadata.tensors();
        let describe = |name: String| {
            let info = tensors[&name];
            Described { shape: info.shape.clone(), dtype: info.dtype, name }
        };
        let described = metadata.offset_keys().into_iter().map(describe).collect();
        let data = BufReader::with_capacity(CHUNK, file);
        Ok(TensorFile { path: path.to_owned(), data, metadata, described })
    }

    /// Its tensors, in the order of their data.
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// An entry of its metadata.
    pub fn entry(&self, key: &str) -> Option<String> {
        self.metadata.metadata().as_ref()?.get(key).cloned()
    }

    /// Hands out the tensors as float32, one after another, in the order of their data.
    ///
    /// # Errors
    /// If the file cannot be read, or a tensor is of no floating-point type.
    pub fn visit(&mut self, mut each: impl FnMut(NamedTensor)) -> Result<()> {
        for Described { name, shape, dtype } in &self.described {
            let Some(element) = element(*dtype) else {
                return Err(Fault::invalid(format!(
                    "tensor {} holds no floating-point numbers",
                    shown(name)
                ))
                .at(self.path.display().to_string())
                .found(format!("{dtype:?}"))
                .expected("F32, F16, BF16 or F64"));
            };
            let values =
                floats(&mut self.data, shape.iter().product(), element).map_err(|e| match e.kind() {
                    ErrorKind::UnexpectedEof => damaged(&self.path, 0, "the file ends early"),
                    _ => regular::fault("read the checkpoint", &self.path, &e),
                })?;
            each(NamedTensor { name: name.clone(), shape: shape.clone(), values });
        }
        Ok(())
    }
}

fn damaged(path: &Path, length: u64, why: &str) -> Fault {
    Fault::failed(format!("the checkpoint is corrupt or truncated: {why}"))
        .at(path.display().to_string())
        .found(format!("{length} bytes"))
}

/// Whether a file begins as text: the length of a header never does.
fn is_text(start: &[u8]) -> bool {
    let bytes = start.get(..8).unwrap_or(start);
    !bytes.is_empty() && bytes.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
}

fn not_a_checkpoint(nature: Nature) -> Fault {
    let help = match nature {
        Nature::TorchZip | Nature::Pickle => FROM_TORCH,
        other => other.help(),
    };
    Fault::invalid("not a safetensors file")
        .found(nature.name())
        .expected("a checkpoint as safetensors")
        .help(help)
}

/// How a file of `torch.save` becomes one that is read here.
const FROM_TORCH: &str = "write it as safetensors: python3 -c 'import sys, torch; from safetensors.torch import save_file; \
    d = torch.load(sys.argv[1], map_location=\"cpu\", weights_only=True); d = d.get(\"model\", d.get(\"state_dict\", d)); \
    save_file({k: v.contiguous() for k, v in d.items() if torch.is_tensor(v)}, sys.argv[2])' FILE NEW.safetensors";

/// Bytes of an element and its value as float32.
type Element = (usize, fn(&[u8]) -> f32);

/// How values of a type are read; `None` for what is no floating-point number, or too short to be a weight.
fn element(dtype: Dtype) -> Option<Element> {
    fn bytes<const N: usize>(b: &[u8]) -> [u8; N] {
        std::array::from_fn(|i| b[i])
    }
    match dtype {
        Dtype::F32 => Some((4, |b| f32::from_le_bytes(bytes(b)))),
        Dtype::F64 => Some((8, |b| f64::from_le_bytes(bytes(b)) as f32)),
        Dtype::F16 => Some((2, |b| half::f16::from_le_bytes(bytes(b)).to_f32())),
        Dtype::BF16 => Some((2, |b| half::bf16::from_le_bytes(bytes(b)).to_f32())),
        _ => None,
    }
}

/// The next `count` values. Memory grows with what is read, not with what is promised.
fn floats(data: &mut impl Read, count: usize, (size, value): Element) -> std::io::Result<Vec<f32>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| {
        std::io::Error::new(ErrorKind::OutOfMemory, format!("{count} values do not fit into memory"))
    })?;
    let mut chunk = vec![0; CHUNK.min(size * count)];
    while values.len() < count {
        let bytes = &mut chunk[..CHUNK.min(size * (count - values.len()))];
        data.read_exact(bytes)?;
        values.extend(bytes.chunks_exact(size).map(value));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tensors::{read, write};

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.into(), shape: shape.to_vec(), values: values.to_vec() }
    }

    /// A file by hand: the header's text and the data.
    fn by_hand(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn cut_and_damaged_files_are_named() {
        let (_dir, path) = file(b"");
        write(&path, &[tensor("a", &[4], &[0.0; 4])], None).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 4, 20, whole.len() - 1] {
            let (_dir, cut) = file(&whole[..length]);
            let fault = read(&cut).unwrap_err();
            assert!(fault.what.contains("corrupt or truncated"), "{fault}");
            assert_eq!(fault.place.as_deref(), Some(cut.to_str().unwrap()));
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(read(&file(&longer).1).is_err(), "bytes beyond the last tensor");
    }

    /// Sizes that no memory holds are refused by the header alone.
    #[test]
    fn a_header_that_promises_too_much_allocates_nothing() {
        let huge = u64::MAX / 4;
        for bytes in [
            [&u64::MAX.to_le_bytes()[..], b"{}"].concat(),
            [&LONGEST_HEADER.to_le_bytes()[..], b"{}"].concat(),
            // Two tensors over each other.
            by_hand(
                r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
                &[0; 12],
            ),
            by_hand(&format!(r#"{{"a":{{"dtype":"F32","shape":[{huge}],"data_offsets":[0,4]}}}}"#), &[0; 4]),
            by_hand(
                &format!(r#"{{"a":{{"dtype":"F32","shape":[{huge},{huge}],"data_offsets":[0,4]}}}}"#),
                &[0; 4],
            ),
            by_hand(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, &[0; 8]),
            by_hand(r#"{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}"#, &[0; 4]),
        ] {
            let (_dir, path) = file(&bytes);
            assert!(read(&path).unwrap_err().what.contains("corrupt or truncated"));
        }
    }

    /// 100 MB, the format's own limit, in a file that has them.
    #[test]
    fn a_header_longer_than_any_checkpoints_is_not_read() {
        let (_dir, path) = file(&100_000_000_u64.to_le_bytes());
        File::options().write(true).open(&path).unwrap().set_len(200_000_000).unwrap();
        let fault = read(&path).unwrap_err();
        assert_eq!(fault.what, "the checkpoint is corrupt or truncated: a header of 100000000 bytes");
    }

    #[test]
    fn other_float_types_are_read_as_float32() {
        let header = r#"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]},"d":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}"#;
        // 1.5 and the smallest subnormal of float16; 1.5 and −2 of bfloat16; 0.1 of float64.
        let data = [0x00, 0x3e, 0x01, 0x00, 0xc0, 0x3f, 0x00, 0xc0].into_iter().chain(0.1_f64.to_le_bytes());
        let (_dir, path) = file(&by_hand(header, &data.collect::<Vec<u8>>()));
        let mut found = Vec::new();
        TensorFile::open(&path).unwrap().visit(|t| found.push(t)).unwrap();
        let expected = [
            tensor("h", &[2], &[1.5, 5.960_464_5e-8]),
            tensor("b", &[2], &[1.5, -2.0]),
            tensor("d", &[1], &[0.1]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn integers_are_no_weights() {
        for dtype in ["I64", "U8", "BOOL", "F8_E4M3"] {
            let header = format!(
                r#"{{"a":{{"dtype":"{dtype}","shape":[8],"data_offsets":[0,{}]}}}}"#,
                if dtype == "I64" { 64 } else { 8 }
            );
            let (_dir, path) = file(&by_hand(&header, &vec![0; if dtype == "I64" { 64 } else { 8 }]));
            let mut opened = TensorFile::open(&path).unwrap();
            assert!(!opened.described()[0].is_float());
            let fault = opened.visit(|_| unreachable!()).unwrap_err();
            assert_eq!(fault.what, "tensor a holds no floating-point numbers");
            assert_eq!(fault.found.as_deref(), Some(dtype));
        }
    }

    #[test]
    fn a_file_that_is_something_else_is_called_so() {
        let mut torch = b"PK\x03\x04".to_vec();
        torch.resize(26, 0);
        torch.extend(b"\x10\0\0\0archive/data.pkl");
        for (bytes, found, help) in [
            (&torch[..], "a file of torch.save", "weights_only=True"),
            (b"\x80\x02}q\0.", "a Python pickle (an older torch.save, or numpy with objects)", "save_file"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                "a Git LFS pointer, not the file that it stands for",
                "git lfs pull",
            ),
            (b"<!DOCTYPE html><html></html>", "an HTML page", "download"),
            (b"Experiment(schema: 1)", "a text file", "itself"),
            (&[0; 64], "nothing but zero bytes", "copy or download"),
        ] {
            let (_dir, path) = file(bytes);
            let fault = read(&path).unwrap_err();
            assert_eq!(
                (fault.what.as_str(), fault.found.as_deref()),
                ("not a safetensors file", Some(found))
            );
            assert!(fault.help.unwrap().contains(help));
            assert_eq!(fault.exit as i32, 2);
        }
    }

    #[test]
    fn names_are_shown_on_one_line_and_not_endlessly() {
        assert_eq!(shown("a\n\u{1b}[31mb"), "a\\n\\u{1b}[31mb");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 101);
    }
}
