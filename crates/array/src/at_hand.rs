//! Short ways for small arrays whose bytes are at hand: for a few elements, recording a task takes longer than computing
//! them, and nothing is gained by fusing what stays in the first cache.

mod computing;
mod selecting;

pub(crate) use self::computing::{Source, apply, count, fill, fold_axis, fold_leaf};

/// Arrays of at most so many bytes are small.
const SMALL: usize = 16 << 10;
