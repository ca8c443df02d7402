//! What the kernel classes hand to a device: programs with their parameters.
//!
//! A class turns a launch into text once, and a range of its points into [`Command`]s every time. Both are plain values:
//! nothing in a class's file touches a device.

use crate::driver::{Driver, Function, Grid};
use crate::gemm::Gemm;
use maniple_runtime::Binding;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};

/// A kernel's parameter: one struct of 64-bit words.
pub(crate) type Words = SmallVec<[u64; 48]>;

/// Most words of a kernel's parameter: 4 KiB, which every device takes.
pub(crate) const MOST_WORDS: usize = 500;

/// Stands between the op table's functions and a kernel's own text.
pub(crate) const OPERATIONS_END: &str = "// The kernel.\n";

/// Devices of one machine, at most.
const MOST_DEVICES: usize = 16;

/// A kernel as text, and the functions made of it for the devices that ran it.
pub(crate) struct Program {
    /// The whole text, that begins with what [`Program::new`] adds.
    pub(crate) text: String,
    functions: [OnceLock<Result<Function, String>>; MOST_DEVICES],
}

impl Program {
    /// A program that takes `words` words. `text` defines `kernel`, and finds the type `Words` with its array `w`, the
    /// op table's functions, and `kernels/common.cuh` before it.
    pub(crate) fn new(words: usize, operations: &str, text: &str) -> Arc<Program> {
        let words = words.max(1);
        let mut whole = String::with_capacity(operations.len() + text.len() + 4096);
        whole.push_str(operations);
        whole.push_str(OPERATIONS_END);
        whole.push_str(&format!("struct Words {{ unsigned long long w[{words}]; }};\n"));
        whole.push_str(include_str!("../../../kernels/common.cuh"));
        whole.push_str(text);
        Arc::new(Program { text: whole, functions: Default::default() })
    }

    /// The function on a device, compiled and loaded the first time.
    pub(crate) fn function(&self, driver: &dyn Driver, device: usize) -> Result<Function, String> {
        self.functions[device].get_or_init(|| driver.load(device, &self.text)).clone()
    }
}

/// One kernel to be queued.
pub(crate) struct Command {
    pub(crate) program: Arc<Program>,
    pub(crate) grid: Grid,
    pub(crate) words: Words,
}

/// What a class turns into commands: a range of a launch's points, and where its bytes are.
pub(crate) struct Call<'a> {
    pub(crate) binding: &'a Binding,
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Device memory of as many bytes as the class's `scratch` asked for, aligned to 256; its contents are undefined.
    pub(crate) scratch: u64,
    /// Where floating point flags go: words of device memory, and of memory shared with the host.
    pub(crate) report: [u64; 2],
    /// How many multiprocessors the device has.
    pub(crate) multiprocessors: u32,
}

/// A launch made ready.
pub(crate) trait Class: Send + Sync {
    /// Bytes of device memory that the points `first..last` need while they run.
    fn scratch(&self, _first: usize, _last: usize) -> usize {
        0
    }
    /// The range of points as a product that NVIDIA's library computes, if it is one of at least so many multiply-adds.
    fn product(&self, _call: &Call<'_>, _least: usize) -> Option<Gemm> {
        None
    }
    /// The kernels that compute a range of points, in order.
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]>;
}

/// A grid of blocks of `threads` for `work` items, at most as many blocks as fill the device `waves` times over.
pub(crate) fn grid(work: usize, threads: u32, multiprocessors: u32, waves: u32) -> Grid {
    let blocks = work.div_ceil(threads as usize).clamp(1, (multiprocessors * waves) as usize);
    Grid { blocks: [blocks as u32, 1], threads }
}
