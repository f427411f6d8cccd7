//! Files of other systems: what they say, as what is said here.

pub mod omegaconf;
