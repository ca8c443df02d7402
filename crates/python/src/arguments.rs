//! Arguments as NumPy's functions take them: shapes, axes, orders, castings, dtypes, and "not given".

use crate::array::NdArray;
use crate::interop::dtype_of_descriptor;
use crate::types::{is_exactly, is_int, numpy, types};
use maniple_array::{Casting, Dtype, Layout};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use smallvec::SmallVec;
use std::ptr::addr_of_mut;

/// A list of integers that is short.
pub type Integers = SmallVec<[isize; 4]>;

/// An argument that was given: neither left out, nor `None`, nor `numpy._NoValue`.
pub fn given<'a, 'py>(argument: Option<&'a Bound<'py, PyAny>>) -> Option<&'a Bound<'py, PyAny>> {
    argument.filter(|value| !value.is_none() && !value.is(&types(value.py()).no_value))
}

/// One integer, or a sequence of integers.
pub fn integers(value: &Bound<'_, PyAny>) -> PyResult<Integers> {
    if is_int(value) {
        return Ok(smallvec::smallvec![integer(value)?]);
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple.iter_borrowed().map(|item| integer(&item)).collect();
    }
    // SAFETY: any object may be asked.
    if unsafe { ffi::PyIndex_Check(value.as_ptr()) } != 0 && value.len().is_err() {
        return Ok(smallvec::smallvec![integer(value)?]);
    }
    let Ok(items) = value.try_iter() else {
        return Ok(smallvec::smallvec![integer(value)?]);
    };
    items.map(|item| integer(&item?)).collect()
}

/// One integer, by `__index__`.
#[inline]
pub fn integer(value: &Bound<'_, PyAny>) -> PyResult<isize> {
    if is_exactly(value, addr_of_mut!(ffi::PyBool_Type)) {
        return Err(PyTypeError::new_err("an integer is required"));
    }
    // SAFETY: any object may be asked; null asks for `OverflowError` if it does not fit.
    let found = unsafe { ffi::PyNumber_AsSsize_t(value.as_ptr(), ffi::PyExc_OverflowError) };
    if found == -1
        && let Some(error) = PyErr::take(value.py())
    {
        return Err(error);
    }
    Ok(found)
}

/// The extents of a new array.
pub fn shape(value: &Bound<'_, PyAny>) -> PyResult<SmallVec<[usize; 4]>> {
    let mut extents = SmallVec::new();
    for extent in integers(value)? {
        if extent < 0 {
            return Err(PyValueError::new_err("negative dimensions are not allowed"));
        }
        extents.push(extent as usize);
    }
    Ok(extents)
}

/// The axes of a reduction; `None` for all.
pub fn axes(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Integers>> {
    match given(value) {
        None => Ok(None),
        Some(value) if is_int(value) => Ok(Some(smallvec::smallvec![integer(value)?])),
        Some(value) if value.is_instance_of::<PyTuple>() => Ok(Some(integers(value)?)),
        Some(value) => {
            Ok(Some(smallvec::smallvec![integer(value).map_err(|error| axis_type(value, error))?]))
        }
    }
}

fn axis_type(value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let name = value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    if error.is_instance_of::<PyTypeError>(value.py()) {
        PyTypeError::new_err(format!("'{name}' object cannot be interpreted as an integer"))
    } else {
        error
    }
}

/// NumPy's `order=`.
pub fn layout(value: Option<&Bound<'_, PyAny>>, default: Layout) -> PyResult<Layout> {
    let Some(value) = given(value) else { return Ok(default) };
    let text: String = match value.cast::<PyString>() {
        Ok(text) => text.to_cow()?.into_owned(),
        Err(_) => value
            .extract::<Vec<u8>>()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|_| {
                PyTypeError::new_err(format!(
                    "order must be str, not {}",
                    value.get_type().name().map(|name| name.to_string()).unwrap_or_default()
                ))
            })?,
    };
    Ok(match text.as_str() {
        "C" | "c" => Layout::C,
        "F" | "f" => Layout::Fortran,
        "A" | "a" => Layout::Any,
        "K" | "k" => Layout::Keep,
        _ => {
            return Err(PyValueError::new_err(format!(
                "order must be one of 'C', 'F', 'A', or 'K' (got '{text}')"
            )));
        }
    })
}

/// NumPy's `casting=`.
pub fn casting(value: &Bound<'_, PyAny>) -> PyResult<Casting> {
    let text = value.cast::<PyString>().map_err(|_| {
        PyTypeError::new_err(format!(
            "casting must be str, not {}",
            value.get_type().name().map(|name| name.to_string()).unwrap_or_default()
        ))
    })?;
    Ok(match &*text.to_cow()? {
        "no" => Casting::No,
        "equiv" => Casting::Equiv,
        "safe" => Casting::Safe,
        "same_kind" => Casting::SameKind,
        "unsafe" => Casting::Unsafe,
        other => {
            return Err(PyValueError::new_err(format!(
                "casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe', or 'same_value' (got '{other}')"
            )));
        }
    })
}

/// A dtype argument: ours, or one that only NumPy holds.
pub enum Wanted {
    /// One of ours.
    Ours(Dtype),
    /// Anything else.
    Foreign,
}

/// What a dtype argument means, as `numpy.dtype(value)` says it; `None` means `float64`.
pub fn dtype(value: &Bound<'_, PyAny>) -> PyResult<Wanted> {
    let py = value.py();
    let table = types(py);
    if let Some(found) = table.dtypes.iter().position(|known| value.is(known)) {
        return Ok(Wanted::Ours(Dtype::ALL[found]));
    }
    let pointer = value.as_ptr().cast::<ffi::PyTypeObject>();
    if pointer == addr_of_mut!(ffi::PyFloat_Type) {
        return Ok(Wanted::Ours(Dtype::Float64));
    }
    if pointer == addr_of_mut!(ffi::PyBool_Type) {
        return Ok(Wanted::Ours(Dtype::Bool));
    }
    if let Some((_, found)) = table.scalars.iter().find(|(class, _)| *class == pointer) {
        return Ok(Wanted::Ours(*found));
    }
    if let Ok(name) = value.cast_exact::<PyString>()
        && let Some(found) = named(name.to_str()?)
    {
        return Ok(Wanted::Ours(found));
    }
    if value.is_instance_of::<NdArray>() {
        return Err(PyTypeError::new_err("Cannot construct a dtype from an array"));
    }
    // A class of dtypes, such as `numpy.dtypes.Float64DType`, stands for the dtype that it makes.
    let classes = numpy(py).getattr("dtype")?.get_type();
    let made = if value.is_instance(&classes)? { value.call0().ok() } else { None };
    let object = match made {
        Some(object) => object,
        None => numpy(py).call_method1("dtype", (value,))?,
    };
    Ok(match dtype_of_descriptor(py, object.as_ptr().cast()) {
        Some(found) => Wanted::Ours(found),
        None => Wanted::Foreign,
    })
}

/// The dtype of a name that means the same on every machine.
fn named(name: &str) -> Option<Dtype> {
    Some(match name {
        "bool" | "?" => Dtype::Bool,
        "int8" | "i1" => Dtype::Int8,
        "int16" | "i2" => Dtype::Int16,
        "int32" | "i4" => Dtype::Int32,
        "int64" | "i8" => Dtype::Int64,
        "uint8" | "u1" => Dtype::UInt8,
        "uint16" | "u2" => Dtype::UInt16,
        "uint32" | "u4" => Dtype::UInt32,
        "uint64" | "u8" => Dtype::UInt64,
        "float16" | "f2" => Dtype::Float16,
        "float32" | "f4" => Dtype::Float32,
        "float64" | "f8" | "float" | "d" => Dtype::Float64,
        "complex64" | "c8" => Dtype::Complex64,
        "complex128" | "c16" | "complex" => Dtype::Complex128,
        _ => return None,
    })
}

/// As [`dtype`] for an argument that may be left out.
pub fn optional_dtype(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Wanted>> {
    given(value).map(dtype).transpose()
}

/// Whether an argument is Python's `True`, or true.
pub fn truth(value: Option<&Bound<'_, PyAny>>, default: Truth) -> PyResult<Truth> {
    match given(value) {
        None => Ok(default),
        Some(value) => Ok(if value.is_truthy()? { Truth::True } else { Truth::False }),
    }
}

/// The truth of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// True.
    True,
    /// False.
    False,
}

/// Whether an object is a tuple and no subclass of it.
pub fn is_tuple(object: &Bound<'_, PyAny>) -> bool {
    is_exactly(object, addr_of_mut!(ffi::PyTuple_Type))
}
