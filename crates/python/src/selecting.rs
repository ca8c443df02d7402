//! Advanced indexing, `take`, `nonzero` and `ufunc.at` as Python calls them.

use crate::arguments::{self, given};
use crate::array::{Held, NdArray, fresh, result};
use crate::errors::{attempt, exception, run};
use crate::fallback::fallback_method;
use crate::indexing::{loses, parse_one};
use crate::input::{Given, Seen, see, sequence};
use crate::interop;
use crate::types::{is_exactly, types};
use crate::warnings;
use maniple_array::{Array, Dtype, Index, Kind, Op, OutOfBounds, Pick};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyTuple};
use smallvec::SmallVec;

type Picks = SmallVec<[Pick; 4]>;

/// The entries of a key with arrays among them, computed as far as their values are needed; `None` for what only
/// NumPy understands.
fn picks(key: &Bound<'_, PyAny>) -> PyResult<Option<Picks>> {
    let mut found = Picks::new();
    let entries: SmallVec<[Bound<'_, PyAny>; 4]> = match key.cast::<PyTuple>() {
        Ok(tuple) => tuple.iter().collect(),
        Err(_) => smallvec::smallvec![key.clone()],
    };
    for entry in &entries {
        let mut basic: SmallVec<[Index; 4]> = SmallVec::new();
        if !is_array_like(entry) && parse_one(entry, &mut basic)? {
            found.push(Pick::Basic(basic[0]));
            continue;
        }
        let Some(array) = index_array(entry)? else { return Ok(None) };
        // Its values are looked at now; the interpreter is released while they are computed.
        interop::bring_home(entry.py(), &array, false)?;
        found.push(match array.dtype() {
            Dtype::Bool => Pick::Where(array),
            // An array of one integer without axes is an integer.
            dtype if dtype.is_integer() && array.ndim() == 0 => {
                let position = run(entry.py(), || array.item())?.as_i64();
                Pick::Basic(Index::At(position as isize))
            }
            _ => Pick::At(array),
        });
    }
    Ok(Some(found))
}

fn is_array_like(entry: &Bound<'_, PyAny>) -> bool {
    is_exactly(entry, types(entry.py()).ndarray) || is_exactly(entry, types(entry.py()).numpy_array)
}

/// An entry as an array of integers or truth values.
fn index_array(entry: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    let plain = entry.is_instance_of::<PyList>() || entry.is_instance_of::<PyTuple>();
    if plain {
        let Some(array) = sequence(entry)? else { return Ok(None) };
        let Some(array) = interop::attach_for_reading(&array) else { return Ok(None) };
        // An empty list is a list of integers.
        let array = if array.size() == 0 {
            run(entry.py(), || Array::empty(array.shape(), Dtype::Int64))?
        } else {
            array
        };
        let usable = array.dtype().is_integer() || array.dtype() == Dtype::Bool;
        return Ok(usable.then_some(array));
    }
    if entry.is_instance_of::<PyBool>() || is_array_like(entry) || entry.hasattr("__array__")? {
        return match see(entry)? {
            Seen::Given(given) => Ok(Some(run(entry.py(), || given.into_array())?)),
            _ => Ok(None),
        };
    }
    Ok(None)
}

/// `slf[key]` with arrays in the key.
pub fn get<'py>(slf: &Bound<'py, NdArray>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if let (Some(array), true) = (slf.get().native(py), is_exactly(key, types(py).ndarray))
        && let Some(indices) = crate::array::native_of(key)
        && indices.ndim() > 0
    {
        interop::bring_home(py, indices, false)?;
        warnings::enter(py);
        if let Some(found) = run(py, || array.select_at_hand(indices))? {
            return fresh(py, found);
        }
    }
    let elsewhere = || fallback_method("__getitem__", slf, &PyTuple::new(py, [key])?, None);
    let Some(picks) = picks(key)? else { return elsewhere() };
    let Held::Native(array) = slf.get().held(py) else { return elsewhere() };
    warnings::enter(py);
    let basic: Option<SmallVec<[Index; 4]>> = (picks.iter())
        .map(|pick| match pick {
            Pick::Basic(index) => Some(*index),
            _ => None,
        })
        .collect();
    let selected = run(py, || match &basic {
        Some(basic) => array.slice(basic)?.copied_like(),
        None => array.select(&picks),
    })?;
    let basic_only = basic.is_some();
    let ellipsis = picks.iter().any(|pick| matches!(pick, Pick::Basic(Index::Ellipsis)));
    if basic_only && !ellipsis && selected.ndim() == 0 { result(py, selected) } else { fresh(py, selected) }
}

/// `slf[key] = value` with arrays in the key.
pub fn set(slf: &Bound<'_, NdArray>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = slf.py();
    let elsewhere =
        || fallback_method("__setitem__", slf, &PyTuple::new(py, [key, value])?, None).map(|_| ());
    let Some(picks) = picks(key)? else { return elsewhere() };
    let Seen::Given(given) = see(value)? else { return elsewhere() };
    let Held::Native(array) = slf.get().held(py) else { return elsewhere() };
    if loses(&given, array) {
        return elsewhere();
    }
    warnings::enter(py);
    run(py, || array.select_assign(&picks, given.input()))?;
    warnings::leave(py)
}

/// `ufunc.at`; `None` if that is not native.
pub fn ufunc_at<'py>(
    op: Op,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = arguments.py();
    if arguments.len() != 3 || keywords.is_some_and(|keywords| !keywords.is_empty()) {
        return Ok(None);
    }
    let target = arguments.get_item(0)?;
    let Ok(slf) = target.cast_exact::<NdArray>() else { return Ok(None) };
    let Held::Native(array) = slf.get().held(py) else { return Ok(None) };
    if !slf.get().is_writeable() {
        // NumPy writes to it all the same, which nobody else is told.
        interop::bring_home(py, array, true)?;
        return Ok(None);
    }
    let Some(picks) = picks(&arguments.get_item(1)?)? else { return Ok(None) };
    let value = arguments.get_item(2)?;
    let Seen::Given(value) = see(&value)? else { return Ok(None) };
    let fits = match &value {
        Given::Array(value) => value.dtype() == array.dtype(),
        Given::Made(value) => value.dtype() == array.dtype(),
        Given::Scalar(value) => value.dtype() == array.dtype(),
        // Numbers of Python are arrays of their default dtype here, and what is computed in a wider one is cast back.
        Given::Int(_) => matches!(array.dtype(), Dtype::Int64 | Dtype::Float64 | Dtype::Complex128),
        Given::Float(_) => matches!(array.dtype(), Dtype::Float64 | Dtype::Complex128),
        Given::Complex(_) => array.dtype() == Dtype::Complex128,
    };
    if !fits {
        return Ok(None);
    }
    warnings::enter(py);
    match attempt(|| array.select_combine(op, &picks, value.input())) {
        Ok(()) => {}
        Err(error) if error.kind == Kind::NotNative => return Ok(None),
        Err(error) => return Err(exception(py, error)),
    }
    warnings::leave(py)?;
    Ok(Some(py.None().into_bound(py)))
}

/// `take`; `None` if that is not native.
pub fn taken<'py>(
    slf: &Bound<'py, NdArray>,
    indices: &Bound<'py, PyAny>,
    axis: Option<&Bound<'py, PyAny>>,
    out: Option<&Bound<'py, PyAny>>,
    mode: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = slf.py();
    let bounds = match given(mode) {
        None => OutOfBounds::Raise,
        Some(mode) => match mode.extract::<String>().as_deref() {
            Ok("raise") => OutOfBounds::Raise,
            Ok("wrap") => OutOfBounds::Wrap,
            Ok("clip") => OutOfBounds::Clip,
            _ => return Ok(None),
        },
    };
    let axis = given(axis).map(arguments::integer).transpose()?;
    let positions = match see(indices)? {
        Seen::Given(positions) => run(py, || positions.into_array())?,
        _ => return Ok(None),
    };
    let Held::Native(array) = slf.get().held(py) else { return Ok(None) };
    if given(out).is_some() || !positions.dtype().is_integer() || array.ndim() == 0 {
        return Ok(None);
    }
    let array = array.clone();
    interop::bring_home(py, &positions, false)?;
    warnings::enter(py);
    let found = run(py, || array.take(&positions, axis, bounds))?;
    warnings::leave(py)?;
    result(py, found).map(Some)
}

#[pymethods]
impl NdArray {
    #[pyo3(signature = (indices, axis = None, out = None, mode = None))]
    fn take<'py>(
        slf: &Bound<'py, NdArray>,
        indices: &Bound<'py, PyAny>,
        axis: Option<&Bound<'py, PyAny>>,
        out: Option<&Bound<'py, PyAny>>,
        mode: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(found) = taken(slf, indices, axis, out, mode)? {
            return Ok(found);
        }
        let keywords = PyDict::new(slf.py());
        for (name, value) in [("axis", axis), ("out", out), ("mode", mode)] {
            if let Some(value) = value {
                keywords.set_item(name, value)?;
            }
        }
        fallback_method("take", slf, &PyTuple::new(slf.py(), [indices])?, Some(&keywords))
    }

    fn nonzero<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) if array.ndim() > 0 => {
                let array = array.clone();
                interop::bring_home(py, &array, false)?;
                warnings::enter(py);
                let found = run(py, || array.nonzero())?;
                let columns =
                    found.into_iter().map(|column| fresh(py, column)).collect::<PyResult<Vec<_>>>()?;
                Ok(PyTuple::new(py, columns)?.into_any())
            }
            _ => fallback_method("nonzero", slf, &PyTuple::empty(py), None),
        }
    }
}
