//! Elementary functions of single precision numbers, in single precision: a vector then holds twice as many of them as in
//! double precision, and nothing is converted.
//!
//! The methods are those of the double precision functions, with rounding errors carried along only where they would
//! add up to more than a unit. What magnifies them, powers and sums of exponentials, is computed in double precision
//! (`wide.rs`).

mod circular;
mod exponential;
mod hyperbolic;
mod inverse_circular;
mod logarithm;
mod power;

pub(crate) use super::wide::{arctan2, hypot, logaddexp, logaddexp2, power};
pub(crate) use circular::{cos, is_huge, sin, tan};
pub(crate) use exponential::{exp, exp2, expm1};
pub(crate) use hyperbolic::{cosh, sinh, tanh};
pub(crate) use inverse_circular::{arccos, arcsin, arctan};
pub(crate) use logarithm::{arccosh, arcsinh, arctanh, log, log1p, log2, log10};
pub(crate) use power::cbrt;

/// 1.5 times 2^23: adding it rounds a number below 2^22 to an integer, which then lies in the low bits of the sum.
const ROUNDER: f32 = 12_582_912.0;
/// What `LN_2` leaves out.
const LN_2_LOW: f32 = -1.904_654_3e-9;

/// The sum of `coefficients[i] * x^i`: even and odd powers by Horner's rule, so that two chains of operations overlap.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: &[f32; N]) -> f32 {
    let square = x * x;
    let (last, other) = (coefficients[N - 1], coefficients[N - 2]);
    let (mut even, mut odd) = if N % 2 == 1 { (last, other) } else { (other, last) };
    for i in (0..N - 2).rev() {
        let sum = if i % 2 == 0 { &mut even } else { &mut odd };
        *sum = sum.mul_add(square, coefficients[i]);
    }
    odd.mul_add(x, even)
}

/// `x`, but not outside of `[low, high]`; a NaN stays one.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// The sum of two numbers and its rounding error.
#[inline(always)]
fn sum(a: f32, b: f32) -> (f32, f32) {
    let high = a + b;
    let from_b = high - a;
    (high, (a - (high - from_b)) + (b - from_b))
}

/// The product of two numbers and its rounding error.
#[inline(always)]
fn product(a: f32, b: f32) -> (f32, f32) {
    let high = a * b;
    (high, a.mul_add(b, -high))
}

/// As [`sum`], where `a` is zero or not smaller than `b` in magnitude.
#[inline(always)]
fn ordered_sum(a: f32, b: f32) -> (f32, f32) {
    let high = a + b;
    (high, (a - high) + b)
}
