//! Folds: the loops behind `reduce` and `accumulate`, with equal bits for any layout and number of pieces.
//!
//! A reduction along contiguous elements is cut into leaves of [`LEAF`] elements by their index in the array. A leaf
//! folds its element `i` into lane `i % LANES`, then folds the lanes in a tree:
//!
//! ```text
//! for h in [16, 8, 4, 2, 1]: lane[i] = op(lane[i], lane[i + h])  for i < h and i + h < min(n, LANES)
//! ```
//!
//! No identity takes part, so a row needs none. NumPy's sums begin with zero, though, which shows when all that is added
//! are negative zeros: so [`Fold::close`] ends a reduction.

use crate::block::case;
use crate::dtype::Dtype;
use crate::flags::{self, Flags};
use crate::isa::{Level, Versions, fetch_ahead, versions};
use crate::kernel::{Kernel, Lane, Order, Status};
use crate::table::Op;
use half::f16;
use std::mem::MaybeUninit;
use std::ops::Add;

/// The number of elements that one leaf of a reduction folds.
pub const LEAF: usize = 1024;
/// The number of lanes a leaf keeps.
pub const LANES: usize = 32;

/// Whether a scan starts an array or goes on after an earlier piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The first element stands for itself; the carry is only written.
    First,
    /// Every element is combined with the carry, which holds the result before it.
    Continued,
}

/// Folds `n` contiguous elements to one: out, data, n.
pub type FoldLeaf = unsafe fn(out: *mut u8, data: *const u8, n: usize);
/// Combines `n` accumulators with `n` elements in place: accumulators, data, n.
pub type FoldRows = unsafe fn(accumulators: *mut u8, data: *const u8, n: usize);
/// Combines one accumulator with `n` elements, one after another: accumulator, data, n.
pub type FoldExtend = unsafe fn(accumulator: *mut u8, data: *const u8, n: usize);
/// Writes every intermediate result: out, data, n, carry, start. The carry leaves as the last result.
pub type FoldScan = unsafe fn(out: *mut u8, data: *const u8, n: usize, carry: *mut u8, start: Start);

/// Adds zero to `n` results in place: results, n.
pub type FoldClose = unsafe fn(results: *mut u8, n: usize);

/// The folding loops of one row at one dtype. Pointers must be aligned and valid, and outputs overlap nothing.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// Whether a tree may be used. If it is `Sequential`, only `leaf` on the first piece and `extend` on the ones
    /// after it, in order, give NumPy's answer.
    pub order: Order,
    /// Folds `1..=LEAF` elements: in lanes and a tree, or from first to last if the row is sequential.
    pub leaf: FoldLeaf,
    /// Combines a row of accumulators with a row of elements.
    pub rows: FoldRows,
    /// Combines one accumulator with elements from first to last.
    pub extend: FoldExtend,
    /// Accumulates from first to last.
    pub scan: FoldScan,
    /// The number of lanes of `leaf`.
    pub lanes: usize,
    /// Makes results of a reduction, whole or in part, what NumPy's begin from its identity makes of them: a sum of
    /// inexact numbers is never a negative zero. None where that changes nothing.
    pub close: Option<FoldClose>,
}

/// The folds of a row at a dtype, for this processor. None if the row does not take two elements to one of the same
/// dtype, or has no case there.
pub fn fold(op: Op, dtype: Dtype) -> Option<Fold> {
    fold_at(op, dtype, Level::detected())
}

/// As [`fold`], for an instruction set level that this processor must have.
pub fn fold_at(op: Op, dtype: Dtype, level: Level) -> Option<Fold> {
    let folds = case(op, dtype)?.folds?;
    Some(Fold {
        order: folds.order,
        leaf: folds.leaf[level as usize],
        rows: folds.rows[level as usize],
        extend: folds.extend[level as usize],
        scan: folds.scan[level as usize],
        lanes: LANES,
        close: if op == Op::Add { closing(dtype) } else { None },
    })
}

fn closing(dtype: Dtype) -> Option<FoldClose> {
    match dtype {
        Dtype::Float16 => Some(close::<f16, 1>),
        Dtype::Float32 => Some(close::<f32, 1>),
        Dtype::Float64 => Some(close::<f64, 1>),
        Dtype::Complex64 => Some(close::<f32, 2>),
        Dtype::Complex128 => Some(close::<f64, 2>),
        _ => None,
    }
}

unsafe fn close<E: Copy + Default + Add<Output = E>, const PARTS: usize>(results: *mut u8, n: usize) {
    // SAFETY: the caller promises `n` elements of as many parts.
    let parts = unsafe { std::slice::from_raw_parts_mut(results.cast::<E>(), n * PARTS) };
    for part in parts {
        *part = *part + E::default();
    }
}

/// The loops of one kernel.
#[derive(Clone, Copy)]
pub(crate) struct Folds {
    order: Order,
    leaf: Versions<FoldLeaf>,
    rows: Versions<FoldRows>,
    extend: Versions<FoldExtend>,
    scan: Versions<FoldScan>,
}

impl Folds {
    pub(crate) const fn tree<K: Foldable>() -> Folds {
        Folds {
            order: Order::Tree,
            leaf: versions!(leaf::<K: Foldable>(out: *mut u8, data: *const u8, n: usize)),
            rows: versions!(rows::<K: Foldable>(accumulators: *mut u8, data: *const u8, n: usize)),
            extend: extend_versions::<K>(),
            scan: scan_versions::<K>(),
        }
    }

    pub(crate) const fn sequential<K: Foldable>() -> Folds {
        Folds {
            order: Order::Sequential,
            leaf: versions!(sequential_leaf::<K: Foldable>(out: *mut u8, data: *const u8, n: usize)),
            rows: versions!(rows::<K: Foldable>(accumulators: *mut u8, data: *const u8, n: usize)),
            extend: extend_versions::<K>(),
            scan: scan_versions::<K>(),
        }
    }
}

const fn extend_versions<K: Foldable>() -> Versions<FoldExtend> {
    versions!(extend::<K: Foldable>(accumulator: *mut u8, data: *const u8, n: usize))
}

const fn scan_versions<K: Foldable>() -> Versions<FoldScan> {
    versions!(scan::<K: Foldable>(out: *mut u8, data: *const u8, n: usize, carry: *mut u8, start: Start))
}

/// A kernel from two elements to one of the same dtype.
pub(crate) trait Foldable:
    Kernel<A = Self::Element, B = Self::Element, C = (), O = Self::Element, P = ()>
{
    type Element: Lane;
}

impl<E: Lane, K: Kernel<A = E, B = E, C = (), O = E, P = ()>> Foldable for K {
    type Element = E;
}

#[inline(always)]
fn combine<K: Foldable>(a: K::Element, b: K::Element) -> K::Element {
    let (a, b) = (a.load(), b.load());
    let rare = K::HAS_RARE && K::is_rare(a, b, ());
    K::Element::store(if rare { K::rare(a, b, ()).0 } else { K::call(a, b, ()).0 })
}

#[inline(always)]
fn events_of<K: Foldable>(a: K::Element, b: K::Element, result: K::Element) -> u8 {
    K::events(a.load(), b.load(), (), result.load()).bits()
}

/// Makes the floating point status after a fold what the row's [`Status`] says; `before` is the word from before it.
#[inline(always)]
fn settle<K: Foldable>(before: flags::Word, events: Flags) {
    match K::STATUS {
        Status::Natural => {}
        Status::Quiet => flags::set_status(before),
        Status::Computed | Status::Reviewed => {
            flags::set_status(before);
            flags::raise(events);
        }
    }
}

#[inline(always)]
unsafe fn leaf<K: Foldable>(out: *mut u8, data: *const u8, n: usize) {
    // SAFETY: the caller promises `n` elements at `data` and room for one at `out`.
    let (data, out) = unsafe {
        (
            std::slice::from_raw_parts(data.cast::<K::Element>(), n),
            &mut *out.cast::<MaybeUninit<K::Element>>(),
        )
    };
    let before = flags::status();
    out.write(leaf_value::<K>(data));
    settle::<K>(before, Flags::NONE);
}

#[inline(always)]
fn leaf_value<K: Foldable>(data: &[K::Element]) -> K::Element {
    match K::Element::DTYPE {
        // Without rounding the order is all the same. The compiler vectorises a plain loop best, but makes branches
        // of one over truth values.
        Some(Dtype::Bool) => return halves_value::<K>(data),
        Some(dtype) if !dtype.is_inexact() => {
            return data[1..].iter().fold(data[0], |a, b| combine::<K>(a, *b));
        }
        _ => {}
    }
    let n = data.len();
    let (whole, rest) = data.split_at(n - n % LANES);
    if whole.is_empty() {
        let mut lanes = [data[0]; LANES];
        lanes[..n].copy_from_slice(data);
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half.min(n.saturating_sub(half)) {
                lanes[i] = combine::<K>(lanes[i], lanes[i + half]);
            }
            half /= 2;
        }
        return lanes[0];
    }
    let mut lanes = whole_lanes::<K>(whole);
    for (lane, element) in lanes.iter_mut().zip(rest) {
        *lane = combine::<K>(*lane, *element);
    }
    // With all lanes in use the levels of the tree have lengths that the compiler knows.
    halved::<K, 16>(&mut lanes);
    halved::<K, 8>(&mut lanes);
    halved::<K, 4>(&mut lanes);
    halved::<K, 2>(&mut lanes);
    halved::<K, 1>(&mut lanes);
    lanes[0]
}

/// One level of the tree over all lanes.
#[inline(always)]
fn halved<K: Foldable, const HALF: usize>(lanes: &mut [K::Element; LANES]) {
    for i in 0..HALF {
        lanes[i] = combine::<K>(lanes[i], lanes[i + HALF]);
    }
}

/// Folds elements by laying one half over the other until one is left.
#[inline(always)]
fn halves_value<K: Foldable>(data: &[K::Element]) -> K::Element {
    let mut buffer = [data[0]; LEAF];
    let mut left = data.len();
    buffer[..left].copy_from_slice(data);
    while left > 1 {
        let (low, high) = buffer[..left].split_at_mut(left.div_ceil(2));
        combine_rows::<K>(low, high);
        left = low.len();
    }
    buffer[0]
}

/// Folds a positive multiple of `LANES` elements into lanes. The lanes are a value of their own, never indexed by a
/// variable, so that they stay in registers.
#[inline(always)]
fn whole_lanes<K: Foldable>(data: &[K::Element]) -> [K::Element; LANES] {
    let (first, others) = data.split_at(LANES);
    let mut lanes: [K::Element; LANES] = first.try_into().expect("LANES elements");
    for chunk in others.chunks_exact(LANES) {
        fetch_ahead(chunk);
        for i in 0..LANES {
            lanes[i] = combine::<K>(lanes[i], chunk[i]);
        }
    }
    lanes
}

#[inline(always)]
unsafe fn rows<K: Foldable>(accumulators: *mut u8, data: *const u8, n: usize) {
    // SAFETY: the caller promises `n` elements at each pointer, not overlapping.
    let (accumulators, data) = unsafe {
        (
            std::slice::from_raw_parts_mut(accumulators.cast::<K::Element>(), n),
            std::slice::from_raw_parts(data.cast::<K::Element>(), n),
        )
    };
    let before = flags::status();
    let events = combine_rows::<K>(accumulators, data);
    settle::<K>(before, events);
}

#[inline(always)]
fn combine_rows<K: Foldable>(accumulators: &mut [K::Element], data: &[K::Element]) -> Flags {
    let mut events = 0;
    for (accumulator, element) in accumulators.iter_mut().zip(data) {
        let result = combine::<K>(*accumulator, *element);
        events |= events_of::<K>(*accumulator, *element, result);
        *accumulator = result;
    }
    Flags::from_bits(events)
}

#[inline(always)]
unsafe fn sequential_leaf<K: Foldable>(out: *mut u8, data: *const u8, n: usize) {
    // SAFETY: the caller promises `n >= 1` elements at `data` and room for one at `out`.
    unsafe {
        out.cast::<K::Element>().write(*data.cast::<K::Element>());
        extend::<K>(out, data.cast::<K::Element>().add(1).cast(), n - 1);
    }
}

#[inline(always)]
unsafe fn extend<K: Foldable>(accumulator: *mut u8, data: *const u8, n: usize) {
    // SAFETY: the caller promises one element at `accumulator` and `n` at `data`.
    let (accumulator, data) = unsafe {
        (&mut *accumulator.cast::<K::Element>(), std::slice::from_raw_parts(data.cast::<K::Element>(), n))
    };
    let before = flags::status();
    let mut events = 0;
    for element in data {
        let result = combine::<K>(*accumulator, *element);
        events |= events_of::<K>(*accumulator, *element, result);
        *accumulator = result;
    }
    settle::<K>(before, Flags::from_bits(events));
}

#[inline(always)]
unsafe fn scan<K: Foldable>(out: *mut u8, data: *const u8, n: usize, carry: *mut u8, start: Start) {
    if n == 0 {
        return;
    }
    // SAFETY: the caller promises `n` elements at `data` and `out`, and one at `carry` unless this is the start.
    unsafe {
        let data = std::slice::from_raw_parts(data.cast::<K::Element>(), n);
        let out = std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<K::Element>>(), n);
        let carry = carry.cast::<K::Element>();
        let before = flags::status();
        let mut events = 0;
        let skip = (start == Start::First) as usize;
        let mut last = if skip == 1 { data[0] } else { *carry };
        if skip == 1 {
            out[0].write(last);
        }
        for (element, out) in data.iter().zip(out).skip(skip) {
            let result = combine::<K>(last, *element);
            events |= events_of::<K>(last, *element, result);
            last = result;
            out.write(last);
        }
        carry.write(last);
        settle::<K>(before, Flags::from_bits(events));
    }
}
