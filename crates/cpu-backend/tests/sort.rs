//! Sorting of every dtype and layout, in runs and in pieces, compared with the slow executor's order.

mod common;

use common::{Layout, Memory, Random, cpu, launch, run};
use maniple_ops::{Dtype, Scalar};
use maniple_runtime::{Access, Arg, Kernel, Privilege, Sorted, View};
use std::cmp::Ordering;

/// Extents with the rows last, and elements of a run.
const SHAPES: [(&[usize], usize); 9] = [
    (&[1], 1),
    (&[7], 7),
    (&[300], 300),
    (&[1000], 301),
    (&[3, 50], 50),
    (&[40, 6], 6),
    (&[2, 3, 9], 9),
    (&[2000, 3], 3),
    (&[70, 700], 700),
];

fn order(a: Scalar, b: Scalar) -> Ordering {
    match a.dtype().is_inexact() {
        true => (a.as_f64().partial_cmp(&b.as_f64()))
            .unwrap_or_else(|| a.as_f64().is_nan().cmp(&b.as_f64().is_nan())),
        false if a.dtype() == Dtype::UInt64 => (a.as_i64() as u64).cmp(&(b.as_i64() as u64)),
        false => a.as_i64().cmp(&b.as_i64()),
    }
}

fn with(arg: Arg, access: Access) -> Arg {
    Arg { access, ..arg }
}

/// Arguments for what is given, behind others.
fn results(
    args: &mut Vec<Arg>,
    shape: &[usize],
    (dtype, gives): (Dtype, Sorted),
    memory: &mut Memory,
    random: &mut Random,
) {
    let dtypes = [(gives.has_values(), dtype), (gives.has_order(), Dtype::Int64)];
    for (_, dtype) in dtypes.into_iter().filter(|&(given, _)| given) {
        let layout = random.pick(&Layout::FOR_OUTPUTS);
        args.push(memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Write, random));
    }
}

/// Compares what a launch gave with elements and positions, and sees that nothing else was written.
fn check_given(
    (before, memory): (&Memory, &Memory),
    (args, gives): (&[Arg], Sorted),
    wanted: &[(Scalar, i64)],
    what: &dyn std::fmt::Display,
) {
    let mut cleaned = memory.clone();
    let mut args = args.iter();
    if gives.has_values() {
        let arg = args.next().expect("values are given");
        for (at, (value, _)) in wanted.iter().enumerate() {
            assert_eq!(memory.get(arg, at).as_bytes(), value.as_bytes(), "element {at}: {what}");
            cleaned.set(arg, at, before.get(arg, at));
        }
    }
    if gives.has_order() {
        let arg = args.next().expect("positions are given");
        for (at, &(_, position)) in wanted.iter().enumerate() {
            assert_eq!(memory.get(arg, at).as_i64(), position, "position {at}: {what}");
            cleaned.set(arg, at, before.get(arg, at));
        }
    }
    assert!(cleaned.regions == before.regions, "bytes beside the results changed: {what}");
}

fn check((shape, length): (&[usize], usize), dtype: Dtype, gives: Sorted, random: &mut Random) {
    let mut memory = Memory::default();
    let layout = random.pick(&Layout::FOR_OUTPUTS);
    let mut args = vec![memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Read, random)];
    if gives == Sorted::Values && random.below(3) == 0 {
        args.push(Arg { privilege: Privilege::Write, ..args[0].clone() });
    } else {
        results(&mut args, shape, (dtype, gives), &mut memory, random);
    }
    let args: Vec<Arg> = args.into_iter().map(|arg| with(arg, Access::Rows(length))).collect();
    let (n, size) = (shape[shape.len() - 1], shape.iter().product::<usize>());
    let mut wanted: Vec<(Scalar, i64)> =
        (0..size).map(|at| (memory.get(&args[0], at), (at % n) as i64)).collect();
    let runs = wanted.chunks_mut(n).flat_map(|row| row.chunks_mut(length));
    runs.for_each(|run| run.sort_by(|a, b| order(a.0, b.0)));
    let launch =
        launch(Kernel::Sort { dtype, gives, run: length }, args.clone(), size / n * n.div_ceil(length));
    let before = memory.clone();
    let pieces = random.pick(&[1, 2, 5]);
    assert!(run(&cpu(), &launch, &mut memory, &[], pieces), "{launch}");
    check_given((&before, &memory), (&args[1..], gives), &wanted, &launch);
}

fn check_merge(n: usize, length: usize, dtype: Dtype, gives: Sorted, random: &mut Random) {
    let mut memory = Memory::default();
    let plain = |dtype: Dtype| View::contiguous(&[n], dtype.size());
    let mut args = vec![memory.add(plain(dtype), dtype, Privilege::Read, random)];
    if gives.has_order() {
        args.push(memory.add(plain(Dtype::Int64), Dtype::Int64, Privilege::Read, random));
    }
    let mut all: Vec<(Scalar, i64)> = (0..n).map(|at| (memory.get(&args[0], at), at as i64)).collect();
    all.chunks_mut(length).for_each(|run| run.sort_by(|a, b| order(a.0, b.0)));
    for (at, &(value, position)) in all.iter().enumerate() {
        memory.set(&args[0], at, value);
        if gives.has_order() {
            memory.set(&args[1], at, Scalar::new(position));
        }
    }
    all.sort_by(|a, b| order(a.0, b.0));
    for arg in &mut args {
        arg.access = Access::Whole(arg.view.span(arg.dtype.size()));
    }
    let inputs = args.len();
    results(&mut args, &[n], (dtype, gives), &mut memory, random);
    let launch = launch(Kernel::Merge { dtype, gives, run: length }, args.clone(), n);
    let before = memory.clone();
    let pieces = random.pick(&[1, 2, 5]);
    assert!(run(&cpu(), &launch, &mut memory, &[], pieces), "{launch}");
    check_given((&before, &memory), (&args[inputs..], gives), &all, &launch);
}

fn dtypes() -> impl Iterator<Item = Dtype> {
    Dtype::ALL.into_iter().filter(|dtype| !dtype.is_complex())
}

#[test]
fn rows_and_runs_are_sorted() {
    let mut random = Random(41);
    for dtype in dtypes() {
        for shape in SHAPES {
            for _ in 0..3 {
                Sorted::ALL.into_iter().for_each(|gives| check(shape, dtype, gives, &mut random));
            }
        }
    }
}

#[test]
fn runs_are_merged() {
    let mut random = Random(42);
    for dtype in dtypes() {
        for (n, length) in [(1, 1), (5, 2), (900, 450), (20_000, 9_000), (3000, 400)] {
            Sorted::ALL.into_iter().for_each(|gives| check_merge(n, length, dtype, gives, &mut random));
        }
    }
}
