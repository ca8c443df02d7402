//! The slow, obvious interpreter of a body: one element at a time. Tests of the machinery compare with it.

use crate::block::block_at;
use crate::body::{Body, Step};
use crate::dtype::Dtype;
use crate::isa::Level;
use crate::rule::signature;
use crate::scalar::Scalar;
use crate::table::Op;

/// Runs a body for one element: one scalar for each input and each constant, one for each output.
///
/// # Panics
/// If the body does not pass [`Body::check`], or a scalar's dtype is not the one the body declares.
pub fn eval(body: &Body, inputs: &[Scalar], constants: &[Scalar]) -> Vec<Scalar> {
    let mut values: Vec<Scalar> = inputs.iter().chain(constants).copied().collect();
    let declared = body.inputs.iter().chain(&body.constants);
    assert!(
        declared.eq(values.iter().map(|value| value.dtype()).collect::<Vec<_>>().iter()),
        "dtypes differ"
    );
    for step in &body.steps {
        match step {
            Step::Apply { op, dtype, args } => {
                let args: Vec<Scalar> = args.iter().map(|&arg| values[arg as usize]).collect();
                values.extend(apply(*op, *dtype, &args));
            }
            Step::Cast { to, arg } => values.push(values[*arg as usize].cast(*to)),
        }
    }
    body.outputs.iter().map(|&output| values[output as usize]).collect()
}

/// One row at one key dtype, for one element, by the baseline version of its block.
///
/// # Panics
/// If the row has no such case, or an argument has another dtype than the loop takes.
pub fn apply(op: Op, dtype: Dtype, args: &[Scalar]) -> Vec<Scalar> {
    let of = signature(op, dtype).expect("the row has a case for the dtype");
    assert!(args.iter().map(|arg| arg.dtype()).eq(of.ins.iter().copied()), "dtypes differ");
    let aligned: Vec<[u64; 2]> = args.iter().map(|arg| padded(arg.as_bytes())).collect();
    let mut results = vec![[0u64; 2]; of.outs.len()];
    let ins: Vec<*const u8> = aligned.iter().map(|bits| bits.as_ptr().cast()).collect();
    let outs: Vec<*mut u8> = results.iter_mut().map(|bits| bits.as_mut_ptr().cast()).collect();
    let block = block_at(op, dtype, Level::Baseline).expect("a loop with a signature is compiled");
    // SAFETY: one pointer for each operand, each to 16 aligned bytes of its own, which hold one element of any dtype.
    unsafe { block(ins.as_ptr(), outs.as_ptr(), 1) };
    let results = results.iter().zip(&of.outs);
    results.map(|(bits, dtype)| Scalar::from_bytes(*dtype, bytemuck::bytes_of(bits))).collect()
}

fn padded(bytes: &[u8]) -> [u64; 2] {
    let mut bits = [0u64; 2];
    bytemuck::bytes_of_mut(&mut bits)[..bytes.len()].copy_from_slice(bytes);
    bits
}
