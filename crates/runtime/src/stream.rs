//! Stage 1: the window, which is plain words, and the tasks they say.
//!
//! A recorded task is a few 64-bit words: its kernel's number, and for every argument the *role* of its region in the
//! window (the order of first use), dtype, privilege, access and view. No word depends on an address or on a region's
//! identity, so equal words mean equal plans; the same words are the plan cache's key and what is written to a file.

use crate::{
    Access, Arg, Handle, Kernel, Line, Order, Places, Privilege, Region, Role, Shape, Span, Strides, Task,
    View,
};
use maniple_ops::{Dtype, Scalar};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The number of an interned kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KernelId(pub u32);

/// All kernels seen, each once.
#[derive(Default)]
pub struct Kernels {
    list: Vec<Arc<Kernel>>,
    numbers: FxHashMap<Arc<Kernel>, KernelId>,
}

impl Kernels {
    /// The number of a kernel, new or old.
    pub fn intern(&mut self, kernel: Kernel) -> KernelId {
        if let Some(&id) = self.numbers.get(&kernel) {
            return id;
        }
        let id = KernelId(self.list.len() as u32);
        let kernel = Arc::new(kernel);
        self.list.push(kernel.clone());
        self.numbers.insert(kernel, id);
        id
    }

    /// The kernel with a number.
    pub fn get(&self, id: KernelId) -> &Arc<Kernel> {
        &self.list[id.0 as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// One argument as a caller of [`Runtime::record`](crate::Runtime::record) gives it.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    /// The region.
    pub region: &'a Handle,
    /// What is done to it.
    pub privilege: Privilege,
    /// The dtype of the elements.
    pub dtype: Dtype,
    /// Which elements a range of points touches.
    pub access: Access,
    /// Byte of the region at which the element with index zero starts.
    pub offset: isize,
    /// Extent of every axis.
    pub shape: &'a [usize],
    /// Step of every axis in bytes.
    pub strides: &'a [isize],
}

/// Tasks that have been recorded and not yet planned.
#[derive(Default)]
pub struct Window {
    /// Serial number; it makes roles of earlier windows invalid.
    pub serial: u32,
    /// The tasks, encoded.
    pub words: Vec<u64>,
    /// The regions by role.
    pub regions: Vec<Arc<Region>>,
    /// The values of all constants.
    pub scalars: Vec<Scalar>,
    /// Where each task comes from.
    pub lines: Vec<Line>,
}

impl Window {
    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Appends a task.
    pub fn push(
        &mut self,
        kernel: KernelId,
        extent: usize,
        operands: &[Operand<'_>],
        scalars: &[Scalar],
        watch: u8,
        line: Line,
    ) {
        self.words.push(
            u64::from(kernel.0)
                | (operands.len() as u64) << 32
                | (scalars.len() as u64) << 40
                | u64::from(watch) << 56,
        );
        self.words.push(extent as u64);
        let mut previous: &[usize] = &[];
        for (position, operand) in operands.iter().enumerate() {
            let regions = &mut self.regions;
            let role = operand.region.role_in(self.serial, || {
                regions.push(operand.region.region().clone());
                regions.len() as u32 - 1
            });
            let same_shape = position > 0 && previous == operand.shape;
            let (tag, payload) = encode_access(operand.access);
            self.words.push(
                u64::from(role)
                    | (operand.privilege as u64) << 32
                    | (operand.dtype as u64) << 36
                    | tag << 44
                    | (operand.shape.len() as u64) << 48
                    | u64::from(same_shape) << 56,
            );
            self.words.extend_from_slice(&payload[..payload_words(tag)]);
            self.words.push(operand.offset as u64);
            if !same_shape {
                self.words.extend(operand.shape.iter().map(|&extent| extent as u64));
            }
            self.words.extend(operand.strides.iter().map(|&stride| stride as u64));
            previous = operand.shape;
        }
        self.scalars.extend_from_slice(scalars);
        self.lines.push(line);
    }

    /// Appends what else a plan depends on: how large the regions are, which of them nobody can read any more, and which
    /// have to stay where they are.
    pub fn seal(&mut self) {
        self.words.extend(self.regions.iter().map(|region| {
            (region.bytes as u64) << 2 | u64::from(region.is_fixed()) << 1 | u64::from(region.is_dead())
        }));
    }

    /// Appends where the regions' bytes are, which a plan depends on where there are several memories.
    pub fn locate(&mut self) {
        self.words.extend(self.regions.iter().map(|region| region.state().places().0));
    }

    /// Empties the window and begins the next.
    pub fn clear(&mut self) {
        self.words.clear();
        self.regions.clear();
        self.scalars.clear();
        self.lines.clear();
        self.serial = self.serial.wrapping_add(1).max(1);
    }
}

/// What the words of a sealed window say.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The tasks in program order.
    pub tasks: Vec<Task>,
    /// Per role, whether nobody can read the region after the window.
    pub dead: Vec<bool>,
    /// Per role, whether somebody outside holds an address of the region's bytes.
    pub fixed: Vec<bool>,
    /// Per role, the extent of the region in bytes.
    pub bytes: Vec<usize>,
    /// Per role, the memories that hold its bytes before the window; empty sets if the window does not say.
    pub places: Vec<Places>,
}

/// Reads the words of a sealed window of `tasks` tasks and `roles` regions.
pub fn decode(words: &[u64], tasks: usize, roles: usize, kernels: &Kernels) -> Decoded {
    let mut words = words.iter().copied();
    let mut next = || words.next().expect("a sealed window is complete");
    let mut scalar = 0u32;
    let mut list = Vec::with_capacity(tasks);
    for _ in 0..tasks {
        let head = next();
        let extent = next() as usize;
        let (operands, scalars) = ((head >> 32) as u8, (head >> 40) as u16 as u32);
        let mut args: Vec<Arg> = Vec::with_capacity(operands as usize);
        for _ in 0..operands {
            let word = next();
            let tag = word >> 44 & 0xf;
            let ndim = (word >> 48 & 0xff) as usize;
            let payload: Vec<u64> = (0..payload_words(tag)).map(|_| next()).collect();
            let offset = next() as isize;
            let shape: Shape = if word >> 56 & 1 == 1 {
                args[args.len() - 1].view.shape.clone()
            } else {
                (0..ndim).map(|_| next() as usize).collect()
            };
            let strides: Strides = (0..ndim).map(|_| next() as isize).collect();
            args.push(Arg {
                role: word as Role,
                privilege: match word >> 32 & 0xf {
                    0 => Privilege::Read,
                    1 => Privilege::Write,
                    _ => Privilege::ReadWrite,
                },
                dtype: Dtype::from_index((word >> 36) as u8).expect("a dtype's number"),
                access: decode_access(tag, &payload),
                view: View { offset, shape, strides },
            });
        }
        list.push(Task {
            kernel: kernels.get(KernelId(head as u32)).clone(),
            args,
            extent,
            scalars: (scalar..scalar + scalars).collect(),
            watch: (head >> 56) as u8,
        });
        scalar += scalars;
    }
    let facts: Vec<u64> = (0..roles).map(|_| next()).collect();
    Decoded {
        tasks: list,
        dead: facts.iter().map(|word| word & 1 == 1).collect(),
        fixed: facts.iter().map(|word| word >> 1 & 1 == 1).collect(),
        bytes: facts.iter().map(|word| (word >> 2) as usize).collect(),
        places: (0..roles).map(|_| Places(words.next().unwrap_or(0))).collect(),
    }
}

fn payload_words(tag: u64) -> usize {
    [0, 1, 2, 3, 3][tag as usize]
}

fn encode_access(access: Access) -> (u64, [u64; 3]) {
    match access {
        Access::Element => (0, [0; 3]),
        Access::Rows(n) => (1, [n as u64, 0, 0]),
        Access::Whole(span) => (2, [span.low as u64, span.high as u64, 0]),
        Access::Cells { .. } => unreachable!("no task has it"),
        Access::Leaves { n, leaves, kept, order } => {
            (if order == Order::KeptFirst { 3 } else { 4 }, [n as u64, leaves as u64, kept as u64])
        }
    }
}

fn decode_access(tag: u64, payload: &[u64]) -> Access {
    let word = |at: usize| payload[at] as usize;
    match tag {
        0 => Access::Element,
        1 => Access::Rows(word(0)),
        2 => Access::Whole(Span { low: word(0), high: word(1) }),
        tag => Access::Leaves {
            n: word(0),
            leaves: word(1),
            kept: word(2),
            order: if tag == 3 { Order::KeptFirst } else { Order::ReducedFirst },
        },
    }
}

impl<'a> Operand<'a> {
    /// An operand whose point `p` is element `p` of `view`.
    pub fn element(region: &'a Handle, privilege: Privilege, dtype: Dtype, view: &'a View) -> Operand<'a> {
        Operand {
            region,
            privilege,
            dtype,
            access: Access::Element,
            offset: view.offset,
            shape: &view.shape,
            strides: &view.strides,
        }
    }

    /// The same operand with another access.
    pub fn with_access(self, access: Access) -> Operand<'a> {
        Operand { access, ..self }
    }

    /// The view.
    pub fn view(&self) -> View {
        View {
            offset: self.offset,
            shape: Shape::from_slice(self.shape),
            strides: Strides::from_slice(self.strides),
        }
    }
}
