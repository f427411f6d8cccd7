//! FourM: the encoder–decoder transformer over packed tokens (REFERENCE §1).

pub mod checkpoint;
pub mod digest;
mod engine;
mod fourm;
pub mod network;
pub mod params;

use crate::device::{on, Device, OnDevice};
use crate::fault::Result;
use crate::ops::{Backend, Composed, Fused};
use dfdx::tensor::Cpu;
use engine::DeviceNetwork;
use network::{Config, Kernels, Network};

/// A freshly initialized network at `device`. Only the CPU has fused kernels; elsewhere the composed
/// operations run.
pub fn open(device: Device, kernels: Kernels, config: Config, seed: u64) -> Result<Box<dyn Network>> {
    on(device, Open { kernels, config, seed })?
}

struct Open {
    kernels: Kernels,
    config: Config,
    seed: u64,
}

impl OnDevice for Open {
    type Output = Result<Box<dyn Network>>;

    fn cpu(self, dev: Cpu) -> Self::Output {
        match self.kernels {
            Kernels::Fused => Ok(Box::new(DeviceNetwork::<_, Fused>::new(&dev, self.config, self.seed)?)),
            Kernels::Composed => self.other(dev),
        }
    }

    fn other<D: Backend>(self, dev: D) -> Self::Output {
        Ok(Box::new(DeviceNetwork::<_, Composed>::new(&dev, self.config, self.seed)?))
    }
}
