//! Computes one row for the numbers on the standard input, for `tests/accuracy.py` to compare with a better arithmetic.
//!
//! `evaluate_row ROW DTYPE` reads the columns of inputs, one after another, in the machine's byte order, and writes the
//! first output.

use maniple_ops::{Dtype, Op, block, signature};
use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, row, dtype] = &arguments[..] else { panic!("usage: evaluate_row ROW DTYPE") };
    let op = Op::from_numpy(row).expect("a row of the table");
    let dtype = Dtype::ALL.into_iter().find(|known| known.name() == dtype).expect("a dtype");
    let of = signature(op, dtype).expect("a case of the row");
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let count = bytes.len() / of.ins.iter().map(|input| input.size()).sum::<usize>();
    let mut rest = &bytes[..];
    let columns: Vec<Vec<u128>> = of
        .ins
        .iter()
        .map(|input| {
            let (column, others) = rest.split_at(count * input.size());
            rest = others;
            let mut words = vec![0u128; column.len().div_ceil(16)];
            bytemuck::cast_slice_mut::<u128, u8>(&mut words)[..column.len()].copy_from_slice(column);
            words
        })
        .collect();
    let mut outputs: Vec<Vec<u128>> =
        of.outs.iter().map(|output| vec![0u128; (count * output.size()).div_ceil(16)]).collect();
    let ins: Vec<*const u8> = columns.iter().map(|words| words.as_ptr().cast()).collect();
    let outs: Vec<*mut u8> = outputs.iter_mut().map(|words| words.as_mut_ptr().cast()).collect();
    // SAFETY: the buffers are aligned, distinct and hold `count` elements of their operands.
    unsafe { block(op, dtype).expect("a loop")(ins.as_ptr(), outs.as_ptr(), count) };
    std::io::stdout().write_all(&bytemuck::cast_slice(&outputs[0])[..count * of.outs[0].size()])
}
