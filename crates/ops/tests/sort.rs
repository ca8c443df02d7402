//! Sorting, its orders and its merges against the standard library's stable sort, for every dtype and level.

use half::f16;
use maniple_ops::{Bool, Dtype, Element, Level, Runs, sort, sort_at};
use std::cmp::Ordering;

/// NumPy's order, spelled out.
trait Reference: Element {
    fn order(&self, other: &Self) -> Ordering;
    fn made(noise: u64, style: Style) -> Self;
}

/// What rows hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    /// Anything, infinities, zeros of both signs and NaNs of several kinds among it.
    Anything,
    /// A handful of different values.
    Few,
    /// Values that agree in most of their bits.
    Alike,
    /// Zeros and NaNs, whose bits differ.
    Special,
}

const STYLES: [Style; 4] = [Style::Anything, Style::Few, Style::Alike, Style::Special];

macro_rules! integers {
    ($($element:ty)*) => {
        $(impl Reference for $element {
            fn order(&self, other: &Self) -> Ordering {
                self.cmp(other)
            }
            fn made(noise: u64, style: Style) -> Self {
                match style {
                    Style::Anything => noise as $element,
                    Style::Few => (noise % 5) as $element,
                    Style::Alike => <$element>::MAX - (noise % 100) as $element,
                    Style::Special => if noise % 2 == 0 { <$element>::MAX } else { <$element>::MIN },
                }
            }
        })*
    };
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl Reference for Bool {
    fn order(&self, other: &Self) -> Ordering {
        bytemuck::cast::<Bool, u8>(*self).cmp(&bytemuck::cast::<Bool, u8>(*other))
    }
    fn made(noise: u64, _: Style) -> Bool {
        bytemuck::cast::<u8, Bool>((noise % 2) as u8)
    }
}

macro_rules! reals {
    ($($element:ty: $bits:ty, $made:expr;)*) => {
        $(impl Reference for $element {
            fn order(&self, other: &Self) -> Ordering {
                self.partial_cmp(other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
            }
            fn made(noise: u64, style: Style) -> Self {
                let (quiet, zero) = (<$element>::NAN.to_bits(), (0.0f32 as f64));
                let made = $made;
                match style {
                    Style::Anything => <$element>::from_bits(noise as $bits),
                    Style::Few => made((noise % 5) as f64 - 2.0),
                    Style::Alike => <$element>::from_bits(made(1.0).to_bits() + (noise % 300) as $bits),
                    Style::Special => match noise % 6 {
                        0 => made(zero),
                        1 => -made(zero),
                        2 => <$element>::from_bits(quiet | (noise >> 8 & 15) as $bits),
                        3 => -<$element>::from_bits(quiet | (noise >> 8 & 15) as $bits),
                        4 => <$element>::INFINITY,
                        _ => <$element>::NEG_INFINITY,
                    },
                }
            }
        })*
    };
}

reals! {
    f16: u16, f16::from_f64;
    f32: u32, |value: f64| value as f32;
    f64: u64, |value: f64| value;
}

/// A row of noise, and the ways in which it may lie.
fn rows<E: Reference>(n: usize, style: Style) -> Vec<Vec<E>> {
    let mut state = n as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) ^ state.rotate_left(29)
    };
    let row: Vec<E> = (0..n).map(|_| E::made(next(), style)).collect();
    let mut rising = row.clone();
    rising.sort_by(E::order);
    let falling = rising.iter().rev().copied().collect();
    let mut nearly = rising.clone();
    if n > 2 {
        nearly.swap(0, n / 2);
    }
    vec![row, rising, falling, nearly]
}

fn bytes<E: Element>(row: &[E]) -> &[u8] {
    bytemuck::cast_slice(row)
}

fn check<E: Reference>(n: usize, level: Level) {
    let loops = sort_at(E::DTYPE, level).expect("it is sorted");
    for (style, row) in
        STYLES.into_iter().flat_map(|style| rows::<E>(n, style).into_iter().map(move |row| (style, row)))
    {
        let what = format!("{} {n} {style:?} {level:?}", E::DTYPE.name());
        let mut wanted_order: Vec<i64> = (0..n as i64).collect();
        wanted_order.sort_by(|&a, &b| row[a as usize].order(&row[b as usize]));
        let wanted: Vec<E> = wanted_order.iter().map(|&at| row[at as usize]).collect();
        let mut sorted = row.clone();
        let mut order = vec![-1i64; n];
        let mut taken = vec![E::zeroed(); n];
        // SAFETY: the rows and the order have `n` elements, and the level is the processor's.
        unsafe {
            (loops.values)(sorted.as_mut_ptr().cast(), n);
            (loops.order)(row.as_ptr().cast(), n, order.as_mut_ptr());
            (loops.take)(row.as_ptr().cast(), order.as_ptr(), n, taken.as_mut_ptr().cast());
        }
        assert_eq!(bytes(&sorted), bytes(&wanted), "{what}");
        assert_eq!(order, wanted_order, "{what}");
        assert_eq!(bytes(&taken), bytes(&wanted), "{what}");
    }
}

fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|&level| level <= Level::detected())
}

macro_rules! every_dtype {
    ($check:ident($($argument:expr),*)) => {
        $check::<Bool>($($argument),*);
        $check::<i8>($($argument),*);
        $check::<i16>($($argument),*);
        $check::<i32>($($argument),*);
        $check::<i64>($($argument),*);
        $check::<u8>($($argument),*);
        $check::<u16>($($argument),*);
        $check::<u32>($($argument),*);
        $check::<u64>($($argument),*);
        $check::<f16>($($argument),*);
        $check::<f32>($($argument),*);
        $check::<f64>($($argument),*);
    };
}

#[test]
fn rows_of_every_length_are_sorted() {
    for level in levels() {
        for n in (0..300).chain([511, 1000, 4095, 5000, 20_000, 300_001]) {
            every_dtype!(check(n, level));
        }
    }
}

/// Merges every part of a row that is sorted in runs.
fn check_merge<E: Reference>(n: usize, run: usize) {
    let loops = sort(E::DTYPE).expect("it is sorted");
    for (style, row) in
        STYLES.into_iter().flat_map(|style| rows::<E>(n, style).into_iter().map(move |row| (style, row)))
    {
        let mut wanted: Vec<i64> = (0..n as i64).collect();
        wanted.sort_by(|&a, &b| row[a as usize].order(&row[b as usize]));
        let mut positions: Vec<i64> = (0..n as i64).collect();
        positions
            .chunks_mut(run)
            .for_each(|run| run.sort_by(|&a, &b| row[a as usize].order(&row[b as usize])));
        let values: Vec<E> = positions.iter().map(|&at| row[at as usize]).collect();
        let sorted: Vec<E> = wanted.iter().map(|&at| row[at as usize]).collect();
        let mut scratch = vec![0u64; loops.merge_scratch / 8];
        let runs = Runs { values: values.as_ptr().cast(), order: positions.as_ptr(), n, run };
        let alone = Runs { order: std::ptr::null(), ..runs };
        let (mut order, mut only_order) = (vec![-1i64; n], vec![-1i64; n]);
        let (mut merged, mut only_values) = (vec![E::zeroed(); n], vec![E::zeroed(); n]);
        for (first, last) in [(0, n / 3), (n / 3, n / 3 + 1), (n / 3 + 1, n)] {
            let given = |values: &mut [E]| values[first..].as_mut_ptr().cast::<u8>();
            let work = scratch.as_mut_ptr().cast();
            // SAFETY: runs and results have `n` elements; the parts are within them.
            unsafe {
                (loops.merge)(&runs, first, last, given(&mut merged), order[first..].as_mut_ptr(), work);
                (loops.merge)(
                    &runs,
                    first,
                    last,
                    std::ptr::null_mut(),
                    only_order[first..].as_mut_ptr(),
                    work,
                );
                (loops.merge)(&alone, first, last, given(&mut only_values), std::ptr::null_mut(), work);
            }
        }
        let what = format!("{} {n} in runs of {run}, {style:?}", E::DTYPE.name());
        assert_eq!(order, wanted, "{what}");
        assert_eq!(only_order, wanted, "{what}");
        assert_eq!(bytes(&merged), bytes(&sorted), "{what}");
        assert_eq!(bytes(&only_values), bytes(&sorted), "{what}");
    }
}

#[test]
fn runs_are_merged_in_parts() {
    for (n, run) in [(2, 1), (9, 4), (100, 50), (1000, 999), (1000, 70), (30_000, 10_000), (40_000, 3000)] {
        every_dtype!(check_merge(n, run));
    }
}

#[test]
fn complex_numbers_are_not_sorted() {
    for dtype in Dtype::ALL {
        assert_eq!(sort(dtype).is_some(), !dtype.is_complex());
    }
}
