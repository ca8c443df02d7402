//! Real functions of single and double precision.

use crate::flags::Flags;
use crate::kernel::{half_to_single, single_to_half};
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
    const LN_2: Self;
    const LOG2_E: Self;
    const DEGREES_PER_RADIAN: Self;
    const RADIANS_PER_DEGREE: Self;
    fn missing(self) -> bool;
    fn infinite(self) -> bool;
    fn magnitude(self) -> Self;
    fn with_sign_of(self, other: Self) -> Self;
    fn round_down(self) -> Self;
    fn fmod(self, by: Self) -> Self;
    fn power(self, exponent: Self) -> Self;
    fn hypot(self, other: Self) -> Self;
    fn arctan2(self, x: Self) -> Self;
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
    ($real:ident, $bits:ident, $mantissa:literal, $bias:literal, $libm_scale:path,
     $asinh:path, $acosh:path, $atanh:path) => {
        impl Real for $real {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $real::NAN;
            const INFINITY: Self = $real::INFINITY;
            const LN_2: Self = std::$real::consts::LN_2;
            const LOG2_E: Self = std::$real::consts::LOG2_E;
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
            fn fmod(self, by: Self) -> Self {
                self % by
            }
            #[inline(always)]
            fn power(self, exponent: Self) -> Self {
                self.powf(exponent)
            }
            #[inline(always)]
            fn hypot(self, other: Self) -> Self {
                $real::hypot(self, other)
            }
            #[inline(always)]
            fn arctan2(self, x: Self) -> Self {
                self.atan2(x)
            }
            #[inline(always)]
            fn cbrt(self) -> Self {
                $real::cbrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $real::exp(self)
            }
            #[inline(always)]
            fn exp2(self) -> Self {
                $real::exp2(self)
            }
            #[inline(always)]
            fn expm1(self) -> Self {
                self.exp_m1()
            }
            #[inline(always)]
            fn log(self) -> Self {
                self.ln()
            }
            #[inline(always)]
            fn log2(self) -> Self {
                $real::log2(self)
            }
            #[inline(always)]
            fn log10(self) -> Self {
                $real::log10(self)
            }
            #[inline(always)]
            fn log1p(self) -> Self {
                self.ln_1p()
            }
            #[inline(always)]
            fn sin(self) -> Self {
                $real::sin(self)
            }
            #[inline(always)]
            fn cos(self) -> Self {
                $real::cos(self)
            }
            #[inline(always)]
            fn tan(self) -> Self {
                $real::tan(self)
            }
            #[inline(always)]
            fn arcsin(self) -> Self {
                self.asin()
            }
            #[inline(always)]
            fn arccos(self) -> Self {
                self.acos()
            }
            #[inline(always)]
            fn arctan(self) -> Self {
                self.atan()
            }
            #[inline(always)]
            fn sinh(self) -> Self {
                $real::sinh(self)
            }
            #[inline(always)]
            fn cosh(self) -> Self {
                $real::cosh(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $real::tanh(self)
            }
            #[inline(always)]
            fn arcsinh(self) -> Self {
                $asinh(self)
            }
            #[inline(always)]
            fn arccosh(self) -> Self {
                $acosh(self)
            }
            #[inline(always)]
            fn arctanh(self) -> Self {
                $atanh(self)
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

real!(f32, u32, 23, 127, libm::ldexpf, libm::asinhf, libm::acoshf, libm::atanhf);
real!(f64, u64, 52, 1023, libm::ldexp, libm::asinh, libm::acosh, libm::atanh);

/// Quotient rounded down and remainder with the sign of the divisor, as Python and NumPy define them together.
#[inline(always)]
pub(crate) fn divmod<R: Real>(a: R, b: R) -> (R, R) {
    let mut rest = a.fmod(b);
    if b == R::ZERO {
        return (a / b, rest);
    }
    let mut quotient = (a - rest) / b;
    if rest != R::ZERO {
        if (b < R::ZERO) != (rest < R::ZERO) {
            rest = rest + b;
            quotient = quotient - R::ONE;
        }
    } else {
        rest = R::ZERO.with_sign_of(b);
    }
    if quotient == R::ZERO {
        return (R::ZERO.with_sign_of(a / b), rest);
    }
    let whole = quotient.round_down();
    let half = R::ONE / (R::ONE + R::ONE);
    (if quotient - whole > half { whole + R::ONE } else { whole }, rest)
}

/// The quotient of [`divmod`]; a zero divisor is a plain division.
#[inline(always)]
pub(crate) fn floor_divide<R: Real>(a: R, b: R) -> R {
    if b == R::ZERO { a / b } else { divmod(a, b).0 }
}

/// The remainder of [`divmod`].
#[inline(always)]
pub(crate) fn remainder<R: Real>(a: R, b: R) -> R {
    if b == R::ZERO { a.fmod(b) } else { divmod(a, b).1 }
}

/// What NumPy reports of [`floor_divide`].
#[inline(always)]
pub(crate) fn quotient_events<R: Real>(a: R, b: R) -> Flags {
    if a.missing() || b.missing() {
        Flags::NONE
    } else if b == R::ZERO {
        match () {
            _ if a == R::ZERO => Flags::INVALID,
            _ if a.infinite() => Flags::NONE,
            _ => Flags::DIVIDE,
        }
    } else if a.infinite() {
        Flags::INVALID
    } else if (a / b).infinite() {
        // Rounding the quotient down then takes infinity from infinity.
        Flags::OVERFLOW | Flags::INVALID
    } else {
        Flags::NONE
    }
}

/// What NumPy reports of [`remainder`].
#[inline(always)]
pub(crate) fn remainder_events<R: Real>(a: R, b: R) -> Flags {
    let defined = a.missing() || b.missing() || !(b == R::ZERO || a.infinite());
    if defined { Flags::NONE } else { Flags::INVALID }
}

/// What NumPy reports of [`floor_divide`] of halves: the quotient overflows sooner.
#[inline(always)]
pub(crate) fn half_quotient_events(a: f32, b: f32) -> Flags {
    let overflows = (a / b).abs() >= 65520.0 && b != 0.0 && a.is_finite();
    if overflows { Flags::OVERFLOW } else { quotient_events(a, b) }
}

/// What NumPy reports of [`logaddexp`]: its comparisons report a NaN, its difference may overflow.
#[inline(always)]
pub(crate) fn logaddexp_events<R: Real>(a: R, b: R) -> Flags {
    match () {
        _ if a.missing() || b.missing() => Flags::INVALID,
        _ if (a - b).infinite() && !a.infinite() && !b.infinite() => Flags::OVERFLOW,
        _ => Flags::NONE,
    }
}

/// An infinite result of a finite number.
#[inline(always)]
pub(crate) fn overflow<R: Real>(a: R, result: R) -> Flags {
    if result.infinite() && !a.infinite() { Flags::OVERFLOW } else { Flags::NONE }
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

/// The logarithm of the sum of two exponentials.
#[inline(always)]
pub(crate) fn logaddexp<R: Real>(a: R, b: R) -> R {
    if a == b {
        return a + R::LN_2;
    }
    let difference = a - b;
    if difference > R::ZERO {
        a + (-difference).exp().log1p()
    } else if difference <= R::ZERO {
        b + difference.exp().log1p()
    } else {
        difference
    }
}

/// The base 2 logarithm of the sum of two powers of two.
#[inline(always)]
pub(crate) fn logaddexp2<R: Real>(a: R, b: R) -> R {
    if a == b {
        return a + R::ONE;
    }
    let difference = a - b;
    if difference > R::ZERO {
        a + R::LOG2_E * (-difference).exp2().log1p()
    } else if difference <= R::ZERO {
        b + R::LOG2_E * difference.exp2().log1p()
    } else {
        difference
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
