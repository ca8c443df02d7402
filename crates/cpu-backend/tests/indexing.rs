//! Gathers, scatters, ranges, masks and copies, compared with loops over single elements.

mod common;

use common::{Layout, Memory, Random, cpu, launch, run, same, shape};
use maniple_cpu::{Cpu, CpuDescription};
use maniple_ops::{Body, Dtype, Op, Scalar, Step, eval};
use maniple_runtime::{
    Arg, Backend, DeviceError, Handoff, Indexed, Kernel, MemoryId, PointTask, Privilege, ProcessorId, View,
};
use smallvec::smallvec;
use std::sync::Arc;

/// An indexed store of `extents` whose first axes are indexed by arrays of shape `points`; the others stay.
struct Case {
    extents: Vec<usize>,
    indexed: usize,
    points: Vec<usize>,
    dtype: Dtype,
    store: Layout,
    indices: Layout,
    values: Layout,
}

/// The arguments of the case, and the result of every value's position: its byte in the store.
fn arguments(case: &Case, memory: &mut Memory, random: &mut Random) -> (Vec<Arg>, Indexed) {
    let Case { extents, indexed, points, dtype, .. } = case;
    let item = dtype.size();
    let (taken, left) = extents.split_at(*indexed);
    let full = [&points[..], left].concat();
    let mut store = memory.add(case.store.view(extents, item), *dtype, Privilege::ReadWrite, random);
    let strides: Vec<isize> = store.view.strides[..*indexed].to_vec();
    let mut view_strides = smallvec![0; points.len()];
    view_strides.extend_from_slice(&store.view.strides[*indexed..]);
    store.view = View { offset: store.view.offset, shape: shape(&full), strides: view_strides };
    let mut args = vec![store];
    for &extent in taken {
        let mut index = memory.add(case.indices.view(points, 8), Dtype::Int64, Privilege::Read, random);
        for position in 0..index.view.size() {
            let value = random.below(2 * extent) as i64 - extent as i64;
            memory.set(&index, position, Scalar::new(value));
        }
        index.view.shape = shape(&full);
        index.view.strides.resize(full.len(), 0);
        args.push(index);
    }
    args.push(memory.add(case.values.view(&full, item), *dtype, Privilege::ReadWrite, random));
    (args, Indexed { extents: taken.to_vec(), strides })
}

/// The view that names just the element of the store which belongs to a position.
fn element(memory: &Memory, args: &[Arg], indexed: &Indexed, position: usize) -> Arg {
    let mut offset = common::byte_of(&args[0].view, position) as isize;
    for (arg, (&extent, &stride)) in args[1..].iter().zip(indexed.extents.iter().zip(&indexed.strides)) {
        let index = memory.get(arg, position).as_i64() as isize;
        offset += if index < 0 { index + extent as isize } else { index } * stride;
    }
    Arg { view: View { offset, shape: smallvec![], strides: smallvec![] }, ..args[0].clone() }
}

fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in
        [Dtype::Float64, Dtype::UInt8, Dtype::Int16, Dtype::Float32, Dtype::Complex64, Dtype::Complex128]
    {
        for (extents, indexed, points) in [
            (&[50][..], 1, &[2000][..]),
            (&[50], 1, &[]),
            (&[50], 1, &[30, 40]),
            (&[20, 3], 1, &[500]),
            (&[20, 300], 1, &[30]),
            (&[7, 8, 9], 2, &[100]),
            (&[7, 8, 9], 3, &[1000]),
            (&[4, 5, 6, 7], 2, &[3, 4]),
            (&[30], 1, &[0]),
        ] {
            for round in 0..6 {
                let outputs = if round == 0 { &Layout::FOR_OUTPUTS[..1] } else { &Layout::FOR_OUTPUTS };
                let any = if round == 0 { &Layout::ALL[..1] } else { &Layout::ALL };
                cases.push(Case {
                    extents: extents.to_vec(),
                    indexed,
                    points: points.to_vec(),
                    dtype,
                    store: random.pick(outputs),
                    indices: random.pick(any),
                    values: random.pick(outputs),
                });
            }
        }
    }
    cases
}

#[test]
fn gathers_fetch_every_element() {
    let (cpu, mut random) = (cpu(), Random(21));
    for case in cases(&mut random) {
        let mut memory = Memory::default();
        let (args, indexed) = arguments(&case, &mut memory, &mut random);
        let values = &args[args.len() - 1];
        let size = values.view.size();
        for pieces in [1, 3] {
            let launch = launch(Kernel::Gather(indexed.clone()), args.clone(), size);
            assert!(run(&cpu, &launch, &mut memory, &[], pieces));
            for position in 0..size {
                let source = element(&memory, &args, &indexed, position);
                assert!(same(memory.get(values, position), memory.get(&source, 0)), "{:?}", case.extents);
            }
        }
    }
}

#[test]
fn scatters_write_in_order() {
    let (cpu, mut random) = (cpu(), Random(22));
    for case in cases(&mut random) {
        for op in [None, Some(Op::Add), Some(Op::Maximum)] {
            let mut memory = Memory::default();
            let (args, indexed) = arguments(&case, &mut memory, &mut random);
            let values = &args[args.len() - 1];
            let size = values.view.size();
            let mut expected = memory.clone();
            for position in 0..size {
                let target = element(&memory, &args, &indexed, position);
                let mut value = memory.get(values, position);
                if let Some(op) = op {
                    let step = Step::Apply { op, dtype: case.dtype, args: smallvec![0, 1] };
                    let body = Body {
                        inputs: vec![case.dtype; 2],
                        constants: vec![],
                        steps: vec![step],
                        outputs: vec![2],
                    };
                    value = eval(&body, &[expected.get(&target, 0), value], &[])[0];
                }
                expected.set(&target, 0, value);
            }
            let launch = launch(Kernel::Scatter { indexed, combine: op }, args.clone(), size);
            assert!(run(&cpu, &launch, &mut memory, &[], 1));
            assert!(memory.regions == expected.regions, "{:?} {:?} {op:?}", case.extents, case.dtype);
        }
    }
}

#[test]
fn ranges_are_start_plus_index_times_step() {
    let (cpu, mut random) = (cpu(), Random(23));
    for dtype in Dtype::ALL {
        for layout in Layout::FOR_OUTPUTS {
            let mut memory = Memory::default();
            let output =
                memory.add(layout.view(&[30, 70], dtype.size()), dtype, Privilege::Write, &mut random);
            let (start, step) = (Scalar::new(3i8).cast(dtype), Scalar::new(2i8).cast(dtype));
            let launch = launch(Kernel::Iota { dtype }, vec![output.clone()], 2100);
            assert!(run(&cpu, &launch, &mut memory, &[start, step], random.pick(&[1, 3])));
            for position in 0..2100 {
                let index = Scalar::new(position as i64).cast(dtype);
                let wanted = combine(Op::Add, start, combine(Op::Multiply, index, step));
                let found = memory.get(&output, position);
                // In half precision the index itself is rounded here.
                assert!(
                    same(found, wanted) || dtype == Dtype::Float16,
                    "{dtype} {layout:?} {found:?} {wanted:?}"
                );
            }
        }
    }
}

fn combine(op: Op, a: Scalar, b: Scalar) -> Scalar {
    let step = Step::Apply { op, dtype: a.dtype(), args: smallvec![0, 1] };
    let body = Body { inputs: vec![a.dtype(); 2], constants: vec![], steps: vec![step], outputs: vec![2] };
    eval(&body, &[a, b], &[])[0]
}

#[test]
fn true_elements_are_listed_in_order() {
    let (cpu, mut random) = (cpu(), Random(24));
    for dtype in [Dtype::Bool, Dtype::Int64, Dtype::Float32] {
        for extents in [&[][..], &[0], &[5000], &[30, 40], &[3, 4, 5, 6]] {
            for layout in Layout::ALL {
                let mut memory = Memory::default();
                let mask =
                    memory.add(layout.view(extents, dtype.size()), dtype, Privilege::Read, &mut random);
                for position in (0..mask.view.size()).filter(|position| position % 5 != 0) {
                    memory.set(&mask, position, Scalar::zero(dtype));
                }
                let truths: Vec<usize> = (0..mask.view.size())
                    .filter(|&at| memory.get(&mask, at).cast(Dtype::Bool) == Scalar::one(Dtype::Bool))
                    .collect();
                let view = random.pick(&Layout::FOR_OUTPUTS).view(&[truths.len(), extents.len()], 8);
                let output = memory.add(view, Dtype::Int64, Privilege::Write, &mut random);
                let launch = launch(Kernel::Nonzero, vec![mask.clone(), output.clone()], mask.view.size());
                assert!(run(&cpu, &launch, &mut memory, &[], 1));
                for (row, &position) in truths.iter().enumerate() {
                    let mut rest = position;
                    for axis in (0..extents.len()).rev() {
                        let found = memory.get(&output, row * extents.len() + axis).as_i64();
                        assert_eq!(found, (rest % extents[axis]) as i64, "{dtype} {extents:?} {layout:?}");
                        rest /= extents[axis];
                    }
                }
            }
        }
    }
}

#[test]
fn memories_are_described_limited_and_separate() {
    let cpu = Cpu::new(&CpuDescription {
        workers: vec![2, 1, 1],
        memory_limit: Some(1 << 20),
        ..CpuDescription::default()
    });
    let part = cpu.describe();
    assert_eq!(part.memories.iter().map(|memory| memory.bytes).collect::<Vec<_>>(), [1 << 20; 3]);
    assert_eq!(part.processors.iter().map(|processor| processor.workers).collect::<Vec<_>>(), [2, 1, 1]);
    let whole: Vec<_> = (0..3).map(|at| cpu.alloc(MemoryId(at), 1 << 20).expect("it fits")).collect();
    assert!((0..3).all(|at| cpu.alloc(MemoryId(at), 1).is_err()));
    whole.into_iter().for_each(|allocation| cpu.free(allocation));
    assert!(cpu.alloc(MemoryId(0), usize::MAX).is_err());
}

/// An index out of bounds would be the caller's mistake; a missing constant is one that can be made safely.
#[test]
fn a_panic_in_a_kernel_is_an_error() {
    let (cpu, mut random) = (cpu(), Random(25));
    let mut memory = Memory::default();
    let output = memory.add(View::contiguous(&[10], 8), Dtype::Float64, Privilege::Write, &mut random);
    let launch = launch(Kernel::Iota { dtype: Dtype::Float64 }, vec![output], 10);
    let binding = Arc::new(maniple_runtime::Binding {
        bases: smallvec![memory.regions[0].as_mut_ptr().expose_provenance() as u64],
        ..Default::default()
    });
    for handoff in [Handoff::Inline, Handoff::Queue] {
        let task = PointTask { launch: &launch, binding: &binding, first: 0, last: 10 };
        let event = cpu.run(ProcessorId(0), task, handoff, &[]);
        assert!(matches!(cpu.wait(event), Err(DeviceError(_))));
        assert!(cpu.poll(event));
    }
}
