//! Copies between pageable host memory and a device, through a few pinned buffers.
//!
//! The device copies pinned memory several times as fast as any other, and while it copies one buffer the host's threads
//! fill or empty the next.

use std::thread;

/// Bytes of one buffer.
pub(crate) const BUFFER: usize = 8 << 20;
/// How many buffers are in flight.
pub(crate) const BUFFERS: usize = 4;
/// Bytes that are worth a thread of their own.
const SHARE: usize = 1 << 20;
/// Most threads that copy one buffer.
const MOST_THREADS: usize = 8;

/// Copies host memory with as many threads as pay.
///
/// # Safety
/// Both ranges are valid and do not overlap.
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (bytes / SHARE).min(cores).clamp(1, MOST_THREADS);
    if threads == 1 {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
    }
    let (from, to) = (from.expose_provenance(), to.expose_provenance());
    thread::scope(|scope| {
        for part in 0..threads {
            let (low, high) = (bytes * part / threads, bytes * (part + 1) / threads);
            scope.spawn(move || {
                let source = std::ptr::with_exposed_provenance::<u8>(from + low);
                let target = std::ptr::with_exposed_provenance_mut::<u8>(to + low);
                // SAFETY: a part of the ranges that the caller named; parts do not overlap.
                unsafe { std::ptr::copy_nonoverlapping(source, target, high - low) };
            });
        }
    });
}
