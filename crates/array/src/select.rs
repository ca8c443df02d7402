//! Advanced indexing: reading and writing by index arrays and masks, mixed with slices.
//!
//! ```text
//! masks        become the index arrays of their true elements
//! integers     narrow the view, but count as index arrays where the result's axes are placed
//! slices       narrow the view and keep their axis
//! index arrays are broadcast together; their axes stand where the first of them stands if all of them are
//!              neighbours, else in front
//! ```
//!
//! See NumPy's "Advanced indexing" (<https://numpy.org/doc/stable/user/basics.indexing.html>). Bounds are checked when
//! the call is made, which computes the index arrays.

use crate::array::{record, record_quiet, shape_text_dense};
use crate::broadcast::{broadcast_strides, result_order};
use crate::shape::normalize_axis;
use crate::{
    Array, Casting, Error, Index, Input, Layout, Options, Result, apply, apply_one, broadcast_shapes,
};
use crate::{resolve_slice, runtime};
use maniple_ops::{Dtype, Kind, Op, Scalar};
use maniple_runtime::{Access, Indexed, Kernel, Operand, Privilege, Shape, Span, Strides, View};
use smallvec::{SmallVec, smallvec};

/// One entry of an advanced index.
#[derive(Clone, Debug)]
pub enum Pick {
    /// What a basic index has too.
    Basic(Index),
    /// An array of integers: positions along one axis, negative ones from the end.
    At(Array),
    /// An array of truth values, for as many axes as it has itself.
    Where(Array),
}

/// What [`Array::take`] does with positions out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfBounds {
    /// `IndexError`.
    Raise,
    /// They are taken modulo the extent.
    Wrap,
    /// They are moved to the nearest position; negative ones to zero.
    Clip,
}

impl Array {
    /// The elements that an advanced index names, in an array of their own.
    ///
    /// # Errors
    /// NumPy's `IndexError` for too many indices, positions out of bounds, masks of another shape, and index arrays
    /// that do not broadcast.
    pub fn select(&self, picks: &[Pick]) -> Result<Array> {
        let found = match picks {
            [Pick::At(indices) | Pick::Where(indices)] => self.select_at_hand(indices)?,
            _ => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let plan = Plan::new(self, picks)?;
        let order = plan.order();
        let result = Array::empty_ordered(&plan.shape, self.dtype, &order)?;
        plan.gather(self, &result)?;
        Ok(result)
    }

    /// `self[picks] = value`. Of several values for one element the last one stays.
    ///
    /// # Errors
    /// As [`Array::select`]; `ValueError` if the value does not broadcast to what is indexed, `OverflowError` for a
    /// Python integer that does not fit.
    pub fn select_assign(&self, picks: &[Pick], value: Input<'_>) -> Result<()> {
        if let ([Pick::Where(mask)], true) = (picks, is_single(&value)) {
            check_mask(mask, self, 0)?;
            let mut view = mask.view.clone();
            view.shape.extend(std::iter::repeat_n(1, self.ndim() - mask.ndim()));
            view.strides.extend(std::iter::repeat_n(0, self.ndim() - mask.ndim()));
            let mask = mask.with_view(mask.dtype, view);
            return match value {
                Input::Array(array) => {
                    self.assign_where(&mask, Input::Array(&array.reshape(&[], Layout::C)?))
                }
                value => self.assign_where(&mask, value),
            };
        }
        self.scatter(picks, value, None)
    }

    /// `self[picks] op= value`, where an element that is named several times is changed as often (`ufunc.at`).
    ///
    /// # Errors
    /// As [`Array::select_assign`]; not native for a row whose loop has other dtypes than the array's.
    pub fn select_combine(&self, op: Op, picks: &[Pick], value: Input<'_>) -> Result<()> {
        let native = maniple_ops::signature(op, self.dtype).is_some_and(|found| {
            found.op == op && found.ins.iter().chain(&found.outs).all(|&dtype| dtype == self.dtype)
        });
        if !native || op.row().inputs != 2 || op.row().outputs != 1 {
            return Err(Error::not_native(format!("{}.at", op.row().numpy)));
        }
        self.scatter(picks, value, Some(op))
    }

    /// `self[mask] = value` for a mask and a value that broadcast to this array: a choice between old and new, element
    /// by element, so that nobody needs to know how many elements the mask picks.
    ///
    /// # Errors
    /// `ValueError` if mask or value do not broadcast to this array; `OverflowError` for a Python integer that does
    /// not fit.
    pub fn assign_where(&self, mask: &Array, value: Input<'_>) -> Result<()> {
        let cast;
        let value = match value {
            Input::Array(array) if array.dtype == self.dtype => value,
            Input::Array(array) => {
                cast = array.astype(self.dtype, Layout::Keep)?;
                Input::Array(&cast)
            }
            scalar => Input::Scalar(crate::elementwise::constant(&scalar, self.dtype)?),
        };
        let out = [Some(self)];
        let options = Options { out: &out, casting: Some(Casting::Unsafe), ..Options::default() };
        apply(Op::Select, &[mask.into(), value, self.into()], &options).map(|_| ())
    }

    /// The elements at positions along an axis (`numpy.take`); along the flattened array if there is no axis.
    ///
    /// # Errors
    /// `AxisError`, and as [`Array::select`]; `IndexError` for positions in nothing.
    pub fn take(&self, positions: &Array, axis: Option<isize>, bounds: OutOfBounds) -> Result<Array> {
        let flat;
        let (source, axis) = match axis {
            Some(axis) => (self, normalize_axis(axis, self.ndim())?),
            None => {
                flat = self.ravel(Layout::C)?;
                (&flat, 0)
            }
        };
        let extent = source.view.shape[axis];
        if extent == 0 && positions.size() > 0 {
            return Err(Error::index("cannot do a non-empty take from an empty axes."));
        }
        if source.view.shape[..axis].contains(&0) {
            // NumPy looks at positions as it copies: here at none.
            let shape = [&source.view.shape[..axis], &positions.view.shape, &source.view.shape[axis + 1..]];
            return Array::empty(&shape.concat(), source.dtype);
        }
        if bounds == OutOfBounds::Raise
            && axis == 0
            && let Some(found) = source.rows_at_hand(positions)?
        {
            return Ok(found);
        }
        let last = Scalar::new(extent as i64 - 1);
        let positions = match bounds {
            OutOfBounds::Raise => positions.clone(),
            OutOfBounds::Wrap => {
                apply_one(Op::Remainder, &[positions.into(), Scalar::new(extent as i64).into()])?
            }
            OutOfBounds::Clip => {
                apply_one(Op::Clip, &[positions.into(), Scalar::new(0i64).into(), last.into()])?
            }
        };
        let whole = Pick::Basic(Index::Slice(None, None, None));
        let mut picks: SmallVec<[Pick; 4]> = smallvec![whole; axis];
        picks.push(Pick::At(positions));
        let plan = Plan::new(source, &picks)?;
        let result = Array::empty(&plan.shape, source.dtype)?;
        plan.gather(source, &result)?;
        Ok(result)
    }

    /// For every axis the positions of the elements that are not zero, in C order.
    ///
    /// # Errors
    /// A failure of the tasks it depends on: their number is computed at once.
    pub fn nonzero(&self) -> Result<Vec<Array>> {
        let positions = match self.positions_at_hand()? {
            Some(positions) => positions,
            None if self.dtype == Dtype::Bool => self.recorded_positions()?,
            None => {
                let mask = self.astype(Dtype::Bool, Layout::Keep)?;
                match mask.positions_at_hand()? {
                    Some(positions) => positions,
                    None => mask.recorded_positions()?,
                }
            }
        };
        let count = positions.shape()[0];
        let column = |axis: usize| {
            let view = View {
                offset: 8 * axis as isize,
                shape: smallvec![count],
                strides: smallvec![8 * self.ndim() as isize],
            };
            positions.with_view(Dtype::Int64, view)
        };
        Ok((0..self.ndim()).map(column).collect())
    }

    /// The positions of the true elements of a mask: their number is computed at once, they are when they are needed.
    fn recorded_positions(&self) -> Result<Array> {
        let count = self.sum()?.item()?.as_i64() as usize;
        let positions = Array::empty(&[count, self.ndim()], Dtype::Int64)?;
        if count > 0 {
            let kernel = runtime().intern(Kernel::Nonzero);
            let whole = Access::Whole(positions.view.span(8));
            let operands = [self.operand(Privilege::Read), positions.operand_with(Privilege::Write, whole)];
            record_quiet(kernel, self.size(), &operands, &[])?;
        }
        Ok(positions)
    }

    fn scatter(&self, picks: &[Pick], value: Input<'_>, combine: Option<Op>) -> Result<()> {
        let plan = Plan::new_apart(self, picks)?;
        let value = match value {
            Input::Array(array) if array.dtype == self.dtype && !array.may_share_memory(self) => {
                array.clone()
            }
            Input::Array(array) => array.astype(self.dtype, Layout::Keep)?,
            scalar => Array::full(&[], crate::elementwise::constant(&scalar, self.dtype)?)?,
        };
        if let [Pick::Where(mask)] = picks
            && mask.ndim() == self.ndim()
        {
            check_masked_values(&value, plan.size())?;
        }
        let ones = value.ndim().saturating_sub(plan.shape.len());
        let fits = value.shape()[..ones].iter().all(|&extent| extent == 1);
        let trimmed = View {
            offset: value.view.offset,
            shape: Shape::from_slice(&value.view.shape[if fits { ones } else { 0 }..]),
            strides: value.view.strides[if fits { ones } else { 0 }..].into(),
        };
        let Some(strides) = broadcast_strides(&trimmed, &plan.shape) else {
            return Err(Error::value(format!(
                "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
                shape_text_dense(value.shape()),
                shape_text_dense(&plan.shape)
            )));
        };
        if plan.size() == 0 {
            return Ok(());
        }
        let kernel = runtime().intern(Kernel::Scatter { indexed: plan.indexed.clone(), combine });
        let values = View { offset: trimmed.offset, shape: plan.shape.clone(), strides };
        let whole = Access::Whole(self.view.span(self.dtype.size()));
        let views: SmallVec<[View; 4]> =
            plan.indices.iter().map(|(indices, strides)| relocated(indices, strides, &plan.shape)).collect();
        let mut operands: SmallVec<[Operand<'_>; 6]> = smallvec![
            Operand::element(&self.region, Privilege::ReadWrite, self.dtype, &plan.store).with_access(whole)
        ];
        for ((indices, _), view) in plan.indices.iter().zip(&views) {
            operands.push(Operand::element(&indices.region, Privilege::Read, Dtype::Int64, view));
        }
        operands.push(Operand::element(&value.region, Privilege::Read, self.dtype, &values));
        record(kernel, plan.size(), &operands, &[])
    }
}

/// An advanced index of one array, worked out.
struct Plan {
    /// The shape of what is indexed.
    shape: Shape,
    /// Which axes of it the index arrays make: `first..first + joint`.
    first: usize,
    joint: usize,
    /// The indexed store over that shape, with stride zero along those axes.
    store: View,
    /// The index arrays, and their strides over that shape.
    indices: SmallVec<[(Array, Strides); 2]>,
    indexed: Indexed,
}

/// An axis of the narrowed view, in order.
enum Axis {
    /// It stays.
    Kept(usize, isize),
    /// An index array with this number picks along it, if a number is there; an integer already has.
    Picked,
}

/// An index array, extent and stride of its axis, and the axis for messages; masks need no check.
type Picked = (Array, usize, isize, Option<usize>);

impl Plan {
    /// As [`Plan::new`], with index arrays that do not change while the array is written.
    fn new_apart(array: &Array, picks: &[Pick]) -> Result<Plan> {
        let apart = |pick: &Pick| match pick {
            Pick::At(indices) if indices.may_share_memory(array) => indices.copied().map(Pick::At),
            pick => Ok(pick.clone()),
        };
        let picks: SmallVec<[Pick; 4]> = picks.iter().map(apart).collect::<Result<_>>()?;
        Plan::new(array, &picks)
    }

    fn new(array: &Array, picks: &[Pick]) -> Result<Plan> {
        let named = |pick: &Pick| match pick {
            Pick::Basic(Index::At(_) | Index::Slice(..)) | Pick::At(_) => 1,
            Pick::Basic(_) => 0,
            Pick::Where(mask) => mask.ndim(),
        };
        let named: usize = picks.iter().map(named).sum();
        if named > array.ndim() {
            return Err(Error::index(format!(
                "too many indices for array: array is {}-dimensional, but {named} were indexed",
                array.ndim()
            )));
        }
        let is_ellipsis = |pick: &&Pick| matches!(pick, Pick::Basic(Index::Ellipsis));
        if picks.iter().filter(is_ellipsis).count() > 1 {
            return Err(Error::index("an index can only have a single ellipsis ('...')"));
        }
        let mut offset = array.view.offset;
        let mut axes: SmallVec<[Axis; 6]> = SmallVec::new();
        let mut arrays: SmallVec<[Picked; 2]> = SmallVec::new();
        let mut axis = 0;
        let keep = |axis: &mut usize, count: usize, axes: &mut SmallVec<[Axis; 6]>| {
            for _ in 0..count {
                axes.push(Axis::Kept(array.view.shape[*axis], array.view.strides[*axis]));
                *axis += 1;
            }
        };
        for pick in picks {
            match pick {
                Pick::Basic(Index::Ellipsis) => {
                    let count = array.ndim() - named;
                    keep(&mut axis, count, &mut axes);
                    if count == 0 {
                        // Even an ellipsis that stands for nothing parts index arrays.
                        axes.push(Axis::Kept(usize::MAX, 0));
                    }
                }
                Pick::Basic(Index::NewAxis) => axes.push(Axis::Kept(1, 0)),
                Pick::Basic(Index::Slice(start, stop, step)) => {
                    let stride = array.view.strides[axis];
                    let (first, count, step) = resolve_slice(*start, *stop, *step, array.view.shape[axis])?;
                    if count > 0 {
                        offset += first * stride;
                    }
                    axes.push(Axis::Kept(count, stride * step));
                    axis += 1;
                }
                Pick::Basic(Index::At(position)) => {
                    let extent = array.view.shape[axis] as isize;
                    let found = if *position < 0 { position + extent } else { *position };
                    if found < 0 || found >= extent {
                        return Err(out_of_bounds(*position as i64, axis, extent as usize));
                    }
                    offset += found * array.view.strides[axis];
                    axes.push(Axis::Picked);
                    axis += 1;
                }
                Pick::At(indices) => {
                    let indices = whole_numbers(indices)?;
                    arrays.push((indices, array.view.shape[axis], array.view.strides[axis], Some(axis)));
                    axes.push(Axis::Picked);
                    axis += 1;
                }
                Pick::Where(mask) => {
                    check_mask(mask, array, axis)?;
                    for indices in mask.positions()? {
                        let (extent, stride) = match mask.ndim() {
                            0 => (1, 0),
                            _ => (array.view.shape[axis], array.view.strides[axis]),
                        };
                        arrays.push((indices, extent, stride, None));
                        axis += usize::from(mask.ndim() > 0);
                    }
                    axes.push(Axis::Picked);
                }
            }
        }
        let rest = array.ndim() - axis;
        keep(&mut axis, rest, &mut axes);
        if arrays.len() >= crate::MOST_AXES {
            return Err(Error::index("too many advanced indices"));
        }
        let shapes: SmallVec<[&[usize]; 4]> = arrays.iter().map(|(indices, ..)| indices.shape()).collect();
        let joint = broadcast_shapes(&shapes).map_err(|_| {
            let list: Vec<String> = shapes.iter().map(|shape| shape_text_dense(shape)).collect();
            Error::index(format!(
                "shape mismatch: indexing arrays could not be broadcast together with shapes {} ",
                list.join(" ")
            ))
        })?;
        if !joint.contains(&0) {
            for (indices, extent, _, axis) in &arrays {
                if let Some(axis) = axis {
                    check_bounds(indices, *extent, *axis)?;
                }
            }
        }
        Plan::placed(offset, &axes, joint, &arrays)
    }

    /// Puts the axes of the index arrays where they belong.
    fn placed(
        offset: isize,
        axes: &[Axis],
        joint: Shape,
        arrays: &[(Array, usize, isize, Option<usize>)],
    ) -> Result<Plan> {
        let picked = |axis: &Axis| matches!(axis, Axis::Picked);
        let start = axes.iter().position(picked).unwrap_or(0);
        let end = axes.iter().rposition(picked).map_or(0, |last| last + 1);
        let together = axes[start..end].iter().all(picked);
        let kept: SmallVec<[(usize, isize); 4]> = axes
            .iter()
            .filter_map(|axis| match axis {
                Axis::Kept(extent, stride) if *extent != usize::MAX => Some((*extent, *stride)),
                _ => None,
            })
            .collect();
        let real = |axis: &&Axis| matches!(axis, Axis::Kept(extent, _) if *extent != usize::MAX);
        let first = if together { axes[..start].iter().filter(real).count() } else { 0 };
        let mut shape: Shape = kept[..first].iter().map(|&(extent, _)| extent).collect();
        let mut strides: Strides = kept[..first].iter().map(|&(_, stride)| stride).collect();
        shape.extend_from_slice(&joint);
        strides.extend(std::iter::repeat_n(0, joint.len()));
        shape.extend(kept[first..].iter().map(|&(extent, _)| extent));
        strides.extend(kept[first..].iter().map(|&(_, stride)| stride));
        if shape.len() > crate::MOST_AXES {
            return Err(Error::index("too many indices for array: the result has more than 64 dimensions"));
        }
        let indices = arrays
            .iter()
            .map(|(indices, ..)| {
                let mut strides: Strides = smallvec![0; first];
                strides.extend(broadcast_strides(&indices.view, &joint).expect("they were broadcast"));
                strides.resize(shape.len(), 0);
                (indices.clone(), strides)
            })
            .collect();
        let indexed = Indexed {
            extents: arrays.iter().map(|(_, extent, ..)| *extent).collect(),
            strides: arrays.iter().map(|(_, _, stride, _)| *stride).collect(),
        };
        let store = View { offset, shape: shape.clone(), strides };
        Ok(Plan { shape, first, joint: joint.len(), store, indices, indexed })
    }

    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The order of axes in which NumPy lays out the result: those of the index arrays vary slowest, in the order of its
    /// iterator, then the others by their strides in the store, axes that repeat elements among them.
    fn order(&self) -> SmallVec<[usize; 4]> {
        let joint = self.first..self.first + self.joint;
        let mut fast: SmallVec<[usize; 4]> =
            (0..self.shape.len()).filter(|axis| !joint.contains(axis)).collect();
        fast.sort_by_key(|&axis| std::cmp::Reverse(self.store.strides[axis].unsigned_abs()));
        let index_strides: SmallVec<[&[isize]; 2]> =
            self.indices.iter().map(|(_, strides)| &strides[joint.clone()]).collect();
        let slow = result_order(&index_strides, self.joint).into_iter().map(|axis| self.first + axis);
        slow.chain(fast).collect()
    }

    fn gather(&self, source: &Array, result: &Array) -> Result<()> {
        if self.size() == 0 {
            return Ok(());
        }
        let whole: Span = source.view.span(source.dtype.size());
        let kernel = runtime().intern(Kernel::Gather(self.indexed.clone()));
        let views: SmallVec<[View; 4]> =
            self.indices.iter().map(|(indices, strides)| relocated(indices, strides, &self.shape)).collect();
        let mut operands: SmallVec<[Operand<'_>; 6]> = smallvec![
            Operand::element(&source.region, Privilege::Read, source.dtype, &self.store)
                .with_access(Access::Whole(whole))
        ];
        for ((indices, _), view) in self.indices.iter().zip(&views) {
            operands.push(Operand::element(&indices.region, Privilege::Read, Dtype::Int64, view));
        }
        operands.push(result.operand(Privilege::Write));
        record_quiet(kernel, self.size(), &operands, &[])
    }
}

/// An index array over the shape of what is indexed.
fn relocated(indices: &Array, strides: &Strides, shape: &Shape) -> View {
    View { offset: indices.view.offset, shape: shape.clone(), strides: strides.clone() }
}

impl Array {
    /// A mask as index arrays. A mask without axes picks everything or nothing along a new axis.
    fn positions(&self) -> Result<Vec<Array>> {
        if self.ndim() > 0 {
            return self.nonzero();
        }
        let count = usize::from(self.item()?.cast(Dtype::Bool) == Scalar::one(Dtype::Bool));
        Ok(vec![Array::zeros(&[count], Dtype::Int64)?])
    }
}

fn is_single(value: &Input<'_>) -> bool {
    match value {
        Input::Array(array) => array.size() == 1,
        _ => true,
    }
}

fn check_mask(mask: &Array, array: &Array, first: usize) -> Result<()> {
    for (axis, &extent) in mask.shape().iter().enumerate() {
        let Some(&own) = array.shape().get(first + axis) else {
            return Err(Error::index(format!(
                "too many indices for array: array is {}-dimensional, but {} were indexed",
                array.ndim(),
                first + mask.ndim()
            )));
        };
        if own != extent {
            return Err(Error::index(format!(
                "boolean index did not match indexed array along axis {}; size of axis is {own} but size of \
                 corresponding boolean axis is {extent}",
                first + axis
            )));
        }
    }
    Ok(())
}

/// NumPy's own words for values that do not fit what one mask picks.
fn check_masked_values(values: &Array, picked: usize) -> Result<()> {
    if values.ndim() > 1 {
        return Err(Error::value(format!(
            "NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has {} dimensions",
            values.ndim()
        )));
    }
    if values.size() != picked && values.size() != 1 {
        return Err(Error::value(format!(
            "NumPy boolean array indexing assignment cannot assign {} input values to the {picked} output values \
             where the mask is true",
            values.size()
        )));
    }
    Ok(())
}

/// An index array as 64-bit integers.
fn whole_numbers(indices: &Array) -> Result<Array> {
    match indices.dtype.kind() {
        _ if indices.dtype == Dtype::Int64 => Ok(indices.clone()),
        Kind::Int | Kind::UInt => indices.astype(Dtype::Int64, Layout::C),
        _ => Err(Error::index("arrays used as indices must be of integer (or boolean) type")),
    }
}

pub(crate) fn out_of_bounds(position: i64, axis: usize, extent: usize) -> Error {
    Error::index(format!("index {position} is out of bounds for axis {axis} with size {extent}"))
}

/// Computes an index array and looks at every position.
fn check_bounds(indices: &Array, extent: usize, axis: usize) -> Result<()> {
    /// Arrays with more elements are looked at by all workers.
    const MANY: usize = 1 << 18;
    let extent = extent as i64;
    let fits = |position: i64| (-extent..extent).contains(&position);
    if indices.size() > MANY {
        let (least, most) = (indices.min()?, indices.max()?);
        let ends = [least.item()?.as_i64(), most.item()?.as_i64()];
        if ends.iter().all(|&position| fits(position)) {
            return Ok(());
        }
    }
    let address = indices.host(false)?;
    if indices.is_c_contiguous() {
        // SAFETY: the array is contiguous and its elements are at the address, aligned as the runtime and NumPy
        // align them.
        let positions = unsafe { std::slice::from_raw_parts(address.cast::<i64>(), indices.size()) };
        let wrong = positions.iter().fold(0, |wrong, &position| wrong | i64::from(!fits(position)));
        if wrong == 0 {
            return Ok(());
        }
    }
    let mut index: SmallVec<[usize; 4]> = smallvec![0; indices.ndim()];
    for _ in 0..indices.size() {
        let distance: isize =
            index.iter().zip(&indices.view.strides).map(|(&at, &stride)| at as isize * stride).sum();
        // SAFETY: the element is one of the array's.
        let position = unsafe { address.offset(distance).cast::<i64>().read_unaligned() };
        if !fits(position) {
            return Err(out_of_bounds(position, axis, extent as usize));
        }
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < indices.view.shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(())
}
