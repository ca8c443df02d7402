//! Measures the single precision functions of one number over every number there is: the largest error of each.
//!
//! `single_errors [ROW ...]` compares with the row at double precision, whose own error does not count beside that of
//! single precision, and prints the error in units in the last place and a number it occurs at. A minute for each row
//! on one thread; build it with `--release`.

use maniple_ops::{Block, Dtype, Op, block};

const ROWS: [Op; 20] = [
    Op::Exp,
    Op::Exp2,
    Op::Expm1,
    Op::Log,
    Op::Log2,
    Op::Log10,
    Op::Log1p,
    Op::Sin,
    Op::Cos,
    Op::Tan,
    Op::Arcsin,
    Op::Arccos,
    Op::Arctan,
    Op::Sinh,
    Op::Cosh,
    Op::Tanh,
    Op::Arcsinh,
    Op::Arccosh,
    Op::Arctanh,
    Op::Cbrt,
];
/// The numbers that are computed together.
const COUNT: usize = 4096;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    for op in ROWS {
        let name = op.row().numpy;
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            let (error, at, wrong) = measure(op);
            println!("{name:10} {error:.3} at {at:e}; {wrong} of the wrong kind");
        }
    }
}

/// The largest error, where it is, and how many results are NaN, infinite, zero or negative where the double precision
/// one, rounded, is not.
fn measure(op: Op) -> (f64, f32, u64) {
    let single = block(op, Dtype::Float32).expect("a case of the row");
    let double = block(op, Dtype::Float64).expect("a case of the row");
    let (mut worst, mut at, mut wrong) = (0.0, 0.0, 0);
    let (mut found, mut wanted) = (vec![0f32; COUNT], vec![0f64; COUNT]);
    for base in (0..=u32::MAX).step_by(COUNT) {
        let numbers: Vec<f32> = (0..COUNT as u32).map(|offset| f32::from_bits(base + offset)).collect();
        let wide: Vec<f64> = numbers.iter().map(|&number| number as f64).collect();
        run(single, numbers.as_ptr().cast(), found.as_mut_ptr().cast());
        run(double, wide.as_ptr().cast(), wanted.as_mut_ptr().cast());
        for ((&number, &found), &wanted) in numbers.iter().zip(&found).zip(&wanted) {
            let error = units(found, wanted);
            if error > worst {
                (worst, at) = (error, number);
            }
            wrong += u64::from(!same_kind(found, wanted as f32));
        }
    }
    (worst, at, wrong)
}

fn run(block: Block, input: *const u8, output: *mut u8) {
    // SAFETY: both buffers are aligned, distinct and hold `COUNT` elements of their dtypes.
    unsafe { block([input].as_ptr(), [output].as_ptr(), COUNT) }
}

/// The distance in units in the last place of the rounded result; 0 where one of them is infinite or a NaN.
fn units(found: f32, wanted: f64) -> f64 {
    let exponent = ((wanted as f32).to_bits() >> 23 & 255).max(1) as i32;
    let distance = (found as f64 - wanted).abs() * 2f64.powi(150 - exponent);
    if found.is_finite() && (wanted as f32).is_finite() { distance } else { 0.0 }
}

/// Whether both are NaN, or infinite, or finite, with the same sign; a unit on either side of overflow and of zero is
/// left to [`units`].
fn same_kind(found: f32, wanted: f32) -> bool {
    let largest = found.abs().min(wanted.abs()) == f32::MAX;
    found.is_nan() == wanted.is_nan()
        && (found.is_nan() || found.is_sign_negative() == wanted.is_sign_negative())
        && (largest || found.is_infinite() == wanted.is_infinite())
}
