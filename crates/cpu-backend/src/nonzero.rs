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
        let mut row = Row { index: vec![0; self.shape.len().saturating_sub(1)], start: 0 };
        let mut places = [0; BLOCK];
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
                let places = compress(truths, &mut places);
                // SAFETY: the caller's promise about the output.
                unsafe {
                    match self.shape.len() {
                        1 => self.write_positions(binding.bases[1], found, start, places),
                        _ => self.write_indices(binding.bases[1], found, start, places, &mut row),
                    }
                }
                found += places.len();
            }
        });
    }

    /// Writes the positions of a line, from a row of the output on.
    unsafe fn write_positions(&self, base: u64, found: usize, start: usize, places: &[u16]) {
        if places.is_empty() {
            return;
        }
        if let Some(target) = self.output.direct(base, found) {
            // SAFETY: the rows from `found` on are part of the output, lie side by side and are aligned.
            let rows = unsafe { std::slice::from_raw_parts_mut(target.cast::<i64>(), places.len()) };
            rows.iter_mut().zip(places).for_each(|(row, &place)| *row = (start + place as usize) as i64);
            return;
        }
        for (at, &place) in places.iter().enumerate() {
            // SAFETY: the element is part of the output; it may lie at any address.
            unsafe { self.write(base, found + at, start + place as usize) };
        }
    }

    /// Writes the indices of some axes other than one. Positions ascend, so the rows they lie in are walked through.
    unsafe fn write_indices(&self, base: u64, found: usize, start: usize, places: &[u16], row: &mut Row) {
        let ndim = self.shape.len();
        for (at, &place) in places.iter().enumerate() {
            let position = start + place as usize;
            row.reach(position, &self.shape);
            for (axis, &index) in row.index.iter().enumerate() {
                // SAFETY: the element is part of the output; it may lie at any address.
                unsafe { self.write(base, (found + at) * ndim + axis, index) };
            }
            if ndim > 0 {
                // SAFETY: as above.
                unsafe { self.write(base, (found + at) * ndim + ndim - 1, position - row.start) };
            }
        }
    }

    unsafe fn write(&self, base: u64, element: usize, value: usize) {
        // SAFETY: the caller vouches for the element, which may lie at any address.
        unsafe { ptr::write_unaligned(self.output.at(base, element).cast::<i64>(), value as i64) };
    }
}

/// A walk along the last axis of the mask.
struct Row {
    /// Where it is along the axes but the last.
    index: Vec<usize>,
    /// The position of its first element.
    start: usize,
}

impl Row {
    /// Goes on to the row that holds a position.
    fn reach(&mut self, position: usize, shape: &[usize]) {
        let Some(&inner) = shape.last() else { return };
        while position >= self.start + inner {
            self.start += inner;
            for (index, &extent) in self.index.iter_mut().zip(shape).rev() {
                *index += 1;
                if *index < extent {
                    break;
                }
                *index = 0;
            }
        }
    }
}

/// The places of the true elements of a block. Every place is written, and the next takes its room unless it was true:
/// branches would be mispredicted half of the time.
fn compress<'a>(truths: &[u8], places: &'a mut [u16; BLOCK]) -> &'a [u16] {
    let mut found = 0;
    for (group, bytes) in truths.chunks(8).enumerate() {
        // Most masks are sparse or have long runs: eight false elements are passed over at once.
        if bytes.iter().all(|&byte| byte == 0) {
            continue;
        }
        for (at, &byte) in bytes.iter().enumerate() {
            places[found % BLOCK] = (group * 8 + at) as u16;
            found += usize::from(byte != 0);
        }
    }
    &places[..found]
}
