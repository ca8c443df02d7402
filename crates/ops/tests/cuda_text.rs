//! The CUDA text of rows, casts, bodies and folds computes what the Rust rows compute. g++ compiles it for the host,
//! which has the arithmetic of a GPU but for its elementary functions; `tests/cuda_text_host.h` is the rest of the program.

use maniple_ops::cuda::{self, Watch};
use maniple_ops::{Body, Dtype, Flags, Kind, Op, Scalar, apply, eval, flags, fold, samples, signature};
use smallvec::smallvec;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

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
    /// What goes before the function.
    prelude: String,
    ins: Vec<Dtype>,
    outs: Vec<Dtype>,
    /// Statements over `v0` and so on, and `f0` and so on.
    statements: String,
    /// The statements that only look out for events, if there are any.
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

#[test]
fn texts_compute_what_rows_compute() {
    let kernels: Vec<Kernel> =
        [rows(), casts(), bodies(), folds(), identities()].into_iter().flatten().collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("cuda_text.cpp"), folder.join("cuda_text"));
    std::fs::write(&source, program_text(&kernels)).expect("the folder for tests can be written");
    // A copy, since the folder of compiled tests may serve several clones.
    std::fs::write(folder.join("cuda_text_host.h"), include_str!("cuda_text_host.h"))
        .expect("the folder for tests can be written");
    let compiled = Command::new("g++")
        .args(["-std=c++17", "-O1", "-w", "-ffp-contract=off", "-fno-fast-math", "-o"])
        .args([&program, &source])
        .status()
        .expect("g++ is installed");
    assert!(compiled.success(), "{} does not compile", source.display());

    let (given, found) = (folder.join("cuda_text.in"), folder.join("cuda_text.out"));
    std::fs::write(&given, given_bytes(&kernels)).expect("the folder for tests can be written");
    let run = Command::new(&program).args([&given, &found]).status().expect("the program starts");
    assert!(run.success(), "the program fails");
    let bytes = std::fs::read(&found).expect("the program wrote its results");
    let differences = compare(&kernels, &bytes);
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences[..differences.len().min(60)].join("\n")
    );
}

#[test]
fn what_only_the_cpu_runs_is_listed() {
    for &op in Op::ALL {
        for dtype in Dtype::ALL {
            let Some(of) = signature(op, dtype) else { continue };
            let body = Body::single(&of, &of.ins, &of.outs);
            let listed = cuda::CPU_ONLY.contains(&op);
            assert_eq!(cuda::supports(&body), !listed, "{op:?} {dtype}");
            assert_eq!(cuda::steps(&body, Watch::Flags).is_some(), !listed, "{op:?} {dtype}");
            assert_eq!(
                cuda::combine(op, dtype).is_some(),
                fold(op, dtype).is_some() && !listed,
                "{op:?} {dtype}"
            );
        }
    }
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
    let kernels = pairs.filter(|(from, to)| from != to).map(|(from, to)| {
        let mut body = Body { inputs: vec![from], ..Body::default() };
        body.outputs = vec![body.push_cast(0, to)];
        let mut rows = sample_rows(Op::Positive, from, &[from]);
        rows.extend(powers_of_two().map(|value| vec![Scalar::new(value).cast(from)]));
        of_body(format!("{from} to {to}"), &body, Near::Exact, rows).expect("every cast has a text")
    });
    kernels.collect()
}

/// Numbers around the ends of the integers.
fn powers_of_two() -> impl Iterator<Item = f64> {
    [7, 8, 15, 16, 31, 32, 63, 64].into_iter().flat_map(|exponent| {
        let power = 2f64.powi(exponent);
        let ulp = power * f64::EPSILON;
        let single = power * f32::EPSILON as f64;
        [
            power,
            power - ulp,
            power + ulp,
            power - 1.0,
            power + 1.0,
            power - single,
            power + 2.0 * single,
            power - 0.5,
        ]
        .into_iter()
        .flat_map(|value| [value, -value])
    })
}

/// Programs of several steps.
fn bodies() -> Vec<Kernel> {
    let mut wave = Body {
        inputs: vec![Dtype::Float64, Dtype::Int32],
        constants: vec![Dtype::Float64],
        ..Body::default()
    };
    let whole = wave.push_cast(1, Dtype::Float64);
    let product = wave.push_apply(Op::Multiply, Dtype::Float64, smallvec![0, whole]);
    let quotient = wave.push_apply(Op::Divide, Dtype::Float64, smallvec![product, 2]);
    let parts = wave.push_apply(Op::Divmod, Dtype::Float64, smallvec![quotient, 0]);
    let narrow = wave.push_cast(parts, Dtype::Float32);
    wave.outputs = vec![narrow, parts + 1];

    let mut halves = Body { inputs: vec![Dtype::Float16, Dtype::Float16], ..Body::default() };
    let sum = halves.push_apply(Op::Add, Dtype::Float16, smallvec![0, 1]);
    let square = halves.push_apply(Op::Square, Dtype::Float16, smallvec![sum]);
    let less = halves.push_apply(Op::Less, Dtype::Float16, smallvec![square, 1]);
    let chosen = halves.push_apply(Op::Select, Dtype::Float16, smallvec![less, sum, square]);
    halves.outputs = vec![chosen, less];

    let bodies = [("wave", wave), ("halves", halves)];
    let kernels = bodies.into_iter().map(|(name, body)| {
        body.check().expect("a body of this test");
        let given: Vec<Dtype> = body.inputs.iter().chain(&body.constants).copied().collect();
        let rows = sample_rows(Op::Add, Dtype::Float64, &given);
        of_body(name.to_string(), &body, Near::Exact, rows).expect("its rows have texts")
    });
    kernels.collect()
}

/// The combining step of every fold.
fn folds() -> Vec<Kernel> {
    let cases = Op::ALL.iter().flat_map(|&op| Dtype::ALL.into_iter().map(move |dtype| (op, dtype)));
    let kernels = cases.filter_map(|(op, dtype)| {
        let function = cuda::combine(op, dtype)?;
        let value = cuda::value(dtype);
        let events = cuda::combine_events(op, dtype).unwrap_or("0");
        let rows = sample_rows(op, dtype, &[dtype, dtype]);
        let wanted = rows.iter().map(|row| {
            flags::clear();
            (apply(op, dtype, row), Some(flags::read()))
        });
        let mut kernel = Kernel {
            name: format!("fold {op:?} {dtype}"),
            prelude: cuda::prelude_for(&Body { inputs: vec![dtype], ..Body::default() }, Some(op)),
            ins: vec![dtype; 2],
            outs: vec![dtype],
            statements: format!("const {value} a = v0, b = v1, r = {function}(a, b);\nf0 |= {events};\n"),
            lookout: String::new(),
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

/// The identity of every fold that has one, and literals of every dtype.
fn identities() -> Vec<Kernel> {
    let constant = |name: String, text: String, wanted: Scalar| {
        let dtype = wanted.dtype();
        Kernel {
            name,
            prelude: cuda::prelude().to_string(),
            ins: vec![dtype],
            outs: vec![dtype],
            statements: String::new(),
            lookout: String::new(),
            results: vec![text],
            steps: 0,
            near: Near::Exact,
            rows: vec![vec![Scalar::zero(dtype)]],
            wanted: vec![(vec![wanted], None)],
        }
    };
    let mut kernels = Vec::new();
    for &op in Op::ALL {
        for dtype in Dtype::ALL {
            let Some(text) = cuda::identity(op, dtype) else { continue };
            let identity = op.row().identity.expect("a row with an identity");
            kernels.push(constant(format!("identity {op:?} {dtype}"), text, identity.scalar(dtype)));
        }
    }
    for dtype in Dtype::ALL {
        for value in samples::edges(dtype).into_iter().take(60) {
            kernels.push(constant(format!("literal {value:?}"), cuda::literal(value), value));
        }
    }
    kernels
}

fn of_body(name: String, body: &Body, near: Near, rows: Vec<Vec<Scalar>>) -> Option<Kernel> {
    let dtypes = body.value_dtypes();
    let inputs = body.inputs.len();
    let wanted = rows.iter().map(|row| {
        flags::clear();
        let results = eval(body, &row[..inputs], &row[inputs..]);
        (results, Some(flags::read()))
    });
    Some(Kernel {
        name,
        prelude: cuda::prelude_for(body, None),
        ins: dtypes[..body.first_result()].to_vec(),
        outs: body.outputs.iter().map(|&output| dtypes[output as usize]).collect(),
        statements: cuda::steps(body, Watch::Flags)?,
        lookout: cuda::steps(body, Watch::Suspicion)?,
        results: body.outputs.iter().map(|output| format!("v{output}")).collect(),
        steps: body.steps.len(),
        near,
        wanted: wanted.collect(),
        rows,
    })
}

/// Every pair of edge values, and values from the row's domain.
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
    rows
}

fn nearness(op: Op, dtype: Dtype) -> Near {
    if !dtype.is_inexact() {
        return Near::Exact;
    }
    let units = if dtype == Dtype::Float16 { 1.0 } else { 4.0 };
    match op {
        // The product of exponent and logarithm has a rounding error that the exponential makes larger.
        Op::Power | Op::FloatPower if dtype.is_complex() => Near::UnitsOfLargerPart(1024.0),
        Op::Log1p if dtype.is_complex() => Near::UnitsOfLargest(4.0),
        Op::Logaddexp | Op::Logaddexp2 => Near::UnitsOfLargest(4.0),
        Op::Absolute | Op::Sign | Op::Sqrt if dtype.is_complex() => Near::Units(4.0),
        Op::Arctan2 | Op::Hypot | Op::Power | Op::FloatPower | Op::Cbrt => Near::Units(units),
        _ if (Op::Exp..=Op::Log1p).contains(&op) || (Op::Sin..=Op::Arctanh).contains(&op) => {
            match dtype.kind() {
                Kind::Complex => Near::UnitsOfLargerPart(4.0),
                _ => Near::Units(4.0),
            }
        }
        _ => Near::Exact,
    }
}

/// The whole C++ program: a namespace for each prelude, so that the parts of the prelude are tried alone too.
fn program_text(kernels: &[Kernel]) -> String {
    let mut spaces: Vec<(&str, String)> = Vec::new();
    for (index, kernel) in kernels.iter().enumerate() {
        let known = spaces.iter().position(|(prelude, _)| *prelude == kernel.prelude);
        let space = known.unwrap_or_else(|| {
            spaces.push((&kernel.prelude, String::new()));
            spaces.len() - 1
        });
        let text = &mut spaces[space].1;
        writeln!(text, "\n// {}\nBODY(k{index}) {{", kernel.name).expect("a string takes all text");
        for (place, dtype) in kernel.ins.iter().enumerate() {
            let element = format!("((const {} *)buffers.in[{place}])[i]", cuda::storage(*dtype));
            let value = cuda::value(*dtype);
            writeln!(text, "const {value} v{place} = {};", cuda::load(*dtype, &element)).expect("as above");
        }
        let flags: Vec<String> = (0..kernel.steps).map(|step| format!("f{step}")).collect();
        flags.iter().for_each(|flag| text.push_str(&format!("unsigned int {flag} = 0;\n")));
        text.push_str(&kernel.statements);
        for (place, (dtype, result)) in kernel.outs.iter().zip(&kernel.results).enumerate() {
            let stored = cuda::store(*dtype, result);
            writeln!(text, "(({} *)buffers.out[{place}])[i] = {stored};", cuda::storage(*dtype))
                .expect("as above");
        }
        let all = if flags.is_empty() { "0".to_string() } else { flags.join(" | ") };
        // Events that the look-out missed are turned into wrong ones.
        writeln!(
            text,
            "unsigned int all = {all};\nif (all) {{\nmn_seen seen = {{0, 0, 0}};\n{}if ({} && !mn_suspicious(seen)) \
             all = ~all;\n}}\nbuffers.events[i] = (unsigned char)all;\n}}\nENTRY(k{index})",
            kernel.lookout,
            !kernel.lookout.is_empty()
        )
        .expect("as above");
    }
    let mut text = String::from("#include \"cuda_text_host.h\"\n");
    for (number, (prelude, bodies)) in spaces.iter().enumerate() {
        write!(text, "namespace n{number} {{\n{prelude}{bodies}}}\nusing namespace n{number};\n")
            .expect("as above");
    }
    let entries: Vec<String> = kernels
        .iter()
        .enumerate()
        .map(|(index, kernel)| {
            let sizes = |dtypes: &[Dtype], places: usize| {
                let size = |place| dtypes.get(place).map_or(0, |dtype: &Dtype| dtype.size()).to_string();
                (0..places).map(size).collect::<Vec<_>>().join(", ")
            };
            let (ins, outs) = (sizes(&kernel.ins, 3), sizes(&kernel.outs, 2));
            format!("LISTED(k{index}, {}, {ins}, {outs})\n", kernel.rows.len())
        })
        .collect();
    write!(text, "LIST_BEGIN\n{}LIST_END\n", entries.concat()).expect("as above");
    text
}

/// The columns of all kernels, one after another.
fn given_bytes(kernels: &[Kernel]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for kernel in kernels {
        for place in 0..kernel.ins.len() {
            kernel.rows.iter().for_each(|row| bytes.extend(row[place].as_bytes()));
        }
    }
    bytes
}

/// A line for each result that is not as it must be.
fn compare(kernels: &[Kernel], mut bytes: &[u8]) -> Vec<String> {
    let mut differences = Vec::new();
    for kernel in kernels {
        let count = kernel.rows.len();
        for (place, dtype) in kernel.outs.iter().enumerate() {
            let (column, rest) = bytes.split_at(count * dtype.size());
            bytes = rest;
            for (index, element) in column.chunks(dtype.size()).enumerate() {
                let (found, wanted) = (Scalar::from_bytes(*dtype, element), kernel.wanted[index].0[place]);
                if !is_near(kernel.near, &kernel.rows[index], found, wanted) {
                    let row = &kernel.rows[index];
                    differences.push(format!(
                        "{} of {row:?}, output {place}: {found:?}, not {wanted:?}",
                        kernel.name
                    ));
                }
            }
        }
        let (events, rest) = bytes.split_at(count);
        bytes = rest;
        for (index, events) in events.iter().enumerate() {
            let Some(wanted) = kernel.wanted[index].1 else { continue };
            let (found, wanted) =
                (Flags::from_bits(*events), Flags::from_bits(wanted.bits() & WATCHED.bits()));
            if found != wanted {
                let row = &kernel.rows[index];
                differences.push(format!("{} of {row:?} means '{found}', not '{wanted}'", kernel.name));
            }
        }
    }
    assert!(bytes.is_empty(), "the program wrote too much");
    differences
}

fn is_near(near: Near, row: &[Scalar], found: Scalar, wanted: Scalar) -> bool {
    let part = wanted.dtype().real();
    let larger = parts(wanted)
        .iter()
        .map(|part| part.as_f64().abs())
        .filter(|part| part.is_finite())
        .fold(0.0, f64::max);
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
    let (digits, lowest) = match dtype {
        Dtype::Float16 => (10, -24),
        Dtype::Float32 => (23, -149),
        _ => (52, -1074),
    };
    let exponent = number.abs().log2().floor();
    let exponent = if exponent.is_finite() { exponent as i32 - digits } else { lowest };
    2f64.powf(f64::from(exponent.max(lowest)))
}
