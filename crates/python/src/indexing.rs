//! `a[key]`, `a[key] = value` and iteration.

use crate::array::{Held, NdArray, view_of};
use crate::errors::run;
use crate::fallback::fallback_method;
use crate::input::{Given, Seen, int, see, strong_scalar};
use crate::interop::bring_home;
use crate::scalar::scalar_at;
use crate::types::{is_exactly, is_float, is_int, types};
use crate::warnings;
use maniple_array::{Array, Dtype, Index, Scalar};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use smallvec::SmallVec;
use std::ptr::addr_of_mut;

/// A basic index.
type Basic = SmallVec<[Index; 4]>;

/// What a key is.
enum Key {
    /// Integers, slices, `...` and `None` only.
    Basic(Basic),
    /// Arrays, lists or booleans among them.
    Advanced,
}

fn parse(key: &Bound<'_, PyAny>) -> PyResult<Key> {
    let mut basic = Basic::new();
    if is_exactly(key, addr_of_mut!(ffi::PyTuple_Type)) {
        // SAFETY: checked by the type.
        let tuple = unsafe { key.cast_unchecked::<PyTuple>() };
        for item in tuple.iter_borrowed() {
            if !parse_one(&item, &mut basic)? {
                return Ok(Key::Advanced);
            }
        }
    } else if let Ok(tuple) = key.cast::<PyTuple>() {
        return parse(&PyTuple::new(key.py(), tuple.iter())?.into_any());
    } else if !parse_one(key, &mut basic)? {
        return Ok(Key::Advanced);
    }
    Ok(Key::Basic(basic))
}

/// Adds one entry of a key; false for one that is not basic.
#[inline]
pub fn parse_one(item: &Bound<'_, PyAny>, basic: &mut Basic) -> PyResult<bool> {
    let class = item.get_type_ptr();
    if is_int(item) {
        basic.push(Index::At(position(item)?));
    } else if class == addr_of_mut!(ffi::PySlice_Type) {
        let (mut start, mut stop, mut step) = (0, 0, 0);
        // SAFETY: the object is a slice, and the places are ours.
        if unsafe { ffi::PySlice_Unpack(item.as_ptr(), &mut start, &mut stop, &mut step) } < 0 {
            return Err(PyErr::fetch(item.py()));
        }
        basic.push(Index::Slice(Some(start), Some(stop), Some(step)));
    } else if item.is_none() {
        basic.push(Index::NewAxis);
    } else if class == addr_of_mut!(ffi::PyEllipsis_Type) {
        basic.push(Index::Ellipsis);
    } else if class == types(item.py()).deferred {
        let integer_like = crate::array::native_of(item).is_some_and(|array| array.dtype().is_integer());
        if integer_like {
            basic.push(Index::At(position(item)?));
        }
        return Ok(integer_like);
    } else {
        return parse_rare(item, basic);
    }
    Ok(true)
}

#[cold]
fn parse_rare(item: &Bound<'_, PyAny>, basic: &mut Basic) -> PyResult<bool> {
    let is_bool = is_exactly(item, addr_of_mut!(ffi::PyBool_Type))
        || crate::input::strong_scalar(item).is_some_and(|value| value.dtype() == maniple_array::Dtype::Bool);
    // SAFETY: any object may be asked.
    let has_index = unsafe { ffi::PyIndex_Check(item.as_ptr()) } != 0;
    let array_like =
        item.is_instance_of::<NdArray>() || item.hasattr("__array__")? && item.hasattr("ndim")?;
    let generic = {
        // SAFETY: both are types.
        unsafe { ffi::PyType_IsSubtype(item.get_type_ptr(), types(item.py()).generic) != 0 }
    };
    if is_bool || !has_index || (array_like && !generic) {
        return Ok(false);
    }
    basic.push(Index::At(position(item)?));
    Ok(true)
}

fn position(item: &Bound<'_, PyAny>) -> PyResult<isize> {
    // SAFETY: any object may be asked.
    let found = unsafe { ffi::PyNumber_AsSsize_t(item.as_ptr(), ffi::PyExc_IndexError) };
    if found == -1
        && let Some(error) = PyErr::take(item.py())
    {
        return Err(error);
    }
    Ok(found)
}

/// Whether a basic index names every axis by a position, so that the result is a scalar of NumPy's.
fn names_one_element(basic: &Basic, ndim: usize) -> bool {
    basic.len() == ndim && basic.iter().all(|index| matches!(index, Index::At(_)))
}

/// The scalar that a 0-d array holds.
fn element<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    let address = bring_home(py, array, false)?;
    // SAFETY: `bring_home` gives the address of the element.
    unsafe { scalar_at(py, address, array.dtype()) }
}

/// How far the element that a key names is from the one with index zero, in bytes, if the key is an integer per axis, none
/// of them out of bounds.
fn element_offset(array: &Array, key: &Bound<'_, PyAny>) -> Option<isize> {
    let offset = |key: &Bound<'_, PyAny>, axis: usize| {
        if !is_int(key) {
            return None;
        }
        // SAFETY: the object is an int; -1 with an error is what is out of any bounds.
        let found = unsafe { ffi::PyLong_AsSsize_t(key.as_ptr()) };
        if found == -1 && PyErr::take(key.py()).is_some() {
            return None;
        }
        let extent = array.shape()[axis] as isize;
        let at = if found < 0 { found + extent } else { found };
        (0 <= at && at < extent).then(|| at * array.strides()[axis])
    };
    if array.ndim() == 1 {
        return offset(key, 0);
    }
    let tuple = key.cast_exact::<PyTuple>().ok().filter(|tuple| tuple.len() == array.ndim())?;
    (0..array.ndim())
        .try_fold(0, |sum, axis| Some(sum + offset(&*tuple.get_borrowed_item(axis).ok()?, axis)?))
}

/// The element that a key names, if that is one and needs no waiting.
fn get_element<'py>(
    py: Python<'py>,
    array: &Array,
    key: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(offset) = element_offset(array, key) else { return Ok(None) };
    let Some(address) = run(py, || array.try_host())? else { return Ok(None) };
    warnings::emit(py)?;
    // SAFETY: the array's elements are in host memory, and the key is within bounds.
    unsafe { scalar_at(py, address.offset(offset), array.dtype()).map(Some) }
}

/// Stores a number in the element that a key names, if that is one, the number fits, and nothing has yet to run.
fn set_element(array: &Array, key: &Bound<'_, PyAny>, given: &Given<'_>) -> bool {
    let Some(value) = exactly(given, array.dtype()) else { return false };
    let Some(offset) = element_offset(array, key) else { return false };
    let Some(address) = array.try_write() else { return false };
    let bytes = value.as_bytes();
    // SAFETY: the array's elements are in host memory, the key is within bounds, and an element has so many bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address.offset(offset), array.dtype().size()) };
    true
}

/// A Python or NumPy number.
fn number(value: &Bound<'_, PyAny>) -> Option<Given<'static>> {
    if is_float(value) {
        // SAFETY: the object is a float.
        return Some(Given::Float(unsafe { ffi::PyFloat_AsDouble(value.as_ptr()) }));
    }
    if is_int(value) { int(value).map(Given::Int) } else { strong_scalar(value).map(Given::Scalar) }
}

/// A number as an element, if the conversion neither rounds away from the row that would do it nor raises events.
fn exactly(given: &Given<'_>, dtype: Dtype) -> Option<Scalar> {
    match *given {
        Given::Scalar(value) => (value.dtype() == dtype).then_some(value),
        Given::Float(value) => (dtype == Dtype::Float64).then(|| Scalar::new(value)),
        Given::Int(value) if dtype == Dtype::Float64 => {
            (value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS).then(|| Scalar::new(value as f64))
        }
        Given::Int(value) if dtype.is_integer() => maniple_array::int_constant(value, dtype).ok(),
        _ => None,
    }
}

fn get<'py>(slf: &Bound<'py, NdArray>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let Some(array) = slf.get().native(py) else {
        return fallback_method("__getitem__", slf, &PyTuple::new(py, [key])?, None);
    };
    if let Some(element) = get_element(py, array, key)? {
        return Ok(element);
    }
    if is_exactly(key, types(py).ndarray) {
        return crate::selecting::get(slf, key);
    }
    // Keys may run Python code; the array is looked at afterwards.
    let Ok(parsed) = parse(key) else {
        return fallback_method("__getitem__", slf, &PyTuple::new(py, [key])?, None);
    };
    let Held::Native(array) = slf.get().held(py) else { unreachable!("native arrays stay native") };
    match parsed {
        Key::Basic(basic) => {
            let view = run(py, || array.slice(&basic))?;
            if names_one_element(&basic, array.ndim()) { element(py, &view) } else { view_of(slf, view) }
        }
        Key::Advanced => crate::selecting::get(slf, key),
    }
}

fn set(slf: &Bound<'_, NdArray>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = slf.py();
    if slf.get().native(py).is_none() {
        return set_elsewhere(slf, key, value);
    }
    slf.get().check_writeable("assignment destination")?;
    if let (Some(number), Some(array)) = (number(value), slf.get().native(py))
        && set_element(array, key, &number)
    {
        return Ok(());
    }
    let Ok(parsed) = parse(key) else { return set_elsewhere(slf, key, value) };
    if matches!(parsed, Key::Advanced) {
        return crate::selecting::set(slf, key, value);
    }
    let seen = see(value)?;
    let Held::Native(array) = slf.get().held(py) else { unreachable!("native arrays stay native") };
    let (Key::Basic(basic), Seen::Given(given)) = (parsed, seen) else {
        return set_elsewhere(slf, key, value);
    };
    let many = match &given {
        Given::Array(value) => value.ndim() > 0,
        Given::Made(value) => value.ndim() > 0,
        _ => false,
    };
    // One element does not take an array, not even of one element; NumPy says so in the words of the dtype.
    if loses(&given, array) || (many && names_one_element(&basic, array.ndim())) {
        return set_elsewhere(slf, key, value);
    }
    warnings::enter(py);
    let view = run(py, || array.slice(&basic))?;
    run(py, || view.assign(given.input()))?;
    warnings::leave(py)
}

/// Whether NumPy refuses to store a number, or warns about it: it says so itself then.
pub fn loses(given: &Given<'_>, array: &Array) -> bool {
    let (kind, dtype) = (array.dtype(), given_dtype(given));
    match given {
        // What has more than 64 bits is no integer of NumPy's.
        Given::Float(value) => !kind.is_inexact() && (value.is_nan() || value.abs() >= -(i64::MIN as f64)),
        Given::Scalar(value) if dtype.is_float() => !value.as_f64().is_finite() && kind.is_integer(),
        _ => dtype.is_complex() && !kind.is_complex() && kind != maniple_array::Dtype::Bool,
    }
}

fn given_dtype(given: &Given<'_>) -> maniple_array::Dtype {
    match given {
        Given::Array(array) => array.dtype(),
        Given::Made(array) => array.dtype(),
        Given::Scalar(value) => value.dtype(),
        Given::Int(_) => maniple_array::Dtype::Int64,
        Given::Float(_) => maniple_array::Dtype::Float64,
        Given::Complex(_) => maniple_array::Dtype::Complex128,
    }
}

#[cold]
fn set_elsewhere(slf: &Bound<'_, NdArray>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    fallback_method("__setitem__", slf, &PyTuple::new(slf.py(), [key, value])?, None).map(|_| ())
}

/// Iterates over the first axis of an array with more than one.
#[pyclass(module = "maniple")]
pub struct Rows {
    array: Py<NdArray>,
    next: usize,
}

#[pymethods]
impl Rows {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let slf = self.array.bind(py);
        let Some(array) = slf.get().native(py) else { return Ok(None) };
        if array.shape().first().is_none_or(|&extent| self.next >= extent) {
            return Ok(None);
        }
        let row = run(py, || array.slice(&[Index::At(self.next as isize)]))?;
        self.next += 1;
        view_of(slf, row).map(Some)
    }
}

#[pymethods]
impl NdArray {
    fn __getitem__<'py>(slf: &Bound<'py, NdArray>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        get(slf, key)
    }

    fn __setitem__(
        slf: &Bound<'_, NdArray>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        set(slf, key, value)
    }

    fn __delitem__(&self, _key: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(pyo3::exceptions::PyValueError::new_err("cannot delete array elements"))
    }

    fn __len__(slf: &Bound<'_, NdArray>) -> PyResult<usize> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => match array.shape().first() {
                Some(&extent) => Ok(extent),
                None => Err(PyTypeError::new_err("len() of unsized object")),
            },
            Held::Foreign(array) => array.bind(py).len(),
        }
    }

    fn __iter__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) => match array.ndim() {
                0 => Err(PyTypeError::new_err("iteration over a 0-d array")),
                // NumPy's own iterator gives NumPy's scalars, one by one.
                1 => Ok(crate::interop::export_array(slf)?.try_iter()?.into_any()),
                _ => Ok(Bound::new(py, Rows { array: slf.clone().unbind(), next: 0 })?.into_any()),
            },
            Held::Foreign(_) => {
                let rows =
                    py.import("builtins")?.call_method1("list", (crate::interop::export_array(slf)?,))?;
                Ok(crate::fallback::to_ours(&rows)?.try_iter()?.into_any())
            }
        }
    }

    fn __concat__(&self, _other: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "Concatenation operation is not implemented for NumPy arrays, use np.concatenate() instead. Please do not \
             rely on this error; it may not be given on all Python implementations.",
        ))
    }

    fn __contains__(slf: &Bound<'_, NdArray>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        slf.as_any().rich_compare(value, pyo3::basic::CompareOp::Eq)?.call_method0("any")?.is_truthy()
    }
}
