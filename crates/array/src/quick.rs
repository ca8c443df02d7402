//! The short ways for what programs do most, which give what the long ways give, with one table look-up instead of the
//! rules: through `apply` for one or two operands of one shape (or a scalar), one output, no keyword but `out=`; and
//! through `reduce` for folding all of a contiguous array.

use crate::array::{record, record_quiet};
use crate::elementwise::{Input, Layout, Options, constant, plain_kernel, typed};
use crate::reduction::{Reduction, fold_dtypes, folds_in_a_tree, leaves_kernel};
use crate::{Array, Result, at_hand, runtime};
use maniple_ops::{Dtype, LEAF, Op, Operand as Typed, Scalar, resolve};
use maniple_runtime::{Access, Kernel, KernelId, Operand, Order, Privilege, Shape, View};
use smallvec::{SmallVec, smallvec};
use std::cell::RefCell;

/// What the rules said about an operation on some dtypes.
#[derive(Clone, Copy)]
struct Known {
    /// Row, number, dtypes and kinds of the operands, in one word.
    key: u64,
    kernel: KernelId,
    ins: [Dtype; 2],
    out: Dtype,
    /// Row and key dtype of the loop, if it gives what the output holds.
    at_hand: Option<(Op, Dtype)>,
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
                        Some(first) if first.has_shape_of(array) => {}
                        Some(_) => return Ok(None),
                    }
                    let fits = match out {
                        None => array.is_c_contiguous() || array.has_c_order(),
                        Some(out) => {
                            out.region.distance(&array.region).is_none()
                                || (out.has_region_of(array)
                                    && out.view.same_as(&array.view)
                                    && out.dtype.size() == array.dtype.size())
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
    if out.is_some_and(|out| !out.has_shape_of(first)) {
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
    if let Some(found) = known.at_hand
        && at_hand::apply(found, inputs.iter().map(Input::array), &scalars, &known.ins, &output)
    {
        return Ok(Some(output));
    }
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

impl Array {
    /// Whether its axes lie in memory slowest first, whatever lies between its elements: then results of its layout are in
    /// C order.
    fn has_c_order(&self) -> bool {
        let strides = &self.view.strides;
        strides.last().is_none_or(|&last| last > 0) && strides.windows(2).all(|pair| pair[0] > pair[1])
    }
}

/// How all of an array of some row, dtype and number of axes is folded.
#[derive(Clone, Copy)]
struct KnownFold {
    key: u32,
    leaves: KernelId,
    tree: KernelId,
    dtype: Dtype,
}

const FOLD_SLOTS: usize = 64;

thread_local! {
    static KNOWN_FOLDS: RefCell<[Option<KnownFold>; FOLD_SLOTS]> = const { RefCell::new([None; FOLD_SLOTS]) };
}

/// All elements folded to one, or none if the long way has to be taken.
pub(crate) fn fold_all(op: Op, array: &Array) -> Result<Option<Array>> {
    let n = array.size();
    if array.ndim() == 0 || n == 0 || !array.is_c_contiguous() {
        return Ok(None);
    }
    let key = (op as u32) << 16 | (array.dtype as u32) << 8 | array.ndim() as u32;
    let slot = (key.wrapping_mul(0x9e37_79b9) >> 26) as usize;
    let known = KNOWN_FOLDS.with_borrow(|known| known[slot].filter(|known| known.key == key));
    let known = match known {
        Some(known) => known,
        None => {
            let Some(known) = learn_fold(op, array, key)? else { return Ok(None) };
            KNOWN_FOLDS.with_borrow_mut(|table| table[slot] = Some(known));
            known
        }
    };
    let item = known.dtype.size();
    let fresh = |shape: Shape| {
        let strides = if shape.is_empty() { SmallVec::new() } else { smallvec![item as isize] };
        let region = runtime().create(shape.iter().product::<usize>() * item);
        Array { region, dtype: known.dtype, view: View { offset: 0, shape, strides } }
    };
    let leaves = n.div_ceil(LEAF);
    let partials = fresh(smallvec![leaves]);
    let access = Access::Leaves { n, leaves, kept: 1, order: Order::KeptFirst };
    let operands: [Operand<'_>; 2] =
        [array.operand_with(Privilege::Read, access), partials.operand(Privilege::Write)];
    if !(leaves == 1 && at_hand::fold_leaf(op, array, &partials)) {
        record(known.leaves, leaves, &operands, &[])?;
    }
    if leaves == 1 {
        let view = View { offset: 0, shape: Shape::new(), strides: SmallVec::new() };
        return Ok(Some(Array { region: partials.region, dtype: known.dtype, view }));
    }
    let value = fresh(Shape::new());
    let operands =
        [partials.operand_with(Privilege::Read, Access::Rows(leaves)), value.operand(Privilege::Write)];
    if known.dtype.is_inexact() {
        record(known.tree, 1, &operands, &[])?;
    } else {
        record_quiet(known.tree, 1, &operands, &[])?;
    }
    Ok(Some(value))
}

/// Asks the rules; none for what they refuse, and for what is folded in another dtype than is returned.
fn learn_fold(op: Op, array: &Array, key: u32) -> Result<Option<KnownFold>> {
    let (dtype, result) = fold_dtypes(op, array.dtype, &Reduction::default())?;
    if dtype != result || dtype == Dtype::Float16 || !folds_in_a_tree(op, dtype) {
        return Ok(None);
    }
    let axes = (0..array.ndim() as u8).collect();
    let leaves = leaves_kernel(op, array.dtype, dtype, axes, 0, Order::KeptFirst);
    Ok(Some(KnownFold { key, leaves, tree: runtime().intern(Kernel::Fold { op, dtype }), dtype }))
}

/// A new array in C order of the shape of another.
fn like(array: &Array, dtype: Dtype) -> Result<Array> {
    if dtype.size() != array.dtype.size() || !array.is_c_contiguous() || array.view.shape.contains(&0) {
        return Array::empty(array.shape(), dtype);
    }
    let view = View { offset: 0, ..array.view.clone() };
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
    Some(Known {
        key,
        kernel: plain_kernel(&chosen, &arrays, out),
        ins: [chosen.ins[0], last],
        out,
        at_hand: (chosen.outs[0] == out).then_some((chosen.op, chosen.dtype)),
    })
}
