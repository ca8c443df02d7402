//! The index of the first largest or smallest element.
//!
//! A workgroup looks at a part of a result's elements; where there are several parts, a second kernel finds the best of
//! their winners.

use crate::command::{Buffers, Call, Class, Command, Mode, PLACES, Place, Program, THREADS, begin, word};
use crate::fold::held;
use crate::geometry::{Written, aligned, fetched, opened, register, stored};
use maniple_ops::wgsl::{self, Features, Watch};
use maniple_ops::{Body, Dtype, Op, signature};
use maniple_runtime::{Arg, Extreme, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// Fewest elements of a part.
const PART: usize = 16 * THREADS;
/// Most parts of a result.
const PARTS: usize = 4096;

/// A search for extremes made ready.
pub(crate) struct ArgReduction {
    /// The row that says whether an element is above another.
    above: Op,
    dtype: Dtype,
    args: Vec<Arg>,
    buffers: Buffers,
    scratch: usize,
    kept: Space,
    reduced: Space,
    output: Space,
    /// Elements per result, and of a part.
    n: usize,
    size: usize,
    programs: [OnceLock<Arc<Program>>; 2],
}

/// One of the two kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Search = 0,
    Meeting = 1,
}

/// Words after the places: first and last result, elements of a result, elements of a part, parts of a result.
const OWN: usize = 5;

impl ArgReduction {
    /// Nothing if there is nothing to choose from, or if threads could not write their elements as they are.
    pub(crate) fn new(
        launch: &Launch,
        goal: Extreme,
        dtype: Dtype,
        features: Features,
    ) -> Option<ArgReduction> {
        let [input, output] = &launch.args[..] else { return None };
        let split = output.view.ndim();
        if !held(dtype, features)
            || !launch.args.iter().all(aligned)
            || output.view.overlaps_itself(output.dtype.size())
            || input.view.size() == 0
            || input.view.shape[..split] != output.view.shape[..]
        {
            return None;
        }
        let reduced = Space::of_axes(&[&input.view], split..input.view.ndim());
        let n = reduced.size();
        let mut buffers = Buffers::new(&launch.args, |_| false);
        let scratch = buffers.add(Mode::Write);
        Some(ArgReduction {
            above: match goal {
                Extreme::Largest => Op::Greater,
                Extreme::Smallest => Op::Less,
            },
            dtype,
            args: launch.args.clone(),
            buffers,
            scratch,
            kept: Space::of_axes(&[&input.view], 0..split),
            reduced,
            output: Space::new([&output.view].into_iter()),
            n,
            size: PART.max(n.div_ceil(PARTS).next_multiple_of(THREADS)),
            programs: Default::default(),
        })
    }

    fn parts(&self) -> usize {
        self.n.div_ceil(self.size)
    }

    /// The functions `above` and `missing`, and those of the op table that they call.
    fn order(&self) -> (String, String) {
        let function = |name: &str, op: Op| {
            let of = signature(op, self.dtype)?;
            let body = Body::single(&of, &of.ins, &of.outs);
            let value = register(self.dtype);
            let parameters: Vec<String> =
                (0..body.inputs.len()).map(|at| format!("v{at}: {value}")).collect();
            let text = format!(
                "fn {name}({}) -> bool {{\n{}return v{};\n}}\n",
                parameters.join(", "),
                wgsl::steps(&body, Watch::Nothing)?,
                body.outputs[0],
            );
            Some(text)
        };
        let missing = match self.dtype.is_inexact() {
            true => function("missing", Op::Isnan),
            false => None,
        };
        let missing = missing.unwrap_or_else(|| {
            format!("fn missing(a: {}) -> bool {{ return false; }}\n", register(self.dtype))
        });
        let text = function("above", self.above).unwrap_or_default() + &missing;
        let loaded = opened(self.dtype, "");
        (wgsl::definitions(&format!("{text} {loaded}")), text)
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let own = PLACES + 3;
            let value = register(self.dtype);
            let scratch = self.scratch;
            let (kept, reduced) = (own + OWN, own + OWN + self.kept.words());
            let output = reduced + self.reduced.words();
            let (operations, order) = self.order();
            let winner = format!("b{scratch}[({} >> 2u) + at]", word(PLACES + 2));
            let goal = match (stage, self.parts()) {
                (Stage::Search, 2..) => format!("let at = group;\n{winner} = index;\n"),
                _ => format!(
                    "var at = {};\n{}let bits = vec2<u32>(index, 0u);\n{}\n",
                    word(PLACES + 1),
                    self.output.text("result", output, &["at".into()]),
                    stored(&self.buffers, 1, Dtype::Int64, "at", "bits"),
                ),
            };
            let candidate = match stage {
                Stage::Search => "return i;".to_string(),
                Stage::Meeting => {
                    format!("let at = (result - {}) * {} + i;\nreturn {winner};", word(own), word(own + 4))
                }
            };
            let (parts, begin, end) = match stage {
                Stage::Search => (
                    word(own + 4),
                    format!("part * {}", word(own + 3)),
                    format!("min({}, (part + 1u) * {})", word(own + 2), word(own + 3)),
                ),
                Stage::Meeting => ("1u".into(), "0u".into(), word(own + 4)),
            };
            let text = format!(
                "{order}\
                 fn row_of(result: u32) -> u32 {{\nvar at = {place};\n{kept}return at;\n}}\n\
                 fn element(row: u32, index: u32) -> {value} {{\nvar at = row;\n{reduced}return {load};\n}}\n\
                 fn candidate(result: u32, i: u32) -> u32 {{\n{candidate}\n}}\n\
                 fn keep(group: u32, result: u32, index: u32) {{\n{goal}}}\n\
                 fn first_result() -> u32 {{ return {first}; }}\nfn last_result() -> u32 {{ return {last}; }}\n\
                 fn parts() -> u32 {{ return {parts}; }}\n\
                 fn begin_of(part: u32) -> u32 {{ return {begin}; }}\n\
                 fn end_of(part: u32) -> u32 {{ return {end}; }}\n{skeleton}",
                place = word(PLACES),
                kept = self.kept.text("result", kept, &["at".into()]),
                reduced = self.reduced.text("index", reduced, &["at".into()]),
                load = opened(self.dtype, &fetched(&self.buffers, 0, self.dtype, "at")),
                first = word(own),
                last = word(own + 1),
                skeleton = include_str!("../../../shaders/argreduce.wgsl").replace("Value", value),
            );
            let modes = match self.parts() {
                1 => &self.buffers.modes[..scratch],
                _ => &self.buffers.modes[..],
            };
            Program::new(output + self.output.words(), modes, &operations, &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }
}

impl Class for ArgReduction {
    fn scratch(&self, first: usize, last: usize) -> usize {
        if self.parts() > 1 { (last - first) * self.parts() * size_of::<u32>() } else { 0 }
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, scratch, .. } = *call;
        let mut words = begin(3);
        words.extend([first, last, self.n, self.size, self.parts()].map(|number| number as u32));
        self.kept.push(&mut words);
        self.reduced.push(&mut words);
        self.output.push(&mut words);
        let mut places: SmallVec<[Place; 8]> = (self.args.iter().enumerate())
            .map(|(number, arg)| {
                self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last)
            })
            .collect();
        let bytes = self.scratch(first, last) as u64;
        if bytes > 0 {
            places.push(Place { binding: self.scratch, address: scratch, touched: scratch..scratch + bytes });
        }
        let command = |stage: Stage, groups: usize| Command {
            program: self.program(stage),
            groups,
            places: places.clone(),
            words: words.clone(),
        };
        match self.parts() {
            1 => smallvec![command(Stage::Search, last - first)],
            parts => smallvec![
                command(Stage::Search, (last - first) * parts),
                command(Stage::Meeting, last - first),
            ],
        }
    }
}
