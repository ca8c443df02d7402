//! Element-wise kernels on every layout, compared with the interpreter element by element.

mod common;

use common::{Layout, Memory, Random, cpus, launch, run, run_reporting, same};
use maniple_cpu::Cpu;
use maniple_ops::{Body, Dtype, Flags, Op, Operand, Scalar, Value, eval, resolve, samples, signature};
use maniple_runtime::{Arg, Kernel, Privilege, Report, View};
use smallvec::smallvec;
use std::sync::Arc;

/// Shapes: no axis, no element, one element, less and more than a block, short rows, long rows, many axes, rows enough
/// to be turned.
const SHAPES: [&[usize]; 15] = [
    &[],
    &[0],
    &[1],
    &[10],
    &[300],
    &[5000],
    &[3, 0],
    &[7, 3],
    &[900, 3],
    &[40, 70],
    &[70, 40],
    &[2, 3, 4, 5, 2, 1, 3],
    &[5, 1, 300],
    &[3, 2, 700],
    &[17, 520],
];

/// One body over arguments of given layouts.
struct Case<'a> {
    body: &'a Body,
    shape: &'a [usize],
    layouts: &'a [Layout],
    constants: &'a [Scalar],
    /// Outputs that take the place of an input.
    in_place: &'a [(usize, usize)],
}

/// Runs the case in one, two and three pieces and compares every element, and every byte around them.
fn check(cpu: &Cpu, case: &Case<'_>, random: &mut Random) {
    let Case { body, shape, layouts, constants, in_place } = case;
    body.check().expect("the body is well-formed");
    let dtypes = body.value_dtypes();
    let mut memory = Memory::default();
    let mut args: Vec<Arg> = Vec::new();
    for (at, &dtype) in body.inputs.iter().enumerate() {
        args.push(memory.add(layouts[at].view(shape, dtype.size()), dtype, Privilege::Read, random));
    }
    for (at, &value) in body.outputs.iter().enumerate() {
        let dtype = dtypes[value as usize];
        match in_place.iter().find(|&&(output, _)| output == at) {
            Some(&(_, input)) => args.push(Arg { privilege: Privilege::Write, ..args[input].clone() }),
            None => {
                let layout = layouts[body.inputs.len() + at];
                args.push(memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Write, random));
            }
        }
    }
    let size: usize = shape.iter().product();
    let mut expected = memory.clone();
    for position in 0..size {
        let inputs: Vec<Scalar> =
            args[..body.inputs.len()].iter().map(|arg| memory.get(arg, position)).collect();
        for (arg, value) in args[body.inputs.len()..].iter().zip(eval(body, &inputs, constants)) {
            expected.set(arg, position, value);
        }
    }
    for pieces in 1..=3 {
        let mut memory = memory.clone();
        let launch = launch(Kernel::Map((*body).clone()), args.clone(), size);
        assert!(run(cpu, &launch, &mut memory, constants, pieces), "supported: {body}");
        let context = || format!("{pieces} pieces of {shape:?} {layouts:?} {in_place:?}\n{body}");
        for arg in &args[body.inputs.len()..] {
            for position in 0..size {
                let (found, wanted) = (memory.get(arg, position), expected.get(arg, position));
                assert!(same(found, wanted), "{found:?} is not {wanted:?} at {position}: {}", context());
                memory.set(arg, position, wanted);
            }
        }
        assert!(memory.regions == expected.regions, "bytes between elements changed: {}", context());
    }
}

/// Every operation there is.
fn operations() -> impl Iterator<Item = Op> {
    (0..).map_while(Op::from_index)
}

#[test]
fn every_row_at_every_dtype_on_some_layouts() {
    for cpu in cpus() {
        let mut random = Random(1);
        let mut rows = 0;
        for op in operations() {
            for key in Dtype::ALL {
                let Some(of) = signature(op, key) else { continue };
                rows += 1;
                let body = Body::single(&of, &of.ins, &of.outs);
                let shape = random.pick(&SHAPES);
                let inputs = of.ins.iter().map(|_| random.pick(&Layout::ALL)).collect::<Vec<_>>();
                let outputs = of.outs.iter().map(|_| random.pick(&Layout::FOR_OUTPUTS)).collect::<Vec<_>>();
                let layouts = [inputs, outputs].concat();
                check(
                    &cpu,
                    &Case { body: &body, shape, layouts: &layouts, constants: &[], in_place: &[] },
                    &mut random,
                );
                check_samples(&cpu, op, key, &body);
            }
        }
        assert!(rows > 500);
    }
}

/// The row on its sample inputs and on extremes, contiguous.
fn check_samples(cpu: &Cpu, op: Op, key: Dtype, body: &Body) {
    let columns: Vec<Vec<Scalar>> = (body.inputs.iter().enumerate())
        .map(|(input, &dtype)| {
            let usual = samples::domain(op, key, input, 300).into_iter().map(|value| value.cast(dtype));
            let mut values: Vec<Scalar> = usual.collect();
            let edges = samples::edges(dtype);
            values.extend((0..300).map(|at| edges[(at * (input + 1) + at / 7) % edges.len()]));
            values
        })
        .collect();
    let (mut memory, mut random) = (Memory::default(), Random(2));
    let dtypes = body.value_dtypes();
    let mut args: Vec<Arg> = Vec::new();
    for &dtype in body.inputs.iter().chain(body.outputs.iter().map(|&value| &dtypes[value as usize])) {
        args.push(memory.add(View::contiguous(&[600], dtype.size()), dtype, Privilege::Read, &mut random));
    }
    for (arg, values) in args.iter().zip(&columns) {
        values.iter().enumerate().for_each(|(at, &value)| memory.set(arg, at, value));
    }
    let launch = launch(Kernel::Map(body.clone()), args.clone(), 600);
    assert!(run(cpu, &launch, &mut memory, &[], 1));
    for at in 0..600 {
        let inputs: Vec<Scalar> = columns.iter().map(|values| values[at]).collect();
        for (arg, wanted) in args[columns.len()..].iter().zip(eval(body, &inputs, &[])) {
            let found = memory.get(arg, at);
            assert!(same(found, wanted), "{op:?} {key} of {inputs:?}: {found:?} is not {wanted:?}");
        }
    }
}

#[test]
fn every_shape_and_layout_with_a_few_rows() {
    for cpu in cpus() {
        let mut random = Random(3);
        for (op, dtype) in [
            (Op::Add, Dtype::Float64),
            (Op::Add, Dtype::Int8),
            (Op::Less, Dtype::Float32),
            (Op::Multiply, Dtype::Complex128),
            (Op::Subtract, Dtype::Complex64),
            (Op::Divmod, Dtype::Int16),
        ] {
            let of = signature(op, dtype).expect("a common row");
            let body = Body::single(&of, &of.ins, &of.outs);
            for shape in SHAPES {
                for first in Layout::ALL {
                    let second = random.pick(&Layout::ALL);
                    let layouts =
                        [first, second, random.pick(&Layout::FOR_OUTPUTS), random.pick(&Layout::FOR_OUTPUTS)];
                    check(
                        &cpu,
                        &Case { body: &body, shape, layouts: &layouts, constants: &[], in_place: &[] },
                        &mut random,
                    );
                }
                for output in Layout::FOR_OUTPUTS {
                    let layouts = [random.pick(&Layout::ALL), random.pick(&Layout::ALL), output, output];
                    check(
                        &cpu,
                        &Case { body: &body, shape, layouts: &layouts, constants: &[], in_place: &[] },
                        &mut random,
                    );
                    // In place: the output has the first input's layout.
                    if of.outs[0] == of.ins[0] {
                        let layouts =
                            [output, random.pick(&Layout::ALL), output, random.pick(&Layout::FOR_OUTPUTS)];
                        let case = Case {
                            body: &body,
                            shape,
                            layouts: &layouts,
                            constants: &[],
                            in_place: &[(0, 0)],
                        };
                        check(&cpu, &case, &mut random);
                    }
                }
            }
        }
    }
}

/// Programs of many steps with casts, constants, several outputs of the same value, outputs that are inputs or
/// constants, and outputs in the place of inputs.
#[test]
fn random_bodies() {
    for cpu in cpus() {
        let mut random = Random(4);
        let dtypes =
            [Dtype::Float64, Dtype::Float32, Dtype::Int32, Dtype::Bool, Dtype::UInt8, Dtype::Complex64];
        let rows =
            [Op::Add, Op::Multiply, Op::Maximum, Op::Less, Op::Divmod, Op::Absolute, Op::Select, Op::Modf];
        for _ in 0..600 {
            let mut body = Body {
                inputs: (0..random.below(4)).map(|_| random.pick(&dtypes)).collect(),
                constants: (0..random.below(3)).map(|_| random.pick(&dtypes)).collect(),
                ..Body::default()
            };
            if body.inputs.is_empty() && body.constants.is_empty() {
                continue;
            }
            for _ in 0..random.below(12) {
                let op = random.pick(&rows);
                let args: Vec<Value> =
                    (0..op.row().inputs).map(|_| random.below(body.values()) as Value).collect();
                let operands: Vec<Operand> =
                    args.iter().map(|&arg| Operand::Strong(body.value_dtype(arg))).collect();
                let Ok(of) = resolve(op, &operands) else { continue };
                let args =
                    (args.iter().zip(&of.ins)).map(|(&arg, &dtype)| body.push_cast(arg, dtype)).collect();
                body.push_apply(of.op, of.dtype, args);
            }
            body.outputs = (0..1 + random.below(3)).map(|_| random.below(body.values()) as Value).collect();
            if body.inputs.is_empty() || random.below(2) == 0 {
                body.outputs.push(body.values() as Value - 1);
            }
            let constants: Vec<Scalar> = body.constants.iter().map(|&dtype| random.scalar(dtype)).collect();
            let shape = random.pick(&SHAPES);
            let shared = random.pick(&Layout::FOR_OUTPUTS);
            let mut layouts: Vec<Layout> = body.inputs.iter().map(|_| random.pick(&Layout::ALL)).collect();
            layouts.extend(body.outputs.iter().map(|_| random.pick(&Layout::FOR_OUTPUTS)));
            let mut in_place: Vec<(usize, usize)> = Vec::new();
            let values = body.value_dtypes();
            for (output, &value) in body.outputs.iter().enumerate() {
                let input = random.below(4);
                let fits = body.inputs.get(input).is_some_and(|&dtype| dtype == values[value as usize]);
                if fits && in_place.iter().all(|&(_, taken)| taken != input) {
                    in_place.push((output, input));
                    layouts[input] = shared;
                }
            }
            check(
                &cpu,
                &Case { body: &body, shape, layouts: &layouts, constants: &constants, in_place: &in_place },
                &mut random,
            );
        }
    }
}

#[test]
fn axes_without_limit() {
    for cpu in cpus() {
        let mut random = Random(5);
        let of = signature(Op::Add, Dtype::Int32).expect("a common row");
        let body = Body::single(&of, &of.ins, &of.outs);
        let mut shape = vec![1; 64];
        (0..6).for_each(|at| shape[at * 10 + 1] = 2);
        for layouts in [
            [Layout::Transposed, Layout::Offset, Layout::Contiguous],
            [Layout::Stepped, Layout::Reversed, Layout::Offset],
        ] {
            check(
                &cpu,
                &Case { body: &body, shape: &shape, layouts: &layouts, constants: &[], in_place: &[] },
                &mut random,
            );
        }
    }
}

/// Flags go to the steps that raised them, if the task of the step wants them.
#[test]
fn flags_are_reported_by_step() {
    for cpu in cpus() {
        let mut body = Body { inputs: vec![Dtype::Float64; 2], ..Body::default() };
        let quotient = body.push_apply(Op::Divide, Dtype::Float64, smallvec![0, 1]);
        let product = body.push_apply(Op::Multiply, Dtype::Float64, smallvec![0, 0]);
        let sum = body.push_apply(Op::Add, Dtype::Float64, smallvec![quotient, product]);
        let root = body.push_apply(Op::Sqrt, Dtype::Float64, smallvec![1]);
        body.outputs = vec![sum, root];
        let raised = |a: f64, b: f64, watch: [u8; 2], pieces: usize| {
            let (mut memory, mut random) = (Memory::default(), Random(6));
            let args: Vec<Arg> = (0..4)
                .map(|_| {
                    memory.add(View::contiguous(&[3000], 8), Dtype::Float64, Privilege::Read, &mut random)
                })
                .collect();
            for position in 0..3000 {
                let (a, b) = if position == 2900 { (a, b) } else { (1.0, 2.0) };
                memory.set(&args[0], position, Scalar::new(a));
                memory.set(&args[1], position, Scalar::new(b));
            }
            let mut launch =
                Arc::try_unwrap(launch(Kernel::Map(body.clone()), args, 3000)).expect("just made");
            launch.owners = vec![0, 0, 1, 1];
            launch.tasks = vec![0, 1];
            launch.watch = watch.to_vec();
            let report = Arc::new(Report::new(4, 1));
            assert!(run_reporting(&cpu, &Arc::new(launch), &mut memory, &[], pieces, Some(report.clone())));
            [0, 1, 2, 3].map(|step| report.flags(step))
        };
        let none = Flags::NONE;
        let all = [15, 15];
        for pieces in [1, 3] {
            assert_eq!(raised(1.0, 2.0, all, pieces), [none; 4]);
            assert_eq!(raised(1.0, 0.0, all, pieces), [Flags::DIVIDE, none, none, none]);
            assert_eq!(raised(1e300, 2.0, all, pieces), [none, Flags::OVERFLOW, none, none]);
            assert_eq!(raised(1.0, -4.0, all, pieces), [none, none, none, Flags::INVALID]);
            assert_eq!(
                raised(1e300, -0.0, [Flags::OVERFLOW.bits(), 0], pieces),
                [none, Flags::OVERFLOW, none, none]
            );
            assert_eq!(raised(f64::INFINITY, f64::INFINITY, [0, 15], pieces), [none; 4]);
        }
    }
}

/// Steps may write over what they read, and have to run again to tell which of them raised a flag.
#[test]
fn flags_of_steps_that_write_over_their_inputs() {
    const SIZE: usize = 70_001;
    for cpu in cpus() {
        let double = Dtype::Float64;
        let mut body = Body { inputs: vec![double; 2], constants: vec![double], ..Body::default() };
        let larger = body.push_apply(Op::Multiply, double, smallvec![0, 2]);
        let sum = body.push_apply(Op::Add, double, smallvec![larger, 1]);
        let root = body.push_apply(Op::Sqrt, double, smallvec![sum]);
        body.outputs = vec![root];
        // One special number, and nothing but special ones: then no block is worth its compiled run.
        let places = [4999..5000, 0..SIZE];
        for (special, wanted, place) in [
            (2.0, [Flags::NONE; 3]),
            (1e308, [Flags::OVERFLOW, Flags::NONE, Flags::NONE]),
            (-5.0, [Flags::NONE, Flags::NONE, Flags::INVALID]),
        ]
        .into_iter()
        .flat_map(|(special, wanted)| places.clone().map(|place| (special, wanted, place)))
        {
            let (mut memory, mut random) = (Memory::default(), Random(7));
            let mut args: Vec<Arg> = (0..2)
                .map(|_| memory.add(View::contiguous(&[SIZE], 8), double, Privilege::Read, &mut random))
                .collect();
            args.push(Arg { privilege: Privilege::Write, ..args[0].clone() });
            for position in 0..SIZE {
                let a = if place.contains(&position) { special } else { position as f64 };
                memory.set(&args[0], position, Scalar::new(a));
                memory.set(&args[1], position, Scalar::new(1.0));
            }
            let mut launch =
                Arc::try_unwrap(launch(Kernel::Map(body.clone()), args.clone(), SIZE)).expect("just made");
            launch.owners = vec![0; 3];
            launch.watch = vec![15];
            let report = Arc::new(Report::new(3, 1));
            let constants = [Scalar::new(10.0)];
            assert!(run_reporting(&cpu, &Arc::new(launch), &mut memory, &constants, 2, Some(report.clone())));
            assert_eq!([0, 1, 2].map(|step| report.flags(step)), wanted, "{special}");
            for position in [0, 17, 4998, 4999, 5000, 65_000, SIZE - 1] {
                let a: f64 = if place.contains(&position) { special } else { position as f64 };
                let wanted = (a * 10.0 + 1.0).sqrt();
                assert!(same(memory.get(&args[0], position), Scalar::new(wanted)), "{position} of {special}");
            }
        }
    }
}
