//! Elementary functions without branches, so that loops over them vectorise, and without the C library, so that their
//! bits are the same on every machine.
//!
//! The idea is always the same: reduce the argument to a small interval, exactly or with the rounding error carried
//! along; evaluate a minimax polynomial there (`minimax.py` computes the coefficients); undo the reduction. Cases are
//! chosen by selecting between computed values, never by jumping. Double precision functions stay within 1.6 units in
//! the last place (the angle of a point within 2), single precision ones within 3, over all numbers there are
//! (`examples/single_errors.rs`); powers, hypotenuses and sums of exponentials of single precision are computed in
//! double precision and rounded once.
//!
//! All of them lean on the fused multiply-add, one rounding for a product and a sum: it makes argument reductions
//! exact and recovers rounding errors. `mul_add` gives the same bits on every processor, but where the processor has no
//! such instruction each one is a call of a slow function; only processors before 2013 have none.
//!
//! What these functions do to the floating point status means nothing (selecting computes both sides): the table states
//! the events of every row that uses them.

mod circular;
mod exponential;
mod hyperbolic;
mod inverse_circular;
mod logarithm;
mod power;
pub(crate) mod single;
mod wide;

/// Elementary functions of double precision numbers.
pub(crate) mod double {
    pub(crate) use super::circular::{cos, is_huge, sin, tan};
    pub(crate) use super::exponential::{exp, exp2, expm1};
    pub(crate) use super::hyperbolic::{cosh, sinh, tanh};
    pub(crate) use super::inverse_circular::{arccos, arcsin, arctan, arctan2};
    pub(crate) use super::logarithm::{arccosh, arcsinh, arctanh};
    pub(crate) use super::logarithm::{log, log1p, log2, log10, logaddexp, logaddexp2};
    pub(crate) use super::power::{cbrt, hypot, power};
}

/// 1.5 times 2^52: adding it rounds a number below 2^51 to an integer, which then lies in the low bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// The same for an exponent of two: what is in the low bits is then the exponent plus 2046, which is positive.
const EXPONENT_ROUNDER: f64 = ROUNDER + 2046.0;
/// The part of ln 2 that a double leaves out.
const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;

/// The sum of `coefficients[i] * x^i`: even and odd powers by Horner's rule, so that two chains of operations overlap.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
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
fn alternating<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
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

/// `p` times two to the power `bits - 2046`, where only the low twelve bits count, and `p` is in [1/2, 4].
///
/// The power is multiplied in as two halves, as it may be too large or too small for a number of its own.
#[inline(always)]
fn scale(p: f64, bits: u64) -> f64 {
    let half = bits >> 1;
    p * f64::from_bits(half << 52) * f64::from_bits((bits.wrapping_sub(half)) << 52)
}

/// `x`, but not outside of `[low, high]`; a NaN stays one.
#[inline(always)]
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// The sum of two numbers and its rounding error.
#[inline(always)]
fn sum(a: f64, b: f64) -> (f64, f64) {
    let high = a + b;
    let from_b = high - a;
    (high, (a - (high - from_b)) + (b - from_b))
}

/// As [`sum`], where `a` is zero or not smaller than `b` in magnitude.
#[inline(always)]
fn ordered_sum(a: f64, b: f64) -> (f64, f64) {
    let high = a + b;
    (high, (a - high) + b)
}

/// The product of two numbers and its rounding error.
#[inline(always)]
fn product(a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    (high, a.mul_add(b, -high))
}
