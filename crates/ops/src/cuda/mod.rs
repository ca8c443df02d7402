//! The CUDA C++ text of rows, casts and bodies: what a kernel made at run time is written with.
//!
//! [`prelude`] defines device functions, one for each row and dtype by overloading, that compute what the table's Rust
//! rows compute; [`steps`] calls them. The text needs no header under NVRTC, and compiles as C++ for the host where
//! `__device__` and `__forceinline__` are defined and `<cmath>` is included. It must be compiled without contraction
//! of products and sums (`--fmad=false`). Elementary functions are CUDA's own, within 4 units in the last place; all
//! else gives the bits of the Rust rows, but for the sign and payload of a NaN.

mod rows;

use crate::body::{Body, Step};
use crate::dtype::{Dtype, Kind};
use crate::fold::fold;
use crate::scalar::Scalar;
use crate::table::Op;
use num_complex::Complex;
use rows::{Text, is_elementary, row_text};
use std::fmt::Write;

pub use rows::CPU_ONLY;

/// Whether a body's text records floating point events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watch {
    /// Nobody asks.
    Nothing,
    /// Every step adds to `mn_seen seen` what may mean an event, at little cost: afterwards `mn_suspicious(seen)` says
    /// whether it is worth a look with `Flags`.
    Suspicion,
    /// Step `i` adds its events to `f{i}`, as the bits of [`crate::Flags`]; a number that becomes too small is none.
    Flags,
}

/// The device functions that all other texts call. Goes before them, once.
pub fn prelude() -> &'static str {
    concat!(
        include_str!("prelude.cuh"),
        include_str!("cast.cuh"),
        include_str!("real.cuh"),
        include_str!("complex.cuh"),
        include_str!("complex_elementary.cuh")
    )
}

/// The part of [`prelude`] that the texts of a body need, and those of a row that folds its values: it compiles sooner.
///
/// # Panics
/// If the body does not pass [`Body::check`].
pub fn prelude_for(body: &Body, folded: Option<Op>) -> String {
    let dtypes = body.value_dtypes();
    let applied = body.steps.iter().filter_map(|step| match step {
        Step::Apply { op, .. } => Some(*op),
        Step::Cast { .. } => None,
    });
    let complex = dtypes.iter().any(|dtype| dtype.is_complex());
    let elementary = complex && applied.chain(folded).any(is_elementary);
    let parts = [
        Some(concat!(include_str!("prelude.cuh"), include_str!("cast.cuh"))),
        dtypes.iter().any(|dtype| dtype.is_inexact()).then_some(include_str!("real.cuh")),
        complex.then_some(include_str!("complex.cuh")),
        elementary.then_some(include_str!("complex_elementary.cuh")),
    ];
    parts.into_iter().flatten().collect()
}

/// The type of an element in memory. A half is its bits.
pub fn storage(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Bool => "unsigned char",
        Dtype::Float16 => "unsigned short",
        _ => value(dtype),
    }
}

/// The type of an element in registers. A half is a `float` that was rounded to one.
pub fn value(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Bool => "bool",
        Dtype::Int8 => "signed char",
        Dtype::Int16 => "short",
        Dtype::Int32 => "int",
        Dtype::Int64 => "long long",
        Dtype::UInt8 => "unsigned char",
        Dtype::UInt16 => "unsigned short",
        Dtype::UInt32 => "unsigned int",
        Dtype::UInt64 => "unsigned long long",
        Dtype::Float16 | Dtype::Float32 => "float",
        Dtype::Float64 => "double",
        Dtype::Complex64 => "mn_c64",
        Dtype::Complex128 => "mn_c128",
    }
}

/// The expression of type [`value`] for an expression of type [`storage`].
pub fn load(dtype: Dtype, storage_expression: &str) -> String {
    match dtype {
        Dtype::Bool => format!("(({storage_expression}) != 0)"),
        Dtype::Float16 => format!("mn_half({storage_expression})"),
        _ => format!("({storage_expression})"),
    }
}

/// The expression of type [`storage`] for an expression of type [`value`].
pub fn store(dtype: Dtype, value_expression: &str) -> String {
    match dtype {
        Dtype::Bool => format!("((unsigned char)({value_expression}))"),
        Dtype::Float16 => format!("mn_half_bits({value_expression})"),
        _ => format!("({value_expression})"),
    }
}

/// The expression of type [`value`] for a known number.
pub fn literal(scalar: Scalar) -> String {
    let dtype = scalar.dtype();
    match dtype.kind() {
        Kind::Bool => (scalar.as_i64() != 0).to_string(),
        Kind::Int | Kind::UInt => format!("(({})0x{:x}ull)", value(dtype), scalar.as_i64()),
        Kind::Float if dtype == Dtype::Float64 => format!("mn_double(0x{:x}ull)", scalar.as_f64().to_bits()),
        Kind::Float => format!("mn_float(0x{:x}u)", scalar.cast(Dtype::Float32).get::<f32>().to_bits()),
        Kind::Complex => {
            let Complex { re, im } = scalar.cast(Dtype::Complex128).get::<Complex<f64>>();
            let part = |part: f64| literal(Scalar::new(part).cast(dtype.real()));
            format!("mn_of({}, {})", part(re), part(im))
        }
    }
}

/// Whether [`steps`] has a text for the body.
pub fn supports(body: &Body) -> bool {
    body.steps.iter().all(|step| match step {
        Step::Apply { op, dtype, .. } => row_text(*op, *dtype).is_some(),
        Step::Cast { .. } => true,
    })
}

/// Statements that define `v{n}` for every result of the body's steps, where `v0` and so on of its inputs and constants
/// are defined with the types that [`value`] gives; under [`Watch::Flags`] an `unsigned int f{i}` too for every step.
/// Nothing if a step has no text.
///
/// # Panics
/// If the body does not pass [`Body::check`].
pub fn steps(body: &Body, watched: Watch) -> Option<String> {
    let dtypes = body.value_dtypes();
    let mut text = String::new();
    let mut first = body.first_result();
    for (index, step) in body.steps.iter().enumerate() {
        let results = &dtypes[first..first + step.results()];
        let (expressions, events) = match step {
            Step::Apply { op, dtype, .. } => applied(row_text(*op, *dtype)?, *dtype, results),
            Step::Cast { to, arg } => {
                let from = dtypes[*arg as usize];
                (vec![cast(from, *to)], cast_events(from, *to))
            }
        };
        for (place, dtype) in results.iter().enumerate() {
            writeln!(text, "{} v{};", value(*dtype), first + place).ok()?;
        }
        text.push('{');
        for (name, &arg) in ["a", "b", "c"].iter().zip(step.args()) {
            write!(text, " const {} {name} = v{arg};", value(dtypes[arg as usize])).ok()?;
        }
        for (place, expression) in expressions.iter().enumerate() {
            write!(text, " v{} = {expression};", first + place).ok()?;
        }
        if let Some(events) = events.filter(|_| watched != Watch::Nothing) {
            write!(text, " const {} r = v{first};", value(results[0])).ok()?;
            // Most events leave an infinity or a NaN behind, which one look at the exponent shows.
            let shown = results[0].is_inexact()
                && match step {
                    Step::Apply { op, dtype, .. } => row_text(*op, *dtype)?.events_show(),
                    Step::Cast { .. } => true,
                };
            match (watched, shown) {
                (Watch::Suspicion, true) => text.push_str(" mn_see(seen, r);"),
                (Watch::Suspicion, false) => write!(text, " seen.others |= {events};").ok()?,
                _ => write!(text, " f{index} |= {events};").ok()?,
            }
        }
        text.push_str(" }\n");
        first += step.results();
    }
    Some(text)
}

/// The device function from an accumulator and the next element, both of type [`value`], to the next accumulator: the
/// step of the row's folds. Nothing if the row does not fold at the dtype.
pub fn combine(op: Op, dtype: Dtype) -> Option<String> {
    fold(op, dtype)?;
    let text = row_text(op, dtype)?;
    let half = dtype == Dtype::Float16;
    let name = text.first(dtype).strip_suffix("(a, b)")?;
    Some(if half && text.rounds { format!("mn_halves<{name}>") } else { name.to_string() })
}

/// The events of one step of [`combine`], as an expression over the accumulator `a`, the next element `b` and the next
/// accumulator `r`, all of type [`value`]. Nothing if there never are any.
pub fn combine_events(op: Op, dtype: Dtype) -> Option<&'static str> {
    fold(op, dtype)?;
    row_text(op, dtype)?.events_of(dtype)
}

/// A statement over the same names as [`combine_events`] that adds to `mn_seen seen` what may mean an event, as
/// [`Watch::Suspicion`] does.
pub fn combine_suspicion(op: Op, dtype: Dtype) -> Option<String> {
    let events = combine_events(op, dtype)?;
    Some(match dtype.is_inexact() && row_text(op, dtype)?.events_show() {
        true => "mn_see(seen, r);".to_string(),
        false => format!("seen.others |= {events};"),
    })
}

/// The value that changes nothing in a fold of the row, as an expression of type [`value`], if it has one.
pub fn identity(op: Op, dtype: Dtype) -> Option<String> {
    fold(op, dtype)?;
    Some(literal(op.row().identity?.scalar(dtype)))
}

/// The expressions of a row's results, and of its events if there are any.
fn applied(text: &Text, dtype: Dtype, results: &[Dtype]) -> (Vec<String>, Option<String>) {
    let expressions = [Some(text.first(dtype)), text.second];
    let stored = expressions.iter().flatten().zip(results).map(|(expression, result)| {
        let rounds = *result == Dtype::Float16 && text.rounds;
        if rounds { format!("mn_round_half({expression})") } else { expression.to_string() }
    });
    (stored.collect(), text.events_of(dtype).map(str::to_string))
}

/// The conversion of `a`.
fn cast(from: Dtype, to: Dtype) -> String {
    let part = if from.is_complex() && !to.is_complex() { "a.re" } else { "a" };
    match to {
        Dtype::Bool => "mn_truth(a)".to_string(),
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::UInt8 | Dtype::UInt16 => {
            format!("({})mn_to_i32({part})", value(to))
        }
        Dtype::UInt32 | Dtype::Int64 => format!("({})mn_to_i64({part})", value(to)),
        Dtype::UInt64 => format!("mn_to_u64({part})"),
        Dtype::Float16 => format!("mn_to_f16({part})"),
        Dtype::Float32 | Dtype::Float64 => format!("({}){part}", value(to)),
        Dtype::Complex64 => format!("mn_to_c64({part})"),
        Dtype::Complex128 => format!("mn_to_c128({part})"),
    }
}

/// The events of converting `a` to `r`, where there may be any.
fn cast_events(from: Dtype, to: Dtype) -> Option<String> {
    let part = if from.is_complex() && !to.is_complex() { "a.re" } else { "a" };
    let exceeds = |width: &str| Some(format!("mn_exceeds_{width}({part}) ? MN_INVALID : 0"));
    match to {
        _ if !from.is_inexact() && to != Dtype::Float16 => None,
        Dtype::Bool => None,
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::UInt8 | Dtype::UInt16 => exceeds("i32"),
        Dtype::UInt32 | Dtype::Int64 => exceeds("i64"),
        Dtype::UInt64 => exceeds("u64"),
        _ if to.real().size() >= from.real().size() && from.is_inexact() => None,
        _ => Some(format!("mn_cast_events({part}, r)")),
    }
}
