//! Evenly spaced numbers.

use crate::program::with_scratch;
use crate::tile::Elements;
use half::f16;
use maniple_ops::{Bool, Dtype, Element};
use maniple_runtime::{Binding, Launch};
use num_complex::Complex;
use std::ptr;

/// Elements that are made at a time where they do not lie side by side.
const BLOCK: usize = 1024;

/// A range made ready.
pub(crate) struct Iota {
    output: Elements,
    dtype: Dtype,
}

impl Iota {
    pub(crate) fn new(launch: &Launch, dtype: Dtype) -> Iota {
        Iota { output: Elements::new(&launch.args[0].view, dtype), dtype }
    }

    /// Writes the elements `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.dtype {
                Dtype::Bool => self.write(binding, first, last, |start: Bool, step: Bool, at| {
                    Bool::new(start.get() || (step.get() && at != 0))
                }),
                Dtype::Int8 => {
                    self.write(binding, first, last, |a: i8, b, at| a.wrapping_add(b.wrapping_mul(at as i8)))
                }
                Dtype::Int16 => self
                    .write(binding, first, last, |a: i16, b, at| a.wrapping_add(b.wrapping_mul(at as i16))),
                Dtype::Int32 => self
                    .write(binding, first, last, |a: i32, b, at| a.wrapping_add(b.wrapping_mul(at as i32))),
                Dtype::Int64 => self
                    .write(binding, first, last, |a: i64, b, at| a.wrapping_add(b.wrapping_mul(at as i64))),
                Dtype::UInt8 => {
                    self.write(binding, first, last, |a: u8, b, at| a.wrapping_add(b.wrapping_mul(at as u8)))
                }
                Dtype::UInt16 => self
                    .write(binding, first, last, |a: u16, b, at| a.wrapping_add(b.wrapping_mul(at as u16))),
                Dtype::UInt32 => self
                    .write(binding, first, last, |a: u32, b, at| a.wrapping_add(b.wrapping_mul(at as u32))),
                Dtype::UInt64 => self
                    .write(binding, first, last, |a: u64, b, at| a.wrapping_add(b.wrapping_mul(at as u64))),
                Dtype::Float16 => self.write(binding, first, last, |a: f16, b: f16, at| {
                    f16::from_f32(a.to_f32() + at as f32 * b.to_f32())
                }),
                Dtype::Float32 => self.write(binding, first, last, |a: f32, b, at| a + at as f32 * b),
                Dtype::Float64 => self.write(binding, first, last, |a: f64, b, at| a + at as f64 * b),
                Dtype::Complex64 => {
                    self.write(binding, first, last, |a: Complex<f32>, b, at| a + b * at as f32)
                }
                Dtype::Complex128 => {
                    self.write(binding, first, last, |a: Complex<f64>, b, at| a + b * at as f64)
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn write<T: Element>(
        &self,
        binding: &Binding,
        first: usize,
        last: usize,
        value: impl Fn(T, T, usize) -> T,
    ) {
        let (start, step) = (binding.scalars[0].get::<T>(), binding.scalars[1].get::<T>());
        let base = binding.bases[0];
        let make = |block: *mut u8, first: usize, count: usize| {
            // SAFETY: the block is aligned and has room for `count` elements.
            let block =
                unsafe { std::slice::from_raw_parts_mut(block.cast::<std::mem::MaybeUninit<T>>(), count) };
            for (at, element) in block.iter_mut().enumerate() {
                element.write(value(start, step, first + at));
            }
        };
        if let Some(block) = self.output.direct(base, first) {
            return make(block, first, last - first);
        }
        with_scratch(BLOCK * size_of::<T>(), |block| {
            for at in (first..last).step_by(BLOCK) {
                let count = BLOCK.min(last - at);
                make(block, at, count);
                // SAFETY: the output is writable and the block holds `count` elements.
                unsafe { self.output.store(base, at, count, ptr::from_ref(&*block)) };
            }
        });
    }
}
