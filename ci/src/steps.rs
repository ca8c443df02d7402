//! What the commands do, each a list of steps.

use crate::shell::{Result, command, root, run, run_with, step, target};
use crate::{cuda, generate, replay, setup, tidy, wgpu};
use std::path::Path;
use std::process::Command;

/// Settings under which every program must give the same bits.
const HOSTILE: &[(&str, &[(&str, &str)])] = &[
    (
        "3 pieces, all compiled",
        &[
            ("MANIPLE_PIECES", "3"),
            ("MANIPLE_CHECK", "1"),
            ("MANIPLE_JIT", "always"),
            ("MANIPLE_RENAME", "0"),
            ("MANIPLE_BLOCK", "2k"),
            ("MANIPLE_SMALL", "0"),
        ],
    ),
    (
        "3 memories, random mapper, window 1",
        &[
            ("MANIPLE_MACHINE", "1,1,1"),
            ("MANIPLE_MAPPER", "random:7"),
            ("MANIPLE_WINDOW", "1"),
            ("MANIPLE_SMALL", "0"),
        ],
    ),
    (
        "3 memories, 3 pieces, random mapper",
        &[
            ("MANIPLE_MACHINE", "1,1,1"),
            ("MANIPLE_MAPPER", "random:8"),
            ("MANIPLE_PIECES", "3"),
            ("MANIPLE_CHECK", "1"),
            ("MANIPLE_RENAME", "0"),
            ("MANIPLE_BLOCK", "2k"),
            ("MANIPLE_SMALL", "0"),
        ],
    ),
    (
        "no fusion, serial, no compilation",
        &[("MANIPLE_FUSE", "0"), ("MANIPLE_MAPPER", "serial"), ("MANIPLE_JIT", "0")],
    ),
];

/// How many random programs CI compares with NumPy.
const FUZZ_SEEDS: &str = "0-2000";
/// How many handfuls of calls with arguments that make no sense CI makes.
const HOSTILE_SEEDS: &str = "0-2000";

/// The README's first command: the terrain study on real data.
pub fn demo(rest: &[String]) -> Result<()> {
    let python = setup::setup()?;
    std::fs::create_dir_all(root().join("out")).map_err(|error| error.to_string())?;
    let mut words = vec!["examples/demo.py".to_string()];
    words.extend_from_slice(rest);
    run_with(in_root(&python).args(&words))
}

/// Everything that CI runs.
pub fn test() -> Result<()> {
    step("format", || run(&["cargo", "fmt", "--all", "--check"]))?;
    step("tidy", tidy::check)?;
    step("clippy", || {
        run(&[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--profile",
            "checked",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    step("Rust tests", rust_tests)?;
    cuda::check()?;
    let python = setup::setup()?;
    step("generated pages", generate::check)?;
    step("ruff", || {
        run_with(in_root(&python).args(["-m", "ruff", "check", "python", "examples", "bench", "crates"]))
    })?;
    step("the op table against NumPy", || {
        let rows = target().join("rows");
        std::fs::create_dir_all(&rows).map_err(|error| error.to_string())?;
        let rows = rows.to_str().expect("paths of the cache are text");
        run(&[
            "cargo",
            "run",
            "--quiet",
            "-p",
            "maniple-ops",
            "--profile",
            "checked",
            "--example",
            "dump_rows",
            rows,
        ])?;
        run_with(in_root(&python).args(["crates/ops/tests/compare_numpy.py", rows]))
    })?;
    step("Python tests", || {
        run_with(in_root(&python).args(["-m", "pytest", "-q", "python/tests", "-m", "not slow"]))
    })?;
    for (name, settings) in HOSTILE {
        step(&format!("Python tests: {name}"), || {
            let mut tests = in_root(&python);
            tests.args(["-m", "pytest", "-q", "-x", "python/tests", "-m", "not slow"]);
            run_with(tests.envs(settings.iter().copied()))
        })?;
    }
    step("examples", || run_with(in_root(&python).args(["examples/compare.py", "--quick"])))?;
    for (name, settings) in HOSTILE {
        step(&format!("examples: {name}"), || {
            let mut examples = in_root(&python);
            run_with(examples.args(["examples/compare.py", "--quick"]).envs(settings.iter().copied()))
        })?;
    }
    step("examples: record and replay", || replay::check(&python, HOSTILE))?;
    step("Python tests: slow", || {
        // Builds a scratch copy of the whole workspace with one more row.
        run_with(in_root(&python).args(["-m", "pytest", "-q", "python/tests", "-m", "slow"]))
    })?;
    step("hostile arguments", || {
        run_with(in_root(&python).args(["python/tests/hostile.py", "--seeds", HOSTILE_SEEDS]))
    })?;
    step("random programs", || {
        run_with(in_root(&python).args(["python/tests/fuzz.py", "--seeds", FUZZ_SEEDS, "--settings", "all"]))
    })?;
    wgpu::check(&python)?;
    cuda::emulated()
}

/// What a change needs before it is looked at again.
pub fn fast() -> Result<()> {
    step("format", || run(&["cargo", "fmt", "--all", "--check"]))?;
    step("tidy", tidy::check)?;
    step("clippy", || {
        run(&["cargo", "clippy", "--workspace", "--profile", "checked", "--", "-D", "warnings"])
    })?;
    step("Rust tests", rust_tests)
}

/// Random programs against NumPy.
pub fn fuzz(rest: &[String]) -> Result<()> {
    let python = setup::setup()?;
    run_with(in_root(&python).arg("python/tests/fuzz.py").args(rest))
}

/// Measured comparisons.
pub fn bench(rest: &[String]) -> Result<()> {
    let python = setup::setup()?;
    let mut words: Vec<String> = rest.to_vec();
    if let Some(group) = words.first_mut().filter(|word| !word.starts_with('-')) {
        *group = format!("--group={group}");
    }
    run_with(in_root(&python).arg("bench/run.py").args(words))
}

/// The installed NumPy's own tests with `numpy` meaning ours.
pub fn upstream(rest: &[String]) -> Result<()> {
    let python = setup::setup()?;
    match rest.split_first() {
        Some((library, files)) if library == "numpy" => {
            run_with(in_root(&python).arg("python/tools/upstream.py").args(files))
        }
        _ => Err("say `cargo ci upstream numpy [FILES]`".into()),
    }
}

fn rust_tests() -> Result<()> {
    // The extension module has no Rust tests, and its test binary could not be linked without Python.
    run(&["cargo", "test", "--quiet", "--workspace", "--exclude", "maniple-python", "--profile", "checked"])
}

fn in_root(python: &Path) -> Command {
    command(&[python.to_str().expect("paths of the checkout are text")])
}
