//! Random launches of every class but element-wise ones, on a device and on the host's processor: both give the same bits.

mod folds;
mod sorting;

use self::folds::largest;
pub use self::folds::{
    folding_reports_flags_of_its_own, folds_report_flags_of_their_own, leaves_are_folded_as_on_the_host,
    reductions_have_the_bits_of_the_host, reductions_report_the_flags_of_their_steps,
    rows_that_no_tree_may_fold_are_folded_within_a_leaf_only,
};
pub use self::sorting::{rows_are_sorted_as_on_the_host, runs_are_merged_as_on_the_host};
use crate::Bench;
use crate::common::{self, Layout, Memory, Random, launch, run, run_reporting, same};
use maniple_ops::{BitGenerator, Dtype, Op, Scalar};
use maniple_runtime::{Access, Arg, Extreme, Indexed, Kernel, Launch, Privilege, Report, Span};
use std::sync::Arc;

/// What is checked of a backend.
pub struct Check<'a> {
    /// The backend beside the host's processor.
    pub bench: &'a Bench,
    /// The dtypes that it computes with.
    pub holds: &'a dyn Fn(Dtype) -> bool,
    /// Whether it must take a launch.
    pub owes: &'a dyn Fn(&Launch) -> bool,
    /// The dtypes whose multiply-adds it rounds once, as the host does.
    pub contracts: &'a dyn Fn(Dtype) -> bool,
    /// The dtype with which floating point flags are tried.
    pub real: Dtype,
}

impl Check<'_> {
    /// Runs a launch on both and compares every element of the arguments that are written, and all bytes between them.
    fn equal(
        &self,
        kernel: &Kernel,
        args: &[Arg],
        extent: usize,
        scalars: &[Scalar],
        memory: &Memory,
        pieces: usize,
    ) {
        let launch = launch(kernel.clone(), args.to_vec(), extent);
        let (mut wanted, mut found) = (memory.clone(), memory.clone());
        if !self.bench.run(&launch, &mut found, scalars, pieces, None) {
            return assert!(!(self.owes)(&launch), "the device runs {launch}");
        }
        assert!(run(&self.bench.cpu, &launch, &mut wanted, scalars, 1), "the host runs {launch}");
        for arg in args.iter().filter(|arg| arg.privilege.writes()) {
            for position in 0..arg.view.size() {
                let (found_here, wanted_here) = (found.get(arg, position), wanted.get(arg, position));
                assert!(
                    same(found_here, wanted_here),
                    "{found_here:?} is not {wanted_here:?} at {position} of {arg}, {pieces} pieces: {launch}"
                );
                found.set(arg, position, wanted_here);
            }
        }
        assert!(found.regions == wanted.regions, "bytes between elements changed: {launch}");
    }

    /// The rows that are folded.
    fn rows(&self) -> Vec<(Op, Dtype)> {
        ROWS.into_iter().filter(|&(_, dtype)| (self.holds)(dtype)).collect()
    }
}

/// Layouts whose elements a device can read at once.
fn aligned(layouts: &[Layout]) -> Vec<Layout> {
    layouts.iter().copied().filter(|&layout| layout != Layout::Unaligned).collect()
}

const ROWS: [(Op, Dtype); 18] = [
    (Op::Add, Dtype::Float64),
    (Op::Add, Dtype::Float32),
    (Op::Add, Dtype::Float16),
    (Op::Multiply, Dtype::Float64),
    (Op::Maximum, Dtype::Float32),
    (Op::Minimum, Dtype::Int16),
    (Op::Add, Dtype::Int64),
    (Op::Add, Dtype::Complex128),
    (Op::Add, Dtype::Complex64),
    (Op::Multiply, Dtype::UInt8),
    (Op::LogicalAnd, Dtype::Bool),
    (Op::Add, Dtype::Bool),
    (Op::Maximum, Dtype::Float16),
    (Op::BitwiseXor, Dtype::UInt32),
    (Op::Multiply, Dtype::Float32),
    (Op::Add, Dtype::Int32),
    (Op::Minimum, Dtype::Int8),
    (Op::Maximum, Dtype::UInt64),
];

/// Ranges of every dtype.
pub fn evenly_spaced_numbers_are_those_of_the_host(check: &Check<'_>) {
    let mut random = Random(23);
    for dtype in Dtype::ALL {
        for shape in [&[][..], &[1], &[3000], &[20, 30]] {
            let mut memory = Memory::default();
            let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
            let output = memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Write, &mut random);
            let scalars = [random.scalar(dtype), random.scalar(dtype)];
            let extent = output.view.size();
            check.equal(&Kernel::Iota { dtype }, &[output], extent, &scalars, &memory, random.pick(&[1, 3]));
        }
    }
}

/// Numbers of every bit generator, from the beginning of a stream and with a counter that is about to begin again.
pub fn random_numbers_are_those_of_the_host(check: &Check<'_>) {
    let mut random = Random(35);
    for generator in BitGenerator::ALL {
        for dtype in [Dtype::Float64, Dtype::Float32] {
            for shape in [&[][..], &[1], &[5], &[3001], &[20, 30], &[70_000]] {
                let mut memory = Memory::default();
                let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
                let view = layout.view(shape, dtype.size());
                let output = memory.add(view, dtype, Privilege::Write, &mut random);
                let word = |at: usize| match at {
                    6 => random.below(5) as u64,
                    0 => u64::MAX - random.below(40) as u64,
                    _ => (random.below(1 << 31) as u64) << 33 | random.below(1 << 31) as u64 | 1,
                };
                let state: Vec<Scalar> = (0..generator.words()).map(word).map(Scalar::new).collect();
                let (extent, kernel) = (output.view.size(), Kernel::Draw { generator, dtype });
                check.equal(&kernel, &[output], extent, &state, &memory, random.pick(&[1, 3, 7]));
            }
        }
    }
}

/// An indexed store of a shape, some of whose axes are indexed by random index arrays of the shape `points`, which takes
/// the place of the indexed axes in front of the others. Returns the arguments: store, indices, values.
fn indexing(
    shape: &[usize],
    indexed: usize,
    points: &[usize],
    dtype: Dtype,
    privileges: [Privilege; 2],
    memory: &mut Memory,
    random: &mut Random,
) -> (Indexed, Vec<Arg>) {
    let item = dtype.size();
    let mut store = random.pick(&aligned(&Layout::FOR_OUTPUTS)).view(shape, item);
    let whole = memory.add(store.clone(), dtype, privileges[0], random);
    let description =
        Indexed { extents: shape[..indexed].to_vec(), strides: store.strides[..indexed].to_vec() };
    let all = [points, &shape[indexed..]].concat();
    let rest = store.strides[indexed..].to_vec();
    store.shape = common::shape(&all);
    store.strides = points.iter().map(|_| 0).chain(rest).collect();
    let mut args = vec![Arg { view: store, ..whole }];
    for &extent in &shape[..indexed] {
        let mut view = random.pick(&aligned(&Layout::ALL)).view(points, 8);
        let index = memory.add(view.clone(), Dtype::Int64, Privilege::Read, random);
        for position in 0..view.size() {
            let at = random.below(2 * extent) as i64 - extent as i64;
            memory.set(&index, position, Scalar::new(at));
        }
        for &extent in &shape[indexed..] {
            view.shape.push(extent);
            view.strides.push(0);
        }
        args.push(Arg { view, ..index });
    }
    let layouts = if privileges[1].writes() { &Layout::FOR_OUTPUTS[..] } else { &Layout::ALL[..] };
    let values = random.pick(&aligned(layouts)).view(&all, item);
    args.push(memory.add(values, dtype, privileges[1], random));
    (description, args)
}

/// Reading by index.
pub fn elements_are_fetched_as_on_the_host(check: &Check<'_>) {
    let mut random = Random(24);
    for dtype in Dtype::ALL {
        for (shape, indexed, points) in [
            (&[50][..], 1, &[400][..]),
            (&[7, 40], 1, &[30]),
            (&[7, 40], 2, &[5, 60]),
            (&[3, 4, 5, 6], 3, &[900]),
            (&[9], 1, &[]),
        ] {
            let mut memory = Memory::default();
            let privileges = [Privilege::Read, Privilege::Write];
            let (indexed, args) =
                indexing(shape, indexed, points, dtype, privileges, &mut memory, &mut random);
            let extent = args[0].view.size();
            check.equal(&Kernel::Gather(indexed), &args, extent, &[], &memory, random.pick(&[1, 3]));
        }
    }
}

/// The first of the largest or smallest elements.
pub fn extremes_are_found_where_the_host_finds_them(check: &Check<'_>) {
    let mut random = Random(25);
    for dtype in Dtype::ALL {
        for (kept, reduced) in [
            (&[][..], &[1][..]),
            (&[], &[9000]),
            (&[3], &[40]),
            (&[2, 5], &[3, 700]),
            (&[700], &[5]),
            (&[60], &[300]),
        ] {
            let mut memory = Memory::default();
            let shape = [kept, reduced].concat();
            let layout = random.pick(&aligned(&Layout::ALL));
            let input = memory.add(layout.view(&shape, dtype.size()), dtype, Privilege::Read, &mut random);
            let results: usize = kept.iter().product();
            if dtype.is_inexact() && random.below(2) == 0 {
                for _ in 0..results {
                    let at = random.below(input.view.size());
                    memory.set(&input, at, Scalar::new(f64::NAN).cast(dtype));
                }
            }
            let output = random.pick(&aligned(&Layout::FOR_OUTPUTS)).view(kept, 8);
            let output = memory.add(output, Dtype::Int64, Privilege::Write, &mut random);
            let kernel =
                Kernel::ArgReduce { goal: random.pick(&[Extreme::Largest, Extreme::Smallest]), dtype };
            check.equal(&kernel, &[input, output], results, &[], &memory, random.pick(&[1, 3]));
        }
    }
}

/// Sums of small whole numbers are exact in any grouping, so that even rounded sums have the host's bits.
pub fn scans_have_the_results_of_the_host(check: &Check<'_>) {
    let mut random = Random(26);
    for (op, dtype) in
        check.rows().into_iter().chain([(Op::Subtract, Dtype::Float64), (Op::Add, Dtype::Int8)])
    {
        let strict = op == Op::Subtract || (op == Op::Multiply && dtype.is_inexact());
        for shape in [&[10][..], &[1300], &[3, 9000], &[300, 1500], &[2100, 20], &[9000, 3], &[2, 3, 40]] {
            let skipped = strict && shape != [9000, 3] && shape[shape.len() - 1] > 128;
            if skipped || random.below(3) > 0 {
                continue;
            }
            let mut memory = Memory::default();
            let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
            let in_place = random.below(3) == 0;
            let privilege = if in_place { Privilege::ReadWrite } else { Privilege::Read };
            let input = memory.add(layout.view(shape, dtype.size()), dtype, privilege, &mut random);
            for position in 0..input.view.size() {
                let value = if op == Op::Multiply { 1 } else { random.below(7) as i64 - 3 };
                memory.set(&input, position, Scalar::new(value).cast(dtype));
            }
            let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
            let output = match in_place {
                true => input.clone(),
                false => memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Write, &mut random),
            };
            let rows = input.view.size() / shape[shape.len() - 1];
            let pieces = random.pick(&[1, 3]);
            check.equal(&Kernel::Scan { op, dtype }, &[input, output], rows, &[], &memory, pieces);
        }
    }
}

/// Factors and result of a product of matrices: stack, rows, common extent, columns.
fn product(
    shape: (&[usize], [usize; 3]),
    layouts: [Layout; 3],
    dtype: Dtype,
    memory: &mut Memory,
    random: &mut Random,
) -> Vec<Arg> {
    let (stack, [m, k, n]) = shape;
    let sides = [[m, k], [k, n], [m, n]].map(|side| [stack, &side].concat());
    let mut args = Vec::new();
    for (at, (side, layout)) in sides.iter().zip(layouts).enumerate() {
        let privilege = if at == 2 { Privilege::Write } else { Privilege::Read };
        args.push(memory.add(layout.view(side, dtype.size()), dtype, privilege, random));
    }
    args[0].access = Access::Rows(k);
    args[1].access = Access::Whole(args[1].view.span(dtype.size()));
    args[2].access = Access::Rows(n);
    args
}

/// Extents of products of matrices: none, one or several tiles, and more than a block of the common axis.
const PRODUCTS: [(&[usize], [usize; 3]); 6] = [
    (&[], [1, 3, 2]),
    (&[3], [4, 5, 6]),
    (&[], [40, 300, 30]),
    (&[2], [130, 17, 70]),
    (&[], [24, 520, 65]),
    (&[2, 2], [30, 1, 31]),
];

/// Products of matrices. Numbers are small and whole where a device rounds otherwise than the host.
pub fn products_of_matrices_are_those_of_the_host(check: &Check<'_>) {
    let mut random = Random(33);
    let dtypes: Vec<Dtype> = (Dtype::ALL.into_iter())
        .filter(|&dtype| (check.holds)(dtype) && maniple_ops::matmul(dtype).is_some())
        .collect();
    for dtype in dtypes {
        for shape in PRODUCTS {
            let layouts = [
                random.pick(&aligned(&Layout::ALL)),
                random.pick(&aligned(&Layout::ALL)),
                random.pick(&aligned(&Layout::FOR_OUTPUTS)),
            ];
            let mut memory = Memory::default();
            let args = product(shape, layouts, dtype, &mut memory, &mut random);
            if !(check.contracts)(dtype) {
                for arg in &args[..2] {
                    for position in 0..arg.view.size() {
                        memory.set(arg, position, Scalar::new(random.below(9) as i64 - 4).cast(dtype));
                    }
                }
            }
            let points = shape.0.iter().product::<usize>() * shape.1[0];
            let pieces = random.pick(&[1, 3]);
            check.equal(&Kernel::Matmul { dtype }, &args, points, &[], &memory, pieces);
        }
    }
}

/// Events of products of matrices.
pub fn products_of_matrices_report_the_flags_of_the_host(check: &Check<'_>) {
    let mut random = Random(34);
    let dtype = check.real;
    let large = largest(dtype).as_f64();
    for shape in [(&[][..], [3, 5, 3]), (&[2], [26, 300, 27])] {
        for (a, b) in [(1.0, 2.0), (0.0, f64::INFINITY), (large, 2.0), (f64::NAN, 0.0), (2.0, f64::INFINITY)]
        {
            let mut memory = Memory::default();
            let args = product(shape, [Layout::Contiguous; 3], dtype, &mut memory, &mut random);
            for (arg, mark) in args.iter().zip([a, b]) {
                for position in 0..arg.view.size() {
                    memory.set(arg, position, Scalar::new(1.0).cast(dtype));
                }
                memory.set(arg, 0, Scalar::new(mark).cast(dtype));
            }
            let points = shape.0.iter().product::<usize>() * shape.1[0];
            let launch = launch(Kernel::Matmul { dtype }, args, points);
            let mut launch = Arc::into_inner(launch).expect("nobody else has it");
            launch.watch = vec![15];
            let launch = Arc::new(launch);
            let (wanted, found) = (Arc::new(Report::new(0, 1)), Arc::new(Report::new(0, 1)));
            let mut on_host = memory.clone();
            if !check.bench.run(&launch, &mut memory, &[], 1, Some(found.clone())) {
                continue;
            }
            assert!(run_reporting(&check.bench.cpu, &launch, &mut on_host, &[], 1, Some(wanted.clone())));
            assert_eq!(found.own(0), wanted.own(0), "{a} {b} in {launch}");
        }
    }
}

/// Indices of true elements.
pub fn true_elements_are_found_in_the_order_of_the_host(check: &Check<'_>) {
    let mut random = Random(27);
    for _ in 0..3 {
        for (shape, every) in
            [(&[1][..], 1), (&[40], 1), (&[9000], 3), (&[70, 80], 50), (&[3, 40, 50], 1), (&[6, 1, 2], 7)]
        {
            let dtype = random.pick(&Dtype::ALL);
            let mut memory = Memory::default();
            let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
            let mask = memory.add(layout.view(shape, dtype.size()), dtype, Privilege::Read, &mut random);
            let mut count = 0;
            for position in 0..mask.view.size() {
                let value = (random.below(every) == 0) as i64;
                memory.set(&mask, position, Scalar::new(value).cast(dtype));
                count += value as usize;
            }
            let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
            let view = layout.view(&[count, shape.len()], 8);
            let output = memory.add(view, Dtype::Int64, Privilege::Write, &mut random);
            check.equal(&Kernel::Nonzero, &[mask, output], 1, &[], &memory, 1);
        }
    }
}

/// Writing by index, overwriting and combining.
pub fn the_last_write_stays_as_on_the_host(check: &Check<'_>) {
    let mut random = Random(28);
    let combining = [(Op::Add, Dtype::Int64), (Op::Add, Dtype::UInt32), (Op::Maximum, Dtype::Int32)];
    let overwriting = Dtype::ALL.map(|dtype| (None, dtype));
    for (combine, dtype) in overwriting.into_iter().chain(combining.map(|(op, dtype)| (Some(op), dtype))) {
        for (shape, indexed, points) in [
            (&[50][..], 1, &[400][..]),
            (&[3000], 1, &[40]),
            (&[7, 40], 1, &[30]),
            (&[7, 40], 2, &[5, 60]),
            (&[9], 1, &[]),
        ] {
            let mut memory = Memory::default();
            let privileges = [Privilege::ReadWrite, Privilege::Read];
            let (indexed, mut args) =
                indexing(shape, indexed, points, dtype, privileges, &mut memory, &mut random);
            let (store, bytes) = (&mut args[0], memory.regions[0].len() * 16);
            let span = Span { low: 0, high: bytes - bytes % dtype.size() };
            store.access = Access::Whole(span);
            let extent = store.view.size();
            check.equal(&Kernel::Scatter { indexed, combine }, &args, extent, &[], &memory, 1);
        }
    }
}
