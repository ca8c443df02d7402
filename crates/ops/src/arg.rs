//! The index of the largest or smallest element.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::dtype::{Bool, Dtype, Element};
use crate::flags;
use crate::fold::LANES;
use crate::isa::{Level, Versions, versions};
use crate::kernel::Lane;
use crate::math::complex;
use half::f16;
use num_complex::Complex;

/// Calls a generic function with the element of a dtype.
macro_rules! by_dtype {
    ($dtype:expr, $function:ident($arg:expr)) => {
        match $dtype {
            Dtype::Bool => $function::<Bool>($arg),
            Dtype::Int8 => $function::<i8>($arg),
            Dtype::Int16 => $function::<i16>($arg),
            Dtype::Int32 => $function::<i32>($arg),
            Dtype::Int64 => $function::<i64>($arg),
            Dtype::UInt8 => $function::<u8>($arg),
            Dtype::UInt16 => $function::<u16>($arg),
            Dtype::UInt32 => $function::<u32>($arg),
            Dtype::UInt64 => $function::<u64>($arg),
            Dtype::Float16 => $function::<f16>($arg),
            Dtype::Float32 => $function::<f32>($arg),
            Dtype::Float64 => $function::<f64>($arg),
            Dtype::Complex64 => $function::<Complex<f32>>($arg),
            Dtype::Complex128 => $function::<Complex<f64>>($arg),
        }
    };
}

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

/// The indices of the elements looked for, of several results at a time: address of the first element, bytes from an
/// element of a result to its next, bytes from a result to the next, elements per result (at least one), results, and
/// where the indices go.
pub type ArgColumns =
    unsafe fn(data: *const u8, along: isize, across: isize, n: usize, columns: usize, places: *mut i64);

/// The search of a dtype in several columns; the same elements are found as by [`arg_leaf`].
pub fn arg_columns(dtype: Dtype, arg: Arg) -> ArgColumns {
    #[cfg(target_arch = "x86_64")]
    if let Some(columns) = x86::columns(dtype, arg) {
        return columns;
    }
    by_dtype!(dtype, pick_columns(arg))
}

/// The search of a dtype. The first of equal elements counts, and the first NaN beats everything; complex numbers are
/// ordered lexicographically.
pub fn arg_leaf(dtype: Dtype, arg: Arg) -> ArgLeaf {
    by_dtype!(dtype, pick(arg))
}

fn pick<L: Ordered>(arg: Arg) -> ArgLeaf {
    let searches: Versions<ArgLeaf> = match arg {
        Arg::Min => versions!(search_lowest::<L: Ordered>(data: *const u8, n: usize) -> usize),
        Arg::Max => versions!(search::<L: Ordered>(data: *const u8, n: usize) -> usize),
    };
    searches[Level::detected() as usize]
}

fn pick_columns<L: Ordered>(arg: Arg) -> ArgColumns {
    let searches: Versions<ArgColumns> = match arg {
        Arg::Min => versions!(
            search_lowest_columns::<L: Ordered>(
                data: *const u8, along: isize, across: isize, n: usize, columns: usize, places: *mut i64
            )
        ),
        Arg::Max => versions!(
            search_columns::<L: Ordered>(
                data: *const u8, along: isize, across: isize, n: usize, columns: usize, places: *mut i64
            )
        ),
    };
    searches[Level::detected() as usize]
}

/// Elements with NumPy's order.
trait Ordered: Copy {
    /// Whether no element is ever missing and equal elements have equal bits.
    const EXACT: bool;
    fn missing(self) -> bool;
    fn above(self, other: Self) -> bool;
}

/// The number of elements that are compared with the extreme before it is located among them.
const CHUNK: usize = 64;

#[inline(always)]
unsafe fn search_lowest<L: Ordered>(data: *const u8, n: usize) -> usize {
    // SAFETY: as the caller promises; `Reversed` has the layout of what it wraps.
    unsafe { search::<Reversed<L>>(data, n) }
}

/// Finds the extreme, then the first place where it stands: both passes vectorise, as a search for the place would not.
/// A few elements are gone through one by one.
#[inline(always)]
unsafe fn search<L: Ordered>(data: *const u8, n: usize) -> usize {
    // SAFETY: the caller promises `n` elements.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<L>(), n) };
    let status = flags::status();
    let place = if n < LANES { first_of_few(data) } else { first_of_many(data) };
    // Setting the status takes as long as looking at a dozen elements.
    if flags::status() != status {
        flags::set_status(status);
    }
    place
}

#[inline(always)]
unsafe fn search_lowest_columns<L: Ordered>(
    data: *const u8,
    along: isize,
    across: isize,
    n: usize,
    columns: usize,
    places: *mut i64,
) {
    // SAFETY: as the caller promises; `Reversed` has the layout of what it wraps.
    unsafe { search_columns::<Reversed<L>>(data, along, across, n, columns, places) }
}

/// Goes through the elements of many columns together: a comparison of neighbours is a comparison of vectors.
#[inline(always)]
unsafe fn search_columns<L: Ordered>(
    data: *const u8,
    along: isize,
    across: isize,
    n: usize,
    columns: usize,
    places: *mut i64,
) {
    let status = flags::status();
    let side_by_side = across == size_of::<L>() as isize;
    let mut done = 0;
    while done < columns {
        let first = data.wrapping_offset(across * done as isize);
        // SAFETY: the caller promises the elements and the places.
        unsafe {
            let start = |at: usize| first.offset(along * at as isize);
            let places = places.add(done);
            done += match columns - done {
                64.. if side_by_side => search_together::<L, 64>(|at| line(start(at)), n, places.cast()),
                16.. if side_by_side => search_together::<L, 16>(|at| line(start(at)), n, places.cast()),
                8.. if side_by_side => search_together::<L, 8>(|at| line(start(at)), n, places.cast()),
                16.. => search_together::<L, 16>(|at| gathered(start(at), across), n, places.cast()),
                4.. => search_together::<L, 4>(|at| gathered(start(at), across), n, places.cast()),
                _ => search_together::<L, 1>(|at| line(start(at)), n, places.cast()),
            };
        }
    }
    if flags::status() != status {
        flags::set_status(status);
    }
}

/// Elements that lie side by side.
#[inline(always)]
unsafe fn line<L: Copy, const W: usize>(first: *const u8) -> [L; W] {
    // SAFETY: as the caller promises.
    unsafe { first.cast::<[L; W]>().read_unaligned() }
}

/// Elements at a distance from one another.
#[inline(always)]
unsafe fn gathered<L: Copy, const W: usize>(first: *const u8, across: isize) -> [L; W] {
    // SAFETY: as the caller promises.
    std::array::from_fn(|column| unsafe {
        first.offset(across * column as isize).cast::<L>().read_unaligned()
    })
}

/// The searches of `W` columns, whose elements with an index `line` gives, in variables that stay in registers.
#[inline(always)]
unsafe fn search_together<L: Ordered, const W: usize>(
    line: impl Fn(usize) -> [L; W],
    n: usize,
    places: *mut [i64; W],
) -> usize {
    let mut best = line(0);
    let mut found = [0i64; W];
    for at in 1..n {
        let line = line(at);
        for column in 0..W {
            let (element, known) = (line[column], best[column]);
            let wins = !known.missing() & (element.missing() | element.above(known));
            best[column] = if wins { element } else { known };
            found[column] = if wins { at as i64 } else { found[column] };
        }
    }
    // SAFETY: the caller promises the places.
    unsafe { places.write_unaligned(found) };
    W
}

#[inline(always)]
fn first_of_few<L: Ordered>(data: &[L]) -> usize {
    let (mut best, mut place) = (data[0], 0);
    for (at, &element) in data.iter().enumerate().skip(1) {
        let wins = !best.missing() & (element.missing() | element.above(best));
        best = if wins { element } else { best };
        place = if wins { at } else { place };
    }
    place
}

#[inline(always)]
fn first_of_many<L: Ordered>(data: &[L]) -> usize {
    let extreme = extreme(data);
    for (number, chunk) in data.chunks(CHUNK).enumerate() {
        let mut found = false;
        for element in chunk {
            found |= is_extreme(*element, extreme);
        }
        if found {
            let offset = chunk.iter().position(|element| is_extreme(*element, extreme));
            return number * CHUNK + offset.expect("it was found in the chunk");
        }
    }
    0
}

/// Whether an element is as good as the extreme of all.
#[inline(always)]
fn is_extreme<L: Ordered>(element: L, extreme: L) -> bool {
    let missing = element.missing();
    missing | (!extreme.missing() & !extreme.above(element))
}

/// The better one of two elements; a missing one is better than any other.
#[inline(always)]
fn better<L: Ordered>(a: L, b: L) -> L {
    if b.missing() | (b.above(a) & !a.missing()) { b } else { a }
}

/// The best of at least [`LANES`] elements; which of several that are equal is open.
#[inline(always)]
fn extreme<L: Ordered>(data: &[L]) -> L {
    if L::EXACT {
        return data[1..].iter().fold(data[0], |a, b| better(a, *b));
    }
    let mut lanes = whole_lanes(data);
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = better(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// The extremes of every `LANES`th element, in an array that no variable indexes, so that it stays in registers. The last
/// elements are taken together with some that were seen before, to no harm.
#[inline(always)]
fn whole_lanes<L: Ordered>(data: &[L]) -> [L; LANES] {
    let (first, others) = data.split_at(LANES);
    let mut lanes: [L; LANES] = first.try_into().expect("LANES elements");
    for chunk in others.chunks_exact(LANES) {
        for i in 0..LANES {
            lanes[i] = better(lanes[i], chunk[i]);
        }
    }
    if !data.len().is_multiple_of(LANES) {
        let last = &data[data.len() - LANES..];
        for i in 0..LANES {
            lanes[i] = better(lanes[i], last[i]);
        }
    }
    lanes
}

/// Elements with the order turned around.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct Reversed<L>(L);

impl<L: Ordered> Ordered for Reversed<L> {
    const EXACT: bool = L::EXACT;
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
            const EXACT: bool = !<$element as Element>::DTYPE.is_inexact();
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
