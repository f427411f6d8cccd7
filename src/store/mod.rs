//! Run directories: atomic writes, locks, listing.
