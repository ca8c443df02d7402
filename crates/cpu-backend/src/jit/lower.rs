//! From a run of steps to vector instructions on values without registers yet.
//!
//! All values of a run have the same number of lanes, so many that the widest element fills a register; narrower ones
//! fill a part of one. A truth value is a mask: with AVX-512 a mask register, with AVX a vector of the widest lanes,
//! each of them all ones or all zeros.

use super::assembler::{Encoding, Inst};
use super::instructions as inst;
use maniple_ops::{Body, Dtype, Step};

/// A value between two instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// What an instruction computed.
    Virtual(u16),
    /// A line of the table of constants.
    Constant(u16),
}

/// Which registers hold a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Vector,
    Mask,
}

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Source(Source),
    /// The elements of an argument, of a size.
    Memory {
        pointer: u8,
        item: u8,
    },
}

/// What an instruction does in the lanes beyond the last element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The same as in others.
    Computed,
    /// Nothing that could be noticed; the lanes become zero.
    Zero,
    /// Nothing at all.
    Untouched,
}

/// Where the operands stand in the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The result first.
    Usual,
    /// The result last, as in stores.
    Reversed,
}

/// One vector instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Micro {
    pub(super) inst: Inst,
    /// Bytes of the vectors.
    pub(super) length: u8,
    pub(super) result: Option<u16>,
    pub(super) first: Option<Source>,
    pub(super) last: Last,
    /// AVX: the fourth operand.
    pub(super) fourth: Option<u16>,
    /// AVX-512: the mask that lanes are chosen by; without a first operand, the other lanes become zero.
    pub(super) mask: Option<u16>,
    pub(super) immediate: Option<u8>,
    pub(super) form: Form,
    pub(super) tail: Tail,
    /// What stands in for a load or store of part of a register where the number of elements is smaller still.
    pub(super) short: Option<Inst>,
}

/// A run as instructions.
#[derive(Debug)]
pub(super) struct Lowered {
    pub(super) micros: Vec<Micro>,
    pub(super) classes: Vec<Class>,
    /// Constants of the instructions themselves, behind those of the run: eight bytes, repeated.
    pub(super) patterns: Vec<u64>,
    /// Elements that one round of instructions computes.
    pub(super) lanes: usize,
    pub(super) constants: usize,
}

/// Comparisons of integers, as AVX-512 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Relation {
    Equal = 0,
    Less = 1,
    LessEqual = 2,
    NotEqual = 4,
    GreaterEqual = 5,
    Greater = 6,
}

/// Comparisons of floating point numbers that signal nothing, as AVX numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    Equal = 0x00,
    Unordered = 0x03,
    NotEqual = 0x04,
    Less = 0x11,
    LessEqual = 0x12,
    GreaterEqual = 0x1d,
    Greater = 0x1e,
}

/// The instructions of a run; nothing if a step has none.
pub(super) fn lower(run: &Body, encoding: Encoding) -> Option<Lowered> {
    let dtypes = run.value_dtypes();
    let widest = dtypes.iter().map(|dtype| dtype.size()).max()?;
    if widest > 8 {
        return None;
    }
    let width = if encoding == Encoding::Evex { 64 } else { 32 };
    let mut lowering = Lowering {
        encoding,
        widest,
        lanes: width / widest,
        constants: run.constants.len(),
        inputs: run.inputs.len(),
        micros: Vec::new(),
        classes: Vec::new(),
        patterns: Vec::new(),
        values: vec![None; dtypes.len()],
        dtypes,
    };
    // An input that leaves as it is is kept before anything can be written over it.
    lowering.store_outputs(run, 0..run.inputs.len())?;
    for (step, result) in run.steps.iter().zip(run.first_result()..) {
        lowering.step(step, result)?;
        lowering.store_outputs(run, result..result + 1)?;
    }
    let Lowering { micros, classes, patterns, lanes, constants, .. } = lowering;
    Some(Lowered { micros, classes, patterns, lanes, constants })
}

/// Instructions being collected.
pub(super) struct Lowering {
    pub(super) encoding: Encoding,
    /// Bytes of the widest element.
    widest: usize,
    lanes: usize,
    constants: usize,
    inputs: usize,
    micros: Vec<Micro>,
    classes: Vec<Class>,
    patterns: Vec<u64>,
    values: Vec<Option<Source>>,
    pub(super) dtypes: Vec<Dtype>,
}

impl Lowering {
    fn step(&mut self, step: &Step, result: usize) -> Option<()> {
        let args = step.args();
        let value = match step {
            Step::Cast { to, arg } => {
                let source = self.value(*arg as usize)?;
                self.cast(self.dtypes[*arg as usize], *to, source)?
            }
            Step::Apply { op, dtype, .. } => {
                let mut sources = [Source::Constant(0); 3];
                for (slot, &arg) in sources.iter_mut().zip(args) {
                    *slot = self.value(arg as usize)?;
                }
                self.apply(*op, *dtype, &sources[..args.len()])?
            }
        };
        self.values[result] = Some(value);
        Some(())
    }

    /// Where a value of the run is; inputs are loaded when they are first wanted.
    fn value(&mut self, value: usize) -> Option<Source> {
        if let Some(source) = self.values[value] {
            return Some(source);
        }
        let dtype = self.dtypes[value];
        let constant = value.checked_sub(self.inputs);
        let source = match constant {
            Some(constant) if dtype == Dtype::Bool => {
                self.truth(Last::Source(Source::Constant(constant as u16)))
            }
            Some(constant) => Source::Constant(constant as u16),
            None if dtype == Dtype::Bool => self.truth(Last::Memory { pointer: value as u8, item: 1 }),
            None if matches!(dtype, Dtype::Float16 | Dtype::Complex64 | Dtype::Complex128) => return None,
            None => self.load(value as u8, dtype.size()),
        };
        self.values[value] = Some(source);
        Some(source)
    }

    fn store_outputs(&mut self, run: &Body, values: std::ops::Range<usize>) -> Option<()> {
        for (output, &value) in run.outputs.iter().enumerate() {
            if !values.contains(&(value as usize)) {
                continue;
            }
            let source = self.value(value as usize)?;
            let (pointer, dtype) = ((self.inputs + output) as u8, self.dtypes[value as usize]);
            let source = if dtype == Dtype::Bool { self.truth_bytes(source) } else { source };
            self.store(pointer, dtype.size(), source);
        }
        Some(())
    }

    /// Bytes of the vectors that hold elements of a size: at least the smallest register.
    pub(super) fn length(&self, item: usize) -> usize {
        (self.lanes * item).max(16)
    }

    fn new_value(&mut self, class: Class) -> u16 {
        self.classes.push(class);
        (self.classes.len() - 1) as u16
    }

    fn push(&mut self, class: Class, micro: Micro) -> Source {
        let result = self.new_value(class);
        self.micros.push(Micro { result: Some(result), ..micro });
        Source::Virtual(result)
    }

    fn micro(inst: Inst, length: usize, first: Option<Source>, last: Last) -> Micro {
        Micro {
            inst,
            length: length as u8,
            result: None,
            first,
            last,
            fourth: None,
            mask: None,
            immediate: None,
            form: Form::Usual,
            tail: Tail::Computed,
            short: None,
        }
    }

    fn load(&mut self, pointer: u8, item: usize) -> Source {
        let bytes = self.lanes * item;
        let evex = self.encoding == Encoding::Evex;
        let (inst, short) = match bytes {
            4 => (inst::LOAD_4, None),
            8 => (inst::LOAD_8, evex.then_some(inst::load(item))),
            _ if evex => (inst::load(item), None),
            _ => (inst::LOAD, None),
        };
        let last = Last::Memory { pointer, item: item as u8 };
        let micro = Micro { short, tail: Tail::Zero, ..Self::micro(inst, self.length(item), None, last) };
        self.push(Class::Vector, micro)
    }

    fn store(&mut self, pointer: u8, item: usize, source: Source) {
        let bytes = self.lanes * item;
        let evex = self.encoding == Encoding::Evex;
        let (inst, short) = match bytes {
            4 => (inst::STORE_4, None),
            8 => (inst::STORE_8, evex.then_some(inst::store(item))),
            _ if evex => (inst::store(item), None),
            _ => (inst::STORE, None),
        };
        let last = Last::Memory { pointer, item: item as u8 };
        self.micros.push(Micro {
            short,
            tail: Tail::Untouched,
            form: Form::Reversed,
            ..Self::micro(inst, self.length(item), Some(source), last)
        });
    }

    /// A constant that the instructions need, as the lowest bytes of a repeated pattern.
    pub(super) fn pattern(&mut self, bits: u64, item: usize) -> Source {
        let pattern = match item {
            1 => (bits & 0xff) * 0x0101_0101_0101_0101,
            2 => (bits & 0xffff) * 0x0001_0001_0001_0001,
            4 => (bits & 0xffff_ffff) * 0x0000_0001_0000_0001,
            _ => bits,
        };
        let at = self.patterns.iter().position(|&known| known == pattern).unwrap_or_else(|| {
            self.patterns.push(pattern);
            self.patterns.len() - 1
        });
        Source::Constant((self.constants + at) as u16)
    }

    pub(super) fn float(&mut self, value: f64, item: usize) -> Source {
        let bits = if item == 8 { value.to_bits() } else { (value as f32).to_bits() as u64 };
        self.pattern(bits, item)
    }

    pub(super) fn sign_bit(&mut self, item: usize) -> Source {
        self.pattern(1 << (8 * item - 1), item)
    }

    /// An instruction of one operand on vectors of a length.
    pub(super) fn unary(&mut self, inst: Inst, length: usize, a: Source) -> Source {
        self.push(Class::Vector, Self::micro(inst, length, None, Last::Source(a)))
    }

    /// An instruction of two operands on vectors of a length.
    pub(super) fn binary(&mut self, inst: Inst, length: usize, a: Source, b: Source) -> Source {
        self.push(Class::Vector, Self::micro(inst, length, Some(a), Last::Source(b)))
    }

    /// As `unary`, for instructions that can raise floating point events.
    pub(super) fn raising(&mut self, inst: Inst, length: usize, a: Source) -> Source {
        let micro = Self::micro(inst, length, None, Last::Source(a));
        self.push(Class::Vector, Micro { tail: Tail::Zero, ..micro })
    }

    /// As `binary`, for arithmetic on floating point numbers.
    pub(super) fn arithmetic(&mut self, opcode: u8, item: usize, a: Source, b: Source) -> Source {
        let micro = Self::micro(inst::float(opcode, item), self.length(item), Some(a), Last::Source(b));
        self.push(Class::Vector, Micro { tail: Tail::Zero, ..micro })
    }

    /// An instruction of one operand and a number.
    pub(super) fn with_number(&mut self, inst: Inst, length: usize, a: Source, number: u8) -> Source {
        let micro = Self::micro(inst, length, None, Last::Source(a));
        self.push(Class::Vector, Micro { immediate: Some(number), ..micro })
    }

    /// As `with_number`, with the result in the last place of the encoding.
    fn reversed(&mut self, inst: Inst, length: usize, a: Source, number: Option<u8>) -> Source {
        let result = self.new_value(Class::Vector);
        // The result is named by `last`; `first` is what is read.
        let micro = Self::micro(inst, length, Some(a), Last::Source(Source::Virtual(result)));
        self.micros.push(Micro { form: Form::Reversed, immediate: number, result: Some(result), ..micro });
        Source::Virtual(result)
    }

    /// `if mask { yes } else { no }` on elements of a size.
    pub(super) fn blend(&mut self, item: usize, mask: Source, yes: Source, no: Source) -> Source {
        let length = self.length(item);
        if self.encoding == Encoding::Evex {
            let micro = Self::micro(inst::blend_by_mask(item), length, Some(no), Last::Source(yes));
            return self.push(Class::Vector, Micro { mask: Some(mask.number()), ..micro });
        }
        let mask = self.narrowed(mask, self.widest, item);
        let micro = Self::micro(inst::BLEND, length, Some(no), Last::Source(yes));
        self.push(Class::Vector, Micro { fourth: Some(mask.number()), ..micro })
    }

    /// A comparison of floating point numbers.
    pub(super) fn compare(&mut self, item: usize, order: Order, a: Source, b: Source) -> Source {
        let (class, tail) = match self.encoding {
            Encoding::Evex => (Class::Mask, Tail::Untouched),
            Encoding::Vex => (Class::Vector, Tail::Computed),
        };
        let micro =
            Self::micro(inst::float(inst::COMPARE, item), self.length(item), Some(a), Last::Source(b));
        let mask = self.push(class, Micro { immediate: Some(order as u8), tail, ..micro });
        self.widest_mask(mask, item)
    }

    /// A comparison of integers.
    pub(super) fn compare_integers(
        &mut self,
        item: usize,
        signed: bool,
        relation: Relation,
        a: Source,
        b: Source,
    ) -> Source {
        let length = self.length(item);
        if self.encoding == Encoding::Evex {
            let micro = Self::micro(inst::integer_compare(item, signed), length, Some(a), Last::Source(b));
            return self.push(Class::Mask, Micro { immediate: Some(relation as u8), ..micro });
        }
        let (mut a, mut b) = (a, b);
        if !signed && !matches!(relation, Relation::Equal | Relation::NotEqual) {
            let sign = self.sign_bit(item);
            a = self.binary(inst::XOR, length, a, sign);
            b = self.binary(inst::XOR, length, b, sign);
        }
        let (inst, first, second, negated) = match relation {
            Relation::Equal => (inst::lanes_equal(item), a, b, false),
            Relation::NotEqual => (inst::lanes_equal(item), a, b, true),
            Relation::Greater => (inst::lanes_greater(item), a, b, false),
            Relation::LessEqual => (inst::lanes_greater(item), a, b, true),
            Relation::Less => (inst::lanes_greater(item), b, a, false),
            Relation::GreaterEqual => (inst::lanes_greater(item), b, a, true),
        };
        let mask = self.binary(inst, length, first, second);
        let mask = self.widest_mask(mask, item);
        if negated { self.not(mask) } else { mask }
    }

    /// AVX: a mask of lanes of a size as one of the widest lanes.
    fn widest_mask(&mut self, mask: Source, item: usize) -> Source {
        if self.encoding == Encoding::Evex || item == self.widest {
            return mask;
        }
        self.unary(inst::widen(item, self.widest, true), self.length(self.widest), mask)
    }

    /// AVX: lanes that are all ones or all zeros, cut from one size to a smaller one.
    fn narrowed(&mut self, mask: Source, from: usize, to: usize) -> Source {
        let mut mask = mask;
        let mut size = from;
        while size > to {
            let upper = if self.lanes * size == 32 {
                self.reversed(inst::UPPER_HALF, 32, mask, Some(1))
            } else {
                mask
            };
            mask = match size {
                8 => self.pick(mask, upper),
                4 => self.binary(inst::PACK_4_SIGNED, 16, mask, upper),
                _ => self.binary(inst::PACK_2_SIGNED, 16, mask, upper),
            };
            size /= 2;
        }
        mask
    }

    /// The even lanes of four bytes of two vectors of 16.
    fn pick(&mut self, a: Source, b: Source) -> Source {
        let micro = Self::micro(inst::PICK, 16, Some(a), Last::Source(b));
        self.push(Class::Vector, Micro { immediate: Some(0x88), ..micro })
    }

    /// Integers of a size cut to a smaller one.
    pub(super) fn cut(&mut self, source: Source, from: usize, to: usize) -> Source {
        if self.encoding == Encoding::Evex {
            return self.reversed(inst::narrow(from, to), self.length(from), source, None);
        }
        let mut value = source;
        let mut size = from;
        while size > to {
            if size < 8 {
                let low = self.pattern(if size == 4 { 0xffff } else { 0xff }, size);
                value = self.binary(inst::AND, self.length(size), value, low);
            }
            let upper = if self.lanes * size == 32 {
                self.reversed(inst::UPPER_HALF, 32, value, Some(1))
            } else {
                value
            };
            value = match size {
                8 => self.pick(value, upper),
                4 => self.binary(inst::PACK_4_UNSIGNED, 16, value, upper),
                _ => self.binary(inst::PACK_2_UNSIGNED, 16, value, upper),
            };
            size /= 2;
        }
        value
    }

    /// The mask of truth values as they lie in memory, where anything but 0 is true.
    fn truth(&mut self, bytes: Last) -> Source {
        let vector = match bytes {
            Last::Memory { pointer, item } => self.load(pointer, item as usize),
            Last::Source(source) => source,
        };
        if self.encoding == Encoding::Evex {
            let vector = self.in_register(vector, 1);
            let micro = Self::micro(inst::TEST_BYTES, self.length(1), Some(vector), Last::Source(vector));
            return self.push(Class::Mask, micro);
        }
        let zero = self.pattern(0, 8);
        let is_zero = self.binary(inst::lanes_equal(1), self.length(1), vector, zero);
        let is_zero = self.widest_mask(is_zero, 1);
        self.not(is_zero)
    }

    /// A constant, loaded.
    pub(super) fn in_register(&mut self, source: Source, item: usize) -> Source {
        match source {
            Source::Virtual(_) => source,
            Source::Constant(_) => {
                let inst = if self.encoding == Encoding::Evex { inst::load(item) } else { inst::LOAD };
                self.unary(inst, self.length(item), source)
            }
        }
    }

    /// Truth values as bytes, 0 or 1.
    fn truth_bytes(&mut self, mask: Source) -> Source {
        if self.encoding == Encoding::Evex {
            return self.number_of_truth(mask, 1, 1);
        }
        let bytes = self.narrowed(mask, self.widest, 1);
        let one = self.pattern(1, 1);
        self.binary(inst::AND, self.length(1), bytes, one)
    }

    /// `one` where a mask is set, zero elsewhere; `one` is given as the bits of an element.
    pub(super) fn number_of_truth(&mut self, mask: Source, item: usize, one: u64) -> Source {
        let one = self.pattern(one, item);
        if self.encoding == Encoding::Evex {
            let micro = Self::micro(inst::load(item), self.length(item), None, Last::Source(one));
            return self.push(Class::Vector, Micro { mask: Some(mask.number()), ..micro });
        }
        let mask = self.narrowed(mask, self.widest, item);
        self.binary(inst::AND, self.length(item), mask, one)
    }

    /// A mask instruction, or its likeness on vectors.
    fn logic(&mut self, mask: Inst, vector: Inst, a: Source, b: Source) -> Source {
        if self.encoding == Encoding::Evex {
            self.push(Class::Mask, Self::micro(mask, 8, Some(a), Last::Source(b)))
        } else {
            self.binary(vector, self.length(self.widest), a, b)
        }
    }

    pub(super) fn and(&mut self, a: Source, b: Source) -> Source {
        self.logic(inst::MASK_AND, inst::AND, a, b)
    }

    /// `!a & b`.
    pub(super) fn and_not(&mut self, a: Source, b: Source) -> Source {
        self.logic(inst::MASK_AND_NOT, inst::AND_NOT, a, b)
    }

    pub(super) fn or(&mut self, a: Source, b: Source) -> Source {
        self.logic(inst::MASK_OR, inst::OR, a, b)
    }

    pub(super) fn xor(&mut self, a: Source, b: Source) -> Source {
        self.logic(inst::MASK_XOR, inst::XOR, a, b)
    }

    pub(super) fn same(&mut self, a: Source, b: Source) -> Source {
        if self.encoding == Encoding::Evex {
            return self.push(Class::Mask, Self::micro(inst::MASK_XNOR, 8, Some(a), Last::Source(b)));
        }
        let differs = self.xor(a, b);
        self.not(differs)
    }

    pub(super) fn not(&mut self, a: Source) -> Source {
        if self.encoding == Encoding::Evex {
            return self.push(Class::Mask, Self::micro(inst::MASK_NOT, 8, None, Last::Source(a)));
        }
        let ones = self.pattern(u64::MAX, 8);
        self.binary(inst::XOR, self.length(self.widest), a, ones)
    }
}

impl Source {
    /// The number of a computed value.
    fn number(self) -> u16 {
        match self {
            Source::Virtual(number) => number,
            Source::Constant(_) => unreachable!("masks are always computed"),
        }
    }
}
