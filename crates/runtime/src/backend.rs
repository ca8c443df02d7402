//! The trait that a kind of processor implements, and what the runtime hands it.

use crate::{Launch, MemoryId, Part, ProcessorId, Region};
use maniple_ops::{Flags, Scalar};
use smallvec::SmallVec;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

/// The completion of one command. [`Event::DONE`] is always complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Position of the backend that made it.
    pub backend: u16,
    /// Serial number within that backend; zero is always complete.
    pub serial: u64,
}

impl Event {
    /// The event of everything that already happened.
    pub const DONE: Event = Event { backend: 0, serial: 0 };

    /// Serials from here on belong to lanes: the bits from [`Event::LANE`] up name a lane, whose commands run in the order
    /// of the bits below.
    pub const LANE: u32 = 48;

    /// Whether this event cannot be complete before `other`, as far as the numbers tell: both are of one lane.
    pub fn follows(self, other: Event) -> bool {
        let lane = |event: Event| event.serial >> Event::LANE;
        self.backend == other.backend
            && lane(self) != 0
            && lane(self) == lane(other)
            && self.serial >= other.serial
    }

    /// Whether this is [`Event::DONE`], without asking the backend.
    pub fn is_done(self) -> bool {
        self.serial == 0
    }
}

/// Bytes in one memory, owned by whoever holds this value until it is given to [`Backend::free`].
#[derive(Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The memory that holds the bytes.
    pub memory: MemoryId,
    /// Address (host memories) or handle.
    pub address: u64,
    /// Number of bytes.
    pub bytes: usize,
}

/// Where bytes are: an address within one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The memory.
    pub memory: MemoryId,
    /// Address of the first byte.
    pub address: u64,
}

/// The memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many bytes were asked for.
    pub bytes: usize,
}

/// A device failed while a command ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceError(pub String);

/// What a backend made of a launch the first time it saw it: resolved functions, compiled code.
pub type Prepared = Arc<dyn Any + Send + Sync>;

/// What a launch's pieces on one memory share: where the bytes are, and the values of the constants.
#[derive(Debug, Default)]
pub struct Binding {
    /// Per argument the address that byte 0 of its region has or would have; it may lie outside the instance, whose
    /// bytes cover what the pieces touch.
    pub bases: SmallVec<[u64; 8]>,
    /// The values of the kernel's constants.
    pub scalars: SmallVec<[Scalar; 4]>,
    /// Where floating point flags go; none if nobody wants to know.
    pub report: Option<Arc<Report>>,
    /// The same for each part of a launch that runs block by block.
    pub reports: Vec<Option<Arc<Report>>>,
    /// Keeps the bytes alive until the command completed.
    pub keep: SmallVec<[Arc<Region>; 8]>,
}

/// One piece of a launch, ready to run.
#[derive(Clone, Copy)]
pub struct PointTask<'a> {
    /// Kernel and geometry of the arguments.
    pub launch: &'a Arc<Launch>,
    /// Where its bytes are.
    pub binding: &'a Arc<Binding>,
    /// The first point to compute.
    pub first: usize,
    /// One past the last point.
    pub last: usize,
}

/// Floating point flags raised by each step of a body, and by the kernel apart from them: by each of its folds, if it has
/// several.
#[derive(Debug)]
pub struct Report {
    own: SmallVec<[AtomicU8; 4]>,
    steps: Vec<AtomicU8>,
}

impl Report {
    /// A report for a body of `steps` steps whose values are folded `folds` times; at least once, for whatever else a
    /// kernel does apart from steps.
    pub fn new(steps: usize, folds: usize) -> Report {
        let cell = |_| AtomicU8::new(0);
        Report { own: (0..folds.max(1)).map(cell).collect(), steps: (0..steps).map(cell).collect() }
    }

    /// Adds flags to those of a step.
    pub fn raise(&self, step: usize, flags: Flags) {
        self.steps[step].fetch_or(flags.bits(), Ordering::Relaxed);
    }

    /// The flags that a step raised.
    pub fn flags(&self, step: usize) -> Flags {
        Flags::from_bits(self.steps[step].load(Ordering::Relaxed))
    }

    /// Adds flags of a fold, or as those of fold 0 of whatever else the kernel does apart from the steps of a body.
    pub fn raise_own(&self, fold: usize, flags: Flags) {
        self.own[fold].fetch_or(flags.bits(), Ordering::Relaxed);
    }

    /// The flags that a fold raised, or as those of fold 0 the kernel apart from the steps of a body.
    pub fn own(&self, fold: usize) -> Flags {
        Flags::from_bits(self.own[fold].load(Ordering::Relaxed))
    }

    /// Number of folds.
    pub fn folds(&self) -> usize {
        self.own.len()
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Whether a command may run on the calling thread before `run` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handoff {
    /// Run it here and now; the returned event is [`Event::DONE`]. Every event of `after` must be complete.
    Inline,
    /// Queue it for the processor's workers.
    Queue,
}

/// Memories that other libraries of this process use as well. A *stream* is an order of commands, theirs or the backend's,
/// by the number that the maker's libraries know it by.
pub trait Sharing: Send + Sync {
    /// The number of the device that a memory is, as its maker counts.
    fn number(&self, memory: MemoryId) -> i32;
    /// The memory that is the device of a number.
    fn memory(&self, number: i32) -> Option<MemoryId>;
    /// The memory that an address lies in.
    fn memory_at(&self, address: u64) -> Option<MemoryId>;
    /// The stream of the backend's commands on a memory.
    fn stream(&self, memory: MemoryId) -> Result<u64, DeviceError>;
    /// Has what is queued on one stream later wait for what is queued on another now; one of them is the backend's.
    fn order(&self, memory: MemoryId, first: u64, then: u64) -> Result<(), DeviceError>;
    /// Waits for everything that anybody in this process has queued for the device.
    fn settle(&self, memory: MemoryId) -> Result<(), DeviceError>;
}

/// Kernels of one kind of processor.
///
/// A backend never decides placement, never re-checks what the runtime checked, and never calls another backend.
/// Memory and processor ids are the machine's; the backend is told its first ones by [`Backend::describe`]'s order.
pub trait Backend: Send + Sync {
    /// Its processors and memories, with measured or estimated rates.
    fn describe(&self) -> Part;
    /// Makes a launch ready to run many times; `None` means "not supported", and the mapper sends it elsewhere.
    fn prepare(&self, launch: &Launch) -> Option<Prepared>;
    /// Takes bytes from a memory, aligned to at least 64 bytes, with undefined contents.
    fn alloc(&self, memory: MemoryId, bytes: usize) -> Result<Allocation, OutOfMemory>;
    /// Takes, if it has not, what a piece needs of a memory beside its arguments while it runs. The piece is run before more
    /// of that memory is taken.
    fn reserve(&self, _: ProcessorId, _: &Launch, _first: usize, _last: usize) -> Result<(), OutOfMemory> {
        Ok(())
    }
    /// Gives bytes back. No command that uses them is outstanding.
    fn free(&self, allocation: Allocation);
    /// Copies bytes between two memories, at least one of which is the backend's, after some events.
    fn copy(&self, from: Place, to: Place, bytes: usize, keep: &Arc<Region>, after: &[Event]) -> Event;
    /// Runs one piece after some events.
    fn run(&self, on: ProcessorId, point: PointTask<'_>, handoff: Handoff, after: &[Event]) -> Event;
    /// How its memories are shared with other libraries of this process, if they can be.
    fn sharing(&self) -> Option<&dyn Sharing> {
        None
    }
    /// Whether an event of this backend is complete.
    fn poll(&self, event: Event) -> bool;
    /// Waits for an event of this backend; the calling thread may be put to work meanwhile.
    fn wait(&self, event: Event) -> Result<(), DeviceError>;
    /// Waits for an event of this backend, at least until an instant has passed. Answers whether it is over, so that
    /// [`Backend::wait`] would return at once.
    fn wait_until(&self, event: Event, _end: Instant) -> bool {
        let _told_by_wait = self.wait(event);
        true
    }
}
