//! Where the elements of several views lie, as numbers for a kernel's parameter and as text that reads them.

use crate::command::Words;
pub(crate) use maniple_runtime::Space;
use std::fmt::Write;

/// A space as a kernel sees it.
pub(crate) trait Written {
    /// Appends the numbers that [`Written::text`] reads.
    fn push(&self, words: &mut Words);
    /// The type that numbers the elements.
    fn index(&self) -> &'static str;
    /// Statements that turn the number of an element, the expression `position`, into distances in bytes: variables of
    /// the names `distances`, one for each view. The numbers are at `p.w[first..]`.
    fn text(&self, position: &str, first: usize, distances: &[String]) -> String;
}

impl Written for Space {
    fn push(&self, words: &mut Words) {
        for (axis, &extent) in self.shape.iter().enumerate() {
            words.push(extent as u64);
            words.extend(self.strides.iter().map(|strides| strides[axis] as u64));
        }
    }

    fn index(&self) -> &'static str {
        index_type(self.size())
    }

    fn text(&self, position: &str, first: usize, distances: &[String]) -> String {
        let index = self.index();
        let mut text = String::new();
        let _ = writeln!(text, "{index} rest_{first} = {position};");
        for name in distances {
            let _ = writeln!(text, "long long {name} = 0;");
        }
        for axis in (0..self.ndim()).rev() {
            let at = first + axis * (1 + self.strides.len());
            let coordinate = format!("at_{first}_{axis}");
            if axis == 0 {
                let _ = writeln!(text, "const {index} {coordinate} = rest_{first};");
            } else {
                let _ = writeln!(
                    text,
                    "const {index} extent_{first}_{axis} = ({index})p.w[{at}];\n\
                     const {index} next_{first}_{axis} = rest_{first} / extent_{first}_{axis};\n\
                     const {index} {coordinate} = rest_{first} - next_{first}_{axis} * extent_{first}_{axis};\n\
                     rest_{first} = next_{first}_{axis};"
                );
            }
            for (number, name) in distances.iter().enumerate() {
                let _ = writeln!(
                    text,
                    "{name} += (long long){coordinate} * (long long)p.w[{}];",
                    at + 1 + number
                );
            }
        }
        text
    }
}

/// The type that numbers `size` elements, with room for a step beyond.
pub(crate) fn index_type(size: usize) -> &'static str {
    if size < 1 << 30 { "unsigned int" } else { "unsigned long long" }
}

/// An address: a base of a binding moved by an offset.
pub(crate) fn address(base: u64, offset: isize) -> u64 {
    base.wrapping_add_signed(offset as i64)
}
