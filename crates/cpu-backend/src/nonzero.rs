//! The indices of the true elements of a mask.

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{Block, Dtype, cast_block};
use maniple_runtime::{Binding, Launch};
use std::ptr;

/// Elements of the mask that are looked at together.
const BLOCK: usize = 1024;

/// A search for true elements made ready.
pub(crate) struct Nonzero {
    mask: Elements,
    shape: Vec<usize>,
    output: Elements,
    item: usize,
    /// What makes truth values of the mask's elements.
    truth: Block,
}

impl Nonzero {
    pub(crate) fn new(launch: &Launch) -> Nonzero {
        let [mask, output] = &launch.args[..] else { panic!("a mask and an output") };
        Nonzero {
            mask: Elements::new(&mask.view, mask.dtype),
            shape: mask.view.shape.to_vec(),
            output: Elements::new(&output.view, Dtype::Int64),
            item: mask.dtype.size(),
            truth: cast_block(mask.dtype, Dtype::Bool),
        }
    }

    /// Writes all indices.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for, and the output be as long as there are true elements.
    pub(crate) unsafe fn run(&self, binding: &Binding) {
        let size: usize = self.shape.iter().product();
        let mut found = 0;
        with_scratch(BLOCK * self.item + BLOCK, |scratch| {
            let (block, truths) = (scratch, scratch.wrapping_add(BLOCK * self.item));
            for start in (0..size).step_by(BLOCK) {
                let count = BLOCK.min(size - start);
                // SAFETY: the buffers have room for a block; the mask is readable.
                let truths = unsafe {
                    let direct = self.mask.direct(binding.bases[0], start).map(|mask| mask.cast_const());
                    let elements = direct.unwrap_or_else(|| {
                        self.mask.load(binding.bases[0], start, count, block);
                        block
                    });
                    (self.truth)([elements].as_ptr(), [truths].as_ptr(), count);
                    std::slice::from_raw_parts(truths, count)
                };
                for (group, bytes) in truths.chunks(8).enumerate() {
                    // Most masks are sparse or have long runs: eight false elements are passed over at once.
                    if bytes.iter().all(|&byte| byte == 0) {
                        continue;
                    }
                    for (at, _) in bytes.iter().enumerate().filter(|&(_, &byte)| byte != 0) {
                        // SAFETY: the caller's promise about the output.
                        unsafe { self.write(binding.bases[1], found, start + group * 8 + at) };
                        found += 1;
                    }
                }
            }
        });
    }

    unsafe fn write(&self, base: u64, row: usize, position: usize) {
        let ndim = self.shape.len();
        let mut rest = position;
        for axis in (0..ndim).rev() {
            let index = if axis == 0 { rest } else { rest % self.shape[axis] } as i64;
            if axis > 0 {
                rest /= self.shape[axis];
            }
            let target = self.output.at(base, row * ndim + axis);
            // SAFETY: the element is part of the output; it may lie at any address.
            unsafe { ptr::write_unaligned(target.cast::<i64>(), index) };
        }
    }
}
