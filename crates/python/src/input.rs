//! Operands as Python gives them: what each is to the array layer, told by pointer comparisons.

use crate::array::{Held, NdArray};
use crate::interop;
use crate::types::{is_exactly, is_float, is_int, numpy, types};
use maniple_array::{Array, Complex64, Dtype, Input, Scalar};
use maniple_ops::Bool;
use numpy::npyffi::PY_ARRAY_API;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyDict, PyList, PyTuple};
use std::ptr::addr_of_mut;

/// One operand.
pub enum Given<'a> {
    /// An array of ours.
    Array(&'a Array),
    /// An array made for this call from a NumPy array or a list.
    Made(Array),
    /// A NumPy scalar, or a Python `bool`.
    Scalar(Scalar),
    /// A Python `int`.
    Int(i128),
    /// A Python `float`.
    Float(f64),
    /// A Python `complex`.
    Complex(Complex64),
}

impl Given<'_> {
    /// The operand for the array layer.
    pub fn input(&self) -> Input<'_> {
        match self {
            Given::Array(array) => Input::Array(array),
            Given::Made(array) => Input::Array(array),
            Given::Scalar(value) => Input::Scalar(*value),
            Given::Int(value) => Input::Int(*value),
            Given::Float(value) => Input::Float(*value),
            Given::Complex(value) => Input::Complex(*value),
        }
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        match self {
            Given::Array(array) => array.ndim(),
            Given::Made(array) => array.ndim(),
            _ => 0,
        }
    }

    /// The operand as an array; Python scalars take their default dtype.
    pub fn into_array(self) -> maniple_array::Result<Array> {
        match self {
            Given::Array(array) => Ok(array.clone()),
            Given::Made(array) => Ok(array),
            Given::Scalar(value) => interop::array_of(value),
            Given::Int(value) => interop::array_of(maniple_array::int_constant(
                value,
                if value > i64::MAX as i128 { Dtype::UInt64 } else { Dtype::Int64 },
            )?),
            Given::Float(value) => interop::array_of(Scalar::new(value)),
            Given::Complex(value) => interop::array_of(Scalar::new(value)),
        }
    }
}

/// What an object is as an operand.
pub enum Seen<'a> {
    /// Something the array layer takes.
    Given(Given<'a>),
    /// An object with an `__array_ufunc__` of its own, which decides.
    Overrides,
    /// An object whose `__array_ufunc__` is `None`: it wants no part in ufuncs.
    Refuses,
    /// An array of a dtype we do not hold, or anything else that NumPy makes something of.
    Foreign,
}

/// What an object is as an operand of a ufunc.
#[inline]
pub fn see<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Seen<'a>> {
    let py = object.py();
    let table = types(py);
    let class = object.get_type_ptr();
    if class == table.ndarray || class == table.deferred {
        // SAFETY: the type is our own or our own subclass of it.
        let array = unsafe { object.cast_unchecked::<NdArray>() };
        return Ok(match array.get().held(py) {
            Held::Native(native) => Seen::Given(Given::Array(native)),
            Held::Foreign(_) => Seen::Foreign,
        });
    }
    if is_float(object) {
        // SAFETY: the object is a float.
        return Ok(Seen::Given(Given::Float(unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) })));
    }
    if is_int(object) {
        return Ok(int(object).map_or(Seen::Foreign, |value| Seen::Given(Given::Int(value))));
    }
    see_rare(object)
}

/// A Python integer, if 127 bits hold it.
#[inline]
pub fn int(object: &Bound<'_, PyAny>) -> Option<i128> {
    let mut overflow = 0;
    // SAFETY: the object is an int.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &mut overflow) };
    if overflow == 0 { Some(value.into()) } else { object.extract::<i128>().ok() }
}

/// The value of a NumPy scalar of a dtype that we hold, or of a Python `bool`.
pub fn strong_scalar(object: &Bound<'_, PyAny>) -> Option<Scalar> {
    let class = object.get_type_ptr();
    if class == addr_of_mut!(ffi::PyBool_Type) {
        // SAFETY: `True` is one object.
        return Some(Scalar::new(Bool::new(object.as_ptr() == unsafe { ffi::Py_True() })));
    }
    let (_, dtype) = types(object.py()).scalars.iter().find(|(known, _)| *known == class)?;
    let mut bits = [0u64; 2];
    // SAFETY: the object is NumPy's scalar of the dtype, whose value is at most 16 bytes.
    unsafe { PY_ARRAY_API.PyArray_ScalarAsCtype(object.py(), object.as_ptr(), bits.as_mut_ptr().cast()) };
    Some(Scalar::from_bytes(*dtype, bytes_of(&bits)))
}

fn bytes_of(bits: &[u64; 2]) -> &[u8] {
    // SAFETY: any bytes are bytes.
    unsafe { std::slice::from_raw_parts(bits.as_ptr().cast(), 16) }
}

fn see_rare<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Seen<'a>> {
    let py = object.py();
    let table = types(py);
    let class = object.get_type_ptr();
    if let Some(value) = strong_scalar(object) {
        return Ok(Seen::Given(Given::Scalar(value)));
    }
    if class == addr_of_mut!(ffi::PyComplex_Type) {
        // SAFETY: checked by the type.
        let value = unsafe { object.cast_unchecked::<PyComplex>() };
        return Ok(Seen::Given(Given::Complex(Complex64::new(value.real(), value.imag()))));
    }
    if class == table.numpy_array {
        return Ok(made(interop::attach_for_reading(object)));
    }
    if class == addr_of_mut!(ffi::PyList_Type) || class == addr_of_mut!(ffi::PyTuple_Type) {
        return Ok(match sequence(object)? {
            None => Seen::Foreign,
            Some(array) => made(interop::attach_for_reading(&array)),
        });
    }
    if let Ok(ours) = object.cast::<NdArray>() {
        // A subclass of a user's.
        return Ok(match ours.get().held(py) {
            Held::Native(native) => Seen::Given(Given::Array(native)),
            Held::Foreign(_) => Seen::Foreign,
        });
    }
    match attitude(object)? {
        Attitude::None => {}
        Attitude::Ours => return Ok(Seen::Foreign),
        Attitude::Overrides => return Ok(Seen::Overrides),
        Attitude::Refuses => return Ok(Seen::Refuses),
    }
    if object.is_none() || object.is_instance_of::<pyo3::types::PyString>() {
        return Ok(Seen::Foreign);
    }
    if let Some(array) = crate::dlpack::of_object(object)? {
        return Ok(made(crate::array::native_of(&array).cloned()));
    }
    if object.hasattr("__array__")? || object.hasattr("__array_interface__")? {
        let array = numpy(py).call_method1("asarray", (resolved(object)?,))?;
        return Ok(if is_exactly(&array, table.numpy_array) {
            made(interop::attach_for_reading(&array))
        } else {
            Seen::Foreign
        });
    }
    Ok(Seen::Foreign)
}

/// What a class says about ufuncs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attitude {
    /// Nothing.
    None,
    /// It is NumPy's array class, a subclass of it that leaves ufuncs alone, or ours.
    Ours,
    /// It has an `__array_ufunc__` of its own.
    Overrides,
    /// Its `__array_ufunc__` is `None`.
    Refuses,
}

fn attitude(object: &Bound<'_, PyAny>) -> PyResult<Attitude> {
    let py = object.py();
    let Ok(found) = object.get_type().getattr("__array_ufunc__") else { return Ok(Attitude::None) };
    if found.is_none() {
        return Ok(Attitude::Refuses);
    }
    let own = numpy(py).getattr("ndarray")?.getattr("__array_ufunc__")?;
    Ok(if found.is(&own) { Attitude::Ours } else { Attitude::Overrides })
}

/// Whether an object's class has something of its own to say about ufuncs.
pub fn has_a_say(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = object.get_type_ptr();
    let table = types(object.py());
    let plain = is_float(object)
        || is_int(object)
        || [
            table.ndarray,
            table.deferred,
            table.numpy_array,
            addr_of_mut!(ffi::PyList_Type),
            addr_of_mut!(ffi::PyTuple_Type),
        ]
        .contains(&class);
    // SAFETY: both are classes.
    let is_scalar = || unsafe { ffi::PyType_IsSubtype(class, table.generic) } != 0;
    if plain || is_scalar() || object.is_instance_of::<NdArray>() {
        return Ok(false);
    }
    Ok(matches!(attitude(object)?, Attitude::Overrides | Attitude::Refuses))
}

/// The NumPy array of a list or tuple; `None` for one that NumPy makes no numbers of.
pub fn sequence<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    match numpy(py).call_method1("asarray", (resolved(object)?,)) {
        Ok(array) => Ok(Some(array)),
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyValueError>(py) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A list or tuple with our arrays in it replaced by NumPy's, so that NumPy reads them without asking element by
/// element.
pub fn resolved<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let of_ours = |item: &Bound<'py, PyAny>| item.is_instance_of::<NdArray>();
    let nested = |item: &Bound<'py, PyAny>| {
        item.is_exact_instance_of::<PyList>() || item.is_exact_instance_of::<PyTuple>()
    };
    let replace = |item: Bound<'py, PyAny>| -> PyResult<Bound<'py, PyAny>> {
        match item.cast::<NdArray>() {
            Ok(ours) => interop::export_any(ours),
            Err(_) if nested(&item) => resolved(&item),
            Err(_) => Ok(item),
        }
    };
    if let Ok(list) = object.cast_exact::<PyList>() {
        if list.iter().any(|item| of_ours(&item) || nested(&item)) {
            return Ok(PyList::new(py, list.iter().map(replace).collect::<PyResult<Vec<_>>>()?)?.into_any());
        }
        return Ok(object.clone());
    }
    if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        if tuple.iter().any(|item| of_ours(&item) || nested(&item)) {
            return Ok(PyTuple::new(py, tuple.iter().map(replace).collect::<PyResult<Vec<_>>>()?)?.into_any());
        }
        return Ok(object.clone());
    }
    if converts_itself(object)? {
        return Ok(Bound::new(py, Converting { object: object.clone().unbind() })?.into_any());
    }
    Ok(object.clone())
}

/// Whether NumPy makes an array of an object by calling its `__array__` method, which may return one of ours.
fn converts_itself(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = object.get_type();
    let table = types(object.py());
    // SAFETY: all are classes.
    let numpys = unsafe {
        ffi::PyType_IsSubtype(class.as_type_ptr(), table.numpy_array) != 0
            || ffi::PyType_IsSubtype(class.as_type_ptr(), table.generic) != 0
    };
    Ok(!numpys
        && class.hasattr("__array__")?
        && !object.hasattr("__array_interface__")?
        && !object.hasattr("__array_struct__")?)
}

/// An object whose `__array__` method returns NumPy's arrays even where it made one of ours.
#[pyclass(module = "maniple", frozen)]
struct Converting {
    object: Py<PyAny>,
}

#[pymethods]
impl Converting {
    #[pyo3(signature = (*arguments, **keywords))]
    fn __array__<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = self.object.bind(arguments.py()).call_method("__array__", arguments, keywords)?;
        crate::fallback::to_numpy(&made)
    }
}

fn made<'a>(array: Option<Array>) -> Seen<'a> {
    array.map_or(Seen::Foreign, |array| Seen::Given(Given::Made(array)))
}
