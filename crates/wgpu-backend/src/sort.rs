//! Sorting rows in runs, and merging the runs of a row: to the bit what the host gives, since both are stable.
//!
//! Elements are bits here, moved as they are; a key is made of them wherever one is compared, so that zeros of both signs
//! and NaNs of all bits keep their order. Very short runs are sorted by counting what comes before each element, runs that
//! a workgroup holds by four bits of the key at a time, and longer ones in passes of eight: digits are counted tile by
//! tile, counts become positions, and every tile sends its elements there. Of a merge, every tile of the result is made of
//! the parts of all runs that belong there. Where runs are too many for that, the row is sorted again: what is equal is in
//! their order already.

use crate::command::{Buffers, Call, Class, Command, Mode, PLACES, Place, Program, THREADS, begin, word};
use crate::geometry::{Written, aligned, fetched, stored};
use maniple_ops::Dtype;
use maniple_runtime::{Launch, SortPlan, SortTask, SortWay};
use smallvec::SmallVec;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// Elements of a tile: some for each thread.
const EACH: usize = 8;
const TILE: usize = EACH * THREADS;
/// Digits of a pass.
const DIGITS: usize = SortPlan::DIGITS;
/// Tiles of a run whose counts one thread adds up.
const FEW_TILES: usize = 32;
/// Elements of a merge's tile: what fits in workgroup memory with their positions.
const MERGED_EACH: usize = 4;
const MERGED_TILE: usize = MERGED_EACH * THREADS;

/// Numbers that a kernel finds after the places, by the functions that give them.
const NUMBERS: [&str; 16] = [
    "first_run",
    "runs",
    "row_length",
    "runs_of_row",
    "run_length",
    "tiles",
    "together",
    "steps",
    "shift",
    "source",
    "goal",
    "tallies",
    "least",
    "most",
    "merged_length",
    "merged_runs",
];

/// A sort or a merge made ready.
pub(crate) struct Sort {
    plan: SortPlan,
    buffers: Buffers,
    scratch: usize,
    programs: [OnceLock<Arc<Program>>; 12],
}

/// Where elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Argument,
    Scratch,
}

/// The kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Ranks,
    Group,
    Count(Side),
    Positions,
    PositionsOfFew,
    Scatter(Side, Side),
    Cuts,
    Merge,
}

impl Sort {
    /// A sort, or a merge of the runs of a row; nothing if threads could not read and write elements as they are.
    pub(crate) fn new(launch: &Launch) -> Option<Sort> {
        let args = &launch.args;
        let plan = SortPlan::new(launch, TILE).filter(|_| args.iter().all(aligned))?;
        let mut buffers =
            Buffers::new(args, |number| args[number].privilege.writes() && args[number].dtype.size() < 4);
        let scratch = buffers.add(Mode::Write);
        Some(Sort { plan, buffers, scratch, programs: Default::default() })
    }

    fn tiles(&self) -> usize {
        self.plan.run.div_ceil(TILE)
    }

    /// Words of an element's bits, and what goes with them from pass to pass.
    fn bits_words(&self) -> usize {
        self.plan.dtype.size().div_ceil(4)
    }

    fn words(&self) -> usize {
        self.bits_words() + usize::from(self.plan.gives.has_order() || self.plan.way == SortWay::Group)
    }

    /// The words of scratch memory at which counts begin: behind two sets of elements as far as passes need them.
    fn tallies(&self, runs: usize) -> usize {
        self.plan.sets() * self.words() * runs * self.plan.run
    }

    /// Position of the first word that says how far apart the elements of a row are, for each argument.
    fn strides(&self) -> usize {
        PLACES + self.plan.args.len() + 1 + NUMBERS.len()
    }

    fn place(&self, arg: usize, at: &str) -> String {
        format!("run.at{arg} + {at} * {}", word(self.strides() + arg))
    }

    /// The function that reads an element: its bits, and its position if that goes with them.
    fn load(&self, from: Side) -> String {
        let (bits, words) = (self.bits_words(), self.words());
        let mut text = "fn load(run: Run, i: u32) -> Words {\nvar words: Words;\n".to_string();
        match from {
            Side::Argument => {
                let found = fetched(&self.buffers, 0, self.plan.dtype, "at");
                let _ = writeln!(text, "let at = {};\nlet bits = {found};", self.place(0, "i"));
                text.push_str(match bits {
                    1 => "words[0] = bits;\n",
                    _ => "words[0] = bits.x;\nwords[1] = bits.y;\n",
                });
                if words > bits && self.plan.way != SortWay::Group {
                    let _ = writeln!(text, "words[{bits}] = position(run, i);");
                }
            }
            Side::Scratch => {
                text.push_str("let at = base() + source() + run.number * run_length() + i;\n");
                for at in 0..words {
                    let _ = writeln!(
                        text,
                        "words[{at}] = b{}[at + {at}u * (runs() * run_length())];",
                        self.scratch
                    );
                }
            }
        }
        text + "return words;\n}\n"
    }

    /// The function that writes an element to its place in a run.
    fn keep(&self, to: Side) -> String {
        let mut text = "fn keep(run: Run, i: u32, words: Words) {\n".to_string();
        match to {
            Side::Argument => {
                text.push_str("if (i < least() || i >= most()) {\nreturn;\n}\n");
                let (values, order) = self.plan.given();
                if let Some(arg) = values {
                    let bits =
                        if self.bits_words() == 1 { "words[0]" } else { "vec2<u32>(words[0], words[1])" };
                    let _ = writeln!(
                        text,
                        "{{ let at = {}; let bits = {bits}; {} }}",
                        self.place(arg, "i"),
                        stored(&self.buffers, arg, self.plan.dtype, "at", "bits"),
                    );
                }
                if let Some(arg) = order {
                    let _ = writeln!(
                        text,
                        "{{ let at = {}; let bits = vec2<u32>(words[{}], 0u); {} }}",
                        self.place(arg, "i"),
                        self.words() - 1,
                        stored(&self.buffers, arg, Dtype::Int64, "at", "bits"),
                    );
                }
            }
            Side::Scratch => {
                text.push_str("let at = base() + goal() + run.number * run_length() + i;\n");
                for at in 0..self.words() {
                    let _ = writeln!(
                        text,
                        "b{}[at + {at}u * (runs() * run_length())] = words[{at}];",
                        self.scratch
                    );
                }
            }
        }
        text + "}\n"
    }

    /// What every kernel finds: numbers, runs, elements and keys.
    fn common(&self, from: Side, to: Side) -> String {
        let own = PLACES + self.plan.args.len() + 1;
        let mut text =
            format!("alias Words = array<u32, {}>;\nconst WORDS = {}u;\n", self.words(), self.words());
        for (number, name) in NUMBERS.iter().enumerate() {
            let _ = writeln!(text, "fn {name}() -> u32 {{ return {}; }}", word(own + number));
        }
        let _ =
            writeln!(text, "fn base() -> u32 {{ return {} >> 2u; }}", word(PLACES + self.plan.args.len()));
        // A run: its number in this launch, its elements, where in its row it begins, and where that is in each argument.
        let names: Vec<String> = (0..self.plan.args.len()).map(|number| format!("at{number}")).collect();
        text.push_str("struct Run { number: u32, length: u32, start: u32");
        for name in &names {
            let _ = write!(text, ", {name}: u32");
        }
        text.push_str(
            " }\nfn run_of(number: u32) -> Run {\nlet run = first_run() + number;\n\
             let start = run % runs_of_row() * run_length();\n",
        );
        for (number, name) in names.iter().enumerate() {
            let stride = word(self.strides() + number);
            let _ = writeln!(text, "var {name} = {} + start * {stride};", word(PLACES + number));
        }
        text.push_str(&self.plan.rows.text(
            "(run / runs_of_row())",
            self.strides() + self.plan.args.len(),
            &names,
        ));
        let _ = writeln!(
            text,
            "return Run(number, min(run_length(), row_length() - start), start, {});\n}}",
            names.join(", ")
        );
        let position = match self.plan.task {
            SortTask::Merge if self.plan.gives.has_order() => {
                self.buffers.word(1, &format!("({}) >> 2u", self.place(1, "i")))
            }
            _ => "run.start + i".into(),
        };
        let _ = writeln!(text, "fn position(run: Run, i: u32) -> u32 {{ return {position}; }}");
        let _ = writeln!(text, "fn key_of(words: Words) -> vec2<u32> {{\n{}}}", key(self.plan.dtype));
        text + &self.load(from) + &self.keep(to)
    }

    /// What the kernels of passes find beside.
    fn digits(&self) -> String {
        let text = format!(
            "fn digit_of(words: Words) -> u32 {{\nlet key = key_of(words);\n\
             return (select(key.x, key.y, shift() >= 32u) >> (shift() & 31u)) & 255u;\n}}\n\
             fn tally_at(run: u32, digit: u32, tile: u32) -> u32 {{\n\
             return tallies() + (run * {DIGITS}u + digit) * tiles() + tile;\n}}\n\
             fn total_at(run: u32, digit: u32) -> u32 {{\n\
             return tallies() + (runs() * tiles() + run) * {DIGITS}u + digit;\n}}\n"
        );
        text + &self.notes()
    }

    /// What the kernels of a merge find beside.
    fn cuts(&self) -> String {
        let text = format!(
            "const LOW = 0u;\nconst HIGH = 1u;\nconst MIDDLE = 2u;\nconst KEY_BITS = {}u;\n\
             const MOST_RUNS_AND_END = {}u;\n\
             fn cut_at(side: u32, part: u32, tile: u32) -> u32 {{\n\
             return (side * merged_runs() + part) * (tiles() + 1u) + tile;\n}}\n\
             fn is_before(a: vec2<u32>, b: vec2<u32>) -> bool {{\n\
             return a.y < b.y || (a.y == b.y && a.x < b.x);\n}}\n",
            8 * self.plan.dtype.size(),
            SortPlan::MOST_RUNS + 1,
        );
        text + &self.notes()
    }

    /// The functions that read and write words of scratch memory.
    fn notes(&self) -> String {
        format!(
            "fn noted(at: u32) -> u32 {{ return b{0}[base() + at]; }}\n\
             fn note(at: u32, number: u32) {{ b{0}[base() + at] = number; }}\n",
            self.scratch
        )
    }

    fn text(&self, stage: Stage) -> String {
        let (from, to) = match stage {
            Stage::Count(from) => (from, Side::Scratch),
            Stage::Scatter(from, to) => (from, to),
            Stage::Positions | Stage::PositionsOfFew => (Side::Scratch, Side::Scratch),
            Stage::Ranks | Stage::Group | Stage::Cuts | Stage::Merge => (Side::Argument, Side::Argument),
        };
        let each = match stage {
            Stage::Ranks => SortPlan::FEW_EACH,
            Stage::Cuts | Stage::Merge => MERGED_EACH,
            _ => EACH,
        };
        let sized = |each: usize| format!("const EACH = {each}u;\nconst TILE = {}u;\n", each * THREADS);
        // Every tile but the last is full, so is every run but the last of its row.
        let elements = "fn elements(first: u32) -> u32 {\nif (first >= runs()) {\nreturn 0u;\n}\n\
             let others = min(together(), runs() - first) - 1u;\n\
             return others * run_length() + run_of(first + others).length;\n}\n";
        let (digits, cuts) = (self.digits(), self.cuts());
        let sums = include_str!("../../../shaders/sort_sums.wgsl");
        let tile = include_str!("../../../shaders/sort_tile.wgsl");
        let rest = match stage {
            Stage::Ranks => {
                let upper = if self.plan.dtype.size() == 8 { each * THREADS } else { 1 };
                let upper = format!("const UPPER = {upper}u;\n");
                [&upper, elements, include_str!("../../../shaders/sort_ranks.wgsl")].concat()
            }
            Stage::Group => {
                let steps = format!("const KEY_STEPS = {}u;\n", 2 * self.plan.dtype.size());
                [&steps, elements, sums, tile, include_str!("../../../shaders/sort_group.wgsl")].concat()
            }
            Stage::Count(_) => [&digits, include_str!("../../../shaders/sort_count.wgsl")].concat(),
            Stage::Positions => {
                [&digits, sums, include_str!("../../../shaders/sort_positions.wgsl")].concat()
            }
            Stage::PositionsOfFew => {
                [&digits, include_str!("../../../shaders/sort_positions_few.wgsl")].concat()
            }
            Stage::Cuts => [&cuts, include_str!("../../../shaders/sort_cuts.wgsl")].concat(),
            Stage::Merge => [&cuts, sums, include_str!("../../../shaders/sort_merge.wgsl")].concat(),
            Stage::Scatter(..) => {
                [&digits, sums, tile, include_str!("../../../shaders/sort_scatter.wgsl")].concat()
            }
        };
        sized(each) + &self.common(from, to) + &rest
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let number = match stage {
            Stage::Ranks => 0,
            Stage::Group => 1,
            Stage::Positions => 2,
            Stage::PositionsOfFew => 3,
            Stage::Count(from) => 4 + from as usize,
            Stage::Scatter(from, to) => 6 + 2 * from as usize + to as usize,
            Stage::Cuts => 10,
            Stage::Merge => 11,
        };
        let make = || {
            let modes = match self.plan.way {
                SortWay::Passes | SortWay::Merge => &self.buffers.modes[..],
                SortWay::Ranks | SortWay::Group => &self.buffers.modes[..self.scratch],
            };
            let words = self.strides() + self.plan.args.len() + self.plan.rows.words();
            Program::new(words, modes, "", &self.text(stage))
        };
        self.programs[number].get_or_init(make).clone()
    }
}

impl Class for Sort {
    fn scratch(&self, first: usize, last: usize) -> usize {
        let (_, runs) = self.plan.runs(first, last);
        match self.plan.way {
            SortWay::Passes => 4 * (self.tallies(runs) + runs * DIGITS * (self.tiles() + 1)),
            SortWay::Merge => {
                let tiles = (last - first).div_ceil(MERGED_TILE);
                4 * 3 * (tiles + 1) * self.plan.merged_runs()
            }
            SortWay::Ranks | SortWay::Group => 0,
        }
    }

    fn grain(&self) -> Option<usize> {
        (self.plan.task == SortTask::Sort).then_some(1)
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, scratch, .. } = *call;
        let (first_run, runs) = self.plan.runs(first, last);
        let (together, steps) = self.plan.together(THREADS, TILE, 4);
        let (least, most) = self.plan.wanted(first, last);
        let mut places: SmallVec<[Place; 8]> = (self.plan.args.iter().enumerate())
            .map(|(number, arg)| {
                self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last)
            })
            .collect();
        let tiles = match self.plan.way {
            SortWay::Merge => (last - first).div_ceil(MERGED_TILE),
            SortWay::Ranks | SortWay::Group | SortWay::Passes => self.tiles(),
        };
        let bytes = self.scratch(first, last) as u64;
        if bytes > 0 {
            places.push(Place { binding: self.scratch, address: scratch, touched: scratch..scratch + bytes });
        }
        let set = |pass: usize| pass % 2 * self.words() * runs * self.plan.run;
        let command = |stage: Stage, groups: usize, pass: usize| {
            let mut words = begin(self.plan.args.len() + 1);
            let numbers = [
                first_run,
                runs,
                self.plan.n,
                self.plan.runs_of_row(),
                self.plan.run,
                tiles,
                together,
                steps,
                8 * pass,
                set(pass + 1),
                set(pass),
                self.tallies(runs),
                least,
                most,
                self.plan.merged,
                self.plan.merged_runs(),
            ];
            words.extend(numbers.map(|number| number as u32));
            words.extend(self.plan.args.iter().map(|arg| arg.view.strides[arg.view.ndim() - 1] as u32));
            self.plan.rows.push(&mut words);
            Command { program: self.program(stage), groups, places: places.clone(), words }
        };
        let mut commands = SmallVec::new();
        match self.plan.way {
            SortWay::Ranks => commands.push(command(Stage::Ranks, runs.div_ceil(together), 0)),
            SortWay::Group => commands.push(command(Stage::Group, runs.div_ceil(together), 0)),
            SortWay::Merge => {
                commands.push(command(Stage::Cuts, (tiles + 1).div_ceil(THREADS), 0));
                commands.push(command(Stage::Merge, tiles, 0));
            }
            SortWay::Passes => {
                for pass in 0..self.plan.passes() {
                    let side = |argument: bool| if argument { Side::Argument } else { Side::Scratch };
                    let (from, to) = self.plan.ends(pass);
                    let (from, to) = (side(from), side(to));
                    let tiles = runs * self.tiles();
                    commands.push(command(Stage::Count(from), tiles, pass));
                    commands.push(match self.tiles() {
                        0..=FEW_TILES => command(Stage::PositionsOfFew, runs, pass),
                        _ => command(Stage::Positions, runs * DIGITS, pass),
                    });
                    commands.push(command(Stage::Scatter(from, to), tiles, pass));
                }
            }
        }
        commands
    }
}

/// Statements that return the key of `words`, lower word first: numbers in NumPy's order, the same for zeros of both signs,
/// and the largest for every NaN.
fn key(dtype: Dtype) -> String {
    let real = |sign: u32, infinity: u32| {
        let most = sign | (sign - 1);
        format!(
            "let bits = select(words[0], 0u, words[0] == {sign}u);\n\
             if ((bits & {rest}u) > {infinity}u) {{\nreturn vec2<u32>({most}u, 0u);\n}}\n\
             return vec2<u32>(select(bits | {sign}u, ~bits & {most}u, (bits & {sign}u) != 0u), 0u);\n",
            rest = sign - 1,
        )
    };
    const SIGN: &str = "0x80000000u";
    match dtype {
        Dtype::Int8 => "return vec2<u32>(words[0] ^ 0x80u, 0u);\n".into(),
        Dtype::Int16 => "return vec2<u32>(words[0] ^ 0x8000u, 0u);\n".into(),
        Dtype::Int32 => format!("return vec2<u32>(words[0] ^ {SIGN}, 0u);\n"),
        Dtype::Int64 => format!("return vec2<u32>(words[0], words[1] ^ {SIGN});\n"),
        Dtype::UInt64 => "return vec2<u32>(words[0], words[1]);\n".into(),
        Dtype::Float16 => real(1 << 15, 0x7c00),
        Dtype::Float32 => real(1 << 31, 0x7f80_0000),
        Dtype::Float64 => format!(
            "let upper = words[1] & 0x7fffffffu;\n\
             if (upper > 0x7ff00000u || (upper == 0x7ff00000u && words[0] != 0u)) {{\n\
             return vec2<u32>(0xffffffffu, 0xffffffffu);\n}}\n\
             if (words[1] >= {SIGN} && (upper | words[0]) != 0u) {{\n\
             return vec2<u32>(~words[0], ~words[1]);\n}}\n\
             return vec2<u32>(words[0], words[1] | {SIGN});\n"
        ),
        _ => "return vec2<u32>(words[0], 0u);\n".into(),
    }
}
