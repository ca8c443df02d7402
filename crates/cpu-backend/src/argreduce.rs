//! The index of the first largest or smallest element.

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{Arg, ArgLeaf, Dtype, arg_leaf};
use maniple_runtime::{Binding, Extreme, Launch};
use std::ptr;

/// Elements that are loaded at a time where they do not lie side by side.
const BLOCK: usize = 1024;
/// Results that are stored together.
const RESULTS: usize = 256;

/// A search for extremes made ready.
pub(crate) struct ArgReduction {
    leaf: ArgLeaf,
    input: Elements,
    output: Elements,
    /// Elements per result.
    n: usize,
    item: usize,
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
        Some(ArgReduction {
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
                let rows = self.input.direct(binding.bases[0], begin * self.n);
                for (at, found) in found.iter_mut().enumerate() {
                    // SAFETY: the elements of a result follow one another.
                    *found = unsafe {
                        match rows {
                            Some(rows) => (self.leaf)(rows.wrapping_add(at * self.n * self.item), self.n),
                            None => self.search(binding, (begin + at) * self.n, scratch),
                        }
                    } as i64;
                }
                // SAFETY: the output is writable.
                unsafe { self.output.store(binding.bases[1], begin, found.len(), found.as_ptr().cast()) };
            }
        });
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
