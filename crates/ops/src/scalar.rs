//! One value of any dtype, as plain data.

use crate::block::cast_block;
use crate::dtype::{Bool, Dtype, Element, Kind};
use half::f16;
use num_complex::Complex;
use std::fmt;

/// One value: a dtype, and the bytes of the element in the low bytes of `bits`, the rest zero.
///
/// Equality and hashing are of the bits: a NaN equals itself and 0.0 differs from -0.0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    dtype: Dtype,
    bits: [u64; 2],
}

impl Scalar {
    /// The scalar of a Rust value.
    pub fn new<T: Element>(value: T) -> Scalar {
        Scalar::from_bytes(T::DTYPE, bytemuck::bytes_of(&value))
    }

    /// The Rust value.
    ///
    /// # Panics
    /// If `T` is not the Rust type of the dtype.
    pub fn get<T: Element>(self) -> T {
        assert_eq!(self.dtype, T::DTYPE, "the scalar has another dtype");
        bytemuck::pod_read_unaligned(&bytemuck::bytes_of(&self.bits)[..self.dtype.size()])
    }

    /// The scalar whose memory starts with `bytes`.
    ///
    /// # Panics
    /// If there are fewer bytes than one element has.
    pub fn from_bytes(dtype: Dtype, bytes: &[u8]) -> Scalar {
        let mut bits = [0u64; 2];
        bytemuck::bytes_of_mut(&mut bits)[..dtype.size()].copy_from_slice(&bytes[..dtype.size()]);
        if dtype == Dtype::Bool {
            bits[0] = (bits[0] != 0) as u64;
        }
        Scalar { dtype, bits }
    }

    /// The bytes of the element.
    pub fn to_bytes(self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    /// The bytes of the element, borrowed.
    pub fn as_bytes(&self) -> &[u8] {
        &bytemuck::bytes_of(&self.bits)[..self.dtype.size()]
    }

    /// The dtype of the value.
    pub fn dtype(self) -> Dtype {
        self.dtype
    }

    /// The value as another dtype, with the meaning of NumPy's `astype(casting="unsafe")`.
    pub fn cast(self, to: Dtype) -> Scalar {
        if to == self.dtype {
            return self;
        }
        let mut bits = [0u64; 2];
        let ins = [self.bits.as_ptr().cast::<u8>()];
        let outs = [bits.as_mut_ptr().cast::<u8>()];
        // SAFETY: both buffers hold 16 aligned bytes, which is at least one element of any dtype, and are distinct.
        unsafe { cast_block(self.dtype, to)(ins.as_ptr(), outs.as_ptr(), 1) };
        Scalar { dtype: to, bits }
    }

    /// Zero, or false.
    pub fn zero(dtype: Dtype) -> Scalar {
        Scalar { dtype, bits: [0; 2] }
    }

    /// One, or true.
    pub fn one(dtype: Dtype) -> Scalar {
        Scalar::new(1u8).cast(dtype)
    }

    /// The value as a double; the real part of a complex value.
    pub fn as_f64(self) -> f64 {
        self.cast(Dtype::Float64).get()
    }

    /// The value as a 64-bit integer; unsigned values wrap and fractions are cut.
    pub fn as_i64(self) -> i64 {
        self.cast(Dtype::Int64).get()
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.dtype, self.dtype.kind()) {
            (Dtype::Bool, _) => write!(f, "{:?}", self.get::<Bool>()),
            (Dtype::UInt64, _) => write!(f, "{}", self.get::<u64>()),
            (_, Kind::Int | Kind::UInt) => write!(f, "{}", self.as_i64()),
            (Dtype::Float16, _) => write!(f, "{:?}", self.get::<f16>().to_f32()),
            (Dtype::Float32, _) => write!(f, "{:?}", self.get::<f32>()),
            (Dtype::Float64, _) => write!(f, "{:?}", self.get::<f64>()),
            (Dtype::Complex64, _) => {
                let Complex { re, im } = self.get::<Complex<f32>>();
                write!(f, "({re:?}{im:+?}j)")
            }
            _ => {
                let Complex { re, im } = self.get::<Complex<f64>>();
                write!(f, "({re:?}{im:+?}j)")
            }
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}:{}", self.dtype)
    }
}
