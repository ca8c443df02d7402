//! Writing by index, in C order: of several writes to one element the last one stays, or all are combined.

use crate::gather::{Indexing, Piece, copy_run, wrapped};
use maniple_ops::{Block, Op, block};
use maniple_runtime::{Binding, Indexed, Launch};
use std::ptr;

/// A scatter made ready.
pub(crate) struct Scatter {
    indexing: Indexing,
    combine: Option<Block>,
}

impl Scatter {
    /// Nothing if the combining row has no function for the dtype.
    pub(crate) fn new(launch: &Launch, indexed: &Indexed, combine: Option<Op>) -> Option<Scatter> {
        let combine = match combine {
            Some(op) => Some(block(op, launch.args[0].dtype)?),
            None => None,
        };
        Some(Scatter { indexing: Indexing::new(&launch.args, indexed), combine })
    }

    /// Writes the values `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for, and every index lie within its axis.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let item = self.indexing.item;
        // SAFETY: the caller's promise.
        unsafe {
            self.indexing.each(binding, first, last, |piece| match (self.combine, item) {
                (Some(block), _) => combine(piece, block, item),
                (None, 1) => put::<u8>(piece),
                (None, 2) => put::<u16>(piece),
                (None, 4) => put::<u32>(piece),
                (None, 8) => put::<u64>(piece),
                (None, _) => put::<[u64; 2]>(piece),
            });
        }
    }
}

unsafe fn put<T: Copy>(piece: Piece<'_>) {
    // SAFETY: the caller's promise; elements may lie at any address.
    unsafe {
        match piece {
            Piece::Slice { indexed, values, count } => copy_run::<T>(values, indexed, count),
            Piece::Taken { indexed, indices, axis: (extent, stride), values, count } => {
                for at in 0..count {
                    let index = indices.cast::<i64>().wrapping_add(at).read_unaligned();
                    let target = indexed.wrapping_offset((wrapped(index, extent) * stride) as isize);
                    target.cast::<T>().write_unaligned(values.cast::<T>().wrapping_add(at).read_unaligned());
                }
            }
            Piece::Points { indexed, distances, values: (values, step) } => {
                for (at, &distance) in distances.iter().enumerate() {
                    let value = values.wrapping_offset(step * at as isize).cast::<T>().read_unaligned();
                    indexed.wrapping_offset(distance as isize).cast::<T>().write_unaligned(value);
                }
            }
        }
    }
}

/// Combines old and new values one by one: the same element may come several times.
unsafe fn combine(piece: Piece<'_>, block: Block, item: usize) {
    let one = |indexed: *mut u8, value: *mut u8| {
        let (mut old, mut new, mut result) = ([0u64; 2], [0u64; 2], [0u64; 2]);
        // SAFETY: the elements are valid, at any address; the copies are aligned and apart.
        unsafe {
            ptr::copy_nonoverlapping(indexed, old.as_mut_ptr().cast(), item);
            ptr::copy_nonoverlapping(value, new.as_mut_ptr().cast(), item);
            let ins = [old.as_ptr().cast(), new.as_ptr().cast()];
            let outs = [result.as_mut_ptr().cast()];
            block(ins.as_ptr(), outs.as_ptr(), 1);
            ptr::copy_nonoverlapping(result.as_ptr().cast(), indexed, item);
        }
    };
    match piece {
        Piece::Slice { indexed, values, count } => {
            for at in 0..count as isize {
                one(indexed.0.wrapping_offset(indexed.1 * at), values.0.wrapping_offset(values.1 * at));
            }
        }
        Piece::Taken { indexed, indices, axis: (extent, stride), values, count } => {
            for at in 0..count {
                // SAFETY: the index is readable.
                let index = unsafe { indices.cast::<i64>().wrapping_add(at).read_unaligned() };
                let target = indexed.wrapping_offset((wrapped(index, extent) * stride) as isize);
                one(target, values.wrapping_add(at * item));
            }
        }
        Piece::Points { indexed, distances, values: (values, step) } => {
            for (at, &distance) in distances.iter().enumerate() {
                one(indexed.wrapping_offset(distance as isize), values.wrapping_offset(step * at as isize));
            }
        }
    }
}
