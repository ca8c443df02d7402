//! NVIDIA's products of matrices as BLAS defines them, one sum after the other.

use super::memory::Memory;
use crate::gemm::{Factor, Gemm};
use maniple_ops::Dtype;

/// Computes a product in an open memory; sums are of doubles, so that they are no library's.
pub(super) fn run(gemm: &Gemm, memory: &Memory) -> Result<(), String> {
    let [m, n, k] = gemm.extents.map(|extent| extent as usize);
    let place = |address: u64, low: usize, high: usize, leading: i32| -> Result<*mut u8, String> {
        let number = (low + high * leading as usize) as u64;
        memory.at(address + number * gemm.dtype.size() as u64, gemm.dtype.size())
    };
    let factor = |factor: Factor, row: usize, column: usize| {
        let (low, high) = if factor.transposed { (column, row) } else { (row, column) };
        place(factor.address, low, high, factor.leading).map(|place| get(place, gemm.dtype))
    };
    let [a, b] = gemm.factors;
    for column in 0..n {
        for row in 0..m {
            let mut sum = [0.0; 2];
            for of in 0..k {
                let ([x, y], [u, v]) = (factor(a, row, of)?, factor(b, of, column)?);
                sum = [sum[0] + x * u - y * v, sum[1] + x * v + y * u];
            }
            put(place(gemm.result, row, column, gemm.leading)?, gemm.dtype, sum);
        }
    }
    Ok(())
}

/// The real and the imaginary part of an element.
fn get(place: *const u8, dtype: Dtype) -> [f64; 2] {
    // SAFETY: the place is an element of the dtype, within an open allocation.
    unsafe {
        match dtype {
            Dtype::Float32 => [f64::from(place.cast::<f32>().read()), 0.0],
            Dtype::Float64 => [place.cast::<f64>().read(), 0.0],
            Dtype::Complex64 => place.cast::<[f32; 2]>().read().map(f64::from),
            _ => place.cast::<[f64; 2]>().read(),
        }
    }
}

fn put(place: *mut u8, dtype: Dtype, [re, im]: [f64; 2]) {
    // SAFETY: as for `get`.
    unsafe {
        match dtype {
            Dtype::Float32 => place.cast::<f32>().write(re as f32),
            Dtype::Float64 => place.cast::<f64>().write(re),
            Dtype::Complex64 => place.cast::<[f32; 2]>().write([re as f32, im as f32]),
            _ => place.cast::<[f64; 2]>().write([re, im]),
        }
    }
}
