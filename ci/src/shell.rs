//! Running other programs, with what they were in the error when they fail.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Everything that can go wrong here ends as a sentence for the user.
pub type Result<T> = std::result::Result<T, String>;

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the ci crate is in the checkout").to_path_buf()
}

/// Where other builds than that of this program leave what they made: a cache outside the checkout, unless the user
/// names a place.
pub fn target() -> PathBuf {
    if let Some(place) = std::env::var_os("CARGO_TARGET_DIR") {
        return place.into();
    }
    let home = std::env::var_os("HOME").map_or_else(root, PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    cache.join("maniple/target")
}

/// A command in the root of the checkout.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(root()).env("CARGO_TARGET_DIR", target());
    command
}

/// Runs a command to its end.
pub fn run(words: &[&str]) -> Result<()> {
    run_with(&mut command(words))
}

/// Runs a prepared command to its end.
pub fn run_with(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}

/// What a command prints, without its last line end; none if it fails or is not there.
pub fn output(words: &[&str]) -> Option<String> {
    let output = command(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Runs one named step and says how long it took.
pub fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let started = Instant::now();
    let result = work();
    let mark = if result.is_ok() { "done" } else { "FAILED" };
    println!("== {name}: {mark} in {:.0} s", started.elapsed().as_secs_f64());
    result.map_err(|problem| format!("{name}: {problem}"))
}
