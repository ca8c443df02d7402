//! A reduction's body and the combining of the folded values as one program, for compiled code.

use crate::jit::{Compile, Jit};
use crate::program::{Accumulators, Place, Program, may_overlap};
use crate::tile::{Line, repeated};
use maniple_ops::{Body, Dtype, Kind, Op, Scalar, Wire};
use maniple_runtime::{Access, Arg, Launch, Order, Privilege, Reduce, View};
use std::sync::Arc;

/// Reductions of fewer elements are not worth a second program.
const FEWEST: usize = 2048;

/// The program, and what accumulators begin with.
pub(super) struct Folding {
    pub(super) program: Program,
    /// For each fold a line of what its accumulators begin with, and how many bytes one of them has.
    identities: Vec<(Line, usize)>,
    /// Inputs that are written over, if somebody wants to know of events: should steps have to be run again, they have to
    /// find what was there.
    pub(super) overwritten: Vec<usize>,
}

impl Folding {
    /// Nothing if the body has no steps, or some combining has no value that changes nothing, or no instructions; and if
    /// columns are folded whose elements are written over: those of rows are kept, block by block, should the steps have to be
    /// run again. `n` is how many elements are folded to a result.
    pub(super) fn new(launch: &Launch, reduce: &Reduce, n: usize, jit: &Arc<Jit>) -> Option<Folding> {
        let (placed, partials) = launch.args.split_at(launch.args.len() - reduce.ops.len());
        let (inputs, stored) = placed.split_at(reduce.body.inputs.len());
        let view = &inputs.first()?.view;
        let is_overwritten =
            |&at: &usize| launch.watched() && stored.iter().any(|output| may_overlap(&inputs[at], output));
        let overwritten: Vec<usize> = (0..inputs.len()).filter(is_overwritten).collect();
        if reduce.body.steps.is_empty()
            || (reduce.order == Order::ReducedFirst && !overwritten.is_empty())
            || (view.size() < FEWEST && jit.compile != Compile::Always)
        {
            return None;
        }
        let mut body = reduce.body.clone();
        let mut args = inputs.to_vec();
        let mut places: Vec<Place> = (0..inputs.len()).map(Place::Bound).collect();
        let mut identities = Vec::new();
        for (number, (&op, partials)) in reduce.ops.iter().zip(partials).enumerate() {
            let dtype = partials.dtype;
            let identity = identity(op, dtype)?;
            let bytes = identity.as_bytes();
            // SAFETY: the bytes are those of an element.
            let line = Line(unsafe { repeated(bytes.as_ptr(), bytes.len()) });
            identities.push((line, bytes.len()));
            let mut combining = Body { inputs: vec![dtype, dtype], ..Body::default() };
            combining.outputs = vec![combining.push_apply(op, dtype, [0, 1].into_iter().collect())];
            let output = stored.len() + number;
            let value = body.outputs[output];
            body.outputs[output] = body.append(&combining, &[Wire::New, Wire::Input(value)])[0];
            args.push(Arg {
                role: u32::MAX,
                privilege: Privilege::ReadWrite,
                dtype,
                access: Access::Element,
                view: View::contiguous(&view.shape, dtype.size()),
            });
            places.push(Place::Sink(number));
        }
        args.extend_from_slice(stored);
        places.extend((inputs.len()..placed.len()).map(Place::Bound));
        let accumulators = match reduce.order {
            Order::KeptFirst => Accumulators::Lanes(n),
            Order::ReducedFirst => Accumulators::Each,
        };
        let what = (reduce.ops.len(), &overwritten[..]);
        let program = Program::folding(&body, (&args, &places), what, jit, accumulators)?;
        Some(Folding { program, identities, overwritten })
    }

    /// Has so many accumulators of each fold begin.
    ///
    /// # Safety
    /// There must be room for them, up to a multiple of 64 bytes, and they be aligned to as many.
    pub(super) unsafe fn fill(&self, accumulators: &[*mut u8], count: usize) {
        for (&(line, item), &accumulators) in self.identities.iter().zip(accumulators) {
            // SAFETY: the caller's promise.
            unsafe { line.fill((count * item).div_ceil(64), accumulators) };
        }
    }
}

/// What combined with any value is that value, to the bit. A sum with zero would not be: of negative zeros it is zero.
fn identity(op: Op, dtype: Dtype) -> Option<Scalar> {
    let real = |value: f64| Scalar::new(value).cast(dtype);
    let whole = |value: i64| Scalar::new(value).cast(dtype);
    // Every byte but the highest, and that one.
    let bytes = |low: u8, high: u8| {
        let mut bytes = [low; 8];
        bytes[dtype.size() - 1] = high;
        Scalar::from_bytes(dtype, &bytes)
    };
    Some(match (op, dtype.kind()) {
        (Op::Add, Kind::Float) => real(-0.0),
        (Op::Multiply, Kind::Float) => real(1.0),
        (Op::Maximum, Kind::Float) => real(f64::NEG_INFINITY),
        (Op::Minimum, Kind::Float) => real(f64::INFINITY),
        (Op::Add | Op::BitwiseOr | Op::BitwiseXor, Kind::Int | Kind::UInt) => whole(0),
        (Op::Multiply, Kind::Int | Kind::UInt) => whole(1),
        (Op::BitwiseAnd, Kind::Int | Kind::UInt) => bytes(0xff, 0xff),
        (Op::Maximum, Kind::Int) => bytes(0, 0x80),
        (Op::Minimum, Kind::Int) => bytes(0xff, 0x7f),
        (Op::Maximum, Kind::UInt) => bytes(0, 0),
        (Op::Minimum, Kind::UInt) => bytes(0xff, 0xff),
        (Op::LogicalOr | Op::Maximum, Kind::Bool) => whole(0),
        (Op::LogicalAnd | Op::Minimum, Kind::Bool) => whole(1),
        _ => return None,
    })
}
