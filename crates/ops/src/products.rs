//! Sums of products of two arrays, without a place for the products: what matrices times vectors are made of, and products
//! of matrices with a long common axis.
//!
//! The bits are those of multiplying first and folding the products ([`crate::fold`]): every product is rounded, and added
//! to the same lane in the same order.

mod outer;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use self::outer::OuterProducts;
use crate::dtype::{Dtype, Element};
use crate::fold::LANES;
use crate::isa::{Level, Versions, fetch_ahead, versions};
use std::ops::{Add, Mul};
use std::slice::from_raw_parts;

/// Folds the products of `n` pairs of contiguous elements to one: out, a, b, n. At least [`LANES`] pairs.
pub type LeafOfProducts = unsafe fn(out: *mut u8, a: *const u8, b: *const u8, n: usize);
/// Folds `count` leaves, a multiple of [`TOGETHER`], that share their second factor: out, bytes from a result to the next
/// one, the first factors, bytes from one of them to the next one, b, n, count. At least [`LANES`] pairs each.
pub type LeavesOfProducts = unsafe fn(
    out: *mut u8,
    out_step: isize,
    a: *const u8,
    a_step: isize,
    b: *const u8,
    n: usize,
    count: usize,
);
/// Sums the products of some rows, at least one, in a row of accumulators: accumulators, rows, columns.
pub type RowsOfProducts =
    unsafe fn(accumulators: *mut u8, a: ProductRows, b: ProductRows, rows: usize, columns: usize);

/// As many leaves are folded at a time.
pub const TOGETHER: usize = 8;

/// Rows of a factor.
#[derive(Clone, Copy, Debug)]
pub struct ProductRows {
    /// The first element of the first row.
    pub start: *const u8,
    /// Bytes from a row to the next one.
    pub step: isize,
    /// Whether the elements of a row lie side by side or are one and the same.
    pub row: ProductRow,
}

/// How the elements of a row lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductRow {
    /// Side by side.
    Contiguous,
    /// There is only one.
    Single,
}

/// What accumulators hold at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Nothing: they become the products of the first row.
    Empty,
    /// What the products are added to.
    Full,
}

/// The loops for sums of products at one dtype. Pointers must be aligned and valid, and accumulators overlap nothing.
#[derive(Clone, Copy, Debug)]
pub struct Products {
    /// One leaf of rows that are reduced.
    pub leaf: LeafOfProducts,
    /// Several of them, on processors with registers enough.
    pub leaves: Option<LeavesOfProducts>,
    /// Rows of columns that are reduced.
    pub rows: RowsOfProducts,
    /// Outer products of rows.
    pub outer: OuterProducts,
}

/// The loops for a dtype, for this processor; none for dtypes whose products are not plain.
pub fn products(dtype: Dtype) -> Option<Products> {
    let level = Level::detected() as usize;
    Some(match dtype {
        Dtype::Float32 => Products {
            leaf: leaf_loops::<f32>()[level],
            leaves: LEAVES[level].map(|[singles, _]| singles),
            rows: row_loops::<f32>()[level],
            outer: outer::SINGLES[level],
        },
        Dtype::Float64 => Products {
            leaf: leaf_loops::<f64>()[level],
            leaves: LEAVES[level].map(|[_, doubles]| doubles),
            rows: row_loops::<f64>()[level],
            outer: outer::DOUBLES[level],
        },
        _ => return None,
    })
}

/// The loops for several leaves, at each level, of single and double precision.
#[cfg(target_arch = "x86_64")]
const LEAVES: Versions<Option<[LeavesOfProducts; 2]>> = [None, None, Some([x86::singles, x86::doubles])];
#[cfg(not(target_arch = "x86_64"))]
const LEAVES: Versions<Option<[LeavesOfProducts; 2]>> = [None; 3];

trait Real: Element + Copy + Add<Output = Self> + Mul<Output = Self> {}

impl Real for f32 {}
impl Real for f64 {}

const fn leaf_loops<E: Real>() -> Versions<LeafOfProducts> {
    versions!(one_leaf::<E: Real>(out: *mut u8, a: *const u8, b: *const u8, n: usize))
}

const fn row_loops<E: Real>() -> Versions<RowsOfProducts> {
    versions!(sums::<E: Real>(
        accumulators: *mut u8,
        a: ProductRows,
        b: ProductRows,
        rows: usize,
        columns: usize
    ))
}

#[inline(always)]
unsafe fn one_leaf<E: Real>(out: *mut u8, a: *const u8, b: *const u8, n: usize) {
    // SAFETY: the caller promises `n` elements at `a` and `b` and room for one at `out`.
    let (a, b, out) = unsafe {
        (from_raw_parts(a.cast::<E>(), n), from_raw_parts(b.cast::<E>(), n), &mut *out.cast::<E>())
    };
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a.remainder().iter().zip(b.remainder());
    let mut pairs = a.zip(b);
    let Some((a, b)) = pairs.next() else { return };
    fetch_ahead(a);
    let mut lanes: [E; LANES] = std::array::from_fn(|lane| a[lane] * b[lane]);
    for (a, b) in pairs {
        fetch_ahead(a);
        for lane in 0..LANES {
            lanes[lane] = lanes[lane] + a[lane] * b[lane];
        }
    }
    for (lane, (&a, &b)) in lanes.iter_mut().zip(rest) {
        *lane = *lane + a * b;
    }
    halve::<E, 16>(&mut lanes);
    halve::<E, 8>(&mut lanes);
    halve::<E, 4>(&mut lanes);
    halve::<E, 2>(&mut lanes);
    halve::<E, 1>(&mut lanes);
    *out = lanes[0];
}

#[inline(always)]
fn halve<E: Real, const HALF: usize>(lanes: &mut [E; LANES]) {
    for lane in 0..HALF {
        lanes[lane] = lanes[lane] + lanes[lane + HALF];
    }
}

/// Some rows at a time, so that accumulators are read and written once for all of them.
const ROWS: usize = 4;

#[inline(always)]
unsafe fn sums<E: Real>(accumulators: *mut u8, a: ProductRows, b: ProductRows, rows: usize, columns: usize) {
    // SAFETY: the caller promises `columns` accumulators.
    let accumulators = unsafe { std::slice::from_raw_parts_mut(accumulators.cast::<E>(), columns) };
    // SAFETY: the caller promises that many rows.
    unsafe {
        match (a.row, b.row) {
            (ProductRow::Contiguous, ProductRow::Contiguous) => {
                let (a, b) = (Wide::<E>::new(a, columns), Wide::<E>::new(b, columns));
                add_rows(accumulators, |row| a.row(row), |row| b.row(row), |a, b, at| a[at] * b[at], rows);
            }
            (ProductRow::Contiguous, ProductRow::Single) => {
                let (a, b) = (Wide::<E>::new(a, columns), Wide::<E>::new(b, 1));
                add_rows(accumulators, |row| a.row(row), |row| b.row(row)[0], |a, b, at| a[at] * b, rows);
            }
            (ProductRow::Single, ProductRow::Contiguous) => {
                let (a, b) = (Wide::<E>::new(a, 1), Wide::<E>::new(b, columns));
                add_rows(accumulators, |row| a.row(row)[0], |row| b.row(row), |a, b, at| a * b[at], rows);
            }
            (ProductRow::Single, ProductRow::Single) => {
                let (a, b) = (Wide::<E>::new(a, 1), Wide::<E>::new(b, 1));
                add_rows(accumulators, |row| a.row(row)[0], |row| b.row(row)[0], |a, b, _| a * b, rows);
            }
        }
    }
}

/// Rows of so many elements.
struct Wide<'a, E> {
    rows: ProductRows,
    columns: usize,
    of: std::marker::PhantomData<&'a E>,
}

impl<'a, E> Wide<'a, E> {
    /// As many rows as are asked for must be readable.
    unsafe fn new(rows: ProductRows, columns: usize) -> Wide<'a, E> {
        Wide { rows, columns, of: std::marker::PhantomData }
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &'a [E] {
        let start = self.rows.start.wrapping_offset(self.rows.step * row as isize).cast::<E>();
        // SAFETY: `new` was promised that the row is readable.
        unsafe { from_raw_parts(start, self.columns) }
    }
}

#[inline(always)]
fn add_rows<E: Real, A: Copy, B: Copy>(
    accumulators: &mut [E],
    a: impl Fn(usize) -> A,
    b: impl Fn(usize) -> B,
    product: impl Fn(A, B, usize) -> E,
    rows: usize,
) {
    let (first_a, first_b) = (a(0), b(0));
    for (at, accumulator) in accumulators.iter_mut().enumerate() {
        *accumulator = product(first_a, first_b, at);
    }
    let mut row = 1;
    while row + ROWS <= rows {
        let pairs: [(A, B); ROWS] = std::array::from_fn(|next| (a(row + next), b(row + next)));
        for (at, accumulator) in accumulators.iter_mut().enumerate() {
            *accumulator = pairs.iter().fold(*accumulator, |sum, &(a, b)| sum + product(a, b, at));
        }
        row += ROWS;
    }
    for row in row..rows {
        let (a, b) = (a(row), b(row));
        for (at, accumulator) in accumulators.iter_mut().enumerate() {
            *accumulator = *accumulator + product(a, b, at);
        }
    }
}
