//! What a call can get wrong, in NumPy's own classes of exceptions.

use std::fmt;

/// NumPy's (or Python's) class of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `TypeError`.
    Type,
    /// `ValueError`.
    Value,
    /// `IndexError`.
    Index,
    /// `OverflowError`.
    Overflow,
    /// `numpy.exceptions.AxisError`, a `ValueError` and `IndexError`.
    Axis,
    /// `numpy._core._exceptions._UFuncNoLoopError`, a `TypeError`.
    NoLoop,
    /// `numpy._core._exceptions._UFuncOutputCastingError` and its kin, a `TypeError`.
    Casting,
    /// `MemoryError`.
    Memory,
    /// `maniple.DeviceError`, a `RuntimeError`.
    Device,
    /// No exception of NumPy's: we lack this case, and NumPy has it.
    NotNative,
}

/// An exception to be raised at the call that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its class.
    pub kind: Kind,
    /// NumPy's message.
    pub message: String,
}

/// What most functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of a class with a message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// A `ValueError`.
    pub fn value(message: impl Into<String>) -> Error {
        Error::new(Kind::Value, message)
    }

    /// A `TypeError`.
    pub fn type_error(message: impl Into<String>) -> Error {
        Error::new(Kind::Type, message)
    }

    /// An `IndexError`.
    pub fn index(message: impl Into<String>) -> Error {
        Error::new(Kind::Index, message)
    }

    /// A case that NumPy has and we lack.
    pub fn not_native(what: impl Into<String>) -> Error {
        Error::new(Kind::NotNative, what)
    }

    /// NumPy's error for an axis that is not there.
    pub fn axis(axis: isize, ndim: usize) -> Error {
        Error::new(Kind::Axis, format!("axis {axis} is out of bounds for array of dimension {ndim}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<maniple_runtime::Error> for Error {
    fn from(error: maniple_runtime::Error) -> Error {
        let kind = match error {
            maniple_runtime::Error::OutOfMemory { .. } => Kind::Memory,
            maniple_runtime::Error::Device { .. } | maniple_runtime::Error::Unsupported { .. } => {
                Kind::Device
            }
        };
        Error::new(kind, error.to_string())
    }
}
