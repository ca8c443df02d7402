//! A body made ready to run: which function works on which buffers, and the loop over blocks.
//!
//! A block is a range of positions in the C order of the index space, short enough for all its values to stay in the
//! first-level cache. For every block:
//!
//! ```text
//! load   inputs that do not lie contiguously in memory, into buffers
//! run    one function per step, from buffers and memory to buffers and memory
//! store  outputs that were not written to memory by a step
//! ```
//!
//! Once a program has worked on enough elements, runs of simple steps are compiled ([`crate::jit`]) and take the place of
//! their functions.

mod compiled;
mod layout;
mod run;

use self::compiled::{Compiled, Keeps};
use self::layout::Layout;
pub(crate) use self::run::Run;
use self::run::State;
use crate::jit::Jit;
use crate::tile::{Space, address, alignment};
use maniple_ops::{Block, Body, LANES, Step, block, cast_block};
use maniple_runtime::{Arg, Binding, Launch, Role};
use std::cell::RefCell;
use std::sync::Arc;

/// Bytes of buffers that a block should not exceed.
const CACHE: usize = 24 << 10;
/// Bytes of buffers and streams that a block should not exceed which keeps what it writes over.
const CACHE_BESIDE: usize = 16 << 10;
/// The fewest elements of a block.
const FEWEST: usize = 256;
/// The most elements of a block.
const MOST: usize = 2048;
/// Rows from this length on are blocks, or several; shorter rows are collected into blocks.
const LONG_ROW: usize = 64;
/// Programs of this many steps ask for the next block's bytes themselves: the processor sees only short bursts of loads
/// and starts anew at each. A chain of 20 scalar steps went from 3.3 to 1.9 ns per element, as fast as compiled C.
const PREFETCH_FROM: usize = 3;
/// So many bytes of arguments are taken to be in the second-level cache anyway.
const NEAR: usize = 512 << 10;
/// If a transposed input has rows from this length on, the lines of memory that a row touches do not stay in the
/// first-level cache until the next row wants its neighbours.
const FAR_ROW: usize = 512;
/// Buffers begin at multiples of this many bytes.
const LINE: usize = 64;

/// A body over arguments of known geometry.
#[derive(Debug)]
pub(crate) struct Program {
    /// The index space of all arguments but the sinks.
    space: Space,
    rows: Rows,
    /// Inputs, outputs, then a sink for each output beyond those.
    args: Vec<Argument>,
    inputs: usize,
    constants: Vec<Constant>,
    instructions: Vec<Instruction>,
    /// The runs of instructions that can be compiled, if there are any.
    compiled: Option<Compiled>,
    /// For every output, sinks among them, the entry of the table that holds its values.
    sources: Vec<u16>,
    /// Offset of every buffer of the table in scratch memory.
    buffers: Vec<usize>,
    /// Elements per block.
    block: usize,
    /// Bytes of scratch memory.
    scratch: usize,
    /// Whether any instruction's flags are wanted.
    watch: Watch,
    /// Pieces of more elements than this ask for their bytes ahead.
    near: usize,
    /// How many rows are worked on together for the sake of turned inputs; 1 if there are none.
    panel: usize,
}

/// How blocks and rows of the index space go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// A block lies within one row.
    Cut,
    /// A block holds whole rows.
    Joined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    Nothing,
    Flags,
}

#[derive(Clone, Copy, Debug)]
struct Argument {
    place: Place,
    item: usize,
    alignment: usize,
    /// Offset of element zero in its region.
    offset: isize,
    way: Way,
    /// Distance in bytes between neighbours in C order, if it is always the same.
    linear: Option<isize>,
    /// Whether all rows are the same.
    periodic: bool,
    /// Whether blocks lie in rows and all elements of a row are the same: a constant, to compiled code.
    level: bool,
    /// Whether neighbours in memory are neighbours along the axis before the last, as in a transposed matrix.
    turned: bool,
    /// Whether other launches read soon what is stored.
    near: bool,
}

/// Where an argument's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory, where the binding says of the launch's argument of that number.
    Bound(usize),
    /// Where the caller says, of the sink of that number: an output, or an input that is what the sink held.
    Sink(usize),
}

/// How a block of an argument is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Block functions get its address.
    Direct,
    /// One element: its buffer is filled once.
    Splat,
    /// Through a buffer.
    Copied,
    /// Where the caller says.
    Sink,
}

/// What a program that folds its values combines them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accumulators {
    /// Every value with one of its own.
    Each,
    /// The value of position `i` of a leaf with accumulator `i % LANES`. Leaves are parts of rows of so many elements,
    /// and begin at multiples of [`maniple_ops::LEAF`] in them.
    Lanes(usize),
}

/// Which floating point events are wanted of whose steps, as a launch says.
#[derive(Clone, Copy, Default)]
struct Wanted<'a> {
    owners: &'a [u16],
    watch: &'a [u8],
    /// Regions that other launches read soon.
    near: &'a [Role],
    /// Whether inputs that are written over are kept, although nobody watches.
    keeps: bool,
}

#[derive(Clone, Copy, Debug)]
struct Constant {
    item: usize,
    entry: u16,
}

#[derive(Clone, Copy, Debug)]
struct Instruction {
    block: Block,
    /// Entries of the table; those the function does not look at are zero.
    ins: [u16; 3],
    outs: [u16; 2],
    /// The step of the body, for its flags.
    step: u16,
    /// Which flags of it are wanted.
    watch: u8,
}

impl Program {
    /// Makes the body of a launch ready. `args` are its inputs and stored outputs; outputs beyond those go to a sink each.
    /// Nothing if a step has no function.
    pub(crate) fn new(launch: &Launch, body: &Body, args: &[Arg], jit: Option<&Arc<Jit>>) -> Option<Program> {
        let (owners, watch, near) = (&launch.owners, &launch.watch, &launch.near);
        let wanted = Wanted { owners, watch, near, keeps: false };
        let places: Vec<Place> = (0..args.len()).map(Place::Bound).collect();
        Program::over(body, (args, &places), wanted, jit, None)
    }

    /// Makes a body ready whose last `combining` steps combine what the sinks hold with values: the inputs that are sinks
    /// stand for what they hold. What a block writes over of the inputs `kept` can be put back ([`Run::put_back`]). Nothing if
    /// one of those steps cannot be compiled together with others, if blocks and accumulators do not go together, or if such
    /// an input is not kept.
    pub(crate) fn folding(
        body: &Body,
        args: (&[Arg], &[Place]),
        (combining, kept): (usize, &[usize]),
        jit: &Arc<Jit>,
        accumulators: Accumulators,
    ) -> Option<Program> {
        let wanted = Wanted { keeps: !kept.is_empty(), ..Wanted::default() };
        let program = Program::over(body, args, wanted, Some(jit), Some(accumulators))?;
        let steps = body.steps.len() - combining..body.steps.len();
        let compiled = program.compiled.as_ref().is_some_and(|compiled| compiled.covers(steps));
        let together = match accumulators {
            Accumulators::Each => true,
            Accumulators::Lanes(n) => {
                let inner = program.space.inner();
                let whole = program.space.ndim() == 1 || inner == n || inner.is_multiple_of(LANES);
                program.rows == Rows::Cut && whole
            }
        };
        (compiled && together && program.panel == 1 && kept.iter().all(|&at| program.keeps(at)))
            .then_some(program)
    }

    /// Whether an input is there at the end of a block as it was at its beginning: in a buffer, or beside.
    fn keeps(&self, input: usize) -> bool {
        let beside = |compiled: &Compiled| {
            compiled.whole() && compiled.kept().any(|(argument, _)| argument as usize == input)
        };
        match self.args[input].way {
            Way::Direct => self.compiled.as_ref().is_some_and(beside),
            Way::Copied => !self.args[input].level,
            _ => false,
        }
    }

    /// A program over arguments that are at some places, with a sink for each output beyond them. If there are
    /// accumulators, they are the sinks.
    fn over(
        body: &Body,
        (args, places): (&[Arg], &[Place]),
        wanted: Wanted<'_>,
        jit: Option<&Arc<Jit>>,
        accumulators: Option<Accumulators>,
    ) -> Option<Program> {
        let space = Space::new(args.iter().map(|arg| &arg.view));
        let rows = if space.ndim() == 1 || space.inner() >= LONG_ROW { Rows::Cut } else { Rows::Joined };
        let dtypes = body.value_dtypes();
        let mut arguments: Vec<Argument> =
            (0..args.len()).map(|at| argument(&space, rows, at, &args[at], places[at])).collect();
        for output in &mut arguments[body.inputs.len()..] {
            output.turned = false;
            if output.way == Way::Splat {
                output.way = Way::Copied;
            }
        }
        for (number, &output) in body.outputs[args.len() - body.inputs.len()..].iter().enumerate() {
            let item = dtypes[output as usize].size();
            let sink = Argument {
                place: Place::Sink(number),
                item,
                alignment: item,
                offset: 0,
                way: Way::Sink,
                linear: None,
                periodic: false,
                level: false,
                turned: false,
                near: false,
            };
            arguments.push(sink);
        }
        keep_overwritten_inputs(body, args, &mut arguments);
        for (argument, arg) in arguments.iter_mut().zip(args) {
            argument.near = wanted.near.contains(&arg.role);
        }
        let keeps = match wanted.watch.iter().any(|&watch| watch != 0) {
            _ if wanted.keeps => Keeps::ToPutBack,
            true => Keeps::ToTellSteps,
            false => Keeps::Nothing,
        };
        let sections = compiled::sections(jit, body, args, &arguments, space.size(), keeps);
        let mut layout = Layout::new(body, args, &arguments);
        if keeps != Keeps::Nothing {
            sections.iter().for_each(|section| layout.keep_inputs(section));
        }
        let mut instructions = Vec::with_capacity(body.steps.len());
        let mut result = body.first_result();
        for (at, step) in body.steps.iter().enumerate() {
            let function = match step {
                Step::Apply { op, dtype, .. } => block(*op, *dtype)?,
                Step::Cast { to, arg } => cast_block(dtypes[*arg as usize], *to),
            };
            let (mut ins, mut outs) = ([0; 3], [0; 2]);
            for (slot, &value) in ins.iter_mut().zip(step.args()) {
                *slot = layout.home[value as usize];
            }
            for slot in outs.iter_mut().take(step.results()) {
                *slot = layout.place(result, dtypes[result].size());
                result += 1;
            }
            layout.release(at, step, result);
            let owner = wanted.owners.get(at).copied().unwrap_or(0);
            let watch = wanted.watch.get(owner as usize).copied().unwrap_or(0);
            instructions.push(Instruction { block: function, ins, outs, step: at as u16, watch });
        }
        let constants: Vec<Constant> = (body.constants.iter().enumerate())
            .map(|(at, dtype)| Constant { item: dtype.size(), entry: layout.home[body.inputs.len() + at] })
            .collect();
        let compiled = jit.and_then(|jit| {
            let args = (args, &arguments[..]);
            let turning = matches!(accumulators, Some(Accumulators::Lanes(_)));
            let whole = (body, turning, space.size());
            Compiled::new((jit, sections), whole, &mut layout, &instructions, args)
        });
        // What is kept of one block shall still be in the first-level cache when that of the next is written over it, so what
        // streams through counts as well.
        let saves = compiled.as_ref().is_some_and(|compiled| compiled.kept().next().is_some());
        // What a block touches: constants and temporaries, and the buffers of arguments that need one.
        let touched: usize = (layout.items.iter().enumerate())
            .filter(|&(entry, _)| compiled.as_ref().is_none_or(|compiled| compiled.touches[entry]))
            .map(|(entry, &item)| match arguments.get(entry) {
                Some(argument) if argument.way == Way::Direct && saves && entry < body.inputs.len() => item,
                Some(argument) if matches!(argument.way, Way::Direct | Way::Sink) => 0,
                Some(argument) if argument.way == Way::Splat && saves => 0,
                _ => item,
            })
            .sum();
        let most = if compiled.as_ref().is_some_and(Compiled::whole) { compiled::MOST } else { MOST };
        let cache = if saves { CACHE_BESIDE } else { CACHE };
        let mut length = (cache / touched.max(1)).clamp(FEWEST, most) / LINE * LINE;
        if rows == Rows::Joined {
            let inner = space.inner().max(1);
            length = (length / inner).max(1) * inner;
        }
        let turned = arguments.iter().filter(|argument| argument.turned).map(|argument| argument.item).min();
        let panel = turned.map_or(1, |item| (LINE / item).min(16));
        if panel > 1 {
            length = length.min(FEWEST);
        }
        let streamed: usize =
            arguments.iter().filter(|argument| argument.way == Way::Direct).map(|a| a.item).sum();
        let near = if instructions.len() < PREFETCH_FROM { usize::MAX } else { NEAR / streamed.max(1) };
        let lines = compiled.as_ref().map_or(0, |compiled| compiled.lines);
        let (buffers, scratch) = lay_out(&layout.items, &arguments, space.ndim(), lines, length, panel);
        let watched = instructions.iter().any(|instruction| instruction.watch != 0);
        Some(Program {
            rows,
            inputs: body.inputs.len(),
            args: arguments,
            constants,
            instructions,
            compiled,
            sources: body.outputs.iter().map(|&value| layout.home[value as usize]).collect(),
            buffers,
            block: length,
            scratch,
            watch: if watched { Watch::Flags } else { Watch::Nothing },
            near,
            panel,
            space,
        })
    }

    /// Bytes of scratch memory that [`Program::start`] needs.
    pub(crate) fn scratch(&self) -> usize {
        self.scratch
    }

    /// Whether there are no steps.
    pub(crate) fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// Number of elements of the index space.
    pub(crate) fn size(&self) -> usize {
        self.space.size()
    }

    /// Most elements that are evaluated at a time.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    /// Whether a run over so many elements would be compiled.
    pub(crate) fn is_compiled(&self, elements: usize) -> bool {
        self.compiled.as_ref().is_some_and(|compiled| compiled.codes(elements).is_some())
    }

    /// If the values of a sink lie in memory as they are, one behind the other: the address of the first of them. Only of
    /// a program that stores nothing else.
    pub(crate) fn plain_sink(&self, number: usize, binding: &Binding) -> Option<*const u8> {
        let source = *self.sources.get(number)? as usize;
        let plain = source < self.inputs;
        let argument = self.args.get(source)?;
        let address = address(binding.bases[source], argument.offset);
        let contiguous = argument.linear == Some(argument.item as isize);
        (plain && contiguous && address.addr().is_multiple_of(argument.alignment))
            .then_some(address.cast_const())
    }

    /// Begins a run over at most `most` elements with the given bytes and `scratch` bytes of scratch memory, which must
    /// be aligned to 64 bytes.
    ///
    /// # Safety
    /// The binding must fit the launch, and its bytes stay valid as long as the run is used.
    pub(crate) unsafe fn start<'a>(&'a self, binding: &'a Binding, most: usize, scratch: *mut u8) -> Run<'a> {
        // SAFETY: the caller's promise.
        unsafe { Run::new(self, binding, most, scratch) }
    }
}

fn argument(space: &Space, rows: Rows, at: usize, arg: &Arg, place: Place) -> Argument {
    let (item, alignment) = (arg.dtype.size(), alignment(arg.dtype));
    let strides = &space.strides[at];
    let last = strides.len() - 1;
    let aligned = strides.iter().all(|stride| stride.unsigned_abs() % alignment == 0);
    let single = space.size() == 1;
    let linear = if single { Some(item as isize) } else { space.linear(at) };
    let neighbours = match rows {
        Rows::Cut => single || strides[last] == item as isize,
        Rows::Joined => linear == Some(item as isize),
    };
    let way = match linear {
        _ if matches!(place, Place::Sink(_)) => Way::Sink,
        _ if neighbours && aligned => Way::Direct,
        Some(0) => Way::Splat,
        _ => Way::Copied,
    };
    let periodic = rows == Rows::Joined && strides[..last].iter().all(|&stride| stride == 0);
    let level = rows == Rows::Cut && way == Way::Copied && strides[last] == 0;
    let turned = rows == Rows::Cut
        && way == Way::Copied
        && last > 0
        && strides[last - 1] == item as isize
        && strides[last].unsigned_abs() >= LINE
        && space.inner() >= FAR_ROW
        && space.shape[last - 1] >= 4;
    let near = false;
    Argument { place, item, alignment, offset: arg.view.offset, way, linear, periodic, level, turned, near }
}

/// An output may name an input as it is. If that input's memory is overwritten by some output, its values are taken
/// to a buffer at the beginning of the block.
fn keep_overwritten_inputs(body: &Body, args: &[Arg], arguments: &mut [Argument]) {
    let (inputs, outputs) = args.split_at(body.inputs.len());
    for &value in &body.outputs {
        let named = inputs.get(value as usize);
        let overwritten = named.is_some_and(|input| outputs.iter().any(|output| may_overlap(input, output)));
        if overwritten && arguments[value as usize].way == Way::Direct {
            arguments[value as usize].way = Way::Copied;
        }
    }
}

/// Whether two arguments may share a byte.
pub(crate) fn may_overlap(a: &Arg, b: &Arg) -> bool {
    a.role == b.role && a.view.may_overlap(a.dtype.size(), &b.view, b.dtype.size())
}

/// Offsets of the buffers of all entries, behind the lines of constants, the table, the states and the index; and the
/// bytes of everything.
fn lay_out(
    items: &[usize],
    args: &[Argument],
    ndim: usize,
    lines: usize,
    block: usize,
    panel: usize,
) -> (Vec<usize>, usize) {
    let head =
        items.len() * size_of::<*mut u8>() + args.len() * size_of::<State>() + ndim * size_of::<usize>();
    let mut end = (lines * LINE + head).next_multiple_of(LINE);
    let buffers = (items.iter().enumerate())
        .map(|(entry, &item)| {
            let start = end;
            let rows = if args.get(entry).is_some_and(|argument| argument.turned) { panel } else { 1 };
            // A line more than needed, so that buffers do not begin at equal distances from page boundaries.
            end += (rows * block * item).next_multiple_of(LINE) + LINE;
            start
        })
        .collect();
    (buffers, end)
}

/// Calls `work` with at least `bytes` bytes of this thread's scratch memory, aligned to 64 bytes.
pub(crate) fn with_scratch<T>(bytes: usize, work: impl FnOnce(*mut u8) -> T) -> T {
    #[derive(Clone, Copy)]
    #[repr(align(64))]
    struct Line(#[allow(dead_code, reason = "only its size and alignment matter")] [u8; LINE]);
    thread_local! {
        static SCRATCH: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with(|scratch| {
        let mut scratch = scratch.borrow_mut();
        let lines = bytes.div_ceil(LINE);
        if scratch.len() < lines {
            scratch.resize(lines, Line([0; LINE]));
        }
        work(scratch.as_mut_ptr().cast())
    })
}
