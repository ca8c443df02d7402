//! Tiles of a result: the chains of multiply-adds, and how their sums get to memory.

use super::vector::{Entry, Lane, Vector};
use super::{Extents, Grid, K_BLOCK};
use crate::products::Begin;

/// The product of packed factors of real numbers or integers.
#[inline(always)]
pub(super) unsafe fn product<E: Entry, V: Vector<Lane = E::Lane>, const ROWS: usize, const VECTORS: usize>(
    result: Grid,
    a: *const u8,
    b: *const u8,
    extents: Extents,
    start: Begin,
) {
    let (a, b) = (a.cast::<V::Lane>(), b.cast::<V::Lane>());
    let Extents { rows, columns, k } = extents;
    let width = VECTORS * V::LANES;
    let step = size_of::<V::Lane>() as isize;
    for column in (0..columns).step_by(width) {
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: the caller promises panels that hold all rows and columns.
            unsafe {
                let first =
                    Grid { start: a.add(row * k).cast_mut().cast(), row: step, column: ROWS as isize * step };
                let second = Grid {
                    start: b.add(column * k).cast_mut().cast(),
                    row: width as isize * step,
                    column: 0,
                };
                let left = (ROWS.min(rows - row), width.min(columns - column));
                prefetch(result.from(row, column), left.0, width * size_of::<E>());
                let mut sums = chain::<V, Whole, ROWS, VECTORS>(K_BLOCK.min(k), first, second, Whole);
                for from in (K_BLOCK..k).step_by(K_BLOCK) {
                    let (first, second) = (first.from(0, from), second.from(from, 0));
                    let more = chain::<V, Whole, ROWS, VECTORS>(K_BLOCK.min(k - from), first, second, Whole);
                    add(&mut sums, more);
                }
                put::<E, V, ROWS, VECTORS>(result.from(row, column), &sums, left, start);
            }
        }
    }
}

/// Adds the sums of a block to those of the blocks before it.
#[inline(always)]
unsafe fn add<V: Vector, const ROWS: usize, const VECTORS: usize>(
    sums: &mut [[V; VECTORS]; ROWS],
    more: [[V; VECTORS]; ROWS],
) {
    for (sums, more) in sums.iter_mut().zip(more) {
        for (sum, more) in sums.iter_mut().zip(more) {
            // SAFETY: the caller is compiled for what the vectors need.
            *sum = unsafe { sum.plus(more) };
        }
    }
}

/// Asks for the rows of a tile before its sums are ready.
#[inline(always)]
fn prefetch(result: Grid, rows: usize, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for row in 0..rows {
        let start = result.from(row, 0).start;
        for line in (0..bytes).step_by(64) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing, wherever it points.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (result, rows, bytes);
}

/// The product of packed factors of complex numbers.
#[inline(always)]
pub(super) unsafe fn complex_product<E: Entry, V: Vector<Lane = E::Lane>, const ROWS: usize>(
    result: Grid,
    a: *const u8,
    b: *const u8,
    extents: Extents,
    start: Begin,
) {
    let (a, b) = (a.cast::<V::Lane>(), b.cast::<V::Lane>());
    let Extents { rows, columns, k } = extents;
    for column in (0..columns).step_by(V::LANES) {
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: the caller promises panels that hold all rows and columns.
            unsafe {
                let (a, b) = (a.add(2 * row * k), b.add(2 * column * k));
                let mut sums = complex_chain::<V, ROWS>(K_BLOCK.min(k), a, b);
                for from in (K_BLOCK..k).step_by(K_BLOCK) {
                    let (a, b) = (a.add(2 * ROWS * from), b.add(2 * V::LANES * from));
                    let [real, imaginary] = complex_chain::<V, ROWS>(K_BLOCK.min(k - from), a, b);
                    add(&mut sums[0], real);
                    add(&mut sums[1], imaginary);
                }
                let left = (ROWS.min(rows - row), V::LANES.min(columns - column));
                let lanes = [sums[0].as_ptr().cast::<V::Lane>(), sums[1].as_ptr().cast()];
                scatter::<E>(result.from(row, column), lanes, V::LANES, left, start);
            }
        }
    }
}

/// The product of factors as they lie, stored or added: tiles of fewer rows and part of a vector at the edges.
#[inline(always)]
pub(super) unsafe fn direct<E: Entry, V: Vector<Lane = E::Lane>, const ROWS: usize>(
    result: Grid,
    a: Grid,
    b: Grid,
    extents: Extents,
    start: Begin,
) {
    let Extents { rows, columns, k } = extents;
    let along = (k, start);
    for column in (0..columns).step_by(2 * V::LANES) {
        let left = columns - column;
        // SAFETY: the caller's promise holds for every part of the result.
        unsafe {
            let (result, b) = (result.from(0, column), b.from(0, column));
            match left {
                _ if left >= 2 * V::LANES => strip::<V, Whole, ROWS, 2>(result, a, b, rows, along, Whole),
                _ if left > V::LANES => {
                    strip::<V, Part, ROWS, 2>(result, a, b, rows, along, Part(left - V::LANES));
                }
                _ if left == V::LANES => strip::<V, Whole, ROWS, 1>(result, a, b, rows, along, Whole),
                _ => strip::<V, Part, ROWS, 1>(result, a, b, rows, along, Part(left)),
            }
        }
    }
}

/// All rows of some columns, by tiles as high as fit.
#[inline(always)]
unsafe fn strip<V: Vector, L: Last<V>, const ROWS: usize, const VECTORS: usize>(
    result: Grid,
    a: Grid,
    b: Grid,
    rows: usize,
    along: (usize, Begin),
    last: L,
) {
    let mut row = 0;
    // SAFETY: the caller's promise holds for every part of the result.
    unsafe {
        while row + ROWS <= rows {
            blocks::<V, L, ROWS, VECTORS>(result.from(row, 0), a.from(row, 0), b, along, last);
            row += ROWS;
        }
        if ROWS > 8 && row + 8 <= rows {
            blocks::<V, L, 8, VECTORS>(result.from(row, 0), a.from(row, 0), b, along, last);
            row += 8;
        }
        if ROWS > 4 && row + 4 <= rows {
            blocks::<V, L, 4, VECTORS>(result.from(row, 0), a.from(row, 0), b, along, last);
            row += 4;
        }
        if row + 2 <= rows {
            blocks::<V, L, 2, VECTORS>(result.from(row, 0), a.from(row, 0), b, along, last);
            row += 2;
        }
        if row < rows {
            blocks::<V, L, 1, VECTORS>(result.from(row, 0), a.from(row, 0), b, along, last);
        }
    }
}

/// A tile over the whole common axis, block by block.
#[inline(always)]
unsafe fn blocks<V: Vector, L: Last<V>, const ROWS: usize, const VECTORS: usize>(
    result: Grid,
    a: Grid,
    b: Grid,
    (k, start): (usize, Begin),
    last: L,
) {
    for first in (0..k).step_by(K_BLOCK) {
        let (a, b) = (a.from(0, first), b.from(first, 0));
        // SAFETY: the caller's promise.
        unsafe {
            let sums = chain::<V, L, ROWS, VECTORS>(K_BLOCK.min(k - first), a, b, last);
            for (row, sums) in sums.into_iter().enumerate() {
                let to = result.from(row, 0).start.cast::<V::Lane>();
                for (at, sum) in sums.into_iter().enumerate() {
                    let to = to.add(at * V::LANES);
                    let sum = match first {
                        0 if start == Begin::Empty => sum,
                        _ if at + 1 < VECTORS => V::load(to).plus(sum),
                        _ => last.load(to).plus(sum),
                    };
                    if at + 1 < VECTORS { sum.store(to) } else { last.store(sum, to) }
                }
            }
        }
    }
}

/// How the last vector of columns is read and written.
pub(crate) trait Last<V: Vector>: Copy {
    unsafe fn load(self, from: *const V::Lane) -> V;
    unsafe fn store(self, vector: V, to: *mut V::Lane);
}

/// All of it.
#[derive(Clone, Copy)]
pub(crate) struct Whole;

impl<V: Vector> Last<V> for Whole {
    #[inline(always)]
    unsafe fn load(self, from: *const V::Lane) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(from) }
    }

    #[inline(always)]
    unsafe fn store(self, vector: V, to: *mut V::Lane) {
        // SAFETY: the caller's promise.
        unsafe { vector.store(to) }
    }
}

/// So many lanes of it.
#[derive(Clone, Copy)]
pub(crate) struct Part(pub(crate) usize);

impl<V: Vector> Last<V> for Part {
    #[inline(always)]
    unsafe fn load(self, from: *const V::Lane) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load_part(from, self.0) }
    }

    #[inline(always)]
    unsafe fn store(self, vector: V, to: *mut V::Lane) {
        // SAFETY: the caller's promise.
        unsafe { vector.store_part(to, self.0) }
    }
}

/// Sums of products over `k` elements: one chain for every element of the tile.
#[inline(always)]
unsafe fn chain<V: Vector, L: Last<V>, const ROWS: usize, const VECTORS: usize>(
    k: usize,
    a: Grid,
    b: Grid,
    last: L,
) -> [[V; VECTORS]; ROWS] {
    // SAFETY: the caller promises `k` elements of `ROWS` rows at `a`, and `k` rows of columns at `b`.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        let (mut from_a, mut from_b) = (a.start.cast_const(), b.start.cast_const());
        for _ in 0..k {
            let mut columns = [V::zero(); VECTORS];
            for (at, column) in columns.iter_mut().enumerate() {
                let from = from_b.cast::<V::Lane>().add(at * V::LANES);
                *column = if at + 1 < VECTORS { V::load(from) } else { last.load(from) };
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let factor = V::splat(from_a.wrapping_offset(row as isize * a.row).cast());
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = sum.plus_product(factor, column);
                }
            }
            from_a = from_a.wrapping_offset(a.column);
            from_b = from_b.wrapping_offset(b.row);
        }
        sums
    }
}

/// Sums of products of complex numbers, real parts and imaginary parts.
#[inline(always)]
unsafe fn complex_chain<V: Vector, const ROWS: usize>(
    k: usize,
    mut a: *const V::Lane,
    mut b: *const V::Lane,
) -> [[[V; 1]; ROWS]; 2] {
    // SAFETY: the caller promises `k` times the parts of `ROWS` rows and of a vector of columns.
    unsafe {
        let mut real = [[V::zero(); 1]; ROWS];
        let mut imaginary = [[V::zero(); 1]; ROWS];
        for _ in 0..k {
            let (b_real, b_imaginary) = (V::load(b), V::load(b.add(V::LANES)));
            for row in 0..ROWS {
                let (a_real, a_imaginary) = (V::splat(a.add(row)), V::splat(a.add(ROWS + row)));
                real[row][0] = real[row][0].plus_product(a_real, b_real);
                imaginary[row][0] = imaginary[row][0].plus_product(a_real, b_imaginary);
                real[row][0] = real[row][0].minus_product(a_imaginary, b_imaginary);
                imaginary[row][0] = imaginary[row][0].plus_product(a_imaginary, b_real);
            }
            (a, b) = (a.add(2 * ROWS), b.add(2 * V::LANES));
        }
        [real, imaginary]
    }
}

/// Stores the rows and columns of a tile that the result has, or adds them to it.
#[inline(always)]
unsafe fn put<E: Entry, V: Vector<Lane = E::Lane>, const ROWS: usize, const VECTORS: usize>(
    result: Grid,
    sums: &[[V; VECTORS]; ROWS],
    left: (usize, usize),
    start: Begin,
) {
    let (rows, columns) = left;
    let plain = size_of::<E>() == size_of::<E::Lane>() && result.column == size_of::<E>() as isize;
    // SAFETY: the caller promises that many rows and columns of the result; the sums are rows of lanes.
    unsafe {
        if !plain {
            // A copy, or the sums would have to be in memory all the time.
            let copy = *sums;
            let lanes = copy.as_ptr().cast::<V::Lane>();
            return scatter::<E>(result, [lanes, lanes], VECTORS * V::LANES, left, start);
        }
        for (row, sums) in sums.iter().enumerate().take(rows) {
            let to = result.from(row, 0).start.cast::<V::Lane>();
            for (at, sum) in sums.iter().enumerate() {
                let (to, room) = (to.add(at * V::LANES), columns.saturating_sub(at * V::LANES));
                match start {
                    Begin::Full if room >= V::LANES => V::load(to).plus(*sum).store(to),
                    Begin::Empty if room >= V::LANES => sum.store(to),
                    _ if room == 0 => {}
                    Begin::Full => V::load_part(to, room).plus(*sum).store_part(to, room),
                    Begin::Empty => sum.store_part(to, room),
                }
            }
        }
    }
}

/// As [`put`], element by element: two tiles of lanes, one for each part, with so many in a row.
#[inline(never)]
unsafe fn scatter<E: Entry>(
    result: Grid,
    sums: [*const E::Lane; 2],
    width: usize,
    left: (usize, usize),
    start: Begin,
) {
    let (rows, columns) = left;
    for row in 0..rows {
        for column in 0..columns {
            let to = result.from(row, column).start.cast::<E>();
            // SAFETY: the caller promises that many rows and columns.
            unsafe {
                let mut parts = sums.map(|sums| sums.add(row * width + column).read());
                if start == Begin::Full {
                    let before = to.read_unaligned();
                    for (part, sum) in parts.iter_mut().enumerate().take(E::PARTS) {
                        *sum = before.part(part).plus(*sum);
                    }
                }
                to.write_unaligned(E::of(parts));
            }
        }
    }
}
