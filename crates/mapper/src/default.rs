//! The default policy: a cost model of bytes, operations and rates.

use maniple_runtime::{Kernel, Launch, Machine, Mapper, MemoryId, Pieces, Processor, ProcessorId};

/// A step of a body costs about as much as moving so many bytes.
const BYTES_PER_STEP: f64 = 4.0;
/// A piece is worth its hand-off if it runs this many times as long.
const WORTH: f64 = 3.0;
/// Several pieces per worker even out pieces that run late.
const PIECES_PER_WORKER: u32 = 4;

/// Weighs the time a launch takes against the time it takes to hand pieces out.
pub struct CostModel {
    pieces: Option<u32>,
}

impl CostModel {
    /// The model; `pieces` replaces its answer for the number of pieces.
    pub fn new(pieces: Option<u32>) -> CostModel {
        CostModel { pieces }
    }
}

impl Mapper for CostModel {
    fn pieces(&self, launch: &Launch, machine: &Machine) -> Pieces {
        if let Some(pieces) = self.pieces {
            return Pieces::Cut(pieces);
        }
        let processor = &machine.processors[0];
        let seconds = seconds(launch, processor);
        let worth = (seconds / (WORTH * processor.launch_seconds)) as u32;
        let workers: u32 = machine.processors.iter().map(|processor| processor.workers).sum();
        match worth.min(workers * PIECES_PER_WORKER) {
            0 | 1 => Pieces::Inline,
            pieces if pieces < workers => Pieces::Cut(pieces),
            // A multiple of the workers, or the last round leaves some of them idle.
            pieces => Pieces::Cut(pieces / workers * workers),
        }
    }

    fn processor(&self, launch: &Launch, piece: usize, pieces: usize, machine: &Machine) -> ProcessorId {
        if pieces == 1
            && seconds(launch, &machine.processors[0]) < WORTH * machine.processors[0].launch_seconds
        {
            return machine.processors[0].id;
        }
        machine.processors[piece * machine.processors.len() / pieces].id
    }

    fn memory(&self, _: &Launch, _: usize, on: ProcessorId, machine: &Machine) -> MemoryId {
        machine.processor(on).memory
    }
}

/// How long one worker takes, by bytes moved and steps applied.
fn seconds(launch: &Launch, processor: &Processor) -> f64 {
    let (elements, steps) = match &*launch.kernel {
        Kernel::Map(body) => (launch.extent, body.steps.len()),
        Kernel::Reduce(reduce) => (launch.args[0].view.size(), reduce.body.steps.len() + 1),
        _ => (launch.extent, 1),
    };
    (launch.bytes() as f64 + elements as f64 * steps as f64 * BYTES_PER_STEP) / processor.bytes_per_second
}
