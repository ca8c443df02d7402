//! Stage 4: neighbouring element-wise tasks become one launch, with reductions at the end of it.
//!
//! A task joins an earlier group if every dependence between the two is aligned (element `i` on element `i`), if no
//! group in between has to run first, and if both run over the same index space. Values that a later task of the
//! group reads are then passed on in registers; results that nobody can read after the window are never stored. A task
//! that overwrites what others of its group still read joins them if its output can be renamed (`rename.rs`).
//!
//! Groups that end with reductions over one index space become one in the same way, if they have an argument in common:
//! it is then read once.

use crate::blocks::FEWEST_BLOCKS;
use crate::rename::Rename;
use crate::{
    Access, Arg, Decoded, Edge, Kernel, Launch, Order, Privilege, Reduce, Relation, Role, Settings, Shape,
    Task, View,
};
use maniple_ops::{Body, Dtype, Order as FoldOrder, Step, cast_may_raise, fold};
use std::sync::Arc;

/// A group takes no more distinct arguments than this: more streams than the hardware follows gain nothing.
const MOST_ARGUMENTS: usize = 24;
/// A group takes no more steps than this.
const MOST_STEPS: usize = 512;
/// How many groups back a task looks for one to join.
const LOOK_BACK: usize = 8;

/// What the tasks of a window became.
#[derive(Debug)]
pub struct Fused {
    /// The launches, in an order that keeps every dependence.
    pub launches: Vec<Launch>,
    /// Extents of regions that the launches use besides the window's; their roles follow the window's.
    pub spares: Vec<usize>,
}

/// Turns the tasks of a window into launches.
pub fn fuse(window: &Decoded, edges: &[Edge], settings: &Settings) -> Fused {
    let uses = Uses::new(window, settings);
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: Vec<usize> = Vec::with_capacity(window.tasks.len());
    let mut incoming = edges.iter().peekable();
    for (position, task) in window.tasks.iter().enumerate() {
        let mut dependences: Vec<(usize, Relation)> = Vec::new();
        while let Some(edge) = incoming.next_if(|edge| edge.to == position) {
            dependences.push((group_of[edge.from], edge.relation));
        }
        let target = settings.fuse.then(|| {
            let rename = |output: &Arg| {
                let bytes = window.bytes[output.role as usize];
                let may = bytes >= settings.rename && !window.fixed[output.role as usize];
                may.then(|| Rename::new(output, bytes)).flatten()
            };
            find_group(&groups, position, task, &dependences, &uses, &rename)
        });
        let at = match target.flatten() {
            Some((at, rename)) => {
                groups[at].join(position, task);
                groups[at].renames.extend(rename);
                at
            }
            None => {
                groups.push(Group::new(position, task));
                groups.len() - 1
            }
        };
        group_of.push(at);
    }
    if settings.fuse {
        groups = merge_folds(groups, &group_of, edges, window, &uses);
    }
    let mut launches = Vec::with_capacity(groups.len());
    let mut spares = Spares { first: window.bytes.len(), of: Vec::new() };
    for at in 0..groups.len() {
        let read_later = |role| groups[at + 1..].iter().any(|group| group.reads(role));
        let kept = |role: u32| !window.dead[role as usize] || read_later(role);
        let stale = |rename: &Rename| stale(rename, &groups[..at], &window.tasks);
        groups[at].settle(&window.tasks, &kept, &stale, &mut spares, &mut launches);
    }
    Fused { launches, spares: spares.of.iter().map(|&role| window.bytes[role as usize]).collect() }
}

/// What the spare of a region lacks of what is not about to be written: all of it, or if the same was renamed before, what
/// was written since.
fn stale(rename: &Rename, before: &[Group], tasks: &[Task]) -> Vec<View> {
    let same = |known: &Rename| known.role == rename.role;
    let last = before.iter().rposition(|group| group.renames.iter().any(same));
    let Some(last) = last
        .filter(|&at| before[at].renames.iter().any(|known| same(known) && known.view.same_as(&rename.view)))
    else {
        return rename.rest.clone();
    };
    let positions = before[last + 1..].iter().flat_map(|group| &group.tasks);
    let writes: Vec<&Arg> = positions
        .flat_map(|&position| &tasks[position as usize].args)
        .filter(|arg| arg.role == rename.role && arg.privilege.writes() && !arg.view.same_as(&rename.view))
        .collect();
    let item = rename.dtype.size();
    let written = |part: &&View| writes.iter().any(|arg| may_meet(arg, part, item));
    rename.rest.iter().filter(written).cloned().collect()
}

/// Whether an argument may touch an element of a view.
fn may_meet(arg: &Arg, view: &View, item: usize) -> bool {
    match arg.whole() {
        Some(span) => span.overlaps(view.span(item)),
        None => arg.view.may_overlap(arg.dtype.size(), view, item),
    }
}

/// Regions that others exchange their bytes with: one for each that needs it, which serves it again and again.
struct Spares {
    first: usize,
    of: Vec<Role>,
}

impl Spares {
    fn of(&mut self, role: Role) -> Role {
        let at = self.of.iter().position(|&known| known == role).unwrap_or_else(|| {
            self.of.push(role);
            self.of.len() - 1
        });
        (self.first + at) as Role
    }
}

/// The latest group that the task may join without overtaking what it depends on, and what has to be renamed for it.
fn find_group(
    groups: &[Group],
    position: usize,
    task: &Task,
    dependences: &[(usize, Relation)],
    uses: &Uses<'_>,
    rename: &dyn Fn(&Arg) -> Option<Rename>,
) -> Option<(usize, Option<Rename>)> {
    let shape = index_space(task)?;
    for at in (groups.len().saturating_sub(LOOK_BACK)..groups.len()).rev() {
        let group = &groups[at];
        let relation =
            dependences.iter().filter(|&&(group, _)| group == at).map(|&(_, relation)| relation).max();
        let fits = relation != Some(Relation::Crossed) && group.accepts(position, task, shape, uses);
        if fits && !uses.begins_blocks(position, task, group) {
            if relation != Some(Relation::Overwritten) {
                return Some((at, None));
            }
            if let Some(output) = group.renamable(task)
                && let Some(rename) = rename(output)
            {
                return Some((at, Some(rename)));
            }
        }
        if relation.is_some() {
            return None;
        }
    }
    None
}

/// Has groups that fold join earlier ones that do, where neither has to wait for what lies between them.
fn merge_folds(
    groups: Vec<Group>,
    group_of: &[usize],
    edges: &[Edge],
    window: &Decoded,
    uses: &Uses<'_>,
) -> Vec<Group> {
    if groups.iter().filter(|group| !group.folds.is_empty()).count() < 2 {
        return groups;
    }
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    // Where the tasks of every group are.
    let mut home: Vec<usize> = (0..groups.len()).collect();
    for later in 1..groups.len() {
        if groups[later].as_ref().is_none_or(|group| group.folds.is_empty()) {
            continue;
        }
        let dependences: Vec<(usize, Relation)> = (edges.iter())
            .filter(|edge| group_of[edge.to] == later && group_of[edge.from] != later)
            .map(|edge| (home[group_of[edge.from]], edge.relation))
            .collect();
        for earlier in (later.saturating_sub(LOOK_BACK)..later).rev() {
            let between = || dependences.iter().filter(|&&(group, _)| group == earlier);
            let aligned = between().all(|&(_, relation)| relation == Relation::Aligned);
            if let (Some(first), Some(second), true) = (&groups[earlier], &groups[later], aligned)
                && let Some(both) = first.with(second, &window.tasks, uses)
            {
                groups[earlier] = Some(both);
                groups[later] = None;
                home[later] = earlier;
                break;
            }
            if between().next().is_some() {
                break;
            }
        }
    }
    groups.into_iter().flatten().collect()
}

/// Who reads what in a window.
struct Uses<'a> {
    window: &'a Decoded,
    /// Per role the tasks that read it, in order.
    readers: Vec<Vec<u32>>,
    /// Launches over regions of fewer bytes do not run block by block.
    fewest: usize,
}

impl<'a> Uses<'a> {
    fn new(window: &'a Decoded, settings: &Settings) -> Uses<'a> {
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); window.dead.len()];
        for (position, task) in window.tasks.iter().enumerate() {
            for arg in task.args.iter().filter(|arg| arg.privilege.reads()) {
                readers[arg.role as usize].push(position as u32);
            }
        }
        let fewest = if settings.block == 0 { usize::MAX } else { FEWEST_BLOCKS * settings.block };
        Uses { window, readers, fewest }
    }

    /// Whether a result of some tasks, of which `position` would be one, has to be stored as far as is known: somebody
    /// else reads it, or it outlives the window.
    fn stored(&self, arg: &Arg, tasks: &[u32], position: usize) -> bool {
        let role = arg.role as usize;
        let inside = |reader: &u32| *reader as usize == position || tasks.binary_search(reader).is_ok();
        !self.window.dead[role] || !self.readers[role].iter().all(inside)
    }

    /// Whether what a task writes is changed later by tasks that read other elements of what a group writes than the task
    /// does: as `result = 4 * u; result[1:] -= u[:-1]` after `u += step`. They cannot be joined with the group block by block
    /// (`blocks.rs`), for they would meet rows of the next block; but with this task they can, if it is not the group's.
    fn begins_blocks(&self, position: usize, task: &Task, group: &Group) -> bool {
        let mut outputs = task.args.iter().filter(|arg| arg.privilege.writes());
        let (Some(output), None) = (outputs.next(), outputs.next()) else { return false };
        if self.window.bytes[output.role as usize] < self.fewest {
            return false;
        }
        let elsewhere = |arg: &Arg| {
            arg.role != output.role
                && (group.outputs.iter())
                    .any(|(written, _)| written.role == arg.role && !written.view.same_as(&arg.view))
        };
        let readers = self.readers[output.role as usize].iter().filter(|&&reader| reader as usize > position);
        readers.take(LOOK_BACK).any(|&reader| {
            let args = &self.window.tasks[reader as usize].args;
            args.iter().any(|arg| arg.role == output.role && arg.privilege.writes())
                && args.iter().any(|arg| arg.privilege.reads() && elsewhere(arg))
        })
    }
}

/// The shape over which an element-wise task runs, or none if its kernel does not fuse.
fn index_space(task: &Task) -> Option<&Shape> {
    let fusible = match &*task.kernel {
        Kernel::Map(body) => !body.outputs.is_empty() && !task.args.iter().any(overlapping_output),
        Kernel::Reduce(_) => true,
        _ => false,
    };
    if fusible { task.args.first().map(|arg| &arg.view.shape) } else { None }
}

fn overlapping_output(arg: &Arg) -> bool {
    arg.privilege.writes() && arg.view.overlaps_itself(arg.dtype.size())
}

/// A value of a body under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Input(usize),
    Constant(usize),
    Result(usize),
}

/// A step of a group.
#[derive(Clone)]
struct Member {
    step: Step,
    args: Vec<Symbol>,
    owner: u16,
    /// Whether it may meet something that the user hears about.
    raises: bool,
}

/// Tasks that will be one launch.
#[derive(Clone)]
struct Group {
    tasks: Vec<u32>,
    /// The index space; nothing if the group's kernel does not fuse.
    space: Option<Shape>,
    inputs: Vec<Arg>,
    outputs: Vec<(Arg, Symbol)>,
    constants: Vec<(Dtype, u32)>,
    steps: Vec<Member>,
    results: usize,
    /// The reductions that end the group, which then takes no more tasks.
    folds: Vec<Folded>,
    /// Outputs that go to other memory.
    renames: Vec<Rename>,
}

/// A reduction at the end of a group.
#[derive(Clone)]
struct Folded {
    reduce: Reduce,
    value: Symbol,
    partials: Arg,
    /// Position in the group's tasks.
    owner: u16,
}

impl Group {
    fn new(position: usize, task: &Task) -> Group {
        let mut group = Group {
            tasks: Vec::new(),
            space: index_space(task).cloned(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            constants: Vec::new(),
            steps: Vec::new(),
            results: 0,
            folds: Vec::new(),
            renames: Vec::new(),
        };
        group.join(position, task);
        group
    }

    fn accepts(&self, position: usize, task: &Task, shape: &Shape, uses: &Uses<'_>) -> bool {
        let (arguments, steps) = match &*task.kernel {
            Kernel::Map(body) => (task.args.len(), body.steps.len()),
            // A reduction takes its index space from an input, so constants alone are stored first.
            Kernel::Reduce(_) if self.inputs.is_empty() => return false,
            Kernel::Reduce(reduce) => (task.args.len(), reduce.body.steps.len()),
            _ => return false,
        };
        let open = self.folds.is_empty() && self.space.as_ref() == Some(shape);
        if !open || self.steps.len() + steps > MOST_STEPS {
            return false;
        }
        // All of a renamed region is written by the one output and the copies.
        let outputs = task.args.iter().filter(|arg| arg.privilege.writes());
        let elsewhere = |arg: &Arg| {
            self.renames.iter().any(|rename| rename.role == arg.role && !rename.view.same_as(&arg.view))
        };
        if outputs.into_iter().any(elsewhere) {
            return false;
        }
        let stored = (self.outputs.iter()).filter(|(arg, _)| uses.stored(arg, &self.tasks, position)).count();
        self.inputs.len() + stored + arguments <= MOST_ARGUMENTS
    }

    /// The one output of a task that overwrites what the group reads, if nothing of the group writes that region.
    fn renamable<'a>(&self, task: &'a Task) -> Option<&'a Arg> {
        let mut outputs = task.args.iter().filter(|arg| arg.privilege.writes());
        let only =
            outputs.next().filter(|arg| arg.privilege == Privilege::Write && outputs.next().is_none())?;
        (!self.outputs.iter().any(|(arg, _)| arg.role == only.role)).then_some(only)
    }

    /// The group with the tasks of a later one behind its own; nothing if they do not go together.
    fn with(&self, later: &Group, tasks: &[Task], uses: &Uses<'_>) -> Option<Group> {
        let (first, second) = (&self.folds.first()?.reduce, &later.folds.first()?.reduce);
        let alike = self.space == later.space
            && (first.kept, first.order, &first.axes) == (second.kept, second.order, &second.axes);
        let stays = self.renames.is_empty() && later.renames.is_empty();
        let trees = self.folds.iter().chain(&later.folds).all(Folded::is_tree);
        if !alike || !stays || !trees || self.steps.len() + later.steps.len() > MOST_STEPS {
            return None;
        }
        let known = self.inputs.iter().chain(self.outputs.iter().map(|(arg, _)| arg));
        let common = |arg: &&Arg| later.inputs.iter().any(|input| same_place(arg, input));
        // What repeats its elements costs little to read again.
        if !known.filter(common).any(|arg| !arg.view.overlaps_itself(arg.dtype.size())) {
            return None;
        }
        let mut both = self.clone();
        later.tasks.iter().for_each(|&position| both.join(position as usize, &tasks[position as usize]));
        let mut members = both.tasks.clone();
        members.sort_unstable();
        let last = members[members.len() - 1] as usize;
        let stored = both.outputs.iter().filter(|(arg, _)| uses.stored(arg, &members, last)).count();
        (both.inputs.len() + stored + both.folds.len() <= MOST_ARGUMENTS).then_some(both)
    }

    /// Whether any task of the group reads bytes that come from before the group.
    fn reads(&self, role: u32) -> bool {
        self.inputs.iter().any(|arg| arg.role == role)
    }

    fn join(&mut self, position: usize, task: &Task) {
        let owner = self.tasks.len() as u16;
        self.tasks.push(position as u32);
        let body = match &*task.kernel {
            Kernel::Map(body) => body,
            Kernel::Reduce(reduce) => &reduce.body,
            _ => {
                self.inputs = task.args.iter().filter(|arg| arg.privilege.reads()).cloned().collect();
                return;
            }
        };
        let mut symbols: Vec<Symbol> = Vec::with_capacity(body.values());
        for arg in &task.args[..body.inputs.len()] {
            symbols.push(self.value_of(arg));
        }
        for (&dtype, &scalar) in body.constants.iter().zip(&task.scalars) {
            symbols.push(Symbol::Constant(self.constants.len()));
            self.constants.push((dtype, scalar));
        }
        let dtypes = body.value_dtypes();
        for step in &body.steps {
            let (args, outputs): (Vec<Symbol>, usize) = match step {
                Step::Apply { op, args, .. } => {
                    (args.iter().map(|&value| symbols[value as usize]).collect(), op.row().outputs as usize)
                }
                Step::Cast { arg, .. } => (vec![symbols[*arg as usize]], 1),
            };
            let raises = task.watch != 0
                && match step {
                    Step::Apply { .. } => true,
                    Step::Cast { to, arg } => cast_may_raise(dtypes[*arg as usize], *to),
                };
            self.steps.push(Member { step: step.clone(), args, owner, raises });
            for _ in 0..outputs {
                symbols.push(Symbol::Result(self.results));
                self.results += 1;
            }
        }
        let stored = match &*task.kernel {
            Kernel::Reduce(_) => body.outputs.len() - 1,
            _ => body.outputs.len(),
        };
        for (arg, &value) in task.args[body.inputs.len()..].iter().zip(&body.outputs[..stored]) {
            let symbol = symbols[value as usize];
            match self.outputs.iter_mut().find(|(known, _)| same_place(known, arg)) {
                Some((_, known)) => *known = symbol,
                None => self.outputs.push((arg.clone(), symbol)),
            }
        }
        if let Kernel::Reduce(reduce) = &*task.kernel {
            let folded = symbols[body.outputs[stored] as usize];
            let partials = task.args[task.args.len() - 1].clone();
            self.folds.push(Folded { reduce: reduce.clone(), value: folded, partials, owner });
        }
    }

    /// The value that a view holds at this point of the group, loaded if the group has not touched it yet.
    fn value_of(&mut self, arg: &Arg) -> Symbol {
        if let Some((_, symbol)) = self.outputs.iter().find(|(known, _)| same_place(known, arg)) {
            return *symbol;
        }
        if let Some(at) = self.inputs.iter().position(|known| same_place(known, arg)) {
            return Symbol::Input(at);
        }
        self.inputs.push(arg.clone());
        Symbol::Input(self.inputs.len() - 1)
    }

    /// Adds the launch of the group, after the copies that renaming takes; nothing if nobody wants what it computes.
    fn settle(
        &self,
        tasks: &[Task],
        kept: &dyn Fn(u32) -> bool,
        stale: &dyn Fn(&Rename) -> Vec<View>,
        spares: &mut Spares,
        launches: &mut Vec<Launch>,
    ) {
        let Some(mut launch) = self.launch(tasks, kept) else { return };
        for arg in launch.args.iter_mut().filter(|arg| arg.privilege.writes()) {
            if let Some(rename) = self.renames.iter().find(|rename| rename.role == arg.role) {
                let spare = spares.of(arg.role);
                launches.extend(rename.copies(&stale(rename), spare));
                launch.exchanges.push((arg.role, spare));
                arg.role = spare;
            }
        }
        launches.push(launch);
    }

    /// The launch of the group; none if nobody wants anything it computes.
    fn launch(&self, tasks: &[Task], kept: &dyn Fn(u32) -> bool) -> Option<Launch> {
        // Those that fold come last.
        let folds = |at: &u16| self.folds.iter().any(|fold| fold.owner == *at);
        let mut order: Vec<u16> = (0..self.tasks.len() as u16).filter(|at| !folds(at)).collect();
        order.extend(self.folds.iter().map(|fold| fold.owner));
        let positions: Vec<u32> = order.iter().map(|&at| self.tasks[at as usize]).collect();
        let members: Vec<&Task> = positions.iter().map(|&position| &tasks[position as usize]).collect();
        let watch: Vec<u8> = members.iter().map(|task| task.watch).collect();
        let extent = members[members.len() - 1].extent;
        if !matches!(&*members[0].kernel, Kernel::Map(_) | Kernel::Reduce(_)) {
            let task = members[0];
            if extent == 0 {
                return None;
            }
            return Some(Launch {
                kernel: task.kernel.clone(),
                args: task.args.clone(),
                extent,
                grain: match &*task.kernel {
                    Kernel::Scatter { .. } | Kernel::Nonzero => extent,
                    // Results that lie side by side are looked for together.
                    Kernel::ArgReduce { .. } if extent >= 16 => 8,
                    // Rows of which neighbours lie side by side are loaded together.
                    Kernel::Sort { .. } if extent >= 1024 => 8,
                    _ => 1,
                },
                scalars: task.scalars.clone(),
                tasks: self.tasks.clone(),
                owners: Vec::new(),
                watch,
                exchanges: Vec::new(),
                near: Vec::new(),
                prepared: Default::default(),
            });
        }
        let watched = watch.iter().any(|&mask| mask != 0);
        let mut outputs: Vec<(Arg, Symbol)> =
            self.outputs.iter().filter(|(arg, _)| kept(arg.role)).cloned().collect();
        if outputs.is_empty() && self.folds.is_empty() && watched {
            outputs.extend(self.outputs.last().cloned());
        }
        if extent == 0 || (outputs.is_empty() && self.folds.is_empty()) {
            return None;
        }
        let mut wanted: Vec<Symbol> = outputs.iter().map(|&(_, symbol)| symbol).collect();
        wanted.extend(self.folds.iter().map(|fold| fold.value));
        let place_of =
            |owner: u16| order.iter().position(|&at| at == owner).expect("a task of the group") as u16;
        let program = self.program(&wanted);
        let mut args: Vec<Arg> = program.inputs.iter().map(|&at| self.inputs[at].clone()).collect();
        args.extend(outputs.into_iter().map(|(arg, _)| Arg { privilege: Privilege::Write, ..arg }));
        let grain;
        let kernel = match self.folds.first() {
            None => {
                arrange(&mut args);
                args.iter_mut().for_each(|arg| arg.access = Access::Element);
                grain = 64;
                Kernel::Map(program.body)
            }
            Some(Folded { reduce, .. }) => {
                let Access::Leaves { .. } = members[members.len() - 1].args[0].access else {
                    unreachable!("the input of a reduction is cut by leaves")
                };
                let access = members[members.len() - 1].args[0].access;
                let axes: Vec<usize> = match reduce.order {
                    Order::KeptFirst => reduce.axes.iter().map(|&axis| axis as usize).collect(),
                    Order::ReducedFirst => {
                        let (kept, reduced) = reduce.axes.split_at(reduce.kept);
                        reduced.iter().chain(kept).map(|&axis| axis as usize).collect()
                    }
                };
                for arg in &mut args {
                    arg.view = arg.view.permuted(&axes);
                    arg.access = access;
                }
                args.extend(self.folds.iter().map(|fold| fold.partials.clone()));
                grain = 1;
                Kernel::Reduce(Reduce {
                    body: program.body,
                    ops: self.folds.iter().flat_map(|fold| fold.reduce.ops.iter().copied()).collect(),
                    axes: (0..reduce.axes.len() as u8).collect(),
                    kept: reduce.kept,
                    order: reduce.order,
                })
            }
        };
        Some(Launch {
            kernel: Arc::new(kernel),
            args,
            extent,
            grain,
            scalars: program.scalars,
            tasks: positions,
            owners: program.owners.iter().map(|owner| place_of(*owner)).collect(),
            watch,
            exchanges: Vec::new(),
            near: Vec::new(),
            prepared: Default::default(),
        })
    }

    /// The body that computes `wanted`, without steps that neither lead there nor can raise a flag somebody watches.
    fn program(&self, wanted: &[Symbol]) -> Program {
        let mut first_result = Vec::with_capacity(self.steps.len());
        let mut results = 0;
        for Member { step, .. } in &self.steps {
            first_result.push(results);
            results += step_outputs(step);
        }
        let mut live_results = vec![false; results];
        let mut live_inputs = vec![false; self.inputs.len()];
        let mut live_constants = vec![false; self.constants.len()];
        let mut live_steps = vec![false; self.steps.len()];
        let mut mark = |symbol: Symbol, live_results: &mut Vec<bool>| match symbol {
            Symbol::Input(at) => live_inputs[at] = true,
            Symbol::Constant(at) => live_constants[at] = true,
            Symbol::Result(at) => live_results[at] = true,
        };
        wanted.iter().for_each(|&symbol| mark(symbol, &mut live_results));
        for (at, Member { step, args, raises, .. }) in self.steps.iter().enumerate().rev() {
            let outputs = first_result[at]..first_result[at] + step_outputs(step);
            if *raises || live_results[outputs].iter().any(|&live| live) {
                live_steps[at] = true;
                args.iter().for_each(|&symbol| mark(symbol, &mut live_results));
            }
        }
        if !self.folds.is_empty() && !live_inputs.contains(&true) {
            // What is folded turned out to be constant; one input stays for its index space.
            live_inputs[0] = true;
        }
        // Numbering: inputs, then constants, then the results of the steps that stay.
        let inputs: Vec<usize> = (0..self.inputs.len()).filter(|&at| live_inputs[at]).collect();
        let constants: Vec<usize> = (0..self.constants.len()).filter(|&at| live_constants[at]).collect();
        let mut number_of_result = vec![0u16; results];
        let mut next = (inputs.len() + constants.len()) as u16;
        for (at, Member { step, .. }) in self.steps.iter().enumerate().filter(|&(at, _)| live_steps[at]) {
            for output in 0..step_outputs(step) {
                number_of_result[first_result[at] + output] = next;
                next += 1;
            }
        }
        let number = |symbol: Symbol| match symbol {
            Symbol::Input(at) => inputs.iter().position(|&known| known == at).expect("a live input") as u16,
            Symbol::Constant(at) => {
                (inputs.len() + constants.iter().position(|&known| known == at).expect("a live constant"))
                    as u16
            }
            Symbol::Result(at) => number_of_result[at],
        };
        let mut steps = Vec::new();
        let mut owners = Vec::new();
        for (at, Member { step, args, owner, .. }) in
            self.steps.iter().enumerate().filter(|&(at, _)| live_steps[at])
        {
            debug_assert!(live_steps[at]);
            steps.push(match step {
                Step::Apply { op, dtype, .. } => Step::Apply {
                    op: *op,
                    dtype: *dtype,
                    args: args.iter().map(|&symbol| number(symbol)).collect(),
                },
                Step::Cast { to, .. } => Step::Cast { to: *to, arg: number(args[0]) },
            });
            owners.push(*owner);
        }
        Program {
            body: Body {
                inputs: inputs.iter().map(|&at| self.inputs[at].dtype).collect(),
                constants: constants.iter().map(|&at| self.constants[at].0).collect(),
                steps,
                outputs: wanted.iter().map(|&symbol| number(symbol)).collect(),
            },
            scalars: constants.iter().map(|&at| self.constants[at].1).collect(),
            inputs,
            owners,
        }
    }
}

impl Folded {
    /// Whether the row folds in the fixed tree, whatever else is folded beside it.
    fn is_tree(&self) -> bool {
        let dtype = self.partials.dtype;
        self.reduce.ops.iter().all(|&op| fold(op, dtype).is_some_and(|fold| fold.order == FoldOrder::Tree))
    }
}

/// A body with what it is applied to.
struct Program {
    body: Body,
    inputs: Vec<usize>,
    scalars: Vec<u32>,
    owners: Vec<u16>,
}

fn step_outputs(step: &Step) -> usize {
    match step {
        Step::Apply { op, .. } => op.row().outputs as usize,
        Step::Cast { .. } => 1,
    }
}

fn same_place(a: &Arg, b: &Arg) -> bool {
    a.role == b.role && a.dtype == b.dtype && a.view.same_as(&b.view)
}

/// Orders the axes of element-wise arguments by descending stride, so that the innermost loop runs along memory;
/// turns round axes that every argument walks backwards; and leaves out axes of one element.
fn arrange(args: &mut [Arg]) {
    let Some(shape) = args.first().map(|arg| arg.view.shape.clone()) else { return };
    let stride_of = |axis: usize, writes: bool| {
        (args.iter().filter(|arg| arg.privilege.writes() == writes))
            .map(|arg| arg.view.strides[axis].unsigned_abs())
            .max()
            .unwrap_or(0)
    };
    let mut axes: Vec<usize> = (0..shape.len()).filter(|&axis| shape[axis] != 1).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse((stride_of(axis, true), stride_of(axis, false))));
    for arg in args.iter_mut() {
        arg.view = arg.view.permuted(&axes);
    }
    for axis in 0..axes.len() {
        if args.iter().all(|arg| arg.view.strides[axis] <= 0)
            && args.iter().any(|arg| arg.view.strides[axis] < 0)
        {
            for View { offset, shape, strides } in args.iter_mut().map(|arg| &mut arg.view) {
                *offset += (shape[axis] as isize - 1) * strides[axis];
                strides[axis] = -strides[axis];
            }
        }
    }
}
