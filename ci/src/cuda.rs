//! What can be said about GPUs without one: that kernels compile and what they take, and that programs on devices that
//! the host's processor plays give what NumPy gives.

use crate::setup::{self, build_wheel, install};
use crate::shell::{Result, command, run, step, target};
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// NVIDIA's compiler of kernels, which needs no GPU.
const COMPILER: &str = "nvidia-cuda-nvrtc>=13,<14";

/// Two emulated devices whose pieces wander between them.
const WANDERING: &[(&str, &str)] =
    &[("MANIPLE_EMULATED", "2"), ("MANIPLE_PIECES", "3"), ("MANIPLE_MAPPER", "random:9")];
/// One emulated device that gets everything.
const ONE: &[(&str, &str)] = &[("MANIPLE_EMULATED", "1")];

/// Programs on emulated devices, the longest first: settings and the words after `python`. Most of their time goes into
/// compiling kernels, which is what bounds the dtypes here: the texts of all rows at all dtypes are held to the Rust rows
/// by the tests of `crates/ops`.
const EMULATED: [(&str, &[(&str, &str)], &[&str]); 9] = [
    ("rows and options", ONE, &["-m", "pytest", "-q", "python/tests/test_ops.py", "-k", "not every_row"]),
    (
        "random programs",
        &[],
        &["python/tests/fuzz.py", "--seeds", "0-60", "--settings", "devices", "--jobs", "1"],
    ),
    (
        "whole programs",
        ONE,
        &[
            "-m",
            "pytest",
            "-q",
            "python/tests/test_array.py",
            "python/tests/test_rebound.py",
            "python/tests/test_fallback.py",
            "python/tests/test_binding.py",
            "python/tests/test_errstate.py",
        ],
    ),
    ("examples", ONE, &["examples/compare.py", "--quick"]),
    ("full devices", &[], &["python/tests/devices.py"]),
    (
        "sorting on two devices",
        WANDERING,
        &[
            "-m",
            "pytest",
            "-q",
            "python/tests/test_sorting.py",
            "-k",
            "sorting[h] or sorting[d] or unique[f] or calls",
        ],
    ),
    (
        "rows on two devices",
        WANDERING,
        &[
            "-m",
            "pytest",
            "-q",
            "python/tests/test_ops.py",
            "-k",
            "every_row and (float64 or int64 or complex128 or float16)",
        ],
    ),
    ("arrays on two devices", WANDERING, &["-m", "pytest", "-q", "python/tests/test_array.py"]),
    ("examples on two devices", WANDERING, &["examples/compare.py", "--quick", "heat2d", "nbody", "terrain"]),
];

/// Compiles every kind of kernel for several GPUs and prints what they take of a multiprocessor.
pub fn check() -> Result<()> {
    let python = setup::environment()?;
    let folder = target().join("nvrtc");
    if !folder.join("nvidia").exists() {
        step("NVIDIA's compiler", || install(&python, &folder, COMPILER))?;
    }
    step("kernels for sm_80, sm_90 and sm_100", || {
        run(&[
            "cargo",
            "run",
            "--quiet",
            "-p",
            "maniple-cuda",
            "--profile",
            "checked",
            "--example",
            "cuda_check",
            setup::text(&folder),
        ])
    })
}

/// Python tests, examples and random programs on emulated devices, with a build of their own: releases hold none.
pub fn emulated() -> Result<()> {
    let python = setup::environment()?;
    let modules = target().join("emulated");
    step("a build with emulated devices", || {
        let wheels = target().join("emulated-wheels");
        let wheel = build_wheel(&python, &["--profile", "checked", "--features", "emulate"], &wheels)?;
        let _ = std::fs::remove_dir_all(&modules);
        install(&python, &modules, setup::text(&wheel))
    })?;
    step("benchmarks of devices", || {
        for name in ["bench-links", "bench-gpu"] {
            let words = [
                "cargo",
                "run",
                "--quiet",
                "-p",
                "maniple-bench",
                "--features",
                "emulate",
                "--profile",
                "checked",
            ];
            run(&[&words[..], &["--bin", name, "--", "--quick", "--emulated", "2"]].concat())?;
        }
        Ok(())
    })?;
    let next = AtomicUsize::new(0);
    let problems = Mutex::new(Vec::new());
    // Kernels are compiled by the thread that needs them, so that every core gets a program.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let work = || {
            while let Some((name, settings, words)) = EMULATED.get(next.fetch_add(1, Ordering::Relaxed)) {
                let started = Instant::now();
                let mut command = command(&[setup::text(&python)]);
                command.args(*words).env("PYTHONPATH", &modules).env("MANIPLE_ON", "cuda");
                let output =
                    command.envs(settings.iter().copied()).output().map_err(|error| error.to_string());
                let good = output.as_ref().is_ok_and(|output| output.status.success());
                let text = output.map_or_else(|error| error, |output| printed(&output));
                let mut problems = problems.lock().expect("nobody panics while holding it");
                println!("== emulated devices: {name}\n{text}");
                let mark = if good { "done" } else { "FAILED" };
                println!("== emulated devices: {name}: {mark} in {:.0} s", started.elapsed().as_secs_f64());
                if !good {
                    problems.push(*name);
                }
            }
        };
        (0..cores).for_each(|_| drop(scope.spawn(work)));
    });
    let problems = problems.into_inner().expect("nobody panics while holding it");
    if problems.is_empty() {
        Ok(())
    } else {
        Err(format!("on emulated devices failed: {}", problems.join(", ")))
    }
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
