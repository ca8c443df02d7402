//! Evenly spaced numbers.

use crate::body::{push_scalars, scalar_text};
use crate::command::{Buffers, Call, Class, Command, PLACES, Program, THREADS, begin, word};
use crate::fold::held;
use crate::geometry::{Written, aligned, bits, closed, stored};
use crate::map::head;
use maniple_ops::Dtype;
use maniple_ops::wgsl::{self, Features};
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// A range made ready.
pub(crate) struct Iota {
    output: Arg,
    buffers: Buffers,
    space: Space,
    dtype: Dtype,
    program: OnceLock<Arc<Program>>,
}

/// Words after the place: first and last element, start and step (two words each).
const OWN: usize = PLACES + 1;

impl Iota {
    /// Nothing if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, dtype: Dtype, features: Features) -> Option<Iota> {
        let [output] = &launch.args[..] else { return None };
        if !held(dtype, features) || !aligned(output) || output.view.overlaps_itself(dtype.size()) {
            return None;
        }
        Some(Iota {
            output: output.clone(),
            buffers: Buffers::new(&launch.args, |_| dtype.size() < 4),
            space: Space::new([&output.view].into_iter()),
            dtype,
            program: OnceLock::new(),
        })
    }

    /// The expression for the number at place `i`.
    fn number(&self) -> String {
        match self.dtype {
            Dtype::Bool => "(start || (step && i != 0u))".into(),
            Dtype::Float16 => "mn_round_half(mn_sum(start, mn_product(f32(i), step)))".into(),
            Dtype::Float32 => "mn_sum(start, mn_product(f32(i), step))".into(),
            Dtype::Complex64 => "vec2<f32>(mn_sum(start.x, mn_product(f32(i), step.x)), \
                                 mn_sum(start.y, mn_product(f32(i), step.y)))"
                .into(),
            dtype => {
                let number = match wgsl::value(dtype) {
                    Some("i32") => "i32(i)",
                    Some("i64") => "i64(i)",
                    Some("u64") => "u64(i)",
                    _ => "i",
                };
                // What is stored is cut to the width of its dtype before.
                let width = if number == "i" { 8 * dtype.size() } else { 32 };
                match width {
                    32 => format!("(start + step * {number})"),
                    _ => format!("((start + step * {number}) & {}u)", (1u32 << width) - 1),
                }
            }
        }
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let text = format!(
                "{head}let i = thread + {first};\nif (i >= {last}) {{ return; }}\n\
                 let start = {start};\nlet step = {step};\nlet bits: {bits} = {number};\n\
                 var at = {place};\n{distance}{store}\n}}\n",
                head = head(),
                first = word(OWN),
                last = word(OWN + 1),
                start = scalar_text(self.dtype, OWN + 2),
                step = scalar_text(self.dtype, OWN + 4),
                bits = bits(self.dtype),
                number = closed(self.dtype, &self.number()),
                place = word(PLACES),
                distance = self.space.text("i", OWN + 6, &["at".into()]),
                store = stored(&self.buffers, 0, self.dtype, "at", "bits"),
            );
            let words = OWN + 6 + self.space.words();
            Program::new(words, &self.buffers.modes, &wgsl::definitions(&text), &text)
        })
    }
}

impl Class for Iota {
    fn grain(&self) -> Option<usize> {
        self.space.is_contiguous(0, self.dtype.size()).then_some(1 << 16)
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = begin(1);
        words.extend([first as u32, last as u32]);
        push_scalars(binding, &mut words);
        self.space.push(&mut words);
        let offset = self.output.view.offset;
        smallvec![Command {
            program: self.program().clone(),
            groups: (last - first).div_ceil(THREADS),
            places: smallvec![self.buffers.place(0, &self.output, binding.bases[0], offset, first, last)],
            words,
        }]
    }
}
