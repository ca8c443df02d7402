//! Reductions, folds of leaves, scans and searches for extremes, compared with slow literal versions of their rules.

mod common;

use common::{Layout, Memory, Random, cpus, launch, run, run_reporting, same};
use maniple_cpu::Cpu;
use maniple_ops::{Body, Dtype, Flags, LANES, LEAF, Op, Scalar, Step, Value, eval, fold};
use maniple_runtime::{Arg, Extreme, Kernel, Order, Privilege, Reduce, Report, View};
use smallvec::smallvec;
use std::sync::Arc;

/// One row applied to two values.
fn combine(op: Op, a: Scalar, b: Scalar) -> Scalar {
    let dtype = a.dtype();
    let step = Step::Apply { op, dtype, args: smallvec![0, 1] };
    let body = Body { inputs: vec![dtype; 2], constants: vec![], steps: vec![step], outputs: vec![2] };
    eval(&body, &[a, b], &[])[0]
}

/// `v[i] = op(v[i], v[i + h])` for halving `h`; sums of inexact numbers end with zero, as NumPy's begin with it.
fn tree(op: Op, mut values: Vec<Scalar>) -> Scalar {
    let mut half = values.len().next_power_of_two();
    while half > 0 {
        for at in 0..half.min(values.len().saturating_sub(half)) {
            values[at] = combine(op, values[at], values[at + half]);
        }
        half /= 2;
    }
    match op == Op::Add && values[0].dtype().is_inexact() {
        true => combine(op, values[0], Scalar::zero(values[0].dtype())),
        false => values[0],
    }
}

fn leaf(op: Op, values: &[Scalar]) -> Scalar {
    let mut lanes: Vec<Scalar> = values.iter().take(LANES).copied().collect();
    for (at, &value) in values.iter().enumerate().skip(LANES) {
        lanes[at % LANES] = combine(op, lanes[at % LANES], value);
    }
    tree(op, lanes)
}

/// A reduction of `kept x n` elements: what is folded is the value itself, or the product of two inputs, which may also be
/// stored; or several values of several dtypes.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    op: Op,
    dtype: Dtype,
    kept: &'a [usize],
    reduced: &'a [usize],
    layouts: [Layout; 4],
    order: Order,
    body: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    Product,
    ProductStored,
    Squares,
    Several,
    SeveralStored,
    /// Two folds of one value that needs no steps.
    Twice,
    /// Two products and a factor, folded by one row.
    Products,
}

impl Kind {
    fn body(self, dtype: Dtype) -> Body {
        let single = matches!(self, Kind::Plain | Kind::Squares | Kind::Twice);
        let inputs = vec![dtype; if single { 1 } else { 2 }];
        let mut body = Body { inputs, ..Body::default() };
        let second = body.inputs.len() as Value - 1;
        let folded = if matches!(self, Kind::Plain | Kind::Twice) {
            0
        } else {
            body.push_apply(Op::Multiply, dtype, smallvec![0, second])
        };
        body.outputs = match self {
            Kind::ProductStored => vec![folded, folded],
            Kind::Twice => vec![0, 0],
            Kind::Products => vec![folded, body.push_apply(Op::Multiply, dtype, smallvec![0, 0]), second],
            Kind::Several | Kind::SeveralStored => {
                let narrow = body.push_cast(folded, Dtype::Float32);
                let stored = (self == Kind::SeveralStored).then_some(folded);
                stored.into_iter().chain([folded, second, narrow]).collect()
            }
            _ => vec![folded],
        };
        body
    }

    /// The rows that fold, of which the first is given.
    fn ops(self, op: Op) -> Vec<Op> {
        match self {
            Kind::Several | Kind::SeveralStored => vec![op, Op::Maximum, Op::Add],
            Kind::Twice => vec![op, Op::Minimum],
            Kind::Products => vec![op; 3],
            _ => vec![op],
        }
    }
}

fn check_reduce(cpu: &Cpu, case: Case<'_>, random: &mut Random) {
    let Case { op, dtype, kept, reduced, layouts, order, body } = case;
    let (outer, inner) = if order == Order::KeptFirst { (kept, reduced) } else { (reduced, kept) };
    let shape = [outer, inner].concat();
    let (results, n): (usize, usize) = (kept.iter().product(), reduced.iter().product());
    let leaves = n.div_ceil(LEAF);
    let (body, ops) = (body.body(dtype), body.ops(op));
    let item = dtype.size();
    let stored = body.outputs.len() - ops.len();
    let mut memory = Memory::default();
    let mut args: Vec<Arg> = Vec::new();
    for layout in &layouts[..body.inputs.len()] {
        args.push(memory.add(layout.view(&shape, item), dtype, Privilege::Read, random));
    }
    if stored > 0 {
        args.push(memory.add(layouts[2].view(&shape, item), dtype, Privilege::Write, random));
    }
    let partial_shape = match order {
        Order::KeptFirst => [kept, &[leaves]].concat(),
        Order::ReducedFirst => [&[leaves], kept].concat(),
    };
    for &output in &body.outputs[stored..] {
        let dtype = body.value_dtype(output);
        let view = layouts[3].view(&partial_shape, dtype.size());
        args.push(memory.add(view, dtype, Privilege::Write, random));
    }
    let mut expected = memory.clone();
    let targets = &args[args.len() - ops.len()..];
    for result in 0..results {
        let position =
            |at: usize| if order == Order::KeptFirst { result * n + at } else { at * results + result };
        let mut values = vec![Vec::new(); ops.len()];
        for at in 0..n {
            let inputs: Vec<Scalar> =
                args[..body.inputs.len()].iter().map(|arg| memory.get(arg, position(at))).collect();
            let outputs = eval(&body, &inputs, &[]);
            values.iter_mut().zip(&outputs[stored..]).for_each(|(values, &output)| values.push(output));
            if stored > 0 {
                expected.set(&args[body.inputs.len()], position(at), outputs[0]);
            }
        }
        for ((values, &op), target) in values.iter().zip(&ops).zip(targets) {
            for (at, chunk) in values.chunks(LEAF).enumerate() {
                let point =
                    if order == Order::KeptFirst { result * leaves + at } else { at * results + result };
                expected.set(target, point, leaf(op, chunk));
            }
        }
    }
    let kernel = Kernel::Reduce(Reduce {
        body: body.clone(),
        ops: ops.clone(),
        axes: (0..shape.len() as u8).collect(),
        kept: kept.len(),
        order,
    });
    for pieces in [1, 2, 3] {
        let mut memory = memory.clone();
        let launch = launch(kernel.clone(), args.clone(), results * leaves);
        assert!(run(cpu, &launch, &mut memory, &[], pieces), "supported: {case:?}");
        for arg in &args[body.inputs.len()..] {
            for position in 0..arg.view.size() {
                let (found, wanted) = (memory.get(arg, position), expected.get(arg, position));
                assert!(
                    same(found, wanted),
                    "{found:?} is not {wanted:?} at {position}, {pieces} pieces: {case:?}"
                );
                memory.set(arg, position, wanted);
            }
        }
        assert!(memory.regions == expected.regions, "bytes between elements changed: {case:?}");
    }
}

const ROWS: [(Op, Dtype); 12] = [
    (Op::Add, Dtype::Float64),
    (Op::Add, Dtype::Float32),
    (Op::Multiply, Dtype::Float64),
    (Op::Maximum, Dtype::Float32),
    (Op::Minimum, Dtype::Int16),
    (Op::Add, Dtype::Int64),
    (Op::Add, Dtype::Complex128),
    (Op::Add, Dtype::Complex64),
    (Op::Multiply, Dtype::UInt8),
    (Op::LogicalAnd, Dtype::Bool),
    (Op::Maximum, Dtype::Float16),
    (Op::BitwiseXor, Dtype::UInt32),
];

#[test]
fn reductions_follow_the_fixed_tree_in_both_orders() {
    for cpu in cpus() {
        let mut random = Random(11);
        let shapes: [(&[usize], &[usize]); 18] = [
            (&[], &[1]),
            (&[], &[31]),
            (&[], &[1024]),
            (&[], &[5000]),
            (&[1], &[1025]),
            (&[3], &[33]),
            (&[3], &[2500]),
            (&[700], &[3]),
            (&[300], &[64]),
            (&[40], &[1100]),
            (&[2, 3], &[7, 5]),
            (&[3], &[40, 60]),
            (&[4, 5], &[2100]),
            (&[1500], &[40]),
            (&[9000], &[2]),
            (&[3, 20], &[1200]),
            (&[70], &[2100]),
            (&[2, 130], &[3, 100]),
        ];
        let kinds = [
            Kind::Plain,
            Kind::Product,
            Kind::ProductStored,
            Kind::Squares,
            Kind::Several,
            Kind::SeveralStored,
            Kind::Twice,
            Kind::Products,
            Kind::Products,
        ];
        for (kept, reduced) in shapes {
            for order in [Order::KeptFirst, Order::ReducedFirst] {
                for round in 0..10 {
                    let (op, dtype) = random.pick(&ROWS);
                    let any = if round < 5 { vec![Layout::Contiguous] } else { Layout::ALL.to_vec() };
                    let outputs =
                        if round < 5 { vec![Layout::Contiguous] } else { Layout::FOR_OUTPUTS.to_vec() };
                    let layouts =
                        [random.pick(&any), random.pick(&any), random.pick(&outputs), random.pick(&outputs)];
                    let body = match dtype {
                        Dtype::Bool => Kind::Plain,
                        dtype if dtype.is_complex() => kinds[round % 4],
                        _ => kinds[random.below(kinds.len())],
                    };
                    check_reduce(&cpu, Case { op, dtype, kept, reduced, layouts, order, body }, &mut random);
                }
            }
        }
    }
}

#[test]
fn rows_times_a_vector_follow_the_fixed_tree() {
    let first = [Layout::Contiguous, Layout::Offset, Layout::Reversed, Layout::Unaligned, Layout::Transposed];
    for cpu in cpus() {
        let mut random = Random(17);
        for dtype in [Dtype::Float32, Dtype::Float64] {
            let shapes = [
                (8, 32),
                (9, 33),
                (23, 47),
                (16, 64),
                (40, 95),
                (11, 1000),
                (17, 1050),
                (25, 1060),
                (9, 33_000),
            ];
            for (rows, n) in shapes {
                let matrices = if n < 2000 { &first[..] } else { &first[..1] };
                for &matrix in matrices {
                    let layouts = [
                        matrix,
                        Layout::BroadcastFirst,
                        Layout::Contiguous,
                        random.pick(&Layout::FOR_OUTPUTS),
                    ];
                    let (op, order, body) = (Op::Add, Order::KeptFirst, Kind::Product);
                    let (kept, reduced): (&[usize], &[usize]) = (&[rows], &[n]);
                    check_reduce(&cpu, Case { op, dtype, kept, reduced, layouts, order, body }, &mut random);
                }
            }
        }
    }
}

#[test]
fn sums_of_outer_products_follow_the_fixed_tree() {
    for cpu in cpus() {
        let mut random = Random(18);
        for dtype in [Dtype::Float32, Dtype::Float64] {
            for (n, kept) in [
                (1, [2, 2]),
                (40, [3, 5]),
                (33, [16, 8]),
                (70, [7, 33]),
                (1030, [2, 17]),
                (1100, [13, 3]),
                (35, [40, 40]),
            ] {
                for first in [Layout::BroadcastLast, Layout::Offset] {
                    let layouts = [first, Layout::BroadcastMiddle, Layout::Contiguous, Layout::Contiguous];
                    let (op, order, body) = (Op::Add, Order::ReducedFirst, Kind::Product);
                    let (kept, reduced): (&[usize], &[usize]) = (&kept, &[n]);
                    check_reduce(&cpu, Case { op, dtype, kept, reduced, layouts, order, body }, &mut random);
                }
            }
        }
    }
}

#[test]
fn sums_of_rows_times_numbers_follow_the_fixed_tree() {
    for cpu in cpus() {
        let mut random = Random(19);
        for dtype in [Dtype::Float32, Dtype::Float64] {
            for (n, kept) in [
                (1, 5),
                (31, 32),
                (33, 40),
                (70, 7),
                (100, 64),
                (1030, 33),
                (1100, 65),
                (2050, 128),
                (40, 200),
            ] {
                let factors = [Layout::BroadcastLast, Layout::Offset];
                for [first, second] in [factors, [factors[1], factors[0]]] {
                    let layouts = [first, second, Layout::Contiguous, Layout::Contiguous];
                    let (op, order, body) = (Op::Add, Order::ReducedFirst, Kind::Product);
                    let (kept, reduced): (&[usize], &[usize]) = (&[kept], &[n]);
                    check_reduce(&cpu, Case { op, dtype, kept, reduced, layouts, order, body }, &mut random);
                }
            }
        }
    }
}

#[test]
fn rows_that_fold_from_first_to_last_are_supported_within_a_leaf() {
    for cpu in cpus() {
        let mut random = Random(12);
        for (op, dtype) in [(Op::Subtract, Dtype::Float64), (Op::Divide, Dtype::Float32)] {
            assert!(fold(op, dtype).is_some_and(|fold| fold.order == maniple_ops::Order::Sequential));
            for order in [Order::KeptFirst, Order::ReducedFirst] {
                for (kept, n, supported) in
                    [(5usize, 40usize, true), (200, 3, true), (1, 1024, true), (3, 1025, false)]
                {
                    let (shape, partials) = match order {
                        Order::KeptFirst => ([kept, n], [kept, n.div_ceil(LEAF)]),
                        Order::ReducedFirst => ([n, kept], [n.div_ceil(LEAF), kept]),
                    };
                    let mut memory = Memory::default();
                    let args: Vec<Arg> = [shape, partials]
                        .map(|shape| View::contiguous(&shape, dtype.size()))
                        .map(|view| memory.add(view, dtype, Privilege::Read, &mut random))
                        .to_vec();
                    let body = Kind::Plain.body(dtype);
                    let kernel =
                        Kernel::Reduce(Reduce { body, ops: vec![op], axes: vec![0, 1], kept: 1, order });
                    let launch = launch(kernel, args.clone(), partials[0] * partials[1]);
                    assert_eq!(run(&cpu, &launch, &mut memory, &[], 1), supported);
                    for result in (0..kept).filter(|_| supported) {
                        let at = |index: usize| match order {
                            Order::KeptFirst => result * n + index,
                            Order::ReducedFirst => index * kept + result,
                        };
                        let first = memory.get(&args[0], at(0));
                        let wanted = (1..n)
                            .fold(first, |sum, index| combine(op, sum, memory.get(&args[0], at(index))));
                        assert!(same(memory.get(&args[1], result), wanted));
                    }
                }
            }
        }
    }
}

#[test]
fn leaves_are_folded_in_the_fixed_tree() {
    for cpu in cpus() {
        let mut random = Random(13);
        for (op, dtype) in ROWS {
            for (kept, leaves) in [(1usize, 1usize), (1, 2), (1, 1000), (3, 5), (50, 7), (5000, 3), (700, 1)]
            {
                for layout in [Layout::Contiguous, Layout::Transposed, Layout::Unaligned, Layout::Stepped] {
                    let mut memory = Memory::default();
                    let item = dtype.size();
                    let partials =
                        memory.add(layout.view(&[kept, leaves], item), dtype, Privilege::Read, &mut random);
                    let results =
                        memory.add(layout.view(&[kept], item), dtype, Privilege::Write, &mut random);
                    for pieces in [1, 3] {
                        let launch =
                            launch(Kernel::Fold { op, dtype }, vec![partials.clone(), results.clone()], kept);
                        assert!(run(&cpu, &launch, &mut memory, &[], pieces));
                        for result in 0..kept {
                            let values = (0..leaves)
                                .map(|leaf| memory.get(&partials, result * leaves + leaf))
                                .collect();
                            let (found, wanted) = (memory.get(&results, result), tree(op, values));
                            assert!(
                                same(found, wanted),
                                "{op:?} {kept} x {leaves} {layout:?}: {found:?}, {wanted:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn scans_go_from_first_to_last() {
    for cpu in cpus() {
        let mut random = Random(14);
        for (op, dtype) in ROWS {
            for shape in [&[10][..], &[3000], &[4, 1], &[5, 1500], &[700, 4], &[2, 3, 40]] {
                for layout in Layout::ALL {
                    let in_place = random.below(3) == 0 && Layout::FOR_OUTPUTS.contains(&layout);
                    let mut memory = Memory::default();
                    let input =
                        memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Read, &mut random);
                    let output = random.pick(&Layout::FOR_OUTPUTS).view(shape, dtype.size());
                    let output = match in_place {
                        true => input.clone(),
                        false => memory.add(output, dtype, Privilege::Write, &mut random),
                    };
                    let before = memory.clone();
                    let n = shape[shape.len() - 1];
                    let rows = input.view.size() / n;
                    let pieces = random.pick(&[1, 3]);
                    let launch =
                        launch(Kernel::Scan { op, dtype }, vec![input.clone(), output.clone()], rows);
                    assert!(run(&cpu, &launch, &mut memory, &[], pieces));
                    for row in 0..rows {
                        let mut sum = before.get(&input, row * n);
                        for at in 0..n {
                            if at > 0 {
                                sum = combine(op, sum, before.get(&input, row * n + at));
                            }
                            let found = memory.get(&output, row * n + at);
                            assert!(
                                same(found, sum),
                                "{op:?} {shape:?} {layout:?} {in_place}: {found:?}, {sum:?} at {at}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn extremes_are_found_first_and_nan_before_all() {
    for cpu in cpus() {
        let mut random = Random(15);
        for dtype in Dtype::ALL {
            for (kept, reduced) in [(&[][..], &[1][..]), (&[], &[5000]), (&[3], &[40]), (&[2, 5], &[3, 700])]
            {
                for (layout, goal) in Layout::ALL
                    .into_iter()
                    .flat_map(|layout| [(layout, Extreme::Largest), (layout, Extreme::Smallest)])
                {
                    let mut memory = Memory::default();
                    let shape = [kept, reduced].concat();
                    let input =
                        memory.add(layout.view(&shape, dtype.size()), dtype, Privilege::Read, &mut random);
                    let n: usize = reduced.iter().product();
                    let results: usize = kept.iter().product();
                    if dtype.is_inexact() && random.below(2) == 0 {
                        for result in 0..results {
                            let nan = Scalar::new(f64::NAN).cast(dtype);
                            memory.set(&input, result * n + random.below(n), nan);
                            memory.set(&input, result * n + random.below(n), nan);
                        }
                    }
                    let output = random.pick(&Layout::FOR_OUTPUTS).view(kept, 8);
                    let output = memory.add(output, Dtype::Int64, Privilege::Write, &mut random);
                    let kernel = Kernel::ArgReduce { goal, dtype };
                    let launch = launch(kernel, vec![input.clone(), output.clone()], results);
                    assert!(run(&cpu, &launch, &mut memory, &[], random.pick(&[1, 3])));
                    for result in 0..results {
                        let value = |at: usize| parts(memory.get(&input, result * n + at));
                        let missing = |value: (f64, f64)| value.0.is_nan() || value.1.is_nan();
                        let mut best = 0;
                        for at in 1..n {
                            let better = match goal {
                                Extreme::Largest => value(at) > value(best),
                                Extreme::Smallest => value(at) < value(best),
                            };
                            if !missing(value(best)) && (missing(value(at)) || better) {
                                best = at;
                            }
                        }
                        let found = memory.get(&output, result).as_i64();
                        assert_eq!(found, best as i64, "{goal:?} {dtype} {shape:?} {layout:?}");
                    }
                }
            }
        }
    }
}

fn parts(value: Scalar) -> (f64, f64) {
    match value.dtype() {
        Dtype::Complex64 | Dtype::Complex128 => {
            let bytes = value.cast(Dtype::Complex128).to_bytes();
            let part = |at: usize| f64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
            (part(0), part(8))
        }
        _ => (value.as_f64(), 0.0),
    }
}

/// Events of each of several folds and those of steps are told apart, whichever way the launch is computed.
#[test]
fn events_of_folds_are_told_apart() {
    const NONE: Flags = Flags::NONE;
    const OVERFLOW: Flags = Flags::OVERFLOW;
    let shapes = [
        ([3usize, 2500], Order::KeptFirst),
        ([500, 40], Order::KeptFirst),
        ([900, 5], Order::KeptFirst),
        ([2500, 3], Order::ReducedFirst),
        ([40, 3000], Order::ReducedFirst),
    ];
    let large = f64::MAX;
    // Numbers that are there twice in `a` and in `b`; the events of sum(a), of sum(4 * b), and of doubling b.
    let cases = [
        ([1.0, 1.0], [NONE, NONE, NONE]),
        ([large, 1.0], [OVERFLOW, NONE, NONE]),
        ([1.0, large / 4.0], [NONE, OVERFLOW, NONE]),
        ([large, large / 4.0], [OVERFLOW, OVERFLOW, NONE]),
        ([1.0, large], [NONE, NONE, OVERFLOW]),
        ([large, large], [OVERFLOW, NONE, OVERFLOW]),
    ];
    for cpu in cpus() {
        let mut random = Random(16);
        for ((shape, order), (numbers, wanted)) in
            shapes.into_iter().flat_map(|shape| cases.map(|case| (shape, case)))
        {
            let double = Dtype::Float64;
            let mut body = Body { inputs: vec![double; 2], ..Body::default() };
            let twice = body.push_apply(Op::Add, double, smallvec![1, 1]);
            let more = body.push_apply(Op::Add, double, smallvec![twice, twice]);
            body.outputs = vec![0, more];
            let (kept, n) = match order {
                Order::KeptFirst => (shape[0], shape[1]),
                Order::ReducedFirst => (shape[1], shape[0]),
            };
            let leaves = n.div_ceil(LEAF);
            let partials = match order {
                Order::KeptFirst => [kept, leaves],
                Order::ReducedFirst => [leaves, kept],
            };
            let mut memory = Memory::default();
            let args: Vec<Arg> = [shape, shape, partials, partials]
                .map(|shape| View::contiguous(&shape, 8))
                .map(|view| memory.add(view, double, Privilege::Read, &mut random))
                .to_vec();
            for (arg, number) in args.iter().zip(numbers) {
                for index in [n / 3, n / 3 + 1] {
                    let position = if order == Order::KeptFirst { n + index } else { index * kept + 1 };
                    memory.set(arg, position, Scalar::new(number));
                }
            }
            let kernel = Reduce { body, ops: vec![Op::Add; 2], axes: vec![0, 1], kept: 1, order };
            let mut found = Vec::new();
            for watch in [0, 15] {
                let launch = launch(Kernel::Reduce(kernel.clone()), args.clone(), kept * leaves);
                let mut launch = Arc::into_inner(launch).expect("nobody else has it");
                launch.watch = vec![watch; 3];
                let (launch, report) = (Arc::new(launch), Arc::new(Report::new(2, 2)));
                let mut memory = memory.clone();
                assert!(run_reporting(&cpu, &launch, &mut memory, &[], 3, Some(report.clone())));
                found.push((memory.regions, [report.own(0), report.own(1), report.flags(0)]));
            }
            assert!(found[0].0 == found[1].0, "other bits: {numbers:?} {shape:?} {order:?}");
            assert_eq!(found[1].1, wanted, "{numbers:?} {shape:?} {order:?}");
        }
    }
}
