//! Compiled runs compared with block loops, bit for bit, on every instruction set that this processor has.

use super::{Compile, Jit, Manner};
use maniple_ops::{
    Body, Dtype, Flags, Level, Op, Scalar, Step, Value, block, cast_block, flags, samples, signature,
};

const LEVELS: [Level; 2] = [Level::V3, Level::V4];
const NUMBERS: [Dtype; 10] = [
    Dtype::Int8,
    Dtype::Int16,
    Dtype::Int32,
    Dtype::Int64,
    Dtype::UInt8,
    Dtype::UInt16,
    Dtype::UInt32,
    Dtype::UInt64,
    Dtype::Float32,
    Dtype::Float64,
];

fn compilers() -> Vec<(Level, Jit)> {
    let usable = LEVELS.into_iter().filter(|&level| level <= Level::detected());
    usable.filter_map(|level| Some((level, Jit::new(Compile::Always, level)?))).collect()
}

/// A line of memory.
#[repr(align(64))]
#[derive(Clone, Copy, PartialEq, Eq)]
struct Line([u8; 64]);

/// Elements in memory, at an odd place among the elements around them.
#[derive(Clone)]
struct Column {
    bytes: Vec<Line>,
    item: usize,
    shift: usize,
}

impl Column {
    fn new(item: usize, count: usize, shift: usize) -> Column {
        Column { bytes: vec![Line([0x5a; 64]); (count + 2 * shift) * item / 64 + 2], item, shift }
    }

    fn start(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast::<u8>().wrapping_add(self.shift * self.item)
    }

    fn fill(&mut self, count: usize, value: impl Fn(usize) -> Scalar) {
        for at in 0..count {
            let bytes = value(at).to_bytes();
            let to = self.start().wrapping_add(at * self.item);
            // SAFETY: the column has room for `count` elements behind the shift.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, self.item) };
        }
    }
}

/// What a body makes of columns of inputs by block loops: its outputs, and the events.
fn expected(
    body: &Body,
    inputs: &mut [Column],
    constants: &[Scalar],
    count: usize,
    shift: usize,
) -> (Vec<Column>, Flags) {
    let dtypes = body.value_dtypes();
    let mut values: Vec<Column> = inputs.to_vec();
    for constant in constants {
        let mut column = Column::new(constant.dtype().size(), count, shift);
        column.fill(count, |_| *constant);
        values.push(column);
    }
    flags::clear();
    for step in &body.steps {
        let mut result = Column::new(dtypes[values.len()].size(), count, shift);
        let ins: Vec<*const u8> =
            step.args().iter().map(|&arg| values[arg as usize].start().cast_const()).collect();
        let function = match step {
            Step::Apply { op, dtype, .. } => block(*op, *dtype).expect("the row has a loop"),
            Step::Cast { to, arg } => cast_block(dtypes[*arg as usize], *to),
        };
        // SAFETY: every column has `count` aligned elements.
        unsafe { function(ins.as_ptr(), [result.start()].as_ptr(), count) };
        values.push(result);
    }
    let raised = flags::read();
    (body.outputs.iter().map(|&output| values[output as usize].clone()).collect(), raised)
}

/// Runs a body of one run compiled, and compares. Says whether it can be compiled.
fn check(
    jit: &Jit,
    body: &Body,
    inputs: &mut [Column],
    constants: &[Scalar],
    count: usize,
    shift: usize,
) -> bool {
    let Some(lowered) = jit.lowered(body) else { return false };
    let (wanted, raised) = expected(body, inputs, constants, count, shift);
    // With usual stores, and past the caches.
    for streamed in [0, ((1 << body.outputs.len()) - 1) << body.inputs.len()] {
        let code =
            jit.code(body, Manner { streamed, accumulators: 0 }).expect("what has registers can be compiled");
        let mut found: Vec<Column> =
            wanted.iter().map(|column| Column::new(column.item, count, shift)).collect();
        let pointers: Vec<*mut u8> = inputs.iter_mut().chain(&mut found).map(Column::start).collect();
        let mut lines: Vec<Line> = Vec::new();
        for constant in constants {
            let bytes = constant.to_bytes();
            lines.push(Line(std::array::from_fn(|at| bytes[at % bytes.len()])));
        }
        for pattern in &lowered.patterns {
            lines.push(Line(std::array::from_fn(|at| pattern.to_le_bytes()[at % 8])));
        }
        flags::clear();
        // SAFETY: every column has `count` elements, and there is a line for each constant.
        unsafe { code.run(&pointers, lines.as_ptr().cast(), count) };
        let met = flags::read();
        for (column, (found, wanted)) in found.iter_mut().zip(&wanted).enumerate() {
            if found.bytes != wanted.bytes {
                let (found, wanted): (&[u8], &[u8]) = (as_bytes(&found.bytes), as_bytes(&wanted.bytes));
                let item = wanted_item(body, column);
                let first = (0..found.len() / item)
                    .find(|at| found[at * item..(at + 1) * item] != wanted[at * item..(at + 1) * item])
                    .unwrap_or(0);
                let of = |bytes: &[u8]| bytes[first * item..(first + 1) * item].to_vec();
                let mut given: Vec<Vec<u8>> = Vec::new();
                for input in inputs.iter() {
                    let bytes = as_bytes(&input.bytes);
                    given.push(bytes[first * input.item..(first + 1) * input.item].to_vec());
                }
                panic!(
                    "{:?} is not {:?} at {} of {count} for {given:?} {constants:?}\n{body}",
                    of(found),
                    of(wanted),
                    first as isize - shift as isize
                );
            }
        }
        assert!(met.contains(raised), "{met} lacks some of {raised}\n{body}");
    }
    true
}

fn wanted_item(body: &Body, output: usize) -> usize {
    body.value_dtype(body.outputs[output]).size()
}

fn as_bytes(lines: &[Line]) -> &[u8] {
    // SAFETY: lines are bytes.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 64) }
}

/// Edge values of a dtype, and numbers that are none with different bits.
fn values(dtype: Dtype) -> Vec<Scalar> {
    let mut values = samples::edges(dtype);
    values.extend(samples::domain(Op::Add, dtype, 0, 8));
    match dtype {
        Dtype::Float64 => {
            let bits = [0x7ff8_0000_0000_1234u64, 0xfff8_0000_0000_4321, 0x7ff0_0000_0000_0777];
            values.extend(bits.map(|bits| Scalar::new(f64::from_bits(bits))));
        }
        Dtype::Float32 => {
            values.extend(
                [0x7fc0_1234u32, 0xffc0_4321, 0x7f80_0777].map(|bits| Scalar::new(f32::from_bits(bits))),
            );
        }
        _ => {}
    }
    values
}

/// Columns that hold every combination of values of some dtypes.
fn combinations(dtypes: &[Dtype], shift: usize) -> (Vec<Column>, usize) {
    let all: Vec<Vec<Scalar>> = dtypes.iter().map(|&dtype| values(dtype)).collect();
    let most = if dtypes.len() > 2 { 8_000 } else { usize::MAX };
    let count = all.iter().map(Vec::len).product::<usize>().min(most);
    let mut stride = 1;
    let columns = all
        .iter()
        .map(|values| {
            let mut column = Column::new(values[0].dtype().size(), count, shift);
            column.fill(count, |at| values[at / stride % values.len()]);
            stride *= values.len();
            column
        })
        .collect();
    (columns, count)
}

#[test]
fn every_row_gives_the_bits_of_its_loop() {
    for (level, jit) in compilers() {
        let mut rows = 0;
        for &op in Op::ALL {
            for dtype in NUMBERS.into_iter().chain([Dtype::Bool]) {
                let Some(of) = signature(op, dtype) else { continue };
                if of.outs.len() != 1 {
                    continue;
                }
                let mut body = Body { inputs: of.ins.to_vec(), ..Body::default() };
                let args = (0..of.ins.len() as Value).collect();
                body.outputs = vec![body.push_apply(op, dtype, args)];
                let (mut inputs, count) = combinations(&of.ins, 1);
                if !check(&jit, &body, &mut inputs, &[], count, 1) {
                    continue;
                }
                rows += 1;
                // Every number of elements around those of a register and of several.
                for count in (0..70).chain([127, 128, 129, 255, 256, 257]).filter(|&short| short <= count) {
                    check(&jit, &body, &mut inputs, &[], count, 0);
                }
                // A constant in each place.
                for place in 0..of.ins.len() {
                    let mut body = body.clone();
                    let mut inputs = inputs.clone();
                    let constant = body.inputs.remove(place);
                    inputs.remove(place);
                    body.constants = vec![constant];
                    let last = (of.ins.len() - 1) as Value;
                    let args = (0..of.ins.len())
                        .map(|at| match at.cmp(&place) {
                            std::cmp::Ordering::Less => at as Value,
                            std::cmp::Ordering::Equal => last,
                            std::cmp::Ordering::Greater => at as Value - 1,
                        })
                        .collect();
                    body.steps = vec![Step::Apply { op, dtype, args }];
                    for value in values(constant) {
                        assert!(check(&jit, &body, &mut inputs, &[value], count.min(300), 1));
                    }
                }
            }
        }
        assert!(rows > 200, "{level:?} compiles only {rows} rows");
    }
}

#[test]
fn every_cast_gives_the_bits_of_its_loop() {
    for (level, jit) in compilers() {
        let mut casts = 0;
        for from in NUMBERS.into_iter().chain([Dtype::Bool]) {
            for to in NUMBERS.into_iter().chain([Dtype::Bool]).filter(|&to| to != from) {
                let mut body = Body { inputs: vec![from], ..Body::default() };
                body.outputs = vec![body.push_cast(0, to)];
                let (mut inputs, count) = combinations(&[from], 1);
                casts += check(&jit, &body, &mut inputs, &[], count, 1) as usize;
                for short in 0..count {
                    check(&jit, &body, &mut inputs, &[], short, 0);
                }
            }
        }
        assert!(casts > 70, "{level:?} compiles only {casts} casts");
    }
}

/// A body of random steps that can be compiled, over inputs and constants of random dtypes.
fn random_body(jit: &Jit, random: &mut impl FnMut(usize) -> usize) -> Body {
    let dtypes: Vec<Dtype> = NUMBERS.into_iter().chain([Dtype::Bool]).collect();
    let pick = |from: &[Dtype], random: &mut dyn FnMut(usize) -> usize| from[random(from.len())];
    let mut body = Body::default();
    for _ in 0..1 + random(3) {
        body.inputs.push(pick(&dtypes, random));
    }
    for _ in 0..random(4) {
        body.constants.push(pick(&dtypes, random));
    }
    for _ in 0..1 + random(20) {
        let known = body.value_dtypes();
        let mut next = body.clone();
        if random(4) == 0 {
            let arg = random(known.len()) as Value;
            next.push_cast(arg, pick(&dtypes, random));
        } else {
            let op = Op::ALL[random(Op::ALL.len())];
            let dtype = known[random(known.len())];
            let Some(of) = signature(op, dtype).filter(|of| of.outs.len() == 1) else { continue };
            let mut args = Vec::new();
            for wanted in &of.ins {
                let fitting: Vec<usize> = (0..known.len()).filter(|&value| known[value] == *wanted).collect();
                if !fitting.is_empty() {
                    args.push(fitting[random(fitting.len())] as Value);
                }
            }
            if args.len() < of.ins.len() {
                continue;
            }
            next.push_apply(op, dtype, args.into());
        }
        next.outputs = vec![(next.values() - 1) as Value];
        if jit.lowered(&next).is_some() {
            body = next;
        }
    }
    let results = body.values() - body.first_result();
    body.outputs.clear();
    for result in 0..results {
        if result + 1 == results || random(4) == 0 {
            body.outputs.push((body.first_result() + result) as Value);
        }
    }
    body
}

#[test]
fn random_runs_give_the_bits_of_their_loops() {
    for (_, jit) in compilers() {
        let mut state = 7u64;
        let mut random = move |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as usize) % bound
        };
        for _ in 0..600 {
            let body = random_body(&jit, &mut random);
            if body.steps.is_empty() || body.inputs.is_empty() {
                continue;
            }
            let constants: Vec<Scalar> = (body.constants.iter())
                .map(|&dtype| {
                    let values = values(dtype);
                    values[random(values.len())]
                })
                .collect();
            let shift = random(5);
            let (mut inputs, count) = combinations(&body.inputs, shift);
            check(&jit, &body, &mut inputs, &constants, count.min(1 + random(700)), shift);
        }
    }
}
