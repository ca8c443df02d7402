//! Runs of simple steps as machine code: what a block loop per step would do in several passes over the first-level
//! cache is done in one, in registers.
//!
//! ```text
//! [`plan`]    a body cut into runs of simple steps, and what lies between them
//! [`lower`]   a run as vector instructions ([`rows`]: those of every row), on values without registers
//! [`emit`]    registers, and the loop
//! [`assembler`], [`instructions`], [`pages`]   bytes, the processor's opcodes, executable memory
//! ```
//!
//! The bits are those of the block loops, whatever the instruction set and the number of elements. A run raises every
//! floating point event that one of its steps would raise, and perhaps more: whoever wants to know which step it was
//! runs the steps again.

mod assembler;
mod emit;
mod instructions;
mod lower;
mod pages;
mod plan;
mod rows;
#[cfg(test)]
mod tests;

use self::assembler::Encoding;
pub(crate) use self::emit::{MOST_POINTERS, Manner};
use self::emit::{emit, fits};
use self::lower::{Lowered, lower};
use self::pages::Pages;
pub(crate) use self::plan::{Section, plan};
use maniple_ops::{Body, LANES, Level};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// When runs of steps are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compile {
    /// Never: every step is a block loop.
    Never,
    /// Once enough elements have gone through them to pay for it.
    #[default]
    Hot,
    /// At once, even a single step: for tests.
    Always,
}

impl Compile {
    /// What the setting `MANIPLE_JIT` means.
    pub fn from_setting(text: &str) -> Compile {
        match text {
            "0" => Compile::Never,
            "always" => Compile::Always,
            _ => Compile::Hot,
        }
    }
}

/// Most compiled runs that are kept for programs to come: a page each, most of the time.
const KEPT: usize = 1024;

/// What tells compiled runs apart: the run, and which of its outputs are stored past the caches or are accumulators.
type Key = (Body, Manner);

/// The compiler, and what it has compiled.
#[derive(Debug)]
pub(crate) struct Jit {
    encoding: Encoding,
    pub(crate) compile: Compile,
    codes: Mutex<HashMap<Key, Option<Arc<Code>>>>,
}

impl Jit {
    /// A compiler for this processor; nothing if there is none for it, or the system hands out no executable memory.
    /// `level` is the instruction set to use.
    pub(crate) fn new(compile: Compile, level: Level) -> Option<Jit> {
        let encoding = match level.min(Level::detected()) {
            Level::Baseline => return None,
            Level::V3 => Encoding::Vex,
            Level::V4 => Encoding::Evex,
        };
        let possible = compile != Compile::Never && Pages::new(&[0xc3]).is_some();
        possible.then(|| Jit { encoding, compile, codes: Mutex::default() })
    }

    /// How a run would look; nothing if one of its steps has no instructions or there are not registers enough.
    fn lowered(&self, run: &Body) -> Option<Lowered> {
        let lowered = lower(run, self.encoding)?;
        fits(&lowered, run.inputs.len() + run.outputs.len(), self.encoding).then_some(lowered)
    }

    /// The code of a run, compiled if it has not been; nothing if it cannot be. The sets of `manner` are sets of inputs,
    /// then outputs. What shall be stored past the caches is where it lies at multiples of 64 bytes.
    pub(crate) fn code(&self, run: &Body, manner: Manner) -> Option<Arc<Code>> {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (run.clone(), manner);
        if let Some(known) = codes.get(&key) {
            return known.clone();
        }
        let code = self.compiled(run, manner).map(Arc::new);
        // Programs keep what they use, so all that is lost is that new programs find it again.
        if codes.len() >= KEPT {
            codes.clear();
        }
        codes.insert(key, code.clone());
        code
    }

    fn compiled(&self, run: &Body, manner: Manner) -> Option<Code> {
        let lowered = lower(run, self.encoding)?;
        let pointers = run.inputs.len() + run.outputs.len();
        let bytes = emit(&lowered, pointers, self.encoding, manner)?;
        let usual = match manner.streamed {
            0 => None,
            _ => {
                let manner = Manner { streamed: 0, ..manner };
                Some(Pages::new(&emit(&lowered, pointers, self.encoding, manner)?)?)
            }
        };
        let pages = Pages::new(&bytes)?;
        let dtypes = run.value_dtypes();
        let outputs = run.outputs.iter().map(|&value| dtypes[value as usize].size());
        Some(Code {
            items: run.inputs.iter().map(|dtype| dtype.size()).chain(outputs).collect(),
            inputs: run.inputs.len(),
            lanes: lowered.lanes,
            encoding: self.encoding,
            pages,
            manner,
            usual,
        })
    }
}

/// What compiled code is to its callers: addresses, the table of constants, how many elements.
#[cfg(target_arch = "x86_64")]
type Function = unsafe extern "sysv64" fn(*const *mut u8, *const u8, usize);
/// On other processors nothing is compiled.
#[cfg(not(target_arch = "x86_64"))]
type Function = unsafe extern "C" fn(*const *mut u8, *const u8, usize);

/// A compiled run.
#[derive(Debug)]
pub(crate) struct Code {
    pages: Pages,
    /// Which arguments `pages` store past the caches, and which are accumulators.
    manner: Manner,
    /// The same, with usual stores: for arguments at other addresses than those stores take.
    usual: Option<Pages>,
    /// Bytes per element of inputs and outputs.
    items: Vec<usize>,
    inputs: usize,
    lanes: usize,
    encoding: Encoding,
}

/// Bytes of a line of memory.
const LINE: usize = 64;
/// Bytes of the largest register that has no masks for a part of its lanes.
const PART: usize = 32;

impl Code {
    /// Runs over `count` elements. The table of constants holds a line for each constant of the run and each pattern of
    /// its section.
    ///
    /// # Safety
    /// There must be an address for every input and output, each valid for `count` elements, or for [`LANES`] if it is
    /// one of accumulators; an output may be the very same elements as an input, and overlaps nothing else. The table must
    /// be aligned to a line.
    pub(crate) unsafe fn run(&self, pointers: &[*mut u8], constants: *const u8, count: usize) {
        debug_assert_eq!(pointers.len(), self.items.len());
        // SAFETY: the caller's promise; `head` is less than `count`.
        unsafe {
            match &self.usual {
                Some(usual) if !self.lie_in_lines(pointers) => match self.head(pointers, count) {
                    Some((head, lines)) => {
                        self.over(usual, pointers, constants, head);
                        self.over(&self.pages, &lines[..pointers.len()], constants, count - head);
                    }
                    None => self.over(usual, pointers, constants, count),
                },
                _ => self.over(&self.pages, pointers, constants, count),
            }
        }
    }

    /// # Safety
    /// As [`Code::run`], with code of this run.
    unsafe fn over(&self, pages: &Pages, pointers: &[*mut u8], constants: *const u8, count: usize) {
        let rest = match self.encoding {
            Encoding::Evex => 0,
            Encoding::Vex => count % self.lanes,
        };
        // SAFETY: the caller's promise; the code reads and writes `count - rest` elements.
        unsafe {
            call(pages, pointers.as_ptr(), constants, count - rest);
            if rest > 0 {
                self.part(pointers, constants, count - rest, rest);
            }
        }
    }

    /// After how many elements what is stored past the caches begins with lines of memory, and the addresses there, as the
    /// rows inside of a grid do; nothing if it never does.
    fn head(&self, pointers: &[*mut u8], count: usize) -> Option<(usize, [*mut u8; MOST_POINTERS])> {
        let streamed = self.manner.streamed.trailing_zeros() as usize;
        let ahead = pointers[streamed].addr().wrapping_neg() % LINE;
        let head = ahead / self.items[streamed];
        if self.manner.accumulators != 0 || head >= count {
            return None;
        }
        let mut lines = [std::ptr::null_mut(); MOST_POINTERS];
        for (line, (pointer, item)) in lines.iter_mut().zip(pointers.iter().zip(&self.items)) {
            *line = pointer.wrapping_add(head * item);
        }
        self.lie_in_lines(&lines[..pointers.len()]).then_some((head, lines))
    }

    /// The last few elements, in registers' worth of copies: the lanes beyond repeat the first element, so that they
    /// raise no events of their own.
    #[cold]
    unsafe fn part(&self, pointers: &[*mut u8], constants: *const u8, first: usize, rest: usize) {
        #[repr(align(32))]
        struct Copies([[u8; PART]; MOST_POINTERS]);
        let mut copies = Copies([[0; PART]; MOST_POINTERS]);
        let start = copies.0.as_mut_ptr().cast::<u8>();
        let addresses: [*mut u8; MOST_POINTERS] = std::array::from_fn(|at| start.wrapping_add(at * PART));
        // SAFETY: a copy has room for as many elements as there are lanes, which is more than `rest`.
        unsafe {
            for at in 0..self.inputs {
                let item = self.items[at];
                let from = pointers[at].add(self.place(at, first) * item);
                for lane in 0..self.lanes {
                    let element = from.add(if lane < rest { lane } else { 0 } * item);
                    std::ptr::copy_nonoverlapping(element, addresses[at].add(lane * item), item);
                }
            }
            call(self.usual.as_ref().unwrap_or(&self.pages), addresses.as_ptr(), constants, self.lanes);
            for at in self.inputs..self.items.len() {
                let item = self.items[at];
                let to = pointers[at].add(self.place(at, first) * item);
                std::ptr::copy_nonoverlapping(addresses[at], to, rest * item);
            }
        }
    }

    /// Which of an argument's elements an element of the run goes with.
    fn place(&self, argument: usize, element: usize) -> usize {
        if self.manner.accumulators >> argument & 1 != 0 { element % LANES } else { element }
    }

    /// Whether what is stored past the caches begins with lines of memory.
    fn lie_in_lines(&self, pointers: &[*mut u8]) -> bool {
        let streamed = |at: &usize| self.manner.streamed >> at & 1 != 0;
        (0..pointers.len()).filter(streamed).all(|at| pointers[at].addr().is_multiple_of(LINE))
    }
}

unsafe fn call(pages: &Pages, pointers: *const *mut u8, constants: *const u8, count: usize) {
    // SAFETY: the pages hold a function of this type; the caller keeps its contract.
    unsafe {
        let function: Function = std::mem::transmute(pages.start());
        function(pointers, constants, count);
    }
}
