//! The indices of the true elements of a mask, in C order.
//!
//! Three kernels: true elements are counted tile by tile, one workgroup turns counts into positions, and every tile writes
//! its indices from its position on. Truth is looked for in an element's bits, of any dtype.

use crate::command::{Buffers, Call, Class, Command, Mode, PLACES, Place, Program, THREADS, begin, word};
use crate::gather::parts;
use crate::geometry::{Written, aligned, fetched, stored};
use maniple_ops::Dtype;
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// Elements of a tile: some for each thread.
const EACH: usize = 16;
const TILE: usize = EACH * THREADS;

/// A search for true elements made ready.
pub(crate) struct Nonzero {
    space: Space,
    args: Vec<Arg>,
    buffers: Buffers,
    scratch: usize,
    programs: [OnceLock<Arc<Program>>; 3],
}

/// One of the three kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Count = 0,
    Positions = 1,
    Write = 2,
}

/// Words after the places: elements, tiles, rows of the output, its two strides; then the mask's extents.
const OWN: usize = 5;

impl Nonzero {
    /// Nothing for masks without axes or elements, and if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch) -> Option<Nonzero> {
        let [mask, output] = &launch.args[..] else { return None };
        if !launch.args.iter().all(aligned)
            || output.view.overlaps_itself(output.dtype.size())
            || mask.view.size() == 0
            || mask.view.ndim() == 0
            || output.view.ndim() != 2
        {
            return None;
        }
        let mut buffers = Buffers::new(&launch.args, |_| false);
        let scratch = buffers.add(Mode::Write);
        let args = launch.args.clone();
        let space = Space::new([&mask.view].into_iter());
        Some(Nonzero { space, args, buffers, scratch, programs: Default::default() })
    }

    fn tiles(&self) -> usize {
        self.space.size().div_ceil(TILE)
    }

    /// The expression that says whether the element at byte `at` is not zero.
    fn truth(&self) -> String {
        let dtype = self.args[0].dtype;
        let real = dtype.real();
        let bits = |(at, part): &(usize, Dtype)| {
            let bits = fetched(&self.buffers, 0, *part, &format!("(at + {at}u)"));
            // The sign of a number that may be a negative zero is in its last word.
            let signed = real.is_float() && (at + part.size()).is_multiple_of(real.size());
            match (signed, part.size()) {
                (false, _) => bits,
                (true, 2) => format!("({bits} & 0x7fffu)"),
                (true, _) => format!("({bits} & 0x7fffffffu)"),
            }
        };
        let words: Vec<String> = parts(dtype).iter().map(bits).collect();
        format!("({}) != 0u", words.join(" | "))
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let own = PLACES + 3;
            let shape = &self.args[0].view.shape;
            let (extents, space) = (own + OWN, own + OWN + shape.len());
            let mut write =
                format!("var rest = i;\nlet start = {} + row * {};\n", word(PLACES + 1), word(own + 3));
            for axis in (0..shape.len()).rev() {
                let extent = word(extents + axis);
                let index = if axis == 0 { "rest".to_string() } else { format!("rest % {extent}") };
                let _ = writeln!(
                    write,
                    "{{ let at = start + {axis}u * {}; let bits = vec2<u32>({index}, 0u); {} }}",
                    word(own + 4),
                    stored(&self.buffers, 1, Dtype::Int64, "at", "bits"),
                );
                if axis > 0 {
                    let _ = writeln!(write, "rest = rest / {extent};");
                }
            }
            let text = format!(
                "const EACH = {EACH}u;\nconst TILE = {TILE}u;\n\
                 fn truth(i: u32) -> bool {{\nvar at = {mask};\n{distance}return {truth};\n}}\n\
                 fn place_of(tile: u32) -> u32 {{ return ({scratch} >> 2u) + tile; }}\n\
                 fn tally(tile: u32) -> u32 {{ return b{binding}[place_of(tile)]; }}\n\
                 fn note(tile: u32, count: u32) {{ b{binding}[place_of(tile)] = count; }}\n\
                 fn elements() -> u32 {{ return {size}; }}\nfn tiles() -> u32 {{ return {tiles}; }}\n\
                 fn write(row: u32, i: u32) {{\nif (row >= {rows}) {{ return; }}\n{write}}}\n{sums}{skeleton}",
                mask = word(PLACES),
                distance = self.space.text("i", space, &["at".into()]),
                truth = self.truth(),
                scratch = word(PLACES + 2),
                binding = self.scratch,
                size = word(own),
                tiles = word(own + 1),
                rows = word(own + 2),
                sums = include_str!("../../../shaders/nonzero_sums.wgsl"),
                skeleton = match stage {
                    Stage::Count => include_str!("../../../shaders/nonzero_count.wgsl"),
                    Stage::Positions => include_str!("../../../shaders/nonzero_positions.wgsl"),
                    Stage::Write => include_str!("../../../shaders/nonzero_write.wgsl"),
                },
            );
            Program::new(space + self.space.words(), &self.buffers.modes, "", &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }
}

impl Class for Nonzero {
    fn scratch(&self, _: usize, _: usize) -> usize {
        self.tiles() * size_of::<u32>()
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, scratch, .. } = *call;
        let (mask, output) = (&self.args[0].view, &self.args[1].view);
        let mut words = begin(3);
        words.extend([self.space.size(), self.tiles(), output.shape[0]].map(|number| number as u32));
        words.extend(output.strides.iter().map(|&stride| stride as u32));
        words.extend(mask.shape.iter().map(|&extent| extent as u32));
        self.space.push(&mut words);
        let whole = |(number, arg): (usize, &Arg)| {
            let mut place =
                self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last);
            let (base, span) = (binding.bases[number], arg.view.span(arg.dtype.size()));
            place.touched = base.wrapping_add(span.low as u64)..base.wrapping_add(span.high as u64);
            place
        };
        let mut places: SmallVec<[Place; 8]> = self.args.iter().enumerate().map(whole).collect();
        let bytes = self.scratch(first, last) as u64;
        places.push(Place { binding: self.scratch, address: scratch, touched: scratch..scratch + bytes });
        let command = |stage: Stage, groups: usize| Command {
            program: self.program(stage),
            groups,
            places: places.clone(),
            words: words.clone(),
        };
        smallvec![
            command(Stage::Count, self.tiles()),
            command(Stage::Positions, 1),
            command(Stage::Write, self.tiles()),
        ]
    }
}
