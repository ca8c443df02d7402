//! Folds follow their definition element by element, at every instruction set level.

use maniple_ops::{
    Arg, Dtype, Fold, LANES, LEAF, Level, Op, Order, Scalar, Start, apply, arg_leaf, flags, fold_at, samples,
};

const COUNTS: [usize; 12] = [1, 2, 3, 16, 17, 31, 32, 33, 63, 65, 1000, LEAF];

/// Every row, dtype and level that folds.
fn folds() -> impl Iterator<Item = (Op, Dtype, Level, Fold)> {
    let levels = || Level::ALL.into_iter().filter(|level| *level <= Level::detected());
    Op::ALL.iter().flat_map(move |&op| {
        Dtype::ALL.into_iter().flat_map(move |dtype| {
            levels().filter_map(move |level| Some((op, dtype, level, fold_at(op, dtype, level)?)))
        })
    })
}

fn combine(op: Op, dtype: Dtype, a: Scalar, b: Scalar) -> Scalar {
    apply(op, dtype, &[a, b])[0]
}

/// The definition of a leaf.
fn leaf_by_definition(op: Op, dtype: Dtype, order: Order, data: &[Scalar]) -> Scalar {
    let first = data.iter().copied();
    if order == Order::Sequential {
        return first.reduce(|a, b| combine(op, dtype, a, b)).expect("one element");
    }
    let mut lanes: Vec<Scalar> = data[..data.len().min(LANES)].to_vec();
    for (index, element) in data.iter().enumerate().skip(LANES) {
        lanes[index % LANES] = combine(op, dtype, lanes[index % LANES], *element);
    }
    for half in [16, 8, 4, 2, 1] {
        for i in 0..half {
            if i + half < lanes.len() {
                lanes[i] = combine(op, dtype, lanes[i], lanes[i + half]);
            }
        }
    }
    lanes[0]
}

fn aligned(data: &[Scalar]) -> Vec<u64> {
    let bytes: Vec<u8> = data.iter().flat_map(|value| value.to_bytes()).collect();
    let mut words = vec![0u64; bytes.len() / 8 + 2];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(&bytes);
    words
}

fn scalars(words: &[u64], dtype: Dtype, count: usize) -> Vec<Scalar> {
    let bytes = bytemuck::cast_slice::<u64, u8>(words);
    bytes.chunks(dtype.size()).take(count).map(|bytes| Scalar::from_bytes(dtype, bytes)).collect()
}

/// Equal bits, or two NaN in the same part.
fn check(what: &str, found: &[Scalar], wanted: &[Scalar]) {
    assert_eq!(found.len(), wanted.len());
    for (index, (a, b)) in found.iter().zip(wanted).enumerate() {
        let parts = |value: &Scalar| {
            let part = value.dtype().real();
            let parts: Vec<Scalar> =
                value.as_bytes().chunks(part.size()).map(|bytes| Scalar::from_bytes(part, bytes)).collect();
            parts
        };
        let same = parts(a)
            .iter()
            .zip(parts(b))
            .all(|(a, b)| *a == b || (a.dtype().is_float() && a.as_f64().is_nan() && b.as_f64().is_nan()));
        assert!(same, "{what}, element {index}: {a:?}, by definition {b:?}");
    }
}

fn inputs(op: Op, dtype: Dtype, count: usize) -> Vec<Scalar> {
    let mut data = samples::domain(op, dtype, 1, count);
    if count == 1000 {
        data.splice(0..50, samples::edges(dtype).into_iter().cycle().skip(2).take(50));
    }
    data
}

#[test]
fn leaves_follow_their_definition() {
    for (op, dtype, level, fold) in folds() {
        for count in COUNTS {
            let data = inputs(op, dtype, count);
            let words = aligned(&data);
            let mut out = [0u64; 2];
            // SAFETY: aligned buffers of `count` elements and of one.
            unsafe { (fold.leaf)(out.as_mut_ptr().cast(), words.as_ptr().cast(), count) };
            let wanted = leaf_by_definition(op, dtype, fold.order, &data);
            check(&format!("{op:?} {dtype} {level:?} {count}"), &scalars(&out, dtype, 1), &[wanted]);
        }
    }
}

#[test]
fn rows_extensions_and_scans_follow_their_definition() {
    for (op, dtype, level, fold) in folds() {
        let count = 77;
        let data = inputs(op, dtype, 2 * count);
        let (first, second) = (aligned(&data[..count]), aligned(&data[count..]));
        let what = format!("{op:?} {dtype} {level:?}");

        let mut rows = first.clone();
        // SAFETY: aligned, distinct buffers of `count` elements.
        unsafe { (fold.rows)(rows.as_mut_ptr().cast(), second.as_ptr().cast(), count) };
        let wanted: Vec<Scalar> =
            data[..count].iter().zip(&data[count..]).map(|(a, b)| combine(op, dtype, *a, *b)).collect();
        check(&what, &scalars(&rows, dtype, count), &wanted);

        let mut running = Vec::new();
        for element in &data {
            running.push(running.last().map_or(*element, |last| combine(op, dtype, *last, *element)));
        }
        let mut last = aligned(&data[..1]);
        // SAFETY: an accumulator of one element, and elements behind the first.
        unsafe {
            (fold.extend)(last.as_mut_ptr().cast(), first.as_ptr().cast::<u8>().add(dtype.size()), count - 1);
            (fold.extend)(last.as_mut_ptr().cast(), second.as_ptr().cast(), count);
        }
        check(&what, &scalars(&last, dtype, 1), &running[2 * count - 1..]);

        let (mut left, mut right) = (first.clone(), second.clone());
        let mut carry = [0u64; 2];
        // SAFETY: aligned, distinct buffers of `count` elements, and a carry of one.
        unsafe {
            let carry = carry.as_mut_ptr().cast();
            (fold.scan)(left.as_mut_ptr().cast(), first.as_ptr().cast(), count, carry, Start::First);
            (fold.scan)(right.as_mut_ptr().cast(), second.as_ptr().cast(), count, carry, Start::Continued);
        }
        check(&what, &scalars(&left, dtype, count), &running[..count]);
        check(&what, &scalars(&right, dtype, count), &running[count..]);
        check(&what, &scalars(&carry, dtype, 1), &running[2 * count - 1..]);
    }
}

#[test]
fn quiet_folds_of_missing_numbers_raise_nothing() {
    let data = aligned(&[Scalar::new(f64::NAN), Scalar::new(1.0f64)].repeat(100));
    let fold = fold_at(Op::Maximum, Dtype::Float64, Level::detected()).expect("maximum folds");
    let mut out = [0u64; 2];
    flags::clear();
    // SAFETY: 200 aligned elements and room for one.
    unsafe { (fold.leaf)(out.as_mut_ptr().cast(), data.as_ptr().cast(), 200) };
    assert!(flags::read().is_empty());
    assert!(scalars(&out, Dtype::Float64, 1)[0].as_f64().is_nan());
}

#[test]
fn searches_find_the_first_extreme() {
    for (data, min, max) in [
        (vec![3.0, 1.0, 1.0, 3.0], 1, 0),
        (vec![1.0, f64::NAN, 0.0, f64::NAN], 1, 1),
        (vec![f64::INFINITY, -0.0, 0.0, f64::NEG_INFINITY], 3, 0),
    ] {
        for dtype in [Dtype::Float16, Dtype::Float32, Dtype::Float64, Dtype::Complex64, Dtype::Complex128] {
            let column: Vec<Scalar> = data.iter().map(|value| Scalar::new(*value).cast(dtype)).collect();
            let words = aligned(&column);
            for (arg, wanted) in [(Arg::Min, min), (Arg::Max, max)] {
                // SAFETY: aligned elements.
                let found = unsafe { arg_leaf(dtype, arg)(words.as_ptr().cast(), column.len()) };
                assert_eq!(found, wanted, "{arg:?} of {data:?} as {dtype}");
            }
        }
    }
    let long: Vec<Scalar> = (0..5000).map(|index| Scalar::new(index * 37 % 4999)).collect();
    let words = aligned(&long);
    // SAFETY: aligned elements.
    let found = unsafe { arg_leaf(Dtype::Int32, Arg::Max)(words.as_ptr().cast(), long.len()) };
    assert_eq!(long[found].get::<i32>(), 4998);
}
