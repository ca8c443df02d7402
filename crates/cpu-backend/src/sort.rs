//! Sorting rows, and merging sorted runs.

use crate::program::with_scratch;
use crate::tile::Elements;
use maniple_ops::{Dtype, Runs, Sort as Loops, sort};
use maniple_runtime::{Binding, Launch, Sorted};
use std::ptr;

/// Bytes of rows that are loaded together where elements do not lie side by side: they stay in the second-level cache.
const TOGETHER: usize = 256 << 10;
/// Rows that are loaded together however long they are, since neighbours may lie in one line of a cache.
const FEWEST: usize = 8;
/// Elements of a result that are merged together where they do not lie side by side.
const BLOCK: usize = 1 << 13;
/// Buffers begin at multiples of this many bytes.
const LINE: usize = 64;

/// A sort of runs made ready.
pub(crate) struct Sort {
    loops: Loops,
    item: usize,
    input: Elements,
    /// What is given, and the number of its argument.
    values: Option<(Elements, usize)>,
    order: Option<(Elements, usize)>,
    /// Elements of a row, and of a run.
    n: usize,
    run: usize,
    /// Runs of a row.
    runs: usize,
}

/// Runs that lie one behind the other in their rows.
struct Part {
    /// Position of the first element.
    start: usize,
    /// Position of the first element in its row.
    from: usize,
    /// Elements of a run.
    n: usize,
    count: usize,
}

impl Sort {
    /// Nothing if there are no loops for the dtype, or nothing to sort.
    pub(crate) fn new(launch: &Launch, dtype: Dtype, gives: Sorted, run: usize) -> Option<Sort> {
        let input = &launch.args[0];
        let n = *input.view.shape.last().filter(|&&n| n > 0)?;
        let given = |number: usize| {
            let arg = &launch.args[number];
            (Elements::new(&arg.view, arg.dtype), number)
        };
        let values = gives.has_values().then(|| given(1));
        let order = gives.has_order().then(|| given(1 + usize::from(gives.has_values())));
        Some(Sort {
            loops: sort(dtype)?,
            item: dtype.size(),
            input: Elements::new(&input.view, dtype),
            values,
            order,
            n,
            run: run.min(n),
            runs: n.div_ceil(run),
        })
    }

    /// Sorts the runs `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let together = (TOGETHER / (self.run * self.item)).max(FEWEST).min(last - first);
        let room = self.buffers(binding, together * self.run).2;
        with_scratch(room, |scratch| {
            let mut at = first;
            while at < last {
                let whole = self.run == self.n;
                let count = if whole { together.min(last - at) } else { 1 };
                let from = at % self.runs * self.run;
                let part = Part {
                    start: at / self.runs * self.n + from,
                    from,
                    n: self.run.min(self.n - from),
                    count,
                };
                // SAFETY: the caller's promise; there is room for the part.
                unsafe { self.sort(binding, &part, scratch) };
                at += count;
            }
        });
    }

    /// Where in the scratch memory values and positions go, behind elements that are read, and all of its bytes. What
    /// lies side by side in memory takes no room.
    fn buffers(&self, binding: &Binding, elements: usize) -> (usize, usize, usize) {
        let bytes = |needed: bool, item: usize| match needed {
            true => (elements * item).next_multiple_of(LINE),
            false => 0,
        };
        let apart = |given: &Option<(Elements, usize)>| {
            given
                .as_ref()
                .is_some_and(|(elements, number)| elements.direct(binding.bases[*number], 0).is_none())
        };
        let read = self.order.is_some() && self.input.direct(binding.bases[0], 0).is_none();
        let values = bytes(read, self.item);
        let order = values + bytes(apart(&self.values), self.item);
        (values, order, order + bytes(apart(&self.order), size_of::<i64>()))
    }

    unsafe fn sort(&self, binding: &Binding, part: &Part, scratch: *mut u8) {
        let Part { start, n, count, .. } = *part;
        let (to_values, to_order, _) = self.buffers(binding, count * n);
        let source = self.input.direct(binding.bases[0], start);
        let place = |given: &Option<(Elements, usize)>, buffer: usize| {
            given.as_ref().map(|(elements, number)| {
                let direct = elements.direct(binding.bases[*number], start);
                (direct.unwrap_or(scratch.wrapping_add(buffer)), direct.is_none())
            })
        };
        let (values, order) = (place(&self.values, to_values), place(&self.order, to_order));
        // SAFETY: the caller's promise: the part is within the arguments, results overlap nothing but an input that they
        // take the place of, and there is room in the scratch memory.
        unsafe {
            match order {
                None => {
                    let (values, _) = values.expect("something is given");
                    match source {
                        None => self.input.load(binding.bases[0], start, count * n, values),
                        Some(source) if source == values => {}
                        Some(source) => ptr::copy_nonoverlapping(source, values, count * n * self.item),
                    }
                    for row in 0..count {
                        (self.loops.values)(values.add(row * n * self.item), n);
                    }
                }
                Some((order, _)) => {
                    let source = source.unwrap_or_else(|| {
                        self.input.load(binding.bases[0], start, count * n, scratch);
                        scratch
                    });
                    for row in 0..count {
                        let source = source.add(row * n * self.item);
                        let order = order.cast::<i64>().add(row * n);
                        (self.loops.order)(source, n, order);
                        if let Some((values, _)) = values {
                            (self.loops.take)(source, order, n, values.add(row * n * self.item));
                        }
                    }
                    if part.from > 0 {
                        let order = std::slice::from_raw_parts_mut(order.cast::<i64>(), n);
                        order.iter_mut().for_each(|position| *position += part.from as i64);
                    }
                }
            }
            for (given, place) in [(&self.values, values), (&self.order, order)] {
                if let (Some((elements, number)), Some((buffer, true))) = (given, place) {
                    elements.store(binding.bases[*number], start, count * n, buffer);
                }
            }
        }
    }
}

/// A merge made ready.
pub(crate) struct Merge {
    loops: Loops,
    item: usize,
    runs: Elements,
    order: Option<Elements>,
    /// What is given, and the number of its argument.
    to_values: Option<(Elements, usize)>,
    to_order: Option<(Elements, usize)>,
    n: usize,
    run: usize,
}

impl Merge {
    /// Nothing if there are no loops for the dtype.
    pub(crate) fn new(launch: &Launch, dtype: Dtype, gives: Sorted, run: usize) -> Option<Merge> {
        let elements = |number: usize| Elements::new(&launch.args[number].view, launch.args[number].dtype);
        let first = 1 + usize::from(gives.has_order());
        let last = first + usize::from(gives.has_values());
        Some(Merge {
            loops: sort(dtype)?,
            item: dtype.size(),
            runs: elements(0),
            order: gives.has_order().then(|| elements(1)),
            to_values: gives.has_values().then(|| (elements(first), first)),
            to_order: gives.has_order().then(|| (elements(last), last)),
            n: launch.extent,
            run,
        })
    }

    /// Merges the elements `first..last` of the result.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let runs = Runs {
            values: self.runs.at(binding.bases[0], 0),
            order: self
                .order
                .as_ref()
                .map_or(ptr::null(), |order| order.at(binding.bases[1], 0).cast_const().cast()),
            n: self.n,
            run: self.run,
        };
        let direct = |given: &Option<(Elements, usize)>, at: usize| match given {
            None => Some(ptr::null_mut()),
            Some((elements, number)) => elements.direct(binding.bases[*number], at),
        };
        let all_direct = direct(&self.to_values, first).is_some() && direct(&self.to_order, first).is_some();
        let block = if all_direct { last - first } else { BLOCK };
        let room = self.loops.merge_scratch;
        with_scratch(room + BLOCK * (self.item + size_of::<i64>()), |scratch| {
            let mut at = first;
            while at < last {
                let end = (at + block).min(last);
                let values = direct(&self.to_values, at);
                let order = direct(&self.to_order, at);
                let (value_buffer, order_buffer) =
                    (scratch.wrapping_add(room + BLOCK * size_of::<i64>()), scratch.wrapping_add(room));
                // SAFETY: the caller's promise; runs have no gaps, and there is room for a block.
                unsafe {
                    (self.loops.merge)(
                        &runs,
                        at,
                        end,
                        values.unwrap_or(value_buffer),
                        order.unwrap_or(order_buffer).cast(),
                        scratch,
                    );
                    for (given, place, buffer) in
                        [(&self.to_values, values, value_buffer), (&self.to_order, order, order_buffer)]
                    {
                        if let (Some((elements, number)), None) = (given, place) {
                            elements.store(binding.bases[*number], at, end - at, buffer);
                        }
                    }
                }
                at = end;
            }
        });
    }
}
