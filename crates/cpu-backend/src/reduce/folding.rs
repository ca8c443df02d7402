//! A reduction's body and the combining of its values as one program, for compiled code.

use crate::jit::{Compile, Jit};
use crate::program::{Accumulators, Program};
use crate::tile::splat;
use maniple_ops::{Body, Dtype, Kind, Op, Scalar, Wire};
use maniple_runtime::{Access, Arg, Launch, Order, Privilege, Reduce, View};
use std::sync::Arc;

/// Reductions of fewer elements are not worth a second program.
const FEWEST: usize = 2048;

/// The program, and what accumulators begin with.
pub(super) struct Folding {
    pub(super) program: Program,
    identity: Scalar,
}

impl Folding {
    /// Nothing if the body has no steps, or the combining has no value that changes nothing, or no instructions.
    /// `n` is how many elements are folded to a result.
    pub(super) fn new(launch: &Launch, reduce: &Reduce, n: usize, jit: &Arc<Jit>) -> Option<Folding> {
        let (partials, inputs) = launch.args.split_last()?;
        let (dtype, view) = (partials.dtype, &inputs.first()?.view);
        if reduce.body.steps.is_empty() || (view.size() < FEWEST && jit.compile != Compile::Always) {
            return None;
        }
        let identity = identity(reduce.op, dtype)?;
        let mut combining = Body { inputs: vec![dtype, dtype], ..Body::default() };
        combining.outputs = vec![combining.push_apply(reduce.op, dtype, [0, 1].into_iter().collect())];
        let mut body = reduce.body.clone();
        let value = body.outputs[0];
        body.outputs = body.append(&combining, &[Wire::New, Wire::Input(value)]);
        let mut args = inputs.to_vec();
        args.push(Arg {
            role: u32::MAX,
            privilege: Privilege::ReadWrite,
            dtype,
            access: Access::Element,
            view: View::contiguous(&view.shape, dtype.size()),
        });
        let accumulators = match reduce.order {
            Order::KeptFirst => Accumulators::Lanes(n),
            Order::ReducedFirst => Accumulators::Each,
        };
        Some(Folding { program: Program::folding(&body, &args, jit, accumulators)?, identity })
    }

    /// Has so many accumulators begin.
    ///
    /// # Safety
    /// There must be room for them, up to a multiple of 64 bytes, and they be aligned to as many.
    pub(super) unsafe fn fill(&self, accumulators: *mut u8, count: usize) {
        let bytes = self.identity.as_bytes();
        // SAFETY: the caller's promise.
        unsafe { splat(bytes.as_ptr(), bytes.len(), count, accumulators) };
    }
}

/// What combined with any value is that value, to the bit. A sum with zero would not be: of negative zeros it is zero.
fn identity(op: Op, dtype: Dtype) -> Option<Scalar> {
    let real = |value: f64| (dtype.kind() == Kind::Float).then(|| Scalar::new(value).cast(dtype));
    match op {
        Op::Add if matches!(dtype.kind(), Kind::Int | Kind::UInt) => Some(Scalar::zero(dtype)),
        Op::Add => real(-0.0),
        Op::Maximum => real(f64::NEG_INFINITY),
        Op::Minimum => real(f64::INFINITY),
        _ => None,
    }
}
