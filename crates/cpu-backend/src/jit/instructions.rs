//! The vector instructions that are used, under the processor's names. Where AVX and AVX-512 share an opcode, one entry
//! is both.

use super::assembler::Inst;

/// An instruction on floating point lanes of 4 or 8 bytes.
pub(super) const fn float(opcode: u8, item: usize) -> Inst {
    if item == 8 { Inst::vector(1, 1, 1, opcode) } else { Inst::vector(1, 0, 0, opcode) }
}

pub(super) const ADD: u8 = 0x58;
pub(super) const MULTIPLY: u8 = 0x59;
pub(super) const SUBTRACT: u8 = 0x5c;
pub(super) const DIVIDE: u8 = 0x5e;
pub(super) const SQRT: u8 = 0x51;
pub(super) const COMPARE: u8 = 0xc2;

/// Rounding to integers: `vroundp*`, `vrndscalep*`.
pub(super) const fn round(item: usize) -> Inst {
    if item == 8 { Inst::vector(3, 1, 1, 0x09) } else { Inst::vector(3, 1, 0, 0x08) }
}

/// Index of an integer lane's size: 1, 2, 4, 8 bytes.
const fn size(item: usize) -> usize {
    item.trailing_zeros() as usize
}

/// An instruction of the first map for lanes of every size, by four opcodes.
const fn of_size(opcodes: [u8; 4], item: usize) -> Inst {
    Inst::vector(1, 1, (item == 8) as u8, opcodes[size(item)])
}

pub(super) const fn integer_add(item: usize) -> Inst {
    of_size([0xfc, 0xfd, 0xfe, 0xd4], item)
}

pub(super) const fn integer_subtract(item: usize) -> Inst {
    of_size([0xf8, 0xf9, 0xfa, 0xfb], item)
}

/// The low halves of products; for 8 bytes AVX-512 only, for one byte not at all.
pub(super) const fn integer_multiply(item: usize) -> Option<Inst> {
    match item {
        2 => Some(Inst::vector(1, 1, 0, 0xd5)),
        4 => Some(Inst::vector(2, 1, 0, 0x40)),
        8 => Some(Inst::vector(2, 1, 1, 0x40)),
        _ => None,
    }
}

/// The products of the low halves of 8 bytes.
pub(super) const MULTIPLY_LOW_HALVES: Inst = Inst::vector(1, 1, 1, 0xf4);
/// 8 bytes shifted by a number.
pub(super) const SHIFT_RIGHT_BY: Inst = Inst::shift(0x73, 1, 2);
pub(super) const SHIFT_LEFT_BY: Inst = Inst::shift(0x73, 1, 6);

/// Magnitudes of signed integers; for 8 bytes AVX-512 only.
pub(super) const fn integer_absolute(item: usize) -> Inst {
    Inst::vector(2, 1, (item == 8) as u8, [0x1c, 0x1d, 0x1e, 0x1f][size(item)])
}

/// The smaller of integers; for 8 bytes AVX-512 only.
pub(super) const fn integer_minimum(item: usize, signed: bool) -> Inst {
    match (signed, item) {
        (true, 1) => Inst::vector(2, 1, 0, 0x38),
        (true, 2) => Inst::vector(1, 1, 0, 0xea),
        (true, _) => Inst::vector(2, 1, (item == 8) as u8, 0x39),
        (false, 1) => Inst::vector(1, 1, 0, 0xda),
        (false, 2) => Inst::vector(2, 1, 0, 0x3a),
        (false, _) => Inst::vector(2, 1, (item == 8) as u8, 0x3b),
    }
}

/// The larger of integers; for 8 bytes AVX-512 only.
pub(super) const fn integer_maximum(item: usize, signed: bool) -> Inst {
    match (signed, item) {
        (true, 1) => Inst::vector(2, 1, 0, 0x3c),
        (true, 2) => Inst::vector(1, 1, 0, 0xee),
        (true, _) => Inst::vector(2, 1, (item == 8) as u8, 0x3d),
        (false, 1) => Inst::vector(1, 1, 0, 0xde),
        (false, 2) => Inst::vector(2, 1, 0, 0x3e),
        (false, _) => Inst::vector(2, 1, (item == 8) as u8, 0x3f),
    }
}

/// Shifts by the second operand's lanes, of 4 or 8 bytes; that of the sign for 8 bytes AVX-512 only.
pub(super) const fn shift(opcode: u8, item: usize) -> Inst {
    Inst::vector(2, 1, (item == 8) as u8, opcode)
}

pub(super) const SHIFT_LEFT: u8 = 0x47;
pub(super) const SHIFT_RIGHT: u8 = 0x45;
pub(super) const SHIFT_RIGHT_SIGNED: u8 = 0x46;

pub(super) const AND: Inst = Inst::vector(1, 1, 1, 0xdb);
/// The second operand's bits that the first one lacks.
pub(super) const AND_NOT: Inst = Inst::vector(1, 1, 1, 0xdf);
pub(super) const OR: Inst = Inst::vector(1, 1, 1, 0xeb);
pub(super) const XOR: Inst = Inst::vector(1, 1, 1, 0xef);

pub(super) const MASK_AND: Inst = Inst::mask(0x41, 1);
pub(super) const MASK_AND_NOT: Inst = Inst::mask(0x42, 1);
pub(super) const MASK_NOT: Inst = Inst::mask(0x44, 0);
pub(super) const MASK_OR: Inst = Inst::mask(0x45, 1);
pub(super) const MASK_XNOR: Inst = Inst::mask(0x46, 1);
pub(super) const MASK_XOR: Inst = Inst::mask(0x47, 1);

/// AVX: lanes that are equal.
pub(super) const fn lanes_equal(item: usize) -> Inst {
    if item == 8 { Inst::vector(2, 1, 0, 0x29) } else { of_size([0x74, 0x75, 0x76, 0], item) }
}

/// AVX: signed lanes that are greater.
pub(super) const fn lanes_greater(item: usize) -> Inst {
    if item == 8 { Inst::vector(2, 1, 0, 0x37) } else { of_size([0x64, 0x65, 0x66, 0], item) }
}

/// AVX-512: integers compared as a number says, into a mask.
pub(super) const fn integer_compare(item: usize, signed: bool) -> Inst {
    let opcode = (if item >= 4 { 0x1e } else { 0x3e }) | signed as u8;
    Inst::vector(3, 1, matches!(item, 2 | 8) as u8, opcode)
}

/// AVX-512: which bytes have a common bit, into a mask.
pub(super) const TEST_BYTES: Inst = Inst::vector(2, 1, 0, 0x26);

/// AVX-512: the second operand's lanes where the mask is set, else the first one's.
pub(super) const fn blend_by_mask(item: usize) -> Inst {
    Inst::vector(2, 1, matches!(item, 2 | 8) as u8, if item >= 4 { 0x64 } else { 0x66 })
}

/// AVX: the second operand's bytes where a fourth one has its highest bit set, else the first one's.
pub(super) const BLEND: Inst = Inst::vector(3, 1, 0, 0x4c);

/// Loads and register copies of whole vectors, in lanes of a size.
pub(super) const fn load(item: usize) -> Inst {
    let prefix = if item >= 4 { 2 } else { 3 };
    Inst::vector(1, prefix, matches!(item, 2 | 8) as u8, 0x6f)
}

/// Stores of whole vectors, in lanes of a size.
pub(super) const fn store(item: usize) -> Inst {
    let prefix = if item >= 4 { 2 } else { 3 };
    Inst::vector(1, prefix, matches!(item, 2 | 8) as u8, 0x7f)
}

/// Stores of whole vectors past the caches, at multiples of their length.
pub(super) const STREAM: Inst = Inst::vector(1, 1, 0, 0xe7);
/// AVX: loads and stores of whole vectors.
pub(super) const LOAD: Inst = Inst::vector(1, 2, 0, 0x6f);
pub(super) const STORE: Inst = Inst::vector(1, 2, 0, 0x7f);
/// Eight bytes, and four.
pub(super) const LOAD_8: Inst = Inst::vector(1, 2, 1, 0x7e);
pub(super) const STORE_8: Inst = Inst::vector(1, 1, 1, 0xd6);
pub(super) const LOAD_4: Inst = Inst::vector(1, 1, 0, 0x6e);
pub(super) const STORE_4: Inst = Inst::vector(1, 1, 0, 0x7e);

/// Integers made wider.
pub(super) const fn widen(from: usize, to: usize, signed: bool) -> Inst {
    let opcode = match (from, to) {
        (1, 2) => 0x20,
        (1, 4) => 0x21,
        (1, _) => 0x22,
        (2, 4) => 0x23,
        (2, _) => 0x24,
        _ => 0x25,
    };
    Inst::vector(2, 1, 0, if signed { opcode } else { opcode + 0x10 })
}

/// AVX-512: integers cut; the result is the last operand.
pub(super) const fn narrow(from: usize, to: usize) -> Inst {
    let opcode = match (from, to) {
        (2, _) => 0x30,
        (4, 1) => 0x31,
        (8, 1) => 0x32,
        (4, _) => 0x33,
        (8, 2) => 0x34,
        _ => 0x35,
    };
    Inst::vector(2, 2, 0, opcode)
}

/// AVX: the upper 16 bytes; the result is the last operand.
pub(super) const UPPER_HALF: Inst = Inst::vector(3, 1, 0, 0x39);
/// Two lanes of 4 bytes of each operand.
pub(super) const PICK: Inst = Inst::vector(1, 0, 0, 0xc6);
/// AVX: both operands' lanes cut to half, with saturation.
pub(super) const PACK_4_SIGNED: Inst = Inst::vector(1, 1, 0, 0x6b);
pub(super) const PACK_4_UNSIGNED: Inst = Inst::vector(2, 1, 0, 0x2b);
pub(super) const PACK_2_SIGNED: Inst = Inst::vector(1, 1, 0, 0x63);
pub(super) const PACK_2_UNSIGNED: Inst = Inst::vector(1, 1, 0, 0x67);

pub(super) const SINGLE_TO_DOUBLE: Inst = Inst::vector(1, 0, 0, 0x5a);
pub(super) const DOUBLE_TO_SINGLE: Inst = Inst::vector(1, 1, 1, 0x5a);

/// Integers of 4 or 8 bytes to floating point numbers; all but `int32` AVX-512 only.
pub(super) const fn to_float(from: usize, signed: bool, to: usize) -> Inst {
    match (from, signed, to) {
        (4, true, 8) => Inst::vector(1, 2, 0, 0xe6),
        (4, true, _) => Inst::vector(1, 0, 0, 0x5b),
        (_, true, 8) => Inst::vector(1, 2, 1, 0xe6),
        (_, true, _) => Inst::vector(1, 0, 1, 0x5b),
        (4, false, 8) => Inst::vector(1, 2, 0, 0x7a),
        (4, false, _) => Inst::vector(1, 3, 0, 0x7a),
        (_, false, 8) => Inst::vector(1, 2, 1, 0x7a),
        (_, false, _) => Inst::vector(1, 3, 1, 0x7a),
    }
}

/// Floating point numbers cut to signed integers of 4 or 8 bytes; the latter AVX-512 only.
pub(super) const fn to_integer(from: usize, to: usize) -> Inst {
    match (from, to) {
        (8, 4) => Inst::vector(1, 1, 1, 0xe6),
        (_, 4) => Inst::vector(1, 2, 0, 0x5b),
        (8, _) => Inst::vector(1, 1, 1, 0x7a),
        _ => Inst::vector(1, 1, 0, 0x7a),
    }
}
