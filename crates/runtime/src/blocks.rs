//! Stage 5: neighbouring launches that walk over the same rows become one, which walks over them block by block.
//!
//! Fusion joins what has one index space. `y = X @ w; g = X.T @ (y - z)` has three: the rows of `X` are folded, then there
//! is a vector, then columns are folded. But all of it goes along the rows of `X`, and what happens to some rows needs
//! nothing of others:
//!
//! ```text
//! launches   X[0..n] -> y[0..n];  y[0..n] - z[0..n] -> r[0..n];  X[0..n], r[0..n] -> partial sums
//! blocks     for every block of rows: X[block] -> y[block]; ... -> r[block]; X[block], r[block] -> partial sums
//! ```
//!
//! So a block of `X` is read from memory once, and what lives only between the launches (`y`, `r`) needs no more room
//! than a block takes.

use crate::{Access, Arg, Decoded, Kernel, Launch, Order, Privilege, Role, Settings, Span};
use maniple_ops::LEAF;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A launch takes no more arguments than this.
const MOST_ARGUMENTS: usize = 40;
/// A product of matrices arranges its second factor anew for every block: that is worth it for few bytes.
const LARGEST_FACTOR: usize = 16 << 10;
/// Launches that touch fewer blocks than this leave their bytes in the caches anyway.
pub(crate) const FEWEST_BLOCKS: usize = 4;
/// A launch of less than this part of the others' rows goes before them, if it can, rather than with them: what it computes
/// may be wanted by all rows.
const FEW: usize = 4;

/// Launches that run block by block.
#[derive(Debug)]
pub struct Blocks {
    /// What runs for every block, in this order.
    pub parts: Vec<Part>,
    /// Bytes that every worker needs for what lives only within a block.
    pub scratch: usize,
    /// The row with which the first block begins.
    start: isize,
    /// Rows of a block.
    rows: usize,
}

/// One launch among those that run block by block.
#[derive(Debug)]
pub struct Part {
    /// The launch.
    pub launch: Arc<Launch>,
    /// Where the bytes of each argument are.
    pub places: Vec<Bytes>,
    /// Its scalars among those of all.
    pub scalars: Range<usize>,
    walk: Walk,
    /// The row of all at which its own begin.
    begins: isize,
}

/// Where a part of a launch finds the bytes of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// In the region of an argument of the whole launch.
    Argument(usize),
    /// In scratch memory, as far as they belong to the block.
    Scratch {
        /// Where in the scratch memory the bytes of the block's first row begin.
        offset: usize,
        /// Bytes of the region from one row to the next.
        pitch: usize,
        /// The row of the region in which row zero of all lies.
        shift: isize,
    },
}

impl Bytes {
    /// What the address of the region's byte 0 would be if the scratch memory were part of it, for a block that begins with
    /// `row`.
    pub fn base(self, scratch: u64, row: isize) -> Option<u64> {
        match self {
            Bytes::Argument(_) => None,
            Bytes::Scratch { offset, pitch, shift } => {
                let back = (row + shift) as i64 * pitch as i64;
                Some((scratch + offset as u64).wrapping_sub(back as u64))
            }
        }
    }
}

impl Blocks {
    /// How many rows a block has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The row with which a block begins.
    pub fn row(&self, block: usize) -> isize {
        self.start + (block * self.rows) as isize
    }

    /// The points of a part that belong to a block.
    pub fn points(&self, part: &Part, block: usize) -> (usize, usize) {
        let (first, last) = (self.row(block) - part.begins, self.row(block + 1) - part.begins);
        (part.walk.point(first), part.walk.point(last))
    }
}

/// Equal only to itself: no two windows share one.
impl PartialEq for Blocks {
    fn eq(&self, other: &Blocks) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Blocks {}

impl Hash for Blocks {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// How the points of a launch go along rows: some for each unit of rows.
#[derive(Clone, Copy, Debug)]
struct Walk {
    rows: usize,
    unit: usize,
    points: usize,
    extent: usize,
}

impl Walk {
    /// The walk of a launch; nothing if it does not go along rows.
    fn of(launch: &Launch) -> Option<Walk> {
        let walk =
            |rows: usize, unit: usize, points: usize| Walk { rows, unit, points, extent: launch.extent };
        let first = launch.args.first()?;
        let rows = *first.view.shape.first()?;
        let found = match &*launch.kernel {
            Kernel::Map(_) | Kernel::Draw { .. } => walk(rows, 1, launch.extent / rows.max(1)),
            Kernel::Reduce(reduce) => {
                let Access::Leaves { n, leaves, kept, .. } = first.access else { return None };
                if reduce.kept == 0 || reduce.order == Order::ReducedFirst {
                    (n.checked_rem(rows) == Some(0) && n > 0).then_some(())?;
                }
                match reduce.order {
                    Order::KeptFirst if reduce.kept > 0 => walk(rows, 1, kept / rows.max(1) * leaves),
                    Order::KeptFirst if (n / rows.max(1)).is_multiple_of(LEAF) => {
                        walk(rows, 1, n / rows / LEAF)
                    }
                    _ if LEAF.is_multiple_of((n / rows.max(1)).max(1)) => walk(rows, LEAF / (n / rows), kept),
                    _ => return None,
                }
            }
            Kernel::Matmul { .. } if first.view.ndim() > 2 => return None,
            Kernel::Matmul { .. } if launch.args[1].full_span().bytes() > LARGEST_FACTOR => return None,
            Kernel::Fold { .. } | Kernel::ArgReduce { .. } | Kernel::Matmul { .. } | Kernel::Scan { .. } => {
                walk(launch.extent, 1, 1)
            }
            _ => return None,
        };
        (found.rows >= 2 * found.unit && found.points > 0).then_some(found)
    }

    /// The first point of a row, which begins a unit or lies outside.
    fn point(&self, row: isize) -> usize {
        match usize::try_from(row) {
            Ok(row) if row >= self.rows => self.extent,
            Ok(row) => row / self.unit * self.points,
            Err(_) => 0,
        }
    }
}

/// Which bytes of its region an argument touches along the rows of its launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// The same for all rows.
    Fixed,
    /// Those of the first unit, and `pitch` bytes on for each further unit.
    Moving { first: Span, pitch: usize },
}

impl Lane {
    fn of(arg: &Arg, walk: &Walk) -> Option<Lane> {
        let span = |unit: usize| arg.span_of(unit * walk.points, (unit + 1) * walk.points);
        let (first, second) = (span(0), span(1));
        if first == second {
            return Some(Lane::Fixed);
        }
        let pitch = second.low.checked_sub(first.low).filter(|&pitch| pitch > 0)?;
        let whole = walk.rows / walk.unit - 1;
        (span(whole).low == first.low + whole * pitch).then_some(Lane::Moving { first, pitch })
    }

    /// The bytes from a row to the next, the row of the region in which the first one lies, and whether rows keep to
    /// themselves; nothing if rows of the region cannot be told apart.
    fn rows(self, walk: &Walk) -> Option<(usize, isize)> {
        let Lane::Moving { first, pitch } = self else { return None };
        if !pitch.is_multiple_of(walk.unit) {
            return None;
        }
        let row = pitch / walk.unit;
        let inside = first.low % row + (first.bytes() - (walk.unit - 1) * row) <= row;
        inside.then_some((row, (first.low / row) as isize))
    }
}

/// A launch that goes along rows.
struct Member {
    launch: Launch,
    walk: Walk,
    lanes: Vec<Lane>,
    begins: isize,
}

impl Member {
    /// A launch as the first of some; nothing if it does not go along rows.
    fn of(launch: &Launch) -> Option<(Walk, Vec<Lane>)> {
        let walk = Walk::of(launch).filter(|_| launch.exchanges.is_empty())?;
        let lanes: Option<Vec<Lane>> = launch.args.iter().map(|arg| Lane::of(arg, &walk)).collect();
        let lanes = lanes?;
        let fixed = |(arg, lane): (&Arg, &Lane)| arg.privilege.writes() && *lane == Lane::Fixed;
        (!launch.args.iter().zip(&lanes).any(fixed)).then_some((walk, lanes))
    }

    fn places(&self) -> impl Iterator<Item = (&Arg, Lane)> {
        self.launch.args.iter().zip(self.lanes.iter().copied())
    }
}

/// The row of all at which a launch begins if it runs after those of a chain, block by block; nothing if it has to wait
/// for rows of other blocks, or shares no rows with them.
fn begins(launch: &Launch, walk: &Walk, lanes: &[Lane], chain: &[Member]) -> Option<isize> {
    let mut begins = None;
    let mut shared = None;
    for (arg, &lane) in launch.args.iter().zip(lanes) {
        for member in chain {
            for (other, its) in member.places().filter(|(other, _)| other.role == arg.role) {
                let writes = arg.privilege.writes() || other.privilege.writes();
                let apart = writes
                    && !other.view.may_overlap(other.dtype.size(), &arg.view, arg.dtype.size())
                    && other.whole().is_none()
                    && arg.whole().is_none();
                let (own, theirs) = (lane.rows(walk), its.rows(&member.walk));
                let found = match (own, theirs) {
                    (Some((pitch, row)), Some((same, theirs))) if pitch == same => {
                        Some(member.begins - theirs + row)
                    }
                    _ => None,
                };
                match found {
                    _ if apart => {}
                    None if writes => return None,
                    None => {}
                    Some(found) if writes => {
                        if begins.is_some_and(|known| known != found) {
                            return None;
                        }
                        begins = Some(found);
                    }
                    Some(found) => shared = shared.or(Some(found)),
                }
            }
        }
    }
    // What is only read by both should be read in the same block.
    let begins = begins.or(shared).or_else(|| beside(launch, walk, chain))?;
    (begins.rem_euclid(walk.unit as isize) == 0).then_some(begins)
}

/// The number of the member from which on a launch can follow a chain block by block, and the row of all at which it then
/// begins. Members are left behind only if the launch changes what the others wrote, and if the others use nothing of theirs
/// that would have lived in scratch memory.
fn place(
    launch: &Launch,
    walk: &Walk,
    lanes: &[Lane],
    chain: &[Member],
    lives: &dyn Fn(Role, usize) -> bool,
) -> Option<(usize, isize)> {
    let writes =
        |launch: &Launch, role| launch.args.iter().any(|arg| arg.role == role && arg.privilege.writes());
    let uses =
        |role| chain.iter().flat_map(|member| &member.launch.args).filter(|arg| arg.role == role).count();
    (0..chain.len()).find_map(|from| {
        let (before, after) = chain.split_at(from);
        let changes = || {
            after
                .iter()
                .flat_map(|member| &member.launch.args)
                .any(|arg| arg.privilege.writes() && writes(launch, arg.role))
        };
        let parts = || {
            after.iter().flat_map(|member| &member.launch.args).any(|arg| {
                before.iter().any(|member| writes(&member.launch, arg.role))
                    && !lives(arg.role, uses(arg.role))
            })
        };
        if from > 0 && (!changes() || parts()) {
            return None;
        }
        Some((from, begins(launch, walk, lanes, after)?))
    })
}

/// The row of all at which random numbers begin that nobody in a chain wants: with as many rows, somebody later may want
/// them beside what the chain gives.
fn beside(launch: &Launch, walk: &Walk, chain: &[Member]) -> Option<isize> {
    let draws = matches!(&*launch.kernel, Kernel::Draw { .. }) && !chain.is_empty();
    (draws && chain.iter().all(|member| member.walk.rows == walk.rows && member.begins == 0)).then_some(0)
}

/// Whether two launches can change places.
fn are_apart(a: &Launch, b: &Launch) -> bool {
    !a.args.iter().any(|arg| {
        let writes = arg.privilege.writes();
        b.args.iter().any(|other| other.role == arg.role && (writes || other.privilege.writes()))
    }) && a.exchanges.is_empty()
        && b.exchanges.is_empty()
}

/// Makes one launch of those that can run block by block. What stands between them and has nothing to do with them goes
/// before them.
pub fn join(launches: Vec<Launch>, window: &Decoded, settings: &Settings) -> Vec<Launch> {
    if settings.block == 0 || !settings.fuse {
        return launches;
    }
    let roles = launches.iter().flat_map(|launch| &launch.args).map(|arg| arg.role as usize + 1).max();
    let mut users = vec![0; roles.unwrap_or(0)];
    launches.iter().flat_map(|launch| &launch.args).for_each(|arg| users[arg.role as usize] += 1);
    let lives = |role: Role, uses: usize| {
        window.dead.get(role as usize) != Some(&true) || users[role as usize] != uses
    };
    let mut joined = Vec::with_capacity(launches.len());
    let mut chain: Vec<Member> = Vec::new();
    for launch in launches {
        let walk = Member::of(&launch);
        let arguments: usize = chain.iter().map(|member| member.launch.args.len()).sum();
        let most = chain.iter().map(|member| member.walk.rows).max().unwrap_or(0);
        let goes_before = walk.as_ref().is_none_or(|(walk, _)| walk.rows < most / FEW);
        if goes_before && !chain.is_empty() && chain.iter().all(|member| are_apart(&member.launch, &launch)) {
            joined.push(launch);
            continue;
        }
        if let Some((walk, lanes)) = &walk
            && arguments + launch.args.len() <= MOST_ARGUMENTS
            && let Some((from, begins)) = place(&launch, walk, lanes, &chain, &lives)
        {
            let (walk, lanes) = (*walk, lanes.clone());
            let rest = chain.split_off(from);
            close(std::mem::replace(&mut chain, rest), settings.block, &lives, &mut joined);
            chain.push(Member { launch, walk, lanes, begins });
            continue;
        }
        close(std::mem::take(&mut chain), settings.block, &lives, &mut joined);
        match walk {
            Some((walk, lanes)) => chain.push(Member { launch, walk, lanes, begins: 0 }),
            None => joined.push(launch),
        }
    }
    close(chain, settings.block, &lives, &mut joined);
    joined
}

/// Adds the launches of a chain: as one, or, if that gains nothing, as they are.
fn close(chain: Vec<Member>, block: usize, lives: &dyn Fn(Role, usize) -> bool, joined: &mut Vec<Launch>) {
    let Some(plan) = Layout::of(&chain, block, lives) else {
        joined.extend(chain.into_iter().map(|member| member.launch));
        return;
    };
    joined.push(plan.launch(chain));
}

/// How the rows of a chain are cut, and what lives in scratch memory.
struct Layout {
    start: isize,
    rows: usize,
    blocks: usize,
    scratch: Vec<(Role, Bytes)>,
    bytes: usize,
}

impl Layout {
    /// Nothing if blocks gain nothing.
    fn of(chain: &[Member], block: usize, lives: &dyn Fn(Role, usize) -> bool) -> Option<Layout> {
        if chain.len() < 2 {
            return None;
        }
        let unit = chain.iter().map(|member| member.walk.unit).max()?;
        let lowest = chain.iter().map(|member| member.begins).min()?;
        let start = lowest.div_euclid(unit as isize) * unit as isize;
        let end = chain.iter().map(|member| member.begins + member.walk.rows as isize).max()?;
        let all = (end - start) as usize;
        // Bytes of a row, once for each region.
        let mut regions: Vec<(Role, usize, usize)> = Vec::new();
        for member in chain {
            for (arg, lane) in member.places() {
                let Lane::Moving { pitch, .. } = lane else { continue };
                let row = pitch.div_ceil(member.walk.unit);
                match regions.iter_mut().find(|(role, ..)| *role == arg.role) {
                    Some((_, known, uses)) => (*known, *uses) = (row.max(*known), *uses + 1),
                    None => regions.push((arg.role, row, 1)),
                }
            }
        }
        let bytes: usize = regions.iter().map(|&(_, row, _)| row).sum();
        let rows = (block / bytes.max(1) / unit).max(1) * unit;
        if bytes * all < FEWEST_BLOCKS * block || unit * bytes > 2 * block {
            return None;
        }
        let mut scratch = Vec::new();
        let mut taken = 0;
        for &(role, row, uses) in &regions {
            if let Some(shift) = shift_in_scratch(role, uses, chain, lives) {
                scratch.push((role, Bytes::Scratch { offset: taken, pitch: row, shift }));
                taken += (rows * row).next_multiple_of(64);
            }
        }
        Some(Layout { start, rows, blocks: all.div_ceil(rows), scratch, bytes: taken })
    }

    fn launch(self, chain: Vec<Member>) -> Launch {
        let mut launch = Launch::of_no_task(Kernel::Nonzero, Vec::new(), self.blocks, 1);
        let uses: Vec<Vec<Role>> =
            chain.iter().map(|member| member.launch.args.iter().map(|arg| arg.role).collect()).collect();
        let near = |at: usize| -> Vec<Role> {
            let others = || uses.iter().enumerate().filter(move |&(other, _)| other != at);
            let shared = |role: &&Role| others().any(|(_, roles)| roles.contains(role));
            uses[at].iter().filter(shared).copied().collect()
        };
        let near: Vec<Vec<Role>> = (0..chain.len()).map(near).collect();
        let parts = chain.into_iter().zip(near).map(|(member, near)| {
            let places: Vec<Bytes> = (member.places())
                .map(|(arg, lane)| {
                    if let Some(&(_, place)) = self.scratch.iter().find(|(role, _)| *role == arg.role) {
                        return place;
                    }
                    let arg = Arg { access: self.access(arg, lane, &member), ..arg.clone() };
                    let at = launch.args.iter().position(|known| *known == arg).unwrap_or_else(|| {
                        launch.args.push(arg);
                        launch.args.len() - 1
                    });
                    Bytes::Argument(at)
                })
                .collect();
            let Member { launch: own, walk, begins, .. } = member;
            let first = launch.scalars.len();
            launch.scalars.extend_from_slice(&own.scalars);
            launch.tasks.extend_from_slice(&own.tasks);
            launch.watch.extend_from_slice(&own.watch);
            let scalars = first..launch.scalars.len();
            Part { launch: Arc::new(Launch { near, ..own }), places, scalars, walk, begins }
        });
        let parts = parts.collect();
        let blocks = Blocks { parts, scratch: self.bytes, start: self.start, rows: self.rows };
        launch.kernel = Arc::new(Kernel::Blocks(Arc::new(blocks)));
        launch
    }

    /// Which bytes of an argument a range of blocks touches.
    fn access(&self, arg: &Arg, lane: Lane, member: &Member) -> Access {
        let Lane::Moving { first, pitch } = lane else { return Access::Whole(arg.full_span()) };
        let units = (self.start - member.begins).div_euclid(member.walk.unit as isize);
        Access::Cells {
            start: first.low as isize + units * pitch as isize,
            bytes: self.rows / member.walk.unit * pitch,
            beyond: first.bytes().saturating_sub(pitch),
        }
    }
}

/// The row of a region in which row zero of all lies, if the region can live in scratch memory: nobody else uses it, and
/// what is read of it was written in the same block.
fn shift_in_scratch(
    role: Role,
    uses: usize,
    chain: &[Member],
    lives: &dyn Fn(Role, usize) -> bool,
) -> Option<isize> {
    let mut shift = None;
    let mut all = 0;
    for member in chain {
        // Within a launch inputs come before outputs.
        for (arg, lane) in member.places().filter(|(arg, _)| arg.role == role) {
            let (_, row) = lane.rows(&member.walk)?;
            let found = row - member.begins;
            if shift.is_none() && arg.privilege != Privilege::Write {
                return None;
            }
            if shift.is_some_and(|known| known != found) {
                return None;
            }
            shift = Some(found);
            all += 1;
        }
    }
    shift.filter(|_| all == uses && !lives(role, all))
}
