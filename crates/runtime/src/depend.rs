//! Stage 2: which tasks of a window touch the same bytes, and how.

use crate::{Arg, Kernel, Privilege, Task};
use std::fmt;

/// How two tasks that share bytes, at least one of them writing, meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// Only through identical views: element `i` of one depends on element `i` of the other.
    Aligned,
    /// Through views that overlap in any other way, but nothing flows: the later writes what the earlier has read.
    Overwritten,
    /// Through views that overlap in any other way.
    Crossed,
}

/// A dependence of a later task on an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Position of the earlier task.
    pub from: usize,
    /// Position of the later task.
    pub to: usize,
    /// How they meet.
    pub relation: Relation,
}

impl fmt::Display for Edge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} -> {} {:?}", self.from, self.to, self.relation)
    }
}

/// All dependences of a window, ordered by the later task, then by the earlier one.
pub fn edges(tasks: &[Task]) -> Vec<Edge> {
    let roles = tasks.iter().flat_map(|task| &task.args).map(|arg| arg.role as usize + 1).max().unwrap_or(0);
    let mut users: Vec<Vec<(usize, usize)>> = vec![Vec::new(); roles];
    let mut edges = Vec::new();
    let mut relations: Vec<Option<Relation>> = Vec::new();
    for (to, task) in tasks.iter().enumerate() {
        relations.clear();
        relations.resize(to, None);
        for (position, arg) in task.args.iter().enumerate() {
            for &(from, other) in &users[arg.role as usize] {
                if relations[from] != Some(Relation::Crossed) {
                    let found = relation((&tasks[from], other), (task, position));
                    relations[from] = relations[from].max(found);
                }
            }
        }
        edges.extend(
            relations
                .iter()
                .enumerate()
                .filter_map(|(from, relation)| relation.map(|relation| Edge { from, to, relation })),
        );
        for (position, arg) in task.args.iter().enumerate() {
            users[arg.role as usize].push((to, position));
        }
    }
    edges
}

/// How one argument of each of two tasks meet; `None` if they share no byte or neither writes.
fn relation(earlier: (&Task, usize), later: (&Task, usize)) -> Option<Relation> {
    let (a, b) = (&earlier.0.args[earlier.1], &later.0.args[later.1]);
    if !a.privilege.writes() && !b.privilege.writes() {
        return None;
    }
    let per_element = per_element(earlier.0, earlier.1) && per_element(later.0, later.1);
    if per_element && a.dtype == b.dtype && a.view.same_as(&b.view) && !a.view.overlaps_itself(a.dtype.size())
    {
        return Some(Relation::Aligned);
    }
    let flows = !per_element || a.privilege != Privilege::Read || b.privilege != Privilege::Write;
    may_meet(a, b).then_some(if flows { Relation::Crossed } else { Relation::Overwritten })
}

/// Whether an argument is touched element by element, in the order of the task's own index space.
fn per_element(task: &Task, position: usize) -> bool {
    match &*task.kernel {
        Kernel::Map(_) => true,
        Kernel::Reduce(reduce) => position + reduce.ops.len() < task.args.len(),
        _ => false,
    }
}

/// Whether two arguments on one region may share a byte.
fn may_meet(a: &Arg, b: &Arg) -> bool {
    match (a.whole(), b.whole()) {
        (None, None) => a.view.may_overlap(a.dtype.size(), &b.view, b.dtype.size()),
        _ => a.full_span().overlaps(b.full_span()),
    }
}
