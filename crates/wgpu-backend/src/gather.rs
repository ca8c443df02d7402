//! Reading by index: every thread finds where an element is, then fetches it. Elements are bits here, of any dtype.

use crate::command::{
    Buffers, Call, Class, Command, PARAMETERS, PLACES, Place, Program, THREADS, Words, begin, word,
};
use crate::geometry::{Written, aligned, fetched, stored};
use crate::map::head;
use maniple_ops::Dtype;
use maniple_runtime::{Arg, Indexed, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// A gather made ready.
pub(crate) struct Gather {
    indexing: Indexing,
    program: OnceLock<Arc<Program>>,
}

impl Gather {
    /// Nothing if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, indexed: &Indexed) -> Option<Gather> {
        let values = launch.args.last()?;
        if values.view.overlaps_itself(values.dtype.size()) {
            return None;
        }
        let indexing = Indexing::new(&launch.args, indexed, launch.args.len() - 1, 0)?;
        Some(Gather { indexing, program: OnceLock::new() })
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let Indexing { args, buffers, .. } = &self.indexing;
            let (last, dtype) = (args.len() - 1, args[0].dtype);
            let mut moves = String::new();
            for part in parts(dtype) {
                let _ = writeln!(
                    moves,
                    "{{ let place = t0 + {0}u; let goal = t{last} + {0}u; let bits = {1}; {2} }}",
                    part.0,
                    fetched(buffers, 0, part.1, "place"),
                    stored(buffers, last, part.1, "goal", "bits"),
                );
            }
            let text = format!("{}{}{moves}}}\n", head(), self.indexing.text());
            Program::new(self.indexing.words(), &buffers.modes, "", &text)
        })
    }
}

impl Class for Gather {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let (places, words) = self.indexing.parameters(call);
        smallvec![Command {
            program: self.program().clone(),
            groups: (call.last - call.first).div_ceil(THREADS),
            places,
            words,
        }]
    }
}

/// The parts as which an element's bits are moved: distances, and integers of their size.
pub(crate) fn parts(dtype: Dtype) -> Vec<(usize, Dtype)> {
    match dtype.size() {
        1 => vec![(0, Dtype::UInt8)],
        2 => vec![(0, Dtype::UInt16)],
        size => (0..size).step_by(4).map(|at| (at, Dtype::UInt32)).collect(),
    }
}

/// How index arrays and an indexed store lead to places.
pub(crate) struct Indexing {
    /// The indexed store, the indices, and the values.
    pub(crate) args: Vec<Arg>,
    pub(crate) buffers: Buffers,
    /// Their common space.
    pub(crate) space: Space,
    /// How many places there are: those of the arguments, and more that a class adds.
    places: usize,
    /// For every index array the extent and the stride of the axis that it indexes.
    axes: Vec<(usize, isize)>,
}

impl Indexing {
    /// Nothing if elements are not where a device can read them at once, or if there are too many numbers. `written` is
    /// the argument that is written, `more` the number of places after those of the arguments.
    pub(crate) fn new(args: &[Arg], indexed: &Indexed, written: usize, more: usize) -> Option<Indexing> {
        let size = args.first()?.dtype.size();
        let steps = |&stride: &isize| stride.unsigned_abs().is_multiple_of(size.min(4));
        if !args.iter().all(aligned)
            || !indexed.strides.iter().all(steps)
            || !indexed.extents.iter().all(|&extent| extent < i32::MAX as usize)
            || args.len() != indexed.strides.len() + 2
        {
            return None;
        }
        let indexing = Indexing {
            args: args.to_vec(),
            buffers: Buffers::new(args, |arg| arg == written && size < 4),
            space: Space::new(args.iter().map(|arg| &arg.view)),
            places: args.len() + more,
            axes: indexed.extents.iter().copied().zip(indexed.strides.iter().copied()).collect(),
        };
        (4 * indexing.words() <= PARAMETERS).then_some(indexing)
    }

    /// Position of the first word after the places: first and last element, then what is known of the axes.
    pub(crate) fn own(&self) -> usize {
        PLACES + self.places
    }

    /// How many words there are.
    pub(crate) fn words(&self) -> usize {
        self.own() + 2 + 2 * self.axes.len() + self.space.words()
    }

    /// Where the arguments are, the range, what is known of the axes, and of the space.
    pub(crate) fn parameters(&self, call: &Call<'_>) -> (SmallVec<[Place; 8]>, Words) {
        let mut words = begin(self.places);
        words.extend([call.first as u32, call.last as u32]);
        words.extend(self.axes.iter().flat_map(|&(extent, stride)| [extent as u32, stride as u32]));
        self.space.push(&mut words);
        let place = |(number, arg): (usize, &Arg)| {
            let base = call.binding.bases[number];
            self.buffers.place(number, arg, base, arg.view.offset, call.first, call.last)
        };
        (self.args.iter().enumerate().map(place).collect(), words)
    }

    /// Statements, after the head of a kernel, that define the number `i` of a thread's element and the places `t0` of
    /// its indexed element and `t{last}` of its value. Indices lie within 32 bits, since extents do.
    pub(crate) fn text(&self) -> String {
        let own = self.own();
        let names: Vec<String> = (0..self.args.len()).map(|number| format!("t{number}")).collect();
        let mut text =
            format!("let i = thread + {};\nif (i >= {}) {{ return; }}\n", word(own), word(own + 1));
        for number in 0..self.args.len() {
            let _ = writeln!(text, "var t{number} = {};", word(PLACES + number));
        }
        text.push_str(&self.space.text("i", own + 2 + 2 * self.axes.len(), &names));
        for number in 0..self.axes.len() {
            let array = number + 1;
            let _ = writeln!(
                text,
                "var x{array} = {};\nif ((x{array} >> 31u) != 0u) {{ x{array} += {}; }}\nt0 += x{array} * {};",
                self.buffers.word(array, &format!("t{array} >> 2u")),
                word(own + 2 + 2 * number),
                word(own + 3 + 2 * number),
            );
        }
        text
    }
}
