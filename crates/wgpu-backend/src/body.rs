//! A body as the text of a function, and the numbers that it reads from the parameters.

use crate::command::{Call, PARAMETERS, Words, word};
use crate::geometry::{bits, closed, opened, register};
use maniple_ops::wgsl::{self, Features, Watch};
use maniple_ops::{Body, Dtype, Scalar};
use maniple_runtime::{Binding, Launch};
use std::fmt::Write;

/// A body as the text of a function `compute`, and the numbers that it reads: constants, and where floating point flags
/// go.
pub(crate) struct Source {
    pub(crate) body: Body,
    steps: String,
    /// The steps once more, with the flags of each; nothing if nobody wants to know.
    events: Option<String>,
    /// The first of its words.
    first: usize,
}

impl Source {
    /// Nothing if a step has no text or there are too many numbers. Its words begin at `first`.
    pub(crate) fn new(launch: &Launch, body: &Body, features: Features, first: usize) -> Option<Source> {
        if !wgsl::supports(body, features) {
            return None;
        }
        let watched = launch.watched() && !body.steps.is_empty();
        let watch = if watched { Watch::Suspicion } else { Watch::Nothing };
        let events = if watched { Some(wgsl::steps(body, Watch::Flags)?) } else { None };
        let source = Source { steps: wgsl::steps(body, watch)?, events, body: body.clone(), first };
        (4 * (first + source.words()) <= PARAMETERS).then_some(source)
    }

    /// The op table's functions.
    pub(crate) fn operations(&self, folded: Option<maniple_ops::Op>) -> String {
        wgsl::prelude_for(&self.body, folded)
    }

    /// How many words [`Source::push`] appends.
    pub(crate) fn words(&self) -> usize {
        2 * self.body.constants.len() + 1
    }

    /// The word that says where flags go.
    pub(crate) fn report_word(&self) -> usize {
        self.first + 2 * self.body.constants.len()
    }

    /// Appends the constants and where flags go.
    pub(crate) fn push(&self, call: &Call<'_>, words: &mut Words) {
        debug_assert_eq!(words.len(), self.first);
        push_scalars(call.binding, words);
        words.push(call.report);
    }

    /// `compute(bits of each input...) -> Outputs`, whose members `o{i}` are the bits of each output.
    ///
    /// Where flags are wanted, it only looks out for results that may mean some, which are rare, and then has `watch`
    /// compute the element again, step by step: what an element's flags cost hardly shows otherwise.
    pub(crate) fn function(&self) -> String {
        let body = &self.body;
        let dtypes = body.value_dtypes();
        let (mut members, mut inputs) = (String::new(), Vec::new());
        let (mut values, mut results) = (String::new(), Vec::new());
        for (number, &dtype) in body.inputs.iter().enumerate() {
            inputs.push(format!("e{number}: {}", bits(dtype)));
            let value = opened(dtype, &format!("e{number}"));
            let _ = writeln!(values, "let v{number}: {} = {value};", register(dtype));
        }
        for (number, &dtype) in body.constants.iter().enumerate() {
            let name = body.inputs.len() + number;
            let value = scalar_text(dtype, self.first + 2 * number);
            let _ = writeln!(values, "let v{name}: {} = {value};", register(dtype));
        }
        for (number, &output) in body.outputs.iter().enumerate() {
            let dtype = dtypes[output as usize];
            let _ = writeln!(members, "o{number}: {},", bits(dtype));
            results.push(closed(dtype, &format!("v{output}")));
        }
        let (watch, before, after) = match &self.events {
            None => (String::new(), "", String::new()),
            Some(events) => {
                let (mut flags, mut reports) = (String::new(), String::new());
                for step in 0..body.steps.len() {
                    let _ = writeln!(flags, "var f{step} = 0u;");
                    let _ = writeln!(reports, "report({} + {step}u, f{step});", word(self.report_word()));
                }
                let text =
                    format!("fn watch({}) {{\n{values}{flags}{events}{reports}}}\n", inputs.join(", "));
                let again: Vec<String> = (0..body.inputs.len()).map(|number| format!("e{number}")).collect();
                (text, "var seen = false;\n", format!("if (seen) {{ watch({}); }}\n", again.join(", ")))
            }
        };
        format!(
            "{watch}struct Outputs {{\n{members}}}\n\
             fn compute({}) -> Outputs {{\n{values}{before}{}{after}return Outputs({});\n}}\n",
            inputs.join(", "),
            self.steps,
            results.join(", "),
        )
    }
}

/// Appends the values of a launch's constants, two words each; what a kernel of this backend takes is no larger.
pub(crate) fn push_scalars(binding: &Binding, words: &mut Words) {
    for scalar in &binding.scalars {
        let mut bytes = [0u8; 16];
        bytes[..scalar.as_bytes().len()].copy_from_slice(Scalar::as_bytes(scalar));
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        words.extend([word(0), word(4)]);
    }
}

/// The value whose bits begin at a word of the parameters.
pub(crate) fn scalar_text(dtype: Dtype, at: usize) -> String {
    match dtype.size() {
        8 => opened(dtype, &format!("vec2<u32>({}, {})", word(at), word(at + 1))),
        _ => opened(dtype, &word(at)),
    }
}
