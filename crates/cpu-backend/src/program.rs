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

use crate::tile::{Space, Strided, address, alignment, load, load_turned, splat, store};
use maniple_ops::{Block, Body, Flags, Step, block, cast_block, flags};
use maniple_runtime::{Arg, Binding, Launch};
use std::cell::RefCell;
use std::ptr;

/// Bytes of buffers that a block should not exceed.
const CACHE: usize = 24 << 10;
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
/// Buffers begin at multiples of this many bytes.
const LINE: usize = 64;

/// A body over arguments of known geometry.
#[derive(Debug)]
pub(crate) struct Program {
    /// The index space of all arguments but the sink.
    space: Space,
    rows: Rows,
    /// Inputs, outputs, then the sink if there is one.
    args: Vec<Argument>,
    inputs: usize,
    /// How many of `args` lie in memory: all but the sink.
    placed: usize,
    constants: Vec<Constant>,
    instructions: Vec<Instruction>,
    /// For every output and the sink the entry of the table that holds its values.
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
    item: usize,
    alignment: usize,
    /// Offset of element zero in its region.
    offset: isize,
    way: Way,
    /// Distance in bytes between neighbours in C order, if it is always the same.
    linear: Option<isize>,
    /// Whether all rows are the same.
    periodic: bool,
    /// Whether neighbours in memory are neighbours along the axis before the last, as in a transposed matrix.
    turned: bool,
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
    /// Makes the body of a launch ready. `args` are its inputs and stored outputs; a last output beyond those goes to
    /// the sink. Nothing if a step has no function.
    pub(crate) fn new(launch: &Launch, body: &Body, args: &[Arg]) -> Option<Program> {
        let space = Space::new(args.iter().map(|arg| &arg.view));
        let rows = if space.ndim() == 1 || space.inner() >= LONG_ROW { Rows::Cut } else { Rows::Joined };
        let dtypes = body.value_dtypes();
        let mut arguments: Vec<Argument> =
            (0..args.len()).map(|at| argument(&space, rows, at, &args[at])).collect();
        for output in &mut arguments[body.inputs.len()..] {
            output.turned = false;
            if output.way == Way::Splat {
                output.way = Way::Copied;
            }
        }
        if body.outputs.len() + body.inputs.len() > args.len() {
            let item = dtypes[*body.outputs.last()? as usize].size();
            let sink = Argument {
                item,
                alignment: item,
                offset: 0,
                way: Way::Sink,
                linear: None,
                periodic: false,
                turned: false,
            };
            arguments.push(sink);
        }
        keep_overwritten_inputs(body, args, &mut arguments);
        let mut layout = Layout::new(body, args, &arguments);
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
            let owner = launch.owners.get(at).copied().unwrap_or(0);
            let watch = launch.watch.get(owner as usize).copied().unwrap_or(0);
            instructions.push(Instruction { block: function, ins, outs, step: at as u16, watch });
        }
        let constants = (body.constants.iter().enumerate())
            .map(|(at, dtype)| Constant { item: dtype.size(), entry: layout.home[body.inputs.len() + at] })
            .collect();
        // What a block touches: constants and temporaries, and the buffers of arguments that need one.
        let touched: usize = (layout.items.iter().enumerate())
            .map(|(entry, &item)| match arguments.get(entry) {
                Some(argument) if matches!(argument.way, Way::Direct | Way::Sink) => 0,
                _ => item,
            })
            .sum();
        let mut length = (CACHE / touched.max(1)).clamp(FEWEST, MOST) / LINE * LINE;
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
        let (buffers, scratch) = lay_out(&layout.items, &arguments, space.ndim(), length, panel);
        let watched = instructions.iter().any(|instruction| instruction.watch != 0);
        Some(Program {
            rows,
            inputs: body.inputs.len(),
            placed: args.len(),
            args: arguments,
            constants,
            instructions,
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

    /// Number of elements of the index space.
    pub(crate) fn size(&self) -> usize {
        self.space.size()
    }

    /// Most elements that are evaluated at a time.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    fn sink_item(&self) -> usize {
        self.args.get(self.placed).map_or(0, |sink| sink.item)
    }

    /// If the values of the sink lie in memory as they are, one behind the other: the address of the first of them.
    pub(crate) fn plain_sink(&self, binding: &Binding) -> Option<*const u8> {
        let source = *self.sources.last()? as usize;
        let plain = self.instructions.is_empty() && self.sources.len() == 1 && source < self.inputs;
        let argument = self.args.get(source)?;
        let address = address(binding.bases[source], argument.offset);
        let contiguous = argument.linear == Some(argument.item as isize);
        (plain && contiguous && address.addr() % argument.alignment == 0).then_some(address.cast_const())
    }

    /// Begins a run over at most `most` elements with the given bytes and `scratch` bytes of scratch memory, which must
    /// be aligned to 64 bytes.
    ///
    /// # Safety
    /// The binding must fit the launch, and its bytes stay valid as long as the run is used.
    pub(crate) unsafe fn start<'a>(&'a self, binding: &'a Binding, most: usize, scratch: *mut u8) -> Run<'a> {
        let table: *mut *mut u8 = scratch.cast();
        // SAFETY: `lay_out` leaves room for the table, the states and the index in front of the buffers.
        unsafe {
            let states: *mut State = table.add(self.buffers.len()).cast();
            let index: *mut usize = states.add(self.args.len()).cast();
            for (entry, &offset) in self.buffers.iter().enumerate() {
                table.add(entry).write(scratch.add(offset));
            }
            let fill_count = most.min(self.block);
            for (at, argument) in self.args.iter().enumerate() {
                let mut state = State { origin: ptr::null_mut(), way: argument.way, filled: 0 };
                if at < self.placed {
                    state.origin = address(binding.bases[at], argument.offset);
                    match argument.way {
                        Way::Direct if state.origin.addr() % argument.alignment != 0 => {
                            state.way = Way::Copied
                        }
                        Way::Splat => splat(state.origin, argument.item, fill_count, *table.add(at)),
                        _ => {}
                    }
                }
                states.add(at).write(state);
            }
            for (constant, scalar) in self.constants.iter().zip(&binding.scalars) {
                let bytes = scalar.as_bytes();
                debug_assert_eq!(bytes.len(), constant.item);
                splat(bytes.as_ptr(), constant.item, fill_count, *table.add(constant.entry as usize));
            }
            if self.watch == Watch::Flags {
                flags::clear();
            }
            Run { program: self, binding, table, states, index, ahead: most > self.near }
        }
    }
}

/// A program at work on one piece.
pub(crate) struct Run<'a> {
    program: &'a Program,
    binding: &'a Binding,
    /// Addresses of the current block's values.
    table: *mut *mut u8,
    states: *mut State,
    index: *mut usize,
    /// Whether bytes are asked for before they are needed.
    ahead: bool,
}

/// Where an argument is in this run.
struct State {
    /// Address of element zero.
    origin: *mut u8,
    way: Way,
    /// How many elements of the buffer hold a periodic argument's values from the beginning of a row on.
    filled: usize,
}

impl Run<'_> {
    /// Evaluates the positions `first..last`, storing every output; the sink's values go to `sink`.
    ///
    /// # Safety
    /// The range must lie in the index space, and the sink have room for it, aligned.
    pub(crate) unsafe fn evaluate(&mut self, first: usize, last: usize, sink: *mut u8) {
        let program = self.program;
        let inner = program.space.inner();
        let mut at = first;
        while at < last {
            let left = last - at;
            if program.panel > 1 && self.begins_panel(at, left) {
                // SAFETY: the rows of the panel are within the range.
                unsafe { self.panel(at, sink.wrapping_add((at - first) * program.sink_item())) };
                at += program.panel * inner;
                continue;
            }
            let count = match program.rows {
                Rows::Cut if program.space.ndim() == 1 => left.min(program.block),
                Rows::Cut => left.min(program.block).min(inner - at % inner),
                // After a part of a row, blocks begin where rows do.
                Rows::Joined => left.min(program.block - at % inner),
            };
            // SAFETY: the caller's promise; the block is within the range.
            unsafe {
                self.block(at, count, sink.wrapping_add((at - first) * program.sink_item()));
            }
            at += count;
        }
    }

    /// Whether a panel of whole rows begins at a position, with `left` elements to go.
    fn begins_panel(&self, position: usize, left: usize) -> bool {
        let Program { space, panel, .. } = self.program;
        let (inner, rows) = (space.inner(), space.shape[space.ndim() - 2]);
        left >= panel * inner && position % inner == 0 && position / inner % rows + panel <= rows
    }

    /// Evaluates several rows together, block of columns by block of columns. Of a turned input every line of memory
    /// holds neighbours along the rows' axis: all of them are taken when the line is there.
    unsafe fn panel(&mut self, position: usize, sink: *mut u8) {
        let program = self.program;
        let (rows, inner) = (program.panel, program.space.inner());
        for column in (0..inner).step_by(program.block) {
            let count = program.block.min(inner - column);
            // SAFETY: buffers of turned inputs have room for a block of every row of the panel.
            unsafe {
                program.space.locate(
                    position + column,
                    std::slice::from_raw_parts_mut(self.index, program.space.ndim()),
                );
                for at in (0..program.inputs).filter(|&at| program.args[at].turned) {
                    let step = program.space.strides[at][program.space.ndim() - 1];
                    load_turned(
                        self.address(at, position + column),
                        program.args[at].item,
                        rows,
                        count,
                        step,
                        self.buffer(at),
                    );
                    (*self.states.add(at)).way = Way::Splat;
                }
                for row in 0..rows {
                    for at in (0..program.inputs).filter(|&at| program.args[at].turned) {
                        *self.table.add(at) = self.buffer(at).add(row * count * program.args[at].item);
                    }
                    let offset = row * inner + column;
                    self.block(position + offset, count, sink.wrapping_add(offset * program.sink_item()));
                }
                for at in (0..program.inputs).filter(|&at| program.args[at].turned) {
                    *self.table.add(at) = self.buffer(at);
                    (*self.states.add(at)).way = Way::Copied;
                }
            }
        }
    }

    /// The buffer of an entry of the table.
    fn buffer(&self, entry: usize) -> *mut u8 {
        // The table is at the beginning of the scratch memory.
        self.table.cast::<u8>().wrapping_add(self.program.buffers[entry])
    }

    unsafe fn block(&mut self, position: usize, count: usize, sink: *mut u8) {
        let program = self.program;
        // SAFETY: the table, the states and the index have the lengths that `start` gave them; buffers hold a block.
        unsafe {
            if program.space.ndim() > 1 {
                let index = std::slice::from_raw_parts_mut(self.index, program.space.ndim());
                program.space.locate(position, index);
            }
            for at in 0..program.placed {
                let state = &mut *self.states.add(at);
                match state.way {
                    Way::Direct => *self.table.add(at) = self.address(at, position),
                    Way::Copied if at < program.inputs => self.load(at, position, count),
                    _ => {}
                }
            }
            if program.args.len() > program.placed {
                *self.table.add(program.placed) = sink;
            }
            match program.watch {
                Watch::Nothing => self.steps(count),
                Watch::Flags => self.watched_steps(count),
            }
            for (output, &source) in program.sources.iter().enumerate() {
                let at = program.inputs + output;
                if source as usize != at || (*self.states.add(at)).way == Way::Copied {
                    self.store(at, *self.table.add(source as usize), position, count);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn steps(&self, count: usize) {
        let instructions = &self.program.instructions;
        let share = count.div_ceil(instructions.len().max(1));
        for (number, instruction) in instructions.iter().enumerate() {
            // SAFETY: the entries are those of distinct buffers with room for a block, or addresses of arguments.
            unsafe {
                if self.ahead {
                    self.prefetch(count + number * share, share);
                }
                self.step(instruction, count);
            }
        }
    }

    unsafe fn watched_steps(&self, count: usize) {
        let instructions = &self.program.instructions;
        let share = count.div_ceil(instructions.len().max(1));
        for (number, instruction) in instructions.iter().enumerate() {
            // SAFETY: as in `steps`.
            unsafe {
                if self.ahead {
                    self.prefetch(count + number * share, share);
                }
                self.step(instruction, count);
            }
            let raised = flags::read();
            if !raised.is_empty() {
                flags::clear();
                let wanted = Flags::from_bits(raised.bits() & instruction.watch);
                if let (Some(report), false) = (&self.binding.report, wanted.is_empty()) {
                    report.raise(instruction.step as usize, wanted);
                }
            }
        }
    }

    /// Asks for the bytes of some of the next elements, which may lie outside of the arguments: asking never fails.
    ///
    /// Every step does so for its share of the next block. Asking for a whole block at once was slower than not asking:
    /// the processor keeps only a few dozen requests, and waits when there are more.
    unsafe fn prefetch(&self, skip: usize, count: usize) {
        for at in 0..self.program.placed {
            // SAFETY: there is a state and an entry of the table for every argument; a prefetch faults nowhere.
            #[cfg(target_arch = "x86_64")]
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
                if (*self.states.add(at)).way == Way::Direct {
                    let item = self.program.args[at].item;
                    let next = (*self.table.add(at)).wrapping_add(skip * item);
                    for line in (0..count * item).step_by(LINE) {
                        _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(line).cast_const().cast());
                    }
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = (at, skip, count);
        }
    }

    #[inline(always)]
    unsafe fn step(&self, instruction: &Instruction, count: usize) {
        let entry = |at: u16| self.table.wrapping_add(at as usize);
        let Instruction { ins: [a, b, c], outs: [o, p], .. } = *instruction;
        // SAFETY: entries of the table; `Block`'s contract holds because `Layout` gave a step's results homes of their
        // own, and an output in memory is written only after the last step that reads the same memory.
        unsafe {
            let ins = [(*entry(a)).cast_const(), (*entry(b)).cast_const(), (*entry(c)).cast_const()];
            let outs = [*entry(o), *entry(p)];
            (instruction.block)(ins.as_ptr(), outs.as_ptr(), count);
        }
    }

    /// Address of the element at `position`, whose index has been located.
    unsafe fn address(&self, at: usize, position: usize) -> *mut u8 {
        let program = self.program;
        // SAFETY: as in `block`.
        unsafe {
            let origin = (*self.states.add(at)).origin;
            match program.args[at].linear {
                Some(step) => origin.wrapping_offset(step * position as isize),
                None => {
                    let index = std::slice::from_raw_parts(self.index, program.space.ndim());
                    origin.wrapping_offset(program.space.offset(at, index))
                }
            }
        }
    }

    unsafe fn load(&mut self, at: usize, position: usize, count: usize) {
        let program = self.program;
        let argument = &program.args[at];
        // SAFETY: the argument's elements are readable, and its buffer has room for a block.
        unsafe {
            let state = &mut *self.states.add(at);
            if argument.periodic {
                let at_row = position % program.space.inner() == 0;
                if at_row && count <= state.filled {
                    return;
                }
                state.filled = if at_row { count } else { 0 };
            }
            let buffer = *self.table.add(at);
            let (strided, position) = self.strided(at, position);
            load(strided, position, count, buffer);
        }
    }

    unsafe fn store(&mut self, at: usize, from: *const u8, position: usize, count: usize) {
        let argument = &self.program.args[at];
        // SAFETY: the argument's elements are writable; a source that overlaps them is the very same elements.
        unsafe {
            match (*self.states.add(at)).way {
                Way::Direct | Way::Sink => {
                    let to = *self.table.add(at);
                    if to.cast_const() != from {
                        ptr::copy_nonoverlapping(from, to, count * argument.item);
                    }
                }
                Way::Copied | Way::Splat => {
                    let (strided, position) = self.strided(at, position);
                    store(strided, position, count, from);
                }
            }
        }
    }

    /// The strided side of a copy, and the position in it: within the row, or within the whole space.
    unsafe fn strided(&self, at: usize, position: usize) -> (Strided<'_>, usize) {
        let program = self.program;
        let (argument, strides) = (&program.args[at], &program.space.strides[at]);
        let item = argument.item;
        if program.rows == Rows::Joined {
            // SAFETY: as in `block`.
            let origin = unsafe { (*self.states.add(at)).origin };
            return (Strided { shape: &program.space.shape, strides, origin, item }, position);
        }
        let last = strides.len() - 1;
        // SAFETY: as in `block`.
        let origin = unsafe { self.address(at, position) };
        (Strided { shape: &program.space.shape[last..], strides: &strides[last..], origin, item }, 0)
    }
}

fn argument(space: &Space, rows: Rows, at: usize, arg: &Arg) -> Argument {
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
        _ if neighbours && aligned => Way::Direct,
        Some(0) => Way::Splat,
        _ => Way::Copied,
    };
    let periodic = rows == Rows::Joined && strides[..last].iter().all(|&stride| stride == 0);
    let turned = rows == Rows::Cut
        && way == Way::Copied
        && last > 0
        && strides[last - 1] == item as isize
        && strides[last].unsigned_abs() >= LINE
        && space.shape[last - 1] >= 4;
    Argument { item, alignment, offset: arg.view.offset, way, linear, periodic, turned }
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

fn may_overlap(a: &Arg, b: &Arg) -> bool {
    a.role == b.role && a.view.may_overlap(a.dtype.size(), &b.view, b.dtype.size())
}

/// Gives every value a home: an entry of the table.
struct Layout {
    /// The entry of every value; that of a result is known once its step has been placed.
    home: Vec<u16>,
    /// Bytes per element of every entry: arguments, constants, temporaries.
    items: Vec<usize>,
    /// The last step that uses each value; the number of steps if it is needed at the end of the block.
    last_use: Vec<usize>,
    /// Results whose home is an argument.
    wanted: Vec<Option<u16>>,
    /// Temporaries without a value.
    free: Vec<u16>,
    first_temporary: usize,
}

impl Layout {
    fn new(body: &Body, args: &[Arg], arguments: &[Argument]) -> Layout {
        let (values, steps) = (body.values(), body.steps.len());
        let mut last_use = vec![0; values];
        let mut defined_by = vec![0; values];
        let mut result = body.first_result();
        for (at, step) in body.steps.iter().enumerate() {
            step.args().iter().for_each(|&value| last_use[value as usize] = at);
            for _ in 0..step.results() {
                (defined_by[result], last_use[result]) = (at, at);
                result += 1;
            }
        }
        let mut wanted = vec![None; values];
        for (output, &value) in body.outputs.iter().enumerate() {
            let (value, entry) = (value as usize, body.inputs.len() + output);
            last_use[value] = steps;
            if value < body.first_result() || wanted[value].is_some() {
                continue;
            }
            // A step may write to memory only if no later step, nor itself, reads what was there.
            let overwrites = arguments[entry].way == Way::Direct
                && (args[..body.inputs.len()].iter().enumerate()).any(|(input, arg)| {
                    last_use[input] >= defined_by[value] && may_overlap(arg, &args[entry])
                });
            if !overwrites {
                wanted[value] = Some(entry as u16);
            }
        }
        let mut items: Vec<usize> = arguments.iter().map(|argument| argument.item).collect();
        let mut home: Vec<u16> = (0..body.inputs.len() as u16).collect();
        for dtype in &body.constants {
            home.push(items.len() as u16);
            items.push(dtype.size());
        }
        home.resize(values, 0);
        let first_temporary = items.len();
        Layout { home, items, last_use, wanted, free: Vec::new(), first_temporary }
    }

    /// The entry of a step's result.
    fn place(&mut self, value: usize, item: usize) -> u16 {
        let entry = self.wanted[value].unwrap_or_else(|| {
            match self.free.iter().rposition(|&entry| self.items[entry as usize] == item) {
                Some(at) => self.free.swap_remove(at),
                None => {
                    self.items.push(item);
                    (self.items.len() - 1) as u16
                }
            }
        });
        self.home[value] = entry;
        entry
    }

    /// Frees the temporaries whose last use is step `at`; `defined` values are defined so far.
    fn release(&mut self, at: usize, step: &Step, defined: usize) {
        let results = defined - step.results()..defined;
        for value in step.args().iter().map(|&value| value as usize).chain(results) {
            let entry = self.home[value];
            let temporary = entry as usize >= self.first_temporary;
            if temporary && self.last_use[value] == at && !self.free.contains(&entry) {
                self.free.push(entry);
            }
        }
    }
}

/// Offsets of the buffers of all entries, behind the table, the states and the index; and the bytes of everything.
fn lay_out(
    items: &[usize],
    args: &[Argument],
    ndim: usize,
    block: usize,
    panel: usize,
) -> (Vec<usize>, usize) {
    let head =
        items.len() * size_of::<*mut u8>() + args.len() * size_of::<State>() + ndim * size_of::<usize>();
    let mut end = head.next_multiple_of(LINE);
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
