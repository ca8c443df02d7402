//! What handing a kernel to a device costs: the backend's launches beside a loop that is written by hand.
//!
//! Both run the same addition of 1,024 numbers many times over and wait at the end.

use maniple_conformance::common::{Layout, Memory, Random, launch};
use maniple_ops::{Body, Dtype, Op, signature};
use maniple_runtime::{
    Allocation, Backend, Binding, Handoff, Kernel, Launch, MemoryId, PointTask, Privilege, ProcessorId,
};
use maniple_wgpu::{At, Wgpu};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ELEMENTS: usize = 1024;
const KERNELS: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let backend = match Wgpu::find(At { backend: 1, memory: 1, processor: 1 }, None, None) {
        Ok(backend) => backend,
        Err(reason) => return println!("nothing to measure: {reason}"),
    };
    for info in backend.devices() {
        println!("{}: {info}", info.name);
    }
    let of = signature(Op::Add, Dtype::Float32).expect("a common row");
    let body = Body::single(&of, &of.ins, &of.outs);
    let (mut memory, mut random) = (Memory::default(), Random(1));
    let args = [Privilege::Read, Privilege::Read, Privilege::Write].map(|privilege| {
        memory.add(Layout::Contiguous.view(&[ELEMENTS], 4), Dtype::Float32, privilege, &mut random)
    });
    let launch = launch(Kernel::Map(body), args.to_vec(), ELEMENTS);
    assert!(launch.prepared_by(1, &backend).is_some());
    let taken: Vec<Allocation> =
        (0..3).map(|_| backend.alloc(MemoryId(1), ELEMENTS * 4).expect("there is room")).collect();
    let binding = Arc::new(Binding {
        bases: taken.iter().map(|allocation| allocation.address).collect(),
        ..Binding::default()
    });
    ours(&backend, &launch, &binding, 100);
    by_hand(100);
    for _ in 0..ROUNDS {
        let (mine, theirs) = (ours(&backend, &launch, &binding, KERNELS), by_hand(KERNELS));
        let each = |time: Duration| time.as_secs_f64() * 1e6 / KERNELS as f64;
        println!(
            "per kernel: the backend {:.2} us (recording {:.2} us), by hand {:.2} us (recording {:.2} us)",
            each(mine.1),
            each(mine.0),
            each(theirs.1),
            each(theirs.0)
        );
    }
}

/// Seconds until all launches are handed over, and until they have run.
fn ours(
    backend: &Wgpu,
    launch: &Arc<Launch>,
    binding: &Arc<Binding>,
    kernels: usize,
) -> (Duration, Duration) {
    let started = Instant::now();
    let mut last = None;
    for _ in 0..kernels {
        let task = PointTask { launch, binding, first: 0, last: ELEMENTS };
        last = Some(backend.run(ProcessorId(1), task, Handoff::Queue, &[]));
    }
    let recorded = started.elapsed();
    backend.wait(last.expect("there is a kernel")).expect("no kernel fails");
    (recorded, started.elapsed())
}

/// The same with wgpu alone: 64 kernels to a submission, one pipeline, one group of buffers.
fn by_hand(kernels: usize) -> (Duration, Duration) {
    let (device, queue) = open();
    let text = "@group(0) @binding(0) var<storage, read> a: array<f32>;\n\
                @group(0) @binding(1) var<storage, read> b: array<f32>;\n\
                @group(0) @binding(2) var<storage, read_write> c: array<f32>;\n\
                @compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n\
                c[id.x] = a[id.x] + b[id.x];\n}\n";
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(text.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: None,
        compilation_options: Default::default(),
        cache: None,
    });
    let buffers: Vec<wgpu::Buffer> = (0..3)
        .map(|_| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: 4 * ELEMENTS as u64,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        })
        .collect();
    let entries: Vec<_> = (0u32..)
        .zip(&buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    let started = Instant::now();
    for begin in (0..kernels).step_by(64) {
        let mut encoder = device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for _ in begin..kernels.min(begin + 64) {
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(ELEMENTS as u32 / 256, 1, 1);
            }
        }
        queue.submit([encoder.finish()]);
    }
    let recorded = started.elapsed();
    device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    (recorded, started.elapsed())
}

fn open() -> (wgpu::Device, wgpu::Queue) {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = complete(instance.enumerate_adapters(wgpu::Backends::PRIMARY)).remove(0);
    complete(adapter.request_device(&Default::default())).expect("the adapter opens")
}

/// The result of a future that is complete, as all of wgpu's are.
fn complete<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => unreachable!("only browsers make wait"),
    }
}
