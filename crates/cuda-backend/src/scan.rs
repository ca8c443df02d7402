//! Running folds along the last axis.
//!
//! Rows side by side in memory are scanned by a thread each, from first to last. Other rows are scanned by a warp or a
//! block each, and few long rows in tiles of a fixed size: the folds of tiles first, their running folds, then every
//! tile once more. Tiles regroup sums, so that rounded results differ from a scan from first to last by rounding alone.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::{Folding, naturally_aligned};
use crate::geometry::{Space, Written, address};
use maniple_ops::{Dtype, Op, Order, cuda, fold};
use maniple_runtime::{Launch, View};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

const THREADS: usize = 256;
const WARP: usize = 32;
/// Grids fill the device this many times over.
const WAVES: u32 = 64;
/// Rows that keep a device busy, by who scans one of them.
const THREAD_ROWS: usize = 1 << 13;
const WARP_ROWS: usize = 1 << 11;
const BLOCK_ROWS: usize = 1 << 8;

/// A scan made ready.
pub(crate) struct Scan {
    folding: Folding,
    kept: Space,
    /// Bytes between the elements of a row, of input and output.
    steps: [isize; 2],
    n: usize,
    item: usize,
    /// Elements that a thread scans at a time.
    each: usize,
    way: Way,
    programs: [OnceLock<Arc<Program>>; 6],
}

/// Who scans a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Thread,
    Warp,
    Block,
    Tiles,
}

/// The kernels, as the text numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Threads = 0,
    Warps = 1,
    Blocks = 2,
    Totals = 3,
    Carries = 4,
    Tiles = 5,
}

impl Scan {
    /// Nothing if the row does not fold, if threads could not write their elements as they are, or if few rows must be
    /// scanned from first to last: sequential rows, and products of rounded numbers, whose parts may overflow where the
    /// whole does not.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype) -> Option<Scan> {
        let [input, output] = &launch.args[..] else { return None };
        let last = input.view.ndim().checked_sub(1)?;
        if !launch.args.iter().all(naturally_aligned)
            || output.view.overlaps_itself(dtype.size())
            || input.view.size() == 0
        {
            return None;
        }
        let strict = fold(op, dtype)?.order != Order::Tree || (op == Op::Multiply && dtype.is_inexact());
        let kept = Space::of_axes(&[&input.view, &output.view], 0..last);
        let (rows, n) = (kept.size(), input.view.shape[last]);
        let beside = |view: &View| {
            let inner = view.strides[..last].iter().zip(&view.shape).filter(|&(_, &extent)| extent > 1);
            inner
                .map(|(stride, _)| stride.abs())
                .min()
                .is_some_and(|stride| stride < view.strides[last].abs())
        };
        let way = if strict || (rows >= THREAD_ROWS / 4 && beside(&output.view)) {
            Way::Thread
        } else if rows >= WARP_ROWS || n <= 4 * WARP {
            Way::Warp
        } else if rows >= BLOCK_ROWS || n <= 4 * THREADS {
            Way::Block
        } else {
            Way::Tiles
        };
        if strict && rows < THREAD_ROWS && n > 4 * WARP {
            return None;
        }
        let folding = Folding::new(launch, op, dtype)?;
        Some(Scan {
            // The zeroes behind a row mean no event that its elements do not mean, unless it has only one.
            folding: if n > 1 { folding } else { folding.silent() },
            kept,
            steps: [input.view.strides[last], output.view.strides[last]],
            n,
            item: dtype.size(),
            each: if dtype.size() > 8 { 4 } else { 8 },
            way,
            programs: Default::default(),
        })
    }

    fn tiles(&self) -> usize {
        self.n.div_ceil(self.each * THREADS)
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let (own, space) = (2, 9);
            let text = format!(
                "{}#define AT {own}\n#define THREADS {THREADS}\n#define EACH {}\n#define STAGE {}\n\
                 struct Row {{ Word input, output; }};\n\
                 static __device__ __forceinline__ Row row_of(const Words& p, Word row) {{\n{}\
                 return Row{{p.w[0] + d0, p.w[1] + d1}};\n}}\n{}{}",
                self.folding.text(space + self.kept.words(), 0),
                self.each,
                stage as u8,
                self.kept.text("row", space, &["d0".into(), "d1".into()]),
                include_str!("../../../kernels/lanes.cuh"),
                include_str!("../../../kernels/scan.cu"),
            );
            Program::new(space + self.kept.words() + 2, cuda::prelude(), &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }
}

impl Class for Scan {
    fn scratch(&self, first: usize, last: usize) -> usize {
        if self.way == Way::Tiles { (last - first) * self.tiles() * self.item } else { 0 }
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = Words::new();
        let bases = binding.bases.iter().zip(&self.kept.offsets);
        words.extend(bases.map(|(&base, &offset)| address(base, offset)));
        words.extend([first, last, self.n, self.tiles()].map(|number| number as u64));
        words.push(call.scratch);
        words.extend(self.steps.map(|step| step as u64));
        self.kept.push(&mut words);
        words.extend(call.report);
        let rows = last - first;
        let command = |stage: Stage, work: usize| Command {
            program: self.program(stage),
            grid: grid(work, THREADS as u32, call.multiprocessors, WAVES),
            words: words.clone(),
        };
        match self.way {
            Way::Thread => smallvec![command(Stage::Threads, rows)],
            Way::Warp => smallvec![command(Stage::Warps, rows * WARP)],
            Way::Block => smallvec![command(Stage::Blocks, rows * THREADS)],
            Way::Tiles => {
                let tiles = rows * self.tiles() * THREADS;
                smallvec![
                    command(Stage::Totals, tiles),
                    command(Stage::Carries, rows * THREADS),
                    command(Stage::Tiles, tiles),
                ]
            }
        }
    }
}
