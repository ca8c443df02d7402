//! Finding adapters: GPUs first, and drivers that compute on the host's processor where there is no GPU.

use crate::command::MOST_DEVICES;
use crate::device::{Device, Kind, ready};
use std::path::Path;

/// Opens the adapters that are worth using.
///
/// # Errors
/// Why there are none.
pub(crate) fn open(cache: Option<&Path>) -> Result<Vec<Device>, String> {
    let descriptor = wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = ready(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    // A GPU may be there once for each interface that drives it: one interface has to do.
    if let Some(first) = adapters.first().map(|adapter| adapter.get_info().backend) {
        adapters.retain(|adapter| adapter.get_info().backend == first);
    }
    let mut problems = Vec::new();
    let mut devices = Vec::new();
    for (number, adapter) in adapters.iter().take(MOST_DEVICES).enumerate() {
        match Device::open(adapter, number, cache) {
            Ok(device) => devices.push(device),
            Err(problem) => problems.push(format!("{}: {problem}", adapter.get_info().name)),
        }
    }
    if devices.iter().any(|device| device.info.kind != Kind::Software) {
        devices.retain(|device| device.info.kind != Kind::Software);
    }
    match (devices.is_empty(), problems.is_empty()) {
        (false, _) => Ok(devices),
        (true, true) => Err("no adapter was found (Vulkan, Metal or Direct3D 12)".into()),
        (true, false) => Err(problems.join("; ")),
    }
}
