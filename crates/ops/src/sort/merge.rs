//! Merging sorted runs: any part of the result by itself.
//!
//! Where a part begins in every run is found by halving: the runs are cut so that everything before the cuts comes before
//! everything after, and that is as many elements as the result has before the part. Between two cuts, runs are merged in
//! pairs, pairs of pairs and so on, in memory that stays in the second-level cache.

use super::Runs;
use super::key::Key;
use std::hint::select_unpredictable;

/// Elements that are merged at a time.
const BLOCK: usize = 1 << 13;

/// Bytes that merging works in: two blocks of elements with their positions, between which the merges of more than two
/// runs alternate.
pub(super) const fn scratch<E: Key>() -> usize {
    2 * BLOCK * (size_of::<E>() + size_of::<i64>())
}

/// As [`super::MergeRuns`].
pub(super) unsafe fn merge<E: Key>(
    runs: &Runs,
    first: usize,
    last: usize,
    values: *mut u8,
    order: *mut i64,
    scratch: *mut u8,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if runs.order.is_null() {
            merge_with::<E, ()>(runs, std::ptr::null(), (first, last), values.cast(), order.cast(), scratch);
        } else {
            merge_with::<E, i64>(runs, runs.order, (first, last), values.cast(), order, scratch);
        }
    }
}

/// A part of a run, and what goes with its elements.
#[derive(Clone, Copy)]
struct Part<E, C> {
    values: *const E,
    with: *const C,
    n: usize,
}

/// An element of a part.
#[derive(Clone, Copy)]
struct Entry<E, C> {
    values: *const E,
    with: *const C,
}

impl<E: Copy, C: Copy> Part<E, C> {
    #[inline(always)]
    fn at(self, at: usize) -> Entry<E, C> {
        Entry { values: self.values.wrapping_add(at), with: self.with.wrapping_add(at) }
    }
}

/// Where a merge writes.
struct Target<E, C> {
    values: *mut E,
    with: *mut C,
}

// Not derived: the elements need not be copied for their addresses to be.
impl<E, C> Clone for Target<E, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, C> Copy for Target<E, C> {}

impl<E, C> Target<E, C> {
    #[inline(always)]
    fn from(self, at: usize) -> Self {
        Target { values: self.values.wrapping_add(at), with: self.with.wrapping_add(at) }
    }

    #[inline(always)]
    unsafe fn take(self, entry: Entry<E, C>)
    where
        E: Copy,
        C: Copy,
    {
        // SAFETY: the caller promises the element, and room for it.
        unsafe {
            *self.values = *entry.values;
            *self.with = *entry.with;
        }
    }
}

unsafe fn merge_with<E: Key, C: Copy>(
    runs: &Runs,
    with: *const C,
    (first, last): (usize, usize),
    values: *mut E,
    order: *mut C,
    scratch: *mut u8,
) {
    let halves = [0, 1].map(|half| {
        let start = scratch.wrapping_add(half * BLOCK * (size_of::<E>() + size_of::<i64>()));
        Target { with: start.cast::<C>(), values: start.wrapping_add(BLOCK * size_of::<i64>()).cast::<E>() }
    });
    let count = runs.n.div_ceil(runs.run);
    // SAFETY: the caller promises the runs, and room for the results and for both blocks.
    unsafe {
        let lists: Vec<&[E]> = (0..count)
            .map(|at| {
                let start = at * runs.run;
                let n = runs.run.min(runs.n - start);
                std::slice::from_raw_parts(runs.values.cast::<E>().add(start), n)
            })
            .collect();
        let whole: Vec<usize> = lists.iter().map(|list| list.len()).collect();
        let mut starts = cuts(&lists, first, &vec![0; count], &whole);
        let mut parts: Vec<Part<E, C>> = Vec::with_capacity(count);
        let mut at = first;
        while at < last {
            let n = BLOCK.min(last - at);
            let most: Vec<usize> =
                starts.iter().zip(&whole).map(|(start, &whole)| whole.min(start + n)).collect();
            let ends = cuts(&lists, at + n, &starts, &most);
            parts.clear();
            for run in (0..count).filter(|&run| ends[run] > starts[run]) {
                parts.push(Part {
                    values: lists[run].as_ptr().add(starts[run]),
                    with: with.wrapping_add(run * runs.run + starts[run]),
                    n: ends[run] - starts[run],
                });
            }
            let done = at - first;
            let given = |block: usize| Target {
                // Whoever wants no values gets them where the last merge does not read.
                values: if values.is_null() { halves[block].values } else { values.wrapping_add(done) },
                with: if order.is_null() { halves[block].with } else { order.wrapping_add(done) },
            };
            merge_parts(&mut parts, halves, given);
            starts = ends;
            at += n;
        }
    }
}

/// Merges parts in pairs until one is left. `given` says where that goes, for a block that is free.
unsafe fn merge_parts<E: Key, C: Copy>(
    parts: &mut Vec<Part<E, C>>,
    halves: [Target<E, C>; 2],
    given: impl Fn(usize) -> Target<E, C>,
) {
    let empty = Part {
        values: std::ptr::NonNull::dangling().as_ptr(),
        with: std::ptr::NonNull::dangling().as_ptr(),
        n: 0,
    };
    let mut block = 0;
    loop {
        let is_last = parts.len() <= 2;
        let to = if is_last { given(block) } else { halves[block] };
        let mut done = 0;
        let merged = parts.len().div_ceil(2);
        for pair in 0..merged {
            let (a, b) = (parts[2 * pair], parts.get(2 * pair + 1).copied().unwrap_or(empty));
            let target = to.from(done);
            // SAFETY: there is room for a block; what is read lies in runs or in the other block.
            unsafe { merge_pair(a, b, target) };
            parts[pair] = Part { values: target.values, with: target.with, n: a.n + b.n };
            done += a.n + b.n;
        }
        parts.truncate(merged);
        if is_last {
            return;
        }
        block = 1 - block;
    }
}

/// Merges two parts. NaNs come last, so whether there are any is seen at the end, and they take comparisons that cost more.
#[inline(always)]
unsafe fn merge_pair<E: Key, C: Copy>(a: Part<E, C>, b: Part<E, C>, to: Target<E, C>) {
    // SAFETY: the caller's promise.
    unsafe {
        let has_missing = |part: Part<E, C>| part.n > 0 && (*part.values.add(part.n - 1)).is_missing();
        if has_missing(a) || has_missing(b) {
            merge_by(a, b, to, E::precedes);
        } else {
            merge_by(a, b, to, E::is_below);
        }
    }
}

/// Merges two parts from both ends at once: neither waits for the other's comparison.
#[inline(always)]
unsafe fn merge_by<E: Key, C: Copy>(
    a: Part<E, C>,
    b: Part<E, C>,
    to: Target<E, C>,
    precedes: impl Fn(E, E) -> bool,
) {
    let (mut a_low, mut b_low, mut a_high, mut b_high) = (0, 0, a.n, b.n);
    // SAFETY: the positions stay within the parts: a step takes one element at either end, and there are at least twice
    // as many in each part as there are steps.
    unsafe {
        loop {
            let steps = (a_high - a_low).min(b_high - b_low) / 2;
            if steps == 0 {
                break;
            }
            for _ in 0..steps {
                let (x, y) = (a.at(a_low), b.at(b_low));
                let later = precedes(*y.values, *x.values);
                to.from(a_low + b_low).take(select_unpredictable(later, y, x));
                b_low += usize::from(later);
                a_low += usize::from(!later);

                let (x, y) = (a.at(a_high - 1), b.at(b_high - 1));
                let later = precedes(*y.values, *x.values);
                to.from(a_high + b_high - 1).take(select_unpredictable(later, x, y));
                a_high -= usize::from(later);
                b_high -= usize::from(!later);
            }
        }
        while a_low < a_high && b_low < b_high {
            let (x, y) = (a.at(a_low), b.at(b_low));
            let later = precedes(*y.values, *x.values);
            to.from(a_low + b_low).take(select_unpredictable(later, y, x));
            b_low += usize::from(later);
            a_low += usize::from(!later);
        }
        let at = a_low + b_low;
        let (rest, low, n) =
            if a_low < a_high { (a, a_low, a_high - a_low) } else { (b, b_low, b_high - b_low) };
        std::ptr::copy_nonoverlapping(rest.values.wrapping_add(low), to.values.add(at), n);
        std::ptr::copy_nonoverlapping(rest.with.wrapping_add(low), to.with.add(at), n);
    }
}

/// How many elements of every run are among the first `rank` of the result, between bounds.
fn cuts<E: Key>(lists: &[&[E]], rank: usize, low: &[usize], high: &[usize]) -> Vec<usize> {
    let (mut low, mut high) = (low.to_vec(), high.to_vec());
    loop {
        // The middle of what is open in the longest such part is before the cut or after it, and others with it.
        let (open, longest) =
            (0..lists.len()).map(|run| (high[run] - low[run], run)).max().expect("there are runs");
        if open == 0 {
            return low;
        }
        let middle = low[longest] + open / 2;
        let pivot = lists[longest][middle];
        let counts: Vec<usize> = (0..lists.len())
            .map(|run| {
                let part = &lists[run][low[run]..high[run]];
                low[run]
                    + match run.cmp(&longest) {
                        std::cmp::Ordering::Less => part.partition_point(|element| !pivot.precedes(*element)),
                        std::cmp::Ordering::Equal => middle - low[run],
                        std::cmp::Ordering::Greater => {
                            part.partition_point(|element| element.precedes(pivot))
                        }
                    }
            })
            .collect();
        // So many elements come before the pivot for certain: those outside the bounds are decided already.
        if counts.iter().sum::<usize>() < rank {
            low.clone_from(&counts);
            low[longest] = middle + 1;
        } else {
            high.clone_from(&counts);
        }
    }
}
