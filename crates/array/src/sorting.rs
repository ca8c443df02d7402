//! Sorting along an axis, in place or as an order.
//!
//! Rows are sorted one by one. A single long row is cut into as many runs as there are workers, which are sorted and then
//! merged, every worker a part of the result.

use crate::array::record_quiet;
use crate::shape::normalize_axis;
use crate::{Array, Error, Result, runtime};
use maniple_ops::Dtype;
use maniple_runtime::{Access, Kernel, Operand, Privilege, Sorted, View};
use smallvec::{SmallVec, smallvec};

/// Fewest elements of a run: shorter ones are not worth the merge.
const FEWEST: usize = 1 << 16;
/// Rows with more elements than this are copied together first where their elements do not lie side by side.
const LONG: usize = 1 << 16;

impl Array {
    /// Sorts the elements along an axis (`numpy.ndarray.sort`): NaN last, and what is equal in the order it had.
    ///
    /// ```
    /// use maniple_array::Array;
    ///
    /// # fn main() -> maniple_array::Result<()> {
    /// let a = Array::from_slice(&[2, 3], &[3, 1, 2, 9, 7, 8])?;
    /// a.sort(-1)?;
    /// assert_eq!(a.to_vec::<i32>()?, [1, 2, 3, 7, 8, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `AxisError`; complex numbers are not sorted here; failures as of every call.
    pub fn sort(&self, axis: isize) -> Result<()> {
        let rows = self.rows(axis)?;
        let n = extent(&rows);
        if self.size() == 0 || n < 2 {
            return Ok(());
        }
        if rows.overlaps_itself(self.dtype.size()) {
            return Err(Error::not_native("sort of elements that share memory"));
        }
        let array = self.with_view(self.dtype, rows);
        if let Some(run) = runs(&array) {
            let row = array.flat_row();
            let sorted = Array::empty(&[n], self.dtype)?;
            sort_runs(&row, &[&sorted], Sorted::Values, run)?;
            return merge_runs(&[&sorted], &[&row], Sorted::Values, run);
        }
        if array.is_far() {
            let together = array.copied()?;
            sort_runs(&together, &[&together], Sorted::Values, n)?;
            return array.assign((&together).into());
        }
        sort_runs(&array, &[&array], Sorted::Values, n)
    }

    /// The positions along an axis in the order in which their elements are sorted (`numpy.ndarray.argsort`).
    ///
    /// ```
    /// use maniple_array::Array;
    ///
    /// # fn main() -> maniple_array::Result<()> {
    /// let a = Array::from_slice(&[4], &[2.5, f64::NAN, -1.0, 2.5])?;
    /// assert_eq!(a.argsort(0)?.to_vec::<i64>()?, [2, 0, 3, 1]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Array::sort`].
    pub fn argsort(&self, axis: isize) -> Result<Array> {
        let result = Array::empty(self.shape(), Dtype::Int64)?;
        let array = self.with_view(self.dtype, self.rows(axis)?);
        if self.size() == 0 {
            return Ok(result);
        }
        let order = result.with_view(Dtype::Int64, result.rows(axis)?);
        let n = extent(&array.view);
        if let Some(run) = runs(&array) {
            let (values, positions) = (Array::empty(&[n], self.dtype)?, Array::empty(&[n], Dtype::Int64)?);
            sort_runs(&array.flat_row(), &[&values, &positions], Sorted::Both, run)?;
            merge_runs(&[&values, &positions], &[&order.flat_row()], Sorted::Order, run)?;
            return Ok(result);
        }
        let array = if array.is_far() { array.copied()? } else { array };
        if order.is_far() {
            let together = Array::empty(order.shape(), Dtype::Int64)?;
            sort_runs(&array, &[&together], Sorted::Order, n)?;
            order.assign((&together).into())?;
        } else {
            sort_runs(&array, &[&order], Sorted::Order, n)?;
        }
        Ok(result)
    }

    /// The view with an axis last.
    fn rows(&self, axis: isize) -> Result<View> {
        let axis = normalize_axis(axis, self.ndim())?;
        if self.dtype.is_complex() {
            return Err(Error::not_native("sort of complex numbers"));
        }
        let axes: SmallVec<[usize; 4]> =
            (0..self.ndim()).filter(|&other| other != axis).chain([axis]).collect();
        Ok(self.view.permuted(&axes))
    }

    /// A single row, whatever axes of one element it has beside.
    fn flat_row(&self) -> Array {
        let last = self.ndim() - 1;
        let view = View {
            offset: self.view.offset,
            shape: smallvec![self.view.shape[last]],
            strides: smallvec![self.view.strides[last]],
        };
        self.with_view(self.dtype, view)
    }

    /// Whether rows are long and their elements do not lie side by side.
    fn is_far(&self) -> bool {
        extent(&self.view) > LONG && self.view.strides[self.ndim() - 1] != self.dtype.size() as isize
    }
}

/// Elements of a row.
fn extent(rows: &View) -> usize {
    rows.shape[rows.ndim() - 1]
}

/// Elements of a run, if there is but one row and it is to be cut.
fn runs(rows: &Array) -> Option<usize> {
    let n = extent(&rows.view);
    if rows.size() != n || n < 2 * FEWEST {
        return None;
    }
    let machine = runtime().machine();
    let workers = machine.processors.iter().filter(|processor| processor.backend == 0);
    let workers: u32 = workers.map(|processor| processor.workers).sum();
    let count = (workers as usize).min(n / FEWEST);
    (count > 1).then(|| n.div_ceil(count))
}

fn sort_runs(array: &Array, given: &[&Array], gives: Sorted, run: usize) -> Result<()> {
    let n = extent(&array.view);
    let access = Access::Rows(run);
    let mut operands: SmallVec<[Operand<'_>; 3]> = smallvec![array.operand_with(Privilege::Read, access)];
    operands.extend(given.iter().map(|array| array.operand_with(Privilege::Write, access)));
    let kernel = runtime().intern(Kernel::Sort { dtype: array.dtype, gives, run });
    record_quiet(kernel, array.size() / n * n.div_ceil(run), &operands, &[])
}

fn merge_runs(runs: &[&Array], given: &[&Array], gives: Sorted, run: usize) -> Result<()> {
    let whole = |array: &Array| Access::Whole(array.view.span(array.dtype.size()));
    let mut operands: SmallVec<[Operand<'_>; 4]> =
        runs.iter().map(|array| array.operand_with(Privilege::Read, whole(array))).collect();
    operands.extend(given.iter().map(|array| array.operand(Privilege::Write)));
    let kernel = runtime().intern(Kernel::Merge { dtype: runs[0].dtype, gives, run });
    record_quiet(kernel, runs[0].size(), &operands, &[])
}
