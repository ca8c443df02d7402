//! Programs on a device beside the host's processor: what moves, what a full memory means, and what a lost device means.
//!
//! Where there is no adapter, the tests pass without a look; CI has one (Mesa's lavapipe).

use maniple_cpu::{Cpu, CpuDescription};
use maniple_mapper::from_settings;
use maniple_ops::{Body, Dtype, Op, Scalar};
use maniple_runtime::{
    Backend, Backends, Error, Handle, Kernel, KernelId, Line, Operand, Privilege, Runtime, Settings, View,
};
use maniple_wgpu::{At, Wgpu};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const F32: Dtype = Dtype::Float32;

/// A runtime with a device at position 1, and the device.
fn runtime(limit: Option<usize>, settings: Settings) -> Option<(Runtime, Arc<Wgpu>)> {
    let found = Wgpu::find(At { backend: 1, memory: 1, processor: 1 }, limit, None);
    let device = Arc::new(found.map_err(|reason| eprintln!("nothing is tested: {reason}")).ok()?);
    let cpu = Cpu::new(&CpuDescription { workers: vec![2], ..CpuDescription::default() });
    let settings = Settings { on: Some("wgpu".into()), check: true, ..settings };
    let mapper = from_settings(&settings);
    let list: Vec<Arc<dyn Backend>> = vec![Arc::new(cpu), device.clone()];
    Some((Runtime::new(Backends::new(list), mapper, settings), device))
}

/// A value and a constant, combined by a row.
fn step(op: Op) -> Kernel {
    let mut body = Body { inputs: vec![F32], constants: vec![F32], ..Body::default() };
    body.outputs = vec![body.push_apply(op, F32, [0, 1].into_iter().collect())];
    Kernel::Map(body)
}

fn record(runtime: &Runtime, kernel: KernelId, from: Option<&Handle>, to: &Handle, scalars: &[f32]) {
    let view = View::contiguous(&[to.bytes / 4], 4);
    let mut operands: Vec<Operand<'_>> = Vec::new();
    operands.extend(from.map(|from| Operand::element(from, Privilege::Read, F32, &view)));
    operands.push(Operand::element(to, Privilege::Write, F32, &view));
    let scalars: Vec<Scalar> = scalars.iter().map(|&number| Scalar::new(number)).collect();
    runtime.record(kernel, to.bytes / 4, &operands, &scalars, 0, Line::default()).expect("there is room");
}

/// What a region holds.
fn values<'a>(runtime: &Runtime, region: &'a Handle) -> Result<&'a [f32], Error> {
    let address = runtime.host(region, false)?;
    let count = region.bytes / 4;
    // SAFETY: the region's bytes lie at its host address as long as the handle lives, and no command uses them.
    Ok(unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address as usize), count) })
}

/// Adds up what submissions say of themselves.
#[derive(Default)]
struct Totals {
    kernels: AtomicU64,
    bytes: AtomicU64,
    next: AtomicU64,
    names: Mutex<Vec<&'static str>>,
}

/// A listener to spans of submissions.
struct Listener(Arc<Totals>);

impl Visit for &Totals {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "kernels" => self.kernels.fetch_add(value, Ordering::Relaxed),
            "bytes" => self.bytes.fetch_add(value, Ordering::Relaxed),
            _ => 0,
        };
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = span.metadata().name();
        if name == "submit" {
            span.record(&mut &*self.0);
        }
        self.0.names.lock().expect("nobody panics while holding it").push(name);
        Id::from_u64(self.0.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Twenty fused operations read and write each number once, on any number of numbers.
#[test]
fn a_fused_chain_moves_its_data_once() {
    const ELEMENTS: usize = 20_000_000;
    let Some((runtime, _)) = runtime(None, Settings::default()) else { return };
    let arrays: Vec<Handle> = (0..21).map(|_| runtime.create(ELEMENTS * 4)).collect();
    let iota = runtime.intern(Kernel::Iota { dtype: F32 });
    let [add, multiply] = [Op::Add, Op::Multiply].map(|op| runtime.intern(step(op)));
    record(&runtime, iota, None, &arrays[0], &[0.0, 1.0]);
    runtime.sync().expect("nothing fails");
    let (totals, before) = (Arc::new(Totals::default()), runtime.statistics());
    let last = tracing::subscriber::with_default(Listener(totals.clone()), || {
        for (number, pair) in arrays.windows(2).enumerate() {
            let kernel = if number % 2 == 0 { multiply } else { add };
            record(&runtime, kernel, Some(&pair[0]), &pair[1], &[1.0 - 0.0625 * (number % 2) as f32]);
        }
        let last = arrays.last().expect("there are some").clone();
        drop(arrays);
        runtime.sync().expect("nothing fails");
        last
    });
    let after = runtime.statistics();
    assert_eq!(after.launches - before.launches, 1);
    assert_eq!(after.copied, before.copied);
    assert_eq!(totals.kernels.load(Ordering::Relaxed), 1);
    assert_eq!(totals.bytes.load(Ordering::Relaxed), 2 * 4 * ELEMENTS as u64);
    let found = values(&runtime, &last).expect("it has a value");
    for at in [0, 1, 12_345, ELEMENTS - 1] {
        let wanted = (0..20).fold(at as f32, |value, number| match number % 2 {
            0 => value * 1.0,
            _ => value + 0.9375,
        });
        assert_eq!(found[at], wanted, "element {at}");
    }
}

/// Six arrays, each one more than the one before: the device holds two or three of them.
#[test]
fn what_a_full_device_has_no_room_for_is_computed_by_the_host() {
    const ELEMENTS: usize = 20_000;
    let room = 2 * ELEMENTS * 4 + (64 << 10);
    let settings = Settings { fuse: false, ..Settings::default() };
    let Some((runtime, _)) = runtime(Some(room), settings) else { return };
    let arrays: Vec<Handle> = (0..6).map(|_| runtime.create(ELEMENTS * 4)).collect();
    let iota = runtime.intern(Kernel::Iota { dtype: F32 });
    let add = runtime.intern(step(Op::Add));
    record(&runtime, iota, None, &arrays[0], &[0.0, 1.0]);
    arrays.windows(2).for_each(|pair| record(&runtime, add, Some(&pair[0]), &pair[1], &[1.0]));
    for (number, array) in arrays.iter().enumerate() {
        for (at, &value) in values(&runtime, array).expect("it has a value").iter().enumerate() {
            assert_eq!(value, (at + number) as f32, "array {number}, element {at}");
        }
    }
    assert!(runtime.statistics().copied > 0, "the device took a part");
}

/// What was on the device is gone; what comes later fails as long as it is sent there, and the host computes on.
#[test]
fn a_lost_device_is_an_error_and_not_the_end() {
    const ELEMENTS: usize = 1000;
    let Some((runtime, device)) = runtime(None, Settings::default()) else { return };
    let [first, second] = [(); 2].map(|()| runtime.create(ELEMENTS * 4));
    let iota = runtime.intern(Kernel::Iota { dtype: F32 });
    record(&runtime, iota, None, &first, &[0.0, 1.0]);
    runtime.sync().expect("nothing fails");
    device.abandon();
    let error = values(&runtime, &first).expect_err("its bytes are gone");
    assert!(matches!(error, Error::Device { .. }), "{error}");
    runtime.prefer(Some(0)).expect("the host is there");
    record(&runtime, iota, None, &second, &[5.0, 1.0]);
    assert_eq!(values(&runtime, &second).expect("the host computes")[..2], [5.0, 6.0]);
}
