//! NVIDIA's driver, loaded at run time.
//!
//! Every device has one context (its primary one, which other libraries of the process share) and one stream, both made
//! when the device is first used. `unsafe` here is calls of the driver's C functions.

use crate::compile::Compiler;
use crate::cublas::{self, Cublas};
use crate::driver::{Device, Driver, Function, Grid, Mark, Shared};
use crate::gemm::Gemm;
use crate::staging::{self, BUFFER, BUFFERS};
use cudarc::driver::sys as cu;
use maniple_runtime::{DeviceError, OutOfMemory};
use std::collections::{HashMap, VecDeque};
use std::ffi::{CStr, c_void};
use std::path::PathBuf;
use std::ptr;
use std::sync::{Mutex, OnceLock};

/// Copies up to this size go through no buffer: the driver copies them into its own at once.
const SMALL: usize = 64 << 10;

/// The devices that NVIDIA's driver names.
pub struct Nvidia {
    devices: Vec<Device>,
    ordinals: Vec<i32>,
    opened: Vec<OnceLock<Result<Opened, String>>>,
    compiler: Compiler,
    /// Folders below which NVIDIA's Python packages may lie.
    search: Vec<PathBuf>,
    cublas: OnceLock<Option<Cublas>>,
}

/// A device in use.
struct Opened {
    context: cu::CUcontext,
    stream: cu::CUstream,
    inner: Mutex<Inner>,
}

// SAFETY: the driver's handles may be used from any thread.
unsafe impl Send for Opened {}
// SAFETY: as above.
unsafe impl Sync for Opened {}

#[derive(Default)]
struct Inner {
    functions: HashMap<String, Function>,
    marked: u64,
    marks: VecDeque<(u64, Handle)>,
    spare: Vec<Handle>,
    buffers: Vec<Buffer>,
    /// The state of NVIDIA's library of linear algebra, once a product needed it; nothing if it could not be made.
    products: Option<Option<cublas::Handle>>,
}

/// An event of the driver.
#[derive(Clone, Copy)]
struct Handle(cu::CUevent);

// SAFETY: as for `Opened`.
unsafe impl Send for Handle {}

/// A pinned buffer, and the event after which it may be used again.
struct Buffer {
    address: *mut u8,
    free: Handle,
}

// SAFETY: a buffer is used under the lock of its device.
unsafe impl Send for Buffer {}

impl Nvidia {
    /// The devices of this machine. Nothing is taken of them before they are used.
    ///
    /// # Errors
    /// Why there are none: no driver, no device, no compiler.
    pub fn find(search: &[PathBuf], cache: Option<PathBuf>) -> Result<Nvidia, String> {
        // SAFETY: only asks whether the library can be loaded.
        if !unsafe { cu::is_culib_present() } {
            return Err("NVIDIA's driver (libcuda) is not installed".into());
        }
        // SAFETY: the first call of the driver, with the one flag it takes.
        let started = unsafe { cu::cuInit(0) };
        if started != GOOD {
            return Err(format!("NVIDIA's driver does not start: {}", message(started)));
        }
        let mut count = 0;
        // SAFETY: the pointer is to a live integer.
        check(unsafe { cu::cuDeviceGetCount(&mut count) }).map_err(|error| error.0)?;
        if count == 0 {
            return Err("NVIDIA's driver finds no device".into());
        }
        let compiler = Compiler::find(search, cache)?;
        let mut found = Nvidia {
            devices: Vec::new(),
            ordinals: Vec::new(),
            opened: Vec::new(),
            compiler,
            search: search.to_vec(),
            cublas: OnceLock::new(),
        };
        for ordinal in 0..count {
            let device = describe(ordinal).map_err(|error| error.0)?;
            if device.architecture >= 70 {
                found.devices.push(device);
                found.ordinals.push(ordinal);
                found.opened.push(OnceLock::new());
            }
        }
        if found.devices.is_empty() {
            return Err("every device is older than compute capability 7.0".into());
        }
        Ok(found)
    }

    /// NVRTC's version.
    ///
    /// # Errors
    /// That it cannot be loaded.
    pub fn compiler(&self) -> Result<(i32, i32), String> {
        self.compiler.version()
    }

    /// The device, with its context current on this thread.
    fn enter(&self, device: usize) -> Result<&Opened, DeviceError> {
        let opened = self.opened[device]
            .get_or_init(|| open(self.ordinals[device]).map_err(|error| error.0))
            .as_ref()
            .map_err(|error| DeviceError(error.clone()))?;
        // SAFETY: the context is retained for the life of the process.
        check(unsafe { cu::cuCtxSetCurrent(opened.context) })?;
        Ok(opened)
    }
}

const GOOD: cu::CUresult = cu::CUresult::CUDA_SUCCESS;

fn check(result: cu::CUresult) -> Result<(), DeviceError> {
    if result == GOOD { Ok(()) } else { Err(DeviceError(message(result))) }
}

fn message(result: cu::CUresult) -> String {
    let mut text = ptr::null();
    // SAFETY: the driver answers with a string of its own that lives as long as the library.
    unsafe {
        if cu::cuGetErrorString(result, &mut text) != GOOD || text.is_null() {
            return format!("CUDA error {}", result as u32);
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

fn describe(ordinal: i32) -> Result<Device, DeviceError> {
    use cu::CUdevice_attribute as Attribute;
    let mut device = 0;
    let mut name = [0; 256];
    let mut bytes = 0;
    // SAFETY: all pointers are to live values of the sizes that the driver documents.
    unsafe {
        check(cu::cuDeviceGet(&mut device, ordinal))?;
        check(cu::cuDeviceGetName(name.as_mut_ptr(), name.len() as i32, device))?;
        check(cu::cuDeviceTotalMem_v2(&mut bytes, device))?;
    }
    let attribute = |attribute: Attribute| {
        let mut value = 0;
        // SAFETY: the pointer is to a live integer.
        check(unsafe { cu::cuDeviceGetAttribute(&mut value, attribute, device) }).map(|()| value as u32)
    };
    let kilohertz = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?;
    let bits = attribute(Attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?;
    Ok(Device {
        // SAFETY: the driver ends the name with a zero.
        name: unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned(),
        bytes,
        multiprocessors: attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        architecture: 10 * attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?
            + attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        // Two transfers a clock, of which about nine tenths are to be had.
        bytes_per_second: 0.9 * 2.0 * f64::from(kilohertz) * 1e3 * f64::from(bits) / 8.0,
    })
}

fn open(ordinal: i32) -> Result<Opened, DeviceError> {
    let (mut device, mut context, mut stream) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: all pointers are to live values; the context and the stream live as long as the process.
    unsafe {
        check(cu::cuDeviceGet(&mut device, ordinal))?;
        check(cu::cuDevicePrimaryCtxRetain(&mut context, device))?;
        check(cu::cuCtxSetCurrent(context))?;
        check(cu::cuStreamCreate(&mut stream, cu::CUstream_flags::CU_STREAM_NON_BLOCKING as u32))?;
    }
    Ok(Opened { context, stream, inner: Mutex::default() })
}

impl Opened {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn event(&mut self) -> Result<Handle, DeviceError> {
        if let Some(event) = self.spare.pop() {
            return Ok(event);
        }
        let mut event = ptr::null_mut();
        // SAFETY: the pointer is to a live handle.
        check(unsafe { cu::cuEventCreate(&mut event, cu::CUevent_flags::CU_EVENT_DISABLE_TIMING as u32) })?;
        Ok(Handle(event))
    }

    /// A buffer that the device has finished with.
    fn buffer(&mut self, turn: usize, stream: cu::CUstream) -> Result<(*mut u8, Handle), DeviceError> {
        while self.buffers.len() < BUFFERS {
            let mut address = ptr::null_mut();
            // SAFETY: the pointer is to a live pointer; the memory is kept for the life of the process.
            check(unsafe { cu::cuMemHostAlloc(&mut address, BUFFER, 0) })?;
            let free = self.event()?;
            // SAFETY: both handles are live.
            check(unsafe { cu::cuEventRecord(free.0, stream) })?;
            self.buffers.push(Buffer { address: address.cast(), free });
        }
        let buffer = &self.buffers[turn % BUFFERS];
        // SAFETY: the event is live.
        check(unsafe { cu::cuEventSynchronize(buffer.free.0) })?;
        Ok((buffer.address, buffer.free))
    }
}

#[allow(clippy::not_unsafe_ptr_arg_deref, reason = "the trait's contract is that the host's bytes are live")]
impl Driver for Nvidia {
    fn devices(&self) -> &[Device] {
        &self.devices
    }

    fn alloc(&self, device: usize, bytes: usize) -> Result<u64, OutOfMemory> {
        let full = OutOfMemory { bytes };
        self.enter(device).map_err(|_| full)?;
        let mut address = 0;
        // SAFETY: the pointer is to a live address.
        match unsafe { cu::cuMemAlloc_v2(&mut address, bytes) } {
            GOOD => Ok(address),
            _ => Err(full),
        }
    }

    fn free(&self, device: usize, address: u64) {
        if self.enter(device).is_ok() {
            // SAFETY: the address came from `alloc`; the driver waits for what still uses it.
            unsafe { cu::cuMemFree_v2(address) };
        }
    }

    fn share(&self, device: usize, bytes: usize) -> Result<Shared, OutOfMemory> {
        let full = OutOfMemory { bytes };
        self.enter(device).map_err(|_| full)?;
        let (mut host, mut address) = (ptr::null_mut(), 0);
        // SAFETY: the pointers are to live values, and the memory is as long as is zeroed.
        unsafe {
            if cu::cuMemHostAlloc(&mut host, bytes, cu::CU_MEMHOSTALLOC_DEVICEMAP) != GOOD {
                return Err(full);
            }
            ptr::write_bytes(host.cast::<u8>(), 0, bytes);
            if cu::cuMemHostGetDevicePointer_v2(&mut address, host, 0) != GOOD {
                return Err(full);
            }
        }
        Ok(Shared { host: host.cast(), device: address })
    }

    fn load(&self, device: usize, text: &str) -> Result<Function, String> {
        let opened = self.enter(device).map_err(|error| error.0)?;
        if let Some(&known) = opened.inner().functions.get(text) {
            return Ok(known);
        }
        let cubin = self.compiler.cubin(text, self.devices[device].architecture)?;
        let (mut module, mut function) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the image is a whole cubin, the name ends with a zero; modules stay loaded.
        unsafe {
            check(cu::cuModuleLoadData(&mut module, cubin.as_ptr().cast())).map_err(|error| error.0)?;
            check(cu::cuModuleGetFunction(&mut function, module, c"kernel".as_ptr()))
                .map_err(|error| error.0)?;
        }
        let function = Function(function.expose_provenance() as u64);
        opened.inner().functions.insert(text.into(), function);
        Ok(function)
    }

    fn launch(
        &self,
        device: usize,
        function: Function,
        grid: Grid,
        words: &[u64],
    ) -> Result<(), DeviceError> {
        let opened = self.enter(device)?;
        let mut parameters = [words.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: the function is one that `load` made; its one parameter is a struct of as many words, which the driver
        // copies before it returns.
        check(unsafe {
            cu::cuLaunchKernel(
                ptr::with_exposed_provenance_mut(function.0 as usize),
                grid.blocks[0],
                grid.blocks[1],
                1,
                grid.threads,
                1,
                1,
                0,
                opened.stream,
                parameters.as_mut_ptr(),
                ptr::null_mut(),
            )
        })
    }

    fn multiply(&self, device: usize, gemm: &Gemm) -> Result<bool, DeviceError> {
        let Some(cublas) = self.cublas.get_or_init(|| Cublas::find(&self.search)) else { return Ok(false) };
        let opened = self.enter(device)?;
        let mut inner = opened.inner();
        // Where there is no memory for what the library needs, our own kernel computes the product.
        let handle = inner.products.get_or_insert_with(|| cublas.handle(opened.stream.cast()).ok());
        let Some(handle) = handle else { return Ok(false) };
        cublas.multiply(handle, gemm).map(|()| true)
    }

    fn clear(&self, device: usize, address: u64, bytes: usize) -> Result<(), DeviceError> {
        let opened = self.enter(device)?;
        // SAFETY: the range is the caller's memory on this device.
        check(unsafe { cu::cuMemsetD8Async(address, 0, bytes, opened.stream) })
    }

    fn upload(&self, device: usize, from: *const u8, to: u64, bytes: usize) -> Result<(), DeviceError> {
        let opened = self.enter(device)?;
        if bytes <= SMALL {
            // SAFETY: the runtime names a live instance on each side; the driver copies pageable memory before it
            // returns.
            return check(unsafe { cu::cuMemcpyHtoDAsync_v2(to, from.cast(), bytes, opened.stream) });
        }
        let mut inner = opened.inner();
        for (turn, start) in (0..bytes).step_by(BUFFER).enumerate() {
            let count = BUFFER.min(bytes - start);
            let (buffer, free) = inner.buffer(turn, opened.stream)?;
            // SAFETY: the buffer is free and holds `count` bytes; the ranges are within the instances.
            unsafe {
                staging::copy(from.add(start), buffer, count);
                check(cu::cuMemcpyHtoDAsync_v2(
                    to + start as u64,
                    buffer.cast_const().cast(),
                    count,
                    opened.stream,
                ))?;
                check(cu::cuEventRecord(free.0, opened.stream))?;
            }
        }
        Ok(())
    }

    fn download(&self, device: usize, from: u64, to: *mut u8, bytes: usize) -> Result<(), DeviceError> {
        let opened = self.enter(device)?;
        if bytes <= SMALL {
            // SAFETY: the runtime names a live instance on each side, and the stream is waited for.
            return unsafe {
                check(cu::cuMemcpyDtoHAsync_v2(to.cast(), from, bytes, opened.stream))?;
                check(cu::cuStreamSynchronize(opened.stream))
            };
        }
        let mut inner = opened.inner();
        let chunks = bytes.div_ceil(BUFFER);
        // One buffer is emptied while the device fills the ones after it.
        for turn in 0..chunks + BUFFERS - 1 {
            if turn < chunks {
                let (buffer, free) = inner.buffer(turn, opened.stream)?;
                let start = turn * BUFFER;
                // SAFETY: the buffer is free and has room; the range is within the instance.
                unsafe {
                    check(cu::cuMemcpyDtoHAsync_v2(
                        buffer.cast(),
                        from + start as u64,
                        BUFFER.min(bytes - start),
                        opened.stream,
                    ))?;
                    check(cu::cuEventRecord(free.0, opened.stream))?;
                }
            }
            if let Some(full) = (turn + 1).checked_sub(BUFFERS)
                && full < chunks
            {
                let (buffer, _) = inner.buffer(full, opened.stream)?;
                let start = full * BUFFER;
                // SAFETY: waiting for the buffer waited for its copy; the range is within the instance.
                unsafe { staging::copy(buffer, to.add(start), BUFFER.min(bytes - start)) };
            }
        }
        Ok(())
    }

    fn transfer(&self, from: (usize, u64), to: (usize, u64), bytes: usize) -> Result<(), DeviceError> {
        let source = self.enter(from.0)?;
        let mark = source.inner().event()?;
        // SAFETY: live handles; the target's stream waits for the source's, and the source's for the copy.
        unsafe {
            check(cu::cuEventRecord(mark.0, source.stream))?;
            let target = self.enter(to.0)?;
            check(cu::cuStreamWaitEvent(target.stream, mark.0, 0))?;
            if from.0 == to.0 {
                check(cu::cuMemcpyDtoDAsync_v2(to.1, from.1, bytes, target.stream))?;
            } else {
                check(cu::cuMemcpyPeerAsync(
                    to.1,
                    target.context,
                    from.1,
                    source.context,
                    bytes,
                    target.stream,
                ))?;
                let copied = target.inner().event()?;
                check(cu::cuEventRecord(copied.0, target.stream))?;
                check(cu::cuStreamWaitEvent(source.stream, copied.0, 0))?;
                target.inner().spare.push(copied);
            }
        }
        source.inner().spare.push(mark);
        Ok(())
    }

    fn ordinal(&self, device: usize) -> i32 {
        self.ordinals[device]
    }

    fn device_at(&self, address: u64) -> Option<usize> {
        let mut ordinal = -1;
        // SAFETY: the pointer is to a live integer; the driver says of any address whether it knows it.
        let found = unsafe {
            cu::cuPointerGetAttribute(
                ptr::from_mut(&mut ordinal).cast(),
                cu::CUpointer_attribute::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
                address,
            )
        };
        if found == GOOD { self.ordinals.iter().position(|&known| known == ordinal) } else { None }
    }

    fn stream(&self, device: usize) -> Result<u64, DeviceError> {
        Ok(self.enter(device)?.stream.expose_provenance() as u64)
    }

    fn order(&self, device: usize, first: u64, then: u64) -> Result<(), DeviceError> {
        let opened = self.enter(device)?;
        let event = opened.inner().event()?;
        let stream = |handle: u64| ptr::with_exposed_provenance_mut(handle as usize);
        // SAFETY: the event is live, and the handles are streams of the device's, ours or the caller's.
        unsafe {
            check(cu::cuEventRecord(event.0, stream(first)))?;
            check(cu::cuStreamWaitEvent(stream(then), event.0, 0))?;
        }
        // A wait that is queued keeps to the recording that it was queued with.
        opened.inner().spare.push(event);
        Ok(())
    }

    fn synchronize(&self, device: usize) -> Result<(), DeviceError> {
        self.enter(device)?;
        // SAFETY: the device's context is current on this thread.
        check(unsafe { cu::cuCtxSynchronize() })
    }

    fn mark(&self, device: usize) -> Result<Mark, DeviceError> {
        let opened = self.enter(device)?;
        let mut inner = opened.inner();
        let event = inner.event()?;
        // SAFETY: both handles are live.
        check(unsafe { cu::cuEventRecord(event.0, opened.stream) })?;
        inner.marked += 1;
        let mark = inner.marked;
        inner.marks.push_back((mark, event));
        Ok(Mark(mark))
    }

    fn reached(&self, device: usize, mark: Mark) -> Result<bool, DeviceError> {
        let opened = self.enter(device)?;
        let mut inner = opened.inner();
        while let Some(&(first, event)) = inner.marks.front().filter(|&&(first, _)| first <= mark.0) {
            // SAFETY: the event is live.
            match unsafe { cu::cuEventQuery(event.0) } {
                GOOD => {}
                cu::CUresult::CUDA_ERROR_NOT_READY => return Ok(false),
                error => return check(error).map(|()| true),
            }
            debug_assert!(first <= mark.0);
            inner.marks.pop_front();
            inner.spare.push(event);
        }
        Ok(true)
    }

    fn wait(&self, device: usize, mark: Mark) -> Result<(), DeviceError> {
        let opened = self.enter(device)?;
        let event = opened.inner().marks.iter().find(|&&(number, _)| number >= mark.0).copied();
        if let Some((_, event)) = event {
            // SAFETY: the event is live: handles are never destroyed, only recorded again after they were reached.
            check(unsafe { cu::cuEventSynchronize(event.0) })?;
        }
        self.reached(device, mark).map(drop)
    }
}
