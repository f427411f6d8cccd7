//! One process per run: a lock file that the kernel locks and that names its holder.
//!
//! The file is made complete under a temporary name, locked there ([`File::try_lock`]) and then hard-linked
//! to `lock`: creation is atomic on every file system, network ones included, nobody sees half a lock, and
//! nobody sees one that is not locked yet. The kernel's lock lasts as long as the process, whatever ends it
//! and whatever its number means to others: while it is held, nobody takes the run over. Whoever only looks
//! takes a shared lock, so that two who look are not in each other's way.
//!
//! Where the kernel's lock is free, the file is what a crash has left, or its holder is out of the kernel's
//! sight (on another host, or on a file system without locks). A holder then counts as gone
//! - of the same boot: if it held the kernel's lock. If it could not (or is of a version that did not), when
//!   its process is gone or its number belongs to a process that started at another time;
//! - on the same host after a reboot: always;
//! - on another host: when its heartbeat (the file's mtime, touched by a thread) is older than
//!   [`SILENCE`]. Both times are the file server's, so clocks need not agree.
//!
//! Removing a stale lock is itself exclusive (`lock.break`): otherwise two processes that both
//! found it stale could remove each other's new one. Whoever has looked at a file that was removed since
//! looks again: a lock counts only while its file is the one that is called `lock`.

use super::atomic::folder_of;
use super::regular;
use crate::fault::{Exit, Fault, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// Bound of a lock file, bytes.
const LONGEST: u64 = 64 << 10;
/// Time between heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Silence after which a holder on another host counts as crashed.
const SILENCE: Duration = Duration::from_secs(15 * 60);
/// The same for a file that names nobody: whoever wrote it has noticed by then that the lock is lost.
const SILENCE_OF_NOBODY: Duration = Duration::from_secs(60);

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub host: String,
    /// Identifies the boot: process numbers mean nothing across it.
    pub boot: String,
    pub pid: u32,
    /// Start of the process in clock ticks since boot (`/proc/<pid>/stat`); 0 where there is no /proc.
    pub start: u64,
    /// Tells two locks of one process apart.
    pub serial: u64,
    /// It holds the kernel's lock on the file; false where the file system has none, and in older versions.
    #[serde(default)]
    pub kernel: bool,
}

/// A held lock; dropped, it is released.
pub struct Lock {
    path: PathBuf,
    holder: Holder,
    /// What the kernel's lock is on.
    file: File,
    heartbeat: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What came of asking for a lock.
pub enum Asked {
    Taken(Lock),
    /// A live process has it; unknown where its file cannot be read.
    Held(Option<Holder>),
}

impl Lock {
    /// Takes the lock of the run in `folder`.
    ///
    /// # Errors
    /// If a live process holds it (exit 1; names it), or the file system refuses.
    pub fn acquire(folder: &Path) -> Result<Lock> {
        match Lock::ask(folder)? {
            Asked::Taken(lock) => Ok(lock),
            Asked::Held(holder) => Err(held_by(&folder.join("lock"), holder.as_ref())),
        }
    }

    /// As [`Lock::acquire`], where it is no fault that another process has it.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn ask(folder: &Path) -> Result<Asked> {
        let path = folder.join("lock");
        let mut holder = Holder::this_process();
        for _ in 0..10 {
            if let Some(file) = link_new(&path, &mut holder)? {
                return Lock::held(path, holder, file).map(Asked::Taken);
            }
            match judge(&path, &holder)? {
                Verdict::Gone => {}
                Verdict::Held(other) => return Ok(Asked::Held(other)),
                Verdict::Stale => break_stale(&path, &mut holder)?,
            }
        }
        Ok(Asked::Held(None))
    }

    /// The live holder of the run in `folder`, if any and if its file can be read.
    pub fn holder(folder: &Path) -> Option<Holder> {
        match judge(&folder.join("lock"), &Holder::this_process()) {
            Ok(Verdict::Held(holder)) => holder,
            _ => None,
        }
    }

    fn held(path: PathBuf, holder: Holder, file: File) -> Result<Lock> {
        let mut lock = Lock { path, holder, file, heartbeat: None };
        let (stop, stopped) = channel::<()>();
        let beating = lock.path.clone();
        let beat = move || {
            while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                // A missed beat is harmless; a lost lock is noticed by `check`.
                let _ = touch(&beating);
            }
        };
        // Where it cannot be started, the lock is given back on the way out.
        let thread = std::thread::Builder::new().spawn(beat).map_err(|e| {
            Fault::failed(format!("cannot start the thread that keeps the lock alive: {e}"))
                .at(lock.path.display().to_string())
                .help("raise the limit of processes (`ulimit -u`) or of memory (`ulimit -v`), or end others")
        })?;
        lock.heartbeat = Some((stop, thread));
        Ok(lock)
    }

    /// Confirms that the lock is still ours; asked before anything is committed.
    ///
    /// # Errors
    /// If another process has taken the run over (this one was silent for too long).
    pub fn check(&self) -> Result<()> {
        match read(&self.path)? {
            Some(holder) if holder == self.holder && is_at(&self.file, &self.path) => Ok(()),
            other => Err(Fault::failed("this process lost the lock of its run; nothing more is written")
                .at(self.path.display().to_string())
                .found(other.map_or("no lock".into(), |h| h.to_string()))
                .expected(&self.holder)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.heartbeat.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
        if self.check().is_ok() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

impl Holder {
    fn this_process() -> Holder {
        use std::sync::atomic::{AtomicU64, Ordering};
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let pid = std::process::id();
        Holder {
            host: host_name(),
            boot: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .unwrap_or_default()
                .trim()
                .into(),
            pid,
            start: start_of(pid).unwrap_or(0),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            kernel: false,
        }
    }

    /// Whether the same kernel runs both. A container may have a host name of its own.
    fn same_kernel(&self, me: &Holder) -> bool {
        self.boot == me.boot && (!self.boot.is_empty() || self.host == me.host)
    }

    /// Under the same kernel: whether the process still runs.
    fn runs(&self) -> bool {
        process_exists(self.pid) && start_of(self.pid).unwrap_or(0) == self.start
    }
}

enum Verdict {
    Gone,
    Stale,
    /// Held by a live process; unknown when the file is not readable as a lock.
    Held(Option<Holder>),
}

fn judge(path: &Path, me: &Holder) -> Result<Verdict> {
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Verdict::Gone),
        Err(e) => return Err(Fault::io("read", path, &e)),
    };
    let locked = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let holder = match read(path) {
        Ok(None) => return Ok(Verdict::Gone),
        Ok(holder) => holder,
        Err(_) => None,
    };
    // What was looked at has been removed or replaced meanwhile.
    if !is_at(&file, path) {
        return Ok(Verdict::Gone);
    }
    if locked {
        return Ok(Verdict::Held(holder));
    }
    let Some(silence) = silence(path)? else { return Ok(Verdict::Gone) };
    let stale = match &holder {
        Some(h) if h.same_kernel(me) => h.kernel || !h.runs(),
        // After a reboot.
        Some(h) if h.host == me.host => true,
        Some(_) => silence > SILENCE,
        None => silence > SILENCE_OF_NOBODY,
    };
    Ok(if stale { Verdict::Stale } else { Verdict::Held(holder) })
}

/// Whether `file` is what is called `path` now.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(theirs)) = (file.metadata(), std::fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())
}

fn held_by(path: &Path, holder: Option<&Holder>) -> Fault {
    let who = holder.map_or("another process".to_string(), |h| h.to_string());
    Fault::with_exit(Exit::Failed, "another process works on this run")
        .at(path.display().to_string())
        .found(format!("held by {who}"))
        .help("wait for it or stop it; a crashed holder on this host is noticed at once, on another host after 15 minutes")
}

/// Creates `path`, locked, with `holder` in it, which is told whether the kernel has locked it; nothing if it
/// exists. The kernel's lock lasts as long as the file is open.
fn link_new(path: &Path, holder: &mut Holder) -> Result<Option<File>> {
    let fault = |e: std::io::Error| Fault::io("lock", path, &e);
    let mut temporary =
        tempfile::Builder::new().prefix(".lock-").tempfile_in(folder_of(path)).map_err(fault)?;
    // A file system that has no locks leaves it to the heartbeat.
    holder.kernel = temporary.as_file().try_lock().is_ok();
    let text = serde_json::to_string(holder).map_err(|e| fault(e.into()))?;
    temporary.write_all(text.as_bytes()).and_then(|()| temporary.as_file().sync_all()).map_err(fault)?;
    match std::fs::hard_link(temporary.path(), path) {
        Ok(()) => Ok(Some(temporary.into_file())),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(e) => Err(fault(e)),
    }
}

/// Removes a stale lock, unless someone else is doing so.
fn break_stale(path: &Path, me: &mut Holder) -> Result<()> {
    let guard = path.with_extension("break");
    let Some(_held) = link_new(&guard, me)? else {
        // Its owner needs milliseconds; one that died there is judged like any holder.
        if let Verdict::Stale = judge(&guard, me)? {
            let _ = std::fs::remove_file(&guard);
        }
        std::thread::sleep(Duration::from_millis(20));
        return Ok(());
    };
    // Judged again under the guard: the lock may have changed hands since.
    let result = match judge(path, me) {
        Ok(Verdict::Stale) => std::fs::remove_file(path).map_err(|e| Fault::io("remove", path, &e)),
        Ok(_) => Ok(()),
        Err(e) => Err(e),
    };
    let _ = std::fs::remove_file(&guard);
    result
}

fn read(path: &Path) -> Result<Option<Holder>> {
    match regular::read(path, LONGEST) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| Fault::failed(format!("not a lock: {e}")).at(path.display().to_string())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Fault::io("read", path, &e)),
    }
}

/// Time since the last heartbeat by the file server's clock; `None` if there is no lock.
fn silence(path: &Path) -> Result<Option<Duration>> {
    let touched = match std::fs::metadata(path).and_then(|m| m.modified()) {
        Ok(t) => t,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::io("read", path, &e)),
    };
    let now = server_time(folder_of(path)).unwrap_or_else(|_| SystemTime::now());
    Ok(Some(now.duration_since(touched).unwrap_or_default()))
}

/// What the file server calls now: the mtime of a file written there.
fn server_time(folder: &Path) -> std::io::Result<SystemTime> {
    let mut probe = tempfile::Builder::new().prefix(".lock-").tempfile_in(folder)?;
    probe.write_all(b"now")?;
    probe.as_file().metadata()?.modified()
}

/// Sets the mtime to the server's now: rewriting a byte does, `utimes` would use our clock.
fn touch(path: &Path) -> std::io::Result<()> {
    let text = regular::read(path, LONGEST)?;
    OpenOptions::new().write(true).open(path)?.write_all(&text)
}

fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is writable for its length; the result is cut at the first zero below.
    let code = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    if code != 0 {
        return "unknown".into();
    }
    let end = buffer.iter().position(|&b| b == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

fn process_exists(pid: u32) -> bool {
    // SAFETY: signal 0 delivers nothing; it only asks whether the process exists.
    let code = unsafe { libc::kill(pid as libc::pid_t, 0) };
    code == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Field 22 of `/proc/<pid>/stat`; the command in field 2 may contain spaces, so count from its `)`.
/// `None` for a zombie: it is dead, only its parent has not looked yet.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    (fields.first() != Some(&"Z")).then(|| fields.get(19)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(folder: &Path, change: impl FnOnce(&mut Holder)) -> PathBuf {
        let mut holder = Holder::this_process();
        let path = folder.join("lock");
        // Its file is closed: the kernel's lock is free, as after a crash.
        assert!(link_new(&path, &mut holder).unwrap().is_some());
        change(&mut holder);
        std::fs::write(&path, serde_json::to_string(&holder).unwrap()).unwrap();
        path
    }

    fn age(path: &Path, by: Duration) {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }

    #[test]
    fn the_second_holder_is_refused_and_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::acquire(dir.path()).unwrap();
        let fault = Lock::acquire(dir.path()).err().unwrap();
        assert!(fault.to_string().contains(&format!("process {}", std::process::id())), "{fault}");
        assert!(Lock::holder(dir.path()).is_some());
        first.check().unwrap();
        drop(first);
        assert!(Lock::holder(dir.path()).is_none());
        Lock::acquire(dir.path()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_dead_holder_on_this_host_is_replaced_at_once() {
        type Change = fn(&mut Holder);
        let changes: [Change; 6] = [
            |h| h.kernel = true, // alive, says its number, but the lock is free
            |h| (h.kernel, h.host) = (true, "a container".into()), // the same kernel under another name
            |h| (h.kernel, h.pid) = (false, 0x3fff_fff0), // beyond any pid_max
            |h| (h.kernel, h.start) = (false, h.start + 1), // the number was given to another process
            |h| h.boot = "before the reboot".into(),
            |h| (h.kernel, h.pid, h.host) = (false, 0x3fff_fff0, "a container".into()),
        ];
        for change in changes {
            let dir = tempfile::tempdir().unwrap();
            plant(dir.path(), change);
            assert!(Lock::holder(dir.path()).is_none());
            Lock::acquire(dir.path()).unwrap();
        }
    }

    /// Where the file system has no locks, and beside a version that did not take them.
    #[test]
    fn a_holder_without_the_kernels_lock_is_asked_for_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        plant(dir.path(), |h| h.kernel = false);
        assert_eq!(Lock::holder(dir.path()).unwrap().pid, std::process::id());
        assert!(Lock::acquire(dir.path()).is_err());
    }

    /// In another PID namespace the number of a live holder means nothing, or somebody else.
    #[test]
    fn while_the_kernel_has_it_locked_nobody_takes_it_over_whatever_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        let path = dir.path().join("lock");
        for (host, boot, pid) in [("node7", "other", 1), (&lock.holder.host, &lock.holder.boot, 0x3fff_fff0)]
        {
            let holder = Holder { host: host.into(), boot: boot.into(), pid, ..lock.holder.clone() };
            std::fs::write(&path, serde_json::to_string(&holder).unwrap()).unwrap();
            age(&path, 2 * SILENCE);
            let fault = Lock::acquire(dir.path()).err().unwrap();
            assert!(fault.to_string().contains(&format!("process {pid} on {host}")), "{fault}");
        }
        for damaged in ["", "x"] {
            std::fs::write(&path, damaged).unwrap();
            age(&path, 2 * SILENCE);
            assert!(Lock::acquire(dir.path()).err().unwrap().what.contains("another process works"));
        }
    }

    #[test]
    fn a_damaged_lock_that_nobody_holds_is_no_dead_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        for damaged in ["", "{", "garbage"] {
            std::fs::write(&path, damaged).unwrap();
            assert!(Lock::acquire(dir.path()).is_err(), "another host may be about to notice");
            age(&path, 2 * SILENCE_OF_NOBODY);
            Lock::acquire(dir.path()).unwrap();
        }
    }

    /// Removed while it was looked at, and made anew by another process: the new one counts.
    #[test]
    fn a_lock_on_a_file_that_was_removed_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let mut holder = Holder::this_process();
        let first = link_new(&path, &mut holder).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&first, &path));
        let second = Lock::acquire(dir.path()).unwrap();
        assert!(!is_at(&first, &path) && is_at(&second.file, &path));
        second.check().unwrap();
    }

    #[test]
    fn a_holder_on_another_host_is_trusted_until_it_falls_silent() {
        let dir = tempfile::tempdir().unwrap();
        let path = plant(dir.path(), |h| (h.host, h.boot) = ("node7".into(), "another".into()));
        age(&path, SILENCE - Duration::from_secs(60));
        let fault = Lock::acquire(dir.path()).err().unwrap();
        assert!(fault.to_string().contains("on node7"), "{fault}");
        age(&path, SILENCE + Duration::from_secs(60));
        Lock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn the_heartbeat_moves_the_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = plant(dir.path(), |_| {});
        age(&path, SILENCE);
        touch(&path).unwrap();
        assert!(silence(&path).unwrap().unwrap() < Duration::from_secs(60));
        assert!(read(&path).unwrap().is_some());
    }

    #[test]
    fn a_lost_lock_is_noticed_and_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        std::fs::remove_file(dir.path().join("lock")).unwrap();
        let path = plant(dir.path(), |h| h.host = "node7".into());
        assert!(lock.check().unwrap_err().to_string().contains("lost the lock"));
        drop(lock);
        assert!(path.exists());
    }

    #[test]
    fn of_many_that_find_a_stale_lock_one_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        plant(dir.path(), |_| {});
        let barrier = std::sync::Barrier::new(8);
        let held: Vec<_> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    s.spawn(|| {
                        barrier.wait();
                        Lock::acquire(dir.path()).ok()
                    })
                })
                .collect();
            threads.into_iter().filter_map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(held.len(), 1);
    }
}
