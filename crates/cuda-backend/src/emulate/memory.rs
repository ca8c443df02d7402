//! The memory of an emulated device: host memory that the host cannot touch but through the device.
//!
//! One range of addresses is reserved for a device and protected while none of its commands runs. Allocations lie apart
//! from each other, hold nothing sensible at first, and are known exactly.

use maniple_runtime::OutOfMemory;
use std::collections::BTreeMap;
use std::ptr;

/// Alignment of every allocation, and the least distance between two.
const APART: usize = 256;
/// What fresh memory holds, in turn: numbers that are NaN, and numbers that are large and negative.
const POISON: [u8; 2] = [0xff, 0xcb];

/// Addresses from `low` up to `high`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: u64,
    pub(super) high: u64,
}

/// The memory of one device.
pub(super) struct Memory {
    base: u64,
    bytes: usize,
    /// Sizes of what is taken and of what is free, by address.
    taken: BTreeMap<u64, usize>,
    free: BTreeMap<u64, usize>,
    shared: Vec<Range>,
    allocations: usize,
}

impl Memory {
    /// Reserves a device's memory; nothing backs it until it is used.
    pub(super) fn new(bytes: usize) -> Result<Memory, String> {
        let bytes = bytes.next_multiple_of(1 << 16);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh mapping at an address that the system chooses.
        let base = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(format!("no room for an emulated device of {bytes} bytes"));
        }
        let base = base.expose_provenance() as u64;
        let free = BTreeMap::from([(base, bytes)]);
        Ok(Memory { base, bytes, taken: BTreeMap::new(), free, shared: Vec::new(), allocations: 0 })
    }

    /// Lets the host at the memory while `work` runs.
    pub(super) fn open<Result>(&mut self, work: impl FnOnce(&mut Memory) -> Result) -> Result {
        self.protect(libc::PROT_READ | libc::PROT_WRITE);
        let result = work(self);
        self.protect(libc::PROT_NONE);
        result
    }

    /// Takes poisoned bytes. The memory is open.
    pub(super) fn alloc(&mut self, bytes: usize) -> Result<u64, OutOfMemory> {
        let size = bytes.next_multiple_of(APART) + APART;
        let found =
            self.free.iter().find(|&(_, &free)| free >= size).map(|(&address, &free)| (address, free));
        let (address, free) = found.ok_or(OutOfMemory { bytes })?;
        self.free.remove(&address);
        if free > size {
            self.free.insert(address + size as u64, free - size);
        }
        self.taken.insert(address, bytes);
        let poison = POISON[self.allocations % POISON.len()];
        self.allocations += 1;
        // SAFETY: the range is free, within the mapping, and open.
        unsafe { ptr::write_bytes(pointer(address), poison, bytes) };
        Ok(address)
    }

    /// Gives bytes back.
    ///
    /// # Panics
    /// If they were not taken.
    pub(super) fn free(&mut self, address: u64) {
        let bytes = self.taken.remove(&address).expect("memory that is given back was taken before");
        let (mut low, mut size) = (address, bytes.next_multiple_of(APART) + APART);
        if let Some((&before, &free)) = self.free.range(..address).next_back()
            && before + free as u64 == address
        {
            self.free.remove(&before);
            (low, size) = (before, size + free);
        }
        if let Some(after) = self.free.remove(&(low + size as u64)) {
            size += after;
        }
        self.free.insert(low, size);
    }

    /// Whether an address is one of the device's.
    pub(super) fn holds(&self, address: u64) -> bool {
        (self.base..self.base + self.bytes as u64).contains(&address)
    }

    /// Adds memory that the host shares.
    pub(super) fn share(&mut self, range: Range) {
        self.shared.push(range);
    }

    /// What kernels may touch, rising.
    pub(super) fn ranges(&self) -> Vec<Range> {
        let taken = self.taken.iter().map(|(&low, &bytes)| Range { low, high: low + bytes as u64 });
        let mut ranges: Vec<Range> = taken.chain(self.shared.iter().copied()).collect();
        ranges.sort_by_key(|range| range.low);
        ranges
    }

    /// The bytes at an address, if all of them are taken.
    pub(super) fn at(&self, address: u64, bytes: usize) -> Result<*mut u8, String> {
        let end = address + bytes as u64;
        let inside = |low: u64, high: u64| low <= address && end <= high;
        let taken = self.taken.range(..=address).next_back();
        if taken.is_some_and(|(&low, &size)| inside(low, low + size as u64))
            || self.shared.iter().any(|range| inside(range.low, range.high))
            || bytes == 0
        {
            return Ok(pointer(address));
        }
        Err(format!("{bytes} bytes at {address:#x} are not within an allocation of the device"))
    }

    fn protect(&mut self, protection: i32) {
        // SAFETY: the mapping is this value's own; nothing but its device's commands uses it.
        let result = unsafe { libc::mprotect(pointer(self.base).cast(), self.bytes, protection) };
        assert_eq!(result, 0, "the protection of an emulated device's memory cannot be changed");
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and its device is gone.
        unsafe { libc::munmap(pointer(self.base).cast(), self.bytes) };
    }
}

fn pointer(address: u64) -> *mut u8 {
    ptr::with_exposed_provenance_mut(address as usize)
}
