//! The index of the first largest or smallest element.
//!
//! A result's elements are cut into parts of a fixed size, one for each warp; where there are several, a second kernel
//! finds the best of their winners.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::{naturally_aligned, values};
use crate::geometry::{Space, Written, address, index_type};
use maniple_ops::Dtype;
use maniple_ops::cuda;
use maniple_runtime::{Extreme, Launch};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
const WARP: usize = 32;
/// Grids fill the device this many times over.
const WAVES: u32 = 64;
/// Fewest elements of a part.
const PART: usize = 2048;
/// Fewest elements of a part of one thread.
const THREAD_PART: usize = 64;
/// Threads that keep a device busy.
const BUSY: usize = 1 << 18;
/// Rows up to this length leave most of a warp without work.
const SHORT: usize = 8;
/// Most parts of a result.
const PARTS: usize = 16384;

/// A search for extremes made ready.
pub(crate) struct ArgReduction {
    goal: Extreme,
    dtype: Dtype,
    kept: Space,
    reduced: Space,
    output: Space,
    /// Elements per result.
    n: usize,
    /// Elements of a part.
    size: usize,
    over: Over,
    search: OnceLock<Arc<Program>>,
    meeting: OnceLock<Arc<Program>>,
}

/// Who looks at a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Warp,
    /// One thread; neighbours have neighbouring results.
    Thread,
}

/// One of the two kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Search,
    Meeting,
}

impl ArgReduction {
    /// Nothing if there is nothing to choose from, or if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, goal: Extreme, dtype: Dtype) -> Option<ArgReduction> {
        let [input, output] = &launch.args[..] else { return None };
        let split = output.view.ndim();
        if !launch.args.iter().all(naturally_aligned)
            || output.view.overlaps_itself(output.dtype.size())
            || input.view.size() == 0
            || input.view.shape[..split] != output.view.shape[..]
        {
            return None;
        }
        let kept = Space::of_axes(&[&input.view], 0..split);
        let reduced = Space::of_axes(&[&input.view], split..input.view.ndim());
        let n = reduced.size();
        let results = kept.size();
        let inner = |space: &Space| space.strides[0].last().map_or(isize::MAX, |stride| stride.abs());
        let across = results >= BUSY / PARTS && inner(&kept) < inner(&reduced);
        let (over, size) = match across || n <= SHORT {
            true => (Over::Thread, THREAD_PART.max(n.div_ceil((BUSY / results).max(1)))),
            false => (Over::Warp, PART.max(n.div_ceil(PARTS).next_multiple_of(WARP))),
        };
        Some(ArgReduction {
            goal,
            dtype,
            size,
            over,
            kept,
            reduced,
            output: Space::new([&output.view].into_iter()),
            n,
            search: OnceLock::new(),
            meeting: OnceLock::new(),
        })
    }

    fn parts(&self) -> usize {
        self.n.div_ceil(self.size)
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let own = 2;
            let (kept, reduced) = (own + 6, own + 6 + self.kept.words());
            let output = reduced + self.reduced.words();
            let distance = ["d".to_string()];
            let function = "static __device__ __forceinline__";
            let storage = cuda::storage(self.dtype);
            let order = match self.goal {
                Extreme::Largest => "mn_greater(a, b)",
                Extreme::Smallest => "mn_less(a, b)",
            };
            let mut text = values(self.dtype);
            let _ = write!(
                text,
                "typedef {index} Index;\n#define AT {own}\n#define THREADS {THREADS}\n#define MEETING {meeting}\n\
                 #define OVER_THREADS {threads}\n\
                 struct Row {{ Word at; }};\n\
                 {function} bool above(Value a, Value b) {{ return {order}; }}\n\
                 {function} Row row_of(const Words& p, Index kept) {{\n{kept_text}return Row{{p.w[0] + d}};\n}}\n\
                 {function} Value load(const Words& p, const Row& row, Index index) {{\n{reduced_text}\
                 return opened(*(const {storage}*)(row.at + d));\n}}\n\
                 {function} long long* output(const Words& p, Word result) {{\n{output_text}\
                 return (long long*)(p.w[1] + d);\n}}\n",
                index = index_type(self.kept.size() * self.n),
                meeting = (stage == Stage::Meeting) as u8,
                threads = (self.over == Over::Thread) as u8,
                kept_text = self.kept.text("kept", kept, &distance),
                reduced_text = self.reduced.text("index", reduced, &distance),
                output_text = self.output.text("result", output, &distance),
            );
            text.push_str(include_str!("../../../kernels/lanes.cuh"));
            text.push_str(include_str!("../../../kernels/argreduce.cu"));
            Program::new(output + self.output.words(), cuda::prelude(), &text)
        };
        let program = match stage {
            Stage::Search => &self.search,
            Stage::Meeting => &self.meeting,
        };
        program.get_or_init(make).clone()
    }
}

impl Class for ArgReduction {
    fn scratch(&self, first: usize, last: usize) -> usize {
        if self.parts() > 1 { (last - first) * self.parts() * size_of::<i64>() } else { 0 }
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = Words::new();
        words.push(address(binding.bases[0], self.kept.offsets[0]));
        words.push(address(binding.bases[1], self.output.offsets[0]));
        words.extend([first, last, self.n, self.size, self.parts()].map(|number| number as u64));
        words.push(call.scratch);
        self.kept.push(&mut words);
        self.reduced.push(&mut words);
        self.output.push(&mut words);
        let (count, meeting) = ((last - first), (last - first) * THREADS as usize);
        let count = if self.over == Over::Warp { count * WARP } else { count };
        let command = |stage: Stage, work: usize| Command {
            program: self.program(stage),
            grid: grid(work, THREADS, call.multiprocessors, WAVES),
            words: words.clone(),
        };
        match self.parts() {
            1 => smallvec![command(Stage::Search, count)],
            parts => smallvec![command(Stage::Search, count * parts), command(Stage::Meeting, meeting)],
        }
    }
}
