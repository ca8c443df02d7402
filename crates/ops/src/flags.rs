//! The floating point status of the processor: which exceptional events happened since it was last cleared.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of floating point events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No event.
    pub const NONE: Flags = Flags(0);
    /// A finite number was divided by zero.
    pub const DIVIDE: Flags = Flags(1);
    /// A finite result was too large to represent.
    pub const OVERFLOW: Flags = Flags(2);
    /// A result was too small to represent with full precision.
    pub const UNDERFLOW: Flags = Flags(4);
    /// An operation had no meaningful result.
    pub const INVALID: Flags = Flags(8);

    /// The set whose bits, as [`Flags::bits`] gives them, are `bits`.
    pub const fn from_bits(bits: u8) -> Flags {
        Flags(bits & 15)
    }

    /// The set as bits; the values are those of NumPy's `NPY_FPE_*` constants.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every event of `other` is in this set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no event is in this set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The events of both sets.
    pub const fn union(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        self.union(other)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        *self = self.union(other);
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Flags::DIVIDE, "divide"),
            (Flags::OVERFLOW, "overflow"),
            (Flags::UNDERFLOW, "underflow"),
            (Flags::INVALID, "invalid"),
        ];
        let present: Vec<&str> =
            names.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name).collect();
        f.write_str(&present.join(" "))
    }
}

/// Forgets every event on this thread.
#[inline]
pub fn clear() {
    let word = status();
    // To write the word takes longer than to read it, and rounding, which nobody asks for, is noted all the time.
    if word & (status::INVALID | status::DIVIDE | status::OVERFLOW | status::UNDERFLOW) != 0 {
        set_status(word & !status::ALL);
    }
}

/// The events on this thread since [`clear`].
#[inline]
pub fn read() -> Flags {
    let word = status();
    let bit = |mask: Word, flag: Flags| if word & mask != 0 { flag } else { Flags::NONE };
    bit(status::DIVIDE, Flags::DIVIDE)
        | bit(status::OVERFLOW, Flags::OVERFLOW)
        | bit(status::UNDERFLOW, Flags::UNDERFLOW)
        | bit(status::INVALID, Flags::INVALID)
}

/// Adds events to those of this thread, as if the processor had met them.
#[inline]
pub fn raise(flags: Flags) {
    if flags.is_empty() {
        return;
    }
    let bit = |flag: Flags, mask: Word| if flags.contains(flag) { mask } else { 0 };
    set_status(
        status()
            | bit(Flags::DIVIDE, status::DIVIDE)
            | bit(Flags::OVERFLOW, status::OVERFLOW)
            | bit(Flags::UNDERFLOW, status::UNDERFLOW)
            | bit(Flags::INVALID, status::INVALID),
    );
}

pub(crate) use status::Word;

/// The processor's own status word, to be put back by [`set_status`].
#[inline(always)]
pub(crate) fn status() -> Word {
    status::get()
}

/// Puts back a word that [`status`] returned, with every event since then forgotten.
#[inline(always)]
pub(crate) fn set_status(word: Word) {
    status::set(word)
}

#[cfg(target_arch = "x86_64")]
mod status {
    use std::arch::asm;

    pub type Word = u32;
    pub const INVALID: Word = 1;
    pub const DIVIDE: Word = 1 << 2;
    pub const OVERFLOW: Word = 1 << 3;
    pub const UNDERFLOW: Word = 1 << 4;
    pub const ALL: Word = 0x3f;

    #[inline(always)]
    pub fn get() -> Word {
        let mut word: Word = 0;
        // SAFETY: stores the 32-bit MXCSR to a local variable.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) };
        word
    }

    #[inline(always)]
    pub fn set(word: Word) {
        // SAFETY: only sticky status bits differ from the word in force, so rounding and masks stay as they are.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod status {
    use std::arch::asm;

    pub type Word = u64;
    pub const INVALID: Word = 1;
    pub const DIVIDE: Word = 1 << 1;
    pub const OVERFLOW: Word = 1 << 2;
    pub const UNDERFLOW: Word = 1 << 3;
    pub const ALL: Word = 0x9f;

    #[inline(always)]
    pub fn get() -> Word {
        let word: Word;
        // SAFETY: reads the floating point status register.
        unsafe { asm!("mrs {}, fpsr", out(reg) word, options(nostack, preserves_flags)) };
        word
    }

    #[inline(always)]
    pub fn set(word: Word) {
        // SAFETY: writes the floating point status register, which holds sticky events only.
        unsafe { asm!("msr fpsr, {}", in(reg) word, options(nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod status {
    pub type Word = u32;
    pub const INVALID: Word = 1;
    pub const DIVIDE: Word = 2;
    pub const OVERFLOW: Word = 4;
    pub const UNDERFLOW: Word = 8;
    pub const ALL: Word = 15;

    pub fn get() -> Word {
        0
    }

    pub fn set(_: Word) {}
}
