//! Sorting: the loops over rows that lie side by side, and the merging of sorted runs.
//!
//! The order is NumPy's: NaN comes last, and zeros of both signs are equal. What is equal keeps its order, to the bit:
//! there is one result, whatever the loops do and however the work is cut.
//!
//! Values of four and eight bytes are sorted by a quicksort that partitions whole vectors, with AVX-512, and otherwise by
//! the standard library's. Those of a byte are counted, and so are many of two bytes. An order is sorted as numbers too:
//! as much of a key as fits is put above the position, and where keys differ only in what did not fit, those
//! are sorted again.

mod key;
mod merge;
mod order;
mod quick;
mod values;
#[cfg(target_arch = "x86_64")]
mod x86;

use self::key::{Key, LaneKey};
use crate::dtype::{Bool, Dtype};
use crate::isa::{Level, versions};
use half::f16;
use std::cmp::Ordering;

/// Sorts elements in place: data, how many.
pub type SortValues = unsafe fn(data: *mut u8, n: usize);
/// Finds the order of elements: data, how many, and where the positions go.
pub type SortOrder = unsafe fn(data: *const u8, n: usize, order: *mut i64);
/// Takes elements by position: data, positions, how many of them, and where the elements go.
pub type TakeOrder = unsafe fn(data: *const u8, order: *const i64, n: usize, to: *mut u8);
/// Merges sorted runs: the runs, which elements of the result, where they and their positions go, and memory to work in
/// ([`Sort::merge_scratch`]).
pub type MergeRuns =
    unsafe fn(runs: &Runs, first: usize, last: usize, values: *mut u8, order: *mut i64, scratch: *mut u8);

/// Sorted runs that lie one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Address of the first element.
    pub values: *const u8,
    /// Address of the position of the first element; null if positions are not wanted.
    pub order: *const i64,
    /// Elements of all runs.
    pub n: usize,
    /// Elements of each run but the last, which may have fewer.
    pub run: usize,
}

/// The loops for one dtype. Elements are aligned, and what is written overlaps nothing that is read.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// Sorts values.
    pub values: SortValues,
    /// Finds orders.
    pub order: SortOrder,
    /// Applies orders.
    pub take: TakeOrder,
    /// Merges runs. Values are not given where their address is null.
    pub merge: MergeRuns,
    /// Bytes of memory, aligned as lines of a cache, that merging works in.
    pub merge_scratch: usize,
}

/// The loops for a dtype, for this processor; none for complex numbers.
pub fn sort(dtype: Dtype) -> Option<Sort> {
    sort_at(dtype, Level::detected())
}

/// As [`sort`], for an instruction set level that this processor must have.
pub fn sort_at(dtype: Dtype, level: Level) -> Option<Sort> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::V4 => sort_with::<InVectors>(dtype, level),
        _ => sort_with::<OneByOne>(dtype, level),
    }
}

fn sort_with<S: Sorter>(dtype: Dtype, level: Level) -> Option<Sort> {
    Some(match dtype {
        Dtype::Bool => bytes::<Bool, S>(level),
        Dtype::Int8 => bytes::<i8, S>(level),
        Dtype::UInt8 => bytes::<u8, S>(level),
        Dtype::Int16 => pairs::<i16, S>(level),
        Dtype::UInt16 => pairs::<u16, S>(level),
        Dtype::Float16 => pairs::<f16, S>(level),
        Dtype::Int32 => lanes::<i32, S>(level),
        Dtype::UInt32 => lanes::<u32, S>(level),
        Dtype::Float32 => lanes::<f32, S>(level),
        Dtype::Int64 => long_lanes::<i64, S>(level),
        Dtype::UInt64 => long_lanes::<u64, S>(level),
        Dtype::Float64 => long_lanes::<f64, S>(level),
        Dtype::Complex64 | Dtype::Complex128 => return None,
    })
}

fn bytes<E: Key, S: Sorter>(level: Level) -> Sort {
    use values::counted;
    let values = versions!(counted::<E: Key, S: Sorter>(data: *mut u8, n: usize));
    with::<E>(values[level as usize], short_order::<E, S>(level))
}

fn pairs<E: Key, S: Sorter>(level: Level) -> Sort {
    use values::pairs;
    let values = versions!(pairs::<E: Key, S: Sorter>(data: *mut u8, n: usize));
    with::<E>(values[level as usize], short_order::<E, S>(level))
}

fn lanes<E: LaneKey, S: Sorter>(level: Level) -> Sort {
    with::<E>(lane_values::<E, S>(level), short_order::<E, S>(level))
}

fn long_lanes<E: LaneKey, S: Sorter>(level: Level) -> Sort {
    use order::long;
    let order = versions!(long::<E: LaneKey, S: Sorter>(data: *const u8, n: usize, order: *mut i64));
    with::<E>(lane_values::<E, S>(level), order[level as usize])
}

fn lane_values<E: LaneKey, S: Sorter>(level: Level) -> SortValues {
    use values::lanes;
    versions!(lanes::<E: LaneKey, S: Sorter>(data: *mut u8, n: usize))[level as usize]
}

fn short_order<E: Key, S: Sorter>(level: Level) -> SortOrder {
    use order::short;
    versions!(short::<E: Key, S: Sorter>(data: *const u8, n: usize, order: *mut i64))[level as usize]
}

fn with<E: Key>(values: SortValues, order: SortOrder) -> Sort {
    Sort {
        values,
        order,
        take: order::take::<E>,
        merge: merge::merge::<E>,
        merge_scratch: merge::scratch::<E>(),
    }
}

/// A number that vectors hold.
trait Lane: Copy + PartialOrd {
    /// As [`Sorter::sort`], in vectors.
    ///
    /// # Safety
    /// As there, and the processor must have the level.
    #[cfg(target_arch = "x86_64")]
    unsafe fn sort_in_vectors(data: *mut Self, n: usize);
}

macro_rules! lanes {
    ($($lane:ty: $vector:ident;)*) => {
        $(impl Lane for $lane {
            #[cfg(target_arch = "x86_64")]
            unsafe fn sort_in_vectors(data: *mut $lane, n: usize) {
                // SAFETY: the caller's promise.
                unsafe { quick::v4::sort::<x86::$vector>(data, n) }
            }
        })*
    };
}

lanes! {
    i32: I32x16;
    u32: U32x16;
    f32: F32x16;
    i64: I64x8;
    u64: U64x8;
    f64: F64x8;
}

/// A way of sorting numbers.
trait Sorter {
    /// Sorts numbers among which no NaN is, without regard to the signs of zeros.
    ///
    /// # Safety
    /// There must be so many numbers, aligned.
    unsafe fn sort<L: Lane>(data: *mut L, n: usize);
}

/// The quicksort in vectors.
#[cfg(target_arch = "x86_64")]
struct InVectors;
/// The standard library's.
struct OneByOne;

#[cfg(target_arch = "x86_64")]
impl Sorter for InVectors {
    #[inline(always)]
    unsafe fn sort<L: Lane>(data: *mut L, n: usize) {
        // SAFETY: the caller's promise; this is chosen where the processor has the level.
        unsafe { L::sort_in_vectors(data, n) }
    }
}

impl Sorter for OneByOne {
    #[inline(always)]
    unsafe fn sort<L: Lane>(data: *mut L, n: usize) {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(data, n) }.sort_unstable_by(compare);
    }
}

/// The order of numbers that are no NaN.
fn compare<L: PartialOrd>(a: &L, b: &L) -> Ordering {
    if a < b {
        Ordering::Less
    } else if b < a {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}
