//! Bodies of rows at every dtype, on every layout, against the interpreter.

use crate::Bench;
use crate::common::{Layout, Memory, Random, launch, same};
use maniple_ops::{Body, Dtype, Op, Operand, Scalar, Value, eval, resolve, samples, signature};
use maniple_runtime::{Arg, Kernel, Launch, Privilege, View};
use std::sync::Arc;

/// Shapes: no axis, no element, one element, less and more than a block, short rows, long rows, many axes.
pub const SHAPES: [&[usize]; 14] = [
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
    &[17, 520],
];

/// What a backend promises about a body: whether it runs it, and when a result is as good as the interpreter's.
pub trait Promise {
    /// Whether a launch of the body must be accepted, where its elements are aligned.
    fn runs(&self, body: &Body) -> bool;
    /// Whether a result is right.
    fn accepts(&self, body: &Body, found: Scalar, wanted: Scalar) -> bool;
}

/// One body over arguments of given layouts.
struct Case<'a> {
    body: &'a Body,
    shape: &'a [usize],
    layouts: &'a [Layout],
    constants: &'a [Scalar],
    /// Outputs that take the place of an input.
    in_place: &'a [(usize, usize)],
}

impl Case<'_> {
    /// Runs the case in one to three pieces and compares every element, and every byte around them.
    fn check(&self, bench: &Bench, promise: &dyn Promise, random: &mut Random) {
        let Case { body, shape, layouts, constants, in_place } = self;
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
        let pieces = 1 + random.below(3);
        let launch = launch(Kernel::Map((*body).clone()), args.clone(), size);
        let context = || format!("{pieces} pieces of {shape:?} {layouts:?} {in_place:?}\n{body}");
        if !runs(bench, promise, &launch, body) {
            return;
        }
        bench.run(&launch, &mut memory, constants, pieces, None);
        for arg in &args[body.inputs.len()..] {
            for position in 0..size {
                let (found, wanted) = (memory.get(arg, position), expected.get(arg, position));
                assert!(
                    promise.accepts(body, found, wanted),
                    "{found:?} is not {wanted:?} at {position}: {}",
                    context()
                );
                memory.set(arg, position, wanted);
            }
        }
        assert!(memory.regions == expected.regions, "bytes between elements changed: {}", context());
    }
}

/// Whether the device takes a launch, which it must if it promised to and elements are aligned.
fn runs(bench: &Bench, promise: &dyn Promise, launch: &Arc<Launch>, body: &Body) -> bool {
    let taken = launch.prepared_by(1, &*bench.device).is_some();
    let aligned = |arg: &Arg| {
        let bytes = |bytes: isize| bytes.unsigned_abs().is_multiple_of(arg.dtype.real().size());
        bytes(arg.view.offset) && arg.view.strides.iter().all(|&stride| bytes(stride))
    };
    let owed = promise.runs(body) && launch.args.iter().all(aligned);
    assert!(taken || !owed, "not taken: {launch}");
    taken
}

/// Every row at every dtype, on some layouts, and contiguous on its sample inputs and on extremes.
pub fn every_row(bench: &Bench, promise: &dyn Promise) {
    let mut random = Random(1);
    for op in (0..).map_while(Op::from_index) {
        for key in Dtype::ALL {
            let Some(of) = signature(op, key) else { continue };
            let body = Body::single(&of, &of.ins, &of.outs);
            let shape = random.pick(&SHAPES);
            let inputs = of.ins.iter().map(|_| random.pick(&Layout::ALL)).collect::<Vec<_>>();
            let outputs = of.outs.iter().map(|_| random.pick(&Layout::FOR_OUTPUTS)).collect::<Vec<_>>();
            let layouts = [inputs, outputs].concat();
            let case = Case { body: &body, shape, layouts: &layouts, constants: &[], in_place: &[] };
            case.check(bench, promise, &mut random);
            check_samples(bench, promise, op, key, &body);
        }
    }
}

/// The row on its sample inputs and on extremes, contiguous.
fn check_samples(bench: &Bench, promise: &dyn Promise, op: Op, key: Dtype, body: &Body) {
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
    let outputs = body.outputs.iter().map(|&value| (&dtypes[value as usize], Privilege::Write));
    for (&dtype, privilege) in body.inputs.iter().map(|dtype| (dtype, Privilege::Read)).chain(outputs) {
        args.push(memory.add(View::contiguous(&[600], dtype.size()), dtype, privilege, &mut random));
    }
    for (arg, values) in args.iter().zip(&columns) {
        values.iter().enumerate().for_each(|(at, &value)| memory.set(arg, at, value));
    }
    let launch = launch(Kernel::Map(body.clone()), args.clone(), 600);
    if !runs(bench, promise, &launch, body) {
        return;
    }
    bench.run(&launch, &mut memory, &[], 1, None);
    for at in 0..600 {
        let inputs: Vec<Scalar> = columns.iter().map(|values| values[at]).collect();
        for (arg, wanted) in args[columns.len()..].iter().zip(eval(body, &inputs, &[])) {
            let found = memory.get(arg, at);
            assert!(
                promise.accepts(body, found, wanted),
                "{op:?} {key} of {inputs:?}: {found:?} is not {wanted:?}"
            );
        }
    }
}

/// Every dtype converted to every other, on extremes and on usual numbers.
pub fn every_cast(bench: &Bench, promise: &dyn Promise) {
    let mut random = Random(5);
    for from in Dtype::ALL {
        for to in Dtype::ALL.into_iter().filter(|&to| to != from) {
            let mut body = Body { inputs: vec![from], ..Body::default() };
            body.outputs = vec![body.push_cast(0, to)];
            let mut values = samples::edges(from);
            values.extend((0..40).map(|_| random.scalar(from)));
            let mut memory = Memory::default();
            let args: Vec<Arg> = [(from, Privilege::Read), (to, Privilege::Write)]
                .into_iter()
                .map(|(dtype, privilege)| {
                    let view = View::contiguous(&[values.len()], dtype.size());
                    memory.add(view, dtype, privilege, &mut random)
                })
                .collect();
            values.iter().enumerate().for_each(|(at, &value)| memory.set(&args[0], at, value));
            let launch = launch(Kernel::Map(body.clone()), args.clone(), values.len());
            if !runs(bench, promise, &launch, &body) {
                continue;
            }
            bench.run(&launch, &mut memory, &[], 1, None);
            for (at, &value) in values.iter().enumerate() {
                let (found, wanted) = (memory.get(&args[1], at), eval(&body, &[value], &[])[0]);
                assert!(
                    promise.accepts(&body, found, wanted),
                    "{value:?}: {found:?} is not {wanted:?}: {body}"
                );
            }
        }
    }
}

/// Every shape and layout, with some rows.
pub fn every_layout(bench: &Bench, promise: &dyn Promise, rows: &[(Op, Dtype)]) {
    let mut random = Random(3);
    for &(op, dtype) in rows {
        let of = signature(op, dtype).expect("a common row");
        let body = Body::single(&of, &of.ins, &of.outs);
        for shape in SHAPES {
            let mut cases: Vec<([Layout; 4], &[(usize, usize)])> = Vec::new();
            for first in Layout::ALL {
                let outputs = [random.pick(&Layout::FOR_OUTPUTS), random.pick(&Layout::FOR_OUTPUTS)];
                cases.push(([first, random.pick(&Layout::ALL), outputs[0], outputs[1]], &[]));
            }
            for output in Layout::FOR_OUTPUTS {
                cases.push(([random.pick(&Layout::ALL), random.pick(&Layout::ALL), output, output], &[]));
                // In place: the output has the first input's layout.
                if of.outs[0] == of.ins[0] {
                    let other = random.pick(&Layout::FOR_OUTPUTS);
                    cases.push(([output, random.pick(&Layout::ALL), output, other], &[(0, 0)]));
                }
            }
            for (layouts, in_place) in cases {
                let case = Case { body: &body, shape, layouts: &layouts, constants: &[], in_place };
                case.check(bench, promise, &mut random);
            }
        }
    }
}

/// Programs of many steps with casts, constants, several outputs of the same value, outputs that are inputs or
/// constants, and outputs in the place of inputs.
pub fn random_bodies(bench: &Bench, promise: &dyn Promise, dtypes: &[Dtype], rows: &[Op], count: usize) {
    let mut random = Random(4);
    for _ in 0..count {
        let mut body = Body {
            inputs: (0..random.below(4)).map(|_| random.pick(dtypes)).collect(),
            constants: (0..random.below(3)).map(|_| random.pick(dtypes)).collect(),
            ..Body::default()
        };
        if body.inputs.is_empty() && body.constants.is_empty() {
            continue;
        }
        for _ in 0..random.below(12) {
            let op = random.pick(rows);
            let args: Vec<Value> =
                (0..op.row().inputs).map(|_| random.below(body.values()) as Value).collect();
            let operands: Vec<Operand> =
                args.iter().map(|&arg| Operand::Strong(body.value_dtype(arg))).collect();
            let Ok(of) = resolve(op, &operands) else { continue };
            let args = (args.iter().zip(&of.ins)).map(|(&arg, &dtype)| body.push_cast(arg, dtype)).collect();
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
        let case = Case { body: &body, shape, layouts: &layouts, constants: &constants, in_place: &in_place };
        case.check(bench, promise, &mut random);
    }
}

/// Whether results have equal bits, any NaN being as good as another.
pub fn equal(found: Scalar, wanted: Scalar) -> bool {
    same(found, wanted)
}
