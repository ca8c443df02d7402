//! Products of matrices and vectors as sums of products, which the runtime makes one pass over the operands.

use crate::elementwise::apply_one;
use crate::reduction::{Reduction, reduce};
use crate::session::Part;
use crate::{Array, Layout, Result};
use maniple_ops::{Dtype, Op};
use maniple_runtime::{During, View};

/// A product of NumPy's, by how the axes of its operands go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// `numpy.dot`: the last axis of the first operand with the last but one of the second.
    Dot,
    /// `numpy.inner`: the last axes of both.
    Inner,
    /// `numpy.matmul`, `@`: as `dot` for up to two axes.
    Matmul,
}

/// The product of two arrays of which one is a vector, or a matrix of one row or column; nothing for other operands,
/// among them those that do not fit.
///
/// A matrix of `m x k` times a vector of `k` elements has `m` elements, a vector of `k` times a matrix of `k x n` has
/// `n`, two vectors give a number. The dtype is the one that both promote to; sums are as accurate as those of
/// [`reduce`].
///
/// # Errors
/// Failures of earlier tasks that this call caused to run, and no memory.
pub fn product(product: Product, a: &Array, b: &Array) -> Result<Option<Array>> {
    let halves = |array: &Array| array.dtype() == Dtype::Float16;
    if halves(a) || halves(b) || a.size() == 0 || b.size() == 0 {
        return Ok(None);
    }
    let _part = Part::of(if product == Product::Matmul { During::Matmul } else { During::Dot });
    let (rows, columns) = (a.shape(), b.shape());
    match (rows, columns, product) {
        (&[k], &[n], _) if k == n => sum(a, b, -1).map(Some),
        (&[_, k], &[n], _) if k == n => sum(a, b, -1).map(Some),
        (&[k], &[_, n], Product::Inner) if k == n => sum(a, b, -1).map(Some),
        (&[k], &[n, _], Product::Dot | Product::Matmul) if k == n => sum(&column(a), b, 0).map(Some),
        (&[1, k], &[n, _], Product::Dot | Product::Matmul) if k == n => {
            let vector = sum(&column(&a.squeeze(Some(&[0]))?), b, 0)?;
            vector.reshape(&[1, -1], Layout::C).map(Some)
        }
        (&[_, k], &[n, 1], Product::Dot | Product::Matmul) if k == n => {
            let vector = sum(a, &b.squeeze(Some(&[1]))?, -1)?;
            vector.reshape(&[-1, 1], Layout::C).map(Some)
        }
        _ => Ok(None),
    }
}

/// A vector as a matrix of one column.
fn column(vector: &Array) -> Array {
    let view = vector.view();
    let shape = [view.shape[0], 1].into_iter().collect();
    let strides = [view.strides[0], 0].into_iter().collect();
    vector.with_view(vector.dtype(), View { offset: view.offset, shape, strides })
}

/// The sum of the products along an axis. Nothing but the sum gets memory: the products go with their handle before
/// anything runs.
fn sum(a: &Array, b: &Array, axis: isize) -> Result<Array> {
    let both_truth = a.dtype() == Dtype::Bool && b.dtype() == Dtype::Bool;
    let (times, plus) = if both_truth { (Op::LogicalAnd, Op::LogicalOr) } else { (Op::Multiply, Op::Add) };
    let products = apply_one(times, &[a.into(), b.into()])?;
    if products.ndim() == 1 && !products.dtype().is_integer() {
        // The plainest reduction has a way of its own.
        return reduce(plus, &products, &Reduction::default());
    }
    let options = Reduction { axes: Some(&[axis]), dtype: Some(products.dtype()), ..Reduction::default() };
    reduce(plus, &products, &options)
}
