//! The rows of the op table that a run may hold, as instructions. Each computes the bits that the row's block loop does:
//! the same operations in the same order, with the same choice where numbers are equal, zeros differ in sign, or one is
//! no number.

use super::assembler::Encoding;
use super::instructions as inst;
use super::lower::{Lowering, Order, Relation, Source};
use maniple_ops::{Dtype, Kind, Op};

impl Lowering {
    /// A row at its key dtype; nothing if it has no instructions here.
    pub(super) fn apply(&mut self, op: Op, dtype: Dtype, args: &[Source]) -> Option<Source> {
        match dtype {
            Dtype::Float16 | Dtype::Complex64 | Dtype::Complex128 => None,
            Dtype::Bool => self.apply_truth(op, args),
            Dtype::Float32 | Dtype::Float64 => self.apply_float(op, dtype.size(), args),
            _ => self.apply_integer(op, dtype.size(), dtype.kind() == Kind::Int, args),
        }
    }

    fn apply_truth(&mut self, op: Op, args: &[Source]) -> Option<Source> {
        Some(match (op, args) {
            (Op::Add | Op::Maximum | Op::Fmax | Op::BitwiseOr | Op::LogicalOr, &[a, b]) => self.or(a, b),
            (Op::Multiply | Op::Minimum | Op::Fmin | Op::BitwiseAnd | Op::LogicalAnd, &[a, b]) => {
                self.and(a, b)
            }
            (Op::BitwiseXor | Op::LogicalXor | Op::NotEqual, &[a, b]) => self.xor(a, b),
            (Op::Equal, &[a, b]) => self.same(a, b),
            (Op::Invert | Op::LogicalNot, &[a]) => self.not(a),
            (Op::Greater, &[a, b]) => self.and_not(b, a),
            (Op::Less, &[a, b]) => self.and_not(a, b),
            (Op::GreaterEqual, &[a, b]) => {
                let less = self.and_not(a, b);
                self.not(less)
            }
            (Op::LessEqual, &[a, b]) => {
                let greater = self.and_not(b, a);
                self.not(greater)
            }
            (Op::Select, &[mask, a, b]) => {
                let yes = self.and(mask, a);
                let no = self.and_not(mask, b);
                self.or(yes, no)
            }
            (Op::Absolute, &[a]) => a,
            _ => return None,
        })
    }

    fn apply_float(&mut self, op: Op, item: usize, args: &[Source]) -> Option<Source> {
        let length = self.length(item);
        Some(match (op, args) {
            (Op::Add, &[a, b]) => self.arithmetic(inst::ADD, item, a, b),
            (Op::Subtract, &[a, b]) => self.arithmetic(inst::SUBTRACT, item, a, b),
            (Op::Multiply, &[a, b]) => self.arithmetic(inst::MULTIPLY, item, a, b),
            (Op::Divide, &[a, b]) => self.arithmetic(inst::DIVIDE, item, a, b),
            (Op::Square, &[a]) => self.arithmetic(inst::MULTIPLY, item, a, a),
            (Op::Sqrt, &[a]) => self.raising(inst::float(inst::SQRT, item), length, a),
            (Op::Reciprocal, &[a]) => {
                let one = self.float(1.0, item);
                self.arithmetic(inst::DIVIDE, item, one, a)
            }
            (Op::Positive | Op::Conjugate, &[a]) => a,
            (Op::Negative, &[a]) => {
                let sign = self.sign_bit(item);
                self.binary(inst::XOR, length, a, sign)
            }
            (Op::Absolute | Op::Fabs, &[a]) => self.magnitude(item, a),
            (Op::Copysign, &[a, b]) => {
                let magnitude = self.magnitude(item, a);
                let sign = self.sign_bit(item);
                let sign = self.binary(inst::AND, length, b, sign);
                self.binary(inst::OR, length, magnitude, sign)
            }
            (Op::Rint, &[a]) => self.with_number(inst::round(item), length, a, 8),
            (Op::Floor, &[a]) => self.with_number(inst::round(item), length, a, 9),
            (Op::Ceil, &[a]) => self.with_number(inst::round(item), length, a, 10),
            (Op::Trunc, &[a]) => self.with_number(inst::round(item), length, a, 11),
            (Op::Greater, &[a, b]) => self.compare(item, Order::Greater, a, b),
            (Op::GreaterEqual, &[a, b]) => self.compare(item, Order::GreaterEqual, a, b),
            (Op::Less, &[a, b]) => self.compare(item, Order::Less, a, b),
            (Op::LessEqual, &[a, b]) => self.compare(item, Order::LessEqual, a, b),
            (Op::Equal, &[a, b]) => self.compare(item, Order::Equal, a, b),
            (Op::NotEqual, &[a, b]) => self.compare(item, Order::NotEqual, a, b),
            (Op::LogicalAnd | Op::LogicalOr | Op::LogicalXor, &[a, b]) => {
                let zero = self.float(0.0, item);
                let a = self.compare(item, Order::NotEqual, a, zero);
                let b = self.compare(item, Order::NotEqual, b, zero);
                self.apply_truth(op, &[a, b])?
            }
            (Op::LogicalNot, &[a]) => {
                let zero = self.float(0.0, item);
                self.compare(item, Order::Equal, a, zero)
            }
            (Op::Isnan, &[a]) => self.compare(item, Order::Unordered, a, a),
            (Op::Isfinite, &[a]) => {
                let (magnitude, infinity) = (self.magnitude(item, a), self.float(f64::INFINITY, item));
                self.compare(item, Order::Less, magnitude, infinity)
            }
            (Op::Isinf, &[a]) => {
                let (magnitude, infinity) = (self.magnitude(item, a), self.float(f64::INFINITY, item));
                self.compare(item, Order::Equal, magnitude, infinity)
            }
            (Op::Signbit, &[a]) => {
                let zero = self.pattern(0, item);
                self.compare_integers(item, true, Relation::Less, a, zero)
            }
            (Op::Maximum, &[a, b]) => self.extreme(item, Order::GreaterEqual, a, b, a),
            (Op::Minimum, &[a, b]) => self.extreme(item, Order::LessEqual, a, b, a),
            (Op::Fmax, &[a, b]) => self.extreme(item, Order::GreaterEqual, a, b, b),
            (Op::Fmin, &[a, b]) => self.extreme(item, Order::LessEqual, a, b, b),
            (Op::Clip, &[a, low, high]) => {
                let raised = self.extreme(item, Order::Greater, a, low, a);
                self.extreme(item, Order::Less, raised, high, raised)
            }
            (Op::Sign, &[a]) => {
                let (zero, one) = (self.float(0.0, item), self.float(1.0, item));
                let minus_one = self.float(-1.0, item);
                let is_zero = self.compare(item, Order::Equal, a, zero);
                let at_zero = self.blend(item, is_zero, zero, a);
                let is_below = self.compare(item, Order::Less, a, zero);
                let below = self.blend(item, is_below, minus_one, at_zero);
                let is_above = self.compare(item, Order::Greater, a, zero);
                self.blend(item, is_above, one, below)
            }
            (Op::Heaviside, &[a, middle]) => {
                let (zero, one) = (self.float(0.0, item), self.float(1.0, item));
                let is_zero = self.compare(item, Order::Equal, a, zero);
                let at_zero = self.blend(item, is_zero, middle, a);
                let is_below = self.compare(item, Order::Less, a, zero);
                let below = self.blend(item, is_below, zero, at_zero);
                let is_above = self.compare(item, Order::Greater, a, zero);
                self.blend(item, is_above, one, below)
            }
            (Op::Select, &[mask, a, b]) => self.blend(item, mask, a, b),
            (Op::Degrees | Op::Rad2deg, &[a]) => {
                let factor = self.angle(item, 180.0 / std::f64::consts::PI, 180.0 / std::f32::consts::PI);
                self.arithmetic(inst::MULTIPLY, item, a, factor)
            }
            (Op::Radians | Op::Deg2rad, &[a]) => {
                let factor = self.angle(item, std::f64::consts::PI / 180.0, std::f32::consts::PI / 180.0);
                self.arithmetic(inst::MULTIPLY, item, a, factor)
            }
            _ => return None,
        })
    }

    fn magnitude(&mut self, item: usize, a: Source) -> Source {
        let bits = self.pattern((1 << (8 * item - 1)) - 1, item);
        self.binary(inst::AND, self.length(item), a, bits)
    }

    /// `if a order b || missing is NaN { a } else { b }`
    fn extreme(&mut self, item: usize, order: Order, a: Source, b: Source, missing: Source) -> Source {
        let ordered = self.compare(item, order, a, b);
        let missing = self.compare(item, Order::Unordered, missing, missing);
        let first = self.or(ordered, missing);
        self.blend(item, first, a, b)
    }

    fn angle(&mut self, item: usize, double: f64, single: f32) -> Source {
        if item == 8 { self.float(double, item) } else { self.pattern(single.to_bits() as u64, item) }
    }

    fn apply_integer(&mut self, op: Op, item: usize, signed: bool, args: &[Source]) -> Option<Source> {
        let length = self.length(item);
        let compare = |relation| Some((item, signed, relation));
        let relation = match op {
            Op::Greater => compare(Relation::Greater),
            Op::GreaterEqual => compare(Relation::GreaterEqual),
            Op::Less => compare(Relation::Less),
            Op::LessEqual => compare(Relation::LessEqual),
            Op::Equal => compare(Relation::Equal),
            Op::NotEqual => compare(Relation::NotEqual),
            _ => None,
        };
        if let (Some((item, signed, relation)), &[a, b]) = (relation, args) {
            return Some(self.compare_integers(item, signed, relation, a, b));
        }
        let evex = self.encoding == Encoding::Evex;
        Some(match (op, args) {
            (Op::Add, &[a, b]) => self.binary(inst::integer_add(item), length, a, b),
            (Op::Subtract, &[a, b]) => self.binary(inst::integer_subtract(item), length, a, b),
            (Op::Multiply, &[a, b]) => self.product(item, a, b)?,
            (Op::Square, &[a]) => self.product(item, a, a)?,
            (Op::Negative, &[a]) => {
                let zero = self.pattern(0, item);
                self.binary(inst::integer_subtract(item), length, zero, a)
            }
            (Op::Positive | Op::Conjugate | Op::Floor | Op::Ceil | Op::Trunc, &[a]) => a,
            (Op::Absolute, &[a]) if !signed => a,
            (Op::Absolute, &[a]) if evex || item < 8 => self.unary(inst::integer_absolute(item), length, a),
            (Op::Absolute, &[a]) => {
                let zero = self.pattern(0, item);
                let below = self.binary(inst::lanes_greater(item), length, zero, a);
                let flipped = self.binary(inst::XOR, length, a, below);
                self.binary(inst::integer_subtract(item), length, flipped, below)
            }
            (Op::BitwiseAnd, &[a, b]) => self.binary(inst::AND, length, a, b),
            (Op::BitwiseOr, &[a, b]) => self.binary(inst::OR, length, a, b),
            (Op::BitwiseXor, &[a, b]) => self.binary(inst::XOR, length, a, b),
            (Op::Invert, &[a]) => {
                let ones = self.pattern(u64::MAX, 8);
                self.binary(inst::XOR, length, a, ones)
            }
            (Op::LeftShift, &[a, b]) if item >= 4 => {
                self.binary(inst::shift(inst::SHIFT_LEFT, item), length, a, b)
            }
            (Op::RightShift, &[a, b]) if item >= 4 && !signed => {
                self.binary(inst::shift(inst::SHIFT_RIGHT, item), length, a, b)
            }
            (Op::RightShift, &[a, b]) if item == 4 || item == 8 && evex => {
                self.binary(inst::shift(inst::SHIFT_RIGHT_SIGNED, item), length, a, b)
            }
            (Op::LogicalAnd | Op::LogicalOr | Op::LogicalXor, &[a, b]) => {
                let zero = self.pattern(0, item);
                let a = self.compare_integers(item, signed, Relation::NotEqual, a, zero);
                let b = self.compare_integers(item, signed, Relation::NotEqual, b, zero);
                self.apply_truth(op, &[a, b])?
            }
            (Op::LogicalNot, &[a]) => {
                let zero = self.pattern(0, item);
                self.compare_integers(item, signed, Relation::Equal, a, zero)
            }
            (Op::Maximum | Op::Fmax, &[a, b]) => self.larger(item, signed, a, b),
            (Op::Minimum | Op::Fmin, &[a, b]) => self.smaller(item, signed, a, b),
            (Op::Clip, &[a, low, high]) => {
                let raised = self.larger(item, signed, a, low);
                self.smaller(item, signed, raised, high)
            }
            (Op::Select, &[mask, a, b]) => self.blend(item, mask, a, b),
            _ => return None,
        })
    }

    fn larger(&mut self, item: usize, signed: bool, a: Source, b: Source) -> Source {
        if item < 8 || self.encoding == Encoding::Evex {
            return self.binary(inst::integer_maximum(item, signed), self.length(item), a, b);
        }
        let greater = self.compare_integers(item, signed, Relation::Greater, a, b);
        self.blend(item, greater, a, b)
    }

    fn smaller(&mut self, item: usize, signed: bool, a: Source, b: Source) -> Source {
        if item < 8 || self.encoding == Encoding::Evex {
            return self.binary(inst::integer_minimum(item, signed), self.length(item), a, b);
        }
        let less = self.compare_integers(item, signed, Relation::Less, a, b);
        self.blend(item, less, a, b)
    }

    /// The low half of the product. AVX has none for 8 bytes: it is put together from halves.
    fn product(&mut self, item: usize, a: Source, b: Source) -> Option<Source> {
        let length = self.length(item);
        if item < 8 || self.encoding == Encoding::Evex {
            return Some(self.binary(inst::integer_multiply(item)?, length, a, b));
        }
        let (a, b) = (self.in_register(a, item), self.in_register(b, item));
        let (high_a, high_b) = (
            self.with_number(inst::SHIFT_RIGHT_BY, length, a, 32),
            self.with_number(inst::SHIFT_RIGHT_BY, length, b, 32),
        );
        let first = self.binary(inst::MULTIPLY_LOW_HALVES, length, high_a, b);
        let second = self.binary(inst::MULTIPLY_LOW_HALVES, length, high_b, a);
        let middle = self.binary(inst::integer_add(8), length, first, second);
        let middle = self.with_number(inst::SHIFT_LEFT_BY, length, middle, 32);
        let low = self.binary(inst::MULTIPLY_LOW_HALVES, length, a, b);
        Some(self.binary(inst::integer_add(8), length, low, middle))
    }

    /// A conversion; nothing if it has no instructions here.
    pub(super) fn cast(&mut self, from: Dtype, to: Dtype, a: Source) -> Option<Source> {
        if from == to {
            return Some(a);
        }
        let evex = self.encoding == Encoding::Evex;
        let (old, new) = (from.size(), to.size());
        let length = self.length(old.max(new));
        let signed = from.kind() == Kind::Int;
        Some(match (from.kind(), to.kind()) {
            _ if from == Dtype::Float16 || to == Dtype::Float16 => return None,
            (Kind::Complex, _) | (_, Kind::Complex) => return None,
            (Kind::Bool, Kind::Float) => {
                let one = if new == 8 { 1f64.to_bits() } else { 1f32.to_bits() as u64 };
                self.number_of_truth(a, new, one)
            }
            (Kind::Bool, _) => self.number_of_truth(a, new, 1),
            (Kind::Float, Kind::Bool) => {
                let zero = self.float(0.0, old);
                self.compare(old, Order::NotEqual, a, zero)
            }
            (_, Kind::Bool) => {
                let zero = self.pattern(0, old);
                self.compare_integers(old, false, Relation::NotEqual, a, zero)
            }
            (Kind::Int | Kind::UInt, Kind::Int | Kind::UInt) => self.resized(a, old, new, signed),
            (Kind::Int | Kind::UInt, Kind::Float) => {
                let (wide, width, signed) =
                    if old < 4 { (self.resized(a, old, 4, signed), 4, true) } else { (a, old, signed) };
                if !(evex || width == 4 && signed) {
                    return None;
                }
                self.raising(inst::to_float(width, signed, new), self.length(width.max(new)), wide)
            }
            (Kind::Float, Kind::Float) if new == 8 => self.raising(inst::SINGLE_TO_DOUBLE, length, a),
            (Kind::Float, Kind::Float) => self.raising(inst::DOUBLE_TO_SINGLE, length, a),
            (Kind::Float, _) if to == Dtype::UInt64 || to == Dtype::UInt32 && old == 4 => return None,
            (Kind::Float, _) => {
                let width = if new == 8 || to == Dtype::UInt32 { 8 } else { 4 };
                if width == 8 && !evex {
                    return None;
                }
                let cut = self.raising(inst::to_integer(old, width), self.length(old.max(width)), a);
                self.resized(cut, width, new, true)
            }
        })
    }

    fn resized(&mut self, a: Source, from: usize, to: usize, signed: bool) -> Source {
        match from.cmp(&to) {
            std::cmp::Ordering::Equal => a,
            std::cmp::Ordering::Less => self.unary(inst::widen(from, to, signed), self.length(to), a),
            std::cmp::Ordering::Greater => self.cut(a, from, to),
        }
    }
}
