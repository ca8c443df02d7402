//! Reductions of columns: a row of accumulators for each lane.

use super::{Addresses, Events, Folded, Reduction, Stores, TOO_OFTEN, Work};
use crate::fold::fold_tree;
use maniple_ops::{LANES, LEAF};
use std::ops::Range;
use std::ptr;

/// The columns that are reduced together.
#[derive(Clone, Copy)]
enum Columns {
    /// All, which are so few that as many rows as there are lanes make one row of accumulators.
    All,
    /// Some, row by row.
    Some { from: usize, width: usize },
}

/// What accumulators hold before the first row.
#[derive(Clone, Copy)]
enum Start {
    /// What changes nothing; rows are combined by compiled code.
    Identity,
    /// Nothing: the first row is what they begin with.
    First,
}

/// What values are combined with.
#[derive(Clone, Copy)]
enum With {
    /// An accumulator, in compiled code.
    Compiled,
    /// An accumulator.
    Accumulator,
    /// Nothing: they become the accumulators.
    Nothing,
}

impl Start {
    fn at(self, first: bool) -> With {
        match self {
            Start::Identity => With::Compiled,
            Start::First if first => With::Nothing,
            Start::First => With::Accumulator,
        }
    }
}

impl Work<'_> {
    /// Points run along the kept axes within a leaf, then to the next leaf.
    ///
    /// # Safety
    /// The points must be those of the piece.
    pub(super) unsafe fn columns(&mut self, first: usize, last: usize) {
        let Reduction { n, kept, lanes, .. } = *self.reduction;
        let mut point = first;
        while point < last {
            let (leaf, column) = (point / kept, point % kept);
            let rows = leaf * LEAF..((leaf + 1) * LEAF).min(n);
            let columns = (last - point).min(kept - column);
            // A few columns of narrow rows are not worth less than all of them, unless the rows are stored too: those
            // of the other columns are somebody else's.
            let whole = columns == kept || self.reduction.stores == Stores::Nothing;
            // SAFETY: the columns are those of the points; buffers and accumulators have room for them.
            unsafe {
                let room = self.reduction.width.min(self.reduction.room);
                let narrow = whole && lanes * kept <= room;
                let (columns, from) = if narrow { (columns, column) } else { (columns.min(room), 0) };
                let used = lanes.min(rows.len());
                let (width, shape) = if narrow {
                    (kept, Columns::All)
                } else {
                    (columns, Columns::Some { from: column, width: columns })
                };
                let possible = self.direct || self.folding.is_some();
                let folded = possible && self.repeated < TOO_OFTEN && {
                    if self.direct {
                        self.combine_products(rows.clone(), if narrow { 0 } else { column }, width);
                    } else if let Some((folding, _)) = &self.folding {
                        folding.fill(&self.accumulators, used * width);
                        self.combine_all(rows.clone(), shape, Start::Identity);
                    }
                    self.is_quiet()
                };
                if !folded {
                    self.combine_all(rows, shape, Start::First);
                }
                for number in 0..self.reduction.folds.len() {
                    let Folded { fold, partials, target, item } = &self.reduction.folds[number];
                    let accumulators = self.accumulators[number];
                    fold_tree(fold, accumulators, used, width, *item);
                    self.report(number, Events::Each);
                    let sums = accumulators.wrapping_add(from * item);
                    partials.store(self.binding.bases[*target], point, columns, sums);
                }
                point += columns;
            }
        }
    }

    /// Combines the rows' columns from one on with the accumulators, by loops for products or of values in memory.
    unsafe fn combine_products(&mut self, rows: Range<usize>, from: usize, width: usize) {
        let Reduction { folds, products, kept, .. } = self.reduction;
        for lane in 0..LANES.min(rows.len()) {
            for (number, Folded { fold, item, .. }) in folds.iter().enumerate() {
                let into = self.accumulators[number].wrapping_add(lane * width * item);
                // SAFETY: the columns are part of a row, and there is an accumulator for each.
                unsafe {
                    if let Some(products) = &products[number] {
                        products.columns(self.binding, (rows.clone(), lane), from, width, into);
                        continue;
                    }
                    let first = rows.start + lane;
                    for row in (first..rows.end).step_by(LANES) {
                        let values = self.values(number, row * kept + from);
                        match row == first {
                            true => ptr::copy_nonoverlapping(values, into, width * item),
                            false => (fold.rows)(into, values, width),
                        }
                    }
                }
            }
        }
    }

    /// Combines the rows with the accumulators, a row for each lane.
    unsafe fn combine_all(&mut self, rows: Range<usize>, columns: Columns, start: Start) {
        let Reduction { kept, lanes, ref folds, .. } = *self.reduction;
        // What is in memory is better combined by one fold after the other: they find the rows in the caches.
        let together = if self.all_plain { 1 } else { folds.len() };
        let Columns::Some { from, width } = columns else {
            for row in rows.clone().step_by(lanes) {
                let end = (row + lanes).min(rows.end);
                // SAFETY: the rows lie side by side in the index space, as the accumulators do.
                unsafe {
                    for fold in (0..folds.len()).step_by(together) {
                        let start = start.at(row == rows.start);
                        self.combine(row * kept, end * kept, 0, start, fold..fold + together);
                        if self.all_plain {
                            self.report(fold, Events::Each);
                        }
                    }
                }
            }
            return;
        };
        // One lane after the other, so that its accumulators stay in the first-level cache.
        for lane in 0..lanes.min(rows.len()) {
            for fold in (0..folds.len()).step_by(together) {
                for row in (rows.start + lane..rows.end).step_by(lanes) {
                    let position = row * kept + from;
                    let start = start.at(row == rows.start + lane);
                    let folds = fold..fold + together;
                    // SAFETY: the columns are part of a row.
                    unsafe { self.combine(position, position + width, lane * width, start, folds) };
                }
                if self.all_plain {
                    self.report(fold, Events::Each);
                }
            }
        }
    }

    /// Combines the values of some folds at the positions `first..last` with an accumulator each, from the one of number
    /// `into` on.
    unsafe fn combine(&mut self, first: usize, last: usize, into: usize, with: With, folds: Range<usize>) {
        let reduction = self.reduction;
        let place = |start: *mut u8, fold: usize| start.wrapping_add(into * reduction.folds[fold].item);
        // SAFETY: the positions lie in the index space, and there is an accumulator for each.
        unsafe {
            if let (With::Compiled, Some((_, run))) = (with, &mut self.folding) {
                let starts = self.accumulators.iter().enumerate();
                let accumulators: Addresses = starts.map(|(fold, &start)| place(start, fold)).collect();
                return run.evaluate(first, last, &accumulators);
            }
            self.evaluate(first, last);
            for number in folds {
                let Folded { fold, item, .. } = &reduction.folds[number];
                let values = self.values(number, first);
                let accumulators = place(self.accumulators[number], number);
                match with {
                    With::Nothing => ptr::copy_nonoverlapping(values, accumulators, (last - first) * item),
                    _ => {
                        (fold.rows)(accumulators, values, last - first);
                        // Where nothing is evaluated, the flags stay as they are till the next fold.
                        if !self.all_plain {
                            self.report(number, Events::Each);
                        }
                    }
                }
            }
        }
    }
}
