//! Conversions between every two dtypes, as NumPy's C casts compile on x86-64.

use crate::dtype::Bool;
use crate::flags::Flags;
use crate::isa::Versions;
use crate::kernel::{Block, Case, Kernel, Lane, Status};
use half::f16;
use num_complex::Complex;
use std::marker::PhantomData;

/// The loops from every dtype (first index) to every dtype (second).
pub(crate) static CASTS: [[Versions<Block>; 14]; 14] = [
    to_all::<Bool>(),
    to_all::<i8>(),
    to_all::<i16>(),
    to_all::<i32>(),
    to_all::<i64>(),
    to_all::<u8>(),
    to_all::<u16>(),
    to_all::<u32>(),
    to_all::<u64>(),
    to_all::<f16>(),
    to_all::<f32>(),
    to_all::<f64>(),
    to_all::<Complex<f32>>(),
    to_all::<Complex<f64>>(),
];

const fn to_all<A: Lane>() -> [Versions<Block>; 14]
where
    A::Value: Number,
{
    [
        Case::of::<Cast<A, Bool>>(None).blocks,
        Case::of::<Cast<A, i8>>(None).blocks,
        Case::of::<Cast<A, i16>>(None).blocks,
        Case::of::<Cast<A, i32>>(None).blocks,
        Case::of::<Cast<A, i64>>(None).blocks,
        Case::of::<Cast<A, u8>>(None).blocks,
        Case::of::<Cast<A, u16>>(None).blocks,
        Case::of::<Cast<A, u32>>(None).blocks,
        Case::of::<Cast<A, u64>>(None).blocks,
        Case::of::<Cast<A, f16>>(None).blocks,
        Case::of::<Cast<A, f32>>(None).blocks,
        Case::of::<Cast<A, f64>>(None).blocks,
        Case::of::<Cast<A, Complex<f32>>>(None).blocks,
        Case::of::<Cast<A, Complex<f64>>>(None).blocks,
    ]
}

/// The conversion from `A` to `B`.
struct Cast<A, B>(PhantomData<(A, B)>);

macro_rules! cast_to {
    ($($to:ty: $status:expr, |$value:ident| $result:expr, $events:expr;)*) => {
        $(impl<A: Lane> Kernel for Cast<A, $to>
        where
            A::Value: Number,
        {
            type A = A;
            type B = ();
            type C = ();
            type O = $to;
            type P = ();
            const STATUS: Status = $status;
            #[inline(always)]
            fn call($value: A::Value, _: (), _: ()) -> (<$to as Lane>::Value, ()) {
                ($result, ())
            }
            #[inline(always)]
            fn events($value: A::Value, _: (), _: (), _: <$to as Lane>::Value) -> Flags {
                $events
            }
        })*
    };
}

cast_to! {
    Bool: Status::Quiet, |value| value.truth(), none(value);
    i8: A::Value::TO_INTEGER, |value| value.to_i32() as i8, invalid(value.exceeds_i32());
    i16: A::Value::TO_INTEGER, |value| value.to_i32() as i16, invalid(value.exceeds_i32());
    i32: A::Value::TO_INTEGER, |value| value.to_i32(), invalid(value.exceeds_i32());
    i64: A::Value::TO_INTEGER, |value| value.to_i64(), invalid(value.exceeds_i64());
    u8: A::Value::TO_INTEGER, |value| value.to_i32() as u8, invalid(value.exceeds_i32());
    u16: A::Value::TO_INTEGER, |value| value.to_i32() as u16, invalid(value.exceeds_i32());
    u32: A::Value::TO_INTEGER, |value| value.to_i64() as u32, invalid(value.exceeds_i64());
    u64: A::Value::TO_INTEGER, |value| value.to_u64(), invalid(value.exceeds_u64());
    f16: Status::Natural, |value| value.to_half(), none(value);
    f32: Status::Natural, |value| value.to_f32(), none(value);
    f64: Status::Natural, |value| value.to_f64(), none(value);
    Complex<f32>: Status::Natural, |value| value.to_c64(), none(value);
    Complex<f64>: Status::Natural, |value| value.to_c128(), none(value);
}

#[inline(always)]
fn none<T>(_: T) -> Flags {
    Flags::NONE
}

#[inline(always)]
fn invalid(exceeds: bool) -> Flags {
    Flags::from_bits(if exceeds { Flags::INVALID.bits() } else { 0 })
}

/// What every number can become. Integers of fewer than 32 bits are cut
/// from 32 bits and unsigned 32 bits from 64, as C does it.
trait Number: Copy {
    /// The status of a conversion to an integer.
    const TO_INTEGER: Status;
    fn truth(self) -> bool;
    fn to_i32(self) -> i32;
    fn to_i64(self) -> i64;
    fn to_u64(self) -> u64;
    fn exceeds_i32(self) -> bool;
    fn exceeds_i64(self) -> bool;
    fn exceeds_u64(self) -> bool;
    /// A single precision number that rounds to the half nearest to this number.
    fn to_half(self) -> f32;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    #[inline(always)]
    fn to_c64(self) -> Complex<f32> {
        Complex::new(self.to_f32(), 0.0)
    }
    #[inline(always)]
    fn to_c128(self) -> Complex<f64> {
        Complex::new(self.to_f64(), 0.0)
    }
}

macro_rules! integer_numbers {
    ($($int:ty: $truth:expr, $as_int:ty;)*) => {
        $(impl Number for $int {
            const TO_INTEGER: Status = Status::Natural;
            #[inline(always)]
            fn truth(self) -> bool {
                $truth(self)
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            fn to_u64(self) -> u64 {
                self as u64
            }
            #[inline(always)]
            fn exceeds_i32(self) -> bool {
                false
            }
            #[inline(always)]
            fn exceeds_i64(self) -> bool {
                false
            }
            #[inline(always)]
            fn exceeds_u64(self) -> bool {
                false
            }
            #[inline(always)]
            fn to_half(self) -> f32 {
                self as $as_int as f32
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as $as_int as f32
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as $as_int as f64
            }
        })*
    };
}

integer_numbers! {
    bool: |value| value, u8;
    i8: |value| value != 0, i8;
    i16: |value| value != 0, i16;
    i32: |value| value != 0, i32;
    i64: |value| value != 0, i64;
    u8: |value| value != 0, u8;
    u16: |value| value != 0, u16;
    u32: |value| value != 0, u32;
    u64: |value| value != 0, u64;
}

/// 2 to the 31, 63 and 64: the first magnitudes that signed and unsigned integers cannot hold.
const TWO_31: f64 = 2_147_483_648.0;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

macro_rules! float_numbers {
    ($($float:ident: $below_i32:expr, |$value:ident| $half:expr;)*) => {
        $(impl Number for $float {
            const TO_INTEGER: Status = Status::Computed;
            #[inline(always)]
            fn truth(self) -> bool {
                self != 0.0
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                let exceeds = self.exceeds_i32();
                // SAFETY: the number fits, or zero stands for it.
                let cut: i32 = unsafe { (if exceeds { 0.0 } else { self }).to_int_unchecked() };
                if exceeds { i32::MIN } else { cut }
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                let exceeds = self.exceeds_i64();
                // SAFETY: the number fits, or zero stands for it.
                let cut: i64 = unsafe { (if exceeds { 0.0 } else { self }).to_int_unchecked() };
                if exceeds { i64::MIN } else { cut }
            }
            #[inline(always)]
            fn to_u64(self) -> u64 {
                let high = self >= TWO_63 as $float;
                let low = if high { self - TWO_63 as $float } else { self };
                low.to_i64() as u64 ^ (high as u64) << 63
            }
            #[inline(always)]
            fn exceeds_i32(self) -> bool {
                !(self > $below_i32 && self < TWO_31 as $float)
            }
            #[inline(always)]
            fn exceeds_i64(self) -> bool {
                !(self >= -TWO_63 as $float && self < TWO_63 as $float)
            }
            #[inline(always)]
            fn exceeds_u64(self) -> bool {
                !(self >= -TWO_63 as $float && self < TWO_64 as $float)
            }
            #[inline(always)]
            fn to_half(self) -> f32 {
                let $value = self;
                $half
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
        })*
    };
}

float_numbers! {
    // The largest single below -2^31 is -2^31 - 256.
    f32: -2_147_483_904.0, |value| value;
    f64: -2_147_483_649.0, |value| round_to_odd(value);
}

/// Single precision with the last bit set if anything was lost, so that rounding once more rounds correctly.
#[inline(always)]
fn round_to_odd(value: f64) -> f32 {
    let rounded = value as f32;
    let back = rounded as f64;
    let inexact = (back != value && !value.is_nan()) as u32;
    let beyond = (back.abs() > value.abs()) as u32;
    f32::from_bits((rounded.to_bits() - beyond) | inexact)
}

macro_rules! complex_numbers {
    ($($float:ty),*) => {
        $(impl Number for Complex<$float> {
            const TO_INTEGER: Status = Status::Computed;
            #[inline(always)]
            fn truth(self) -> bool {
                self.re != 0.0 || self.im != 0.0
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self.re.to_i32()
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self.re.to_i64()
            }
            #[inline(always)]
            fn to_u64(self) -> u64 {
                self.re.to_u64()
            }
            #[inline(always)]
            fn exceeds_i32(self) -> bool {
                self.re.exceeds_i32()
            }
            #[inline(always)]
            fn exceeds_i64(self) -> bool {
                self.re.exceeds_i64()
            }
            #[inline(always)]
            fn exceeds_u64(self) -> bool {
                self.re.exceeds_u64()
            }
            #[inline(always)]
            fn to_half(self) -> f32 {
                self.re.to_half()
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self.re as f32
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.re as f64
            }
            #[inline(always)]
            fn to_c64(self) -> Complex<f32> {
                Complex::new(self.re as f32, self.im as f32)
            }
            #[inline(always)]
            fn to_c128(self) -> Complex<f64> {
                Complex::new(self.re as f64, self.im as f64)
            }
        })*
    };
}

complex_numbers!(f32, f64);
