//! Memory for compiled code: written first, then made executable, never both at once.

use std::ptr::{self, NonNull};

/// Pages that hold code and nothing else.
#[derive(Debug)]
pub(super) struct Pages {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: nobody writes to the pages once `Pages::new` has returned.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// Pages with this code; nothing if the system does not hand out executable ones.
    pub(super) fn new(code: &[u8]) -> Option<Pages> {
        let bytes = code.len().max(1);
        // SAFETY: a new mapping overlaps nothing, is long enough for the code, and is writable until it is protected.
        unsafe {
            let start = libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if start == libc::MAP_FAILED {
                return None;
            }
            let pages = Pages { start: NonNull::new(start.cast())?, bytes };
            ptr::copy_nonoverlapping(code.as_ptr(), pages.start.as_ptr(), code.len());
            (libc::mprotect(start, bytes, libc::PROT_READ | libc::PROT_EXEC) == 0).then_some(pages)
        }
    }

    /// Where the code begins.
    pub(super) fn start(&self) -> *const u8 {
        self.start.as_ptr()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's, and whoever runs the code keeps it alive.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}
