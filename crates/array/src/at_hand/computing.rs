//! Operations, copies and folds of small arrays, by the loops that tasks use: with the same bits and floating point events.
//!
//! ```text
//! for every row of the joint shape, a chunk at a time:
//!     load   operands that do not lie contiguously or are of another dtype, into buffers
//!     run    the loop of the operation
//!     store  the result, if it could not be written where it belongs
//! ```

use super::SMALL;
use crate::broadcast::broadcast_strides;
use crate::{Array, runtime, session};
use maniple_ops::{Block, Dtype, Element, LEAF, Op, Scalar, block, cast_block, cast_may_raise, fold};
use maniple_runtime::{During, Handle, Heard, Privilege, Shape, Strides};
use smallvec::SmallVec;
use std::mem::MaybeUninit;
use std::ptr;

/// Elements that are computed at a time where something is in a buffer.
const CHUNK: usize = 256;
/// More rows than this are better off as a task.
const MOST_ROWS: usize = 64;
/// Arrays and constants of an operation, with its result.
const MOST_OPERANDS: usize = 4;

/// What an operation reads.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// An array.
    Array(&'a Array),
    /// A constant, of the dtype that the loop takes.
    Scalar(&'a Scalar),
}

/// Computes `op` in the loop of a key dtype, which takes the dtypes `wanted` and gives that of `out`. The inputs are arrays
/// or the next of the constants. Answers whether it did; otherwise a task has to. The result has the joint shape, and overlaps
/// inputs element on element or not at all.
pub(crate) fn apply<'a>(
    (op, key): (Op, Dtype),
    inputs: impl Iterator<Item = Option<&'a Array>> + Clone,
    constants: &'a [Scalar],
    wanted: &[Dtype],
    out: &'a Array,
) -> bool {
    let Some(block) = block(op, key) else { return false };
    let mut constants = constants.iter();
    let source = move |array: Option<&'a Array>| match array {
        Some(array) => Some(Source::Array(array)),
        None => constants.next().map(Source::Scalar),
    };
    let sources = inputs.filter_map(source);
    compute(block, sources, wanted, out, heard(During::Row(op)))
}

/// Sets an array to another one of the same shape, which it overlaps element on element or not at all, or to a constant.
/// Answers whether it did; otherwise a task has to.
pub(crate) fn fill<'a>(source: Source<'a>, out: &'a Array) -> bool {
    let from = match source {
        Source::Array(array) => array.dtype,
        Source::Scalar(scalar) => scalar.dtype(),
    };
    let block = if from != out.dtype {
        cast_block(from, out.dtype)
    } else {
        // Bits are copied: half precision numbers would be made single ones on the way.
        let bits = match from.size() {
            1 => Dtype::UInt8,
            2 => Dtype::UInt16,
            4 => Dtype::UInt32,
            8 => Dtype::UInt64,
            _ => Dtype::Complex128,
        };
        cast_block(bits, bits)
    };
    compute(block, [source].into_iter(), &[from], out, heard(During::Cast))
}

/// Folds all of a contiguous array into an array of one element, if one leaf holds them and converting them raises no events.
/// Answers whether it did; otherwise a task has to.
pub(crate) fn fold_leaf(op: Op, array: &Array, out: &Array) -> bool {
    let (count, converts) = (array.size(), array.dtype != out.dtype);
    if !runtime().computes_at_hand()
        || count > LEAF
        || converts && (cast_may_raise(array.dtype, out.dtype) || out.dtype.size() > size_of::<u64>())
    {
        return false;
    }
    let Some(fold) = fold(op, out.dtype) else { return false };
    let regions = [(&array.region, Privilege::Read), (&out.region, Privilege::Write)];
    runtime().run_at_hand(&regions, heard(During::Row(op)), |addresses| {
        let (from, to) = (element_zero(array, addresses[0]).cast_const(), element_zero(out, addresses[1]));
        if from.addr() % array.dtype.size() != 0 {
            return false;
        }
        let mut converted = [MaybeUninit::<u64>::uninit(); LEAF];
        // SAFETY: the runtime says that the regions' bytes are at these addresses, idle, and stay so; the views lie within
        // them. One is contiguous and aligned, the other a region of its own. There is room for as many elements of up to
        // eight bytes.
        unsafe {
            let elements = if converts {
                let room = converted.as_mut_ptr().cast::<u8>();
                cast_block(array.dtype, out.dtype)([from].as_ptr(), [room].as_ptr(), count);
                room.cast_const()
            } else {
                from
            };
            (fold.leaf)(to, elements, count);
            if let Some(close) = fold.close {
                close(to, 1);
            }
        }
        true
    })
}

/// Folds an array along one axis, of which one leaf holds all elements, into a new contiguous array: its elements are those of
/// the `kept` axes in this order. Answers whether it did; otherwise a task has to.
///
/// A leaf of a row and one of a column are the same arithmetic, so this one goes row by row.
pub(crate) fn fold_axis(op: Op, array: &Array, folded: &[usize], kept: &[usize], out: &Array) -> bool {
    let (&[axis], results) = (folded, out.size()) else { return false };
    let (n, stride) = (array.view.shape[axis], array.view.strides[axis]);
    let (item, to_item) = (array.dtype.size(), out.dtype.size());
    let small = n <= LEAF && array.size() * item <= SMALL && (1..=MOST_ROWS).contains(&results) && n > 0;
    if !runtime().computes_at_hand() || !small || cast_may_raise(array.dtype, out.dtype) {
        return false;
    }
    let Some(fold) = fold(op, out.dtype) else { return false };
    let cast = (array.dtype != out.dtype).then(|| cast_block(array.dtype, out.dtype));
    let regions = [(&array.region, Privilege::Read), (&out.region, Privilege::Write)];
    runtime().run_at_hand(&regions, heard(During::Row(op)), |addresses| {
        let (mut row, to) = (element_zero(array, addresses[0]).cast_const(), element_zero(out, addresses[1]));
        let plain = stride == item as isize && row.addr() % item == 0 && kept_are_aligned(array, kept);
        let mut gathered = Leaf([MaybeUninit::uninit(); 16 * LEAF]);
        let mut converted = Leaf([MaybeUninit::uninit(); 16 * LEAF]);
        let mut index: Shape = SmallVec::from_elem(0, kept.len());
        for result in 0..results {
            if result > 0 {
                for (index, &axis) in index.iter_mut().zip(kept).rev() {
                    let (extent, stride) = (array.view.shape[axis], array.view.strides[axis]);
                    *index += 1;
                    if *index < extent {
                        row = row.wrapping_offset(stride);
                        break;
                    }
                    *index = 0;
                    row = row.wrapping_offset(stride * (1 - extent as isize));
                }
            }
            // SAFETY: the runtime says that the regions' bytes are at these addresses, idle, and stay so; the views lie within
            // them; there is room for a leaf of any elements, aligned, and for so many results.
            unsafe {
                let mut elements = row;
                if !plain {
                    let room = gathered.0.as_mut_ptr().cast::<u8>();
                    copy(item, row, stride, room, item as isize, n);
                    elements = room.cast_const();
                }
                if let Some(cast) = cast {
                    let room = converted.0.as_mut_ptr().cast::<u8>();
                    cast([elements].as_ptr(), [room].as_ptr(), n);
                    elements = room.cast_const();
                }
                (fold.leaf)(to.add(result * to_item), elements, n);
            }
        }
        if let Some(close) = fold.close {
            // SAFETY: so many results were just stored.
            unsafe { close(to, results) };
        }
        true
    })
}

/// Room for a leaf of the largest elements.
#[repr(align(64))]
struct Leaf([MaybeUninit<u8>; 16 * LEAF]);

/// Whether steps along some axes keep elements aligned.
fn kept_are_aligned(array: &Array, axes: &[usize]) -> bool {
    let item = array.dtype.size() as isize;
    axes.iter().all(|&axis| array.view.strides[axis] % item == 0)
}

/// Sets each element of a new contiguous array, in order, to what a function says of its position, raising no events anybody hears of.
/// Answers whether it did; otherwise a task has to.
pub(crate) fn count<T: Element>(out: &Array, mut element: impl FnMut(usize) -> T) -> bool {
    debug_assert!(out.dtype == T::DTYPE && out.is_c_contiguous());
    let size = out.size();
    if !runtime().computes_at_hand() || size * size_of::<T>() > SMALL {
        return false;
    }
    let heard = Heard { watch: 0, ..heard(During::Cast) };
    runtime().run_at_hand(&[(&out.region, Privilege::Write)], heard, |addresses| {
        let to = element_zero(out, addresses[0]).cast::<T>();
        for at in 0..size {
            // SAFETY: the runtime says that the region's bytes are at this address, idle, and stay so; a region of its own
            // is aligned, and so many elements lie in it.
            unsafe { to.add(at).write(element(at)) };
        }
        true
    })
}

/// What this thread wants to hear about.
fn heard(during: During) -> Heard {
    Heard { watch: session::watch(), during, line: session::line }
}

fn element_zero(array: &Array, region: u64) -> *mut u8 {
    ptr::with_exposed_provenance_mut::<u8>(region as usize).wrapping_offset(array.view.offset)
}

/// What a loop reads or writes.
struct Operand<'a> {
    source: Source<'a>,
    /// Over the joint shape; none for a constant.
    strides: &'a [isize],
    item: usize,
    /// The loop that converts it.
    cast: Option<Block>,
    /// Whether loops work on a buffer, not on its memory.
    buffered: bool,
}

impl<'a> Operand<'a> {
    fn constant(scalar: &'a Scalar) -> Operand<'a> {
        let (source, item) = (Source::Scalar(scalar), scalar.dtype().size());
        Operand { source, strides: &[], item, cast: None, buffered: true }
    }

    /// An array for a loop that takes some dtype; nothing if its conversion may raise events.
    fn array(array: &'a Array, strides: &'a [isize], dtype: Dtype) -> Option<Operand<'a>> {
        let cast = match array.dtype == dtype {
            true => None,
            false if cast_may_raise(array.dtype, dtype) => return None,
            false => Some(cast_block(array.dtype, dtype)),
        };
        let item = array.dtype.size();
        let adjoining = strides.last() == Some(&(item as isize));
        let apart = strides.iter().any(|stride| stride % item as isize != 0);
        let buffered = cast.is_some() || !adjoining || apart;
        Some(Operand { source: Source::Array(array), strides, item, cast, buffered })
    }

    /// Puts elements into a buffer, converted with the help of another.
    ///
    /// # Safety
    /// The elements must be readable, and the buffers have room for them, aligned.
    unsafe fn load(&self, from: *const u8, count: usize, buffer: *mut u8, between: *mut u8) {
        let item = self.item as isize;
        // SAFETY: the caller's promise.
        unsafe {
            match self.cast {
                None => copy(self.item, from, self.step(), buffer, item, count),
                Some(cast) => {
                    copy(self.item, from, self.step(), between, item, count);
                    cast([between.cast_const()].as_ptr(), [buffer].as_ptr(), count);
                }
            }
        }
    }

    /// Bytes from a position of a row to the next one.
    fn step(&self) -> isize {
        self.strides.last().copied().unwrap_or(0)
    }
}

/// As [`compute`], for arrays of the dtypes that the loop takes, all of the result's shape and without gaps, of which none is
/// the result, and a few constants: there are no rows to go through. Nothing if something is different.
fn compute_flat<'a>(
    block: Block,
    sources: impl Iterator<Item = Source<'a>>,
    wanted: &[Dtype],
    out: &'a Array,
    heard: Heard,
) -> Option<bool> {
    if !out.is_c_contiguous() {
        return None;
    }
    let size = out.size();
    let mut inputs: SmallVec<[Source<'a>; MOST_OPERANDS]> = SmallVec::new();
    let mut regions: SmallVec<[(&Handle, Privilege); MOST_OPERANDS]> = SmallVec::new();
    regions.push((&out.region, Privilege::Write));
    for (source, &dtype) in sources.zip(wanted) {
        match source {
            Source::Scalar(_) if size > CHUNK => return None,
            Source::Scalar(_) => {}
            Source::Array(array) => {
                let plain = array.dtype == dtype && array.has_shape_of(out) && array.is_c_contiguous();
                if !plain || array.has_region_of(out) || size * dtype.size() > SMALL {
                    return None;
                }
                regions.push((&array.region, Privilege::Read));
            }
        }
        inputs.push(source);
    }
    Some(runtime().run_at_hand(&regions, heard, |addresses| {
        let mut buffers = [Buffer([MaybeUninit::uninit(); 16 * CHUNK]); MOST_OPERANDS];
        let mut ins = [ptr::null::<u8>(); MOST_OPERANDS];
        let outs = [element_zero(out, addresses[0])];
        let mut addresses = addresses[1..].iter();
        let mut aligned = outs[0].addr().is_multiple_of(out.dtype.size());
        for ((place, source), buffer) in ins.iter_mut().zip(&inputs).zip(&mut buffers) {
            *place = match source {
                Source::Array(array) => {
                    let from = element_zero(array, *addresses.next().expect("every array has a region"));
                    aligned &= from.addr().is_multiple_of(array.dtype.size());
                    from
                }
                Source::Scalar(scalar) => {
                    let (item, to) = (scalar.dtype().size(), buffer.0.as_mut_ptr().cast::<u8>());
                    // SAFETY: a scalar's bytes are readable, and a buffer has room for a chunk of any elements.
                    unsafe { copy(item, scalar.as_bytes().as_ptr(), 0, to, item as isize, size) };
                    to
                }
            };
        }
        if aligned {
            // SAFETY: the runtime says that the regions' bytes are at these addresses, idle, and stay so; the arrays lie
            // within them, without gaps and aligned, and the result is none of the inputs.
            unsafe { block(ins.as_ptr(), outs.as_ptr(), size) };
        }
        aligned
    }))
}

/// Runs a loop that takes the dtypes `wanted` over the joint shape, which is that of `out`, or leaves it to a task.
fn compute<'a>(
    block: Block,
    sources: impl Iterator<Item = Source<'a>> + Clone,
    wanted: &[Dtype],
    out: &'a Array,
    heard: Heard,
) -> bool {
    /// The strides of a row of adjoining elements are a part of this that begins with their size.
    const SIZES: [isize; 17] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let size = out.size();
    if !runtime().computes_at_hand() || size == 0 || size > SMALL {
        return false;
    }
    if size * out.dtype.size() <= SMALL
        && let Some(done) = compute_flat(block, sources.clone(), wanted, out, heard)
    {
        return done;
    }
    let result = (Source::Array(out), &out.dtype);
    let all = sources.zip(wanted).chain([result]);
    let arrays = all.clone().filter_map(|(source, _)| match source {
        Source::Array(array) => Some(array),
        Source::Scalar(_) => None,
    });
    let flat = arrays.clone().all(|array| array.shape() == out.shape() && array.is_c_contiguous());
    let joint = if flat { &[size][..] } else { out.shape() };
    let inner = joint[joint.len() - 1];
    if size / inner > MOST_ROWS || arrays.clone().any(|array| size * array.dtype.size() > SMALL) {
        return false;
    }
    let mut broadcast: SmallVec<[Strides; MOST_OPERANDS]> = SmallVec::new();
    for array in arrays.filter(|array| array.shape() != out.shape()) {
        let Some(strides) = broadcast_strides(&array.view, joint) else { return false };
        broadcast.push(strides);
    }
    let mut broadcast = broadcast.iter();
    let mut operands: SmallVec<[Operand<'_>; MOST_OPERANDS]> = SmallVec::new();
    let mut regions: SmallVec<[(&Handle, Privilege); MOST_OPERANDS]> = SmallVec::new();
    for (source, &dtype) in all {
        let operand = match source {
            Source::Scalar(scalar) => Some(Operand::constant(scalar)),
            Source::Array(array) => {
                regions.push((&array.region, Privilege::Read));
                let strides = match array.dtype.size() {
                    item if flat => &SIZES[item..=item],
                    _ if array.shape() == out.shape() => &array.view.strides,
                    _ => broadcast.next().map_or(&[][..], |strides| strides),
                };
                Operand::array(array, strides, dtype)
            }
        };
        let Some(operand) = operand else { return false };
        operands.push(operand);
    }
    if let (Some(result), Some((last, others))) = (operands.last_mut(), regions.split_last_mut()) {
        last.1 = Privilege::Write;
        // Loops take it that nothing they read is what they write.
        result.buffered |= others.iter().any(|(region, _)| region.id == out.region.id);
    }
    runtime().run_at_hand(&regions, heard, |addresses| {
        // SAFETY: the runtime says that the regions' bytes are at these addresses, idle, and stay so; the views lie within
        // them, and over the joint shape the strides stay within the views.
        unsafe { run(block, &mut operands, addresses, joint, size / inner, inner) };
        true
    })
}

/// Room for a chunk of the largest elements.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Buffer([MaybeUninit<u8>; 16 * CHUNK]);

/// Runs a loop over rows of the joint shape, of `inner` positions each. The last operand is the result; `regions` are the
/// addresses of the arrays' regions.
///
/// # Safety
/// The arrays must be readable, or writable, over the joint shape.
unsafe fn run(
    block: Block,
    operands: &mut [Operand<'_>],
    regions: &[u64],
    joint: &[usize],
    rows: usize,
    inner: usize,
) {
    let mut buffers = [Buffer([MaybeUninit::uninit(); 16 * CHUNK]); MOST_OPERANDS + 1];
    let buffers = buffers.each_mut().map(|buffer| buffer.0.as_mut_ptr().cast::<u8>());
    let mut origins = [ptr::null_mut::<u8>(); MOST_OPERANDS];
    let mut regions = regions.iter();
    for (at, operand) in operands.iter_mut().enumerate() {
        origins[at] = match operand.source {
            Source::Array(array) => element_zero(array, *regions.next().expect("every array has a region")),
            Source::Scalar(_) => buffers[at],
        };
        operand.buffered |= origins[at].addr() % operand.item != 0;
        if let Source::Scalar(scalar) = operand.source {
            let (element, item) = (scalar.as_bytes().as_ptr(), operand.item as isize);
            // SAFETY: a scalar's bytes are readable, and a buffer has room for a chunk of any elements.
            unsafe { copy(operand.item, element, 0, buffers[at], item, inner.min(CHUNK)) };
        }
    }
    let operands = &*operands;
    let chunk = if operands.iter().any(|operand| operand.buffered) { inner.min(CHUNK) } else { inner };
    let (result, inputs) = operands.split_last().expect("there is a result");
    let last = inputs.len();
    let mut index: Shape = SmallVec::from_elem(0, joint.len() - 1);
    for row in 0..rows {
        if row > 0 {
            next_row(&mut index, joint, operands, &mut origins);
        }
        for begin in (0..inner).step_by(chunk) {
            let count = chunk.min(inner - begin);
            let place = |at: usize| origins[at].wrapping_offset(begin as isize * operands[at].step());
            let mut ins = [ptr::null::<u8>(); MOST_OPERANDS];
            for (at, operand) in inputs.iter().enumerate() {
                ins[at] = place(at);
                if matches!(operand.source, Source::Array(_)) && operand.buffered {
                    // SAFETY: the caller's promise; buffers have room for a chunk of any elements.
                    unsafe { operand.load(ins[at], count, buffers[at], buffers[MOST_OPERANDS]) };
                    ins[at] = buffers[at];
                }
            }
            let to = place(last);
            let outs = [if result.buffered { buffers[last] } else { to }];
            // SAFETY: the caller's promise; what is not in a buffer lies contiguously and aligned, and is not written.
            unsafe {
                block(ins.as_ptr(), outs.as_ptr(), count);
                if result.buffered {
                    copy(result.item, outs[0], result.item as isize, to, result.step(), count);
                }
            }
        }
    }
}

/// Moves the index of a row, and where the arrays' elements of it begin, to the next row.
fn next_row(index: &mut [usize], joint: &[usize], operands: &[Operand<'_>], origins: &mut [*mut u8]) {
    for axis in (0..index.len()).rev() {
        index[axis] += 1;
        let around = index[axis] == joint[axis];
        let steps = if around { 1 - joint[axis] as isize } else { 1 };
        for (operand, origin) in operands.iter().zip(&mut *origins) {
            if let Some(stride) = operand.strides.get(axis) {
                *origin = origin.wrapping_offset(steps * stride);
            }
        }
        if !around {
            return;
        }
        index[axis] = 0;
    }
}

/// Copies elements of so many bytes, with steps from one to the next, which need not be aligned.
///
/// # Safety
/// The elements must be readable and their places writable, and not overlap.
unsafe fn copy(item: usize, from: *const u8, from_step: isize, to: *mut u8, to_step: isize, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if from_step == item as isize && to_step == from_step {
            return ptr::copy_nonoverlapping(from, to, count * item);
        }
        match item {
            1 => copy_each::<u8>(from, from_step, to, to_step, count),
            2 => copy_each::<u16>(from, from_step, to, to_step, count),
            4 => copy_each::<u32>(from, from_step, to, to_step, count),
            8 => copy_each::<u64>(from, from_step, to, to_step, count),
            _ => copy_each::<u128>(from, from_step, to, to_step, count),
        }
    }
}

/// See [`copy`].
unsafe fn copy_each<T: Copy>(from: *const u8, from_step: isize, to: *mut u8, to_step: isize, count: usize) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    // SAFETY: the caller's promise.
    unsafe {
        if from_step == 0 {
            let element = from.read_unaligned();
            if to_step == size_of::<T>() as isize && to.is_aligned() {
                return std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<T>>(), count)
                    .fill(MaybeUninit::new(element));
            }
            (0..count as isize).for_each(|at| to.wrapping_byte_offset(at * to_step).write_unaligned(element));
        } else {
            (0..count as isize).for_each(|at| {
                let element = from.wrapping_byte_offset(at * from_step).read_unaligned();
                to.wrapping_byte_offset(at * to_step).write_unaligned(element);
            });
        }
    }
}
