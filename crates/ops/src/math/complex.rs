//! Complex arithmetic in NumPy's formulas, and the complex elementary functions.
//!
//! The elementary functions work in double precision; [`wide`] lifts them to single precision. Special values follow
//! C99's annex G, as NumPy's do through the C library.

use super::real::Real;
use crate::flags::Flags;
use num_complex::Complex;
use std::f64::consts::{LN_2, LOG2_E, LOG10_E};

type Double = Complex<f64>;

/// A complex number that elementary functions compute in double precision.
pub(crate) trait Wide: Copy {
    fn widen(self) -> Double;
    fn narrow(wide: Double) -> Self;
}

impl Wide for Complex<f64> {
    #[inline(always)]
    fn widen(self) -> Double {
        self
    }
    #[inline(always)]
    fn narrow(wide: Double) -> Self {
        wide
    }
}

impl Wide for Complex<f32> {
    #[inline(always)]
    fn widen(self) -> Double {
        Complex::new(self.re as f64, self.im as f64)
    }
    #[inline(always)]
    fn narrow(wide: Double) -> Self {
        Complex::new(wide.re as f32, wide.im as f32)
    }
}

/// Applies a double precision function to either complex type.
#[inline(always)]
pub(crate) fn wide<W: Wide>(a: W, function: fn(Double) -> Double) -> W {
    W::narrow(function(a.widen()))
}

/// The product, one rounding per operation.
#[inline(always)]
pub(crate) fn multiply<R: Real>(a: Complex<R>, b: Complex<R>) -> Complex<R> {
    Complex::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
}

/// The quotient by Smith's method: divides by the larger part of the divisor first, so that squares cannot overflow.
///
/// The two cases differ in which parts play which role, so the roles are picked first and the arithmetic has no
/// branch. By zero, each part is multiplied with infinity, which is the same as dividing it by zero.
#[inline(always)]
pub(crate) fn divide<R: Real>(a: Complex<R>, b: Complex<R>) -> Complex<R> {
    let (real, imaginary) = (b.re.magnitude(), b.im.magnitude());
    let straight = real >= imaginary;
    let zero = (real == R::ZERO) & (imaginary == R::ZERO);
    let large = if straight { b.re } else { b.im };
    let small = if straight { b.im } else { b.re };
    let first = if straight { a.re } else { a.im };
    let second = if straight { a.im } else { a.re };
    let ratio = small / large;
    let scale = R::ONE / (large + small * ratio);
    let sum = (first + second * ratio) * scale;
    // Either way round, and never negated, which would change the sign of a zero.
    let im = (if straight { second - first * ratio } else { first * ratio - second }) * scale;
    Complex::new(if zero { a.re * R::INFINITY } else { sum }, if zero { a.im * R::INFINITY } else { im })
}

/// What a division means: by zero, part by part; else what shows in the quotient. The instructions of [`divide`] divide
/// by zero and drop the result, so their own events mean nothing.
#[inline(always)]
pub(crate) fn divide_events<R: Real>(a: Complex<R>, b: Complex<R>, quotient: Complex<R>) -> Flags {
    let defined = !(missing(a) | missing(b));
    let infinite = |z: Complex<R>| z.re.infinite() | z.im.infinite();
    let by_zero = !truth(b) & defined;
    let pole = |part: R| !(part == R::ZERO) & !part.infinite();
    let divide = by_zero & (pole(a.re) | pole(a.im));
    let invalid = defined & missing(quotient);
    let overflow = defined & !by_zero & infinite(quotient) & !infinite(a);
    let when = |met: bool, flag: Flags| if met { flag } else { Flags::NONE };
    when(divide, Flags::DIVIDE) | when(invalid, Flags::INVALID) | when(overflow, Flags::OVERFLOW)
}

/// One over a number, by Smith's method.
#[inline(always)]
pub(crate) fn reciprocal<R: Real>(a: Complex<R>) -> Complex<R> {
    let straight = a.im.magnitude() <= a.re.magnitude();
    let large = if straight { a.re } else { a.im };
    let small = if straight { a.im } else { a.re };
    let ratio = small / large;
    let divisor = large + small * ratio;
    let (first, second) = (R::ONE / divisor, ratio / divisor);
    Complex::new(if straight { first } else { second }, -if straight { second } else { first })
}

/// Whether either part is a NaN.
#[inline(always)]
pub(crate) fn missing<R: Real>(a: Complex<R>) -> bool {
    a.re.missing() | a.im.missing()
}

/// Whether either part is not zero.
#[inline(always)]
pub(crate) fn truth<R: Real>(a: Complex<R>) -> bool {
    (a.re != R::ZERO) | (a.im != R::ZERO)
}

/// Lexicographic order, false if an imaginary part is a NaN where real parts decide.
#[inline(always)]
pub(crate) fn less<R: Real>(a: Complex<R>, b: Complex<R>) -> bool {
    (a.re < b.re && !a.im.missing() && !b.im.missing()) || (a.re == b.re && a.im < b.im)
}

/// Lexicographic order, as [`less`], or equal.
#[inline(always)]
pub(crate) fn less_equal<R: Real>(a: Complex<R>, b: Complex<R>) -> bool {
    (a.re < b.re && !a.im.missing() && !b.im.missing()) || (a.re == b.re && a.im <= b.im)
}

/// The lexicographically larger; the one with a NaN if either has one.
#[inline(always)]
pub(crate) fn maximum<R: Real>(a: Complex<R>, b: Complex<R>) -> Complex<R> {
    if less_equal(b, a) || missing(a) { a } else { b }
}

/// The lexicographically smaller; the one with a NaN if either has one.
#[inline(always)]
pub(crate) fn minimum<R: Real>(a: Complex<R>, b: Complex<R>) -> Complex<R> {
    if less_equal(a, b) || missing(a) { a } else { b }
}

/// The lexicographically larger; the other one if one has a NaN.
#[inline(always)]
pub(crate) fn fmax<R: Real>(a: Complex<R>, b: Complex<R>) -> Complex<R> {
    if less_equal(b, a) || missing(b) { a } else { b }
}

/// The lexicographically smaller; the other one if one has a NaN.
#[inline(always)]
pub(crate) fn fmin<R: Real>(a: Complex<R>, b: Complex<R>) -> Complex<R> {
    if less_equal(a, b) || missing(b) { a } else { b }
}

/// Lexicographically not below `low` nor above `high`. The order has no regard for NaN here, as NumPy's has none.
#[inline(always)]
pub(crate) fn clip<R: Real>(a: Complex<R>, low: Complex<R>, high: Complex<R>) -> Complex<R> {
    let below = |a: Complex<R>, b: Complex<R>| a.re < b.re || (a.re == b.re && a.im < b.im);
    let raised = if missing(a) || below(low, a) { a } else { low };
    if missing(raised) || below(raised, high) { raised } else { high }
}

/// The number divided by its magnitude; zero for zero.
#[inline(always)]
pub(crate) fn sign<R: Real>(a: Complex<R>) -> Complex<R> {
    let magnitude = a.re.hypot(a.im);
    if magnitude.missing() {
        return Complex::new(R::NAN, R::NAN);
    }
    if magnitude.infinite() {
        return match (a.re.infinite(), a.im.infinite()) {
            (true, true) => Complex::new(R::NAN, R::NAN),
            (true, false) => Complex::new(R::ONE.with_sign_of(a.re), R::ZERO),
            // NumPy's answer where only the magnitude overflows, too.
            _ => Complex::new(R::ZERO, R::ONE.with_sign_of(a.im)),
        };
    }
    if magnitude == R::ZERO {
        return Complex::new(R::ZERO, R::ZERO);
    }
    Complex::new(a.re / magnitude, a.im / magnitude)
}

/// A power: 1 for exponent 0, repeated products for small integral exponents, else by logarithm and exponential.
pub(crate) fn power(a: Double, exponent: Double) -> Double {
    if exponent.re == 0.0 && exponent.im == 0.0 {
        return Complex::new(1.0, 0.0);
    }
    if a.re == 0.0 && a.im == 0.0 {
        if exponent.re > 0.0 {
            return Complex::new(0.0, 0.0);
        }
        let invalid = std::hint::black_box(f64::INFINITY) - f64::INFINITY;
        return Complex::new(invalid, invalid);
    }
    if exponent.im == 0.0 && exponent.re.trunc() == exponent.re && exponent.re.abs() < 100.0 {
        return integral_power(a, exponent.re as i32);
    }
    exp(multiply(exponent, log(a)))
}

fn integral_power(a: Double, exponent: i32) -> Double {
    match exponent {
        1 => return a,
        2 => return multiply(a, a),
        3 => return multiply(a, multiply(a, a)),
        _ => {}
    }
    let (mut result, mut base, mut left) = (Complex::new(1.0, 0.0), a, exponent.unsigned_abs());
    loop {
        if left & 1 == 1 {
            result = multiply(result, base);
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        base = multiply(base, base);
    }
    if exponent < 0 { divide(Complex::new(1.0, 0.0), result) } else { result }
}

/// The root with a non-negative real part.
pub(crate) fn sqrt(z: Double) -> Double {
    let (a, b) = (z.re, z.im);
    if a == 0.0 && b == 0.0 {
        return Complex::new(0.0, b);
    }
    if b.is_infinite() {
        return Complex::new(f64::INFINITY, b);
    }
    if a.is_nan() {
        return Complex::new(a, f64::NAN);
    }
    if a.is_infinite() {
        let rest = undefined(b);
        return if a > 0.0 {
            Complex::new(a, rest.copysign(b))
        } else {
            Complex::new(rest.abs(), (-a).copysign(b))
        };
    }
    let largest = a.abs().max(b.abs());
    let (scale, unscale) = match largest {
        _ if largest > 1e307 => (0.25, 2.0),
        _ if largest < 1e-290 => (2f64.powi(108), 2f64.powi(-54)),
        _ => (1.0, 1.0),
    };
    let (a, b) = (a * scale, b * scale);
    let root = ((a.abs() + a.hypot(b)) * 0.5).sqrt();
    let other = b.abs() / (2.0 * root);
    if a >= 0.0 {
        Complex::new(root * unscale, (other * unscale).copysign(b))
    } else {
        Complex::new(other * unscale, (root * unscale).copysign(b))
    }
}

/// A NaN, reported as invalid, for an infinite number; zero for a finite one.
fn undefined(x: f64) -> f64 {
    x * 0.0
}

/// Beyond this, `exp` may overflow although its product with a sine does not.
const LARGE: f64 = 709.0;

/// `exp(a)` as a product of two factors that do not overflow where their product with a sine does not.
fn split_exp(a: f64) -> (f64, f64) {
    if a > LARGE { ((a - LARGE).exp(), LARGE.exp()) } else { (a.exp(), 1.0) }
}

/// The exponential.
pub(crate) fn exp(z: Double) -> Double {
    let (a, b) = (z.re, z.im);
    if b == 0.0 {
        return Complex::new(a.exp(), b);
    }
    if a == f64::NEG_INFINITY && !b.is_finite() {
        return Complex::new(0.0, 0.0);
    }
    if a == f64::INFINITY && !b.is_finite() {
        return Complex::new(a, undefined(b));
    }
    if a == 0.0 {
        return Complex::new(b.cos(), b.sin());
    }
    let (first, second) = split_exp(a);
    Complex::new(first * b.cos() * second, first * b.sin() * second)
}

/// Two to a complex power.
pub(crate) fn exp2(z: Double) -> Double {
    exp(Complex::new(z.re * LN_2, z.im * LN_2))
}

/// The exponential less one, without cancellation near zero.
pub(crate) fn expm1(z: Double) -> Double {
    let half = (z.im / 2.0).sin();
    Complex::new(z.re.exp_m1() * z.im.cos() - 2.0 * half * half, z.re.exp() * z.im.sin())
}

/// The logarithm: of the magnitude, and the angle.
pub(crate) fn log(z: Double) -> Double {
    Complex::new(log_magnitude(z.re.abs(), z.im.abs()), z.im.atan2(z.re))
}

fn log_magnitude(a: f64, b: f64) -> f64 {
    let (large, small) = if a >= b || b.is_nan() { (a, b) } else { (b, a) };
    if large.is_infinite() || small.is_infinite() {
        return f64::INFINITY;
    }
    if large == 0.0 && small == 0.0 {
        return -1.0 / std::hint::black_box(0.0);
    }
    if large > 1e307 {
        return (large * 0.5).hypot(small * 0.5).ln() + LN_2;
    }
    if large < 1e-290 {
        let up = 2f64.powi(108);
        return (large * up).hypot(small * up).ln() - 108.0 * LN_2;
    }
    if large > 0.7 && large < 2.0 && small < 2.0 {
        return 0.5 * squares_less_one(large, small).ln_1p();
    }
    large.hypot(small).ln()
}

/// `a * a + b * b - 1` for `a` near one, without cancellation: the products are split into exact pairs.
fn squares_less_one(a: f64, b: f64) -> f64 {
    let (high_a, high_b) = (a * a, b * b);
    let low = a.mul_add(a, -high_a) + b.mul_add(b, -high_b);
    let from_a = high_a - 1.0;
    let from_a_low = high_a - (from_a + 1.0);
    let sum = from_a + high_b;
    let part = sum - from_a;
    let sum_low = (from_a - (sum - part)) + (high_b - part);
    sum + (sum_low + from_a_low + low)
}

/// The base 2 logarithm.
pub(crate) fn log2(z: Double) -> Double {
    log(z) * LOG2_E
}

/// The base 10 logarithm.
pub(crate) fn log10(z: Double) -> Double {
    log(z) * LOG10_E
}

/// The logarithm of one more.
pub(crate) fn log1p(z: Double) -> Double {
    Complex::new((z.re + 1.0).hypot(z.im).ln(), z.im.atan2(z.re + 1.0))
}

/// The hyperbolic sine.
pub(crate) fn sinh(z: Double) -> Double {
    let (a, b) = (z.re, z.im);
    if b == 0.0 {
        return Complex::new(a.sinh(), b);
    }
    if a == 0.0 {
        return Complex::new(a, b.sin());
    }
    if a.is_infinite() && !b.is_finite() {
        return Complex::new(f64::INFINITY, undefined(b));
    }
    if a.abs() > LARGE {
        let (first, second) = split_exp(a.abs());
        let (real, imaginary) = (first * b.cos() * (0.5 * second), first * b.sin() * (0.5 * second));
        return Complex::new(if a < 0.0 { -real } else { real }, imaginary);
    }
    Complex::new(a.sinh() * b.cos(), a.cosh() * b.sin())
}

/// The hyperbolic cosine.
pub(crate) fn cosh(z: Double) -> Double {
    let (a, b) = (z.re, z.im);
    if b == 0.0 {
        let zero = if a.is_nan() { b } else { 0f64.copysign(a) * b };
        return Complex::new(a.cosh(), zero);
    }
    if a == 0.0 {
        let zero = if b.is_finite() { a * b.sin() } else { 0.0 };
        return Complex::new(b.cos(), zero);
    }
    if a.is_infinite() && !b.is_finite() {
        return Complex::new(f64::INFINITY, undefined(b));
    }
    if a.abs() > LARGE {
        let (first, second) = split_exp(a.abs());
        let (real, imaginary) = (first * b.cos() * (0.5 * second), first * b.sin() * (0.5 * second));
        return Complex::new(real, if a < 0.0 { -imaginary } else { imaginary });
    }
    Complex::new(a.cosh() * b.cos(), a.sinh() * b.sin())
}

/// The hyperbolic tangent, by Kahan's formula ("Branch cuts for complex elementary functions", 1987).
pub(crate) fn tanh(z: Double) -> Double {
    let (a, b) = (z.re, z.im);
    if a.is_nan() {
        return Complex::new(a, if b == 0.0 { b } else { f64::NAN });
    }
    if a.is_infinite() {
        let angle = if b.is_finite() { (2.0 * b).sin() } else { b };
        return Complex::new(1f64.copysign(a), 0f64.copysign(angle));
    }
    if !b.is_finite() {
        return Complex::new(if a == 0.0 { a } else { undefined(b) }, undefined(b));
    }
    if a.abs() >= 22.0 {
        let small = (-a.abs()).exp();
        return Complex::new(1f64.copysign(a), 4.0 * b.sin() * b.cos() * small * small);
    }
    let tangent = b.tan();
    let beta = 1.0 + tangent * tangent;
    let sine = a.sinh();
    let rho = (1.0 + sine * sine).sqrt();
    let divisor = 1.0 + beta * sine * sine;
    Complex::new(beta * rho * sine / divisor, tangent / divisor)
}

/// Applies a function to `i z` and takes the result back: a hyperbolic function becomes circular.
pub(crate) fn rotated(z: Double, function: fn(Double) -> Double) -> Double {
    let result = function(Complex::new(-z.im, z.re));
    Complex::new(result.im, -result.re)
}

/// The sine.
pub(crate) fn sin(z: Double) -> Double {
    if z.im.is_infinite() && !z.re.is_finite() {
        return Complex::new(undefined(z.re), f64::INFINITY);
    }
    rotated(z, sinh)
}

/// The cosine.
pub(crate) fn cos(z: Double) -> Double {
    cosh(Complex::new(-z.im, z.re))
}

/// The tangent.
pub(crate) fn tan(z: Double) -> Double {
    rotated(z, tanh)
}
