//! Native functions of the namespace `maniple.numpy`. Each takes NumPy's arguments and raises `NotNative` where only
//! NumPy knows what to do; the Python side runs NumPy then.

use crate::arguments::{self, Truth, Wanted, given};
use crate::array::{Held, NdArray, fresh, result};
use crate::errors::{NotNative, attempt, exception, run};
use crate::input::{Given, Seen, see, sequence};
use crate::interop;
use crate::operators::{Failure, record, refused};
use crate::products::{dot, inner};
use crate::reductions::{Named, STATISTICS, compute};
use crate::types::{dtype_object, is_exactly, numpy, types};
use crate::ufunc::single_target;
use crate::warnings;
use maniple_array::{Array, Casting, Dtype, Input, Kind, Layout, Op, Options};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyCFunction, PyDict, PyList, PyTuple};
use pyo3::wrap_pyfunction;

/// The native functions by NumPy's name.
#[pyfunction]
pub fn functions(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let found = PyDict::new(py);
    for function in crate::creation::list(py)? {
        found.set_item(function.getattr("__name__")?, function)?;
    }
    for function in [
        wrap_pyfunction!(broadcast_to, py)?,
        wrap_pyfunction!(concatenate, py)?,
        wrap_pyfunction!(copyto, py)?,
        wrap_pyfunction!(dot, py)?,
        wrap_pyfunction!(inner, py)?,
        wrap_pyfunction!(count_nonzero, py)?,
        wrap_pyfunction!(nonzero, py)?,
        wrap_pyfunction!(putmask, py)?,
        wrap_pyfunction!(ravel, py)?,
        wrap_pyfunction!(reshape, py)?,
        wrap_pyfunction!(result_type, py)?,
        wrap_pyfunction!(squeeze, py)?,
        wrap_pyfunction!(swapaxes, py)?,
        wrap_pyfunction!(take, py)?,
        wrap_pyfunction!(transpose, py)?,
        wrap_pyfunction!(select, py)?,
        wrap_pyfunction!(clip, py)?,
        wrap_pyfunction!(round, py)?,
    ] {
        found.set_item(function.getattr("__name__")?, function)?;
    }
    found.set_item("around", found.get_item("round")?)?;
    found.set_item("permute_dims", found.get_item("transpose")?)?;
    found.set_item("concat", found.get_item("concatenate")?)?;
    for (name, statistic, names) in STATISTICS {
        let call = move |arguments: &Bound<'_, PyTuple>,
                         keywords: Option<&Bound<'_, PyDict>>|
              -> PyResult<Py<PyAny>> {
            let (array, rest, options) = first_argument(arguments, keywords)?;
            let is_ours = |value: &Bound<'_, PyAny>| value.is_instance_of::<NdArray>();
            let among = rest.iter().any(|value| is_ours(&value))
                || options
                    .as_ref()
                    .is_some_and(|options| options.values().iter().any(|value| is_ours(&value)));
            if is_number(&array)? && !among {
                // NumPy's answer is a number too.
                let call = numpy(array.py()).getattr(*name)?.call(arguments, keywords)?;
                return Ok(crate::fallback::to_ours(&call)?.unbind());
            }
            let (arguments, keywords) = (rest, options);
            let Some(array) = ours(&array)? else { return Err(not_native()) };
            let Some(named) = Named::bind(names, &arguments, 0, keywords.as_ref())? else {
                return Err(not_native());
            };
            Ok(compute(*statistic, &array, &named)?.ok_or_else(not_native)?.unbind())
        };
        found.set_item(*name, PyCFunction::new_closure(py, None, None, call)?)?;
    }
    Ok(found)
}

/// The exception that sends a call to NumPy.
pub fn not_native() -> PyErr {
    NotNative::new_err(())
}

/// An array of ours for a function's array argument: itself, or what NumPy makes of it; `None` for what is no array of
/// numbers.
pub fn ours<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, NdArray>>> {
    let py = object.py();
    if let Ok(array) = object.cast::<NdArray>() {
        return Ok(array.get().native(py).is_some().then(|| array.clone()));
    }
    if is_exactly(object, types(py).numpy_array) {
        let Some((array, writeable)) = interop::attach(object) else { return Ok(None) };
        return Ok(Some(Bound::new(py, NdArray::attached(array, writeable))?));
    }
    let plain = object.is_exact_instance_of::<PyList>() || object.is_exact_instance_of::<PyTuple>();
    let made = if plain {
        match sequence(object)? {
            Some(array) => interop::attach_for_reading(&array),
            None => None,
        }
    } else {
        match see(object)? {
            Seen::Given(given) => Some(run(py, || given.into_array())?),
            _ => None,
        }
    };
    made.map(|array| Bound::new(py, NdArray::of(array))).transpose()
}

/// Whether an object is a number of Python's or NumPy's.
fn is_number(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(match see(object)? {
        Seen::Given(given) => !matches!(given, Given::Array(_) | Given::Made(_)),
        _ => false,
    })
}

/// The argument `a`, given by position or name, and what remains.
#[allow(clippy::type_complexity)]
fn first_argument<'py>(
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
    if !arguments.is_empty() {
        let rest = arguments.get_slice(1, arguments.len());
        return Ok((arguments.get_item(0)?, rest, keywords.cloned()));
    }
    let Some(keywords) = keywords else { return Err(not_native()) };
    let rest = keywords.copy()?;
    let Some(array) = rest.get_item("a")? else { return Err(not_native()) };
    rest.del_item("a")?;
    Ok((array, arguments.clone(), Some(rest)))
}

fn need<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, NdArray>> {
    ours(object)?.ok_or_else(not_native)
}

/// A method of an array of ours, for a function that does nothing else.
fn by_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &str,
    arguments: impl pyo3::call::PyCallArgs<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    need(object)?.as_any().call_method1(name, arguments)
}

#[pyfunction]
#[pyo3(signature = (array, shape, subok = false))]
fn broadcast_to<'py>(
    array: &Bound<'py, PyAny>,
    shape: &Bound<'py, PyAny>,
    subok: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = subok;
    let py = array.py();
    let array = need(array)?;
    let shape = arguments::integers(shape)?;
    if shape.iter().any(|&extent| extent < 0) {
        return Err(not_native());
    }
    let shape: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
    let Held::Native(native) = array.get().held(py) else { return Err(not_native()) };
    crate::array::read_only_view(&array, run(py, || native.broadcast_to(&shape))?)
}

/// The axis along which arrays are joined; `axis=None` flattens them first.
#[derive(Clone, Copy)]
enum Joined {
    Flat,
    Along(isize),
}

impl FromPyObject<'_, '_> for Joined {
    type Error = PyErr;
    fn extract(axis: Borrowed<'_, '_, PyAny>) -> PyResult<Joined> {
        Ok(if axis.is_none() { Joined::Flat } else { Joined::Along(arguments::integer(&axis)?) })
    }
}

#[pyfunction]
#[pyo3(signature = (arrays, /, axis = Joined::Along(0), out = None, *, dtype = None, casting = None), text_signature = None)]
fn concatenate<'py>(
    arrays: &Bound<'py, PyAny>,
    axis: Joined,
    out: Option<&Bound<'py, PyAny>>,
    dtype: Option<&Bound<'py, PyAny>>,
    casting: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arrays.py();
    let same_kind = given(casting).map_or(Ok(true), |casting| casting.eq("same_kind"))?;
    if given(out).is_some() || !same_kind {
        return Err(not_native());
    }
    let dtype = match arguments::optional_dtype(dtype)? {
        None => None,
        Some(Wanted::Ours(dtype)) => Some(dtype),
        Some(Wanted::Foreign) => return Err(not_native()),
    };
    let mut parts = Vec::new();
    for part in arrays.try_iter()? {
        let part = part?;
        if is_number(&part)? {
            // A Python number has no dtype of its own here.
            return Err(not_native());
        }
        let part = need(&part)?;
        parts.push(part.get().native(py).ok_or_else(not_native)?.clone());
    }
    if let Some(dtype) = dtype
        && parts.iter().any(|part| !part.dtype().can_cast(dtype, Casting::SameKind))
    {
        return Err(not_native());
    }
    warnings::enter(py);
    let joined = run(py, || match axis {
        Joined::Flat => {
            let flat: Vec<Array> =
                parts.iter().map(|part| part.ravel(Layout::C)).collect::<Result<_, _>>()?;
            maniple_array::concatenate(&flat, 0, dtype)
        }
        Joined::Along(axis) => maniple_array::concatenate(&parts, axis, dtype),
    })?;
    warnings::leave(py)?;
    fresh(py, joined)
}

#[pyfunction]
#[pyo3(signature = (dst, src, casting = None, r#where = None))]
fn copyto<'py>(
    dst: &Bound<'py, PyAny>,
    src: &Bound<'py, PyAny>,
    casting: Option<&Bound<'py, PyAny>>,
    r#where: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = dst.py();
    let Ok(target) = dst.cast_exact::<NdArray>() else { return Err(not_native()) };
    let casting = casting.map_or(Ok(Casting::SameKind), arguments::casting)?;
    let Seen::Given(source) = see(src)? else { return Err(not_native()) };
    let Some(array) = target.get().native(py) else { return Err(not_native()) };
    if !target.get().is_writeable() || crate::indexing::loses(&source, array) {
        return Err(not_native());
    }
    let fits = match &source {
        Given::Array(source) => source.dtype().can_cast(array.dtype(), casting),
        Given::Made(source) => source.dtype().can_cast(array.dtype(), casting),
        Given::Scalar(value) => value.dtype().can_cast(array.dtype(), casting),
        Given::Int(_) => array.dtype() != Dtype::Bool,
        Given::Float(_) => array.dtype().is_inexact(),
        Given::Complex(_) => array.dtype().is_complex(),
    };
    if !fits && casting != Casting::Unsafe {
        return Err(not_native());
    }
    let mask = match given(r#where) {
        Some(mask) if !(mask.is_instance_of::<PyBool>() && mask.is_truthy()?) => match see(mask)? {
            Seen::Given(mask) => Some(run(py, || mask.into_array())?),
            _ => return Err(not_native()),
        },
        _ => None,
    };
    warnings::enter(py);
    match mask {
        None => run(py, || array.assign(source.input()))?,
        Some(mask) if mask.dtype() == Dtype::Bool => run(py, || array.assign_where(&mask, source.input()))?,
        Some(_) => return Err(not_native()),
    }
    warnings::leave(py)
}

#[pyfunction]
#[pyo3(signature = (a, mask, values))]
fn putmask<'py>(a: &Bound<'py, PyAny>, mask: &Bound<'py, PyAny>, values: &Bound<'py, PyAny>) -> PyResult<()> {
    let py = a.py();
    let Ok(target) = a.cast_exact::<NdArray>() else { return Err(not_native()) };
    let (Seen::Given(mask), Seen::Given(values)) = (see(mask)?, see(values)?) else {
        return Err(not_native());
    };
    let Some(array) = target.get().native(py) else { return Err(not_native()) };
    let mask = run(py, || mask.into_array())?;
    let plain = match &values {
        Given::Array(values) => values.shape() == array.shape() && values.dtype() == array.dtype(),
        Given::Made(values) => values.shape() == array.shape() && values.dtype() == array.dtype(),
        _ => true,
    };
    let same_shape = mask.shape() == array.shape() && mask.dtype() == Dtype::Bool;
    if !plain || !same_shape || !target.get().is_writeable() || crate::indexing::loses(&values, array) {
        return Err(not_native());
    }
    warnings::enter(py);
    run(py, || array.assign_where(&mask, values.input()))?;
    warnings::leave(py)
}

#[pyfunction]
#[pyo3(signature = (a, axis = None, *, keepdims = None))]
fn count_nonzero<'py>(
    a: &Bound<'py, PyAny>,
    axis: Option<&Bound<'py, PyAny>>,
    keepdims: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = a.py();
    let object = need(a)?;
    let array = object.get().native(py).ok_or_else(not_native)?;
    let axes = arguments::axes(axis)?;
    let keep = arguments::truth(keepdims, Truth::False)?;
    if axes.is_none()
        && keep == Truth::False
        && let Some(count) = run(py, || array.count_at_hand())?
    {
        warnings::emit(py)?;
        let mut count = count as i64;
        // SAFETY: an integer of 64 bits is there.
        return unsafe { crate::scalar::scalar_at(py, (&raw mut count).cast(), Dtype::Int64) };
    }
    warnings::enter(py);
    let count = run(py, || {
        let truth = if array.dtype() == Dtype::Bool {
            array.clone()
        } else {
            array.astype(Dtype::Bool, Layout::Keep)?
        };
        let options = maniple_array::Reduction {
            axes: axes.as_deref(),
            keepdims: if keep == Truth::True {
                maniple_array::KeepDims::Yes
            } else {
                maniple_array::KeepDims::No
            },
            ..Default::default()
        };
        maniple_array::reduce(Op::Add, &truth, &options)
    })?;
    result(py, count)
}

/// `numpy.result_type`, which needs no values: an array counts as its dtype.
#[pyfunction]
#[pyo3(signature = (*arrays_and_dtypes))]
fn result_type<'py>(arrays_and_dtypes: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = arrays_and_dtypes.py();
    let mut joint: Option<Dtype> = None;
    for value in arrays_and_dtypes.iter_borrowed() {
        let Some(array) = crate::array::native_of(&value) else {
            return numpys_result_type(arrays_and_dtypes);
        };
        joint = Some(joint.map_or(array.dtype(), |joint| joint.promote(array.dtype())));
    }
    match joint {
        Some(joint) => Ok(dtype_object(py, joint).bind(py).clone()),
        None => numpys_result_type(arrays_and_dtypes),
    }
}

fn numpys_result_type<'py>(arrays_and_dtypes: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = arrays_and_dtypes.py();
    let known = arrays_and_dtypes.iter().map(|value| match value.is_instance_of::<NdArray>() {
        true => value.getattr("dtype"),
        false => Ok(value),
    });
    let known = PyTuple::new(py, known.collect::<PyResult<Vec<_>>>()?)?;
    numpy(py).getattr("result_type")?.call1(known)
}

#[pyfunction]
#[pyo3(signature = (a))]
fn nonzero<'py>(a: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    by_method(a, "nonzero", ())
}

#[pyfunction]
#[pyo3(signature = (a, order = None))]
fn ravel<'py>(a: &Bound<'py, PyAny>, order: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    by_method(a, "ravel", (order,))
}

#[pyfunction]
#[pyo3(signature = (a, /, shape, order = None, *, copy = None))]
fn reshape<'py>(
    a: &Bound<'py, PyAny>,
    shape: &Bound<'py, PyAny>,
    order: Option<&Bound<'py, PyAny>>,
    copy: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let array = need(a)?;
    crate::methods::reshaped(&array, &arguments::integers(shape)?, order, copy)
}

#[pyfunction]
#[pyo3(signature = (a, axis = None))]
fn squeeze<'py>(a: &Bound<'py, PyAny>, axis: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    by_method(a, "squeeze", (axis,))
}

#[pyfunction]
#[pyo3(signature = (a, axis1, axis2))]
fn swapaxes<'py>(a: &Bound<'py, PyAny>, axis1: isize, axis2: isize) -> PyResult<Bound<'py, PyAny>> {
    by_method(a, "swapaxes", (axis1, axis2))
}

#[pyfunction]
#[pyo3(signature = (a, axes = None))]
fn transpose<'py>(a: &Bound<'py, PyAny>, axes: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    match given(axes) {
        None => by_method(a, "transpose", ()),
        Some(axes) => by_method(a, "transpose", (axes,)),
    }
}

#[pyfunction]
#[pyo3(signature = (a, indices, axis = None, out = None, mode = None))]
fn take<'py>(
    a: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
    axis: Option<&Bound<'py, PyAny>>,
    out: Option<&Bound<'py, PyAny>>,
    mode: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    crate::selecting::taken(&need(a)?, indices, axis, out, mode)?.ok_or_else(not_native)
}

/// `numpy.where`: with one argument the indices of true elements, with three a choice.
#[pyfunction]
#[pyo3(name = "where", signature = (condition, /, *choices))]
fn select<'py>(condition: &Bound<'py, PyAny>, choices: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = condition.py();
    let (x, y) = match choices.len() {
        0 => return nonzero(condition),
        2 => (choices.get_item(0)?, choices.get_item(1)?),
        _ => return Err(not_native()),
    };
    let (Seen::Given(mask), Seen::Given(yes), Seen::Given(no)) = (see(condition)?, see(&x)?, see(&y)?) else {
        return Err(not_native());
    };
    warnings::enter(py);
    match attempt(|| {
        maniple_array::apply(Op::Select, &[mask.input(), yes.input(), no.input()], &Options::default())
    }) {
        Ok(mut chosen) => fresh(py, chosen.swap_remove(0)),
        Err(error) if error.kind == Kind::NotNative => Err(not_native()),
        Err(error) => Err(exception(py, error)),
    }
}

#[pyfunction]
#[pyo3(signature = (a, a_min = None, a_max = None, out = None, *, min = None, max = None, **keywords))]
fn clip<'py>(
    a: &Bound<'py, PyAny>,
    a_min: Option<&Bound<'py, PyAny>>,
    a_max: Option<&Bound<'py, PyAny>>,
    out: Option<&Bound<'py, PyAny>>,
    min: Option<&Bound<'py, PyAny>>,
    max: Option<&Bound<'py, PyAny>>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    // Bounds have two sets of names; NumPy refuses a mixture of them.
    let mixed = (a_min.is_some() || a_max.is_some()) && (min.is_some() || max.is_some());
    if keywords.is_some() || mixed || a_min.is_some() != a_max.is_some() {
        return Err(not_native());
    }
    clipped(&need(a)?, a_min.or(min), a_max.or(max), out)?.ok_or_else(not_native)
}

#[pyfunction]
#[pyo3(signature = (a, decimals = 0, out = None))]
fn round<'py>(
    a: &Bound<'py, PyAny>,
    decimals: isize,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    rounded(&need(a)?, decimals, out)?.ok_or_else(not_native)
}

/// `clip`, by the row that the bounds call for; `None` if that is not native.
pub fn clipped<'py>(
    slf: &Bound<'py, NdArray>,
    min: Option<&Bound<'py, PyAny>>,
    max: Option<&Bound<'py, PyAny>>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = slf.py();
    let Some(array) = slf.get().native(py) else { return Ok(None) };
    let (low, high) = (given(min).map(see).transpose()?, given(max).map(see).transpose()?);
    let Ok(target) = single_target(out)? else { return Ok(None) };
    let outs = [target.as_ref().map(|(_, array)| array)];
    let options = Options { out: if target.is_some() { &outs } else { &[] }, ..Options::default() };
    let own = Input::Array(array);
    let made = match (&low, &high) {
        (Some(Seen::Given(low)), Some(Seen::Given(high))) => {
            record(py, Op::Clip, &[own, low.input(), high.input()], &options)
        }
        (Some(Seen::Given(low)), None) => record(py, Op::Maximum, &[own, low.input()], &options),
        (None, Some(Seen::Given(high))) => record(py, Op::Minimum, &[own, high.input()], &options),
        _ => return Ok(None),
    };
    match made {
        Ok(mut made) => Ok(Some(match target {
            Some((object, _)) => object,
            None => result(py, made.swap_remove(0))?,
        })),
        // NumPy has its own way with bounds that the dtype cannot hold, and its own words for casts.
        Err(Failure::Array(error)) if error.kind != Kind::Value && error.kind != Kind::Memory => Ok(None),
        Err(failure) => refused("clip", failure, &PyTuple::empty(py), None).map(Some),
    }
}

/// `round`; `None` if that is not native.
pub fn rounded<'py>(
    slf: &Bound<'py, NdArray>,
    decimals: isize,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = slf.py();
    let Some(array) = slf.get().native(py) else { return Ok(None) };
    if given(out).is_some() || decimals.unsigned_abs() > 22 || array.dtype() == Dtype::Bool {
        return Ok(None);
    }
    if array.dtype().is_integer() {
        if decimals < 0 {
            return Ok(None);
        }
        let array = array.clone();
        warnings::enter(py);
        return result(py, run(py, || array.copied_like())?).map(Some);
    }
    let scale = Input::Float(10f64.powi(decimals.unsigned_abs() as i32));
    let one = |op: Op, inputs: &[Input<'_>]| maniple_array::apply_one(op, inputs);
    let (first, last) = if decimals > 0 { (Op::Multiply, Op::Divide) } else { (Op::Divide, Op::Multiply) };
    warnings::enter(py);
    let rounded = run(py, || {
        if decimals == 0 {
            return one(Op::Rint, &[Input::Array(array)]);
        }
        let scaled = one(first, &[Input::Array(array), scale])?;
        let whole = one(Op::Rint, &[Input::Array(&scaled)])?;
        one(last, &[Input::Array(&whole), scale])
    })?;
    warnings::leave(py)?;
    result(py, rounded).map(Some)
}
