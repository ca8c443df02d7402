//! Sorting rows in runs, and merging the runs of a row: to the bit what the host gives, since both are stable.
//!
//! Elements are bits here, moved as they are; a key is made of them wherever one is compared, so that zeros of both signs
//! and NaNs of all bits keep their order. Very short runs are sorted by counting what comes before each element, runs that
//! a block holds in shared memory, and longer ones by passes over all of them, eight bits of the key at a time. Of a merge,
//! every tile of the result is made of the parts of all runs that belong there. Where runs are too many for that, the row is
//! sorted again: what is equal is in their order already.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::naturally_aligned;
use crate::geometry::{Written, address};
use maniple_ops::Dtype;
use maniple_runtime::{Launch, SortPlan, SortTask, SortWay};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

const THREADS: usize = 256;
/// Grids fill the device this many times over.
const WAVES: u32 = 32;
/// Digits of a pass.
const DIGITS: usize = SortPlan::DIGITS;
/// Tiles whose digits are counted together, as the text says.
const TILES_TOGETHER: usize = 8;

/// Numbers that a kernel finds after the arguments, by their names.
const NUMBERS: [&str; 16] = [
    "FIRST_RUN",
    "RUNS",
    "ROW_LENGTH",
    "RUNS_OF_ROW",
    "RUN_LENGTH",
    "TILES",
    "TOGETHER",
    "STEPS",
    "PASS",
    "SOURCE",
    "GOAL",
    "COUNTS",
    "LEAST",
    "MOST",
    "MERGED_LENGTH",
    "MERGED_RUNS",
];

/// A sort or a merge made ready.
pub(crate) struct Sort {
    plan: SortPlan,
    programs: [OnceLock<Arc<Program>>; 10],
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
    Count,
    Pass(Side, Side),
    Clear,
    Cuts,
    Merge,
}

impl Sort {
    /// A sort, or a merge of the runs of a row; nothing if threads could not read and write elements as they are.
    pub(crate) fn new(launch: &Launch) -> Option<Sort> {
        let plan = SortPlan::new(launch, each(launch.args[0].dtype) * THREADS)?;
        launch.args.iter().all(naturally_aligned).then(|| Sort { plan, programs: Default::default() })
    }

    fn tile(&self) -> usize {
        each(self.plan.dtype) * THREADS
    }

    fn tiles(&self) -> usize {
        self.plan.run.div_ceil(self.tile())
    }

    /// Bytes of one set of elements in scratch memory, positions behind the bits of all.
    fn set(&self, runs: usize) -> usize {
        let position = if self.plan.gives.has_order() { size_of::<u32>() } else { 0 };
        (runs * self.plan.run * (self.plan.dtype.size() + position)).next_multiple_of(16)
    }

    /// Words for what passes count and tell: a ticket for each, digits of runs, and digits of tiles.
    fn counts(&self, runs: usize) -> usize {
        self.plan.passes() * (1 + runs * DIGITS) + runs * self.tiles() * DIGITS
    }

    /// Position of the first word that says how far apart the elements of a row are, for each argument.
    fn strides(&self) -> usize {
        self.plan.args.len() + NUMBERS.len()
    }

    fn place(&self, arg: usize) -> String {
        format!("(run.at[{arg}] + i * p.w[{}])", self.strides() + arg)
    }

    /// The function that reads an element: its bits, and its position if that goes with them.
    fn load(&self, from: Side, stage: Stage) -> String {
        let ordered =
            self.plan.gives.has_order() && !matches!(stage, Stage::Count | Stage::Group | Stage::Cuts);
        let (bits, position) = match from {
            Side::Argument => (format!("*(const Bits*){}", self.place(0)), "position(p, run, i)".to_string()),
            Side::Scratch => (
                "((const Bits*)SOURCE)[run.number * RUN_LENGTH + i]".into(),
                "((const unsigned int*)((const Bits*)SOURCE + RUNS * RUN_LENGTH))[run.number * RUN_LENGTH + i]"
                    .into(),
            ),
        };
        let position = if ordered { position } else { "0".into() };
        format!(
            "static __device__ __forceinline__ Element load(const Words& p, const Run& run, Word i) {{\n\
             return Element{{{bits}, {position}}};\n}}\n"
        )
    }

    /// The function that writes an element to its place in a run.
    fn keep(&self, to: Side) -> String {
        let mut text = "static __device__ __forceinline__ void keep(const Words& p, const Run& run, Word i, \
                        const Element& element) {\n"
            .to_string();
        match to {
            Side::Argument => {
                text.push_str("if (i < LEAST || i >= MOST) return;\n");
                let (values, order) = self.plan.given();
                if let Some(arg) = values {
                    let _ = writeln!(text, "*(Bits*){} = element.bits;", self.place(arg));
                }
                if let Some(arg) = order {
                    let _ = writeln!(text, "*(long long*){} = element.position;", self.place(arg));
                }
            }
            Side::Scratch => {
                text.push_str("((Bits*)GOAL)[run.number * RUN_LENGTH + i] = element.bits;\n");
                if self.plan.gives.has_order() {
                    text.push_str(
                        "((unsigned int*)((Bits*)GOAL + RUNS * RUN_LENGTH))[run.number * RUN_LENGTH + i] = \
                         element.position;\n",
                    );
                }
            }
        }
        text + "}\n"
    }

    fn text(&self, stage: Stage) -> String {
        let function = "static __device__ __forceinline__";
        let (number, from, to) = match stage {
            Stage::Clear => {
                return format!("#define THREADS {THREADS}\n{}", include_str!("../../../kernels/clear.cu"));
            }
            Stage::Ranks => (0, Side::Argument, Side::Argument),
            Stage::Group => (1, Side::Argument, Side::Argument),
            Stage::Count => (2, Side::Argument, Side::Scratch),
            Stage::Pass(from, to) => (3, from, to),
            Stage::Cuts => (4, Side::Argument, Side::Argument),
            Stage::Merge => (5, Side::Argument, Side::Argument),
        };
        let mut text = format!(
            "typedef {bits} Bits;\ntypedef {key} Key;\n#define THREADS {THREADS}\n#define EACH {each}\n\
             #define STAGE {number}\n#define POSITIONS {positions}\n#define PASSES {passes}\n\
             #define KEY_STEPS {steps}u\n",
            bits = bits(self.plan.dtype),
            key = if self.plan.dtype.size() == 8 { "unsigned long long" } else { "unsigned int" },
            each = if stage == Stage::Ranks { SortPlan::FEW_EACH } else { each(self.plan.dtype) },
            positions = u8::from(self.plan.gives.has_order() || stage == Stage::Group),
            passes = self.plan.passes(),
            steps = self.plan.dtype.size(),
        );
        let own = self.plan.args.len();
        for (at, name) in NUMBERS.iter().enumerate() {
            let _ = writeln!(text, "#define {name} p.w[{}]", own + at);
        }
        let names: Vec<String> = (0..own).map(|number| format!("d{number}")).collect();
        let _ = writeln!(
            text,
            "// A run: its number in this launch, its elements, where in its row it begins, and where that is in each\n\
             // argument.\nstruct Run {{ Word number, length, start, at[{own}]; }};\n\
             {function} Run run_of(const Words& p, Word number) {{\n\
             const Word run_of_all = FIRST_RUN + number, whole = RUNS_OF_ROW == 1;\n\
             const Word row = whole ? run_of_all : run_of_all / RUNS_OF_ROW;\n\
             const Word start = whole ? 0 : run_of_all % RUNS_OF_ROW * RUN_LENGTH;\n{}\
             Run run = {{number, min(RUN_LENGTH, ROW_LENGTH - start), start, {{}}}};",
            self.plan.rows.text("row", self.strides() + own, &names),
        );
        for (arg, name) in names.iter().enumerate() {
            let _ = writeln!(
                text,
                "run.at[{arg}] = p.w[{arg}] + {name} + start * p.w[{}];",
                self.strides() + arg
            );
        }
        let position = match self.plan.task {
            SortTask::Merge if self.plan.gives.has_order() => {
                format!("(unsigned int)*(const long long*){}", self.place(1))
            }
            _ => "(unsigned int)(run.start + i)".into(),
        };
        let _ = writeln!(
            text,
            "return run;\n}}\n{function} unsigned int position(const Words& p, const Run& run, Word i) {{\n\
             return {position};\n}}\n{function} Key key_of(Bits bits) {{\n{}}}",
            key(self.plan.dtype)
        );
        let _ = writeln!(
            text,
            "{function} Word* ticket_at(const Words& p) {{ return (Word*)COUNTS + PASS; }}\n\
             {function} Word* total_at(const Words& p, Word pass, Word run, Word digit) {{\n\
             return (Word*)COUNTS + PASSES + (pass * RUNS + run) * {DIGITS} + digit;\n}}\n\
             {function} Word* told_at(const Words& p, Word tile, Word digit) {{\n\
             return (Word*)COUNTS + PASSES + (PASSES * RUNS + tile) * {DIGITS} + digit;\n}}\n\
             struct Element {{\n    Bits bits;\n    unsigned int position;\n}};"
        );
        text + &self.load(from, stage) + &self.keep(to) + include_str!("../../../kernels/sort.cu")
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let number = match stage {
            Stage::Ranks => 0,
            Stage::Group => 1,
            Stage::Count => 2,
            Stage::Clear => 3,
            Stage::Pass(from, to) => 4 + 2 * from as usize + to as usize,
            Stage::Cuts => 8,
            Stage::Merge => 9,
        };
        let words = match stage {
            Stage::Clear => 2,
            _ => self.strides() + self.plan.args.len() + self.plan.rows.words(),
        };
        self.programs[number].get_or_init(|| Program::new(words, "", &self.text(stage))).clone()
    }
}

impl Class for Sort {
    fn scratch(&self, first: usize, last: usize) -> usize {
        let (_, runs) = self.plan.runs(first, last);
        match self.plan.way {
            SortWay::Passes => self.plan.sets() * self.set(runs) + self.counts(runs) * size_of::<u64>(),
            SortWay::Merge => {
                ((last - first).div_ceil(self.tile()) + 1) * self.plan.merged_runs() * size_of::<u32>()
            }
            SortWay::Ranks | SortWay::Group => 0,
        }
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, scratch, multiprocessors, .. } = *call;
        let (first_run, runs) = self.plan.runs(first, last);
        let (together, steps) = self.plan.together(THREADS, self.tile(), 8);
        let sets = if self.plan.way == SortWay::Passes { self.plan.sets() * self.set(runs) } else { 0 };
        let tiles = match self.plan.way {
            SortWay::Merge => (last - first).div_ceil(self.tile()),
            SortWay::Ranks | SortWay::Group | SortWay::Passes => self.tiles(),
        };
        let counts = scratch + sets as u64;
        let (least, most) = self.plan.wanted(first, last);
        let set = |pass: usize| scratch + (pass % 2 * self.set(runs)) as u64;
        let command = |stage: Stage, blocks: usize, pass: usize| {
            let mut words = Words::new();
            words.extend(
                self.plan.args.iter().zip(&binding.bases).map(|(arg, &base)| address(base, arg.view.offset)),
            );
            let numbers =
                [first_run, runs, self.plan.n, self.plan.runs_of_row(), self.plan.run, tiles, together];
            words.extend(numbers.map(|number| number as u64));
            words.extend([steps as u64, pass as u64, set(pass + 1), set(pass), counts]);
            words
                .extend([least, most, self.plan.merged, self.plan.merged_runs()].map(|number| number as u64));
            words.extend(self.plan.args.iter().map(|arg| arg.view.strides[arg.view.ndim() - 1] as u64));
            self.plan.rows.push(&mut words);
            Command {
                program: self.program(stage),
                grid: grid(blocks * THREADS, THREADS as u32, multiprocessors, WAVES),
                words,
            }
        };
        match self.plan.way {
            SortWay::Ranks => smallvec![command(Stage::Ranks, runs.div_ceil(together), 0)],
            SortWay::Group => smallvec![command(Stage::Group, runs.div_ceil(together), 0)],
            SortWay::Merge => smallvec![
                command(Stage::Cuts, ((tiles + 1) * 32).div_ceil(THREADS), 0),
                command(Stage::Merge, tiles, 0),
            ],
            SortWay::Passes => {
                let words = self.counts(runs);
                let mut clear = Words::new();
                clear.extend([counts, words as u64]);
                let mut commands: SmallVec<[Command; 2]> = smallvec![
                    Command {
                        program: self.program(Stage::Clear),
                        grid: grid(words, THREADS as u32, multiprocessors, WAVES),
                        words: clear,
                    },
                    command(Stage::Count, runs * self.tiles().div_ceil(TILES_TOGETHER), 0),
                ];
                for pass in 0..self.plan.passes() {
                    let side = |argument: bool| if argument { Side::Argument } else { Side::Scratch };
                    let (from, to) = self.plan.ends(pass);
                    let (from, to) = (side(from), side(to));
                    commands.push(command(Stage::Pass(from, to), runs * self.tiles(), pass));
                }
                commands
            }
        }
    }
}

/// Elements of a tile for each thread: what shared memory of 16 KiB holds.
fn each(dtype: Dtype) -> usize {
    if dtype.size() == 8 { 8 } else { 16 }
}

/// The type of an element's bits.
fn bits(dtype: Dtype) -> &'static str {
    match dtype.size() {
        1 => "unsigned char",
        2 => "unsigned short",
        4 => "unsigned int",
        _ => "unsigned long long",
    }
}

/// Statements that return the key of `bits`: numbers in NumPy's order, the same for zeros of both signs, and the largest
/// for every NaN.
fn key(dtype: Dtype) -> String {
    let size = 8 * dtype.size();
    let sign = format!("((Key)1 << {})", size - 1);
    if dtype.is_float() {
        let infinity = match size {
            16 => "0x7c00u",
            32 => "0x7f800000u",
            _ => "0x7ff0000000000000ull",
        };
        return format!(
            "const Key most = (Bits)~(Bits)0, key = bits == {sign} ? 0 : bits;\n\
             if ((key & ({sign} - 1)) > {infinity}) return most;\n\
             return key & {sign} ? ~key & most : key | {sign};\n"
        );
    }
    match dtype {
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::Int64 => format!("return bits ^ {sign};\n"),
        _ => "return bits;\n".into(),
    }
}
