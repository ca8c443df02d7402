//! Every example recorded and run again from its stream, without Python: what it reads must be the same bytes.

use crate::shell::{Result, command, root, run, run_with, target};
use std::path::Path;

/// Records every example and replays it under the given settings. Each set of settings has a name.
pub fn check(python: &Path, settings: &[(&str, &[(&str, &str)])]) -> Result<()> {
    run(&["cargo", "build", "--quiet", "-p", "maniple", "--bin", "maniple-replay", "--profile", "checked"])?;
    let replay = target().join("checked/maniple-replay");
    let streams = target().join("streams");
    std::fs::create_dir_all(&streams).map_err(|error| error.to_string())?;
    for name in examples()? {
        let stream = streams.join(format!("{name}.stream"));
        let program = format!("examples/{name}.py");
        println!("{name}");
        let mut record = command(&[text(python), "-m", "maniple", "--record", text(&stream), &program]);
        run_with(record.args(["--quick"]).stdout(std::process::Stdio::null()))?;
        run(&[text(&replay), text(&stream)])?;
        for (_, settings) in settings {
            run_with(command(&[text(&replay), text(&stream)]).envs(settings.iter().copied()))?;
        }
        std::fs::remove_file(&stream).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The programs of `examples`, less those that run other programs.
fn examples() -> Result<Vec<String>> {
    let folder = std::fs::read_dir(root().join("examples")).map_err(|error| error.to_string())?;
    let mut names: Vec<String> = folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".py").map(String::from))
        .filter(|name| name != "compare" && name != "demo")
        .collect();
    names.sort();
    Ok(names)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of the checkout and the cache are text")
}
