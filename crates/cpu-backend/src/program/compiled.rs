//! The runs of a program that can be compiled, and what stands for them until they are.

use super::layout::Layout;
use super::{Argument, Instruction, Place, Way, may_overlap};
use crate::jit::{Code, Compile, Jit, Manner, Section, plan};
use maniple_ops::{Body, Kind, Op, Step, Value};
use maniple_runtime::Arg;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The most elements of a block of a program that is one run: nothing is passed from step to step, so that a block need
/// not fit into the first-level cache.
pub(super) const MOST: usize = 4096;
/// A program is compiled once it has begun to work on so many elements.
const HOT: usize = 1 << 15;
/// Programs of fewer elements are not looked at: whatever is done once per program or block outweighs their steps.
const SMALL: usize = 2048;

/// Fewer steps are no run: one block loop does as well.
const FEWEST: usize = 2;
/// If a program touches so many bytes of arguments, its outputs are stored past the caches: nobody would find them there
/// any more. That saves reading what is written over; `a * 2 + b` took 1.4 times as long with usual stores.
const STREAM: usize = 64 << 20;

/// Why runs keep what they write over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// They do not.
    Nothing,
    /// Should it have to be found out which step raised an event.
    ToTellSteps,
    /// Should all of a block have to be put back.
    ToPutBack,
}

/// How the instructions of a program go together once it is compiled.
#[derive(Debug)]
pub(super) struct Compiled {
    jit: Arc<Jit>,
    /// All of the program, in order.
    pub(super) parts: Vec<Part>,
    /// How many lines of constants the runs have.
    pub(super) lines: usize,
    /// For every entry of the table whether compiled code or a function uses its buffer.
    pub(super) touches: Vec<bool>,
    /// For every entry of the table whether a function that is not part of a run uses its buffer, or it is stored.
    pub(super) between: Vec<bool>,
    /// The arguments whose rows are level, with the lines that they have in runs.
    pub(super) level: Vec<(usize, usize)>,
    /// Elements that the program has begun to work on.
    begun: AtomicUsize,
    /// The code of every run; nothing if that could not be.
    codes: OnceLock<Option<Vec<Arc<Code>>>>,
}

/// Where the value of a constant is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given {
    /// A constant of the program.
    Constant(usize),
    /// An argument of one element.
    Argument(usize),
}

/// Some instructions in a row.
#[derive(Debug)]
pub(super) enum Part {
    /// One function after the other.
    Steps(Range<usize>),
    /// Compiled, as the code of that number.
    Run(usize, Box<Block>),
}

/// A run of instructions on a block.
#[derive(Debug)]
pub(super) struct Block {
    /// The instructions.
    pub(super) steps: Range<usize>,
    run: Body,
    /// Entries of inputs, then of outputs.
    pub(super) entries: Vec<u16>,
    /// The first line of constants, and those that the program is given, with their sizes.
    pub(super) first_line: usize,
    pub(super) constants: Vec<(Given, usize)>,
    /// Constants that the code needs itself.
    pub(super) patterns: Vec<u64>,
    /// Which flags of any of the steps are wanted.
    pub(super) watch: u8,
    /// Whether the flags that the run raises tell by themselves which step it was.
    pub(super) tells: bool,
    /// Inputs that the run writes over, and where it puts what they were.
    pub(super) saved: Vec<(u16, u16)>,
    /// The set of outputs that the run stores where they belong, although functions would put them into a buffer.
    pub(super) placed: u64,
    /// Which of `entries` are stored past the caches, and which are accumulators.
    manner: Manner,
}

/// The runs of a body; none if it is not worth it.
pub(super) fn sections(
    jit: Option<&Arc<Jit>>,
    body: &Body,
    args: &[Arg],
    arguments: &[Argument],
    size: usize,
    keeps: Keeps,
) -> Vec<Section> {
    let Some(jit) = jit.filter(|jit| size >= SMALL || jit.compile == Compile::Always) else {
        return Vec::new();
    };
    let same = |value: Value| {
        let argument = arguments[..body.inputs.len()].get(value as usize);
        argument.is_some_and(|argument| argument.way == Way::Splat || argument.level)
    };
    // The steps of a run whose flags are wanted may have to run again, after its outputs have been written.
    let kept = |steps: &Range<usize>| -> Vec<Value> {
        if keeps == Keeps::Nothing || (keeps == Keeps::ToTellSteps && tells(body, steps)) {
            return Vec::new();
        }
        let before: usize = body.steps[..steps.start].iter().map(|step| step.results()).sum();
        let defined = body.first_result() + before;
        let results: usize = body.steps[steps.clone()].iter().map(|step| step.results()).sum();
        let written: Vec<&Arg> = (body.outputs.iter().zip(&args[body.inputs.len()..]))
            .filter(|&(&value, _)| (defined..defined + results).contains(&(value as usize)))
            .map(|(_, arg)| arg)
            .collect();
        (0..body.inputs.len())
            .filter(|&input| arguments[input].way == Way::Direct)
            .filter(|&input| written.iter().any(|output| may_overlap(&args[input], output)))
            .map(|input| input as Value)
            .collect()
    };
    let fewest = if streams(jit, arguments, size) { 1 } else { FEWEST };
    plan(jit, body, fewest, same, kept)
}

/// Whether some steps are one whose instruction raises what the step does, and nothing else.
fn tells(body: &Body, steps: &Range<usize>) -> bool {
    let exact = |op: Op| matches!(op, Op::Add | Op::Subtract | Op::Multiply | Op::Divide);
    match &body.steps[steps.clone()] {
        [Step::Apply { op, dtype, .. }] => exact(*op) && dtype.kind() == Kind::Float,
        _ => false,
    }
}

/// Whether a program over so many elements leaves nothing in the caches that it began with; in tests all do.
fn streams(jit: &Jit, arguments: &[Argument], size: usize) -> bool {
    let direct = arguments.iter().filter(|argument| argument.way == Way::Direct);
    let bytes = direct.map(|argument| argument.item).sum::<usize>().saturating_mul(size);
    bytes >= STREAM || jit.compile == Compile::Always
}

impl Compiled {
    /// The runs of a body over so many elements; whether its sinks are the accumulators of a leaf. Nothing if there are no
    /// runs.
    pub(super) fn new(
        (jit, sections): (&Arc<Jit>, Vec<Section>),
        (body, turning, size): (&Body, bool, usize),
        layout: &mut Layout,
        instructions: &[Instruction],
        (args, arguments): (&[Arg], &[Argument]),
    ) -> Option<Compiled> {
        if sections.is_empty() {
            return None;
        }
        let placing = Placing::new(body, args, arguments);
        let (mut parts, mut lines, mut done) = (Vec::new(), 0, 0);
        for (number, section) in sections.into_iter().enumerate() {
            let Section { steps, run, inputs, constants, outputs, patterns } = section;
            if done < steps.start {
                parts.push(Part::Steps(done..steps.start));
            }
            done = steps.end;
            let home = |value: &Value| layout.home[*value as usize];
            let mut entries: Vec<u16> = inputs.iter().map(home).collect();
            let mut placed = 0;
            for value in &outputs {
                let place =
                    placing.output(*value, steps.end).filter(|_| home(value) as usize >= arguments.len());
                placed |= place.map_or(0, |output| 1 << output);
                entries.push(place.map_or(home(value), |output| (body.inputs.len() + output) as u16));
            }
            // Outputs of the run that are its inputs are kept beside.
            let mut saved = Vec::new();
            for &input in &run.outputs[outputs.len()..] {
                let save = layout.extra(run.inputs[input as usize].size());
                saved.push((entries[input as usize], save));
                entries.push(save);
            }
            // What is read has its lines in the caches already.
            let is_streamed = |entry: u16| {
                let at = entry as usize;
                (body.inputs.len()..args.len()).contains(&at)
                    && arguments[at].way == Way::Direct
                    && !arguments[at].near
                    && !args[..body.inputs.len()].iter().any(|input| may_overlap(input, &args[at]))
            };
            let set = |wanted: &dyn Fn(usize, u16) -> bool| {
                let all = entries.iter().copied().enumerate();
                all.filter(|&(at, entry)| wanted(at, entry)).fold(0, |set, (at, _)| set | 1 << at)
            };
            let streaming = streams(jit, arguments, size);
            let is_sink = |entry: u16| {
                arguments.get(entry as usize).is_some_and(|argument| matches!(argument.place, Place::Sink(_)))
            };
            let manner = Manner {
                streamed: set(&|at, entry| streaming && at >= inputs.len() && is_streamed(entry)),
                accumulators: set(&|_, entry| turning && is_sink(entry)),
            };
            let first_line = lines;
            lines += constants.len() + patterns.len();
            let dtypes = &run.constants;
            let constants = (constants.iter().zip(dtypes))
                .map(|(&value, dtype)| {
                    let given = match (value as usize).checked_sub(body.inputs.len()) {
                        Some(constant) => Given::Constant(constant),
                        None => Given::Argument(value as usize),
                    };
                    (given, dtype.size())
                })
                .collect();
            let watch = instructions[steps.clone()].iter().fold(0, |all, one| all | one.watch);
            let tells = tells(body, &steps);
            let block = Block {
                steps,
                run,
                entries,
                first_line,
                constants,
                patterns,
                watch,
                tells,
                saved,
                placed,
                manner,
            };
            parts.push(Part::Run(number, Box::new(block)));
        }
        if done < body.steps.len() {
            parts.push(Part::Steps(done..body.steps.len()));
        }
        let mut between = vec![false; layout.items.len()];
        // An output may name a constant as it is.
        body.outputs.iter().for_each(|&value| between[layout.home[value as usize] as usize] = true);
        for part in &parts {
            let Part::Steps(steps) = part else { continue };
            for (step, instruction) in body.steps[steps.clone()].iter().zip(&instructions[steps.clone()]) {
                let ins = instruction.ins.iter().take(step.args().len());
                let outs = instruction.outs.iter().take(step.results());
                ins.chain(outs).for_each(|&entry| between[entry as usize] = true);
            }
        }
        let mut touches = between.clone();
        touches[..arguments.len()].fill(true);
        for block in blocks(&parts) {
            block.entries.iter().for_each(|&entry| touches[entry as usize] = true);
        }
        let mut level = Vec::new();
        for block in blocks(&parts) {
            for (line, &(given, _)) in (block.first_line..).zip(&block.constants) {
                match given {
                    Given::Argument(at) if arguments[at].level => level.push((at, line)),
                    _ => {}
                }
            }
        }
        let (begun, codes) = (AtomicUsize::new(0), OnceLock::new());
        Some(Compiled { jit: jit.clone(), parts, lines, touches, between, level, begun, codes })
    }

    /// Whether all of the program is one run.
    pub(super) fn whole(&self) -> bool {
        matches!(self.parts[..], [Part::Run(..)])
    }

    /// The inputs that runs write over, and where they put what those were.
    pub(super) fn kept(&self) -> impl Iterator<Item = (u16, u16)> {
        self.blocks().flat_map(|block| block.saved.iter().copied())
    }

    /// Whether some steps are all parts of runs.
    pub(super) fn covers(&self, mut steps: Range<usize>) -> bool {
        steps.all(|step| self.blocks().any(|block| block.steps.contains(&step)))
    }

    /// The code of every run, for a piece of work on so many elements; nothing if that is not worth it yet.
    pub(super) fn codes(&self, elements: usize) -> Option<&[Arc<Code>]> {
        if let Some(codes) = self.codes.get() {
            return codes.as_deref();
        }
        let begun = self.begun.fetch_add(elements, Ordering::Relaxed).saturating_add(elements);
        if begun < HOT && self.jit.compile != Compile::Always {
            return None;
        }
        let codes = || self.blocks().map(|block| self.jit.code(&block.run, block.manner)).collect();
        self.codes.get_or_init(codes).as_deref()
    }

    /// The runs, in order.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        blocks(&self.parts)
    }
}

/// Tells which results compiled code may store over what they are computed from, element by element, as functions must not.
struct Placing<'a> {
    body: &'a Body,
    args: &'a [Arg],
    arguments: &'a [Argument],
    /// The step that gives every value, and the last that uses it.
    steps: Vec<(usize, usize)>,
}

impl Placing<'_> {
    fn new<'a>(body: &'a Body, args: &'a [Arg], arguments: &'a [Argument]) -> Placing<'a> {
        let mut steps = vec![(0, 0); body.first_result()];
        for (at, step) in body.steps.iter().enumerate() {
            step.args().iter().for_each(|&value| steps[value as usize].1 = at);
            steps.resize(steps.len() + step.results(), (at, at));
        }
        Placing { body, args, arguments, steps }
    }

    /// The output that a value of a run, whose steps end there, may be stored to at once: nothing else needs the value, and
    /// no later step anything that lies there.
    fn output(&self, value: Value, end: usize) -> Option<usize> {
        let mut outputs = (0..self.body.outputs.len()).filter(|&output| self.body.outputs[output] == value);
        let output = outputs.next().filter(|_| outputs.next().is_none())?;
        let at = self.body.inputs.len() + output;
        let arg = self.args.get(at)?;
        let (given, last) = self.steps[value as usize];
        let free = |(input, other): (usize, &Arg)| {
            let same = other.dtype.size() == arg.dtype.size() && other.view.same_as(&arg.view);
            !may_overlap(other, arg) || (same && self.steps[input].1 <= given)
        };
        let direct = output < u64::BITS as usize && self.arguments[at].way == Way::Direct && last < end;
        let inputs = self.args[..self.body.inputs.len()].iter().enumerate();
        (direct && inputs.into_iter().all(free)).then_some(output)
    }
}

fn blocks(parts: &[Part]) -> impl Iterator<Item = &Block> {
    parts.iter().filter_map(|part| match part {
        Part::Run(_, block) => Some(&**block),
        Part::Steps(_) => None,
    })
}
