//! Kernels: the classes of computation a task can ask for, and how each cuts its arguments.

use crate::Blocks;
use maniple_ops::{BitGenerator, Body, Dtype, Op};
use std::fmt;
use std::sync::Arc;

/// A class of computation with everything about it that does not change from call to call.
///
/// A kernel runs over a *domain* of points `0..extent`; any contiguous range of them is a piece. Every argument says
/// by its [`Access`] which of its elements a range of points touches. The order of the arguments is given per kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Element-wise. Arguments: the body's inputs, then its outputs, all of one shape. A point is one element.
    Map(Body),
    /// A body folded along axes into partial results, one per leaf of [`maniple_ops::LEAF`] elements.
    Reduce(Reduce),
    /// Folds leaves in a fixed tree. Arguments: partials (`kept... x leaves`), result (`kept...`). A point is a result.
    Fold {
        /// The combining row.
        op: Op,
        /// The dtype of partials and result.
        dtype: Dtype,
    },
    /// Running fold along the last axis. Arguments: input, output, both `outer... x n`. A point is one row.
    Scan {
        /// The combining row.
        op: Op,
        /// The dtype of input and output.
        dtype: Dtype,
    },
    /// Index of the first largest or smallest element, NaN first. Arguments: input (`kept... x reduced...`), int64
    /// output (`kept...`). A point is one result.
    ArgReduce {
        /// Whether the largest or the smallest element is sought.
        goal: Extreme,
        /// The dtype of the input.
        dtype: Dtype,
    },
    /// Reads by index. Arguments: source, int64 indices..., output. Source, indices and output views all have the
    /// output's shape; the source has stride zero along indexed axes, and index `k` adds `index * strides[k]` bytes.
    /// Negative indices count from `extents[k]`. The caller has checked the bounds. A point is one element.
    Gather(Indexed),
    /// Writes by index. Arguments: destination, int64 indices..., values; views as for `Gather`. In C order, so that
    /// of several writes to one element the last one stays. A point is one element; never cut.
    Scatter {
        /// How indices address the destination.
        indexed: Indexed,
        /// The row that combines old and new value, or none to overwrite.
        combine: Option<Op>,
    },
    /// `start + index * step` (scalars 0 and 1, of the output's dtype). Arguments: output. A point is one element.
    Iota {
        /// The dtype of the output and of both scalars.
        dtype: Dtype,
    },
    /// Random numbers: element `p` is the number at position `p` of a stream, as `maniple_ops` defines it. Arguments: output.
    /// Scalars: the words of the generator's state, in its order. A point is one element.
    Draw {
        /// Whose stream.
        generator: BitGenerator,
        /// The dtype of the output, `float64` or `float32`.
        dtype: Dtype,
    },
    /// Indices of the true elements in C order. Arguments: mask (any shape), int64 output of shape `count x ndim`.
    /// Never cut.
    Nonzero,
    /// Launches that run block by block. No task has it, only launches. Arguments: those of the parts that do not live
    /// within a block. A point is a block.
    Blocks(Arc<Blocks>),
    /// Products of matrices, to the bit as `maniple_ops` defines them ([`maniple_ops::K_BLOCK`]). Arguments: first factor
    /// (`stack... x m x k`), second factor (`stack... x k x n`), result (`stack... x m x n`), with nothing empty. A point
    /// is one row of a result.
    Matmul {
        /// The dtype of all three.
        dtype: Dtype,
    },
    /// Sorts rows in runs, as `maniple_ops` orders them: what is equal keeps its order. Arguments: input
    /// (`outer... x n`), then what is given, values before the order (int64), of the input's shape. A row is cut into
    /// runs of `run` elements, the last of which may be shorter, and the order counts from the beginning of the row. A
    /// point is a run; there is one row if runs are shorter than rows.
    Sort {
        /// The dtype of the elements.
        dtype: Dtype,
        /// What is wanted.
        gives: Sorted,
        /// Elements of a run.
        run: usize,
    },
    /// Merges the runs of one row. Arguments: sorted runs without gaps (`n`), their order (int64, `n`) unless only
    /// values are given, then what is given, as for `Sort`. A point is one element of the result.
    Merge {
        /// The dtype of the elements.
        dtype: Dtype,
        /// What is wanted.
        gives: Sorted,
        /// Elements of a run.
        run: usize,
    },
}

/// What sorting gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sorted {
    /// The elements.
    Values,
    /// Their positions.
    Order,
    /// Both.
    Both,
}

impl Sorted {
    /// Every case, in the order of its number.
    pub const ALL: [Sorted; 3] = [Sorted::Values, Sorted::Order, Sorted::Both];

    /// Whether elements are given.
    pub fn has_values(self) -> bool {
        self != Sorted::Order
    }

    /// Whether positions are given.
    pub fn has_order(self) -> bool {
        self != Sorted::Values
    }
}

/// What [`Kernel::ArgReduce`] looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extreme {
    /// The largest element.
    Largest,
    /// The smallest element.
    Smallest,
}

/// How index arrays address a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Indexed {
    /// Extent of every indexed axis, for negative indices.
    pub extents: Vec<usize>,
    /// Stride in bytes of every indexed axis.
    pub strides: Vec<isize>,
}

/// A body whose last output values are folded along some axes instead of being stored: one in a task, and in a launch as
/// many as there are rows in `ops`.
///
/// Arguments: the body's inputs, its outputs that are stored, then for every folded value its partials in the order of the
/// points, of shape
/// `kept... x leaves` for [`Order::KeptFirst`] and `leaves x kept...` for [`Order::ReducedFirst`], where
/// `leaves = ceil(reduced elements / LEAF)`. In a task the input views have the operands' own order of axes; `axes`
/// names the kept axes first and then the reduced ones, outermost first: the fold runs over them in C order. In a
/// launch ([`Launch`](crate::Launch)) all views are already permuted: kept axes first for [`Order::KeptFirst`], reduced
/// axes first for [`Order::ReducedFirst`], and `axes` is the identity.
///
/// A point is one partial: point `p` of a launch is partial `(p / leaves, p % leaves)` for [`Order::KeptFirst`] and
/// `(p % kept, p / kept)` for [`Order::ReducedFirst`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// What is computed per element.
    pub body: Body,
    /// For every folded value the combining row.
    pub ops: Vec<Op>,
    /// The order of axes, kept ones first.
    pub axes: Vec<u8>,
    /// How many of `axes` are kept.
    pub kept: usize,
    /// Which group of axes varies slowest in memory.
    pub order: Order,
}

/// Which axes of a reduction vary slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Rows are reduced: reduced axes are the fast ones.
    KeptFirst,
    /// Columns are reduced: kept axes are the fast ones.
    ReducedFirst,
}

/// Which elements of an argument, in C order of its view, a range of points touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Point `p` touches element `p`.
    Element,
    /// Point `p` touches elements `p * n .. (p + 1) * n`, as far as there are any.
    Rows(usize),
    /// Point `p` touches bytes from `start + p * bytes` to `start + (p + 1) * bytes + beyond`, as far as the view has them.
    Cells {
        /// Where those of the first point begin; may be outside of the view.
        start: isize,
        /// From one point to the next.
        bytes: usize,
        /// How far a point reaches beyond the begin of the next.
        beyond: usize,
    },
    /// Every point may touch everything between two bytes of the region.
    Whole(crate::Span),
    /// The input of a reduction with `leaves` leaves over `n` elements per result and `kept` results.
    Leaves {
        /// Elements per result.
        n: usize,
        /// Leaves per result.
        leaves: usize,
        /// Number of results.
        kept: usize,
        /// Which axes come first.
        order: Order,
    },
}

impl Kernel {
    /// Short name of the class, for traces.
    pub fn name(&self) -> &'static str {
        match self {
            Kernel::Map(_) => "map",
            Kernel::Reduce(_) => "reduce",
            Kernel::Fold { .. } => "fold",
            Kernel::Scan { .. } => "scan",
            Kernel::ArgReduce { .. } => "argreduce",
            Kernel::Gather(_) => "gather",
            Kernel::Scatter { .. } => "scatter",
            Kernel::Iota { .. } => "iota",
            Kernel::Draw { .. } => "draw",
            Kernel::Nonzero => "nonzero",
            Kernel::Matmul { .. } => "matmul",
            Kernel::Sort { gives: Sorted::Order, .. } => "argsort",
            Kernel::Sort { .. } => "sort",
            Kernel::Merge { .. } => "merge",
            Kernel::Blocks(_) => "blocks",
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kernel::Map(body) => write!(out, "map {{ {} }}", one_line(body)),
            Kernel::Reduce(reduce) => {
                let ops: Vec<&str> = reduce.ops.iter().map(|op| op.row().numpy).collect();
                write!(out, "reduce.{} {{ {} }}", ops.join("."), one_line(&reduce.body))
            }
            Kernel::Fold { op, dtype } => write!(out, "fold.{}.{}", op.row().numpy, dtype.name()),
            Kernel::Scan { op, dtype } => write!(out, "scan.{}.{}", op.row().numpy, dtype.name()),
            Kernel::Blocks(blocks) => {
                write!(out, "blocks of {} {{", blocks.rows())?;
                blocks.parts.iter().try_for_each(|part| write!(out, " {};", part.launch.kernel))?;
                write!(out, " }}")
            }
            Kernel::Draw { generator, dtype } => write!(out, "draw.{}.{}", generator.numpy(), dtype.name()),
            Kernel::Matmul { dtype } => write!(out, "matmul.{}", dtype.name()),
            Kernel::Sort { dtype, run, .. } | Kernel::Merge { dtype, run, .. } => {
                write!(out, "{}.{} in runs of {run}", self.name(), dtype.name())
            }
            Kernel::Scatter { combine: Some(op), .. } => write!(out, "scatter.{}", op.row().numpy),
            _ => out.write_str(self.name()),
        }
    }
}

fn one_line(body: &Body) -> String {
    body.to_string().lines().map(str::trim).collect::<Vec<_>>().join("; ")
}
