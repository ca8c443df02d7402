//! Sample inputs for each dtype and row: edge values, and values from the row's domain. For tests and benchmarks.

use crate::dtype::{Dtype, Kind};
use crate::scalar::Scalar;
use crate::table::Op;
use num_complex::Complex;

/// Values every row of the dtype must take: extremes, signed zeros, infinities, NaN, and ordinary numbers.
pub fn edges(dtype: Dtype) -> Vec<Scalar> {
    match dtype.kind() {
        Kind::Bool => vec![Scalar::zero(dtype), Scalar::one(dtype)],
        Kind::Int => {
            let highest = i64::MAX >> (64 - 8 * dtype.size());
            let values = [0, 1, -1, 2, -2, 3, 5, 7, -7, 8, 31, 33, 63, 64, 100, -100];
            let extremes = [highest, highest - 1, -highest - 1, -highest, highest / 2, highest / 3];
            values.iter().chain(&extremes).map(|&value| Scalar::new(value).cast(dtype)).collect()
        }
        Kind::UInt => {
            let highest = u64::MAX >> (64 - 8 * dtype.size());
            let values = [0, 1, 2, 3, 5, 7, 8, 31, 33, 63, 64, 100, 200];
            let extremes = [highest, highest - 1, highest / 2, highest / 2 + 1, highest / 3];
            values.iter().chain(&extremes).map(|&value: &u64| Scalar::new(value).cast(dtype)).collect()
        }
        Kind::Float => float_edges(dtype).into_iter().map(|value| Scalar::new(value).cast(dtype)).collect(),
        Kind::Complex => {
            let parts = float_edges(dtype.real());
            let numbers = parts.iter().flat_map(|&re| parts.iter().map(move |&im| Complex::new(re, im)));
            numbers.map(|value| Scalar::new(value).cast(dtype)).collect()
        }
    }
}

/// `count` values spread over the domain in which the row is meant to be used at its key dtype, the same ones on every
/// call; `input` is the position of the operand.
pub fn domain(op: Op, dtype: Dtype, input: usize, count: usize) -> Vec<Scalar> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ ((op as u64) << 32 | (dtype as u64) << 8 | input as u64);
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ state >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
    };
    let mut unit = {
        let mut next = next;
        move || (next() >> 11) as f64 / (1u64 << 53) as f64
    };
    match dtype.kind() {
        Kind::Bool => (0..count).map(|_| Scalar::new((next() >> 63) as u8).cast(dtype)).collect(),
        Kind::Int | Kind::UInt => {
            let width = match (op, input) {
                (Op::LeftShift | Op::RightShift | Op::Power, 1) => 4,
                (Op::Power, 0) => 5,
                _ => 8 * dtype.size() as u32,
            };
            let shift = 64 - width;
            (0..count)
                .map(|index| {
                    let bits = next() >> (index as u32 % width);
                    let small = width < 8 || dtype.kind() == Kind::UInt;
                    if small {
                        Scalar::new(bits >> shift).cast(dtype)
                    } else {
                        Scalar::new(bits as i64 >> shift).cast(dtype)
                    }
                })
                .collect()
        }
        Kind::Float => {
            let (low, high) = range(op, dtype, input);
            (0..count).map(|_| Scalar::new(low + (high - low) * unit()).cast(dtype)).collect()
        }
        Kind::Complex => {
            let mut part = || -4.0 + 8.0 * unit();
            (0..count).map(|_| Scalar::new(Complex::new(part(), part())).cast(dtype)).collect()
        }
    }
}

/// The interval of floating point inputs in which a row is meant to be used.
fn range(op: Op, dtype: Dtype, input: usize) -> (f64, f64) {
    let exponent = match dtype {
        Dtype::Float16 => 9.0,
        Dtype::Float32 => 85.0,
        _ => 700.0,
    };
    match (op, input) {
        (Op::Exp | Op::Exp2 | Op::Expm1 | Op::Sinh | Op::Cosh, _) => (-exponent, exponent),
        (Op::Log | Op::Log2 | Op::Log10 | Op::Sqrt, _) => (1e-4, 1e4),
        (Op::Log1p, _) => (-0.999, 1e3),
        (Op::Arcsin | Op::Arccos | Op::Arctanh, _) => (-1.0, 1.0),
        (Op::Arccosh, _) => (1.0, 1e3),
        (Op::Power | Op::FloatPower, 0) => (1e-2, 1e2),
        (Op::Power | Op::FloatPower, _) => (-2.0, 2.0),
        (Op::Sin | Op::Cos | Op::Tan, _) => (-100.0, 100.0),
        (Op::Ldexp, 1) => (-8.0, 8.0),
        _ => (-1e3, 1e3),
    }
}

fn float_edges(dtype: Dtype) -> Vec<f64> {
    let (largest, smallest_normal, smallest) = match dtype {
        Dtype::Float16 => (65504.0, 6.103515625e-5, 5.960464477539063e-8),
        Dtype::Float32 => (f32::MAX as f64, f32::MIN_POSITIVE as f64, 1e-45f32 as f64),
        _ => (f64::MAX, f64::MIN_POSITIVE, 5e-324),
    };
    let mut values = vec![f64::NAN];
    for magnitude in [
        0.0,
        smallest,
        smallest_normal,
        0.1,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
        3.0,
        10.0,
        100.25,
        largest,
        f64::INFINITY,
    ] {
        values.extend([magnitude, -magnitude]);
    }
    values
}
