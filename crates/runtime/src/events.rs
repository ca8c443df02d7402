//! Floating point events on their way from the launch that raised them to the user.

use crate::{Kernel, Launch, Line, Report};
use maniple_ops::{Flags, Op, Step};
use std::fmt;

/// Floating point events that a task raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What was computed, in the user's words.
    pub during: During,
    /// What happened, of what the task watched for.
    pub flags: Flags,
    /// The place in the user's program.
    pub line: Line,
}

/// What an event is said to have happened in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum During {
    /// A row of the op table.
    Row(Op),
    /// A conversion between dtypes.
    #[default]
    Cast,
    /// A reduction.
    Reduce,
    /// A running fold.
    Accumulate,
    /// A product of vectors.
    Dot,
    /// A product of matrices.
    Matmul,
}

impl fmt::Display for During {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            During::Row(op) => op.row().numpy,
            During::Cast => "cast",
            During::Reduce => "reduce",
            During::Accumulate => "accumulate",
            During::Dot => "dot",
            During::Matmul => "matmul",
        })
    }
}

/// The bits of a task's `watch` above those of [`Flags`]: the task is part of something else, whatever its own steps are.
const REDUCE: u8 = 1 << 4;
const ACCUMULATE: u8 = 2 << 4;
const MATMUL: u8 = 3 << 4;
const DOT: u8 = 4 << 4;
const PART: u8 = 7 << 4;

/// The `watch` of a task that is a part of something, from what it would be alone. What is a part already stays it.
pub fn watch_as(watch: u8, part: During) -> u8 {
    match part {
        _ if watch == 0 || watch & PART != 0 => watch,
        During::Reduce => watch | REDUCE,
        During::Accumulate => watch | ACCUMULATE,
        During::Dot => watch | DOT,
        During::Matmul => watch | MATMUL,
        During::Row(_) | During::Cast => watch,
    }
}

/// Adds a warning of events that were raised, if somebody wants to hear about any of them. Answers that.
pub(crate) fn hear(
    watch: u8,
    during: During,
    line: impl FnOnce() -> Line,
    raised: Flags,
    warnings: &mut Vec<Warning>,
) -> bool {
    let flags = Flags::from_bits(raised.bits() & watch);
    if flags.is_empty() {
        return false;
    }
    let during = match watch & PART {
        REDUCE => During::Reduce,
        ACCUMULATE => During::Accumulate,
        DOT => During::Dot,
        MATMUL => During::Matmul,
        _ => during,
    };
    let warning = Warning { during, flags, line: line() };
    // A reduction or running fold is several tasks, and launches of several calls may come in turn.
    if watch & PART == 0 || !warnings.contains(&warning) {
        warnings.push(warning);
    }
    true
}

/// Turns what a launch's pieces reported into warnings. A conversion of a result belongs to the row that computed it,
/// one of an operand is a cast. `line` gives the line of each of the launch's tasks.
pub(crate) fn collect(
    launch: &Launch,
    report: &Report,
    line: impl Fn(usize) -> Line,
    warnings: &mut Vec<Warning>,
) {
    let mut add = |owner: usize, during: During, flags: Flags| {
        hear(launch.watch[owner], during, || line(owner), flags, warnings);
    };
    let steps = match &*launch.kernel {
        Kernel::Map(body) => &body.steps[..],
        Kernel::Reduce(reduce) => &reduce.body.steps[..],
        _ => &[],
    };
    for (at, step) in steps.iter().enumerate().filter(|&(at, _)| !report.flags(at).is_empty()) {
        let owner = launch.owners[at];
        let applied = |at: usize| match steps[at] {
            Step::Apply { op, .. } if launch.owners[at] == owner => Some(During::Row(op)),
            _ => None,
        };
        let during = match step {
            Step::Apply { op, .. } => During::Row(*op),
            Step::Cast { .. } => (0..at).rev().find_map(applied).unwrap_or_default(),
        };
        add(owner as usize, during, report.flags(at));
    }
    for fold in 0..report.folds() {
        let during = match &*launch.kernel {
            Kernel::Reduce(reduce) => During::Row(reduce.ops[fold]),
            Kernel::Fold { op, .. } | Kernel::Scan { op, .. } => During::Row(*op),
            Kernel::Scatter { combine: Some(op), .. } => During::Row(*op),
            Kernel::Matmul { .. } => During::Matmul,
            _ => During::Cast,
        };
        add(launch.folder(fold), during, report.own(fold));
    }
}
