//! One piece on the first processor, on the calling thread: for debugging.

use maniple_runtime::{Launch, Machine, Mapper, MemoryId, Pieces, ProcessorId};

/// Runs everything where it was called.
pub struct Serial;

impl Mapper for Serial {
    fn pieces(&self, _: &Launch, _: &Machine) -> Pieces {
        Pieces::Inline
    }

    fn processor(&self, _: &Launch, _: usize, _: usize, machine: &Machine) -> ProcessorId {
        machine.processors[0].id
    }

    fn memory(&self, _: &Launch, _: usize, on: ProcessorId, machine: &Machine) -> MemoryId {
        machine.processor(on).memory
    }
}
