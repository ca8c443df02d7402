//! Inverse circular and hyperbolic functions of complex numbers.
//!
//! The method is that of Hull, Fairgrieve and Tang, "Implementing the complex arcsine and arccosine functions using
//! exception handling" (ACM TOMS 23, 1997): write the answer with the distances R and S of the point from +i and -i,
//! and their half sum A, and rearrange wherever A - 1 or A - y would cancel. The order of the cases and the thresholds
//! are those of `catrig.c` in FreeBSD's C library (Stephen Montgomery-Smith, 2-clause BSD).

use super::complex::{log, rotated};
use num_complex::Complex;
use std::f64::consts::{FRAC_PI_2, LN_2};

type Double = Complex<f64>;

const EPSILON: f64 = f64::EPSILON;
/// Parts larger than this leave only the logarithm of the magnitude.
const HUGE: f64 = 1.0 / EPSILON;
/// The square root of six epsilons: the next term of the series vanishes below a quarter of it.
const SERIES: f64 = 3.6500241499888571e-8;
/// Four times the root of the smallest normal number.
const TINY: f64 = 5.966672584960165e-154;

/// What arcsinh and arccos share: the real part, and the imaginary part as a sine or as a pair of sides.
struct Shared {
    real: f64,
    angle: Angle,
}

enum Angle {
    /// The sine of the angle, where it is well conditioned.
    Sine(f64),
    /// The side opposite to the angle and the adjacent one.
    Sides(f64, f64),
}

/// Half the difference of the hypotenuse of `a` and `b` and the side `b`, without cancellation.
fn excess(a: f64, b: f64, hypotenuse: f64) -> f64 {
    match b {
        _ if b < 0.0 => (hypotenuse - b) / 2.0,
        0.0 => a / 2.0,
        _ => a * a / (hypotenuse + b) / 2.0,
    }
}

/// Both arguments are not negative, finite and not huge.
fn shared(x: f64, y: f64) -> Shared {
    let (r, s) = (x.hypot(y + 1.0), x.hypot(y - 1.0));
    let a = ((r + s) / 2.0).max(1.0);
    let real = if a >= 10.0 {
        (a + (a * a - 1.0).sqrt()).ln()
    } else if y == 1.0 && x < EPSILON * EPSILON / 128.0 {
        x.sqrt()
    } else if x >= EPSILON * (y - 1.0).abs() {
        let less_one = excess(x, 1.0 + y, r) + excess(x, 1.0 - y, s);
        (less_one + (less_one * (a + 1.0)).sqrt()).ln_1p()
    } else if y < 1.0 {
        x / ((1.0 - y) * (1.0 + y)).sqrt()
    } else {
        ((y - 1.0) + ((y - 1.0) * (y + 1.0)).sqrt()).ln_1p()
    };
    Shared { real, angle: angle(x, y, a, r, s) }
}

fn angle(x: f64, y: f64, a: f64, r: f64, s: f64) -> Angle {
    if y < TINY {
        return Angle::Sides(y * (2.0 / EPSILON), a * (2.0 / EPSILON));
    }
    let sine = y / a;
    if sine <= 0.6417 {
        return Angle::Sine(sine);
    }
    if y == 1.0 && x < EPSILON / 128.0 {
        Angle::Sides(y, x.sqrt() * ((a + y) / 2.0).sqrt())
    } else if x >= EPSILON * (y - 1.0).abs() {
        let less_y = excess(x, y + 1.0, r) + excess(x, y - 1.0, s);
        Angle::Sides(y, (less_y * (a + y)).sqrt())
    } else if y > 1.0 {
        let scale = 4.0 / EPSILON / EPSILON;
        Angle::Sides(y * scale, x * scale * y / ((y + 1.0) * (y - 1.0)).sqrt())
    } else {
        Angle::Sides(y, ((1.0 - y) * (1.0 + y)).sqrt())
    }
}

fn is_huge(z: Double) -> bool {
    z.re.abs() > HUGE || z.im.abs() > HUGE
}

fn is_small(z: Double) -> bool {
    z.re.abs() < SERIES / 4.0 && z.im.abs() < SERIES / 4.0
}

/// The inverse hyperbolic sine.
pub(crate) fn arcsinh(z: Double) -> Double {
    let (x, y) = (z.re, z.im);
    if x.is_nan() || y.is_nan() {
        return match () {
            _ if x.is_infinite() => Complex::new(x, y),
            _ if y.is_infinite() => Complex::new(y.abs(), x),
            _ if y == 0.0 => Complex::new(x, y),
            _ => Complex::new(f64::NAN, f64::NAN),
        };
    }
    if is_huge(z) {
        let result = log(if x.is_sign_negative() { -z } else { z });
        return Complex::new((result.re + LN_2).copysign(x), result.im.copysign(y));
    }
    if is_small(z) {
        return z;
    }
    let Shared { real, angle } = shared(x.abs(), y.abs());
    let imaginary = match angle {
        Angle::Sine(sine) => sine.asin(),
        Angle::Sides(opposite, adjacent) => opposite.atan2(adjacent),
    };
    Complex::new(real.copysign(x), imaginary.copysign(y))
}

/// The inverse sine.
pub(crate) fn arcsin(z: Double) -> Double {
    let result = arcsinh(Complex::new(z.im, z.re));
    Complex::new(result.im, result.re)
}

/// The inverse cosine.
pub(crate) fn arccos(z: Double) -> Double {
    let (x, y) = (z.re, z.im);
    let away = |value: f64| if y.is_sign_negative() { value } else { -value };
    if x.is_nan() || y.is_nan() {
        return match () {
            _ if x.is_infinite() => Complex::new(y, f64::NEG_INFINITY),
            _ if y.is_infinite() => Complex::new(x, -y),
            _ if x == 0.0 => Complex::new(FRAC_PI_2, y),
            _ => Complex::new(f64::NAN, f64::NAN),
        };
    }
    if is_huge(z) {
        let result = log(z);
        return Complex::new(result.im.abs(), away(result.re + LN_2));
    }
    if x == 1.0 && y == 0.0 {
        return Complex::new(0.0, -y);
    }
    if is_small(z) {
        return Complex::new(FRAC_PI_2 - x, -y);
    }
    let Shared { real, angle } = shared(y.abs(), x.abs());
    let sign = 1f64.copysign(x);
    let angle = match angle {
        Angle::Sine(cosine) => (sign * cosine).acos(),
        Angle::Sides(adjacent, opposite) => opposite.atan2(sign * adjacent),
    };
    Complex::new(angle, away(real))
}

/// The inverse hyperbolic cosine.
pub(crate) fn arccosh(z: Double) -> Double {
    let Complex { re, im } = arccos(z);
    match (re.is_nan(), im.is_nan()) {
        (true, true) => Complex::new(im, re),
        (true, false) => Complex::new(im.abs(), re),
        (false, true) => Complex::new(im, re),
        (false, false) => Complex::new(im.abs(), re.copysign(z.im)),
    }
}

/// The inverse hyperbolic tangent.
pub(crate) fn arctanh(z: Double) -> Double {
    let (x, y) = (z.re, z.im);
    let (ax, ay) = (x.abs(), y.abs());
    if y == 0.0 && ax <= 1.0 {
        return Complex::new(libm::atanh(x), y);
    }
    if x == 0.0 {
        return Complex::new(x, y.atan());
    }
    if x.is_nan() || y.is_nan() {
        return match () {
            _ if x.is_infinite() => Complex::new(0f64.copysign(x), y),
            _ if y.is_infinite() => Complex::new(0f64.copysign(x), FRAC_PI_2.copysign(y)),
            _ => Complex::new(f64::NAN, f64::NAN),
        };
    }
    if is_huge(z) {
        return Complex::new(reciprocal_real(ax, ay).copysign(x), FRAC_PI_2.copysign(y));
    }
    if is_small(z) {
        return z;
    }
    let real = if ax == 1.0 && ay < EPSILON {
        (LN_2 - ay.ln()) / 2.0
    } else {
        let square = if ay < TINY { (ax - 1.0) * (ax - 1.0) } else { (ax - 1.0) * (ax - 1.0) + ay * ay };
        (4.0 * ax / square).ln_1p() / 4.0
    };
    let imaginary = if ax == 1.0 {
        2f64.atan2(-ay) / 2.0
    } else if ay < EPSILON {
        (2.0 * ay).atan2((1.0 - ax) * (1.0 + ax)) / 2.0
    } else {
        (2.0 * ay).atan2((1.0 - ax) * (1.0 + ax) - ay * ay) / 2.0
    };
    Complex::new(real.copysign(x), imaginary.copysign(y))
}

/// The inverse tangent.
pub(crate) fn arctan(z: Double) -> Double {
    rotated(z, arctanh)
}

/// The real part of the reciprocal of a number one of whose parts is huge.
fn reciprocal_real(x: f64, y: f64) -> f64 {
    if x.is_infinite() || y.is_infinite() {
        return 0.0;
    }
    if x >= y {
        let ratio = y / x;
        1.0 / (x + y * ratio)
    } else {
        let ratio = x / y;
        ratio / (y + x * ratio)
    }
}
