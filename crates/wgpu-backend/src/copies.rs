//! Copies between the host and a device, through memory that both see.
//!
//! Devices copy whole words. The bytes beside them, at either end, are set by a kernel, since the rest of their words may
//! hold something.

use crate::command::{Command, Mode, Place, Program, begin, word};
use crate::device::Device;
use crate::staging::MOST;
use crate::stream::Stream;
use maniple_runtime::DeviceError;
use smallvec::smallvec;
use std::sync::{Arc, OnceLock};

/// Buffers that a download waits for together.
const TOGETHER: usize = 4;

impl Stream {
    /// Records copies from the host; its bytes may change as soon as this returns.
    pub(crate) fn upload(&mut self, device: &Device, from: &[u8], to: u64) -> Result<(), DeviceError> {
        self.answers()?;
        let (mut from, mut to) = (from, to);
        while !from.is_empty() {
            let ahead = to.next_multiple_of(4) - to;
            if ahead != 0 || from.len() < 4 {
                let count = from.len().min(if ahead == 0 { 4 } else { ahead as usize });
                self.splice(&from[..count], to)?;
                (from, to) = (&from[count..], to + count as u64);
                continue;
            }
            let count = (from.len() / 4 * 4).min(MOST);
            self.stage(device, &from[..count], to)?;
            (from, to) = (&from[count..], to + count as u64);
        }
        Ok(())
    }

    /// Copies to the host, after everything queued before, and waits for it.
    pub(crate) fn download(&mut self, device: &Device, from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        self.answers()?;
        let mut begin = from / 4 * 4;
        let end = (from + to.len() as u64).next_multiple_of(4);
        while begin < end {
            let mut parts = Vec::new();
            while begin < end && parts.len() < TOGETHER {
                let bytes = (end - begin).min(MOST as u64);
                let buffer = self.staging.for_download(device, bytes as usize).map_err(full)?;
                let (source, offset) = self.source(begin)?;
                let encoder = self.copying(bytes as usize, None);
                encoder.copy_buffer_to_buffer(&source, offset, &buffer, 0, bytes);
                parts.push((buffer, begin, bytes));
                begin += bytes;
            }
            self.submit();
            for (buffer, _, bytes) in &parts {
                buffer.map_async(wgpu::MapMode::Read, 0..*bytes, |_| {});
            }
            self.settle()?;
            for (buffer, start, bytes) in parts {
                {
                    let view = buffer.slice(..bytes).get_mapped_range();
                    let view = view.map_err(|error| DeviceError(format!("a copy failed: {error}")))?;
                    let (low, high) = (start.max(from), (start + bytes).min(from + to.len() as u64));
                    to[(low - from) as usize..(high - from) as usize]
                        .copy_from_slice(&view[(low - start) as usize..(high - start) as usize]);
                }
                buffer.unmap();
                self.staging.give_back(buffer);
            }
        }
        Ok(())
    }

    /// Records a copy of whole words.
    fn stage(&mut self, device: &Device, from: &[u8], to: u64) -> Result<(), DeviceError> {
        let buffer = self.staging.for_upload(device, from.len()).map_err(full)?;
        {
            let view = buffer.slice(..from.len() as u64).get_mapped_range_mut();
            let mut view = view.map_err(|error| DeviceError(format!("a copy failed: {error}")))?;
            view.copy_from_slice(from);
        }
        buffer.unmap();
        let (target, offset) = self.source(to)?;
        let encoder = self.copying(from.len(), Some(buffer.clone()));
        encoder.copy_buffer_to_buffer(&buffer, 0, &target, offset, from.len() as u64);
        Ok(())
    }

    /// Records setting bytes of one word.
    fn splice(&mut self, bytes: &[u8], to: u64) -> Result<(), DeviceError> {
        static PROGRAM: OnceLock<Arc<Program>> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| {
            let text = format!(
                "@compute @workgroup_size(1)\nfn main() {{\n\
                 let at = {} >> 2u;\nb0[at] = (b0[at] & ~{}) | {};\n}}\n",
                word(1),
                word(2),
                word(3)
            );
            Program::new(4, &[Mode::Write], "", &text)
        });
        let shift = 8 * (to % 4) as u32;
        let value = bytes.iter().rev().fold(0, |value: u32, &byte| value << 8 | u32::from(byte));
        let mask = (u32::MAX >> (32 - 8 * bytes.len())) << shift;
        let mut words = begin(1);
        words.extend([mask, value << shift]);
        let place = Place { binding: 0, address: to, touched: to..to + bytes.len() as u64 };
        self.make_room(1);
        let command = Command { program: program.clone(), groups: 1, places: smallvec![place], words };
        self.dispatch(&command, 4)
    }

    /// The buffer that an address is in, and the distance from its start.
    fn source(&self, address: u64) -> Result<(wgpu::Buffer, u64), DeviceError> {
        let found = self.heap.find(address);
        let found = found.ok_or_else(|| DeviceError("a copy was given an address that nobody has".into()))?;
        Ok((found.buffer.clone(), address - found.begin))
    }
}

fn full(full: maniple_runtime::OutOfMemory) -> DeviceError {
    DeviceError(format!("no room for {} bytes to copy through", full.bytes))
}
