//! Real functions of single and double precision.

use super::elementary::{double, single};
use crate::flags::Flags;
use crate::halves::{half_to_single, single_to_half};
use half::f16;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The real numbers arithmetic is done on: half precision is computed as `f32`.
pub(crate) trait Real:
    Copy
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    const NAN: Self;
    const INFINITY: Self;
    /// A quarter of the first integer whose successor is no number.
    const LARGE: Self;
    /// The smallest normal number.
    const SMALLEST: Self;
    const DEGREES_PER_RADIAN: Self;
    const RADIANS_PER_DEGREE: Self;
    fn missing(self) -> bool;
    fn infinite(self) -> bool;
    fn magnitude(self) -> Self;
    fn with_sign_of(self, other: Self) -> Self;
    fn round_down(self) -> Self;
    /// The C library's remainder, digit by digit.
    fn slow_fmod(self, by: Self) -> Self;
    fn cut(self) -> Self;
    /// `self * by + to`, rounded once.
    fn fused(self, by: Self, to: Self) -> Self;
    fn power(self, exponent: Self) -> Self;
    fn hypot(self, other: Self) -> Self;
    fn arctan2(self, x: Self) -> Self;
    fn logaddexp(self, other: Self) -> Self;
    fn logaddexp2(self, other: Self) -> Self;
    fn cbrt(self) -> Self;
    fn exp(self) -> Self;
    fn exp2(self) -> Self;
    fn expm1(self) -> Self;
    fn log(self) -> Self;
    fn log2(self) -> Self;
    fn log10(self) -> Self;
    fn log1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    fn arcsin(self) -> Self;
    fn arccos(self) -> Self;
    fn arctan(self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn arcsinh(self) -> Self;
    fn arccosh(self) -> Self;
    fn arctanh(self) -> Self;
    /// Whether `sin`, `cos` and `tan` do not know the number: then there are the slow functions below.
    fn is_huge(self) -> bool;
    fn sin_of_huge(self) -> Self;
    fn cos_of_huge(self) -> Self;
    fn tan_of_huge(self) -> Self;
    /// The next number towards `target`.
    fn next_after(self, target: Self) -> Self;
    /// The distance to the next number of larger magnitude, with the sign of the number; positive for both zeros.
    fn spacing(self) -> Self;
    /// Times a power of two, rounded once.
    fn ldexp(self, exponent: i64) -> Self;
    /// A fraction of magnitude in [1/2, 1) and the exponent of two that goes with it.
    fn frexp(self) -> (Self, i32);
    /// The fractional and the integral part, each with the sign of the number.
    fn modf(self) -> (Self, Self);
}

macro_rules! real {
    ($real:ident, $bits:ident, $mantissa:literal, $bias:literal, $elementary:ident, $libm_scale:path) => {
        impl Real for $real {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $real::NAN;
            const INFINITY: Self = $real::INFINITY;
            const LARGE: Self = (1u64 << ($mantissa - 1)) as $real;
            const SMALLEST: Self = $real::MIN_POSITIVE;
            const DEGREES_PER_RADIAN: Self = 180.0 / std::$real::consts::PI;
            const RADIANS_PER_DEGREE: Self = std::$real::consts::PI / 180.0;
            #[inline(always)]
            fn missing(self) -> bool {
                self.is_nan()
            }
            #[inline(always)]
            fn infinite(self) -> bool {
                self.is_infinite()
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn with_sign_of(self, other: Self) -> Self {
                self.copysign(other)
            }
            #[inline(always)]
            fn round_down(self) -> Self {
                self.floor()
            }
            #[inline(always)]
            fn slow_fmod(self, by: Self) -> Self {
                self % by
            }
            #[inline(always)]
            fn cut(self) -> Self {
                self.trunc()
            }
            #[inline(always)]
            fn fused(self, by: Self, to: Self) -> Self {
                self.mul_add(by, to)
            }
            #[inline(always)]
            fn power(self, exponent: Self) -> Self {
                $elementary::power(self, exponent)
            }
            #[inline(always)]
            fn hypot(self, other: Self) -> Self {
                $elementary::hypot(self, other)
            }
            #[inline(always)]
            fn arctan2(self, x: Self) -> Self {
                $elementary::arctan2(self, x)
            }
            #[inline(always)]
            fn logaddexp(self, other: Self) -> Self {
                $elementary::logaddexp(self, other)
            }
            #[inline(always)]
            fn logaddexp2(self, other: Self) -> Self {
                $elementary::logaddexp2(self, other)
            }
            #[inline(always)]
            fn cbrt(self) -> Self {
                $elementary::cbrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $elementary::exp(self)
            }
            #[inline(always)]
            fn exp2(self) -> Self {
                $elementary::exp2(self)
            }
            #[inline(always)]
            fn expm1(self) -> Self {
                $elementary::expm1(self)
            }
            #[inline(always)]
            fn log(self) -> Self {
                $elementary::log(self)
            }
            #[inline(always)]
            fn log2(self) -> Self {
                $elementary::log2(self)
            }
            #[inline(always)]
            fn log10(self) -> Self {
                $elementary::log10(self)
            }
            #[inline(always)]
            fn log1p(self) -> Self {
                $elementary::log1p(self)
            }
            #[inline(always)]
            fn sin(self) -> Self {
                $elementary::sin(self)
            }
            #[inline(always)]
            fn cos(self) -> Self {
                $elementary::cos(self)
            }
            #[inline(always)]
            fn tan(self) -> Self {
                $elementary::tan(self)
            }
            #[inline(always)]
            fn arcsin(self) -> Self {
                $elementary::arcsin(self)
            }
            #[inline(always)]
            fn arccos(self) -> Self {
                $elementary::arccos(self)
            }
            #[inline(always)]
            fn arctan(self) -> Self {
                $elementary::arctan(self)
            }
            #[inline(always)]
            fn sinh(self) -> Self {
                $elementary::sinh(self)
            }
            #[inline(always)]
            fn cosh(self) -> Self {
                $elementary::cosh(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $elementary::tanh(self)
            }
            #[inline(always)]
            fn arcsinh(self) -> Self {
                $elementary::arcsinh(self)
            }
            #[inline(always)]
            fn arccosh(self) -> Self {
                $elementary::arccosh(self)
            }
            #[inline(always)]
            fn arctanh(self) -> Self {
                $elementary::arctanh(self)
            }
            #[inline(always)]
            fn is_huge(self) -> bool {
                $elementary::is_huge(self)
            }
            fn sin_of_huge(self) -> Self {
                libm::sin(self as f64) as $real
            }
            fn cos_of_huge(self) -> Self {
                libm::cos(self as f64) as $real
            }
            fn tan_of_huge(self) -> Self {
                libm::tan(self as f64) as $real
            }
            #[inline(always)]
            fn next_after(self, target: Self) -> Self {
                let bits = self.to_bits();
                if self.is_nan() || target.is_nan() {
                    self + target
                } else if self == target {
                    target
                } else if self == 0.0 {
                    $real::from_bits(1).copysign(target)
                } else if (self < target) == (self > 0.0) {
                    $real::from_bits(bits + 1)
                } else {
                    $real::from_bits(bits - 1)
                }
            }
            #[inline(always)]
            fn spacing(self) -> Self {
                if !self.is_finite() {
                    return $real::NAN;
                }
                if self == 0.0 {
                    return $real::from_bits(1);
                }
                $real::from_bits(self.to_bits() + 1) - self
            }
            #[inline(always)]
            fn ldexp(self, exponent: i64) -> Self {
                $libm_scale(self, exponent.clamp(-10_000, 10_000) as i32)
            }
            #[inline(always)]
            fn frexp(self) -> (Self, i32) {
                if self == 0.0 || !self.is_finite() {
                    return (self, 0);
                }
                let tiny = self.abs() < $real::MIN_POSITIVE;
                let scaled = if tiny { self * (2.0 as $real).powi($mantissa) } else { self };
                let exponent = (scaled.to_bits() >> $mantissa) as i32 & (2 * $bias + 1);
                let field: $bits = (2 * $bias + 1) << $mantissa;
                let fraction = scaled.to_bits() & !field | ($bias - 1) << $mantissa;
                ($real::from_bits(fraction), exponent - ($bias - 1) - if tiny { $mantissa } else { 0 })
            }
            #[inline(always)]
            fn modf(self) -> (Self, Self) {
                let whole = self.trunc();
                let fraction = if self.is_infinite() { 0.0 } else { self - whole };
                (fraction.copysign(self), whole)
            }
        }
    };
}

real!(f32, u32, 23, 127, single, libm::ldexpf);
real!(f64, u64, 52, 1023, double, libm::ldexp);

/// An infinite result of a finite number.
#[inline(always)]
pub(crate) fn overflow<R: Real>(a: R, result: R) -> Flags {
    Flags::from_bits((result.infinite() & !a.infinite()) as u8 * Flags::OVERFLOW.bits())
}

/// What NumPy reports of [`half_spacing`].
#[inline(always)]
pub(crate) fn half_spacing_events(a: f32, gap: f32) -> Flags {
    if a.is_finite() { overflow(a, gap) } else { Flags::INVALID }
}

/// The larger; a NaN if either is one.
#[inline(always)]
pub(crate) fn maximum<R: Real>(a: R, b: R) -> R {
    if a >= b || a.missing() { a } else { b }
}

/// The smaller; a NaN if either is one.
#[inline(always)]
pub(crate) fn minimum<R: Real>(a: R, b: R) -> R {
    if a <= b || a.missing() { a } else { b }
}

/// The larger; the other one if one is a NaN.
#[inline(always)]
pub(crate) fn fmax<R: Real>(a: R, b: R) -> R {
    if a >= b || b.missing() { a } else { b }
}

/// The smaller; the other one if one is a NaN.
#[inline(always)]
pub(crate) fn fmin<R: Real>(a: R, b: R) -> R {
    if a <= b || b.missing() { a } else { b }
}

/// Not below `low` nor above `high`; of equal numbers the bound; a NaN if any is one.
#[inline(always)]
pub(crate) fn clip<R: Real>(a: R, low: R, high: R) -> R {
    let raised = if a > low || a.missing() { a } else { low };
    if raised < high || raised.missing() { raised } else { high }
}

/// 1, 0 or -1; a NaN for a NaN.
#[inline(always)]
pub(crate) fn sign<R: Real>(a: R) -> R {
    if a > R::ZERO {
        R::ONE
    } else if a < R::ZERO {
        -R::ONE
    } else if a == R::ZERO {
        R::ZERO
    } else {
        a
    }
}

/// 0 below zero, 1 above, `middle` at zero; a NaN for a NaN.
#[inline(always)]
pub(crate) fn heaviside<R: Real>(a: R, middle: R) -> R {
    if a > R::ZERO {
        R::ONE
    } else if a < R::ZERO {
        R::ZERO
    } else if a == R::ZERO {
        middle
    } else {
        a
    }
}

/// The next half towards `target`; of equal numbers the first.
#[inline(always)]
pub(crate) fn half_next_after(a: f32, target: f32) -> f32 {
    let bits = single_to_half(a).to_bits();
    if a.is_nan() || target.is_nan() {
        a + target
    } else if a == target {
        a
    } else if a == 0.0 {
        half_to_single(f16::from_bits(1)).copysign(target)
    } else if (a < target) == (a > 0.0) {
        half_to_single(f16::from_bits(bits + 1))
    } else {
        half_to_single(f16::from_bits(bits - 1))
    }
}

/// The distance of a half to the next larger one: NumPy's halves do not follow the sign as its other numbers do.
#[inline(always)]
pub(crate) fn half_spacing(a: f32) -> f32 {
    if a.is_finite() { half_next_after(a, f32::INFINITY) - a } else { f32::NAN }
}
