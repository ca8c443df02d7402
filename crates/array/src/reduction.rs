//! Reductions, running folds, and statistics made of them.
//!
//! A reduction folds leaves of fixed size in a fixed tree (see [`maniple_ops::LEAF`]), so that its bits depend on the
//! operands' layout and on nothing else.

use crate::array::{record, record_quiet};
use crate::broadcast::result_order;
use crate::elementwise::{Input, Options, apply, apply_one};
use crate::session::Part as PartOf;
use crate::shape::{Part, normalize_axes, normalize_axis};
use crate::{Array, Error, Layout, Result, at_hand, runtime};
use maniple_ops::{Body, Casting, Dtype, Kind, LEAF, Op, Scalar, Step, fold};
use maniple_runtime::{
    Access, During, Extreme, Indexed, Kernel, KernelId, Operand, Order, Privilege, Reduce, Shape, View,
};
use num_complex::Complex64;
use smallvec::{SmallVec, smallvec};

/// A search for one extreme among so many elements is split into [`SEARCHES`], for several workers.
const LONG_SEARCH: usize = 1 << 18;
/// Parts of a long search.
const SEARCHES: usize = 256;

/// The keyword arguments of a reduction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reduction<'a> {
    /// `axis=`: none for all axes.
    pub axes: Option<&'a [isize]>,
    /// `keepdims=`.
    pub keepdims: KeepDims,
    /// `dtype=`: the dtype that is folded in and returned.
    pub dtype: Option<Dtype>,
    /// `initial=`.
    pub initial: Option<Input<'a>>,
    /// `where=`.
    pub mask: Option<&'a Array>,
    /// `out=`.
    pub out: Option<&'a Array>,
}

impl Reduction<'_> {
    /// Whether all elements are folded without further ado.
    fn is_plain(&self) -> bool {
        let nothing_given = self.dtype.is_none() && self.initial.is_none() && self.mask.is_none();
        nothing_given && self.axes.is_none() && self.out.is_none() && self.keepdims == KeepDims::No
    }
}

/// Whether reduced axes stay, with one element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepDims {
    /// They go.
    #[default]
    No,
    /// They stay.
    Yes,
}

/// Folds an array along axes with a row (`ufunc.reduce`).
///
/// # Errors
/// NumPy's: `AxisError`, `ValueError` for nothing to fold and no identity, `TypeError` for dtypes without a loop.
pub fn reduce(op: Op, array: &Array, options: &Reduction<'_>) -> Result<Array> {
    let _part = PartOf::of(During::Reduce);
    if options.is_plain()
        && let Some(value) = crate::quick::fold_all(op, array)?
    {
        return Ok(value);
    }
    let axes: SmallVec<[usize; 4]> = match options.axes {
        None => (0..array.ndim()).collect(),
        Some(axes) => normalize_axes(axes, array.ndim(), "duplicate value in 'axis'")?,
    };
    let (folded, result) = fold_dtypes(op, array.dtype, options)?;
    if axes.len() > 1 && !is_reorderable(op) {
        return Err(Error::value(format!(
            "reduction operation '{}' is not reorderable, so at most one axis may be specified",
            op.row().numpy
        )));
    }
    if !folds_in_a_tree(op, folded) {
        return Err(Error::not_native(format!("{}.reduce", op.row().numpy)));
    }
    let reduced: usize = axes.iter().map(|&axis| array.view.shape[axis]).product();
    let identity = identity_of(op, folded);
    let initial = match options.initial {
        Some(Input::Array(value)) => Some(value.item()?.cast(folded)),
        Some(Input::Scalar(value)) => Some(value.cast(folded)),
        Some(Input::Int(value)) => Some(crate::int_constant(value, folded)?),
        Some(Input::Float(value)) => Some(Scalar::new(value).cast(folded)),
        Some(Input::Complex(value)) => Some(Scalar::new(value).cast(folded)),
        None => None,
    };
    // Folds of ours end with adding zero, as NumPy's sums begin with it; those that begin with this begin elsewhere.
    if op == Op::Add && initial.is_some_and(has_negative_zero) {
        return Err(Error::not_native("add.reduce that begins with a negative zero"));
    }
    let kept_shape: Shape =
        (0..array.ndim()).filter(|axis| !axes.contains(axis)).map(|axis| array.view.shape[axis]).collect();
    let value = if reduced == 0 {
        let Some(empty) = initial.or(identity) else {
            return Err(Error::value(format!(
                "zero-size array to reduction operation {} which has no identity",
                op.row().numpy
            )));
        };
        let layout = kept_layout(array, &axes);
        let shape: Shape = layout.iter().map(|&at| kept_shape[at]).collect();
        let value = Array::full(&shape, empty)?;
        value.with_view(folded, value.view.permuted(&inverse(&layout)))
    } else {
        let masked;
        let source = match options.mask {
            None => array,
            Some(mask) => {
                let Some(neutral) = initial.or(identity) else {
                    return Err(Error::value(format!(
                        "reduction operation '{}' does not have an identity, so to use a where mask one has to \
                         specify 'initial'",
                        op.row().numpy
                    )));
                };
                let neutral = if identity.is_some() { identity.unwrap_or(neutral) } else { neutral };
                let cast =
                    if array.dtype == folded { array.clone() } else { array.astype(folded, Layout::Keep)? };
                masked = apply_one(Op::Select, &[mask.into(), (&cast).into(), neutral.into()])?;
                if masked.shape() != array.shape() {
                    return Err(Error::not_native("where= larger than the array"));
                }
                &masked
            }
        };
        let value = fold_axes(op, source, &axes, folded, &kept_shape)?;
        match initial {
            Some(initial) => apply_one(op, &[(&value).into(), initial.into()])?,
            None => value,
        }
    };
    let value = if value.dtype == result { value } else { value.astype(result, Layout::Keep)? };
    let value =
        if options.keepdims == KeepDims::Yes { value.with_kept_axes(&axes, array.ndim()) } else { value };
    deliver(op, value, options.out)
}

fn has_negative_zero(value: Scalar) -> bool {
    let is = |part: f64| part == 0.0 && part.is_sign_negative();
    match value.dtype().kind() {
        Kind::Float => is(value.as_f64()),
        Kind::Complex => {
            let value: Complex64 = value.cast(Dtype::Complex128).get();
            is(value.re) || is(value.im)
        }
        _ => false,
    }
}

/// Stores a result in `out=`, or returns it.
fn deliver(op: Op, value: Array, out: Option<&Array>) -> Result<Array> {
    let Some(out) = out else { return Ok(value) };
    if out.shape() != value.shape() {
        return Err(Error::value(format!(
            "output parameter for reduction operation {} has the wrong number of dimensions: Found {} but expected {}",
            op.row().numpy,
            out.ndim(),
            value.ndim()
        )));
    }
    if !value.dtype.can_cast(out.dtype, Casting::SameKind) {
        return Err(Error::new(
            crate::Kind::Casting,
            format!(
                "Cannot cast ufunc '{}' output from dtype('{}') to dtype('{}') with casting rule 'same_kind'",
                op.row().numpy,
                value.dtype.name(),
                out.dtype.name()
            ),
        ));
    }
    out.assign((&value).into())?;
    Ok(out.clone())
}

/// The kept axes of a reduction by number, from the slowest to the fastest in the array: the result is laid out so.
fn kept_layout(array: &Array, axes: &[usize]) -> SmallVec<[usize; 4]> {
    let kept = (0..array.ndim()).filter(|axis| !axes.contains(axis));
    let strides: SmallVec<[isize; 4]> = kept.map(|axis| array.view.strides[axis]).collect();
    result_order(&[&strides], strides.len()).into_iter().collect()
}

/// Where each axis stands in an order of axes.
fn inverse(order: &[usize]) -> SmallVec<[usize; 4]> {
    let mut places: SmallVec<[usize; 4]> = smallvec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        places[axis] = place;
    }
    places
}

/// Records the fold itself: leaves, then their tree.
fn fold_axes(op: Op, array: &Array, axes: &[usize], folded: Dtype, kept_shape: &Shape) -> Result<Array> {
    let stride =
        |axis: usize| if array.view.shape[axis] > 1 { array.view.strides[axis].unsigned_abs() } else { 0 };
    let kept_axes: SmallVec<[usize; 4]> = (0..array.ndim()).filter(|axis| !axes.contains(axis)).collect();
    let layout = kept_layout(array, axes);
    let kept: SmallVec<[usize; 4]> = layout.iter().map(|&at| kept_axes[at]).collect();
    let kept_shape: &Shape = &layout.iter().map(|&at| kept_shape[at]).collect();
    let mut inner: SmallVec<[usize; 4]> = axes.into();
    inner.sort_by_key(|&axis| (std::cmp::Reverse(stride(axis)), axis));
    let n: usize = axes.iter().map(|&axis| array.view.shape[axis]).product();
    let results: usize = kept_shape.iter().product();
    let leaves = n.div_ceil(LEAF);
    let fastest = |axes: &[usize]| axes.iter().map(|&axis| stride(axis)).filter(|&step| step > 0).min();
    let order = match (fastest(&inner), fastest(&kept)) {
        (Some(reduced), Some(kept)) if kept < reduced => Order::ReducedFirst,
        _ => Order::KeptFirst,
    };
    let widen =
        if array.dtype == Dtype::Float16 && folded == Dtype::Float16 { Dtype::Float32 } else { folded };
    // Partials lie in the order of the points that make them.
    let leaf_axis = if order == Order::KeptFirst { kept_shape.len() } else { 0 };
    let mut partial_shape = kept_shape.clone();
    partial_shape.insert(leaf_axis, leaves);
    let partial = Array::empty(&partial_shape, widen)?;
    if !at_hand::fold_axis(op, array, &inner, &kept, &partial) {
        let all_axes = kept.iter().chain(&inner).map(|&axis| axis as u8).collect();
        let kernel = leaves_kernel(op, array.dtype, widen, all_axes, kept.len(), order);
        let access = Access::Leaves { n, leaves, kept: results.max(1), order };
        let operands: [Operand<'_>; 2] =
            [array.operand_with(Privilege::Read, access), partial.operand(Privilege::Write)];
        record(kernel, results * leaves, &operands, &[])?;
    }
    let value = fold_leaves(op, &partial, leaf_axis)?;
    let value = value.with_view(widen, value.view.permuted(&inverse(&layout)));
    if widen == folded { Ok(value) } else { value.astype(folded, Layout::Keep) }
}

/// Records the tree of the leaves that lie along an axis; the others stay.
fn fold_leaves(op: Op, partial: &Array, leaf_axis: usize) -> Result<Array> {
    let leaves_last: SmallVec<[usize; 4]> =
        (0..partial.ndim()).filter(|&axis| axis != leaf_axis).chain([leaf_axis]).collect();
    let dtype = partial.dtype;
    let by_result = partial.with_view(dtype, partial.view.permuted(&leaves_last));
    let leaves = partial.view.shape[leaf_axis];
    if leaves == 1 {
        return by_result.squeeze(Some(&[-1]));
    }
    let value = Array::empty(&by_result.shape()[..partial.ndim() - 1], dtype)?;
    let kernel = runtime().intern(Kernel::Fold { op, dtype });
    let operands =
        [by_result.operand_with(Privilege::Read, Access::Rows(leaves)), value.operand(Privilege::Write)];
    if dtype.is_inexact() {
        record(kernel, value.size(), &operands, &[])?;
    } else {
        record_quiet(kernel, value.size(), &operands, &[])?;
    }
    Ok(value)
}

/// The sums, over the first axis of two views of one shape, of the products of their elements: one pass over both, without
/// a place for the products.
pub(crate) fn sum_of_products(dtype: Dtype, factors: [(&Array, View); 2]) -> Result<Array> {
    let shape = factors[0].1.shape.clone();
    let (n, leaves, results) = (shape[0], shape[0].div_ceil(LEAF), shape[1..].iter().product::<usize>());
    let mut body = Body { inputs: vec![dtype; 2], ..Body::default() };
    body.outputs = vec![body.push_apply(Op::Multiply, dtype, smallvec![0, 1])];
    let axes = (1..shape.len() as u8).chain([0]).collect();
    let (kept, order) = (shape.len() - 1, Order::ReducedFirst);
    let kernel = runtime().intern(Kernel::Reduce(Reduce { body, ops: vec![Op::Add], axes, kept, order }));
    let partial_shape: Shape = [leaves].iter().chain(&shape[1..]).copied().collect();
    let partial = Array::empty(&partial_shape, dtype)?;
    let access = Access::Leaves { n, leaves, kept: results, order };
    let [a, b] = factors.each_ref().map(|(array, view)| {
        Operand::element(&array.region, Privilege::Read, dtype, view).with_access(access)
    });
    record(kernel, results * leaves, &[a, b, partial.operand(Privilege::Write)], &[])?;
    fold_leaves(Op::Add, &partial, 0)
}

/// The kernel that folds leaves along the axes from number `kept` on in a dtype.
pub(crate) fn leaves_kernel(
    op: Op,
    from: Dtype,
    folded: Dtype,
    axes: Vec<u8>,
    kept: usize,
    order: Order,
) -> KernelId {
    let mut body =
        Body { inputs: vec![from], constants: Vec::new(), steps: Vec::<Step>::new(), outputs: vec![0] };
    if from != folded {
        body.outputs[0] = body.push_cast(0, folded);
    }
    runtime().intern(Kernel::Reduce(Reduce { body, ops: vec![op], axes, kept, order }))
}

/// The dtype in which a reduction folds, and the one it returns.
pub(crate) fn fold_dtypes(op: Op, dtype: Dtype, options: &Reduction<'_>) -> Result<(Dtype, Dtype)> {
    if let Some(dtype) = options.dtype {
        return Ok((if is_logical(op) { Dtype::Bool } else { dtype }, dtype));
    }
    if is_logical(op) {
        return Ok((Dtype::Bool, Dtype::Bool));
    }
    if let (Some(out), Op::Add | Op::Multiply) = (options.out, op)
        && out.dtype.size() >= dtype.size()
        && out.dtype.kind() == dtype.kind()
    {
        return Ok((out.dtype, out.dtype));
    }
    let folded = match (op, dtype.kind()) {
        (Op::Add | Op::Multiply, Kind::Bool) => Dtype::Int64,
        (Op::Add | Op::Multiply, Kind::Int) => Dtype::Int64,
        (Op::Add | Op::Multiply, Kind::UInt) => Dtype::UInt64,
        _ => dtype,
    };
    Ok((folded, folded))
}

fn is_logical(op: Op) -> bool {
    matches!(op, Op::LogicalAnd | Op::LogicalOr | Op::LogicalXor)
}

/// Whether the row's folds have the bits of NumPy's, up to rounding, in any order. The extremes of complex numbers have
/// not: of several that hold a NaN the first one is the result.
pub(crate) fn folds_in_a_tree(op: Op, dtype: Dtype) -> bool {
    let first_counts = matches!(op, Op::Maximum | Op::Minimum | Op::Fmax | Op::Fmin) && dtype.is_complex();
    is_reorderable(op) && !first_counts && fold(op, dtype).is_some()
}

/// Rows that are associative and commutative up to rounding.
fn is_reorderable(op: Op) -> bool {
    matches!(
        op,
        Op::Add
            | Op::Multiply
            | Op::Maximum
            | Op::Minimum
            | Op::Fmax
            | Op::Fmin
            | Op::LogicalAnd
            | Op::LogicalOr
            | Op::LogicalXor
            | Op::BitwiseAnd
            | Op::BitwiseOr
            | Op::BitwiseXor
            | Op::Gcd
            | Op::Lcm
            | Op::Logaddexp
            | Op::Logaddexp2
            | Op::Hypot
    )
}

fn identity_of(op: Op, dtype: Dtype) -> Option<Scalar> {
    match op {
        Op::Add | Op::LogicalOr | Op::LogicalXor | Op::BitwiseOr | Op::BitwiseXor | Op::Gcd | Op::Hypot => {
            Some(Scalar::zero(dtype))
        }
        Op::Multiply | Op::LogicalAnd => Some(Scalar::one(dtype)),
        Op::BitwiseAnd => Some(Scalar::new(-1i64).cast(dtype)),
        Op::Logaddexp | Op::Logaddexp2 => Some(Scalar::new(f64::NEG_INFINITY).cast(dtype)),
        _ => None,
    }
}

impl Array {
    /// A view of a result with the reduced axes put back, with one element each.
    pub fn with_kept_axes(&self, axes: &[usize], ndim: usize) -> Array {
        let (mut shape, mut strides) = (Shape::new(), smallvec![]);
        let mut own = 0;
        for axis in 0..ndim {
            if axes.contains(&axis) {
                shape.push(1);
                strides.push(0);
            } else {
                shape.push(self.view.shape[own]);
                strides.push(self.view.strides[own]);
                own += 1;
            }
        }
        self.with_view(self.dtype, View { offset: self.view.offset, shape, strides })
    }

    /// The sum of all elements, in NumPy's dtype for it.
    ///
    /// # Errors
    /// As [`reduce`].
    pub fn sum(&self) -> Result<Array> {
        reduce(Op::Add, self, &Reduction::default())
    }

    /// Sums along one axis.
    ///
    /// # Errors
    /// As [`reduce`].
    pub fn sum_axis(&self, axis: isize) -> Result<Array> {
        reduce(Op::Add, self, &Reduction { axes: Some(&[axis]), ..Reduction::default() })
    }

    /// The smallest element; NaN if there is one.
    ///
    /// # Errors
    /// As [`reduce`].
    pub fn min(&self) -> Result<Array> {
        reduce(Op::Minimum, self, &Reduction::default())
    }

    /// The largest element; NaN if there is one.
    ///
    /// # Errors
    /// As [`reduce`].
    pub fn max(&self) -> Result<Array> {
        reduce(Op::Maximum, self, &Reduction::default())
    }

    /// The arithmetic mean along axes. Integers and booleans are averaged in float64, float16 in float32.
    ///
    /// # Errors
    /// As [`reduce`].
    pub fn mean(&self, options: &Reduction<'_>) -> Result<Array> {
        let half = options.dtype.is_none() && self.dtype == Dtype::Float16;
        let dtype = options.dtype.or(match self.dtype.kind() {
            Kind::Bool | Kind::Int | Kind::UInt => Some(Dtype::Float64),
            _ if half => Some(Dtype::Float32),
            _ => None,
        });
        let sum = reduce(Op::Add, self, &Reduction { dtype, out: None, ..*options })?;
        let count = self.count(options.axes)?;
        let divisor = Scalar::new(count as f64).cast(if sum.dtype.kind() == Kind::Complex {
            sum.dtype.real()
        } else {
            sum.dtype
        });
        let out = [options.out];
        let options = Options {
            out: if options.out.is_some() { &out } else { &[] },
            casting: Some(Casting::Unsafe),
            ..Options::default()
        };
        let mean = apply(Op::Divide, &[(&sum).into(), divisor.into()], &options)?.swap_remove(0);
        if half && options.out.is_empty() { mean.astype(Dtype::Float16, Layout::Keep) } else { Ok(mean) }
    }

    /// The variance along axes, with `correction` degrees of freedom taken off. `mean` is the mean if it is known, with
    /// the reduced axes kept.
    ///
    /// # Errors
    /// As [`reduce`].
    pub fn var(&self, options: &Reduction<'_>, correction: f64, mean: Option<&Array>) -> Result<Array> {
        let half = options.dtype.is_none() && self.dtype == Dtype::Float16;
        let wide = match self.dtype.kind() {
            Kind::Bool | Kind::Int | Kind::UInt => Some(Dtype::Float64),
            _ if half => Some(Dtype::Float32),
            _ => None,
        };
        let dtype = options.dtype.or(wide);
        let mean = match mean {
            Some(mean) => mean.clone(),
            None => self.mean(&Reduction {
                dtype,
                keepdims: KeepDims::Yes,
                axes: options.axes,
                mask: options.mask,
                ..Reduction::default()
            })?,
        };
        let deviation = apply_one(Op::Subtract, &[self.into(), (&mean).into()])?;
        let square = if deviation.dtype.kind() == Kind::Complex {
            let parts = [Part::Real, Part::Imaginary].map(|part| deviation.complex_part(part));
            let squares =
                [0, 1].map(|at| apply_one(Op::Multiply, &[(&parts[at]).into(), (&parts[at]).into()]));
            let [real, imaginary] = squares;
            apply_one(Op::Add, &[(&real?).into(), (&imaginary?).into()])?
        } else {
            apply_one(Op::Multiply, &[(&deviation).into(), (&deviation).into()])?
        };
        let sum = reduce(Op::Add, &square, &Reduction { dtype: None, out: None, ..*options })?;
        let freedom = (self.count(options.axes)? as f64 - correction).max(0.0);
        let out = [options.out];
        let given = Options {
            out: if options.out.is_some() { &out } else { &[] },
            casting: Some(Casting::Unsafe),
            ..Options::default()
        };
        let divisor = Scalar::new(freedom).cast(sum.dtype);
        let variance = apply(Op::Divide, &[(&sum).into(), divisor.into()], &given)?.swap_remove(0);
        if half && options.out.is_none() {
            variance.astype(Dtype::Float16, Layout::Keep)
        } else {
            Ok(variance)
        }
    }

    /// Number of elements along axes.
    fn count(&self, axes: Option<&[isize]>) -> Result<usize> {
        Ok(match axes {
            None => self.size(),
            Some(axes) => normalize_axes(axes, self.ndim(), "duplicate value in 'axis'")?
                .iter()
                .map(|&axis| self.view.shape[axis])
                .product(),
        })
    }

    /// Index of the first largest or smallest element along an axis, or of all elements in C order.
    ///
    /// # Errors
    /// `AxisError`; `ValueError` for nothing to choose from.
    pub fn arg_extreme(&self, goal: Extreme, axis: Option<isize>, keepdims: KeepDims) -> Result<Array> {
        let axes: SmallVec<[usize; 4]> = match axis {
            None => (0..self.ndim()).collect(),
            Some(axis) => smallvec![normalize_axis(axis, self.ndim())?],
        };
        let n: usize = axes.iter().map(|&axis| self.view.shape[axis]).product();
        if n == 0 {
            let name = if goal == Extreme::Largest { "argmax" } else { "argmin" };
            return Err(Error::value(format!("attempt to get {name} of an empty sequence")));
        }
        let kept: SmallVec<[usize; 4]> = (0..self.ndim()).filter(|axis| !axes.contains(axis)).collect();
        let order: SmallVec<[usize; 4]> = kept.iter().chain(&axes).copied().collect();
        let view = self.view.permuted(&order);
        let item = self.dtype.size();
        let line = match view.strides[..] {
            _ if !kept.is_empty() || n < LONG_SEARCH => None,
            [stride] => Some(stride),
            _ => view.is_contiguous(item).then_some(item as isize),
        };
        let result = match line {
            Some(stride) => self.long_search(goal, n, stride)?,
            None => self.search(goal, &view, kept.len())?,
        };
        Ok(if keepdims == KeepDims::Yes { result.with_kept_axes(&axes, self.ndim()) } else { result })
    }

    /// For every index of the first `kept` axes of a view of this array, the index of the extreme along the others.
    fn search(&self, goal: Extreme, view: &View, kept: usize) -> Result<Array> {
        let (kept, searched) = view.shape.split_at(kept);
        let result = Array::empty(kept, Dtype::Int64)?;
        let kernel = runtime().intern(Kernel::ArgReduce { goal, dtype: self.dtype });
        let n = searched.iter().product();
        let operands = [
            Operand::element(&self.region, Privilege::Read, self.dtype, view).with_access(Access::Rows(n)),
            result.operand(Privilege::Write),
        ];
        record_quiet(kernel, result.size(), &operands, &[])?;
        Ok(result)
    }

    /// The index of the extreme among many elements in a line: the place of the extreme of each part, and the first part
    /// whose extreme is that of all. Parts may overlap, as the first of equal elements is found all the same.
    fn long_search(&self, goal: Extreme, n: usize, stride: isize) -> Result<Array> {
        let step = n / SEARCHES;
        let length = n - step * (SEARCHES - 1);
        let between = stride * step as isize;
        let parts = View {
            offset: self.view.offset,
            shape: smallvec![SEARCHES, length],
            strides: smallvec![between, stride],
        };
        let places = self.search(goal, &parts, 1)?;
        let extremes = Array::empty(&[SEARCHES], self.dtype)?;
        let firsts =
            View { offset: self.view.offset, shape: smallvec![SEARCHES], strides: smallvec![between] };
        self.pick(&firsts, length, stride, &places, &extremes)?;
        let part = extremes.search(goal, &extremes.view, 0)?;
        let starts = Array::iota(Scalar::new(0i64), Scalar::new(step as i64), SEARCHES)?;
        let places = places.add(&starts)?;
        let result = Array::empty(&[], Dtype::Int64)?;
        let first = View { offset: places.view.offset, shape: Shape::new(), strides: smallvec![] };
        places.pick(&first, SEARCHES, size_of::<i64>() as isize, &part, &result)?;
        Ok(result)
    }

    /// Takes, from every row that a view names by its first element, the element at that row's place.
    fn pick(
        &self,
        firsts: &View,
        length: usize,
        stride: isize,
        places: &Array,
        result: &Array,
    ) -> Result<()> {
        let indexed = Indexed { extents: vec![length], strides: vec![stride] };
        let kernel = runtime().intern(Kernel::Gather(indexed));
        let whole = self.view.span(self.dtype.size());
        let operands = [
            Operand::element(&self.region, Privilege::Read, self.dtype, firsts)
                .with_access(Access::Whole(whole)),
            Operand::element(&places.region, Privilege::Read, Dtype::Int64, &places.view),
            result.operand(Privilege::Write),
        ];
        record_quiet(kernel, result.size(), &operands, &[])
    }

    /// Running folds along an axis (`ufunc.accumulate`), one rounding after the other as NumPy does it.
    ///
    /// # Errors
    /// `AxisError`; not native for rows whose result has another dtype than their inputs.
    pub fn accumulate(
        &self,
        op: Op,
        axis: isize,
        dtype: Option<Dtype>,
        out: Option<&Array>,
    ) -> Result<Array> {
        let axis = normalize_axis(axis, self.ndim())?;
        let (folded, result) =
            fold_dtypes(op, self.dtype, &Reduction { dtype, out, ..Reduction::default() })?;
        if fold(op, folded).is_none() || folded != result {
            return Err(Error::not_native(format!("{}.accumulate", op.row().numpy)));
        }
        let source = if self.dtype == folded { self.clone() } else { self.astype(folded, Layout::Keep)? };
        let layout = result_order(&[self.strides()], self.ndim());
        let running = Array::empty_ordered(source.shape(), folded, &layout)?;
        let order: SmallVec<[usize; 4]> =
            (0..self.ndim()).filter(|&other| other != axis).chain([axis]).collect();
        let n = self.view.shape[axis];
        let (from, to) = (source.view.permuted(&order), running.view.permuted(&order));
        let kernel = runtime().intern(Kernel::Scan { op, dtype: folded });
        let operands = [
            Operand::element(&source.region, Privilege::Read, folded, &from).with_access(Access::Rows(n)),
            Operand::element(&running.region, Privilege::Write, folded, &to).with_access(Access::Rows(n)),
        ];
        let rows = self.size().checked_div(n).unwrap_or(0);
        let _part = PartOf::of(During::Accumulate);
        record(kernel, rows, &operands, &[])?;
        deliver(op, running, out)
    }
}
