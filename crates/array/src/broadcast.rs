//! Broadcasting: shapes of several operands to one, and the order in which NumPy lays out a result.

use crate::array::shape_text_dense;
use crate::{Array, Error, Result};
use maniple_runtime::{Shape, Strides, View};
use smallvec::SmallVec;

/// The shape that all shapes broadcast to.
///
/// # Errors
/// NumPy's `ValueError` that names all shapes.
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Result<Shape> {
    let ndim = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut joint: Shape = SmallVec::from_elem(1, ndim);
    for shape in shapes {
        for (axis, &extent) in shape.iter().enumerate() {
            let slot = &mut joint[ndim - shape.len() + axis];
            if *slot == 1 {
                *slot = extent;
            } else if extent != 1 && extent != *slot {
                let list: Vec<String> = shapes.iter().map(|shape| shape_text_dense(shape)).collect();
                return Err(Error::value(format!(
                    "operands could not be broadcast together with shapes {} ",
                    list.join(" ")
                )));
            }
        }
    }
    Ok(joint)
}

/// The strides with which a view runs over a shape it broadcasts to; `None` if it does not.
pub(crate) fn broadcast_strides(view: &View, shape: &[usize]) -> Option<Strides> {
    if view.ndim() > shape.len() {
        return None;
    }
    let first = shape.len() - view.ndim();
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    for (axis, (&extent, &stride)) in view.shape.iter().zip(&view.strides).enumerate() {
        if extent == shape[first + axis] {
            strides[first + axis] = if extent == 1 { 0 } else { stride };
        } else if extent != 1 {
            return None;
        }
    }
    Some(strides)
}

impl Array {
    /// A view of the array with another shape, extents of 1 repeated.
    ///
    /// # Errors
    /// NumPy's `ValueError` if the shapes do not fit.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Array> {
        let Some(strides) = broadcast_strides(&self.view, shape) else {
            return Err(Error::value(if self.ndim() > shape.len() {
                "input operand has more dimensions than allowed by the axis remapping".to_string()
            } else {
                format!(
                    "operands could not be broadcast together with remapped shapes [original->remapped]: {}  and \
                     requested shape {}",
                    shape_text_dense(self.shape()),
                    shape_text_dense(shape)
                )
            }));
        };
        let view = View { offset: self.view.offset, shape: Shape::from_slice(shape), strides };
        Ok(self.with_view(self.dtype, view))
    }
}

/// The order of axes, slowest first, in which NumPy lays out a copy of an array, or several joined: by the size of
/// the steps, where a step of zero is the smallest, and C order wins between arrays that disagree. An axis with one
/// element says nothing.
pub fn copy_order(arrays: &[&Array]) -> SmallVec<[usize; 4]> {
    let mut order: SmallVec<[usize; 4]> = (0..arrays[0].ndim()).collect();
    sort_axes(&mut order, arrays, |array, axis, other| {
        let says = array.shape()[axis] != 1 && array.shape()[other] != 1;
        says.then(|| array.strides()[axis].unsigned_abs() > array.strides()[other].unsigned_abs())
    });
    order
}

/// The order of axes, slowest first, in which NumPy lays out the result of operands with these strides (all already
/// broadcast to one shape): the K order of its iterator, where C order wins between operands that disagree.
pub fn result_order(operands: &[&[isize]], ndim: usize) -> SmallVec<[usize; 4]> {
    let mut order: SmallVec<[usize; 4]> = (0..ndim).rev().collect();
    sort_axes(&mut order, operands, |strides, axis, other| {
        let (slow, fast) = (strides[axis].unsigned_abs(), strides[other].unsigned_abs());
        (slow != 0 && fast != 0).then_some(fast > slow)
    });
    order.reverse();
    order
}

/// NumPy's insertion sort of axes (`npyiter_find_best_axis_ordering`): an axis moves before another if an operand
/// wants it and none that has an opinion is against it. `moves` is what an operand says, or nothing. The relation is
/// no total order, so the very steps of the sort matter.
fn sort_axes<T: Copy>(order: &mut [usize], operands: &[T], moves: impl Fn(T, usize, usize) -> Option<bool>) {
    for from in 1..order.len() {
        let axis = order[from];
        let mut to = from;
        for at in (0..from).rev() {
            let mut opinions =
                operands.iter().filter_map(|&operand| moves(operand, axis, order[at])).peekable();
            if opinions.peek().is_none() {
                continue;
            }
            if !opinions.all(|wanted| wanted) {
                break;
            }
            to = at;
        }
        order[to..=from].rotate_right(1);
    }
}
