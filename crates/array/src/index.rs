//! Basic indexing: integers, slices, `...` and `newaxis` make views.

use crate::{Array, Error, Result};
use maniple_runtime::{Shape, Strides, View};

/// One entry of a basic index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// One position, which takes the axis away; negative ones count from the end.
    At(isize),
    /// `start:stop:step`, each optional.
    Slice(Option<isize>, Option<isize>, Option<isize>),
    /// `...`: all axes not otherwise named.
    Ellipsis,
    /// `None`: a new axis of one element.
    NewAxis,
}

impl Array {
    /// The view that a basic index names.
    ///
    /// # Errors
    /// NumPy's `IndexError` for too many indices, positions out of bounds and two ellipses; `ValueError` for a step
    /// of zero.
    pub fn slice(&self, indices: &[Index]) -> Result<Array> {
        let named = indices.iter().filter(|index| matches!(index, Index::At(_) | Index::Slice(..))).count();
        let ellipses = indices.iter().filter(|index| **index == Index::Ellipsis).count();
        if ellipses > 1 {
            return Err(Error::index("an index can only have a single ellipsis ('...')"));
        }
        if named > self.ndim() {
            return Err(Error::index(format!(
                "too many indices for array: array is {}-dimensional, but {named} were indexed",
                self.ndim()
            )));
        }
        let mut offset = self.view.offset;
        let (mut shape, mut strides) = (Shape::new(), Strides::new());
        let mut axis = 0;
        let keep = |axis: &mut usize, count: usize, shape: &mut Shape, strides: &mut Strides| {
            for at in *axis..*axis + count {
                shape.push(self.view.shape[at]);
                strides.push(self.view.strides[at]);
            }
            *axis += count;
        };
        for index in indices {
            match *index {
                Index::At(position) => {
                    let extent = self.view.shape[axis] as isize;
                    let found = if position < 0 { position + extent } else { position };
                    if found < 0 || found >= extent {
                        return Err(Error::index(format!(
                            "index {position} is out of bounds for axis {axis} with size {extent}"
                        )));
                    }
                    offset += found * self.view.strides[axis];
                    axis += 1;
                }
                Index::Slice(start, stop, step) => {
                    let (first, count, step) = resolve_slice(start, stop, step, self.view.shape[axis])?;
                    if count > 0 {
                        offset += first * self.view.strides[axis];
                    }
                    shape.push(count);
                    strides.push(self.view.strides[axis] * step);
                    axis += 1;
                }
                Index::Ellipsis => keep(&mut axis, self.ndim() - named, &mut shape, &mut strides),
                Index::NewAxis => {
                    shape.push(1);
                    strides.push(0);
                }
            }
        }
        let rest = self.ndim() - axis;
        keep(&mut axis, rest, &mut shape, &mut strides);
        if shape.len() > crate::MOST_AXES {
            return Err(Error::index(
                "number of dimensions must be within [0, 64], indexing result would have more",
            ));
        }
        Ok(self.with_view(self.dtype, View { offset, shape, strides }))
    }
}

/// First position, number of positions and step of a slice, as Python's `slice.indices` finds them.
///
/// # Errors
/// `ValueError` for a step of zero.
pub fn resolve_slice(
    start: Option<isize>,
    stop: Option<isize>,
    step: Option<isize>,
    extent: usize,
) -> Result<(isize, usize, isize)> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::value("slice step cannot be zero"));
    }
    let extent = extent as isize;
    let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
    let bound = |given: Option<isize>, absent: isize| match given {
        None => absent,
        Some(position) if position < 0 => (position.saturating_add(extent)).max(low),
        Some(position) => position.min(high),
    };
    let (first, last) = if step > 0 {
        (bound(start, low), bound(stop, high))
    } else {
        (bound(start, high), bound(stop, low))
    };
    let distance = if step > 0 { last - first } else { first - last };
    let count = if distance <= 0 { 0 } else { ((distance - 1) / step.abs() + 1) as usize };
    Ok((first, count, step))
}
