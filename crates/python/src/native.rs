//! Native functions under NumPy's names: objects that call them, and NumPy where it knows more.

use crate::calling::{Class, Direct, answer, class, packed, positional};
use crate::errors::NotNative;
use crate::fallback::{fallback, fallback_mode};
use crate::rebound::{Growth, Rebound};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyString, PyTuple};

/// A native function that runs in NumPy where it meets arguments it does not know. It has the name, documentation and
/// signature of NumPy's, prints like it, and is pickled by its name.
#[pyclass(name = "function", module = "maniple.numpy", dict, weakref, frozen, subclass)]
pub struct Native {
    name: String,
    way: Way,
    original: Py<PyAny>,
    /// Whether a class that holds it makes a method of it: it does of functions, not of those that are built in.
    binds: bool,
}

/// How a function is called.
enum Way {
    /// By a native function.
    Function(Py<PyAny>),
    /// By NumPy's code over our arrays.
    Rebound(Rebound),
    /// In NumPy.
    Fallback,
}

#[pymethods]
impl Native {
    #[new]
    #[pyo3(signature = (name, function, original, growth = None))]
    fn new(
        name: String,
        function: Option<Py<PyAny>>,
        original: &Bound<'_, PyAny>,
        growth: Option<Growth>,
    ) -> Native {
        let binds = !original.is_instance_of::<PyCFunction>() && !is_method(original);
        let way = match (function, growth) {
            (None, _) => Way::Fallback,
            (Some(function), None) => Way::Function(function),
            (Some(make), Some(growth)) => Way::Rebound(Rebound::new(make, growth)),
        };
        Native { name, way, original: original.clone().unbind(), binds }
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let original = self.original.bind(py);
        match &self.way {
            Way::Function(function) => match function.bind(py).call(arguments, keywords) {
                Err(error) => self.refused(error, arguments, keywords),
                done => done,
            },
            Way::Rebound(rebound) => rebound.call(&self.name, original, arguments, keywords),
            Way::Fallback => fallback(&self.name, original, arguments, keywords),
        }
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
        // Where NumPy's function is a method of some object, its qualified name is that of the object's class.
        let name =
            if slf.get().binds { intern!(slf.py(), "__qualname__") } else { intern!(slf.py(), "__name__") };
        slf.getattr(name)
    }

    fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.original.bind(py).repr()
    }
}

/// Whether an object is a method that has its object.
fn is_method(object: &Bound<'_, PyAny>) -> bool {
    let methods = object.py().import("types").and_then(|types| types.getattr("MethodType"));
    methods.and_then(|methods| object.is_instance(&methods)).unwrap_or(false)
}

impl Native {
    /// What comes of a call that the native function refused: NumPy knows more signatures, and its own words for what fits
    /// none.
    #[cold]
    fn refused<'py>(
        &self,
        error: PyErr,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let knows_more = error.is_instance_of::<NotNative>(py)
            || error.is_instance_of::<PyTypeError>(py) && fallback_mode() != "error";
        if !knows_more {
            return Err(error);
        }
        fallback(&self.name, self.original.bind(py), arguments, keywords)
    }
}

static CLASS: PyOnceLock<Class> = PyOnceLock::new();

/// The class of native functions, whose calls need no tuples.
pub fn functions_class(py: Python<'_>) -> PyResult<&'static Class> {
    CLASS.get_or_try_init(py, || class(&py.get_type::<Native>(), c"maniple.numpy.function", called))
}

/// An object that is like NumPy's `original`: it calls a native function; or, with a `growth`, the function that this one
/// makes of NumPy's code; or, without one, always NumPy's.
#[pyfunction]
#[pyo3(signature = (name, function, original, growth = None))]
pub fn native<'py>(
    name: &str,
    function: Option<&Bound<'py, PyAny>>,
    original: &Bound<'py, PyAny>,
    growth: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = original.py();
    let direct = function.filter(|_| growth.is_none()).and_then(Direct::of);
    functions_class(py)?.make(&(name, function, original, growth).into_pyobject(py)?, direct)
}

/// Calls an object of the class of native functions.
unsafe extern "C" fn called(
    slf: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let count = positional(count);
    // SAFETY: Python calls with the interpreter attached, an object of the class, and arguments as the protocol has them;
    // the native function is kept by the object.
    unsafe {
        let direct = CLASS.get(Python::assume_attached()).and_then(|class| class.direct(slf));
        let made = direct.map_or(std::ptr::null_mut(), |direct| direct.call(arguments, count, names));
        if !made.is_null() {
            return made;
        }
        Python::attach(|py| {
            let error = PyErr::take(py);
            let slf = Bound::from_borrowed_ptr(py, slf);
            let native = slf.cast_unchecked::<Native>().get();
            answer(py, || {
                let (arguments, keywords) = packed(py, arguments, count, names)?;
                match error {
                    Some(error) => native.refused(error, &arguments, keywords.as_ref()),
                    None => native.__call__(&arguments, keywords.as_ref()),
                }
            })
        })
    }
}
