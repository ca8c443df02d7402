//! Small programs written as text, run on the null backend, with what every stage made of them printed.
//!
//! ```text
//! settings pieces=2 memories=2      how often launches are cut, how many memories; window=, fuse=, rename= and block= too
//! a: float64[1000]                  a region that somebody holds, and its whole view
//! a[1:] = add a[1:] t               a row; operands are views or numbers; `fill` and `copy` are bodies without steps
//! s = reduce add a along 1          leaves and, where there are several, the fold of them
//! c = matmul a b                    a product of matrices
//! drop t                            nobody can read it any more
//! read s                            the host needs the value, which flushes the window
//! flush
//! ```

use maniple_ops::{Body, Dtype, LEAF, Op, Scalar, signature};
use maniple_runtime::{
    Access, Backends, Decoded, Fused, Handle, Kernel, Kernels, Line, Mapper, Null, Operand, Order, Pieces,
    Privilege, ProcessorId, Question, Reduce, Runtime, Settings, View, Window, decode, edges, fuse, join,
    map,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// What the stages made of a program: a text per stage and window.
pub struct Stages {
    /// One entry per window that was flushed.
    pub windows: Vec<Stage>,
}

/// The values of one window.
#[derive(Default)]
pub struct Stage {
    /// Tasks, one a line.
    pub tasks: String,
    /// Dependences, one a line.
    pub edges: String,
    /// Launches, one a line.
    pub launches: String,
    /// Where each launch runs, one a line.
    pub mappings: String,
    /// What the backend was told, one command a line.
    pub commands: String,
}

/// Runs a program.
///
/// # Panics
/// If it is not a program, naming the line.
pub fn run(program: &str) -> Stages {
    // A region notes its role in one window at a time, so what the stages say and what the backend is told are found
    // in two runs.
    let planned = interpret(program, Half::Plan).stages;
    let executed = interpret(program, Half::Execute).stages;
    assert_eq!(planned.len(), executed.len(), "both halves see the same windows");
    let windows = (planned.into_iter().zip(executed))
        .map(|(planned, executed)| Stage { commands: executed.commands, ..planned })
        .collect();
    Stages { windows }
}

fn interpret(program: &str, half: Half) -> Interpreter {
    let mut machine = Interpreter::new(settings_of(program), half);
    for (number, line) in program.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if !line.is_empty() && !line.starts_with("settings") {
            machine.line(line).unwrap_or_else(|| panic!("line {}: cannot read {line:?}", number + 1));
        }
    }
    machine.flush();
    machine
}

/// What a `settings` line may say.
#[derive(Clone, Copy)]
struct Chosen {
    pieces: u32,
    memories: usize,
    window: usize,
    fuse: bool,
    rename: usize,
    block: usize,
}

fn settings_of(program: &str) -> Chosen {
    let mut chosen = Chosen { pieces: 1, memories: 1, window: 64, fuse: true, rename: 1 << 20, block: 0 };
    let words = program.lines().filter_map(|line| line.strip_prefix("settings"));
    for (name, value) in words.flat_map(str::split_whitespace).filter_map(|word| word.split_once('=')) {
        let value: usize = value.parse().expect("settings are numbers");
        match name {
            "pieces" => chosen.pieces = value as u32,
            "memories" => chosen.memories = value,
            "window" => chosen.window = value,
            "fuse" => chosen.fuse = value == 1,
            "rename" => chosen.rename = value,
            "block" => chosen.block = value,
            other => panic!("{other} is not a setting of a case"),
        }
    }
    chosen
}

/// Cuts everything into the same number of pieces and deals them out in turn.
struct InTurn(u32);

impl Mapper for InTurn {
    fn pieces(&self, _: &Question<'_>) -> Pieces {
        if self.0 == 0 { Pieces::Inline } else { Pieces::Cut(self.0) }
    }

    fn processor(&self, question: &Question<'_>, piece: usize, _: usize) -> ProcessorId {
        question.able[piece % question.able.len()]
    }
}

/// What a run of a program is for.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    /// To call the stages one after another.
    Plan,
    /// To let the runtime call them, and to see the commands.
    Execute,
}

struct Interpreter {
    chosen: Chosen,
    half: Half,
    null: Arc<Null>,
    runtime: Runtime,
    /// How many tasks were recorded since the last flush.
    recorded: usize,
    window: Window,
    kernels: Kernels,
    names: BTreeMap<String, (Handle, Dtype, View)>,
    stages: Vec<Stage>,
}

impl Interpreter {
    fn new(chosen: Chosen, half: Half) -> Interpreter {
        let null = Arc::new(Null::new(chosen.memories));
        let settings = Settings {
            window: chosen.window,
            fuse: chosen.fuse,
            rename: chosen.rename,
            block: chosen.block,
            check: true,
            ..Settings::default()
        };
        let runtime =
            Runtime::new(Backends::new(vec![null.clone()]), Box::new(InTurn(chosen.pieces)), settings);
        let mut window = Window::default();
        window.clear();
        Interpreter {
            chosen,
            half,
            null,
            runtime,
            recorded: 0,
            window,
            kernels: Kernels::default(),
            names: BTreeMap::new(),
            stages: Vec::new(),
        }
    }

    fn line(&mut self, line: &str) -> Option<()> {
        if let Some((name, kind)) = line.split_once(": ") {
            let (dtype, shape) = kind.trim_end_matches(']').split_once('[')?;
            let dtype = Dtype::ALL.into_iter().find(|known| known.name() == dtype)?;
            let shape: Vec<usize> =
                shape.split(',').map(|extent| extent.trim().parse().ok()).collect::<Option<_>>()?;
            self.declare(name, dtype, &shape);
            return Some(());
        }
        if let Some(name) = line.strip_prefix("drop ") {
            self.names.remove(name)?;
            return Some(());
        }
        if let Some(name) = line.strip_prefix("read ") {
            let handle = self.names.get(name)?.0.clone();
            self.flush();
            if self.half == Half::Execute {
                self.runtime.host(&handle, false).expect("the null backend has room");
            }
            self.commands();
            return Some(());
        }
        if line == "flush" {
            self.flush();
            return Some(());
        }
        let (target, operation) = line.split_once(" = ")?;
        let words: Vec<&str> = words(operation);
        match words.as_slice() {
            ["reduce", op, source, "along", axes @ ..] => {
                self.reduce(target, Op::from_numpy(op)?, source, axes)
            }
            ["matmul", a, b] => self.matmul(target, a, b),
            [row, operands @ ..] => self.map(target, row, operands),
            [] => None,
        }
    }

    fn declare(&mut self, name: &str, dtype: Dtype, shape: &[usize]) {
        let handle = self.runtime.create(shape.iter().product::<usize>() * dtype.size());
        self.names.insert(name.into(), (handle, dtype, View::contiguous(shape, dtype.size())));
    }

    /// The region, dtype and view that `name`, `name.T` or `name[index, ...]` means. An index is a position, a range, or
    /// `*n`, a new axis that repeats the rest `n` times.
    fn view(&self, text: &str) -> Option<(Handle, Dtype, View)> {
        let (name, index) = text.trim_end_matches(']').split_once('[').unwrap_or((text, ""));
        let (handle, dtype, mut view) = self.names.get(name.trim_end_matches(".T"))?.clone();
        if name.ends_with(".T") {
            view = view.permuted(&(0..view.ndim()).rev().collect::<Vec<_>>());
        }
        let mut axis = 0;
        for part in index.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if let Some(count) = part.strip_prefix('*') {
                view.shape.insert(axis, count.parse().ok()?);
                view.strides.insert(axis, 0);
                axis += 1;
                continue;
            }
            if let Ok(position) = part.parse::<isize>() {
                view.offset += position * view.strides[axis];
                view.shape.remove(axis);
                view.strides.remove(axis);
                continue;
            }
            let mut bounds = part.split(':');
            let mut next = |absent: isize| match bounds.next() {
                None | Some("") => Some(absent),
                Some(text) => text.parse().ok(),
            };
            let extent = view.shape[axis] as isize;
            let (start, stop, step): (isize, isize, isize) = (next(0)?, next(extent)?, next(1)?);
            let from_end = |position: isize| if position < 0 { position + extent } else { position };
            let count = (from_end(stop) - from_end(start) + step.abs() - 1) / step.abs();
            let first = if step > 0 { from_end(start) } else { from_end(stop) - 1 };
            view.offset += first * view.strides[axis];
            view.shape[axis] = count as usize;
            view.strides[axis] *= step;
            axis += 1;
        }
        Some((handle, dtype, view))
    }

    /// A row over whole views, all of one shape; numbers become constants.
    fn map(&mut self, target: &str, row: &str, operands: &[&str]) -> Option<()> {
        let mut arrays = Vec::new();
        let mut numbers = Vec::new();
        for operand in operands {
            match operand.parse::<f64>() {
                Ok(number) => numbers.push(number),
                Err(_) => arrays.push(self.view(operand)?),
            }
        }
        let out = self.view(target)?;
        let dtype = arrays.first().map_or(out.1, |array| array.1);
        let mut body = Body {
            inputs: arrays.iter().map(|array| array.1).collect(),
            constants: vec![dtype; numbers.len()],
            ..Body::default()
        };
        let value = match row {
            "fill" => 0,
            "copy" => body.push_cast(0, out.1),
            row => {
                let (mut next_array, mut next_number) = (0, arrays.len() as u16);
                let args = operands.iter().map(|operand| {
                    let next =
                        if operand.parse::<f64>().is_ok() { &mut next_number } else { &mut next_array };
                    *next += 1;
                    *next - 1
                });
                let op = Op::from_numpy(row)?;
                signature(op, dtype)?;
                body.push_apply(op, dtype, args.collect())
            }
        };
        body.outputs.push(value);
        let scalars: Vec<Scalar> = numbers.iter().map(|&number| Scalar::new(number).cast(dtype)).collect();
        let mut views: Vec<(Handle, Dtype, View, Privilege, Access)> = (arrays.into_iter())
            .map(|(handle, dtype, view)| (handle, dtype, view, Privilege::Read, Access::Element))
            .collect();
        let extent = out.2.size();
        views.push((out.0, out.1, out.2, Privilege::Write, Access::Element));
        self.record(Kernel::Map(body), extent, &views, &scalars);
        Some(())
    }

    /// A reduction along axes, and the fold of its leaves if there are several.
    fn reduce(&mut self, target: &str, op: Op, source: &str, axes: &[&str]) -> Option<()> {
        let reduced: Vec<usize> = axes.iter().map(|axis| axis.parse().ok()).collect::<Option<_>>()?;
        let (handle, dtype, view) = self.view(source)?;
        let out = self.view(target)?;
        let kept: Vec<usize> = (0..view.ndim()).filter(|axis| !reduced.contains(axis)).collect();
        let n: usize = reduced.iter().map(|&axis| view.shape[axis]).product();
        let results: usize = kept.iter().map(|&axis| view.shape[axis]).product();
        let leaves = n.div_ceil(LEAF);
        let fastest = |axes: &[usize]| axes.iter().map(|&axis| view.strides[axis].unsigned_abs()).min();
        let order = match (fastest(&reduced), fastest(&kept)) {
            (Some(reduced), Some(kept)) if kept < reduced => Order::ReducedFirst,
            _ => Order::KeptFirst,
        };
        let body = Body { inputs: vec![dtype], outputs: vec![0], ..Body::default() };
        let kernel = Kernel::Reduce(Reduce {
            body,
            ops: vec![op],
            axes: kept.iter().chain(&reduced).map(|&axis| axis as u8).collect(),
            kept: kept.len(),
            order,
        });
        let access = Access::Leaves { n, leaves, kept: results, order };
        // Partials lie in the order of the points that make them; the fold sees the leaves of a result side by side.
        let leaf_axis = if order == Order::KeptFirst { kept.len() } else { 0 };
        let mut partial_shape: Vec<usize> = kept.iter().map(|&axis| view.shape[axis]).collect();
        partial_shape.insert(leaf_axis, leaves);
        let mut partials = out.clone();
        partials.2.shape.insert(leaf_axis, 1);
        partials.2.strides.insert(leaf_axis, dtype.size() as isize);
        if leaves > 1 {
            let handle = self.runtime.create(results * leaves * dtype.size());
            partials = (handle, dtype, View::contiguous(&partial_shape, dtype.size()));
        }
        let (region, _, partial_view) = partials;
        let read = (handle, dtype, view, Privilege::Read, access);
        let write = (region.clone(), dtype, partial_view.clone(), Privilege::Write, Access::Element);
        self.record(kernel, results * leaves, &[read, write], &[]);
        if leaves > 1 {
            let leaves_last: Vec<usize> =
                (0..partial_shape.len()).filter(|&axis| axis != leaf_axis).chain([leaf_axis]).collect();
            let by_result = partial_view.permuted(&leaves_last);
            let read = (region, dtype, by_result, Privilege::Read, Access::Rows(leaves));
            let write = (out.0, out.1, out.2, Privilege::Write, Access::Element);
            self.record(Kernel::Fold { op, dtype }, results, &[read, write], &[]);
        }
        Some(())
    }

    /// A product of matrices whose rows are cut.
    fn matmul(&mut self, target: &str, a: &str, b: &str) -> Option<()> {
        let (a, b, out) = (self.view(a)?, self.view(b)?, self.view(target)?);
        let (k, n) = (*a.2.shape.last()?, *b.2.shape.last()?);
        let whole = b.2.span(b.1.size());
        let extent = out.2.size() / n;
        let dtype = out.1;
        let views = [
            (a.0, a.1, a.2, Privilege::Read, Access::Rows(k)),
            (b.0, b.1, b.2, Privilege::Read, Access::Whole(whole)),
            (out.0, out.1, out.2, Privilege::Write, Access::Rows(n)),
        ];
        self.record(Kernel::Matmul { dtype }, extent, &views, &[]);
        Some(())
    }

    fn record(
        &mut self,
        kernel: Kernel,
        extent: usize,
        views: &[(Handle, Dtype, View, Privilege, Access)],
        scalars: &[Scalar],
    ) {
        let operands: Vec<Operand<'_>> = (views.iter())
            .map(|(handle, dtype, view, privilege, access)| {
                Operand::element(handle, *privilege, *dtype, view).with_access(*access)
            })
            .collect();
        self.recorded += 1;
        match self.half {
            Half::Plan => {
                let id = self.kernels.intern(kernel);
                self.window.push(id, extent, &operands, scalars, 0, Line::default());
            }
            Half::Execute => {
                let id = self.runtime.intern(kernel);
                let result = self.runtime.record(id, extent, &operands, scalars, 0, Line::default());
                result.expect("the null backend has room");
            }
        }
        if self.recorded == self.chosen.window {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.recorded == 0 {
            return;
        }
        self.recorded = 0;
        match self.half {
            Half::Plan => self.plan(),
            Half::Execute => {
                self.stages.push(Stage::default());
                self.runtime.flush().expect("the null backend has room");
                self.commands();
            }
        }
    }

    /// Prints what the stages make of the window, and empties it.
    fn plan(&mut self) {
        self.window.seal();
        let window = &self.window;
        let decoded: Decoded = decode(&window.words, window.len(), window.regions.len(), &self.kernels);
        let edges = edges(&decoded.tasks);
        let Fused { launches, .. } = fuse(&decoded, &edges, self.runtime.settings());
        let launches = join(launches, &decoded, self.runtime.settings());
        let mapper = InTurn(self.chosen.pieces);
        let mappings: Vec<String> = (launches.iter())
            .map(|launch| {
                let machine = self.runtime.machine();
                let able: Vec<ProcessorId> =
                    machine.processors.iter().map(|processor| processor.id).collect();
                let places = &decoded.places;
                map(&Question { launch, machine, able: &able, places, tight: &[] }, &mapper).to_string()
            })
            .collect();
        self.stages.push(Stage {
            tasks: numbered(&decoded.tasks),
            edges: edges.iter().map(|edge| format!("{edge}\n")).collect(),
            launches: numbered(&launches),
            mappings: numbered(&mappings),
            commands: String::new(),
        });
        self.window.clear();
    }

    /// Notes the commands that came since the last call with the last window.
    fn commands(&mut self) {
        let commands = self.null.take_commands();
        if let Some(stage) = self.stages.last_mut() {
            for command in commands {
                let _ = writeln!(stage.commands, "{command}");
            }
        }
    }
}

/// Splits at spaces outside of brackets.
fn words(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|letter: char| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        letter == ' ' && depth == 0
    })
    .filter(|word| !word.is_empty())
    .collect()
}

fn numbered<T: std::fmt::Display>(list: &[T]) -> String {
    let mut text = String::new();
    for (at, item) in list.iter().enumerate() {
        let _ = writeln!(text, "{at}: {item}");
    }
    text
}
