//! Writing by index. Of several writes to one element the last in C order stays: the number of the last value for each
//! element is found first, in a table of all elements or of those that are written to. Integers are combined atomically.

use crate::command::{Call, Class, Command, MOST_WORDS, Program, Words, grid};
use crate::fold::folding;
use crate::gather::Indexing;
use maniple_ops::{Dtype, Op, cuda};
use maniple_runtime::{Access, Indexed, Launch, Privilege};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Grids fill the device this many times over.
const WAVES: u32 = 32;
/// A table of all elements is used up to this many of them for each value.
const SPARSE: usize = 4;

/// A scatter made ready.
pub(crate) struct Scatter {
    indexing: Indexing,
    /// The values' dtype.
    dtype: Dtype,
    what: What,
    programs: [OnceLock<Arc<Program>>; 3],
}

/// What becomes of the element that is there.
enum What {
    /// It is overwritten. The winners' table has a place for every element from a byte of the region on, or is hashed.
    Replaced { table: Table },
    /// It is combined with the value, by the text of a fold.
    Combined { op: Op, folding: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Whole { elements: usize, low: usize },
    Hashed { slots: usize },
}

/// The kernels of a scatter that overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Find = 0,
    Write = 1,
    Clear = 2,
}

impl Scatter {
    /// Nothing if elements are not where a device can read them at once, or if the order in which values are combined
    /// could show.
    pub(crate) fn new(launch: &Launch, indexed: &Indexed, combine: Option<Op>) -> Option<Scatter> {
        let indexing = Indexing::new(&launch.args, indexed)?;
        let (store, values) = (launch.args.first()?, launch.args.last()?);
        if store.privilege == Privilege::Read || indexing.words() + 3 > MOST_WORDS {
            return None;
        }
        let dtype = store.dtype;
        let what = match combine {
            None => What::Replaced { table: table(store.access, dtype, values.view.size()) },
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
                if !exact || !dtype.is_integer() || dtype.size() < 4 {
                    return None;
                }
                What::Combined { op, folding: folding(op, dtype)? }
            }
        };
        Some(Scatter { indexing, dtype, what, programs: Default::default() })
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let (table, words) = match &self.what {
                What::Combined { op, folding } => {
                    let bits = if self.dtype.size() == 8 { "unsigned long long" } else { "unsigned int" };
                    let text = format!(
                        "{folding}{}typedef {bits} Bits;\n#define ADDS {}\n{}",
                        self.indexing.text(),
                        (*op == Op::Add) as u8,
                        include_str!("../../../kernels/combine.cu")
                    );
                    return Program::new(self.indexing.words(), cuda::prelude(), &text);
                }
                What::Replaced { table } => (*table, self.indexing.words() + 3),
            };
            if stage == Stage::Clear {
                let text = include_str!("../../../kernels/clear.cu");
                return Program::new(2, "", &format!("#define THREADS {THREADS}\n{text}"));
            }
            let text = format!(
                "{}#define MORE {}\n#define STAGE {}\n#define HASHED {}\n{}",
                self.indexing.text(),
                self.indexing.words(),
                stage as u8,
                matches!(table, Table::Hashed { .. }) as u8,
                include_str!("../../../kernels/scatter.cu")
            );
            Program::new(words, "", &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }
}

/// The smaller table for as many values.
fn table(access: Access, dtype: Dtype, values: usize) -> Table {
    if let Access::Whole(span) = access
        && span.bytes().is_multiple_of(dtype.size())
        && span.bytes() / dtype.size() <= SPARSE * values
    {
        return Table::Whole { elements: span.bytes() / dtype.size(), low: span.low };
    }
    Table::Hashed { slots: (2 * values).next_power_of_two() }
}

impl Table {
    /// Words of scratch memory.
    fn words(self) -> usize {
        match self {
            Table::Whole { elements, .. } => elements,
            Table::Hashed { slots } => 2 * slots,
        }
    }
}

impl Class for Scatter {
    fn scratch(&self, _: usize, _: usize) -> usize {
        match self.what {
            What::Replaced { table } => table.words() * size_of::<u64>(),
            What::Combined { .. } => 0,
        }
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, scratch, .. } = *call;
        let mut words = Words::new();
        self.indexing.push(binding, first, last, &mut words);
        let command = |stage: Stage, work: usize, words: Words| Command {
            program: self.program(stage),
            grid: grid(work, THREADS, call.multiprocessors, WAVES),
            words,
        };
        match self.what {
            What::Combined { .. } => smallvec![command(Stage::Find, last - first, words)],
            What::Replaced { table } => {
                let (low, mask) = match table {
                    Table::Whole { low, .. } => (low as u64, 0),
                    Table::Hashed { slots } => (0, slots as u64 - 1),
                };
                words.extend([scratch, binding.bases[0].wrapping_add(low), mask]);
                let mut clear = Words::new();
                clear.extend([scratch, table.words() as u64]);
                smallvec![
                    command(Stage::Clear, table.words(), clear),
                    command(Stage::Find, last - first, words.clone()),
                    command(Stage::Write, last - first, words),
                ]
            }
        }
    }
}
