//! What NumPy's operations take on each GPU of a machine, and on all of them together.

use maniple::{Array, Layout, Op, Operand, Result, Scalar, apply_one, s};
use maniple_array::{OutOfBounds, runtime};
use maniple_bench::{OPTIONS, Options, driver, quoted, seconds};
use std::process::{Command, ExitCode};

const HELP: &str = "\
bench-gpu [OPTIONS]: array operations on each GPU alone, and on all together

Every case runs through the runtime as a program's would, and is waited for. Its answer is compared with that of the
host's processors. GB/s count every input of a sweep over memory once and every output once; `of copy` is the share of what
a copy of doubles moved on the same GPUs.

";

/// What a case moves and computes, by its size.
#[derive(Clone, Copy)]
struct Work {
    bytes: f64,
    flops: f64,
}

/// One case: how it is made of a size, what it does, and how far its answer may be from the host's.
struct Case {
    name: &'static str,
    size: usize,
    quick: usize,
    inputs: fn(usize) -> Result<Vec<Array>>,
    run: fn(&[Array]) -> Result<Array>,
    work: fn(f64) -> Work,
    tolerance: f64,
}

fn moves(bytes: f64) -> Work {
    Work { bytes, flops: 0.0 }
}

const CASES: &[Case] = &[
    Case {
        name: "copy",
        size: 50_000_000,
        quick: 20_000,
        inputs: |n| random(n, 1),
        run: |a| Ok(&a[0] * 1.0),
        work: |n| moves(16.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "map: a + b",
        size: 50_000_000,
        quick: 20_000,
        inputs: |n| random(n, 2),
        run: |a| Ok(&a[0] + &a[1]),
        work: |n| moves(24.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "map: chain of 20",
        size: 20_000_000,
        quick: 20_000,
        inputs: |n| random(n, 1),
        run: |a| Ok((0..10).fold(a[0].clone(), |sum, _| sum * 0.5 + 1.0)),
        work: |n| Work { bytes: 16.0 * n, flops: 20.0 * n },
        tolerance: 0.0,
    },
    Case {
        name: "reduce: sum",
        size: 50_000_000,
        quick: 20_000,
        inputs: |n| random(n, 1),
        run: |a| a[0].sum(),
        work: |n| moves(8.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "reduce: rows",
        size: 64_000_000,
        quick: 22_500,
        inputs: square,
        run: |a| a[0].sum_axis(1),
        work: |n| moves(8.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "reduce: columns",
        size: 64_000_000,
        quick: 22_500,
        inputs: square,
        run: |a| a[0].sum_axis(0),
        work: |n| moves(8.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "scan",
        size: 50_000_000,
        quick: 20_000,
        inputs: |n| random(n, 1),
        run: |a| a[0].accumulate(Op::Add, 0, None, None),
        work: |n| moves(16.0 * n),
        tolerance: 1e-9,
    },
    Case {
        name: "sort",
        size: 10_000_000,
        quick: 5_000,
        inputs: |n| random(n, 1),
        run: |a| {
            let sorted = a[0].copied()?;
            sorted.sort(-1)?;
            Ok(sorted)
        },
        work: |n| moves(16.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "gather",
        size: 50_000_000,
        quick: 20_000,
        inputs: |n| {
            let index = Array::iota(Scalar::new(0i64), Scalar::new(1i64), n)?;
            Ok(vec![random(n, 1)?.remove(0), index * 7919 % n as i64])
        },
        run: |a| a[0].take(&a[1], Some(0), OutOfBounds::Clip),
        work: |n| moves(24.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "matrix product",
        size: 4096 * 4096,
        quick: 64 * 64,
        inputs: |n| Ok([square(n)?, square(n)?].concat()),
        run: |a| a[0].matmul(&a[1]),
        work: |n| Work { bytes: 24.0 * n, flops: 2.0 * n * n.sqrt() },
        tolerance: 0.0,
    },
    Case {
        name: "Black-Scholes",
        size: 20_000_000,
        quick: 5_000,
        inputs: |n| random(n, 4),
        run: black_scholes,
        work: |n| moves(48.0 * n),
        tolerance: 1e-9,
    },
    Case {
        name: "stencil",
        size: 64_000_000,
        quick: 22_500,
        inputs: square,
        run: |a| {
            let u = &a[0];
            let (north, south) = (u.slice(s![..-2, 1..-1])?, u.slice(s![2.., 1..-1])?);
            let (west, east) = (u.slice(s![1..-1, ..-2])?, u.slice(s![1..-1, 2..])?);
            Ok((north + south + west + east) * 0.25)
        },
        work: |n| moves(16.0 * n),
        tolerance: 0.0,
    },
    Case {
        name: "conjugate gradients",
        size: 10_000_000,
        quick: 5_000,
        inputs: |n| random(n, 1),
        run: conjugate_gradients,
        // Ten steps, each of three sums and three updates.
        work: |n| moves(10.0 * 8.0 * 13.0 * n),
        tolerance: 1e-9,
    },
];

fn main() -> ExitCode {
    let done = match Options::parse(std::env::args().skip(1)) {
        Ok(options) if options.worker => worker(&options),
        Ok(options) => each_and_all(&options),
        Err(None) => {
            print!("{HELP}{OPTIONS}");
            Ok(())
        }
        Err(Some(problem)) => Err(problem),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-gpu: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the cases in processes of their own: with each GPU, and with all of them if there are several.
fn each_and_all(options: &Options) -> std::result::Result<(), String> {
    let devices: Vec<String> = driver(options)?.devices().iter().map(|device| device.name.clone()).collect();
    let mut machines: Vec<(String, Vec<(&str, String)>)> = Vec::new();
    for (number, name) in devices.iter().enumerate() {
        let only = match options.emulated {
            0 => ("CUDA_VISIBLE_DEVICES", number.to_string()),
            _ => ("MANIPLE_EMULATED", "1".to_string()),
        };
        machines.push((format!("device {number}: {name}"), vec![only]));
    }
    if devices.len() > 1 {
        let all = ("MANIPLE_EMULATED", options.emulated.to_string());
        machines.push((format!("all {} devices", devices.len()), vec![all]));
    }
    let mut figures = Vec::new();
    for (name, settings) in machines {
        println!("{name}");
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.arg("--worker").args(std::env::args().skip(1)).env("MANIPLE_ON", "cuda").envs(settings);
        let output = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        for line in text.lines() {
            // A figure is a line of text and one of JSON.
            match line.strip_prefix("json ") {
                Some(row) => figures.push(format!("{{\"on\": {}, {row}}}", quoted(&name))),
                None => println!("  {line}"),
            }
        }
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    if let Some(path) = &options.json {
        let text = format!("[\n {}\n]\n", figures.join(",\n "));
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Runs the cases on what this process sees.
fn worker(options: &Options) -> std::result::Result<(), String> {
    maniple_array::set_search(options.site.clone());
    let text = |error: maniple::Error| error.to_string();
    let mut copy = None;
    for case in CASES.iter().filter(|case| case.name == "copy" || options.wants(case.name)) {
        let size = if options.quick { case.quick } else { case.size };
        let inputs = (case.inputs)(size).map_err(text)?;
        let time = seconds(options.repeat, || {
            let result = (case.run)(&inputs);
            maniple::sync().map_err(text)?;
            result.map(drop).map_err(text)
        })?;
        let difference = difference(case, &inputs).map_err(text)?;
        if difference > case.tolerance {
            return Err(format!("{}: differs from the host's answer by {difference:.1e}", case.name));
        }
        let work = (case.work)(size as f64);
        let rate = work.bytes / time / 1e9;
        let whole = *copy.get_or_insert(rate);
        let flops = work.flops / time / 1e9;
        let computes = if flops > 0.0 { format!("{flops:>9.1} GFLOP/s") } else { String::new() };
        println!(
            "{:<20} {size:>10} {:>11.1} us {rate:>8.1} GB/s {:>6.1} % of copy {computes}",
            case.name,
            time * 1e6,
            100.0 * rate / whole
        );
        println!(
            "json \"case\": {}, \"size\": {size}, \"seconds\": {time:e}, \"gigabytes_per_second\": {rate:.3}, \
             \"gigaflops\": {flops:.3}",
            quoted(case.name)
        );
    }
    Ok(())
}

/// The largest difference of a case's answer on the devices from the host's, beside the largest value.
fn difference(case: &Case, inputs: &[Array]) -> Result<f64> {
    let ours = (case.run)(inputs)?.to_vec::<f64>()?;
    let before = runtime().prefer(Some(0))?;
    let theirs = (case.run)(inputs)?.to_vec::<f64>();
    runtime().prefer(before)?;
    let theirs = theirs?;
    let scale = theirs.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let apart = |(one, other): (&f64, &f64)| (one - other).abs() / scale;
    let same_length = if ours.len() == theirs.len() { 0.0 } else { f64::INFINITY };
    // Not a number is no answer.
    let worst = |most: f64, apart: f64| if apart.is_nan() { f64::INFINITY } else { most.max(apart) };
    Ok(ours.iter().zip(&theirs).map(apart).fold(same_length, worst))
}

/// Arrays of numbers between one and two, in an order that looks random.
fn random(n: usize, count: i64) -> Result<Vec<Array>> {
    let number = |array: i64| {
        let index = Array::iota(Scalar::new(0i64), Scalar::new(1i64), n)?;
        Ok((index * (7919 * (array + 1)) % 10_007) / 10_007 + 1.0)
    };
    (0..count).map(number).collect()
}

/// A square matrix of at most `n` numbers.
fn square(n: usize) -> Result<Vec<Array>> {
    let side = n.isqrt();
    Ok(vec![random(side * side, 1)?.remove(0).reshape(&[side as isize, side as isize], Layout::C)?])
}

/// The call's and the put's values of options, added.
fn black_scholes(a: &[Array]) -> Result<Array> {
    let [spot, strike, years, volatility] = a else { unreachable!("there are four arrays") };
    let deviation = volatility * years.sqrt()?;
    let first = ((spot / strike).log()? + (volatility.square()? * 0.5 + 0.03) * years) / &deviation;
    let second = &first - &deviation;
    let discounted = strike * (years * -0.03).exp()?;
    let (p, q) = (normal(&first)?, normal(&second)?);
    Ok(spot * &p - &discounted * &q + (discounted * (1.0 - q) - spot * (1.0 - p)))
}

/// The distribution function of the normal distribution (Abramowitz and Stegun, 26.2.17).
fn normal(x: &Array) -> Result<Array> {
    const COEFFICIENTS: [f64; 5] = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530];
    let t = 1.0 / (x.absolute()? * 0.2316419 + 1.0);
    let sum = COEFFICIENTS.iter().skip(1).fold(&t * COEFFICIENTS[0], |sum, &next| (sum + next) * &t);
    let tail = sum * (x.square()? * -0.5).exp()? * (1.0 / std::f64::consts::TAU.sqrt());
    apply_one(Op::Select, &[x.less(0)?.input(), tail.input(), (1.0 - &tail).input()])
}

/// Ten steps of conjugate gradients with the matrix of second differences, whose scalars stay arrays.
fn conjugate_gradients(a: &[Array]) -> Result<Array> {
    let apply = |p: &Array| -> Result<Array> {
        let result = p * 2.5;
        let (mut low, mut high) = (result.slice(s![1..])?, result.slice(s![..-1])?);
        low -= &p.slice(s![..-1])?;
        high -= &p.slice(s![1..])?;
        Ok(result)
    };
    let mut x = &a[0] * 0.0;
    let mut r = a[0].copied()?;
    let mut p = r.copied()?;
    let mut rr = (&r * &r).sum()?;
    for _ in 0..10 {
        let q = apply(&p)?;
        let alpha = &rr / (&p * &q).sum()?;
        x += &p * &alpha;
        r -= &q * &alpha;
        let next = (&r * &r).sum()?;
        p = &r + &p * (&next / &rr);
        rr = next;
    }
    Ok(x)
}
