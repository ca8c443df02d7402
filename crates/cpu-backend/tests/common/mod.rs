//! Launches made by hand: regions, views of every layout, and reading results back one by one.

#![allow(dead_code, reason = "every test file uses a part of it")]

use maniple_cpu::{Compile, Cpu, CpuDescription};
use maniple_ops::{Dtype, Level, Scalar};
use maniple_runtime::{
    Access, Arg, Backend, Binding, Event, Handoff, Kernel, Launch, PointTask, Privilege, ProcessorId, Report,
    Shape, Strides, View,
};
use std::sync::Arc;

/// A generator of test data.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58476d1ce4e5b9) >> 8
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A small number, so that sums stay exact in no dtype but overflow in few.
    pub fn scalar(&mut self, dtype: Dtype) -> Scalar {
        let value = (self.next() % 2000) as f64 / 37.0 - 20.0;
        match dtype {
            Dtype::Bool => Scalar::new((self.next() % 2) as u8).cast(dtype),
            dtype if dtype.is_integer() => Scalar::new((self.next() % 250) as i64).cast(dtype),
            Dtype::Complex64 | Dtype::Complex128 => {
                let imaginary = (self.next() % 2000) as f64 / 31.0 - 20.0;
                Scalar::from_bytes(
                    Dtype::Complex128,
                    &[value.to_le_bytes(), imaginary.to_le_bytes()].concat(),
                )
                .cast(dtype)
            }
            _ => Scalar::new(value).cast(dtype),
        }
    }
}

/// How a view lies in its region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Contiguous,
    Transposed,
    Stepped,
    Reversed,
    /// The first axis repeats one element.
    BroadcastFirst,
    /// The second axis of three does.
    BroadcastMiddle,
    /// The last axis repeats one element.
    BroadcastLast,
    /// Every axis does.
    Scalar,
    /// A part of longer rows.
    Offset,
    /// Elements at odd addresses.
    Unaligned,
}

impl Layout {
    pub const ALL: [Layout; 10] = [
        Layout::Contiguous,
        Layout::Transposed,
        Layout::Stepped,
        Layout::Reversed,
        Layout::BroadcastFirst,
        Layout::BroadcastMiddle,
        Layout::BroadcastLast,
        Layout::Scalar,
        Layout::Offset,
        Layout::Unaligned,
    ];
    /// Those without repeated elements.
    pub const FOR_OUTPUTS: [Layout; 6] = [
        Layout::Contiguous,
        Layout::Transposed,
        Layout::Stepped,
        Layout::Reversed,
        Layout::Offset,
        Layout::Unaligned,
    ];

    /// A view of that layout.
    pub fn view(self, shape: &[usize], item: usize) -> View {
        let ndim = shape.len();
        let strides = |extents: &[usize], order: &mut dyn Iterator<Item = usize>| {
            let mut strides = Strides::from_elem(0, ndim);
            let mut step = item as isize;
            for axis in order {
                strides[axis] = step;
                step *= extents[axis].max(1) as isize;
            }
            strides
        };
        let inner_first = &mut (0..ndim).rev();
        let mut view = View::contiguous(shape, item);
        match self {
            Layout::Contiguous => {}
            Layout::Transposed => view.strides = strides(shape, &mut (0..ndim)),
            Layout::Stepped => {
                let doubled: Vec<usize> =
                    shape.iter().map(|&extent| if extent > 1 { extent * 2 } else { extent }).collect();
                view.strides = strides(&doubled, inner_first).iter().map(|stride| stride * 2).collect();
            }
            Layout::Reversed => {
                for (stride, extent) in view.strides.iter_mut().zip(shape) {
                    view.offset += *stride * extent.saturating_sub(1) as isize;
                    *stride = -*stride;
                }
            }
            Layout::BroadcastFirst if ndim > 0 => view.strides[0] = 0,
            Layout::BroadcastLast if ndim > 0 => {
                view = View::contiguous(&shape[..ndim - 1], item);
                view.shape.push(shape[ndim - 1]);
                view.strides.push(0);
            }
            Layout::BroadcastMiddle if ndim == 3 => {
                view = View::contiguous(&[shape[0], shape[2]], item);
                view.shape.insert(1, shape[1]);
                view.strides.insert(1, 0);
            }
            Layout::BroadcastFirst | Layout::BroadcastMiddle | Layout::BroadcastLast => {}
            Layout::Scalar => view.strides.iter_mut().for_each(|stride| *stride = 0),
            Layout::Offset => {
                let longer: Vec<usize> =
                    shape.iter().map(|&extent| if extent > 1 { extent + 3 } else { extent }).collect();
                view.strides = strides(&longer, inner_first);
                view.offset = 2 * item as isize;
            }
            Layout::Unaligned => view.offset = 1,
        }
        view
    }
}

/// Regions by role, each filled with samples of a dtype, aligned to 16 bytes.
#[derive(Clone, Default)]
pub struct Memory {
    pub regions: Vec<Vec<[u64; 2]>>,
}

impl Memory {
    /// Adds a region that can hold the view, filled with elements of its dtype from byte `view.offset % item` on, and
    /// makes an argument of it.
    pub fn add(&mut self, view: View, dtype: Dtype, privilege: Privilege, random: &mut Random) -> Arg {
        let item = dtype.size();
        let bytes = view.span(item).high + item;
        let mut data = vec![0u8; bytes.next_multiple_of(16)];
        let start = if item > 1 { view.offset.rem_euclid(item as isize) as usize } else { 0 };
        for element in data[start..].chunks_exact_mut(item) {
            element.copy_from_slice(random.scalar(dtype).as_bytes());
        }
        let words = data.chunks_exact(16).map(|pair| {
            [0, 8].map(|at| u64::from_le_bytes(pair[at..at + 8].try_into().expect("eight bytes")))
        });
        self.regions.push(words.collect());
        Arg { role: self.regions.len() as u32 - 1, privilege, dtype, access: Access::Element, view }
    }

    /// The element at a position of an argument's C order.
    pub fn get(&self, arg: &Arg, position: usize) -> Scalar {
        let at = byte_of(&arg.view, position);
        Scalar::from_bytes(arg.dtype, &as_bytes(&self.regions[arg.role as usize])[at..at + arg.dtype.size()])
    }

    /// Sets the element at a position of an argument's C order.
    pub fn set(&mut self, arg: &Arg, position: usize, value: Scalar) {
        let at = byte_of(&arg.view, position);
        let region = &mut self.regions[arg.role as usize];
        // SAFETY: integers are bytes, and any bytes are integers.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(region.as_mut_ptr().cast::<u8>(), region.len() * 16) };
        bytes[at..at + arg.dtype.size()].copy_from_slice(value.as_bytes());
    }
}

fn as_bytes(region: &[[u64; 2]]) -> &[u8] {
    // SAFETY: integers are bytes.
    unsafe { std::slice::from_raw_parts(region.as_ptr().cast(), region.len() * 16) }
}

/// The first byte of the element at a position of the C order.
pub fn byte_of(view: &View, position: usize) -> usize {
    let (mut rest, mut at) = (position, view.offset);
    for axis in (0..view.ndim()).rev() {
        at += (rest % view.shape[axis]) as isize * view.strides[axis];
        rest /= view.shape[axis];
    }
    at as usize
}

pub fn launch(kernel: Kernel, args: Vec<Arg>, extent: usize) -> Arc<Launch> {
    let (steps, folds) = match &kernel {
        Kernel::Map(body) => (body.steps.len(), 1),
        Kernel::Reduce(reduce) => (reduce.body.steps.len(), reduce.ops.len()),
        _ => (0, 1),
    };
    Arc::new(Launch {
        kernel: Arc::new(kernel),
        args,
        extent,
        grain: 1,
        scalars: Vec::new(),
        tasks: (0..folds as u32).collect(),
        owners: vec![0; steps],
        watch: vec![0; folds],
        exchanges: Vec::new(),
        near: Vec::new(),
        prepared: Default::default(),
    })
}

pub fn cpu() -> Cpu {
    Cpu::new(&CpuDescription { workers: vec![3], ..CpuDescription::default() })
}

/// Backends that never compile and that compile everything, for every instruction set that there is.
pub fn cpus() -> impl Iterator<Item = Cpu> {
    let ways =
        [(Compile::Never, None), (Compile::Always, Some(Level::V3)), (Compile::Always, Some(Level::V4))];
    ways.into_iter().map(|(compile, compile_for)| {
        Cpu::new(&CpuDescription { workers: vec![3], compile, compile_for, ..CpuDescription::default() })
    })
}

/// Runs a launch in some pieces and waits; false if it is not supported.
pub fn run(cpu: &Cpu, launch: &Arc<Launch>, memory: &mut Memory, scalars: &[Scalar], pieces: usize) -> bool {
    run_reporting(cpu, launch, memory, scalars, pieces, None)
}

pub fn run_reporting(
    cpu: &Cpu,
    launch: &Arc<Launch>,
    memory: &mut Memory,
    scalars: &[Scalar],
    pieces: usize,
    report: Option<Arc<Report>>,
) -> bool {
    if launch.prepared_by(0, cpu).is_none() {
        return false;
    }
    let bases = launch
        .args
        .iter()
        .map(|arg| memory.regions[arg.role as usize].as_mut_ptr().expose_provenance() as u64);
    let binding = Arc::new(Binding {
        bases: bases.collect(),
        scalars: scalars.into(),
        report,
        reports: Vec::new(),
        keep: Default::default(),
    });
    // Cuts at odd places, in an order that is not that of the points.
    let mut bounds: Vec<usize> = (0..=pieces).map(|piece| launch.extent * piece / pieces).collect();
    if pieces > 2 {
        bounds[1] = (bounds[1] + 1).min(bounds[2]);
    }
    let mut events: Vec<Event> = Vec::new();
    for piece in (0..pieces).rev().filter(|&piece| bounds[piece] < bounds[piece + 1]) {
        let task = PointTask { launch, binding: &binding, first: bounds[piece], last: bounds[piece + 1] };
        let handoff = if pieces == 1 { Handoff::Inline } else { Handoff::Queue };
        events.push(cpu.run(ProcessorId(0), task, handoff, &[]));
    }
    events.into_iter().for_each(|event| cpu.wait(event).expect("no kernel fails"));
    true
}

/// Whether two scalars have equal bits, any NaN being as good as another.
pub fn same(a: Scalar, b: Scalar) -> bool {
    let parts = |scalar: Scalar| -> Vec<Option<Vec<u8>>> {
        let real = scalar.dtype().real();
        (scalar.as_bytes().chunks(real.size()))
            .map(|part| {
                let missing = real.is_float() && Scalar::from_bytes(real, part).as_f64().is_nan();
                (!missing).then(|| part.to_vec())
            })
            .collect()
    };
    a.dtype() == b.dtype() && (a == b || parts(a) == parts(b))
}

pub fn shape(extents: &[usize]) -> Shape {
    Shape::from_slice(extents)
}
