//! What happens when a device's memory is full: the host computes, and nothing is lost.

use maniple_cpu::{Cpu, CpuDescription};
use maniple_cuda::{At, Cuda, Emulator};
use maniple_mapper::from_settings;
use maniple_ops::{Body, Dtype, Op, Scalar};
use maniple_runtime::{Backends, Kernel, Line, Operand, Privilege, Runtime, Settings, View};
use std::sync::Arc;

const ELEMENTS: usize = 20_000;
/// Room for two arrays and what the backend itself needs.
const DEVICE_BYTES: usize = 2 * ELEMENTS * 8 + (64 << 10);

#[test]
fn what_a_full_device_has_no_room_for_is_computed_by_the_host() {
    let cpu = Cpu::new(&CpuDescription { workers: vec![2], memory_limit: None });
    let driver = Emulator::new(1, 16 << 20).expect("g++ is there");
    let cuda = Cuda::new(Arc::new(driver), At { backend: 1, memory: 1, processor: 1 }, Some(DEVICE_BYTES));
    let settings = Settings { on: Some("cuda".into()), fuse: false, check: true, ..Settings::default() };
    let mapper = from_settings(&settings);
    let runtime = Runtime::new(Backends::new(vec![Arc::new(cpu), Arc::new(cuda)]), mapper, settings);

    let mut body = Body { inputs: vec![Dtype::Float64], constants: vec![Dtype::Float64], ..Body::default() };
    let sum = body.push_apply(Op::Add, Dtype::Float64, [0, 1].into_iter().collect());
    body.outputs = vec![sum];
    let add = runtime.intern(Kernel::Map(body));
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
        let address = runtime.host(array, false).expect("it has a value");
        // SAFETY: the region's bytes lie at its host address, and no command uses them.
        let values = unsafe {
            std::slice::from_raw_parts(std::ptr::with_exposed_provenance::<f64>(address as usize), ELEMENTS)
        };
        for (at, &value) in values.iter().enumerate() {
            assert_eq!(value, (at + number) as f64, "array {number}, element {at}");
        }
    }
    assert!(runtime.statistics().copied > 0, "the device took a part");
}
