//! Integer arithmetic with NumPy's answers where Rust's operators would panic.

use crate::flags::Flags;

/// The integers of the table.
pub(crate) trait Integer: Copy + PartialOrd {
    /// Rounds towards minus infinity; 0 for a zero divisor.
    fn floor_divide(self, by: Self) -> Self;
    /// The remainder with the sign of the divisor; 0 for a zero divisor.
    fn remainder(self, by: Self) -> Self;
    /// The remainder with the sign of the dividend; 0 for a zero divisor.
    fn fmod(self, by: Self) -> Self;
    /// The quotient rounded towards zero and its remainder; some number where either is undefined.
    fn cut_divide(self, by: Self) -> (Self, Self);
    /// A zero divisor, or a quotient that does not fit.
    fn division_events(self, by: Self) -> Flags;
    /// A zero divisor only: a remainder always fits.
    fn remainder_events(self, by: Self) -> Flags;
    /// What NumPy reports of [`Integer::reciprocal`].
    fn reciprocal_events(self) -> Flags;
    /// Wraps around. The caller rejects negative exponents, as NumPy does; here they give 0.
    fn power(self, exponent: Self) -> Self;
    /// 0 once every bit has left.
    fn left_shift(self, count: Self) -> Self;
    /// The sign (0 or -1) once every bit has left.
    fn right_shift(self, count: Self) -> Self;
    /// The bits set in the magnitude.
    fn bit_count(self) -> u8;
    /// The greatest common divisor of the magnitudes.
    fn gcd(self, other: Self) -> Self;
    /// The least common multiple of the magnitudes, wrapped; 0 if either is 0.
    fn lcm(self, other: Self) -> Self;
    /// 1, 0 or -1.
    fn sign(self) -> Self;
    /// The inverse as C truncates it: 0 but for 1, -1, and 0, whose inverse is what C's cast makes of infinity.
    fn reciprocal(self) -> Self;
}

/// A quotient rounded towards zero that is known to exist and fit. Processors have no vector division of integers;
/// narrow ones divide exactly enough as floating point numbers of more than twice their width less one bit: a quotient
/// that is not whole is further from the next whole number than the rounding reaches.
macro_rules! divide {
    (integer, $a:expr, $b:expr) => {
        $a / $b
    };
    ($float:ident, $a:expr, $b:expr) => {
        // SAFETY: the caller made sure that the quotient fits.
        unsafe { ($a as $float / $b as $float).to_int_unchecked() }
    };
}

macro_rules! shared {
    ($unsigned:ty) => {
        #[inline(always)]
        fn fmod(self, by: Self) -> Self {
            let (_, rest) = self.cut_divide(by);
            if by == 0 { 0 } else { rest }
        }
        #[inline(always)]
        fn remainder_events(self, by: Self) -> Flags {
            if by == 0 { Flags::DIVIDE } else { Flags::NONE }
        }
        #[inline(always)]
        fn reciprocal_events(self) -> Flags {
            if self == 0 { Flags::DIVIDE | Flags::INVALID } else { Flags::NONE }
        }
        #[inline(always)]
        fn left_shift(self, count: Self) -> Self {
            let inside = (count as $unsigned) < Self::BITS as $unsigned;
            if inside { self.wrapping_shl(count as u32) } else { 0 }
        }
    };
}

macro_rules! signed {
    ($($int:ty as $unsigned:ty => $through:ident),*) => {
        $(impl Integer for $int {
            shared!($unsigned);
            #[inline(always)]
            fn floor_divide(self, by: Self) -> Self {
                let (quotient, rest) = self.cut_divide(by);
                let down = (rest != 0) & ((rest < 0) != (by < 0));
                if by == 0 { 0 } else { quotient.wrapping_sub(down as Self) }
            }
            #[inline(always)]
            fn remainder(self, by: Self) -> Self {
                let (_, rest) = self.cut_divide(by);
                let down = (rest != 0) & ((rest < 0) != (by < 0));
                if by == 0 { 0 } else { rest.wrapping_add(if down { by } else { 0 }) }
            }
            #[inline(always)]
            fn cut_divide(self, by: Self) -> (Self, Self) {
                // One stands for divisors whose quotient is undefined or does not fit.
                let by = if (by == 0) | ((self == Self::MIN) & (by == -1)) { 1 } else { by };
                let quotient = divide!($through, self, by);
                (quotient, self.wrapping_sub(quotient.wrapping_mul(by)))
            }
            #[inline(always)]
            fn division_events(self, by: Self) -> Flags {
                let zero = (by == 0) as u8;
                let large = ((by == -1) & (self == Self::MIN)) as u8;
                Flags::from_bits(zero * Flags::DIVIDE.bits() | large * Flags::OVERFLOW.bits())
            }
            #[inline(always)]
            fn power(self, exponent: Self) -> Self {
                if exponent < 0 { 0 } else { (self as $unsigned).power(exponent as $unsigned) as Self }
            }
            #[inline(always)]
            fn right_shift(self, count: Self) -> Self {
                let inside = (count as $unsigned) < Self::BITS as $unsigned;
                self >> (if inside { count as u32 } else { Self::BITS - 1 })
            }
            #[inline(always)]
            fn bit_count(self) -> u8 {
                self.unsigned_abs().count_ones() as u8
            }
            #[inline(always)]
            fn gcd(self, other: Self) -> Self {
                self.unsigned_abs().gcd(other.unsigned_abs()) as Self
            }
            #[inline(always)]
            fn lcm(self, other: Self) -> Self {
                self.unsigned_abs().lcm(other.unsigned_abs()) as Self
            }
            #[inline(always)]
            fn sign(self) -> Self {
                (self > 0) as Self - (self < 0) as Self
            }
            #[inline(always)]
            fn reciprocal(self) -> Self {
                match self {
                    1 | -1 => self,
                    0 if Self::BITS >= 32 => Self::MIN,
                    _ => 0,
                }
            }
        })*
    };
}

macro_rules! unsigned {
    ($($int:ty => $through:ident),*) => {
        $(impl Integer for $int {
            shared!($int);
            #[inline(always)]
            fn floor_divide(self, by: Self) -> Self {
                let (quotient, _) = self.cut_divide(by);
                if by == 0 { 0 } else { quotient }
            }
            #[inline(always)]
            fn remainder(self, by: Self) -> Self {
                self.fmod(by)
            }
            #[inline(always)]
            fn cut_divide(self, by: Self) -> (Self, Self) {
                let by = if by == 0 { 1 } else { by };
                let quotient = divide!($through, self, by);
                (quotient, self.wrapping_sub(quotient.wrapping_mul(by)))
            }
            #[inline(always)]
            fn division_events(self, by: Self) -> Flags {
                self.remainder_events(by)
            }
            #[inline(always)]
            fn power(self, mut exponent: Self) -> Self {
                let (mut base, mut result) = (self, 1);
                while exponent > 0 {
                    if exponent & 1 == 1 {
                        result = base.wrapping_mul(result);
                    }
                    base = base.wrapping_mul(base);
                    exponent >>= 1;
                }
                result
            }
            #[inline(always)]
            fn right_shift(self, count: Self) -> Self {
                if count < Self::BITS as Self { self >> count } else { 0 }
            }
            #[inline(always)]
            fn bit_count(self) -> u8 {
                self.count_ones() as u8
            }
            #[inline(always)]
            fn gcd(self, other: Self) -> Self {
                let (mut a, mut b) = (self, other);
                while b != 0 {
                    (a, b) = (b, a % b);
                }
                a
            }
            #[inline(always)]
            fn lcm(self, other: Self) -> Self {
                match self.gcd(other) {
                    0 => 0,
                    divisor => (self / divisor).wrapping_mul(other),
                }
            }
            #[inline(always)]
            fn sign(self) -> Self {
                (self > 0) as Self
            }
            #[inline(always)]
            fn reciprocal(self) -> Self {
                (self == 1) as Self
            }
        })*
    };
}

signed!(i8 as u8 => f32, i16 as u16 => f32, i32 as u32 => f64, i64 as u64 => integer);
unsigned!(u8 => f32, u16 => f32, u32 => f64, u64 => integer);
