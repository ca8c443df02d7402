//! Reading by index: every thread finds where some elements are, then fetches them.

use crate::command::{Call, Class, Command, MOST_WORDS, Program, Words, grid};
use crate::fold::naturally_aligned;
use crate::geometry::{Space, Written, address};
use maniple_ops::Dtype;
use maniple_runtime::{Arg, Binding, Indexed, Launch};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Elements that a thread handles at a time.
const APART: usize = 4;
/// Grids fill the device this many times over.
const WAVES: u32 = 32;

/// A gather made ready.
pub(crate) struct Gather {
    indexing: Indexing,
    program: OnceLock<Arc<Program>>,
}

impl Gather {
    /// Nothing if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, indexed: &Indexed) -> Option<Gather> {
        let values = launch.args.last()?;
        if values.view.overlaps_itself(values.dtype.size()) {
            return None;
        }
        Some(Gather { indexing: Indexing::new(&launch.args, indexed)?, program: OnceLock::new() })
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let text = format!("{}{}", self.indexing.text(), include_str!("../../../kernels/gather.cu"));
            Program::new(self.indexing.words(), "", &text)
        })
    }
}

impl Class for Gather {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let mut words = Words::new();
        self.indexing.push(call.binding, call.first, call.last, &mut words);
        smallvec![Command {
            program: self.program().clone(),
            grid: grid((call.last - call.first).div_ceil(APART), THREADS, call.multiprocessors, WAVES),
            words,
        }]
    }
}

/// How index arrays and an indexed store lead to addresses.
pub(crate) struct Indexing {
    /// The common space of the indexed store, the indices, and the values.
    pub(crate) space: Space,
    /// For every index array the extent and the stride of the axis that it indexes.
    axes: Vec<(usize, isize)>,
    dtype: Dtype,
}

impl Indexing {
    /// `args` are the indexed store, the indices, and the values. Nothing if elements are not where a device can read
    /// them at once, or if there are too many numbers.
    pub(crate) fn new(args: &[Arg], indexed: &Indexed) -> Option<Indexing> {
        let dtype = args.first()?.dtype;
        let steps = |&stride: &isize| stride.unsigned_abs().is_multiple_of(dtype.real().size());
        if !args.iter().all(naturally_aligned)
            || !indexed.strides.iter().all(steps)
            || args.len() != indexed.strides.len() + 2
        {
            return None;
        }
        let indexing = Indexing {
            space: Space::new(args.iter().map(|arg| &arg.view)),
            axes: indexed.extents.iter().copied().zip(indexed.strides.iter().copied()).collect(),
            dtype,
        };
        (indexing.words() <= MOST_WORDS).then_some(indexing)
    }

    /// Position of the first and the last element among the words.
    fn range(&self) -> usize {
        self.axes.len() + 2
    }

    /// How many words [`Indexing::push`] appends.
    pub(crate) fn words(&self) -> usize {
        self.range() + 2 + 2 * self.axes.len() + self.space.words()
    }

    /// Appends addresses, the range, what is known of the axes, and of the space.
    pub(crate) fn push(&self, binding: &Binding, first: usize, last: usize, words: &mut Words) {
        let bases = binding.bases.iter().zip(&self.space.offsets);
        words.extend(bases.map(|(&base, &offset)| address(base, offset)));
        words.extend([first as u64, last as u64]);
        words.extend(self.axes.iter().flat_map(|&(extent, stride)| [extent as u64, stride as u64]));
        self.space.push(words);
    }

    /// The types `Index` and `Element`, and a function `places` from the number of an element to its two addresses.
    pub(crate) fn text(&self) -> String {
        let names: Vec<String> = (0..self.axes.len() + 2).map(|number| format!("d{number}")).collect();
        let own = self.range() + 2;
        let mut fetch = String::from("indexed = p.w[0] + d0;\n");
        for number in 0..self.axes.len() {
            let (array, extent, stride) = (number + 1, own + 2 * number, own + 2 * number + 1);
            let _ = writeln!(
                fetch,
                "const long long x{array} = *(const long long*)(p.w[{array}] + d{array});\n\
                 indexed += (Word)((x{array} < 0 ? x{array} + (long long)p.w[{extent}] : x{array}) \
                 * (long long)p.w[{stride}]);"
            );
        }
        let last = self.axes.len() + 1;
        format!(
            "{element}\
             typedef {index} Index;\n#define AT {at}\n#define THREADS {THREADS}\n#define APART {APART}\n\
             static __device__ __forceinline__ void places(const Words& p, Index i, Word& indexed, Word& values) {{\n\
             {distances}{fetch}values = p.w[{last}] + d{last};\n}}\n",
            element = element(self.dtype),
            index = self.space.index(),
            at = self.range(),
            distances = self.space.text("i", own + 2 * self.axes.len(), &names),
        )
    }
}

/// The type `Element` that is as large and as aligned as a dtype's elements.
fn element(dtype: Dtype) -> &'static str {
    match (dtype.size(), dtype.is_complex()) {
        (1, _) => "typedef unsigned char Element;\n",
        (2, _) => "typedef unsigned short Element;\n",
        (4, _) => "typedef unsigned int Element;\n",
        (8, false) => "typedef unsigned long long Element;\n",
        (8, true) => "struct Element { unsigned int low, high; };\n",
        _ => "struct Element { unsigned long long low, high; };\n",
    }
}
