//! Elements as numbers that are ordered as NumPy orders the elements.

use super::Lane;
use crate::dtype::{Bool, Element};
use half::f16;

/// An element with its place in NumPy's order.
pub(super) trait Key: Element {
    /// Bits of a key.
    const BITS: u32;
    /// Whether different elements may have one key.
    const LOSES: bool;
    /// A number that is smaller where the element comes earlier, and the same for equal elements.
    fn key(self) -> u64;
    /// The element that has a key; one of them if there are several.
    fn from_key(key: u64) -> Self;

    /// Whether it is a NaN.
    #[inline(always)]
    fn is_missing(self) -> bool {
        false
    }
    /// Whether it is a zero with a sign.
    #[inline(always)]
    fn is_negative_zero(self) -> bool {
        false
    }
    /// Whether it comes before another.
    #[inline(always)]
    fn precedes(self, other: Self) -> bool {
        self.key() < other.key()
    }
    /// As [`Key::precedes`] of two that are no NaN.
    #[inline(always)]
    fn is_below(self, other: Self) -> bool {
        self.precedes(other)
    }
}

/// An element that vectors hold.
pub(super) trait LaneKey: Key + Lane {}

impl<E: Key + Lane> LaneKey for E {}

/// The key of a whole number: its bits, above half of the range for a sign that is not set.
macro_rules! integers {
    ($($element:ty: $bits:ty, $sign:expr;)*) => {
        $(impl Key for $element {
            const BITS: u32 = <$bits>::BITS;
            const LOSES: bool = false;
            #[inline(always)]
            fn key(self) -> u64 {
                (self as $bits ^ $sign) as u64
            }
            #[inline(always)]
            fn from_key(key: u64) -> Self {
                (key as $bits ^ $sign) as $element
            }
            #[inline(always)]
            fn precedes(self, other: Self) -> bool {
                self < other
            }
        })*
    };
}

integers! {
    i8: u8, 1 << 7;
    i16: u16, 1 << 15;
    i32: u32, 1 << 31;
    i64: u64, 1 << 63;
    u8: u8, 0;
    u16: u16, 0;
    u32: u32, 0;
    u64: u64, 0;
}

impl Key for Bool {
    const BITS: u32 = 8;
    // NumPy's loops count every byte but zero as true, and leave it as it is.
    const LOSES: bool = false;
    #[inline(always)]
    fn key(self) -> u64 {
        u64::from(bytemuck::cast::<Bool, u8>(self))
    }
    #[inline(always)]
    fn from_key(key: u64) -> Bool {
        bytemuck::cast::<u8, Bool>(key as u8)
    }
}

/// The key of a floating point number: its bits, turned over where the sign is set, one for both zeros, the last for NaN.
macro_rules! reals {
    ($($element:ty: $bits:ty;)*) => {
        $(impl Key for $element {
            const BITS: u32 = <$bits>::BITS;
            const LOSES: bool = true;
            #[inline(always)]
            fn key(self) -> u64 {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let bits = self.to_bits();
                // Without its sign, a zero is still one; a NaN's bits are above all others'.
                let bits = if bits == SIGN { 0 } else { bits };
                let key = if bits & SIGN != 0 { !bits } else { bits | SIGN };
                let missing = bits & !SIGN > <$element>::INFINITY.to_bits();
                (if missing { <$bits>::MAX } else { key }) as u64
            }
            #[inline(always)]
            fn from_key(key: u64) -> Self {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let key = key as $bits;
                <$element>::from_bits(if key & SIGN != 0 { key & !SIGN } else { !key })
            }
            #[inline(always)]
            fn is_missing(self) -> bool {
                self.to_bits() & !(1 << (<$bits>::BITS - 1)) > <$element>::INFINITY.to_bits()
            }
            #[inline(always)]
            fn is_negative_zero(self) -> bool {
                self.to_bits() == 1 << (<$bits>::BITS - 1)
            }
            #[inline(always)]
            fn is_below(self, other: Self) -> bool {
                self < other
            }
        })*
    };
}

reals! {
    f16: u16;
    f32: u32;
    f64: u64;
}
