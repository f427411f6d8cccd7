//! What produced a result: code, commit, machine.
