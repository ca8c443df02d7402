//! NumPy's arrays in Rust. Calls record and return; a value is computed when it is read, on every core.
//!
//! ```
//! use maniple::{Array, s};
//!
//! # fn main() -> maniple::Result<()> {
//! let x = Array::from_slice(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//! let y = 2.0 * &x + x.sqrt()?.sum_axis(0)?;
//! let reversed = y.slice(s![1.., ..;-1])?;
//! assert_eq!(reversed.shape(), [1, 3]);
//! assert_eq!(y.sum()?.item()?.get::<f64>(), 2.0 * 21.0 + 2.0 * x.sqrt()?.sum()?.item()?.as_f64());
//! # Ok(())
//! # }
//! ```
//!
//! * **Arrays** are handles: a clone shares its elements, and so does a view ([`Array::slice`], [`Array::reshape`],
//!   [`Array::transposed`], [`Array::broadcast_to`]). Writing through one is seen through all.
//! * **Operators** (`&a + &b`, `2.0 * &a`, `-&a`, `a += 1`) follow NumPy's rules for dtypes and broadcasting. They
//!   panic on a mistake, with NumPy's message, since an operator cannot return an error. The methods with NumPy's
//!   names ([`Array::add`], [`Array::less`], [`Array::exp`], ...) return it.
//! * **Rows**: [`apply`] and [`apply_one`] run any row of the op table ([`Op`]) with everything a NumPy ufunc takes:
//!   outputs, a mask, a dtype, a casting rule.
//! * **Reading** a value ([`Array::item`], [`Array::to_vec`]) runs what it depends on; [`sync`] runs everything.
//! * **Settings** come from the environment, once, when the first array is made; `docs/settings.md` lists them.
//!
//! An error found when a call is made has NumPy's class and words ([`Kind`]). What can still fail later is a full
//! memory or a lost device, and whoever reads a value that depends on it is told.

pub use maniple_array::{
    Array, Casting, Complex64, Dtype, Element, Error, Index, Input, Kind, Layout, Op, Operand, Options,
    Outputs, Part, Reduction, Result, Scalar, apply, apply_into, apply_one, concatenate, reduce, sync,
};
pub use maniple_runtime::{Machine, Statistics};

/// `...` in a slice: all axes not otherwise named.
pub use maniple_array::Index::Ellipsis;
/// A new axis of one element in a slice.
pub use maniple_array::Index::NewAxis;

/// The processors and memories in use.
pub fn machine() -> &'static Machine {
    maniple_array::runtime().find_devices();
    maniple_array::runtime().machine()
}

/// What ran so far: tasks, windows, launches, pieces.
pub fn statistics() -> Statistics {
    maniple_array::runtime().statistics()
}

/// A basic index as NumPy writes it, for [`Array::slice`]: positions, ranges, ranges with a step behind a semicolon,
/// [`NewAxis`] and [`Ellipsis`]. Negative positions count from the end.
///
/// ```
/// use maniple::{Array, Dtype, Ellipsis, NewAxis, s};
///
/// # fn main() -> maniple::Result<()> {
/// let a = Array::zeros(&[4, 5, 6], Dtype::Float64)?;
/// assert_eq!(a.slice(s![1.., ..;-1])?.shape(), [3, 5, 6]);     // a[1:, ::-1]
/// assert_eq!(a.slice(s![-1, 1..-1;2])?.shape(), [2, 6]);       // a[-1, 1:-1:2]
/// assert_eq!(a.slice(s![Ellipsis, 0])?.shape(), [4, 5]);       // a[..., 0]
/// assert_eq!(a.slice(s![.., NewAxis, ..3])?.shape(), [4, 1, 3, 6]);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! s {
    (@ [$($done:expr),*]) => {
        &{
            // A range from the second to the last but one, `1..-1`, is empty only for those who count from zero.
            #[allow(clippy::reversed_empty_ranges)]
            let indices = [$($done),*];
            indices
        }
    };
    (@ [$($done:expr),*] $range:expr ; $step:expr $(, $($rest:tt)*)?) => {
        $crate::s!(@ [$($done,)* $crate::Index::stepped($range, $step)] $($($rest)*)?)
    };
    (@ [$($done:expr),*] $index:expr $(, $($rest:tt)*)?) => {
        $crate::s!(@ [$($done,)* $crate::Index::from($index)] $($($rest)*)?)
    };
    ($($indices:tt)*) => {
        $crate::s!(@ [] $($indices)*)
    };
}
