//! What a fresh machine lacks: a virtual environment with the tools and the wheel.

use crate::shell::{Result, command, output, root, run, run_with, step, target};
use std::path::{Path, PathBuf};

/// What the tests and examples import, by the ranges they are known to work with.
const PACKAGES: &[&str] = &[
    "numpy>=2.4,<2.5",
    "pytest",
    "hypothesis",
    "ruff",
    "maturin>=1.9,<2",
    "matplotlib",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "pillow",
];

/// Makes `.venv` with everything the commands need and the release wheel, and returns its Python.
pub fn setup() -> Result<PathBuf> {
    let python = environment()?;
    step("wheel", || {
        let wheel = build_wheel(&python, &["--release"], &target().join("wheels"))?;
        let words = ["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", text(&wheel)];
        run(&[&[text(&python)], &words[..]].concat())
    })?;
    Ok(python)
}

/// Makes `.venv` with everything the commands need but the wheel, and returns its Python.
pub fn environment() -> Result<PathBuf> {
    let python = root().join(".venv/bin/python");
    step("python packages", || {
        if !python.exists() {
            make_environment()?;
        }
        let stamp = root().join(".venv/maniple-packages");
        let wanted = PACKAGES.join("\n");
        if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
            let mut install =
                command(&[text(&python), "-m", "pip", "install", "--quiet", "--upgrade", "pip"]);
            run_with(install.args(PACKAGES))?;
            std::fs::write(&stamp, wanted).map_err(|error| error.to_string())?;
        }
        Ok(())
    })?;
    Ok(python)
}

/// Builds a wheel in the way that `words` name, alone in the folder `wheels`.
pub fn build_wheel(python: &Path, words: &[&str], wheels: &Path) -> Result<PathBuf> {
    let _ = std::fs::remove_dir_all(wheels);
    let mut build = command(&[text(python), "-m", "maturin", "build", "--quiet", "--out", text(wheels)]);
    build.args(words).current_dir(root().join("python"));
    build.arg("--interpreter").arg(python);
    run_with(&mut build)?;
    let wheel = (std::fs::read_dir(wheels).map_err(|error| error.to_string())?)
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("maturin left no wheel")?;
    let bytes = std::fs::metadata(&wheel).map_or(0, |data| data.len());
    println!("{}: {:.1} MB", wheel.display(), bytes as f64 / 1e6);
    Ok(wheel)
}

/// Installs a package without what it depends on into a folder.
pub fn install(python: &Path, folder: &Path, package: &str) -> Result<()> {
    let words = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", text(folder), package];
    run(&[&[text(python)], &words[..]].concat())
}

fn make_environment() -> Result<()> {
    let names = ["python3", "python3.13", "python3.12", "python3.11", "python"];
    let recent = "import sys; assert sys.version_info >= (3, 11)";
    let python = (names.iter().copied().find(|name| output(&[name, "-c", recent]).is_some())).ok_or(
        "no Python 3.11 or newer was found; install one, such as with `apt-get install python3 python3-venv`",
    )?;
    if run(&[python, "-m", "venv", ".venv"]).is_ok() {
        return Ok(());
    }
    // Debian and Ubuntu keep the venv module in a package of its own.
    let _ = std::fs::remove_dir_all(root().join(".venv"));
    let sudo: &[&str] = if output(&["id", "-u"]).as_deref() == Some("0") { &[] } else { &["sudo"] };
    run(&[sudo, &["apt-get", "update", "--quiet"]].concat())?;
    run(&[sudo, &["apt-get", "install", "--quiet", "--yes", "python3-venv", "python3-dev"]].concat())?;
    run(&[python, "-m", "venv", ".venv"])
}

/// A path as a word of a command.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("paths of the checkout are text")
}
