//! Calls without tuples: classes of callable objects that speak Python's vectorcall protocol.
//!
//! An object that is called otherwise gets its arguments in a tuple and a dict, which are made for the call and then taken
//! apart again. That takes longer than some functions do. Classes that `pyo3` makes cannot speak the protocol; classes derived
//! from them with Python's stable interface can.

use crate::errors::{defect, exception};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple, PyType};
use std::ffi::{CStr, c_int};
use std::mem::{offset_of, transmute};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// How the protocol calls an object: with the object, the arguments, how many are given by position, and a tuple of the
/// names of the others.
pub type Call = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Says that objects of a class speak the protocol. The stable interface names it since Python 3.12; it is as old as the
/// protocol.
const HAS_VECTORCALL: std::ffi::c_ulong = 1 << 11;

/// The bit of the number of arguments that says something else.
const OFFSET: usize = 1 << (usize::BITS - 1);

/// How many of the arguments of a call are given by position.
pub fn positional(count: usize) -> usize {
    count & !OFFSET
}

/// What an object of a derived class has after what its base has.
#[repr(C)]
struct Extra {
    call: Option<Call>,
    direct: Option<Direct>,
}

/// A function written in Rust, to be called without going through Python.
#[derive(Clone, Copy)]
pub struct Direct {
    function: ffi::PyCFunctionFastWithKeywords,
    module: *mut ffi::PyObject,
}

// SAFETY: the pointers never change what they name, and are only used with the interpreter attached.
unsafe impl Send for Direct {}
// SAFETY: as above.
unsafe impl Sync for Direct {}

impl Direct {
    /// The function behind an object of Python's, if it takes arguments by position and name. The object must be kept.
    pub fn of(function: &Bound<'_, PyAny>) -> Option<Direct> {
        let function = function.cast_exact::<PyCFunction>().ok()?.as_ptr();
        // SAFETY: the object is a built-in function; its flags say which type the pointer has.
        unsafe {
            if ffi::PyCFunction_GetFlags(function) != ffi::METH_FASTCALL | ffi::METH_KEYWORDS {
                return None;
            }
            let pointer = ffi::PyCFunction_GetFunction(function)?;
            Some(Direct {
                function: transmute::<ffi::PyCFunction, ffi::PyCFunctionFastWithKeywords>(pointer),
                module: ffi::PyCFunction_GetSelf(function),
            })
        }
    }

    /// Calls it.
    ///
    /// # Safety
    /// As the protocol has it; the interpreter must be attached.
    pub unsafe fn call(
        self,
        arguments: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { (self.function)(self.module, arguments, count as ffi::Py_ssize_t, names) }
    }
}

/// A class like `base` whose objects are called by `call`. It is made once and never goes.
pub fn class<'py>(base: &Bound<'py, PyType>, name: &'static CStr, call: Call) -> PyResult<Class> {
    let py = base.py();
    let size: usize = base.getattr("__basicsize__")?.extract()?;
    let offset = size.next_multiple_of(align_of::<Extra>());
    let members: &'static mut [ffi::PyMemberDef; 2] = Box::leak(Box::new([
        ffi::PyMemberDef {
            name: c"__vectorcalloffset__".as_ptr(),
            type_code: ffi::structmember::T_PYSSIZET,
            offset: (offset + offset_of!(Extra, call)) as ffi::Py_ssize_t,
            flags: ffi::structmember::READONLY,
            doc: ptr::null(),
        },
        ffi::PyMemberDef::default(),
    ]));
    // SAFETY: the base is a class with instances that can be called; what the structures point to lives on.
    unsafe {
        let slowly = ffi::PyType_GetSlot(base.as_type_ptr(), ffi::Py_tp_call);
        let mut slots = [
            ffi::PyType_Slot { slot: ffi::Py_tp_members, pfunc: members.as_mut_ptr().cast() },
            ffi::PyType_Slot { slot: ffi::Py_tp_call, pfunc: slowly },
            ffi::PyType_Slot { slot: 0, pfunc: ptr::null_mut() },
        ];
        let mut spec = ffi::PyType_Spec {
            name: name.as_ptr(),
            basicsize: (offset + size_of::<Extra>()) as c_int,
            itemsize: 0,
            flags: (ffi::Py_TPFLAGS_DEFAULT | HAS_VECTORCALL) as _,
            slots: slots.as_mut_ptr(),
        };
        let made = ffi::PyType_FromSpecWithBases(&mut spec, base.as_ptr());
        let made = Bound::from_owned_ptr_or_err(py, made)?.cast_into::<PyType>()?;
        Ok(Class { class: made.unbind(), offset, call })
    }
}

/// A class of this kind.
pub struct Class {
    class: Py<PyType>,
    offset: usize,
    call: Call,
}

impl Class {
    /// The class.
    pub fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.class.bind(py)
    }

    /// A new object, made with the arguments of the base's constructor. Its calls may use `direct`.
    pub fn make<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        direct: Option<Direct>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = self.bind(arguments.py()).call1(arguments)?;
        if !made.get_type().is(self.bind(arguments.py())) {
            return Err(PyTypeError::new_err("the constructor made something else"));
        }
        // SAFETY: objects of the class have room for this behind what the base has.
        unsafe {
            let extra = made.as_ptr().cast::<u8>().add(self.offset).cast::<Extra>();
            extra.write(Extra { call: Some(self.call), direct });
        }
        Ok(made)
    }

    /// What an object's calls may use.
    ///
    /// # Safety
    /// The object must have been made by [`Class::make`].
    pub unsafe fn direct(&self, object: *mut ffi::PyObject) -> Option<Direct> {
        // SAFETY: the caller's promise.
        unsafe { (*object.cast::<u8>().add(self.offset).cast::<Extra>()).direct }
    }
}

/// The arguments of a call as a tuple and a dict.
///
/// # Safety
/// They must be those of a call that is under way.
pub unsafe fn packed<'py>(
    py: Python<'py>,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
    // SAFETY: the caller's promise: so many objects are there, and as many more as there are names.
    unsafe {
        let object = |at: usize| Bound::<PyAny>::from_borrowed_ptr(py, *arguments.add(at));
        let tuple = PyTuple::new(py, (0..count).map(object).collect::<Vec<_>>())?;
        if names.is_null() {
            return Ok((tuple, None));
        }
        let names = Bound::from_borrowed_ptr(py, names).cast_into::<PyTuple>()?;
        let keywords = PyDict::new(py);
        for (at, name) in names.iter().enumerate() {
            keywords.set_item(name, object(count + at))?;
        }
        Ok((tuple, (!names.is_empty()).then_some(keywords)))
    }
}

/// What the protocol returns for what a call gives. A panic, which may not leave Rust, becomes an exception.
pub fn answer<'py>(
    py: Python<'py>,
    call: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    let done = catch_unwind(AssertUnwindSafe(call));
    match done.unwrap_or_else(|panic| Err(exception(py, defect(panic.as_ref())))) {
        Ok(made) => made.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    }
}
