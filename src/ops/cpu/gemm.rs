//! Matrix products on slices through the `gemm` crate, the one dfdx's own matmul uses.
//!
//! Its result does not depend on the number of threads: the reduction is never split by thread.

use gemm::Parallelism;

/// A matrix in memory: element `(i, j)` is at `i · row + j · col`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    row: usize,
    col: usize,
}

impl<'a> View<'a> {
    /// Row-major with `stride` numbers from one row to the next.
    pub fn rows(data: &'a [f32], stride: usize) -> View<'a> {
        View { data, row: stride, col: 1 }
    }

    /// The transpose.
    pub fn t(self) -> View<'a> {
        View { row: self.col, col: self.row, ..self }
    }

    fn fits(&self, rows: usize, cols: usize) -> bool {
        rows == 0 || cols == 0 || (rows - 1) * self.row + (cols - 1) * self.col < self.data.len()
    }
}

/// `dst = a · b` or, with `add`, `dst += a · b`; `dst` is row-major `[m, n]`, a `[m, k]`, b `[k, n]`. All threads.
pub fn matmul(dst: &mut [f32], (m, k, n): (usize, usize, usize), a: View, b: View, add: bool) {
    assert!(dst.len() >= m * n, "matmul: {} numbers for {m}×{n}", dst.len());
    // SAFETY: the assertion above bounds dst.
    unsafe {
        raw(dst.as_mut_ptr(), n, (m, k, n), a, b, add, Parallelism::Rayon(rayon::current_num_threads()))
    }
}

/// `matmul` on the calling thread only, into rows `stride` apart.
///
/// # Safety
/// `dst` must be valid for `m` rows of `n` numbers, `stride` apart, and no other thread may touch them.
pub unsafe fn matmul_one_thread(
    dst: *mut f32,
    stride: usize,
    dims: (usize, usize, usize),
    a: View,
    b: View,
    add: bool,
) {
    raw(dst, stride, dims, a, b, add, Parallelism::None)
}

unsafe fn raw(
    dst: *mut f32,
    stride: usize,
    (m, k, n): (usize, usize, usize),
    a: View,
    b: View,
    add: bool,
    threads: Parallelism,
) {
    assert!(a.fits(m, k) && b.fits(k, n), "matmul: operand too small for {m}×{k}×{n}");
    if m == 0 || n == 0 {
        return;
    }
    let (pa, pb) = (a.data.as_ptr(), b.data.as_ptr());
    gemm::gemm(
        m,
        n,
        k,
        dst,
        1,
        stride as isize,
        add,
        pa,
        a.col as isize,
        a.row as isize,
        pb,
        b.col as isize,
        b.row as isize,
        if add { 1.0 } else { 0.0 },
        1.0_f32,
        false,
        false,
        false,
        threads,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_views() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // [2, 3]
        let b = [1.0, 0.0, 2.0, 1.0, 0.0, 1.0]; // [3, 2]
        let mut c = [1.0; 4];
        matmul(&mut c, (2, 3, 2), View::rows(&a, 3), View::rows(&b, 2), false);
        assert_eq!(c, [5.0, 5.0, 14.0, 11.0]);
        matmul(&mut c, (2, 3, 2), View::rows(&a, 2).t().t(), View::rows(&b, 3).t(), true);
        assert_eq!(c[0], 5.0 + 1.0 + 6.0);
        matmul(&mut c, (2, 0, 2), View::rows(&[], 0), View::rows(&[], 2), false);
        assert_eq!(c, [0.0; 4]);
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let (m, k, n) = (300, 700, 260);
        let a: Vec<f32> = (0..m * k).map(|i| ((i * 37 % 101) as f32 - 50.0) / 31.0).collect();
        let b: Vec<f32> = (0..k * n).map(|i| ((i * 53 % 97) as f32 - 48.0) / 29.0).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut c = vec![0.0; m * n];
            pool.install(|| matmul(&mut c, (m, k, n), View::rows(&a, k), View::rows(&b, n), false));
            c.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let one = run(1);
        assert!([2, 3, 4, 8].into_iter().all(|t| run(t) == one));
    }
}
