//! What is not native runs in NumPy: conversion there and back, and the record of where and how often that happened.
//!
//! A fallback converts every array of ours among the arguments, also inside lists, tuples, dicts and slices, to a NumPy
//! array that shares its memory, calls NumPy, and wraps the arrays of the result. Writes go through, since the memory is
//! the same; a result that is one of the arguments (`out=`) comes back as the very same object; a result that is a view
//! of an argument stays one.

use crate::array::{Held, NdArray};
use crate::interop;
use crate::lines;
use crate::types::{is_exactly, is_plain, numpy, types};
use crate::ufunc::Ufunc;
use crate::warnings::warn_at;
use maniple_runtime::Line;
use pyo3::exceptions::{PyNotImplementedError, PyUserWarning, PyValueError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySlice, PyTuple, PyType};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

pyo3::create_exception!(
    maniple,
    FallbackError,
    PyNotImplementedError,
    "A call has no native version and `MANIPLE_FALLBACK=error` forbids running it in NumPy."
);
pyo3::create_exception!(
    maniple,
    FallbackWarning,
    PyUserWarning,
    "A call ran in NumPy because Maniple has no native version of it."
);

/// The names of the modes, in the order of their numbers.
const MODES: [&str; 3] = ["quiet", "warn", "error"];
const QUIET: u8 = 0;
const ERROR: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(QUIET);

/// What one place made fall back under one name.
struct Counted {
    name: Box<str>,
    count: u64,
    bytes: usize,
    time: Duration,
}

static PLACES: Mutex<Option<FxHashMap<u32, SmallVec<[Counted; 1]>>>> = Mutex::new(None);

fn places() -> MutexGuard<'static, Option<FxHashMap<u32, SmallVec<[Counted; 1]>>>> {
    PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The mode in force: `quiet`, `warn` or `error`.
#[pyfunction]
pub fn fallback_mode() -> &'static str {
    MODES[MODE.load(Ordering::Relaxed) as usize]
}

/// Chooses what a fallback does from now on: `quiet`, `warn` or `error`.
#[pyfunction]
pub fn set_fallback_mode(new: &str) -> PyResult<()> {
    let Some(number) = MODES.iter().position(|known| *known == new) else {
        return Err(PyValueError::new_err(format!(
            "fallback mode {new:?}: expected one of {}",
            MODES.join(", ")
        )));
    };
    MODE.store(number as u8, Ordering::Relaxed);
    Ok(())
}

/// A name, the file and line of a call, and how often it fell back, the bytes it moved and the seconds it took.
type Row = (String, String, usize, u64, usize, f64);

/// Every place that fell back.
#[pyfunction]
pub fn fallback_rows() -> Vec<Row> {
    let places = places();
    let of_place = |(&line, all): (&u32, &SmallVec<[Counted; 1]>)| -> Vec<Row> {
        let (file, number) = lines::with_place(Line(line), |place| {
            place.map_or((String::from("<unknown>"), 0), |place| (place.file.clone(), place.line))
        });
        let row = |counted: &Counted| {
            let seconds = counted.time.as_secs_f64();
            (counted.name.to_string(), file.clone(), number, counted.count, counted.bytes, seconds)
        };
        all.iter().map(row).collect()
    };
    places.iter().flatten().flat_map(of_place).collect()
}

/// Empties the record.
#[pyfunction]
pub fn forget_fallbacks() {
    *places() = None;
}

/// Calls NumPy's `function` with our arrays and records it under `name`.
#[pyfunction]
#[pyo3(name = "run_in_numpy")]
pub fn fallback<'py>(
    name: &str,
    function: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let line = lines::here(function.py());
    if MODE.load(Ordering::Relaxed) != QUIET {
        speak_up(function.py(), name, line)?;
    }
    let started = Instant::now();
    let mut exchange = Exchange::default();
    let made = exchange.call(function, arguments, keywords);
    count(name, line, exchange.bytes, started.elapsed());
    made
}

/// Calls NumPy's `function` with our arrays, for functions that read values by their nature.
#[pyfunction]
#[pyo3(name = "run_unrecorded")]
pub fn unrecorded<'py>(
    function: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    Exchange::default().call(function, arguments, keywords)
}

/// Runs a function of the module `numpy`.
pub fn fallback_named<'py>(
    name: &str,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    fallback(name, &numpy(arguments.py()).getattr(name)?, arguments, keywords)
}

/// Runs a method of `numpy.ndarray`, whose first argument is the array.
pub fn fallback_method<'py>(
    name: &str,
    slf: &Bound<'py, NdArray>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if crate::array::deferred_of(slf.as_any()).is_some() {
        // NumPy's scalar has the method too.
        return unrecorded(&interop::export_any(slf)?.getattr(name)?, arguments, keywords);
    }
    let function = numpy(py).getattr(intern!(py, "ndarray"))?.getattr(name)?;
    let all: SmallVec<[_; 4]> = std::iter::once(slf.as_any().clone()).chain(arguments.iter()).collect();
    fallback(&format!("ndarray.{name}"), &function, &PyTuple::new(py, all)?, keywords)
}

/// A value with every array of ours in it as an array of NumPy's that shares its memory.
pub fn to_numpy<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(Exchange::default().convert(value)?.unwrap_or_else(|| value.clone()))
}

/// A value with NumPy's arrays in it as arrays of ours.
pub fn to_ours<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Exchange::default().wrap(value.clone())
}

fn count(name: &str, line: Line, bytes: usize, time: Duration) {
    let mut places = places();
    let all = places.get_or_insert_default().entry(line.0).or_default();
    match all.iter_mut().find(|counted| *counted.name == *name) {
        Some(counted) => {
            counted.count += 1;
            counted.bytes += bytes;
            counted.time += time;
        }
        None => all.push(Counted { name: name.into(), count: 1, bytes, time }),
    }
}

/// The error, or, for the first fallback of a place, the warning that was asked for.
#[cold]
fn speak_up(py: Python<'_>, name: &str, line: Line) -> PyResult<()> {
    if MODE.load(Ordering::Relaxed) == ERROR {
        return Err(FallbackError::new_err(format!(
            "numpy.{name} has no native version for these arguments and MANIPLE_FALLBACK=error forbids running it in \
             NumPy; set MANIPLE_FALLBACK=quiet or warn, or convert with numpy.asarray yourself"
        )));
    }
    let known = places()
        .as_ref()
        .and_then(|places| places.get(&line.0))
        .is_some_and(|all| all.iter().any(|counted| *counted.name == *name));
    if known {
        return Ok(());
    }
    let message = format!("numpy.{name} has no native version for these arguments and runs in NumPy");
    warn_at(py, &py.get_type::<FallbackWarning>(), &message, line)
}

/// The NumPy faces of our arrays in one call, and the way back.
#[derive(Default)]
struct Exchange<'py> {
    /// Faces with the arrays that they are of.
    faces: SmallVec<[(Bound<'py, PyAny>, Bound<'py, PyAny>); 4]>,
    /// Bytes of ours that NumPy got, and of NumPy's that we did.
    bytes: usize,
}

impl<'py> Exchange<'py> {
    /// Calls a function with NumPy's arrays for ours, and returns ours for NumPy's.
    fn call(
        &mut self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        let converted = self.items(|| arguments.iter())?;
        let converted = converted.map(|items| PyTuple::new(py, items)).transpose()?;
        let keywords = match keywords.filter(|keywords| !keywords.is_empty()) {
            None => None,
            Some(keywords) => Some(self.dict(keywords)?.unwrap_or_else(|| keywords.clone())),
        };
        let made = function.call(converted.as_ref().unwrap_or(arguments), keywords.as_ref())?;
        drop(converted);
        self.wrap(made)
    }

    /// What NumPy gets for a value: arrays that share our arrays' memory, its own ufuncs for ours; `None` for the value
    /// itself.
    fn convert(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = value.py();
        let table = types(py);
        let class = value.get_type_ptr();
        if class == table.ndarray {
            return self.face(value).map(Some);
        }
        if is_leaf(value) {
            return Ok(None);
        }
        if class == table.deferred {
            return interop::export_any(value.cast::<NdArray>()?).map(Some);
        }
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            let items = self.items(|| tuple.iter())?;
            return items.map(|items| Ok(PyTuple::new(py, items)?.into_any())).transpose();
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            let items = self.items(|| list.iter())?;
            return items.map(|items| Ok(PyList::new(py, items)?.into_any())).transpose();
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            return Ok(self.dict(dict)?.map(Bound::into_any));
        }
        if let Ok(slice) = value.cast_exact::<PySlice>() {
            let parts = [slice.getattr("start")?, slice.getattr("stop")?, slice.getattr("step")?];
            return match self.items(|| parts.clone().into_iter())? {
                None => Ok(None),
                Some(items) => Ok(Some(py.get_type::<PySlice>().call1(PyTuple::new(py, items)?)?)),
            };
        }
        if let Ok(ufunc) = value.cast::<Ufunc>() {
            return numpy(py).getattr_opt(ufunc.get().op.row().numpy);
        }
        if let Ok(tuple) = value.cast::<PyTuple>()
            && let Some(make) = value.get_type().getattr_opt(intern!(py, "_make"))?
        {
            let items = self.items(|| tuple.iter())?;
            return items.map(|items| make.call1((PyList::new(py, items)?,))).transpose();
        }
        if !value.is_callable() {
            return self.array_of(value);
        }
        value.getattr_opt(intern!(py, "__maniple_numpy__"))
    }

    /// What NumPy gets for some values, if it is anything but themselves.
    fn items<I: ExactSizeIterator<Item = Bound<'py, PyAny>>>(
        &mut self,
        values: impl Fn() -> I,
    ) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
        let mut made: Option<Vec<Bound<'py, PyAny>>> = None;
        for (at, value) in values().enumerate() {
            match (self.convert(&value)?, &mut made) {
                (None, None) => {}
                (None, Some(made)) => made.push(value),
                (Some(new), Some(made)) => made.push(new),
                (Some(new), None) => {
                    let mut items = Vec::with_capacity(values().len());
                    items.extend(values().take(at));
                    items.push(new);
                    made = Some(items);
                }
            }
        }
        Ok(made)
    }

    fn dict(&mut self, values: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let mut made: Option<Bound<'py, PyDict>> = None;
        for (key, value) in values.iter() {
            if let Some(new) = self.convert(&value)? {
                if made.is_none() {
                    made = Some(values.copy()?);
                }
                made.as_ref().map_or(Ok(()), |made| made.set_item(key, new))?;
            }
        }
        Ok(made)
    }

    /// What an object of another class gives of itself: NumPy refuses an array of ours from `__array__`, so it is asked
    /// here.
    fn array_of(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = value.py();
        let class = value.get_type();
        let own = class.getattr_opt(intern!(py, "__array__"))?.is_some()
            && class.getattr_opt(intern!(py, "__array_function__"))?.is_none();
        if !own {
            return Ok(None);
        }
        let made = value.call_method0(intern!(py, "__array__"))?;
        if is_exactly(&made, types(py).ndarray) { self.face(&made).map(Some) } else { Ok(None) }
    }

    /// The NumPy face of an array of ours.
    fn face(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Some((face, _)) = self.faces.iter().find(|(_, ours)| ours.is(value)) {
            return Ok(face.clone());
        }
        let array = value.cast::<NdArray>()?;
        let face = match array.get().held(value.py()) {
            Held::Foreign(foreign) => foreign.bind(value.py()).clone(),
            Held::Native(native) => {
                self.bytes += native.size() * native.dtype().size();
                interop::export_array(array)?
            }
        };
        self.faces.push((face.clone(), value.clone()));
        Ok(face)
    }

    /// A result with each NumPy array as one of ours; scalars and NumPy's subclasses stay what they are.
    fn wrap(&mut self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        let class = value.get_type_ptr();
        let array = types(py).numpy_array;
        if class == array {
            if let Some((_, ours)) = self.faces.iter().find(|(face, _)| face.is(&value)) {
                return Ok(ours.clone());
            }
            self.bytes += interop::bytes_of_numpy(&value);
            return interop::adopt(value);
        }
        if is_leaf(&value) {
            return Ok(value);
        }
        // Lists may be long and full of numbers: those of arrays, and of lists, begin with them.
        let holds = |item: &Bound<'py, PyAny>| is_exactly(item, array);
        let nests = |item: &Bound<'py, PyAny>| {
            item.cast_exact::<PyTuple>().is_ok() || item.cast_exact::<PyList>().is_ok()
        };
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            if tuple.iter().any(|item| holds(&item)) || tuple.iter().take(4).any(|item| nests(&item)) {
                let items: PyResult<Vec<_>> = tuple.iter().map(|item| self.wrap(item)).collect();
                return Ok(PyTuple::new(py, items?)?.into_any());
            }
            return Ok(value);
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            if list.iter().any(|item| holds(&item)) || list.iter().take(4).any(|item| nests(&item)) {
                let items: PyResult<Vec<_>> = list.iter().map(|item| self.wrap(item)).collect();
                return Ok(PyList::new(py, items?)?.into_any());
            }
            return Ok(value);
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            let made = PyDict::new(py);
            for (key, item) in dict.iter() {
                made.set_item(key, self.wrap(item)?)?;
            }
            return Ok(made.into_any());
        }
        if let Ok(tuple) = value.cast::<PyTuple>()
            && let Some(make) = value.get_type().getattr_opt(intern!(py, "_make"))?
        {
            let items: PyResult<Vec<_>> = tuple.iter().map(|item| self.wrap(item)).collect();
            return make.call1((PyList::new(py, items?)?,));
        }
        Ok(value)
    }
}

/// Whether a value is of a class that never holds an array of ours.
fn is_leaf(value: &Bound<'_, PyAny>) -> bool {
    let class = value.get_type_ptr();
    let table = types(value.py());
    is_plain(value)
        || class == table.numpy_array
        // SAFETY: both are classes.
        || unsafe { ffi::PyType_IsSubtype(class, table.generic) } != 0
        || value.cast_exact::<PyType>().is_ok()
}
