//! Sums of products of two arrays by loops of their own: dot products, and matrices times vectors.

use super::prefetch_ahead;
use crate::tile::address;
use maniple_ops::{Begin, LANES, Op, ProductRow, ProductRows, Products as Loops, Step, products};
use maniple_runtime::{Binding, Launch, Order, Reduce, Space, View};
use std::ops::Range;

/// A reduction that sums products.
pub(super) struct Products {
    loops: Loops,
    item: usize,
    factors: [Factor; 2],
    /// Extents of the kept axes.
    kept: Vec<usize>,
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
    /// Nothing if it sums something else, or the factors do not lie as the loops take them.
    pub(super) fn new(launch: &Launch, reduce: &Reduce) -> Option<Products> {
        let (partials, inputs) = launch.args.split_last()?;
        let [op] = reduce.ops[..] else { return None };
        let body = &reduce.body;
        let arguments = match &body.steps[..] {
            [Step::Apply { op: Op::Multiply, dtype, args }] if *dtype == partials.dtype => [args[0], args[1]],
            _ => return None,
        };
        let all_given = arguments.iter().all(|&at| (at as usize) < body.inputs.len());
        if op != Op::Add || !all_given || inputs.len() != body.inputs.len() {
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
        Some(Products { loops, item, factors: factors.try_into().ok()?, kept: kept.shape })
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

    /// Sums the products of some rows of `width` columns from one on into an accumulator for each lane and column.
    ///
    /// # Safety
    /// The binding must fit the launch, and there be room for the accumulators.
    pub(super) unsafe fn columns(
        &self,
        binding: &Binding,
        rows: Range<usize>,
        from: usize,
        width: usize,
        accumulators: *mut u8,
    ) {
        let factor = |factor: &Factor, row: usize| {
            let first = address(binding.bases[factor.argument], factor.offset);
            let column = match factor.row {
                ProductRow::Contiguous => from * self.item,
                ProductRow::Single => 0,
            };
            ProductRows {
                start: first.wrapping_offset(factor.reduced * row as isize).wrapping_add(column),
                step: factor.reduced * LANES as isize,
                row: factor.row,
            }
        };
        for lane in 0..LANES.min(rows.len()) {
            let row = rows.start + lane;
            let count = (rows.end - row).div_ceil(LANES);
            let accumulators = accumulators.wrapping_add(lane * width * self.item);
            let [a, b] = &self.factors;
            // SAFETY: the caller's promise; the rows are those of the lane.
            unsafe {
                (self.loops.rows)(accumulators, factor(a, row), factor(b, row), count, width, Begin::Empty)
            };
        }
    }
}
