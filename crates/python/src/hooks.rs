//! What Python code plugs in: who answers NumPy's protocols, and who hears of floating point events.
//!
//! The package `maniple` sets the hooks when it is imported.

use crate::array::{Held, NdArray};
use crate::types::numpy;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::sync::Mutex;

/// The names that [`set_hook`] knows.
const NAMES: [&str; 3] = ["function", "override", "errcall"];

static HOOKS: Mutex<[Option<Py<PyAny>>; 3]> = Mutex::new([None, None, None]);

/// Sets a hook:
///
/// - `function(func, types, args, kwargs)` answers `__array_function__`;
/// - `override(ufunc, method, args, kwargs)` asks the operands of NumPy's `ufunc` that define `__array_ufunc__`;
/// - `errcall(kind, flag, message)` acts on a floating point event whose `numpy.errstate` is `call`, `print` or `log`.
#[pyfunction]
pub fn set_hook(name: &str, callable: Py<PyAny>) -> PyResult<()> {
    let Some(at) = NAMES.iter().position(|known| *known == name) else {
        return Err(PyValueError::new_err(format!("no hook {name:?}: expected one of {NAMES:?}")));
    };
    let old = HOOKS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())[at].replace(callable);
    // Only now is the list unlocked: whatever goes with the old hook may ask for hooks.
    drop(old);
    Ok(())
}

/// The callable of a hook, if it is set.
pub fn hook<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyAny>> {
    let at = NAMES.iter().position(|known| *known == name)?;
    let hooks = HOOKS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    hooks[at].as_ref().map(|found| found.bind(py).clone())
}

/// A value with every array of ours replaced by one of NumPy's with the same dtype and shape, all of whose elements
/// are one zero.
pub fn stand_ins<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    convert(value, &|array| {
        let py = array.py();
        match array.get().held(py) {
            Held::Foreign(foreign) => Ok(foreign.bind(py).clone()),
            Held::Native(native) => {
                let dtype = crate::types::dtype_object(py, native.dtype()).bind(py);
                let shape = crate::array::shape_tuple(py, native.shape())?;
                let strides = PyTuple::new(py, vec![0; native.ndim()])?;
                let zero = numpy(py).call_method1("zeros", ((), dtype))?;
                numpy(py).getattr("ndarray")?.call1((shape, dtype, zero, 0, strides))
            }
        }
    })
}

/// Replaces the arrays of ours in a value, also inside tuples, lists and dicts.
fn convert<'py>(
    value: &Bound<'py, PyAny>,
    replace: &dyn Fn(&Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Ok(array) = value.cast::<NdArray>() {
        return replace(array);
    }
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        let items: Vec<_> = tuple.iter().map(|item| convert(&item, replace)).collect::<PyResult<_>>()?;
        return Ok(PyTuple::new(py, items)?.into_any());
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        let items: Vec<_> = list.iter().map(|item| convert(&item, replace)).collect::<PyResult<_>>()?;
        return Ok(PyList::new(py, items)?.into_any());
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        let converted = PyDict::new(py);
        for (key, item) in dict.iter() {
            converted.set_item(key, convert(&item, replace)?)?;
        }
        return Ok(converted.into_any());
    }
    Ok(value.clone())
}
