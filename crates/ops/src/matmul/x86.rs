//! Vectors of x86-64 with fused multiply-adds.

use super::vector::Vector;
use std::arch::x86_64::*;

/// The operations that differ only by their names. Partial loads and stores are given.
macro_rules! vector {
    ($vector:ty: $lanes:literal of $lane:ty, $zero:ident $splat:ident $load:ident $store:ident $plus_product:ident
     $minus_product:ident $plus:ident $times:ident, $($part:item)*) => {
        impl Vector for $vector {
            type Lane = $lane;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: callers are compiled for processors that have these instructions, as in all that follows.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn splat(from: *const $lane) -> Self {
                // SAFETY: the caller promises a number there.
                unsafe { $splat(from.read_unaligned()) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $lane) -> Self {
                // SAFETY: the caller promises as many numbers.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $lane) {
                // SAFETY: the caller promises room.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $plus_product(a, b, self) }
            }
            #[inline(always)]
            unsafe fn minus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $minus_product(a, b, self) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { $plus(self, other) }
            }
            #[inline(always)]
            unsafe fn times(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { $times(self, other) }
            }
            $(#[inline(always)] $part)*
        }
    };
}

/// A vector of integers, which the processor's types do not tell apart.
macro_rules! integers {
    ($name:ident: $vector:ty, $lanes:literal of $lane:ty, $zero:ident $splat:ident $load:ident $store:ident $times:ident
     $plus:ident $minus:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name($vector);

        impl Vector for $name {
            type Lane = $lane;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: callers are compiled for processors that have these instructions, as in all that follows.
                unsafe { Self($zero()) }
            }
            #[inline(always)]
            unsafe fn splat(from: *const $lane) -> Self {
                // SAFETY: the caller promises a number there.
                unsafe { Self($splat(from.read_unaligned())) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $lane) -> Self {
                // SAFETY: the caller promises as many numbers.
                unsafe { Self($load(from.cast())) }
            }
            #[inline(always)]
            unsafe fn load_part(from: *const $lane, count: usize) -> Self {
                let mut lanes: [$lane; $lanes] = [0; $lanes];
                // SAFETY: the caller promises `count` numbers.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        from.cast::<u8>(),
                        lanes.as_mut_ptr().cast(),
                        count * size_of::<$lane>(),
                    );
                    Self::load(lanes.as_ptr())
                }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $lane) {
                // SAFETY: the caller promises room.
                unsafe { $store(to.cast(), self.0) }
            }
            #[inline(always)]
            unsafe fn store_part(self, to: *mut $lane, count: usize) {
                let mut lanes: [$lane; $lanes] = [0; $lanes];
                // SAFETY: the caller promises room for `count` numbers.
                unsafe {
                    self.store(lanes.as_mut_ptr());
                    std::ptr::copy_nonoverlapping(
                        lanes.as_ptr().cast(),
                        to.cast::<u8>(),
                        count * size_of::<$lane>(),
                    );
                }
            }
            #[inline(always)]
            unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { Self($plus(self.0, $times(a.0, b.0))) }
            }
            #[inline(always)]
            unsafe fn minus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { Self($minus(self.0, $times(a.0, b.0))) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { Self($plus(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn times(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { Self($times(self.0, other.0)) }
            }
        }
    };
}

integers!(I64x8: __m512i, 8 of i64, _mm512_setzero_si512 _mm512_set1_epi64 _mm512_loadu_epi64 _mm512_storeu_epi64
    _mm512_mullo_epi64 _mm512_add_epi64 _mm512_sub_epi64);
integers!(I32x16: __m512i, 16 of i32, _mm512_setzero_si512 _mm512_set1_epi32 _mm512_loadu_epi32 _mm512_storeu_epi32
    _mm512_mullo_epi32 _mm512_add_epi32 _mm512_sub_epi32);
integers!(I16x32: __m512i, 32 of i16, _mm512_setzero_si512 _mm512_set1_epi16 _mm512_loadu_epi16 _mm512_storeu_epi16
    _mm512_mullo_epi16 _mm512_add_epi16 _mm512_sub_epi16);
integers!(I32x8: __m256i, 8 of i32, _mm256_setzero_si256 _mm256_set1_epi32 _mm256_loadu_si256 _mm256_storeu_si256
    _mm256_mullo_epi32 _mm256_add_epi32 _mm256_sub_epi32);
integers!(I16x16: __m256i, 16 of i16, _mm256_setzero_si256 _mm256_set1_epi16 _mm256_loadu_si256 _mm256_storeu_si256
    _mm256_mullo_epi16 _mm256_add_epi16 _mm256_sub_epi16);

vector! {
    __m512d: 8 of f64, _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd
    _mm512_fnmadd_pd _mm512_add_pd _mm512_mul_pd,
    unsafe fn load_part(from: *const f64, count: usize) -> Self {
        // SAFETY: the caller promises `count` numbers, at least one; no other is read.
        unsafe { _mm512_mask_loadu_pd(Self::splat(from), ((1u16 << count) - 1) as u8, from) }
    }
    unsafe fn store_part(self, to: *mut f64, count: usize) {
        // SAFETY: the caller promises room for `count` numbers; nothing else is written.
        unsafe { _mm512_mask_storeu_pd(to, ((1u16 << count) - 1) as u8, self) }
    }
}

vector! {
    __m512: 16 of f32, _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps
    _mm512_fnmadd_ps _mm512_add_ps _mm512_mul_ps,
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller promises `count` numbers, at least one; no other is read.
        unsafe { _mm512_mask_loadu_ps(Self::splat(from), ((1u32 << count) - 1) as u16, from) }
    }
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        // SAFETY: the caller promises room for `count` numbers; nothing else is written.
        unsafe { _mm512_mask_storeu_ps(to, ((1u32 << count) - 1) as u16, self) }
    }
}

vector! {
    __m256d: 4 of f64, _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd
    _mm256_fnmadd_pd _mm256_add_pd _mm256_mul_pd,
    unsafe fn load_part(from: *const f64, count: usize) -> Self {
        // SAFETY: the caller promises `count` numbers, at least one; no other is read. The mask lies in the table.
        unsafe {
            let mask = _mm256_loadu_si256(MASKS_OF_4.as_ptr().add(4 - count).cast());
            _mm256_blendv_pd(Self::splat(from), _mm256_maskload_pd(from, mask), _mm256_castsi256_pd(mask))
        }
    }
    unsafe fn store_part(self, to: *mut f64, count: usize) {
        // SAFETY: the caller promises room for `count` numbers; nothing else is written. The mask lies in the table.
        unsafe {
            let mask = _mm256_loadu_si256(MASKS_OF_4.as_ptr().add(4 - count).cast());
            _mm256_maskstore_pd(to, mask, self);
        }
    }
}

vector! {
    __m256: 8 of f32, _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps
    _mm256_fnmadd_ps _mm256_add_ps _mm256_mul_ps,
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller promises `count` numbers, at least one; no other is read. The mask lies in the table.
        unsafe {
            let mask = _mm256_loadu_si256(MASKS_OF_8.as_ptr().add(8 - count).cast());
            _mm256_blendv_ps(Self::splat(from), _mm256_maskload_ps(from, mask), _mm256_castsi256_ps(mask))
        }
    }
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        // SAFETY: the caller promises room for `count` numbers; nothing else is written. The mask lies in the table.
        unsafe {
            let mask = _mm256_loadu_si256(MASKS_OF_8.as_ptr().add(8 - count).cast());
            _mm256_maskstore_ps(to, mask, self);
        }
    }
}

/// From position `4 - count` on, `count` lanes that are taken and then ones that are not.
static MASKS_OF_4: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];
/// From position `8 - count` on, `count` lanes that are taken and then ones that are not.
static MASKS_OF_8: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
