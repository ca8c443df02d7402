//! The class `scalar`: the result of a full reduction or of a 0-d ufunc call, not computed yet.
//!
//! NumPy returns its scalars there. A deferred scalar says it is one (`__class__`), is immutable, hashes and prints
//! like one, and becomes one as soon as its value is looked at; arithmetic with it stays deferred.

use crate::array::{Held, NdArray};
use crate::interop::bring_home;
use crate::operators::compare;
use crate::types::{descriptor, types};
use maniple_array::Array;
use numpy::npyffi::PY_ARRAY_API;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A scalar that is computed when it is looked at.
#[pyclass(name = "scalar", module = "maniple.numpy", extends = NdArray, frozen, weakref)]
pub struct Deferred;

/// A deferred scalar on a 0-d array.
pub fn deferred(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    let made = PyClassInitializer::from(NdArray::read_only(array)).add_subclass(Deferred);
    Ok(Bound::new(py, made)?.into_any())
}

/// NumPy's scalar with the value of a 0-d array, or of the first element.
pub fn value<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    let array = array.clone();
    let address = bring_home(py, &array, false)?;
    // SAFETY: the array has an element, and its bytes are at the address.
    unsafe { scalar_at(py, address, array.dtype()) }
}

/// NumPy's scalar with the value at an address.
///
/// # Safety
/// An element of the dtype must lie there.
pub unsafe fn scalar_at(
    py: Python<'_>,
    address: *mut u8,
    dtype: maniple_array::Dtype,
) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: NumPy copies the element; the descriptor's reference is given back.
    unsafe {
        let dtype = descriptor(py, dtype);
        let made = PY_ARRAY_API.PyArray_Scalar(py, address.cast(), dtype, std::ptr::null_mut());
        ffi::Py_DECREF(dtype.cast());
        Bound::from_owned_ptr_or_err(py, made)
    }
}

fn number<'py>(slf: &Bound<'py, Deferred>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    match slf.as_super().get().held(py) {
        Held::Native(array) => value(py, array),
        Held::Foreign(array) => array.bind(py).get_item(PyTuple::empty(py)),
    }
}

/// What no object is: `+=` on a scalar rebinds the name, by way of `+`.
struct Never;

impl FromPyObject<'_, '_> for Never {
    type Error = PyErr;
    fn extract(_: Borrowed<'_, '_, PyAny>) -> PyResult<Never> {
        Err(PyTypeError::new_err("scalars are immutable"))
    }
}

#[pymethods]
impl Deferred {
    #[getter]
    fn __class__<'py>(slf: &Bound<'py, Deferred>) -> Bound<'py, PyAny> {
        let py = slf.py();
        let dtype = slf.as_super().get().native(py).map(Array::dtype);
        let found = types(py).scalars.iter().find(|(_, known)| Some(*known) == dtype);
        let class = found.map_or(types(py).generic, |(class, _)| *class);
        // SAFETY: NumPy's types live as long as the process.
        unsafe { Bound::from_borrowed_ptr(py, class.cast()) }
    }

    fn __hash__(slf: &Bound<'_, Deferred>) -> PyResult<isize> {
        number(slf)?.hash()
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Deferred>,
        other: &Bound<'py, PyAny>,
        how: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        compare(slf.as_super(), other, how)
    }

    fn __repr__<'py>(slf: &Bound<'py, Deferred>) -> PyResult<Bound<'py, PyAny>> {
        Ok(number(slf)?.repr()?.into_any())
    }

    fn __str__<'py>(slf: &Bound<'py, Deferred>) -> PyResult<Bound<'py, PyAny>> {
        Ok(number(slf)?.str()?.into_any())
    }

    fn __format__<'py>(
        slf: &Bound<'py, Deferred>,
        format: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        number(slf)?.call_method1("__format__", (format,))
    }

    #[pyo3(signature = (*digits))]
    fn __round__<'py>(
        slf: &Bound<'py, Deferred>,
        digits: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        number(slf)?.call_method1("__round__", digits)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Deferred>) -> PyResult<Bound<'py, PyAny>> {
        number(slf)?.call_method0("__reduce__")
    }

    fn __copy__<'py>(slf: &Bound<'py, Deferred>) -> Bound<'py, Deferred> {
        slf.clone()
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Deferred>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Deferred> {
        slf.clone()
    }

    fn __setitem__(&self, _key: &Bound<'_, PyAny>, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("'numpy scalar' object does not support item assignment"))
    }

    fn __getitem__<'py>(slf: &Bound<'py, Deferred>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        crate::fallback::to_ours(&number(slf)?.get_item(key)?)
    }

    fn __getattr__<'py>(slf: &Bound<'py, Deferred>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        number(slf)?.getattr(name)
    }

    fn __iadd__(&self, _other: Never) {}
    fn __isub__(&self, _other: Never) {}
    fn __imul__(&self, _other: Never) {}
    fn __itruediv__(&self, _other: Never) {}
    fn __ifloordiv__(&self, _other: Never) {}
    fn __imod__(&self, _other: Never) {}
    fn __ipow__(&self, _other: Never, _modulo: &Bound<'_, PyAny>) {}
    fn __ilshift__(&self, _other: Never) {}
    fn __irshift__(&self, _other: Never) {}
    fn __iand__(&self, _other: Never) {}
    fn __ior__(&self, _other: Never) {}
    fn __ixor__(&self, _other: Never) {}
    fn __imatmul__(&self, _other: Never) {}
}
