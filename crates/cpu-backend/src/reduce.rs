//! Reductions: a body folded along axes, one partial result per leaf of [`LEAF`] elements.
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

mod folding;
mod products;

use self::folding::Folding;
use self::products::Products;
use crate::jit::Jit;
use crate::program::{Program, Run, with_scratch};
use crate::tile::{Elements, Strided, load, prefetch};
use maniple_ops::{Fold, LANES, LEAF, Order as FoldOrder, flags, fold};
use maniple_runtime::{Binding, Launch, Order, Reduce};
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

/// Bytes of one row of accumulators: all of them together fit into the second-level cache.
const ACCUMULATORS: usize = 8 << 10;
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
const LEAVES: usize = 64;
/// If compiled code had to be given up so often, a piece goes on without it.
const TOO_OFTEN: u32 = 8;

/// A reduction made ready.
pub(crate) struct Reduction {
    program: Program,
    folding: Option<Box<Folding>>,
    products: Option<Box<Products>>,
    fold: Fold,
    partials: Elements,
    /// Position of the partials among the arguments.
    target: usize,
    item: usize,
    /// Elements per result, leaves per result, and results.
    n: usize,
    leaves: usize,
    kept: usize,
    order: Order,
    lanes: usize,
    /// Elements of the buffer for the body's values.
    room: usize,
    stores: Stores,
    events: Events,
    /// Floating point events that somebody wants to know of.
    watch: u8,
}

/// When the events of folding are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    Never,
    /// After all of it, for nothing else raises any.
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

/// The columns that are reduced together.
#[derive(Clone, Copy)]
enum Columns {
    /// All, which are so few that as many rows as there are lanes make one row of accumulators.
    All,
    /// Some, row by row.
    Some { from: usize, width: usize },
}

/// What accumulators hold before the first row.
#[derive(Clone, Copy)]
enum Start {
    /// What changes nothing; rows are combined by compiled code.
    Identity,
    /// Nothing: the first row is what they begin with.
    First,
}

/// What values are combined with.
#[derive(Clone, Copy)]
enum With {
    /// An accumulator, in compiled code.
    Compiled,
    /// An accumulator.
    Accumulator,
    /// Nothing: they become the accumulators.
    Nothing,
}

impl Start {
    fn at(self, first: bool) -> With {
        match self {
            Start::Identity => With::Compiled,
            Start::First if first => With::Nothing,
            Start::First => With::Accumulator,
        }
    }
}

impl Reduction {
    /// Nothing if some step has no function, if the row does not fold or has to fold more than one leaf from first to
    /// last, or if the body has no input.
    pub(crate) fn new(launch: &Launch, reduce: &Reduce, jit: Option<&Arc<Jit>>) -> Option<Reduction> {
        let target = launch.args.len() - 1;
        let shape = &launch.args[..target].first()?.view.shape;
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
        let partials = &launch.args[target];
        let fold = fold(reduce.op, partials.dtype)?;
        let sequential = fold.order != FoldOrder::Tree;
        if sequential && n > LEAF {
            return None;
        }
        let program = Program::new(launch, &reduce.body, &launch.args[..target], jit)?;
        let item = partials.dtype.size();
        let room = (ROWS / item).max(LEAF).max(program.block());
        let stores = if reduce.body.outputs.len() > 1 { Stores::Elements } else { Stores::Nothing };
        let folding = match (jit, stores) {
            (Some(jit), Stores::Nothing) if !sequential => Folding::new(launch, reduce, n, jit).map(Box::new),
            _ => None,
        };
        let products = match (reduce.order, stores) {
            (Order::KeptFirst, _) if n < LANES => None,
            (_, Stores::Nothing) => Products::new(launch, reduce).map(Box::new),
            _ => None,
        };
        Some(Reduction {
            program,
            folding,
            products,
            lanes: if sequential { 1 } else { fold.lanes },
            fold,
            partials: Elements::new(&partials.view, partials.dtype),
            target,
            item,
            n,
            leaves: n.div_ceil(LEAF),
            kept,
            order: reduce.order,
            room,
            events: match launch.watch.last() {
                None | Some(0) => Events::Never,
                _ if !partials.dtype.is_inexact() => Events::Never,
                _ if reduce.body.steps.is_empty() => Events::Last,
                _ => Events::Each,
            },
            stores,
            watch: launch.watch.iter().fold(0, |all, watch| all | watch & 15),
        })
    }

    /// Computes the partials `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let program = self.program.scratch().next_multiple_of(64);
        let values = (self.room * self.item).next_multiple_of(64);
        let accumulators = match self.order {
            Order::KeptFirst if self.n <= SHORT => self.room * self.item,
            Order::KeptFirst => LANES * self.item,
            Order::ReducedFirst => self.lanes * self.width() * self.item,
        };
        let accumulators = accumulators.next_multiple_of(64);
        let folding =
            self.folding.as_deref().filter(|folding| folding.program.is_compiled(self.program.size()));
        let more = folding.map_or(0, |folding| folding.program.scratch());
        with_scratch(program + values + accumulators + more, |scratch| {
            // SAFETY: the caller's promise; the parts of the scratch memory are apart and as large as needed.
            unsafe {
                let mut work = Work {
                    reduction: self,
                    plain: self.program.plain_sink(binding),
                    run: self.program.start(binding, self.program.size(), scratch),
                    binding,
                    values: scratch.add(program),
                    accumulators: scratch.add(program + values),
                    folding: folding.map(|folding| {
                        let scratch = scratch.add(program + values + accumulators);
                        (folding, folding.program.start(binding, self.program.size(), scratch))
                    }),
                    products: self.products.as_deref().filter(|products| products.fits(binding)),
                    repeated: 0,
                };
                if self.events != Events::Never {
                    flags::clear();
                }
                match self.order {
                    Order::KeptFirst if work.products.is_some() => work.leaves_of_products(first, last),
                    Order::KeptFirst => work.rows(first, last),
                    Order::ReducedFirst => work.columns(first, last),
                }
                work.report(Events::Last);
            }
        });
    }

    /// Most columns that are reduced at a time.
    fn width(&self) -> usize {
        ACCUMULATORS / self.item
    }
}

/// A reduction at work on one piece.
struct Work<'a> {
    reduction: &'a Reduction,
    run: Run<'a>,
    binding: &'a Binding,
    /// The first of the values to fold if they lie in memory as they are.
    plain: Option<*const u8>,
    values: *mut u8,
    accumulators: *mut u8,
    /// The body with the combining, if it is compiled.
    folding: Option<(&'a Folding, Run<'a>)>,
    /// The loops for sums of products, if that is what it is.
    products: Option<&'a Products>,
    /// How often compiled code or those loops had to be given up because of floating point events.
    repeated: u32,
}

impl Work<'_> {
    /// Address of the values to fold at the positions `first..last`, which are at most as many as there is room for.
    unsafe fn evaluated(&mut self, first: usize, last: usize) -> *const u8 {
        match self.plain {
            Some(values) => values.wrapping_add(first * self.reduction.item),
            None => {
                // What was folded before is told apart from what the steps raise now, and the other way round.
                self.report(Events::Each);
                // SAFETY: the range lies in the index space and the buffer has room for it.
                unsafe { self.run.evaluate(first, last, self.values) };
                if self.reduction.events == Events::Each && !flags::read().is_empty() {
                    flags::clear();
                }
                self.values
            }
        }
    }

    /// Reports the events of the folds since they were last cleared, if this is `when` to look, or the end.
    fn report(&self, when: Events) {
        let events = self.reduction.events;
        if events == Events::Never || (events == Events::Last && when == Events::Each) {
            return;
        }
        let raised = flags::read();
        if !raised.is_empty() {
            self.binding.report.iter().for_each(|report| report.raise_own(raised));
            flags::clear();
        }
    }

    /// Leaves of rows whose products are summed, some at a time.
    unsafe fn leaves_of_products(&mut self, first: usize, last: usize) {
        let Reduction { n, leaves, fold, item, partials, target, .. } = self.reduction;
        let is_short = |point: usize| point % leaves == leaves - 1 && (n - 1) % LEAF < LANES - 1;
        let mut sums = [0u64; LEAVES];
        let sums = sums.as_mut_ptr().cast::<u8>();
        for begin in (first..last).step_by(LEAVES) {
            let end = (begin + LEAVES).min(last);
            let Some(products) = self.products.filter(|_| self.begins()) else {
                // SAFETY: the points are those of the piece.
                unsafe { self.rows(begin, end) };
                continue;
            };
            // SAFETY: as before; a sum takes up to eight bytes; the partials are writable.
            unsafe {
                for point in begin..end {
                    let (row, leaf) =
                        if *leaves == 1 { (point, 0) } else { (point / leaves, point % leaves) };
                    let elements = leaf * LEAF..((leaf + 1) * LEAF).min(*n);
                    if elements.len() >= LANES {
                        let out = sums.add((point - begin) * item);
                        products.leaf(self.binding, row, elements, out);
                    }
                }
                fold.close.iter().for_each(|close| close(sums, end - begin));
                if self.is_quiet() {
                    partials.store(self.binding.bases[*target], begin, end - begin, sums);
                    (begin..end).filter(|&point| is_short(point)).for_each(|point| self.leaf(point));
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
                _ => (first..last).for_each(|point| self.leaf(point)),
            }
        }
    }

    /// Rows of one leaf each, several of which are evaluated at a time.
    unsafe fn short_rows(&mut self, first: usize, last: usize) {
        let Reduction { n, item, room, .. } = *self.reduction;
        let together = (room / n).max(1);
        let mut row = first;
        while row < last {
            let rows = together.min(last - row);
            // SAFETY: rows follow one another in the index space; the buffer holds `together` of them.
            unsafe {
                let values = self.evaluated(row * n, (row + rows) * n);
                if n <= SHORT.min(self.reduction.lanes) {
                    self.turned_rows(row, values, rows);
                    row += rows;
                    continue;
                }
                for at in 0..rows {
                    let values = values.wrapping_add(at * n * item);
                    if self.plain.is_some() {
                        prefetch_ahead(values, n * item);
                    }
                    self.fold_leaf(row + at, values, n);
                }
            }
            row += rows;
        }
    }

    /// Rows shorter than there are lanes: every element is a lane of its own, and the lanes of all rows are folded
    /// together.
    unsafe fn turned_rows(&self, row: usize, values: *const u8, rows: usize) {
        let Reduction { fold, n, item, partials, target, .. } = self.reduction;
        let step = [(n * item) as isize];
        for lane in 0..*n {
            let origin = values.wrapping_add(lane * item).cast_mut();
            let column = Strided { shape: &[rows], strides: &step, origin, item: *item };
            // SAFETY: the accumulators have room for as many elements as the rows have.
            unsafe { load(column, 0, rows, self.accumulators.wrapping_add(lane * rows * item)) };
        }
        // SAFETY: `n` lanes of `rows` accumulators have been written; the partials are writable.
        unsafe {
            fold_tree(fold, self.accumulators, *n, rows, *item);
            partials.store(self.binding.bases[*target], row, rows, self.accumulators);
        }
    }

    /// One leaf of a longer row.
    unsafe fn leaf(&mut self, point: usize) {
        let Reduction { n, leaves, .. } = *self.reduction;
        let (row, leaf) = (point / leaves, point % leaves);
        let (start, end) = (leaf * LEAF, ((leaf + 1) * LEAF).min(n));
        // SAFETY: the leaf lies within its row; there are accumulators for all lanes.
        unsafe {
            if self.folding.is_some() && self.begins() {
                let accumulators = self.accumulators;
                if let Some((folding, run)) = &mut self.folding {
                    folding.fill(accumulators, LANES);
                    run.accumulate(row * n + start, row * n + end, accumulators);
                }
                if self.is_quiet() {
                    return self.fold_leaf(point, accumulators, (end - start).min(LANES));
                }
            }
            let values = self.evaluated(row * n + start, row * n + end);
            self.fold_leaf(point, values, end - start);
        }
    }

    unsafe fn fold_leaf(&self, point: usize, values: *const u8, count: usize) {
        let Reduction { fold, partials, target, .. } = self.reduction;
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

    /// Points run along the kept axes within a leaf, then to the next leaf.
    unsafe fn columns(&mut self, first: usize, last: usize) {
        let Reduction { n, kept, lanes, .. } = *self.reduction;
        let mut point = first;
        while point < last {
            let (leaf, column) = (point / kept, point % kept);
            let rows = leaf * LEAF..((leaf + 1) * LEAF).min(n);
            let columns = (last - point).min(kept - column);
            // A few columns of narrow rows are not worth less than all of them, unless the rows are stored too: those
            // of the other columns are somebody else's.
            let whole = columns == kept || self.reduction.stores == Stores::Nothing;
            // SAFETY: the columns are those of the points; buffers and accumulators have room for them.
            unsafe {
                let room = self.reduction.width().min(self.reduction.room);
                let narrow = whole && lanes * kept <= room;
                let (columns, from) = if narrow { (columns, column) } else { (columns.min(room), 0) };
                let used = lanes.min(rows.len());
                let (width, shape) = if narrow {
                    (kept, Columns::All)
                } else {
                    (columns, Columns::Some { from: column, width: columns })
                };
                let folded = (self.products.is_some() || self.folding.is_some()) && self.begins() && {
                    if let Some(products) = self.products {
                        let from = if narrow { 0 } else { column };
                        products.columns(self.binding, rows.clone(), from, width, self.accumulators);
                    } else if let Some((folding, _)) = &self.folding {
                        folding.fill(self.accumulators, used * width);
                        self.combine_all(rows.clone(), shape, Start::Identity);
                    }
                    self.is_quiet()
                };
                if !folded {
                    self.combine_all(rows, shape, Start::First);
                }
                self.fold_lanes(used, width);
                let Reduction { partials, target, item, .. } = self.reduction;
                let sums = self.accumulators.wrapping_add(from * item);
                partials.store(self.binding.bases[*target], point, columns, sums);
                point += columns;
            }
        }
    }

    /// Combines the rows with the accumulators, a row for each lane.
    unsafe fn combine_all(&mut self, rows: Range<usize>, columns: Columns, start: Start) {
        let Reduction { item, kept, lanes, .. } = *self.reduction;
        // SAFETY: the rows lie side by side in the index space, as the accumulators do; the columns are part of a row.
        unsafe {
            let Columns::Some { from, width } = columns else {
                for row in rows.clone().step_by(lanes) {
                    let end = (row + lanes).min(rows.end);
                    self.combine(row * kept, end * kept, self.accumulators, start.at(row == rows.start));
                }
                return;
            };
            // One lane after the other, so that its accumulators stay in the first-level cache.
            for lane in 0..lanes.min(rows.len()) {
                let accumulators = self.accumulators.wrapping_add(lane * width * item);
                for row in (rows.start + lane..rows.end).step_by(lanes) {
                    let position = row * kept + from;
                    let start = start.at(row == rows.start + lane);
                    self.combine(position, position + width, accumulators, start);
                }
            }
        }
    }

    /// Combines the values at the positions `first..last` with an accumulator each.
    unsafe fn combine(&mut self, first: usize, last: usize, accumulators: *mut u8, with: With) {
        let Reduction { fold, item, .. } = self.reduction;
        // SAFETY: the positions lie in the index space, and there is an accumulator for each.
        unsafe {
            match (with, &mut self.folding) {
                (With::Compiled, Some((_, run))) => run.evaluate(first, last, accumulators),
                (With::Nothing, _) => {
                    let values = self.evaluated(first, last);
                    ptr::copy_nonoverlapping(values, accumulators, (last - first) * item);
                }
                _ => {
                    let values = self.evaluated(first, last);
                    (fold.rows)(accumulators, values, last - first);
                }
            }
        }
    }

    /// Whether to go on without the steps one by one. What was raised before is told apart from what this raises.
    fn begins(&mut self) -> bool {
        if self.repeated < TOO_OFTEN {
            self.report(Events::Each);
        }
        self.repeated < TOO_OFTEN
    }

    /// Whether that raised no event that is wanted; which step it was only the steps themselves can tell.
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

    unsafe fn fold_lanes(&self, used: usize, columns: usize) {
        // SAFETY: `used` rows of accumulators have been written.
        unsafe { fold_tree(&self.reduction.fold, self.accumulators, used, columns, self.reduction.item) };
    }
}

/// Asks for as many bytes as a short row has, some rows ahead: between the loads of a row there is so much to fold that
/// the processor does not see them as one stream. Sums of a million rows of 32 doubles take half the time.
fn prefetch_ahead(row: *const u8, bytes: usize) {
    if bytes <= AHEAD {
        (0..bytes).step_by(64).for_each(|line| prefetch(row.wrapping_add(AHEAD + line)));
    }
}

/// One leaf, as a result.
unsafe fn fold_closed(fold: &Fold, out: *mut u8, values: *const u8, count: usize) {
    // SAFETY: the caller's promise: aligned values, as many as said, and room for a result.
    unsafe {
        (fold.leaf)(out, values, count);
        if let Some(close) = fold.close {
            close(out, 1);
        }
    }
}

/// Folds `count` rows of `columns` accumulators into the first one, in the fixed tree, which makes them results.
///
/// # Safety
/// The accumulators must be aligned and valid.
pub(crate) unsafe fn fold_tree(fold: &Fold, rows: *mut u8, count: usize, columns: usize, item: usize) {
    let row = |at: usize| rows.wrapping_add(at * columns * item);
    let mut half = count.next_power_of_two() / 2;
    while half > 0 {
        // All pairs of a level at once: rows lie side by side, and the two halves are apart.
        let pairs = half.min(count.saturating_sub(half));
        // SAFETY: `half + pairs` is at most `count`.
        unsafe { (fold.rows)(row(0), row(half), pairs * columns) };
        half /= 2;
    }
    if let Some(close) = fold.close {
        // SAFETY: the first row holds `columns` accumulators.
        unsafe { close(rows, columns) };
    }
}
