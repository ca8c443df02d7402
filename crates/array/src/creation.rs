//! New arrays: filled, counted.

use crate::array::record;
use crate::{Array, Error, Result, at_hand, runtime};
use maniple_ops::{Dtype, Scalar};
use maniple_runtime::{Kernel, Privilege};

impl Array {
    /// Every element equal to `value`.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn full(shape: &[usize], value: Scalar) -> Result<Array> {
        let array = Array::empty(shape, value.dtype())?;
        array.fill(value)?;
        Ok(array)
    }

    /// Every element zero.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn zeros(shape: &[usize], dtype: Dtype) -> Result<Array> {
        Array::full(shape, Scalar::zero(dtype))
    }

    /// Every element one.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn ones(shape: &[usize], dtype: Dtype) -> Result<Array> {
        Array::full(shape, Scalar::one(dtype))
    }

    /// A 0-d array.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn scalar(value: Scalar) -> Result<Array> {
        let array = Array::empty(&[], value.dtype())?;
        array.write_bytes(value.as_bytes())?;
        Ok(array)
    }

    /// `start + index * step` for `length` indices, computed in the dtype (`numpy.arange` after it chose its dtype).
    ///
    /// # Errors
    /// `TypeError` for bool, which NumPy counts only up to two; as [`Array::empty`].
    pub fn iota(start: Scalar, step: Scalar, length: usize) -> Result<Array> {
        let dtype = start.dtype();
        if dtype == Dtype::Bool {
            return Err(Error::not_native("arange of bool"));
        }
        let step = step.cast(dtype);
        let array = Array::empty(&[length], dtype)?;
        let done = match dtype {
            Dtype::Int64 => {
                let (mut next, step) = (start.get::<i64>(), step.get::<i64>());
                at_hand::count(&array, |_| {
                    let element = next;
                    next = next.wrapping_add(step);
                    element
                })
            }
            Dtype::Float64 => {
                let (start, step) = (start.get::<f64>(), step.get::<f64>());
                at_hand::count(&array, |at| start + at as f64 * step)
            }
            _ => false,
        };
        if done {
            return Ok(array);
        }
        let kernel = runtime().intern(Kernel::Iota { dtype });
        record(kernel, length, &[array.operand(Privilege::Write)], &[start, step])?;
        Ok(array)
    }
}
