//! The column from calls to kernels: small programs with known answers.

use maniple_array::{Array, Dtype, Index, Input, Layout, Op, Options, Reduction, apply, apply_one, reduce};

fn numbers(n: usize) -> Array {
    let elements: Vec<f64> = (0..n).map(|at| at as f64).collect();
    Array::from_slice(&[n], &elements).unwrap()
}

fn add(a: &Array, b: &Array) -> Array {
    apply_one(Op::Add, &[a.into(), b.into()]).unwrap()
}

#[test]
fn a_chain_is_computed() {
    let a = numbers(1000);
    let mut b = a.clone();
    for _ in 0..20 {
        b = apply_one(Op::Multiply, &[(&b).into(), Input::Float(0.5)]).unwrap();
        b = apply_one(Op::Add, &[(&b).into(), (&a).into()]).unwrap();
    }
    let mut expected: Vec<f64> = (0..1000).map(f64::from).collect();
    for (at, value) in expected.iter_mut().enumerate() {
        let first = at as f64;
        *value = (0..20).fold(first, |value, _| value * 0.5 + first);
    }
    assert_eq!(b.to_vec::<f64>().unwrap(), expected);
}

#[test]
fn overlapping_writes_read_first() {
    // a[1:] += a[:-1]
    let a = numbers(100_000);
    let (tail, head) = (
        a.slice(&[Index::Slice(Some(1), None, None)]).unwrap(),
        a.slice(&[Index::Slice(None, Some(-1), None)]).unwrap(),
    );
    apply(Op::Add, &[(&tail).into(), (&head).into()], &Options { out: &[Some(&tail)], ..Options::default() })
        .unwrap();
    let expected: Vec<f64> =
        (0..100_000).map(|at| if at == 0 { 0.0 } else { 2.0 * f64::from(at) - 1.0 }).collect();
    assert_eq!(a.to_vec::<f64>().unwrap(), expected);
    // a[::-1] = a
    let reversed = a.slice(&[Index::Slice(None, None, Some(-1))]).unwrap();
    reversed.assign((&a).into()).unwrap();
    assert_eq!(a.to_vec::<f64>().unwrap(), expected.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn sums_of_any_shape() {
    let a = Array::from_slice(&[300, 70], &(0..21_000).collect::<Vec<i64>>()).unwrap();
    let total: i64 = (0..21_000).sum();
    assert_eq!(a.sum().unwrap().item().unwrap().get::<i64>(), total);
    assert_eq!(a.transposed().sum().unwrap().item().unwrap().get::<i64>(), total);
    let columns: Vec<i64> = (0..70).map(|column| (0..300).map(|row| row * 70 + column).sum()).collect();
    assert_eq!(a.sum_axis(0).unwrap().to_vec::<i64>().unwrap(), columns);
    let rows: Vec<i64> = (0..300).map(|row| (0..70).map(|column| row * 70 + column).sum()).collect();
    assert_eq!(a.sum_axis(1).unwrap().to_vec::<i64>().unwrap(), rows);
    let doubled = add(&a, &a);
    assert_eq!(
        doubled.sum_axis(0).unwrap().to_vec::<i64>().unwrap(),
        columns.iter().map(|x| 2 * x).collect::<Vec<_>>()
    );
}

#[test]
fn columns_of_several_leaves() {
    for (rows, columns) in [(1025, 3), (5000, 40), (3000, 1)] {
        let numbers: Vec<i64> = (0..rows * columns).collect();
        let a = Array::from_slice(&[rows as usize, columns as usize], &numbers).unwrap();
        let expected: Vec<i64> =
            (0..columns).map(|column| (0..rows).map(|row| row * columns + column).sum()).collect();
        assert_eq!(a.sum_axis(0).unwrap().to_vec::<i64>().unwrap(), expected);
        assert_eq!(a.transposed().sum_axis(1).unwrap().to_vec::<i64>().unwrap(), expected);
    }
}

#[test]
fn statistics() {
    let a = numbers(10_001);
    let mean = a.mean(&Reduction::default()).unwrap().item().unwrap().get::<f64>();
    assert_eq!(mean, 5000.0);
    let variance = a.var(&Reduction::default(), 0.0, None).unwrap().item().unwrap().get::<f64>();
    let expected = (10_001f64 * 10_001.0 - 1.0) / 12.0;
    assert!((variance - expected).abs() < 1e-9 * expected);
    assert!(
        reduce(Op::Maximum, &Array::zeros(&[0], Dtype::Float64).unwrap(), &Reduction::default()).is_err()
    );
}

#[test]
fn views_write_through() {
    let a = Array::zeros(&[4, 6], Dtype::Float64).unwrap();
    a.slice(&[Index::At(1)]).unwrap().assign(Input::Int(7)).unwrap();
    a.reshape(&[24], Layout::C)
        .unwrap()
        .slice(&[Index::Slice(None, None, Some(6))])
        .unwrap()
        .assign(Input::Float(1.5))
        .unwrap();
    let values = a.to_vec::<f64>().unwrap();
    assert_eq!(&values[..8], [1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 1.5, 7.0]);
}

/// Each row is asked on each dtype with one and with two operands, so that what is remembered for one call can be
/// mistaken for another.
#[test]
fn what_is_remembered_of_one_row_is_not_taken_for_another() {
    for turn in 0..2 {
        for op in Op::ALL.iter().filter(|op| op.row().outputs == 1) {
            for dtype in Dtype::ALL {
                let a = Array::zeros(&[3], dtype).unwrap();
                let inputs = vec![Input::Array(&a); op.row().inputs as usize];
                let types = vec![maniple_ops::Operand::Strong(dtype); inputs.len()];
                if let (Ok(found), Ok(rule)) = (apply_one(*op, &inputs), maniple_ops::resolve(*op, &types)) {
                    assert_eq!(found.dtype(), rule.outs[0], "{op:?} of {dtype:?}, turn {turn}");
                }
            }
        }
    }
}
