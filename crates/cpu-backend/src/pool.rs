//! Worker threads and the commands they run: a graph in which every command waits for earlier ones.
//!
//! ```text
//! submit:  note the command behind its unfinished predecessors; if there are none it is ready
//! worker:  take a ready command of its group, run it, release its successors, repeat; then spin, then sleep
//! wait:    until the command is finished: run ready commands of any group; then spin, then sleep
//! ```
//!
//! One lock guards the graph. It is held for some tens of nanoseconds per command, and commands take microseconds
//! at least, because the runtime runs smaller ones inline. Why this is not rayon: `docs/decisions/0003`.

use maniple_runtime::DeviceError;
use smallvec::SmallVec;
use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::hint;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a command does.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// How long a thread without work looks for some before it sleeps: longer than a wake-up takes, so that a stream of
/// medium commands pays for none, and short enough that an idle program costs nothing.
const PATIENCE: Duration = Duration::from_micros(50);

/// How many commands from the oldest unfinished one on can be asked about without the lock.
const FLAGGED: u64 = 4096;

/// Groups of worker threads. They start with the first command.
pub(crate) struct Pool {
    /// Number of threads of each group.
    threads: Vec<usize>,
    /// An `Arc` turned into a pointer; replaced only in the child of a fork, where the threads are gone.
    current: AtomicPtr<Shared>,
}

struct Shared {
    /// How often this process's ancestors had forked when this was made.
    forks: usize,
    graph: Mutex<Graph>,
    /// Number of ready commands per group, for threads that spin.
    ready: Vec<AtomicUsize>,
    /// Every command below this serial is finished.
    finished_below: AtomicU64,
    /// A bit for each of the next [`FLAGGED`] serials, at the serial's remainder: whether the command is finished.
    flags: Box<[AtomicU64]>,
    /// The next serial to be given.
    next: AtomicU64,
    /// How many commands are finished.
    finished: AtomicU64,
    /// How many commands failed.
    failed: AtomicUsize,
    /// What sleeping workers of each group wait for.
    work_arrived: Vec<Condvar>,
    /// What sleeping callers of [`Pool::wait`] wait for.
    progress: Condvar,
    /// Serials of the commands that a fork may have lost.
    lost: Range<u64>,
}

struct Graph {
    /// The serial of the first command in `window`.
    base: u64,
    /// Commands from the oldest unfinished one on; `None` where finished.
    window: VecDeque<Option<Command>>,
    groups: Vec<Group>,
    failures: HashMap<u64, DeviceError>,
    /// Callers asleep in [`Pool::wait`].
    sleeping_callers: usize,
    started: bool,
    closed: bool,
}

#[derive(Default)]
struct Group {
    ready: VecDeque<u64>,
    spinning: usize,
    sleeping: usize,
}

struct Command {
    work: Option<Work>,
    group: usize,
    /// How many predecessors are unfinished.
    waiting: usize,
    successors: SmallVec<[u64; 4]>,
    /// Why a predecessor failed, in which case the work is dropped.
    failure: Option<DeviceError>,
}

/// A command taken out of the graph to be run.
struct Job {
    serial: u64,
    work: Work,
    failure: Option<DeviceError>,
}

impl Pool {
    /// A pool with one group for each entry of `threads`, each of which is at least one.
    pub(crate) fn new(threads: Vec<usize>) -> Pool {
        static WATCH: Once = Once::new();
        // SAFETY: the handler only adds to a counter, which is allowed in the child of a fork.
        WATCH.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(count_fork));
        });
        assert!(threads.iter().all(|&threads| threads > 0), "a group needs a thread");
        let shared = Shared::new(threads.len(), 1, 0..0);
        Pool { threads, current: AtomicPtr::new(Arc::into_raw(shared).cast_mut()) }
    }

    /// Adds a command for a group, to be run after the commands `after`, and returns its serial number.
    pub(crate) fn submit(&self, group: usize, work: Work, after: impl Iterator<Item = u64>) -> u64 {
        let shared = self.shared();
        let mut graph = shared.lock();
        if !graph.started {
            graph.started = true;
            self.start();
        }
        let serial = graph.base + graph.window.len() as u64;
        shared.next.store(serial + 1, Ordering::Relaxed);
        let mut command =
            Command { work: Some(work), group, waiting: 0, successors: SmallVec::new(), failure: None };
        for before in after {
            match graph.command(before) {
                Some(predecessor) => {
                    predecessor.successors.push(serial);
                    command.waiting += 1;
                }
                None => command.failure = command.failure.or_else(|| graph.failures.get(&before).cloned()),
            }
        }
        let ready = command.waiting == 0;
        graph.window.push_back(Some(command));
        if ready {
            graph.groups[group].ready.push_back(serial);
            shared.announce(&mut graph, group, 1);
        }
        serial
    }

    /// A serial number for a command that failed before it was queued.
    pub(crate) fn submit_failed(&self, error: DeviceError) -> u64 {
        let shared = self.shared();
        let mut graph = shared.lock();
        let serial = graph.base + graph.window.len() as u64;
        shared.next.store(serial + 1, Ordering::Relaxed);
        graph.window.push_back(None);
        shared.flag(graph.base, serial);
        graph.failures.insert(serial, error);
        shared.failed.fetch_add(1, Ordering::Release);
        shared.advance(&mut graph);
        serial
    }

    /// Whether a command is known to be finished. Takes no lock, since the runtime asks more often than it submits; far
    /// ahead of the oldest unfinished command the answer may be no for a command that is finished.
    pub(crate) fn poll(&self, serial: u64) -> bool {
        let shared = self.shared();
        let base = shared.finished_below.load(Ordering::Acquire);
        if serial < base {
            return true;
        }
        // A bit that is cleared, or used for a later command, in between belonged to a command that is finished.
        serial - base < FLAGGED && {
            let word = shared.flags[(serial % FLAGGED / 64) as usize].load(Ordering::Acquire);
            word >> (serial % 64) & 1 != 0
        }
    }

    /// Runs commands until the given one is finished; its error if it or one it depends on failed.
    pub(crate) fn wait(&self, serial: u64) -> Result<(), DeviceError> {
        let shared = self.shared();
        if shared.lost.contains(&serial) {
            return Err(DeviceError("the process forked before the command was finished".into()));
        }
        if serial < shared.finished_below.load(Ordering::Acquire)
            && shared.failed.load(Ordering::Acquire) == 0
        {
            return Ok(());
        }
        self.help_until(serial, None);
        shared.lock().failures.get(&serial).map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Runs commands until the given one is finished, or, between two of them, until an instant has passed. Answers
    /// whether it is finished.
    pub(crate) fn help_until(&self, serial: u64, end: Option<Instant>) -> bool {
        let shared = self.shared();
        let mut graph = shared.lock();
        while graph.command(serial).is_some() {
            if end.is_some_and(|end| Instant::now() >= end) {
                return false;
            }
            graph = match shared.take_any(&mut graph) {
                Some(job) => shared.run(graph, job),
                None => shared.await_progress(graph, end),
            };
        }
        true
    }

    fn shared(&self) -> &Shared {
        // SAFETY: the pointer comes from an `Arc` that lives until the pool is dropped.
        let shared = unsafe { &*self.current.load(Ordering::Acquire) };
        if shared.forks == FORKS.load(Ordering::Relaxed) { shared } else { self.restart(shared) }
    }

    /// Replaces the state that a fork left behind. The old one is leaked: its lock may be held by a thread that does
    /// not exist here.
    #[cold]
    fn restart(&self, old: &Shared) -> &Shared {
        let next = old.next.load(Ordering::Relaxed);
        let lost = old.finished_below.load(Ordering::Relaxed)..next;
        let fresh = Arc::into_raw(Shared::new(self.threads.len(), next, lost)).cast_mut();
        let expected = (old as *const Shared).cast_mut();
        match self.current.compare_exchange(expected, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: both pointers come from `Arc`s that live until the pool is dropped.
            Ok(_) => unsafe { &*fresh },
            Err(theirs) => {
                // SAFETY: the pointer was made above and given to nobody.
                drop(unsafe { Arc::from_raw(fresh) });
                // SAFETY: as above.
                unsafe { &*theirs }
            }
        }
    }

    fn start(&self) {
        let pointer = self.current.load(Ordering::Acquire);
        for (group, &threads) in self.threads.iter().enumerate() {
            for thread in 0..threads {
                // SAFETY: the pointer comes from `Arc::into_raw`, and the pool still holds that `Arc`.
                let shared = unsafe {
                    Arc::increment_strong_count(pointer);
                    Arc::from_raw(pointer)
                };
                // Without a thread the command still runs: whoever waits for it runs it.
                let _ = thread::Builder::new()
                    .name(format!("maniple {group}.{thread}"))
                    .spawn(move || shared.serve(group));
            }
        }
    }
}

impl Drop for Pool {
    /// Workers finish what is ready and end by themselves: one of them may be the thread that drops the pool.
    fn drop(&mut self) {
        let pointer = *self.current.get_mut();
        // SAFETY: the pointer comes from `Arc::into_raw` and is not used after this.
        let shared = unsafe { Arc::from_raw(pointer) };
        if shared.forks == FORKS.load(Ordering::Relaxed) {
            shared.lock().closed = true;
            shared.work_arrived.iter().for_each(Condvar::notify_all);
        } else {
            std::mem::forget(shared);
        }
    }
}

impl Shared {
    fn new(groups: usize, base: u64, lost: Range<u64>) -> Arc<Shared> {
        let graph = Graph {
            base,
            window: VecDeque::new(),
            groups: (0..groups).map(|_| Group::default()).collect(),
            failures: HashMap::new(),
            sleeping_callers: 0,
            started: false,
            closed: false,
        };
        Arc::new(Shared {
            forks: FORKS.load(Ordering::Relaxed),
            graph: Mutex::new(graph),
            ready: (0..groups).map(|_| AtomicUsize::new(0)).collect(),
            finished_below: AtomicU64::new(base),
            flags: (0..FLAGGED / 64).map(|_| AtomicU64::new(0)).collect(),
            next: AtomicU64::new(base),
            finished: AtomicU64::new(0),
            failed: AtomicUsize::new(0),
            work_arrived: (0..groups).map(|_| Condvar::new()).collect(),
            progress: Condvar::new(),
            lost,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    fn serve(&self, group: usize) {
        let mut graph = self.lock();
        loop {
            if let Some(job) = self.take(&mut graph, group) {
                graph = self.run(graph, job);
                continue;
            }
            if graph.closed {
                return;
            }
            graph.groups[group].spinning += 1;
            drop(graph);
            spin_until(|| self.ready[group].load(Ordering::Relaxed) > 0);
            graph = self.lock();
            graph.groups[group].spinning -= 1;
            if graph.groups[group].ready.is_empty() && !graph.closed {
                graph.groups[group].sleeping += 1;
                graph = self.work_arrived[group].wait(graph).unwrap_or_else(PoisonError::into_inner);
                graph.groups[group].sleeping -= 1;
            }
        }
    }

    /// Lets a caller of [`Pool::wait`] spin, then sleep, until a command is finished or ready, or an instant has passed.
    fn await_progress<'a>(
        &'a self,
        graph: MutexGuard<'a, Graph>,
        end: Option<Instant>,
    ) -> MutexGuard<'a, Graph> {
        let finished = self.finished.load(Ordering::Relaxed);
        drop(graph);
        let news = || {
            self.finished.load(Ordering::Relaxed) != finished
                || self.ready.iter().any(|ready| ready.load(Ordering::Relaxed) > 0)
        };
        spin_until(news);
        let mut graph = self.lock();
        if !news() {
            graph.sleeping_callers += 1;
            graph = match end.map(|end| end.saturating_duration_since(Instant::now())) {
                None => self.progress.wait(graph).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.progress.wait_timeout(graph, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            graph.sleeping_callers -= 1;
        }
        graph
    }

    fn take(&self, graph: &mut Graph, group: usize) -> Option<Job> {
        let serial = graph.groups[group].ready.pop_front()?;
        self.ready[group].fetch_sub(1, Ordering::Relaxed);
        let command = graph.command(serial).expect("a ready command is unfinished");
        let work = command.work.take().expect("a command is taken once");
        Some(Job { serial, work, failure: command.failure.take() })
    }

    fn take_any(&self, graph: &mut Graph) -> Option<Job> {
        (0..self.ready.len()).find_map(|group| self.take(graph, group))
    }

    /// Runs a command without the lock, then notes that it is finished.
    fn run<'a>(&'a self, graph: MutexGuard<'a, Graph>, job: Job) -> MutexGuard<'a, Graph> {
        drop(graph);
        let Job { serial, work, failure } = job;
        let failure = match failure {
            Some(error) => {
                drop(work);
                Some(error)
            }
            None => catch(work).err(),
        };
        let mut graph = self.lock();
        self.finish(&mut graph, serial, failure);
        graph
    }

    fn finish(&self, graph: &mut Graph, serial: u64, failure: Option<DeviceError>) {
        let slot = (serial - graph.base) as usize;
        let command = graph.window[slot].take().expect("a command finishes once");
        self.flag(graph.base, serial);
        let mut released: SmallVec<[usize; 8]> = SmallVec::from_elem(0, graph.groups.len());
        // In front, last one first: what was just computed is still in the cache of whoever comes next.
        for &successor in command.successors.iter().rev() {
            let next = graph.command(successor).expect("a successor waits for this command");
            next.waiting -= 1;
            if let Some(error) = &failure {
                next.failure = Some(error.clone());
            }
            let (waiting, group) = (next.waiting, next.group);
            if waiting == 0 {
                graph.groups[group].ready.push_front(successor);
                released[group] += 1;
            }
        }
        if let Some(error) = failure {
            graph.failures.insert(serial, error);
            self.failed.fetch_add(1, Ordering::Release);
        }
        self.finished.fetch_add(1, Ordering::Relaxed);
        self.advance(graph);
        for (group, &count) in released.iter().enumerate().filter(|&(_, &count)| count > 0) {
            self.announce(graph, group, count);
        }
        if graph.sleeping_callers > 0 {
            self.progress.notify_all();
        }
    }

    /// Lets [`Pool::poll`] know that a command is finished, if it is near enough to the first of the window.
    fn flag(&self, base: u64, serial: u64) {
        if serial - base < FLAGGED {
            let word = &self.flags[(serial % FLAGGED / 64) as usize];
            word.fetch_or(1 << (serial % 64), Ordering::Release);
        }
    }

    /// Drops the finished commands at the front of the window. Those that come near enough to it get their bits.
    fn advance(&self, graph: &mut Graph) {
        while let Some(None) = graph.window.front() {
            graph.window.pop_front();
            let freed = graph.base;
            graph.base += 1;
            let word = &self.flags[(freed % FLAGGED / 64) as usize];
            word.fetch_and(!(1 << (freed % 64)), Ordering::Release);
            if graph.window.get(FLAGGED as usize - 1).is_some_and(Option::is_none) {
                self.flag(graph.base, freed + FLAGGED);
            }
        }
        self.finished_below.store(graph.base, Ordering::Release);
    }

    /// Wakes as many threads as `count` new ready commands of a group need, beyond those that spin.
    fn announce(&self, graph: &mut Graph, group: usize, count: usize) {
        self.ready[group].fetch_add(count, Ordering::Relaxed);
        let Group { ready, spinning, sleeping } = &graph.groups[group];
        let wanted = ready.len().saturating_sub(*spinning).min(count);
        for _ in 0..wanted.min(*sleeping) {
            self.work_arrived[group].notify_one();
        }
        if wanted > *sleeping && graph.sleeping_callers > 0 {
            self.progress.notify_one();
        }
    }
}

impl Graph {
    /// The command of that serial number unless it is finished.
    fn command(&mut self, serial: u64) -> Option<&mut Command> {
        let slot = serial.checked_sub(self.base)?;
        self.window.get_mut(slot as usize)?.as_mut()
    }
}

/// Runs some work and turns a panic into an error.
pub(crate) fn catch(work: impl FnOnce()) -> Result<(), DeviceError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| DeviceError(message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a kernel panicked".into())
}

/// Looks at `done` until it is true or patience ends.
fn spin_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        for _ in 0..32 {
            if done() {
                return;
            }
            hint::spin_loop();
        }
    }
}

/// How many forks lie between this process and the one that loaded the library.
static FORKS: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    fn random(seed: &mut u64) -> usize {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 33) as usize
    }

    #[test]
    fn commands_run_once_and_after_those_they_wait_for() {
        let mut seed = 1;
        for round in 0..200 {
            let pool = Pool::new(vec![1; 1 + round % 3]);
            let count = 1 + random(&mut seed) % 60;
            let done: Arc<Vec<AtomicUsize>> = Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect());
            let wrong = Arc::new(AtomicBool::new(false));
            let mut serials: Vec<u64> = Vec::new();
            for this in 0..count {
                let before: Vec<usize> =
                    (0..this.min(random(&mut seed) % 4)).map(|_| random(&mut seed) % this).collect();
                let (work_done, work_wrong, work_before) = (done.clone(), wrong.clone(), before.clone());
                let pause = random(&mut seed) % 2000;
                let work: Work = Box::new(move || {
                    if work_before.iter().any(|&earlier| work_done[earlier].load(Ordering::Acquire) != 1) {
                        work_wrong.store(true, Ordering::Release);
                    }
                    (0..pause).for_each(|_| hint::spin_loop());
                    work_done[this].fetch_add(1, Ordering::Release);
                });
                let serial = pool.submit(
                    random(&mut seed) % pool.threads.len(),
                    work,
                    before.iter().map(|&b| serials[b]),
                );
                assert!(serial != 0);
                serials.push(serial);
                if random(&mut seed).is_multiple_of(10) {
                    pool.wait(serials[random(&mut seed) % serials.len()]).unwrap();
                }
            }
            for (this, &serial) in serials.iter().enumerate() {
                pool.wait(serial).unwrap();
                assert!(pool.poll(serial));
                assert_eq!(done[this].load(Ordering::Acquire), 1);
            }
            assert!(!wrong.load(Ordering::Acquire));
        }
    }

    #[test]
    fn a_panic_is_an_error_of_the_command_and_of_those_that_wait_for_it() {
        let pool = Pool::new(vec![1]);
        let ran = Arc::new(AtomicBool::new(false));
        let broken = pool.submit(0, Box::new(|| panic!("no {}", "luck")), [].into_iter());
        let note = ran.clone();
        let after =
            pool.submit(0, Box::new(move || note.store(true, Ordering::Release)), [broken].into_iter());
        let apart = pool.submit(0, Box::new(|| {}), [].into_iter());
        assert_eq!(pool.wait(after), Err(DeviceError("no luck".into())));
        assert_eq!(pool.wait(broken), Err(DeviceError("no luck".into())));
        assert_eq!(pool.wait(apart), Ok(()));
        assert!(!ran.load(Ordering::Acquire));
        let later = pool.submit(0, Box::new(|| {}), [broken].into_iter());
        assert_eq!(pool.wait(later), Err(DeviceError("no luck".into())));
        let failed = pool.submit_failed(DeviceError("early".into()));
        assert!(pool.poll(failed));
        assert_eq!(pool.wait(failed), Err(DeviceError("early".into())));
    }

    #[test]
    fn what_is_finished_is_known_though_an_older_command_runs() {
        let pool = Pool::new(vec![1]);
        for _ in 0..3 {
            let gate = Arc::new(AtomicBool::new(false));
            let opened = gate.clone();
            let work = move || {
                while !opened.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            };
            let oldest = pool.submit(0, Box::new(work), [].into_iter());
            let later: Vec<u64> =
                (0..FLAGGED + 100).map(|_| pool.submit(0, Box::new(|| {}), [].into_iter())).collect();
            assert!(!pool.poll(oldest));
            // The only worker may hold the oldest; the caller runs the rest.
            while pool.shared().ready[0].load(Ordering::Relaxed) == later.len() + 1 {
                thread::yield_now();
            }
            later.iter().for_each(|&serial| pool.wait(serial).unwrap());
            for &serial in &later {
                assert_eq!(pool.poll(serial), serial - oldest < FLAGGED, "{}", serial - oldest);
            }
            assert!(!pool.poll(oldest));
            gate.store(true, Ordering::Release);
            pool.wait(oldest).unwrap();
            assert!(pool.poll(oldest) && later.iter().all(|&serial| pool.poll(serial)));
        }
    }

    #[test]
    fn several_threads_may_submit_and_wait() {
        let pool = Pool::new(vec![2, 1]);
        let total = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for group in [0, 1, 0, 1] {
                let (pool, total) = (&pool, total.clone());
                scope.spawn(move || {
                    let mut last = Vec::new();
                    for _ in 0..500 {
                        let total = total.clone();
                        let work: Work = Box::new(move || {
                            total.fetch_add(1, Ordering::Relaxed);
                        });
                        last = vec![pool.submit(group, work, last.into_iter())];
                    }
                    pool.wait(last[0]).unwrap();
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 2000);
    }

    #[test]
    fn a_forked_child_gets_threads_of_its_own() {
        let pool = Pool::new(vec![1]);
        pool.wait(pool.submit(0, Box::new(|| {}), [].into_iter())).unwrap();
        let (gate, hold) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (opened, held) = (gate.clone(), hold.clone());
        let outstanding = pool.submit(
            0,
            Box::new(move || {
                held.store(true, Ordering::Release);
                while !opened.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            }),
            [].into_iter(),
        );
        while !hold.load(Ordering::Acquire) {
            thread::yield_now();
        }
        // SAFETY: the child runs only this crate's code and leaves by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let lost = pool.wait(outstanding).is_err() && pool.poll(outstanding);
            let works = pool.wait(pool.submit(0, Box::new(|| {}), [].into_iter())).is_ok();
            // SAFETY: ends the child at once, without handlers of the test harness.
            unsafe { libc::_exit(if lost && works { 0 } else { 1 }) };
        }
        gate.store(true, Ordering::Release);
        pool.wait(outstanding).unwrap();
        let mut status = 0;
        // SAFETY: waits for the child made above.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
    }
}
