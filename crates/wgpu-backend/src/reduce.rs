//! Reductions: values of a body folded along axes, each to one partial result per leaf of [`LEAF`] elements. A kernel folds
//! one of them; several are as many kernels, one after the other.
//!
//! A leaf folds its element `i` into lane `i % LANES`, then the lanes in a fixed tree, as on the host's processor, so
//! that the bits are the same. How threads share that work depends on the shape:
//!
//! ```text
//! lanes     a thread per lane; neighbours are neighbouring elements of a row, or neighbouring columns
//! stack     at most LANES elements: a thread for each result
//! each      a thread per result, from first to last
//! ```

use crate::body::Source;
use crate::command::{Buffers, Call, Class, Command, PLACES, Program, THREADS, begin, word};
use crate::fold::Folding;
use crate::geometry::{Written, aligned, fetched, register, stored};
use maniple_ops::wgsl::Features;
use maniple_ops::{LANES, LEAF, Op, Order as FoldOrder, fold};
use maniple_runtime::{Arg, FoldPart, Kernel, Launch, Order, Reduce, Space, View};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// A reduction of several values made ready: as many of one.
pub(crate) struct Reductions(Vec<(FoldPart, Reduction)>);

impl Reductions {
    /// Nothing if one of them cannot be.
    pub(crate) fn new(launch: &Launch, reduce: &Reduce, features: Features) -> Option<Reductions> {
        let ready = |part: FoldPart| {
            let Kernel::Reduce(reduce) = &*part.launch.kernel else { return None };
            let reduction = Reduction::new(&part.launch, reduce, part.fold, features)?;
            Some((part, reduction))
        };
        FoldPart::all(launch, reduce).into_iter().map(ready).collect::<Option<_>>().map(Reductions)
    }
}

impl Class for Reductions {
    fn grain(&self) -> Option<usize> {
        let grains: Option<Vec<usize>> = self.0.iter().map(|(_, reduction)| reduction.grain()).collect();
        grains.and_then(|grains| grains.into_iter().max())
    }

    fn most_args(&self, _: &Launch) -> usize {
        self.0.iter().map(|(part, _)| part.args.len()).max().unwrap_or(0)
    }

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
    folding: Folding,
    /// Which of the launch's folds it is.
    fold: usize,
    /// Inputs, stored outputs, and the partial results.
    args: Vec<Arg>,
    buffers: Buffers,
    kept_space: Space,
    reduced_space: Space,
    partials: Space,
    op: Op,
    order: Order,
    /// Elements per result, leaves per result, and results.
    n: usize,
    leaves: usize,
    kept: usize,
    way: Way,
    /// Whether neighbouring points touch neighbouring bytes.
    flat: bool,
    program: OnceLock<Arc<Program>>,
}

/// How threads share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Lanes,
    Stack,
    Each,
}

/// Words between the places and those of the spaces: first and last point, elements and leaves of a result, results.
const OWN: usize = 5;

impl Reduction {
    /// Nothing if a step has no text, if the row does not fold or has to fold more than one leaf from first to last, or
    /// if threads could not read and write their elements as they are. Events of folding are those of the fold `number`.
    pub(crate) fn new(
        launch: &Launch,
        reduce: &Reduce,
        number: usize,
        features: Features,
    ) -> Option<Reduction> {
        let (partials, args) = launch.args.split_last()?;
        let inputs = reduce.body.inputs.len();
        let shape = &args.first()?.view.shape;
        if args.len() + 1 != inputs + reduce.body.outputs.len()
            || !launch.args.iter().all(aligned)
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
        let way = match sequential {
            true => Way::Each,
            false if n <= LANES && kept * n >= THREADS => Way::Stack,
            false => Way::Lanes,
        };
        let whole = Space::new(views.iter().copied());
        let contiguous = |(number, arg): (usize, &Arg)| whole.is_contiguous(number, arg.dtype.size());
        let flat = reduce.order == Order::KeptFirst && args.iter().enumerate().all(contiguous);
        let partial_space = Space::new([&partials.view].into_iter());
        let words = PLACES
            + launch.args.len()
            + OWN
            + kept_space.words()
            + reduced_space.words()
            + partial_space.words();
        Some(Reduction {
            source: Source::new(launch, &reduce.body, features, words)?,
            folding: Folding::new(launch, op, partials.dtype)?,
            fold: number,
            args: launch.args.clone(),
            buffers: Buffers::new(&launch.args, |arg| launch.args[arg].dtype.size() < 4),
            kept_space,
            reduced_space,
            partials: partial_space,
            op,
            order: reduce.order,
            n,
            leaves,
            kept,
            way,
            flat,
            program: OnceLock::new(),
        })
    }

    fn text(&self) -> String {
        let (target, own) = (self.args.len() - 1, PLACES + self.args.len());
        let inputs = self.source.body.inputs.len();
        let (kept, reduced) = (own + OWN, own + OWN + self.kept_space.words());
        let partials = reduced + self.reduced_space.words();
        let dtype = self.args[target].dtype;
        let value = register(dtype);
        let names: Vec<String> = (0..target).map(|number| format!("t{number}")).collect();
        let members: String = names.iter().map(|name| format!("{name}: u32,\n")).collect();
        let (mut start, mut element, mut store, mut call) =
            (String::new(), String::new(), String::new(), Vec::new());
        for (number, arg) in self.args[..target].iter().enumerate() {
            let _ = writeln!(start, "var t{number} = {};", word(PLACES + number));
            let _ = writeln!(element, "var t{number} = row.t{number};");
            let at = format!("t{number}");
            if number < inputs {
                call.push(fetched(&self.buffers, number, arg.dtype, &at));
            } else {
                let bits = format!("r.o{}", number - inputs);
                let _ = writeln!(store, "{}", stored(&self.buffers, number, arg.dtype, &at, &bits));
            }
        }
        let own_words = |at: usize| word(own + at);
        let (place, position) = match (self.order, self.way) {
            (Order::KeptFirst, Way::Lanes) => ("local % LANES", "local / LANES"),
            _ => ("local / MEMBERS", "local % MEMBERS"),
        };
        let (kept_of, leaf_of) = match self.order {
            Order::KeptFirst => (format!("point / {}", own_words(3)), format!("point % {}", own_words(3))),
            Order::ReducedFirst => (format!("point % {}", own_words(4)), format!("point / {}", own_words(4))),
        };
        format!(
            "{compute}{folding}\
             const LEAF = {LEAF}u;\nconst LANES = {LANES}u;\nconst MEMBERS = {members_count}u;\n\
             const N = {length}u;\n\
             struct Row {{\n{members}}}\n\
             fn row_of(kept: u32) -> Row {{\n{start}{kept_text}return Row({fields});\n}}\n\
             fn evaluate(row: Row, index: u32) -> {value} {{\n{element}{reduced_text}\
             let r = compute({call});\n{store}return {folded};\n}}\n\
             fn keep(point: u32, value: {value}) {{\n\
             var t{target} = {partial};\n{partial_text}let bits = {closed};\n{keep}\n}}\n\
             fn first_point() -> u32 {{ return {first}; }}\n\
             fn last_point() -> u32 {{ return {last}; }}\n\
             fn elements() -> u32 {{ return {n}; }}\n\
             fn kept_of(point: u32) -> u32 {{ return {kept_of}; }}\n\
             fn leaf_of(point: u32) -> u32 {{ return {leaf_of}; }}\n\
             fn lane_of(local: u32) -> u32 {{ return {place}; }}\n\
             fn member_of(local: u32) -> u32 {{ return {position}; }}\n\
             {skeleton}",
            compute = self.source.function(),
            folding =
                self.folding.text(&word(self.source.report_word()), self.source.body.steps.len() + self.fold),
            members_count = THREADS / LANES,
            length = self.n.min(LANES),
            kept_text = self.kept_space.text("kept", kept, &names),
            reduced_text = self.reduced_space.text("index", reduced, &names),
            fields = names.join(", "),
            call = call.join(", "),
            folded = crate::geometry::opened(dtype, &format!("r.o{}", target - inputs)),
            partial = word(PLACES + target),
            partial_text = self.partials.text("point", partials, &[format!("t{target}")]),
            closed = crate::geometry::closed(dtype, &crate::fold::finished(self.op, dtype, "value")),
            keep = stored(&self.buffers, target, dtype, &format!("t{target}"), "bits"),
            first = own_words(0),
            last = own_words(1),
            n = own_words(2),
            skeleton = match self.way {
                Way::Lanes => include_str!("../../../shaders/reduce_lanes.wgsl"),
                Way::Stack => include_str!("../../../shaders/reduce_stack.wgsl"),
                Way::Each => include_str!("../../../shaders/reduce_each.wgsl"),
            }
            .replace("Value", value),
        )
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let words = self.source.report_word() + 1;
            Program::new(words, &self.buffers.modes, &self.source.operations(Some(self.op)), &self.text())
        })
    }
}

impl Class for Reduction {
    fn grain(&self) -> Option<usize> {
        self.flat.then_some(64)
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = begin(self.args.len());
        words.extend([first, last, self.n, self.leaves, self.kept].map(|number| number as u32));
        self.kept_space.push(&mut words);
        self.reduced_space.push(&mut words);
        self.partials.push(&mut words);
        self.source.push(call, &mut words);
        let place = |(number, arg): (usize, &Arg)| {
            self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last)
        };
        let together = if self.way == Way::Lanes { THREADS / LANES } else { THREADS };
        smallvec![Command {
            program: self.program().clone(),
            groups: (last - first).div_ceil(together),
            places: self.args.iter().enumerate().map(place).collect(),
            words,
        }]
    }
}
