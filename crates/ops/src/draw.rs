//! Random numbers: what bit generators give at any position of their streams, and the doubles and singles made of it.
//!
//! A stream is a line of words of 64 bits. A double takes the upper 53 bits of a word, and a single the upper 24 of half a
//! word, the lower half first, as in NumPy. No word depends on the one before it in a way that would take as many steps as
//! there are words between them, so a range of a stream begins anywhere:
//!
//! * *Philox4x64-10* enciphers a counter of 256 bits into four words (Salmon et al., *Parallel Random Numbers: As Easy as
//!   1, 2, 3*, SC'11).
//! * *PCG64* and *PCG64DXSM* step a number of 128 bits, `state * multiplier + increment`, and scramble it to a word
//!   (O'Neill, *PCG*, 2014). Any number of steps is a step of that form too, a [`Jump`], found by squaring. So many
//!   places of one stream go on side by side, each by as many steps as there are places.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::dtype::Dtype;
use crate::isa::{Level, versions};
use crate::scalar::Scalar;
use std::mem::{MaybeUninit, take};
use std::slice;

#[cfg(not(target_arch = "x86_64"))]
use self::Number as Drawable;
#[cfg(target_arch = "x86_64")]
use self::x86::Lanes as Drawable;

/// A bit generator of NumPy's that is drawn from at any position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitGenerator {
    /// `numpy.random.Philox`. Its state: the counter, four words from the lowest; the key, two words; and how many words
    /// of the counter's block are used up, up to four.
    Philox,
    /// `numpy.random.PCG64`. Its state: the number before the next step, the lower word first, and the increment.
    Pcg64,
    /// `numpy.random.PCG64DXSM`, with a state like that of `Pcg64`.
    Pcg64Dxsm,
}

impl BitGenerator {
    /// Every bit generator, in the order of its number.
    pub const ALL: [BitGenerator; 3] = [BitGenerator::Philox, BitGenerator::Pcg64, BitGenerator::Pcg64Dxsm];

    /// NumPy's name.
    pub fn numpy(self) -> &'static str {
        match self {
            BitGenerator::Philox => "Philox",
            BitGenerator::Pcg64 => "PCG64",
            BitGenerator::Pcg64Dxsm => "PCG64DXSM",
        }
    }

    /// How many words its state has.
    pub fn words(self) -> usize {
        match self {
            BitGenerator::Philox => 7,
            BitGenerator::Pcg64 | BitGenerator::Pcg64Dxsm => 4,
        }
    }

    /// What one step multiplies the number by, for those that step.
    pub fn multiplier(self) -> Option<u128> {
        match self {
            BitGenerator::Philox => None,
            BitGenerator::Pcg64 => Some(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645),
            BitGenerator::Pcg64Dxsm => Some(u128::from(DXSM)),
        }
    }
}

/// A step of PCG64DXSM multiplies by it, and so does its scrambling.
const DXSM: u64 = 0xDA94_2042_E4DD_58B5;

/// Draws `n` numbers from the position `first` on: the words of the state, first, n, and where the numbers go, aligned for
/// them.
pub type Draw = unsafe fn(state: *const u64, first: usize, n: usize, to: *mut u8);

/// The loop that draws numbers of a dtype, for this processor; none but for doubles and singles.
pub fn draw(generator: BitGenerator, dtype: Dtype) -> Option<Draw> {
    draw_at(generator, dtype, Level::detected())
}

/// As [`draw`], for an instruction set level that this processor must have.
pub fn draw_at(generator: BitGenerator, dtype: Dtype, level: Level) -> Option<Draw> {
    Some(match dtype {
        Dtype::Float64 => drawing::<f64>(generator, level),
        Dtype::Float32 => drawing::<f32>(generator, level),
        _ => return None,
    })
}

fn drawing<N: Drawable>(generator: BitGenerator, level: Level) -> Draw {
    #[cfg(target_arch = "x86_64")]
    if level == Level::V4 {
        return match generator {
            BitGenerator::Philox => x86::philox::<N>,
            BitGenerator::Pcg64 => x86::stepped::<N, Pcg64>,
            BitGenerator::Pcg64Dxsm => x86::stepped::<N, Pcg64Dxsm>,
        };
    }
    let versions = match generator {
        BitGenerator::Philox => {
            versions!(philox::<N: Number>(state: *const u64, first: usize, n: usize, to: *mut u8))
        }
        BitGenerator::Pcg64 => steps::<N, Pcg64>(),
        BitGenerator::Pcg64Dxsm => steps::<N, Pcg64Dxsm>(),
    };
    versions[level as usize]
}

fn steps<N: Number, S: Stepping>() -> [Draw; 3] {
    versions!(stepped::<N: Number, S: Stepping>(state: *const u64, first: usize, n: usize, to: *mut u8))
}

/// A single number, the slow and obvious way.
pub fn drawn(generator: BitGenerator, dtype: Dtype, state: &[u64], position: usize) -> Option<Scalar> {
    let halves = if dtype == Dtype::Float32 { 2 } else { 1 };
    let at = position / halves;
    let word = match generator {
        BitGenerator::Philox => {
            let at = state[6] as usize + at;
            philox_block(counter_at(state, (at / 4) as u64), [state[4], state[5]])[at % 4]
        }
        BitGenerator::Pcg64 => {
            let number = Jump::of(generator, state)?.times(at as u64 + 1).of_number(two(state));
            Pcg64::scrambled(number)
        }
        BitGenerator::Pcg64Dxsm => {
            let number = Jump::of(generator, state)?.times(at as u64).of_number(two(state));
            Pcg64Dxsm::scrambled(number)
        }
    };
    Some(match dtype {
        Dtype::Float64 => Scalar::new(f64::of_word(word).as_ref()[0]),
        Dtype::Float32 => Scalar::new(f32::of_word(word).as_ref()[position % 2]),
        _ => return None,
    })
}

/// A number of 128 bits of its two words, the lower one first.
fn two(words: &[u64]) -> u128 {
    u128::from(words[0]) | u128::from(words[1]) << 64
}

/// What some steps of a generator do to its number: `number * multiplier + increment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The multiplier.
    pub multiplier: u128,
    /// The increment.
    pub increment: u128,
}

impl Jump {
    /// No step.
    pub const NONE: Jump = Jump { multiplier: 1, increment: 0 };

    /// One step of a generator in a state; nothing if it has no steps.
    pub fn of(generator: BitGenerator, state: &[u64]) -> Option<Jump> {
        Some(Jump { multiplier: generator.multiplier()?, increment: two(&state[2..]) })
    }

    /// The number after it.
    #[inline(always)]
    pub fn of_number(self, number: u128) -> u128 {
        number.wrapping_mul(self.multiplier).wrapping_add(self.increment)
    }

    /// This and then another.
    pub fn then(self, next: Jump) -> Jump {
        Jump {
            multiplier: self.multiplier.wrapping_mul(next.multiplier),
            increment: next.of_number(self.increment),
        }
    }

    /// This so many times.
    pub fn times(self, count: u64) -> Jump {
        let (mut all, mut power, mut rest) = (Jump::NONE, self, count);
        while rest > 0 {
            if rest & 1 == 1 {
                all = all.then(power);
            }
            power = power.then(power);
            rest >>= 1;
        }
        all
    }
}

/// A generator that steps a number.
trait Stepping {
    const GENERATOR: BitGenerator;
    /// Whether a word is made of the number before a step rather than after it.
    const BEFORE: bool;
    fn scrambled(number: u128) -> u64;
}

struct Pcg64;
struct Pcg64Dxsm;

impl Stepping for Pcg64 {
    const GENERATOR: BitGenerator = BitGenerator::Pcg64;
    const BEFORE: bool = false;
    #[inline(always)]
    fn scrambled(number: u128) -> u64 {
        let high = (number >> 64) as u64;
        (high ^ number as u64).rotate_right((high >> 58) as u32)
    }
}

impl Stepping for Pcg64Dxsm {
    const GENERATOR: BitGenerator = BitGenerator::Pcg64Dxsm;
    const BEFORE: bool = true;
    #[inline(always)]
    fn scrambled(number: u128) -> u64 {
        let (low, mut high) = (number as u64 | 1, (number >> 64) as u64);
        high ^= high >> 32;
        high = high.wrapping_mul(DXSM);
        high ^= high >> 48;
        high.wrapping_mul(low)
    }
}

/// The step of a generator, and the number that its word `at` is made of.
fn start<S: Stepping>(state: &[u64], at: usize) -> (Jump, u128) {
    let step = Jump::of(S::GENERATOR, state).expect("it steps");
    let ahead = at as u64 + u64::from(!S::BEFORE);
    (step, step.times(ahead).of_number(two(state)))
}

/// A number made of a word.
trait Number: Copy + 'static {
    /// The numbers of a word.
    type Word: AsRef<[Self]> + Copy;
    /// How many numbers a word makes.
    const EACH: usize;
    fn of_word(word: u64) -> Self::Word;
}

impl Number for f64 {
    type Word = [f64; 1];
    const EACH: usize = 1;
    #[inline(always)]
    fn of_word(word: u64) -> [f64; 1] {
        [(word >> 11) as f64 * (1.0 / (1u64 << 53) as f64)]
    }
}

impl Number for f32 {
    type Word = [f32; 2];
    const EACH: usize = 2;
    #[inline(always)]
    fn of_word(word: u64) -> [f32; 2] {
        [word as u32, (word >> 32) as u32].map(|half| (half >> 8) as f32 * (1.0 / (1u32 << 24) as f32))
    }
}

/// The words of a range of numbers, of which the first and the last may be wanted in part.
struct Range<'a, N> {
    to: &'a mut [MaybeUninit<N>],
    /// The first number.
    first: usize,
}

impl<'a, N: Number> Range<'a, N> {
    /// # Safety
    /// There must be room for `n` numbers, aligned for them.
    #[inline(always)]
    unsafe fn new(first: usize, n: usize, to: *mut u8) -> Range<'a, N> {
        // SAFETY: the caller's promise.
        Range { to: unsafe { slice::from_raw_parts_mut(to.cast(), n) }, first }
    }

    /// The first word.
    #[inline(always)]
    fn word(&self) -> usize {
        self.first / N::EACH
    }

    /// Whether the range begins within a word.
    #[inline(always)]
    fn is_within(&self) -> bool {
        !self.first.is_multiple_of(N::EACH)
    }

    /// How many whole words the range begins with.
    #[inline(always)]
    fn whole(&self) -> usize {
        if self.is_within() { 0 } else { self.to.len() / N::EACH }
    }

    /// The places of the numbers of whole words; the range goes on behind them.
    #[inline(always)]
    fn take_words(&mut self, words: usize) -> &'a mut [MaybeUninit<N>] {
        let count = words * N::EACH;
        let (now, rest) = take(&mut self.to).split_at_mut(count);
        (self.to, self.first) = (rest, self.first + count);
        now
    }

    /// Stores as many numbers of the first word as are wanted, and goes on behind them.
    #[inline(always)]
    fn put(&mut self, word: u64) {
        let numbers = N::of_word(word);
        let numbers = &numbers.as_ref()[self.first % N::EACH..];
        let count = numbers.len().min(self.to.len());
        let (now, rest) = take(&mut self.to).split_at_mut(count);
        for (place, number) in now.iter_mut().zip(numbers) {
            place.write(*number);
        }
        (self.to, self.first) = (rest, self.first + count);
    }
}

/// Stores the numbers of a word.
#[inline(always)]
fn store<N: Number>(word: u64, places: &mut [MaybeUninit<N>]) {
    for (place, number) in places.iter_mut().zip(N::of_word(word).as_ref()) {
        place.write(*number);
    }
}

/// Words of one stream that are made side by side without vectors.
const PLACES: usize = 4;

#[inline(always)]
unsafe fn stepped<N: Number, S: Stepping>(state: *const u64, first: usize, n: usize, to: *mut u8) {
    // SAFETY: the caller's promise.
    let (state, mut range) = unsafe { (slice::from_raw_parts(state, 4), Range::<N>::new(first, n, to)) };
    let (step, mut number) = start::<S>(state, range.word());
    if range.is_within() {
        range.put(S::scrambled(number));
        number = step.of_number(number);
    }
    if range.whole() >= 4 * PLACES {
        let jump = step.times(PLACES as u64);
        let mut numbers = [number; PLACES];
        for at in 1..PLACES {
            numbers[at] = step.of_number(numbers[at - 1]);
        }
        let words = range.whole() / PLACES * PLACES;
        for places in range.take_words(words).chunks_exact_mut(PLACES * N::EACH) {
            for (places, number) in places.chunks_exact_mut(N::EACH).zip(&mut numbers) {
                store(S::scrambled(*number), places);
                *number = jump.of_number(*number);
            }
        }
        number = numbers[0];
    }
    while !range.to.is_empty() {
        range.put(S::scrambled(number));
        number = step.of_number(number);
    }
}

/// What a round of Philox multiplies the first and the third word by.
const PHILOX: [u64; 2] = [0xD2E7_470E_E14C_6C93, 0xCA5A_8263_9512_1157];
/// What is added to the key between rounds.
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];
/// Rounds of Philox.
const ROUNDS: usize = 10;

/// The four words that Philox makes of a counter.
#[inline(always)]
pub fn philox_block(counter: [u64; 4], key: [u64; 2]) -> [u64; 4] {
    let [mut a, mut b, mut c, mut d] = counter;
    let [mut first, mut second] = key;
    for _ in 0..ROUNDS {
        let one = u128::from(PHILOX[0]) * u128::from(a);
        let other = u128::from(PHILOX[1]) * u128::from(c);
        (a, b) = ((other >> 64) as u64 ^ b ^ first, other as u64);
        (c, d) = ((one >> 64) as u64 ^ d ^ second, one as u64);
        (first, second) = (first.wrapping_add(WEYL[0]), second.wrapping_add(WEYL[1]));
    }
    [a, b, c, d]
}

/// The counter of a state so many blocks later.
pub fn counter_at(state: &[u64], blocks: u64) -> [u64; 4] {
    let mut counter = [state[0], state[1], state[2], state[3]];
    let mut carry = blocks;
    for word in &mut counter {
        let (sum, over) = word.overflowing_add(carry);
        (*word, carry) = (sum, u64::from(over));
    }
    counter
}

#[inline(always)]
unsafe fn philox<N: Number>(state: *const u64, first: usize, n: usize, to: *mut u8) {
    // SAFETY: the caller's promise.
    let (state, mut range) = unsafe { (slice::from_raw_parts(state, 7), Range::<N>::new(first, n, to)) };
    let key = [state[4], state[5]];
    let at = state[6] as usize + range.word();
    let mut skipped = at % 4;
    let mut counter = counter_at(state, (at / 4) as u64);
    while !range.to.is_empty() {
        if skipped == 0 {
            for places in range.take_words(range.whole() / 4 * 4).chunks_exact_mut(4 * N::EACH) {
                let block = philox_block(counter, key);
                for (places, word) in places.chunks_exact_mut(N::EACH).zip(block) {
                    store(word, places);
                }
                counter = counter_at(&counter, 1);
            }
        }
        for &word in &philox_block(counter, key)[skipped..] {
            range.put(word);
        }
        (skipped, counter) = (0, counter_at(&counter, 1));
    }
}
