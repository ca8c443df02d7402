//! Copies, casts and assignment.

use crate::array::record;
use crate::at_hand::Source;
use crate::broadcast::{broadcast_strides, copy_order};
use crate::elementwise::{Input, Layout, cast_kernel, constant, fill_kernel};
use crate::{Array, Error, Result, at_hand};
use maniple_ops::{Dtype, Scalar};
use maniple_runtime::{Operand, Privilege, Shape, View};

impl Array {
    /// The elements in another dtype, in an array of their own.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn astype(&self, dtype: Dtype, layout: Layout) -> Result<Array> {
        let copy = self.empty_like(dtype, layout)?;
        copy.fill_from(self)?;
        Ok(copy)
    }

    /// A copy laid out as close to this array as possible.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn copied_like(&self) -> Result<Array> {
        self.astype(self.dtype, Layout::Keep)
    }

    /// A copy in C order.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn copied(&self) -> Result<Array> {
        self.astype(self.dtype, Layout::C)
    }

    /// An array of the same shape, with undefined elements.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn empty_like(&self, dtype: Dtype, layout: Layout) -> Result<Array> {
        let fortran = || Shape::from_iter((0..self.ndim()).rev());
        match layout {
            Layout::Fortran => Array::empty_ordered(self.shape(), dtype, &fortran()),
            Layout::C => Array::empty(self.shape(), dtype),
            _ if self.is_c_contiguous() => Array::empty(self.shape(), dtype),
            _ if self.is_f_contiguous() => Array::empty_ordered(self.shape(), dtype, &fortran()),
            Layout::Any => Array::empty(self.shape(), dtype),
            Layout::Keep => Array::empty_ordered(self.shape(), dtype, &copy_order(&[self])),
        }
    }

    /// `self[...] = value`: broadcasts, casts as NumPy's assignment does (any cast goes), and reads the value as it
    /// was before the first element is written.
    ///
    /// # Errors
    /// `ValueError` if the value does not broadcast to this array, `OverflowError` for a Python integer that does not
    /// fit.
    pub fn assign(&self, value: Input<'_>) -> Result<()> {
        match value {
            Input::Array(array) => {
                let source = array.without_leading_ones(self.ndim());
                let source = match broadcast_strides(&source.view, self.shape()) {
                    Some(strides) => source.with_view(
                        source.dtype,
                        View { offset: source.view.offset, shape: self.view.shape.clone(), strides },
                    ),
                    None => {
                        return Err(Error::value(format!(
                            "could not broadcast input array from shape {} into shape {}",
                            crate::array::shape_text_dense(array.shape()),
                            crate::array::shape_text_dense(self.shape())
                        )));
                    }
                };
                if source.may_share_memory(self)
                    && !(source.has_region_of(self)
                        && source.view.same_as(&self.view)
                        && source.dtype == self.dtype)
                {
                    return self.fill_from(&source.copied()?);
                }
                self.fill_from(&source)
            }
            scalar => self.fill(constant(&scalar, self.dtype)?),
        }
    }

    /// Sets every element to a value of the array's dtype.
    ///
    /// # Errors
    /// A failure of earlier tasks that this call caused to run.
    pub fn fill(&self, value: Scalar) -> Result<()> {
        debug_assert_eq!(value.dtype(), self.dtype);
        if at_hand::fill(Source::Scalar(&value), self) {
            return Ok(());
        }
        record(fill_kernel(self.dtype), self.size(), &[self.operand(Privilege::Write)], &[value])
    }

    /// Copies an array of the same shape that does not overlap this one, or overlaps it element on element.
    pub(crate) fn fill_from(&self, source: &Array) -> Result<()> {
        debug_assert_eq!(source.shape(), self.shape());
        if at_hand::fill(Source::Array(source), self) {
            return Ok(());
        }
        let operands: [Operand<'_>; 2] = [source.operand(Privilege::Read), self.operand(Privilege::Write)];
        record(cast_kernel(source.dtype, self.dtype), self.size(), &operands, &[])
    }

    /// The array without leading axes of one element, down to `ndim` axes.
    fn without_leading_ones(&self, ndim: usize) -> Array {
        let extra = self.ndim().saturating_sub(ndim);
        let ones = self.shape().iter().take(extra).take_while(|&&extent| extent == 1).count();
        let view = View {
            offset: self.view.offset,
            shape: Shape::from_slice(&self.view.shape[ones..]),
            strides: self.view.strides[ones..].into(),
        };
        self.with_view(self.dtype, view)
    }
}
