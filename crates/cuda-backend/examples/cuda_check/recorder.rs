//! A device that runs nothing and remembers the kernels it was given.

use maniple_cuda::{Device, Driver, Function, Grid, Mark, Shared};
use maniple_runtime::{DeviceError, OutOfMemory};
use std::sync::Mutex;

/// What addresses begin at: nothing is ever there.
const ADDRESS: u64 = 1 << 40;

/// The device.
pub struct Recorder {
    devices: Vec<Device>,
    texts: Mutex<Vec<String>>,
}

impl Recorder {
    /// A device of the size of a large GPU, so that launches are cut up as there.
    pub fn new() -> Recorder {
        let device = Device {
            name: "recorder".into(),
            bytes: 80 << 30,
            multiprocessors: 132,
            architecture: 90,
            bytes_per_second: 3e12,
        };
        Recorder { devices: vec![device], texts: Mutex::default() }
    }

    /// The texts since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.texts.lock().expect("nobody panics while holding it"))
    }
}

impl Driver for Recorder {
    fn devices(&self) -> &[Device] {
        &self.devices
    }

    fn alloc(&self, _: usize, _: usize) -> Result<u64, OutOfMemory> {
        Ok(ADDRESS)
    }

    fn free(&self, _: usize, _: u64) {}

    fn share(&self, _: usize, bytes: usize) -> Result<Shared, OutOfMemory> {
        Err(OutOfMemory { bytes })
    }

    fn load(&self, _: usize, text: &str) -> Result<Function, String> {
        self.texts.lock().expect("nobody panics while holding it").push(text.into());
        Ok(Function(0))
    }

    fn launch(&self, _: usize, _: Function, _: Grid, _: &[u64]) -> Result<(), DeviceError> {
        Ok(())
    }

    fn clear(&self, _: usize, _: u64, _: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn upload(&self, _: usize, _: *const u8, _: u64, _: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn download(&self, _: usize, _: u64, _: *mut u8, _: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn transfer(&self, _: (usize, u64), _: (usize, u64), _: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn ordinal(&self, device: usize) -> i32 {
        device as i32
    }

    fn device_at(&self, _: u64) -> Option<usize> {
        None
    }

    fn stream(&self, _: usize) -> Result<u64, DeviceError> {
        Ok(0)
    }

    fn order(&self, _: usize, _: u64, _: u64) -> Result<(), DeviceError> {
        Ok(())
    }

    fn synchronize(&self, _: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn mark(&self, _: usize) -> Result<Mark, DeviceError> {
        Ok(Mark(0))
    }

    fn reached(&self, _: usize, _: Mark) -> Result<bool, DeviceError> {
        Ok(true)
    }

    fn wait(&self, _: usize, _: Mark) -> Result<(), DeviceError> {
        Ok(())
    }
}
