//! The null backend: it takes every command, computes nothing, and remembers what it was told.

use crate::{
    Allocation, Backend, DeviceError, Event, Handoff, Launch, Memory, MemoryId, OutOfMemory, Part, Place,
    PointTask, Prepared, Processor, ProcessorId, Region,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A machine of pretended memories, one processor each.
pub struct Null {
    memories: usize,
    next: AtomicU64,
    commands: Mutex<Vec<String>>,
}

impl Null {
    /// A backend with some memories.
    pub fn new(memories: usize) -> Null {
        Null { memories, next: AtomicU64::new(1 << 20), commands: Mutex::new(Vec::new()) }
    }

    /// The commands received since the last call, one line each.
    pub fn take_commands(&self) -> Vec<String> {
        std::mem::take(&mut *self.commands.lock().expect("no thread panics with the list"))
    }

    fn say(&self, command: String) {
        self.commands.lock().expect("no thread panics with the list").push(command);
    }
}

impl Backend for Null {
    fn describe(&self) -> Part {
        let memory = |at: usize| Memory {
            id: MemoryId(at as u16),
            backend: 0,
            name: format!("null {at}"),
            bytes: usize::MAX >> 1,
            parts: true,
        };
        let processor = |at: usize| Processor {
            id: ProcessorId(at as u16),
            backend: 0,
            memory: MemoryId(at as u16),
            workers: 1,
            bytes_per_second: 1e10,
            launch_seconds: 1e-6,
            about: String::new(),
        };
        Part {
            name: "null".into(),
            memories: (0..self.memories).map(memory).collect(),
            processors: (0..self.memories).map(processor).collect(),
        }
    }

    fn prepare(&self, _: &Launch) -> Option<Prepared> {
        Some(Arc::new(()))
    }

    fn alloc(&self, memory: MemoryId, bytes: usize) -> Result<Allocation, OutOfMemory> {
        self.say(format!("alloc {bytes} in {}", memory.0));
        Ok(Allocation { memory, address: self.next.fetch_add(bytes as u64, Ordering::Relaxed), bytes })
    }

    fn free(&self, allocation: Allocation) {
        self.say(format!("free {} in {}", allocation.bytes, allocation.memory.0));
    }

    fn copy(&self, from: Place, to: Place, bytes: usize, keep: &Arc<Region>, _: &[Event]) -> Event {
        self.say(format!("copy {bytes} of region {} from {} to {}", keep.id, from.memory.0, to.memory.0));
        Event::DONE
    }

    fn run(&self, on: ProcessorId, point: PointTask<'_>, _: Handoff, _: &[Event]) -> Event {
        self.say(format!("run {} {}..{} on {}", point.launch.kernel, point.first, point.last, on.0));
        Event::DONE
    }

    fn poll(&self, _: Event) -> bool {
        true
    }

    fn wait(&self, _: Event) -> Result<(), DeviceError> {
        Ok(())
    }
}
