//! Launches that together ask for every kind of kernel, and for every row's and every cast's text.

use maniple_ops::{BitGenerator, Body, Dtype, LEAF, Loop, Op, Scalar, cuda, fold, signature};
use maniple_runtime::{
    Access, Arg, Extreme, Indexed, Kernel, Launch, Order, Privilege, Reduce, Shape, Sorted, Span, Strides,
    View,
};
use smallvec::smallvec;
use std::sync::Arc;

/// A launch whose kernels are compiled.
pub struct Case {
    /// The kind of kernel, as bounds name it.
    pub class: &'static str,
    /// What sets it apart from the others of its kind.
    pub name: String,
    /// The launch.
    pub launch: Arc<Launch>,
    /// The values of its constants.
    pub scalars: Vec<Scalar>,
    /// The first point that is asked for: addresses of points that are not a multiple of a pack ask for narrow kernels.
    pub first: usize,
}

/// How elements of an argument lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Contiguous,
    Transposed,
    /// Every other element.
    Stepped,
}

/// Dtypes whose kernels differ most: in size, in how they are stored, and in how they are computed.
const TYPICAL: [Dtype; 8] = [
    Dtype::Bool,
    Dtype::UInt8,
    Dtype::Int32,
    Dtype::Int64,
    Dtype::Float16,
    Dtype::Float32,
    Dtype::Float64,
    Dtype::Complex128,
];

/// Folds whose kernels differ most.
const FOLDS: [(Op, Dtype); 9] = [
    (Op::Add, Dtype::Float64),
    (Op::Add, Dtype::Float32),
    (Op::Add, Dtype::Float16),
    (Op::Add, Dtype::Int64),
    (Op::Add, Dtype::Complex128),
    (Op::Multiply, Dtype::Float64),
    (Op::Multiply, Dtype::Complex64),
    (Op::Maximum, Dtype::Float32),
    (Op::LogicalAnd, Dtype::Bool),
];

/// Every launch.
pub fn all() -> Vec<Case> {
    let parts = [
        rows(),
        casts(),
        layouts(),
        reductions(),
        every_fold(),
        folds(),
        searches(),
        scans(),
        products(),
        others(),
    ];
    parts.into_iter().flatten().collect()
}

/// Every row at every dtype it has a text for, several to a body, with floating point flags and without.
fn rows() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in Dtype::ALL {
        let loops = Op::ALL.iter().filter_map(|&op| signature(op, dtype));
        let with_text = |of: &Loop| cuda::supports(&Body::single(of, &of.ins, &of.outs));
        let (hard, easy): (Vec<Loop>, Vec<Loop>) = loops.filter(with_text).partition(is_hard);
        // The more a kernel computes at once the more registers it takes, and the longer it is compiled.
        let at_once = if dtype.is_complex() { 1 } else { 3 };
        for batch in easy.chunks(8).chain(hard.chunks(at_once)) {
            let body = together(batch);
            let names: Vec<&str> = batch.iter().map(|of| of.op.row().numpy).collect();
            for watched in [false, true] {
                let flags = if watched { ", flags" } else { "" };
                let name = format!("{dtype} {}{flags}", names.join(" "));
                cases.push(map(name, &body, &[1 << 20], &[Layout::Contiguous], watched));
            }
        }
    }
    cases
}

/// Whether a row takes many instructions: the elementary functions do.
fn is_hard(of: &Loop) -> bool {
    let op = of.op;
    of.dtype.is_inexact()
        && ((Op::Power..=Op::FloatPower).contains(&op)
            || (Op::Sqrt..=Op::Log1p).contains(&op)
            || (Op::Sin..=Op::Arctanh).contains(&op)
            || [Op::FloorDivide, Op::Remainder, Op::Fmod, Op::Divmod].contains(&op)
            || [Op::Logaddexp, Op::Logaddexp2, Op::Hypot].contains(&op))
}

/// A body that applies each row to the first inputs of the dtypes it takes.
fn together(loops: &[Loop]) -> Body {
    let mut body = Body::default();
    let mut takes = Vec::new();
    for of in loops {
        let mut args = smallvec![];
        for (place, &dtype) in of.ins.iter().enumerate() {
            let before = of.ins[..place].iter().filter(|&&earlier| earlier == dtype).count();
            let known: Vec<usize> = (0..body.inputs.len()).filter(|&at| body.inputs[at] == dtype).collect();
            args.push(known.get(before).copied().unwrap_or(body.inputs.len()) as u16);
            if known.len() <= before {
                body.inputs.push(dtype);
            }
        }
        takes.push(args);
    }
    for (of, args) in loops.iter().zip(takes) {
        let first = body.push_apply(of.op, of.dtype, args);
        body.outputs.extend((0..of.outs.len() as u16).map(|output| first + output));
    }
    body
}

/// Every conversion, those from one dtype in one body.
fn casts() -> Vec<Case> {
    let mut cases = Vec::new();
    for from in Dtype::ALL {
        let mut body = Body { inputs: vec![from], ..Body::default() };
        for to in Dtype::ALL.into_iter().filter(|&to| to != from) {
            let cast = body.push_cast(0, to);
            body.outputs.push(cast);
        }
        for watched in [false, true] {
            let flags = if watched { ", flags" } else { "" };
            let name = format!("casts from {from}{flags}");
            cases.push(map(name, &body, &[1 << 20], &[Layout::Contiguous], watched));
        }
    }
    cases
}

/// A sum and a longer body in every layout.
fn layouts() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in TYPICAL {
        let mut body = Body { inputs: vec![dtype; 2], constants: vec![dtype], ..Body::default() };
        let sum = body.push_apply(Op::Add, dtype, smallvec![0, 2]);
        let product = body.push_apply(Op::Multiply, dtype, smallvec![sum, 1]);
        body.outputs = vec![product];
        if dtype == Dtype::Float64 {
            let sine = body.push_apply(Op::Sin, dtype, smallvec![product]);
            let power = body.push_apply(Op::Power, dtype, smallvec![sine, 0]);
            body.outputs.push(power);
        }
        let spaces: [(&str, &[usize], &[Layout]); 3] = [
            ("contiguous", &[1 << 20], &[Layout::Contiguous]),
            ("stepped", &[512, 2048], &[Layout::Stepped, Layout::Contiguous]),
            ("transposed", &[50, 60, 70, 80], &[Layout::Transposed, Layout::Stepped, Layout::Contiguous]),
        ];
        for (name, shape, layouts) in spaces {
            let mut case = map(format!("{dtype} chain, {name}"), &body, shape, layouts, false);
            case.scalars = vec![Scalar::one(dtype)];
            cases.push(case);
        }
        let mut narrow =
            map(format!("{dtype} chain, narrow"), &body, &[1 << 20], &[Layout::Contiguous], true);
        narrow.scalars = vec![Scalar::one(dtype)];
        narrow.first = 1;
        cases.push(narrow);
        let fill = Body { constants: vec![dtype], outputs: vec![0], ..Body::default() };
        let mut fill = map(format!("{dtype} fill, flags"), &fill, &[1 << 20], &[Layout::Contiguous], true);
        fill.scalars = vec![Scalar::one(dtype)];
        cases.push(fill);
        let copy = Body { inputs: vec![dtype], outputs: vec![0], ..Body::default() };
        cases.push(map(format!("{dtype} copy"), &copy, &[50, 60, 70], &[Layout::Stepped], false));
    }
    cases
}

/// An element-wise launch whose arguments take the layouts in turn.
fn map(name: String, body: &Body, shape: &[usize], layouts: &[Layout], watched: bool) -> Case {
    let dtypes = body.value_dtypes();
    let inputs = body.inputs.iter().map(|&dtype| (dtype, Privilege::Read));
    let outputs = body.outputs.iter().map(|&value| (dtypes[value as usize], Privilege::Write));
    let args = inputs.chain(outputs).enumerate().map(|(number, (dtype, privilege))| {
        arg(number, dtype, privilege, view(layouts[number % layouts.len()], shape, dtype))
    });
    let steps = body.steps.len();
    let launch = launch(Kernel::Map(body.clone()), args.collect(), shape.iter().product(), steps, watched);
    Case { class: "map", name, launch, scalars: Vec::new(), first: 0 }
}

/// The ways in which threads share a reduction, for the folds whose kernels differ most, with a body and without.
fn reductions() -> Vec<Case> {
    let shapes: [(&str, &[usize], &[usize], Order); 7] = [
        ("rows", &[200], &[5000], Order::KeptFirst),
        ("all", &[], &[1 << 22], Order::KeptFirst),
        ("short rows", &[5000], &[20], Order::KeptFirst),
        ("columns", &[5000], &[3000], Order::ReducedFirst),
        ("few columns", &[50], &[3000], Order::ReducedFirst),
        ("short columns", &[5000], &[20], Order::ReducedFirst),
        ("columns of planes", &[30, 50], &[40, 60], Order::ReducedFirst),
    ];
    let mut cases = Vec::new();
    for (op, dtype) in FOLDS {
        for (name, kept, reduced, order) in shapes {
            let plain = Body { inputs: vec![dtype], outputs: vec![0], ..Body::default() };
            cases.push(reduction(
                format!("{name}, {op:?} {dtype}"),
                (op, dtype),
                plain,
                kept,
                reduced,
                order,
            ));
            if dtype.is_float() {
                let mut body = Body { inputs: vec![dtype; 2], ..Body::default() };
                let product = body.push_apply(Op::Multiply, dtype, smallvec![0, 1]);
                let sine = body.push_apply(Op::Exp, dtype, smallvec![product]);
                body.outputs = vec![product, sine];
                let name = format!("{name} of exponentials, {op:?} {dtype}");
                cases.push(reduction(name, (op, dtype), body, kept, reduced, order));
            }
        }
    }
    cases
}

fn reduction(
    name: String,
    (op, dtype): (Op, Dtype),
    body: Body,
    kept: &[usize],
    reduced: &[usize],
    order: Order,
) -> Case {
    let n: usize = reduced.iter().product();
    let leaves = n.div_ceil(LEAF);
    let (shape, partials) = match order {
        Order::KeptFirst => ([kept, reduced].concat(), [kept, &[leaves]].concat()),
        Order::ReducedFirst => ([reduced, kept].concat(), [&[leaves], kept].concat()),
    };
    let mut args: Vec<Arg> = Vec::new();
    for &dtype in &body.inputs {
        args.push(arg(args.len(), dtype, Privilege::Read, view(Layout::Contiguous, &shape, dtype)));
    }
    for _ in 1..body.outputs.len() {
        args.push(arg(args.len(), dtype, Privilege::Write, view(Layout::Contiguous, &shape, dtype)));
    }
    args.push(arg(args.len(), dtype, Privilege::Write, view(Layout::Contiguous, &partials, dtype)));
    let steps = body.steps.len();
    let axes = (0..shape.len() as u8).collect();
    let kernel = Kernel::Reduce(Reduce { body, ops: vec![op], axes, kept: kept.len(), order });
    let extent = partials.iter().product();
    let launch = launch(kernel, args, extent, steps, steps > 0);
    Case { class: "reduce", name, launch, scalars: Vec::new(), first: 0 }
}

/// Every fold there is, each in one way.
fn every_fold() -> Vec<Case> {
    let every = Op::ALL.iter().flat_map(|&op| Dtype::ALL.into_iter().map(move |dtype| (op, dtype)));
    let folding = every.filter(|&(op, dtype)| fold(op, dtype).is_some());
    let ways = [(5000, Order::KeptFirst), (1000, Order::ReducedFirst), (20, Order::KeptFirst)];
    let cases = folding.zip(ways.into_iter().cycle()).map(|((op, dtype), (n, order))| {
        // What has no tree folds no more than one leaf.
        let n =
            if fold(op, dtype).is_some_and(|fold| fold.order == maniple_ops::Order::Tree) { n } else { 100 };
        let body = Body { inputs: vec![dtype], outputs: vec![0], ..Body::default() };
        reduction(format!("every, {op:?} {dtype}"), (op, dtype), body, &[300], &[n], order)
    });
    cases.collect()
}

/// Folds of few leaves, of many, and of so many that it takes several passes.
fn folds() -> Vec<Case> {
    let mut cases = Vec::new();
    for (op, dtype) in FOLDS {
        for leaves in [3, 200, 5000, 100_000, 10_000_000] {
            let partials = arg(0, dtype, Privilege::Read, view(Layout::Contiguous, &[4, leaves], dtype));
            let results = arg(1, dtype, Privilege::Write, view(Layout::Contiguous, &[4], dtype));
            let launch = launch(Kernel::Fold { op, dtype }, vec![partials, results], 4, 0, false);
            let name = format!("{leaves} leaves, {op:?} {dtype}");
            cases.push(Case { class: "fold", name, launch, scalars: Vec::new(), first: 0 });
        }
    }
    cases
}

/// Searches for extremes of short and long rows, and of columns.
fn searches() -> Vec<Case> {
    let mut cases = Vec::new();
    for (dtype, goal) in Dtype::ALL.into_iter().zip([Extreme::Largest, Extreme::Smallest].into_iter().cycle())
    {
        for (name, shape, layout) in [
            ("rows", [1000, 5000], Layout::Contiguous),
            ("a long row", [1, 1 << 24], Layout::Contiguous),
            ("columns", [5000, 100], Layout::Transposed),
        ] {
            let input = arg(0, dtype, Privilege::Read, view(layout, &shape, dtype));
            let output =
                arg(1, Dtype::Int64, Privilege::Write, view(Layout::Contiguous, &shape[..1], Dtype::Int64));
            let launch = launch(Kernel::ArgReduce { goal, dtype }, vec![input, output], shape[0], 0, false);
            let name = format!("{name}, {dtype}");
            cases.push(Case { class: "argreduce", name, launch, scalars: Vec::new(), first: 0 });
        }
    }
    cases
}

/// Running folds by threads, warps, blocks and tiles.
fn scans() -> Vec<Case> {
    let mut cases = Vec::new();
    for (op, dtype) in FOLDS {
        for (name, shape, layout) in [
            ("short rows", [5000, 100], Layout::Contiguous),
            ("rows", [300, 5000], Layout::Contiguous),
            ("a long row", [1, 1 << 22], Layout::Contiguous),
            ("columns", [10_000, 500], Layout::Transposed),
        ] {
            // Rounded products are only scanned from first to last, by one thread each.
            if op == Op::Multiply && name != "columns" {
                continue;
            }
            let input = arg(0, dtype, Privilege::Read, view(layout, &shape, dtype));
            let output = arg(1, dtype, Privilege::Write, view(layout, &shape, dtype));
            let launch = launch(Kernel::Scan { op, dtype }, vec![input, output], shape[0], 0, false);
            let name = format!("{name}, {op:?} {dtype}");
            cases.push(Case { class: "scan", name, launch, scalars: Vec::new(), first: 0 });
        }
    }
    cases
}

/// Products of matrices by tiles and by a thread per element.
fn products() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in
        [Dtype::Float32, Dtype::Float64, Dtype::Complex64, Dtype::Complex128, Dtype::Int8, Dtype::Int64]
    {
        for (name, [m, k, n]) in [("tiles", [1000, 700, 500]), ("small ones", [16, 16, 16])] {
            for watched in [false, true] {
                let stack = if name == "tiles" { 1 } else { 5000 };
                let mut args = vec![
                    arg(0, dtype, Privilege::Read, view(Layout::Contiguous, &[stack, m, k], dtype)),
                    arg(1, dtype, Privilege::Read, view(Layout::Contiguous, &[stack, k, n], dtype)),
                    arg(2, dtype, Privilege::Write, view(Layout::Contiguous, &[stack, m, n], dtype)),
                ];
                args[0].access = Access::Rows(k);
                args[1].access = Access::Whole(args[1].view.span(dtype.size()));
                args[2].access = Access::Rows(n);
                let launch = launch(Kernel::Matmul { dtype }, args, stack * m, 0, watched);
                let name = format!("{name}, {dtype}{}", if watched { ", watched" } else { "" });
                cases.push(Case { class: "matmul", name, launch, scalars: Vec::new(), first: 0 });
            }
        }
    }
    cases
}

/// Ranges, masks, and reading and writing by index.
fn others() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in Dtype::ALL {
        let long = |layout: Layout| view(layout, &[1000, 1000], dtype);
        let range = vec![arg(0, dtype, Privilege::Write, long(Layout::Contiguous))];
        cases.push(Case {
            class: "iota",
            name: format!("{dtype}"),
            launch: launch(Kernel::Iota { dtype }, range, 1_000_000, 0, false),
            scalars: vec![Scalar::zero(dtype), Scalar::one(dtype)],
            first: 0,
        });
    }
    for generator in BitGenerator::ALL {
        for dtype in [Dtype::Float32, Dtype::Float64] {
            let drawn = vec![arg(0, dtype, Privilege::Write, view(Layout::Contiguous, &[1000, 1000], dtype))];
            cases.push(Case {
                class: "draw",
                name: format!("{}, {dtype}", generator.numpy()),
                launch: launch(Kernel::Draw { generator, dtype }, drawn, 1_000_000, 0, false),
                scalars: vec![Scalar::new(1u64); generator.words()],
                first: 0,
            });
        }
    }
    for dtype in TYPICAL {
        let mask = arg(0, dtype, Privilege::Read, view(Layout::Stepped, &[50, 60, 70], dtype));
        let places = view(Layout::Contiguous, &[1000, 3], Dtype::Int64);
        let places = arg(1, Dtype::Int64, Privilege::Write, places);
        cases.push(Case {
            class: "nonzero",
            name: format!("{dtype}"),
            launch: launch(Kernel::Nonzero, vec![mask, places], 1, 0, false),
            scalars: Vec::new(),
            first: 0,
        });
        let (indexed, args) = indexing(dtype, [Privilege::Read, Privilege::Write]);
        cases.push(Case {
            class: "gather",
            name: format!("{dtype}"),
            launch: launch(Kernel::Gather(indexed), args, 700 * 50, 0, false),
            scalars: Vec::new(),
            first: 0,
        });
    }
    cases.extend(scatters());
    cases.extend(sorts());
    cases
}

/// Runs of every way of sorting, and merges. Bounds of stack and spills hold for elements of every size.
fn sorts() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in TYPICAL.into_iter().filter(|dtype| !dtype.is_complex()) {
        for gives in Sorted::ALL {
            let results = |args: &mut Vec<Arg>, shape: &[usize]| {
                let wanted = [(gives.has_values(), dtype), (gives.has_order(), Dtype::Int64)];
                for (_, dtype) in wanted.into_iter().filter(|&(given, _)| given) {
                    let view = view(Layout::Contiguous, shape, dtype);
                    args.push(arg(args.len(), dtype, Privilege::Write, view));
                }
            };
            for n in [10, 1000, 50_000] {
                let shape = [3, n];
                let mut args = vec![arg(0, dtype, Privilege::Read, view(Layout::Stepped, &shape, dtype))];
                results(&mut args, &shape);
                args.iter_mut().for_each(|arg| arg.access = Access::Rows(n));
                cases.push(Case {
                    class: "sort",
                    name: format!("{dtype}, {gives:?} of {n}"),
                    launch: launch(Kernel::Sort { dtype, gives, run: n }, args, 3, 0, false),
                    scalars: Vec::new(),
                    first: 0,
                });
            }
            let runs = |number: usize, dtype: Dtype| {
                arg(number, dtype, Privilege::Read, view(Layout::Contiguous, &[50_000], dtype))
            };
            let mut args = vec![runs(0, dtype)];
            if gives.has_order() {
                args.push(runs(1, Dtype::Int64));
            }
            results(&mut args, &[50_000]);
            cases.push(Case {
                class: "sort",
                name: format!("{dtype}, a merge of {gives:?}"),
                launch: launch(Kernel::Merge { dtype, gives, run: 20_000 }, args, 50_000, 0, false),
                scalars: Vec::new(),
                first: 0,
            });
        }
    }
    cases
}

/// Writes by index, to few of a store's elements and to most, and what combines them.
fn scatters() -> Vec<Case> {
    let mut cases = Vec::new();
    let replaced = TYPICAL.into_iter().map(|dtype| (None, dtype));
    let combining = [Op::Add, Op::Multiply, Op::Maximum, Op::Minimum, Op::BitwiseXor];
    let whole = [Dtype::Int32, Dtype::UInt32, Dtype::Int64, Dtype::UInt64];
    let combined = combining.into_iter().flat_map(|op| whole.map(|dtype| (Some(op), dtype)));
    for (combine, dtype) in replaced.chain(combined) {
        for (name, bytes) in [("most", 60_000 * dtype.size()), ("few", 60_000_000 * dtype.size())] {
            let (indexed, mut args) = indexing(dtype, [Privilege::ReadWrite, Privilege::Read]);
            args[0].access = Access::Whole(Span { low: 0, high: bytes });
            let how = combine.map_or(String::new(), |op| format!("{op:?} "));
            cases.push(Case {
                class: "scatter",
                name: format!("{how}{dtype}, {name}"),
                launch: launch(Kernel::Scatter { indexed, combine }, args, 700 * 50, 0, false),
                scalars: Vec::new(),
                first: 0,
            });
        }
    }
    cases
}

/// Rows of a store of three axes by two index arrays.
fn indexing(dtype: Dtype, privileges: [Privilege; 2]) -> (Indexed, Vec<Arg>) {
    let store = View::contiguous(&[30, 40, 50], dtype.size());
    let indexed = Indexed { extents: vec![30, 40], strides: store.strides[..2].to_vec() };
    let shape = [700, 50];
    let strided = |strides: [isize; 2]| View {
        offset: 0,
        shape: Shape::from_slice(&shape),
        strides: Strides::from_slice(&strides),
    };
    let item = dtype.size() as isize;
    let args = vec![
        arg(0, dtype, privileges[0], strided([0, item])),
        arg(1, Dtype::Int64, Privilege::Read, strided([8, 0])),
        arg(2, Dtype::Int64, Privilege::Read, strided([8, 0])),
        arg(3, dtype, privileges[1], strided([50 * item, item])),
    ];
    (indexed, args)
}

fn view(layout: Layout, shape: &[usize], dtype: Dtype) -> View {
    let mut view = View::contiguous(shape, dtype.size());
    match layout {
        Layout::Contiguous => {}
        Layout::Transposed => {
            let reversed: Vec<usize> = shape.iter().rev().copied().collect();
            let strides = View::contiguous(&reversed, dtype.size()).strides;
            view.strides = strides.into_iter().rev().collect();
        }
        Layout::Stepped => view.strides.iter_mut().for_each(|stride| *stride *= 2),
    }
    view
}

fn arg(role: usize, dtype: Dtype, privilege: Privilege, view: View) -> Arg {
    Arg { role: role as u32, privilege, dtype, access: Access::Element, view }
}

fn launch(kernel: Kernel, args: Vec<Arg>, extent: usize, steps: usize, watched: bool) -> Arc<Launch> {
    Arc::new(Launch {
        kernel: Arc::new(kernel),
        args,
        extent,
        grain: 1,
        scalars: Vec::new(),
        tasks: vec![0],
        owners: vec![0; steps],
        watch: vec![if watched { u8::MAX } else { 0 }],
        exchanges: Vec::new(),
        near: Vec::new(),
        prepared: Default::default(),
    })
}
