//! One line for each row: the expression of its result over `a`, `b` and `c`, and that of its events over these and `r`.
//!
//! `@` stands for the suffix that the functions of a type of registers have.

use crate::dtype::{Dtype, Kind};
use crate::rule::signature;
use crate::table::Op;

/// The rows that have no text for a kind of dtypes: only the CPU runs them. Those of complex numbers lose too many digits
/// where they are not computed in double precision.
#[rustfmt::skip]
pub const CPU_ONLY: &[(Op, Kind)] = &[
    (Op::Power, Kind::Complex), (Op::Exp2, Kind::Complex), (Op::Log1p, Kind::Complex),
    (Op::Tan, Kind::Complex), (Op::Tanh, Kind::Complex),
    (Op::Arcsin, Kind::Complex), (Op::Arccos, Kind::Complex), (Op::Arctan, Kind::Complex),
    (Op::Arcsinh, Kind::Complex), (Op::Arccosh, Kind::Complex), (Op::Arctanh, Kind::Complex),
];

/// The text of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    result: &'static str,
    /// The second result, if there is one.
    second: Option<&'static str>,
    /// Whether the result of halves may lie between two halves.
    pub(super) rounds: bool,
    events: Option<&'static str>,
    raising: Raising,
    half_result: Option<&'static str>,
    half_events: Option<&'static str>,
}

/// The key dtypes at which a row may mean events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raising {
    Complex,
    Inexact,
    /// As `Inexact`; the result need not show it.
    Midway,
    Every,
}

/// The text of a row at a key dtype, if it has a case and a text.
pub(super) fn row_text(op: Op, dtype: Dtype) -> Option<&'static Text> {
    signature(op, dtype)?;
    if CPU_ONLY.contains(&(op, dtype.kind())) {
        return None;
    }
    TEXTS.iter().find(|(row, _)| *row == op).map(|(_, text)| text)
}

impl Text {
    /// The results.
    pub(super) fn results(&self, dtype: Dtype) -> impl Iterator<Item = String> {
        let first = self.half_result.filter(|_| dtype == Dtype::Float16).unwrap_or(self.result);
        [Some(first), self.second].into_iter().flatten().map(move |text| suffixed(text, dtype))
    }

    /// Whether events leave an infinity or a NaN in a floating point result.
    pub(super) fn events_show(&self) -> bool {
        self.raising != Raising::Midway
    }

    /// The events, if there may be any.
    pub(super) fn events(&self, dtype: Dtype) -> Option<String> {
        let events = self.half_events.filter(|_| dtype == Dtype::Float16).or(self.events);
        let raises = match self.raising {
            Raising::Complex => dtype.is_complex(),
            Raising::Inexact | Raising::Midway => dtype.is_inexact(),
            Raising::Every => true,
        };
        events.filter(|_| raises).map(|text| suffixed(text, dtype))
    }
}

/// The end of the names of functions of a dtype.
pub(super) fn suffix(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Bool => "_bool",
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 => "_i32",
        Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 => "_u32",
        Dtype::Int64 => "_i64",
        Dtype::UInt64 => "_u64",
        Dtype::Complex64 | Dtype::Complex128 => "_c64",
        Dtype::Float16 | Dtype::Float32 | Dtype::Float64 => "_f32",
    }
}

fn suffixed(text: &str, dtype: Dtype) -> String {
    text.replace('@', suffix(dtype))
}

#[rustfmt::skip]
const TEXTS: &[(Op, Text)] = &[
    (Op::Add, rounded("mn_add@(a, b)").when("mn_add_events@(a, b, r)")),
    (Op::Subtract, rounded("mn_subtract@(a, b)").when("mn_add_events@(a, b, r)")),
    (Op::Multiply, rounded("mn_multiply@(a, b)").when("mn_multiply_events@(a, b, r)")),
    (Op::Divide, rounded("mn_divide@(a, b)").when("mn_divide_events@(a, b, r)")),
    (Op::FloorDivide, rounded("mn_floor_divide@(a, b)").every("mn_floor_divide_events@(a, b, r)").half_when("mn_half_floor_divide_events(a, b)")),
    (Op::Remainder, rounded("mn_remainder@(a, b)").every("mn_remainder_events@(a, b)")),
    (Op::Fmod, rounded("mn_fmod@(a, b)").every("mn_remainder_events@(a, b)")),
    (Op::Divmod, rounded("mn_floor_divide@(a, b)").second("mn_remainder@(a, b)").every("mn_divmod_events@(a, b, r)").half_when("mn_half_divmod_events(a, b)")),
    (Op::Power, rounded("mn_power@(a, b)").when("mn_power_events@(a, b, r)")),
    (Op::FloatPower, rounded("mn_power@(a, b)").when("mn_power_events@(a, b, r)")),
    (Op::Negative, exact("mn_negative@(a)")),
    (Op::Positive, exact("a")),
    (Op::Absolute, exact("mn_absolute@(a)").complex_when("mn_absolute_events@(a, r)")),
    (Op::Fabs, exact("mn_absolute@(a)")),
    (Op::Sign, exact("mn_sign@(a)")),
    (Op::Signbit, exact("mn_signbit@(a)")),
    (Op::Copysign, exact("mn_copysign@(a, b)")),
    (Op::Rint, exact("mn_rint@(a)")),
    (Op::Conjugate, exact("mn_conjugate@(a)")),
    (Op::Square, rounded("mn_multiply@(a, a)").when("mn_multiply_events@(a, a, r)")),
    (Op::Sqrt, rounded("mn_sqrt@(a)").when("mn_sqrt_events@(a, r)")),
    (Op::Cbrt, rounded("mn_cbrt@(a)")),
    (Op::Reciprocal, rounded("mn_reciprocal@(a)").every("mn_reciprocal_events@(a, r)")),
    (Op::Exp, rounded("mn_exp@(a)").when("mn_overflow@(a, r)")),
    (Op::Exp2, rounded("mn_exp2@(a)").when("mn_overflow@(a, r)")),
    (Op::Expm1, rounded("mn_expm1@(a)").when("mn_overflow@(a, r)")),
    (Op::Log, rounded("mn_log@(a)").when("mn_log_events@(a, r)")),
    (Op::Log2, rounded("mn_log2@(a)").when("mn_log_events@(a, r)")),
    (Op::Log10, rounded("mn_log10@(a)").when("mn_log_events@(a, r)")),
    (Op::Log1p, rounded("mn_log1p@(a)").when("mn_log1p_events@(a, r)")),
    (Op::Logaddexp, rounded("mn_logaddexp@(a, b)").midway("mn_sum_of_powers_events(a, b)")),
    (Op::Logaddexp2, rounded("mn_logaddexp2@(a, b)").midway("mn_sum_of_powers_events(a, b)")),
    (Op::Sin, rounded("mn_sin@(a)").when("mn_circular_events@(a, r)")),
    (Op::Cos, rounded("mn_cos@(a)").when("mn_circular_events@(a, r)")),
    (Op::Tan, rounded("mn_tan@(a)").when("mn_circular_events@(a, r)")),
    (Op::Arcsin, rounded("mn_arcsin@(a)").when("mn_arcsin_events@(a)")),
    (Op::Arccos, rounded("mn_arccos@(a)").when("mn_arcsin_events@(a)")),
    (Op::Arctan, rounded("mn_arctan@(a)")),
    (Op::Arctan2, rounded("mn_arctan2@(a, b)")),
    (Op::Hypot, rounded("mn_hypot@(a, b)").when("mn_overflow_of_two(a, b, r)")),
    (Op::Sinh, rounded("mn_sinh@(a)").when("mn_overflow@(a, r)")),
    (Op::Cosh, rounded("mn_cosh@(a)").when("mn_overflow@(a, r)")),
    (Op::Tanh, rounded("mn_tanh@(a)")),
    (Op::Arcsinh, rounded("mn_arcsinh@(a)")),
    (Op::Arccosh, rounded("mn_arccosh@(a)").when("mn_arccosh_events@(a)")),
    (Op::Arctanh, rounded("mn_arctanh@(a)").when("mn_arctanh_events@(a)")),
    (Op::Degrees, rounded("mn_degrees@(a)").when("mn_overflow@(a, r)")),
    (Op::Rad2deg, rounded("mn_degrees@(a)").when("mn_overflow@(a, r)")),
    (Op::Radians, rounded("mn_radians@(a)")),
    (Op::Deg2rad, rounded("mn_radians@(a)")),
    (Op::BitwiseAnd, exact("mn_bitwise_and@(a, b)")),
    (Op::BitwiseOr, exact("mn_bitwise_or@(a, b)")),
    (Op::BitwiseXor, exact("mn_bitwise_xor@(a, b)")),
    (Op::Invert, exact("mn_invert@(a)")),
    (Op::LeftShift, exact("mn_left_shift@(a, b)")),
    (Op::RightShift, exact("mn_right_shift@(a, b)")),
    (Op::BitwiseCount, exact("mn_bitwise_count@(a)")),
    (Op::Greater, exact("mn_greater@(a, b)")),
    (Op::GreaterEqual, exact("mn_greater_equal@(a, b)")),
    (Op::Less, exact("mn_less@(a, b)")),
    (Op::LessEqual, exact("mn_less_equal@(a, b)")),
    (Op::Equal, exact("mn_equal@(a, b)")),
    (Op::NotEqual, exact("mn_not_equal@(a, b)")),
    (Op::GreaterMixed, exact("mn_greater_mixed@(a, b)")),
    (Op::GreaterEqualMixed, exact("!mn_less_mixed@(a, b)")),
    (Op::LessMixed, exact("mn_less_mixed@(a, b)")),
    (Op::LessEqualMixed, exact("!mn_greater_mixed@(a, b)")),
    (Op::EqualMixed, exact("!mn_less_mixed@(a, b) && !mn_greater_mixed@(a, b)")),
    (Op::NotEqualMixed, exact("mn_less_mixed@(a, b) || mn_greater_mixed@(a, b)")),
    (Op::LogicalAnd, exact("mn_logical_and@(a, b)")),
    (Op::LogicalOr, exact("mn_logical_or@(a, b)")),
    (Op::LogicalXor, exact("mn_logical_xor@(a, b)")),
    (Op::LogicalNot, exact("mn_logical_not@(a)")),
    (Op::Maximum, exact("mn_maximum@(a, b)")),
    (Op::Minimum, exact("mn_minimum@(a, b)")),
    (Op::Fmax, exact("mn_fmax@(a, b)")),
    (Op::Fmin, exact("mn_fmin@(a, b)")),
    (Op::Isfinite, exact("mn_isfinite@(a)")),
    (Op::Isinf, exact("mn_isinf@(a)")),
    (Op::Isnan, exact("mn_isnan@(a)")),
    (Op::Nextafter, exact("mn_nextafter@(a, b)").half("mn_half_nextafter(a, b)").when("mn_overflow@(a, r)")),
    (Op::Spacing, exact("mn_spacing@(a)").half("mn_half_spacing(a)").when("mn_overflow@(a, r)").half_when("mn_half_spacing_events(a, r)")),
    (Op::Ldexp, rounded("mn_ldexp@(a, b)").when("mn_overflow@(a, r)")),
    (Op::Frexp, exact("mn_fraction@(a)").second("mn_exponent@(a)")),
    (Op::Modf, exact("mn_rest_of_whole@(a)").second("mn_trunc@(a)")),
    (Op::Floor, exact("mn_floor@(a)")),
    (Op::Ceil, exact("mn_ceil@(a)")),
    (Op::Trunc, exact("mn_trunc@(a)")),
    (Op::Gcd, exact("mn_gcd@(a, b)")),
    (Op::Lcm, exact("mn_lcm@(a, b)")),
    (Op::Heaviside, exact("mn_heaviside@(a, b)")),
    (Op::Clip, exact("mn_clip@(a, b, c)").half("mn_half_clip(a, b, c)")),
    (Op::Select, exact("select(c, b, a)")),
    (Op::Real, exact("mn_real@(a)")),
    (Op::Imag, exact("mn_imag@(a)")),
];

const fn exact(result: &'static str) -> Text {
    Text {
        result,
        second: None,
        rounds: false,
        events: None,
        raising: Raising::Inexact,
        half_result: None,
        half_events: None,
    }
}

const fn rounded(result: &'static str) -> Text {
    Text { rounds: true, ..exact(result) }
}

impl Text {
    const fn second(self, second: &'static str) -> Text {
        Text { second: Some(second), ..self }
    }

    const fn half(self, result: &'static str) -> Text {
        Text { half_result: Some(result), ..self }
    }

    const fn when(self, events: &'static str) -> Text {
        Text { events: Some(events), ..self }
    }

    const fn midway(self, events: &'static str) -> Text {
        Text { raising: Raising::Midway, ..self.when(events) }
    }

    const fn every(self, events: &'static str) -> Text {
        Text { raising: Raising::Every, ..self.when(events) }
    }

    const fn complex_when(self, events: &'static str) -> Text {
        Text { raising: Raising::Complex, ..self.when(events) }
    }

    const fn half_when(self, events: &'static str) -> Text {
        Text { half_events: Some(events), ..self }
    }
}
