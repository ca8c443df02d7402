//! Measures every row and every cast: nanoseconds per element at each instruction set level, on one thread.
//!
//! `throughput [NAME ...]` measures the rows of those names (`cast` for the casts), or all of them: 1024 elements from
//! the row's domain, so that all operands stay in the first cache, the shortest of many runs. Build it with `--release`.

use maniple_ops::{Block, Dtype, Level, Op, Scalar, block_at, cast_block_at, samples, signature};
use std::time::Instant;

/// The elements of a run: few enough that all operands stay in the first cache.
const COUNT: usize = 1024;
/// How many times a measurement is repeated; the shortest counts.
const REPEATS: usize = 100;
/// The runs that one measurement times together, as a clock is coarse.
const RUNS: u32 = 10;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| *level <= Level::detected()).collect();
    println!("{:20} {:12} ns per element at {levels:?}", "row", "dtype");
    for &op in Op::ALL {
        for dtype in Dtype::ALL {
            let Some(of) = signature(op, dtype) else { continue };
            if !wanted(op.row().numpy) {
                continue;
            }
            let columns: Vec<Vec<Scalar>> = (0..of.ins.len())
                .map(|place| {
                    let values = samples::domain(op, dtype, place, COUNT);
                    values.into_iter().map(|value| value.cast(of.ins[place])).collect()
                })
                .collect();
            let times = levels.iter().map(|&level| {
                time(
                    block_at(op, dtype, level).expect("a row with a signature has a loop"),
                    &columns,
                    &of.outs,
                )
            });
            report(op.row().numpy, dtype.name(), times);
        }
    }
    if wanted("cast") {
        for from in Dtype::ALL {
            for to in Dtype::ALL {
                let columns = [samples::domain(Op::Arcsin, from, 0, COUNT)];
                let times = levels.iter().map(|&level| time(cast_block_at(from, to, level), &columns, &[to]));
                report("cast", &format!("{from} {to}"), times);
            }
        }
    }
}

fn report(name: &str, dtypes: &str, times: impl Iterator<Item = f64>) {
    let times: Vec<String> = times.map(|time| format!("{time:8.3}")).collect();
    println!("{name:20} {dtypes:12} {}", times.join(" "));
}

/// Nanoseconds per element.
fn time(block: Block, columns: &[Vec<Scalar>], outs: &[Dtype]) -> f64 {
    let inputs: Vec<Vec<u128>> = columns
        .iter()
        .map(|column| {
            let bytes: Vec<u8> = column.iter().flat_map(|value| value.to_bytes()).collect();
            let mut words = vec![0u128; COUNT];
            bytemuck::cast_slice_mut::<u128, u8>(&mut words)[..bytes.len()].copy_from_slice(&bytes);
            words
        })
        .collect();
    let mut outputs: Vec<Vec<u128>> = outs.iter().map(|_| vec![0u128; COUNT]).collect();
    let ins: Vec<*const u8> = inputs.iter().map(|words| words.as_ptr().cast()).collect();
    let pointers: Vec<*mut u8> = outputs.iter_mut().map(|words| words.as_mut_ptr().cast()).collect();
    let mut shortest = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        for _ in 0..RUNS {
            // SAFETY: aligned, distinct buffers of `COUNT` elements, and a level that this processor has.
            unsafe { block(ins.as_ptr(), pointers.as_ptr(), COUNT) };
        }
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    shortest / RUNS as f64 / COUNT as f64 * 1e9
}
