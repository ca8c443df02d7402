//! The object that `ndarray.flags` returns.

use crate::arguments::Truth;
use crate::array::{Held, NdArray};
use maniple_array::Array;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;

/// What NumPy says about an array's memory.
#[pyclass(name = "flagsobj", module = "maniple.numpy", frozen)]
pub struct Flags {
    array: Py<NdArray>,
}

/// Allows or forbids writing to an array; what is a view of something read-only stays read-only.
pub fn set_writeable(slf: &Bound<'_, NdArray>, writeable: Truth) -> PyResult<()> {
    let py = slf.py();
    if let Held::Foreign(array) = slf.get().held(py) {
        array.bind(py).call_method1("setflags", (writeable == Truth::True,))?;
        return Ok(());
    }
    if writeable == Truth::True && !slf.get().is_writeable() {
        let base = slf.get().base().map(|base| base.bind(py).clone());
        let allowed = match base {
            None => slf.get().may_become_writeable(),
            Some(base) => match base.cast::<NdArray>() {
                Ok(base) => base.get().is_writeable(),
                Err(_) => slf.get().may_become_writeable(),
            },
        };
        if !allowed {
            return Err(PyValueError::new_err("cannot set WRITEABLE flag to True of this array"));
        }
    }
    slf.get().set_writeable(writeable == Truth::True);
    Ok(())
}

impl Flags {
    /// The flags of an array.
    pub fn of(array: &Bound<'_, NdArray>) -> Flags {
        Flags { array: array.clone().unbind() }
    }

    fn ask(&self, py: Python<'_>, question: impl FnOnce(&Array) -> bool) -> bool {
        self.array.get().native(py).is_some_and(question)
    }
}

#[pymethods]
impl Flags {
    #[getter]
    fn c_contiguous(&self, py: Python<'_>) -> bool {
        self.ask(py, Array::is_c_contiguous)
    }

    #[getter]
    fn f_contiguous(&self, py: Python<'_>) -> bool {
        self.ask(py, Array::is_f_contiguous)
    }

    #[getter]
    fn contiguous(&self, py: Python<'_>) -> bool {
        self.c_contiguous(py)
    }

    #[getter]
    fn fortran(&self, py: Python<'_>) -> bool {
        self.f_contiguous(py)
    }

    #[getter]
    fn owndata(&self) -> bool {
        self.array.get().base().is_none()
    }

    #[getter]
    fn writeable(&self) -> bool {
        self.array.get().is_writeable()
    }

    #[setter]
    fn set_writeable(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        set_writeable(self.array.bind(py), if value.is_truthy()? { Truth::True } else { Truth::False })
    }

    #[getter]
    fn aligned(&self) -> bool {
        true
    }

    #[getter]
    fn writebackifcopy(&self) -> bool {
        false
    }

    #[getter]
    fn behaved(&self) -> bool {
        self.writeable()
    }

    #[getter]
    fn fnc(&self, py: Python<'_>) -> bool {
        self.f_contiguous(py) && !self.c_contiguous(py)
    }

    #[getter]
    fn forc(&self, py: Python<'_>) -> bool {
        self.f_contiguous(py) || self.c_contiguous(py)
    }

    #[getter]
    fn carray(&self, py: Python<'_>) -> bool {
        self.c_contiguous(py) && self.writeable()
    }

    #[getter]
    fn farray(&self, py: Python<'_>) -> bool {
        self.fnc(py) && self.writeable()
    }

    #[getter]
    fn num(&self, py: Python<'_>) -> u32 {
        u32::from(self.c_contiguous(py))
            | u32::from(self.f_contiguous(py)) << 1
            | u32::from(self.owndata()) << 2
            | 0x100
            | u32::from(self.writeable()) << 10
    }

    fn __getitem__(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        Ok(match key {
            "C" | "CONTIGUOUS" | "C_CONTIGUOUS" => self.c_contiguous(py),
            "F" | "FORTRAN" | "F_CONTIGUOUS" => self.f_contiguous(py),
            "O" | "OWNDATA" => self.owndata(),
            "W" | "WRITEABLE" => self.writeable(),
            "A" | "ALIGNED" => true,
            "X" | "WRITEBACKIFCOPY" => false,
            "B" | "BEHAVED" => self.behaved(),
            "CA" | "CARRAY" => self.carray(py),
            "FA" | "FARRAY" => self.farray(py),
            "FNC" => self.fnc(py),
            "FORC" => self.forc(py),
            _ => return Err(PyKeyError::new_err("Unknown flag")),
        })
    }

    fn __setitem__(&self, py: Python<'_>, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match key {
            "W" | "WRITEABLE" => self.set_writeable(py, value),
            "A" | "ALIGNED" | "X" | "WRITEBACKIFCOPY" => Ok(()),
            _ => Err(PyKeyError::new_err("Unknown flag")),
        }
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> bool {
        let number = other.getattr("num").and_then(|number| number.extract::<u32>());
        number.is_ok_and(|number| number == self.num(py))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let word = |value: bool| if value { "True" } else { "False" };
        format!(
            "  C_CONTIGUOUS : {}\n  F_CONTIGUOUS : {}\n  OWNDATA : {}\n  WRITEABLE : {}\n  ALIGNED : True\n  \
             WRITEBACKIFCOPY : False\n",
            word(self.c_contiguous(py)),
            word(self.f_contiguous(py)),
            word(self.owndata()),
            word(self.writeable()),
        )
    }
}
