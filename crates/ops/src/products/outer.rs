//! Sums of outer products of rows: tiles of accumulators that stay in registers for all rows of a lane.

use crate::fold::LANES;
use crate::isa::Versions;
use crate::matmul::{Grid, Lanes, Last, Part, Vector, Whole};

/// Sums the outer products of every [`LANES`]th row of some, at least one: accumulators, first factor, second factor, rows
/// of a lane, elements of a row of each, and how far ahead to ask for rows. A factor's columns are the elements of a row;
/// those of the second lie side by side, as the accumulators do.
pub type OuterProducts =
    unsafe fn(accumulators: *mut u8, a: Grid, b: Grid, rows: usize, extents: (usize, usize), ahead: Ahead);

/// The first of the second factor's rows to ask for, counted from the first one of the lane, and so on row by row, one for
/// each row that is summed. Lanes are summed one after the other and find their rows pages apart, where the processor
/// expects nothing to be read; so while the rows of a leaf are summed, those of the next one are asked for in their order.
pub type Ahead = usize;

/// The loops for one level.
macro_rules! level {
    ($name:ident: $vector:ty, $rows:literal $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        unsafe fn $name(accumulators: *mut u8, a: Grid, b: Grid, rows: usize, extents: (usize, usize), ahead: Ahead) {
            // SAFETY: the caller keeps the contract and has checked the level.
            unsafe { sums::<$vector, $rows>(accumulators, a, b, rows, extents, ahead) }
        }
    };
}

level!(baseline_singles: Lanes<f32, 4>, 4);
level!(baseline_doubles: Lanes<f64, 2>, 4);

#[cfg(not(target_arch = "x86_64"))]
pub(super) const SINGLES: Versions<OuterProducts> = [baseline_singles; 3];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const DOUBLES: Versions<OuterProducts> = [baseline_doubles; 3];

#[cfg(target_arch = "x86_64")]
pub(super) use self::levels::{DOUBLES, SINGLES};

#[cfg(target_arch = "x86_64")]
mod levels {
    use super::*;
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    level!(v3_singles: __m256, 4, "avx2,fma");
    level!(v3_doubles: __m256d, 4, "avx2,fma");
    level!(v4_singles: __m512, 8, "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");
    level!(v4_doubles: __m512d, 8, "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");

    pub(in super::super) const SINGLES: Versions<OuterProducts> = [baseline_singles, v3_singles, v4_singles];
    pub(in super::super) const DOUBLES: Versions<OuterProducts> = [baseline_doubles, v3_doubles, v4_doubles];
}

/// Bytes of a line of memory.
const LINE: usize = 64;

/// So many rows of the lane ahead, the first factor's are asked for. More of them at a time would not stay in the first-level
/// cache, since they often go to one set of it.
const SOON: isize = 5;

/// Asks for the line of memory that holds an address, which need not be valid, in the cache of level 1 or 2.
#[inline(always)]
fn prefetch<const LEVEL: usize>(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and faults nowhere.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        match LEVEL {
            1 => _mm_prefetch::<_MM_HINT_T0>(address.cast()),
            _ => _mm_prefetch::<_MM_HINT_T1>(address.cast()),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[inline(always)]
unsafe fn sums<V: Vector, const ROWS: usize>(
    accumulators: *mut u8,
    a: Grid,
    b: Grid,
    rows: usize,
    (m, n): (usize, usize),
    ahead: Ahead,
) {
    let mut column = 0;
    while column < n {
        let left = n - column;
        let pitch = (n * size_of::<V::Lane>()) as isize;
        let start = accumulators.wrapping_add(column * size_of::<V::Lane>());
        let strip =
            Strip { result: Grid { start, row: pitch, column: 0 }, a, b: b.from(0, column), rows, ahead };
        // SAFETY: the caller promises rows of so many elements, and room for all products of their elements.
        unsafe {
            // A sum waits some cycles for the one before it, so there should be several.
            if m == 1 && left >= 4 * V::LANES {
                strip.tile::<V, Whole, 1, 4>(0, Whole);
                column += 4 * V::LANES;
                continue;
            }
            match left {
                _ if left >= 2 * V::LANES => strip.all::<V, Whole, ROWS, 2>(m, Whole),
                _ if left > V::LANES => strip.all::<V, Part, ROWS, 2>(m, Part(left - V::LANES)),
                _ if left == V::LANES => strip.all::<V, Whole, ROWS, 1>(m, Whole),
                _ => strip.all::<V, Part, ROWS, 1>(m, Part(left)),
            }
        }
        column += 2 * V::LANES;
    }
}

/// Some columns of the accumulators.
struct Strip {
    result: Grid,
    a: Grid,
    b: Grid,
    rows: usize,
    ahead: Ahead,
}

impl Strip {
    #[inline(always)]
    unsafe fn all<V: Vector, L: Last<V>, const ROWS: usize, const VECTORS: usize>(&self, m: usize, last: L) {
        let mut at = 0;
        // SAFETY: the caller's promise.
        unsafe {
            // There are registers for the sums of eight rows of two vectors, or of sixteen of one.
            if ROWS == 8 && VECTORS == 1 {
                while at + 16 <= m {
                    self.tile::<V, L, 16, VECTORS>(at, last);
                    at += 16;
                }
            }
            while at + ROWS <= m {
                self.tile::<V, L, ROWS, VECTORS>(at, last);
                at += ROWS;
            }
            if ROWS > 4 && at + 4 <= m {
                self.tile::<V, L, 4, VECTORS>(at, last);
                at += 4;
            }
            if at + 2 <= m {
                self.tile::<V, L, 2, VECTORS>(at, last);
                at += 2;
            }
            if at < m {
                self.tile::<V, L, 1, VECTORS>(at, last);
            }
        }
    }

    /// The sums for `ROWS` elements of the first factor's rows, from number `from` on.
    #[inline(always)]
    unsafe fn tile<V: Vector, L: Last<V>, const ROWS: usize, const VECTORS: usize>(
        &self,
        from: usize,
        last: L,
    ) {
        let (a, b) = (self.a.from(0, from), self.b);
        let (mut first, mut second) = (a.start.cast_const(), b.start.cast_const());
        let next_row = b.row / LANES as isize;
        let mut next = second.wrapping_offset(next_row * self.ahead as isize);
        let line = LINE / size_of::<V::Lane>();
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = products::<V, L, ROWS, VECTORS>(first, a.column, second, last);
            for _ in 1..self.rows {
                first = first.wrapping_offset(a.row);
                second = second.wrapping_offset(b.row);
                next = next.wrapping_offset(next_row);
                if ROWS > 1 {
                    for at in (0..ROWS).step_by(line) {
                        prefetch::<1>(first.wrapping_offset(SOON * a.row + at as isize * a.column));
                    }
                    prefetch::<1>(second.wrapping_offset(SOON * b.row));
                }
                for at in (0..VECTORS * V::LANES).step_by(line) {
                    prefetch::<2>(next.cast::<V::Lane>().wrapping_add(at).cast());
                }
                let products = products::<V, L, ROWS, VECTORS>(first, a.column, second, last);
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        sums[row][vector] = sums[row][vector].plus(products[row][vector]);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                let to = self.result.from(from + row, 0).start.cast::<V::Lane>();
                for (at, sum) in sums.into_iter().enumerate() {
                    let to = to.add(at * V::LANES);
                    if at + 1 < VECTORS { sum.store(to) } else { last.store(sum, to) }
                }
            }
        }
    }
}

/// The products of some elements of one row and the columns of another.
#[inline(always)]
unsafe fn products<V: Vector, L: Last<V>, const ROWS: usize, const VECTORS: usize>(
    first: *const u8,
    step: isize,
    second: *const u8,
    last: L,
) -> [[V; VECTORS]; ROWS] {
    // SAFETY: the caller promises the elements of both rows.
    unsafe {
        let mut columns = [V::zero(); VECTORS];
        for (at, column) in columns.iter_mut().enumerate() {
            let from = second.cast::<V::Lane>().add(at * V::LANES);
            *column = if at + 1 < VECTORS { V::load(from) } else { last.load(from) };
        }
        let mut products = [[V::zero(); VECTORS]; ROWS];
        for (row, products) in products.iter_mut().enumerate() {
            let factor = V::splat(first.wrapping_offset(row as isize * step).cast());
            for (product, column) in products.iter_mut().zip(columns) {
                *product = factor.times(column);
            }
        }
        products
    }
}
