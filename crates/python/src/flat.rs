//! The object that `ndarray.flat` returns: NumPy's own iterator over the shared memory, with arrays of ours in and out.

use crate::array::NdArray;
use crate::fallback::{to_numpy, to_ours};
use crate::interop::export_array;
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// A flat iterator.
#[pyclass(name = "flatiter", module = "maniple.numpy", frozen)]
pub struct Flat {
    array: Py<NdArray>,
    iterator: Py<PyAny>,
}

impl Flat {
    /// The iterator over an array.
    pub fn of(array: &Bound<'_, NdArray>) -> PyResult<Flat> {
        let iterator = export_array(array)?.getattr("flat")?;
        Ok(Flat { array: array.clone().unbind(), iterator: iterator.unbind() })
    }
}

#[pymethods]
impl Flat {
    #[getter]
    fn base(&self, py: Python<'_>) -> Py<NdArray> {
        self.array.clone_ref(py)
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.iterator.bind(py).try_iter()?.next().transpose()
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.iterator.bind(py).len()
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        to_ours(&self.iterator.bind(key.py()).get_item(to_numpy(key)?)?)
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.iterator.bind(key.py()).set_item(to_numpy(key)?, to_numpy(value)?)
    }

    fn __richcmp__<'py>(&self, other: &Bound<'py, PyAny>, how: CompareOp) -> PyResult<Bound<'py, PyAny>> {
        to_ours(&self.iterator.bind(other.py()).rich_compare(to_numpy(other)?, how)?)
    }

    /// As NumPy's, which shows the memory itself where it can, whatever `copy` says: `put_along_axis` relies on it.
    #[pyo3(signature = (*arguments, **keywords))]
    fn __array__<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.iterator.bind(arguments.py()).call_method("__array__", arguments, keywords)
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.iterator.bind(py).getattr(name)
    }

    fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_ours(&self.iterator.bind(py).call_method0("copy")?)
    }
}
