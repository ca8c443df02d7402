//! Random tasks over random overlapping views: the whole runtime on the CPU backend, under hostile settings, gives the
//! bytes that executing the tasks one by one gives. `SEEDS=from-to cargo test` chooses other programs.

mod oracle;

use maniple_cpu::{Compile, Cpu, CpuDescription};
use maniple_mapper::from_settings;
use maniple_ops::{BitGenerator, Body, Dtype, LEAF, Op, Scalar};
use maniple_runtime::{
    Access, Backends, Extreme, Handle, Indexed, Kernel, Line, Operand, Order, Privilege, Reduce, Runtime,
    Settings, Shape, Sorted, Strides, View,
};
use oracle::{Argument, Bytes, Recorded, execute, get};
use std::sync::Arc;

/// The workers of each memory, and settings by name.
type Hostile = (&'static [usize], &'static [(&'static str, &'static str)]);

/// Settings under which every program runs.
const SETTINGS: &[Hostile] = &[
    (&[2], &[("MANIPLE_RENAME", "0"), ("MANIPLE_BLOCK", "8k")]),
    (&[2], &[("MANIPLE_PIECES", "3"), ("MANIPLE_JIT", "always"), ("MANIPLE_BLOCK", "2000")]),
    (&[1], &[("MANIPLE_FUSE", "0"), ("MANIPLE_WINDOW", "1"), ("MANIPLE_MAPPER", "serial")]),
    (&[2], &[("MANIPLE_MAPPER", "random:1"), ("MANIPLE_WINDOW", "7"), ("MANIPLE_RENAME", "0")]),
    (&[1, 1, 1], &[("MANIPLE_MAPPER", "random:2"), ("MANIPLE_RENAME", "0"), ("MANIPLE_BLOCK", "100")]),
    (&[1, 1, 1], &[("MANIPLE_MAPPER", "random:3"), ("MANIPLE_PIECES", "3"), ("MANIPLE_WINDOW", "5")]),
    (&[1, 1], &[("MANIPLE_PIECES", "7"), ("MANIPLE_FUSE", "0"), ("MANIPLE_JIT", "0")]),
    (&[1, 1], &[("MANIPLE_PIECES", "2"), ("MANIPLE_JIT", "always")]),
];

#[test]
fn random_programs_give_the_bytes_of_program_order() {
    let (first, last) = option_env!("SEEDS").and_then(|text| text.split_once('-')).unwrap_or(("0", "300"));
    let seeds = first.parse::<u64>().expect("a seed")..last.parse().expect("a seed");
    let runtimes: Vec<Runtime> = SETTINGS.iter().map(|(machine, chosen)| runtime(machine, chosen)).collect();
    for seed in seeds {
        let program = Program::random(seed);
        let expected = program.interpret();
        for (runtime, chosen) in runtimes.iter().zip(SETTINGS) {
            if let Some(difference) = program.differs(runtime, &expected) {
                let small = program.shrunk(runtime);
                panic!("seed {seed}, {chosen:?}: {difference}\nsmallest program that fails:\n{small}");
            }
        }
    }
}

fn runtime(machine: &[usize], chosen: &[(&str, &str)]) -> Runtime {
    let mut settings = Settings { check: true, ..Settings::default() };
    chosen.iter().for_each(|(name, value)| settings.set(name, value).expect("a setting"));
    let compile = Compile::from_setting(&settings.jit);
    let cpu = Cpu::new(&CpuDescription { workers: machine.to_vec(), compile, ..CpuDescription::default() });
    let mapper = from_settings(&settings);
    Runtime::new(Backends::new(vec![Arc::new(cpu)]), mapper, settings)
}

/// What a program does next.
#[derive(Clone, Debug)]
enum Action {
    /// Records a task.
    Task(Box<Recorded>),
    /// Gives up the handle on a region.
    Drop(usize),
    /// Asks for the bytes of a region.
    Read(usize),
}

/// Regions with what they hold at first (nothing, for temporaries), and actions on them.
struct Program {
    regions: Vec<(Dtype, Vec<u8>)>,
    temporary: Vec<bool>,
    actions: Vec<Action>,
}

impl Program {
    /// The bytes of every region and of every read, in program order.
    fn interpret(&self) -> Vec<Vec<u8>> {
        let mut bytes: Bytes = self.regions.iter().map(|(_, bytes)| bytes.clone()).collect();
        let mut seen = Vec::new();
        let mut dropped = vec![false; self.regions.len()];
        for action in &self.actions {
            match action {
                Action::Task(task) => execute(task, &mut bytes),
                Action::Drop(region) => dropped[*region] = true,
                Action::Read(region) => seen.push(bytes[*region].clone()),
            }
        }
        seen.extend(bytes.into_iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(bytes, _)| bytes));
        seen
    }

    /// The same by a runtime.
    fn run(&self, runtime: &Runtime) -> Vec<Vec<u8>> {
        let mut handles: Vec<Option<Handle>> = Vec::new();
        for ((_, bytes), temporary) in self.regions.iter().zip(&self.temporary) {
            let handle = runtime.create(bytes.len());
            if !temporary {
                let address = runtime.host(&handle, true).expect("there is memory");
                // SAFETY: the runtime gives the address of as many bytes, with nobody else working on them.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
            }
            handles.push(Some(handle));
        }
        let read = |handle: &Handle| {
            let address = runtime.host(handle, false).expect("there is memory") as *const u8;
            // SAFETY: as above.
            unsafe { std::slice::from_raw_parts(address, handle.bytes) }.to_vec()
        };
        let mut seen = Vec::new();
        for action in &self.actions {
            match action {
                Action::Task(task) => {
                    let operands: Vec<Operand<'_>> = (task.args.iter())
                        .map(|arg| {
                            let handle = handles[arg.region].as_ref().expect("used before it is dropped");
                            Operand::element(handle, arg.privilege, arg.dtype, &arg.view)
                                .with_access(arg.access)
                        })
                        .collect();
                    let kernel = runtime.intern(task.kernel.clone());
                    runtime
                        .record(kernel, task.extent, &operands, &task.scalars, 0, Line::default())
                        .expect("there is memory");
                }
                Action::Drop(region) => handles[*region] = None,
                Action::Read(region) => seen.push(read(handles[*region].as_ref().expect("not dropped"))),
            }
        }
        seen.extend(handles.iter().flatten().map(read));
        seen
    }

    /// Where a runtime's bytes differ from those expected.
    fn differs(&self, runtime: &Runtime, expected: &[Vec<u8>]) -> Option<String> {
        let found = self.run(runtime);
        for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
            if let Some(byte) = expected.iter().zip(found).position(|(a, b)| a != b) {
                return Some(format!("value {at} differs first in byte {byte} of {}", expected.len()));
            }
        }
        None
    }

    /// The program with every action taken away that is not needed to make it fail. A task that first fills a
    /// temporary stays.
    fn shrunk(&self, runtime: &Runtime) -> String {
        let mut small = Program {
            regions: self.regions.clone(),
            temporary: vec![false; self.regions.len()],
            actions: self.actions.clone(),
        };
        let fails = |program: &Program| {
            let expected = program.interpret();
            (0..3).any(|_| program.differs(runtime, &expected).is_some())
        };
        if !fails(&small) {
            small.temporary.clone_from(&self.temporary);
        }
        for at in (0..small.actions.len()).rev() {
            if small.fills_a_temporary(at) {
                continue;
            }
            let removed = small.actions.remove(at);
            if !fails(&small) {
                small.actions.insert(at, removed);
            }
        }
        let lines = small.actions.iter().map(|action| match action {
            Action::Task(task) => {
                let args = task.args.iter().map(|arg| {
                    let Argument { region, privilege, dtype, view, access } = arg;
                    format!(" | {privilege:?} r{region}.{}{view:?} {access:?}", dtype.name())
                });
                format!("{} points, {}{}", task.extent, task.kernel, args.collect::<String>())
            }
            other => format!("{other:?}"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Whether an action is the first to write some region that holds nothing before.
    fn fills_a_temporary(&self, at: usize) -> bool {
        let writes = |action: &Action, region: usize| match action {
            Action::Task(task) => task.args.iter().any(|arg| arg.region == region && arg.privilege.writes()),
            _ => false,
        };
        (0..self.regions.len()).filter(|&region| self.temporary[region]).any(|region| {
            writes(&self.actions[at], region)
                && !self.actions[..at].iter().any(|action| writes(action, region))
        })
    }

    /// A program that does nothing undefined: it reads only what was written, and no task of it writes through a view
    /// that overlaps one of its other views in any way but element on element.
    fn random(seed: u64) -> Program {
        let program = Program { regions: Vec::new(), temporary: Vec::new(), actions: Vec::new() };
        let mut maker = Maker { random: Random(seed), program, written: Vec::new() };
        for _ in 0..2 + maker.random.below(3) {
            let dtype = maker.random.of(&[Dtype::Int32, Dtype::Int64, Dtype::Float64, Dtype::UInt8]);
            let size = maker.random.of(&[40, 200, 1500, 3000, 9000]);
            maker.region(dtype, size, false);
        }
        for _ in 0..4 + maker.random.below(30) {
            maker.action();
        }
        // What no task came to write is given contents after all.
        let mut program = maker.program;
        for (temporary, written) in program.temporary.iter_mut().zip(maker.written) {
            *temporary &= written;
        }
        program
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % bound as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Writes a program action by action.
struct Maker {
    random: Random,
    program: Program,
    /// Per region, whether it holds something that may be read.
    written: Vec<bool>,
}

/// How the elements of a view may lie.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// Any way; elements may be repeated.
    Read,
    /// Each element at bytes of its own.
    Write,
}

impl Maker {
    fn region(&mut self, dtype: Dtype, size: usize, temporary: bool) -> usize {
        let value = |random: &mut Random| Scalar::new(random.below(200) as i64 - 100).cast(dtype);
        let bytes = (0..size).flat_map(|_| value(&mut self.random).to_bytes()).collect();
        self.program.regions.push((dtype, bytes));
        self.program.temporary.push(temporary);
        self.written.push(!temporary);
        self.program.regions.len() - 1
    }

    /// Regions with contents that somebody still holds.
    fn held(&self) -> Vec<usize> {
        let gone = |region: usize| {
            self.program
                .actions
                .iter()
                .any(|action| matches!(action, Action::Drop(dropped) if *dropped == region))
        };
        (0..self.program.regions.len()).filter(|&region| self.written[region] && !gone(region)).collect()
    }

    fn action(&mut self) {
        let held = self.held();
        match self.random.below(20) {
            0 => {
                let region = self.random.of(&held);
                self.program.actions.push(Action::Read(region));
            }
            1 | 2 => {
                let temporaries: Vec<usize> =
                    held.into_iter().filter(|&region| self.program.temporary[region]).collect();
                if !temporaries.is_empty() {
                    let region = self.random.of(&temporaries);
                    self.program.actions.push(Action::Drop(region));
                }
            }
            3 => self.reduce(),
            4 => self.scan(),
            5 => self.arg_reduce(),
            6 => self.made_up(),
            7 | 8 => self.indexed(),
            9 => self.nonzero(),
            10 => self.matmul(),
            11 => self.sweeps(),
            12 => self.sort(),
            _ => self.map(),
        }
    }

    fn task(&mut self, kernel: Kernel, extent: usize, args: Vec<Argument>, scalars: Vec<Scalar>) {
        args.iter().filter(|arg| arg.privilege.writes()).for_each(|arg| self.written[arg.region] = true);
        self.program.actions.push(Action::Task(Box::new(Recorded { kernel, args, extent, scalars })));
    }

    fn shape(&mut self) -> Vec<usize> {
        match self.random.below(8) {
            0 => vec![1 + self.random.below(1500)],
            1 => vec![1 + self.random.below(40)],
            2 => vec![],
            3 => vec![1 + self.random.below(6), 1 + self.random.below(5), 1 + self.random.below(9)],
            // Several leaves for several results.
            4 => vec![1000 + self.random.below(1500), 1 + self.random.below(3)],
            _ => vec![1 + self.random.below(30), 1 + self.random.below(40)],
        }
    }

    /// A view of some shape into a region that holds it, if chance finds one.
    fn view(&mut self, shape: &[usize], dtype: Option<Dtype>, purpose: Use) -> Option<Argument> {
        let held = self.held();
        'tries: for _ in 0..20 {
            let region = self.random.of(&held);
            let own = self.program.regions[region].0;
            if dtype.is_some_and(|dtype| dtype != own) {
                continue;
            }
            let (item, bytes) = (own.size() as isize, self.program.regions[region].1.len() as isize);
            let mut axes: Vec<usize> = (0..shape.len()).rev().collect();
            if self.random.below(3) == 0 && axes.len() > 1 {
                let (a, b) = (self.random.below(axes.len()), self.random.below(axes.len()));
                axes.swap(a, b);
            }
            let mut strides: Strides = Strides::from_elem(0, shape.len());
            let (mut step, mut low, mut high) = (item, 0, 0);
            for axis in axes {
                step *= self.random.of(&[1, 1, 1, 1, 2, 3]);
                strides[axis] = match (purpose, self.random.below(8)) {
                    (Use::Read, 0) => 0,
                    (Use::Read, 1) => item,
                    (_, 2) => -step,
                    _ => step,
                };
                let reach = (shape[axis] as isize - 1) * strides[axis];
                if reach < 0 {
                    low += reach
                } else {
                    high += reach
                }
                step *= shape[axis] as isize;
                step += item * self.random.of(&[0, 0, 0, 1, 5]);
            }
            let room = bytes - (high - low) - item;
            if room < 0 {
                continue 'tries;
            }
            let offset = self.random.below((room / item) as usize + 1) as isize * item - low;
            let view = View { offset, shape: Shape::from_slice(shape), strides };
            let privilege = if purpose == Use::Read { Privilege::Read } else { Privilege::Write };
            return Some(Argument { region, privilege, dtype: own, view, access: Access::Element });
        }
        None
    }

    /// A new region, and the view of all of it.
    fn fresh(&mut self, shape: &[usize], dtype: Dtype) -> Argument {
        let region = self.region(dtype, shape.iter().product(), true);
        let view = View::contiguous(shape, dtype.size());
        Argument { region, privilege: Privilege::Write, dtype, view, access: Access::Element }
    }

    fn output(&mut self, shape: &[usize], dtype: Option<Dtype>) -> Argument {
        match self.random.below(2) {
            0 => self.view(shape, dtype, Use::Write),
            _ => None,
        }
        .unwrap_or_else(|| {
            let dtype = dtype.unwrap_or(Dtype::Int64);
            self.fresh(shape, dtype)
        })
    }

    /// One or two steps with casts between them, into one or two outputs.
    fn map(&mut self) {
        let shape = self.shape();
        let out = self.output(&shape, None);
        let mut args = Vec::new();
        for _ in 0..self.random.below(3) {
            // Often the output's own view, or the very place that was used last.
            let arg = match self.random.below(4) {
                0 if !self.program.temporary[out.region] => {
                    Some(Argument { privilege: Privilege::Read, ..out.clone() })
                }
                1 => self.recent(&shape).or_else(|| self.view(&shape, None, Use::Read)),
                _ => self.view(&shape, None, Use::Read),
            };
            args.extend(arg.filter(|arg| !clash(arg, &out)));
        }
        let mut body = Body { inputs: args.iter().map(|arg| arg.dtype).collect(), ..Body::default() };
        body.constants = vec![Dtype::Int64; 1];
        let constant = body.inputs.len() as u16;
        let mut value = constant;
        for at in 0..body.inputs.len() as u16 + 1 {
            let dtype = self.random.of(&[Dtype::Int32, Dtype::Int64, Dtype::Float64, out.dtype]);
            let rows = [Op::Add, Op::Subtract, Op::Multiply, Op::Maximum, Op::Minimum];
            let op = self.random.of(&rows);
            let (a, b) = (body.push_cast(value, dtype), body.push_cast(at, dtype));
            value = body.push_apply(op, dtype, [a, b].into_iter().collect());
        }
        let mut outputs = vec![out];
        if self.random.below(5) == 0 {
            let second = self.output(&shape, None);
            let free = second.region != outputs[0].region && !args.iter().any(|arg| clash(arg, &second));
            outputs.extend(free.then_some(second));
        }
        for out in &outputs {
            let stored = body.push_cast(value, out.dtype);
            body.outputs.push(stored);
        }
        let extent = shape.iter().product();
        args.extend(outputs);
        let scalar = Scalar::new(self.random.below(20) as i64 - 10);
        self.task(Kernel::Map(body), extent, args, vec![scalar]);
    }

    /// Sweeps over a grid that fills a region: the elements inside become sums of neighbours, by way of a temporary.
    fn sweeps(&mut self) {
        let held = self.held();
        let region = self.random.of(&held);
        let dtype = self.program.regions[region].0;
        let (item, size) = (dtype.size(), self.program.regions[region].1.len() / dtype.size());
        let columns = self.random.of(&[4, 10, 20, 100]);
        if !size.is_multiple_of(columns) || size < 3 * columns {
            return;
        }
        let margins: [usize; 4] = std::array::from_fn(|_| self.random.below(3) / 2);
        let [top, bottom, left, right] = margins;
        let shape = [size / columns - top - bottom, columns - left - right];
        let strides = Strides::from_slice(&[(columns * item) as isize, item as isize]);
        let inside = |down: usize, across: usize, privilege| {
            let offset = (((top + down) * columns + left + across) * item) as isize;
            let view = View { offset, shape: Shape::from_slice(&shape), strides: strides.clone() };
            // A shift of one stands for one back where there is a margin.
            let back = top.min(down) * 2 * columns * item + left.min(across) * 2 * item;
            let view = View { offset: view.offset - back as isize, ..view };
            Argument { region, privilege, dtype, view, access: Access::Element }
        };
        for _ in 0..1 + self.random.below(3) {
            let (down, across) =
                (self.random.below(1 + top.max(bottom)), self.random.below(1 + left.max(right)));
            let neighbour = inside(down, across, Privilege::Read);
            let sum = self.fresh(&shape, dtype);
            let temporary = sum.region;
            let held = Argument { privilege: Privilege::Read, ..sum.clone() };
            let own = inside(0, 0, Privilege::Read);
            let target = inside(0, 0, Privilege::Write);
            for args in [vec![own.clone(), neighbour, sum], vec![held, own, target]] {
                let op = self.random.of(&[Op::Add, Op::Maximum, Op::Multiply]);
                let mut body = Body { inputs: vec![dtype; 2], ..Body::default() };
                let value = body.push_apply(op, dtype, [0, 1].into_iter().collect());
                body.outputs.push(value);
                self.task(Kernel::Map(body), shape[0] * shape[1], args, Vec::new());
            }
            self.program.actions.push(Action::Drop(temporary));
        }
    }

    /// An argument of the same shape that an earlier task wrote, to be read through the same view.
    fn recent(&mut self, shape: &[usize]) -> Option<Argument> {
        let held = self.held();
        let written: Vec<&Argument> = (self.program.actions.iter().rev().take(6))
            .filter_map(|action| match action {
                Action::Task(task) => task.args.last(),
                _ => None,
            })
            .filter(|arg| *arg.view.shape == *shape && held.contains(&arg.region))
            .collect();
        let found = (*written.first()?).clone();
        Some(Argument { privilege: Privilege::Read, access: Access::Element, ..found })
    }

    /// Sums or extremes of integers along some axes, with the folds of their leaves.
    fn reduce(&mut self) {
        let shape = self.shape();
        let Some(mut input) = self.recent(&shape).or_else(|| self.view(&shape, None, Use::Read)) else {
            return;
        };
        if input.dtype.is_inexact() {
            return;
        }
        let (reduced, kept): (Vec<usize>, Vec<usize>) =
            (0..shape.len()).partition(|_| self.random.below(2) == 0);
        let order = self.random.of(&[Order::KeptFirst, Order::ReducedFirst]);
        for _ in 0..self.random.of(&[1, 1, 2, 3]) {
            input = self.reduce_along(input, &kept, &reduced, order);
        }
    }

    /// One of them; answers with what is reduced next, as like as not the same.
    fn reduce_along(&mut self, input: Argument, kept: &[usize], reduced: &[usize], order: Order) -> Argument {
        let shape = input.view.shape.clone();
        let mut next = input.clone();
        let mut input = input;
        let op = self.random.of(&[Op::Add, Op::Maximum, Op::Minimum, Op::BitwiseXor]);
        let extents = |axes: &[usize]| axes.iter().map(|&axis| shape[axis]).collect::<Vec<usize>>();
        let n: usize = extents(reduced).iter().product();
        let results: usize = extents(kept).iter().product();
        let leaves = n.div_ceil(LEAF);
        let mut body = Body { inputs: vec![input.dtype], ..Body::default() };
        let mut folded = body.push_cast(0, Dtype::Int64);
        if self.random.below(3) == 0 {
            folded = body.push_apply(Op::Multiply, Dtype::Int64, [folded, folded].into_iter().collect());
        }
        body.outputs.push(folded);
        let axes: Vec<u8> = kept.iter().chain(reduced).map(|&axis| axis as u8).collect();
        input.access = Access::Leaves { n, leaves, kept: results, order };
        let mut partial_shape = extents(kept);
        let leaf_axis = if order == Order::KeptFirst { kept.len() } else { 0 };
        partial_shape.insert(leaf_axis, leaves);
        let partials = self.fresh(&partial_shape, Dtype::Int64);
        let kernel = Kernel::Reduce(Reduce { body, ops: vec![op], axes, kept: kept.len(), order });
        self.task(kernel, results * leaves, vec![input, partials.clone()], Vec::new());
        let mut out = self.output(&extents(kept), Some(Dtype::Int64));
        if out.region == partials.region {
            out = self.fresh(&extents(kept), Dtype::Int64);
        }
        let leaves_last: Vec<usize> =
            (0..partial_shape.len()).filter(|&axis| axis != leaf_axis).chain([leaf_axis]).collect();
        let view = partials.view.permuted(&leaves_last);
        let read = Argument { privilege: Privilege::Read, access: Access::Rows(leaves), view, ..partials };
        let partials = read.region;
        self.task(Kernel::Fold { op, dtype: Dtype::Int64 }, results, vec![read, out], Vec::new());
        if self.random.below(2) == 0 {
            self.program.actions.push(Action::Drop(partials));
        }
        if self.random.below(2) == 0 {
            self.map();
            next = self.recent(&shape).filter(|found| !found.dtype.is_inexact()).unwrap_or(next);
        }
        next
    }

    fn scan(&mut self) {
        let mut shape = self.shape();
        shape.push(1 + self.random.below(20));
        let Some(input) = self.view(&shape, Some(Dtype::Int64), Use::Read) else { return };
        let out = self.output(&shape, Some(Dtype::Int64));
        if clash(&input, &out) || input.region == out.region {
            return;
        }
        let n = shape[shape.len() - 1];
        let args = [input, out].map(|arg| Argument { access: Access::Rows(n), ..arg }).to_vec();
        let rows = shape[..shape.len() - 1].iter().product();
        self.task(Kernel::Scan { op: Op::Add, dtype: Dtype::Int64 }, rows, args, Vec::new());
    }

    fn arg_reduce(&mut self) {
        let kept = self.shape();
        let mut shape = kept.clone();
        shape.push(1 + self.random.below(20));
        let Some(input) = self.view(&shape, None, Use::Read).filter(|arg| !arg.dtype.is_inexact()) else {
            return;
        };
        let out = self.output(&kept, Some(Dtype::Int64));
        if input.region == out.region {
            return;
        }
        let goal = self.random.of(&[Extreme::Largest, Extreme::Smallest]);
        let (dtype, n) = (input.dtype, shape[shape.len() - 1]);
        let input = Argument { access: Access::Rows(n), ..input };
        let extent = kept.iter().product();
        self.task(Kernel::ArgReduce { goal, dtype }, extent, vec![input, out], Vec::new());
    }

    fn made_up(&mut self) {
        let shape = self.shape();
        let out = self.output(&shape, None);
        if matches!(out.dtype, Dtype::Float32 | Dtype::Float64) {
            return self.draw(&shape, out);
        }
        if out.dtype.is_inexact() {
            return;
        }
        let scalars = [3, -2].map(|value| Scalar::new(value as i64).cast(out.dtype)).to_vec();
        self.task(Kernel::Iota { dtype: out.dtype }, shape.iter().product(), vec![out], scalars);
    }

    fn draw(&mut self, shape: &[usize], out: Argument) {
        let generator = self.random.of(&BitGenerator::ALL);
        let word = |at: usize| Scalar::new(if at == 6 { 3u64 } else { u64::MAX - 5 * at as u64 });
        let scalars = (0..generator.words()).map(word).collect();
        self.task(Kernel::Draw { generator, dtype: out.dtype }, shape.iter().product(), vec![out], scalars);
    }

    /// A gather from, or a scatter into, one axis of a store, by positions in a region of their own.
    fn indexed(&mut self) {
        let count = 1 + self.random.below(60);
        let extent = 1 + self.random.below(60);
        let scatters = self.random.below(2) == 0;
        let purpose = if scatters { Use::Write } else { Use::Read };
        let Some(store) = self.view(&[extent], None, purpose) else { return };
        let values = if scatters {
            self.view(&[count], Some(store.dtype), Use::Read)
        } else {
            Some(self.output(&[count], Some(store.dtype)))
        };
        let Some(values) = values.filter(|values| values.region != store.region) else { return };
        let positions = self.region(Dtype::Int64, count, false);
        self.program.regions[positions].1 = (0..count)
            .flat_map(|_| (self.random.below(2 * extent) as i64 - extent as i64).to_le_bytes())
            .collect();
        // Nothing else may change the positions, or they would leave the axis.
        let index = Argument {
            region: positions,
            privilege: Privilege::Read,
            dtype: Dtype::Int64,
            view: View::contiguous(&[count], 8),
            access: Access::Element,
        };
        let indexed = Indexed { extents: vec![extent], strides: store.view.strides.to_vec() };
        let span = store.view.span(store.dtype.size());
        let view = View {
            offset: store.view.offset,
            shape: Shape::from_slice(&[count]),
            strides: Strides::from_slice(&[0]),
        };
        let store = Argument { view, access: Access::Whole(span), ..store };
        if scatters {
            let combine = self.random.of(&[None, Some(Op::Add)]);
            let store = Argument { privilege: Privilege::ReadWrite, ..store };
            let values = Argument { privilege: Privilege::Read, ..values };
            self.task(Kernel::Scatter { indexed, combine }, count, vec![store, index, values], Vec::new());
        } else {
            let store = Argument { privilege: Privilege::Read, ..store };
            self.task(Kernel::Gather(indexed), count, vec![store, index, values], Vec::new());
        }
        self.program.actions.push(Action::Drop(positions));
    }

    /// Products of matrices.
    fn matmul(&mut self) {
        let mut stack = Vec::new();
        for _ in 0..self.random.below(3) {
            stack.push(1 + self.random.below(3));
        }
        let [m, k, n] = [40, 20, 20].map(|bound| 1 + self.random.below(bound));
        let k = if self.random.below(6) == 0 { k + 255 } else { k };
        let dtype = self.random.of(&[Dtype::Int32, Dtype::Int64, Dtype::UInt8, Dtype::Float64]);
        let with = |rows, columns| [&stack[..], &[rows, columns]].concat();
        let (rows, columns, result) = (with(m, k), with(k, n), with(m, n));
        let Some(a) = self.view(&rows, Some(dtype), Use::Read) else { return };
        let Some(b) = self.view(&columns, Some(dtype), Use::Read) else { return };
        let mut out = self.output(&result, Some(dtype));
        if clash(&a, &out) || clash(&b, &out) || a.region == out.region || b.region == out.region {
            out = self.fresh(&result, dtype);
        }
        let span = b.view.span(dtype.size());
        let args = vec![
            Argument { access: Access::Rows(k), ..a },
            Argument { access: Access::Whole(span), ..b },
            Argument { access: Access::Rows(n), ..out },
        ];
        let points = result[..result.len() - 1].iter().product();
        self.task(Kernel::Matmul { dtype }, points, args, Vec::new());
    }

    /// Rows, sorted; or one row, sorted in runs that are merged.
    fn sort(&mut self) {
        let gives = self.random.of(&Sorted::ALL);
        let mut shape = if self.random.below(2) == 0 { Vec::new() } else { self.shape() };
        let merges = shape.is_empty();
        shape.push(1 + self.random.below(if merges { 900 } else { 30 }));
        let n = shape[shape.len() - 1];
        let run = if merges { n.div_ceil(1 + self.random.below(5)) } else { n };
        let Some(input) = self.view(&shape, None, Use::Read) else { return };
        let dtype = input.dtype;
        let dtypes: Vec<Dtype> = (gives.has_values().then_some(dtype).into_iter())
            .chain(gives.has_order().then_some(Dtype::Int64))
            .collect();
        let mut args = vec![input.clone()];
        if merges {
            // Runs have both, so that there is something to merge.
            let both = if gives.has_order() { Sorted::Both } else { Sorted::Values };
            let values = self.fresh(&shape, dtype);
            let order = gives.has_order().then(|| self.fresh(&shape, Dtype::Int64));
            let runs: Vec<Argument> = [Some(values), order].into_iter().flatten().collect();
            args.extend(runs.clone());
            let by_runs = args.into_iter().map(|arg| Argument { access: Access::Rows(run), ..arg }).collect();
            self.task(Kernel::Sort { dtype, gives: both, run }, n.div_ceil(run), by_runs, Vec::new());
            args = (runs.into_iter())
                .map(|arg| {
                    let access = Access::Whole(arg.view.span(arg.dtype.size()));
                    Argument { privilege: Privilege::Read, access, ..arg }
                })
                .collect();
        }
        for dtype in dtypes {
            let taken = |found: &Argument| args.iter().any(|arg| arg.region == found.region);
            let found = Some(self.output(&shape, Some(dtype))).filter(|found| !taken(found));
            let found = found.unwrap_or_else(|| self.fresh(&shape, dtype));
            args.push(found);
        }
        if merges {
            self.task(Kernel::Merge { dtype, gives, run }, n, args, Vec::new());
            return;
        }
        if gives == Sorted::Values && self.random.below(3) == 0 && !args[0].view.overlaps_itself(dtype.size())
        {
            args[1] = Argument { privilege: Privilege::Write, ..input };
        }
        let args = args.into_iter().map(|arg| Argument { access: Access::Rows(run), ..arg }).collect();
        let points = shape[..shape.len() - 1].iter().product();
        self.task(Kernel::Sort { dtype, gives, run }, points, args, Vec::new());
    }

    /// Positions of a mask's true elements; the mask has a region of its own, so that their number is known.
    fn nonzero(&mut self) {
        let shape = self.shape();
        if shape.is_empty() {
            return;
        }
        let size: usize = shape.iter().product();
        let mask = self.region(Dtype::Bool, size, false);
        self.program.regions[mask].1 = (0..size).map(|_| self.random.below(2) as u8).collect();
        let view = View::contiguous(&shape, 1);
        let mask = Argument {
            region: mask,
            privilege: Privilege::Read,
            dtype: Dtype::Bool,
            view,
            access: Access::Element,
        };
        let bytes: Bytes = self.program.regions.iter().map(|(_, bytes)| bytes.clone()).collect();
        let count = (0..size).filter(|&at| get(&bytes, &mask, at).as_i64() != 0).count();
        if count == 0 {
            return;
        }
        let out = self.fresh(&[count, shape.len()], Dtype::Int64);
        let region = mask.region;
        let whole = |arg: Argument| {
            let span = arg.view.span(arg.dtype.size());
            Argument { access: Access::Whole(span), ..arg }
        };
        self.task(Kernel::Nonzero, size, vec![whole(mask), whole(out)], Vec::new());
        self.program.actions.push(Action::Drop(region));
    }
}

/// Whether reading one and writing the other, element by element, would read what was written.
fn clash(read: &Argument, written: &Argument) -> bool {
    let (a, b) = (read.dtype.size(), written.dtype.size());
    let same = read.view.same_as(&written.view) && a == b;
    read.region == written.region && !same && read.view.may_overlap(a, &written.view, b)
}
