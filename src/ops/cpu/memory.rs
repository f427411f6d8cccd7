//! Reading and writing dfdx's CPU tensors and gradients as slices.
//!
//! All matrices here are contiguous: operations create them from a `Vec` or as zeros.

use super::simd::add_assign;
use crate::ops::backend::Mat;
use dfdx::prelude::*;

/// The numbers of a matrix, row-major.
pub fn data(t: &Mat<Cpu>) -> &[f32] {
    let (r, c) = *t.shape();
    if r * c == 0 {
        return &[];
    }
    // SAFETY: the tensor is contiguous and holds r·c numbers from its first one on.
    unsafe { std::slice::from_raw_parts(&t[[0, 0]], r * c) }
}

/// The numbers of a matrix, writable; copies them first if another tensor shares them.
pub fn data_mut(t: &mut Mat<Cpu>) -> &mut [f32] {
    let (r, c) = *t.shape();
    if r * c == 0 {
        return &mut [];
    }
    // SAFETY: as in `data`, and the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(&mut t[[0, 0]], r * c) }
}

/// A matrix made of `values`, without copying them.
pub fn matrix(dev: &Cpu, values: Vec<f32>, rows: usize, cols: usize) -> Result<Mat<Cpu>, CpuError> {
    dev.try_tensor_from_vec(values, (rows, cols))
}

/// Takes the gradient of `t` out of the map (zeros if nothing was added to it), so that its memory
/// is free as soon as the operation that made `t` is done with it.
pub fn take_grad<S: Shape>(
    grads: &mut Gradients<f32, Cpu>,
    t: &Tensor<S, f32, Cpu>,
) -> Result<Vec<f32>, CpuError> {
    let slot: &mut Vec<f32> = grads.get_or_alloc_mut(t)?;
    let numel = t.shape().num_elements();
    let taken = std::mem::take(slot);
    // A second take would see the emptied slot: give zeros, as for a gradient that was never added to.
    Ok(if taken.len() == numel { taken } else { vec![0.0; numel] })
}

/// The gradient of `t`, writable; zeros at first.
pub fn grad_mut<'a, S: Shape>(
    grads: &'a mut Gradients<f32, Cpu>,
    t: &Tensor<S, f32, Cpu>,
) -> Result<&'a mut Vec<f32>, CpuError> {
    let numel = t.shape().num_elements();
    let slot: &mut Vec<f32> = grads.get_or_alloc_mut(t)?;
    if slot.len() != numel {
        *slot = vec![0.0; numel];
    }
    Ok(slot)
}

/// Adds `value` to the gradient of `t`. A gradient that is still all zeros is replaced, which saves
/// a pass and, for the large tables, the memory of a second buffer (its zero pages were never touched).
pub fn add_grad<S: Shape>(
    grads: &mut Gradients<f32, Cpu>,
    t: &Tensor<S, f32, Cpu>,
    value: Vec<f32>,
) -> Result<(), CpuError> {
    let slot = grad_mut(grads, t)?;
    if slot.iter().all(|x| *x == 0.0) {
        *slot = value;
    } else {
        add_assign(slot, &value);
    }
    Ok(())
}

/// A pointer that tasks share when each writes its own, disjoint part.
#[derive(Clone, Copy)]
pub struct Shared(*mut f32);

// SAFETY: every use states which disjoint part a task touches.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    pub fn new(values: &mut [f32]) -> Shared {
        Shared(values.as_mut_ptr())
    }

    /// # Safety
    /// `offset` must lie inside the slice this was made from, and no two tasks may touch the same numbers.
    pub unsafe fn at(self, offset: usize) -> *mut f32 {
        self.0.add(offset)
    }
}
