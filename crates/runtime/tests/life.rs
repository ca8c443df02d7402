//! The values printed in `docs/life-of-an-op.md` are what the stages make of its program. `UPDATE_EXPECT=1 cargo test`
//! writes them anew.

mod program;

use std::fs;
use std::path::Path;

#[test]
fn the_page_shows_what_the_stages_make() {
    let path = Path::new("../../docs/life-of-an-op.md");
    let page = fs::read_to_string(path).expect("the page");
    let stages = program::run(block(&page, "program").expect("the page has a program"));
    let last = stages.windows.last().expect("the program flushes");
    let mut fresh = page.clone();
    for (name, value) in [
        ("tasks", &last.tasks),
        ("edges", &last.edges),
        ("launches", &last.launches),
        ("mappings", &last.mappings),
        ("commands", &last.commands),
    ] {
        let shown = block(&fresh, name).unwrap_or_else(|| panic!("the page does not show the {name}"));
        fresh = fresh.replace(
            &format!("<!-- {name} -->\n```text\n{shown}```"),
            &format!("<!-- {name} -->\n```text\n{value}```"),
        );
    }
    if fresh == page {
        return;
    }
    assert!(
        option_env!("UPDATE_EXPECT").is_some(),
        "stale; look, then run with UPDATE_EXPECT=1; it should read\n{fresh}"
    );
    fs::write(path, fresh).expect("the page is written");
}

/// The text of the block behind the mark `<!-- name -->`.
fn block<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("<!-- {name} -->\n```text\n"))?;
    Some(rest.split_once("```")?.0)
}
