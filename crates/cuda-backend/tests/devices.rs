//! What happens when a device's memory is full, and when a device is found late: nothing is lost.

use maniple_cpu::{Cpu, CpuDescription};
use maniple_cuda::{At, Cuda, Emulator};
use maniple_mapper::from_settings;
use maniple_ops::{Body, Dtype, Op, Scalar};
use maniple_runtime::{Backend, Backends, Handle, Kernel, Line, Operand, Privilege, Runtime, Settings, View};
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

#[test]
fn what_a_full_device_has_no_room_for_is_computed_by_the_host() {
    let cpu = Cpu::new(&CpuDescription { workers: vec![2], ..CpuDescription::default() });
    let driver = Emulator::new(1, 16 << 20).expect("g++ is there");
    let cuda = Cuda::new(Arc::new(driver), At { backend: 1, memory: 1, processor: 1 }, Some(DEVICE_BYTES));
    let settings = Settings { on: Some("cuda".into()), fuse: false, check: true, ..Settings::default() };
    let mapper = from_settings(&settings);
    let runtime = Runtime::new(Backends::new(vec![Arc::new(cpu), Arc::new(cuda)]), mapper, settings);

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
    for (number, array) in arrays.iter().enumerate() {
        let values = values(&runtime, array);
        for (at, &value) in values.iter().enumerate() {
            assert_eq!(value, (at + number) as f64, "array {number}, element {at}");
        }
    }
    assert!(runtime.statistics().copied > 0, "the device took a part");
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
