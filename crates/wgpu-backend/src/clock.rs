//! How long kernels took by the device's own clock, for whoever follows the trace.

use crate::device::Device;

/// Passes of one submission that are timed.
const PASSES: u32 = 32;

/// The clock's readings during one submission: two for each pass.
pub(crate) struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    passes: u32,
}

impl Clock {
    /// Nothing where the device has no such clock, or nobody listens.
    pub(crate) fn new(device: &Device) -> Option<Clock> {
        if !device.info.timestamps || !tracing::enabled!(tracing::Level::TRACE) {
            return None;
        }
        let queries = device.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count: 2 * PASSES,
        });
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        Some(Clock { queries, resolved: device.buffer(BYTES, usage).ok()?, passes: 0 })
    }

    /// What the next pass is to write.
    pub(crate) fn pass(&mut self) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let first = 2 * self.passes;
        self.passes += 1;
        (self.passes <= PASSES).then_some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        })
    }

    /// Records that the readings go to a buffer that the host reads. How many bytes they are.
    pub(crate) fn read(&self, encoder: &mut wgpu::CommandEncoder, to: &wgpu::Buffer) -> usize {
        let readings = 2 * self.passes.min(PASSES);
        let bytes = 8 * readings as usize;
        if readings > 0 {
            encoder.resolve_query_set(&self.queries, 0..readings, &self.resolved, 0);
            encoder.copy_buffer_to_buffer(&self.resolved, 0, to, 0, bytes as u64);
        }
        bytes
    }
}

/// Bytes of all readings.
pub(crate) const BYTES: usize = 8 * 2 * PASSES as usize;

/// Microseconds between the readings of each pass, together; `period` is the clock's, in nanoseconds.
pub(crate) fn microseconds(readings: &[u8], period: f32) -> f64 {
    let reading = |at: usize| {
        let bytes = readings[8 * at..8 * at + 8].try_into().expect("eight bytes");
        u64::from_le_bytes(bytes)
    };
    let passes = (0..readings.len() / 16).map(|pass| reading(2 * pass + 1).saturating_sub(reading(2 * pass)));
    passes.sum::<u64>() as f64 * f64::from(period) / 1e3
}
