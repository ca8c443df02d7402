//! From the dtypes of operands to the loop that runs: NumPy's type resolution with NEP 50's weak Python scalars.

use crate::block::case;
use crate::dtype::{Casting, Dtype, Kind};
use crate::table::Op;
use smallvec::SmallVec;
use std::fmt;

/// What resolution knows of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An array or a NumPy scalar; a Python `bool` too.
    Strong(Dtype),
    /// A Python `int`.
    WeakInt,
    /// A Python `float`.
    WeakFloat,
    /// A Python `complex`.
    WeakComplex,
}

/// How the dtypes of a row's operands become a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All operands take their common dtype, which must have a case.
    Uniform,
    /// The first case, in NumPy's order of dtypes, to which every operand can be cast safely.
    Linear,
    /// As `Uniform`, with a loop of its own for a signed and an unsigned 64-bit integer.
    Compare,
    /// Operands of one dtype stay; others become truth values.
    Logical,
    /// As `Linear`, but integers are divided in double precision.
    Divide,
    /// The first operand as in `Linear`; the second must be an integer that `Int64` holds.
    Ldexp,
    /// The first operand becomes a truth value, the others take their common dtype.
    Select,
    /// Never resolved from operands: only passes make it.
    Internal,
}

/// One loop of a row: what its inputs must be cast to, and what its outputs are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Loop {
    /// The row; for comparisons of mixed signs another one than was asked for.
    pub op: Op,
    /// The key dtype, by which `block` finds the compiled loop.
    pub dtype: Dtype,
    /// The dtype of each input.
    pub ins: SmallVec<[Dtype; 3]>,
    /// The dtype of each output.
    pub outs: SmallVec<[Dtype; 2]>,
}

/// Why a row has no loop for its operands. `Display` gives NumPy's message; the exception is a `TypeError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// No case takes the operands by safe casts.
    NotSupported(Op),
    /// The common dtype has no case; NumPy raises the subclass `UFuncTypeError`.
    NoLoop(Op, SmallVec<[Operand; 3]>),
    /// `subtract` of two truth values.
    BooleanSubtract,
    /// `negative` of a truth value.
    BooleanNegative,
    /// No case gives the dtype asked for as output; NumPy raises the subclass `UFuncTypeError`.
    NoOutput(Op, Dtype),
    /// No loop takes the operands to the dtype asked for; NumPy raises the subclass `UFuncTypeError`.
    NoMatch(Op),
    /// An input cannot be cast to the loop that the dtype asked for means; NumPy raises `UFuncTypeError`.
    CannotCast {
        /// The row.
        op: Op,
        /// The position of the input.
        input: usize,
        /// Its dtype.
        from: Dtype,
        /// The dtype the loop takes there.
        to: Dtype,
    },
    /// The number of operands is not the row's.
    Arity(Op, usize),
}

/// NumPy's order of type characters, in which its loops are searched.
const SEARCH: [Dtype; 14] = [
    Dtype::Bool,
    Dtype::Int8,
    Dtype::UInt8,
    Dtype::Int16,
    Dtype::UInt16,
    Dtype::Int32,
    Dtype::UInt32,
    Dtype::Int64,
    Dtype::UInt64,
    Dtype::Float16,
    Dtype::Float32,
    Dtype::Float64,
    Dtype::Complex64,
    Dtype::Complex128,
];

/// The loop NumPy picks for the operands.
///
/// # Errors
/// If NumPy would raise; the error prints NumPy's message.
pub fn resolve(op: Op, operands: &[Operand]) -> Result<Loop, RuleError> {
    let row = op.row();
    if operands.len() != row.inputs as usize {
        return Err(RuleError::Arity(op, operands.len()));
    }
    match row.rule {
        Rule::Uniform => uniform(op, operands, common(operands)),
        Rule::Linear => linear(op, &strengthen(operands)),
        Rule::Compare => compare(op, operands),
        Rule::Logical => {
            let dtype = match (operands[0], operands[1]) {
                (Operand::Strong(a), Operand::Strong(b)) if a == b => a,
                _ => Dtype::Bool,
            };
            uniform(op, operands, dtype)
        }
        Rule::Divide => {
            let dtypes = strengthen(operands);
            if dtypes.iter().all(|dtype| !dtype.is_inexact()) {
                return signature(op, Dtype::Float64).ok_or(RuleError::NotSupported(op));
            }
            linear(op, &dtypes)
        }
        Rule::Ldexp => ldexp(op, operands, |_| true),
        Rule::Select => uniform(op, operands, common(&operands[1..])),
        Rule::Internal => match operands[0] {
            Operand::Strong(dtype) => uniform(op, operands, dtype),
            _ => Err(RuleError::NotSupported(op)),
        },
    }
}

/// The first loop whose first output is `dtype`: what `dtype=` asks of a ufunc.
///
/// # Errors
/// If no loop has that output.
pub fn resolve_dtype(op: Op, dtype: Dtype) -> Result<Loop, RuleError> {
    first_loop(op, |of| of.outs[0] == dtype).ok_or(RuleError::NoOutput(op, dtype))
}

/// The loop NumPy picks for the operands where every output must be `dtype`: what `dtype=` asks of a ufunc.
///
/// # Errors
/// If NumPy would raise under `casting="same_kind"`.
pub fn resolve_output(op: Op, operands: &[Operand], dtype: Dtype) -> Result<Loop, RuleError> {
    let row = op.row();
    if operands.len() != row.inputs as usize {
        return Err(RuleError::Arity(op, operands.len()));
    }
    if matches!(row.rule, Rule::Compare | Rule::Logical) && dtype == Dtype::Bool {
        return resolve(op, operands);
    }
    let loops: SmallVec<[Loop; 2]> = SEARCH
        .into_iter()
        .filter_map(|key| signature(op, key))
        .filter(|of| of.outs.iter().all(|out| *out == dtype))
        .collect();
    let dtypes = strengthen(operands);
    let safe = |of: &&Loop| dtypes.iter().zip(&of.ins).all(|(from, to)| from.can_cast(*to, Casting::Safe));
    let refused = |of: &Loop| operands.iter().zip(&of.ins).position(|(from, to)| !from.may_become(*to));
    if row.rule == Rule::Ldexp {
        return ldexp(op, operands, |of| of.outs[0] == dtype);
    }
    let of = loops.iter().find(safe).or(loops.first()).ok_or(RuleError::NoMatch(op))?;
    match refused(of) {
        Some(input) => Err(RuleError::CannotCast { op, input, from: dtypes[input], to: of.ins[input] }),
        None => Ok(of.clone()),
    }
}

/// The loop of a row at a key dtype; none if it has no such case.
pub fn signature(op: Op, key: Dtype) -> Option<Loop> {
    let case = case(op, key)?;
    Some(Loop {
        op,
        dtype: key,
        ins: case.ins.into_iter().flatten().collect(),
        outs: case.outs.into_iter().flatten().collect(),
    })
}

/// The loops as NumPy's `ufunc.types` lists them, such as `"dd->d"`, for the dtypes there are here.
pub fn types(op: Op) -> Vec<String> {
    let text = |of: &Loop, second: Option<Dtype>| {
        let mut ins: String = of.ins.iter().map(|dtype| dtype.character()).collect();
        if let Some(second) = second {
            ins.replace_range(1..2, &second.character().to_string());
        }
        let outs: String = of.outs.iter().map(|dtype| dtype.character()).collect();
        format!("{ins}->{outs}")
    };
    let loops: Vec<Loop> = SEARCH.into_iter().filter_map(|key| signature(op, key)).collect();
    if op.row().rule == Rule::Ldexp {
        let pair = |of: &Loop| [text(of, Some(Dtype::Int32)), text(of, Some(Dtype::Int64))];
        return loops.iter().flat_map(pair).collect();
    }
    loops.iter().map(|of| text(of, None)).collect()
}

/// The common dtype of operands: `numpy.result_type` with weak scalars.
fn common(operands: &[Operand]) -> Dtype {
    let weakest = operands.iter().filter_map(|operand| operand.default_dtype()).max();
    match (common_strong(operands), weakest) {
        (Some(dtype), None) | (None, Some(dtype)) => dtype,
        (Some(strong), Some(weak)) => join_weak(strong, weak),
        (None, None) => Dtype::Float64,
    }
}

/// The common dtype of the strong operands. Higher kinds come first, as NumPy has it: with a float among them, a signed
/// and an unsigned integer need not meet in a wider integer.
fn common_strong(operands: &[Operand]) -> Option<Dtype> {
    let strong = operands.iter().filter_map(|operand| match operand {
        Operand::Strong(dtype) => Some(*dtype),
        _ => None,
    });
    let mut strong: SmallVec<[Dtype; 3]> = strong.collect();
    strong.sort_by_key(|dtype| std::cmp::Reverse(dtype.kind().rank()));
    strong.into_iter().reduce(Dtype::promote)
}

/// The dtype of a strong operand met by a Python scalar whose default dtype is `weak`.
fn join_weak(strong: Dtype, weak: Dtype) -> Dtype {
    match (weak.kind(), strong.kind()) {
        (Kind::Int, Kind::Bool) => Dtype::Int64,
        (Kind::Int, _) => strong,
        (Kind::Float, Kind::Float | Kind::Complex) => strong,
        (Kind::Float, _) => Dtype::Float64,
        (_, Kind::Complex) => strong,
        (_, Kind::Float) => strong.complex(),
        _ => Dtype::Complex128,
    }
}

/// The operands' dtypes with every weak scalar given the dtype it takes beside the strong operands.
fn strengthen(operands: &[Operand]) -> SmallVec<[Dtype; 3]> {
    let strong = common_strong(operands);
    let dtypes = operands.iter().map(|operand| match (*operand, strong) {
        (Operand::Strong(dtype), _) => dtype,
        (weak, None) => weak.default_dtype().expect("a weak operand"),
        (weak, Some(strong)) => join_weak(strong, weak.default_dtype().expect("a weak operand")),
    });
    dtypes.collect()
}

fn uniform(op: Op, operands: &[Operand], dtype: Dtype) -> Result<Loop, RuleError> {
    signature(op, dtype).ok_or_else(|| match (op, dtype) {
        (Op::Subtract, Dtype::Bool) => RuleError::BooleanSubtract,
        (Op::Negative, Dtype::Bool) => RuleError::BooleanNegative,
        _ => RuleError::NoLoop(op, SmallVec::from_slice(operands)),
    })
}

fn linear(op: Op, dtypes: &[Dtype]) -> Result<Loop, RuleError> {
    let takes = |of: &Loop| dtypes.iter().zip(&of.ins).all(|(from, to)| from.can_cast(*to, Casting::Safe));
    first_loop(op, takes).ok_or(RuleError::NotSupported(op))
}

fn compare(op: Op, operands: &[Operand]) -> Result<Loop, RuleError> {
    let unsigned = |operand| operand == Operand::Strong(Dtype::UInt64);
    let signed = |operand| matches!(operand, Operand::Strong(dtype) if dtype.kind() == Kind::Int);
    let (a, b) = (operands[0], operands[1]);
    let key = match () {
        _ if signed(a) && unsigned(b) => Dtype::Int64,
        _ if unsigned(a) && signed(b) => Dtype::UInt64,
        _ => return uniform(op, operands, common(operands)),
    };
    let mixed = match op {
        Op::Greater => Op::GreaterMixed,
        Op::GreaterEqual => Op::GreaterEqualMixed,
        Op::Less => Op::LessMixed,
        Op::LessEqual => Op::LessEqualMixed,
        Op::Equal => Op::EqualMixed,
        _ => Op::NotEqualMixed,
    };
    signature(mixed, key).ok_or(RuleError::NotSupported(op))
}

fn ldexp(op: Op, operands: &[Operand], accepts: impl Fn(&Loop) -> bool) -> Result<Loop, RuleError> {
    let exponent_fits = match operands[1] {
        Operand::Strong(dtype) => dtype.can_cast(Dtype::Int64, Casting::Safe),
        weak => weak == Operand::WeakInt,
    };
    let number = match (operands[0], operands[1]) {
        // NumPy finds its first loop good enough for a Python integer beside an array.
        (Operand::WeakInt, Operand::Strong(dtype)) if dtype != Dtype::Bool => Dtype::Float16,
        _ => strengthen(&operands[..1])[0],
    };
    let takes = |of: &Loop| accepts(of) && number.can_cast(of.dtype, Casting::Safe);
    first_loop(op, takes).filter(|_| exponent_fits).ok_or(RuleError::NotSupported(op))
}

fn first_loop(op: Op, accepts: impl Fn(&Loop) -> bool) -> Option<Loop> {
    SEARCH.into_iter().filter_map(|key| signature(op, key)).find(|of| accepts(of))
}

impl Operand {
    /// Whether the operand may be cast to a dtype under `casting="same_kind"`, where a Python scalar fits every dtype
    /// that can hold its kind.
    fn may_become(self, to: Dtype) -> bool {
        match self {
            Operand::Strong(dtype) => dtype.can_cast(to, Casting::SameKind),
            Operand::WeakInt => to != Dtype::Bool,
            Operand::WeakFloat => to.is_inexact(),
            Operand::WeakComplex => to.is_complex(),
        }
    }

    /// The dtype a weak scalar has on its own; none for a strong operand.
    pub fn default_dtype(self) -> Option<Dtype> {
        match self {
            Operand::Strong(_) => None,
            Operand::WeakInt => Some(Dtype::Int64),
            Operand::WeakFloat => Some(Dtype::Float64),
            Operand::WeakComplex => Some(Dtype::Complex128),
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleError::NotSupported(op) => write!(
                f,
                "ufunc '{}' not supported for the input types, and the inputs could not be safely coerced to any \
                 supported types according to the casting rule ''safe''",
                op.row().numpy
            ),
            RuleError::NoLoop(op, operands) => {
                let classes: Vec<String> = operands.iter().map(|operand| operand_class(*operand)).collect();
                let given = match classes.as_slice() {
                    [one] => one.clone(),
                    several => format!("({})", several.join(", ")),
                };
                write!(
                    f,
                    "ufunc '{}' did not contain a loop with signature matching types {given} -> None",
                    op.row().numpy
                )
            }
            RuleError::BooleanSubtract => f.write_str(
                "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` operator, \
                 or the logical_xor function instead.",
            ),
            RuleError::BooleanNegative => f.write_str(
                "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or the \
                 logical_not function instead.",
            ),
            RuleError::NoOutput(op, dtype) => {
                let nones = vec!["None"; op.row().inputs as usize].join(", ");
                let given = if op.row().inputs == 1 { nones } else { format!("({nones})") };
                write!(
                    f,
                    "ufunc '{}' did not contain a loop with signature matching types {given} -> {}",
                    op.row().numpy,
                    class_name(*dtype)
                )
            }
            RuleError::NoMatch(op) => write!(
                f,
                "No loop matching the specified signature and casting was found for ufunc {}",
                op.row().numpy
            ),
            RuleError::CannotCast { op, input, from, to } => {
                let number = if op.row().inputs == 1 { String::new() } else { format!(" {input}") };
                write!(
                    f,
                    "Cannot cast ufunc '{}' input{number} from dtype('{from}') to dtype('{to}') with casting rule \
                     'same_kind'",
                    op.row().numpy
                )
            }
            RuleError::Arity(op, given) => {
                let inputs = op.row().inputs;
                write!(f, "{}() takes {inputs} positional arguments but {given} were given", op.row().numpy)
            }
        }
    }
}

impl std::error::Error for RuleError {}

/// The DType class of an operand as Python prints it.
fn operand_class(operand: Operand) -> String {
    let python = match operand {
        Operand::Strong(dtype) => return class_name(dtype),
        Operand::WeakInt => "Long",
        Operand::WeakFloat => "Float",
        Operand::WeakComplex => "Complex",
    };
    format!("<class 'numpy.dtypes._Py{python}DType'>")
}

/// NumPy's DType class as Python prints it.
fn class_name(dtype: Dtype) -> String {
    let name = dtype.name();
    let capitals = if name.starts_with("uint") { 2 } else { 1 };
    format!("<class 'numpy.dtypes.{}{}DType'>", name[..capitals].to_uppercase(), &name[capitals..])
}
