//! The index of the first largest or smallest element.

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{Arg, ArgColumns, ArgLeaf, Dtype, arg_columns, arg_leaf};
use maniple_runtime::{Binding, Extreme, Launch};
use std::ptr;

/// Elements that are loaded at a time where they do not lie side by side.
const BLOCK: usize = 1024;
/// Results that are stored together.
const RESULTS: usize = 256;
/// Rows shorter than this are searched several at a time.
const SHORT: usize = 256;
/// Fewer rows, and fewer columns side by side, than this are searched one by one.
const FEW: usize = 4;

/// A search for extremes made ready.
pub(crate) struct ArgReduction {
    leaf: ArgLeaf,
    input: Elements,
    output: Elements,
    /// Elements per result.
    n: usize,
    item: usize,
    columns: ArgColumns,
    /// Where results lie side by side: how many of them, and the bytes from one of their elements to the next.
    beside: Option<(usize, isize)>,
}

impl ArgReduction {
    /// Nothing if there is nothing to choose from.
    pub(crate) fn new(launch: &Launch, goal: Extreme, dtype: Dtype) -> Option<ArgReduction> {
        let [input, output] = &launch.args[..] else { return None };
        let goal = match goal {
            Extreme::Largest => Arg::Max,
            Extreme::Smallest => Arg::Min,
        };
        let n = input.view.size().checked_div(output.view.size()).filter(|&n| n > 0)?;
        let kept = output.view.ndim();
        let beside = match (&input.view.shape[kept..], &input.view.strides[kept..]) {
            ([_], &[along]) if kept > 0 && input.view.strides[kept - 1] == dtype.size() as isize => {
                Some((input.view.shape[kept - 1], along)).filter(|&(columns, _)| columns >= FEW)
            }
            _ => None,
        };
        Some(ArgReduction {
            columns: arg_columns(dtype, goal),
            beside,
            leaf: arg_leaf(dtype, goal),
            input: Elements::new(&input.view, dtype),
            output: Elements::new(&output.view, Dtype::Int64),
            n,
            item: dtype.size(),
        })
    }

    /// Computes the results `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let mut found = [0i64; RESULTS];
        with_scratch((BLOCK + 2) * self.item, |scratch| {
            for begin in (first..last).step_by(RESULTS) {
                let found = &mut found[..RESULTS.min(last - begin)];
                // SAFETY: the elements are readable; those of a direct result follow one another.
                unsafe {
                    if let Some(rows) = self.input.direct(binding.bases[0], begin * self.n) {
                        self.search_rows(rows, found);
                    } else if let Some((columns, along)) = self.beside {
                        self.search_columns(binding, begin, columns, along, found);
                    } else {
                        for (at, found) in found.iter_mut().enumerate() {
                            *found = self.search(binding, (begin + at) * self.n, scratch) as i64;
                        }
                    }
                }
                // SAFETY: the output is writable.
                unsafe { self.output.store(binding.bases[1], begin, found.len(), found.as_ptr().cast()) };
            }
        });
    }

    /// Goes through rows that follow one another.
    unsafe fn search_rows(&self, rows: *const u8, found: &mut [i64]) {
        let row = self.n * self.item;
        // SAFETY: the caller's promise.
        unsafe {
            if self.n < SHORT && found.len() >= FEW {
                let (along, across) = (self.item as isize, row as isize);
                return (self.columns)(rows, along, across, self.n, found.len(), found.as_mut_ptr());
            }
            for (at, found) in found.iter_mut().enumerate() {
                *found = (self.leaf)(rows.add(at * row), self.n) as i64;
            }
        }
    }

    /// Goes through columns of which `columns` lie side by side.
    unsafe fn search_columns(
        &self,
        binding: &Binding,
        first: usize,
        columns: usize,
        along: isize,
        found: &mut [i64],
    ) {
        let mut done = 0;
        while done < found.len() {
            let at = first + done;
            let count = (found.len() - done).min(columns - at % columns);
            let start = self.input.at(binding.bases[0], at * self.n);
            // SAFETY: the caller's promise; the columns are of one line.
            unsafe {
                let across = self.item as isize;
                (self.columns)(start, along, across, self.n, count, found[done..].as_mut_ptr());
            }
            done += count;
        }
    }

    /// Goes through strided elements block by block; a block's best is compared with the best so far, which comes first
    /// and so wins a tie.
    unsafe fn search(&self, binding: &Binding, start: usize, block: *mut u8) -> usize {
        let pair = block.wrapping_add(BLOCK * self.item);
        let mut best = 0;
        for begin in (0..self.n).step_by(BLOCK) {
            let count = BLOCK.min(self.n - begin);
            // SAFETY: the block has room for `BLOCK` elements and the pair for two.
            unsafe {
                self.input.load(binding.bases[0], start + begin, count, block);
                let found = (self.leaf)(block, count);
                let candidate = pair.wrapping_add(if begin == 0 { 0 } else { self.item });
                ptr::copy_nonoverlapping(block.wrapping_add(found * self.item), candidate, self.item);
                if begin == 0 {
                    best = found;
                } else if (self.leaf)(pair, 2) == 1 {
                    best = begin + found;
                    ptr::copy_nonoverlapping(candidate, pair, self.item);
                }
            }
        }
        best
    }
}
