//! Reductions: values of a body folded along axes, each to one partial result per leaf of [`LEAF`] elements.
//!
//! A leaf folds its element `i` into lane `i % LANES`, then the lanes in a fixed tree. Where rows are reduced, the
//! row's own leaf function does both. Where columns are reduced, a lane is a row of accumulators:
//!
//! ```text
//! for every lane:  accumulators[lane] = element row `lane`, then combined with rows lane + LANES, lane + 2 LANES, ...
//! for h in [LANES / 2, ..., 2, 1]:  accumulators[i] = op(accumulators[i], accumulators[i + h])
//! ```
//!
//! which is the same arithmetic for every column, hence the same bits.
//!
//! Where the steps of the body are simple, they and the combining are compiled together ([`folding`]): values go from
//! registers to accumulators, which begin with what changes nothing. Sums of products have loops of their own
//! ([`products`]).

mod columns;
mod folding;
mod products;

use self::folding::Folding;
use self::products::Products;
use crate::fold::{fold_closed, fold_tree};
use crate::jit::Jit;
use crate::program::{Program, Run, with_scratch};
use crate::tile::{Elements, Strided, load, prefetch};
use maniple_ops::{Fold, LANES, LEAF, Order as FoldOrder, TOGETHER, flags, fold};
use maniple_runtime::{Arg, Binding, Launch, Order, Reduce};
use smallvec::SmallVec;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

/// Bytes of one row of accumulators of a fold: those of all lanes together fit into the second-level cache.
const ACCUMULATORS: usize = 8 << 10;
/// Bytes of one row of accumulators of all folds: they fit into the first-level cache.
const MOST_ACCUMULATORS: usize = 3 * ACCUMULATORS;
/// As many columns as a multiple of this are reduced at a time, so that they begin with lines of memory.
const COLUMNS: usize = 64;
/// Bytes of the values of whole rows that are evaluated at a time.
const ROWS: usize = 16 << 10;

/// Rows up to this length are turned into columns to be folded together: a leaf function for each would cost more, but
/// where it has all lanes to fold, it is fast.
const SHORT: usize = LANES - 1;

/// Rows from this length on are folded by compiled code one by one; of shorter ones several are evaluated together.
const LONG: usize = 256;
/// How many bytes ahead of their use short rows are asked for.
const AHEAD: usize = 4 << 10;
/// Leaves of sums of products between two looks at the events.
const LEAVES: usize = 256;
/// Leaves of compiled code between two looks at the events.
const AT_ONCE: usize = 8;
/// If compiled code had to be given up so often, a piece goes on without it.
const TOO_OFTEN: u32 = 8;

/// A reduction made ready.
pub(crate) struct Reduction {
    program: Program,
    folding: Option<Box<Folding>>,
    products: SmallVec<[Option<Box<Products>>; 1]>,
    folds: SmallVec<[Folded; 1]>,
    /// Most columns that are reduced at a time.
    width: usize,
    /// Elements per result, leaves per result, and results.
    n: usize,
    leaves: usize,
    kept: usize,
    order: Order,
    lanes: usize,
    /// Elements of the buffers for the body's values.
    room: usize,
    stores: Stores,
    events: Events,
    /// Floating point events that somebody wants to know of.
    watch: u8,
}

/// A value of the body that is folded.
struct Folded {
    fold: Fold,
    partials: Elements,
    /// Position of the partials among the arguments.
    target: usize,
    item: usize,
}

/// When the events of folding are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    Never,
    /// After all of it, for nothing but one fold raises any.
    Last,
    /// After each evaluation of the body and each fold, to tell them apart.
    Each,
}

/// What a reduction stores besides its partials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stores {
    Nothing,
    Elements,
}

impl Reduction {
    /// Nothing if some step has no function, if a row does not fold or has to fold more than one leaf from first to last,
    /// or if the body has no input.
    pub(crate) fn new(launch: &Launch, reduce: &Reduce, jit: Option<&Arc<Jit>>) -> Option<Reduction> {
        let first_target = launch.args.len() - reduce.ops.len();
        let (placed, partials) = launch.args.split_at(first_target);
        let shape = &placed.first()?.view.shape;
        let split = match reduce.order {
            Order::KeptFirst => reduce.kept,
            Order::ReducedFirst => shape.len() - reduce.kept,
        };
        let (outer, inner) = shape.split_at(split);
        let (outer, inner): (usize, usize) = (outer.iter().product(), inner.iter().product());
        let (kept, n) = match reduce.order {
            Order::KeptFirst => (outer, inner),
            Order::ReducedFirst => (inner, outer),
        };
        let mut folds: SmallVec<[Folded; 1]> = SmallVec::new();
        for ((&op, arg), target) in reduce.ops.iter().zip(partials).zip(first_target..) {
            let (fold, partials) = (fold(op, arg.dtype)?, Elements::new(&arg.view, arg.dtype));
            folds.push(Folded { fold, partials, target, item: arg.dtype.size() });
        }
        let sequential = folds.iter().any(|folded| folded.fold.order != FoldOrder::Tree);
        if sequential && (n > LEAF || folds.len() > 1) {
            return None;
        }
        let program = Program::new(launch, &reduce.body, placed, jit)?;
        let items = folds.iter().map(|folded| folded.item).sum::<usize>();
        let widest = folds.iter().map(|folded| folded.item).max()?;
        let stores = match reduce.body.outputs.len() - folds.len() {
            0 => Stores::Nothing,
            _ => Stores::Elements,
        };
        let folding = match jit {
            Some(jit) if !sequential => Folding::new(launch, reduce, n, jit).map(Box::new),
            _ => None,
        };
        let products = match (reduce.order, stores) {
            (_, Stores::Elements) => SmallVec::new(),
            (Order::KeptFirst, _) if n < LANES || folds.len() > 1 => SmallVec::new(),
            _ => Products::of_folds(launch, reduce),
        };
        let watched = |(fold, partials): (usize, &Arg)| {
            launch.watch.get(launch.folder(fold)).is_some_and(|&watch| watch != 0)
                && partials.dtype.is_inexact()
        };
        Some(Reduction {
            folding,
            products,
            lanes: if sequential { 1 } else { LANES },
            width: ((ACCUMULATORS / widest).min(MOST_ACCUMULATORS / items) / COLUMNS * COLUMNS).max(COLUMNS),
            n,
            leaves: n.div_ceil(LEAF),
            kept,
            order: reduce.order,
            room: (ROWS / widest).min(2 * ROWS / items).max(LEAF).max(program.block()),
            events: match (&reduce.body.steps[..], &folds[..]) {
                ([_, ..], _) if launch.watched() => Events::Each,
                ([], _) if !partials.iter().enumerate().any(watched) => Events::Never,
                ([], [_]) => Events::Last,
                ([], _) => Events::Each,
                _ => Events::Never,
            },
            stores,
            watch: launch.watch.iter().fold(0, |all, watch| all | watch & 15),
            program,
            folds,
        })
    }

    /// Computes the partials `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let mut end = self.program.scratch().next_multiple_of(64);
        let mut parts = |elements: usize| -> Parts {
            let part = |folded: &Folded| {
                let start = end;
                end += (elements * folded.item).next_multiple_of(64);
                start
            };
            self.folds.iter().map(part).collect()
        };
        let values = parts(self.room);
        let accumulators = match self.order {
            // Rows are turned for one fold after the other, in the same memory.
            Order::KeptFirst if self.n <= SHORT => {
                let all = parts(self.room);
                all.iter().map(|_| all[0]).collect()
            }
            Order::KeptFirst => parts(LANES),
            Order::ReducedFirst => parts(self.lanes * self.width),
        };
        let folding =
            self.folding.as_deref().filter(|folding| folding.program.is_compiled(self.program.size()));
        let more = folding.map_or(0, |folding| folding.program.scratch());
        let plain = |fold: usize| match self.stores {
            Stores::Nothing => self.program.plain_sink(fold, binding),
            Stores::Elements => None,
        };
        let plain: SmallVec<[Option<*const u8>; 4]> = (0..self.folds.len()).map(plain).collect();
        with_scratch(end + more, |scratch| {
            let placed = |offset: usize| scratch.wrapping_add(offset);
            let sink = |(offset, plain): (usize, &Option<*const u8>)| match plain {
                Some(_) => ptr::null_mut(),
                None => placed(offset),
            };
            // SAFETY: the caller's promise; the parts of the scratch memory are apart and as large as needed.
            unsafe {
                let mut work = Work {
                    reduction: self,
                    sinks: values.into_iter().zip(&plain).map(sink).collect(),
                    direct: self.products.len() == self.folds.len()
                        && self.products.iter().zip(&plain).all(|(products, plain)| match products {
                            Some(products) => products.fits(binding),
                            None => plain.is_some(),
                        }),
                    all_plain: self.program.is_empty() && plain.iter().all(Option::is_some),
                    plain,
                    run: self.program.start(binding, self.program.size(), scratch),
                    binding,
                    accumulators: accumulators.into_iter().map(placed).collect(),
                    folding: folding.map(|folding| {
                        let scratch = scratch.wrapping_add(end);
                        (folding, folding.program.start(binding, self.program.size(), scratch))
                    }),
                    repeated: 0,
                };
                if self.events != Events::Never {
                    flags::clear();
                }
                match self.order {
                    Order::KeptFirst if work.direct => work.leaves_of_products(first, last),
                    Order::KeptFirst => work.rows(first, last),
                    Order::ReducedFirst => work.columns(first, last),
                }
                work.report(0, Events::Last);
            }
        });
    }
}

/// Something for each fold: an offset.
type Parts = SmallVec<[usize; 4]>;
/// Something for each fold: an address.
type Addresses = SmallVec<[*mut u8; 4]>;

/// A reduction at work on one piece.
struct Work<'a> {
    reduction: &'a Reduction,
    run: Run<'a>,
    binding: &'a Binding,
    /// For each fold the first of its values if they lie in memory as they are.
    plain: SmallVec<[Option<*const u8>; 4]>,
    /// Whether that is so of all, and there is nothing to evaluate.
    all_plain: bool,
    /// Where they are put if not.
    sinks: Addresses,
    accumulators: Addresses,
    /// The body with the combining, if it is compiled.
    folding: Option<(&'a Folding, Run<'a>)>,
    /// Whether loops for sums of products, or those of folding alone, do for all folds.
    direct: bool,
    /// How often compiled code or those loops had to be given up because of floating point events.
    repeated: u32,
}

impl Work<'_> {
    /// Puts the values to fold at the positions `first..last`, which are at most as many as there is room for, where
    /// [`Work::values`] finds them.
    unsafe fn evaluate(&mut self, first: usize, last: usize) {
        if self.all_plain {
            return;
        }
        // SAFETY: the range lies in the index space and the buffers have room for it.
        unsafe { self.run.evaluate(first, last, &self.sinks) };
        // What the steps raised is told apart from what folding raises.
        if self.reduction.events == Events::Each && !flags::read().is_empty() {
            flags::clear();
        }
    }

    /// Address of a fold's values that were evaluated last, from the position `first` on.
    fn values(&self, fold: usize, first: usize) -> *const u8 {
        match self.plain[fold] {
            Some(values) => values.wrapping_add(first * self.reduction.folds[fold].item),
            None => self.sinks[fold],
        }
    }

    /// Reports the events of a fold since they were last cleared, if this is `when` to look.
    fn report(&self, fold: usize, when: Events) {
        if self.reduction.events != when {
            return;
        }
        let raised = flags::read();
        if !raised.is_empty() {
            self.binding.report.iter().for_each(|report| report.raise_own(fold, raised));
            flags::clear();
        }
    }

    /// Leaves of rows whose products are summed, some at a time.
    unsafe fn leaves_of_products(&mut self, first: usize, last: usize) {
        let Reduction { n, leaves, folds, .. } = self.reduction;
        let Folded { fold, item, partials, target } = &folds[0];
        // The last leaf of a row may have fewer elements than there are lanes.
        let short = (n - 1) % LEAF < LANES - 1;
        let mut sums = [0u64; LEAVES];
        let sums = sums.as_mut_ptr().cast::<u8>();
        let many = TOGETHER * leaves;
        let step = if many <= LEAVES { LEAVES / many * many } else { LEAVES };
        for begin in (first..last).step_by(step) {
            let end = (begin + step).min(last);
            let products = self.reduction.products[0].as_deref();
            let Some(products) = products.filter(|_| self.repeated < TOO_OFTEN) else {
                // SAFETY: the points are those of the piece.
                unsafe { self.rows(begin, end) };
                continue;
            };
            // SAFETY: as before; a sum takes up to eight bytes; the partials are writable.
            unsafe {
                let mut point = begin;
                while point < end {
                    let (row, leaf) =
                        if *leaves == 1 { (point, 0) } else { (point / leaves, point % leaves) };
                    let elements = |leaf: usize| leaf * LEAF..((leaf + 1) * LEAF).min(*n);
                    let out = |point: usize| sums.add((point - begin) * item);
                    let together = match leaf {
                        0 => products.together(row, (end - point) / leaves),
                        _ => None,
                    };
                    if let Some(together @ (_, rows)) = together {
                        for leaf in (0..*leaves).filter(|&leaf| elements(leaf).len() >= LANES) {
                            let out = (out(point + leaf), leaves * item);
                            products.leaves(together, self.binding, row, elements(leaf), out);
                        }
                        point += rows * leaves;
                    } else {
                        if elements(leaf).len() >= LANES {
                            products.leaf(self.binding, row, elements(leaf), out(point));
                        }
                        point += 1;
                    }
                }
                fold.close.iter().for_each(|close| close(sums, end - begin));
                if self.is_quiet() {
                    partials.store(self.binding.bases[*target], begin, end - begin, sums);
                    if short {
                        let last = begin..end;
                        last.filter(|point| point % leaves == leaves - 1).for_each(|point| self.leaf(point));
                    }
                } else {
                    self.rows(begin, end);
                }
            }
        }
    }

    /// Leaves of rows.
    unsafe fn rows(&mut self, first: usize, last: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.reduction.leaves {
                1 if self.folding.is_none() || self.reduction.n < LONG => self.short_rows(first, last),
                _ => self.leaves(first, last),
            }
        }
    }

    /// Rows of one leaf each, several of which are evaluated at a time.
    unsafe fn short_rows(&mut self, first: usize, last: usize) {
        let Reduction { n, room, .. } = *self.reduction;
        let together = (room / n).max(1);
        let mut row = first;
        while row < last {
            let rows = together.min(last - row);
            // SAFETY: rows follow one another in the index space; the buffers hold `together` of them.
            unsafe {
                self.evaluate(row * n, (row + rows) * n);
                for fold in 0..self.reduction.folds.len() {
                    let values = self.values(fold, row * n);
                    if n <= SHORT.min(self.reduction.lanes) {
                        self.turned_rows(fold, row, values, rows);
                    } else {
                        let item = self.reduction.folds[fold].item;
                        for at in 0..rows {
                            let values = values.wrapping_add(at * n * item);
                            if self.plain[fold].is_some() {
                                prefetch_ahead(values, n * item);
                            }
                            self.fold_leaf(fold, row + at, values, n);
                        }
                    }
                    self.report(fold, Events::Each);
                }
            }
            row += rows;
        }
    }

    /// Rows shorter than there are lanes: every element is a lane of its own, and the lanes of all rows are folded
    /// together.
    unsafe fn turned_rows(&self, number: usize, row: usize, values: *const u8, rows: usize) {
        let n = self.reduction.n;
        let Folded { fold, item, partials, target } = &self.reduction.folds[number];
        let accumulators = self.accumulators[number];
        let step = [(n * item) as isize];
        for lane in 0..n {
            let origin = values.wrapping_add(lane * item).cast_mut();
            let column = Strided { shape: &[rows], strides: &step, origin, item: *item };
            // SAFETY: the accumulators have room for as many elements as the rows have.
            unsafe { load(column, 0, rows, accumulators.wrapping_add(lane * rows * item)) };
        }
        // SAFETY: `n` lanes of `rows` accumulators have been written; the partials are writable.
        unsafe {
            fold_tree(fold, accumulators, n, rows, *item);
            partials.store(self.binding.bases[*target], row, rows, accumulators);
        }
    }

    /// Leaves of longer rows.
    unsafe fn leaves(&mut self, first: usize, last: usize) {
        for begin in (first..last).step_by(AT_ONCE) {
            let end = (begin + AT_ONCE).min(last);
            // SAFETY: the leaves are among those of the piece.
            unsafe {
                if !self.compiled_leaves(begin, end) {
                    (begin..end).for_each(|point| self.leaf(point));
                }
            }
        }
    }

    /// Leaves by compiled code, if there is some, before anybody looks for events: to look has the processor finish what it
    /// does. Answers whether that was all.
    unsafe fn compiled_leaves(&mut self, first: usize, last: usize) -> bool {
        let compiled = self.folding.as_ref().filter(|(folding, _)| folding.overwritten.is_empty());
        if compiled.is_none() || self.repeated >= TOO_OFTEN {
            return false;
        }
        for point in first..last {
            // SAFETY: the caller's promise.
            unsafe {
                let count = self.accumulate(point);
                for fold in 0..self.reduction.folds.len() {
                    self.fold_leaf(fold, point, self.accumulators[fold], count);
                }
            }
        }
        self.is_quiet()
    }

    /// The positions of a leaf.
    fn positions(&self, point: usize) -> Range<usize> {
        let Reduction { n, leaves, .. } = *self.reduction;
        let (row, leaf) = (point / leaves, point % leaves);
        row * n + leaf * LEAF..row * n + ((leaf + 1) * LEAF).min(n)
    }

    /// Combines a leaf's values with the accumulators, by compiled code. Answers how many of them have values.
    unsafe fn accumulate(&mut self, point: usize) -> usize {
        let leaf = self.positions(point);
        let Some((folding, run)) = &mut self.folding else { return 0 };
        // SAFETY: the leaf lies within its row; there are accumulators for all lanes.
        unsafe {
            folding.fill(&self.accumulators, LANES);
            run.accumulate(leaf.start, leaf.end, &self.accumulators);
        }
        leaf.len().min(LANES)
    }

    /// One leaf of a longer row.
    unsafe fn leaf(&mut self, point: usize) {
        let leaf = self.positions(point);
        // SAFETY: the leaf lies within its row; there are accumulators for all lanes.
        unsafe {
            let compiled = match &self.folding {
                Some((folding, _)) if self.repeated < TOO_OFTEN => {
                    if folding.overwritten.is_empty() {
                        self.accumulate(point);
                        self.is_quiet()
                    } else {
                        self.leaf_in_place(leaf.start, leaf.end);
                        true
                    }
                }
                _ => false,
            };
            if !compiled {
                self.evaluate(leaf.start, leaf.end);
            }
            for fold in 0..self.reduction.folds.len() {
                let (values, count) = match compiled {
                    true => (self.accumulators[fold].cast_const(), leaf.len().min(LANES)),
                    false => (self.values(fold, leaf.start), leaf.len()),
                };
                self.fold_leaf(fold, point, values, count);
                self.report(fold, Events::Each);
            }
        }
    }

    /// Combines a leaf that writes over what it reads with the accumulators, by compiled code. A block that raised events
    /// which somebody wants to know of is put back as it was, and its steps run one by one.
    unsafe fn leaf_in_place(&mut self, first: usize, last: usize) {
        let mut before: SmallVec<[[u64; LANES]; 2]> = SmallVec::new();
        // Compiled code has elements of eight bytes at most.
        let bytes = |folded: &Folded| LANES * folded.item;
        let mut at = first;
        while at < last {
            let Some((folding, run)) = &mut self.folding else { return };
            let folding = *folding;
            let end = run.end_of_block(at, last);
            // SAFETY: the positions are those of the leaf; there are accumulators for all lanes.
            unsafe {
                if at == first {
                    folding.fill(&self.accumulators, LANES);
                }
                before.clear();
                for (folded, &accumulators) in self.reduction.folds.iter().zip(&self.accumulators) {
                    let mut kept = [0; LANES];
                    ptr::copy_nonoverlapping(accumulators, kept.as_mut_ptr().cast(), bytes(folded));
                    before.push(kept);
                }
                run.accumulate(at, end, &self.accumulators);
                if !self.is_quiet() {
                    let Some((_, run)) = &mut self.folding else { return };
                    run.put_back(&folding.overwritten, at, end);
                    for (number, folded) in self.reduction.folds.iter().enumerate() {
                        let kept = before[number].as_ptr().cast::<u8>();
                        ptr::copy_nonoverlapping(kept, self.accumulators[number], bytes(folded));
                    }
                    self.evaluate(at, end);
                    for (number, Folded { fold, item, .. }) in self.reduction.folds.iter().enumerate() {
                        for from in (at..end).step_by(LANES) {
                            let values = self.sinks[number].wrapping_add((from - at) * item);
                            (fold.rows)(self.accumulators[number], values, LANES.min(end - from));
                        }
                        self.report(number, Events::Each);
                    }
                }
            }
            at = end;
        }
    }

    unsafe fn fold_leaf(&self, number: usize, point: usize, values: *const u8, count: usize) {
        let Folded { fold, partials, target, .. } = &self.reduction.folds[number];
        let base = self.binding.bases[*target];
        // SAFETY: the values are aligned and as many as said; the partial is writable.
        unsafe {
            match partials.direct(base, point) {
                Some(out) => fold_closed(fold, out, values, count),
                None => {
                    let mut out = [0u64; 2];
                    fold_closed(fold, out.as_mut_ptr().cast(), values, count);
                    partials.store(base, point, 1, out.as_ptr().cast());
                }
            }
        }
    }

    /// Whether what has been computed without the steps one by one raised no event that is wanted; which step it was only
    /// the steps themselves can tell.
    fn is_quiet(&mut self) -> bool {
        if self.reduction.events != Events::Each {
            return true;
        }
        let raised = flags::read();
        if !raised.is_empty() {
            flags::clear();
        }
        let quiet = raised.bits() & self.reduction.watch == 0;
        self.repeated += u32::from(!quiet);
        quiet
    }
}

/// Asks for as many bytes as a short row has, some rows ahead: between the loads of a row there is so much to fold that
/// the processor does not see them as one stream. Sums of a million rows of 32 doubles take half the time.
fn prefetch_ahead(row: *const u8, bytes: usize) {
    if bytes <= AHEAD {
        (0..bytes).step_by(64).for_each(|line| prefetch(row.wrapping_add(AHEAD + line)));
    }
}
