//! What one case of the table is to the compiler: a function of single elements, and the loops made from it.
//!
//! The loops are written once, over any [`Kernel`], and compiled for each instruction set of [`crate::isa`]. They see
//! their operands as distinct slices, which is what lets LLVM vectorise them.

use crate::dtype::{Bool, Dtype, Element};
use crate::flags::{self, Flags};
use crate::fold::Folds;
use crate::isa::{Versions, versions};
use half::f16;
use num_complex::Complex;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Runs a case over `n` contiguous elements: `ins` and `outs` are arrays of pointers, one for each operand.
///
/// The pointers must be aligned for their elements, valid for `n` of them, and no output may overlap another operand.
pub type Block = unsafe fn(ins: *const *const u8, outs: *const *mut u8, n: usize);

/// An operand of a kernel: how an element lies in memory and what it is in registers. `()` is an operand that a
/// kernel does not have.
pub(crate) trait Lane: Copy + 'static {
    /// What arithmetic is done on.
    type Value: Copy;
    /// The dtype in memory.
    const DTYPE: Option<Dtype>;
    fn load(self) -> Self::Value;
    fn store(value: Self::Value) -> Self;
}

/// One function of up to three elements, giving one or two.
pub(crate) trait Kernel {
    type A: Lane;
    type B: Lane;
    type C: Lane;
    type O: Lane;
    type P: Lane;
    /// What the floating point status says after a block.
    const STATUS: Status;
    fn call(
        a: <Self::A as Lane>::Value,
        b: <Self::B as Lane>::Value,
        c: <Self::C as Lane>::Value,
    ) -> (<Self::O as Lane>::Value, <Self::P as Lane>::Value);
    /// Whether some elements are not for `call`, but for `rare`.
    const HAS_RARE: bool = false;
    /// Whether an element is for `rare`.
    #[inline(always)]
    fn is_rare(
        _: <Self::A as Lane>::Value,
        _: <Self::B as Lane>::Value,
        _: <Self::C as Lane>::Value,
    ) -> bool {
        false
    }
    /// As `call`, for a rare element.
    fn rare(
        a: <Self::A as Lane>::Value,
        b: <Self::B as Lane>::Value,
        c: <Self::C as Lane>::Value,
    ) -> (<Self::O as Lane>::Value, <Self::P as Lane>::Value) {
        Self::call(a, b, c)
    }
    /// The events one element means, from its inputs and first result, where `STATUS` is `Computed` or `Reviewed`.
    #[inline(always)]
    fn events(
        _: <Self::A as Lane>::Value,
        _: <Self::B as Lane>::Value,
        _: <Self::C as Lane>::Value,
        _: <Self::O as Lane>::Value,
    ) -> Flags {
        Flags::NONE
    }
}

/// What the floating point status says after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// What the processor met while computing.
    Natural,
    /// Nothing new: the row raises no event, whatever its instructions do.
    Quiet,
    /// What the row computes from the elements, whatever its instructions do.
    Computed,
    /// As `Computed`, where the instructions met anything at all; nothing new elsewhere.
    Reviewed,
}

/// How a row folds in a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The row is not folded.
    None,
    /// In a fixed tree over lanes: the row is associative but for rounding.
    Tree,
    /// From the first element to the last.
    Sequential,
}

/// One dtype case of a row.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) ins: [Option<Dtype>; 3],
    pub(crate) outs: [Option<Dtype>; 2],
    pub(crate) blocks: Versions<Block>,
    pub(crate) folds: Option<Folds>,
}

impl Case {
    pub(crate) const fn of<K: Kernel>(folds: Option<Folds>) -> Case {
        Case {
            ins: [K::A::DTYPE, K::B::DTYPE, K::C::DTYPE],
            outs: [K::O::DTYPE, K::P::DTYPE],
            folds,
            blocks: versions!(block::<K: Kernel>(ins: *const *const u8, outs: *const *mut u8, n: usize)),
        }
    }
}

/// The loop of a kernel over contiguous elements.
///
/// # Safety
/// As [`Block`] says.
#[inline(always)]
unsafe fn block<K: Kernel>(ins: *const *const u8, outs: *const *mut u8, n: usize) {
    // SAFETY: the caller promises valid, aligned and distinct buffers; operands the kernel lacks are never looked up.
    unsafe {
        let a = input::<K::A>(ins, 0, n);
        let b = input::<K::B>(ins, 1, n);
        let c = input::<K::C>(ins, 2, n);
        let o = output::<K::O>(outs, 0, n);
        let p = output::<K::P>(outs, 1, n);
        match K::STATUS {
            Status::Natural => each::<K>(a, b, c, o, p),
            Status::Quiet => {
                let before = flags::status();
                each::<K>(a, b, c, o, p);
                flags::set_status(before);
            }
            Status::Computed => {
                let before = flags::status();
                each::<K>(a, b, c, o, p);
                let events = all_events::<K>(a, b, c, input::<K::O>(outs.cast(), 0, n));
                flags::set_status(before);
                flags::raise(events);
            }
            Status::Reviewed => {
                let before = flags::status();
                flags::clear();
                each::<K>(a, b, c, o, p);
                let met = flags::read();
                flags::set_status(before);
                if met.bits() & !Flags::UNDERFLOW.bits() != 0 {
                    let events = all_events::<K>(a, b, c, input::<K::O>(outs.cast(), 0, n));
                    flags::set_status(before);
                    flags::raise(events);
                }
            }
        }
    }
}

#[inline(always)]
fn each<K: Kernel>(
    a: &[K::A],
    b: &[K::B],
    c: &[K::C],
    o: &mut [MaybeUninit<K::O>],
    p: &mut [MaybeUninit<K::P>],
) {
    let n = o.len();
    let (a, b, c, p) = (&a[..n], &b[..n], &c[..n], &mut p[..n]);
    for i in 0..n {
        let (first, second) = K::call(a[i].load(), b[i].load(), c[i].load());
        o[i].write(K::O::store(first));
        p[i].write(K::P::store(second));
    }
    if K::HAS_RARE {
        let mut rare = false;
        for i in 0..n {
            rare |= K::is_rare(a[i].load(), b[i].load(), c[i].load());
        }
        if rare {
            each_rare::<K>(a, b, c, o, p);
        }
    }
}

#[cold]
#[inline(never)]
fn each_rare<K: Kernel>(
    a: &[K::A],
    b: &[K::B],
    c: &[K::C],
    o: &mut [MaybeUninit<K::O>],
    p: &mut [MaybeUninit<K::P>],
) {
    for i in 0..o.len() {
        let (a, b, c) = (a[i].load(), b[i].load(), c[i].load());
        if K::is_rare(a, b, c) {
            let (first, second) = K::rare(a, b, c);
            o[i].write(K::O::store(first));
            p[i].write(K::P::store(second));
        }
    }
}

/// The events of all elements: a pass of its own, as it then vectorises.
#[inline(always)]
fn all_events<K: Kernel>(a: &[K::A], b: &[K::B], c: &[K::C], o: &[K::O]) -> Flags {
    let n = o.len();
    let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
    let mut events = 0;
    for i in 0..n {
        events |= K::events(a[i].load(), b[i].load(), c[i].load(), o[i].load()).bits();
    }
    // Hidden from the compiler, which else looks for single bits in parts of the sum and then cannot vectorise it.
    Flags::from_bits(std::hint::black_box(events))
}

#[inline(always)]
unsafe fn input<'a, L: Lane>(ins: *const *const u8, index: usize, n: usize) -> &'a [L] {
    // SAFETY: a lane with a dtype has a pointer to `n` valid elements; one without has no size.
    unsafe {
        let data = match L::DTYPE {
            Some(_) => (*ins.add(index)).cast(),
            None => NonNull::<L>::dangling().as_ptr().cast_const(),
        };
        std::slice::from_raw_parts(data, n)
    }
}

#[inline(always)]
unsafe fn output<'a, L: Lane>(outs: *const *mut u8, index: usize, n: usize) -> &'a mut [MaybeUninit<L>] {
    // SAFETY: as in `input`; the caller promises that outputs overlap nothing.
    unsafe {
        let data = match L::DTYPE {
            Some(_) => (*outs.add(index)).cast(),
            None => NonNull::dangling().as_ptr(),
        };
        std::slice::from_raw_parts_mut(data, n)
    }
}

macro_rules! plain_lanes {
    ($($element:ty),*) => {
        $(impl Lane for $element {
            type Value = $element;
            const DTYPE: Option<Dtype> = Some(<$element as Element>::DTYPE);
            #[inline(always)]
            fn load(self) -> $element { self }
            #[inline(always)]
            fn store(value: $element) -> $element { value }
        })*
    };
}

plain_lanes!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Complex<f32>, Complex<f64>);

impl Lane for () {
    type Value = ();
    const DTYPE: Option<Dtype> = None;
    #[inline(always)]
    fn load(self) {}
    #[inline(always)]
    fn store(_: ()) {}
}

impl Lane for Bool {
    type Value = bool;
    const DTYPE: Option<Dtype> = Some(Dtype::Bool);
    #[inline(always)]
    fn load(self) -> bool {
        self.get()
    }
    #[inline(always)]
    fn store(value: bool) -> Bool {
        Bool::new(value)
    }
}

/// Half precision is computed in single precision, one rounding per operation.
impl Lane for f16 {
    type Value = f32;
    const DTYPE: Option<Dtype> = Some(Dtype::Float16);
    #[inline(always)]
    fn load(self) -> f32 {
        half_to_single(self)
    }
    #[inline(always)]
    fn store(value: f32) -> f16 {
        single_to_half(value)
    }
}

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
