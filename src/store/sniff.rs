//! What a file is, by its first bytes: files that are not what their names say are called what they are.

/// What the first bytes of a file show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    GitLfsPointer,
    GitAnnexPointer,
    Html,
    Xml,
    Json,
    Utf8WithMark,
    Utf16,
    Utf32,
    Zip,
    Npz,
    TorchZip,
    Pickle,
    Npy,
    Safetensors,
    Hdf5,
    Gguf,
    Parquet,
    Arrow,
    Sqlite,
    Tar,
    Gzip,
    Zstandard,
    Bzip2,
    Xz,
    Lzma,
    Lz4,
    SevenZip,
    Rar,
    Compress,
    Png,
    Jpeg,
    Gif,
    WebP,
    Wav,
    Flac,
    Ogg,
    Mp4,
    Pdf,
    Executable,
    /// Nothing but zero bytes, at least eight: what a crash or a broken download leaves.
    Zeros,
}

use Nature::*;

/// How many first bytes [`Nature::of`] looks at.
pub const ENOUGH: usize = 512;

/// First bytes that have one meaning.
const MAGIC: [(&[u8], Nature); 35] = [
    (b"version https://git-lfs", GitLfsPointer),
    (b"version https://hawser", GitLfsPointer),
    (b"/annex/objects/", GitAnnexPointer),
    (b"\x00\x00\xfe\xff", Utf32),
    (b"\xff\xfe\x00\x00", Utf32),
    (b"\xff\xfe", Utf16),
    (b"\xfe\xff", Utf16),
    (b"\xef\xbb\xbf", Utf8WithMark),
    (b"\x93NUMPY", Npy),
    (b"\x89HDF\r\n\x1a\n", Hdf5),
    (b"GGUF", Gguf),
    (b"PAR1", Parquet),
    (b"ARROW1\0\0", Arrow),
    (b"SQLite format 3\0", Sqlite),
    (b"\x1f\x8b", Gzip),
    (b"\x28\xb5\x2f\xfd", Zstandard),
    (b"BZh", Bzip2),
    (b"\xfd7zXZ\0", Xz),
    (b"\x5d\x00\x00", Lzma),
    (b"\x04\x22\x4d\x18", Lz4),
    (b"7z\xbc\xaf\x27\x1c", SevenZip),
    (b"Rar!\x1a\x07", Rar),
    (b"\x1f\x9d", Compress),
    (b"\x89PNG\r\n\x1a\n", Png),
    (b"\xff\xd8\xff", Jpeg),
    (b"GIF87a", Gif),
    (b"GIF89a", Gif),
    (b"fLaC", Flac),
    (b"OggS", Ogg),
    (b"%PDF-", Pdf),
    (b"\x7fELF", Executable),
    (b"\x80\x02", Pickle),
    (b"\x80\x03", Pickle),
    (b"\x80\x04\x95", Pickle),
    (b"\x80\x05\x95", Pickle),
];

impl Nature {
    /// What a file that begins with `start` is; `None` when the bytes say nothing, as plain text does.
    /// The first [`ENOUGH`] bytes suffice.
    pub fn of(start: &[u8]) -> Option<Nature> {
        let start = &start[..start.len().min(ENOUGH)];
        if let Some((_, nature)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Some(*nature);
        }
        let at = |offset: usize, magic: &[u8]| start.get(offset..).is_some_and(|s| s.starts_with(magic));
        if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            return Some(zip(start));
        }
        match () {
            () if at(257, b"ustar") => Some(Tar),
            () if start.starts_with(b"RIFF") && at(8, b"WAVE") => Some(Wav),
            () if start.starts_with(b"RIFF") && at(8, b"WEBP") => Some(WebP),
            () if at(4, b"ftyp") => Some(Mp4),
            () if at(8, b"{\"") && at(3, b"\0\0\0\0\0") => Some(Safetensors),
            () if start.len() >= 8 && start.iter().all(|&b| b == 0) => Some(Zeros),
            () if is_wide_text(start) => Some(Utf16),
            () => markup(start),
        }
    }

    /// Whether it may be read as text of UTF-8 (a byte order mark aside), so that another parser can
    /// say more than this.
    pub fn is_text(self) -> bool {
        matches!(self, Json | Xml | Utf8WithMark)
    }

    /// With its article: `a zip archive`.
    pub fn name(self) -> &'static str {
        match self {
            GitLfsPointer => "a Git LFS pointer, not the file that it stands for",
            GitAnnexPointer => "a git-annex pointer, not the file that it stands for",
            Html => "an HTML page",
            Xml => "an XML file",
            Json => "a JSON file",
            Utf8WithMark => "text with a byte order mark",
            Utf16 => "text in UTF-16",
            Utf32 => "text in UTF-32",
            Zip => "a zip archive",
            Npz => "an npz file: a zip of numpy arrays",
            TorchZip => "a file of torch.save",
            Pickle => "a Python pickle (an older torch.save, or numpy with objects)",
            Npy => "an npy file of numpy",
            Safetensors => "a safetensors file",
            Hdf5 => "an HDF5 file",
            Gguf => "a GGUF file",
            Parquet => "a Parquet file",
            Arrow => "an Arrow file",
            Sqlite => "an SQLite database",
            Tar => "a tar archive",
            Gzip => "a gzip file",
            Zstandard => "a zstd file",
            Bzip2 => "a bzip2 file",
            Xz => "an xz file",
            Lzma => "an lzma file",
            Lz4 => "an lz4 file",
            SevenZip => "a 7z archive",
            Rar => "a RAR archive",
            Compress => "a file of compress (.Z)",
            Png => "a PNG image",
            Jpeg => "a JPEG image",
            Gif => "a GIF image",
            WebP => "a WebP image",
            Wav => "a WAV file",
            Flac => "a FLAC file",
            Ogg => "an Ogg file",
            Mp4 => "an MP4 file",
            Pdf => "a PDF file",
            Executable => "a program (ELF)",
            Zeros => "nothing but zero bytes",
        }
    }

    /// What to do about such a file where another one is expected.
    pub fn help(self) -> &'static str {
        match self {
            GitLfsPointer => "fetch the file itself: `git lfs pull`, or the site's own download link",
            GitAnnexPointer => "fetch the file itself: `git annex get`",
            Html => "it is the page about the file, or a login or error page: download the file itself",
            Utf8WithMark => "save the file as UTF-8 without a byte order mark",
            Utf16 | Utf32 => "save the file as UTF-8",
            Zip | SevenZip | Rar => "unpack it and name the folder or file that was inside",
            Bzip2 | Xz | Lzma | Lz4 | Compress => "unpack it, or pack it again with gzip or zstd",
            Gzip | Zstandard => "unpack it first",
            Tar => "unpack it and name the file that was inside",
            Npz => "unpack it (it is a zip), or save the one array with numpy.save",
            TorchZip | Pickle => {
                "write it as safetensors: safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW)"
            }
            Zeros => "the file was not written to its end: copy or download it again",
            _ => "name the file that is meant",
        }
    }
}

/// Whether ASCII and zeros take turns: text in UTF-16 without its mark.
fn is_wide_text(start: &[u8]) -> bool {
    let shows = |b: u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let pairs = || start.chunks_exact(2).take(8);
    start.len() >= 8
        && (pairs().all(|p| shows(p[0]) && p[1] == 0) || pairs().all(|p| p[0] == 0 && shows(p[1])))
}

/// Which zip: numpy and torch write zips of their own.
fn zip(start: &[u8]) -> Nature {
    let length = start.get(26..28).map_or(0, |n| usize::from(u16::from_le_bytes([n[0], n[1]])));
    let name = start.get(30..30 + length).unwrap_or(&[]);
    match name {
        _ if name.ends_with(b".npy") => Npz,
        _ if name.ends_with(b"/data.pkl") || name.ends_with(b"/.format_version") => TorchZip,
        _ => Zip,
    }
}

/// HTML, XML or JSON by the first sign that is no space.
fn markup(start: &[u8]) -> Option<Nature> {
    let start = start.trim_ascii_start();
    let lower = start.to_ascii_lowercase();
    let begins = |text: &[u8]| lower.starts_with(text);
    if begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body") {
        return Some(Html);
    }
    if begins(b"<?xml") {
        return Some(Xml);
    }
    let mut inside = start.get(1..).unwrap_or(&[]).trim_ascii_start().iter();
    match (start.first(), inside.next()) {
        (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'"' | b'{' | b']')) => Some(Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_what_they_are() {
        let mut tar = vec![b'x'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let mut npz = b"PK\x03\x04".to_vec();
        npz.resize(26, 0);
        npz.extend(b"\x05\0\0\0a.npy");
        let mut torch = b"PK\x03\x04".to_vec();
        torch.resize(26, 0);
        torch.extend(b"\x10\0\0\0archive/data.pkl");
        let tensors = b"\x40\0\0\0\0\0\0\0{\"__metadata__\"";
        for (start, nature) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0"[..], GitLfsPointer),
            (b"/annex/objects/SHA256E-s1--2.tar", GitAnnexPointer),
            (b" \n<!DOCTYPE HTML><html>", Html),
            (b"<html lang=en>", Html),
            (b"<?xml version='1.0'?>", Xml),
            (b"\xef\xbb\xbf[\"cat\"]", Utf8WithMark),
            (b"\xff\xfe[\0", Utf16),
            (b"[\0\"\0c\0a\0t\0", Utf16),
            (b"\0[\0\"\0c\0a", Utf16),
            (b"PK\x03\x04\x14\0", Zip),
            (&npz, Npz),
            (&torch, TorchZip),
            (b"\x80\x02}q\0", Pickle),
            (b"BZh91AY", Bzip2),
            (b"\xfd7zXZ\0\0", Xz),
            (b"7z\xbc\xaf\x27\x1c\0", SevenZip),
            (b"Rar!\x1a\x07\x01\0", Rar),
            (b"%PDF-1.7", Pdf),
            (b"\x89PNG\r\n\x1a\n\0", Png),
            (&tar, Tar),
            (tensors, Safetensors),
            (b"[\"cat meowing\"]", Json),
            (b"{ \"a\": 1}", Json),
            (b"\x89HDF\r\n\x1a\n", Hdf5),
            (&[0; 600], Zeros),
        ] {
            assert_eq!(Nature::of(start), Some(nature), "{start:?}");
        }
        for plain in
            [&b""[..], b"Experiment(\n schema: 1", b"model:\n  dim: 4", b"stem,class\n", b"[1, 2]", b"\0\0"]
        {
            assert_eq!(Nature::of(plain), None, "{plain:?}");
        }
    }
}
