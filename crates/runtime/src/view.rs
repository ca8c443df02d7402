//! Views: affine maps from the indices of a store into the bytes of its region.

use smallvec::SmallVec;
use std::fmt;

/// Extents of up to a few axes without a heap allocation.
pub type Shape = SmallVec<[usize; 4]>;
/// Strides in bytes, one per axis; any sign, zero where an axis repeats one element.
pub type Strides = SmallVec<[isize; 4]>;

/// A value for each of some axes. Views are made by most calls, and of few axes: no loop and no copy of unknown length is as
/// fast as selecting four values.
#[inline]
pub fn per_axis<T: Copy + Default>(count: usize, value: impl Fn(usize) -> T) -> SmallVec<[T; 4]> {
    if count > 4 {
        return (0..count).map(value).collect();
    }
    let values = std::array::from_fn(|axis| if axis < count { value(axis) } else { T::default() });
    SmallVec::from_buf_and_len(values, count)
}

/// The affine map `index -> offset + sum(index[axis] * strides[axis])`, in bytes of a region.
#[derive(PartialEq, Eq, Hash)]
pub struct View {
    /// Byte of the region at which the element with index zero starts.
    pub offset: isize,
    /// Extent of every axis.
    pub shape: Shape,
    /// Step of every axis in bytes.
    pub strides: Strides,
}

/// A half-open range of bytes of one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub low: usize,
    /// One past the last byte.
    pub high: usize,
}

impl Span {
    /// Whether the two ranges share a byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.low < other.high && other.low < self.high
    }

    /// Whether every byte of `other` lies in this range.
    pub fn contains(self, other: Span) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// Number of bytes.
    pub fn bytes(self) -> usize {
        self.high.saturating_sub(self.low)
    }
}

impl View {
    /// The C-order view of a whole region that holds `shape` elements of `item` bytes.
    pub fn contiguous(shape: &[usize], item: usize) -> View {
        let mut strides: Strides = per_axis(shape.len(), |_| 0);
        let mut step = item as isize;
        for (stride, &extent) in strides.iter_mut().zip(shape).rev() {
            *stride = step;
            step *= extent.max(1) as isize;
        }
        View { offset: 0, shape: per_axis(shape.len(), |axis| shape[axis]), strides }
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes between the first and the last that any element of `item` bytes touches; empty for no elements.
    pub fn span(&self, item: usize) -> Span {
        if self.size() == 0 {
            return Span { low: 0, high: 0 };
        }
        let (mut low, mut high) = (self.offset, self.offset);
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            let reach = (extent as isize - 1) * stride;
            if reach < 0 { low += reach } else { high += reach }
        }
        Span { low: low as usize, high: high as usize + item }
    }

    /// The bytes touched by the elements `first..last` of the C order: from the first to the last of them where
    /// addresses only rise or only fall along the C order, as in every piece of an array or of rows or columns of one;
    /// whole rows elsewhere.
    pub fn span_of(&self, first: usize, last: usize, item: usize) -> Span {
        if first >= last {
            return Span { low: 0, high: 0 };
        }
        if first == 0 && last == self.size() {
            return self.span(item);
        }
        if self.is_monotonic(item) {
            let (a, b) = (self.byte_of(first), self.byte_of(last - 1));
            return Span { low: a.min(b) as usize, high: a.max(b) as usize + item };
        }
        let (mut start, mut end) = (first, last - 1);
        let (mut low, mut high) = (self.offset, self.offset);
        let mut inner = self.size();
        let mut split = false;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            inner /= extent.max(1);
            let (a, b) = if split { (0, extent - 1) } else { (start / inner, end / inner) };
            split |= a != b;
            start %= inner.max(1);
            end %= inner.max(1);
            let (x, y) = (a as isize * stride, b as isize * stride);
            low += x.min(y);
            high += x.max(y);
        }
        Span { low: low as usize, high: high as usize + item }
    }

    /// Whether no step of the C order goes back: every axis steps over all that the axes after it reach, and all in one
    /// direction.
    fn is_monotonic(&self, item: usize) -> bool {
        let mut reach = item;
        let (mut up, mut down) = (false, false);
        for (&extent, &stride) in
            self.shape.iter().zip(&self.strides).rev().filter(|&(&extent, _)| extent > 1)
        {
            if stride.unsigned_abs() < reach {
                return false;
            }
            up |= stride > 0;
            down |= stride < 0;
            reach += (extent - 1) * stride.unsigned_abs();
        }
        !(up && down)
    }

    /// The byte at which an element of the C order starts.
    fn byte_of(&self, position: usize) -> isize {
        let (mut rest, mut at) = (position, self.offset);
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            at += (rest % extent) as isize * stride;
            rest /= extent;
        }
        at
    }

    /// Whether consecutive elements of the C order lie `item` bytes apart.
    pub fn is_contiguous(&self, item: usize) -> bool {
        is_contiguous(self.shape.iter().zip(&self.strides).rev(), item)
    }

    /// Whether consecutive elements of the Fortran order lie `item` bytes apart.
    pub fn is_fortran_contiguous(&self, item: usize) -> bool {
        is_contiguous(self.shape.iter().zip(&self.strides), item)
    }

    /// Whether two different indices may name the same byte (broadcast axes, sliding windows).
    pub fn overlaps_itself(&self, item: usize) -> bool {
        let mut axes: SmallVec<[(usize, usize); 4]> = (self.shape.iter().zip(&self.strides))
            .filter(|&(&extent, _)| extent > 1)
            .map(|(&extent, &stride)| (stride.unsigned_abs(), extent))
            .collect();
        if self.shape.contains(&0) {
            return false;
        }
        axes.sort_unstable();
        let mut reach = item;
        for (stride, extent) in axes {
            if stride < reach {
                return true;
            }
            reach += stride * (extent - 1);
        }
        false
    }

    /// Whether the elements fill their span without gaps, each byte once.
    pub fn is_dense(&self, item: usize) -> bool {
        !self.overlaps_itself(item) && self.span(item).bytes() == self.size() * item
    }

    /// Whether both views name the same byte for every index.
    pub fn same_as(&self, other: &View) -> bool {
        self.offset == other.offset
            && self.shape == other.shape
            && (self.shape.iter().zip(self.strides.iter().zip(&other.strides)))
                .all(|(&extent, (a, b))| extent <= 1 || a == b)
    }

    /// Whether the elements of the two views may share a byte. Never wrongly `false`; it is wrongly `true` only for
    /// interleavings that neither the spans nor the greatest common divisor of the strides tells apart.
    pub fn may_overlap(&self, item: usize, other: &View, other_item: usize) -> bool {
        let (a, b) = (self.span(item), other.span(other_item));
        if a.bytes() == 0 || b.bytes() == 0 || !a.overlaps(b) {
            return false;
        }
        // Residues: all elements start at offset + a multiple of `step`, so disjoint residue intervals never meet.
        let mut step = 0usize;
        for view in [self, other] {
            for (&extent, &stride) in view.shape.iter().zip(&view.strides) {
                if extent > 1 {
                    step = gcd(step, stride.unsigned_abs());
                }
            }
        }
        if step == 0 {
            return true;
        }
        let distance = (other.offset - self.offset).rem_euclid(step as isize) as usize;
        if distance >= item && step - distance >= other_item {
            return false;
        }
        !separate_rows(self, item, other, other_item)
    }

    /// The view with its axes in the order `axes`.
    pub fn permuted(&self, axes: &[usize]) -> View {
        View {
            offset: self.offset,
            shape: per_axis(axes.len(), |at| self.shape[axes[at]]),
            strides: per_axis(axes.len(), |at| self.strides[axes[at]]),
        }
    }
}

impl Clone for View {
    fn clone(&self) -> View {
        View {
            offset: self.offset,
            shape: per_axis(self.shape.len(), |axis| self.shape[axis]),
            strides: per_axis(self.strides.len(), |axis| self.strides[axis]),
        }
    }
}

/// Whether elements of `item` bytes lie consecutively along axes that are given from the fastest to the slowest.
fn is_contiguous<'a>(axes: impl Iterator<Item = (&'a usize, &'a isize)>, item: usize) -> bool {
    let mut step = item as isize;
    for (&extent, &stride) in axes {
        if extent == 0 {
            return true;
        }
        if extent != 1 && stride != step {
            return false;
        }
        step *= extent as isize;
    }
    true
}

impl fmt::Debug for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}@{}{:?}", self.shape.as_slice(), self.offset, self.strides.as_slice())
    }
}

fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Tells apart rectangles of one row-major grid, such as `a[:, :5]` and `a[:, 5:]`: with equal outer strides, the two
/// are disjoint if, modulo the outer stride, their inner spans do not meet.
fn separate_rows(a: &View, a_item: usize, b: &View, b_item: usize) -> bool {
    let outer = |view: &View| {
        (view.shape.iter().zip(&view.strides))
            .filter(|&(&extent, _)| extent > 1)
            .map(|(_, &stride)| stride.unsigned_abs())
            .max()
    };
    let (Some(pitch), Some(other)) = (outer(a), outer(b)) else { return false };
    if pitch != other || pitch == 0 {
        return false;
    }
    // The inner part of each view, as an interval relative to its own element zero.
    let inner = |view: &View, item: usize| {
        let (mut low, mut high) = (0isize, 0isize);
        for (&extent, &stride) in view.shape.iter().zip(&view.strides) {
            if extent > 1 && stride.unsigned_abs() != pitch {
                let reach = (extent as isize - 1) * stride;
                if reach < 0 { low += reach } else { high += reach }
            }
        }
        (low, high + item as isize)
    };
    let ((a_low, a_high), (b_low, b_high)) = (inner(a, a_item), inner(b, b_item));
    let start = (b.offset + b_low - a.offset - a_low).rem_euclid(pitch as isize);
    start >= a_high - a_low && start + (b_high - b_low) <= pitch as isize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: isize, shape: &[usize], strides: &[isize]) -> View {
        View { offset, shape: Shape::from_slice(shape), strides: Strides::from_slice(strides) }
    }

    fn bytes(view: &View, item: usize) -> std::collections::BTreeSet<isize> {
        let mut found = std::collections::BTreeSet::new();
        for flat in 0..view.size() {
            let (mut rest, mut at) = (flat, view.offset);
            for axis in (0..view.ndim()).rev() {
                at += (rest % view.shape[axis]) as isize * view.strides[axis];
                rest /= view.shape[axis];
            }
            found.extend((0..item as isize).map(|byte| at + byte));
        }
        found
    }

    /// Random small views compared with their bitmaps: overlap is never missed, spans are sound.
    #[test]
    fn overlap_and_spans_agree_with_bitmaps() {
        let mut seed = 12345u64;
        let mut random = |n: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % n
        };
        for _ in 0..20_000 {
            let mut make = || {
                let ndim = random(4);
                let shape: Shape = (0..ndim).map(|_| random(4)).collect();
                let strides: Strides = (0..ndim).map(|_| random(25) as isize - 12).collect();
                let mut made = View { offset: 0, shape, strides };
                let mut low = 0;
                for (&extent, &stride) in made.shape.iter().zip(&made.strides) {
                    low += (extent as isize - 1).max(0) * stride.min(0);
                }
                made.offset = random(20) as isize - low;
                (made, 1 + random(3))
            };
            let ((a, a_item), (b, b_item)) = (make(), make());
            let (left, right) = (bytes(&a, a_item), bytes(&b, b_item));
            let meet = left.intersection(&right).next().is_some();
            assert!(!meet || a.may_overlap(a_item, &b, b_item), "{a:?} {a_item} {b:?} {b_item}");
            if !left.is_empty() {
                let span = a.span(a_item);
                assert_eq!(
                    (span.low as isize, span.high as isize - 1),
                    (*left.first().unwrap(), *left.last().unwrap())
                );
                let first = random(a.size());
                let last = first + 1 + random(a.size() - first);
                let part = a.span_of(first, last, a_item);
                assert!(span.contains(part));
                for position in first..last {
                    let low = a.byte_of(position) as usize;
                    assert!(part.contains(Span { low, high: low + a_item }), "{a:?} {first}..{last}");
                }
                if !a.overlaps_itself(a_item) {
                    assert_eq!(left.len(), a.size() * a_item, "{a:?} {a_item}");
                }
            }
        }
    }

    #[test]
    fn column_blocks_are_told_apart() {
        let left = view(0, &[4, 5], &[80, 8]);
        let right = view(40, &[4, 5], &[80, 8]);
        assert!(!left.may_overlap(8, &right, 8));
        assert!(left.may_overlap(8, &view(32, &[4, 5], &[80, 8]), 8));
        assert!(!view(0, &[10], &[16]).may_overlap(8, &view(8, &[10], &[16]), 8));
    }
}
