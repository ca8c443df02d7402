//! How a device sorts rows in runs, or merges the runs of a row: which way, in how many passes, over what.
//!
//! Devices differ in what a workgroup holds and in how tiles learn their positions. What is here is the same for all.

use crate::{Arg, Kernel, Launch, Sorted, Space};
use maniple_ops::Dtype;

/// A sort or a merge, as a device sees it.
#[derive(Clone, Debug)]
pub struct SortPlan {
    /// The dtype of the elements.
    pub dtype: Dtype,
    /// What is wanted.
    pub gives: Sorted,
    /// On what.
    pub args: Vec<Arg>,
    /// Where rows begin.
    pub rows: Space,
    /// Elements of a row.
    pub n: usize,
    /// Elements of a run that is made.
    pub run: usize,
    /// Elements of the runs that a merge is given.
    pub merged: usize,
    /// What a point is, and where positions come from.
    pub task: SortTask,
    /// How runs are sorted.
    pub way: SortWay,
}

/// What a point of a sort is, and where positions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortTask {
    /// A point is a run; positions are those in the row.
    Sort,
    /// A point is an element of the result; positions are given with the runs.
    Merge,
}

/// How runs are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortWay {
    /// By counting what comes before each element: runs of up to [`SortPlan::FEW`].
    Ranks,
    /// By a workgroup that holds a run, or several.
    Group,
    /// In stable passes over eight bits of the key, the lowest first.
    Passes,
    /// Every tile of the result is made of the parts of all runs that belong there.
    Merge,
}

impl SortPlan {
    /// Elements of very short runs that a thread sorts.
    pub const FEW_EACH: usize = 4;
    /// The most elements of a very short run.
    pub const FEW: usize = 64;
    /// Digits of a pass.
    pub const DIGITS: usize = 256;
    /// Runs that are merged at most, as the kernels say. Where there are more, the row is sorted again: what is equal is in
    /// its order already.
    pub const MOST_RUNS: usize = 128;

    /// The plan for a launch of [`Kernel::Sort`] or [`Kernel::Merge`] where a workgroup holds `tile` elements; nothing for
    /// complex numbers, for outputs that overlap themselves, and for rows whose positions need more than 32 bits.
    pub fn new(launch: &Launch, tile: usize) -> Option<SortPlan> {
        let args = &launch.args;
        let (dtype, gives, merged, task) = match *launch.kernel {
            Kernel::Sort { dtype, gives, run } => (dtype, gives, run, SortTask::Sort),
            Kernel::Merge { dtype, gives, run } => (dtype, gives, run, SortTask::Merge),
            _ => return None,
        };
        let n = match task {
            SortTask::Sort => *args[0].view.shape.last()?,
            SortTask::Merge => launch.extent,
        };
        let run = if task == SortTask::Sort { merged.min(n) } else { n };
        let overlaps = |arg: &Arg| arg.privilege.writes() && arg.view.overlaps_itself(arg.dtype.size());
        if n == 0 || n >= u32::MAX as usize || dtype.is_complex() || args.iter().any(overlaps) {
            return None;
        }
        let views: Vec<_> = args.iter().map(|arg| &arg.view).collect();
        let way = match run {
            0..=SortPlan::FEW => SortWay::Ranks,
            _ if run <= tile => SortWay::Group,
            _ if task == SortTask::Merge && n.div_ceil(merged) <= SortPlan::MOST_RUNS => SortWay::Merge,
            _ => SortWay::Passes,
        };
        let rows = Space::of_axes(&views, 0..views[0].ndim() - 1);
        Some(SortPlan { dtype, gives, args: args.clone(), rows, n, run, merged, task, way })
    }

    /// Runs of a row that are made.
    pub fn runs_of_row(&self) -> usize {
        self.n.div_ceil(self.run)
    }

    /// Runs that a merge is given.
    pub fn merged_runs(&self) -> usize {
        self.n.div_ceil(self.merged)
    }

    /// Passes over long runs. A single one could not take the place of its input.
    pub fn passes(&self) -> usize {
        let in_place =
            self.args[1..].iter().any(|arg| arg.privilege.writes() && arg.role == self.args[0].role);
        if in_place { self.dtype.size().max(2) } else { self.dtype.size() }
    }

    /// Sets of elements that lie in scratch memory between passes.
    pub fn sets(&self) -> usize {
        (self.passes() - 1).min(2)
    }

    /// Where a pass reads and writes: whether from an argument, and whether to one.
    pub fn ends(&self, pass: usize) -> (bool, bool) {
        (pass == 0, pass + 1 == self.passes())
    }

    /// Runs that a range of points needs sorted: the first, and how many.
    pub fn runs(&self, first: usize, last: usize) -> (usize, usize) {
        match self.task {
            SortTask::Sort => (first, last - first),
            SortTask::Merge => (0, 1),
        }
    }

    /// Elements of a run, or of the result of a merge, that a range of points asks for.
    pub fn wanted(&self, first: usize, last: usize) -> (usize, usize) {
        match self.task {
            SortTask::Sort => (0, self.run),
            SortTask::Merge => (first, last),
        }
    }

    /// Short runs that a workgroup with room for so many elements sorts together, and the steps of `bits` bits that it takes:
    /// over the key, then over the number of the run.
    pub fn together(&self, threads: usize, tile: usize, bits: usize) -> (usize, usize) {
        let room = if self.way == SortWay::Ranks { SortPlan::FEW_EACH * threads } else { tile };
        let together = (room / self.run).max(1);
        let bits_of_runs = (usize::BITS - (together - 1).leading_zeros()) as usize;
        (together, 8 * self.dtype.size() / bits + bits_of_runs.div_ceil(bits))
    }

    /// The arguments that values and positions go to.
    pub fn given(&self) -> (Option<usize>, Option<usize>) {
        let first = match self.task {
            SortTask::Merge if self.gives.has_order() => 2,
            _ => 1,
        };
        let order = first + usize::from(self.gives.has_values());
        (self.gives.has_values().then_some(first), self.gives.has_order().then_some(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Privilege, View};

    #[test]
    fn the_way_follows_from_what_a_workgroup_holds() {
        let arg = |role: u32, privilege: Privilege, n: usize| Arg {
            role,
            privilege,
            dtype: Dtype::Float32,
            access: Access::Element,
            view: View::contiguous(&[n], 4),
        };
        let plan = |merges: bool, n: usize, run: usize, output: u32| {
            let (dtype, gives) = (Dtype::Float32, Sorted::Values);
            let (kernel, extent) = match merges {
                true => (Kernel::Merge { dtype, gives, run }, n),
                false => (Kernel::Sort { dtype, gives, run }, n.div_ceil(run)),
            };
            let args = vec![arg(0, Privilege::Read, n), arg(output, Privilege::Write, n)];
            SortPlan::new(&Launch::of_no_task(kernel, args, extent, 1), 2048)
        };
        for (merges, n, run, way, steps) in [
            (false, 40, 40, SortWay::Ranks, (25, 10)),
            (false, 64, 100, SortWay::Ranks, (16, 9)),
            (false, 500, 500, SortWay::Group, (4, 9)),
            (false, 2048, 2048, SortWay::Group, (1, 8)),
            (false, 2049, 2049, SortWay::Passes, (1, 8)),
            (false, 9000, 3000, SortWay::Passes, (1, 8)),
            (true, 9000, 3000, SortWay::Merge, (1, 8)),
            (true, 9000, 70, SortWay::Passes, (1, 8)),
        ] {
            let found = plan(merges, n, run, 1).expect("it is planned");
            assert_eq!((found.way, found.together(256, 2048, 4)), (way, steps), "{merges} {n} {run}");
            assert_eq!((found.passes(), found.sets(), found.ends(3)), (4, 2, (false, true)));
            assert_eq!(found.given(), (Some(1), None));
        }
        assert!(plan(false, 0, 1, 1).is_none());
        assert!(plan(true, 9000, 3000, 0).is_some_and(|plan| plan.passes() == 4 && plan.merged_runs() == 3));
    }
}
