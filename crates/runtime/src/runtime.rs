//! The runtime: records tasks, and on a flush runs the stages and issues the commands.

mod at_hand;
mod issue;
mod lend;
mod room;

pub use self::at_hand::Heard;
use self::room::Residents;
use crate::instance::State;
use crate::mapping::{ranges_through, reach};
use crate::plan::Plans;
use crate::record::Recorder;
use crate::{
    Backends, Decoded, Edge, Error, Event, Fused, Handle, Kernel, KernelId, Kernels, Launch, Line, Machine,
    Mapper, Mapping, MemoryId, Operand, Places, Plan, ProcessorId, Question, Region, Report, Settings,
    Warning, Window, decode, edges, events, fuse, join, map,
};
use maniple_ops::Scalar;
use smallvec::SmallVec;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The memory that the user's process sees.
const HOST: MemoryId = MemoryId(0);
/// A window with this many points of work is not kept waiting for more than [`PATIENCE`].
const MUCH_WORK: usize = 1 << 22;
/// A window with less work is full when it has this many tasks, whatever the setting: so much is enough to fuse with, and
/// waiting for more would only delay what could run. With much work, whatever the end of a window cuts costs more.
const ENOUGH_TASKS: usize = 64;
/// A program that has computed so many points gets the devices there are.
const WORTH_A_SEARCH: usize = 1 << 26;
/// How long much work waits for more to fuse with.
const PATIENCE: Duration = Duration::from_micros(500);

/// Counts of what the runtime did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Tasks recorded.
    pub tasks: u64,
    /// What was computed at once, without a task.
    pub at_hand: u64,
    /// Windows flushed.
    pub windows: u64,
    /// Windows that had been planned before.
    pub plan_hits: u64,
    /// Launches issued.
    pub launches: u64,
    /// Pieces issued.
    pub pieces: u64,
    /// Bytes copied between memories.
    pub copied: u64,
    /// Bytes of regions that made room for others in a memory.
    pub evicted: u64,
}

/// Tasks in, commands out. All methods may be called from any thread.
pub struct Runtime {
    backends: Arc<Backends>,
    mapper: Box<dyn Mapper>,
    settings: Settings,
    regions: AtomicU64,
    /// Stands in a window for regions that are no longer needed.
    nothing: Arc<Region>,
    /// One more than the position of the backend that gets everything it supports; zero leaves it to the mapper.
    preferred: AtomicUsize,
    /// Whether [`Runtime::take_warnings`] may find something.
    eventful: AtomicBool,
    /// How many small operations are computed at hand before tasks of them are recorded again.
    at_hand_left: AtomicUsize,
    /// Whether the window may hold tasks, and whether commands may be outstanding: as long as not, who asks need not lock.
    recorded: AtomicBool,
    issued: AtomicBool,
    inner: Mutex<Inner>,
    recorder: Option<Mutex<Recorder>>,
}

struct Inner {
    kernels: Kernels,
    window: Window,
    /// Points recorded since the last flush, and when the first of them came.
    work: usize,
    /// Points recorded since the start, until devices have been looked for.
    points: usize,
    since: Option<Instant>,
    plans: Plans,
    reports: Vec<Pending>,
    warnings: Vec<Warning>,
    outstanding: VecDeque<Outstanding>,
    /// Sums over what is outstanding.
    outstanding_bytes: usize,
    outstanding_memory: usize,
    /// Bytes of memory taken for the launch that is being issued.
    taken: usize,
    /// Regions of windows gone by whose bytes commands may still use.
    retired: Vec<Arc<Region>>,
    residents: Residents,
    statistics: Statistics,
}

/// A command that is issued and not known to be complete. Of the commands of a launch the last one has its bytes.
struct Outstanding {
    event: Event,
    /// Bytes that are read and written.
    bytes: usize,
    /// Bytes of memory that were taken for it.
    memory: usize,
}

/// Flags of a launch whose pieces may still run.
struct Pending {
    launch: Arc<Launch>,
    report: Arc<Report>,
    lines: Vec<Line>,
    events: SmallVec<[Event; 4]>,
}

impl Runtime {
    /// A runtime over some backends.
    pub fn new(backends: Backends, mapper: Box<dyn Mapper>, settings: Settings) -> Runtime {
        let mut window = Window::default();
        window.clear();
        if settings.debug >= 1 {
            eprint!("{}", backends.machine());
        }
        let recorder = settings.record.as_deref().and_then(|path| match Recorder::create(path) {
            Ok(recorder) => Some(Mutex::new(recorder)),
            Err(error) => {
                eprintln!("maniple: nothing is recorded: {path}: {error}");
                None
            }
        });
        let backends = Arc::new(backends);
        let preferred = settings.on.as_ref().and_then(|name| backends.machine().backend(name));
        Runtime {
            preferred: AtomicUsize::new(preferred.map_or(0, |position| position + 1)),
            eventful: AtomicBool::new(false),
            at_hand_left: AtomicUsize::new(0),
            recorded: AtomicBool::new(false),
            issued: AtomicBool::new(false),
            recorder,
            nothing: Region::create(u64::MAX, 0, State::new(backends.clone())).region().clone(),
            backends,
            mapper,
            settings,
            regions: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                kernels: Kernels::default(),
                window,
                work: 0,
                points: 0,
                since: None,
                plans: Plans::default(),
                reports: Vec::new(),
                warnings: Vec::new(),
                outstanding: VecDeque::new(),
                outstanding_bytes: 0,
                outstanding_memory: 0,
                taken: 0,
                retired: Vec::new(),
                residents: Residents::default(),
                statistics: Statistics::default(),
            }),
        }
    }

    /// Looks for devices beside the host's processors now. Otherwise they are looked for when a program has computed enough
    /// to make it worth the time.
    pub fn find_devices(&self) {
        self.backends.search();
    }

    /// The machine it runs on, as far as it is known.
    pub fn machine(&self) -> &Machine {
        self.backends.machine()
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Has everything that is recorded from now on run on a backend, given by its position, as far as the backend supports
    /// it; or leaves it to the mapper again. Answers what was in force. What was recorded before is flushed.
    ///
    /// # Errors
    /// A failure of the tasks flushed.
    pub fn prefer(&self, backend: Option<usize>) -> Result<Option<usize>, Error> {
        let inner = &mut *self.lock();
        let flushed = self.flush_locked(inner);
        let before = self.preferred.swap(backend.map_or(0, |position| position + 1), Ordering::Relaxed);
        flushed.map(|()| before.checked_sub(1))
    }

    /// What it did so far.
    pub fn statistics(&self) -> Statistics {
        let inner = self.lock();
        Statistics { plan_hits: inner.plans.hits, ..inner.statistics }
    }

    /// The number of a kernel, for [`Runtime::record`].
    pub fn intern(&self, kernel: Kernel) -> KernelId {
        self.lock().kernels.intern(kernel)
    }

    /// A region of some bytes, of undefined contents and without memory until it is used.
    pub fn create(&self, bytes: usize) -> Handle {
        Region::create(self.next_region(), bytes, State::new(self.backends.clone()))
    }

    /// A region whose bytes are host memory that somebody else owns, and that `keeper` keeps alive.
    pub fn attach(&self, address: u64, bytes: usize, keeper: Box<dyn Any + Send>) -> Handle {
        let state = State::external(self.backends.clone(), HOST, address, bytes, keeper);
        let handle = Region::create(self.next_region(), bytes, state);
        handle.note_outside();
        handle
    }

    /// Records a task. It runs when a value is needed, when the window is full, or, if it touches memory that is
    /// shared with somebody outside, at once.
    ///
    /// # Errors
    /// A failure of tasks that this call caused to run; the recorded task itself stays in the stream.
    pub fn record(
        &self,
        kernel: KernelId,
        extent: usize,
        operands: &[Operand<'_>],
        scalars: &[Scalar],
        watch: u8,
        line: Line,
    ) -> Result<(), Error> {
        let inner = &mut *self.lock();
        self.recorded.store(true, Ordering::Release);
        inner.window.push(kernel, extent, operands, scalars, watch, line);
        inner.work += extent;
        if operands.iter().any(|operand| operand.region.is_exported()) {
            let shared = || operands.iter().filter(|operand| operand.region.is_exported());
            shared().try_for_each(|operand| self.meet(operand.region.region()))?;
            self.flush_locked(inner)?;
            return shared()
                .try_for_each(|operand| self.give(operand.region.region(), operand.privilege.writes()));
        }
        let much = inner.work >= MUCH_WORK;
        let full = if much { self.settings.window } else { self.settings.window.min(ENOUGH_TASKS) };
        if inner.window.len() >= full {
            return self.flush_locked(inner);
        }
        if much {
            match inner.since {
                None => inner.since = Some(Instant::now()),
                Some(since) if since.elapsed() > PATIENCE => return self.flush_locked(inner),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Plans and issues everything recorded; does not wait.
    ///
    /// # Errors
    /// The first failure; everything that does not depend on what failed has been issued.
    pub fn flush(&self) -> Result<(), Error> {
        self.flush_locked(&mut self.lock())
    }

    /// Flushes, and waits until everything has run.
    ///
    /// # Errors
    /// The first failure.
    pub fn sync(&self) -> Result<(), Error> {
        let result = self.flush();
        let outstanding: Vec<Outstanding> = {
            let mut inner = self.lock();
            (inner.outstanding_bytes, inner.outstanding_memory) = (0, 0);
            inner.outstanding.drain(..).collect()
        };
        let mut waited = Ok(());
        for command in outstanding {
            waited = waited.and(self.wait(command.event));
        }
        result.and(waited)
    }

    /// Flushes, and answers whether nothing is outstanding, so that there is nothing to wait for: at most tasks that the
    /// mapper runs inline are run.
    ///
    /// # Errors
    /// Why tasks failed that ran on the way.
    pub fn try_sync(&self) -> Result<bool, Error> {
        if !self.has_recorded() && !self.issued.load(Ordering::Acquire) {
            return Ok(true);
        }
        let inner = &mut *self.lock();
        self.flush_locked(inner)?;
        let quiet = inner.outstanding.is_empty();
        self.issued.store(!quiet, Ordering::Release);
        Ok(quiet)
    }

    /// Whether tasks are recorded that have not been issued; for the calling thread's, this is exact.
    fn has_recorded(&self) -> bool {
        self.recorded.load(Ordering::Acquire)
    }

    /// The host address of a region's bytes, up to date and with no command outstanding on them, if that needs no
    /// waiting: at most tasks that the mapper runs inline are run.
    ///
    /// # Errors
    /// Why the region has no value, or why tasks failed that ran on the way.
    pub fn try_host(&self, region: &Handle) -> Result<Option<u64>, Error> {
        if self.has_recorded() {
            self.flush()?;
        }
        let mut state = region.state();
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        if !state.is_at_home() || !state.is_idle() {
            return Ok(None);
        }
        let address = state
            .address(HOST, region.bytes)
            .map_err(|full| self.out_of_memory(full, HOST, Line::default()))?;
        drop(state);
        self.note_read(region, address);
        Ok(Some(address))
    }

    /// The host address of a region's bytes, if they are there and nowhere else, and nothing is recorded or outstanding that
    /// might use them: the caller may write them now, as if a task had.
    pub fn try_write(&self, region: &Handle) -> Option<u64> {
        if self.has_recorded() {
            return None;
        }
        let mut state = region.state();
        if state.failed.is_some() || !state.has_bytes() || !state.is_at_home() || !state.is_idle() {
            return None;
        }
        region.note_outside();
        state.address(HOST, region.bytes).ok()
    }

    /// The host address of the bytes of a region that no task has used yet, taken now, if there is room: the caller writes
    /// all of them.
    pub fn try_begin(&self, region: &Handle) -> Option<u64> {
        let address = region.state().address(HOST, region.bytes).ok()?;
        region.note_outside();
        Some(address)
    }

    /// The host address of a region's bytes, up to date and with no command outstanding on them. If `writes`, the
    /// caller may change them, and copies elsewhere are no longer valid.
    ///
    /// # Errors
    /// Why the region has no value, or why tasks failed that ran on the way.
    pub fn host(&self, region: &Handle, writes: bool) -> Result<u64, Error> {
        self.flush()?;
        let address = self.bring_home(region.region(), writes)?;
        if writes {
            region.note_outside();
        } else {
            self.note_read(region, address);
        }
        Ok(address)
    }

    /// Runs what was recorded, and waits for the commands on a region, or for all, at least until an instant has passed.
    /// Answers whether they are over, so that [`Runtime::host`] or [`Runtime::sync`] hardly waits.
    ///
    /// # Errors
    /// Why tasks failed that ran on the way.
    pub fn settle(&self, region: Option<&Handle>, end: Instant) -> Result<bool, Error> {
        self.flush()?;
        Ok(match region {
            Some(region) => {
                let events = region.state().events();
                events.into_iter().all(|event| self.backends.wait_until(event, end))
            }
            None => {
                let outstanding: Vec<Event> =
                    self.lock().outstanding.iter().map(|command| command.event).collect();
                outstanding.into_iter().all(|event| self.backends.wait_until(event, end))
            }
        })
    }

    /// Adds an event that was met while a task was recorded.
    pub fn warn(&self, warning: Warning) {
        self.lock().warnings.push(warning);
        self.eventful.store(true, Ordering::Release);
    }

    /// The floating point events of everything that has run, since the last call.
    pub fn take_warnings(&self) -> Vec<Warning> {
        if !self.eventful.load(Ordering::Acquire) {
            return Vec::new();
        }
        let inner = &mut *self.lock();
        if !inner.reports.is_empty() {
            let backends = &self.backends;
            let warnings = &mut inner.warnings;
            inner.reports.retain(|pending| {
                let running = pending.events.iter().any(|&event| !backends.poll(event));
                if !running {
                    let line = |task: usize| pending.lines[task];
                    events::collect(&pending.launch, &pending.report, line, warnings);
                }
                running
            });
        }
        self.eventful.store(!inner.reports.is_empty(), Ordering::Release);
        std::mem::take(&mut inner.warnings)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn next_region(&self) -> u64 {
        self.regions.fetch_add(1, Ordering::Relaxed)
    }

    fn wait(&self, event: Event) -> Result<(), Error> {
        self.backends.wait(event).map_err(|error| Error::Device { message: error.0, line: Line::default() })
    }

    /// Copies what is newer elsewhere to the host and waits for every command on the region.
    fn bring_home(&self, region: &Arc<Region>, writes: bool) -> Result<u64, Error> {
        if region.is_exported() {
            self.meet(region)?;
        }
        let (address, events) = {
            let mut state = region.state();
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            let whole = crate::Span { low: 0, high: region.bytes };
            let full = |full: crate::OutOfMemory| self.out_of_memory(full, HOST, Line::default());
            if !state.is_at_home() {
                state.fetch(region, HOST, whole).map_err(full)?;
            }
            let address = state.address(HOST, region.bytes).map_err(full)?;
            if writes {
                state.written(HOST, whole);
            }
            (address, state.events())
        };
        events.into_iter().try_for_each(|event| self.wait(event))?;
        Ok(address)
    }

    /// Runs the tasks of the window, and begins the next.
    fn flush_locked(&self, inner: &mut Inner) -> Result<(), Error> {
        if inner.window.is_empty() {
            return Ok(());
        }
        let mut window = std::mem::take(&mut inner.window);
        window.seal();
        // Finding devices takes a fifth of a second: what a program has computed by then tells whether that is long.
        inner.points = inner.points.saturating_add(inner.work);
        if inner.points >= WORTH_A_SEARCH {
            self.backends.search();
        }
        let result = self.note_window(&window, inner).and_then(|()| self.run_window(&mut window, inner));
        window.clear();
        inner.window = window;
        inner.work = 0;
        inner.since = None;
        self.recorded.store(false, Ordering::Release);
        result
    }

    /// Runs a window that was sealed elsewhere.
    pub(crate) fn run_sealed(&self, mut window: Window) -> Result<(), Error> {
        self.run_window(&mut window, &mut self.lock())
    }

    /// Records a sealed window, if the stream is recorded, after the bytes that entered it from outside.
    fn note_window(&self, window: &Window, inner: &Inner) -> Result<(), Error> {
        let Some(recorder) = &self.recorder else { return Ok(()) };
        let mut recorder = recorder.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for region in window.regions.iter().filter(|region| Recorder::wants_data(region)) {
            if region.state().has_bytes() {
                let address = self.bring_home(region, false)?;
                // SAFETY: the region's bytes lie at its host address, and no command uses them.
                recorder.data(region.id, unsafe {
                    std::slice::from_raw_parts(address as *const u8, region.bytes)
                });
            }
        }
        recorder.window(window, &inner.kernels);
        Ok(())
    }

    /// Notes what the program reads, if the stream is recorded.
    fn note_read(&self, region: &Region, address: u64) {
        if let Some(recorder) = &self.recorder {
            // SAFETY: the region's bytes lie at its host address, and no command uses them.
            let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, region.bytes) };
            let mut recorder = recorder.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if Recorder::wants_data(region) {
                recorder.data(region.id, bytes);
            }
            recorder.read(region.id, bytes);
        }
    }

    /// The list of stages, one call each.
    fn run_window(&self, window: &mut Window, inner: &mut Inner) -> Result<(), Error> {
        let _span = tracing::trace_span!("window", tasks = window.len()).entered();
        if self.machine().memories.len() > 1 {
            window.locate();
            window.words.push(self.preferred.load(Ordering::Relaxed) as u64);
        }
        let plan = inner.plans.get(&window.words, || {
            let _span = tracing::trace_span!("plan").entered();
            let decoded = decode(&window.words, window.len(), window.regions.len(), &inner.kernels);
            let edges = edges(&decoded.tasks);
            let Fused { launches, spares } = fuse(&decoded, &edges, &self.settings);
            self.show(&decoded, &edges, &launches);
            // A device has its own caches, and takes launches one by one.
            let launches = if self.machine().backends.len() == 1 {
                join(launches, &decoded, &self.settings)
            } else {
                launches
            };
            if self.settings.debug >= 3 {
                let joined = launches.iter().filter(|launch| matches!(*launch.kernel, Kernel::Blocks(_)));
                joined.for_each(|launch| eprintln!("  joined: {launch}"));
            }
            let mut places = decoded.places;
            places.resize(places.len() + spares.len(), Places::default());
            let mapped = |launch: Launch| {
                let mapping = self.map(&launch, &mut places);
                (launch, mapping)
            };
            Plan::new(launches.into_iter().map(mapped).collect(), &decoded.dead, spares)
        });
        inner.statistics.windows += 1;
        inner.statistics.tasks += window.len() as u64;
        self.learn_from(window.len(), plan.launches.len());
        let named = window.regions.len();
        window.regions.extend(plan.spares.iter().map(|&bytes| self.create(bytes).region().clone()));
        inner.retired.retain(|region| !region.state().is_idle());
        let mut result = Ok(());
        for planned in &plan.launches {
            result = result.and(self.issue(planned, window, inner));
            // What nobody needs any more gives its bytes back before the next launch takes some.
            planned.releases.iter().for_each(|&role| window.regions[role as usize] = self.nothing.clone());
        }
        // What was read before it was exchanged may be read still.
        inner.retired.extend(window.regions.drain(named..).filter(|region| !region.state().is_idle()));
        result
    }

    /// Asks the mapper about a launch, and notes where its arguments are afterwards.
    fn map(&self, launch: &Launch, places: &mut [Places]) -> Mapping {
        let machine = self.machine();
        let reach = if machine.backends.len() > 1 { reach(launch) } else { 0 };
        let mut tight: SmallVec<[MemoryId; 2]> = SmallVec::new();
        let able: SmallVec<[ProcessorId; 8]> = (machine.processors.iter())
            .filter(|processor| {
                let position = processor.backend;
                // What nobody supports is the first backend's to refuse.
                position == 0 || launch.prepared_by(position, &**self.backends.get(position)).is_some()
            })
            .filter(|processor| {
                let memory = machine.memory(processor.memory);
                if processor.backend == 0 || reach <= memory.bytes {
                    return true;
                }
                let passes = ranges_through(launch, (0, launch.extent), memory).is_some();
                if passes {
                    tight.push(memory.id);
                }
                passes
            })
            .map(|processor| processor.id)
            .collect();
        let preferred =
            |id: &ProcessorId| machine.processor(*id).backend + 1 == self.preferred.load(Ordering::Relaxed);
        let able: SmallVec<[ProcessorId; 8]> =
            if able.iter().any(preferred) { able.into_iter().filter(preferred).collect() } else { able };
        let mapping = map(&Question { launch, machine, able: &able, places, tight: &tight }, &*self.mapper);
        let read = launch.args.iter().filter(|arg| arg.privilege.reads());
        let fresh = Places::from(read.map(|arg| places[arg.role as usize]));
        for (at, arg) in launch.args.iter().enumerate() {
            let place = &mut places[arg.role as usize];
            let place_of = |piece: &crate::Piece| if piece.passes { HOST } else { piece.memories[at] };
            let memories = mapping.pieces.iter().map(place_of);
            if arg.privilege.writes() {
                *place = fresh;
            }
            memories.for_each(|memory| place.add(memory));
        }
        launch.exchanges.iter().for_each(|&(a, b)| places.swap(a as usize, b as usize));
        mapping
    }

    fn show(&self, decoded: &Decoded, edges: &[Edge], launches: &[Launch]) {
        if self.settings.check {
            let problem = crate::verify::check(decoded, edges, launches);
            assert!(problem.is_none(), "a stage broke its promise: {}", problem.unwrap_or_default());
        }
        if self.settings.debug >= 5 {
            edges.iter().for_each(|edge| eprintln!("  edge {edge}"));
        }
        if self.settings.debug >= 3 {
            eprintln!("window of {} tasks, {} launches", decoded.tasks.len(), launches.len());
            decoded.tasks.iter().enumerate().for_each(|(at, task)| eprintln!("  task {at}: {task}"));
            launches.iter().for_each(|launch| eprintln!("  launch: {launch}"));
        }
    }

    fn show_run(
        &self,
        launch: &Launch,
        mapping: &Mapping,
        events: &[Event],
        line: Line,
        started: Instant,
    ) -> Result<(), Error> {
        events.iter().try_for_each(|&event| self.wait(event))?;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!(
            "run {:<9} {:>12} points {:>9.1} us {:>6.1} GB/s {:>2} tasks  {mapping}  line {}",
            launch.kernel.name(),
            launch.extent,
            seconds * 1e6,
            launch.bytes() as f64 / seconds / 1e9,
            launch.tasks.len(),
            line.0,
        );
        Ok(())
    }
}
