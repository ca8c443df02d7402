//! Sums of products of two arrays by loops of their own: dot products, and matrices times vectors.

use super::prefetch_ahead;
use crate::tile::address;
use maniple_ops::{
    Grid, LANES, LeavesOfProducts, Op, ProductRow, ProductRows, Products as Loops, Step, TOGETHER, Value,
    products,
};
use maniple_runtime::{Binding, Launch, Order, Reduce, Space, View};
use smallvec::SmallVec;
use std::ops::Range;

/// Columns of so many bytes are summed some at a time over all rows; rows of more are read as they lie.
const NARROW: usize = 512;

/// A reduction that sums products.
pub(super) struct Products {
    loops: Loops,
    item: usize,
    factors: [Factor; 2],
    /// Extents of the kept axes.
    kept: Vec<usize>,
    /// Whether the kept axes are one of the first factor's and one of the second's: rows of the one times rows of the other.
    outer: bool,
}

/// A factor of the products.
struct Factor {
    /// Its position among the arguments.
    argument: usize,
    /// Byte of its region where the first element is.
    offset: isize,
    /// Bytes from one index of each kept axis to the next.
    kept: Vec<isize>,
    /// Bytes from one reduced element to the next.
    reduced: isize,
    /// How its elements lie in a row of kept ones.
    row: ProductRow,
}

impl Products {
    /// For each fold its products, or nothing if it folds an input as it is. No list if some fold is another one, or
    /// there are steps of which nothing is folded.
    pub(super) fn of_folds(launch: &Launch, reduce: &Reduce) -> SmallVec<[Option<Box<Products>>; 1]> {
        let Reduce { body, ops, .. } = reduce;
        let (first, folded) = (body.first_result(), &body.outputs[body.outputs.len() - ops.len()..]);
        let inputs = body.inputs.len();
        let of = |(at, &value): (usize, &Value)| match (value as usize).checked_sub(first) {
            None if (value as usize) < inputs => Some(None),
            None => None,
            Some(step) => Products::new(launch, reduce, at, step).map(|products| Some(Box::new(products))),
        };
        let all_folded = (first..body.values()).all(|value| folded.contains(&(value as Value)));
        let single = body.values() - first == body.steps.len();
        let found: Option<SmallVec<_>> = folded.iter().enumerate().map(of).collect();
        // Without any product there is nothing to gain.
        found.filter(|found| all_folded && single && found.iter().any(Option::is_some)).unwrap_or_default()
    }

    /// The products that a fold sums, by a step. Nothing if it sums something else, or the factors do not lie as the loops
    /// take them.
    fn new(launch: &Launch, reduce: &Reduce, fold: usize, step: usize) -> Option<Products> {
        let (inputs, partials) = launch.args.split_at(reduce.body.inputs.len());
        let (body, partials) = (&reduce.body, &partials[partials.len() - reduce.ops.len() + fold]);
        let arguments = match &body.steps[step] {
            Step::Apply { op: Op::Multiply, dtype, args } if *dtype == partials.dtype => [args[0], args[1]],
            _ => return None,
        };
        let all_given = arguments.iter().all(|&at| (at as usize) < body.inputs.len());
        if reduce.ops[fold] != Op::Add || !all_given {
            return None;
        }
        let loops = products(partials.dtype)?;
        let item = partials.dtype.size();
        let views: Vec<&View> = arguments.iter().map(|&at| &inputs[at as usize].view).collect();
        let ndim = views[0].shape.len();
        let (kept_axes, reduced_axes) = match reduce.order {
            Order::KeptFirst => (0..reduce.kept, reduce.kept..ndim),
            Order::ReducedFirst => (ndim - reduce.kept..ndim, 0..ndim - reduce.kept),
        };
        let (kept, reduced) = (Space::of_axes(&views, kept_axes), Space::of_axes(&views, reduced_axes));
        let outer = reduce.order == Order::ReducedFirst
            && matches!(kept.strides[0][..], [_, 0])
            && matches!(kept.strides[1][..], [0, step] if step == item as isize);
        let mut factors = Vec::new();
        for (at, &argument) in arguments.iter().enumerate() {
            let step = match reduced.strides[at][..] {
                [] => 0,
                [step] => step,
                _ => return None,
            };
            let row = match (reduce.order, &kept.strides[at][..]) {
                // A row of elements that are reduced lies side by side.
                (Order::KeptFirst, _) if step == item as isize => ProductRow::Contiguous,
                (Order::ReducedFirst, _) if outer => ProductRow::Contiguous,
                (Order::ReducedFirst, []) => ProductRow::Contiguous,
                (Order::ReducedFirst, [0]) => ProductRow::Single,
                (Order::ReducedFirst, [step]) if *step == item as isize => ProductRow::Contiguous,
                _ => return None,
            };
            let offset = views[at].offset;
            let steps = kept.strides[at].iter().chain([&step, &offset]);
            if steps.into_iter().any(|step| step % item as isize != 0) {
                return None;
            }
            let kept = kept.strides[at].clone();
            factors.push(Factor { argument: argument as usize, offset, kept, reduced: step, row });
        }
        Some(Products { loops, item, factors: factors.try_into().ok()?, kept: kept.shape, outer })
    }

    /// Whether memory is where the loops take it.
    pub(super) fn fits(&self, binding: &Binding) -> bool {
        let aligned = |factor: &Factor| binding.bases[factor.argument].is_multiple_of(self.item as u64);
        self.factors.iter().all(aligned)
    }

    /// Where a factor's element of a kept row, and the first one that is reduced, is.
    fn start(&self, factor: &Factor, binding: &Binding, row: usize) -> *const u8 {
        let start = address(binding.bases[factor.argument], factor.offset);
        let mut rest = row;
        let mut offset = 0;
        for (&extent, &step) in self.kept.iter().zip(&factor.kept).rev() {
            // Most often there is one axis, and a comparison is cheaper than a division.
            let (index, next) = if rest < extent { (rest, 0) } else { (rest % extent, rest / extent) };
            offset += index as isize * step;
            rest = next;
        }
        start.wrapping_offset(offset)
    }

    /// Folds a leaf of one row to `out`.
    ///
    /// # Safety
    /// The binding must fit the launch, and at least [`LANES`] elements be in the leaf.
    pub(super) unsafe fn leaf(&self, binding: &Binding, row: usize, elements: Range<usize>, out: *mut u8) {
        let [a, b] = &self.factors;
        let at = |factor: &Factor| self.start(factor, binding, row).wrapping_add(elements.start * self.item);
        let (first, second) = (at(a), at(b));
        for (factor, row) in [(a, first), (b, second)] {
            // A vector is the same for every row of a matrix.
            if factor.kept.last().is_some_and(|&step| step != 0) {
                prefetch_ahead(row, elements.len() * self.item);
            }
        }
        // SAFETY: the caller's promise.
        unsafe { (self.loops.leaf)(out, first, second, elements.len()) };
    }

    /// The loop for the same leaf of as many of the rows from one on as it takes, and how many: if there is a loop and they
    /// lie in equal steps and share their second factor, as those of a matrix times a vector do.
    pub(super) fn together(&self, row: usize, rows: usize) -> Option<(LeavesOfProducts, usize)> {
        let (&extent, [.., 0]) = (self.kept.last()?, &self.factors[1].kept[..]) else { return None };
        let count = rows.min(extent - row % extent) / TOGETHER * TOGETHER;
        Some((self.loops.leaves.filter(|_| count > 0)?, count))
    }

    /// Folds the same leaf of some rows, with the loop that [`Products::together`] gave, to places at equal steps.
    ///
    /// # Safety
    /// The binding must fit the launch, at least [`LANES`] elements be in the leaf, and there be room for the results.
    pub(super) unsafe fn leaves(
        &self,
        (leaves, count): (LeavesOfProducts, usize),
        binding: &Binding,
        row: usize,
        elements: Range<usize>,
        (out, step): (*mut u8, usize),
    ) {
        let [a, b] = &self.factors;
        let at = |factor: &Factor| self.start(factor, binding, row).wrapping_add(elements.start * self.item);
        let next = a.kept.last().copied().unwrap_or_default();
        // SAFETY: the caller's promise.
        unsafe { leaves(out, step as isize, at(a), next, at(b), elements.len(), count) };
    }

    /// Sums the products of the rows of a lane, which are every [`LANES`]th of some from the lane's number on, in `width`
    /// columns from one on into an accumulator for each column.
    ///
    /// # Safety
    /// The binding must fit the launch, and there be room for the accumulators.
    pub(super) unsafe fn columns(
        &self,
        binding: &Binding,
        (rows, lane): (Range<usize>, usize),
        from: usize,
        width: usize,
        accumulators: *mut u8,
    ) {
        let first_of = |factor: &Factor| {
            let first = address(binding.bases[factor.argument], factor.offset);
            first.wrapping_offset(factor.reduced * (rows.start + lane) as isize)
        };
        let rows_of = |factor: &Factor| {
            let column = match factor.row {
                ProductRow::Contiguous => from * self.item,
                ProductRow::Single => 0,
            };
            ProductRows {
                start: first_of(factor).wrapping_add(column),
                step: factor.reduced * LANES as isize,
                row: factor.row,
            }
        };
        let [a, b] = &self.factors;
        let count = (rows.len() - lane).div_ceil(LANES);
        let ahead = rows.len() + lane * count - lane;
        let grid = |factor: &Factor, column: isize| Grid {
            start: first_of(factor),
            row: factor.reduced * LANES as isize,
            column,
        };
        if let (&[_, n], true) = (&self.kept[..], self.outer) {
            let (a, b) = (grid(a, a.kept[0]), grid(b, self.item as isize));
            let mut at = from;
            while at < from + width {
                // As many whole rows as there are, or the part of one.
                let (row, column, left) = (at / n, at % n, from + width - at);
                let (m, n) = if column == 0 && left >= n { (left / n, n) } else { (1, left.min(n - column)) };
                let into = accumulators.wrapping_add((at - from) * self.item);
                // SAFETY: the caller's promise.
                unsafe { (self.loops.outer)(into, a.from(0, row), b.from(0, column), count, (m, n), ahead) };
                at += m * n;
            }
            return;
        }
        let single = match (a.row, b.row) {
            (ProductRow::Single, ProductRow::Contiguous) => Some((a, b)),
            (ProductRow::Contiguous, ProductRow::Single) => Some((b, a)),
            _ => None,
        };
        // SAFETY: the caller's promise.
        unsafe {
            match single {
                // The sums stay in registers.
                Some((single, row)) if width * self.item <= NARROW => {
                    let (a, b) = (grid(single, 0), grid(row, self.item as isize).from(0, from));
                    (self.loops.outer)(accumulators, a, b, count, (1, width), ahead);
                }
                _ => (self.loops.rows)(accumulators, rows_of(a), rows_of(b), count, width),
            }
        }
    }
}
