//! What a device can do at most: by its maker's data sheet, and as one large matrix product shows it.
//!
//! MFU = operations of the model for valid tokens / seconds / peak.

use dfdx::prelude::*;
use nano4m::ops::device::{on, OnDevice};
use nano4m::ops::{Backend, Mat, OpSet};
use nano4m::place::{Place, Precision};
use nano4m::rng::{stream, Purpose};
use nano4m::Result;
use rand::Rng;
use std::time::Instant;

/// Peaks of a card in TFLOP/s: float32 outside the tensor cores, TensorFloat-32 in them without sparsity.
struct Sheet {
    /// As the driver calls it, without `NVIDIA`, `GeForce` and `Tesla`.
    names: &'static [&'static str],
    fp32: f64,
    tf32: Option<f64>,
    source: &'static str,
}

/// Data sheets that give TF32 with sparsity only are halved, as their footnotes say.
const SHEETS: [Sheet; 12] = [
    Sheet {
        names: &["A100-SXM4-40GB", "A100-SXM4-80GB", "A100-PCIE-40GB", "A100 80GB PCIe"],
        fp32: 19.5,
        tf32: Some(156.0),
        source: "NVIDIA A100 Tensor Core GPU, data sheet",
    },
    Sheet {
        names: &["H100 80GB HBM3"],
        fp32: 67.0,
        tf32: Some(494.5),
        source: "NVIDIA H100 Tensor Core GPU, data sheet: H100 SXM",
    },
    Sheet {
        names: &["H100 PCIe"],
        fp32: 51.0,
        tf32: Some(378.0),
        source: "NVIDIA H100 Tensor Core GPU, data sheet: H100 PCIe",
    },
    Sheet {
        names: &["H100 NVL"],
        fp32: 60.0,
        tf32: Some(417.5),
        source: "NVIDIA H100 Tensor Core GPU, data sheet: H100 NVL",
    },
    Sheet {
        names: &["H200"],
        fp32: 67.0,
        tf32: Some(494.5),
        source: "NVIDIA H200 Tensor Core GPU, data sheet: H200 SXM",
    },
    Sheet {
        names: &["H200 NVL"],
        fp32: 60.0,
        tf32: Some(417.5),
        source: "NVIDIA H200 Tensor Core GPU, data sheet: H200 NVL",
    },
    Sheet { names: &["L40S"], fp32: 91.6, tf32: Some(183.0), source: "NVIDIA L40S, data sheet" },
    Sheet {
        names: &["RTX 4090"],
        fp32: 82.6,
        tf32: Some(82.6),
        source: "NVIDIA Ada GPU Architecture, white paper, appendix A",
    },
    Sheet {
        names: &["RTX 3090"],
        fp32: 35.6,
        tf32: Some(35.6),
        source: "NVIDIA Ampere GA102 GPU Architecture, white paper",
    },
    Sheet {
        names: &["V100-SXM2-16GB", "V100-SXM2-32GB", "V100-SXM3-32GB"],
        fp32: 15.7,
        tf32: None,
        source: "NVIDIA V100 Tensor Core GPU, data sheet: V100 SXM2",
    },
    Sheet {
        names: &["V100-PCIE-16GB", "V100-PCIE-32GB"],
        fp32: 14.0,
        tf32: None,
        source: "NVIDIA V100 Tensor Core GPU, data sheet: V100 PCIe",
    },
    Sheet { names: &["T4"], fp32: 8.1, tf32: None, source: "NVIDIA T4 Tensor Core GPU, data sheet" },
];

/// TFLOP/s by the data sheet, and its name; none for a card that is not among [`SHEETS`], or only a part of one.
pub fn by_data_sheet(card: &str, precision: Precision) -> Option<(f64, &'static str)> {
    let mut name = card.trim();
    for maker in ["NVIDIA ", "GeForce ", "Tesla "] {
        name = name.strip_prefix(maker).unwrap_or(name);
    }
    let sheet = SHEETS.iter().find(|sheet| sheet.names.contains(&name))?;
    let peak = match precision {
        Precision::F32 => Some(sheet.fp32),
        Precision::Tf32 => sheet.tf32,
    };
    Some((peak?, sheet.source))
}

/// GFLOP/s of one large matrix product, by the library that the model's products go through.
///
/// # Errors
/// If there is no such place.
pub fn measured(place: Place) -> Result<f64> {
    on(place, Product)
}

/// Products `[m, k] · [k, n]` of growing size, until one takes long enough to be the device's own pace.
struct Product;

const LONG_ENOUGH: f64 = 0.02;
const REPEATS: usize = 9;

impl OnDevice for Product {
    type Output = f64;

    fn cpu<O: OpSet<Cpu>>(self, dev: Cpu) -> f64 {
        rate::<Cpu, O>(&dev, 2048, 512, 1536)
    }

    fn other<D: Backend, O: OpSet<D>>(self, dev: D) -> f64 {
        let mut best = 0.0_f64;
        // Long sums: what else is done with an output then does not count.
        for side in [512, 1024, 2048, 4096] {
            let k = 8 * side;
            let found = rate::<D, O>(&dev, side, side, k);
            best = best.max(found);
            if 2.0 * (side * side * k) as f64 / found / 1e9 >= LONG_ENOUGH {
                break;
            }
        }
        best
    }
}

/// GFLOP/s of the fastest of some products.
fn rate<D: Backend, O: OpSet<D>>(dev: &D, m: usize, n: usize, k: usize) -> f64 {
    let mut rng = stream(0, Purpose::Simulation, &[]);
    // Random numbers: a card draws less power on zeros, and is faster then than on any weights.
    let mut matrix = |rows: usize, columns: usize| -> Mat<D> {
        let values: Vec<f32> = (0..rows * columns).map(|_| rng.gen_range(-1.0..1.0)).collect();
        dev.tensor_from_vec(values, (rows, columns))
    };
    let (x, w, r, one) = (matrix(m, k), matrix(n, k), matrix(m, n), matrix(1, 1));
    let product = |x: &Mat<D>, w: &Mat<D>, r: &Mat<D>| {
        let made = O::linear_residual(&mut NoneTape, x, w, r);
        made.unwrap_or_else(|e| panic!("a matrix product failed: {e:?}"))
    };
    let once = || {
        let start = Instant::now();
        let _made = product(&x, &w, &r);
        // What a device was asked for after something is done after it.
        let _ = product(&one, &one, &one).as_vec();
        start.elapsed().as_secs_f64()
    };
    once();
    let (start, mut best) = (Instant::now(), f64::MAX);
    for _ in 0..REPEATS {
        best = best.min(once());
        if start.elapsed().as_secs_f64() > 1.0 {
            break;
        }
    }
    2.0 * (m * n * k) as f64 / best / 1e9
}

/// The most memory that this process has had, MiB.
pub fn rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}
