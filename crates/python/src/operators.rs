//! Python's operators on arrays, each a row of the op table.

use crate::array::{Held, NdArray, result};
use crate::errors::{ask_numpy, attempt, exception, raised_by_numpy};
use crate::fallback::fallback;
use crate::input::{Seen, has_a_say, see};
use crate::types::{is_float, is_int, numpy, types};
use crate::warnings;
use maniple_array::{Array, Dtype, Error, Input, Kind, Op, Options, Outputs, apply, apply_one};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ptr::addr_of_mut;

/// Which side of an operator the array is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Records a row on some operands.
#[inline]
pub fn record(
    py: Python<'_>,
    op: Op,
    inputs: &[Input<'_>],
    options: &Options<'_>,
) -> Result<Outputs, Failure> {
    warnings::enter(py);
    let outputs = attempt(|| apply(op, inputs, options)).map_err(Failure::Array)?;
    warnings::leave(py).map_err(Failure::Python)?;
    Ok(outputs)
}

/// Records a row with one output on some operands, without options.
#[inline]
pub fn record_one(py: Python<'_>, op: Op, inputs: &[Input<'_>]) -> Result<Array, Failure> {
    warnings::enter(py);
    let output = attempt(|| apply_one(op, inputs)).map_err(Failure::Array)?;
    warnings::leave(py).map_err(Failure::Python)?;
    Ok(output)
}

/// Why recording failed.
pub enum Failure {
    /// The array layer refused.
    Array(Error),
    /// A Python exception, such as a `FloatingPointError`.
    Python(PyErr),
}

/// What to do about a refusal: run in NumPy what is not native, let NumPy make its own exception for dtypes and casts.
#[cold]
pub fn refused<'py>(
    name: &str,
    failure: Failure,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arguments.py();
    match failure {
        Failure::Python(error) => Err(error),
        Failure::Array(error) => {
            let comparison =
                matches!(name, "less" | "less_equal" | "equal" | "not_equal" | "greater" | "greater_equal");
            match error.kind {
                Kind::NotNative => fallback(name, &numpy(py).getattr(name)?, arguments, keywords),
                // NumPy compares with integers of any size.
                Kind::Overflow if comparison => {
                    fallback(name, &numpy(py).getattr(name)?, arguments, keywords)
                }
                // NumPy may have a dtype for an integer that ours does not hold.
                Kind::Overflow => {
                    let function = numpy(py).getattr(name)?;
                    match raised_by_numpy(&function, arguments, keywords) {
                        Some(raised) if raised.is_instance_of::<PyOverflowError>(py) => Err(raised),
                        _ => fallback(name, &function, arguments, keywords),
                    }
                }
                Kind::NoLoop | Kind::Casting | Kind::Value => {
                    Err(ask_numpy(&numpy(py).getattr(name)?, arguments, keywords, error))
                }
                _ => Err(exception(py, error)),
            }
        }
    }
}

fn not_implemented(py: Python<'_>) -> Bound<'_, PyAny> {
    py.NotImplemented().into_bound(py)
}

/// `slf op other`, or `other op slf`.
#[inline]
fn binary<'py>(
    op: Op,
    slf: &Bound<'py, NdArray>,
    other: &Bound<'py, PyAny>,
    side: Side,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if defers(slf, other)? {
        return Ok(not_implemented(py));
    }
    let seen = see(other)?;
    let Held::Native(own) = slf.get().held(py) else { return binary_rare(op, slf, other, side) };
    let Seen::Given(given) = &seen else { return binary_rare(op, slf, other, side) };
    let (own_input, other_input) = (Input::Array(own), given.input());
    let inputs = match side {
        Side::Left => [own_input, other_input],
        Side::Right => [other_input, own_input],
    };
    match record_one(py, op, &inputs) {
        Ok(output) => result(py, output),
        Err(failure) => refused(op.row().numpy, failure, &pair(slf, other, side)?, None),
    }
}

/// Whether an operand that is a number or an array to us still wants to do the operation itself. Only a user's class
/// can: numbers, NumPy's arrays and lists never do.
#[inline(always)]
fn defers(slf: &Bound<'_, NdArray>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    let table = types(slf.py());
    let class = other.get_type_ptr();
    if class == table.ndarray
        || class == table.deferred
        || class == addr_of_mut!(ffi::PyFloat_Type)
        || class == addr_of_mut!(ffi::PyLong_Type)
        || class == table.numpy_array
    {
        return Ok(false);
    }
    defers_rare(slf, other)
}

/// NumPy's rule for an operand of another class: without `__array_ufunc__`, a higher `__array_priority__` wins.
#[cold]
fn defers_rare(slf: &Bound<'_, NdArray>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = slf.py();
    let known = crate::input::strong_scalar(other).is_some()
        || other.is_none()
        || other.is_instance_of::<pyo3::types::PyList>()
        || other.is_instance_of::<pyo3::types::PyString>()
        || other.is_instance_of::<PyTuple>()
        || other.is_instance_of::<pyo3::types::PyComplex>()
        || other.get_type_ptr() == addr_of_mut!(ffi::PyLong_Type);
    if known || other.is_instance_of::<NdArray>() {
        return Ok(false);
    }
    if let Ok(found) = other.get_type().getattr("__array_ufunc__") {
        return Ok(found.is_none());
    }
    // SAFETY: any object may be asked for its type.
    if unsafe { ffi::PyType_IsSubtype(other.get_type_ptr(), types(py).generic) } != 0 {
        return Ok(false);
    }
    let priority =
        other.getattr("__array_priority__").and_then(|value| value.extract::<f64>()).unwrap_or(-1_000_000.0);
    Ok(priority > 0.0)
}

fn pair<'py>(
    slf: &Bound<'py, NdArray>,
    other: &Bound<'py, PyAny>,
    side: Side,
) -> PyResult<Bound<'py, PyTuple>> {
    match side {
        Side::Left => PyTuple::new(slf.py(), [slf.as_any(), other]),
        Side::Right => PyTuple::new(slf.py(), [other, slf.as_any()]),
    }
}

#[cold]
fn binary_rare<'py>(
    op: Op,
    slf: &Bound<'py, NdArray>,
    other: &Bound<'py, PyAny>,
    side: Side,
) -> PyResult<Bound<'py, PyAny>> {
    crate::ufunc::call_named(op.row().numpy, &pair(slf, other, side)?, None)
}

fn unary<'py>(op: Op, slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let arguments = || PyTuple::new(py, [slf.as_any()]);
    let Held::Native(own) = slf.get().held(py) else {
        return fallback(op.row().numpy, &numpy(py).getattr(op.row().numpy)?, &arguments()?, None);
    };
    match record_one(py, op, &[Input::Array(own)]) {
        Ok(output) => result(py, output),
        Err(failure) => refused(op.row().numpy, failure, &arguments()?, None),
    }
}

/// `slf op= other`.
fn in_place(op: Op, slf: &Bound<'_, NdArray>, other: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = slf.py();
    if let (Held::Native(own), Seen::Given(given)) = (slf.get().held(py), see(other)?)
        && slf.get().is_writeable()
    {
        let out = [Some(own)];
        let options = Options { out: &out, ..Options::default() };
        return match record(py, op, &[Input::Array(own), given.input()], &options) {
            Ok(_) => Ok(()),
            Err(failure) => in_place_refused(op, failure, slf, other),
        };
    }
    if slf.get().native(py).is_some() {
        slf.get().check_writeable("output array")?;
    }
    in_place_rare(op.row().numpy, slf, other)
}

#[cold]
fn in_place_refused(
    op: Op,
    failure: Failure,
    slf: &Bound<'_, NdArray>,
    other: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let keywords = PyDict::new(slf.py());
    keywords.set_item("out", (slf,))?;
    refused(op.row().numpy, failure, &pair(slf, other, Side::Left)?, Some(&keywords)).map(|_| ())
}

#[cold]
fn in_place_rare(name: &str, slf: &Bound<'_, NdArray>, other: &Bound<'_, PyAny>) -> PyResult<()> {
    let keywords = PyDict::new(slf.py());
    keywords.set_item("out", (slf,))?;
    crate::ufunc::call_named(name, &pair(slf, other, Side::Left)?, Some(&keywords)).map(|_| ())
}

/// The right side of an in-place operator. Objects that have a say about ufuncs make the extraction fail, which makes
/// Python try `+` instead: only that may return something else than the array.
pub struct Willing<'py>(Bound<'py, PyAny>);

impl<'a, 'py> FromPyObject<'a, 'py> for Willing<'py> {
    type Error = PyErr;
    #[inline]
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Willing<'py>> {
        let object = object.to_owned();
        if has_a_say(&object)? {
            return Err(PyTypeError::new_err("the operand wants to do the operation itself"));
        }
        Ok(Willing(object))
    }
}

/// A comparison, which for `==` and `!=` never fails because of dtypes.
pub fn compare<'py>(
    slf: &Bound<'py, NdArray>,
    other: &Bound<'py, PyAny>,
    how: CompareOp,
) -> PyResult<Bound<'py, PyAny>> {
    let op = match how {
        CompareOp::Lt => Op::Less,
        CompareOp::Le => Op::LessEqual,
        CompareOp::Eq => Op::Equal,
        CompareOp::Ne => Op::NotEqual,
        CompareOp::Gt => Op::Greater,
        CompareOp::Ge => Op::GreaterEqual,
    };
    let py = slf.py();
    if defers(slf, other)? {
        return Ok(not_implemented(py));
    }
    if slf.get().native(py).is_some() && matches!(see(other)?, Seen::Given(_)) {
        return binary(op, slf, other, Side::Left);
    }
    if matches!(see(other)?, Seen::Overrides) {
        return crate::ufunc::call_named(op.row().numpy, &pair(slf, other, Side::Left)?, None);
    }
    // NumPy's own operator knows what to do with strings, objects and structures.
    let name = match how {
        CompareOp::Lt => "__lt__",
        CompareOp::Le => "__le__",
        CompareOp::Eq => "__eq__",
        CompareOp::Ne => "__ne__",
        CompareOp::Gt => "__gt__",
        CompareOp::Ge => "__ge__",
    };
    crate::fallback::fallback_method(name, slf, &PyTuple::new(py, [other])?, None)
}

fn matmul<'py>(
    slf: &Bound<'py, NdArray>,
    other: &Bound<'py, PyAny>,
    side: Side,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if defers(slf, other)? {
        return Ok(not_implemented(py));
    }
    let (a, b) = if side == Side::Left { (slf.as_any(), other) } else { (other, slf.as_any()) };
    match crate::products::matmul(a, b, None)? {
        Some(made) => Ok(made),
        None => crate::ufunc::call_named("matmul", &pair(slf, other, side)?, None),
    }
}

/// The cheaper row by which NumPy computes a power with a Python number as exponent; it has other roundings than
/// `power`.
fn cheaper_power(dtype: Dtype, exponent: &Bound<'_, PyAny>) -> Option<Op> {
    let whole = is_int(exponent);
    if !whole && !is_float(exponent) {
        return None;
    }
    let value: f64 = exponent.extract().ok()?;
    match (value, dtype.is_inexact()) {
        (2.0, true) => Some(Op::Square),
        (2.0, false) if whole => Some(Op::Square),
        (1.0, true) => Some(Op::Positive),
        (0.5, true) => Some(Op::Sqrt),
        (-1.0, true) => Some(Op::Reciprocal),
        _ => None,
    }
}

/// `slf ** other`.
fn power<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    match slf.get().native(py) {
        Some(own) => match cheaper_power(own.dtype(), other) {
            Some(op) => unary(op, slf),
            None => binary(Op::Power, slf, other, Side::Left),
        },
        None if defers(slf, other)? => Ok(not_implemented(py)),
        None => crate::fallback::fallback_method("__pow__", slf, &PyTuple::new(py, [other])?, None),
    }
}

/// `slf **= other`.
fn power_in_place(slf: &Bound<'_, NdArray>, other: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = slf.py();
    if let Some(own) = slf.get().native(py)
        && slf.get().is_writeable()
        && own.dtype() != Dtype::Bool
        && let Some(op) = cheaper_power(own.dtype(), other)
    {
        let out = [Some(own)];
        let options = Options { out: &out, ..Options::default() };
        if record(py, op, &[Input::Array(own)], &options).is_ok() {
            return Ok(());
        }
    }
    in_place(Op::Power, slf, other)
}

macro_rules! operators {
    ($($left:ident $right:ident $inner:ident $op:ident;)*) => {
        #[pymethods]
        impl NdArray {
            $(
                fn $left<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                    binary(Op::$op, slf, other, Side::Left)
                }
                fn $right<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                    binary(Op::$op, slf, other, Side::Right)
                }
                fn $inner(slf: &Bound<'_, NdArray>, other: Willing<'_>) -> PyResult<()> {
                    in_place(Op::$op, slf, &other.0)
                }
            )*

            fn __divmod__<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                if defers(slf, other)? {
                    return Ok(not_implemented(slf.py()));
                }
                crate::ufunc::call_named("divmod", &pair(slf, other, Side::Left)?, None)
            }

            fn __rdivmod__<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                if defers(slf, other)? {
                    return Ok(not_implemented(slf.py()));
                }
                crate::ufunc::call_named("divmod", &pair(slf, other, Side::Right)?, None)
            }

            fn __pow__<'py>(
                slf: &Bound<'py, NdArray>,
                other: &Bound<'py, PyAny>,
                modulo: &Bound<'py, PyAny>,
            ) -> PyResult<Bound<'py, PyAny>> {
                if !modulo.is_none() {
                    return Ok(not_implemented(slf.py()));
                }
                power(slf, other)
            }

            fn __rpow__<'py>(
                slf: &Bound<'py, NdArray>,
                other: &Bound<'py, PyAny>,
                modulo: &Bound<'py, PyAny>,
            ) -> PyResult<Bound<'py, PyAny>> {
                if !modulo.is_none() {
                    return Ok(not_implemented(slf.py()));
                }
                binary(Op::Power, slf, other, Side::Right)
            }

            fn __ipow__(slf: &Bound<'_, NdArray>, other: Willing<'_>, _modulo: &Bound<'_, PyAny>) -> PyResult<()> {
                power_in_place(slf, &other.0)
            }

            fn __matmul__<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                matmul(slf, other, Side::Left)
            }

            fn __rmatmul__<'py>(slf: &Bound<'py, NdArray>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                matmul(slf, other, Side::Right)
            }

            fn __imatmul__(slf: &Bound<'_, NdArray>, other: Willing<'_>) -> PyResult<()> {
                if crate::products::matmul(slf.as_any(), &other.0, Some(slf.as_any()))?.is_some() {
                    return Ok(());
                }
                let arguments = PyTuple::new(slf.py(), [other.0])?;
                crate::fallback::fallback_method("__imatmul__", slf, &arguments, None).map(|_| ())
            }

            fn __neg__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
                unary(Op::Negative, slf)
            }

            fn __pos__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
                unary(Op::Positive, slf)
            }

            fn __abs__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
                unary(Op::Absolute, slf)
            }

            fn __invert__<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
                unary(Op::Invert, slf)
            }

            fn __richcmp__<'py>(
                slf: &Bound<'py, NdArray>,
                other: &Bound<'py, PyAny>,
                how: CompareOp,
            ) -> PyResult<Bound<'py, PyAny>> {
                compare(slf, other, how)
            }
        }
    };
}

operators! {
    __add__ __radd__ __iadd__ Add;
    __sub__ __rsub__ __isub__ Subtract;
    __mul__ __rmul__ __imul__ Multiply;
    __truediv__ __rtruediv__ __itruediv__ Divide;
    __floordiv__ __rfloordiv__ __ifloordiv__ FloorDivide;
    __mod__ __rmod__ __imod__ Remainder;
    __lshift__ __rlshift__ __ilshift__ LeftShift;
    __rshift__ __rrshift__ __irshift__ RightShift;
    __and__ __rand__ __iand__ BitwiseAnd;
    __or__ __ror__ __ior__ BitwiseOr;
    __xor__ __rxor__ __ixor__ BitwiseXor;
}
