//! Arrays in Rust's own notation: operators, a method per row, and slices.
//!
//! Methods return [`Result`]; operators cannot, so they panic where the method would return an error. Only a user's
//! mistake makes them do that: shapes that do not broadcast, a dtype without a loop, an integer that does not fit.

use crate::{Array, Index, Input, Result, apply_into, apply_one, runtime};
use maniple_ops::{Op, Scalar};
use num_complex::Complex64;
use std::ops::{
    Add, AddAssign, BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Div, DivAssign, Mul,
    MulAssign, Neg, Not, Range, RangeFrom, RangeFull, RangeTo, Rem, RemAssign, Sub, SubAssign,
};

/// What may stand beside an array in an operation: an array, or a number, whose dtype follows the array's.
pub trait Operand {
    /// The value as an argument of [`apply_one`].
    fn input(&self) -> Input<'_>;
}

impl Operand for Array {
    fn input(&self) -> Input<'_> {
        Input::Array(self)
    }
}

impl<T: Operand> Operand for &T {
    fn input(&self) -> Input<'_> {
        (**self).input()
    }
}

/// Numbers: how each becomes an input, and its operators with an array on the right.
macro_rules! numbers {
    ($($number:ty: |$value:ident| $input:expr;)*) => {
        $(
            impl Operand for $number {
                fn input(&self) -> Input<'_> {
                    let $value = *self;
                    $input
                }
            }
            numbers!(@ $number: Add add, Sub sub, Mul mul, Div div, Rem rem);
        )*
    };
    (@ $number:ty: $($operator:ident $method:ident),*) => {
        $(
            impl $operator<&Array> for $number {
                type Output = Array;
                fn $method(self, array: &Array) -> Array {
                    computed(row::$method, self.input(), array.input())
                }
            }
            impl $operator<Array> for $number {
                type Output = Array;
                fn $method(self, array: Array) -> Array {
                    computed(row::$method, self.input(), array.input())
                }
            }
        )*
    };
}

numbers! {
    f64: |value| Input::Float(value);
    i32: |value| Input::Int(value.into());
    i64: |value| Input::Int(value.into());
    Complex64: |value| Input::Complex(value);
    Scalar: |value| Input::Scalar(value);
}

/// The row behind each operator, by the name of the operator's method.
#[allow(non_upper_case_globals)]
mod row {
    use super::Op;

    pub(super) const add: Op = Op::Add;
    pub(super) const sub: Op = Op::Subtract;
    pub(super) const mul: Op = Op::Multiply;
    pub(super) const div: Op = Op::Divide;
    pub(super) const rem: Op = Op::Remainder;
    pub(super) const bitand: Op = Op::BitwiseAnd;
    pub(super) const bitor: Op = Op::BitwiseOr;
    pub(super) const bitxor: Op = Op::BitwiseXor;
}

macro_rules! operators {
    ($($operator:ident $method:ident, $assign:ident $assign_method:ident;)*) => {
        $(
            /// # Panics
            /// With NumPy's message if the operands have no common shape or the row no loop for their dtypes.
            impl<T: Operand> $operator<T> for &Array {
                type Output = Array;
                fn $method(self, other: T) -> Array {
                    computed(row::$method, self.input(), other.input())
                }
            }

            /// # Panics
            /// As for references.
            impl<T: Operand> $operator<T> for Array {
                type Output = Array;
                fn $method(self, other: T) -> Array {
                    computed(row::$method, self.input(), other.input())
                }
            }

            /// Writes into the elements, which other handles and views see.
            ///
            /// # Panics
            /// As for references, and if the result cannot be cast to the array's dtype.
            impl<T: Operand> $assign<T> for Array {
                fn $assign_method(&mut self, other: T) {
                    agreed(apply_into(row::$method, &[self.input(), other.input()], self));
                }
            }
        )*
    };
}

operators! {
    Add add, AddAssign add_assign;
    Sub sub, SubAssign sub_assign;
    Mul mul, MulAssign mul_assign;
    Div div, DivAssign div_assign;
    Rem rem, RemAssign rem_assign;
    BitAnd bitand, BitAndAssign bitand_assign;
    BitOr bitor, BitOrAssign bitor_assign;
    BitXor bitxor, BitXorAssign bitxor_assign;
}

macro_rules! unary_operators {
    ($($operator:ident $method:ident $row:ident;)*) => {
        $(
            /// # Panics
            /// With NumPy's message if the row has no loop for the dtype.
            impl $operator for &Array {
                type Output = Array;
                fn $method(self) -> Array {
                    agreed(apply_one(Op::$row, &[self.input()]))
                }
            }

            /// # Panics
            /// As for references.
            impl $operator for Array {
                type Output = Array;
                fn $method(self) -> Array {
                    agreed(apply_one(Op::$row, &[self.input()]))
                }
            }
        )*
    };
}

unary_operators! {
    Neg neg Negative;
    Not not Invert;
}

/// Methods with NumPy's names. A row without one is applied with [`apply_one`].
macro_rules! methods {
    (one: $($one:ident $one_row:ident),+; two: $($two:ident $two_row:ident),+;) => {
        impl Array {
            $(
                #[doc = concat!("`numpy.", stringify!($one), "` of every element: the row [`Op::", stringify!($one_row), "`].")]
                ///
                /// # Errors
                /// As [`apply`](crate::apply).
                pub fn $one(&self) -> Result<Array> {
                    apply_one(Op::$one_row, &[self.input()])
                }
            )+
            $(
                #[doc = concat!("`numpy.", stringify!($two), "` of this array and another operand, broadcast: the row [`Op::", stringify!($two_row), "`].")]
                ///
                /// # Errors
                /// As [`apply`](crate::apply).
                pub fn $two(&self, other: impl Operand) -> Result<Array> {
                    apply_one(Op::$two_row, &[self.input(), other.input()])
                }
            )+
        }

        #[cfg(test)]
        const METHODS: &[(&str, Op)] =
            &[$((stringify!($one), Op::$one_row),)+ $((stringify!($two), Op::$two_row)),+];
    };
}

methods! {
    one:
        negative Negative, absolute Absolute, sign Sign, conjugate Conjugate, square Square, sqrt Sqrt, cbrt Cbrt,
        reciprocal Reciprocal, exp Exp, exp2 Exp2, expm1 Expm1, log Log, log2 Log2, log10 Log10, log1p Log1p,
        sin Sin, cos Cos, tan Tan, arcsin Arcsin, arccos Arccos, arctan Arctan, sinh Sinh, cosh Cosh, tanh Tanh,
        arcsinh Arcsinh, arccosh Arccosh, arctanh Arctanh, degrees Degrees, radians Radians, rint Rint, floor Floor,
        ceil Ceil, trunc Trunc, invert Invert, logical_not LogicalNot, isfinite Isfinite, isinf Isinf, isnan Isnan,
        signbit Signbit;
    two:
        add Add, subtract Subtract, multiply Multiply, divide Divide, floor_divide FloorDivide, remainder Remainder,
        fmod Fmod, power Power, arctan2 Arctan2, hypot Hypot, copysign Copysign, logaddexp Logaddexp, maximum Maximum,
        minimum Minimum, fmax Fmax, fmin Fmin, greater Greater, greater_equal GreaterEqual, less Less,
        less_equal LessEqual, equal Equal, not_equal NotEqual, logical_and LogicalAnd, logical_or LogicalOr,
        logical_xor LogicalXor, bitwise_and BitwiseAnd, bitwise_or BitwiseOr, bitwise_xor BitwiseXor,
        left_shift LeftShift, right_shift RightShift, heaviside Heaviside, gcd Gcd, lcm Lcm;
}

/// Runs everything recorded and waits for it.
///
/// # Errors
/// The first failure of a task.
pub fn sync() -> Result<()> {
    Ok(runtime().sync()?)
}

/// A range that can stand in a slice, with or without a step.
pub trait Bounds {
    /// `start` and `stop`, absent where the range is open.
    fn bounds(self) -> (Option<isize>, Option<isize>);
}

impl Bounds for RangeFull {
    fn bounds(self) -> (Option<isize>, Option<isize>) {
        (None, None)
    }
}

/// Positions may be of any of these types, so that literals need no suffix.
macro_rules! positions {
    ($($position:ty),*) => {
        $(
            impl Bounds for Range<$position> {
                fn bounds(self) -> (Option<isize>, Option<isize>) {
                    (Some(clamped(self.start)), Some(clamped(self.end)))
                }
            }
            impl Bounds for RangeFrom<$position> {
                fn bounds(self) -> (Option<isize>, Option<isize>) {
                    (Some(clamped(self.start)), None)
                }
            }
            impl Bounds for RangeTo<$position> {
                fn bounds(self) -> (Option<isize>, Option<isize>) {
                    (None, Some(clamped(self.end)))
                }
            }
            impl From<$position> for Index {
                fn from(position: $position) -> Index {
                    Index::At(clamped(position))
                }
            }
        )*
    };
}

positions!(i32, isize, usize);

impl<R: Bounds> From<R> for Index {
    fn from(range: R) -> Index {
        let (start, stop) = range.bounds();
        Index::Slice(start, stop, None)
    }
}

impl Index {
    /// `start:stop:step`; negative positions count from the end, and so does a negative step.
    pub fn stepped(range: impl Bounds, step: isize) -> Index {
        let (start, stop) = range.bounds();
        Index::Slice(start, stop, Some(step))
    }
}

/// A position as NumPy takes it; what no array can hold is as far away as can be said.
fn clamped<T: TryInto<isize>>(position: T) -> isize {
    position.try_into().unwrap_or(isize::MAX)
}

fn computed(op: Op, first: Input<'_>, second: Input<'_>) -> Array {
    agreed(apply_one(op, &[first, second]))
}

/// The value of an operator, which has no other way to report an error.
fn agreed<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn methods_have_the_names_of_their_rows() {
        for (name, op) in METHODS {
            assert_eq!(*name, op.row().numpy);
        }
    }
}
