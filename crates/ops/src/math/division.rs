//! Division of real numbers into a whole quotient and a remainder.
//!
//! Where the quotient is no larger than a number has digits, `a - trunc(a / b) b` is the remainder, exactly: only the
//! division may round up to the next integer, which shows in the sign. Quotients beyond that, infinite numbers and zero
//! divisors are far apart ([`is_far`]) and left to the C library's remainder, whose bits are defined.

use super::real::Real;
use crate::flags::Flags;

/// Whether [`fmod`], [`remainder`], [`floor_divide`] and [`divmod`] do not know the operands: then there is [`far`].
#[inline(always)]
pub(crate) fn is_far<R: Real>(a: R, b: R) -> bool {
    let near = (a.magnitude() < b.magnitude() * R::LARGE) & !b.infinite();
    !near
}

/// The remainder with the sign of the dividend.
#[inline(always)]
pub(crate) fn fmod<R: Real>(a: R, b: R) -> R {
    let rest = (-(a / b).cut()).fused(b, a);
    let beyond = (rest != R::ZERO) & ((rest < R::ZERO) != (a < R::ZERO));
    let rest = if beyond { rest + b.with_sign_of(a) } else { rest };
    rest.with_sign_of(a)
}

/// The remainder with the sign of the divisor.
#[inline(always)]
pub(crate) fn remainder<R: Real>(a: R, b: R) -> R {
    divide(a, b, fmod(a, b)).1
}

/// The quotient rounded down.
#[inline(always)]
pub(crate) fn floor_divide<R: Real>(a: R, b: R) -> R {
    divide(a, b, fmod(a, b)).0
}

/// Both.
#[inline(always)]
pub(crate) fn divmod<R: Real>(a: R, b: R) -> (R, R) {
    divide(a, b, fmod(a, b))
}

/// Both, whatever the operands.
pub(crate) fn far<R: Real>(a: R, b: R) -> (R, R) {
    divide(a, b, a.slow_fmod(b))
}

/// Quotient rounded down and remainder with the sign of the divisor, as Python and NumPy define them together, from the
/// remainder with the sign of the dividend. A zero divisor is a plain division.
#[inline(always)]
fn divide<R: Real>(a: R, b: R, rest: R) -> (R, R) {
    let down = (rest != R::ZERO) & ((b < R::ZERO) != (rest < R::ZERO));
    let quotient = (a - rest) / b;
    let quotient = if down { quotient - R::ONE } else { quotient };
    let moved = if down { rest + b } else { rest };
    let moved = if rest == R::ZERO { R::ZERO.with_sign_of(b) } else { moved };
    let whole = quotient.round_down();
    let half = R::ONE / (R::ONE + R::ONE);
    let whole = if quotient - whole > half { whole + R::ONE } else { whole };
    let whole = if quotient == R::ZERO { R::ZERO.with_sign_of(a / b) } else { whole };
    let by_zero = b == R::ZERO;
    (if by_zero { a / b } else { whole }, if by_zero { rest } else { moved })
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
