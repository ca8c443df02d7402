//! `sort` and `argsort` as Python calls them; NumPy sorts complex numbers and what is no number.

use crate::arguments::{self, given};
use crate::array::{Held, NdArray, deferred_of, fresh};
use crate::errors::{attempt, exception};
use crate::fallback::fallback_method;
use crate::warnings;
use maniple_array::{Array, Kind, Layout};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

/// The axis of a sort: of all elements in a row, or one that is named.
enum Sorted<'py> {
    Flat,
    Along(isize),
    /// NumPy says what is wrong with it.
    Other(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Sorted<'py> {
    type Error = PyErr;
    fn extract(axis: Borrowed<'_, 'py, PyAny>) -> PyResult<Sorted<'py>> {
        Ok(match arguments::integer(&axis) {
            _ if axis.is_none() => Sorted::Flat,
            Ok(axis) => Sorted::Along(axis),
            Err(_) => Sorted::Other(axis.to_owned()),
        })
    }
}

impl<'py> Sorted<'py> {
    fn into_python(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Sorted::Flat => py.None().into_bound(py),
            Sorted::Along(axis) => axis.into_pyobject(py)?.into_any(),
            Sorted::Other(axis) => axis,
        })
    }
}

#[pymethods]
impl NdArray {
    #[pyo3(
        signature = (axis = Sorted::Along(-1), kind = None, order = None, *, stable = None),
        text_signature = "($self, axis=-1, kind=None, order=None, *, stable=None)"
    )]
    fn sort<'py>(
        slf: &Bound<'py, NdArray>,
        axis: Sorted<'py>,
        kind: Option<&Bound<'py, PyAny>>,
        order: Option<&Bound<'py, PyAny>>,
        stable: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let (Some(array), &Sorted::Along(axis)) = (sortable(slf, kind, order, stable)?, &axis) {
            if let Err(error) = maniple_array::normalize_axis(axis, array.ndim()) {
                return Err(exception(py, error));
            }
            slf.get().check_writeable("sort array")?;
            warnings::enter(py);
            match attempt(|| array.sort(axis)) {
                Ok(()) => {
                    warnings::leave(py)?;
                    return Ok(py.None().into_bound(py));
                }
                Err(error) if error.kind == Kind::NotNative => {}
                Err(error) => return Err(exception(py, error)),
            }
        }
        in_numpy("sort", slf, axis, [kind, order, stable])
    }

    #[pyo3(
        signature = (axis = Sorted::Along(-1), kind = None, order = None, *, stable = None),
        text_signature = "($self, axis=-1, kind=None, order=None, *, stable=None)"
    )]
    fn argsort<'py>(
        slf: &Bound<'py, NdArray>,
        axis: Sorted<'py>,
        kind: Option<&Bound<'py, PyAny>>,
        order: Option<&Bound<'py, PyAny>>,
        stable: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(array) = sortable(slf, kind, order, stable)?.filter(|_| !matches!(axis, Sorted::Other(_)))
        {
            warnings::enter(py);
            let along = if let Sorted::Along(axis) = axis { Some(axis) } else { None };
            let found = attempt(|| match along {
                None => array.ravel(Layout::C)?.argsort(0),
                Some(axis) => array.argsort(axis),
            });
            match found {
                Ok(found) => {
                    warnings::leave(py)?;
                    return fresh(py, found);
                }
                Err(error) if error.kind == Kind::NotNative => {}
                Err(error) => return Err(exception(py, error)),
            }
        }
        in_numpy("argsort", slf, axis, [kind, order, stable])
    }
}

/// The array, if nothing but its elements says how it is sorted: every kind gives what a stable one does.
fn sortable(
    slf: &Bound<'_, NdArray>,
    kind: Option<&Bound<'_, PyAny>>,
    order: Option<&Bound<'_, PyAny>>,
    stable: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Array>> {
    let known = |kind: &Bound<'_, PyAny>| -> PyResult<bool> {
        let Ok(kind) = kind.cast::<PyString>() else { return Ok(false) };
        Ok(matches!(kind.to_str()?, "quicksort" | "heapsort" | "mergesort" | "stable"))
    };
    let plain = given(order).is_none()
        && match (given(kind), given(stable)) {
            (None, None) => true,
            (Some(kind), None) => known(kind)?,
            (None, Some(stable)) => stable.is_instance_of::<PyBool>(),
            (Some(_), Some(_)) => false,
        };
    if !plain || deferred_of(slf.as_any()).is_some() {
        return Ok(None);
    }
    Ok(match slf.get().held(slf.py()) {
        Held::Native(array) if array.ndim() > 0 && !array.dtype().is_complex() => Some(array.clone()),
        _ => None,
    })
}

/// Runs NumPy's method with what was given.
fn in_numpy<'py>(
    name: &str,
    slf: &Bound<'py, NdArray>,
    axis: Sorted<'py>,
    [kind, order, stable]: [Option<&Bound<'py, PyAny>>; 3],
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let keywords = PyDict::new(py);
    for (name, value) in [("kind", kind), ("order", order), ("stable", stable)] {
        if let Some(value) = value {
            keywords.set_item(name, value)?;
        }
    }
    fallback_method(name, slf, &PyTuple::new(py, [axis.into_python(py)?])?, Some(&keywords))
}
