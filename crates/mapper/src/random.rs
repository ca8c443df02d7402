//! Seeded random answers: whatever breaks under them is a fault of the runtime.

use maniple_runtime::{Mapper, Pieces, ProcessorId, Question};
use std::sync::atomic::{AtomicU64, Ordering};

/// Any number of pieces up to seven (or exactly those asked for), anywhere.
pub struct Random {
    state: AtomicU64,
    pieces: Option<u32>,
}

impl Random {
    /// A mapper that gives the same answers for the same seed and the same questions.
    pub fn new(seed: u64, pieces: Option<u32>) -> Random {
        Random { state: AtomicU64::new(seed), pieces }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&self, below: u64) -> u64 {
        let mut word = self
            .state
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % below
    }
}

impl Mapper for Random {
    fn pieces(&self, _: &Question<'_>) -> Pieces {
        match (self.pieces, self.next(8)) {
            (Some(pieces), _) => Pieces::Cut(pieces),
            (None, 0) => Pieces::Inline,
            (None, pieces) => Pieces::Cut(pieces as u32),
        }
    }

    fn processor(&self, question: &Question<'_>, _: usize, _: usize) -> ProcessorId {
        question.able[self.next(question.able.len() as u64) as usize]
    }
}
