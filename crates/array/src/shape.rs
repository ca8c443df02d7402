//! Views by shape: reshape, transpose, and their like; and joining.

use crate::broadcast::copy_order;
use crate::{Array, Error, Input, Layout, Result};
use maniple_ops::Dtype;
use maniple_runtime::{Shape, Strides, View};
use smallvec::SmallVec;

/// The position of an axis that may count from the end.
///
/// # Errors
/// NumPy's `AxisError`.
pub fn normalize_axis(axis: isize, ndim: usize) -> Result<usize> {
    let found = if axis < 0 { axis + ndim as isize } else { axis };
    if found < 0 || found >= ndim as isize { Err(Error::axis(axis, ndim)) } else { Ok(found as usize) }
}

/// The positions of distinct axes.
///
/// # Errors
/// NumPy's `AxisError`, and `ValueError` for an axis named twice.
pub fn normalize_axes(axes: &[isize], ndim: usize, what: &str) -> Result<SmallVec<[usize; 4]>> {
    let mut found: SmallVec<[usize; 4]> = SmallVec::new();
    for &axis in axes {
        let axis = normalize_axis(axis, ndim)?;
        if found.contains(&axis) {
            return Err(Error::value(what));
        }
        found.push(axis);
    }
    Ok(found)
}

impl Array {
    /// The elements in C order (or Fortran order) with another shape, one extent of which may be -1: a view wherever
    /// NumPy makes one, else a copy.
    ///
    /// # Errors
    /// NumPy's `ValueError` if the sizes differ.
    pub fn reshape(&self, shape: &[isize], layout: Layout) -> Result<Array> {
        let shape = self.resolve_shape(shape)?;
        let fortran = match layout {
            Layout::Fortran => true,
            Layout::Any => self.is_f_contiguous() && !self.is_c_contiguous(),
            _ => false,
        };
        if let Some(strides) = self.reshape_view(&shape, fortran) {
            return Ok(self.with_view(self.dtype, View { offset: self.view.offset, shape, strides }));
        }
        let copy = self.astype(self.dtype, if fortran { Layout::Fortran } else { Layout::C })?;
        let strides = copy.reshape_view(&shape, fortran).expect("a contiguous array takes any shape");
        Ok(copy.with_view(copy.dtype, View { offset: 0, shape, strides }))
    }

    fn resolve_shape(&self, wanted: &[isize]) -> Result<Shape> {
        let wrong = || {
            let list: Vec<String> = wanted.iter().map(isize::to_string).collect();
            let tuple =
                if let [one] = &list[..] { format!("({one},)") } else { format!("({})", list.join(",")) };
            Error::value(format!("cannot reshape array of size {} into shape {tuple}", self.size()))
        };
        if wanted.iter().filter(|&&extent| extent < 0).count() > 1 {
            return Err(Error::value("can only specify one unknown dimension"));
        }
        let known: usize =
            wanted.iter().filter(|&&extent| extent >= 0).map(|&extent| extent as usize).product();
        let size = self.size();
        let unknown = match (wanted.iter().any(|&extent| extent < 0), known) {
            (false, _) if known == size => 0,
            (true, 1..) if size.is_multiple_of(known) => size / known,
            _ => return Err(wrong()),
        };
        Ok(wanted.iter().map(|&extent| if extent < 0 { unknown } else { extent as usize }).collect())
    }

    /// The strides that give the same elements in another shape, if there are any: runs of axes that lie
    /// consecutively in memory are split and joined, as NumPy's `_attempt_nocopy_reshape` does it.
    fn reshape_view(&self, shape: &[usize], fortran: bool) -> Option<Strides> {
        if self.size() == 0 || self.size() == 1 {
            return Some(crate::array::c_strides(shape, self.dtype.size()));
        }
        if fortran {
            let reversed: Shape = shape.iter().rev().copied().collect();
            let mut strides = self.transposed().reshape_view(&reversed, false)?;
            strides.reverse();
            return Some(strides);
        }
        let old: SmallVec<[(usize, isize); 4]> = (self.view.shape.iter().copied())
            .zip(self.view.strides.iter().copied())
            .filter(|&(extent, _)| extent != 1)
            .collect();
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        let (mut first_old, mut first_new) = (0, 0);
        while first_old < old.len() && first_new < shape.len() {
            let (mut last_old, mut last_new) = (first_old + 1, first_new + 1);
            let (mut old_size, mut new_size) = (old[first_old].0, shape[first_new]);
            while old_size != new_size {
                if new_size < old_size {
                    new_size *= shape[last_new];
                    last_new += 1;
                } else {
                    old_size *= old[last_old].0;
                    last_old += 1;
                }
            }
            if old[first_old..last_old].windows(2).any(|pair| pair[0].1 != pair[1].0 as isize * pair[1].1) {
                return None;
            }
            let mut step = old[last_old - 1].1;
            for axis in (first_new..last_new).rev() {
                strides[axis] = step;
                step *= shape[axis] as isize;
            }
            (first_old, first_new) = (last_old, last_new);
        }
        let last = if first_new > 0 { strides[first_new - 1] } else { self.dtype.size() as isize };
        strides[first_new..].fill(last);
        Some(strides)
    }

    /// A view with the axes in another order; none given reverses them.
    ///
    /// # Errors
    /// NumPy's `ValueError` if `axes` is no permutation.
    pub fn transpose(&self, axes: Option<&[isize]>) -> Result<Array> {
        let Some(axes) = axes else { return Ok(self.transposed()) };
        if axes.len() != self.ndim() {
            return Err(Error::value("axes don't match array"));
        }
        let axes = normalize_axes(axes, self.ndim(), "repeated axis in transpose")?;
        Ok(self.with_view(self.dtype, self.view.permuted(&axes)))
    }

    /// A view with two axes exchanged.
    ///
    /// # Errors
    /// `AxisError`.
    pub fn swapaxes(&self, first: isize, second: isize) -> Result<Array> {
        let (first, second) = (normalize_axis(first, self.ndim())?, normalize_axis(second, self.ndim())?);
        let mut view = self.view.clone();
        view.shape.swap(first, second);
        view.strides.swap(first, second);
        Ok(self.with_view(self.dtype, view))
    }

    /// A view without axes of one element: all, or those named.
    ///
    /// # Errors
    /// `AxisError`; `ValueError` for an axis with more than one element.
    pub fn squeeze(&self, axes: Option<&[isize]>) -> Result<Array> {
        let gone: SmallVec<[usize; 4]> = match axes {
            None => (0..self.ndim()).filter(|&axis| self.view.shape[axis] == 1).collect(),
            Some(axes) => normalize_axes(axes, self.ndim(), "duplicate value in 'axis'")?,
        };
        if gone.iter().any(|&axis| self.view.shape[axis] != 1) {
            return Err(Error::value("cannot select an axis to squeeze out which has size not equal to one"));
        }
        let left: SmallVec<[usize; 4]> = (0..self.ndim()).filter(|axis| !gone.contains(axis)).collect();
        Ok(self.with_view(self.dtype, self.view.permuted(&left)))
    }

    /// The elements as a flat array: a view if they lie in order, else a copy.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn ravel(&self, layout: Layout) -> Result<Array> {
        match layout {
            Layout::Keep => {
                let order = copy_order(&[self]);
                let arranged = self.with_view(self.dtype, self.view.permuted(&order));
                if arranged.is_c_contiguous() {
                    arranged.flat_or_copy(Layout::C)
                } else {
                    self.flat_or_copy(Layout::C)
                }
            }
            layout => self.flat_or_copy(layout),
        }
    }

    fn flat_or_copy(&self, layout: Layout) -> Result<Array> {
        let contiguous = match layout {
            Layout::Fortran => self.is_f_contiguous(),
            Layout::Any => self.is_c_contiguous() || self.is_f_contiguous(),
            _ => self.is_c_contiguous(),
        };
        let source = if contiguous { self.clone() } else { self.astype(self.dtype, layout)? };
        source.reshape(&[-1], layout)
    }

    /// A view of a diagonal of two axes, which becomes the last axis.
    ///
    /// # Errors
    /// `AxisError`; `ValueError` for fewer than two axes or two equal ones.
    pub fn diagonal(&self, offset: isize, first: isize, second: isize) -> Result<Array> {
        if self.ndim() < 2 {
            return Err(Error::value("diag requires an array of at least two dimensions"));
        }
        let (first, second) = (normalize_axis(first, self.ndim())?, normalize_axis(second, self.ndim())?);
        if first == second {
            return Err(Error::value("axis1 and axis2 cannot be the same"));
        }
        let (rows, columns) = (self.view.shape[first] as isize, self.view.shape[second] as isize);
        let (row, column) = if offset < 0 { (-offset, 0) } else { (0, offset) };
        let length = (rows - row).min(columns - column).max(0) as usize;
        let left: SmallVec<[usize; 4]> =
            (0..self.ndim()).filter(|&axis| axis != first && axis != second).collect();
        let mut view = self.view.permuted(&left);
        if length > 0 {
            view.offset += row * self.view.strides[first] + column * self.view.strides[second];
        }
        view.shape.push(length);
        view.strides.push(self.view.strides[first] + self.view.strides[second]);
        Ok(self.with_view(self.dtype, view))
    }

    /// The real or the imaginary part of a complex array; a view.
    pub fn complex_part(&self, imaginary: Part) -> Array {
        let dtype = self.dtype.real();
        let mut view = self.view.clone();
        if imaginary == Part::Imaginary {
            view.offset += dtype.size() as isize;
        }
        self.with_view(dtype, view)
    }
}

/// A part of a complex number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The real part.
    Real,
    /// The imaginary part.
    Imaginary,
}

/// Joins arrays along an axis that exists (`numpy.concatenate`).
///
/// # Errors
/// NumPy's `ValueError` for no arrays, 0-d arrays, or shapes that differ elsewhere; `AxisError`.
pub fn concatenate(arrays: &[Array], axis: isize, dtype: Option<Dtype>) -> Result<Array> {
    let Some(first) = arrays.first() else {
        return Err(Error::value("need at least one array to concatenate"));
    };
    if first.ndim() == 0 {
        return Err(Error::value("zero-dimensional arrays cannot be concatenated"));
    }
    let axis = normalize_axis(axis, first.ndim())?;
    let mut shape: Shape = first.view.shape.clone();
    for (position, array) in arrays.iter().enumerate().skip(1) {
        if array.ndim() != first.ndim() {
            return Err(Error::value(format!(
                "all the input array dimensions except for the concatenation axis must match exactly, but along \
                 dimension 0, the array at index 0 has {} dimension(s) and the array at index {position} has {} \
                 dimension(s)",
                first.ndim(),
                array.ndim()
            )
            .replace("array dimensions except for the concatenation axis must match exactly, but along dimension 0,", "arrays must have same number of dimensions, but")));
        }
        for other in 0..first.ndim() {
            if other != axis && array.view.shape[other] != first.view.shape[other] {
                return Err(Error::value(format!(
                    "all the input array dimensions except for the concatenation axis must match exactly, but along \
                     dimension {other}, the array at index 0 has size {} and the array at index {position} has size {}",
                    first.view.shape[other], array.view.shape[other]
                )));
            }
        }
        shape[axis] += array.view.shape[axis];
    }
    let dtype = dtype.unwrap_or_else(|| {
        arrays.iter().skip(1).fold(first.dtype, |joint, array| joint.promote(array.dtype))
    });
    let joint = Array::empty_ordered(&shape, dtype, &copy_order(&arrays.iter().collect::<Vec<_>>()))?;
    let mut start = 0;
    for array in arrays {
        let mut view = joint.view.clone();
        view.offset += start as isize * view.strides[axis];
        view.shape[axis] = array.view.shape[axis];
        joint.with_view(dtype, view).assign(Input::Array(array))?;
        start += array.view.shape[axis];
    }
    Ok(joint)
}
