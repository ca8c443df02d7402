//! The instruction sets that loops are compiled for, and the choice between them, made once.

use std::sync::OnceLock;

/// An instruction set level; a higher one contains the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What every processor of the architecture has.
    Baseline,
    /// x86-64-v3: AVX2 and FMA.
    V3,
    /// x86-64-v4: AVX-512.
    V4,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Level; 3] = [Level::Baseline, Level::V3, Level::V4];

    /// The highest level this processor has.
    pub fn detected() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(detect)
    }
}

/// One function pointer for each level.
pub(crate) type Versions<F> = [F; 3];

/// Wraps a generic `#[inline(always)]` function once for each level and gives the three pointers.
///
/// No level contracts a product and a sum into one rounding, so all of them compute equal bits.
macro_rules! versions {
    ($function:ident::<$($generic:ident: $bound:ident),*>($($arg:ident: $type:ty),*) $(-> $result:ty)?) => {{
        #[allow(clippy::missing_safety_doc)]
        unsafe fn baseline<$($generic: $bound),*>($($arg: $type),*) $(-> $result)? {
            // SAFETY: the caller keeps the contract of the wrapped function.
            unsafe { $function::<$($generic),*>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt,movbe")]
        unsafe fn v3<$($generic: $bound),*>($($arg: $type),*) $(-> $result)? {
            // SAFETY: the caller keeps the contract of the wrapped function and has checked the level.
            unsafe { $function::<$($generic),*>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(
            enable = "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
        )]
        unsafe fn v4<$($generic: $bound),*>($($arg: $type),*) $(-> $result)? {
            // SAFETY: the caller keeps the contract of the wrapped function and has checked the level.
            unsafe { $function::<$($generic),*>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        {
            [baseline::<$($generic),*>, v3::<$($generic),*>, v4::<$($generic),*>]
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            [baseline::<$($generic),*>; 3]
        }
    }};
}

pub(crate) use versions;

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    use std::arch::is_x86_feature_detected as has;
    let v3 = has!("avx2")
        && has!("fma")
        && has!("bmi1")
        && has!("bmi2")
        && has!("f16c")
        && has!("lzcnt")
        && has!("popcnt")
        && has!("movbe");
    let v4 = has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
    match (v3, v4) {
        (true, true) => Level::V4,
        (true, false) => Level::V3,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}

/// Bytes ahead of their use at which elements of a long stream are asked for.
pub(crate) const AHEAD: usize = 2 << 10;

/// Asks for what comes some time after these elements: the processor itself asks a page at a time.
#[inline(always)]
pub(crate) fn fetch_ahead<E>(elements: &[E]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(elements)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and faults nowhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(elements.as_ptr().cast::<i8>().wrapping_add(AHEAD + line)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = elements;
}
