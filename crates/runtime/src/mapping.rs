//! Stage 5: where the pieces of a launch run, as the mapper decides and the runtime checks.

use crate::{Launch, Machine, Memory, MemoryId, ProcessorId, Role, Span, cut};
use std::fmt;

/// The policy: how many pieces, which processor, which memory. Any answer is correct; some are fast.
pub trait Mapper: Send + Sync {
    /// Into how many pieces a launch is cut.
    fn pieces(&self, question: &Question<'_>) -> Pieces;
    /// Where one of `pieces` pieces runs: one of [`Question::able`].
    fn processor(&self, question: &Question<'_>, piece: usize, pieces: usize) -> ProcessorId;
    /// Which memory an argument is in when the piece runs; usually the processor's own.
    fn memory(&self, question: &Question<'_>, _arg: usize, on: ProcessorId) -> MemoryId {
        question.machine.processor(on).memory
    }
}

/// What a mapper is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The launch to place.
    pub launch: &'a Launch,
    /// Where it may be placed.
    pub machine: &'a Machine,
    /// The processors whose backends support the launch; never empty.
    pub able: &'a [ProcessorId],
    /// Per role of the window, the memories that hold the region's bytes before the launch.
    pub places: &'a [Places],
    /// The memories that the launch's regions have no room in together: what runs there goes through them part by part,
    /// each of which is brought from the host and brought back.
    pub tight: &'a [MemoryId],
}

/// A set of memories: those that hold all, or nearly all, of a region's bytes, empty where nothing was written yet; and
/// how often the host's processors have read them lately, as a warmth from 0 to 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Places(pub u64);

/// The bits above the memories hold the warmth.
const WARMTH: u32 = 62;

impl Places {
    /// How often the host's processors have read the bytes, or those that they were computed from: 0 for never, 1 for up
    /// to twice, 2 for up to six times, 3 for more.
    pub fn warmth(self) -> u32 {
        (self.0 >> WARMTH) as u32
    }

    /// The same memories, of bytes that the host's processors have read `reads` times.
    pub(crate) fn read(self, reads: u8) -> Places {
        let warmth = u64::from(u32::from(reads).saturating_add(1).ilog2().min(3));
        Places(self.0 & !(3 << WARMTH) | warmth << WARMTH)
    }

    /// No memory, of bytes computed from ones as warm as `others` at the warmest.
    pub(crate) fn from(others: impl Iterator<Item = Places>) -> Places {
        Places(u64::from(others.map(Places::warmth).max().unwrap_or(0)) << WARMTH)
    }

    /// Whether `memory` is one of them.
    pub fn has(self, memory: MemoryId) -> bool {
        self.0 >> memory.0 & 1 == 1
    }

    /// Adds a memory.
    pub fn add(&mut self, memory: MemoryId) {
        self.0 |= 1 << memory.0;
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 << (64 - WARMTH) == 0
    }
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
    /// Whether only what it touches is in that memory, and only while it runs.
    pub passes: bool,
}

/// A piece that passes through a memory takes at most one of so many parts of it: sizes are rounded up, and there is more
/// that needs room.
const PARTS_OF_MEMORY: usize = 4;

/// Bytes of the regions that a launch uses, as far as its arguments reach into them.
pub(crate) fn reach(launch: &Launch) -> usize {
    let mut reach: Vec<(Role, usize)> = Vec::with_capacity(launch.args.len());
    for arg in &launch.args {
        let high = arg.full_span().high;
        match reach.iter_mut().find(|(role, _)| *role == arg.role) {
            Some((_, known)) => *known = high.max(*known),
            None => reach.push((arg.role, high)),
        }
    }
    reach.iter().fold(0, |sum, &(_, high)| sum.saturating_add(high))
}

/// Per region that some points of a launch touch, the range from the first byte that they touch to the last.
pub(crate) fn touched(launch: &Launch, first: usize, last: usize) -> Vec<(Role, Span)> {
    let mut found: Vec<(Role, Span)> = Vec::with_capacity(launch.args.len());
    for arg in &launch.args {
        let span = arg.span_of(first, last);
        match found.iter_mut().find(|(role, _)| *role == arg.role) {
            Some((_, known)) if known.bytes() == 0 => *known = span,
            Some((_, known)) if span.bytes() > 0 => {
                *known = Span { low: known.low.min(span.low), high: known.high.max(span.high) };
            }
            Some(_) => {}
            None => found.push((arg.role, span)),
        }
    }
    found
}

/// Points of a launch in so few ranges that what each touches has room in a part of a memory; nothing if no number of
/// ranges will do.
pub(crate) fn ranges_through(
    launch: &Launch,
    (first, last): (usize, usize),
    memory: &Memory,
) -> Option<Vec<(usize, usize)>> {
    /// More pieces than these are not worth it.
    const MOST: usize = 1 << 12;
    let grain = launch.grain.max(1);
    let grains = (last - first).div_ceil(grain);
    let fits = |&(low, high): &(usize, usize)| {
        let bytes: usize = touched(launch, low, high).iter().map(|(_, span)| span.bytes()).sum();
        bytes <= memory.bytes / PARTS_OF_MEMORY
    };
    let mut count = 1;
    while memory.parts && count <= grains.min(MOST) {
        let bound = |at: usize| (first + grains * at / count * grain).min(last);
        let ranges: Vec<_> = (0..count).map(|at| (bound(at), bound(at + 1))).collect();
        // The first is looked at first: the others are alike.
        if ranges.iter().all(fits) {
            return Some(ranges);
        }
        count *= 2;
    }
    None
}

/// The answer of the mapper for one launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Whether it may run on the calling thread.
    pub inline: bool,
    /// The pieces; together all points, each once.
    pub pieces: Vec<Piece>,
    /// The one memory that all pieces use, if there is one.
    pub memory: Option<MemoryId>,
}

impl Mapping {
    /// The same with the pieces from number `at` on moved to the host's first processor; none if they are there, or if
    /// pieces before them write, in other memories, between the bytes that they write.
    pub(crate) fn at_home_from(&self, at: usize, launch: &Launch, machine: &Machine) -> Option<Mapping> {
        let home = &machine.processors[0];
        if self.pieces[at].processor == home.id {
            return None;
        }
        let mut pieces = self.pieces.clone();
        for piece in &mut pieces[at..] {
            piece.processor = home.id;
            piece.memories.fill(home.memory);
            piece.passes = false;
        }
        (at == 0 || !interleaved(launch, &pieces)).then_some(Mapping { inline: false, pieces, memory: None })
    }
}

impl Mapping {
    /// The same with the pieces from number `at` on that lie in the memory of that one passing through it; none if they do
    /// so already, or would not have room.
    pub(crate) fn passing_from(&self, at: usize, launch: &Launch, machine: &Machine) -> Option<Mapping> {
        let memory = *self.pieces[at].memories.first()?;
        if self.pieces[at].passes || machine.memory(memory).backend == 0 {
            return None;
        }
        let mut pieces = self.pieces[..at].to_vec();
        for piece in &self.pieces[at..] {
            if piece.memories[0] == memory {
                pieces.extend(parts_of(piece, launch, machine)?)
            } else {
                pieces.push(piece.clone())
            }
        }
        Some(Mapping { inline: false, pieces, memory: None })
    }
}

/// A piece as pieces that pass through its memory.
fn parts_of(piece: &Piece, launch: &Launch, machine: &Machine) -> Option<Vec<Piece>> {
    let memory = machine.memory(*piece.memories.first()?);
    let ranges = ranges_through(launch, (piece.first, piece.last), memory)?;
    let part = |(first, last)| Piece { first, last, passes: true, ..piece.clone() };
    Some(ranges.into_iter().map(part).collect())
}

impl fmt::Display for Mapping {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inline {
            return write!(out, "inline");
        }
        for (at, piece) in self.pieces.iter().enumerate() {
            let gap = if at == 0 { "" } else { ", " };
            let how = if piece.passes { "through" } else { "on" };
            write!(out, "{gap}{}..{} {how} {}", piece.first, piece.last, piece.processor.0)?;
        }
        Ok(())
    }
}

/// Asks the mapper about a launch. Pieces that would write interleaved bytes of one region in different memories are
/// kept on one processor: no copy could put the bytes together again.
pub fn map(question: &Question<'_>, mapper: &dyn Mapper) -> Mapping {
    let Question { launch, machine, able, tight, .. } = *question;
    let (inline, count) = match mapper.pieces(question) {
        Pieces::Inline => (true, 1),
        Pieces::Cut(count) => (false, count.max(1)),
    };
    let ranges = cut(launch, count);
    let total = ranges.len();
    let mut pieces: Vec<Piece> = Vec::with_capacity(total);
    for (at, (first, last)) in ranges.into_iter().enumerate() {
        let wanted = mapper.processor(question, at, total);
        let processor = if able.contains(&wanted) { wanted } else { able[0] };
        let memories = (0..launch.args.len()).map(|arg| mapper.memory(question, arg, processor)).collect();
        pieces.push(Piece { first, last, processor, memories, passes: false });
    }
    if machine.memories.len() > 1 && interleaved(launch, &pieces) {
        let (processor, memories) = (pieces[0].processor, pieces[0].memories.clone());
        for piece in &mut pieces {
            piece.processor = processor;
            piece.memories.clone_from(&memories);
        }
    }
    let passing = pieces.iter().any(|piece| piece.memories.iter().any(|memory| tight.contains(memory)));
    if passing {
        let parts = |piece: Piece| match piece.memories.first() {
            Some(memory) if tight.contains(memory) => {
                parts_of(&piece, launch, machine).unwrap_or(vec![piece])
            }
            _ => vec![piece],
        };
        pieces = pieces.into_iter().flat_map(parts).collect();
    }
    let mut memories = pieces.iter().flat_map(|piece| &piece.memories);
    let first = memories.next().copied();
    let memory = first.filter(|&first| !passing && memories.all(|&memory| memory == first));
    // Only the processors of the first backend are threads of this process.
    let inline = inline && pieces.iter().all(|piece| machine.processor(piece.processor).backend == 0);
    Mapping { inline, pieces, memory }
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
