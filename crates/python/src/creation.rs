//! Functions that make arrays: `array` and its kin, `zeros` and its kin, `arange`.

use crate::arguments::{self, Wanted, given};
use crate::array::{NdArray, fresh};
use crate::errors::{attempt, exception, run};
use crate::functions::{not_native, ours};
use crate::input::{self, Seen, see};
use crate::interop;
use crate::types::{is_exactly, is_float, is_int, numpy, types};
use crate::warnings;
use maniple_array::{Array, Dtype, Input, Layout, Scalar};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyCFunction, PyDict, PyList, PyString};
use pyo3::wrap_pyfunction;
use smallvec::SmallVec;

/// The functions of this file.
pub fn list(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyCFunction>>> {
    Ok(vec![
        wrap_pyfunction!(array, py)?,
        wrap_pyfunction!(asarray, py)?,
        wrap_pyfunction!(asanyarray, py)?,
        wrap_pyfunction!(ascontiguousarray, py)?,
        wrap_pyfunction!(asfortranarray, py)?,
        wrap_pyfunction!(empty, py)?,
        wrap_pyfunction!(zeros, py)?,
        wrap_pyfunction!(ones, py)?,
        wrap_pyfunction!(full, py)?,
        wrap_pyfunction!(empty_like, py)?,
        wrap_pyfunction!(zeros_like, py)?,
        wrap_pyfunction!(ones_like, py)?,
        wrap_pyfunction!(full_like, py)?,
        wrap_pyfunction!(arange, py)?,
        wrap_pyfunction!(crate::dlpack::from_dlpack, py)?,
    ])
}

/// When a conversion copies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copies {
    Always,
    IfNeeded,
    Never,
}

impl FromPyObject<'_, '_> for Copies {
    type Error = PyErr;
    fn extract(copy: Borrowed<'_, '_, PyAny>) -> PyResult<Copies> {
        copies_of(&copy)
    }
}

/// NumPy's `copy=`: `None`, true, false, or a member of its private `_CopyMode`.
fn copies_of(copy: &Bound<'_, PyAny>) -> PyResult<Copies> {
    if copy.is_none() {
        return Ok(Copies::IfNeeded);
    }
    if copy.is_instance_of::<PyString>() {
        return Err(not_native());
    }
    if !copy.is_instance_of::<PyBool>()
        && let Ok(name) = copy.getattr("name")
    {
        return Ok(match name.extract::<String>()?.as_str() {
            "ALWAYS" => Copies::Always,
            "NEVER" => Copies::Never,
            _ => Copies::IfNeeded,
        });
    }
    Ok(if copy.is_truthy()? { Copies::Always } else { Copies::Never })
}

#[pyfunction]
#[pyo3(signature = (object, dtype = None, *, copy = Copies::Always, order = None, subok = false, ndmin = 0, ndmax = None, like = None))]
#[allow(clippy::too_many_arguments)]
fn array<'py>(
    object: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    copy: Copies,
    order: Option<&Bound<'py, PyAny>>,
    subok: bool,
    ndmin: usize,
    ndmax: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = subok;
    if given(like).is_some() || ndmax.is_some() {
        return Err(not_native());
    }
    let made = converted(object, dtype, copy, order, Layout::Keep)?;
    let py = object.py();
    let Some(native) = crate::array::native_of(&made).filter(|native| native.ndim() < ndmin) else {
        return if crate::array::native_of(&made).is_none() && ndmin > 0 {
            Err(not_native())
        } else {
            Ok(made)
        };
    };
    let mut view = native.view().clone();
    let step = match (native.shape().first(), native.strides().first()) {
        (Some(&extent), Some(&stride)) => extent as isize * stride,
        _ => native.dtype().size() as isize,
    };
    for _ in native.ndim()..ndmin {
        view.shape.insert(0, 1);
        view.strides.insert(0, step);
    }
    let wide = native.with_view(native.dtype(), view);
    if made.is(object) { crate::array::view_of(made.cast::<NdArray>()?, wide) } else { fresh(py, wide) }
}

#[pyfunction]
#[pyo3(signature = (a, dtype = None, order = None, *, device = None, copy = None, like = None))]
fn asarray<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    copy: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if given(like).is_some() || given(device).is_some() {
        return Err(not_native());
    }
    let copies = copy.map_or(Ok(Copies::IfNeeded), copies_of)?;
    converted(a, dtype, copies, order, Layout::Keep)
}

#[pyfunction]
#[pyo3(signature = (a, dtype = None, order = None, *, device = None, copy = None, like = None))]
fn asanyarray<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    copy: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    asarray(a, dtype, order, device, copy, like)
}

#[pyfunction]
#[pyo3(signature = (a, dtype = None, *, like = None))]
fn ascontiguousarray<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    at_least_one_axis(a, dtype, like, Layout::C)
}

#[pyfunction]
#[pyo3(signature = (a, dtype = None, *, like = None))]
fn asfortranarray<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    at_least_one_axis(a, dtype, like, Layout::Fortran)
}

fn at_least_one_axis<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
    layout: Layout,
) -> PyResult<Bound<'py, PyAny>> {
    if given(like).is_some() {
        return Err(not_native());
    }
    let made = converted(a, dtype, Copies::IfNeeded, None, layout)?;
    match crate::array::native_of(&made) {
        Some(native) if native.ndim() == 0 => made.call_method1("reshape", (1,)),
        Some(_) => Ok(made),
        None => Err(not_native()),
    }
}

/// `numpy.asarray` and `numpy.array`: an array of ours, the same object where nothing has to change.
fn converted<'py>(
    object: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    copies: Copies,
    order: Option<&Bound<'py, PyAny>>,
    default: Layout,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let layout = arguments::layout(order, default)?;
    let wanted = match arguments::optional_dtype(dtype)? {
        None => None,
        Some(Wanted::Ours(dtype)) => Some(dtype),
        Some(Wanted::Foreign) => return elsewhere(object, dtype, copies, order),
    };
    if let Ok(array) = object.cast::<NdArray>() {
        let Some(native) = array.get().native(py) else { return elsewhere(object, dtype, copies, order) };
        let scalar = is_exactly(object, types(py).deferred);
        let fits = wanted.is_none_or(|wanted| wanted == native.dtype())
            && match layout {
                Layout::C => native.is_c_contiguous(),
                Layout::Fortran => native.is_f_contiguous(),
                Layout::Any | Layout::Keep => true,
            };
        if fits && copies != Copies::Always && !scalar {
            return Ok(object.clone());
        }
        if copies == Copies::Never {
            return Err(PyValueError::new_err(
                "Unable to avoid copy while creating an array as requested.\nIf using `np.array(obj, copy=False)` \
                 replace it with `np.asarray(obj)` to allow a copy when needed (no behavior change in NumPy 1.x).\n\
                 For more details, see https://numpy.org/devdocs/numpy_2_0_migration_guide.html#adapting-to-changes-in-the-copy-keyword.",
            ));
        }
        let target = wanted.unwrap_or(native.dtype());
        if native.dtype().is_complex() && !target.is_complex() && target != Dtype::Bool {
            warnings::imaginary_parts_dropped(array)?;
        }
        warnings::enter(py);
        let copy = run(py, || native.astype(target, layout))?;
        warnings::leave(py)?;
        return fresh(py, copy);
    }
    if is_exactly(object, types(py).numpy_array)
        && copies != Copies::Always
        && wanted.is_none()
        && given(order).is_none()
        && layout == Layout::Keep
    {
        return Ok(interop::wrap(object)?.into_any());
    }
    if wanted.is_none()
        && given(order).is_none()
        && copies != Copies::Never
        && let Some(made) = of_numbers(object)?
    {
        return fresh(py, made);
    }
    if let Some(array) = crate::dlpack::of_object(object)? {
        return converted(&array, dtype, copies, order, default);
    }
    elsewhere(
        object,
        dtype,
        copies,
        (given(order).is_some() || default == Layout::Keep).then_some(order).flatten(),
    )
    .and_then(|made| match (default, crate::array::native_of(&made)) {
        (Layout::Keep, _) | (_, None) => Ok(made),
        _ => converted(&made, None, Copies::IfNeeded, None, default),
    })
}

/// The array of a list that holds floats only, or integers only that fit.
fn of_numbers(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    let py = object.py();
    let Ok(list) = object.cast_exact::<PyList>() else { return Ok(None) };
    if list.is_empty() {
        return Ok(None);
    }
    let first = list.get_item(0)?;
    warnings::enter(py);
    if is_float(&first) {
        let mut numbers: SmallVec<[f64; 32]> = SmallVec::with_capacity(list.len());
        for item in list.iter().take_while(is_float) {
            numbers.push(item.extract()?);
        }
        let all = numbers.len() == list.len();
        return all.then(|| run(py, || Array::from_slice(&[numbers.len()], &numbers))).transpose();
    }
    let mut numbers: SmallVec<[i64; 32]> = SmallVec::with_capacity(list.len());
    for item in list.iter().take_while(is_int) {
        let Some(Ok(number)) = input::int(&item).map(i64::try_from) else { return Ok(None) };
        numbers.push(number);
    }
    let all = numbers.len() == list.len();
    all.then(|| run(py, || Array::from_slice(&[numbers.len()], &numbers))).transpose()
}

/// The array that NumPy makes, as ours.
fn elsewhere<'py>(
    object: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    copies: Copies,
    order: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let object = match object.cast::<NdArray>() {
        Ok(array) => interop::export_array(array)?,
        Err(_) => input::resolved(object)?,
    };
    let keywords = PyDict::new(py);
    if given(dtype).is_some() {
        keywords.set_item(intern!(py, "dtype"), dtype)?;
    }
    if let Some(order) = order {
        keywords.set_item(intern!(py, "order"), order)?;
    }
    match copies {
        Copies::Always => {}
        Copies::IfNeeded => keywords.set_item(intern!(py, "copy"), py.None())?,
        Copies::Never => keywords.set_item(intern!(py, "copy"), false)?,
    }
    let made = numpy(py).getattr(intern!(py, "array"))?.call((&object,), Some(&keywords))?;
    if made.is(&object) {
        return Ok(interop::wrap(&made)?.into_any());
    }
    if !interop::is_alone(&made)
        && let Some(ours) = interop::behind(&made)
    {
        return Ok(ours);
    }
    interop::adopt(made)
}

/// The dtype argument of a function that makes an array.
fn element(dtype: Option<&Bound<'_, PyAny>>, default: Dtype) -> PyResult<Dtype> {
    match arguments::optional_dtype(dtype)? {
        None => Ok(default),
        Some(Wanted::Ours(dtype)) => Ok(dtype),
        Some(Wanted::Foreign) => Err(not_native()),
    }
}

fn blank<'py>(
    shape: &Bound<'py, PyAny>,
    dtype: Dtype,
    order: Option<&Bound<'py, PyAny>>,
    fill: Option<Scalar>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = shape.py();
    let shape = arguments::shape(shape)?;
    let layout = arguments::layout(order, Layout::C)?;
    warnings::enter(py);
    let made = run(py, || {
        let array = match layout {
            Layout::Fortran => {
                Array::empty_ordered(&shape, dtype, &(0..shape.len()).rev().collect::<Vec<_>>())?
            }
            _ => Array::empty(&shape, dtype)?,
        };
        if let Some(value) = fill {
            array.fill(value)?;
        }
        Ok(array)
    })?;
    fresh(py, made)
}

/// Refuses what only NumPy answers.
fn plain(device: Option<&Bound<'_, PyAny>>, like: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    if given(device).is_some() || given(like).is_some() { Err(not_native()) } else { Ok(()) }
}

#[pyfunction]
#[pyo3(signature = (shape, dtype = None, order = None, *, device = None, like = None))]
fn empty<'py>(
    shape: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    plain(device, like)?;
    blank(shape, element(dtype, Dtype::Float64)?, order, None)
}

#[pyfunction]
#[pyo3(signature = (shape, dtype = None, order = None, *, device = None, like = None))]
fn zeros<'py>(
    shape: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    plain(device, like)?;
    let dtype = element(dtype, Dtype::Float64)?;
    blank(shape, dtype, order, Some(Scalar::zero(dtype)))
}

#[pyfunction]
#[pyo3(signature = (shape, dtype = None, order = None, *, device = None, like = None))]
fn ones<'py>(
    shape: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    plain(device, like)?;
    let dtype = element(dtype, Dtype::Float64)?;
    blank(shape, dtype, order, Some(Scalar::one(dtype)))
}

#[pyfunction]
#[pyo3(signature = (shape, fill_value, dtype = None, order = None, *, device = None, like = None))]
fn full<'py>(
    shape: &Bound<'py, PyAny>,
    fill_value: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    plain(device, like)?;
    let dtype = match given(dtype) {
        Some(_) => element(dtype, Dtype::Float64)?,
        None => own_dtype(fill_value)?,
    };
    let made = blank(shape, dtype, order, None)?;
    filled(made, fill_value)
}

/// The dtype that an object has as an array of its own.
fn own_dtype(object: &Bound<'_, PyAny>) -> PyResult<Dtype> {
    Ok(match see(object)? {
        Seen::Given(given) => match given.input() {
            Input::Array(array) => array.dtype(),
            Input::Scalar(value) => value.dtype(),
            Input::Int(value) if i64::try_from(value).is_ok() => Dtype::Int64,
            Input::Int(_) => return Err(not_native()),
            Input::Float(_) => Dtype::Float64,
            Input::Complex(_) => Dtype::Complex128,
        },
        _ => return Err(not_native()),
    })
}

fn filled<'py>(made: Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = made.py();
    let is_real = |input: &Input<'_>| match input {
        Input::Float(_) => true,
        Input::Scalar(scalar) => !scalar.dtype().is_complex(),
        _ => false,
    };
    if let Seen::Given(given) = see(value)?
        && is_real(&given.input())
        && let Ok(array) = made.cast::<NdArray>()
        && let Some(array) = array.get().native(py)
    {
        // Unlike an assignment, this casts what the dtype cannot hold.
        warnings::enter(py);
        attempt(|| array.assign(given.input())).map_err(|error| exception(py, error))?;
        warnings::leave(py)?;
        return Ok(made);
    }
    made.set_item(made.py().Ellipsis(), value)?;
    Ok(made)
}

/// The arguments of `empty_like` and its kin.
fn like<'py>(
    prototype: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    shape: Option<&Bound<'py, PyAny>>,
    fill: impl FnOnce(Dtype) -> Option<Scalar>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = prototype.py();
    let Some(object) = ours(prototype)? else { return Err(not_native()) };
    let Some(array) = object.get().native(py) else { return Err(not_native()) };
    let dtype = element(dtype, array.dtype())?;
    let layout = arguments::layout(order, Layout::Keep)?;
    let wanted = given(shape).map(arguments::shape).transpose()?;
    warnings::enter(py);
    let made = run(py, || {
        let made = match &wanted {
            Some(shape) if shape.as_slice() != array.shape() => match layout {
                Layout::Keep if shape.len() == array.ndim() => {
                    let order = maniple_array::result_order(&[array.strides()], shape.len());
                    Array::empty_ordered(shape, dtype, &order)?
                }
                Layout::Fortran => {
                    Array::empty_ordered(shape, dtype, &(0..shape.len()).rev().collect::<Vec<_>>())?
                }
                Layout::Any if array.is_f_contiguous() && !array.is_c_contiguous() => {
                    Array::empty_ordered(shape, dtype, &(0..shape.len()).rev().collect::<Vec<_>>())?
                }
                _ => Array::empty(shape, dtype)?,
            },
            _ => array.empty_like(dtype, layout)?,
        };
        if let Some(value) = fill(dtype) {
            made.fill(value)?;
        }
        Ok(made)
    })?;
    fresh(py, made)
}

#[pyfunction]
#[pyo3(signature = (prototype, /, dtype = None, order = None, subok = true, shape = None, *, device = None))]
fn empty_like<'py>(
    prototype: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    subok: bool,
    shape: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = subok;
    plain(device, None)?;
    like(prototype, dtype, order, shape, |_| None)
}

#[pyfunction]
#[pyo3(signature = (a, dtype = None, order = None, subok = true, shape = None, *, device = None))]
fn zeros_like<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    subok: bool,
    shape: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = subok;
    plain(device, None)?;
    like(a, dtype, order, shape, |dtype| Some(Scalar::zero(dtype)))
}

#[pyfunction]
#[pyo3(signature = (a, dtype = None, order = None, subok = true, shape = None, *, device = None))]
fn ones_like<'py>(
    a: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    subok: bool,
    shape: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = subok;
    plain(device, None)?;
    like(a, dtype, order, shape, |dtype| Some(Scalar::one(dtype)))
}

#[pyfunction]
#[pyo3(signature = (a, fill_value, dtype = None, order = None, subok = true, shape = None, *, device = None))]
fn full_like<'py>(
    a: &Bound<'py, PyAny>,
    fill_value: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    subok: bool,
    shape: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = subok;
    plain(device, None)?;
    let made = like(a, dtype, order, shape, |_| None)?;
    filled(made, fill_value)
}

/// `numpy.arange` of Python integers and floats.
#[pyfunction]
#[pyo3(signature = (start_or_stop, /, stop = None, step = None, dtype = None, *, device = None, like = None))]
fn arange<'py>(
    start_or_stop: &Bound<'py, PyAny>,
    stop: Option<&Bound<'py, PyAny>>,
    step: Option<&Bound<'py, PyAny>>,
    dtype: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    like: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = start_or_stop.py();
    plain(device, like)?;
    let number = |value: &Bound<'py, PyAny>| -> PyResult<Bound<'py, PyAny>> {
        let value =
            if is_exactly(value, types(py).deferred) { value.call_method0("item")? } else { value.clone() };
        if is_int(&value) || is_float(&value) { Ok(value) } else { Err(not_native()) }
    };
    let (start, stop) = match given(stop) {
        Some(stop) => (Some(number(start_or_stop)?), number(stop)?),
        None => (None, number(start_or_stop)?),
    };
    let step = given(step).map(number).transpose()?;
    let any_float = [start.as_ref(), Some(&stop), step.as_ref()].into_iter().flatten().any(is_float);
    let dtype = element(dtype, if any_float { Dtype::Float64 } else { Dtype::Int64 })?;
    if dtype == Dtype::Bool || dtype.is_complex() || dtype == Dtype::Float16 {
        return Err(not_native());
    }
    let float = |value: &Option<Bound<'py, PyAny>>, default: f64| match value {
        None => Ok(default),
        Some(value) => value.extract::<f64>(),
    };
    let (first, last, by) = (float(&start, 0.0)?, stop.extract::<f64>()?, float(&step, 1.0)?);
    if by == 0.0 || ![first, last, by].iter().all(|value| value.is_finite()) {
        return Err(not_native());
    }
    let distance = if any_float {
        last - first
    } else {
        // NumPy subtracts Python's integers, exactly, before it divides.
        let exact = |value: &Bound<'py, PyAny>| value.extract::<i128>().map_err(|_| not_native());
        (exact(&stop)? - start.as_ref().map_or(Ok(0), exact)?) as f64
    };
    let length = (distance / by).ceil();
    if length > isize::MAX as f64 / 16.0 {
        return Err(not_native());
    }
    let length = length.max(0.0) as usize;
    let (begin, increment) = if any_float {
        // NumPy stores the first two numbers and goes on with their difference.
        let begin = Scalar::new(first).cast(dtype);
        let next = Scalar::new(first + by).cast(dtype);
        if dtype.is_integer() {
            (begin, Scalar::new(next.as_i64().wrapping_sub(begin.as_i64())).cast(dtype))
        } else if dtype == Dtype::Float32 {
            (begin, Scalar::new(next.get::<f32>() - begin.get::<f32>()))
        } else {
            (begin, Scalar::new(next.as_f64() - begin.as_f64()))
        }
    } else {
        let whole = |value: &Option<Bound<'py, PyAny>>, default: i64| match value {
            None => Ok(default),
            Some(value) => value.extract::<i64>().map_err(|_| not_native()),
        };
        let (begin, step) = (whole(&start, 0)?, whole(&step, 1)?);
        let exact = |value: i64| Scalar::new(value).cast(dtype);
        let last = begin.checked_add(step).ok_or_else(not_native)?;
        if dtype.is_integer() && (exact(begin).as_i64() != begin || exact(last).as_i64() != last) {
            return Err(not_native());
        }
        (exact(begin), exact(step))
    };
    warnings::enter(py);
    fresh(py, run(py, || Array::iota(begin, increment, length))?)
}
