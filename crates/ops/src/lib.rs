//! The element-wise operations of Maniple: dtypes, the table of rows, and what is derived from it.
//!
//! A *row* ([`Op`], [`Row`]) is one operation with NumPy's name and NumPy's rule for dtypes. Each of its cases is a
//! line of Rust in `table.rs`; from it come the block loops ([`block`]), the folds of reductions ([`fold`]) and the
//! interpreter ([`eval`]). A [`Body`] is a straight-line program of rows, what an element-wise kernel runs.
//!
//! To add an operation, add a row to `table.rs`; sample inputs in `samples.rs` too if its domain is unusual. For a GPU,
//! give it a line in `cuda/rows.rs` and in `wgsl/rows.rs`, or list it there as the CPU's.
//!
//! ```
//! use maniple_ops::{Body, Dtype, Op, Operand, Scalar, eval, resolve};
//!
//! let of = resolve(Op::Sqrt, &[Operand::Strong(Dtype::Int8)]).unwrap();
//! assert_eq!(of.outs[0], Dtype::Float16);
//! let body = Body::single(&of, &[Dtype::Int8], &[Dtype::Float64]);
//! assert_eq!(eval(&body, &[Scalar::new(9i8)], &[]), [Scalar::new(3.0f64)]);
//! ```

mod arg;
mod block;
mod body;
mod cast;
pub mod cuda;
mod draw;
mod dtype;
mod eval;
pub mod flags;
mod fold;
mod halves;
mod isa;
mod kernel;
mod macros;
mod math;
mod matmul;
mod products;
mod rule;
pub mod samples;
mod scalar;
mod sort;
mod table;
pub mod wgsl;

pub use arg::{Arg, ArgColumns, ArgLeaf, arg_columns, arg_leaf};
pub use block::{block, block_at, cast_block, cast_block_at, cast_may_raise};
pub use body::{Body, Step, Value, Wire};
pub use draw::{BitGenerator, Draw, Jump, counter_at, draw, draw_at, drawn, philox_block};
pub use dtype::{Bool, Casting, Dtype, Element, Kind};
pub use eval::{apply, eval};
pub use flags::Flags;
pub use fold::{
    Fold, FoldClose, FoldExtend, FoldLeaf, FoldRows, FoldScan, LANES, LEAF, Start, fold, fold_at,
};
pub use isa::Level;
pub use kernel::{Block, Order, Status};
pub use matmul::{
    DirectProduct, Extents, Grid, K_BLOCK, Matmul, Pack, PackedProduct, matmul, matmul_at, matmul_element,
};
pub use products::{
    Begin, LeavesOfProducts, OuterProducts, ProductRow, ProductRows, Products, TOGETHER, products,
};
pub use rule::{Loop, Operand, Rule, RuleError, resolve, resolve_dtype, resolve_output, signature, types};
pub use scalar::Scalar;
pub use sort::{MergeRuns, Runs, Sort, SortOrder, SortValues, TakeOrder, sort, sort_at};
pub use table::{Identity, Op, Row};
