//! Random numbers: singles of Philox, whose words of 64 bits are made of pairs of 32. The other generators' steps would take
//! products of 128 bits, and doubles are not the device's.

use crate::command::{Buffers, Call, Class, Command, PLACES, Program, THREADS, begin, word};
use crate::geometry::{Written, aligned, stored};
use maniple_ops::{BitGenerator, Dtype, counter_at};
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// Singles of a block of four words: a thread makes them.
const EACH: usize = 8;
/// Words after the place: first element, elements, numbers of the first block that come before it, then the counter and the
/// key.
const OWN: usize = PLACES + 1;
/// Where the output's space begins.
const SPACE: usize = OWN + 3 + 8 + 4;

/// A draw made ready.
pub(crate) struct Draw {
    output: Arg,
    buffers: Buffers,
    space: Space,
    program: OnceLock<Arc<Program>>,
}

impl Draw {
    /// Nothing for other generators and dtypes, or if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, generator: BitGenerator, dtype: Dtype) -> Option<Draw> {
        let [output] = &launch.args[..] else { return None };
        if generator != BitGenerator::Philox
            || dtype != Dtype::Float32
            || !aligned(output)
            || output.view.overlaps_itself(dtype.size())
        {
            return None;
        }
        Some(Draw {
            output: output.clone(),
            buffers: Buffers::new(&launch.args, |_| false),
            space: Space::new([&output.view].into_iter()),
            program: OnceLock::new(),
        })
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let pair = |at: usize| format!("vec2<u32>({}, {})", word(at), word(at + 1));
            let text = format!(
                "fn counter() -> array<vec2<u32>, 4> {{ return array<vec2<u32>, 4>({}, {}, {}, {}); }}\n\
                 fn key() -> array<vec2<u32>, 2> {{ return array<vec2<u32>, 2>({}, {}); }}\n\
                 fn elements() -> u32 {{ return {}; }}\nfn skipped() -> u32 {{ return {}; }}\n\
                 fn keep(element: u32, number: f32) {{\nlet bits = bitcast<u32>(number);\nlet i = element + {};\n\
                 var at = {};\n{}{}\n}}\n{}",
                pair(OWN + 3),
                pair(OWN + 5),
                pair(OWN + 7),
                pair(OWN + 9),
                pair(OWN + 11),
                pair(OWN + 13),
                word(OWN + 1),
                word(OWN + 2),
                word(OWN),
                word(PLACES),
                self.space.text("i", SPACE, &["at".into()]),
                stored(&self.buffers, 0, Dtype::Float32, "at", "bits"),
                include_str!("../../../shaders/draw.wgsl"),
            );
            Program::new(SPACE + self.space.words(), &self.buffers.modes, "", &text)
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
        let before = state[6] as usize * 2 + first;
        let skipped = before % EACH;
        let mut words = begin(1);
        words.extend([first, last - first, skipped].map(|number| number as u32));
        for word in counter_at(&state, (before / EACH) as u64).iter().chain(&state[4..6]) {
            words.extend([*word as u32, (word >> 32) as u32]);
        }
        self.space.push(&mut words);
        let offset = self.output.view.offset;
        smallvec![Command {
            program: self.program().clone(),
            groups: (skipped + last - first).div_ceil(EACH).div_ceil(THREADS),
            places: smallvec![self.buffers.place(0, &self.output, binding.bases[0], offset, first, last)],
            words,
        }]
    }
}
