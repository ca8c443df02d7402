//! What happens when a device's memory is full, and when a device is found late: nothing is lost.

use maniple_cpu::{Cpu, CpuDescription};
use maniple_cuda::{At, Cuda, Emulator};
use maniple_mapper::from_settings;
use maniple_ops::{Body, Dtype, Op, Scalar};
use maniple_runtime::{
    Backend, Backends, Handle, Kernel, Line, Operand, Privilege, Runtime, Settings, Shape, Strides, View,
};
use std::sync::Arc;

const ELEMENTS: usize = 20_000;
/// Room for two arrays and what the backend itself needs.
const DEVICE_BYTES: usize = 2 * ELEMENTS * 8 + (64 << 10);

#[test]
fn what_was_computed_before_a_device_was_found_gets_there() {
    let cpu = Cpu::new(&CpuDescription { workers: vec![2], ..CpuDescription::default() });
    let find = |_: &[Arc<dyn Backend>]| -> Vec<Arc<dyn Backend>> {
        let driver = Emulator::new(1, 16 << 20).expect("g++ is there");
        vec![Arc::new(Cuda::new(Arc::new(driver), At { backend: 1, memory: 1, processor: 1 }, None))]
    };
    let settings = Settings { check: true, ..Settings::default() };
    let mapper = from_settings(&settings);
    let backends = Backends::new(vec![Arc::new(cpu)]).with_search(Box::new(find));
    let runtime = Runtime::new(backends, mapper, settings);
    let view = View::contiguous(&[ELEMENTS], 8);
    let tail = View { offset: 8, ..View::contiguous(&[ELEMENTS - 1], 8) };
    let arrays = [runtime.create(ELEMENTS * 8), runtime.create(ELEMENTS * 8)];
    let iota = runtime.intern(Kernel::Iota { dtype: Dtype::Float64 });
    let add = runtime.intern(Kernel::Map(one_more()));
    let scalar = Scalar::new::<f64>;
    let output = Operand::element(&arrays[0], Privilege::Write, Dtype::Float64, &view);
    let range = [scalar(0.0), scalar(1.0)];
    runtime.record(iota, ELEMENTS, &[output], &range, 0, Line::default()).expect("there is room");
    runtime.sync().expect("nothing fails");

    assert_eq!(runtime.machine().memories.len(), 1);
    runtime.find_devices();
    assert_eq!(runtime.machine().memories.len(), 2);
    runtime.prefer(Some(1)).expect("nothing was recorded");
    // One more than the range; then a part of the range itself.
    for (from, to, view) in [(0, 1, &view), (0, 0, &tail)] {
        let operands = [
            Operand::element(&arrays[from], Privilege::Read, Dtype::Float64, view),
            Operand::element(&arrays[to], Privilege::Write, Dtype::Float64, view),
        ];
        let extent = view.size();
        runtime.record(add, extent, &operands, &[scalar(1.0)], 0, Line::default()).expect("there is room");
    }
    let expected = |number: usize, at: usize| at as f64 + if number == 0 && at == 0 { 0.0 } else { 1.0 };
    for (number, array) in arrays.iter().enumerate() {
        let values = values(&runtime, array);
        assert!(
            values.iter().enumerate().all(|(at, &value)| value == expected(number, at)),
            "array {number}"
        );
    }
    assert!(runtime.statistics().copied > 0, "the device took a part");
}

/// A runtime that runs everything on devices of some bytes each, without fusion.
fn on_devices(devices: usize, bytes: usize, limit: Option<usize>, pieces: Option<u32>) -> Runtime {
    let cpu = Cpu::new(&CpuDescription { workers: vec![2], ..CpuDescription::default() });
    let driver = Emulator::new(devices, bytes).expect("g++ is there");
    let cuda = Cuda::new(Arc::new(driver), At { backend: 1, memory: 1, processor: 1 }, limit);
    let settings =
        Settings { on: Some("cuda".into()), fuse: false, check: true, pieces, ..Settings::default() };
    let mapper = from_settings(&settings);
    Runtime::new(Backends::new(vec![Arc::new(cpu), Arc::new(cuda)]), mapper, settings)
}

#[test]
fn what_was_used_longest_ago_leaves_a_full_device() {
    // The limit is ours, or all that the device has.
    for (bytes, limit) in [(16 << 20, Some(DEVICE_BYTES)), (DEVICE_BYTES + (16 << 10), None)] {
        leaves_a_full_device(&on_devices(1, bytes, limit, None));
    }
}

fn leaves_a_full_device(runtime: &Runtime) {
    let add = runtime.intern(Kernel::Map(one_more()));
    let iota = runtime.intern(Kernel::Iota { dtype: Dtype::Float64 });
    let view = View::contiguous(&[ELEMENTS], 8);

    // Six arrays, each one more than the one before: the device holds two or three of them.
    let arrays: Vec<_> = (0..6).map(|_| runtime.create(ELEMENTS * 8)).collect();
    let [zero, one] = [0.0, 1.0].map(Scalar::new::<f64>);
    let output = Operand::element(&arrays[0], Privilege::Write, Dtype::Float64, &view);
    runtime.record(iota, ELEMENTS, &[output], &[zero, one], 0, Line::default()).expect("there is room");
    for pair in arrays.windows(2) {
        let operands = [
            Operand::element(&pair[0], Privilege::Read, Dtype::Float64, &view),
            Operand::element(&pair[1], Privilege::Write, Dtype::Float64, &view),
        ];
        runtime.record(add, ELEMENTS, &operands, &[one], 0, Line::default()).expect("there is room");
    }
    runtime.sync().expect("nothing fails");
    let bytes = (ELEMENTS * 8) as u64;
    let statistics = runtime.statistics();
    assert_eq!(statistics.evicted, 4 * bytes, "the device holds two of six arrays");
    assert_eq!(statistics.copied, 4 * bytes, "what leaves is copied once");
    for (number, array) in arrays.iter().enumerate() {
        let values = values(runtime, array);
        for (at, &value) in values.iter().enumerate() {
            assert_eq!(value, (at + number) as f64, "array {number}, element {at}");
        }
    }

    // All are at home now: what is read comes to the device and leaves it without a copy, what is written with one.
    let sinks: Vec<_> = (0..4).map(|_| runtime.create(ELEMENTS * 8)).collect();
    for (number, sink) in sinks.iter().enumerate() {
        let operands = [
            Operand::element(&arrays[number], Privilege::Read, Dtype::Float64, &view),
            Operand::element(sink, Privilege::Write, Dtype::Float64, &view),
        ];
        runtime.record(add, ELEMENTS, &operands, &[one], 0, Line::default()).expect("there is room");
    }
    runtime.sync().expect("nothing fails");
    assert_eq!(runtime.statistics().copied - statistics.copied, (4 + 3) * bytes);
}

#[test]
fn arrays_larger_than_a_device_pass_through_it() {
    let reversed = View { offset: 8 * (ELEMENTS as isize - 1), shape: shape(ELEMENTS), strides: strides(-8) };
    let odd = View { offset: 8, shape: shape(ELEMENTS / 2), strides: strides(16) };
    let plain = View::contiguous(&[ELEMENTS], 8);
    for (devices, pieces) in [(1, None), (2, None), (1, Some(3)), (2, Some(3))] {
        let runtime = on_devices(devices, 1 << 20, Some(96 << 10), pieces);
        let add = runtime.intern(Kernel::Map(one_more()));
        let iota = runtime.intern(Kernel::Iota { dtype: Dtype::Float64 });
        let [zero, one] = [0.0, 1.0].map(Scalar::new::<f64>);
        let arrays = [runtime.create(ELEMENTS * 8), runtime.create(ELEMENTS * 8)];
        let output = Operand::element(&arrays[0], Privilege::Write, Dtype::Float64, &plain);
        runtime.record(iota, ELEMENTS, &[output], &[zero, one], 0, Line::default()).expect("there is room");
        // The second is one more than the first; its odd places become three more, in place and not all bytes of them.
        for (from, to, view) in [(0, 1, &plain), (1, 1, &odd), (1, 1, &odd)] {
            let operands = [
                Operand::element(&arrays[from], Privilege::Read, Dtype::Float64, view),
                Operand::element(&arrays[to], Privilege::Write, Dtype::Float64, view),
            ];
            runtime.record(add, view.size(), &operands, &[one], 0, Line::default()).expect("there is room");
        }
        // Every piece of a reversal touches both ends: no cut makes room for it, and the host computes it.
        let back = runtime.create(ELEMENTS * 8);
        let operands = [
            Operand::element(&arrays[1], Privilege::Read, Dtype::Float64, &reversed),
            Operand::element(&back, Privilege::Write, Dtype::Float64, &plain),
        ];
        runtime.record(add, ELEMENTS, &operands, &[one], 0, Line::default()).expect("there is room");
        let expected = |at: usize| at as f64 + if at % 2 == 1 { 3.0 } else { 1.0 };
        for (at, &value) in values(&runtime, &arrays[1]).iter().enumerate() {
            assert_eq!(value, expected(at), "element {at} with {devices} devices, {pieces:?} pieces");
        }
        for (at, &value) in values(&runtime, &back).iter().enumerate() {
            assert_eq!(value, expected(ELEMENTS - 1 - at) + 1.0, "element {at} of the reversal");
        }
        let statistics = runtime.statistics();
        assert!(statistics.copied >= 6 * (ELEMENTS * 8) as u64, "the devices took a part: {statistics:?}");
    }
}

#[test]
fn a_full_host_is_an_error_that_names_it() {
    let cpu = Cpu::new(&CpuDescription {
        workers: vec![1],
        memory_limit: Some(ELEMENTS * 8),
        ..CpuDescription::default()
    });
    let driver = Emulator::new(1, 16 << 20).expect("g++ is there");
    let cuda = Cuda::new(Arc::new(driver), At { backend: 1, memory: 1, processor: 1 }, Some(ELEMENTS * 9));
    let settings = Settings { on: Some("cuda".into()), check: true, ..Settings::default() };
    let mapper = from_settings(&settings);
    let runtime = Runtime::new(Backends::new(vec![Arc::new(cpu), Arc::new(cuda)]), mapper, settings);
    let iota = runtime.intern(Kernel::Iota { dtype: Dtype::Float64 });
    let plain = View::contiguous(&[ELEMENTS], 8);
    let [zero, one] = [0.0, 1.0].map(Scalar::new::<f64>);
    // One array has room on the device and one on the host; the third has none.
    let mut arrays = Vec::new();
    let mut result = Ok(());
    for _ in 0..3 {
        let array = runtime.create(ELEMENTS * 8);
        let output = Operand::element(&array, Privilege::Write, Dtype::Float64, &plain);
        runtime
            .record(iota, ELEMENTS, &[output], &[zero, one], 0, Line::default())
            .expect("it is noted down");
        result = result.and(runtime.sync());
        arrays.push(array);
    }
    let message = result.expect_err("there is no room").to_string();
    for part in ["Unable to allocate 156. KiB", "memory of", "MANIPLE_DEVICE_MEMORY"] {
        assert!(message.contains(part), "{message}");
    }
    // The session goes on with what has a value.
    arrays.remove(0);
    for array in &arrays[..1] {
        assert_eq!(values(&runtime, array)[ELEMENTS - 1], (ELEMENTS - 1) as f64);
    }
}

fn shape(extent: usize) -> Shape {
    Shape::from_slice(&[extent])
}

fn strides(step: isize) -> Strides {
    Strides::from_slice(&[step])
}

/// A value and a constant, added.
fn one_more() -> Body {
    let mut body = Body { inputs: vec![Dtype::Float64], constants: vec![Dtype::Float64], ..Body::default() };
    let sum = body.push_apply(Op::Add, Dtype::Float64, [0, 1].into_iter().collect());
    body.outputs = vec![sum];
    body
}

/// What a region holds.
fn values<'a>(runtime: &Runtime, region: &'a Handle) -> &'a [f64] {
    let address = runtime.host(region, false).expect("it has a value");
    // SAFETY: the region's bytes lie at its host address as long as the handle lives, and no command uses them.
    unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address as usize), ELEMENTS) }
}
