//! Python's and NumPy's own objects that every call compares with or hands out, looked up once.

use crate::array::NdArray;
use crate::scalar::Deferred;
use maniple_array::Dtype;
use numpy::npyffi::{NpyTypes, PyArray_Descr, get_type_object};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::ptr::addr_of_mut;

/// Objects that are compared by identity, and NumPy's module.
pub struct Types {
    /// Our `ndarray`.
    pub ndarray: *mut ffi::PyTypeObject,
    /// Our `scalar`.
    pub deferred: *mut ffi::PyTypeObject,
    /// `numpy.ndarray`.
    pub numpy_array: *mut ffi::PyTypeObject,
    /// `numpy.generic`.
    pub generic: *mut ffi::PyTypeObject,
    /// `numpy.dtype`.
    pub dtype: *mut ffi::PyTypeObject,
    /// The dtype of each of NumPy's scalar types that we hold; `longlong` is another `int64`.
    pub scalars: [(*mut ffi::PyTypeObject, Dtype); 16],
    /// NumPy's dtype objects, in the order of [`Dtype::ALL`].
    pub dtypes: [Py<PyAny>; 14],
    /// The module `numpy`.
    pub numpy: Py<PyModule>,
    /// `numpy._NoValue`.
    pub no_value: Py<PyAny>,
}

// SAFETY: the pointers name objects that live as long as the process, and are only used with the interpreter attached.
unsafe impl Send for Types {}
// SAFETY: as above.
unsafe impl Sync for Types {}

static TYPES: PyOnceLock<Types> = PyOnceLock::new();

/// The table; made at the first use.
pub fn types(py: Python<'_>) -> &'static Types {
    match TYPES.get(py) {
        Some(types) => types,
        None => TYPES.get_or_init(py, || Types::new(py).expect("numpy can be imported")),
    }
}

/// The module `numpy`.
pub fn numpy<'py>(py: Python<'py>) -> &'py Bound<'py, PyModule> {
    types(py).numpy.bind(py)
}

/// NumPy's dtype object.
pub fn dtype_object(py: Python<'_>, dtype: Dtype) -> &'static Py<PyAny> {
    &types(py).dtypes[dtype as usize]
}

/// NumPy's C structure of a dtype; a new reference.
pub fn descriptor(py: Python<'_>, dtype: Dtype) -> *mut PyArray_Descr {
    dtype_object(py, dtype).clone_ref(py).into_ptr().cast()
}

/// Whether an object is exactly of a type.
#[inline(always)]
pub fn is_exactly(object: &Bound<'_, PyAny>, class: *mut ffi::PyTypeObject) -> bool {
    object.get_type_ptr() == class
}

/// Whether an object is a Python `int`, and not a subclass such as `bool`.
#[inline(always)]
pub fn is_int(object: &Bound<'_, PyAny>) -> bool {
    is_exactly(object, addr_of_mut!(ffi::PyLong_Type))
}

/// Whether an object is a Python `float`, and not a subclass such as `numpy.float64`.
#[inline(always)]
pub fn is_float(object: &Bound<'_, PyAny>) -> bool {
    is_exactly(object, addr_of_mut!(ffi::PyFloat_Type))
}

/// Whether an object is a number, text or a constant of Python's own, none of which holds anything.
pub fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    let class = object.get_type_ptr();
    class == addr_of_mut!(ffi::PyFloat_Type)
        || class == addr_of_mut!(ffi::PyLong_Type)
        || class == addr_of_mut!(ffi::PyUnicode_Type)
        || class == addr_of_mut!(ffi::PyBool_Type)
        || object.is_none()
        || class == addr_of_mut!(ffi::PyComplex_Type)
        || class == addr_of_mut!(ffi::PyBytes_Type)
        || class == addr_of_mut!(ffi::PyEllipsis_Type)
}

impl Types {
    fn new(py: Python<'_>) -> PyResult<Types> {
        let numpy = py.import("numpy")?;
        let mut dtypes = Vec::new();
        for dtype in Dtype::ALL {
            dtypes.push(numpy.call_method1("dtype", (dtype.name(),))?.unbind());
        }
        // SAFETY: NumPy is imported, and its table of types never moves.
        let class = |which| unsafe { get_type_object(py, which) };
        let scalars = [
            (class(NpyTypes::PyDoubleArrType_Type), Dtype::Float64),
            (
                class(NpyTypes::PyLongArrType_Type),
                if size_of::<std::ffi::c_long>() == 8 { Dtype::Int64 } else { Dtype::Int32 },
            ),
            (class(NpyTypes::PyBoolArrType_Type), Dtype::Bool),
            (class(NpyTypes::PyFloatArrType_Type), Dtype::Float32),
            (class(NpyTypes::PyIntArrType_Type), Dtype::Int32),
            (class(NpyTypes::PyByteArrType_Type), Dtype::Int8),
            (class(NpyTypes::PyUByteArrType_Type), Dtype::UInt8),
            (class(NpyTypes::PyShortArrType_Type), Dtype::Int16),
            (class(NpyTypes::PyUShortArrType_Type), Dtype::UInt16),
            (class(NpyTypes::PyUIntArrType_Type), Dtype::UInt32),
            (
                class(NpyTypes::PyULongArrType_Type),
                if size_of::<std::ffi::c_long>() == 8 { Dtype::UInt64 } else { Dtype::UInt32 },
            ),
            (class(NpyTypes::PyLongLongArrType_Type), Dtype::Int64),
            (class(NpyTypes::PyULongLongArrType_Type), Dtype::UInt64),
            (class(NpyTypes::PyHalfArrType_Type), Dtype::Float16),
            (class(NpyTypes::PyCFloatArrType_Type), Dtype::Complex64),
            (class(NpyTypes::PyCDoubleArrType_Type), Dtype::Complex128),
        ];
        Ok(Types {
            ndarray: py.get_type::<NdArray>().as_type_ptr(),
            deferred: py.get_type::<Deferred>().as_type_ptr(),
            numpy_array: class(NpyTypes::PyArray_Type),
            generic: class(NpyTypes::PyGenericArrType_Type),
            dtype: class(NpyTypes::PyArrayDescr_Type),
            scalars,
            dtypes: dtypes.try_into().expect("one per dtype"),
            no_value: numpy.getattr("_NoValue")?.unbind(),
            numpy: numpy.unbind(),
        })
    }
}
