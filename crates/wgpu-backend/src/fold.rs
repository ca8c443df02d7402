//! Folds the partial results of a reduction's leaves in a fixed tree, in as many passes as it takes.
//!
//! ```text
//! for h in [largest power of two below the number of leaves, ..., 2, 1]:
//!     v[i] = op(v[i], v[i + h])  for i < h and i + h < number of leaves
//! ```
//!
//! Leaves that are a power of two apart are a tree of their own, so that one pass makes few leaves of many and the tree
//! over those is left.

use crate::command::{
    Buffers, Call, Class, Command, Mode, PLACES, Place, Program, THREADS, Words, begin, word,
};
use crate::geometry::{Written, aligned, bits, closed, fetched, opened, register, stored, stored_in};
use maniple_ops::wgsl::{self, Features};
use maniple_ops::{Body, Dtype, Op, Order, fold};
use maniple_runtime::{Arg, Launch, Space};
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};

/// Leaves that a thread folds.
const FAN: usize = 16;

/// A fold of leaves made ready.
pub(crate) struct Fold {
    folding: Folding,
    args: Vec<Arg>,
    buffers: Buffers,
    /// The buffers of scratch memory.
    scratch: usize,
    partials: Space,
    results: Space,
    /// Bytes from a leaf to the next one of the same result.
    step: isize,
    leaves: usize,
    op: Op,
    dtype: Dtype,
    /// By where leaves come from and where results go: arguments or scratch memory.
    programs: [OnceLock<Arc<Program>>; 4],
}

/// The memory that a pass reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Argument = 0,
    Scratch = 1,
}

/// Words after the places: first and last result, leaves of a result, bytes between them, how far apart the leaves are
/// that are folded together, where this pass reads and writes in scratch memory, and where flags go.
const OWN: usize = 8;

impl Fold {
    /// Nothing if the row does not fold, or has to fold more than one leaf from first to last.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype, features: Features) -> Option<Fold> {
        let [partials, results] = &launch.args[..] else { return None };
        let last = partials.view.ndim().checked_sub(1)?;
        let leaves = partials.view.shape[last];
        if leaves == 0
            || !held(dtype, features)
            || (fold(op, dtype)?.order != Order::Tree && leaves > 1)
            || !launch.args.iter().all(aligned)
            || results.view.overlaps_itself(dtype.size())
        {
            return None;
        }
        let mut buffers = Buffers::new(&launch.args, |_| dtype.size() < 4);
        let scratch = buffers.add(Mode::Write);
        Some(Fold {
            folding: Folding::new(launch, op, dtype)?,
            args: launch.args.clone(),
            buffers,
            scratch,
            partials: Space::of_axes(&[&partials.view], 0..last),
            results: Space::new([&results.view].into_iter()),
            step: partials.view.strides[last],
            leaves,
            op,
            dtype,
            programs: Default::default(),
        })
    }

    /// How many leaves are left after the pass over `leaves` of them, more than a workgroup can fold.
    fn left(&self, leaves: usize) -> usize {
        leaves.div_ceil(FAN).next_power_of_two()
    }

    /// Bytes of an element in scratch memory, where no two share a word.
    fn item(&self) -> usize {
        self.dtype.size().max(4)
    }

    /// Bytes of the leaves that are left for one result after the first pass.
    fn room(&self) -> usize {
        match self.leaves > THREADS * FAN {
            true => self.left(self.leaves) * self.item(),
            false => 0,
        }
    }

    fn text(&self, from: Side, to: Side) -> String {
        let own = PLACES + 3;
        let (value, item, scratch) = (register(self.dtype), self.item(), self.scratch);
        let widened = if self.dtype.size() < 4 { Dtype::UInt32 } else { self.dtype };
        let leaf = match from {
            Side::Argument => format!(
                "var at = {};\n{}at += index * {};\nlet found = {};\n",
                word(PLACES),
                self.partials.text("result", own + OWN, &["at".into()]),
                word(own + 3),
                fetched(&self.buffers, 0, self.dtype, "at"),
            ),
            Side::Scratch => format!(
                "let at = {} + {} + ((result - {}) * {} + index) * {item}u;\nlet found = {};\n",
                word(PLACES + 2),
                word(own + 5),
                word(own),
                word(own + 2),
                match widened.size() {
                    8 => format!("vec2<u32>(b{scratch}[at >> 2u], b{scratch}[(at >> 2u) + 1u])"),
                    _ => format!("b{scratch}[at >> 2u]"),
                }
            ),
        };
        let keep = match to {
            Side::Argument => format!(
                "var at = {};\n{}{}",
                word(PLACES + 1),
                self.results.text("result", own + OWN + self.partials.words(), &["at".into()]),
                stored(&self.buffers, 1, self.dtype, "at", "bits"),
            ),
            Side::Scratch => format!(
                "let at = {} + {} + ((result - {}) * {} + place) * {item}u;\n{}",
                word(PLACES + 2),
                word(own + 6),
                word(own),
                word(own + 4),
                stored_in(scratch, Mode::Write, widened, "at", "bits"),
            ),
        };
        format!(
            "{folding}const FAN = {FAN}u;\n\
             fn leaf(result: u32, index: u32) -> {value} {{\n{leaf}return {opened};\n}}\n\
             fn keep(result: u32, place: u32, value: {value}) {{\nlet bits: {bits} = {closed};\n{keep}\n}}\n\
             fn first_result() -> u32 {{ return {first}; }}\n\
             fn last_result() -> u32 {{ return {last}; }}\n\
             fn leaves() -> u32 {{ return {leaves}; }}\n\
             fn apart() -> u32 {{ return {apart}; }}\n\
             {skeleton}",
            folding = self.folding.text(&word(own + 7), 0),
            opened = opened(self.dtype, "found"),
            bits = bits(self.dtype),
            closed = closed(self.dtype, &finished(self.op, self.dtype, "value")),
            first = word(own),
            last = word(own + 1),
            leaves = word(own + 2),
            apart = word(own + 4),
            skeleton = match to == Side::Scratch || self.leaves <= FAN {
                true => include_str!("../../../shaders/fold_threads.wgsl"),
                false => include_str!("../../../shaders/fold_group.wgsl"),
            }
            .replace("Value", value),
        )
    }

    /// One pass from `leaves` leaves to `apart` of them, or to the results.
    fn pass(
        &self,
        call: &Call<'_>,
        leaves: usize,
        apart: Option<usize>,
        from: Option<usize>,
        to: usize,
    ) -> Command {
        let side = |scratch: bool| if scratch { Side::Scratch } else { Side::Argument };
        let (source, target) = (side(from.is_some()), side(apart.is_some()));
        let program = self.programs[source as usize * 2 + target as usize].get_or_init(|| {
            let words = PLACES + 3 + OWN + self.partials.words() + self.results.words();
            let text = self.text(source, target);
            let modes = match self.room() {
                0 => &self.buffers.modes[..self.scratch],
                _ => &self.buffers.modes[..],
            };
            Program::new(words, modes, &operations(self.op, self.dtype), &text)
        });
        let Call { binding, first, last, scratch, report } = *call;
        let mut words: Words = begin(3);
        let step = self.step as u32;
        words.extend([first as u32, last as u32, leaves as u32, step, apart.unwrap_or(1) as u32]);
        words.extend([from.unwrap_or(0) as u32, to as u32, report]);
        self.partials.push(&mut words);
        self.results.push(&mut words);
        let mut places: SmallVec<[Place; 8]> = (self.args.iter().enumerate())
            .map(|(number, arg)| {
                self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last)
            })
            .collect();
        if self.room() > 0 {
            let bytes = self.scratch(first, last) as u64;
            places.push(Place { binding: self.scratch, address: scratch, touched: scratch..scratch + bytes });
        }
        let work = (last - first) * apart.unwrap_or(1);
        let groups = match apart.is_some() || leaves <= FAN {
            true => work.div_ceil(THREADS),
            false => last - first,
        };
        Command { program: program.clone(), groups, places, words }
    }
}

/// A result of a reduction, whole or in part: see [`maniple_ops::Fold::close`]. The zero is one that compilers do not know.
pub(crate) fn finished(op: Op, dtype: Dtype, value: &str) -> String {
    let closes = maniple_ops::fold(op, dtype).is_some_and(|fold| fold.close.is_some());
    match wgsl::combine(op, dtype).filter(|_| closes) {
        Some(combine) if dtype.is_complex() => {
            format!("{combine}({value}, vec2<f32>(bitcast<f32>(mn_zero)))")
        }
        Some(combine) => format!("{combine}({value}, bitcast<f32>(mn_zero))"),
        None => value.to_string(),
    }
}

impl Class for Fold {
    fn scratch(&self, first: usize, last: usize) -> usize {
        // Passes write to one half and the other in turn.
        (last - first) * self.room() * 2
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let mut commands = SmallVec::new();
        let (mut from, mut leaves) = (None, self.leaves);
        let half = (call.last - call.first) * self.room();
        let mut to = 0;
        while leaves > THREADS * FAN {
            let left = self.left(leaves);
            commands.push(self.pass(call, leaves, Some(left), from, to));
            (from, leaves, to) = (Some(to), left, half - to);
        }
        commands.push(self.pass(call, leaves, None, from, 0));
        commands
    }
}

/// What a kernel that folds calls, and whether it reports the floating point events of folding.
pub(crate) struct Folding {
    op: Op,
    dtype: Dtype,
    reports: bool,
}

impl Folding {
    /// Nothing if the row does not fold.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype) -> Option<Folding> {
        wgsl::combine(op, dtype)?;
        // The last task of a launch folds; those before it are a body's steps.
        let watched = launch.watch.last().is_some_and(|&mask| mask != 0);
        Some(Folding { op, dtype, reports: watched && wgsl::combine_events(op, dtype).is_some() })
    }

    /// The same without a report.
    pub(crate) fn silent(self) -> Folding {
        Folding { reports: false, ..self }
    }

    /// The function `combine`. Flags of folding go to the cell `cell` from the one that the expression `first` gives.
    pub(crate) fn text(&self, first: &str, cell: usize) -> String {
        let value = register(self.dtype);
        let combine = wgsl::combine(self.op, self.dtype).unwrap_or_default();
        let texts = wgsl::combine_events(self.op, self.dtype)
            .zip(wgsl::combine_suspicion(self.op, self.dtype))
            .filter(|_| self.reports);
        let report = texts.map(|(events, suspicion)| {
            format!("if ({suspicion}) {{ report({first} + {cell}u, {events}); }}\n")
        });
        format!(
            "fn combine(a: {value}, b: {value}) -> {value} {{\nlet r = {combine}(a, b);\n{}return r;\n}}\n",
            report.unwrap_or_default()
        )
    }
}

/// The op table's functions for elements of a dtype and for folding them by a row.
pub(crate) fn operations(op: Op, dtype: Dtype) -> String {
    let body = Body { inputs: vec![dtype], outputs: vec![0], ..Body::default() };
    wgsl::prelude_for(&body, Some(op))
}

/// Whether a device holds elements of a dtype in registers.
pub(crate) fn held(dtype: Dtype, features: Features) -> bool {
    let body = Body { inputs: vec![dtype], outputs: vec![0], ..Body::default() };
    wgsl::supports(&body, features)
}
