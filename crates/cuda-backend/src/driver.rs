//! What the backend needs of a device: memory, copies, kernels from text, and marks in the order of its commands.
//!
//! NVIDIA's driver is one implementation ([`crate::nvidia`]), the emulation on the host's processor the other. Commands
//! of one device run in the order in which they were given; addresses are the device's own.

use crate::gemm::Gemm;
use maniple_runtime::{DeviceError, OutOfMemory};

/// What a device is and has.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// What its maker calls it.
    pub name: String,
    /// Bytes of its memory.
    pub bytes: usize,
    /// How many multiprocessors it has.
    pub multiprocessors: u32,
    /// Compute capability, such as 90 for 9.0.
    pub architecture: u32,
    /// Rate at which its memory streams, in bytes per second, as its clock and width say.
    pub bytes_per_second: f64,
}

/// A kernel loaded onto a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(pub u64);

/// A point in the order of a device's commands. Marks of one device rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

/// Memory that both the host and a device's kernels see, until the process ends.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// Where the host finds it.
    pub host: *mut u8,
    /// Where kernels find it.
    pub device: u64,
}

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks along x and y.
    pub blocks: [u32; 2],
    /// Threads of a block, along x.
    pub threads: u32,
}

/// Devices of one kind. A device is named by its position among [`Driver::devices`].
///
/// Memory is taken and copied in the order of the device's commands only where a function says so. The host's side of a
/// copy names live bytes: the runtime keeps the region until the call has returned.
pub trait Driver: Send + Sync {
    /// The devices there are.
    fn devices(&self) -> &[Device];
    /// Takes bytes of a device's memory, aligned to at least 256.
    fn alloc(&self, device: usize, bytes: usize) -> Result<u64, OutOfMemory>;
    /// Gives bytes back. No command that uses them is outstanding.
    fn free(&self, device: usize, address: u64);
    /// Takes zeroed memory that host and device share.
    fn share(&self, device: usize, bytes: usize) -> Result<Shared, OutOfMemory>;
    /// Makes a kernel of CUDA C++ that defines one `extern "C" __global__ void kernel(const Words)`, where `Words` is
    /// a struct of 64-bit words; the error is the compiler's, or the driver's.
    fn load(&self, device: usize, text: &str) -> Result<Function, String>;
    /// Queues a kernel; `words` are its parameter.
    fn launch(&self, device: usize, function: Function, grid: Grid, words: &[u64])
    -> Result<(), DeviceError>;
    /// Queues a product of matrices; false where there is no library that computes it.
    fn multiply(&self, _device: usize, _gemm: &Gemm) -> Result<bool, DeviceError> {
        Ok(false)
    }
    /// Queues zeroes into a device's memory.
    fn clear(&self, device: usize, address: u64, bytes: usize) -> Result<(), DeviceError>;
    /// Queues a copy from the host to a device. The host's bytes may change as soon as it returns.
    fn upload(&self, device: usize, from: *const u8, to: u64, bytes: usize) -> Result<(), DeviceError>;
    /// Copies from a device to the host, after everything queued before, and waits for it.
    fn download(&self, device: usize, from: u64, to: *mut u8, bytes: usize) -> Result<(), DeviceError>;
    /// Queues a copy between two devices (or within one) on both of them.
    fn transfer(&self, from: (usize, u64), to: (usize, u64), bytes: usize) -> Result<(), DeviceError>;
    /// The number of a device among all of its maker's.
    fn ordinal(&self, device: usize) -> i32;
    /// The device that an address lies on.
    fn device_at(&self, address: u64) -> Option<usize>;
    /// The handle of the stream that a device's commands are queued on.
    fn stream(&self, device: usize) -> Result<u64, DeviceError>;
    /// Has what is queued on one stream of a device later wait for what is queued on another now.
    fn order(&self, device: usize, first: u64, then: u64) -> Result<(), DeviceError>;
    /// Waits for everything that this process has queued for a device, on whatever stream.
    fn synchronize(&self, device: usize) -> Result<(), DeviceError>;
    /// Marks the end of what is queued.
    fn mark(&self, device: usize) -> Result<Mark, DeviceError>;
    /// Whether everything before a mark has run.
    fn reached(&self, device: usize, mark: Mark) -> Result<bool, DeviceError>;
    /// Waits until everything before a mark has run.
    fn wait(&self, device: usize, mark: Mark) -> Result<(), DeviceError>;
}
