//! Native functions under NumPy's names: objects that call them, and NumPy where it knows more.

use crate::errors::NotNative;
use crate::fallback::{fallback, fallback_mode};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyString, PyTuple};

/// A native function that runs in NumPy where it meets arguments it does not know. It has the name, documentation and
/// signature of NumPy's, prints like it, and is pickled by its name.
#[pyclass(name = "function", module = "maniple.numpy", dict, weakref, frozen)]
pub struct Native {
    name: String,
    function: Py<PyAny>,
    original: Py<PyAny>,
    /// Whether a class that holds it makes a method of it: it does of functions, not of those that are built in.
    binds: bool,
}

#[pymethods]
impl Native {
    #[new]
    fn new(name: String, function: Py<PyAny>, original: &Bound<'_, PyAny>) -> Native {
        let binds = !original.is_instance_of::<PyCFunction>();
        Native { name, function, original: original.clone().unbind(), binds }
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        match self.function.bind(py).call(arguments, keywords) {
            Err(error) if error.is_instance_of::<NotNative>(py) => {}
            // NumPy knows more signatures, and its own words for what fits none.
            Err(error) if error.is_instance_of::<PyTypeError>(py) && fallback_mode() != "error" => {}
            done => return done,
        }
        fallback(&self.name, self.original.bind(py), arguments, keywords)
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: &Bound<'py, PyAny>,
        _class: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !slf.get().binds || instance.is_none() {
            return Ok(slf.clone().into_any());
        }
        slf.py().import(intern!(slf.py(), "types"))?.getattr("MethodType")?.call1((slf, instance))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.getattr(intern!(slf.py(), "__qualname__"))
    }

    fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.original.bind(py).repr()
    }
}
