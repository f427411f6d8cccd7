//! A network on whichever device is asked for.

use super::engine::DeviceNetwork;
use super::network::{Config, Network};
use crate::fault::Result;
use crate::ops::device::{on, OnDevice};
use crate::ops::{Backend, OpSet};
use crate::place::Place;
use dfdx::tensor::Cpu;

/// A freshly initialized network. On the CPU several threads may share it.
///
/// # Errors
/// If there is no such place, or its memory does not suffice.
pub fn open(place: Place, config: Config, seed: u64) -> Result<Box<dyn Network>> {
    on(place, Open { config, seed })?
}

struct Open {
    config: Config,
    seed: u64,
}

impl OnDevice for Open {
    type Output = Result<Box<dyn Network>>;

    fn cpu<O: OpSet<Cpu>>(self, dev: Cpu) -> Self::Output {
        Ok(Box::new(DeviceNetwork::<_, O>::new(&dev, self.config, self.seed)?.shareable()))
    }

    fn other<D: Backend, O: OpSet<D>>(self, dev: D) -> Self::Output {
        Ok(Box::new(DeviceNetwork::<_, O>::new(&dev, self.config, self.seed)?))
    }
}
