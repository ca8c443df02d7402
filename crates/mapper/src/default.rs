//! The default policy: a cost model of bytes, operations, rates, and copies.

use maniple_ops::{Body, Step};
use maniple_runtime::{
    Kernel, Launch, Machine, Mapper, MemoryId, Pieces, Places, Processor, ProcessorId, Question,
};

/// An addition among the steps of a body costs about as much as moving so many bytes; other rows by their weight.
const BYTES_PER_STEP: f64 = 1.0;
/// A multiplication and an addition of a matrix product cost about as much as moving so many bytes, for each byte of an
/// element: tiles that stay in registers make them cheap.
const BYTES_PER_PRODUCT: f64 = 1.0 / 24.0;
/// A comparison of a sort, of which there are as many as halvings of a run, costs about as much as moving so many bytes, and
/// an element of a merge for each doubling.
const BYTES_PER_COMPARISON: f64 = 5.0;
/// Regions that take no more bytes than this may be in caches, from which bytes move so many times as fast: those that one
/// worker has for itself, and those that all share.
const CACHES: [(usize, f64); 2] = [(1 << 20, 4.0), (32 << 20, 2.0)];
/// A piece is worth its hand-off if it runs this many times as long.
const WORTH: f64 = 3.0;
/// Several pieces per worker even out pieces that run late, and are worth their hand-offs if each runs this many times as long
/// as one: while pieces are short none of them is late by much, and one for each worker finds in its cache what it left there.
const PIECES_PER_WORKER: u32 = 4;
const WORTH_EVENING_OUT: f64 = 12.0;
/// Fewest rows of a product of matrices in each of several pieces that a worker gets.
const ROWS_OF_PIECE: usize = 2048;
/// Rate at which bytes move between the host's memory and a device's, in bytes per second: about a PCIe link's.
const LINK_BYTES_PER_SECOND: f64 = 20e9;
/// Seconds until a copy between memories has begun and its end been noticed.
const LINK_SECONDS: f64 = 20e-6;
/// Seconds that a device's compiler takes for a kernel that it has not met.
const COMPILE_SECONDS: f64 = 0.2;
/// Programs use most data more than once, so a device is charged a part of the copy that brings data to it: the smaller
/// the more often the host's processors have read the data before, by its warmth.
const SHARE_OF_COPY: [f64; 4] = [0.25, 0.1, 0.03, 0.0];
/// Likewise for compiling: what runs once is not worth it, a loop is.
const SHARE_OF_COMPILING: [f64; 4] = [1.0, 0.25, 0.05, 0.0];

/// Weighs the time a launch takes against the time it takes to hand pieces out and to bring its data.
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
    fn pieces(&self, question: &Question<'_>) -> Pieces {
        if let Some(pieces) = self.pieces {
            return Pieces::Cut(pieces);
        }
        let group = choose(question);
        let launch = question.launch;
        let one = group.first(question);
        let workers: u32 = group.processors(question).map(|processor| processor.workers).sum();
        if group.backend != 0 {
            return Pieces::Cut(workers);
        }
        let hand_offs = seconds(launch, one) / one.launch_seconds;
        let (worth, evened) = ((hand_offs / WORTH) as u32, (hand_offs / WORTH_EVENING_OUT) as u32);
        match worth.min(workers).max(evened.min(workers * pieces_per_worker(launch, workers))) {
            0 | 1 => Pieces::Inline,
            pieces if pieces < workers => Pieces::Cut(pieces),
            // A multiple of the workers, or the last round leaves some of them idle.
            pieces => Pieces::Cut(pieces / workers * workers),
        }
    }

    fn processor(&self, question: &Question<'_>, piece: usize, pieces: usize) -> ProcessorId {
        let group = choose(question);
        let one = group.first(question);
        if pieces == 1 && seconds(question.launch, one) < WORTH * one.launch_seconds {
            return one.id;
        }
        let count = group.processors(question).count();
        group.processors(question).nth(piece * count / pieces).map_or(one.id, |processor| processor.id)
    }
}

/// Every piece of a product of matrices arranges the second factor for itself, which is worth it for many rows.
fn pieces_per_worker(launch: &Launch, workers: u32) -> u32 {
    match &*launch.kernel {
        Kernel::Matmul { .. } => {
            let rows = launch.extent / workers.max(1) as usize;
            ((rows / ROWS_OF_PIECE) as u32).clamp(1, PIECES_PER_WORKER)
        }
        _ => PIECES_PER_WORKER,
    }
}

/// The processors of one backend.
#[derive(Clone, Copy)]
struct Group {
    backend: usize,
}

impl Group {
    fn processors<'a>(self, question: &Question<'a>) -> impl Iterator<Item = &'a Processor> {
        let machine: &'a Machine = question.machine;
        let able: &'a [ProcessorId] = question.able;
        able.iter()
            .map(|&id| machine.processor(id))
            .filter(move |processor| processor.backend == self.backend)
    }

    fn first<'a>(self, question: &Question<'a>) -> &'a Processor {
        self.processors(question).next().expect("a group has a processor")
    }
}

/// The backend on which the launch ends first, its copies included.
fn choose(question: &Question<'_>) -> Group {
    let mut best: Option<(f64, Group)> = None;
    for &id in question.able {
        let group = Group { backend: question.machine.processor(id).backend };
        if best.is_some_and(|(_, known)| known.backend == group.backend) {
            continue;
        }
        let cost = cost(question, group);
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, group));
        }
    }
    best.expect("somebody supports every launch").1
}

fn cost(question: &Question<'_>, group: Group) -> f64 {
    let one = group.first(question);
    let alone = seconds(question.launch, one);
    let workers: u32 = group.processors(question).map(|processor| processor.workers).sum();
    let run = if group.backend == 0 {
        // A thread that waits costs nothing where the work is done at once.
        alone.min(one.launch_seconds + alone / f64::from(workers))
    } else {
        one.launch_seconds
            + alone / f64::from(workers)
            + COMPILE_SECONDS * SHARE_OF_COMPILING[warmth(question)]
    };
    run + copies(question, one.memory)
}

/// The warmth of the warmest that a launch reads; what is on a device already is as warm as can be.
fn warmth(question: &Question<'_>) -> usize {
    let Question { launch, machine, places, .. } = *question;
    let device =
        |place: Places| machine.memories.iter().any(|memory| memory.backend != 0 && place.has(memory.id));
    let read = launch.args.iter().filter(|arg| arg.privilege.reads()).map(|arg| places[arg.role as usize]);
    read.map(|place| if device(place) { 3 } else { place.warmth() as usize }).max().unwrap_or(0)
}

/// Seconds to bring what a launch reads into a memory, and, where nothing stays there, to bring back what it writes.
fn copies(question: &Question<'_>, memory: MemoryId) -> f64 {
    let Question { launch, machine, places, tight, .. } = *question;
    if tight.contains(&memory) {
        let both = |arg: &maniple_runtime::Arg| {
            f64::from(u8::from(!arg.overwrites()) + u8::from(arg.privilege.writes()))
        };
        let bytes = |arg: &maniple_runtime::Arg| arg.full_span().bytes() as f64 * both(arg);
        return launch.args.iter().map(|arg| LINK_SECONDS + bytes(arg) / LINK_BYTES_PER_SECOND).sum();
    }
    let host = machine.memory(memory).backend == 0;
    let mut seconds = 0.0;
    for arg in launch.args.iter().filter(|arg| !arg.overwrites()) {
        let place = places[arg.role as usize];
        let near = place.is_empty()
            || place.has(memory)
            || (host && machine.memories.iter().any(|other| other.backend == 0 && place.has(other.id)));
        if !near {
            let copy = arg.full_span().bytes() as f64 / LINK_BYTES_PER_SECOND;
            let share = SHARE_OF_COPY[place.warmth() as usize];
            seconds += LINK_SECONDS + if host { copy } else { copy * share };
        }
    }
    seconds
}

/// How long one worker takes, by bytes moved and steps applied.
fn seconds(launch: &Launch, processor: &Processor) -> f64 {
    if let Kernel::Matmul { dtype } = &*launch.kernel {
        let [a, _, result] = &launch.args[..] else { return 0.0 };
        let k = a.view.shape[a.view.ndim() - 1];
        let parts = if dtype.is_complex() { 2.0 } else { 1.0 };
        let products = result.view.size() as f64 * k as f64 * dtype.size() as f64 * parts;
        return (launch.bytes() as f64 / CACHES[1].1 + products * BYTES_PER_PRODUCT)
            / processor.bytes_per_second;
    }
    if let Kernel::Sort { run, .. } | Kernel::Merge { run, .. } = &*launch.kernel {
        let n = launch.args[0].view.size();
        let halvings = match &*launch.kernel {
            Kernel::Sort { .. } => (*run).max(2) as f64,
            _ => 2.0 * n.div_ceil(*run) as f64,
        };
        let comparisons = n as f64 * halvings.log2() * BYTES_PER_COMPARISON;
        return (launch.bytes() as f64 / CACHES[1].1 + comparisons) / processor.bytes_per_second;
    }
    if let Kernel::Blocks(blocks) = &*launch.kernel {
        return blocks.parts.iter().map(|part| seconds(&part.launch, processor)).sum();
    }
    let (elements, weight) = match &*launch.kernel {
        Kernel::Map(body) => (launch.extent, weight(body)),
        Kernel::Reduce(reduce) => {
            (launch.args[0].view.size(), weight(&reduce.body) + reduce.ops.len() as u32)
        }
        _ => (launch.extent, 4),
    };
    let bytes = launch.bytes() as f64 / cache_factor(footprint(launch));
    (bytes + elements as f64 * f64::from(weight) * BYTES_PER_STEP) / processor.bytes_per_second
}

/// What the steps of a body cost for an element, in additions. A cast costs one.
fn weight(body: &Body) -> u32 {
    let step = |step: &Step| if let Step::Apply { op, .. } = step { op.weight() } else { 1 };
    body.steps.iter().map(step).sum()
}

/// Bytes of the regions that a launch touches, from the first to the last that it touches of each.
fn footprint(launch: &Launch) -> usize {
    let mut spans: Vec<(u32, usize, usize)> = Vec::with_capacity(launch.args.len());
    for arg in &launch.args {
        let span = arg.full_span();
        match spans.iter_mut().find(|(role, ..)| *role == arg.role) {
            Some((_, low, high)) => (*low, *high) = ((*low).min(span.low), (*high).max(span.high)),
            None => spans.push((arg.role, span.low, span.high)),
        }
    }
    spans.iter().map(|(_, low, high)| high - low).sum()
}

fn cache_factor(footprint: usize) -> f64 {
    CACHES.iter().find(|&&(bytes, _)| footprint <= bytes).map_or(1.0, |&(_, factor)| factor)
}
