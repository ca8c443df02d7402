//! The backend for the host's own processors: pooled memory, worker threads, and a kernel for every class.
//!
//! [`Cpu`] pretends as many memories as it is told; each has a group of worker threads that computes on it. A kernel is
//! made ready once per launch (`prepare`) and then runs over any range of points, on the calling thread or on a
//! worker. Files, in reading order: [`memory`], [`pool`], then [`tile`] (strided views), [`program`] (bodies, block by
//! block), [`jit`] (runs of steps as machine code), and one file per kernel class.

mod argreduce;
mod blocks;
mod draw;
mod fold;
mod gather;
mod iota;
mod jit;
mod map;
mod matmul;
mod memory;
mod nonzero;
mod pool;
mod program;
mod reduce;
mod scan;
mod scatter;
mod sort;
mod tile;

pub use crate::jit::Compile;
use crate::jit::Jit;
use crate::memory::{Heap, physical_bytes};
use crate::pool::{Pool, catch};
use maniple_ops::{Level, flags};
use maniple_runtime::{
    Allocation, Backend, Binding, DeviceError, Event, Handoff, Kernel, Launch, Memory, MemoryId, OutOfMemory,
    Part, Place, PointTask, Prepared, Processor, ProcessorId, Region,
};
use std::ptr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Bytes that one worker streams per second: about what one core of a server does. The mapper needs only its order of
/// magnitude, to tell work that is worth a hand-off from work that is not.
const BYTES_PER_SECOND: f64 = 10e9;
/// Seconds until a worker has begun a piece, with the wake-up that some of them need.
const LAUNCH_SECONDS: f64 = 5e-6;
/// Copies up to this size run on the calling thread if nothing has to be waited for.
const SMALL_COPY: usize = 64 << 10;

/// What a [`Cpu`] shall look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuDescription {
    /// For every memory the number of workers that compute on it; empty for one memory and every core that this
    /// process may use.
    pub workers: Vec<usize>,
    /// How many bytes each memory holds; by default an equal share of seven eighths of the physical memory.
    pub memory_limit: Option<usize>,
    /// When runs of steps are compiled.
    pub compile: Compile,
    /// The highest instruction set that compiled runs use, if not the processor's: for tests.
    pub compile_for: Option<Level>,
}

/// The host's processors. Memories and processors are numbered from zero and in step: it must be the first backend.
pub struct Cpu {
    workers: Vec<usize>,
    heaps: Vec<Heap>,
    pool: Pool,
    jit: Option<Arc<Jit>>,
}

impl Cpu {
    /// A backend as described. Nothing is started or reserved before it is used.
    pub fn new(description: &CpuDescription) -> Cpu {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = if description.workers.is_empty() { vec![cores] } else { description.workers.clone() };
        let limit = description.memory_limit.unwrap_or(physical_bytes() / workers.len());
        // The thread that waits for results helps, so one group can do with a thread less.
        let mut threads: Vec<usize> = workers.iter().map(|&workers| workers.max(1)).collect();
        threads[0] = threads[0].saturating_sub(1).max(1);
        let jit = Jit::new(description.compile, description.compile_for.unwrap_or(Level::detected()));
        Cpu {
            heaps: workers.iter().map(|_| Heap::new(limit)).collect(),
            pool: Pool::new(threads),
            jit: jit.map(Arc::new),
            workers,
        }
    }

    fn heap(&self, memory: MemoryId) -> &Heap {
        &self.heaps[memory.0 as usize]
    }
}

impl Backend for Cpu {
    fn describe(&self) -> Part {
        let memory = |(at, heap): (usize, &Heap)| Memory {
            id: MemoryId(at as u16),
            backend: 0,
            name: if at == 0 { "host".into() } else { format!("host {at}") },
            bytes: heap.limit(),
            parts: true,
        };
        let processor = |(at, &workers): (usize, &usize)| Processor {
            id: ProcessorId(at as u16),
            backend: 0,
            memory: MemoryId(at as u16),
            workers: workers as u32,
            bytes_per_second: BYTES_PER_SECOND,
            launch_seconds: LAUNCH_SECONDS,
            about: String::new(),
        };
        Part {
            name: "cpu".into(),
            memories: self.heaps.iter().enumerate().map(memory).collect(),
            processors: self.workers.iter().enumerate().map(processor).collect(),
        }
    }

    fn prepare(&self, launch: &Launch) -> Option<Prepared> {
        Ready::new(launch, self.jit.as_ref()).map(|ready| Arc::new(ready) as Prepared)
    }

    fn alloc(&self, memory: MemoryId, bytes: usize) -> Result<Allocation, OutOfMemory> {
        let address = self.heap(memory).alloc(bytes)? as u64;
        Ok(Allocation { memory, address, bytes })
    }

    fn free(&self, allocation: Allocation) {
        self.heap(allocation.memory).free(allocation.address as usize, allocation.bytes);
    }

    fn copy(&self, from: Place, to: Place, bytes: usize, keep: &Arc<Region>, after: &[Event]) -> Event {
        let keep = keep.clone();
        let copy = move || {
            let source = ptr::with_exposed_provenance::<u8>(from.address as usize);
            let target = ptr::with_exposed_provenance_mut::<u8>(to.address as usize);
            // SAFETY: the runtime names two distinct instances of a region that `keep` keeps alive.
            unsafe { ptr::copy_nonoverlapping(source, target, bytes) };
            drop(keep);
        };
        if bytes <= SMALL_COPY && after.iter().all(|&event| self.poll(event)) {
            copy();
            return Event::DONE;
        }
        let group = (to.memory.0 as usize).min(self.workers.len() - 1);
        event(self.pool.submit(group, Box::new(copy), after.iter().map(|event| event.serial)))
    }

    fn run(&self, on: ProcessorId, point: PointTask<'_>, handoff: Handoff, after: &[Event]) -> Event {
        let PointTask { launch, binding, first, last } = point;
        match handoff {
            Handoff::Inline => match catch(|| run_piece(launch, binding, first, last)) {
                Ok(()) => Event::DONE,
                Err(error) => event(self.pool.submit_failed(error)),
            },
            Handoff::Queue => {
                let (launch, binding) = (launch.clone(), binding.clone());
                let work = Box::new(move || run_piece(&launch, &binding, first, last));
                event(self.pool.submit(on.0 as usize, work, after.iter().map(|event| event.serial)))
            }
        }
    }

    fn poll(&self, event: Event) -> bool {
        event.is_done() || self.pool.poll(event.serial)
    }

    fn wait(&self, event: Event) -> Result<(), DeviceError> {
        if event.is_done() { Ok(()) } else { self.pool.wait(event.serial) }
    }

    fn wait_until(&self, event: Event, end: Instant) -> bool {
        event.is_done() || self.pool.help_until(event.serial, Some(end))
    }
}

fn event(serial: u64) -> Event {
    Event { backend: 0, serial }
}

/// A launch made ready.
enum Ready {
    Map(map::Map),
    Reduce(reduce::Reduction),
    Fold(fold::Leaves),
    Scan(scan::Scan),
    ArgReduce(argreduce::ArgReduction),
    Gather(gather::Gather),
    Scatter(scatter::Scatter),
    Iota(iota::Iota),
    Draw(draw::Draw),
    Nonzero(nonzero::Nonzero),
    Matmul(matmul::Matmul),
    Sort(sort::Sort),
    Merge(sort::Merge),
    Blocks(blocks::Run),
}

impl Ready {
    fn new(launch: &Launch, jit: Option<&Arc<Jit>>) -> Option<Ready> {
        Some(match &*launch.kernel {
            Kernel::Map(body) => Ready::Map(map::Map::new(launch, body, jit)?),
            Kernel::Reduce(reduce) => Ready::Reduce(reduce::Reduction::new(launch, reduce, jit)?),
            Kernel::Fold { op, dtype } => Ready::Fold(fold::Leaves::new(launch, *op, *dtype)?),
            Kernel::Scan { op, dtype } => Ready::Scan(scan::Scan::new(launch, *op, *dtype)?),
            Kernel::ArgReduce { goal, dtype } => {
                Ready::ArgReduce(argreduce::ArgReduction::new(launch, *goal, *dtype)?)
            }
            Kernel::Gather(indexed) => Ready::Gather(gather::Gather::new(launch, indexed)),
            Kernel::Scatter { indexed, combine } => {
                Ready::Scatter(scatter::Scatter::new(launch, indexed, *combine)?)
            }
            Kernel::Iota { dtype } => Ready::Iota(iota::Iota::new(launch, *dtype)),
            Kernel::Draw { generator, dtype } => Ready::Draw(draw::Draw::new(launch, *generator, *dtype)?),
            Kernel::Nonzero => Ready::Nonzero(nonzero::Nonzero::new(launch)),
            Kernel::Matmul { dtype } => Ready::Matmul(matmul::Matmul::new(launch, *dtype)?),
            Kernel::Sort { dtype, gives, run } => Ready::Sort(sort::Sort::new(launch, *dtype, *gives, *run)?),
            Kernel::Merge { dtype, gives, run } => {
                Ready::Merge(sort::Merge::new(launch, *dtype, *gives, *run)?)
            }
            Kernel::Blocks(blocks) => Ready::Blocks(blocks::Run::new(blocks, jit)?),
        })
    }
}

/// Runs the points `first..last` of a launch on this thread.
fn run_piece(launch: &Launch, binding: &Binding, first: usize, last: usize) {
    let prepared = launch.prepared[0].get().and_then(Option::as_ref);
    let prepared = prepared.expect("the runtime sends only what `prepare` accepted");
    let ready = prepared.downcast_ref::<Ready>().expect("the launch was prepared by this backend");
    let _span = tracing::trace_span!("piece", kernel = launch.kernel.name(), first, last).entered();
    // SAFETY: the runtime bound every argument to bytes that hold what the points touch, and has seen to it that no
    // other command works on what this one writes.
    unsafe { ready.run(binding, first, last) };
}

impl Ready {
    /// Runs the points `first..last`.
    ///
    /// # Safety
    /// The arguments must be bound to bytes that hold what the points touch, and nobody else may work on what is written.
    unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Ready::Map(map) => map.run(binding, first, last),
                Ready::Reduce(reduction) => reduction.run(binding, first, last),
                Ready::Fold(leaves) => watching(binding, || leaves.run(binding, first, last)),
                Ready::Scan(scan) => watching(binding, || scan.run(binding, first, last)),
                Ready::ArgReduce(reduction) => reduction.run(binding, first, last),
                Ready::Gather(gather) => gather.run(binding, first, last),
                Ready::Scatter(scatter) => watching(binding, || scatter.run(binding, first, last)),
                Ready::Iota(iota) => iota.run(binding, first, last),
                Ready::Draw(draw) => draw.run(binding, first, last),
                Ready::Nonzero(nonzero) => nonzero.run(binding),
                Ready::Matmul(matmul) => watching(binding, || matmul.run(binding, first, last)),
                Ready::Sort(sort) => sort.run(binding, first, last),
                Ready::Merge(merge) => merge.run(binding, first, last),
                Ready::Blocks(blocks) => blocks.run(binding, first, last),
            }
        }
    }
}

/// Reports the floating point events of some work that has no steps.
fn watching(binding: &Binding, work: impl FnOnce()) {
    let Some(report) = &binding.report else { return work() };
    flags::clear();
    work();
    report.raise_own(0, flags::read());
}
