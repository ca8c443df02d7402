//! What the tests of backends share: launches made by hand, run on a device next to the host's processor.

pub mod classes;
#[path = "../../cpu-backend/tests/common/mod.rs"]
#[allow(
    missing_docs,
    clippy::should_implement_trait,
    reason = "what it holds is written where it lies, among the tests"
)]
pub mod common;
pub mod rows;

use common::Memory;
use maniple_cpu::{Cpu, CpuDescription};
use maniple_ops::Scalar;
use maniple_runtime::{
    Backend, Backends, Binding, Event, Handle, Handoff, Launch, MemoryId, Place, PointTask, ProcessorId,
    Report, Runtime, Settings,
};
use std::sync::Arc;

/// A backend that is the second of its machine, with the host's processor before it.
pub struct Bench {
    /// The host's processor.
    pub cpu: Cpu,
    /// The backend, whose first memory and processor are those of number 1.
    pub device: Arc<dyn Backend>,
    /// A region for copies to name.
    named: Handle,
    _runtime: Runtime,
}

impl Bench {
    /// Around a backend at position 1.
    pub fn new(device: Arc<dyn Backend>) -> Bench {
        let cpu = || Cpu::new(&CpuDescription { workers: vec![3], ..CpuDescription::default() });
        let settings = Settings::default();
        let mapper = maniple_mapper::from_settings(&settings);
        let runtime = Runtime::new(Backends::new(vec![Arc::new(cpu())]), mapper, settings);
        Bench { cpu: cpu(), device, named: runtime.create(16), _runtime: runtime }
    }

    /// Runs a launch on the device, in pieces; false if it is not supported there.
    pub fn run(
        &self,
        launch: &Arc<Launch>,
        memory: &mut Memory,
        scalars: &[Scalar],
        pieces: usize,
        report: Option<Arc<Report>>,
    ) -> bool {
        let device = &*self.device;
        if launch.prepared_by(1, device).is_none() {
            return false;
        }
        let done = |event: Event| if event.is_done() { Ok(()) } else { device.wait(event) };
        let host = |address: *const [u64; 2]| Place {
            memory: MemoryId(0),
            address: address.expose_provenance() as u64,
        };
        let taken: Vec<_> = (memory.regions.iter())
            .map(|region| {
                let bytes = region.len() * 16;
                let allocation = device.alloc(MemoryId(1), bytes.max(16)).expect("there is room");
                if bytes > 0 {
                    let to = Place { memory: MemoryId(1), address: allocation.address };
                    device.copy(host(region.as_ptr()), to, bytes, self.named.region(), &[]);
                }
                allocation
            })
            .collect();
        let binding = Arc::new(Binding {
            bases: launch.args.iter().map(|arg| taken[arg.role as usize].address).collect(),
            scalars: scalars.into(),
            report,
            reports: Vec::new(),
            keep: Default::default(),
        });
        for piece in 0..pieces {
            let bound = |piece: usize| launch.extent * piece / pieces;
            let task = PointTask { launch, binding: &binding, first: bound(piece), last: bound(piece + 1) };
            if task.first < task.last {
                let event = device.run(ProcessorId(1), task, Handoff::Queue, &[]);
                done(event).unwrap_or_else(|error| panic!("{}: {launch}", error.0));
            }
        }
        for (region, allocation) in memory.regions.iter_mut().zip(taken) {
            let bytes = region.len() * 16;
            if bytes > 0 {
                let from = Place { memory: MemoryId(1), address: allocation.address };
                let event = device.copy(from, host(region.as_mut_ptr()), bytes, self.named.region(), &[]);
                done(event).expect("it is copied");
            }
            device.free(allocation);
        }
        true
    }
}
