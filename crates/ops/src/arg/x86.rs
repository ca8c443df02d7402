//! Short rows of floating point numbers with AVX-512: a row fills a few vectors, whose best lane is found first, and then the
//! first lane that is as good.

use super::{Arg, ArgColumns, pick_columns};
use crate::dtype::Dtype;
use crate::flags;
use crate::isa::Level;
use std::arch::x86_64::*;

/// A row has at most so many vectors.
const MOST_VECTORS: usize = 4;
/// Shorter rows are better gathered, an element of many of them at a time.
const SHORTEST: usize = 4;

/// The search of a dtype, if it has one here and this processor can run it.
pub(super) fn columns(dtype: Dtype, arg: Arg) -> Option<ArgColumns> {
    if Level::detected() < Level::V4 {
        return None;
    }
    match (dtype, arg) {
        (Dtype::Float32, Arg::Min) => Some(singles::<true>),
        (Dtype::Float32, Arg::Max) => Some(singles::<false>),
        (Dtype::Float64, Arg::Min) => Some(doubles::<true>),
        (Dtype::Float64, Arg::Max) => Some(doubles::<false>),
        _ => None,
    }
}

/// The best lane of a vector, in all lanes.
#[target_feature(enable = "avx512f")]
fn best_single(all: __m512, better: impl Fn(__m512, __m512) -> __m512) -> __m512 {
    let all = better(all, _mm512_shuffle_f32x4::<0b0100_1110>(all, all));
    let all = better(all, _mm512_shuffle_f32x4::<0b1011_0001>(all, all));
    let all = better(all, _mm512_permute_ps::<0b0100_1110>(all));
    better(all, _mm512_permute_ps::<0b1011_0001>(all))
}

/// The best lane of a vector, in all lanes.
#[target_feature(enable = "avx512f")]
fn best_double(all: __m512d, better: impl Fn(__m512d, __m512d) -> __m512d) -> __m512d {
    let all = better(all, _mm512_shuffle_f64x2::<0b0100_1110>(all, all));
    let all = better(all, _mm512_shuffle_f64x2::<0b1011_0001>(all, all));
    better(all, _mm512_permute_pd::<0b0101_0101>(all))
}

/// The loops for a type: its lane, vector, mask, how its best lane is found, and the names of its instructions.
macro_rules! rows {
    ($name:ident: $lane:ty, $vector:ty, $mask:ty, $best:ident, $load:ident, $some:ident, $splat:ident, $lower:ident,
     $higher:ident, $compare:ident) => {
        /// As [`ArgColumns`] says; the processor must have AVX-512.
        unsafe fn $name<const LOWEST: bool>(
            data: *const u8,
            along: isize,
            across: isize,
            n: usize,
            columns: usize,
            places: *mut i64,
        ) {
            const WIDTH: usize = size_of::<$vector>() / size_of::<$lane>();

            /// Rows of so many vectors, the last of which may not be full.
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,bmi1")]
            unsafe fn rows<const VECTORS: usize, const LOWEST: bool>(
                data: *const u8,
                across: isize,
                n: usize,
                rows: usize,
                places: *mut i64,
            ) {
                let better = |a: $vector, b: $vector| if LOWEST { $lower(a, b) } else { $higher(a, b) };
                // What a last vector is filled up with is no better than what stands before it.
                let worst = $splat(if LOWEST { <$lane>::INFINITY } else { <$lane>::NEG_INFINITY });
                let last = (VECTORS - 1) * WIDTH;
                let some = ((1u32 << (n - last)) - 1) as $mask;
                for row in 0..rows {
                    let start = data.wrapping_offset(across * row as isize).cast::<$lane>();
                    let mut values = [worst; VECTORS];
                    // SAFETY: the caller promises `n` elements, of which the mask leaves those of the last vector.
                    unsafe {
                        for (at, value) in values[..VECTORS - 1].iter_mut().enumerate() {
                            *value = $load(start.add(at * WIDTH));
                        }
                        values[VECTORS - 1] = $some(worst, some, start.add(last));
                    }
                    let (mut missing, mut best) = (0u64, values[0]);
                    for (at, &value) in values.iter().enumerate() {
                        missing |= u64::from($compare::<_CMP_UNORD_Q>(value, value)) << (at * WIDTH);
                        best = if at == 0 { value } else { better(best, value) };
                    }
                    let best = $best(best, better);
                    let mut found = 0u64;
                    for (at, &value) in values.iter().enumerate() {
                        found |= u64::from($compare::<_CMP_EQ_OQ>(value, best)) << (at * WIDTH);
                    }
                    let found = if missing == 0 { found } else { missing };
                    // SAFETY: the caller promises a place for every row.
                    unsafe { places.add(row).write_unaligned(i64::from(found.trailing_zeros())) };
                }
            }

            let here = along == size_of::<$lane>() as isize && (SHORTEST..=MOST_VECTORS * WIDTH).contains(&n);
            // SAFETY: the caller's promise, and that of the level.
            unsafe {
                if !here {
                    let arg = if LOWEST { Arg::Min } else { Arg::Max };
                    return pick_columns::<$lane>(arg)(data, along, across, n, columns, places);
                }
                let status = flags::status();
                match n.div_ceil(WIDTH) {
                    1 => rows::<1, LOWEST>(data, across, n, columns, places),
                    2 => rows::<2, LOWEST>(data, across, n, columns, places),
                    3 => rows::<3, LOWEST>(data, across, n, columns, places),
                    _ => rows::<4, LOWEST>(data, across, n, columns, places),
                }
                if flags::status() != status {
                    flags::set_status(status);
                }
            }
        }
    };
}

rows!(singles: f32, __m512, __mmask16, best_single, _mm512_loadu_ps, _mm512_mask_loadu_ps, _mm512_set1_ps, _mm512_min_ps,
      _mm512_max_ps, _mm512_cmp_ps_mask);
rows!(doubles: f64, __m512d, __mmask8, best_double, _mm512_loadu_pd, _mm512_mask_loadu_pd, _mm512_set1_pd, _mm512_min_pd,
      _mm512_max_pd, _mm512_cmp_pd_mask);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arg::arg_leaf;

    /// The places of rows are those that the search of a single row finds, whatever stands in them and however long they are.
    #[test]
    fn short_rows_find_what_single_rows_do() {
        let values = [0.0, -0.0, 1.5, -2.0, 1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -2.0, 1e300];
        let mut seed = 7u64;
        let mut next = |n: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % n
        };
        for (kinds, n) in (1..70).flat_map(|n| [(values.len(), n), (4, n), (1, n), (7, n), (6, n)]) {
            let rows = 9;
            let doubles: Vec<f64> = (0..rows * n).map(|_| values[next(kinds)]).collect();
            let infinite: Vec<f64> = vec![f64::INFINITY; rows * n];
            for doubles in [doubles, infinite] {
                let singles: Vec<f32> = doubles.iter().map(|&value| value as f32).collect();
                for arg in [Arg::Min, Arg::Max] {
                    for (dtype, data, item) in [
                        (Dtype::Float64, doubles.as_ptr().cast::<u8>(), 8),
                        (Dtype::Float32, singles.as_ptr().cast::<u8>(), 4),
                    ] {
                        let Some(columns) = columns(dtype, arg) else { return };
                        let mut found = vec![-1i64; rows];
                        // SAFETY: the rows lie one behind the other, and there is a place for each.
                        unsafe {
                            columns(data, item, item * n as isize, n, rows, found.as_mut_ptr());
                            for (row, &found) in found.iter().enumerate() {
                                let single = arg_leaf(dtype, arg)(data.add(row * n * item as usize), n);
                                assert_eq!(found, single as i64, "{dtype:?} {arg:?} row {row} of {n}");
                            }
                        }
                    }
                }
            }
        }
    }
}
