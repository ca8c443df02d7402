//! The same with AVX-512: eight places of a stream in a vector, and several vectors side by side.

use super::{
    DXSM, Jump, Number, PHILOX, Pcg64, Pcg64Dxsm, ROUNDS, Range, Stepping, WEYL, counter_at, philox_block,
    start,
};
use std::arch::x86_64::*;
use std::slice;

/// Vectors that step side by side.
const VECTORS: usize = 4;
/// Places of a stream in them.
const PLACES: usize = 8 * VECTORS;

/// What a word becomes in a vector of eight.
pub(super) trait Lanes: Number {
    /// Stores the numbers of eight words.
    ///
    /// # Safety
    /// There must be room for as many, and the processor must have AVX-512.
    unsafe fn store(words: __m512i, to: *mut u8);
}

impl Lanes for f64 {
    #[inline(always)]
    unsafe fn store(words: __m512i, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let numbers = _mm512_cvtepu64_pd(_mm512_srli_epi64::<11>(words));
            let scale = _mm512_set1_pd(1.0 / (1u64 << 53) as f64);
            _mm512_storeu_pd(to.cast(), _mm512_mul_pd(numbers, scale));
        }
    }
}

impl Lanes for f32 {
    /// The halves of a word lie in the order of their numbers.
    #[inline(always)]
    unsafe fn store(words: __m512i, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let numbers = _mm512_cvtepi32_ps(_mm512_srli_epi32::<8>(words));
            let scale = _mm512_set1_ps(1.0 / (1u32 << 24) as f32);
            _mm512_storeu_ps(to.cast(), _mm512_mul_ps(numbers, scale));
        }
    }
}

/// Both words of eight products of 64 bits, the lower first; `by` is the same in all, with its upper half apart.
#[inline(always)]
unsafe fn product(a: __m512i, by: __m512i, by_upper: __m512i) -> (__m512i, __m512i) {
    // SAFETY: the processor has AVX-512, which is the caller's promise.
    unsafe {
        let lower = _mm512_set1_epi64(0xFFFF_FFFF);
        let upper = _mm512_srli_epi64::<32>(a);
        let (ll, lh) = (_mm512_mul_epu32(a, by), _mm512_mul_epu32(a, by_upper));
        let (hl, hh) = (_mm512_mul_epu32(upper, by), _mm512_mul_epu32(upper, by_upper));
        // Neither sum can overflow: a product of halves is at most (2^32 - 1)^2.
        let middle = _mm512_add_epi64(lh, _mm512_srli_epi64::<32>(ll));
        let other = _mm512_add_epi64(hl, _mm512_and_si512(middle, lower));
        let high = _mm512_add_epi64(hh, _mm512_srli_epi64::<32>(middle));
        let low = _mm512_mask_blend_epi32(0xAAAA, ll, _mm512_slli_epi64::<32>(other));
        (low, _mm512_add_epi64(high, _mm512_srli_epi64::<32>(other)))
    }
}

/// A word in all places.
#[inline(always)]
unsafe fn all(word: u64) -> __m512i {
    // SAFETY: the processor has AVX-512, which is the caller's promise.
    unsafe { _mm512_set1_epi64(word as i64) }
}

/// A jump that all places make at once.
#[derive(Clone, Copy)]
struct Wide {
    multiplier: [__m512i; 2],
    upper: __m512i,
    increment: [__m512i; 2],
}

impl Wide {
    #[inline(always)]
    unsafe fn new(jump: Jump) -> Wide {
        // SAFETY: the caller's promise.
        unsafe {
            let halves = |number: u128| [all(number as u64), all((number >> 64) as u64)];
            let multiplier = halves(jump.multiplier);
            let upper = _mm512_srli_epi64::<32>(multiplier[0]);
            Wide { multiplier, upper, increment: halves(jump.increment) }
        }
    }

    /// The numbers after it, both by their words, the lower first.
    #[inline(always)]
    unsafe fn of_numbers(&self, [low, high]: [__m512i; 2]) -> [__m512i; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let (next, carried) = product(low, self.multiplier[0], self.upper);
            let crossed = _mm512_add_epi64(
                _mm512_mullo_epi64(low, self.multiplier[1]),
                _mm512_mullo_epi64(high, self.multiplier[0]),
            );
            let sum = _mm512_add_epi64(next, self.increment[0]);
            let over = _mm512_cmplt_epu64_mask(sum, next);
            let upper = _mm512_add_epi64(_mm512_add_epi64(carried, crossed), self.increment[1]);
            [sum, _mm512_mask_sub_epi64(upper, over, upper, _mm512_set1_epi64(-1))]
        }
    }
}

/// Scrambling in vectors.
pub(super) trait Scrambling: Stepping {
    /// # Safety
    /// The processor must have AVX-512.
    unsafe fn scrambled_wide(numbers: [__m512i; 2]) -> __m512i;
}

impl Scrambling for Pcg64 {
    #[inline(always)]
    unsafe fn scrambled_wide([low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_rorv_epi64(_mm512_xor_si512(low, high), _mm512_srli_epi64::<58>(high)) }
    }
}

impl Scrambling for Pcg64Dxsm {
    #[inline(always)]
    unsafe fn scrambled_wide([low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            let high = _mm512_xor_si512(high, _mm512_srli_epi64::<32>(high));
            let high = _mm512_mullo_epi64(high, all(DXSM));
            let high = _mm512_xor_si512(high, _mm512_srli_epi64::<48>(high));
            _mm512_mullo_epi64(high, _mm512_or_si512(low, all(1)))
        }
    }
}

/// Draws from a generator that steps.
#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
pub(super) unsafe fn stepped<N: Lanes, S: Scrambling>(
    state: *const u64,
    first: usize,
    n: usize,
    to: *mut u8,
) {
    // SAFETY: the caller's promise.
    let (state, mut range) = unsafe { (slice::from_raw_parts(state, 4), Range::<N>::new(first, n, to)) };
    let (step, mut number) = start::<S>(state, range.word());
    if range.is_within() {
        range.put(S::scrambled(number));
        number = step.of_number(number);
    }
    let rounds = range.whole() / PLACES;
    if rounds >= 2 {
        let (mut lows, mut highs) = ([0u64; PLACES], [0u64; PLACES]);
        for (low, high) in lows.iter_mut().zip(&mut highs) {
            (*low, *high) = (number as u64, (number >> 64) as u64);
            number = step.of_number(number);
        }
        let now = range.take_words(rounds * PLACES);
        // SAFETY: the arrays have as many words as are loaded, and each round stores the numbers of as many words as there are
        // places.
        unsafe {
            let load = |words: &[u64; PLACES], at: usize| _mm512_loadu_si512(words[8 * at..].as_ptr().cast());
            let mut numbers: [[__m512i; 2]; VECTORS] =
                std::array::from_fn(|at| [load(&lows, at), load(&highs, at)]);
            let jump = Wide::new(step.times(PLACES as u64));
            let mut to = now.as_mut_ptr().cast::<u8>();
            for _ in 0..rounds {
                for numbers in &mut numbers {
                    N::store(S::scrambled_wide(*numbers), to);
                    *numbers = jump.of_numbers(*numbers);
                    to = to.add(8 * N::EACH * size_of::<N>());
                }
            }
        }
        number = step.times((rounds as u64 - 1) * PLACES as u64).of_number(number);
    }
    while !range.to.is_empty() {
        range.put(S::scrambled(number));
        number = step.of_number(number);
    }
}

/// Draws from Philox, eight blocks at a time.
#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
pub(super) unsafe fn philox<N: Lanes>(state: *const u64, first: usize, n: usize, to: *mut u8) {
    // SAFETY: the caller's promise.
    let (state, mut range) = unsafe { (slice::from_raw_parts(state, 7), Range::<N>::new(first, n, to)) };
    let key = [state[4], state[5]];
    let at = state[6] as usize + range.word();
    let (mut block, mut skipped) = ((at / 4) as u64, at % 4);
    while !range.to.is_empty() {
        if skipped == 0 && range.whole() >= 32 {
            let counter = counter_at(state, block);
            // The upper words of the counter are the same in all eight unless the lowest one begins again.
            if counter[0] < u64::MAX - 8 {
                // SAFETY: there is room for the numbers of 32 words.
                unsafe { eight_blocks::<N>(counter, key, range.take_words(32).as_mut_ptr().cast()) };
                block += 8;
                continue;
            }
        }
        for &word in &philox_block(counter_at(state, block), key)[skipped..] {
            range.put(word);
        }
        (block, skipped) = (block + 1, 0);
    }
}

#[inline(always)]
unsafe fn eight_blocks<N: Lanes>(counter: [u64; 4], key: [u64; 2], to: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut a = _mm512_add_epi64(all(counter[0]), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
        let [mut b, mut c, mut d] = [all(counter[1]), all(counter[2]), all(counter[3])];
        let [mut first, mut second] = key;
        for _ in 0..ROUNDS {
            let one = product(a, all(PHILOX[0]), all(PHILOX[0] >> 32));
            let other = product(c, all(PHILOX[1]), all(PHILOX[1] >> 32));
            (a, b) = (_mm512_ternarylogic_epi64::<0x96>(other.1, b, all(first)), other.0);
            (c, d) = (_mm512_ternarylogic_epi64::<0x96>(one.1, d, all(second)), one.0);
            (first, second) = (first.wrapping_add(WEYL[0]), second.wrapping_add(WEYL[1]));
        }
        // Words of a block lie side by side: pairs of words first, then pairs of pairs, of two blocks each.
        let (even, odd) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        let (even2, odd2) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
        let halves = |low: __m512i, high: __m512i| {
            let places = |from: i64| {
                _mm512_set_epi64(from + 11, from + 10, from + 3, from + 2, from + 9, from + 8, from + 1, from)
            };
            [_mm512_permutex2var_epi64(low, places(0), high), _mm512_permutex2var_epi64(low, places(4), high)]
        };
        let (evens, odds) = (halves(even, even2), halves(odd, odd2));
        let bytes = 8 * N::EACH * size_of::<N>();
        for (at, (even, odd)) in evens.into_iter().zip(odds).enumerate() {
            // Blocks 4 * at and on: the even ones hold the first and the third, the odd ones the second and the fourth.
            let first = _mm512_shuffle_i64x2::<0x44>(even, odd);
            let second = _mm512_shuffle_i64x2::<0xEE>(even, odd);
            N::store(first, to.add(2 * at * bytes));
            N::store(second, to.add((2 * at + 1) * bytes));
        }
    }
}
