//! The indices of the true elements of a mask, in C order.
//!
//! Three kernels: true elements are counted tile by tile, one block turns counts into positions, and every tile writes
//! its indices from its position on.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::naturally_aligned;
use crate::geometry::{Space, Written, address};
use maniple_ops::{Dtype, cuda};
use maniple_runtime::{Launch, View};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Threads of the block that turns counts into positions.
const POSITIONS_THREADS: u32 = 1024;
/// Elements of a tile: 16 for each thread.
const TILE: usize = 16 * THREADS as usize;
/// Grids fill the device this many times over.
const WAVES: u32 = 64;

/// A search for true elements made ready.
pub(crate) struct Nonzero {
    space: Space,
    dtype: Dtype,
    shape: Vec<usize>,
    output: View,
    programs: [OnceLock<Arc<Program>>; 3],
}

/// One of the three kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Count,
    Positions,
    Write,
}

impl Nonzero {
    /// Nothing for masks without axes or elements, and if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch) -> Option<Nonzero> {
        let [mask, output] = &launch.args[..] else { return None };
        if !launch.args.iter().all(naturally_aligned)
            || output.view.overlaps_itself(output.dtype.size())
            || mask.view.size() == 0
            || mask.view.ndim() == 0
            || output.view.ndim() != 2
        {
            return None;
        }
        Some(Nonzero {
            space: Space::new([&mask.view].into_iter()),
            dtype: mask.dtype,
            shape: mask.view.shape.to_vec(),
            output: output.view.clone(),
            programs: Default::default(),
        })
    }

    fn tiles(&self) -> usize {
        self.space.size().div_ceil(TILE)
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let own = 2;
            // After the skeleton's words: the output's strides, the mask's extents, its space.
            let (strides, extents) = (own + 4, own + 6);
            let space = extents + self.shape.len();
            let function = "static __device__ __forceinline__";
            let loaded =
                cuda::load(self.dtype, &format!("*(const {}*)(p.w[0] + d)", cuda::storage(self.dtype)));
            let mut write = format!("Word rest = i;\nconst Word at = p.w[1] + row * p.w[{strides}];\n");
            for axis in (0..self.shape.len()).rev() {
                let index = match axis {
                    0 => "rest".to_string(),
                    _ => format!("rest % (Index)p.w[{}]", extents + axis),
                };
                let _ = writeln!(
                    write,
                    "*(long long*)(at + {axis} * p.w[{}]) = (long long)({index});",
                    strides + 1
                );
                if axis > 0 {
                    let _ = writeln!(write, "rest /= (Index)p.w[{}];", extents + axis);
                }
            }
            let write = write.replacen("Word rest", "Index rest", 1);
            let threads = if stage == Stage::Positions { POSITIONS_THREADS } else { THREADS };
            let text = format!(
                "typedef {index} Index;\n#define AT {own}\n#define THREADS {threads}\n\
                 #define COUNT {count}\n#define POSITIONS {positions}\n\
                 {function} bool truth(const Words& p, Index i) {{\n{distance}return mn_truth({loaded});\n}}\n\
                 {function} void write(const Words& p, Word row, Index i) {{\n{write}}}\n{skeleton}",
                index = self.space.index(),
                count = (stage == Stage::Count) as u8,
                positions = (stage == Stage::Positions) as u8,
                distance = self.space.text("i", space, &["d".into()]),
                skeleton = include_str!("../../../kernels/nonzero.cu"),
            );
            Program::new(space + self.space.words(), cuda::prelude(), &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }
}

impl Class for Nonzero {
    fn scratch(&self, _: usize, _: usize) -> usize {
        self.tiles() * size_of::<u64>()
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let bases = &call.binding.bases;
        let mut words = Words::new();
        words.extend([address(bases[0], self.space.offsets[0]), address(bases[1], self.output.offset)]);
        words.extend([self.space.size() as u64, self.tiles() as u64, call.scratch]);
        words.push(self.output.shape[0] as u64);
        words.extend(self.output.strides.iter().map(|&stride| stride as u64));
        words.extend(self.shape.iter().map(|&extent| extent as u64));
        self.space.push(&mut words);
        let command = |stage: Stage, work: usize, threads: u32| Command {
            program: self.program(stage),
            grid: grid(work, threads, call.multiprocessors, WAVES),
            words: words.clone(),
        };
        let work = self.tiles() * THREADS as usize;
        smallvec![
            command(Stage::Count, work, THREADS),
            command(Stage::Positions, 1, POSITIONS_THREADS),
            command(Stage::Write, work, THREADS),
        ]
    }
}
