//! A program at work: the loop over blocks.

use super::compiled::{Block, Given, Part};
use super::{Instruction, LINE, Place, Program, Rows, Watch, Way};
use crate::jit::{Code, MOST_POINTERS};
use crate::tile::{Strided, address, load, load_turned, prefetch, repeated, splat, store};
use maniple_ops::{Flags, flags};
use maniple_runtime::Binding;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

/// A program at work on one piece.
pub(crate) struct Run<'a> {
    program: &'a Program,
    binding: &'a Binding,
    /// The lines of constants, and all that follows them.
    scratch: *mut u8,
    /// The code of the program's runs, if it is compiled.
    codes: Option<&'a [Arc<Code>]>,
    /// Addresses of the current block's values.
    table: *mut *mut u8,
    states: *mut State,
    index: *mut usize,
    /// Whether bytes are asked for before they are needed.
    ahead: bool,
    /// How many elements the buffers of constants hold, if they have been filled, as block functions want them.
    repeats: usize,
    filled: Filled,
    /// How much compiled runs had to be run again lately.
    repeated: u32,
}

/// What a block that ran twice adds to [`Run::repeated`]; one that ran once takes one off.
const TWICE: u32 = 8;
/// If [`Run::repeated`] gets here, the piece goes on without compiled runs: most blocks raise flags.
const TOO_OFTEN: u32 = 64;

/// Which buffers of constants have been filled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// Those that the functions between compiled runs use.
    Between,
    All,
}

/// Where an argument is in this run.
pub(super) struct State {
    /// Address of element zero.
    origin: *mut u8,
    way: Way,
    /// How many elements of the buffer hold a periodic argument's values from the beginning of a row on.
    filled: usize,
}

impl<'a> Run<'a> {
    /// As [`Program::start`] says.
    pub(super) unsafe fn new(
        program: &'a Program,
        binding: &'a Binding,
        most: usize,
        scratch: *mut u8,
    ) -> Run<'a> {
        let codes = program.compiled.as_ref().and_then(|compiled| compiled.codes(most));
        let lines = program.compiled.as_ref().map_or(0, |compiled| compiled.lines);
        let table: *mut *mut u8 = scratch.wrapping_add(lines * LINE).cast();
        // SAFETY: `lay_out` leaves room for the lines, the table, the states and the index in front of the buffers.
        unsafe {
            let states: *mut State = table.add(program.buffers.len()).cast();
            let index: *mut usize = states.add(program.args.len()).cast();
            for (entry, &offset) in program.buffers.iter().enumerate() {
                table.add(entry).write(scratch.add(offset));
            }
            for (at, argument) in program.args.iter().enumerate() {
                let mut state = State { origin: ptr::null_mut(), way: argument.way, filled: 0 };
                if let Place::Bound(base) = argument.place {
                    state.origin = address(binding.bases[base], argument.offset);
                    if argument.way == Way::Direct && !state.origin.addr().is_multiple_of(argument.alignment)
                    {
                        state.way = Way::Copied;
                    }
                }
                states.add(at).write(state);
            }
            if program.watch == Watch::Flags {
                flags::clear();
            }
            let mut run = Run {
                program,
                binding,
                scratch,
                codes,
                table,
                states,
                index,
                ahead: most > program.near,
                repeats: most.min(program.block),
                filled: if codes.is_some() { Filled::Between } else { Filled::All },
                repeated: 0,
            };
            run.fill();
            run.write_lines();
            run
        }
    }

    /// Fills the buffers of values that are the same for all elements.
    unsafe fn fill(&mut self) {
        let program = self.program;
        let wanted = |entry: usize| match (self.filled, &program.compiled) {
            (Filled::Between, Some(compiled)) => compiled.between[entry],
            _ => true,
        };
        // SAFETY: the elements are readable, and their buffers have room for a block.
        unsafe {
            for at in (0..program.args.len()).filter(|&at| program.args[at].way == Way::Splat && wanted(at)) {
                let origin = (*self.states.add(at)).origin;
                splat(origin, program.args[at].item, self.repeats, *self.table.add(at));
            }
            for (constant, scalar) in program.constants.iter().zip(&self.binding.scalars) {
                let bytes = scalar.as_bytes();
                assert_eq!(bytes.len(), constant.item, "a constant has the dtype that the body declares");
                if wanted(constant.entry as usize) {
                    let buffer = *self.table.add(constant.entry as usize);
                    splat(bytes.as_ptr(), constant.item, self.repeats, buffer);
                }
            }
        }
    }

    /// Writes the constants of compiled runs.
    unsafe fn write_lines(&mut self) {
        let program = self.program;
        let binding = self.binding;
        let (Some(compiled), Some(_)) = (&program.compiled, self.codes) else { return };
        for block in compiled.blocks() {
            for (line, &(given, item)) in (block.first_line..).zip(&block.constants) {
                let bytes = match given {
                    Given::Argument(at) if program.args[at].level => continue,
                    Given::Constant(constant) => binding.scalars[constant].as_bytes().as_ptr(),
                    // SAFETY: there is a state for every argument.
                    Given::Argument(at) => unsafe { (*self.states.add(at)).origin.cast_const() },
                };
                // SAFETY: the element is readable.
                unsafe { self.write_line(line, bytes, item) };
            }
            for (line, pattern) in (block.first_line + block.constants.len()..).zip(&block.patterns) {
                // SAFETY: a pattern is eight bytes.
                unsafe { self.write_line(line, ptr::from_ref(pattern).cast(), size_of::<u64>()) };
            }
        }
    }

    /// Writes a constant of compiled runs, from an element of so many bytes.
    unsafe fn write_line(&mut self, line: usize, element: *const u8, item: usize) {
        let line = self.scratch.wrapping_add(line * LINE).cast::<[u64; LINE / 8]>();
        // SAFETY: the element is readable, and there is a line for it, aligned.
        unsafe { line.write(repeated(element, item)) };
    }

    /// Evaluates the positions `first..last`, storing every output; the values of each sink go to one of `sinks`, unless
    /// that is null.
    ///
    /// # Safety
    /// The range must lie in the index space, and every sink have room for it, aligned.
    pub(crate) unsafe fn evaluate(&mut self, first: usize, last: usize, sinks: &[*mut u8]) {
        let program = self.program;
        let inner = program.space.inner();
        let mut at = first;
        while at < last {
            let left = last - at;
            if program.panel > 1 && self.begins_panel(at, left) {
                // SAFETY: the rows of the panel are within the range.
                unsafe { self.panel(at, sinks, at - first) };
                at += program.panel * inner;
                continue;
            }
            let count = match program.rows {
                // After a shorter block, blocks begin with lines of memory.
                Rows::Cut if program.space.ndim() == 1 => left.min(program.block - at % program.block),
                Rows::Cut => left.min(program.block).min(inner - at % inner),
                // After a part of a row, blocks begin where rows do.
                Rows::Joined => left.min(program.block - at % inner),
            };
            // SAFETY: the caller's promise; the block is within the range.
            unsafe { self.block(at, count, sinks, at - first) };
            at += count;
        }
    }

    /// Evaluates the positions `first..last`, which lie in one leaf and begin it, and combines the values with the
    /// accumulators, for each sink as many as a leaf has lanes.
    ///
    /// # Safety
    /// The range must lie in the index space of a program with [`Accumulators::Lanes`], and the accumulators be valid.
    ///
    /// [`Accumulators::Lanes`]: super::Accumulators::Lanes
    pub(crate) unsafe fn accumulate(&mut self, first: usize, last: usize, accumulators: &[*mut u8]) {
        let mut at = first;
        while at < last {
            let end = self.end_of_block(at, last);
            // SAFETY: the caller's promise; the block is within the range.
            unsafe { self.block(at, end - at, accumulators, 0) };
            at = end;
        }
    }

    /// Where the block ends with which [`Run::accumulate`] begins.
    pub(crate) fn end_of_block(&self, first: usize, last: usize) -> usize {
        let program = self.program;
        let row = if program.space.ndim() == 1 { usize::MAX } else { program.space.inner() };
        first + (last - first).min(program.block).min(row - first % row)
    }

    /// Puts back what the last block, of those positions, wrote over of some inputs, which are no constants.
    ///
    /// # Safety
    /// The program must have been made to keep that, and the block be the last that was worked on.
    pub(crate) unsafe fn put_back(&mut self, inputs: &[usize], first: usize, last: usize) {
        let Some(compiled) = &self.program.compiled else { return };
        for &at in inputs {
            let kept = compiled.kept().find(|&(input, _)| input as usize == at);
            // SAFETY: what was not kept beside was copied to a buffer of its own; the input is memory that was written.
            unsafe {
                let from = kept.map_or(at, |(_, save)| save as usize);
                self.store(at, *self.table.add(from), first, last - first);
            }
        }
    }

    /// Whether a panel of whole rows begins at a position, with `left` elements to go.
    fn begins_panel(&self, position: usize, left: usize) -> bool {
        let Program { space, panel, .. } = self.program;
        let (inner, rows) = (space.inner(), space.shape[space.ndim() - 2]);
        left >= panel * inner && position.is_multiple_of(inner) && position / inner % rows + panel <= rows
    }

    /// Evaluates several rows together, block of columns by block of columns. Of a turned input every line of memory
    /// holds neighbours along the rows' axis: all of them are taken when the line is there.
    unsafe fn panel(&mut self, position: usize, sinks: &[*mut u8], skip: usize) {
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
                    self.block(position + offset, count, sinks, skip + offset);
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
        self.scratch.wrapping_add(self.program.buffers[entry])
    }

    /// Works on a block, whose elements have places in the sinks from `skip` on.
    unsafe fn block(&mut self, position: usize, count: usize, sinks: &[*mut u8], skip: usize) {
        let program = self.program;
        // SAFETY: the table, the states and the index have the lengths that `start` gave them; buffers hold a block.
        unsafe {
            if program.space.ndim() > 1 {
                let index = std::slice::from_raw_parts_mut(self.index, program.space.ndim());
                program.space.locate(position, index);
            }
            for (at, argument) in program.args.iter().enumerate() {
                let state = &mut *self.states.add(at);
                match state.way {
                    Way::Direct => *self.table.add(at) = self.address(at, position),
                    Way::Copied if at < program.inputs && !(argument.level && self.is_line_only(at)) => {
                        self.load(at, position, count);
                    }
                    Way::Sink => {
                        if let Place::Sink(number) = argument.place {
                            let sink = sinks[number];
                            let skip = if sink.is_null() { 0 } else { skip };
                            *self.table.add(at) = sink.wrapping_add(skip * argument.item);
                        }
                    }
                    _ => {}
                }
            }
            if let (Some(_), Some(compiled)) = (self.codes, &program.compiled) {
                for &(at, line) in &compiled.level {
                    self.write_line(line, self.address(at, position), program.args[at].item);
                }
            }
            if self.repeated >= TOO_OFTEN {
                // All buffers of constants have been filled when the first run ran again.
                self.codes = None;
            }
            // The outputs that lie where they belong, whatever home their values have.
            let mut placed = 0;
            match (self.codes, &program.compiled) {
                (Some(codes), Some(compiled)) => {
                    for part in &compiled.parts {
                        match part {
                            Part::Steps(steps) => self.part(steps.clone(), count),
                            Part::Run(number, block) => {
                                if self.compiled(&codes[*number], block, position, count) {
                                    placed |= block.placed;
                                }
                            }
                        }
                    }
                }
                _ => self.part(0..program.instructions.len(), count),
            }
            for (output, &source) in program.sources.iter().enumerate() {
                let at = program.inputs + output;
                let is_placed = output < u64::BITS as usize && placed >> output & 1 != 0;
                let source = if is_placed { at } else { source as usize };
                if source != at || (*self.states.add(at)).way == Way::Copied {
                    self.store(at, *self.table.add(source), position, count);
                }
            }
        }
    }

    /// Whether only compiled code needs an argument whose rows are level.
    fn is_line_only(&self, at: usize) -> bool {
        let read = self.program.compiled.as_ref().is_some_and(|compiled| compiled.between[at]);
        self.codes.is_some() && self.filled == Filled::Between && !read
    }

    /// Some instructions, one function after the other.
    #[inline(always)]
    unsafe fn part(&self, steps: Range<usize>, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.program.watch {
                Watch::Nothing => self.steps(steps, count),
                Watch::Flags => self.watched_steps(steps, count),
            }
        }
    }

    /// Some instructions at once. If they raised a flag that somebody wants to know of, they run again, one by one, to tell
    /// which of them it was. Answers whether they did not have to.
    unsafe fn compiled(&mut self, code: &Code, block: &Block, position: usize, count: usize) -> bool {
        let mut pointers = [ptr::null_mut(); MOST_POINTERS];
        let pointers = &mut pointers[..block.entries.len()];
        // SAFETY: entries of the table; the planner gave the run's outputs homes apart from what it reads later.
        unsafe {
            for (pointer, &entry) in pointers.iter_mut().zip(&block.entries) {
                *pointer = *self.table.add(entry as usize);
            }
            code.run(pointers, self.scratch.wrapping_add(block.first_line * LINE), count);
        }
        if self.program.watch == Watch::Flags {
            let raised = flags::read();
            if !raised.is_empty() {
                flags::clear();
                if raised.bits() & block.watch != 0 && block.tells {
                    let wanted = Flags::from_bits(raised.bits() & block.watch);
                    let step = self.program.instructions[block.steps.start].step as usize;
                    self.binding.report.iter().for_each(|report| report.raise(step, wanted));
                } else if raised.bits() & block.watch != 0 {
                    // SAFETY: what the steps read is as it was, or was put aside.
                    unsafe { self.again(block, position, count) };
                    self.repeated += TWICE - 1;
                    return false;
                }
            }
            self.repeated = self.repeated.saturating_sub(1);
        }
        true
    }

    #[cold]
    unsafe fn again(&mut self, block: &Block, position: usize, count: usize) {
        // SAFETY: entries of the table, whose buffers have room for a block.
        unsafe {
            if self.filled != Filled::All {
                self.filled = Filled::All;
                self.fill();
                for at in (0..self.program.inputs).filter(|&at| self.program.args[at].level) {
                    self.load(at, position, count);
                }
            }
            let put = |from: u16, to: u16| {
                let (from, to) = (self.table.add(from as usize), self.table.add(to as usize));
                ptr::swap(from, to);
            };
            block.saved.iter().for_each(|&(input, save)| put(input, save));
            self.watched_steps(block.steps.clone(), count);
            block.saved.iter().for_each(|&(input, save)| put(input, save));
        }
    }

    #[inline(always)]
    unsafe fn steps(&self, steps: Range<usize>, count: usize) {
        let instructions = &self.program.instructions[steps];
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

    unsafe fn watched_steps(&self, steps: Range<usize>, count: usize) {
        let instructions = &self.program.instructions[steps];
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
        for at in 0..self.program.args.len() {
            // SAFETY: there is a state and an entry of the table for every argument.
            let (state, start) = unsafe { (&*self.states.add(at), *self.table.add(at)) };
            if state.way == Way::Direct {
                let item = self.program.args[at].item;
                let next = start.wrapping_add(skip * item);
                (0..count * item).step_by(LINE).for_each(|line| prefetch(next.wrapping_add(line)));
            }
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
                let at_row = position.is_multiple_of(program.space.inner());
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
                    if to.cast_const() != from && !to.is_null() {
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
    ///
    /// Inlined, for what is returned through memory is copied in pieces other than those it was written in. The processor
    /// then waits until everything stored before has reached the cache, blocks of values among it.
    #[inline(always)]
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
