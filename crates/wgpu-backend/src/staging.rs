//! Memory that both the host and a device see, for what goes from one to the other.

use crate::device::Device;
use maniple_runtime::OutOfMemory;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of the largest such buffer: more goes in turns.
pub(crate) const MOST: usize = 16 << 20;
/// Bytes that are kept for later.
const KEPT: usize = 128 << 20;
/// The smallest buffer.
const SMALLEST: usize = 4096;

/// Buffers for copies that nobody uses.
#[derive(Default)]
pub(crate) struct Staging {
    /// Mapped, for writing.
    ready: Vec<wgpu::Buffer>,
    /// Being mapped for writing.
    landing: Vec<(wgpu::Buffer, Arc<AtomicBool>)>,
    /// Unmapped, for reading.
    reading: Vec<wgpu::Buffer>,
}

impl Staging {
    /// A mapped buffer of at least so many bytes that the host writes and the device copies from.
    pub(crate) fn for_upload(&mut self, device: &Device, bytes: usize) -> Result<wgpu::Buffer, OutOfMemory> {
        let size = size_of_buffer(bytes);
        let (mapped, waiting) = std::mem::take(&mut self.landing)
            .into_iter()
            .partition(|(_, mapped)| mapped.load(Ordering::Acquire));
        self.landing = waiting;
        let mapped: Vec<_> = mapped;
        self.ready.extend(mapped.into_iter().map(|(buffer, _)| buffer));
        if let Some(at) = self.ready.iter().position(|buffer| buffer.size() as usize == size) {
            return Ok(self.ready.swap_remove(at));
        }
        let buffer = device.buffer(size, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC)?;
        buffer.map_async(wgpu::MapMode::Write, .., |_| {});
        // A buffer that nothing uses is mapped by the next look.
        let _ = device.device.poll(wgpu::PollType::Poll);
        Ok(buffer)
    }

    /// An unmapped buffer of at least so many bytes that the device copies to and the host reads.
    pub(crate) fn for_download(
        &mut self,
        device: &Device,
        bytes: usize,
    ) -> Result<wgpu::Buffer, OutOfMemory> {
        let size = size_of_buffer(bytes);
        if let Some(at) = self.reading.iter().position(|buffer| buffer.size() as usize == size) {
            return Ok(self.reading.swap_remove(at));
        }
        device.buffer(size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    /// Takes back what was read, unmapped.
    pub(crate) fn give_back(&mut self, buffer: wgpu::Buffer) {
        let held: u64 = self.reading.iter().map(wgpu::Buffer::size).sum();
        if held as usize <= KEPT {
            self.reading.push(buffer);
        }
    }

    /// Takes back what the device has copied from.
    pub(crate) fn land(&mut self, buffer: wgpu::Buffer) {
        let held: u64 = self.landing.iter().map(|(buffer, _)| buffer.size()).sum::<u64>()
            + self.ready.iter().map(wgpu::Buffer::size).sum::<u64>();
        if held as usize > KEPT {
            return;
        }
        let mapped = Arc::new(AtomicBool::new(false));
        let told = mapped.clone();
        buffer
            .map_async(wgpu::MapMode::Write, .., move |result| told.store(result.is_ok(), Ordering::Release));
        self.landing.push((buffer, mapped));
    }
}

/// Powers of two, so that a few sizes do for everything.
fn size_of_buffer(bytes: usize) -> usize {
    bytes.max(SMALLEST).next_power_of_two()
}
