//! The backend for NVIDIA's GPUs, found at run time: nothing of CUDA is needed to build or to import it.
//!
//! Files, in reading order: [`driver`] (what a device must offer) and its implementation [`nvidia`], [`command`] and
//! [`geometry`] (what kernel classes say), one file per kernel class, [`memory`], and the [`Backend`] itself here.
//! Commands of a device run in the order in which they are queued; an event is a position in that order, and a device
//! is a lane of events.

mod argreduce;
mod command;
mod compile;
mod cublas;
mod draw;
mod driver;
#[cfg(feature = "emulate")]
mod emulate;
mod fold;
mod gather;
mod gemm;
mod geometry;
mod iota;
mod map;
mod matmul;
mod memory;
mod nonzero;
mod nvidia;
mod reduce;
mod scan;
mod scatter;
mod sort;
mod staging;

pub use compile::{Compiler, Resources};
pub use driver::{Device, Driver, Function, Grid, Mark, Shared};
#[cfg(feature = "emulate")]
pub use emulate::{Emulator, Schedule};
pub use gemm::{Factor, Gemm, Matrix};
pub use nvidia::Nvidia;

use crate::command::{Call, Class};
use crate::memory::Heap;
use maniple_runtime::{
    Allocation, Backend, DeviceError, Event, Handoff, Kernel, Launch, Memory, MemoryId, OutOfMemory, Part,
    Place, PointTask, Prepared, Processor, ProcessorId, Region, Report, Sharing,
};
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

/// The driver of this machine's devices. `search` names folders below which NVIDIA's Python packages may lie, `cache` one
/// for compiled kernels.
///
/// # Errors
/// Why there are no devices.
pub fn driver(search: &[PathBuf], cache: Option<PathBuf>) -> Result<Arc<dyn Driver>, String> {
    Ok(Arc::new(Nvidia::find(search, cache)?))
}

/// Cells of a report: the steps of the longest body that reports floating point flags, and the kernel apart from them.
const MOST_CELLS: usize = 512 + 24;
/// Seconds that handing a kernel to a device takes.
const LAUNCH_SECONDS: f64 = 5e-6;
/// The part of a device's memory that a launch may need beside its arguments is one of so many.
const SHARE_FOR_SCRATCH: usize = 2;

/// Devices behind one [`Driver`], as processors with a memory each.
pub struct Cuda {
    driver: Arc<dyn Driver>,
    place: At,
    lines: Vec<Mutex<Line>>,
    /// Bytes that may be taken of every device.
    least: usize,
    /// From how many multiply-adds on NVIDIA's library computes products of matrices.
    library_from: Option<usize>,
}

/// Where the backend stands in the machine.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Its position among the backends.
    pub backend: u16,
    /// The name of its first memory.
    pub memory: u16,
    /// The name of its first processor.
    pub processor: u16,
}

/// The commands of one device.
struct Line {
    heap: Heap,
    /// How many commands were queued.
    queued: u64,
    /// How many of them are known to have run.
    done: u64,
    /// Marks in the order of commands: everything up to the number has run when the mark is reached.
    marks: VecDeque<(u64, driver::Mark)>,
    /// What has to be looked at when a command has run.
    finishing: VecDeque<Finish>,
    slots: Vec<Slot>,
    /// Commands that could not be queued.
    refused: BTreeMap<u64, DeviceError>,
    /// Why the device no longer answers.
    lost: Option<DeviceError>,
}

/// A command that reports. It holds nothing whose end would ask for this line's lock.
struct Finish {
    serial: u64,
    report: Arc<Report>,
    slot: Slot,
}

/// Where a launch's floating point flags go.
struct Slot {
    /// Whether the words of device memory hold flags.
    dirty: bool,
    shared: Shared,
    words: u64,
}

// SAFETY: the shared memory of a slot is used by whoever holds the slot, under the lock of its line.
unsafe impl Send for Slot {}

impl Cuda {
    /// The devices of a driver, at a place in the machine. `limit` bounds the bytes taken of each device.
    pub fn new(driver: Arc<dyn Driver>, place: At, limit: Option<usize>) -> Cuda {
        let line = |(number, device): (usize, &Device)| {
            Mutex::new(Line {
                heap: Heap::new(number, limit.map_or(device.bytes, |limit| limit.min(device.bytes))),
                queued: 0,
                done: 0,
                marks: VecDeque::new(),
                finishing: VecDeque::new(),
                slots: Vec::new(),
                refused: BTreeMap::new(),
                lost: None,
            })
        };
        let lines = driver.devices().iter().enumerate().map(line).collect();
        let bytes = driver.devices().iter().map(|device| device.bytes).min().unwrap_or(0);
        let least = limit.map_or(bytes, |limit| limit.min(bytes));
        Cuda { driver, place, lines, least, library_from: None }
    }

    /// The same, with products of matrices of so many multiply-adds computed by NVIDIA's library where it is there. Their bits
    /// are not those of the host, and depend on how they are cut.
    pub fn with_library_from(self, least: Option<usize>) -> Cuda {
        Cuda { library_from: least, ..self }
    }

    fn line(&self, device: usize) -> MutexGuard<'_, Line> {
        self.lines[device].lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The device that a memory belongs to, if it is one of this backend's.
    fn device(&self, memory: MemoryId) -> Option<usize> {
        let number = memory.0.checked_sub(self.place.memory)? as usize;
        (number < self.lines.len()).then_some(number)
    }

    fn event(&self, device: usize, serial: u64) -> Event {
        Event { backend: self.place.backend, serial: (device as u64 + 1) << Event::LANE | serial }
    }

    /// What `prepare` made of a launch.
    fn ready<'a>(&self, launch: &'a Launch) -> &'a Ready {
        let prepared = launch.prepared[self.place.backend as usize].get().and_then(Option::as_ref);
        let ready = prepared.and_then(|prepared| prepared.downcast_ref::<Ready>());
        ready.expect("the runtime sends only what `prepare` accepted")
    }

    /// Queues one piece.
    fn launch(&self, device: usize, point: PointTask<'_>) -> Result<u64, DeviceError> {
        let PointTask { launch, binding, first, last } = point;
        let ready = self.ready(launch);
        let driver = &*self.driver;
        let _span =
            tracing::trace_span!("piece", kernel = launch.kernel.name(), first, last, device).entered();
        let mut line = self.line(device);
        if let Some(error) = &line.lost {
            return Err(error.clone());
        }
        let full =
            |full: OutOfMemory| DeviceError(format!("no room for {} bytes of scratch memory", full.bytes));
        let bytes = ready.0.scratch(first, last);
        let scratch = if bytes == 0 { 0 } else { line.heap.alloc(driver, bytes).map_err(full)? };
        let slot = match &binding.report {
            Some(report) => Some((report.clone(), line.slot(driver, device).map_err(full)?)),
            None => None,
        };
        let call = Call {
            binding,
            first,
            last,
            scratch,
            report: slot.as_ref().map_or([0; 2], |(_, slot)| [slot.words, slot.shared.device]),
            multiprocessors: driver.devices()[device].multiprocessors,
        };
        let product = self.library_from.and_then(|least| ready.0.product(&call, least));
        let by_library = product.map_or(Ok(false), |gemm| driver.multiply(device, &gemm))?;
        let commands = if by_library { SmallVec::new() } else { ready.0.commands(&call) };
        for command in commands {
            let function = command.program.function(driver, device).map_err(DeviceError)?;
            driver.launch(device, function, command.grid, &command.words)?;
        }
        if bytes != 0 {
            line.heap.free(scratch, bytes);
        }
        line.queued += 1;
        let serial = line.queued;
        if let Some((report, slot)) = slot {
            line.finishing.push_back(Finish { serial, report, slot });
        }
        Ok(serial)
    }

    fn transport(&self, from: Place, to: Place, bytes: usize) -> Result<Option<(usize, u64)>, DeviceError> {
        let driver = &*self.driver;
        let next = |device: usize| {
            let mut line = self.line(device);
            line.queued += 1;
            Some((device, line.queued))
        };
        Ok(match (self.device(from.memory), self.device(to.memory)) {
            (None, Some(device)) => {
                driver.upload(
                    device,
                    std::ptr::with_exposed_provenance(from.address as usize),
                    to.address,
                    bytes,
                )?;
                next(device)
            }
            (Some(device), None) => {
                let target = std::ptr::with_exposed_provenance_mut(to.address as usize);
                driver.download(device, from.address, target, bytes)?;
                None
            }
            (Some(source), Some(target)) => {
                driver.transfer((source, from.address), (target, to.address), bytes)?;
                next(target)
            }
            (None, None) => unreachable!("one side of a copy is a device's"),
        })
    }
}

impl Backend for Cuda {
    fn describe(&self) -> Part {
        let memory = |(number, device): (usize, &Device)| Memory {
            id: MemoryId(number as u16),
            backend: 0,
            name: format!("{} {number}", device.name),
            bytes: self.line(number).heap.limit(),
            parts: true,
        };
        let processor = |(number, device): (usize, &Device)| Processor {
            id: ProcessorId(number as u16),
            backend: 0,
            memory: MemoryId(number as u16),
            workers: 1,
            bytes_per_second: device.bytes_per_second,
            launch_seconds: LAUNCH_SECONDS,
            about: format!("compute capability {}", device.architecture),
        };
        let devices = self.driver.devices();
        Part {
            name: "cuda".into(),
            memories: devices.iter().enumerate().map(memory).collect(),
            processors: devices.iter().enumerate().map(processor).collect(),
        }
    }

    fn prepare(&self, launch: &Launch) -> Option<Prepared> {
        // What needs much beside its arguments is computed at home rather than failing for lack of room.
        let fits = |ready: &Ready| ready.0.scratch(0, launch.extent) <= self.least / SHARE_FOR_SCRATCH;
        Ready::new(launch).filter(fits).map(|ready| Arc::new(ready) as Prepared)
    }

    fn alloc(&self, memory: MemoryId, bytes: usize) -> Result<Allocation, OutOfMemory> {
        let device = self.device(memory).expect("the memory is one of this backend's");
        let address = self.line(device).heap.alloc(&*self.driver, bytes)?;
        Ok(Allocation { memory, address, bytes })
    }

    fn reserve(
        &self,
        on: ProcessorId,
        launch: &Launch,
        first: usize,
        last: usize,
    ) -> Result<(), OutOfMemory> {
        let device = (on.0 - self.place.processor) as usize;
        let driver = &*self.driver;
        let mut line = self.line(device);
        if line.slots.is_empty() && launch.watched() {
            let slot = line.slot(driver, device)?;
            line.slots.push(slot);
        }
        // A block that is idle now is the one that the piece takes.
        let bytes = self.ready(launch).0.scratch(first, last);
        if bytes > 0 {
            let address = line.heap.alloc(driver, bytes)?;
            line.heap.free(address, bytes);
        }
        Ok(())
    }

    fn free(&self, allocation: Allocation) {
        let device = self.device(allocation.memory).expect("the memory is one of this backend's");
        self.line(device).heap.free(allocation.address, allocation.bytes);
    }

    fn copy(&self, from: Place, to: Place, bytes: usize, _: &Arc<Region>, _: &[Event]) -> Event {
        match self.transport(from, to, bytes) {
            Ok(None) => Event::DONE,
            Ok(Some((device, serial))) => self.event(device, serial),
            Err(error) => {
                let device = self.device(to.memory).or(self.device(from.memory)).unwrap_or(0);
                self.refuse(device, error)
            }
        }
    }

    fn run(&self, on: ProcessorId, point: PointTask<'_>, _: Handoff, _: &[Event]) -> Event {
        let device = (on.0 - self.place.processor) as usize;
        match self.launch(device, point) {
            Ok(serial) => self.event(device, serial),
            Err(error) => self.refuse(device, error),
        }
    }

    fn sharing(&self) -> Option<&dyn Sharing> {
        Some(self)
    }

    fn poll(&self, event: Event) -> bool {
        let (device, serial) = split(event);
        self.line(device).reached(&*self.driver, device, serial)
    }

    fn wait(&self, event: Event) -> Result<(), DeviceError> {
        let (device, serial) = split(event);
        self.line(device).wait(&*self.driver, device, serial)
    }
}

impl Sharing for Cuda {
    fn number(&self, memory: MemoryId) -> i32 {
        self.driver.ordinal(self.device(memory).expect("the memory is one of this backend's"))
    }

    fn memory(&self, number: i32) -> Option<MemoryId> {
        let device = (0..self.lines.len()).find(|&device| self.driver.ordinal(device) == number)?;
        Some(MemoryId(self.place.memory + device as u16))
    }

    fn memory_at(&self, address: u64) -> Option<MemoryId> {
        self.driver.device_at(address).map(|device| MemoryId(self.place.memory + device as u16))
    }

    fn stream(&self, memory: MemoryId) -> Result<u64, DeviceError> {
        self.driver.stream(self.device(memory).expect("the memory is one of this backend's"))
    }

    fn order(&self, memory: MemoryId, first: u64, then: u64) -> Result<(), DeviceError> {
        self.driver.order(self.device(memory).expect("the memory is one of this backend's"), first, then)
    }

    fn settle(&self, memory: MemoryId) -> Result<(), DeviceError> {
        self.driver.synchronize(self.device(memory).expect("the memory is one of this backend's"))
    }
}

impl Cuda {
    /// The event of a command that could not be queued: whoever waits for it is told why.
    fn refuse(&self, device: usize, error: DeviceError) -> Event {
        let mut line = self.line(device);
        line.queued += 1;
        let serial = line.queued;
        line.refused.insert(serial, error);
        self.event(device, serial)
    }
}

fn split(event: Event) -> (usize, u64) {
    ((event.serial >> Event::LANE) as usize - 1, event.serial & ((1 << Event::LANE) - 1))
}

impl Line {
    /// Whether the commands up to `serial` have run. What could not be queued has not, for ever: its results stay bound
    /// to the error that waiting for it gives.
    fn reached(&mut self, driver: &dyn Driver, device: usize, serial: u64) -> bool {
        if self.lost.is_some() || self.refused.contains_key(&serial) {
            return false;
        }
        if self.done >= serial {
            return true;
        }
        if self.marks.back().is_none_or(|&(marked, _)| marked < serial) {
            match driver.mark(device) {
                Ok(mark) => self.marks.push_back((self.queued, mark)),
                Err(error) => {
                    self.fail(error);
                    return false;
                }
            }
        }
        while let Some(&(marked, mark)) = self.marks.front() {
            match driver.reached(device, mark) {
                Ok(true) => self.finish(marked),
                Ok(false) => break,
                Err(error) => {
                    self.fail(error);
                    return false;
                }
            }
        }
        self.done >= serial
    }

    fn wait(&mut self, driver: &dyn Driver, device: usize, serial: u64) -> Result<(), DeviceError> {
        if !self.reached(driver, device, serial) && self.lost.is_none() && self.done < serial {
            // Asking whether it was reached marked the end, unless the command could not be queued.
            let Some(&(marked, mark)) = self.marks.iter().find(|&&(marked, _)| marked >= serial) else {
                return self.refused.get(&serial).cloned().map_or(Ok(()), Err);
            };
            match driver.wait(device, mark) {
                Ok(()) => self.finish(marked),
                Err(error) => self.fail(error),
            }
        }
        let error = self.refused.get(&serial).or(self.lost.as_ref());
        error.cloned().map_or(Ok(()), Err)
    }

    /// Looks at what ran: everything up to `serial`.
    fn finish(&mut self, serial: u64) {
        self.done = self.done.max(serial);
        while self.marks.front().is_some_and(|&(marked, _)| marked <= serial) {
            self.marks.pop_front();
        }
        while self.finishing.front().is_some_and(|finish| finish.serial <= serial) {
            let finish = self.finishing.pop_front().expect("it was there");
            self.collect(finish);
        }
    }

    /// Hands a launch's flags to its report. The slot of a launch that raised some is not used again before it has been
    /// cleared.
    fn collect(&mut self, Finish { report, slot, .. }: Finish) {
        let mut raised = false;
        let steps = report.len();
        for cell in 0..(steps + report.folds()).min(MOST_CELLS) {
            let mut bits = 0u8;
            for bit in 0..4 {
                // SAFETY: a slot has four bytes for every cell, and the device has finished with them.
                let byte = unsafe { slot.shared.host.add(4 * cell + bit) };
                // SAFETY: as above.
                if unsafe { byte.read_volatile() } != 0 {
                    bits |= 1 << bit;
                    // SAFETY: as above.
                    unsafe { byte.write_volatile(0) };
                }
            }
            if bits != 0 {
                raised = true;
                let flags = maniple_ops::Flags::from_bits(bits);
                if cell < steps { report.raise(cell, flags) } else { report.raise_own(cell - steps, flags) }
            }
        }
        self.slots.push(Slot { dirty: raised, ..slot });
    }

    fn slot(&mut self, driver: &dyn Driver, device: usize) -> Result<Slot, OutOfMemory> {
        let slot = match self.slots.pop() {
            Some(slot) => slot,
            None => {
                let shared = driver.share(device, 4 * MOST_CELLS)?;
                let words = self.heap.alloc(driver, 4 * MOST_CELLS)?;
                Slot { shared, words, dirty: true }
            }
        };
        if slot.dirty && driver.clear(device, slot.words, 4 * MOST_CELLS).is_err() {
            return Err(OutOfMemory { bytes: 4 * MOST_CELLS });
        }
        Ok(Slot { dirty: false, ..slot })
    }

    /// The device no longer answers: whoever waits is told why.
    fn fail(&mut self, error: DeviceError) {
        self.lost.get_or_insert(error);
    }
}

/// A launch made ready.
struct Ready(Box<dyn Class>);

impl Ready {
    fn new(launch: &Launch) -> Option<Ready> {
        Some(Ready(match &*launch.kernel {
            Kernel::Map(body) => Box::new(map::Map::new(launch, body)?),
            Kernel::Reduce(reduce) => match &reduce.ops[..] {
                [_] => Box::new(reduce::Reduction::new(launch, reduce, 0)?),
                _ => Box::new(reduce::Reductions::new(launch, reduce)?),
            },
            Kernel::Fold { op, dtype } => Box::new(fold::Fold::new(launch, *op, *dtype)?),
            Kernel::ArgReduce { goal, dtype } => {
                Box::new(argreduce::ArgReduction::new(launch, *goal, *dtype)?)
            }
            Kernel::Scan { op, dtype } => Box::new(scan::Scan::new(launch, *op, *dtype)?),
            Kernel::Nonzero => Box::new(nonzero::Nonzero::new(launch)?),
            Kernel::Scatter { indexed, combine } => {
                Box::new(scatter::Scatter::new(launch, indexed, *combine)?)
            }
            Kernel::Gather(indexed) => Box::new(gather::Gather::new(launch, indexed)?),
            Kernel::Iota { dtype } => Box::new(iota::Iota::new(launch, *dtype)?),
            Kernel::Draw { generator, dtype } => Box::new(draw::Draw::new(launch, *generator, *dtype)?),
            Kernel::Matmul { dtype } => Box::new(matmul::Matmul::new(launch, *dtype)?),
            Kernel::Sort { .. } | Kernel::Merge { .. } => Box::new(sort::Sort::new(launch)?),
            // Made only where the host is alone.
            Kernel::Blocks(_) => return None,
        }))
    }
}
