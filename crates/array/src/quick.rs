//! The short way through `apply` for what programs do most: one or two operands of one shape (or a scalar), one
//! output, no keyword but `out=`. It gives what the long way gives, with one table look-up instead of the rules.

use crate::array::record;
use crate::elementwise::{Input, Layout, Options, constant, plain_kernel, typed};
use crate::{Array, Result, runtime};
use maniple_ops::{Dtype, Op, Operand as Typed, Scalar, resolve};
use maniple_runtime::{KernelId, Operand, Privilege, View};
use smallvec::SmallVec;
use std::cell::RefCell;

/// What the rules said about an operation on some dtypes.
#[derive(Clone, Copy)]
struct Known {
    /// Row, number, dtypes and kinds of the operands, in one word.
    key: u64,
    kernel: KernelId,
    ins: [Dtype; 2],
    out: Dtype,
}

const SLOTS: usize = 1024;

thread_local! {
    static KNOWN: RefCell<Vec<Option<Known>>> = RefCell::new(vec![None; SLOTS]);
}

/// The output, or none if the long way has to be taken.
pub(crate) fn apply(op: Op, inputs: &[Input<'_>], options: &Options<'_>) -> Result<Option<Array>> {
    let plain = options.mask.is_none() && options.dtype.is_none() && options.casting.is_none();
    if !plain || options.order != Layout::Keep || options.out.len() > 1 || inputs.len() > 2 {
        return Ok(None);
    }
    let out = options.out.first().copied().flatten();
    let mut first: Option<&Array> = None;
    let mut key = op as u64;
    for input in inputs {
        key = key << 5
            | match input {
                Input::Array(array) => {
                    match first {
                        None => first = Some(array),
                        Some(first) if first.view.shape == array.view.shape => {}
                        Some(_) => return Ok(None),
                    }
                    let fits = match out {
                        None => array.is_c_contiguous(),
                        Some(out) => {
                            out.region.id != array.region.id
                                || (out.view.same_as(&array.view) && out.dtype.size() == array.dtype.size())
                        }
                    };
                    if !fits {
                        return Ok(None);
                    }
                    array.dtype as u64
                }
                Input::Int(_) => 16,
                Input::Float(_) => 17,
                Input::Complex(_) => 18,
                Input::Scalar(_) => return Ok(None),
            };
    }
    let Some(first) = first else { return Ok(None) };
    if out.is_some_and(|out| out.view.shape != first.view.shape) {
        return Ok(None);
    }
    // Without the number of inputs, one operand of one row would look like two of another.
    key = (key << 5 | out.map_or(31, |out| out.dtype as u64)) << 2 | inputs.len() as u64;
    let slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize;
    let known = KNOWN.with_borrow(|known| known[slot].filter(|known| known.key == key));
    let known = match known {
        Some(known) => known,
        None => match learn(op, inputs, out, key) {
            Some(known) => {
                KNOWN.with_borrow_mut(|table| table[slot] = Some(known));
                known
            }
            None => return Ok(None),
        },
    };
    let mut scalars: SmallVec<[Scalar; 2]> = SmallVec::new();
    for (input, &dtype) in inputs.iter().zip(&known.ins) {
        if !matches!(input, Input::Array(_)) {
            scalars.push(constant(input, dtype)?);
        }
    }
    let output = match out {
        Some(out) => out.clone(),
        None => like(first, known.out)?,
    };
    let extent = output.size();
    let mut operands: SmallVec<[Operand<'_>; 3]> = SmallVec::new();
    for input in inputs {
        if let Input::Array(array) = input {
            operands.push(array.operand(Privilege::Read));
        }
    }
    operands.push(output.operand(Privilege::Write));
    record(known.kernel, extent, &operands, &scalars)?;
    drop(operands);
    Ok(Some(output))
}

/// A new array of the shape of a C-order one.
fn like(array: &Array, dtype: Dtype) -> Result<Array> {
    if dtype.size() != array.dtype.size() || array.view.shape.contains(&0) {
        return Array::empty(array.shape(), dtype);
    }
    let view = View { offset: 0, shape: array.view.shape.clone(), strides: array.view.strides.clone() };
    Ok(Array { region: runtime().create(view.size() * dtype.size()), dtype, view })
}

/// Asks the rules; none for what they refuse, and for what has to look at values.
fn learn(op: Op, inputs: &[Input<'_>], out: Option<&Array>, key: u64) -> Option<Known> {
    let row = op.row();
    if row.outputs != 1 || row.inputs as usize != inputs.len() || op == Op::Power {
        return None;
    }
    let types: SmallVec<[Typed; 3]> = inputs.iter().map(typed).collect();
    let chosen = resolve(op, &types).ok()?;
    let out = out.map_or(chosen.outs[0], |out| out.dtype);
    if !chosen.outs[0].can_cast(out, maniple_ops::Casting::SameKind) {
        return None;
    }
    let arrays: SmallVec<[Option<Dtype>; 3]> = inputs
        .iter()
        .map(|input| match input {
            Input::Array(array) => Some(array.dtype),
            _ => None,
        })
        .collect();
    let last = chosen.ins[chosen.ins.len() - 1];
    Some(Known { key, kernel: plain_kernel(&chosen, &arrays, out), ins: [chosen.ins[0], last], out })
}
