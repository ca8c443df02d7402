//! All NumPy semantics, and only here: dtypes, broadcasting, views, indexing, reductions, over stores and tasks.
//!
//! An [`Array`] is a dtype and a view of a region. [`apply`] records any row of the op table on arrays and scalars;
//! everything else in this crate is a method of [`Array`] or a function that makes one. Calls record and return; a
//! value is computed when it is read ([`Array::item`], [`Array::to_vec`], [`Array::host`]).

mod array;
mod at_hand;
mod broadcast;
mod convert;
mod creation;
mod draw;
mod elementwise;
mod error;
mod index;
mod operators;
mod products;
mod quick;
mod reduction;
mod select;
mod session;
mod shape;
mod sorting;

pub use array::{Array, MOST_AXES, shape_text};
pub use broadcast::{broadcast_shapes, result_order};
pub use draw::holds_its_own_words;
pub use elementwise::{Input, Layout, Options, Outputs, apply, apply_into, apply_one, int_constant};
pub use error::{Error, Kind, Result};
pub use index::{Index, resolve_slice};
pub use operators::{Bounds, Operand, sync};
pub use products::{Product, product};
pub use reduction::{KeepDims, Reduction, reduce};
pub use select::{OutOfBounds, Pick};
pub use session::{
    Context, HERE, absent, context, end_trace, runtime, set_context, set_locate, set_search, start,
};
pub use shape::{Part, concatenate, normalize_axes, normalize_axis};

pub use maniple_ops::{BitGenerator, Casting, Dtype, Element, Op, Scalar};
pub use num_complex::Complex64;
