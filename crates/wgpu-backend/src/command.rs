//! What the kernel classes hand to a device: programs with their parameters.
//!
//! A class turns a launch into text once, and a range of its points into [`Command`]s every time. Both are plain values:
//! nothing in a class's file touches a device.

use crate::device::Pipeline;
use maniple_runtime::{Arg, Binding, DeviceError, Launch};
use smallvec::SmallVec;
use std::fmt::Write;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A kernel's parameters.
pub(crate) type Words = SmallVec<[u32; 48]>;

/// Bytes that every kernel's parameters may take.
pub(crate) const PARAMETERS: usize = 2048;

/// Threads of a workgroup, in every kernel.
pub(crate) const THREADS: usize = 256;

/// Most commands of one range of points.
pub(crate) const MOST_COMMANDS: usize = 32;

/// How kernels use a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Reads words.
    Read,
    /// Reads and writes words.
    Write,
    /// Reads and changes words that other threads change too.
    Atomic,
}

/// A kernel as text, and how it uses its buffers.
pub(crate) struct Program {
    /// The whole text, that begins with what [`Program::new`] adds.
    pub(crate) text: String,
    pub(crate) modes: SmallVec<[Mode; 8]>,
    /// What the devices that ran it made of it.
    pub(crate) pipelines: [OnceLock<Result<Arc<Pipeline>, DeviceError>>; MOST_DEVICES],
}

/// Devices of one machine, at most.
pub(crate) const MOST_DEVICES: usize = 16;

impl Program {
    /// A program that takes `words` words. `text` defines `main` and finds `p` with its words, the buffers `b0` and so
    /// on, `report`, `mn_zero`, `operations`, and `shaders/common.wgsl` before it.
    pub(crate) fn new(words: usize, modes: &[Mode], operations: &str, text: &str) -> Arc<Program> {
        Program::over("u32", words, modes, operations, text)
    }

    /// The same with buffers of four words at a time, none of them atomic.
    pub(crate) fn of_packs(words: usize, modes: &[Mode], operations: &str, text: &str) -> Arc<Program> {
        Program::over("vec4<u32>", words, modes, operations, text)
    }

    fn over(element: &str, words: usize, modes: &[Mode], operations: &str, text: &str) -> Arc<Program> {
        let mut whole = String::with_capacity(operations.len() + text.len() + 4096);
        for (binding, mode) in modes.iter().enumerate() {
            let (access, element) = match mode {
                Mode::Read => ("read", element),
                Mode::Write => ("read_write", element),
                Mode::Atomic => ("read_write", "atomic<u32>"),
            };
            let _ = writeln!(
                whole,
                "@group(0) @binding({binding}) var<storage, {access}> b{binding}: array<{element}>;"
            );
        }
        let _ = writeln!(
            whole,
            "@group(1) @binding(0) var<uniform> p: array<vec4<u32>, {}>;",
            words.div_ceil(4).max(1)
        );
        whole.push_str(include_str!("../../../shaders/common.wgsl"));
        whole.push_str(operations);
        whole.push_str(text);
        debug_assert!(words * 4 <= PARAMETERS);
        Arc::new(Program { text: whole, modes: modes.into(), pipelines: Default::default() })
    }
}

/// A word of the parameters, as text.
pub(crate) fn word(at: usize) -> String {
    format!("p[{}].{}", at / 4, ["x", "y", "z", "w"][at % 4])
}

/// Position of the first word that says where an argument is: word 0 is always zero.
pub(crate) const PLACES: usize = 1;

/// One kernel to be queued.
pub(crate) struct Command {
    pub(crate) program: Arc<Program>,
    /// Number of workgroups.
    pub(crate) groups: usize,
    /// What is touched where; word `PLACES + i` becomes the distance in bytes from the start of the bound buffer to
    /// place `i`.
    pub(crate) places: SmallVec<[Place; 8]>,
    /// Parameters, beginning with zeroes for word 0 and the places.
    pub(crate) words: Words,
}

/// Something in a buffer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// The buffer, as the kernel numbers them.
    pub(crate) binding: usize,
    /// The address from which the kernel counts.
    pub(crate) address: u64,
    /// The addresses that the kernel touches.
    pub(crate) touched: Range<u64>,
}

/// What a class turns into commands: a range of a launch's points, and where its bytes are.
pub(crate) struct Call<'a> {
    pub(crate) binding: &'a Binding,
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Memory of as many bytes as the class's `scratch` asked for, aligned to 256; its contents are undefined.
    pub(crate) scratch: u64,
    /// The first cell for floating point flags.
    pub(crate) report: u32,
}

/// A launch made ready.
pub(crate) trait Class: Send + Sync {
    /// Bytes of device memory that the points `first..last` need while they run.
    fn scratch(&self, _first: usize, _last: usize) -> usize {
        0
    }
    /// If neighbouring points touch neighbouring bytes, so that few points need to see little of any buffer: into how many
    /// points a launch may be cut to fit what a kernel sees.
    fn grain(&self) -> Option<usize> {
        None
    }
    /// Most arguments that one of its kernels takes, of the launch that it was made of.
    fn most_args(&self, launch: &Launch) -> usize {
        launch.args.len()
    }
    /// The kernels that compute a range of points, in order.
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]>;
}

/// Words that are all zero, with room for some places.
pub(crate) fn begin(places: usize) -> Words {
    SmallVec::from_elem(0, PLACES + places)
}

/// Which buffer each argument is in: arguments of one region share it, since no two may overlap where one is written.
#[derive(Clone, Debug)]
pub(crate) struct Buffers {
    of: SmallVec<[usize; 8]>,
    pub(crate) modes: SmallVec<[Mode; 8]>,
}

impl Buffers {
    /// `atomic` says which arguments are written by threads that share words.
    pub(crate) fn new(args: &[Arg], atomic: impl Fn(usize) -> bool) -> Buffers {
        let mut roles: SmallVec<[u32; 8]> = SmallVec::new();
        let mut buffers = Buffers { of: SmallVec::new(), modes: SmallVec::new() };
        for (number, arg) in args.iter().enumerate() {
            let at = roles.iter().position(|&role| role == arg.role).unwrap_or_else(|| {
                roles.push(arg.role);
                buffers.modes.push(Mode::Read);
                roles.len() - 1
            });
            buffers.of.push(at);
            let mode = match (arg.privilege.writes(), atomic(number)) {
                (true, true) => Mode::Atomic,
                (true, false) => Mode::Write,
                _ => Mode::Read,
            };
            if mode != Mode::Read && buffers.modes[at] != Mode::Atomic {
                buffers.modes[at] = mode;
            }
        }
        buffers
    }

    /// The buffer of an argument.
    pub(crate) fn of(&self, arg: usize) -> usize {
        self.of[arg]
    }

    /// The expression for the word of an argument's buffer that holds the byte `at`.
    pub(crate) fn word(&self, arg: usize, at: &str) -> String {
        let binding = self.of[arg];
        match self.modes[binding] {
            Mode::Atomic => format!("atomicLoad(&b{binding}[{at}])"),
            _ => format!("b{binding}[{at}]"),
        }
    }

    /// Adds a buffer that no argument is in.
    pub(crate) fn add(&mut self, mode: Mode) -> usize {
        self.modes.push(mode);
        self.modes.len() - 1
    }

    /// The place of an argument, of which a range of points touches a span.
    pub(crate) fn place(
        &self,
        number: usize,
        arg: &Arg,
        base: u64,
        offset: isize,
        first: usize,
        last: usize,
    ) -> Place {
        let span = arg.span_of(first, last);
        Place {
            binding: self.of[number],
            address: base.wrapping_add_signed(offset as i64),
            touched: base.wrapping_add(span.low as u64)..base.wrapping_add(span.high as u64),
        }
    }
}
