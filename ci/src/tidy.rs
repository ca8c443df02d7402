//! The rules of the house, as a test: crate arrows, one reader of the environment, no long files, no marks left.

use crate::shell::{Result, root};
use std::path::{Path, PathBuf};

/// A file longer than this is usually two ideas.
const MOST_LINES: usize = 750;

/// Which of our crates each crate may name in its `Cargo.toml`.
const ARROWS: &[(&str, &[&str])] = &[
    ("ops", &[]),
    ("runtime", &["maniple-ops"]),
    ("mapper", &["maniple-ops", "maniple-runtime"]),
    ("cpu-backend", &["maniple-ops", "maniple-runtime"]),
    ("cuda-backend", &["maniple-ops", "maniple-runtime"]),
    ("wgpu-backend", &["maniple-ops", "maniple-runtime"]),
    ("conformance", &["maniple-cpu", "maniple-mapper", "maniple-ops", "maniple-runtime"]),
    (
        "array",
        &["maniple-ops", "maniple-runtime", "maniple-mapper", "maniple-cpu", "maniple-cuda", "maniple-wgpu"],
    ),
    ("maniple", &["maniple-array", "maniple-ops", "maniple-runtime"]),
    ("python", &["maniple-array", "maniple-ops", "maniple-runtime"]),
];

/// Words that must not stand in a file, with the places where they may.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("env::var", &["crates/runtime/src/config.rs", "ci/src"], "settings are read in runtime/config.rs only"),
    ("unimplemented!", &[], "a stub is a defect"),
    ("todo!", &[], "a stub is a defect"),
    ("#[ignore", &[], "assert today's behaviour and say why"),
    ("FIXME", &[], "mend it or write an issue"),
];

/// Says which rules are broken, and where.
pub fn check() -> Result<()> {
    let mut problems = Vec::new();
    let files = sources(&root());
    for path in &files {
        let place = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{place}: {error}"))?;
        let lines = text.lines().count();
        if lines > MOST_LINES {
            problems.push(format!("{place}: {lines} lines, more than {MOST_LINES}"));
        }
        let opening =
            text.lines().find(|line| !line.starts_with("#!") && !line.starts_with("#[")).unwrap_or("");
        if place.ends_with(".rs") && !opening.starts_with("//!") {
            problems.push(format!("{place}: does not open with a sentence saying what it is for"));
        }
        if place == "ci/src/tidy.rs" {
            continue;
        }
        for (word, allowed, reason) in FORBIDDEN {
            if place.ends_with(".rs")
                && text.contains(word)
                && !allowed.iter().any(|prefix| place.starts_with(prefix))
            {
                problems.push(format!("{place}: {word}: {reason}"));
            }
        }
    }
    for (name, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(root().join("crates").join(name).join("Cargo.toml"))
            .map_err(|error| format!("crates/{name}: {error}"))?;
        let dependencies =
            manifest.split("[dependencies]").nth(1).unwrap_or("").split("[dev-dependencies]").next();
        for line in dependencies.unwrap_or("").lines().filter(|line| line.starts_with("maniple")) {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
            if !allowed.contains(&dependency) {
                problems.push(format!("crates/{name} must not depend on {dependency}"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("\n  {}", problems.join("\n  "))) }
}

/// Every Rust and Python source of ours.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "ci", "python", "examples", "bench"].iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name.ends_with(".rs") || name.ends_with(".py") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
