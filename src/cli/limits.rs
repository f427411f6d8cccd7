//! Limits of the system, met with an error and an exit code that is documented.

/// Makes a limit on the size of files (`ulimit -f`) an error of the write, and memory that is not to be had an
/// exit with code 1, where each would else end the program by a signal.
pub fn named() {
    // SAFETY: no other thread has been started yet; the handler does only what is allowed in one.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGABRT, aborted as *const () as libc::sighandler_t);
    }
}

/// What the standard library ends a program with that gets no memory, after one line that says so.
extern "C" fn aborted(_signal: libc::c_int) {
    const SAID: &[u8] = b"error: the line above ends the program (if it is about memory: `ulimit -v`, or what a \
        batch system allows); nothing up to the last checkpoint is lost: the same command goes on from there\n";
    // SAFETY: `write` and `_exit` may be called in a handler.
    unsafe {
        libc::write(2, SAID.as_ptr().cast(), SAID.len());
        libc::_exit(1);
    }
}
