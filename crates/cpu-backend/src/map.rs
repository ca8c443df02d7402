//! Element-wise kernels: a body over every element of a piece.

use crate::jit::Jit;
use crate::program::{Program, with_scratch};
use maniple_ops::Body;
use maniple_runtime::{Binding, Launch};
use std::sync::Arc;

/// A map made ready.
pub(crate) struct Map {
    program: Program,
}

impl Map {
    /// Nothing if some step of the body has no function.
    pub(crate) fn new(launch: &Launch, body: &Body, jit: Option<&Arc<Jit>>) -> Option<Map> {
        Some(Map { program: Program::new(launch, body, &launch.args, jit)? })
    }

    /// Computes the elements `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        with_scratch(self.program.scratch(), |scratch| {
            // SAFETY: the caller's promise; a map has no sink.
            unsafe {
                self.program.start(binding, last - first, scratch).evaluate(first, last, &[]);
            }
        });
    }
}
