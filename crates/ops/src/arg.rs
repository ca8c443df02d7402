//! The index of the largest or smallest element.

use crate::dtype::{Bool, Dtype};
use crate::flags;
use crate::kernel::Lane;
use crate::math::complex;
use half::f16;
use num_complex::Complex;

/// Which element is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arg {
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// The index of the element looked for among `n >= 1` contiguous, aligned elements: data, n.
pub type ArgLeaf = unsafe fn(data: *const u8, n: usize) -> usize;

/// The search of a dtype. The first of equal elements counts, and the first NaN beats everything; complex numbers are
/// ordered lexicographically.
pub fn arg_leaf(dtype: Dtype, arg: Arg) -> ArgLeaf {
    match dtype {
        Dtype::Bool => pick::<Bool>(arg),
        Dtype::Int8 => pick::<i8>(arg),
        Dtype::Int16 => pick::<i16>(arg),
        Dtype::Int32 => pick::<i32>(arg),
        Dtype::Int64 => pick::<i64>(arg),
        Dtype::UInt8 => pick::<u8>(arg),
        Dtype::UInt16 => pick::<u16>(arg),
        Dtype::UInt32 => pick::<u32>(arg),
        Dtype::UInt64 => pick::<u64>(arg),
        Dtype::Float16 => pick::<f16>(arg),
        Dtype::Float32 => pick::<f32>(arg),
        Dtype::Float64 => pick::<f64>(arg),
        Dtype::Complex64 => pick::<Complex<f32>>(arg),
        Dtype::Complex128 => pick::<Complex<f64>>(arg),
    }
}

fn pick<L: Ordered>(arg: Arg) -> ArgLeaf {
    match arg {
        Arg::Min => search::<Reversed<L>>,
        Arg::Max => search::<L>,
    }
}

/// Elements with NumPy's order.
trait Ordered: Copy {
    fn missing(self) -> bool;
    fn above(self, other: Self) -> bool;
}

/// The number of elements searched for a new best one before it is located.
const CHUNK: usize = 256;

/// Looks whether a chunk holds anything better than the best so far, which vectorises, and only then where.
unsafe fn search<L: Ordered>(data: *const u8, n: usize) -> usize {
    // SAFETY: the caller promises `n` elements; `Reversed` has the layout of what it wraps.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<L>(), n) };
    let status = flags::status();
    let (mut index, mut best) = (0, data[0]);
    for (number, chunk) in data.chunks(CHUNK).enumerate() {
        if best.missing() {
            break;
        }
        let better = chunk.iter().fold(false, |found, x| found | x.above(best) | x.missing());
        if !better {
            continue;
        }
        for (offset, &element) in chunk.iter().enumerate() {
            if element.missing() || element.above(best) {
                (index, best) = (number * CHUNK + offset, element);
                if best.missing() {
                    break;
                }
            }
        }
    }
    flags::set_status(status);
    index
}

/// Elements with the order turned around.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct Reversed<L>(L);

impl<L: Ordered> Ordered for Reversed<L> {
    #[inline(always)]
    fn missing(self) -> bool {
        self.0.missing()
    }
    #[inline(always)]
    fn above(self, other: Self) -> bool {
        other.0.above(self.0)
    }
}

macro_rules! ordered {
    ($($element:ty: |$value:ident| $missing:expr, |$a:ident, $b:ident| $above:expr;)*) => {
        $(impl Ordered for $element {
            #[inline(always)]
            fn missing(self) -> bool {
                let $value = self.load();
                $missing
            }
            #[inline(always)]
            fn above(self, other: Self) -> bool {
                let ($a, $b) = (self.load(), other.load());
                $above
            }
        })*
    };
}

ordered! {
    Bool: |_value| false, |a, b| a & !b;
    i8: |_value| false, |a, b| a > b;
    i16: |_value| false, |a, b| a > b;
    i32: |_value| false, |a, b| a > b;
    i64: |_value| false, |a, b| a > b;
    u8: |_value| false, |a, b| a > b;
    u16: |_value| false, |a, b| a > b;
    u32: |_value| false, |a, b| a > b;
    u64: |_value| false, |a, b| a > b;
    f16: |value| value.is_nan(), |a, b| a > b;
    f32: |value| value.is_nan(), |a, b| a > b;
    f64: |value| value.is_nan(), |a, b| a > b;
    Complex<f32>: |value| complex::missing(value), |a, b| complex::less(b, a);
    Complex<f64>: |value| complex::missing(value), |a, b| complex::less(b, a);
}
