//! Strided views: their common index space with as few axes as possible, and loads and stores of contiguous blocks.

use maniple_ops::{Dtype, Level};
use maniple_runtime::View;
use std::ptr;

/// The index space that several views share, in C order, with neighbouring axes joined wherever every view walks them
/// as one. Positions in the C order are the same as in the views.
#[derive(Debug)]
pub(crate) struct Space {
    /// Extent of every axis; at least one axis.
    pub(crate) shape: Vec<usize>,
    /// For every view the stride of every axis, in bytes.
    pub(crate) strides: Vec<Vec<isize>>,
}

impl Space {
    /// The common space of some views of one shape, with the size of their elements.
    pub(crate) fn new<'a>(views: impl Iterator<Item = &'a View> + Clone) -> Space {
        let shape = views.clone().next().map(|view| view.shape.clone()).unwrap_or_default();
        let mut space = Space { shape: Vec::new(), strides: views.clone().map(|_| Vec::new()).collect() };
        for axis in (0..shape.len()).filter(|&axis| shape[axis] != 1) {
            // An axis joins the one before it if a step there is a whole walk along this one.
            let joins = !space.shape.is_empty()
                && (space.strides.iter().zip(views.clone()))
                    .all(|(known, view)| known[known.len() - 1] == view.strides[axis] * shape[axis] as isize);
            if joins {
                *space.shape.last_mut().expect("there is an axis before") *= shape[axis];
            } else {
                space.shape.push(shape[axis]);
            }
            for (known, view) in space.strides.iter_mut().zip(views.clone()) {
                if joins {
                    known.pop();
                }
                known.push(view.strides[axis]);
            }
        }
        if space.shape.is_empty() {
            space.shape.push(1);
            space.strides.iter_mut().for_each(|strides| strides.push(0));
        }
        space
    }

    /// Number of elements.
    pub(crate) fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of axes.
    pub(crate) fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Extent of the last axis.
    pub(crate) fn inner(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }

    /// The one distance in bytes between neighbours in the C order of a view, if there is one.
    pub(crate) fn linear(&self, view: usize) -> Option<isize> {
        let strides = &self.strides[view];
        if strides.iter().all(|&stride| stride == 0) {
            return Some(0);
        }
        let mut step = strides[strides.len() - 1];
        let first = step;
        for (&extent, &stride) in self.shape.iter().zip(strides).rev() {
            if stride != step {
                return None;
            }
            step = step.wrapping_mul(extent as isize);
        }
        Some(first)
    }

    /// Writes the index of the element at `position` of the C order to `index`.
    pub(crate) fn locate(&self, position: usize, index: &mut [usize]) {
        let mut rest = position;
        for (slot, &extent) in index.iter_mut().zip(&self.shape).rev() {
            // Most often the rest is small, and a comparison is cheaper than a division.
            (*slot, rest) = if rest < extent { (rest, 0) } else { (rest % extent, rest / extent) };
        }
    }

    /// The distance in bytes from element zero of a view to the element with that index.
    pub(crate) fn offset(&self, view: usize, index: &[usize]) -> isize {
        self.strides[view].iter().zip(index).map(|(&stride, &at)| stride * at as isize).sum()
    }
}

/// Alignment that block functions expect of elements.
pub(crate) fn alignment(dtype: Dtype) -> usize {
    if dtype.is_complex() { dtype.size() / 2 } else { dtype.size() }
}

/// The strided side of a copy between memory and a contiguous block.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    /// Extents of the axes.
    pub(crate) shape: &'a [usize],
    /// Strides of the axes in bytes.
    pub(crate) strides: &'a [isize],
    /// Address of the element with index zero.
    pub(crate) origin: *mut u8,
    /// Bytes of one element.
    pub(crate) item: usize,
}

/// One view by itself: finds, loads and stores its elements by their position in its C order.
#[derive(Debug)]
pub(crate) struct Elements {
    space: Space,
    offset: isize,
    item: usize,
    alignment: usize,
    linear: Option<isize>,
}

impl Elements {
    /// The elements of a view.
    pub(crate) fn new(view: &View, dtype: Dtype) -> Elements {
        let space = Space::new(std::iter::once(view));
        let linear = if space.size() == 1 { Some(dtype.size() as isize) } else { space.linear(0) };
        Elements { linear, space, offset: view.offset, item: dtype.size(), alignment: alignment(dtype) }
    }

    /// Address of the element at a position, given the address of byte zero of the region.
    pub(crate) fn at(&self, base: u64, position: usize) -> *mut u8 {
        let origin = address(base, self.offset);
        if let Some(step) = self.linear {
            return origin.wrapping_offset(step * position as isize);
        }
        let (mut rest, mut offset) = (position, 0);
        for (&extent, &stride) in self.space.shape.iter().zip(&self.space.strides[0]).rev() {
            offset += stride * (rest % extent) as isize;
            rest /= extent;
        }
        origin.wrapping_offset(offset)
    }

    /// Address of the element at a position if all elements lie side by side and aligned.
    pub(crate) fn direct(&self, base: u64, position: usize) -> Option<*mut u8> {
        let element = self.at(base, position);
        let contiguous = self.linear == Some(self.item as isize);
        (contiguous && element.addr().is_multiple_of(self.alignment)).then_some(element)
    }

    /// Copies `count` elements from a position on to a block.
    ///
    /// # Safety
    /// As [`load`].
    pub(crate) unsafe fn load(&self, base: u64, position: usize, count: usize, block: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { load(self.strided(base), position, count, block) }
    }

    /// Copies a block of `count` elements to memory from a position on.
    ///
    /// # Safety
    /// As [`store`].
    pub(crate) unsafe fn store(&self, base: u64, position: usize, count: usize, block: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { store(self.strided(base), position, count, block) }
    }

    fn strided(&self, base: u64) -> Strided<'_> {
        Strided {
            shape: &self.space.shape,
            strides: &self.space.strides[0],
            origin: address(base, self.offset),
            item: self.item,
        }
    }
}

/// The address of a byte of a region, given that of its byte zero.
pub(crate) fn address(base: u64, offset: isize) -> *mut u8 {
    ptr::with_exposed_provenance_mut::<u8>(base as usize).wrapping_offset(offset)
}

/// A direction of copying between strided memory and a contiguous block.
trait Direction {
    /// Copies `rows` rows of `columns` elements; the block continues from row to row.
    unsafe fn plane<T: Copy>(
        memory: *mut u8,
        block: *mut T,
        rows: usize,
        columns: usize,
        steps: (isize, isize),
    );
}

struct Load;
struct Store;

/// Copies `count` elements, from `position` of the C order on, into a block.
///
/// # Safety
/// The elements must be readable, and the block writable for as many, aligned for them, and apart from them.
pub(crate) unsafe fn load(from: Strided<'_>, position: usize, count: usize, block: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { sized::<Load>(from, position, count, block) }
}

/// Copies `count` elements of a block to memory, from `position` of the C order on.
///
/// # Safety
/// The elements must be writable, and the block readable for as many, aligned for them, and apart from them.
pub(crate) unsafe fn store(to: Strided<'_>, position: usize, count: usize, block: *const u8) {
    // SAFETY: the caller's promise; `Store` only reads the block.
    unsafe { sized::<Store>(to, position, count, block.cast_mut()) }
}

/// Fills a block with at least `count` copies of the element at `from`.
///
/// # Safety
/// The element must be readable, at any alignment, and the block writable up to a multiple of 64 bytes.
pub(crate) unsafe fn splat(from: *const u8, item: usize, count: usize, block: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { Line(repeated(from, item)).fill((count * item).div_ceil(64), block) };
}

/// A line of copies of the element at `from`.
///
/// # Safety
/// The element must be readable, at any alignment.
#[inline(always)]
pub(crate) unsafe fn repeated(from: *const u8, item: usize) -> [u64; 8] {
    // SAFETY: the caller's promise.
    unsafe {
        let word = match item {
            1 => from.read() as u64 * 0x0101_0101_0101_0101,
            2 => from.cast::<u16>().read_unaligned() as u64 * 0x0001_0001_0001_0001,
            4 => from.cast::<u32>().read_unaligned() as u64 * 0x0000_0001_0000_0001,
            _ => from.cast::<u64>().read_unaligned(),
        };
        let next = if item == 16 { from.cast::<u64>().add(1).read_unaligned() } else { word };
        [word, next, word, next, word, next, word, next]
    }
}

/// Copies a panel of `rows` (4, 8 or 16) times `columns` elements whose rows lie side by side, element by element: row
/// `r` of column `c` is at `from + r * item + c * step`, and goes to place `r * columns + c` of the block.
///
/// # Safety
/// The elements must be readable, at any alignment, and the block writable.
pub(crate) unsafe fn load_turned(
    from: *const u8,
    item: usize,
    rows: usize,
    columns: usize,
    step: isize,
    block: *mut u8,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match item {
            1 => turn_rows::<u8>(from, rows, columns, step, block.cast()),
            2 => turn_rows::<u16>(from, rows, columns, step, block.cast()),
            4 => turn_rows::<u32>(from, rows, columns, step, block.cast()),
            8 => turn_rows::<u64>(from, rows, columns, step, block.cast()),
            _ => turn_rows::<[u64; 2]>(from, rows, columns, step, block.cast()),
        }
    }
}

unsafe fn turn_rows<T: Copy>(from: *const u8, rows: usize, columns: usize, step: isize, block: *mut T) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows {
            4 => turn::<T, 4>(from, columns, step, block),
            8 => turn::<T, 8>(from, columns, step, block),
            _ => turn::<T, 16>(from, columns, step, block),
        }
    }
}

/// Collecting the elements of four columns before they are written, and asking for the next lines ahead, made this slower.
unsafe fn turn<T: Copy, const ROWS: usize>(from: *const u8, columns: usize, step: isize, block: *mut T) {
    for column in 0..columns {
        // SAFETY: the caller's promise.
        unsafe {
            let line = from.wrapping_offset(step * column as isize).cast::<[T; ROWS]>().read_unaligned();
            for (row, element) in line.into_iter().enumerate() {
                block.add(row * columns + column).write_unaligned(element);
            }
        }
    }
}

/// Asks for the line of memory that holds an address, which need not be valid.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and faults nowhere.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// A line of memory full of copies of an element.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Line(pub(crate) [u64; 8]);

impl Line {
    /// Fills so many lines of a block.
    ///
    /// # Safety
    /// The block must have them.
    pub(crate) unsafe fn fill(&self, lines: usize, block: *mut u8) {
        // SAFETY: the caller's promise, and the level is the processor's.
        unsafe {
            match Level::detected() {
                #[cfg(target_arch = "x86_64")]
                Level::V4 => splat_v4(self, block, lines),
                #[cfg(target_arch = "x86_64")]
                Level::V3 => splat_v3(self, block, lines),
                _ => splat_lines(self, block, lines),
            }
        }
    }
}

#[inline(always)]
unsafe fn splat_lines(line: &Line, block: *mut u8, lines: usize) {
    let line = *line;
    for at in 0..lines {
        // SAFETY: the caller's promise.
        unsafe { block.cast::<[u64; 8]>().add(at).write(line.0) };
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn splat_v3(line: &Line, block: *mut u8, lines: usize) {
    // SAFETY: the caller's promise.
    unsafe { splat_lines(line, block, lines) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn splat_v4(line: &Line, block: *mut u8, lines: usize) {
    // SAFETY: the caller's promise.
    unsafe { splat_lines(line, block, lines) }
}

/// Fills rows of at least 64 bytes, one after the other, each with copies of an element of its own.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn splat_rows_v4<T: Copy>(from: *const u8, step: isize, block: *mut T, rows: usize, columns: usize) {
    let bytes = columns * size_of::<T>();
    for row in 0..rows {
        // SAFETY: the caller vouches for the elements and for room; the last store of a row ends where the row does.
        unsafe {
            let line = repeated(from.wrapping_offset(step * row as isize), size_of::<T>());
            let block = block.add(row * columns).cast::<u8>();
            for at in (0..bytes - 63).step_by(64) {
                block.add(at).cast::<[u64; 8]>().write_unaligned(line);
            }
            if !bytes.is_multiple_of(64) {
                block.add(bytes - 64).cast::<[u64; 8]>().write_unaligned(line);
            }
        }
    }
}

unsafe fn sized<D: Direction>(memory: Strided<'_>, position: usize, count: usize, block: *mut u8) {
    // SAFETY: the caller's promise; elements are read and written at any alignment.
    unsafe {
        match memory.item {
            1 => walk::<D, u8>(memory, position, count, block.cast()),
            2 => walk::<D, u16>(memory, position, count, block.cast()),
            4 => walk::<D, u32>(memory, position, count, block.cast()),
            8 => walk::<D, u64>(memory, position, count, block.cast()),
            _ => walk::<D, [u64; 2]>(memory, position, count, block.cast()),
        }
    }
}

/// Goes through a range of the C order in planes of the last two axes, cut where the range begins and ends.
unsafe fn walk<D: Direction, T: Copy>(memory: Strided<'_>, position: usize, count: usize, block: *mut T) {
    let Strided { shape, strides, origin, .. } = memory;
    let last = shape.len() - 1;
    // SAFETY: all offsets stay within the elements that the caller vouched for.
    unsafe {
        if last == 0 {
            let start = origin.wrapping_offset(strides[0] * position as isize);
            return D::plane::<T>(start, block, 1, count, (0, strides[0]));
        }
        let columns = shape[last];
        let steps = (strides[last - 1], strides[last]);
        let (mut done, mut at) = (0, position);
        while done < count {
            let (row, column) = (at / columns, at % columns);
            let (outer, inner_row) = (row / shape[last - 1], row % shape[last - 1]);
            let mut offset = steps.0 * inner_row as isize + steps.1 * column as isize;
            let mut rest = outer;
            for axis in (0..last - 1).rev() {
                offset += strides[axis] * (rest % shape[axis]) as isize;
                rest /= shape[axis];
            }
            let left = count - done;
            // A part of a row, or as many whole rows as the plane and the range still have.
            let (rows, width) = if column != 0 || left < columns {
                (1, left.min(columns - column))
            } else {
                ((left / columns).min(shape[last - 1] - inner_row), columns)
            };
            D::plane::<T>(origin.wrapping_offset(offset), block.add(done), rows, width, steps);
            done += rows * width;
            at += rows * width;
        }
    }
}

impl Direction for Load {
    #[inline(always)]
    unsafe fn plane<T: Copy>(
        memory: *mut u8,
        block: *mut T,
        rows: usize,
        columns: usize,
        steps: (isize, isize),
    ) {
        // SAFETY: the caller vouches for the elements; they are read at any alignment.
        unsafe {
            if steps.0 == 0 && rows > 1 {
                // The same row again and again: load it once, then double what is there.
                row_by_row::<T>(memory, 1, columns, steps, |source, _, step| {
                    load_row(source, step, block, columns)
                });
                let (mut have, all) = (columns, rows * columns);
                while have < all {
                    let more = have.min(all - have);
                    ptr::copy_nonoverlapping(block, block.add(have), more);
                    have += more;
                }
                return;
            }
            #[cfg(target_arch = "x86_64")]
            if steps.1 == 0 && columns * size_of::<T>() >= 64 && Level::detected() == Level::V4 {
                return splat_rows_v4::<T>(memory, steps.0, block, rows, columns);
            }
            row_by_row::<T>(memory, rows, columns, steps, |source, row, step| {
                load_row(source, step, block.add(row * columns), columns);
            });
        }
    }
}

impl Direction for Store {
    #[inline(always)]
    unsafe fn plane<T: Copy>(
        memory: *mut u8,
        block: *mut T,
        rows: usize,
        columns: usize,
        steps: (isize, isize),
    ) {
        // SAFETY: the caller vouches for the elements; they are written at any alignment.
        unsafe {
            row_by_row::<T>(memory, rows, columns, steps, |target, row, step| {
                let block = block.add(row * columns);
                if step == size_of::<T>() as isize && columns * size_of::<T>() >= 128 {
                    return ptr::copy_nonoverlapping(block.cast::<u8>(), target, columns * size_of::<T>());
                }
                for column in 0..columns {
                    target
                        .wrapping_offset(step * column as isize)
                        .cast::<T>()
                        .write_unaligned(block.add(column).read_unaligned());
                }
            });
        }
    }
}

/// Reads a row of elements that lie `step` bytes apart.
#[inline(always)]
unsafe fn load_row<T: Copy>(source: *const u8, step: isize, block: *mut T, count: usize) {
    // SAFETY: the caller vouches for `count` elements on both sides.
    unsafe {
        if step == 0 {
            let value = source.cast::<T>().read_unaligned();
            (0..count).for_each(|at| block.add(at).write_unaligned(value));
            return;
        }
        // A call of the system's copy pays for longer rows only.
        if step == size_of::<T>() as isize && count * size_of::<T>() >= 128 {
            return ptr::copy_nonoverlapping(source, block.cast::<u8>(), count * size_of::<T>());
        }
        for at in 0..count {
            block
                .add(at)
                .write_unaligned(source.wrapping_offset(step * at as isize).cast::<T>().read_unaligned());
        }
    }
}

/// Calls `copy` for every row with its address, its number, and the step within it, which is a constant to the
/// compiler where it is a common one: neighbours, the same element, backwards, every other.
#[inline(always)]
fn row_by_row<T>(
    memory: *mut u8,
    rows: usize,
    columns: usize,
    steps: (isize, isize),
    copy: impl Fn(*mut u8, usize, isize),
) {
    if columns == 0 {
        return;
    }
    let item = size_of::<T>() as isize;
    let at = |row: usize| memory.wrapping_offset(steps.0 * row as isize);
    match steps.1 {
        step if step == item => (0..rows).for_each(|row| copy(at(row), row, item)),
        0 => (0..rows).for_each(|row| copy(at(row), row, 0)),
        step if step == -item => (0..rows).for_each(|row| copy(at(row), row, -item)),
        step if step == 2 * item => (0..rows).for_each(|row| copy(at(row), row, 2 * item)),
        step => (0..rows).for_each(|row| copy(at(row), row, step)),
    }
}
