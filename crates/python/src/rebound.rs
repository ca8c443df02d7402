//! Functions that NumPy writes in Python: its code runs over our arrays (`python/maniple/numpy/_rebound.py`), unless the
//! arguments are not ours to compute on, or so few that deferring the parts of the call costs more than the call.

use crate::array::{Held, NdArray};
use crate::fallback::{fallback, fallback_mode, unrecorded};
use crate::interop;
use crate::types::{is_exactly, is_int, is_plain, types};
use maniple_array::runtime;
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use std::ptr::addr_of_mut;

/// How the work of a function grows with its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// It is never small: it costs next to nothing, or fuses with what is around it.
    Deferred,
    /// With the number of elements it is given.
    Sum,
    /// With the product of the numbers of elements, and of the whole numbers, it is given.
    Product,
    /// With the square of that.
    Square,
}

impl FromPyObject<'_, '_> for Growth {
    type Error = PyErr;
    fn extract(name: Borrowed<'_, '_, PyAny>) -> PyResult<Growth> {
        Ok(match name.extract::<&str>()? {
            "deferred" => Growth::Deferred,
            "sum" => Growth::Sum,
            "product" => Growth::Product,
            "square" => Growth::Square,
            name => return Err(PyValueError::new_err(format!("unknown growth {name:?}"))),
        })
    }
}

/// A function that NumPy writes in Python.
pub struct Rebound {
    /// Makes NumPy's code over our arrays, the first time that it is called.
    make: Py<PyAny>,
    made: PyOnceLock<Py<PyAny>>,
    growth: Growth,
}

impl Rebound {
    /// A function of which `make` makes the code over our arrays, and whose work grows like this.
    pub fn new(make: Py<PyAny>, growth: Growth) -> Rebound {
        Rebound { make, made: PyOnceLock::new(), growth }
    }

    fn code<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        Ok(self.made.get_or_try_init(py, || self.make.call0(py))?.bind(py))
    }

    /// Calls it, or NumPy's `original`.
    pub fn call<'py>(
        &self,
        name: &str,
        original: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut seen = Seen::default();
        arguments.iter().try_for_each(|value| seen.look(&value))?;
        keywords.iter().flat_map(|keywords| keywords.iter()).try_for_each(|(_, value)| seen.look(&value))?;
        if seen.others {
            return fallback(name, original, arguments, keywords);
        }
        if seen.is_small(self.growth) && fallback_mode() == "quiet" {
            return unrecorded(original, arguments, keywords);
        }
        let py = arguments.py();
        let rebound = self.code(py)?;
        if !seen.numpys {
            return rebound.call(arguments, keywords);
        }
        let admitted: PyResult<Vec<_>> = arguments.iter().map(admit).collect();
        let options = PyDict::new(py);
        for (key, value) in keywords.iter().flat_map(|keywords| keywords.iter()) {
            options.set_item(key, admit(value)?)?;
        }
        rebound.call(PyTuple::new(py, admitted?)?, Some(&options))
    }
}

/// What was found among the arguments of a call.
struct Seen {
    /// Something that only NumPy or another library computes on.
    others: bool,
    /// NumPy's arrays.
    numpys: bool,
    /// Something that may call back, or of which the size is not known.
    unknown: bool,
    /// Number of elements.
    sum: usize,
    /// Product of the numbers of elements of each argument, and of the whole numbers.
    product: usize,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { others: false, numpys: false, unknown: false, sum: 0, product: 1 }
    }
}

impl Seen {
    fn is_small(&self, growth: Growth) -> bool {
        let elements = match growth {
            Growth::Deferred => return false,
            Growth::Sum => self.sum,
            Growth::Product => self.sum.max(self.product),
            Growth::Square => self.sum.max(self.product.saturating_mul(self.product)),
        };
        !self.unknown && elements <= runtime().settings().small && runtime().settings().small > 0
    }

    fn add(&mut self, elements: usize) {
        self.sum = self.sum.saturating_add(elements);
        self.product = self.product.saturating_mul(elements.max(1));
    }

    fn look(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if is_int(value) {
            let number = value.extract::<i64>().map_or(usize::MAX, |number| number.unsigned_abs() as usize);
            self.product = self.product.saturating_mul(number.max(1));
            return Ok(());
        }
        self.look_within(value)
    }

    /// Looks at an argument, or at what a list or a tuple holds.
    fn look_within(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let table = types(py);
        let class = value.get_type_ptr();
        // SAFETY: both are classes.
        let is_a = |base| unsafe { ffi::PyType_IsSubtype(class, base) } != 0;
        if class == table.ndarray {
            // SAFETY: the type is our own.
            let array = unsafe { value.cast_unchecked::<NdArray>() };
            match array.get().held(py) {
                Held::Native(native) => self.add(native.size()),
                Held::Foreign(_) => self.others = true,
            }
        } else if is_plain(value) || class == table.deferred || class == addr_of_mut!(ffi::PySlice_Type) {
            self.sum = self.sum.saturating_add(1);
        } else if class == table.numpy_array {
            self.numpys = true;
            match interop::elements_of_numpy(value) {
                Some(elements) => self.add(elements),
                None => self.others = true,
            }
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.product = self.product.saturating_mul(list.len().max(1));
            list.iter().try_for_each(|item| self.look_within(&item))?;
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            tuple.iter().try_for_each(|item| self.look(&item))?;
        } else if is_a(table.generic) {
            self.sum = self.sum.saturating_add(1);
        } else if is_a(table.numpy_array)
            || value.get_type().getattr_opt(intern!(py, "__array_function__"))?.is_some()
        {
            self.others = true;
        } else if !is_a(table.dtype) && value.cast_exact::<PyType>().is_err() {
            self.unknown = true;
        }
        Ok(())
    }
}

/// A value for rebound code, NumPy's arrays as ours.
fn admit(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = value.py();
    if is_exactly(&value, types(py).numpy_array) {
        return Ok(interop::wrap(&value)?.into_any());
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        if list.iter().all(|item| is_plain(&item)) {
            return Ok(value);
        }
        let items: PyResult<Vec<_>> = list.iter().map(admit).collect();
        return Ok(PyList::new(py, items?)?.into_any());
    }
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        if tuple.iter().all(|item| is_plain(&item)) {
            return Ok(value);
        }
        let items: PyResult<Vec<_>> = tuple.iter().map(admit).collect();
        return Ok(PyTuple::new(py, items?)?.into_any());
    }
    Ok(value)
}
