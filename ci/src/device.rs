//! Everything that needs a GPU, as a folder that can be carried to the machine that has one.

use crate::setup;
use crate::shell::{Result, command, output, root, run, run_with, target};
use std::fs;
use std::path::Path;

/// What the folder holds, by where it comes from.
const PARTS: &[(&str, &str)] = &[
    ("bench", "bench"),
    ("examples", "examples"),
    ("python/tests", "python/tests"),
    ("python/pyproject.toml", "python/pyproject.toml"),
    ("ci/device/run.sh", "run.sh"),
    ("ci/device/check.py", "check.py"),
];

/// Makes `out/device` with the wheel and the checks, and runs them if this machine has a GPU. `--python 3.12` names the
/// Python of the machine it is for, whose NumPy goes with it.
pub fn device(rest: &[String]) -> Result<()> {
    let version = match rest {
        [flag, version] if flag == "--python" => version.as_str(),
        [] => "3.12",
        _ => return Err("say `cargo ci device [--python VERSION]`".into()),
    };
    let python = setup::setup()?;
    let bundle = root().join("out/device");
    let _ = fs::remove_dir_all(&bundle);
    for (from, to) in PARTS {
        copy(&root().join(from), &bundle.join(to))?;
    }
    copy(&target().join("wheels"), &bundle)?;
    run(&["cargo", "build", "--release", "-p", "maniple-bench", "--features", "cuda"])?;
    for name in ["bench-gpu", "bench-links"] {
        copy(&target().join("release").join(name), &bundle.join(name))?;
    }
    let python = python.to_str().expect("paths of the checkout are text");
    let folder = bundle.to_str().expect("paths of the checkout are text");
    let numpy =
        output(&[python, "-c", "import numpy; print(numpy.__version__)"]).ok_or("no NumPy in .venv")?;
    let mut download = command(&[python, "-m", "pip", "download", "--quiet", "--no-deps"]);
    download.args(["--only-binary=:all:", "--implementation", "cp", "--python-version", version]);
    download.args(["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_27_x86_64"]);
    run_with(download.args(["--dest", folder, &format!("numpy=={numpy}")]))?;
    println!("{folder}: carry it to a machine with a GPU and Python {version}, and run `sh run.sh` in it");
    match output(&["nvidia-smi", "-L"]) {
        Some(devices) => {
            println!("this machine has one:\n{devices}");
            run(&["sh", &format!("{folder}/run.sh")])
        }
        None => Ok(()),
    }
}

/// Copies a file or a folder, without what Python compiled and what was measured before.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let wrong = |error: std::io::Error| format!("{}: {error}", from.display());
    if !from.is_dir() {
        fs::create_dir_all(to.parent().expect("a file in a folder")).map_err(wrong)?;
        return fs::copy(from, to).map(|_| ()).map_err(wrong);
    }
    fs::create_dir_all(to).map_err(wrong)?;
    for entry in fs::read_dir(from).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name();
        if name != "__pycache__" && name != "results" {
            copy(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}
