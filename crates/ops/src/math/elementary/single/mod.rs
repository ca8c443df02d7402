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

pub(crate) use super::wide::{hypot, logaddexp, logaddexp2, power};
pub(crate) use circular::{cos, is_huge, sin, tan};
pub(crate) use exponential::{exp, exp2, expm1};
pub(crate) use hyperbolic::{cosh, sinh, tanh};
pub(crate) use inverse_circular::{arccos, arcsin, arctan, arctan2};
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

/// As [`polynomial`] where the terms have alternating signs: neighbours are added first, so that only a little cancels.
#[inline(always)]
fn alternating<const N: usize>(x: f32, coefficients: &[f32; N]) -> f32 {
    let square = x * x;
    let fourth = square * square;
    let pair =
        |i: usize| if i + 1 < N { coefficients[i + 1].mul_add(x, coefficients[i]) } else { coefficients[i] };
    let group = |i: usize| if i + 2 < N { pair(i + 2).mul_add(square, pair(i)) } else { pair(i) };
    let mut result = group((N - 1) / 4 * 4);
    for i in (0..(N - 1) / 4).rev() {
        result = result.mul_add(fourth, group(4 * i));
    }
    result
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
