//! Instances: the bytes of regions in memories, which of them are up to date, and which commands still use them.

use crate::{Allocation, Backend, Error, Event, Machine, MemoryId, OutOfMemory, Place, Places, Region, Span};
use smallvec::SmallVec;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

/// The backends with the machine they make up: those that are there from the start, and those that a search finds.
pub struct Backends {
    first: Joined,
    all: OnceLock<Joined>,
    search: Mutex<Option<Search>>,
}

/// Finds more backends than those that are there.
pub type Search = Box<dyn FnOnce(&[Arc<dyn Backend>]) -> Vec<Arc<dyn Backend>> + Send>;

struct Joined {
    machine: Machine,
    list: Vec<Arc<dyn Backend>>,
}

impl Joined {
    fn new(list: Vec<Arc<dyn Backend>>) -> Joined {
        Joined { machine: Machine::join(list.iter().map(|backend| backend.describe()).collect()), list }
    }
}

impl Backends {
    /// Joins some backends to a machine. The first must own the host memory.
    pub fn new(list: Vec<Arc<dyn Backend>>) -> Backends {
        Backends { first: Joined::new(list), all: OnceLock::new(), search: Mutex::new(None) }
    }

    /// The same, with more to be found when it is worth a search.
    pub fn with_search(self, search: Search) -> Backends {
        Backends { search: Mutex::new(Some(search)), ..self }
    }

    /// Looks for more backends, the first time: the machine may be larger afterwards.
    pub fn search(&self) {
        let search = self.search.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(search) = search {
            let mut list = self.first.list.clone();
            list.extend(search(&self.first.list));
            let _ = self.all.set(Joined::new(list));
        }
    }

    /// The machine as far as it is known.
    pub fn machine(&self) -> &Machine {
        &self.joined().machine
    }

    /// The backend at a position.
    pub fn get(&self, position: usize) -> &Arc<dyn Backend> {
        &self.joined().list[position]
    }

    fn joined(&self) -> &Joined {
        self.all.get().unwrap_or(&self.first)
    }

    /// The backend that owns a memory.
    pub fn of_memory(&self, memory: MemoryId) -> &Arc<dyn Backend> {
        &self.joined().list[self.machine().memory(memory).backend]
    }

    /// Whether an event is complete.
    pub fn poll(&self, event: Event) -> bool {
        event.is_done() || self.joined().list[event.backend as usize].poll(event)
    }

    /// Copies bytes of a region between two memories after some events. Memories of the first backend are
    /// ordinary host memory; a copy between it and another's is that other one's.
    pub(crate) fn copy(
        &self,
        from: Place,
        to: Place,
        bytes: usize,
        keep: &Arc<Region>,
        after: &[Event],
    ) -> Event {
        let of = |place: Place| self.machine().memory(place.memory).backend;
        let position = of(from).max(of(to));
        let mut own: SmallVec<[Event; 8]> = SmallVec::new();
        for &event in after {
            if event.backend as usize == position {
                own.push(event);
            } else if let Err(error) = self.wait(event) {
                tracing::error!(error = error.0, "what a copy waited for failed");
            }
        }
        self.joined().list[position].copy(from, to, bytes, keep, &own)
    }

    /// Waits for an event.
    pub fn wait(&self, event: Event) -> Result<(), crate::DeviceError> {
        if event.is_done() { Ok(()) } else { self.joined().list[event.backend as usize].wait(event) }
    }

    /// Waits for an event, at least until an instant has passed, and answers whether it is over.
    pub fn wait_until(&self, event: Event, end: Instant) -> bool {
        event.is_done() || self.joined().list[event.backend as usize].wait_until(event, end)
    }
}

/// Sorted ranges of bytes that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(SmallVec<[Span; 1]>);

impl Spans {
    /// Adds a range.
    pub fn insert(&mut self, span: Span) {
        if span.bytes() == 0 {
            return;
        }
        let mut merged = span;
        self.0.retain(|known| {
            let apart = known.high < merged.low || merged.high < known.low;
            if !apart {
                merged = Span { low: merged.low.min(known.low), high: merged.high.max(known.high) };
            }
            apart
        });
        let at = self.0.iter().position(|known| known.low > merged.low).unwrap_or(self.0.len());
        self.0.insert(at, merged);
    }

    /// Takes a range out.
    pub fn remove(&mut self, span: Span) {
        if span.bytes() == 0 {
            return;
        }
        let mut left = SmallVec::new();
        for &known in &self.0 {
            if !known.overlaps(span) {
                left.push(known);
                continue;
            }
            if known.low < span.low {
                left.push(Span { low: known.low, high: span.low });
            }
            if span.high < known.high {
                left.push(Span { low: span.high, high: known.high });
            }
        }
        self.0 = left;
    }

    /// Number of bytes in the set.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|span| span.bytes()).sum()
    }

    /// The parts of `span` that are in the set.
    pub fn within(&self, span: Span) -> SmallVec<[Span; 2]> {
        (self.0.iter())
            .map(|known| Span { low: known.low.max(span.low), high: known.high.min(span.high) })
            .filter(|part| part.low < part.high)
            .collect()
    }

    /// The parts of `span` that are not in the set.
    pub fn missing(&self, span: Span) -> SmallVec<[Span; 2]> {
        let mut rest = Spans::default();
        rest.insert(span);
        self.0.iter().for_each(|&known| rest.remove(known));
        rest.0.into_iter().collect()
    }
}

/// The memory that the user's process sees.
const HOST: MemoryId = MemoryId(0);

/// Bytes in one memory that hold a whole region, as far as they are valid.
struct Instance {
    memory: MemoryId,
    address: u64,
    valid: Spans,
    /// What gives the bytes back: nobody, for memory that somebody else owns.
    allocation: Option<Allocation>,
    /// When a launch used it last, as a number that rises.
    used: u64,
}

/// A command that is not known to be complete.
struct Use {
    memory: MemoryId,
    span: Span,
    writes: bool,
    event: Event,
}

impl Use {
    /// Whether this use cannot end before the other, and is at least as wide.
    fn covers(&self, other: &Use) -> bool {
        self.memory == other.memory
            && self.writes >= other.writes
            && self.span.contains(other.span)
            && self.event.follows(other.event)
    }
}

/// Where a region's bytes are, and who uses them.
pub struct State {
    backends: Arc<Backends>,
    instances: SmallVec<[Instance; 1]>,
    uses: SmallVec<[Use; 2]>,
    reads: u8,
    /// The memory beside the host's that is shared with somebody outside, and how often.
    lent: Option<(MemoryId, usize)>,
    /// Keeps memory alive that somebody else owns.
    keeper: Option<Box<dyn Any + Send>>,
    /// Why the region has no value.
    pub(crate) failed: Option<Error>,
}

impl State {
    /// The state of a region without bytes.
    pub(crate) fn new(backends: Arc<Backends>) -> State {
        State {
            backends,
            instances: SmallVec::new(),
            uses: SmallVec::new(),
            reads: 0,
            lent: None,
            keeper: None,
            failed: None,
        }
    }

    /// The state of a region whose bytes are somebody else's, in some memory.
    pub(crate) fn external(
        backends: Arc<Backends>,
        memory: MemoryId,
        address: u64,
        bytes: usize,
        keeper: Box<dyn Any + Send>,
    ) -> State {
        let mut valid = Spans::default();
        valid.insert(Span { low: 0, high: bytes });
        let mut state = State::new(backends);
        state.instances.push(Instance { memory, address, valid, allocation: None, used: 0 });
        state.lent = (memory != HOST).then_some((memory, 1));
        state.keeper = Some(keeper);
        state
    }

    /// The address of the bytes if somebody else owns the memory.
    pub(crate) fn foreign_address(&self) -> Option<u64> {
        self.keeper.as_ref().and(self.instances.first()).map(|instance| instance.address)
    }

    /// The memory beside the host's that is shared with somebody outside.
    pub(crate) fn lent(&self) -> Option<MemoryId> {
        self.lent.map(|(memory, _)| memory)
    }

    /// Shares the bytes in the one memory beside the host's that holds all of them; answers where they are, if there is one.
    pub(crate) fn lend(&mut self, bytes: usize) -> Option<(MemoryId, u64)> {
        let found = self.whole_in(bytes)?;
        let times = self.lent.map_or(0, |(_, times)| times);
        self.lent = Some((found.0, times + 1));
        Some(found)
    }

    /// Ends what [`State::lend`] began; whether nobody shares the memory any more.
    pub(crate) fn end_loan(&mut self) -> bool {
        self.lent = self.lent.and_then(|(memory, times)| (times > 1).then_some((memory, times - 1)));
        self.lent.is_none()
    }

    /// The memory beside the host's that holds all bytes, and where they are in it.
    pub(crate) fn whole_in(&self, bytes: usize) -> Option<(MemoryId, u64)> {
        let whole = Span { low: 0, high: bytes };
        let is_whole = |instance: &&Instance| {
            instance.memory != HOST
                && self.lent.is_none_or(|(memory, _)| memory == instance.memory)
                && (self.instances.len() == 1 || instance.valid.missing(whole).is_empty())
        };
        let found = self.instances.iter().find(is_whole)?;
        Some((found.memory, found.address))
    }

    /// The memories that hold all or nearly all of what was written.
    pub(crate) fn places(&self) -> Places {
        let mut places = Places::default();
        if let [only] = &self.instances[..] {
            places.add(only.memory);
            return places.read(self.reads);
        }
        let most = self.instances.iter().map(|instance| instance.valid.bytes()).max().unwrap_or(0);
        for instance in self.instances.iter().filter(|instance| most > 0 && 2 * instance.valid.bytes() > most)
        {
            places.add(instance.memory);
        }
        places.read(self.reads)
    }

    /// How often the host's processors read the bytes, or those that they were computed from.
    pub(crate) fn reads(&self) -> u8 {
        self.reads
    }

    /// Sets what [`State::reads`] says.
    pub(crate) fn set_reads(&mut self, reads: u8) {
        self.reads = reads;
    }

    /// Whether no other memory than the host's holds bytes of it.
    pub(crate) fn is_at_home(&self) -> bool {
        self.instances.iter().all(|instance| instance.memory == MemoryId(0))
    }

    /// Whether a memory holds bytes of it.
    pub(crate) fn is_in(&self, memory: MemoryId) -> bool {
        self.instances.iter().any(|instance| instance.memory == memory)
    }

    /// Whether any memory holds bytes of it.
    pub(crate) fn has_bytes(&self) -> bool {
        !self.instances.is_empty()
    }

    /// The address of its bytes in a memory, taken now if there are none.
    pub(crate) fn address(&mut self, memory: MemoryId, bytes: usize) -> Result<u64, OutOfMemory> {
        if let Some(instance) = self.instances.iter().find(|instance| instance.memory == memory) {
            return Ok(instance.address);
        }
        let allocation = self.backends.of_memory(memory).alloc(memory, bytes)?;
        let address = allocation.address;
        // Where there is one memory nobody notes what is valid: until now everything was where it was.
        if let [only] = &mut self.instances[..] {
            only.valid.insert(Span { low: 0, high: bytes });
        }
        self.instances.push(Instance {
            memory,
            address,
            valid: Spans::default(),
            allocation: Some(allocation),
            used: 0,
        });
        Ok(address)
    }

    /// Notes that a launch uses the bytes in a memory.
    pub(crate) fn touch(&mut self, memory: MemoryId, now: u64) {
        self.instance(memory).used = now;
    }

    /// When a launch used the bytes in a memory last, if there are some that can be given back.
    pub(crate) fn used(&self, memory: MemoryId) -> Option<u64> {
        let own = |instance: &&Instance| {
            instance.memory == memory && instance.allocation.is_some() && self.lent.is_none()
        };
        self.instances.iter().find(own).map(|instance| instance.used)
    }

    /// Waits for the commands that use the bytes in a memory other than the host's, copies what is valid nowhere else to the
    /// host, and gives the bytes back. Answers how many bytes were copied; nothing if that could not be done.
    pub(crate) fn evict(&mut self, region: &Arc<Region>, memory: MemoryId) -> Option<usize> {
        let mut others = Spans::default();
        let (here, elsewhere): (Vec<&Instance>, Vec<&Instance>) =
            self.instances.iter().partition(|instance| instance.memory == memory);
        elsewhere.iter().flat_map(|instance| &instance.valid.0).for_each(|&span| others.insert(span));
        // What is in one memory only is valid as a whole, whatever has been noted of it.
        let whole = Span { low: 0, high: region.bytes };
        let lost: Vec<Span> = match here.first() {
            _ if elsewhere.is_empty() => vec![whole],
            Some(instance) => instance.valid.0.iter().flat_map(|&span| others.missing(span)).collect(),
            None => return None,
        };
        let mut copied = 0;
        for span in lost {
            copied += self.fetch(region, HOST, span).ok()?;
        }
        let events = self.uses.iter().filter(|usage| usage.memory == memory);
        for event in events.map(|usage| usage.event).collect::<Vec<_>>() {
            // What failed stays bound to its error.
            self.backends.wait(event).ok()?;
        }
        self.uses.retain(|usage| usage.memory != memory);
        let at = self.instances.iter().position(|instance| instance.memory == memory)?;
        let allocation = self.instances.remove(at).allocation?;
        self.backends.of_memory(memory).free(allocation);
        Some(copied)
    }

    /// Forgets commands that are complete; whether none is left.
    pub(crate) fn is_idle(&mut self) -> bool {
        if self.uses.is_empty() {
            return true;
        }
        let backends = &self.backends;
        self.uses.retain(|usage| !backends.poll(usage.event));
        self.uses.is_empty()
    }

    /// The commands that must be complete before a range of bytes in a memory is read, or written.
    pub(crate) fn before(
        &self,
        memory: MemoryId,
        span: Span,
        writes: bool,
        events: &mut SmallVec<[Event; 8]>,
    ) {
        for usage in &self.uses {
            if usage.memory == memory && (usage.writes || writes) && usage.span.overlaps(span) {
                events.push(usage.event);
            }
        }
    }

    /// Notes a command that uses a range of bytes in a memory.
    pub(crate) fn note(&mut self, memory: MemoryId, span: Span, writes: bool, event: Event) {
        if event.is_done() {
            return;
        }
        let usage = Use { memory, span, writes, event };
        // A command that runs after an older one of the same kind makes that one's note needless.
        match self.uses.iter_mut().find(|known| usage.covers(known)) {
            Some(known) => *known = usage,
            None => self.uses.push(usage),
        }
    }

    /// Makes a range valid in a memory by copies from wherever it is valid, and says how many bytes were copied.
    /// Bytes that are valid nowhere have never been written, and stay as they are.
    pub(crate) fn fetch(
        &mut self,
        region: &Arc<Region>,
        memory: MemoryId,
        span: Span,
    ) -> Result<usize, OutOfMemory> {
        let address = self.address(memory, region.bytes)?;
        let mut copied = 0;
        let missing = self.instance(memory).valid.missing(span);
        for hole in missing {
            let sources: Vec<(MemoryId, u64, SmallVec<[Span; 2]>)> = (self.instances.iter())
                .filter(|source| source.memory != memory)
                .map(|source| (source.memory, source.address, source.valid.within(hole)))
                .collect();
            let mut rest = Spans::default();
            rest.insert(hole);
            for (from, from_address, parts) in sources {
                for part in parts.iter().flat_map(|&part| rest.within(part)) {
                    let mut after = SmallVec::new();
                    self.before(from, part, false, &mut after);
                    self.before(memory, part, true, &mut after);
                    let event = self.backends.copy(
                        Place { memory: from, address: from_address + part.low as u64 },
                        Place { memory, address: address + part.low as u64 },
                        part.bytes(),
                        region,
                        &after,
                    );
                    self.note(from, part, false, event);
                    self.note(memory, part, true, event);
                    self.instance(memory).valid.insert(part);
                    copied += part.bytes();
                }
                parts.iter().for_each(|&part| rest.remove(part));
            }
        }
        Ok(copied)
    }

    /// Notes that a range has been written in a memory: it is valid there and nowhere else.
    pub(crate) fn written(&mut self, memory: MemoryId, span: Span) {
        for instance in &mut self.instances {
            if instance.memory == memory { instance.valid.insert(span) } else { instance.valid.remove(span) }
        }
    }

    /// The events of all commands that are not known to be complete.
    pub(crate) fn events(&self) -> SmallVec<[Event; 8]> {
        self.uses.iter().map(|usage| usage.event).collect()
    }

    fn instance(&mut self, memory: MemoryId) -> &mut Instance {
        let at = self
            .instances
            .iter()
            .position(|instance| instance.memory == memory)
            .expect("the instance exists");
        &mut self.instances[at]
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for instance in self.instances.drain(..) {
            if let Some(allocation) = instance.allocation {
                self.backends.of_memory(instance.memory).free(allocation);
            }
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} instances, {} uses", self.instances.len(), self.uses.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sets_of_bytes() {
        let mut seed = 7u64;
        let mut random = |n: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((seed >> 33) % n) as usize
        };
        for _ in 0..2000 {
            let mut spans = Spans::default();
            let mut bits = [false; 64];
            for _ in 0..12 {
                let low = random(64);
                let span = Span { low, high: low + random(65 - low as u64) };
                let add = random(2) == 0;
                if add {
                    spans.insert(span)
                } else {
                    spans.remove(span)
                }
                bits[span.low..span.high].fill(add);
            }
            let all = Span { low: 0, high: 64 };
            let mut seen = [false; 64];
            spans.within(all).iter().for_each(|part| seen[part.low..part.high].fill(true));
            assert_eq!(seen, bits);
            spans
                .missing(all)
                .iter()
                .for_each(|part| seen[part.low..part.high].iter_mut().for_each(|bit| *bit = !*bit));
            assert!(seen.iter().all(|&bit| bit));
        }
    }
}
