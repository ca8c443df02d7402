//! What tiles are made of: elements in memory, the lanes they become, and vectors of lanes.

use num_complex::Complex;

/// A vector of sums, or of one row of the second factor.
pub(crate) trait Vector: Copy {
    /// One number of it.
    type Lane: Lane;
    /// How many there are.
    const LANES: usize;

    /// Every lane zero.
    unsafe fn zero() -> Self;
    /// Every lane the number at an address.
    unsafe fn splat(from: *const Self::Lane) -> Self;
    /// Lanes side by side.
    unsafe fn load(from: *const Self::Lane) -> Self;
    /// So many lanes side by side, and the first of them in the others.
    unsafe fn load_part(from: *const Self::Lane, count: usize) -> Self;
    /// Writes all lanes.
    unsafe fn store(self, to: *mut Self::Lane);
    /// Writes the first lanes.
    unsafe fn store_part(self, to: *mut Self::Lane, count: usize);
    /// `self + a * b`, rounded once.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
    /// `self - a * b`, rounded once.
    unsafe fn minus_product(self, a: Self, b: Self) -> Self;
    /// `self + other`.
    unsafe fn plus(self, other: Self) -> Self;
    /// `self * other`.
    unsafe fn times(self, other: Self) -> Self;
}

/// A number that sums are kept in.
pub(crate) trait Lane: Copy + Default {
    /// `self + a * b`, rounded once.
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// `self - a * b`, rounded once.
    fn minus_product(self, a: Self, b: Self) -> Self;
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
    /// `self * other`.
    fn times(self, other: Self) -> Self;
}

/// An element in memory.
pub(crate) trait Entry: Copy {
    /// What its parts become in tiles.
    type Lane: Lane;
    /// How many parts it has: one, or a real and an imaginary one.
    const PARTS: usize;

    /// One of its parts.
    fn part(self, part: usize) -> Self::Lane;
    /// The element with these parts; a second one only matters where there are two.
    fn of(parts: [Self::Lane; 2]) -> Self;
}

macro_rules! floats {
    ($($float:ty)*) => {
        $(
            impl Lane for $float {
                #[inline(always)]
                fn plus_product(self, a: Self, b: Self) -> Self {
                    a.mul_add(b, self)
                }
                #[inline(always)]
                fn minus_product(self, a: Self, b: Self) -> Self {
                    (-a).mul_add(b, self)
                }
                #[inline(always)]
                fn plus(self, other: Self) -> Self {
                    self + other
                }
                #[inline(always)]
                fn times(self, other: Self) -> Self {
                    self * other
                }
            }
            impl Entry for $float {
                type Lane = $float;
                const PARTS: usize = 1;
                #[inline(always)]
                fn part(self, _: usize) -> $float {
                    self
                }
                #[inline(always)]
                fn of(parts: [$float; 2]) -> Self {
                    parts[0]
                }
            }
            impl Entry for Complex<$float> {
                type Lane = $float;
                const PARTS: usize = 2;
                #[inline(always)]
                fn part(self, part: usize) -> $float {
                    if part == 0 { self.re } else { self.im }
                }
                #[inline(always)]
                fn of(parts: [$float; 2]) -> Self {
                    Complex::new(parts[0], parts[1])
                }
            }
        )*
    };
}

macro_rules! integers {
    ($($integer:ty as $lane:ty),*) => {
        $(
            impl Entry for $integer {
                type Lane = $lane;
                const PARTS: usize = 1;
                #[inline(always)]
                fn part(self, _: usize) -> $lane {
                    self as $lane
                }
                #[inline(always)]
                fn of(parts: [$lane; 2]) -> Self {
                    parts[0] as $integer
                }
            }
        )*
    };
}

macro_rules! wrapping {
    ($($integer:ty)*) => {
        $(
            impl Lane for $integer {
                #[inline(always)]
                fn plus_product(self, a: Self, b: Self) -> Self {
                    self.wrapping_add(a.wrapping_mul(b))
                }
                #[inline(always)]
                fn minus_product(self, a: Self, b: Self) -> Self {
                    self.wrapping_sub(a.wrapping_mul(b))
                }
                #[inline(always)]
                fn plus(self, other: Self) -> Self {
                    self.wrapping_add(other)
                }
                #[inline(always)]
                fn times(self, other: Self) -> Self {
                    self.wrapping_mul(other)
                }
            }
        )*
    };
}

floats!(f32 f64);
wrapping!(i16 i32 i64);
// Processors multiply no bytes; the low halves of wider products are the same.
integers!(i8 as i16, i16 as i16, i32 as i32, i64 as i64);

/// A vector that the compiler finds instructions for.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Lanes<L, const N: usize>([L; N]);

impl<L: Lane, const N: usize> Vector for Lanes<L, N> {
    type Lane = L;
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Lanes([L::default(); N])
    }

    #[inline(always)]
    unsafe fn splat(from: *const L) -> Self {
        // SAFETY: the caller promises a number there.
        Lanes([unsafe { from.read_unaligned() }; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const L) -> Self {
        // SAFETY: the caller promises as many numbers.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_part(from: *const L, count: usize) -> Self {
        // SAFETY: the caller promises `count` numbers, at least one.
        unsafe {
            let mut lanes = [from.read_unaligned(); N];
            for (at, lane) in lanes.iter_mut().enumerate().take(count) {
                *lane = from.add(at).read_unaligned();
            }
            Lanes(lanes)
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut L) {
        // SAFETY: the caller promises room.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut L, count: usize) {
        for (at, lane) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: the caller promises room for `count` numbers.
            unsafe { to.add(at).write_unaligned(lane) };
        }
    }

    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        let mut lanes = self.0;
        for (lane, (a, b)) in lanes.iter_mut().zip(a.0.into_iter().zip(b.0)) {
            *lane = lane.plus_product(a, b);
        }
        Lanes(lanes)
    }

    #[inline(always)]
    unsafe fn minus_product(self, a: Self, b: Self) -> Self {
        let mut lanes = self.0;
        for (lane, (a, b)) in lanes.iter_mut().zip(a.0.into_iter().zip(b.0)) {
            *lane = lane.minus_product(a, b);
        }
        Lanes(lanes)
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        let mut lanes = self.0;
        for (lane, other) in lanes.iter_mut().zip(other.0) {
            *lane = lane.plus(other);
        }
        Lanes(lanes)
    }

    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        let mut lanes = self.0;
        for (lane, other) in lanes.iter_mut().zip(other.0) {
            *lane = lane.times(other);
        }
        Lanes(lanes)
    }
}
