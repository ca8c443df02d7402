//! Stage 5: where the pieces of a launch run, as the mapper decides and the runtime checks.

use crate::{Launch, Machine, MemoryId, ProcessorId, Role, Span, cut};
use std::fmt;

/// The policy: how many pieces, which processor, which memory. Any answer is correct; some are fast.
pub trait Mapper: Send + Sync {
    /// Into how many pieces a launch is cut.
    fn pieces(&self, launch: &Launch, machine: &Machine) -> Pieces;
    /// Where one of `pieces` pieces runs.
    fn processor(&self, launch: &Launch, piece: usize, pieces: usize, machine: &Machine) -> ProcessorId;
    /// Which memory an argument is in when the piece runs; usually the processor's own.
    fn memory(&self, launch: &Launch, arg: usize, on: ProcessorId, machine: &Machine) -> MemoryId;
}

/// How finely a launch is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// One piece, on the calling thread, with no hand-off.
    Inline,
    /// So many pieces (at least one), queued for processors.
    Cut(u32),
}

/// One piece of a mapped launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First point.
    pub first: usize,
    /// One past the last point.
    pub last: usize,
    /// Where it runs.
    pub processor: ProcessorId,
    /// The memory of each argument.
    pub memories: Vec<MemoryId>,
}

/// The answer of the mapper for one launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Whether it may run on the calling thread.
    pub inline: bool,
    /// The pieces; together all points, each once.
    pub pieces: Vec<Piece>,
}

impl fmt::Display for Mapping {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inline {
            return write!(out, "inline");
        }
        for (at, piece) in self.pieces.iter().enumerate() {
            let gap = if at == 0 { "" } else { ", " };
            write!(out, "{gap}{}..{} on {}", piece.first, piece.last, piece.processor.0)?;
        }
        Ok(())
    }
}

/// Asks the mapper about a launch. Pieces that would write interleaved bytes of one region in different memories are
/// kept on one processor: no copy could put the bytes together again.
pub fn map(launch: &Launch, mapper: &dyn Mapper, machine: &Machine) -> Mapping {
    let (inline, count) = match mapper.pieces(launch, machine) {
        Pieces::Inline => (true, 1),
        Pieces::Cut(count) => (false, count.max(1)),
    };
    let ranges = cut(launch, count);
    let total = ranges.len();
    let mut pieces: Vec<Piece> = Vec::with_capacity(total);
    for (at, (first, last)) in ranges.into_iter().enumerate() {
        let processor = mapper.processor(launch, at, total, machine);
        let memories =
            (0..launch.args.len()).map(|arg| mapper.memory(launch, arg, processor, machine)).collect();
        pieces.push(Piece { first, last, processor, memories });
    }
    if machine.memories.len() > 1 && interleaved(launch, &pieces) {
        let (processor, memories) = (pieces[0].processor, pieces[0].memories.clone());
        for piece in &mut pieces {
            piece.processor = processor;
            piece.memories.clone_from(&memories);
        }
    }
    Mapping { inline, pieces }
}

/// Whether the ranges of bytes that pieces write in different memories overlap, through one argument or through several
/// on one region.
fn interleaved(launch: &Launch, pieces: &[Piece]) -> bool {
    let mut writes: Vec<(Role, Span, MemoryId)> = Vec::new();
    for (at, arg) in launch.args.iter().enumerate().filter(|(_, arg)| arg.privilege.writes()) {
        let span = |piece: &Piece| arg.span_of(piece.first, piece.last);
        writes.extend(pieces.iter().map(|piece| (arg.role, span(piece), piece.memories[at])));
    }
    writes.sort();
    // By where they begin, each is compared with the one before it that reaches farthest in another memory.
    let mut reach: Vec<(MemoryId, usize)> = Vec::new();
    let mut region = None;
    for (role, span, memory) in writes {
        if region.replace(role) != Some(role) {
            reach.clear();
        }
        if reach.iter().any(|&(other, high)| other != memory && high > span.low) {
            return true;
        }
        match reach.iter_mut().find(|(known, _)| *known == memory) {
            Some((_, high)) => *high = span.high.max(*high),
            None => reach.push((memory, span.high)),
        }
    }
    false
}
