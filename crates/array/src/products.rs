//! Products of matrices and vectors. Those with a vector are sums of products, which the runtime makes one pass over the
//! operands; those of two matrices have a kernel class of their own.

use crate::array::record;
use crate::broadcast::{broadcast_strides, result_order};
use crate::elementwise::apply_one;
use crate::reduction::{Reduction, reduce, sum_of_products};
use crate::session::Part;
use crate::{Array, Error, Layout, Result, broadcast_shapes, runtime};
use maniple_ops::{Dtype, LEAF, Op};
use maniple_runtime::{Access, During, Kernel, Operand, Privilege, Shape, View};
use smallvec::SmallVec;

/// A product of NumPy's, by how the axes of its operands go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// `numpy.dot`: the last axis of the first operand with the last but one of the second; all others stay.
    Dot,
    /// `numpy.inner`: the last axes of both; all others stay.
    Inner,
    /// `numpy.matmul`, `@`: as `dot` for up to two axes; axes before the last two are broadcast together.
    Matmul,
}

/// The product of two arrays; nothing for those that NumPy multiplies: numbers, half precision, truth values unless one
/// operand is a vector, and operands that do not fit.
///
/// The dtype is the one that both promote to. With a vector, or a matrix of one row or column, sums are those of
/// [`reduce`], and so are those of few elements with a long common axis by whose rows both factors lie; otherwise they are
/// those that [`Kernel::Matmul`] defines.
///
/// # Errors
/// Failures of earlier tasks that this call caused to run, and no memory.
pub fn product(product: Product, a: &Array, b: &Array) -> Result<Option<Array>> {
    let halves = |array: &Array| array.dtype() == Dtype::Float16;
    if halves(a) || halves(b) || a.ndim() == 0 || b.ndim() == 0 {
        return Ok(None);
    }
    let _part = Part::of(if product == Product::Matmul { During::Matmul } else { During::Dot });
    if product == Product::Inner && a.ndim() > 1 && b.ndim() > 1 {
        return of_matrices(Product::Dot, a, &turned(b));
    }
    if a.ndim() == 1 || b.ndim() == 1 {
        return of_vector(product, a, b);
    }
    of_matrices(product, a, b)
}

impl Array {
    /// `numpy.matmul`: the product of two matrices, of stacks of matrices, or with vectors.
    ///
    /// ```
    /// use maniple_array::Array;
    ///
    /// # fn main() -> maniple_array::Result<()> {
    /// let a = Array::from_slice(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!(a.matmul(&a.transposed())?.to_vec::<f64>()?, [14.0, 32.0, 32.0, 77.0]);
    /// assert!(a.matmul(&a).unwrap_err().to_string().contains("mismatch in its core dimension 0"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ValueError` for operands that do not fit, and no matrix products of these dtypes; failures as of every call.
    pub fn matmul(&self, other: &Array) -> Result<Array> {
        if let Some(made) = product(Product::Matmul, self, other)? {
            return Ok(made);
        }
        if self.dtype().promote(other.dtype()) == Dtype::Float16
            || self.dtype().promote(other.dtype()) == Dtype::Bool
        {
            return Err(Error::not_native("matmul"));
        }
        let signature = "(n?,k),(k,m?)->(n?,m?)";
        let core = if other.ndim() == 1 { 0 } else { other.ndim().saturating_sub(2) };
        let (Some(&found), Some(&wanted)) = (other.shape().get(core), self.shape().last()) else {
            let operand = if self.ndim() == 0 { 0 } else { 1 };
            return Err(Error::value(format!(
                "matmul: Input operand {operand} does not have enough dimensions (has 0, gufunc core with signature \
                 {signature} requires 1)"
            )));
        };
        if found == wanted {
            broadcast_shapes(&[stack_of(self), stack_of(other)])?;
        }
        Err(Error::value(format!(
            "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature {signature} (size \
             {found} is different from {wanted})"
        )))
    }
}

/// The product of arrays of which one has a single axis.
fn of_vector(product: Product, a: &Array, b: &Array) -> Result<Option<Array>> {
    if a.size() == 0 || b.size() == 0 {
        return of_nothing(product, a, b);
    }
    match (a.shape(), b.shape(), product) {
        (&[k], &[n], _) if k == n => sum(a, b, -1).map(Some),
        (&[_, k], &[n], _) if k == n => sum(a, b, -1).map(Some),
        (&[k], &[_, n], Product::Inner) if k == n => sum(a, b, -1).map(Some),
        (&[k], &[n, _], Product::Dot | Product::Matmul) if k == n => sum(&column(a), b, 0).map(Some),
        (&[.., k], &[n], Product::Matmul) if k == n && !is_c_order(a) && a.ndim() > 2 => {
            // NumPy lays the result out as the stack lies.
            let Some(made) = of_matrices(product, a, &column(b))? else { return Ok(None) };
            made.squeeze(Some(&[-1])).map(Some)
        }
        (&[.., k], &[n], _) if k == n => {
            let rows: Vec<isize> = a.shape()[..a.ndim() - 1].iter().map(|&extent| extent as isize).collect();
            sum(&a.reshape(&[-1, k as isize], Layout::C)?, b, -1)?.reshape(&rows, Layout::C).map(Some)
        }
        _ => Ok(None),
    }
}

/// As [`of_vector`], of arrays without elements: zeros, if any are left.
fn of_nothing(product: Product, a: &Array, b: &Array) -> Result<Option<Array>> {
    let mut rest = b.shape().to_vec();
    let common = if product == Product::Inner || b.ndim() == 1 { b.ndim() - 1 } else { b.ndim() - 2 };
    if rest.remove(common) != a.shape()[a.ndim() - 1] {
        return Ok(None);
    }
    let shape: Vec<usize> = a.shape()[..a.ndim() - 1].iter().copied().chain(rest).collect();
    Array::zeros(&shape, a.dtype().promote(b.dtype())).map(Some)
}

/// The product of arrays of at least two axes each.
fn of_matrices(product: Product, a: &Array, b: &Array) -> Result<Option<Array>> {
    let dtype = a.dtype().promote(b.dtype());
    let (&[m, k], &[same, n]) = (last_two(a), last_two(b)) else { return Ok(None) };
    if k != same {
        return Ok(None);
    }
    if a.ndim() == 2 && b.ndim() == 2 && (m == 1 || n == 1) && m.min(n).min(k) > 0 {
        if m == 1 {
            let vector = sum(&column(&a.squeeze(Some(&[0]))?), b, 0)?;
            return vector.reshape(&[1, -1], Layout::C).map(Some);
        }
        let vector = sum(a, &b.squeeze(Some(&[1]))?, -1)?;
        return vector.reshape(&[-1, 1], Layout::C).map(Some);
    }
    if dtype == Dtype::Bool || dtype == Dtype::Float16 {
        return Ok(None);
    }
    // The shape of the result, and the axes of it over which rows and columns of the factors stack.
    let (stack_a, stack_b) = (stack_of(a), stack_of(b));
    let (shape, stack, stacked): (Shape, Shape, SmallVec<[usize; 4]>) = if product == Product::Matmul {
        let Ok(stack) = broadcast_shapes(&[stack_a, stack_b]) else { return Ok(None) };
        let shape = stack.iter().copied().chain([m, n]).collect();
        let axes = (0..stack.len()).collect();
        (shape, stack, axes)
    } else {
        let stack: Shape = stack_a.iter().chain(stack_b).copied().collect();
        let shape = stack_a.iter().chain(&[m]).chain(stack_b).chain(&[n]).copied().collect();
        let axes = (0..stack_a.len()).chain(stack_a.len() + 1..=stack.len()).collect();
        (shape, stack, axes)
    };
    let row_axis = if product == Product::Matmul { stack.len() } else { stack_a.len() };
    if shape.contains(&0) || k == 0 {
        return Array::zeros(&shape, dtype).map(Some);
    }
    let converted = |array: &Array| match array.dtype() == dtype {
        true => Ok(array.clone()),
        false => array.astype(dtype, Layout::Keep),
    };
    let mut axes: SmallVec<[usize; 4]> = match product {
        Product::Matmul => stack_order(a, b, &stack),
        Product::Dot | Product::Inner => (0..stack.len()).collect(),
    };
    axes.extend(stack.len()..shape.len());
    let (a, b) = (converted(a)?, converted(b)?);
    if let Some(factors) = long_factors(&a, &b) {
        let [first, second] = factors;
        return sum_of_products(dtype, [(&a, first), (&b, second)]).map(Some);
    }
    let result = Array::empty_ordered(&shape, dtype, &axes)?;
    // A stack of the first factor's own repeats the second, and the other way round.
    let over = |array: &Array, skipped: usize| {
        let core = array.ndim() - 2;
        let part = |range: std::ops::Range<usize>| View {
            offset: array.view.offset,
            shape: array.view.shape[range.clone()].into(),
            strides: array.view.strides[range].into(),
        };
        let mut outer = part(0..core);
        for _ in 0..skipped {
            outer.shape.push(1);
            outer.strides.push(0);
        }
        let mut strides = broadcast_strides(&outer, &stack).expect("stacks broadcast to the joint one");
        strides.extend_from_slice(&array.view.strides[core..]);
        let shape = stack.iter().chain(&array.view.shape[core..]).copied().collect();
        View { offset: array.view.offset, shape, strides }
    };
    let skipped = if product == Product::Matmul { 0 } else { stack_b.len() };
    let mut factors = Factors {
        a: over(&a, skipped),
        b: over(&b, 0),
        result: result.view.permuted(
            &stacked.iter().copied().chain([row_axis, shape.len() - 1]).collect::<SmallVec<[usize; 4]>>(),
        ),
    };
    factors.join_rows();
    // The cut runs along rows, so the longer side of a single product becomes its rows. The imaginary part of a complex
    // product tells its factors apart: there the bits of an element would depend on the shape.
    let (rows, columns) = factors.extents();
    let turn = factors.result.ndim() == 2 && rows < columns && !dtype.is_complex();
    if turn {
        factors = factors.transposed();
    }
    let (first, second) = if turn { (&b, &a) } else { (&a, &b) };
    factors.record(dtype, first, second, &result)?;
    Ok(Some(result))
}

/// The factors of a product of two matrices with few elements and a long common axis, if both lie by rows of that axis, as
/// those of `X.T @ X` do: as views whose axes are the common one, rows and columns. Such a product is summed in leaves, like
/// any sum over the first axis, so that it can be cut along the common axis.
fn long_factors(a: &Array, b: &Array) -> Option<[View; 2]> {
    /// A common axis from this length on is long.
    const LONG: usize = 16 * LEAF;
    /// Results of up to so many elements have few.
    const FEW: usize = 1024;
    let (&[m, k], &[_, n]) = (a.shape(), b.shape()) else { return None };
    let (rows, columns) = (a.strides(), b.strides());
    let item = b.dtype().size() as isize;
    let by_rows =
        rows[1].abs() > rows[0].abs() && rows[0] != 0 && columns[1] == item && columns[0].abs() > item;
    let plain = matches!(b.dtype(), Dtype::Float32 | Dtype::Float64);
    if !plain || !by_rows || k < LONG || m * n > FEW {
        return None;
    }
    let view = |array: &Array, strides: [isize; 3]| View {
        offset: array.view.offset,
        shape: [k, m, n].into_iter().collect(),
        strides: strides.into_iter().collect(),
    };
    Some([view(a, [rows[1], rows[0], 0]), view(b, [columns[0], 0, columns[1]])])
}

/// The views of a product of stacks of matrices.
struct Factors {
    a: View,
    b: View,
    result: View,
}

impl Factors {
    /// Rows and columns of the result.
    fn extents(&self) -> (usize, usize) {
        let shape = &self.result.shape;
        (shape[shape.len() - 2], shape[shape.len() - 1])
    }

    /// Makes one matrix of those of a stack that the same second factor multiplies, where their rows go on evenly.
    fn join_rows(&mut self) {
        let mut axis = self.result.ndim() - 2;
        while axis > 0 {
            axis -= 1;
            let rows = axis + 1;
            let extent = self.result.shape[axis];
            let goes_on = |view: &View| view.strides[axis] == view.strides[rows] * view.shape[rows] as isize;
            let single = self.result.shape[rows] == 1;
            let joins = single || (goes_on(&self.a) && goes_on(&self.result));
            if extent != 1 && !(self.b.strides[axis] == 0 && joins) {
                return;
            }
            for view in [&mut self.a, &mut self.result].into_iter().filter(|_| single) {
                view.strides[rows] = view.strides[axis];
            }
            for view in [&mut self.a, &mut self.result] {
                view.shape[rows] *= extent;
            }
            for view in [&mut self.a, &mut self.b, &mut self.result] {
                view.shape.remove(axis);
                view.strides.remove(axis);
            }
        }
    }

    /// The same result as the product of the transposed factors.
    fn transposed(self) -> Factors {
        let turn = |mut view: View| {
            let ndim = view.ndim();
            view.shape.swap(ndim - 2, ndim - 1);
            view.strides.swap(ndim - 2, ndim - 1);
            view
        };
        Factors { a: turn(self.b), b: turn(self.a), result: turn(self.result) }
    }

    fn record(&self, dtype: Dtype, a: &Array, b: &Array, result: &Array) -> Result<()> {
        let item = dtype.size();
        let k = self.a.shape[self.a.ndim() - 1];
        let (_, columns) = self.extents();
        let operands = [
            Operand::element(&a.region, Privilege::Read, dtype, &self.a).with_access(Access::Rows(k)),
            Operand::element(&b.region, Privilege::Read, dtype, &self.b)
                .with_access(Access::Whole(self.b.span(item))),
            Operand::element(&result.region, Privilege::Write, dtype, &self.result)
                .with_access(Access::Rows(columns)),
        ];
        let kernel = runtime().intern(Kernel::Matmul { dtype });
        record(kernel, self.result.size() / columns, &operands, &[])
    }
}

/// The order of a stack's axes in which NumPy lays out the matrices of a result.
fn stack_order(a: &Array, b: &Array, stack: &[usize]) -> SmallVec<[usize; 4]> {
    let strides = |array: &Array| {
        let core = array.ndim() - 2;
        let outer = View {
            offset: 0,
            shape: array.view.shape[..core].into(),
            strides: array.view.strides[..core].into(),
        };
        broadcast_strides(&outer, stack).expect("stacks broadcast to the joint one")
    };
    result_order(&[&strides(a), &strides(b)], stack.len())
}

/// Whether the axes of an array's stack lie in C order.
fn is_c_order(array: &Array) -> bool {
    let stack = stack_of(array);
    result_order(&[&array.strides()[..stack.len()]], stack.len()).is_sorted()
}

fn last_two(array: &Array) -> &[usize] {
    &array.shape()[array.ndim() - 2..]
}

/// The axes before the last two.
fn stack_of(array: &Array) -> &[usize] {
    &array.shape()[..array.ndim().saturating_sub(2)]
}

/// The array with its last two axes exchanged.
fn turned(array: &Array) -> Array {
    let mut view = array.view.clone();
    let ndim = view.ndim();
    view.shape.swap(ndim - 2, ndim - 1);
    view.strides.swap(ndim - 2, ndim - 1);
    array.with_view(array.dtype, view)
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
