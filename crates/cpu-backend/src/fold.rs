//! Folds the partial results of a reduction's leaves in a fixed tree.
//!
//! ```text
//! for h in [largest power of two below the number of leaves, ..., 2, 1]:
//!     v[i] = op(v[i], v[i + h])  for i < h and i + h < number of leaves
//! ```

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{Dtype, Fold, Op, Order, fold};
use maniple_runtime::{Binding, Launch, View};

/// Bytes of the partials that are folded at a time.
const ROOM: usize = 32 << 10;

/// A fold of leaves made ready.
pub(crate) struct Leaves {
    fold: Fold,
    /// The first leaf of every result.
    partials: Elements,
    /// Bytes from a leaf to the next one of the same result.
    step: isize,
    leaves: usize,
    results: Elements,
    item: usize,
    /// Results that are folded at a time.
    together: usize,
}

impl Leaves {
    /// Nothing if the row does not fold, or has to fold more than one leaf from first to last.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype) -> Option<Leaves> {
        let fold = fold(op, dtype)?;
        let [partials, results] = &launch.args[..] else { return None };
        let View { offset, shape, strides } = &partials.view;
        let last = shape.len() - 1;
        let leaves = shape[last];
        if fold.order != Order::Tree && leaves > 1 {
            return None;
        }
        let kept = View { offset: *offset, shape: shape[..last].into(), strides: strides[..last].into() };
        Some(Leaves {
            fold,
            partials: Elements::new(&kept, dtype),
            step: strides[last],
            leaves,
            results: Elements::new(&results.view, dtype),
            item: dtype.size(),
            together: (ROOM / (leaves * dtype.size()).max(1)).max(1),
        })
    }

    /// Computes the results `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let Leaves { fold, partials, step, leaves, results, item, .. } = self;
        let together = self.together.min(last - first);
        with_scratch(leaves * together * item, |values| {
            for start in (first..last).step_by(together) {
                let count = together.min(last - start);
                for leaf in 0..*leaves {
                    // The base of a region is only ever used with an offset, so a leaf's step may be added to it.
                    let base = binding.bases[0].wrapping_add_signed((step * leaf as isize) as i64);
                    // SAFETY: the partials are readable, and there is room for `together` of every leaf.
                    unsafe { partials.load(base, start, count, values.wrapping_add(leaf * count * item)) };
                }
                // SAFETY: `leaves` rows of `count` values have been written; the results are writable.
                unsafe {
                    fold_tree(fold, values, *leaves, count, *item);
                    results.store(binding.bases[1], start, count, values);
                }
            }
        });
    }
}

/// One leaf, as a result.
///
/// # Safety
/// The values must be aligned and as many as said, and there be room for a result.
pub(crate) unsafe fn fold_closed(fold: &Fold, out: *mut u8, values: *const u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        (fold.leaf)(out, values, count);
        if let Some(close) = fold.close {
            close(out, 1);
        }
    }
}

/// Folds `count` rows of `columns` accumulators into the first one, in the fixed tree, which makes them results.
///
/// # Safety
/// The accumulators must be aligned and valid.
pub(crate) unsafe fn fold_tree(fold: &Fold, rows: *mut u8, count: usize, columns: usize, item: usize) {
    let row = |at: usize| rows.wrapping_add(at * columns * item);
    let mut half = count.next_power_of_two() / 2;
    while half > 0 {
        // All pairs of a level at once: rows lie side by side, and the two halves are apart.
        let pairs = half.min(count.saturating_sub(half));
        // SAFETY: `half + pairs` is at most `count`.
        unsafe { (fold.rows)(row(0), row(half), pairs * columns) };
        half /= 2;
    }
    if let Some(close) = fold.close {
        // SAFETY: the first row holds `columns` accumulators.
        unsafe { close(rows, columns) };
    }
}
