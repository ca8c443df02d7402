//! Running folds along the last axis.
//!
//! Where numbers are rounded, a thread scans a row from first to last, as the host does; few long rows are the host's.
//! Elsewhere any grouping is exact: a workgroup scans a row tile by tile, and few long rows are scanned in tiles of their
//! own, the folds of tiles first, their running folds, then every tile once more.

use crate::command::{Buffers, Call, Class, Command, Mode, PLACES, Place, Program, THREADS, begin, word};
use crate::fold::{Folding, held, operations};
use crate::geometry::{Written, aligned, bits, closed, fetched, opened, register, stored, stored_in};
use maniple_ops::wgsl::Features;
use maniple_ops::{Dtype, Op, Order, fold};
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// Elements that a thread scans at a time.
const EACH: usize = 8;
const TILE: usize = EACH * THREADS;
/// Rows that keep a device busy, by who scans one of them.
const THREAD_ROWS: usize = 1 << 10;
const GROUP_ROWS: usize = 1 << 7;
/// Rows that are too short for a workgroup.
const SHORT: usize = 128;

/// A scan made ready.
pub(crate) struct Scan {
    folding: Folding,
    args: Vec<Arg>,
    buffers: Buffers,
    scratch: usize,
    kept: Space,
    n: usize,
    op: Op,
    dtype: Dtype,
    way: Way,
    programs: [OnceLock<Arc<Program>>; 5],
}

/// Who scans a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Thread,
    Group,
    Tiles,
}

/// The kernels, as the text numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Threads = 0,
    Groups = 1,
    Totals = 2,
    Carries = 3,
    Tiles = 4,
}

/// Words after the places: first and last row, elements and tiles of a row, bytes between its elements in input and output,
/// and where flags go.
const OWN: usize = 7;

impl Scan {
    /// Nothing if the row does not fold, if threads could not write their elements as they are, or if few rows must be
    /// scanned from first to last.
    pub(crate) fn new(launch: &Launch, op: Op, dtype: Dtype, features: Features) -> Option<Scan> {
        let [input, output] = &launch.args[..] else { return None };
        let last = input.view.ndim().checked_sub(1)?;
        if !held(dtype, features)
            || !launch.args.iter().all(aligned)
            || output.view.overlaps_itself(dtype.size())
            || input.view.size() == 0
        {
            return None;
        }
        let chooses = matches!(op, Op::Maximum | Op::Minimum | Op::Fmax | Op::Fmin) && !dtype.is_complex();
        let strict = fold(op, dtype)?.order != Order::Tree || (dtype.is_inexact() && !chooses);
        let kept = Space::of_axes(&[&input.view, &output.view], 0..last);
        let (rows, n) = (kept.size(), input.view.shape[last]);
        if strict && rows < THREAD_ROWS && n > SHORT {
            return None;
        }
        let way = if strict || n <= SHORT {
            Way::Thread
        } else if rows >= GROUP_ROWS || n <= 2 * TILE {
            Way::Group
        } else {
            Way::Tiles
        };
        let mut buffers = Buffers::new(&launch.args, |_| dtype.size() < 4);
        let scratch = buffers.add(Mode::Write);
        Some(Scan {
            folding: Folding::new(launch, op, dtype)?,
            args: launch.args.clone(),
            buffers,
            scratch,
            kept,
            n,
            op,
            dtype,
            way,
            programs: Default::default(),
        })
    }

    fn tiles(&self) -> usize {
        self.n.div_ceil(TILE)
    }

    /// Bytes of an element in scratch memory, where no two share a word.
    fn item(&self) -> usize {
        self.dtype.size().max(4)
    }

    fn program(&self, stage: Stage) -> Arc<Program> {
        let make = || {
            let own = PLACES + 3;
            let (value, item, scratch) = (register(self.dtype), self.item(), self.scratch);
            let widened = if self.dtype.size() < 4 { Dtype::UInt32 } else { self.dtype };
            let names = ["at0".to_string(), "at1".to_string()];
            let totals = match self.way {
                Way::Tiles => format!(
                    "fn place_of(at: u32) -> u32 {{ return {place} + at * {item}u; }}\n\
                     fn total(number: u32) -> {value} {{\nlet at = place_of(number);\nlet bits: {bits} = {found};\n\
                     return {opened};\n}}\n\
                     fn keep_total(number: u32, value: {value}) {{\nlet at = place_of(number);\n\
                     let bits: {bits} = {closed};\n{store}\n}}\n",
                    place = word(PLACES + 2),
                    bits = bits(self.dtype),
                    found = match widened.size() {
                        8 => format!("vec2<u32>(b{scratch}[at >> 2u], b{scratch}[(at >> 2u) + 1u])"),
                        _ => format!("b{scratch}[at >> 2u]"),
                    },
                    opened = opened(self.dtype, "bits"),
                    closed = closed(self.dtype, "value"),
                    store = stored_in(scratch, Mode::Write, widened, "at", "bits"),
                ),
                Way::Thread | Way::Group => String::new(),
            };
            let text = format!(
                "{folding}const EACH = {EACH}u;\nconst TILE = {TILE}u;\n\
                 struct Row {{ source: u32, goal: u32 }}\n\
                 fn row_of(row: u32) -> Row {{\nvar at0 = {source};\nvar at1 = {goal};\n{kept}\
                 return Row(at0, at1);\n}}\n\
                 fn element(row: Row, i: u32) -> {value} {{\nlet at = row.source + i * {step};\n\
                 return {load};\n}}\n\
                 fn put(row: Row, i: u32, value: {value}) {{\nlet at = row.goal + i * {stride};\n\
                 let bits: {bits} = {closed};\n{store}\n}}\n\
                 fn first_row() -> u32 {{ return {first}; }}\nfn last_row() -> u32 {{ return {last}; }}\n\
                 fn elements() -> u32 {{ return {n}; }}\nfn tiles() -> u32 {{ return {tiles}; }}\n\
                 {totals}{skeleton}",
                folding = self.folding.text(&word(own + 6), 0),
                source = word(PLACES),
                goal = word(PLACES + 1),
                kept = self.kept.text("row", own + OWN, &names),
                step = word(own + 4),
                load = opened(self.dtype, &fetched(&self.buffers, 0, self.dtype, "at")),
                stride = word(own + 5),
                bits = bits(self.dtype),
                closed = closed(self.dtype, "value"),
                store = stored(&self.buffers, 1, self.dtype, "at", "bits"),
                first = word(own),
                last = word(own + 1),
                n = word(own + 2),
                tiles = word(own + 3),
                skeleton = skeleton(stage).replace("Value", value),
            );
            let modes = match self.way {
                Way::Tiles => &self.buffers.modes[..],
                Way::Thread | Way::Group => &self.buffers.modes[..self.scratch],
            };
            let words = own + OWN + self.kept.words();
            Program::new(words, modes, &operations(self.op, self.dtype), &text)
        };
        self.programs[stage as usize].get_or_init(make).clone()
    }
}

/// The fixed part of a kernel's text.
fn skeleton(stage: Stage) -> String {
    let own = match stage {
        Stage::Threads => return include_str!("../../../shaders/scan_threads.wgsl").into(),
        Stage::Groups => include_str!("../../../shaders/scan_groups.wgsl"),
        Stage::Totals => include_str!("../../../shaders/scan_totals.wgsl"),
        Stage::Carries => include_str!("../../../shaders/scan_carries.wgsl"),
        Stage::Tiles => include_str!("../../../shaders/scan_tiles.wgsl"),
    };
    [include_str!("../../../shaders/scan_tile.wgsl"), own].concat()
}

impl Class for Scan {
    fn scratch(&self, first: usize, last: usize) -> usize {
        if self.way == Way::Tiles { (last - first) * self.tiles() * self.item() } else { 0 }
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, scratch, report } = *call;
        let mut words = begin(3);
        words.extend([first, last, self.n, self.tiles()].map(|number| number as u32));
        words.extend(self.args.iter().map(|arg| arg.view.strides[arg.view.ndim() - 1] as u32));
        words.push(report);
        self.kept.push(&mut words);
        let mut places: SmallVec<[Place; 8]> = (self.args.iter().enumerate())
            .map(|(number, arg)| {
                self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last)
            })
            .collect();
        if self.way == Way::Tiles {
            let bytes = self.scratch(first, last) as u64;
            places.push(Place { binding: self.scratch, address: scratch, touched: scratch..scratch + bytes });
        }
        let rows = last - first;
        let command = |stage: Stage, groups: usize| Command {
            program: self.program(stage),
            groups,
            places: places.clone(),
            words: words.clone(),
        };
        match self.way {
            Way::Thread => smallvec![command(Stage::Threads, rows.div_ceil(THREADS))],
            Way::Group => smallvec![command(Stage::Groups, rows)],
            Way::Tiles => smallvec![
                command(Stage::Totals, rows * self.tiles()),
                command(Stage::Carries, rows),
                command(Stage::Tiles, rows * self.tiles()),
            ],
        }
    }
}
