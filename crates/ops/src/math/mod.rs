//! The functions behind the table's cases: one place for each, per width.
//!
//! Every function is `#[inline(always)]` as far as it is branch-free, so that a block's loop vectorises over it.

pub(crate) mod complex;
pub(crate) mod division;
mod elementary;
pub(crate) mod events;
pub(crate) mod integer;
pub(crate) mod inverse;
pub(crate) mod real;

pub(crate) use integer::Integer;
pub(crate) use real::Real;
