//! The WGSL text of rows, casts, bodies, folds and literals computes on a device what the Rust rows compute: their bits
//! and events, and elementary functions within four units in the last place.
//!
//! Where there is no adapter, the tests pass without a look; CI has one (Mesa's lavapipe).

use maniple_ops::wgsl::{self, Features, Watch};
use maniple_ops::{Body, Dtype, Flags, Kind, Op, Scalar, apply, eval, flags, samples, signature};
use smallvec::smallvec;
use std::fmt::Write;
use wgpu::BufferUsages;

/// How near a result must come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Near {
    /// Equal bits, or a NaN for a NaN.
    Exact,
    /// Units in the last place of the result.
    Units(f64),
    /// Units in the last place of the larger part of a complex result.
    UnitsOfLargerPart(f64),
    /// Units in the last place of the largest of operands, result and one: where terms cancel.
    UnitsOfLargest(f64),
}

/// One generated function of single elements, and what it is to give.
struct Kernel {
    name: String,
    prelude: String,
    ins: Vec<Dtype>,
    outs: Vec<Dtype>,
    /// Statements over `v0` and so on, and `f0` and so on.
    statements: String,
    /// Statements after these that set `seen` where there may be events.
    lookout: String,
    /// The names of the results.
    results: Vec<String>,
    steps: usize,
    near: Near,
    rows: Vec<Vec<Scalar>>,
    /// The results, and the events where they are compared.
    wanted: Vec<(Vec<Scalar>, Option<Flags>)>,
}

const WATCHED: Flags = Flags::DIVIDE.union(Flags::OVERFLOW).union(Flags::INVALID);
const FEATURES: Features = Features { int64: true };

#[test]
fn rows_compute_what_the_hosts_compute() {
    check(rows());
}

#[test]
fn casts_convert_as_the_hosts_do() {
    check(casts());
}

#[test]
fn bodies_folds_and_literals_are_those_of_the_host() {
    check([bodies(), folds(), literals()].into_iter().flatten().collect());
}

fn check(kernels: Vec<Kernel>) {
    let Some(device) = Device::open() else { return };
    assert!(!kernels.is_empty(), "there is something to check");
    let mut differences: Vec<String> = Vec::new();
    for kernel in &kernels {
        differences.extend(compare(kernel, &device.run(kernel)).into_iter().take(4));
    }
    assert!(differences.is_empty(), "of each text at most 4 differences:\n{}", differences.join("\n"));
}

/// Every row with a text, at every dtype.
fn rows() -> Vec<Kernel> {
    let cases =
        Op::ALL.iter().flat_map(|&op| Dtype::ALL.into_iter().filter_map(move |dtype| signature(op, dtype)));
    let kernels = cases.filter_map(|of| {
        let body = Body::single(&of, &of.ins, &of.outs);
        let rows = sample_rows(of.op, of.dtype, &of.ins);
        let mut kernel =
            of_body(format!("{:?} {}", of.op, of.dtype), &body, nearness(of.op, of.dtype), rows)?;
        forget_events_of_extremes(of.op, of.dtype, &mut kernel);
        Some(kernel)
    });
    kernels.collect()
}

/// Leaves the events of infinite, missing and largest complex numbers out of the comparison: the instructions of the
/// Rust rows meet some there that neither the result shows nor NumPy reports, such as those of a product that is not
/// used in the end.
fn forget_events_of_extremes(op: Op, dtype: Dtype, kernel: &mut Kernel) {
    if !dtype.is_complex() || (op != Op::Multiply && kernel.near == Near::Exact) {
        return;
    }
    for (row, (_, events)) in kernel.rows.iter().zip(&mut kernel.wanted) {
        let ordinary = |value: &Scalar| parts(*value).iter().all(|part| part.as_f64().abs() < 1e30);
        if !row.iter().all(ordinary) {
            *events = None;
        }
    }
}

fn casts() -> Vec<Kernel> {
    let pairs = Dtype::ALL.into_iter().flat_map(|from| Dtype::ALL.into_iter().map(move |to| (from, to)));
    let kernels = pairs.filter(|(from, to)| from != to).filter_map(|(from, to)| {
        let mut body = Body { inputs: vec![from], ..Body::default() };
        body.outputs = vec![body.push_cast(0, to)];
        let mut rows = sample_rows(Op::Positive, from, &[from]);
        rows.extend(powers_of_two().map(|value| vec![Scalar::new(value).cast(from)]));
        of_body(format!("{from} to {to}"), &body, Near::Exact, rows)
    });
    kernels.collect()
}

/// Numbers around the ends of the integers.
fn powers_of_two() -> impl Iterator<Item = f64> {
    [7, 8, 15, 16, 31, 32, 63, 64].into_iter().flat_map(|exponent| {
        let power = 2f64.powi(exponent);
        let single = power * f64::from(f32::EPSILON);
        let numbers = [power, power - 1.0, power + 1.0, power - single, power + 2.0 * single, power - 0.5];
        numbers.into_iter().flat_map(|value| [value, -value])
    })
}

/// Programs of several steps.
fn bodies() -> Vec<Kernel> {
    let mut wave = Body {
        inputs: vec![Dtype::Float32, Dtype::Int32],
        constants: vec![Dtype::Float32],
        ..Body::default()
    };
    let whole = wave.push_cast(1, Dtype::Float32);
    let product = wave.push_apply(Op::Multiply, Dtype::Float32, smallvec![0, whole]);
    let sum = wave.push_apply(Op::Add, Dtype::Float32, smallvec![product, 2]);
    let back = wave.push_apply(Op::Subtract, Dtype::Float32, smallvec![sum, product]);
    let parts = wave.push_apply(Op::Divmod, Dtype::Float32, smallvec![back, 0]);
    let narrow = wave.push_cast(parts, Dtype::Int8);
    wave.outputs = vec![back, narrow];

    let mut halves = Body { inputs: vec![Dtype::Float16, Dtype::Float16], ..Body::default() };
    let sum = halves.push_apply(Op::Add, Dtype::Float16, smallvec![0, 1]);
    let square = halves.push_apply(Op::Square, Dtype::Float16, smallvec![sum]);
    let less = halves.push_apply(Op::Less, Dtype::Float16, smallvec![square, 1]);
    let not = halves.push_apply(Op::LogicalNot, Dtype::Bool, smallvec![less]);
    let chosen = halves.push_apply(Op::Select, Dtype::Float16, smallvec![less, sum, square]);
    halves.outputs = vec![chosen, not];

    let mut bytes = Body { inputs: vec![Dtype::Int8, Dtype::Int8], ..Body::default() };
    let product = bytes.push_apply(Op::Multiply, Dtype::Int8, smallvec![0, 1]);
    let sum = bytes.push_apply(Op::Add, Dtype::Int8, smallvec![product, 0]);
    let rest = bytes.push_apply(Op::FloorDivide, Dtype::Int8, smallvec![sum, 1]);
    bytes.outputs = vec![product, rest];

    let bodies = [("wave", wave), ("halves", halves), ("bytes", bytes)];
    let kernels = bodies.into_iter().map(|(name, body)| {
        body.check().expect("a body of this test");
        let given: Vec<Dtype> = body.inputs.iter().chain(&body.constants).copied().collect();
        let rows = sample_rows(Op::Add, Dtype::Float32, &given);
        of_body(name.to_string(), &body, Near::Exact, rows).expect("its rows have texts")
    });
    kernels.collect()
}

/// The combining step of every fold.
fn folds() -> Vec<Kernel> {
    let cases = Op::ALL.iter().flat_map(|&op| Dtype::ALL.into_iter().map(move |dtype| (op, dtype)));
    let kernels = cases.filter_map(|(op, dtype)| {
        let function = wgsl::combine(op, dtype)?;
        let events = wgsl::combine_events(op, dtype).unwrap_or("0u".into());
        let rows = sample_rows(op, dtype, &[dtype, dtype]);
        let wanted = rows.iter().map(|row| {
            flags::clear();
            (apply(op, dtype, row), Some(flags::read()))
        });
        let mut kernel = Kernel {
            name: format!("fold {op:?} {dtype}"),
            prelude: wgsl::prelude_for(&Body { inputs: vec![dtype], ..Body::default() }, Some(op)),
            ins: vec![dtype; 2],
            outs: vec![dtype],
            statements: format!("let a = v0; let b = v1; let r = {function}(a, b);\nf0 |= {events};\n"),
            lookout: format!("seen = {};\n", wgsl::combine_suspicion(op, dtype).unwrap_or("false".into())),
            results: vec!["r".to_string()],
            steps: 1,
            near: nearness(op, dtype),
            wanted: wanted.collect(),
            rows,
        };
        forget_events_of_extremes(op, dtype, &mut kernel);
        Some(kernel)
    });
    kernels.collect()
}

/// The identities of folds, and edge values of every dtype.
fn literals() -> Vec<Kernel> {
    let mut kernels = Vec::new();
    for dtype in Dtype::ALL {
        let identities = Op::ALL.iter().filter_map(|&op| {
            Some((wgsl::identity(op, dtype)?, op.row().identity.expect("an identity").scalar(dtype)))
        });
        let edges = samples::edges(dtype).into_iter().take(60);
        let edges = edges.filter_map(|value| Some((wgsl::literal(value)?, value)));
        let (results, wanted): (Vec<String>, Vec<Scalar>) = identities.chain(edges).unzip();
        if results.is_empty() {
            continue;
        }
        kernels.push(Kernel {
            name: format!("literals of {dtype}"),
            prelude: wgsl::prelude_for(&Body { inputs: vec![dtype], ..Body::default() }, None),
            ins: vec![dtype],
            outs: vec![dtype; results.len()],
            statements: String::new(),
            lookout: String::new(),
            results,
            steps: 0,
            near: Near::Exact,
            rows: vec![vec![Scalar::zero(dtype)]],
            wanted: vec![(wanted, None)],
        });
    }
    kernels
}

/// Nothing if the body has no text.
fn of_body(name: String, body: &Body, near: Near, rows: Vec<Vec<Scalar>>) -> Option<Kernel> {
    if !wgsl::supports(body, FEATURES) {
        return None;
    }
    let dtypes = body.value_dtypes();
    let inputs = body.inputs.len();
    let wanted = rows.iter().map(|row| {
        flags::clear();
        let results = eval(body, &row[..inputs], &row[inputs..]);
        (results, Some(flags::read()))
    });
    Some(Kernel {
        name,
        prelude: wgsl::prelude_for(body, None),
        ins: dtypes[..body.first_result()].to_vec(),
        outs: body.outputs.iter().map(|&output| dtypes[output as usize]).collect(),
        statements: wgsl::steps(body, Watch::Flags)?,
        lookout: wgsl::steps(body, Watch::Suspicion)?,
        results: body.outputs.iter().map(|output| format!("v{output}")).collect(),
        steps: body.steps.len(),
        near,
        wanted: wanted.collect(),
        rows,
    })
}

/// Every pair of edge values, values from the row's domain, and random bits.
fn sample_rows(op: Op, dtype: Dtype, ins: &[Dtype]) -> Vec<Vec<Scalar>> {
    let edges: Vec<Vec<Scalar>> = ins.iter().map(|input| samples::edges(*input)).collect();
    let count = edges.iter().map(|values| values.len()).max().expect("an input").pow(2).clamp(100, 1000);
    let mut rows: Vec<Vec<Scalar>> = (0..count)
        .map(|index| {
            let pick = |(place, values): (usize, &Vec<Scalar>)| {
                let turn = index / edges[0].len();
                values[(index * [1, 1, 7][place] + turn * [0, 1, 3][place]) % values.len()]
            };
            edges.iter().enumerate().map(pick).collect()
        })
        .collect();
    let domains: Vec<Vec<Scalar>> =
        (0..ins.len()).map(|place| samples::domain(op, dtype, place, 200)).collect();
    rows.extend((0..200).map(|index| {
        domains.iter().zip(ins).map(|(domain, input)| domain[index].cast(*input)).collect::<Vec<_>>()
    }));
    if ins.len() == 1 || ins.iter().all(|input| input.is_inexact()) {
        let mut state = op as u64 + 1;
        rows.extend(
            (0..1000).map(|_| ins.iter().map(|input| random_bits(*input, &mut state)).collect::<Vec<_>>()),
        );
    }
    rows
}

fn random_bits(dtype: Dtype, state: &mut u64) -> Scalar {
    let mut next = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state ^ *state >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
    };
    let bytes: Vec<u8> = [next(), next()].into_iter().flat_map(u64::to_le_bytes).collect();
    let value = match dtype {
        Dtype::Bool => Scalar::from_bytes(dtype, &[bytes[7] & 1]),
        _ => Scalar::from_bytes(dtype, &bytes),
    };
    // The host's processor reports a NaN that signals, a device does not know any.
    let missing = parts(value).iter().any(|part| part.as_f64().is_nan());
    if missing { Scalar::new(f64::NAN).cast(dtype) } else { value }
}

fn nearness(op: Op, dtype: Dtype) -> Near {
    if !dtype.is_inexact() {
        return Near::Exact;
    }
    let units = if dtype == Dtype::Float16 { 1.0 } else { 4.0 };
    let elementary = (Op::Exp..=Op::Log1p).contains(&op) || (Op::Sin..=Op::Arctanh).contains(&op);
    match op {
        Op::Logaddexp | Op::Logaddexp2 => Near::UnitsOfLargest(4.0),
        Op::Power | Op::Cbrt => Near::Units(units),
        Op::Absolute | Op::Sign | Op::Sqrt if dtype.is_complex() => Near::UnitsOfLargerPart(4.0),
        _ if elementary && dtype.is_complex() => Near::UnitsOfLargerPart(4.0),
        _ if elementary => Near::Units(units),
        _ => Near::Exact,
    }
}

/// A line for each result that is not as it must be, of the words that [`Device::run`] gave.
fn compare(kernel: &Kernel, words: &[[u32; 2]]) -> Vec<String> {
    let mut differences = Vec::new();
    let places = kernel.outs.len() + 1;
    for ((row, (wanted, events)), words) in kernel.rows.iter().zip(&kernel.wanted).zip(words.chunks(places)) {
        let found = kernel.outs.iter().zip(words).map(|(dtype, word)| {
            let bytes: Vec<u8> = word.iter().flat_map(|half| half.to_le_bytes()).collect();
            Scalar::from_bytes(*dtype, &bytes)
        });
        for (place, (found, wanted)) in found.zip(wanted).enumerate() {
            if !is_near(kernel.near, row, found, *wanted) {
                let name = &kernel.name;
                differences.push(format!("{name} of {row:?}, output {place}: {found:?}, not {wanted:?}"));
            }
        }
        let Some(events) = events else { continue };
        let found = Flags::from_bits(words[places - 1][0] as u8);
        let wanted = Flags::from_bits(events.bits() & WATCHED.bits());
        if found != wanted {
            differences.push(format!("{} of {row:?} means '{found}', not '{wanted}'", kernel.name));
        }
    }
    differences
}

fn is_near(near: Near, row: &[Scalar], found: Scalar, wanted: Scalar) -> bool {
    let part = wanted.dtype().real();
    let sizes = parts(wanted).into_iter().map(|part| part.as_f64().abs());
    let larger = sizes.filter(|part| part.is_finite()).fold(0.0, f64::max);
    parts(found).into_iter().zip(parts(wanted)).all(|(a, b)| {
        if part.kind() != Kind::Float || a == b {
            return a == b;
        }
        let (x, y) = (a.as_f64(), b.as_f64());
        let largest = row.iter().map(|value| value.as_f64().abs()).fold(y.abs().max(1.0), f64::max);
        match near {
            _ if x.is_nan() || y.is_nan() => x.is_nan() && y.is_nan(),
            Near::Exact => false,
            Near::Units(units) => (x - y).abs() <= units * unit(part, y),
            Near::UnitsOfLargerPart(units) => (x - y).abs() <= units * unit(part, larger),
            Near::UnitsOfLargest(units) => (x - y).abs() <= units * unit(part, largest),
        }
    })
}

/// The number itself, or the real and the imaginary part.
fn parts(value: Scalar) -> Vec<Scalar> {
    let part = value.dtype().real();
    value.as_bytes().chunks(part.size()).map(|bytes| Scalar::from_bytes(part, bytes)).collect()
}

/// The distance of a number to the next larger magnitude.
fn unit(dtype: Dtype, number: f64) -> f64 {
    let (digits, lowest) = if dtype == Dtype::Float16 { (10, -24) } else { (23, -149) };
    let exponent = number.abs().log2().floor();
    let exponent = if exponent.is_finite() { exponent as i32 - digits } else { lowest };
    2f64.powi(exponent.max(lowest))
}

/// The first adapter.
struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Device {
    fn open() -> Option<Device> {
        let descriptor = wgpu::InstanceDescriptor {
            backends: wgpu::Backends::PRIMARY,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        };
        let instance = wgpu::Instance::new(descriptor);
        let adapter = ready(instance.enumerate_adapters(wgpu::Backends::PRIMARY)).into_iter().next();
        let Some(adapter) = adapter else {
            eprintln!("nothing is tested: there is no adapter");
            return None;
        };
        let descriptor = wgpu::DeviceDescriptor {
            required_features: wgpu::Features::SHADER_INT64,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) =
            ready(adapter.request_device(&descriptor)).expect("a device with 64-bit integers");
        Some(Device { device, queue })
    }

    /// Two words for each result of each row, and two with its events.
    fn run(&self, kernel: &Kernel) -> Vec<[u32; 2]> {
        let mut given: Vec<[u32; 2]> = Vec::new();
        for value in kernel.rows.iter().flatten() {
            let mut bytes = [0; 8];
            bytes[..value.as_bytes().len()].copy_from_slice(value.as_bytes());
            let bits = u64::from_le_bytes(bytes);
            given.push([bits as u32, (bits >> 32) as u32]);
        }
        given.push([0, 0]);
        let text = text(kernel);
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(&kernel.name),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: Default::default(),
            cache: None,
        });
        let results = (kernel.rows.len() * (kernel.outs.len() + 1) * 8) as u64;
        let buffer = |size: u64, usage: BufferUsages| {
            let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            self.device.create_buffer(&descriptor)
        };
        let input = buffer(given.len() as u64 * 8, BufferUsages::STORAGE | BufferUsages::COPY_DST);
        let output = buffer(results, BufferUsages::STORAGE | BufferUsages::COPY_SRC);
        let host = buffer(results, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let bytes: Vec<u8> = given.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
        self.queue.write_buffer(&input, 0, &bytes);
        let entries = [&input, &output].map(|buffer| buffer.as_entire_binding());
        let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
            .zip(entries)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(kernel.rows.len().div_ceil(64) as u32, 1, 1);
        drop(pass);
        encoder.copy_buffer_to_buffer(&output, 0, &host, 0, results);
        self.queue.submit([encoder.finish()]);
        host.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("the results can be read"));
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the kernel ends");
        let view = host.slice(..).get_mapped_range().expect("the results can be read");
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        view.chunks(8).map(|bytes| [word(bytes), word(&bytes[4..])]).collect()
    }
}

/// The kernel of one function: an invocation for each row.
fn text(kernel: &Kernel) -> String {
    let (ins, outs, rows) = (kernel.ins.len(), kernel.outs.len() + 1, kernel.rows.len());
    let mut text = format!(
        "var<private> mn_zero: u32;\n\
         @group(0) @binding(0) var<storage, read> given: array<vec2<u32>>;\n\
         @group(0) @binding(1) var<storage, read_write> found: array<vec2<u32>>;\n\
         {}\n@compute @workgroup_size(64)\nfn main(@builtin(global_invocation_id) id: vec3<u32>) {{\n\
         mn_zero = given[{}].x;\nlet i = id.x;\nif (i >= {rows}u) {{ return; }}\n",
        kernel.prelude,
        ins * rows
    );
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes all text");
    for (place, dtype) in kernel.ins.iter().enumerate() {
        let part = if dtype.size() == 8 { "" } else { ".x" };
        let element =
            wgsl::load(*dtype, &format!("given[i * {ins}u + {place}u]{part}")).expect("a known dtype");
        line(format!("let v{place} = {element};"));
    }
    (0..kernel.steps).for_each(|step| line(format!("var f{step} = 0u;")));
    line(kernel.statements.clone());
    for (place, (dtype, result)) in kernel.outs.iter().zip(&kernel.results).enumerate() {
        let stored = wgsl::store(*dtype, result).expect("a known dtype");
        let stored = if dtype.size() == 8 { stored } else { format!("vec2<u32>({stored}, 0u)") };
        line(format!("found[i * {outs}u + {place}u] = {stored};"));
    }
    let all: Vec<String> = (0..kernel.steps).map(|step| format!(" | f{step}")).collect();
    line(format!("var all = 0u{};", all.concat()));
    // Events that the look-out missed are turned into wrong ones.
    line(format!("{{ var seen = false;\n{}if (all != 0u && !seen) {{ all = ~all; }} }}", kernel.lookout));
    line(format!("found[i * {outs}u + {}u] = vec2<u32>(all, 0u);", outs - 1));
    text + "}\n"
}

/// What a future gives: those of wgpu are ready at once but in a browser.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
