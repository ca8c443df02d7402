//! `dot`, `inner` and `matmul`, where one operand is a vector; NumPy runs the others.

use crate::array::{NdArray, result};
use crate::errors::run;
use crate::functions::not_native;
use crate::types::{is_exactly, types};
use crate::warnings;
use maniple_array::{Product, product};
use pyo3::prelude::*;

/// The product of two arrays of ours; `None` if it is not native.
pub fn native<'py>(
    which: Product,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = a.py();
    let class = types(py).ndarray;
    if !is_exactly(a, class) || !is_exactly(b, class) {
        return Ok(None);
    }
    let (a, b) = (a.cast::<NdArray>()?, b.cast::<NdArray>()?);
    let (Some(a), Some(b)) = (a.get().native(py), b.get().native(py)) else { return Ok(None) };
    warnings::enter(py);
    let made = run(py, || product(which, a, b))?;
    warnings::leave(py)?;
    made.map(|made| result(py, made)).transpose()
}

/// `a @ b`; `None` if it is not native.
#[pyfunction]
pub fn matmul<'py>(a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    native(Product::Matmul, a, b)
}

#[pyfunction]
#[pyo3(signature = (a, b, out = None))]
pub fn dot<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match out.filter(|out| !out.is_none()) {
        None => native(Product::Dot, a, b)?.ok_or_else(not_native),
        Some(_) => Err(not_native()),
    }
}

#[pyfunction]
#[pyo3(signature = (a, b, /))]
pub fn inner<'py>(a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    native(Product::Inner, a, b)?.ok_or_else(not_native)
}
