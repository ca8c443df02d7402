//! Element-wise launches: every thread computes some elements of the fused body.
//!
//! Where every argument is contiguous or one repeated element, threads read and write packs of neighbouring elements by
//! wide accesses; elsewhere each thread finds its elements' addresses by the views' strides.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::naturally_aligned;
use crate::geometry::{Space, Written, address};
use maniple_ops::cuda::{self, Watch};
use maniple_ops::{Body, Dtype, Scalar};
use maniple_runtime::{Arg, Binding, Launch};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Bytes of the widest argument that a thread handles at a time: one access.
const PACK: usize = 16;
/// Elements that a thread handles at a time where they are apart.
const APART: usize = 4;
/// Blocks that a multiprocessor holds at least: they bound the registers of a thread, above all those for the rare element
/// that is computed again.
const RESIDENT: u32 = 4;
/// Every thread handles one pack: blocks that end make room for others, which evens out how fast they are. A grid of
/// few long-lived blocks reaches four fifths of the bandwidth.
const WAVES: u32 = 1 << 22;

/// An element-wise launch made ready.
pub(crate) struct Map {
    source: Source,
    space: Space,
    args: Vec<Arg>,
    layout: Layout,
    /// The program for addresses and ranges that are multiples of a pack, and for all others.
    wide: OnceLock<Arc<Program>>,
    narrow: OnceLock<Arc<Program>>,
}

/// How a thread finds its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Element `i` of every argument is the `i`-th in memory, or the only one.
    Flat,
    /// By extents and strides.
    Strided,
    /// By extents and strides, in squares over an axis and the last one: some argument is dense along the one, others along
    /// the other.
    Tiled {
        /// The axis beside the last.
        axis: usize,
    },
}

/// Elements along either side of a square.
const TILE: usize = 32;
/// Words that say where squares lie.
const TILE_WORDS: usize = 3;

impl Map {
    /// Nothing if a step has no text, if threads could write one element twice or would have to read unaligned ones, or
    /// if there are too many numbers.
    pub(crate) fn new(launch: &Launch, body: &Body) -> Option<Map> {
        let inputs = body.inputs.len();
        let overlapping = |arg: &Arg| arg.privilege.writes() && arg.view.overlaps_itself(arg.dtype.size());
        if launch.args.len() != inputs + body.outputs.len()
            || launch.args.iter().any(overlapping)
            || !launch.args.iter().all(naturally_aligned)
        {
            return None;
        }
        let space = Space::new(launch.args.iter().map(|arg| &arg.view));
        let flat = |(number, arg): (usize, &Arg)| {
            space.is_contiguous(number, arg.dtype.size()) || (number < inputs && space.is_repeated(number))
        };
        let layout = match launch.args.iter().enumerate().all(flat) {
            true => Layout::Flat,
            false => crossing(&space).map_or(Layout::Strided, |axis| Layout::Tiled { axis }),
        };
        let source = Source::new(launch, body, launch.args.len() + 2 + space.words() + TILE_WORDS)?;
        Some(Map {
            source,
            space,
            args: launch.args.clone(),
            layout,
            wide: OnceLock::new(),
            narrow: OnceLock::new(),
        })
    }

    /// Neighbouring elements per thread: as many of the widest dtype as make a pack.
    fn width(&self) -> usize {
        let widest = self.args.iter().map(|arg| arg.dtype.size()).max().unwrap_or(1);
        (PACK / widest).clamp(1, 8)
    }

    /// Threads take packs in turn. The last pack may be partial: then its missing elements repeat the last one, which
    /// changes nothing, and are not stored.
    fn flat_text(&self, width: usize) -> String {
        let mut text = self.source.function();
        let (mut before, mut wide, mut partial) = (String::new(), String::new(), String::new());
        let (mut packs, mut store_wide, mut store_partial) = (String::new(), String::new(), String::new());
        let mut call = vec!["p".to_string()];
        let inputs = self.source.body.inputs.len();
        for (number, arg) in self.args.iter().enumerate() {
            let storage = cuda::storage(arg.dtype);
            let name = format!("a{number}");
            if self.space.is_repeated(number) && number < inputs {
                let _ = writeln!(before, "const {storage} {name} = *(const {storage}*)p.w[{number}];");
                call.push(name);
                continue;
            }
            let pack = format!("Pack<{storage}, WIDTH>");
            let _ = writeln!(packs, "{pack} {name};");
            if number < inputs {
                let _ =
                    writeln!(before, "const {storage}* const m{number} = (const {storage}*)p.w[{number}];");
                let _ = writeln!(wide, "{name} = *(const {pack}*)(m{number} + i);");
                let _ = writeln!(partial, "{name}.at[k] = m{number}[i + k < last ? i + k : last - 1];");
            } else {
                let _ = writeln!(before, "{storage}* const m{number} = ({storage}*)p.w[{number}];");
                let _ = writeln!(store_wide, "*({pack}*)(m{number} + i) = {name};");
                let _ = writeln!(store_partial, "if (i + k < last) m{number}[i + k] = {name}.at[k];");
            }
            call.push(format!("{name}.at[k]"));
        }
        let (first, last) = (self.args.len(), self.args.len() + 1);
        let call = call.join(", ");
        let _ = write!(
            text,
            "#define WIDTH {width}\n\
             extern \"C\" __global__ void __launch_bounds__({THREADS}, {RESIDENT}) kernel(const __grid_constant__ Words p) {{\n\
             {before}\
             const Word last = p.w[{last}];\n\
             const Word stride = (Word)gridDim.x * {THREADS} * WIDTH;\n\
             for (Word i = p.w[{first}] + ((Word)blockIdx.x * {THREADS} + threadIdx.x) * WIDTH; i < last; \
             i += stride) {{\n\
             {packs}\
             if (i + WIDTH <= last) {{\n{wide}}} else {{\n\
             #pragma unroll\n\
             for (int k = 0; k < WIDTH; k++) {{\n{partial}}}\n}}\n\
             #pragma unroll\n\
             for (int k = 0; k < WIDTH; k++) compute({call});\n\
             if (i + WIDTH <= last) {{\n{store_wide}}} else {{\n\
             #pragma unroll\n\
             for (int k = 0; k < WIDTH; k++) {{\n{store_partial}}}\n}}\n\
             }}\n\
             }}\n"
        );
        text
    }

    fn strided_text(&self) -> String {
        let mut text = self.source.function();
        let names: Vec<String> = (0..self.args.len()).map(|number| format!("d{number}")).collect();
        let (first, last) = (self.args.len(), self.args.len() + 1);
        let index = self.space.index();
        let inputs = self.source.body.inputs.len();
        let (mut before, mut load, mut store) = (String::new(), String::new(), String::new());
        let mut call = vec!["p".to_string()];
        let distances = self.space.text("i", self.args.len() + 2, &names);
        for (number, arg) in self.args.iter().enumerate() {
            let storage = cuda::storage(arg.dtype);
            let _ = writeln!(before, "{storage} a{number}[{APART}];");
            if number < inputs {
                let _ = writeln!(load, "a{number}[k] = *(const {storage}*)(p.w[{number}] + d{number});");
            } else {
                let _ = writeln!(before, "long long t{number}[{APART}];");
                let _ = writeln!(load, "t{number}[k] = d{number};");
                let _ = writeln!(store, "*({storage}*)(p.w[{number}] + t{number}[k]) = a{number}[k];");
            }
            call.push(format!("a{number}[k]"));
        }
        let call = call.join(", ");
        let (each, place) = self.places_text(first, last);
        let _ = write!(
            text,
            "extern \"C\" __global__ void __launch_bounds__({THREADS}, {RESIDENT}) kernel(const __grid_constant__ Words p) {{\n\
             const {index} last = ({index})p.w[{last}];\n\
             {each}\
             {before}\
             #pragma unroll\n\
             for (int k = 0; k < {APART}; k++) {{\n{place}\
             if (inside) {{\n{distances}{load}}}\n}}\n\
             #pragma unroll\n\
             for (int k = 0; k < {APART}; k++) {{\n{place}\
             if (inside) {{\ncompute({call});\n{store}}}\n}}\n\
             }}\n}}\n"
        );
        text
    }

    /// The head of the loop over a thread's elements, and what makes of `k` the number `i` of the `k`-th of them, and
    /// whether it is `inside` the range.
    fn places_text(&self, first: usize, last: usize) -> (String, String) {
        let index = self.space.index();
        if let Layout::Tiled { .. } = self.layout {
            let at = last + 1 + self.space.words();
            // A number is outer * (down * step) + row * step + middle * across + column.
            let head = format!(
                "const {index} across = ({index})p.w[{at}], down = ({index})p.w[{}], step = ({index})p.w[{}];\n\
                 const {index} squares_across = (across + {TILE} - 1) / {TILE};\n\
                 const {index} squares_down = (down + {TILE} - 1) / {TILE};\n\
                 const {index} between = step / across;\n\
                 for ({index} square = blockIdx.x;; square += gridDim.x) {{\n\
                 {index} rest = square / squares_across;\n\
                 const {index} column = (square - rest * squares_across) * {TILE} + threadIdx.x % {TILE};\n\
                 const {index} top = (rest % squares_down) * {TILE} + threadIdx.x / {TILE};\n\
                 rest /= squares_down;\n\
                 const {index} begin = (rest / between) * (down * step) + (rest % between) * across;\n\
                 if (begin >= last) break;\n",
                at + 1,
                at + 2
            );
            let rows = THREADS as usize / TILE;
            let place = format!(
                "const {index} row = top + k * {rows};\n\
                 const {index} i = begin + row * step + column;\n\
                 const bool inside = column < across && row < down && i >= ({index})p.w[{first}] && i < last;\n"
            );
            return (head, place);
        }
        let block = APART * THREADS as usize;
        let head = format!(
            "for ({index} begin = ({index})p.w[{first}] + ({index})blockIdx.x * {block} + threadIdx.x; begin < last; \
             begin += ({index})gridDim.x * {block}) {{\n"
        );
        let place = format!("const {index} i = begin + k * {THREADS};\nconst bool inside = i < last;\n");
        (head, place)
    }

    /// How many squares there are, and the numbers that say where: extents of the last axis and of the one beside it, and
    /// how many elements lie between two indices of that one.
    fn tiles(&self) -> (usize, [u64; TILE_WORDS]) {
        let Layout::Tiled { axis } = self.layout else { return (0, [0; TILE_WORDS]) };
        let shape = &self.space.shape;
        let (across, down) = (shape[shape.len() - 1], shape[axis]);
        let step: usize = shape[axis + 1..].iter().product();
        let rest = self.space.size() / (across * down);
        (rest * across.div_ceil(TILE) * down.div_ceil(TILE), [across, down, step].map(|number| number as u64))
    }

    fn program(&self, wide: bool) -> &Arc<Program> {
        let words = self.args.len() + 2 + self.space.words() + TILE_WORDS + self.source.words();
        let operations = || self.source.operations();
        match (self.layout, wide) {
            (Layout::Flat, true) => {
                (self.wide).get_or_init(|| Program::new(words, &operations(), &self.flat_text(self.width())))
            }
            (Layout::Flat, false) => {
                self.narrow.get_or_init(|| Program::new(words, &operations(), &self.flat_text(1)))
            }
            (Layout::Strided | Layout::Tiled { .. }, _) => {
                self.narrow.get_or_init(|| Program::new(words, &operations(), &self.strided_text()))
            }
        }
    }
}

impl Class for Map {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = Words::new();
        let bases = binding.bases.iter().zip(&self.space.offsets);
        words.extend(bases.map(|(&base, &offset)| address(base, offset)));
        let width = self.width();
        let aligned = |(number, arg): (usize, &Arg)| {
            self.space.is_repeated(number)
                || (words[number] + (first * arg.dtype.size()) as u64)
                    .is_multiple_of((width * arg.dtype.size()).min(16) as u64)
        };
        let wide = self.layout == Layout::Flat && self.args.iter().enumerate().all(aligned);
        let per_thread = match self.layout {
            Layout::Flat if wide => width,
            Layout::Flat => 1,
            Layout::Strided | Layout::Tiled { .. } => APART,
        };
        words.extend([first as u64, last as u64]);
        self.space.push(&mut words);
        let (tiles, places) = self.tiles();
        words.extend(places);
        self.source.push(call, &mut words);
        let work = match self.layout {
            Layout::Tiled { .. } => tiles * THREADS as usize,
            _ => (last - first).div_ceil(per_thread),
        };
        smallvec![Command {
            program: self.program(wide).clone(),
            grid: grid(work, THREADS, call.multiprocessors, WAVES),
            words,
        }]
    }
}

/// The axis along which some view is densest, if that is not the last one and both are long enough for squares.
fn crossing(space: &Space) -> Option<usize> {
    let last = space.ndim().checked_sub(1)?;
    let densest = |strides: &Vec<isize>| {
        let axes = (0..=last).filter(|&axis| strides[axis] != 0);
        axes.min_by_key(|&axis| (strides[axis].unsigned_abs(), last - axis))
    };
    let axis = space.strides.iter().filter_map(densest).find(|&axis| axis != last)?;
    (space.shape[axis].min(space.shape[last]) >= TILE).then_some(axis)
}

/// A body as the text of a device function `compute`, and the numbers that it reads from the parameter: constants, and
/// where floating point flags go.
pub(crate) struct Source {
    pub(crate) body: Body,
    steps: String,
    /// The steps once more, with the flags of each; nothing if nobody wants to know.
    events: Option<String>,
    /// The first of its words.
    first: usize,
}

impl Source {
    /// Nothing if a step has no text or there are too many numbers. Its words begin at `first`.
    pub(crate) fn new(launch: &Launch, body: &Body, first: usize) -> Option<Source> {
        let watched = launch.watched() && !body.steps.is_empty();
        let watch = if watched { Watch::Suspicion } else { Watch::Nothing };
        let events = if watched { Some(cuda::steps(body, Watch::Flags)?) } else { None };
        let source = Source { steps: cuda::steps(body, watch)?, events, body: body.clone(), first };
        (first + source.words() <= crate::command::MOST_WORDS).then_some(source)
    }

    /// The op table's functions.
    pub(crate) fn operations(&self) -> String {
        cuda::prelude_for(&self.body, None)
    }

    /// How many words [`Source::push`] appends.
    pub(crate) fn words(&self) -> usize {
        2 * self.body.constants.len() + 2
    }

    /// The first of the two words that say where flags go.
    pub(crate) fn report_word(&self) -> usize {
        self.first + 2 * self.body.constants.len()
    }

    /// Appends the constants and where flags go.
    pub(crate) fn push(&self, call: &Call<'_>, words: &mut Words) {
        debug_assert_eq!(words.len(), self.first);
        push_scalars(call.binding, words);
        words.extend(call.report);
    }

    /// `compute(p, element of each input as stored..., reference to each output as stored...)`.
    ///
    /// Where flags are wanted, it only looks out for results that may mean some, which are rare, and then has `watch`
    /// compute the element again, step by step: what an element's flags cost hardly shows otherwise.
    pub(crate) fn function(&self) -> String {
        let body = &self.body;
        let dtypes = body.value_dtypes();
        let (mut inputs, mut again) = (String::from("const Words& p"), String::from("p"));
        let (mut outputs, mut values, mut stores) = (String::new(), String::new(), String::new());
        for (number, &dtype) in body.inputs.iter().enumerate() {
            let _ = write!(inputs, ", const {} e{number}", cuda::storage(dtype));
            let _ = write!(again, ", e{number}");
            let value = cuda::load(dtype, &format!("e{number}"));
            let _ = writeln!(values, "const {} v{number} = {value};", cuda::value(dtype));
        }
        for (number, &dtype) in body.constants.iter().enumerate() {
            let name = body.inputs.len() + number;
            let value = scalar_text(dtype, self.first + 2 * number);
            let _ = writeln!(values, "const {} v{name} = {value};", cuda::value(dtype));
        }
        for (number, &output) in body.outputs.iter().enumerate() {
            let dtype = dtypes[output as usize];
            let name = body.inputs.len() + number;
            let _ = write!(outputs, ", {}& e{name}", cuda::storage(dtype));
            let _ = writeln!(stores, "e{name} = {};", cuda::store(dtype, &format!("v{output}")));
        }
        let (watch, before, after) = match &self.events {
            None => (String::new(), "", String::new()),
            Some(events) => {
                let at = self.report_word();
                let steps = body.steps.len();
                let mut declarations = format!("unsigned int flags[{steps}] = {{0}};\n");
                for step in 0..steps {
                    let _ = writeln!(declarations, "unsigned int& f{step} = flags[{step}];");
                }
                let reports = format!(
                    "for (int step = 0; step < {steps}; step++) report(p.w[{at}], p.w[{}], step, flags[step]);\n",
                    at + 1
                );
                let text = format!(
                    "static __device__ __noinline__ void watch({inputs}) {{\n\
                     {values}{declarations}{events}{reports}}}\n"
                );
                (text, "mn_seen seen = {0, 0, 0};\n", format!("if (mn_suspicious(seen)) watch({again});\n"))
            }
        };
        format!(
            "{watch}static __device__ __forceinline__ void compute({inputs}{outputs}) {{\n\
             {before}{values}{}{stores}{after}}}\n",
            self.steps
        )
    }
}

/// Appends the values of a launch's constants, two words each.
pub(crate) fn push_scalars(binding: &Binding, words: &mut Words) {
    for scalar in &binding.scalars {
        let mut bytes = [0u8; 16];
        bytes[..scalar.as_bytes().len()].copy_from_slice(Scalar::as_bytes(scalar));
        let half = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        words.extend([half(0), half(8)]);
    }
}

/// The value whose bytes begin at a word of the parameter.
pub(crate) fn scalar_text(dtype: Dtype, word: usize) -> String {
    cuda::load(dtype, &format!("(*(const {}*)&p.w[{word}])", cuda::storage(dtype)))
}
