//! Names of files: the same text, or the same refusal, from a folder and from an archive.
//!
//! A name is UTF-8 without control characters, in Unicode's composed form (NFC; macOS writes the
//! decomposed one), and compared with its case: ids of videos differ in nothing else.

use crate::data::text::composed;
use crate::fault::Fault;

/// Longest path inside a dataset, bytes; what systems allow.
const LONGEST: usize = 4096;

/// A path inside a dataset.
#[derive(Debug, PartialEq)]
pub enum Name {
    /// Its components joined by `/`, without `.` and empty ones.
    Good(String),
    /// What is wrong with it.
    Bad {
        fault: Fault,
        /// It leads out of the dataset, so that it is refused whatever it names.
        outside: bool,
        /// As text, in which it can be asked whether it names a file of the layout.
        like: String,
    },
}

/// The name that these bytes are, `/`-separated.
pub fn name(bytes: &[u8]) -> Name {
    let parts = || bytes.split(|&b| b == b'/').filter(|part| !matches!(part, [] | [b'.']));
    let joined = parts().collect::<Vec<_>>().join(&b'/');
    let like = composed(&String::from_utf8_lossy(&joined)).into_owned();
    let bad = |what: &str, found: &str, help: &str, outside: bool| Name::Bad {
        fault: Fault::invalid(what).at(shown(bytes)).found(found).help(help),
        outside,
        like: like.clone(),
    };
    const PACK: &str = "pack the dataset's folder again from the folder that holds it";
    const RENAME: &str = "rename the file in every modality";
    if bytes.starts_with(b"/") {
        return bad("a path that leads out of the dataset", "an absolute path", PACK, true);
    }
    if parts().any(|part| part == b"..") {
        return bad("a path that leads out of the dataset", "`..`", PACK, true);
    }
    if bytes.len() > LONGEST {
        return bad("too long a path", &format!("{} bytes", bytes.len()), RENAME, false);
    }
    if std::str::from_utf8(&joined).is_err() {
        return bad("a file name that is no text", "bytes that are not UTF-8", RENAME, false);
    }
    if like.chars().any(char::is_control) {
        return bad(
            "a file name that is no text",
            "a control character, such as a line break",
            RENAME,
            false,
        );
    }
    Name::Good(like)
}

/// Whether it, or a folder that it is in, begins with a dot: leftovers of systems and editors.
pub fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

/// The path of a file that is wanted by its last names, all of them text, in folders above that are none:
/// these are escaped. `None` when its own names are no text either.
pub fn inside(bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Option<String> {
    let slashes = bytes.iter().enumerate().rev().filter(|(_, b)| **b == b'/');
    slashes.map(|(at, _)| bytes.split_at(at)).find_map(|(above, path)| match name(&path[1..]) {
        Name::Good(path) if wanted(&path) && matches!(name(above), Name::Bad { outside: false, .. }) => {
            Some(format!("{}/{path}", above.escape_ascii()))
        }
        _ => None,
    })
}

/// Bytes for a message: printable, and not long.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]);
    let text: String =
        text.chars().map(|c| if c.is_control() || c == '\u{fffd}' { '?' } else { c }).collect();
    if bytes.len() > MOST {
        format!("{text}…")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_or_refused() {
        let good = |bytes: &[u8]| match name(bytes) {
            Name::Good(name) => name,
            Name::Bad { fault, .. } => panic!("{fault}"),
        };
        for (bytes, clean) in [
            (&b"./train/a/x.npy"[..], "train/a/x.npy"),
            (b"././train//a/./x.npy", "train/a/x.npy"),
            (b"train/a/", "train/a"),
            (b"a\\b/c .npy", "a\\b/c .npy"),
            (b"a/x..npy", "a/x..npy"),
            ("cafe\u{301}".as_bytes(), "café"),
        ] {
            assert_eq!(good(bytes), clean);
        }
        for (bytes, found, out) in [
            (&b"/train/x"[..], "an absolute path", true),
            (b"a/../x", "`..`", true),
            (b"a/\xff.npy", "bytes that are not UTF-8", false),
            (b"a/x\ny.npy", "a control character, such as a line break", false),
            (&[b'x'; 5000], "5000 bytes", false),
        ] {
            let Name::Bad { fault, outside, .. } = name(bytes) else { panic!("{bytes:?}") };
            assert_eq!((fault.found.as_deref(), outside), (Some(found), out));
            assert!(fault.help.is_some() && !fault.place.unwrap().contains('\n'));
        }
    }

    #[test]
    fn a_folder_above_a_dataset_may_have_any_name() {
        let wanted = |path: &str| path.ends_with("train/a/x.npy");
        assert_eq!(inside(b"p/r\xff/train/a/x.npy", &wanted).as_deref(), Some("p/r\\xff/train/a/x.npy"));
        assert_eq!(inside(b"r\n/train/a/x.npy", &wanted).as_deref(), Some("r\\n/train/a/x.npy"));
        for other in [&b"r\xff/train/a\xff/x.npy"[..], b"train/a/x\xff.npy", b"../r\xff/train/a/x.npy"] {
            assert_eq!(inside(other, &wanted), None);
        }
    }
}
