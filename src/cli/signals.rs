//! SIGINT and SIGTERM: the first asks for a checkpoint, the second exits at once. SIGUSR1 and SIGUSR2, which
//! batch systems send before they end a job, ask for a checkpoint however often they come.

use crate::fault::{Exit, Fault, Result};
use crate::observer::Stop;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// What has arrived so far.
pub struct Signals {
    interrupted: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
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
        for signal in [SIGUSR1, SIGUSR2] {
            flag::register(signal, signals.asked.clone()).map_err(refused)?;
        }
        Ok(signals)
    }

    /// Why to stop, if a signal has arrived.
    pub fn stop(&self) -> Option<Stop> {
        if self.terminated.load(Ordering::Relaxed) {
            Some(Stop::Terminated)
        } else if self.interrupted.load(Ordering::Relaxed) {
            Some(Stop::Interrupted)
        } else {
            self.asked.load(Ordering::Relaxed).then_some(Stop::Asked)
        }
    }
}

fn refused(error: std::io::Error) -> Fault {
    Fault::failed(format!("cannot listen for signals: {error}"))
}
