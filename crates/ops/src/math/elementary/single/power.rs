//! The cube root.

use super::{ROUNDER, polynomial};

const CBRT_SINGLE: [f32; 5] = [1.670_006_9, -1.172_881_6, 0.695_483_74, -0.221_237_75, 0.028_590_858];

/// One over the cube roots of 2 and 4.
const ROOT_OF_2: f32 = 0.793_700_5;
const ROOT_OF_4: f32 = 0.629_960_5;

/// The cube root: one over it by a polynomial, then corrected with the exact cube of the root.
#[inline(always)]
pub(crate) fn cbrt(x: f32) -> f32 {
    let a = x.abs();
    let tiny = a < f32::MIN_POSITIVE;
    let scaled = a * if tiny { 16_777_216.0 } else { 1.0 };
    let bits = scaled.to_bits();
    // 127 is 3 * 42 + 1: the biased exponent less two is 3 third + rest, and rest is -1, 0 or 1.
    let exponent = ((bits >> 23) as i32 - 2) as f32;
    let rounded = exponent.mul_add(1.0 / 3.0, ROUNDER);
    let rest = (rounded - ROUNDER).mul_add(-3.0, exponent);
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127 - 42) << 23);
    let fraction = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    let (start, factor) = if rest > -0.5 { (ROOT_OF_2, 2.0) } else { (1.0, 1.0) };
    let (start, factor) = if rest > 0.5 { (ROOT_OF_4, 4.0) } else { (start, factor) };
    let m = fraction * factor;
    let inverse = start * polynomial(fraction, &CBRT_SINGLE);
    let inverse_square = inverse * inverse;
    let root = m * inverse_square;
    let square = root * root;
    let square_low = root.mul_add(root, -square);
    let error = (-root).mul_add(square_low, (-root).mul_add(square, m));
    let root = (error * inverse_square).mul_add(1.0 / 3.0, root);
    let result = root * power * if tiny { 1.0 / 256.0 } else { 1.0 };
    // Neither zero nor infinity nor a NaN.
    let ordinary = a.to_bits().wrapping_sub(1) < f32::INFINITY.to_bits() - 1;
    (if ordinary { result } else { a }).copysign(x)
}
