//! The WGSL text of rows, casts and bodies: what a kernel for any GPU is written with.
//!
//! [`steps`] writes calls of functions, and [`prelude_for`] gives the functions that are called: for every row one for
//! each type of registers. All of them lean on a zero that no compiler can know, which the kernel around them declares
//! as `var<private> mn_zero: u32` and sets from a parameter before anything else: results are exclusive-ored with it,
//! because WGSL allows compilers to reorder and contract arithmetic and to assume that numbers are finite.
//!
//! Registers have 32 bits where elements have fewer: an integer is wrapped after every step, a half is a single that was
//! rounded to one. There is no double precision: bodies with `float64` or `complex128` have no text, nor those with
//! 64-bit integers where the device has none.
//!
//! Sums, differences, products, quotients, square roots and all that does not round have the bits of the Rust rows on
//! every device that keeps subnormal numbers: quotients and roots are corrected by exact remainders. The elementary
//! functions are polynomials in single precision, since those of WGSL promise little. The largest errors found on
//! lavapipe, in units in the last place, at 17 million arguments spread over all numbers (or random pairs of them):
//!
//! | function | error | function | error | function | error |
//! | --- | --- | --- | --- | --- | --- |
//! | `exp` | 0.98 | `sin` | 1.60 | `sinh` | 1.54 |
//! | `exp2` | 1.08 | `cos` | 1.60 | `cosh` | 1.44 |
//! | `expm1` | 1.42 | `tan` | 2.96 | `tanh` | 2.41 |
//! | `log` | 0.79 | `arcsin` | 2.24 | `arcsinh` | 2.38 |
//! | `log2` | 0.63 | `arccos` | 1.06 | `arccosh` | 2.12 |
//! | `log10` | 0.57 | `arctan` | 1.82 | `arctanh` | 2.73 |
//! | `log1p` | 1.62 | `arctan2` | 2.19 | `hypot` | 1.20 |
//! | `power` | 1.18 | `cbrt` | 0.74 | | |
//!
//! Those of complex numbers stay within four units of the larger part; the ones that would not are [`CPU_ONLY`].

mod library;
mod rows;

use crate::body::{Body, Step};
use crate::dtype::{Dtype, Kind};
use crate::fold::fold;
use crate::scalar::Scalar;
use crate::table::Op;
use num_complex::Complex;
use rows::{Text, row_text, suffix};
use std::fmt::Write;

pub use library::definitions;
pub use rows::CPU_ONLY;

/// What a device has beyond WGSL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Features {
    /// Integers of 64 bits: wgpu's `SHADER_INT64`.
    pub int64: bool,
}

/// Whether a body's text records floating point events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watch {
    /// Nobody asks.
    Nothing,
    /// Every step makes the variable `seen`, of type `bool`, true if its result may mean an event, at little cost:
    /// afterwards it says whether the element is worth a look with `Flags`.
    Suspicion,
    /// Step `i` adds its events to `f{i}`, as the bits of [`crate::Flags`]; a number that becomes too small is none.
    Flags,
}

/// Whether [`steps`] has a text for the body, on such a device.
///
/// # Panics
/// If the body does not pass [`Body::check`].
pub fn supports(body: &Body, features: Features) -> bool {
    let held = |dtype: Dtype| match value(dtype) {
        Some("i64" | "u64") => features.int64,
        held => held.is_some(),
    };
    let dtypes = body.value_dtypes();
    dtypes.into_iter().all(held)
        && body.steps.iter().all(|step| match step {
            Step::Apply { op, dtype, .. } => row_text(*op, *dtype).is_some(),
            Step::Cast { .. } => true,
        })
}

/// The functions that the texts of a body need, those that load, store and convert its values, and those of a row that
/// folds any of them.
///
/// # Panics
/// If the body does not pass [`Body::check`].
pub fn prelude_for(body: &Body, folded: Option<Op>) -> String {
    let mut dtypes = body.value_dtypes();
    let mut text = steps(body, Watch::Flags).unwrap_or_default();
    dtypes.sort();
    dtypes.dedup();
    let mut folds = String::new();
    for &dtype in dtypes.iter().filter(|dtype| value(**dtype).is_some()) {
        let called = [load(dtype, ""), store(dtype, ""), literal(Scalar::zero(dtype))];
        let called = called.into_iter().chain([folded.and_then(|op| combine_events(op, dtype))]);
        called.flatten().for_each(|call| text = format!("{text} {call}"));
        folds.extend(folded.and_then(|op| fold_definition(op, dtype)));
    }
    definitions(&(text + " " + &folds)) + &folds
}

/// The type of an element in registers. A half is an `f32` that was rounded to one; a complex number has its real part
/// first. Nothing for double precision.
pub fn value(dtype: Dtype) -> Option<&'static str> {
    Some(match dtype {
        Dtype::Bool => "bool",
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 => "i32",
        Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 => "u32",
        Dtype::Int64 => "i64",
        Dtype::UInt64 => "u64",
        Dtype::Float16 | Dtype::Float32 => "f32",
        Dtype::Complex64 => "vec2<f32>",
        Dtype::Float64 | Dtype::Complex128 => return None,
    })
}

/// The expression of type [`value`] for an element's bits: an expression of a `u32` whose upper bits are zero if the
/// element is narrower, or of a `vec2<u32>` if it has eight bytes.
pub fn load(dtype: Dtype, bits: &str) -> Option<String> {
    Some(match dtype {
        Dtype::Bool => format!("(({bits}) != 0u)"),
        Dtype::Int8 => format!("mn_load_int8({bits})"),
        Dtype::Int16 => format!("mn_load_int16({bits})"),
        Dtype::Int32 => format!("bitcast<i32>({bits})"),
        Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 => format!("({bits})"),
        Dtype::Int64 => format!("mn_load_i64({bits})"),
        Dtype::UInt64 => format!("mn_load_u64({bits})"),
        Dtype::Float16 => format!("mn_half({bits})"),
        Dtype::Float32 => format!("bitcast<f32>({bits})"),
        Dtype::Complex64 => format!("bitcast<vec2<f32>>({bits})"),
        Dtype::Float64 | Dtype::Complex128 => return None,
    })
}

/// The inverse of [`load`]: the bits of an element from an expression of type [`value`].
pub fn store(dtype: Dtype, value: &str) -> Option<String> {
    Some(match dtype {
        Dtype::Bool => format!("select(0u, 1u, {value})"),
        Dtype::Int8 => format!("(bitcast<u32>({value}) & 0xffu)"),
        Dtype::Int16 => format!("(bitcast<u32>({value}) & 0xffffu)"),
        Dtype::Int32 | Dtype::Float32 => format!("bitcast<u32>({value})"),
        Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 => format!("({value})"),
        Dtype::Int64 => format!("mn_store_i64({value})"),
        Dtype::UInt64 => format!("mn_store_u64({value})"),
        Dtype::Float16 => format!("mn_half_bits({value})"),
        Dtype::Complex64 => format!("bitcast<vec2<u32>>({value})"),
        Dtype::Float64 | Dtype::Complex128 => return None,
    })
}

/// The expression of type [`value`] for a known number.
pub fn literal(scalar: Scalar) -> Option<String> {
    let dtype = scalar.dtype();
    value(dtype)?;
    let float = |part: f32| format!("mn_float(0x{:x}u)", part.to_bits());
    Some(match dtype.kind() {
        Kind::Bool => (scalar.as_i64() != 0).to_string(),
        Kind::Int | Kind::UInt => {
            let bits = scalar.as_i64() as u64;
            match value(dtype)? {
                "i32" => format!("bitcast<i32>(0x{:x}u)", bits as u32),
                "u32" => format!("0x{:x}u", bits as u32),
                "i64" => format!("i64(0x{bits:x}lu)"),
                _ => format!("0x{bits:x}lu"),
            }
        }
        Kind::Float => float(scalar.cast(Dtype::Float32).get::<f32>()),
        Kind::Complex => {
            let Complex { re, im } = scalar.get::<Complex<f32>>();
            format!("vec2<f32>({}, {})", float(re), float(im))
        }
    })
}

/// Statements that define `v{n}` for every result of the body's steps, where `v0` and so on of its inputs and constants
/// are defined with the types that [`value`] gives; under [`Watch::Flags`] they add to `f{i}`, variables of type `u32`,
/// the events of step `i`. Nothing if a step has no text.
///
/// # Panics
/// If the body does not pass [`Body::check`].
pub fn steps(body: &Body, watched: Watch) -> Option<String> {
    let dtypes = body.value_dtypes();
    let mut text = String::new();
    let mut first = body.first_result();
    for (index, step) in body.steps.iter().enumerate() {
        let results = &dtypes[first..first + step.results()];
        let mut shown = results[0].is_inexact();
        let (expressions, events) = match step {
            Step::Apply { op, dtype, .. } => {
                let row = row_text(*op, *dtype)?;
                shown &= row.events_show();
                (applied(row, *dtype, results), row.events(*dtype))
            }
            Step::Cast { to, arg } => {
                let from = dtypes[*arg as usize];
                (vec![cast(from, *to)?], cast_events(from, *to))
            }
        };
        for (place, dtype) in results.iter().enumerate() {
            writeln!(text, "var v{}: {};", first + place, value(*dtype)?).ok()?;
        }
        text.push('{');
        for (name, &arg) in ["a", "b", "c"].iter().zip(step.args()) {
            value(dtypes[arg as usize])?;
            write!(text, " let {name} = v{arg};").ok()?;
        }
        for (place, expression) in expressions.iter().enumerate() {
            write!(text, " v{} = {expression};", first + place).ok()?;
        }
        if let Some(events) = events {
            match watched {
                Watch::Nothing => Ok(()),
                Watch::Suspicion if shown => {
                    write!(text, " let r = v{first}; seen = seen | {};", suspicious(results[0]))
                }
                Watch::Suspicion => write!(text, " let r = v{first}; seen = seen | (({events}) != 0u);"),
                Watch::Flags => write!(text, " let r = v{first}; f{index} |= {events};"),
            }
            .ok()?;
        }
        text.push_str(" }\n");
        first += step.results();
    }
    Some(text)
}

/// The name of the function from an accumulator and the next element, both of type [`value`], to the next accumulator:
/// the step of the row's folds, which is in the prelude for the row. Nothing if the row does not fold at the dtype.
pub fn combine(op: Op, dtype: Dtype) -> Option<String> {
    fold(op, dtype)?;
    row_text(op, dtype)?;
    value(dtype)?;
    Some(format!("mn_fold_{}_{}", op.row().numpy, dtype.name()))
}

/// The events of one step of [`combine`], as an expression over the accumulator `a`, the next element `b` and the next
/// accumulator `r`, all of type [`value`]. Nothing if there never are any.
pub fn combine_events(op: Op, dtype: Dtype) -> Option<String> {
    combine(op, dtype)?;
    row_text(op, dtype)?.events(dtype)
}

/// Whether one step of [`combine`] may mean an event, as a cheap expression of type `bool` over the names of
/// [`combine_events`]. Nothing if there never are any.
pub fn combine_suspicion(op: Op, dtype: Dtype) -> Option<String> {
    let events = combine_events(op, dtype)?;
    let shown = dtype.is_inexact() && row_text(op, dtype)?.events_show();
    Some(if shown { suspicious(dtype).to_string() } else { format!("({events}) != 0u") })
}

/// Whether `r` is an infinity or a NaN, which most events leave behind: one look at its bits.
fn suspicious(dtype: Dtype) -> &'static str {
    match dtype.is_complex() {
        true => "any((bitcast<vec2<u32>>(r) & vec2<u32>(0x7fffffffu)) >= vec2<u32>(0x7f800000u))",
        false => "((bitcast<u32>(r) & 0x7fffffffu) >= 0x7f800000u)",
    }
}

/// The value that changes nothing in a fold of the row, as an expression of type [`value`], if it has one.
pub fn identity(op: Op, dtype: Dtype) -> Option<String> {
    combine(op, dtype)?;
    literal(op.row().identity?.scalar(dtype))
}

/// The function that [`combine`] names.
fn fold_definition(op: Op, dtype: Dtype) -> Option<String> {
    let (name, value) = (combine(op, dtype)?, value(dtype)?);
    let [result] = &applied(row_text(op, dtype)?, dtype, &[dtype])[..] else { return None };
    Some(format!("fn {name}(a: {value}, b: {value}) -> {value} {{ return {result}; }}\n"))
}

/// The expressions of a row's results.
fn applied(text: &Text, dtype: Dtype, results: &[Dtype]) -> Vec<String> {
    let stored = text.results(dtype).zip(results).map(|(expression, result)| match result {
        Dtype::Float16 if text.rounds => format!("mn_round_half({expression})"),
        _ => wrapped(*result, expression),
    });
    stored.collect()
}

/// An integer in a register, cut to the width of its dtype.
fn wrapped(dtype: Dtype, expression: String) -> String {
    match dtype {
        _ if expression == "a" => expression,
        Dtype::Int8 => format!("mn_wrap_int8({expression})"),
        Dtype::Int16 => format!("mn_wrap_int16({expression})"),
        Dtype::UInt8 => format!("({expression}) & 0xffu"),
        Dtype::UInt16 => format!("({expression}) & 0xffffu"),
        _ => expression,
    }
}

/// The conversion of `a`.
fn cast(from: Dtype, to: Dtype) -> Option<String> {
    let part = if from.is_complex() { "a.x" } else { "a" };
    let (given, wanted) = (value(from)?, value(to)?);
    let fractional = given == "f32" || from.is_complex();
    let number = |wanted: &str| match given {
        _ if given == wanted => "a".to_string(),
        "bool" => format!("{wanted}(select(0u, 1u, a))"),
        _ if fractional && wanted == "f32" => part.to_string(),
        _ if fractional => format!("mn_{wanted}_of_f32({part})"),
        "i64" | "u64" if wanted == "f32" => format!("mn_f32_of_{given}(a)"),
        // Widened by its own sign first: naga extends by the sign of the type that it converts to. Mesa 22.3 takes
        // `0 >= i64(a)` to be false for a zero `a` of 32 bits that are not known, and compares wrongly with what it knows
        // to be widened.
        "i32" if wanted == "i64" => "(i64(a) ^ i64(u64(mn_zero)))".to_string(),
        "i32" if wanted == "u64" => "u64(i64(a))".to_string(),
        "u32" if wanted == "i64" => "i64(u64(a) ^ u64(mn_zero))".to_string(),
        "u32" if wanted == "u64" => "(u64(a) ^ u64(mn_zero))".to_string(),
        _ => format!("{wanted}(a)"),
    };
    Some(match to {
        Dtype::Bool => format!("mn_truth{}(a)", suffix(from)),
        Dtype::Int8 | Dtype::Int16 => wrapped(to, format!("({})", number("i32"))),
        Dtype::UInt8 | Dtype::UInt16 if fractional => wrapped(to, format!("u32({})", number("i32"))),
        Dtype::UInt8 | Dtype::UInt16 => wrapped(to, format!("({})", number("u32"))),
        Dtype::Int32 | Dtype::UInt32 | Dtype::Int64 | Dtype::UInt64 | Dtype::Float32 => number(wanted),
        Dtype::Float16 => format!("mn_round_half({})", number("f32")),
        Dtype::Complex64 if from == to => "a".to_string(),
        // Products with a zero that is known would lose its sign.
        _ => format!("vec2<f32>({}, bitcast<f32>(mn_zero))", number("f32")),
    })
}

/// The events of converting `a` to `r`, where there may be any.
fn cast_events(from: Dtype, to: Dtype) -> Option<String> {
    let part = if from.is_complex() { "a.x" } else { "a" };
    let exceeds = |width: &str| Some(format!("select(0u, 8u, mn_exceeds_{width}({part}))"));
    match to {
        Dtype::Float16 if from.is_inexact() => Some(format!("mn_cast_events({part}, r)")),
        Dtype::Float16 => Some("select(0u, 2u, mn_isinf_f32(r))".to_string()),
        _ if !from.is_inexact() => None,
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::UInt8 | Dtype::UInt16 => exceeds("i32"),
        Dtype::UInt32 | Dtype::Int64 => exceeds("i64"),
        Dtype::UInt64 => exceeds("u64"),
        _ => None,
    }
}
