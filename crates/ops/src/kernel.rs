//! What one case of the table is to the compiler: a function of single elements, and the loops made from it.
//!
//! The loops are written once, over any [`Kernel`], and compiled for each instruction set of [`crate::isa`]. They see
//! their operands as distinct slices, which is what lets LLVM vectorise them.

use crate::dtype::{Bool, Dtype, Element};
use crate::flags::{self, Flags};
use crate::fold::Folds;
use crate::halves::{self, half_to_single, single_to_half};
use crate::isa::{Versions, versions};
use half::f16;
use num_complex::Complex;
use std::marker::PhantomData;
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
    /// Whether a number is zero, subnormal, infinite or a NaN; what is no number is not.
    #[inline(always)]
    fn is_odd(_: Self::Value) -> bool {
        false
    }
    /// What the elements are while a case with events of its own computes: halves are converted many at once.
    type Wide: Lane<Value = Self::Value>;
    /// The elements as `Wide`: in `room`, unless they are so already.
    fn widen<'a>(elements: &'a [Self], room: &'a mut Room) -> &'a [Self::Wide];
    /// Where to put `Wide` results for `elements`: in `room`, or there.
    fn wide<'a>(
        elements: &'a mut [MaybeUninit<Self>],
        room: &'a mut Room,
    ) -> &'a mut [MaybeUninit<Self::Wide>];
    /// Brings results that are in `room` to `elements`.
    fn narrow(elements: &mut [MaybeUninit<Self>], room: &Room);
}

/// The elements that a case with events of its own computes at once: few enough that they stay in the first cache.
const CHUNK: usize = 512;

/// Room for the halves of a chunk as single precision numbers.
pub(crate) type Room = [MaybeUninit<f32>; CHUNK];

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
    /// Whether only an element whose first result is odd may mean an event: zero, subnormal, infinite or a NaN.
    const ODD_EVENTS: bool = false;
    /// Whether only an element that is for `rare` may mean an event.
    const RARE_EVENTS: bool = false;
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
            Status::Natural => {
                each::<K>(a, b, c, o, p);
            }
            Status::Quiet => {
                let before = flags::status();
                each::<K>(a, b, c, o, p);
                flags::set_status(before);
            }
            Status::Computed => {
                let before = flags::status();
                let events = each_with_events::<K>(a, b, c, o, p);
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

/// Computes all elements, and their events.
#[inline(always)]
fn each_with_events<K: Kernel>(
    a: &[K::A],
    b: &[K::B],
    c: &[K::C],
    o: &mut [MaybeUninit<K::O>],
    p: &mut [MaybeUninit<K::P>],
) -> Flags {
    let mut events = Flags::NONE;
    let mut rooms = [const { [MaybeUninit::uninit(); CHUNK] }; 5];
    let [room_a, room_b, room_c, room_o, room_p] = &mut rooms;
    for start in (0..o.len()).step_by(CHUNK) {
        let part = start..o.len().min(start + CHUNK);
        let a = K::A::widen(&a[part.clone()], room_a);
        let b = K::B::widen(&b[part.clone()], room_b);
        let c = K::C::widen(&c[part.clone()], room_c);
        let (o, p) = (&mut o[part.clone()], &mut p[part]);
        let rare = each::<Wide<K>>(a, b, c, K::O::wide(o, room_o), K::P::wide(p, room_p));
        K::O::narrow(o, room_o);
        K::P::narrow(p, room_p);
        if K::RARE_EVENTS && !rare {
            continue;
        }
        // SAFETY: they were written just now.
        let results = unsafe { std::slice::from_raw_parts(o.as_ptr().cast::<K::O>(), o.len()) };
        events |= all_events::<Wide<K>>(a, b, c, K::O::widen(results, room_o));
    }
    events
}

/// A kernel on elements as [`Lane::Wide`].
struct Wide<K>(PhantomData<K>);

impl<K: Kernel> Kernel for Wide<K> {
    type A = <K::A as Lane>::Wide;
    type B = <K::B as Lane>::Wide;
    type C = <K::C as Lane>::Wide;
    type O = <K::O as Lane>::Wide;
    type P = <K::P as Lane>::Wide;
    const STATUS: Status = K::STATUS;
    const ODD_EVENTS: bool = K::ODD_EVENTS;
    const RARE_EVENTS: bool = K::RARE_EVENTS;
    #[inline(always)]
    fn call(
        a: <K::A as Lane>::Value,
        b: <K::B as Lane>::Value,
        c: <K::C as Lane>::Value,
    ) -> (<K::O as Lane>::Value, <K::P as Lane>::Value) {
        K::call(a, b, c)
    }
    const HAS_RARE: bool = K::HAS_RARE;
    #[inline(always)]
    fn is_rare(a: <K::A as Lane>::Value, b: <K::B as Lane>::Value, c: <K::C as Lane>::Value) -> bool {
        K::is_rare(a, b, c)
    }
    fn rare(
        a: <K::A as Lane>::Value,
        b: <K::B as Lane>::Value,
        c: <K::C as Lane>::Value,
    ) -> (<K::O as Lane>::Value, <K::P as Lane>::Value) {
        K::rare(a, b, c)
    }
    #[inline(always)]
    fn events(
        a: <K::A as Lane>::Value,
        b: <K::B as Lane>::Value,
        c: <K::C as Lane>::Value,
        result: <K::O as Lane>::Value,
    ) -> Flags {
        K::events(a, b, c, result)
    }
}

/// Computes all elements, and says whether some were rare.
#[inline(always)]
fn each<K: Kernel>(
    a: &[K::A],
    b: &[K::B],
    c: &[K::C],
    o: &mut [MaybeUninit<K::O>],
    p: &mut [MaybeUninit<K::P>],
) -> bool {
    let n = o.len();
    let (a, b, c, p) = (&a[..n], &b[..n], &c[..n], &mut p[..n]);
    for i in 0..n {
        let (first, second) = K::call(a[i].load(), b[i].load(), c[i].load());
        o[i].write(K::O::store(first));
        p[i].write(K::P::store(second));
    }
    let mut rare = false;
    if K::HAS_RARE {
        for i in 0..n {
            rare |= K::is_rare(a[i].load(), b[i].load(), c[i].load());
        }
        if rare {
            each_rare::<K>(a, b, c, o, p);
        }
    }
    rare
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
    if K::ODD_EVENTS {
        let mut odd = false;
        for result in o {
            odd |= K::O::is_odd(result.load());
        }
        if !odd {
            return Flags::NONE;
        }
    }
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

/// A lane that is computed as it is.
macro_rules! as_it_is {
    () => {
        type Wide = Self;
        #[inline(always)]
        fn widen<'a>(elements: &'a [Self], _: &'a mut Room) -> &'a [Self] {
            elements
        }
        #[inline(always)]
        fn wide<'a>(elements: &'a mut [MaybeUninit<Self>], _: &'a mut Room) -> &'a mut [MaybeUninit<Self>] {
            elements
        }
        #[inline(always)]
        fn narrow(_: &mut [MaybeUninit<Self>], _: &Room) {}
    };
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
            as_it_is!();
        })*
    };
}

plain_lanes!(i8, i16, i32, i64, u8, u16, u32, u64, Complex<f32>, Complex<f64>);

macro_rules! real_lanes {
    ($($element:ident),*) => {
        $(impl Lane for $element {
            type Value = $element;
            const DTYPE: Option<Dtype> = Some(<$element as Element>::DTYPE);
            #[inline(always)]
            fn load(self) -> $element { self }
            #[inline(always)]
            fn store(value: $element) -> $element { value }
            #[inline(always)]
            fn is_odd(value: $element) -> bool {
                let smallest = $element::MIN_POSITIVE.to_bits();
                let distance = value.abs().to_bits().wrapping_sub(smallest);
                distance >= $element::INFINITY.to_bits() - smallest
            }
            as_it_is!();
        })*
    };
}

real_lanes!(f32, f64);

impl Lane for () {
    type Value = ();
    const DTYPE: Option<Dtype> = None;
    #[inline(always)]
    fn load(self) {}
    #[inline(always)]
    fn store(_: ()) {}
    as_it_is!();
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
    as_it_is!();
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
    type Wide = f32;
    #[inline(always)]
    fn widen<'a>(elements: &'a [f16], room: &'a mut Room) -> &'a [f32] {
        let room = &mut room[..elements.len()];
        halves::widen(elements, room);
        // SAFETY: they were written just now.
        unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), room.len()) }
    }
    #[inline(always)]
    fn wide<'a>(elements: &'a mut [MaybeUninit<f16>], room: &'a mut Room) -> &'a mut [MaybeUninit<f32>] {
        &mut room[..elements.len()]
    }
    #[inline(always)]
    fn narrow(elements: &mut [MaybeUninit<f16>], room: &Room) {
        // SAFETY: the results were written there, as many as there are elements.
        halves::narrow(unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), elements.len()) }, elements);
    }
}
