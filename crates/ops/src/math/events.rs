//! What NumPy reports of elementary functions, element by element: their instructions compute what they then do not
//! select, so the processor's own events mean nothing.

use super::real::{Real, overflow};
use crate::flags::Flags;

/// A function that is not defined for some numbers, and infinite for others.
#[inline(always)]
pub(crate) fn domain(undefined: bool, pole: bool) -> Flags {
    when(undefined, Flags::INVALID) | when(pole, Flags::DIVIDE)
}

/// An exponential, whose results may be too large or too small.
#[inline(always)]
pub(crate) fn exponential<R: Real>(a: R, result: R) -> Flags {
    overflow(a, result) | when((result.magnitude() < R::SMALLEST) & !a.infinite(), Flags::UNDERFLOW)
}

/// A function of two numbers that is infinite only where it overflows or one of them is.
#[inline(always)]
pub(crate) fn overflow_of_two<R: Real>(a: R, b: R, result: R) -> Flags {
    when(result.infinite() & !a.infinite() & !b.infinite(), Flags::OVERFLOW)
}

/// A power.
#[inline(always)]
pub(crate) fn power<R: Real>(a: R, b: R, result: R) -> Flags {
    let zero = a == R::ZERO;
    when(result.missing() & !a.missing() & !b.missing(), Flags::INVALID)
        | when(zero & (b < R::ZERO) & !b.infinite(), Flags::DIVIDE)
        | when(!zero, overflow_of_two(a, b, result))
        | when(!zero & !a.infinite() & !b.infinite() & (result.magnitude() < R::SMALLEST), Flags::UNDERFLOW)
}

/// The logarithm of a sum of powers: comparisons report a NaN, and the difference of the two numbers may overflow.
#[inline(always)]
pub(crate) fn sum_of_powers<R: Real>(a: R, b: R) -> Flags {
    when(a.missing() | b.missing(), Flags::INVALID) | overflow_of_two(a, b, a - b)
}

/// The events if the condition holds. A product rather than a choice, of which the compiler might make a branch.
#[inline(always)]
fn when(condition: bool, flags: Flags) -> Flags {
    Flags::from_bits(condition as u8 * flags.bits())
}
