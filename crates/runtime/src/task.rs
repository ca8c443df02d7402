//! Tasks and launches: one logical operation before and after the stages have looked at it.

use crate::{Access, Backend, Kernel, MOST_BACKENDS, Prepared, View};
use maniple_ops::Dtype;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Position of a region among those that a window names, in order of first use.
pub type Role = u32;

/// What a task may do with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Privilege {
    /// Read only.
    Read = 0,
    /// Every element of the view is written; what was there does not matter.
    Write = 1,
    /// Read, and some or all elements written.
    ReadWrite = 2,
}

impl Privilege {
    /// Whether bytes may change.
    pub fn writes(self) -> bool {
        self != Privilege::Read
    }

    /// Whether earlier bytes matter.
    pub fn reads(self) -> bool {
        self != Privilege::Write
    }
}

/// One argument of a task: a view of a region and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arg {
    /// The region, by its role in the window.
    pub role: Role,
    /// What is done to it.
    pub privilege: Privilege,
    /// The dtype of the elements.
    pub dtype: Dtype,
    /// Which elements a range of points touches.
    pub access: Access,
    /// Where the elements lie.
    pub view: View,
}

/// Names the place in the user's program that a task comes from; zero is "unknown". Resolved by whoever made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line(pub u32);

/// One logical operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What is computed.
    pub kernel: Arc<Kernel>,
    /// On what, in the kernel's order.
    pub args: Vec<Arg>,
    /// Number of points.
    pub extent: usize,
    /// Positions of the kernel's constants among the window's scalars.
    pub scalars: Vec<u32>,
    /// Which floating point flags the user wants to hear about ([`maniple_ops::Flags`] bits), and above them what they
    /// are said to have happened in ([`crate::watch_as`]).
    pub watch: u8,
}

/// A task, or several fused, as the mapper and the backends see it.
#[derive(Debug)]
pub struct Launch {
    /// What is computed.
    pub kernel: Arc<Kernel>,
    /// On what, in the kernel's order.
    pub args: Vec<Arg>,
    /// Number of points.
    pub extent: usize,
    /// Pieces begin at multiples of this many points.
    pub grain: usize,
    /// Positions of the kernel's constants among the window's scalars.
    pub scalars: Vec<u32>,
    /// Positions of the fused tasks in their window, in the order of their steps; those that fold at the end, one for each
    /// fold.
    pub tasks: Vec<u32>,
    /// For every step of the body the position in `tasks` that it comes from.
    pub owners: Vec<u16>,
    /// Per entry of `tasks`, which floating point flags are wanted.
    pub watch: Vec<u8>,
    /// Regions that afterwards hold what others do, and the other way round: a launch that could not write in place
    /// wrote all of the second of each pair instead of the first.
    pub exchanges: Vec<(Role, Role)>,
    /// Regions that other launches use block by block with this one ([`Kernel::Blocks`]): what it stores there is read
    /// soon.
    pub near: Vec<Role>,
    /// What each backend made of it, by position; nothing if the backend does not support it.
    pub prepared: [OnceLock<Option<Prepared>>; MOST_BACKENDS],
}

impl Launch {
    /// A launch that comes from no task: nobody watches it, and it has no constants.
    pub fn of_no_task(kernel: Kernel, args: Vec<Arg>, extent: usize, grain: usize) -> Launch {
        Launch {
            kernel: Arc::new(kernel),
            args,
            extent,
            grain,
            scalars: Vec::new(),
            tasks: Vec::new(),
            owners: Vec::new(),
            watch: Vec::new(),
            exchanges: Vec::new(),
            near: Vec::new(),
            prepared: Default::default(),
        }
    }

    /// What the backend at a position makes of the launch: asked once, then remembered.
    pub fn prepared_by(&self, position: usize, backend: &dyn Backend) -> Option<&Prepared> {
        self.prepared[position].get_or_init(|| backend.prepare(self)).as_ref()
    }

    /// What is planned, reported and computed by itself: the launch, or the parts of one that runs block by block.
    pub fn parts(self: &Arc<Launch>) -> Vec<&Arc<Launch>> {
        match &*self.kernel {
            Kernel::Blocks(blocks) => blocks.parts.iter().map(|part| &part.launch).collect(),
            _ => vec![self],
        }
    }

    /// Whether anybody wants to know about floating point flags.
    pub fn watched(&self) -> bool {
        self.watch.iter().any(|&mask| mask != 0)
    }

    /// How many values the launch folds.
    pub fn folds(&self) -> usize {
        match &*self.kernel {
            Kernel::Reduce(reduce) => reduce.ops.len(),
            _ => 1,
        }
    }

    /// The position in `tasks` of the one that a fold comes from; of fold 0 for what a kernel of one task does.
    pub fn folder(&self, fold: usize) -> usize {
        self.watch.len() - self.folds() + fold
    }

    /// Bytes that the whole launch reads and writes, each element once.
    pub fn bytes(&self) -> usize {
        self.args
            .iter()
            .map(|arg| {
                let distinct: usize = (arg.view.shape.iter().zip(&arg.view.strides))
                    .filter(|&(_, &stride)| stride != 0)
                    .map(|(&extent, _)| extent)
                    .product();
                distinct * arg.dtype.size() * if arg.privilege == Privilege::ReadWrite { 2 } else { 1 }
            })
            .sum()
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.privilege {
            Privilege::Read => "r",
            Privilege::Write => "w",
            Privilege::ReadWrite => "rw",
        };
        write!(out, "{mark} r{}.{}{:?}", self.role, self.dtype.name(), self.view)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.kernel)?;
        self.args.iter().try_for_each(|arg| write!(out, " | {arg}"))
    }
}

impl fmt::Display for Launch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "tasks {:?}: {} points, {}", self.tasks, self.extent, self.kernel)?;
        self.args.iter().try_for_each(|arg| write!(out, " | {arg}"))
    }
}
