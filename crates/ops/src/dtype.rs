//! The element types of arrays, their order of promotion and casting, and the Rust types behind them.

use bytemuck::{Pod, Zeroable};
use half::f16;
use num_complex::Complex;
use std::fmt;

/// The type of one element, as NumPy names it.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dtype {
    /// One byte, 0 or 1.
    Bool,
    /// 8-bit signed integer.
    Int8,
    /// 16-bit signed integer.
    Int16,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 8-bit unsigned integer.
    UInt8,
    /// 16-bit unsigned integer.
    UInt16,
    /// 32-bit unsigned integer.
    UInt32,
    /// 64-bit unsigned integer.
    UInt64,
    /// IEEE half precision.
    Float16,
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Two `Float32`: real part, imaginary part.
    Complex64,
    /// Two `Float64`: real part, imaginary part.
    Complex128,
}

/// The family a dtype belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Truth values.
    Bool,
    /// Signed integers.
    Int,
    /// Unsigned integers.
    UInt,
    /// Real floating point numbers.
    Float,
    /// Complex floating point numbers.
    Complex,
}

/// How much a cast may lose, as in `numpy.can_cast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Casting {
    /// Only the same dtype.
    No,
    /// Only the same dtype (byte orders do not differ here).
    Equiv,
    /// Only casts that preserve every value, by NumPy's rules.
    Safe,
    /// Safe casts, and casts within a kind or to a wider kind.
    SameKind,
    /// Any cast.
    Unsafe,
}

impl Dtype {
    /// Every dtype, in the order of its index.
    pub const ALL: [Dtype; 14] = [
        Dtype::Bool,
        Dtype::Int8,
        Dtype::Int16,
        Dtype::Int32,
        Dtype::Int64,
        Dtype::UInt8,
        Dtype::UInt16,
        Dtype::UInt32,
        Dtype::UInt64,
        Dtype::Float16,
        Dtype::Float32,
        Dtype::Float64,
        Dtype::Complex64,
        Dtype::Complex128,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Dtype::Bool | Dtype::Int8 | Dtype::UInt8 => 1,
            Dtype::Int16 | Dtype::UInt16 | Dtype::Float16 => 2,
            Dtype::Int32 | Dtype::UInt32 | Dtype::Float32 => 4,
            Dtype::Int64 | Dtype::UInt64 | Dtype::Float64 | Dtype::Complex64 => 8,
            Dtype::Complex128 => 16,
        }
    }

    /// NumPy's name, such as `"float64"`.
    pub const fn name(self) -> &'static str {
        match self {
            Dtype::Bool => "bool",
            Dtype::Int8 => "int8",
            Dtype::Int16 => "int16",
            Dtype::Int32 => "int32",
            Dtype::Int64 => "int64",
            Dtype::UInt8 => "uint8",
            Dtype::UInt16 => "uint16",
            Dtype::UInt32 => "uint32",
            Dtype::UInt64 => "uint64",
            Dtype::Float16 => "float16",
            Dtype::Float32 => "float32",
            Dtype::Float64 => "float64",
            Dtype::Complex64 => "complex64",
            Dtype::Complex128 => "complex128",
        }
    }

    /// NumPy's type character on Linux, such as `'d'` for `Float64`.
    pub const fn character(self) -> char {
        match self {
            Dtype::Bool => '?',
            Dtype::Int8 => 'b',
            Dtype::Int16 => 'h',
            Dtype::Int32 => 'i',
            Dtype::Int64 => 'l',
            Dtype::UInt8 => 'B',
            Dtype::UInt16 => 'H',
            Dtype::UInt32 => 'I',
            Dtype::UInt64 => 'L',
            Dtype::Float16 => 'e',
            Dtype::Float32 => 'f',
            Dtype::Float64 => 'd',
            Dtype::Complex64 => 'F',
            Dtype::Complex128 => 'D',
        }
    }

    /// The family of this dtype.
    pub const fn kind(self) -> Kind {
        match self {
            Dtype::Bool => Kind::Bool,
            Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::Int64 => Kind::Int,
            Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 | Dtype::UInt64 => Kind::UInt,
            Dtype::Float16 | Dtype::Float32 | Dtype::Float64 => Kind::Float,
            Dtype::Complex64 | Dtype::Complex128 => Kind::Complex,
        }
    }

    /// The dtype of a name as [`Dtype::name`] gives it.
    pub fn from_name(name: &str) -> Option<Dtype> {
        Dtype::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// The dtype of a type character as [`Dtype::character`] gives it.
    pub fn from_character(character: char) -> Option<Dtype> {
        Dtype::ALL.into_iter().find(|dtype| dtype.character() == character)
    }

    /// The dtype whose discriminant is `index`.
    pub fn from_index(index: u8) -> Option<Dtype> {
        Dtype::ALL.get(index as usize).copied()
    }

    /// The smallest dtype to which both can be cast safely: `numpy.promote_types`.
    pub const fn promote(self, other: Dtype) -> Dtype {
        match (self.kind(), other.kind()) {
            (Kind::Bool, _) => other,
            (_, Kind::Bool) => self,
            (Kind::Int, Kind::Int) | (Kind::UInt, Kind::UInt) => wider(self, other),
            (Kind::Int, Kind::UInt) => promote_signs(self, other),
            (Kind::UInt, Kind::Int) => promote_signs(other, self),
            (Kind::Complex, _) | (_, Kind::Complex) => {
                wider(self.float_holding(), other.float_holding()).complex()
            }
            _ => wider(self.float_holding(), other.float_holding()),
        }
    }

    /// Whether `numpy.can_cast(self, to, casting)`.
    pub fn can_cast(self, to: Dtype, casting: Casting) -> bool {
        match casting {
            Casting::No | Casting::Equiv => self == to,
            Casting::Safe => self.promote(to) == to,
            Casting::SameKind => self.promote(to) == to || self.kind().rank() <= to.kind().rank(),
            Casting::Unsafe => true,
        }
    }

    /// The dtype of the real part: `Float32` for `Complex64`, itself for a real dtype.
    pub const fn real(self) -> Dtype {
        match self {
            Dtype::Complex64 => Dtype::Float32,
            Dtype::Complex128 => Dtype::Float64,
            _ => self,
        }
    }

    /// The smallest complex dtype to which this one can be cast safely.
    pub const fn complex(self) -> Dtype {
        match self.float_holding() {
            Dtype::Float64 => Dtype::Complex128,
            _ => Dtype::Complex64,
        }
    }

    /// Whether this is a real floating point dtype.
    pub const fn is_float(self) -> bool {
        matches!(self.kind(), Kind::Float)
    }

    /// Whether this is a complex dtype.
    pub const fn is_complex(self) -> bool {
        matches!(self.kind(), Kind::Complex)
    }

    /// Whether this is a floating point dtype, real or complex.
    pub const fn is_inexact(self) -> bool {
        matches!(self.kind(), Kind::Float | Kind::Complex)
    }

    /// Whether this is a signed or unsigned integer dtype; `Bool` is not.
    pub const fn is_integer(self) -> bool {
        matches!(self.kind(), Kind::Int | Kind::UInt)
    }

    /// The smallest real floating point dtype to which the real part of this dtype can be cast safely.
    pub const fn float_holding(self) -> Dtype {
        match self {
            Dtype::Bool | Dtype::Int8 | Dtype::UInt8 | Dtype::Float16 => Dtype::Float16,
            Dtype::Int16 | Dtype::UInt16 | Dtype::Float32 | Dtype::Complex64 => Dtype::Float32,
            _ => Dtype::Float64,
        }
    }
}

impl Kind {
    /// The position of this kind in NumPy's order of kinds; a cast may always go up.
    pub const fn rank(self) -> u8 {
        match self {
            Kind::Bool => 0,
            Kind::UInt => 1,
            Kind::Int => 2,
            Kind::Float => 3,
            Kind::Complex => 4,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A truth value as it lies in memory: one byte, where anything but 0 means true.
#[repr(transparent)]
#[derive(Clone, Copy, Default, Pod, Zeroable)]
pub struct Bool(pub u8);

impl Bool {
    /// The byte for a truth value.
    #[inline(always)]
    pub const fn new(value: bool) -> Bool {
        Bool(value as u8)
    }

    /// The truth value of the byte.
    #[inline(always)]
    pub const fn get(self) -> bool {
        self.0 != 0
    }
}

impl PartialEq for Bool {
    fn eq(&self, other: &Bool) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Bool {}

impl fmt::Debug for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl From<bool> for Bool {
    fn from(value: bool) -> Bool {
        Bool::new(value)
    }
}

/// A Rust type whose memory is one element of [`Element::DTYPE`].
pub trait Element: Pod + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The dtype that has this memory.
    const DTYPE: Dtype;
}

macro_rules! elements {
    ($($element:ty => $dtype:ident),* $(,)?) => {
        $(impl Element for $element { const DTYPE: Dtype = Dtype::$dtype; })*
    };
}

elements! {
    Bool => Bool, i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64,
    f16 => Float16, f32 => Float32, f64 => Float64,
    Complex<f32> => Complex64, Complex<f64> => Complex128,
}

const fn wider(a: Dtype, b: Dtype) -> Dtype {
    if a.size() >= b.size() { a } else { b }
}

/// The smallest dtype for a signed and an unsigned integer.
const fn promote_signs(signed: Dtype, unsigned: Dtype) -> Dtype {
    if signed.size() > unsigned.size() {
        return signed;
    }
    match unsigned {
        Dtype::UInt8 => Dtype::Int16,
        Dtype::UInt16 => Dtype::Int32,
        Dtype::UInt32 => Dtype::Int64,
        _ => Dtype::Float64,
    }
}
