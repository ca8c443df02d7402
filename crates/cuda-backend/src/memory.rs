//! Device memory in the order of commands: what is given back can be taken again at once.
//!
//! All commands of a device run in the order in which they were queued, so bytes that a queued kernel still reads may be
//! handed to a later one. Blocks are kept by size class, and all idle ones are given back to the driver when there is no
//! room for a new one.

use crate::driver::Driver;
use maniple_runtime::OutOfMemory;
use std::collections::BTreeMap;

/// Sizes are rounded up to a quarter of a power of two, so at most a quarter of a block is wasted.
const STEPS: usize = 4;
/// The smallest block.
const SMALLEST: usize = 512;

/// The memory of one device, as far as this process holds it.
pub(crate) struct Heap {
    device: usize,
    limit: usize,
    /// Blocks that nobody uses, by size.
    idle: BTreeMap<usize, Vec<u64>>,
    idle_bytes: usize,
    used_bytes: usize,
}

impl Heap {
    /// Nothing is reserved.
    pub(crate) fn new(device: usize, limit: usize) -> Heap {
        Heap { device, limit, idle: BTreeMap::new(), idle_bytes: 0, used_bytes: 0 }
    }

    /// Bytes that may be taken.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes bytes.
    pub(crate) fn alloc(&mut self, driver: &dyn Driver, bytes: usize) -> Result<u64, OutOfMemory> {
        let size = size_class(bytes);
        if let Some(address) = self.take_idle(size) {
            self.used_bytes += size;
            return Ok(address);
        }
        if self.used_bytes + size > self.limit {
            return Err(OutOfMemory { bytes });
        }
        if self.used_bytes + self.idle_bytes + size > self.limit {
            self.trim(driver);
        }
        let address = match driver.alloc(self.device, size) {
            Ok(address) => address,
            Err(_) => {
                self.trim(driver);
                driver.alloc(self.device, size).map_err(|_| OutOfMemory { bytes })?
            }
        };
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

    /// Gives idle blocks back to the driver.
    pub(crate) fn trim(&mut self, driver: &dyn Driver) {
        for address in std::mem::take(&mut self.idle).into_values().flatten() {
            driver.free(self.device, address);
        }
        self.idle_bytes = 0;
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
            assert!(size >= bytes && size_class(size) == size);
            assert!(bytes < SMALLEST || (size - bytes) * STEPS <= bytes, "{bytes} {size}");
        }
    }
}
