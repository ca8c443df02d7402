//! How an array behaves towards Python and other libraries: conversion, printing, copying, buffers, NumPy's protocols.

use crate::array::{Held, NdArray};
use crate::dlpack;
use crate::errors::run;
use crate::fallback::fallback;
use crate::hooks::hook;
use crate::interop::{self, export_array};
use crate::scalar::value;
use crate::types::numpy;
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::ffi::c_int;

/// An array of ours from the NumPy array that it was pickled as.
#[pyfunction]
#[pyo3(name = "_unpickle")]
pub fn unpickle<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, NdArray>> {
    interop::wrap(array)
}

/// An address on the host is of no use for an array that is shared on a device: nobody would bring there what is written.
fn not_lent(array: &maniple_array::Array) -> PyResult<()> {
    if maniple_array::runtime().is_lent(array.region()) {
        return Err(PyAttributeError::new_err("the array is shared in a device's memory"));
    }
    Ok(())
}

/// The only element as NumPy's scalar; NumPy's own array answers for any other number of elements or a foreign dtype.
fn only<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    match slf.get().held(py) {
        Held::Native(array) if array.ndim() == 0 => value(py, &array.clone()),
        _ => export_array(slf),
    }
}

#[pymethods]
impl NdArray {
    fn __bool__(slf: &Bound<'_, NdArray>) -> PyResult<bool> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) if array.size() == 1 => {
                let array = array.clone();
                interop::bring_home(py, &array, false)?;
                let item = run(py, || array.item())?;
                Ok(item.cast(maniple_array::Dtype::Bool).as_i64() != 0)
            }
            Held::Native(array) if array.size() == 0 => Err(PyValueError::new_err(
                "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not \
                 empty.",
            )),
            Held::Native(_) => Err(PyValueError::new_err(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
            )),
            Held::Foreign(array) => array.bind(py).is_truthy(),
        }
    }

    fn __float__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Held::Native(array) = slf.get().held(py)
            && array.ndim() == 0
            && array.dtype() == maniple_array::Dtype::Float64
        {
            let array = array.clone();
            interop::bring_home(py, &array, false)?;
            return Ok(pyo3::types::PyFloat::new(py, run(py, || array.item())?.as_f64()).into_any());
        }
        // SAFETY: the object is alive; the result is a new reference.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Float(only(slf)?.as_ptr())) }
    }

    fn __int__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the object is alive; the result is a new reference.
        unsafe { Bound::from_owned_ptr_or_err(slf.py(), ffi::PyNumber_Long(only(slf)?.as_ptr())) }
    }

    fn __complex__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().get_type::<pyo3::types::PyComplex>().call1((only(slf)?,))
    }

    fn __index__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(array) = slf.get().native(slf.py())
            && (array.ndim() > 0 || !array.dtype().is_integer())
        {
            return Err(PyTypeError::new_err(
                "only integer scalar arrays can be converted to a scalar index",
            ));
        }
        // SAFETY: the object is alive; the result is a new reference.
        unsafe { Bound::from_owned_ptr_or_err(slf.py(), ffi::PyNumber_Index(only(slf)?.as_ptr())) }
    }

    fn __repr__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        numpy(slf.py()).call_method1("array_repr", (export_array(slf)?,))
    }

    fn __str__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        numpy(slf.py()).call_method1("array_str", (export_array(slf)?,))
    }

    fn __format__<'py>(slf: &Bound<'py, NdArray>, format: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.call_method1("__format__", (format,))
    }

    fn __copy__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        slf.as_any().call_method1("copy", ("K",))
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, NdArray>, memo: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(_) => slf.as_any().call_method1("copy", ("K",)),
            Held::Foreign(array) => {
                Ok(interop::wrap(&array.bind(py).call_method1("__deepcopy__", (memo,))?)?.into_any())
            }
        }
    }

    fn __reduce__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let make = py.import("maniple._maniple")?.getattr("_unpickle")?;
        let array = export_array(slf)?;
        let contiguous =
            slf.get().native(py).is_some_and(|array| array.is_c_contiguous() || array.is_f_contiguous());
        let array = if contiguous { array.call_method1("copy", ("K",))? } else { array };
        Ok(PyTuple::new(py, [make, PyTuple::new(py, [array])?.into_any()])?.into_any())
    }

    fn __setstate__(slf: &Bound<'_, NdArray>, state: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let array = numpy(py).call_method1("empty", (0,))?;
        array.call_method1("__setstate__", (state,))?;
        match interop::attach(&array) {
            Some((native, _)) => {
                slf.get().replace(py, native);
                Ok(())
            }
            None => Err(PyTypeError::new_err("the pickled array has a dtype that Maniple does not hold")),
        }
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("types")?.getattr("GenericAlias")?.call1((class, item))
    }

    #[pyo3(signature = (dtype = None, *, copy = None))]
    fn __array__<'py>(
        slf: &Bound<'py, NdArray>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let array = export_array(slf)?;
        if dtype.is_none() && copy.is_none() {
            return Ok(array);
        }
        let keywords = PyDict::new(py);
        keywords.set_item("dtype", dtype)?;
        keywords.set_item("copy", copy)?;
        numpy(py).getattr("array")?.call((array,), Some(&keywords))
    }

    #[getter]
    fn __array_interface__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        // Whoever reads the address may use it as long as this array lives, and does not say when it stops.
        if let Some(array) = slf.get().native(slf.py()) {
            not_lent(array)?;
            array.region().export();
        }
        export_array(slf)?.getattr("__array_interface__")
    }

    #[getter]
    fn __array_struct__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let Some(array) = slf.get().native(slf.py()) else {
            // The structure does not tell everything about such a dtype, and NumPy would take it before the rest.
            return Err(PyAttributeError::new_err("an array of this dtype has no array structure"));
        };
        not_lent(array)?;
        array.region().export();
        export_array(slf)?.getattr("__array_struct__")
    }

    #[getter]
    fn ctypes<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.getattr("ctypes")
    }

    #[getter]
    fn data<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.getattr("data")
    }

    #[pyo3(signature = (**keywords))]
    fn __dlpack__<'py>(
        slf: &Bound<'py, NdArray>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        dlpack::capsule(slf, keywords)
    }

    #[getter]
    fn __cuda_array_interface__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        dlpack::interface(slf)
    }

    fn __dlpack_device__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        dlpack::device(slf)?.into_pyobject(slf.py()).map(Bound::into_any)
    }

    #[pyo3(signature = (*, api_version = None))]
    fn __array_namespace__<'py>(
        slf: &Bound<'py, NdArray>,
        api_version: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let keywords = PyDict::new(py);
        keywords.set_item("api_version", api_version)?;
        numpy(py).call_method1("empty", (0,))?.call_method("__array_namespace__", (), Some(&keywords))?;
        Ok(py.import("maniple.numpy")?.into_any())
    }

    unsafe fn __getbuffer__(
        slf: &Bound<'_, NdArray>,
        buffer: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if buffer.is_null() {
            return Err(pyo3::exceptions::PyBufferError::new_err("no buffer to fill"));
        }
        // SAFETY: Python hands out the buffer for this call.
        unsafe { interop::fill_buffer(slf, buffer, flags) }
    }

    unsafe fn __releasebuffer__(&self, buffer: *mut ffi::Py_buffer) {
        // SAFETY: Python gives back what `__getbuffer__` filled.
        unsafe { interop::release_buffer(buffer) }
    }

    #[pyo3(signature = (ufunc, method, *inputs, **keywords))]
    fn __array_ufunc__<'py>(
        slf: &Bound<'py, NdArray>,
        ufunc: &Bound<'py, PyAny>,
        method: &str,
        inputs: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if crate::ufunc::is_overridden(inputs, keywords)? {
            return Ok(slf.py().NotImplemented().into_bound(slf.py()));
        }
        let name: String = ufunc.getattr("__name__")?.extract()?;
        let is_numpys = numpy(ufunc.py()).getattr(name.as_str()).is_ok_and(|known| known.is(ufunc));
        let op = if is_numpys { maniple_array::Op::from_numpy(&name) } else { None };
        match (op, method) {
            (Some(op), "__call__") => crate::ufunc::call(op, ufunc, inputs, keywords),
            (Some(op), _) => {
                crate::ufunc::Ufunc { op, numpy: ufunc.clone().unbind() }.method(method, inputs, keywords)
            }
            (None, "__call__") => fallback(&name, ufunc, inputs, keywords),
            (None, _) => fallback(&format!("{name}.{method}"), &ufunc.getattr(method)?, inputs, keywords),
        }
    }

    fn __array_function__<'py>(
        slf: &Bound<'py, NdArray>,
        function: &Bound<'py, PyAny>,
        classes: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(answer) = hook(slf.py(), "function") {
            return answer.call1((function, classes, arguments, keywords));
        }
        let name: String = function.getattr("__name__")?.extract()?;
        fallback(&name, function, arguments, Some(keywords))
    }

    #[pyo3(signature = (array, context = None, return_scalar = false))]
    fn __array_wrap__<'py>(
        slf: &Bound<'py, NdArray>,
        array: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        return_scalar: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = (slf, context, return_scalar);
        crate::fallback::to_ours(array)
    }
}
