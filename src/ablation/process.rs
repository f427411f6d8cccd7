//! One job as a process of this program: `nano4m run MANIFEST`, with its output in a file.
//!
//! A process of its own, so that a cell that crashes or runs out of memory takes no other with it.
//! It leads its own process group: Ctrl-C on the terminal then reaches it once, through
//! [`Process::signal`], and not twice. On Linux it is told to stop when this process dies, however
//! that happens, so that nothing is left running.

use super::invocation::Invocation;
use super::job::Job;
use crate::fault::{Exit, Fault, Result};
use crate::place::Device;
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// How a job's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Exit 0.
    Finished,
    /// Stopped after a checkpoint: one of [`Exit::RESUMABLE`].
    Stopped,
    /// Anything else, in one line.
    Failed(String),
}

/// A running job.
pub struct Process {
    /// Index into the plan's jobs.
    pub job: usize,
    /// What it runs on.
    pub device: Device,
    child: Child,
}

impl Process {
    /// Starts job number `index` on a device, with `threads` threads. Must be called on a thread that lives as long as the
    /// process: the death of the thread would count as the death of the parent.
    ///
    /// # Errors
    /// If the log cannot be made or the program not started.
    pub fn start(
        invocation: &Invocation,
        (device, threads): (Device, usize),
        index: usize,
        job: &Job,
    ) -> Result<Process> {
        let path = job.log();
        let log = File::create(&path).map_err(|e| Fault::io("create", &path, &e))?;
        let copy = log.try_clone().map_err(|e| Fault::io("open", &path, &e))?;
        let mut command = Command::new(&invocation.program);
        command
            .args(invocation.options_on(device))
            .arg("run")
            .arg(&job.manifest)
            .arg("--for")
            .arg(job.made_for.to_string())
            .args(&invocation.flags)
            .current_dir(&invocation.directory)
            .env("NANO4M_CACHE", &invocation.cache)
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stdin(Stdio::null())
            .stdout(copy)
            .stderr(log)
            .process_group(0);
        die_with_parent(&mut command);
        let child = command.spawn().map_err(|e| Fault::io("start", &invocation.program, &e))?;
        Ok(Process { job: index, device, child })
    }

    /// How it ended, if it did.
    pub fn ended(&mut self, log: &Path) -> Result<Option<End>> {
        let status =
            self.child.try_wait().map_err(|e| Fault::failed(format!("cannot wait for a job: {e}")))?;
        Ok(status.map(|status| end(status, log)))
    }

    /// Sends it a signal.
    pub fn signal(&self, number: i32) {
        // SAFETY: the child has not been waited for (`ended` gave `None`), so the number is still its own.
        unsafe { libc::kill(self.child.id() as libc::pid_t, number) };
    }
}

fn end(status: ExitStatus, log: &Path) -> End {
    match status.code() {
        Some(0) => End::Finished,
        Some(code) if Exit::from_code(code).is_some_and(Exit::is_resumable) => End::Stopped,
        Some(code) => End::Failed(last_error(log).unwrap_or_else(|| format!("exit {code}"))),
        None => match status.signal() {
            Some(libc::SIGTERM | libc::SIGINT) => End::Stopped,
            Some(number) => End::Failed(format!("killed by signal {number}")),
            None => End::Failed("ended without a code".into()),
        },
    }
}

/// The last `error:` line of what a job printed, or the message of a panic.
fn last_error(log: &Path) -> Option<String> {
    let text = crate::store::regular::read_own(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let error = text.lines().rev().find_map(|l| l.strip_prefix("error: ").map(str::to_owned));
    error.or_else(|| text.lines().find(|l| l.contains("panicked at")).map(str::to_owned))
}

/// Asks the kernel for SIGTERM when the parent dies: a checkpoint, then the end.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id() as libc::pid_t;
    let ask = move || {
        // SAFETY: both calls are safe between fork and exec.
        let (asked, now) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM), libc::getppid()) };
        // The parent may have died before it was asked for.
        if asked == 0 && now == parent {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(ask) };
}

/// Elsewhere a killed parent leaves its running jobs to finish; a rerun finds them locked and waits.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("x.log");
        std::fs::write(&log, "step 1\nerror: the loss is not finite\n        at: x\n").unwrap();
        let status = |raw: i32| ExitStatus::from_raw(raw);
        assert_eq!(end(status(1 << 8), &log), End::Failed("the loss is not finite".into()));
        assert_eq!(end(status(0), &log), End::Finished);
        assert_eq!(end(status(143 << 8), &log), End::Stopped);
        assert_eq!(end(status(libc::SIGTERM), &log), End::Stopped);
        assert_eq!(end(status(libc::SIGKILL), &log), End::Failed("killed by signal 9".into()));
        std::fs::write(&log, "thread 'main' panicked at src/x.rs:1:2:\nboom\n").unwrap();
        assert_eq!(
            end(status(101 << 8), &log),
            End::Failed("thread 'main' panicked at src/x.rs:1:2:".into())
        );
        assert_eq!(end(status(7 << 8), &folder.path().join("none")), End::Failed("exit 7".into()));
    }
}
