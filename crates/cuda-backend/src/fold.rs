//! Folds the partial results of a reduction's leaves in a fixed tree, in as many passes as it takes.
//!
//! ```text
//! for h in [largest power of two below the number of leaves, ..., 2, 1]:
//!     v[i] = op(v[i], v[i + h])  for i < h and i + h < number of leaves
//! ```
//!
//! Leaves that are a power of two apart are a tree of their own, so that one pass makes few leaves of many and the tree
//! over those is left.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::geometry::{Space, Written, address};
use maniple_ops::cuda;
use maniple_ops::{Dtype, Op, Order, fold};
use maniple_runtime::{Arg, Launch};
use smallvec::SmallVec;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// Grids fill the device this many times over.
const WAVES: u32 = 64;
/// Threads of the largest block.
const BLOCK: usize = 512;
const WARP: usize = 32;

/// A fold of leaves made ready.
pub(crate) struct Fold {
    folding: Folding,
    partials: Space,
    results: Space,
    /// Bytes from a leaf to the next one of the same result.
    step: isize,
    leaves: usize,
    item: usize,
    /// Leaves that a thread folds.
    fan: usize,
    /// By where leaves come from and where results go: arguments or scratch memory.
    programs: [OnceLock<Arc<Program>>; 4],
}

/// Who folds what the threads have folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Nobody: every thread writes its own.
    Threads,
    Warp,
    Block,
}

/// The memory that a pass reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Argument = 0,
    Scratch = 1,
}

impl Fold {
    /// Nothing if the row does not fold, or has to fold more than one leaf from first to last.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype) -> Option<Fold> {
        let [partials, results] = &launch.args[..] else { return None };
        let last = partials.view.ndim().checked_sub(1)?;
        let leaves = partials.view.shape[last];
        if leaves == 0
            || (fold(op, dtype)?.order != Order::Tree && leaves > 1)
            || !launch.args.iter().all(naturally_aligned)
            || results.view.overlaps_itself(dtype.size())
        {
            return None;
        }
        Some(Fold {
            folding: Folding::new(launch, op, dtype)?,
            partials: Space::of_axes(&[&partials.view], 0..last),
            results: Space::new([&results.view].into_iter()),
            step: partials.view.strides[last],
            leaves,
            item: dtype.size(),
            fan: if dtype.size() > 8 { 8 } else { 16 },
            programs: Default::default(),
        })
    }

    /// How many leaves are left after the pass over `leaves` of them, more than a block can fold.
    fn left(&self, leaves: usize) -> usize {
        leaves.div_ceil(self.fan).next_power_of_two()
    }

    /// Who does the last pass, over `leaves` of them, with how many threads to a block.
    fn finish(&self, leaves: usize) -> (Over, usize) {
        if leaves <= self.fan {
            (Over::Threads, 256)
        } else if leaves <= WARP * self.fan {
            (Over::Warp, 256)
        } else {
            (Over::Block, leaves.div_ceil(self.fan).next_power_of_two())
        }
    }

    /// Bytes of the leaves that are left for one result after the first pass.
    fn room(&self) -> usize {
        match self.leaves > BLOCK * self.fan {
            true => self.left(self.leaves) * self.item,
            false => 0,
        }
    }

    /// Words before those of the report.
    fn words(&self) -> usize {
        7 + self.partials.words() + self.results.words()
    }

    fn text(&self, over: Over, threads: usize, from: Side, to: Side) -> String {
        let function = "static __device__ __forceinline__";
        let at = 7;
        let partials = self.partials.text("result", at, &["d".into()]);
        let results = self.results.text("result", at + self.partials.words(), &["d".into()]);
        let mut text = self.folding.text(self.words(), 0);
        let _ = write!(
            text,
            "#define FAN {}\n#define THREADS {threads}\n#define OVER_THREADS {}\n#define OVER_WARP {}\n",
            self.fan,
            (over == Over::Threads) as u8,
            (over == Over::Warp) as u8,
        );
        let _ = match from {
            Side::Argument => write!(
                text,
                "{function} Word leaf_address(const Words& p, Word result) {{\n{partials}return p.w[0] + d;\n}}\n"
            ),
            Side::Scratch => write!(
                text,
                "{function} Word leaf_address(const Words& p, Word result) {{\n\
                 return p.w[0] + (result - p.w[2]) * p.w[4] * p.w[5];\n}}\n"
            ),
        };
        let _ = match to {
            Side::Argument => write!(
                text,
                "{function} Stored* result_address(const Words& p, Word result, Word) {{\n{results}\
                 return (Stored*)(p.w[1] + d);\n}}\n"
            ),
            Side::Scratch => write!(
                text,
                "{function} Stored* result_address(const Words& p, Word result, Word place) {{\n\
                 return (Stored*)p.w[1] + (result - p.w[2]) * p.w[6] + place;\n}}\n"
            ),
        };
        text.push_str(include_str!("../../../kernels/lanes.cuh"));
        text.push_str(include_str!("../../../kernels/tree.cuh"));
        text.push_str(include_str!("../../../kernels/fold.cu"));
        text
    }

    /// One pass from `leaves` leaves to `apart` of them, or to the results.
    fn pass(
        &self,
        call: &Call<'_>,
        leaves: usize,
        apart: Option<usize>,
        from: (Side, u64),
        to: u64,
    ) -> Command {
        let count = call.last - call.first;
        let (side, over, threads) = match apart {
            Some(_) => (Side::Scratch, Over::Threads, 256),
            None => {
                let (over, threads) = self.finish(leaves);
                (Side::Argument, over, threads)
            }
        };
        let program = self.programs[from.0 as usize * 2 + side as usize].get_or_init(|| {
            Program::new(self.words() + 2, cuda::prelude(), &self.text(over, threads, from.0, side))
        });
        let step = if from.0 == Side::Argument { self.step as u64 } else { self.item as u64 };
        let mut words = Words::new();
        words.extend([from.1, to, call.first as u64, call.last as u64]);
        words.extend([leaves as u64, step, apart.unwrap_or(1) as u64]);
        self.partials.push(&mut words);
        self.results.push(&mut words);
        words.extend(call.report);
        let work = match over {
            Over::Threads => count * apart.unwrap_or(1),
            Over::Warp => count * WARP,
            Over::Block => count * threads,
        };
        Command {
            program: program.clone(),
            grid: grid(work, threads as u32, call.multiprocessors, WAVES),
            words,
        }
    }
}

impl Class for Fold {
    fn scratch(&self, first: usize, last: usize) -> usize {
        // Passes write to one half and the other in turn.
        (last - first) * self.room() * 2
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let bases = &call.binding.bases;
        let mut commands = SmallVec::new();
        let mut from = (Side::Argument, address(bases[0], self.partials.offsets[0]));
        let mut leaves = self.leaves;
        let half = ((call.last - call.first) * self.room()) as u64;
        let mut turn = 0;
        while leaves > BLOCK * self.fan {
            let left = self.left(leaves);
            let to = call.scratch + turn * half;
            commands.push(self.pass(call, leaves, Some(left), from, to));
            (from, leaves, turn) = ((Side::Scratch, to), left, 1 - turn);
        }
        commands.push(self.pass(call, leaves, None, from, address(bases[1], self.results.offsets[0])));
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
        cuda::combine(op, dtype)?;
        // The last task of a launch folds; those before it are a body's steps.
        let watched = launch.watch.last().is_some_and(|&mask| mask != 0);
        Some(Folding { op, dtype, reports: watched && cuda::combine_events(op, dtype).is_some() })
    }

    /// The same without a report, for what is combined with nothing but padding.
    pub(crate) fn silent(self) -> Folding {
        Folding { reports: false, ..self }
    }

    /// The text of [`folding`]; `finished`, which is `closed` for results of reductions, whole or in part (see
    /// [`maniple_ops::Fold::close`]); and `begin_report`, which every thread calls before anything else. Where flags go
    /// is in two words from `word` on; those of folding are in the cell `cell`.
    ///
    /// A result that may mean an event is rare and is looked at by a function of its own, as in a body. Functions that
    /// combine do not know the kernel's parameter: a block keeps where flags go.
    pub(crate) fn text(&self, word: usize, cell: usize) -> String {
        let function = "static __device__ __forceinline__";
        let texts = || {
            let events = cuda::combine_events(self.op, self.dtype)?;
            let suspicion = cuda::combine_suspicion(self.op, self.dtype)?;
            Some((events, suspicion, cuda::combine(self.op, self.dtype)?))
        };
        let text = match texts().filter(|_| self.reports) {
            None => {
                let folding = folding(self.op, self.dtype).unwrap_or_default();
                format!("{folding}{function} void begin_report(const Words&) {{}}\n")
            }
            Some((events, suspicion, combine)) => format!(
                "{values}\
                 __shared__ Word own_report[2];\n\
                 {function} void begin_report(const Words& p) {{\n\
                 own_report[0] = p.w[{word}];\nown_report[1] = p.w[{next}];\n}}\n\
                 static __device__ __noinline__ void report_combined(Value a, Value b, Value r) {{\n\
                 report(own_report[0], own_report[1], {cell}, {events});\n}}\n\
                 {function} Value combine(Value a, Value b) {{\n\
                 const Value r = {combine}(a, b);\n\
                 mn_seen seen = {{0, 0, 0}};\n{suspicion}\n\
                 if (mn_suspicious(seen)) report_combined(a, b, r);\n\
                 return r;\n}}\n",
                values = values(self.dtype),
                next = word + 1,
            ),
        };
        let closes = fold(self.op, self.dtype).is_some_and(|fold| fold.close.is_some());
        let added = cuda::combine(self.op, self.dtype).zip(cuda::identity(self.op, self.dtype));
        let finished = match added.filter(|_| closes) {
            Some((combine, zero)) => format!("{combine}(a, {zero})"),
            None => "a".to_string(),
        };
        format!("{text}{function} Stored finished(Value a) {{ return closed({finished}); }}\n")
    }
}

/// The text of a row's fold at a dtype: the types `Stored` (in memory) and `Value` (in registers), `opened` and
/// `closed` between them, and `combine`. Nothing if the row does not fold.
pub(crate) fn folding(op: Op, dtype: Dtype) -> Option<String> {
    let combine = cuda::combine(op, dtype)?;
    Some(format!(
        "{}static __device__ __forceinline__ Value combine(Value a, Value b) {{ return {combine}(a, b); }}\n",
        values(dtype)
    ))
}

/// The text of a dtype's elements: the types `Stored` and `Value`, `opened` and `closed` between them.
pub(crate) fn values(dtype: Dtype) -> String {
    format!(
        "typedef {storage} Stored;\ntypedef {value} Value;\n\
         static __device__ __forceinline__ Value opened(Stored a) {{ return {opened}; }}\n\
         static __device__ __forceinline__ Stored closed(Value a) {{ return {closed}; }}\n",
        storage = cuda::storage(dtype),
        value = cuda::value(dtype),
        opened = cuda::load(dtype, "a"),
        closed = cuda::store(dtype, "a"),
    )
}

/// Whether every element of an argument lies where a device can read it at once.
pub(crate) fn naturally_aligned(arg: &Arg) -> bool {
    let size = arg.dtype.real().size();
    let fits = |bytes: isize| bytes.unsigned_abs().is_multiple_of(size);
    fits(arg.view.offset)
        && (arg.view.shape.iter().zip(&arg.view.strides))
            .all(|(&extent, &stride)| extent <= 1 || fits(stride))
}
