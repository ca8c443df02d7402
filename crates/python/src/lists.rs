//! Arrays as lists of Python's numbers.

use crate::interop::bring_home;
use maniple_array::{Array, Complex64, Dtype, Scalar};
use maniple_ops::Bool;
use num_complex::Complex;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat};

/// The elements as `tolist` gives them: lists within lists, one for each axis, or the one number of an array without axes.
pub fn list_of<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    let array = array.clone();
    let address = bring_home(py, &array, false)?;
    // Collecting garbage may run Python code: the bytes stay where they are meanwhile.
    array.region().export();
    // SAFETY: the elements lie at the address and around it.
    let made = unsafe { nested(py, address, array.dtype(), array.shape(), array.strides()) };
    array.region().unexport();
    made
}

/// # Safety
/// The elements must be readable.
unsafe fn nested<'py>(
    py: Python<'py>,
    address: *const u8,
    dtype: Dtype,
    shape: &[usize],
    strides: &[isize],
) -> PyResult<Bound<'py, PyAny>> {
    let (Some((&extent, shape)), Some((&stride, strides))) = (shape.split_first(), strides.split_first())
    else {
        // SAFETY: the caller's promise.
        return number(py, unsafe { element(address, dtype) });
    };
    // SAFETY: the list is new, and gets as many items as it has places; each place takes over a reference.
    unsafe {
        let list = Bound::from_owned_ptr_or_err(py, ffi::PyList_New(extent as ffi::Py_ssize_t))?;
        for at in 0..extent {
            let item = nested(py, address.offset(at as isize * stride), dtype, shape, strides)?;
            ffi::PyList_SetItem(list.as_ptr(), at as ffi::Py_ssize_t, item.into_ptr());
        }
        Ok(list)
    }
}

/// # Safety
/// An element must be readable.
unsafe fn element(address: *const u8, dtype: Dtype) -> Scalar {
    // SAFETY: the caller's promise.
    Scalar::from_bytes(dtype, unsafe { std::slice::from_raw_parts(address, dtype.size()) })
}

/// Python's number for an element.
fn number(py: Python<'_>, value: Scalar) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value.dtype() {
        Dtype::Bool => PyBool::new(py, value.get::<Bool>().get()).to_owned().into_any(),
        Dtype::UInt64 => value.get::<u64>().into_pyobject(py)?.into_any(),
        Dtype::Complex64 => {
            let Complex { re, im } = value.get::<Complex<f32>>();
            PyComplex::from_doubles(py, re.into(), im.into()).into_any()
        }
        Dtype::Complex128 => {
            let Complex64 { re, im } = value.get::<Complex64>();
            PyComplex::from_doubles(py, re, im).into_any()
        }
        Dtype::Int64 => value.get::<i64>().into_pyobject(py)?.into_any(),
        Dtype::Float64 => PyFloat::new(py, value.get()).into_any(),
        dtype if dtype.is_integer() => value.as_i64().into_pyobject(py)?.into_any(),
        _ => PyFloat::new(py, value.as_f64()).into_any(),
    })
}
