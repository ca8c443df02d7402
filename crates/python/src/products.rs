//! `dot`, `inner` and `matmul`; NumPy runs those of half precision and of truth values, and those that do not fit.

use crate::array::{NdArray, result};
use crate::errors::run;
use crate::functions::not_native;
use crate::types::{is_exactly, types};
use crate::warnings;
use maniple_array::{Product, product};
use pyo3::prelude::*;

/// The product of two arrays of ours, if wanted in an array that has its shape and dtype; `None` if it is not native.
pub fn native<'py>(
    which: Product,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = a.py();
    let class = types(py).ndarray;
    if !is_exactly(a, class) || !is_exactly(b, class) {
        return Ok(None);
    }
    let (a, b) = (a.cast::<NdArray>()?, b.cast::<NdArray>()?);
    let (Some(a), Some(b)) = (a.get().native(py), b.get().native(py)) else { return Ok(None) };
    let target = match out.filter(|out| !out.is_none()) {
        None => None,
        Some(out) => {
            match out.cast::<NdArray>().map(|out| (out.get().native(py), out.get().is_writeable())) {
                Ok((Some(target), true)) if target.is_c_contiguous() => Some((out, target)),
                _ => return Ok(None),
            }
        }
    };
    warnings::enter(py);
    let Some(made) = run(py, || product(which, a, b))? else { return Ok(None) };
    let Some((out, target)) = target else {
        warnings::leave(py)?;
        return result(py, made).map(Some);
    };
    // NumPy's dot answers a number even where it is given an array for it.
    if made.ndim() == 0 || (target.dtype(), target.shape()) != (made.dtype(), made.shape()) {
        return Ok(None);
    }
    run(py, || target.assign((&made).into()))?;
    warnings::leave(py)?;
    Ok(Some(out.clone()))
}

/// `a @ b`; `None` if it is not native.
#[pyfunction]
#[pyo3(signature = (a, b, out = None))]
pub fn matmul<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    native(Product::Matmul, a, b, out)
}

#[pyfunction]
#[pyo3(signature = (a, b, out = None))]
pub fn dot<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    native(Product::Dot, a, b, out)?.ok_or_else(not_native)
}

#[pyfunction]
#[pyo3(signature = (a, b, /))]
pub fn inner<'py>(a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    native(Product::Inner, a, b, None)?.ok_or_else(not_native)
}
