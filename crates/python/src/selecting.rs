//! Advanced indexing, `take`, `nonzero` and `ufunc.at` as Python calls them.

use crate::array::NdArray;
use pyo3::prelude::*;

/// `take`; `None` if that is not native.
pub fn taken<'py>(
    _slf: &Bound<'py, NdArray>,
    _indices: &Bound<'py, PyAny>,
    _axis: Option<&Bound<'py, PyAny>>,
    _out: Option<&Bound<'py, PyAny>>,
    _mode: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(None)
}
