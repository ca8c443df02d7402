//! Every stage of named small programs, compared with the committed text: `UPDATE_EXPECT=1 cargo test` writes it anew.

mod program;

use program::Stages;
use std::fmt::Write;
use std::fs;
use std::path::Path;

#[test]
fn stages_are_as_committed() {
    let folder = Path::new("tests/cases");
    let mut stale = Vec::new();
    let mut seen = 0;
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a case is text");
        let (source, expected) = text.split_once("\n----\n").unwrap_or((text.trim_end(), ""));
        let found = text_of(&program::run(source));
        seen += 1;
        if found == expected {
            continue;
        }
        if option_env!("UPDATE_EXPECT").is_some() {
            fs::write(&path, format!("{source}\n----\n{found}")).expect("the case is written");
        } else {
            stale.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(seen >= 10, "only {seen} cases were found");
    assert!(stale.is_empty(), "not as committed; look, then run with UPDATE_EXPECT=1\n{}", stale.join("\n"));
}

/// All stages of all windows, a line for each of their values.
fn text_of(stages: &Stages) -> String {
    let mut text = String::new();
    for (at, stage) in stages.windows.iter().enumerate() {
        let _ = writeln!(text, "window {at}");
        for (name, lines) in [
            ("task", &stage.tasks),
            ("edge", &stage.edges),
            ("launch", &stage.launches),
            ("mapping", &stage.mappings),
            ("command", &stage.commands),
        ] {
            for line in lines.lines() {
                let _ = writeln!(text, "  {name} {line}");
            }
        }
    }
    text
}
