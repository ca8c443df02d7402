//! Writes what the table says and computes, for `tests/compare_numpy.py` to compare with NumPy.
//!
//! `dump_rows DIRECTORY` writes there `types.tsv` (row, loops), `resolve.tsv` (row, operands, loop or message),
//! `cases.tsv` (row or cast, input dtypes, output dtypes, count, offset) and `cases.bin`, which holds for each case its
//! inputs, its outputs, and one byte of floating point events for each element, or 255 where they were not measured.

use maniple_ops::{
    Arg, Block, Dtype, Kind, Loop, Op, Operand, Order, Rule, RuleError, Scalar, arg_leaf, block, cast_block,
    flags, fold, resolve, resolve_output, samples, signature, types,
};
use std::fmt::Write as _;
use std::path::Path;

/// How often an element is repeated to measure its events, so that vector loops are measured.
const REPEAT: usize = 64;
/// Stands for events that were not measured.
const UNMEASURED: u8 = 255;
/// The number of samples from a row's domain.
const SAMPLES: usize = 300;

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).expect("usage: dump_rows DIRECTORY");
    let directory = Path::new(&directory);
    let rows: Vec<Op> = Op::ALL.iter().copied().filter(|op| op.row().rule != Rule::Internal).collect();
    std::fs::write(directory.join("types.tsv"), type_lines(&rows))?;
    std::fs::write(directory.join("resolve.tsv"), resolve_lines(&rows))?;
    let mut dump = Dump::default();
    for &op in Op::ALL {
        for dtype in Dtype::ALL {
            if let Some(block) = block(op, dtype) {
                dump.row(op, dtype, block);
            }
            dump.folds(op, dtype);
        }
    }
    for from in Dtype::ALL {
        for to in Dtype::ALL {
            let inputs = vec![samples::edges(from).into_iter().chain(wide_samples(from)).collect::<Vec<_>>()];
            dump.case("_cast", &inputs, &[to], cast_block(from, to), usize::MAX);
        }
        dump.searches(from);
    }
    std::fs::write(directory.join("cases.tsv"), dump.lines)?;
    std::fs::write(directory.join("cases.bin"), dump.bytes)
}

/// Each row with its identity and its loops.
fn type_lines(rows: &[Op]) -> String {
    let mut lines = String::new();
    for op in rows {
        let row = op.row();
        let identity = row.identity.map_or("None".to_string(), |identity| format!("{identity:?}"));
        writeln!(lines, "{}\t{identity}\t{}", row.numpy, types(*op).join(" "))
            .expect("a string takes everything");
    }
    lines
}

/// Each row with every combination of operands, and with every output dtype.
fn resolve_lines(rows: &[Op]) -> String {
    let mut choices: Vec<Operand> = Dtype::ALL.into_iter().map(Operand::Strong).collect();
    choices.extend([Operand::WeakInt, Operand::WeakFloat, Operand::WeakComplex]);
    let mut lines = String::new();
    for &op in rows {
        let inputs = op.row().inputs as usize;
        for index in 0..choices.len().pow(inputs as u32) {
            let operands: Vec<Operand> = (0..inputs)
                .map(|place| choices[index / choices.len().pow(place as u32) % choices.len()])
                .collect();
            let names: Vec<&str> = operands.iter().map(|operand| operand_name(*operand)).collect();
            let mut line = |output: &str, answer: Result<Loop, RuleError>| {
                let answer = match answer {
                    Ok(of) => format!("{} {}", dtype_names(&of.ins), dtype_names(&of.outs)),
                    Err(error) => format!("!{error}"),
                };
                writeln!(lines, "{}\t{}{output}\t{answer}", op.row().numpy, names.join(","))
                    .expect("a string takes everything");
            };
            line("", resolve(op, &operands));
            if inputs < 3 {
                for dtype in Dtype::ALL {
                    line(&format!("->{dtype}"), resolve_output(op, &operands, dtype));
                }
            }
        }
    }
    lines
}

fn operand_name(operand: Operand) -> &'static str {
    match operand {
        Operand::Strong(dtype) => dtype.name(),
        Operand::WeakInt => "int",
        Operand::WeakFloat => "float",
        Operand::WeakComplex => "complex",
    }
}

fn dtype_names(dtypes: &[Dtype]) -> String {
    dtypes.iter().map(|dtype| dtype.name()).collect::<Vec<_>>().join(",")
}

/// Floating point numbers around the limits of integers, beside ordinary ones.
fn wide_samples(dtype: Dtype) -> Vec<Scalar> {
    let mut values = samples::domain(Op::Add, dtype, 0, 100);
    if matches!(dtype.kind(), Kind::Float | Kind::Complex) {
        for power in [7, 8, 15, 16, 31, 32, 63, 64] {
            for offset in [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 300.0] {
                let value = 2f64.powi(power) + offset;
                values.extend([value, -value].map(|value| Scalar::new(value).cast(dtype)));
            }
        }
    }
    values
}

#[derive(Default)]
struct Dump {
    lines: String,
    bytes: Vec<u8>,
}

impl Dump {
    fn row(&mut self, op: Op, dtype: Dtype, block: Block) {
        let of = signature(op, dtype).expect("a case has a signature");
        let edges: Vec<Vec<Scalar>> = of.ins.iter().map(|dtype| samples::edges(*dtype)).collect();
        let measured = match edges.len() {
            1 => edges[0].len(),
            2 if !dtype.is_complex() => edges[0].len() * edges[1].len(),
            _ => 3000,
        };
        let mut inputs = product(&edges, measured);
        for (place, input) in inputs.iter_mut().enumerate() {
            input.extend(samples::domain(op, of.ins[place], place, SAMPLES));
        }
        if op == Op::Power && of.ins[1].kind() == Kind::Int {
            let zero = Scalar::zero(of.ins[1]);
            inputs[1]
                .iter_mut()
                .filter(|exponent| exponent.as_i64() < 0)
                .for_each(|exponent| *exponent = zero);
        }
        self.case(op.row().numpy, &inputs, &of.outs, block, measured);
    }

    /// Runs a block over whole columns, and once more for each of the first `measured` elements for its events.
    fn case(&mut self, name: &str, inputs: &[Vec<Scalar>], outs: &[Dtype], block: Block, measured: usize) {
        let count = inputs[0].len();
        let columns: Vec<Vec<u8>> = inputs.iter().map(|column| bytes_of(column)).collect();
        let results = run(block, &columns, outs, count);
        let events = (0..count).map(|index| {
            if index >= measured {
                return UNMEASURED;
            }
            let columns: Vec<Vec<u8>> =
                inputs.iter().map(|column| bytes_of(&vec![column[index]; REPEAT])).collect();
            flags::clear();
            run(block, &columns, outs, REPEAT);
            flags::read().bits()
        });
        let events: Vec<u8> = events.collect();
        let ins: Vec<Dtype> = inputs.iter().map(|column| column[0].dtype()).collect();
        self.line(name, &ins, outs, count);
        columns.iter().chain(&results).for_each(|column| self.bytes.extend(column));
        self.bytes.extend(events);
    }

    /// Reductions and accumulations of a row, for counts around the sizes of lanes and leaves.
    fn folds(&mut self, op: Op, dtype: Dtype) {
        let Some(fold) = fold(op, dtype) else { return };
        let length = if fold.order == Order::Tree { maniple_ops::LEAF } else { 12 };
        for count in [1, 2, 31, 32, 33, 100, length].into_iter().filter(|&count| count <= length) {
            let column = samples::domain(op, dtype, 1, count);
            let data = bytes_of(&column);
            let words = aligned(&data);
            let mut out = [0u64; 2];
            let mut accumulated = vec![0u64; words.len()];
            let mut carry = [0u64; 2];
            // SAFETY: the buffers are aligned, distinct and hold `count` elements or one.
            unsafe {
                (fold.leaf)(out.as_mut_ptr().cast(), words.as_ptr().cast(), count);
                let first = count / 2;
                let scan = |from: usize, n: usize, carry: *mut u8, accumulated: *mut u8, start| {
                    let offset = from * dtype.size();
                    (fold.scan)(
                        accumulated.add(offset),
                        words.as_ptr().cast::<u8>().add(offset),
                        n,
                        carry,
                        start,
                    );
                };
                let (carry, accumulated) = (carry.as_mut_ptr().cast(), accumulated.as_mut_ptr().cast());
                let start =
                    if first == 0 { maniple_ops::Start::First } else { maniple_ops::Start::Continued };
                scan(0, first, carry, accumulated, maniple_ops::Start::First);
                scan(first, count - first, carry, accumulated, start);
            }
            self.line(&format!("_reduce.{}", op.row().numpy), &[dtype], &[dtype], count);
            self.bytes.extend(&data);
            self.bytes.extend(&bytemuck::bytes_of(&out)[..dtype.size()]);
            self.bytes.extend(&bytemuck::cast_slice::<u64, u8>(&accumulated)[..data.len()]);
        }
    }

    /// The indices of the extremes.
    fn searches(&mut self, dtype: Dtype) {
        for count in [1, 5, 100, 777] {
            let mut column = samples::domain(Op::Maximum, dtype, 0, count);
            if count == 777 {
                column.splice(500..540, samples::edges(dtype).into_iter().cycle().skip(1).take(40));
            }
            let data = bytes_of(&column);
            let words = aligned(&data);
            // SAFETY: the buffer is aligned and holds `count` elements.
            let found = unsafe {
                [Arg::Min, Arg::Max].map(|arg| arg_leaf(dtype, arg)(words.as_ptr().cast(), count) as u64)
            };
            self.line("_arg", &[dtype], &[], count);
            self.bytes.extend(&data);
            self.bytes.extend(bytemuck::cast_slice::<u64, u8>(&found));
        }
    }

    fn line(&mut self, name: &str, ins: &[Dtype], outs: &[Dtype], count: usize) {
        let (ins, outs, offset) = (dtype_names(ins), dtype_names(outs), self.bytes.len());
        writeln!(self.lines, "{name}\t{ins}\t{outs}\t{count}\t{offset}").expect("a string takes everything");
    }
}

/// `count` combinations of the values of each column: all of them if there are so many, else a spread of them.
fn product(columns: &[Vec<Scalar>], count: usize) -> Vec<Vec<Scalar>> {
    let all: usize = columns.iter().map(Vec::len).product();
    let step = if all <= count { 1 } else { 7919 };
    let mut result = vec![Vec::with_capacity(count); columns.len()];
    for index in 0..count {
        let mut rest = index * step % all;
        for (column, values) in result.iter_mut().zip(columns) {
            column.push(values[rest % values.len()]);
            rest /= values.len();
        }
    }
    result
}

fn bytes_of(column: &[Scalar]) -> Vec<u8> {
    column.iter().flat_map(|value| value.to_bytes()).collect()
}

/// A copy of the bytes, aligned for every dtype.
fn aligned(bytes: &[u8]) -> Vec<u64> {
    let mut words = vec![0u64; bytes.len().div_ceil(8) + 1];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}

fn run(block: Block, columns: &[Vec<u8>], outs: &[Dtype], count: usize) -> Vec<Vec<u8>> {
    let words: Vec<Vec<u64>> = columns.iter().map(|column| aligned(column)).collect();
    let mut results: Vec<Vec<u64>> = outs.iter().map(|dtype| vec![0; count * dtype.size() / 8 + 2]).collect();
    let ins: Vec<*const u8> = words.iter().map(|column| column.as_ptr().cast()).collect();
    let pointers: Vec<*mut u8> = results.iter_mut().map(|column| column.as_mut_ptr().cast()).collect();
    // SAFETY: every buffer is aligned, distinct and holds `count` elements of its operand's dtype.
    unsafe { block(ins.as_ptr(), pointers.as_ptr(), count) };
    let sizes = outs.iter().map(|dtype| count * dtype.size());
    results
        .iter()
        .zip(sizes)
        .map(|(words, size)| bytemuck::cast_slice::<u64, u8>(words)[..size].to_vec())
        .collect()
}
