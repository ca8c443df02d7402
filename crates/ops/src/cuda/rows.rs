//! One line for each row: the expression of its result over `a`, `b` and `c`, and that of its events over these and `r`.

use crate::dtype::Dtype;
use crate::rule::signature;
use crate::table::Op;

/// The rows that have no text: only the CPU runs them.
pub const CPU_ONLY: &[Op] = &[];

/// The text of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    result: &'static str,
    /// The second result, if there is one.
    pub(super) second: Option<&'static str>,
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
    Inexact,
    /// As `Inexact`, by numbers on the way: the result need not show it.
    Midway,
    Every,
}

/// The text of a row at a key dtype, if it has a case and a text.
pub(super) fn row_text(op: Op, dtype: Dtype) -> Option<&'static Text> {
    signature(op, dtype)?;
    TEXTS.iter().find(|(row, _)| *row == op).map(|(_, text)| text)
}

impl Text {
    /// The first result.
    pub(super) fn first(&self, dtype: Dtype) -> &'static str {
        self.half_result.filter(|_| dtype == Dtype::Float16).unwrap_or(self.result)
    }

    /// Whether events leave an infinity or a NaN in a floating point result.
    pub(super) fn events_show(&self) -> bool {
        self.raising != Raising::Midway
    }

    /// The events, if there may be any.
    pub(super) fn events_of(&self, dtype: Dtype) -> Option<&'static str> {
        let events = self.half_events.filter(|_| dtype == Dtype::Float16).or(self.events);
        events.filter(|_| self.raising == Raising::Every || dtype.is_inexact())
    }
}

/// Whether a row is an elementary function, which complex numbers have texts of their own for.
pub(super) fn is_elementary(op: Op) -> bool {
    (Op::Power..=Op::FloatPower).contains(&op)
        || (Op::Sqrt..=Op::Log1p).contains(&op)
        || (Op::Sin..=Op::Arctanh).contains(&op)
}

#[rustfmt::skip]
const TEXTS: &[(Op, Text)] = &[
    (Op::Add, rounded("mn_add(a, b)").events("mn_add_events(a, b, r)")),
    (Op::Subtract, rounded("mn_subtract(a, b)").events("mn_add_events(a, b, r)")),
    (Op::Multiply, rounded("mn_multiply(a, b)").events("mn_multiply_events(a, b, r)")),
    (Op::Divide, rounded("mn_divide(a, b)").events("mn_divide_events(a, b, r)")),
    (Op::FloorDivide, rounded("mn_floor_divide(a, b)").every_events("mn_floor_divide_events(a, b)").half_events("mn_half_floor_divide_events(a, b)")),
    (Op::Remainder, rounded("mn_remainder(a, b)").every_events("mn_remainder_events(a, b)")),
    (Op::Fmod, rounded("mn_fmod(a, b)").every_events("mn_remainder_events(a, b)")),
    (Op::Divmod, rounded("mn_floor_divide(a, b)").second("mn_remainder(a, b)").every_events("mn_divmod_events(a, b)").half_events("mn_half_divmod_events(a, b)")),
    (Op::Power, rounded("mn_power(a, b)").events("mn_power_events(a, b, r)")),
    (Op::FloatPower, rounded("mn_power(a, b)").events("mn_power_events(a, b, r)")),
    (Op::Negative, exact("mn_negative(a)")),
    (Op::Positive, exact("a")),
    (Op::Absolute, exact("mn_absolute(a)").events("mn_absolute_events(a, r)")),
    (Op::Fabs, exact("mn_absolute(a)")),
    (Op::Sign, exact("mn_sign(a)")),
    (Op::Signbit, exact("mn_signbit(a)")),
    (Op::Copysign, exact("mn_copysign(a, b)")),
    (Op::Rint, exact("mn_rint(a)")),
    (Op::Conjugate, exact("mn_conjugate(a)")),
    (Op::Square, rounded("mn_multiply(a, a)").events("mn_multiply_events(a, a, r)")),
    (Op::Sqrt, rounded("mn_sqrt(a)").events("mn_sqrt_events(a, r)")),
    (Op::Cbrt, rounded("mn_cbrt(a)")),
    (Op::Reciprocal, rounded("mn_reciprocal(a)").every_events("mn_reciprocal_events(a, r)")),
    (Op::Exp, rounded("mn_exp(a)").events("mn_overflow(a, r)")),
    (Op::Exp2, rounded("mn_exp2(a)").events("mn_overflow(a, r)")),
    (Op::Expm1, rounded("mn_expm1(a)").events("mn_overflow(a, r)")),
    (Op::Log, rounded("mn_log(a)").events("mn_log_events(a, r)")),
    (Op::Log2, rounded("mn_log2(a)").events("mn_log_events(a, r)")),
    (Op::Log10, rounded("mn_log10(a)").events("mn_log_events(a, r)")),
    (Op::Log1p, rounded("mn_log1p(a)").events("mn_log1p_events(a, r)")),
    (Op::Logaddexp, rounded("mn_logaddexp(a, b)").midway_events("mn_sum_of_powers_events(a, b)")),
    (Op::Logaddexp2, rounded("mn_logaddexp2(a, b)").midway_events("mn_sum_of_powers_events(a, b)")),
    (Op::Sin, rounded("mn_sin(a)").events("mn_circular_events(a, r)")),
    (Op::Cos, rounded("mn_cos(a)").events("mn_circular_events(a, r)")),
    (Op::Tan, rounded("mn_tan(a)").events("mn_circular_events(a, r)")),
    (Op::Arcsin, rounded("mn_arcsin(a)").events("mn_arcsin_events(a, r)")),
    (Op::Arccos, rounded("mn_arccos(a)").events("mn_arcsin_events(a, r)")),
    (Op::Arctan, rounded("mn_arctan(a)").events("mn_arctan_events(a, r)")),
    (Op::Arctan2, rounded("mn_arctan2(a, b)")),
    (Op::Hypot, rounded("mn_hypot(a, b)").events("mn_overflow_of_two(a, b, r)")),
    (Op::Sinh, rounded("mn_sinh(a)").events("mn_overflow(a, r)")),
    (Op::Cosh, rounded("mn_cosh(a)").events("mn_overflow(a, r)")),
    (Op::Tanh, rounded("mn_tanh(a)").events("mn_other_events(a, r)")),
    (Op::Arcsinh, rounded("mn_arcsinh(a)").events("mn_other_events(a, r)")),
    (Op::Arccosh, rounded("mn_arccosh(a)").events("mn_arccosh_events(a, r)")),
    (Op::Arctanh, rounded("mn_arctanh(a)").events("mn_arctanh_events(a, r)")),
    (Op::Degrees, rounded("mn_degrees(a)").events("mn_overflow(a, r)")),
    (Op::Rad2deg, rounded("mn_degrees(a)").events("mn_overflow(a, r)")),
    (Op::Radians, rounded("mn_radians(a)")),
    (Op::Deg2rad, rounded("mn_radians(a)")),
    (Op::BitwiseAnd, exact("mn_bitwise_and(a, b)")),
    (Op::BitwiseOr, exact("mn_bitwise_or(a, b)")),
    (Op::BitwiseXor, exact("mn_bitwise_xor(a, b)")),
    (Op::Invert, exact("mn_invert(a)")),
    (Op::LeftShift, exact("mn_left_shift(a, b)")),
    (Op::RightShift, exact("mn_right_shift(a, b)")),
    (Op::BitwiseCount, exact("mn_bitwise_count(a)")),
    (Op::Greater, exact("mn_greater(a, b)")),
    (Op::GreaterEqual, exact("mn_greater_equal(a, b)")),
    (Op::Less, exact("mn_less(a, b)")),
    (Op::LessEqual, exact("mn_less_equal(a, b)")),
    (Op::Equal, exact("mn_equal(a, b)")),
    (Op::NotEqual, exact("mn_not_equal(a, b)")),
    (Op::GreaterMixed, exact("mn_less_mixed(b, a)")),
    (Op::GreaterEqualMixed, exact("!mn_less_mixed(a, b)")),
    (Op::LessMixed, exact("mn_less_mixed(a, b)")),
    (Op::LessEqualMixed, exact("!mn_less_mixed(b, a)")),
    (Op::EqualMixed, exact("!mn_less_mixed(a, b) && !mn_less_mixed(b, a)")),
    (Op::NotEqualMixed, exact("mn_less_mixed(a, b) || mn_less_mixed(b, a)")),
    (Op::LogicalAnd, exact("mn_logical_and(a, b)")),
    (Op::LogicalOr, exact("mn_logical_or(a, b)")),
    (Op::LogicalXor, exact("mn_logical_xor(a, b)")),
    (Op::LogicalNot, exact("mn_logical_not(a)")),
    (Op::Maximum, exact("mn_maximum(a, b)")),
    (Op::Minimum, exact("mn_minimum(a, b)")),
    (Op::Fmax, exact("mn_fmax(a, b)")),
    (Op::Fmin, exact("mn_fmin(a, b)")),
    (Op::Isfinite, exact("mn_isfinite(a)")),
    (Op::Isinf, exact("mn_isinf(a)")),
    (Op::Isnan, exact("mn_isnan(a)")),
    (Op::Nextafter, exact("mn_nextafter(a, b)").half("mn_half_nextafter(a, b)").events("mn_overflow(a, r)")),
    (Op::Spacing, exact("mn_spacing(a)").half("mn_half_spacing(a)").events("mn_overflow(a, r)").half_events("mn_half_spacing_events(a, r)")),
    (Op::Ldexp, rounded("mn_ldexp(a, b)").events("mn_overflow(a, r)")),
    (Op::Frexp, exact("mn_fraction(a)").second("mn_exponent(a)")),
    (Op::Modf, exact("mn_rest_of_whole(a)").second("mn_trunc(a)")),
    (Op::Floor, exact("mn_floor(a)")),
    (Op::Ceil, exact("mn_ceil(a)")),
    (Op::Trunc, exact("mn_trunc(a)")),
    (Op::Gcd, exact("mn_gcd(a, b)")),
    (Op::Lcm, exact("mn_lcm(a, b)")),
    (Op::Heaviside, exact("mn_heaviside(a, b)")),
    (Op::Clip, exact("mn_clip(a, b, c)").half("mn_half_clip(a, b, c)")),
    (Op::Select, exact("a ? b : c")),
    (Op::Real, exact("a.re")),
    (Op::Imag, exact("a.im")),
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

    const fn midway_events(self, events: &'static str) -> Text {
        Text { raising: Raising::Midway, ..self.events(events) }
    }

    const fn events(self, events: &'static str) -> Text {
        Text { events: Some(events), ..self }
    }

    const fn every_events(self, events: &'static str) -> Text {
        Text { raising: Raising::Every, ..self.events(events) }
    }

    const fn half_events(self, events: &'static str) -> Text {
        Text { half_events: Some(events), ..self }
    }
}
