//! Sorting and merging on a device and on the host's processor: both give the same bits, whatever NaNs and zeros there are.

use super::{Check, aligned};
use crate::common::{Layout, Memory, Random, launch, run};
use maniple_ops::{Dtype, Scalar};
use maniple_runtime::{Access, Arg, Kernel, Privilege, Sorted, View};

/// Extents with the rows last, and elements of a run: runs that a thread, a workgroup or a few tiles hold, and longer ones.
const SORTS: [(&[usize], usize); 16] = [
    (&[1], 1),
    (&[5, 1], 1),
    (&[64], 64),
    (&[65], 65),
    (&[300, 7], 7),
    (&[40, 33], 33),
    (&[1000], 301),
    (&[40, 100], 100),
    (&[2, 3, 600], 600),
    (&[2048], 2048),
    (&[3, 1025], 1025),
    (&[2049], 2049),
    (&[9000], 4100),
    (&[3, 5000], 5000),
    (&[25_000], 12_500),
    (&[140_001], 70_001),
];

/// Elements, and elements of a run.
const MERGES: [(usize, usize); 8] = [
    (1, 1),
    (50, 20),
    (900, 450),
    (3000, 400),
    (10_000, 9000),
    (70_000, 20_000),
    (20_000, 300),
    (30_000, 170),
];

/// Rows and runs, of values, positions and both.
pub fn rows_are_sorted_as_on_the_host(check: &Check<'_>) {
    let mut random = Random(41);
    for dtype in sorted_dtypes() {
        for (shape, length) in SORTS {
            // Compiling is what takes time.
            if random.below(3) > 0 {
                continue;
            }
            let gives = random.pick(&Sorted::ALL);
            let mut memory = Memory::default();
            let layout = random.pick(&aligned(&Layout::FOR_OUTPUTS));
            let view = layout.view(shape, dtype.size());
            let mut args = vec![memory.add(view, dtype, Privilege::Read, &mut random)];
            fill(&args[0], &mut memory, &mut random);
            if gives == Sorted::Values && random.below(2) == 0 {
                args.push(Arg { privilege: Privilege::Write, ..args[0].clone() });
            } else {
                results(&mut args, shape, (dtype, gives), &mut memory, &mut random);
            }
            args.iter_mut().for_each(|arg| arg.access = Access::Rows(length));
            let (n, size) = (shape[shape.len() - 1], shape.iter().product::<usize>());
            let points = size / n * n.div_ceil(length);
            let kernel = Kernel::Sort { dtype, gives, run: length };
            same_bytes(check, kernel, args, points, &memory, &mut random);
        }
    }
}

/// Runs of a row, with positions and without.
pub fn runs_are_merged_as_on_the_host(check: &Check<'_>) {
    let mut random = Random(42);
    for dtype in sorted_dtypes() {
        for (n, length) in MERGES {
            if random.below(2) > 0 {
                continue;
            }
            let gives = random.pick(&Sorted::ALL);
            let mut memory = Memory::default();
            let mut plain = |dtype: Dtype, privilege: Privilege, access: Access| {
                let view = View::contiguous(&[n], dtype.size());
                Arg { access, ..memory.add(view, dtype, privilege, &mut random) }
            };
            let input = plain(dtype, Privilege::Read, Access::Rows(length));
            let mut runs = vec![plain(dtype, Privilege::Write, Access::Rows(length))];
            if gives.has_order() {
                runs.push(plain(Dtype::Int64, Privilege::Write, Access::Rows(length)));
            }
            fill(&input, &mut memory, &mut random);
            let sorted = if gives.has_order() { Sorted::Both } else { Sorted::Values };
            let sort = launch(
                Kernel::Sort { dtype, gives: sorted, run: length },
                [&[input], &runs[..]].concat(),
                n.div_ceil(length),
            );
            assert!(run(&check.bench.cpu, &sort, &mut memory, &[], 1), "the host runs {sort}");
            for arg in &mut runs {
                (arg.privilege, arg.access) =
                    (Privilege::Read, Access::Whole(arg.view.span(arg.dtype.size())));
            }
            results(&mut runs, &[n], (dtype, gives), &mut memory, &mut random);
            let kernel = Kernel::Merge { dtype, gives, run: length };
            same_bytes(check, kernel, runs, n, &memory, &mut random);
        }
    }
}

fn sorted_dtypes() -> impl Iterator<Item = Dtype> {
    Dtype::ALL.into_iter().filter(|dtype| !dtype.is_complex())
}

/// Runs a launch on both and compares all bytes: NaNs are moved as they are.
fn same_bytes(
    check: &Check<'_>,
    kernel: Kernel,
    args: Vec<Arg>,
    points: usize,
    memory: &Memory,
    random: &mut Random,
) {
    let launch = launch(kernel, args, points);
    let (mut wanted, mut found) = (memory.clone(), memory.clone());
    if !check.bench.run(&launch, &mut found, &[], random.pick(&[1, 3]), None) {
        return assert!(!(check.owes)(&launch), "the device runs {launch}");
    }
    assert!(run(&check.bench.cpu, &launch, &mut wanted, &[], 1), "the host runs {launch}");
    for arg in launch.args.iter().filter(|arg| arg.privilege.writes()) {
        for position in 0..arg.view.size() {
            let (found, wanted) = (found.get(arg, position), wanted.get(arg, position));
            assert_eq!(found.as_bytes(), wanted.as_bytes(), "at {position} of {arg}: {launch}");
        }
    }
    assert!(found.regions == wanted.regions, "bytes between elements changed: {launch}");
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
        let view = random.pick(&aligned(&Layout::FOR_OUTPUTS)).view(shape, dtype.size());
        args.push(memory.add(view, dtype, Privilege::Write, random));
    }
}

/// Sets elements to random ones: with any bits, or such as are often equal, with zeros of both signs and several NaNs.
fn fill(arg: &Arg, memory: &mut Memory, random: &mut Random) {
    let (dtype, any) = (arg.dtype, random.below(3) == 0);
    let few: Vec<u64> = match dtype {
        Dtype::Bool => vec![0, 1],
        Dtype::Float16 => vec![0, 0x8000, 0x7e00, 0xfe01, 0x7c01, 0x7c00, 0xfc00, 1, 0x8001, 0x3c00],
        Dtype::Float32 => {
            vec![0, 1 << 31, 0x7fc0_0000, 0xffc0_0001, 0x7f80_0001, 0x7f80_0000, 0xff80_0000, 1, 0x8000_0001]
        }
        Dtype::Float64 => vec![
            0,
            1 << 63,
            0x7ff8 << 48,
            (0xfff8 << 48) + 1,
            (0x7ff0 << 48) + 1,
            (0x7ff0 << 48) + (1 << 40),
            0x7ff0 << 48,
            0xfff0 << 48,
            1,
            (1 << 63) + 1,
            (1 << 63) + (1 << 32),
        ],
        _ => vec![0, 1, u64::MAX, 1 << 63, 1 << 31, 1 << 15, 1 << 7, i64::MAX as u64, 5],
    };
    for position in 0..arg.view.size() {
        let bits = match (any && dtype != Dtype::Bool, random.below(4)) {
            (true, _) => random.next() ^ random.next() << 40,
            (false, 0) => random.next() % 2,
            (false, _) => random.pick(&few),
        };
        memory.set(arg, position, Scalar::from_bytes(dtype, &bits.to_le_bytes()[..dtype.size()]));
    }
}
