//! Which buffer holds which value of a body.

use super::{Argument, Way, may_overlap};
use crate::jit::Section;
use maniple_ops::{Body, Step};
use maniple_runtime::Arg;

/// Gives every value a home: an entry of the table.
pub(super) struct Layout {
    /// The entry of every value; that of a result is known once its step has been placed.
    pub(super) home: Vec<u16>,
    /// Bytes per element of every entry: arguments, constants, temporaries.
    pub(super) items: Vec<usize>,
    /// The last step that uses each value; the number of steps if it is needed at the end of the block.
    last_use: Vec<usize>,
    /// Results whose home is an argument.
    wanted: Vec<Option<u16>>,
    /// Temporaries without a value.
    free: Vec<u16>,
    first_temporary: usize,
}

impl Layout {
    pub(super) fn new(body: &Body, args: &[Arg], arguments: &[Argument]) -> Layout {
        let (values, steps) = (body.values(), body.steps.len());
        let mut last_use = vec![0; values];
        let mut defined_by = vec![0; values];
        let mut result = body.first_result();
        for (at, step) in body.steps.iter().enumerate() {
            step.args().iter().for_each(|&value| last_use[value as usize] = at);
            for _ in 0..step.results() {
                (defined_by[result], last_use[result]) = (at, at);
                result += 1;
            }
        }
        let mut wanted = vec![None; values];
        for (output, &value) in body.outputs.iter().enumerate() {
            let (value, entry) = (value as usize, body.inputs.len() + output);
            last_use[value] = steps;
            if value < body.first_result() || wanted[value].is_some() {
                continue;
            }
            // A step may write to memory only if no later step, nor itself, reads what was there.
            let overwrites = arguments[entry].way == Way::Direct
                && (args[..body.inputs.len()].iter().enumerate()).any(|(input, arg)| {
                    last_use[input] >= defined_by[value] && may_overlap(arg, &args[entry])
                });
            if !overwrites {
                wanted[value] = Some(entry as u16);
            }
        }
        let mut items: Vec<usize> = arguments.iter().map(|argument| argument.item).collect();
        let mut home: Vec<u16> = (0..body.inputs.len() as u16).collect();
        for dtype in &body.constants {
            home.push(items.len() as u16);
            items.push(dtype.size());
        }
        home.resize(values, 0);
        let first_temporary = items.len();
        Layout { home, items, last_use, wanted, free: Vec::new(), first_temporary }
    }

    /// Keeps what a run reads to its end, so that its steps can be run again.
    pub(super) fn keep_inputs(&mut self, section: &Section) {
        for &value in &section.inputs {
            let last_use = &mut self.last_use[value as usize];
            *last_use = (*last_use).max(section.steps.end - 1);
        }
    }

    /// A new entry.
    pub(super) fn extra(&mut self, item: usize) -> u16 {
        self.items.push(item);
        (self.items.len() - 1) as u16
    }

    /// The entry of a step's result.
    pub(super) fn place(&mut self, value: usize, item: usize) -> u16 {
        let entry = self.wanted[value].unwrap_or_else(|| {
            match self.free.iter().rposition(|&entry| self.items[entry as usize] == item) {
                Some(at) => self.free.swap_remove(at),
                None => self.extra(item),
            }
        });
        self.home[value] = entry;
        entry
    }

    /// Frees the temporaries whose last use is step `at`; `defined` values are defined so far.
    pub(super) fn release(&mut self, at: usize, step: &Step, defined: usize) {
        let results = defined - step.results()..defined;
        for value in step.args().iter().map(|&value| value as usize).chain(results) {
            let entry = self.home[value];
            let temporary = entry as usize >= self.first_temporary;
            if temporary && self.last_use[value] == at && !self.free.contains(&entry) {
                self.free.push(entry);
            }
        }
    }
}
