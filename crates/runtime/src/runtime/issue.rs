//! Issuing: the commands of one launch, after its plan is known.

use super::room::Passing;
use super::{HOST, Inner, Outstanding, Pending, Runtime};
use crate::{
    Binding, Error, Event, Handoff, Launch, Line, Mapping, MemoryId, OutOfMemory, Planned, PointTask, Report,
    Window, events,
};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Launches on the host for which more memory than this was taken are not issued ahead of what has run. A program that
/// records faster than it computes would take new memory all the time, which costs more than computing: a program of
/// temporaries took twice as long with bounds beyond a gigabyte, and anything from 16 to 256 MiB was equally good: one launch
/// is always ahead, and launches that take so much run longer than the next one is planned.
const BYTES_AHEAD: usize = 16 << 20;
/// No more commands than this are issued ahead of what has run.
const MOST_AHEAD: usize = 4096;
/// A launch that would run at once but for what it waits for is worth the wait if what is outstanding touches no more bytes
/// than this: they take some microseconds, and queueing it would cost as much. Who waits takes part in what is waited for.
const BYTES_WORTH_A_WAIT: usize = 2 << 20;

impl Runtime {
    /// Issues the commands of one launch: takes memory, copies what is elsewhere, runs the pieces.
    pub(super) fn issue(&self, planned: &Planned, window: &Window, inner: &mut Inner) -> Result<(), Error> {
        let Planned { launch, mapping, .. } = planned;
        let line = launch.tasks.first().map_or(Line::default(), |&task| window.lines[task as usize]);
        let started = (self.settings.debug >= 2).then(Instant::now);
        let parts = launch.parts();
        let reports: Reports = (parts.iter())
            .map(|part| part.watched().then(|| Arc::new(Report::new(part.owners.len(), part.folds()))))
            .collect();
        let mut mapping = Cow::Borrowed(mapping);
        let mut one_memory = mapping.memory.is_some();
        let several = self.machine().memories.len() > 1;
        let mut events: SmallVec<[Event; 4]> = SmallVec::new();
        let mut uses: SmallVec<[Use; 8]> = SmallVec::new();
        let mut shared: Option<Arc<Binding>> = None;
        let mut at = 0;
        while at < mapping.pieces.len() {
            let mut ready = self.make_ready(launch, window, &mapping.pieces[at], inner);
            while let Err(NotReady::Full(..)) = ready
                && let Some(other) = self.elsewhere_from(at, &mapping, launch)
            {
                uses.drain(..).for_each(|usage| usage.note(launch, window));
                (mapping, one_memory, shared) = (Cow::Owned(other), false, None);
                ready = self.make_ready(launch, window, &mapping.pieces[at], inner);
            }
            let piece = &mapping.pieces[at];
            at += 1;
            let mut ready = match ready {
                Ok(ready) => ready,
                Err(NotReady::Failed(error)) => {
                    self.fail(launch, window, &error);
                    return Ok(());
                }
                Err(NotReady::Full(full, memory)) => {
                    let error = self.out_of_memory(full, memory, line);
                    self.fail(launch, window, &error);
                    return Err(error);
                }
            };
            if mapping.inline && !ready.after.is_empty() && self.little_is_outstanding(inner) {
                // A failure is the failure of what is waited for, and is told when somebody asks for that; a command that
                // is queued behind it fails as well.
                ready.after.retain(|event| self.backends.wait(*event).is_err());
            }
            let inline = mapping.inline && ready.after.is_empty();
            let binding = match shared.take() {
                Some(binding) if one_memory => binding,
                _ => Arc::new(self.bind(launch, window, ready.bases, &reports, inline)),
            };
            let event = self.run(launch, &binding, piece, inline, &ready.after, line)?;
            shared = Some(binding);
            if piece.passes {
                self.bring_back(launch, window, piece, ready.passing, event, inner);
                if !event.is_done() {
                    events.push(event);
                }
                continue;
            }
            for (at, (&span, &memory)) in ready.spans.iter().zip(&piece.memories).enumerate() {
                let usage = Use { arg: at, span, memory, event };
                if several {
                    usage.note_written(launch, window);
                }
                if event.is_done() {
                    continue;
                }
                // Pieces in one memory never wait for each other: their spans may overlap, their elements do not.
                if one_memory { uses.push(usage) } else { usage.note(launch, window) }
            }
            if !event.is_done() {
                events.push(event);
            }
        }
        uses.iter().for_each(|usage| usage.note(launch, window));
        if several {
            self.note_reads(launch, &mapping, window);
        }
        for &(role, other) in &launch.exchanges {
            let (one, other) = (&window.regions[role as usize], &window.regions[other as usize]);
            one.exchange(other);
            if several {
                inner.residents.note(one);
                inner.residents.note(other);
            }
        }
        inner.statistics.launches += 1;
        inner.statistics.pieces += mapping.pieces.len() as u64;
        for (&part, report) in parts.iter().zip(reports) {
            let Some(report) = report else { continue };
            let line = |task: usize| window.lines[part.tasks[task] as usize];
            if events.is_empty() {
                events::collect(part, &report, line, &mut inner.warnings);
            } else {
                let lines: Vec<Line> = (0..part.tasks.len()).map(line).collect();
                let events = events.clone();
                inner.reports.push(Pending { launch: part.clone(), report, lines, events });
            }
            if !(inner.reports.is_empty() && inner.warnings.is_empty()) {
                self.eventful.store(true, Ordering::Release);
            }
        }
        if let Some(started) = started {
            self.show_run(launch, &mapping, &events, line, started)?;
        }
        self.bound_run_ahead(launch, &events, inner)
    }

    /// Where the pieces from number `at` on run instead when a memory has no room: through it, if that is where all has to
    /// run that can, or else on the host's processors.
    fn elsewhere_from(&self, at: usize, mapping: &Mapping, launch: &Launch) -> Option<Mapping> {
        let machine = self.machine();
        let backend = machine.processor(mapping.pieces[at].processor).backend;
        let preferred = backend + 1 == self.preferred.load(Ordering::Relaxed);
        let passing = if preferred { mapping.passing_from(at, launch, machine) } else { None };
        passing.or_else(|| mapping.at_home_from(at, launch, machine))
    }

    /// Finds or takes the bytes that a piece needs, has missing ones copied, and says what must be complete first.
    fn make_ready(
        &self,
        launch: &Launch,
        window: &Window,
        piece: &crate::Piece,
        inner: &mut Inner,
    ) -> Result<Ready<'_>, NotReady> {
        let one_memory = self.machine().memories.len() == 1;
        let mut ready = Ready::default();
        if piece.passes {
            let failed =
                launch.args.iter().find_map(|arg| window.regions[arg.role as usize].state().failed.clone());
            if let Some(error) = failed {
                return Err(NotReady::Failed(error));
            }
            ready.passing = self
                .bring_in(launch, window, piece, inner)
                .map_err(|(full, memory)| NotReady::Full(full, memory))?;
            let base = |role| {
                ready.passing.iter().find(|passing| passing.role == role).map_or(0, |passing| passing.base)
            };
            ready.bases = launch.args.iter().map(|arg| base(arg.role)).collect();
            self.reserve(launch, window, piece, inner)?;
            return Ok(ready);
        }
        for (arg, &memory) in launch.args.iter().zip(&piece.memories) {
            let region = &window.regions[arg.role as usize];
            let mut state = region.state();
            if let Some(error) = &state.failed {
                return Err(NotReady::Failed(error.clone()));
            }
            let fresh = if state.is_in(memory) { 0 } else { region.bytes };
            let mut taken = state.address(memory, region.bytes);
            if let Err(full) = taken {
                drop(state);
                let take = &mut || region.state().address(memory, region.bytes);
                taken = self.with_room(full, memory, launch, window, inner, take);
                state = region.state();
            }
            ready.bases.push(taken.map_err(|full| NotReady::Full(full, memory))?);
            inner.taken += fresh;
            let span = arg.span_of(piece.first, piece.last);
            if !one_memory {
                if fresh > 0 && memory != HOST {
                    inner.residents.note(region);
                }
                state.touch(memory, inner.statistics.launches);
                if !arg.overwrites() {
                    let copied =
                        state.fetch(region, memory, span).map_err(|full| NotReady::Full(full, memory))?;
                    inner.statistics.copied += copied as u64;
                }
            }
            if !state.is_idle() {
                state.before(memory, span, arg.privilege.writes(), &mut ready.after);
            }
            ready.spans.push(span);
        }
        ready.after.retain(|event| !self.backends.poll(*event));
        if !one_memory {
            self.reserve(launch, window, piece, inner)?;
        }
        Ok(ready)
    }

    /// Has a device take what a piece needs beside its arguments.
    fn reserve(
        &self,
        launch: &Launch,
        window: &Window,
        piece: &crate::Piece,
        inner: &mut Inner,
    ) -> Result<(), NotReady> {
        let processor = self.machine().processor(piece.processor);
        let backend = self.backends.get(processor.backend);
        if processor.backend == 0 || launch.prepared_by(processor.backend, &**backend).is_none() {
            return Ok(());
        }
        let mut reserve = || backend.reserve(piece.processor, launch, piece.first, piece.last);
        let Err(full) = reserve() else { return Ok(()) };
        self.with_room(full, processor.memory, launch, window, inner, &mut reserve)
            .map_err(|full| NotReady::Full(full, processor.memory))
    }

    /// The error that a memory has no room.
    pub(super) fn out_of_memory(&self, full: OutOfMemory, memory: MemoryId, line: Line) -> Error {
        let memory = self.machine().memory(memory);
        Error::OutOfMemory { bytes: full.bytes, memory: memory.name.clone(), capacity: memory.bytes, line }
    }

    /// Counts that the host's processors read what a device might read faster: at some point moving it there pays. What
    /// is computed from it is as warm.
    fn note_reads(&self, launch: &Launch, mapping: &Mapping, window: &Window) {
        let machine = self.machine();
        if machine.backends.len() == 1 {
            return;
        }
        let home = mapping.memory.is_some_and(|memory| machine.memory(memory).backend == 0);
        let mut most = 0;
        for arg in launch.args.iter().filter(|arg| arg.privilege.reads()) {
            let mut state = window.regions[arg.role as usize].state();
            let reads = if home { state.reads().saturating_add(1) } else { 0 };
            state.set_reads(reads);
            most = most.max(reads);
        }
        for arg in launch.args.iter().filter(|arg| arg.privilege.writes()) {
            window.regions[arg.role as usize].state().set_reads(most);
        }
    }

    fn bind(
        &self,
        launch: &Launch,
        window: &Window,
        bases: SmallVec<[u64; 8]>,
        reports: &Reports,
        inline: bool,
    ) -> Binding {
        Binding {
            bases,
            scalars: launch.scalars.iter().map(|&at| window.scalars[at as usize]).collect(),
            report: reports.first().cloned().flatten(),
            reports: if reports.len() > 1 { reports.to_vec() } else { Vec::new() },
            // What runs before `run` returns is kept alive by the window.
            keep: if inline {
                SmallVec::new()
            } else {
                launch.args.iter().map(|arg| window.regions[arg.role as usize].clone()).collect()
            },
        }
    }

    fn run(
        &self,
        launch: &Arc<Launch>,
        binding: &Arc<Binding>,
        piece: &crate::Piece,
        inline: bool,
        after: &[Event],
        line: Line,
    ) -> Result<Event, Error> {
        let position = self.machine().processor(piece.processor).backend;
        let backend = self.backends.get(position);
        if launch.prepared_by(position, &**backend).is_none() {
            return Err(Error::Unsupported { kernel: launch.kernel.to_string(), line });
        }
        let (own, foreign): (SmallVec<[Event; 8]>, SmallVec<[Event; 8]>) =
            after.iter().copied().partition(|event: &Event| event.backend as usize == position);
        foreign.into_iter().try_for_each(|event| self.wait(event))?;
        let handoff = if inline { Handoff::Inline } else { Handoff::Queue };
        let point = PointTask { launch, binding, first: piece.first, last: piece.last };
        Ok(backend.run(piece.processor, point, handoff, &own))
    }

    /// What a launch would have made has no value; what it would have changed keeps its old one.
    fn fail(&self, launch: &Launch, window: &Window, error: &Error) {
        for arg in launch.args.iter().filter(|arg| arg.privilege.writes()) {
            let mut state = window.regions[arg.role as usize].state();
            if !state.has_bytes() {
                state.failed = Some(error.clone());
            }
        }
    }

    /// Whether what is issued and not complete touches few bytes, all of them in the host's memory.
    fn little_is_outstanding(&self, inner: &mut Inner) -> bool {
        self.forget_completed(inner);
        inner.outstanding_bytes <= BYTES_WORTH_A_WAIT
            && inner.outstanding.iter().all(|command| command.event.backend == 0)
    }

    /// Forgets the oldest commands as far as they are complete.
    pub(super) fn forget_completed(&self, inner: &mut Inner) {
        while let Some(oldest) = inner.outstanding.front()
            && self.backends.poll(oldest.event)
        {
            inner.forget_oldest();
        }
    }

    /// Keeps the memory that issued launches took below a bound; the latest launch is never waited for.
    fn bound_run_ahead(&self, launch: &Launch, events: &[Event], inner: &mut Inner) -> Result<(), Error> {
        let memory = std::mem::take(&mut inner.taken);
        let Some((&last, others)) = events.split_last() else { return Ok(()) };
        let bytes = launch.bytes();
        inner.outstanding_bytes += bytes;
        inner.outstanding_memory += memory;
        let part = |&event| Outstanding { event, bytes: 0, memory: 0 };
        inner.outstanding.extend(others.iter().map(part));
        inner.outstanding.push_back(Outstanding { event: last, bytes, memory });
        self.issued.store(true, Ordering::Release);
        let on_host = events.iter().all(|event| event.backend == 0);
        let most = if on_host { BYTES_AHEAD } else { self.machine().memory(HOST).bytes / 4 };
        while let Some(&Outstanding { event, .. }) = inner.outstanding.front() {
            let done = self.backends.poll(event);
            let few = inner.outstanding_memory <= most && inner.outstanding.len() < MOST_AHEAD;
            if !done && (few || inner.outstanding.len() <= events.len()) {
                break;
            }
            inner.forget_oldest();
            if !done {
                self.wait(event)?;
            }
        }
        Ok(())
    }
}

impl Inner {
    fn forget_oldest(&mut self) {
        if let Some(Outstanding { bytes, memory, .. }) = self.outstanding.pop_front() {
            self.outstanding_bytes -= bytes;
            self.outstanding_memory -= memory;
        }
    }
}

/// Where each part of a launch reports floating point events.
type Reports = SmallVec<[Option<Arc<Report>>; 1]>;

/// What a piece needs before it can run.
#[derive(Default)]
struct Ready<'a> {
    bases: SmallVec<[u64; 8]>,
    spans: SmallVec<[crate::Span; 8]>,
    after: SmallVec<[Event; 8]>,
    /// Where its bytes are if it passes through its memory.
    passing: Vec<Passing<'a>>,
}

/// Why a piece cannot run.
enum NotReady {
    /// What it reads has no value.
    Failed(Error),
    /// A memory has no room.
    Full(OutOfMemory, MemoryId),
}

/// What a piece does to one argument.
struct Use {
    arg: usize,
    span: crate::Span,
    memory: MemoryId,
    event: Event,
}

impl Use {
    fn note(&self, launch: &Launch, window: &Window) {
        let arg = &launch.args[self.arg];
        let mut state = window.regions[arg.role as usize].state();
        state.note(self.memory, self.span, arg.privilege.writes(), self.event);
    }

    fn note_written(&self, launch: &Launch, window: &Window) {
        let arg = &launch.args[self.arg];
        if arg.privilege.writes() {
            window.regions[arg.role as usize].state().written(self.memory, self.span);
        }
    }
}
