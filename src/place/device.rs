//! Device, kernels, precision.

use crate::fault::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where tensors live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Cpu,
    /// The GPU with this ordinal.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = Fault;

    fn from_str(s: &str) -> Result<Device> {
        let unknown =
            || Fault::invalid("unknown device").found(s).expected("cpu or cuda:N, for example cuda:0");
        match s.split_once(':') {
            None if s == "cpu" => Ok(Device::Cpu),
            None if s == "cuda" => Ok(Device::Cuda(0)),
            Some(("cuda", n)) => n.parse().map(Device::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => write!(f, "cpu"),
            Device::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

/// Which implementation of the operations runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Ours, fused.
    Fused,
    /// Composed of dfdx primitives (any device).
    Composed,
}

impl Kernels {
    /// As `--kernels` names it.
    pub fn name(self) -> &'static str {
        match self {
            Kernels::Fused => "fused",
            Kernels::Composed => "composed",
        }
    }
}

/// How matrix products take their factors; everything else is float32, whatever is said here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to the 10 bits of mantissa that the tensor cores of NVIDIA cards since compute capability 8.0 take:
    /// several times faster there. There is no such thing on a CPU.
    Tf32,
}

/// Where a network works, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub device: Device,
    pub kernels: Kernels,
    pub precision: Precision,
}

impl Place {
    /// The CPU, with our kernels.
    pub const CPU: Place = Place { device: Device::Cpu, kernels: Kernels::Fused, precision: Precision::F32 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_parsed() {
        assert_eq!("cpu".parse::<Device>().unwrap(), Device::Cpu);
        assert_eq!("cuda:3".parse::<Device>().unwrap(), Device::Cuda(3));
        assert!("gpu".parse::<Device>().unwrap_err().to_string().contains("cuda:N"));
        assert_eq!(Device::Cuda(1).to_string(), "cuda:1");
    }
}
