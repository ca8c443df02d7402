//! The class `ndarray`: one of our arrays, or a NumPy array of a dtype we do not hold, behind one face.

use crate::errors::run;
use crate::interop;
use crate::types::{dtype_object, is_exactly, numpy, types};
use maniple_array::{Array, Dtype};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::cell::{Cell, OnceCell};

/// What an `ndarray` holds.
pub enum Held {
    /// An array of the array layer.
    Native(Array),
    /// A NumPy array whose dtype, byte order or alignment we do not hold.
    Foreign(Py<PyAny>),
}

/// An array as Python sees it.
#[pyclass(name = "ndarray", module = "maniple.numpy", subclass, weakref, frozen)]
pub struct NdArray {
    held: Version,
    writeable: Cell<bool>,
    /// Whether the memory belongs to somebody who forbids writing.
    locked: bool,
    base: Option<Py<PyAny>>,
}

/// What an `ndarray` held at some time. What it held earlier is kept for as long as the object lives, since a call on
/// the array may be under way when Python code sets its shape.
struct Version {
    held: Held,
    newer: OnceCell<Box<Version>>,
}

// SAFETY: Python objects are only used with the interpreter attached, which one thread is at a time.
unsafe impl Sync for NdArray {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for NdArray {}

impl NdArray {
    /// An array that owns its elements.
    #[inline]
    pub fn of(array: Array) -> NdArray {
        NdArray::with(Held::Native(array), true, false)
    }

    /// An array whose elements cannot be written.
    pub fn read_only(array: Array) -> NdArray {
        NdArray::with(Held::Native(array), false, true)
    }

    /// An array on memory of NumPy's.
    pub fn attached(array: Array, writeable: bool) -> NdArray {
        NdArray::with(Held::Native(array), writeable, !writeable)
    }

    /// A NumPy array that only NumPy understands.
    pub fn foreign(array: Py<PyAny>) -> NdArray {
        NdArray::with(Held::Foreign(array), true, false)
    }

    #[inline]
    fn with(held: Held, writeable: bool, locked: bool) -> NdArray {
        NdArray { held: Version::of(held), writeable: Cell::new(writeable), locked, base: None }
    }

    /// Whether an array that is read-only now, and no view, may be made writeable.
    pub fn may_become_writeable(&self) -> bool {
        !self.locked
    }

    /// The array as a view of an object.
    pub fn with_base(self, base: Option<Py<PyAny>>) -> NdArray {
        NdArray { base, ..self }
    }

    /// What it holds.
    #[inline(always)]
    pub fn held(&self, _py: Python<'_>) -> &Held {
        match self.held.newer.get() {
            None => &self.held.held,
            Some(newer) => &newer.newest().held,
        }
    }

    /// The array of the array layer, if it holds one.
    #[inline(always)]
    pub fn native(&self, py: Python<'_>) -> Option<&Array> {
        match self.held(py) {
            Held::Native(array) => Some(array),
            Held::Foreign(_) => None,
        }
    }

    /// The NumPy array, if it holds one.
    pub fn foreign_array<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match self.held(py) {
            Held::Native(_) => None,
            Held::Foreign(array) => Some(array.bind(py).clone()),
        }
    }

    /// Replaces what is held (`a.shape = ...`).
    pub fn replace(&self, _py: Python<'_>, array: Array) {
        let newer = Box::new(Version::of(Held::Native(array)));
        if self.held.newest().newer.set(newer).is_err() {
            unreachable!("the newest version has no newer one");
        }
    }

    /// Whether elements may be written.
    pub fn is_writeable(&self) -> bool {
        self.writeable.get()
    }

    /// Forbids or allows writing.
    pub fn set_writeable(&self, writeable: bool) {
        self.writeable.set(writeable);
    }

    /// The object whose memory it shows, if it is a view.
    pub fn base(&self) -> Option<&Py<PyAny>> {
        self.base.as_ref()
    }

    /// NumPy's error for writing to what is read-only.
    pub fn check_writeable(&self, what: &str) -> PyResult<()> {
        if self.writeable.get() { Ok(()) } else { Err(PyValueError::new_err(format!("{what} is read-only"))) }
    }
}

impl Version {
    #[inline(always)]
    fn of(held: Held) -> Version {
        Version { held, newer: OnceCell::new() }
    }

    fn newest(&self) -> &Version {
        let mut version = self;
        while let Some(newer) = version.newer.get() {
            version = newer;
        }
        version
    }
}

/// A new array that owns its elements.
#[inline]
pub fn fresh(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    Ok(Bound::new(py, NdArray::of(array))?.into_any())
}

/// The result of a ufunc or a reduction: a deferred scalar where NumPy returns a scalar.
#[inline]
pub fn result(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    if array.ndim() == 0 { crate::scalar::deferred(py, array) } else { fresh(py, array) }
}

/// A view of an array.
#[inline]
pub fn view_of<'py>(slf: &Bound<'py, NdArray>, array: Array) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if is_exactly(slf.as_any(), types(py).deferred) {
        // A scalar's value never changes, whatever is done with arrays made of it.
        return fresh(py, run(py, || array.copied())?);
    }
    let own = slf.get();
    let base = match &own.base {
        Some(base) => base.clone_ref(py),
        None => slf.clone().into_any().unbind(),
    };
    let view = NdArray {
        held: Version::of(Held::Native(array)),
        writeable: Cell::new(own.writeable.get()),
        locked: own.locked,
        base: Some(base),
    };
    Ok(Bound::new(py, view)?.into_any())
}

/// A view that cannot be written, whatever the array allows.
pub fn read_only_view<'py>(slf: &Bound<'py, NdArray>, array: Array) -> PyResult<Bound<'py, PyAny>> {
    let view = view_of(slf, array)?;
    if let Ok(view) = view.cast::<NdArray>() {
        view.get().set_writeable(false);
    }
    Ok(view)
}

/// A view, or, if the array layer had to copy, an array that owns its elements.
pub fn view_or_copy<'py>(slf: &Bound<'py, NdArray>, array: Array) -> PyResult<Bound<'py, PyAny>> {
    let shared = slf.get().native(slf.py()).is_some_and(|own| own.region().id == array.region().id);
    if shared { view_of(slf, array) } else { fresh(slf.py(), array) }
}

/// The array behind an object that is one of ours and native.
pub fn native_of<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a Array> {
    object.cast::<NdArray>().ok().and_then(|array| array.get().native(object.py()))
}

/// The array behind a deferred scalar.
pub fn deferred_of<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a Array> {
    if is_exactly(object, types(object.py()).deferred) { native_of(object) } else { None }
}

/// A shape as Python's tuple.
pub fn shape_tuple<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, shape)
}

#[pymethods]
impl NdArray {
    /// `ndarray(shape, dtype=float, buffer=None, offset=0, strides=None, order=None)`, as NumPy makes it.
    #[new]
    #[pyo3(signature = (shape, dtype = None, buffer = None, offset = 0, strides = None, order = None))]
    fn new(
        py: Python<'_>,
        shape: &Bound<'_, PyAny>,
        dtype: Option<&Bound<'_, PyAny>>,
        buffer: Option<&Bound<'_, PyAny>>,
        offset: isize,
        strides: Option<&Bound<'_, PyAny>>,
        order: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<NdArray> {
        let buffer = match buffer.map(|buffer| buffer.cast::<NdArray>()) {
            Some(Ok(ours)) => Some(interop::export_array(ours)?),
            _ => buffer.cloned(),
        };
        let float = dtype_object(py, Dtype::Float64).bind(py);
        let made = numpy(py)
            .call_method1("ndarray", (shape, dtype.unwrap_or(float), buffer, offset, strides, order))?;
        Ok(match interop::attach(&made) {
            Some((array, writeable)) => NdArray::attached(array, writeable),
            None => NdArray::foreign(made.unbind()),
        })
    }

    /// Ours, sharing a NumPy array's memory.
    #[staticmethod]
    #[pyo3(name = "_wrap")]
    fn wrap<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, NdArray>> {
        interop::wrap(array)
    }

    /// A NumPy array that shares the memory.
    #[pyo3(name = "_export", signature = (writable = true))]
    fn export<'py>(slf: &Bound<'py, NdArray>, writable: bool) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Foreign(foreign) => Ok(foreign.bind(py).clone()),
            Held::Native(native) => {
                let writable = writable && slf.get().is_writeable();
                interop::export(py, &native.clone(), writable, Some(slf))
            }
        }
    }

    /// The NumPy array behind the face, if the dtype is not one of ours.
    #[getter(_foreign)]
    fn get_foreign<'py>(slf: &Bound<'py, NdArray>) -> Option<Bound<'py, PyAny>> {
        slf.get().foreign_array(slf.py())
    }

    #[getter]
    fn shape<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(shape_tuple(py, array.shape())?.into_any()),
            Held::Foreign(array) => array.bind(py).getattr("shape"),
        }
    }

    #[setter]
    fn set_shape(slf: &Bound<'_, NdArray>, shape: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let Some(array) = slf.get().native(py).cloned() else {
            return slf.get().foreign_array(py).expect("foreign").setattr("shape", shape);
        };
        let wanted = crate::arguments::integers(shape)?;
        let reshaped = run(py, || array.reshape(&wanted, maniple_array::Layout::C))?;
        if reshaped.region().id != array.region().id {
            return Err(pyo3::exceptions::PyAttributeError::new_err(
                "Incompatible shape for in-place modification. Use `.reshape()` to make a copy with the desired shape.",
            ));
        }
        slf.get().replace(py, reshaped);
        Ok(())
    }

    #[getter]
    fn strides<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(PyTuple::new(py, array.strides())?.into_any()),
            Held::Foreign(array) => array.bind(py).getattr("strides"),
        }
    }

    #[setter]
    fn set_strides(slf: &Bound<'_, NdArray>, strides: &Bound<'_, PyAny>) -> PyResult<()> {
        // NumPy checks that they stay within the memory, and warns that this goes away.
        let face = interop::export_array(slf)?;
        face.setattr("strides", strides)?;
        if let Some((array, _)) = interop::attach(&face) {
            slf.get().replace(slf.py(), array);
        }
        Ok(())
    }

    #[getter]
    fn dtype<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(dtype_object(py, array.dtype()).bind(py).clone()),
            Held::Foreign(array) => array.bind(py).getattr("dtype"),
        }
    }

    #[setter]
    fn set_dtype(slf: &Bound<'_, NdArray>, dtype: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let viewed = slf.as_any().call_method1("view", (dtype,))?;
        match native_of(&viewed).cloned() {
            Some(array) if slf.get().native(py).is_some() => {
                slf.get().replace(py, array);
                Ok(())
            }
            _ => Err(PyValueError::new_err("dtype cannot be set in place to one that Maniple does not hold")),
        }
    }

    #[getter]
    fn ndim(slf: &Bound<'_, NdArray>) -> PyResult<usize> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(array.ndim()),
            Held::Foreign(array) => array.bind(py).getattr("ndim")?.extract(),
        }
    }

    #[getter]
    fn size(slf: &Bound<'_, NdArray>) -> PyResult<usize> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(array.size()),
            Held::Foreign(array) => array.bind(py).getattr("size")?.extract(),
        }
    }

    #[getter]
    fn itemsize(slf: &Bound<'_, NdArray>) -> PyResult<usize> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(array.dtype().size()),
            Held::Foreign(array) => array.bind(py).getattr("itemsize")?.extract(),
        }
    }

    #[getter]
    fn nbytes(slf: &Bound<'_, NdArray>) -> PyResult<usize> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => Ok(array.size() * array.dtype().size()),
            Held::Foreign(array) => array.bind(py).getattr("nbytes")?.extract(),
        }
    }

    #[getter(base)]
    fn get_base<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(_) => {
                slf.get().base.as_ref().map(|base| crate::fallback::to_ours(base.bind(py))).transpose()
            }
            Held::Foreign(array) => {
                let base = array.bind(py).getattr("base")?;
                if base.is_none() { Ok(None) } else { Ok(Some(crate::fallback::to_ours(&base)?)) }
            }
        }
    }

    #[getter]
    fn __array_priority__(&self) -> f64 {
        0.0
    }
}
