//! Floating point events: what the user wants to hear about, and the warnings and exceptions that come of it.

use crate::array::NdArray;
use crate::errors::{attempt, run};
use crate::{hooks, lines};
use maniple_array::{Context, HERE, runtime, set_context};
use maniple_ops::Flags;
use maniple_runtime::{Line, Warning};
use pyo3::exceptions::{PyFloatingPointError, PyRuntimeWarning, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::cell::Cell;
use std::ffi::CString;
use std::ptr;

/// What `numpy.errstate` says about one kind of event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ignore,
    Warn,
    Raise,
    /// `call`, `print` or `log`, which Python code carries out.
    Call,
}

#[derive(Clone, Copy)]
struct Modes {
    /// In the order of the bits of [`Flags`]: divide, over, under, invalid.
    each: [Mode; 4],
    watch: u8,
    /// Whether something other than a warning may come of an event, so that calls run at once.
    at_once: bool,
}

const KINDS: [(&str, Flags, &str); 4] = [
    ("divide", Flags::DIVIDE, "divide by zero"),
    ("over", Flags::OVERFLOW, "overflow"),
    ("under", Flags::UNDERFLOW, "underflow"),
    ("invalid", Flags::INVALID, "invalid value"),
];

thread_local! {
    static MODES: Cell<Modes> = const {
        Cell::new(Modes {
            each: [Mode::Warn, Mode::Warn, Mode::Ignore, Mode::Warn],
            watch: 1 | 2 | 8,
            at_once: false,
        })
    };
}

/// Begins a call that records: tells the array layer where it is made and what is watched for.
#[inline(always)]
pub fn enter(py: Python<'_>) {
    crate::interop::settle(py);
    set_context(Context { line: HERE, watch: MODES.get().watch });
}

/// Ends a call that recorded: if an event is to raise an exception, everything runs now.
#[inline(always)]
pub fn leave(py: Python<'_>) -> PyResult<()> {
    if MODES.get().at_once { leave_slowly(py) } else { Ok(()) }
}

#[cold]
fn leave_slowly(py: Python<'_>) -> PyResult<()> {
    crate::interop::wait(py, |end| Ok(runtime().settle(None, end)?))?;
    let waited = py.detach(|| attempt(|| Ok(runtime().sync()?)));
    run(py, || waited)?;
    emit(py)
}

/// Turns the events of everything that has run into warnings, at the lines that caused them.
#[inline(always)]
pub fn emit(py: Python<'_>) -> PyResult<()> {
    let warnings = runtime().take_warnings();
    if warnings.is_empty() { Ok(()) } else { warnings.iter().try_for_each(|warning| emit_one(py, warning)) }
}

/// Sets what is done about events: `ignore`, `warn`, `raise`, `call`, `print` or `log` for each kind. It holds for the
/// calling thread.
#[pyfunction]
#[pyo3(signature = (divide, over, under, invalid))]
pub fn set_errstate(divide: &str, over: &str, under: &str, invalid: &str) -> PyResult<()> {
    let mut modes = Modes { each: [Mode::Ignore; 4], watch: 0, at_once: false };
    for (at, name) in [divide, over, under, invalid].into_iter().enumerate() {
        modes.each[at] = match name {
            "ignore" => Mode::Ignore,
            "warn" => Mode::Warn,
            "raise" => Mode::Raise,
            "call" | "print" | "log" => Mode::Call,
            _ => return Err(PyValueError::new_err(format!("invalid error mode {name:?}"))),
        };
        if modes.each[at] != Mode::Ignore {
            modes.watch |= 1 << at;
        }
        modes.at_once |= matches!(modes.each[at], Mode::Raise | Mode::Call);
    }
    MODES.set(modes);
    Ok(())
}

/// The warnings of everything that has run since the last look, as tuples of message, category name, file and line.
#[pyfunction]
pub fn take_warnings() -> Vec<(String, &'static str, String, usize)> {
    let mut found = Vec::new();
    for warning in runtime().take_warnings() {
        for (_, _, text) in KINDS.iter().filter(|(_, flag, _)| warning.flags.contains(*flag)) {
            let (file, line) = lines::with_place(warning.line, |place| {
                place.map_or((String::from("<unknown>"), 1), |place| (place.file.clone(), place.line))
            });
            found.push((message(text, &warning), "RuntimeWarning", file, line));
        }
    }
    found
}

fn message(text: &str, warning: &Warning) -> String {
    format!("{text} encountered in {}", warning.during)
}

#[cold]
fn emit_one(py: Python<'_>, warning: &Warning) -> PyResult<()> {
    for (at, (name, flag, text)) in KINDS.iter().enumerate() {
        if !warning.flags.contains(*flag) {
            continue;
        }
        let message = message(text, warning);
        match MODES.get().each[at] {
            Mode::Raise => return Err(PyFloatingPointError::new_err(message)),
            Mode::Call => {
                if let Some(call) = hooks::hook(py, "errcall") {
                    call.call1((*name, flag.bits(), message))?;
                }
            }
            // The event was watched for when the call was made, whatever the state is now.
            Mode::Warn | Mode::Ignore => {
                warn_at(py, &py.get_type::<PyRuntimeWarning>(), &message, warning.line)?;
            }
        }
    }
    Ok(())
}

/// A warning at a line of the user's program.
pub fn warn_at(py: Python<'_>, category: &Bound<'_, PyType>, message: &str, line: Line) -> PyResult<()> {
    let (file, line, globals) = lines::with_place(line, |place| match place {
        None => (String::from("<unknown>"), 1, None),
        Some(place) => {
            (place.file.clone(), place.line, place.globals.as_ref().map(|globals| globals.clone_ref(py)))
        }
    });
    let (mut module, mut registry) = (None, None);
    if let Some(globals) = &globals {
        let globals = globals.bind(py);
        module = globals.get_item("__name__")?.and_then(|name| name.extract::<String>().ok());
        registry = Some(match globals.get_item("__warningregistry__")? {
            Some(found) => found,
            None => {
                let fresh = PyDict::new(py);
                globals.set_item("__warningregistry__", &fresh)?;
                fresh.into_any()
            }
        });
    }
    let text = |text: &str| CString::new(text).unwrap_or_default();
    let (message, file, module) = (text(message), text(&file), module.map(|module| text(&module)));
    // SAFETY: all pointers are live C strings or Python objects; null stands for "none".
    let raised = unsafe {
        ffi::PyErr_WarnExplicit(
            category.as_ptr(),
            message.as_ptr(),
            file.as_ptr(),
            line as i32,
            module.as_ref().map_or(ptr::null(), |module| module.as_ptr()),
            registry.as_ref().map_or(ptr::null_mut(), |registry| registry.as_ptr()),
        )
    };
    if raised < 0 { Err(PyErr::fetch(py)) } else { Ok(()) }
}

/// NumPy's warning that a cast drops imaginary parts, at the line that is running.
pub fn imaginary_parts_dropped(array: &Bound<'_, NdArray>) -> PyResult<()> {
    let py = array.py();
    let class = crate::types::numpy(py).getattr("exceptions")?.getattr("ComplexWarning")?;
    PyErr::warn(py, &class, c"Casting complex values to real discards the imaginary part", 1)
}
