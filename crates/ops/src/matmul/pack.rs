//! Packing: a factor as panels of some rows, whose elements of one index of the common axis lie side by side.

use super::Grid;
use super::vector::Entry;

/// Panels of `WIDTH` rows: per index of the common axis the first part of every row, then the second ones if there are
/// two. The last row stands for those that a last panel lacks.
#[inline(always)]
pub(super) unsafe fn pack<E: Entry, const WIDTH: usize>(to: *mut u8, from: Grid, rows: usize, k: usize) {
    let mut to = to.cast::<E::Lane>();
    let item = size_of::<E>() as isize;
    for first in (0..rows).step_by(WIDTH) {
        let count = WIDTH.min(rows - first);
        let panel = from.from(first, 0);
        // SAFETY: the caller promises that many rows and elements, and room for all panels.
        unsafe {
            if count == WIDTH && panel.row == item {
                side_by_side::<E, WIDTH>(to, panel, k);
            } else if count == WIDTH && panel.column == item {
                along::<E, WIDTH>(to, panel, k);
            } else {
                anyhow::<E, WIDTH>(to, panel, count, k);
            }
            to = to.add(WIDTH * k * E::PARTS);
        }
    }
}

/// Elements of neighbouring rows lie side by side.
#[inline(always)]
unsafe fn side_by_side<E: Entry, const WIDTH: usize>(to: *mut E::Lane, from: Grid, k: usize) {
    for at in 0..k {
        // SAFETY: the caller's promise.
        unsafe {
            let row = from.from(0, at).start.cast::<[E; WIDTH]>().read_unaligned();
            write::<E, WIDTH>(to.add(at * WIDTH * E::PARTS), &row);
        }
    }
}

/// Elements of a row lie side by side: all rows are walked at once.
#[inline(always)]
unsafe fn along<E: Entry, const WIDTH: usize>(to: *mut E::Lane, from: Grid, k: usize) {
    let mut rows = [from.start.cast_const().cast::<E>(); WIDTH];
    for (at, row) in rows.iter_mut().enumerate() {
        *row = from.from(at, 0).start.cast_const().cast();
    }
    for at in 0..k {
        let to = to.wrapping_add(at * WIDTH * E::PARTS);
        for (row, start) in rows.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let element = start.add(at).read_unaligned();
                for part in 0..E::PARTS {
                    to.add(part * WIDTH + row).write(element.part(part));
                }
            }
        }
    }
}

/// Elements lie anyhow, or rows lack.
#[inline(always)]
unsafe fn anyhow<E: Entry, const WIDTH: usize>(to: *mut E::Lane, from: Grid, count: usize, k: usize) {
    for row in 0..WIDTH {
        let source = from.from(row.min(count - 1), 0);
        for at in 0..k {
            // SAFETY: the caller's promise.
            unsafe {
                let element = source.from(0, at).start.cast::<E>().read_unaligned();
                for part in 0..E::PARTS {
                    to.add(at * WIDTH * E::PARTS + part * WIDTH + row).write(element.part(part));
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn write<E: Entry, const WIDTH: usize>(to: *mut E::Lane, row: &[E; WIDTH]) {
    for part in 0..E::PARTS {
        for (at, element) in row.iter().enumerate() {
            // SAFETY: the caller promises room for the parts of a row.
            unsafe { to.add(part * WIDTH + at).write(element.part(part)) };
        }
    }
}
