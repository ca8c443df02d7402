//! Launches that run block by block: all of them on one block of rows, then all on the next.

use crate::Ready;
use crate::jit::Jit;
use maniple_runtime::{Binding, Blocks, Bytes};
use std::cell::RefCell;
use std::sync::Arc;

/// Launches made ready to run block by block.
pub(crate) struct Run {
    blocks: Arc<Blocks>,
    parts: Vec<Ready>,
}

impl Run {
    /// Nothing if one of them is not supported.
    pub(crate) fn new(blocks: &Arc<Blocks>, jit: Option<&Arc<Jit>>) -> Option<Run> {
        let parts: Option<Vec<Ready>> =
            blocks.parts.iter().map(|part| Ready::new(&part.launch, jit)).collect();
        Some(Run { blocks: blocks.clone(), parts: parts? })
    }

    /// Runs the blocks `first..last`.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let blocks = &*self.blocks;
        let mut bindings: Vec<Binding> = (blocks.parts.iter().enumerate())
            .map(|(at, part)| Binding {
                bases: (part.places.iter())
                    .map(|place| if let Bytes::Argument(at) = place { binding.bases[*at] } else { 0 })
                    .collect(),
                scalars: binding.scalars[part.scalars.clone()].into(),
                report: binding.reports.get(at).cloned().flatten(),
                ..Binding::default()
            })
            .collect();
        with_room(blocks.scratch, |room| {
            for block in first..last {
                let row = blocks.row(block);
                for ((part, ready), binding) in blocks.parts.iter().zip(&self.parts).zip(&mut bindings) {
                    let (first, last) = blocks.points(part, block);
                    if first >= last {
                        continue;
                    }
                    for (base, place) in binding.bases.iter_mut().zip(&part.places) {
                        *base = place.base(room, row).unwrap_or(*base);
                    }
                    // SAFETY: the caller's promise; what lives in the scratch memory has room for the rows of a block.
                    unsafe { ready.run(binding, first, last) };
                }
            }
        });
    }
}

/// Gives some work the address of so many bytes of this thread's memory. The work may use scratch memory as well.
fn with_room(bytes: usize, work: impl FnOnce(u64)) {
    #[derive(Clone, Copy)]
    #[repr(align(64))]
    struct Line(#[allow(dead_code, reason = "only its size and alignment matter")] [u8; 64]);
    thread_local! {
        static ROOM: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    }
    ROOM.with(|room| {
        let mut room = room.borrow_mut();
        let lines = bytes.div_ceil(64);
        if room.len() < lines {
            room.resize(lines, Line([0; 64]));
        }
        work(room.as_mut_ptr().expose_provenance() as u64);
    });
}
