//! Room in memories that are full: what nobody uses now gives its bytes back, and what has no room at all passes through.

use super::{HOST, Inner, Runtime};
use crate::mapping::touched;
use crate::{
    Allocation, Backend, Event, Launch, MemoryId, OutOfMemory, Piece, Place, Region, Role, Span, Window,
};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::sync::{Arc, Weak};

/// The regions that have had bytes in other memories than the host's, and some that have none there any more.
#[derive(Default)]
pub(super) struct Residents {
    regions: Vec<Weak<Region>>,
    /// How many may be noted before those that are gone are forgotten.
    bound: usize,
}

/// Fewest regions among which those that are gone are looked for.
const FEW: usize = 64;

impl Residents {
    /// Notes a region.
    pub(super) fn note(&mut self, region: &Arc<Region>) {
        if self.regions.len() >= self.bound {
            let known = self.alive();
            self.bound = 2 * known.len() + FEW;
            self.regions = known.iter().map(Arc::downgrade).collect();
        }
        self.regions.push(Arc::downgrade(region));
    }

    /// Those that are not gone, each once.
    fn alive(&self) -> Vec<Arc<Region>> {
        let mut seen = FxHashSet::default();
        self.regions.iter().filter_map(Weak::upgrade).filter(|region| seen.insert(region.id)).collect()
    }
}

/// Bytes that a piece has in a memory while it passes through it.
pub(super) struct Passing<'a> {
    backend: &'a Arc<dyn Backend>,
    allocation: Option<Allocation>,
    pub(super) role: Role,
    /// The bytes of the region that lie there.
    span: Span,
    /// The address that byte 0 of the region would have.
    pub(super) base: u64,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.allocation.take().into_iter().for_each(|allocation| self.backend.free(allocation));
    }
}

/// Kernels may rely on how the bytes of a region lie to multiples of this.
const ALIGNMENT: usize = 256;

impl Runtime {
    /// Does what a memory had no room for, after giving back bytes there: first those of what is running and then needed by
    /// nobody, then those of regions that the launch does not use, the least recently used first.
    ///
    /// # Errors
    /// That nothing more can be given back, or that so many bytes would never have room.
    pub(super) fn with_room<T>(
        &self,
        full: OutOfMemory,
        memory: MemoryId,
        launch: &Launch,
        window: &Window,
        inner: &mut Inner,
        take: &mut dyn FnMut() -> Result<T, OutOfMemory>,
    ) -> Result<T, OutOfMemory> {
        if full.bytes > self.machine().memory(memory).bytes {
            return Err(full);
        }
        for region in window.regions.iter().chain(&inner.retired) {
            let events = region.state().events();
            events.into_iter().for_each(|event| drop(self.backends.wait(event)));
        }
        inner.retired.clear();
        let mut taken = take();
        if memory == HOST {
            return taken;
        }
        let needed: FxHashSet<u64> =
            launch.args.iter().map(|arg| window.regions[arg.role as usize].id).collect();
        let mut candidates: Vec<(u64, Arc<Region>)> = (inner.residents.alive().into_iter())
            .filter(|region| !needed.contains(&region.id))
            .filter_map(|region| {
                let used = region.state().used(memory);
                used.map(|used| (used, region))
            })
            .collect();
        candidates.sort_by_key(|&(used, ref region)| (used, region.id));
        for (_, region) in candidates {
            if taken.is_ok() {
                break;
            }
            let evicted = region.state().evict(&region, memory);
            if let Some(copied) = evicted {
                inner.statistics.copied += copied as u64;
                inner.statistics.evicted += region.bytes as u64;
                taken = take();
            }
        }
        taken
    }

    /// Takes memory for what a piece touches, and has what it may read of that brought there from the host's.
    ///
    /// # Errors
    /// The memory that has no room.
    pub(super) fn bring_in(
        &self,
        launch: &Launch,
        window: &Window,
        piece: &Piece,
        inner: &mut Inner,
    ) -> Result<Vec<Passing<'_>>, (OutOfMemory, MemoryId)> {
        let memory = piece.memories.first().copied().unwrap_or(HOST);
        let backend = self.backends.of_memory(memory);
        let mut passing: Vec<Passing<'_>> = Vec::new();
        for (role, span) in touched(launch, piece.first, piece.last) {
            let region = &window.regions[role as usize];
            let mut home = region.state().address(HOST, region.bytes);
            if let Err(full) = home {
                let take = &mut || region.state().address(HOST, region.bytes);
                home = self.with_room(full, HOST, launch, window, inner, take);
            }
            let home = home.map_err(|full| (full, HOST))?;
            let low = span.low / ALIGNMENT * ALIGNMENT;
            let bytes = span.high.max(low + 1) - low;
            let mut taken = backend.alloc(memory, bytes);
            if let Err(full) = taken {
                let take = &mut || backend.alloc(memory, bytes);
                taken = self.with_room(full, memory, launch, window, inner, take);
            }
            let allocation = taken.map_err(|full| (full, memory))?;
            let base = allocation.address.wrapping_sub(low as u64);
            passing.push(Passing { backend, allocation: Some(allocation), role, span, base });
            // What a piece does not overwrite as a whole is brought back as it was.
            let keeps = launch.args.iter().any(|arg| arg.role == role && !arg.overwrites());
            if !keeps || span.bytes() == 0 {
                continue;
            }
            let mut state = region.state();
            let fetched = state.fetch(region, HOST, span).map_err(|full| (full, HOST))?;
            let mut after = SmallVec::new();
            state.before(HOST, span, false, &mut after);
            let event = self.backends.copy(
                Place { memory: HOST, address: home + span.low as u64 },
                Place { memory, address: base.wrapping_add(span.low as u64) },
                span.bytes(),
                region,
                &after,
            );
            state.note(HOST, span, false, event);
            inner.statistics.copied += (fetched + span.bytes()) as u64;
        }
        Ok(passing)
    }

    /// Brings what a piece wrote to the host's memory, waits for it, and gives the memory back that it had.
    pub(super) fn bring_back(
        &self,
        launch: &Launch,
        window: &Window,
        piece: &Piece,
        passing: Vec<Passing<'_>>,
        event: Event,
        inner: &mut Inner,
    ) {
        let memory = piece.memories.first().copied().unwrap_or(HOST);
        let ran = self.backends.wait(event).is_ok();
        let mut copies: SmallVec<[Event; 8]> = SmallVec::new();
        for arg in launch.args.iter().filter(|arg| arg.privilege.writes()) {
            let span = arg.span_of(piece.first, piece.last);
            let Some(from) =
                passing.iter().find(|passing| passing.role == arg.role && passing.span.contains(span))
            else {
                continue;
            };
            let region = &window.regions[arg.role as usize];
            let mut state = region.state();
            let home = state.address(HOST, region.bytes);
            let mut end = event;
            // Who asks for what was not computed is told why.
            if ran && let Ok(home) = home {
                let mut after = SmallVec::from_slice(&[event]);
                state.before(HOST, span, true, &mut after);
                end = self.backends.copy(
                    Place { memory, address: from.base.wrapping_add(span.low as u64) },
                    Place { memory: HOST, address: home + span.low as u64 },
                    span.bytes(),
                    region,
                    &after,
                );
                inner.statistics.copied += span.bytes() as u64;
                copies.push(end);
            }
            state.written(HOST, span);
            state.note(HOST, span, true, end);
        }
        copies.into_iter().for_each(|event| drop(self.backends.wait(event)));
    }
}
