//! What can go wrong after a call has been accepted: memory, devices, and nothing else.

use crate::Line;
use std::fmt;

/// A failure that the user can catch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No memory had room, after everything that could be given back was given back.
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: usize,
        /// The memory that had no room for them.
        memory: String,
        /// How many bytes it has.
        capacity: usize,
        /// The place in the user's program that needed them.
        line: Line,
    },
    /// A device or a kernel failed.
    Device {
        /// What it said.
        message: String,
        /// The place in the user's program, where known.
        line: Line,
    },
    /// No backend of the machine has a kernel.
    Unsupported {
        /// The kernel.
        kernel: String,
        /// The place in the user's program.
        line: Line,
    },
}

impl Error {
    /// The place in the user's program.
    pub fn line(&self) -> Line {
        match self {
            Error::OutOfMemory { line, .. }
            | Error::Device { line, .. }
            | Error::Unsupported { line, .. } => *line,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::OutOfMemory { bytes, memory, capacity, .. } => write!(
                out,
                "Unable to allocate {} in the memory of {memory}, of which {} may be taken (raise MANIPLE_MEMORY_LIMIT or \
                 MANIPLE_DEVICE_MEMORY if they are set, or free arrays)",
                human_bytes(*bytes),
                human_bytes(*capacity)
            ),
            Error::Device { message, .. } => write!(out, "device error: {message}"),
            Error::Unsupported { kernel, .. } => write!(out, "no backend supports {kernel}"),
        }
    }
}

impl std::error::Error for Error {}

/// A number of bytes as NumPy prints it in its own `MemoryError`: three digits and a binary unit.
pub fn human_bytes(bytes: usize) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = (usize::BITS - bytes.max(1).leading_zeros() - 1) / 10;
    let mut value = bytes as f64 / (1u64 << (10 * unit)) as f64;
    if unit > 0 && (999.5..1024.0).contains(&value) {
        unit += 1;
        value /= 1024.0;
    }
    let name = units[unit as usize];
    match unit {
        0 => format!("{value:.0}. {name}"),
        _ if value < 9.995 => format!("{value:.2} {name}"),
        _ if value < 99.95 => format!("{value:.1} {name}"),
        _ => format!("{value:.0}. {name}"),
    }
}
