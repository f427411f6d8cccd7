//! Matrix products by cuBLAS on a handle of our own: single precision, TensorFloat-32 only where it is asked for, a
//! workspace of fixed size, so that the same call takes the same way every time.

use super::memory::{Address, Scratch};
use crate::ops::card_memory::WORKSPACE;
use cudarc::cublas::{result, sys};
use cudarc::driver::CudaDevice;
use dfdx::prelude::CudaError;
use std::sync::Arc;

/// A handle and its workspace.
pub struct Blas {
    handle: sys::cublasHandle_t,
    _workspace: Scratch<u8>,
}

/// A factor of a product: where it begins, and whether it is taken transposed. Rows lie one after another.
#[derive(Clone, Copy)]
pub struct Factor {
    at: Address,
    transposed: bool,
}

impl Factor {
    pub fn rows(at: Address) -> Factor {
        Factor { at, transposed: false }
    }

    /// A matrix stored as `[columns, rows]`.
    pub fn transposed(at: Address) -> Factor {
        Factor { at, transposed: true }
    }
}

impl Blas {
    pub fn new(device: &Arc<CudaDevice>) -> Result<Blas, CudaError> {
        let handle = result::create_handle()?;
        // SAFETY: the workspace lives as long as the handle, and is as large as said.
        let workspace = unsafe {
            let workspace = Scratch::new(device.alloc::<u8>(WORKSPACE)?);
            sys::cublasSetWorkspace_v2(handle, workspace.at().0 as *mut _, WORKSPACE).result()?;
            workspace
        };
        Ok(Blas { handle, _workspace: workspace })
    }

    /// Whether factors may be rounded to TensorFloat-32.
    pub fn allow_tf32(&self, allowed: bool) -> Result<(), CudaError> {
        let (tf32, f32) =
            (sys::cublasMath_t::CUBLAS_TF32_TENSOR_OP_MATH, sys::cublasMath_t::CUBLAS_DEFAULT_MATH);
        let mode = if allowed { tf32 } else { f32 };
        // SAFETY: the handle is open.
        Ok(unsafe { sys::cublasSetMathMode(self.handle, mode) }.result()?)
    }

    /// e.g. `13.0.2`.
    pub fn version(&self) -> String {
        let mut number = 0;
        // SAFETY: the handle is open, and the number is filled in.
        let known = unsafe { sys::cublasGetVersion_v2(self.handle, &mut number) }.result().is_ok();
        // 11.8 and later count the minor version in hundreds.
        let parts = [number / 10_000, number / 100 % 100, number % 100];
        if known {
            parts.map(|part| part.to_string()).join(".")
        } else {
            "unknown".into()
        }
    }

    /// `c = a · b`, or `c += a · b`: a `[m, k]`, b `[k, n]`, c `[m, n]`, row-major. Without rows there is nothing to
    /// do; without `k` a product is zero, and `c` stays as it is: it was made of zeros.
    pub fn product(
        &self,
        c: Address,
        (m, k, n): (usize, usize, usize),
        a: Factor,
        b: Factor,
        add: bool,
    ) -> Result<(), CudaError> {
        if m * k * n == 0 {
            return Ok(());
        }
        let int = |size: usize| i32::try_from(size).expect("a matrix has fewer than 2³¹ rows and columns");
        let (straight, turned) = (sys::cublasOperation_t::CUBLAS_OP_N, sys::cublasOperation_t::CUBLAS_OP_T);
        let operation = |factor: Factor| if factor.transposed { turned } else { straight };
        let (one, beta) = (1.0_f32, if add { 1.0_f32 } else { 0.0 });
        let leading =
            |factor: Factor, rows: usize, columns: usize| int(if factor.transposed { rows } else { columns });
        // cuBLAS counts columns first: row-major matrices are their own transposes there, so it makes cᵀ = bᵀ · aᵀ.
        // SAFETY: the addresses have room for these shapes, on the device that is current.
        unsafe {
            result::sgemm(
                self.handle,
                operation(b),
                operation(a),
                int(n),
                int(m),
                int(k),
                &one,
                b.at.0 as *const f32,
                leading(b, k, n),
                a.at.0 as *const f32,
                leading(a, m, k),
                &beta,
                c.0 as *mut f32,
                int(n),
            )?;
        }
        Ok(())
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        // SAFETY: opened by `new`, destroyed once. A device that has failed cannot, and the process is about to end.
        let _ = unsafe { result::destroy_handle(self.handle) };
    }
}
