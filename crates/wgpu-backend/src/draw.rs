//! Random numbers: singles, made with words of 32 bits. Doubles are not the device's.
//!
//! A thread of Philox makes a block of its words. One of a generator that steps makes words that are as many words apart as there
//! are threads, as with CUDA.

use crate::command::{Buffers, Call, Class, Command, PLACES, Program, THREADS, Words, begin, word};
use crate::geometry::{Written, aligned, stored};
use maniple_ops::{BitGenerator, Dtype, Jump, counter_at};
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// Singles of a block of Philox: a thread makes them.
const EACH: usize = 8;
/// Words of other generators that a thread makes, to be worth its first jump.
const WORDS: usize = 16;
/// Threads are numbered with so many bits.
const BITS: usize = 26;

/// Words after the place: first element, elements, numbers of the first block or word that come before it, threads.
const OWN: usize = PLACES + 1;
/// Where the state begins: the counter and the key, or the number of the first word, the jump from word to word and those to the
/// first.
const STATE: usize = 8;

/// A draw made ready.
pub(crate) struct Draw {
    output: Arg,
    buffers: Buffers,
    space: Space,
    generator: BitGenerator,
    program: OnceLock<Arc<Program>>,
}

impl Draw {
    /// Nothing for doubles, or if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, generator: BitGenerator, dtype: Dtype) -> Option<Draw> {
        let [output] = &launch.args[..] else { return None };
        if dtype != Dtype::Float32 || !aligned(output) || output.view.overlaps_itself(dtype.size()) {
            return None;
        }
        Some(Draw {
            output: output.clone(),
            buffers: Buffers::new(&launch.args, |_| false),
            space: Space::new([&output.view].into_iter()),
            generator,
            program: OnceLock::new(),
        })
    }

    /// Where the output's space begins.
    fn own(&self) -> usize {
        match self.generator {
            BitGenerator::Philox => STATE + 12,
            BitGenerator::Pcg64 | BitGenerator::Pcg64Dxsm => STATE + 12 + 8 * BITS,
        }
    }

    /// What a generator makes words by.
    fn words_text(&self) -> String {
        let pair = |at: usize| format!("vec2<u32>({}, {})", word(STATE + at), word(STATE + at + 1));
        let scrambled = match self.generator {
            BitGenerator::Philox => {
                return format!(
                    "fn counter() -> array<vec2<u32>, 4> {{ return array<vec2<u32>, 4>({}, {}, {}, {}); }}\n\
                     fn key() -> array<vec2<u32>, 2> {{ return array<vec2<u32>, 2>({}, {}); }}\n{}",
                    pair(0),
                    pair(2),
                    pair(4),
                    pair(6),
                    pair(8),
                    pair(10),
                    include_str!("../../../shaders/draw_philox.wgsl"),
                );
            }
            // A word that is turned by up to 63 bits.
            BitGenerator::Pcg64 => {
                "let word = select(a.xy ^ a.zw, a.yx ^ a.wz, a.w >= 0x80000000u);\nlet turn = (a.w >> 26u) & 31u;\n\
                 if (turn == 0u) { return word; }\nreturn (word >> vec2<u32>(turn)) | (word.yx << vec2<u32>(32u - turn));"
            }
            BitGenerator::Pcg64Dxsm => {
                "let multiplier = vec2<u32>(0xe4dd58b5u, 0xda942042u);\n\
                 let high = low_product(vec2<u32>(a.z ^ a.w, a.w), multiplier);\n\
                 return low_product(vec2<u32>(high.x ^ (high.y >> 16u), high.y), vec2<u32>(a.x | 1u, a.y));"
            }
        };
        format!(
            "const BITS = {BITS}u;\nconst JUMPS = {}u;\nfn threads() -> u32 {{ return {}; }}\n\
             fn first_number() -> vec4<u32> {{ return p[{}]; }}\n\
             fn scrambled(a: vec4<u32>) -> vec2<u32> {{\n{scrambled}\n}}\n{}",
            STATE / 4 + 3,
            word(OWN + 3),
            STATE / 4,
            include_str!("../../../shaders/draw_steps.wgsl"),
        )
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let text = format!(
                "fn elements() -> u32 {{ return {}; }}\nfn skipped() -> u32 {{ return {}; }}\n\
                 fn keep(element: u32, number: f32) {{\nlet bits = bitcast<u32>(number);\nlet i = element + {};\n\
                 var at = {};\n{}{}\n}}\n{}{}",
                word(OWN + 1),
                word(OWN + 2),
                word(OWN),
                word(PLACES),
                self.space.text("i", self.own(), &["at".into()]),
                stored(&self.buffers, 0, Dtype::Float32, "at", "bits"),
                include_str!("../../../shaders/draw.wgsl"),
                self.words_text(),
            );
            Program::new(self.own() + self.space.words(), &self.buffers.modes, "", &text)
        })
    }
}

impl Class for Draw {
    fn grain(&self) -> Option<usize> {
        self.space.is_contiguous(0, self.output.dtype.size()).then_some(1 << 16)
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let state: SmallVec<[u64; 7]> = binding.scalars.iter().map(|word| word.get::<u64>()).collect();
        let mut words = begin(1);
        words.extend([first, last - first].map(|number| number as u32));
        let groups = match Jump::of(self.generator, &state) {
            None => {
                let before = state[6] as usize * 2 + first;
                let skipped = before % EACH;
                words.push(skipped as u32);
                words.resize(STATE, 0);
                for word in counter_at(&state, (before / EACH) as u64).iter().chain(&state[4..6]) {
                    words.extend([*word as u32, (word >> 32) as u32]);
                }
                (skipped + last - first).div_ceil(EACH * THREADS)
            }
            Some(step) => {
                let groups = (last.div_ceil(2) - first / 2).div_ceil(WORDS * THREADS);
                let threads = groups * THREADS;
                debug_assert!(threads <= 1 << BITS);
                words.extend([first % 2, threads].map(|number| number as u32));
                words.resize(STATE, 0);
                // PCG64 makes a word of the number after a step, the other one of the number before it.
                let ahead = (first / 2) as u64 + u64::from(self.generator == BitGenerator::Pcg64);
                let number = u128::from(state[0]) | u128::from(state[1]) << 64;
                push(step.times(ahead).of_number(number), &mut words);
                push_jump(step.times(threads as u64), &mut words);
                let mut jump = step;
                for _ in 0..BITS {
                    push_jump(jump, &mut words);
                    jump = jump.then(jump);
                }
                groups
            }
        };
        self.space.push(&mut words);
        let offset = self.output.view.offset;
        smallvec![Command {
            program: self.program().clone(),
            groups,
            places: smallvec![self.buffers.place(0, &self.output, binding.bases[0], offset, first, last)],
            words,
        }]
    }
}

fn push(number: u128, words: &mut Words) {
    words.extend((0..4).map(|at| (number >> (32 * at)) as u32));
}

fn push_jump(jump: Jump, words: &mut Words) {
    push(jump.multiplier, words);
    push(jump.increment, words);
}
