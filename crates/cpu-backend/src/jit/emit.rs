//! Registers for the values of a run, and its loop.
//!
//! ```text
//! fn(pointers, constants, count):
//!     while count >= 4 * lanes:  every instruction four times, on four registers each
//!     while count >= lanes:      every instruction once
//!     if count > 0:              every instruction once, on the lanes that there are (AVX-512 only)
//! ```
//!
//! Most arguments go on with the elements. The accumulators of a leaf of a reduction are as many as the leaf has lanes,
//! and element `i` finds its own at `i % LANES`.

use super::assembler::{Address, Assembler, Condition, Encoding, General, Lanes, Operand};
use super::instructions as inst;
use super::lower::{Class, Form, Last, Lowered, Micro, Source, Tail};
use General::*;
use maniple_ops::LANES;

/// Registers for the addresses of arguments, those first that a function may change freely.
const POINTERS: [General; 11] = [Rax, R8, R9, R10, R11, Rbx, Rbp, R12, R13, R14, R15];
/// How many of `POINTERS` need not be put back.
const FREE: usize = 5;
/// The first argument: the table of addresses; later free for use, and where there are accumulators, which of them is
/// next.
const TABLE: General = Rdi;
/// The second argument: the table of constants.
const CONSTANTS: General = Rsi;
/// The third argument: how many elements there are to go.
const COUNT: General = Rdx;
/// How many elements are done.
const DONE: General = Rcx;

/// Bytes of a line of the table of constants.
const LINE: usize = 64;
/// The mask of the lanes that the last round has.
const TAIL: u8 = 1;
/// The mask registers for values: the first one means "no mask", the second one is `TAIL`.
const MASKS: std::ops::Range<usize> = 2..8;
/// How many registers' worth of elements the loop may compute at a time, most first: the latencies of several
/// independent rounds overlap.
const TOGETHER: [usize; 3] = [4, 2, 1];

/// Most arguments of a run.
pub(crate) const MOST_POINTERS: usize = POINTERS.len();

/// Sets of arguments that are not met in the usual way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Manner {
    /// Those of which whole registers are stored past the caches.
    pub(crate) streamed: u16,
    /// The accumulators of a leaf.
    pub(crate) accumulators: u16,
}

/// The code of a run with so many arguments; nothing if there are not enough registers.
pub(super) fn emit(
    lowered: &Lowered,
    pointers: usize,
    encoding: Encoding,
    manner: Manner,
) -> Option<Vec<u8>> {
    if pointers > MOST_POINTERS {
        return None;
    }
    let mut plan = Plan::new(lowered, encoding)?;
    if manner.accumulators != 0 {
        // Rounds that are computed together must not meet in an accumulator.
        plan.together = plan.together.min(LANES / lowered.lanes);
    }
    if plan.together == 0 {
        return None;
    }
    let mut emitter = Emitter { lowered, plan, encoding, manner, assembler: Assembler::new(encoding) };
    emitter.function(pointers);
    Some(emitter.assembler.finish())
}

/// Whether there are registers enough for a run.
pub(super) fn fits(lowered: &Lowered, pointers: usize, encoding: Encoding) -> bool {
    pointers <= MOST_POINTERS && Plan::new(lowered, encoding).is_some()
}

/// Which registers hold what.
struct Plan {
    /// For every value its group of registers: group `g` is registers `g * together` and following.
    groups: Vec<u8>,
    /// Rounds that the main loop computes together.
    together: usize,
    /// Where constants that are not in registers are put if they have to be.
    spare: u8,
    /// The registers of constants.
    constants: Vec<Option<u8>>,
}

impl Plan {
    fn new(lowered: &Lowered, encoding: Encoding) -> Option<Plan> {
        let registers = if encoding == Encoding::Evex { 32 } else { 16 };
        let (groups, vectors, masks) = groups(lowered);
        let together = TOGETHER
            .into_iter()
            .find(|together| together * vectors < registers && together * masks <= MASKS.len())?;
        let spare = (together * vectors) as u8;
        let mut uses = vec![0u32; lowered.constants + lowered.patterns.len()];
        for micro in &lowered.micros {
            let read = [micro.first, Some(micro.last_source())];
            for source in read.into_iter().flatten() {
                if let Source::Constant(constant) = source {
                    uses[constant as usize] += 1;
                }
            }
        }
        let mut order: Vec<usize> = (0..uses.len()).filter(|&constant| uses[constant] > 0).collect();
        order.sort_by_key(|&constant| std::cmp::Reverse(uses[constant]));
        let mut constants = vec![None; uses.len()];
        for (constant, register) in order.into_iter().zip(spare + 1..registers as u8) {
            constants[constant] = Some(register);
        }
        Some(Plan { groups, together, spare, constants })
    }
}

/// The group of every value, and how many groups of vector and of mask registers there are: a value's group is free
/// again from the instruction on that uses it last.
fn groups(lowered: &Lowered) -> (Vec<u8>, usize, usize) {
    let values = lowered.classes.len();
    let mut last_use = vec![0; values];
    for (at, micro) in lowered.micros.iter().enumerate() {
        micro.values().for_each(|value| last_use[value as usize] = at);
    }
    let mut groups = vec![0u8; values];
    let mut free: [Vec<u8>; 2] = Default::default();
    let mut made = [0u8; 2];
    let class = |value: u16| lowered.classes[value as usize] as usize;
    for (at, micro) in lowered.micros.iter().enumerate() {
        let mut freed: Vec<u16> = micro.reads().filter(|&value| last_use[value as usize] == at).collect();
        freed.sort_unstable();
        freed.dedup();
        freed.iter().for_each(|&value| free[class(value)].push(groups[value as usize]));
        if let Some(result) = micro.result {
            let class = class(result);
            groups[result as usize] = free[class].pop().unwrap_or_else(|| {
                made[class] = made[class].saturating_add(1);
                made[class] - 1
            });
            if last_use[result as usize] == at {
                free[class].push(groups[result as usize]);
            }
        }
    }
    (groups, made[0] as usize, made[1] as usize)
}

impl Micro {
    fn last_source(&self) -> Source {
        match self.last {
            Last::Source(source) => source,
            // No constant, and no value either.
            Last::Memory { .. } => Source::Virtual(u16::MAX),
        }
    }

    /// The values that are read.
    fn reads(&self) -> impl Iterator<Item = u16> {
        let last = match (self.form, self.last) {
            (Form::Usual, Last::Source(source)) => Some(source),
            _ => None,
        };
        let number = |source| match source {
            Source::Virtual(number) => Some(number),
            Source::Constant(_) => None,
        };
        let first = self.first.and_then(number);
        [first, last.and_then(number), self.fourth, self.mask].into_iter().flatten()
    }

    /// The values that are read or written.
    fn values(&self) -> impl Iterator<Item = u16> {
        self.reads().chain(self.result)
    }
}

struct Emitter<'a> {
    lowered: &'a Lowered,
    plan: Plan,
    encoding: Encoding,
    manner: Manner,
    assembler: Assembler,
}

/// Which lanes a round has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Whole,
    Last,
}

impl Emitter<'_> {
    fn function(&mut self, pointers: usize) {
        let used = &POINTERS[..pointers];
        let kept = &used[used.len().min(FREE)..];
        kept.iter().for_each(|&register| self.assembler.push(register));
        for (at, &register) in used.iter().enumerate() {
            self.assembler.load(register, TABLE, 8 * at as i32);
        }
        for constant in 0..self.plan.constants.len() {
            if let Some(register) = self.plan.constants[constant] {
                self.load_constant(register, constant);
            }
        }
        self.assembler.clear(DONE);
        if self.plan.together > 1 {
            self.rounds(self.plan.together);
        }
        self.rounds(1);
        if self.encoding == Encoding::Evex {
            let end = self.assembler.label();
            // The addition that ends `rounds` has left whether the count is zero.
            self.assembler.jump_if(Condition::Zero, end);
            self.assembler.set(TABLE, -1);
            self.assembler.keep_low_bits(TABLE, COUNT);
            self.assembler.set_mask(TAIL, TABLE);
            self.round(1, Round::Last);
            self.assembler.place(end);
        }
        if self.manner.streamed != 0 {
            self.assembler.fence();
        }
        kept.iter().rev().for_each(|&register| self.assembler.pop(register));
        self.assembler.finish_function();
    }

    /// Computes `together` registers' worth of elements at a time while there are as many.
    fn rounds(&mut self, together: usize) {
        let step = (together * self.lowered.lanes) as i32;
        let (top, end) = (self.assembler.label(), self.assembler.label());
        self.assembler.subtract(COUNT, step);
        self.assembler.jump_if(Condition::Below, end);
        self.assembler.align(32);
        self.assembler.place(top);
        self.round(together, Round::Whole);
        self.assembler.add(DONE, step);
        self.assembler.subtract(COUNT, step);
        self.assembler.jump_if(Condition::NotBelow, top);
        self.assembler.place(end);
        self.assembler.add(COUNT, step);
    }

    fn round(&mut self, together: usize, round: Round) {
        if self.manner.accumulators != 0 {
            self.assembler.remainder(TABLE, DONE, LANES);
        }
        for micro in &self.lowered.micros {
            if let Some(Source::Constant(constant)) = micro.first
                && self.plan.constants[constant as usize].is_none()
            {
                self.load_constant(self.plan.spare, constant as usize);
            }
            for copy in 0..together {
                self.micro(micro, copy, round);
            }
        }
    }

    fn micro(&mut self, micro: &Micro, copy: usize, round: Round) {
        let last_round = round == Round::Last;
        let (inst, length) = match micro.short {
            Some(short) if last_round => (short, 16),
            _ if !last_round && self.is_streamed(micro) => (inst::STREAM, micro.length as usize),
            _ => (micro.inst, micro.length as usize),
        };
        let lanes = match (micro.mask, micro.tail) {
            (Some(mask), _) if micro.first.is_none() => Lanes::Zeroing(self.register(mask, copy)),
            (Some(mask), _) => Lanes::Merging(self.register(mask, copy)),
            (None, Tail::Zero) if last_round => Lanes::Zeroing(TAIL),
            (None, Tail::Untouched) if last_round => Lanes::Merging(TAIL),
            _ => Lanes::All,
        };
        let last = match micro.last {
            Last::Source(Source::Virtual(value)) => Operand::Register(self.register(value, copy)),
            Last::Source(Source::Constant(constant)) => match self.plan.constants[constant as usize] {
                Some(register) => Operand::Register(register),
                None => Operand::Memory(constant_address(constant as usize)),
            },
            Last::Memory { pointer, item } => Operand::Memory(Address {
                base: POINTERS[pointer as usize],
                index: Some((self.index(pointer), item.trailing_zeros() as u8)),
                offset: (copy * self.lowered.lanes * item as usize) as i32,
            }),
        };
        let first = match micro.first {
            None => 0,
            Some(Source::Virtual(value)) => self.register(value, copy),
            Some(Source::Constant(constant)) => {
                self.plan.constants[constant as usize].unwrap_or(self.plan.spare)
            }
        };
        let (reg, vvvv) = match (micro.form, micro.result) {
            (Form::Usual, Some(result)) => (self.register(result, copy), first),
            _ => (first, 0),
        };
        self.assembler.vector(inst, length, reg, vvvv, last, lanes);
        if let Some(fourth) = micro.fourth {
            self.assembler.immediate(self.register(fourth, copy) << 4);
        }
        if let Some(immediate) = micro.immediate {
            self.assembler.immediate(immediate);
        }
    }

    /// Whether a store goes past the caches: one of less than a register is not worth it.
    fn is_streamed(&self, micro: &Micro) -> bool {
        match micro.last {
            Last::Memory { pointer, item } if micro.form == Form::Reversed => {
                self.manner.streamed >> pointer & 1 != 0 && self.lowered.lanes * item as usize >= 16
            }
            _ => false,
        }
    }

    /// The register that says which element of an argument is next.
    fn index(&self, pointer: u8) -> General {
        if self.manner.accumulators >> pointer & 1 != 0 { TABLE } else { DONE }
    }

    /// The register of a value in one of the rounds that are computed together.
    fn register(&self, value: u16, copy: usize) -> u8 {
        let group = self.plan.groups[value as usize] as usize;
        let first = match self.lowered.classes[value as usize] {
            Class::Vector => 0,
            Class::Mask => MASKS.start,
        };
        (first + group * self.plan.together + copy) as u8
    }

    fn load_constant(&mut self, register: u8, constant: usize) {
        let (inst, length) =
            if self.encoding == Encoding::Evex { (inst::load(8), 64) } else { (inst::LOAD, 32) };
        let address = Operand::Memory(constant_address(constant));
        self.assembler.vector(inst, length, register, 0, address, Lanes::All);
    }
}

fn constant_address(constant: usize) -> Address {
    Address { base: CONSTANTS, index: None, offset: (constant * LINE) as i32 }
}
