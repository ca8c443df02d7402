//! Where in the user's program a call is made: a number per place, told in a few dozen nanoseconds.
//!
//! A place is a code object and a position in its bytecode; both can be had without computing a line number. The file
//! and line are looked up when a place is seen for the first time. Frames of this package and of NumPy are passed over.

use maniple_runtime::Line;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::sync::{LazyLock, Mutex, OnceLock};

/// A place in a program.
pub struct Place {
    /// The file, as the interpreter names it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The globals of the module, which hold its name and its register of warnings.
    pub globals: Option<Py<PyDict>>,
    /// Keeps the code object, so that its address is never another's.
    _code: Option<Py<PyAny>>,
}

/// What is passed over: a frame inside this package or NumPy.
const INSIDE: u32 = u32::MAX;
/// Frames that are looked at before a place is called unknown.
const DEEPEST: usize = 16;

static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());
static FOLDERS: OnceLock<Vec<String>> = OnceLock::new();

thread_local! {
    static NUMBERS: RefCell<FxHashMap<(usize, c_int), u32>> = RefCell::new(FxHashMap::default());
}

type FrameToInt = unsafe extern "C" fn(*mut ffi::PyFrameObject) -> c_int;
type FrameToFrame = unsafe extern "C" fn(*mut ffi::PyFrameObject) -> *mut ffi::PyFrameObject;

/// Functions that every CPython since 3.11 has and that are not part of its stable interface.
struct Unstable {
    position: Option<FrameToInt>,
    back: Option<FrameToFrame>,
}

static UNSTABLE: LazyLock<Unstable> = LazyLock::new(|| {
    // SAFETY: the names are CPython's, with these signatures in every version that has them.
    unsafe {
        Unstable {
            position: symbol(c"PyFrame_GetLasti")
                .map(|found| std::mem::transmute::<usize, FrameToInt>(found)),
            back: symbol(c"PyFrame_GetBack").map(|found| std::mem::transmute::<usize, FrameToFrame>(found)),
        }
    }
});

/// Tells where this package and NumPy lie.
pub fn set_folders(folders: Vec<String>) {
    let _ = FOLDERS.set(folders);
}

/// As [`here`], for the array layer, which asks while it records or computes for a call.
pub fn locate() -> Line {
    // SAFETY: nothing is recorded, and nothing computed at hand, while the interpreter is released.
    here(unsafe { Python::assume_attached() })
}

/// The place of the Python code that is calling.
#[inline]
pub fn here(_py: Python<'_>) -> Line {
    // SAFETY: the interpreter is attached; the frame is borrowed from the running thread, and is used at once.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        if frame.is_null() {
            return Line(0);
        }
        match number_of(frame) {
            INSIDE => outside(frame),
            number => Line(number),
        }
    }
}

/// Calls with the place that a number names; `None` for an unknown one.
pub fn with_place<T>(line: Line, call: impl FnOnce(Option<&Place>) -> T) -> T {
    let places = PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    call((line.0 as usize).checked_sub(1).and_then(|at| places.get(at)))
}

/// The number of a frame's current place.
unsafe fn number_of(frame: *mut ffi::PyFrameObject) -> u32 {
    // SAFETY: the caller's frame is alive; the code object outlives the frame that runs it.
    unsafe {
        let code = ffi::PyFrame_GetCode(frame);
        ffi::Py_DECREF(code.cast());
        let position = match UNSTABLE.position {
            Some(position) => position(frame),
            None => ffi::PyFrame_GetLineNumber(frame),
        };
        let key = (code as usize, position);
        match NUMBERS.with_borrow(|numbers| numbers.get(&key).copied()) {
            Some(number) => number,
            None => {
                // Looking at the frame may run other Python code, which may come here too.
                let number = enter(frame, code.cast());
                NUMBERS.with_borrow_mut(|numbers| numbers.insert(key, number));
                number
            }
        }
    }
}

/// Enters a new place in the table.
#[cold]
unsafe fn enter(frame: *mut ffi::PyFrameObject, code: *mut ffi::PyObject) -> u32 {
    // SAFETY: the caller's frame and its code object are alive, and the interpreter is attached.
    let (py, line, code, frame) = unsafe {
        let py = Python::assume_attached();
        let line = ffi::PyFrame_GetLineNumber(frame);
        (py, line, Bound::from_borrowed_ptr(py, code), Bound::from_borrowed_ptr(py, frame.cast()))
    };
    let file: String = code.getattr("co_filename").and_then(|name| name.extract()).unwrap_or_default();
    let globals = frame.getattr("f_globals").ok().and_then(|globals| globals.cast_into::<PyDict>().ok());
    let inside = is_inside(&file);
    let place = Place {
        file,
        line: line.max(0) as usize,
        globals: globals.map(Bound::unbind),
        _code: Some(code.unbind()),
    };
    let _ = py;
    let mut places = PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    places.push(place);
    if inside { INSIDE } else { places.len() as u32 }
}

/// The first place outside this package and NumPy among the callers.
#[cold]
unsafe fn outside(frame: *mut ffi::PyFrameObject) -> Line {
    let Some(back) = UNSTABLE.back else { return Line(0) };
    // SAFETY: `back` returns a new reference, or null for the outermost frame.
    unsafe {
        let mut held = back(frame);
        for _ in 0..DEEPEST {
            if held.is_null() {
                break;
            }
            let number = number_of(held);
            if number != INSIDE {
                ffi::Py_DECREF(held.cast());
                return Line(number);
            }
            let next = back(held);
            ffi::Py_DECREF(held.cast());
            held = next;
        }
        ffi::Py_XDECREF(held.cast());
    }
    Line(0)
}

/// Whether a file belongs to this package or to NumPy; NumPy's own tests are programs of a user.
fn is_inside(file: &str) -> bool {
    let folders = FOLDERS.get().map(Vec::as_slice).unwrap_or_default();
    file.starts_with("<frozen ")
        || (folders.iter().any(|folder| file.starts_with(folder.as_str())) && !file.contains("/tests/"))
}

#[cfg(unix)]
fn symbol(name: &CStr) -> Option<usize> {
    // SAFETY: a look-up by name among the libraries of this process.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found as usize)
}

#[cfg(not(unix))]
fn symbol(_: &CStr) -> Option<usize> {
    None
}
