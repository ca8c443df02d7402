//! Reductions: values of a body folded along axes, each to one partial result per leaf of [`LEAF`] elements. A kernel folds
//! one of them; several are as many kernels, one after the other.
//!
//! A leaf folds its element `i` into lane `i % LANES`, then the lanes in a fixed tree, as on the host's processor, so
//! that the bits are the same. How threads share that work depends on the shape:
//!
//! ```text
//! rows      a warp per leaf; lanes are the warp's
//! short     rows of at most LANES elements: several of them per warp
//! columns   a block per leaf of neighbouring columns; a thread has some lanes of one column
//! stack     columns of at most LANES elements: a thread for each
//! each      a thread per result, from first to last
//! ```

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::{Folding, naturally_aligned};
use crate::geometry::{Space, Written, address, index_type};
use crate::map::Source;
use maniple_ops::cuda;
use maniple_ops::{LANES, LEAF, Op, Order as FoldOrder, fold};
use maniple_runtime::{Arg, FoldPart, Kernel, Launch, Order, Reduce, View};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Bytes that a thread asks for before it uses any.
const FLIGHT: usize = 64;
/// Grids have blocks to fill the device this many times over: blocks that end make room for others, which evens out
/// how fast they are.
const WAVES: u32 = 256;
/// Bytes of a column that a thread may hold.
const REGISTERS: usize = 256;
/// Fewer blocks than this leave multiprocessors without work.
const BLOCKS: usize = 512;

/// A reduction of several values made ready: as many of one.
pub(crate) struct Reductions(Vec<(FoldPart, Reduction)>);

impl Reductions {
    /// Nothing if one of them cannot be.
    pub(crate) fn new(launch: &Launch, reduce: &Reduce) -> Option<Reductions> {
        let ready = |part: FoldPart| {
            let Kernel::Reduce(reduce) = &*part.launch.kernel else { return None };
            let reduction = Reduction::new(&part.launch, reduce, part.fold)?;
            Some((part, reduction))
        };
        FoldPart::all(launch, reduce).into_iter().map(ready).collect::<Option<_>>().map(Reductions)
    }
}

impl Class for Reductions {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let commands = |(part, reduction): &(FoldPart, Reduction)| {
            reduction.commands(&Call { binding: &part.binding(call.binding), ..*call })
        };
        self.0.iter().flat_map(commands).collect()
    }
}

/// A reduction of one value made ready.
pub(crate) struct Reduction {
    source: Source,
    /// What folds, as text.
    folding: Folding,
    /// Which of the launch's folds it is.
    fold: usize,
    /// Inputs and stored outputs.
    args: Vec<Arg>,
    kept_space: Space,
    reduced_space: Space,
    partials: Space,
    op: Op,
    /// Elements per result, leaves per result, and results.
    n: usize,
    leaves: usize,
    kept: usize,
    way: Way,
    /// Words before those of the body.
    words: usize,
    program: OnceLock<Arc<Program>>,
}

/// How threads share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Rows,
    Short { group: usize },
    Columns { across: usize, down: usize },
    Stack { most: usize },
    Each,
}

impl Reduction {
    /// Nothing if a step has no text, if the row does not fold or has to fold more than one leaf from first to last, or
    /// if threads could not write their elements as they are. Events of folding are those of the fold `number`.
    pub(crate) fn new(launch: &Launch, reduce: &Reduce, number: usize) -> Option<Reduction> {
        let (partials, args) = launch.args.split_last()?;
        let inputs = reduce.body.inputs.len();
        let shape = &args.first()?.view.shape;
        if args.len() + 1 != inputs + reduce.body.outputs.len()
            || !launch.args.iter().all(naturally_aligned)
            || launch.args[inputs..].iter().any(|arg| arg.view.overlaps_itself(arg.dtype.size()))
        {
            return None;
        }
        let views: Vec<&View> = args.iter().map(|arg| &arg.view).collect();
        let split = match reduce.order {
            Order::KeptFirst => reduce.kept,
            Order::ReducedFirst => shape.len() - reduce.kept,
        };
        let (outer, inner) = (Space::of_axes(&views, 0..split), Space::of_axes(&views, split..shape.len()));
        let (kept_space, reduced_space) = match reduce.order {
            Order::KeptFirst => (outer, inner),
            Order::ReducedFirst => (inner, outer),
        };
        let (kept, n) = (kept_space.size(), reduced_space.size());
        let leaves = n.div_ceil(LEAF);
        let op = *reduce.ops.first()?;
        let sequential = fold(op, partials.dtype)?.order != FoldOrder::Tree;
        if n == 0 || kept == 0 || (sequential && leaves > 1) {
            return None;
        }
        let way = match reduce.order {
            _ if sequential => Way::Each,
            Order::KeptFirst if n <= LANES => Way::Short { group: n.next_power_of_two() },
            Order::KeptFirst => Way::Rows,
            Order::ReducedFirst if n <= LANES && n * partials.dtype.size() <= REGISTERS => {
                Way::Stack { most: n.next_power_of_two() }
            }
            Order::ReducedFirst => {
                let mut across = 32;
                while across > 8 && kept.div_ceil(across) * leaves < BLOCKS {
                    across /= 2;
                }
                Way::Columns { across, down: THREADS as usize / across }
            }
        };
        let partial_space = Space::new([&partials.view].into_iter());
        let words = args.len() + 6 + kept_space.words() + reduced_space.words() + partial_space.words();
        Some(Reduction {
            source: Source::new(launch, &reduce.body, words)?,
            folding: Folding::new(launch, op, partials.dtype)?,
            fold: number,
            args: args.to_vec(),
            kept_space,
            reduced_space,
            partials: partial_space,
            op,
            n,
            leaves,
            kept,
            way,
            words,
            program: OnceLock::new(),
        })
    }

    /// Position of the skeleton's own words.
    fn own(&self) -> usize {
        self.args.len() + 1
    }

    /// The functions that the skeletons call: `row_of`, `load`, `evaluate` and `partial`.
    fn functions(&self) -> String {
        let own = self.own();
        let inputs = self.source.body.inputs.len();
        let (kept, reduced) = (own + 5, own + 5 + self.kept_space.words());
        let partials = reduced + self.reduced_space.words();
        let names: Vec<String> = (0..self.args.len()).map(|number| format!("d{number}")).collect();
        let (mut row, mut start) = (String::new(), String::new());
        let (mut elements, mut fetch, mut store, mut declare) =
            (String::new(), String::new(), String::new(), String::new());
        let mut call = vec!["p".to_string()];
        for (number, arg) in self.args.iter().enumerate() {
            let storage = cuda::storage(arg.dtype);
            let _ = writeln!(row, "Word a{number};");
            let _ = writeln!(start, "row.a{number} = p.w[{number}] + d{number};");
            if number < inputs {
                let _ = writeln!(elements, "{storage} e{number};");
                let _ =
                    writeln!(fetch, "elements.e{number} = *(const {storage}*)(row.a{number} + d{number});");
                call.push(format!("elements.e{number}"));
            } else {
                let _ = writeln!(declare, "{storage} o{number};");
                let _ = writeln!(store, "*({storage}*)(row.a{number} + d{number}) = o{number};");
                call.push(format!("o{number}"));
            }
        }
        call.push("folded".to_string());
        let storing = match store.is_empty() {
            true => String::new(),
            false => format!("{}{store}", self.reduced_space.text("index", reduced, &names)),
        };
        let function = "static __device__ __forceinline__";
        format!(
            "{folding}\
             #define LEAF {LEAF}\n#define LANES {LANES}\n\
             typedef {index} Index;\n\
             struct Row {{\n{row}}};\n\
             struct Elements {{\n{elements}}};\n\
             {compute}\
             {function} Row row_of(const Words& p, Index kept) {{\n{kept_text}Row row;\n{start}return row;\n}}\n\
             {function} Elements load(const Words& p, const Row& row, Index index) {{\n\
             {reduced_text}Elements elements;\n{fetch}return elements;\n}}\n\
             {function} Value evaluate(const Words& p, const Row& row, Index index, const Elements& elements) {{\n{declare}Stored folded;\ncompute({call});\n{storing}return opened(folded);\n}}\n\
             {function} Stored* partial(const Words& p, Word point) {{\n{partial_text}\
             return (Stored*)(p.w[{target}] + d);\n}}\n",
            folding = self.folding.text(self.source.report_word(), self.source.body.steps.len() + self.fold),
            index = index_type(self.kept * self.n),
            compute = self.source.function(),
            kept_text = self.kept_space.text("kept", kept, &names),
            reduced_text = self.reduced_space.text("index", reduced, &names),
            call = call.join(", "),
            partial_text = self.partials.text("point", partials, &["d".to_string()]),
            target = self.args.len(),
        )
    }

    fn text(&self) -> String {
        let inputs = &self.args[..self.source.body.inputs.len()];
        let bytes: usize = inputs.iter().map(|arg| arg.dtype.size()).sum();
        let chunk = (FLIGHT / bytes.max(1)).clamp(4, 16);
        let chunk = 1 << chunk.ilog2();
        let mut text = self.functions();
        let _ = writeln!(text, "#define AT {}\n#define CHUNK {chunk}", self.own());
        text.push_str(include_str!("../../../kernels/lanes.cuh"));
        text.push_str(include_str!("../../../kernels/tree.cuh"));
        let skeleton = match self.way {
            Way::Rows => include_str!("../../../kernels/reduce_rows.cu"),
            Way::Short { group } => {
                let _ = writeln!(text, "#define GROUP {group}");
                include_str!("../../../kernels/reduce_short.cu")
            }
            Way::Columns { across, down } => {
                let _ = writeln!(text, "#define ACROSS {across}\n#define DOWN {down}");
                include_str!("../../../kernels/reduce_columns.cu")
            }
            Way::Stack { most } => {
                let _ = writeln!(text, "#define MOST {most}");
                include_str!("../../../kernels/reduce_stack.cu")
            }
            Way::Each => include_str!("../../../kernels/reduce_each.cu"),
        };
        text.push_str(skeleton);
        text
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let words = self.words + self.source.words();
            Program::new(words, &cuda::prelude_for(&self.source.body, Some(self.op)), &self.text())
        })
    }
}

impl Class for Reduction {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = Words::new();
        let target = self.args.len();
        // Both spaces begin where the views do; one of them brings the offset.
        let offsets = self.kept_space.offsets.iter().chain(&self.partials.offsets);
        words.extend(binding.bases.iter().zip(offsets).map(|(&base, &offset)| address(base, offset)));
        debug_assert_eq!(words.len(), target + 1);
        words.extend([first, last, self.n, self.leaves, self.kept].map(|number| number as u64));
        self.kept_space.push(&mut words);
        self.reduced_space.push(&mut words);
        self.partials.push(&mut words);
        self.source.push(call, &mut words);
        let threads = match self.way {
            Way::Rows => (last - first) * LANES,
            Way::Short { group } => ((last - first) * group).div_ceil(4),
            Way::Columns { across, .. } => {
                let leaves = (last - 1) / self.kept - first / self.kept + 1;
                leaves * self.kept.div_ceil(across) * THREADS as usize
            }
            Way::Stack { .. } | Way::Each => last - first,
        };
        smallvec![Command {
            program: self.program().clone(),
            grid: grid(threads, THREADS, call.multiprocessors, WAVES),
            words,
        }]
    }
}
