//! Evenly spaced numbers.

use crate::program::with_scratch;
use crate::tile::Elements;
use half::f16;
use maniple_ops::{Bool, Dtype, Element};
use maniple_runtime::{Binding, Launch};
use num_complex::Complex;
use std::mem::MaybeUninit;
use std::ptr;

/// Elements that are made at a time where they do not lie side by side.
const BLOCK: usize = 1024;

/// Numbers that are made at a time where they lie side by side.
const SIDE_BY_SIDE: usize = 16;

/// Integers that wrap around.
trait Whole: Element {
    fn plus(self, other: Self) -> Self;
    /// As many times as there are elements.
    fn times(self, count: usize) -> Self;
}

macro_rules! whole {
    ($($integer:ty)*) => {
        $(impl Whole for $integer {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn times(self, count: usize) -> Self {
                self.wrapping_mul(count as Self)
            }
        })*
    };
}

whole!(i8 i16 i32 i64 u8 u16 u32 u64);

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
                    Bool::new(start.get() || (step.get() && at != 0.0))
                }),
                Dtype::Int8 => self.write_whole::<i8>(binding, first, last),
                Dtype::Int16 => self.write_whole::<i16>(binding, first, last),
                Dtype::Int32 => self.write_whole::<i32>(binding, first, last),
                Dtype::Int64 => self.write_whole::<i64>(binding, first, last),
                Dtype::UInt8 => self.write_whole::<u8>(binding, first, last),
                Dtype::UInt16 => self.write_whole::<u16>(binding, first, last),
                Dtype::UInt32 => self.write_whole::<u32>(binding, first, last),
                Dtype::UInt64 => self.write_whole::<u64>(binding, first, last),
                Dtype::Float16 => self.write(binding, first, last, |a: f16, b: f16, at| {
                    f16::from_f32(a.to_f32() + at as f32 * b.to_f32())
                }),
                Dtype::Float32 => self.write(binding, first, last, |a: f32, b, at| a + at as f32 * b),
                Dtype::Float64 => self.write(binding, first, last, |a: f64, b, at| a + at * b),
                Dtype::Complex64 => {
                    self.write(binding, first, last, |a: Complex<f32>, b, at| a + b * at as f32)
                }
                Dtype::Complex128 => self.write(binding, first, last, |a: Complex<f64>, b, at| a + b * at),
            }
        }
    }

    /// Integers, which wrap around: several numbers side by side go on by as many steps, since multiplying each place
    /// by the step takes many times as long.
    unsafe fn write_whole<T: Whole>(&self, binding: &Binding, first: usize, last: usize) {
        let (start, step) = (binding.scalars[0].get::<T>(), binding.scalars[1].get::<T>());
        // SAFETY: the caller's promise.
        unsafe {
            self.write_blocks(binding, first, last, |block: &mut [MaybeUninit<T>], first| {
                let mut next: [T; SIDE_BY_SIDE] =
                    std::array::from_fn(|at| start.plus(step.times(first + at)));
                let stride = step.times(SIDE_BY_SIDE);
                let mut groups = block.chunks_exact_mut(SIDE_BY_SIDE);
                for group in &mut groups {
                    for (element, next) in group.iter_mut().zip(&mut next) {
                        element.write(*next);
                        *next = next.plus(stride);
                    }
                }
                for (element, next) in groups.into_remainder().iter_mut().zip(next) {
                    element.write(next);
                }
            });
        }
    }

    #[inline(always)]
    unsafe fn write<T: Element>(
        &self,
        binding: &Binding,
        first: usize,
        last: usize,
        value: impl Fn(T, T, f64) -> T,
    ) {
        let (start, step) = (binding.scalars[0].get::<T>(), binding.scalars[1].get::<T>());
        // SAFETY: the caller's promise.
        unsafe {
            self.write_blocks(binding, first, last, |block: &mut [MaybeUninit<T>], first| {
                // Places as numbers are counted rather than converted, which takes longer and is as exact.
                let mut places: [f64; SIDE_BY_SIDE] = std::array::from_fn(|at| (first + at) as f64);
                let mut groups = block.chunks_exact_mut(SIDE_BY_SIDE);
                for group in &mut groups {
                    for (element, place) in group.iter_mut().zip(&mut places) {
                        element.write(value(start, step, *place));
                        *place += SIDE_BY_SIDE as f64;
                    }
                }
                for (element, place) in groups.into_remainder().iter_mut().zip(places) {
                    element.write(value(start, step, place));
                }
            });
        }
    }

    /// Has `fill` write the elements from one on, block by block.
    #[inline(always)]
    unsafe fn write_blocks<T: Element>(
        &self,
        binding: &Binding,
        first: usize,
        last: usize,
        fill: impl Fn(&mut [MaybeUninit<T>], usize),
    ) {
        let base = binding.bases[0];
        let make = |block: *mut u8, first: usize, count: usize| {
            // SAFETY: the block is aligned and has room for `count` elements.
            fill(unsafe { std::slice::from_raw_parts_mut(block.cast(), count) }, first);
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
