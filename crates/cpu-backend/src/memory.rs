//! Host memory: aligned allocations, pooled because memory that was touched before is ten times faster to write.

use maniple_runtime::{Brief, Held, OutOfMemory};
use std::alloc::{Layout, alloc, dealloc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::ptr;
use std::sync::OnceLock;

/// Alignment of every small allocation.
const ALIGNMENT: usize = 64;
/// The size of a huge page: allocations from here on are mapped, smaller ones come from the system's allocator.
const HUGE: usize = 2 << 20;
/// Size classes below [`HUGE`]: four per doubling, beginning with 64 bytes.
const CLASSES: usize = 64;
/// A pooled block serves a request if at most this part of the request would be wasted.
const WASTE: usize = 4;

/// One memory: hands out blocks, keeps what is given back for later, and counts the bytes in use.
///
/// Small blocks are of some size class and wait in one free list per class. Large ones are mapped at multiples of
/// 2 MiB, ask for huge pages, and wait in a pool that is searched for the best fit and trimmed oldest first.
pub(crate) struct Heap {
    limit: usize,
    state: Brief<State>,
}

#[derive(Default)]
struct State {
    /// Bytes handed out, as they were asked for.
    live: usize,
    /// Bytes kept for later.
    pooled: usize,
    small: Vec<Vec<usize>>,
    /// Pooled mappings by size, then age, with their address.
    by_size: BTreeSet<(usize, u64, usize)>,
    /// Pooled mappings by age: size and address.
    by_age: BTreeMap<u64, (usize, usize)>,
    /// How many mappings were given back so far; the age of the next one.
    age: u64,
    /// Sizes of the mappings handed out, by address.
    mapped: HashMap<usize, usize>,
}

/// Blocks to be given back to the system once the lock is released.
#[derive(Default)]
struct Doomed {
    mappings: Vec<(usize, usize)>,
    small: Vec<(usize, usize)>,
}

impl Heap {
    /// A memory that holds at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Heap {
        let state = State { small: vec![Vec::new(); CLASSES], ..State::default() };
        Heap { limit, state: Brief::new(state) }
    }

    /// The most bytes that can be handed out at a time.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Address of a block of at least `bytes` bytes, aligned to 64 bytes or to 2 MiB if it is that large.
    pub(crate) fn alloc(&self, bytes: usize) -> Result<usize, OutOfMemory> {
        let mut state = self.lock();
        if bytes > self.limit - state.live.min(self.limit) {
            return Err(OutOfMemory { bytes });
        }
        let pooled = if bytes < HUGE { state.take_small(bytes) } else { state.take_large(bytes) };
        if let Some(address) = pooled {
            state.live += bytes;
            return Ok(address);
        }
        // What is asked for, what is in use and what is kept must not exceed the limit together.
        let room = (self.limit - bytes).saturating_sub(state.live);
        let doomed = state.trim(room);
        state.live += bytes;
        drop(state);
        doomed.release();
        self.fresh(bytes).ok_or_else(|| {
            self.lock().live -= bytes;
            OutOfMemory { bytes }
        })
    }

    /// Takes back a block that [`Heap::alloc`] gave for `bytes` bytes.
    pub(crate) fn free(&self, address: usize, bytes: usize) {
        let mut state = self.lock();
        state.live -= bytes;
        if bytes < HUGE {
            let class = class_of(bytes);
            state.small[class].push(address);
            state.pooled += size_of_class(class);
        } else {
            let size = state.mapped.remove(&address).expect("the block came from this memory");
            let age = state.age;
            state.age += 1;
            state.by_size.insert((size, age, address));
            state.by_age.insert(age, (size, address));
            state.pooled += size;
        }
        // Programs free their temporaries and ask for the same again, so as much as is live may wait, and some more
        // for programs that free everything between two rounds.
        let bound = state.live + self.limit / 8;
        if state.pooled > bound {
            let doomed = state.trim(bound);
            drop(state);
            doomed.release();
        }
    }

    /// A block from the system, the pool being empty; its mapping is noted as handed out.
    fn fresh(&self, bytes: usize) -> Option<usize> {
        if bytes < HUGE {
            return system_block(class_of(bytes)).or_else(|| {
                self.trim_everything();
                system_block(class_of(bytes))
            });
        }
        let size = bytes.checked_next_multiple_of(HUGE)?;
        let address = map(size).or_else(|| {
            self.trim_everything();
            map(size)
        })?;
        self.lock().mapped.insert(address, size);
        Some(address)
    }

    fn trim_everything(&self) {
        let doomed = self.lock().trim(0);
        doomed.release();
    }

    fn lock(&self) -> Held<'_, State> {
        self.state.lock()
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.trim_everything();
    }
}

impl State {
    fn take_small(&mut self, bytes: usize) -> Option<usize> {
        let class = class_of(bytes);
        let address = self.small[class].pop()?;
        self.pooled -= size_of_class(class);
        Some(address)
    }

    fn take_large(&mut self, bytes: usize) -> Option<usize> {
        let size = bytes.checked_next_multiple_of(HUGE)?;
        let most = size + size / WASTE;
        let &(size, age, address) = self.by_size.range((size, 0, 0)..=(most, u64::MAX, usize::MAX)).next()?;
        self.by_size.remove(&(size, age, address));
        self.by_age.remove(&age);
        self.pooled -= size;
        self.mapped.insert(address, size);
        Some(address)
    }

    /// Picks blocks from the pool, oldest mappings first and small blocks last, until at most `bytes` stay.
    fn trim(&mut self, bytes: usize) -> Doomed {
        let mut doomed = Doomed::default();
        while self.pooled > bytes {
            let Some((age, (size, address))) = self.by_age.pop_first() else { break };
            self.by_size.remove(&(size, age, address));
            self.pooled -= size;
            doomed.mappings.push((address, size));
        }
        for class in (0..CLASSES).rev() {
            while self.pooled > bytes {
                let Some(address) = self.small[class].pop() else { break };
                self.pooled -= size_of_class(class);
                doomed.small.push((address, class));
            }
        }
        doomed
    }
}

impl Doomed {
    fn release(self) {
        for (address, class) in self.small {
            // SAFETY: the block was made by `system_block` for the same class, and nobody holds it any more.
            unsafe { dealloc(address as *mut u8, layout(class)) };
        }
        for (address, size) in self.mappings {
            unmap(address, size);
        }
    }
}

/// Bytes that all memories together may hold unless a limit is set: an eighth of the physical memory, or of what the
/// control group allows, is left to everything else.
pub(crate) fn physical_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
        let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
        });
        let group = number("/sys/fs/cgroup/memory.max")
            .or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
        let bytes = total.unwrap_or(usize::MAX).min(group.unwrap_or(usize::MAX));
        bytes - bytes / 8
    })
}

/// The size class of a block: `(4 + quarter + 1) << shift` bytes.
fn class_of(bytes: usize) -> usize {
    let last = bytes.max(ALIGNMENT) - 1;
    let top = last.ilog2() as usize;
    (top - 5) * 4 + ((last >> (top - 2)) & 3)
}

fn size_of_class(class: usize) -> usize {
    (5 + class % 4) << (class / 4 + 3)
}

fn layout(class: usize) -> Layout {
    Layout::from_size_align(size_of_class(class), ALIGNMENT).expect("size classes are small")
}

fn system_block(class: usize) -> Option<usize> {
    // SAFETY: no size class has zero bytes.
    let block = unsafe { alloc(layout(class)) };
    (!block.is_null()).then_some(block as usize)
}

/// Maps `size` bytes, a multiple of 2 MiB, at a multiple of 2 MiB, on huge pages where the system has them.
fn map(size: usize) -> Option<usize> {
    // The system aligns to small pages only, so the mapping is made larger and its ends are given back.
    let room = size.checked_add(HUGE)?;
    // SAFETY: an anonymous mapping at an address of the system's choice touches nothing that exists.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            room,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    let start = start as usize;
    let address = start.next_multiple_of(HUGE);
    unmap(start, address - start);
    unmap(address + size, start + room - (address + size));
    // SAFETY: the range was just mapped; the advice changes no contents, and its refusal costs only speed.
    unsafe { libc::madvise(address as *mut libc::c_void, size, libc::MADV_HUGEPAGE) };
    Some(address)
}

fn unmap(address: usize, size: usize) {
    if size > 0 {
        // SAFETY: the range is part of a mapping of ours that nobody uses any more.
        unsafe { libc::munmap(address as *mut libc::c_void, size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_hold_what_they_serve_and_waste_a_quarter_at_most() {
        for bytes in 1..HUGE {
            let size = size_of_class(class_of(bytes));
            assert!(bytes <= size && (size <= bytes + bytes / 4 || size == 64), "{bytes} in {size}");
        }
        assert_eq!(class_of(HUGE - 1), CLASSES - 1);
    }

    #[test]
    fn blocks_are_aligned_distinct_and_reused() {
        let heap = Heap::new(1 << 30);
        for bytes in [0, 1, 64, 65, 1000, 65_536, HUGE - 1, HUGE, HUGE + 1, 5 * HUGE] {
            let (first, second) = (heap.alloc(bytes).unwrap(), heap.alloc(bytes).unwrap());
            let alignment = if bytes < HUGE { ALIGNMENT } else { HUGE };
            assert_eq!((first % alignment, second % alignment), (0, 0));
            assert!(first.abs_diff(second) >= bytes.max(1));
            for address in [first, second] {
                // SAFETY: the block has that many bytes and belongs to this test.
                unsafe { ptr::write_bytes(address as *mut u8, 7, bytes) };
            }
            heap.free(first, bytes);
            assert_eq!(heap.alloc(bytes).unwrap(), first, "{bytes} bytes are reused");
            heap.free(first, bytes);
            heap.free(second, bytes);
        }
        assert_eq!(heap.lock().live, 0);
    }

    #[test]
    fn the_limit_counts_live_bytes_and_the_pool_gives_way() {
        let heap = Heap::new(10 * HUGE);
        let a = heap.alloc(6 * HUGE).unwrap();
        assert_eq!(heap.alloc(5 * HUGE), Err(OutOfMemory { bytes: 5 * HUGE }));
        let b = heap.alloc(4 * HUGE).unwrap();
        assert_eq!(heap.alloc(1), Err(OutOfMemory { bytes: 1 }));
        heap.free(a, 6 * HUGE);
        heap.free(b, 4 * HUGE);
        let state = heap.lock();
        assert!(state.live == 0 && state.pooled <= 10 * HUGE / 8);
        drop(state);
        let c = heap.alloc(10 * HUGE).unwrap();
        assert_eq!(heap.lock().pooled, 0);
        heap.free(c, 10 * HUGE);
        assert!(heap.alloc(usize::MAX).is_err());
    }
}
