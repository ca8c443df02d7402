//! The extension module `maniple._maniple`: converts Python's objects, forwards to the array layer, and turns errors
//! into exceptions. No NumPy semantics live here.
//!
//! Files, in reading order: `array.rs` (the class `ndarray`) with `operators.rs`, `indexing.rs`, `methods.rs` and
//! `protocols.rs`; `scalar.rs` (deferred results); `ufunc.rs` and `functions.rs` (what `maniple.numpy` offers);
//! `native.rs` and `calling.rs` (objects that are called); `input.rs` and `arguments.rs` (what arguments mean); `interop.rs` (memory shared with others) and `lists.rs`
//! (arrays as lists); `fallback.rs` and
//! `rebound.rs` (what NumPy runs, and NumPy's Python code over our arrays); `hooks.rs` (what Python code plugs in); `warnings.rs` and `lines.rs` (floating point events and where they come from).

// What pyo3 makes of methods in macros calls unsafe functions in unsafe functions.
#![allow(unsafe_op_in_unsafe_fn)]

mod arguments;
mod array;
mod calling;
mod creation;
mod dlpack;
mod drawing;
mod errors;
mod fallback;
mod flags;
mod flat;
mod functions;
mod hooks;
mod indexing;
mod input;
mod interop;
mod lines;
mod lists;
mod methods;
mod native;
mod operators;
mod products;
mod protocols;
mod rebound;
mod reductions;
mod scalar;
mod selecting;
mod session;
mod sorting;
mod types;
mod ufunc;
mod warnings;

use pyo3::prelude::*;

/// Recording makes and drops a few small structures per call, in bursts of a window: this allocator takes half as long
/// for them as the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Makes the module.
#[pymodule]
mod _maniple {
    use super::*;

    #[pymodule_export]
    use super::array::NdArray;
    #[pymodule_export]
    use super::drawing::draw;
    #[pymodule_export]
    use super::errors::{DeviceError, NotNative};
    #[pymodule_export]
    use super::fallback::{
        FallbackError, FallbackWarning, fallback, fallback_mode, fallback_rows, forget_fallbacks,
        set_fallback_mode, unrecorded,
    };
    #[pymodule_export]
    use super::functions::functions;
    #[pymodule_export]
    use super::hooks::set_hook;
    #[pymodule_export]
    use super::native::native;
    #[pymodule_export]
    use super::products::matmul;
    #[pymodule_export]
    use super::protocols::unpickle;
    #[pymodule_export]
    use super::scalar::Deferred;
    #[pymodule_export]
    use super::session::{end_trace, machine, prefer, set_metaclass, settings, statistics, sync};
    #[pymodule_export]
    use super::ufunc::ufuncs;
    #[pymodule_export]
    use super::warnings::{set_errstate, take_warnings};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("function", super::native::functions_class(module.py())?.bind(module.py()))?;
        module.add("ufunc", super::ufunc::ufuncs_class(module.py())?.bind(module.py()))?;
        session::begin(module.py())
    }
}
