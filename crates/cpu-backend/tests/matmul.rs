//! Products of matrices of every dtype and layout, in pieces, compared with the definition of their elements.

mod common;

use common::{Layout, Memory, Random, cpu, launch, run, run_reporting, same};
use maniple_ops::{Dtype, Flags, Scalar, matmul_element};
use maniple_runtime::{Access, Arg, Kernel, Privilege, Report};
use std::sync::Arc;

const DTYPES: [Dtype; 12] = [
    Dtype::Int8,
    Dtype::Int16,
    Dtype::Int32,
    Dtype::Int64,
    Dtype::UInt8,
    Dtype::UInt16,
    Dtype::UInt32,
    Dtype::UInt64,
    Dtype::Float32,
    Dtype::Float64,
    Dtype::Complex64,
    Dtype::Complex128,
];

/// Stack, rows, common extent, columns.
type Shape = (&'static [usize], usize, usize, usize);

const SHAPES: [Shape; 10] = [
    (&[], 1, 1, 1),
    (&[], 3, 5, 2),
    (&[], 17, 8, 33),
    (&[], 13, 300, 40),
    (&[], 40, 7, 1),
    (&[], 2, 600, 2),
    (&[5], 4, 4, 4),
    (&[2, 3], 7, 9, 18),
    (&[3], 1, 260, 70),
    // More than is packed at once.
    (&[], 200, 2, 2100),
];

/// Arguments of a product over some memory.
fn product(
    shape: Shape,
    layouts: [Layout; 3],
    dtype: Dtype,
    memory: &mut Memory,
    random: &mut Random,
) -> Vec<Arg> {
    let (stack, m, k, n) = shape;
    let with = |rows, columns| [stack, &[rows, columns]].concat();
    let sides =
        [(with(m, k), Privilege::Read), (with(k, n), Privilege::Read), (with(m, n), Privilege::Write)];
    let mut args: Vec<Arg> = sides
        .into_iter()
        .zip(layouts)
        .map(|((shape, privilege), layout)| {
            memory.add(layout.view(&shape, dtype.size()), dtype, privilege, random)
        })
        .collect();
    args[0].access = Access::Rows(k);
    args[1].access = Access::Whole(args[1].view.span(dtype.size()));
    args[2].access = Access::Rows(n);
    args
}

fn check(shape: Shape, layouts: [Layout; 3], dtype: Dtype, pieces: usize, random: &mut Random) {
    let (stack, m, k, n) = shape;
    let mut memory = Memory::default();
    let args = product(shape, layouts, dtype, &mut memory, random);
    let points = stack.iter().product::<usize>() * m;
    let launch = launch(Kernel::Matmul { dtype }, args.clone(), points);
    let before = memory.clone();
    assert!(run(&cpu(), &launch, &mut memory, &[], pieces), "{launch}");
    let size = args[2].view.size();
    for position in (0..size).step_by(1 + size / 3000) {
        let (row, column) = (position / n, position % n);
        let a: Vec<Scalar> = (0..k).map(|at| before.get(&args[0], row * k + at)).collect();
        let b: Vec<Scalar> = (0..k).map(|at| before.get(&args[1], (row / m * k + at) * n + column)).collect();
        let wanted = matmul_element(dtype, &a, &b).expect("it is multiplied");
        let found = memory.get(&args[2], position);
        assert!(same(found, wanted), "{found:?} is not {wanted:?} at {position}, {pieces} pieces: {launch}");
    }
    // Nothing but elements of the result was written.
    for position in 0..size {
        memory.set(&args[2], position, before.get(&args[2], position));
    }
    assert!(memory.regions == before.regions, "bytes beside the result changed: {launch}");
}

#[test]
fn products_are_as_defined() {
    let mut random = Random(7);
    for dtype in DTYPES {
        for shape in SHAPES {
            check(shape, [Layout::Contiguous; 3], dtype, 1, &mut random);
            for _ in 0..4 {
                let layouts =
                    [random.pick(&Layout::ALL), random.pick(&Layout::ALL), random.pick(&Layout::FOR_OUTPUTS)];
                check(shape, layouts, dtype, random.pick(&[1, 2, 5]), &mut random);
            }
        }
    }
}

/// Events are those of the elements: nothing else takes part, whatever the shape leaves of tiles.
#[test]
fn only_elements_raise_events() {
    let infinite = f64::INFINITY;
    for (fill, first, wanted) in [
        (1.0, 2.0, Flags::NONE),
        (infinite, 2.0, Flags::NONE),
        (infinite, 0.0, Flags::INVALID),
        (1e308, 1e308, Flags::OVERFLOW),
        (f64::NAN, 0.0, Flags::NONE),
    ] {
        for dtype in [Dtype::Float64, Dtype::Complex128] {
            for shape in [(&[][..], 3, 5, 3), (&[], 5, 270, 9), (&[], 13, 40, 1100)] {
                let mut random = Random(1);
                let mut memory = Memory::default();
                let args = product(shape, [Layout::Contiguous; 3], dtype, &mut memory, &mut random);
                if dtype.is_complex() && fill == infinite {
                    continue;
                }
                for (arg, value) in args.iter().zip([first, fill]) {
                    for position in 0..arg.view.size() {
                        memory.set(arg, position, Scalar::new(value).cast(dtype));
                    }
                }
                let launch = launch(Kernel::Matmul { dtype }, args, shape.1);
                let report = Arc::new(Report::new(0, 1));
                assert!(run_reporting(&cpu(), &launch, &mut memory, &[], 2, Some(report.clone())));
                let told = report.own(0);
                for flag in [Flags::INVALID, Flags::OVERFLOW, Flags::DIVIDE] {
                    assert_eq!(
                        told.contains(flag),
                        wanted.contains(flag),
                        "{fill} {first} {shape:?} {told:?}"
                    );
                }
            }
        }
    }
}
