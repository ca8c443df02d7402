//! The table is consistent with itself, and every instruction set level computes the same bits.

use maniple_ops::{
    Block, Dtype, Flags, Level, Op, Rule, Scalar, apply, block, block_at, cast_block_at, flags,
    resolve_dtype, samples, signature, types,
};
use std::collections::HashSet;

/// The levels this processor has.
fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| *level <= Level::detected())
}

/// Columns of sample inputs for a loop, of a length that no vector width divides.
fn columns(op: Op, dtype: Dtype, ins: &[Dtype]) -> Vec<Vec<Scalar>> {
    let count = 1003;
    let mut columns: Vec<Vec<Scalar>> = Vec::new();
    for (place, input) in ins.iter().enumerate() {
        let edges = samples::edges(*input);
        let step = [1, 3, 7][place];
        let mut column: Vec<Scalar> =
            (0..count - 300).map(|index| edges[index * step % edges.len()]).collect();
        column.extend(samples::domain(op, dtype, place, 300).iter().map(|value| value.cast(*input)));
        columns.push(column);
    }
    columns
}

/// Memory for one column, aligned for every dtype.
fn words(bytes: usize) -> Vec<u64> {
    vec![0; bytes / 8 + 2]
}

fn run(block: Block, columns: &[Vec<Scalar>], outs: &[Dtype]) -> (Vec<Vec<u8>>, Flags) {
    let count = columns[0].len();
    let inputs: Vec<Vec<u64>> = columns
        .iter()
        .map(|column| {
            let bytes: Vec<u8> = column.iter().flat_map(|value| value.to_bytes()).collect();
            let mut words = words(bytes.len());
            bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(&bytes);
            words
        })
        .collect();
    let mut outputs: Vec<Vec<u64>> = outs.iter().map(|dtype| words(count * dtype.size())).collect();
    let ins: Vec<*const u8> = inputs.iter().map(|words| words.as_ptr().cast()).collect();
    let pointers: Vec<*mut u8> = outputs.iter_mut().map(|words| words.as_mut_ptr().cast()).collect();
    flags::clear();
    // SAFETY: aligned, distinct buffers of `count` elements, and a level that this processor has.
    unsafe { block(ins.as_ptr(), pointers.as_ptr(), count) };
    let events = flags::read();
    let sizes = outs.iter().map(|dtype| count * dtype.size());
    let bytes = outputs
        .iter()
        .zip(sizes)
        .map(|(words, size)| bytemuck::cast_slice::<u64, u8>(words)[..size].to_vec());
    (bytes.collect(), events)
}

#[test]
fn names_are_unique_and_found() {
    let names: HashSet<&str> = Op::ALL.iter().map(|op| op.row().numpy).collect();
    assert_eq!(names.len(), Op::ALL.len());
    for (index, &op) in Op::ALL.iter().enumerate() {
        assert_eq!(op.row().op, op);
        assert_eq!(Op::from_numpy(op.row().numpy), Some(op));
        assert_eq!(Op::from_index(index as u16), Some(op));
        assert_eq!(op.row().name, format!("{op:?}"));
        assert!(op.row().doc.trim().ends_with('.'), "{op:?} has no sentence");
    }
    assert_eq!(Op::from_numpy("true_divide"), Some(Op::Divide));
    assert_eq!(Op::from_numpy("matmul"), None);
}

#[test]
fn every_case_has_a_loop_of_the_rows_arity() {
    for &op in Op::ALL {
        let row = op.row();
        let cases: Vec<Dtype> = Dtype::ALL.into_iter().filter(|dtype| block(op, *dtype).is_some()).collect();
        assert!(!cases.is_empty(), "{op:?} has no case");
        for dtype in Dtype::ALL {
            let of = signature(op, dtype);
            assert_eq!(of.is_some(), cases.contains(&dtype), "{op:?} {dtype}");
            let Some(of) = of else { continue };
            assert_eq!(
                (of.ins.len(), of.outs.len()),
                (row.inputs as usize, row.outputs as usize),
                "{op:?} {dtype}"
            );
        }
        if row.rule != Rule::Ldexp {
            assert_eq!(types(op).len(), cases.len(), "{op:?}");
        }
    }
}

#[test]
fn an_output_dtype_finds_the_first_loop_that_has_it() {
    for (op, dtype, key) in [
        (Op::Add, Dtype::Int8, Some(Dtype::Int8)),
        (Op::Absolute, Dtype::Float64, Some(Dtype::Float64)),
        (Op::Less, Dtype::Bool, Some(Dtype::Bool)),
        (Op::Divide, Dtype::Int64, None),
    ] {
        assert_eq!(resolve_dtype(op, dtype).ok().map(|of| of.dtype), key, "{op:?} {dtype}");
    }
}

#[test]
fn benign_inputs_raise_nothing() {
    for &op in Op::ALL {
        for dtype in Dtype::ALL {
            let Some(of) = signature(op, dtype) else { continue };
            let args: Vec<Scalar> =
                of.ins.iter().map(|input| Scalar::new(op.row().benign).cast(*input)).collect();
            flags::clear();
            apply(op, dtype, &args);
            assert_eq!(flags::read(), Flags::NONE, "{op:?} {dtype}");
        }
    }
}

#[test]
fn every_level_computes_the_same_bits() {
    for &op in Op::ALL {
        for dtype in Dtype::ALL {
            let Some(of) = signature(op, dtype) else { continue };
            let columns = columns(op, dtype, &of.ins);
            let runs: Vec<(Vec<Vec<u8>>, Flags)> = levels()
                .map(|level| run(block_at(op, dtype, level).expect("a case"), &columns, &of.outs))
                .collect();
            for (level, (bytes, _)) in levels().zip(&runs) {
                same_numbers(&format!("{op:?} {dtype} {level:?}"), &of.outs, bytes, &runs[0].0);
            }
        }
    }
}

#[test]
fn every_level_casts_to_the_same_bits() {
    for from in Dtype::ALL {
        for to in Dtype::ALL {
            let columns = columns(Op::Positive, from, &[from]);
            let runs: Vec<(Vec<Vec<u8>>, Flags)> =
                levels().map(|level| run(cast_block_at(from, to, level), &columns, &[to])).collect();
            for (level, (bytes, events)) in levels().zip(&runs) {
                same_numbers(&format!("{from} to {to} {level:?}"), &[to], bytes, &runs[0].0);
                assert_eq!(*events, runs[0].1, "{from} to {to} {level:?}");
            }
        }
    }
}

/// Equal bits, where the sign and payload of a NaN do not count: the processor leaves them to the order of operands.
fn same_numbers(what: &str, dtypes: &[Dtype], left: &[Vec<u8>], right: &[Vec<u8>]) {
    for ((dtype, left), right) in dtypes.iter().zip(left).zip(right) {
        let part = dtype.real();
        for (index, (a, b)) in left.chunks(part.size()).zip(right.chunks(part.size())).enumerate() {
            let (a, b) = (Scalar::from_bytes(part, a), Scalar::from_bytes(part, b));
            let missing = |value: Scalar| part.is_float() && value.as_f64().is_nan();
            assert!(a == b || (missing(a) && missing(b)), "{what}, part {index}: {a} and {b}");
        }
    }
}
