//! Element-wise launches: every thread computes some elements of the fused body.
//!
//! Devices write whole words. Where every argument is contiguous or one repeated element, a thread computes all elements of
//! the words that it writes; elsewhere threads that share a word change their own bits of it alone. Where all of them
//! have four bytes, and a range begins at a multiple of four of them, a thread reads and writes four at once.

use crate::body::Source;
use crate::command::{Buffers, Call, Class, Command, PLACES, Place, Program, THREADS, Words, begin, word};
use crate::geometry::{Written, aligned, fetched, stored};
use maniple_ops::Body;
use maniple_ops::wgsl::Features;
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// An element-wise launch made ready.
pub(crate) struct Map {
    source: Source,
    space: Space,
    args: Vec<Arg>,
    buffers: Buffers,
    layout: Layout,
    program: OnceLock<Arc<Program>>,
    /// For threads that have four elements, if any do.
    packs: Option<OnceLock<Arc<Program>>>,
}

/// Elements of a pack, of four bytes each.
const PACK: usize = 4;
/// A body with more steps has more to compute than to read, and its text is there once for every element of a pack.
const MOST_STEPS: usize = 16;

/// How a thread finds its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Element `i` of every argument is the `i`-th in memory, or the only one; a thread has as many as fill a word of the
    /// smallest output.
    Flat { width: usize },
    /// By extents and strides, one for a thread.
    Strided,
}

impl Map {
    /// Nothing if a step has no text, if threads could write one element twice or would have to read unaligned ones, or
    /// if there are too many numbers.
    pub(crate) fn new(launch: &Launch, body: &Body, features: Features) -> Option<Map> {
        let inputs = body.inputs.len();
        let overlapping = |arg: &Arg| arg.privilege.writes() && arg.view.overlaps_itself(arg.dtype.size());
        if launch.args.len() != inputs + body.outputs.len()
            || launch.args.iter().any(overlapping)
            || !launch.args.iter().all(aligned)
        {
            return None;
        }
        let space = Space::new(launch.args.iter().map(|arg| &arg.view));
        let flat = |(number, arg): (usize, &Arg)| {
            space.is_contiguous(number, arg.dtype.size()) || (number < inputs && space.is_repeated(number))
        };
        let width = launch.args[inputs..].iter().map(|arg| 4 / arg.dtype.size().min(4)).max().unwrap_or(1);
        // All words of outputs that threads share must begin with the same element.
        let mut starts = launch.args[inputs..].iter().filter_map(|arg| start(arg, width));
        let first = starts.next();
        let layout =
            match launch.args.iter().enumerate().all(flat) && starts.all(|start| Some(start) == first) {
                true => Layout::Flat { width },
                false => Layout::Strided,
            };
        let buffers =
            Buffers::new(&launch.args, |arg| layout == Layout::Strided && launch.args[arg].dtype.size() < 4);
        let own = PLACES + launch.args.len() + 3 + space.words();
        let source = Source::new(launch, body, features, own)?;
        let args = launch.args.clone();
        let packs = layout == Layout::Flat { width: 1 }
            && body.steps.len() <= MOST_STEPS
            && args.iter().all(|arg| arg.dtype.size() == size_of::<u32>());
        let packs = packs.then(OnceLock::new);
        Some(Map { source, space, args, buffers, layout, program: OnceLock::new(), packs })
    }

    /// Position of the first word after the places: first element, number of elements, elements before the first word.
    fn own(&self) -> usize {
        PLACES + self.args.len()
    }

    fn flat_text(&self, width: usize) -> String {
        let inputs = self.source.body.inputs.len();
        let (mut before, mut load, mut keep, mut after) =
            (String::new(), String::new(), String::new(), String::new());
        let mut call = Vec::new();
        for (number, arg) in self.args.iter().enumerate() {
            let (size, place) = (arg.dtype.size(), word(PLACES + number));
            let at = match self.space.is_repeated(number) && number < inputs {
                true => place.clone(),
                false => format!("{place} + i * {size}u"),
            };
            if number < inputs {
                let fetch = fetched(&self.buffers, number, arg.dtype, &format!("t{number}"));
                let _ = writeln!(load, "let t{number} = {at};");
                call.push(fetch);
            } else if size >= 4 {
                let bits = format!("r.o{}", number - inputs);
                let store = stored(&self.buffers, number, arg.dtype, &format!("t{number}"), &bits);
                let _ = writeln!(keep, "let t{number} = {at};\n{store}");
            } else {
                // Bits of the elements that are there, and which those are.
                let (words, each) = (width * size / 4, 4 / size);
                let mask = if size == 1 { "0xffu" } else { "0xffffu" };
                let _ = writeln!(
                    before,
                    "var w{number}: array<u32, {words}>;\nvar m{number}: array<u32, {words}>;"
                );
                let _ = writeln!(
                    keep,
                    "w{number}[k / {each}u] |= r.o{} << (k % {each}u * {shift}u);\n\
                     m{number}[k / {each}u] |= {mask} << (k % {each}u * {shift}u);",
                    number - inputs,
                    shift = 8 * size,
                );
                let binding = self.buffers.of(number);
                let _ = writeln!(
                    after,
                    "for (var k = 0u; k < {words}u; k++) {{\n\
                     let at = (({place} + begin * {size}u) >> 2u) + k;\n\
                     if (m{number}[k] == 0xffffffffu) {{\n b{binding}[at] = w{number}[k];\n\
                     }} else if (m{number}[k] != 0u) {{\n\
                     b{binding}[at] = (b{binding}[at] & ~m{number}[k]) | w{number}[k];\n}}\n}}"
                );
            }
        }
        let (count, early) = (word(self.own() + 1), word(self.own() + 2));
        let call = call.join(", ");
        let body = format!("{load}let r = compute({call});\n{keep}");
        let work = match width {
            1 => format!("let i = thread;\nif (i >= {count}) {{ return; }}\n{body}"),
            _ => format!(
                "let begin = thread * {width}u - {early};\n\
                 {before}\
                 for (var k = 0u; k < {width}u; k++) {{\n\
                 let i = begin + k;\n\
                 if (i < {count}) {{\n{body}}}\n}}\n\
                 {after}"
            ),
        };
        format!("{}{}{work}}}\n", self.source.function(), head())
    }

    fn packs_text(&self) -> String {
        let inputs = self.source.body.inputs.len();
        let (mut load, mut whole, mut rest) = (String::new(), String::new(), String::new());
        let mut calls: [Vec<String>; PACK] = Default::default();
        let mut call = Vec::new();
        for (number, _) in self.args.iter().enumerate() {
            let (place, binding) = (word(PLACES + number), self.buffers.of(number));
            let pack = format!("b{binding}[({place} >> 4u) + thread]");
            if number >= inputs {
                let output = number - inputs;
                let parts: Vec<String> = (0..PACK).map(|at| format!("r{at}.o{output}")).collect();
                let _ = writeln!(whole, "{pack} = vec4<u32>({});", parts.join(", "));
                let _ = writeln!(rest, "{pack}[k] = r.o{output};");
                continue;
            }
            let repeated = self.space.is_repeated(number);
            let _ = match repeated {
                true => writeln!(load, "let e{number} = b{binding}[{place} >> 4u][({place} >> 2u) & 3u];"),
                false => writeln!(load, "let e{number} = {pack};"),
            };
            for (calls, part) in calls.iter_mut().zip([".x", ".y", ".z", ".w"]) {
                calls.push(format!("e{number}{}", if repeated { "" } else { part }));
            }
            call.push(format!("e{number}{}", if repeated { "" } else { "[k]" }));
        }
        let calls = calls.iter().enumerate();
        let made: String =
            calls.map(|(at, call)| format!("let r{at} = compute({});\n", call.join(", "))).collect();
        format!(
            "{function}{head}if (thread * {PACK}u >= {count}) {{ return; }}\n\
             let left = {count} - thread * {PACK}u;\n{load}\
             if (left >= {PACK}u) {{\n{made}{whole}}} else {{\n\
             for (var k = 0u; k < left; k++) {{\nlet r = compute({call});\n{rest}}}\n}}\n}}\n",
            function = self.source.function(),
            head = head(),
            count = word(self.own() + 1),
            call = call.join(", "),
        )
    }

    fn strided_text(&self) -> String {
        let inputs = self.source.body.inputs.len();
        let names: Vec<String> = (0..self.args.len()).map(|number| format!("t{number}")).collect();
        let (mut places, mut store, mut call) = (String::new(), String::new(), Vec::new());
        for (number, arg) in self.args.iter().enumerate() {
            let _ = writeln!(places, "var t{number} = {};", word(PLACES + number));
            if number < inputs {
                call.push(fetched(&self.buffers, number, arg.dtype, &names[number]));
            } else {
                let bits = format!("r.o{}", number - inputs);
                let text = stored(&self.buffers, number, arg.dtype, &names[number], &bits);
                let _ = writeln!(store, "{text}");
            }
        }
        format!(
            "{}{}if (thread >= {count}) {{ return; }}\n\
             {places}{distances}let r = compute({call});\n{store}}}\n",
            self.source.function(),
            head(),
            count = word(self.own() + 1),
            distances = self.space.text(&format!("(thread + {})", word(self.own())), self.own() + 3, &names),
            call = call.join(", "),
        )
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let text = match self.layout {
                Layout::Flat { width } => self.flat_text(width),
                Layout::Strided => self.strided_text(),
            };
            let words = self.own() + 3 + self.space.words() + self.source.words();
            Program::new(words, &self.buffers.modes, &self.source.operations(None), &text)
        })
    }

    /// The program for packs, if every argument begins with a whole one, but for inputs that are one repeated element.
    fn program_for_packs(&self, places: &[Place]) -> Option<&Arc<Program>> {
        let inputs = self.source.body.inputs.len();
        let whole = |(number, place): (usize, &Place)| {
            (number < inputs && self.space.is_repeated(number))
                || place.address.is_multiple_of((PACK * size_of::<u32>()) as u64)
        };
        let packs = self.packs.as_ref().filter(|_| places.iter().enumerate().all(whole))?;
        Some(packs.get_or_init(|| {
            let words = self.own() + 3 + self.space.words() + self.source.words();
            let operations = self.source.operations(None);
            Program::of_packs(words, &self.buffers.modes, &operations, &self.packs_text())
        }))
    }
}

impl Class for Map {
    fn grain(&self) -> Option<usize> {
        (self.layout != Layout::Strided).then_some(1 << 16)
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let inputs = self.source.body.inputs.len();
        let mut words: Words = begin(self.args.len());
        let mut early = 0;
        let (mut width, mut skipped) = (1, 0);
        if let Layout::Flat { width: elements } = self.layout {
            (width, skipped) = (elements, first);
            let start = self.args[inputs..].iter().find_map(|arg| start(arg, elements));
            // The first thread begins with the first element of a word, which may lie before the range.
            early = (first + start.unwrap_or(0)) % elements;
        }
        let place = |(number, arg): (usize, &Arg)| {
            let moved = match self.space.is_repeated(number) {
                true => 0,
                false => (skipped * arg.dtype.size()) as isize,
            };
            let offset = self.space.offsets[number] + moved;
            self.buffers.place(number, arg, binding.bases[number], offset, first, last)
        };
        words.extend([first, last - first, early].map(|number| number as u32));
        self.space.push(&mut words);
        self.source.push(call, &mut words);
        let places: SmallVec<[Place; 8]> = self.args.iter().enumerate().map(place).collect();
        let (program, width) = match self.program_for_packs(&places) {
            Some(packs) => (packs, PACK),
            None => (self.program(), width),
        };
        smallvec![Command {
            program: program.clone(),
            groups: (last - first + early).div_ceil(width * THREADS),
            places,
            words,
        }]
    }
}

/// The beginning of a kernel whose threads are numbered by `thread`.
pub(crate) fn head() -> String {
    format!(
        "@compute @workgroup_size({THREADS})\n\
         fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, \
         @builtin(local_invocation_index) local: u32) {{\n\
         mn_zero = p[0].x;\n\
         let thread = (group.y * groups.x + group.x) * {THREADS}u + local;\n"
    )
}

/// How many elements of an output that shares words lie in its first word before it begins, modulo the elements of a
/// thread.
fn start(arg: &Arg, width: usize) -> Option<usize> {
    let size = arg.dtype.size();
    (size < 4).then(|| (arg.view.offset.rem_euclid(4) as usize / size) % width)
}
