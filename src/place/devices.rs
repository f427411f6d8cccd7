//! Several devices, each for one of the runs that are made at the same time.

use super::device::Device;
use crate::fault::{Fault, Result};
use std::fmt;
use std::str::FromStr;

/// At least one device, none twice: the CPU, or cards of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devices(Vec<Device>);

impl Devices {
    /// # Errors
    /// Exit 2 for none, for one that is named twice, and for the CPU beside another: what runs there and what runs on
    /// a card differ in more than what is compared.
    pub fn new(list: Vec<Device>) -> Result<Devices> {
        let twice = list.iter().enumerate().find(|(at, device)| list[..*at].contains(device));
        if let Some((_, device)) = twice {
            return Err(Fault::invalid("a device is named twice")
                .found(device)
                .help("`--jobs` says how many runs share the devices"));
        }
        if list.is_empty() || (list.len() > 1 && list.contains(&Device::Cpu)) {
            return Err(Fault::invalid("these cannot be used together")
                .found(Devices(list))
                .expected("cpu, or one or more cards, for example cuda:0,cuda:1"));
        }
        Ok(Devices(list))
    }

    pub fn all(&self) -> &[Device] {
        &self.0
    }

    pub fn first(&self) -> Device {
        self.0[0]
    }

    /// # Errors
    /// Exit 2 where there are several.
    pub fn only(&self) -> Result<Device> {
        match self.0[..] {
            [device] => Ok(device),
            _ => Err(Fault::invalid("several devices, where one is used")
                .found(self)
                .expected("one of them")
                .help("`nano4m ablate NAME` uses several, one for each run at a time, on this machine")),
        }
    }

    /// The device for one more run: the first of those with the fewest in `busy`, which has one entry for each run
    /// under way.
    pub fn free(&self, busy: impl Iterator<Item = Device> + Clone) -> Device {
        let runs = |device: &Device| busy.clone().filter(|taken| taken == device).count();
        // Of equals the first is the least.
        self.0.iter().copied().min_by_key(runs).unwrap_or(self.first())
    }

    /// The most runs that one of them has at a time, of so many in all.
    pub fn sharing(&self, runs: usize) -> usize {
        runs.div_ceil(self.0.len())
    }
}

impl From<Device> for Devices {
    fn from(device: Device) -> Devices {
        Devices(vec![device])
    }
}

impl FromStr for Devices {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Devices> {
        Devices::new(text.split(',').map(str::parse).collect::<Result<_>>()?)
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_parsed_and_what_cannot_be_meant_is_refused() {
        let parsed = |text: &str| text.parse::<Devices>();
        assert_eq!(parsed("cpu").unwrap(), Devices::from(Device::Cpu));
        let two = parsed("cuda:1,cuda").unwrap();
        assert_eq!(
            (two.all(), two.to_string().as_str()),
            (&[Device::Cuda(1), Device::Cuda(0)][..], "cuda:1,cuda:0")
        );
        for (text, said) in [
            ("cuda:0,cuda", "named twice"),
            ("cpu,cuda:0", "together"),
            ("cuda:0,", "unknown device"),
            ("cuda:0 cuda:1", "unknown device"),
            ("", "unknown device"),
        ] {
            assert!(parsed(text).unwrap_err().what.contains(said), "{text}");
        }
        assert!(two.only().unwrap_err().help.unwrap().contains("ablate"));
        assert_eq!(parsed("cuda:3").unwrap().only().unwrap(), Device::Cuda(3));
    }

    #[test]
    fn the_device_with_the_fewest_runs_is_next() {
        let devices: Devices = "cuda:0,cuda:1,cuda:2".parse().unwrap();
        let mut busy = Vec::new();
        for expected in [0, 1, 2, 0, 1] {
            let next = devices.free(busy.iter().copied());
            assert_eq!(next, Device::Cuda(expected));
            busy.push(next);
        }
        // What ran on the third has ended.
        busy.retain(|device| *device != Device::Cuda(2));
        assert_eq!(devices.free(busy.iter().copied()), Device::Cuda(2));
        assert_eq!([1, 3, 4, 7].map(|runs| devices.sharing(runs)), [1, 1, 2, 3]);
    }
}
