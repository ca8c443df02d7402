//! One piece on the first processor, on the calling thread: for debugging.

use maniple_runtime::{Mapper, Pieces, ProcessorId, Question};

/// Runs everything where it was called.
pub struct Serial;

impl Mapper for Serial {
    fn pieces(&self, _: &Question<'_>) -> Pieces {
        Pieces::Inline
    }

    fn processor(&self, question: &Question<'_>, _: usize, _: usize) -> ProcessorId {
        question.able[0]
    }
}
