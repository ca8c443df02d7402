//! The backend for any GPU that Vulkan, Metal or Direct3D 12 drives, through wgpu: nothing of theirs is needed to build it.
//!
//! Files, in reading order: [`device`] (an adapter, opened), [`command`] and [`geometry`] (what kernel classes say),
//! [`body`] (fused steps as text), one file per kernel class, [`memory`], [`staging`] and [`copies`], [`stream`] (the
//! order of a device's commands), and the [`Backend`] itself here.

mod adapters;
mod argreduce;
mod body;
mod clock;
mod command;
mod copies;
mod device;
mod draw;
mod fold;
mod gather;
mod geometry;
mod iota;
mod map;
mod matmul;
mod memory;
mod nonzero;
mod rates;
mod reduce;
mod scan;
mod scatter;
mod sort;
mod staging;
mod stream;

pub use device::{Info, Kind};

use crate::command::{Call, Class, MOST_COMMANDS};
use crate::device::Device;
use crate::stream::Stream;
use maniple_ops::wgsl::Features;
use maniple_runtime::{
    Allocation, Backend, DeviceError, Event, Handoff, Kernel, Launch, Memory, MemoryId, OutOfMemory, Part,
    Place, PointTask, Prepared, Processor, ProcessorId, Region,
};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// Seconds that handing a kernel to a device takes.
const LAUNCH_SECONDS: f64 = 20e-6;
/// The part of a device's memory that a launch may need beside its arguments is one of so many.
const SHARE_FOR_SCRATCH: usize = 2;

/// The adapters of this machine, as processors with a memory each.
pub struct Wgpu {
    place: At,
    /// Bytes that may be taken of each device.
    limit: Option<usize>,
    devices: Vec<Arc<Device>>,
    /// Bytes per second that each reads and writes.
    rates: Vec<f64>,
    streams: Vec<Mutex<Stream>>,
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

impl Wgpu {
    /// Opens the GPUs of this machine; where there is none, a driver that computes on the host's processor. `limit` bounds
    /// the bytes taken of each, `cache` is a folder for compiled kernels.
    ///
    /// # Errors
    /// Why there are none.
    pub fn find(place: At, limit: Option<usize>, cache: Option<&Path>) -> Result<Wgpu, String> {
        let (mut devices, mut streams, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for device in adapters::open(cache)? {
            let device = Arc::new(device);
            let bytes = limit.unwrap_or(device.info.bytes);
            let mut stream = Stream::new(device.clone(), bytes).map_err(|error| error.0)?;
            let rate = rates::measured(&device, &mut stream, cache);
            rates.push(rate.unwrap_or(device.info.bytes_per_second));
            streams.push(Mutex::new(stream));
            devices.push(device);
        }
        Ok(Wgpu { place, limit, devices, rates, streams })
    }

    /// What the devices are and can do.
    pub fn devices(&self) -> impl Iterator<Item = &Info> {
        self.devices.iter().map(|device| &device.info)
    }

    /// Gives the devices up, as if they were unplugged: what is in their memory is lost, and whoever waits is told.
    pub fn abandon(&self) {
        for number in 0..self.streams.len() {
            self.stream(number).abandon();
        }
    }

    fn stream(&self, device: usize) -> MutexGuard<'_, Stream> {
        self.streams[device].lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The device that a memory belongs to, if it is one of this backend's.
    fn device(&self, memory: MemoryId) -> Option<usize> {
        let number = memory.0.checked_sub(self.place.memory)? as usize;
        (number < self.streams.len()).then_some(number)
    }

    fn event(&self, device: usize, serial: u64) -> Event {
        Event { backend: self.place.backend, serial: (device as u64 + 1) << Event::LANE | serial }
    }

    /// Records one piece.
    fn launch(&self, device: usize, point: PointTask<'_>) -> Result<u64, DeviceError> {
        let PointTask { launch, first, last, .. } = point;
        let prepared = launch.prepared[self.place.backend as usize].get().and_then(Option::as_ref);
        let ready = prepared.and_then(|prepared| prepared.downcast_ref::<Ready>());
        let ready = ready.expect("the runtime sends only what `prepare` accepted");
        let _span =
            tracing::trace_span!("piece", kernel = launch.kernel.name(), first, last, device).entered();
        let mut stream = self.stream(device);
        let mut begin = first;
        while begin < last {
            let end = ready.fitting(launch, begin, last, self.devices[device].info.largest_binding);
            self.record(device, &mut stream, ready, point, begin, end)?;
            begin = end;
        }
        Ok(stream.end())
    }

    fn record(
        &self,
        device: usize,
        stream: &mut Stream,
        ready: &Ready,
        PointTask { launch, binding, .. }: PointTask<'_>,
        first: usize,
        last: usize,
    ) -> Result<(), DeviceError> {
        let full =
            |full: OutOfMemory| DeviceError(format!("no room for {} bytes of scratch memory", full.bytes));
        let bytes = ready.class.scratch(first, last);
        let scratch = match bytes {
            0 => 0,
            _ => stream.heap.alloc(&self.devices[device], bytes).map_err(full)?,
        };
        stream.make_room(MOST_COMMANDS);
        let report = match &binding.report {
            Some(report) => stream.report(report)?,
            None => 0,
        };
        let moved: usize = launch.args.iter().map(|arg| arg.span_of(first, last).bytes()).sum();
        let call = Call { binding, first, last, scratch, report };
        let commands = ready.class.commands(&call);
        let recorded = commands.iter().try_for_each(|command| stream.dispatch(command, moved));
        if bytes != 0 {
            stream.heap.free(scratch, bytes);
        }
        recorded
    }

    fn transport(&self, from: Place, to: Place, bytes: usize) -> Result<Option<(usize, u64)>, DeviceError> {
        let upload = |device: usize, bytes: &[u8], to: u64| {
            let mut stream = self.stream(device);
            stream.upload(&self.devices[device], bytes, to)?;
            Ok(Some((device, stream.end())))
        };
        match (self.device(from.memory), self.device(to.memory)) {
            (None, Some(device)) => {
                let source = std::ptr::with_exposed_provenance::<u8>(from.address as usize);
                // SAFETY: the runtime names live bytes of the host's, which nobody changes before this returns.
                upload(device, unsafe { std::slice::from_raw_parts(source, bytes) }, to.address)
            }
            (Some(device), None) => {
                let target = std::ptr::with_exposed_provenance_mut::<u8>(to.address as usize);
                // SAFETY: the runtime names live bytes of the host's, which nobody uses before this returns.
                let target = unsafe { std::slice::from_raw_parts_mut(target, bytes) };
                self.stream(device).download(&self.devices[device], from.address, target)?;
                Ok(None)
            }
            (Some(source), Some(target)) => {
                let mut between = vec![0; bytes];
                self.stream(source).download(&self.devices[source], from.address, &mut between)?;
                upload(target, &between, to.address)
            }
            (None, None) => unreachable!("one side of a copy is a device's"),
        }
    }

    /// The event of a command that could not be recorded: whoever waits for it is told why.
    fn refuse(&self, device: usize, error: DeviceError) -> Event {
        let serial = self.stream(device).refuse(error);
        self.event(device, serial)
    }
}

impl Backend for Wgpu {
    fn describe(&self) -> Part {
        let memory = |(number, device): (usize, &Arc<Device>)| Memory {
            id: MemoryId(number as u16),
            backend: 0,
            name: format!("{} {number}", device.info.name),
            bytes: self.limit.map_or(device.info.bytes, |limit| limit.min(device.info.bytes)),
            // Words of a buffer are counted from its beginning.
            parts: false,
        };
        let processor = |(number, device): (usize, &Arc<Device>)| Processor {
            id: ProcessorId(number as u16),
            backend: 0,
            memory: MemoryId(number as u16),
            workers: 1,
            bytes_per_second: self.rates[number],
            launch_seconds: LAUNCH_SECONDS,
            about: device.info.to_string(),
        };
        Part {
            name: "wgpu".into(),
            memories: self.devices.iter().enumerate().map(memory).collect(),
            processors: self.devices.iter().enumerate().map(processor).collect(),
        }
    }

    fn prepare(&self, launch: &Launch) -> Option<Prepared> {
        // What runs on one device runs on all, so the least of them decides.
        let infos: Vec<&Info> = self.devices().collect();
        // What needs much beside its arguments is computed at home rather than failing for lack of room.
        let room = infos.iter().map(|info| self.limit.unwrap_or(info.bytes)).min()? / SHARE_FOR_SCRATCH;
        Ready::new(launch, &infos, room).map(|ready| Arc::new(ready) as Prepared)
    }

    fn alloc(&self, memory: MemoryId, bytes: usize) -> Result<Allocation, OutOfMemory> {
        let device = self.device(memory).expect("the memory is one of this backend's");
        let address = self.stream(device).heap.alloc(&self.devices[device], bytes)?;
        Ok(Allocation { memory, address, bytes })
    }

    fn free(&self, allocation: Allocation) {
        let device = self.device(allocation.memory).expect("the memory is one of this backend's");
        self.stream(device).heap.free(allocation.address, allocation.bytes);
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

    fn poll(&self, event: Event) -> bool {
        let (device, serial) = split(event);
        self.stream(device).reached(serial)
    }

    fn wait(&self, event: Event) -> Result<(), DeviceError> {
        let (device, serial) = split(event);
        self.stream(device).wait(serial)
    }

    fn wait_until(&self, event: Event, end: Instant) -> bool {
        let (device, serial) = split(event);
        self.stream(device).wait_until(serial, Some(end))
    }
}

fn split(event: Event) -> (usize, u64) {
    ((event.serial >> Event::LANE) as usize - 1, event.serial & ((1 << Event::LANE) - 1))
}

/// A launch made ready.
struct Ready {
    class: Box<dyn Class>,
}

impl Ready {
    /// Nothing if a device cannot do it: no text for a row, too many buffers, or too large ones, or if it needs more than
    /// `room` bytes beside its arguments.
    fn new(launch: &Launch, devices: &[&Info], room: usize) -> Option<Ready> {
        let features = Features { int64: devices.iter().all(|info| info.features.int64) };
        let class: Box<dyn Class> = match &*launch.kernel {
            Kernel::Map(body) => Box::new(map::Map::new(launch, body, features)?),
            Kernel::Reduce(reduce) => match &reduce.ops[..] {
                [_] => Box::new(reduce::Reduction::new(launch, reduce, 0, features)?),
                _ => Box::new(reduce::Reductions::new(launch, reduce, features)?),
            },
            Kernel::Fold { op, dtype } => Box::new(fold::Fold::new(launch, *op, *dtype, features)?),
            Kernel::Iota { dtype } => Box::new(iota::Iota::new(launch, *dtype, features)?),
            Kernel::Draw { generator, dtype } => Box::new(draw::Draw::new(launch, *generator, *dtype)?),
            Kernel::Gather(indexed) => Box::new(gather::Gather::new(launch, indexed)?),
            Kernel::Scan { op, dtype } => Box::new(scan::Scan::new(launch, *op, *dtype, features)?),
            Kernel::ArgReduce { goal, dtype } => {
                Box::new(argreduce::ArgReduction::new(launch, *goal, *dtype, features)?)
            }
            Kernel::Nonzero => Box::new(nonzero::Nonzero::new(launch)?),
            Kernel::Matmul { dtype } => Box::new(matmul::Matmul::new(launch, *dtype, features)?),
            Kernel::Sort { .. } | Kernel::Merge { .. } => Box::new(sort::Sort::new(launch)?),
            // Made only where the host is alone.
            Kernel::Blocks(_) => return None,
            Kernel::Scatter { indexed, combine } => {
                Box::new(scatter::Scatter::new(launch, indexed, *combine, features)?)
            }
        };
        let most = devices.iter().map(|info| info.most_buffers).min()?;
        let limit = devices.iter().map(|info| info.largest_binding).min()?;
        let points = class.grain().unwrap_or(usize::MAX).min(launch.extent);
        // A class may need a buffer beside those of the arguments, and there is that of the report.
        let fits = class.most_args(launch) + 2 <= most
            && launch.extent < i32::MAX as usize
            && launch.args.iter().all(|arg| arg.view.size() < i32::MAX as usize)
            && widest(launch, 0, points) <= limit
            && class.scratch(0, points) <= limit.min(room);
        fits.then_some(Ready { class })
    }

    /// Up to which point the launch fits what a kernel sees of every buffer, from `first` on.
    fn fitting(&self, launch: &Launch, first: usize, last: usize, limit: usize) -> usize {
        let mut end = last;
        if let Some(grain) = self.class.grain() {
            let too_wide =
                |end: usize| widest(launch, first, end) > limit || self.class.scratch(first, end) > limit;
            while too_wide(end) && end - first > grain {
                end = first + ((end - first) / 2).next_multiple_of(grain);
            }
        }
        end
    }
}

/// Bytes that a range of points needs to see of one buffer, at most.
fn widest(launch: &Launch, first: usize, last: usize) -> usize {
    let span = |role: u32| {
        let spans = launch.args.iter().filter(|arg| arg.role == role).map(|arg| arg.span_of(first, last));
        let (low, high) =
            spans.fold((usize::MAX, 0), |(low, high), span| (low.min(span.low), high.max(span.high)));
        high - low + 256
    };
    launch.args.iter().map(|arg| span(arg.role)).max().unwrap_or(0)
}
