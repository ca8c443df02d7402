//! Random numbers.

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{BitGenerator, Dtype};
use maniple_runtime::{Binding, Launch};
use smallvec::SmallVec;
use std::ptr;

/// Numbers that are drawn at a time where they do not lie side by side.
const BLOCK: usize = 1024;

/// A draw made ready.
pub(crate) struct Draw {
    output: Elements,
    item: usize,
    draw: maniple_ops::Draw,
}

impl Draw {
    /// Nothing if numbers of the dtype are not drawn.
    pub(crate) fn new(launch: &Launch, generator: BitGenerator, dtype: Dtype) -> Option<Draw> {
        let output = Elements::new(&launch.args[0].view, dtype);
        Some(Draw { output, item: dtype.size(), draw: maniple_ops::draw(generator, dtype)? })
    }

    /// Draws the elements `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let state: SmallVec<[u64; 7]> = binding.scalars.iter().map(|word| word.get::<u64>()).collect();
        let (base, draw) = (binding.bases[0], self.draw);
        if let Some(block) = self.output.direct(base, first) {
            // SAFETY: the state has the generator's words, and the caller promises the room.
            return unsafe { draw(state.as_ptr(), first, last - first, block) };
        }
        with_scratch(BLOCK * self.item, |block| {
            for at in (first..last).step_by(BLOCK) {
                let count = BLOCK.min(last - at);
                // SAFETY: the block is aligned and has room for `count` elements, and the output is writable.
                unsafe {
                    draw(state.as_ptr(), at, count, block);
                    self.output.store(base, at, count, ptr::from_ref(&*block));
                }
            }
        });
    }
}
