//! Signals that end a program, taken as a wish to stop.
//!
//! SIGINT and SIGTERM: the first asks for a checkpoint, the second exits at once. What terminals, limits and
//! batch systems send (SIGHUP, SIGQUIT, SIGXCPU, SIGUSR1, SIGUSR2, timers) asks for a checkpoint however often it
//! comes; one of those that was ignored when the program started stays so: `nohup` means it. SIGTSTP and SIGCONT only pause; SIGPIPE and SIGXFSZ are errors of a write
//! ([`limits`](super::limits)).

use crate::fault::{Exit, Fault, Result};
use crate::observer::Stop;
use signal_hook::consts::*;
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

/// Ask for a checkpoint, and nothing else.
const ASKING: [(i32, Stop); 9] = [
    (SIGUSR1, Stop::Asked),
    (SIGUSR2, Stop::Asked),
    (SIGHUP, Stop::Signalled("SIGHUP")),
    (SIGQUIT, Stop::Signalled("SIGQUIT")),
    (SIGXCPU, Stop::Signalled("SIGXCPU, the limit of processor time")),
    (SIGALRM, Stop::Signalled("SIGALRM")),
    (SIGVTALRM, Stop::Signalled("SIGVTALRM")),
    (SIGPROF, Stop::Signalled("SIGPROF")),
    (SIGIO, Stop::Signalled("SIGIO")),
];

/// What has arrived so far.
pub struct Signals {
    interrupted: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
    /// The newest of those that ask; 0 before the first.
    asked: Arc<AtomicUsize>,
}

impl Signals {
    /// Starts listening.
    pub fn listen() -> Result<Signals> {
        let signals =
            Signals { interrupted: Arc::default(), terminated: Arc::default(), asked: Arc::default() };
        let (int, term) = (&signals.interrupted, &signals.terminated);
        for (signal, own, exit) in [(SIGINT, int, Exit::Interrupted), (SIGTERM, term, Exit::Terminated)] {
            // The shutdown is registered before the flag: it looks at what an earlier signal has set.
            for earlier in [int, term] {
                flag::register_conditional_shutdown(signal, exit as i32, earlier.clone()).map_err(refused)?;
            }
            flag::register(signal, own.clone()).map_err(refused)?;
        }
        for (signal, _) in ASKING {
            if !ignored(signal) {
                flag::register_usize(signal, signals.asked.clone(), signal as usize).map_err(refused)?;
            }
        }
        Ok(signals)
    }

    /// Why to stop, if a signal has arrived.
    pub fn stop(&self) -> Option<Stop> {
        if self.terminated.load(Ordering::Relaxed) {
            return Some(Stop::Terminated);
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return Some(Stop::Interrupted);
        }
        let asked = self.asked.load(Ordering::Relaxed);
        ASKING.iter().find(|(signal, _)| *signal as usize == asked).map(|(_, why)| *why)
    }
}

/// Whether whoever started the program wants it to ignore the signal.
fn ignored(signal: i32) -> bool {
    // SAFETY: plain bytes; with no new action the old one is only read.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

fn refused(error: std::io::Error) -> Fault {
    Fault::failed(format!("cannot listen for signals: {error}"))
}
