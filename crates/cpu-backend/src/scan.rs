//! Running folds along the last axis.

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{Dtype, Fold, Op, Start, fold};
use maniple_runtime::{Binding, Launch, View};

/// Elements of a row that are scanned at a time.
const BLOCK: usize = 1024;
/// Rows that are scanned together where neighbours in memory belong to different rows.
const TOGETHER: usize = 512;

/// A scan made ready.
pub(crate) struct Scan {
    fold: Fold,
    input: Rows,
    output: Rows,
    n: usize,
    item: usize,
    way: Way,
}

/// How rows are walked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One after the other.
    Along,
    /// Many at a time, element by element.
    Across,
}

/// One argument: where its rows begin, and its elements.
struct Rows {
    starts: Elements,
    /// Bytes from one element of a row to the next.
    step: isize,
    all: Elements,
}

impl Scan {
    /// Nothing if the row does not fold.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype) -> Option<Scan> {
        let fold = fold(op, dtype)?;
        let [input, output] = &launch.args[..] else { return None };
        let last = input.view.ndim() - 1;
        let neighbours = |view: &View, axis: usize| view.strides[axis].unsigned_abs() == dtype.size();
        let across = (0..last).any(|axis| neighbours(&output.view, axis) && output.view.shape[axis] > 8)
            && !neighbours(&output.view, last);
        Some(Scan {
            fold,
            n: input.view.shape[last],
            input: Rows::new(&input.view, dtype),
            output: Rows::new(&output.view, dtype),
            item: dtype.size(),
            way: if across { Way::Across } else { Way::Along },
        })
    }

    /// Scans the rows `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        with_scratch(2 * BLOCK.max(TOGETHER) * self.item + 64, |scratch| {
            // SAFETY: the caller's promise.
            unsafe {
                match self.way {
                    Way::Along => (first..last).for_each(|row| self.along(binding, row, scratch)),
                    Way::Across => {
                        for start in (first..last).step_by(TOGETHER) {
                            self.across(binding, start, TOGETHER.min(last - start), scratch);
                        }
                    }
                }
            }
        });
    }

    unsafe fn along(&self, binding: &Binding, row: usize, scratch: *mut u8) {
        let Scan { fold, input, output, n, item, .. } = self;
        let (carry, from, to) = (scratch, scratch.wrapping_add(64), scratch.wrapping_add(64 + BLOCK * item));
        for start in (0..*n).step_by(BLOCK) {
            let count = BLOCK.min(n - start);
            let position = row * n + start;
            // SAFETY: the block lies within the row; an input that the output overwrites goes through a buffer, since
            // the loop's operands must not overlap.
            unsafe {
                let target = output.all.direct(binding.bases[1], position);
                let source =
                    input.all.direct(binding.bases[0], position).filter(|&source| Some(source) != target);
                let source = source.unwrap_or_else(|| {
                    input.all.load(binding.bases[0], position, count, from);
                    from
                });
                let begin = if start == 0 { Start::First } else { Start::Continued };
                (fold.scan)(target.unwrap_or(to), source, count, carry, begin);
                if target.is_none() {
                    output.all.store(binding.bases[1], position, count, to);
                }
            }
        }
    }

    unsafe fn across(&self, binding: &Binding, row: usize, count: usize, scratch: *mut u8) {
        let Scan { fold, input, output, n, item, .. } = self;
        let (sums, values) = (scratch, scratch.wrapping_add(TOGETHER * item));
        for at in 0..*n {
            // SAFETY: the elements number `at` of `count` rows; the buffers have room for them.
            unsafe {
                if at == 0 {
                    input.starts.load(binding.bases[0], row, count, sums);
                } else {
                    input.starts.load(input.moved(binding.bases[0], at), row, count, values);
                    (fold.rows)(sums, values, count);
                }
                output.starts.store(output.moved(binding.bases[1], at), row, count, sums);
            }
        }
    }
}

impl Rows {
    fn new(view: &View, dtype: Dtype) -> Rows {
        let View { offset, shape, strides } = view;
        let last = shape.len() - 1;
        let starts = View { offset: *offset, shape: shape[..last].into(), strides: strides[..last].into() };
        Rows { starts: Elements::new(&starts, dtype), step: strides[last], all: Elements::new(view, dtype) }
    }

    /// The base that makes `starts` name the elements number `at` of all rows.
    fn moved(&self, base: u64, at: usize) -> u64 {
        base.wrapping_add_signed((self.step * at as isize) as i64)
    }
}
