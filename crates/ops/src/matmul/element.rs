//! The slow, literal computation of one element, which tests compare the loops with.

use super::K_BLOCK;
use super::vector::{Entry, Lane};
use crate::dtype::{Dtype, Element};
use crate::scalar::Scalar;
use num_complex::Complex;

/// The element of a product of matrices that a row of the first factor and a column of the second give; none for dtypes
/// without such products.
pub fn matmul_element(dtype: Dtype, row: &[Scalar], column: &[Scalar]) -> Option<Scalar> {
    Some(match dtype {
        Dtype::Int8 | Dtype::UInt8 => sum::<i8>(dtype, row, column),
        Dtype::Int16 | Dtype::UInt16 => sum::<i16>(dtype, row, column),
        Dtype::Int32 | Dtype::UInt32 => sum::<i32>(dtype, row, column),
        Dtype::Int64 | Dtype::UInt64 => sum::<i64>(dtype, row, column),
        Dtype::Float32 => sum::<f32>(dtype, row, column),
        Dtype::Float64 => sum::<f64>(dtype, row, column),
        Dtype::Complex64 => sum::<Complex<f32>>(dtype, row, column),
        Dtype::Complex128 => sum::<Complex<f64>>(dtype, row, column),
        Dtype::Bool | Dtype::Float16 => return None,
    })
}

fn sum<E: Entry + Element>(dtype: Dtype, row: &[Scalar], column: &[Scalar]) -> Scalar {
    let entry = |scalar: &Scalar| bytemuck::pod_read_unaligned::<E>(scalar.as_bytes());
    let mut total: Option<[E::Lane; 2]> = None;
    for (row, column) in row.chunks(K_BLOCK).zip(column.chunks(K_BLOCK)) {
        let [mut real, mut imaginary] = [E::Lane::default(); 2];
        for (a, b) in row.iter().map(entry).zip(column.iter().map(entry)) {
            real = real.plus_product(a.part(0), b.part(0));
            if E::PARTS == 2 {
                real = real.minus_product(a.part(1), b.part(1));
                imaginary = imaginary.plus_product(a.part(0), b.part(1));
                imaginary = imaginary.plus_product(a.part(1), b.part(0));
            }
        }
        total = Some(match total {
            None => [real, imaginary],
            Some(before) => [before[0].plus(real), before[1].plus(imaginary)],
        });
    }
    let element = E::of(total.unwrap_or_default());
    Scalar::from_bytes(dtype, bytemuck::bytes_of(&element))
}
