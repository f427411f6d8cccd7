//! The wanted files of an archive.

use super::entry::{choose, too_large, Entry, Seen, Wanted, BATCH_BYTES, BATCH_FILES};
use super::names::{is_hidden, name, Name};
use crate::data::archive::{Kind, Member, Members, Unpacked};
use crate::fault::{Fault, Result};
use crate::store::regular;
use crate::store::sniff::Nature;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;

/// Folders and links remembered, for messages only.
const MOST_SEEN: usize = 10_000;

/// A batch of files, or what is wrong with the archive.
type Message = Result<Vec<Entry>>;

/// Hands every wanted file of the archive to `take`. One thread unpacks, the caller's thread takes; at
/// most four batches exist at a time.
///
/// # Errors
/// If it is no archive, damaged or cut; whatever `take` returns.
pub fn read(path: &Path, wanted: Wanted, take: &mut dyn FnMut(Vec<Entry>) -> Result<()>) -> Result<Seen> {
    let file = open(path)?;
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<Message>(2);
        let unpack = scope.spawn(move || {
            let mut batches = Batches { send, batch: Vec::new(), size: 0 };
            let seen = files(file, wanted, &mut |entry| batches.add(entry))
                .map_err(|fault| fault.at(path.display().to_string()))?;
            batches.flush();
            Ok(seen)
        });
        for batch in receive {
            take(batch?)?;
        }
        unpack
            .join()
            .unwrap_or_else(|_| Err(Fault::failed("unpacking stopped").at(path.display().to_string())))
    })
}

/// The archive, unless its first bytes say that it is none.
fn open(path: &Path) -> Result<File> {
    let fault = |e| regular::fault("read the dataset", path, &e);
    let mut start = Vec::new();
    let begin = || -> std::io::Result<File> { regular::open(path) };
    begin()
        .map_err(fault)?
        .take(crate::store::sniff::ENOUGH as u64)
        .read_to_end(&mut start)
        .map_err(fault)?;
    match Nature::of(&start) {
        Some(nature) if !matches!(nature, Nature::Tar | Nature::Gzip | Nature::Zstandard | Nature::Zeros) => {
            Err(Fault::invalid("not a dataset, but something else")
                .at(path.display().to_string())
                .found(nature.name())
                .expected("a folder, or a .tar, .tar.gz or .tar.zst of one")
                .help(nature.help()))
        }
        _ => begin().map_err(fault),
    }
}

fn corrupt(error: &dyn std::fmt::Display) -> Fault {
    Fault::invalid("corrupt archive")
        .found(error)
        .expected("a complete .tar, .tar.gz or .tar.zst")
        .help("get or pack the archive again; compare its size and checksum with the original")
}

/// What goes to the other thread.
struct Batches {
    send: mpsc::SyncSender<Message>,
    batch: Vec<Entry>,
    size: u64,
}

impl Batches {
    /// `false` once nobody listens: the receiver met an error and reports that.
    fn add(&mut self, entry: Entry) -> bool {
        self.size += entry.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.batch.push(entry);
        (self.size < BATCH_BYTES && self.batch.len() < BATCH_FILES) || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.size = 0;
        self.send.send(Ok(std::mem::take(&mut self.batch))).is_ok()
    }
}

/// Hands over the wanted files of an archive, as long as `hand` says `true`.
///
/// # Errors
/// If it is no archive, damaged or cut; the fault names no place.
pub fn files(archive: impl Read, wanted: Wanted, hand: &mut dyn FnMut(Entry) -> bool) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut members = Members::new(Unpacked::new(archive).map_err(|e| corrupt(&e))?);
    let mut empty = true;
    while let Some(member) = members.next_member().map_err(|e| corrupt(&e))? {
        empty = false;
        remember(&member, &mut seen);
        if member.kind == Kind::Folder {
            continue;
        }
        let entry = match choose(&member.name, wanted) {
            None => continue,
            Some(Err(refused)) => refused,
            Some(Ok((path, bound))) => match refusal(&member, &path, bound) {
                Some(refused) => refused,
                None => Entry { path, bytes: Ok(members.read(&member).map_err(|e| corrupt(&e))?) },
            },
        };
        if !hand(entry) {
            return Ok(seen);
        }
    }
    if empty {
        return Err(corrupt(&"nothing but zeros, no file in it"));
    }
    Ok(seen)
}

/// All files in an archive's bytes, each of at most `bound` bytes: paths, and contents or why not.
///
/// # Errors
/// As [`files`].
pub fn archive_files(archive: &[u8], bound: u64) -> Result<Vec<(String, Result<Vec<u8>>)>> {
    let mut all = Vec::new();
    files(archive, &|_| Some(bound), &mut |entry| {
        all.push((entry.path, entry.bytes));
        true
    })?;
    Ok(all)
}

fn remember(member: &Member, seen: &mut Seen) {
    let Name::Good(path) = name(&member.name) else { return };
    if is_hidden(&path) {
        return;
    }
    if matches!(member.kind, Kind::HardLink | Kind::SymbolicLink) && seen.links.len() < MOST_SEEN {
        seen.links.insert(path.clone());
    }
    let folder =
        if member.kind == Kind::Folder { Some(path.as_str()) } else { path.rsplit_once('/').map(|p| p.0) };
    if let Some(folder) = folder.filter(|f| seen.folders.len() < MOST_SEEN && !seen.folders.contains(*f)) {
        seen.folders.insert(folder.to_string());
    }
}

/// Why a wanted member is not read.
fn refusal(member: &Member, path: &str, bound: u64) -> Option<Entry> {
    let other = |what: &str, found: &str, help: &str| {
        let fault = Fault::invalid(what).at(path).found(found).help(help);
        Some(Entry { path: path.into(), bytes: Err(fault) })
    };
    const LINK: &str = "the archive holds a link instead of a file";
    const DEREFERENCE: &str = "pack it again with `tar --dereference --hard-dereference`";
    match member.kind {
        Kind::HardLink => other(LINK, "a hard link", DEREFERENCE),
        Kind::SymbolicLink => other(LINK, "a symbolic link", DEREFERENCE),
        Kind::Special => other(
            "the archive holds no file there",
            "a device or a named pipe",
            "pack the dataset's files alone",
        ),
        Kind::File if member.size > bound => Some(too_large(path, member.size, bound)),
        Kind::File => None,
        kind => other(
            "the archive holds no file there",
            &match kind {
                Kind::Other(letter) => format!("a member of type `{}`", letter.escape_ascii()),
                kind => format!("{kind:?}"),
            },
            "pack it again with GNU tar or bsdtar",
        ),
    }
}
