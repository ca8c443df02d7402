//! From the array layer's errors to Python's and NumPy's exceptions, and the guard that turns panics into exceptions.

use crate::hooks;
use crate::types::numpy;
use maniple_array::{Error, Kind};
use pyo3::exceptions::{
    PyIndexError, PyMemoryError, PyNotImplementedError, PyOverflowError, PyRuntimeError, PyTypeError,
    PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pyo3::create_exception!(
    maniple,
    NotNative,
    PyNotImplementedError,
    "A case that NumPy has and the native function lacks; whoever catches it runs NumPy."
);
pyo3::create_exception!(
    maniple,
    DeviceError,
    PyRuntimeError,
    "A device or a kernel failed while computing what an earlier call recorded."
);

/// Calls the array layer. Its errors become NumPy's exceptions; a panic becomes a `DeviceError`, which is an
/// `Exception` that a program can catch.
pub fn run<T>(py: Python<'_>, call: impl FnOnce() -> maniple_array::Result<T>) -> PyResult<T> {
    attempt(call).map_err(|error| exception(py, error))
}

/// As [`run`], before the error is an exception.
pub fn attempt<T>(call: impl FnOnce() -> maniple_array::Result<T>) -> maniple_array::Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(defect(panic.as_ref())))
}

/// The error for a panic.
#[cold]
pub fn defect(panic: &(dyn Any + Send)) -> Error {
    let text = (panic.downcast_ref::<String>().map(String::as_str))
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Error::new(Kind::Device, format!("a defect of Maniple: {text}"))
}

/// The exception for an error.
#[cold]
pub fn exception(py: Python<'_>, error: Error) -> PyErr {
    let message = error.message;
    match error.kind {
        Kind::Type | Kind::NoLoop | Kind::Casting => PyTypeError::new_err(message),
        Kind::Value => PyValueError::new_err(message),
        Kind::Index => PyIndexError::new_err(message),
        Kind::Overflow => PyOverflowError::new_err(message),
        Kind::Memory => memory_error(py, &message).unwrap_or_else(|_| PyMemoryError::new_err(message)),
        Kind::Device => DeviceError::new_err(message),
        Kind::NotNative => NotNative::new_err(message),
        Kind::Axis => axis_error(py, &message).unwrap_or_else(|_| PyValueError::new_err(message)),
    }
}

/// NumPy's own `MemoryError`, with the shape and the dtype that the message names.
fn memory_error(py: Python<'_>, message: &str) -> PyResult<PyErr> {
    let parts = message.split_once(" with shape ").and_then(|(_, rest)| rest.split_once(" and data type "));
    let Some((shape, dtype)) = parts else { return Ok(PyMemoryError::new_err(message.to_owned())) };
    let class = py.import("numpy._core._exceptions")?.getattr("_ArrayMemoryError")?;
    let shape = py.import("ast")?.call_method1("literal_eval", (shape,))?;
    let dtype = numpy(py).call_method1("dtype", (dtype,))?;
    Ok(PyErr::from_value(class.call1((shape, dtype))?))
}

/// NumPy's `AxisError`, with the axis and the number of dimensions that the message names.
fn axis_error(py: Python<'_>, message: &str) -> PyResult<PyErr> {
    let class = numpy(py).getattr("exceptions")?.getattr("AxisError")?;
    let numbers: Vec<isize> = message.split(' ').filter_map(|word| word.parse().ok()).collect();
    let instance = match numbers[..] {
        [axis, ndim] => class.call1((axis, ndim))?,
        _ => class.call1((message,))?,
    };
    Ok(PyErr::from_value(instance))
}

/// The exception that NumPy raises for a call whose dtypes, casts or shapes do not fit: NumPy makes it itself, from
/// stand-ins of the same dtypes and shapes that take no memory.
#[cold]
pub fn ask_numpy(
    function: &Bound<'_, PyAny>,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
    error: Error,
) -> PyErr {
    let py = function.py();
    let known = exception(py, error);
    match raised_by_numpy(function, arguments, keywords) {
        Some(raised) if raised.is_instance(py, &known.get_type(py)) => raised,
        _ => known,
    }
}

/// What NumPy raises for stand-ins of the arguments, if it does.
#[cold]
pub fn raised_by_numpy(
    function: &Bound<'_, PyAny>,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> Option<PyErr> {
    let call = || -> PyResult<()> {
        let arguments = hooks::stand_ins(arguments.as_any())?.cast_into::<PyTuple>()?;
        let keywords = match keywords {
            None => None,
            Some(keywords) => Some(hooks::stand_ins(keywords.as_any())?.cast_into::<PyDict>()?),
        };
        function.call(arguments, keywords.as_ref()).map(|_| ())
    };
    call().err()
}
