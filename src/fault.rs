//! The one error type: what went wrong, where, what was found and expected, and the next step.
//!
//! A fault knows the exit code it ends the program with; `cli` prints it once. Messages are
//! lower-case and complete on their own.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// Exit codes of the program (DESIGN §2); documented in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// A run failed, or a difference was found.
    Failed = 1,
    /// Bad usage, an invalid manifest or invalid data.
    Invalid = 2,
    /// Provenance refused: pin mismatch, missing data.
    Provenance = 3,
    /// Stopped early; the run can be resumed.
    Stopped = 4,
    /// SIGINT after a checkpoint.
    Interrupted = 130,
    /// SIGTERM after a checkpoint.
    Terminated = 143,
}

impl Exit {
    /// What a run ends with that stopped after a checkpoint: the same command continues it.
    pub const RESUMABLE: [Exit; 3] = [Exit::Stopped, Exit::Interrupted, Exit::Terminated];

    /// The exit that a process of this program ended with; `None` for 0 and for codes it does not use.
    pub fn from_code(code: i32) -> Option<Exit> {
        let all = [Exit::Failed, Exit::Invalid, Exit::Provenance].into_iter().chain(Exit::RESUMABLE);
        all.into_iter().find(|&exit| exit as i32 == code)
    }

    /// Whether the same command continues what ended so.
    pub fn is_resumable(self) -> bool {
        Exit::RESUMABLE.contains(&self)
    }
}

/// Something the user has to know about; see the module's words on its parts.
#[derive(Debug, PartialEq)]
pub struct Fault {
    pub exit: Exit,
    pub what: String,
    pub place: Option<String>,
    pub found: Option<String>,
    pub expected: Option<String>,
    pub help: Option<String>,
    /// Problems with their places, shown before the rest.
    pub listing: Option<Box<Listing>>,
}

/// Problems as they are printed, one under the other, each with the line it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub plain: String,
    /// The same with colours, for a terminal.
    pub coloured: String,
}

/// The result of anything that can fail in front of the user.
pub type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    fn new(exit: Exit, what: impl Into<String>) -> Fault {
        let what = what.into();
        Fault { exit, what, place: None, found: None, expected: None, help: None, listing: None }
    }

    /// Bad usage, manifest or data (exit 2).
    pub fn invalid(what: impl Into<String>) -> Fault {
        Fault::new(Exit::Invalid, what)
    }

    /// Provenance refused (exit 3).
    pub fn provenance(what: impl Into<String>) -> Fault {
        Fault::new(Exit::Provenance, what)
    }

    /// The work itself failed (exit 1).
    pub fn failed(what: impl Into<String>) -> Fault {
        Fault::new(Exit::Failed, what)
    }

    /// Another exit code.
    pub fn with_exit(exit: Exit, what: impl Into<String>) -> Fault {
        Fault::new(exit, what)
    }

    /// An operation on a file that the system refused (exit 1), with the way out where there is one: a full
    /// disk, a limit, a folder that cannot be written.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Fault {
        use std::io::ErrorKind;
        let fault = Fault::failed(format!("cannot {doing}: {error}")).at(path.display().to_string());
        let help = match error.kind() {
            ErrorKind::StorageFull => "the disk is full: free some space, then run the same command again",
            ErrorKind::QuotaExceeded => {
                "your quota is used up: free some space, then run the same command again"
            }
            ErrorKind::FileTooLarge => {
                "files may not grow further: raise the limit (`ulimit -f`), then run the same command again"
            }
            ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
            ErrorKind::ReadOnlyFilesystem => {
                "nothing can be written there: name another folder (--runs, NANO4M_CACHE)"
            }
            ErrorKind::OutOfMemory => "raise the limit of memory (`ulimit -v`), or use a smaller batch",
            _ => match code_of(error) {
                // EMFILE, ENFILE
                Some(24 | 23) => {
                    "too many files are open: raise the limit (`ulimit -n`), then run the same command again"
                }
                _ => return fault,
            },
        };
        fault.help(help)
    }

    /// File, line, field or member the fault is about.
    pub fn at(mut self, place: impl Into<String>) -> Fault {
        self.place = Some(place.into());
        self
    }

    pub fn found(mut self, found: impl fmt::Display) -> Fault {
        self.found = Some(found.to_string());
        self
    }

    pub fn expected(mut self, expected: impl fmt::Display) -> Fault {
        self.expected = Some(expected.to_string());
        self
    }

    /// The next step.
    pub fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }

    /// Problems with their places.
    pub fn listing(mut self, listing: Listing) -> Fault {
        self.listing = Some(Box::new(listing));
        self
    }

    /// What stands below the listing: the fault itself, harmless to a terminal.
    pub fn message(&self) -> String {
        let mut out = shortened(&self.what, LONGEST_PART).into_owned();
        let parts =
            [("at", &self.place), ("found", &self.found), ("expected", &self.expected), ("help", &self.help)];
        for (name, part) in parts {
            if let Some(part) = part {
                out += &format!("\n  {name:>8}: {}", shortened(part, LONGEST_PART));
            }
        }
        out
    }
}

/// The system's number of an error. A library that puts words around it keeps it only there.
fn code_of(error: &std::io::Error) -> Option<i32> {
    let in_words = || error.to_string().split_once("(os error ")?.1.split_once(')')?.0.parse().ok();
    error.raw_os_error().or_else(in_words)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(listing) = &self.listing {
            writeln!(f, "{}\n", listing.plain)?;
        }
        f.write_str(&self.message())
    }
}

/// Characters of a part of a message: what is longer than any list of names is not read.
const LONGEST_PART: usize = 4000;

/// `text` as a terminal may be given it: characters that command it, and those that turn or hide what follows,
/// are written out (`\u{1b}`); line breaks and tabs stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(commands) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if commands(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal would do something else than show `c`: controls, turns of direction, what has no width.
pub fn commands(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(c, '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// [`harmless`], and of a text of more than `most` characters the beginning and how many there are.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => harmless(text),
        Some((end, _)) => {
            Cow::Owned(format!("{}… ({} characters)", harmless(&text[..end]), text.chars().count()))
        }
    }
}

/// The first `most` of these, and how many more there are.
pub fn listed(names: &[String], most: usize) -> String {
    let shown = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_known_by_their_codes() {
        let resumable: Vec<i32> =
            (0..=255).filter(|&code| Exit::from_code(code).is_some_and(Exit::is_resumable)).collect();
        assert_eq!(resumable, [4, 130, 143]);
        assert_eq!((Exit::from_code(0), Exit::from_code(3)), (None, Some(Exit::Provenance)));
    }

    #[test]
    fn a_limit_is_named_with_its_way_out_also_through_a_library() {
        let io = |error| Fault::io("write", Path::new("x"), &error).help.unwrap();
        let system = std::io::Error::from_raw_os_error;
        assert!(io(system(24)).contains("`ulimit -n`") && io(system(27)).contains("`ulimit -f`"));
        assert!(io(system(28)).contains("disk is full") && io(system(30)).contains("--runs"));
        assert!(io(std::io::Error::other(format!("{} at path x", system(24)))).contains("`ulimit -n`"));
        assert_eq!(Fault::io("write", Path::new("x"), &system(5)).help, None);
    }

    #[test]
    fn escape_codes_never_reach_a_terminal() {
        assert_eq!(harmless("a\nb\tc é 猫"), "a\nb\tc é 猫");
        assert_eq!(harmless("\x1b[31mred\x07\u{9b}1m\r\x7f"), "\\u{1b}[31mred\\u{7}\\u{9b}1m\\u{d}\\u{7f}");
        assert_eq!(harmless("ab\u{202e}cd\u{200b}"), "ab\\u{202e}cd\\u{200b}");
        let fault = Fault::invalid("no `\x1b]0;x`").at("\x1b").found("\x1b").expected("\x1b").help("\x1b");
        assert!(!fault.to_string().contains('\x1b'), "{fault}");
    }

    #[test]
    fn a_long_name_is_shortened() {
        assert_eq!(shortened("éàé", 3), "éàé");
        assert_eq!(shortened("éàéà", 3), "éàé… (4 characters)");
        let fault = Fault::invalid(format!("no `{}`", "x".repeat(100_000_000)));
        assert!(fault.to_string().len() < 5000);
    }

    #[test]
    fn a_list_tells_how_much_it_leaves_out() {
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(listed(&names, 3), "a, b, c");
        assert_eq!(listed(&names, 2), "a, b and 1 more");
        assert_eq!(listed(&[], 2), "");
    }

    #[test]
    fn a_fault_reads_top_to_bottom() {
        let fault = Fault::invalid("wrong shape")
            .at("a.npy")
            .found("[2, 3]")
            .expected("[2, 4]")
            .help("export it again");
        assert_eq!(
            fault.to_string(),
            "wrong shape\n        at: a.npy\n     found: [2, 3]\n  expected: [2, 4]\n      help: export it again"
        );
    }
}
