//! The library of functions that texts call, of which each text gets those that it needs.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// The definitions of every function that a text calls, and of those that they call. Names that the library does not
/// have are left to the text.
pub fn definitions(text: &str) -> String {
    let library = &*LIBRARY;
    let mut needed = BTreeSet::new();
    let mut open: Vec<usize> = library.called_by(text);
    while let Some(place) = open.pop() {
        if needed.insert(place) {
            open.extend(&library.entries[place].calls);
        }
    }
    needed.into_iter().map(|place| library.entries[place].text.as_str()).collect()
}

/// The library as it is written. In `INTEGERS` each text stands for several.
const FILES: &[&str] = &[
    include_str!("bits.wgsl"),
    include_str!("wide.wgsl"),
    include_str!("boolean.wgsl"),
    include_str!("cast.wgsl"),
    include_str!("real.wgsl"),
    include_str!("events.wgsl"),
    include_str!("exponential.wgsl"),
    include_str!("circular.wgsl"),
    include_str!("power.wgsl"),
    include_str!("complex.wgsl"),
    include_str!("complex_elementary.wgsl"),
];
const INTEGERS: &str = include_str!("integer.wgsl");

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::new);

struct Library {
    entries: Vec<Entry>,
    places: HashMap<String, usize>,
}

/// The definition of one function, structure or constant.
struct Entry {
    text: String,
    calls: Vec<usize>,
}

impl Library {
    fn new() -> Library {
        let mut texts: Vec<String> = FILES.iter().flat_map(|file| split(file)).collect();
        for text in split(INTEGERS) {
            texts.extend(instances(&text));
        }
        let named = texts.iter().enumerate().map(|(place, text)| (name(text).to_string(), place));
        let places: HashMap<String, usize> = named.collect();
        let entries = texts.into_iter().map(|text| Entry { text, calls: Vec::new() }).collect();
        let mut library = Library { entries, places };
        for place in 0..library.entries.len() {
            let calls = library.called_by(&library.entries[place].text);
            library.entries[place].calls = calls;
        }
        library
    }

    fn called_by(&self, text: &str) -> Vec<usize> {
        words(text).filter_map(|word| self.places.get(word).copied()).collect()
    }
}

/// The definitions in a file, without comments. A definition starts at the beginning of a line, and ends with the line
/// that closes it there.
fn split(file: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text = String::new();
    for line in file.lines().filter(|line| !line.trim_start().starts_with("//") && !line.is_empty()) {
        let begins = text.is_empty();
        text.push_str(line);
        text.push('\n');
        let ends =
            if begins { line.ends_with('}') || line.ends_with(';') } else { line.starts_with(['}', ')']) };
        if ends {
            texts.push(std::mem::take(&mut text));
        }
    }
    texts
}

/// The name that a definition defines.
fn name(text: &str) -> &str {
    words(text).find(|word| word.starts_with("mn_")).expect("a definition has a name")
}

/// What a text about `whole`, `int` and `uint` becomes for integers of 32 and of 64 bits.
fn instances(text: &str) -> Vec<String> {
    let both = name(text).ends_with("_whole");
    let mut texts = Vec::new();
    for (int, uint, width) in [("i32", "u32", "32"), ("i64", "u64", "64")] {
        let kinds = [int, uint];
        for whole in &kinds[..if both { 2 } else { 1 }] {
            texts.push(replace_words(text, |word| {
                let start = word.rfind('_').map_or(0, |place| place + 1);
                let last = match &word[start..] {
                    "whole" => whole,
                    "int" => int,
                    "uint" => uint,
                    "WIDTH" => width,
                    other => other,
                };
                format!("{}{last}", &word[..start])
            }));
        }
    }
    texts
}

/// The text with every word replaced.
fn replace_words(text: &str, replacement: impl Fn(&str) -> String) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(word) = words(rest).next() {
        let start = rest.find(word).expect("a word of the text");
        replaced.push_str(&rest[..start]);
        replaced.push_str(&replacement(word));
        rest = &rest[start + word.len()..];
    }
    replaced + rest
}

/// The names and numbers in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}
