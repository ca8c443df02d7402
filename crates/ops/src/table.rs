//! THE TABLE: every element-wise operation, with its dtype rule and its meaning for each group of dtypes.
//!
//! Columns: row, NumPy's name, inputs -> outputs, dtype rule, floating point status, fold order, benign input, identity.
//! `macros.rs` explains the cases. Names that start with an underscore are not NumPy's; nobody calls them by name.

use crate::dtype::{Bool, Dtype};
use crate::flags::Flags;
use crate::kernel::{Case, Kernel, Lane, Order, Status};
use crate::math::{Integer, Real, complex, division, events, inverse, real};
use crate::rule::Rule;
use crate::scalar::Scalar;
use half::f16;
use num_complex::Complex;

/// What the table says about an operation, beside its compiled cases.
#[derive(Debug)]
pub struct Row {
    /// The operation.
    pub op: Op,
    /// Its name in Rust, such as `"Add"`.
    pub name: &'static str,
    /// NumPy's name, such as `"add"`.
    pub numpy: &'static str,
    /// The number of inputs.
    pub inputs: u8,
    /// The number of outputs.
    pub outputs: u8,
    /// How operand dtypes become a loop.
    pub rule: Rule,
    /// One sentence on what it computes.
    pub doc: &'static str,
    /// An input that raises no floating point event, for every input at once: what stands in lanes that `where=` masks.
    pub benign: f64,
    /// NumPy's `ufunc.identity`.
    pub identity: Option<Identity>,
    /// How it folds in reductions.
    pub order: Order,
    /// What the floating point status says after a block of floating point numbers.
    pub status: Status,
}

/// The value that changes nothing when folded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// 0, or false.
    Zero,
    /// 1, or true.
    One,
    /// -1: every bit set.
    AllBits,
    /// Minus infinity.
    Lowest,
}

impl Identity {
    /// The identity as a scalar of a dtype.
    pub fn scalar(self, dtype: Dtype) -> Scalar {
        match self {
            Identity::Zero => Scalar::zero(dtype),
            Identity::One => Scalar::one(dtype),
            Identity::AllBits => Scalar::new(-1i64).cast(dtype),
            Identity::Lowest => Scalar::new(f64::NEG_INFINITY).cast(dtype),
        }
    }
}

impl Op {
    /// Every operation, in the order of its index.
    pub const ALL: &'static [Op] = ALL;

    /// The table's row.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The operation of a NumPy ufunc's name; NumPy's aliases are known too.
    pub fn from_numpy(name: &str) -> Option<Op> {
        let name = match name {
            "true_divide" => "divide",
            "mod" => "remainder",
            "conj" => "conjugate",
            "abs" => "absolute",
            "bitwise_not" | "bitwise_invert" => "invert",
            "bitwise_left_shift" => "left_shift",
            "bitwise_right_shift" => "right_shift",
            "pow" => "power",
            "asin" => "arcsin",
            "acos" => "arccos",
            "atan" => "arctan",
            "atan2" => "arctan2",
            "asinh" => "arcsinh",
            "acosh" => "arccosh",
            "atanh" => "arctanh",
            other => other,
        };
        ROWS.iter().find(|row| row.numpy == name).map(|row| row.op)
    }

    /// About how many times as long as an addition it takes for an element that is in the cache.
    pub fn weight(self) -> u32 {
        match self {
            Op::Divide | Op::Reciprocal | Op::Sqrt => 4,
            Op::FloorDivide | Op::Remainder | Op::Fmod | Op::Divmod | Op::Gcd | Op::Lcm => 20,
            Op::Exp | Op::Exp2 | Op::Expm1 | Op::Log | Op::Log2 | Op::Log10 | Op::Log1p | Op::Cbrt => 12,
            Op::Sin | Op::Cos | Op::Tan | Op::Arcsin | Op::Arccos | Op::Arctan | Op::Hypot => 16,
            Op::Sinh | Op::Cosh | Op::Tanh | Op::Arcsinh | Op::Arccosh | Op::Arctanh => 20,
            Op::Power | Op::FloatPower | Op::Arctan2 | Op::Logaddexp | Op::Logaddexp2 => 50,
            _ => 1,
        }
    }

    /// The operation whose discriminant is `index`.
    pub fn from_index(index: u16) -> Option<Op> {
        ALL.get(index as usize).copied()
    }
}

crate::macros::ops! {
    /// The sum.
    Add "add" 2 -> 1 Uniform Natural Tree 1.0 Zero {
        bool => (a, b) -> S { a | b }
        int, uint => (a, b) -> S { a.wrapping_add(b) }
        float, complex => (a, b) -> S { a + b }
    }
    /// The difference.
    Subtract "subtract" 2 -> 1 Uniform Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.wrapping_sub(b) }
        float, complex => (a, b) -> S { a - b }
    }
    /// The product.
    Multiply "multiply" 2 -> 1 Uniform Natural Tree 1.0 One {
        bool => (a, b) -> S { a & b }
        int, uint => (a, b) -> S { a.wrapping_mul(b) }
        float => (a, b) -> S { a * b }
        complex => (a, b) -> S { complex::multiply(a, b) }
    }
    /// The quotient.
    Divide "divide" 2 -> 1 Divide Natural Sequential 1.0 Nothing {
        float => (a, b) -> S { a / b }
        complex => (a, b) -> S { complex::divide(a, b) }, review(quotient) { complex::divide_events(a, b, quotient) }
    }
    /// The quotient rounded towards minus infinity.
    FloorDivide "floor_divide" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.floor_divide(b) }, events { a.division_events(b) }
        half => (a, b) -> S { division::floor_divide(a, b) }; unless (division::is_far(a, b)) { division::far(a, b).0 }, review { division::half_quotient_events(a, b) }
        real => (a, b) -> S { division::floor_divide(a, b) }; unless (division::is_far(a, b)) { division::far(a, b).0 }, review { division::quotient_events(a, b) }
    }
    /// The remainder with the sign of the divisor.
    Remainder "remainder" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { Integer::remainder(a, b) }, events { a.remainder_events(b) }
        float => (a, b) -> S { division::remainder(a, b) }; unless (division::is_far(a, b)) { division::far(a, b).1 }, review { division::remainder_events(a, b) }
    }
    /// The remainder with the sign of the dividend.
    Fmod "fmod" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.fmod(b) }, events { a.remainder_events(b) }
        float => (a, b) -> S { division::fmod(a, b) }; unless (division::is_far(a, b)) { a.slow_fmod(b) }, review { division::remainder_events(a, b) }
    }
    /// The quotient rounded towards minus infinity, and the remainder that goes with it.
    Divmod "divmod" 2 -> 2 Linear Natural None 1.0 Nothing {
        int, uint => (a, b) -> (S, S) { (a.floor_divide(b), Integer::remainder(a, b)) }, events { a.division_events(b) }
        half => (a, b) -> (S, S) { division::divmod(a, b) }; unless (division::is_far(a, b)) { division::far(a, b) }, review {
            division::half_quotient_events(a, b) | division::remainder_events(a, b)
        }
        real => (a, b) -> (S, S) { division::divmod(a, b) }; unless (division::is_far(a, b)) { division::far(a, b) }, review {
            division::quotient_events(a, b) | division::remainder_events(a, b)
        }
    }
    /// The first number to the power of the second; integers wrap.
    Power "power" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.power(b) }
        float => (a, b) -> S { a.power(b) }, odd(result) { events::power(a, b, result) }
        complex => (a, b) -> S { complex::Wide::narrow(complex::power(complex::Wide::widen(a), complex::Wide::widen(b))) }
    }
    /// The power in at least double precision.
    FloatPower "float_power" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        float64 => (a, b) -> S { a.power(b) }, odd(result) { events::power(a, b, result) }
        complex128 => (a, b) -> S { complex::power(a, b) }
    }
    /// The negative.
    Negative "negative" 1 -> 1 Uniform Natural None 1.0 Nothing {
        int, uint => (a) -> S { a.wrapping_neg() }
        float, complex => (a) -> S { -a }
    }
    /// The number itself.
    Positive "positive" 1 -> 1 Uniform Natural None 1.0 Nothing {
        int, uint, float, complex => (a) -> S { a }
    }
    /// The magnitude.
    Absolute "absolute" 1 -> 1 Linear Natural None 1.0 Nothing {
        bool, uint => (a) -> S { a }
        int => (a) -> S { a.wrapping_abs() }
        float => (a) -> S { a.abs() }
        complex => (a) -> R { Real::hypot(a.re, a.im) }, odd(result) { events::overflow_of_two(a.re, a.im, result) }
    }
    /// The magnitude, as a floating point number.
    Fabs "fabs" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { a.abs() }
    }
    /// 1, 0 or -1; a complex number divided by its magnitude.
    Sign "sign" 1 -> 1 Uniform Quiet None 1.0 Nothing {
        int, uint => (a) -> S { a.sign() }
        float => (a) -> S { real::sign(a) }
        complex => (a) -> S { complex::sign(a) }
    }
    /// Whether the sign bit is set.
    Signbit "signbit" 1 -> 1 Linear Quiet None 1.0 Nothing {
        float => (a) -> Bool { a.is_sign_negative() }
    }
    /// The first number with the sign of the second.
    Copysign "copysign" 2 -> 1 Linear Quiet Sequential 1.0 Nothing {
        float => (a, b) -> S { a.copysign(b) }
    }
    /// The nearest integer, ties to even.
    Rint "rint" 1 -> 1 Linear Quiet None 1.0 Nothing {
        float => (a) -> S { a.round_ties_even() }
        complex => (a) -> S { Complex::new(a.re.round_ties_even(), a.im.round_ties_even()) }
    }
    /// The number with the imaginary part negated.
    Conjugate "conjugate" 1 -> 1 Linear Quiet None 1.0 Nothing {
        int, uint, float => (a) -> S { a }
        complex => (a) -> S { a.conj() }
    }
    /// The square.
    Square "square" 1 -> 1 Linear Natural None 1.0 Nothing {
        int, uint => (a) -> S { a.wrapping_mul(a) }
        float => (a) -> S { a * a }
        complex => (a) -> S { complex::multiply(a, a) }
    }
    /// The square root.
    Sqrt "sqrt" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { a.sqrt() }
        complex => (a) -> S { complex::wide(a, complex::sqrt) }
    }
    /// The cube root.
    Cbrt "cbrt" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { Real::cbrt(a) }, events { Flags::NONE }
    }
    /// One over the number.
    Reciprocal "reciprocal" 1 -> 1 Linear Natural None 1.0 Nothing {
        int, uint => (a) -> S { a.reciprocal() }, events { a.reciprocal_events() }
        float => (a) -> S { 1.0 / a }
        complex => (a) -> S { complex::reciprocal(a) }, review(inverse) { complex::divide_events(T::new(1.0, 0.0), a, inverse) }
    }
    /// The exponential.
    Exp "exp" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::exp(a) }, odd(result) { events::exponential(a, result) }
        complex => (a) -> S { complex::wide(a, complex::exp) }
    }
    /// Two to the power.
    Exp2 "exp2" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::exp2(a) }, odd(result) { events::exponential(a, result) }
        complex => (a) -> S { complex::wide(a, complex::exp2) }
    }
    /// The exponential less one.
    Expm1 "expm1" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::expm1(a) }, odd(result) { real::overflow(a, result) }
        complex => (a) -> S { complex::wide(a, complex::expm1) }
    }
    /// The natural logarithm.
    Log "log" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { Real::log(a) }, odd { events::domain(a < 0.0, a == 0.0) }
        complex => (a) -> S { complex::wide(a, complex::log) }
    }
    /// The logarithm to base 2.
    Log2 "log2" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { Real::log2(a) }, odd { events::domain(a < 0.0, a == 0.0) }
        complex => (a) -> S { complex::wide(a, complex::log2) }
    }
    /// The logarithm to base 10.
    Log10 "log10" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { Real::log10(a) }, odd { events::domain(a < 0.0, a == 0.0) }
        complex => (a) -> S { complex::wide(a, complex::log10) }
    }
    /// The logarithm of one more.
    Log1p "log1p" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::log1p(a) }, odd { events::domain(a < -1.0, a == -1.0) }
        complex => (a) -> S { complex::wide(a, complex::log1p) }
    }
    /// The logarithm of the sum of exponentials.
    Logaddexp "logaddexp" 2 -> 1 Linear Natural Tree 1.0 Lowest {
        float => (a, b) -> S { a.logaddexp(b) }, events { events::sum_of_powers(a, b) }
    }
    /// The logarithm to base 2 of the sum of powers of two.
    Logaddexp2 "logaddexp2" 2 -> 1 Linear Natural Tree 1.0 Lowest {
        float => (a, b) -> S { a.logaddexp2(b) }, events { events::sum_of_powers(a, b) }
    }
    /// The sine.
    Sin "sin" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::sin(a) }; unless (a.is_huge()) { a.sin_of_huge() }, rare { events::domain(a.is_infinite(), false) }
        complex => (a) -> S { complex::wide(a, complex::sin) }
    }
    /// The cosine.
    Cos "cos" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::cos(a) }; unless (a.is_huge()) { a.cos_of_huge() }, rare { events::domain(a.is_infinite(), false) }
        complex => (a) -> S { complex::wide(a, complex::cos) }
    }
    /// The tangent.
    Tan "tan" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::tan(a) }; unless (a.is_huge()) { a.tan_of_huge() }, rare { events::domain(a.is_infinite(), false) }
        complex => (a) -> S { complex::wide(a, complex::tan) }
    }
    /// The inverse sine.
    Arcsin "arcsin" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::arcsin(a) }, events { events::domain(a.abs() > 1.0, false) }
        complex => (a) -> S { complex::wide(a, inverse::arcsin) }
    }
    /// The inverse cosine.
    Arccos "arccos" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::arccos(a) }, events { events::domain(a.abs() > 1.0, false) }
        complex => (a) -> S { complex::wide(a, inverse::arccos) }
    }
    /// The inverse tangent.
    Arctan "arctan" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::arctan(a) }, events { Flags::NONE }
        complex => (a) -> S { complex::wide(a, inverse::arctan) }
    }
    /// The angle of the point whose second coordinate comes first.
    Arctan2 "arctan2" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        float => (a, b) -> S { a.arctan2(b) }, events { Flags::NONE }
    }
    /// The length of the hypotenuse.
    Hypot "hypot" 2 -> 1 Linear Natural Tree 1.0 Zero {
        float => (a, b) -> S { Real::hypot(a, b) }, odd(result) { events::overflow_of_two(a, b, result) }
    }
    /// The hyperbolic sine.
    Sinh "sinh" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::sinh(a) }, odd(result) { real::overflow(a, result) }
        complex => (a) -> S { complex::wide(a, complex::sinh) }
    }
    /// The hyperbolic cosine.
    Cosh "cosh" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::cosh(a) }, odd(result) { real::overflow(a, result) }
        complex => (a) -> S { complex::wide(a, complex::cosh) }
    }
    /// The hyperbolic tangent.
    Tanh "tanh" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::tanh(a) }, events { Flags::NONE }
        complex => (a) -> S { complex::wide(a, complex::tanh) }
    }
    /// The inverse hyperbolic sine.
    Arcsinh "arcsinh" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::arcsinh(a) }, events { Flags::NONE }
        complex => (a) -> S { complex::wide(a, inverse::arcsinh) }
    }
    /// The inverse hyperbolic cosine.
    Arccosh "arccosh" 1 -> 1 Linear Natural None 1.0 Nothing {
        float => (a) -> S { Real::arccosh(a) }, events { events::domain(a < 1.0, false) }
        complex => (a) -> S { complex::wide(a, inverse::arccosh) }
    }
    /// The inverse hyperbolic tangent.
    Arctanh "arctanh" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { Real::arctanh(a) }, odd { events::domain(a.abs() > 1.0, a.abs() == 1.0) }
        complex => (a) -> S { complex::wide(a, inverse::arctanh) }
    }
    /// Radians to degrees.
    Degrees "degrees" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { a * T::DEGREES_PER_RADIAN }
    }
    /// Radians to degrees, under its other name.
    Rad2deg "rad2deg" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { a * T::DEGREES_PER_RADIAN }
    }
    /// Degrees to radians.
    Radians "radians" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { a * T::RADIANS_PER_DEGREE }
    }
    /// Degrees to radians, under its other name.
    Deg2rad "deg2rad" 1 -> 1 Linear Natural None 0.0 Nothing {
        float => (a) -> S { a * T::RADIANS_PER_DEGREE }
    }
    /// The bits set in both.
    BitwiseAnd "bitwise_and" 2 -> 1 Linear Natural Tree 1.0 AllBits {
        bool, int, uint => (a, b) -> S { a & b }
    }
    /// The bits set in either.
    BitwiseOr "bitwise_or" 2 -> 1 Linear Natural Tree 1.0 Zero {
        bool, int, uint => (a, b) -> S { a | b }
    }
    /// The bits set in one only.
    BitwiseXor "bitwise_xor" 2 -> 1 Linear Natural Tree 1.0 Zero {
        bool, int, uint => (a, b) -> S { a ^ b }
    }
    /// Every bit flipped.
    Invert "invert" 1 -> 1 Linear Natural None 1.0 Nothing {
        bool, int, uint => (a) -> S { !a }
    }
    /// Shifted towards higher bits; 0 if the count is not below the width.
    LeftShift "left_shift" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.left_shift(b) }
    }
    /// Shifted towards lower bits, keeping the sign.
    RightShift "right_shift" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.right_shift(b) }
    }
    /// The number of bits set in the magnitude.
    BitwiseCount "bitwise_count" 1 -> 1 Linear Natural None 1.0 Nothing {
        int, uint => (a) -> u8 { a.bit_count() }
    }
    /// Whether the first is larger.
    Greater "greater" 2 -> 1 Compare Quiet Sequential 1.0 Nothing {
        bool => (a, b) -> S { a & !b }
        int, uint, float => (a, b) -> Bool { a > b }
        complex => (a, b) -> Bool { complex::less(b, a) }
    }
    /// Whether the first is larger or equal.
    GreaterEqual "greater_equal" 2 -> 1 Compare Quiet Sequential 1.0 Nothing {
        bool => (a, b) -> S { a | !b }
        int, uint, float => (a, b) -> Bool { a >= b }
        complex => (a, b) -> Bool { complex::less_equal(b, a) }
    }
    /// Whether the first is smaller.
    Less "less" 2 -> 1 Compare Quiet Sequential 1.0 Nothing {
        bool => (a, b) -> S { !a & b }
        int, uint, float => (a, b) -> Bool { a < b }
        complex => (a, b) -> Bool { complex::less(a, b) }
    }
    /// Whether the first is smaller or equal.
    LessEqual "less_equal" 2 -> 1 Compare Quiet Sequential 1.0 Nothing {
        bool => (a, b) -> S { !a | b }
        int, uint, float => (a, b) -> Bool { a <= b }
        complex => (a, b) -> Bool { complex::less_equal(a, b) }
    }
    /// Whether both are equal.
    Equal "equal" 2 -> 1 Compare Quiet Sequential 1.0 Nothing {
        bool => (a, b) -> S { a == b }
        int, uint, float => (a, b) -> Bool { a == b }
        complex => (a, b) -> Bool { (a.re == b.re) & (a.im == b.im) }
    }
    /// Whether both differ.
    NotEqual "not_equal" 2 -> 1 Compare Quiet Sequential 1.0 Nothing {
        bool => (a, b) -> S { a != b }
        int, uint, float => (a, b) -> Bool { a != b }
        complex => (a, b) -> Bool { (a.re != b.re) | (a.im != b.im) }
    }
    /// `greater` of a signed and an unsigned integer, by value; the key dtype is the first one's.
    GreaterMixed "_greater_mixed" 2 -> 1 Internal Natural None 1.0 Nothing {
        int64 => (a, b: u64) -> Bool { a >= 0 && a as u64 > b }
        uint64 => (a, b: i64) -> Bool { b < 0 || a > b as u64 }
    }
    /// `greater_equal` of a signed and an unsigned integer, by value; the key dtype is the first one's.
    GreaterEqualMixed "_greater_equal_mixed" 2 -> 1 Internal Natural None 1.0 Nothing {
        int64 => (a, b: u64) -> Bool { a >= 0 && a as u64 >= b }
        uint64 => (a, b: i64) -> Bool { b < 0 || a >= b as u64 }
    }
    /// `less` of a signed and an unsigned integer, by value; the key dtype is the first one's.
    LessMixed "_less_mixed" 2 -> 1 Internal Natural None 1.0 Nothing {
        int64 => (a, b: u64) -> Bool { a < 0 || (a as u64) < b }
        uint64 => (a, b: i64) -> Bool { b >= 0 && a < b as u64 }
    }
    /// `less_equal` of a signed and an unsigned integer, by value; the key dtype is the first one's.
    LessEqualMixed "_less_equal_mixed" 2 -> 1 Internal Natural None 1.0 Nothing {
        int64 => (a, b: u64) -> Bool { a < 0 || a as u64 <= b }
        uint64 => (a, b: i64) -> Bool { b >= 0 && a <= b as u64 }
    }
    /// `equal` of a signed and an unsigned integer, by value; the key dtype is the first one's.
    EqualMixed "_equal_mixed" 2 -> 1 Internal Natural None 1.0 Nothing {
        int64 => (a, b: u64) -> Bool { a >= 0 && a as u64 == b }
        uint64 => (a, b: i64) -> Bool { b >= 0 && a == b as u64 }
    }
    /// `not_equal` of a signed and an unsigned integer, by value; the key dtype is the first one's.
    NotEqualMixed "_not_equal_mixed" 2 -> 1 Internal Natural None 1.0 Nothing {
        int64 => (a, b: u64) -> Bool { a < 0 || a as u64 != b }
        uint64 => (a, b: i64) -> Bool { b < 0 || a != b as u64 }
    }
    /// Whether both are true.
    LogicalAnd "logical_and" 2 -> 1 Logical Quiet Tree 1.0 One {
        bool => (a, b) -> S { a & b }
        int, uint => (a, b) -> Bool { (a != 0) & (b != 0) }
        float => (a, b) -> Bool { (a != 0.0) & (b != 0.0) }
        complex => (a, b) -> Bool { complex::truth(a) & complex::truth(b) }
    }
    /// Whether either is true.
    LogicalOr "logical_or" 2 -> 1 Logical Quiet Tree 1.0 Zero {
        bool => (a, b) -> S { a | b }
        int, uint => (a, b) -> Bool { (a != 0) | (b != 0) }
        float => (a, b) -> Bool { (a != 0.0) | (b != 0.0) }
        complex => (a, b) -> Bool { complex::truth(a) | complex::truth(b) }
    }
    /// Whether just one is true.
    LogicalXor "logical_xor" 2 -> 1 Logical Quiet Tree 1.0 Zero {
        bool => (a, b) -> S { a ^ b }
        int, uint => (a, b) -> Bool { (a != 0) ^ (b != 0) }
        float => (a, b) -> Bool { (a != 0.0) ^ (b != 0.0) }
        complex => (a, b) -> Bool { complex::truth(a) ^ complex::truth(b) }
    }
    /// Whether it is false.
    LogicalNot "logical_not" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool => (a) -> S { !a }
        int, uint => (a) -> Bool { a == 0 }
        float => (a) -> Bool { a == 0.0 }
        complex => (a) -> Bool { !complex::truth(a) }
    }
    /// The larger; a NaN if either is one.
    Maximum "maximum" 2 -> 1 Uniform Quiet Tree 1.0 Nothing {
        bool => (a, b) -> S { a | b }
        int, uint => (a, b) -> S { if a > b { a } else { b } }
        float => (a, b) -> S { real::maximum(a, b) }
        complex => (a, b) -> S { complex::maximum(a, b) }
    }
    /// The smaller; a NaN if either is one.
    Minimum "minimum" 2 -> 1 Uniform Quiet Tree 1.0 Nothing {
        bool => (a, b) -> S { a & b }
        int, uint => (a, b) -> S { if a < b { a } else { b } }
        float => (a, b) -> S { real::minimum(a, b) }
        complex => (a, b) -> S { complex::minimum(a, b) }
    }
    /// The larger; the other one if one is a NaN.
    Fmax "fmax" 2 -> 1 Uniform Quiet Tree 1.0 Nothing {
        bool => (a, b) -> S { a | b }
        int, uint => (a, b) -> S { if a > b { a } else { b } }
        float => (a, b) -> S { real::fmax(a, b) }
        complex => (a, b) -> S { complex::fmax(a, b) }
    }
    /// The smaller; the other one if one is a NaN.
    Fmin "fmin" 2 -> 1 Uniform Quiet Tree 1.0 Nothing {
        bool => (a, b) -> S { a & b }
        int, uint => (a, b) -> S { if a < b { a } else { b } }
        float => (a, b) -> S { real::fmin(a, b) }
        complex => (a, b) -> S { complex::fmin(a, b) }
    }
    /// Whether it is neither infinite nor a NaN.
    Isfinite "isfinite" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool => (_a) -> S { true }
        int, uint => (_a) -> Bool { true }
        float => (a) -> Bool { a.is_finite() }
        complex => (a) -> Bool { a.re.is_finite() & a.im.is_finite() }
    }
    /// Whether it is infinite.
    Isinf "isinf" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool => (_a) -> S { false }
        int, uint => (_a) -> Bool { false }
        float => (a) -> Bool { a.is_infinite() }
        complex => (a) -> Bool { a.re.is_infinite() | a.im.is_infinite() }
    }
    /// Whether it is a NaN.
    Isnan "isnan" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool => (_a) -> S { false }
        int, uint => (_a) -> Bool { false }
        float => (a) -> Bool { a.is_nan() }
        complex => (a) -> Bool { complex::missing(a) }
    }
    /// The next number towards the second one.
    Nextafter "nextafter" 2 -> 1 Linear Natural Sequential 1.0 Nothing {
        half => (a, b) -> S { real::half_next_after(a, b) }, events(next) { real::overflow(a, next) }
        real => (a, b) -> S { a.next_after(b) }, events(next) { real::overflow(a, next) }
    }
    /// The distance to the next number of larger magnitude.
    Spacing "spacing" 1 -> 1 Linear Natural None 1.0 Nothing {
        half => (a) -> S { real::half_spacing(a) }, events(gap) { real::half_spacing_events(a, gap) }
        real => (a) -> S { a.spacing() }, events(next) { real::overflow(a, next) }
    }
    /// The first number times two to the power of the second.
    Ldexp "ldexp" 2 -> 1 Ldexp Natural None 1.0 Nothing {
        float => (a, b: i64) -> S { a.ldexp(b) }
    }
    /// The fraction in [1/2, 1) and the exponent of two.
    Frexp "frexp" 1 -> 2 Linear Quiet None 1.0 Nothing {
        float => (a) -> (S, i32) { a.frexp() }
    }
    /// The fractional and the integral part.
    Modf "modf" 1 -> 2 Linear Natural None 1.0 Nothing {
        float => (a) -> (S, S) { a.modf() }
    }
    /// The largest integer not above.
    Floor "floor" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool, int, uint => (a) -> S { a }
        float => (a) -> S { a.floor() }
    }
    /// The smallest integer not below.
    Ceil "ceil" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool, int, uint => (a) -> S { a }
        float => (a) -> S { a.ceil() }
    }
    /// The nearest integer towards zero.
    Trunc "trunc" 1 -> 1 Linear Quiet None 1.0 Nothing {
        bool, int, uint => (a) -> S { a }
        float => (a) -> S { a.trunc() }
    }
    /// The greatest common divisor.
    Gcd "gcd" 2 -> 1 Uniform Natural Tree 1.0 Zero {
        int, uint => (a, b) -> S { a.gcd(b) }
    }
    /// The least common multiple.
    Lcm "lcm" 2 -> 1 Uniform Natural Sequential 1.0 Nothing {
        int, uint => (a, b) -> S { a.lcm(b) }
    }
    /// 0 below zero, 1 above it, the second number at zero.
    Heaviside "heaviside" 2 -> 1 Linear Quiet Sequential 1.0 Nothing {
        float => (a, b) -> S { real::heaviside(a, b) }
    }
    /// The first number, but not below the second nor above the third.
    Clip "clip" 3 -> 1 Uniform Quiet None 1.0 Nothing {
        bool => (a, b, c) -> S { (a | b) & c }
        int, uint => (a, b, c) -> S {
            let raised = if a > b { a } else { b };
            if raised < c { raised } else { c }
        }
        half => (a, b, c) -> S { real::minimum(real::maximum(a, b), c) }
        real => (a, b, c) -> S { real::clip(a, b, c) }
        complex => (a, b, c) -> S { complex::clip(a, b, c) }
    }
    /// The second where the first is true, else the third.
    Select "where" 3 -> 1 Select Quiet None 1.0 Nothing {
        bool => (c: Bool, a, b) -> S { if c { a } else { b } }
        int, uint, float, complex => (c: Bool, a, b) -> S { if c { a } else { b } }
    }
    /// The real part.
    Real "_real" 1 -> 1 Internal Quiet None 1.0 Nothing {
        complex => (a) -> R { a.re }
    }
    /// The imaginary part.
    Imag "_imag" 1 -> 1 Internal Quiet None 1.0 Nothing {
        complex => (a) -> R { a.im }
    }
}
