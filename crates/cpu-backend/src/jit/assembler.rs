//! Machine code for x86-64: the few scalar instructions that a loop needs, and any vector instruction, whose VEX and
//! EVEX encodings are regular enough to be written from four numbers.

/// A general register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(dead_code, reason = "the numbers are the processor's, with that of the stack pointer among them")]
pub(super) enum General {
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

/// How vector instructions are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// AVX and AVX2: 16 registers of up to 32 bytes.
    Vex,
    /// AVX-512: 32 registers of up to 64 bytes, and mask registers.
    Evex,
}

/// A vector instruction: the numbers that tell it apart, in the words of the processor's manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inst {
    /// Opcode map: 1 for `0F`, 2 for `0F38`, 3 for `0F3A`.
    map: u8,
    /// Mandatory prefix: 0 for none, 1 for `66`, 2 for `F3`, 3 for `F2`.
    prefix: u8,
    /// The bit `W`.
    wide: u8,
    opcode: u8,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Vector,
    /// On mask registers: encoded as VEX always, with this value of `L`.
    Mask(u8),
    /// A vector shift by a number: this value stands in `ModRM.reg`, and the result in `vvvv`.
    Digit(u8),
}

impl Inst {
    /// A vector instruction.
    pub(super) const fn vector(map: u8, prefix: u8, wide: u8, opcode: u8) -> Inst {
        Inst { map, prefix, wide, opcode, kind: Kind::Vector }
    }

    /// An instruction on whole mask registers.
    pub(super) const fn mask(opcode: u8, length: u8) -> Inst {
        Inst { map: 1, prefix: 0, wide: 1, opcode, kind: Kind::Mask(length) }
    }

    /// A shift of every lane by a number.
    pub(super) const fn shift(opcode: u8, wide: u8, digit: u8) -> Inst {
        Inst { map: 1, prefix: 1, wide, opcode, kind: Kind::Digit(digit) }
    }
}

/// The last operand of a vector instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// A vector or mask register.
    Register(u8),
    /// Bytes in memory.
    Memory(Address),
}

/// `base + (index << scale) + offset`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    /// The register that is taken as it is.
    pub(super) base: General,
    /// The register that is shifted first.
    pub(super) index: Option<(General, u8)>,
    /// What is added.
    pub(super) offset: i32,
}

/// Which lanes a vector instruction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// All.
    All,
    /// Those in a mask register; the others of the result become zero.
    Zeroing(u8),
    /// Those in a mask register; the others of the result stay, or are not stored.
    Merging(u8),
}

/// A place in the code that jumps may go to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(usize);

/// Conditions of jumps, as numbered in opcodes.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Condition {
    /// The subtraction borrowed.
    Below = 2,
    /// The subtraction did not borrow.
    NotBelow = 3,
    /// The result was zero.
    Zero = 4,
}

/// Code being written.
pub(super) struct Assembler {
    encoding: Encoding,
    code: Vec<u8>,
    labels: Vec<Option<usize>>,
    /// Where the distance to a label goes.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    pub(super) fn new(encoding: Encoding) -> Assembler {
        Assembler { encoding, code: Vec::new(), labels: Vec::new(), jumps: Vec::new() }
    }

    /// The finished code.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for (at, label) in self.jumps {
            let target = self.labels[label.0].expect("every label is placed");
            let distance = target as i32 - (at as i32 + 4);
            self.code[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        self.code
    }

    /// A label that has no place yet.
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Places a label here.
    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.code.len());
    }

    /// Fills up with instructions that do nothing, to a multiple of `to` bytes.
    pub(super) fn align(&mut self, to: usize) {
        while !self.code.len().is_multiple_of(to) {
            self.code.push(0x90);
        }
    }

    pub(super) fn jump_if(&mut self, condition: Condition, label: Label) {
        self.code.extend([0x0f, 0x80 | condition as u8]);
        self.jumps.push((self.code.len(), label));
        self.code.extend([0; 4]);
    }

    pub(super) fn push(&mut self, register: General) {
        if register as u8 >= 8 {
            self.code.push(0x41);
        }
        self.code.push(0x50 | register as u8 & 7);
    }

    pub(super) fn pop(&mut self, register: General) {
        if register as u8 >= 8 {
            self.code.push(0x41);
        }
        self.code.push(0x58 | register as u8 & 7);
    }

    /// `to = [base + offset]`, eight bytes.
    pub(super) fn load(&mut self, to: General, base: General, offset: i32) {
        self.code.push(0x48 | (to as u8 >> 3) << 2 | base as u8 >> 3);
        self.code.push(0x8b);
        self.code.push(0x80 | (to as u8 & 7) << 3 | base as u8 & 7);
        if base as u8 & 7 == 4 {
            self.code.push(0x24);
        }
        self.code.extend(offset.to_le_bytes());
    }

    pub(super) fn clear(&mut self, register: General) {
        self.set(register, 0);
    }

    /// `register = value`, sign extended.
    pub(super) fn set(&mut self, register: General, value: i32) {
        self.code.extend([0x48 | register as u8 >> 3, 0xc7, 0xc0 | register as u8 & 7]);
        self.code.extend(value.to_le_bytes());
    }

    pub(super) fn add(&mut self, register: General, value: i32) {
        self.code.extend([0x48 | register as u8 >> 3, 0x81, 0xc0 | register as u8 & 7]);
        self.code.extend(value.to_le_bytes());
    }

    pub(super) fn subtract(&mut self, register: General, value: i32) {
        self.code.extend([0x48 | register as u8 >> 3, 0x81, 0xe8 | register as u8 & 7]);
        self.code.extend(value.to_le_bytes());
    }

    /// `to = of % modulus`, of a power of two up to 128.
    pub(super) fn remainder(&mut self, to: General, of: General, modulus: usize) {
        self.code.extend([0x48 | (of as u8 >> 3) << 2 | to as u8 >> 3, 0x89]);
        self.code.push(0xc0 | (of as u8 & 7) << 3 | to as u8 & 7);
        self.code.extend([0x48 | to as u8 >> 3, 0x83, 0xe0 | to as u8 & 7, (modulus - 1) as u8]);
    }

    /// Clears the bits of `register` from the one numbered `count` on (`bzhi`).
    pub(super) fn keep_low_bits(&mut self, register: General, count: General) {
        self.vex_prefix(2, 0, 1, 0, register as u8, count as u8, register as u8, 0);
        self.code.extend([0xf5, 0xc0 | (register as u8 & 7) << 3 | register as u8 & 7]);
    }

    /// Copies a general register to a mask register (`kmovq`).
    pub(super) fn set_mask(&mut self, mask: u8, from: General) {
        self.vex_prefix(1, 3, 1, 0, mask, 0, from as u8, 0);
        self.code.extend([0x92, 0xc0 | (mask & 7) << 3 | from as u8 & 7]);
    }

    /// Makes stores past the caches visible before any later one (`sfence`).
    pub(super) fn fence(&mut self) {
        self.code.extend([0x0f, 0xae, 0xf8]);
    }

    /// Ends the function, with the upper halves of vector registers cleared for code that does not know them.
    pub(super) fn finish_function(&mut self) {
        self.code.extend([0xc5, 0xf8, 0x77, 0xc3]);
    }

    /// One vector instruction on vectors of `length` bytes. `reg`, `vvvv` and `rm` are the operands' places in the
    /// encoding: the result, the first and the second source, unless the instruction has it otherwise.
    pub(super) fn vector(&mut self, inst: Inst, length: usize, reg: u8, vvvv: u8, rm: Operand, lanes: Lanes) {
        let (reg, vvvv) = match inst.kind {
            Kind::Digit(digit) => (digit, reg),
            _ => (reg, vvvv),
        };
        let (base, index) = match rm {
            Operand::Register(register) => (register, (register >> 4) << 3),
            Operand::Memory(address) => {
                (address.base as u8, address.index.map_or(0, |(index, _)| index as u8))
            }
        };
        let Inst { map, prefix, wide, opcode, .. } = inst;
        match (inst.kind, self.encoding) {
            (Kind::Mask(long), _) => self.vex_prefix(map, prefix, wide, long, reg, vvvv, base, index),
            (_, Encoding::Vex) => {
                self.vex_prefix(map, prefix, wide, (length == 32) as u8, reg, vvvv, base, index)
            }
            (_, Encoding::Evex) => {
                let bit = |value: u8, at: u8| (!value >> at) & 1;
                self.code.push(0x62);
                self.code
                    .push(bit(reg, 3) << 7 | bit(index, 3) << 6 | bit(base, 3) << 5 | bit(reg, 4) << 4 | map);
                self.code.push(wide << 7 | (!vvvv & 15) << 3 | 4 | prefix);
                let (zeroing, mask) = match lanes {
                    Lanes::All => (0, 0),
                    Lanes::Zeroing(mask) => (1, mask),
                    Lanes::Merging(mask) => (0, mask),
                };
                let long = match length {
                    64 => 2,
                    32 => 1,
                    _ => 0,
                };
                self.code.push(zeroing << 7 | long << 5 | bit(vvvv, 4) << 3 | mask);
            }
        }
        self.code.push(opcode);
        self.operand(reg & 7, rm);
    }

    /// The byte that follows some instructions.
    pub(super) fn immediate(&mut self, value: u8) {
        self.code.push(value);
    }

    #[allow(clippy::too_many_arguments, reason = "they are the fields of the prefix")]
    fn vex_prefix(
        &mut self,
        map: u8,
        prefix: u8,
        wide: u8,
        long: u8,
        reg: u8,
        vvvv: u8,
        base: u8,
        index: u8,
    ) {
        let bit = |value: u8| (!value >> 3) & 1;
        let extensions = bit(reg) << 7 | bit(index) << 6 | bit(base) << 5;
        self.code.extend([0xc4, extensions | map, wide << 7 | (!vvvv & 15) << 3 | long << 2 | prefix]);
    }

    /// `ModRM` and what belongs to it. Offsets in memory take four bytes always: one byte would be scaled in EVEX by a
    /// factor that depends on the instruction.
    fn operand(&mut self, reg: u8, rm: Operand) {
        match rm {
            Operand::Register(register) => self.code.push(0xc0 | reg << 3 | register & 7),
            Operand::Memory(Address { base, index, offset }) => {
                let low = base as u8 & 7;
                // Without an offset, a base of rbp or r13 would mean something else.
                let with_offset = if offset == 0 && low != 5 { 0 } else { 0x80 };
                match index {
                    Some((index, scale)) => {
                        self.code.push(with_offset | reg << 3 | 4);
                        self.code.push(scale << 6 | (index as u8 & 7) << 3 | low);
                    }
                    None if low == 4 => self.code.extend([with_offset | reg << 3 | 4, 0x24]),
                    None => self.code.push(with_offset | reg << 3 | low),
                }
                if with_offset != 0 {
                    self.code.extend(offset.to_le_bytes());
                }
            }
        }
    }
}
