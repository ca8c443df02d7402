//! Device memory in the order of commands: what is given back can be taken again at once.
//!
//! All commands of a device run in the order in which they were queued, so bytes that a queued kernel still reads may be
//! handed to a later one. Every block is a buffer. Its address is its number above [`Heap::SHIFT`] bits, so that an
//! address says which buffer it is in, wherever a base of a binding may lie.

use crate::device::Device;
use maniple_runtime::OutOfMemory;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Sizes are rounded up to a quarter of a power of two, so at most a quarter of a block is wasted.
const STEPS: usize = 4;
/// The smallest block.
const SMALLEST: usize = 512;

/// The memory of one device, as far as this process holds it.
pub(crate) struct Heap {
    limit: usize,
    next: u64,
    blocks: FxHashMap<u64, wgpu::Buffer>,
    /// Blocks that nobody uses, by size.
    idle: BTreeMap<usize, Vec<u64>>,
    idle_bytes: usize,
    used_bytes: usize,
    trimmed: u64,
}

/// A part of a buffer.
pub(crate) struct Found<'a> {
    pub(crate) buffer: &'a wgpu::Buffer,
    /// The address of its first byte.
    pub(crate) begin: u64,
}

impl Heap {
    /// Bits of an address that say where in its buffer it is.
    const SHIFT: u32 = 40;

    /// Nothing is reserved.
    pub(crate) fn new(limit: usize) -> Heap {
        Heap {
            limit,
            next: 1,
            blocks: FxHashMap::default(),
            idle: BTreeMap::new(),
            idle_bytes: 0,
            used_bytes: 0,
            trimmed: 0,
        }
    }

    /// Takes bytes.
    pub(crate) fn alloc(&mut self, device: &Device, bytes: usize) -> Result<u64, OutOfMemory> {
        let size = size_class(bytes);
        if let Some(address) = self.take_idle(size) {
            self.used_bytes += size;
            return Ok(address);
        }
        if self.used_bytes + size > self.limit {
            return Err(OutOfMemory { bytes });
        }
        if self.used_bytes + self.idle_bytes + size > self.limit {
            self.trim();
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let buffer = match device.buffer(size, usage) {
            Ok(buffer) => buffer,
            Err(_) => {
                self.trim();
                device.buffer(size, usage).map_err(|_| OutOfMemory { bytes })?
            }
        };
        let address = self.next << Self::SHIFT;
        self.next += 1;
        self.blocks.insert(address, buffer);
        self.used_bytes += size;
        Ok(address)
    }

    /// Gives bytes back.
    pub(crate) fn free(&mut self, address: u64, bytes: usize) {
        let size = size_class(bytes);
        self.used_bytes -= size;
        self.idle_bytes += size;
        self.idle.entry(size).or_default().push(address);
    }

    /// Gives idle blocks back to the device. What is queued keeps those that it uses until it has run.
    pub(crate) fn trim(&mut self) {
        for address in std::mem::take(&mut self.idle).into_values().flatten() {
            self.blocks.remove(&address);
        }
        self.idle_bytes = 0;
        self.trimmed += 1;
    }

    /// How often memory was given back.
    pub(crate) fn trimmed(&self) -> u64 {
        self.trimmed
    }

    /// The buffer that an address is in; nothing if there is none.
    pub(crate) fn find(&self, address: u64) -> Option<Found<'_>> {
        let begin = address >> Self::SHIFT << Self::SHIFT;
        self.blocks.get(&begin).map(|buffer| Found { buffer, begin })
    }

    fn take_idle(&mut self, size: usize) -> Option<u64> {
        let blocks = self.idle.get_mut(&size)?;
        let address = blocks.pop()?;
        if blocks.is_empty() {
            self.idle.remove(&size);
        }
        self.idle_bytes -= size;
        Some(address)
    }
}

fn size_class(bytes: usize) -> usize {
    let bytes = bytes.max(SMALLEST);
    let step = (bytes.next_power_of_two() / 2 / STEPS).max(SMALLEST / STEPS);
    bytes.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_waste_at_most_a_quarter() {
        for bytes in [1, 511, 512, 513, 1000, 1 << 20, (1 << 20) + 1, 3_000_000_001] {
            let size = size_class(bytes);
            assert!(size >= bytes && size.is_multiple_of(4) && size_class(size) == size);
            assert!(bytes < SMALLEST || (size - bytes) * STEPS <= bytes, "{bytes} {size}");
        }
    }
}
