//! Nanoseconds per element of some bodies, on the calling thread and through the workers, at several sizes: by a loop per
//! step, and with runs of steps compiled.
//!
//! `cargo run --release -p maniple-cpu --example throughput [name]`

use maniple_cpu::{Compile, Cpu, CpuDescription};
use maniple_ops::{Body, Dtype, LEAF, Op, Scalar, Value};
use maniple_runtime::{
    Access, Allocation, Arg, Backend, Binding, Handoff, Indexed, Kernel, Launch, MemoryId, Order, PointTask,
    Privilege, ProcessorId, Reduce, Shape, Strides, View,
};
use smallvec::smallvec;
use std::sync::Arc;
use std::time::Instant;

/// A kernel over arguments that are all new and contiguous, unless said otherwise.
struct Case {
    name: &'static str,
    kernel: Kernel,
    args: Vec<(View, Dtype)>,
    /// Argument that takes the place of another one.
    in_place: Option<(usize, usize)>,
    constants: usize,
    extent: usize,
    watch: u8,
}

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let with = |compile| Cpu::new(&CpuDescription { compile, ..CpuDescription::default() });
    let (cpu, compiling) = (with(Compile::Never), with(Compile::Hot));
    let workers = cpu.describe().processors[0].workers as usize;
    println!(
        "{:24} {:>10} {:>12} {:>12} {:>12} {:>12}   ns per element, {workers} workers",
        "body", "n", "inline", "compiled", "queued", "compiled"
    );
    for n in [10, 1_000, 100_000, 10_000_000] {
        for case in cases(n).into_iter().filter(|case| case.name.contains(&only)) {
            let benches = [Bench::new(&cpu, &case), Bench::new(&compiling, &case)];
            let inline = best(n, &[&|| benches[0].inline(), &|| benches[1].inline()]);
            let queued = best(n, &[&|| benches[0].queued(2 * workers), &|| benches[1].queued(2 * workers)]);
            let per = |nanoseconds: f64| nanoseconds / n as f64;
            println!(
                "{:24} {:>10} {:>12.3} {:>12.3} {:>12.3} {:>12.3}",
                case.name,
                n,
                per(inline[0]),
                per(inline[1]),
                per(queued[0]),
                per(queued[1])
            );
            benches.into_iter().for_each(Bench::release);
        }
    }
}

/// Nanoseconds of a call of each of several works, turn by turn: the least of several rounds, which other work on the
/// machine disturbs least.
fn best(n: usize, works: &[&dyn Fn()]) -> Vec<f64> {
    let calls = (200_000 / n).max(1);
    let mut least = vec![f64::INFINITY; works.len()];
    let begin = Instant::now();
    for round in 0..1000 {
        for (least, work) in least.iter_mut().zip(works) {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            *least = least.min(start.elapsed().as_nanos() as f64 / calls as f64);
        }
        if round > 5 && begin.elapsed().as_millis() > 400 {
            break;
        }
    }
    least
}

fn cases(n: usize) -> Vec<Case> {
    let double = Dtype::Float64;
    let vector = || (View::contiguous(&[n], 8), double);
    let apply =
        |body: &mut Body, op, args: [Value; 2]| body.push_apply(op, Dtype::Float64, args.as_slice().into());
    let body = |inputs: usize, constants: usize| Body {
        inputs: vec![double; inputs],
        constants: vec![double; constants],
        ..Body::default()
    };
    let map = |name, mut body: Body, output: Value| {
        body.outputs = vec![output];
        let args = (0..=body.inputs.len()).map(|_| vector()).collect();
        let constants = body.constants.len();
        Case { name, kernel: Kernel::Map(body), args, in_place: None, constants, extent: n, watch: 0 }
    };
    let mut cases = Vec::new();
    let add = || {
        let mut add = body(2, 0);
        let sum = apply(&mut add, Op::Add, [0, 1]);
        (add, sum)
    };
    cases.push(map("a + b", add().0, add().1));
    cases.push(Case { watch: 15, ..map("a + b, watched", add().0, add().1) });
    cases.push(map("copy", body(1, 0), 0));
    let mut chain = body(1, 20);
    let mut last = 0;
    for at in 0..20 {
        last = apply(&mut chain, if at % 2 == 0 { Op::Multiply } else { Op::Add }, [last, at + 1]);
    }
    cases.push(map("chain of 20", chain, last));
    let mut chain = body(2, 0);
    let mut last = 0;
    for at in 0..20 {
        last = apply(&mut chain, if at % 2 == 0 { Op::Multiply } else { Op::Add }, [last, 1]);
    }
    cases.push(map("chain of 20, arrays", chain, last));
    cases.push(map("where chain", where_chain().0, where_chain().1));
    cases.push(map("normal distribution", normal_distribution().0, normal_distribution().1));
    let mut axpy = body(2, 1);
    let twice = apply(&mut axpy, Op::Multiply, [1, 2]);
    let sum = apply(&mut axpy, Op::Add, [0, twice]);
    cases.push(Case { in_place: Some((2, 0)), ..map("x += 2 * y", axpy, sum) });
    let mut plus = body(2, 0);
    let sum = apply(&mut plus, Op::Add, [0, 1]);
    cases.push(Case { in_place: Some((2, 0)), ..map("x += y", plus, sum) });
    let mut root = body(1, 0);
    let out = root.push_apply(Op::Exp, double, smallvec![0]);
    cases.push(map("exp", root, out));

    let reduce = |name, body: Body, args: Vec<(View, Dtype)>, order, kept: usize, rest: usize| Case {
        name,
        kernel: Kernel::Reduce(Reduce { body, ops: vec![Op::Add], axes: vec![0, 1], kept: 1, order }),
        args,
        in_place: None,
        constants: 0,
        extent: kept * rest.div_ceil(LEAF),
        watch: 0,
    };
    let plain = || Body { outputs: vec![0], ..body(1, 0) };
    let of = |shape: &[usize]| (View::contiguous(shape, 8), double);
    cases.push(reduce("sum", plain(), vec![of(&[1, n]), of(&[1, n.div_ceil(LEAF)])], Order::KeptFirst, 1, n));
    let mut squares = body(1, 0);
    let square = apply(&mut squares, Op::Multiply, [0, 0]);
    squares.outputs = vec![square];
    cases.push(reduce(
        "sum of squares",
        squares,
        vec![of(&[1, n]), of(&[1, n.div_ceil(LEAF)])],
        Order::KeptFirst,
        1,
        n,
    ));
    if n >= 1000 {
        let tall = n / 4;
        cases.push(reduce(
            "sum of rows of 4",
            plain(),
            vec![of(&[tall, 4]), of(&[tall, 1])],
            Order::KeptFirst,
            tall,
            4,
        ));
        let leaves = tall.div_ceil(LEAF);
        cases.push(reduce(
            "sum of 4 columns",
            plain(),
            vec![of(&[tall, 4]), of(&[leaves, 4])],
            Order::ReducedFirst,
            4,
            tall,
        ));
        let side = (n as f64).sqrt() as usize;
        let leaves = side.div_ceil(LEAF);
        cases.push(reduce(
            "sum of columns",
            plain(),
            vec![of(&[side, side]), of(&[leaves, side])],
            Order::ReducedFirst,
            side,
            side,
        ));
        let square = || (View::contiguous(&[side, side], 8), double);
        let turned = || {
            let mut view = square();
            view.0.strides.reverse();
            view
        };
        let two = |name, a, b| Case {
            args: vec![a, b, square()],
            extent: side * side,
            ..map(name, add().0, add().1)
        };
        cases.push(two("a + b.T", square(), turned()));
        let row = (
            View {
                offset: 0,
                shape: Shape::from_slice(&[side, side]),
                strides: Strides::from_slice(&[0, 8]),
            },
            double,
        );
        let column = (
            View {
                offset: 0,
                shape: Shape::from_slice(&[side, side]),
                strides: Strides::from_slice(&[8, 0]),
            },
            double,
        );
        cases.push(two("row + column", row, column));
        let thin = |strides: [isize; 2]| {
            (
                View {
                    offset: 0,
                    shape: Shape::from_slice(&[n / 3, 3]),
                    strides: Strides::from_slice(&strides),
                },
                double,
            )
        };
        let three = |name, a, b| Case {
            args: vec![a, b, thin([24, 8])],
            extent: n / 3 * 3,
            ..map(name, add().0, add().1)
        };
        cases.push(three("(n, 3) + (3)", thin([24, 8]), thin([0, 8])));
        cases.push(three("(n, 3) + (n, 1)", thin([24, 8]), thin([8, 0])));
        let stepped = || {
            (
                View { offset: 0, shape: Shape::from_slice(&[n / 2]), strides: Strides::from_slice(&[16]) },
                double,
            )
        };
        let half = || (View::contiguous(&[n / 2], 8), double);
        cases.push(Case {
            args: vec![stepped(), stepped(), half()],
            extent: n / 2,
            ..map("a[::2] + b[::2]", add().0, add().1)
        });
    }
    let index = (View::contiguous(&[n], 8), Dtype::Int64);
    let source =
        (View { offset: 0, shape: Shape::from_slice(&[n]), strides: Strides::from_slice(&[0]) }, double);
    cases.push(Case {
        name: "take",
        kernel: Kernel::Gather(Indexed { extents: vec![n], strides: vec![8] }),
        args: vec![source, index, vector()],
        in_place: None,
        constants: 0,
        extent: n,
        watch: 0,
    });
    cases.push(Case {
        name: "cumsum",
        kernel: Kernel::Scan { op: Op::Add, dtype: double },
        args: vec![vector(), vector()],
        in_place: None,
        constants: 0,
        extent: 1,
        watch: 0,
    });
    cases
}

/// `where(x < a, x * x, where(x < b, -x, where(x < c, d, where(x < e, x + f, x * g))))`
fn where_chain() -> (Body, Value) {
    let double = Dtype::Float64;
    let mut body = Body { inputs: vec![double], constants: vec![double; 7], ..Body::default() };
    let mut chosen = body.push_apply(Op::Multiply, double, smallvec![0, 7]);
    let sum = body.push_apply(Op::Add, double, smallvec![0, 6]);
    let minus = body.push_apply(Op::Negative, double, smallvec![0]);
    let square = body.push_apply(Op::Multiply, double, smallvec![0, 0]);
    for (bound, value) in [(4, sum), (3, 5), (2, minus), (1, square)] {
        let below = body.push_apply(Op::Less, double, smallvec![0, bound]);
        chosen = body.push_apply(Op::Select, double, smallvec![below, value, chosen]);
    }
    (body, chosen)
}

/// A polynomial times an exponential, mirrored: arithmetic around one elementary function.
fn normal_distribution() -> (Body, Value) {
    let double = Dtype::Float64;
    let mut body = Body { inputs: vec![double], constants: vec![double; 9], ..Body::default() };
    let magnitude = body.push_apply(Op::Absolute, double, smallvec![0]);
    let scaled = body.push_apply(Op::Multiply, double, smallvec![magnitude, 1]);
    let more = body.push_apply(Op::Add, double, smallvec![scaled, 2]);
    let k = body.push_apply(Op::Divide, double, smallvec![2, more]);
    let mut series = body.push_apply(Op::Multiply, double, smallvec![k, 3]);
    for coefficient in 4..8 {
        let sum = body.push_apply(Op::Add, double, smallvec![series, coefficient]);
        series = body.push_apply(Op::Multiply, double, smallvec![k, sum]);
    }
    let half = body.push_apply(Op::Multiply, double, smallvec![0, 8]);
    let square = body.push_apply(Op::Multiply, double, smallvec![half, 0]);
    let exponential = body.push_apply(Op::Exp, double, smallvec![square]);
    let tail = body.push_apply(Op::Multiply, double, smallvec![exponential, series]);
    let other = body.push_apply(Op::Subtract, double, smallvec![2, tail]);
    let above = body.push_apply(Op::Greater, double, smallvec![0, 9]);
    let chosen = body.push_apply(Op::Select, double, smallvec![above, other, tail]);
    (body, chosen)
}

struct Bench<'a> {
    cpu: &'a Cpu,
    launch: Arc<Launch>,
    binding: Arc<Binding>,
    allocations: Vec<Allocation>,
}

impl Bench<'_> {
    fn new<'a>(cpu: &'a Cpu, case: &Case) -> Bench<'a> {
        let mut args = Vec::new();
        let mut allocations = Vec::new();
        let mut binding = Binding::default();
        for (at, (view, dtype)) in case.args.iter().enumerate() {
            let shared = case.in_place.filter(|&(this, _)| this == at).map(|(_, other)| other);
            let span = view.span(dtype.size()).high.max(view.size() * dtype.size());
            binding.bases.push(match shared {
                Some(other) => binding.bases[other],
                None => {
                    let allocation = cpu.alloc(MemoryId(0), span).expect("the memory is large enough");
                    let address = allocation.address;
                    // SAFETY: the allocation has that many bytes; zero is a valid element and index.
                    unsafe { std::ptr::write_bytes(address as usize as *mut u8, 0, span) };
                    allocations.push(allocation);
                    address
                }
            });
            args.push(Arg {
                role: shared.unwrap_or(at) as u32,
                privilege: Privilege::ReadWrite,
                dtype: *dtype,
                access: Access::Element,
                view: view.clone(),
            });
        }
        binding.scalars.extend((0..case.constants).map(|at| Scalar::new(1.0 + at as f64 * 1e-6)));
        if case.watch != 0 {
            binding.report = Some(Arc::new(maniple_runtime::Report::new(64, 1)));
        }
        let launch = Launch {
            kernel: Arc::new(case.kernel.clone()),
            args,
            extent: case.extent,
            grain: 1,
            scalars: Vec::new(),
            tasks: vec![0],
            owners: vec![0; 64],
            watch: vec![case.watch],
            exchanges: Vec::new(),
            near: Vec::new(),
            prepared: Default::default(),
        };
        launch.prepared_by(0, cpu).expect("the CPU supports it");
        Bench { cpu, launch: Arc::new(launch), binding: Arc::new(binding), allocations }
    }

    fn inline(&self) {
        let task =
            PointTask { launch: &self.launch, binding: &self.binding, first: 0, last: self.launch.extent };
        self.cpu.run(ProcessorId(0), task, Handoff::Inline, &[]);
    }

    fn queued(&self, pieces: usize) {
        let bound = |piece: usize| self.launch.extent * piece / pieces;
        let events: Vec<_> = (0..pieces)
            .filter(|&piece| bound(piece) < bound(piece + 1))
            .map(|piece| {
                let (first, last) = (bound(piece), bound(piece + 1));
                let task = PointTask { launch: &self.launch, binding: &self.binding, first, last };
                self.cpu.run(ProcessorId(0), task, Handoff::Queue, &[])
            })
            .collect();
        events.into_iter().for_each(|event| self.cpu.wait(event).expect("no kernel fails"));
    }

    fn release(self) {
        self.allocations.into_iter().for_each(|allocation| self.cpu.free(allocation));
    }
}
