//! The libraries that kernels become: loading them and running a launch.

use super::memory::Range;
use crate::driver::Grid;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// `EmulatedLaunch` of `kernels/emulate/launch.h`.
#[repr(C)]
struct Launch {
    words: *const u64,
    word_bytes: usize,
    blocks: [u32; 2],
    threads: u32,
    schedule: u32,
    seed: u64,
    together: u32,
    ranges: *const Range,
    range_count: usize,
}

type Run = unsafe extern "C" fn(*const c_void, *const Launch, *mut c_char, usize) -> i32;

/// A kernel that can be run.
pub(super) struct Kernel {
    /// What the scheduler knows of it, inside its library.
    record: usize,
    /// Whether its threads wait for each other.
    together: bool,
    run: Run,
    /// A kernel's statics belong to one launch at a time.
    one: Mutex<()>,
}

/// In which order blocks, warps and lanes run, and the seed of what is random.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    InOrder,
    Reversed,
    Random(u64),
}

impl Kernel {
    /// The kernel of a library, the same one for the whole process.
    pub(super) fn load(scheduler: &Path, library: &Path) -> Result<Arc<Kernel>, String> {
        static KNOWN: OnceLock<Mutex<HashMap<PathBuf, Arc<Kernel>>>> = OnceLock::new();
        let mut known = lock(KNOWN.get_or_init(Mutex::default));
        if let Some(kernel) = known.get(library) {
            return Ok(kernel.clone());
        }
        let text = |error: libloading::Error| error.to_string();
        let bytes = std::fs::read(library).map_err(|error| error.to_string())?;
        let imports = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        // SAFETY: both libraries were made by this crate's compiler from its own texts; initialising them runs nothing,
        // and they stay loaded.
        let (run, record) = unsafe {
            let scheduler = Library::open(Some(scheduler), RTLD_NOW | RTLD_GLOBAL).map_err(text)?;
            let run = *scheduler.get::<Run>(b"emulated_run").map_err(text)?;
            std::mem::forget(scheduler);
            let kernel = Library::open(Some(library), RTLD_NOW | RTLD_LOCAL).map_err(text)?;
            let record = kernel.get::<*const c_void>(b"emulated_kernel").map_err(text)?.into_raw();
            std::mem::forget(kernel);
            (run, record.expose_provenance())
        };
        let together = imports(b"\0emulated_warp\0") || imports(b"\0emulated_block\0");
        let kernel = Arc::new(Kernel { record, together, run, one: Mutex::new(()) });
        known.insert(library.to_path_buf(), kernel.clone());
        Ok(kernel)
    }

    /// Runs a launch to its end. The error says what a thread did.
    pub(super) fn launch(
        &self,
        grid: Grid,
        words: &[u64],
        ranges: &[Range],
        turn: Turn,
    ) -> Result<(), String> {
        let _one = lock(&self.one);
        let (schedule, seed) = match turn {
            Turn::InOrder => (0, 0),
            Turn::Reversed => (1, 0),
            Turn::Random(seed) => (2, seed),
        };
        let launch = Launch {
            words: words.as_ptr(),
            word_bytes: size_of_val(words),
            blocks: grid.blocks,
            threads: grid.threads,
            schedule,
            seed,
            together: self.together.into(),
            ranges: ranges.as_ptr(),
            range_count: ranges.len(),
        };
        let mut why = [0; 600];
        let record = std::ptr::with_exposed_provenance(self.record);
        // SAFETY: the record is a loaded library's, all that the launch points to lives until it returns, and its
        // ranges are the only memory that the kernel gets at.
        if unsafe { (self.run)(record, &launch, why.as_mut_ptr(), why.len()) } == 0 {
            return Ok(());
        }
        // SAFETY: the scheduler ends its reason with a zero.
        Err(unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy().into_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
