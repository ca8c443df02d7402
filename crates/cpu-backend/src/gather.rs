//! Reading by index.
//!
//! All views have the shape of the result. Its rows (the last axis, after joining axes) are of one of two kinds:
//!
//! ```text
//! slice:   the indices do not vary along the row: one address is computed, and a run of elements copied
//! points:  the indices vary: for a block of elements the distances are computed, then every element fetched
//! ```

use crate::program::with_scratch;
use crate::tile::{Space, address};
use maniple_runtime::{Arg, Binding, Indexed, Launch};
use smallvec::SmallVec;
use std::ptr;

/// Elements whose distances are computed at a time.
const BLOCK: usize = 512;

/// A gather made ready.
pub(crate) struct Gather {
    indexing: Indexing,
}

impl Gather {
    pub(crate) fn new(launch: &Launch, indexed: &Indexed) -> Gather {
        Gather { indexing: Indexing::new(&launch.args, indexed) }
    }

    /// Fetches the elements `first..last` of the result.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for, and every index lie within its axis.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            self.indexing.each(binding, first, last, |piece| match self.indexing.item {
                1 => fetch::<u8>(piece),
                2 => fetch::<u16>(piece),
                4 => fetch::<u32>(piece),
                8 => fetch::<u64>(piece),
                _ => fetch::<[u64; 2]>(piece),
            });
        }
    }
}

/// How index arrays and an indexed store lead to addresses.
pub(crate) struct Indexing {
    /// The common space of the indexed store, the indices, and the values.
    space: Space,
    offsets: Vec<isize>,
    /// For every index array the extent and the stride of the axis it indexes.
    axes: Vec<(i64, i64)>,
    /// Bytes of one element.
    pub(crate) item: usize,
    rows: Rows,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Slice,
    Points,
}

/// Elements of one row with their addresses.
pub(crate) enum Piece<'a> {
    /// Runs of `count` elements on both sides, with the bytes from one to the next.
    Slice { indexed: (*mut u8, isize), values: (*mut u8, isize), count: usize },
    /// Elements of the indexed store that lie where one index array says, at 8 bytes from one index to the next, and
    /// values side by side: the common case.
    Taken { indexed: *mut u8, indices: *const u8, axis: (i64, i64), values: *mut u8, count: usize },
    /// Elements of the indexed store at distances from one address, and the values from one to the next.
    Points { indexed: *mut u8, distances: &'a [i64], values: (*mut u8, isize) },
}

impl Indexing {
    /// `args` are the indexed store, the indices, and the values.
    pub(crate) fn new(args: &[Arg], indexed: &Indexed) -> Indexing {
        let space = Space::new(args.iter().map(|arg| &arg.view));
        let last = space.ndim() - 1;
        let varying = space.strides[1..args.len() - 1].iter().any(|strides| strides[last] != 0);
        Indexing {
            offsets: args.iter().map(|arg| arg.view.offset).collect(),
            axes: (indexed.extents.iter().zip(&indexed.strides))
                .map(|(&extent, &stride)| (extent as i64, stride as i64))
                .collect(),
            item: args[0].dtype.size(),
            rows: if varying { Rows::Points } else { Rows::Slice },
            space,
        }
    }

    /// Calls `work` for all elements of `first..last`, in C order.
    ///
    /// # Safety
    /// The binding must fit the arguments, and every index lie within its axis.
    pub(crate) unsafe fn each(
        &self,
        binding: &Binding,
        first: usize,
        last: usize,
        mut work: impl FnMut(Piece<'_>),
    ) {
        let Indexing { space, .. } = self;
        let (inner, axis) = (space.inner(), space.ndim() - 1);
        let mut index: SmallVec<[usize; 8]> = SmallVec::from_elem(0, space.ndim());
        let mut at = first;
        space.locate(at, &mut index);
        with_scratch(BLOCK * size_of::<i64>(), |scratch| {
            // SAFETY: scratch memory is initialised, aligned and as long as was asked for, and nobody else uses it.
            let distances = unsafe { std::slice::from_raw_parts_mut(scratch.cast::<i64>(), BLOCK) };
            let mut starts: SmallVec<[*mut u8; 8]> = SmallVec::from_elem(ptr::null_mut(), self.offsets.len());
            while at < last {
                for (number, start) in starts.iter_mut().enumerate() {
                    let offset = self.offsets[number] + space.offset(number, &index);
                    *start = address(binding.bases[number], offset);
                }
                let whole = (last - at) / inner;
                let count = if axis == 1 && index[axis] == 0 && whole > 1 && self.is_table() {
                    let rows = whole.min(space.shape[0] - index[0]);
                    // SAFETY: the caller's promise.
                    unsafe { self.table(&starts, rows, &mut work) };
                    index[0] += rows - 1;
                    index[axis] = inner;
                    rows * inner
                } else {
                    let count = (inner - index[axis]).min(last - at);
                    // SAFETY: the caller's promise.
                    unsafe { self.row(&starts, count, distances, &mut work) };
                    index[axis] += count;
                    count
                };
                at += count;
                // Carry into the axes outside, as far as rows end here.
                for axis in (1..=axis).rev() {
                    if index[axis] < space.shape[axis] {
                        break;
                    }
                    index[axis] = 0;
                    index[axis - 1] += 1;
                }
            }
        });
    }

    /// Whether whole rows of a table are taken, each where one index says.
    fn is_table(&self) -> bool {
        self.rows == Rows::Slice && self.axes.len() == 1
    }

    /// Several rows of a table: what is the same for all of them is looked at once.
    unsafe fn table(&self, starts: &[*mut u8], rows: usize, work: &mut impl FnMut(Piece<'_>)) {
        let ([(extent, stride)], [indexed, indices, values]) = (&self.axes[..], starts) else { return };
        let (inner, strides) = (self.space.inner(), &self.space.strides);
        for row in 0..rows as isize {
            let index = indices.wrapping_offset(strides[1][0] * row).cast::<i64>();
            // SAFETY: the index is readable.
            let distance = wrapped(unsafe { index.read_unaligned() }, *extent) * stride;
            work(Piece::Slice {
                indexed: (indexed.wrapping_offset(strides[0][0] * row + distance as isize), strides[0][1]),
                values: (values.wrapping_offset(strides[2][0] * row), strides[2][1]),
                count: inner,
            });
        }
    }

    unsafe fn row(
        &self,
        starts: &[*mut u8],
        count: usize,
        distances: &mut [i64],
        work: &mut impl FnMut(Piece<'_>),
    ) {
        let axis = self.space.ndim() - 1;
        let last = starts.len() - 1;
        let step = |number: usize| self.space.strides[number][axis];
        if self.rows == Rows::Slice {
            let mut distance = 0;
            for (&start, &(extent, stride)) in starts[1..last].iter().zip(&self.axes) {
                // SAFETY: the index is readable.
                distance += wrapped(unsafe { start.cast::<i64>().read_unaligned() }, extent) * stride;
            }
            let indexed = starts[0].wrapping_offset(distance as isize);
            return work(Piece::Slice {
                indexed: (indexed, step(0)),
                values: (starts[last], step(last)),
                count,
            });
        }
        if let ([axis], 0, 8) = (&self.axes[..], step(0), step(1))
            && step(last) == self.item as isize
        {
            let (indexed, indices, values) = (starts[0], starts[1].cast_const(), starts[2]);
            return work(Piece::Taken { indexed, indices, axis: *axis, values, count });
        }
        for begin in (0..count).step_by(BLOCK) {
            let block = BLOCK.min(count - begin);
            let distances = &mut distances[..block];
            for (at, distance) in distances.iter_mut().enumerate() {
                *distance = (step(0) * at as isize) as i64;
            }
            for (number, &(extent, stride)) in self.axes.iter().enumerate() {
                let (step, indices) = (step(number + 1), starts[number + 1]);
                let indices = indices.wrapping_offset(step * begin as isize);
                // SAFETY: the indices are readable, at any address.
                let index = |step: isize, at: usize| unsafe {
                    wrapped(
                        indices.wrapping_offset(step * at as isize).cast::<i64>().read_unaligned(),
                        extent,
                    )
                };
                // The common step is told to the compiler.
                if step == 8 {
                    distances
                        .iter_mut()
                        .enumerate()
                        .for_each(|(at, distance)| *distance += index(8, at) * stride);
                } else {
                    distances
                        .iter_mut()
                        .enumerate()
                        .for_each(|(at, distance)| *distance += index(step, at) * stride);
                }
            }
            let indexed = starts[0].wrapping_offset(step(0) * begin as isize);
            let values = starts[last].wrapping_offset(step(last) * begin as isize);
            work(Piece::Points { indexed, distances, values: (values, step(last)) });
        }
    }
}

/// Negative indices count from the end.
#[inline(always)]
pub(crate) fn wrapped(index: i64, extent: i64) -> i64 {
    index + (extent & (index >> 63))
}

/// Copies `count` elements between strided runs.
///
/// # Safety
/// Both runs must be valid, and be the same or not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_run<T: Copy>(from: (*mut u8, isize), to: (*mut u8, isize), count: usize) {
    let item = size_of::<T>() as isize;
    // SAFETY: the caller's promise; elements may lie at any address.
    unsafe {
        if from.1 == item && to.1 == item && count * size_of::<T>() > 32 {
            if count * size_of::<T>() <= 256 && count.is_multiple_of(4) {
                // A few registers' worth, which a call would take longer to choose the way for.
                for at in (0..count).step_by(4) {
                    let four = from.0.cast::<T>().add(at).cast::<[T; 4]>().read_unaligned();
                    to.0.cast::<T>().add(at).cast::<[T; 4]>().write_unaligned(four);
                }
                return;
            }
            return ptr::copy(from.0, to.0, count * size_of::<T>());
        }
        for at in 0..count as isize {
            let value = from.0.wrapping_offset(from.1 * at).cast::<T>().read_unaligned();
            to.0.wrapping_offset(to.1 * at).cast::<T>().write_unaligned(value);
        }
    }
}

unsafe fn fetch<T: Copy>(piece: Piece<'_>) {
    // SAFETY: the caller's promise; elements may lie at any address.
    unsafe {
        match piece {
            Piece::Slice { indexed, values, count } => copy_run::<T>(indexed, values, count),
            Piece::Taken { indexed, indices, axis: (extent, stride), values, count } => {
                for at in 0..count {
                    let index = indices.cast::<i64>().wrapping_add(at).read_unaligned();
                    let distance = wrapped(index, extent) * stride;
                    let value = indexed.wrapping_offset(distance as isize).cast::<T>().read_unaligned();
                    values.cast::<T>().wrapping_add(at).write_unaligned(value);
                }
            }
            Piece::Points { indexed, distances, values: (values, step) } => {
                for (at, &distance) in distances.iter().enumerate() {
                    let value = indexed.wrapping_offset(distance as isize).cast::<T>().read_unaligned();
                    values.wrapping_offset(step * at as isize).cast::<T>().write_unaligned(value);
                }
            }
        }
    }
}
