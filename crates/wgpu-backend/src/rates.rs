//! How fast a device's memory is, measured once and kept on disk.

use crate::device::Device;
use crate::stream::Stream;
use std::path::Path;
use std::time::Instant;

/// Bytes that are copied at a time: more than caches hold.
const BYTES: usize = 32 << 20;
/// How often, after once to warm up.
const TIMES: usize = 4;

/// Bytes per second that a device reads and writes; nothing if it has no room to find out.
pub(crate) fn measured(device: &Device, stream: &mut Stream, cache: Option<&Path>) -> Option<f64> {
    let name: String =
        device.info.name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    let file = cache.map(|folder| folder.join(format!("rate-{name}")));
    let known = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    if let Some(rate) = known.and_then(|text| text.trim().parse().ok()) {
        return Some(rate);
    }
    let rate = measure(device, stream)?;
    if let (Some(file), Some(folder)) = (file, cache) {
        // What cannot be kept is measured again.
        let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, format!("{rate:.4e}\n")));
    }
    Some(rate)
}

fn measure(device: &Device, stream: &mut Stream) -> Option<f64> {
    let source = stream.heap.alloc(device, BYTES).ok()?;
    let goal = stream.heap.alloc(device, BYTES).ok();
    let time = goal.and_then(|goal| {
        let mut best = f64::INFINITY;
        for _ in 0..=TIMES {
            let started = Instant::now();
            let buffers = [source, goal].map(|at| stream.heap.find(at).map(|found| found.buffer.clone()));
            let [Some(source), Some(goal)] = buffers else { return None };
            let encoder = stream.copying(2 * BYTES, None);
            encoder.copy_buffer_to_buffer(&source, 0, &goal, 0, BYTES as u64);
            stream.submit();
            stream.settle().ok()?;
            best = best.min(started.elapsed().as_secs_f64());
        }
        Some(best)
    });
    [Some(source), goal].into_iter().flatten().for_each(|address| stream.heap.free(address, BYTES));
    stream.heap.trim();
    time.map(|time| 2.0 * BYTES as f64 / time)
}
