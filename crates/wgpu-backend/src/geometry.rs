//! Where elements lie, as numbers for a kernel's parameters and as text that reads them: distances in bytes, modulo 2³².

use crate::command::{Buffers, Mode, Words, word};
use maniple_ops::{Dtype, wgsl};
use maniple_runtime::{Arg, Space};
use std::fmt::Write;

/// A space as a kernel sees it.
pub(crate) trait Written {
    /// Appends the numbers that [`Written::text`] reads.
    fn push(&self, words: &mut Words);
    /// Statements that add to the variables `distances`, one for each view, how far in bytes the element of the number
    /// `position` is from element 0. The numbers are the words from `first` on.
    fn text(&self, position: &str, first: usize, distances: &[String]) -> String;
}

impl Written for Space {
    fn push(&self, words: &mut Words) {
        for (axis, &extent) in self.shape.iter().enumerate() {
            words.push(extent as u32);
            words.extend(self.strides.iter().map(|strides| strides[axis] as u32));
        }
    }

    fn text(&self, position: &str, first: usize, distances: &[String]) -> String {
        let mut text = format!("var rest_{first} = {position};\n");
        for axis in (0..self.ndim()).rev() {
            let at = first + axis * (1 + self.strides.len());
            let coordinate = format!("at_{first}_{axis}");
            let _ = match axis {
                0 => writeln!(text, "let {coordinate} = rest_{first};"),
                _ => writeln!(
                    text,
                    "let next_{first}_{axis} = rest_{first} / {extent};\n\
                     let {coordinate} = rest_{first} - next_{first}_{axis} * {extent};\n\
                     rest_{first} = next_{first}_{axis};",
                    extent = word(at),
                ),
            };
            for (number, name) in distances.iter().enumerate() {
                if self.strides[number][axis] != 0 {
                    let _ = writeln!(text, "{name} += {coordinate} * {};", word(at + 1 + number));
                }
            }
        }
        text
    }
}

/// Whether a kernel can read every element of an argument in whole words, or as a part of one.
pub(crate) fn aligned(arg: &Arg) -> bool {
    let size = arg.dtype.size().min(4);
    let fits = |bytes: isize| bytes.unsigned_abs().is_multiple_of(size);
    fits(arg.view.offset)
        && (arg.view.shape.iter().zip(&arg.view.strides))
            .all(|(&extent, &stride)| extent <= 1 || fits(stride))
}

/// The type of an element in registers. Like the next two, for dtypes that devices hold.
pub(crate) fn register(dtype: Dtype) -> &'static str {
    wgsl::value(dtype).expect("a class refuses what devices do not hold")
}

/// The value that bits mean.
pub(crate) fn opened(dtype: Dtype, bits: &str) -> String {
    wgsl::load(dtype, bits).expect("a class refuses what devices do not hold")
}

/// The bits of a value.
pub(crate) fn closed(dtype: Dtype, value: &str) -> String {
    wgsl::store(dtype, value).expect("a class refuses what devices do not hold")
}

/// The type of an element's bits: whole words, or the low bits of one.
pub(crate) fn bits(dtype: Dtype) -> &'static str {
    if dtype.size() == 8 { "vec2<u32>" } else { "u32" }
}

/// The expression for the bits of an argument's element at byte `at`, a variable.
pub(crate) fn fetched(buffers: &Buffers, arg: usize, dtype: Dtype, at: &str) -> String {
    let first = buffers.word(arg, &format!("{at} >> 2u"));
    match dtype.size() {
        1 => format!("(({first} >> (({at} & 3u) * 8u)) & 0xffu)"),
        2 => format!("(({first} >> (({at} & 2u) * 8u)) & 0xffffu)"),
        4 => first,
        _ => format!("vec2<u32>({first}, {})", buffers.word(arg, &format!("({at} >> 2u) + 1u"))),
    }
}

/// The statement that stores bits as an argument's element at byte `at`; both are variables.
pub(crate) fn stored(buffers: &Buffers, arg: usize, dtype: Dtype, at: &str, bits: &str) -> String {
    stored_in(buffers.of(arg), buffers.modes[buffers.of(arg)], dtype, at, bits)
}

/// The same for an element of a buffer. Where threads share words, each changes its own bits alone.
pub(crate) fn stored_in(binding: usize, mode: Mode, dtype: Dtype, at: &str, bits: &str) -> String {
    let word = |further: &str| format!("b{binding}[({at} >> 2u){further}]");
    let set = |word: String, bits: &str| match mode {
        Mode::Atomic => format!("atomicStore(&{word}, {bits});"),
        _ => format!("{word} = {bits};"),
    };
    match dtype.size() {
        4 => set(word(""), bits),
        8 => format!("{} {}", set(word(""), &format!("{bits}.x")), set(word(" + 1u"), &format!("{bits}.y"))),
        size => {
            let (mask, places) = if size == 1 { ("0xffu", "3u") } else { ("0xffffu", "2u") };
            let shift = format!("(({at} & {places}) * 8u)");
            match mode {
                Mode::Atomic => format!(
                    "atomicAnd(&{word}, ~({mask} << {shift})); atomicOr(&{word}, {bits} << {shift});",
                    word = word("")
                ),
                _ => format!(
                    "{word} = ({word} & ~({mask} << {shift})) | ({bits} << {shift});",
                    word = word("")
                ),
            }
        }
    }
}
