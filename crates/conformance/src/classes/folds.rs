//! Random reductions and folds, on a device and on the host's processor: both give the same bits and events.

use super::{Check, aligned};
use crate::common::{Layout, Memory, Random, launch, run_reporting};
use maniple_ops::{Body, Dtype, Flags, LEAF, Op, Scalar, Value};
use maniple_runtime::{Arg, Kernel, Order, Privilege, Reduce, Report};
use smallvec::smallvec;
use std::sync::Arc;

/// Partial results of every order and shape.
pub fn reductions_have_the_bits_of_the_host(check: &Check<'_>) {
    let mut random = Random(21);
    let shapes: [(&[usize], &[usize]); 21] = [
        (&[], &[1]),
        (&[], &[31]),
        (&[], &[1024]),
        (&[], &[5000]),
        (&[1], &[1025]),
        (&[3], &[33]),
        (&[3], &[2500]),
        (&[700], &[3]),
        (&[300], &[1]),
        (&[200], &[8]),
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
        (&[130], &[4, 8]),
    ];
    for (kept, reduced) in shapes {
        for order in [Order::KeptFirst, Order::ReducedFirst] {
            for round in 0..3 {
                let (op, dtype) = random.pick(&check.rows());
                let any = if round < 1 { vec![Layout::Contiguous] } else { aligned(&Layout::ALL) };
                let outputs =
                    if round < 1 { vec![Layout::Contiguous] } else { aligned(&Layout::FOR_OUTPUTS) };
                let kind = if dtype == Dtype::Bool || dtype.is_complex() { 0 } else { random.below(5) };
                let body = folded_body(kind, dtype);
                let ops = if kind < 3 { vec![op] } else { vec![op, Op::Maximum] };
                let (results, n): (usize, usize) = (kept.iter().product(), reduced.iter().product());
                let leaves = n.div_ceil(LEAF);
                let (shape, partials) = match order {
                    Order::KeptFirst => ([kept, reduced].concat(), [kept, &[leaves]].concat()),
                    Order::ReducedFirst => ([reduced, kept].concat(), [&[leaves], kept].concat()),
                };
                let mut memory = Memory::default();
                let mut args: Vec<Arg> = Vec::new();
                for _ in &body.inputs {
                    let view = random.pick(&any).view(&shape, dtype.size());
                    args.push(memory.add(view, dtype, Privilege::Read, &mut random));
                }
                for number in 0..body.outputs.len() {
                    let shape = if number + ops.len() >= body.outputs.len() { &partials } else { &shape };
                    let view = random.pick(&outputs).view(shape, dtype.size());
                    args.push(memory.add(view, dtype, Privilege::Write, &mut random));
                }
                let axes = (0..shape.len() as u8).collect();
                let kernel = Kernel::Reduce(Reduce { body, ops, axes, kept: kept.len(), order });
                check.equal(&kernel, &args, results * leaves, &[], &memory, random.pick(&[1, 3]));
            }
        }
    }
}

/// Folds of few and many leaves.
pub fn leaves_are_folded_as_on_the_host(check: &Check<'_>) {
    let mut random = Random(22);
    for (kept, leaves) in [
        (1usize, 1usize),
        (1, 2),
        (3, 5),
        (5000, 3),
        (70, 16),
        (50, 17),
        (3, 500),
        (1, 1000),
        (2, 1025),
        (1, 16000),
        (2, 17000),
        (1, 300_000),
    ] {
        for round in 0..2 {
            let (op, dtype) = random.pick(&check.rows());
            let layouts = if round == 0 { vec![Layout::Contiguous] } else { aligned(&Layout::FOR_OUTPUTS) };
            let mut memory = Memory::default();
            let view = random.pick(&layouts).view(&[kept, leaves], dtype.size());
            let partials = memory.add(view, dtype, Privilege::Read, &mut random);
            let view = random.pick(&layouts).view(&[kept], dtype.size());
            let results = memory.add(view, dtype, Privilege::Write, &mut random);
            let kernel = Kernel::Fold { op, dtype };
            check.equal(&kernel, &[partials, results], kept, &[], &memory, random.pick(&[1, 3]));
        }
    }
}

/// Rows that fold from first to last.
pub fn rows_that_no_tree_may_fold_are_folded_within_a_leaf_only(check: &Check<'_>) {
    let mut random = Random(29);
    for (order, kept, n) in [
        (Order::KeptFirst, 5usize, 40usize),
        (Order::ReducedFirst, 200, 3),
        (Order::KeptFirst, 1, 1024),
        (Order::KeptFirst, 3, 1025),
    ] {
        let (op, dtype) = (Op::Subtract, check.real);
        let leaves = n.div_ceil(LEAF);
        let (shape, partials) = match order {
            Order::KeptFirst => ([kept, n], [kept, leaves]),
            Order::ReducedFirst => ([n, kept], [leaves, kept]),
        };
        let mut memory = Memory::default();
        let view = Layout::Contiguous.view(&shape, dtype.size());
        let input = memory.add(view, dtype, Privilege::Read, &mut random);
        let view = Layout::Contiguous.view(&partials, dtype.size());
        let output = memory.add(view, dtype, Privilege::Write, &mut random);
        let body = folded_body(0, dtype);
        let kernel = Kernel::Reduce(Reduce { body, ops: vec![op], axes: vec![0, 1], kept: 1, order });
        let args = [input, output];
        match leaves {
            1 => check.equal(&kernel, &args, kept, &[], &memory, 1),
            _ => assert!(
                launch(kernel, args.to_vec(), kept * leaves).prepared_by(1, &*check.bench.device).is_none()
            ),
        }
    }
}

/// Floating point flags of steps.
pub fn reductions_report_the_flags_of_their_steps(check: &Check<'_>) {
    let mut random = Random(30);
    for (order, shape, partials) in [
        (Order::KeptFirst, [3usize, 2000], [3usize, 2]),
        (Order::KeptFirst, [300, 10], [300, 1]),
        (Order::ReducedFirst, [2000, 3], [2, 3]),
        (Order::ReducedFirst, [10, 300], [1, 300]),
    ] {
        let dtype = check.real;
        let mut body = Body { inputs: vec![dtype; 2], ..Body::default() };
        let product = body.push_apply(Op::Multiply, dtype, smallvec![0, 1]);
        let quotient = body.push_apply(Op::Divide, dtype, smallvec![product, 1]);
        body.outputs = vec![quotient];
        for zero in [None, Some(random.below(2000))] {
            let mut memory = Memory::default();
            let mut args: Vec<Arg> = Vec::new();
            for privilege in [Privilege::Read, Privilege::Read, Privilege::Write] {
                let shape = if privilege.writes() { partials } else { shape };
                let view = Layout::Contiguous.view(&shape, dtype.size());
                args.push(memory.add(view, dtype, privilege, &mut random));
            }
            for position in 0..shape[0] * shape[1] {
                memory.set(&args[1], position, Scalar::new(2.0f64).cast(dtype));
            }
            if let Some(position) = zero {
                memory.set(&args[0], position, Scalar::new(1.0f64).cast(dtype));
                memory.set(&args[1], position, Scalar::new(f64::NEG_INFINITY).cast(dtype));
            }
            let body = body.clone();
            let kernel =
                Kernel::Reduce(Reduce { body, ops: vec![Op::Add], axes: vec![0, 1], kept: 1, order });
            let launch = launch(kernel, args, partials[0] * partials[1]);
            let mut launch = Arc::into_inner(launch).expect("nobody else has it");
            launch.watch = vec![15];
            let report = Arc::new(Report::new(2, 1));
            let launch = Arc::new(launch);
            assert!(check.bench.run(&launch, &mut memory, &[], 1, Some(report.clone())));
            assert_eq!(report.flags(0), Flags::NONE, "{launch}");
            let wanted = if zero.is_some() { Flags::INVALID } else { Flags::NONE };
            assert_eq!(report.flags(1), wanted, "{launch}");
        }
    }
}

/// Folding's own events are those of the host's folding, wherever in a row numbers lie that may mean some.
pub fn folding_reports_flags_of_its_own(check: &Check<'_>) {
    let mut random = Random(31);
    let reduce = |order| {
        move |op: Op, dtype| {
            Kernel::Reduce(Reduce {
                body: folded_body(0, dtype),
                ops: vec![op],
                axes: vec![0, 1],
                kept: 1,
                order,
            })
        }
    };
    let (rows, columns) = (reduce(Order::KeptFirst), reduce(Order::ReducedFirst));
    type Make<'a> = &'a dyn Fn(Op, Dtype) -> Kernel;
    let fold: Make<'_> = &|op, dtype| Kernel::Fold { op, dtype };
    let scan: Make<'_> = &|op, dtype| Kernel::Scan { op, dtype };
    let ways: [(Make<'_>, [usize; 2], usize, &[usize]); 15] = [
        (&rows, [3, 2000], 1, &[3, 2]),
        (&rows, [300, 10], 1, &[300, 1]),
        (&rows, [300, 1], 1, &[300, 1]),
        (&columns, [2000, 3], 0, &[2, 3]),
        (&columns, [10, 300], 0, &[1, 300]),
        (fold, [1, 2], 1, &[1]),
        (fold, [2, 500], 1, &[2]),
        (fold, [1, 5000], 1, &[1]),
        (fold, [1, 17000], 1, &[1]),
        (scan, [3, 1], 1, &[3, 1]),
        (scan, [3, 40], 1, &[3, 40]),
        (scan, [2, 1000], 1, &[2, 1000]),
        (scan, [2, 9000], 1, &[2, 9000]),
        (scan, [256, 1030], 1, &[256, 1030]),
        (scan, [9000, 3], 1, &[9000, 3]),
    ];
    let all = [
        (Op::Add, Dtype::Float64),
        (Op::Add, Dtype::Float32),
        (Op::Add, Dtype::Float16),
        (Op::Add, Dtype::Complex128),
        (Op::Multiply, Dtype::Float64),
        (Op::Hypot, Dtype::Float32),
        (Op::Logaddexp, Dtype::Float64),
        (Op::Maximum, Dtype::Float64),
        (Op::Multiply, Dtype::Float32),
        (Op::Logaddexp, Dtype::Float32),
    ];
    let ops: Vec<(Op, Dtype)> = all.into_iter().filter(|&(_, dtype)| (check.holds)(dtype)).collect();
    let (large, infinite) = (f64::MAX, f64::INFINITY);
    let marks: [&[f64]; 7] = [
        &[],
        &[large, large],
        &[infinite],
        &[infinite, -infinite],
        &[f64::NAN],
        &[f64::NAN, infinite],
        &[0.0, infinite],
    ];
    for (make, shape, axis, results) in ways {
        for (op, dtype) in [random.pick(&ops[..2]), random.pick(&ops)] {
            for marks in [marks[1], random.pick(&marks)] {
                // Comparing a NaN is an event to the row, and to NumPy; the host's folds compare without one.
                if op == Op::Logaddexp && marks.iter().any(|mark| mark.is_nan()) {
                    continue;
                }
                let mut memory = Memory::default();
                let view = Layout::Contiguous.view(&shape, dtype.size());
                let input = memory.add(view, dtype, Privilege::Read, &mut random);
                let view = Layout::Contiguous.view(results, dtype.size());
                let output = memory.add(view, dtype, Privilege::Write, &mut random);
                for position in 0..input.view.size() {
                    memory.set(&input, position, Scalar::new(1.0f64).cast(dtype));
                }
                let row = random.below(shape[1 - axis]);
                for &mark in marks {
                    let at = random.below(shape[axis]);
                    let position = if axis == 1 { row * shape[1] + at } else { at * shape[1] + row };
                    let scalar = if mark == large { largest(dtype) } else { Scalar::new(mark).cast(dtype) };
                    memory.set(&input, position, scalar);
                }
                let extent = output.view.size()
                    / if matches!(make(op, dtype), Kernel::Scan { .. }) { shape[1] } else { 1 };
                let mut launch = Arc::into_inner(launch(make(op, dtype), vec![input, output], extent))
                    .expect("nobody else has it");
                launch.watch = vec![15];
                let launch = Arc::new(launch);
                let (wanted, found) = (Arc::new(Report::new(0, 1)), Arc::new(Report::new(0, 1)));
                let (mut on_host, pieces) = (memory.clone(), random.pick(&[1, 3]));
                if !check.bench.run(&launch, &mut memory, &[], pieces, Some(found.clone())) {
                    continue;
                }
                assert!(run_reporting(&check.bench.cpu, &launch, &mut on_host, &[], 1, Some(wanted.clone())));
                assert_eq!(found.own(0), wanted.own(0), "{marks:?} in {launch}");
            }
        }
    }
}

/// Events of each of several folds, as on the host, beside those of the steps.
pub fn folds_report_flags_of_their_own(check: &Check<'_>) {
    let mut random = Random(33);
    let dtype = check.real;
    let (one, most) = (Scalar::new(1.0f64).cast(dtype), largest(dtype));
    for (order, shape, partials) in [
        (Order::KeptFirst, [3usize, 2000], [3usize, 2]),
        (Order::KeptFirst, [300, 10], [300, 1]),
        (Order::ReducedFirst, [2000, 3], [2, 3]),
        (Order::ReducedFirst, [10, 300], [1, 300]),
    ] {
        for numbers in [[one, one], [most, one], [one, most], [most, most]] {
            let mut body = Body { inputs: vec![dtype; 2], ..Body::default() };
            let twice = body.push_apply(Op::Add, dtype, smallvec![0, 0]);
            body.outputs = vec![twice, 0, 1];
            let mut memory = Memory::default();
            let mut args: Vec<Arg> = Vec::new();
            for number in 0..5 {
                let (shape, privilege) =
                    if number < 2 { (shape, Privilege::Read) } else { (partials, Privilege::Write) };
                let view = Layout::Contiguous.view(&shape, dtype.size());
                args.push(memory.add(view, dtype, privilege, &mut random));
            }
            for position in 0..shape[0] * shape[1] {
                args[..2].iter().for_each(|arg| memory.set(arg, position, one));
            }
            // Two of one row or column.
            let step = if order == Order::KeptFirst { 1 } else { shape[1] };
            for (arg, number) in args.iter().zip(numbers) {
                [4 * step, 5 * step].iter().for_each(|&position| memory.set(arg, position, number));
            }
            let ops = vec![Op::Maximum, Op::Add, Op::Add];
            let kernel = Kernel::Reduce(Reduce { body, ops, axes: vec![0, 1], kept: 1, order });
            let launch = launch(kernel, args, partials[0] * partials[1]);
            let mut launch = Arc::into_inner(launch).expect("nobody else has it");
            launch.watch = vec![15; 3];
            let launch = Arc::new(launch);
            let (wanted, found) = (Arc::new(Report::new(1, 3)), Arc::new(Report::new(1, 3)));
            let mut on_host = memory.clone();
            assert!(check.bench.run(&launch, &mut memory, &[], 3, Some(found.clone())));
            assert!(run_reporting(&check.bench.cpu, &launch, &mut on_host, &[], 1, Some(wanted.clone())));
            let all = |report: &Report| [report.flags(0), report.own(0), report.own(1), report.own(2)];
            assert_eq!(all(&found), all(&wanted), "{numbers:?} in {launch}");
            let overflows = |number: Scalar| if number == most { Flags::OVERFLOW } else { Flags::NONE };
            let sums = [overflows(numbers[0]), overflows(numbers[1])];
            assert_eq!(all(&wanted), [sums[0], Flags::NONE, sums[0], sums[1]], "{numbers:?} in {launch}");
        }
    }
}

/// A body that folds the value itself, the product of two inputs, or that product which is also stored; and from 3 on as
/// well the second input, without and with something stored.
fn folded_body(kind: usize, dtype: Dtype) -> Body {
    let inputs = vec![dtype; if kind == 0 { 1 } else { 2 }];
    let mut body = Body { inputs, ..Body::default() };
    let folded: Value = if kind == 0 { 0 } else { body.push_apply(Op::Multiply, dtype, smallvec![0, 1]) };
    body.outputs = match kind {
        2 => vec![folded, folded],
        3 => vec![folded, 1],
        4 => vec![folded, folded, 1],
        _ => vec![folded],
    };
    body
}

/// The largest number of a dtype.
pub(super) fn largest(dtype: Dtype) -> Scalar {
    let number = match dtype.real() {
        Dtype::Float16 => 65504.0,
        Dtype::Float32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    Scalar::new(number).cast(dtype)
}
