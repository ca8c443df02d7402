//! The slow, obvious executor of tasks: one after the other in program order, one element at a time, on plain bytes.

use maniple_ops::{Body, Dtype, LEAF, Op, Scalar, Step, drawn, eval, matmul_element};
use maniple_runtime::{Access, Extreme, Indexed, Kernel, Order, Privilege, Reduce, Sorted, View};
use std::cmp::Ordering;

/// One argument of a task, on a region named by its position.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The region.
    pub region: usize,
    /// What is done to it.
    pub privilege: Privilege,
    /// The dtype of the elements.
    pub dtype: Dtype,
    /// Where they lie.
    pub view: View,
    /// Which of them a range of points touches.
    pub access: Access,
}

/// One task, as it is recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What is computed.
    pub kernel: Kernel,
    /// On what.
    pub args: Vec<Argument>,
    /// Number of points.
    pub extent: usize,
    /// The values of the kernel's constants.
    pub scalars: Vec<Scalar>,
}

/// The bytes of every region.
pub type Bytes = Vec<Vec<u8>>;

/// Executes a task.
pub fn execute(task: &Recorded, bytes: &mut Bytes) {
    let args = &task.args;
    match &task.kernel {
        Kernel::Map(body) => map(body, task, bytes),
        Kernel::Reduce(reduce) => leaves(reduce, task, bytes),
        Kernel::Fold { op, dtype } => {
            let leaves = *args[0].view.shape.last().expect("partials have an axis of leaves");
            for result in 0..args[1].view.size() {
                let parts = (0..leaves).map(|leaf| get(bytes, &args[0], result * leaves + leaf));
                let folded = parts.reduce(|a, b| combine(*op, *dtype, a, b)).expect("there are leaves");
                set(bytes, &args[1], result, folded);
            }
        }
        Kernel::Scan { op, dtype } => {
            let n = *args[0].view.shape.last().expect("scans have an axis");
            for position in 0..args[0].view.size() {
                let mut value = get(bytes, &args[0], position);
                if position % n > 0 {
                    value = combine(*op, *dtype, get(bytes, &args[1], position - 1), value);
                }
                set(bytes, &args[1], position, value);
            }
        }
        Kernel::ArgReduce { goal, .. } => {
            let n = args[0].view.size() / args[1].view.size();
            for result in 0..args[1].view.size() {
                let row: Vec<i64> = (0..n).map(|at| get(bytes, &args[0], result * n + at).as_i64()).collect();
                let best = match goal {
                    Extreme::Largest => row.iter().max(),
                    Extreme::Smallest => row.iter().min(),
                };
                let first = row.iter().position(|value| Some(value) == best).expect("rows are not empty");
                set(bytes, &args[1], result, Scalar::new(first as i64));
            }
        }
        Kernel::Gather(indexed) => {
            let (indices, out) = (&args[1..args.len() - 1], &args[args.len() - 1]);
            for position in 0..out.view.size() {
                let from = addressed(bytes, &args[0], indices, indexed, position);
                set(bytes, out, position, get(bytes, &from, 0));
            }
        }
        Kernel::Scatter { indexed, combine: row } => {
            let (indices, values) = (&args[1..args.len() - 1], &args[args.len() - 1]);
            for position in 0..values.view.size() {
                let to = addressed(bytes, &args[0], indices, indexed, position);
                let new = get(bytes, values, position);
                let value = row.map_or(new, |op| combine(op, to.dtype, get(bytes, &to, 0), new));
                set(bytes, &to, 0, value);
            }
        }
        Kernel::Iota { dtype } => {
            for position in 0..task.extent {
                let step =
                    combine(Op::Multiply, *dtype, Scalar::new(position as i64).cast(*dtype), task.scalars[1]);
                set(bytes, &args[0], position, combine(Op::Add, *dtype, task.scalars[0], step));
            }
        }
        Kernel::Draw { generator, dtype } => {
            let state: Vec<u64> = task.scalars.iter().map(|word| word.as_i64() as u64).collect();
            for position in 0..task.extent {
                let number = drawn(*generator, *dtype, &state, position).expect("a dtype that is drawn");
                set(bytes, &args[0], position, number);
            }
        }
        Kernel::Matmul { dtype } => {
            let shape = &args[2].view.shape;
            let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
            let k = args[0].view.shape[shape.len() - 1];
            for position in 0..args[2].view.size() {
                let (row, column) = (position / n, position % n);
                let a: Vec<Scalar> = (0..k).map(|at| get(bytes, &args[0], row * k + at)).collect();
                let b: Vec<Scalar> =
                    (0..k).map(|at| get(bytes, &args[1], (row / m * k + at) * n + column)).collect();
                let element = matmul_element(*dtype, &a, &b).expect("a dtype that is multiplied");
                set(bytes, &args[2], position, element);
            }
        }
        Kernel::Sort { gives, run, .. } => {
            let n = *args[0].view.shape.last().expect("there are rows");
            for start in (0..args[0].view.size()).step_by(n) {
                for from in (0..n).step_by(*run) {
                    let mut part: Vec<(Scalar, i64)> = (from..n.min(from + run))
                        .map(|at| (get(bytes, &args[0], start + at), at as i64))
                        .collect();
                    part.sort_by(|a, b| order(a.0, b.0));
                    put_sorted(bytes, &args[1..], *gives, start + from, &part);
                }
            }
        }
        Kernel::Merge { gives, .. } => {
            let inputs = 1 + usize::from(gives.has_order());
            let mut all: Vec<(Scalar, i64)> = (0..task.extent)
                .map(|at| {
                    let position = gives.has_order().then(|| get(bytes, &args[1], at).as_i64());
                    (get(bytes, &args[0], at), position.unwrap_or_default())
                })
                .collect();
            all.sort_by(|a, b| order(a.0, b.0));
            put_sorted(bytes, &args[inputs..], *gives, 0, &all);
        }
        Kernel::Blocks(_) => unreachable!("no task has it"),
        Kernel::Nonzero => {
            let shape = &args[0].view.shape;
            let mut row = 0;
            for position in 0..args[0].view.size() {
                if get(bytes, &args[0], position).as_i64() == 0 {
                    continue;
                }
                let mut rest = position;
                for axis in (0..shape.len()).rev() {
                    let index = Scalar::new((rest % shape[axis]) as i64);
                    set(bytes, &args[1], row * shape.len() + axis, index);
                    rest /= shape[axis];
                }
                row += 1;
            }
        }
    }
}

/// The order of numbers, of which the first real argument of a comparison is whole or floating point.
fn order(a: Scalar, b: Scalar) -> Ordering {
    match a.dtype().is_inexact() {
        true => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or_else(|| a.as_f64().is_nan().cmp(&b.as_f64().is_nan())),
        false => a.as_i64().cmp(&b.as_i64()),
    }
}

/// Writes elements and positions, as far as they are given.
fn put_sorted(bytes: &mut Bytes, args: &[Argument], gives: Sorted, start: usize, sorted: &[(Scalar, i64)]) {
    let mut args = args.iter();
    if gives.has_values() {
        let arg = args.next().expect("there is an argument for values");
        sorted.iter().enumerate().for_each(|(at, (value, _))| set(bytes, arg, start + at, *value));
    }
    if gives.has_order() {
        let arg = args.next().expect("there is an argument for positions");
        let positions = sorted.iter().map(|&(_, position)| Scalar::new(position));
        positions.enumerate().for_each(|(at, position)| set(bytes, arg, start + at, position));
    }
}

/// The byte at which an element of the C order starts.
pub fn byte_of(view: &View, position: usize) -> usize {
    let (mut rest, mut at) = (position, view.offset);
    for axis in (0..view.ndim()).rev() {
        at += (rest % view.shape[axis]) as isize * view.strides[axis];
        rest /= view.shape[axis];
    }
    at as usize
}

/// An element of an argument, by its position in C order.
pub fn get(bytes: &Bytes, arg: &Argument, position: usize) -> Scalar {
    let at = byte_of(&arg.view, position);
    Scalar::from_bytes(arg.dtype, &bytes[arg.region][at..at + arg.dtype.size()])
}

fn set(bytes: &mut Bytes, arg: &Argument, position: usize, value: Scalar) {
    assert_eq!(value.dtype(), arg.dtype);
    let at = byte_of(&arg.view, position);
    bytes[arg.region][at..at + arg.dtype.size()].copy_from_slice(value.as_bytes());
}

fn combine(op: Op, dtype: Dtype, a: Scalar, b: Scalar) -> Scalar {
    let step = Step::Apply { op, dtype, args: [0, 1].into_iter().collect() };
    let body = Body { inputs: vec![dtype; 2], constants: Vec::new(), steps: vec![step], outputs: vec![2] };
    eval(&body, &[a, b], &[])[0]
}

fn map(body: &Body, task: &Recorded, bytes: &mut Bytes) {
    let (inputs, outputs) = task.args.split_at(body.inputs.len());
    for position in 0..task.extent {
        let values: Vec<Scalar> = inputs.iter().map(|arg| get(bytes, arg, position)).collect();
        for (arg, value) in outputs.iter().zip(eval(body, &values, &task.scalars)) {
            set(bytes, arg, position, value);
        }
    }
}

/// The partial results of a reduction without stored outputs: every leaf folded from first to last, which only rows
/// that are associative to the bit allow.
fn leaves(reduce: &Reduce, task: &Recorded, bytes: &mut Bytes) {
    let (partials, inputs) = task.args.split_last().expect("reductions have partials");
    let axes: Vec<usize> = reduce.axes.iter().map(|&axis| axis as usize).collect();
    let arranged: Vec<Argument> =
        inputs.iter().map(|arg| Argument { view: arg.view.permuted(&axes), ..arg.clone() }).collect();
    let shape = &arranged[0].view.shape;
    let n: usize = shape[reduce.kept..].iter().product();
    let kept: usize = shape[..reduce.kept].iter().product();
    let count = n.div_ceil(LEAF);
    for result in 0..kept {
        for leaf in 0..count {
            let mut folded: Option<Scalar> = None;
            for position in leaf * LEAF..((leaf + 1) * LEAF).min(n) {
                let values: Vec<Scalar> =
                    arranged.iter().map(|arg| get(bytes, arg, result * n + position)).collect();
                let value = eval(&reduce.body, &values, &task.scalars)[0];
                folded = Some(folded.map_or(value, |old| combine(reduce.ops[0], partials.dtype, old, value)));
            }
            // Partials lie in the order of the points.
            let point = match reduce.order {
                Order::KeptFirst => result * count + leaf,
                Order::ReducedFirst => leaf * kept + result,
            };
            set(bytes, partials, point, folded.expect("leaves are not empty"));
        }
    }
}

/// The one element that indices name.
fn addressed(
    bytes: &Bytes,
    indexed_arg: &Argument,
    indices: &[Argument],
    indexed: &Indexed,
    position: usize,
) -> Argument {
    let mut offset = byte_of(&indexed_arg.view, position) as isize;
    for (arg, (&extent, &stride)) in indices.iter().zip(indexed.extents.iter().zip(&indexed.strides)) {
        let index = get(bytes, arg, position).as_i64() as isize;
        offset += if index < 0 { index + extent as isize } else { index } * stride;
    }
    let view = View { offset, shape: Default::default(), strides: Default::default() };
    Argument { view, ..indexed_arg.clone() }
}
