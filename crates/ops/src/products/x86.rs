//! Leaves of several rows at a time with AVX-512: elements of the second factor are loaded once for all of them, their
//! accumulators stay in registers, and their trees share vectors.

use super::TOGETHER;
use crate::fold::LANES;
use crate::isa::AHEAD;
use std::arch::x86_64::*;

/// Leaves whose accumulators fit into the registers.
const AT_A_TIME: usize = 4;

/// So many short leaves ahead are asked for.
const SHORT_AHEAD: isize = 8;

/// Where [`TOGETHER`] leaves find their factors.
#[derive(Clone, Copy)]
struct Rows<T> {
    a: *const T,
    step: isize,
    b: *const T,
    n: usize,
    /// Bytes from what is read first of a leaf to what is asked for then.
    ahead: isize,
}

/// From two vectors, in groups of twice `half` lanes, the lower halves of the groups (the upper ones if `from` is `half`):
/// first those of the one vector, then those of the other.
const fn halves<const WIDTH: usize>(half: usize, from: usize) -> [u64; WIDTH] {
    let mut lanes = [0; WIDTH];
    let mut at = 0;
    while at < WIDTH {
        let (vector, inside) = if at < WIDTH / 2 { (0, at) } else { (WIDTH, at - WIDTH / 2) };
        lanes[at] = (vector + inside / half * 2 * half + inside % half + from) as u64;
        at += 1;
    }
    lanes
}

/// The loops for a type: its vector, lanes of a vector, and the names of its instructions.
macro_rules! leaves {
    ($function:ident: $lane:ty, $vector:ty, $width:literal, $mask:ty, $load:ident, $some:ident, $zero:ident, $multiply:ident,
     $add:ident, $add_some:ident, $permute:ident, $indices:ident) => {
        /// As [`super::LeavesOfProducts`] says.
        ///
        /// # Safety
        /// As it says; the processor must have AVX-512.
        #[target_feature(enable = "avx512f,avx512vl")]
        pub(super) unsafe fn $function(
            out: *mut u8,
            out_step: isize,
            a: *const u8,
            step: isize,
            b: *const u8,
            n: usize,
            count: usize,
        ) {
            const WIDTH: usize = $width;
            const VECTORS: usize = LANES / WIDTH;
            const QUARTER: usize = WIDTH / 4;
            const EIGHTH: usize = WIDTH / 8;

            /// The products of some leaves from one on, as many lanes of each as a vector has.
            #[inline]
            #[target_feature(enable = "avx512f,avx512vl")]
            unsafe fn lanes_of(rows: Rows<$lane>, first: usize) -> [$vector; AT_A_TIME] {
                let a: [*const $lane; AT_A_TIME] = std::array::from_fn(|leaf| {
                    rows.a.wrapping_byte_offset(rows.step * (first + leaf) as isize)
                });
                let mut lanes = [[$zero(); VECTORS]; AT_A_TIME];
                // SAFETY: the caller promises `n` elements of the factors, and that there are at least `LANES`.
                unsafe {
                    for vector in 0..VECTORS {
                        let b = $load(rows.b.add(vector * WIDTH));
                        for leaf in 0..AT_A_TIME {
                            let ahead = a[leaf].wrapping_byte_offset(rows.ahead).wrapping_add(vector * WIDTH);
                            _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                            lanes[leaf][vector] = $multiply($load(a[leaf].add(vector * WIDTH)), b);
                        }
                    }
                    let mut at = LANES;
                    while at + LANES <= rows.n {
                        for vector in 0..VECTORS {
                            let b = $load(rows.b.add(at + vector * WIDTH));
                            for leaf in 0..AT_A_TIME {
                                let ahead =
                                    a[leaf].wrapping_add(at + vector * WIDTH).wrapping_byte_add(AHEAD);
                                _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                                let product = $multiply($load(a[leaf].add(at + vector * WIDTH)), b);
                                lanes[leaf][vector] = $add(lanes[leaf][vector], product);
                            }
                        }
                        at += LANES;
                    }
                    for vector in 0..VECTORS {
                        let from = at + vector * WIDTH;
                        if from >= rows.n {
                            break;
                        }
                        let some = ((1u32 << (rows.n - from).min(WIDTH)) - 1) as $mask;
                        let b = $some(some, rows.b.add(from));
                        for leaf in 0..AT_A_TIME {
                            let product = $multiply($some(some, a[leaf].add(from)), b);
                            lanes[leaf][vector] =
                                $add_some(lanes[leaf][vector], some, lanes[leaf][vector], product);
                        }
                    }
                }
                let mut narrow = [$zero(); AT_A_TIME];
                for leaf in 0..AT_A_TIME {
                    let mut half = VECTORS / 2;
                    while half > 0 {
                        for vector in 0..half {
                            lanes[leaf][vector] = $add(lanes[leaf][vector], lanes[leaf][vector + half]);
                        }
                        half /= 2;
                    }
                    narrow[leaf] = lanes[leaf][0];
                }
                narrow
            }

            /// The lanes of two vectors, in groups of twice `HALF`, each group halved.
            #[target_feature(enable = "avx512f,avx512vl")]
            fn joined<const HALF: usize>(a: $vector, b: $vector) -> $vector {
                let lower = const { halves::<WIDTH>(HALF, 0) };
                let upper = const { halves::<WIDTH>(HALF, HALF) };
                $add($permute(a, $indices(lower), b), $permute(a, $indices(upper), b))
            }

            let long = n * size_of::<$lane>() > AHEAD;
            let ahead = if long { AHEAD as isize } else { step * SHORT_AHEAD };
            for first in (0..count).step_by(TOGETHER) {
                let a = a.wrapping_offset(step * first as isize).cast::<$lane>();
                let rows = Rows { a, step, b: b.cast::<$lane>(), n, ahead };
                // SAFETY: the caller's promise.
                unsafe {
                    let mut parts = [$zero(); TOGETHER / AT_A_TIME];
                    for (at, part) in parts.iter_mut().enumerate() {
                        let [a, b, c, d] = lanes_of(rows, at * AT_A_TIME);
                        let (a, b) = (joined::<{ WIDTH / 2 }>(a, b), joined::<{ WIDTH / 2 }>(c, d));
                        *part = joined::<QUARTER>(a, b);
                    }
                    let mut sums = joined::<EIGHTH>(parts[0], parts[1]);
                    // Every leaf has as many lanes left as a vector has more than there are leaves.
                    let mut half = EIGHTH / 2;
                    while half > 0 {
                        sums = joined::<1>(sums, sums);
                        half /= 2;
                    }
                    let mut values = [0 as $lane; WIDTH];
                    std::ptr::copy_nonoverlapping((&raw const sums).cast(), values.as_mut_ptr(), WIDTH);
                    for (leaf, &value) in values.iter().take(TOGETHER).enumerate() {
                        let at = out_step * (first + leaf) as isize;
                        *out.wrapping_offset(at).cast::<$lane>() = value;
                    }
                }
            }
        }
    };
}

/// Indices of the lanes of two vectors of eight.
#[target_feature(enable = "avx512f")]
fn of_eight(lanes: [u64; 8]) -> __m512i {
    // SAFETY: the array is as large as a vector.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

/// Indices of the lanes of two vectors of sixteen.
#[target_feature(enable = "avx512f")]
fn of_sixteen(lanes: [u64; 16]) -> __m512i {
    let lanes = lanes.map(|lane| lane as u32);
    // SAFETY: the array is as large as a vector.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

leaves!(doubles: f64, __m512d, 8, __mmask8, _mm512_loadu_pd, _mm512_maskz_loadu_pd, _mm512_setzero_pd, _mm512_mul_pd,
    _mm512_add_pd, _mm512_mask_add_pd, _mm512_permutex2var_pd, of_eight);
leaves!(singles: f32, __m512, 16, __mmask16, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_setzero_ps, _mm512_mul_ps,
    _mm512_add_ps, _mm512_mask_add_ps, _mm512_permutex2var_ps, of_sixteen);
