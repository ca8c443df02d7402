//! Random numbers.
//!
//! A thread of a generator that steps begins with the word of its own number and goes on by as many words as there are
//! threads: one jump, which the host has computed. Where it begins it finds by the jumps over 1, 2, 4, ... words, of which
//! it makes those that its number has a one for.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::{naturally_aligned, values};
use crate::geometry::{Space, Written, address};
use maniple_ops::{BitGenerator, Dtype, Jump, cuda};
use maniple_runtime::Launch;
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Grids fill the device this many times over: a thread has to be worth its first jump.
const WAVES: u32 = 8;
/// Threads are numbered with so many bits.
const BITS: usize = 24;

/// Words before those of the output's space: address, first and last element, and seven of the state.
const COUNTER: usize = 3 + 7;
/// Address, first and last element, the number of the first word, the jump from word to word, and those to the first.
const STEPS: usize = 3 + 2 + 4 + 4 * BITS;

/// A draw made ready.
pub(crate) struct Draw {
    space: Space,
    generator: BitGenerator,
    dtype: Dtype,
    program: OnceLock<Arc<Program>>,
}

impl Draw {
    /// Nothing if threads could not write their elements as they are, or for other dtypes than doubles and singles.
    pub(crate) fn new(launch: &Launch, generator: BitGenerator, dtype: Dtype) -> Option<Draw> {
        let [output] = &launch.args[..] else { return None };
        if !matches!(dtype, Dtype::Float64 | Dtype::Float32)
            || !naturally_aligned(output)
            || output.view.overlaps_itself(dtype.size())
        {
            return None;
        }
        let space = Space::new([&output.view].into_iter());
        Some(Draw { space, generator, dtype, program: OnceLock::new() })
    }

    /// Words before those of the output's space.
    fn own(&self) -> usize {
        if self.generator == BitGenerator::Philox { COUNTER } else { STEPS }
    }

    /// Numbers that a word makes.
    fn each(&self) -> usize {
        8 / self.dtype.size()
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let generator = match self.generator {
                BitGenerator::Philox => 0,
                BitGenerator::Pcg64 => 1,
                BitGenerator::Pcg64Dxsm => 2,
            };
            let text = format!(
                "{}#define THREADS {THREADS}\n#define EACH {}\n#define BITS {BITS}\n#define GENERATOR {generator}\n\
                 static __device__ __forceinline__ Stored* target(const Words& p, Word i) {{\n{}\
                 return (Stored*)(p.w[0] + d);\n}}\n{}",
                values(self.dtype),
                self.each(),
                self.space.text("i", self.own(), &["d".into()]),
                include_str!("../../../kernels/draw.cu"),
            );
            Program::new(self.own() + self.space.words(), cuda::prelude(), &text)
        })
    }
}

impl Class for Draw {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let state: SmallVec<[u64; 7]> = binding.scalars.iter().map(|word| word.get::<u64>()).collect();
        let mut words = Words::new();
        words.extend([address(binding.bases[0], self.space.offsets[0]), first as u64, last as u64]);
        let (begin, end) = (first / self.each(), last.div_ceil(self.each()));
        let grid = match Jump::of(self.generator, &state) {
            None => {
                words.extend_from_slice(&state);
                grid((end - begin).div_ceil(4) + 1, THREADS, call.multiprocessors, 4 * WAVES)
            }
            Some(step) => {
                let grid = grid(end - begin, THREADS, call.multiprocessors, WAVES);
                let threads = u64::from(grid.blocks[0]) * u64::from(THREADS);
                debug_assert!(threads <= 1 << BITS);
                // PCG64 makes a word of the number after a step, the other one of the number before it.
                let ahead = begin as u64 + u64::from(self.generator == BitGenerator::Pcg64);
                let number = u128::from(state[0]) | u128::from(state[1]) << 64;
                push(step.times(ahead).of_number(number), &mut words);
                push_jump(step.times(threads), &mut words);
                let mut jump = step;
                for _ in 0..BITS {
                    push_jump(jump, &mut words);
                    jump = jump.then(jump);
                }
                grid
            }
        };
        self.space.push(&mut words);
        smallvec![Command { program: self.program().clone(), grid, words }]
    }
}

fn push(number: u128, words: &mut Words) {
    words.extend([number as u64, (number >> 64) as u64]);
}

fn push_jump(jump: Jump, words: &mut Words) {
    push(jump.multiplier, words);
    push(jump.increment, words);
}
