//! What recording and forcing cost: nanoseconds per operation on arrays of a few sizes.

use maniple_array::{Array, Dtype, Input, Op, Options, apply, apply_one, runtime};
use std::time::Instant;

fn median(mut work: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..31).map(|_| work()).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    for n in [1usize, 10, 1000, 10_000, 100_000, 1_000_000, 10_000_000] {
        let (x, y) = (Array::ones(&[n], Dtype::Float64).unwrap(), Array::ones(&[n], Dtype::Float64).unwrap());
        runtime().sync().unwrap();
        let rounds = (2_000_000 / n.max(100)).clamp(1, 20_000);
        let record = median(|| {
            let started = Instant::now();
            for _ in 0..48 {
                drop(apply_one(Op::Add, &[(&x).into(), (&y).into()]).unwrap());
            }
            let spent = started.elapsed().as_nanos() as f64 / 48.0;
            runtime().sync().unwrap();
            spent
        });
        let forced = |work: &dyn Fn()| {
            median(|| {
                let started = Instant::now();
                (0..rounds).for_each(|_| work());
                started.elapsed().as_nanos() as f64 / rounds as f64
            })
        };
        let update = forced(&|| {
            let twice = apply_one(Op::Multiply, &[(&y).into(), Input::Float(2.0)]).unwrap();
            apply(
                Op::Add,
                &[(&x).into(), (&twice).into()],
                &Options { out: &[Some(&x)], ..Options::default() },
            )
            .unwrap();
            drop(twice);
            runtime().sync().unwrap();
        });
        let sum = forced(&|| {
            x.sum().unwrap().item().unwrap();
        });
        let chain = forced(&|| {
            let mut z = x.clone();
            for _ in 0..10 {
                z = apply_one(Op::Multiply, &[(&z).into(), Input::Float(0.5)]).unwrap();
                z = apply_one(Op::Add, &[(&z).into(), Input::Float(1.0)]).unwrap();
            }
            runtime().sync().unwrap();
        });
        println!(
            "n {n:>9}: record {record:>7.0}  x += 2*y {update:>11.0}  sum {sum:>11.0}  chain of 20 {chain:>11.0} ns"
        );
    }
}
