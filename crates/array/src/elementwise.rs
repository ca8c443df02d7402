//! Element-wise operations: one `apply` for every row of the table.

use crate::array::record;
use crate::broadcast::{broadcast_shapes, broadcast_strides, result_order};
use crate::{Array, Error, Kind, Result, at_hand, runtime};
use maniple_ops::{
    Body, Casting, Dtype, Flags, Loop, Op, Operand as Typed, Scalar, Step, Value, cast_may_raise, flags,
    resolve,
};
use maniple_runtime::{During, Kernel, KernelId, Operand, Privilege, Shape, View, Warning};
use num_complex::Complex64;
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use std::cell::RefCell;

/// What an operation is applied to.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// An array.
    Array(&'a Array),
    /// A NumPy scalar, which has a dtype.
    Scalar(Scalar),
    /// A Python `int`, whose dtype follows the other operands.
    Int(i128),
    /// A Python `float`.
    Float(f64),
    /// A Python `complex`.
    Complex(Complex64),
}

impl<'a> Input<'a> {
    /// The array, if it is one.
    pub(crate) fn array(&self) -> Option<&'a Array> {
        match *self {
            Input::Array(array) => Some(array),
            _ => None,
        }
    }
}

impl<'a> From<&'a Array> for Input<'a> {
    fn from(array: &'a Array) -> Input<'a> {
        Input::Array(array)
    }
}

impl From<f64> for Input<'_> {
    fn from(value: f64) -> Self {
        Input::Float(value)
    }
}

impl From<i64> for Input<'_> {
    fn from(value: i64) -> Self {
        Input::Int(value.into())
    }
}

impl From<Scalar> for Input<'_> {
    fn from(value: Scalar) -> Self {
        Input::Scalar(value)
    }
}

/// The keyword arguments of a ufunc.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// `out=`: one entry per output.
    pub out: &'a [Option<&'a Array>],
    /// `where=`: elements for which it is false are not computed and keep what `out` holds.
    pub mask: Option<&'a Array>,
    /// `dtype=`: the dtype of the loop's output.
    pub dtype: Option<Dtype>,
    /// `casting=`.
    pub casting: Option<Casting>,
    /// `order=`: layout of new outputs.
    pub order: Layout,
}

/// NumPy's `order=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// As close to the inputs' layout as possible.
    #[default]
    Keep,
    /// Rows first.
    C,
    /// Columns first.
    Fortran,
    /// Columns first if all inputs are, rows first otherwise.
    Any,
}

/// Arrays that an operation returns.
pub type Outputs = SmallVec<[Array; 2]>;

/// Applies a row to its inputs, with broadcasting and NumPy's dtype rules.
///
/// # Errors
/// NumPy's: no loop for the dtypes, shapes that do not broadcast, a cast that `casting` forbids, a Python integer out
/// of bounds; and failures of earlier tasks that this call caused to run.
pub fn apply(op: Op, inputs: &[Input<'_>], options: &Options<'_>) -> Result<Outputs> {
    if let Some(output) = crate::quick::apply(op, inputs, options)? {
        return Ok(smallvec![output]);
    }
    let row = op.row();
    let types: SmallVec<[Typed; 3]> = inputs.iter().map(typed).collect();
    let casting = options.casting.unwrap_or(Casting::SameKind);
    let found = match options.dtype {
        None => resolve(op, &types),
        Some(dtype) if casting == Casting::Unsafe => maniple_ops::resolve_dtype(op, dtype),
        Some(dtype) => maniple_ops::resolve_output(op, &types, dtype),
    };
    let chosen = found.map_err(|error| Error::new(Kind::NoLoop, error.to_string()))?;
    if options.dtype.is_some() || options.casting.is_some() {
        check_input_casts(op, inputs, &chosen, casting)?;
    }
    let given = |output: usize| options.out.get(output).copied().flatten();
    for (output, &from) in chosen.outs.iter().enumerate() {
        if let Some(out) = given(output)
            && !from.can_cast(out.dtype, casting)
        {
            return Err(Error::new(Kind::Casting, output_cast_message(op, from, out.dtype, casting)));
        }
    }
    refuse_negative_powers(op, inputs, &chosen)?;

    let mut shapes: SmallVec<[&[usize]; 6]> = SmallVec::new();
    for input in inputs {
        if let Input::Array(array) = input {
            shapes.push(array.shape());
        }
    }
    shapes.extend(options.mask.iter().map(|mask| mask.shape()));
    let joint: Shape = match shapes.as_slice() {
        [one] => Shape::from_slice(one),
        [first, rest @ ..] if rest.iter().all(|shape| shape == first) => Shape::from_slice(first),
        _ => broadcast_shapes(&shapes)?,
    };
    let joint = match (0..row.outputs as usize).find_map(given) {
        None => joint,
        Some(out) => shape_with_out(&shapes, joint, out)?,
    };

    // Inputs that overlap an output in any way but element on element are copied first.
    let mut copies: SmallVec<[Option<Array>; 3]> = SmallVec::new();
    for input in inputs.iter() {
        copies.push(match input {
            Input::Array(array) if options.out.iter().flatten().any(|out| clashes(array, out, &joint)) => {
                Some(array.copied()?)
            }
            _ => None,
        });
    }
    let mask_copy = match options.mask {
        Some(mask) if options.out.iter().flatten().any(|out| clashes(mask, out, &joint)) => {
            Some(mask.copied()?)
        }
        _ => None,
    };
    let arrays: SmallVec<[Option<&Array>; 3]> = (inputs.iter().zip(&copies))
        .map(|(input, copy)| match input {
            Input::Array(array) => Some(copy.as_ref().unwrap_or(array)),
            _ => None,
        })
        .collect();
    let mask = mask_copy.as_ref().or(options.mask);

    let mut outputs: Outputs = SmallVec::new();
    for output in 0..row.outputs as usize {
        outputs.push(match given(output) {
            Some(out) => out.clone(),
            None => new_output(&joint, chosen.outs[output], &arrays, options.order)?,
        });
    }
    let key = signature_key(&chosen, &arrays, mask.is_some(), &outputs, options.out);
    let mut scalars: SmallVec<[Scalar; 4]> = SmallVec::new();
    for (position, input) in inputs.iter().enumerate() {
        if arrays[position].is_none() {
            scalars.push(constant(input, chosen.ins[position])?);
        }
    }
    if let ([out], None) = (&outputs[..], mask)
        && out.dtype == chosen.outs[0]
    {
        let found = (chosen.op, chosen.dtype);
        if at_hand::apply(found, arrays.iter().copied(), &scalars, &chosen.ins, out) {
            return Ok(outputs);
        }
    }
    if mask.is_some() {
        scalars.push(Scalar::new(row.benign));
    }
    let kernel = kernel_for(key, || {
        let present: SmallVec<[Option<Dtype>; 3]> =
            arrays.iter().map(|array| array.map(|array| array.dtype)).collect();
        let outs: SmallVec<[Dtype; 2]> = outputs.iter().map(|out| out.dtype).collect();
        let fresh: SmallVec<[bool; 2]> = (0..outs.len()).map(|output| given(output).is_none()).collect();
        Kernel::Map(body_of(&chosen, &present, mask.map(|mask| mask.dtype), &outs, &fresh))
    });
    if mask.is_some() {
        for (output, out) in outputs.iter().enumerate() {
            if given(output).is_none() {
                scalars.push(Scalar::zero(out.dtype));
            }
        }
    }

    let mut views: SmallVec<[View; 6]> = SmallVec::new();
    let run_over = |array: &Array| {
        let strides = broadcast_strides(&array.view, &joint).expect("the shapes were broadcast");
        View { offset: array.view.offset, shape: joint.clone(), strides }
    };
    let mut read: SmallVec<[&Array; 6]> = arrays.iter().flatten().copied().collect();
    read.extend(mask);
    if mask.is_some() {
        read.extend(options.out.iter().flatten().copied());
    }
    views.extend(read.iter().map(|array| run_over(array)));
    views.extend(outputs.iter().map(&run_over));
    let operands: SmallVec<[Operand<'_>; 6]> = (read.iter().copied().chain(&outputs).zip(&views).enumerate())
        .map(|(position, (array, view))| {
            let privilege = if position < read.len() { Privilege::Read } else { Privilege::Write };
            Operand::element(&array.region, privilege, array.dtype, view)
        })
        .collect();
    record(kernel, joint.iter().product(), &operands, &scalars)?;
    drop(operands);
    Ok(outputs)
}

/// Applies a row with one output and no options.
///
/// # Errors
/// As [`apply`].
pub fn apply_one(op: Op, inputs: &[Input<'_>]) -> Result<Array> {
    if let Some(output) = crate::quick::apply(op, inputs, &Options::default())? {
        return Ok(output);
    }
    Ok(apply(op, inputs, &Options::default())?.swap_remove(0))
}

/// Computes a row into an array that exists (`out=`).
///
/// # Errors
/// As [`apply`].
pub fn apply_into(op: Op, inputs: &[Input<'_>], out: &Array) -> Result<()> {
    apply(op, inputs, &Options { out: &[Some(out)], ..Options::default() }).map(|_| ())
}

pub(crate) fn typed(input: &Input<'_>) -> Typed {
    match input {
        Input::Array(array) => Typed::Strong(array.dtype),
        Input::Scalar(scalar) => Typed::Strong(scalar.dtype()),
        Input::Int(_) => Typed::WeakInt,
        Input::Float(_) => Typed::WeakFloat,
        Input::Complex(_) => Typed::WeakComplex,
    }
}

/// The constant that a scalar input is in the loop's dtype.
pub(crate) fn constant(input: &Input<'_>, dtype: Dtype) -> Result<Scalar> {
    let scalar = match *input {
        Input::Array(_) => unreachable!("only scalars are constants"),
        Input::Scalar(scalar) => scalar,
        Input::Int(value) => return int_constant(value, dtype),
        Input::Float(value) if dtype == Dtype::Float64 => return Ok(Scalar::new(value)),
        Input::Float(value) => Scalar::new(value),
        Input::Complex(value) => Scalar::new(value),
    };
    if !cast_may_raise(scalar.dtype(), dtype) {
        return Ok(scalar.cast(dtype));
    }
    flags::clear();
    let cast = scalar.cast(dtype);
    let flags = Flags::from_bits(flags::read().bits() & crate::session::watch());
    if !flags.is_empty() {
        runtime().warn(Warning { during: During::Cast, flags, line: crate::session::line() });
    }
    Ok(cast)
}

/// A Python integer in a dtype.
///
/// # Errors
/// NumPy's `OverflowError` if it does not fit.
pub fn int_constant(value: i128, dtype: Dtype) -> Result<Scalar> {
    let bits = 8 * dtype.size() as u32;
    let (low, high) = match dtype.kind() {
        maniple_ops::Kind::Int => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        maniple_ops::Kind::UInt => (0, (1i128 << bits) - 1),
        maniple_ops::Kind::Bool => return Ok(Scalar::new(u8::from(value != 0)).cast(dtype)),
        _ => return Ok(Scalar::new(value as f64).cast(dtype)),
    };
    if value < low || value > high {
        let name = dtype.name();
        return Err(Error::new(Kind::Overflow, format!("Python integer {value} out of bounds for {name}")));
    }
    Ok(if value < 0 { Scalar::new(value as i64) } else { Scalar::new(value as u64) }.cast(dtype))
}

/// The joint shape when there are outputs to fill: they may be larger than what the inputs broadcast to, and never
/// smaller.
fn shape_with_out(inputs: &[&[usize]], joint: Shape, out: &Array) -> Result<Shape> {
    if *out.shape() == *joint {
        return Ok(joint);
    }
    let mut shapes: SmallVec<[&[usize]; 6]> = inputs.iter().copied().collect();
    shapes.push(out.shape());
    let all = broadcast_shapes(&shapes)?;
    if *all != *out.shape() {
        return Err(Error::value(format!(
            "non-broadcastable output operand with shape {} doesn't match the broadcast shape {}",
            crate::array::shape_text_dense(out.shape()),
            crate::array::shape_text_dense(&all)
        )));
    }
    Ok(all)
}

/// Whether reading `array` while writing `out` element by element could read what was already written.
fn clashes(array: &Array, out: &Array, joint: &[usize]) -> bool {
    array.may_share_memory(out)
        && !(array.has_region_of(out)
            && array.shape() == joint
            && array.view.same_as(&out.view)
            && array.dtype.size() == out.dtype.size())
}

fn new_output(joint: &Shape, dtype: Dtype, inputs: &[Option<&Array>], order: Layout) -> Result<Array> {
    let arrays = || inputs.iter().flatten();
    let all_fortran =
        || arrays().all(|array| array.is_f_contiguous()) && arrays().any(|array| !array.is_c_contiguous());
    match order {
        Layout::C => Array::empty(joint, dtype),
        Layout::Any if !all_fortran() => Array::empty(joint, dtype),
        Layout::Fortran | Layout::Any => {
            Array::empty_ordered(joint, dtype, &(0..joint.len()).rev().collect::<SmallVec<[usize; 4]>>())
        }
        Layout::Keep => {
            if joint.len() < 2 || arrays().all(|array| array.is_c_contiguous()) {
                return Array::empty(joint, dtype);
            }
            let strides: SmallVec<[_; 3]> =
                arrays().filter_map(|array| broadcast_strides(&array.view, joint)).collect();
            let operands: SmallVec<[&[isize]; 3]> =
                strides.iter().map(|strides| strides.as_slice()).collect();
            Array::empty_ordered(joint, dtype, &result_order(&operands, joint.len()))
        }
    }
}

thread_local! {
    /// Kernels of single operations by what [`signature_key`] says.
    static KERNELS: RefCell<FxHashMap<u64, KernelId>> = RefCell::new(FxHashMap::default());
}

fn kernel_for(key: u64, make: impl FnOnce() -> Kernel) -> KernelId {
    if let Some(id) = KERNELS.with_borrow(|kernels| kernels.get(&key).copied()) {
        return id;
    }
    let id = runtime().intern(make());
    KERNELS.with_borrow_mut(|kernels| kernels.insert(key, id));
    id
}

/// Everything that a single operation's body depends on, in one word: row, loop, dtypes, which inputs are constants,
/// and whether there is a mask.
fn signature_key(
    chosen: &Loop,
    arrays: &[Option<&Array>],
    masked: bool,
    outputs: &[Array],
    given: &[Option<&Array>],
) -> u64 {
    let mut key = (chosen.op as u64) << 5 | (chosen.dtype as u64) << 1 | u64::from(masked);
    for array in arrays {
        key = key << 5 | array.map_or(31, |array| array.dtype as u64);
    }
    for (at, output) in outputs.iter().enumerate() {
        let fresh = given.get(at).copied().flatten().is_none();
        key = key << 6 | (output.dtype as u64) << 1 | u64::from(fresh);
    }
    // Without the numbers of inputs and outputs, the fields of different calls could line up.
    (key << 2 | arrays.len() as u64) << 2 | outputs.len() as u64
}

/// The kernel of a row without a mask: `arrays` has the dtypes of the inputs that are arrays.
pub(crate) fn plain_kernel(chosen: &Loop, arrays: &[Option<Dtype>], out: Dtype) -> KernelId {
    runtime().intern(Kernel::Map(body_of(chosen, arrays, None, &[out], &[false])))
}

/// The body of one operation: casts in, the row, the mask, casts out.
///
/// Inputs are the arrays, then the mask, then what the given outputs hold; constants are the scalars in the loop's
/// dtypes, then (masked) the row's benign value, then (masked) a zero per fresh output.
fn body_of(
    chosen: &Loop,
    arrays: &[Option<Dtype>],
    mask: Option<Dtype>,
    outs: &[Dtype],
    fresh: &[bool],
) -> Body {
    let mut inputs: Vec<Dtype> = arrays.iter().flatten().copied().collect();
    inputs.extend(mask);
    if mask.is_some() {
        inputs.extend(outs.iter().zip(fresh).filter(|&(_, &fresh)| !fresh).map(|(&dtype, _)| dtype));
    }
    let mut constants: Vec<Dtype> = arrays
        .iter()
        .zip(&chosen.ins)
        .filter(|(array, _)| array.is_none())
        .map(|(_, &dtype)| dtype)
        .collect();
    let scalars = constants.len();
    if mask.is_some() {
        constants.push(Dtype::Float64);
        constants.extend(outs.iter().zip(fresh).filter(|&(_, &fresh)| fresh).map(|(&dtype, _)| dtype));
    }
    let present = arrays.iter().flatten().count();
    let first_constant = inputs.len() as Value;
    let mut body = Body { inputs, constants, steps: Vec::new(), outputs: Vec::new() };
    let condition = mask.map(|dtype| cast(&mut body, present as Value, dtype, Dtype::Bool));
    let (mut next_input, mut next_constant) = (0 as Value, first_constant);
    let mut args: SmallVec<[Value; 3]> = SmallVec::new();
    for (array, &wanted) in arrays.iter().zip(&chosen.ins) {
        let value = match array {
            Some(dtype) => {
                next_input += 1;
                cast(&mut body, next_input - 1, *dtype, wanted)
            }
            None => {
                next_constant += 1;
                next_constant - 1
            }
        };
        args.push(match condition {
            Some(condition) => {
                let benign = cast(&mut body, first_constant + scalars as Value, Dtype::Float64, wanted);
                select(&mut body, condition, value, benign, wanted)
            }
            None => value,
        });
    }
    let first = body.push_apply(chosen.op, chosen.dtype, args);
    let (mut old_input, mut old_constant) = (present as Value + 1, first_constant + scalars as Value + 1);
    for (output, (&dtype, &fresh)) in outs.iter().zip(fresh).enumerate() {
        let mut value = cast(&mut body, first + output as Value, chosen.outs[output], dtype);
        if let Some(condition) = condition {
            let old = if fresh { &mut old_constant } else { &mut old_input };
            value = select(&mut body, condition, value, *old, dtype);
            *old += 1;
        }
        body.outputs.push(value);
    }
    body
}

fn cast(body: &mut Body, value: Value, from: Dtype, to: Dtype) -> Value {
    if from == to { value } else { body.push_cast(value, to) }
}

fn select(body: &mut Body, condition: Value, yes: Value, no: Value, dtype: Dtype) -> Value {
    body.push_apply(Op::Select, dtype, smallvec![condition, yes, no])
}

/// The body that copies or casts.
pub(crate) fn cast_kernel(from: Dtype, to: Dtype) -> KernelId {
    kernel_for(1 << 63 | (from as u64) << 8 | to as u64, || {
        let mut body =
            Body { inputs: vec![from], constants: Vec::new(), steps: Vec::new(), outputs: Vec::new() };
        let value = cast(&mut body, 0, from, to);
        body.outputs.push(value);
        Kernel::Map(body)
    })
}

/// The body that fills with a constant of the output's dtype.
pub(crate) fn fill_kernel(dtype: Dtype) -> KernelId {
    kernel_for(1 << 62 | dtype as u64, || {
        Kernel::Map(Body {
            inputs: Vec::new(),
            constants: vec![dtype],
            steps: Vec::<Step>::new(),
            outputs: vec![0],
        })
    })
}

/// Integer powers have no negative exponents; NumPy looks at every one of them, and so must we.
fn refuse_negative_powers(op: Op, inputs: &[Input<'_>], chosen: &Loop) -> Result<()> {
    if op != Op::Power || chosen.dtype.kind() != maniple_ops::Kind::Int {
        return Ok(());
    }
    let negative = match &inputs[1] {
        Input::Int(value) => *value < 0,
        Input::Scalar(scalar) => scalar.as_f64() < 0.0,
        Input::Array(array) if array.dtype.kind() == maniple_ops::Kind::Int && array.size() > 0 => {
            array.min()?.item()?.as_f64() < 0.0
        }
        _ => false,
    };
    if negative {
        return Err(Error::value("Integers to negative integer powers are not allowed."));
    }
    Ok(())
}

fn check_input_casts(op: Op, inputs: &[Input<'_>], chosen: &Loop, casting: Casting) -> Result<()> {
    for (position, (input, &wanted)) in inputs.iter().zip(&chosen.ins).enumerate() {
        let from = match input {
            Input::Array(array) => array.dtype,
            Input::Scalar(scalar) => scalar.dtype(),
            _ => continue,
        };
        if !from.can_cast(wanted, casting) {
            let place = if inputs.len() > 1 { format!("input {position}") } else { "input".into() };
            return Err(Error::new(
                Kind::Casting,
                format!(
                    "Cannot cast ufunc '{}' {place} from dtype('{}') to dtype('{}') with casting rule '{}'",
                    op.row().numpy,
                    from.name(),
                    wanted.name(),
                    casting_name(casting)
                ),
            ));
        }
    }
    Ok(())
}

fn output_cast_message(op: Op, from: Dtype, to: Dtype, casting: Casting) -> String {
    format!(
        "Cannot cast ufunc '{}' output from dtype('{}') to dtype('{}') with casting rule '{}'",
        op.row().numpy,
        from.name(),
        to.name(),
        casting_name(casting)
    )
}

pub(crate) fn casting_name(casting: Casting) -> &'static str {
    match casting {
        Casting::No => "no",
        Casting::Equiv => "equiv",
        Casting::Safe => "safe",
        Casting::SameKind => "same_kind",
        Casting::Unsafe => "unsafe",
    }
}
