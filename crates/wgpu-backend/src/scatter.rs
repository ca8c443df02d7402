//! Writing by index. Of several writes to one element the last in C order stays: the number of the last value for each
//! element is found first, in a table of all elements. Integers of 32 bits are combined atomically.

use crate::command::{Call, Class, Command, Mode, PLACES, Place, Program, THREADS, begin, word};
use crate::fold::{Folding, held, operations};
use crate::gather::{Indexing, parts};
use crate::geometry::{closed, fetched, opened, stored};
use crate::map::head;
use maniple_ops::wgsl::Features;
use maniple_ops::{Dtype, Op};
use maniple_runtime::{Access, Indexed, Launch, Privilege, Span};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// A scatter made ready.
pub(crate) struct Scatter {
    indexing: Indexing,
    what: What,
    programs: [OnceLock<Arc<Program>>; 3],
}

/// What becomes of the element that is there.
enum What {
    /// It is overwritten. The table of winners has a place for every element between two bytes of the region, and is a
    /// buffer of its own.
    Replaced { span: Span, table: usize },
    /// It is combined with the value.
    Combined { op: Op, dtype: Dtype, folding: Folding },
}

/// Places after those of the arguments: the table of winners, and the element that it begins with.
const MORE: usize = 2;

/// The kernels of a scatter that overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Clear = 0,
    Find = 1,
    Write = 2,
}

impl Scatter {
    /// Nothing if elements are not where a device can read them at once, or if the order in which values are combined
    /// could show.
    pub(crate) fn new(
        launch: &Launch,
        indexed: &Indexed,
        combine: Option<Op>,
        features: Features,
    ) -> Option<Scatter> {
        let store = launch.args.first()?;
        let dtype = store.dtype;
        if store.privilege == Privilege::Read {
            return None;
        }
        let mut indexing = Indexing::new(&launch.args, indexed, 0, MORE)?;
        let what = match combine {
            None => {
                let Access::Whole(span) = store.access else { return None };
                let table = indexing.buffers.add(Mode::Atomic);
                What::Replaced { span, table }
            }
            Some(op) => {
                let exact = matches!(
                    op,
                    Op::Add
                        | Op::Multiply
                        | Op::Maximum
                        | Op::Minimum
                        | Op::BitwiseAnd
                        | Op::BitwiseOr
                        | Op::BitwiseXor
                );
                if !exact || !dtype.is_integer() || dtype.size() != 4 || !held(dtype, features) {
                    return None;
                }
                indexing.buffers.modes[0] = Mode::Atomic;
                What::Combined { op, dtype, folding: Folding::new(launch, op, dtype)?.silent() }
            }
        };
        Some(Scatter { indexing, what, programs: Default::default() })
    }

    /// The op table's functions that a kernel needs, and its text.
    fn text(&self, stage: Stage) -> (String, String) {
        let Indexing { args, buffers, .. } = &self.indexing;
        let (last, dtype) = (args.len() - 1, args[0].dtype);
        let begin = format!("{}{}", head(), self.indexing.text());
        match &self.what {
            What::Combined { op, dtype, folding } => {
                let text = format!(
                    "{}{begin}let value = {};\n\
                     loop {{\n\
                     let seen = atomicLoad(&b0[t0 >> 2u]);\n\
                     let bits = {};\n\
                     if (bits == seen) {{ break; }}\n\
                     let found = atomicCompareExchangeWeak(&b0[t0 >> 2u], seen, bits);\n\
                     if (found.exchanged) {{ break; }}\n}}\n}}\n",
                    folding.text("0u", 0),
                    opened(*dtype, &fetched(buffers, last, *dtype, &format!("t{last}"))),
                    closed(*dtype, &format!("combine({}, value)", opened(*dtype, "seen"))),
                );
                (operations(*op, *dtype), text)
            }
            What::Replaced { table, .. } => {
                let winner = format!(
                    "let winner = ({} >> 2u) + (t0 - {}) / {}u;\n",
                    word(PLACES + args.len()),
                    word(PLACES + args.len() + 1),
                    dtype.size()
                );
                let work = match stage {
                    Stage::Clear => return (String::new(), self.clear(*table)),
                    Stage::Find => format!("atomicMax(&b{table}[winner], i + 1u);\n"),
                    Stage::Write => {
                        let mut moves = format!("if (atomicLoad(&b{table}[winner]) == i + 1u) {{\n");
                        for (at, part) in parts(dtype) {
                            let _ = writeln!(
                                moves,
                                "{{ let place = t{last} + {at}u; let goal = t0 + {at}u; let bits = {}; {} }}",
                                fetched(buffers, last, part, "place"),
                                stored(buffers, 0, part, "goal", "bits"),
                            );
                        }
                        moves + "}\n"
                    }
                };
                (String::new(), format!("{begin}{winner}{work}}}\n"))
            }
        }
    }

    /// A kernel that makes the table zero.
    fn clear(&self, table: usize) -> String {
        let args = self.indexing.args.len();
        format!(
            "{}if (thread < {}) {{ atomicStore(&b{table}[({} >> 2u) + thread], 0u); }}\n}}\n",
            head(),
            word(self.indexing.own()),
            word(PLACES + args)
        )
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let (operations, text) = self.text(stage);
            Program::new(self.indexing.words(), &self.indexing.buffers.modes, &operations, &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }

    /// Elements that the table has places for.
    fn elements(&self) -> usize {
        match &self.what {
            What::Replaced { span, .. } => span.bytes().div_ceil(self.indexing.args[0].dtype.size()),
            What::Combined { .. } => 0,
        }
    }
}

impl Class for Scatter {
    fn scratch(&self, _: usize, _: usize) -> usize {
        4 * self.elements()
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let groups = (call.last - call.first).div_ceil(THREADS);
        let (mut places, words) = self.indexing.parameters(call);
        let What::Replaced { span, table } = &self.what else {
            return smallvec![Command { program: self.program(Stage::Find), groups, places, words }];
        };
        let bytes = self.scratch(call.first, call.last) as u64;
        let whole = call.scratch..call.scratch + bytes;
        places.push(Place { binding: *table, address: call.scratch, touched: whole });
        let address = call.binding.bases[0].wrapping_add(span.low as u64);
        places.push(Place {
            binding: self.indexing.buffers.of(0),
            address,
            touched: places[0].touched.clone(),
        });
        let mut clearing = begin(self.indexing.args.len() + MORE);
        clearing.push(self.elements() as u32);
        let clear = Command {
            program: self.program(Stage::Clear),
            groups: self.elements().div_ceil(THREADS),
            places: places.clone(),
            words: clearing,
        };
        let command = |stage: Stage| Command {
            program: self.program(stage),
            groups,
            places: places.clone(),
            words: words.clone(),
        };
        smallvec![clear, command(Stage::Find), command(Stage::Write)]
    }
}
