//! Pages that are written from tables, and the check that they are fresh.

use crate::shell::{Result, command, root, target};

/// The generated pages: where each lies, and the argument of `maniple-pages` that prints it.
const PAGES: &[(&str, &str)] = &[("docs/settings.md", "settings"), ("docs/ops.md", "ops")];

/// Writes every page.
pub fn write() -> Result<()> {
    for (place, page) in PAGES {
        std::fs::write(root().join(place), text_of(page)?).map_err(|error| format!("{place}: {error}"))?;
    }
    Ok(())
}

/// Says which page is not what its table says.
pub fn check() -> Result<()> {
    for (place, page) in PAGES {
        if std::fs::read_to_string(root().join(place)).ok() != Some(text_of(page)?) {
            return Err(format!("{place} is stale; run `cargo ci gen`"));
        }
    }
    Ok(())
}

fn text_of(page: &str) -> Result<String> {
    let words = [
        "cargo",
        "run",
        "--quiet",
        "--package",
        "maniple",
        "--example",
        "pages",
        "--profile",
        "checked",
        "--",
        page,
    ];
    let output =
        command(&words).env("CARGO_TARGET_DIR", target()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
