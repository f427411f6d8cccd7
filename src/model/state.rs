//! What a checkpoint of a [`DeviceNetwork`] holds.

use super::checkpoint::{self, take, Loaded};
use super::engine::DeviceNetwork;
use super::failure::device;
use super::network::{NamedTensor, State};
use crate::architecture::Spec;
use crate::fault::Result;
use crate::ops::{Backend, OpSet};
use crate::store::tensors::by_name;

impl<D: Backend, O: OpSet<D>> State for DeviceNetwork<D, O> {
    fn parameters(&self) -> Vec<NamedTensor> {
        let all = self.model.specs.iter().zip(&self.model.params);
        all.map(|(s, p)| NamedTensor { name: s.name.clone(), shape: s.shape.clone(), values: p.as_vec() })
            .collect()
    }

    fn moments(&self) -> Vec<NamedTensor> {
        let values = |i: usize, spec: &Spec| match self.moments.get(i) {
            Some((m, v)) => [m.as_vec(), v.as_vec()],
            None => [vec![0.0; spec.numel()], vec![0.0; spec.numel()]],
        };
        let named = |(i, s): (usize, &Spec)| {
            let [m, v] = values(i, s);
            [("m", m), ("v", v)].map(|(k, values)| NamedTensor {
                name: format!("{k}.{}", s.name),
                shape: s.shape.clone(),
                values,
            })
        };
        self.model.specs.iter().enumerate().flat_map(named).collect()
    }

    fn load_parameters(&mut self, tensors: Vec<NamedTensor>) -> Result<()> {
        let dev = self.model.positions.device().clone();
        let Loaded { parameters, positions } = checkpoint::loaded(&self.model.config, tensors)?;
        let on_device = |(spec, values): (&Spec, Vec<f32>)| {
            dev.try_tensor_from_vec(values, spec.matrix()).map_err(device)
        };
        let params = self.model.specs.iter().zip(parameters).map(on_device).collect::<Result<_>>()?;
        if let Some(table) = positions {
            let shape = (table.len() / self.model.config.dim, self.model.config.dim);
            self.model.positions = dev.try_tensor_from_vec(table, shape).map_err(device)?;
        }
        self.model.params = params;
        Ok(())
    }

    fn load_moments(&mut self, tensors: Vec<NamedTensor>, steps_taken: u64) -> Result<()> {
        let dev = self.model.positions.device().clone();
        let mut given = by_name(tensors);
        let mut loaded = Vec::with_capacity(self.model.specs.len());
        for spec in &self.model.specs {
            let mut moment = |k: &str| {
                let values = take(&mut given, &format!("{k}.{}", spec.name), &spec.shape)?;
                dev.try_tensor_from_vec(values, spec.matrix()).map_err(device)
            };
            loaded.push((moment("m")?, moment("v")?));
        }
        (self.moments, self.steps) = (loaded, steps_taken);
        Ok(())
    }
}
