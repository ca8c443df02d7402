//! The runtime as Python sees it: starting it, waiting for it, and what it says about itself.

use crate::errors::{attempt, run};
use crate::{lines, types, warnings};
use maniple_array::{absent, runtime, set_locate, set_search, start};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use std::collections::HashMap;
use std::path::PathBuf;

/// Starts the runtime when the module is imported.
pub fn begin(py: Python<'_>) -> PyResult<()> {
    let folder = |name: &str| -> Option<String> {
        let path = py.import(name).ok()?.getattr("__path__").ok()?.get_item(0).ok()?;
        Some(format!("{}{}", path.extract::<String>().ok()?, std::path::MAIN_SEPARATOR))
    };
    lines::set_folders(["maniple", "numpy"].into_iter().filter_map(folder).collect());
    let search: Vec<String> = py.import("sys")?.getattr("path")?.extract().unwrap_or_default();
    set_locate(lines::locate);
    set_search(search.into_iter().map(PathBuf::from).collect());
    start().map_err(PyValueError::new_err)?;
    types::types(py);
    // The documentation of a ufunc is NumPy's; a class written in Rust has its own in that place.
    let documentation = py.import("operator")?.call_method1("attrgetter", ("__maniple_numpy__.__doc__",))?;
    let property = py.import("builtins")?.getattr("property")?.call1((documentation,))?;
    crate::ufunc::ufuncs_class(py)?.bind(py).setattr("__doc__", property)
}

/// Waits until all work asked for so far is done, and emits its warnings.
///
/// Raises what failed in it, such as `MemoryError`.
#[pyfunction]
pub fn sync(py: Python<'_>) -> PyResult<()> {
    // The interpreter is released only if there is something to wait for.
    if !run(py, || Ok(runtime().try_sync()?))? {
        crate::interop::wait(py, |end| Ok(runtime().settle(None, end)?))?;
        let waited = py.detach(|| attempt(|| Ok(runtime().sync()?)));
        run(py, || waited)?;
    }
    warnings::emit(py)
}

/// Completes the timeline of `--trace`; for the end of the process.
#[pyfunction]
pub fn end_trace(py: Python<'_>) {
    py.detach(maniple_array::end_trace);
}

/// Has everything from now on run on a backend of this name as far as it supports it, or, for None, where the mapper
/// says. Answers what was in force.
#[pyfunction]
#[pyo3(signature = (backend))]
pub fn prefer(py: Python<'_>, backend: Option<&str>) -> PyResult<Option<String>> {
    if backend.is_some() {
        py.detach(|| runtime().find_devices());
    }
    let position = match backend {
        None => None,
        Some(name) => Some(runtime().machine().backend(name).ok_or_else(|| {
            let reason = absent().into_iter().find(|(known, _)| known == name);
            let reason = reason.map_or("MANIPLE_BACKENDS does not name it".into(), |(_, reason)| reason);
            PyRuntimeError::new_err(format!("there is no backend {name:?} here: {reason}"))
        })?),
    };
    let before = py.detach(|| attempt(|| Ok(runtime().prefer(position)?)));
    let before = run(py, || before)?;
    Ok(before.map(|position| runtime().machine().backends[position].clone()))
}

/// The machine that was found: a dict with `memories` and `processors`, lists of dicts, and `absent`, the backends that
/// were asked for and are not there, each with the reason.
#[pyfunction]
pub fn machine(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    py.detach(|| runtime().find_devices());
    let machine = runtime().machine();
    let memories = PyList::empty(py);
    for memory in &machine.memories {
        let entry = PyDict::new(py);
        entry.set_item("name", &memory.name)?;
        entry.set_item("bytes", memory.bytes)?;
        memories.append(entry)?;
    }
    let processors = PyList::empty(py);
    for processor in &machine.processors {
        let entry = PyDict::new(py);
        entry.set_item("backend", &machine.backends[processor.backend])?;
        entry.set_item("memory", processor.memory.0)?;
        entry.set_item("workers", processor.workers)?;
        entry.set_item("bytes_per_second", processor.bytes_per_second)?;
        entry.set_item("launch_seconds", processor.launch_seconds)?;
        entry.set_item("about", &processor.about)?;
        processors.append(entry)?;
    }
    let found = PyDict::new(py);
    found.set_item("memories", memories)?;
    found.set_item("processors", processors)?;
    found.set_item("absent", absent().into_iter().collect::<HashMap<String, String>>())?;
    found.set_item("text", machine.to_string())?;
    Ok(found)
}

/// Counts of what the runtime did so far.
#[pyfunction]
pub fn statistics(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let counts = runtime().statistics();
    let found = PyDict::new(py);
    found.set_item("tasks", counts.tasks)?;
    found.set_item("at_hand", counts.at_hand)?;
    found.set_item("windows", counts.windows)?;
    found.set_item("plan_hits", counts.plan_hits)?;
    found.set_item("launches", counts.launches)?;
    found.set_item("pieces", counts.pieces)?;
    found.set_item("copied", counts.copied)?;
    found.set_item("evicted", counts.evicted)?;
    Ok(found)
}

/// The settings in force.
#[pyfunction]
pub fn settings(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let settings = runtime().settings();
    let found = PyDict::new(py);
    found.set_item("backends", &settings.backends)?;
    found.set_item("check", settings.check)?;
    found.set_item("debug", settings.debug)?;
    found.set_item("fallback", &settings.fallback)?;
    found.set_item("fuse", settings.fuse)?;
    found.set_item("machine", &settings.machine)?;
    found.set_item("mapper", &settings.mapper)?;
    found.set_item("memory_limit", settings.memory_limit)?;
    found.set_item("on", &settings.on)?;
    found.set_item("pieces", settings.pieces)?;
    found.set_item("record", &settings.record)?;
    found.set_item("small", settings.small)?;
    found.set_item("window", settings.window)?;
    Ok(found)
}

/// Gives the class `ndarray` a metaclass, which says what `isinstance(x, ndarray)` means and what a subclass is. Python
/// code cannot do that to a class made in another language.
#[pyfunction]
pub fn set_metaclass(metaclass: &Bound<'_, PyType>) -> PyResult<()> {
    let py = metaclass.py();
    let class = types::types(py).ndarray.cast::<ffi::PyObject>();
    // SAFETY: both are classes of the same layout, since the metaclass only adds methods to `type`: its instances are
    // as large as those of `type`, which is checked.
    unsafe {
        let (new, old) = (metaclass.as_type_ptr(), ffi::Py_TYPE(class));
        let size = |class: *mut ffi::PyTypeObject| -> PyResult<usize> {
            Bound::<PyAny>::from_borrowed_ptr(py, class.cast()).getattr("__basicsize__")?.extract()
        };
        if ffi::PyType_IsSubtype(new, old) == 0 || size(new)? != size(old)? {
            return Err(PyTypeError::new_err(
                "the metaclass must add nothing but methods to the present one",
            ));
        }
        ffi::Py_INCREF(new.cast());
        (*class).ob_type = new;
    }
    Ok(())
}
