//! Finding the compiled loop of a row or a cast.

use crate::cast::CASTS;
use crate::dtype::{Dtype, Kind};
use crate::isa::Level;
use crate::kernel::{Block, Case};
use crate::table::{CASES, Op};
use std::sync::OnceLock;

/// The loop of a row at its key dtype, for this processor; none if the row has no such case.
///
/// Integer `power` gives 0 for negative exponents, which NumPy rejects with a `ValueError`: the caller checks.
pub fn block(op: Op, dtype: Dtype) -> Option<Block> {
    block_at(op, dtype, Level::detected())
}

/// As [`block`], for an instruction set level that this processor must have.
pub fn block_at(op: Op, dtype: Dtype, level: Level) -> Option<Block> {
    Some(case(op, dtype)?.blocks[level as usize])
}

/// The loop that converts elements, one input and one output, with the meaning of NumPy's unsafe `astype` on x86-64.
///
/// Fractions are cut; what an integer cannot hold comes out as the processor's conversion instruction leaves it and
/// raises `INVALID`; of a complex number only the real part is kept; a truth value says whether the number is not zero.
pub fn cast_block(from: Dtype, to: Dtype) -> Block {
    cast_block_at(from, to, Level::detected())
}

/// Whether a conversion may meet a number that the target cannot hold, so that it raises an event.
pub fn cast_may_raise(from: Dtype, to: Dtype) -> bool {
    match to.kind() {
        Kind::Bool => false,
        Kind::Int | Kind::UInt => from.is_inexact(),
        Kind::Float | Kind::Complex => {
            to == Dtype::Float16 && from != to && from.size() > 1
                || to.real() == Dtype::Float32 && from.is_inexact() && from.real() == Dtype::Float64
        }
    }
}

/// As [`cast_block`], for an instruction set level that this processor must have.
pub fn cast_block_at(from: Dtype, to: Dtype, level: Level) -> Block {
    CASTS[from as usize][to as usize][level as usize]
}

/// The case of a row at a key dtype.
pub(crate) fn case(op: Op, dtype: Dtype) -> Option<&'static Case> {
    static TABLE: OnceLock<Vec<Option<Case>>> = OnceLock::new();
    let table =
        TABLE.get_or_init(|| CASES.iter().flat_map(|cases| Dtype::ALL.into_iter().map(cases)).collect());
    table[op as usize * Dtype::ALL.len() + dtype as usize].as_ref()
}
