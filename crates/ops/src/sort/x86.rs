//! Vectors of AVX-512 as quicksort uses them.

use super::quick::Vector;
use std::arch::x86_64::*;

/// The lanes' numbers with some bits turned over: which lane each gets when lanes change places in pairs.
const fn crossed<const LANES: usize>(bits: usize) -> [u32; LANES] {
    let mut lanes = [0; LANES];
    let mut at = 0;
    while at < LANES {
        lanes[at] = (at ^ bits) as u32;
        at += 1;
    }
    lanes
}

/// The lanes that are the upper ones of their pairs.
const fn upper<const LANES: usize>(bits: usize) -> u16 {
    let mut mask = 0;
    let mut at = 0;
    while at < LANES {
        if at ^ bits < at {
            mask |= 1 << at;
        }
        at += 1;
    }
    mask
}

/// A vector and its lane, and the names of its instructions.
macro_rules! vector {
    ($name:ident: $raw:ty, $lanes:literal of $lane:ty, $last:expr, $mask:ty, $splat:ident, $load:ident, $store:ident,
     $some:ident, $store_some:ident, $min:ident, $max:ident, $mask_max:ident, $compare:ident $less:literal,
     $compress:ident, $permute:ident, $indices:ident, $to_words:expr, $from_words:expr, $transpose:ident) => {
        /// A vector of such lanes.
        #[derive(Clone, Copy)]
        pub(super) struct $name($raw);

        impl Vector for $name {
            type Lane = $lane;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn splat(lane: $lane) -> Self {
                // SAFETY: the caller vouches for the level.
                Self(unsafe { $splat(lane as _) })
            }

            #[inline(always)]
            unsafe fn load(from: *const $lane) -> Self {
                // SAFETY: as above, and for the elements.
                Self(unsafe { $load(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $lane) {
                // SAFETY: as above.
                unsafe { $store(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn load_first(from: *const $lane, count: usize) -> Self {
                let mask = (1u32 << count).wrapping_sub(1) as $mask;
                // SAFETY: as above; lanes that are masked out are not read.
                Self(unsafe { $some($splat($last as _), mask, from.cast()) })
            }

            #[inline(always)]
            unsafe fn store_first(self, to: *mut $lane, count: usize) {
                let mask = (1u32 << count).wrapping_sub(1) as $mask;
                // SAFETY: as above; lanes that are masked out are not written.
                unsafe { $store_some(to.cast(), mask, self.0) }
            }

            #[inline(always)]
            unsafe fn least(self, other: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $min(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn most(self, other: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $max(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn less(self, other: Self) -> u16 {
                // SAFETY: as above.
                unsafe { $compare::<$less>(self.0, other.0) as u16 }
            }

            #[inline(always)]
            unsafe fn compressed(self, mask: u16) -> Self {
                // SAFETY: as above.
                Self(unsafe { $compress(mask as $mask, self.0) })
            }

            #[inline(always)]
            unsafe fn crossed<const BITS: usize>(self) -> Self {
                // SAFETY: as above; there are as many indices as lanes.
                Self(unsafe { $permute($indices(const { &crossed::<$lanes>(BITS) }), self.0) })
            }

            #[inline(always)]
            unsafe fn ordered<const BITS: usize>(self) -> Self {
                // SAFETY: as above.
                unsafe {
                    let other = self.crossed::<BITS>().0;
                    let low = $min(self.0, other);
                    Self($mask_max(low, const { upper::<$lanes>(BITS) } as $mask, self.0, other))
                }
            }

            #[inline(always)]
            unsafe fn transpose(vectors: &mut [Self]) {
                // SAFETY: as above; words are the same bits.
                unsafe {
                    let mut words = [$to_words(vectors[0].0); $lanes];
                    for (word, vector) in words.iter_mut().zip(vectors.iter()) {
                        *word = $to_words(vector.0);
                    }
                    $transpose(&mut words);
                    for (vector, word) in vectors.iter_mut().zip(words) {
                        vector.0 = $from_words(word);
                    }
                }
            }
        }
    };
}

#[inline(always)]
fn same(words: __m512i) -> __m512i {
    words
}

/// Transposes four vectors of four parts of 128 bits.
#[inline(always)]
unsafe fn transpose_quarters(v: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the caller vouches for the level.
    unsafe {
        let even = [_mm512_shuffle_i64x2::<0x88>(v[0], v[1]), _mm512_shuffle_i64x2::<0x88>(v[2], v[3])];
        let odd = [_mm512_shuffle_i64x2::<0xdd>(v[0], v[1]), _mm512_shuffle_i64x2::<0xdd>(v[2], v[3])];
        [
            _mm512_shuffle_i64x2::<0x88>(even[0], even[1]),
            _mm512_shuffle_i64x2::<0x88>(odd[0], odd[1]),
            _mm512_shuffle_i64x2::<0xdd>(even[0], even[1]),
            _mm512_shuffle_i64x2::<0xdd>(odd[0], odd[1]),
        ]
    }
}

/// Transposes eight vectors of eight lanes; lines come in any order.
#[inline(always)]
unsafe fn transpose_wide(v: &mut [__m512i; 8]) {
    // SAFETY: the caller vouches for the level.
    unsafe {
        let low = |at: usize| _mm512_unpacklo_epi64(v[2 * at], v[2 * at + 1]);
        let high = |at: usize| _mm512_unpackhi_epi64(v[2 * at], v[2 * at + 1]);
        let even = transpose_quarters([low(0), low(1), low(2), low(3)]);
        let odd = transpose_quarters([high(0), high(1), high(2), high(3)]);
        v[..4].copy_from_slice(&even);
        v[4..].copy_from_slice(&odd);
    }
}

/// Transposes sixteen vectors of sixteen lanes; lines come in any order.
#[inline(always)]
unsafe fn transpose_narrow(v: &mut [__m512i; 16]) {
    // SAFETY: the caller vouches for the level.
    unsafe {
        let old = *v;
        let low = |at: usize| _mm512_unpacklo_epi32(old[2 * at], old[2 * at + 1]);
        let high = |at: usize| _mm512_unpackhi_epi32(old[2 * at], old[2 * at + 1]);
        let first = |at: usize| _mm512_unpacklo_epi64(low(2 * at), low(2 * at + 1));
        let second = |at: usize| _mm512_unpackhi_epi64(low(2 * at), low(2 * at + 1));
        let third = |at: usize| _mm512_unpacklo_epi64(high(2 * at), high(2 * at + 1));
        let fourth = |at: usize| _mm512_unpackhi_epi64(high(2 * at), high(2 * at + 1));
        v[..4].copy_from_slice(&transpose_quarters([first(0), first(1), first(2), first(3)]));
        v[4..8].copy_from_slice(&transpose_quarters([second(0), second(1), second(2), second(3)]));
        v[8..12].copy_from_slice(&transpose_quarters([third(0), third(1), third(2), third(3)]));
        v[12..].copy_from_slice(&transpose_quarters([fourth(0), fourth(1), fourth(2), fourth(3)]));
    }
}

#[inline(always)]
unsafe fn narrow(indices: &[u32; 16]) -> __m512i {
    // SAFETY: there are sixteen indices; the caller vouches for the level.
    unsafe { _mm512_loadu_si512(indices.as_ptr().cast()) }
}

#[inline(always)]
unsafe fn wide(indices: &[u32; 8]) -> __m512i {
    // SAFETY: there are eight indices; the caller vouches for the level.
    unsafe { _mm512_cvtepu32_epi64(_mm256_loadu_si256(indices.as_ptr().cast())) }
}

#[inline(always)]
unsafe fn load_words(from: *const __m512i) -> __m512i {
    // SAFETY: the caller vouches for the elements.
    unsafe { _mm512_loadu_si512(from) }
}

#[inline(always)]
unsafe fn store_words(to: *mut __m512i, words: __m512i) {
    // SAFETY: the caller vouches for the elements.
    unsafe { _mm512_storeu_si512(to, words) }
}

vector!(I64x8: __m512i, 8 of i64, i64::MAX, __mmask8, _mm512_set1_epi64, load_words, store_words,
    _mm512_mask_loadu_epi64, _mm512_mask_storeu_epi64, _mm512_min_epi64, _mm512_max_epi64, _mm512_mask_max_epi64,
    _mm512_cmp_epi64_mask 1, _mm512_maskz_compress_epi64, _mm512_permutexvar_epi64, wide, same, same, transpose_wide);
vector!(U64x8: __m512i, 8 of u64, u64::MAX, __mmask8, _mm512_set1_epi64, load_words, store_words,
    _mm512_mask_loadu_epi64, _mm512_mask_storeu_epi64, _mm512_min_epu64, _mm512_max_epu64, _mm512_mask_max_epu64,
    _mm512_cmp_epu64_mask 1, _mm512_maskz_compress_epi64, _mm512_permutexvar_epi64, wide, same, same, transpose_wide);
vector!(F64x8: __m512d, 8 of f64, f64::INFINITY, __mmask8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd,
    _mm512_mask_loadu_pd, _mm512_mask_storeu_pd, _mm512_min_pd, _mm512_max_pd, _mm512_mask_max_pd,
    _mm512_cmp_pd_mask 17, _mm512_maskz_compress_pd, _mm512_permutexvar_pd, wide, _mm512_castpd_si512, _mm512_castsi512_pd, transpose_wide);
vector!(I32x16: __m512i, 16 of i32, i32::MAX, __mmask16, _mm512_set1_epi32, load_words, store_words,
    _mm512_mask_loadu_epi32, _mm512_mask_storeu_epi32, _mm512_min_epi32, _mm512_max_epi32, _mm512_mask_max_epi32,
    _mm512_cmp_epi32_mask 1, _mm512_maskz_compress_epi32, _mm512_permutexvar_epi32, narrow, same, same, transpose_narrow);
vector!(U32x16: __m512i, 16 of u32, u32::MAX, __mmask16, _mm512_set1_epi32, load_words, store_words,
    _mm512_mask_loadu_epi32, _mm512_mask_storeu_epi32, _mm512_min_epu32, _mm512_max_epu32, _mm512_mask_max_epu32,
    _mm512_cmp_epu32_mask 1, _mm512_maskz_compress_epi32, _mm512_permutexvar_epi32, narrow, same, same, transpose_narrow);
vector!(F32x16: __m512, 16 of f32, f32::INFINITY, __mmask16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps,
    _mm512_mask_loadu_ps, _mm512_mask_storeu_ps, _mm512_min_ps, _mm512_max_ps, _mm512_mask_max_ps,
    _mm512_cmp_ps_mask 17, _mm512_maskz_compress_ps, _mm512_permutexvar_ps, narrow, _mm512_castps_si512, _mm512_castsi512_ps, transpose_narrow);
