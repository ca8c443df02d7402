//! Reductions, running folds and statistics: as methods, as functions, and as `ufunc.reduce` and `accumulate`.

use crate::arguments::{self, Wanted, given};
use crate::array::{Held, NdArray, fresh, result};
use crate::errors::{attempt, exception};
use crate::fallback::fallback_method;
use crate::input::{Given, Seen, see};
use crate::ufunc::single_target;
use crate::warnings;
use maniple_array::{
    Array, Dtype, Input, Kind, Layout, Op, Options, Reduction, apply, normalize_axes, reduce,
};
use maniple_runtime::Extreme;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};
use smallvec::SmallVec;

/// What is computed.
#[derive(Clone, Copy)]
pub enum Statistic {
    /// A fold with a row.
    Fold(Op),
    /// The arithmetic mean.
    Mean,
    /// The variance.
    Variance,
    /// Its square root.
    Deviation,
    /// The position of an extreme.
    Position(Extreme),
    /// A running fold.
    Running(Op),
}

const FOLD: &[&str] = &["axis", "dtype", "out", "keepdims", "initial", "where"];
const EXTREME: &[&str] = &["axis", "out", "keepdims", "initial", "where"];
const LOGICAL: &[&str] = &["axis", "out", "keepdims", "where"];
const MEAN: &[&str] = &["axis", "dtype", "out", "keepdims", "where"];
const SPREAD: &[&str] = &["axis", "dtype", "out", "ddof", "keepdims", "where", "mean", "correction"];
const POSITION: &[&str] = &["axis", "out", "keepdims"];
const RUNNING: &[&str] = &["axis", "dtype", "out"];

/// Every statistic by NumPy's name, with its arguments in NumPy's order.
pub const STATISTICS: &[(&str, Statistic, &[&str])] = &[
    ("sum", Statistic::Fold(Op::Add), FOLD),
    ("prod", Statistic::Fold(Op::Multiply), FOLD),
    ("min", Statistic::Fold(Op::Minimum), EXTREME),
    ("max", Statistic::Fold(Op::Maximum), EXTREME),
    ("amin", Statistic::Fold(Op::Minimum), EXTREME),
    ("amax", Statistic::Fold(Op::Maximum), EXTREME),
    ("any", Statistic::Fold(Op::LogicalOr), LOGICAL),
    ("all", Statistic::Fold(Op::LogicalAnd), LOGICAL),
    ("mean", Statistic::Mean, MEAN),
    ("var", Statistic::Variance, SPREAD),
    ("std", Statistic::Deviation, SPREAD),
    ("argmin", Statistic::Position(Extreme::Smallest), POSITION),
    ("argmax", Statistic::Position(Extreme::Largest), POSITION),
    ("cumsum", Statistic::Running(Op::Add), RUNNING),
    ("cumprod", Statistic::Running(Op::Multiply), RUNNING),
];

/// Arguments by name.
pub struct Named<'py> {
    names: &'static [&'static str],
    values: SmallVec<[Option<Bound<'py, PyAny>>; 8]>,
}

impl<'py> Named<'py> {
    /// The arguments after the first `skip`; `None` if there are too many or unknown ones, for which NumPy has the
    /// words.
    pub fn bind(
        names: &'static [&'static str],
        arguments: &Bound<'py, PyTuple>,
        skip: usize,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Named<'py>>> {
        let mut values: SmallVec<[Option<Bound<'py, PyAny>>; 8]> = smallvec::smallvec![None; names.len()];
        if arguments.len() > names.len() + skip {
            return Ok(None);
        }
        for (at, value) in arguments.iter().enumerate().skip(skip) {
            values[at - skip] = Some(value);
        }
        if let Some(keywords) = keywords {
            for (key, value) in keywords.iter() {
                let key = key.cast_into::<PyString>()?;
                let key = key.to_cow()?;
                match names.iter().position(|name| **name == *key) {
                    Some(at) if values[at].is_none() => values[at] = Some(value),
                    _ => return Ok(None),
                }
            }
        }
        Ok(Some(Named { names, values }))
    }

    /// An argument, if it was given and is not `None`.
    pub fn get(&self, name: &str) -> Option<&Bound<'py, PyAny>> {
        let at = self.names.iter().position(|known| *known == name)?;
        given(self.values[at].as_ref())
    }

    /// Whether an argument was given, even as `None`.
    pub fn was_given(&self, name: &str) -> bool {
        self.names.iter().position(|known| *known == name).is_some_and(|at| self.values[at].is_some())
    }
}

/// A method of an array that is a statistic.
fn method<'py>(
    name: &str,
    slf: &Bound<'py, NdArray>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (_, statistic, names) =
        STATISTICS.iter().find(|(known, ..)| *known == name).expect("the names are ours");
    if let Statistic::Fold(op) = statistic
        && arguments.is_empty()
        && keywords.is_none()
        && let Some(array) = slf.get().native(slf.py())
    {
        return match fold_all(*op, slf.py(), array)? {
            Some(found) => Ok(found),
            None => fallback_method(name, slf, arguments, keywords),
        };
    }
    if let Some(named) = Named::bind(names, arguments, 0, keywords)?
        && let Some(found) = compute(*statistic, slf, &named)?
    {
        return Ok(found);
    }
    fallback_method(name, slf, arguments, keywords)
}

/// All elements folded by a method without arguments; `None` if that is not native.
fn fold_all<'py>(op: Op, py: Python<'py>, array: &Array) -> PyResult<Option<Bound<'py, PyAny>>> {
    warnings::enter(py);
    let folded = match attempt(|| reduce(op, array, &Reduction::default())) {
        Ok(folded) => folded,
        Err(error) if matches!(error.kind, Kind::NotNative | Kind::NoLoop | Kind::Casting) => {
            return Ok(None);
        }
        Err(error) => return Err(exception(py, error)),
    };
    warnings::leave(py)?;
    result(py, folded).map(Some)
}

/// Computes a statistic; `None` if that is not native.
pub fn compute<'py>(
    statistic: Statistic,
    slf: &Bound<'py, NdArray>,
    named: &Named<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = slf.py();
    let Held::Native(array) = slf.get().held(py) else { return Ok(None) };
    let array = array.clone();
    let axes = arguments::axes(named.get("axis"))?;
    // NumPy folds a 0-d array over its first or last axis as if it had one.
    let axes = axes.filter(|axes| !(array.ndim() == 0 && matches!(axes[..], [0] | [-1])));
    let dtype = match arguments::optional_dtype(named.get("dtype"))? {
        None => None,
        Some(Wanted::Ours(dtype)) => Some(dtype),
        Some(Wanted::Foreign) => return Ok(None),
    };
    let Ok(out) = single_target(named.get("out"))? else { return Ok(None) };
    let Some(keepdims) = keep(named.get("keepdims"))? else { return Ok(None) };
    let out_array = out.as_ref().map(|(_, array)| array);
    let mask = match named.get("where") {
        None => None,
        Some(mask) if mask.is_instance_of::<PyBool>() && mask.is_truthy()? => None,
        Some(mask) => match see(mask)? {
            Seen::Given(found) => Some(attempt(|| found.into_array()).map_err(|error| exception(py, error))?),
            _ => return Ok(None),
        },
    };
    if mask.as_ref().is_some_and(|mask| mask.dtype() != Dtype::Bool) {
        return Ok(None);
    }
    if named.was_given("initial") && named.get("initial").is_none() {
        // An explicit `None` means that there is no identity either.
        return Ok(None);
    }
    let initial_given;
    let initial = match named.get("initial") {
        None => None,
        Some(value) => match see(value)? {
            Seen::Given(found) if found.ndim() == 0 => {
                if matches!(found, Given::Float(_)) && !array.dtype().is_inexact() {
                    return Ok(None);
                }
                initial_given = found;
                Some(initial_given.input())
            }
            _ => return Ok(None),
        },
    };
    let options =
        Reduction { axes: axes.as_deref(), keepdims, dtype, initial, mask: mask.as_ref(), out: out_array };
    warnings::enter(py);
    let computed = match statistic {
        Statistic::Fold(op) => attempt(|| reduce(op, &array, &options)),
        Statistic::Mean => {
            if array.size() == 0 || mask.is_some() {
                return Ok(None);
            }
            attempt(|| array.mean(&options))
        }
        Statistic::Variance | Statistic::Deviation => {
            let correction = match (named.get("ddof"), named.get("correction")) {
                (None, None) => 0.0,
                (Some(value), None) | (None, Some(value)) => value.extract::<f64>()?,
                _ => return Ok(None),
            };
            let count = attempt(|| count(&array, axes.as_deref())).map_err(|error| exception(py, error))?;
            if mask.is_some() || array.size() == 0 || count as f64 <= correction {
                return Ok(None);
            }
            let mean = match named.get("mean") {
                None if named.was_given("mean") => return Ok(None),
                None => None,
                Some(mean) => match see(mean)? {
                    Seen::Given(Given::Array(mean)) if is_mean(mean, &array, &options) => Some(mean.clone()),
                    _ => return Ok(None),
                },
            };
            attempt(|| spread(&array, &options, correction, mean.as_ref(), statistic))
        }
        Statistic::Position(goal) => {
            let axis = match axes.as_deref() {
                None => None,
                Some([axis]) => Some(*axis),
                Some(_) => return Ok(None),
            };
            if out.is_some() {
                return Ok(None);
            }
            attempt(|| array.arg_extreme(goal, axis, keepdims))
        }
        Statistic::Running(op) => {
            let axis = match axes.as_deref() {
                None => None,
                Some([axis]) => Some(*axis),
                Some(_) => return Ok(None),
            };
            attempt(|| running(op, &array, axis, dtype, out_array))
        }
    };
    let value = match computed {
        Ok(value) => value,
        Err(error) if matches!(error.kind, Kind::NotNative | Kind::NoLoop | Kind::Casting) => {
            return Ok(None);
        }
        // NumPy has other words where a running fold does not fit.
        Err(error) if error.kind == Kind::Value && matches!(statistic, Statistic::Running(_)) => {
            return Ok(None);
        }
        Err(error) => return Err(exception(py, error)),
    };
    warnings::leave(py)?;
    Ok(Some(match out {
        Some((object, _)) => object,
        None if matches!(statistic, Statistic::Running(_)) => fresh(py, value)?,
        None => result(py, value)?,
    }))
}

/// `keepdims=`; `None` for what is neither true nor false.
fn keep(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<maniple_array::KeepDims>> {
    Ok(match value {
        None => Some(maniple_array::KeepDims::No),
        Some(value) if value.is_truthy()? => Some(maniple_array::KeepDims::Yes),
        Some(_) => Some(maniple_array::KeepDims::No),
    })
}

fn count(array: &Array, axes: Option<&[isize]>) -> maniple_array::Result<usize> {
    Ok(match axes {
        None => array.size(),
        Some(axes) => normalize_axes(axes, array.ndim(), "duplicate value in 'axis'")?
            .iter()
            .map(|&axis| array.shape()[axis])
            .product(),
    })
}

/// Whether an array has the dtype and shape of another one's mean, with the reduced axes kept.
fn is_mean(mean: &Array, array: &Array, options: &Reduction<'_>) -> bool {
    let reduced = |axis: usize| {
        let same = |&given: &isize| given.rem_euclid(array.ndim() as isize) as usize == axis;
        options.axes.is_none_or(|axes| axes.iter().any(same))
    };
    let shape = array.shape().iter().enumerate().map(|(axis, &n)| if reduced(axis) { 1 } else { n });
    let plain = options.dtype.is_none() && array.dtype().is_inexact() && array.dtype() != Dtype::Float16;
    plain && mean.dtype() == array.dtype() && shape.eq(mean.shape().iter().copied())
}

fn spread(
    array: &Array,
    options: &Reduction<'_>,
    correction: f64,
    mean: Option<&Array>,
    statistic: Statistic,
) -> maniple_array::Result<Array> {
    if matches!(statistic, Statistic::Variance) {
        return array.var(options, correction, mean);
    }
    let variance = array.var(&Reduction { out: None, ..*options }, correction, mean)?;
    let out = [options.out];
    let given: &[Option<&Array>] = if options.out.is_some() { &out } else { &[] };
    let roots = apply(Op::Sqrt, &[Input::Array(&variance)], &Options { out: given, ..Options::default() })?;
    Ok(roots.into_iter().next().expect("one output"))
}

fn running(
    op: Op,
    array: &Array,
    axis: Option<isize>,
    dtype: Option<Dtype>,
    out: Option<&Array>,
) -> maniple_array::Result<Array> {
    match axis {
        Some(axis) => array.accumulate(op, axis, dtype, out),
        None => array.ravel(Layout::C)?.accumulate(op, 0, dtype, out),
    }
}

/// `ufunc.reduce`; `None` if that is not native.
pub fn ufunc_reduce<'py>(
    op: Op,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    on_axis_zero(Statistic::Fold(op), FOLD, arguments, keywords)
}

/// `ufunc.accumulate`; `None` if that is not native.
pub fn ufunc_accumulate<'py>(
    op: Op,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    on_axis_zero(Statistic::Running(op), RUNNING, arguments, keywords)
}

fn on_axis_zero<'py>(
    statistic: Statistic,
    names: &'static [&'static str],
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = arguments.py();
    if arguments.is_empty() {
        return Ok(None);
    }
    let Some(mut named) = Named::bind(names, arguments, 1, keywords)? else { return Ok(None) };
    let axis = named.values[0].clone();
    let running = matches!(statistic, Statistic::Running(_));
    if axis.as_ref().is_some_and(|axis| axis.is_none()) && running {
        return Ok(None);
    }
    if axis.is_none() {
        named.values[0] = Some(0isize.into_pyobject(py)?.into_any());
    }
    let Some(array) = crate::functions::ours(&arguments.get_item(0)?)? else { return Ok(None) };
    // NumPy folds a 0-d array over its axis 0 as if it had none, and has its own words for running folds.
    if array.get().native(py).is_none_or(|array| array.ndim() == 0) {
        return Ok(None);
    }
    compute(statistic, &array, &named)
}

macro_rules! statistics {
    ($($name:ident)*) => {
        #[pymethods]
        impl NdArray {
            $(
                #[pyo3(signature = (*arguments, **keywords))]
                fn $name<'py>(
                    slf: &Bound<'py, NdArray>,
                    arguments: &Bound<'py, PyTuple>,
                    keywords: Option<&Bound<'py, PyDict>>,
                ) -> PyResult<Bound<'py, PyAny>> {
                    method(stringify!($name), slf, arguments, keywords)
                }
            )*
        }
    };
}

statistics! { sum prod min max any all mean var std argmin argmax cumsum cumprod }
