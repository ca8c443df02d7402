//! Random numbers as tasks: what `maniple.numpy.random` asks for when it has read a bit generator's state.

use crate::arguments;
use crate::array::{NdArray, fresh};
use crate::errors::run;
use crate::types::{is_exactly, types};
use crate::warnings;
use maniple_array::{Array, BitGenerator, Dtype, holds_its_own_words};
use pyo3::prelude::*;

/// An array of numbers from the stream of a bit generator: doubles, or singles of which the first may be made of half a word
/// that was left over. `ready` is what Philox holds ready, `spread` the lower bound and the range of uniform numbers. `None`
/// if only NumPy can draw them.
#[pyfunction]
#[pyo3(signature = (generator, state, ready, shape, single, half, spread, out))]
#[allow(clippy::too_many_arguments, reason = "one call from Python, with everything that is known there")]
pub fn draw<'py>(
    py: Python<'py>,
    generator: &str,
    state: Vec<u64>,
    ready: Vec<u64>,
    shape: Option<&Bound<'py, PyAny>>,
    single: bool,
    half: Option<u32>,
    spread: Option<(f64, f64)>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(generator) = BitGenerator::ALL.into_iter().find(|known| known.numpy() == generator) else {
        return Ok(None);
    };
    if state.len() != generator.words()
        || (generator == BitGenerator::Philox && !holds_its_own_words(&state, &ready))
    {
        return Ok(None);
    }
    let dtype = if single { Dtype::Float32 } else { Dtype::Float64 };
    let extents = shape.map(arguments::shape).transpose()?;
    warnings::enter(py);
    let fill = |array: &Array| {
        match half {
            Some(half) => array.draw_after_half(half, generator, &state)?,
            None => array.draw(generator, &state)?,
        }
        spread.map_or(Ok(()), |(low, range)| array.spread(low, range))
    };
    let Some(out) = out else {
        let extents = extents.unwrap_or_default();
        let made = run(py, || {
            let array = Array::empty(&extents, dtype)?;
            fill(&array)?;
            Ok(array)
        })?;
        return fresh(py, made).map(Some);
    };
    if !is_exactly(out, types(py).ndarray) {
        return Ok(None);
    }
    let held = out.cast::<NdArray>()?.get();
    let Some(array) = held.native(py) else { return Ok(None) };
    let fits = extents.is_none_or(|extents| extents[..] == *array.shape());
    if array.dtype() != dtype || !array.is_c_contiguous() || !held.is_writeable() || !fits {
        return Ok(None);
    }
    run(py, || fill(array))?;
    Ok(Some(out.clone()))
}
