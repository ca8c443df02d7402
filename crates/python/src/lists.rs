//! Arrays as lists of Python's numbers.

use crate::interop::bring_home;
use maniple_array::{Array, Dtype};
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
        return unsafe { number(py, address, dtype) };
    };
    // SAFETY: the list is new, and gets as many items as it has places; each place takes over a reference.
    unsafe {
        let list = Bound::from_owned_ptr_or_err(py, ffi::PyList_New(extent as ffi::Py_ssize_t))?;
        for at in 0..extent {
            let item = address.offset(at as isize * stride);
            let item = if shape.is_empty() {
                number(py, item, dtype)
            } else {
                nested(py, item, dtype, shape, strides)
            };
            ffi::PyList_SetItem(list.as_ptr(), at as ffi::Py_ssize_t, item?.into_ptr());
        }
        Ok(list)
    }
}

/// Python's number for an element.
///
/// # Safety
/// The element must be readable.
unsafe fn number<'py>(py: Python<'py>, address: *const u8, dtype: Dtype) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    unsafe {
        let float = |value: f64| PyFloat::new(py, value).into_any();
        Ok(match dtype {
            Dtype::Bool => PyBool::new(py, *address != 0).to_owned().into_any(),
            Dtype::Int8 => i64::from(at::<i8>(address)).into_pyobject(py)?.into_any(),
            Dtype::Int16 => i64::from(at::<i16>(address)).into_pyobject(py)?.into_any(),
            Dtype::Int32 => i64::from(at::<i32>(address)).into_pyobject(py)?.into_any(),
            Dtype::Int64 => at::<i64>(address).into_pyobject(py)?.into_any(),
            Dtype::UInt8 => u64::from(at::<u8>(address)).into_pyobject(py)?.into_any(),
            Dtype::UInt16 => u64::from(at::<u16>(address)).into_pyobject(py)?.into_any(),
            Dtype::UInt32 => u64::from(at::<u32>(address)).into_pyobject(py)?.into_any(),
            Dtype::UInt64 => at::<u64>(address).into_pyobject(py)?.into_any(),
            Dtype::Float16 => float(at::<half::f16>(address).into()),
            Dtype::Float32 => float(at::<f32>(address).into()),
            Dtype::Float64 => float(at(address)),
            Dtype::Complex64 => {
                let [real, imaginary] = at::<[f32; 2]>(address);
                PyComplex::from_doubles(py, real.into(), imaginary.into()).into_any()
            }
            Dtype::Complex128 => {
                let [real, imaginary] = at::<[f64; 2]>(address);
                PyComplex::from_doubles(py, real, imaginary).into_any()
            }
        })
    }
}

/// # Safety
/// A value must be readable.
unsafe fn at<T: Copy>(address: *const u8) -> T {
    // SAFETY: the caller's promise.
    unsafe { address.cast::<T>().read_unaligned() }
}
