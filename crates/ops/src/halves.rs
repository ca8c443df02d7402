//! Half precision numbers to single precision ones and back: one at a time, and many at once.

use crate::isa::Level;
use half::f16;
use std::mem::MaybeUninit;

/// Two to the power 112: the distance between the exponent biases of single and half precision.
const BIAS: f32 = f32::from_bits((127 + 112) << 23);

/// The single precision value of a half, without branches so that loops over it vectorise.
#[inline(always)]
pub(crate) fn half_to_single(half: f16) -> f32 {
    let bits = half.to_bits() as u32;
    let magnitude = (bits & 0x7fff) << 13;
    let finite = (f32::from_bits(magnitude) * BIAS).to_bits();
    let special = magnitude | 0x7f80_0000;
    let magnitude = if magnitude >= 0x7c00 << 13 { special } else { finite };
    f32::from_bits(magnitude | (bits & 0x8000) << 16)
}

/// The half nearest to a single precision value, ties to even, without branches so that loops over it vectorise.
///
/// A finite value that becomes infinite raises the overflow flag: the product with `BIAS` overflows just then.
#[inline(always)]
pub(crate) fn single_to_half(single: f32) -> f16 {
    let bits = single.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let rounded = magnitude.wrapping_add(0xfff + ((magnitude >> 13) & 1));
    // The largest numbers round to infinity here already, which would hide their overflow.
    let probe = if magnitude >= 0x7f7f_f000 { magnitude } else { rounded & 0x7fff_e000 };
    let scaled = f32::from_bits(probe) * BIAS;
    let normal = (rounded >> 13).wrapping_sub(112 << 10);
    let small = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let mut half = if magnitude < 113 << 23 { small } else { normal };
    half = if scaled.to_bits() == 0x7f80_0000 { 0x7c00 } else { half };
    half = if magnitude > 0x7f80_0000 { 0x7e00 | ((magnitude >> 13) & 0x3ff) } else { half };
    f16::from_bits((half | (bits >> 16) & 0x8000) as u16)
}

/// The single precision values of as many halves.
pub(crate) fn widen(halves: &[f16], singles: &mut [MaybeUninit<f32>]) {
    #[cfg(target_arch = "x86_64")]
    if Level::detected() >= Level::V3 {
        // SAFETY: the level has the instructions.
        return unsafe { by_instruction::widen(halves, singles) };
    }
    for (single, half) in singles.iter_mut().zip(halves) {
        single.write(half_to_single(*half));
    }
}

/// The halves nearest to as many single precision values. The floating point status afterwards means nothing.
pub(crate) fn narrow(singles: &[f32], halves: &mut [MaybeUninit<f16>]) {
    #[cfg(target_arch = "x86_64")]
    if Level::detected() >= Level::V3 {
        // SAFETY: the level has the instructions.
        return unsafe { by_instruction::narrow(singles, halves) };
    }
    for (half, single) in halves.iter_mut().zip(singles) {
        half.write(single_to_half(*single));
    }
}

/// The instructions of F16C, which round as the functions above do: but for a signalling NaN, which becomes quiet when
/// it is widened rather than when it is narrowed.
#[cfg(target_arch = "x86_64")]
mod by_instruction {
    use super::{half_to_single, single_to_half};
    use half::f16;
    use std::arch::x86_64::{
        _MM_FROUND_TO_NEAREST_INT, _mm_loadu_si128, _mm_storeu_si128, _mm256_cvtph_ps, _mm256_cvtps_ph,
        _mm256_loadu_ps, _mm256_storeu_ps,
    };
    use std::mem::MaybeUninit;

    #[target_feature(enable = "avx,f16c")]
    pub(super) fn widen(halves: &[f16], singles: &mut [MaybeUninit<f32>]) {
        let (eights, rest) = halves.as_chunks::<8>();
        let (wide, wide_rest) = singles.as_chunks_mut::<8>();
        for (eight, wide) in eights.iter().zip(wide) {
            // SAFETY: both hold eight elements, and need not be aligned.
            unsafe {
                let numbers = _mm256_cvtph_ps(_mm_loadu_si128(eight.as_ptr().cast()));
                _mm256_storeu_ps(wide.as_mut_ptr().cast(), numbers);
            }
        }
        for (half, single) in rest.iter().zip(wide_rest) {
            single.write(half_to_single(*half));
        }
    }

    #[target_feature(enable = "avx,f16c")]
    pub(super) fn narrow(singles: &[f32], halves: &mut [MaybeUninit<f16>]) {
        let (eights, rest) = singles.as_chunks::<8>();
        let (narrow, narrow_rest) = halves.as_chunks_mut::<8>();
        for (eight, narrow) in eights.iter().zip(narrow) {
            // SAFETY: as above.
            unsafe {
                let numbers = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(eight.as_ptr()));
                _mm_storeu_si128(narrow.as_mut_ptr().cast(), numbers);
            }
        }
        for (single, half) in rest.iter().zip(narrow_rest) {
            half.write(single_to_half(*single));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{half_to_single, narrow, single_to_half, widen};
    use half::f16;
    use std::mem::MaybeUninit;

    /// Checks that many at once are converted as each of them alone, but for signalling NaNs.
    fn check(singles: &[f32]) {
        let mut halves = vec![MaybeUninit::new(f16::ZERO); singles.len()];
        narrow(singles, &mut halves);
        // SAFETY: they were initialised above.
        let halves: Vec<f16> = halves.iter().map(|half| unsafe { half.assume_init() }).collect();
        for (single, half) in singles.iter().zip(&halves) {
            assert_eq!(half.to_bits(), single_to_half(*single).to_bits(), "{single:e}");
        }
        let mut wide = vec![MaybeUninit::new(0f32); halves.len()];
        widen(&halves, &mut wide);
        for (half, single) in halves.iter().zip(&wide) {
            // SAFETY: they were initialised above.
            let single = unsafe { single.assume_init() };
            assert_eq!(single.to_bits(), half_to_single(*half).to_bits(), "{half:e}");
        }
    }

    #[test]
    fn many_at_once_are_as_each_alone() {
        let neighbours = |bits: u32| [bits.wrapping_sub(1), bits, bits.wrapping_add(1)].map(f32::from_bits);
        // Every half, the middle between it and the next, and what is next to both.
        let halves = (0..1 << 16).map(|bits| half_to_single(f16::from_bits(bits as u16)).to_bits());
        let near: Vec<f32> = halves
            .flat_map(|bits| [neighbours(bits), neighbours(bits.wrapping_add(1 << 12))])
            .flatten()
            .collect();
        check(&near);
        let spread: Vec<f32> = (0..=u32::MAX).step_by(4093).map(f32::from_bits).collect();
        check(&spread);
    }
}
