//! A loop that only records, for profilers.

use maniple_array::{Array, Dtype, Op, apply_one, runtime};

fn main() {
    let (x, y) = (Array::ones(&[10], Dtype::Float64).unwrap(), Array::ones(&[10], Dtype::Float64).unwrap());
    for _ in 0..200 {
        for _ in 0..48 {
            drop(apply_one(Op::Add, &[(&x).into(), (&y).into()]).unwrap());
        }
        runtime().sync().unwrap();
    }
}
