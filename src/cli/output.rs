//! Printing: data to stdout, everything else to stderr. A closed pipe is not an error.

use crate::fault::{harmless, Fault, Listing, Result};
use std::io::{ErrorKind, IsTerminal, Write};

/// Prints data and ends the line, what would command a terminal written out.
pub fn data(text: &str) -> Result<()> {
    print(&harmless(text))
}

/// Whoever closed the pipe has read enough.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end)).and_then(|()| out.flush());
    match written {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Fault::failed(format!("cannot print: {e}"))),
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub fn json(value: &impl serde::Serialize) -> Result<()> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Fault::failed(format!("cannot format JSON: {e}")))?;
    print(&text)
}

/// Prints a line for humans to stderr, what would command a terminal written out.
pub fn note(text: &str) {
    coloured(&harmless(text));
}

fn coloured(text: &str) {
    // There is nobody to tell that stderr is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints problems with their places.
pub fn listing(listing: &Listing) {
    coloured(if colours() { &listing.coloured } else { &listing.plain });
}

/// Names of runs as a line has room for: `3 runs (a, b, c)`, of many the first.
pub fn names(runs: &[String]) -> String {
    const SHOWN: usize = 3;
    let (s, more) = (if runs.len() == 1 { "" } else { "s" }, if runs.len() > SHOWN { ", …" } else { "" });
    format!("{} run{s} ({}{more})", runs.len(), runs[..runs.len().min(SHOWN)].join(", "))
}

/// Prints a fault, its problems first; `error:` in red on a terminal.
pub fn fault(fault: &Fault) {
    if let Some(problems) = &fault.listing {
        listing(problems);
        coloured("");
    }
    let (on, off) = if colours() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    coloured(&format!("{on}error:{off} {}", fault.message()));
}

fn colours() -> bool {
    std::io::stderr().is_terminal() && colour_wanted()
}

/// https://no-color.org: any value but the empty one switches colours off.
pub fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
